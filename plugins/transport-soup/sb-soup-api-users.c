/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-soup-api-users: `/api/v1/users`, and whom an address reaches. Changes go by `/put_users`. */

#include "sb-soup-api.h"

#include <string.h>

/* Of a search, bytes: no id and no tag is longer. */
#define MAX_SEARCH 256

static void
append_texts (GString *json, const char *const *texts, gsize n)
{
  g_string_append_c (json, '[');
  for (gsize i = 0; i < n; i++)
    {
      if (i > 0)
        g_string_append_c (json, ',');
      sb_json_append_string (json, texts[i]);
    }
  g_string_append_c (json, ']');
}

/* In an object that is being written: all but the queue. */
static void
add_user (GString *json, SbBus *bus, const SbUser *user)
{
  g_autoptr (SbSessionInfo) session = sb_bus_find_session (bus, user);
  g_autofree char *properties = NULL;

  if (user->connection_properties != NULL)
    properties = sb_properties_hide_secrets (user->connection_properties);
  sb_json_add_string (json, "_id", user->id);
  sb_json_add_strings (json, "tags", user->tags);
  sb_json_add_boolean (json, "admin", user->admin);
  if (user->ttl >= 0)
    sb_json_add_integer (json, "ttl", user->ttl);
  else
    sb_json_add_raw (json, "ttl", NULL);
  sb_json_add_boolean (json, "paused", user->paused);
  sb_json_add_boolean (json, "online", session != NULL);
  sb_json_add_string (json, "address", session != NULL ? session->address : NULL);
  sb_json_add_time (json, "last_seen", sb_bus_get_last_seen (bus, user));
  sb_json_add_time (json, "created", user->created);
  sb_json_add_raw (json, "connection_properties", properties);
}

/* In an object that is being written. */
static void
add_queue (GString *json, const SbRecipientInfo *queue)
{
  sb_json_begin (json, "queue", '{');
  sb_api_add_backlog (json, &queue->backlog);
  sb_json_add_integer (json, "in_flight", queue->in_flight);
  sb_json_end (json, '}');
}

/* --- GET /api/v1/users --- */

/* A page whose queues are being looked at. */
typedef struct
{
  SbRequest *request; /* (owned) */
  GPtrArray *users;   /* (owned) */
  guint limit;
} List;

static void
list_free (List *self)
{
  sb_request_unref (self->request);
  g_ptr_array_unref (self->users);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (List, list_free)

/* @queues: (nullable): one for each user */
static void
answer_list (SbRequest *request, GPtrArray *users, GPtrArray *queues, guint limit)
{
  GString *json = sb_api_begin_page ("users");
  const char *next = NULL;

  for (guint i = 0; i < users->len; i++)
    {
      const SbUser *user = g_ptr_array_index (users, i);

      sb_json_begin (json, NULL, '{');
      add_user (json, request->transport->bus, user);
      if (queues != NULL)
        add_queue (json, g_ptr_array_index (queues, i));
      sb_json_end (json, '}');
      if (users->len == limit)
        next = user->id;
    }
  sb_api_answer_page (request, json, next);
}

static void
queues_read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (List) list = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) queues = sb_bus_look_at_queues_finish (SB_BUS (source), result, &error);

  if (queues != NULL)
    answer_list (list->request, list->users, queues, list->limit);
  else
    sb_request_fail (list->request, error, NULL);
}

/* FALSE when it was answered. */
static gboolean
check_list_parameters (SbRequest *request, const char *expand, const char *search)
{
  if (expand != NULL && strcmp (expand, "queue") != 0)
    sb_request_problem (request, 400, "invalid", "expand is queue");
  else if (search != NULL && strlen (search) > MAX_SEARCH)
    sb_request_problem (request, 400, "invalid",
                        "search is longer than " G_STRINGIFY (MAX_SEARCH) " bytes");
  else
    return TRUE;
  return FALSE;
}

/**
 * sb_api_list_users:
 * @request: `GET /api/v1/users`
 * @name: %NULL
 *
 * Lists users by their ids, all or those that match a search, with what waits for them if wanted.
 */
void
sb_api_list_users (SbRequest *request, const char *name)
{
  SbDirectory *directory = sb_accounts_get_directory (request->transport->accounts);
  const char *after = sb_api_get_parameter (request, "after");
  const char *expand = sb_api_get_parameter (request, "expand");
  const char *search = sb_api_get_parameter (request, "search");
  g_autoptr (GPtrArray) users = NULL;
  List *list;
  guint limit;

  if (!sb_api_get_limit (request, &limit) || !check_list_parameters (request, expand, search))
    return;
  users = search != NULL ? sb_directory_search (directory, search, after, limit)
                         : sb_directory_list (directory, after, limit);
  if (expand == NULL)
    {
      answer_list (request, users, NULL, limit);
      return;
    }
  list = g_new (List, 1);
  list->request = sb_request_ref (request);
  list->users = g_ptr_array_ref (users);
  list->limit = limit;
  sb_bus_look_at_queues_async (request->transport->bus, users, queues_read_cb, list);
}

/* --- GET, DELETE /api/v1/users/<user>, GET /api/v1/me --- */

typedef struct
{
  SbRequest *request; /* (owned) */
  gint64 user;        /* key */
} Show;

static void
show_free (Show *self)
{
  sb_request_unref (self->request);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Show, show_free)

static void
looked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Show) show = user_data;
  SbBus *bus = SB_BUS (source);
  SbDirectory *directory = sb_accounts_get_directory (sb_bus_get_accounts (bus));
  const SbUser *user = sb_directory_lookup_key (directory, show->user);
  g_autoptr (GError) error = NULL;
  g_autoptr (SbRecipientInfo) queue = sb_bus_look_at_queue_finish (bus, result, &error);
  GString *json;

  if (queue == NULL)
    {
      sb_request_fail (show->request, error, NULL);
      return;
    }
  if (user == NULL)
    {
      sb_request_problem (show->request, 404, "not-found", "There is no such user any more");
      return;
    }
  json = g_string_new (NULL);
  sb_json_begin (json, NULL, '{');
  add_user (json, bus, user);
  add_queue (json, queue);
  sb_json_end (json, '}');
  sb_request_answer_json (show->request, 200, json);
}

static void
show_user (SbRequest *request, SbUser *user)
{
  Show *show = g_new (Show, 1);

  show->request = sb_request_ref (request);
  show->user = user->key;
  sb_bus_look_at_queue_async (request->transport->bus, user, looked_cb, show);
}

/**
 * sb_api_show_user:
 * @request: `GET /api/v1/users/<user>`
 * @name: the user's id
 *
 * Shows a user without its secrets, with what waits for it.
 */
void
sb_api_show_user (SbRequest *request, const char *name)
{
  SbUser *user = sb_api_find_user (request, name);

  if (user != NULL)
    show_user (request, user);
}

/**
 * sb_api_show_me:
 * @request: `GET /api/v1/me`, by any user
 * @name: %NULL
 *
 * Shows who asks to itself.
 */
void
sb_api_show_me (SbRequest *request, const char *name)
{
  SbUser *user = sb_api_get_current_user (request);
  g_autoptr (GError) error = NULL;

  if (user != NULL)
    {
      show_user (request, user);
      return;
    }
  error = g_error_new_literal (SB_ERROR, SB_ERROR_UNAUTHORIZED, "There is no such user any more");
  sb_request_fail (request, error, NULL);
}

static void
removed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbRequest) request = user_data;
  g_autoptr (GError) error = NULL;

  if (sb_accounts_remove_finish (SB_ACCOUNTS (source), result, &error))
    sb_request_answer (request, 204, NULL, NULL);
  else
    sb_request_fail (request, error, NULL);
}

/**
 * sb_api_remove_user:
 * @request: `DELETE /api/v1/users/<user>`
 * @name: the user's id
 *
 * Removes a user; what waits for it dies.
 */
void
sb_api_remove_user (SbRequest *request, const char *name)
{
  sb_accounts_remove_async (request->transport->accounts, request->user, name, removed_cb,
                            sb_request_ref (request));
}

/* --- POST /api/v1/preview --- */

static void
answer_preview (SbRequest *request, const SbPreview *preview)
{
  GString *json = g_string_new (NULL);

  g_string_append_printf (json, "{\"recipients\":%u,\"ids\":", preview->n_recipients);
  append_texts (json, (const char *const *) preview->ids->pdata, preview->ids->len);
  g_string_append (json, ",\"unknown\":");
  append_texts (json, (const char *const *) preview->unknown->pdata, preview->unknown->len);
  g_string_append_c (json, '}');
  sb_request_answer_json (request, 200, json);
}

/* Returns: (transfer none) (nullable): who would send; %NULL when it was answered */
static SbUser *
get_sender (SbRequest *request, JsonNode *body)
{
  const char *id;

  if (!json_object_has_member (json_node_get_object (body), "sender"))
    return request->user;
  id = sb_api_get_string (body, "sender");
  if (id != NULL)
    return sb_api_find_user (request, id);
  sb_request_problem (request, 400, "invalid", "\"sender\" is not the id of a user");
  return NULL;
}

/**
 * sb_api_preview:
 * @request: `POST /api/v1/preview`
 * @name: %NULL
 *
 * Tells whom addresses reach, without a message.
 */
void
sb_api_preview (SbRequest *request, const char *name)
{
  static const char *const members[] = { "to", "sender", NULL };
  g_autoptr (JsonNode) body = NULL;
  g_autoptr (SbPreview) preview = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *to = NULL;
  JsonObject *object;
  const SbUser *sender;
  guint limit;

  if (!sb_api_get_limit (request, &limit))
    return;
  body = sb_api_parse_body (request, members);
  if (body == NULL)
    return;
  object = json_node_get_object (body);
  sender = get_sender (request, body);
  if (sender == NULL)
    return;
  if (json_object_has_member (object, "to"))
    to = json_to_string (json_object_get_member (object, "to"), FALSE);
  preview = sb_bus_preview (request->transport->bus, sender,
                            (SbSlice) { to, to != NULL ? strlen (to) : 0 }, limit, &error);
  if (preview != NULL)
    answer_preview (request, preview);
  else
    sb_request_fail (request, error, NULL);
}

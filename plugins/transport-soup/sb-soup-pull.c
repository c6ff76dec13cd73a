/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-soup-pull: `/get`, `/confirm` and `/status`, for whoever can hold no socket. */

#include "sb-soup-endpoints.h"
#include "sb-soup-header.h"

#include <string.h>

#define MAX_WAIT 300
#define MIN_VISIBILITY 10
#define MAX_VISIBILITY 3600
#define MAX_CONFIRMATIONS 100000

/* --- GET /get --- */

/* The bodies side by side, byte for byte. */
static GString *
join_messages (GPtrArray *messages)
{
  GString *json;
  gsize length = 2;

  for (guint i = 0; i < messages->len; i++)
    length += sb_message_get_size (g_ptr_array_index (messages, i)) + 1;
  json = g_string_sized_new (length);
  g_string_append_c (json, '[');
  for (guint i = 0; i < messages->len; i++)
    {
      SbMessage *message = g_ptr_array_index (messages, i);
      gsize size;
      const char *data = g_bytes_get_data (message->body, &size);

      if (i > 0)
        g_string_append_c (json, ',');
      g_string_append_len (json, data, (gssize) size);
    }
  g_string_append_c (json, ']');
  return json;
}

static void
fetched_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbRequest) request = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) messages = sb_bus_fetch_finish (SB_BUS (source), result, &error);

  request->waiting = FALSE;
  if (messages != NULL)
    sb_request_answer_json (request, 200, join_messages (messages));
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    sb_request_answer_json (request, 200, g_string_new ("[]"));
  else
    sb_request_fail (request, error, NULL);
}

/**
 * sb_endpoint_get:
 * @request: `GET /get`
 *
 * Gives the user's next deliveries.
 */
void
sb_endpoint_get (SbRequest *request)
{
  SbConfig *config = sb_bus_get_config (request->transport->bus);
  gint64 window = sb_config_get_integer (config, SB_CONFIG_GROUP_BUS, "window");
  gint64 limit = MIN (10, window), wait = 0, visibility = 0;
  g_autoptr (GError) error = NULL;

  if (!sb_query_get_integer (request->query, "limit", 1, window, &limit, &error)
      || !sb_query_get_integer (request->query, "wait", 0, MAX_WAIT, &wait, &error)
      || !sb_query_get_integer (request->query, "visibility", MIN_VISIBILITY, MAX_VISIBILITY,
                                &visibility, &error))
    {
      sb_request_fail (request, error, NULL);
      return;
    }
  if (strcmp (soup_server_message_get_method (request->message), "HEAD") == 0)
    {
      /* Whoever cannot see the messages must not take them. */
      sb_request_answer_json (request, 200, g_string_new ("[]"));
      return;
    }
  request->waiting = wait > 0;
  sb_bus_fetch_async (request->transport->bus, request->user, (guint) limit, wait * G_USEC_PER_SEC,
                      visibility * G_USEC_PER_SEC, request->cancellable, fetched_cb,
                      sb_request_ref (request));
}

/* --- POST /confirm --- */

static void
append_array (GString *json, const char *name, char **strings)
{
  g_string_append_printf (json, "\"%s\":[", name);
  for (gsize i = 0; strings != NULL && strings[i] != NULL; i++)
    {
      if (i > 0)
        g_string_append_c (json, ',');
      sb_json_append_string (json, strings[i]);
    }
  g_string_append_c (json, ']');
}

static void
answer_confirmed (SbRequest *request, char **confirmed, char **unknown)
{
  GString *json = g_string_new ("{");

  append_array (json, "confirmed", confirmed);
  g_string_append_c (json, ',');
  append_array (json, "unknown", unknown);
  g_string_append_c (json, '}');
  sb_request_answer_json (request, 200, json);
}

static void
confirmed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbRequest) request = user_data;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) confirmed = NULL;
  g_auto (GStrv) unknown = NULL;

  if (sb_bus_confirm_finish (SB_BUS (source), result, &confirmed, &unknown, &error))
    answer_confirmed (request, confirmed, unknown);
  else
    sb_request_fail (request, error, NULL);
}

/* Returns: (transfer full) (nullable): the strings of the array that the body is */
static GPtrArray *
read_ids (GBytes *body, GError **error)
{
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) cause = NULL;
  SbSlice document, inner;
  SbStringIter iter;
  gboolean escaped;

  document.data = g_bytes_get_data (body, &document.length);
  if (!sb_json_check (document.data, document.length, error))
    return NULL;
  sb_string_iter_init (&iter, document);
  while (sb_string_iter_next (&iter, &inner, &escaped, &cause))
    {
      char *id = escaped ? sb_json_unescape (inner, error) : g_strndup (inner.data, inner.length);

      if (id == NULL)
        return NULL;
      g_ptr_array_add (ids, id);
      if (ids->len > MAX_CONFIRMATIONS)
        {
          g_set_error (error, SB_ERROR, SB_ERROR_TOO_LARGE, "More than %d ids at once",
                       MAX_CONFIRMATIONS);
          return NULL;
        }
    }
  if (cause != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&cause));
      return NULL;
    }
  g_ptr_array_add (ids, NULL);
  return g_steal_pointer (&ids);
}

/**
 * sb_endpoint_confirm:
 * @request: `POST /confirm`
 *
 * Confirms messages, and answers when that is durable.
 */
void
sb_endpoint_confirm (SbRequest *request)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) ids = read_ids (request->body, &error);

  if (ids == NULL)
    sb_request_fail (request, error, NULL);
  else if (ids->len == 1)
    answer_confirmed (request, NULL, NULL);
  else
    sb_bus_confirm_async (request->transport->bus, request->user, (const char *const *) ids->pdata,
                          confirmed_cb, sb_request_ref (request));
}

/* --- GET /status/<_id> --- */

static void
append_delivery (GString *json, const SbDeliveryStatus *delivery)
{
  sb_json_append_string (json, delivery->recipient);
  g_string_append (json, ":{\"state\":");
  sb_json_append_string (json, sb_delivery_state_to_string (delivery->state));
  g_string_append_printf (json, ",\"attempts\":%u,\"since\":", delivery->attempts);
  sb_json_append_time (json, delivery->since);
  g_string_append (json, ",\"reason\":");
  if (delivery->reason == SB_REASON_NONE)
    g_string_append (json, "null");
  else
    sb_json_append_string (json, sb_reason_to_string (delivery->reason));
  g_string_append_c (json, '}');
}

/**
 * sb_status_print:
 * @state: how a message stands
 *
 * Returns: (transfer full): the document of `/status`
 */
GString *
sb_status_print (const SbMessageStatus *state)
{
  GString *json = g_string_sized_new (128 + 128 * (gsize) state->deliveries->len);

  g_string_append (json, "{\"_id\":");
  sb_json_append_string (json, state->id);
  g_string_append (json, ",\"sender\":");
  sb_json_append_string (json, state->sender);
  g_string_append (json, ",\"accepted\":");
  sb_json_append_time (json, state->accepted);
  g_string_append (json, ",\"recipients\":{");
  for (guint i = 0; i < state->deliveries->len; i++)
    {
      if (i > 0)
        g_string_append_c (json, ',');
      append_delivery (json, g_ptr_array_index (state->deliveries, i));
    }
  g_string_append (json, "}}");
  return json;
}

/**
 * sb_request_answer_status:
 * @request: a request
 * @status: HTTP status
 * @state: how a message stands
 */
void
sb_request_answer_status (SbRequest *request, guint status, SbMessageStatus *state)
{
  sb_request_answer_json (request, status, sb_status_print (state));
}

static void
status_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbRequest) request = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SbMessageStatus) state = sb_bus_status_finish (SB_BUS (source), result, &error);

  if (state != NULL)
    sb_request_answer_status (request, 200, state);
  else
    sb_request_fail (request, error, NULL);
}

/**
 * sb_endpoint_status:
 * @request: `GET /status/<_id>`
 *
 * Tells the sender, or an admin, how a message stands.
 */
void
sb_endpoint_status (SbRequest *request)
{
  g_autofree char *id = sb_request_dup_tail (request, "/status/");

  if (id == NULL || !sb_message_check_id (id, NULL))
    sb_request_problem (request, 404, "not-found", "There is no such message");
  else
    sb_bus_status_async (request->transport->bus, request->user, id, status_cb,
                         sb_request_ref (request));
}

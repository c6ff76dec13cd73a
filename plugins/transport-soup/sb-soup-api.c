/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-api: the way into `/api/v1/`. Nearly all is for admins. A path is matched segment
 * by segment, so that an id with an escaped slash is one segment; a parameter
 * or member that nobody knows is refused rather than ignored.
 */

#include "sb-soup-api.h"
#include "sb-soup-header.h"

#include <string.h>

#define PREFIX "/api/v1/"

/* Of an object, bytes: it is parsed in one go. */
#define MAX_BODY (1024 * 1024)

/* No route has more, so what is behind need not be looked at. */
#define MAX_SEGMENTS 4

typedef struct
{
  const char *method;
  const char *path;       /* {} is any one segment */
  const char *parameters; /* of the query, a space between */
  SbApiFunc handle;
} Route;

static const Route routes[] = {
  { "GET", "overview", "", sb_api_show_overview },
  { "GET", "events", "interval", sb_api_stream_events },
  { "GET", "live", "user what", sb_api_stream_flow },
  { "GET", "health", "", sb_api_show_health },
  { "GET", "configuration", "", sb_api_show_configuration },
  { "GET", "plugins", "", sb_api_list_plugins },
  { "GET", "sessions", "after limit", sb_api_list_sessions },
  { "DELETE", "sessions/{}", "", sb_api_close_session },
  { "GET", "transfers", "limit", sb_api_list_transfers },
  { "GET", "files", "recipient sender after limit", sb_api_list_files },
  { "GET", "files/{}", "after limit", sb_api_show_file },
  { "DELETE", "files/{}", "", sb_api_drop_file },
  { "GET", "queues", "order after limit", sb_api_list_queues },
  { "GET", "queues/{}", "", sb_api_show_queue },
  { "POST", "queues/{}/pause", "", sb_api_pause },
  { "POST", "queues/{}/resume", "", sb_api_resume },
  { "GET", "deliveries", "recipient key sender state after limit", sb_api_list_deliveries },
  { "POST", "deliveries/requeue", "", sb_api_requeue_many },
  { "POST", "deliveries/drop", "", sb_api_drop_many },
  { "POST", "deliveries/move", "", sb_api_move_many },
  { "GET", "deliveries/{}", "", sb_api_show_delivery },
  { "GET", "deliveries/{}/message", "", sb_api_show_message },
  { "POST", "deliveries/{}/requeue", "", sb_api_requeue },
  { "POST", "deliveries/{}/drop", "", sb_api_drop },
  { "POST", "deliveries/{}/move", "", sb_api_move },
  { "GET", "users", "expand search after limit", sb_api_list_users },
  { "POST", "users/import", "check", sb_api_import_users },
  { "GET", "users/{}", "", sb_api_show_user },
  { "DELETE", "users/{}", "", sb_api_remove_user },
  { "POST", "preview", "limit", sb_api_preview },
  { "GET", "backup", "", sb_api_backup },
};

/* For every user; what is told is told of that user, or to everybody. */
static const Route own_routes[] = {
  { "GET", "me", "", sb_api_show_me },
  { "GET", "me/deliveries", "direction after limit", sb_api_list_my_deliveries },
  { "GET", "me/deliveries/{}/message", "", sb_api_show_my_message },
  { "GET", "me/files", "after limit", sb_api_list_my_files },
  { "GET", "messages/{}/events", "", sb_api_follow_message },
  { "POST", "qr", "", sb_api_draw_qr },
  { "POST", "users/{}/settings", "", sb_api_make_settings },
  { "GET", "openapi.json", "", sb_api_show_openapi },
};

/* --- Routes --- */

/* Returns: (transfer full) (nullable): the segments, unescaped; %NULL when one is no text */
static char **
split_path (SbRequest *request)
{
  const char *path = g_uri_get_path (soup_server_message_get_uri (request->message));
  g_auto (GStrv) segments = g_strsplit (path + strlen (PREFIX), "/", MAX_SEGMENTS);

  for (char **segment = segments; *segment != NULL; segment++)
    {
      char *text = g_uri_unescape_string (*segment, NULL);

      if (text == NULL || *text == '\0' || !g_utf8_validate (text, -1, NULL))
        {
          g_free (text);
          return NULL;
        }
      g_free (*segment);
      *segment = text;
    }
  return g_steal_pointer (&segments);
}

static gboolean
matches (const Route *route, char **segments, const char **name)
{
  const char *p = route->path;

  for (; *segments != NULL; segments++)
    {
      gsize length = strcspn (p, "/");

      if (strncmp (p, "{}", length) == 0)
        *name = *segments;
      else if (strlen (*segments) != length || strncmp (*segments, p, length) != 0)
        return FALSE;
      p += length;
      if (*p == '\0')
        return segments[1] == NULL;
      p++;
    }
  return FALSE;
}

/* Returns: (nullable): the route; %NULL with what the path allows, which is nothing when there is
 * no such path */
static const Route *
find_route (const Route *table, gsize n, char **segments, const char *method, const char **name,
            GString *allowed)
{
  if (strcmp (method, "HEAD") == 0)
    method = "GET";
  for (gsize i = 0; segments != NULL && i < n; i++)
    {
      if (!matches (&table[i], segments, name))
        continue;
      if (strcmp (table[i].method, method) == 0)
        return &table[i];
      g_string_append_printf (allowed, ", %s%s", table[i].method,
                              strcmp (table[i].method, "GET") == 0 ? ", HEAD" : "");
    }
  return NULL;
}

static void
answer_unrouted (SbRequest *request, const char *method, GString *allowed)
{
  if (allowed->len == 0)
    {
      sb_request_problem (request, 404, "not-found", "There is nothing at this path");
      return;
    }
  g_string_prepend (allowed, "OPTIONS");
  sb_request_set_header (request, "Allow", allowed->str);
  if (strcmp (method, "OPTIONS") == 0)
    sb_request_answer (request, 200, NULL, NULL);
  else
    sb_request_problem (request, 405, "method-not-allowed", "This path takes other methods");
}

/* --- Who, and with what --- */

/**
 * sb_api_is_admin:
 * @request: a request of somebody who is logged in
 *
 * Returns: whether the user is an admin now; it may have been changed or removed since its password
 *   was checked
 */
gboolean
sb_api_is_admin (SbRequest *request)
{
  const SbUser *user = sb_api_get_current_user (request);

  return user != NULL && user->admin;
}

static gboolean
check_site (SbRequest *request, const char *method)
{
  if (strcmp (method, "GET") == 0 || strcmp (method, "HEAD") == 0
      || !sb_request_is_cross_site (request))
    return TRUE;
  sb_request_problem (request, 403, "forbidden", "The request was sent by another site");
  return FALSE;
}

static gboolean
check_admin (SbRequest *request)
{
  if (sb_api_is_admin (request))
    return TRUE;
  sb_request_problem (request, 403, "forbidden", "This is for admins");
  return FALSE;
}

static gboolean
is_parameter (const Route *route, const char *name)
{
  g_auto (GStrv) names = g_strsplit (route->parameters, " ", -1);

  return g_strv_contains ((const char *const *) names, name);
}

/* Each parameter once, known, with a value that is text. */
static gboolean
is_query_clean (SbRequest *request, const Route *route)
{
  const char *query = g_uri_get_query (soup_server_message_get_uri (request->message));
  guint n = request->query != NULL ? g_hash_table_size (request->query) : 0;
  GHashTableIter iter;
  gpointer name, value;

  if (query == NULL || *query == '\0')
    return TRUE;
  for (const char *p = query; *p != '\0'; p++)
    n -= *p == '&';
  if (n != 1 || strstr (query, "%00") != NULL)
    return FALSE;
  g_hash_table_iter_init (&iter, request->query);
  while (g_hash_table_iter_next (&iter, &name, &value))
    if (!is_parameter (route, name) || !g_utf8_validate (value, -1, NULL))
      return FALSE;
  return TRUE;
}

static gboolean
check_query (SbRequest *request, const Route *route)
{
  g_autofree char *detail = NULL;

  if (is_query_clean (request, route))
    return TRUE;
  detail = g_strdup_printf ("The query takes each of these once and nothing else: %s",
                            *route->parameters != '\0' ? route->parameters : "(none)");
  sb_request_problem (request, 400, "invalid", detail);
  return FALSE;
}

/**
 * sb_endpoint_api:
 * @request: of any method, below `/api/v1/`
 *
 * Finds the function for it.
 */
void
sb_endpoint_api (SbRequest *request)
{
  const char *method = soup_server_message_get_method (request->message);
  g_auto (GStrv) segments = split_path (request);
  g_autoptr (GString) allowed = g_string_new (NULL);
  const char *name = NULL;
  const Route *route;

  if (!check_site (request, method))
    return;
  route = find_route (own_routes, G_N_ELEMENTS (own_routes), segments, method, &name, allowed);
  if (route == NULL && allowed->len == 0)
    {
      if (!check_admin (request))
        return;
      route = find_route (routes, G_N_ELEMENTS (routes), segments, method, &name, allowed);
    }
  if (route == NULL)
    answer_unrouted (request, method, allowed);
  else if (check_query (request, route))
    route->handle (request, name);
}

/* --- What the functions share --- */

/**
 * sb_api_find_user:
 * @request: a request; answered when there is no such user
 * @id: a user's id
 *
 * Returns: (transfer none) (nullable): the user
 */
SbUser *
sb_api_find_user (SbRequest *request, const char *id)
{
  SbUser *user = sb_directory_lookup (sb_accounts_get_directory (request->transport->accounts), id);

  if (user == NULL)
    sb_request_problem (request, 404, "not-found", "There is no such user");
  return user;
}

/**
 * sb_api_get_current_user:
 * @request: a request
 *
 * Returns: (transfer none) (nullable): who asks, as it is now; %NULL when it was removed meanwhile
 */
SbUser *
sb_api_get_current_user (SbRequest *request)
{
  SbDirectory *directory = sb_accounts_get_directory (request->transport->accounts);

  return sb_directory_lookup_key (directory, request->user->key);
}

/**
 * sb_api_get_user_key:
 * @request: a request; answered when the parameter names nobody
 * @parameter: of its query
 * @key: (inout): of the user; left alone when there is no such parameter
 *
 * Returns: whether to go on
 */
gboolean
sb_api_get_user_key (SbRequest *request, const char *parameter, gint64 *key)
{
  const char *id = sb_api_get_parameter (request, parameter);
  const SbUser *user = id != NULL ? sb_api_find_user (request, id) : NULL;

  if (user != NULL)
    *key = user->key;
  return id == NULL || user != NULL;
}

/**
 * sb_api_get_parameter:
 * @request: a request
 * @name: of a parameter
 *
 * Returns: (transfer none) (nullable): its value
 */
const char *
sb_api_get_parameter (SbRequest *request, const char *name)
{
  return request->query != NULL ? g_hash_table_lookup (request->query, name) : NULL;
}

/**
 * sb_api_get_limit:
 * @request: a request; answered when its `limit` is none
 * @limit: (out): rows of a page
 *
 * Returns: whether @limit is set
 */
gboolean
sb_api_get_limit (SbRequest *request, guint *limit)
{
  gint64 value = SB_API_LIMIT;
  g_autoptr (GError) error = NULL;

  if (sb_query_get_integer (request->query, "limit", 1, SB_API_MAX_LIMIT, &value, &error))
    {
      *limit = (guint) value;
      return TRUE;
    }
  sb_request_fail (request, error, NULL);
  return FALSE;
}

static const char *
find_unknown_member (JsonObject *object, const char *const *members)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  json_object_iter_init (&iter, object);
  while (json_object_iter_next (&iter, &name, &node))
    if (!g_strv_contains (members, name))
      return name;
  return NULL;
}

static JsonNode *
parse_object (GBytes *body, const char *const *members, GError **error)
{
  gsize length;
  const char *data = g_bytes_get_data (body, &length);
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  JsonNode *root;
  const char *unknown;

  if (length > MAX_BODY)
    {
      g_set_error (error, SB_ERROR, SB_ERROR_TOO_LARGE, "The body is larger than %d bytes",
                   MAX_BODY);
      return NULL;
    }
  if (!sb_json_check_document (data, length, error)
      || !json_parser_load_from_data (parser, data, (gssize) length, error))
    return NULL;
  root = json_parser_get_root (parser);
  if (!JSON_NODE_HOLDS_OBJECT (root))
    {
      g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID, "The body is not an object");
      return NULL;
    }
  unknown = find_unknown_member (json_node_get_object (root), members);
  if (unknown == NULL)
    return json_node_ref (root);
  g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "\"%s\" is not known here", unknown);
  return NULL;
}

/**
 * sb_api_parse_body:
 * @request: a request; answered when its body is not as it should be
 * @members: (array zero-terminated=1): that it may have
 *
 * Returns: (transfer full) (nullable): the object that the body is
 */
JsonNode *
sb_api_parse_body (SbRequest *request, const char *const *members)
{
  g_autoptr (GError) error = NULL;
  JsonNode *node = parse_object (request->body, members, &error);

  if (node == NULL)
    sb_request_fail (request, error, NULL);
  return node;
}

/**
 * sb_api_get_string:
 * @body: of sb_api_parse_body()
 * @member: a name
 *
 * Returns: (transfer none) (nullable): the member; %NULL when it is not there, or no string
 */
const char *
sb_api_get_string (JsonNode *body, const char *member)
{
  JsonNode *node = json_object_get_member (json_node_get_object (body), member);

  if (node == NULL || json_node_get_value_type (node) != G_TYPE_STRING)
    return NULL;
  return json_node_get_string (node);
}

/**
 * sb_api_begin_page:
 * @member: under which the rows are
 *
 * Returns: (transfer full): a document to which rows are appended, with commas
 */
GString *
sb_api_begin_page (const char *member)
{
  GString *json = g_string_sized_new (4096);

  g_string_append_printf (json, "{\"%s\":[", member);
  return json;
}

/**
 * sb_api_answer_page:
 * @request: a request
 * @json: (transfer full): of sb_api_begin_page()
 * @next: (nullable): what `after` has to be for the next page
 */
void
sb_api_answer_page (SbRequest *request, GString *json, const char *next)
{
  g_string_append (json, "],\"next\":");
  sb_api_append_text (json, next);
  g_string_append_c (json, '}');
  sb_request_answer_json (request, 200, json);
}

/**
 * sb_api_append_text:
 * @json: a document
 * @text: (nullable): a string, or `null`
 */
void
sb_api_append_text (GString *json, const char *text)
{
  if (text != NULL)
    sb_json_append_string (json, text);
  else
    g_string_append (json, "null");
}

/**
 * sb_api_append_time:
 * @json: a document
 * @wall: wall clock, microseconds; 0: `null`
 */
void
sb_api_append_time (GString *json, gint64 wall)
{
  if (wall > 0)
    sb_json_append_time (json, wall);
  else
    g_string_append (json, "null");
}

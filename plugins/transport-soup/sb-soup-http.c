/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-http: the way of a request.
 *
 * As soon as its headers are there, before a byte of the body is taken in, it
 * is known where it goes, who asks and whether the body may be that large. A
 * log-in that has to hash pauses the request at this point. The endpoint runs
 * when the body is complete, and the request is paused until it has answered.
 * A body that is too large for that has a reader, which takes it as it comes.
 */

#include "sb-soup-http.h"

#include "sb-soup-console.h"
#include "sb-soup-endpoints.h"
#include "sb-soup-form.h"
#include "sb-soup-header.h"
#include "sb-soup-signin.h"
#include "sb-soup-tus.h"
#include "sb-soup-upload.h"

#include <string.h>

#define SMALL_BODY (64 * 1024)

typedef enum
{
  ACCESS_ANYBODY,
  ACCESS_USER,
  ACCESS_METRICS, /* an admin, or the metrics token */
} Access;

struct _SbEndpoint
{
  const char *path;   /* all below it when it ends in a slash */
  const char *method; /* (nullable): any; the endpoint looks at it */
  Access access;
  gboolean takes_body; /* up to max-message-size */
  void (*handle) (SbRequest *request);
};

static const SbEndpoint endpoints[] = {
  { "/put", "POST", ACCESS_USER, TRUE, sb_endpoint_put },
  { "/get", "GET", ACCESS_USER, FALSE, sb_endpoint_get },
  { "/confirm", "POST", ACCESS_USER, TRUE, sb_endpoint_confirm },
  { "/status/", "GET", ACCESS_USER, FALSE, sb_endpoint_status },
  { "/download/", "GET", ACCESS_USER, FALSE, sb_endpoint_download },
  { "/download/", "DELETE", ACCESS_USER, FALSE, sb_endpoint_release },
  { "/files/", "OPTIONS", ACCESS_ANYBODY, FALSE, sb_endpoint_tus_options },
  { "/files", "OPTIONS", ACCESS_ANYBODY, FALSE, sb_endpoint_tus_options },
  { "/files/", NULL, ACCESS_USER, FALSE, sb_endpoint_tus },
  { "/files", NULL, ACCESS_USER, FALSE, sb_endpoint_tus },
  { "/put_users", "POST", ACCESS_USER, TRUE, sb_endpoint_put_users },
  { "/signup", "GET", ACCESS_ANYBODY, FALSE, sb_endpoint_sign_up_page },
  { "/signup", "POST", ACCESS_ANYBODY, FALSE, sb_endpoint_sign_up },
  { "/", "GET", ACCESS_ANYBODY, FALSE, sb_endpoint_home },
  { "/console/", "GET", ACCESS_ANYBODY, FALSE, sb_endpoint_console },
  { "/healthz", "GET", ACCESS_ANYBODY, FALSE, sb_endpoint_health },
  { "/readyz", "GET", ACCESS_ANYBODY, FALSE, sb_endpoint_ready },
  { "/metrics", "GET", ACCESS_METRICS, FALSE, sb_endpoint_metrics },
  { "/api/v1/session", "GET", ACCESS_ANYBODY, FALSE, sb_endpoint_session },
  { "/api/v1/session", "POST", ACCESS_ANYBODY, FALSE, sb_endpoint_sign_in },
  { "/api/v1/session", "DELETE", ACCESS_ANYBODY, FALSE, sb_endpoint_sign_out },
  { "/api/v1/signup", "POST", ACCESS_ANYBODY, FALSE, sb_endpoint_sign_up_json },
  { "/api/v1/me/password", "POST", ACCESS_USER, FALSE, sb_endpoint_set_password },
  { "/api/v1/", NULL, ACCESS_USER, TRUE, sb_endpoint_api },
};

static G_DEFINE_QUARK (sb - request, sb_request)

    /* --- Life --- */

    /* The client is gone, or has its answer: what still runs answers into the void. */
    static void detach (SbRequest *self)
{
  if (self->message == NULL)
    return;
  if (self->reader != NULL)
    self->reader->gone (self);
  self->message = NULL;
  g_cancellable_cancel (self->cancellable);
  g_queue_unlink (&self->transport->requests, &self->link);
}

/* The message lets go of its request. */
static void
release_request (gpointer data)
{
  detach (data);
  sb_request_unref (data);
}

static void
disconnected_cb (SoupServerMessage *message, gpointer user_data)
{
  detach (user_data);
}

static SbRequest *
request_new (SbSoupTransport *transport, SoupServerMessage *message, GHashTable *query)
{
  SbRequest *self = g_new0 (SbRequest, 1);
  SbConnection *connection;

  self->refs = 1;
  self->transport = g_object_ref (transport);
  self->message = message;
  self->cancellable = g_cancellable_new ();
  self->query = query != NULL ? g_hash_table_ref (query) : NULL;
  self->link.data = self;
  self->started = g_get_monotonic_time ();
  connection = sb_connection_lookup (soup_server_message_get_remote_address (message));
  g_set_object (&self->connection, connection);
  g_queue_push_tail_link (&transport->requests, &self->link);
  g_object_set_qdata_full (G_OBJECT (message), sb_request_quark (), self, release_request);
  g_signal_connect (message, "disconnected", G_CALLBACK (disconnected_cb), self);
  sb_counter_add (transport->n_requests, 1);
  return self;
}

SbRequest *
sb_request_ref (SbRequest *self)
{
  self->refs++;
  return self;
}

void
sb_request_unref (SbRequest *self)
{
  if (--self->refs > 0)
    return;
  g_clear_object (&self->transport);
  g_clear_object (&self->connection);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->address);
  g_clear_pointer (&self->user, sb_user_unref);
  g_clear_pointer (&self->body, g_bytes_unref);
  g_clear_pointer (&self->query, g_hash_table_unref);
  g_free (self->range);
  g_free (self->id);
  g_free (self);
}

static SbRequest *
get_request (SoupServerMessage *message)
{
  return g_object_get_qdata (G_OBJECT (message), sb_request_quark ());
}

static void
set_phase (SbRequest *self, SbConnectionPhase phase)
{
  if (self->connection != NULL)
    sb_connection_set_phase (self->connection, phase);
}

/* --- What a request says --- */

/**
 * sb_request_get_header:
 * @self: a request whose client is there
 * @name: of the header
 *
 * Returns: (transfer none) (nullable): all its lines, joined by commas
 */
const char *
sb_request_get_header (SbRequest *self, const char *name)
{
  return soup_message_headers_get_list (soup_server_message_get_request_headers (self->message),
                                        name);
}

/**
 * sb_request_set_header:
 * @self: a request
 * @name: of a header of the answer
 * @value: its value
 */
void
sb_request_set_header (SbRequest *self, const char *name, const char *value)
{
  if (self->message != NULL)
    soup_message_headers_replace (soup_server_message_get_response_headers (self->message), name,
                                  value);
}

/**
 * sb_request_get_path:
 * @self: a request whose client is there
 *
 * Returns: (transfer none): its path, escaped as it came
 */
const char *
sb_request_get_path (SbRequest *self)
{
  const char *path = g_uri_get_path (soup_server_message_get_uri (self->message));

  if (soup_server_message_is_options_ping (self->message))
    return "*";
  return *path != '\0' ? path : "/";
}

/**
 * sb_request_dup_tail:
 * @self: a request whose client is there
 * @prefix: what its path begins with
 *
 * Returns: (transfer full) (nullable): the rest, unescaped; %NULL when it is no valid text
 */
char *
sb_request_dup_tail (SbRequest *self, const char *prefix)
{
  g_autofree char *tail = g_uri_unescape_string (sb_request_get_path (self) + strlen (prefix),
                                                 NULL);

  if (tail == NULL || !g_utf8_validate (tail, -1, NULL))
    return NULL;
  return g_steal_pointer (&tail);
}

/**
 * sb_request_get_address:
 * @self: a request
 *
 * Returns: (transfer none) (nullable): where it comes from, trusted proxies looked through
 */
GInetAddress *
sb_request_get_address (SbRequest *self)
{
  GSocketAddress *remote;

  if (self->address != NULL || self->message == NULL)
    return self->address;
  remote = soup_server_message_get_remote_address (self->message);
  if (!G_IS_INET_SOCKET_ADDRESS (remote))
    return NULL;
  self->address = sb_proxy_list_resolve (
      self->transport->proxies, g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (remote)),
      sb_request_get_header (self, "Forwarded"), sb_request_get_header (self, "X-Forwarded-For"));
  return self->address;
}

/**
 * sb_request_dup_address:
 * @self: a request
 *
 * Returns: (transfer full): the same as text
 */
char *
sb_request_dup_address (SbRequest *self)
{
  GInetAddress *address = sb_request_get_address (self);

  return address != NULL ? g_inet_address_to_string (address) : g_strdup ("unknown");
}

static gboolean
is_from_trusted_proxy (SbRequest *self)
{
  GSocketAddress *remote = soup_server_message_get_remote_address (self->message);

  return G_IS_INET_SOCKET_ADDRESS (remote)
         && sb_proxy_list_trusts (self->transport->proxies, g_inet_socket_address_get_address (
                                                                G_INET_SOCKET_ADDRESS (remote)));
}

/**
 * sb_request_is_secure:
 * @self: a request whose client is there
 *
 * Returns: whether the client came over TLS, here or at a trusted proxy
 */
gboolean
sb_request_is_secure (SbRequest *self)
{
  const char *proto;

  if (self->connection != NULL && sb_connection_is_tls (self->connection))
    return TRUE;
  proto = is_from_trusted_proxy (self) ? sb_request_get_header (self, "X-Forwarded-Proto") : NULL;
  return proto != NULL && g_ascii_strcasecmp (proto, "https") == 0;
}

/**
 * sb_request_dup_base_url:
 * @self: a request whose client is there
 *
 * Returns: (transfer full) (nullable): how the outside reaches the bus, without a slash at the
 *   end: `public-url`, else what the request says
 */
char *
sb_request_dup_base_url (SbRequest *self)
{
  const char *url = sb_config_get_string (sb_bus_get_config (self->transport->bus),
                                          SB_CONFIG_GROUP_BUS, "public-url");
  gsize length = url != NULL ? strlen (url) : 0;
  gboolean proxied = is_from_trusted_proxy (self);

  while (length > 0 && url[length - 1] == '/')
    length--;
  if (length > 0)
    return g_strndup (url, length);
  return sb_form_make_base_url (self->connection != NULL && sb_connection_is_tls (self->connection),
                                sb_request_get_header (self, "Host"),
                                proxied ? sb_request_get_header (self, "X-Forwarded-Proto") : NULL,
                                proxied ? sb_request_get_header (self, "X-Forwarded-Host") : NULL);
}

/**
 * sb_request_count_problem:
 * @self: a request
 * @reason: why it is refused; a word of the code
 *
 * Counts an answer that says what went wrong.
 */
void
sb_request_count_problem (SbRequest *self, const char *reason)
{
  const SbSoupTransport *transport = self->transport;
  const SbEndpoint *endpoint = self->endpoint;

  sb_refusals_count (transport->problems, reason);
  /* Without a user it is a log-in that failed, or a body that nobody wanted to read. */
  if (endpoint == NULL || (self->user == NULL && strcmp (reason, "too-large") != 0))
    return;
  if (self->reader == &sb_upload_funcs || endpoint->handle == sb_endpoint_tus)
    sb_refusals_count (transport->refused_uploads, reason);
  else if (endpoint->handle == sb_endpoint_put)
    sb_refusals_count (transport->refused_http, reason);
}

/* --- Headers are there --- */

/* Whether it is also for what all below its path is in. */
static gboolean
is_collection (const SbEndpoint *endpoint)
{
  return endpoint->handle == sb_endpoint_tus || endpoint->handle == sb_endpoint_tus_options;
}

static gboolean
matches_path (const SbEndpoint *endpoint, const char *path)
{
  gsize length = strlen (endpoint->path);

  if (length > 1 && endpoint->path[length - 1] == '/')
    return strncmp (path, endpoint->path, length) == 0
           && (path[length] != '\0' || is_collection (endpoint));
  return strcmp (path, endpoint->path) == 0;
}

static char *
list_methods (const char *path)
{
  GString *list = g_string_new ("OPTIONS");
  gboolean found = strcmp (path, "*") == 0;

  for (gsize i = 0; i < G_N_ELEMENTS (endpoints); i++)
    {
      if (!matches_path (&endpoints[i], path))
        continue;
      found = TRUE;
      g_string_append_printf (list, ", %s%s", endpoints[i].method,
                              strcmp (endpoints[i].method, "GET") == 0 ? ", HEAD" : "");
    }
  return g_string_free (list, !found);
}

static const SbEndpoint *
find_endpoint (const char *path, const char *method)
{
  if (strcmp (method, "HEAD") == 0)
    method = "GET";
  for (gsize i = 0; i < G_N_ELEMENTS (endpoints); i++)
    {
      const char *wanted = endpoints[i].method;

      if ((wanted == NULL || strcmp (method, wanted) == 0) && matches_path (&endpoints[i], path))
        return &endpoints[i];
    }
  return NULL;
}

/* Answers what needs no endpoint: OPTIONS, 404 and 405. */
static void
answer_unrouted (SbRequest *self, const char *path, const char *method)
{
  g_autofree char *allowed = list_methods (path);

  if (allowed == NULL)
    {
      sb_request_problem (self, 404, "not-found", "There is nothing at this path");
      return;
    }
  sb_request_set_header (self, "Allow", allowed);
  if (strcmp (method, "OPTIONS") == 0)
    sb_request_answer (self, 200, NULL, NULL);
  else
    sb_request_problem (self, 405, "method-not-allowed", "This path takes other methods");
}

static void
refuse_size (SbRequest *self)
{
  g_autofree char *detail = g_strdup_printf ("The body is larger than %" G_GSIZE_FORMAT " bytes",
                                             self->limit);

  sb_request_problem (self, 413, "too-large", detail);
}

/* A body that has a reader, or no length and is counted as it comes. */
static void
got_chunk_cb (SoupServerMessage *message, GBytes *chunk, gpointer user_data)
{
  SbRequest *self = get_request (message);

  if (self == NULL || !sb_request_can_answer (self))
    return;
  self->received += g_bytes_get_size (chunk);
  if (self->reader != NULL)
    {
      /* Its length is the reader's affair. */
      if (self->connection != NULL)
        sb_connection_message_done (self->connection);
      self->reader->chunk (self, chunk);
    }
  else if (self->received > self->limit)
    refuse_size (self);
}

static const SbBodyFuncs *
find_reader (SbRequest *self)
{
  if (self->endpoint != NULL && self->endpoint->handle == sb_endpoint_put
      && sb_upload_is_form (self))
    return &sb_upload_funcs;
  if (self->endpoint != NULL && self->endpoint->handle == sb_endpoint_tus)
    return &sb_tus_funcs;
  return NULL;
}

/* Who asks is known. FALSE when the body was refused. */
static gboolean
begin_body (SbRequest *self)
{
  if (self->reader != NULL && sb_request_can_answer (self))
    self->reader->begin (self);
  return sb_request_can_answer (self);
}

/* FALSE when the body was refused. */
static gboolean
check_body (SbRequest *self)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (self->message);
  SoupEncoding encoding = soup_message_headers_get_encoding (headers);
  const char *coding = soup_message_headers_get_list (headers, "Content-Encoding");

  if (encoding == SOUP_ENCODING_NONE)
    return TRUE;
  if (encoding == SOUP_ENCODING_CONTENT_LENGTH
      && soup_message_headers_get_content_length (headers) == 0)
    return TRUE;

  self->has_body = TRUE;
  self->limit = self->endpoint != NULL && self->endpoint->takes_body
                    ? self->transport->max_message_size
                    : SMALL_BODY;
  self->reader = find_reader (self);
  if (encoding == SOUP_ENCODING_CONTENT_LENGTH && self->reader == NULL
      && (guint64) soup_message_headers_get_content_length (headers) > self->limit)
    refuse_size (self);
  else if (coding != NULL && g_ascii_strcasecmp (coding, "identity") != 0)
    sb_request_problem (self, 415, "unsupported", "A body must come without Content-Encoding");
  else if (encoding == SOUP_ENCODING_CHUNKED || self->reader != NULL)
    g_signal_connect (self->message, "got-chunk", G_CALLBACK (got_chunk_cb), NULL);
  if (self->reader != NULL)
    soup_message_body_set_accumulate (soup_server_message_get_request_body (self->message), FALSE);
  return sb_request_can_answer (self);
}

static void
logged_in_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbRequest) self = user_data;
  g_autoptr (GError) error = NULL;

  self->user = sb_accounts_log_in_finish (SB_ACCOUNTS (source), result, &error);
  if (self->user != NULL)
    sb_bus_note_seen (self->transport->bus, self->user);
  if (!sb_request_can_answer (self))
    return;
  if (self->user == NULL)
    {
      sb_request_fail (self, error, NULL);
      return;
    }
  set_phase (self, self->has_body ? SB_CONNECTION_PHASE_BODY : SB_CONNECTION_PHASE_HANDLING);
  if (!begin_body (self))
    return;
  self->paused = FALSE;
  soup_server_message_unpause (self->message);
}

static void
hold (SbRequest *self)
{
  self->paused = TRUE;
  set_phase (self, SB_CONNECTION_PHASE_HANDLING);
  soup_server_message_pause (self->message);
}

static gboolean
has_metrics_token (SbRequest *self, const char *authorization)
{
  const char *given = sb_bearer_parse (authorization);
  const char *token = sb_config_get_string (sb_bus_get_config (self->transport->bus),
                                            SB_CONFIG_GROUP_BUS, "metrics-token");

  return given != NULL && token != NULL && *token != '\0' && sb_secret_matches (given, token);
}

/* Finds out who asks: at once when the password was seen before, else the request waits. */
static void
authenticate (SbRequest *self)
{
  const char *header = sb_request_get_header (self, "Authorization");
  g_autofree char *password = NULL;
  g_autofree char *address = NULL;
  SbUser *user;

  if (self->endpoint->access == ACCESS_METRICS && has_metrics_token (self, header))
    return;
  if (header == NULL && (user = sb_request_sign_in_by_cookie (self)) != NULL)
    {
      self->user = sb_user_ref (user);
      sb_bus_note_seen (self->transport->bus, user);
      return;
    }
  if (!sb_request_can_answer (self))
    return;
  if (!sb_basic_parse (header, &self->id, &password))
    {
      g_autoptr (GError) error = g_error_new_literal (SB_ERROR, SB_ERROR_UNAUTHORIZED,
                                                      "Log in with Basic authentication");

      sb_request_fail (self, error, NULL);
      return;
    }
  user = sb_accounts_recognise (self->transport->accounts, self->id, password);
  if (user != NULL)
    {
      self->user = sb_user_ref (user);
      sb_bus_note_seen (self->transport->bus, user);
      return;
    }
  address = sb_request_dup_address (self);
  hold (self);
  sb_accounts_log_in_async (self->transport->accounts, self->id, password, address,
                            self->cancellable, logged_in_cb, sb_request_ref (self));
}

static gboolean
wants_upgrade (SbRequest *self, const char *path)
{
  const SbSoupPort *port = self->connection != NULL ? sb_connection_get_tag (self->connection)
                                                    : NULL;
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (self->message);

  if (!soup_message_headers_header_equals (headers, "Upgrade", "websocket")
      || strcmp (soup_server_message_get_method (self->message), "GET") != 0)
    return FALSE;
  return (port != NULL && port->any_path) || strcmp (path, "/") == 0 || strcmp (path, "/ws") == 0;
}

static void
headers_cb (SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query,
            gpointer user_data)
{
  SbSoupTransport *transport = user_data;
  g_autoptr (SbRequest) self = sb_request_ref (request_new (transport, message, query));
  const char *method = soup_server_message_get_method (message);

  /* Answers are whole: a client that asks for a range of one must not get it. */
  self->range = g_strdup (sb_request_get_header (self, "Range"));
  soup_message_headers_remove (soup_server_message_get_request_headers (message), "Range");
  self->upgrade = wants_upgrade (self, path);
  self->endpoint = self->upgrade ? NULL : find_endpoint (path, method);
  if (!check_body (self))
    return;
  set_phase (self, self->has_body ? SB_CONNECTION_PHASE_BODY : SB_CONNECTION_PHASE_HANDLING);
  if (transport->is_stopping)
    sb_request_problem (self, 503, "closed", "The bus is stopping");
  else if (self->endpoint == NULL && !self->upgrade)
    answer_unrouted (self, path, method);
  else if (self->endpoint != NULL && self->endpoint->access != ACCESS_ANYBODY)
    authenticate (self);
  if (self->user != NULL)
    begin_body (self);
}

/* --- The request is complete --- */

static void
complete_cb (SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query,
             gpointer user_data)
{
  g_autoptr (SbRequest) self = sb_request_ref (get_request (message));

  self->has_body = FALSE;
  if (self->reader == NULL)
    self->body = soup_message_body_flatten (soup_server_message_get_request_body (message));
  set_phase (self, SB_CONNECTION_PHASE_HANDLING);
  if (self->upgrade)
    {
      sb_session_upgrade (self);
      return;
    }
  if (self->reader != NULL)
    self->reader->end (self);
  else
    self->endpoint->handle (self);
  if (sb_request_can_answer (self))
    hold (self);
}

static void
finished_cb (SoupServer *server, SoupServerMessage *message, gpointer user_data)
{
  SbRequest *self = get_request (message);

  if (self == NULL)
    return;
  if (self->connection != NULL)
    {
      sb_connection_message_done (self->connection);
      set_phase (self, SB_CONNECTION_PHASE_HEADERS);
    }
  detach (self);
}

static void
aborted_cb (SoupServer *server, SoupServerMessage *message, gpointer user_data)
{
  SbRequest *self = get_request (message);

  if (self == NULL)
    return;
  /* libsoup also calls an answer of 500 an abort, and keeps the connection. */
  set_phase (self, SB_CONNECTION_PHASE_HEADERS);
  detach (self);
}

/**
 * sb_http_attach:
 * @transport: a transport with a server
 *
 * Makes the server's requests ours.
 */
void
sb_http_attach (SbSoupTransport *transport)
{
  soup_server_add_early_handler (transport->server, NULL, headers_cb, transport, NULL);
  soup_server_add_handler (transport->server, NULL, complete_cb, transport, NULL);
  g_signal_connect (transport->server, "request-finished", G_CALLBACK (finished_cb), NULL);
  g_signal_connect (transport->server, "request-aborted", G_CALLBACK (aborted_cb), NULL);
}

/**
 * sb_http_cancel_abandoned:
 * @transport: a transport
 *
 * Ends long polls whose client has hung up, which libsoup does not see while
 * they are paused. Called every second.
 */
void
sb_http_cancel_abandoned (SbSoupTransport *transport)
{
  for (GList *l = transport->requests.head; l != NULL;)
    {
      SbRequest *request = l->data;

      l = l->next;
      if (request->waiting && request->connection != NULL
          && sb_connection_has_peer_closed (request->connection))
        g_cancellable_cancel (request->cancellable);
    }
}

/**
 * sb_http_cancel_all:
 * @transport: a transport that stops
 *
 * Ends all long polls, which answer at once with what they have, and refuses the rest of bodies
 * that are read as they come.
 */
void
sb_http_cancel_all (SbSoupTransport *transport)
{
  for (GList *l = transport->requests.head; l != NULL;)
    {
      SbRequest *request = l->data;

      l = l->next;
      if (request->waiting)
        g_cancellable_cancel (request->cancellable);
      else if (request->reader != NULL && request->has_body)
        sb_request_problem (request, 503, "closed", "The bus is stopping");
    }
}

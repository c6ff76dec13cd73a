/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-http: requests to the bus, and what its refusals mean. The log-in goes with each
 * request, so that none is sent twice; redirections are not followed, so that it goes to nobody
 * else.
 */

#include "sb-client-private.h"

#include "sb-client-json.h"

#include <string.h>

/* A connection over which nothing comes for so long is dead. Longer than the bus ever waits. */
#define TIMEOUT 90

/* Requests under way at a time; more wait for their turn. libsoup's own bound is 2. */
#define MAX_CONNECTIONS 64

/* Of an answer that is held in memory, bytes. */
#define MAX_ANSWER (64 * 1024 * 1024)

/* The longest that the bus is asked to wait for confirmations, seconds. */
#define MAX_WAIT 60

/* --- Sessions and messages --- */

/* The environment's proxies. GIO's own resolvers may need a desktop. */
static GProxyResolver *
make_proxy_resolver (const char *url)
{
  const char *name = g_str_has_prefix (url, "https:") ? "https_proxy" : "http_proxy";
  const char *proxy = g_getenv (name);
  const char *exceptions = g_getenv ("no_proxy");
  g_auto (GStrv) ignored = g_strsplit_set (exceptions != NULL ? exceptions : "", ", ", -1);

  if (proxy == NULL || *proxy == '\0')
    return NULL;
  return g_simple_proxy_resolver_new (proxy, ignored);
}

/**
 * sb_client_http_new_session:
 * @settings: of a client
 *
 * Returns: (transfer full): a session for requests to its bus, for the calling thread alone
 */
SoupSession *
sb_client_http_new_session (const SbClientSettings *settings)
{
  g_autoptr (GProxyResolver) resolver = make_proxy_resolver (settings->url);
  SoupSession *session = soup_session_new_with_options (
      "proxy-resolver", resolver, "timeout", TIMEOUT, "idle-timeout", TIMEOUT, "max-conns",
      MAX_CONNECTIONS, "max-conns-per-host", MAX_CONNECTIONS, "user-agent", "libsimplebus ", NULL);

  if (settings->tls_database != NULL)
    soup_session_set_tls_database (session, settings->tls_database);
  return session;
}

static void
log_in (SoupMessage *message, const SbClientSettings *settings)
{
  g_autofree char *pair = g_strdup_printf ("%s:%s", settings->user, settings->password);
  g_autofree char *code = g_base64_encode ((const guchar *) pair, strlen (pair));
  g_autofree char *value = g_strconcat ("Basic ", code, NULL);

  soup_message_headers_replace (soup_message_get_request_headers (message), "Authorization", value);
}

/**
 * sb_client_http_new_message:
 * @settings: of a client
 * @method: of the request
 * @path: on the bus with its query, percent-encoded, or a whole URL below the bus's
 * @error: return location
 *
 * Returns: (transfer full) (nullable): a request with the log-in; %NULL with
 * %SB_CLIENT_ERROR_INVALID
 */
SoupMessage *
sb_client_http_new_message (const SbClientSettings *settings, const char *method, const char *path,
                            GError **error)
{
  gboolean whole = g_str_has_prefix (path, settings->url) && path[strlen (settings->url)] == '/';
  g_autofree char *url = whole ? g_strdup (path) : g_strconcat (settings->url, path, NULL);
  SoupMessage *message = *path == '/' || whole ? soup_message_new (method, url) : NULL;

  if (message == NULL)
    {
      g_set_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_INVALID,
                   "\"%s\" is no address at the bus %s", path, settings->url);
      return NULL;
    }
  soup_message_add_flags (message, SOUP_MESSAGE_NO_REDIRECT | SOUP_MESSAGE_DO_NOT_USE_AUTH_CACHE);
  if (settings->password != NULL)
    log_in (message, settings);
  return message;
}

/* --- Errors --- */

static SbClientError
code_of_status (guint status)
{
  switch (status)
    {
    case 400:
    case 405:
    case 415:
    case 422:
      return SB_CLIENT_ERROR_INVALID;
    case 401:
      return SB_CLIENT_ERROR_UNAUTHORIZED;
    case 403:
      return SB_CLIENT_ERROR_FORBIDDEN;
    case 404:
    case 410:
      return SB_CLIENT_ERROR_NOT_FOUND;
    case 409:
    case 412:
      return SB_CLIENT_ERROR_CONFLICT;
    case 413:
      return SB_CLIENT_ERROR_TOO_LARGE;
    case 408:
    case 504:
      return SB_CLIENT_ERROR_TIMED_OUT;
    case 429:
    case 503:
      return SB_CLIENT_ERROR_BUSY;
    case 502:
      return SB_CLIENT_ERROR_OFFLINE;
    case 507:
      return SB_CLIENT_ERROR_NO_SPACE;
    default:
      return status >= 300 && status < 400 ? SB_CLIENT_ERROR_PROTOCOL : SB_CLIENT_ERROR_FAILED;
    }
}

/* Returns: (transfer full) (nullable): the words of a problem document (RFC 9457) */
static char *
read_problem (GBytes *body)
{
  gsize length = 0;
  const char *text = body != NULL ? g_bytes_get_data (body, &length) : NULL;
  g_autoptr (JsonObject) problem = NULL;
  const char *words;

  if (length > 0)
    problem = sb_client_json_parse_object (text, length);
  if (problem == NULL)
    return NULL;
  words = sb_client_json_get_string (problem, "detail");
  return g_strdup (words != NULL ? words : sb_client_json_get_string (problem, "title"));
}

/**
 * sb_client_http_error:
 * @status: of an answer that is none of success
 * @body: (nullable): of the answer
 * @headers: (nullable): of the answer
 *
 * Returns: (transfer full): the error that it means, in the bus's words
 */
GError *
sb_client_http_error (guint status, GBytes *body, SoupMessageHeaders *headers)
{
  g_autofree char *words = read_problem (body);
  const char *phrase = soup_status_get_phrase (status);

  if (words != NULL)
    return g_error_new_literal (SB_CLIENT_ERROR, code_of_status (status), words);
  if (status == 401)
    return g_error_new_literal (SB_CLIENT_ERROR, SB_CLIENT_ERROR_UNAUTHORIZED,
                                "The bus does not know this user with this password");
  return g_error_new (SB_CLIENT_ERROR, code_of_status (status), "The bus answered %u %s", status,
                      phrase);
}

/**
 * sb_client_http_wrap_error:
 * @error: of libsoup or GIO
 * @url: of the bus
 *
 * Returns: (transfer full): the same as an error of ours; a cancellation stays what it is
 */
GError *
sb_client_http_wrap_error (const GError *error, const char *url)
{
  SbClientError code = SB_CLIENT_ERROR_OFFLINE;

  if (error->domain == SB_CLIENT_ERROR || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return g_error_copy (error);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    code = SB_CLIENT_ERROR_TIMED_OUT;
  else if (error->domain == G_TLS_ERROR)
    code = SB_CLIENT_ERROR_PROTOCOL;
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE))
    code = SB_CLIENT_ERROR_NO_SPACE;
  return g_error_new (SB_CLIENT_ERROR, code, "%s cannot be reached: %s", url, error->message);
}

/**
 * sb_client_http_get_retry_after:
 * @headers: of an answer
 *
 * Returns: how long the bus asks to stay away, in milliseconds, a day at most; 0: it does not say
 */
gint64
sb_client_http_get_retry_after (SoupMessageHeaders *headers)
{
  const char *text = soup_message_headers_get_one (headers, "Retry-After");
  guint64 seconds;

  if (text == NULL || !g_ascii_string_to_unsigned (text, 10, 0, 86400, &seconds, NULL))
    return 0;
  return (gint64) seconds * 1000;
}

/* --- Requests of programs --- */

typedef struct
{
  SbClient *client;     /* (owned) */
  SoupMessage *message; /* (owned) */
  GByteArray *answer;   /* (owned) */
} Call;

static void
call_free (gpointer data)
{
  Call *call = data;

  g_object_unref (call->client);
  g_clear_object (&call->message);
  g_byte_array_unref (call->answer);
  g_free (call);
}

static void
call_fail (GTask *task, const GError *error)
{
  Call *call = g_task_get_task_data (task);

  g_task_return_error (
      task, sb_client_http_wrap_error (error, sb_client_get_settings (call->client)->url));
}

/* Gives the call back when there is nothing more to read. */
static void
call_end (GTask *task)
{
  Call *call = g_task_get_task_data (task);
  guint status = soup_message_get_status (call->message);
  g_autoptr (GBytes) answer = g_bytes_new (call->answer->data, call->answer->len);

  if (SOUP_STATUS_IS_SUCCESSFUL (status))
    g_task_return_pointer (task, g_steal_pointer (&answer), (GDestroyNotify) g_bytes_unref);
  else
    g_task_return_error (
        task,
        sb_client_http_error (status, answer, soup_message_get_response_headers (call->message)));
}

static void
read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GInputStream *stream = G_INPUT_STREAM (source);
  g_autoptr (GTask) task = user_data;
  Call *call = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_input_stream_read_bytes_finish (stream, result, &error);
  gsize length;
  const guint8 *data;

  if (bytes == NULL)
    {
      call_fail (task, error);
      return;
    }
  data = g_bytes_get_data (bytes, &length);
  if (length == 0)
    {
      call_end (task);
      return;
    }
  g_byte_array_append (call->answer, data, (guint) length);
  if (call->answer->len > MAX_ANSWER)
    {
      g_task_return_new_error (task, SB_CLIENT_ERROR, SB_CLIENT_ERROR_TOO_LARGE,
                               "The bus's answer is larger than %d MiB", MAX_ANSWER / 1024 / 1024);
      return;
    }
  g_input_stream_read_bytes_async (stream, 65536, G_PRIORITY_DEFAULT, g_task_get_cancellable (task),
                                   read_cb, g_object_ref (task));
}

static gboolean
is_to_be_streamed (GTask *task)
{
  Call *call = g_task_get_task_data (task);

  return g_task_get_source_tag (task) == sb_client_open_async
         && SOUP_STATUS_IS_SUCCESSFUL (soup_message_get_status (call->message));
}

static void
sent_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GInputStream) stream = soup_session_send_finish (SOUP_SESSION (source), result,
                                                              &error);

  if (stream == NULL)
    call_fail (task, error);
  else if (is_to_be_streamed (task))
    g_task_return_pointer (task, g_steal_pointer (&stream), g_object_unref);
  else
    g_input_stream_read_bytes_async (stream, 65536, G_PRIORITY_DEFAULT,
                                     g_task_get_cancellable (task), read_cb, g_object_ref (task));
}

static void
call_begin (SbClient *self, const char *method, const char *path, GBytes *body, guint wait,
            GTask *owned_task)
{
  g_autoptr (GTask) task = owned_task;
  Call *call = g_new0 (Call, 1);
  g_autoptr (GError) error = NULL;
  SoupMessageHeaders *headers;

  call->client = g_object_ref (self);
  call->answer = g_byte_array_new ();
  g_task_set_task_data (task, call, call_free);
  call->message = sb_client_http_new_message (sb_client_get_settings (self), method, path, &error);
  if (call->message == NULL)
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }
  headers = soup_message_get_request_headers (call->message);
  if (wait > 0)
    {
      g_autofree char *prefer = g_strdup_printf ("wait=%u", MIN (wait, MAX_WAIT));

      soup_message_headers_replace (headers, "Prefer", prefer);
    }
  if (body != NULL)
    soup_message_set_request_body_from_bytes (call->message, "application/json", body);
  soup_session_send_async (sb_client_get_http (self), call->message, G_PRIORITY_DEFAULT,
                           g_task_get_cancellable (task), sent_cb, g_object_ref (task));
}

static gpointer
call_finish (GTask *task, guint *status, GError **error)
{
  Call *call = g_task_get_task_data (task);

  if (status != NULL)
    *status = call->message != NULL ? soup_message_get_status (call->message) : 0;
  return g_task_propagate_pointer (task, error);
}

/**
 * sb_client_call_async:
 * @self: a client
 * @method: of the request, such as `GET`
 * @path: on the bus, percent-encoded, with its query, such as `/api/v1/users?limit=10`
 * @body: (nullable): JSON
 * @cancellable: (nullable): to give it up
 * @callback: (scope async): called when the answer is there
 * @user_data: for @callback
 *
 * Asks the bus for what this library has no words for. No session is needed, nor touched. Nothing
 * is tried a second time. Answers of up to 64 MiB are taken.
 */
void
sb_client_call_async (SbClient *self, const char *method, const char *path, GBytes *body,
                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task;

  g_return_if_fail (SB_IS_CLIENT (self));
  g_return_if_fail (method != NULL);
  g_return_if_fail (path != NULL);

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, sb_client_call_async);
  call_begin (self, method, path, body, 0, task);
}

/**
 * sb_client_call_finish:
 * @self: a client
 * @result: as given to the callback
 * @status: (out) (optional): of HTTP; 0 when there was no answer
 * @error: return location
 *
 * Ends sb_client_call_async().
 *
 * Returns: (transfer full) (nullable): what the bus answered, perhaps nothing; %NULL when it
 * refused, with its words in @error, or could not be reached
 */
GBytes *
sb_client_call_finish (SbClient *self, GAsyncResult *result, guint *status, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return call_finish (G_TASK (result), status, error);
}

/**
 * sb_client_publish_async:
 * @self: a client
 * @draft: what to send
 * @wait: for how many seconds the bus may wait for confirmations before it answers, 60 at most;
 *   0: it answers when the message is accepted
 * @cancellable: (nullable): to give it up, which does not take back what the bus has got already
 * @callback: (scope async): called with the bus's answer
 * @user_data: for @callback
 *
 * Sends one message over HTTP: past the outbox, and without a session. It is for programs that send
 * and end. With an `_id` in the draft it may be repeated until there is an answer, and counts once.
 */
void
sb_client_publish_async (SbClient *self, SbClientDraft *draft, guint wait,
                         GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autofree char *json = NULL;
  g_autoptr (GBytes) body = NULL;
  GTask *task;

  g_return_if_fail (SB_IS_CLIENT (self));
  g_return_if_fail (SB_IS_CLIENT_DRAFT (draft));

  json = sb_client_draft_to_json (draft);
  body = g_bytes_new_take (json, strlen (json));
  g_steal_pointer (&json);
  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, sb_client_publish_async);
  call_begin (self, "POST", "/put", body, wait, task);
}

/**
 * sb_client_publish_finish:
 * @self: a client
 * @result: as given to the callback
 * @status: (out) (optional): 200; 202 when not all had confirmed in time; 0 when there was no
 *   answer
 * @error: return location
 *
 * Ends sb_client_publish_async().
 *
 * Returns: (transfer full) (nullable): the bus's answer, JSON; %NULL with an error
 */
GBytes *
sb_client_publish_finish (SbClient *self, GAsyncResult *result, guint *status, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return call_finish (G_TASK (result), status, error);
}

/**
 * sb_client_open_async:
 * @self: a client
 * @method: of the request
 * @path: on the bus, percent-encoded, with its query
 * @body: (nullable): JSON
 * @cancellable: (nullable): to give it up
 * @callback: (scope async): called when the answer begins
 * @user_data: for @callback
 *
 * As sb_client_call_async() for answers that are long, or that do not end.
 */
void
sb_client_open_async (SbClient *self, const char *method, const char *path, GBytes *body,
                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task;

  g_return_if_fail (SB_IS_CLIENT (self));
  g_return_if_fail (method != NULL);
  g_return_if_fail (path != NULL);

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, sb_client_open_async);
  call_begin (self, method, path, body, 0, task);
}

/**
 * sb_client_open_finish:
 * @self: a client
 * @result: as given to the callback
 * @length: (out) (optional): of the answer in bytes; -1 when it is not known
 * @error: return location
 *
 * Ends sb_client_open_async().
 *
 * Returns: (transfer full) (nullable): the answer, to be read to its end in this main context
 */
GInputStream *
sb_client_open_finish (SbClient *self, GAsyncResult *result, gint64 *length, GError **error)
{
  Call *call = g_task_get_task_data (G_TASK (result));
  SoupMessageHeaders *headers;

  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  if (length != NULL)
    {
      *length = -1;
      headers = call->message != NULL ? soup_message_get_response_headers (call->message) : NULL;
      if (headers != NULL
          && soup_message_headers_get_encoding (headers) == SOUP_ENCODING_CONTENT_LENGTH)
        *length = soup_message_headers_get_content_length (headers);
    }
  return call_finish (G_TASK (result), NULL, error);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-test-http: libsoup's client, one exchange at a time or several. */

#include "sb-test-http.h"

#include <string.h>

struct _SbTestHttp
{
  SoupSession *session;         /* (owned) */
  GTlsCertificate *certificate; /* (owned) (nullable) */
  guint16 port;
  gboolean tls;
  char *authorization; /* (owned) (nullable) */
};

struct _SbTestExchange
{
  SbTestHttp *client;        /* (unowned) */
  SoupMessage *message;      /* (owned) */
  GCancellable *cancellable; /* (owned) */
  GBytes *body;              /* (owned) (nullable) */
  GError *error;             /* (owned) (nullable) */
  gboolean is_done;
};

/* --- Answers --- */

void
sb_test_answer_free (SbTestAnswer *self)
{
  soup_message_headers_unref (self->headers);
  g_clear_pointer (&self->json, json_node_unref);
  g_free (self->body);
  g_free (self);
}

const char *
sb_test_answer_header (SbTestAnswer *self, const char *name)
{
  return soup_message_headers_get_list (self->headers, name);
}

JsonObject *
sb_test_answer_object (SbTestAnswer *self)
{
  if (self->json == NULL || !JSON_NODE_HOLDS_OBJECT (self->json))
    g_error ("the body of the answer %u is no JSON object: %s", self->status, self->body);
  return json_node_get_object (self->json);
}

const char *
sb_test_answer_string (SbTestAnswer *self, const char *member)
{
  return sb_test_json_string (sb_test_answer_object (self), member);
}

void
sb_test_check_status (SbTestAnswer *answer, guint status, const char *file, int line,
                      const char *function)
{
  g_autofree char *text = NULL;

  if (answer->status == status)
    return;
  text = g_strdup_printf ("status is %u instead of %u: %s", answer->status, status, answer->body);
  g_assertion_message (G_LOG_DOMAIN, file, line, function, text);
}

void
sb_test_check_problem (SbTestAnswer *answer, guint status, const char *reason, const char *file,
                       int line, const char *function)
{
  const char *type = sb_test_answer_header (answer, "Content-Type");
  JsonObject *problem;

  sb_test_check_status (answer, status, file, line, function);
  g_assert_nonnull (type);
  g_assert_true (g_str_has_prefix (type, "application/problem+json"));
  problem = sb_test_answer_object (answer);
  g_assert_cmpint (sb_test_json_int (problem, "status"), ==, status);
  g_assert_nonnull (sb_test_json_string (problem, "title"));
  g_assert_nonnull (sb_test_json_string (problem, "detail"));
  if (g_strcmp0 (sb_test_json_string (problem, "reason"), reason) != 0)
    g_assertion_message_cmpstr (G_LOG_DOMAIN, file, line, function, "reason",
                                sb_test_json_string (problem, "reason"), "==", reason);
}

/* --- Clients --- */

SbTestHttp *
sb_test_http_new (guint16 port, const char *user, const char *password)
{
  SbTestHttp *self = g_new0 (SbTestHttp, 1);

  /* Every POST takes a connection of its own; those before it are not to heap up. libsoup may take
   * one that it is just closing, so the time is not one that tests pause for. */
  self->session = soup_session_new_with_options ("max-conns", 1000, "max-conns-per-host", 1000,
                                                 "timeout", 0, "idle-timeout", 7, "proxy-resolver",
                                                 NULL, NULL);
  /* The client logs in by itself, and shows what the bus says when that fails. */
  soup_session_remove_feature_by_type (self->session, SOUP_TYPE_AUTH_MANAGER);
  soup_session_remove_feature_by_type (self->session, SOUP_TYPE_CONTENT_DECODER);
  self->port = port;
  sb_test_http_set_user (self, user, password);
  return self;
}

SbTestHttp *
sb_test_http_for (SbTestDaemon *daemon, const char *user, const char *password)
{
  return sb_test_http_new (sb_test_daemon_get_http_port (daemon), user, password);
}

void
sb_test_http_free (SbTestHttp *self)
{
  soup_session_abort (self->session);
  g_object_unref (self->session);
  g_clear_object (&self->certificate);
  g_free (self->authorization);
  g_free (self);
}

void
sb_test_http_use_tls (SbTestHttp *self)
{
  self->tls = TRUE;
}

GTlsCertificate *
sb_test_http_get_certificate (SbTestHttp *self)
{
  return self->certificate;
}

void
sb_test_http_set_user (SbTestHttp *self, const char *user, const char *password)
{
  g_autofree char *pair = NULL;
  g_autofree char *code = NULL;

  g_clear_pointer (&self->authorization, g_free);
  if (user == NULL)
    return;
  pair = g_strdup_printf ("%s:%s", user, password);
  code = g_base64_encode ((const guchar *) pair, strlen (pair));
  self->authorization = g_strdup_printf ("Basic %s", code);
}

/* --- Exchanges --- */

static gboolean
accept_any_certificate (SoupMessage *message, GTlsCertificate *certificate,
                        GTlsCertificateFlags errors, gpointer user_data)
{
  return TRUE;
}

static void
answered_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  SbTestExchange *exchange = user_data;

  exchange->body = soup_session_send_and_read_finish (SOUP_SESSION (source), result,
                                                      &exchange->error);
  exchange->is_done = TRUE;
}

static SoupMessage *
make_message (SbTestHttp *self, const char *method, const char *path)
{
  g_autofree char *text = g_strdup_printf ("%s://127.0.0.1:%u%s", self->tls ? "https" : "http",
                                           self->port, path);
  g_autoptr (GError) error = NULL;
  g_autoptr (GUri) uri = g_uri_parse (text, SOUP_HTTP_URI_FLAGS, &error);
  SoupMessage *message;

  g_assert_no_error (error);
  message = soup_message_new_from_uri (method, uri);
  soup_message_add_flags (message, SOUP_MESSAGE_NO_REDIRECT);
  if (self->tls)
    g_signal_connect (message, "accept-certificate", G_CALLBACK (accept_any_certificate), NULL);
  if (self->authorization != NULL)
    soup_message_headers_replace (soup_message_get_request_headers (message), "Authorization",
                                  self->authorization);
  return message;
}

SbTestExchange *
sb_test_http_begin (SbTestHttp *self, const char *method, const char *path,
                    const char *const *headers, const char *body, gssize length)
{
  SbTestExchange *exchange = g_new0 (SbTestExchange, 1);

  exchange->client = self;
  exchange->cancellable = g_cancellable_new ();
  exchange->message = make_message (self, method, path);
  if (body != NULL)
    {
      g_autoptr (GBytes) bytes = g_bytes_new (body, length < 0 ? strlen (body) : (gsize) length);

      soup_message_set_request_body_from_bytes (exchange->message, NULL, bytes);
    }
  for (; headers != NULL && headers[0] != NULL; headers += 2)
    soup_message_headers_replace (soup_message_get_request_headers (exchange->message), headers[0],
                                  headers[1]);
  soup_session_send_and_read_async (self->session, exchange->message, G_PRIORITY_DEFAULT,
                                    exchange->cancellable, answered_cb, exchange);
  return exchange;
}

gboolean
sb_test_http_is_done (SbTestExchange *exchange)
{
  return exchange->is_done;
}

static gboolean
is_done (gpointer user_data)
{
  return ((SbTestExchange *) user_data)->is_done;
}

static void
exchange_free (SbTestExchange *exchange)
{
  g_object_unref (exchange->message);
  g_object_unref (exchange->cancellable);
  g_clear_pointer (&exchange->body, g_bytes_unref);
  g_clear_error (&exchange->error);
  g_free (exchange);
}

static SbTestAnswer *
make_answer (SbTestExchange *exchange)
{
  SbTestAnswer *answer = g_new0 (SbTestAnswer, 1);
  gconstpointer data;

  answer->status = soup_message_get_status (exchange->message);
  answer->headers = soup_message_headers_ref (
      soup_message_get_response_headers (exchange->message));
  data = g_bytes_get_data (exchange->body, &answer->length);
  answer->body = g_malloc (answer->length + 1);
  if (answer->length > 0)
    memcpy (answer->body, data, answer->length);
  answer->body[answer->length] = '\0';
  if (answer->body[0] == '{' || answer->body[0] == '[')
    answer->json = json_from_string (answer->body, NULL);
  return answer;
}

SbTestAnswer *
sb_test_http_end (SbTestExchange *exchange)
{
  SbTestAnswer *answer;

  sb_test_wait_for (is_done, exchange, "an HTTP answer");
  g_assert_no_error (exchange->error);
  answer = make_answer (exchange);
  g_set_object (&exchange->client->certificate,
                soup_message_get_tls_peer_certificate (exchange->message));
  exchange_free (exchange);
  return answer;
}

void
sb_test_http_abandon (SbTestExchange *exchange)
{
  g_cancellable_cancel (exchange->cancellable);
  sb_test_wait_for (is_done, exchange, "the end of an HTTP request");
  exchange_free (exchange);
}

SbTestAnswer *
sb_test_http_send (SbTestHttp *self, const char *method, const char *path,
                   const char *const *headers, const char *body, gssize length)
{
  return sb_test_http_end (sb_test_http_begin (self, method, path, headers, body, length));
}

SbTestAnswer *
sb_test_http_get (SbTestHttp *self, const char *path)
{
  return sb_test_http_send (self, "GET", path, NULL, NULL, 0);
}

SbTestAnswer *
sb_test_http_post (SbTestHttp *self, const char *path, const char *body)
{
  return sb_test_http_send (self, "POST", path, NULL, body, -1);
}

SbTestAnswer *
sb_test_http_postf (SbTestHttp *self, const char *path, const char *format, ...)
{
  g_autofree char *body = NULL;
  va_list args;

  va_start (args, format);
  body = g_strdup_vprintf (format, args);
  va_end (args);
  return sb_test_http_post (self, path, body);
}

/* --- What nearly every test begins with --- */

SbTestHttp *
sb_test_make_admin (SbTestDaemon *daemon)
{
  static const char *const headers[] = { "Content-Type", "application/x-www-form-urlencoded",
                                         NULL };
  SbTestHttp *client = sb_test_http_for (daemon, SB_TEST_ADMIN, SB_TEST_ADMIN_PASSWORD);
  g_autoptr (SbTestAnswer) answer = sb_test_http_send (
      client, "POST", "/signup", headers, "name=" SB_TEST_ADMIN "&password=" SB_TEST_ADMIN_PASSWORD,
      -1);

  sb_test_assert_status (answer, 302);
  g_assert_cmpstr (sb_test_answer_header (answer, "Location"), ==, "/");
  return client;
}

void
sb_test_put_users (SbTestHttp *admin, const char *json)
{
  g_autoptr (SbTestAnswer) answer = sb_test_http_post (admin, "/put_users", json);

  sb_test_assert_status (answer, 200);
}

void
sb_test_make_users (SbTestHttp *admin, const char *id, ...)
{
  g_autoptr (GString) json = g_string_new ("[");
  va_list args;

  va_start (args, id);
  for (; id != NULL; id = va_arg (args, const char *))
    g_string_append_printf (json, "%s{\"_id\":\"%s\",\"password\":\"%s-pw\"}",
                            json->len > 1 ? "," : "", id, id);
  va_end (args);
  g_string_append_c (json, ']');
  sb_test_put_users (admin, json->str);
}

SbTestHttp *
sb_test_http_as (SbTestDaemon *daemon, const char *id)
{
  g_autofree char *password = g_strconcat (id, "-pw", NULL);

  return sb_test_http_for (daemon, id, password);
}

char *
sb_test_put (SbTestHttp *client, const char *json)
{
  g_autoptr (SbTestAnswer) answer = sb_test_http_post (client, "/put", json);

  sb_test_assert_status (answer, 200);
  return g_strdup (sb_test_answer_string (answer, "_id"));
}

char *
sb_test_get_state (SbTestHttp *client, const char *id, const char *recipient)
{
  g_autofree char *path = g_strconcat ("/status/", id, NULL);
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (client, path);
  JsonObject *recipients;

  if (answer->status == 404)
    return NULL;
  sb_test_assert_status (answer, 200);
  recipients = sb_test_json_member (sb_test_answer_object (answer), "recipients");
  if (!json_object_has_member (recipients, recipient))
    return NULL;
  return g_strdup (sb_test_json_string (sb_test_json_member (recipients, recipient), "state"));
}

typedef struct
{
  SbTestHttp *client;
  const char *id;
  const char *recipient;
  const char *state;
} Expected;

static gboolean
has_state (gpointer user_data)
{
  Expected *expected = user_data;
  g_autofree char *state = sb_test_get_state (expected->client, expected->id, expected->recipient);

  return g_strcmp0 (state, expected->state) == 0;
}

static gboolean
on_tick (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

void
sb_test_wait_state (SbTestHttp *client, const char *id, const char *recipient, const char *state)
{
  Expected expected = { client, id, recipient, state };
  guint tick = g_timeout_add (10, on_tick, NULL);

  sb_test_wait_for (has_state, &expected, state);
  g_source_remove (tick);
}

double
sb_test_get_metric (SbTestHttp *admin, const char *name)
{
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (admin, "/metrics");
  g_autofree char *start = g_strdup_printf ("\n%s ", name);
  const char *line;

  sb_test_assert_status (answer, 200);
  line = strstr (answer->body, start);
  if (line == NULL)
    g_error ("there is no metric %s in %s", name, answer->body);
  return g_ascii_strtod (line + strlen (start), NULL);
}

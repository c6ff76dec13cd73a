/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-http: what a client asks of a bus without a session, and what the bus's refusals become. */

#include "sb-test-file.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <simplebus-client.h>
#include <string.h>

/* --- Waiting for answers --- */

static void
keep_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static gboolean
is_kept (gpointer result)
{
  return *(GAsyncResult **) result != NULL;
}

/* Returns: (transfer full) (nullable): the answer */
static char *
call (SbClient *client, const char *method, const char *path, const char *body, guint *status,
      GError **error)
{
  g_autoptr (GBytes) bytes = body != NULL ? g_bytes_new (body, strlen (body)) : NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GBytes) answer = NULL;

  sb_client_call_async (client, method, path, bytes, NULL, keep_cb, &result);
  sb_test_wait_for (is_kept, &result, "an answer");
  answer = sb_client_call_finish (client, result, status, error);
  return answer != NULL ? g_strndup (g_bytes_get_data (answer, NULL), g_bytes_get_size (answer))
                        : NULL;
}

/* Returns: (transfer full) (nullable): the answer */
static char *
publish (SbClient *client, const char *json, guint wait, guint *status, GError **error)
{
  g_autoptr (SbClientDraft) draft = sb_client_draft_new_from_json (json, error);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GBytes) answer = NULL;

  g_assert_nonnull (draft);
  sb_client_publish_async (client, draft, wait, NULL, keep_cb, &result);
  sb_test_wait_for (is_kept, &result, "an answer");
  answer = sb_client_publish_finish (client, result, status, error);
  return answer != NULL ? g_strndup (g_bytes_get_data (answer, NULL), g_bytes_get_size (answer))
                        : NULL;
}

static SbClient *
make_client (SbTestDaemon *daemon, const char *user, const char *password)
{
  g_autofree char *url = g_strdup_printf ("http://127.0.0.1:%u/",
                                          sb_test_daemon_get_http_port (daemon));

  return sb_client_new (url, user, password);
}

/* --- The bus --- */

static void
publishing_tells_what_the_bus_made_of_it (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbClient) alice = make_client (bus->daemon, "alice", "alice-pw");
  const char *message = "{\"to\":\"#orders\",\"_id\":\"m-1\",\"message\":1.10}";
  g_autoptr (GError) error = NULL;
  guint status = 0;
  g_autofree char *first = publish (alice, message, 0, &status, &error);
  g_autofree char *second = publish (alice, message, 0, &status, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (status, ==, 200);
  g_assert_cmpstr (first, ==, "{\"_id\":\"m-1\",\"recipients\":2}");
  g_assert_nonnull (strstr (second, "\"duplicate\":true"));
}

static void
publishing_may_wait_for_confirmations (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbClient) alice = make_client (bus->daemon, "alice", "alice-pw");
  g_autoptr (GError) error = NULL;
  guint status = 0;
  g_autofree char *answer = publish (alice, "{\"to\":\"@bob\",\"message\":1}", 1, &status, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (status, ==, 202);
  g_assert_nonnull (strstr (answer, "bob"));
}

static void
refusals_are_errors_in_the_words_of_the_bus (void)
{
  static const struct
  {
    const char *method, *path, *body;
    SbClientError code;
    const char *words;
  } rows[] = {
    { "POST", "/put", "{\"to\":\"@nobody\",\"message\":1}", SB_CLIENT_ERROR_NOT_FOUND, "" },
    { "POST", "/put", "{\"to\":", SB_CLIENT_ERROR_INVALID, "at byte" },
    { "POST", "/put", "{\"to\":[],\"message\":1}", SB_CLIENT_ERROR_INVALID, "" },
    { "GET", "/api/v1/users", NULL, SB_CLIENT_ERROR_FORBIDDEN, "admins" },
    { "GET", "/nothing", NULL, SB_CLIENT_ERROR_NOT_FOUND, "" },
    { "PUT", "/put", "x", SB_CLIENT_ERROR_INVALID, "" },
    { "GET", "nothing", NULL, SB_CLIENT_ERROR_INVALID, "no address" },
    { "GET", "http://elsewhere.example/", NULL, SB_CLIENT_ERROR_INVALID, "no address" },
  };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbClient) alice = make_client (bus->daemon, "alice", "alice-pw");

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      guint status = 1;

      g_assert_null (call (alice, rows[i].method, rows[i].path, rows[i].body, &status, &error));
      g_assert_error (error, SB_CLIENT_ERROR, (int) rows[i].code);
      g_assert_nonnull (strstr (error->message, rows[i].words));
      g_assert_false (sb_client_error_is_transient (error));
    }
}

static void
a_wrong_password_is_no_offline_bus (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbClient) alice = make_client (bus->daemon, "alice", "wrong");
  g_autoptr (GError) error = NULL;
  guint status = 0;

  g_assert_null (call (alice, "GET", "/get?limit=1", NULL, &status, &error));
  g_assert_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_UNAUTHORIZED);
  g_assert_cmpuint (status, ==, 401);
}

static void
a_bus_that_is_not_there_is_offline (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbClient) alice = make_client (bus->daemon, "alice", "alice-pw");
  g_autoptr (GError) error = NULL;
  guint status = 1;

  sb_test_daemon_terminate (bus->daemon);
  g_assert_null (call (alice, "GET", "/get", NULL, &status, &error));
  g_assert_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_OFFLINE);
  g_assert_true (sb_client_error_is_transient (error));
  g_assert_cmpuint (status, ==, 0);
}

static void
an_answer_may_be_streamed (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autofree char *bytes = g_strnfill (300000, 'x');
  g_autofree char *path = sb_test_put_file (bus->alice, "{\"to\":\"@bob\",\"message\":1}", "a.txt",
                                            bytes, 300000);
  g_autoptr (SbClient) bob = make_client (bus->daemon, "bob", "bob-pw");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GOutputStream) output = g_memory_output_stream_new_resizable ();
  g_autoptr (GInputStream) stream = NULL;
  g_autoptr (GError) error = NULL;
  gint64 length = 0;

  sb_client_open_async (bob, "GET", path, NULL, NULL, keep_cb, &result);
  sb_test_wait_for (is_kept, &result, "the beginning of the file");
  stream = sb_client_open_finish (bob, result, &length, &error);
  g_assert_no_error (error);
  g_assert_cmpint (length, ==, 300000);
  g_assert_cmpint (
      g_output_stream_splice (output, stream, G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET, NULL, &error),
      ==, 300000);
}

/* --- Servers that are no bus --- */

typedef struct
{
  SoupServer *server; /* (owned) */
  guint status;
  const char *type;
  GBytes *body; /* (owned) */
  guint n_requests;
} Stranger;

static void
answer_cb (SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query,
           gpointer user_data)
{
  Stranger *self = user_data;

  self->n_requests++;
  soup_message_headers_replace (soup_server_message_get_response_headers (message), "Location",
                                "/elsewhere");
  soup_server_message_set_response (message, self->type, SOUP_MEMORY_COPY,
                                    g_bytes_get_data (self->body, NULL),
                                    g_bytes_get_size (self->body));
  soup_server_message_set_status (message, self->status, NULL);
}

static SbClient *
start_stranger (Stranger *self)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *url = NULL;
  GSList *uris;

  self->server = soup_server_new (NULL, NULL);
  soup_server_add_handler (self->server, NULL, answer_cb, self, NULL);
  soup_server_listen_local (self->server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, &error);
  g_assert_no_error (error);
  uris = soup_server_get_uris (self->server);
  url = g_uri_to_string (uris->data);
  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);
  return sb_client_new (url, "alice", "alice-pw");
}

static void
stop_stranger (Stranger *self)
{
  g_clear_object (&self->server);
  g_clear_pointer (&self->body, g_bytes_unref);
}

/* Who follows gives the password to whomever the answer names. */
static void
redirections_are_not_followed (void)
{
  Stranger stranger = { .status = 307, .type = "text/plain", .body = g_bytes_new_static ("", 0) };
  g_autoptr (SbClient) client = start_stranger (&stranger);
  g_autoptr (GError) error = NULL;

  g_assert_null (call (client, "GET", "/get", NULL, NULL, &error));
  g_assert_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_PROTOCOL);
  g_assert_cmpuint (stranger.n_requests, ==, 1);
  stop_stranger (&stranger);
}

static void
strange_refusals_do_no_harm (void)
{
  g_autofree char *deep = g_strnfill (200000, '[');
  const char *const bodies[] = {
    "", "<html>", "[]", "{\"detail\":17,\"title\":{}}", "{\"detail\":null}", "\xff", deep
  };

  for (gsize i = 0; i < G_N_ELEMENTS (bodies); i++)
    {
      Stranger stranger = { .status = 503,
                            .type = "application/problem+json",
                            .body = g_bytes_new_static (bodies[i], strlen (bodies[i])) };
      g_autoptr (SbClient) client = start_stranger (&stranger);
      g_autoptr (GError) error = NULL;

      g_assert_null (call (client, "GET", "/get", NULL, NULL, &error));
      g_assert_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_BUSY);
      g_assert_nonnull (strstr (error->message, "503"));
      stop_stranger (&stranger);
    }
}

static void
an_answer_without_end_is_refused (void)
{
  Stranger stranger = { .status = 200, .type = "application/json" };
  g_autoptr (SbClient) client = NULL;
  g_autoptr (GError) error = NULL;

  stranger.body = g_bytes_new_take (g_malloc0 (65 * 1024 * 1024), 65 * 1024 * 1024);
  client = start_stranger (&stranger);
  g_assert_null (call (client, "GET", "/get", NULL, NULL, &error));
  g_assert_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_TOO_LARGE);
  stop_stranger (&stranger);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/client/http/publishing-tells-what-the-bus-made-of-it",
                   publishing_tells_what_the_bus_made_of_it);
  g_test_add_func ("/client/http/publishing-may-wait-for-confirmations",
                   publishing_may_wait_for_confirmations);
  g_test_add_func ("/client/http/refusals-are-errors-in-the-words-of-the-bus",
                   refusals_are_errors_in_the_words_of_the_bus);
  g_test_add_func ("/client/http/a-wrong-password-is-no-offline-bus",
                   a_wrong_password_is_no_offline_bus);
  g_test_add_func ("/client/http/a-bus-that-is-not-there-is-offline",
                   a_bus_that_is_not_there_is_offline);
  g_test_add_func ("/client/http/an-answer-may-be-streamed", an_answer_may_be_streamed);
  g_test_add_func ("/client/http/redirections-are-not-followed", redirections_are_not_followed);
  g_test_add_func ("/client/http/strange-refusals-do-no-harm", strange_refusals_do_no_harm);
  g_test_add_func ("/client/http/an-answer-without-end-is-refused",
                   an_answer_without_end_is_refused);
  return g_test_run ();
}

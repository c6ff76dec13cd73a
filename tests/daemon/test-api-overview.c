/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-api-overview: the bus at a glance, once and as a stream of events; sessions, and parts. */

#include "sb-test-raw.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <string.h>

/* Base64 of admin:secret and alice:alice-pw */
#define ADMIN "YWRtaW46c2VjcmV0"
#define ALICE "YWxpY2U6YWxpY2UtcHc="

static SbTestAnswer *
request (SbTestHttp *client, const char *method, const char *path)
{
  return sb_test_http_send (client, method, path, NULL, NULL, -1);
}

static JsonObject *
get_member (SbTestAnswer *answer, const char *member)
{
  sb_test_assert_status (answer, 200);
  return sb_test_json_member (sb_test_answer_object (answer), member);
}

/* --- Overview --- */

static void
test_shows_what_waits (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", NULL);
  g_autoptr (SbTestWs) carol = sb_test_ws_log_in_as (bus->daemon, "carol", NULL);
  g_autofree char *one = sb_test_put (bus->alice, "{\"to\":[\"@bob\",\"@carol\"],\"message\":1}");
  g_autofree char *two = sb_test_put (bus->alice,
                                      "{\"to\":\"@bob\",\"message\":2,\"not_before\":4000000000}");
  g_autoptr (SbTestAnswer) answer = request (bus->admin, "GET", "/api/v1/overview");
  JsonObject *messages = get_member (answer, "messages");
  JsonObject *backlog = get_member (answer, "backlog");
  JsonObject *users = get_member (answer, "users");

  g_assert_cmpint (sb_test_json_int (messages, "accepted"), ==, 2);
  g_assert_cmpint (sb_test_json_int (messages, "sent"), ==, 1);
  g_assert_cmpint (sb_test_json_int (messages, "confirmed"), ==, 0);
  g_assert_cmpint (sb_test_json_int (backlog, "pending"), ==, 2);
  g_assert_cmpint (sb_test_json_int (backlog, "sent"), ==, 1);
  g_assert_cmpint (sb_test_json_int (backlog, "scheduled"), ==, 1);
  g_assert_cmpint (sb_test_json_int (backlog, "messages"), ==, 2);
  g_assert_cmpint (sb_test_json_int (users, "total"), ==, 4);
  g_assert_cmpint (sb_test_json_int (users, "online"), ==, 1);
  g_assert_cmpint (sb_test_json_int (get_member (answer, "journal"), "batches"), >, 2);
  g_assert_cmpint (sb_test_json_int (get_member (answer, "disk"), "size"), >, 0);
  g_assert_cmpint (sb_test_json_int (get_member (answer, "process"), "memory"), >, 1000000);
}

static void
test_counts_recipients_by_state (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) answer = NULL;
  JsonObject *recipients;

  sb_test_put_users (bus->admin, "[{\"_id\":\"erp\",\"password\":\"p\",\"connection_properties\":"
                                 "{\"url\":\"http://127.0.0.1:1/x\"}},"
                                 "{\"_id\":\"odd\",\"password\":\"p\",\"connection_properties\":"
                                 "{\"type\":\"fax\",\"url\":\"fax:1\"}}]");
  answer = request (bus->admin, "GET", "/api/v1/overview");
  recipients = get_member (answer, "recipients");
  g_assert_cmpint (sb_test_json_int (recipients, "ok"), ==, 1);
  g_assert_cmpint (sb_test_json_int (recipients, "faulty"), ==, 1);
}

static void
test_shows_alarms (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.max-users=5", NULL);
  g_autoptr (SbTestAnswer) answer = NULL;
  JsonObject *alarm;

  sb_test_daemon_wait_log (bus->daemon, "there are many users");
  answer = request (bus->admin, "GET", "/api/v1/overview");
  alarm = json_array_get_object_element (
      json_object_get_array_member (sb_test_answer_object (answer), "alarms"), 0);
  g_assert_cmpstr (sb_test_json_string (alarm, "limit"), ==, "users");
  g_assert_cmpstr (sb_test_json_string (alarm, "key"), ==, "max-users");
  g_assert_cmpfloat (json_object_get_double_member (alarm, "ratio"), ==, 0.8);
}

/* --- Events --- */

static void
ask_for_events (SbTestRaw *raw, const char *login, const char *query)
{
  g_autofree char *head = g_strdup_printf ("GET /api/v1/events%s HTTP/1.1\r\nHost: x\r\n"
                                           "Authorization: Basic %s\r\n\r\n",
                                           query, login);

  sb_test_raw_send (raw, head);
}

static SbTestRaw *
open_events (SbTestSite *bus, const char *login, const char *query)
{
  SbTestRaw *raw = sb_test_raw_new (sb_test_daemon_get_http_port (bus->daemon));

  ask_for_events (raw, login, query);
  return raw;
}

/* The next line that begins so, without that; NULL at the end of the stream. */
static char *
read_field (SbTestRaw *raw, const char *name)
{
  char *line;

  while ((line = sb_test_raw_read_line (raw)) != NULL)
    {
      if (g_str_has_prefix (line, name))
        {
          memmove (line, line + strlen (name), strlen (line + strlen (name)) + 1);
          return line;
        }
      g_free (line);
    }
  return NULL;
}

static gint64
read_accepted (SbTestRaw *raw)
{
  g_autofree char *data = read_field (raw, "data: ");
  JsonObject *object;
  gint64 accepted;

  g_assert_nonnull (data);
  object = sb_test_json_object (data);
  accepted = sb_test_json_int (sb_test_json_member (object, "messages"), "accepted");
  json_object_unref (object);
  return accepted;
}

static void
test_streams_overviews (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestRaw) raw = open_events (bus, ADMIN, "");
  g_autofree char *status = sb_test_raw_read_line (raw);
  g_autofree char *type = read_field (raw, "Content-Type: ");
  g_autofree char *event = read_field (raw, "event: ");
  g_autofree char *id = NULL;
  gint64 first = read_accepted (raw);

  g_assert_cmpstr (status, ==, "HTTP/1.1 200 OK");
  g_assert_cmpstr (type, ==, "text/event-stream");
  g_assert_cmpstr (event, ==, "overview");
  g_assert_cmpint (first, ==, 0);
  id = sb_test_put (bus->alice, "{\"to\":\"@bob\",\"message\":1}");
  g_assert_cmpint (read_accepted (raw), ==, 1);
}

static void
test_answers_a_head_of_events (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) answer = request (bus->admin, "HEAD", "/api/v1/events");

  sb_test_assert_status (answer, 200);
  g_assert_cmpuint (answer->length, ==, 0);
}

/* The stream says why it is over, and the connection is closed. */
static void
expect_end (SbTestRaw *raw, const char *reason)
{
  g_autofree char *event = read_field (raw, "event: end");
  g_autofree char *data = NULL;
  g_autofree char *expected = g_strdup_printf ("{\"reason\":\"%s\"}", reason);

  g_assert_nonnull (event);
  data = read_field (raw, "data: ");
  g_assert_cmpstr (data, ==, expected);
  g_assert_null (read_field (raw, "data: "));
}

static const struct
{
  const char *name;
  const char *users; /* what is changed */
} losses[] = {
  { "password", "[{\"_id\":\"alice\",\"password\":\"another\"}]" },
  { "rights", "[{\"_id\":\"alice\",\"admin\":false}]" },
  { "account", NULL },
};

static void
test_events_end_when_the_user_loses_access (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (losses); i++)
    {
      g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
      g_autoptr (SbTestRaw) raw = NULL;
      g_autofree char *first = NULL;

      g_test_message ("%s", losses[i].name);
      sb_test_put_users (bus->admin, "[{\"_id\":\"alice\",\"admin\":true}]");
      raw = open_events (bus, ALICE, "?interval=60");
      first = read_field (raw, "data: ");
      if (losses[i].users != NULL)
        sb_test_put_users (bus->admin, losses[i].users);
      else
        {
          g_autoptr (SbTestAnswer) gone = request (bus->admin, "DELETE", "/api/v1/users/alice");

          sb_test_assert_status (gone, 204);
        }
      expect_end (raw, "forbidden");
    }
}

static void
test_events_end_when_who_opened_them_signs_out (void)
{
  static const char *const console[] = { "X-Simplebus-Console", "1", NULL };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestHttp) browser = sb_test_http_for (bus->daemon, NULL, NULL);
  g_autoptr (SbTestRaw) raw = sb_test_raw_new (sb_test_daemon_get_http_port (bus->daemon));
  g_autoptr (SbTestAnswer) in = sb_test_http_send (browser, "POST", "/api/v1/session", console,
                                                   "{\"user\":\"admin\",\"password\":\"secret\"}",
                                                   -1);
  g_autofree char *cookie = g_strdup (sb_test_answer_header (in, "Set-Cookie"));
  g_autofree char *head = NULL;
  g_autofree char *first = NULL;
  g_autoptr (SbTestAnswer) out = NULL;

  sb_test_assert_status (in, 200);
  cookie[strcspn (cookie, ";")] = '\0';
  head = g_strdup_printf ("GET /api/v1/events HTTP/1.1\r\nHost: x\r\nCookie: %s\r\n\r\n", cookie);
  sb_test_raw_send (raw, head);
  first = read_field (raw, "data: ");
  g_assert_nonnull (first);
  out = sb_test_http_send (
      browser, "DELETE", "/api/v1/session",
      (const char *const[]) { "X-Simplebus-Console", "1", "Cookie", cookie, NULL }, NULL, -1);
  sb_test_assert_status (out, 204);
  expect_end (raw, "forbidden");
}

static void
test_events_end_with_the_bus (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestRaw) raw = open_events (bus, ADMIN, "");
  g_autofree char *first = read_field (raw, "data: ");

  sb_test_daemon_terminate (bus->daemon);
  expect_end (raw, "closed");
}

static gboolean
has_few_connections (gpointer user_data)
{
  SbTestSite *bus = user_data;

  return sb_test_get_metric (bus->admin, "simplebus_connections") == 1;
}

static void
test_a_client_that_is_gone_is_forgotten (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  SbTestRaw *raw = open_events (bus, ADMIN, "?interval=60");
  g_autofree char *first = read_field (raw, "data: ");

  sb_test_raw_free (raw);
  g_clear_pointer (&bus->alice, sb_test_http_free);
  g_clear_pointer (&bus->bob, sb_test_http_free);
  g_clear_pointer (&bus->carol, sb_test_http_free);
  bus->alice = sb_test_http_as (bus->daemon, "alice");
  bus->bob = sb_test_http_as (bus->daemon, "bob");
  bus->carol = sb_test_http_as (bus->daemon, "carol");
  sb_test_wait_for (has_few_connections, bus, "the stream to be closed");
}

static guint64
read_id (SbTestRaw *raw)
{
  g_autofree char *id = read_field (raw, "id: ");

  g_assert_nonnull (id);
  return g_ascii_strtoull (id, NULL, 10);
}

/* Somebody else reads every frame meanwhile; each has a number of its own. */
static void
test_a_slow_reader_misses_frames_and_goes_on (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestRaw) slow = sb_test_raw_new_narrow (sb_test_daemon_get_http_port (bus->daemon));
  g_autoptr (SbTestRaw) fast = NULL;
  guint64 last = 0, next;
  gboolean missed = FALSE;

  ask_for_events (slow, ADMIN, "");
  fast = open_events (bus, ADMIN, "");
  for (guint i = 0; i < 9; i++)
    last = read_id (fast);
  for (next = read_id (slow); next < last;)
    {
      guint64 before = next;

      next = read_id (slow);
      /* One number is that of the first frame of the other stream. */
      missed |= next > before + 2;
    }
  g_assert_true (missed);
}

#define MAX_STREAMS 64

static void
test_there_are_only_so_many_streams (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_test_raw_free);
  g_autoptr (SbTestAnswer) refused = NULL;

  for (guint i = 0; i < MAX_STREAMS; i++)
    {
      g_autofree char *first = NULL;

      g_ptr_array_add (all, open_events (bus, ADMIN, "?interval=60"));
      first = read_field (g_ptr_array_index (all, i), "data: ");
      g_assert_nonnull (first);
    }
  refused = request (bus->admin, "GET", "/api/v1/events");
  sb_test_assert_problem (refused, 503, "busy");
}

/* --- Sessions --- */

static JsonArray *
get_sessions (SbTestAnswer *answer)
{
  sb_test_assert_status (answer, 200);
  return json_object_get_array_member (sb_test_answer_object (answer), "sessions");
}

static void
test_lists_sessions (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) carol = sb_test_ws_log_in_as (bus->daemon, "carol", NULL);
  g_autoptr (SbTestWs) alice = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);
  g_autofree char *id = sb_test_put (bus->admin, "{\"to\":\"@carol\",\"message\":1}");
  g_autoptr (SbTestAnswer) all = request (bus->admin, "GET", "/api/v1/sessions");
  g_autoptr (SbTestAnswer) first = request (bus->admin, "GET", "/api/v1/sessions?limit=1");
  g_autoptr (SbTestAnswer) last = request (bus->admin, "GET", "/api/v1/sessions?after=alice");
  JsonObject *row = json_array_get_object_element (get_sessions (all), 1);

  g_assert_cmpuint (json_array_get_length (get_sessions (all)), ==, 2);
  g_assert_cmpstr (sb_test_json_string (row, "user"), ==, "carol");
  g_assert_cmpstr (sb_test_json_string (row, "address"), ==, "127.0.0.1");
  g_assert_cmpstr (sb_test_json_string (row, "transport"), ==, "soup");
  g_assert_nonnull (sb_test_json_string (row, "since"));
  g_assert_cmpint (sb_test_json_int (row, "in_flight"), ==, 1);
  g_assert_true (sb_test_json_bool (row, "ready"));
  g_assert_cmpuint (json_array_get_length (get_sessions (first)), ==, 1);
  g_assert_cmpstr (sb_test_answer_string (first, "next"), ==, "alice");
  row = json_array_get_object_element (get_sessions (last), 0);
  g_assert_cmpstr (sb_test_json_string (row, "user"), ==, "carol");
  g_assert_null (sb_test_answer_string (last, "next"));
}

static void
test_closes_a_session (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) session = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autoptr (SbTestAnswer) closed = request (bus->admin, "DELETE", "/api/v1/sessions/bob");
  g_autoptr (SbTestAnswer) again = request (bus->admin, "DELETE", "/api/v1/sessions/bob");
  g_autoptr (SbTestAnswer) nobody = request (bus->admin, "DELETE", "/api/v1/sessions/nobody");
  g_autoptr (SbTestWs) next = NULL;
  g_autofree char *log = sb_test_daemon_dup_log (bus->daemon);

  sb_test_assert_status (closed, 204);
  sb_test_assert_problem (again, 404, "not-found");
  sb_test_assert_problem (nobody, 404, "not-found");
  g_assert_cmpuint (sb_test_ws_wait_closed (session), ==, 4002);
  g_assert_nonnull (strstr (log, "admin closed the session of bob"));
  next = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
}

/* --- What it is made of --- */

static JsonObject *
find_row (SbTestAnswer *answer, const char *list, const char *member, const char *value)
{
  JsonArray *rows = json_object_get_array_member (sb_test_answer_object (answer), list);

  for (guint i = 0; i < json_array_get_length (rows); i++)
    {
      JsonObject *row = json_array_get_object_element (rows, i);

      if (g_strcmp0 (sb_test_json_string (row, member), value) == 0)
        return row;
    }
  g_test_message ("there is no %s \"%s\" in %s", member, value, list);
  g_assert_not_reached ();
}

static void
test_shows_the_configuration_without_secrets (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.window=17", "bus.metrics-token=s3cr3t-4711",
                                                 NULL);
  g_autoptr (SbTestAnswer) answer = request (bus->admin, "GET", "/api/v1/configuration");
  JsonObject *window = find_row (answer, "keys", "key", "window");
  JsonObject *token = find_row (answer, "keys", "key", "metrics-token");
  JsonObject *level = find_row (answer, "keys", "key", "log-level");
  g_autofree char *choices = sb_test_json_strings (level, "choices");

  g_assert_cmpstr (sb_test_json_string (window, "group"), ==, "bus");
  g_assert_cmpstr (sb_test_json_string (window, "type"), ==, "integer");
  g_assert_cmpstr (sb_test_json_string (window, "value"), ==, "17");
  g_assert_cmpstr (sb_test_json_string (window, "default"), ==, "64");
  g_assert_cmpstr (sb_test_json_string (window, "origin"), ==, "override");
  g_assert_true (sb_test_json_bool (window, "reloadable"));
  g_assert_true (json_object_get_null_member (token, "value"));
  g_assert_true (sb_test_json_bool (token, "is_set"));
  g_assert_true (sb_test_json_bool (token, "secret"));
  g_assert_cmpstr (choices, ==, "message,error,warning,info,debug");
  g_assert_null (strstr (answer->body, "s3cr3t-4711"));
}

static void
test_lists_plugins (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) answer = request (bus->admin, "GET", "/api/v1/plugins");
  JsonObject *memory = find_row (answer, "plugins", "name", "store-memory");
  JsonObject *sqlite = find_row (answer, "plugins", "name", "store-sqlite");

  g_assert_true (sb_test_json_bool (memory, "loaded"));
  g_assert_false (sb_test_json_bool (sqlite, "loaded"));
  g_assert_cmpstr (sb_test_json_string (memory, "kind"), ==, "store");
  g_assert_true (g_str_has_suffix (sb_test_json_string (memory, "file"), "store-memory.so"));
  g_assert_true (json_object_get_null_member (memory, "error"));
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
#define ADD(name, func) g_test_add_func ("/api-overview/" name, func)
  ADD ("shows-what-waits", test_shows_what_waits);
  ADD ("counts-recipients-by-state", test_counts_recipients_by_state);
  ADD ("shows-alarms", test_shows_alarms);
  ADD ("streams-overviews", test_streams_overviews);
  ADD ("answers-a-head-of-events", test_answers_a_head_of_events);
  ADD ("events-end-when-the-user-loses-access", test_events_end_when_the_user_loses_access);
  ADD ("events-end-when-who-opened-them-signs-out", test_events_end_when_who_opened_them_signs_out);
  ADD ("events-end-with-the-bus", test_events_end_with_the_bus);
  ADD ("a-client-that-is-gone-is-forgotten", test_a_client_that_is_gone_is_forgotten);
  ADD ("a-slow-reader-misses-frames-and-goes-on", test_a_slow_reader_misses_frames_and_goes_on);
  ADD ("there-are-only-so-many-streams", test_there_are_only_so_many_streams);
  ADD ("lists-sessions", test_lists_sessions);
  ADD ("closes-a-session", test_closes_a_session);
  ADD ("shows-the-configuration-without-secrets", test_shows_the_configuration_without_secrets);
  ADD ("lists-plugins", test_lists_plugins);
#undef ADD
  return g_test_run ();
}

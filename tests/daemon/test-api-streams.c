/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-api-streams: receipts as they arrive, and what flows now, as Server-Sent Events. */

#include "sb-test-raw.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <string.h>

#define ADMIN "admin:secret"
#define ALICE "alice:alice-pw"
#define BOB "bob:bob-pw"

static void
ask (SbTestRaw *raw, const char *login, const char *path, const char *more)
{
  g_autofree char *basic = g_base64_encode ((const guchar *) login, strlen (login));
  g_autofree char *head = g_strdup_printf ("GET /api/v1/%s HTTP/1.1\r\nHost: x\r\n"
                                           "Authorization: Basic %s\r\n%s\r\n",
                                           path, basic, more);

  sb_test_raw_send (raw, head);
}

static void
expect_status (SbTestRaw *raw, const char *status)
{
  g_autofree char *line = sb_test_raw_read_line (raw);

  g_assert_cmpstr (line, ==, status);
}

/* A stream whose head has come. */
static SbTestRaw *
open_stream (SbTestSite *bus, const char *login, const char *path)
{
  SbTestRaw *raw = sb_test_raw_new (sb_test_daemon_get_http_port (bus->daemon));

  ask (raw, login, path, "");
  expect_status (raw, "HTTP/1.1 200 OK");
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

/* The data of the next frame, whose event must be that. Returns: (transfer full) */
static JsonObject *
read_frame (SbTestRaw *raw, const char *event)
{
  g_autofree char *name = read_field (raw, "event: ");
  g_autofree char *data = read_field (raw, "data: ");

  g_assert_cmpstr (name, ==, event);
  g_assert_nonnull (data);
  return sb_test_json_object (data);
}

/* The stream says why it is over, and the connection is closed. */
static void
expect_end (SbTestRaw *raw, const char *reason)
{
  g_autofree char *found = NULL;
  g_autofree char *wanted = g_strdup_printf ("{\"reason\":\"%s\"}", reason);
  g_autofree char *rest = NULL;

  for (;;)
    {
      g_autofree char *name = read_field (raw, "event: ");

      g_assert_nonnull (name);
      if (strcmp (name, "end") == 0)
        break;
    }
  found = read_field (raw, "data: ");
  g_assert_cmpstr (found, ==, wanted);
  rest = sb_test_raw_read_all (raw);
}

static void
wait_for_end (SbTestRaw *raw)
{
  g_autofree char *line = NULL;

  while ((line = sb_test_raw_read_line (raw)) != NULL)
    g_clear_pointer (&line, g_free);
}

/* --- Receipts --- */

#define EVENTS "messages/m/events"
#define MESSAGE "{\"_id\":\"m\",\"to\":\"#orders\",\"message\":1}"

static void
send_it (SbTestSite *bus)
{
  g_autofree char *id = sb_test_put (bus->alice, MESSAGE);
}

static void
confirm (SbTestHttp *client)
{
  g_autoptr (SbTestAnswer) got = sb_test_http_get (client, "/get");
  g_autoptr (SbTestAnswer) done = sb_test_http_post (client, "/confirm", "[\"m\"]");

  sb_test_assert_status (got, 200);
  sb_test_assert_status (done, 200);
}

static char *
dup_state (JsonObject *status, const char *recipient)
{
  JsonObject *recipients = sb_test_json_member (status, "recipients");

  return g_strdup (sb_test_json_string (sb_test_json_member (recipients, recipient), "state"));
}

/* Reads on until it is so. */
static void
expect_state (SbTestRaw *raw, const char *recipient, const char *state)
{
  for (;;)
    {
      g_autoptr (JsonObject) status = read_frame (raw, "status");
      g_autofree char *found = dup_state (status, recipient);

      if (strcmp (found, state) == 0)
        return;
    }
}

static void
receipts_arrive_until_all_have_ended (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestRaw) raw = NULL;
  g_autoptr (JsonObject) first = NULL;
  g_autofree char *before = NULL;

  send_it (bus);
  raw = open_stream (bus, ALICE, EVENTS);
  first = read_frame (raw, "status");
  before = dup_state (first, "bob");
  g_assert_cmpstr (before, ==, "pending");
  confirm (bus->bob);
  expect_state (raw, "bob", "confirmed");
  confirm (bus->carol);
  expect_state (raw, "carol", "confirmed");
  expect_end (raw, "ended");
}

static void
what_an_admin_does_arrives_as_well (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestRaw) raw = NULL;
  g_autoptr (SbTestAnswer) list = NULL;
  g_autoptr (SbTestAnswer) dropped = NULL;
  g_autofree char *path = NULL;

  send_it (bus);
  raw = open_stream (bus, ADMIN, EVENTS);
  list = sb_test_http_get (bus->admin, "/api/v1/deliveries?recipient=bob");
  path = g_strdup_printf (
      "/api/v1/deliveries/%s/drop",
      sb_test_json_string (
          json_array_get_object_element (
              json_object_get_array_member (sb_test_answer_object (list), "deliveries"), 0),
          "delivery"));
  dropped = sb_test_http_post (bus->admin, path, "");
  sb_test_assert_status (dropped, 200);
  expect_state (raw, "bob", "dropped");
}

/* What no event is told of. */
static void
the_removal_of_a_recipient_is_seen_in_a_while (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestRaw) raw = NULL;
  g_autoptr (SbTestAnswer) removed = NULL;

  send_it (bus);
  raw = open_stream (bus, ALICE, EVENTS);
  removed = sb_test_http_send (bus->admin, "DELETE", "/api/v1/users/bob", NULL, NULL, 0);
  sb_test_assert_status (removed, 204);
  expect_state (raw, "bob", "dead");
}

static void
a_browser_that_has_the_last_frame_is_told_to_stay_away (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestRaw) raw = NULL;
  g_autoptr (SbTestRaw) again = sb_test_raw_new (sb_test_daemon_get_http_port (bus->daemon));
  g_autofree char *id = NULL;

  send_it (bus);
  confirm (bus->bob);
  confirm (bus->carol);
  raw = open_stream (bus, ALICE, EVENTS);
  id = read_field (raw, "id: ");
  g_assert_cmpstr (id, ==, "end");
  expect_end (raw, "ended");
  ask (again, ALICE, EVENTS, "Last-Event-ID: end\r\n");
  expect_status (again, "HTTP/1.1 204 No Content");
}

static guint
get_status (SbTestHttp *client, const char *path)
{
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (client, path);

  return answer->status;
}

static void
only_the_sender_and_admins_follow_a_message (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestHttp) stranger = sb_test_http_for (bus->daemon, NULL, NULL);
  g_autoptr (SbTestRaw) raw = NULL;

  send_it (bus);
  g_assert_cmpuint (get_status (bus->bob, "/api/v1/" EVENTS), ==, 404);
  g_assert_cmpuint (get_status (stranger, "/api/v1/" EVENTS), ==, 401);
  g_assert_cmpuint (get_status (bus->alice, "/api/v1/messages/x/events"), ==, 404);
  raw = open_stream (bus, ADMIN, EVENTS);
  expect_state (raw, "bob", "pending");
}

static void
a_new_password_ends_it (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestRaw) raw = NULL;

  send_it (bus);
  raw = open_stream (bus, ALICE, EVENTS);
  sb_test_put_users (bus->admin, "[{\"_id\":\"alice\",\"password\":\"other\"}]");
  expect_end (raw, "forbidden");
}

static void
the_end_of_the_sender_ends_it (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestRaw) raw = NULL;
  g_autoptr (SbTestAnswer) removed = NULL;

  send_it (bus);
  raw = open_stream (bus, ALICE, EVENTS);
  removed = sb_test_http_send (bus->admin, "DELETE", "/api/v1/users/alice", NULL, NULL, 0);
  sb_test_assert_status (removed, 204);
  expect_end (raw, "forbidden");
}

static void
signing_out_ends_it (void)
{
  static const char *const console[] = { "X-Simplebus-Console", "1", NULL };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestHttp) browser = sb_test_http_for (bus->daemon, NULL, NULL);
  g_autoptr (SbTestRaw) raw = sb_test_raw_new (sb_test_daemon_get_http_port (bus->daemon));
  g_autoptr (SbTestAnswer) in = sb_test_http_send (browser, "POST", "/api/v1/session", console,
                                                   "{\"user\":\"alice\",\"password\":\"alice-pw\"}",
                                                   -1);
  g_autofree char *cookie = g_strdup (sb_test_answer_header (in, "Set-Cookie"));
  g_autofree char *head = NULL;
  g_autoptr (SbTestAnswer) out = NULL;

  send_it (bus);
  cookie[strcspn (cookie, ";")] = '\0';
  head = g_strdup_printf ("GET /api/v1/" EVENTS " HTTP/1.1\r\nHost: x\r\nCookie: %s\r\n\r\n",
                          cookie);
  sb_test_raw_send (raw, head);
  expect_state (raw, "bob", "pending");
  out = sb_test_http_send (
      browser, "DELETE", "/api/v1/session",
      (const char *const[]) { "X-Simplebus-Console", "1", "Cookie", cookie, NULL }, NULL, -1);
  sb_test_assert_status (out, 204);
  expect_end (raw, "forbidden");
}

#define MAX_PER_USER 16

/* Or one user could keep all others from it. */
static void
a_user_has_so_many_at_most (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_test_raw_free);

  send_it (bus);
  for (guint i = 0; i < MAX_PER_USER; i++)
    g_ptr_array_add (all, open_stream (bus, ALICE, EVENTS));
  g_assert_cmpuint (get_status (bus->alice, "/api/v1/" EVENTS), ==, 503);
  g_ptr_array_add (all, open_stream (bus, ADMIN, EVENTS));
}

typedef struct
{
  SbTestSite *bus;
  double n;
} Connections;

static gboolean
has_as_few_connections (gpointer user_data)
{
  const Connections *wanted = user_data;

  return sb_test_get_metric (wanted->bus->admin, "simplebus_connections") <= wanted->n;
}

static void
who_hangs_up_is_forgotten (void)
{
  static const char *const logins[] = { ALICE, ADMIN };
  static const char *const paths[] = { EVENTS, "live" };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  Connections wanted = { bus, 0 };

  send_it (bus);
  wanted.n = sb_test_get_metric (bus->admin, "simplebus_connections");
  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      SbTestRaw *raw = open_stream (bus, logins[i], paths[i]);
      g_autofree char *first = sb_test_raw_read_line (raw);

      sb_test_raw_free (raw);
      sb_test_wait_for (has_as_few_connections, &wanted, "the stream to be closed");
    }
}

static void
it_ends_with_the_bus (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestRaw) follow = NULL;
  g_autoptr (SbTestRaw) live = open_stream (bus, ADMIN, "live");

  send_it (bus);
  follow = open_stream (bus, ALICE, EVENTS);
  sb_test_daemon_terminate (bus->daemon);
  expect_end (follow, "closed");
  expect_end (live, "closed");
}

/* --- The flow --- */

static JsonObject *
expect_flow (SbTestRaw *raw, const char *what)
{
  JsonObject *flow = read_frame (raw, "flow");

  g_assert_cmpstr (sb_test_json_string (flow, "what"), ==, what);
  return flow;
}

static void
the_life_of_a_message_is_shown_without_its_payload (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestRaw) raw = open_stream (bus, ADMIN, "live");
  g_autofree char *id = sb_test_put (bus->alice,
                                     "{\"_id\":\"m\",\"to\":\"@bob\",\"message\":\"s3cr3t\"}");
  g_autoptr (JsonObject) accepted = NULL;
  g_autoptr (JsonObject) sent = NULL;
  g_autoptr (JsonObject) confirmed = NULL;

  confirm (bus->bob);
  accepted = expect_flow (raw, "accepted");
  g_assert_cmpstr (sb_test_json_string (accepted, "_id"), ==, "m");
  g_assert_cmpstr (sb_test_json_string (accepted, "sender"), ==, "alice");
  g_assert_cmpint (sb_test_json_int (accepted, "recipients"), ==, 1);
  g_assert_cmpint (sb_test_json_int (accepted, "size"), >, 0);
  g_assert_cmpuint (json_object_get_size (accepted), ==, 6);
  sent = expect_flow (raw, "sent");
  g_assert_cmpstr (sb_test_json_string (sent, "recipient"), ==, "bob");
  g_assert_cmpuint (json_object_get_size (sent), ==, 6);
  confirmed = expect_flow (raw, "confirmed");
  g_assert_cmpstr (sb_test_json_string (confirmed, "sender"), ==, "alice");
  g_assert_cmpuint (json_object_get_size (confirmed), ==, 5);
}

static void
what_is_refused_is_shown_with_the_reason (void)
{
  static const struct
  {
    const char *json, *reason;
  } refused[] = {
    { "{\"to\":\"@nobody\",\"message\":1}", "not-found" },
    { "{\"to\":\"@bob\"}", "invalid" },
    { "{\"to\":\"@bob\",\"direct\":true,\"ttl\":1,\"message\":1}", "invalid" },
    { "{\"_id\":\"m\",\"to\":\"@bob\",\"message\":1}", "conflict" },
  };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestRaw) raw = open_stream (bus, ADMIN, "live?what=refused");
  g_autofree char *id = sb_test_put (bus->bob, "{\"_id\":\"m\",\"to\":\"@bob\",\"message\":1}");

  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_post (bus->alice, "/put", refused[i].json);
      g_autoptr (JsonObject) flow = expect_flow (raw, "refused");

      g_assert_cmpuint (answer->status, >=, 400);
      g_assert_cmpstr (sb_test_json_string (flow, "sender"), ==, "alice");
      g_assert_cmpstr (sb_test_json_string (flow, "reason"), ==, refused[i].reason);
    }
}

static void
sessions_and_direct_messages_are_shown (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestRaw) raw = open_stream (bus, ADMIN, "live?what=session,direct");
  g_autoptr (SbTestWs) session = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autoptr (JsonObject) opened = expect_flow (raw, "session");
  g_autoptr (SbTestAnswer) sent = sb_test_http_post (
      bus->alice, "/put", "{\"to\":\"@bob\",\"direct\":true,\"message\":1}");
  g_autoptr (JsonObject) direct = expect_flow (raw, "direct");
  g_autoptr (JsonObject) closed = NULL;

  g_assert_cmpstr (sb_test_json_string (opened, "sender"), ==, "bob");
  g_assert_cmpstr (sb_test_json_string (opened, "reason"), ==, "opened");
  sb_test_assert_status (sent, 200);
  g_assert_cmpint (sb_test_json_int (direct, "recipients"), ==, 1);
  sb_test_ws_close (session);
  closed = expect_flow (raw, "session");
  g_assert_cmpstr (sb_test_json_string (closed, "reason"), ==, "closed");
}

static void
only_what_is_of_the_user_is_shown (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestRaw) raw = open_stream (bus, ADMIN, "live?user=carol&what=accepted,refused");
  g_autofree char *other = sb_test_put (bus->alice, "{\"to\":\"@bob\",\"message\":1}");
  g_autofree char *to = sb_test_put (bus->alice, "{\"to\":\"#orders\",\"message\":1}");
  g_autofree char *from = sb_test_put (bus->carol, "{\"to\":\"@bob\",\"message\":1}");
  g_autoptr (JsonObject) first = expect_flow (raw, "accepted");
  g_autoptr (JsonObject) second = expect_flow (raw, "accepted");

  g_assert_cmpstr (sb_test_json_string (first, "_id"), ==, to);
  g_assert_cmpstr (sb_test_json_string (second, "_id"), ==, from);
}

static void
what_is_too_much_is_counted (void)
{
  const guint n = 2000;
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestRaw) raw = open_stream (bus, ADMIN, "live?what=accepted");
  g_autoptr (SbTestWs) session = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);
  guint shown = 0, skipped = 0;

  for (guint i = 0; i < n; i++)
    sb_test_ws_send (session, "{\"to\":\"@bob\",\"message\":1}");
  sb_test_ws_sync (session);
  while (shown + skipped < n)
    {
      g_autofree char *event = read_field (raw, "event: ");
      g_autofree char *data = read_field (raw, "data: ");
      g_autoptr (JsonObject) frame = sb_test_json_object (data);

      if (strcmp (event, "flow") == 0)
        shown++;
      else
        skipped += (guint) sb_test_json_int (frame, "n");
    }
  g_assert_cmpuint (shown + skipped, ==, n);
  g_assert_cmpuint (skipped, >, 0);
}

/* It neither holds up the bus nor makes it remember what was not shown. */
static void
a_slow_reader_is_told_what_it_missed (void)
{
  const guint n = 20000;
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestRaw) raw = sb_test_raw_new_narrow (sb_test_daemon_get_http_port (bus->daemon));
  g_autoptr (SbTestWs) session = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);
  guint seen = 0;

  ask (raw, ADMIN, "live?what=accepted", "");
  expect_status (raw, "HTTP/1.1 200 OK");
  for (guint i = 0; i < n; i++)
    sb_test_ws_send (session, "{\"to\":\"@bob\",\"message\":1}");
  sb_test_ws_sync (session);
  while (seen < n)
    {
      g_autofree char *event = read_field (raw, "event: ");
      g_autofree char *data = read_field (raw, "data: ");
      g_autoptr (JsonObject) frame = sb_test_json_object (data);

      seen += strcmp (event, "flow") == 0 ? 1 : (guint) sb_test_json_int (frame, "n");
    }
  g_assert_cmpuint (seen, ==, n);
}

static void
only_admins_see_the_flow (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestRaw) raw = NULL;

  g_assert_cmpuint (get_status (bus->alice, "/api/v1/live"), ==, 403);
  sb_test_put_users (bus->admin, "[{\"_id\":\"alice\",\"admin\":true}]");
  raw = open_stream (bus, ALICE, "live");
  sb_test_put_users (bus->admin, "[{\"_id\":\"alice\",\"admin\":false}]");
  expect_end (raw, "forbidden");
}

static void
filters_that_are_none_are_refused (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);

  g_assert_cmpuint (get_status (bus->admin, "/api/v1/live?what=x"), ==, 400);
  g_assert_cmpuint (get_status (bus->admin, "/api/v1/live?what=sent,,dead"), ==, 400);
  g_assert_cmpuint (get_status (bus->admin, "/api/v1/live?user=nobody"), ==, 404);
}

/* Whoever looked is gone: nothing is told to nobody. */
static void
the_bus_goes_on_without_watchers (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  SbTestRaw *raw = open_stream (bus, ADMIN, "live");
  g_autoptr (SbTestRaw) again = NULL;
  g_autoptr (JsonObject) flow = NULL;

  sb_test_raw_finish (raw);
  wait_for_end (raw);
  sb_test_raw_free (raw);
  send_it (bus);
  again = open_stream (bus, ADMIN, "live?what=confirmed");
  confirm (bus->bob);
  flow = expect_flow (again, "confirmed");
}

int
main (int argc, char **argv)
{
  sb_test_init (&argc, &argv);
#define ADD(name, func) g_test_add_func (name, func)
  ADD ("/follow/receipts-arrive-until-all-have-ended", receipts_arrive_until_all_have_ended);
  ADD ("/follow/what-an-admin-does-arrives-as-well", what_an_admin_does_arrives_as_well);
  ADD ("/follow/the-removal-of-a-recipient-is-seen-in-a-while",
       the_removal_of_a_recipient_is_seen_in_a_while);
  ADD ("/follow/a-browser-that-has-the-last-frame-is-told-to-stay-away",
       a_browser_that_has_the_last_frame_is_told_to_stay_away);
  ADD ("/follow/only-the-sender-and-admins-do", only_the_sender_and_admins_follow_a_message);
  ADD ("/follow/a-new-password-ends-it", a_new_password_ends_it);
  ADD ("/follow/the-end-of-the-sender-ends-it", the_end_of_the_sender_ends_it);
  ADD ("/follow/signing-out-ends-it", signing_out_ends_it);
  ADD ("/follow/a-user-has-so-many-at-most", a_user_has_so_many_at_most);
  ADD ("/streams/who-hangs-up-is-forgotten", who_hangs_up_is_forgotten);
  ADD ("/streams/they-end-with-the-bus", it_ends_with_the_bus);
  ADD ("/live/the-life-of-a-message-is-shown-without-its-payload",
       the_life_of_a_message_is_shown_without_its_payload);
  ADD ("/live/what-is-refused-is-shown-with-the-reason", what_is_refused_is_shown_with_the_reason);
  ADD ("/live/sessions-and-direct-messages-are-shown", sessions_and_direct_messages_are_shown);
  ADD ("/live/only-what-is-of-the-user-is-shown", only_what_is_of_the_user_is_shown);
  ADD ("/live/what-is-too-much-is-counted", what_is_too_much_is_counted);
  ADD ("/live/a-slow-reader-is-told-what-it-missed", a_slow_reader_is_told_what_it_missed);
  ADD ("/live/only-admins-see-it", only_admins_see_the_flow);
  ADD ("/live/filters-that-are-none-are-refused", filters_that_are_none_are_refused);
  ADD ("/live/the-bus-goes-on-without-watchers", the_bus_goes_on_without_watchers);
#undef ADD
  return g_test_run ();
}

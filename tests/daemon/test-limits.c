/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-limits: message rates, failed log-ins, and warnings before a limit is reached. */

#include "sb-test-site.h"
#include "sb-test.h"

#include <string.h>

/* A burst is ten seconds' worth. */
#define RATE_1 "bus.user-rate=1"
#define BURST 10

static SbTestAnswer *
put (SbTestHttp *client, const char *json)
{
  return sb_test_http_post (client, "/put", json);
}

/* Sends so many, which must be taken. */
static void
put_some (SbTestHttp *client, guint n)
{
  for (guint i = 0; i < n; i++)
    g_free (sb_test_put (client, "{\"to\":\"@carol\",\"message\":1}"));
}

static void
assert_over_rate (SbTestHttp *client)
{
  g_autoptr (SbTestAnswer) answer = put (client, "{\"to\":\"@carol\",\"message\":1}");

  sb_test_assert_problem (answer, 429, "rate-limit");
  g_assert_cmpstr (sb_test_answer_header (answer, "Retry-After"), ==, "1");
}

/* Numbered from 0 on, with an id each. */
static void
send_numbered (SbTestWs *socket, const char *name, guint n, const char *more)
{
  for (guint i = 0; i < n; i++)
    sb_test_ws_sendf (socket, "{\"_id\":\"%s%u\",\"to\":\"@bob\",\"message\":%u%s}", name, i, i,
                      more);
}

static void
take_accepted (SbTestWs *socket, const char *name, guint first, guint n)
{
  for (guint i = first; i < n; i++)
    {
      g_autoptr (SbTestFrame) frame = sb_test_ws_take_type (socket, "accepted");
      g_autofree char *id = g_strdup_printf ("%s%u", name, i);

      g_assert_cmpstr (sb_test_frame_get (frame, "data"), ==, id);
    }
}

static void
take_in_order (SbTestWs *socket, const char *name, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (SbTestFrame) frame = sb_test_ws_take_type (socket, NULL);
      g_autofree char *id = g_strdup_printf ("%s%u", name, i);

      g_assert_cmpstr (sb_test_frame_get (frame, "_id"), ==, id);
    }
}

/* --- Over HTTP --- */

static void
test_answers_429_over_the_rate (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (RATE_1, NULL);

  put_some (bus->alice, BURST);
  assert_over_rate (bus->alice);
  put_some (bus->bob, BURST);
  g_assert_cmpfloat (sb_test_get_metric (bus->admin, "simplebus_messages_throttled_total"), >=, 1);
  sb_test_daemon_wait_log (bus->daemon, "alice sends more than it may");
}

static void
test_counts_direct_messages_alike (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (RATE_1, NULL);

  for (guint i = 0; i < BURST; i++)
    {
      g_autoptr (SbTestAnswer) answer = put (bus->alice,
                                             "{\"to\":\"@bob\",\"message\":1,\"direct\":true}");

      sb_test_assert_status (answer, 200);
    }
  assert_over_rate (bus->alice);
}

static void
test_counts_all_connections_of_a_user (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (RATE_1, NULL);
  g_autoptr (SbTestHttp) second = sb_test_http_as (bus->daemon, "alice");
  g_autoptr (SbTestWs) socket = sb_test_ws_log_in_as (bus->daemon, "alice", "\"accepted\":true");

  put_some (bus->alice, 3);
  put_some (second, 3);
  send_numbered (socket, "a", BURST - 6, "");
  take_accepted (socket, "a", 0, BURST - 6);
  assert_over_rate (bus->alice);
  assert_over_rate (second);
}

static void
test_counts_all_users_of_an_address (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.address-rate=1", NULL);

  put_some (bus->alice, BURST / 2);
  put_some (bus->bob, BURST / 2);
  assert_over_rate (bus->carol);
}

static void
test_reads_on_whoever_is_over_the_rate (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (RATE_1, NULL);
  g_autoptr (SbTestAnswer) got = NULL;

  put_some (bus->alice, BURST);
  assert_over_rate (bus->alice);
  got = sb_test_http_get (bus->alice, "/get");
  sb_test_assert_status (got, 200);
}

/* --- Over a WebSocket --- */

static void
test_a_session_over_the_rate_waits (void)
{
  const guint n = BURST + 2;
  g_autoptr (SbTestSite) bus = sb_test_site_new (RATE_1, NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autoptr (SbTestWs) alice = sb_test_ws_log_in_as (bus->daemon, "alice", "\"accepted\":true");
  gint64 start = g_get_monotonic_time ();

  send_numbered (alice, "a", n, "");
  take_accepted (alice, "a", 0, n);
  take_in_order (bob, "a", n);
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 1.9 * G_USEC_PER_SEC);
  g_assert_true (sb_test_ws_is_open (alice));
}

static void
test_direct_messages_over_the_rate_wait (void)
{
  const guint n = BURST + 1;
  g_autoptr (SbTestSite) bus = sb_test_site_new (RATE_1, NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autoptr (SbTestWs) alice = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);

  send_numbered (alice, "a", n, ",\"direct\":true");
  take_in_order (bob, "a", n);
}

static void
test_a_session_that_waits_hinders_nobody (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (RATE_1, NULL);
  g_autoptr (SbTestWs) alice = sb_test_ws_log_in_as (bus->daemon, "alice", "\"accepted\":true");
  g_autoptr (SbTestWs) carol = sb_test_ws_log_in_as (bus->daemon, "carol", "\"accepted\":true");
  guint n_pings;

  send_numbered (alice, "a", BURST + 10, "");
  take_accepted (alice, "a", 0, BURST);
  send_numbered (carol, "c", BURST, "");
  take_accepted (carol, "c", 0, BURST);
  if (!sb_test_daemon_is_instrumented ())
    g_assert_cmpuint (sb_test_ws_get_n_frames (alice), <, 10);
  /* It is still written to. */
  n_pings = sb_test_ws_get_n_pings (alice);
  sb_test_ws_wait_pings (alice, n_pings + 1);
}

static void
test_what_a_session_said_before_it_went_still_counts (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (RATE_1, NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autoptr (SbTestWs) alice = sb_test_ws_log_in_as (bus->daemon, "alice", "\"accepted\":true");

  send_numbered (alice, "a", BURST, "");
  take_accepted (alice, "a", 0, BURST);
  send_numbered (alice, "b", 1, "");
  sb_test_daemon_wait_log (bus->daemon, "alice sends more than it may");
  sb_test_ws_cut (alice);
  take_in_order (bob, "a", BURST);
  take_in_order (bob, "b", 1);
  /* And it is owed. */
  assert_over_rate (bus->alice);
}

static void
test_coming_back_does_not_help (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (RATE_1, NULL);

  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (SbTestWs) alice = sb_test_ws_log_in_as (bus->daemon, "alice", "\"accepted\":true");

      if (i == 0)
        {
          send_numbered (alice, "a", BURST, "");
          take_accepted (alice, "a", 0, BURST);
        }
      assert_over_rate (bus->alice);
      sb_test_ws_close (alice);
    }
}

/* --- Failed log-ins --- */

static void
guess (SbTestSite *bus, const char *user)
{
  g_autoptr (SbTestHttp) stranger = sb_test_http_for (bus->daemon, user, "wrong");
  guint status = 0;

  for (guint i = 0; i < 1000 && status != 429; i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_get (stranger, "/get");

      status = answer->status;
      if (status != 429)
        continue;
      sb_test_assert_problem (answer, 429, "rate");
      g_assert_nonnull (sb_test_answer_header (answer, "Retry-After"));
      g_assert_cmpstr (sb_test_answer_header (answer, "Retry-After"), !=, "0");
    }
  g_assert_cmpuint (status, ==, 429);
}

/* All of them behind one address, the stranger too. Nobody's password is known after a start. */
static void
test_a_stranger_locks_out_nobody (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", NULL);
  g_autoptr (SbTestWs) before = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);
  g_autofree char *token = g_strdup (sb_test_ws_get_token (before));
  g_autoptr (SbTestWs) after = NULL;
  g_autoptr (SbTestFrame) connected = NULL;
  g_autoptr (SbTestAnswer) other = NULL;
  g_autoptr (SbTestAnswer) known = NULL;

  sb_test_site_restart (bus);
  other = sb_test_http_get (bus->carol, "/get");
  sb_test_assert_status (other, 200);
  guess (bus, "alice");
  guess (bus, "carol");
  g_clear_pointer (&other, sb_test_answer_free);
  other = sb_test_http_get (bus->bob, "/get");
  sb_test_assert_status (other, 200);
  known = sb_test_http_get (bus->carol, "/get");
  sb_test_assert_status (known, 200);
  after = sb_test_ws_open (sb_test_daemon_get_ws_port (bus->daemon), "/");
  sb_test_ws_sendf (
      after, "{\"type\":\"connect\",\"data\":\"alice\",\"token\":\"%s\",\"hello\":true}", token);
  connected = sb_test_ws_take_type (after, "connected");
  g_assert_nonnull (connected);
}

/* --- Warnings --- */

static void
test_warns_of_a_queue_that_fills_up (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", "bus.max-queue=5", NULL);

  put_some (bus->alice, 3);
  g_assert_cmpfloat (sb_test_get_metric (bus->admin, "simplebus_queues_near_limit"), ==, 0);
  put_some (bus->alice, 1);
  sb_test_daemon_wait_log (bus->daemon, "the queue of carol is nearly full");
  g_assert_cmpfloat (sb_test_get_metric (bus->admin, "simplebus_queues_near_limit"), ==, 1);
}

static void
test_shows_how_much_of_each_limit_is_used (void)
{
  static const char *const limits[] = { "sessions", "users", "journal", "in-flight", "disk" };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (limits); i++)
    {
      g_autofree char *name = g_strdup_printf ("simplebus_limit_used_ratio{limit=\"%s\"}",
                                               limits[i]);

      g_assert_cmpfloat (sb_test_get_metric (bus->admin, name), >=, 0);
    }
}

static void
test_says_when_to_come_back_to_a_full_disk (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.disk-reserve=1000T", NULL);
  g_autoptr (SbTestAnswer) answer = put (bus->alice, "{\"to\":\"@bob\",\"message\":1}");

  sb_test_assert_problem (answer, 507, "no-space");
  g_assert_nonnull (sb_test_answer_header (answer, "Retry-After"));
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/limits/answers-429-over-the-rate", test_answers_429_over_the_rate);
  g_test_add_func ("/limits/counts-direct-messages-alike", test_counts_direct_messages_alike);
  g_test_add_func ("/limits/counts-all-connections-of-a-user",
                   test_counts_all_connections_of_a_user);
  g_test_add_func ("/limits/counts-all-users-of-an-address", test_counts_all_users_of_an_address);
  g_test_add_func ("/limits/reads-on-whoever-is-over-the-rate",
                   test_reads_on_whoever_is_over_the_rate);
  g_test_add_func ("/limits/a-session-over-the-rate-waits", test_a_session_over_the_rate_waits);
  g_test_add_func ("/limits/direct-messages-over-the-rate-wait",
                   test_direct_messages_over_the_rate_wait);
  g_test_add_func ("/limits/a-session-that-waits-hinders-nobody",
                   test_a_session_that_waits_hinders_nobody);
  g_test_add_func ("/limits/what-a-session-said-before-it-went-still-counts",
                   test_what_a_session_said_before_it_went_still_counts);
  g_test_add_func ("/limits/coming-back-does-not-help", test_coming_back_does_not_help);
  g_test_add_func ("/limits/a-stranger-locks-out-nobody", test_a_stranger_locks_out_nobody);
  g_test_add_func ("/limits/warns-of-a-queue-that-fills-up", test_warns_of_a_queue_that_fills_up);
  g_test_add_func ("/limits/shows-how-much-of-each-limit-is-used",
                   test_shows_how_much_of_each_limit_is_used);
  g_test_add_func ("/limits/says-when-to-come-back-to-a-full-disk",
                   test_says_when_to_come_back_to_a_full_disk);
  return g_test_run ();
}

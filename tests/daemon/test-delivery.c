/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-delivery: at least once, in order, a window at a time, and nothing blocks what is behind. */

#include "sb-test-site.h"
#include "sb-test.h"

#include <string.h>

static void
put (SbTestHttp *client, const char *to, const char *id, const char *more)
{
  g_autoptr (SbTestAnswer) answer = sb_test_http_postf (
      client, "/put", "{\"_id\":\"%s\",\"to\":\"%s\",\"message\":1%s}", id, to, more);

  sb_test_assert_status (answer, 200);
}

static void
put_many (SbTestHttp *client, const char *to, guint first, guint n)
{
  for (guint i = first; i < first + n; i++)
    {
      g_autofree char *id = g_strdup_printf ("m%04u", i);

      put (client, to, id, "");
    }
}

/* Takes n deliveries, which must come in order and without a gap. */
static void
take_many (SbTestWs *ws, guint first, guint n, gboolean confirm)
{
  for (guint i = first; i < first + n; i++)
    {
      g_autoptr (SbTestFrame) frame = sb_test_ws_take (ws);
      g_autofree char *id = g_strdup_printf ("m%04u", i);

      g_assert_cmpstr (sb_test_frame_get (frame, "_id"), ==, id);
      if (confirm)
        sb_test_ws_confirm (ws, id);
    }
}

/* --- At least once --- */

static void
test_delivers_what_waited (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) bob = NULL;

  put_many (bus->alice, "@bob", 0, 5);
  bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  take_many (bob, 0, 5, TRUE);
  sb_test_wait_state (bus->alice, "m0004", "bob", "confirmed");
  sb_test_ws_assert_nothing (bob);
}

static void
test_delivers_at_once_to_who_is_there (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autoptr (SbTestWs) carol = sb_test_ws_log_in_as (bus->daemon, "carol", NULL);

  put (bus->alice, "#orders", "x", "");
  sb_test_frame_free (sb_test_ws_take_id (bob, "x"));
  sb_test_frame_free (sb_test_ws_take_id (carol, "x"));
}

static void
test_delivers_to_the_sender_itself (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) alice = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);
  g_autoptr (SbTestFrame) frame = NULL;

  sb_test_ws_send (alice, "{\"_id\":\"x\",\"to\":\"$all\",\"message\":1}");
  frame = sb_test_ws_take_id (alice, "x");
  g_assert_cmpstr (sb_test_frame_get (frame, "sender"), ==, "alice");
}

static void
test_leaves_the_sender_out_of_a_tag (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", "\"accepted\":true");
  g_autoptr (SbTestWs) carol = sb_test_ws_log_in_as (bus->daemon, "carol", NULL);

  sb_test_ws_send (bob, "{\"_id\":\"x\",\"to\":\"#orders\",\"message\":1}");
  sb_test_frame_free (sb_test_ws_take_type (bob, "accepted"));
  sb_test_frame_free (sb_test_ws_take_id (carol, "x"));
  sb_test_ws_assert_nothing (bob);
}

static void
test_delivers_again_what_is_not_confirmed (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.confirm-timeout=0.2", NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autoptr (SbTestFrame) first = NULL;
  g_autoptr (SbTestFrame) again = NULL;

  put (bus->alice, "@bob", "x", "");
  first = sb_test_ws_take_id (bob, "x");
  again = sb_test_ws_take_id (bob, "x");
  g_assert_cmpstr (first->text, ==, again->text);
  sb_test_ws_confirm (bob, "x");
  sb_test_wait_state (bus->alice, "x", "bob", "confirmed");
}

static void
test_delivers_again_at_once_after_a_reconnect (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.confirm-timeout=1h", NULL);
  g_autoptr (SbTestWs) before = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autoptr (SbTestWs) after = NULL;

  put_many (bus->alice, "@bob", 0, 5);
  take_many (before, 0, 5, FALSE);
  sb_test_ws_cut (before);
  after = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  take_many (after, 0, 5, TRUE);
}

static void
test_counts_no_attempt_for_a_reconnect (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.park-after=1", "bus.confirm-timeout=1h",
                                                 NULL);
  g_autofree char *state = NULL;

  put (bus->alice, "@bob", "x", "");
  for (guint i = 0; i < 5; i++)
    {
      g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);

      sb_test_frame_free (sb_test_ws_take_id (bob, "x"));
      sb_test_ws_close (bob);
    }
  state = sb_test_get_state (bus->alice, "x", "bob");
  g_assert_cmpstr (state, !=, "parked");
}

static void
test_gives_what_is_in_flight_to_the_newer_session (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.confirm-timeout=1h", NULL);
  g_autoptr (SbTestWs) older = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autoptr (SbTestWs) newer = NULL;

  put_many (bus->alice, "@bob", 0, 5);
  take_many (older, 0, 5, FALSE);
  newer = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  take_many (newer, 0, 5, TRUE);
  g_assert_cmpuint (sb_test_ws_wait_closed (older), ==, 4000);
  sb_test_wait_state (bus->alice, "m0004", "bob", "confirmed");
}

static void
test_survives_a_kill (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", NULL);
  g_autoptr (SbTestWs) bob = NULL;

  put_many (bus->alice, "@bob", 0, 20);
  sb_test_daemon_kill (bus->daemon);
  sb_test_site_restart (bus);
  put_many (bus->alice, "@bob", 20, 5);
  bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  take_many (bob, 0, 25, TRUE);
}

static void
test_does_not_deliver_what_was_confirmed_before_a_stop (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", NULL);
  g_autoptr (SbTestWs) before = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autoptr (SbTestWs) after = NULL;

  put_many (bus->alice, "@bob", 0, 10);
  take_many (before, 0, 9, TRUE);
  sb_test_ws_sync (before);
  sb_test_daemon_terminate (bus->daemon);
  sb_test_site_restart (bus);
  after = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  take_many (after, 9, 1, TRUE);
  sb_test_ws_assert_nothing (after);
}

/* --- Order and window --- */

static void
test_keeps_the_order_of_acceptance (void)
{
  enum
  {
    N = 500
  };
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", "bus.window=7", NULL);
  g_autoptr (SbTestWs) alice = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);
  g_autoptr (SbTestWs) bob = NULL;

  for (guint i = 0; i < N; i++)
    {
      sb_test_ws_sendf (alice, "{\"_id\":\"m%04u\",\"to\":\"@bob\",\"message\":1}", i);
      /* He comes when some wait, and others are still to be sent. */
      if (i == N / 2)
        bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
    }
  take_many (bob, 0, N, TRUE);
}

static void
test_sends_a_window_at_a_time (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.window=3", "bus.confirm-timeout=1h", NULL);
  g_autoptr (SbTestWs) bob = NULL;

  put_many (bus->alice, "@bob", 0, 10);
  bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  take_many (bob, 0, 3, FALSE);
  sb_test_ws_assert_nothing (bob);
  sb_test_ws_confirm (bob, "m0001");
  take_many (bob, 3, 1, FALSE);
  sb_test_ws_assert_nothing (bob);
}

static void
test_bounds_the_window_in_bytes (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.window-bytes=4K", "bus.confirm-timeout=1h",
                                                 NULL);
  g_autofree char *padding = g_strnfill (3000, 'x');
  g_autofree char *more = g_strdup_printf (",\"padding\":\"%s\"", padding);
  g_autofree char *huge = g_strdup_printf (",\"padding\":\"%s%s%s\"", padding, padding, padding);
  g_autoptr (SbTestWs) bob = NULL;

  put (bus->alice, "@bob", "a", more);
  put (bus->alice, "@bob", "b", more);
  put (bus->alice, "@bob", "c", huge);
  bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  sb_test_frame_free (sb_test_ws_take_id (bob, "a"));
  sb_test_ws_assert_nothing (bob);
  sb_test_ws_confirm (bob, "a");
  sb_test_frame_free (sb_test_ws_take_id (bob, "b"));
  sb_test_ws_confirm (bob, "b");
  /* One is always allowed. */
  sb_test_frame_free (sb_test_ws_take_id (bob, "c"));
}

/* --- Parking --- */

static void
test_does_not_let_one_block_the_others (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.window=1", "bus.confirm-timeout=0.1",
                                                 "bus.park-after=2", NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);

  put (bus->alice, "@bob", "stuck", "");
  put (bus->alice, "@bob", "next", "");
  sb_test_frame_free (sb_test_ws_take_id (bob, "next"));
  sb_test_ws_confirm (bob, "next");
  sb_test_wait_state (bus->alice, "next", "bob", "confirmed");
  sb_test_wait_state (bus->alice, "stuck", "bob", "parked");
}

static void
test_tries_parked_ones_again (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.confirm-timeout=0.1", "bus.park-after=1",
                                                 NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);

  put (bus->alice, "@bob", "x", "");
  sb_test_frame_free (sb_test_ws_take_id (bob, "x"));
  sb_test_wait_state (bus->alice, "x", "bob", "parked");
  sb_test_frame_free (sb_test_ws_take_id (bob, "x"));
  sb_test_ws_confirm (bob, "x");
  sb_test_wait_state (bus->alice, "x", "bob", "confirmed");
}

static void
test_keeps_parked_ones_parked_over_a_restart (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (
      "bus.store=sqlite", "bus.window=1", "bus.confirm-timeout=0.1", "bus.park-after=1", NULL);
  g_autoptr (SbTestWs) before = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autoptr (SbTestWs) after = NULL;
  g_autofree char *state = NULL;

  put (bus->alice, "@bob", "stuck", "");
  sb_test_wait_state (bus->alice, "stuck", "bob", "parked");
  sb_test_daemon_kill (bus->daemon);
  sb_test_site_restart (bus);
  state = sb_test_get_state (bus->alice, "stuck", "bob");
  g_assert_cmpstr (state, ==, "parked");
  put (bus->alice, "@bob", "next", "");
  after = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  sb_test_frame_free (sb_test_ws_take_id (after, "next"));
}

static void
test_confirms_what_is_parked (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.confirm-timeout=0.1", "bus.park-after=1",
                                                 NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);

  put (bus->alice, "@bob", "x", "");
  sb_test_wait_state (bus->alice, "x", "bob", "parked");
  sb_test_ws_confirm (bob, "x");
  sb_test_wait_state (bus->alice, "x", "bob", "confirmed");
}

/* --- Confirmations --- */

static void
test_ignores_the_confirmation_of_who_is_no_recipient (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) carol = sb_test_ws_log_in_as (bus->daemon, "carol", "\"accepted\":true");
  g_autofree char *state = NULL;

  put (bus->alice, "@bob", "x", "");
  sb_test_ws_confirm (carol, "x");
  /* What is committed behind it shows that it was dealt with. */
  sb_test_ws_send (carol, "{\"_id\":\"y\",\"to\":\"@bob\",\"message\":1}");
  sb_test_frame_free (sb_test_ws_take_type (carol, "accepted"));
  state = sb_test_get_state (bus->alice, "x", "bob");
  g_assert_cmpstr (state, ==, "pending");
}

static void
test_confirms_what_was_not_sent_yet (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.window=1", "bus.confirm-timeout=1h", NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);

  put_many (bus->alice, "@bob", 0, 3);
  take_many (bob, 0, 1, FALSE);
  sb_test_ws_confirm (bob, "m0001");
  sb_test_wait_state (bus->alice, "m0001", "bob", "confirmed");
  sb_test_ws_confirm (bob, "m0000");
  take_many (bob, 2, 1, FALSE);
}

static void
test_confirms_what_is_dead (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.max-queue=1", NULL);
  g_autoptr (SbTestAnswer) answer = NULL;
  g_autofree char *state = NULL;

  put (bus->alice, "@bob", "first", "");
  put (bus->alice, "#orders", "x", "");
  state = sb_test_get_state (bus->alice, "x", "bob");
  g_assert_cmpstr (state, ==, "dead");
  answer = sb_test_http_post (bus->bob, "/confirm", "[\"x\"]");
  g_assert_cmpstr (answer->body, ==, "{\"confirmed\":[\"x\"],\"unknown\":[]}");
  sb_test_wait_state (bus->alice, "x", "bob", "confirmed");
}

static void
test_does_not_confirm_what_has_expired (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) answer = NULL;

  put (bus->alice, "@bob", "x", ",\"ttl\":1");
  sb_test_wait_state (bus->alice, "x", "bob", "expired");
  answer = sb_test_http_post (bus->bob, "/confirm", "[\"x\"]");
  g_assert_cmpstr (answer->body, ==, "{\"confirmed\":[],\"unknown\":[\"x\"]}");
}

/* --- Time --- */

static void
test_holds_back_what_is_scheduled (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autofree char *more = g_strdup_printf (",\"not_before\":%" G_GINT64_FORMAT,
                                           g_get_real_time () / G_USEC_PER_SEC + 2);
  g_autofree char *state = NULL;

  put (bus->alice, "@bob", "later", more);
  put (bus->alice, "@bob", "now", "");
  state = sb_test_get_state (bus->alice, "later", "bob");
  g_assert_cmpstr (state, ==, "scheduled");
  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *id = sb_test_ws_take_and_confirm (bob);

      g_assert_cmpstr (id, ==, i == 0 ? "now" : "later");
    }
}

static void
test_delivers_at_once_what_was_due_before (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);

  put (bus->alice, "@bob", "x", ",\"not_before\":1000");
  sb_test_frame_free (sb_test_ws_take_id (bob, "x"));
}

static void
test_does_not_deliver_what_has_expired (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) bob = NULL;

  put (bus->alice, "@bob", "x", ",\"ttl\":1");
  put (bus->alice, "@bob", "y", "");
  sb_test_wait_state (bus->alice, "x", "bob", "expired");
  bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_assert_cmpint (sb_test_ws_get_pending (bob), ==, 1);
  sb_test_frame_free (sb_test_ws_take_id (bob, "y"));
  sb_test_ws_assert_nothing (bob);
}

static void
test_tells_the_sender_what_expired_when_asked (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) alice = sb_test_ws_log_in_as (bus->daemon, "alice", "\"expired\":true");
  g_autoptr (SbTestWs) carol = sb_test_ws_log_in_as (bus->daemon, "carol", NULL);
  g_autoptr (SbTestFrame) frame = NULL;

  put (bus->carol, "@bob", "of-carol", ",\"ttl\":1");
  put (bus->alice, "@bob", "of-alice", ",\"ttl\":1");
  frame = sb_test_ws_take (alice);
  g_assert_cmpstr (
      frame->text, ==,
      "{\"type\":\"expired\",\"data\":\"of-alice\",\"sender\":\"bob\",\"reason\":\"ttl\"}");
  sb_test_wait_state (bus->carol, "of-carol", "bob", "expired");
  sb_test_ws_assert_nothing (carol);
}

static void
add_delivery_tests (void)
{
  g_test_add_func ("/delivery/delivers-what-waited", test_delivers_what_waited);
  g_test_add_func ("/delivery/delivers-at-once-to-who-is-there",
                   test_delivers_at_once_to_who_is_there);
  g_test_add_func ("/delivery/delivers-to-the-sender-itself", test_delivers_to_the_sender_itself);
  g_test_add_func ("/delivery/leaves-the-sender-out-of-a-tag", test_leaves_the_sender_out_of_a_tag);
  g_test_add_func ("/delivery/delivers-again-what-is-not-confirmed",
                   test_delivers_again_what_is_not_confirmed);
  g_test_add_func ("/delivery/delivers-again-at-once-after-a-reconnect",
                   test_delivers_again_at_once_after_a_reconnect);
  g_test_add_func ("/delivery/counts-no-attempt-for-a-reconnect",
                   test_counts_no_attempt_for_a_reconnect);
  g_test_add_func ("/delivery/gives-what-is-in-flight-to-the-newer-session",
                   test_gives_what_is_in_flight_to_the_newer_session);
  g_test_add_func ("/delivery/survives-a-kill", test_survives_a_kill);
  g_test_add_func ("/delivery/does-not-deliver-what-was-confirmed-before-a-stop",
                   test_does_not_deliver_what_was_confirmed_before_a_stop);
  g_test_add_func ("/delivery/keeps-the-order-of-acceptance", test_keeps_the_order_of_acceptance);
  g_test_add_func ("/delivery/sends-a-window-at-a-time", test_sends_a_window_at_a_time);
  g_test_add_func ("/delivery/bounds-the-window-in-bytes", test_bounds_the_window_in_bytes);
}

static void
add_control_tests (void)
{
  g_test_add_func ("/delivery/does-not-let-one-block-the-others",
                   test_does_not_let_one_block_the_others);
  g_test_add_func ("/delivery/tries-parked-ones-again", test_tries_parked_ones_again);
  g_test_add_func ("/delivery/keeps-parked-ones-parked-over-a-restart",
                   test_keeps_parked_ones_parked_over_a_restart);
  g_test_add_func ("/delivery/confirms-what-is-parked", test_confirms_what_is_parked);
  g_test_add_func ("/delivery/ignores-the-confirmation-of-who-is-no-recipient",
                   test_ignores_the_confirmation_of_who_is_no_recipient);
  g_test_add_func ("/delivery/confirms-what-was-not-sent-yet", test_confirms_what_was_not_sent_yet);
  g_test_add_func ("/delivery/confirms-what-is-dead", test_confirms_what_is_dead);
  g_test_add_func ("/delivery/does-not-confirm-what-has-expired",
                   test_does_not_confirm_what_has_expired);
  g_test_add_func ("/delivery/holds-back-what-is-scheduled", test_holds_back_what_is_scheduled);
  g_test_add_func ("/delivery/delivers-at-once-what-was-due-before",
                   test_delivers_at_once_what_was_due_before);
  g_test_add_func ("/delivery/does-not-deliver-what-has-expired",
                   test_does_not_deliver_what_has_expired);
  g_test_add_func ("/delivery/tells-the-sender-what-expired-when-asked",
                   test_tells_the_sender_what_expired_when_asked);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  add_delivery_tests ();
  add_control_tests ();
  return g_test_run ();
}

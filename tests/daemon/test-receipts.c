/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-receipts: exactly one word to the sender about each confirmation. */

#include "sb-test-site.h"
#include "sb-test.h"

#include <string.h>

static void
put (SbTestHttp *client, const char *to, const char *id)
{
  g_autoptr (SbTestAnswer) answer = sb_test_http_postf (
      client, "/put", "{\"_id\":\"%s\",\"to\":\"%s\",\"message\":1}", id, to);

  sb_test_assert_status (answer, 200);
}

static void
confirm (SbTestHttp *client, const char *id)
{
  g_autoptr (SbTestAnswer) answer = sb_test_http_postf (client, "/confirm", "[\"%s\"]", id);

  sb_test_assert_status (answer, 200);
}

static void
test_tells_the_sender (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) alice = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autoptr (SbTestFrame) receipt = NULL;

  sb_test_ws_send (alice, "{\"_id\":\"x\",\"to\":\"@bob\",\"message\":1}");
  sb_test_frame_free (sb_test_ws_take_id (bob, "x"));
  sb_test_ws_confirm (bob, "x");
  receipt = sb_test_ws_take (alice);
  g_assert_cmpstr (receipt->text, ==,
                   "{\"type\":\"confirmation\",\"data\":\"x\",\"sender\":\"bob\"}");
}

static void
test_tells_of_each_recipient (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) alice = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);
  g_autoptr (SbTestFrame) first = NULL;
  g_autoptr (SbTestFrame) second = NULL;

  put (bus->alice, "#orders", "x");
  confirm (bus->carol, "x");
  first = sb_test_ws_take (alice);
  g_assert_cmpstr (sb_test_frame_get (first, "sender"), ==, "carol");
  confirm (bus->bob, "x");
  second = sb_test_ws_take (alice);
  g_assert_cmpstr (sb_test_frame_get (second, "sender"), ==, "bob");
}

static void
test_tells_once_with_the_old_confirm_key (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) alice = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);
  g_autoptr (SbTestWs) carol = sb_test_ws_log_in_as (bus->daemon, "carol", NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);

  put (bus->alice, "@bob", "x");
  put (bus->alice, "@bob", "y");
  sb_test_ws_send (bob, "{\"type\":\"confirmation\",\"data\":\"x\",\"uid\":[\"c\"],"
                        "\"confirm\":\"alice\"}");
  /* Whoever it names, the stored sender is told. */
  sb_test_ws_send (bob, "{\"type\":\"confirmation\",\"data\":\"y\",\"confirm\":\"carol\"}");
  for (guint i = 0; i < 2; i++)
    sb_test_frame_free (sb_test_ws_take_type (alice, "confirmation"));
  sb_test_ws_assert_nothing (alice);
  sb_test_ws_assert_nothing (carol);
}

static void
test_tells_once_of_a_repeated_confirmation (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) alice = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);

  put (bus->alice, "@bob", "x");
  for (guint i = 0; i < 3; i++)
    confirm (bus->bob, "x");
  sb_test_frame_free (sb_test_ws_take_type (alice, "confirmation"));
  sb_test_ws_assert_nothing (alice);
}

static void
test_tells_once_of_two_confirmations_in_one_go (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", NULL);
  g_autoptr (SbTestWs) alice = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);

  put (bus->alice, "@bob", "x");
  put (bus->alice, "@bob", "y");
  sb_test_ws_confirm (bob, "x");
  sb_test_ws_confirm (bob, "x");
  sb_test_ws_confirm (bob, "y");
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (SbTestFrame) receipt = sb_test_ws_take (alice);

      g_assert_cmpstr (sb_test_frame_get (receipt, "data"), ==, i == 0 ? "x" : "y");
    }
  sb_test_ws_assert_nothing (alice);
}

static void
test_does_not_tell_of_who_is_no_recipient (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) alice = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);

  put (bus->alice, "@bob", "x");
  confirm (bus->carol, "x");
  confirm (bus->alice, "x");
  sb_test_ws_assert_nothing (alice);
}

static void
test_keeps_receipts_for_who_is_away (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) alice = NULL;
  g_autoptr (SbTestFrame) receipt = NULL;

  put (bus->alice, "@bob", "x");
  confirm (bus->bob, "x");
  alice = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);
  receipt = sb_test_ws_take (alice);
  g_assert_cmpstr (receipt->text, ==,
                   "{\"type\":\"confirmation\",\"data\":\"x\",\"sender\":\"bob\"}");
  sb_test_ws_assert_nothing (alice);
}

static void
test_forgets_receipts_once_they_are_written (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) first = NULL;
  g_autoptr (SbTestWs) second = NULL;

  put (bus->alice, "@bob", "x");
  confirm (bus->bob, "x");
  first = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);
  sb_test_frame_free (sb_test_ws_take_type (first, "confirmation"));
  sb_test_ws_close (first);
  /* A confirmation behind it is told alone. */
  put (bus->alice, "@bob", "y");
  confirm (bus->bob, "y");
  second = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);
  sb_test_frame_free (sb_test_ws_take_type (second, "confirmation"));
  sb_test_ws_assert_nothing (second);
}

static void
test_keeps_receipts_over_a_kill (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", NULL);
  g_autoptr (SbTestWs) alice = NULL;
  g_autoptr (SbTestFrame) receipt = NULL;

  put (bus->alice, "@bob", "x");
  confirm (bus->bob, "x");
  sb_test_daemon_kill (bus->daemon);
  sb_test_site_restart (bus);
  alice = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);
  receipt = sb_test_ws_take (alice);
  g_assert_cmpstr (sb_test_frame_get (receipt, "data"), ==, "x");
}

static void
test_bounds_what_is_kept (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.receipts-max=2", NULL);
  g_autoptr (SbTestWs) alice = NULL;

  for (guint i = 0; i < 4; i++)
    {
      g_autofree char *id = g_strdup_printf ("m%u", i);

      put (bus->alice, "@bob", id);
      confirm (bus->bob, id);
    }
  alice = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);
  sb_test_ws_wait_frames (alice, 2);
  sb_test_ws_sync (alice);
  g_assert_cmpuint (sb_test_ws_get_n_frames (alice), ==, 2);
}

static void
test_says_nothing_to_who_wants_none (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) alice = NULL;
  g_autoptr (SbTestWs) carol = sb_test_ws_log_in_as (bus->daemon, "carol", NULL);

  put (bus->alice, "@bob", "before");
  confirm (bus->bob, "before");
  alice = sb_test_ws_log_in_as (bus->daemon, "alice", "\"receipts\":false");
  put (bus->alice, "@bob", "x");
  put (bus->carol, "@bob", "y");
  confirm (bus->bob, "x");
  confirm (bus->bob, "y");
  sb_test_frame_free (sb_test_ws_take_type (carol, "confirmation"));
  sb_test_ws_assert_nothing (alice);
}

static void
test_does_not_tell_over_http (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) answer = NULL;

  put (bus->alice, "@bob", "x");
  confirm (bus->bob, "x");
  answer = sb_test_http_get (bus->alice, "/get");
  g_assert_cmpstr (answer->body, ==, "[]");
}

static void
test_tells_a_sender_that_confirms_itself (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) alice = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);
  g_autoptr (SbTestFrame) receipt = NULL;

  put (bus->alice, "@alice", "x");
  sb_test_frame_free (sb_test_ws_take_id (alice, "x"));
  sb_test_ws_confirm (alice, "x");
  receipt = sb_test_ws_take (alice);
  g_assert_cmpstr (sb_test_frame_get (receipt, "sender"), ==, "alice");
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/receipts/tells-the-sender", test_tells_the_sender);
  g_test_add_func ("/receipts/tells-of-each-recipient", test_tells_of_each_recipient);
  g_test_add_func ("/receipts/tells-once-with-the-old-confirm-key",
                   test_tells_once_with_the_old_confirm_key);
  g_test_add_func ("/receipts/tells-once-of-a-repeated-confirmation",
                   test_tells_once_of_a_repeated_confirmation);
  g_test_add_func ("/receipts/tells-once-of-two-confirmations-in-one-go",
                   test_tells_once_of_two_confirmations_in_one_go);
  g_test_add_func ("/receipts/does-not-tell-of-who-is-no-recipient",
                   test_does_not_tell_of_who_is_no_recipient);
  g_test_add_func ("/receipts/keeps-receipts-for-who-is-away", test_keeps_receipts_for_who_is_away);
  g_test_add_func ("/receipts/forgets-receipts-once-they-are-written",
                   test_forgets_receipts_once_they_are_written);
  g_test_add_func ("/receipts/keeps-receipts-over-a-kill", test_keeps_receipts_over_a_kill);
  g_test_add_func ("/receipts/bounds-what-is-kept", test_bounds_what_is_kept);
  g_test_add_func ("/receipts/says-nothing-to-who-wants-none", test_says_nothing_to_who_wants_none);
  g_test_add_func ("/receipts/does-not-tell-over-http", test_does_not_tell_over_http);
  g_test_add_func ("/receipts/tells-a-sender-that-confirms-itself",
                   test_tells_a_sender_that_confirms_itself);
  return g_test_run ();
}

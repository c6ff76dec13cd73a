/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-outbound-life: a called recipient over sessions, changes, and ends of the bus. */

#include "sb-test-raw.h"
#include "sb-test-recipient.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <signal.h>
#include <string.h>

static void
put (SbTestHttp *client, const char *to, const char *id)
{
  g_autoptr (SbTestAnswer) answer = sb_test_http_postf (
      client, "/put", "{\"_id\":\"%s\",\"to\":\"@%s\",\"message\":1}", id, to);

  sb_test_assert_status (answer, 200);
}

static void
test_leaves_it_to_a_session_while_there_is_one (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.deliveries=http", NULL);
  g_autoptr (SbTestRecipient) erp = sb_test_recipient_new ();
  g_autoptr (SbTestWs) session = NULL;
  g_autofree char *ids = NULL;

  sb_test_recipient_make_user (erp, bus->admin, "erp", "");
  put (bus->alice, "erp", "m0");
  sb_test_wait_state (bus->alice, "m0", "erp", "confirmed");
  sb_test_recipient_script (erp, "", SB_TEST_THEN_HOLD);
  put (bus->alice, "erp", "m1");
  sb_test_recipient_wait (erp, 2);
  /* What is under way comes to the session too. */
  session = sb_test_ws_log_in_as (bus->daemon, "erp", NULL);
  sb_test_frame_free (sb_test_ws_take_id (session, "m1"));
  sb_test_ws_confirm (session, "m1");
  put (bus->alice, "erp", "m2");
  sb_test_frame_free (sb_test_ws_take_id (session, "m2"));
  sb_test_ws_confirm (session, "m2");
  sb_test_wait_state (bus->alice, "m2", "erp", "confirmed");
  sb_test_ws_close (session);
  sb_test_recipient_release (erp, SB_TEST_OK);
  put (bus->alice, "erp", "m3");
  sb_test_wait_state (bus->alice, "m3", "erp", "confirmed");
  ids = sb_test_recipient_dup_ids (erp);
  g_assert_cmpstr (ids, ==, "m0 m1 m3");
}

static void
test_takes_what_a_session_leaves (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.deliveries=http", NULL);
  g_autoptr (SbTestRecipient) erp = sb_test_recipient_new ();
  g_autoptr (SbTestWs) session = NULL;
  g_autofree char *ids = NULL;

  sb_test_recipient_make_user (erp, bus->admin, "erp", "");
  session = sb_test_ws_log_in_as (bus->daemon, "erp", NULL);
  put (bus->alice, "erp", "m0");
  put (bus->alice, "erp", "m1");
  sb_test_frame_free (sb_test_ws_take_id (session, "m1"));
  sb_test_ws_cut (session);
  sb_test_recipient_wait (erp, 2);
  ids = sb_test_recipient_dup_ids (erp);
  g_assert_cmpstr (ids, ==, "m0 m1");
}

static void
test_follows_a_change_of_properties (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.deliveries=http", NULL);
  g_autoptr (SbTestRecipient) before = sb_test_recipient_new ();
  g_autoptr (SbTestRecipient) after = sb_test_recipient_new ();
  g_autofree char *ids = NULL;

  sb_test_recipient_make_user (before, bus->admin, "erp", "");
  sb_test_recipient_script (before, "", SB_TEST_THEN_HOLD);
  put (bus->alice, "erp", "m0");
  put (bus->alice, "erp", "m1");
  sb_test_recipient_wait (before, 1);
  sb_test_recipient_make_user (after, bus->admin, "erp", "");
  sb_test_recipient_wait (after, 2);
  ids = sb_test_recipient_dup_ids (after);
  g_assert_cmpstr (ids, ==, "m0 m1");
  sb_test_recipient_wait_closed (before, 1);
  sb_test_wait_state (bus->alice, "m1", "erp", "confirmed");
}

static void
test_stops_calling_whose_properties_are_removed (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.deliveries=http", NULL);
  g_autoptr (SbTestRecipient) erp = sb_test_recipient_new ();
  g_autofree char *state = NULL;

  sb_test_recipient_make_user (erp, bus->admin, "erp", "");
  put (bus->alice, "erp", "m0");
  sb_test_wait_state (bus->alice, "m0", "erp", "confirmed");
  sb_test_put_users (bus->admin, "[{\"_id\":\"erp\",\"connection_properties\":null}]");
  sb_test_recipient_wait_closed (erp, 1);
  put (bus->alice, "erp", "m1");
  state = sb_test_get_state (bus->alice, "m1", "erp");
  g_assert_cmpstr (state, ==, "pending");
  g_assert_cmpuint (sb_test_recipient_get_n (erp), ==, 1);
}

static void
test_shows_who_cannot_be_called (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.deliveries=http", NULL);
  g_autofree char *state = NULL;

  /* As in an example of the original documentation: it is stored, and can still fetch. */
  sb_test_put_users (bus->admin, "[{\"_id\":\"erp\",\"password\":\"erp-pw\","
                                 "\"connection_properties\":{\"type\":\"http\"}}]");
  put (bus->alice, "erp", "m0");
  state = sb_test_get_state (bus->alice, "m0", "erp");
  g_assert_cmpstr (state, ==, "pending");
}

static gboolean
has_stopped_listening (gpointer user_data)
{
  g_autoptr (SbTestRaw) raw = sb_test_raw_try (sb_test_daemon_get_http_port (user_data));

  return raw == NULL;
}

static gboolean
tick_cb (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

static void
test_waits_for_an_answer_when_it_stops (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.deliveries=http", "bus.store=sqlite", NULL);
  g_autoptr (SbTestRecipient) erp = sb_test_recipient_new ();
  guint tick;
  g_autofree char *ids = NULL;
  g_autofree char *state = NULL;

  sb_test_recipient_make_user (erp, bus->admin, "erp", "");
  sb_test_recipient_script (erp, "", SB_TEST_THEN_HOLD);
  put (bus->alice, "erp", "m0");
  put (bus->alice, "erp", "m1");
  sb_test_recipient_wait (erp, 1);
  sb_test_daemon_signal (bus->daemon, SIGTERM);
  tick = g_timeout_add (10, tick_cb, NULL);
  sb_test_wait_for (has_stopped_listening, bus->daemon, "the bus to drain");
  g_source_remove (tick);
  sb_test_recipient_release (erp, SB_TEST_OK);
  sb_test_daemon_wait_stopped (bus->daemon);
  g_assert_cmpuint (sb_test_recipient_get_n (erp), ==, 1);

  sb_test_site_restart (bus);
  sb_test_wait_state (bus->alice, "m1", "erp", "confirmed");
  state = sb_test_get_state (bus->alice, "m0", "erp");
  g_assert_cmpstr (state, ==, "confirmed");
  ids = sb_test_recipient_dup_ids (erp);
  g_assert_cmpstr (ids, ==, "m0 m1");
}

static void
test_does_not_wait_for_ever_when_it_stops (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.deliveries=http", "bus.store=sqlite",
                                                 "bus.stop-timeout=0.2", NULL);
  g_autoptr (SbTestRecipient) erp = sb_test_recipient_new ();

  sb_test_recipient_make_user (erp, bus->admin, "erp", "");
  sb_test_recipient_script (erp, "", SB_TEST_THEN_HOLD);
  put (bus->alice, "erp", "m0");
  sb_test_recipient_wait (erp, 1);
  sb_test_daemon_terminate (bus->daemon);
  sb_test_site_restart (bus);
  sb_test_wait_state (bus->alice, "m0", "erp", "confirmed");
  g_assert_cmpuint (sb_test_recipient_get_n (erp), ==, 2);
}

/* Killed again and again */

#define N_ROUNDS 6
#define N_PER_ROUND 40

/* Whether first arrivals are all there, in order; the others are repetitions. */
static void
assert_nothing_lost (SbTestRecipient *recipient, guint n)
{
  g_autofree char *text = sb_test_recipient_dup_ids (recipient);
  g_auto (GStrv) ids = g_strsplit (text, " ", -1);
  guint next = 0;

  for (char **id = ids; *id != NULL; id++)
    {
      guint number = (guint) g_ascii_strtoull (*id + 1, NULL, 10);

      g_assert_cmpuint (number, <=, next);
      if (number == next)
        next++;
    }
  g_assert_cmpuint (next, ==, n);
}

static void
test_loses_nothing_when_it_is_killed (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.deliveries=http", "bus.store=sqlite", NULL);
  g_autoptr (SbTestRecipient) erp = sb_test_recipient_new ();
  guint n = 0;

  sb_test_recipient_make_user (erp, bus->admin, "erp", "");
  for (guint round = 0; round < N_ROUNDS; round++)
    {
      guint before = sb_test_recipient_get_n (erp);

      for (guint i = 0; i < N_PER_ROUND; i++)
        {
          g_autofree char *id = g_strdup_printf ("m%u", n++);

          put (bus->alice, "erp", id);
        }
      /* In the middle of them. */
      sb_test_recipient_wait (erp, before + (guint) g_test_rand_int_range (1, N_PER_ROUND));
      sb_test_daemon_kill (bus->daemon);
      sb_test_site_restart (bus);
    }
  {
    g_autofree char *last = g_strdup_printf ("m%u", n - 1);

    sb_test_wait_state (bus->alice, last, "erp", "confirmed");
  }
  assert_nothing_lost (erp, n);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/outbound-life/leaves-it-to-a-session-while-there-is-one",
                   test_leaves_it_to_a_session_while_there_is_one);
  g_test_add_func ("/outbound-life/takes-what-a-session-leaves", test_takes_what_a_session_leaves);
  g_test_add_func ("/outbound-life/follows-a-change-of-properties",
                   test_follows_a_change_of_properties);
  g_test_add_func ("/outbound-life/stops-calling-whose-properties-are-removed",
                   test_stops_calling_whose_properties_are_removed);
  g_test_add_func ("/outbound-life/shows-who-cannot-be-called", test_shows_who_cannot_be_called);
  g_test_add_func ("/outbound-life/waits-for-an-answer-when-it-stops",
                   test_waits_for_an_answer_when_it_stops);
  g_test_add_func ("/outbound-life/does-not-wait-for-ever-when-it-stops",
                   test_does_not_wait_for_ever_when_it_stops);
  g_test_add_func ("/outbound-life/loses-nothing-when-it-is-killed",
                   test_loses_nothing_when_it_is_killed);
  return g_test_run ();
}

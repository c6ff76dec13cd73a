/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-time: how long messages live by default, and what restarts and clocks
 * that jump do to those that wait for a time.
 */

#include "sb-bus-private.h"
#include "sb-test-bus.h"
#include "sb-test-log.h"

#include <string.h>

#define SECOND SB_TEST_SECOND
#define MINUTE SB_TEST_MINUTE

/* What the fake clock says at first, seconds. */
#define NOW 1700000000

typedef struct
{
  SbTestBus *t;     /* (owned) */
  GString *answers; /* (owned) */
} Fixture;

/* @config: (nullable) */
static void
set_up (Fixture *f, gconstpointer config)
{
  f->t = sb_test_bus_new_started (config != NULL ? config : "");
  f->answers = g_string_new (NULL);
  sb_test_bus_add_user (f->t, "s", "", FALSE);
  sb_test_bus_add_user (f->t, "anna", "", FALSE);
}

static void
tear_down (Fixture *f, gconstpointer config)
{
  sb_test_bus_free (f->t);
  g_string_free (f->answers, TRUE);
  sb_test_log_assert_expected ();
}

/* @members: (nullable): more of the message, with a comma before each */
static void
send (Fixture *f, const char *id, const char *members)
{
  g_autofree char *json = g_strdup_printf ("{\"_id\":\"%s\",\"to\":\"@anna\",\"message\":1%s}", id,
                                           members != NULL ? members : "");

  sb_test_bus_publish (f->t, "s", json, 0, f->answers);
  sb_test_bus_settle (f->t);
}

static void
assert_state (Fixture *f, const char *id, const char *wanted)
{
  g_autoptr (SbMessageStatus) status = sb_store_status (SB_STORE (f->t->store), id, NULL);
  const SbDeliveryStatus *delivery;

  g_assert_nonnull (status);
  delivery = g_ptr_array_index (status->deliveries, 0);
  g_assert_cmpstr (sb_delivery_state_to_string (delivery->state), ==, wanted);
}

/* Replaces the sender by one with that ttl. */
static void
set_ttl_of_sender (Fixture *f, gint64 ttl)
{
  SbOperation *operation = sb_operation_new (SB_OPERATION_PUT_USER, NULL, NULL);
  g_autoptr (GError) error = NULL;

  operation->put_user.user = sb_user_with_ttl (sb_test_bus_find (f->t, "s"), ttl);
  g_assert_cmpint (sb_test_bus_apply (f->t, operation), ==, SB_OUTCOME_DONE);
  sb_accounts_load (f->t->accounts, &error);
  g_assert_no_error (error);
}

/* Whose ttl holds */

static void
without_any_ttl_nothing_expires (Fixture *f, gconstpointer data)
{
  send (f, "a", NULL);
  sb_test_bus_pass (f->t, 365 * 24 * 60 * MINUTE);
  assert_state (f, "a", "pending");
}

static void
the_ttl_of_the_bus_holds_for_messages_that_do_not_say (Fixture *f, gconstpointer data)
{
  send (f, "a", NULL);
  send (f, "longer", ",\"ttl\":120");
  sb_test_bus_pass (f->t, MINUTE - SECOND);
  assert_state (f, "a", "pending");
  sb_test_bus_pass (f->t, SECOND);
  assert_state (f, "a", "expired");
  assert_state (f, "longer", "pending");
  sb_test_bus_pass (f->t, MINUTE);
  assert_state (f, "longer", "expired");
}

static void
the_ttl_of_the_sender_wins_over_that_of_the_bus (Fixture *f, gconstpointer data)
{
  set_ttl_of_sender (f, 10);
  send (f, "a", NULL);
  sb_test_bus_pass (f->t, 10 * SECOND);
  assert_state (f, "a", "expired");
}

static void
a_sender_may_have_none_where_the_bus_has_one (Fixture *f, gconstpointer data)
{
  set_ttl_of_sender (f, 0);
  send (f, "a", NULL);
  sb_test_bus_pass (f->t, 60 * MINUTE);
  assert_state (f, "a", "pending");
}

static void
the_default_counts_from_the_time_it_is_due (Fixture *f, gconstpointer data)
{
  g_autofree char *later = g_strdup_printf (",\"not_before\":%d", NOW + 100);

  send (f, "a", later);
  sb_test_bus_pass (f->t, 100 * SECOND);
  assert_state (f, "a", "pending");
  sb_test_bus_pass (f->t, MINUTE);
  assert_state (f, "a", "expired");
}

/* Restarts */

static void
what_waits_for_a_time_survives_a_restart (Fixture *f, gconstpointer data)
{
  g_autofree char *later = g_strdup_printf (",\"not_before\":%d", NOW + 100);

  send (f, "scheduled", later);
  send (f, "expiring", ",\"ttl\":100");
  sb_test_bus_restart (f->t);
  sb_test_bus_pass (f->t, 99 * SECOND);
  assert_state (f, "scheduled", "scheduled");
  assert_state (f, "expiring", "pending");
  sb_test_bus_pass (f->t, SECOND);
  assert_state (f, "scheduled", "pending");
  assert_state (f, "expiring", "expired");
}

static void
what_came_due_while_the_bus_was_down_is_done_at_once (Fixture *f, gconstpointer data)
{
  g_autofree char *later = g_strdup_printf (",\"not_before\":%d", NOW + 100);

  send (f, "scheduled", later);
  send (f, "expiring", ",\"ttl\":100");
  sb_clock_advance (f->t->clock, 1000 * SECOND);
  sb_test_bus_restart (f->t);
  sb_test_bus_pass (f->t, SECOND);
  assert_state (f, "scheduled", "pending");
  assert_state (f, "expiring", "expired");
}

/* Clocks that jump */

static void
a_wall_clock_that_jumps_ahead_makes_stated_times_due (Fixture *f, gconstpointer data)
{
  g_autofree char *later = g_strdup_printf (",\"not_before\":%d", NOW + 3600);

  send (f, "scheduled", later);
  sb_clock_step_wall (f->t->clock, 60 * MINUTE);
  sb_test_bus_pass (f->t, SECOND);
  assert_state (f, "scheduled", "pending");
}

static void
a_wall_clock_that_fell_behind_expires_nothing_until_it_has_caught_up (Fixture *f,
                                                                      gconstpointer data)
{
  send (f, "a", ",\"ttl\":100");
  sb_test_bus_pass (f->t, SECOND);
  sb_clock_step_wall (f->t->clock, -60 * MINUTE);
  sb_test_log_expect ("the clock is");
  sb_test_bus_pass (f->t, 200 * SECOND);
  assert_state (f, "a", "pending");
  sb_test_bus_pass (f->t, 60 * MINUTE);
  assert_state (f, "a", "expired");
}

static void
a_wall_clock_that_jumps_does_not_touch_redelivery (Fixture *f, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_path_new ();
  SbSession *session = sb_test_bus_open (f->t, "anna", path, SB_SESSION_NONE);

  send (f, "a", NULL);
  sb_test_path_assert (path, "a");
  sb_clock_step_wall (f->t->clock, 24 * 60 * MINUTE);
  sb_test_bus_pass (f->t, 9 * SECOND);
  sb_test_path_assert (path, "");
  sb_test_bus_pass (f->t, SECOND);
  sb_test_path_assert (path, "a");
  sb_session_close (session);
}

/* What waiting costs */

/* Returns how often the store was swept in a minute of ticks. */
static guint
count_sweeps (Fixture *f)
{
  guint before = sb_test_store_get_n_sweeps (f->t->store);

  for (guint i = 0; i < 60; i++)
    sb_test_bus_pass (f->t, SECOND);
  return sb_test_store_get_n_sweeps (f->t->store) - before;
}

static void
nothing_is_looked_at_as_long_as_nothing_is_due (Fixture *f, gconstpointer data)
{
  g_autofree char *later = g_strdup_printf (",\"not_before\":%d", NOW + 100000);
  guint idle;

  sb_test_bus_pass (f->t, SECOND);
  idle = count_sweeps (f);
  for (guint i = 0; i < 100; i++)
    {
      g_autofree char *scheduled = g_strdup_printf ("scheduled-%u", i);
      g_autofree char *expiring = g_strdup_printf ("expiring-%u", i);

      send (f, scheduled, later);
      send (f, expiring, ",\"ttl\":100000");
    }
  g_assert_cmpuint (count_sweeps (f), ==, idle);
}

#define ADD(name, config, func) g_test_add ("/time/" name, Fixture, config, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  sb_test_init (&argc, &argv);
  sb_test_log_init ();
  ADD ("without-any-ttl-nothing-expires", NULL, without_any_ttl_nothing_expires);
  ADD ("the-ttl-of-the-bus-holds-for-messages-that-do-not-say", "ttl=1m",
       the_ttl_of_the_bus_holds_for_messages_that_do_not_say);
  ADD ("the-ttl-of-the-sender-wins-over-that-of-the-bus", "ttl=1m",
       the_ttl_of_the_sender_wins_over_that_of_the_bus);
  ADD ("a-sender-may-have-none-where-the-bus-has-one", "ttl=1m",
       a_sender_may_have_none_where_the_bus_has_one);
  ADD ("the-default-counts-from-the-time-it-is-due", "ttl=1m",
       the_default_counts_from_the_time_it_is_due);
  ADD ("what-waits-for-a-time-survives-a-restart", NULL, what_waits_for_a_time_survives_a_restart);
  ADD ("what-came-due-while-the-bus-was-down-is-done-at-once", NULL,
       what_came_due_while_the_bus_was_down_is_done_at_once);
  ADD ("a-wall-clock-that-jumps-ahead-makes-stated-times-due", NULL,
       a_wall_clock_that_jumps_ahead_makes_stated_times_due);
  ADD ("a-wall-clock-that-fell-behind-expires-nothing-until-it-has-caught-up", NULL,
       a_wall_clock_that_fell_behind_expires_nothing_until_it_has_caught_up);
  ADD ("a-wall-clock-that-jumps-does-not-touch-redelivery", NULL,
       a_wall_clock_that_jumps_does_not_touch_redelivery);
  ADD ("nothing-is-looked-at-as-long-as-nothing-is-due", NULL,
       nothing_is_looked_at_as_long_as_nothing_is_due);
  return g_test_run ();
}

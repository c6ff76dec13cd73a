/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-health: what the bus says of itself when its store is stuck, fails, or is ahead of time. */

#include "sb-bus-private.h"
#include "sb-error.h"
#include "sb-health.h"
#include "sb-overview.h"
#include "sb-test-bus.h"

#include <string.h>

typedef struct
{
  SbTestBus *t;
  GString *answers;
} Fixture;

static void
set_up (Fixture *f, gconstpointer config)
{
  f->t = sb_test_bus_new_started (config != NULL ? config : "");
  f->answers = g_string_new (NULL);
  sb_test_bus_add_user (f->t, "s", "", TRUE);
  sb_test_bus_add_user (f->t, "anna", "", FALSE);
}

static void
tear_down (Fixture *f, gconstpointer config)
{
  g_clear_pointer (&f->t, sb_test_bus_free);
  g_string_free (f->answers, TRUE);
}

static void
refreshed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_assert_true (sb_bus_refresh_finish (SB_BUS (source), result, NULL));
  *(gboolean *) user_data = TRUE;
}

static void
refresh (Fixture *f)
{
  gboolean done = FALSE;

  sb_bus_refresh_async (f->t->bus, refreshed_cb, &done);
  sb_test_wait_flag (&done, "the store's numbers");
}

static void
expect_check (Fixture *f, const char *name, SbHealthStatus status, const char *part)
{
  g_autoptr (GPtrArray) checks = sb_health_new ();

  sb_bus_check_health (f->t->bus, checks);
  for (guint i = 0; i < checks->len; i++)
    {
      const SbHealthCheck *check = g_ptr_array_index (checks, i);

      if (strcmp (check->name, name) != 0)
        continue;
      g_test_message ("%s", check->detail);
      g_assert_cmpint (check->status, ==, status);
      g_assert_nonnull (strstr (check->detail, part));
      g_assert_cmpint (check->advice != NULL, ==, status != SB_HEALTH_OK);
      return;
    }
  g_assert_not_reached ();
}

static void
publish (Fixture *f)
{
  sb_test_bus_publish (f->t, "s", "{\"_id\":\"m\",\"to\":\"@anna\",\"message\":1}", 0, f->answers);
}

/* The store has one message, and does not come back from it. */
static void
hold_a_message (Fixture *f)
{
  sb_test_store_hold_applies (f->t->store, TRUE);
  publish (f);
  sb_test_store_wait_held (f->t->store);
}

static void
is_not_ready_while_nothing_is_committed (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  hold_a_message (f);
  g_assert_true (sb_bus_check_ready (f->t->bus, NULL));
  f->t->bus->journal_stuck = 0;
  g_assert_false (sb_bus_check_ready (f->t->bus, &error));
  g_assert_error (error, SB_ERROR, SB_ERROR_BUSY);
  expect_check (f, "journal", SB_HEALTH_ERROR, "nothing was committed");

  sb_test_store_hold_applies (f->t->store, FALSE);
  sb_test_bus_settle (f->t);
  g_assert_true (sb_bus_check_ready (f->t->bus, NULL));
  expect_check (f, "journal", SB_HEALTH_OK, "0 operations");
}

static void
tells_of_a_store_that_takes_no_writes (Fixture *f, gconstpointer data)
{
  expect_check (f, "store", SB_HEALTH_OK, "takes writes");
  sb_test_store_fail_applies (f->t->store, 1);
  publish (f);
  while (f->answers->len == 0)
    g_main_context_iteration (NULL, TRUE);
  expect_check (f, "store", SB_HEALTH_ERROR, "does not take writes");
  g_assert_false (sb_bus_check_ready (f->t->bus, NULL));
  sb_test_bus_send (f->t, "s", "m2", "@anna");
  expect_check (f, "store", SB_HEALTH_OK, "takes writes");
}

static void
warns_of_a_clock_behind_what_is_stored (Fixture *f, gconstpointer data)
{
  sb_test_bus_send (f->t, "s", "m", "@anna");
  refresh (f);
  expect_check (f, "clock", SB_HEALTH_OK, "");
  sb_clock_step_wall (f->t->clock, -SB_TEST_MINUTE);
  expect_check (f, "clock", SB_HEALTH_WARNING, "60 s behind");
}

static void
says_how_it_stands_in_all (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) checks = sb_health_new ();

  g_assert_cmpint (sb_health_get_worst (checks), ==, SB_HEALTH_OK);
  sb_health_add (checks, "a", SB_HEALTH_ERROR, "do", "%d %%", 5);
  sb_health_add (checks, "b", SB_HEALTH_WARNING, NULL, "x");
  g_assert_cmpint (sb_health_get_worst (checks), ==, SB_HEALTH_ERROR);
  g_assert_cmpstr (((const SbHealthCheck *) g_ptr_array_index (checks, 0))->detail, ==, "5 %");
  g_assert_cmpstr (sb_health_status_to_string (SB_HEALTH_WARNING), ==, "warning");
}

static void
the_overview_sees_what_the_journal_has_to_do (Fixture *f, gconstpointer data)
{
  SbOverview overview;

  hold_a_message (f);
  sb_bus_get_overview (f->t->bus, &overview);
  g_assert_cmpuint (overview.journal.operations, ==, 1);
  g_assert_cmpuint (overview.journal.bytes, >, 0);
  g_assert_cmpfloat (overview.journal_fill, >, 0);
  g_assert_cmpuint (overview.accepted, ==, 0);

  sb_test_store_hold_applies (f->t->store, FALSE);
  sb_test_bus_settle (f->t);
  refresh (f);
  sb_clock_advance (f->t->clock, SB_TEST_SECOND);
  sb_bus_get_overview (f->t->bus, &overview);
  g_assert_cmpuint (overview.journal.operations, ==, 0);
  g_assert_cmpint (overview.journal.commit_time, >, 0);
  g_assert_cmpint (overview.journal.waiting, ==, 0);
  g_assert_cmpuint (overview.accepted, ==, 1);
  g_assert_cmpuint (overview.stored.waiting, ==, 1);
  g_assert_cmpint (overview.uptime, >=, SB_TEST_SECOND);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
#define ADD(path, test) g_test_add ("/health/" path, Fixture, NULL, set_up, test, tear_down)
  ADD ("is-not-ready-while-nothing-is-committed", is_not_ready_while_nothing_is_committed);
  ADD ("tells-of-a-store-that-takes-no-writes", tells_of_a_store_that_takes_no_writes);
  ADD ("warns-of-a-clock-behind-what-is-stored", warns_of_a_clock_behind_what_is_stored);
  ADD ("says-how-it-stands-in-all", says_how_it_stands_in_all);
  ADD ("the-overview-sees-what-the-journal-has-to-do",
       the_overview_sees_what_the_journal_has_to_do);
#undef ADD
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sweeper: what time does to stored deliveries. */

#include "sb-sweeper.h"
#include "sb-test-bus.h"
#include "sb-test-log.h"

#define HOUR (60 * SB_TEST_MINUTE)

typedef struct
{
  SbTestBus *t;
  SbSweeper *sweeper;
  GString *moved; /* "id+" for each that was woken, "id-" for each that expired */
  gint64 sender;
  gint64 recipient;
} Fixture;

static void
on_due (const SbDue *due, gpointer user_data)
{
  Fixture *f = user_data;

  g_assert_cmpint (due->recipient, ==, f->recipient);
  g_assert_cmpint (due->sender_key, ==, f->sender);
  g_string_append_printf (f->moved, "%s%s%c", f->moved->len > 0 ? " " : "", due->id,
                          due->state == SB_DELIVERY_EXPIRED ? '-' : '+');
}

static void
make_sweeper (Fixture *f)
{
  SbStoreStats stats;

  sb_store_stats (SB_STORE (f->t->store), &stats, NULL);
  f->sweeper = sb_sweeper_new (f->t->journal, f->t->clock, stats.last_time, on_due, f);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->t = sb_test_bus_new ("remember=1h");
  f->moved = g_string_new (NULL);
  sb_test_bus_add_user (f->t, "s", "", FALSE);
  sb_test_bus_add_user (f->t, "r", "", FALSE);
  f->sender = 1;
  f->recipient = 2;
  make_sweeper (f);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_clear_pointer (&f->sweeper, sb_sweeper_free);
  sb_test_bus_free (f->t);
  g_string_free (f->moved, TRUE);
  sb_test_log_assert_expected ();
}

/* Times are seconds from now; 0: none. */
static void
append (Fixture *f, const char *id, guint not_before, guint deadline)
{
  gint64 now = sb_clock_wall (f->t->clock);
  SbOperation *operation = sb_operation_new (SB_OPERATION_APPEND, NULL, NULL);
  SbOutcome outcome;

  operation->append.message = sb_message_new (id, "s", f->sender, g_bytes_new_static ("{}", 2), now,
                                              not_before > 0 ? now + not_before * SB_TEST_SECOND
                                                             : 0,
                                              deadline > 0 ? now + deadline * SB_TEST_SECOND : 0);
  operation->append.targets = g_new0 (SbTarget, 1);
  operation->append.targets[0].recipient = f->recipient;
  operation->append.n_targets = 1;
  outcome = sb_test_bus_apply (f->t, operation);
  g_assert_cmpint (outcome, ==, SB_OUTCOME_DONE);
  if (not_before > 0)
    sb_sweeper_note_time (f->sweeper, now + not_before * SB_TEST_SECOND);
  if (deadline > 0)
    sb_sweeper_note_time (f->sweeper, now + deadline * SB_TEST_SECOND);
}

static void
tick (Fixture *f)
{
  sb_sweeper_tick (f->sweeper);
  sb_test_bus_settle (f->t);
}

static void
pass (Fixture *f, gint64 us)
{
  sb_clock_advance (f->t->clock, us);
  tick (f);
}

#define assert_moved(f, wanted)                    \
  G_STMT_START                                     \
  {                                                \
    g_assert_cmpstr ((f)->moved->str, ==, wanted); \
    g_string_truncate ((f)->moved, 0);             \
  }                                                \
  G_STMT_END

static void
what_is_scheduled_is_woken_when_due (Fixture *f, gconstpointer data)
{
  append (f, "a", 10, 0);
  tick (f);
  pass (f, 10 * SB_TEST_SECOND - 1);
  assert_moved (f, "");
  pass (f, 1);
  assert_moved (f, "a+");
}

static void
what_is_due_first_is_woken_first (Fixture *f, gconstpointer data)
{
  append (f, "late", 20, 0);
  append (f, "early", 10, 0);
  tick (f);
  pass (f, 30 * SB_TEST_SECOND);
  assert_moved (f, "early+ late+");
}

static void
what_has_a_deadline_expires_then (Fixture *f, gconstpointer data)
{
  append (f, "a", 0, 10);
  append (f, "b", 0, 0);
  tick (f);
  pass (f, 10 * SB_TEST_SECOND - 1);
  assert_moved (f, "");
  pass (f, 1);
  assert_moved (f, "a-");
  pass (f, 100 * HOUR);
  assert_moved (f, "");
}

static void
what_is_scheduled_expires_after_it_was_woken (Fixture *f, gconstpointer data)
{
  append (f, "a", 10, 15);
  tick (f);
  pass (f, 10 * SB_TEST_SECOND);
  pass (f, 5 * SB_TEST_SECOND);
  assert_moved (f, "a+ a-");
}

static void
after_a_restart_the_first_tick_finds_what_is_due (Fixture *f, gconstpointer data)
{
  append (f, "a", 10, 0);
  sb_sweeper_free (f->sweeper);
  sb_clock_advance (f->t->clock, 20 * SB_TEST_SECOND);
  make_sweeper (f);
  tick (f);
  assert_moved (f, "a+");
}

static void
between_two_ticks_with_nothing_due_nothing_is_written (Fixture *f, gconstpointer data)
{
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;

  tick (f);
  before = sb_test_store_take_batches (f->t->store);
  for (guint i = 0; i < 20; i++)
    {
      sb_clock_advance (f->t->clock, SB_TEST_SECOND);
      sb_sweeper_tick (f->sweeper);
    }
  sb_test_settle ();
  after = sb_test_store_take_batches (f->t->store);
  g_assert_cmpstr (after, ==, "");
}

static void
many_at_once_are_all_moved (Fixture *f, gconstpointer data)
{
  g_auto (GStrv) moved = NULL;

  for (guint i = 0; i < 500; i++)
    {
      g_autofree char *id = g_strdup_printf ("%u", i);

      append (f, id, 10, 0);
    }
  tick (f);
  pass (f, 10 * SB_TEST_SECOND);
  moved = g_strsplit (f->moved->str, " ", -1);
  g_assert_cmpuint (g_strv_length (moved), ==, 500);
  g_assert_cmpstr (moved[499], ==, "499+");
}

static void
what_ended_long_ago_is_forgotten (Fixture *f, gconstpointer data)
{
  g_autoptr (SbMessageStatus) before = NULL;

  append (f, "a", 0, 10);
  pass (f, 10 * SB_TEST_SECOND);
  pass (f, HOUR - 1);
  before = sb_store_status (SB_STORE (f->t->store), "a", NULL);
  g_assert_nonnull (before);
  pass (f, 1);
  g_assert_null (sb_store_status (SB_STORE (f->t->store), "a", NULL));
}

static void
a_clock_behind_the_newest_message_expires_nothing (Fixture *f, gconstpointer data)
{
  append (f, "a", 0, 10);
  sb_sweeper_free (f->sweeper);
  sb_clock_advance (f->t->clock, 5 * SB_TEST_SECOND);
  append (f, "b", 0, 0);
  /* As after a start with a clock that has lost a year. */
  sb_clock_step_wall (f->t->clock, -365 * 24 * HOUR);
  make_sweeper (f);
  sb_test_log_expect ("the clock is");
  tick (f);
  for (guint i = 0; i < 10; i++)
    pass (f, HOUR);
  assert_moved (f, "");
  sb_clock_step_wall (f->t->clock, 365 * 24 * HOUR);
  tick (f);
  assert_moved (f, "a-");
}

static void
a_sweep_that_failed_is_made_again_in_a_while (Fixture *f, gconstpointer data)
{
  append (f, "a", 10, 0);
  tick (f);
  sb_test_store_fail_applies (f->t->store, 1);
  sb_clock_advance (f->t->clock, 10 * SB_TEST_SECOND);
  sb_sweeper_tick (f->sweeper);
  sb_test_bus_settle (f->t);
  assert_moved (f, "");
  pass (f, SB_TEST_SECOND / 2);
  assert_moved (f, "");
  pass (f, SB_TEST_SECOND / 2);
  assert_moved (f, "a+");
}

static void
its_owner_may_go_during_a_sweep (Fixture *f, gconstpointer data)
{
  append (f, "a", 10, 0);
  sb_clock_advance (f->t->clock, 10 * SB_TEST_SECOND);
  sb_sweeper_tick (f->sweeper);
  g_clear_pointer (&f->sweeper, sb_sweeper_free);
  sb_test_bus_settle (f->t);
  assert_moved (f, "");
}

static void
free_at_once (const SbDue *due, gpointer user_data)
{
  Fixture *f = user_data;

  on_due (due, f);
  g_clear_pointer (&f->sweeper, sb_sweeper_free);
}

static void
its_owner_may_go_while_it_hears_of_one (Fixture *f, gconstpointer data)
{
  append (f, "a", 10, 0);
  append (f, "b", 10, 0);
  sb_sweeper_free (f->sweeper);
  f->sweeper = sb_sweeper_new (f->t->journal, f->t->clock, 0, free_at_once, f);
  sb_clock_advance (f->t->clock, 10 * SB_TEST_SECOND);
  sb_sweeper_tick (f->sweeper);
  sb_test_bus_settle (f->t);
  assert_moved (f, "a+");
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  sb_test_log_init ();
#define ADD(name, func) g_test_add ("/sweeper/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("what-is-scheduled-is-woken-when-due", what_is_scheduled_is_woken_when_due);
  ADD ("what-is-due-first-is-woken-first", what_is_due_first_is_woken_first);
  ADD ("what-has-a-deadline-expires-then", what_has_a_deadline_expires_then);
  ADD ("what-is-scheduled-expires-after-it-was-woken",
       what_is_scheduled_expires_after_it_was_woken);
  ADD ("after-a-restart-the-first-tick-finds-what-is-due",
       after_a_restart_the_first_tick_finds_what_is_due);
  ADD ("between-two-ticks-with-nothing-due-nothing-is-written",
       between_two_ticks_with_nothing_due_nothing_is_written);
  ADD ("many-at-once-are-all-moved", many_at_once_are_all_moved);
  ADD ("what-ended-long-ago-is-forgotten", what_ended_long_ago_is_forgotten);
  ADD ("a-clock-behind-the-newest-message-expires-nothing",
       a_clock_behind_the_newest_message_expires_nothing);
  ADD ("a-sweep-that-failed-is-made-again-in-a-while",
       a_sweep_that_failed_is_made_again_in_a_while);
  ADD ("its-owner-may-go-during-a-sweep", its_owner_may_go_during_a_sweep);
  ADD ("its-owner-may-go-while-it-hears-of-one", its_owner_may_go_while_it_hears_of_one);
#undef ADD
  return g_test_run ();
}

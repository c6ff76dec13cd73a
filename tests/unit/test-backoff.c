/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-backoff: pauses that grow, what recipients ask for, and the circuit. */

#include "sb-backoff.h"
#include "sb-test.h"

#define SECOND ((gint64) G_USEC_PER_SEC)
#define MINUTE (60 * SECOND)

/* Chance has its say, so each is tried often. */
#define TIMES 1000

static void
pauses_double_with_jitter_up_to_the_longest (void)
{
  static const gint64 wanted[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300 };

  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++)
    for (guint n = 0; n < TIMES; n++)
      {
        gint64 pause = sb_backoff_pause (i + 1, 5 * MINUTE);

        g_assert_cmpint (pause, >=, MAX (wanted[i] * SECOND * 3 / 4, SECOND));
        g_assert_cmpint (pause, <=, MIN (wanted[i] * SECOND * 5 / 4, 5 * MINUTE));
      }
}

static void
pauses_differ_by_chance (void)
{
  gint64 least = G_MAXINT64, most = 0;

  for (guint n = 0; n < TIMES; n++)
    {
      gint64 pause = sb_backoff_pause (5, 5 * MINUTE);

      least = MIN (least, pause);
      most = MAX (most, pause);
    }
  g_assert_cmpint (least, <, 14 * SECOND);
  g_assert_cmpint (most, >, 18 * SECOND);
}

static void
many_failures_do_not_overflow (void)
{
  g_assert_cmpint (sb_backoff_pause (G_MAXUINT, 5 * MINUTE), <=, 5 * MINUTE);
  g_assert_cmpint (sb_backoff_pause (64, 5 * MINUTE), >=, 5 * MINUTE * 3 / 4);
}

static void
a_failure_makes_wait_and_a_success_ends_it (void)
{
  SbBackoff backoff = { 0 };

  g_assert_false (sb_backoff_is_waiting (&backoff, 0));
  sb_backoff_fail (&backoff, 10 * SECOND, 0);
  g_assert_true (sb_backoff_is_waiting (&backoff, 10 * SECOND + SECOND - 1));
  g_assert_false (sb_backoff_is_waiting (&backoff, 10 * SECOND + SECOND * 5 / 4));
  sb_backoff_succeed (&backoff);
  g_assert_false (sb_backoff_is_waiting (&backoff, 10 * SECOND));
}

static void
failures_of_one_time_count_once (void)
{
  SbBackoff backoff = { 0 };

  for (guint i = 0; i < 8; i++)
    sb_backoff_fail (&backoff, SECOND + i, 0);
  g_assert_cmpuint (backoff.failures, ==, 1);
  g_assert_false (sb_backoff_is_open (&backoff));
}

static void
the_circuit_opens_once_and_closes_once (void)
{
  SbBackoff backoff = { 0 };
  gint64 now = SECOND;
  guint n_opened = 0;

  for (guint i = 0; i < 10; i++)
    {
      g_assert_cmpint (sb_backoff_is_open (&backoff), ==, i >= SB_BACKOFF_OPEN_AFTER);
      n_opened += sb_backoff_fail (&backoff, now, 0);
      now = backoff.resume_at;
    }
  g_assert_cmpuint (n_opened, ==, 1);
  g_assert_true (sb_backoff_succeed (&backoff));
  g_assert_false (sb_backoff_succeed (&backoff));
  g_assert_false (sb_backoff_is_open (&backoff));
}

static void
what_the_recipient_asks_for_is_honoured_within_an_hour (void)
{
  SbBackoff backoff = { 0 };

  sb_backoff_fail (&backoff, SECOND, 90 * SECOND);
  g_assert_cmpint (backoff.resume_at, ==, 91 * SECOND);
  sb_backoff_succeed (&backoff);
  sb_backoff_fail (&backoff, SECOND, 24 * 60 * MINUTE);
  g_assert_cmpint (backoff.resume_at, ==, SECOND + 60 * MINUTE);
}

static void
asking_for_less_does_not_shorten_the_pause (void)
{
  SbBackoff backoff = { .failures = 5 };

  sb_backoff_fail (&backoff, 0, SECOND);
  g_assert_cmpint (backoff.resume_at, >=, 24 * SECOND);
}

static void
one_of_the_same_time_may_ask_for_more (void)
{
  SbBackoff backoff = { 0 };

  sb_backoff_fail (&backoff, 0, 0);
  sb_backoff_fail (&backoff, 1, 100 * SECOND);
  g_assert_cmpint (backoff.resume_at, ==, 100 * SECOND + 1);
}

int
main (int argc, char **argv)
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/backoff/pauses-double-with-jitter-up-to-the-longest",
                   pauses_double_with_jitter_up_to_the_longest);
  g_test_add_func ("/backoff/pauses-differ-by-chance", pauses_differ_by_chance);
  g_test_add_func ("/backoff/many-failures-do-not-overflow", many_failures_do_not_overflow);
  g_test_add_func ("/backoff/a-failure-makes-wait-and-a-success-ends-it",
                   a_failure_makes_wait_and_a_success_ends_it);
  g_test_add_func ("/backoff/failures-of-one-time-count-once", failures_of_one_time_count_once);
  g_test_add_func ("/backoff/the-circuit-opens-once-and-closes-once",
                   the_circuit_opens_once_and_closes_once);
  g_test_add_func ("/backoff/what-the-recipient-asks-for-is-honoured-within-an-hour",
                   what_the_recipient_asks_for_is_honoured_within_an_hour);
  g_test_add_func ("/backoff/asking-for-less-does-not-shorten-the-pause",
                   asking_for_less_does_not_shorten_the_pause);
  g_test_add_func ("/backoff/one-of-the-same-time-may-ask-for-more",
                   one_of_the_same_time_may_ask_for_more);
  return g_test_run ();
}

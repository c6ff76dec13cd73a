/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-takeover: two devices that share a user have to wait, everybody else does not. */

#include "sb-takeover.h"
#include "sb-test.h"

#define SECOND ((gint64) G_USEC_PER_SEC)

typedef struct
{
  SbTakeovers *table;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->table = sb_takeovers_new ();
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  sb_takeovers_free (f->table);
}

static void
note (Fixture *f, guint n, gint64 now)
{
  for (guint i = 0; i < n; i++)
    sb_takeovers_note (f->table, 7, now);
}

#define assert_delay(f, now, seconds) \
  g_assert_cmpint (sb_takeovers_get_delay ((f)->table, 7, now), ==, (seconds) *SECOND)

static void
three_in_half_a_minute_are_free (Fixture *f, gconstpointer data)
{
  assert_delay (f, 100 * SECOND, 0);
  note (f, 2, 100 * SECOND);
  assert_delay (f, 100 * SECOND, 0);
}

static void
after_the_third_the_next_one_waits (Fixture *f, gconstpointer data)
{
  note (f, 3, 100 * SECOND);
  assert_delay (f, 100 * SECOND, 5);
  assert_delay (f, 103 * SECOND, 2);
  assert_delay (f, 105 * SECOND, 0);
}

static void
the_pause_grows_up_to_half_a_minute (Fixture *f, gconstpointer data)
{
  static const int pauses[] = { 5, 10, 20, 30, 30, 30 };

  note (f, 2, 100 * SECOND);
  for (guint i = 0; i < G_N_ELEMENTS (pauses); i++)
    {
      note (f, 1, 100 * SECOND);
      assert_delay (f, 100 * SECOND, pauses[i]);
    }
}

static void
what_is_half_a_minute_ago_does_not_count (Fixture *f, gconstpointer data)
{
  note (f, 2, 100 * SECOND);
  note (f, 1, 130 * SECOND);
  assert_delay (f, 130 * SECOND, 0);
}

static void
users_do_not_wait_for_each_other (Fixture *f, gconstpointer data)
{
  note (f, 5, 100 * SECOND);
  g_assert_cmpint (sb_takeovers_get_delay (f->table, 8, 100 * SECOND), ==, 0);
}

static void
cleaning_forgets_the_calm_ones_only (Fixture *f, gconstpointer data)
{
  note (f, 3, 100 * SECOND);
  sb_takeovers_clean (f->table, 120 * SECOND);
  assert_delay (f, 101 * SECOND, 4);
  sb_takeovers_clean (f->table, 130 * SECOND);
  assert_delay (f, 101 * SECOND, 0);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
#define ADD(name, func) g_test_add ("/takeover/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("three-in-half-a-minute-are-free", three_in_half_a_minute_are_free);
  ADD ("after-the-third-the-next-one-waits", after_the_third_the_next_one_waits);
  ADD ("the-pause-grows-up-to-half-a-minute", the_pause_grows_up_to_half_a_minute);
  ADD ("what-is-half-a-minute-ago-does-not-count", what_is_half_a_minute_ago_does_not_count);
  ADD ("users-do-not-wait-for-each-other", users_do_not_wait_for_each_other);
  ADD ("cleaning-forgets-the-calm-ones-only", cleaning_forgets_the_calm_ones_only);
#undef ADD
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-clock: the machine's clock runs, the fake one only when told to. */

#include "sb-clock.h"
#include "sb-test.h"

static void
the_real_clock_is_the_machines (void)
{
  g_autoptr (SbClock) clock = sb_clock_new ();
  gint64 monotonic = g_get_monotonic_time ();
  gint64 wall = g_get_real_time ();

  g_assert_cmpint (sb_clock_monotonic (clock), >=, monotonic);
  g_assert_cmpint (sb_clock_monotonic (clock), <=, g_get_monotonic_time ());
  g_assert_cmpint (ABS (sb_clock_wall (clock) - wall), <, 60 * G_USEC_PER_SEC);
}

static void
a_fake_clock_stands_still (void)
{
  g_autoptr (SbClock) clock = sb_clock_new_fake (7, 1000);

  g_assert_cmpint (sb_clock_monotonic (clock), ==, 7);
  g_assert_cmpint (sb_clock_monotonic (clock), ==, 7);
  g_assert_cmpint (sb_clock_wall (clock), ==, 1000);
}

static void
advancing_moves_both (void)
{
  g_autoptr (SbClock) clock = sb_clock_new_fake (7, 1000);

  sb_clock_advance (clock, 5);
  g_assert_cmpint (sb_clock_monotonic (clock), ==, 12);
  g_assert_cmpint (sb_clock_wall (clock), ==, 1005);
}

static void
stepping_the_wall_leaves_the_monotonic_clock (void)
{
  g_autoptr (SbClock) clock = sb_clock_new_fake (7, 1000);

  sb_clock_step_wall (clock, -900);
  g_assert_cmpint (sb_clock_monotonic (clock), ==, 7);
  g_assert_cmpint (sb_clock_wall (clock), ==, 100);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/clock/the-real-clock-is-the-machines", the_real_clock_is_the_machines);
  g_test_add_func ("/clock/a-fake-clock-stands-still", a_fake_clock_stands_still);
  g_test_add_func ("/clock/advancing-moves-both", advancing_moves_both);
  g_test_add_func ("/clock/stepping-the-wall-leaves-the-monotonic-clock",
                   stepping_the_wall_leaves_the_monotonic_clock);
  return g_test_run ();
}

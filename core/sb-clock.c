/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-clock: the machine's clock, or a fake one that a test moves. */

#include "sb-clock.h"

struct _SbClock
{
  GObject parent_instance;

  gboolean is_fake;
  gint64 monotonic; /* µs; of the fake clock only, as is the next */
  gint64 wall;      /* µs since 1970 */
};

G_DEFINE_FINAL_TYPE (SbClock, sb_clock, G_TYPE_OBJECT)

static void
sb_clock_class_init (SbClockClass *klass)
{
}

static void
sb_clock_init (SbClock *self)
{
}

/**
 * sb_clock_new:
 *
 * Returns: (transfer full): the machine's clock; it may be read from any thread
 */
SbClock *
sb_clock_new (void)
{
  return g_object_new (SB_TYPE_CLOCK, NULL);
}

/**
 * sb_clock_new_fake:
 * @monotonic_us: what sb_clock_monotonic() shall answer, in microseconds
 * @wall_us: what sb_clock_wall() shall answer, in microseconds since 1970
 *
 * Makes a clock that stands still until sb_clock_advance() or sb_clock_step_wall()
 * moves it. It belongs to one thread.
 *
 * Returns: (transfer full): the clock
 */
SbClock *
sb_clock_new_fake (gint64 monotonic_us, gint64 wall_us)
{
  SbClock *self = g_object_new (SB_TYPE_CLOCK, NULL);

  self->is_fake = TRUE;
  self->monotonic = monotonic_us;
  self->wall = wall_us;
  return self;
}

/**
 * sb_clock_monotonic:
 * @self: a clock
 *
 * Returns: microseconds since some fixed moment; they never go back, and nobody
 *   can set them. For pauses, time-outs and rates
 */
gint64
sb_clock_monotonic (SbClock *self)
{
  g_return_val_if_fail (SB_IS_CLOCK (self), 0);

  return self->is_fake ? self->monotonic : g_get_monotonic_time ();
}

/**
 * sb_clock_wall:
 * @self: a clock
 *
 * Returns: microseconds since 1970, which may jump either way. For what is stored
 *   or shown
 */
gint64
sb_clock_wall (SbClock *self)
{
  g_return_val_if_fail (SB_IS_CLOCK (self), 0);

  return self->is_fake ? self->wall : g_get_real_time ();
}

/**
 * sb_clock_advance:
 * @self: a fake clock
 * @us: microseconds, not negative
 *
 * Lets time pass on both clocks.
 */
void
sb_clock_advance (SbClock *self, gint64 us)
{
  g_return_if_fail (SB_IS_CLOCK (self));
  g_return_if_fail (self->is_fake);
  g_return_if_fail (us >= 0);

  self->monotonic += us;
  self->wall += us;
}

/**
 * sb_clock_step_wall:
 * @self: a fake clock
 * @us: microseconds, negative to set it back
 *
 * Sets the wall clock alone, as an administrator or a time server does.
 */
void
sb_clock_step_wall (SbClock *self, gint64 us)
{
  g_return_if_fail (SB_IS_CLOCK (self));
  g_return_if_fail (self->is_fake);

  self->wall += us;
}

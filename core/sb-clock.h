/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-clock: what time it is, in one place, so that a test can say so.
 *
 * Everything that waits, expires or refills asks an SbClock; the bus runs on the
 * machine's clock, a test on one that moves only when it is told to.
 */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

#define SB_TYPE_CLOCK (sb_clock_get_type ())
G_DECLARE_FINAL_TYPE (SbClock, sb_clock, SB, CLOCK, GObject)

SbClock *sb_clock_new (void);
SbClock *sb_clock_new_fake (gint64 monotonic_us, gint64 wall_us);

gint64 sb_clock_monotonic (SbClock *self);
gint64 sb_clock_wall (SbClock *self);

void sb_clock_advance (SbClock *self, gint64 us);
void sb_clock_step_wall (SbClock *self, gint64 us);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-backoff: a counter and a time; whoever uses it looks at the clock. */

#include "sb-backoff.h"

#define SHORTEST ((gint64) G_USEC_PER_SEC)
#define LONGEST (G_GINT64_CONSTANT (300) * G_USEC_PER_SEC)

/**
 * sb_backoff_pause:
 * @failures: in a row, 1 or more
 * @longest: no pause is longer, microseconds
 *
 * Returns: 1, 2, 4 … seconds up to @longest, a quarter more or less by chance but never below one
 *   second nor above @longest; microseconds
 */
gint64
sb_backoff_pause (guint failures, gint64 longest)
{
  gint64 pause = SHORTEST;

  while (--failures > 0 && pause < longest)
    pause *= 2;
  pause = (gint64) ((double) MIN (pause, longest) * g_random_double_range (0.75, 1.25));
  return CLAMP (pause, SHORTEST, longest);
}

/**
 * sb_backoff_fail:
 * @self: a back-off
 * @now: monotonic, microseconds
 * @retry_after: what the recipient asked for, microseconds; 0: nothing
 *
 * An attempt failed. Those that were under way together count as one.
 *
 * Returns: whether this opened the circuit
 */
gboolean
sb_backoff_fail (SbBackoff *self, gint64 now, gint64 retry_after)
{
  gint64 asked = now + MIN (retry_after, SB_BACKOFF_MAX_RETRY_AFTER);
  gboolean is_first = !sb_backoff_is_waiting (self, now);

  if (is_first)
    {
      self->failures++;
      self->resume_at = now + sb_backoff_pause (self->failures, LONGEST);
    }
  self->resume_at = MAX (self->resume_at, asked);
  return is_first && self->failures == SB_BACKOFF_OPEN_AFTER;
}

/**
 * sb_backoff_succeed:
 * @self: a back-off
 *
 * The recipient answered.
 *
 * Returns: whether this closed the circuit
 */
gboolean
sb_backoff_succeed (SbBackoff *self)
{
  gboolean was_open = sb_backoff_is_open (self);

  *self = (SbBackoff) { 0 };
  return was_open;
}

/**
 * sb_backoff_is_open:
 * @self: a back-off
 *
 * Returns: whether so many attempts failed in a row that only one message at a time is tried
 */
gboolean
sb_backoff_is_open (const SbBackoff *self)
{
  return self->failures >= SB_BACKOFF_OPEN_AFTER;
}

/**
 * sb_backoff_is_waiting:
 * @self: a back-off
 * @now: monotonic, microseconds
 *
 * Returns: whether nothing may be tried now
 */
gboolean
sb_backoff_is_waiting (const SbBackoff *self, gint64 now)
{
  return now < self->resume_at;
}

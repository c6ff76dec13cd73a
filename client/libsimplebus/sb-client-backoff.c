/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-client-backoff: pauses between attempts, doubling and jittered, so that the clients of a bus
 * that was restarted do not all come back in the same instant. */

#include "sb-client-private.h"

#define FIRST_MS 500
#define LONGEST_MS 60000

/**
 * sb_client_backoff_next:
 * @self: a back-off
 *
 * Counts a failure.
 *
 * Returns: how long to wait before the next attempt, in milliseconds: half to all of 0.5 s after
 * the first failure, doubling to 60 s
 */
gint64
sb_client_backoff_next (SbClientBackoff *self)
{
  gint64 pause = MIN ((gint64) FIRST_MS << MIN (self->failures, 16), LONGEST_MS);

  self->failures++;
  return pause / 2 + g_random_int_range (0, (gint32) (pause / 2) + 1);
}

/**
 * sb_client_backoff_reset:
 * @self: a back-off
 *
 * Notes that it worked.
 */
void
sb_client_backoff_reset (SbClientBackoff *self)
{
  self->failures = 0;
}

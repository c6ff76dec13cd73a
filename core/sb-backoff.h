/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-backoff: when to try a recipient again that could not be reached. Pauses
 * double from one second to five minutes, with jitter, so that a thousand
 * recipients behind one broken line do not come back in step. After a few
 * failures in a row the circuit is open: one message at a time probes.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Failures in a row that open the circuit. */
#define SB_BACKOFF_OPEN_AFTER 3

/* The longest time that a recipient can ask to be left alone, microseconds. */
#define SB_BACKOFF_MAX_RETRY_AFTER (G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC)

/**
 * SbBackoff:
 * @failures: in a row
 * @resume_at: monotonic, microseconds: nothing is tried before
 */
typedef struct
{
  guint failures;
  gint64 resume_at;
} SbBackoff;

gint64 sb_backoff_pause (guint failures, gint64 longest);
gboolean sb_backoff_fail (SbBackoff *self, gint64 now, gint64 retry_after);
gboolean sb_backoff_succeed (SbBackoff *self);
gboolean sb_backoff_is_open (const SbBackoff *self);
gboolean sb_backoff_is_waiting (const SbBackoff *self, gint64 now);

G_END_DECLS

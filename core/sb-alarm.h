/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-alarm: says in the log that something comes near its limit, once, and once that
 * it is over. The operator hears of it while there is still time to do something.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Shares of a limit: it rings at the first, and stops below the second. */
#define SB_ALARM_NEAR 0.8
#define SB_ALARM_OVER 0.7

/**
 * SbAlarm:
 * @name: the limit in metrics and log fields: one word
 * @key: the key of the configuration that sets it
 * @subject: what is counted, as a sentence begins with it
 * @advice: what to do, as it follows a semicolon
 * @ratio: how much of the limit was used when it was last looked at; 1 is all of it
 * @is_ringing: it came near, and has not been well below since
 * @calm_since: when it was first seen below again, microseconds; 0: it is not
 *
 * The texts are static.
 */
typedef struct
{
  const char *name;
  const char *key;
  const char *subject;
  const char *advice;
  double ratio;
  gboolean is_ringing;
  gint64 calm_since;
} SbAlarm;

void sb_alarm_update (SbAlarm *self, double used, double limit, gint64 now);

G_END_DECLS

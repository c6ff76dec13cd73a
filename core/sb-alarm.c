/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-alarm: from 80 % of a limit until it has been below 70 % of it for a while. */

#include "sb-alarm.h"

#include "sb-names.h"

/* What goes up and down by the second does not fill the log. */
#define CALM_TIME (10 * (gint64) G_USEC_PER_SEC)

static void
ring (SbAlarm *self)
{
  self->is_ringing = TRUE;
  g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE_ID", SB_MESSAGE_ID_LIMIT,
                    SB_LOG_FIELD_LIMIT, self->name, "MESSAGE", "%s: %.0f %% of %s is used; %s",
                    self->subject, self->ratio * 100, self->key, self->advice);
}

static void
stop_ringing (SbAlarm *self)
{
  self->is_ringing = FALSE;
  g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE_ID", SB_MESSAGE_ID_LIMIT,
                    SB_LOG_FIELD_LIMIT, self->name, "MESSAGE",
                    "%s: no longer near the limit, %.0f %% of %s is used", self->subject,
                    self->ratio * 100, self->key);
}

/**
 * sb_alarm_update:
 * @self: an alarm with its texts
 * @used: how much is used now
 * @limit: how much there may be, in the same unit; 0 or less: there is no limit
 * @now: monotonic, microseconds
 *
 * Looks whether the limit is near. To be called now and then; how often does not matter to the
 * number of lines in the log.
 */
void
sb_alarm_update (SbAlarm *self, double used, double limit, gint64 now)
{
  self->ratio = limit > 0 ? used / limit : 0;
  if (self->ratio >= SB_ALARM_OVER)
    self->calm_since = 0;
  else if (self->calm_since == 0)
    self->calm_since = now;

  if (!self->is_ringing && self->ratio >= SB_ALARM_NEAR)
    ring (self);
  else if (self->is_ringing && self->calm_since != 0 && now - self->calm_since >= CALM_TIME)
    stop_ringing (self);
}

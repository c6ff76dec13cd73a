/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-accounts-refused: log-ins that were refused, counted and written down. Who is not a user is
 * not named: what somebody typed there may be a password. A line for each of them would let anybody
 * fill the journal, so there are so many in a minute at most, and one says how many more there
 * were.
 */

#include "sb-accounts-private.h"

#include "sb-error.h"
#include "sb-names.h"

#define LINES 60
#define INTERVAL (60 * G_USEC_PER_SEC)

/**
 * sb_accounts_count_in:
 * @self: accounts
 * @metrics: (transfer none): where it counts
 *
 * Until then nothing is counted.
 */
void
sb_accounts_count_in (SbAccounts *self, SbMetrics *metrics)
{
  static const char *const reasons[] = { "unauthorized", "rate", "busy", NULL };

  g_return_if_fail (SB_IS_ACCOUNTS (self));

  g_clear_pointer (&self->refusals, sb_refusals_free);
  self->refusals = sb_refusals_new (metrics, "simplebus_log_ins_refused_total",
                                    "Log-ins that were refused, by reason", NULL, reasons);
  self->dead = sb_metrics_counter (metrics, SB_METRIC_DEAD, SB_METRIC_DEAD_HELP,
                                   "reason=\"recipient-deleted\"");
}

static void
write_silent (SbAccounts *self, gint64 now)
{
  if (now - self->refused_since < INTERVAL)
    return;
  if (self->refused_silent > 0)
    g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE_ID", SB_MESSAGE_ID_LOG_IN_REFUSED,
                      "MESSAGE", "%u more log-ins were refused", self->refused_silent);
  self->refused_since = now;
  self->refused_lines = self->refused_silent = 0;
}

static void
write_line (const SbUser *user, const char *address, const GError *error)
{
  const char *name = user != NULL ? user->id : "";

  g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE_ID", SB_MESSAGE_ID_LOG_IN_REFUSED,
                    SB_LOG_FIELD_USER, name, SB_LOG_FIELD_ADDRESS, address, SB_LOG_FIELD_REASON,
                    sb_error_reason (error), "MESSAGE", "a log-in of %s from %s was refused: %s",
                    user != NULL ? name : "somebody who is no user", address, error->message);
}

/* A log-in that failed; one that was given up by who asked is none. */
void
sb_accounts_note_refused (SbAccounts *self, const SbUser *user, const char *address,
                          const GError *error)
{
  gint64 now = sb_clock_monotonic (self->clock);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (self->refusals != NULL)
    sb_refusals_count (self->refusals, sb_error_reason (error));
  write_silent (self, now);
  if (self->refused_lines >= LINES)
    {
      self->refused_silent++;
      return;
    }
  self->refused_lines++;
  write_line (user, address != NULL ? address : "an unknown place", error);
}

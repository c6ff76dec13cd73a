/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-overview: gathers what is known in memory. It costs a walk over the queues and called
 * recipients that are in memory, and nothing while nobody looks.
 */

#include "sb-overview.h"

#include "sb-bus-private.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The store is asked more often for so long after somebody looked. */
#define WATCHED (5 * G_USEC_PER_SEC)

G_STATIC_ASSERT ((int) SB_BUS_N_ALARMS <= SB_OVERVIEW_MAX_ALARMS);

static void
add_counts (SbBus *self, SbOverview *overview)
{
  overview->accepted = self->accepted->value;
  overview->duplicates = self->duplicates->value;
  overview->throttled = self->throttled->value;
  overview->confirmed = self->confirmed->value;
  overview->expired = self->expired->value;
  overview->refused = self->dead->value;
  overview->receipts = self->receipts->value;
  overview->transmissions = self->queue_settings.deliveries->value;
  overview->redeliveries = self->queue_settings.redeliveries->value;
  overview->direct_delivered = self->direct_delivered->value;
  overview->direct_dropped = self->direct_dropped->value;
}

static guint
count_in_flight (SbBus *self)
{
  GHashTableIter iter;
  gpointer queue;
  guint n = 0;

  g_hash_table_iter_init (&iter, self->queues);
  while (g_hash_table_iter_next (&iter, NULL, &queue))
    n += sb_queue_get_in_flight (queue);
  return n;
}

static void
count_recipients (SbBus *self, SbOverviewRecipients *recipients)
{
  GHashTableIter iter;
  gpointer outbound;

  g_hash_table_iter_init (&iter, self->outbounds);
  while (g_hash_table_iter_next (&iter, NULL, &outbound))
    {
      gint64 pause;
      const char *state = sb_bus_get_outbound_state (outbound, &pause);

      if (strcmp (state, "ok") == 0)
        recipients->ok++;
      else if (strcmp (state, "waiting") == 0)
        recipients->waiting++;
      else if (strcmp (state, "unreachable") == 0)
        recipients->unreachable++;
      else
        recipients->faulty++;
    }
}

static void
add_alarms (SbBus *self, SbOverview *overview)
{
  for (guint i = 0; i < SB_BUS_N_ALARMS; i++)
    {
      const SbAlarm *alarm = &self->alarms[i];

      if (alarm->is_ringing)
        overview->alarms[overview->n_alarms++] = (SbOverviewAlarm) { alarm->name, alarm->key,
                                                                     alarm->subject, alarm->advice,
                                                                     alarm->ratio };
    }
  overview->near_queues = g_hash_table_size (self->near);
}

static void
add_process (SbOverview *overview)
{
  struct timespec spent;
  unsigned long resident = 0;
  FILE *file = fopen ("/proc/self/statm", "re");

  if (file != NULL)
    {
      if (fscanf (file, "%*u %lu", &resident) == 1)
        overview->memory = (guint64) resident * (guint64) sysconf (_SC_PAGESIZE);
      fclose (file);
    }
  if (clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &spent) == 0)
    overview->cpu = (gint64) spent.tv_sec * G_USEC_PER_SEC + spent.tv_nsec / 1000;
}

/**
 * sb_bus_get_overview:
 * @self: a started bus
 * @overview: (out caller-allocates): what to fill
 *
 * Looks at the bus as a whole. Nothing is read from the store; while this is called every second or
 * so, what is known of the store is about a second old.
 */
void
sb_bus_get_overview (SbBus *self, SbOverview *overview)
{
  gint64 now = sb_clock_monotonic (self->clock);

  g_return_if_fail (SB_IS_BUS (self));

  self->stats_until = now + WATCHED;
  *overview = (SbOverview) {
    .time = sb_clock_wall (self->clock),
    .uptime = now - self->started,
    .sessions = g_hash_table_size (self->sessions),
    .users = sb_directory_get_all (self->directory)->len,
    .in_flight = count_in_flight (self),
    .in_flight_bytes = self->queue_settings.in_flight,
    .stored = self->stats,
    .open_uploads = self->uploads != NULL ? sb_uploads_count_open (self->uploads) : 0,
    .disk_free = self->disk_free,
    .disk_reserve = (guint64) self->disk_reserve,
    .disk_size = self->disk_size,
    .journal_fill = sb_journal_get_fill (self->journal),
  };
  add_counts (self, overview);
  count_recipients (self, &overview->recipients);
  sb_journal_get_stats (self->journal, &overview->journal);
  add_alarms (self, overview);
  add_process (overview);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-bus-metrics: what the bus counts and measures, by name. */

#include "sb-bus-private.h"

#include "sb-build.h"
#include "sb-names.h"
#include "sb-operation.h"

/* Ends of buckets for what may take from no time to days. Seconds. */
static const double wait_bounds[] = { 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02,
                                      0.05,   0.1,    0.2,    0.5,   1,     2,     5,    10,
                                      30,     60,     300,    1800,  3600,  21600, 86400 };

static double
gauge_sessions (gpointer user_data)
{
  return g_hash_table_size (SB_BUS (user_data)->sessions);
}

static double
gauge_in_flight (gpointer user_data)
{
  return SB_BUS (user_data)->queue_settings.in_flight;
}

static double
gauge_waiting (gpointer user_data)
{
  return SB_BUS (user_data)->stats.waiting;
}

static double
gauge_parked (gpointer user_data)
{
  return SB_BUS (user_data)->stats.parked;
}

static double
gauge_dead (gpointer user_data)
{
  return SB_BUS (user_data)->stats.dead;
}

static double
gauge_remembered (gpointer user_data)
{
  return SB_BUS (user_data)->stats.remembered;
}

static double
gauge_files (gpointer user_data)
{
  return SB_BUS (user_data)->stats.files;
}

static double
gauge_file_bytes (gpointer user_data)
{
  return SB_BUS (user_data)->stats.file_bytes;
}

static double
gauge_disk (gpointer user_data)
{
  return SB_BUS (user_data)->stats.disk;
}

static double
gauge_open_circuits (gpointer user_data)
{
  return SB_BUS (user_data)->outbound_shared.n_open_circuits;
}

static double
gauge_scheduled (gpointer user_data)
{
  return SB_BUS (user_data)->stats.scheduled;
}

static double
gauge_users (gpointer user_data)
{
  return sb_directory_get_all (SB_BUS (user_data)->directory)->len;
}

static double
gauge_called (gpointer user_data)
{
  return g_hash_table_size (SB_BUS (user_data)->outbounds);
}

static double
gauge_ready (gpointer user_data)
{
  return sb_bus_check_ready (user_data, NULL);
}

static double
gauge_disk_free (gpointer user_data)
{
  return SB_BUS (user_data)->disk_free;
}

static double
gauge_disk_size (gpointer user_data)
{
  return SB_BUS (user_data)->disk_size;
}

static double
gauge_disk_reserve (gpointer user_data)
{
  return SB_BUS (user_data)->disk_reserve;
}

static double
gauge_uploads (gpointer user_data)
{
  SbBus *self = user_data;

  return self->uploads != NULL ? sb_uploads_count_open (self->uploads) : 0;
}

static double
gauge_journal_waiting (gpointer user_data)
{
  SbJournalStats stats;

  sb_journal_get_stats (SB_BUS (user_data)->journal, &stats);
  return stats.waiting / 1e6;
}

static double
gauge_lost_files (gpointer user_data)
{
  return SB_BUS (user_data)->n_lost_files;
}

static double
gauge_one (gpointer user_data)
{
  return 1;
}

static double
gauge_backup_time (gpointer user_data)
{
  return (double) SB_BUS (user_data)->backup_time / G_USEC_PER_SEC;
}

/* Shows a value as long as the bus is there. */
void
sb_bus_add_gauge (SbBus *self, const char *name, const char *help, const char *labels,
                  SbGaugeFunc func, gpointer user_data)
{
  guint id = sb_metrics_gauge (self->metrics, name, help, labels, func, user_data);

  g_array_append_val (self->gauges, id);
}

static void
add_gauges (SbBus *self)
{
  static const struct
  {
    const char *name;
    const char *help;
    SbGaugeFunc func;
  } gauges[] = {
    { "simplebus_sessions", "Open sessions", gauge_sessions },
    { "simplebus_in_flight_bytes", "Bytes of messages in memory", gauge_in_flight },
    { "simplebus_deliveries_waiting", "Deliveries that have not ended", gauge_waiting },
    { "simplebus_deliveries_parked", "Deliveries that are parked", gauge_parked },
    { "simplebus_deliveries_dead", "Deliveries that were given up", gauge_dead },
    { "simplebus_messages_remembered", "Finished messages whose ids are known", gauge_remembered },
    { "simplebus_files_waiting", "Files that somebody has yet to fetch", gauge_files },
    { "simplebus_file_bytes", "Bytes of these files", gauge_file_bytes },
    { "simplebus_recipients_unreachable", "Recipients that were called in vain again and again",
      gauge_open_circuits },
    { "simplebus_store_bytes", "Size of the store on disk", gauge_disk },
    { "simplebus_backup_last_seconds",
      "Unix time of the last complete backup since the start, or 0", gauge_backup_time },
    { "simplebus_deliveries_scheduled", "Deliveries that wait for their not_before",
      gauge_scheduled },
    { "simplebus_users", "Users", gauge_users },
    { "simplebus_recipients_called", "Recipients that the bus calls", gauge_called },
    { "simplebus_ready", "Whether messages are accepted: 1, or 0 as /readyz says", gauge_ready },
    { "simplebus_disk_free_bytes", "Free on the disk of data-dir", gauge_disk_free },
    { "simplebus_disk_size_bytes", "Size of the disk of data-dir", gauge_disk_size },
    { "simplebus_disk_reserve_bytes", "Nothing new is accepted when less is free",
      gauge_disk_reserve },
    { "simplebus_uploads_open", "Uploads that were begun and are not announced", gauge_uploads },
    { "simplebus_journal_waiting_seconds",
      "How long nothing was committed although something waits for it", gauge_journal_waiting },
    { "simplebus_files_lost", "Files that were missing or damaged when the bus started",
      gauge_lost_files },
  };

  for (guint i = 0; i < G_N_ELEMENTS (gauges); i++)
    sb_bus_add_gauge (self, gauges[i].name, gauges[i].help, NULL, gauges[i].func, self);
  sb_bus_add_gauge (self, "simplebus_build_info", "What runs", "version=\"" SB_VERSION "\"",
                    gauge_one, self);
}

static void
add_counters (SbBus *self)
{
  SbMetrics *m = self->metrics;

  self->accepted = sb_metrics_counter (m, "simplebus_messages_accepted_total",
                                       "Messages made durable", NULL);
  self->duplicates = sb_metrics_counter (m, "simplebus_messages_duplicate_total",
                                         "Messages that were sent again", NULL);
  self->confirmed = sb_metrics_counter (m, "simplebus_deliveries_confirmed_total",
                                        "Deliveries confirmed", NULL);
  self->expired = sb_metrics_counter (m, "simplebus_deliveries_expired_total",
                                      "Deliveries whose time was over", NULL);
  self->dead = sb_metrics_counter (m, "simplebus_deliveries_refused_total",
                                   "Deliveries given up since the recipient refuses them", NULL);
  self->notified = sb_metrics_counter (m, "simplebus_files_notified_total",
                                       "Recipients that learned of a file", NULL);
  self->receipts = sb_metrics_counter (m, "simplebus_receipts_total",
                                       "Receipts written to sessions at once", NULL);
  self->takeover_count = sb_metrics_counter (m, "simplebus_takeovers_total",
                                             "Sessions that replaced an older one", NULL);
  self->direct_delivered = sb_metrics_counter (
      m, "simplebus_direct_delivered_total", "Copies of direct messages written to sessions", NULL);
  self->direct_dropped = sb_metrics_counter (
      m, "simplebus_direct_dropped_total",
      "Copies of direct messages lost by recipients that do not keep up", NULL);
  self->publish_seconds = sb_metrics_histogram (m, "simplebus_publish_seconds",
                                                "From a message's arrival to its commit", NULL);
  self->backups_done = sb_metrics_counter (m, "simplebus_backups_total", "Backups, by outcome",
                                           "outcome=\"complete\"");
  self->backups_failed = sb_metrics_counter (m, "simplebus_backups_total", "Backups, by outcome",
                                             "outcome=\"failed\"");
  self->queue_settings.deliveries = sb_metrics_counter (
      m, "simplebus_transmissions_total", "Messages handed to recipients, redeliveries among them",
      NULL);
  self->queue_settings.redeliveries = sb_metrics_counter (
      m, "simplebus_redeliveries_total", "Messages that were not confirmed in time", NULL);
  self->queue_settings.parked = sb_metrics_counter (m, "simplebus_parked_total",
                                                    "Deliveries that were parked", NULL);
}

/* What becomes of deliveries, beside what is counted above. */
static void
add_delivery_counters (SbBus *self)
{
  static const char dead[] = SB_METRIC_DEAD;
  static const char dead_help[] = SB_METRIC_DEAD_HELP;
  SbMetrics *m = self->metrics;

  self->deliveries = sb_metrics_counter (m, "simplebus_deliveries_accepted_total",
                                         "Deliveries of accepted messages, one for each recipient",
                                         NULL);
  self->scheduled = sb_metrics_counter (m, "simplebus_deliveries_scheduled_total",
                                        "Deliveries that were not to begin at once", NULL);
  self->due = sb_metrics_counter (m, "simplebus_deliveries_due_total",
                                  "Scheduled deliveries whose time has come", NULL);
  self->requeued = sb_metrics_counter (m, "simplebus_deliveries_requeued_total",
                                       "Deliveries that an admin put into their queue again", NULL);
  self->dropped = sb_metrics_counter (m, "simplebus_deliveries_dropped_total",
                                      "Deliveries that an admin let go", NULL);
  self->moved = sb_metrics_counter (m, "simplebus_deliveries_moved_total",
                                    "Deliveries that an admin gave to another user", NULL);
  self->dead_refused = sb_metrics_counter (m, dead, dead_help, "reason=\"refused\"");
  self->dead_full = sb_metrics_counter (m, dead, dead_help, "reason=\"queue-full\"");
}

static SbHistogram *
add_wait (SbBus *self, const char *name, const char *help, const char *labels)
{
  return sb_metrics_histogram_with_bounds (self->metrics, name, help, labels, wait_bounds,
                                           G_N_ELEMENTS (wait_bounds));
}

static void
add_delivery_histograms (SbBus *self)
{
  static const char wait[] = "simplebus_delivery_wait_seconds";
  static const char wait_help[] = "From a message's commit to its first transmission; from its "
                                  "acceptance when the store kept it meanwhile";
  static const char confirmation[] = "simplebus_confirmation_seconds";
  static const char confirmation_help[] = "From the first transmission to the confirmation";
  SbQueueSettings *settings = &self->queue_settings;

  settings->wait_memory = add_wait (self, wait, wait_help, "from=\"memory\"");
  settings->wait_store = add_wait (self, wait, wait_help, "from=\"store\"");
  settings->confirmation[SB_QUEUE_WAY_SESSION] = add_wait (self, confirmation, confirmation_help,
                                                           "way=\"session\"");
  settings->confirmation[SB_QUEUE_WAY_CALLED] = add_wait (self, confirmation, confirmation_help,
                                                          "way=\"called\"");
  settings->confirmation[SB_QUEUE_WAY_FETCH] = add_wait (self, confirmation, confirmation_help,
                                                         "way=\"fetch\"");
}

/* Deliveries that do not begin with their message. @times: messages with the same targets */
void
sb_bus_count_target (SbBus *self, const SbTarget *target, guint times)
{
  if (target->state == SB_DELIVERY_SCHEDULED)
    sb_counter_add (self->scheduled, times);
  else if (target->state == SB_DELIVERY_DEAD)
    sb_counter_add (self->dead_full, times);
}

static void
add_outbound_counters (SbBus *self)
{
  static const char name[] = "simplebus_outbound_attempts_total";
  static const char help[] = "Attempts to deliver to recipients that are called, by outcome";
  SbOutboundShared *shared = &self->outbound_shared;
  SbMetrics *m = self->metrics;

  shared->confirmed = sb_metrics_counter (m, name, help, "outcome=\"confirmed\"");
  shared->recipient_failures = sb_metrics_counter (m, name, help, "outcome=\"recipient\"");
  shared->message_failures = sb_metrics_counter (m, name, help, "outcome=\"message\"");
  shared->refusals = sb_metrics_counter (m, name, help, "outcome=\"refused\"");
}

/* Registers everything. */
void
sb_bus_add_metrics (SbBus *self)
{
  self->gauges = g_array_new (FALSE, FALSE, sizeof (guint));
  add_counters (self);
  add_delivery_counters (self);
  add_delivery_histograms (self);
  add_outbound_counters (self);
  add_gauges (self);
  sb_bus_add_process_metrics (self);
  sb_bus_add_backlog_metrics (self);
}

/* The bus goes: what looks into it goes with it, what was counted stays. */
void
sb_bus_remove_metrics (SbBus *self)
{
  for (guint i = 0; i < self->gauges->len; i++)
    sb_metrics_remove_gauge (self->metrics, g_array_index (self->gauges, guint, i));
  g_array_unref (self->gauges);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-bus-metrics: what the bus counts and measures, by name. */

#include "sb-bus-private.h"

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
gauge_backup_time (gpointer user_data)
{
  return (double) SB_BUS (user_data)->backup_time / G_USEC_PER_SEC;
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
  };

  for (guint i = 0; i < G_N_ELEMENTS (gauges); i++)
    {
      guint id = sb_metrics_gauge (self->metrics, gauges[i].name, gauges[i].help, NULL,
                                   gauges[i].func, self);

      g_array_append_val (self->gauges, id);
    }
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
  add_outbound_counters (self);
  add_gauges (self);
}

/* The bus goes: what looks into it goes with it, what was counted stays. */
void
sb_bus_remove_metrics (SbBus *self)
{
  for (guint i = 0; i < self->gauges->len; i++)
    sb_metrics_remove_gauge (self->metrics, g_array_index (self->gauges, guint, i));
  g_array_unref (self->gauges);
}

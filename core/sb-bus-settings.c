/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-bus-settings: what the bus keeps of its configuration, at its start and
 * whenever another one comes into force.
 */

#include "sb-bus-private.h"

#include "sb-config-keys.h"
#include "sb-names.h"

#define GROUP SB_CONFIG_GROUP_BUS

static void
read_queue_settings (SbBus *self)
{
  SbConfig *config = self->config;
  SbQueueSettings *queue = &self->queue_settings;

  queue->window = sb_config_get_integer (config, GROUP, "window");
  queue->window_bytes = sb_config_get_size (config, GROUP, "window-bytes");
  queue->confirm_timeout = sb_config_get_duration_ms (config, GROUP, "confirm-timeout") * 1000;
  queue->park_after = sb_config_get_integer (config, GROUP, "park-after");
  queue->max_attempts = sb_config_get_integer (config, GROUP, "max-attempts");
  queue->in_flight_max = sb_config_get_size (config, GROUP, "in-flight-bytes");
}

static void
read_settings (SbBus *self)
{
  SbConfig *config = self->config;

  read_queue_settings (self);
  self->max_file_size = sb_config_get_size (config, GROUP, "max-file-size");
  self->file_quota = sb_config_get_size (config, GROUP, "file-quota");
  self->file_ttl = sb_config_get_duration_ms (config, GROUP, "file-ttl") * 1000;
  self->ttl = sb_config_get_duration_ms (config, GROUP, "ttl") / 1000;
  self->max_recipients = sb_config_get_integer (config, GROUP, "max-recipients");
  self->max_sessions = sb_config_get_integer (config, GROUP, "max-sessions");
  self->require_uid = sb_config_get_boolean (config, GROUP, "require-uid");
  self->disk_reserve = sb_config_get_size (config, GROUP, "disk-reserve");
  if (self->vault != NULL)
    sb_vault_set_disk_reserve (self->vault, self->disk_reserve);
  if (self->scrubber != NULL)
    sb_scrubber_set_rate (self->scrubber, sb_config_get_size (config, GROUP, "scrub-rate"));
  sb_limits_set_rates (self->limits, sb_config_get_integer (config, GROUP, "user-rate"),
                       sb_config_get_integer (config, GROUP, "address-rate"));
}

/* What the store keeps */

static void
limits_applied_cb (SbOperation *operation, const GError *error, gpointer user_data)
{
  g_autoptr (SbBus) self = user_data;

  /* Nothing of a batch that failed holds: the next tick says it again. */
  if (error != NULL)
    self->store_limits_due = TRUE;
}

/* Tells the store its limits, if it does not know them yet. */
void
sb_bus_update_store_limits (SbBus *self)
{
  SbOperation *operation;

  if (!self->store_limits_due)
    return;
  self->store_limits_due = FALSE;
  operation = sb_operation_new (SB_OPERATION_LIMITS, limits_applied_cb, g_object_ref (self));
  operation->limits = self->store_limits;
  sb_journal_submit (self->journal, operation);
}

static gboolean
limits_equal (const SbStoreLimits *a, const SbStoreLimits *b)
{
  return a->remember == b->remember && a->remember_max == b->remember_max
         && a->receipts_max == b->receipts_max && a->receipts_age == b->receipts_age
         && a->max_queue == b->max_queue && a->max_queue_bytes == b->max_queue_bytes
         && a->max_dead == b->max_dead;
}

static void
config_changed_cb (SbConfig *config, gpointer user_data)
{
  SbBus *self = user_data;
  SbStoreLimits limits;

  if (self->sweeper == NULL)
    return;
  read_settings (self);
  sb_journal_set_bounds (self->journal, sb_config_get_integer (config, GROUP, "journal-backlog"),
                         sb_config_get_size (config, GROUP, "journal-backlog-bytes"));
  sb_config_read_store_limits (config, &limits);
  self->store_limits_due |= !limits_equal (&limits, &self->store_limits);
  self->store_limits = limits;
  sb_bus_update_store_limits (self);
}

/* Reads everything, now and whenever it changes. The store was opened with its limits. */
void
sb_bus_watch_config (SbBus *self)
{
  read_settings (self);
  sb_config_read_store_limits (self->config, &self->store_limits);
  g_signal_connect_object (self->config, "changed", G_CALLBACK (config_changed_cb), self, 0);
}

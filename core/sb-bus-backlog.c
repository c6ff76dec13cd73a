/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-bus-backlog: how much waits, and for how long, for recipients that are online, for those that
 * are not, and for those that the bus calls. Never by recipient: thousands of series would be of no
 * use to anybody.
 *
 * The store is asked for its queues a page at a tick, so that neither its reader nor the main loop
 * is held up, and left alone for some time when all are counted.
 */

#include "sb-bus-private.h"

#define PAGE 256

/* Between the beginnings of two counts; at least so many times what one takes. */
#define INTERVAL (15 * G_USEC_PER_SEC)
#define SHARE 4

static SbBacklogClass
classify (SbBus *self, gint64 recipient)
{
  if (g_hash_table_contains (self->outbounds, &recipient))
    return SB_BACKLOG_CALLED;
  return g_hash_table_contains (self->sessions, &recipient) ? SB_BACKLOG_ONLINE
                                                            : SB_BACKLOG_OFFLINE;
}

static void
add_queue (SbBus *self, const SbQueueInfo *info)
{
  SbBacklogSum *sum = &self->counting[classify (self, info->recipient)];
  gint64 oldest = info->backlog.oldest;

  sum->waiting += info->backlog.waiting;
  if (oldest > 0 && (sum->oldest == 0 || oldest < sum->oldest))
    sum->oldest = oldest;
}

static void
end_count (SbBus *self, gint64 now)
{
  for (guint i = 0; i < SB_BACKLOG_N_CLASSES; i++)
    {
      self->backlog[i] = self->counting[i];
      self->counting[i] = (SbBacklogSum) { 0, 0 };
    }
  self->backlog_after = 0;
  self->backlog_due = self->backlog_begun + MAX (INTERVAL, (now - self->backlog_begun) * SHARE);
}

static void
read_page (SbStore *store, GTask *task)
{
  const gint64 *after = g_task_get_task_data (task);
  GError *error = NULL;
  GPtrArray *queues = sb_store_queues (store, *after, PAGE, &error);

  if (queues != NULL)
    g_task_return_pointer (task, queues, (GDestroyNotify) g_ptr_array_unref);
  else
    g_task_return_error (task, error);
}

/* A page that could not be read is asked for again at the next tick; the store's own fault is told
 * elsewhere. */
static void
page_read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  SbBus *self = SB_BUS (source);
  g_autoptr (GPtrArray) queues = g_task_propagate_pointer (G_TASK (result), NULL);

  self->reading_backlog = FALSE;
  if (queues == NULL)
    return;
  for (guint i = 0; i < queues->len; i++)
    {
      const SbQueueInfo *info = g_ptr_array_index (queues, i);

      add_queue (self, info);
      self->backlog_after = info->recipient;
    }
  if (queues->len < PAGE)
    end_count (self, sb_clock_monotonic (self->clock));
}

/* Counts on, when it is time. Called at each tick. */
void
sb_bus_count_backlog (SbBus *self, gint64 now)
{
  GTask *task;

  if (self->reading_backlog || now < self->backlog_due)
    return;
  if (self->backlog_after == 0)
    self->backlog_begun = now;
  self->reading_backlog = TRUE;
  task = g_task_new (self, NULL, page_read_cb, NULL);
  g_task_set_task_data (task, g_memdup2 (&self->backlog_after, sizeof self->backlog_after), g_free);
  sb_journal_read_async (self->journal, read_page, task);
}

/* Metrics */

static double
get_waiting (SbBus *self, SbBacklogClass which)
{
  return self->backlog[which].waiting;
}

static double
get_age (SbBus *self, SbBacklogClass which)
{
  gint64 oldest = self->backlog[which].oldest;

  return oldest > 0 ? MAX (0, sb_clock_wall (self->clock) - oldest) / 1e6 : 0;
}

#define GAUGES(name, class)                   \
  static double waiting_##name (gpointer bus) \
  {                                           \
    return get_waiting (bus, class);          \
  }                                           \
  static double age_##name (gpointer bus)     \
  {                                           \
    return get_age (bus, class);              \
  }

GAUGES (online, SB_BACKLOG_ONLINE)
GAUGES (offline, SB_BACKLOG_OFFLINE)
GAUGES (called, SB_BACKLOG_CALLED)

/* Once. */
void
sb_bus_add_backlog_metrics (SbBus *self)
{
  static const struct
  {
    const char *labels;
    SbGaugeFunc waiting;
    SbGaugeFunc age;
  } classes[] = {
    { "recipients=\"online\"", waiting_online, age_online },
    { "recipients=\"offline\"", waiting_offline, age_offline },
    { "recipients=\"called\"", waiting_called, age_called },
  };

  for (guint i = 0; i < G_N_ELEMENTS (classes); i++)
    {
      sb_bus_add_gauge (self, "simplebus_backlog_deliveries",
                        "Deliveries that have not ended, by how their recipients are reached",
                        classes[i].labels, classes[i].waiting, self);
      sb_bus_add_gauge (self, "simplebus_backlog_oldest_seconds",
                        "Age of the oldest message that is next for one of these recipients",
                        classes[i].labels, classes[i].age, self);
    }
}

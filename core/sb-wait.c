/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-wait: until all recipients of a message have confirmed it.
 *
 * For a message that was just accepted the confirmations are counted from the
 * start. For one that was sent again the store says first who has confirmed
 * already; a confirmation between that look and the counting is found by
 * another look at the end.
 */

#include "sb-bus-private.h"

typedef struct
{
  SbBus *bus; /* (owned) */
  char *id;   /* (owned) */
  gint64 deadline;
  gboolean is_over;
  SbWatchFunc func;
  gpointer user_data;
} Wait;

static void look (Wait *wait);

static void
answer (Wait *self, gboolean all_confirmed)
{
  self->func (all_confirmed, self->user_data);
  g_object_unref (self->bus);
  g_free (self->id);
  g_free (self);
}

static void
watched_cb (gboolean all_confirmed, gpointer user_data)
{
  Wait *wait = user_data;

  wait->is_over = TRUE;
  if (all_confirmed || !sb_journal_is_open (wait->bus->journal))
    answer (wait, all_confirmed);
  else
    look (wait);
}

static void
read_message_status (SbStore *store, GTask *task)
{
  const Wait *wait = g_task_get_task_data (task);
  GError *error = NULL;
  SbMessageStatus *status = sb_store_status (store, wait->id, &error);

  if (status != NULL)
    g_task_return_pointer (task, status, (GDestroyNotify) sb_message_status_free);
  else
    g_task_return_error (task, error);
}

static void
status_read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Wait *wait = g_task_get_task_data (G_TASK (result));
  g_autoptr (SbMessageStatus) status = g_task_propagate_pointer (G_TASK (result), NULL);
  guint open = 0, confirmed = 0, all = status != NULL ? status->deliveries->len : 0;

  for (guint i = 0; i < all; i++)
    {
      const SbDeliveryStatus *delivery = g_ptr_array_index (status->deliveries, i);

      confirmed += delivery->state == SB_DELIVERY_CONFIRMED;
      open += delivery->state == SB_DELIVERY_PENDING || delivery->state == SB_DELIVERY_SCHEDULED
              || delivery->state == SB_DELIVERY_PARKED;
    }
  /* A bus that has stopped meanwhile looks at its watches no more. */
  if (wait->is_over || open == 0 || open + confirmed < all
      || !sb_bus_check_running (wait->bus, NULL))
    answer (wait, all > 0 && confirmed == all);
  else
    sb_watch_table_add (wait->bus->watches, wait->id, open, wait->deadline, watched_cb, wait);
}

static void
look (Wait *wait)
{
  GTask *task = g_task_new (NULL, NULL, status_read_cb, NULL);

  g_task_set_task_data (task, wait, NULL);
  sb_journal_read_async (wait->bus->journal, read_message_status, task);
}

/* Answers @func when all recipients of message @id have confirmed, when one delivery has ended
 * otherwise, or after @time microseconds. @n_recipients is 0 for a message that was accepted
 * before. */
void
sb_bus_wait (SbBus *self, const char *id, guint n_recipients, gint64 time, SbWatchFunc func,
             gpointer user_data)
{
  gint64 deadline = sb_clock_monotonic (self->clock) + time;
  Wait *wait;

  if (n_recipients > 0)
    {
      sb_watch_table_add (self->watches, id, n_recipients, deadline, func, user_data);
      return;
    }
  wait = g_new0 (Wait, 1);
  wait->bus = g_object_ref (self);
  wait->id = g_strdup (id);
  wait->deadline = deadline;
  wait->func = func;
  wait->user_data = user_data;
  look (wait);
}

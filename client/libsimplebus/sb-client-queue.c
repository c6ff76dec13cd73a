/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-client-queue: whose turn it is, and when somebody has another one. */

#include "sb-client-queue.h"

struct _SbClientQueue
{
  SbClient *client; /* (unowned) */
  const SbClientQueueFuncs *funcs;
  SbClientJobs *jobs; /* (owned) */
  guint n_at_once;
  guint n_running;
  gboolean is_stopped;
  GHashTable *items; /* (owned) id (unowned) → SbClientItem (owned) */
  GQueue ready;      /* of SbClientItem (unowned), in order */
};

/* Items */

static void
free_item (SbClientItem *item, const SbClientQueueFuncs *funcs)
{
  g_object_unref (item->transfer);
  g_object_unref (item->cancellable);
  g_clear_error (&item->error);
  funcs->free (item);
}

SbClientItem *
sb_client_item_ref (SbClientItem *item, const SbClientQueueFuncs *funcs)
{
  item->refs++;
  return item;
}

void
sb_client_item_unref (SbClientItem *item, const SbClientQueueFuncs *funcs)
{
  if (--item->refs == 0)
    free_item (item, funcs);
}

static void
stop_timer (SbClientItem *item)
{
  if (item->timer == NULL)
    return;
  g_source_destroy (item->timer);
  g_clear_pointer (&item->timer, g_source_unref);
}

void
sb_client_queue_rest (SbClientItem *item)
{
  stop_timer (item);
  if (item->place == SB_CLIENT_PLACE_READY)
    g_queue_remove (&item->queue->ready, item);
  if (item->place != SB_CLIENT_PLACE_RUNNING)
    item->place = SB_CLIENT_PLACE_NOWHERE;
}

void
sb_client_queue_enter (SbClientQueue *self, SbClientItem *item, SbClientTransfer *transfer,
                       guint64 order)
{
  item->refs = 1;
  item->queue = self;
  item->transfer = transfer;
  item->order = order;
  item->cancellable = g_cancellable_new ();
  g_hash_table_insert (self->items, (gpointer) sb_client_transfer_get_id (transfer), item);
}

void
sb_client_queue_leave (SbClientItem *item)
{
  SbClientQueue *self = item->queue;

  if (self == NULL)
    return;
  sb_client_queue_rest (item);
  item->queue = NULL;
  g_hash_table_steal (self->items, sb_client_transfer_get_id (item->transfer));
  sb_client_item_unref (item, self->funcs);
}

SbClientItem *
sb_client_queue_find (SbClientQueue *self, const char *id)
{
  return g_hash_table_lookup (self->items, id);
}

static int
compare_items (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const SbClientItem *first = a;
  const SbClientItem *second = b;

  return first->order < second->order ? -1 : first->order > second->order;
}

static int
compare_pointers (gconstpointer a, gconstpointer b)
{
  return compare_items (*(SbClientItem *const *) a, *(SbClientItem *const *) b, NULL);
}

/* Returns: (transfer container): all items, in order */
static GPtrArray *
get_sorted (SbClientQueue *self)
{
  GPtrArray *items = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->items);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    g_ptr_array_add (items, value);
  g_ptr_array_sort (items, compare_pointers);
  return items;
}

void
sb_client_queue_list (SbClientQueue *self, GPtrArray *transfers)
{
  g_autoptr (GPtrArray) items = get_sorted (self);

  for (guint i = 0; i < items->len; i++)
    {
      SbClientItem *item = g_ptr_array_index (items, i);

      if (!sb_client_transfer_is_ended (item->transfer))
        g_ptr_array_add (transfers, g_object_ref (item->transfer));
    }
}

/* Turns */

static void pump (SbClientQueue *self);

/* A run is between the two of these; it holds a reference. */
static void
run (gpointer data)
{
  SbClientItem *item = data;
  SbClientQueue *self = item->queue;

  self->funcs->run (item);
}

static void
ran (gpointer data)
{
  SbClientItem *item = data;
  SbClientQueue *self = item->queue;
  const SbClientQueueFuncs *funcs = self->funcs;
  g_autoptr (SbClient) alive = g_object_ref (self->client);

  item->place = SB_CLIENT_PLACE_NOWHERE;
  if (item->has_progress)
    sb_client_backoff_reset (&item->backoff);
  self->n_running--;
  funcs->ended (item);
  pump (self);
  sb_client_item_unref (item, funcs);
}

static void
pump (SbClientQueue *self)
{
  while (!self->is_stopped && self->n_running < self->n_at_once && self->ready.length > 0)
    {
      SbClientItem *item = g_queue_pop_head (&self->ready);

      item->place = SB_CLIENT_PLACE_RUNNING;
      item->has_progress = FALSE;
      item->retry_after = 0;
      g_clear_error (&item->error);
      self->n_running++;
      sb_client_item_ref (item, self->funcs);
      sb_client_transfer_move (item->transfer, SB_CLIENT_TRANSFER_RUNNING, NULL);
      sb_client_jobs_push (self->jobs, run, ran, item);
    }
}

void
sb_client_queue_start (SbClientItem *item)
{
  SbClientQueue *self = item->queue;

  sb_client_queue_rest (item);
  item->place = SB_CLIENT_PLACE_READY;
  g_queue_insert_sorted (&self->ready, item, compare_items, NULL);
  if (sb_client_transfer_get_state (item->transfer) != SB_CLIENT_TRANSFER_WAITING)
    sb_client_transfer_move (item->transfer, SB_CLIENT_TRANSFER_QUEUED, NULL);
  pump (self);
}

static void
wake_item (SbClientItem *item)
{
  const SbClientQueueFuncs *funcs = item->queue->funcs;

  stop_timer (item);
  item->place = SB_CLIENT_PLACE_NOWHERE;
  item->is_told = FALSE;
  funcs->again (item);
}

static gboolean
pause_over_cb (gpointer user_data)
{
  SbClientItem *item = user_data;
  g_autoptr (SbClient) alive = g_object_ref (item->queue->client);

  wake_item (item);
  return G_SOURCE_REMOVE;
}

void
sb_client_queue_retry (SbClientItem *item, const GError *error)
{
  SbClientQueue *self = item->queue;
  gint64 pause = sb_client_backoff_next (&item->backoff);

  sb_client_queue_rest (item);
  item->place = SB_CLIENT_PLACE_WAITING;
  item->is_told = item->retry_after > 0;
  sb_client_transfer_move (item->transfer, SB_CLIENT_TRANSFER_WAITING, error);
  if (self->is_stopped)
    return;
  item->timer = g_timeout_source_new ((guint) MAX (pause, item->retry_after));
  g_source_set_callback (item->timer, pause_over_cb, item, NULL);
  g_source_attach (item->timer, sb_client_queue_get_context (self));
}

void
sb_client_queue_wake (SbClientQueue *self)
{
  g_autoptr (SbClient) alive = g_object_ref (self->client);
  g_autoptr (GPtrArray) items = get_sorted (self);

  for (guint i = 0; i < items->len && !self->is_stopped; i++)
    {
      SbClientItem *item = g_ptr_array_index (items, i);

      if (item->place == SB_CLIENT_PLACE_WAITING && !item->is_told)
        {
          sb_client_backoff_reset (&item->backoff);
          wake_item (item);
        }
    }
}

/* Life */

SbClientQueue *
sb_client_queue_new (SbClient *client, guint n_at_once, const SbClientQueueFuncs *funcs)
{
  SbClientQueue *self = g_new0 (SbClientQueue, 1);

  self->client = client;
  self->funcs = funcs;
  self->n_at_once = n_at_once;
  self->jobs = sb_client_jobs_new (n_at_once);
  self->items = g_hash_table_new (g_str_hash, g_str_equal);
  g_queue_init (&self->ready);
  return self;
}

void
sb_client_queue_stop (SbClientQueue *self)
{
  GHashTableIter iter;
  gpointer value;

  self->is_stopped = TRUE;
  g_hash_table_iter_init (&iter, self->items);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      SbClientItem *item = value;

      g_cancellable_cancel (item->cancellable);
      sb_client_queue_rest (item);
    }
}

gboolean
sb_client_queue_is_stopped (SbClientQueue *self)
{
  return self->is_stopped;
}

guint
sb_client_queue_get_running (SbClientQueue *self)
{
  return self->n_running;
}

guint
sb_client_queue_get_length (SbClientQueue *self)
{
  return g_hash_table_size (self->items);
}

GMainContext *
sb_client_queue_get_context (SbClientQueue *self)
{
  return sb_client_jobs_get_context (self->jobs);
}

void
sb_client_queue_free (SbClientQueue *self)
{
  g_autoptr (GPtrArray) items = NULL;

  sb_client_queue_stop (self);
  sb_client_jobs_free (self->jobs);
  items = get_sorted (self);
  for (guint i = 0; i < items->len; i++)
    {
      SbClientItem *item = g_ptr_array_index (items, i);

      sb_client_transfer_abandon (item->transfer);
      sb_client_queue_leave (item);
    }
  g_hash_table_unref (self->items);
  g_free (self);
}

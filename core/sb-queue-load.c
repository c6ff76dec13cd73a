/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-queue-load: how deliveries come into a queue's memory.
 *
 * A recipient that keeps up gets each message from memory right after its
 * commit. One that is behind reads the store a page at a time: `cursor` is the
 * highest position in memory, `behind` says that the store may have more. What
 * is committed while a page is on its way is kept beside it (`arrivals`), so
 * that the last page joins the stream without a gap. A position at or below
 * the cursor came with a page already and is ignored.
 *
 * Going back (sb_queue_rewind()) waits for the changes under way, since a page
 * read before them would bring back what they end.
 */

#include "sb-queue-private.h"

#include "sb-error.h"
#include "sb-names.h"

/* One page, and what may wait behind the window. */
#define PAGE_ROWS 256
#define MAX_READY 4096

/* Deliveries whose attempts are remembered while they are not in memory. */
#define MAX_TRIED 256

/* After a failed read or write the store is left alone for so long. */
#define HOLD (1 * G_USEC_PER_SEC)

typedef struct
{
  gint64 position;
  guint attempts;
} Tried;

typedef struct
{
  SbQueue *queue; /* (owned) */
  guint epoch;
  gint64 recipient;
  gint64 after; /* a position, or for parked ones a wall-clock time */
  guint limit;
  gsize max_bytes;
  gint64 next_due; /* (out) */
} Page;

static Page *
page_new (SbQueue *queue, gint64 after, guint limit)
{
  Page *self = g_new0 (Page, 1);

  self->queue = sb_queue_ref (queue);
  self->epoch = queue->epoch;
  self->recipient = queue->recipient;
  self->after = after;
  self->limit = limit;
  self->max_bytes = queue->settings->window_bytes;
  return self;
}

static void
page_free (Page *self)
{
  sb_queue_unref (self->queue);
  g_free (self);
}

static void
return_rows (GTask *task, GPtrArray *rows, GError *error)
{
  if (rows != NULL)
    g_task_return_pointer (task, rows, (GDestroyNotify) g_ptr_array_unref);
  else
    g_task_return_error (task, error);
}

static void
read_pending (SbStore *store, GTask *task)
{
  const Page *page = g_task_get_task_data (task);
  GError *error = NULL;
  GPtrArray *rows = sb_store_pending (store, page->recipient, page->after, page->limit,
                                      page->max_bytes, &error);

  return_rows (task, rows, error);
}

static void
read_parked (SbStore *store, GTask *task)
{
  Page *page = g_task_get_task_data (task);
  GError *error = NULL;
  GPtrArray *rows = sb_store_parked (store, page->recipient, page->after, page->limit,
                                     &page->next_due, &error);

  return_rows (task, rows, error);
}

static void
start_read (SbQueue *self, Page *page, SbReadFunc func, GAsyncReadyCallback callback)
{
  GTask *task = g_task_new (NULL, NULL, callback, NULL);

  g_task_set_task_data (task, page, (GDestroyNotify) page_free);
  sb_journal_read_async (self->journal, func, task);
}

/* Attempts of deliveries that left memory */

/* Remembers how often a delivery failed that leaves memory without an end. */
void
sb_queue_note_tried (SbQueue *self, gint64 position, guint attempts)
{
  Tried tried = { position, attempts };

  if (attempts == 0)
    return;
  if (self->tried->len >= MAX_TRIED)
    g_array_remove_index (self->tried, 0);
  g_array_append_val (self->tried, tried);
}

/* Forgets it again and returns how often. */
guint
sb_queue_take_tried (SbQueue *self, gint64 position)
{
  for (guint i = 0; i < self->tried->len; i++)
    {
      Tried tried = g_array_index (self->tried, Tried, i);

      if (tried.position == position)
        {
          g_array_remove_index_fast (self->tried, i);
          return tried.attempts;
        }
    }
  return 0;
}

/* Pages */

static gboolean
list_has_position (const GQueue *list, gint64 position)
{
  for (const GList *l = list->head; l != NULL; l = l->next)
    if (((const SbFlight *) l->data)->position == position)
      return TRUE;
  return FALSE;
}

static void
push_ready (SbQueue *self, SbFlight *flight)
{
  g_queue_push_tail_link (&self->ready, &flight->link);
  self->ready_bytes += sb_message_get_size (flight->message);
  self->cursor = MAX (self->cursor, flight->position);
}

/* Returns the bytes of the page's bodies. */
static gsize
take_rows (SbQueue *self, GPtrArray *rows)
{
  gsize bytes = 0;

  for (guint i = 0; i < rows->len; i++)
    {
      const SbStoredDelivery *row = g_ptr_array_index (rows, i);
      SbFlight *flight;

      bytes += sb_message_get_size (row->message);
      if (row->position <= self->cursor || list_has_position (&self->window, row->position))
        {
          self->cursor = MAX (self->cursor, row->position);
          continue;
        }
      flight = sb_flight_new_from_store (self, row->message, row->position, row->handle);
      flight->attempts = sb_queue_take_tried (self, row->position);
      push_ready (self, flight);
    }
  return bytes;
}

static void
take_arrivals (SbQueue *self)
{
  GList *link;

  while ((link = g_queue_pop_head_link (&self->arrivals)) != NULL)
    {
      SbFlight *flight = link->data;

      if (flight->position > self->cursor)
        push_ready (self, flight);
      else
        sb_flight_free (self, flight);
    }
}

static void
take_page (SbQueue *self, const Page *page, GPtrArray *rows)
{
  gsize bytes = take_rows (self, rows);
  gboolean is_last = rows->len < page->limit && bytes < page->max_bytes;

  if (is_last && !self->arrivals_lost)
    {
      take_arrivals (self);
      self->behind = FALSE;
    }
  sb_flight_clear_list (self, &self->arrivals);
  self->arrivals_lost = FALSE;
}

/* Leaves the store alone for a while. */
void
sb_queue_hold (SbQueue *self)
{
  self->hold_until = sb_clock_monotonic (self->clock) + HOLD;
}

static void
note_failure (SbQueue *self, const GError *error)
{
  g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE_ID", SB_MESSAGE_ID_STORE_FAILED,
                    SB_LOG_FIELD_REASON, sb_error_reason (error), "MESSAGE",
                    "cannot read the queue of user number %" G_GINT64_FORMAT ": %s",
                    self->recipient, error->message);
  sb_queue_hold (self);
  sb_queue_fail_fetches (self, error);
}

/* Counts memory for a page before it comes, so that a thousand recipients that are back at
 * once do not read a page each; 0 gives it back. */
void
sb_queue_reserve (SbQueue *self, gsize bytes)
{
  if (bytes == self->reserved)
    return;
  self->settings->in_flight += bytes;
  self->settings->in_flight -= self->reserved;
  self->reserved = bytes;
}

static void
pending_read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  const Page *page = g_task_get_task_data (G_TASK (result));
  g_autoptr (SbQueue) self = sb_queue_ref (page->queue);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) rows = g_task_propagate_pointer (G_TASK (result), &error);

  self->reading = FALSE;
  if (self->closed)
    return;
  sb_queue_reserve (self, 0);
  if (page->epoch != self->epoch)
    {
      sb_flight_clear_list (self, &self->arrivals);
      self->arrivals_lost = FALSE;
    }
  else if (rows == NULL)
    note_failure (self, error);
  else
    take_page (self, page, rows);
  sb_queue_fill (self);
}

static void
load_pending (SbQueue *self)
{
  guint limit = sb_queue_has_memory (self) ? PAGE_ROWS : 1;

  if (limit == 1 && self->window.length + self->ready.length > 0)
    return;
  self->reading = TRUE;
  if (limit > 1)
    sb_queue_reserve (self, self->settings->window_bytes);
  start_read (self, page_new (self, self->cursor, limit), read_pending, pending_read_cb);
}

/* Parked deliveries */

static void
take_parked (SbQueue *self, GPtrArray *rows)
{
  for (guint i = 0; i < rows->len; i++)
    {
      const SbStoredDelivery *row = g_ptr_array_index (rows, i);
      SbFlight *flight;

      /* What is being tried is still parked, and is among the oldest. */
      if (list_has_position (&self->retry, row->position))
        continue;
      flight = sb_flight_new_from_store (self, row->message, row->position, row->handle);
      flight->attempts = MAX (row->attempts, sb_queue_take_tried (self, row->position));
      flight->parked = TRUE;
      flight->log = g_strdup (row->log);
      g_queue_push_tail_link (&self->retry, &flight->link);
    }
}

static void
parked_read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  const Page *page = g_task_get_task_data (G_TASK (result));
  g_autoptr (SbQueue) self = sb_queue_ref (page->queue);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) rows = g_task_propagate_pointer (G_TASK (result), &error);

  self->reading_parked = FALSE;
  if (self->closed)
    return;
  if (rows == NULL || page->epoch != self->epoch)
    self->parked_due = 0;
  else if (page->next_due > 0)
    self->parked_due = MIN (self->parked_due, page->next_due);
  if (rows == NULL)
    note_failure (self, error);
  else if (page->epoch == self->epoch)
    take_parked (self, rows);
  sb_queue_fill (self);
}

/* Until the answer is there, what is parked meanwhile says when to ask again. */
static void
load_parked (SbQueue *self)
{
  guint limit = sb_queue_has_memory (self) ? SB_QUEUE_RETRY_WINDOW : 1;

  self->reading_parked = TRUE;
  self->parked_due = G_MAXINT64;
  start_read (self, page_new (self, sb_clock_wall (self->clock), limit), read_parked,
              parked_read_cb);
}

/* Asks the store for what is missing, if somebody waits for it. */
void
sb_queue_load (SbQueue *self)
{
  /* Called for every message: nearly always there is nothing to do. */
  if (!self->behind && self->parked_due == G_MAXINT64)
    return;
  if (!sb_queue_has_consumer (self) || self->paused || self->n_finished < self->read_barrier
      || sb_clock_monotonic (self->clock) < self->hold_until)
    return;
  if (self->behind && !self->reading && self->ready.length < PAGE_ROWS / 2
      && self->ready_bytes <= self->settings->window_bytes / 2)
    load_pending (self);
  if (!self->reading_parked && self->parked_due <= sb_clock_wall (self->clock)
      && (self->retry.length == 0
          || (self->retry.length < SB_QUEUE_RETRY_WINDOW && sb_queue_has_memory (self))))
    load_parked (self);
}

/* Whether what the store has may still be on its way. */
gboolean
sb_queue_is_loading (SbQueue *self)
{
  return self->reading || self->reading_parked || self->n_finished < self->read_barrier;
}

/* Forgets what is behind the window and reads again from @position on, once the changes
 * under way are through. */
void
sb_queue_rewind (SbQueue *self, gint64 position)
{
  for (GList *l = self->ready.head; l != NULL; l = l->next)
    {
      const SbFlight *flight = l->data;

      sb_queue_note_tried (self, flight->position, flight->attempts);
    }
  sb_flight_clear_list (self, &self->ready);
  self->ready_bytes = 0;
  self->cursor = MIN (self->cursor, position - 1);
  self->behind = TRUE;
  self->parked_due = 0;
  self->epoch++;
  self->read_barrier = self->n_submitted;
}

/**
 * sb_queue_append:
 * @self: a queue
 * @message: (transfer none): a message that was just committed
 * @position: its place in this queue
 * @handle: the store's number of the message
 * @committed: monotonic, microseconds: when that was
 *
 * Takes a new delivery from memory if it is next, and otherwise remembers that
 * the store has it.
 */
void
sb_queue_append (SbQueue *self, SbMessage *message, gint64 position, gint64 handle,
                 gint64 committed)
{
  SbFlight *flight;

  if (self->closed || position <= self->cursor)
    return;
  if (self->reading)
    {
      if (self->arrivals.length >= MAX_READY || !sb_queue_has_memory (self))
        {
          self->arrivals_lost = TRUE;
          return;
        }
      flight = sb_flight_new (self, message, position, handle);
      flight->since = committed;
      g_queue_push_tail_link (&self->arrivals, &flight->link);
      return;
    }
  if (self->behind)
    return;
  if (!sb_queue_has_consumer (self) || self->ready.length >= MAX_READY
      || self->ready_bytes >= self->settings->window_bytes || !sb_queue_has_memory (self))
    {
      self->behind = TRUE;
      sb_queue_fill (self);
      return;
    }
  flight = sb_flight_new (self, message, position, handle);
  flight->since = committed;
  push_ready (self, flight);
  sb_queue_fill (self);
}

/**
 * sb_queue_note_stored:
 * @self: a queue
 *
 * Something became pending in the store without passing through memory.
 */
void
sb_queue_note_stored (SbQueue *self)
{
  if (self->reading)
    self->arrivals_lost = TRUE;
  self->behind = TRUE;
  sb_queue_fill (self);
}

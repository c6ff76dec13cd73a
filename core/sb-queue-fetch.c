/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-queue-fetch: deliveries for those who ask instead of holding a session.
 * A fetch takes what is not in flight elsewhere, or waits for it; what it took
 * is its own until its time is over.
 */

#include "sb-queue-private.h"

#include "sb-error.h"

typedef struct
{
  guint id;
  guint limit;
  gint64 deadline; /* monotonic, microseconds */
  gint64 visibility;
  SbQueueFetchFunc func;
  gpointer user_data;
} Fetch;

static void
collect (SbQueue *self, const Fetch *fetch, GList *from, GPtrArray *messages)
{
  for (GList *l = from; l != NULL && messages->len < fetch->limit; l = l->next)
    {
      SbFlight *flight = l->data;

      if (flight->path != SB_FLIGHT_NONE)
        continue;
      sb_queue_set_sent (self, flight, SB_FLIGHT_FETCH, fetch->visibility);
      sb_counter_add (self->settings->deliveries, 1);
      g_ptr_array_add (messages, sb_message_ref (flight->message));
    }
}

static Fetch *
find_overdue (SbQueue *self)
{
  gint64 now = sb_clock_monotonic (self->clock);

  for (GList *l = self->fetches.head; l != NULL; l = l->next)
    if (((Fetch *) l->data)->deadline <= now)
      return l->data;
  return NULL;
}

/* Gives what there is to the oldest fetch, or answers one whose time is over. */
gboolean
sb_queue_serve_fetch (SbQueue *self)
{
  g_autoptr (GPtrArray) messages = g_ptr_array_new_with_free_func (
      (GDestroyNotify) sb_message_unref);
  Fetch *fetch = g_queue_peek_head (&self->fetches);

  if (!self->paused)
    {
      collect (self, fetch, sb_queue_first_unsent (self), messages);
      collect (self, fetch, self->retry.head, messages);
    }
  if (messages->len == 0)
    fetch = sb_queue_is_loading (self) ? NULL : find_overdue (self);
  if (fetch == NULL)
    return FALSE;

  g_queue_remove (&self->fetches, fetch);
  fetch->func (messages, NULL, fetch->user_data);
  g_free (fetch);
  return TRUE;
}

/* Answers everybody who waits with @error. Those who ask again meanwhile wait again. */
void
sb_queue_fail_fetches (SbQueue *self, const GError *error)
{
  GQueue fetches = self->fetches;
  Fetch *fetch;

  g_queue_init (&self->fetches);
  while ((fetch = g_queue_pop_head (&fetches)) != NULL)
    {
      fetch->func (NULL, error, fetch->user_data);
      g_free (fetch);
    }
}

/* The same when the queue is closed. */
void
sb_queue_fail_closed (SbQueue *self)
{
  g_autoptr (GError) error = g_error_new_literal (SB_ERROR, SB_ERROR_CLOSED, "the queue is closed");

  sb_queue_fail_fetches (self, error);
}

/**
 * sb_queue_fetch:
 * @self: a queue
 * @limit: messages at most
 * @wait: how long to wait for the first one, microseconds
 * @visibility: how long the caller has to confirm them, microseconds
 * @func: called once, possibly before this function returns
 * @user_data: for @func
 *
 * Takes what is not in flight elsewhere: the next of the queue, then parked
 * ones that are due.
 *
 * Returns: a number for sb_queue_cancel_fetch()
 */
guint
sb_queue_fetch (SbQueue *self, guint limit, gint64 wait, gint64 visibility, SbQueueFetchFunc func,
                gpointer user_data)
{
  Fetch *fetch = g_new0 (Fetch, 1);
  guint id = ++self->last_fetch;

  fetch->id = id;
  fetch->limit = limit;
  fetch->deadline = sb_clock_monotonic (self->clock) + wait;
  fetch->visibility = visibility;
  fetch->func = func;
  fetch->user_data = user_data;
  g_queue_push_tail (&self->fetches, fetch);
  if (self->closed)
    sb_queue_fail_closed (self);
  else
    sb_queue_fill (self);
  return id;
}

/**
 * sb_queue_cancel_fetch:
 * @self: a queue
 * @id: of a fetch; one that was answered is ignored
 *
 * Forgets the fetch; its function is not called any more.
 */
void
sb_queue_cancel_fetch (SbQueue *self, guint id)
{
  for (GList *l = self->fetches.head; l != NULL; l = l->next)
    if (((Fetch *) l->data)->id == id)
      {
        g_free (l->data);
        g_queue_delete_link (&self->fetches, l);
        break;
      }
}

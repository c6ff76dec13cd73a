/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-queue: window, redelivery, parking.
 *
 * A delivery comes into memory (sb-queue-load.c), waits in `ready`, moves into
 * the `window` when there is room, and goes out on the session's path or with
 * a fetch. A confirmation takes it out at once and is then journaled: should
 * the journal fail, it comes again. Without one it is sent again after the
 * time-out; after too many attempts it is parked in the store, so that it
 * never blocks those behind it, and is tried again from there in a small list
 * of its own.
 *
 * The queue looks at the time when it is ticked; it owns no timer. What becomes
 * of an attempt that failed is in sb-queue-retry.c.
 */

#include "sb-queue-private.h"

#include "sb-error.h"

#include <string.h>

/* Flights */

/* Makes a flight and counts its memory. */
SbFlight *
sb_flight_new (SbQueue *queue, SbMessage *message, gint64 position, gint64 handle)
{
  SbFlight *self = g_new0 (SbFlight, 1);

  self->link.data = self;
  self->message = sb_message_ref (message);
  self->position = position;
  self->handle = handle;
  queue->settings->in_flight += sb_message_get_size (message);
  return self;
}

/* The same for one that the store has kept. */
SbFlight *
sb_flight_new_from_store (SbQueue *queue, SbMessage *message, gint64 position, gint64 handle)
{
  SbFlight *self = sb_flight_new (queue, message, position, handle);

  self->from_store = TRUE;
  self->since = MAX (message->accepted, message->not_before) - queue->settings->wall_ahead;
  return self;
}

/* Frees a flight that is in no list. */
void
sb_flight_free (SbQueue *queue, SbFlight *self)
{
  queue->settings->in_flight -= sb_message_get_size (self->message);
  sb_message_unref (self->message);
  g_free (self->log);
  g_free (self);
}

/* Frees all flights of a list. */
void
sb_flight_clear_list (SbQueue *queue, GQueue *list)
{
  GList *link;

  while ((link = g_queue_pop_head_link (list)) != NULL)
    sb_flight_free (queue, link->data);
}

static SbFlight *
find_in (const GQueue *list, const char *id)
{
  for (const GList *l = list->head; l != NULL; l = l->next)
    {
      SbFlight *flight = l->data;

      if (strcmp (flight->message->id, id) == 0)
        return flight;
    }
  return NULL;
}

/* Returns: (transfer none) (nullable): the flight with that message, sent or next to go. */
SbFlight *
sb_queue_find_flight (SbQueue *self, const char *id)
{
  SbFlight *flight = find_in (&self->window, id);

  return flight != NULL ? flight : find_in (&self->retry, id);
}

static SbFlight *
find_by_position (const GQueue *list, gint64 position)
{
  for (const GList *l = list->head; l != NULL; l = l->next)
    {
      SbFlight *flight = l->data;

      if (flight->position == position)
        return flight;
    }
  return NULL;
}

/* Takes a flight out of the window or the retries. */
static void
take_out (SbQueue *self, SbFlight *flight)
{
  self->n_taken++;
  if (flight->parked)
    {
      g_queue_unlink (&self->retry, &flight->link);
      return;
    }
  g_queue_unlink (&self->window, &flight->link);
  self->window_bytes -= sb_message_get_size (flight->message);
  if (flight->path == SB_FLIGHT_NONE)
    self->n_unsent--;
}

/* It waits for its next transmission. */
void
sb_queue_set_unsent (SbQueue *self, SbFlight *flight)
{
  if (flight->path != SB_FLIGHT_NONE && !flight->parked)
    self->n_unsent++;
  flight->path = SB_FLIGHT_NONE;
  flight->deadline = 0;
}

/* Tells those who watch, of whom there are none nearly always. */
void
sb_queue_tell (SbQueue *self, SbFlowKind what, const SbMessage *message)
{
  if (G_UNLIKELY (self->settings->watched) && self->hooks != NULL)
    self->hooks->flow (self, what, message, self->user_data);
}

/* Its first transmission, as far as memory knows. */
static void
note_first_sent (SbQueue *self, SbFlight *flight, gint64 now)
{
  const SbQueueSettings *settings = self->settings;

  flight->was_sent = TRUE;
  if (flight->attempts == 0)
    sb_histogram_observe (flight->from_store ? settings->wait_store : settings->wait_memory,
                          (now - flight->since) / 1e6);
  flight->since = now;
}

/* A delivery goes out, and has so long until it counts as an attempt that failed. */
void
sb_queue_set_sent (SbQueue *self, SbFlight *flight, SbFlightPath path, gint64 time_allowed)
{
  gint64 now = sb_clock_monotonic (self->clock);

  if (flight->path == SB_FLIGHT_NONE && !flight->parked)
    self->n_unsent--;
  flight->path = path;
  flight->deadline = time_allowed == SB_QUEUE_NO_TIMEOUT ? G_MAXINT64 : now + time_allowed;
  if (!flight->was_sent && path != SB_FLIGHT_HELD)
    note_first_sent (self, flight, now);
  if (path != SB_FLIGHT_HELD)
    sb_queue_tell (self, SB_FLOW_SENT, flight->message);
}

/* Whether the bus as a whole may take more into memory. */
gboolean
sb_queue_has_memory (SbQueue *self)
{
  return self->settings->in_flight < self->settings->in_flight_max;
}

/* Whether somebody waits for deliveries. */
gboolean
sb_queue_has_consumer (SbQueue *self)
{
  return (self->path != NULL && !self->path_rests) || self->fetches.length > 0;
}

/* The journal's answers */

/* Gives a change to the journal; its function counts it with sb_queue_note_finished(). */
void
sb_queue_submit (SbQueue *self, SbOperation *operation)
{
  self->n_submitted++;
  sb_journal_submit (self->journal, operation);
}

/* A change that was submitted is through. */
void
sb_queue_note_finished (SbQueue *self)
{
  self->n_finished++;
}

/* Takes a flight out for good, whose change was just submitted. What is read before that change
 * is through would bring it back, if the store is going to be read where it lies. */
void
sb_queue_take_out_changed (SbQueue *self, SbFlight *flight)
{
  if (flight->parked || flight->position > self->cursor)
    {
      self->read_barrier = self->n_submitted;
      self->epoch++;
    }
  take_out (self, flight);
  sb_flight_free (self, flight);
}

/* A change has failed: the delivery is as before, and comes again in a while. */
void
sb_queue_bring_back (SbQueue *self, gint64 position, guint attempts)
{
  if (self->closed)
    return;
  sb_queue_note_tried (self, position, attempts);
  sb_queue_rewind (self, position);
  sb_queue_hold (self);
}

/* An end is through. @user_data: (transfer full): the queue. */
void
sb_queue_ended_cb (SbOperation *operation, const GError *error, gpointer user_data)
{
  g_autoptr (SbQueue) self = user_data;

  sb_queue_note_finished (self);
  if (error != NULL && operation->end.position > 0)
    sb_queue_bring_back (self, operation->end.position, MAX (operation->end.attempts, 1) - 1);
  else if (error == NULL && operation->outcome == SB_OUTCOME_DONE && operation->end.id != NULL)
    sb_queue_forget (self, operation->end.position);
  if (self->hooks != NULL)
    self->hooks->ended (self, operation, error, self->user_data);
  sb_queue_fill (self);
}

/* Sending */

static void
send_on_path (SbQueue *self, SbFlight *flight)
{
  sb_queue_set_sent (self, flight, SB_FLIGHT_SESSION,
                     self->path_answers ? SB_QUEUE_NO_TIMEOUT : self->settings->confirm_timeout);
  sb_counter_add (self->settings->deliveries, 1);
  sb_delivery_deliver (self->path, flight->message);
}

/* Nearly always at its end: only what was read again may lie before what a fetch holds. */
static void
insert_into_window (SbQueue *self, SbFlight *flight)
{
  GList *before = self->window.tail;

  while (before != NULL && ((SbFlight *) before->data)->position > flight->position)
    before = before->prev;
  if (before != NULL)
    g_queue_insert_after_link (&self->window, before, &flight->link);
  else
    g_queue_push_head_link (&self->window, &flight->link);
  self->window_bytes += sb_message_get_size (flight->message);
  self->n_unsent++;
}

/* Moves what fits from `ready` into the window. */
static void
admit (SbQueue *self)
{
  const SbQueueSettings *settings = self->settings;

  while (self->ready.length > 0 && self->window.length < settings->window)
    {
      SbFlight *flight = self->ready.head->data;
      gsize size = sb_message_get_size (flight->message);

      if (self->window.length > 0 && self->window_bytes + size > settings->window_bytes)
        return;
      g_queue_unlink (&self->ready, &flight->link);
      self->ready_bytes -= size;
      insert_into_window (self, flight);
    }
}

/* The first of the window that was not sent. They are nearly always the last
 * ones, so the search begins there. */
GList *
sb_queue_first_unsent (SbQueue *self)
{
  guint left = self->n_unsent;
  GList *first = NULL;

  for (GList *l = self->window.tail; left > 0 && l != NULL; l = l->prev)
    if (((SbFlight *) l->data)->path == SB_FLIGHT_NONE)
      {
        first = l;
        left--;
      }
  return first;
}

static GList *
first_to_send (SbQueue *self, const GQueue *list)
{
  return list == &self->window ? sb_queue_first_unsent (self) : list->head;
}

/* The path may confirm at once, or be closed, while it takes a message; then flights are gone,
 * and the search begins anew. */
static void
send_list (SbQueue *self, SbDelivery *path, const GQueue *list, guint limit)
{
  GList *l = first_to_send (self, list);

  while (l != NULL && limit > 0 && self->path == path && sb_delivery_is_ready (path))
    {
      SbFlight *flight = l->data;
      guint n_taken = self->n_taken;

      if (flight->path == SB_FLIGHT_NONE)
        {
          send_on_path (self, flight);
          limit--;
        }
      l = self->n_taken == n_taken ? l->next : first_to_send (self, list);
    }
}

static gboolean
has_sent (const GQueue *list)
{
  for (const GList *l = list->head; l != NULL; l = l->next)
    if (((const SbFlight *) l->data)->path != SB_FLIGHT_NONE)
      return TRUE;
  return FALSE;
}

static void
send_waiting (SbQueue *self)
{
  g_autoptr (SbDelivery) path = NULL;

  if (self->path == NULL || self->paused || (self->n_unsent == 0 && self->retry.length == 0))
    return;
  path = g_object_ref (self->path);
  /* A path that takes one at a time would never come to the parked ones behind a busy queue. */
  if (self->path_answers && !has_sent (&self->retry))
    send_list (self, path, &self->retry, 1);
  send_list (self, path, &self->window, G_MAXUINT);
  send_list (self, path, &self->retry, G_MAXUINT);
}

/* Does all that can be done now: called whenever something has changed. */
void
sb_queue_fill (SbQueue *self)
{
  if (self->closed)
    return;
  self->fill_again = TRUE;
  if (self->filling)
    return;

  sb_queue_ref (self);
  self->filling = TRUE;
  while (self->fill_again && !self->closed)
    {
      self->fill_again = FALSE;
      admit (self);
      send_waiting (self);
      sb_queue_load (self);
      if (!self->closed && self->fetches.length > 0 && sb_queue_serve_fetch (self))
        self->fill_again = TRUE;
    }
  self->filling = FALSE;
  sb_queue_unref (self);
}

/* Without anybody to deliver to */

/* Takes all flights of a list out of memory but those that a fetch holds. */
static void
drop_list (SbQueue *self, GQueue *list, gint64 *lowest)
{
  GList *next;

  for (GList *l = list->head; l != NULL; l = next)
    {
      SbFlight *flight = l->data;

      next = l->next;
      if (flight->path == SB_FLIGHT_FETCH)
        continue;
      if (!flight->parked)
        {
          *lowest = MIN (*lowest, flight->position);
          sb_queue_note_tried (self, flight->position, flight->attempts);
        }
      take_out (self, flight);
      sb_flight_free (self, flight);
    }
}

static gboolean
holds_unsent (SbQueue *self)
{
  for (const GList *l = self->retry.head; l != NULL; l = l->next)
    if (((const SbFlight *) l->data)->path == SB_FLIGHT_NONE)
      return TRUE;
  return self->n_unsent > 0 || self->ready.length > 0;
}

/* Nobody is there to deliver to: memory goes back, the store has it all. */
static void
drop_unwanted (SbQueue *self)
{
  gint64 lowest = self->cursor + 1;

  if (self->ready.length > 0)
    lowest = MIN (lowest, ((SbFlight *) self->ready.head->data)->position);
  drop_list (self, &self->window, &lowest);
  drop_list (self, &self->retry, &lowest);
  sb_queue_rewind (self, lowest);
}

static void
unsend_list (SbQueue *self, GQueue *list)
{
  for (GList *l = list->head; l != NULL; l = l->next)
    {
      SbFlight *flight = l->data;

      if (flight->path == SB_FLIGHT_SESSION || flight->path == SB_FLIGHT_HELD)
        sb_queue_set_unsent (self, flight);
    }
}

/* Gives all memory back. */
static void
clear_lists (SbQueue *self)
{
  sb_flight_clear_list (self, &self->window);
  sb_flight_clear_list (self, &self->retry);
  sb_flight_clear_list (self, &self->ready);
  sb_flight_clear_list (self, &self->arrivals);
  sb_queue_reserve (self, 0);
  self->window_bytes = self->ready_bytes = 0;
  self->n_unsent = 0;
  self->n_taken++;
}

static void
set_path (SbQueue *self, SbDelivery *path, gboolean answers)
{
  if (self->closed)
    return;
  g_set_object (&self->path, path);
  self->path_answers = answers;
  self->path_rests = FALSE;
  unsend_list (self, &self->window);
  unsend_list (self, &self->retry);
  if (!sb_queue_has_consumer (self))
    drop_unwanted (self);
  sb_queue_fill (self);
}

/* Public API */

/**
 * sb_queue_new:
 * @recipient: key of the recipient
 * @settings: (transfer none): shared by all queues
 * @journal: (transfer none): where changes go and pages come from
 * @clock: (transfer none): what time it is
 * @hooks: (transfer none): static
 * @user_data: for the hooks
 *
 * Returns: (transfer full): a queue that knows nothing of the store's content yet
 */
SbQueue *
sb_queue_new (gint64 recipient, SbQueueSettings *settings, SbJournal *journal, SbClock *clock,
              const SbQueueHooks *hooks, gpointer user_data)
{
  SbQueue *self = g_new0 (SbQueue, 1);

  self->ref_count = 1;
  self->recipient = recipient;
  self->settings = settings;
  self->journal = g_object_ref (journal);
  self->clock = g_object_ref (clock);
  self->hooks = hooks;
  self->user_data = user_data;
  self->behind = TRUE;
  self->tried = g_array_new (FALSE, FALSE, sizeof (gint64) * 2);
  return self;
}

/**
 * sb_queue_ref:
 * @self: a queue
 *
 * Returns: (transfer full): @self
 */
SbQueue *
sb_queue_ref (SbQueue *self)
{
  self->ref_count++;
  return self;
}

/**
 * sb_queue_unref:
 * @self: (transfer full): a queue
 */
void
sb_queue_unref (SbQueue *self)
{
  if (--self->ref_count > 0)
    return;
  clear_lists (self);
  g_array_unref (self->tried);
  g_clear_object (&self->path);
  g_object_unref (self->clock);
  g_object_unref (self->journal);
  g_free (self);
}

/**
 * sb_queue_get_recipient:
 * @self: a queue
 *
 * Returns: the recipient's key
 */
gint64
sb_queue_get_recipient (SbQueue *self)
{
  return self->recipient;
}

/**
 * sb_queue_set_path:
 * @self: a queue
 * @path: (nullable) (transfer none): of the session that was opened; %NULL: it was closed
 *
 * What was in flight on an older path goes out on the new one, in order and
 * without counting as an attempt; without a path it goes back to the store.
 */
void
sb_queue_set_path (SbQueue *self, SbDelivery *path)
{
  set_path (self, path, FALSE);
}

/**
 * sb_queue_set_outbound:
 * @self: a queue
 * @path: (transfer none): of a recipient that the bus calls
 *
 * The same for a path that tells of each message whether it was delivered, with
 * sb_queue_confirm() or sb_queue_fail(): no time-out counts.
 */
void
sb_queue_set_outbound (SbQueue *self, SbDelivery *path)
{
  set_path (self, path, TRUE);
}

/**
 * sb_queue_rest:
 * @self: a queue
 *
 * The outbound path will not be ready for a while: memory goes back until it is.
 */
void
sb_queue_rest (SbQueue *self)
{
  if (self->closed || self->path == NULL)
    return;
  self->path_rests = TRUE;
  if (!sb_queue_has_consumer (self))
    drop_unwanted (self);
}

/**
 * sb_queue_set_paused:
 * @self: a queue
 * @paused: whether nothing goes out, on no path and with no fetch
 *
 * What is in flight stays so until it is confirmed or its time is over.
 */
void
sb_queue_set_paused (SbQueue *self, gboolean paused)
{
  self->paused = paused;
  sb_queue_fill (self);
}

/**
 * sb_queue_wake:
 * @self: a queue
 *
 * The path can take more.
 */
void
sb_queue_wake (SbQueue *self)
{
  sb_queue_fill (self);
}

/**
 * sb_queue_forget:
 * @self: a queue
 * @position: of a delivery that ended without the queue
 */
void
sb_queue_forget (SbQueue *self, gint64 position)
{
  SbFlight *flight = find_by_position (&self->window, position);

  sb_queue_take_tried (self, position);
  if (flight == NULL)
    flight = find_by_position (&self->retry, position);
  if (flight != NULL)
    {
      take_out (self, flight);
      sb_flight_free (self, flight);
      return;
    }
  flight = find_by_position (&self->ready, position);
  if (flight != NULL)
    {
      g_queue_unlink (&self->ready, &flight->link);
      self->ready_bytes -= sb_message_get_size (flight->message);
      sb_flight_free (self, flight);
      return;
    }
  /* What is being read may have been read before it ended. */
  if (self->reading || self->reading_parked)
    self->epoch++;
}

/**
 * sb_queue_tick:
 * @self: a queue
 *
 * Looks at the clock: what is overdue is sent again or parked, fetches whose
 * time is over are answered. Called a few times a second.
 */
void
sb_queue_tick (SbQueue *self)
{
  gint64 now = sb_clock_monotonic (self->clock);

  if (self->closed)
    return;
  if (self->path_rests && sb_delivery_is_ready (self->path))
    self->path_rests = FALSE;
  sb_queue_check_deadlines (self, &self->window, now);
  sb_queue_check_deadlines (self, &self->retry, now);
  if (!sb_queue_has_consumer (self) && holds_unsent (self))
    drop_unwanted (self);
  sb_queue_fill (self);
}

/**
 * sb_queue_close:
 * @self: a queue
 *
 * The recipient is gone or the bus stops: fetches are answered, memory is given back.
 */
void
sb_queue_close (SbQueue *self)
{
  if (self->closed)
    return;
  self->closed = TRUE;
  g_clear_object (&self->path);
  clear_lists (self);
  sb_queue_fail_closed (self);
}

/**
 * sb_queue_disown:
 * @self: a queue
 *
 * The owner is going: its hooks are not called any more. The queue is closed.
 */
void
sb_queue_disown (SbQueue *self)
{
  sb_queue_close (self);
  self->hooks = NULL;
}

/**
 * sb_queue_is_idle:
 * @self: a queue
 *
 * Returns: whether nothing would be lost with it
 */
gboolean
sb_queue_is_idle (SbQueue *self)
{
  return self->path == NULL && self->fetches.length == 0 && self->window.length == 0
         && self->retry.length == 0 && self->tried->len == 0 && !self->reading
         && !self->reading_parked && self->n_finished == self->n_submitted;
}

/**
 * sb_queue_get_in_flight:
 * @self: a queue
 *
 * Returns: how many deliveries were sent and are not confirmed
 */
guint
sb_queue_get_in_flight (SbQueue *self)
{
  return self->window.length - self->n_unsent + self->retry.length;
}

/**
 * sb_queue_is_sent:
 * @self: a queue
 * @id: of a message
 * @attempts: (out): how often it went out, if it is in flight
 *
 * Returns: whether it was sent and is not confirmed
 */
gboolean
sb_queue_is_sent (SbQueue *self, const char *id, guint *attempts)
{
  const SbFlight *flight = sb_queue_find_flight (self, id);

  if (flight == NULL || flight->path == SB_FLIGHT_NONE || flight->path == SB_FLIGHT_HELD)
    return FALSE;
  *attempts = flight->attempts + 1;
  return TRUE;
}

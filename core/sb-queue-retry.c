/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-queue-retry: what follows when an attempt to deliver has failed.
 *
 * A session that does not confirm in time counts as a failed attempt. A path
 * to a recipient that is called says what failed: when it is the recipient's
 * trouble, nothing counts against the message. Otherwise it is tried again,
 * parked in the store after `park-after` attempts, so that it never blocks
 * those behind it, and dead when it was refused for good often enough.
 */

#include "sb-queue-private.h"

#include "sb-backoff.h"

/* Between the attempts of a parked delivery. */
#define MAX_PAUSE (10 * 60 * G_USEC_PER_SEC)

/* Between the attempts of one that is not parked, which others may wait behind. */
#define MAX_HOLD (60 * G_USEC_PER_SEC)

static void
parked_cb (SbOperation *operation, const GError *error, gpointer user_data)
{
  g_autoptr (SbQueue) self = user_data;

  sb_queue_note_finished (self);
  if (self->closed)
    return;
  if (error != NULL)
    sb_queue_bring_back (self, operation->park.position, operation->park.attempts);
  else
    self->parked_due = MIN (self->parked_due, operation->park.due);
  sb_queue_fill (self);
}

/* Attempt by attempt: 2, 4, 8 … time-outs, at most ten minutes. */
static gint64
pause_after (const SbQueueSettings *settings, guint attempts)
{
  guint doublings = attempts > settings->park_after ? attempts - settings->park_after + 1 : 1;
  gint64 pause = settings->confirm_timeout;

  while (doublings-- > 0 && pause < MAX_PAUSE)
    pause *= 2;
  return MIN (pause, MAX_PAUSE);
}

static void
park (SbQueue *self, SbFlight *flight)
{
  SbOperation *operation = sb_operation_new (SB_OPERATION_PARK, parked_cb, sb_queue_ref (self));
  gint64 now = sb_clock_wall (self->clock);

  operation->park.recipient = self->recipient;
  operation->park.position = flight->position;
  operation->park.handle = flight->handle;
  operation->park.attempts = flight->attempts;
  operation->park.now = now;
  operation->park.due = now + pause_after (self->settings, flight->attempts);
  operation->park.log = g_strdup (flight->log);
  sb_counter_add (self->settings->parked, 1);
  sb_queue_tell (self, SB_FLOW_PARKED, flight->message);
  sb_queue_submit (self, operation);
  sb_queue_take_out_changed (self, flight);
}

/* The recipient will never take it: kept for an admin to decide. */
static void
give_up (SbQueue *self, SbFlight *flight)
{
  SbOperation *operation = sb_operation_new (SB_OPERATION_END, sb_queue_ended_cb,
                                             sb_queue_ref (self));

  operation->end.recipient = self->recipient;
  operation->end.position = flight->position;
  operation->end.handle = flight->handle;
  operation->end.message = sb_message_ref (flight->message);
  operation->end.state = SB_DELIVERY_DEAD;
  operation->end.reason = SB_REASON_REFUSED;
  operation->end.attempts = flight->attempts;
  operation->end.now = sb_clock_wall (self->clock);
  operation->end.log = g_strdup (flight->log);
  sb_queue_submit (self, operation);
  sb_queue_take_out_changed (self, flight);
}

static void
give_up_waiting (SbQueue *self, SbFlight *flight)
{
  if (flight->path == SB_FLIGHT_HELD)
    {
      sb_queue_set_unsent (self, flight);
      return;
    }
  if (flight->path == SB_FLIGHT_SESSION && !sb_delivery_is_ready (self->path))
    {
      /* It may not even have left: the peer does not read. No attempt. */
      flight->deadline = sb_clock_monotonic (self->clock) + self->settings->confirm_timeout;
      return;
    }
  flight->attempts++;
  if (flight->attempts >= self->settings->park_after)
    {
      park (self, flight);
      return;
    }
  sb_counter_add (self->settings->redeliveries, 1);
  sb_queue_set_unsent (self, flight);
}

/* What is overdue is sent again or parked. */
void
sb_queue_check_deadlines (SbQueue *self, GQueue *list, gint64 now)
{
  GList *next;

  for (GList *l = list->head; l != NULL; l = next)
    {
      SbFlight *flight = l->data;

      next = l->next;
      if (flight->path != SB_FLIGHT_NONE && flight->deadline <= now)
        give_up_waiting (self, flight);
    }
}

static void
note_attempt (SbFlight *flight, const SbAttempt *attempt)
{
  g_autofree char *log = g_steal_pointer (&flight->log);

  flight->log = sb_attempt_log_add (log, attempt);
}

/* Returns how long the next attempt should wait; 0: the flight has left. */
static gint64
count_failure (SbQueue *self, SbFlight *flight, SbFailure failure)
{
  const SbQueueSettings *settings = self->settings;

  flight->attempts++;
  if (failure == SB_FAILURE_REFUSED && flight->attempts >= settings->max_attempts)
    {
      give_up (self, flight);
      return 0;
    }
  if (flight->parked || flight->attempts >= settings->park_after)
    {
      park (self, flight);
      return 0;
    }
  sb_counter_add (settings->redeliveries, 1);
  sb_queue_set_unsent (self, flight);
  return sb_backoff_pause (flight->attempts, MAX_HOLD);
}

/**
 * sb_queue_fail:
 * @self: a queue
 * @path: who says so; ignored when it is not the queue's path any more
 * @id: of a message that was sent on the path
 * @failure: whose trouble it is
 * @attempt: how it went
 *
 * An attempt has failed. Nothing is sent from here: the caller has yet to say
 * who waits, and wakes the queue then.
 *
 * Returns: how long the message should wait for its next attempt, microseconds; 0: not at all, or
 *   it is not in the way of others any more
 */
gint64
sb_queue_fail (SbQueue *self, SbDelivery *path, const char *id, SbFailure failure,
               const SbAttempt *attempt)
{
  SbFlight *flight = self->path == path ? sb_queue_find_flight (self, id) : NULL;

  if (flight == NULL || flight->path != SB_FLIGHT_SESSION)
    return 0;
  note_attempt (flight, attempt);
  if (failure != SB_FAILURE_RECIPIENT)
    return count_failure (self, flight, failure);
  sb_queue_set_unsent (self, flight);
  return 0;
}

/**
 * sb_queue_hold_back:
 * @self: a queue
 * @id: of a message that has failed
 * @pause: how long it is not sent again, microseconds; those behind it are
 */
void
sb_queue_hold_back (SbQueue *self, const char *id, gint64 pause)
{
  SbFlight *flight = sb_queue_find_flight (self, id);

  if (flight != NULL && flight->path == SB_FLIGHT_NONE)
    sb_queue_set_sent (self, flight, SB_FLIGHT_HELD, pause);
}

/**
 * sb_queue_get_log:
 * @self: a queue
 * @id: of a message
 * @attempts: (out): that failed, as far as the queue has it in memory
 *
 * Returns: (transfer none) (nullable): its attempts that failed, newer than what the store knows
 */
const char *
sb_queue_get_log (SbQueue *self, const char *id, guint *attempts)
{
  const SbFlight *flight = sb_queue_find_flight (self, id);

  *attempts = flight != NULL ? flight->attempts : 0;
  return flight != NULL ? flight->log : NULL;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-queue-confirm: the recipient says that it has a message. It is out of
 * memory at once, and ends in the store; should that fail, it comes again.
 */

#include "sb-queue-private.h"

/* A confirmation that somebody wants to hear of. */
typedef struct
{
  SbQueue *queue; /* (owned) */
  SbQueueConfirmFunc func;
  gpointer user_data;
} ConfirmCall;

static void
confirm_ended_cb (SbOperation *operation, const GError *error, gpointer user_data)
{
  ConfirmCall *call = user_data;

  sb_queue_ended_cb (operation, error, g_steal_pointer (&call->queue));
  call->func (operation->outcome, error, call->user_data);
  g_free (call);
}

static SbQueueWay
get_way (SbQueue *self, const SbFlight *flight)
{
  if (flight->path == SB_FLIGHT_FETCH)
    return SB_QUEUE_WAY_FETCH;
  return self->path_answers ? SB_QUEUE_WAY_CALLED : SB_QUEUE_WAY_SESSION;
}

static SbOperation *
confirm_operation (SbQueue *self, SbFlight *flight, const char *id)
{
  SbOperation *operation = sb_operation_new (SB_OPERATION_END, NULL, NULL);

  operation->end.recipient = self->recipient;
  operation->end.state = SB_DELIVERY_CONFIRMED;
  operation->end.now = sb_clock_wall (self->clock);
  if (flight == NULL)
    {
      /* Its sender is known after the commit only, so the receipt goes through the store. */
      operation->end.id = g_strdup (id);
      operation->end.store_receipt = TRUE;
      return operation;
    }
  if (flight->was_sent)
    sb_histogram_observe (self->settings->confirmation[get_way (self, flight)],
                          (operation->end.now - self->settings->wall_ahead - flight->since) / 1e6);
  operation->end.position = flight->position;
  operation->end.handle = flight->handle;
  operation->end.message = sb_message_ref (flight->message);
  /* The one that is confirmed counts too. */
  operation->end.attempts = flight->attempts + (flight->path != SB_FLIGHT_NONE);
  operation->end.log = g_strdup (flight->log);
  operation->end.store_receipt = self->hooks->wants_receipt (self, flight->message->sender_key,
                                                             self->user_data);
  return operation;
}

static void
confirm (SbQueue *self, const char *id, gboolean release, SbQueueConfirmFunc func,
         gpointer user_data)
{
  SbFlight *flight = sb_queue_find_flight (self, id);
  SbOperation *operation;

  operation = confirm_operation (self, flight, id);
  operation->end.release = release;
  operation->func = sb_queue_ended_cb;
  operation->user_data = sb_queue_ref (self);
  if (func != NULL)
    {
      ConfirmCall *call = g_new (ConfirmCall, 1);

      call->queue = operation->user_data;
      call->func = func;
      call->user_data = user_data;
      operation->func = confirm_ended_cb;
      operation->user_data = call;
    }
  sb_queue_submit (self, operation);
  if (flight != NULL)
    sb_queue_take_out_changed (self, flight);
  sb_queue_fill (self);
}

/**
 * sb_queue_confirm:
 * @self: a queue
 * @id: of a message that the recipient says it has
 * @func: (nullable): called after the commit
 * @user_data: for @func
 *
 * Ends the delivery, in memory or not. When the message announces a file, it
 * is not delivered again, and ends with sb_queue_release().
 */
void
sb_queue_confirm (SbQueue *self, const char *id, SbQueueConfirmFunc func, gpointer user_data)
{
  confirm (self, id, FALSE, func, user_data);
}

/**
 * sb_queue_release:
 * @self: a queue
 * @id: of a message that announced a file, which the recipient does not need any more
 * @func: (nullable): called after the commit
 * @user_data: for @func
 */
void
sb_queue_release (SbQueue *self, const char *id, SbQueueConfirmFunc func, gpointer user_data)
{
  confirm (self, id, TRUE, func, user_data);
}

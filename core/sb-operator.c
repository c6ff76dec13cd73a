/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-operator: what an admin does to a delivery by hand. The store decides
 * whether it can be done; after its commit the queues in memory follow, the
 * sender is told, and the log has a line.
 */

#include "sb-operator.h"

#include "sb-audit.h"
#include "sb-bus-private.h"
#include "sb-error.h"
#include "sb-operation.h"

typedef struct
{
  SbUser *actor; /* (owned) */
  gint64 recipient;
  char *id;         /* (owned) of the message */
  SbUser *to;       /* (owned) (nullable) who gets it now */
  const char *verb; /* requeued, dropped, moved */
} Change;

static void
change_free (Change *self)
{
  sb_user_unref (self->actor);
  g_clear_pointer (&self->to, sb_user_unref);
  g_free (self->id);
  g_free (self);
}

/* When it cannot be done */

static GError *
explain (SbBus *self, const Change *change, const SbDeliveryDetails *details)
{
  const SbDeliveryStatus *delivery = details->delivery;

  if (change->to != NULL && sb_directory_lookup_key (self->directory, change->to->key) == NULL)
    return g_error_new (SB_ERROR, SB_ERROR_NOT_FOUND, "there is no user \"%s\" any more",
                        change->to->id);
  if (sb_directory_lookup_key (self->directory, change->recipient) == NULL
      && !sb_delivery_state_has_ended (delivery->state))
    return g_error_new (SB_ERROR, SB_ERROR_CONFLICT,
                        "the delivery cannot be %s: its recipient %s is gone", change->verb,
                        delivery->recipient);
  return g_error_new (SB_ERROR, SB_ERROR_CONFLICT, "the delivery cannot be %s: it is %s",
                      change->verb, sb_delivery_state_to_string (delivery->state));
}

static void
looked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  SbBus *self = SB_BUS (source);
  GError *error = NULL;
  g_autoptr (SbDeliveryDetails) details = sb_bus_look_at_delivery_finish (self, result, &error);

  if (details != NULL)
    error = explain (self, g_task_get_task_data (task), details);
  g_task_return_error (task, error);
}

/* Takes what the store said for an error: TRUE when there is nothing to follow up. */
static gboolean
take_refusal (GTask *task, SbOutcome outcome, const GError *error)
{
  SbBus *self = g_task_get_source_object (task);
  const Change *change = g_task_get_task_data (task);

  if (error != NULL)
    g_task_return_error (task, g_error_copy (error));
  else if (outcome == SB_OUTCOME_CONFLICT)
    g_task_return_new_error (task, SB_ERROR, SB_ERROR_CONFLICT,
                             "%s is a recipient of this message already, or was", change->to->id);
  else if (outcome == SB_OUTCOME_DONE)
    return FALSE;
  else
    /* It is not there, or its state does not allow it: look which. */
    sb_bus_look_at_delivery_async (self, change->recipient, change->id, looked_cb,
                                   g_object_ref (task));
  return TRUE;
}

/* What follows when it is done */

static const char *
get_recipient_name (SbBus *self, gint64 recipient)
{
  const SbUser *user = sb_directory_lookup_key (self->directory, recipient);

  return user != NULL ? user->id : "a user that is gone";
}

static void
log_change (SbBus *self, const Change *change)
{
  const char *recipient = get_recipient_name (self, change->recipient);

  if (change->to != NULL)
    sb_audit (change->actor, change->to->id, change->id, "moved the message %s from %s to %s",
              change->id, recipient, change->to->id);
  else
    sb_audit (change->actor, recipient, change->id, "%s the message %s for %s", change->verb,
              change->id, recipient);
}

/* A place in the queue is empty. */
static void
forget_position (SbBus *self, gint64 recipient, gint64 position)
{
  SbQueue *queue = g_hash_table_lookup (self->queues, &recipient);

  if (queue == NULL || position == 0)
    return;
  sb_queue_forget (queue, position);
  sb_queue_wake (queue);
}

/* Something stands at the queue's end. */
static void
note_stored (SbBus *self, gint64 recipient)
{
  SbQueue *queue = g_hash_table_lookup (self->queues, &recipient);

  if (queue != NULL)
    sb_queue_note_stored (queue);
  /* Its deadline, which was of no matter while it was dead, may have passed. */
  if (self->sweeper != NULL)
    sb_sweeper_note_time (self->sweeper, sb_clock_wall (self->clock));
}

static void
requeued_cb (SbOperation *operation, const GError *error, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  SbBus *self = g_task_get_source_object (task);

  if (take_refusal (task, operation->outcome, error))
    return;
  sb_counter_add (self->requeued, 1);
  log_change (self, g_task_get_task_data (task));
  forget_position (self, operation->requeue.recipient, operation->requeue.old_position);
  sb_bus_flow_delivery (self, SB_FLOW_REQUEUED, operation->requeue.id, 0,
                        operation->requeue.recipient, NULL);
  note_stored (self, operation->requeue.recipient);
  g_task_return_boolean (task, TRUE);
}

/* What follows when a delivery was dropped, and that is committed. */
void
sb_bus_finish_drop (SbBus *self, const SbOperation *operation)
{
  sb_counter_add (self->dropped, 1);
  forget_position (self, operation->end.recipient, operation->end.position);
  sb_bus_drop_file (self, operation->end.sender_key, operation->end.released,
                    operation->end.released_size);
  if (self->sweeper != NULL)
    sb_sweeper_note_ended (self->sweeper);
  sb_bus_flow_delivery (self, SB_FLOW_DROPPED, operation->end.id, operation->end.sender_key,
                        operation->end.recipient, NULL);
  sb_bus_tell_ended (self, operation->end.sender_key, operation->end.id, operation->end.recipient,
                     SB_REASON_DROPPED);
}

static void
dropped_cb (SbOperation *operation, const GError *error, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  SbBus *self = g_task_get_source_object (task);

  if (take_refusal (task, operation->outcome, error))
    return;
  log_change (self, g_task_get_task_data (task));
  sb_bus_finish_drop (self, operation);
  g_task_return_boolean (task, TRUE);
}

static void
moved_cb (SbOperation *operation, const GError *error, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  SbBus *self = g_task_get_source_object (task);

  if (take_refusal (task, operation->outcome, error))
    return;
  sb_counter_add (self->moved, 1);
  log_change (self, g_task_get_task_data (task));
  forget_position (self, operation->move.recipient, operation->move.old_position);
  note_stored (self, operation->move.to);
  sb_bus_flow_delivery (self, SB_FLOW_DROPPED, operation->move.id, operation->move.sender_key,
                        operation->move.recipient, sb_reason_to_string (SB_REASON_MOVED));
  sb_bus_tell_ended (self, operation->move.sender_key, operation->move.id,
                     operation->move.recipient, SB_REASON_MOVED);
  g_task_return_boolean (task, TRUE);
}

/* Asking for it */

/* Returns: (transfer full) (nullable): %NULL when the bus stops and the task was answered */
static GTask *
start_change (SbBus *self, SbUser *actor, const char *verb, gint64 recipient, const char *id,
              GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  Change *change = g_new0 (Change, 1);
  GError *error = NULL;

  change->actor = sb_user_ref (actor);
  change->verb = verb;
  change->recipient = recipient;
  change->id = g_strdup (id);
  g_task_set_task_data (task, change, (GDestroyNotify) change_free);
  if (sb_bus_check_running (self, &error))
    return g_steal_pointer (&task);
  g_task_return_error (task, error);
  return NULL;
}

/**
 * sb_bus_requeue_async:
 * @self: a bus
 * @actor: the admin
 * @recipient: key of the recipient
 * @id: of the message
 * @callback: for sb_bus_requeue_finish(), after the commit
 * @user_data: for @callback
 *
 * Puts a delivery that is dead, parked or scheduled at the end of its queue. Its attempts count
 * from the beginning.
 */
void
sb_bus_requeue_async (SbBus *self, SbUser *actor, gint64 recipient, const char *id,
                      GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = start_change (self, actor, "requeued", recipient, id, callback, user_data);
  SbOperation *operation;

  if (task == NULL)
    return;
  operation = sb_operation_new (SB_OPERATION_REQUEUE, requeued_cb, task);
  operation->requeue.recipient = recipient;
  operation->requeue.id = g_strdup (id);
  operation->requeue.now = sb_clock_wall (self->clock);
  sb_journal_submit (self->journal, operation);
}

/**
 * sb_bus_requeue_finish:
 * @self: a bus
 * @result: of sb_bus_requeue_async()
 * @error: SB_ERROR_NOT_FOUND, SB_ERROR_CONFLICT (its state, or its recipient is gone), the store's
 *
 * Returns: whether it is done, and durable
 */
gboolean
sb_bus_requeue_finish (SbBus *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* Has the store drop a delivery; @func then calls sb_bus_finish_drop(). */
void
sb_bus_submit_drop (SbBus *self, gint64 recipient, const char *id, SbOperationFunc func,
                    gpointer user_data)
{
  SbQueue *queue = g_hash_table_lookup (self->queues, &recipient);
  SbOperation *operation = sb_operation_new (SB_OPERATION_END, func, user_data);

  operation->end.recipient = recipient;
  operation->end.id = g_strdup (id);
  operation->end.state = SB_DELIVERY_DROPPED;
  operation->end.reason = SB_REASON_DROPPED;
  operation->end.now = sb_clock_wall (self->clock);
  if (queue != NULL)
    operation->end.log = g_strdup (sb_queue_get_log (queue, id, &operation->end.attempts));
  sb_journal_submit (self->journal, operation);
}

/**
 * sb_bus_drop_async:
 * @self: a bus
 * @actor: the admin
 * @recipient: key of the recipient
 * @id: of the message
 * @callback: for sb_bus_drop_finish(), after the commit
 * @user_data: for @callback
 *
 * Lets go of a delivery that has not ended: nobody gets it any more. The sender is told.
 */
void
sb_bus_drop_async (SbBus *self, SbUser *actor, gint64 recipient, const char *id,
                   GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = start_change (self, actor, "dropped", recipient, id, callback, user_data);

  if (task != NULL)
    sb_bus_submit_drop (self, recipient, id, dropped_cb, task);
}

/**
 * sb_bus_drop_finish:
 * @self: a bus
 * @result: of sb_bus_drop_async()
 * @error: SB_ERROR_NOT_FOUND, SB_ERROR_CONFLICT (it has ended), the store's
 *
 * Returns: whether it is done, and durable
 */
gboolean
sb_bus_drop_finish (SbBus *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * sb_bus_move_async:
 * @self: a bus
 * @actor: the admin
 * @recipient: key of the recipient
 * @id: of the message
 * @to: id of the user that shall get it
 * @callback: for sb_bus_move_finish(), after the commit
 * @user_data: for @callback
 *
 * Takes a delivery that has not ended from its recipient, and puts the message at the end of
 * another one's queue.
 */
void
sb_bus_move_async (SbBus *self, SbUser *actor, gint64 recipient, const char *id, const char *to,
                   GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = start_change (self, actor, "moved", recipient, id, callback, user_data);
  SbUser *user = sb_directory_lookup (self->directory, to);
  SbOperation *operation;
  Change *change;

  if (task == NULL)
    return;
  if (user == NULL)
    {
      g_task_return_new_error (task, SB_ERROR, SB_ERROR_NOT_FOUND, "there is no user \"%s\"", to);
      return;
    }
  change = g_task_get_task_data (task);
  change->to = sb_user_ref (user);
  operation = sb_operation_new (SB_OPERATION_MOVE, moved_cb, g_steal_pointer (&task));
  operation->move.recipient = recipient;
  operation->move.to = user->key;
  operation->move.id = g_strdup (id);
  operation->move.now = sb_clock_wall (self->clock);
  sb_journal_submit (self->journal, operation);
}

/**
 * sb_bus_move_finish:
 * @self: a bus
 * @result: of sb_bus_move_async()
 * @recipient: (out): key of the user that gets it now
 * @error: SB_ERROR_NOT_FOUND (the delivery or the user), SB_ERROR_CONFLICT (it has ended, or the
 *   user has the message already), the store's
 *
 * Returns: whether it is done, and durable
 */
gboolean
sb_bus_move_finish (SbBus *self, GAsyncResult *result, gint64 *recipient, GError **error)
{
  const Change *change = g_task_get_task_data (G_TASK (result));

  *recipient = change->to != NULL ? change->to->key : 0;
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-operation: life and measures of an operation. Hundreds of thousands are
 * made each second, so one is a single allocation and measuring it walks nothing.
 */

#include "sb-operation.h"

#include <string.h>

static const char *const state_names[] = {
  [SB_DELIVERY_PENDING] = "pending",   [SB_DELIVERY_SCHEDULED] = "scheduled",
  [SB_DELIVERY_PARKED] = "parked",     [SB_DELIVERY_CONFIRMED] = "confirmed",
  [SB_DELIVERY_EXPIRED] = "expired",   [SB_DELIVERY_DEAD] = "dead",
  [SB_DELIVERY_DROPPED] = "dropped",   [SB_DELIVERY_SENT] = "sent",
  [SB_DELIVERY_NOTIFIED] = "notified",
};

static const char *const reason_names[] = {
  [SB_REASON_NONE] = NULL,
  [SB_REASON_QUEUE_FULL] = "queue-full",
  [SB_REASON_RECIPIENT_DELETED] = "recipient-deleted",
  [SB_REASON_TTL] = "ttl",
  [SB_REASON_REFUSED] = "refused",
  [SB_REASON_DROPPED] = "dropped",
  [SB_REASON_MOVED] = "moved",
};

/**
 * sb_delivery_state_to_string:
 * @state: a state
 *
 * Any thread.
 *
 * Returns: (transfer none): the word that clients see
 */
const char *
sb_delivery_state_to_string (SbDeliveryState state)
{
  g_return_val_if_fail ((gsize) state < G_N_ELEMENTS (state_names), "unknown");

  return state_names[state];
}

/**
 * sb_delivery_state_has_ended:
 * @state: a state
 *
 * A dead delivery has not ended: somebody still has to decide about it. Any thread.
 *
 * Returns: %TRUE for confirmed, expired and dropped
 */
gboolean
sb_delivery_state_has_ended (SbDeliveryState state)
{
  return state == SB_DELIVERY_CONFIRMED || state == SB_DELIVERY_EXPIRED
         || state == SB_DELIVERY_DROPPED;
}

/**
 * sb_reason_to_string:
 * @reason: a reason
 *
 * Any thread.
 *
 * Returns: (transfer none) (nullable): the word that clients see, %NULL for %SB_REASON_NONE
 */
const char *
sb_reason_to_string (SbReason reason)
{
  g_return_val_if_fail ((gsize) reason < G_N_ELEMENTS (reason_names), NULL);

  return reason_names[reason];
}

static void
clear_due (gpointer data)
{
  SbDue *due = data;

  g_free (due->id);
  g_free (due->released);
}

/**
 * sb_operation_new:
 * @kind: what it does
 * @func: (nullable): called with the outcome
 * @user_data: for @func
 *
 * All other fields are 0 and the maker's to fill, but `sweep.moved`, which is
 * an empty array that frees its ids. Any thread.
 *
 * Returns: (transfer full): a new operation
 */
SbOperation *
sb_operation_new (SbOperationKind kind, SbOperationFunc func, gpointer user_data)
{
  SbOperation *self = g_new0 (SbOperation, 1);

  self->kind = kind;
  self->func = func;
  self->user_data = user_data;
  if (kind == SB_OPERATION_SWEEP)
    {
      self->sweep.moved = g_array_new (FALSE, FALSE, sizeof (SbDue));
      g_array_set_clear_func (self->sweep.moved, clear_due);
    }
  return self;
}

/**
 * sb_operation_free:
 * @self: (transfer full) (nullable): an operation
 *
 * Frees it with all that it owns. Any thread.
 */
void
sb_operation_free (SbOperation *self)
{
  if (self == NULL)
    return;

  switch (self->kind)
    {
    case SB_OPERATION_APPEND:
      g_clear_pointer (&self->append.message, sb_message_unref);
      g_free (self->append.targets);
      for (guint i = 0; i < self->append.n_more; i++)
        sb_message_unref (self->append.more[i]);
      g_free (self->append.more);
      break;
    case SB_OPERATION_END:
      g_clear_pointer (&self->end.message, sb_message_unref);
      g_free (self->end.id);
      g_free (self->end.log);
      g_free (self->end.released);
      break;
    case SB_OPERATION_PARK:
      g_free (self->park.log);
      break;
    case SB_OPERATION_REQUEUE:
      g_free (self->requeue.id);
      break;
    case SB_OPERATION_MOVE:
      g_free (self->move.id);
      break;
    case SB_OPERATION_PUT_USER:
      g_clear_pointer (&self->put_user.user, sb_user_unref);
      break;
    case SB_OPERATION_ADD_RECEIPT:
      g_free (self->add_receipt.id);
      break;
    case SB_OPERATION_SWEEP:
      g_clear_pointer (&self->sweep.moved, g_array_unref);
      break;
    case SB_OPERATION_REMOVE_USER:
    case SB_OPERATION_DROP_RECEIPTS:
    case SB_OPERATION_LIMITS:
      break;
    }
  g_free (self);
}

/**
 * sb_operation_get_rows:
 * @self: an operation
 *
 * The journal bounds a batch by this. Any thread.
 *
 * Returns: how many deliveries it touches: those of an append, else 1
 */
guint
sb_operation_get_rows (const SbOperation *self)
{
  g_return_val_if_fail (self != NULL, 0);

  if (self->kind != SB_OPERATION_APPEND)
    return 1;
  return self->append.n_targets * (1 + self->append.n_more);
}

static gsize
measure_message (const SbMessage *message)
{
  return message == NULL ? 0 : sizeof *message + sb_message_get_size (message);
}

static gsize
measure_more (const SbOperation *self)
{
  gsize bytes = 0;

  for (guint i = 0; i < self->append.n_more; i++)
    bytes += measure_message (self->append.more[i]);
  return bytes;
}

static gsize
measure_string (const char *text)
{
  return text == NULL ? 0 : strlen (text) + 1;
}

/**
 * sb_operation_get_bytes:
 * @self: an operation
 *
 * The memory that waits as long as the operation does, its message included;
 * the journal bounds its backlog by this. It does not change while the
 * operation waits. Any thread.
 *
 * Returns: bytes, an estimate
 */
gsize
sb_operation_get_bytes (const SbOperation *self)
{
  g_return_val_if_fail (self != NULL, 0);

  switch (self->kind)
    {
    case SB_OPERATION_APPEND:
      return sizeof *self + measure_message (self->append.message) + measure_more (self)
             + self->append.n_targets * sizeof (SbTarget);
    case SB_OPERATION_END:
      return sizeof *self + measure_message (self->end.message) + measure_string (self->end.id)
             + measure_string (self->end.log);
    case SB_OPERATION_PARK:
      return sizeof *self + measure_string (self->park.log);
    case SB_OPERATION_REQUEUE:
      return sizeof *self + measure_string (self->requeue.id);
    case SB_OPERATION_MOVE:
      return sizeof *self + measure_string (self->move.id);
    case SB_OPERATION_PUT_USER:
      return sizeof *self + sizeof (SbUser)
             + measure_string (self->put_user.user->connection_properties);
    case SB_OPERATION_ADD_RECEIPT:
      return sizeof *self + measure_string (self->add_receipt.id);
    case SB_OPERATION_REMOVE_USER:
    case SB_OPERATION_DROP_RECEIPTS:
    case SB_OPERATION_SWEEP:
    case SB_OPERATION_LIMITS:
      return sizeof *self;
    }
  return sizeof *self;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-store-records: what a store gives back, made and freed. Any thread.
 */

#include "sb-store.h"

/**
 * sb_stored_delivery_new:
 * @message: the message, of which the delivery takes a reference
 * @position: its place in the recipient's queue
 * @handle: the store's number of the message
 * @due: parked: wall clock, microseconds; else 0
 * @attempts: that failed so far
 *
 * Any thread.
 *
 * Returns: (transfer full): a delivery as a store reads it, without a log
 */
SbStoredDelivery *
sb_stored_delivery_new (SbMessage *message, gint64 position, gint64 handle, gint64 due,
                        guint attempts)
{
  SbStoredDelivery *self;

  g_return_val_if_fail (message != NULL, NULL);

  self = g_new0 (SbStoredDelivery, 1);
  self->message = sb_message_ref (message);
  self->position = position;
  self->handle = handle;
  self->due = due;
  self->attempts = attempts;
  return self;
}

/**
 * sb_stored_delivery_free:
 * @self: (transfer full) (nullable): a delivery
 *
 * Any thread.
 */
void
sb_stored_delivery_free (SbStoredDelivery *self)
{
  if (self == NULL)
    return;
  sb_message_unref (self->message);
  g_free (self->log);
  g_free (self);
}

/**
 * sb_queue_info_new:
 * @recipient: key of the recipient
 * @recipient_id: its id
 * @backlog: what waits for it
 *
 * Any thread.
 *
 * Returns: (transfer full): the three together
 */
SbQueueInfo *
sb_queue_info_new (gint64 recipient, const char *recipient_id, const SbBacklog *backlog)
{
  SbQueueInfo *self;

  g_return_val_if_fail (recipient_id != NULL && backlog != NULL, NULL);

  self = g_new (SbQueueInfo, 1);
  self->recipient = recipient;
  self->recipient_id = g_strdup (recipient_id);
  self->backlog = *backlog;
  return self;
}

/**
 * sb_queue_info_free:
 * @self: (transfer full) (nullable): a recipient with what waits for it
 *
 * Any thread.
 */
void
sb_queue_info_free (SbQueueInfo *self)
{
  if (self == NULL)
    return;
  g_free (self->recipient_id);
  g_free (self);
}

/**
 * sb_queue_rank_compare:
 * @a: a queue
 * @b: another one
 *
 * By what waits, then by what has died, the most first; then by the recipients' keys. Any thread.
 *
 * Returns: below 0 when @a stands before @b
 */
int
sb_queue_rank_compare (const SbQueueRank *a, const SbQueueRank *b)
{
  if (a->waiting != b->waiting)
    return a->waiting > b->waiting ? -1 : 1;
  if (a->dead != b->dead)
    return a->dead > b->dead ? -1 : 1;
  return (a->recipient > b->recipient) - (a->recipient < b->recipient);
}

/**
 * sb_queue_info_compare:
 * @a: (type gpointer): where a pointer to an #SbQueueInfo is
 * @b: (type gpointer): likewise
 *
 * For g_ptr_array_sort(): in the order of sb_queue_rank_compare(). Any thread.
 */
int
sb_queue_info_compare (gconstpointer a, gconstpointer b)
{
  const SbQueueInfo *one = *(const SbQueueInfo *const *) a;
  const SbQueueInfo *other = *(const SbQueueInfo *const *) b;
  const SbQueueRank ranks[] = {
    { one->recipient, one->backlog.waiting, one->backlog.dead },
    { other->recipient, other->backlog.waiting, other->backlog.dead },
  };

  return sb_queue_rank_compare (&ranks[0], &ranks[1]);
}

/**
 * sb_queue_ranks_add:
 * @ranks: (element-type SbQueueRank): the longest queues so far, in order
 * @limit: of so many
 * @rank: a queue that is not among them
 *
 * Puts @rank in its place, if it has one. Any thread.
 */
void
sb_queue_ranks_add (GArray *ranks, guint limit, const SbQueueRank *rank)
{
  guint first = 0, last = ranks->len;

  if (last == limit
      && (limit == 0
          || sb_queue_rank_compare (&g_array_index (ranks, SbQueueRank, last - 1), rank) < 0))
    return;
  while (first < last)
    {
      guint middle = (first + last) / 2;

      if (sb_queue_rank_compare (&g_array_index (ranks, SbQueueRank, middle), rank) < 0)
        first = middle + 1;
      else
        last = middle;
    }
  g_array_insert_val (ranks, first, *rank);
  if (ranks->len > limit)
    g_array_set_size (ranks, limit);
}

/**
 * sb_delivery_info_free:
 * @self: (transfer full) (nullable): made with g_new0()
 *
 * Any thread.
 */
void
sb_delivery_info_free (SbDeliveryInfo *self)
{
  if (self == NULL)
    return;
  g_free (self->id);
  g_free (self->sender);
  g_free (self->recipient_id);
  g_free (self);
}

static void
free_delivery_status (gpointer data)
{
  SbDeliveryStatus *status = data;

  g_free (status->recipient);
  g_free (status->log);
  g_free (status);
}

/**
 * sb_file_info_new:
 * @file: (transfer none): the file
 * @message_id: id of its message
 * @sender: id of the sender
 * @sender_key: its key
 * @accepted: of the message, wall clock, microseconds
 * @deadline: of the message, likewise; 0: never
 *
 * Any thread.
 *
 * Returns: (transfer full): a file as a store knows it, without rights
 */
SbFileInfo *
sb_file_info_new (SbFile *file, const char *message_id, const char *sender, gint64 sender_key,
                  gint64 accepted, gint64 deadline)
{
  SbFileInfo *self;

  g_return_val_if_fail (file != NULL && message_id != NULL && sender != NULL, NULL);

  self = g_new0 (SbFileInfo, 1);
  self->file = sb_file_ref (file);
  self->message_id = g_strdup (message_id);
  self->sender = g_strdup (sender);
  self->sender_key = sender_key;
  self->accepted = accepted;
  self->deadline = deadline;
  return self;
}

/**
 * sb_file_info_free:
 * @self: (transfer full) (nullable): a file as a store knows it
 *
 * Any thread.
 */
void
sb_file_info_free (SbFileInfo *self)
{
  if (self == NULL)
    return;
  sb_file_unref (self->file);
  g_free (self->message_id);
  g_free (self->sender);
  g_clear_pointer (&self->rights, g_array_unref);
  g_free (self);
}

/**
 * sb_message_status_new:
 * @id: the message's id
 * @sender: the user's id
 * @sender_key: the user's key
 * @accepted: wall clock, microseconds
 *
 * Any thread.
 *
 * Returns: (transfer full): a status without deliveries
 */
SbMessageStatus *
sb_message_status_new (const char *id, const char *sender, gint64 sender_key, gint64 accepted)
{
  SbMessageStatus *self;

  g_return_val_if_fail (id != NULL, NULL);
  g_return_val_if_fail (sender != NULL, NULL);

  self = g_new0 (SbMessageStatus, 1);
  self->id = g_strdup (id);
  self->sender = g_strdup (sender);
  self->sender_key = sender_key;
  self->accepted = accepted;
  self->deliveries = g_ptr_array_new_with_free_func (free_delivery_status);
  return self;
}

/**
 * sb_message_status_add:
 * @self: a status
 * @recipient_key: the user's key
 * @recipient: the user's id, also of a user that is gone
 * @state: how the delivery stands
 * @reason: why it ended without a confirmation
 * @attempts: that failed
 * @since: when it came into this state, wall clock, microseconds
 *
 * Adds a delivery; a store adds them in order of the recipients' keys. Any thread.
 *
 * Returns: (transfer none): the delivery, without due time and log
 */
SbDeliveryStatus *
sb_message_status_add (SbMessageStatus *self, gint64 recipient_key, const char *recipient,
                       SbDeliveryState state, SbReason reason, guint attempts, gint64 since)
{
  SbDeliveryStatus *status;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (recipient != NULL, NULL);

  status = g_new0 (SbDeliveryStatus, 1);
  status->recipient_key = recipient_key;
  status->recipient = g_strdup (recipient);
  status->state = state;
  status->reason = reason;
  status->attempts = attempts;
  status->since = since;
  g_ptr_array_add (self->deliveries, status);
  return status;
}

/**
 * sb_message_status_free:
 * @self: (transfer full) (nullable): a status
 *
 * Any thread.
 */
void
sb_message_status_free (SbMessageStatus *self)
{
  if (self == NULL)
    return;
  g_free (self->id);
  g_free (self->sender);
  g_ptr_array_unref (self->deliveries);
  g_free (self);
}

/**
 * sb_stored_receipt_new:
 * @number: grows with every receipt of the store
 * @id: of the message
 * @recipient: id of the user that confirmed
 *
 * Any thread.
 *
 * Returns: (transfer full): a receipt as a store reads it
 */
SbStoredReceipt *
sb_stored_receipt_new (gint64 number, const char *id, const char *recipient)
{
  SbStoredReceipt *self;

  g_return_val_if_fail (id != NULL, NULL);
  g_return_val_if_fail (recipient != NULL, NULL);

  self = g_new (SbStoredReceipt, 1);
  self->number = number;
  self->id = g_strdup (id);
  self->recipient = g_strdup (recipient);
  return self;
}

/**
 * sb_stored_receipt_free:
 * @self: (transfer full) (nullable): a receipt
 *
 * Any thread.
 */
void
sb_stored_receipt_free (SbStoredReceipt *self)
{
  if (self == NULL)
    return;
  g_free (self->id);
  g_free (self->recipient);
  g_free (self);
}

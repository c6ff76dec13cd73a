/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* model-sweep: follows what a sweep did, and that it did all there was to do. */

#include "model.h"

/* Finds what the store says about a delivery that time should have moved. */
static const SbDue *
find_moved (SbOperation *operation, const ModelMessage *message, const ModelDelivery *delivery)
{
  for (guint i = 0; i < operation->sweep.moved->len; i++)
    {
      const SbDue *due = &g_array_index (operation->sweep.moved, SbDue, i);

      if (due->recipient == delivery->recipient->key && g_str_equal (due->id, message->message->id))
        return due;
    }
  return NULL;
}

/* Returns whether it moved. */
static gboolean
follow_time (SbOperation *operation, ModelMessage *message, ModelDelivery *delivery)
{
  gint64 now = operation->sweep.now;
  gint64 deadline = message->message->deadline;
  const SbDue *due;

  if (!model_is_waiting (delivery))
    return FALSE;
  if (deadline != 0 && deadline <= now)
    {
      due = find_moved (operation, message, delivery);
      g_assert_nonnull (due);
      g_assert_cmpint (due->state, ==, SB_DELIVERY_EXPIRED);
      g_assert_cmpint (due->position, ==, delivery->position);
      model_change (message, delivery, SB_DELIVERY_EXPIRED, SB_REASON_TTL, now);
      return TRUE;
    }
  if (delivery->state != SB_DELIVERY_SCHEDULED || message->message->not_before > now)
    return FALSE;
  due = find_moved (operation, message, delivery);
  g_assert_nonnull (due);
  g_assert_cmpint (due->state, ==, SB_DELIVERY_PENDING);
  /* Several of a recipient may wake at once, in an order that is not ours. */
  g_assert_cmpint (due->position, >, 0);
  delivery->position = due->position;
  model_change (message, delivery, SB_DELIVERY_PENDING, SB_REASON_NONE, now);
  return TRUE;
}

/* The positions that a sweep gave out are all above those before it. */
static void
follow_positions (Model *self, SbOperation *operation)
{
  for (guint i = 0; i < operation->sweep.moved->len; i++)
    {
      const SbDue *due = &g_array_index (operation->sweep.moved, SbDue, i);
      ModelUser *user = model_get_user (self, due->recipient);

      if (due->state != SB_DELIVERY_PENDING)
        continue;
      g_assert_cmpint (due->position, >, user->last_position);
      user->last_position = due->position;
    }
}

void
model_follow_sweep (Model *self, SbOperation *operation)
{
  gint64 now = operation->sweep.now;
  guint n_moved = 0;

  g_assert_false (operation->sweep.more);
  follow_positions (self, operation);
  for (guint i = 0; i < self->messages->len; i++)
    {
      ModelMessage *message = g_ptr_array_index (self->messages, i);

      for (guint k = 0; k < message->deliveries->len; k++)
        n_moved += follow_time (operation, message,
                                &g_array_index (message->deliveries, ModelDelivery, k));
    }
  g_assert_cmpuint (n_moved, ==, operation->sweep.moved->len);
  for (guint i = self->messages->len; i-- > 0;)
    {
      ModelMessage *message = g_ptr_array_index (self->messages, i);

      if (message->ended != 0 && message->ended + self->limits.remember <= now)
        g_ptr_array_remove_index (self->messages, i);
    }
  for (guint i = self->receipts->len; i-- > 0;)
    if (((ModelReceipt *) g_ptr_array_index (self->receipts, i))->time + self->limits.receipts_age
        <= now)
      g_ptr_array_remove_index (self->receipts, i);
}

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

/* What is dead stays, but not with a file. */
static gboolean
can_expire (const ModelMessage *message, const ModelDelivery *delivery)
{
  return model_is_waiting (delivery)
         || (model_has_file (message) && !sb_delivery_state_has_ended (delivery->state));
}

/* Returns whether it moved. */
static gboolean
follow_time (SbOperation *operation, ModelMessage *message, ModelDelivery *delivery)
{
  gint64 now = operation->sweep.now;
  gint64 deadline = message->message->deadline;
  const SbDue *due;

  if (!can_expire (message, delivery))
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

static void
follow_message (SbOperation *operation, ModelMessage *message, guint *n_moved, guint *n_released)
{
  gboolean had_file = model_has_file (message);

  for (guint i = 0; i < message->deliveries->len; i++)
    *n_moved += follow_time (operation, message,
                             &g_array_index (message->deliveries, ModelDelivery, i));
  *n_released += had_file && !model_has_file (message);
}

/* Each of them once, and of a message that has ended now. */
static void
check_released (Model *self, SbOperation *operation, guint n_released)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < operation->sweep.moved->len; i++)
    {
      const SbDue *due = &g_array_index (operation->sweep.moved, SbDue, i);
      const ModelMessage *message = model_find_message (self, due->id);

      if (due->released == NULL)
        continue;
      g_assert_cmpint (message->ended, ==, operation->sweep.now);
      g_assert_cmpstr (due->released, ==, message->message->file->id);
      g_assert_cmpuint (due->released_size, ==, message->message->file->size);
      g_assert_true (g_hash_table_add (seen, due->released));
    }
  g_assert_cmpuint (g_hash_table_size (seen), ==, n_released);
}

void
model_follow_sweep (Model *self, SbOperation *operation)
{
  gint64 now = operation->sweep.now;
  guint n_moved = 0;
  guint n_released = 0;

  g_assert_false (operation->sweep.more);
  follow_positions (self, operation);
  for (guint i = 0; i < self->messages->len; i++)
    follow_message (operation, g_ptr_array_index (self->messages, i), &n_moved, &n_released);
  g_assert_cmpuint (n_moved, ==, operation->sweep.moved->len);
  check_released (self, operation, n_released);
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

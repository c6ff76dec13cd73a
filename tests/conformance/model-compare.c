/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* model-compare: reads all of a store and compares it with the model. */

#include "model.h"

typedef struct
{
  const ModelMessage *message;
  const ModelDelivery *delivery;
} Expected;

static int
compare_positions (gconstpointer a, gconstpointer b)
{
  gint64 one = ((const Expected *) a)->delivery->position;
  gint64 other = ((const Expected *) b)->delivery->position;

  return (one > other) - (one < other);
}

static int
compare_due (gconstpointer a, gconstpointer b)
{
  gint64 one = ((const Expected *) a)->delivery->due;
  gint64 other = ((const Expected *) b)->delivery->due;

  return one != other ? (one > other) - (one < other) : compare_positions (a, b);
}

static GArray *
collect (Model *model, const ModelUser *user, SbDeliveryState state)
{
  GArray *found = g_array_new (FALSE, FALSE, sizeof (Expected));

  for (guint i = 0; i < model->messages->len; i++)
    {
      const ModelMessage *message = g_ptr_array_index (model->messages, i);

      for (guint k = 0; k < message->deliveries->len; k++)
        {
          Expected expected = { message, &g_array_index (message->deliveries, ModelDelivery, k) };

          if (expected.delivery->recipient == user && expected.delivery->state == state)
            g_array_append_val (found, expected);
        }
    }
  return found;
}

static void
compare_rows (const GPtrArray *rows, const GArray *expected)
{
  g_assert_cmpuint (rows->len, ==, expected->len);
  for (guint i = 0; i < rows->len; i++)
    {
      const SbStoredDelivery *row = g_ptr_array_index (rows, i);
      const Expected *wanted = &g_array_index (expected, Expected, i);

      assert_message_equal (row->message, wanted->message->message);
      g_assert_cmpint (row->position, ==, wanted->delivery->position);
      g_assert_cmpint (row->handle, ==, wanted->message->handle);
      g_assert_cmpuint (row->attempts, ==, wanted->delivery->attempts);
    }
}

static void
compare_queue (Model *model, Rig *rig, const ModelUser *user)
{
  g_autoptr (GArray) pending = collect (model, user, SB_DELIVERY_PENDING);
  g_autoptr (GArray) scheduled = collect (model, user, SB_DELIVERY_SCHEDULED);
  g_autoptr (GArray) parked = collect (model, user, SB_DELIVERY_PARKED);
  g_autoptr (GPtrArray) pending_rows = rig_read_pending (rig, user->key, 0);
  g_autoptr (GPtrArray) parked_rows = sb_store_parked (rig->store, user->key, G_MAXINT64, G_MAXINT,
                                                       NULL, NULL);

  g_assert_nonnull (parked_rows);
  g_array_sort (pending, compare_positions);
  g_array_sort (parked, compare_due);
  compare_rows (pending_rows, pending);
  compare_rows (parked_rows, parked);
  expect_backlog (rig, user->key, pending->len + scheduled->len + parked->len);
}

static void
compare_receipts (Model *model, Rig *rig, const ModelUser *user)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < model->receipts->len; i++)
    {
      const ModelReceipt *receipt = g_ptr_array_index (model->receipts, i);

      if (receipt->sender == user)
        g_string_append_printf (text, "%s%s/%s", text->len == 0 ? "" : " ", receipt->id,
                                receipt->recipient->id);
    }
  expect_receipts (rig, user->key, text->str);
}

static void
compare_status (Rig *rig, const ModelMessage *message)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < message->deliveries->len; i++)
    {
      const ModelDelivery *delivery = &g_array_index (message->deliveries, ModelDelivery, i);
      const char *reason = sb_reason_to_string (delivery->reason);

      g_string_append_printf (text, "%s%s %s %s %u", i == 0 ? "" : ", ", delivery->recipient->id,
                              sb_delivery_state_to_string (delivery->state),
                              reason == NULL ? "-" : reason, delivery->attempts);
    }
  expect_status (rig, message->message->id, text->str);
}

static SbStoreStats
expect_stats (Model *model)
{
  SbStoreStats stats = { 0 };

  for (guint i = 0; i < model->messages->len; i++)
    {
      const ModelMessage *message = g_ptr_array_index (model->messages, i);

      stats.remembered += message->ended != 0;
      stats.messages += message->ended == 0;
      for (guint k = 0; k < message->deliveries->len; k++)
        {
          const ModelDelivery *delivery = &g_array_index (message->deliveries, ModelDelivery, k);

          stats.waiting += model_is_open (delivery);
          stats.parked += delivery->state == SB_DELIVERY_PARKED;
          stats.dead += delivery->state == SB_DELIVERY_DEAD;
        }
    }
  return stats;
}

static void
compare_stats (Model *model, Rig *rig)
{
  SbStoreStats expected = expect_stats (model);
  SbStoreStats got = rig_stats (rig);

  g_assert_cmpuint (got.messages, ==, expected.messages);
  g_assert_cmpuint (got.remembered, ==, expected.remembered);
  g_assert_cmpuint (got.waiting, ==, expected.waiting);
  g_assert_cmpuint (got.parked, ==, expected.parked);
  g_assert_cmpuint (got.dead, ==, expected.dead);
}

void
model_compare (Model *self, Rig *rig)
{
  g_autoptr (GPtrArray) users = sb_store_users (rig->store, NULL);
  guint n_live = 0;

  for (guint i = 0; i < self->users->len; i++)
    {
      const ModelUser *user = g_ptr_array_index (self->users, i);

      n_live += !user->is_gone;
      compare_queue (self, rig, user);
      compare_receipts (self, rig, user);
    }
  g_assert_cmpuint (users->len, ==, n_live);
  for (guint i = 0; i < self->messages->len; i++)
    compare_status (rig, g_ptr_array_index (self->messages, i));
  compare_stats (self, rig);
}

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
      if (!wanted->message->was_moved && wanted->message->handle != 0)
        g_assert_cmpint (row->handle, ==, wanted->message->handle);
      g_assert_cmpuint (row->attempts, ==, wanted->delivery->attempts);
      if (wanted->delivery->state != SB_DELIVERY_PARKED)
        continue;
      g_assert_cmpint (row->due, ==, wanted->delivery->due);
      g_assert_cmpstr (row->log, ==, wanted->delivery->log);
    }
}

static void
compare_queue (Model *model, Rig *rig, const ModelUser *user)
{
  g_autoptr (GArray) pending = collect (model, user, SB_DELIVERY_PENDING);
  g_autoptr (GArray) parked = collect (model, user, SB_DELIVERY_PARKED);
  g_autoptr (GPtrArray) pending_rows = rig_read_pending (rig, user->key, 0);
  g_autoptr (GPtrArray) parked_rows = sb_store_parked (rig->store, user->key, G_MAXINT64, G_MAXINT,
                                                       NULL, NULL);
  SbBacklog expected = model_get_backlog (model, user);
  SbBacklog backlog = rig_backlog (rig, user->key);

  g_assert_nonnull (parked_rows);
  g_array_sort (pending, compare_positions);
  g_array_sort (parked, compare_due);
  compare_rows (pending_rows, pending);
  compare_rows (parked_rows, parked);
  assert_backlog_equal (&backlog, &expected);
}

/* A few at a time. */
static void
compare_queues (Model *model, Rig *rig)
{
  gint64 after = 0;

  for (guint i = 0; i < model->users->len; i++)
    {
      const ModelUser *user = g_ptr_array_index (model->users, i);
      SbBacklog expected = model_get_backlog (model, user);
      g_autoptr (GPtrArray) rows = NULL;
      const SbQueueInfo *row;

      if (expected.waiting == 0 && expected.dead == 0)
        continue;
      rows = sb_store_queues (rig->store, after, 3, NULL);
      g_assert_nonnull (rows);
      g_assert_cmpuint (rows->len, >, 0);
      row = g_ptr_array_index (rows, 0);
      g_assert_cmpint (row->recipient, ==, user->key);
      g_assert_cmpstr (row->recipient_id, ==, user->id);
      assert_backlog_equal (&row->backlog, &expected);
      after = row->recipient;
    }
}

static gboolean
is_listed (const SbDeliveryFilter *filter, const ModelMessage *message,
           const ModelDelivery *delivery)
{
  return !sb_delivery_state_has_ended (delivery->state)
         && (filter->states & 1u << delivery->state) != 0
         && (filter->recipient == 0 || filter->recipient == delivery->recipient->key)
         && (filter->sender_key == 0 || filter->sender_key == message->message->sender_key);
}

static char *
name_delivery (const char *id, gint64 recipient)
{
  return g_strdup_printf ("%s/%" G_GINT64_FORMAT, id, recipient);
}

/* Names, as above, of all that a list should show. */
static GHashTable *
collect_listed (Model *model, const SbDeliveryFilter *filter)
{
  GHashTable *listed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  for (guint i = 0; i < model->messages->len; i++)
    {
      const ModelMessage *message = g_ptr_array_index (model->messages, i);

      for (guint k = 0; k < message->deliveries->len; k++)
        {
          Expected expected = { message, &g_array_index (message->deliveries, ModelDelivery, k) };

          if (is_listed (filter, message, expected.delivery))
            g_hash_table_insert (
                listed, name_delivery (message->message->id, expected.delivery->recipient->key),
                g_memdup2 (&expected, sizeof expected));
        }
    }
  return listed;
}

static gint64
expect_due (const Expected *expected)
{
  if (expected->delivery->state == SB_DELIVERY_PARKED)
    return expected->delivery->due;
  return expected->delivery->state == SB_DELIVERY_SCHEDULED ? expected->message->message->not_before
                                                            : 0;
}

static void
compare_info (const SbDeliveryInfo *row, const Expected *expected)
{
  const SbMessage *message = expected->message->message;
  const ModelDelivery *delivery = expected->delivery;

  g_assert_cmpstr (row->sender, ==, message->sender);
  g_assert_cmpstr (row->recipient_id, ==, delivery->recipient->id);
  g_assert_cmpint (row->position, ==, delivery->position);
  g_assert_cmpint (row->state, ==, delivery->state);
  g_assert_cmpint (row->reason, ==, delivery->reason);
  g_assert_cmpuint (row->attempts, ==, delivery->attempts);
  g_assert_cmpuint (row->size, ==, sb_message_get_size (message));
  g_assert_cmpint (row->accepted, ==, message->accepted);
  g_assert_cmpint (row->since, ==,
                   delivery->state == SB_DELIVERY_PENDING ? message->accepted : delivery->since);
  g_assert_cmpint (row->due, ==, expect_due (expected));
}

static void
compare_list (Model *model, Rig *rig, const SbDeliveryFilter *filter, guint limit)
{
  g_autoptr (GHashTable) listed = collect_listed (model, filter);
  g_autoptr (GPtrArray) rows = rig_list (rig, filter, limit);

  g_assert_cmpuint (rows->len, ==, g_hash_table_size (listed));
  for (guint i = 0; i < rows->len; i++)
    {
      const SbDeliveryInfo *row = g_ptr_array_index (rows, i);
      g_autofree char *name = name_delivery (row->id, row->recipient);
      const Expected *expected = g_hash_table_lookup (listed, name);

      g_assert_nonnull (expected);
      compare_info (row, expected);
      g_hash_table_remove (listed, name);
    }
}

static void
compare_lists (Model *model, Rig *rig)
{
  const SbDeliveryFilter everything = { .states = ALL_STATES };

  compare_list (model, rig, &everything, 17);
  for (guint i = 0; i < model->users->len; i++)
    {
      const ModelUser *user = g_ptr_array_index (model->users, i);
      SbDeliveryFilter filter = { .recipient = user->key, .states = ALL_STATES };

      compare_list (model, rig, &filter, 5);
      filter.states = g_test_rand_int_range (0, ALL_STATES + 1) & ALL_STATES;
      filter.sender_key = user->key;
      filter.recipient = 0;
      compare_list (model, rig, &filter, 5);
    }
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
compare_times_and_logs (Rig *rig, const ModelMessage *message)
{
  g_autoptr (SbMessageStatus) status = rig_status (rig, message->message->id);

  g_assert_cmpint (status->not_before, ==, message->message->not_before);
  g_assert_cmpint (status->deadline, ==, message->message->deadline);
  for (guint i = 0; i < message->deliveries->len; i++)
    {
      const Expected expected = { message, &g_array_index (message->deliveries, ModelDelivery, i) };
      const SbDeliveryStatus *row = g_ptr_array_index (status->deliveries, i);

      g_assert_cmpint (row->recipient_key, ==, expected.delivery->recipient->key);
      g_assert_cmpstr (row->log, ==, expected.delivery->log);
      g_assert_cmpint (row->due, ==, expect_due (&expected));
      /* Of a pending one, a store may know when the message was accepted alone. */
      if (row->state != SB_DELIVERY_PENDING)
        g_assert_cmpint (row->since, ==, expected.delivery->since);
    }
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
  compare_times_and_logs (rig, message);
}

static void
compare_message (Rig *rig, const ModelMessage *message)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SbMessage) got = sb_store_message (rig->store, message->message->id, &error);

  if (message->ended != 0)
    {
      g_assert_error (error, SB_ERROR, SB_ERROR_NOT_FOUND);
      return;
    }
  g_assert_no_error (error);
  assert_message_equal (got, message->message);
}

static char *
describe_rights (const ModelMessage *message)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < message->deliveries->len; i++)
    {
      const ModelDelivery *delivery = &g_array_index (message->deliveries, ModelDelivery, i);

      g_string_append_printf (text, "%s%s %s", i == 0 ? "" : ", ", delivery->recipient->id,
                              sb_delivery_state_to_string (delivery->state));
    }
  return g_string_free (text, FALSE);
}

static void
compare_file_info (const SbFileInfo *info, const SbMessage *message)
{
  assert_file_equal (info->file, message->file);
  g_assert_cmpstr (info->message_id, ==, message->id);
  g_assert_cmpstr (info->sender, ==, message->sender);
  g_assert_cmpint (info->sender_key, ==, message->sender_key);
  g_assert_cmpint (info->accepted, ==, message->accepted);
  g_assert_cmpint (info->deadline, ==, message->deadline);
}

static void
compare_file (Model *model, Rig *rig, const char *name)
{
  g_autoptr (SbFileInfo) info = rig_file (rig, name);
  const ModelMessage *message = model_find_file (model, name);
  g_autofree char *expected = NULL;
  g_autofree char *rights = NULL;

  g_assert_cmpint (info != NULL, ==, message != NULL);
  if (info == NULL)
    return;
  compare_file_info (info, message->message);
  expected = describe_rights (message);
  rights = rig_describe_rights (rig, info->rights);
  g_assert_cmpstr (rights, ==, expected);
}

/* Also that those which are gone are not found. */
static void
compare_files (Model *model, Rig *rig)
{
  g_autoptr (GPtrArray) rows = rig_list_files (rig, 7);
  guint n_files = 0;

  for (guint i = 0; i < model->messages->len; i++)
    {
      const ModelMessage *message = g_ptr_array_index (model->messages, i);

      if (message->message->file != NULL)
        compare_file (model, rig, message->message->file->name);
      n_files += model_has_file (message);
    }
  g_assert_cmpuint (rows->len, ==, n_files);
  for (guint i = 0; i < rows->len; i++)
    {
      const SbFileInfo *info = g_ptr_array_index (rows, i);
      const ModelMessage *message = model_find_file (model, info->file->name);

      g_assert_nonnull (message);
      compare_file_info (info, message->message);
    }
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
      stats.files += model_has_file (message);
      stats.file_bytes += model_has_file (message) ? message->message->file->size : 0;
      for (guint k = 0; k < message->deliveries->len; k++)
        {
          const ModelDelivery *delivery = &g_array_index (message->deliveries, ModelDelivery, k);

          stats.waiting += model_is_waiting (delivery);
          stats.parked += delivery->state == SB_DELIVERY_PARKED;
          stats.dead += delivery->state == SB_DELIVERY_DEAD;
          stats.scheduled += delivery->state == SB_DELIVERY_SCHEDULED;
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
  g_assert_cmpuint (got.scheduled, ==, expected.scheduled);
  g_assert_cmpuint (got.files, ==, expected.files);
  g_assert_cmpuint (got.file_bytes, ==, expected.file_bytes);
}

static void
compare_users (Model *model, Rig *rig)
{
  g_autoptr (GPtrArray) users = sb_store_users (rig->store, NULL);
  guint n_live = 0;

  g_assert_nonnull (users);
  for (guint i = 0; i < model->users->len; i++)
    {
      const ModelUser *user = g_ptr_array_index (model->users, i);
      const SbUser *row;

      if (user->is_gone)
        continue;
      g_assert_cmpuint (n_live, <, users->len);
      row = g_ptr_array_index (users, n_live++);
      g_assert_cmpint (row->key, ==, user->key);
      g_assert_cmpstr (row->id, ==, user->id);
      g_assert_cmpint (row->ttl, ==, user->ttl);
      g_assert_cmpint (row->paused, ==, user->paused);
    }
  g_assert_cmpuint (users->len, ==, n_live);
}

void
model_compare (Model *self, Rig *rig)
{
  for (guint i = 0; i < self->users->len; i++)
    {
      const ModelUser *user = g_ptr_array_index (self->users, i);

      compare_queue (self, rig, user);
      compare_receipts (self, rig, user);
    }
  for (guint i = 0; i < self->messages->len; i++)
    {
      compare_status (rig, g_ptr_array_index (self->messages, i));
      compare_message (rig, g_ptr_array_index (self->messages, i));
    }
  compare_users (self, rig);
  compare_queues (self, rig);
  compare_lists (self, rig);
  compare_files (self, rig);
  compare_stats (self, rig);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rig: opens the store under test, drives it and reads it back. */

#include "rig.h"

#include "sb-test.h"

#include <string.h>

RigSubject rig_subject;

Rig *
rig_prepare (void)
{
  Rig *self = g_new0 (Rig, 1);
  g_autofree char *template = NULL;

  if (rig_subject.data_dir != NULL)
    template = g_build_filename (rig_subject.data_dir, "store-XXXXXX", NULL);
  self->dir = template == NULL ? sb_test_make_dir () : g_mkdtemp (g_steal_pointer (&template));
  g_assert_nonnull (self->dir);
  self->done = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_operation_free);
  self->names = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  self->options = (SbStoreOptions) {
    .config = rig_subject.config,
    .data_dir = self->dir,
    .limits.remember = HOUR,
    .limits.remember_max = 1000,
    .limits.receipts_max = 10,
    .limits.receipts_age = 24 * HOUR,
    .limits.max_queue = 10000,
    .limits.max_queue_bytes = 100 * 1024 * 1024,
    .limits.max_dead = 1000,
  };
  return self;
}

Rig *
rig_new (void)
{
  Rig *self = rig_prepare ();

  rig_start (self);
  return self;
}

/* Opens it and makes the users. */
void
rig_start (Rig *self)
{
  rig_open (self);
  self->s = rig_add_user (self, "s");
  self->a = rig_add_user (self, "a");
  self->b = rig_add_user (self, "b");
}

void
rig_open (Rig *self)
{
  g_autoptr (GError) error = NULL;

  self->store = g_object_new (rig_subject.type, NULL);
  sb_store_open (self->store, &self->options, &error);
  g_assert_no_error (error);
  self->is_open = TRUE;
}

void
rig_close (Rig *self)
{
  sb_store_close (self->store);
  self->is_open = FALSE;
  g_assert_finalize_object (self->store);
  self->store = NULL;
}

void
rig_reopen (Rig *self)
{
  rig_close (self);
  rig_open (self);
}

void
rig_free (Rig *self)
{
  if (self->is_open)
    rig_close (self);
  g_ptr_array_unref (self->done);
  g_hash_table_unref (self->names);
  sb_test_remove_dir (self->dir);
  g_free (self);
}

void
rig_note_name (Rig *self, gint64 key, const char *id)
{
  g_hash_table_insert (self->names, g_memdup2 (&key, sizeof key), g_strdup (id));
}

void
rig_apply_batch (Rig *self, SbOperation *const *operations, guint n_operations)
{
  g_autoptr (GError) error = NULL;
  gboolean applied = sb_store_apply (self->store, operations, n_operations, &error);

  g_assert_no_error (error);
  g_assert_true (applied);
  for (guint i = 0; i < n_operations; i++)
    if (operations[i]->kind == SB_OPERATION_PUT_USER && operations[i]->outcome == SB_OUTCOME_DONE)
      rig_note_name (self, operations[i]->put_user.key, operations[i]->put_user.user->id);
}

SbOperation *
rig_apply (Rig *self, SbOperation *operation)
{
  g_ptr_array_add (self->done, operation);
  rig_apply_batch (self, &operation, 1);
  return operation;
}

gint64
rig_add_user (Rig *self, const char *id)
{
  SbOperation *operation = rig_apply (self, make_put_user (0, id, NULL));

  g_assert_cmpint (operation->outcome, ==, SB_OUTCOME_DONE);
  g_assert_cmpint (operation->put_user.key, >, 0);
  return operation->put_user.key;
}

SbOutcome
rig_remove_user (Rig *self, gint64 key, gint64 now)
{
  return rig_apply (self, make_remove_user (key, now))->outcome;
}

/* Returns the position. */
gint64
rig_send (Rig *self, const char *id, gint64 sender, gint64 recipient)
{
  SbOperation *operation = rig_apply (
      self, make_append (make_message (self, id, sender, 0, 0), 1, &recipient));

  g_assert_cmpint (operation->outcome, ==, SB_OUTCOME_DONE);
  return operation->append.targets[0].position;
}

SbOutcome
rig_end (Rig *self, gint64 recipient, const char *id, SbDeliveryState state, gint64 now)
{
  return rig_apply (self, make_end (recipient, 0, id, state, now))->outcome;
}

/* Sweeps until there is nothing more to do. */
void
rig_sweep (Rig *self, gint64 now)
{
  SbOperation *operation;

  do
    operation = rig_apply (self, make_sweep (now, 100));
  while (operation->sweep.more);
}

/* Bytes that only this id has, and that are no text. */
GBytes *
make_body (const char *id, gsize size)
{
  guint8 *bytes = g_malloc (size);
  gsize length = strlen (id);

  for (gsize i = 0; i < size; i++)
    bytes[i] = (guint8) (id[i % length] + i * 7);
  return g_bytes_new_take (bytes, size);
}

SbMessage *
make_message (Rig *rig, const char *id, gint64 sender, gint64 not_before, gint64 deadline)
{
  const char *name = g_hash_table_lookup (rig->names, &sender);

  return sb_message_new (id, name, sender, make_body (id, BODY_SIZE), START, not_before, deadline);
}

SbOperation *
make_append (SbMessage *message, guint n_targets, const gint64 *recipients)
{
  SbOperation *operation = sb_operation_new (SB_OPERATION_APPEND, NULL, NULL);

  operation->append.message = message;
  operation->append.targets = g_new0 (SbTarget, n_targets);
  operation->append.n_targets = n_targets;
  for (guint i = 0; i < n_targets; i++)
    {
      operation->append.targets[i].recipient = recipients[i];
      operation->append.targets[i].named = TRUE;
    }
  return operation;
}

static SbReason
reason_of (SbDeliveryState state)
{
  switch (state)
    {
    case SB_DELIVERY_EXPIRED:
      return SB_REASON_TTL;
    case SB_DELIVERY_DEAD:
      return SB_REASON_REFUSED;
    case SB_DELIVERY_DROPPED:
      return SB_REASON_DROPPED;
    default:
      return SB_REASON_NONE;
    }
}

SbOperation *
make_end (gint64 recipient, gint64 position, const char *id, SbDeliveryState state, gint64 now)
{
  SbOperation *operation = sb_operation_new (SB_OPERATION_END, NULL, NULL);

  operation->end.recipient = recipient;
  operation->end.position = position;
  operation->end.id = g_strdup (id);
  operation->end.state = state;
  operation->end.reason = reason_of (state);
  operation->end.now = now;
  return operation;
}

SbOperation *
make_park (gint64 recipient, gint64 position, gint64 due, gint64 now)
{
  SbOperation *operation = sb_operation_new (SB_OPERATION_PARK, NULL, NULL);

  operation->park.recipient = recipient;
  operation->park.position = position;
  operation->park.due = due;
  operation->park.now = now;
  operation->park.attempts = 5;
  return operation;
}

SbOperation *
make_sweep (gint64 now, guint limit)
{
  SbOperation *operation = sb_operation_new (SB_OPERATION_SWEEP, NULL, NULL);

  operation->sweep.now = now;
  operation->sweep.limit = limit;
  return operation;
}

SbOperation *
make_put_user (gint64 key, const char *id, const char *const *tags)
{
  SbOperation *operation = sb_operation_new (SB_OPERATION_PUT_USER, NULL, NULL);

  operation->put_user.user = sb_user_new (key, id, "$y$hash", tags, NULL, FALSE, START);
  return operation;
}

SbOperation *
make_remove_user (gint64 key, gint64 now)
{
  SbOperation *operation = sb_operation_new (SB_OPERATION_REMOVE_USER, NULL, NULL);

  operation->remove_user.key = key;
  operation->remove_user.now = now;
  return operation;
}

SbOperation *
make_add_receipt (gint64 sender, gint64 recipient, const char *id, gint64 now)
{
  SbOperation *operation = sb_operation_new (SB_OPERATION_ADD_RECEIPT, NULL, NULL);

  operation->add_receipt.sender_key = sender;
  operation->add_receipt.recipient = recipient;
  operation->add_receipt.id = g_strdup (id);
  operation->add_receipt.now = now;
  return operation;
}

SbOperation *
make_drop_receipts (gint64 sender, gint64 up_to)
{
  SbOperation *operation = sb_operation_new (SB_OPERATION_DROP_RECEIPTS, NULL, NULL);

  operation->drop_receipts.sender_key = sender;
  operation->drop_receipts.up_to = up_to;
  return operation;
}

GPtrArray *
rig_read_pending (Rig *self, gint64 recipient, gint64 after)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *rows = sb_store_pending (self->store, recipient, after, G_MAXINT, G_MAXINT32, &error);

  g_assert_no_error (error);
  g_assert_nonnull (rows);
  return rows;
}

static char *
join_ids (const GPtrArray *rows)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < rows->len; i++)
    {
      const SbStoredDelivery *row = g_ptr_array_index (rows, i);

      g_string_append_printf (text, "%s%s", i == 0 ? "" : " ", row->message->id);
    }
  return g_string_free (text, FALSE);
}

void
expect_pending (Rig *self, gint64 recipient, const char *ids)
{
  g_autoptr (GPtrArray) rows = rig_read_pending (self, recipient, 0);
  g_autofree char *text = join_ids (rows);

  g_assert_cmpstr (text, ==, ids);
}

void
expect_parked (Rig *self, gint64 recipient, gint64 until, const char *ids, gint64 next_due)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  gint64 next = -1;
  g_autoptr (GPtrArray) rows = sb_store_parked (self->store, recipient, until, 100, &next, &error);

  g_assert_no_error (error);
  g_assert_nonnull (rows);
  text = join_ids (rows);
  g_assert_cmpstr (text, ==, ids);
  g_assert_cmpint (next, ==, next_due);
}

static char *
describe_status (const SbMessageStatus *status)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < status->deliveries->len; i++)
    {
      const SbDeliveryStatus *row = g_ptr_array_index (status->deliveries, i);
      const char *reason = sb_reason_to_string (row->reason);

      g_string_append_printf (text, "%s%s %s %s %u", i == 0 ? "" : ", ", row->recipient,
                              sb_delivery_state_to_string (row->state),
                              reason == NULL ? "-" : reason, row->attempts);
    }
  return g_string_free (text, FALSE);
}

void
expect_status (Rig *self, const char *id, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SbMessageStatus) status = sb_store_status (self->store, id, &error);
  g_autofree char *got = NULL;

  if (text == NULL)
    {
      g_assert_error (error, SB_ERROR, SB_ERROR_NOT_FOUND);
      return;
    }
  g_assert_no_error (error);
  g_assert_nonnull (status);
  got = describe_status (status);
  g_assert_cmpstr (got, ==, text);
}

void
expect_backlog (Rig *self, gint64 recipient, guint count)
{
  g_autoptr (GError) error = NULL;
  SbBacklog got;

  sb_store_backlog (self->store, recipient, &got, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (got.waiting, ==, count);
  g_assert_cmpuint (got.bytes, ==, (guint64) count * BODY_SIZE);
}

void
expect_receipts (Rig *self, gint64 sender, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) got = g_string_new (NULL);
  g_autoptr (GPtrArray) rows = sb_store_receipts (self->store, sender, 1000, &error);
  gint64 last = 0;

  g_assert_no_error (error);
  g_assert_nonnull (rows);
  for (guint i = 0; i < rows->len; i++)
    {
      const SbStoredReceipt *row = g_ptr_array_index (rows, i);

      g_assert_cmpint (row->number, >, last);
      last = row->number;
      g_string_append_printf (got, "%s%s/%s", i == 0 ? "" : " ", row->id, row->recipient);
    }
  g_assert_cmpstr (got->str, ==, text);
}

SbStoreStats
rig_stats (Rig *self)
{
  g_autoptr (GError) error = NULL;
  SbStoreStats stats;

  sb_store_stats (self->store, &stats, &error);
  g_assert_no_error (error);
  return stats;
}

void
assert_message_equal (const SbMessage *a, const SbMessage *b)
{
  g_assert_cmpstr (a->id, ==, b->id);
  g_assert_cmpstr (a->sender, ==, b->sender);
  g_assert_cmpint (a->sender_key, ==, b->sender_key);
  g_assert_true (g_bytes_equal (a->body, b->body));
  g_assert_cmpint (a->accepted, ==, b->accepted);
  g_assert_cmpint (a->not_before, ==, b->not_before);
  g_assert_cmpint (a->deadline, ==, b->deadline);
}

void
rig_add_tests (const char *group, const RigTest *tests, gsize n_tests)
{
  for (gsize i = 0; i < n_tests; i++)
    {
      g_autofree char *path = g_strdup_printf ("/store/%s/%s", group, tests[i].name);

      g_test_add_func (path, tests[i].func);
    }
}

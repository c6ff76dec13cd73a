/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rig: opens the store under test and drives it. */

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

/* Brings a delivery of "m1" to a into a state; returns its position, 0 when it has none. */
gint64
rig_bring_into (Rig *self, SbDeliveryState state)
{
  gint64 not_before = state == SB_DELIVERY_SCHEDULED ? START + HOUR : 0;
  SbOperation *operation = rig_apply (
      self, make_append (make_message (self, "m1", self->s, not_before, 0), 1, &self->a));
  gint64 position = operation->append.targets[0].position;

  if (state == SB_DELIVERY_PARKED)
    rig_apply (self, make_park (self->a, position, START + HOUR, START));
  else if (state != SB_DELIVERY_PENDING && state != SB_DELIVERY_SCHEDULED)
    rig_end (self, self->a, "m1", state, START);
  return position;
}

/* The same, of a message that has its own time and size. */
gint64
rig_send_at (Rig *self, const char *id, gint64 recipient, gint64 accepted, gsize size)
{
  SbMessage *message = sb_message_new (id, "s", self->s, make_body (id, size), accepted, 0, 0);

  return rig_apply (self, make_append (message, 1, &recipient))->append.targets[0].position;
}

/* To a, in an hour. */
void
rig_send_later (Rig *self, const char *id)
{
  rig_apply (self, make_append (make_message (self, id, self->s, START + HOUR, 0), 1, &self->a));
}

/*
 * For a from s: "pending", "scheduled" for in an hour, "parked" for two, "dead" and "ended"; for b
 * from a: "x", pending.
 */
Rig *
rig_new_with_one_of_each (void)
{
  Rig *self = rig_new ();
  gint64 position;

  rig_send (self, "pending", self->s, self->a);
  rig_send_later (self, "scheduled");
  position = rig_send (self, "parked", self->s, self->a);
  rig_apply (self, make_park (self->a, position, START + 2 * HOUR, START + 1));
  rig_send (self, "dead", self->s, self->a);
  rig_end (self, self->a, "dead", SB_DELIVERY_DEAD, START + 2);
  rig_send (self, "ended", self->s, self->a);
  rig_end (self, self->a, "ended", SB_DELIVERY_CONFIRMED, START + 3);
  rig_send (self, "x", self->a, self->b);
  return self;
}

SbOperation *
rig_requeue (Rig *self, gint64 recipient, const char *id)
{
  return rig_apply (self, make_requeue (recipient, id, START + SECOND));
}

SbOperation *
rig_move (Rig *self, gint64 recipient, gint64 to, const char *id)
{
  return rig_apply (self, make_move (recipient, to, id, START + SECOND));
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

/* For an end or a park. */
SbOperation *
with_log (SbOperation *operation, const char *log)
{
  char **place = operation->kind == SB_OPERATION_END ? &operation->end.log : &operation->park.log;

  g_free (*place);
  *place = g_strdup (log);
  return operation;
}

SbOperation *
make_requeue (gint64 recipient, const char *id, gint64 now)
{
  SbOperation *operation = sb_operation_new (SB_OPERATION_REQUEUE, NULL, NULL);

  operation->requeue.recipient = recipient;
  operation->requeue.id = g_strdup (id);
  operation->requeue.now = now;
  return operation;
}

SbOperation *
make_move (gint64 recipient, gint64 to, const char *id, gint64 now)
{
  SbOperation *operation = sb_operation_new (SB_OPERATION_MOVE, NULL, NULL);

  operation->move.recipient = recipient;
  operation->move.to = to;
  operation->move.id = g_strdup (id);
  operation->move.now = now;
  return operation;
}

SbOperation *
make_limits (const SbStoreLimits *limits)
{
  SbOperation *operation = sb_operation_new (SB_OPERATION_LIMITS, NULL, NULL);

  operation->limits = *limits;
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

void
rig_add_tests (const char *group, const RigTest *tests, gsize n_tests)
{
  for (gsize i = 0; i < n_tests; i++)
    {
      g_autofree char *path = g_strdup_printf ("/store/%s/%s", group, tests[i].name);

      g_test_add_func (path, tests[i].func);
    }
}

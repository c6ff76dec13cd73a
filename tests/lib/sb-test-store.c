/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-test-store: faults and delays around the memory store. */

#include "sb-test-store.h"

struct _SbTestStore
{
  SbMemoryStore parent_instance;

  GMutex lock;
  GCond changed;
  /* Guarded by lock. */
  guint n_failing_applies;
  guint n_failing_reads;
  gboolean hold_applies;
  gboolean hold_reads;
  guint n_held;
  guint n_calls;
  guint n_sweeps;
  GString *batches; /* (owned) */
};

static SbStoreInterface *parent_store;

static void sb_test_store_iface_init (SbStoreInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (SbTestStore, sb_test_store, SB_TYPE_MEMORY_STORE,
                               G_IMPLEMENT_INTERFACE (SB_TYPE_STORE, sb_test_store_iface_init))

static void
sb_test_store_finalize (GObject *object)
{
  SbTestStore *self = SB_TEST_STORE (object);

  g_string_free (self->batches, TRUE);
  g_cond_clear (&self->changed);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (sb_test_store_parent_class)->finalize (object);
}

static void
sb_test_store_class_init (SbTestStoreClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sb_test_store_finalize;
}

static void
sb_test_store_init (SbTestStore *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  self->batches = g_string_new (NULL);
}

/* Waits as long as *hold is set; called with the lock held. */
static void
wait_while (SbTestStore *self, const gboolean *hold)
{
  self->n_held++;
  g_cond_broadcast (&self->changed);
  while (*hold)
    g_cond_wait (&self->changed, &self->lock);
  self->n_held--;
}

static gboolean
use_up (guint *n_failing)
{
  if (*n_failing == 0)
    return FALSE;
  (*n_failing)--;
  return TRUE;
}

static gboolean
test_store_apply (SbStore *store, SbOperation *const *operations, guint n_operations,
                  GError **error)
{
  SbTestStore *self = SB_TEST_STORE (store);
  gboolean fails;

  g_mutex_lock (&self->lock);
  self->n_calls += n_operations;
  for (guint i = 0; i < n_operations; i++)
    self->n_sweeps += operations[i]->kind == SB_OPERATION_SWEEP;
  g_string_append_printf (self->batches, "%s%u", self->batches->len > 0 ? " " : "", n_operations);
  wait_while (self, &self->hold_applies);
  fails = use_up (&self->n_failing_applies);
  g_mutex_unlock (&self->lock);

  if (!fails)
    return parent_store->apply (store, operations, n_operations, error);
  g_set_error_literal (error, SB_ERROR, SB_ERROR_NO_SPACE, "the test's disk is full");
  return FALSE;
}

/* After a read: counts and holds it, and says whether its result goes out or it fails. */
static gboolean
lets_pass (SbStore *store, gboolean succeeded, GError **error)
{
  SbTestStore *self = SB_TEST_STORE (store);
  gboolean fails;

  g_mutex_lock (&self->lock);
  self->n_calls++;
  wait_while (self, &self->hold_reads);
  fails = use_up (&self->n_failing_reads);
  g_mutex_unlock (&self->lock);

  if (!fails || !succeeded)
    return succeeded;
  g_set_error_literal (error, SB_ERROR, SB_ERROR_TRANSIENT, "the test's disk does not answer");
  return FALSE;
}

/* Takes what a read has returned: drops it if the read shall fail. */
static GPtrArray *
pass (SbStore *store, GPtrArray *rows, GError **error)
{
  if (!lets_pass (store, rows != NULL, error))
    g_clear_pointer (&rows, g_ptr_array_unref);
  return rows;
}

static GPtrArray *
test_store_pending (SbStore *store, gint64 recipient, gint64 after, guint limit, gsize max_bytes,
                    GError **error)
{
  return pass (store, parent_store->pending (store, recipient, after, limit, max_bytes, error),
               error);
}

static GPtrArray *
test_store_parked (SbStore *store, gint64 recipient, gint64 until, guint limit, gint64 *next_due,
                   GError **error)
{
  return pass (store, parent_store->parked (store, recipient, until, limit, next_due, error),
               error);
}

static GPtrArray *
test_store_receipts (SbStore *store, gint64 sender_key, guint limit, GError **error)
{
  return pass (store, parent_store->receipts (store, sender_key, limit, error), error);
}

static gboolean
test_store_backlog (SbStore *store, gint64 recipient, SbBacklog *backlog, GError **error)
{
  return lets_pass (store, parent_store->backlog (store, recipient, backlog, error), error);
}

static GPtrArray *
test_store_queues (SbStore *store, gint64 after, guint limit, GError **error)
{
  return pass (store, parent_store->queues (store, after, limit, error), error);
}

static GPtrArray *
test_store_deliveries (SbStore *store, const SbDeliveryFilter *filter, const char *after,
                       guint limit, char **next, GError **error)
{
  return pass (store, parent_store->deliveries (store, filter, after, limit, next, error), error);
}

static SbMessage *
test_store_message (SbStore *store, const char *id, GError **error)
{
  SbMessage *message = parent_store->message (store, id, error);

  if (!lets_pass (store, message != NULL, error))
    g_clear_pointer (&message, sb_message_unref);
  return message;
}

static SbMessageStatus *
test_store_status (SbStore *store, const char *id, GError **error)
{
  SbMessageStatus *status = parent_store->status (store, id, error);

  if (!lets_pass (store, status != NULL, error))
    g_clear_pointer (&status, sb_message_status_free);
  return status;
}

static void
sb_test_store_iface_init (SbStoreInterface *iface)
{
  parent_store = g_type_interface_peek_parent (iface);
  iface->apply = test_store_apply;
  iface->pending = test_store_pending;
  iface->parked = test_store_parked;
  iface->backlog = test_store_backlog;
  iface->queues = test_store_queues;
  iface->deliveries = test_store_deliveries;
  iface->message = test_store_message;
  iface->status = test_store_status;
  iface->receipts = test_store_receipts;
}

SbTestStore *
sb_test_store_new (void)
{
  return g_object_new (SB_TYPE_TEST_STORE, NULL);
}

void
sb_test_store_fail_applies (SbTestStore *self, guint n)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  self->n_failing_applies = n;
}

void
sb_test_store_fail_reads (SbTestStore *self, guint n)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  self->n_failing_reads = n;
}

void
sb_test_store_hold_applies (SbTestStore *self, gboolean hold)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  self->hold_applies = hold;
  g_cond_broadcast (&self->changed);
}

void
sb_test_store_hold_reads (SbTestStore *self, gboolean hold)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  self->hold_reads = hold;
  g_cond_broadcast (&self->changed);
}

void
sb_test_store_wait_held (SbTestStore *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  while (self->n_held == 0)
    g_cond_wait (&self->changed, &self->lock);
}

guint
sb_test_store_get_n_held (SbTestStore *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->n_held;
}

char *
sb_test_store_take_batches (SbTestStore *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  char *taken = g_string_free (self->batches, FALSE);

  self->batches = g_string_new (NULL);
  return taken;
}

guint
sb_test_store_get_n_sweeps (SbTestStore *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->n_sweeps;
}

guint
sb_test_store_get_n_calls (SbTestStore *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->n_calls;
}

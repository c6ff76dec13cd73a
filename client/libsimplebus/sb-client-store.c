/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-store: the thread, and the batches that it makes of what it is given.
 *
 * A transaction that fails takes back what was appended in it, and each of these ends with the
 * error. What was to go stays to be done: it is tried again with the next transaction, and at the
 * latest after a second. Should the program end before that, the message is sent once more, with
 * the id that the bus knows.
 */

#include "sb-client-store.h"

#include "sb-client-fault.h"
#include "sb-client-store-sql.h"

#define RETRY_US G_USEC_PER_SEC

/* Where batches come back to; it outlives the store. */
typedef struct
{
  gatomicrefcount ref_count;
  GMainContext *context;  /* (owned) */
  SbClientStoreFunc func; /* (nullable): the store is gone. Of the main thread */
  gpointer user_data;
} Home;

struct _SbClientStore
{
  Home *home;       /* (owned) */
  SbClientSql *sql; /* (owned) until the thread has ended; the thread's */
  GThread *thread;  /* (owned) (nullable) */
  GMutex lock;
  GCond wake;
  GPtrArray *queue;     /* (owned) of SbClientStoreOp; locked */
  GPtrArray *unwritten; /* (owned): what is to go, after a failure; the thread's */
};

typedef struct
{
  Home *home;     /* (owned) */
  GPtrArray *ops; /* (owned) */
} Batch;

/* --- Values --- */

void
sb_client_row_free (SbClientRow *self)
{
  g_free (self->id);
  g_free (self->json);
  g_free (self);
}

SbClientStoreOp *
sb_client_store_op_new (SbClientStoreKind kind, gint64 seq)
{
  SbClientStoreOp *self = g_new0 (SbClientStoreOp, 1);

  self->kind = kind;
  self->seq = seq;
  return self;
}

void
sb_client_store_op_free (SbClientStoreOp *self)
{
  g_clear_pointer (&self->row, sb_client_row_free);
  g_clear_pointer (&self->rows, g_ptr_array_unref);
  g_clear_object (&self->task);
  g_clear_error (&self->error);
  g_free (self->words);
  g_free (self);
}

static GPtrArray *
new_ops (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) sb_client_store_op_free);
}

static void
home_unref (Home *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_main_context_unref (self->context);
  g_free (self);
}

static void
batch_free (gpointer data)
{
  Batch *self = data;

  home_unref (self->home);
  g_ptr_array_unref (self->ops);
  g_free (self);
}

/* --- The thread --- */

static gboolean
is_write (const SbClientStoreOp *op)
{
  return op->kind == SB_CLIENT_STORE_APPEND || op->kind == SB_CLIENT_STORE_REMOVE
         || op->kind == SB_CLIENT_STORE_REFUSE;
}

static gboolean
write_all (SbClientStore *self, GPtrArray *ops, gboolean removals_only, GError **error)
{
  for (guint i = 0; i < ops->len; i++)
    {
      SbClientStoreOp *op = g_ptr_array_index (ops, i);

      if (removals_only && op->kind == SB_CLIENT_STORE_APPEND)
        continue;
      if (!sb_client_sql_write (self->sql, op, error))
        return FALSE;
    }
  return TRUE;
}

/* All or nothing: what could not go before, and these. */
static gboolean
transact (SbClientStore *self, GPtrArray *ops, gboolean removals_only, GError **error)
{
  if (sb_client_sql_begin (self->sql, error) && write_all (self, self->unwritten, FALSE, error)
      && write_all (self, ops, removals_only, error))
    {
      sb_client_fault_point ("outbox-before-commit");
      if (sb_client_sql_commit (self->sql, error))
        {
          sb_client_fault_point ("outbox-after-commit");
          g_ptr_array_set_size (self->unwritten, 0);
          return TRUE;
        }
    }
  sb_client_sql_roll_back (self->sql);
  return FALSE;
}

static guint
count (GPtrArray *ops, gboolean (*predicate) (const SbClientStoreOp *op))
{
  guint n = 0;

  for (guint i = 0; i < ops->len; i++)
    n += predicate (g_ptr_array_index (ops, i)) ? 1 : 0;
  return n;
}

static SbClientStoreOp *
copy_removal (const SbClientStoreOp *op)
{
  SbClientStoreOp *copy = sb_client_store_op_new (op->kind, op->seq);

  copy->length = op->length;
  copy->code = op->code;
  copy->words = g_strdup (op->words);
  return copy;
}

/* Nothing was written: appends have failed, what is to go is kept for later. */
static void
give_up (SbClientStore *self, GPtrArray *ops, gboolean keep_removals, const GError *error)
{
  for (guint i = 0; i < ops->len; i++)
    {
      SbClientStoreOp *op = g_ptr_array_index (ops, i);

      if (op->kind == SB_CLIENT_STORE_APPEND)
        op->error = g_error_copy (error);
      else if (keep_removals && is_write (op))
        g_ptr_array_add (self->unwritten, copy_removal (op));
    }
}

static void
write_batch (SbClientStore *self, GPtrArray *ops)
{
  g_autoptr (GError) error = NULL;

  if (count (ops, is_write) + self->unwritten->len == 0 || transact (self, ops, FALSE, &error))
    return;
  /* Perhaps there is room for less. */
  give_up (self, ops, !transact (self, ops, TRUE, NULL), error);
}

static void
read_batch (SbClientStore *self, GPtrArray *ops)
{
  for (guint i = 0; i < ops->len; i++)
    {
      SbClientStoreOp *op = g_ptr_array_index (ops, i);

      if (op->kind == SB_CLIENT_STORE_READ)
        sb_client_sql_read (self->sql, op, &op->error);
    }
}

static gboolean
come_home_cb (gpointer user_data)
{
  Batch *batch = user_data;

  if (batch->home->func != NULL)
    batch->home->func (batch->ops, batch->home->user_data);
  return G_SOURCE_REMOVE;
}

static void
send_home (SbClientStore *self, GPtrArray *owned_ops)
{
  Batch *batch = g_new0 (Batch, 1);
  g_autoptr (GSource) source = g_idle_source_new ();

  g_atomic_ref_count_inc (&self->home->ref_count);
  batch->home = self->home;
  batch->ops = owned_ops;
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, come_home_cb, batch, batch_free);
  g_source_attach (source, self->home->context);
  /* cppcheck-suppress memleak; the source has it */
}

/* Returns: (transfer full): what waits; perhaps nothing, when something is to be tried again */
static GPtrArray *
take_batch (SbClientStore *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  GPtrArray *ops;

  while (self->queue->len == 0)
    if (self->unwritten->len == 0)
      g_cond_wait (&self->wake, &self->lock);
    else if (!g_cond_wait_until (&self->wake, &self->lock, g_get_monotonic_time () + RETRY_US))
      break;
  ops = self->queue;
  self->queue = new_ops ();
  return ops;
}

static gboolean
is_close (const SbClientStoreOp *op)
{
  return op->kind == SB_CLIENT_STORE_CLOSE;
}

static gpointer
run (gpointer data)
{
  SbClientStore *self = data;
  gboolean is_last;

  do
    {
      GPtrArray *ops = take_batch (self);

      is_last = count (ops, is_close) > 0;
      write_batch (self, ops);
      read_batch (self, ops);
      if (is_last)
        g_clear_pointer (&self->sql, sb_client_sql_close);
      send_home (self, ops);
    }
  while (!is_last);
  return NULL;
}

/* --- Public API --- */

SbClientStore *
sb_client_store_open (const char *path, SbClientStoreTotals *totals, SbClientStoreFunc func,
                      gpointer user_data, GError **error)
{
  SbClientSql *sql = sb_client_sql_open (path, totals, error);
  SbClientStore *self;

  if (sql == NULL)
    return NULL;
  self = g_new0 (SbClientStore, 1);
  self->sql = sql;
  self->home = g_new0 (Home, 1);
  g_atomic_ref_count_init (&self->home->ref_count);
  self->home->context = g_main_context_ref_thread_default ();
  self->home->func = func;
  self->home->user_data = user_data;
  g_mutex_init (&self->lock);
  g_cond_init (&self->wake);
  self->queue = new_ops ();
  self->unwritten = new_ops ();
  self->thread = g_thread_new ("sb-outbox", run, self);
  return self;
}

/**
 * sb_client_store_submit:
 * @self: a store that was not closed
 * @owned_op: (transfer full): what to do
 *
 * Has it done in the thread.
 */
void
sb_client_store_submit (SbClientStore *self, SbClientStoreOp *owned_op)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  g_ptr_array_add (self->queue, owned_op);
  g_cond_signal (&self->wake);
}

/* A second close is not seen by the thread, which has ended with the first. */
void
sb_client_store_free (SbClientStore *self)
{
  self->home->func = NULL;
  sb_client_store_submit (self, sb_client_store_op_new (SB_CLIENT_STORE_CLOSE, 0));
  g_thread_join (self->thread);
  home_unref (self->home);
  g_ptr_array_unref (self->queue);
  g_ptr_array_unref (self->unwritten);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->wake);
  g_free (self);
}

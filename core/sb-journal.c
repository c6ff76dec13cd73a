/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-journal: group commit.
 *
 * Two threads. The journal's thread takes all operations that have gathered
 * (at most MAX_BATCH_ROWS rows, so that one broadcast does not hold up
 * everybody's commit), applies them as one transaction, and puts the batch on
 * the list of those that are done; it goes on with the next one at once, so
 * the disk never waits for the main loop. One wake-up of the main context
 * finishes all batches that are done, in order. Under load batches grow by
 * themselves: what arrives during a flush is flushed together.
 *
 * Reads run on the reader's thread, one after the other. A read's task goes
 * back to the main context even for its last reference: what it carries
 * belongs there.
 */

#include "sb-journal.h"

#include "sb-error.h"
#include "sb-names.h"
#include "sb-operation.h"

/* Rows of one transaction beyond its first operation: some milliseconds of work. */
#define MAX_BATCH_ROWS 4096

/* Operations of a transaction, for the histogram. */
static const double batch_bounds[] = {
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000
};

typedef struct
{
  GPtrArray *operations; /* (owned) of SbOperation (owned) */
  GError *error;         /* (owned) (nullable) */
  gint64 started;        /* monotonic, microseconds */
  gint64 finished;
  guint rows;
} Batch;

typedef struct
{
  SbReadFunc func;
  GTask *task; /* (owned) */
} Read;

struct _SbJournal
{
  GObject parent_instance;

  SbStore *store;         /* (owned) */
  GMainContext *context;  /* (owned) where operations finish */
  GThread *writer_thread; /* (owned) (nullable) */
  GThread *reader_thread; /* (owned) (nullable) */
  GSource *finish_source; /* (owned) (nullable) */
  GAsyncQueue *reads;     /* (owned) of Read (owned) */
  GError *last_error;     /* (owned) (nullable) why the newest batch failed */

  /* Main context: what was submitted and has not finished. */
  guint max_operations;
  gsize max_bytes;
  guint n_unfinished;
  gsize unfinished_bytes;
  gint64 progress;    /* monotonic: when the newest batch was through, or the first one began */
  gint64 commit_time; /* of the newest batch */
  gboolean was_full;  /* and nobody was told yet that it is not any more */
  gboolean is_open;

  GMutex lock;
  GCond wake;
  /* Guarded by lock. */
  GPtrArray *gathering; /* (owned) of SbOperation (owned) */
  GQueue done;          /* of Batch (owned) */
  GPtrArray *answered;  /* (owned) of GTask (owned): reads that have returned */
  gboolean stop;

  SbMetrics *metrics; /* (owned) holds what follows */
  SbCounter *batches;
  SbCounter *failures;
  SbHistogram *flush_seconds;
  SbHistogram *batch_operations;
  SbCounter *rows;
};

G_DEFINE_FINAL_TYPE (SbJournal, sb_journal, G_TYPE_OBJECT)

static void
batch_free (Batch *self)
{
  g_ptr_array_unref (self->operations);
  g_clear_error (&self->error);
  g_free (self);
}

/* The journal's thread */

/* How many of the operations make the next transaction. */
static guint
measure_batch (SbJournal *self, guint *rows)
{
  guint n = 0;

  for (; n < self->gathering->len; n++)
    {
      const SbOperation *operation = g_ptr_array_index (self->gathering, n);
      guint more = sb_operation_get_rows (operation);

      /* Users that were submitted together stay together: all or none of them is changed. */
      if (operation->kind == SB_OPERATION_PUT_USER)
        more = 0;
      if (n > 0 && *rows + more > MAX_BATCH_ROWS)
        break;
      *rows += more;
    }
  return n;
}

/* Takes the operations that make the next transaction; called with the lock held. */
static Batch *
take_batch (SbJournal *self)
{
  Batch *batch = g_new0 (Batch, 1);
  guint n = measure_batch (self, &batch->rows);

  batch->operations = g_ptr_array_new_full (n, (GDestroyNotify) sb_operation_free);
  if (n == self->gathering->len)
    {
      GPtrArray *all = self->gathering;

      self->gathering = batch->operations;
      batch->operations = all;
      return batch;
    }
  for (guint i = 0; i < n; i++)
    g_ptr_array_add (batch->operations, g_steal_pointer (&self->gathering->pdata[i]));
  g_ptr_array_remove_range (self->gathering, 0, n);
  return batch;
}

static void
apply_batch (SbJournal *self, Batch *batch)
{
  batch->started = g_get_monotonic_time ();
  sb_store_apply (self->store, (SbOperation *const *) batch->operations->pdata,
                  batch->operations->len, &batch->error);
  batch->finished = g_get_monotonic_time ();
}

static gpointer
writer_main (gpointer data)
{
  SbJournal *self = data;

  g_mutex_lock (&self->lock);
  for (;;)
    {
      Batch *batch;
      gboolean was_idle;

      while (self->gathering->len == 0 && !self->stop)
        g_cond_wait (&self->wake, &self->lock);
      if (self->gathering->len == 0)
        break;
      batch = take_batch (self);
      g_mutex_unlock (&self->lock);

      apply_batch (self, batch);

      g_mutex_lock (&self->lock);
      was_idle = g_queue_is_empty (&self->done);
      g_queue_push_tail (&self->done, batch);
      if (was_idle)
        g_source_set_ready_time (self->finish_source, 0);
    }
  g_mutex_unlock (&self->lock);
  return NULL;
}

/* The reader's thread */

static gpointer
reader_main (gpointer data)
{
  SbJournal *self = data;

  for (;;)
    {
      Read *read = g_async_queue_pop (self->reads);

      if (read->func == NULL)
        {
          g_free (read);
          return NULL;
        }
      read->func (self->store, read->task);
      g_mutex_lock (&self->lock);
      if (self->answered->len == 0)
        g_source_set_ready_time (self->finish_source, 0);
      g_ptr_array_add (self->answered, read->task);
      g_mutex_unlock (&self->lock);
      g_free (read);
    }
}

/* The main context */

/* Once for the first of those that fail, and once when it is over. */
static void
log_change (const GError *before, const GError *now)
{
  if (now != NULL && before == NULL)
    g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE_ID", SB_MESSAGE_ID_STORE_FAILED,
                      SB_LOG_FIELD_REASON, sb_error_reason (now), "MESSAGE",
                      "the store does not take writes, and senders are told so: %s", now->message);
  else if (now == NULL && before != NULL)
    g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE_ID", SB_MESSAGE_ID_STORE_FAILED,
                      "MESSAGE", "the store takes writes again");
}

static void
finish_batch (SbJournal *self, Batch *batch)
{
  log_change (self->last_error, batch->error);
  g_clear_error (&self->last_error);
  if (batch->error != NULL)
    {
      self->last_error = g_error_copy (batch->error);
      sb_counter_add (self->failures, 1);
    }
  sb_counter_add (self->batches, 1);
  self->progress = batch->finished;
  self->commit_time = MAX (1, batch->finished - batch->started);
  sb_histogram_observe (self->flush_seconds, (batch->finished - batch->started) / 1e6);
  sb_histogram_observe (self->batch_operations, batch->operations->len);

  for (guint i = 0; i < batch->operations->len; i++)
    {
      SbOperation *operation = g_ptr_array_index (batch->operations, i);

      self->n_unfinished--;
      self->unfinished_bytes -= operation->bytes;
      if (operation->func != NULL)
        operation->func (operation, batch->error, operation->user_data);
    }
  sb_counter_add (self->rows, batch->rows);
}

/* What the two threads have done since the last time. */
static gboolean
finish_batches (gpointer data)
{
  g_autoptr (SbJournal) self = g_object_ref (data);
  g_autoptr (GPtrArray) answered = NULL;
  GQueue done;
  Batch *batch;

  g_source_set_ready_time (self->finish_source, -1);
  g_mutex_lock (&self->lock);
  done = self->done;
  g_queue_init (&self->done);
  answered = g_steal_pointer (&self->answered);
  self->answered = g_ptr_array_new_with_free_func (g_object_unref);
  g_mutex_unlock (&self->lock);

  while ((batch = g_queue_pop_head (&done)) != NULL)
    {
      finish_batch (self, batch);
      batch_free (batch);
    }
  if (self->was_full && !sb_journal_is_full (self))
    {
      self->was_full = FALSE;
      g_signal_emit_by_name (self, "drained");
    }
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_finish (GSource *source, GSourceFunc func, gpointer data)
{
  return func (data);
}

static GSourceFuncs finish_source_funcs = { .dispatch = dispatch_finish };

static GSource *
finish_source_new (SbJournal *self)
{
  GSource *source = g_source_new (&finish_source_funcs, sizeof (GSource));

  g_source_set_name (source, "journal");
  g_source_set_callback (source, finish_batches, self, NULL);
  g_source_attach (source, self->context);
  return source;
}

static void
sb_journal_dispose (GObject *object)
{
  SbJournal *self = SB_JOURNAL (object);

  if (self->is_open)
    sb_journal_close (self);
  G_OBJECT_CLASS (sb_journal_parent_class)->dispose (object);
}

static void
sb_journal_finalize (GObject *object)
{
  SbJournal *self = SB_JOURNAL (object);

  g_clear_object (&self->store);
  g_clear_error (&self->last_error);
  g_clear_object (&self->metrics);
  g_ptr_array_unref (self->gathering);
  g_ptr_array_unref (self->answered);
  g_async_queue_unref (self->reads);
  g_main_context_unref (self->context);
  g_cond_clear (&self->wake);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (sb_journal_parent_class)->finalize (object);
}

static void
sb_journal_class_init (SbJournalClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = sb_journal_dispose;
  object_class->finalize = sb_journal_finalize;

  /**
   * SbJournal::drained:
   *
   * The journal was full and is not any more.
   */
  g_signal_new ("drained", SB_TYPE_JOURNAL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
sb_journal_init (SbJournal *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->wake);
  g_queue_init (&self->done);
  self->gathering = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_operation_free);
  self->answered = g_ptr_array_new_with_free_func (g_object_unref);
  self->reads = g_async_queue_new ();
  self->context = g_main_context_ref_thread_default ();
}

/**
 * sb_journal_new:
 * @store: (transfer none): a store that is not open
 * @max_operations: how many unfinished operations make the journal full
 * @max_bytes: how many bytes of them do
 * @metrics: (transfer none): where it counts
 *
 * Returns: (transfer full): a journal that finishes operations on the caller's main context
 */
SbJournal *
sb_journal_new (SbStore *store, guint max_operations, gsize max_bytes, SbMetrics *metrics)
{
  SbJournal *self = g_object_new (SB_TYPE_JOURNAL, NULL);

  self->store = g_object_ref (store);
  self->max_operations = max_operations;
  self->max_bytes = max_bytes;
  self->metrics = g_object_ref (metrics);
  self->batches = sb_metrics_counter (metrics, "simplebus_journal_batches_total",
                                      "Transactions committed or failed", NULL);
  self->failures = sb_metrics_counter (metrics, "simplebus_journal_failures_total",
                                       "Transactions that failed and stored nothing", NULL);
  self->flush_seconds = sb_metrics_histogram (metrics, "simplebus_journal_commit_seconds",
                                              "Time of one transaction with its flush", NULL);
  self->batch_operations = sb_metrics_histogram_with_bounds (
      metrics, "simplebus_journal_batch_operations", "Changes that were flushed together", NULL,
      batch_bounds, G_N_ELEMENTS (batch_bounds));
  self->rows = sb_metrics_counter (metrics, "simplebus_journal_rows_total",
                                   "Rows of all transactions", NULL);
  return self;
}

typedef struct
{
  SbStore *store;
  const SbStoreOptions *options;
  GError **error;
} OpenCall;

/* A store sees one thread for open, apply and close; it is joined before the next one starts,
 * which is all that "one thread" has to mean: never two at once, and everything visible. */
static gpointer
open_in_thread (gpointer data)
{
  OpenCall *call = data;

  return GINT_TO_POINTER (sb_store_open (call->store, call->options, call->error));
}

static gpointer
close_in_thread (gpointer data)
{
  sb_store_close (SB_STORE (data));
  return NULL;
}

/**
 * sb_journal_open:
 * @self: a new journal
 * @options: for the store
 * @error: as SbStoreInterface.open
 *
 * Opens the store and starts the threads. Blocks until the store is ready; for
 * the start of the process only.
 */
gboolean
sb_journal_open (SbJournal *self, const SbStoreOptions *options, GError **error)
{
  OpenCall call = { self->store, options, error };

  g_return_val_if_fail (SB_IS_JOURNAL (self) && !self->is_open, FALSE);

  if (!GPOINTER_TO_INT (g_thread_join (g_thread_new ("journal", open_in_thread, &call))))
    return FALSE;
  self->is_open = TRUE;
  self->finish_source = finish_source_new (self);
  self->writer_thread = g_thread_new ("journal", writer_main, self);
  self->reader_thread = g_thread_new ("reader", reader_main, self);
  return TRUE;
}

/**
 * sb_journal_close:
 * @self: an open journal
 *
 * Commits all that was submitted, finishes the operations, and closes the
 * store. Blocks; for the end of the process only.
 */
void
sb_journal_close (SbJournal *self)
{
  g_return_if_fail (SB_IS_JOURNAL (self) && self->is_open);

  g_async_queue_push (self->reads, g_new0 (Read, 1));
  g_clear_pointer (&self->reader_thread, g_thread_join);

  /* An operation that finishes may submit another one, so more than one round. */
  while (self->n_unfinished > 0)
    {
      g_mutex_lock (&self->lock);
      self->stop = TRUE;
      g_cond_signal (&self->wake);
      g_mutex_unlock (&self->lock);
      g_thread_join (g_steal_pointer (&self->writer_thread));
      self->stop = FALSE;
      finish_batches (self);
      self->writer_thread = g_thread_new ("journal", writer_main, self);
    }

  self->is_open = FALSE;
  g_mutex_lock (&self->lock);
  self->stop = TRUE;
  g_cond_signal (&self->wake);
  g_mutex_unlock (&self->lock);
  g_clear_pointer (&self->writer_thread, g_thread_join);
  g_ptr_array_set_size (self->answered, 0);
  g_source_destroy (self->finish_source);
  g_clear_pointer (&self->finish_source, g_source_unref);
  g_thread_join (g_thread_new ("journal", close_in_thread, self->store));
}

/**
 * sb_journal_submit:
 * @self: an open journal
 * @operation: (transfer full): what to store
 *
 * Takes the operation into the batch that is gathering. Never refuses: callers
 * that can refuse ask sb_journal_is_full() first.
 */
void
sb_journal_submit (SbJournal *self, SbOperation *operation)
{
  sb_journal_submit_all (self, &operation, 1);
}

/**
 * sb_journal_submit_all:
 * @self: an open journal
 * @operations: (array length=n_operations) (transfer full): what to store
 * @n_operations: at least 1
 *
 * Submits several operations without another one in between. Users among them
 * are stored in one transaction.
 */
void
sb_journal_submit_all (SbJournal *self, SbOperation **operations, guint n_operations)
{
  gboolean was_empty;

  g_return_if_fail (SB_IS_JOURNAL (self) && self->is_open);

  if (self->n_unfinished == 0)
    self->progress = g_get_monotonic_time ();
  self->n_unfinished += n_operations;
  for (guint i = 0; i < n_operations; i++)
    {
      operations[i]->bytes = sb_operation_get_bytes (operations[i]);
      self->unfinished_bytes += operations[i]->bytes;
    }
  self->was_full |= sb_journal_is_full (self);
  g_mutex_lock (&self->lock);
  was_empty = self->gathering->len == 0;
  for (guint i = 0; i < n_operations; i++)
    g_ptr_array_add (self->gathering, operations[i]);
  if (was_empty)
    g_cond_signal (&self->wake);
  g_mutex_unlock (&self->lock);
}

/**
 * sb_journal_set_bounds:
 * @self: a journal
 * @max_operations: how many unfinished operations make it full from now on
 * @max_bytes: how many bytes of them do
 *
 * Who waits for SbJournal::drained hears of room that this makes when the next batch is through.
 */
void
sb_journal_set_bounds (SbJournal *self, guint max_operations, gsize max_bytes)
{
  g_return_if_fail (SB_IS_JOURNAL (self));

  self->max_operations = max_operations;
  self->max_bytes = max_bytes;
  self->was_full |= sb_journal_is_full (self);
}

/**
 * sb_journal_get_fill:
 * @self: a journal
 *
 * Returns: how full it is, by number or by bytes; from 1 on it is full
 */
double
sb_journal_get_fill (SbJournal *self)
{
  return MAX ((double) self->n_unfinished / self->max_operations,
              (double) self->unfinished_bytes / self->max_bytes);
}

/**
 * sb_journal_is_full:
 * @self: a journal
 *
 * Returns: whether so much is unfinished that new messages have to wait
 */
gboolean
sb_journal_is_full (SbJournal *self)
{
  return self->n_unfinished >= self->max_operations || self->unfinished_bytes >= self->max_bytes;
}

/**
 * sb_journal_is_open:
 * @self: a journal
 *
 * Returns: whether operations can be submitted
 */
gboolean
sb_journal_is_open (SbJournal *self)
{
  return self->is_open;
}

/**
 * sb_journal_dup_last_error:
 * @self: a journal
 *
 * Returns: (transfer full) (nullable): why the newest transaction failed, %NULL when it did not
 */
GError *
sb_journal_dup_last_error (SbJournal *self)
{
  return self->last_error != NULL ? g_error_copy (self->last_error) : NULL;
}

/**
 * sb_journal_get_stats:
 * @self: a journal
 * @stats: (out caller-allocates): what to fill
 *
 * Tells how it is doing.
 */
void
sb_journal_get_stats (SbJournal *self, SbJournalStats *stats)
{
  g_return_if_fail (SB_IS_JOURNAL (self));

  *stats = (SbJournalStats) {
    .batches = self->batches->value,
    .failures = self->failures->value,
    .operations = self->n_unfinished,
    .bytes = self->unfinished_bytes,
    .commit_time = self->commit_time,
    .waiting = self->n_unfinished > 0 ? g_get_monotonic_time () - self->progress : 0,
  };
}

/**
 * sb_journal_read_async:
 * @self: an open journal
 * @func: reads and returns on the task
 * @task: (transfer full): carries what @func needs as its task data
 *
 * Runs @func on the reader's thread.
 */
void
sb_journal_read_async (SbJournal *self, SbReadFunc func, GTask *task)
{
  Read *read;

  g_return_if_fail (SB_IS_JOURNAL (self));

  if (self->reader_thread == NULL)
    {
      g_task_return_new_error (task, SB_ERROR, SB_ERROR_CLOSED, "the bus is stopping");
      g_object_unref (task);
      return;
    }
  read = g_new (Read, 1);
  read->func = func;
  read->task = task;
  g_async_queue_push (self->reads, read);
}

static void
read_sync_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

/**
 * sb_journal_read_sync:
 * @self: an open journal
 * @func: reads and returns a pointer on the task, which has no task data
 * @error: as @func sets it
 *
 * Reads and waits for the result; for the start of the process only.
 *
 * Returns: (transfer full) (nullable): what @func returned
 */
gpointer
sb_journal_read_sync (SbJournal *self, SbReadFunc func, GError **error)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GAsyncResult) result = NULL;

  g_main_context_push_thread_default (context);
  sb_journal_read_async (self, func, g_task_new (self, NULL, read_sync_cb, &result));
  while (result == NULL)
    g_main_context_iteration (context, TRUE);
  g_main_context_pop_thread_default (context);
  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * sb_journal_take_snapshot:
 * @self: an open journal
 * @folder: (type filename): an empty folder
 * @func: (scope call): told of every file that belongs to it
 * @user_data: for @func
 * @cancellable: (nullable): ends it early
 * @error: as of sb_store_snapshot()
 *
 * Has the store write a copy of what it holds. Blocks: to be called on a thread that has nothing
 * else to do, once at a time, and to be over before sb_journal_close().
 *
 * Returns: whether @folder holds everything that was committed before the call
 */
gboolean
sb_journal_take_snapshot (SbJournal *self, const char *folder, SbSnapshotFunc func,
                          gpointer user_data, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (SB_IS_JOURNAL (self), FALSE);

  return sb_store_snapshot (self->store, folder, func, user_data, cancellable, error);
}

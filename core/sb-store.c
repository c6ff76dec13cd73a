/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-store: the public edge of every store. A wrapper checks its arguments,
 * calls the store, and holds it to its word: a result or an error, never both
 * and never neither. What a store of a stranger gets wrong here becomes an
 * error that names its type, not a crash somewhere else.
 */

#include "sb-store.h"

#include "sb-error.h"

/* Queues that are looked at in one go. */
#define QUEUES_PAGE 1000

G_DEFINE_INTERFACE (SbStore, sb_store, G_TYPE_OBJECT)

static void
sb_store_default_init (SbStoreInterface *iface)
{
}

/* Takes @inner. Returns whether the store succeeded and said nothing to the contrary. */
static gboolean
judge (SbStore *self, const char *what, gboolean succeeded, GError *inner, GError **error)
{
  g_autoptr (GError) given = inner;

  if (succeeded && given == NULL)
    return TRUE;
  if (!succeeded && given != NULL)
    g_propagate_error (error, g_steal_pointer (&given));
  else if (succeeded)
    g_set_error (error, SB_ERROR, SB_ERROR_FAILED, "Store %s: %s succeeded and set an error: %s",
                 G_OBJECT_TYPE_NAME (self), what, given->message);
  else
    g_set_error (error, SB_ERROR, SB_ERROR_FAILED, "Store %s: %s failed without an error",
                 G_OBJECT_TYPE_NAME (self), what);
  return FALSE;
}

/* The same for a result that is freed when the store set an error beside it. */
static GPtrArray *
judge_rows (SbStore *self, const char *what, GPtrArray *rows, GError *inner, GError **error)
{
  g_autoptr (GPtrArray) given = rows;

  if (!judge (self, what, given != NULL, inner, error))
    return NULL;
  return g_steal_pointer (&given);
}

static gboolean
has_vfunc (SbStore *self, const char *what, gboolean present, GError **error)
{
  if (!present)
    g_set_error (error, SB_ERROR, SB_ERROR_FAILED, "Store %s has no %s", G_OBJECT_TYPE_NAME (self),
                 what);
  return present;
}

/**
 * sb_store_open:
 * @self: a new store
 * @options: limits and places; valid during the call only, but its configuration
 * @error: SB_ERROR_CORRUPT, SB_ERROR_UNSUPPORTED, SB_ERROR_BUSY and what the world can cause
 *
 * Makes or opens the store. Once, on the journal's thread.
 *
 * Returns: %TRUE when it is ready
 */
gboolean
sb_store_open (SbStore *self, const SbStoreOptions *options, GError **error)
{
  SbStoreInterface *iface;
  GError *inner = NULL;
  gboolean opened;

  g_return_val_if_fail (SB_IS_STORE (self), FALSE);
  g_return_val_if_fail (options != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  iface = SB_STORE_GET_IFACE (self);
  if (!has_vfunc (self, "open", iface->open != NULL, error))
    return FALSE;
  opened = iface->open (self, options, &inner);
  return judge (self, "open", opened, inner, error);
}

/**
 * sb_store_close:
 * @self: an open store
 *
 * Releases all resources. Once, on the journal's thread, when no read is running.
 */
void
sb_store_close (SbStore *self)
{
  SbStoreInterface *iface;

  g_return_if_fail (SB_IS_STORE (self));

  iface = SB_STORE_GET_IFACE (self);
  if (iface->close != NULL)
    iface->close (self);
}

static void
clear_outcome (SbOperation *operation)
{
  operation->outcome = SB_OUTCOME_DONE;
  if (operation->kind == SB_OPERATION_SWEEP)
    {
      g_array_set_size (operation->sweep.moved, 0);
      operation->sweep.next = 0;
      operation->sweep.more = FALSE;
    }
  else if (operation->kind == SB_OPERATION_APPEND)
    {
      operation->append.faulty = 0;
      operation->append.name_taken = FALSE;
      operation->append.released = FALSE;
    }
  else if (operation->kind == SB_OPERATION_END)
    {
      operation->end.notified = FALSE;
      g_clear_pointer (&operation->end.released, g_free);
      operation->end.released_size = 0;
    }
}

/* A store writes what differs; a batch that is applied again starts clean. */
static void
clear_outcomes (SbOperation *const *operations, guint n_operations)
{
  for (guint i = 0; i < n_operations; i++)
    clear_outcome (operations[i]);
}

/**
 * sb_store_apply:
 * @self: an open store
 * @operations: (array length=n_operations): in order; each sees the effect of those before it
 * @n_operations: how many
 * @error: SB_ERROR_NO_SPACE, SB_ERROR_CORRUPT, SB_ERROR_TRANSIENT
 *
 * Applies all operations or none. On the journal's thread. The store finds
 * every outcome at %SB_OUTCOME_DONE, the results of every sweep empty, and
 * nothing said of files.
 *
 * Returns: %TRUE when all is flushed to stable storage and every operation has
 *   its outcome; %FALSE when the store is as before
 */
gboolean
sb_store_apply (SbStore *self, SbOperation *const *operations, guint n_operations, GError **error)
{
  SbStoreInterface *iface;
  GError *inner = NULL;
  gboolean applied;

  g_return_val_if_fail (SB_IS_STORE (self), FALSE);
  g_return_val_if_fail (operations != NULL || n_operations == 0, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  iface = SB_STORE_GET_IFACE (self);
  if (!has_vfunc (self, "apply", iface->apply != NULL, error))
    return FALSE;
  if (n_operations == 0)
    return TRUE;
  clear_outcomes (operations, n_operations);
  applied = iface->apply (self, operations, n_operations, &inner);
  return judge (self, "apply", applied, inner, error);
}

/**
 * sb_store_pending:
 * @self: an open store
 * @recipient: key of the recipient
 * @after: only positions above this one
 * @limit: at most so many rows, 1 or more
 * @max_bytes: stop before the message that would exceed it, but give at least one
 * @error: SB_ERROR_CORRUPT, SB_ERROR_TRANSIENT
 *
 * A page of a recipient's queue. On the reader's thread.
 *
 * Returns: (transfer full) (element-type SbStoredDelivery): pending deliveries
 *   in position order; neither parked nor scheduled ones
 */
GPtrArray *
sb_store_pending (SbStore *self, gint64 recipient, gint64 after, guint limit, gsize max_bytes,
                  GError **error)
{
  SbStoreInterface *iface;
  GError *inner = NULL;
  GPtrArray *rows;

  g_return_val_if_fail (SB_IS_STORE (self), NULL);
  g_return_val_if_fail (limit > 0, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  iface = SB_STORE_GET_IFACE (self);
  if (!has_vfunc (self, "pending", iface->pending != NULL, error))
    return NULL;
  rows = iface->pending (self, recipient, after, limit, max_bytes, &inner);
  return judge_rows (self, "pending", rows, inner, error);
}

/**
 * sb_store_parked:
 * @self: an open store
 * @recipient: key of the recipient
 * @until: only those due at this wall-clock time or before, microseconds
 * @limit: at most so many rows
 * @next_due: (out) (optional): when the first one that is not returned is due, 0 when there is none
 * @error: SB_ERROR_CORRUPT, SB_ERROR_TRANSIENT
 *
 * With a limit of 0 it only tells when the first one is due. On the reader's thread.
 *
 * Returns: (transfer full) (element-type SbStoredDelivery): parked deliveries,
 *   oldest due first, of the same due time by position
 */
GPtrArray *
sb_store_parked (SbStore *self, gint64 recipient, gint64 until, guint limit, gint64 *next_due,
                 GError **error)
{
  SbStoreInterface *iface;
  GError *inner = NULL;
  gint64 next = 0;
  GPtrArray *rows;

  g_return_val_if_fail (SB_IS_STORE (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  iface = SB_STORE_GET_IFACE (self);
  if (!has_vfunc (self, "parked", iface->parked != NULL, error))
    return NULL;
  rows = iface->parked (self, recipient, until, limit, &next, &inner);
  if (next_due != NULL)
    *next_due = next;
  return judge_rows (self, "parked", rows, inner, error);
}

/**
 * sb_store_backlog:
 * @self: an open store
 * @recipient: key of the recipient
 * @backlog: (out): what waits for it
 * @error: SB_ERROR_CORRUPT, SB_ERROR_TRANSIENT
 *
 * How much waits for a recipient; nothing for one that does not exist. On the
 * reader's thread.
 *
 * Returns: %TRUE when @backlog is filled
 */
gboolean
sb_store_backlog (SbStore *self, gint64 recipient, SbBacklog *backlog, GError **error)
{
  SbStoreInterface *iface;
  GError *inner = NULL;
  gboolean counted;

  g_return_val_if_fail (SB_IS_STORE (self), FALSE);
  g_return_val_if_fail (backlog != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  *backlog = (SbBacklog) { 0 };
  iface = SB_STORE_GET_IFACE (self);
  if (!has_vfunc (self, "backlog", iface->backlog != NULL, error))
    return FALSE;
  counted = iface->backlog (self, recipient, backlog, &inner);
  return judge (self, "backlog", counted, inner, error);
}

/**
 * sb_store_queues:
 * @self: an open store
 * @after: a key; 0 begins
 * @limit: at most so many, 1 or more
 * @error: SB_ERROR_CORRUPT, SB_ERROR_TRANSIENT
 *
 * On the reader's thread.
 *
 * Returns: (transfer full) (element-type SbQueueInfo): recipients for which
 *   something waits or has died, in order of their keys, from @after on
 */
GPtrArray *
sb_store_queues (SbStore *self, gint64 after, guint limit, GError **error)
{
  SbStoreInterface *iface;
  GError *inner = NULL;
  GPtrArray *rows;

  g_return_val_if_fail (SB_IS_STORE (self), NULL);
  g_return_val_if_fail (limit > 0, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  iface = SB_STORE_GET_IFACE (self);
  if (!has_vfunc (self, "queues", iface->queues != NULL, error))
    return NULL;
  rows = iface->queues (self, after, limit, &inner);
  return judge_rows (self, "queues", rows, inner, error);
}

/* For a store that cannot say it: every queue is looked at. */
static GPtrArray *
find_largest (SbStore *self, guint limit, GError **error)
{
  g_autoptr (GPtrArray) largest = g_ptr_array_new_with_free_func (
      (GDestroyNotify) sb_queue_info_free);
  gint64 after = 0;
  guint n;

  do
    {
      g_autoptr (GPtrArray) page = sb_store_queues (self, after, QUEUES_PAGE, error);

      if (page == NULL)
        return NULL;
      n = page->len;
      if (n > 0)
        after = ((const SbQueueInfo *) g_ptr_array_index (page, n - 1))->recipient;
      g_ptr_array_extend_and_steal (largest, g_steal_pointer (&page));
      g_ptr_array_sort (largest, sb_queue_info_compare);
      if (largest->len > limit)
        g_ptr_array_set_size (largest, (int) limit);
    }
  while (n == QUEUES_PAGE);
  return g_steal_pointer (&largest);
}

/**
 * sb_store_largest:
 * @self: an open store
 * @limit: at most so many, 1 or more
 * @error: SB_ERROR_CORRUPT, SB_ERROR_TRANSIENT
 *
 * On the reader's thread.
 *
 * Returns: (transfer full) (element-type SbQueueInfo): recipients with the longest queues, in the
 *   order of sb_queue_rank_compare()
 */
GPtrArray *
sb_store_largest (SbStore *self, guint limit, GError **error)
{
  SbStoreInterface *iface;
  GError *inner = NULL;
  GPtrArray *rows;

  g_return_val_if_fail (SB_IS_STORE (self), NULL);
  g_return_val_if_fail (limit > 0, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  iface = SB_STORE_GET_IFACE (self);
  if (iface->largest == NULL)
    return find_largest (self, limit, error);
  rows = iface->largest (self, limit, &inner);
  return judge_rows (self, "largest", rows, inner, error);
}

/**
 * sb_store_deliveries:
 * @self: an open store
 * @filter: which ones
 * @after: (nullable): what an earlier call gave as @next; %NULL begins
 * @limit: at most so many, 1 or more
 * @next: (out) (transfer full) (nullable): where to go on; %NULL when there are no more
 * @error: SB_ERROR_INVALID for an @after that the store does not know, SB_ERROR_CORRUPT,
 *   SB_ERROR_TRANSIENT
 *
 * On the reader's thread.
 *
 * Returns: (transfer full) (element-type SbDeliveryInfo): a page of what has
 *   not ended; it may be empty and still have a @next
 */
GPtrArray *
sb_store_deliveries (SbStore *self, const SbDeliveryFilter *filter, const char *after, guint limit,
                     char **next, GError **error)
{
  g_autofree char *cursor = NULL;
  SbStoreInterface *iface;
  GError *inner = NULL;
  GPtrArray *rows;

  g_return_val_if_fail (SB_IS_STORE (self), NULL);
  g_return_val_if_fail (filter != NULL && next != NULL, NULL);
  g_return_val_if_fail (limit > 0, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  *next = NULL;
  iface = SB_STORE_GET_IFACE (self);
  if (!has_vfunc (self, "deliveries", iface->deliveries != NULL, error))
    return NULL;
  rows = iface->deliveries (self, filter, after, limit, &cursor, &inner);
  rows = judge_rows (self, "deliveries", rows, inner, error);
  if (rows != NULL)
    *next = g_steal_pointer (&cursor);
  return rows;
}

/**
 * sb_store_message:
 * @self: an open store
 * @id: a message's id
 * @error: SB_ERROR_NOT_FOUND when it is unknown or has no body any more
 *
 * On the reader's thread.
 *
 * Returns: (transfer full): the message with its body
 */
SbMessage *
sb_store_message (SbStore *self, const char *id, GError **error)
{
  g_autoptr (SbMessage) message = NULL;
  SbStoreInterface *iface;
  GError *inner = NULL;

  g_return_val_if_fail (SB_IS_STORE (self), NULL);
  g_return_val_if_fail (id != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  iface = SB_STORE_GET_IFACE (self);
  if (!has_vfunc (self, "message", iface->message != NULL, error))
    return NULL;
  message = iface->message (self, id, &inner);
  if (!judge (self, "message", message != NULL, inner, error))
    return NULL;
  return g_steal_pointer (&message);
}

/**
 * sb_store_status:
 * @self: an open store
 * @id: a message's id
 * @error: SB_ERROR_NOT_FOUND when it is not (or no longer) known
 *
 * On the reader's thread.
 *
 * Returns: (transfer full): how the message stands
 */
SbMessageStatus *
sb_store_status (SbStore *self, const char *id, GError **error)
{
  g_autoptr (SbMessageStatus) status = NULL;
  SbStoreInterface *iface;
  GError *inner = NULL;

  g_return_val_if_fail (SB_IS_STORE (self), NULL);
  g_return_val_if_fail (id != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  iface = SB_STORE_GET_IFACE (self);
  if (!has_vfunc (self, "status", iface->status != NULL, error))
    return NULL;
  status = iface->status (self, id, &inner);
  if (!judge (self, "status", status != NULL, inner, error))
    return NULL;
  return g_steal_pointer (&status);
}

/**
 * sb_store_file:
 * @self: an open store
 * @name: a stored name
 * @error: SB_ERROR_NOT_FOUND when there is no such file, or its message has ended
 *
 * On the reader's thread.
 *
 * Returns: (transfer full): the file, and how its recipients stand to it
 */
SbFileInfo *
sb_store_file (SbStore *self, const char *name, GError **error)
{
  g_autoptr (SbFileInfo) info = NULL;
  SbStoreInterface *iface;
  GError *inner = NULL;

  g_return_val_if_fail (SB_IS_STORE (self), NULL);
  g_return_val_if_fail (name != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  iface = SB_STORE_GET_IFACE (self);
  if (!has_vfunc (self, "file", iface->file != NULL, error))
    return NULL;
  info = iface->file (self, name, &inner);
  if (!judge (self, "file", info != NULL, inner, error))
    return NULL;
  return g_steal_pointer (&info);
}

/**
 * sb_store_files:
 * @self: an open store
 * @after: id of a file; "" begins
 * @limit: at most so many, 1 or more
 * @error: SB_ERROR_CORRUPT, SB_ERROR_TRANSIENT
 *
 * On the reader's thread.
 *
 * Returns: (transfer full) (element-type SbFileInfo): files of messages that
 *   have not ended, in order of their ids, from @after on, without rights
 */
GPtrArray *
sb_store_files (SbStore *self, const char *after, guint limit, GError **error)
{
  SbStoreInterface *iface;
  GError *inner = NULL;
  GPtrArray *rows;

  g_return_val_if_fail (SB_IS_STORE (self), NULL);
  g_return_val_if_fail (after != NULL && limit > 0, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  iface = SB_STORE_GET_IFACE (self);
  if (!has_vfunc (self, "files", iface->files != NULL, error))
    return NULL;
  rows = iface->files (self, after, limit, &inner);
  return judge_rows (self, "files", rows, inner, error);
}

/**
 * sb_store_users:
 * @self: an open store
 * @error: SB_ERROR_CORRUPT, SB_ERROR_TRANSIENT
 *
 * On the reader's thread.
 *
 * Returns: (transfer full) (element-type SbUser): every user that was not
 *   removed, in order of their keys
 */
GPtrArray *
sb_store_users (SbStore *self, GError **error)
{
  SbStoreInterface *iface;
  GError *inner = NULL;
  GPtrArray *users;

  g_return_val_if_fail (SB_IS_STORE (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  iface = SB_STORE_GET_IFACE (self);
  if (!has_vfunc (self, "users", iface->users != NULL, error))
    return NULL;
  users = iface->users (self, &inner);
  return judge_rows (self, "users", users, inner, error);
}

/**
 * sb_store_receipts:
 * @self: an open store
 * @sender_key: key of the sender
 * @limit: at most so many, 1 or more
 * @error: SB_ERROR_CORRUPT, SB_ERROR_TRANSIENT
 *
 * On the reader's thread.
 *
 * Returns: (transfer full) (element-type SbStoredReceipt): receipts that wait
 *   for the sender, oldest first
 */
GPtrArray *
sb_store_receipts (SbStore *self, gint64 sender_key, guint limit, GError **error)
{
  SbStoreInterface *iface;
  GError *inner = NULL;
  GPtrArray *receipts;

  g_return_val_if_fail (SB_IS_STORE (self), NULL);
  g_return_val_if_fail (limit > 0, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  iface = SB_STORE_GET_IFACE (self);
  if (!has_vfunc (self, "receipts", iface->receipts != NULL, error))
    return NULL;
  receipts = iface->receipts (self, sender_key, limit, &inner);
  return judge_rows (self, "receipts", receipts, inner, error);
}

/**
 * sb_store_stats:
 * @self: an open store
 * @stats: (out caller-allocates): filled
 * @error: SB_ERROR_CORRUPT, SB_ERROR_TRANSIENT
 *
 * What the store holds in all. Cheap. On the reader's thread.
 *
 * Returns: %TRUE when @stats is filled
 */
gboolean
sb_store_stats (SbStore *self, SbStoreStats *stats, GError **error)
{
  SbStoreInterface *iface;
  GError *inner = NULL;
  gboolean filled;

  g_return_val_if_fail (SB_IS_STORE (self), FALSE);
  g_return_val_if_fail (stats != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  *stats = (SbStoreStats) { 0 };
  iface = SB_STORE_GET_IFACE (self);
  if (!has_vfunc (self, "stats", iface->stats != NULL, error))
    return FALSE;
  filled = iface->stats (self, stats, &inner);
  return judge (self, "stats", filled, inner, error);
}

static gboolean
has_optional (SbStore *self, gboolean present, GError **error)
{
  if (!present)
    g_set_error (error, SB_ERROR, SB_ERROR_UNSUPPORTED,
                 "This store (%s) can neither be backed up while the bus runs nor be restored",
                 G_OBJECT_TYPE_NAME (self));
  return present;
}

/**
 * sb_store_snapshot:
 * @self: an open store
 * @folder: (type filename): an empty folder
 * @func: (scope call): told of every file that a message of the snapshot still needs, on this
 *   thread
 * @user_data: for @func
 * @cancellable: (nullable): ends it early
 * @error: SB_ERROR_UNSUPPORTED when the store has no snapshots, SB_ERROR_NO_SPACE,
 *   SB_ERROR_CORRUPT, SB_ERROR_BUSY, %G_IO_ERROR_CANCELLED
 *
 * Writes what the store holds at one moment into files of @folder, while it goes on working. On a
 * thread that is neither the journal's nor the reader's; over before sb_store_close(). What a
 * failure leaves in @folder means nothing.
 *
 * Returns: whether @folder holds a snapshot
 */
gboolean
sb_store_snapshot (SbStore *self, const char *folder, SbSnapshotFunc func, gpointer user_data,
                   GCancellable *cancellable, GError **error)
{
  SbStoreInterface *iface;
  GError *inner = NULL;
  gboolean taken;

  g_return_val_if_fail (SB_IS_STORE (self), FALSE);
  g_return_val_if_fail (folder != NULL && func != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  iface = SB_STORE_GET_IFACE (self);
  if (!has_optional (self, iface->snapshot != NULL, error))
    return FALSE;
  taken = iface->snapshot (self, folder, func, user_data, cancellable, &inner);
  return judge (self, "snapshot", taken, inner, error);
}

/**
 * sb_store_restore:
 * @self: a new store
 * @options: as for sb_store_open()
 * @folder: (type filename): what sb_store_snapshot() wrote; may be taken apart
 * @error: SB_ERROR_UNSUPPORTED, SB_ERROR_CONFLICT when there is a store already, SB_ERROR_INVALID
 *
 * Puts a snapshot to where another object with the same options will open it. @self is of no use
 * afterwards. Blocks. Any thread.
 *
 * Returns: whether it can be opened now
 */
gboolean
sb_store_restore (SbStore *self, const SbStoreOptions *options, const char *folder, GError **error)
{
  SbStoreInterface *iface;
  GError *inner = NULL;
  gboolean restored;

  g_return_val_if_fail (SB_IS_STORE (self), FALSE);
  g_return_val_if_fail (options != NULL && folder != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  iface = SB_STORE_GET_IFACE (self);
  if (!has_optional (self, iface->restore != NULL, error))
    return FALSE;
  restored = iface->restore (self, options, folder, &inner);
  return judge (self, "restore", restored, inner, error);
}

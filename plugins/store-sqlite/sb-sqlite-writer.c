/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-sqlite-writer: a batch is one transaction.
 *
 * When a statement or the commit fails, the transaction is rolled back and so
 * are the counters. The connection is used again afterwards: automatic
 * checkpoints are off, so a commit reports nothing but itself; what a failed
 * flush may have left of the transaction lies behind the end of the log as all
 * connections know it, and the next commit writes over it, page by page, and
 * flushes again. Nothing is ever believed because it was flushed at some earlier
 * time. A power cut in between can at most bring the failed batch back as a
 * whole, which its senders, told that it failed, repeat under the same ids.
 */

#include "sb-sqlite-writer.h"

#include "sb-sqlite-codec.h"
#include "sb-sqlite-queries.h"

/* Numbers that are given away between two notes of it; those left over at a restart are skipped. */
#define RESERVE 1000000

/* Messages that ended less than so many microseconds apart are remembered as one row. */
#define ONE_TIME (100 * 1000)

/* Takes @db, also when it fails. */
SbSqliteWriter *
sb_sqlite_writer_new (SbSqliteDb *db, SbSqliteLedger *ledger, const SbStoreLimits *limits,
                      GError **error)
{
  g_autoptr (SbSqliteWriter) self = g_new0 (SbSqliteWriter, 1);

  self->db = db;
  self->ledger = ledger;
  self->limits = *limits;
  self->finished = g_array_new (FALSE, FALSE, sizeof (SbSqliteSpan));
  self->lowered = g_array_new (FALSE, FALSE, sizeof (SbSqliteLowered));
  self->scratch = g_byte_array_new ();
  self->keys = g_array_new (FALSE, FALSE, sizeof (gint64));
  if (!sb_sqlite_db_get_number (db, SB_SQLITE_GET_RESERVED, &self->reserved, error)
      || !sb_sqlite_db_prepare_all (db, sb_sqlite_writer_queries, SB_SQLITE_N_WRITER_QUERIES,
                                    error))
    return NULL;
  self->last_number = self->reserved;
  return g_steal_pointer (&self);
}

void
sb_sqlite_writer_free (SbSqliteWriter *self)
{
  if (self == NULL)
    return;
  sb_sqlite_db_close (self->db);
  g_array_unref (self->finished);
  g_array_unref (self->lowered);
  g_byte_array_unref (self->scratch);
  g_array_unref (self->keys);
  g_free (self->released);
  g_free (self);
}

void
sb_sqlite_message_clear (SbSqliteMessage *self)
{
  g_clear_pointer (&self->id, g_free);
  g_clear_pointer (&self->recipients, g_array_unref);
}

void
sb_sqlite_writer_saw_time (SbSqliteWriter *self, gint64 time)
{
  self->ledger->now.last_time = MAX (self->ledger->now.last_time, time);
}

static SbSqliteFound
read_message (SbSqliteWriter *self, sqlite3_stmt *statement, SbSqliteMessage *message,
              GError **error)
{
  g_autoptr (SbSqliteCursor) cursor = statement;
  int step = sb_sqlite_db_step (self->db, cursor, error);

  if (step != SB_SQLITE_STEP_ROW)
    return step == SB_SQLITE_STEP_DONE ? SB_SQLITE_ABSENT : SB_SQLITE_FAILED;
  message->seq = sqlite3_column_int64 (cursor, 0);
  message->id = g_strdup ((const char *) sqlite3_column_text (cursor, 1));
  message->sender = sqlite3_column_int64 (cursor, 2);
  message->deadline = sqlite3_column_int64 (cursor, 3);
  message->handle = sb_sqlite_handle_new (message->seq, message->deadline != 0,
                                          sqlite3_column_type (cursor, 4) == SQLITE_BLOB,
                                          sqlite3_column_type (cursor, 5) != SQLITE_NULL);
  message->recipients = sb_sqlite_read_recipients (cursor, 4);
  if (message->recipients != NULL)
    return SB_SQLITE_FOUND;
  g_set_error (error, SB_ERROR, SB_ERROR_CORRUPT,
               "Database %s: message %" G_GINT64_FORMAT " has no readable recipients",
               self->db->path, message->seq);
  return SB_SQLITE_FAILED;
}

SbSqliteFound
sb_sqlite_writer_find_message (SbSqliteWriter *self, const char *id, SbSqliteMessage *message,
                               GError **error)
{
  sqlite3_stmt *statement = sb_sqlite_writer_get (self, SB_SQLITE_W_FIND_MESSAGE);

  sqlite3_bind_text (statement, 1, id, -1, SQLITE_STATIC);
  return read_message (self, statement, message, error);
}

SbSqliteFound
sb_sqlite_writer_get_message (SbSqliteWriter *self, gint64 seq, SbSqliteMessage *message,
                              GError **error)
{
  sqlite3_stmt *statement = sb_sqlite_writer_get (self, SB_SQLITE_W_GET_MESSAGE);

  sqlite3_bind_int64 (statement, 1, seq);
  return read_message (self, statement, message, error);
}

/* Runs a query that takes two numbers and gives no rows. */
gboolean
sb_sqlite_writer_run_pair (SbSqliteWriter *self, guint query, gint64 first, gint64 second,
                           GError **error)
{
  sqlite3_stmt *statement = sb_sqlite_writer_get (self, query);

  sqlite3_bind_int64 (statement, 1, first);
  sqlite3_bind_int64 (statement, 2, second);
  return sb_sqlite_db_run (self->db, statement, error);
}

static gboolean
insert_remembered (SbSqliteWriter *self, gint64 count, GError **error)
{
  sqlite3_stmt *statement = sb_sqlite_writer_get (self, SB_SQLITE_W_INSERT_REMEMBERED);

  g_byte_array_set_size (self->scratch, 0);
  sb_sqlite_encode_spans (self->scratch, (const SbSqliteSpan *) self->finished->data,
                          self->finished->len);
  sqlite3_bind_int64 (statement, 1, self->finished_at);
  sqlite3_bind_int64 (statement, 2, count);
  sqlite3_bind_blob (statement, 3, self->scratch->data, self->scratch->len, SQLITE_STATIC);
  return sb_sqlite_db_run (self->db, statement, error);
}

/* The bodies of messages that were finished at about one time go, by ranges. */
static gboolean
write_finished (SbSqliteWriter *self, GError **error)
{
  gint64 count = 0;

  if (self->finished->len == 0)
    return TRUE;
  sb_sqlite_spans_join (self->finished);
  for (guint i = 0; i < self->finished->len; i++)
    {
      const SbSqliteSpan *span = &g_array_index (self->finished, SbSqliteSpan, i);

      if (!sb_sqlite_writer_run_pair (self, SB_SQLITE_W_DELETE_BODIES, span->first,
                                      span->first + span->length - 1, error))
        return FALSE;
      count += span->length;
    }
  if (!insert_remembered (self, count, error))
    return FALSE;
  g_array_set_size (self->finished, 0);
  return TRUE;
}

static gboolean
delete_deadline (SbSqliteWriter *self, gint64 handle, gint64 deadline, GError **error)
{
  return sb_sqlite_writer_run_pair (self, SB_SQLITE_W_DELETE_DEADLINE, deadline,
                                    sb_sqlite_handle_get_seq (handle), error);
}

/* All deliveries of a message have ended: its body goes, now or with the batch, its file now. */
gboolean
sb_sqlite_writer_finish (SbSqliteWriter *self, gint64 handle, gint64 rows, gint64 deadline,
                         gint64 size, gint64 now, GError **error)
{
  SbSqliteSpan span = { .first = sb_sqlite_handle_get_seq (handle), .length = 1, .rows = rows };

  if (self->finished->len > 0 && ABS (now - self->finished_from) > ONE_TIME
      && !write_finished (self, error))
    return FALSE;
  if (self->finished->len == 0)
    self->finished_from = self->finished_at = now;
  g_array_append_val (self->finished, span);
  self->finished_at = MAX (self->finished_at, now);
  self->ledger->now.messages--;
  self->ledger->now.bytes -= size;
  self->ledger->now.remembered++;
  if (sb_sqlite_handle_has_file (handle)
      && !sb_sqlite_writer_release_file (self, span.first, error))
    return FALSE;
  return !sb_sqlite_handle_has_deadline (handle) || delete_deadline (self, handle, deadline, error);
}

/* Returns: whether the row is there; then what it says */
static SbSqliteFound
lower_row (SbSqliteWriter *self, const SbSqliteLowered *lowered, gint64 *open, gint64 *waiting,
           gint64 *size, GError **error)
{
  g_autoptr (SbSqliteCursor) get = sb_sqlite_writer_get (self, SB_SQLITE_W_GET_FANOUT);
  sqlite3_stmt *lower = sb_sqlite_writer_get (self, SB_SQLITE_W_LOWER_FANOUT);
  gint64 seq = sb_sqlite_handle_get_seq (lowered->handle);
  int step;

  sqlite3_bind_int64 (lower, 1, seq);
  sqlite3_bind_int64 (lower, 2, lowered->ended);
  sqlite3_bind_int64 (lower, 3, lowered->left);
  sqlite3_bind_int64 (get, 1, seq);
  if (!sb_sqlite_db_run (self->db, lower, error))
    return SB_SQLITE_FAILED;
  step = sb_sqlite_db_step (self->db, get, error);
  if (step != SB_SQLITE_STEP_ROW)
    return step == SB_SQLITE_STEP_DONE ? SB_SQLITE_ABSENT : SB_SQLITE_FAILED;
  *open = sqlite3_column_int64 (get, 0);
  *waiting = sqlite3_column_int64 (get, 1);
  *size = sqlite3_column_int64 (get, 2);
  return SB_SQLITE_FOUND;
}

static gboolean
finish_shared (SbSqliteWriter *self, const SbSqliteMessage *message, gint64 size, gint64 now,
               GError **error)
{
  sqlite3_stmt *statement = sb_sqlite_writer_get (self, SB_SQLITE_W_DELETE_FANOUT);

  sqlite3_bind_int64 (statement, 1, message->seq);
  return sb_sqlite_db_run (self->db, statement, error)
         && sb_sqlite_writer_finish (self, message->handle, message->recipients->len,
                                     message->deadline, size, now, error);
}

/* The last delivery that waits takes the deadline with it, unless there is a file, with which the
 * dead expire, too; the last that is open takes the body. */
static gboolean
lower_fanout (SbSqliteWriter *self, const SbSqliteLowered *lowered, GError **error)
{
  g_auto (SbSqliteMessage) message = { 0 };
  gint64 seq = sb_sqlite_handle_get_seq (lowered->handle);
  gint64 open = 0, waiting = 0, size = 0;
  gboolean is_due;
  SbSqliteFound found = lower_row (self, lowered, &open, &waiting, &size, error);

  if (found != SB_SQLITE_FOUND)
    return found == SB_SQLITE_ABSENT;
  is_due = waiting <= 0 && sb_sqlite_handle_has_deadline (lowered->handle)
           && !sb_sqlite_handle_has_file (lowered->handle);
  if (open > 0 && !is_due)
    return TRUE;
  found = sb_sqlite_writer_get_message (self, seq, &message, error);
  if (found != SB_SQLITE_FOUND)
    return found == SB_SQLITE_ABSENT;
  if (open <= 0)
    return finish_shared (self, &message, size, lowered->now, error);
  return delete_deadline (self, message.handle, message.deadline, error);
}

/* So many deliveries of a message with several recipients have ended, so many wait no longer. With
 * a file, somebody waits to hear whether it was the last one. */
gboolean
sb_sqlite_writer_lower (SbSqliteWriter *self, gint64 handle, int ended, int left, gint64 now,
                        GError **error)
{
  SbSqliteLowered lowered = { .handle = handle, .ended = ended, .left = left, .now = now };
  SbSqliteLowered *last = self->lowered->len > 0 ? &g_array_index (self->lowered, SbSqliteLowered,
                                                                   self->lowered->len - 1)
                                                 : NULL;

  if (sb_sqlite_handle_has_file (handle))
    return lower_fanout (self, &lowered, error);
  if (last == NULL || last->handle != handle)
    {
      g_array_append_val (self->lowered, lowered);
      return TRUE;
    }
  last->ended += lowered.ended;
  last->left += lowered.left;
  last->now = MAX (last->now, now);
  return TRUE;
}

static int
compare_lowered (gconstpointer a, gconstpointer b)
{
  gint64 first = ((const SbSqliteLowered *) a)->handle;
  gint64 second = ((const SbSqliteLowered *) b)->handle;

  return (first > second) - (first < second);
}

/* One update per message, however many of its deliveries ended. */
static gboolean
flush_lowered (SbSqliteWriter *self, GError **error)
{
  guint i = 0;

  g_array_sort (self->lowered, compare_lowered);
  while (i < self->lowered->len)
    {
      SbSqliteLowered sum = g_array_index (self->lowered, SbSqliteLowered, i);

      for (i++; i < self->lowered->len; i++)
        {
          const SbSqliteLowered *next = &g_array_index (self->lowered, SbSqliteLowered, i);

          if (next->handle != sum.handle)
            break;
          sum.ended += next->ended;
          sum.left += next->left;
          sum.now = MAX (sum.now, next->now);
        }
      if (!lower_fanout (self, &sum, error))
        return FALSE;
    }
  g_array_set_size (self->lowered, 0);
  return TRUE;
}

/* Writes what the operations so far left for the end of the batch. */
gboolean
sb_sqlite_writer_flush (SbSqliteWriter *self, GError **error)
{
  return (self->lowered->len == 0 || flush_lowered (self, error)) && write_finished (self, error);
}

static gboolean
apply_receipt (SbSqliteWriter *self, SbOperation *operation, GError **error)
{
  if (!sb_sqlite_ledger_has_user (self->ledger, operation->add_receipt.sender_key))
    {
      operation->outcome = SB_OUTCOME_UNKNOWN;
      return TRUE;
    }
  return sb_sqlite_writer_add_receipt (self, operation->add_receipt.sender_key,
                                       operation->add_receipt.recipient, operation->add_receipt.id,
                                       operation->add_receipt.now, error);
}

static gboolean
apply_one (SbSqliteWriter *self, SbOperation *operation, GError **error)
{
  operation->outcome = SB_OUTCOME_DONE;
  switch (operation->kind)
    {
    case SB_OPERATION_APPEND:
      return sb_sqlite_writer_append (self, operation, error);
    case SB_OPERATION_END:
      return sb_sqlite_writer_end (self, operation, error);
    case SB_OPERATION_PARK:
      return sb_sqlite_writer_park (self, operation, error);
    case SB_OPERATION_PUT_USER:
      return sb_sqlite_writer_put_user (self, operation, error);
    case SB_OPERATION_REMOVE_USER:
      return sb_sqlite_writer_remove_user (self, operation, error);
    case SB_OPERATION_ADD_RECEIPT:
      return apply_receipt (self, operation, error);
    case SB_OPERATION_DROP_RECEIPTS:
      return sb_sqlite_writer_drop_receipts (self, operation, error);
    case SB_OPERATION_SWEEP:
      return sb_sqlite_writer_sweep (self, operation, error);
    case SB_OPERATION_LIMITS:
      self->limits = operation->limits;
      return TRUE;
    case SB_OPERATION_REQUEUE:
      return sb_sqlite_writer_requeue (self, operation, error);
    case SB_OPERATION_MOVE:
      return sb_sqlite_writer_move (self, operation, error);
    }
  g_set_error (error, SB_ERROR, SB_ERROR_UNSUPPORTED, "Unknown operation %d", operation->kind);
  return FALSE;
}

/* Notes that numbers were given away before any of them can be seen. */
static gboolean
reserve_numbers (SbSqliteWriter *self, GError **error)
{
  sqlite3_stmt *statement = sb_sqlite_writer_get (self, SB_SQLITE_W_RESERVE);

  if (self->last_number <= self->reserved)
    return TRUE;
  sqlite3_bind_int64 (statement, 1, self->last_number + RESERVE);
  return sb_sqlite_db_run (self->db, statement, error);
}

static gboolean
apply_all (SbSqliteWriter *self, SbOperation *const *operations, guint n_operations, GError **error)
{
  for (guint i = 0; i < n_operations; i++)
    if (!apply_one (self, operations[i], error))
      return FALSE;
  return sb_sqlite_writer_flush (self, error) && reserve_numbers (self, error)
         && sb_sqlite_db_run (self->db, sb_sqlite_writer_get (self, SB_SQLITE_W_COMMIT), error);
}

/* SQLite has rolled back by itself after some errors. */
static void
roll_back (SbSqliteWriter *self, gint64 last_number, const SbStoreLimits *limits)
{
  if (!sqlite3_get_autocommit (self->db->handle))
    sb_sqlite_db_run (self->db, sb_sqlite_writer_get (self, SB_SQLITE_W_ROLLBACK), NULL);
  sb_sqlite_ledger_rollback (self->ledger);
  self->last_number = last_number;
  self->limits = *limits;
  g_array_set_size (self->finished, 0);
  g_array_set_size (self->lowered, 0);
  g_clear_pointer (&self->released, g_free);
  self->released_size = 0;
}

/* All operations or none, durable when it returns %TRUE. */
gboolean
sb_sqlite_writer_apply (SbSqliteWriter *self, SbOperation *const *operations, guint n_operations,
                        GError **error)
{
  gint64 last_number = self->last_number;
  SbStoreLimits limits = self->limits;

  if (!sb_sqlite_db_run (self->db, sb_sqlite_writer_get (self, SB_SQLITE_W_BEGIN), error))
    return FALSE;
  if (!apply_all (self, operations, n_operations, error))
    {
      roll_back (self, last_number, &limits);
      return FALSE;
    }
  if (self->last_number > self->reserved)
    self->reserved = self->last_number + RESERVE;
  sb_sqlite_ledger_commit (self->ledger);
  return TRUE;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-sqlite-sweep: what time does. Deadlines pass, scheduled deliveries wake, the
 * remembered are forgotten, old receipts go. All of it in slices: a sweep touches
 * no more rows than it was allowed, and says when there is more.
 */

#include "sb-sqlite-writer.h"

#include "sb-sqlite-codec.h"
#include "sb-sqlite-queries.h"

typedef struct
{
  SbSqliteWriter *writer;
  SbOperation *operation;
  gint64 now;
  gint64 budget; /* rows that may still be touched */
} Sweep;

static void
report (Sweep *sweep, const SbSqliteMessage *message, gint64 recipient, gint64 position,
        SbDeliveryState state)
{
  SbDue due = { .recipient = recipient,
                .position = position,
                .sender_key = message->sender,
                .id = g_strdup (message->id),
                .state = state };

  sb_sqlite_writer_take_released (sweep->writer, &due.released, &due.released_size);
  g_array_append_val (sweep->operation->sweep.moved, due);
}

/* What is dead stays, unless there is a file, which does not stay for ever. */
static gboolean
can_expire (const SbSqliteMessage *message, SbDeliveryState state)
{
  return !sb_delivery_state_has_ended (state)
         && (state != SB_DELIVERY_DEAD || sb_sqlite_handle_has_file (message->handle));
}

static gboolean
expire_one (Sweep *sweep, const SbSqliteMessage *message, gint64 recipient, GError **error)
{
  SbSqliteChange change = { .state = SB_DELIVERY_EXPIRED,
                            .reason = SB_REASON_TTL,
                            .now = sweep->now };
  SbSqliteDelivery delivery;
  SbSqliteFound found = sb_sqlite_writer_locate (sweep->writer, message->seq, recipient, &delivery,
                                                 error);

  sweep->budget--;
  if (found != SB_SQLITE_FOUND || !can_expire (message, delivery.state))
    return found != SB_SQLITE_FAILED;
  change.attempts = delivery.attempts;
  if (!sb_sqlite_writer_end_delivery (sweep->writer, message, &delivery, &change, error))
    return FALSE;
  report (sweep, message, recipient, delivery.position, SB_DELIVERY_EXPIRED);
  return TRUE;
}

/* Goes on where the last sweep stopped, after @done recipients. */
static gboolean
expire_message (Sweep *sweep, const SbSqliteMessage *message, gint64 done, GError **error)
{
  sqlite3_stmt *update = sb_sqlite_writer_get (sweep->writer, SB_SQLITE_W_UPDATE_DEADLINE);

  for (; done < message->recipients->len && sweep->budget > 0; done++)
    if (!expire_one (sweep, message, g_array_index (message->recipients, gint64, done), error))
      return FALSE;
  if (done >= message->recipients->len)
    return sb_sqlite_writer_run_pair (sweep->writer, SB_SQLITE_W_DELETE_DEADLINE, message->deadline,
                                      message->seq, error);
  sqlite3_bind_int64 (update, 1, message->deadline);
  sqlite3_bind_int64 (update, 2, message->seq);
  sqlite3_bind_int64 (update, 3, done);
  return sb_sqlite_db_run (sweep->writer->db, update, error);
}

/* Reads up to three numbers of the one row of @query; absent when there is none. */
static SbSqliteFound
get_first (Sweep *sweep, guint query, gint64 numbers[3], GError **error)
{
  g_autoptr (SbSqliteCursor) cursor = sb_sqlite_writer_get (sweep->writer, query);
  int step = sb_sqlite_db_step (sweep->writer->db, cursor, error);

  if (step != SB_SQLITE_STEP_ROW)
    return step == SB_SQLITE_STEP_DONE ? SB_SQLITE_ABSENT : SB_SQLITE_FAILED;
  for (int i = 0; i < 3; i++)
    numbers[i] = sqlite3_column_int64 (cursor, i);
  return SB_SQLITE_FOUND;
}

static SbSqliteFound
get_due_message (Sweep *sweep, gint64 seq, SbSqliteMessage *message, GError **error)
{
  SbSqliteFound found = sb_sqlite_writer_get_message (sweep->writer, seq, message, error);

  if (found == SB_SQLITE_ABSENT)
    g_set_error (error, SB_ERROR, SB_ERROR_CORRUPT,
                 "Database %s: message %" G_GINT64_FORMAT " is due but not there",
                 sweep->writer->db->path, seq);
  return found == SB_SQLITE_FOUND ? SB_SQLITE_FOUND : SB_SQLITE_FAILED;
}

static gboolean
expire (Sweep *sweep, GError **error)
{
  while (sweep->budget > 0)
    {
      g_auto (SbSqliteMessage) message = { 0 };
      gint64 row[3]; /* at, message, done */
      SbSqliteFound found = get_first (sweep, SB_SQLITE_W_NEXT_DEADLINE, row, error);

      if (found != SB_SQLITE_FOUND || row[0] > sweep->now)
        return found != SB_SQLITE_FAILED;
      if (get_due_message (sweep, row[1], &message, error) != SB_SQLITE_FOUND
          || !expire_message (sweep, &message, row[2], error))
        return FALSE;
    }
  return TRUE;
}

/* Its position is given now, behind everything that went before. */
static gboolean
wake_one (Sweep *sweep, gint64 seq, gint64 recipient, GError **error)
{
  g_auto (SbSqliteMessage) message = { 0 };
  SbSqliteDelivery delivery;

  sweep->budget--;
  if (get_due_message (sweep, seq, &message, error) != SB_SQLITE_FOUND
      || sb_sqlite_writer_locate (sweep->writer, seq, recipient, &delivery, error)
             != SB_SQLITE_FOUND)
    return FALSE;
  sb_sqlite_writer_uncount (sweep->writer, &delivery);
  if (!sb_sqlite_writer_enqueue (sweep->writer, &message, &delivery, sweep->now, error))
    return FALSE;
  report (sweep, &message, recipient, delivery.position, SB_DELIVERY_PENDING);
  return TRUE;
}

static gboolean
wake (Sweep *sweep, GError **error)
{
  while (sweep->budget > 0)
    {
      gint64 row[3]; /* due, message, recipient */
      SbSqliteFound found = get_first (sweep, SB_SQLITE_W_NEXT_SCHEDULED, row, error);

      if (found != SB_SQLITE_FOUND || row[0] > sweep->now)
        return found != SB_SQLITE_FAILED;
      if (!wake_one (sweep, row[1], row[2], error))
        return FALSE;
    }
  return TRUE;
}

/* A row of `remembered`: the messages that one batch finished. */
typedef struct
{
  gint64 n;
  gint64 at;
  gint64 count;
  GArray *spans; /* (owned) (element-type SbSqliteSpan) */
} Remembered;

static void
remembered_clear (Remembered *self)
{
  g_clear_pointer (&self->spans, g_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Remembered, remembered_clear)

static SbSqliteFound
get_oldest_remembered (Sweep *sweep, Remembered *row, GError **error)
{
  g_autoptr (SbSqliteCursor) cursor = sb_sqlite_writer_get (sweep->writer,
                                                            SB_SQLITE_W_OLDEST_REMEMBERED);
  int step = sb_sqlite_db_step (sweep->writer->db, cursor, error);

  if (step != SB_SQLITE_STEP_ROW)
    return step == SB_SQLITE_STEP_DONE ? SB_SQLITE_ABSENT : SB_SQLITE_FAILED;
  row->n = sqlite3_column_int64 (cursor, 0);
  row->at = sqlite3_column_int64 (cursor, 1);
  row->count = sqlite3_column_int64 (cursor, 2);
  row->spans = sb_sqlite_decode_spans (sqlite3_column_blob (cursor, 3),
                                       sqlite3_column_bytes (cursor, 3));
  if (row->spans != NULL)
    return SB_SQLITE_FOUND;
  g_set_error (error, SB_ERROR, SB_ERROR_CORRUPT,
               "Database %s: row %" G_GINT64_FORMAT " of the remembered is not readable",
               sweep->writer->db->path, row->n);
  return SB_SQLITE_FAILED;
}

static gboolean
delete_messages (Sweep *sweep, gint64 first, gint64 length, GError **error)
{
  sweep->writer->ledger->now.remembered -= length;
  return sb_sqlite_writer_run_pair (sweep->writer, SB_SQLITE_W_DELETE_MESSAGES, first,
                                    first + length - 1, error);
}

/* Only a delivery that took a detour has a log. */
static gboolean
delete_deliveries (Sweep *sweep, gint64 first, gint64 length, GError **error)
{
  SbSqliteWriter *writer = sweep->writer;
  gint64 last = first + length - 1;

  if (!sb_sqlite_writer_run_pair (writer, SB_SQLITE_W_DELETE_ENDED, first, last, error)
      || !sb_sqlite_writer_run_pair (writer, SB_SQLITE_W_DELETE_DETOURS, first, last, error))
    return FALSE;
  return sqlite3_changes (writer->db->handle) == 0
         || sb_sqlite_writer_run_pair (writer, SB_SQLITE_W_DELETE_LOGS, first, last, error);
}

/* Deliveries of a message that is gone, as far as the budget goes; logs before what names them. */
static gboolean
delete_some_deliveries (Sweep *sweep, SbSqliteSpan *span, GError **error)
{
  static const guint queries[] = { SB_SQLITE_W_DELETE_SOME_ENDED, SB_SQLITE_W_DELETE_SOME_DETOURS };

  if (!sb_sqlite_writer_run_pair (sweep->writer, SB_SQLITE_W_DELETE_SOME_LOGS, span->first,
                                  sweep->budget, error))
    return FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (queries) && sweep->budget > 0; i++)
    {
      gint64 changes;

      if (!sb_sqlite_writer_run_pair (sweep->writer, queries[i], span->first, sweep->budget, error))
        return FALSE;
      changes = sqlite3_changes (sweep->writer->db->handle);
      sweep->budget -= changes;
      span->rows -= changes;
    }
  return TRUE;
}

/* A message with many recipients: first it, then its deliveries, so that none is half known. */
static gboolean
forget_shared (Sweep *sweep, Remembered *row, SbSqliteSpan *span, gint64 *allowed, GError **error)
{
  if (span->length == 1)
    {
      if (!delete_messages (sweep, span->first, 1, error))
        return FALSE;
      span->length = 0;
      row->count--;
      (*allowed)--;
      sweep->budget--;
    }
  if (span->rows > sweep->budget)
    return delete_some_deliveries (sweep, span, error);
  sweep->budget -= span->rows;
  span->rows = 0;
  return delete_deliveries (sweep, span->first, 1, error);
}

static gboolean
forget_single (Sweep *sweep, Remembered *row, SbSqliteSpan *span, gint64 *allowed, GError **error)
{
  gint64 length = MIN (span->length, MIN (sweep->budget, *allowed));
  gint64 first = span->first;

  span->first += length;
  span->length -= length;
  row->count -= length;
  *allowed -= length;
  sweep->budget -= length;
  return delete_messages (sweep, first, length, error)
         && delete_deliveries (sweep, first, length, error);
}

static gboolean
is_done (const SbSqliteSpan *span)
{
  return span->length == 0 && (span->rows <= 1);
}

/* Keeps what is left of a row, or removes it. */
static gboolean
write_remembered (Sweep *sweep, const Remembered *row, guint done, GError **error)
{
  SbSqliteWriter *writer = sweep->writer;
  sqlite3_stmt *statement = sb_sqlite_writer_get (writer, done == row->spans->len
                                                              ? SB_SQLITE_W_DELETE_REMEMBERED
                                                              : SB_SQLITE_W_UPDATE_REMEMBERED);

  sqlite3_bind_int64 (statement, 1, row->n);
  if (done < row->spans->len)
    {
      g_byte_array_set_size (writer->scratch, 0);
      sb_sqlite_encode_spans (writer->scratch, &g_array_index (row->spans, SbSqliteSpan, done),
                              row->spans->len - done);
      sqlite3_bind_int64 (statement, 2, row->count);
      sqlite3_bind_blob (statement, 3, writer->scratch->data, writer->scratch->len, SQLITE_STATIC);
    }
  return sb_sqlite_db_run (writer->db, statement, error);
}

/* Forgets up to @allowed messages of one row. */
static gboolean
forget_row (Sweep *sweep, Remembered *row, gint64 allowed, GError **error)
{
  guint done = 0;

  while (done < row->spans->len && sweep->budget > 0 && allowed > 0)
    {
      SbSqliteSpan *span = &g_array_index (row->spans, SbSqliteSpan, done);
      gboolean is_single = span->rows == 1 && span->length > 0;

      if (!(is_single ? forget_single (sweep, row, span, &allowed, error)
                      : forget_shared (sweep, row, span, &allowed, error)))
        return FALSE;
      if (is_done (span))
        done++;
    }
  return write_remembered (sweep, row, done, error);
}

/* The oldest rows whose time has come, or as much as there is too much. */
static gboolean
forget (Sweep *sweep, GError **error)
{
  const SbStoreLimits *limits = &sweep->writer->limits;

  while (sweep->budget > 0)
    {
      g_auto (Remembered) row = { 0 };
      SbSqliteFound found = get_oldest_remembered (sweep, &row, error);
      gint64 excess = sweep->writer->ledger->now.remembered - limits->remember_max;

      if (found != SB_SQLITE_FOUND)
        return found == SB_SQLITE_ABSENT;
      if (row.at + limits->remember <= sweep->now)
        excess = G_MAXINT64;
      if (excess <= 0)
        return TRUE;
      if (!forget_row (sweep, &row, excess, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
drop_old_receipts (Sweep *sweep, GError **error)
{
  sqlite3_stmt *delete = sb_sqlite_writer_get (sweep->writer, SB_SQLITE_W_DELETE_RECEIPT);

  for (; sweep->budget > 0; sweep->budget--)
    {
      gint64 row[3]; /* number, sender, at */
      SbSqliteFound found = get_first (sweep, SB_SQLITE_W_OLDEST_RECEIPT, row, error);

      if (found != SB_SQLITE_FOUND || row[2] + sweep->writer->limits.receipts_age > sweep->now)
        return found != SB_SQLITE_FAILED;
      sqlite3_bind_int64 (delete, 1, row[0]);
      if (!sb_sqlite_db_run (sweep->writer->db, delete, error))
        return FALSE;
      sb_sqlite_ledger_touch (sweep->writer->ledger, row[1])->receipts--;
    }
  return TRUE;
}

/* When a sweep has something to do next. */
static gboolean
look_ahead (Sweep *sweep, GError **error)
{
  const SbStoreLimits *limits = &sweep->writer->limits;
  const struct
  {
    guint query;
    int column; /* of its time */
    gint64 age;
  } sources[] = {
    { SB_SQLITE_W_NEXT_SCHEDULED, 0, 0 },
    { SB_SQLITE_W_NEXT_DEADLINE, 0, 0 },
    { SB_SQLITE_W_OLDEST_REMEMBERED, 1, limits->remember },
    { SB_SQLITE_W_OLDEST_RECEIPT, 2, limits->receipts_age },
  };
  gint64 next = 0;

  for (guint i = 0; i < G_N_ELEMENTS (sources); i++)
    {
      gint64 row[3];
      gint64 due;
      SbSqliteFound found = get_first (sweep, sources[i].query, row, error);

      if (found == SB_SQLITE_FAILED)
        return FALSE;
      due = found == SB_SQLITE_FOUND ? row[sources[i].column] + sources[i].age : 0;
      if (due != 0 && (next == 0 || due < next))
        next = due;
    }
  sweep->operation->sweep.next = next;
  return TRUE;
}

gboolean
sb_sqlite_writer_sweep (SbSqliteWriter *self, SbOperation *operation, GError **error)
{
  Sweep sweep = { .writer = self,
                  .operation = operation,
                  .now = operation->sweep.now,
                  .budget = MAX (operation->sweep.limit, 1) };

  /* What has ended in this batch so far counts among the remembered. */
  if (!expire (&sweep, error) || !wake (&sweep, error) || !sb_sqlite_writer_flush (self, error)
      || !forget (&sweep, error) || !drop_old_receipts (&sweep, error)
      || !look_ahead (&sweep, error))
    return FALSE;
  operation->sweep.more = sweep.budget <= 0;
  return TRUE;
}

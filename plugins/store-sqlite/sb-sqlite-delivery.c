/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-sqlite-delivery: where a delivery lies, and how it gets from there to where
 * it belongs next: rows, counters, and what that means for its message.
 */

#include "sb-sqlite-writer.h"

#include "sb-sqlite-queries.h"

/* Columns: position, state, size, attempts. */
static SbSqliteFound
find_detour (SbSqliteWriter *self, gint64 seq, gint64 recipient, SbSqliteDelivery *delivery,
             GError **error)
{
  g_autoptr (SbSqliteCursor) cursor = sb_sqlite_writer_get (self, SB_SQLITE_W_GET_DETOUR);
  int step;

  sqlite3_bind_int64 (cursor, 1, seq);
  sqlite3_bind_int64 (cursor, 2, recipient);
  step = sb_sqlite_db_step (self->db, cursor, error);
  if (step != SB_SQLITE_STEP_ROW)
    return step == SB_SQLITE_STEP_DONE ? SB_SQLITE_ABSENT : SB_SQLITE_FAILED;
  delivery->position = sqlite3_column_int64 (cursor, 0);
  delivery->state = sqlite3_column_int (cursor, 1);
  delivery->size = sqlite3_column_int64 (cursor, 2);
  delivery->attempts = sqlite3_column_int (cursor, 3);
  delivery->in_detour = TRUE;
  return SB_SQLITE_FOUND;
}

static SbSqliteFound
find_queued (SbSqliteWriter *self, gint64 seq, gint64 recipient, SbSqliteDelivery *delivery,
             GError **error)
{
  g_autoptr (SbSqliteCursor) cursor = sb_sqlite_writer_get (self, SB_SQLITE_W_GET_QUEUED);
  int step;

  sqlite3_bind_int64 (cursor, 1, recipient);
  sqlite3_bind_int64 (cursor, 2, seq);
  step = sb_sqlite_db_step (self->db, cursor, error);
  if (step != SB_SQLITE_STEP_ROW)
    return step == SB_SQLITE_STEP_DONE ? SB_SQLITE_ABSENT : SB_SQLITE_FAILED;
  delivery->position = seq;
  delivery->state = SB_DELIVERY_PENDING;
  delivery->size = sqlite3_column_int64 (cursor, 1);
  return SB_SQLITE_FOUND;
}

static SbSqliteFound
find_ended (SbSqliteWriter *self, gint64 seq, gint64 recipient, SbSqliteDelivery *delivery,
            GError **error)
{
  g_autoptr (SbSqliteCursor) cursor = sb_sqlite_writer_get (self, SB_SQLITE_W_GET_ENDED);
  int step;

  sqlite3_bind_int64 (cursor, 1, seq);
  sqlite3_bind_int64 (cursor, 2, recipient);
  step = sb_sqlite_db_step (self->db, cursor, error);
  if (step != SB_SQLITE_STEP_ROW)
    return step == SB_SQLITE_STEP_DONE ? SB_SQLITE_ABSENT : SB_SQLITE_FAILED;
  delivery->position = seq;
  delivery->state = sqlite3_column_int (cursor, 0);
  return SB_SQLITE_FOUND;
}

/* Where the delivery of message @seq to @recipient lies. */
SbSqliteFound
sb_sqlite_writer_locate (SbSqliteWriter *self, gint64 seq, gint64 recipient,
                         SbSqliteDelivery *delivery, GError **error)
{
  SbSqliteFound found;

  *delivery = (SbSqliteDelivery) { .recipient = recipient };
  found = find_detour (self, seq, recipient, delivery, error);
  if (found == SB_SQLITE_ABSENT)
    found = find_queued (self, seq, recipient, delivery, error);
  if (found == SB_SQLITE_ABSENT)
    found = find_ended (self, seq, recipient, delivery, error);
  return found;
}

/* A pending delivery; its position is the number of its message @seq, or a later one. */
gboolean
sb_sqlite_writer_insert_queued (SbSqliteWriter *self, gint64 recipient, gint64 position, gint64 seq,
                                gboolean is_shared, gint64 size, GError **error)
{
  sqlite3_stmt *statement = sb_sqlite_writer_get (self, SB_SQLITE_W_INSERT_QUEUED);

  sqlite3_bind_int64 (statement, 1, recipient);
  sqlite3_bind_int64 (statement, 2, position);
  if (position == seq)
    sqlite3_bind_null (statement, 3);
  else
    sqlite3_bind_int64 (statement, 3, seq);
  sqlite3_bind_int (statement, 4, is_shared);
  sqlite3_bind_int64 (statement, 5, size);
  return sb_sqlite_db_run (self->db, statement, error);
}

gboolean
sb_sqlite_writer_delete_queued (SbSqliteWriter *self, gint64 recipient, gint64 position,
                                GError **error)
{
  return sb_sqlite_writer_run_pair (self, SB_SQLITE_W_DELETE_QUEUED, recipient, position, error);
}

gboolean
sb_sqlite_writer_insert_ended (SbSqliteWriter *self, gint64 seq, gint64 recipient,
                               const SbSqliteChange *change, GError **error)
{
  sqlite3_stmt *statement = sb_sqlite_writer_get (self, SB_SQLITE_W_INSERT_ENDED);

  sqlite3_bind_int64 (statement, 1, seq);
  sqlite3_bind_int64 (statement, 2, recipient);
  sqlite3_bind_int (statement, 3, change->state);
  sqlite3_bind_int64 (statement, 4, change->now);
  sqlite3_bind_int (statement, 5, change->attempts);
  sqlite3_bind_int (statement, 6, change->reason);
  return sb_sqlite_db_run (self->db, statement, error);
}

gboolean
sb_sqlite_writer_insert_fanout (SbSqliteWriter *self, gint64 seq, gint64 open, gint64 waiting,
                                gint64 size, GError **error)
{
  sqlite3_stmt *statement = sb_sqlite_writer_get (self, SB_SQLITE_W_INSERT_FANOUT);

  sqlite3_bind_int64 (statement, 1, seq);
  sqlite3_bind_int64 (statement, 2, open);
  sqlite3_bind_int64 (statement, 3, waiting);
  sqlite3_bind_int64 (statement, 4, size);
  return sb_sqlite_db_run (self->db, statement, error);
}

static gboolean
write_log (SbSqliteWriter *self, gint64 seq, gint64 recipient, const char *log, GError **error)
{
  sqlite3_stmt *statement = sb_sqlite_writer_get (self, SB_SQLITE_W_INSERT_LOG);

  if (log == NULL)
    return TRUE;
  sqlite3_bind_int64 (statement, 1, seq);
  sqlite3_bind_int64 (statement, 2, recipient);
  sqlite3_bind_text (statement, 3, log, -1, SQLITE_STATIC);
  return sb_sqlite_db_run (self->db, statement, error);
}

static gboolean
write_detour (SbSqliteWriter *self, const SbSqliteMessage *message,
              const SbSqliteDelivery *delivery, const SbSqliteChange *change, GError **error)
{
  sqlite3_stmt *statement = sb_sqlite_writer_get (
      self, delivery->in_detour ? SB_SQLITE_W_UPDATE_DETOUR : SB_SQLITE_W_INSERT_DETOUR);

  sqlite3_bind_int64 (statement, 1, message->seq);
  sqlite3_bind_int64 (statement, 2, delivery->recipient);
  sqlite3_bind_int64 (statement, 3, delivery->position);
  sqlite3_bind_int (statement, 4, change->state);
  sqlite3_bind_int64 (statement, 5, change->now);
  sqlite3_bind_int64 (statement, 6, change->due);
  sqlite3_bind_int (statement, 7, change->attempts);
  sqlite3_bind_int (statement, 8, change->reason);
  sqlite3_bind_int (statement, 9, sb_sqlite_handle_is_shared (message->handle));
  if (!delivery->in_detour)
    sqlite3_bind_int64 (statement, 10, delivery->size);
  return sb_sqlite_db_run (self->db, statement, error)
         && write_log (self, message->seq, delivery->recipient, change->log, error);
}

/* Takes a delivery out of the counters that it is in. */
void
sb_sqlite_writer_uncount (SbSqliteWriter *self, const SbSqliteDelivery *delivery)
{
  sb_sqlite_ledger_count (self->ledger, sb_sqlite_ledger_touch (self->ledger, delivery->recipient),
                          delivery->state, -1, -delivery->size);
}

static void
count (SbSqliteWriter *self, const SbSqliteDelivery *delivery, SbDeliveryState state)
{
  sb_sqlite_ledger_count (self->ledger, sb_sqlite_ledger_touch (self->ledger, delivery->recipient),
                          state, 1, delivery->size);
}

/* What the end of a delivery means for its message. */
gboolean
sb_sqlite_writer_settle (SbSqliteWriter *self, gint64 handle, gint64 deadline,
                         const SbSqliteDelivery *delivery, const SbSqliteChange *change,
                         GError **error)
{
  gboolean has_ended = change->state != SB_DELIVERY_DEAD;

  if (sb_sqlite_handle_is_shared (handle))
    return sb_sqlite_writer_lower (self, handle, has_ended ? 1 : 0,
                                   delivery->state != SB_DELIVERY_DEAD ? 1 : 0, change->now, error);
  if (has_ended)
    return sb_sqlite_writer_finish (self, handle, 1, deadline, delivery->size, change->now, error);
  return !sb_sqlite_handle_has_deadline (handle) || sb_sqlite_handle_has_file (handle)
         || sb_sqlite_writer_run_pair (self, SB_SQLITE_W_DELETE_DEADLINE, deadline,
                                       sb_sqlite_handle_get_seq (handle), error);
}

/* Takes a delivery from where it lies to where its new state, which is not pending, puts it. */
gboolean
sb_sqlite_writer_change (SbSqliteWriter *self, const SbSqliteMessage *message,
                         const SbSqliteDelivery *delivery, const SbSqliteChange *change,
                         GError **error)
{
  gboolean is_plain = !delivery->in_detour && change->log == NULL
                      && sb_delivery_state_has_ended (change->state);

  sb_sqlite_writer_uncount (self, delivery);
  count (self, delivery, change->state);
  if (delivery->state == SB_DELIVERY_PENDING
      && !sb_sqlite_writer_delete_queued (self, delivery->recipient, delivery->position, error))
    return FALSE;
  if (is_plain)
    return sb_sqlite_writer_insert_ended (self, message->seq, delivery->recipient, change, error);
  return write_detour (self, message, delivery, change, error);
}

/* Ends a delivery that has not ended, or makes it dead. */
gboolean
sb_sqlite_writer_end_delivery (SbSqliteWriter *self, const SbSqliteMessage *message,
                               const SbSqliteDelivery *delivery, const SbSqliteChange *change,
                               GError **error)
{
  return sb_sqlite_writer_change (self, message, delivery, change, error)
         && sb_sqlite_writer_settle (self, message->handle, message->deadline, delivery, change,
                                     error);
}

/* A delivery that was dead is not any more. */
gboolean
sb_sqlite_writer_wait_again (SbSqliteWriter *self, const SbSqliteMessage *message, gint64 now,
                             GError **error)
{
  return !sb_sqlite_handle_is_shared (message->handle)
         || sb_sqlite_writer_lower (self, message->handle, 0, -1, now, error);
}

/* Puts a delivery that is new, or in no counter any more, at the end of its recipient's queue. */
gboolean
sb_sqlite_writer_enqueue (SbSqliteWriter *self, const SbSqliteMessage *message,
                          SbSqliteDelivery *delivery, gint64 now, GError **error)
{
  const SbSqliteChange change = { .state = SB_DELIVERY_PENDING, .now = now };

  delivery->position = ++self->last_number;
  count (self, delivery, SB_DELIVERY_PENDING);
  return write_detour (self, message, delivery, &change, error)
         && sb_sqlite_writer_insert_queued (
             self, delivery->recipient, delivery->position, message->seq,
             sb_sqlite_handle_is_shared (message->handle), delivery->size, error);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-sqlite-end: deliveries that end or are parked. The usual end, of a delivery
 * in the queue by one who knows its message, reads nothing; every other one finds
 * out first where the delivery lies.
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

/* A position is the number of its message, unless the delivery was scheduled before. */
static SbSqliteFound
find_message_at (SbSqliteWriter *self, gint64 recipient, gint64 position, SbSqliteMessage *message,
                 GError **error)
{
  sqlite3_stmt *find = sb_sqlite_writer_get (self, SB_SQLITE_W_FIND_DETOUR);
  gint64 seq = position;
  int step;

  sqlite3_bind_int64 (find, 1, recipient);
  sqlite3_bind_int64 (find, 2, position);
  step = sb_sqlite_db_step (self->db, find, error);
  if (step == SB_SQLITE_STEP_ERROR)
    return SB_SQLITE_FAILED;
  if (step == SB_SQLITE_STEP_ROW)
    seq = sqlite3_column_int64 (find, 0);
  sqlite3_reset (find);
  return sb_sqlite_writer_get_message (self, seq, message, error);
}

/* By position with or without a handle, or by id when there is no position. */
static SbSqliteFound
find_delivery (SbSqliteWriter *self, gint64 recipient, gint64 position, gint64 handle,
               const char *id, SbSqliteMessage *message, SbSqliteDelivery *delivery, GError **error)
{
  SbSqliteFound found;

  if (position == 0 && id == NULL)
    return SB_SQLITE_ABSENT;
  if (position == 0)
    found = sb_sqlite_writer_find_message (self, id, message, error);
  else if (handle != 0)
    found = sb_sqlite_writer_get_message (self, sb_sqlite_handle_get_seq (handle), message, error);
  else
    found = find_message_at (self, recipient, position, message, error);
  if (found == SB_SQLITE_FOUND)
    found = sb_sqlite_writer_locate (self, message->seq, recipient, delivery, error);
  if (found == SB_SQLITE_FOUND && position != 0 && delivery->position != position)
    return SB_SQLITE_ABSENT;
  return found;
}

static gboolean
delete_queued (SbSqliteWriter *self, gint64 recipient, gint64 position, GError **error)
{
  return sb_sqlite_writer_run_pair (self, SB_SQLITE_W_DELETE_QUEUED, recipient, position, error);
}

static gboolean
insert_ended (SbSqliteWriter *self, gint64 seq, gint64 recipient, SbDeliveryState state,
              SbReason reason, guint attempts, gint64 now, GError **error)
{
  sqlite3_stmt *statement = sb_sqlite_writer_get (self, SB_SQLITE_W_INSERT_ENDED);

  sqlite3_bind_int64 (statement, 1, seq);
  sqlite3_bind_int64 (statement, 2, recipient);
  sqlite3_bind_int (statement, 3, state);
  sqlite3_bind_int64 (statement, 4, now);
  sqlite3_bind_int (statement, 5, attempts);
  sqlite3_bind_int (statement, 6, reason);
  return sb_sqlite_db_run (self->db, statement, error);
}

static gboolean
write_detour (SbSqliteWriter *self, const SbSqliteMessage *message,
              const SbSqliteDelivery *delivery, SbDeliveryState state, SbReason reason,
              guint attempts, gint64 due, gint64 now, GError **error)
{
  sqlite3_stmt *statement = sb_sqlite_writer_get (
      self, delivery->in_detour ? SB_SQLITE_W_UPDATE_DETOUR : SB_SQLITE_W_INSERT_DETOUR);

  sqlite3_bind_int64 (statement, 1, message->seq);
  sqlite3_bind_int64 (statement, 2, delivery->recipient);
  sqlite3_bind_int64 (statement, 3, delivery->position);
  sqlite3_bind_int (statement, 4, state);
  sqlite3_bind_int64 (statement, 5, now);
  sqlite3_bind_int64 (statement, 6, due);
  sqlite3_bind_int (statement, 7, attempts);
  sqlite3_bind_int (statement, 8, reason);
  if (!delivery->in_detour)
    {
      sqlite3_bind_int (statement, 9, sb_sqlite_handle_is_shared (message->handle));
      sqlite3_bind_int64 (statement, 10, delivery->size);
    }
  return sb_sqlite_db_run (self->db, statement, error);
}

/* Takes a delivery out of the counters that it is in. */
static void
uncount (SbSqliteWriter *self, const SbSqliteDelivery *delivery)
{
  SbSqliteTally *tally;

  if (delivery->state == SB_DELIVERY_DEAD)
    {
      self->ledger->now.dead--;
      return;
    }
  tally = sb_sqlite_ledger_touch (self->ledger, delivery->recipient);
  tally->count--;
  tally->bytes -= delivery->size;
  self->ledger->now.waiting--;
  if (delivery->state == SB_DELIVERY_PARKED)
    self->ledger->now.parked--;
}

/* What the end of a delivery means for its message. */
static gboolean
settle (SbSqliteWriter *self, gint64 handle, gint64 deadline, const SbSqliteDelivery *delivery,
        SbDeliveryState state, gint64 now, GError **error)
{
  gboolean has_ended = state != SB_DELIVERY_DEAD;

  if (sb_sqlite_handle_is_shared (handle))
    {
      sb_sqlite_writer_lower (self, handle, has_ended, delivery->state != SB_DELIVERY_DEAD, now);
      return TRUE;
    }
  if (has_ended)
    return sb_sqlite_writer_finish (self, handle, 1, deadline, delivery->size, now, error);
  return !sb_sqlite_handle_has_deadline (handle)
         || sb_sqlite_writer_run_pair (self, SB_SQLITE_W_DELETE_DEADLINE, deadline,
                                       sb_sqlite_handle_get_seq (handle), error);
}

/* Ends a delivery that has not ended, or makes it dead. */
gboolean
sb_sqlite_writer_end_delivery (SbSqliteWriter *self, const SbSqliteMessage *message,
                               const SbSqliteDelivery *delivery, SbDeliveryState state,
                               SbReason reason, guint attempts, gint64 now, GError **error)
{
  gboolean written;

  uncount (self, delivery);
  if (delivery->state == SB_DELIVERY_PENDING
      && !delete_queued (self, delivery->recipient, delivery->position, error))
    return FALSE;
  if (delivery->in_detour || state == SB_DELIVERY_DEAD)
    written = write_detour (self, message, delivery, state, reason, attempts, 0, now, error);
  else
    written = insert_ended (self, message->seq, delivery->recipient, state, reason, attempts, now,
                            error);
  if (!written)
    return FALSE;
  if (state == SB_DELIVERY_DEAD)
    self->ledger->now.dead++;
  return settle (self, message->handle, message->deadline, delivery, state, now, error);
}

static gboolean
keep_receipt (SbSqliteWriter *self, SbOperation *operation, const char *id, GError **error)
{
  if (!operation->end.store_receipt || operation->end.state != SB_DELIVERY_CONFIRMED
      || !sb_sqlite_ledger_has_user (self->ledger, operation->end.sender_key))
    return TRUE;
  return sb_sqlite_writer_add_receipt (self, operation->end.sender_key, operation->end.recipient,
                                       id, operation->end.now, error);
}

/* A dead delivery can still be confirmed or dropped; what has ended stays as it is. */
static SbOutcome
judge_end (SbDeliveryState from, SbDeliveryState to)
{
  if (from == SB_DELIVERY_CONFIRMED)
    return SB_OUTCOME_DUPLICATE;
  if (sb_delivery_state_has_ended (from))
    return SB_OUTCOME_UNKNOWN;
  if (from == SB_DELIVERY_DEAD && to != SB_DELIVERY_CONFIRMED && to != SB_DELIVERY_DROPPED)
    return SB_OUTCOME_UNKNOWN;
  return SB_OUTCOME_DONE;
}

/* Of a delivery that may lie anywhere. */
static gboolean
end_anywhere (SbSqliteWriter *self, SbOperation *operation, GError **error)
{
  g_auto (SbSqliteMessage) message = { 0 };
  SbSqliteDelivery delivery;
  SbSqliteFound found = find_delivery (self, operation->end.recipient, operation->end.position,
                                       operation->end.handle, operation->end.id, &message,
                                       &delivery, error);

  if (found == SB_SQLITE_FAILED)
    return FALSE;
  if (found == SB_SQLITE_ABSENT)
    {
      operation->outcome = SB_OUTCOME_UNKNOWN;
      return TRUE;
    }
  operation->end.position = delivery.position;
  operation->end.sender_key = message.sender;
  operation->outcome = judge_end (delivery.state, operation->end.state);
  if (operation->outcome != SB_OUTCOME_DONE)
    return TRUE;
  return sb_sqlite_writer_end_delivery (
             self, &message, &delivery, operation->end.state, operation->end.reason,
             MAX (operation->end.attempts, delivery.attempts), operation->end.now, error)
         && keep_receipt (self, operation, message.id, error);
}

/* Of a delivery that lies in the queue, where it always was; @was_there tells. */
static gboolean
end_queued (SbSqliteWriter *self, SbOperation *operation, gboolean *was_there, GError **error)
{
  const SbMessage *message = operation->end.message;
  gint64 seq = operation->end.position;
  gint64 recipient = operation->end.recipient;
  SbSqliteDelivery delivery = { .recipient = recipient, .state = SB_DELIVERY_PENDING };

  if (!delete_queued (self, recipient, seq, error))
    return FALSE;
  *was_there = sqlite3_changes (self->db->handle) > 0;
  if (!*was_there)
    return TRUE;
  delivery.size = g_bytes_get_size (message->body);
  uncount (self, &delivery);
  operation->end.sender_key = message->sender_key;
  return insert_ended (self, seq, recipient, operation->end.state, operation->end.reason,
                       operation->end.attempts, operation->end.now, error)
         && settle (self, operation->end.handle, message->deadline, &delivery, operation->end.state,
                    operation->end.now, error)
         && keep_receipt (self, operation, message->id, error);
}

static gboolean
is_usual_end (const SbOperation *operation)
{
  return operation->end.message != NULL && operation->end.position != 0
         && operation->end.position == sb_sqlite_handle_get_seq (operation->end.handle)
         && operation->end.state != SB_DELIVERY_DEAD;
}

gboolean
sb_sqlite_writer_end (SbSqliteWriter *self, SbOperation *operation, GError **error)
{
  gboolean was_there = FALSE;

  sb_sqlite_writer_saw_time (self, operation->end.now);
  if (is_usual_end (operation) && !end_queued (self, operation, &was_there, error))
    return FALSE;
  return was_there || end_anywhere (self, operation, error);
}

gboolean
sb_sqlite_writer_park (SbSqliteWriter *self, SbOperation *operation, GError **error)
{
  g_auto (SbSqliteMessage) message = { 0 };
  SbSqliteDelivery delivery;
  SbSqliteFound found = find_delivery (self, operation->park.recipient, operation->park.position,
                                       operation->park.handle, NULL, &message, &delivery, error);

  if (found == SB_SQLITE_FAILED)
    return FALSE;
  if (found == SB_SQLITE_ABSENT
      || (delivery.state != SB_DELIVERY_PENDING && delivery.state != SB_DELIVERY_PARKED))
    {
      operation->outcome = SB_OUTCOME_UNKNOWN;
      return TRUE;
    }
  sb_sqlite_writer_saw_time (self, operation->park.now);
  if (delivery.state == SB_DELIVERY_PENDING)
    {
      self->ledger->now.parked++;
      if (!delete_queued (self, delivery.recipient, delivery.position, error))
        return FALSE;
    }
  return write_detour (self, &message, &delivery, SB_DELIVERY_PARKED, SB_REASON_NONE,
                       MAX (operation->park.attempts, delivery.attempts), operation->park.due,
                       operation->park.now, error);
}

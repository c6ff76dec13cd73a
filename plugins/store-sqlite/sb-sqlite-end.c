/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-sqlite-end: deliveries that end or are parked. The usual end, of a delivery
 * in the queue by one who knows its message, reads nothing; every other one finds
 * out first where the delivery lies.
 */

#include "sb-sqlite-writer.h"

#include "sb-sqlite-queries.h"

/* A position is the number of its message, unless it came into the queue later. */
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
keep_receipt (SbSqliteWriter *self, SbOperation *operation, const char *id, GError **error)
{
  if (!operation->end.store_receipt || operation->end.state != SB_DELIVERY_CONFIRMED
      || !sb_sqlite_ledger_has_user (self->ledger, operation->end.sender_key))
    return TRUE;
  return sb_sqlite_writer_add_receipt (self, operation->end.sender_key, operation->end.recipient,
                                       id, operation->end.now, error);
}

/* Who confirms a message with a file has the notice, but may still want the file. */
static SbDeliveryState
choose_state (const SbOperation *operation, const SbSqliteMessage *message)
{
  if (operation->end.state == SB_DELIVERY_CONFIRMED && !operation->end.release
      && sb_sqlite_handle_has_file (message->handle))
    return SB_DELIVERY_NOTIFIED;
  return operation->end.state;
}

/* A dead delivery can still be confirmed or dropped; what has ended stays as it is. */
static SbOutcome
judge_end (SbDeliveryState from, SbDeliveryState to)
{
  if (from == SB_DELIVERY_CONFIRMED || (from == to && to == SB_DELIVERY_NOTIFIED))
    return SB_OUTCOME_DUPLICATE;
  if (sb_delivery_state_has_ended (from))
    return SB_OUTCOME_UNKNOWN;
  if (from == SB_DELIVERY_DEAD && (to == SB_DELIVERY_EXPIRED || to == SB_DELIVERY_DEAD))
    return SB_OUTCOME_UNKNOWN;
  return SB_OUTCOME_DONE;
}

/* Nothing has ended: there is no receipt, and the message stays. */
static gboolean
notify (SbSqliteWriter *self, SbOperation *operation, const SbSqliteMessage *message,
        const SbSqliteDelivery *delivery, SbSqliteChange *change, GError **error)
{
  operation->end.notified = TRUE;
  change->reason = SB_REASON_NONE;
  if (delivery->state == SB_DELIVERY_DEAD
      && !sb_sqlite_writer_wait_again (self, message, change->now, error))
    return FALSE;
  return sb_sqlite_writer_change (self, message, delivery, change, error);
}

/* Of a delivery that may lie anywhere. */
static gboolean
end_anywhere (SbSqliteWriter *self, SbOperation *operation, const SbSqliteChange *asked,
              GError **error)
{
  g_auto (SbSqliteMessage) message = { 0 };
  SbSqliteChange change = *asked;
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
  change.state = choose_state (operation, &message);
  operation->outcome = judge_end (delivery.state, change.state);
  if (operation->outcome != SB_OUTCOME_DONE)
    return TRUE;
  change.attempts = MAX (change.attempts, delivery.attempts);
  if (change.state == SB_DELIVERY_NOTIFIED)
    return notify (self, operation, &message, &delivery, &change, error);
  if (!sb_sqlite_writer_end_delivery (self, &message, &delivery, &change, error))
    return FALSE;
  sb_sqlite_writer_take_released (self, &operation->end.released, &operation->end.released_size);
  return keep_receipt (self, operation, message.id, error);
}

/* Of a delivery that lies in the queue, where it always was; @was_there tells. */
static gboolean
end_queued (SbSqliteWriter *self, SbOperation *operation, const SbSqliteChange *change,
            gboolean *was_there, GError **error)
{
  const SbMessage *message = operation->end.message;
  gint64 seq = operation->end.position;
  gint64 recipient = operation->end.recipient;
  SbSqliteDelivery delivery = { .recipient = recipient, .state = SB_DELIVERY_PENDING };

  if (!sb_sqlite_writer_delete_queued (self, recipient, seq, error))
    return FALSE;
  *was_there = sqlite3_changes (self->db->handle) > 0;
  if (!*was_there)
    return TRUE;
  delivery.size = g_bytes_get_size (message->body);
  sb_sqlite_writer_uncount (self, &delivery);
  operation->end.sender_key = message->sender_key;
  return sb_sqlite_writer_insert_ended (self, seq, recipient, change, error)
         && sb_sqlite_writer_settle (self, operation->end.handle, message->deadline, &delivery,
                                     change, error)
         && keep_receipt (self, operation, message->id, error);
}

/* The usual end leaves a file alone, so a message with one ends otherwise. */
static gboolean
is_usual_end (const SbOperation *operation)
{
  return operation->end.message != NULL && operation->end.position != 0
         && operation->end.position == sb_sqlite_handle_get_seq (operation->end.handle)
         && !sb_sqlite_handle_has_file (operation->end.handle)
         && operation->end.state != SB_DELIVERY_DEAD && operation->end.log == NULL;
}

gboolean
sb_sqlite_writer_end (SbSqliteWriter *self, SbOperation *operation, GError **error)
{
  const SbSqliteChange change = { .state = operation->end.state,
                                  .reason = operation->end.reason,
                                  .attempts = operation->end.attempts,
                                  .now = operation->end.now,
                                  .log = operation->end.log };
  gboolean was_there = FALSE;

  sb_sqlite_writer_saw_time (self, operation->end.now);
  if (is_usual_end (operation) && !end_queued (self, operation, &change, &was_there, error))
    return FALSE;
  return was_there || end_anywhere (self, operation, &change, error);
}

gboolean
sb_sqlite_writer_park (SbSqliteWriter *self, SbOperation *operation, GError **error)
{
  g_auto (SbSqliteMessage) message = { 0 };
  SbSqliteChange change = { .state = SB_DELIVERY_PARKED,
                            .due = operation->park.due,
                            .now = operation->park.now,
                            .log = operation->park.log };
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
  change.attempts = MAX (operation->park.attempts, delivery.attempts);
  return sb_sqlite_writer_change (self, &message, &delivery, &change, error);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-sqlite-operator: deliveries that somebody puts back into their queue, or into
 * another user's. A moved one makes its message one with several recipients, if it
 * was not before: it gets a row in `fanout`, and all that is written of it from
 * then on says that it is shared.
 */

#include "sb-sqlite-writer.h"

#include "sb-sqlite-codec.h"
#include "sb-sqlite-queries.h"

static SbSqliteFound
find_delivery (SbSqliteWriter *self, gint64 recipient, const char *id, SbSqliteMessage *message,
               SbSqliteDelivery *delivery, GError **error)
{
  SbSqliteFound found = SB_SQLITE_ABSENT;

  if (id != NULL)
    found = sb_sqlite_writer_find_message (self, id, message, error);
  if (found == SB_SQLITE_FOUND)
    found = sb_sqlite_writer_locate (self, message->seq, recipient, delivery, error);
  return found;
}

/* Whether @key is among @keys, and at which place it is, or would be. */
static gboolean
find_key (const GArray *keys, gint64 key, guint *place)
{
  for (*place = 0; *place < keys->len; (*place)++)
    if (g_array_index (keys, gint64, *place) >= key)
      return g_array_index (keys, gint64, *place) == key;
  return FALSE;
}

/* A delivery that did not wait, or was not there, does so now: it will expire with its message. */
static gboolean
renew_deadline (SbSqliteWriter *self, const SbSqliteMessage *message, gint64 recipient,
                GError **error)
{
  sqlite3_stmt *statement = sb_sqlite_writer_get (self, SB_SQLITE_W_RENEW_DEADLINE);
  guint place;

  if (message->deadline == 0)
    return TRUE;
  find_key (message->recipients, recipient, &place);
  sqlite3_bind_int64 (statement, 1, message->deadline);
  sqlite3_bind_int64 (statement, 2, message->seq);
  sqlite3_bind_int64 (statement, 3, place);
  return sb_sqlite_db_run (self->db, statement, error);
}

/* Requeue */

static SbOutcome
judge_requeue (SbSqliteWriter *self, const SbSqliteDelivery *delivery)
{
  if (sb_delivery_state_has_ended (delivery->state) || delivery->state == SB_DELIVERY_PENDING)
    return SB_OUTCOME_UNKNOWN;
  return sb_sqlite_ledger_has_user (self->ledger, delivery->recipient) ? SB_OUTCOME_DONE
                                                                       : SB_OUTCOME_UNKNOWN;
}

/* A dead delivery waits again. */
static gboolean
revive (SbSqliteWriter *self, const SbSqliteMessage *message, gint64 recipient, gint64 now,
        GError **error)
{
  return sb_sqlite_writer_wait_again (self, message, now, error)
         && renew_deadline (self, message, recipient, error);
}

gboolean
sb_sqlite_writer_requeue (SbSqliteWriter *self, SbOperation *operation, GError **error)
{
  g_auto (SbSqliteMessage) message = { 0 };
  SbSqliteDelivery delivery = { 0 };
  gint64 recipient = operation->requeue.recipient;
  gint64 now = operation->requeue.now;
  SbSqliteFound found = find_delivery (self, recipient, operation->requeue.id, &message, &delivery,
                                       error);

  operation->requeue.old_position = operation->requeue.position = 0;
  if (found == SB_SQLITE_FAILED)
    return FALSE;
  operation->outcome = found == SB_SQLITE_FOUND ? judge_requeue (self, &delivery)
                                                : SB_OUTCOME_UNKNOWN;
  if (operation->outcome != SB_OUTCOME_DONE)
    return TRUE;

  sb_sqlite_writer_saw_time (self, now);
  operation->requeue.old_position = delivery.position;
  sb_sqlite_writer_uncount (self, &delivery);
  if (delivery.state == SB_DELIVERY_DEAD && !revive (self, &message, recipient, now, error))
    return FALSE;
  if (!sb_sqlite_writer_enqueue (self, &message, &delivery, now, error))
    return FALSE;
  operation->requeue.position = delivery.position;
  return TRUE;
}

/* Move */

static SbOutcome
judge_move (SbSqliteWriter *self, const SbSqliteMessage *message, const SbSqliteDelivery *delivery,
            gint64 to)
{
  guint place;

  if (sb_delivery_state_has_ended (delivery->state)
      || !sb_sqlite_ledger_has_user (self->ledger, to))
    return SB_OUTCOME_UNKNOWN;
  return find_key (message->recipients, to, &place) ? SB_OUTCOME_CONFLICT : SB_OUTCOME_DONE;
}

/* The message has one recipient, whose delivery is @delivery, and is about to have another one. */
static gboolean
share (SbSqliteWriter *self, SbSqliteMessage *message, const SbSqliteDelivery *delivery,
       GError **error)
{
  gboolean waits = delivery->state != SB_DELIVERY_DEAD;

  message->handle = sb_sqlite_handle_new (message->seq, message->deadline != 0, TRUE,
                                          sb_sqlite_handle_has_file (message->handle));
  return sb_sqlite_writer_insert_fanout (self, message->seq, 1, waits ? 1 : 0, delivery->size,
                                         error);
}

static gboolean
add_recipient (SbSqliteWriter *self, SbSqliteMessage *message, gint64 to, GError **error)
{
  sqlite3_stmt *statement = sb_sqlite_writer_get (self, SB_SQLITE_W_SET_RECIPIENTS);
  guint place;

  find_key (message->recipients, to, &place);
  g_array_insert_val (message->recipients, place, to);
  g_byte_array_set_size (self->scratch, 0);
  sb_sqlite_encode_keys (self->scratch, (const gint64 *) message->recipients->data,
                         message->recipients->len);
  sqlite3_bind_int64 (statement, 1, message->seq);
  sqlite3_bind_blob (statement, 2, self->scratch->data, self->scratch->len, SQLITE_STATIC);
  return sb_sqlite_db_run (self->db, statement, error);
}

static gboolean
move_delivery (SbSqliteWriter *self, SbSqliteMessage *message, const SbSqliteDelivery *from,
               SbSqliteDelivery *to, gint64 now, GError **error)
{
  const SbSqliteChange change = {
    .state = SB_DELIVERY_DROPPED, .reason = SB_REASON_MOVED, .attempts = from->attempts, .now = now
  };

  if (!sb_sqlite_handle_is_shared (message->handle) && !share (self, message, from, error))
    return FALSE;
  if (!add_recipient (self, message, to->recipient, error)
      || !renew_deadline (self, message, to->recipient, error)
      || !sb_sqlite_writer_enqueue (self, message, to, now, error)
      || !sb_sqlite_writer_lower (self, message->handle, -1, -1, now, error))
    return FALSE;
  return sb_sqlite_writer_end_delivery (self, message, from, &change, error);
}

gboolean
sb_sqlite_writer_move (SbSqliteWriter *self, SbOperation *operation, GError **error)
{
  g_auto (SbSqliteMessage) message = { 0 };
  SbSqliteDelivery from = { 0 };
  SbSqliteDelivery to = { .recipient = operation->move.to };
  SbSqliteFound found = find_delivery (self, operation->move.recipient, operation->move.id,
                                       &message, &from, error);

  operation->move.old_position = operation->move.position = 0;
  operation->move.sender_key = message.sender;
  if (found == SB_SQLITE_FAILED)
    return FALSE;
  operation->outcome = found == SB_SQLITE_FOUND
                           ? judge_move (self, &message, &from, operation->move.to)
                           : SB_OUTCOME_UNKNOWN;
  if (operation->outcome != SB_OUTCOME_DONE)
    return TRUE;

  sb_sqlite_writer_saw_time (self, operation->move.now);
  to.size = from.size;
  if (!move_delivery (self, &message, &from, &to, operation->move.now, error))
    return FALSE;
  operation->move.old_position = from.position;
  operation->move.position = to.position;
  return TRUE;
}

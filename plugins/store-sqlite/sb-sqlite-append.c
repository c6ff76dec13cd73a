/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-sqlite-append: a message, its body and its deliveries. */

#include "sb-sqlite-writer.h"

#include "sb-sqlite-codec.h"
#include "sb-sqlite-queries.h"

static gboolean
is_full (SbSqliteWriter *self, const SbSqliteTally *tally, gint64 size)
{
  return tally->count >= self->limits.max_queue
         || tally->bytes + size > self->limits.max_queue_bytes;
}

/* Four fifths of a limit, or more. */
static gboolean
is_near (SbSqliteWriter *self, const SbSqliteTally *tally)
{
  const SbStoreLimits *limits = &self->limits;

  return tally->count >= limits->max_queue - limits->max_queue / 5
         || tally->bytes >= limits->max_queue_bytes - limits->max_queue_bytes / 5;
}

/* Marks the targets whose queue is full; says what the message gets when its id is new. */
static SbOutcome
check_targets (SbSqliteWriter *self, SbTarget *targets, guint n_targets, gint64 size)
{
  SbOutcome outcome = SB_OUTCOME_DONE;

  for (guint i = 0; i < n_targets; i++)
    {
      const SbSqliteTally *tally;

      if (!sb_sqlite_ledger_has_account (self->ledger, targets[i].recipient))
        return SB_OUTCOME_UNKNOWN;
      tally = sb_sqlite_ledger_touch (self->ledger, targets[i].recipient);
      targets[i].full = !tally->gone && is_full (self, tally, size);
      targets[i].near = FALSE;
      if (targets[i].full && targets[i].named)
        outcome = SB_OUTCOME_FULL;
    }
  return outcome;
}

/* The outcome when a message with this id is there already; @otherwise when none is. */
static gboolean
refuse (SbSqliteWriter *self, SbOperation *operation, SbOutcome otherwise, GError **error)
{
  g_auto (SbSqliteMessage) original = { 0 };
  const SbMessage *message = operation->append.message;
  SbSqliteFound found = sb_sqlite_writer_find_message (self, message->id, &original, error);

  if (found == SB_SQLITE_FAILED)
    return FALSE;
  if (found == SB_SQLITE_ABSENT)
    {
      operation->outcome = otherwise;
      return TRUE;
    }
  if (original.sender != message->sender_key)
    {
      operation->outcome = SB_OUTCOME_CONFLICT;
      return TRUE;
    }
  operation->outcome = SB_OUTCOME_DUPLICATE;
  operation->append.n_recipients = original.recipients->len;
  operation->append.handle = original.handle;
  return TRUE;
}

static int
compare_keys (gconstpointer a, gconstpointer b)
{
  gint64 first = *(const gint64 *) a;
  gint64 second = *(const gint64 *) b;

  return (first > second) - (first < second);
}

static void
bind_recipients (SbSqliteWriter *self, sqlite3_stmt *statement, int column, SbOperation *operation)
{
  if (operation->append.n_targets == 1)
    {
      sqlite3_bind_int64 (statement, column, operation->append.targets[0].recipient);
      return;
    }
  g_array_set_size (self->keys, 0);
  for (guint i = 0; i < operation->append.n_targets; i++)
    g_array_append_val (self->keys, operation->append.targets[i].recipient);
  g_array_sort (self->keys, compare_keys);
  g_byte_array_set_size (self->scratch, 0);
  sb_sqlite_encode_keys (self->scratch, (const gint64 *) self->keys->data, self->keys->len);
  sqlite3_bind_blob (statement, column, self->scratch->data, self->scratch->len, SQLITE_STATIC);
}

/* Inserts the row unless the id is there; @inserted tells. */
static gboolean
insert_message (SbSqliteWriter *self, gint64 seq, SbOperation *operation, gboolean *inserted,
                GError **error)
{
  sqlite3_stmt *statement = sb_sqlite_writer_get (self, SB_SQLITE_W_INSERT_MESSAGE);
  const SbMessage *message = operation->append.message;

  sqlite3_bind_int64 (statement, 1, seq);
  sqlite3_bind_text (statement, 2, message->id, -1, SQLITE_STATIC);
  sqlite3_bind_int64 (statement, 3, message->sender_key);
  sqlite3_bind_text (statement, 4, message->sender, -1, SQLITE_STATIC);
  sqlite3_bind_int64 (statement, 5, message->accepted);
  sqlite3_bind_int64 (statement, 6, message->not_before);
  sqlite3_bind_int64 (statement, 7, message->deadline);
  bind_recipients (self, statement, 8, operation);
  if (!sb_sqlite_db_run (self->db, statement, error))
    return FALSE;
  *inserted = sqlite3_changes (self->db->handle) > 0;
  return TRUE;
}

static gboolean
insert_body (SbSqliteWriter *self, gint64 seq, GBytes *body, GError **error)
{
  sqlite3_stmt *statement = sb_sqlite_writer_get (self, SB_SQLITE_W_INSERT_BODY);
  gsize size;
  const void *data = g_bytes_get_data (body, &size);

  sqlite3_bind_int64 (statement, 1, seq);
  sqlite3_bind_blob64 (statement, 2, size > 0 ? data : "", size, SQLITE_STATIC);
  return sb_sqlite_db_run (self->db, statement, error);
}

/* A delivery that does not begin in the queue. */
static gboolean
insert_detour (SbSqliteWriter *self, gint64 seq, gboolean is_shared, gint64 size,
               const SbMessage *message, const SbTarget *target, SbReason reason, GError **error)
{
  sqlite3_stmt *statement = sb_sqlite_writer_get (self, SB_SQLITE_W_INSERT_DETOUR);
  gboolean is_scheduled = target->state == SB_DELIVERY_SCHEDULED;

  sqlite3_bind_int64 (statement, 1, seq);
  sqlite3_bind_int64 (statement, 2, target->recipient);
  sqlite3_bind_int64 (statement, 3, 0);
  sqlite3_bind_int (statement, 4, target->state);
  sqlite3_bind_int64 (statement, 5, message->accepted);
  sqlite3_bind_int64 (statement, 6, is_scheduled ? message->not_before : 0);
  sqlite3_bind_int (statement, 7, 0);
  sqlite3_bind_int (statement, 8, reason);
  sqlite3_bind_int (statement, 9, is_shared);
  sqlite3_bind_int64 (statement, 10, size);
  return sb_sqlite_db_run (self->db, statement, error);
}

/* A user that was removed while the message was on its way gets a dead delivery; so does one whose
 * queue is full, as long as not too many have died for it. */
static SbReason
choose_state (SbSqliteWriter *self, const SbMessage *message, const SbSqliteTally *tally,
              SbTarget *target)
{
  if (tally->gone)
    {
      target->state = SB_DELIVERY_DEAD;
      return SB_REASON_RECIPIENT_DELETED;
    }
  if (target->full)
    {
      target->state = tally->dead < self->limits.max_dead ? SB_DELIVERY_DEAD : SB_DELIVERY_DROPPED;
      return SB_REASON_QUEUE_FULL;
    }
  target->state = message->not_before > message->accepted ? SB_DELIVERY_SCHEDULED
                                                          : SB_DELIVERY_PENDING;
  return SB_REASON_NONE;
}

static gboolean
insert_target (SbSqliteWriter *self, gint64 seq, SbOperation *operation, SbTarget *target,
               gint64 size, GError **error)
{
  SbSqliteTally *tally = sb_sqlite_ledger_touch (self->ledger, target->recipient);
  const SbMessage *message = operation->append.message;
  gboolean is_shared = operation->append.n_targets != 1;
  SbReason reason = choose_state (self, message, tally, target);

  sb_sqlite_ledger_count (self->ledger, tally, target->state, 1, size);
  if (reason == SB_REASON_NONE)
    target->near = is_near (self, tally);
  target->position = target->state == SB_DELIVERY_PENDING ? seq : 0;
  if (target->state == SB_DELIVERY_PENDING)
    return sb_sqlite_writer_insert_queued (self, target->recipient, seq, seq, is_shared, size,
                                           error);
  return insert_detour (self, seq, is_shared, size, message, target, reason, error);
}

/* Of the message's deliveries: how many have not ended, and how many of those wait. */
static void
count_targets (const SbTarget *targets, guint n_targets, guint *n_open, guint *n_waiting)
{
  *n_open = *n_waiting = 0;
  for (guint i = 0; i < n_targets; i++)
    {
      *n_open += targets[i].state != SB_DELIVERY_DROPPED;
      *n_waiting += targets[i].state != SB_DELIVERY_DROPPED && targets[i].state != SB_DELIVERY_DEAD;
    }
}

/* What hangs on the message when its deliveries are made. */
static gboolean
insert_extras (SbSqliteWriter *self, gint64 seq, SbOperation *operation, gint64 size,
               GError **error)
{
  const SbMessage *message = operation->append.message;
  guint n_targets = operation->append.n_targets;
  guint n_open;
  guint n_waiting;

  self->ledger->now.messages++;
  self->ledger->now.bytes += size;
  count_targets (operation->append.targets, n_targets, &n_open, &n_waiting);
  if (n_open == 0)
    return sb_sqlite_writer_finish (self, sb_sqlite_handle_new (seq, FALSE, n_targets != 1),
                                    n_targets, 0, size, message->accepted, error);
  if (n_targets != 1 && !sb_sqlite_writer_insert_fanout (self, seq, n_open, n_waiting, size, error))
    return FALSE;
  if (message->deadline != 0 && n_waiting > 0
      && !sb_sqlite_writer_run_pair (self, SB_SQLITE_W_INSERT_DEADLINE, message->deadline, seq,
                                     error))
    return FALSE;
  return insert_body (self, seq, message->body, error);
}

gboolean
sb_sqlite_writer_append (SbSqliteWriter *self, SbOperation *operation, GError **error)
{
  const SbMessage *message = operation->append.message;
  SbTarget *targets = operation->append.targets;
  guint n_targets = operation->append.n_targets;
  gint64 size = g_bytes_get_size (message->body);
  gint64 seq = self->last_number + 1;
  gboolean inserted = FALSE;
  SbOutcome checked;

  operation->append.n_recipients = n_targets;
  checked = check_targets (self, targets, n_targets, size);
  if (checked != SB_OUTCOME_DONE)
    return refuse (self, operation, checked, error);
  if (!insert_message (self, seq, operation, &inserted, error))
    return FALSE;
  if (!inserted)
    return refuse (self, operation, SB_OUTCOME_DUPLICATE, error);

  self->last_number = seq;
  sb_sqlite_writer_saw_time (self, message->accepted);
  operation->append.handle = sb_sqlite_handle_new (seq, message->deadline != 0, n_targets != 1);
  for (guint i = 0; i < n_targets; i++)
    if (!insert_target (self, seq, operation, &targets[i], size, error))
      return FALSE;
  return insert_extras (self, seq, operation, size, error);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-sqlite-append: a message, its body and its deliveries. */

#include "sb-sqlite-writer.h"

#include "sb-sqlite-codec.h"
#include "sb-sqlite-queries.h"

/* One of the messages of an append. The first one decides what all of them become. */
typedef struct
{
  SbOperation *operation;
  const SbMessage *message;
  gint64 size;
  guint n_all; /* the first: messages in all; else 0 */
} Item;

static gboolean
is_full (SbSqliteWriter *self, const SbSqliteTally *tally, gint64 n, gint64 size)
{
  return tally->count + n > self->limits.max_queue
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

/* Marks the targets whose queue has no room for @n messages of @size bytes in all; says what they
 * get when their ids are new. */
static SbOutcome
check_targets (SbSqliteWriter *self, SbTarget *targets, guint n_targets, gint64 n, gint64 size)
{
  SbOutcome outcome = SB_OUTCOME_DONE;

  for (guint i = 0; i < n_targets; i++)
    {
      const SbSqliteTally *tally;

      if (!sb_sqlite_ledger_has_account (self->ledger, targets[i].recipient))
        return SB_OUTCOME_UNKNOWN;
      tally = sb_sqlite_ledger_touch (self->ledger, targets[i].recipient);
      targets[i].full = !tally->gone && is_full (self, tally, n, size);
      targets[i].near = FALSE;
      if (targets[i].full && targets[i].named)
        outcome = SB_OUTCOME_FULL;
    }
  return outcome;
}

/* The outcome when a message with this id is there already; @otherwise when none is. */
static gboolean
refuse (SbSqliteWriter *self, SbOperation *operation, const SbMessage *message, SbOutcome otherwise,
        GError **error)
{
  g_auto (SbSqliteMessage) original = { 0 };
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
insert_message (SbSqliteWriter *self, gint64 seq, const Item *item, gboolean *inserted,
                GError **error)
{
  sqlite3_stmt *statement = sb_sqlite_writer_get (self, SB_SQLITE_W_INSERT_MESSAGE);
  const SbMessage *message = item->message;

  sqlite3_bind_int64 (statement, 1, seq);
  sqlite3_bind_text (statement, 2, message->id, -1, SQLITE_STATIC);
  sqlite3_bind_int64 (statement, 3, message->sender_key);
  sqlite3_bind_text (statement, 4, message->sender, -1, SQLITE_STATIC);
  sqlite3_bind_int64 (statement, 5, message->accepted);
  sqlite3_bind_int64 (statement, 6, message->not_before);
  sqlite3_bind_int64 (statement, 7, message->deadline);
  bind_recipients (self, statement, 8, item->operation);
  if (message->file == NULL)
    sqlite3_bind_null (statement, 9);
  else
    sqlite3_bind_int64 (statement, 9, seq);
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
insert_detour (SbSqliteWriter *self, gint64 seq, const Item *item, const SbTarget *target,
               SbReason reason, GError **error)
{
  sqlite3_stmt *statement = sb_sqlite_writer_get (self, SB_SQLITE_W_INSERT_DETOUR);
  gboolean is_scheduled = target->state == SB_DELIVERY_SCHEDULED;

  sqlite3_bind_int64 (statement, 1, seq);
  sqlite3_bind_int64 (statement, 2, target->recipient);
  sqlite3_bind_int64 (statement, 3, 0);
  sqlite3_bind_int (statement, 4, target->state);
  sqlite3_bind_int64 (statement, 5, item->message->accepted);
  sqlite3_bind_int64 (statement, 6, is_scheduled ? item->message->not_before : 0);
  sqlite3_bind_int (statement, 7, 0);
  sqlite3_bind_int (statement, 8, reason);
  sqlite3_bind_int (statement, 9, item->operation->append.n_targets != 1);
  sqlite3_bind_int64 (statement, 10, item->size);
  return sb_sqlite_db_run (self->db, statement, error);
}

/* A user that was removed while the message was on its way gets a dead delivery; so does one whose
 * queue is full, as long as not too many have died for it. */
static SbReason
choose_state (SbSqliteWriter *self, const Item *item, const SbSqliteTally *tally, SbTarget *target)
{
  if (tally->gone)
    {
      target->state = SB_DELIVERY_DEAD;
      return SB_REASON_RECIPIENT_DELETED;
    }
  if (target->full)
    {
      if (item->n_all > 0)
        target->state = tally->dead + item->n_all <= self->limits.max_dead ? SB_DELIVERY_DEAD
                                                                           : SB_DELIVERY_DROPPED;
      return SB_REASON_QUEUE_FULL;
    }
  target->state = item->message->not_before > item->message->accepted ? SB_DELIVERY_SCHEDULED
                                                                      : SB_DELIVERY_PENDING;
  return SB_REASON_NONE;
}

static gboolean
insert_target (SbSqliteWriter *self, gint64 seq, const Item *item, SbTarget *target, GError **error)
{
  SbSqliteTally *tally = sb_sqlite_ledger_touch (self->ledger, target->recipient);
  gboolean is_shared = item->operation->append.n_targets != 1;
  SbReason reason = choose_state (self, item, tally, target);

  sb_sqlite_ledger_count (self->ledger, tally, target->state, 1, item->size);
  if (reason == SB_REASON_NONE)
    target->near = is_near (self, tally);
  if (item->n_all > 0)
    target->position = target->state == SB_DELIVERY_PENDING ? seq : 0;
  if (target->state == SB_DELIVERY_PENDING)
    return sb_sqlite_writer_insert_queued (self, target->recipient, seq, seq, is_shared, item->size,
                                           error);
  return insert_detour (self, seq, item, target, reason, error);
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

/* With a file the dead ones expire, too. */
static gboolean
insert_deadline (SbSqliteWriter *self, gint64 seq, const SbMessage *message, guint n_waiting,
                 GError **error)
{
  return message->deadline == 0 || (n_waiting == 0 && message->file == NULL)
         || sb_sqlite_writer_run_pair (self, SB_SQLITE_W_INSERT_DEADLINE, message->deadline, seq,
                                       error);
}

/* What hangs on the message when its deliveries are made. */
static gboolean
insert_extras (SbSqliteWriter *self, gint64 seq, const Item *item, GError **error)
{
  const SbMessage *message = item->message;
  guint n_targets = item->operation->append.n_targets;
  guint n_open;
  guint n_waiting;

  self->ledger->now.messages++;
  self->ledger->now.bytes += item->size;
  count_targets (item->operation->append.targets, n_targets, &n_open, &n_waiting);
  if (n_open == 0)
    {
      item->operation->append.released = TRUE;
      return sb_sqlite_writer_finish (self,
                                      sb_sqlite_handle_new (seq, FALSE, n_targets != 1, FALSE),
                                      n_targets, 0, item->size, message->accepted, error);
    }
  if (n_targets != 1
      && !sb_sqlite_writer_insert_fanout (self, seq, n_open, n_waiting, item->size, error))
    return FALSE;
  if (message->file != NULL && !sb_sqlite_writer_insert_file (self, seq, message->file, error))
    return FALSE;
  return insert_deadline (self, seq, message, n_waiting, error)
         && insert_body (self, seq, message->body, error);
}

/* Everything of a message but its row. */
static gboolean
insert_rest (SbSqliteWriter *self, gint64 seq, const Item *item, GError **error)
{
  const SbMessage *message = item->message;
  SbTarget *targets = item->operation->append.targets;
  guint n_targets = item->operation->append.n_targets;

  self->last_number = seq;
  sb_sqlite_writer_saw_time (self, message->accepted);
  if (item->n_all > 0)
    item->operation->append.handle = sb_sqlite_handle_new (seq, message->deadline != 0,
                                                           n_targets != 1, message->file != NULL);
  for (guint i = 0; i < n_targets; i++)
    if (!insert_target (self, seq, item, &targets[i], error))
      return FALSE;
  return insert_extras (self, seq, item, error);
}

/* Several messages, and those with a file */

static const SbMessage *
get_message (const SbOperation *operation, guint i)
{
  return i == 0 ? operation->append.message : operation->append.more[i - 1];
}

/* What is known of the id and of the stored name of one of several messages. */
static gboolean
check_message (SbSqliteWriter *self, SbOperation *operation, const SbMessage *message,
               GHashTable *names, GError **error)
{
  SbSqliteFound found;

  if (!refuse (self, operation, message, SB_OUTCOME_DONE, error))
    return FALSE;
  if (operation->outcome != SB_OUTCOME_DONE || message->file == NULL)
    return TRUE;
  found = sb_sqlite_writer_find_file (self, message->file, &operation->append.name_taken, error);
  if (found == SB_SQLITE_ABSENT && !g_hash_table_add (names, (gpointer) message->file->name))
    {
      operation->append.name_taken = TRUE;
      found = SB_SQLITE_FOUND;
    }
  if (found == SB_SQLITE_FOUND)
    operation->outcome = SB_OUTCOME_CONFLICT;
  return found != SB_SQLITE_FAILED;
}

/* All of them before any of them is written: others of the batch go on. */
static gboolean
check_messages (SbSqliteWriter *self, SbOperation *operation, gint64 *size, GError **error)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);
  guint n = 1 + operation->append.n_more;

  *size = 0;
  for (guint i = 0; i < n; i++)
    {
      const SbMessage *message = get_message (operation, i);

      if (!check_message (self, operation, message, names, error))
        return FALSE;
      *size += g_bytes_get_size (message->body);
      operation->append.faulty = operation->outcome != SB_OUTCOME_DONE ? i : 0;
      if (operation->outcome != SB_OUTCOME_DONE)
        return TRUE;
    }
  operation->outcome = check_targets (self, operation->append.targets, operation->append.n_targets,
                                      n, *size);
  return TRUE;
}

static gboolean
append_checked (SbSqliteWriter *self, const Item *item, GError **error)
{
  gint64 seq = self->last_number + 1;
  gboolean inserted = FALSE;

  if (!insert_message (self, seq, item, &inserted, error))
    return FALSE;
  if (inserted)
    return insert_rest (self, seq, item, error);
  g_set_error (error, SB_ERROR, SB_ERROR_CONFLICT, "The _id “%s” comes twice in one operation",
               item->message->id);
  return FALSE;
}

static gboolean
append_several (SbSqliteWriter *self, SbOperation *operation, GError **error)
{
  guint n = 1 + operation->append.n_more;
  gint64 size;

  if (!check_messages (self, operation, &size, error))
    return FALSE;
  if (operation->outcome != SB_OUTCOME_DONE)
    return TRUE;
  for (guint i = 0; i < n; i++)
    {
      const SbMessage *message = get_message (operation, i);
      const Item item = { .operation = operation,
                          .message = message,
                          .size = g_bytes_get_size (message->body),
                          .n_all = i == 0 ? n : 0 };

      if (!append_checked (self, &item, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
sb_sqlite_writer_append (SbSqliteWriter *self, SbOperation *operation, GError **error)
{
  const SbMessage *message = operation->append.message;
  guint n_targets = operation->append.n_targets;
  gint64 size = g_bytes_get_size (message->body);
  const Item item = { .operation = operation, .message = message, .size = size, .n_all = 1 };
  gint64 seq = self->last_number + 1;
  gboolean inserted = FALSE;
  SbOutcome checked;

  operation->append.n_recipients = n_targets;
  if (message->file != NULL || operation->append.n_more > 0)
    return append_several (self, operation, error);
  checked = check_targets (self, operation->append.targets, n_targets, 1, size);
  if (checked != SB_OUTCOME_DONE)
    return refuse (self, operation, message, checked, error);
  if (!insert_message (self, seq, &item, &inserted, error))
    return FALSE;
  if (!inserted)
    return refuse (self, operation, message, SB_OUTCOME_DUPLICATE, error);
  return insert_rest (self, seq, &item, error);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-sqlite-users: users come, change and go; receipts wait for them. */

#include "sb-sqlite-writer.h"

#include "sb-sqlite-queries.h"

#include <string.h>

/* Texts with a NUL behind each, which no tag can contain. */
static void
bind_tags (SbSqliteWriter *self, sqlite3_stmt *statement, int column, const char *const *tags)
{
  g_byte_array_set_size (self->scratch, 0);
  for (guint i = 0; tags != NULL && tags[i] != NULL; i++)
    g_byte_array_append (self->scratch, (const guint8 *) tags[i], strlen (tags[i]) + 1);
  if (self->scratch->len > 0)
    sqlite3_bind_blob (statement, column, self->scratch->data, self->scratch->len, SQLITE_STATIC);
  else
    sqlite3_bind_zeroblob (statement, column, 0);
}

static void
bind_user (SbSqliteWriter *self, sqlite3_stmt *statement, const SbUser *user)
{
  sqlite3_bind_text (statement, 1, user->id, -1, SQLITE_STATIC);
  sqlite3_bind_text (statement, 2, user->password_hash != NULL ? user->password_hash : "", -1,
                     SQLITE_STATIC);
  bind_tags (self, statement, 3, user->tags);
  sqlite3_bind_text (statement, 4, user->connection_properties, -1, SQLITE_STATIC);
  sqlite3_bind_int (statement, 5, user->admin != FALSE);
  sqlite3_bind_int64 (statement, 6, user->created);
  sqlite3_bind_int64 (statement, 7, user->ttl);
  sqlite3_bind_int (statement, 8, user->paused != FALSE);
}

static gboolean
insert_user (SbSqliteWriter *self, SbOperation *operation, GError **error)
{
  sqlite3_stmt *statement = sb_sqlite_writer_get (self, SB_SQLITE_W_INSERT_USER);

  bind_user (self, statement, operation->put_user.user);
  if (!sb_sqlite_db_run (self->db, statement, error))
    return FALSE;
  if (sqlite3_changes (self->db->handle) == 0)
    operation->outcome = SB_OUTCOME_CONFLICT;
  else
    {
      operation->put_user.key = sqlite3_last_insert_rowid (self->db->handle);
      self->ledger->now.last_user = operation->put_user.key;
    }
  return TRUE;
}

/* Nothing was changed: because there is no such user, or because another one has the id. */
static gboolean
explain_unchanged (SbSqliteWriter *self, SbOperation *operation, GError **error)
{
  g_autoptr (SbSqliteCursor) cursor = sb_sqlite_writer_get (self, SB_SQLITE_W_HAS_USER);
  int step;

  sqlite3_bind_int64 (cursor, 1, operation->put_user.user->key);
  step = sb_sqlite_db_step (self->db, cursor, error);
  operation->outcome = step == SB_SQLITE_STEP_ROW ? SB_OUTCOME_CONFLICT : SB_OUTCOME_UNKNOWN;
  return step != SB_SQLITE_STEP_ERROR;
}

static gboolean
update_user (SbSqliteWriter *self, SbOperation *operation, GError **error)
{
  sqlite3_stmt *statement = sb_sqlite_writer_get (self, SB_SQLITE_W_UPDATE_USER);
  const SbUser *user = operation->put_user.user;

  bind_user (self, statement, user);
  sqlite3_bind_int64 (statement, 9, user->key);
  if (!sb_sqlite_db_run (self->db, statement, error))
    return FALSE;
  if (sqlite3_changes (self->db->handle) == 0)
    return explain_unchanged (self, operation, error);
  operation->put_user.key = user->key;
  return TRUE;
}

gboolean
sb_sqlite_writer_put_user (SbSqliteWriter *self, SbOperation *operation, GError **error)
{
  operation->put_user.key = 0;
  sb_sqlite_writer_saw_time (self, operation->put_user.user->created);
  if (operation->put_user.user->key == 0)
    return insert_user (self, operation, error);
  return update_user (self, operation, error);
}

/* Collects the messages first: the rows that are read here are about to move. */
static gboolean
list_messages (SbSqliteWriter *self, guint query, gint64 recipient, GArray *list, GError **error)
{
  g_autoptr (SbSqliteCursor) cursor = sb_sqlite_writer_get (self, query);
  int step;

  sqlite3_bind_int64 (cursor, 1, recipient);
  while ((step = sb_sqlite_db_step (self->db, cursor, error)) == SB_SQLITE_STEP_ROW)
    {
      gint64 seq = sqlite3_column_int64 (cursor, 0);

      g_array_append_val (list, seq);
    }
  return step == SB_SQLITE_STEP_DONE;
}

static gboolean
kill_delivery (SbSqliteWriter *self, gint64 seq, gint64 recipient, gint64 now, GError **error)
{
  g_auto (SbSqliteMessage) message = { 0 };
  SbSqliteChange change = { .state = SB_DELIVERY_DEAD,
                            .reason = SB_REASON_RECIPIENT_DELETED,
                            .now = now };
  SbSqliteDelivery delivery;
  SbSqliteFound found = sb_sqlite_writer_get_message (self, seq, &message, error);

  if (found == SB_SQLITE_FOUND)
    found = sb_sqlite_writer_locate (self, seq, recipient, &delivery, error);
  if (found != SB_SQLITE_FOUND)
    return found == SB_SQLITE_ABSENT;
  change.attempts = delivery.attempts;
  return sb_sqlite_writer_end_delivery (self, &message, &delivery, &change, error);
}

/* What waits for the user, or can still be fetched, becomes dead. */
static gboolean
kill_deliveries (SbSqliteWriter *self, gint64 key, gint64 now, guint *n_dead, GError **error)
{
  g_autoptr (GArray) list = g_array_new (FALSE, FALSE, sizeof (gint64));

  if (!list_messages (self, SB_SQLITE_W_LIST_QUEUE, key, list, error)
      || !list_messages (self, SB_SQLITE_W_LIST_PARKED, key, list, error)
      || !list_messages (self, SB_SQLITE_W_LIST_SCHEDULED, key, list, error)
      || !list_messages (self, SB_SQLITE_W_LIST_NOTIFIED, key, list, error))
    return FALSE;
  for (guint i = 0; i < list->len; i++)
    if (!kill_delivery (self, g_array_index (list, gint64, i), key, now, error))
      return FALSE;
  *n_dead = list->len;
  return TRUE;
}

static gboolean
clear_receipts (SbSqliteWriter *self, gint64 key, GError **error)
{
  sqlite3_stmt *statement = sb_sqlite_writer_get (self, SB_SQLITE_W_CLEAR_RECEIPTS);

  sqlite3_bind_int64 (statement, 1, key);
  sb_sqlite_ledger_touch (self->ledger, key)->receipts = 0;
  return sb_sqlite_db_run (self->db, statement, error);
}

gboolean
sb_sqlite_writer_remove_user (SbSqliteWriter *self, SbOperation *operation, GError **error)
{
  gint64 key = operation->remove_user.key;
  gint64 now = operation->remove_user.now;

  if (!sb_sqlite_writer_run_pair (self, SB_SQLITE_W_REMOVE_USER, key, now, error))
    return FALSE;
  if (sqlite3_changes (self->db->handle) == 0)
    {
      operation->outcome = SB_OUTCOME_UNKNOWN;
      return TRUE;
    }
  sb_sqlite_writer_saw_time (self, now);
  sb_sqlite_ledger_touch (self->ledger, key)->gone = TRUE;
  return kill_deliveries (self, key, now, &operation->remove_user.n_dead, error)
         && clear_receipts (self, key, error);
}

/* The oldest receipts of a sender that has too many go. */
static gboolean
trim_receipts (SbSqliteWriter *self, gint64 sender, SbSqliteTally *tally, GError **error)
{
  if (tally->receipts <= self->limits.receipts_max)
    return TRUE;
  if (!sb_sqlite_writer_run_pair (self, SB_SQLITE_W_TRIM_RECEIPTS, sender,
                                  tally->receipts - self->limits.receipts_max, error))
    return FALSE;
  tally->receipts -= sqlite3_changes (self->db->handle);
  return TRUE;
}

/* Keeps a receipt for @sender, which is there. */
gboolean
sb_sqlite_writer_add_receipt (SbSqliteWriter *self, gint64 sender, gint64 recipient, const char *id,
                              gint64 now, GError **error)
{
  sqlite3_stmt *statement = sb_sqlite_writer_get (self, SB_SQLITE_W_INSERT_RECEIPT);
  SbSqliteTally *tally = sb_sqlite_ledger_touch (self->ledger, sender);

  sb_sqlite_writer_saw_time (self, now);
  sqlite3_bind_int64 (statement, 1, ++self->last_number);
  sqlite3_bind_int64 (statement, 2, sender);
  sqlite3_bind_int64 (statement, 3, recipient);
  sqlite3_bind_text (statement, 4, id, -1, SQLITE_STATIC);
  sqlite3_bind_int64 (statement, 5, now);
  if (!sb_sqlite_db_run (self->db, statement, error))
    return FALSE;
  tally->receipts++;
  return trim_receipts (self, sender, tally, error);
}

gboolean
sb_sqlite_writer_drop_receipts (SbSqliteWriter *self, SbOperation *operation, GError **error)
{
  gint64 sender = operation->drop_receipts.sender_key;
  SbSqliteTally *tally = sb_sqlite_ledger_touch (self->ledger, sender);

  if (!sb_sqlite_writer_run_pair (self, SB_SQLITE_W_DROP_RECEIPTS, sender,
                                  operation->drop_receipts.up_to, error))
    return FALSE;
  tally->receipts -= sqlite3_changes (self->db->handle);
  return TRUE;
}

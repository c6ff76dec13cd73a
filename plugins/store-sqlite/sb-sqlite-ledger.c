/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-sqlite-ledger: counters that commit and roll back with the database. */

#include "sb-sqlite-ledger.h"

#include "sb-sqlite-queries.h"

/* Users that are looked at under one lock. */
#define AT_ONCE 1000

SbSqliteLedger *
sb_sqlite_ledger_new (void)
{
  SbSqliteLedger *self = g_new0 (SbSqliteLedger, 1);

  g_mutex_init (&self->lock);
  self->accounts = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_free);
  self->touched = g_ptr_array_new ();
  return self;
}

void
sb_sqlite_ledger_free (SbSqliteLedger *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->touched);
  g_hash_table_unref (self->accounts);
  g_mutex_clear (&self->lock);
  g_free (self);
}

/* The writer's tally of a user; only the writer adds accounts, so it looks without the lock. */
SbSqliteTally *
sb_sqlite_ledger_touch (SbSqliteLedger *self, gint64 key)
{
  SbSqliteAccount *account = g_hash_table_lookup (self->accounts, &key);

  if (account == NULL)
    {
      account = g_new0 (SbSqliteAccount, 1);
      account->key = key;
      g_mutex_lock (&self->lock);
      g_hash_table_insert (self->accounts, &account->key, account);
      g_mutex_unlock (&self->lock);
    }
  if (!account->is_touched)
    {
      account->is_touched = TRUE;
      g_ptr_array_add (self->touched, account);
    }
  return &account->now;
}

/* Deliveries in @state come to what @tally counts; numbers below 0: they go. The writer's. */
void
sb_sqlite_ledger_count (SbSqliteLedger *self, SbSqliteTally *tally, SbDeliveryState state, gint64 n,
                        gint64 bytes)
{
  if (state == SB_DELIVERY_DEAD)
    {
      tally->dead += n;
      self->now.dead += n;
      return;
    }
  if (sb_delivery_state_has_ended (state) || state == SB_DELIVERY_NOTIFIED)
    return;
  tally->count += n;
  tally->bytes += bytes;
  self->now.waiting += n;
  if (state == SB_DELIVERY_SCHEDULED)
    {
      tally->scheduled += n;
      self->now.scheduled += n;
    }
  if (state != SB_DELIVERY_PARKED)
    return;
  tally->parked += n;
  self->now.parked += n;
}

/* Whether there is or was such a user. The writer's. */
gboolean
sb_sqlite_ledger_has_account (SbSqliteLedger *self, gint64 key)
{
  return key > 0 && key <= self->now.last_user;
}

/* Whether there is such a user. The writer's. */
gboolean
sb_sqlite_ledger_has_user (SbSqliteLedger *self, gint64 key)
{
  return sb_sqlite_ledger_has_account (self, key) && !sb_sqlite_ledger_touch (self, key)->gone;
}

/* Shows readers what the batch changed. */
void
sb_sqlite_ledger_commit (SbSqliteLedger *self)
{
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->touched->len; i++)
    {
      SbSqliteAccount *account = g_ptr_array_index (self->touched, i);

      account->committed = account->now;
      account->is_touched = FALSE;
    }
  self->committed = self->now;
  g_mutex_unlock (&self->lock);
  g_ptr_array_set_size (self->touched, 0);
}

void
sb_sqlite_ledger_rollback (SbSqliteLedger *self)
{
  for (guint i = 0; i < self->touched->len; i++)
    {
      SbSqliteAccount *account = g_ptr_array_index (self->touched, i);

      account->now = account->committed;
      account->is_touched = FALSE;
    }
  self->now = self->committed;
  g_ptr_array_set_size (self->touched, 0);
}

/* What is committed for a user. Any thread. */
SbSqliteTally
sb_sqlite_ledger_get (SbSqliteLedger *self, gint64 key)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  SbSqliteAccount *account = g_hash_table_lookup (self->accounts, &key);

  return account != NULL ? account->committed : (SbSqliteTally) { 0 };
}

static gboolean
is_busy (SbSqliteLedger *self, gint64 key)
{
  const SbSqliteAccount *account = g_hash_table_lookup (self->accounts, &key);

  return account != NULL && (account->committed.count > 0 || account->committed.dead > 0);
}

/* The next user behind @after for whom something waits or has died. Any thread. */
gboolean
sb_sqlite_ledger_next_busy (SbSqliteLedger *self, gint64 after, gint64 *key)
{
  gint64 last = sb_sqlite_ledger_get_totals (self).last_user;

  *key = MAX (after, 0);
  while (*key < last)
    {
      g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
      gint64 stop = MIN (last, *key + AT_ONCE);

      while (*key < stop)
        if (is_busy (self, ++*key))
          return TRUE;
    }
  return FALSE;
}

static void
rank_some (SbSqliteLedger *self, gint64 key, gint64 stop, guint limit, GArray *ranks)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  while (key < stop)
    {
      const SbSqliteAccount *account;

      if (!is_busy (self, ++key))
        continue;
      account = g_hash_table_lookup (self->accounts, &key);
      sb_queue_ranks_add (ranks, limit,
                          &(SbQueueRank) { key, MAX (account->committed.count, 0),
                                           MAX (account->committed.dead, 0) });
    }
}

/* Returns: (transfer full) (element-type SbQueueRank): the longest queues. Any thread. */
GArray *
sb_sqlite_ledger_rank (SbSqliteLedger *self, guint limit)
{
  GArray *ranks = g_array_new (FALSE, FALSE, sizeof (SbQueueRank));
  gint64 last = sb_sqlite_ledger_get_totals (self).last_user;

  for (gint64 key = 0; key < last; key += AT_ONCE)
    rank_some (self, key, MIN (last, key + AT_ONCE), limit, ranks);
  return ranks;
}

/* What is committed in all. Any thread. */
SbSqliteTotals
sb_sqlite_ledger_get_totals (SbSqliteLedger *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->committed;
}

/* Calls @row for every row that @sql gives. */
static gboolean
scan (SbSqliteLedger *self, SbSqliteDb *db, const char *sql,
      void (*row) (SbSqliteLedger *self, sqlite3_stmt *statement), GError **error)
{
  g_autoptr (SbSqliteStatement) statement = sb_sqlite_db_prepare (db, sql, error);
  int step;

  if (statement == NULL)
    return FALSE;
  while ((step = sb_sqlite_db_step (db, statement, error)) == SB_SQLITE_STEP_ROW)
    row (self, statement);
  return step == SB_SQLITE_STEP_DONE;
}

static void
add_queue (SbSqliteLedger *self, sqlite3_stmt *statement)
{
  SbSqliteTally *tally = sb_sqlite_ledger_touch (self, sqlite3_column_int64 (statement, 0));

  sb_sqlite_ledger_count (self, tally, SB_DELIVERY_PENDING, sqlite3_column_int64 (statement, 1),
                          sqlite3_column_int64 (statement, 2));
  self->now.messages += sqlite3_column_int64 (statement, 3);
  self->now.bytes += sqlite3_column_int64 (statement, 4);
}

static void
add_detour (SbSqliteLedger *self, sqlite3_stmt *statement)
{
  SbSqliteTally *tally = sb_sqlite_ledger_touch (self, sqlite3_column_int64 (statement, 0));
  SbDeliveryState state = sqlite3_column_int (statement, 1);

  sb_sqlite_ledger_count (self, tally, state, sqlite3_column_int64 (statement, 2),
                          sqlite3_column_int64 (statement, 3));
  self->now.messages += sqlite3_column_int64 (statement, 4);
  self->now.bytes += sqlite3_column_int64 (statement, 5);
}

static void
add_fanout (SbSqliteLedger *self, sqlite3_stmt *statement)
{
  self->now.messages += sqlite3_column_int64 (statement, 0);
  self->now.bytes += sqlite3_column_int64 (statement, 1);
}

static void
add_files (SbSqliteLedger *self, sqlite3_stmt *statement)
{
  self->now.files = sqlite3_column_int64 (statement, 0);
  self->now.file_bytes = sqlite3_column_int64 (statement, 1);
}

static void
add_receipts (SbSqliteLedger *self, sqlite3_stmt *statement)
{
  sb_sqlite_ledger_touch (self, sqlite3_column_int64 (statement, 0))->receipts =
      sqlite3_column_int64 (statement, 1);
}

static void
add_removed (SbSqliteLedger *self, sqlite3_stmt *statement)
{
  sb_sqlite_ledger_touch (self, sqlite3_column_int64 (statement, 0))->gone = TRUE;
}

/* Counts what @db holds, once, when the store opens. */
gboolean
sb_sqlite_ledger_load (SbSqliteLedger *self, SbSqliteDb *db, GError **error)
{
  if (!scan (self, db, SB_SQLITE_COUNT_QUEUE, add_queue, error)
      || !scan (self, db, SB_SQLITE_COUNT_DETOUR, add_detour, error)
      || !scan (self, db, SB_SQLITE_COUNT_FANOUT, add_fanout, error)
      || !scan (self, db, SB_SQLITE_COUNT_FILES, add_files, error)
      || !scan (self, db, SB_SQLITE_COUNT_RECEIPTS, add_receipts, error)
      || !scan (self, db, SB_SQLITE_LIST_REMOVED, add_removed, error)
      || !sb_sqlite_db_get_number (db, SB_SQLITE_COUNT_REMEMBERED, &self->now.remembered, error)
      || !sb_sqlite_db_get_number (db, SB_SQLITE_GET_LAST_TIME, &self->now.last_time, error)
      || !sb_sqlite_db_get_number (db, SB_SQLITE_GET_LAST_USER, &self->now.last_user, error))
    return FALSE;
  sb_sqlite_ledger_commit (self);
  return TRUE;
}

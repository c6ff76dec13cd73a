/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-sqlite-ledger: counters in memory beside the database, per recipient and in
 * all. The writer changes them as it goes; a commit shows the changes to readers,
 * a roll-back takes them back.
 */
#pragma once

#include "sb-sqlite-db.h"

/**
 * SbSqliteTally:
 * @count: deliveries pending, scheduled or parked
 * @bytes: of their messages
 * @scheduled: those among them
 * @parked: likewise
 * @dead: deliveries that are dead
 * @receipts: that wait for this user
 * @gone: the user was removed
 */
typedef struct
{
  gint64 count;
  gint64 bytes;
  gint64 scheduled;
  gint64 parked;
  gint64 dead;
  gint64 receipts;
  gboolean gone;
} SbSqliteTally;

/**
 * SbSqliteTotals:
 *
 * The same in all, and what #SbStoreStats wants to know.
 */
typedef struct
{
  gint64 messages;
  gint64 bytes;
  gint64 waiting;
  gint64 parked;
  gint64 dead;
  gint64 remembered;
  gint64 files;
  gint64 file_bytes;
  gint64 last_time;
  gint64 last_user; /* the highest key of a user */
  gint64 scheduled;
} SbSqliteTotals;

typedef struct
{
  gint64 key;
  SbSqliteTally now;       /* the writer's */
  SbSqliteTally committed; /* under the lock */
  gboolean is_touched;
} SbSqliteAccount;

typedef struct
{
  GMutex lock;
  GHashTable *accounts;     /* (owned) (element-type gint64 SbSqliteAccount) */
  GPtrArray *touched;       /* (owned) (element-type SbSqliteAccount) in this batch */
  SbSqliteTotals now;       /* the writer's */
  SbSqliteTotals committed; /* under the lock */
} SbSqliteLedger;

SbSqliteLedger *sb_sqlite_ledger_new (void);
void sb_sqlite_ledger_free (SbSqliteLedger *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbSqliteLedger, sb_sqlite_ledger_free)

gboolean sb_sqlite_ledger_load (SbSqliteLedger *self, SbSqliteDb *db, GError **error);
SbSqliteTally *sb_sqlite_ledger_touch (SbSqliteLedger *self, gint64 key);
void sb_sqlite_ledger_count (SbSqliteLedger *self, SbSqliteTally *tally, SbDeliveryState state,
                             gint64 n, gint64 bytes);
gboolean sb_sqlite_ledger_has_account (SbSqliteLedger *self, gint64 key);
gboolean sb_sqlite_ledger_has_user (SbSqliteLedger *self, gint64 key);
void sb_sqlite_ledger_commit (SbSqliteLedger *self);
void sb_sqlite_ledger_rollback (SbSqliteLedger *self);

SbSqliteTally sb_sqlite_ledger_get (SbSqliteLedger *self, gint64 key);
gboolean sb_sqlite_ledger_next_busy (SbSqliteLedger *self, gint64 after, gint64 *key);
GArray *sb_sqlite_ledger_rank (SbSqliteLedger *self, guint limit);
SbSqliteTotals sb_sqlite_ledger_get_totals (SbSqliteLedger *self);

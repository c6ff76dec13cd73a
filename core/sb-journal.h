/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-journal: group commit, once, for every store.
 *
 * Operations gather while the previous batch is being committed. One batch is
 * one transaction and one flush, on the journal's own thread; afterwards each
 * operation's function runs on the main context, in order. The journal is the
 * only writer; reads have a thread of their own.
 */
#pragma once

#include <gio/gio.h>

#include "sb-metrics.h"
#include "sb-store.h"

G_BEGIN_DECLS

/**
 * SbJournalStats:
 * @batches: transactions that were committed, or failed
 * @failures: those that failed
 * @operations: submitted and not finished
 * @bytes: of these
 * @commit_time: how long the newest transaction took with its flush, microseconds; 0: none yet
 * @waiting: how long nothing was finished although something is submitted, microseconds
 *
 * How the journal is doing.
 */
typedef struct
{
  guint64 batches;
  guint64 failures;
  guint operations;
  gsize bytes;
  gint64 commit_time;
  gint64 waiting;
} SbJournalStats;

#define SB_TYPE_JOURNAL (sb_journal_get_type ())
G_DECLARE_FINAL_TYPE (SbJournal, sb_journal, SB, JOURNAL, GObject)

/**
 * SbReadFunc:
 * @store: the store
 * @task: the task to return a result on, with the task data given to sb_journal_read_async()
 *
 * Reads from the store; runs on the reader's thread.
 */
typedef void (*SbReadFunc) (SbStore *store, GTask *task);

SbJournal *sb_journal_new (SbStore *store, guint max_operations, gsize max_bytes,
                           SbMetrics *metrics);
gboolean sb_journal_open (SbJournal *self, const SbStoreOptions *options, GError **error);
void sb_journal_close (SbJournal *self);

void sb_journal_submit (SbJournal *self, SbOperation *operation);
void sb_journal_submit_all (SbJournal *self, SbOperation **operations, guint n_operations);
void sb_journal_set_bounds (SbJournal *self, guint max_operations, gsize max_bytes);
gboolean sb_journal_is_full (SbJournal *self);
double sb_journal_get_fill (SbJournal *self);
gboolean sb_journal_is_open (SbJournal *self);
GError *sb_journal_dup_last_error (SbJournal *self);
void sb_journal_get_stats (SbJournal *self, SbJournalStats *stats);

void sb_journal_read_async (SbJournal *self, SbReadFunc func, GTask *task);
gpointer sb_journal_read_sync (SbJournal *self, SbReadFunc func, GError **error);
gboolean sb_journal_take_snapshot (SbJournal *self, const char *folder, SbSnapshotFunc func,
                                   gpointer user_data, GCancellable *cancellable, GError **error);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-test-store: the memory store, which fails or waits when a test says so,
 * and counts what it is asked for. Its functions may be called in any thread.
 */
#pragma once

#include "sb-memory-store.h"

G_BEGIN_DECLS

#define SB_TYPE_TEST_STORE (sb_test_store_get_type ())
G_DECLARE_FINAL_TYPE (SbTestStore, sb_test_store, SB, TEST_STORE, SbMemoryStore)

SbTestStore *sb_test_store_new (void);

/* The next @n batches fail with SB_ERROR_NO_SPACE and change nothing. */
void sb_test_store_fail_applies (SbTestStore *self, guint n);
/* The next @n reads but those of users and stats fail with SB_ERROR_TRANSIENT. */
void sb_test_store_fail_reads (SbTestStore *self, guint n);

/* Batches wait until they are let through. */
void sb_test_store_hold_applies (SbTestStore *self, gboolean hold);
/* The same for reads but those of users and stats, which have read by then. */
void sb_test_store_hold_reads (SbTestStore *self, gboolean hold);
/* Blocks until one of either kind waits. */
void sb_test_store_wait_held (SbTestStore *self);
guint sb_test_store_get_n_held (SbTestStore *self);

/* How many operations the batches since the last call had, with a space between. */
char *sb_test_store_take_batches (SbTestStore *self);
/* Operations and such reads so far. */
guint sb_test_store_get_n_calls (SbTestStore *self);
/* Sweeps among them. */
guint sb_test_store_get_n_sweeps (SbTestStore *self);

G_END_DECLS

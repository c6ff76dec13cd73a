/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-test-path: a path to a user that writes down what it gets.
 */
#pragma once

#include "sb-delivery.h"

G_BEGIN_DECLS

#define SB_TYPE_TEST_PATH (sb_test_path_get_type ())
G_DECLARE_FINAL_TYPE (SbTestPath, sb_test_path, SB, TEST_PATH, GObject)

typedef void (*SbTestPathFunc) (SbTestPath *path, SbMessage *message, gpointer user_data);

/* Ready; it holds all messages that it got. */
SbTestPath *sb_test_path_new (void);

void sb_test_path_set_ready (SbTestPath *self, gboolean is_ready);
/* So many more things can be written, then it is not ready any more. */
void sb_test_path_set_room (SbTestPath *self, guint room);
/* Called at the end of every deliver. */
void sb_test_path_set_func (SbTestPath *self, SbTestPathFunc func, gpointer user_data);

/* What it got since the last call: ids with a space between, "" for nothing. */
char *sb_test_path_take (SbTestPath *self);
/* The same for receipts, "id<recipient", and for expired ones, "id<recipient:reason". */
char *sb_test_path_take_receipts (SbTestPath *self);
char *sb_test_path_take_expired (SbTestPath *self);

guint sb_test_path_get_n_delivered (SbTestPath *self);
SbMessage *sb_test_path_get_last (SbTestPath *self);
/* -1 as long as it is open. */
int sb_test_path_get_close_reason (SbTestPath *self);

#define sb_test_path_assert(path, ids)                   \
  G_STMT_START                                           \
  {                                                      \
    g_autofree char *got_ids = sb_test_path_take (path); \
    g_assert_cmpstr (got_ids, ==, ids);                  \
  }                                                      \
  G_STMT_END

#define sb_test_path_assert_receipts(path, wanted)                \
  G_STMT_START                                                    \
  {                                                               \
    g_autofree char *got_ids = sb_test_path_take_receipts (path); \
    g_assert_cmpstr (got_ids, ==, wanted);                        \
  }                                                               \
  G_STMT_END

#define sb_test_path_assert_expired(path, wanted)                \
  G_STMT_START                                                   \
  {                                                              \
    g_autofree char *got_ids = sb_test_path_take_expired (path); \
    g_assert_cmpstr (got_ids, ==, wanted);                       \
  }                                                              \
  G_STMT_END

G_END_DECLS

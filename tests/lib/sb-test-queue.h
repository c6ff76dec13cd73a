/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-test-queue: one recipient's queue on a test journal, without a bus.
 */
#pragma once

#include "sb-queue.h"
#include "sb-test-bus.h"

G_BEGIN_DECLS

typedef struct
{
  SbTestBus *t;             /* (owned) */
  SbQueueSettings settings; /* may be changed before the first message */
  SbQueue *queue;           /* (owned) of the user r */
  gint64 sender;
  gint64 recipient;
  gboolean wants_receipt;
  GString *ended; /* (owned) outcome of each end: "done", "duplicate", "unknown", "failed" */
} SbTestQueue;

SbTestQueue *sb_test_queue_new (void);
void sb_test_queue_free (SbTestQueue *self);

/* As after a restart: another queue that knows nothing. */
void sb_test_queue_renew (SbTestQueue *self);

/* Sends messages with these ids, a space between; waits until they are committed and settled. */
void sb_test_queue_send (SbTestQueue *self, const char *ids);
/* One, of so many bytes, without waiting. */
void sb_test_queue_submit (SbTestQueue *self, const char *id, gsize size);

/* Returns: (transfer full): a path on which the queue delivers, settled */
SbTestPath *sb_test_queue_open (SbTestQueue *self);
void sb_test_queue_close (SbTestQueue *self);

/* Confirms messages with these ids and settles. */
void sb_test_queue_confirm (SbTestQueue *self, const char *ids);
void sb_test_queue_pass (SbTestQueue *self, gint64 us);
/* Lets the time-outs of an unconfirmed delivery pass until it is parked. */
void sb_test_queue_let_park (SbTestQueue *self);

/* "pending 0": state and attempts in the store. */
char *sb_test_queue_get_state (SbTestQueue *self, const char *id);

#define sb_test_queue_assert_state(queue, id, wanted)                 \
  G_STMT_START                                                        \
  {                                                                   \
    g_autofree char *got_state = sb_test_queue_get_state (queue, id); \
    g_assert_cmpstr (got_state, ==, wanted);                          \
  }                                                                   \
  G_STMT_END

/* Outcomes since the last time, with a space between. */
#define sb_test_queue_assert_ended(queue, wanted)      \
  G_STMT_START                                         \
  {                                                    \
    g_assert_cmpstr ((queue)->ended->str, ==, wanted); \
    g_string_truncate ((queue)->ended, 0);             \
  }                                                    \
  G_STMT_END

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbTestQueue, sb_test_queue_free)

G_END_DECLS

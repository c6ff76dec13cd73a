/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rig: a store of the type under test in a folder of its own, and short words
 * for what the tests do to it and expect of it. Expectations are texts, so that
 * a failure shows what came instead.
 */
#pragma once

#include "simplebus.h"

G_BEGIN_DECLS

#define SECOND G_GINT64_CONSTANT (1000000)
#define HOUR (3600 * SECOND)
/* When every test begins, wall clock. */
#define START (G_GINT64_CONSTANT (1700000000) * SECOND)
#define BODY_SIZE 64

/* For lists: everything that has not ended. */
#define ALL_STATES                                                                    \
  (1u << SB_DELIVERY_PENDING | 1u << SB_DELIVERY_SCHEDULED | 1u << SB_DELIVERY_PARKED \
   | 1u << SB_DELIVERY_DEAD | 1u << SB_DELIVERY_NOTIFIED)

typedef struct
{
  SbStore *store;
  char *dir; /* (owned) */
  SbStoreOptions options;
  GPtrArray *done;   /* (owned) (element-type SbOperation) */
  GHashTable *names; /* (owned) gint64 key → id, of all users that ever were */
  gboolean is_open;
  gint64 s; /* keys of three users that rig_start() makes: a sender */
  gint64 a; /* and two recipients */
  gint64 b;
} Rig;

/* What is tested, set once by main. */
typedef struct
{
  GType type;
  SbConfig *config;
  const char *executable;
  const char *module;
  const char *name;
  const char *data_dir;
  gboolean is_volatile;
} RigSubject;

extern RigSubject rig_subject;

Rig *rig_prepare (void);
Rig *rig_new (void);
void rig_start (Rig *self);
void rig_open (Rig *self);
void rig_close (Rig *self);
void rig_reopen (Rig *self);
void rig_free (Rig *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Rig, rig_free)

/* Takes the operation; it is valid as long as the rig. */
SbOperation *rig_apply (Rig *self, SbOperation *operation);
void rig_apply_batch (Rig *self, SbOperation *const *operations, guint n_operations);

void rig_note_name (Rig *self, gint64 key, const char *id);
gint64 rig_add_user (Rig *self, const char *id);
SbOutcome rig_remove_user (Rig *self, gint64 key, gint64 now);
gint64 rig_send (Rig *self, const char *id, gint64 sender, gint64 recipient);
SbOutcome rig_end (Rig *self, gint64 recipient, const char *id, SbDeliveryState state, gint64 now);
gint64 rig_send_at (Rig *self, const char *id, gint64 recipient, gint64 accepted, gsize size);
void rig_send_later (Rig *self, const char *id);
Rig *rig_new_with_one_of_each (void);
gint64 rig_bring_into (Rig *self, SbDeliveryState state);
SbOperation *rig_requeue (Rig *self, gint64 recipient, const char *id);
SbOperation *rig_move (Rig *self, gint64 recipient, gint64 to, const char *id);
void rig_sweep (Rig *self, gint64 now);

GBytes *make_body (const char *id, gsize size);
SbMessage *make_message (Rig *rig, const char *id, gint64 sender, gint64 not_before,
                         gint64 deadline);
SbOperation *make_append (SbMessage *message, guint n_targets, const gint64 *recipients);
SbOperation *make_end (gint64 recipient, gint64 position, const char *id, SbDeliveryState state,
                       gint64 now);
SbOperation *make_park (gint64 recipient, gint64 position, gint64 due, gint64 now);
SbOperation *with_log (SbOperation *operation, const char *log);
SbOperation *make_requeue (gint64 recipient, const char *id, gint64 now);
SbOperation *make_move (gint64 recipient, gint64 to, const char *id, gint64 now);
SbOperation *make_limits (const SbStoreLimits *limits);
SbOperation *make_sweep (gint64 now, guint limit);
SbOperation *make_put_user (gint64 key, const char *id, const char *const *tags);
SbOperation *make_remove_user (gint64 key, gint64 now);
SbOperation *make_add_receipt (gint64 sender, gint64 recipient, const char *id, gint64 now);
SbOperation *make_drop_receipts (gint64 sender, gint64 up_to);

/* Files; everything about one follows from its stored name. */
guint64 file_size (const char *name);
SbFile *make_file (const char *name);
SbMessage *make_announcement (Rig *rig, const char *id, const char *name, gint64 not_before,
                              gint64 deadline);
SbOperation *with_more (SbOperation *operation, SbMessage *message);
SbOperation *make_release (gint64 recipient, const char *id, gint64 now);
SbOperation *rig_announce (Rig *self, const char *id, const char *name, guint n,
                           const gint64 *recipients);
SbOperation *rig_release (Rig *self, gint64 recipient, const char *id);
SbOperation *rig_notify (Rig *self, gint64 recipient, const char *id);
gint64 rig_bring_file_into (Rig *self, SbDeliveryState state);
SbFileInfo *rig_file (Rig *self, const char *name);
char *rig_describe_rights (Rig *self, GArray *rights);
GPtrArray *rig_list_files (Rig *self, guint limit);
void assert_file_equal (const SbFile *a, const SbFile *b);
void assert_released (const char *released, guint64 size, const char *name);
/* It is done, and this file went with it, or none. */
void expect_released (const SbOperation *end, const char *name);
/* "recipient state, …"; NULL when there is no such live file */
void expect_file (Rig *self, const char *name, const char *text);
/* Stored names of all live files, sorted. */
void expect_files (Rig *self, const char *names);

GPtrArray *rig_read_pending (Rig *self, gint64 recipient, gint64 after);
/* Ids with blanks between them. */
void expect_pending (Rig *self, gint64 recipient, const char *ids);
void expect_parked (Rig *self, gint64 recipient, gint64 until, const char *ids, gint64 next_due);
/* "recipient state reason attempts, …"; reason "-" when there is none; NULL when not known */
void expect_status (Rig *self, const char *id, const char *text);
void expect_backlog (Rig *self, gint64 recipient, guint count);
/* "id/recipient …" */
void expect_receipts (Rig *self, gint64 sender, const char *text);
SbStoreStats rig_stats (Rig *self);
SbBacklog rig_backlog (Rig *self, gint64 recipient);
void assert_backlog_equal (const SbBacklog *a, const SbBacklog *b);
SbMessageStatus *rig_status (Rig *self, const char *id);
const SbDeliveryStatus *find_status (const SbMessageStatus *status, gint64 recipient);
void expect_log (Rig *self, gint64 recipient, const char *id, const char *log);
GPtrArray *rig_list_page (Rig *self, const SbDeliveryFilter *filter, guint limit, char **cursor);
GPtrArray *rig_list (Rig *self, const SbDeliveryFilter *filter, guint limit);
/* "id/recipient/state …", sorted: the order is the store's */
void expect_deliveries (Rig *self, const SbDeliveryFilter *filter, const char *text);
void assert_message_equal (const SbMessage *a, const SbMessage *b);

typedef struct
{
  const char *name;
  void (*func) (void);
} RigTest;

void rig_add_tests (const char *group, const RigTest *tests, gsize n_tests);

void add_append_tests (void);
void add_page_tests (void);
void add_end_tests (void);
void add_park_tests (void);
void add_user_tests (void);
void add_receipt_tests (void);
void add_sweep_tests (void);
void add_status_tests (void);
void add_log_tests (void);
void add_requeue_tests (void);
void add_move_tests (void);
void add_limits_tests (void);
void add_queues_tests (void);
void add_list_tests (void);
void add_file_tests (void);
void add_file_end_tests (void);
void add_model_tests (void);
void add_thread_tests (void);
void add_snapshot_tests (void);
void add_durable_tests (void);

/* The hidden half of the durable tests: appends until it is killed. */
int append_until_killed (const char *dir, const char *round);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-sqlite-writer: applies batches on the one connection that writes.
 *
 * A handle of a message is its number with three flags below, so that the end of
 * a delivery needs to read nothing: whether it has several recipients, whether it
 * has a deadline, and whether it was sent with a file. A handle from before a
 * delivery was moved may say that there is one recipient where there are two by
 * now. It is believed only for a delivery that is in the queue at its message's
 * number: if that one is the message's only delivery, it was not moved, for then
 * it would not be there.
 */
#pragma once

#include "sb-sqlite-ledger.h"

typedef struct
{
  SbSqliteDb *db;         /* (owned) */
  SbSqliteLedger *ledger; /* belongs to the store */
  SbStoreLimits limits;
  gint64 last_number;   /* given to a message, position or receipt */
  gint64 reserved;      /* numbers up to here may be given away without writing that down */
  GArray *finished;     /* (owned) (element-type SbSqliteSpan) in this batch */
  GArray *lowered;      /* (owned) (element-type SbSqliteLowered) in this batch */
  gint64 finished_at;   /* newest time of those */
  gint64 finished_from; /* the first one's */
  GByteArray *scratch;  /* (owned) */
  GArray *keys;         /* (owned) (element-type gint64) */
  char *released;       /* (owned) (nullable) id of the file whose message ended last … */
  gint64 released_size; /* … and its bytes */
} SbSqliteWriter;

/* A message with several recipients: what became of some of its deliveries. Numbers below 0: there
 * are new ones, or some wait again. */
typedef struct
{
  gint64 handle;
  gint64 ended;
  gint64 left; /* no longer wait: ended or dead */
  gint64 now;
} SbSqliteLowered;

/* A row of `message`. */
typedef struct
{
  gint64 seq;
  gint64 sender;
  gint64 deadline;
  gint64 handle;
  char *id;           /* (owned) */
  GArray *recipients; /* (owned) (element-type gint64) */
} SbSqliteMessage;

void sb_sqlite_message_clear (SbSqliteMessage *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SbSqliteMessage, sb_sqlite_message_clear)

/* A delivery, wherever it lies. */
typedef struct
{
  gint64 recipient;
  gint64 position;
  SbDeliveryState state;
  guint attempts;
  gint64 size;
  gboolean in_detour; /* it has a row there */
} SbSqliteDelivery;

/* What becomes of a delivery. */
typedef struct
{
  SbDeliveryState state;
  SbReason reason;
  guint attempts;
  gint64 due; /* parked; else 0 */
  gint64 now;
  const char *log; /* (nullable) instead of the one it has */
} SbSqliteChange;

/* What a lookup answers. */
typedef enum
{
  SB_SQLITE_FAILED = -1,
  SB_SQLITE_ABSENT = 0,
  SB_SQLITE_FOUND = 1,
} SbSqliteFound;

SbSqliteWriter *sb_sqlite_writer_new (SbSqliteDb *db, SbSqliteLedger *ledger,
                                      const SbStoreLimits *limits, GError **error);
void sb_sqlite_writer_free (SbSqliteWriter *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbSqliteWriter, sb_sqlite_writer_free)

gboolean sb_sqlite_writer_apply (SbSqliteWriter *self, SbOperation *const *operations,
                                 guint n_operations, GError **error);

/* sb-sqlite-writer.c, for the files below */
static inline sqlite3_stmt *
sb_sqlite_writer_get (SbSqliteWriter *self, guint query)
{
  return self->db->statements[query];
}

static inline gint64
sb_sqlite_handle_get_seq (gint64 handle)
{
  return handle >> 3;
}

static inline gint64
sb_sqlite_handle_new (gint64 seq, gboolean has_deadline, gboolean is_shared, gboolean has_file)
{
  return seq << 3 | (has_file ? 4 : 0) | (has_deadline ? 2 : 0) | (is_shared ? 1 : 0);
}

static inline gboolean
sb_sqlite_handle_has_file (gint64 handle)
{
  return (handle & 4) != 0;
}

static inline gboolean
sb_sqlite_handle_has_deadline (gint64 handle)
{
  return (handle & 2) != 0;
}

static inline gboolean
sb_sqlite_handle_is_shared (gint64 handle)
{
  return (handle & 1) != 0;
}

void sb_sqlite_writer_saw_time (SbSqliteWriter *self, gint64 time);
SbSqliteFound sb_sqlite_writer_find_message (SbSqliteWriter *self, const char *id,
                                             SbSqliteMessage *message, GError **error);
SbSqliteFound sb_sqlite_writer_get_message (SbSqliteWriter *self, gint64 seq,
                                            SbSqliteMessage *message, GError **error);
gboolean sb_sqlite_writer_run_pair (SbSqliteWriter *self, guint query, gint64 first, gint64 second,
                                    GError **error);
gboolean sb_sqlite_writer_lower (SbSqliteWriter *self, gint64 handle, int ended, int left,
                                 gint64 now, GError **error);
gboolean sb_sqlite_writer_finish (SbSqliteWriter *self, gint64 handle, gint64 rows, gint64 deadline,
                                  gint64 size, gint64 now, GError **error);
gboolean sb_sqlite_writer_flush (SbSqliteWriter *self, GError **error);

/* sb-sqlite-append.c */
gboolean sb_sqlite_writer_append (SbSqliteWriter *self, SbOperation *operation, GError **error);

/* sb-sqlite-file.c */
gboolean sb_sqlite_writer_insert_file (SbSqliteWriter *self, gint64 seq, const SbFile *file,
                                       GError **error);
SbSqliteFound sb_sqlite_writer_find_file (SbSqliteWriter *self, const SbFile *file,
                                          gboolean *name_taken, GError **error);
gboolean sb_sqlite_writer_release_file (SbSqliteWriter *self, gint64 seq, GError **error);
void sb_sqlite_writer_take_released (SbSqliteWriter *self, char **id, guint64 *size);

/* sb-sqlite-delivery.c */
SbSqliteFound sb_sqlite_writer_locate (SbSqliteWriter *self, gint64 seq, gint64 recipient,
                                       SbSqliteDelivery *delivery, GError **error);
gboolean sb_sqlite_writer_insert_queued (SbSqliteWriter *self, gint64 recipient, gint64 position,
                                         gint64 seq, gboolean is_shared, gint64 size,
                                         GError **error);
gboolean sb_sqlite_writer_delete_queued (SbSqliteWriter *self, gint64 recipient, gint64 position,
                                         GError **error);
gboolean sb_sqlite_writer_insert_ended (SbSqliteWriter *self, gint64 seq, gint64 recipient,
                                        const SbSqliteChange *change, GError **error);
gboolean sb_sqlite_writer_insert_fanout (SbSqliteWriter *self, gint64 seq, gint64 open,
                                         gint64 waiting, gint64 size, GError **error);
void sb_sqlite_writer_uncount (SbSqliteWriter *self, const SbSqliteDelivery *delivery);
gboolean sb_sqlite_writer_settle (SbSqliteWriter *self, gint64 handle, gint64 deadline,
                                  const SbSqliteDelivery *delivery, const SbSqliteChange *change,
                                  GError **error);
gboolean sb_sqlite_writer_change (SbSqliteWriter *self, const SbSqliteMessage *message,
                                  const SbSqliteDelivery *delivery, const SbSqliteChange *change,
                                  GError **error);
gboolean sb_sqlite_writer_end_delivery (SbSqliteWriter *self, const SbSqliteMessage *message,
                                        const SbSqliteDelivery *delivery,
                                        const SbSqliteChange *change, GError **error);
gboolean sb_sqlite_writer_enqueue (SbSqliteWriter *self, const SbSqliteMessage *message,
                                   SbSqliteDelivery *delivery, gint64 now, GError **error);
gboolean sb_sqlite_writer_wait_again (SbSqliteWriter *self, const SbSqliteMessage *message,
                                      gint64 now, GError **error);

/* sb-sqlite-end.c */
gboolean sb_sqlite_writer_end (SbSqliteWriter *self, SbOperation *operation, GError **error);
gboolean sb_sqlite_writer_park (SbSqliteWriter *self, SbOperation *operation, GError **error);

/* sb-sqlite-operator.c */
gboolean sb_sqlite_writer_requeue (SbSqliteWriter *self, SbOperation *operation, GError **error);
gboolean sb_sqlite_writer_move (SbSqliteWriter *self, SbOperation *operation, GError **error);

/* sb-sqlite-users.c */
gboolean sb_sqlite_writer_put_user (SbSqliteWriter *self, SbOperation *operation, GError **error);
gboolean sb_sqlite_writer_remove_user (SbSqliteWriter *self, SbOperation *operation,
                                       GError **error);
gboolean sb_sqlite_writer_add_receipt (SbSqliteWriter *self, gint64 sender, gint64 recipient,
                                       const char *id, gint64 now, GError **error);
gboolean sb_sqlite_writer_drop_receipts (SbSqliteWriter *self, SbOperation *operation,
                                         GError **error);

/* sb-sqlite-sweep.c */
gboolean sb_sqlite_writer_sweep (SbSqliteWriter *self, SbOperation *operation, GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-store: the database of an outbox, and the thread that owns it.
 *
 * Operations are gathered while the ones before them are being committed: all that wait are one
 * transaction and one flush. They come back in batches, in the order in which they were given.
 */
#pragma once

#include "sb-client-error.h"

G_BEGIN_DECLS

typedef struct
{
  gint64 seq;
  char *id;   /* (owned) */
  char *json; /* (owned) */
  gsize length;
} SbClientRow;

void sb_client_row_free (SbClientRow *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbClientRow, sb_client_row_free)

/**
 * SbClientStoreKind:
 * @SB_CLIENT_STORE_APPEND: adds @row, unless its id is there
 * @SB_CLIENT_STORE_REMOVE: takes the row with that @seq out
 * @SB_CLIENT_STORE_REFUSE: the same, and notes it with @code and @words among those refused
 * @SB_CLIENT_STORE_READ: reads the rows behind @seq
 * @SB_CLIENT_STORE_BARRIER: nothing; it comes back when all before it is on disk, or could not be
 * @SB_CLIENT_STORE_CLOSE: the last one
 */
typedef enum
{
  SB_CLIENT_STORE_APPEND,
  SB_CLIENT_STORE_REMOVE,
  SB_CLIENT_STORE_REFUSE,
  SB_CLIENT_STORE_READ,
  SB_CLIENT_STORE_BARRIER,
  SB_CLIENT_STORE_CLOSE,
} SbClientStoreKind;

typedef struct
{
  SbClientStoreKind kind;
  gint64 seq;
  gsize length; /* of the row that goes */
  int code;
  char *words;      /* (owned) (nullable) */
  SbClientRow *row; /* (owned) (nullable) */
  GTask *task;      /* (owned) (nullable): the caller's */

  gboolean is_duplicate; /* an id that was there */
  gboolean has_more;     /* there are rows behind those read */
  GPtrArray *rows;       /* (owned) (nullable) of SbClientRow */
  GError *error;         /* (owned) (nullable) */
} SbClientStoreOp;

SbClientStoreOp *sb_client_store_op_new (SbClientStoreKind kind, gint64 seq);
void sb_client_store_op_free (SbClientStoreOp *self);

typedef struct
{
  gint64 last_seq;
  gint64 count;
  gint64 bytes;
} SbClientStoreTotals;

/* @ops: of SbClientStoreOp, done; each may be changed. May free the store. */
typedef void (*SbClientStoreFunc) (GPtrArray *ops, gpointer user_data);

typedef struct _SbClientStore SbClientStore;

/* @path: (nullable): %NULL: in memory. @func: called in the main context of the caller */
SbClientStore *sb_client_store_open (const char *path, SbClientStoreTotals *totals,
                                     SbClientStoreFunc func, gpointer user_data, GError **error);
/* What was given is written; nothing comes back any more. */
void sb_client_store_free (SbClientStore *self);
void sb_client_store_submit (SbClientStore *self, SbClientStoreOp *owned_op);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-store-sql: what the database of an outbox is asked. One connection; it belongs to the
 * thread that uses it.
 */
#pragma once

#include "sb-client-store.h"

#include <sqlite3.h>

G_BEGIN_DECLS

typedef struct _SbClientSql SbClientSql;

SbClientSql *sb_client_sql_open (const char *path, SbClientStoreTotals *totals, GError **error);
void sb_client_sql_close (SbClientSql *self);

gboolean sb_client_sql_begin (SbClientSql *self, GError **error);
gboolean sb_client_sql_commit (SbClientSql *self, GError **error);
void sb_client_sql_roll_back (SbClientSql *self);
/* One of APPEND, REMOVE, REFUSE, within a transaction. */
gboolean sb_client_sql_write (SbClientSql *self, SbClientStoreOp *op, GError **error);
gboolean sb_client_sql_read (SbClientSql *self, SbClientStoreOp *op, GError **error);

G_END_DECLS

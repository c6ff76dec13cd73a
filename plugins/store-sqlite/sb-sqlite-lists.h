/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-sqlite-lists: what an operator looks at: queues, and what lies in them. */
#pragma once

#include "sb-sqlite-ledger.h"

gboolean sb_sqlite_lists_backlog (SbSqliteDb *db, SbSqliteLedger *ledger, gint64 recipient,
                                  SbBacklog *backlog, GError **error);
GPtrArray *sb_sqlite_lists_queues (SbSqliteDb *db, SbSqliteLedger *ledger, gint64 after,
                                   guint limit, GError **error);
GPtrArray *sb_sqlite_lists_largest (SbSqliteDb *db, SbSqliteLedger *ledger, guint limit,
                                    GError **error);
GPtrArray *sb_sqlite_lists_deliveries (SbSqliteDb *db, const SbDeliveryFilter *filter,
                                       const char *after, guint limit, char **next, GError **error);

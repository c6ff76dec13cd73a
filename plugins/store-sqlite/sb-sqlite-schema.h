/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-sqlite-schema: whose database it is, and steps from each version to the next. */
#pragma once

#include "sb-sqlite-db.h"

#define SB_SQLITE_APPLICATION_ID 0x53427573 /* "SBus" */
#define SB_SQLITE_VERSION 2

gboolean sb_sqlite_schema_recognize (SbSqliteDb *db, GError **error);
gboolean sb_sqlite_schema_prepare (SbSqliteDb *db, gint64 check_size, GError **error);

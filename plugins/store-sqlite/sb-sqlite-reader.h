/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-sqlite-reader: what reads, on a connection that cannot write. */
#pragma once

#include "sb-sqlite-db.h"

SbSqliteDb *sb_sqlite_reader_open (const char *path, gint64 cache_size, GError **error);

GPtrArray *sb_sqlite_reader_pending (SbSqliteDb *db, gint64 recipient, gint64 after, guint limit,
                                     gsize max_bytes, GError **error);
GPtrArray *sb_sqlite_reader_parked (SbSqliteDb *db, gint64 recipient, gint64 until, guint limit,
                                    gint64 *next_due, GError **error);
SbMessage *sb_sqlite_reader_message (SbSqliteDb *db, const char *id, GError **error);
SbFileInfo *sb_sqlite_reader_file (SbSqliteDb *db, const char *name, GError **error);
GPtrArray *sb_sqlite_reader_files (SbSqliteDb *db, const char *after, guint limit, GError **error);
SbMessageStatus *sb_sqlite_reader_status (SbSqliteDb *db, const char *id, GError **error);
GPtrArray *sb_sqlite_reader_users (SbSqliteDb *db, GError **error);
GPtrArray *sb_sqlite_reader_receipts (SbSqliteDb *db, gint64 sender_key, guint limit,
                                      GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-sqlite-db: one connection with its prepared statements, and SQLite's
 * errors by meaning. A connection is used by one thread at a time.
 */
#pragma once

#include <simplebus.h>
#include <sqlite3.h>

typedef struct
{
  sqlite3 *handle;           /* (owned) */
  sqlite3_stmt **statements; /* (owned) n_statements of them */
  guint n_statements;
  char *path; /* (owned) for messages */
} SbSqliteDb;

SbSqliteDb *sb_sqlite_db_open (const char *path, GError **error);
SbSqliteDb *sb_sqlite_db_open_existing (const char *path, GError **error);
void sb_sqlite_db_close (SbSqliteDb *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbSqliteDb, sb_sqlite_db_close)

gboolean sb_sqlite_db_exec (SbSqliteDb *self, const char *sql, GError **error);
gboolean sb_sqlite_db_get_number (SbSqliteDb *self, const char *sql, gint64 *number,
                                  GError **error);
sqlite3_stmt *sb_sqlite_db_prepare (SbSqliteDb *self, const char *sql, GError **error);
gboolean sb_sqlite_db_prepare_all (SbSqliteDb *self, const char *const *queries, guint n_queries,
                                   GError **error);
int sb_sqlite_db_step (SbSqliteDb *self, sqlite3_stmt *statement, GError **error);
gboolean sb_sqlite_db_run (SbSqliteDb *self, sqlite3_stmt *statement, GError **error);
gboolean sb_sqlite_db_set_error (SbSqliteDb *self, int code, GError **error);
GArray *sb_sqlite_read_recipients (sqlite3_stmt *statement, int column);

static inline void
sb_sqlite_statement_reset (sqlite3_stmt *statement)
{
  sqlite3_reset (statement);
}

/* What sb_sqlite_db_step() answers. */
#define SB_SQLITE_STEP_ERROR (-1)
#define SB_SQLITE_STEP_DONE 0
#define SB_SQLITE_STEP_ROW 1

/* A statement that is reset when its scope ends, and one that is finalized then. */
typedef sqlite3_stmt SbSqliteCursor;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbSqliteCursor, sb_sqlite_statement_reset)
typedef sqlite3_stmt SbSqliteStatement;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbSqliteStatement, sqlite3_finalize)

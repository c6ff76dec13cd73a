/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-sqlite-db: one connection with its prepared statements. */

#include "sb-sqlite-db.h"

#include "sb-sqlite-codec.h"

#include <errno.h>

/* Another process may hold the file for a moment, for example a backup that is being made. */
#define BUSY_TIMEOUT_MS 2000

static SbError
classify_io (int system_errno, int extended)
{
  if (system_errno == ENOSPC || system_errno == EDQUOT)
    return SB_ERROR_NO_SPACE;
  if (extended == SQLITE_IOERR_CORRUPTFS || extended == SQLITE_IOERR_DATA)
    return SB_ERROR_CORRUPT;
  return SB_ERROR_TRANSIENT;
}

static SbError
classify (SbSqliteDb *self, int code)
{
  switch (code & 0xff)
    {
    case SQLITE_FULL:
      return SB_ERROR_NO_SPACE;
    case SQLITE_IOERR:
      return classify_io (sqlite3_system_errno (self->handle),
                          sqlite3_extended_errcode (self->handle));
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return SB_ERROR_CORRUPT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return SB_ERROR_BUSY;
    case SQLITE_NOMEM:
    case SQLITE_INTERRUPT:
    case SQLITE_PROTOCOL:
      return SB_ERROR_TRANSIENT;
    default:
      return SB_ERROR_FAILED;
    }
}

/* Sets @error to what @code means. Returns %FALSE, for the caller to return. */
gboolean
sb_sqlite_db_set_error (SbSqliteDb *self, int code, GError **error)
{
  g_set_error (error, SB_ERROR, classify (self, code), "Database %s: %s (SQLite %d)", self->path,
               self->handle != NULL ? sqlite3_errmsg (self->handle) : sqlite3_errstr (code),
               self->handle != NULL ? sqlite3_extended_errcode (self->handle) : code);
  return FALSE;
}

static SbSqliteDb *
open_with (const char *path, int flags, GError **error)
{
  g_autoptr (SbSqliteDb) self = g_new0 (SbSqliteDb, 1);
  int code;

  self->path = g_strdup (path);
  code = sqlite3_open_v2 (path, &self->handle, flags | SQLITE_OPEN_NOMUTEX, NULL);
  if (code != SQLITE_OK)
    {
      sb_sqlite_db_set_error (self, code, error);
      return NULL;
    }
  sqlite3_extended_result_codes (self->handle, 1);
  sqlite3_busy_timeout (self->handle, BUSY_TIMEOUT_MS);
  sqlite3_db_config (self->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  return g_steal_pointer (&self);
}

/* Makes the database when it is not there. */
SbSqliteDb *
sb_sqlite_db_open (const char *path, GError **error)
{
  return open_with (path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, error);
}

/* Only for reading; it must be there. */
SbSqliteDb *
sb_sqlite_db_open_existing (const char *path, GError **error)
{
  return open_with (path, SQLITE_OPEN_READONLY, error);
}

void
sb_sqlite_db_close (SbSqliteDb *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < self->n_statements; i++)
    sqlite3_finalize (self->statements[i]);
  g_free (self->statements);
  sqlite3_close (self->handle);
  g_free (self->path);
  g_free (self);
}

/* Runs one or several statements whose rows do not matter. */
gboolean
sb_sqlite_db_exec (SbSqliteDb *self, const char *sql, GError **error)
{
  int code = sqlite3_exec (self->handle, sql, NULL, NULL, NULL);

  return code == SQLITE_OK || sb_sqlite_db_set_error (self, code, error);
}

/* The first column of the first row; a query without a row is a database without sense. */
gboolean
sb_sqlite_db_get_number (SbSqliteDb *self, const char *sql, gint64 *number, GError **error)
{
  g_autoptr (SbSqliteStatement) statement = sb_sqlite_db_prepare (self, sql, error);
  int step;

  if (statement == NULL)
    return FALSE;
  step = sb_sqlite_db_step (self, statement, error);
  if (step == SB_SQLITE_STEP_ERROR)
    return FALSE;
  if (step == SB_SQLITE_STEP_DONE)
    {
      g_set_error (error, SB_ERROR, SB_ERROR_CORRUPT, "Database %s: no row for “%s”", self->path,
                   sql);
      return FALSE;
    }
  *number = sqlite3_column_int64 (statement, 0);
  return TRUE;
}

sqlite3_stmt *
sb_sqlite_db_prepare (SbSqliteDb *self, const char *sql, GError **error)
{
  sqlite3_stmt *statement = NULL;
  int code = sqlite3_prepare_v3 (self->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement,
                                 NULL);

  /* The queries are right, so a plain error means that the schema is not. */
  if ((code & 0xff) == SQLITE_ERROR)
    g_set_error (error, SB_ERROR, SB_ERROR_CORRUPT, "Database %s: %s", self->path,
                 sqlite3_errmsg (self->handle));
  else if (code != SQLITE_OK)
    sb_sqlite_db_set_error (self, code, error);
  return statement;
}

/* Prepares all of @queries; a database that lacks a table or column is found out here. */
gboolean
sb_sqlite_db_prepare_all (SbSqliteDb *self, const char *const *queries, guint n_queries,
                          GError **error)
{
  self->statements = g_new0 (sqlite3_stmt *, n_queries);
  self->n_statements = n_queries;
  for (guint i = 0; i < n_queries; i++)
    {
      self->statements[i] = sb_sqlite_db_prepare (self, queries[i], error);
      if (self->statements[i] == NULL)
        return FALSE;
    }
  return TRUE;
}

/* One row, none or an error. After anything but a row the statement is reset. */
int
sb_sqlite_db_step (SbSqliteDb *self, sqlite3_stmt *statement, GError **error)
{
  int code = sqlite3_step (statement);

  if (code == SQLITE_ROW)
    return SB_SQLITE_STEP_ROW;
  if (code != SQLITE_DONE)
    sb_sqlite_db_set_error (self, code, error);
  sqlite3_reset (statement);
  return code == SQLITE_DONE ? SB_SQLITE_STEP_DONE : SB_SQLITE_STEP_ERROR;
}

/* Runs a statement that gives no rows. */
gboolean
sb_sqlite_db_run (SbSqliteDb *self, sqlite3_stmt *statement, GError **error)
{
  int code = sqlite3_step (statement);

  if (code != SQLITE_DONE)
    sb_sqlite_db_set_error (self, code, error);
  sqlite3_reset (statement);
  return code == SQLITE_DONE;
}

/* The keys in a column of `message`; %NULL when it is damaged. */
GArray *
sb_sqlite_read_recipients (sqlite3_stmt *statement, int column)
{
  gint64 only;
  GArray *keys;

  if (sqlite3_column_type (statement, column) == SQLITE_BLOB)
    return sb_sqlite_decode_keys (sqlite3_column_blob (statement, column),
                                  sqlite3_column_bytes (statement, column));
  only = sqlite3_column_int64 (statement, column);
  keys = g_array_new (FALSE, FALSE, sizeof (gint64));
  return g_array_append_val (keys, only);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-sqlite-snapshot: VACUUM INTO on a connection of its own, which is opened
 * for reading only: it can neither write nor checkpoint, so there is still only
 * one that does.
 *
 * All of it is one read transaction. The writer goes on, but its log cannot be
 * used again from the beginning until the copy is done, and so grows; when it
 * has grown too far the copy is given up. A copy of the pages would take as long
 * and hold the same; this one leaves out what is free in the database, and a
 * table that is damaged makes it fail instead of getting into a backup.
 */

#include "sb-sqlite-snapshot.h"

#include "sb-sqlite-queries.h"
#include "sb-sqlite-reader.h"

#include <errno.h>
#include <glib/gstdio.h>

#define FILE_NAME "simplebus.db"

/* Instructions of SQLite's machine between two looks at the cancellable and the log: about a
 * millisecond. */
#define STEPS 20000

#define PAGE 1000
#define CACHE_SIZE (G_GINT64_CONSTANT (2) << 20)

typedef struct
{
  const SbSqliteSource *source;
  GCancellable *cancellable; /* (nullable) */
  gboolean is_log_long;
} Watch;

static gboolean
is_log_long (const SbSqliteSource *source)
{
  GStatBuf info;

  return g_stat (source->log_path, &info) == 0 && info.st_size > source->log_max;
}

/* Not 0: SQLite gives up. */
static int
watch_cb (gpointer data)
{
  Watch *watch = data;

  watch->is_log_long = watch->is_log_long || is_log_long (watch->source);
  return watch->is_log_long || g_cancellable_is_cancelled (watch->cancellable);
}

/* The reason behind an interruption, in place of SQLite's own words for it. */
static gboolean
explain (const Watch *watch, GError *inner, GError **error)
{
  if (!g_cancellable_is_cancelled (watch->cancellable) && !watch->is_log_long)
    {
      g_propagate_error (error, inner);
      return FALSE;
    }
  g_error_free (inner);
  if (!g_cancellable_set_error_if_cancelled (watch->cancellable, error))
    g_set_error (error, SB_ERROR, SB_ERROR_BUSY,
                 "So much is written to database %s that a copy of it cannot keep up; try again "
                 "when there is less to do",
                 watch->source->path);
  return FALSE;
}

static gboolean
copy_into (SbSqliteDb *db, const char *copy, GError **error)
{
  g_autoptr (SbSqliteStatement) statement = sb_sqlite_db_prepare (db, SB_SQLITE_COPY_INTO, error);

  if (statement == NULL)
    return FALSE;
  sqlite3_bind_text (statement, 1, copy, -1, SQLITE_STATIC);
  return sb_sqlite_db_run (db, statement, error);
}

static gboolean
copy_database (const SbSqliteSource *source, const char *copy, GCancellable *cancellable,
               GError **error)
{
  Watch watch = { source, cancellable, FALSE };
  g_autofree char *set_cache = g_strdup_printf (SB_SQLITE_SET_CACHE_SIZE, CACHE_SIZE / 1024);
  g_autoptr (SbSqliteDb) db = sb_sqlite_db_open_existing (source->path, error);
  GError *inner = NULL;

  if (db == NULL || !sb_sqlite_db_exec (db, SB_SQLITE_SETUP_COPIER, error)
      || !sb_sqlite_db_exec (db, set_cache, error))
    return FALSE;
  sqlite3_db_config (db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
  sqlite3_progress_handler (db->handle, STEPS, watch_cb, &watch);
  return copy_into (db, copy, &inner) || explain (&watch, inner, error);
}

static gboolean
tell_files (SbSqliteDb *db, SbSnapshotFunc func, gpointer user_data, GCancellable *cancellable,
            GError **error)
{
  g_autofree char *after = g_strdup ("");
  guint n;

  do
    {
      g_autoptr (GPtrArray) page = sb_sqlite_reader_files (db, after, PAGE, error);

      if (page == NULL || g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      n = page->len;
      for (guint i = 0; i < n; i++)
        func (((SbFileInfo *) page->pdata[i])->file, user_data);
      g_free (after);
      after = g_strdup (n > 0 ? ((SbFileInfo *) page->pdata[n - 1])->file->id : "");
    }
  while (n == PAGE);
  return TRUE;
}

/* Any thread. The error is advice already where there is any. */
gboolean
sb_sqlite_snapshot_take (const SbSqliteSource *source, const char *folder, SbSnapshotFunc func,
                         gpointer user_data, GCancellable *cancellable, GError **error)
{
  g_autofree char *copy = g_build_filename (folder, FILE_NAME, NULL);
  g_autoptr (SbSqliteDb) db = NULL;

  if (g_cancellable_set_error_if_cancelled (cancellable, error)
      || !copy_database (source, copy, cancellable, error))
    return FALSE;
  db = sb_sqlite_reader_open (copy, CACHE_SIZE, error);
  return db != NULL && tell_files (db, func, user_data, cancellable, error);
}

/* A rename within a file system, so it is done or not. */
gboolean
sb_sqlite_snapshot_put_back (const char *folder, const char *path, GError **error)
{
  g_autofree char *copy = g_build_filename (folder, FILE_NAME, NULL);
  g_autofree char *parent = g_path_get_dirname (path);

  if (!g_file_test (copy, G_FILE_TEST_IS_REGULAR))
    {
      g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID,
                           "There is no " FILE_NAME " in it: it is no backup of this store");
      return FALSE;
    }
  if (g_file_test (path, G_FILE_TEST_EXISTS))
    {
      g_set_error (error, SB_ERROR, SB_ERROR_CONFLICT,
                   "There is a database already: %s; move it away", path);
      return FALSE;
    }
  if (g_mkdir_with_parents (parent, 0700) == 0 && g_rename (copy, path) == 0)
    return TRUE;
  g_set_error (error, SB_ERROR, errno == ENOSPC ? SB_ERROR_NO_SPACE : SB_ERROR_FAILED,
               "Database %s cannot be put there: %s", path, g_strerror (errno));
  return FALSE;
}

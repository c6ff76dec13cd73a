/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-sqlite-schema: a database is made, recognized, checked and brought up to
 * date. One that is not ours, newer or damaged is left as it is, and the error
 * says what can be done.
 *
 * Reading all of a big database to find damage would keep the bus down for
 * long. So a whole check is made up to a size; above it the header, the schema
 * and all that the counters are made from are read, and SQLite itself reports
 * damage wherever it meets it later.
 */

#include "sb-sqlite-schema.h"

#include "sb-sqlite-queries.h"

typedef gboolean (*Migration) (SbSqliteDb *db, GError **error);

static gboolean
create_version_1 (SbSqliteDb *db, GError **error)
{
  return sb_sqlite_db_exec (db, SB_SQLITE_CREATE_VERSION_1, error);
}

static gboolean
create_version_2 (SbSqliteDb *db, GError **error)
{
  return sb_sqlite_db_exec (db, SB_SQLITE_CREATE_VERSION_2, error);
}

/* migrations[n] leads from version n to n + 1. */
static const Migration migrations[SB_SQLITE_VERSION] = {
  create_version_1,
  create_version_2,
};

static gboolean
migrate_step (SbSqliteDb *db, gint64 version, GError **error)
{
  g_autofree char *set_version = g_strdup_printf (SB_SQLITE_SET_VERSION, (int) version + 1);

  if (!sb_sqlite_db_exec (db, SB_SQLITE_BEGIN, error))
    return FALSE;
  if (migrations[version](db, error) && sb_sqlite_db_exec (db, set_version, error)
      && sb_sqlite_db_exec (db, SB_SQLITE_COMMIT, error))
    return TRUE;
  if (!sqlite3_get_autocommit (db->handle))
    sb_sqlite_db_exec (db, SB_SQLITE_ROLLBACK, NULL);
  g_prefix_error (error,
                  "Bringing the database from version %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
                  " failed, it is as before: ",
                  version, version + 1);
  return FALSE;
}

/* An empty file is a new database; anything else must bear our mark. */
static gboolean
recognize (SbSqliteDb *db, gint64 *version, GError **error)
{
  gint64 application = 0;
  gint64 tables = 0;

  if (!sb_sqlite_db_get_number (db, SB_SQLITE_GET_APPLICATION, &application, error)
      || !sb_sqlite_db_get_number (db, SB_SQLITE_GET_VERSION, version, error)
      || !sb_sqlite_db_get_number (db, SB_SQLITE_COUNT_TABLES, &tables, error))
    return FALSE;
  if (application == 0 && *version == 0 && tables == 0)
    return TRUE;
  if (application == SB_SQLITE_APPLICATION_ID && *version > 0)
    return TRUE;
  g_set_error (error, SB_ERROR, SB_ERROR_UNSUPPORTED,
               "Database %s belongs to another program (application id %" G_GINT64_FORMAT
               "); it was not touched. Name another file in [store-sqlite] file",
               db->path, application);
  return FALSE;
}

static gboolean
refuse_newer (SbSqliteDb *db, gint64 version, GError **error)
{
  g_set_error (error, SB_ERROR, SB_ERROR_UNSUPPORTED,
               "Database %s has version %" G_GINT64_FORMAT ", this program knows up to %d; it was "
               "not touched. Start the newer program again, or restore a backup made before it",
               db->path, version, SB_SQLITE_VERSION);
  return FALSE;
}

static gboolean
quick_check (SbSqliteDb *db, GError **error)
{
  g_autoptr (SbSqliteStatement) statement = sb_sqlite_db_prepare (db, SB_SQLITE_QUICK_CHECK, error);
  const char *verdict;
  int step;

  if (statement == NULL)
    return FALSE;
  step = sb_sqlite_db_step (db, statement, error);
  if (step == SB_SQLITE_STEP_ERROR)
    return FALSE;
  verdict = step == SB_SQLITE_STEP_ROW ? (const char *) sqlite3_column_text (statement, 0) : NULL;
  if (g_strcmp0 (verdict, "ok") == 0)
    return TRUE;
  g_set_error (error, SB_ERROR, SB_ERROR_CORRUPT, "Database %s: %s", db->path,
               verdict != NULL ? verdict : "no verdict");
  return FALSE;
}

static gboolean
check (SbSqliteDb *db, gint64 check_size, GError **error)
{
  gint64 pages = 0;
  gint64 page_size = 0;

  if (!sb_sqlite_db_get_number (db, SB_SQLITE_GET_PAGE_COUNT, &pages, error)
      || !sb_sqlite_db_get_number (db, SB_SQLITE_GET_PAGE_SIZE, &page_size, error))
    return FALSE;
  return pages * page_size > check_size || quick_check (db, error);
}

/* Finds out whose database it is, before anything is written to it. */
gboolean
sb_sqlite_schema_recognize (SbSqliteDb *db, GError **error)
{
  gint64 version = 0;

  if (!recognize (db, &version, error))
    return FALSE;
  return version <= SB_SQLITE_VERSION || refuse_newer (db, version, error);
}

/* Makes or migrates the schema. @check_size: bytes up to which the whole file is checked. */
gboolean
sb_sqlite_schema_prepare (SbSqliteDb *db, gint64 check_size, GError **error)
{
  gint64 version = 0;

  if (!sb_sqlite_db_get_number (db, SB_SQLITE_GET_VERSION, &version, error)
      || !check (db, check_size, error))
    return FALSE;
  for (; version < SB_SQLITE_VERSION; version++)
    if (!migrate_step (db, version, error))
      return FALSE;
  return TRUE;
}

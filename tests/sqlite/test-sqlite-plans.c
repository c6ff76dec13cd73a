/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sqlite-plans: how SQLite goes about each of the store's queries. */

#include "sb-sqlite-queries.h"
#include "sb-test.h"
#include "sqlite-rig.h"

static sqlite3_stmt *
prepare (sqlite3 *handle, const char *sql)
{
  sqlite3_stmt *statement = NULL;

  if (sqlite3_prepare_v2 (handle, sql, -1, &statement, NULL) != SQLITE_OK)
    g_error ("%s: %s", sqlite3_errmsg (handle), sql);
  return statement;
}

/* Going through a table from its beginning is fine for its first row, and for all users. */
static gboolean
may_scan (const char *sql)
{
  return g_str_has_suffix (sql, " LIMIT 1") || strstr (sql, "FROM user WHERE removed IS NULL")
         || strstr (sql, "UPDATE counter");
}

static void
check_plan (sqlite3 *handle, const char *sql)
{
  g_autofree char *explain = g_strconcat ("EXPLAIN QUERY PLAN ", sql, NULL);
  sqlite3_stmt *statement = prepare (handle, explain);

  while (sqlite3_step (statement) == SQLITE_ROW)
    {
      const char *step = (const char *) sqlite3_column_text (statement, 3);

      g_test_message ("%s: %s", sql, step);
      if (strstr (step, "TEMP B-TREE") != NULL || strstr (step, "AUTOMATIC") != NULL
          || (g_str_has_prefix (step, "SCAN") && !may_scan (sql)))
        g_error ("%s: %s", step, sql);
    }
  sqlite3_finalize (statement);
}

static void
no_query_looks_at_more_than_it_needs (void)
{
  g_autoptr (SqliteRig) rig = sqlite_rig_new ();
  sqlite3 *handle = NULL;

  sqlite_rig_close (rig);
  g_assert_cmpint (sqlite3_open (rig->path, &handle), ==, SQLITE_OK);
  for (guint i = 0; i < SB_SQLITE_N_WRITER_QUERIES; i++)
    check_plan (handle, sb_sqlite_writer_queries[i]);
  for (guint i = 0; i < SB_SQLITE_N_READER_QUERIES; i++)
    check_plan (handle, sb_sqlite_reader_queries[i]);
  g_assert_cmpint (sqlite3_close (handle), ==, SQLITE_OK);
}

int
main (int argc, char *argv[])
{
  sqlite_rig_init (&argc, &argv);
  g_test_add_func ("/sqlite/plans/no-query-looks-at-more-than-it-needs",
                   no_query_looks_at_more_than_it_needs);
  return g_test_run ();
}

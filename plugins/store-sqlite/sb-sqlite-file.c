/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-sqlite-file: files that messages were sent with, as long as those have not ended. */

#include "sb-sqlite-writer.h"

#include "sb-sqlite-queries.h"

gboolean
sb_sqlite_writer_insert_file (SbSqliteWriter *self, gint64 seq, const SbFile *file, GError **error)
{
  sqlite3_stmt *statement = sb_sqlite_writer_get (self, SB_SQLITE_W_INSERT_FILE);

  sqlite3_bind_int64 (statement, 1, seq);
  sqlite3_bind_text (statement, 2, file->id, -1, SQLITE_STATIC);
  sqlite3_bind_text (statement, 3, file->name, -1, SQLITE_STATIC);
  sqlite3_bind_text (statement, 4, file->display_name, -1, SQLITE_STATIC);
  sqlite3_bind_int64 (statement, 5, (gint64) file->size);
  sqlite3_bind_blob (statement, 6, file->digest, sizeof file->digest, SQLITE_STATIC);
  self->ledger->now.files++;
  self->ledger->now.file_bytes += (gint64) file->size;
  return sb_sqlite_db_run (self->db, statement, error);
}

/* Whether there is a file with this name, or else this id; @name_taken tells the name. */
SbSqliteFound
sb_sqlite_writer_find_file (SbSqliteWriter *self, const SbFile *file, gboolean *name_taken,
                            GError **error)
{
  g_autoptr (SbSqliteCursor) cursor = sb_sqlite_writer_get (self, SB_SQLITE_W_FIND_FILE);

  sqlite3_bind_text (cursor, 1, file->name, -1, SQLITE_STATIC);
  sqlite3_bind_text (cursor, 2, file->id, -1, SQLITE_STATIC);
  if (sb_sqlite_db_step (self->db, cursor, error) != SB_SQLITE_STEP_ROW)
    return SB_SQLITE_FAILED;
  if (sqlite3_column_type (cursor, 0) == SQLITE_NULL)
    return SB_SQLITE_ABSENT;
  *name_taken = sqlite3_column_int (cursor, 0) != 0;
  return SB_SQLITE_FOUND;
}

/* Nobody needs the message's file any more: it is forgotten here, and is for
 * sb_sqlite_writer_take_released(). */
gboolean
sb_sqlite_writer_release_file (SbSqliteWriter *self, gint64 seq, GError **error)
{
  g_autoptr (SbSqliteCursor) get = sb_sqlite_writer_get (self, SB_SQLITE_W_GET_FILE);
  sqlite3_stmt *delete = sb_sqlite_writer_get (self, SB_SQLITE_W_DELETE_FILE);
  int step;

  sqlite3_bind_int64 (get, 1, seq);
  step = sb_sqlite_db_step (self->db, get, error);
  if (step != SB_SQLITE_STEP_ROW)
    return step == SB_SQLITE_STEP_DONE;
  g_free (self->released);
  self->released = g_strdup ((const char *) sqlite3_column_text (get, 0));
  self->released_size = sqlite3_column_int64 (get, 1);
  sqlite3_reset (get);
  self->ledger->now.files--;
  self->ledger->now.file_bytes -= self->released_size;
  sqlite3_bind_int64 (delete, 1, seq);
  return sb_sqlite_db_run (self->db, delete, error);
}

/* Gives away the file that the last end of a delivery released: %NULL and 0 when it was none. */
void
sb_sqlite_writer_take_released (SbSqliteWriter *self, char **id, guint64 *size)
{
  *id = g_steal_pointer (&self->released);
  *size = (guint64) self->released_size;
  self->released_size = 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-sqlite-reader: queries on the second connection. It never writes and never
 * checkpoints, and no statement stays open between two calls, so the log can be
 * reused.
 */

#include "sb-sqlite-reader.h"

#include "sb-sqlite-codec.h"
#include "sb-sqlite-queries.h"
#include "sb-sqlite-writer.h"

#include <string.h>

SbSqliteDb *
sb_sqlite_reader_open (const char *path, gint64 cache_size, GError **error)
{
  g_autoptr (SbSqliteDb) db = sb_sqlite_db_open (path, error);
  g_autofree char *set_cache = g_strdup_printf (SB_SQLITE_SET_CACHE_SIZE, cache_size / 1024);

  if (db == NULL || !sb_sqlite_db_exec (db, SB_SQLITE_SETUP_READER, error)
      || !sb_sqlite_db_exec (db, set_cache, error)
      || !sb_sqlite_db_prepare_all (db, sb_sqlite_reader_queries, SB_SQLITE_N_READER_QUERIES,
                                    error))
    return NULL;
  sqlite3_db_config (db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
  return g_steal_pointer (&db);
}

static const char *
column_text (sqlite3_stmt *statement, int column)
{
  const char *text = (const char *) sqlite3_column_text (statement, column);

  return text != NULL ? text : "";
}

/* Columns from @column on: id, name, display name, size, digest; all are NULL when there is no
 * file. A digest that is too short fits no content. */
static SbFile *
read_file (sqlite3_stmt *row, int column)
{
  guint8 digest[SB_FILE_DIGEST_SIZE] = { 0 };
  const void *data;

  if (sqlite3_column_type (row, column) == SQLITE_NULL)
    return NULL;
  data = sqlite3_column_blob (row, column + 4);
  if (data != NULL)
    memcpy (digest, data, MIN (sqlite3_column_bytes (row, column + 4), (int) sizeof digest));
  return sb_file_new (column_text (row, column), column_text (row, column + 1),
                      column_text (row, column + 2),
                      (guint64) sqlite3_column_int64 (row, column + 3), digest);
}

/* Columns: position, due, attempts, seq, id, sender, its id, accepted, not_before, deadline,
 * body, shared, five of the file; of parked ones also the log. */
static SbStoredDelivery *
read_delivery (sqlite3_stmt *row)
{
  g_autoptr (SbMessage) message = NULL;
  gint64 deadline = sqlite3_column_int64 (row, 9);
  SbFile *file = read_file (row, 12);
  gint64 handle = sb_sqlite_handle_new (sqlite3_column_int64 (row, 3), deadline != 0,
                                        sqlite3_column_int (row, 11) != 0, file != NULL);
  const void *data = sqlite3_column_blob (row, 10);

  message = sb_message_new (column_text (row, 4), column_text (row, 6),
                            sqlite3_column_int64 (row, 5),
                            g_bytes_new (data, sqlite3_column_bytes (row, 10)),
                            sqlite3_column_int64 (row, 7), sqlite3_column_int64 (row, 8), deadline);
  message->file = file;
  return sb_stored_delivery_new (message, sqlite3_column_int64 (row, 0), handle,
                                 sqlite3_column_int64 (row, 1), sqlite3_column_int (row, 2));
}

static GPtrArray *
new_deliveries (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) sb_stored_delivery_free);
}

GPtrArray *
sb_sqlite_reader_pending (SbSqliteDb *db, gint64 recipient, gint64 after, guint limit,
                          gsize max_bytes, GError **error)
{
  g_autoptr (GPtrArray) rows = new_deliveries ();
  g_autoptr (SbSqliteCursor) cursor = db->statements[SB_SQLITE_R_PENDING];
  gsize bytes = 0;
  int step = SB_SQLITE_STEP_ROW;

  sqlite3_bind_int64 (cursor, 1, recipient);
  sqlite3_bind_int64 (cursor, 2, after);
  while (rows->len < limit && (rows->len == 0 || bytes < max_bytes)
         && (step = sb_sqlite_db_step (db, cursor, error)) == SB_SQLITE_STEP_ROW)
    {
      bytes += sqlite3_column_bytes (cursor, 10);
      g_ptr_array_add (rows, read_delivery (cursor));
    }
  return step == SB_SQLITE_STEP_ERROR ? NULL : g_steal_pointer (&rows);
}

GPtrArray *
sb_sqlite_reader_parked (SbSqliteDb *db, gint64 recipient, gint64 until, guint limit,
                         gint64 *next_due, GError **error)
{
  g_autoptr (GPtrArray) rows = new_deliveries ();
  g_autoptr (SbSqliteCursor) cursor = db->statements[SB_SQLITE_R_PARKED];
  SbStoredDelivery *row;
  int step;

  *next_due = 0;
  sqlite3_bind_int64 (cursor, 1, recipient);
  while ((step = sb_sqlite_db_step (db, cursor, error)) == SB_SQLITE_STEP_ROW)
    {
      gint64 due = sqlite3_column_int64 (cursor, 1);

      if (rows->len == limit || due > until)
        {
          *next_due = due;
          break;
        }
      row = read_delivery (cursor);
      row->log = g_strdup ((const char *) sqlite3_column_text (cursor, 17));
      g_ptr_array_add (rows, row);
    }
  return step == SB_SQLITE_STEP_ERROR ? NULL : g_steal_pointer (&rows);
}

/* Columns: sender, its id, accepted, not_before, deadline, body, five of the file. */
SbMessage *
sb_sqlite_reader_message (SbSqliteDb *db, const char *id, GError **error)
{
  g_autoptr (SbSqliteCursor) cursor = db->statements[SB_SQLITE_R_BODY];
  SbMessage *message;
  const void *data;
  int step;

  sqlite3_bind_text (cursor, 1, id, -1, SQLITE_STATIC);
  step = sb_sqlite_db_step (db, cursor, error);
  if (step == SB_SQLITE_STEP_DONE)
    g_set_error (error, SB_ERROR, SB_ERROR_NOT_FOUND, "No message “%s” is known that has not ended",
                 id);
  if (step != SB_SQLITE_STEP_ROW)
    return NULL;
  data = sqlite3_column_blob (cursor, 5);
  message = sb_message_new (id, column_text (cursor, 1), sqlite3_column_int64 (cursor, 0),
                            g_bytes_new (data, sqlite3_column_bytes (cursor, 5)),
                            sqlite3_column_int64 (cursor, 2), sqlite3_column_int64 (cursor, 3),
                            sqlite3_column_int64 (cursor, 4));
  message->file = read_file (cursor, 6);
  return message;
}

static char *
find_user_id (SbSqliteDb *db, gint64 key)
{
  g_autoptr (SbSqliteCursor) cursor = db->statements[SB_SQLITE_R_USER_ID];

  sqlite3_bind_int64 (cursor, 1, key);
  if (sb_sqlite_db_step (db, cursor, NULL) != SB_SQLITE_STEP_ROW)
    return g_strdup ("");
  return g_strdup (column_text (cursor, 0));
}

/* Columns: recipient, state, reason, attempts, since, due, log. */
typedef struct
{
  gint64 recipient;
  SbDeliveryState state;
  SbReason reason;
  guint attempts;
  gint64 since;
  gint64 due;
  char *log; /* (owned) (nullable) */
} StatusRow;

static void
free_status_row (gpointer data)
{
  StatusRow *row = data;

  g_free (row->log);
  g_free (row);
}

static gboolean
read_status_rows (SbSqliteDb *db, guint query, gint64 seq, GHashTable *rows, GError **error)
{
  g_autoptr (SbSqliteCursor) cursor = db->statements[query];
  int step;

  sqlite3_bind_int64 (cursor, 1, seq);
  while ((step = sb_sqlite_db_step (db, cursor, error)) == SB_SQLITE_STEP_ROW)
    {
      StatusRow *row = g_new (StatusRow, 1);

      row->recipient = sqlite3_column_int64 (cursor, 0);
      row->state = sqlite3_column_int (cursor, 1);
      row->reason = sqlite3_column_int (cursor, 2);
      row->attempts = sqlite3_column_int (cursor, 3);
      row->since = sqlite3_column_int64 (cursor, 4);
      row->due = sqlite3_column_int64 (cursor, 5);
      row->log = g_strdup ((const char *) sqlite3_column_text (cursor, 6));
      g_hash_table_replace (rows, &row->recipient, row);
    }
  return step == SB_SQLITE_STEP_DONE;
}

/* Recipients without a row elsewhere wait in the queue. */
static void
add_states (SbSqliteDb *db, SbMessageStatus *status, GArray *recipients, GHashTable *rows)
{
  StatusRow queued = { .state = SB_DELIVERY_PENDING };

  for (guint i = 0; i < recipients->len; i++)
    {
      gint64 key = g_array_index (recipients, gint64, i);
      g_autofree char *id = find_user_id (db, key);
      StatusRow *found = g_hash_table_lookup (rows, &key);
      StatusRow *row = found != NULL ? found : &queued;
      gint64 since = row->state == SB_DELIVERY_PENDING ? status->accepted : row->since;
      SbDeliveryStatus *delivery = sb_message_status_add (status, key, id, row->state, row->reason,
                                                          row->attempts, since);

      delivery->due = row->due;
      delivery->log = g_steal_pointer (&row->log);
    }
}

/* Reads the row of the message; @seq and @recipients are set with it. */
static SbMessageStatus *
read_message_row (SbSqliteDb *db, const char *id, gint64 *seq, GArray **recipients, GError **error)
{
  g_autoptr (SbSqliteCursor) cursor = db->statements[SB_SQLITE_R_MESSAGE];
  SbMessageStatus *status;
  int step;

  sqlite3_bind_text (cursor, 1, id, -1, SQLITE_STATIC);
  step = sb_sqlite_db_step (db, cursor, error);
  if (step == SB_SQLITE_STEP_DONE)
    g_set_error (error, SB_ERROR, SB_ERROR_NOT_FOUND, "No message “%s” is known", id);
  if (step != SB_SQLITE_STEP_ROW)
    return NULL;
  *seq = sqlite3_column_int64 (cursor, 0);
  *recipients = sb_sqlite_read_recipients (cursor, 6);
  if (*recipients == NULL)
    {
      g_set_error (error, SB_ERROR, SB_ERROR_CORRUPT,
                   "Database %s: message “%s” has no readable recipients", db->path, id);
      return NULL;
    }
  status = sb_message_status_new (id, column_text (cursor, 2), sqlite3_column_int64 (cursor, 1),
                                  sqlite3_column_int64 (cursor, 3));
  status->not_before = sqlite3_column_int64 (cursor, 4);
  status->deadline = sqlite3_column_int64 (cursor, 5);
  return status;
}

static SbMessageStatus *
read_status (SbSqliteDb *db, const char *id, GError **error)
{
  g_autoptr (SbMessageStatus) status = NULL;
  g_autoptr (GHashTable) rows = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL,
                                                       free_status_row);
  g_autoptr (GArray) recipients = NULL;
  gint64 seq;

  status = read_message_row (db, id, &seq, &recipients, error);
  if (status == NULL || !read_status_rows (db, SB_SQLITE_R_ENDED, seq, rows, error)
      || !read_status_rows (db, SB_SQLITE_R_DETOURS, seq, rows, error))
    return NULL;
  add_states (db, status, recipients, rows);
  return g_steal_pointer (&status);
}

/* Several queries, of one moment. */
SbMessageStatus *
sb_sqlite_reader_status (SbSqliteDb *db, const char *id, GError **error)
{
  SbMessageStatus *status;

  if (!sb_sqlite_db_run (db, db->statements[SB_SQLITE_R_BEGIN], error))
    return NULL;
  status = read_status (db, id, error);
  sb_sqlite_db_run (db, db->statements[SB_SQLITE_R_COMMIT], NULL);
  return status;
}

/* Files */

/* Columns: five of the file, id, sender, its id, accepted, deadline; of a single one also seq and
 * recipients. */
static SbFileInfo *
read_file_info (sqlite3_stmt *row)
{
  g_autoptr (SbFile) file = read_file (row, 0);

  return sb_file_info_new (file, column_text (row, 5), column_text (row, 7),
                           sqlite3_column_int64 (row, 6), sqlite3_column_int64 (row, 8),
                           sqlite3_column_int64 (row, 9));
}

static SbFileInfo *
read_file_row (SbSqliteDb *db, const char *name, gint64 *seq, GArray **recipients, GError **error)
{
  g_autoptr (SbSqliteCursor) cursor = db->statements[SB_SQLITE_R_FILE];
  int step;

  sqlite3_bind_text (cursor, 1, name, -1, SQLITE_STATIC);
  step = sb_sqlite_db_step (db, cursor, error);
  if (step == SB_SQLITE_STEP_DONE)
    g_set_error (error, SB_ERROR, SB_ERROR_NOT_FOUND, "No file “%s” is known", name);
  if (step != SB_SQLITE_STEP_ROW)
    return NULL;
  *seq = sqlite3_column_int64 (cursor, 10);
  *recipients = sb_sqlite_read_recipients (cursor, 11);
  if (*recipients != NULL)
    return read_file_info (cursor);
  g_set_error (error, SB_ERROR, SB_ERROR_CORRUPT,
               "Database %s: the message of file “%s” has no readable recipients", db->path, name);
  return NULL;
}

/* Recipients without a row elsewhere wait in the queue. */
static GArray *
make_rights (GArray *recipients, GHashTable *rows)
{
  GArray *rights = g_array_sized_new (FALSE, FALSE, sizeof (SbFileRight), recipients->len);

  for (guint i = 0; i < recipients->len; i++)
    {
      gint64 key = g_array_index (recipients, gint64, i);
      const StatusRow *row = g_hash_table_lookup (rows, &key);
      SbFileRight right = { .recipient = key,
                            .state = row != NULL ? row->state : SB_DELIVERY_PENDING };

      g_array_append_val (rights, right);
    }
  return rights;
}

static SbFileInfo *
read_file_and_rights (SbSqliteDb *db, const char *name, GError **error)
{
  g_autoptr (GHashTable) rows = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL,
                                                       free_status_row);
  g_autoptr (SbFileInfo) info = NULL;
  g_autoptr (GArray) recipients = NULL;
  gint64 seq;

  info = read_file_row (db, name, &seq, &recipients, error);
  if (info == NULL || !read_status_rows (db, SB_SQLITE_R_ENDED, seq, rows, error)
      || !read_status_rows (db, SB_SQLITE_R_DETOURS, seq, rows, error))
    return NULL;
  info->rights = make_rights (recipients, rows);
  return g_steal_pointer (&info);
}

/* Several queries, of one moment. */
SbFileInfo *
sb_sqlite_reader_file (SbSqliteDb *db, const char *name, GError **error)
{
  SbFileInfo *info;

  if (!sb_sqlite_db_run (db, db->statements[SB_SQLITE_R_BEGIN], error))
    return NULL;
  info = read_file_and_rights (db, name, error);
  sb_sqlite_db_run (db, db->statements[SB_SQLITE_R_COMMIT], NULL);
  return info;
}

GPtrArray *
sb_sqlite_reader_files (SbSqliteDb *db, const char *after, guint limit, GError **error)
{
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_file_info_free);
  g_autoptr (SbSqliteCursor) cursor = db->statements[SB_SQLITE_R_FILES];
  int step;

  sqlite3_bind_text (cursor, 1, after, -1, SQLITE_STATIC);
  sqlite3_bind_int64 (cursor, 2, limit);
  while ((step = sb_sqlite_db_step (db, cursor, error)) == SB_SQLITE_STEP_ROW)
    g_ptr_array_add (files, read_file_info (cursor));
  return step == SB_SQLITE_STEP_ERROR ? NULL : g_steal_pointer (&files);
}

/* Users and receipts */

static GPtrArray *
split_tags (const char *data, gsize size)
{
  GPtrArray *tags = g_ptr_array_new ();
  const char *end = data + size;

  for (const char *tag = data; tag < end; tag += strnlen (tag, end - tag) + 1)
    if (memchr (tag, '\0', end - tag) != NULL)
      g_ptr_array_add (tags, (gpointer) tag);
  g_ptr_array_add (tags, NULL);
  return tags;
}

/* Columns: key, id, password_hash, tags, connection_properties, admin, created, ttl, paused. */
static SbUser *
read_user (sqlite3_stmt *row)
{
  const char *blob = sqlite3_column_blob (row, 3);
  g_autoptr (GPtrArray) tags = split_tags (blob, sqlite3_column_bytes (row, 3));
  g_autoptr (SbUser) plain = NULL;
  g_autoptr (SbUser) with_ttl = NULL;

  plain = sb_user_new (sqlite3_column_int64 (row, 0), column_text (row, 1), column_text (row, 2),
                       (const char *const *) tags->pdata,
                       (const char *) sqlite3_column_text (row, 4),
                       sqlite3_column_int (row, 5) != 0, sqlite3_column_int64 (row, 6));
  with_ttl = sb_user_with_ttl (plain, sqlite3_column_int64 (row, 7));
  return sb_user_with_paused (with_ttl, sqlite3_column_int (row, 8) != 0);
}

GPtrArray *
sb_sqlite_reader_users (SbSqliteDb *db, GError **error)
{
  g_autoptr (GPtrArray) users = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_user_unref);
  g_autoptr (SbSqliteCursor) cursor = db->statements[SB_SQLITE_R_USERS];
  int step;

  while ((step = sb_sqlite_db_step (db, cursor, error)) == SB_SQLITE_STEP_ROW)
    g_ptr_array_add (users, read_user (cursor));
  return step == SB_SQLITE_STEP_ERROR ? NULL : g_steal_pointer (&users);
}

GPtrArray *
sb_sqlite_reader_receipts (SbSqliteDb *db, gint64 sender_key, guint limit, GError **error)
{
  g_autoptr (GPtrArray) receipts = g_ptr_array_new_with_free_func (
      (GDestroyNotify) sb_stored_receipt_free);
  g_autoptr (SbSqliteCursor) cursor = db->statements[SB_SQLITE_R_RECEIPTS];
  int step;

  sqlite3_bind_int64 (cursor, 1, sender_key);
  sqlite3_bind_int64 (cursor, 2, limit);
  while ((step = sb_sqlite_db_step (db, cursor, error)) == SB_SQLITE_STEP_ROW)
    g_ptr_array_add (receipts,
                     sb_stored_receipt_new (sqlite3_column_int64 (cursor, 0),
                                            column_text (cursor, 1), column_text (cursor, 2)));
  return step == SB_SQLITE_STEP_ERROR ? NULL : g_steal_pointer (&receipts);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-store-sql: schema and queries of an outbox.
 *
 * A database that is not ours, newer or damaged is left as it is: there may be messages in it that
 * nobody else has.
 */

#include "sb-client-store-sql.h"

#include <errno.h>

/* "SbOu" */
#define APPLICATION_ID 0x53624f75
#define VERSION 1

/* A file that is larger is not read through at the start. */
#define MAX_CHECKED (64 * 1024 * 1024)
/* Another program may look into it for a moment. */
#define BUSY_MS 5000

/* Rows and bytes of a page. */
#define PAGE_ROWS 1000
#define PAGE_BYTES (4 * 1024 * 1024)

/* An empty outbox that was so large gives its space back. */
#define SHRINK_AT (16 * 1024 * 1024)

/* Of those refused the newest are kept. */
#define MAX_REFUSED "1000"
#define MAX_REFUSED_BYTES "67108864"

#define CREATE                                                                                  \
  "PRAGMA auto_vacuum = INCREMENTAL;"                                                           \
  "BEGIN IMMEDIATE;"                                                                            \
  "CREATE TABLE outbox (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, json BLOB NOT NULL);" \
  "CREATE TABLE refused (seq INTEGER PRIMARY KEY, id TEXT NOT NULL, json BLOB NOT NULL,"        \
  " code INTEGER NOT NULL, words TEXT NOT NULL, refused INTEGER NOT NULL);"                     \
  "CREATE TABLE totals (one INTEGER PRIMARY KEY CHECK (one = 1), count INTEGER NOT NULL,"       \
  " bytes INTEGER NOT NULL);"                                                                   \
  "INSERT INTO totals VALUES (1, 0, 0);"                                                        \
  "PRAGMA application_id = 1398951797;"                                                         \
  "PRAGMA user_version = 1;"                                                                    \
  "COMMIT;"

#define SET_UP                 \
  "PRAGMA journal_mode = WAL;" \
  "PRAGMA synchronous = FULL;" \
  "PRAGMA journal_size_limit = 16777216;"

#define APPEND "INSERT OR IGNORE INTO outbox (seq, id, json) VALUES (?1, ?2, ?3)"
#define REMOVE "DELETE FROM outbox WHERE seq = ?1"
#define REFUSE                                           \
  "INSERT INTO refused (id, json, code, words, refused)" \
  " SELECT id, json, ?2, ?3, strftime ('%s') FROM outbox WHERE seq = ?1"
#define FORGET                                                           \
  "DELETE FROM refused WHERE seq <= (SELECT seq FROM (SELECT seq,"       \
  " row_number () OVER (ORDER BY seq DESC) AS n,"                        \
  " sum (length (json)) OVER (ORDER BY seq DESC) AS bytes FROM refused)" \
  " WHERE n > " MAX_REFUSED " OR bytes > " MAX_REFUSED_BYTES " ORDER BY seq DESC LIMIT 1)"
#define COUNT "UPDATE totals SET count = count + ?1, bytes = bytes + ?2"
#define READ "SELECT seq, id, json FROM outbox WHERE seq > ?1 ORDER BY seq"
#define GET_TOTALS "SELECT count, bytes, (SELECT max (seq) FROM outbox) FROM totals"

typedef enum
{
  STATEMENT_APPEND,
  STATEMENT_REMOVE,
  STATEMENT_REFUSE,
  STATEMENT_FORGET,
  STATEMENT_COUNT,
  STATEMENT_READ,
  N_STATEMENTS,
} Statement;

static const char *const queries[N_STATEMENTS] = { APPEND, REMOVE, REFUSE, FORGET, COUNT, READ };

struct _SbClientSql
{
  sqlite3 *handle;                        /* (owned) */
  char *path;                             /* (owned) */
  sqlite3_stmt *statements[N_STATEMENTS]; /* (owned) */
  gint64 count;                           /* by how much the totals change with this transaction */
  gint64 bytes;
  gint64 held; /* bytes that are in it */
  gint64 peak; /* the most since the file became smaller last */
};

/* --- Errors --- */

static SbClientError
classify (SbClientSql *self, int code)
{
  int fault = self->handle != NULL ? sqlite3_system_errno (self->handle) : 0;

  switch (code & 0xff)
    {
    case SQLITE_FULL:
      return SB_CLIENT_ERROR_NO_SPACE;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return SB_CLIENT_ERROR_CORRUPT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return SB_CLIENT_ERROR_BUSY;
    case SQLITE_TOOBIG:
      return SB_CLIENT_ERROR_TOO_LARGE;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      return fault == ENOSPC || fault == EDQUOT ? SB_CLIENT_ERROR_NO_SPACE : SB_CLIENT_ERROR_FAILED;
    default:
      return SB_CLIENT_ERROR_FAILED;
    }
}

static const char *
advise (SbClientError code)
{
  switch (code)
    {
    case SB_CLIENT_ERROR_CORRUPT:
      return "; it was left as it is. Save what is in it with \"sqlite3 … .recover\", or move it "
             "away: what it holds will not be sent then";
    case SB_CLIENT_ERROR_NO_SPACE:
      return "; make room on the disk";
    default:
      return "";
    }
}

/* Returns: %FALSE, for the caller to return */
static gboolean
fail (SbClientSql *self, int code, GError **error)
{
  SbClientError kind = classify (self, code);

  g_set_error (error, SB_CLIENT_ERROR, (int) kind, "Outbox %s: %s%s", self->path,
               self->handle != NULL ? sqlite3_errmsg (self->handle) : sqlite3_errstr (code),
               advise (kind));
  return FALSE;
}

static gboolean
fail_with (SbClientSql *self, SbClientError kind, const char *words, GError **error)
{
  g_set_error (error, SB_CLIENT_ERROR, (int) kind, "Outbox %s: %s%s", self->path, words,
               advise (kind));
  return FALSE;
}

static gboolean
execute (SbClientSql *self, const char *text, GError **error)
{
  int code = sqlite3_exec (self->handle, text, NULL, NULL, NULL);

  return code == SQLITE_OK || fail (self, code, error);
}

/* --- Opening --- */

typedef struct
{
  gint64 numbers[3];
  char *text; /* (owned) (nullable): the first column */
} Answer;

/* Asks for one row of at most three numbers, or a text. */
static gboolean
ask (SbClientSql *self, const char *query, Answer *answer, GError **error)
{
  sqlite3_stmt *statement = NULL;
  int code = sqlite3_prepare_v2 (self->handle, query, -1, &statement, NULL);

  if (code == SQLITE_OK)
    code = sqlite3_step (statement);
  if (code == SQLITE_ROW)
    {
      for (int i = 0; i < MIN (sqlite3_column_count (statement), 3); i++)
        answer->numbers[i] = sqlite3_column_int64 (statement, i);
      answer->text = g_strdup ((const char *) sqlite3_column_text (statement, 0));
    }
  sqlite3_finalize (statement);
  return code == SQLITE_ROW || fail (self, code, error);
}

static gboolean
ask_number (SbClientSql *self, const char *query, gint64 *number, GError **error)
{
  Answer answer = { 0 };
  gboolean good = ask (self, query, &answer, error);

  *number = answer.numbers[0];
  g_free (answer.text);
  return good;
}

static gboolean
check (SbClientSql *self, GError **error)
{
  gint64 pages = 0, page_size = 0;
  Answer answer = { 0 };
  g_autofree char *verdict = NULL;

  if (!ask_number (self, "PRAGMA page_count", &pages, error)
      || !ask_number (self, "PRAGMA page_size", &page_size, error))
    return FALSE;
  if (pages * page_size > MAX_CHECKED)
    return TRUE;
  if (!ask (self, "PRAGMA quick_check (1)", &answer, error))
    return FALSE;
  verdict = answer.text;
  return g_strcmp0 (verdict, "ok") == 0
         || fail_with (self, SB_CLIENT_ERROR_CORRUPT, verdict, error);
}

/* Nothing is written to what is not ours. */
static gboolean
recognize (SbClientSql *self, gboolean *is_new, GError **error)
{
  gint64 application = 0, version = 0, tables = 0;

  if (!ask_number (self, "SELECT count (*) FROM sqlite_schema", &tables, error)
      || !ask_number (self, "PRAGMA application_id", &application, error)
      || !ask_number (self, "PRAGMA user_version", &version, error))
    return FALSE;
  *is_new = tables == 0 && application == 0 && version == 0;
  if (*is_new)
    return TRUE;
  if (application != APPLICATION_ID)
    return fail_with (self, SB_CLIENT_ERROR_CONFLICT,
                      "this is a database of another program; take another folder", error);
  return version == VERSION
         || fail_with (self, SB_CLIENT_ERROR_CONFLICT,
                       "it was made by a newer version; use that one", error);
}

static gboolean
read_totals (SbClientSql *self, SbClientStoreTotals *totals, GError **error)
{
  Answer answer = { 0 };
  gboolean good = ask (self, GET_TOTALS, &answer, error);

  g_free (answer.text);
  totals->count = answer.numbers[0];
  totals->bytes = answer.numbers[1];
  totals->last_seq = answer.numbers[2];
  self->held = self->peak = totals->bytes;
  return good;
}

static gboolean
prepare (SbClientSql *self, GError **error)
{
  for (guint i = 0; i < N_STATEMENTS; i++)
    {
      int code = sqlite3_prepare_v3 (self->handle, queries[i], -1, SQLITE_PREPARE_PERSISTENT,
                                     &self->statements[i], NULL);

      if (code != SQLITE_OK)
        return fail (self, code, error);
    }
  return TRUE;
}

static gboolean
set_up (SbClientSql *self, SbClientStoreTotals *totals, GError **error)
{
  gboolean is_new;

  if (!recognize (self, &is_new, error))
    return FALSE;
  if (is_new && !execute (self, CREATE, error))
    return FALSE;
  return check (self, error) && execute (self, SET_UP, error) && prepare (self, error)
         && read_totals (self, totals, error);
}

/**
 * sb_client_sql_open:
 * @path: (nullable): of the database; %NULL: in memory
 * @totals: (out caller-allocates): what is in it
 * @error: %SB_CLIENT_ERROR_CORRUPT, %SB_CLIENT_ERROR_NO_SPACE, …
 *
 * Opens it, and makes it when it is not there.
 *
 * Returns: (transfer full) (nullable): the connection
 */
SbClientSql *
sb_client_sql_open (const char *path, SbClientStoreTotals *totals, GError **error)
{
  SbClientSql *self = g_new0 (SbClientSql, 1);
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  int code;

  self->path = g_strdup (path != NULL ? path : ":memory:");
  code = sqlite3_open_v2 (self->path, &self->handle, flags, NULL);
  if (code != SQLITE_OK)
    {
      fail (self, code, error);
      sb_client_sql_close (self);
      return NULL;
    }
  sqlite3_extended_result_codes (self->handle, 1);
  sqlite3_busy_timeout (self->handle, BUSY_MS);
  sqlite3_db_config (self->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  if (set_up (self, totals, error))
    return self;
  sb_client_sql_close (self);
  return NULL;
}

void
sb_client_sql_close (SbClientSql *self)
{
  for (guint i = 0; i < N_STATEMENTS; i++)
    sqlite3_finalize (self->statements[i]);
  sqlite3_close (self->handle);
  g_free (self->path);
  g_free (self);
}

/* --- Writing --- */

/* Runs a statement whose parameters are bound. Returns: %FALSE with an error */
static gboolean
run (SbClientSql *self, Statement which, GError **error)
{
  sqlite3_stmt *statement = self->statements[which];
  int code = sqlite3_step (statement);

  if (code != SQLITE_DONE)
    fail (self, code, error);
  sqlite3_reset (statement);
  sqlite3_clear_bindings (statement);
  return code == SQLITE_DONE;
}

gboolean
sb_client_sql_begin (SbClientSql *self, GError **error)
{
  self->count = 0;
  self->bytes = 0;
  return execute (self, "BEGIN IMMEDIATE", error);
}

void
sb_client_sql_roll_back (SbClientSql *self)
{
  if (!sqlite3_get_autocommit (self->handle))
    sqlite3_exec (self->handle, "ROLLBACK", NULL, NULL, NULL);
}

/* What was committed stays so, whatever comes of this. */
static void
shrink (SbClientSql *self)
{
  self->held += self->bytes;
  self->peak = MAX (self->peak, self->held);
  if (self->held > 0 || self->peak < SHRINK_AT)
    return;
  self->peak = 0;
  sqlite3_exec (self->handle, "PRAGMA incremental_vacuum", NULL, NULL, NULL);
}

gboolean
sb_client_sql_commit (SbClientSql *self, GError **error)
{
  sqlite3_stmt *count = self->statements[STATEMENT_COUNT];

  sqlite3_bind_int64 (count, 1, self->count);
  sqlite3_bind_int64 (count, 2, self->bytes);
  if (!run (self, STATEMENT_COUNT, error) || !execute (self, "COMMIT", error))
    return FALSE;
  shrink (self);
  return TRUE;
}

static gboolean
append (SbClientSql *self, SbClientStoreOp *op, GError **error)
{
  sqlite3_stmt *statement = self->statements[STATEMENT_APPEND];
  const SbClientRow *row = op->row;

  sqlite3_bind_int64 (statement, 1, row->seq);
  sqlite3_bind_text (statement, 2, row->id, -1, SQLITE_STATIC);
  sqlite3_bind_blob64 (statement, 3, row->json, row->length, SQLITE_STATIC);
  if (!run (self, STATEMENT_APPEND, error))
    return FALSE;
  op->is_duplicate = sqlite3_changes (self->handle) == 0;
  if (op->is_duplicate)
    return TRUE;
  self->count++;
  self->bytes += (gint64) row->length;
  return TRUE;
}

static gboolean
remove_row (SbClientSql *self, SbClientStoreOp *op, GError **error)
{
  sqlite3_bind_int64 (self->statements[STATEMENT_REMOVE], 1, op->seq);
  if (!run (self, STATEMENT_REMOVE, error))
    return FALSE;
  if (sqlite3_changes (self->handle) == 0)
    return TRUE;
  self->count--;
  self->bytes -= (gint64) op->length;
  return TRUE;
}

static gboolean
refuse (SbClientSql *self, SbClientStoreOp *op, GError **error)
{
  sqlite3_stmt *statement = self->statements[STATEMENT_REFUSE];

  sqlite3_bind_int64 (statement, 1, op->seq);
  sqlite3_bind_int (statement, 2, op->code);
  sqlite3_bind_text (statement, 3, op->words, -1, SQLITE_STATIC);
  return run (self, STATEMENT_REFUSE, error) && remove_row (self, op, error)
         && run (self, STATEMENT_FORGET, error);
}

gboolean
sb_client_sql_write (SbClientSql *self, SbClientStoreOp *op, GError **error)
{
  switch (op->kind)
    {
    case SB_CLIENT_STORE_APPEND:
      return append (self, op, error);
    case SB_CLIENT_STORE_REMOVE:
      return remove_row (self, op, error);
    case SB_CLIENT_STORE_REFUSE:
      return refuse (self, op, error);
    case SB_CLIENT_STORE_READ:
    case SB_CLIENT_STORE_BARRIER:
    case SB_CLIENT_STORE_CLOSE:
      break;
    }
  return TRUE;
}

/* --- Reading --- */

static SbClientRow *
take_row (sqlite3_stmt *statement)
{
  SbClientRow *row = g_new0 (SbClientRow, 1);
  const void *json = sqlite3_column_blob (statement, 2);

  row->seq = sqlite3_column_int64 (statement, 0);
  row->id = g_strdup ((const char *) sqlite3_column_text (statement, 1));
  row->length = (gsize) sqlite3_column_bytes (statement, 2);
  row->json = g_strndup (json != NULL ? json : "", row->length);
  return row;
}

/* Reads a page of the rows behind @op's place: at least one, if there is one. */
gboolean
sb_client_sql_read (SbClientSql *self, SbClientStoreOp *op, GError **error)
{
  sqlite3_stmt *statement = self->statements[STATEMENT_READ];
  gsize bytes = 0;
  int code;

  op->rows = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_client_row_free);
  sqlite3_bind_int64 (statement, 1, op->seq);
  while ((code = sqlite3_step (statement)) == SQLITE_ROW)
    {
      SbClientRow *row;

      if (op->rows->len >= PAGE_ROWS || bytes >= PAGE_BYTES)
        {
          op->has_more = TRUE;
          break;
        }
      row = take_row (statement);
      bytes += row->length;
      g_ptr_array_add (op->rows, row);
    }
  if (code != SQLITE_ROW && code != SQLITE_DONE)
    fail (self, code, error);
  sqlite3_reset (statement);
  return code == SQLITE_ROW || code == SQLITE_DONE;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-sqlite-store: opens and closes what the other files work with.
 *
 * There is exactly one connection that writes and checkpoints (versions of SQLite
 * before 3.51.3 can damage a database when two do), so a lock file keeps a second
 * process from opening the store. Checkpoints are made here, after a commit that
 * left the log long, and never wait for a reader.
 */

#include "sb-sqlite-store.h"

#include "sb-sqlite-lists.h"
#include "sb-sqlite-queries.h"
#include "sb-sqlite-reader.h"
#include "sb-sqlite-schema.h"
#include "sb-sqlite-snapshot.h"
#include "sb-sqlite-writer.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/file.h>
#include <unistd.h>

#define GROUP "store-sqlite"
#define LOCK_SUFFIX "-lock"
#define LOG_SUFFIX "-wal"

/* After a peak the log is cut to this many times the length at which it is written back. */
#define LOG_PEAK 2

/* Rows that make a batch a big one: a broadcast. */
#define BIG_BATCH 1000

/* While a copy is made the log may grow to the length of the database and so many times its own. */
#define LOG_COPY 16

/* The reader walks queues in order and sees most pages once. */
#define READER_CACHE_PART 4

struct _SbSqliteStore
{
  GObject parent_instance;

  char *path;             /* (owned) */
  char *log_path;         /* (owned) */
  int lock_fd;            /* -1 when not open */
  gint64 log_limit;       /* bytes at which the log is written back into the database */
  gint64 log_pages;       /* the same in pages */
  int log_length;         /* pages in the log after the last commit */
  guint n_calm;           /* batches since the last big one */
  SbSqliteLedger *ledger; /* (owned) */
  SbSqliteWriter *writer; /* (owned) journal's thread */
  SbSqliteDb *reader;     /* (owned) reader's thread */
};

static void sb_sqlite_store_iface_init (SbStoreInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (SbSqliteStore, sb_sqlite_store, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (SB_TYPE_STORE, sb_sqlite_store_iface_init))

static void
release (SbSqliteStore *self)
{
  /* The reader first: the last connection that closes writes the log back. */
  g_clear_pointer (&self->reader, sb_sqlite_db_close);
  g_clear_pointer (&self->writer, sb_sqlite_writer_free);
  g_clear_pointer (&self->ledger, sb_sqlite_ledger_free);
  if (self->lock_fd >= 0)
    close (self->lock_fd);
  self->lock_fd = -1;
  g_clear_pointer (&self->path, g_free);
  g_clear_pointer (&self->log_path, g_free);
}

static void
sb_sqlite_store_finalize (GObject *object)
{
  release (SB_SQLITE_STORE (object));
  G_OBJECT_CLASS (sb_sqlite_store_parent_class)->finalize (object);
}

static void
sb_sqlite_store_class_init (SbSqliteStoreClass *klass)
{
  /* SQLite would take a lock at each allocation to count it for nobody. It refuses when it is in
   * use already, which is as well. */
  sqlite3_config (SQLITE_CONFIG_MEMSTATUS, 0);
  G_OBJECT_CLASS (klass)->finalize = sb_sqlite_store_finalize;
}

static void
sb_sqlite_store_init (SbSqliteStore *self)
{
  self->lock_fd = -1;
}

/* Opening */

static gboolean
fail_lock (const char *path, int code, GError **error)
{
  if (code == EWOULDBLOCK)
    g_set_error (error, SB_ERROR, SB_ERROR_BUSY,
                 "Lock file %s is held by another process, which uses the database. Stop that "
                 "process, or name another file in [store-sqlite] file",
                 path);
  else
    g_set_error (error, SB_ERROR, code == ENOSPC ? SB_ERROR_NO_SPACE : SB_ERROR_FAILED,
                 "Lock file %s: %s", path, g_strerror (code));
  return FALSE;
}

/* Held until the store is closed, and by the kernel only as long as the process lives. */
static gboolean
take_lock (SbSqliteStore *self, GError **error)
{
  g_autofree char *path = g_strconcat (self->path, LOCK_SUFFIX, NULL);

  self->lock_fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (self->lock_fd < 0)
    return fail_lock (path, errno, error);
  if (flock (self->lock_fd, LOCK_EX | LOCK_NB) != 0)
    return fail_lock (path, errno, error);
  return TRUE;
}

static void
read_places (SbSqliteStore *self, const SbStoreOptions *options)
{
  const char *file = sb_config_get_string (options->config, GROUP, "file");

  self->path = g_path_is_absolute (file) ? g_strdup (file)
                                         : g_build_filename (options->data_dir, file, NULL);
  self->log_path = g_strconcat (self->path, LOG_SUFFIX, NULL);
  self->log_limit = sb_config_get_size (options->config, GROUP, "log-size");
}

static gboolean
set_up_writer (SbSqliteStore *self, SbSqliteDb *db, gint64 cache_size, GError **error)
{
  g_autofree char *set_cache = g_strdup_printf (SB_SQLITE_SET_CACHE_SIZE, cache_size / 1024);
  g_autofree char *set_limit = g_strdup_printf (SB_SQLITE_SET_JOURNAL_LIMIT,
                                                self->log_limit * LOG_PEAK);

  return sb_sqlite_db_exec (db, SB_SQLITE_SETUP_WRITER, error)
         && sb_sqlite_db_exec (db, set_cache, error) && sb_sqlite_db_exec (db, set_limit, error);
}

static int
on_commit (gpointer user_data, sqlite3 *handle, const char *name, int n_pages)
{
  SbSqliteStore *self = user_data;

  self->log_length = n_pages;
  return SQLITE_OK;
}

/* The connection that writes, with schema and counters. */
static gboolean
open_writer (SbSqliteStore *self, const SbStoreOptions *options, GError **error)
{
  g_autoptr (SbSqliteDb) db = NULL;
  gint64 cache_size = sb_config_get_size (options->config, GROUP, "cache-size");
  gint64 check_size = sb_config_get_size (options->config, GROUP, "check-size");
  gint64 page_size = 0;

  db = sb_sqlite_db_open (self->path, error);
  if (db == NULL || !sb_sqlite_schema_recognize (db, error)
      || !set_up_writer (self, db, cache_size, error)
      || !sb_sqlite_schema_prepare (db, check_size, error)
      || !sb_sqlite_db_get_number (db, SB_SQLITE_GET_PAGE_SIZE, &page_size, error))
    return FALSE;
  self->log_pages = MAX (self->log_limit / MAX (page_size, 1), 1);
  sqlite3_wal_hook (db->handle, on_commit, self);
  self->ledger = sb_sqlite_ledger_new ();
  if (!sb_sqlite_ledger_load (self->ledger, db, error))
    return FALSE;
  self->writer = sb_sqlite_writer_new (g_steal_pointer (&db), self->ledger, &options->limits,
                                       error);
  return self->writer != NULL;
}

static void
advise (SbSqliteStore *self, GError **error)
{
  if (error == NULL || *error == NULL)
    return;
  if (g_error_matches (*error, SB_ERROR, SB_ERROR_CORRUPT))
    g_prefix_error (error, "The database is damaged and was left as it is; restore a backup, or "
                           "move it away and repair the copy with “sqlite3 FILE .recover”: ");
  if (g_error_matches (*error, SB_ERROR, SB_ERROR_BUSY))
    g_prefix_error (error, "Another process holds the database; stop it and start again: ");
}

static gboolean
sb_sqlite_store_open (SbStore *store, const SbStoreOptions *options, GError **error)
{
  SbSqliteStore *self = SB_SQLITE_STORE (store);
  gint64 cache_size = sb_config_get_size (options->config, GROUP, "cache-size");
  GError *inner = NULL;

  read_places (self, options);
  if (!take_lock (self, error))
    {
      release (self);
      return FALSE;
    }
  if (open_writer (self, options, &inner))
    self->reader = sb_sqlite_reader_open (self->path, cache_size / READER_CACHE_PART, &inner);
  if (self->reader != NULL)
    return TRUE;
  advise (self, &inner);
  g_propagate_error (error, inner);
  release (self);
  return FALSE;
}

static void
sb_sqlite_store_close (SbStore *store)
{
  release (SB_SQLITE_STORE (store));
}

/* Writing */

/* Those who waited for a broadcast's commit should not wait for a checkpoint, too: it is put off
 * until a batch of others has passed, unless the log has grown far beyond its size. */
static gboolean
is_time_for_checkpoint (SbSqliteStore *self, SbOperation *const *operations, guint n_operations)
{
  guint rows = 0;

  for (guint i = 0; i < n_operations; i++)
    rows += sb_operation_get_rows (operations[i]);
  self->n_calm = rows < BIG_BATCH ? self->n_calm + 1 : 0;
  return self->log_length >= 4 * self->log_pages
         || (self->log_length >= self->log_pages && self->n_calm > 1);
}

/* Failing is no harm: the log stays and grows until it works, or until a commit fails for the
 * same reason and says so. */
static void
check_point (SbSqliteStore *self)
{
  int left = 0;

  sqlite3_wal_checkpoint_v2 (self->writer->db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, &left,
                             NULL);
}

static gboolean
sb_sqlite_store_apply (SbStore *store, SbOperation *const *operations, guint n_operations,
                       GError **error)
{
  SbSqliteStore *self = SB_SQLITE_STORE (store);

  if (!sb_sqlite_writer_apply (self->writer, operations, n_operations, error))
    return FALSE;
  if (is_time_for_checkpoint (self, operations, n_operations))
    check_point (self);
  return TRUE;
}

/* Reading */

static GPtrArray *
sb_sqlite_store_pending (SbStore *store, gint64 recipient, gint64 after, guint limit,
                         gsize max_bytes, GError **error)
{
  return sb_sqlite_reader_pending (SB_SQLITE_STORE (store)->reader, recipient, after, limit,
                                   max_bytes, error);
}

static GPtrArray *
sb_sqlite_store_parked (SbStore *store, gint64 recipient, gint64 until, guint limit,
                        gint64 *next_due, GError **error)
{
  return sb_sqlite_reader_parked (SB_SQLITE_STORE (store)->reader, recipient, until, limit,
                                  next_due, error);
}

static gboolean
sb_sqlite_store_backlog (SbStore *store, gint64 recipient, SbBacklog *backlog, GError **error)
{
  SbSqliteStore *self = SB_SQLITE_STORE (store);

  return sb_sqlite_lists_backlog (self->reader, self->ledger, recipient, backlog, error);
}

static GPtrArray *
sb_sqlite_store_queues (SbStore *store, gint64 after, guint limit, GError **error)
{
  SbSqliteStore *self = SB_SQLITE_STORE (store);

  return sb_sqlite_lists_queues (self->reader, self->ledger, after, limit, error);
}

static GPtrArray *
sb_sqlite_store_largest (SbStore *store, guint limit, GError **error)
{
  SbSqliteStore *self = SB_SQLITE_STORE (store);

  return sb_sqlite_lists_largest (self->reader, self->ledger, limit, error);
}

static GPtrArray *
sb_sqlite_store_deliveries (SbStore *store, const SbDeliveryFilter *filter, const char *after,
                            guint limit, char **next, GError **error)
{
  return sb_sqlite_lists_deliveries (SB_SQLITE_STORE (store)->reader, filter, after, limit, next,
                                     error);
}

static SbMessage *
sb_sqlite_store_message (SbStore *store, const char *id, GError **error)
{
  return sb_sqlite_reader_message (SB_SQLITE_STORE (store)->reader, id, error);
}

static SbMessageStatus *
sb_sqlite_store_status (SbStore *store, const char *id, GError **error)
{
  return sb_sqlite_reader_status (SB_SQLITE_STORE (store)->reader, id, error);
}

static SbFileInfo *
sb_sqlite_store_file (SbStore *store, const char *name, GError **error)
{
  return sb_sqlite_reader_file (SB_SQLITE_STORE (store)->reader, name, error);
}

static GPtrArray *
sb_sqlite_store_files (SbStore *store, const char *after, guint limit, GError **error)
{
  return sb_sqlite_reader_files (SB_SQLITE_STORE (store)->reader, after, limit, error);
}

static GPtrArray *
sb_sqlite_store_users (SbStore *store, GError **error)
{
  return sb_sqlite_reader_users (SB_SQLITE_STORE (store)->reader, error);
}

static GPtrArray *
sb_sqlite_store_receipts (SbStore *store, gint64 sender_key, guint limit, GError **error)
{
  return sb_sqlite_reader_receipts (SB_SQLITE_STORE (store)->reader, sender_key, limit, error);
}

static guint64
measure_file (const char *path)
{
  GStatBuf info;

  return g_stat (path, &info) == 0 ? info.st_size : 0;
}

static gboolean
sb_sqlite_store_stats (SbStore *store, SbStoreStats *stats, GError **error)
{
  SbSqliteStore *self = SB_SQLITE_STORE (store);
  SbSqliteTotals totals = sb_sqlite_ledger_get_totals (self->ledger);

  *stats = (SbStoreStats) {
    .messages = MAX (totals.messages, 0),
    .bytes = MAX (totals.bytes, 0),
    .waiting = MAX (totals.waiting, 0),
    .parked = MAX (totals.parked, 0),
    .dead = MAX (totals.dead, 0),
    .remembered = MAX (totals.remembered, 0),
    .files = MAX (totals.files, 0),
    .file_bytes = MAX (totals.file_bytes, 0),
    .disk = measure_file (self->path) + measure_file (self->log_path),
    .last_time = totals.last_time,
    .scheduled = MAX (totals.scheduled, 0),
  };
  return TRUE;
}

/* Copies */

static gboolean
sb_sqlite_store_snapshot (SbStore *store, const char *folder, SbSnapshotFunc func,
                          gpointer user_data, GCancellable *cancellable, GError **error)
{
  SbSqliteStore *self = SB_SQLITE_STORE (store);
  SbSqliteSource source = {
    .path = self->path,
    .log_path = self->log_path,
    .log_max = (gint64) measure_file (self->path) + LOG_COPY * self->log_limit,
  };
  GError *inner = NULL;

  if (sb_sqlite_snapshot_take (&source, folder, func, user_data, cancellable, &inner))
    return TRUE;
  if (!g_error_matches (inner, SB_ERROR, SB_ERROR_BUSY))
    advise (self, &inner);
  g_propagate_error (error, inner);
  return FALSE;
}

static gboolean
sb_sqlite_store_restore (SbStore *store, const SbStoreOptions *options, const char *folder,
                         GError **error)
{
  SbSqliteStore *self = SB_SQLITE_STORE (store);
  const char *file = sb_config_get_string (options->config, GROUP, "file");

  if (g_path_is_absolute (file))
    {
      g_set_error (error, SB_ERROR, SB_ERROR_UNSUPPORTED,
                   "[store-sqlite] file names a place outside of data-dir: restore with --set "
                   "store-sqlite.file=simplebus.db, and move the database to %s then",
                   file);
      return FALSE;
    }
  read_places (self, options);
  return sb_sqlite_snapshot_put_back (folder, self->path, error);
}

static void
sb_sqlite_store_iface_init (SbStoreInterface *iface)
{
  iface->open = sb_sqlite_store_open;
  iface->close = sb_sqlite_store_close;
  iface->apply = sb_sqlite_store_apply;
  iface->pending = sb_sqlite_store_pending;
  iface->parked = sb_sqlite_store_parked;
  iface->backlog = sb_sqlite_store_backlog;
  iface->queues = sb_sqlite_store_queues;
  iface->largest = sb_sqlite_store_largest;
  iface->deliveries = sb_sqlite_store_deliveries;
  iface->message = sb_sqlite_store_message;
  iface->status = sb_sqlite_store_status;
  iface->file = sb_sqlite_store_file;
  iface->files = sb_sqlite_store_files;
  iface->users = sb_sqlite_store_users;
  iface->receipts = sb_sqlite_store_receipts;
  iface->stats = sb_sqlite_store_stats;
  iface->snapshot = sb_sqlite_store_snapshot;
  iface->restore = sb_sqlite_store_restore;
}

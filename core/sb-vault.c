/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-vault: a file's life is a run of steps, each of which can fail and none of
 * which can be half done:
 *
 *   write to incoming/<id>    a crash: removed by the next sweep
 *   flush the file            from here on its bytes survive a power cut
 *   rename to <xx>/<id>       from here on it is complete; unannounced it is an orphan
 *   flush both folders        from here on its place survives, too
 *   … the message that announces it is committed …
 *   unlink                    when the last delivery has ended
 *
 * So a file that a message names is there, whole and flushed; and what no
 * message names is removed by the sweep at start. Threads do all that; what
 * they have done is told on the main context.
 */

#include "sb-vault-private.h"

#include "sb-error.h"
#include "sb-fault.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Transfers that write at the same time; the disk is the bound, not the processor. */
#define N_THREADS 4

#define ID_LENGTH 32

G_DEFINE_FINAL_TYPE (SbVault, sb_vault, G_TYPE_OBJECT)

/* Helpers of all parts */

/* Sets an error by meaning: a full disk is one whatever bound was met. */
void
sb_vault_set_errno (GError **error, int code, const char *path, const char *what)
{
  SbError meaning = SB_ERROR_FAILED;

  if (code == ENOSPC || code == EDQUOT || code == EFBIG)
    meaning = SB_ERROR_NO_SPACE;
  else if (code == ENOENT)
    meaning = SB_ERROR_NOT_FOUND;
  else if (code == EIO)
    meaning = SB_ERROR_TRANSIENT;
  g_set_error (error, SB_ERROR, meaning, "%s cannot be %s: %s", path, what, g_strerror (code));
}

/* Whether a name of the disk is one of ours. */
gboolean
sb_vault_is_id (const char *name)
{
  return strlen (name) == ID_LENGTH && strspn (name, "0123456789abcdef") == ID_LENGTH;
}

/* Returns: (transfer full): where a kept file is. */
char *
sb_vault_get_path (SbVault *self, const char *id)
{
  return g_strconcat (self->folder, "/", id + ID_LENGTH - 2, "/", id, NULL);
}

/* Returns: (transfer full): where a file is that is being received. */
char *
sb_vault_get_incoming_path (SbVault *self, const char *id)
{
  return g_strconcat (self->incoming, "/", id, NULL);
}

/* Whether the disk has more room than its reserve. Any thread. */
gboolean
sb_vault_check_space (SbVault *self, GError **error)
{
  struct statvfs vfs;
  gint64 reserve;

  g_mutex_lock (&self->lock);
  reserve = self->disk_reserve;
  g_mutex_unlock (&self->lock);
  if (reserve == 0 || statvfs (self->folder, &vfs) != 0
      || (gint64) (vfs.f_bavail * vfs.f_frsize) >= reserve)
    return TRUE;
  g_set_error_literal (error, SB_ERROR, SB_ERROR_NO_SPACE,
                       "the disk of the bus is full: no file is taken until there is room");
  return FALSE;
}

/* Makes names that were added to or removed from a folder survive a power cut. */
gboolean
sb_vault_sync_folder (const char *path, GError **error)
{
  int fd = g_open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  gboolean synced = fd >= 0 && fsync (fd) == 0;

  if (!synced)
    sb_vault_set_errno (error, errno, path, "flushed");
  if (fd >= 0)
    close (fd);
  return synced;
}

static void
run_job (gpointer data, gpointer user_data)
{
  SbVaultJob *job = data;

  static const struct sched_param lowest = { 0 };

  /* Of this thread: messages go before files, at once. To say it once would do, and would cost a
   * variable of the thread. */
  sched_setscheduler (0, SCHED_IDLE, &lowest);
  job->run (job);
}

static gpointer
run_late_job (gpointer data)
{
  run_job (data, NULL);
  return NULL;
}

/* Has a thread do it: one of its own when the vault is closed, at the very end of the process. */
void
sb_vault_push (SbVault *self, SbVaultJob *job)
{
  if (self->threads != NULL)
    g_thread_pool_push (self->threads, job, NULL);
  else
    g_thread_unref (g_thread_new ("vault-late", run_late_job, job));
}

/* Life */

static void
sb_vault_finalize (GObject *object)
{
  SbVault *self = SB_VAULT (object);

  sb_vault_close (self);
  g_ptr_array_unref (self->held);
  g_hash_table_unref (self->damaged);
  g_mutex_clear (&self->lock);
  g_main_context_unref (self->context);
  g_free (self->uploads);
  g_free (self->incoming);
  g_free (self->folder);
  G_OBJECT_CLASS (sb_vault_parent_class)->finalize (object);
}

static void
sb_vault_class_init (SbVaultClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sb_vault_finalize;
}

static void
sb_vault_init (SbVault *self)
{
  self->context = g_main_context_ref_thread_default ();
  self->damaged = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->held = g_ptr_array_new_with_free_func (g_free);
  g_mutex_init (&self->lock);
}

/**
 * sb_vault_new:
 * @data_dir: (type filename): an existing folder
 * @disk_reserve: free bytes below which nothing is received; 0: none
 * @metrics: (transfer none): where it counts
 *
 * Returns: (transfer full): a vault that is not open
 */
SbVault *
sb_vault_new (const char *data_dir, gint64 disk_reserve, SbMetrics *metrics)
{
  SbVault *self = g_object_new (SB_TYPE_VAULT, NULL);

  self->folder = g_build_filename (data_dir, "files", NULL);
  self->incoming = g_build_filename (self->folder, "incoming", NULL);
  self->uploads = g_build_filename (self->folder, "uploads", NULL);
  self->disk_reserve = disk_reserve;
  self->received_bytes = sb_metrics_counter (metrics, "simplebus_file_received_bytes_total",
                                             "Bytes of files written to disk", NULL);
  self->removed = sb_metrics_counter (metrics, "simplebus_files_removed_total",
                                      "Files that nobody needed any more", NULL);
  return self;
}

/* Made once, so that keeping a file makes no folder. */
static gboolean
make_folders (SbVault *self, GError **error)
{
  gboolean made = g_mkdir_with_parents (self->incoming, 0700) == 0
                  && g_mkdir_with_parents (self->uploads, 0700) == 0;

  for (guint i = 0; made && i < SB_VAULT_N_FOLDERS; i++)
    {
      g_autofree char *path = g_strdup_printf ("%s/%02x", self->folder, i);

      made = g_mkdir (path, 0700) == 0 || errno == EEXIST;
    }
  if (!made)
    {
      sb_vault_set_errno (error, errno, self->folder, "made");
      return FALSE;
    }
  return sb_vault_sync_folder (self->folder, error);
}

/**
 * sb_vault_open:
 * @self: a new vault
 * @error: names the folder and the cause
 *
 * Makes the folders. Blocks for a moment.
 *
 * Returns: whether files can be received
 */
gboolean
sb_vault_open (SbVault *self, GError **error)
{
  g_return_val_if_fail (SB_IS_VAULT (self) && self->threads == NULL, FALSE);

  if (!make_folders (self, error))
    return FALSE;
  self->threads = g_thread_pool_new (run_job, NULL, N_THREADS, TRUE, error);
  return self->threads != NULL;
}

/**
 * sb_vault_close:
 * @self: a vault
 *
 * Waits for what the threads have to do.
 */
void
sb_vault_close (SbVault *self)
{
  g_return_if_fail (SB_IS_VAULT (self));

  if (self->threads != NULL)
    g_thread_pool_free (g_steal_pointer (&self->threads), FALSE, TRUE);
}

/**
 * sb_vault_set_disk_reserve:
 * @self: a vault
 * @disk_reserve: free bytes below which nothing is received; 0: none
 */
void
sb_vault_set_disk_reserve (SbVault *self, gint64 disk_reserve)
{
  g_return_if_fail (SB_IS_VAULT (self));

  g_mutex_lock (&self->lock);
  self->disk_reserve = disk_reserve;
  g_mutex_unlock (&self->lock);
}

/* Keeping */

typedef struct
{
  SbVaultJob job;
  GTask *task; /* (owned) its source is the vault */
  char **ids;  /* (owned) */
} KeepJob;

static gboolean
keep_file (SbVault *self, const char *id, GError **error)
{
  g_autofree char *from = sb_vault_get_incoming_path (self, id);
  g_autofree char *to = sb_vault_get_path (self, id);
  g_autofree char *folder = g_path_get_dirname (to);

  if (g_rename (from, to) != 0)
    {
      sb_vault_set_errno (error, errno, from, "renamed");
      return FALSE;
    }
  sb_fault_point ("vault-renamed");
  return sb_vault_sync_folder (folder, error);
}

static void
run_keep (SbVaultJob *job)
{
  KeepJob *keep = (KeepJob *) job;
  SbVault *self = g_task_get_source_object (keep->task);
  GError *error = NULL;
  gboolean kept = TRUE;

  for (char **id = keep->ids; kept && *id != NULL; id++)
    kept = keep_file (self, *id, &error);
  if (kept && sb_vault_sync_folder (self->incoming, &error))
    {
      sb_fault_point ("vault-kept");
      g_task_return_boolean (keep->task, TRUE);
    }
  else
    g_task_return_error (keep->task, error);
  g_object_unref (keep->task);
  g_strfreev (keep->ids);
  g_free (keep);
}

/**
 * sb_vault_keep_async:
 * @self: an open vault
 * @ids: (array zero-terminated=1): of files that were received and finished
 * @callback: for sb_vault_keep_finish()
 * @user_data: for @callback
 *
 * Gives complete files their place. When it fails, some may have it: remove
 * them all then.
 */
void
sb_vault_keep_async (SbVault *self, const char *const *ids, GAsyncReadyCallback callback,
                     gpointer user_data)
{
  KeepJob *keep;

  g_return_if_fail (SB_IS_VAULT (self));

  keep = g_new (KeepJob, 1);
  keep->job.run = run_keep;
  keep->task = g_task_new (self, NULL, callback, user_data);
  keep->ids = g_strdupv ((char **) ids);
  sb_vault_push (self, &keep->job);
}

/**
 * sb_vault_keep_finish:
 * @self: a vault
 * @result: of sb_vault_keep_async()
 * @error: SB_ERROR_NO_SPACE, SB_ERROR_NOT_FOUND, SB_ERROR_FAILED
 *
 * Returns: whether the files are safe, and can be announced
 */
gboolean
sb_vault_keep_finish (SbVault *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* Removing */

typedef struct
{
  SbVaultJob job;
  SbVault *vault; /* (owned) */
  char *id;       /* (owned) */
} RemoveJob;

static void
run_remove (SbVaultJob *job)
{
  RemoveJob *removal = (RemoveJob *) job;
  g_autoptr (SbVault) self = removal->vault;
  g_autofree char *kept = sb_vault_get_path (self, removal->id);
  g_autofree char *incoming = sb_vault_get_incoming_path (self, removal->id);

  sb_fault_point ("vault-remove");
  if (g_unlink (kept) != 0 && errno != ENOENT)
    g_warning ("%s cannot be removed: %s", kept, g_strerror (errno));
  g_unlink (incoming);
  g_mutex_lock (&self->lock);
  g_hash_table_remove (self->damaged, removal->id);
  g_mutex_unlock (&self->lock);
  g_free (removal->id);
  g_free (removal);
}

static void
push_removal (SbVault *self, const char *id)
{
  RemoveJob *removal = g_new (RemoveJob, 1);

  removal->job.run = run_remove;
  removal->vault = g_object_ref (self);
  removal->id = g_strdup (id);
  sb_counter_add (self->removed, 1);
  sb_vault_push (self, &removal->job);
}

/* Whether a file has to stay for now; it is removed when the hold ends. */
gboolean
sb_vault_hold_back (SbVault *self, const char *id)
{
  if (!self->is_holding || (self->hold_func != NULL && !self->hold_func (id, self->hold_data)))
    return FALSE;
  g_ptr_array_add (self->held, g_strdup (id));
  return TRUE;
}

/**
 * sb_vault_remove:
 * @self: a vault that was opened
 * @id: of a file, kept or received, that no message names
 *
 * Removes it soon, but not while it is held. What a crash prevents, the next sweep does.
 */
void
sb_vault_remove (SbVault *self, const char *id)
{
  g_return_if_fail (SB_IS_VAULT (self));
  g_return_if_fail (sb_vault_is_id (id));

  if (!sb_vault_hold_back (self, id))
    push_removal (self, id);
}

/**
 * sb_vault_hold:
 * @self: a vault without a hold
 *
 * From now on every file stays that is there, so that a backup finds all that the store names
 * at whatever moment from now on. Those that are not needed gather until the hold ends; after a
 * crash the sweep at start removes them.
 */
void
sb_vault_hold (SbVault *self)
{
  g_return_if_fail (SB_IS_VAULT (self) && !self->is_holding);

  self->is_holding = TRUE;
}

/* Looks at all that is held once more. */
static void
sift_held (SbVault *self)
{
  g_autoptr (GPtrArray) held = g_steal_pointer (&self->held);

  self->held = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < held->len; i++)
    sb_vault_remove (self, held->pdata[i]);
}

/**
 * sb_vault_narrow_hold:
 * @self: a vault with a hold
 * @func: (scope forever): says which files the hold is about
 * @user_data: for @func; until the hold is released
 *
 * All other files may go.
 */
void
sb_vault_narrow_hold (SbVault *self, SbVaultHoldFunc func, gpointer user_data)
{
  g_return_if_fail (SB_IS_VAULT (self) && self->is_holding && func != NULL);

  self->hold_func = func;
  self->hold_data = user_data;
  sift_held (self);
}

/**
 * sb_vault_release_hold:
 * @self: a vault with a hold
 *
 * Ends it: what was held goes.
 */
void
sb_vault_release_hold (SbVault *self)
{
  g_return_if_fail (SB_IS_VAULT (self) && self->is_holding);

  self->is_holding = FALSE;
  self->hold_func = NULL;
  self->hold_data = NULL;
  sift_held (self);
}

/* Opening */

typedef struct
{
  SbVaultJob job;
  GTask *task;  /* (owned) its source is the vault */
  SbFile *file; /* (owned) */
} OpenJob;

static gboolean
is_damaged (SbVault *self, const char *id)
{
  gboolean damaged;

  g_mutex_lock (&self->lock);
  damaged = g_hash_table_contains (self->damaged, id);
  g_mutex_unlock (&self->lock);
  return damaged;
}

static int
open_file (SbVault *self, const SbFile *file, GError **error)
{
  g_autofree char *path = sb_vault_get_path (self, file->id);
  int fd = g_open (path, O_RDONLY | O_CLOEXEC, 0);
  struct stat st;

  if (fd < 0 || fstat (fd, &st) != 0)
    {
      sb_vault_set_errno (error, errno, path, "read");
      if (fd >= 0)
        close (fd);
      return -1;
    }
  if ((guint64) st.st_size != file->size || is_damaged (self, file->id))
    {
      g_set_error (error, SB_ERROR, SB_ERROR_CORRUPT, "the file \"%s\" is damaged on the disk",
                   file->name);
      close (fd);
      return -1;
    }
  posix_fadvise (fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  return fd;
}

static void
run_open (SbVaultJob *job)
{
  OpenJob *opening = (OpenJob *) job;
  SbVault *self = g_task_get_source_object (opening->task);
  GError *error = NULL;
  int fd = open_file (self, opening->file, &error);

  if (fd >= 0)
    g_task_return_int (opening->task, fd);
  else
    g_task_return_error (opening->task, error);
  g_object_unref (opening->task);
  sb_file_unref (opening->file);
  g_free (opening);
}

/**
 * sb_vault_open_file_async:
 * @self: an open vault
 * @file: (transfer none): which one
 * @callback: for sb_vault_open_file_finish()
 * @user_data: for @callback
 *
 * Opens a kept file for reading. One that is removed meanwhile can still be read.
 */
void
sb_vault_open_file_async (SbVault *self, SbFile *file, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  OpenJob *opening = g_new (OpenJob, 1);

  g_return_if_fail (SB_IS_VAULT (self) && self->threads != NULL);

  opening->job.run = run_open;
  opening->task = g_task_new (self, NULL, callback, user_data);
  opening->file = sb_file_ref (file);
  sb_vault_push (self, &opening->job);
}

/**
 * sb_vault_open_file_finish:
 * @self: a vault
 * @result: of sb_vault_open_file_async()
 * @error: SB_ERROR_NOT_FOUND, SB_ERROR_CORRUPT when it is not what it was
 *
 * Returns: a descriptor, which is the caller's; -1 with @error
 */
int
sb_vault_open_file_finish (SbVault *self, GAsyncResult *result, GError **error)
{
  return (int) g_task_propagate_int (G_TASK (result), error);
}

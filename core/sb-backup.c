/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-backup: what is in it is of one moment.
 *
 *   hold             no file of the vault is removed any more
 *   snapshot         the store's; every file that it names is there, because of the hold
 *   look at files    and let all others go
 *   open the copy    and remove its name: nothing of it is left, however the bus ends
 *   write            the archive, as fast as it is taken
 *   release          files that were not needed any more meanwhile go
 *
 * The hold is in memory only. After a crash the sweep at start removes what it
 * kept, as it does with every file that no message names.
 *
 * The copy of the store is made at a low priority, but not at the lowest: a
 * snapshot costs a store something as long as it is being taken. The rest is
 * done when nobody else has anything to do.
 */

#include "sb-backup.h"

#include "sb-archive.h"
#include "sb-audit.h"
#include "sb-build.h"
#include "sb-bus-private.h"
#include "sb-error.h"
#include "sb-fault.h"
#include "sb-names.h"
#include "sb-tree.h"
#include "sb-vault-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <nettle/sha2.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define FOLDER "backup"
#define NICENESS 10
#define SECRET_MAX 4096

/* Damaged files are named in the log up to so many. */
#define MAX_NAMED 10

struct _SbBackup
{
  guint ref_count;
  SbBus *bus;     /* (owned) */
  SbUser *actor;  /* (owned) */
  char *data_dir; /* (owned) */
  char *folder;   /* (owned) below it, while the store is copied */
  guint64 needed; /* bytes that the copy may take */
  guint64 reserve;
  gboolean is_over;          /* the bus can make another one */
  GCancellable *cancellable; /* (owned) */
  GThread *thread;           /* (owned) (nullable) until it was waited for */
  GTask *task;               /* (owned) (nullable) whoever waits for it */
  GCancellable *outer;       /* (owned) (nullable) of whoever waits for the first part */
  gulong outer_handler;

  /* Belong to the thread while there is one. */
  SbManifest *manifest; /* (owned) */
  GArray *copies;       /* (owned) (element-type int) descriptors of the last members */
  GHashTable *names;    /* (owned) (nullable) of the members, in the manifest */
  SbBackupFunc func;
  gpointer func_data;
  guint64 written;
  GPtrArray *damaged; /* (owned) (nullable) (element-type utf8) */
};

/* The first part: in its thread */

static void
clear_descriptor (gpointer data)
{
  close (*(int *) data);
}

static gboolean
check_room (SbBackup *self, GError **error)
{
  struct statvfs vfs;

  if (statvfs (self->data_dir, &vfs) != 0
      || (guint64) vfs.f_bavail * vfs.f_frsize >= self->needed + self->reserve)
    return TRUE;
  g_set_error (error, SB_ERROR, SB_ERROR_NO_SPACE,
               "A backup needs %" G_GUINT64_FORMAT
               " MiB on the disk of the bus for a while, above disk-reserve",
               self->needed / (1024 * 1024) + 1);
  return FALSE;
}

/* Of a file as large as it should be; whether it is damaged is seen when it is read. */
static void
note_file (const SbFile *file, gpointer user_data)
{
  SbBackup *self = user_data;
  g_autofree char *path = sb_vault_get_path (self->bus->vault, file->id);
  GStatBuf info;

  if (g_lstat (path, &info) == 0 && S_ISREG (info.st_mode) && (guint64) info.st_size == file->size)
    sb_manifest_add_file (self->manifest, file);
  else
    sb_manifest_add_missing (self->manifest, file);
}

static gboolean
hash_file (SbBackup *self, int fd, guint64 *size, guint8 *digest)
{
  g_autofree guint8 *buffer = g_malloc (SB_ARCHIVE_BLOCK);
  struct sha256_ctx hash;
  gssize n;

  *size = 0;
  sha256_init (&hash);
  while ((n = read (fd, buffer, SB_ARCHIVE_BLOCK)) != 0)
    {
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0 || g_cancellable_is_cancelled (self->cancellable))
        return FALSE;
      sha256_update (&hash, (gsize) n, buffer);
      *size += (guint64) n;
    }
  sha256_digest (&hash, SHA256_DIGEST_SIZE, digest);
  return lseek (fd, 0, SEEK_SET) == 0;
}

/* Opens what is to be a member. */
static gboolean
add_copy (SbBackup *self, const char *path, const char *name, GError **error)
{
  int fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
  guint8 digest[SB_FILE_DIGEST_SIZE];
  guint64 size;

  if (fd < 0)
    {
      sb_tree_set_errno (error, errno, path, "read");
      return FALSE;
    }
  g_array_append_val (self->copies, fd);
  if (!hash_file (self, fd, &size, digest))
    {
      if (!g_cancellable_set_error_if_cancelled (self->cancellable, error))
        sb_tree_set_errno (error, errno, path, "read");
      return FALSE;
    }
  sb_manifest_add (self->manifest, name, size, digest);
  return TRUE;
}

/* Tokens that devices have stay good with it. */
static gboolean
add_secret (SbBackup *self, GError **error)
{
  g_autofree char *path = g_build_filename (self->data_dir, SB_TOKEN_SECRET_FILE, NULL);

  return !g_file_test (path, G_FILE_TEST_EXISTS)
         || add_copy (self, path, SB_MANIFEST_SECRET, error);
}

static gboolean
add_store (SbBackup *self, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (self->folder, 0, error);
  const char *file;

  if (dir == NULL)
    return FALSE;
  while ((file = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (self->folder, file, NULL);
      g_autofree char *name = g_strconcat (SB_MANIFEST_STORE, file, NULL);

      if (!sb_manifest_is_possible (name))
        {
          g_set_error (error, SB_ERROR, SB_ERROR_FAILED,
                       "The store made a copy with a name that no backup can have: %s", file);
          return FALSE;
        }
      if (!add_copy (self, path, name, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
prepare (SbBackup *self, GError **error)
{
  if (!sb_tree_remove (self->folder, error) || !check_room (self, error)
      || !sb_tree_make_folder (self->folder, error)
      || !sb_journal_take_snapshot (self->bus->journal, self->folder, note_file, self,
                                    self->cancellable, error))
    return FALSE;
  sb_fault_point ("backup-snapshot");
  return add_secret (self, error) && add_store (self, error);
}

static gpointer
prepare_in_thread (gpointer data)
{
  g_autoptr (GTask) task = data;
  SbBackup *self = g_task_get_task_data (task);
  g_autoptr (GError) left = NULL;
  GError *error = NULL;
  gboolean prepared;

  /* Of this thread. */
  setpriority (PRIO_PROCESS, 0, NICENESS);
  prepared = prepare (self, &error);
  /* What is open can be read without a name. */
  if (!sb_tree_remove (self->folder, &left))
    g_warning ("%s", left->message);
  if (prepared)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
  return NULL;
}

/* The second part: in its thread */

static gboolean
write_member (SbBackup *self, SbArchiveWriter *writer, const SbManifestMember *member,
              GError **error)
{
  g_autofree char *path = sb_vault_get_path (self->bus->vault,
                                             sb_manifest_member_get_base (member));
  int fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
  gboolean written;

  if (fd >= 0)
    posix_fadvise (fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  written = sb_archive_writer_add (writer, member, fd, self->cancellable, error);
  if (fd >= 0)
    {
      /* What is read in passing does not push out what is in use. */
      posix_fadvise (fd, 0, 0, POSIX_FADV_DONTNEED);
      close (fd);
    }
  return written;
}

/* Files first, then what was opened: so it is in the manifest. */
static gboolean
write_archive (SbBackup *self, SbArchiveWriter *writer, GError **error)
{
  const GArray *members = self->manifest->members;
  guint n_files = members->len - self->copies->len;

  if (!sb_archive_writer_begin (writer, error))
    return FALSE;
  sb_fault_point ("backup-begun");
  for (guint i = 0; i < members->len; i++)
    {
      const SbManifestMember *member = &g_array_index (members, SbManifestMember, i);
      gboolean written = i < n_files
                             ? write_member (self, writer, member, error)
                             : sb_archive_writer_add (
                                 writer, member, g_array_index (self->copies, int, i - n_files),
                                 self->cancellable, error);

      if (!written)
        return FALSE;
    }
  sb_fault_point ("backup-written");
  return sb_archive_writer_end (writer, error);
}

static gpointer
write_in_thread (gpointer data)
{
  static const struct sched_param lowest = { 0 };

  g_autoptr (GTask) task = data;
  SbBackup *self = g_task_get_task_data (task);
  g_autoptr (SbArchiveWriter) writer = sb_archive_writer_new (self->manifest, self->func,
                                                              self->func_data);
  const GPtrArray *damaged = sb_archive_writer_get_damaged (writer);
  GError *error = NULL;
  gboolean written;

  /* Of this thread: messages go before. */
  sched_setscheduler (0, SCHED_IDLE, &lowest);
  written = write_archive (self, writer, &error);
  self->written = sb_archive_writer_get_written (writer);
  for (guint i = 0; i < damaged->len; i++)
    g_ptr_array_add (self->damaged, g_strdup (damaged->pdata[i]));
  if (written)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
  return NULL;
}

/* On the main context */

/**
 * sb_backup_ref:
 * @self: a backup
 *
 * Returns: (transfer full): the same
 */
SbBackup *
sb_backup_ref (SbBackup *self)
{
  self->ref_count++;
  return self;
}

/* The bus can make another one. */
static void
end (SbBackup *self)
{
  if (self->is_over)
    return;
  self->is_over = TRUE;
  self->bus->backup = NULL;
  sb_vault_release_hold (self->bus->vault);
}

/**
 * sb_backup_unref:
 * @self: (transfer full): a backup
 *
 * With the last reference it is over.
 */
void
sb_backup_unref (SbBackup *self)
{
  if (--self->ref_count > 0)
    return;
  end (self);
  g_clear_pointer (&self->names, g_hash_table_unref);
  sb_manifest_free (self->manifest);
  g_array_unref (self->copies);
  g_ptr_array_unref (self->damaged);
  g_object_unref (self->cancellable);
  g_free (self->folder);
  g_free (self->data_dir);
  sb_user_unref (self->actor);
  g_object_unref (self->bus);
  g_free (self);
}

static SbBackup *
backup_new (SbBus *bus, SbUser *actor)
{
  const char *store = sb_config_get_string (bus->config, SB_CONFIG_GROUP_BUS, "store");
  SbBackup *self = g_new0 (SbBackup, 1);

  self->ref_count = 1;
  self->bus = g_object_ref (bus);
  self->actor = sb_user_ref (actor);
  self->data_dir = g_path_get_dirname (bus->vault->folder);
  self->folder = g_build_filename (self->data_dir, FOLDER, NULL);
  self->needed = bus->stats.disk;
  self->reserve = (guint64) bus->disk_reserve;
  self->cancellable = g_cancellable_new ();
  self->manifest = sb_manifest_new (SB_VERSION, store, sb_clock_wall (bus->clock));
  self->copies = g_array_new (FALSE, FALSE, sizeof (int));
  g_array_set_clear_func (self->copies, clear_descriptor);
  self->damaged = g_ptr_array_new_with_free_func (g_free);
  bus->backup = self;
  sb_vault_hold (bus->vault);
  return self;
}

/* Whoever waits is told by @callback, which is called when the thread has returned on its task. */
static void
run_thread (SbBackup *self, GThreadFunc func, GAsyncReadyCallback callback)
{
  GTask *task = g_task_new (NULL, NULL, callback, NULL);

  /* Its result keeps it until @callback was called, which waits for the thread: so the last
   * reference is dropped here, where the backup lives. */
  g_task_set_task_data (task, sb_backup_ref (self), (GDestroyNotify) sb_backup_unref);
  self->thread = g_thread_new ("backup", func, task);
}

static void
wait_for_thread (SbBackup *self)
{
  g_clear_pointer (&self->thread, g_thread_join);
}

static void
log_end (SbBackup *self, const GError *error)
{
  if (error == NULL)
    {
      self->bus->backup_time = sb_clock_wall (self->bus->clock);
      sb_counter_add (self->bus->backups_done, 1);
      sb_audit (self->actor, NULL, NULL,
                "has downloaded a backup: %" G_GUINT64_FORMAT " bytes, with %u files",
                self->written, sb_manifest_count_files (self->manifest));
      return;
    }
  sb_counter_add (self->bus->backups_failed, 1);
  g_log_structured (
      G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE_ID", SB_MESSAGE_ID_BACKUP_FAILED,
      SB_LOG_FIELD_USER, self->actor->id, SB_LOG_FIELD_REASON, sb_error_reason (error), "MESSAGE",
      "the backup that %s began was not completed: %s", self->actor->id, error->message);
}

static void
log_fault (const char *path, const char *what)
{
  g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE_ID", SB_MESSAGE_ID_FILE_DAMAGED,
                    SB_LOG_FIELD_FILE, path, "MESSAGE", "data-dir/%s %s", path, what);
}

static void
log_faults (SbBackup *self)
{
  const GPtrArray *missing = self->manifest->missing;

  for (guint i = 0; i < MIN (self->damaged->len, MAX_NAMED); i++)
    log_fault (self->damaged->pdata[i], "is damaged, and so it is in the backup");
  for (guint i = 0; i < MIN (missing->len, MAX_NAMED); i++)
    log_fault (missing->pdata[i], "is missing or has another size, and so it is not in the backup");
}

/* The first part */

static gboolean
is_in_backup (const char *id, gpointer user_data)
{
  SbBackup *self = user_data;
  g_autofree char *name = sb_manifest_make_file_name (id);

  return g_hash_table_contains (self->names, name);
}

static void
narrow_hold (SbBackup *self)
{
  GArray *members = self->manifest->members;

  self->names = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint i = 0; i < members->len; i++)
    g_hash_table_add (self->names, g_array_index (members, SbManifestMember, i).name);
  sb_vault_narrow_hold (self->bus->vault, is_in_backup, self);
}

static void
prepared_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbBackup) self = sb_backup_ref (g_task_get_task_data (G_TASK (result)));
  g_autoptr (GTask) task = g_steal_pointer (&self->task);
  GError *error = NULL;

  wait_for_thread (self);
  if (self->outer_handler != 0)
    g_signal_handler_disconnect (self->outer, self->outer_handler);
  g_clear_object (&self->outer);
  if (g_task_propagate_boolean (G_TASK (result), &error))
    {
      narrow_hold (self);
      sb_audit (self->actor, NULL, NULL, "began a backup");
      g_task_return_pointer (task, sb_backup_ref (self), (GDestroyNotify) sb_backup_unref);
      return;
    }
  log_end (self, error);
  end (self);
  g_task_return_error (task, error);
}

static void
outer_cancelled_cb (GCancellable *outer, gpointer user_data)
{
  g_cancellable_cancel (((SbBackup *) user_data)->cancellable);
}

static void
begin (SbBackup *self, GTask *task, GCancellable *outer)
{
  self->task = task;
  if (outer != NULL)
    {
      self->outer = g_object_ref (outer);
      self->outer_handler = g_signal_connect (outer, "cancelled", G_CALLBACK (outer_cancelled_cb),
                                              self);
      if (g_cancellable_is_cancelled (outer))
        g_cancellable_cancel (self->cancellable);
    }
  run_thread (self, prepare_in_thread, prepared_cb);
}

static gboolean
can_begin (SbBus *self, GError **error)
{
  if (!sb_bus_check_running (self, error))
    return FALSE;
  if (self->vault == NULL)
    g_set_error_literal (error, SB_ERROR, SB_ERROR_UNSUPPORTED, "There is nothing to back up");
  else if (self->backup != NULL)
    g_set_error_literal (error, SB_ERROR, SB_ERROR_CONFLICT,
                         "Another backup is being made; there is one at a time");
  else
    return TRUE;
  return FALSE;
}

/**
 * sb_bus_backup_async:
 * @self: a started bus
 * @actor: who wants it; the caller has seen that it is an admin
 * @cancellable: (nullable): whoever wants it is gone
 * @callback: for sb_bus_backup_finish()
 * @user_data: for @callback
 *
 * Copies the store, on a thread, and sees to it that the files which the copy names stay until the
 * backup is over.
 */
void
sb_bus_backup_async (SbBus *self, SbUser *actor, GCancellable *cancellable,
                     GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (SbBackup) backup = NULL;
  GError *error = NULL;
  GTask *task;

  g_return_if_fail (SB_IS_BUS (self) && actor != NULL);

  task = g_task_new (self, NULL, callback, user_data);
  if (!can_begin (self, &error))
    {
      g_task_return_error (task, error);
      g_object_unref (task);
      return;
    }
  backup = backup_new (self, actor);
  begin (backup, task, cancellable);
}

/**
 * sb_bus_backup_finish:
 * @self: a bus
 * @result: of sb_bus_backup_async()
 * @error: SB_ERROR_CONFLICT when there is another one, SB_ERROR_UNSUPPORTED when the store cannot
 *   be copied, SB_ERROR_NO_SPACE, SB_ERROR_BUSY, SB_ERROR_CLOSED, %G_IO_ERROR_CANCELLED
 *
 * Returns: (transfer full) (nullable): what sb_backup_write_async() can write, once
 */
SbBackup *
sb_bus_backup_finish (SbBus *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * sb_backup_get_time:
 * @self: a backup
 *
 * Returns: when it was begun, wall clock in microseconds
 */
gint64
sb_backup_get_time (SbBackup *self)
{
  return self->manifest->created;
}

/**
 * sb_backup_get_cancellable:
 * @self: a backup
 *
 * Returns: (transfer none): ends it when it is cancelled, on the main context; the bus does that
 *   when it stops
 */
GCancellable *
sb_backup_get_cancellable (SbBackup *self)
{
  return self->cancellable;
}

/* The second part */

static void
written_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbBackup) self = sb_backup_ref (g_task_get_task_data (G_TASK (result)));
  g_autoptr (GTask) task = g_steal_pointer (&self->task);
  GError *error = NULL;

  wait_for_thread (self);
  g_task_propagate_boolean (G_TASK (result), &error);
  log_faults (self);
  log_end (self, error);
  end (self);
  if (error == NULL)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/**
 * sb_backup_write_async:
 * @self: a backup that was not written
 * @func: (scope async): takes the archive
 * @func_data: for @func
 * @callback: for sb_backup_write_finish()
 * @user_data: for @callback
 *
 * Writes the archive, on a thread. Only when @callback hears of success is it whole.
 */
void
sb_backup_write_async (SbBackup *self, SbBackupFunc func, gpointer func_data,
                       GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (self->thread == NULL && self->task == NULL && !self->is_over);

  self->func = func;
  self->func_data = func_data;
  self->task = g_task_new (NULL, NULL, callback, user_data);
  run_thread (self, write_in_thread, written_cb);
}

/**
 * sb_backup_write_finish:
 * @self: a backup
 * @result: of sb_backup_write_async()
 * @error: the function's, or %G_IO_ERROR_CANCELLED
 *
 * Returns: whether all of it was taken
 */
gboolean
sb_backup_write_finish (SbBackup *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* The bus */

/* At start: what a crash left. */
void
sb_bus_clear_backup (SbBus *self)
{
  g_autofree char *data_dir = NULL;
  g_autofree char *folder = NULL;
  g_autoptr (GError) error = NULL;

  if (self->vault == NULL)
    return;
  data_dir = g_path_get_dirname (self->vault->folder);
  folder = g_build_filename (data_dir, FOLDER, NULL);
  if (!sb_tree_remove (folder, &error))
    g_warning ("%s, which a backup has left", error->message);
}

/* Ends the one that is being made. Blocks for as long as its thread takes to see that. */
void
sb_bus_stop_backup (SbBus *self)
{
  if (self->backup == NULL)
    return;
  g_cancellable_cancel (self->backup->cancellable);
  wait_for_thread (self->backup);
}

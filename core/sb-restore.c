/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-restore: whatever kills it, and whenever, the data folder is then empty but
 * for what a second attempt clears away, or a start brings it to its end.
 *
 *   restore/store/       what the archive has of the store
 *   restore/new/         the data folder as it is to be: files, the store, the secret
 *     … all of it is checked, opened once, closed, and flushed …
 *   restore/complete/    the same, renamed: from here on it is restored
 *   …                    each thing in it is renamed to its place
 */

#include "sb-restore.h"

#include "sb-archive.h"
#include "sb-config-keys.h"
#include "sb-error.h"
#include "sb-fault.h"
#include "sb-store.h"
#include "sb-tree.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define FOLDER "restore"
#define PAGE 1000

/* What may be in a folder into which is restored: its lock, what an earlier attempt left, and what
 * a file system has of its own. */
static const char *const ignored[] = { "lock", FOLDER, "lost+found", NULL };

typedef struct
{
  SbConfig *config;       /* (borrowed) */
  const char *store_name; /* (borrowed) */
  GType store_type;
  const char *data_dir; /* (borrowed) */
  char *folder;         /* (owned) data_dir/restore */
  char *store;          /* (owned) below it, as what follows */
  char *fresh;          /* (owned) */
  char *complete;       /* (owned) */
  SbManifest *manifest; /* (owned) (nullable) once all of it was read */
  GHashTable *damaged;  /* (owned) (nullable) likewise */
  char *path;           /* (owned) (nullable) of the member that is being unpacked */
  int fd;               /* of it; -1 */
} Restore;

static void
restore_clear (Restore *self)
{
  if (self->fd >= 0)
    close (self->fd);
  g_free (self->path);
  g_clear_pointer (&self->manifest, sb_manifest_free);
  g_clear_pointer (&self->damaged, g_hash_table_unref);
  g_free (self->complete);
  g_free (self->fresh);
  g_free (self->store);
  g_free (self->folder);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Restore, restore_clear)

static void
restore_init (Restore *self, const char *data_dir)
{
  *self = (Restore) { .data_dir = data_dir, .fd = -1 };
  self->folder = g_build_filename (data_dir, FOLDER, NULL);
  self->store = g_build_filename (self->folder, "store", NULL);
  self->fresh = g_build_filename (self->folder, "new", NULL);
  self->complete = g_build_filename (self->folder, "complete", NULL);
}

/* Unpacking */

static gboolean
check_room (Restore *self, guint64 bytes, GError **error)
{
  struct statvfs vfs;

  if (statvfs (self->folder, &vfs) != 0 || (guint64) vfs.f_bavail * vfs.f_frsize >= bytes)
    return TRUE;
  g_set_error (error, SB_ERROR, SB_ERROR_NO_SPACE,
               "%s: the backup needs %" G_GUINT64_FORMAT
               " MiB, and there is less on this disk; nothing was restored",
               self->data_dir, bytes / (1024 * 1024) + 1);
  return FALSE;
}

static gboolean
check_manifest (const SbManifest *manifest, gpointer user_data, GError **error)
{
  Restore *self = user_data;

  if (strcmp (manifest->store, self->store_name) == 0)
    return check_room (self, manifest->bytes, error);
  g_set_error (error, SB_ERROR, SB_ERROR_UNSUPPORTED,
               "The backup was made of the store \"%s\", and this bus keeps its messages in the "
               "store \"%s\": set store=%s in its configuration, or restore with --set "
               "bus.store=%s",
               manifest->store, self->store_name, manifest->store, manifest->store);
  return FALSE;
}

/* The name is one of those that a manifest can have. */
static char *
get_place (Restore *self, const SbManifestMember *member)
{
  if (g_str_has_prefix (member->name, SB_MANIFEST_STORE))
    return g_build_filename (self->store, sb_manifest_member_get_base (member), NULL);
  return g_build_filename (self->fresh, member->name, NULL);
}

static gboolean
begin_member (const SbManifestMember *member, gpointer user_data, GError **error)
{
  Restore *self = user_data;
  g_autofree char *parent = NULL;

  g_free (self->path);
  self->path = get_place (self, member);
  parent = g_path_get_dirname (self->path);
  if (!sb_tree_make_folder (parent, error))
    return FALSE;
  self->fd = g_open (self->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (self->fd >= 0)
    return TRUE;
  sb_tree_set_errno (error, errno, self->path, "made");
  return FALSE;
}

static gboolean
write_data (const void *data, gsize length, gpointer user_data, GError **error)
{
  Restore *self = user_data;
  const char *p = data;

  while (length > 0)
    {
      gssize n = write (self->fd, p, length);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          sb_tree_set_errno (error, errno, self->path, "written");
          return FALSE;
        }
      p += n;
      length -= (gsize) n;
    }
  sb_fault_point ("restore-write");
  return TRUE;
}

/* A damaged file is of no use: the bus will name it as missing. */
static gboolean
end_member (const SbManifestMember *member, gboolean is_whole, gpointer user_data, GError **error)
{
  Restore *self = user_data;
  gboolean closed = close (self->fd) == 0;

  self->fd = -1;
  if (!closed)
    sb_tree_set_errno (error, errno, self->path, "written");
  else if (!is_whole)
    g_unlink (self->path);
  return closed;
}

static gboolean
unpack (Restore *self, int fd, GError **error)
{
  static const SbArchiveFuncs funcs = { check_manifest, begin_member, write_data, end_member };

  if (!sb_tree_remove (self->folder, error) || !sb_tree_make_folder (self->fresh, error)
      || !sb_tree_make_folder (self->store, error))
    return FALSE;
  self->manifest = sb_archive_read (fd, &funcs, self, &self->damaged, error);
  return self->manifest != NULL;
}

/* Checking: what the store names is what the archive has */

static gboolean
refuse (GError **error, const char *what)
{
  g_set_error (error, SB_ERROR, SB_ERROR_CORRUPT, "The backup cannot be used: %s", what);
  return FALSE;
}

static GHashTable *
list_members (const SbManifest *manifest)
{
  GHashTable *members = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < manifest->members->len; i++)
    {
      SbManifestMember *member = &g_array_index (manifest->members, SbManifestMember, i);

      if (sb_manifest_member_is_file (member))
        g_hash_table_insert (members, member->name, member);
    }
  return members;
}

static gboolean
is_missing (const SbManifest *manifest, const char *name)
{
  return g_ptr_array_find_with_equal_func (manifest->missing, name, g_str_equal, NULL);
}

/* Takes a file that is right out of @members. */
static gboolean
check_file (Restore *self, const SbFile *file, GHashTable *members, GError **error)
{
  g_autofree char *name = sb_manifest_make_file_name (file->id);
  const SbManifestMember *member = g_hash_table_lookup (members, name);

  if (member == NULL)
    return is_missing (self->manifest, name)
           || refuse (error, "its store names a file that is not in it");
  if (member->size != file->size
      || memcmp (member->digest, file->digest, sizeof member->digest) != 0)
    return refuse (error, "it has another file than its store names");
  g_hash_table_remove (members, name);
  return TRUE;
}

static gboolean
check_files (Restore *self, SbStore *store, GError **error)
{
  g_autoptr (GHashTable) members = list_members (self->manifest);
  g_autofree char *after = g_strdup ("");
  guint n;

  do
    {
      g_autoptr (GPtrArray) page = sb_store_files (store, after, PAGE, error);

      n = page != NULL ? page->len : 0;
      if (page == NULL)
        return FALSE;
      for (guint i = 0; i < n; i++)
        if (!check_file (self, ((SbFileInfo *) page->pdata[i])->file, members, error))
          return FALSE;
      g_free (after);
      after = g_strdup (n > 0 ? ((SbFileInfo *) page->pdata[n - 1])->file->id : "");
    }
  while (n == PAGE);
  return g_hash_table_size (members) == 0
         || refuse (error, "it has files that its store does not name");
}

static gboolean
check_store (Restore *self, SbStore *store, SbRestoreReport *report, GError **error)
{
  g_autoptr (GPtrArray) users = sb_store_users (store, error);
  SbStoreStats stats;

  if (users == NULL || !sb_store_stats (store, &stats, error) || !check_files (self, store, error))
    return FALSE;
  report->n_users = users->len;
  report->n_waiting = stats.waiting;
  return TRUE;
}

/* Has the store take its copy, as it will find it when the folder is in its place. */
static gboolean
open_once (Restore *self, SbRestoreReport *report, GError **error)
{
  g_autoptr (SbStore) carrier = g_object_new (self->store_type, NULL);
  g_autoptr (SbStore) store = g_object_new (self->store_type, NULL);
  SbStoreOptions options = { .config = self->config, .data_dir = self->fresh };
  gboolean is_good;

  sb_config_read_store_limits (self->config, &options.limits);
  if (!sb_store_restore (carrier, &options, self->store, error)
      || !sb_store_open (store, &options, error))
    return FALSE;
  is_good = check_store (self, store, report, error);
  sb_store_close (store);
  return is_good;
}

/* Into place */

/* All is in its place but for what can be done again. */
static gboolean
move_into_place (Restore *self, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (self->complete, 0, error);
  const char *name;

  if (dir == NULL)
    return FALSE;
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *from = g_build_filename (self->complete, name, NULL);
      g_autofree char *to = g_build_filename (self->data_dir, name, NULL);

      if (!sb_tree_rename (from, to, error))
        return FALSE;
      sb_fault_point ("restore-moved");
    }
  return sb_tree_flush_folder (self->data_dir, error);
}

/* Goes on from wherever it stopped. The mark goes last. */
static gboolean
finish (Restore *self, GError **error)
{
  if (!move_into_place (self, error) || !sb_tree_remove (self->store, error))
    return FALSE;
  sb_fault_point ("restore-cleared");
  return sb_tree_remove (self->folder, error);
}

static gboolean
commit (Restore *self, GError **error)
{
  if (!sb_tree_flush_all (self->folder, error))
    return FALSE;
  sb_fault_point ("restore-checked");
  if (!sb_tree_rename (self->fresh, self->complete, error)
      || !sb_tree_flush_folder (self->folder, error))
    return FALSE;
  sb_fault_point ("restore-committed");
  return finish (self, error);
}

/* The folder */

/* An empty one is all that is left of a restore that has read nothing, or is done. */
static gboolean
is_begun (Restore *self)
{
  return g_rmdir (self->folder) != 0 && errno != ENOENT;
}

/**
 * sb_restore_settle: (skip)
 * @data_dir: (type filename): a data folder that is locked
 * @error: SB_ERROR_BUSY when a restore was interrupted; says what to do
 *
 * Brings a restore to its end that was interrupted when all of it was there. Before anything else
 * looks into the folder.
 *
 * Returns: whether the folder is as it should be
 */
gboolean
sb_restore_settle (const char *data_dir, GError **error)
{
  g_auto (Restore) self;

  restore_init (&self, data_dir);
  if (!is_begun (&self))
    return TRUE;
  if (g_file_test (self.complete, G_FILE_TEST_IS_DIR))
    return finish (&self, error);
  g_set_error (error, SB_ERROR, SB_ERROR_BUSY,
               "%s: a restore was interrupted here, and nothing was restored; run simplebusd "
               "--restore FILE again, or remove %s",
               data_dir, self.folder);
  return FALSE;
}

static gboolean
check_empty (Restore *self, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (self->data_dir, 0, error);
  const char *name;

  if (dir == NULL)
    return FALSE;
  while ((name = g_dir_read_name (dir)) != NULL)
    if (!g_strv_contains (ignored, name))
      {
        g_set_error (error, SB_ERROR, SB_ERROR_CONFLICT,
                     "%s is in use (there is “%s” in it), and nothing was restored: a backup goes "
                     "into an empty folder; move away what is in it, or name another folder with "
                     "--data-dir",
                     self->data_dir, name);
        return FALSE;
      }
  return TRUE;
}

/* What is left of an attempt; what an interrupted one had complete is in its place then. */
static gboolean
make_room (Restore *self, GError **error)
{
  if (g_file_test (self->complete, G_FILE_TEST_IS_DIR) && !finish (self, error))
    return FALSE;
  return check_empty (self, error);
}

/* Reports */

/**
 * sb_restore_report_clear: (skip)
 * @self: a report
 *
 * Frees what is in it.
 */
void
sb_restore_report_clear (SbRestoreReport *self)
{
  g_clear_pointer (&self->version, g_free);
}

static void
fill_report (SbRestoreReport *report, const SbManifest *manifest, GHashTable *damaged)
{
  guint n_damaged = g_hash_table_size (damaged);

  report->version = g_strdup (manifest->version);
  report->created = manifest->created;
  report->bytes = manifest->bytes;
  report->n_files = sb_manifest_count_files (manifest) - n_damaged;
  report->n_damaged = n_damaged + manifest->missing->len;
}

/**
 * sb_restore_run: (skip)
 * @config: the configuration in force
 * @registry: where the type of the store is
 * @data_dir: (type filename): a folder that exists and is locked
 * @fd: where the archive comes from
 * @report: (out caller-allocates): all zeros; what was restored
 * @error: SB_ERROR_CONFLICT when the folder is not empty, SB_ERROR_INVALID, SB_ERROR_CORRUPT or
 *   SB_ERROR_UNSUPPORTED when the archive is no good, SB_ERROR_NO_SPACE
 *
 * Makes a data folder of a backup. When it fails, the folder is as it was.
 *
 * Returns: whether a bus can start there
 */
gboolean
sb_restore_run (SbConfig *config, SbRegistry *registry, const char *data_dir, int fd,
                SbRestoreReport *report, GError **error)
{
  g_auto (Restore) self;

  restore_init (&self, data_dir);
  self.config = config;
  self.store_name = sb_config_get_string (config, SB_CONFIG_GROUP_BUS, "store");
  self.store_type = sb_registry_lookup (registry, SB_TYPE_STORE, self.store_name, error);
  if (self.store_type == G_TYPE_INVALID || !make_room (&self, error))
    return FALSE;
  if (unpack (&self, fd, error) && open_once (&self, report, error) && commit (&self, error))
    {
      fill_report (report, self.manifest, self.damaged);
      return TRUE;
    }
  if (!g_file_test (self.complete, G_FILE_TEST_IS_DIR))
    sb_tree_remove (self.folder, NULL);
  return FALSE;
}

/**
 * sb_restore_verify: (skip)
 * @fd: where the archive comes from
 * @report: (out caller-allocates): all zeros; what is in it
 * @error: SB_ERROR_INVALID, SB_ERROR_CORRUPT or SB_ERROR_UNSUPPORTED when it is no good
 *
 * Reads all of an archive and changes nothing.
 *
 * Returns: whether it can be restored
 */
gboolean
sb_restore_verify (int fd, SbRestoreReport *report, GError **error)
{
  static const SbArchiveFuncs funcs = { 0 };
  g_autoptr (GHashTable) damaged = NULL;
  g_autoptr (SbManifest) manifest = sb_archive_read (fd, &funcs, NULL, &damaged, error);

  if (manifest == NULL)
    return FALSE;
  fill_report (report, manifest, damaged);
  return TRUE;
}

/**
 * sb_restore_open: (skip)
 * @path: (type filename): of a backup; "-" is the standard input
 * @error: when it cannot be read
 *
 * Returns: a descriptor, which is the caller's; -1 with @error
 */
int
sb_restore_open (const char *path, GError **error)
{
  int fd = strcmp (path, "-") == 0 ? fcntl (STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                   : g_open (path, O_RDONLY | O_CLOEXEC, 0);

  if (fd < 0)
    sb_tree_set_errno (error, errno, path, "read");
  return fd;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-backup-file: a file that is there whole or not at all. */

#include "sb-cli-backup-file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "simplebus-"
#define TIME "%Y%m%dT%H%M%SZ"
#define SUFFIX ".tar"
#define PART ".part"

struct _SbCliBackupFile
{
  char *path; /* (owned) (nullable): %NULL: standard output */
  char *part; /* (owned) (nullable): as long as it is there */
  int fd;
  gboolean may_replace;
};

static gboolean
fail (GError **error, const char *path)
{
  g_set_error (error, SB_CLI_ERROR, SB_CLI_FAILED, _ ("%s cannot be written: %s"), path,
               g_strerror (errno));
  return FALSE;
}

static gboolean
fail_existing (GError **error, const char *path)
{
  g_set_error (error, SB_CLI_ERROR, SB_CLI_FAILED, _ ("%s is there already; --force replaces it"),
               path);
  return FALSE;
}

/* --- Life --- */

/* Nobody else may be writing there, or have renamed it meanwhile. */
static gboolean
lock_part (int fd, const char *part, GError **error)
{
  struct stat ours;
  struct stat theirs;

  if (flock (fd, LOCK_EX | LOCK_NB) != 0 || fstat (fd, &ours) != 0 || lstat (part, &theirs) != 0
      || ours.st_ino != theirs.st_ino || ours.st_dev != theirs.st_dev)
    {
      g_set_error (error, SB_CLI_ERROR, SB_CLI_TRY_AGAIN, _ ("Somebody else writes to %s"), part);
      return FALSE;
    }
  if (fchmod (fd, 0600) == 0 && ftruncate (fd, 0) == 0)
    return TRUE;
  return fail (error, part);
}

static gboolean
open_part (SbCliBackupFile *self, GError **error)
{
  g_autofree char *part = g_strconcat (self->path, PART, NULL);

  self->fd = open (part, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (self->fd < 0)
    return fail (error, part);
  if (!lock_part (self->fd, part, error))
    return FALSE;
  self->part = g_steal_pointer (&part);
  return TRUE;
}

/**
 * sb_cli_backup_file_new:
 * @path: (nullable): where the file is to be; %NULL: standard output
 * @may_replace: what is there may go
 * @error: return location for an error
 *
 * Returns: (transfer full) (nullable): an empty file beside @path, for its owner alone
 */
SbCliBackupFile *
sb_cli_backup_file_new (const char *path, gboolean may_replace, GError **error)
{
  g_autoptr (SbCliBackupFile) self = g_new0 (SbCliBackupFile, 1);
  struct stat info;

  self->fd = STDOUT_FILENO;
  self->may_replace = may_replace;
  if (path == NULL)
    return g_steal_pointer (&self);
  self->fd = -1;
  self->path = g_strdup (path);
  if (lstat (path, &info) == 0 && (!may_replace || !S_ISREG (info.st_mode)))
    {
      fail_existing (error, path);
      return NULL;
    }
  return open_part (self, error) ? g_steal_pointer (&self) : NULL;
}

/**
 * sb_cli_backup_file_free:
 * @self: (transfer full): a file
 *
 * Removes what was not kept.
 */
void
sb_cli_backup_file_free (SbCliBackupFile *self)
{
  if (self->part != NULL)
    g_unlink (self->part);
  if (self->path != NULL && self->fd >= 0)
    close (self->fd);
  g_free (self->part);
  g_free (self->path);
  g_free (self);
}

/* --- Writing --- */

/**
 * sb_cli_backup_file_write:
 * @self: a file
 * @data: (array length=length): bytes
 * @length: how many
 * @error: return location for an error
 *
 * Returns: whether all of them were written
 */
gboolean
sb_cli_backup_file_write (SbCliBackupFile *self, const void *data, gsize length, GError **error)
{
  const char *p = data;

  while (length > 0)
    {
      gssize n = write (self->fd, p, length);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return fail (error, self->part != NULL ? self->part : _ ("The standard output"));
      p += n;
      length -= (gsize) n;
    }
  return TRUE;
}

/* Not every file system can refuse to replace; there a look has to do. */
static int
rename_without_replacing (const char *from, const char *to)
{
  struct stat info;

  if (renameat2 (AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
    return 0;
  if (errno != EINVAL && errno != ENOSYS)
    return -1;
  if (lstat (to, &info) != 0)
    return rename (from, to);
  errno = EEXIST;
  return -1;
}

/* What is in a folder is on the disk only when the folder is. */
static gboolean
sync_folder (const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  gboolean is_synced = fd >= 0 && fsync (fd) == 0;
  int saved = errno;

  if (fd >= 0)
    close (fd);
  errno = saved;
  /* Some file systems have no such thing. */
  return is_synced || errno == EINVAL || fail (error, folder);
}

/**
 * sb_cli_backup_file_keep:
 * @self: a file of which all was written
 * @error: return location for an error
 *
 * Gives it its name, once it is on the disk.
 *
 * Returns: whether it is there
 */
gboolean
sb_cli_backup_file_keep (SbCliBackupFile *self, GError **error)
{
  int result;

  if (self->path == NULL)
    return TRUE;
  if (fsync (self->fd) != 0)
    return fail (error, self->part);
  result = self->may_replace ? rename (self->part, self->path)
                             : rename_without_replacing (self->part, self->path);
  if (result != 0)
    return errno == EEXIST ? fail_existing (error, self->path) : fail (error, self->path);
  g_clear_pointer (&self->part, g_free);
  return sync_folder (self->path, error);
}

/* --- A folder of backups --- */

/**
 * sb_cli_backup_file_make_name:
 * @folder: a folder
 *
 * Returns: (transfer full): a path in it with the time of now
 */
char *
sb_cli_backup_file_make_name (const char *folder)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *name = g_date_time_format (now, PREFIX TIME SUFFIX);

  return g_build_filename (folder, name, NULL);
}

/* Files of other names are somebody else's. */
static gboolean
is_backup (const char *name)
{
  static const char pattern[] = PREFIX "dddddddd"
                                       "T"
                                       "dddddd"
                                       "Z" SUFFIX;
  gsize i;

  for (i = 0; pattern[i] != '\0'; i++)
    {
      gboolean is_digit = i >= strlen (PREFIX) && pattern[i] == 'd';

      if (is_digit ? !g_ascii_isdigit (name[i]) : name[i] != pattern[i])
        return FALSE;
    }
  return name[i] == '\0';
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/**
 * sb_cli_backup_file_prune:
 * @folder: a folder of backups
 * @keep: how many may stay, at least 1
 * @error: return location for an error
 *
 * Removes the oldest of those that have names of sb_cli_backup_file_make_name().
 *
 * Returns: whether that worked
 */
gboolean
sb_cli_backup_file_prune (const char *folder, guint keep, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, error);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);

  if (dir == NULL)
    return FALSE;
  for (const char *name = g_dir_read_name (dir); name != NULL; name = g_dir_read_name (dir))
    if (is_backup (name))
      g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  for (guint i = 0; i + keep < names->len; i++)
    {
      g_autofree char *path = g_build_filename (folder, names->pdata[i], NULL);

      if (g_unlink (path) != 0)
        {
          g_set_error (error, SB_CLI_ERROR, SB_CLI_FAILED, _ ("%s cannot be removed: %s"), path,
                       g_strerror (errno));
          return FALSE;
        }
    }
  return TRUE;
}

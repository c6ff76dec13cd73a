/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-download-place: a file gets its name, and nobody else's file loses it.
 *
 * By a link: it is there at once and whole, never takes a name that is in use, and who comes back
 * after a crash sees by the inode that it was done. Where there are no links, by a rename that
 * replaces nothing, whose path is on disk before.
 */

#include "sb-client-download.h"

#include "sb-client-disk.h"
#include "sb-client-file-name.h"
#include "sb-client-request.h"
#include "sb-client-state-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* So many files of one name; the next ones are called by their ids as well. */
#define MAX_NUMBER 1000

typedef enum
{
  TRY_DONE,
  TRY_TAKEN,      /* by another file */
  TRY_IMPOSSIBLE, /* the file system cannot do it */
  TRY_FAILED,
} Try;

static gboolean
is_same_file (const char *first, const char *second)
{
  struct stat a, b;

  return lstat (first, &a) == 0 && lstat (second, &b) == 0 && a.st_dev == b.st_dev
         && a.st_ino == b.st_ino;
}

static Try
try_link (SbClientDownload *self, const char *path)
{
  if (link (self->part.path, path) == 0)
    return TRY_DONE;
  switch (errno)
    {
    case EEXIST:
      return is_same_file (self->part.path, path) ? TRY_DONE : TRY_TAKEN;
    case EPERM:
    case ENOSYS:
    case EOPNOTSUPP:
    case EMLINK:
      return TRY_IMPOSSIBLE;
    default:
      return TRY_FAILED;
    }
}

/* Keeps the name free from others, where not even a rename can be asked not to replace. */
static Try
try_replace_own (SbClientDownload *self, const char *path)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

  if (fd < 0)
    return errno == EEXIST ? TRY_TAKEN : TRY_FAILED;
  close (fd);
  return rename (self->part.path, path) == 0 ? TRY_DONE : TRY_FAILED;
}

static Try
try_rename (SbClientDownload *self, const char *path, GError **error)
{
  g_autoptr (GKeyFile) state = NULL;

  if (access (path, F_OK) == 0)
    return TRY_TAKEN;
  g_free (self->path);
  self->path = g_strdup (path);
  self->phase = SB_CLIENT_PHASE_PLACING;
  state = sb_client_download_print (self);
  if (!sb_client_state_file_write (self->state_path, state, error))
    return TRY_FAILED;
  if (renameat2 (AT_FDCWD, self->part.path, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
    return TRY_DONE;
  if (errno == EINVAL || errno == ENOSYS)
    return try_replace_own (self, path);
  return errno == EEXIST ? TRY_TAKEN : TRY_FAILED;
}

/* Returns: (transfer full): the name for the @number-th attempt */
static char *
make_name (SbClientDownload *self, guint number)
{
  const char *display = sb_client_message_get_display_name (self->notice);
  g_autofree char *safe = NULL;
  g_autofree char *stored = NULL;

  if (display == NULL)
    display = sb_client_message_get_file_name (self->notice);
  safe = sb_client_file_name_make_safe (display);
  if (number <= MAX_NUMBER)
    return sb_client_file_name_number (safe, number);
  stored = g_path_get_basename (self->part.path);
  return g_strdup_printf ("%.32s-%u", stored, number - MAX_NUMBER);
}

gboolean
sb_client_download_place (SbClientDownload *self, GError **error)
{
  gboolean has_links = TRUE;

  for (guint number = 1; number <= 2 * MAX_NUMBER; number++)
    {
      g_autofree char *name = make_name (self, number);
      g_autofree char *path = g_build_filename (self->folder, name, NULL);
      g_autoptr (GError) fault = NULL;
      Try result = has_links ? try_link (self, path) : try_rename (self, path, &fault);

      if (result == TRY_IMPOSSIBLE)
        {
          has_links = FALSE;
          result = try_rename (self, path, &fault);
        }
      if (result == TRY_TAKEN)
        continue;
      if (fault != NULL)
        g_propagate_error (error, g_steal_pointer (&fault));
      else if (result != TRY_DONE)
        sb_client_disk_fail ("The file cannot be put into its place,", path, error);
      if (result != TRY_DONE)
        return FALSE;
      g_free (self->path);
      self->path = g_steal_pointer (&path);
      sb_client_fault_point ("download-linked");
      return sb_client_state_file_sync_folder (self->folder, error);
    }
  g_set_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_CONFLICT,
               "There are too many files of this name in %s; move some of them away", self->folder);
  return FALSE;
}

/* Renamed, and dead before it could say so. */
gboolean
sb_client_download_is_in_place (SbClientDownload *self, GError **error)
{
  const char *wanted = sb_client_message_get_sha256 (self->notice);
  g_autofree char *found = NULL;
  struct stat info;

  if (self->phase != SB_CLIENT_PHASE_PLACING || wanted == NULL
      || lstat (self->part.path, &info) == 0 || lstat (self->path, &info) != 0
      || !S_ISREG (info.st_mode))
    return FALSE;
  found = sb_client_part_hash_file (self->path, self->item.cancellable, error);
  return g_strcmp0 (found, wanted) == 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-tree: makes, flushes, renames and removes folders. A link is never
 * followed: whoever could put one there would else have a word in what goes.
 */

#include "sb-tree.h"

#include "sb-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Sets an error by meaning. @what: "removed" */
void
sb_tree_set_errno (GError **error, int code, const char *path, const char *what)
{
  SbError meaning = SB_ERROR_FAILED;

  if (code == ENOSPC || code == EDQUOT || code == EFBIG)
    meaning = SB_ERROR_NO_SPACE;
  else if (code == ENOENT)
    meaning = SB_ERROR_NOT_FOUND;
  g_set_error (error, SB_ERROR, meaning, "%s cannot be %s: %s", path, what, g_strerror (code));
}

/* With its parents, for its owner only. One that is there is fine. */
gboolean
sb_tree_make_folder (const char *path, GError **error)
{
  if (g_mkdir_with_parents (path, 0700) == 0)
    return TRUE;
  sb_tree_set_errno (error, errno, path, "made");
  return FALSE;
}

static gboolean
is_folder (const char *path)
{
  GStatBuf info;

  return g_lstat (path, &info) == 0 && S_ISDIR (info.st_mode);
}

static gboolean
remove_children (const char *path, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, error);
  gboolean removed = dir != NULL;
  const char *name;

  while (removed && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      removed = sb_tree_remove (child, error);
    }
  return removed;
}

/* A file, or a folder with all that is in it. One that is not there is fine. */
gboolean
sb_tree_remove (const char *path, GError **error)
{
  gboolean folder = is_folder (path);

  if (folder && !remove_children (path, error))
    return FALSE;
  if ((folder ? g_rmdir (path) : g_unlink (path)) == 0 || errno == ENOENT)
    return TRUE;
  sb_tree_set_errno (error, errno, path, "removed");
  return FALSE;
}

static gboolean
flush_with (const char *path, int (*flush) (int fd), GError **error)
{
  int fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_DIRECTORY, 0);
  gboolean flushed = fd >= 0 && flush (fd) == 0;

  if (!flushed)
    sb_tree_set_errno (error, errno, path, "flushed");
  if (fd >= 0)
    close (fd);
  return flushed;
}

/* The names in it, not what they stand for. */
gboolean
sb_tree_flush_folder (const char *path, GError **error)
{
  return flush_with (path, fsync, error);
}

/* Everything on the file system of a folder: of 100,000 files one by one would take minutes. */
gboolean
sb_tree_flush_all (const char *path, GError **error)
{
  return flush_with (path, syncfs, error);
}

/* Within a file system; nothing that is there is replaced. */
gboolean
sb_tree_rename (const char *from, const char *to, GError **error)
{
  GStatBuf info;
  int code = EEXIST;

  if (g_lstat (to, &info) != 0)
    code = g_rename (from, to) == 0 ? 0 : errno;
  if (code == 0)
    return TRUE;
  sb_tree_set_errno (error, code, to, "put in its place");
  return FALSE;
}

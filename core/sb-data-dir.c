/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-data-dir: makes the folder, locks it, keeps small secrets in it. */

#include "sb-data-dir.h"

#include "sb-error.h"
#include "sb-secret.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

struct _SbDataDir
{
  char *path; /* (owned) */
  int lock;   /* descriptor; the lock goes with the process, however it ends */
};

static SbDataDir *
fail (GError **error, SbError code, const char *path, const char *what)
{
  g_set_error (error, SB_ERROR, code, "%s: %s", path, what);
  return NULL;
}

/**
 * sb_data_dir_check_owner:
 * @path: (type filename): a folder, which need not be there
 * @error: SB_ERROR_FORBIDDEN
 *
 * For tools that people start: what root writes into the folder of a bus, that bus cannot read.
 *
 * Returns: whether the folder is nobody else's
 */
gboolean
sb_data_dir_check_owner (const char *path, GError **error)
{
  GStatBuf status;

  if (g_stat (path, &status) != 0 || status.st_uid == geteuid ())
    return TRUE;
  g_set_error (error, SB_ERROR, SB_ERROR_FORBIDDEN,
               "%s belongs to the user with the number %u; do this as that user (for the service "
               "of systemd docs/operations.md has the command)",
               path, (guint) status.st_uid);
  return FALSE;
}

/**
 * sb_data_dir_open:
 * @path: (type filename): the folder; made if it is not there, for its owner only
 * @error: SB_ERROR_BUSY when another process has it
 *
 * Returns: (transfer full) (nullable): the folder, locked
 */
SbDataDir *
sb_data_dir_open (const char *path, GError **error)
{
  g_autofree char *lock_path = g_build_filename (path, "lock", NULL);
  g_autofree char *hint = NULL;
  SbDataDir *self;
  int lock;

  if (g_mkdir_with_parents (path, 0700) < 0)
    {
      hint = g_strdup_printf ("cannot be made: %s; name another folder with data-dir or --data-dir",
                              g_strerror (errno));
      return fail (error, SB_ERROR_FAILED, path, hint);
    }
  lock = g_open (lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0)
    {
      hint = g_strdup_printf ("cannot be written to: %s; give it to the user that runs the bus",
                              g_strerror (errno));
      return fail (error, SB_ERROR_FAILED, path, hint);
    }
  if (flock (lock, LOCK_EX | LOCK_NB) < 0)
    {
      close (lock);
      return fail (error, SB_ERROR_BUSY, path, "another simplebusd has this folder; stop it first");
    }
  self = g_new0 (SbDataDir, 1);
  self->path = g_strdup (path);
  self->lock = lock;
  return self;
}

/**
 * sb_data_dir_close:
 * @self: (transfer full): a folder; its lock is released
 */
void
sb_data_dir_close (SbDataDir *self)
{
  close (self->lock);
  g_free (self->path);
  g_free (self);
}

/**
 * sb_data_dir_get_path:
 * @self: a folder
 *
 * Returns: (transfer none) (type filename): where it is
 */
const char *
sb_data_dir_get_path (SbDataDir *self)
{
  return self->path;
}

static GBytes *
make_secret (const char *path, gsize length, GError **error)
{
  g_autofree guint8 *secret = g_malloc (length);

  sb_secret_fill_random (secret, length);
  if (!g_file_set_contents_full (path, (const char *) secret, length,
                                 G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
                                 error))
    return NULL;
  return g_bytes_new (secret, length);
}

/**
 * sb_data_dir_read_secret:
 * @self: a folder
 * @name: (type filename): a file in it
 * @length: bytes
 * @error: when it can neither be read nor made, or is damaged
 *
 * Returns: (transfer full) (nullable): @length random bytes, the same ever since they were made
 */
GBytes *
sb_data_dir_read_secret (SbDataDir *self, const char *name, gsize length, GError **error)
{
  g_autofree char *path = g_build_filename (self->path, name, NULL);
  g_autoptr (GError) local_error = NULL;
  g_autofree char *contents = NULL;
  gsize size;

  if (!g_file_get_contents (path, &contents, &size, &local_error))
    {
      if (g_error_matches (local_error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        return make_secret (path, length, error);
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }
  if (size != length)
    {
      g_set_error (error, SB_ERROR, SB_ERROR_CORRUPT,
                   "%s is damaged; delete it: devices then log in with their passwords once", path);
      return NULL;
    }
  return g_bytes_new (contents, size);
}

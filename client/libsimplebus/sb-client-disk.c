/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-client-disk: errno, free space, and whether the machine was started anew. */

#include "sb-client-disk.h"

#include <errno.h>
#include <sys/statvfs.h>

gboolean
sb_client_disk_is_full (int fault)
{
  /* A file that is too large for its file system, or for the limit of a process, has no room. */
  return fault == ENOSPC || fault == EDQUOT || fault == EFBIG;
}

gboolean
sb_client_disk_fail (const char *what, const char *path, GError **error)
{
  int fault = errno;

  g_set_error (error, SB_CLIENT_ERROR,
               sb_client_disk_is_full (fault) ? SB_CLIENT_ERROR_NO_SPACE : SB_CLIENT_ERROR_FAILED,
               "%s %s: %s", what, path, g_strerror (fault));
  return FALSE;
}

gint64
sb_client_disk_get_free (const char *folder)
{
  struct statvfs space;

  if (statvfs (folder, &space) != 0 || space.f_blocks == 0)
    return -1;
  return (gint64) MIN (space.f_bavail, G_MAXINT64 / space.f_frsize) * (gint64) space.f_frsize;
}

char *
sb_client_disk_get_boot (void)
{
  char *text = NULL;

  if (!g_file_get_contents ("/proc/sys/kernel/random/boot_id", &text, NULL, NULL))
    return g_strdup ("");
  return g_strstrip (text);
}

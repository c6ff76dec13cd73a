/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-client-state-file: small files that are there whole or not at all. */

#include "sb-client-state-file.h"

#include "sb-client-disk.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define SUFFIX ".transfer"
#define DAMAGED ".damaged"

/* How old a file is that nobody writes any more. */
#define LEFTOVER_SECONDS 600

char *
sb_client_state_file_path (const char *folder, const char *id)
{
  g_autofree char *hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, id, -1);

  hash[32] = '\0';
  return g_strconcat (folder, "/", hash, SUFFIX, NULL);
}

gboolean
sb_client_state_file_make_folder (const char *folder, GError **error)
{
  if (g_mkdir_with_parents (folder, 0700) == 0)
    return TRUE;
  return sb_client_disk_fail ("The folder cannot be made:", folder, error);
}

gboolean
sb_client_state_file_sync_folder (const char *folder, GError **error)
{
  int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  gboolean good = fd >= 0 && fsync (fd) == 0;

  /* Some file systems cannot do it, and need not. */
  if (!good && !(fd >= 0 && errno == EINVAL))
    sb_client_disk_fail ("The folder cannot be flushed:", folder, error);
  else
    good = TRUE;
  if (fd >= 0)
    close (fd);
  return good;
}

static gboolean
sync_folder_of (const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);

  return sb_client_state_file_sync_folder (folder, error);
}

gboolean
sb_client_state_file_write (const char *path, GKeyFile *state, GError **error)
{
  gsize length;
  g_autofree char *text = g_key_file_to_data (state, &length, NULL);
  g_autoptr (GError) fault = NULL;

  if (g_file_set_contents_full (path, text, (gssize) length,
                                G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
                                &fault))
    return sync_folder_of (path, error);
  g_set_error (error, SB_CLIENT_ERROR,
               g_error_matches (fault, G_FILE_ERROR, G_FILE_ERROR_NOSPC) ? SB_CLIENT_ERROR_NO_SPACE
                                                                         : SB_CLIENT_ERROR_FAILED,
               "What is known of a file under way cannot be kept: %s", fault->message);
  return FALSE;
}

gboolean
sb_client_state_file_remove (const char *path, GError **error)
{
  if (g_unlink (path) == 0)
    return sync_folder_of (path, error);
  if (errno == ENOENT)
    return TRUE;
  return sb_client_disk_fail ("This file cannot be removed:", path, error);
}

/* Loading */

/* What only cannot be read now is left where it is. */
static void
put_aside (const char *path, const GError *error, GPtrArray *faults)
{
  g_autofree char *aside = g_strconcat (path, DAMAGED, NULL);

  if (error->domain == G_FILE_ERROR)
    {
      g_ptr_array_add (
          faults, g_error_new_literal (SB_CLIENT_ERROR, SB_CLIENT_ERROR_FAILED, error->message));
      return;
    }

  g_ptr_array_add (faults, g_error_new (SB_CLIENT_ERROR, SB_CLIENT_ERROR_CORRUPT,
                                        "What was known of a file under way is damaged, and was "
                                        "put aside as %s: %s",
                                        aside, error->message));
  g_rename (path, aside);
}

static void
load_one (const char *path, SbClientStateFunc func, gpointer user_data, GPtrArray *faults)
{
  g_autoptr (GKeyFile) state = g_key_file_new ();
  g_autoptr (GError) error = NULL;

  if (!g_key_file_load_from_file (state, path, G_KEY_FILE_NONE, &error)
      || !func (state, path, user_data, &error))
    put_aside (path, error, faults);
}

/* What a process left that died while it wrote: "….transfer.A1B2C3". A young one may be of this
 * process, which is about to give it its name. */
static gboolean
is_leftover (const char *name, const char *path)
{
  const char *suffix = strstr (name, SUFFIX ".");
  GStatBuf info;

  return suffix != NULL && !g_str_has_suffix (name, DAMAGED)
         && strlen (suffix) == strlen (SUFFIX) + 7 && g_stat (path, &info) == 0
         && info.st_mtime < g_get_real_time () / G_USEC_PER_SEC - LEFTOVER_SECONDS;
}

void
sb_client_state_file_load (const char *folder, SbClientStateFunc func, gpointer user_data,
                           GPtrArray *faults)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = g_dir_open (folder, 0, &error);
  const char *name;

  if (dir == NULL)
    {
      g_ptr_array_add (
          faults, g_error_new_literal (SB_CLIENT_ERROR, SB_CLIENT_ERROR_FAILED, error->message));
      return;
    }
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      if (g_str_has_suffix (name, SUFFIX))
        load_one (path, func, user_data, faults);
      else if (is_leftover (name, path))
        g_unlink (path);
    }
}

/* Values */

char *
sb_client_state_get_path (GKeyFile *state, const char *key)
{
  g_autofree char *escaped = sb_client_state_get_text (state, key);

  return escaped != NULL ? g_uri_unescape_string (escaped, NULL) : NULL;
}

void
sb_client_state_set_path (GKeyFile *state, const char *key, const char *path)
{
  g_autofree char *escaped = g_uri_escape_string (path, "/ ", FALSE);

  g_key_file_set_string (state, SB_CLIENT_STATE_GROUP, key, escaped);
}

char *
sb_client_state_get_text (GKeyFile *state, const char *key)
{
  return g_key_file_get_string (state, SB_CLIENT_STATE_GROUP, key, NULL);
}

gint64
sb_client_state_get_number (GKeyFile *state, const char *key, gint64 fallback)
{
  g_autoptr (GError) error = NULL;
  gint64 number = g_key_file_get_int64 (state, SB_CLIENT_STATE_GROUP, key, &error);

  return error == NULL ? number : fallback;
}

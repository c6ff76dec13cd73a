/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-outgoing: the note of a file that is to be sent. */

#include "sb-cli-outgoing.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "send-file"
#define NOTE "command"
#define GROUP "file"
#define KEY_LENGTH 32

/* How deep below a note's folder the library keeps things. */
#define MAX_DEPTH 4

static gboolean
look_at_file (SbCliOutgoing *self, GError **error)
{
  struct stat info;

  if (stat (self->path, &info) != 0)
    {
      g_set_error (error, SB_CLI_ERROR,
                   errno == ENOENT || errno == ENOTDIR ? SB_CLI_NOT_FOUND : SB_CLI_FAILED,
                   _ ("%s cannot be sent: %s"), self->path, g_strerror (errno));
      return FALSE;
    }
  if (!S_ISREG (info.st_mode))
    {
      g_set_error (error, SB_CLI_ERROR, SB_CLI_USAGE, _ ("%s is no file, so it cannot be sent"),
                   self->path);
      return FALSE;
    }
  self->size = info.st_size;
  self->changed = info.st_mtim.tv_sec * G_GINT64_CONSTANT (1000000000) + info.st_mtim.tv_nsec;
  return TRUE;
}

/* Returns: (transfer full): what is the same when the same command is given again */
static char *
make_key (SbCliOutgoing *self, const char *message)
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree char *figures = g_strdup_printf ("%" G_GINT64_FORMAT " %" G_GINT64_FORMAT, self->size,
                                              self->changed);
  const char *const parts[] = { self->path, figures, self->name, message };

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    g_checksum_update (sum, (const guchar *) parts[i], (gssize) strlen (parts[i]) + 1);
  return g_strndup (g_checksum_get_string (sum), KEY_LENGTH);
}

static gboolean
is_noted (SbCliOutgoing *self)
{
  g_autofree char *path = g_build_filename (self->folder, NOTE, NULL);

  return g_file_test (path, G_FILE_TEST_IS_REGULAR);
}

/* Nobody guesses it, and it stays the same from now on. */
static gboolean
give_id (SbCliOutgoing *self, const char *message, GError **error)
{
  g_autofree char *uuid = g_uuid_string_random ();
  g_auto (GStrv) parts = g_strsplit (uuid, "-", -1);
  g_autofree char *id = g_strjoinv ("", parts);

  self->draft = sb_client_draft_new_from_json (message, error);
  return self->draft != NULL && sb_client_draft_set_id (self->draft, id, error);
}

static char *
make_name (const char *path, const char *wanted)
{
  g_autofree char *base = g_path_get_basename (path);

  return wanted != NULL ? g_strdup (wanted) : g_filename_display_name (base);
}

/**
 * sb_cli_outgoing_new:
 * @state_dir: state folder of the user
 * @path: of a file
 * @name: (nullable): for the recipients; %NULL: its own
 * @message: that goes with it, as JSON without an `_id`
 * @error: return location
 *
 * Looks at a file that is to be sent. When an earlier process has begun that, it goes on.
 *
 * Returns: (transfer full) (nullable): the file
 */
SbCliOutgoing *
sb_cli_outgoing_new (const char *state_dir, const char *path, const char *name, const char *message,
                     GError **error)
{
  g_autoptr (SbCliOutgoing) self = g_new0 (SbCliOutgoing, 1);
  g_autofree char *key = NULL;

  self->path = g_canonicalize_filename (path, NULL);
  self->name = make_name (self->path, name);
  if (!look_at_file (self, error))
    return NULL;
  key = make_key (self, message);
  self->folder = g_build_filename (state_dir, FOLDER, key, NULL);
  if (is_noted (self))
    return sb_cli_outgoing_load (self->folder, error);
  return give_id (self, message, error) ? g_steal_pointer (&self) : NULL;
}

/* --- The note --- */

/* Paths are bytes, which a key file does not take as they are. */
static char *
get_path (GKeyFile *note)
{
  g_autofree char *text = g_key_file_get_string (note, GROUP, "path", NULL);

  return text != NULL ? g_uri_unescape_string (text, NULL) : NULL;
}

static gboolean
read_note (SbCliOutgoing *self, GKeyFile *note)
{
  g_autofree char *message = g_key_file_get_string (note, GROUP, "message", NULL);

  self->path = get_path (note);
  self->name = g_key_file_get_string (note, GROUP, "name", NULL);
  if (message != NULL)
    self->draft = sb_client_draft_new_from_json (message, NULL);
  return self->path != NULL && self->name != NULL && self->draft != NULL
         && sb_client_draft_get_id (self->draft) != NULL;
}

static gboolean
check_unchanged (SbCliOutgoing *self, GKeyFile *note, GError **error)
{
  if (!look_at_file (self, error))
    return FALSE;
  if (self->size == g_key_file_get_int64 (note, GROUP, "size", NULL)
      && self->changed == g_key_file_get_int64 (note, GROUP, "changed", NULL))
    return TRUE;
  g_set_error (error, SB_CLI_ERROR, SB_CLI_FAILED,
               _ ("%s has changed since it was begun to be sent; send it again"), self->path);
  return FALSE;
}

/**
 * sb_cli_outgoing_load:
 * @folder: that an earlier process has left
 * @error: return location
 *
 * Reads the note of a file.
 *
 * Returns: (transfer full) (nullable): the file; %NULL when it cannot be sent any more
 */
SbCliOutgoing *
sb_cli_outgoing_load (const char *folder, GError **error)
{
  g_autoptr (SbCliOutgoing) self = g_new0 (SbCliOutgoing, 1);
  g_autoptr (GKeyFile) note = g_key_file_new ();
  g_autofree char *path = g_build_filename (folder, NOTE, NULL);
  g_autoptr (GError) fault = NULL;

  self->folder = g_strdup (folder);
  self->was_known = TRUE;
  if (!g_key_file_load_from_file (note, path, G_KEY_FILE_NONE, &fault) || !read_note (self, note))
    {
      g_set_error (error, SB_CLI_ERROR, SB_CLI_FAILED, _ ("The note %s cannot be read: %s"), path,
                   fault != NULL ? fault->message : _ ("it is damaged"));
      return NULL;
    }
  return check_unchanged (self, note, error) ? g_steal_pointer (&self) : NULL;
}

/**
 * sb_cli_outgoing_keep:
 * @self: a file
 * @error: return location
 *
 * Notes it, flushed: from now on it keeps its `_id`.
 *
 * Returns: whether that worked
 */
gboolean
sb_cli_outgoing_keep (SbCliOutgoing *self, GError **error)
{
  g_autoptr (GKeyFile) note = g_key_file_new ();
  g_autofree char *path = g_build_filename (self->folder, NOTE, NULL);
  g_autofree char *message = sb_client_draft_to_json (self->draft);
  g_autofree char *escaped = g_uri_escape_bytes ((const guint8 *) self->path, strlen (self->path),
                                                 G_URI_RESERVED_CHARS_ALLOWED_IN_PATH);
  g_autofree char *text = NULL;
  gsize length;

  if (self->was_known)
    return TRUE;
  if (g_mkdir_with_parents (self->folder, 0700) != 0)
    {
      g_set_error (error, SB_CLI_ERROR, SB_CLI_FAILED, _ ("The folder %s cannot be made: %s"),
                   self->folder, g_strerror (errno));
      return FALSE;
    }
  g_key_file_set_string (note, GROUP, "path", escaped);
  g_key_file_set_string (note, GROUP, "name", self->name);
  g_key_file_set_string (note, GROUP, "message", message);
  g_key_file_set_int64 (note, GROUP, "size", self->size);
  g_key_file_set_int64 (note, GROUP, "changed", self->changed);
  text = g_key_file_to_data (note, &length, NULL);
  return g_file_set_contents_full (path, text, (gssize) length,
                                   G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE,
                                   0600, error);
}

/* --- Folders --- */

/**
 * sb_cli_outgoing_list_folders:
 * @state_dir: state folder of the user
 *
 * Returns: (transfer full): folders that earlier processes have left
 */
GPtrArray *
sb_cli_outgoing_list_folders (const char *state_dir)
{
  GPtrArray *folders = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *path = g_build_filename (state_dir, FOLDER, NULL);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (strlen (name) == KEY_LENGTH && strspn (name, "0123456789abcdef") == KEY_LENGTH)
      g_ptr_array_add (folders, g_build_filename (path, name, NULL));
  return folders;
}

static void
remove_tree (const char *path, guint depth)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      if (!g_file_test (child, G_FILE_TEST_IS_SYMLINK) && g_file_test (child, G_FILE_TEST_IS_DIR))
        {
          if (depth > 0)
            remove_tree (child, depth - 1);
        }
      else
        g_unlink (child);
    }
  g_rmdir (path);
}

/**
 * sb_cli_outgoing_forget:
 * @folder: of a file for which nothing more is to be done
 *
 * Removes the note, unless another process has just taken the folder.
 */
void
sb_cli_outgoing_forget (const char *folder)
{
  g_autofree char *path = g_build_filename (folder, "lock", NULL);
  int fd = open (path, O_RDWR | O_CLOEXEC);

  if (fd < 0 || flock (fd, LOCK_EX | LOCK_NB) == 0)
    remove_tree (folder, MAX_DEPTH);
  if (fd >= 0)
    close (fd);
}

/**
 * sb_cli_outgoing_free:
 * @self: (transfer full): a file
 *
 * Frees it.
 */
void
sb_cli_outgoing_free (SbCliOutgoing *self)
{
  g_free (self->path);
  g_free (self->name);
  g_clear_object (&self->draft);
  g_free (self->folder);
  g_free (self);
}

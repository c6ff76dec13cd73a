/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-client-upload: one file that is being sent, and what is kept of it on disk. */

#include "sb-client-upload.h"

#include "sb-client-disk.h"
#include "sb-client-state-file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define VERSION 1

/* --- A new one --- */

static gboolean
look_at_file (SbClientUpload *self, GError **error)
{
  struct stat info;

  if (stat (self->path, &info) != 0)
    {
      g_set_error (error, SB_CLIENT_ERROR,
                   errno == ENOENT || errno == ENOTDIR ? SB_CLIENT_ERROR_NOT_FOUND
                                                       : SB_CLIENT_ERROR_INVALID,
                   "%s cannot be sent: %s", self->path, g_strerror (errno));
      return FALSE;
    }
  if (!S_ISREG (info.st_mode))
    {
      g_set_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_INVALID,
                   "%s is no file, so it cannot be sent", self->path);
      return FALSE;
    }
  if (access (self->path, R_OK) != 0)
    {
      g_set_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_INVALID, "%s cannot be read: %s",
                   self->path, g_strerror (errno));
      return FALSE;
    }
  self->mark = sb_client_file_mark (&info);
  return TRUE;
}

/* Only what the bus would refuse when all bytes are there; the rest it says at the beginning. */
static gboolean
check_draft (SbClientDraft *draft, GError **error)
{
  if (!sb_client_draft_get_direct (draft))
    return TRUE;
  g_set_error_literal (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_INVALID,
                       "A message with a file cannot be a direct one");
  return FALSE;
}

static char *
make_display_name (const char *path, const char *wanted)
{
  g_autofree char *base = NULL;

  if (wanted != NULL && *wanted != '\0')
    return g_utf8_make_valid (wanted, -1);
  base = g_path_get_basename (path);
  return g_filename_display_name (base);
}

SbClientUpload *
sb_client_upload_new (const SbClientSettings *settings, SbClientDraft *draft, const char *path,
                      const char *display_name, char *state_path, guint64 order, GError **error)
{
  SbClientUpload *self = g_new0 (SbClientUpload, 1);

  self->settings = settings;
  self->state_path = state_path;
  self->item.order = order;
  self->path = g_canonicalize_filename (path, NULL);
  self->display_name = make_display_name (self->path, display_name);
  self->id = g_strdup (sb_client_draft_get_id (draft));
  self->json = sb_client_draft_to_json (draft);
  if (check_draft (draft, error) && look_at_file (self, error))
    return self;
  sb_client_upload_free (self);
  return NULL;
}

void
sb_client_upload_free (SbClientUpload *self)
{
  g_free (self->state_path);
  g_free (self->id);
  g_free (self->json);
  g_free (self->path);
  g_free (self->display_name);
  g_free (self->resource);
  g_free (self);
}

/* --- The state file --- */

gboolean
sb_client_upload_keep (SbClientUpload *self, GError **error)
{
  g_autoptr (GKeyFile) state = g_key_file_new ();
  const char *group = SB_CLIENT_STATE_GROUP;

  g_key_file_set_integer (state, group, "version", VERSION);
  g_key_file_set_uint64 (state, group, "order", self->item.order);
  g_key_file_set_string (state, group, "id", self->id);
  g_key_file_set_string (state, group, "message", self->json);
  g_key_file_set_string (state, group, "name", self->display_name);
  sb_client_state_set_path (state, "path", self->path);
  g_key_file_set_int64 (state, group, "size", self->mark.size);
  g_key_file_set_int64 (state, group, "changed", self->mark.changed);
  g_key_file_set_uint64 (state, group, "inode", self->mark.inode);
  if (self->resource != NULL)
    g_key_file_set_string (state, group, "resource", self->resource);
  return sb_client_state_file_write (self->state_path, state, error);
}

static gboolean
is_complete (SbClientUpload *self)
{
  return self->id != NULL && self->json != NULL && self->display_name != NULL && self->path != NULL
         && g_path_is_absolute (self->path) && self->mark.size >= 0
         && (self->resource == NULL || g_str_has_prefix (self->resource, "/files/"));
}

SbClientUpload *
sb_client_upload_load (const SbClientSettings *settings, GKeyFile *state, const char *state_path,
                       GError **error)
{
  SbClientUpload *self;

  if (sb_client_state_get_number (state, "version", 0) != VERSION)
    {
      g_set_error_literal (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_CORRUPT,
                           "it is of another version");
      return NULL;
    }
  self = g_new0 (SbClientUpload, 1);
  self->settings = settings;
  self->state_path = g_strdup (state_path);
  self->item.order = (guint64) sb_client_state_get_number (state, "order", 0);
  self->id = sb_client_state_get_text (state, "id");
  self->json = sb_client_state_get_text (state, "message");
  self->display_name = sb_client_state_get_text (state, "name");
  self->path = sb_client_state_get_path (state, "path");
  self->mark.size = sb_client_state_get_number (state, "size", -1);
  self->mark.changed = sb_client_state_get_number (state, "changed", 0);
  self->mark.inode = g_key_file_get_uint64 (state, SB_CLIENT_STATE_GROUP, "inode", NULL);
  self->resource = sb_client_state_get_text (state, "resource");
  if (is_complete (self))
    return self;
  sb_client_upload_free (self);
  g_set_error_literal (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_CORRUPT, "something is missing");
  return NULL;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-client-download: one file that is being received, and what is kept of it on disk. */

#include "sb-client-download.h"

#include "sb-client-disk.h"
#include "sb-client-state-file.h"

#include <string.h>

#define VERSION 1

/* Below the folder where files go; hidden, and of the same file system. */
#define PART_FOLDER ".simplebus-parts"

static const char *const phases[] = { "recording", "fetching", "placing", "placed", "confirming" };

/* Several clients may share the folder. */
static char *
make_part_path (SbClientDownload *self)
{
  g_autofree char *hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, self->state_path, -1);

  hash[32] = '\0';
  return g_strconcat (self->folder, "/" PART_FOLDER "/", hash, ".part", NULL);
}

static SbClientDownload *
new_download (const SbClientSettings *settings, SbClientMessage *notice, char *state_path,
              guint64 order, const char *folder, const char *part)
{
  SbClientDownload *self = g_new0 (SbClientDownload, 1);

  self->settings = settings;
  self->notice = sb_client_message_ref (notice);
  self->state_path = state_path;
  self->item.order = order;
  self->folder = g_strdup (folder);
  self->boot = sb_client_disk_get_boot ();
  sb_client_part_init (&self->part, part != NULL ? g_strdup (part) : make_part_path (self));
  return self;
}

SbClientDownload *
sb_client_download_new (const SbClientSettings *settings, SbClientMessage *notice, char *state_path,
                        guint64 order)
{
  return new_download (settings, notice, state_path, order, settings->download_dir, NULL);
}

void
sb_client_download_free (SbClientDownload *self)
{
  sb_client_part_clear (&self->part);
  sb_client_message_unref (self->notice);
  g_clear_pointer (&self->record, g_key_file_unref);
  g_clear_error (&self->record_error);
  g_free (self->state_path);
  g_free (self->folder);
  g_free (self->path);
  g_free (self->boot);
  g_free (self);
}

GKeyFile *
sb_client_download_print (SbClientDownload *self)
{
  GKeyFile *state = g_key_file_new ();
  const char *group = SB_CLIENT_STATE_GROUP;

  g_key_file_set_integer (state, group, "version", VERSION);
  g_key_file_set_string (state, group, "phase", phases[self->phase]);
  g_key_file_set_uint64 (state, group, "order", self->item.order);
  g_key_file_set_string (state, group, "notice", sb_client_message_get_json (self->notice));
  sb_client_state_set_path (state, "folder", self->folder);
  sb_client_state_set_path (state, "part", self->part.path);
  if (self->path != NULL)
    sb_client_state_set_path (state, "path", self->path);
  g_key_file_set_int64 (state, group, "flushed", self->flushed);
  g_key_file_set_string (state, group, "boot", self->boot);
  g_key_file_set_uint64 (state, group, "corrupt", self->n_corrupt);
  return state;
}

/* --- From the state file --- */

static gboolean
refuse (GError **error, const char *why)
{
  g_set_error_literal (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_CORRUPT, why);
  return FALSE;
}

static gboolean
read_phase (SbClientDownload *self, GKeyFile *state, GError **error)
{
  g_autofree char *text = sb_client_state_get_text (state, "phase");

  for (guint i = SB_CLIENT_PHASE_FETCHING; i < G_N_ELEMENTS (phases); i++)
    if (g_strcmp0 (text, phases[i]) == 0)
      {
        self->phase = (SbClientPhase) i;
        self->path = sb_client_state_get_path (state, "path");
        return self->phase == SB_CLIENT_PHASE_FETCHING || self->path != NULL
               || refuse (error, "there is no path");
      }
  return refuse (error, "the phase is not known");
}

static SbClientMessage *
read_notice (GKeyFile *state, GError **error)
{
  g_autofree char *json = sb_client_state_get_text (state, "notice");
  g_autoptr (SbClientMessage) notice = NULL;
  g_autoptr (GBytes) bytes = NULL;

  if (json == NULL)
    {
      refuse (error, "there is no notice");
      return NULL;
    }
  bytes = g_bytes_new (json, strlen (json));
  notice = sb_client_message_new (bytes, error);
  if (notice == NULL || sb_client_message_is_file (notice))
    return g_steal_pointer (&notice);
  refuse (error, "the notice is not one of a file");
  return NULL;
}

SbClientDownload *
sb_client_download_load (const SbClientSettings *settings, GKeyFile *state, const char *state_path,
                         GError **error)
{
  g_autoptr (SbClientMessage) notice = NULL;
  g_autofree char *folder = sb_client_state_get_path (state, "folder");
  g_autofree char *part = sb_client_state_get_path (state, "part");
  SbClientDownload *self;

  if (sb_client_state_get_number (state, "version", 0) != VERSION)
    {
      refuse (error, "it is of another version");
      return NULL;
    }
  notice = read_notice (state, error);
  if (notice == NULL)
    return NULL;
  if (folder == NULL || !g_path_is_absolute (folder) || part == NULL || !g_path_is_absolute (part))
    {
      refuse (error, "there is no folder, or no part of the file");
      return NULL;
    }
  self = new_download (settings, notice, g_strdup (state_path),
                       (guint64) sb_client_state_get_number (state, "order", 0), folder, part);
  self->flushed = MAX (sb_client_state_get_number (state, "flushed", 0), 0);
  self->n_corrupt = (guint) sb_client_state_get_number (state, "corrupt", 0);
  g_free (self->boot);
  self->boot = sb_client_state_get_text (state, "boot");
  if (self->boot == NULL)
    self->boot = g_strdup ("");
  if (read_phase (self, state, error))
    return self;
  sb_client_download_free (self);
  return NULL;
}

char *
sb_client_download_get_resource (SbClientDownload *self)
{
  g_autofree char *name = g_uri_escape_string (sb_client_message_get_file_name (self->notice), NULL,
                                               FALSE);

  return g_strconcat ("/download/", name, NULL);
}

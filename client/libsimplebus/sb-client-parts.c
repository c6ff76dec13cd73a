/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-parts: which parts a client has. The state folder is theirs alone: its lock is taken
 * when the first of them needs it, and given back when all have ended.
 *
 *   <state-dir>/lock        held by the one client that may be here
 *   <state-dir>/outbox.db   messages that the bus has not accepted
 *   <state-dir>/uploads/    a file for each file that is being sent
 *   <state-dir>/downloads/  a file for each file that is being received
 */

#include "sb-client-parts.h"

#include "sb-client-downloads.h"
#include "sb-client-outbox.h"
#include "sb-client-session.h"
#include "sb-client-uploads.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/file.h>
#include <unistd.h>

struct _SbClientParts
{
  SbClient *client;
  SbClientSession *session;     /* (owned) */
  SbClientOutbox *outbox;       /* (owned) (nullable) */
  SbClientUploads *uploads;     /* (owned) (nullable) */
  SbClientDownloads *downloads; /* (owned) (nullable) */
  int lock;                     /* (owned); -1: not held */
  GPtrArray *closing;           /* (owned) (nullable) of GTask: who waits for the end */
};

SbClientParts *
sb_client_parts_new (SbClient *client)
{
  SbClientParts *self = g_new0 (SbClientParts, 1);

  self->client = client;
  self->lock = -1;
  self->session = sb_client_session_new (client);
  return self;
}

static void
give_lock_back (SbClientParts *self)
{
  if (self->lock >= 0)
    close (self->lock);
  self->lock = -1;
}

void
sb_client_parts_free (SbClientParts *self)
{
  g_clear_pointer (&self->session, sb_client_session_free);
  g_clear_pointer (&self->outbox, sb_client_outbox_free);
  g_clear_pointer (&self->uploads, sb_client_uploads_free);
  g_clear_pointer (&self->downloads, sb_client_downloads_free);
  give_lock_back (self);
  g_free (self);
}

/* --- The state folder --- */

static gboolean
fail_with_errno (const char *what, const char *path, GError **error)
{
  int fault = errno;

  g_set_error (error, SB_CLIENT_ERROR,
               fault == ENOSPC || fault == EDQUOT ? SB_CLIENT_ERROR_NO_SPACE
                                                  : SB_CLIENT_ERROR_FAILED,
               "%s %s: %s", what, path, g_strerror (fault));
  return FALSE;
}

static gboolean
take_lock (SbClientParts *self, const char *folder, GError **error)
{
  g_autofree char *path = g_build_filename (folder, "lock", NULL);

  self->lock = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (self->lock < 0)
    return fail_with_errno ("The lock cannot be made:", path, error);
  if (flock (self->lock, LOCK_EX | LOCK_NB) == 0)
    return TRUE;
  if (errno != EWOULDBLOCK)
    fail_with_errno ("The lock cannot be taken:", path, error);
  else
    g_set_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_BUSY,
                 "Another program has the folder %s; end it, or take another folder", folder);
  give_lock_back (self);
  return FALSE;
}

/* Returns: (transfer full) (nullable): a path in the folder, which is ours from now on */
static char *
get_state_path (SbClientParts *self, const char *name, GError **error)
{
  const char *folder = sb_client_get_settings (self->client)->state_dir;

  if (folder == NULL)
    {
      g_set_error_literal (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_INVALID,
                           "The client has no state-dir, in which files under way are noted");
      return NULL;
    }
  if (g_mkdir_with_parents (folder, 0700) != 0)
    {
      fail_with_errno ("The folder cannot be made:", folder, error);
      return NULL;
    }
  if (self->lock < 0 && !take_lock (self, folder, error))
    return NULL;
  return g_build_filename (folder, name, NULL);
}

/* --- Parts, when they are needed --- */

SbClientSession *
sb_client_get_session (SbClient *client)
{
  return sb_client_get_parts (client)->session;
}

SbClientOutbox *
sb_client_get_outbox (SbClient *client, GError **error)
{
  SbClientParts *self = sb_client_get_parts (client);
  g_autofree char *path = NULL;

  if (self->outbox != NULL)
    return self->outbox;
  if (sb_client_get_settings (client)->state_dir != NULL)
    {
      path = get_state_path (self, "outbox.db", error);
      if (path == NULL)
        return NULL;
    }
  self->outbox = sb_client_outbox_new (client, path, error);
  return self->outbox;
}

SbClientUploads *
sb_client_get_uploads (SbClient *client, GError **error)
{
  SbClientParts *self = sb_client_get_parts (client);
  g_autofree char *folder = NULL;

  if (self->uploads != NULL)
    return self->uploads;
  folder = get_state_path (self, "uploads", error);
  if (folder == NULL)
    return NULL;
  self->uploads = sb_client_uploads_new (client, folder, error);
  if (self->uploads != NULL)
    sb_client_uploads_resume (self->uploads);
  return self->uploads;
}

SbClientDownloads *
sb_client_get_downloads (SbClient *client, GError **error)
{
  SbClientParts *self = sb_client_get_parts (client);
  g_autofree char *folder = NULL;

  if (self->downloads != NULL)
    return self->downloads;
  folder = get_state_path (self, "downloads", error);
  if (folder == NULL)
    return NULL;
  self->downloads = sb_client_downloads_new (client, folder, error);
  if (self->downloads != NULL)
    sb_client_downloads_resume (self->downloads);
  return self->downloads;
}

gboolean
sb_client_parts_prepare (SbClientParts *self, GError **error)
{
  const SbClientSettings *settings = sb_client_get_settings (self->client);

  if (sb_client_get_outbox (self->client, error) == NULL)
    return FALSE;
  if (settings->state_dir != NULL && sb_client_get_uploads (self->client, error) == NULL)
    return FALSE;
  return settings->download_dir == NULL || sb_client_get_downloads (self->client, error) != NULL;
}

SbClientOutbox *
sb_client_parts_peek_outbox (SbClientParts *self)
{
  return self->outbox;
}

SbClientUploads *
sb_client_parts_peek_uploads (SbClientParts *self)
{
  return self->uploads;
}

SbClientDownloads *
sb_client_parts_peek_downloads (SbClientParts *self)
{
  return self->downloads;
}

/* --- The end: what brings work first, what keeps it last --- */

static void close_next (GTask *owned_task);

/* The first error is told; the parts behind it are closed all the same. */
static void
part_closed (GTask *owned_task, gboolean good, GError *owned_error)
{
  if (!good && g_task_get_task_data (owned_task) == NULL)
    g_task_set_task_data (owned_task, owned_error, (GDestroyNotify) g_error_free);
  else
    g_clear_error (&owned_error);
  close_next (owned_task);
}

static SbClientParts *
get_parts_of (GTask *task)
{
  return sb_client_get_parts (SB_CLIENT (g_task_get_source_object (task)));
}

static void
session_closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  SbClientParts *self = get_parts_of (user_data);
  GError *error = NULL;
  gboolean good = sb_client_session_close_finish (self->session, result, &error);

  part_closed (user_data, good, error);
}

static void
uploads_closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  SbClientParts *self = get_parts_of (user_data);
  GError *error = NULL;
  gboolean good = sb_client_uploads_close_finish (self->uploads, result, &error);

  g_clear_pointer (&self->uploads, sb_client_uploads_free);
  part_closed (user_data, good, error);
}

static void
downloads_closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  SbClientParts *self = get_parts_of (user_data);
  GError *error = NULL;
  gboolean good = sb_client_downloads_close_finish (self->downloads, result, &error);

  g_clear_pointer (&self->downloads, sb_client_downloads_free);
  part_closed (user_data, good, error);
}

static void
outbox_closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  SbClientParts *self = get_parts_of (user_data);
  GError *error = NULL;
  gboolean good = sb_client_outbox_close_finish (self->outbox, result, &error);

  g_clear_pointer (&self->outbox, sb_client_outbox_free);
  part_closed (user_data, good, error);
}

/* All who asked for it hear of it, with the error if there was one. */
static void
close_end (GTask *owned_task)
{
  g_autoptr (GTask) task = owned_task;
  SbClientParts *self = get_parts_of (task);
  g_autoptr (GPtrArray) tasks = g_steal_pointer (&self->closing);
  const GError *error = g_task_get_task_data (task);

  give_lock_back (self);
  for (guint i = 0; i < tasks->len; i++)
    {
      GTask *waiting = g_ptr_array_index (tasks, i);

      if (error == NULL)
        g_task_return_boolean (waiting, TRUE);
      else
        g_task_return_error (waiting, g_error_copy (error));
    }
}

static void
close_next (GTask *owned_task)
{
  SbClientParts *self = get_parts_of (owned_task);

  if (self->uploads != NULL)
    sb_client_uploads_close_async (self->uploads, uploads_closed_cb, owned_task);
  else if (self->downloads != NULL)
    sb_client_downloads_close_async (self->downloads, downloads_closed_cb, owned_task);
  else if (self->outbox != NULL)
    sb_client_outbox_close_async (self->outbox, outbox_closed_cb, owned_task);
  else
    close_end (owned_task);
}

/* The parts are closed once, however many ask for it meanwhile. */
void
sb_client_parts_close_async (SbClientParts *self, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self->client, NULL, callback, user_data);

  if (self->closing != NULL)
    {
      g_ptr_array_add (self->closing, task);
      return;
    }
  self->closing = g_ptr_array_new_with_free_func (g_object_unref);
  g_ptr_array_add (self->closing, task);
  sb_client_session_close_async (self->session, session_closed_cb, g_object_ref (task));
}

gboolean
sb_client_parts_close_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

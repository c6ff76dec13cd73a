/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-vault-uploads: the files that tell of an upload.
 *
 *   begun      <id>.part is made, <id>.info written and flushed
 *   complete   <id>.part is linked to its place in the vault, too
 *   done       <id>.info says so, then <id>.part goes
 *   removed    <id>.info goes, then what is left
 *
 * The link leaves the part where it is: whatever becomes of the announcement,
 * and of the file once it is announced, the upload is not lost before it is
 * said to be done.
 */

#include "sb-vault-uploads.h"

#include "sb-error.h"
#include "sb-fault.h"
#include "sb-vault-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ID_LENGTH 32

typedef struct UploadJob UploadJob;
struct UploadJob
{
  SbVaultJob job;
  gboolean (*work) (SbVault *self, const UploadJob *job, GError **error);
  GTask *task;  /* (owned) its source is the vault */
  char *id;     /* (owned) */
  GBytes *info; /* (owned) (nullable) */
};

/* Helpers of the thread */

static char *
get_path (SbVault *self, const char *id, const char *suffix)
{
  return g_strconcat (self->uploads, "/", id, suffix, NULL);
}

static gboolean
write_info (SbVault *self, const UploadJob *job, GError **error)
{
  g_autofree char *path = get_path (self, job->id, ".info");
  g_autoptr (GError) cause = NULL;
  gsize length;
  const char *data = g_bytes_get_data (job->info, &length);

  if (!g_file_set_contents_full (path, data, (gssize) length,
                                 G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
                                 &cause))
    {
      g_set_error (error, SB_ERROR,
                   g_error_matches (cause, G_FILE_ERROR, G_FILE_ERROR_NOSPC) ? SB_ERROR_NO_SPACE
                                                                             : SB_ERROR_FAILED,
                   "%s", cause->message);
      return FALSE;
    }
  return sb_vault_sync_folder (self->uploads, error);
}

static gboolean
make_part (SbVault *self, const char *id, GError **error)
{
  g_autofree char *path = get_path (self, id, ".part");
  int fd = g_open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

  if (fd < 0)
    {
      sb_vault_set_errno (error, errno, path, "made");
      return FALSE;
    }
  close (fd);
  return TRUE;
}

static void
remove_file (SbVault *self, const char *id, const char *suffix)
{
  g_autofree char *path = get_path (self, id, suffix);

  if (g_unlink (path) != 0 && errno != ENOENT)
    g_warning ("%s cannot be removed: %s", path, g_strerror (errno));
}

/* Steps */

static gboolean
begin_upload (SbVault *self, const UploadJob *job, GError **error)
{
  if (!sb_vault_check_space (self, error) || !make_part (self, job->id, error))
    return FALSE;
  if (write_info (self, job, error))
    return TRUE;
  remove_file (self, job->id, ".info");
  remove_file (self, job->id, ".part");
  return FALSE;
}

static gboolean
link_upload (SbVault *self, const UploadJob *job, GError **error)
{
  g_autofree char *from = get_path (self, job->id, ".part");
  g_autofree char *to = sb_vault_get_path (self, job->id);
  g_autofree char *folder = g_path_get_dirname (to);

  sb_fault_point ("upload-complete");
  /* It may be there from an announcement that failed. */
  if (link (from, to) != 0 && errno != EEXIST)
    {
      sb_vault_set_errno (error, errno, from, "linked");
      return FALSE;
    }
  if (!sb_vault_sync_folder (folder, error))
    return FALSE;
  sb_fault_point ("upload-linked");
  return TRUE;
}

static gboolean
end_upload (SbVault *self, const UploadJob *job, GError **error)
{
  sb_fault_point ("upload-committed");
  if (!write_info (self, job, error))
    return FALSE;
  sb_fault_point ("upload-done");
  remove_file (self, job->id, ".part");
  remove_file (self, job->id, ".mark");
  sb_fault_point ("upload-removed");
  return TRUE;
}

static gboolean
remove_upload (SbVault *self, const UploadJob *job, GError **error)
{
  remove_file (self, job->id, ".info");
  sb_fault_point ("upload-forgotten");
  remove_file (self, job->id, ".part");
  remove_file (self, job->id, ".mark");
  return TRUE;
}

static gboolean
unlink_upload (SbVault *self, const UploadJob *job, GError **error)
{
  g_autofree char *path = sb_vault_get_path (self, job->id);

  if (g_unlink (path) != 0 && errno != ENOENT)
    {
      sb_vault_set_errno (error, errno, path, "removed");
      return FALSE;
    }
  return TRUE;
}

/* It is removed with the others that are held. */
static gboolean
leave_upload (SbVault *self, const UploadJob *job, GError **error)
{
  return TRUE;
}

static void
run_upload_job (SbVaultJob *job)
{
  UploadJob *upload = (UploadJob *) job;
  GError *error = NULL;

  if (upload->work (g_task_get_source_object (upload->task), upload, &error))
    g_task_return_boolean (upload->task, TRUE);
  else
    g_task_return_error (upload->task, error);
  g_object_unref (upload->task);
  g_clear_pointer (&upload->info, g_bytes_unref);
  g_free (upload->id);
  g_free (upload);
}

static void
push_upload_job (SbVault *self, const char *id, GBytes *info,
                 gboolean (*work) (SbVault *self, const UploadJob *job, GError **error),
                 GAsyncReadyCallback callback, gpointer user_data)
{
  UploadJob *job;

  g_return_if_fail (SB_IS_VAULT (self) && sb_vault_is_id (id));

  job = g_new0 (UploadJob, 1);
  job->job.run = run_upload_job;
  job->work = work;
  job->task = g_task_new (self, NULL, callback, user_data);
  job->id = g_strdup (id);
  job->info = info != NULL ? g_bytes_ref (info) : NULL;
  sb_vault_push (self, &job->job);
}

/**
 * sb_vault_write_upload_async:
 * @self: an open vault
 * @id: of a new upload
 * @info: (transfer none): all that is to be known of it
 * @callback: for sb_vault_upload_finish()
 * @user_data: for @callback
 *
 * Begins an upload: after that it is there, and empty, whatever happens.
 */
void
sb_vault_write_upload_async (SbVault *self, const char *id, GBytes *info,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  push_upload_job (self, id, info, begin_upload, callback, user_data);
}

/**
 * sb_vault_link_upload_async:
 * @self: an open vault
 * @id: of an upload whose part is complete and flushed
 * @callback: for sb_vault_upload_finish()
 * @user_data: for @callback
 *
 * Gives it its place in the vault, so that it can be announced.
 */
void
sb_vault_link_upload_async (SbVault *self, const char *id, GAsyncReadyCallback callback,
                            gpointer user_data)
{
  push_upload_job (self, id, NULL, link_upload, callback, user_data);
}

/**
 * sb_vault_unlink_upload_async:
 * @self: an open vault
 * @id: of an upload that no message names
 * @callback: for sb_vault_upload_finish()
 * @user_data: for @callback
 *
 * Takes back its place in the vault; later, while that is held.
 */
void
sb_vault_unlink_upload_async (SbVault *self, const char *id, GAsyncReadyCallback callback,
                              gpointer user_data)
{
  gboolean is_held = sb_vault_hold_back (self, id);

  push_upload_job (self, id, NULL, is_held ? leave_upload : unlink_upload, callback, user_data);
}

/**
 * sb_vault_end_upload_async:
 * @self: an open vault
 * @id: of an upload whose file is announced
 * @info: (transfer none): what is to be known of it from now on
 * @callback: for sb_vault_upload_finish()
 * @user_data: for @callback
 */
void
sb_vault_end_upload_async (SbVault *self, const char *id, GBytes *info,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  push_upload_job (self, id, info, end_upload, callback, user_data);
}

/**
 * sb_vault_remove_upload_async:
 * @self: a vault that was opened
 * @id: of an upload that nobody writes to
 * @callback: (nullable): for sb_vault_upload_finish()
 * @user_data: for @callback
 *
 * Forgets it, and what there is of it. A file that it was announced as stays.
 */
void
sb_vault_remove_upload_async (SbVault *self, const char *id, GAsyncReadyCallback callback,
                              gpointer user_data)
{
  push_upload_job (self, id, NULL, remove_upload, callback, user_data);
}

/**
 * sb_vault_upload_finish:
 * @self: a vault
 * @result: of one of the functions above
 * @error: SB_ERROR_NO_SPACE, SB_ERROR_FAILED
 *
 * Returns: whether it is done
 */
gboolean
sb_vault_upload_finish (SbVault *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* At start */

static void
stored_upload_free (SbStoredUpload *self)
{
  g_free (self->id);
  g_bytes_unref (self->info);
  g_free (self);
}

static gint64
get_time (const struct stat *st)
{
  return (gint64) st->st_mtim.tv_sec * G_USEC_PER_SEC + st->st_mtim.tv_nsec / 1000;
}

static SbStoredUpload *
read_upload (SbVault *self, const char *id, GError **error)
{
  g_autofree char *info_path = get_path (self, id, ".info");
  g_autofree char *part_path = get_path (self, id, ".part");
  SbStoredUpload *upload;
  struct stat st;
  char *text;
  gsize length;

  if (!g_file_get_contents (info_path, &text, &length, error))
    return NULL;
  upload = g_new0 (SbStoredUpload, 1);
  upload->id = g_strdup (id);
  upload->info = g_bytes_new_take (text, length);
  if (stat (info_path, &st) == 0)
    upload->touched = get_time (&st);
  if (stat (part_path, &st) == 0)
    {
      upload->size = (guint64) st.st_size;
      upload->touched = MAX (upload->touched, get_time (&st));
    }
  return upload;
}

/* What no info tells of was never begun, or was removed: it goes. */
static void
sweep_left_over (SbVault *self, const char *name)
{
  g_autofree char *id = g_strndup (name, ID_LENGTH);
  g_autofree char *info = get_path (self, id, ".info");
  g_autofree char *path = g_build_filename (self->uploads, name, NULL);
  gboolean is_temporary = strlen (name) > ID_LENGTH && strchr (name + ID_LENGTH + 1, '.') != NULL;

  if (sb_vault_is_id (id) && (is_temporary || g_access (info, F_OK) != 0))
    g_unlink (path);
}

/**
 * sb_vault_list_uploads:
 * @self: an open vault that has not received anything yet
 * @error: what cannot be read
 *
 * Finds the uploads of an earlier run, and removes what is left of others. Blocks.
 *
 * Returns: (transfer full) (nullable) (element-type SbStoredUpload): the uploads
 */
GPtrArray *
sb_vault_list_uploads (SbVault *self, GError **error)
{
  g_autoptr (GPtrArray) uploads = g_ptr_array_new_with_free_func (
      (GDestroyNotify) stored_upload_free);
  g_autoptr (GDir) dir = g_dir_open (self->uploads, 0, error);
  const char *name;

  if (dir == NULL)
    return NULL;
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *id = g_strndup (name, ID_LENGTH);
      SbStoredUpload *upload;

      if (!sb_vault_is_id (id) || strcmp (name + ID_LENGTH, ".info") != 0)
        {
          sweep_left_over (self, name);
          continue;
        }
      upload = read_upload (self, id, error);
      if (upload == NULL)
        return NULL;
      g_ptr_array_add (uploads, upload);
    }
  return g_steal_pointer (&uploads);
}

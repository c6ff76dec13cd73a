/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-client-uploads: which files are being sent, in the main context. */

#include "sb-client-uploads.h"

#include "sb-client-fault.h"
#include "sb-client-state-file.h"
#include "sb-client-upload.h"

#include <unistd.h>

#define RUNS_AT_ONCE 2

typedef SbClientUpload Upload;

struct _SbClientUploads
{
  SbClient *client;     /* (unowned) */
  char *folder;         /* (owned) */
  SbClientQueue *queue; /* (owned) */
  SbClientJobs *keeper; /* (owned): of what must not wait for a turn */
  guint64 next_order;
  gboolean is_loading;
  GTask *closing; /* (owned) (nullable) */
};

static void
run (SbClientItem *item)
{
  sb_client_upload_run ((Upload *) item);
}

static void
free_upload (SbClientItem *item)
{
  sb_client_upload_free ((Upload *) item);
}

static void ended (SbClientItem *item);

static void
again (SbClientItem *item)
{
  sb_client_queue_start (item);
}

static const SbClientQueueFuncs funcs = { run, ended, again, free_upload };

/* --- The end of the whole --- */

static gboolean
closed_cb (gpointer task)
{
  g_task_return_boolean (task, TRUE);
  return G_SOURCE_REMOVE;
}

/* In a turn of its own: those who call this are not through yet. */
static void
check_closed (SbClientUploads *self)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GSource) idle = NULL;

  if (self->closing == NULL || sb_client_queue_get_running (self->queue) > 0
      || sb_client_jobs_get_pending (self->keeper) > 0)
    return;
  task = g_steal_pointer (&self->closing);
  idle = g_idle_source_new ();
  g_task_attach_source (task, idle, closed_cb);
}

/* Returns: whether nothing is to be done any more */
static gboolean
is_over (SbClientUploads *self)
{
  check_closed (self);
  return sb_client_queue_is_stopped (self->queue);
}

/* --- One --- */

/* @error: (nullable): why it failed */
static void
end (Upload *upload, SbClientTransferState state, const GError *error)
{
  SbClientUploads *self = upload->uploads;
  g_autoptr (SbClient) alive = g_object_ref (self->client);

  sb_client_item_ref (&upload->item, &funcs);
  sb_client_queue_leave (&upload->item);
  sb_client_transfer_end (upload->item.transfer, state, error);
  if (state == SB_CLIENT_TRANSFER_FAILED)
    sb_client_emit_error (alive, upload->id, error);
  sb_client_item_unref (&upload->item, &funcs);
}

static void
remove_upload (gpointer data)
{
  sb_client_upload_remove (data);
}

static void
removed (gpointer data)
{
  Upload *upload = data;

  if (!is_over (upload->uploads))
    end (upload, SB_CLIENT_TRANSFER_CANCELLED, NULL);
  sb_client_item_unref (&upload->item, &funcs);
}

/* Without waiting for a turn. */
static void
give_up (Upload *upload)
{
  SbClientUploads *self = upload->uploads;

  if (upload->is_leaving)
    return;
  upload->is_leaving = TRUE;
  sb_client_queue_rest (&upload->item);
  sb_client_item_ref (&upload->item, &funcs);
  sb_client_jobs_push (self->keeper, remove_upload, removed, upload);
}

static void
cancel_cb (gpointer user_data)
{
  Upload *upload = user_data;

  g_atomic_int_set (&upload->is_cancelled, TRUE);
  g_cancellable_cancel (upload->item.cancellable);
  if (upload->item.place != SB_CLIENT_PLACE_RUNNING)
    give_up (upload);
}

static void
ended (SbClientItem *item)
{
  Upload *upload = (Upload *) item;
  SbClientUploads *self = upload->uploads;
  gboolean is_last = is_over (self);

  if (upload->verdict == SB_CLIENT_UPLOAD_DONE)
    end (upload, SB_CLIENT_TRANSFER_DONE, NULL);
  else if (upload->verdict == SB_CLIENT_UPLOAD_FAILED)
    end (upload, SB_CLIENT_TRANSFER_FAILED, item->error);
  else if (upload->verdict == SB_CLIENT_UPLOAD_CANCELLED)
    end (upload, SB_CLIENT_TRANSFER_CANCELLED, NULL);
  else if (is_last)
    return;
  else if (g_atomic_int_get (&upload->is_cancelled))
    /* It had come back already when it was cancelled. */
    give_up (upload);
  else
    sb_client_queue_retry (item, item->error);
}

static SbClientTransfer *
begin (SbClientUploads *self, Upload *upload)
{
  g_autoptr (SbClient) alive = g_object_ref (self->client);
  SbClientTransfer *transfer = sb_client_transfer_new (sb_client_queue_get_context (self->queue),
                                                       TRUE, upload->id, upload->display_name,
                                                       upload->mark.size);

  upload->uploads = self;
  g_object_ref (transfer);
  sb_client_transfer_set_path (transfer, upload->path);
  sb_client_transfer_set_cancel_func (transfer, cancel_cb, upload);
  sb_client_queue_enter (self->queue, &upload->item, transfer, upload->item.order);
  sb_client_item_ref (&upload->item, &funcs);
  sb_client_emit_transfer (alive, transfer);
  if (upload->item.queue != NULL && !upload->is_leaving && !is_over (self))
    sb_client_queue_start (&upload->item);
  sb_client_item_unref (&upload->item, &funcs);
  return transfer;
}

/* --- What earlier processes left --- */

typedef struct
{
  SbClientUploads *uploads;
  const SbClientSettings *settings;
  const char *folder;
  GPtrArray *found;  /* (owned) of Upload (owned) */
  GPtrArray *faults; /* (owned) of GError (owned) */
} Load;

static gboolean
load_state (GKeyFile *state, const char *path, gpointer user_data, GError **error)
{
  Load *load = user_data;
  Upload *upload = sb_client_upload_load (load->settings, state, path, error);

  if (upload != NULL)
    g_ptr_array_add (load->found, upload);
  return upload != NULL;
}

static void
load_all (gpointer data)
{
  Load *load = data;

  sb_client_state_file_load (load->folder, load_state, load, load->faults);
}

static int
compare_orders (gconstpointer a, gconstpointer b)
{
  const Upload *first = *(Upload *const *) a;
  const Upload *second = *(Upload *const *) b;

  return first->item.order < second->item.order ? -1 : first->item.order > second->item.order;
}

/* What was added meanwhile is known. */
static void
take_up (SbClientUploads *self, Upload *upload)
{
  if (is_over (self) || sb_client_queue_find (self->queue, upload->id) != NULL)
    {
      sb_client_upload_free (upload);
      return;
    }
  g_object_unref (begin (self, upload));
}

static void
loaded (gpointer data)
{
  Load *load = data;
  SbClientUploads *self = load->uploads;
  g_autoptr (SbClient) alive = g_object_ref (self->client);

  g_ptr_array_sort (load->found, compare_orders);
  for (guint i = 0; i < load->found->len; i++)
    take_up (self, g_ptr_array_index (load->found, i));
  for (guint i = 0; i < load->faults->len; i++)
    if (!is_over (self))
      sb_client_emit_error (alive, NULL, g_ptr_array_index (load->faults, i));
  is_over (self);
  g_ptr_array_unref (load->found);
  g_ptr_array_unref (load->faults);
  g_free (load);
}

void
sb_client_uploads_resume (SbClientUploads *self)
{
  Load *load;

  if (self->is_loading)
    return;
  self->is_loading = TRUE;
  load = g_new0 (Load, 1);
  load->uploads = self;
  load->settings = sb_client_get_settings (self->client);
  load->folder = self->folder;
  load->found = g_ptr_array_new ();
  load->faults = g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  sb_client_jobs_push (self->keeper, load_all, loaded, load);
}

/* --- Life --- */

SbClientUploads *
sb_client_uploads_new (SbClient *client, const char *folder, GError **error)
{
  SbClientUploads *self;

  if (!sb_client_state_file_make_folder (folder, error))
    return NULL;
  self = g_new0 (SbClientUploads, 1);
  self->client = client;
  self->folder = g_strdup (folder);
  self->queue = sb_client_queue_new (client, RUNS_AT_ONCE, &funcs);
  self->keeper = sb_client_jobs_new (1);
  return self;
}

void
sb_client_uploads_free (SbClientUploads *self)
{
  sb_client_queue_stop (self->queue);
  sb_client_jobs_free (self->keeper);
  sb_client_queue_free (self->queue);
  g_clear_object (&self->closing);
  g_free (self->folder);
  g_free (self);
}

void
sb_client_uploads_close_async (SbClientUploads *self, GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self->client, NULL, callback, user_data);

  g_task_set_source_tag (task, sb_client_uploads_close_async);
  if (self->closing != NULL)
    {
      g_task_return_new_error (task, SB_CLIENT_ERROR, SB_CLIENT_ERROR_CLOSED,
                               "The client is being closed already");
      return;
    }
  self->closing = g_steal_pointer (&task);
  sb_client_queue_stop (self->queue);
  check_closed (self);
}

gboolean
sb_client_uploads_close_finish (SbClientUploads *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* --- More of them --- */

static gboolean
check_new (SbClientUploads *self, const char *id, const char *state_path, GError **error)
{
  if (sb_client_queue_is_stopped (self->queue))
    g_set_error_literal (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_CLOSED, "The client is closed");
  else if (sb_client_queue_find (self->queue, id) != NULL || access (state_path, F_OK) == 0)
    g_set_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_CONFLICT,
                 "A file with the _id “%s” is being sent already", id);
  else
    return TRUE;
  return FALSE;
}

/* In order, also behind those of a process whose clock or count was another one. */
static guint64
take_order (SbClientUploads *self)
{
  self->next_order = MAX (self->next_order + 1, (guint64) g_get_real_time ());
  return self->next_order;
}

/* What is written here is flushed when this returns: the program may die then, and the file is sent
 * all the same. It takes as long as the disk does, once for a file. */
SbClientTransfer *
sb_client_uploads_add (SbClientUploads *self, SbClientDraft *draft, const char *path,
                       const char *display_name, GError **error)
{
  g_autofree char *state_path = NULL;
  Upload *upload;

  sb_client_draft_make_id (draft);
  state_path = sb_client_state_file_path (self->folder, sb_client_draft_get_id (draft));
  if (!check_new (self, sb_client_draft_get_id (draft), state_path, error))
    return NULL;
  upload = sb_client_upload_new (sb_client_get_settings (self->client), draft, path, display_name,
                                 g_steal_pointer (&state_path), take_order (self), error);
  if (upload == NULL)
    return NULL;
  if (!sb_client_upload_keep (upload, error))
    {
      sb_client_upload_free (upload);
      return NULL;
    }
  sb_client_fault_point ("upload-recorded");
  return begin (self, upload);
}

void
sb_client_uploads_wake (SbClientUploads *self)
{
  sb_client_queue_wake (self->queue);
}

void
sb_client_uploads_list (SbClientUploads *self, GPtrArray *transfers)
{
  sb_client_queue_list (self->queue, transfers);
}

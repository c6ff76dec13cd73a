/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-downloads: the way of each notice, in the main context.
 *
 *   notice ─→ keeper: state file ─→ notice confirmed ─→ queue: run ─→ message-download
 *                                                                        │ (confirmed)
 *                                      keeper: state file removed ←─ DELETE at the bus
 *
 * The keeper is a thread that only writes and removes state files, so that notices are taken while
 * all runs are busy for hours. Until the bus has answered the DELETE the file may be announced to
 * the program once more, by the next process: at least once.
 */

#include "sb-client-downloads.h"

#include "sb-client-download.h"
#include "sb-client-request.h"
#include "sb-client-session.h"
#include "sb-client-state-file.h"

#include <glib/gstdio.h>
#include <unistd.h>

#define RUNS_AT_ONCE 3

/* Files that are known at a time. More of them wait at the bus: a notice that is not confirmed is
 * parked there, out of the way of messages, and comes again. */
#define MAX_TAKEN 10000

/* Ended downloads that are known, for notices that were on their way meanwhile. */
#define MAX_ENDED 1024

struct _SbClientDownloads
{
  SbClient *client;     /* (unowned) */
  char *folder;         /* (owned) */
  SbClientQueue *queue; /* (owned) */
  SbClientJobs *keeper; /* (owned) */
  guint64 next_order;

  gboolean is_loading;
  gboolean is_loaded;
  GPtrArray *early;           /* (owned) of SbClientMessage: came before all was loaded */
  GHashTable *early_confirms; /* (owned) set of ids: the same */

  GHashTable *ended;  /* (owned) set of ids */
  GQueue ended_order; /* of char (unowned): the oldest first */

  GCancellable *calls; /* (owned): of requests to the bus */
  guint n_calls;
  GTask *closing; /* (owned) (nullable) */
};

typedef SbClientDownload Download;

static void run (SbClientItem *item);
static void ended (SbClientItem *item);
static void again (SbClientItem *item);
static void free_download (SbClientItem *item);

static const SbClientQueueFuncs funcs = { run, ended, again, free_download };

static void
run (SbClientItem *item)
{
  sb_client_download_run ((Download *) item);
}

static void
free_download (SbClientItem *item)
{
  sb_client_download_free ((Download *) item);
}

static Download *
hold (Download *download)
{
  sb_client_item_ref (&download->item, &funcs);
  return download;
}

static void
let_go (Download *download)
{
  sb_client_item_unref (&download->item, &funcs);
}

static const char *
get_id (Download *download)
{
  return sb_client_message_get_id (download->notice);
}

/* --- The end of the whole --- */

static gboolean
is_busy (SbClientDownloads *self)
{
  return sb_client_queue_get_running (self->queue) > 0
         || sb_client_jobs_get_pending (self->keeper) > 0 || self->n_calls > 0;
}

static gboolean
closed_cb (gpointer task)
{
  g_task_return_boolean (task, TRUE);
  return G_SOURCE_REMOVE;
}

/* In a turn of its own: those who call this are not through yet. */
static void
check_closed (SbClientDownloads *self)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GSource) idle = NULL;

  if (self->closing == NULL || is_busy (self))
    return;
  task = g_steal_pointer (&self->closing);
  idle = g_idle_source_new ();
  g_task_attach_source (task, idle, closed_cb);
}

/* Returns: whether nothing is to be done any more */
static gboolean
is_over (SbClientDownloads *self)
{
  check_closed (self);
  return sb_client_queue_is_stopped (self->queue);
}

/* --- The end of one --- */

static void
remember_ended (SbClientDownloads *self, const char *id)
{
  char *copy;

  /* Adding it again would put another string in place of the one in the queue. */
  if (g_hash_table_contains (self->ended, id))
    return;
  copy = g_strdup (id);
  g_hash_table_add (self->ended, copy);
  g_queue_push_tail (&self->ended_order, copy);
  if (self->ended_order.length > MAX_ENDED)
    g_hash_table_remove (self->ended, g_queue_pop_head (&self->ended_order));
}

/* @error: (nullable): why it failed */
static void
end (Download *download, SbClientTransferState state, const GError *error)
{
  SbClientDownloads *self = download->downloads;
  g_autoptr (SbClient) alive = g_object_ref (self->client);

  hold (download);
  remember_ended (self, get_id (download));
  sb_client_queue_leave (&download->item);
  sb_client_transfer_end (download->item.transfer, state, error);
  if (state == SB_CLIENT_TRANSFER_FAILED)
    sb_client_emit_error (alive, get_id (download), error);
  let_go (download);
}

typedef struct
{
  Download *download; /* (owned) */
  SbClientTransferState state;
  GError *error; /* (owned) (nullable) */
} Removal;

static void
remove_files (gpointer data)
{
  Removal *removal = data;
  GError **error = removal->error == NULL ? &removal->error : NULL;

  /* The part first: nobody else knows of it. */
  sb_client_part_remove (&removal->download->part);
  sb_client_state_file_remove (removal->download->state_path, error);
  sb_client_fault_point ("download-removed");
}

static void
removed (gpointer data)
{
  Removal *removal = data;
  Download *download = removal->download;

  download->is_under_way = FALSE;
  if (!is_over (download->downloads))
    end (download, removal->state, removal->error);
  let_go (download);
  g_clear_error (&removal->error);
  g_free (removal);
}

/* Ends it when nothing of it is left. */
static void
forget (Download *download, SbClientTransferState state, const GError *error)
{
  SbClientDownloads *self = download->downloads;
  Removal *removal = g_new0 (Removal, 1);

  sb_client_queue_rest (&download->item);
  removal->download = hold (download);
  removal->state = state;
  removal->error = error != NULL ? g_error_copy (error) : NULL;
  download->is_under_way = TRUE;
  sb_client_jobs_push (self->keeper, remove_files, removed, removal);
}

static void
cancel_cb (gpointer user_data)
{
  Download *download = user_data;

  if (download->item.place == SB_CLIENT_PLACE_RUNNING)
    {
      download->is_cancelled = TRUE;
      g_cancellable_cancel (download->item.cancellable);
      return;
    }
  if (download->phase >= SB_CLIENT_PHASE_PLACED)
    return;
  download->is_cancelled = TRUE;
  if (!download->is_under_way)
    forget (download, SB_CLIENT_TRANSFER_CANCELLED, NULL);
}

/* --- The state file --- */

static void
write_record (gpointer data)
{
  Download *download = data;

  g_clear_error (&download->record_error);
  sb_client_state_file_write (download->state_path, download->record, &download->record_error);
}

/* @phase: what the next process is to find */
static void
push_record (Download *download, SbClientPhase phase, SbClientJobFunc done)
{
  SbClientDownloads *self = download->downloads;
  SbClientPhase now = download->phase;

  download->phase = phase;
  g_clear_pointer (&download->record, g_key_file_unref);
  download->record = sb_client_download_print (download);
  download->phase = now;
  download->is_under_way = TRUE;
  sb_client_jobs_push (self->keeper, write_record, done, hold (download));
}

/* The bus need not send the notice again. */
static void
confirm_notice (SbClientDownloads *self, const char *id)
{
  sb_client_session_confirm (sb_client_get_session (self->client), id);
}

static void
recorded (gpointer data)
{
  Download *download = data;
  SbClientDownloads *self = download->downloads;
  g_autoptr (SbClient) alive = g_object_ref (self->client);

  download->is_under_way = FALSE;
  sb_client_fault_point ("download-recorded");
  if (is_over (self))
    ;
  else if (download->is_cancelled)
    forget (download, SB_CLIENT_TRANSFER_CANCELLED, NULL);
  else if (download->record_error != NULL)
    sb_client_queue_retry (&download->item, download->record_error);
  else
    {
      download->phase = SB_CLIENT_PHASE_FETCHING;
      confirm_notice (self, get_id (download));
      sb_client_queue_start (&download->item);
    }
  let_go (download);
}

/* --- Confirming --- */

static void confirm (Download *download);

static void
kept (gpointer data)
{
  Download *download = data;
  SbClientDownloads *self = download->downloads;
  g_autoptr (SbClient) alive = g_object_ref (self->client);

  download->is_under_way = FALSE;
  if (!is_over (self) && download->item.place == SB_CLIENT_PLACE_NOWHERE)
    confirm (download);
  let_go (download);
}

/* The next process shall not announce it again. What cannot be written is announced again. */
static void
not_released (Download *download, const GError *error)
{
  sb_client_queue_retry (&download->item, error);
  if (download->phase == SB_CLIENT_PHASE_CONFIRMING)
    return;
  push_record (download, SB_CLIENT_PHASE_CONFIRMING, kept);
  download->phase = SB_CLIENT_PHASE_CONFIRMING;
}

static void
released_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Download *download = user_data;
  g_autoptr (GError) error = NULL;
  guint status = 0;
  g_autoptr (GBytes) answer = sb_client_call_finish (SB_CLIENT (source), result, &status, &error);
  SbClientDownloads *self = download->item.queue != NULL ? download->downloads : NULL;

  if (self != NULL)
    {
      self->n_calls--;
      download->is_under_way = FALSE;
      if (is_over (self))
        self = NULL;
    }
  if (self != NULL)
    {
      sb_client_fault_point ("download-released");
      /* What the bus does not have any more was released, by an earlier attempt perhaps. */
      if (answer != NULL || status == SOUP_STATUS_NOT_FOUND || status == SOUP_STATUS_GONE)
        forget (download, SB_CLIENT_TRANSFER_DONE, NULL);
      else
        not_released (download, error);
    }
  let_go (download);
}

static void
confirm (Download *download)
{
  SbClientDownloads *self = download->downloads;
  g_autofree char *resource = NULL;

  download->is_wanted = TRUE;
  if (download->is_under_way || sb_client_queue_is_stopped (self->queue))
    return;
  sb_client_queue_rest (&download->item);
  sb_client_transfer_move (download->item.transfer, SB_CLIENT_TRANSFER_VERIFYING, NULL);
  resource = sb_client_download_get_resource (download);
  download->is_under_way = TRUE;
  self->n_calls++;
  sb_client_call_async (self->client, "DELETE", resource, NULL, self->calls, released_cb,
                        hold (download));
}

/* --- Announcing --- */

static void
announce (Download *download)
{
  SbClientDownloads *self = download->downloads;
  SbClientTransfer *transfer = download->item.transfer;
  g_autoptr (SbClient) alive = g_object_ref (self->client);

  hold (download);
  sb_client_transfer_report (transfer, sb_client_message_get_file_size (download->notice));
  sb_client_transfer_set_path (transfer, download->path);
  sb_client_transfer_move (transfer, SB_CLIENT_TRANSFER_VERIFYING, NULL);
  if (!download->is_emitted)
    {
      download->is_emitted = TRUE;
      sb_client_emit_message_download (alive, download->notice, download->path);
      sb_client_fault_point ("download-announced");
    }
  /* The handler may have confirmed it, or let go of the client. */
  if (download->item.queue != NULL && !sb_client_queue_is_stopped (download->item.queue))
    {
      if (download->is_wanted || sb_client_get_settings (alive)->auto_confirm)
        confirm (download);
      else
        sb_client_transfer_end (transfer, SB_CLIENT_TRANSFER_DONE, NULL);
    }
  let_go (download);
}

/* --- Turns --- */

static void
fail_as_gone (Download *download)
{
  g_autoptr (GError) error = g_error_new (
      SB_CLIENT_ERROR, SB_CLIENT_ERROR_NOT_FOUND,
      "“%s” is not at the bus any more, so it cannot be received: %s",
      sb_client_transfer_get_display_name (download->item.transfer), download->item.error->message);

  forget (download, SB_CLIENT_TRANSFER_FAILED, error);
}

static void
ended (SbClientItem *item)
{
  Download *download = (Download *) item;
  SbClientDownloads *self = download->downloads;

  if (is_over (self))
    return;
  if (download->verdict == SB_CLIENT_VERDICT_GOOD)
    announce (download);
  else if (download->is_cancelled)
    forget (download, SB_CLIENT_TRANSFER_CANCELLED, NULL);
  else if (download->verdict == SB_CLIENT_VERDICT_GONE)
    fail_as_gone (download);
  else if (download->verdict == SB_CLIENT_VERDICT_CORRUPT)
    /* The bus keeps it, and so does the state file: the next process tries again. */
    end (download, SB_CLIENT_TRANSFER_FAILED, item->error);
  else
    sb_client_queue_retry (item, item->error);
}

static void
again (SbClientItem *item)
{
  Download *download = (Download *) item;

  switch (download->phase)
    {
    case SB_CLIENT_PHASE_RECORDING:
      push_record (download, SB_CLIENT_PHASE_FETCHING, recorded);
      break;
    case SB_CLIENT_PHASE_FETCHING:
    case SB_CLIENT_PHASE_PLACING:
      sb_client_queue_start (item);
      break;
    case SB_CLIENT_PHASE_PLACED:
      announce (download);
      break;
    case SB_CLIENT_PHASE_CONFIRMING:
    default:
      confirm (download);
    }
}

static void
begin (SbClientDownloads *self, Download *download)
{
  g_autoptr (SbClient) alive = g_object_ref (self->client);
  SbClientMessage *notice = download->notice;
  const char *name = sb_client_message_get_display_name (notice);
  SbClientTransfer *transfer = sb_client_transfer_new (
      sb_client_queue_get_context (self->queue), FALSE, get_id (download),
      name != NULL ? name : sb_client_message_get_file_name (notice),
      MAX (sb_client_message_get_file_size (notice), -1));

  download->downloads = self;
  sb_client_transfer_set_message (transfer, notice);
  sb_client_transfer_set_cancel_func (transfer, cancel_cb, download);
  sb_client_queue_enter (self->queue, &download->item, transfer, download->item.order);
  hold (download);
  sb_client_emit_transfer (alive, transfer);
  if (download->item.queue != NULL && !download->is_under_way)
    again (&download->item);
  let_go (download);
}

/* --- What earlier processes left --- */

typedef struct
{
  SbClientDownloads *downloads;
  const SbClientSettings *settings;
  const char *folder;
  GPtrArray *found;  /* (owned) of Download (owned) */
  GPtrArray *faults; /* (owned) of GError (owned) */
} Load;

/* A file that is in place but was moved away before it was confirmed: the program had it, and if
 * the program confirms by itself, it did not get as far as that and shall have it once more. */
static void
look_after (Download *download, const SbClientSettings *settings)
{
  if (download->phase < SB_CLIENT_PHASE_PLACED)
    return;
  sb_client_part_remove (&download->part);
  if (download->phase == SB_CLIENT_PHASE_CONFIRMING || access (download->path, F_OK) == 0)
    return;
  if (settings->auto_confirm)
    download->phase = SB_CLIENT_PHASE_CONFIRMING;
  else
    download->phase = SB_CLIENT_PHASE_FETCHING;
}

static gboolean
load_state (GKeyFile *state, const char *path, gpointer user_data, GError **error)
{
  Load *load = user_data;
  Download *download = sb_client_download_load (load->settings, state, path, error);

  if (download == NULL)
    return FALSE;
  look_after (download, load->settings);
  g_ptr_array_add (load->found, download);
  return TRUE;
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
  const Download *first = *(Download *const *) a;
  const Download *second = *(Download *const *) b;

  return first->item.order < second->item.order ? -1 : first->item.order > second->item.order;
}

static void
take_up (SbClientDownloads *self, Download *download)
{
  self->next_order = MAX (self->next_order, download->item.order + 1);
  if (g_hash_table_contains (self->early_confirms, get_id (download)))
    {
      download->is_wanted = TRUE;
      if (download->phase == SB_CLIENT_PHASE_PLACED)
        download->phase = SB_CLIENT_PHASE_CONFIRMING;
    }
  begin (self, download);
}

static void
take_early (SbClientDownloads *self)
{
  g_autoptr (GPtrArray) early = g_steal_pointer (&self->early);

  self->early = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_client_message_unref);
  for (guint i = 0; i < early->len; i++)
    sb_client_downloads_take (self, g_ptr_array_index (early, i));
}

static void
loaded (gpointer data)
{
  Load *load = data;
  SbClientDownloads *self = load->downloads;
  g_autoptr (SbClient) alive = g_object_ref (self->client);

  g_ptr_array_sort (load->found, compare_orders);
  for (guint i = 0; i < load->found->len; i++)
    if (is_over (self))
      sb_client_download_free (g_ptr_array_index (load->found, i));
    else
      take_up (self, g_ptr_array_index (load->found, i));
  for (guint i = 0; i < load->faults->len; i++)
    if (!is_over (self))
      sb_client_emit_error (alive, NULL, g_ptr_array_index (load->faults, i));
  self->is_loaded = TRUE;
  if (!is_over (self))
    take_early (self);
  g_ptr_array_unref (load->found);
  g_ptr_array_unref (load->faults);
  g_free (load);
}

void
sb_client_downloads_resume (SbClientDownloads *self)
{
  Load *load;

  if (self->is_loading)
    return;
  self->is_loading = TRUE;
  load = g_new0 (Load, 1);
  load->downloads = self;
  load->settings = sb_client_get_settings (self->client);
  load->folder = self->folder;
  load->found = g_ptr_array_new ();
  load->faults = g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  sb_client_jobs_push (self->keeper, load_all, loaded, load);
}

/* --- Life --- */

SbClientDownloads *
sb_client_downloads_new (SbClient *client, const char *folder, GError **error)
{
  SbClientDownloads *self;

  if (!sb_client_state_file_make_folder (folder, error))
    return NULL;
  self = g_new0 (SbClientDownloads, 1);
  self->client = client;
  self->folder = g_strdup (folder);
  self->queue = sb_client_queue_new (client, RUNS_AT_ONCE, &funcs);
  self->keeper = sb_client_jobs_new (1);
  self->early = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_client_message_unref);
  self->early_confirms = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->ended = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_queue_init (&self->ended_order);
  self->calls = g_cancellable_new ();
  return self;
}

void
sb_client_downloads_free (SbClientDownloads *self)
{
  sb_client_queue_stop (self->queue);
  g_cancellable_cancel (self->calls);
  sb_client_jobs_free (self->keeper);
  sb_client_queue_free (self->queue);
  g_clear_object (&self->closing);
  g_object_unref (self->calls);
  g_queue_clear (&self->ended_order);
  g_hash_table_unref (self->ended);
  g_hash_table_unref (self->early_confirms);
  g_ptr_array_unref (self->early);
  g_free (self->folder);
  g_free (self);
}

void
sb_client_downloads_close_async (SbClientDownloads *self, GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self->client, NULL, callback, user_data);

  g_task_set_source_tag (task, sb_client_downloads_close_async);
  if (self->closing != NULL)
    {
      g_task_return_new_error (task, SB_CLIENT_ERROR, SB_CLIENT_ERROR_CLOSED,
                               "The client is being closed already");
      return;
    }
  self->closing = g_steal_pointer (&task);
  sb_client_queue_stop (self->queue);
  g_cancellable_cancel (self->calls);
  check_closed (self);
}

gboolean
sb_client_downloads_close_finish (SbClientDownloads *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* --- Notices and confirmations --- */

void
sb_client_downloads_take (SbClientDownloads *self, SbClientMessage *notice)
{
  const char *id = sb_client_message_get_id (notice);
  Download *download;

  if (!sb_client_message_is_file (notice) || sb_client_queue_is_stopped (self->queue))
    return;
  if (!self->is_loaded)
    {
      g_ptr_array_add (self->early, sb_client_message_ref (notice));
      sb_client_downloads_resume (self);
      return;
    }
  download = (Download *) sb_client_queue_find (self->queue, id);
  if (download != NULL && download->item.place != SB_CLIENT_PLACE_RUNNING
      && download->phase == SB_CLIENT_PHASE_RECORDING)
    return;
  if (download != NULL || g_hash_table_contains (self->ended, id))
    {
      confirm_notice (self, id);
      return;
    }
  if (sb_client_queue_get_length (self->queue) >= sb_client_fault_get_ms ("taken", MAX_TAKEN))
    return;
  download = sb_client_download_new (sb_client_get_settings (self->client), notice,
                                     sb_client_state_file_path (self->folder, id),
                                     self->next_order++);
  begin (self, download);
}

gboolean
sb_client_downloads_confirm (SbClientDownloads *self, const char *id)
{
  Download *download = (Download *) sb_client_queue_find (self->queue, id);
  g_autofree char *path = NULL;

  if (download != NULL)
    {
      /* Before it is in its place there is nothing to confirm. */
      if (download->item.place != SB_CLIENT_PLACE_RUNNING
          && download->phase >= SB_CLIENT_PHASE_PLACED)
        confirm (download);
      return TRUE;
    }
  if (self->is_loaded)
    return g_hash_table_contains (self->ended, id);
  path = sb_client_state_file_path (self->folder, id);
  if (access (path, F_OK) != 0)
    return FALSE;
  g_hash_table_add (self->early_confirms, g_strdup (id));
  return TRUE;
}

void
sb_client_downloads_wake (SbClientDownloads *self)
{
  sb_client_queue_wake (self->queue);
}

void
sb_client_downloads_list (SbClientDownloads *self, GPtrArray *transfers)
{
  sb_client_queue_list (self->queue, transfers);
}

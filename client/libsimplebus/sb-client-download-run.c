/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-download-run: one attempt to get a file, in a thread.
 *
 * What is there of it is asked for no more: Range, with If-Range so that the bus gives the whole
 * file if it is not the one that was begun. Bytes go from the socket by way of one block to
 * checksum and disk.
 */

#include "sb-client-download.h"

#include "sb-client-disk.h"
#include "sb-client-request.h"
#include "sb-client-state-file.h"

#include <string.h>

#define BLOCK (256 * 1024)

/* All bytes came so often and were wrong: that is no accident. */
#define MAX_CORRUPT 3

/* How much of a slow download a power cut may take away. */
#define CHECKPOINT_US (30 * G_USEC_PER_SEC)

/* --- What is kept --- */

static gboolean
keep (SbClientDownload *self, SbClientPhase phase, GError **error)
{
  SbClientPhase before = self->phase;
  g_autoptr (GKeyFile) state = NULL;

  self->phase = phase;
  state = sb_client_download_print (self);
  if (sb_client_state_file_write (self->state_path, state, error))
    return TRUE;
  self->phase = before;
  return FALSE;
}

/* Notes how much of the part is on the disk. A disk that cannot even do this will say so when the
 * next bytes are written. */
static void
checkpoint (SbClientDownload *self)
{
  gint64 length = self->part.length;

  if (!sb_client_part_flush (&self->part, NULL))
    return;
  self->flushed = length;
  keep (self, SB_CLIENT_PHASE_FETCHING, NULL);
}

/* --- Asking --- */

static const char *
get_wanted_checksum (SbClientDownload *self)
{
  return sb_client_message_get_sha256 (self->notice);
}

/* -1: an old bus did not say. */
static gint64
get_wanted_size (SbClientDownload *self)
{
  return MAX (sb_client_message_get_file_size (self->notice), -1);
}

static SoupMessage *
make_request (SbClientDownload *self, SbClientRequests *requests, GError **error)
{
  g_autofree char *resource = sb_client_download_get_resource (self);
  SoupMessage *message = sb_client_requests_new (requests, "GET", resource, error);
  SoupMessageHeaders *headers;
  g_autofree char *range = NULL;
  g_autofree char *tag = NULL;

  if (message == NULL || self->part.length == 0)
    return message;
  headers = soup_message_get_request_headers (message);
  range = g_strdup_printf ("bytes=%" G_GINT64_FORMAT "-", self->part.length);
  soup_message_headers_replace (headers, "Range", range);
  if (get_wanted_checksum (self) != NULL)
    {
      tag = g_strdup_printf ("\"%s\"", get_wanted_checksum (self));
      soup_message_headers_replace (headers, "If-Range", tag);
    }
  return message;
}

static gboolean
has_range (SoupMessage *message, gint64 wanted)
{
  goffset start, end, total;

  return soup_message_headers_get_content_range (soup_message_get_response_headers (message),
                                                 &start, &end, &total)
         && start == wanted;
}

/* Makes sure that there is room for the rest. */
static gboolean
reserve (SbClientDownload *self, GError **error)
{
  return get_wanted_size (self) < 0
         || sb_client_part_reserve (&self->part, get_wanted_size (self), error);
}

static gboolean
begin_anew (SbClientDownload *self, GError **error)
{
  self->is_resumed = FALSE;
  return sb_client_part_restart (&self->part, error) && reserve (self, error);
}

/* Looks at the head of the answer. Returns: whether its body goes on where the part ends */
static gboolean
fits (SbClientDownload *self, SoupMessage *message, GError **error)
{
  guint status = soup_message_get_status (message);

  if (status == SOUP_STATUS_PARTIAL_CONTENT && has_range (message, self->part.length))
    {
      self->is_resumed = TRUE;
      return TRUE;
    }
  if (status == SOUP_STATUS_OK && self->part.length == 0)
    return TRUE;
  if (!begin_anew (self, error))
    return FALSE;
  if (status == SOUP_STATUS_OK)
    return TRUE;
  g_set_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_PROTOCOL,
               "The bus answered %u to a request for a file", status);
  return FALSE;
}

/* Returns: (transfer full) (nullable) */
static GInputStream *
ask (SbClientDownload *self, SbClientRequests *requests, GError **error)
{
  g_autoptr (SoupMessage) message = make_request (self, requests, error);
  g_autoptr (GInputStream) stream = NULL;

  if (message == NULL)
    return NULL;
  stream = sb_client_requests_open (requests, message, error);
  self->item.retry_after = requests->retry_after;
  if (requests->status == SOUP_STATUS_NOT_FOUND || requests->status == SOUP_STATUS_GONE)
    self->verdict = SB_CLIENT_VERDICT_GONE;
  /* The part is longer than the file: it cannot be right. */
  if (requests->status == SOUP_STATUS_REQUESTED_RANGE_NOT_SATISFIABLE)
    sb_client_part_restart (&self->part, NULL);
  if (stream == NULL || !fits (self, message, error))
    return NULL;
  return g_steal_pointer (&stream);
}

/* --- Receiving --- */

static gboolean
take_block (SbClientDownload *self, const guint8 *block, gsize length, GError **error)
{
  gint64 size = get_wanted_size (self);

  if (size >= 0 && (gint64) length > size - self->part.length)
    {
      g_set_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_CORRUPT,
                   "The bus gives more than the %" G_GINT64_FORMAT " bytes that it announced",
                   size);
      sb_client_part_restart (&self->part, NULL);
      return FALSE;
    }
  if (!sb_client_part_append (&self->part, block, length, error))
    return FALSE;
  self->item.has_progress = TRUE;
  sb_client_transfer_report (self->item.transfer, self->part.length);
  sb_client_fault_point ("download-block");
  return TRUE;
}

/* To the end of the answer, which need not be that of the file. */
static gboolean
receive (SbClientDownload *self, SbClientRequests *requests, GInputStream *stream, GError **error)
{
  g_autofree guint8 *block = g_malloc (BLOCK);
  gint64 next_checkpoint = g_get_monotonic_time () + CHECKPOINT_US;

  sb_client_transfer_begin_at (self->item.transfer, self->part.length);
  while (TRUE)
    {
      g_autoptr (GError) fault = NULL;
      gssize n = g_input_stream_read (stream, block, BLOCK, requests->cancellable, &fault);

      if (n < 0)
        g_propagate_error (error, sb_client_requests_wrap (requests, fault));
      if (n <= 0)
        return n == 0;
      if (!take_block (self, block, (gsize) n, error))
        return FALSE;
      if (g_get_monotonic_time () < next_checkpoint)
        continue;
      checkpoint (self);
      next_checkpoint = g_get_monotonic_time () + CHECKPOINT_US;
    }
}

/* Returns: whether all bytes are there */
static gboolean
fetch (SbClientDownload *self, GError **error)
{
  g_auto (SbClientRequests) requests = { 0 };
  g_autoptr (GInputStream) stream = NULL;
  gint64 size = get_wanted_size (self);

  if (!reserve (self, error))
    return FALSE;
  sb_client_requests_init (&requests, self->settings, self->item.cancellable);
  stream = ask (self, &requests, error);
  if (stream == NULL || !receive (self, &requests, stream, error))
    return FALSE;
  if (size < 0 || self->part.length == size)
    return TRUE;
  g_propagate_error (error, sb_client_requests_wrap (&requests, NULL));
  return FALSE;
}

/* --- Verifying --- */

/* What was put together from several answers is fetched once more without counting: perhaps it was
 * this machine that lost something. */
static void
note_corrupt (SbClientDownload *self)
{
  if (self->is_resumed && !self->is_forgiven)
    self->is_forgiven = TRUE;
  else
    self->n_corrupt++;
  self->is_resumed = FALSE;
  if (self->n_corrupt < MAX_CORRUPT)
    return;
  self->verdict = SB_CLIENT_VERDICT_CORRUPT;
  self->n_corrupt = 0;
}

static gboolean
verify (SbClientDownload *self, GError **error)
{
  const char *wanted = get_wanted_checksum (self);
  g_autofree char *found = sb_client_part_get_checksum (&self->part);

  if (wanted == NULL || strcmp (wanted, found) == 0)
    return TRUE;
  g_set_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_CORRUPT,
               "What came of “%s” is not what was sent: its checksum is %s, and should be %s",
               sb_client_transfer_get_display_name (self->item.transfer), found, wanted);
  note_corrupt (self);
  self->flushed = 0;
  keep (self, SB_CLIENT_PHASE_FETCHING, NULL);
  sb_client_part_remove (&self->part);
  return FALSE;
}

/* --- The run --- */

static gboolean
make_folders (SbClientDownload *self, GError **error)
{
  g_autofree char *parts = g_path_get_dirname (self->part.path);

  /* The folder is for people, the one within is not. */
  if (g_mkdir_with_parents (self->folder, 0777) != 0)
    return sb_client_disk_fail ("The folder cannot be made:", self->folder, error);
  return sb_client_state_file_make_folder (parts, error);
}

/* After a power cut only what was flushed is known to be there; the rest may be zeros. */
static gboolean
open_part (SbClientDownload *self, GError **error)
{
  g_autofree char *boot = sb_client_disk_get_boot ();
  gint64 known = self->part.length;
  gint64 trusted = strcmp (boot, self->boot) == 0 && *boot != '\0' ? -1 : self->flushed;

  if (!make_folders (self, error)
      || !sb_client_part_open (&self->part, get_wanted_size (self), trusted, self->item.cancellable,
                               error))
    return FALSE;
  g_free (self->boot);
  self->boot = g_steal_pointer (&boot);
  if (known == 0 && self->part.length > 0)
    self->is_resumed = TRUE;
  sb_client_transfer_begin_at (self->item.transfer, self->part.length);
  return TRUE;
}

static gboolean
is_complete (SbClientDownload *self)
{
  gint64 size = get_wanted_size (self);

  return size >= 0 && self->part.length == size;
}

/* The state has to say which machine's run wrote the bytes, before there are any. */
static gboolean
get_bytes (SbClientDownload *self, GError **error)
{
  g_autofree char *before = g_strdup (self->boot);

  if (!open_part (self, error))
    return FALSE;
  if (is_complete (self))
    return TRUE;
  if ((strcmp (before, self->boot) != 0 || self->phase != SB_CLIENT_PHASE_FETCHING)
      && !keep (self, SB_CLIENT_PHASE_FETCHING, error))
    return FALSE;
  return fetch (self, error);
}

static gboolean
place (SbClientDownload *self, GError **error)
{
  if (!verify (self, error))
    return FALSE;
  sb_client_fault_point ("download-verified");
  if (!sb_client_part_flush (&self->part, error))
    return FALSE;
  sb_client_fault_point ("download-flushed");
  return sb_client_download_place (self, error);
}

static gboolean
run (SbClientDownload *self, GError **error)
{
  if (g_cancellable_set_error_if_cancelled (self->item.cancellable, error))
    return FALSE;
  if (!sb_client_download_is_in_place (self, NULL)
      && (!get_bytes (self, error) || !place (self, error)))
    return FALSE;
  if (!keep (self, SB_CLIENT_PHASE_PLACED, error))
    return FALSE;
  sb_client_fault_point ("download-placed");
  sb_client_part_remove (&self->part);
  return TRUE;
}

void
sb_client_download_run (SbClientDownload *self)
{
  self->verdict = SB_CLIENT_VERDICT_AGAIN;
  if (run (self, &self->item.error))
    self->verdict = SB_CLIENT_VERDICT_GOOD;
  sb_client_part_close (&self->part);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-upload-run: one attempt to bring a file to the bus, in a thread.
 *
 *   POST /files/         unless the bus has made the upload: its name is on disk before any byte
 *   HEAD /files/<id>     how far it is, when it is not new
 *   PATCH /files/<id>    the rest; its answer says that the message is committed
 *
 * Whatever answer was lost, asking again finds out. When the bus has forgotten the upload it is
 * made again with the same `_id`; if it was accepted, that is taken, by us.
 */

#include "sb-client-disk.h"
#include "sb-client-request.h"
#include "sb-client-state-file.h"
#include "sb-client-upload.h"

#include <errno.h>
#include <fcntl.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <unistd.h>

#define TUS_VERSION "1.0.0"
#define PIECE_TYPE "application/offset+octet-stream"

/* How often the bus may be of another opinion on where the upload is, within an attempt. */
#define MAX_ROUNDS 3

/* For asking it to forget one. */
#define GOODBYE_SECONDS 5

typedef struct
{
  SbClientUpload *upload; /* (unowned) */
  SbClientRequests requests;
  int fd;
  gint64 offset; /* of the bus; -1: not known */
} Run;

/* --- Requests --- */

static SoupMessage *
new_request (Run *run, const char *method, const char *path, GError **error)
{
  SoupMessage *message = sb_client_requests_new (&run->requests, method, path, error);

  if (message != NULL)
    soup_message_headers_replace (soup_message_get_request_headers (message), "Tus-Resumable",
                                  TUS_VERSION);
  return message;
}

static void
set_number (SoupMessage *message, const char *name, gint64 number)
{
  g_autofree char *text = g_strdup_printf ("%" G_GINT64_FORMAT, number);

  soup_message_headers_replace (soup_message_get_request_headers (message), name, text);
}

static gboolean
read_offset (Run *run, SoupMessage *message)
{
  const char *text = soup_message_headers_get_one (soup_message_get_response_headers (message),
                                                   "Upload-Offset");
  guint64 offset;

  if (text == NULL
      || !g_ascii_string_to_unsigned (text, 10, 0, (guint64) run->upload->mark.size, &offset, NULL))
    return FALSE;
  run->offset = (gint64) offset;
  return TRUE;
}

static gboolean
refuse_answer (const char *what, GError **error)
{
  g_set_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_PROTOCOL,
               "What answers there does not take files as a bus does: %s", what);
  return FALSE;
}

/* What no other attempt can mend: the bus has refused it, and not for a while. What is no answer
 * of a bus may be one of a network that wants a log-in first. */
static gboolean
is_final (Run *run, const GError *error)
{
  guint status = run->requests.status;

  if (status == 0)
    return g_error_matches (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_INVALID);
  return status >= 400 && status < 500 && status != SOUP_STATUS_CONFLICT && status != 425
         && !sb_client_error_is_transient (error);
}

/* --- Is it there already? --- */

static gboolean
is_sender (GBytes *answer, const char *user)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  gsize length;
  const char *data = g_bytes_get_data (answer, &length);
  JsonNode *root;
  const char *sender;

  if (length == 0 || !json_parser_load_from_data (parser, data, (gssize) length, NULL))
    return FALSE;
  root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return FALSE;
  sender = json_object_get_string_member_with_default (json_node_get_object (root), "sender", NULL);
  return g_strcmp0 (sender, user) == 0;
}

/* The `_id` is taken: by our own message, whose acceptance we did not hear of? */
static gboolean
is_accepted (Run *run)
{
  g_autofree char *id = g_uri_escape_string (run->upload->id, NULL, FALSE);
  g_autofree char *path = g_strconcat ("/status/", id, NULL);
  g_autoptr (SoupMessage) message = new_request (run, "GET", path, NULL);
  g_autoptr (GBytes) answer = NULL;

  if (message != NULL)
    answer = sb_client_requests_send (&run->requests, message, NULL);
  return answer != NULL && is_sender (answer, run->upload->settings->user);
}

/* --- Creating --- */

static char *
make_metadata (SbClientUpload *upload)
{
  g_autofree char *name = g_base64_encode ((const guchar *) upload->display_name,
                                           strlen (upload->display_name));
  g_autofree char *data = g_base64_encode ((const guchar *) upload->json, strlen (upload->json));

  return g_strconcat ("filename ", name, ",data ", data, NULL);
}

/* Its address is as others see the bus; we go on by the one that we know. */
static char *
read_location (SoupMessage *message)
{
  const char *location = soup_message_headers_get_one (soup_message_get_response_headers (message),
                                                       "Location");
  const char *name = location != NULL ? strrchr (location, '/') : NULL;

  if (name == NULL || name[1] == '\0' || strlen (name) > 256
      || name[strcspn (name, "?# \"<>")] != '\0')
    return NULL;
  return g_strconcat ("/files", name, NULL);
}

static gboolean
note_resource (Run *run, SoupMessage *message, GError **error)
{
  SbClientUpload *self = run->upload;
  g_autofree char *resource = read_location (message);

  if (resource == NULL)
    return refuse_answer ("it made an upload, and does not say where", error);
  sb_client_fault_point ("upload-created");
  self->resource = g_steal_pointer (&resource);
  if (!sb_client_upload_keep (self, error))
    return FALSE;
  sb_client_fault_point ("upload-noted");
  if (!read_offset (run, message))
    run->offset = 0;
  /* An empty file is complete when that is made; whether it is committed HEAD tells. */
  if (self->mark.size == 0 && run->offset == 0)
    run->offset = -1;
  return TRUE;
}

static gboolean
create (Run *run, GError **error)
{
  SbClientUpload *self = run->upload;
  g_autoptr (SoupMessage) message = new_request (run, "POST", "/files/", error);
  g_autofree char *metadata = make_metadata (self);
  g_autoptr (GBytes) answer = NULL;
  g_autoptr (GError) fault = NULL;

  if (message == NULL)
    return FALSE;
  set_number (message, "Upload-Length", self->mark.size);
  soup_message_headers_replace (soup_message_get_request_headers (message), "Upload-Metadata",
                                metadata);
  answer = sb_client_requests_send (&run->requests, message, &fault);
  if (answer != NULL)
    return note_resource (run, message, error);
  if (run->requests.status == SOUP_STATUS_CONFLICT)
    {
      if (is_accepted (run))
        {
          run->offset = self->mark.size;
          return TRUE;
        }
      /* Taken by somebody else. */
      if (run->requests.status == SOUP_STATUS_NOT_FOUND)
        self->verdict = SB_CLIENT_UPLOAD_FAILED;
    }
  g_propagate_error (error, g_steal_pointer (&fault));
  return FALSE;
}

/* --- How far it is --- */

static void
forget_resource (SbClientUpload *self)
{
  g_clear_pointer (&self->resource, g_free);
  /* If this is not kept, the next process finds out by itself. */
  sb_client_upload_keep (self, NULL);
}

static gboolean
look (Run *run, GError **error)
{
  SbClientUpload *self = run->upload;
  g_autoptr (SoupMessage) message = new_request (run, "HEAD", self->resource, error);
  g_autoptr (GBytes) answer = NULL;
  g_autoptr (GError) fault = NULL;

  if (message == NULL)
    return FALSE;
  answer = sb_client_requests_send (&run->requests, message, &fault);
  if (answer != NULL)
    return read_offset (run, message) || refuse_answer ("it does not say how far it is", error);
  if (run->requests.status == SOUP_STATUS_NOT_FOUND || run->requests.status == SOUP_STATUS_GONE)
    {
      forget_resource (self);
      return create (run, error);
    }
  g_propagate_error (error, g_steal_pointer (&fault));
  return FALSE;
}

/* --- Sending --- */

/* Returns: whether to go on: @run->offset says from where; -1: HEAD has to */
static gboolean
note_piece (Run *run, SoupMessage *message, GBytes *answer, GError **fault, GError **error)
{
  guint status = run->requests.status;

  if (answer != NULL)
    return read_offset (run, message) || refuse_answer ("it does not say how far it is", error);
  run->offset = -1;
  if (status == SOUP_STATUS_CONFLICT || status == SOUP_STATUS_NOT_FOUND
      || status == SOUP_STATUS_GONE)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (fault));
  return FALSE;
}

static gboolean
send_rest (Run *run, GError **error)
{
  SbClientUpload *self = run->upload;
  g_autoptr (SoupMessage) message = new_request (run, "PATCH", self->resource, error);
  g_autoptr (GInputStream) body = NULL;
  g_autoptr (GBytes) answer = NULL;
  g_autoptr (GError) fault = NULL;

  if (message == NULL)
    return FALSE;
  set_number (message, "Upload-Offset", run->offset);
  body = sb_client_upload_body_new (run->fd, self->path, &self->mark, run->offset,
                                    self->item.transfer);
  soup_message_set_request_body (message, PIECE_TYPE, body, self->mark.size - run->offset);
  answer = sb_client_requests_send (&run->requests, message, &fault);
  if (sb_client_upload_body_get_error (body) != NULL)
    {
      self->verdict = SB_CLIENT_UPLOAD_FAILED;
      g_propagate_error (error, g_error_copy (sb_client_upload_body_get_error (body)));
      return FALSE;
    }
  sb_client_fault_point ("upload-sent");
  return note_piece (run, message, answer, &fault, error);
}

/* --- The run --- */

static gboolean
open_file (Run *run, GError **error)
{
  SbClientUpload *self = run->upload;

  run->fd = open (self->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (run->fd < 0)
    {
      self->verdict = SB_CLIENT_UPLOAD_FAILED;
      g_set_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_NOT_FOUND,
                   "%s cannot be sent any more: %s", self->path, g_strerror (errno));
      return FALSE;
    }
  posix_fadvise (run->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  if (sb_client_file_check (run->fd, self->path, &self->mark, error))
    return TRUE;
  self->verdict = SB_CLIENT_UPLOAD_FAILED;
  return FALSE;
}

static void
note_progress (Run *run)
{
  SbClientUpload *self = run->upload;

  if (run->offset <= self->furthest)
    return;
  self->furthest = run->offset;
  self->item.has_progress = TRUE;
}

static gboolean
go (Run *run, GError **error)
{
  SbClientUpload *self = run->upload;

  for (guint round = 0; round < MAX_ROUNDS; round++)
    {
      if (self->resource == NULL && !create (run, error))
        return FALSE;
      if (run->offset < 0 && !look (run, error))
        return FALSE;
      note_progress (run);
      if (run->offset == self->mark.size)
        return TRUE;
      if (run->offset >= 0 && !send_rest (run, error))
        return FALSE;
      if (run->offset == self->mark.size)
        return TRUE;
    }
  g_set_error_literal (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_BUSY,
                       "The bus does not go on with the upload");
  return FALSE;
}

/* If the bus does not hear of it, it finds out by the age of the upload. */
static void
say_goodbye (Run *run)
{
  SbClientUpload *self = run->upload;
  g_autoptr (SoupMessage) message = NULL;
  g_autoptr (GBytes) answer = NULL;

  if (self->resource == NULL)
    return;
  soup_session_set_timeout (run->requests.session, GOODBYE_SECONDS);
  run->requests.cancellable = NULL;
  message = new_request (run, "DELETE", self->resource, NULL);
  if (message != NULL)
    answer = sb_client_requests_send (&run->requests, message, NULL);
}

static void
run_begin (Run *run, SbClientUpload *self)
{
  *run = (Run) { .upload = self, .fd = -1, .offset = -1 };
  sb_client_requests_init (&run->requests, self->settings, self->item.cancellable);
}

static void
run_end (Run *run)
{
  if (run->fd >= 0)
    close (run->fd);
  sb_client_requests_clear (&run->requests);
}

static void
judge (Run *run)
{
  SbClientUpload *self = run->upload;

  self->item.retry_after = run->requests.retry_after;
  if (self->item.error == NULL)
    self->verdict = SB_CLIENT_UPLOAD_DONE;
  else if (g_atomic_int_get (&self->is_cancelled))
    self->verdict = SB_CLIENT_UPLOAD_CANCELLED;
  else if (is_final (run, self->item.error))
    self->verdict = SB_CLIENT_UPLOAD_FAILED;
}

void
sb_client_upload_run (SbClientUpload *self)
{
  Run run;

  self->verdict = SB_CLIENT_UPLOAD_AGAIN;
  run_begin (&run, self);
  if (!g_cancellable_set_error_if_cancelled (self->item.cancellable, &self->item.error)
      && open_file (&run, &self->item.error))
    go (&run, &self->item.error);
  judge (&run);
  if (self->verdict == SB_CLIENT_UPLOAD_CANCELLED || self->verdict == SB_CLIENT_UPLOAD_FAILED)
    say_goodbye (&run);
  if (self->verdict != SB_CLIENT_UPLOAD_AGAIN)
    sb_client_state_file_remove (self->state_path, NULL);
  sb_client_fault_point ("upload-removed");
  run_end (&run);
}

void
sb_client_upload_remove (SbClientUpload *self)
{
  Run run;

  run_begin (&run, self);
  say_goodbye (&run);
  sb_client_state_file_remove (self->state_path, NULL);
  run_end (&run);
}

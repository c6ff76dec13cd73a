/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-download: `GET`, `HEAD` and `DELETE /download/<stored name>`.
 *
 * What has no body is answered through libsoup; files go past it, on the stolen connection, which
 * ends with them. A file never changes: its checksum is its entity tag, and the time at which its
 * message was accepted the date of its last change.
 */

#include "sb-condition.h"
#include "sb-disposition.h"
#include "sb-send-plan.h"
#include "sb-soup-endpoints.h"

#include <string.h>
#include <unistd.h>

#define FILE_TYPE "application/octet-stream"
#define PREFIX "/download/"

typedef struct
{
  SbFile *file;    /* (owned) */
  char *etag;      /* (owned) with its quotes */
  gint64 modified; /* Unix time in seconds */
  int fd;          /* (owned) -1: taken */
} Download;

static void
download_clear (Download *self)
{
  g_clear_pointer (&self->file, sb_file_unref);
  g_clear_pointer (&self->etag, g_free);
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Download, download_clear)

/* --- What the request asks for --- */

static gint64
get_date (SbRequest *request, const char *name)
{
  const char *text = sb_request_get_header (request, name);
  g_autoptr (GDateTime) date = text != NULL ? soup_date_time_new_from_http_string (text) : NULL;

  return date != NULL ? g_date_time_to_unix (date) : SB_CONDITION_NO_DATE;
}

static void
get_conditions (SbRequest *request, SbConditions *conditions)
{
  conditions->if_match = sb_request_get_header (request, "If-Match");
  conditions->if_none_match = sb_request_get_header (request, "If-None-Match");
  conditions->if_range = sb_request_get_header (request, "If-Range");
  conditions->if_range_date = get_date (request, "If-Range");
  conditions->if_modified_since = get_date (request, "If-Modified-Since");
  conditions->if_unmodified_since = get_date (request, "If-Unmodified-Since");
}

static gboolean
is_head (SbRequest *request)
{
  return strcmp (soup_server_message_get_method (request->message), "HEAD") == 0;
}

/* Only a GET can ask for ranges. */
static SbRangeAnswer
get_ranges (SbRequest *request, const SbConditions *conditions, const Download *download,
            SbRangeSet *set)
{
  set->n = 0;
  if (is_head (request)
      || !sb_conditions_allow_range (conditions, download->etag, download->modified))
    return SB_RANGE_WHOLE;
  return sb_range_parse (request->range, download->file->size, set);
}

/* --- Answers --- */

static void
set_validators (SbRequest *request, const Download *download)
{
  g_autoptr (GDateTime) date = g_date_time_new_from_unix_utc (download->modified);
  g_autofree char *modified = date != NULL ? soup_date_time_to_string (date, SOUP_DATE_HTTP) : NULL;

  sb_request_set_header (request, "ETag", download->etag);
  if (modified != NULL)
    sb_request_set_header (request, "Last-Modified", modified);
  sb_request_set_header (request, "Accept-Ranges", "bytes");
  sb_request_set_header (request, "Cache-Control", "private");
}

/* Whatever is in it, a browser saves it and shows nothing. */
static void
set_content_headers (SbRequest *request, const Download *download, const char *type, guint64 length)
{
  g_autofree char *disposition = sb_disposition_format (download->file->display_name);
  g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT, length);

  sb_request_set_header (request, "Content-Type", type);
  sb_request_set_header (request, "Content-Length", text);
  sb_request_set_header (request, "Content-Disposition", disposition);
  sb_request_set_header (request, "Content-Security-Policy", "sandbox");
}

static void
send_plan (SbRequest *request, guint status, SbSendPlan *unsent, Download *download)
{
  g_autoptr (SbSendPlan) plan = unsent;
  g_autofree char *head = NULL;
  g_autofree char *address = sb_request_dup_address (request);
  const SbFileLabel label = { download->file->name, request->user->id, address };
  g_autoptr (SbSoupTransport) transport = g_object_ref (request->transport);
  g_autoptr (GIOStream) stream = sb_request_steal (request, status, &head);
  g_autoptr (SbConnection) connection = stream != NULL ? sb_connection_unwrap (stream) : NULL;

  if (connection == NULL)
    return;
  sb_send_plan_prepend_text (plan, g_steal_pointer (&head));
  sb_file_sender_start (transport->sender, connection, g_steal_pointer (&plan), download->fd,
                        &label);
  download->fd = -1;
}

static void
answer_whole (SbRequest *request, Download *download)
{
  const SbRange all = { 0, download->file->size };
  g_autoptr (SbSendPlan) plan = NULL;

  set_content_headers (request, download, FILE_TYPE, all.length);
  if (is_head (request))
    {
      sb_request_answer (request, 200, NULL, NULL);
      return;
    }
  plan = sb_send_plan_new ();
  sb_send_plan_add_range (plan, &all);
  send_plan (request, 200, g_steal_pointer (&plan), download);
}

static void
answer_part (SbRequest *request, Download *download, const SbRange *range)
{
  g_autofree char *place = sb_range_format (range, download->file->size);
  SbSendPlan *plan = sb_send_plan_new ();

  sb_send_plan_add_range (plan, range);
  set_content_headers (request, download, FILE_TYPE, range->length);
  sb_request_set_header (request, "Content-Range", place);
  send_plan (request, 206, plan, download);
}

/* No file has it: it is made anew for each answer. */
static char *
make_boundary (void)
{
  return g_uuid_string_random ();
}

static void
answer_parts (SbRequest *request, Download *download, const SbRangeSet *set)
{
  g_autofree char *boundary = make_boundary ();
  g_autofree char *type = g_strconcat ("multipart/byteranges; boundary=", boundary, NULL);
  SbSendPlan *plan = sb_send_plan_new ();

  sb_send_plan_add_parts (plan, set, download->file->size, FILE_TYPE, boundary);
  set_content_headers (request, download, type, sb_send_plan_get_length (plan));
  send_plan (request, 206, plan, download);
}

static void
refuse_range (SbRequest *request, const Download *download)
{
  g_autofree char *place = sb_range_format (NULL, download->file->size);

  sb_request_set_header (request, "Content-Range", place);
  sb_request_problem (request, 416, "range", "The file ends before the range begins");
}

static void
answer (SbRequest *request, Download *download)
{
  SbConditions conditions;
  SbConditionAnswer outcome;
  SbRangeSet set;

  get_conditions (request, &conditions);
  outcome = sb_conditions_check (&conditions, download->etag, download->modified);
  set_validators (request, download);
  if (outcome == SB_CONDITION_FAILED)
    {
      sb_request_problem (request, 412, "condition", "The file is another one");
      return;
    }
  if (outcome == SB_CONDITION_NOT_MODIFIED)
    {
      sb_request_answer (request, 304, NULL, NULL);
      return;
    }
  switch (get_ranges (request, &conditions, download, &set))
    {
    case SB_RANGE_WHOLE:
      answer_whole (request, download);
      break;
    case SB_RANGE_PARTS:
      if (set.n == 1)
        answer_part (request, download, &set.ranges[0]);
      else
        answer_parts (request, download, &set);
      break;
    case SB_RANGE_UNSATISFIABLE:
      refuse_range (request, download);
      break;
    }
}

/* --- GET and HEAD --- */

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbRequest) request = user_data;
  g_autoptr (GError) error = NULL;
  g_auto (Download) download = { .fd = -1 };
  g_autofree char *hash = NULL;
  gint64 accepted = 0;

  download.fd = sb_bus_open_file_finish (SB_BUS (source), result, &download.file, &accepted,
                                         &error);
  if (download.fd < 0)
    {
      sb_request_fail (request, error, NULL);
      return;
    }
  if (request->message == NULL)
    return;
  hash = sb_file_dup_hash (download.file);
  download.etag = g_strdup_printf ("\"%s\"", hash);
  download.modified = accepted / G_USEC_PER_SEC;
  answer (request, &download);
}

static void
answer_not_found (SbRequest *request)
{
  sb_request_problem (request, 404, "not-found", "There is no such file for you");
}

/**
 * sb_endpoint_download:
 * @request: `GET` or `HEAD /download/<stored name>`
 *
 * Sends a file, or parts of it.
 */
void
sb_endpoint_download (SbRequest *request)
{
  g_autofree char *name = sb_request_dup_tail (request, PREFIX);

  if (name == NULL)
    answer_not_found (request);
  else
    sb_bus_open_file_async (request->transport->bus, request->user, name, opened_cb,
                            sb_request_ref (request));
}

/* --- DELETE --- */

static void
released_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbRequest) request = user_data;
  g_autoptr (GError) error = NULL;

  if (sb_bus_release_file_finish (SB_BUS (source), result, &error))
    sb_request_answer (request, 200, NULL, NULL);
  else
    sb_request_fail (request, error, NULL);
}

/**
 * sb_endpoint_release:
 * @request: `DELETE /download/<stored name>`
 *
 * A recipient has the file; answers when that is durable.
 */
void
sb_endpoint_release (SbRequest *request)
{
  g_autofree char *name = sb_request_dup_tail (request, PREFIX);

  if (name == NULL)
    answer_not_found (request);
  else
    sb_bus_release_file_async (request->transport->bus, request->user, name, released_cb,
                               sb_request_ref (request));
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-api-backup: `GET /api/v1/backup`. How long the archive will be nobody knows before its
 * end, so it comes in chunks, past libsoup, on the stolen connection. The last chunk says that all
 * of it came; whatever goes wrong on the way ends the connection without it.
 */

#include "sb-soup-api.h"
#include "sb-soup-header.h"
#include "sb-stream.h"

#include <string.h>

#define TYPE "application/x-tar"
#define LAST_CHUNK "0\r\n\r\n"

/* Seconds: others are made in minutes. */
#define RETRY_AFTER "60"

typedef struct
{
  SbBackup *backup;  /* (owned) */
  SbStream *stream;  /* (owned) */
  GByteArray *chunk; /* (owned) thread: what is written at once */
} Download;

static void
download_end (Download *self, gboolean is_whole)
{
  sb_stream_free (self->stream, is_whole ? LAST_CHUNK : NULL);
  sb_backup_unref (self->backup);
  g_byte_array_unref (self->chunk);
  g_free (self);
}

/* In the thread of the backup. */
static gboolean
write_chunk (const void *data, gsize length, gpointer user_data, GError **error)
{
  Download *self = user_data;
  char size[32];

  g_snprintf (size, sizeof size, "%" G_GSIZE_MODIFIER "x\r\n", length);
  g_byte_array_set_size (self->chunk, 0);
  g_byte_array_append (self->chunk, (const guint8 *) size, (guint) strlen (size));
  g_byte_array_append (self->chunk, data, (guint) length);
  g_byte_array_append (self->chunk, (const guint8 *) "\r\n", 2);
  return sb_stream_write (self->stream, self->chunk->data, self->chunk->len, error);
}

static void
written_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Download *self = user_data;

  /* The bus has said in the log how it went, and can make another one. */
  download_end (self, sb_backup_write_finish (self->backup, result, NULL));
}

static void
set_headers (SbRequest *request, gint64 created)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (created / G_USEC_PER_SEC);
  g_autofree char *disposition = g_date_time_format (
      time, "attachment; filename=\"simplebus-%Y%m%dT%H%M%SZ.tar\"");

  sb_request_set_header (request, "Content-Type", TYPE);
  sb_request_set_header (request, "Content-Disposition", disposition);
  sb_request_set_header (request, "Cache-Control", "no-store");
}

static void
send_backup (SbRequest *request, SbBackup *backup)
{
  g_autofree char *head = NULL;
  g_autoptr (GIOStream) stream = NULL;
  g_autoptr (SbConnection) connection = NULL;
  Download *download;

  set_headers (request, sb_backup_get_time (backup));
  sb_request_set_header (request, "Transfer-Encoding", "chunked");
  stream = sb_request_steal (request, 200, &head);
  connection = stream != NULL ? sb_connection_unwrap (stream) : NULL;
  if (connection == NULL)
    return;
  sb_connection_send (connection, NULL, 0, head, strlen (head));
  download = g_new0 (Download, 1);
  download->backup = sb_backup_ref (backup);
  download->stream = sb_stream_new (connection, sb_backup_get_cancellable (backup));
  download->chunk = g_byte_array_new ();
  sb_backup_write_async (backup, write_chunk, download, written_cb, download);
}

static void
prepared_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbRequest) request = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SbBackup) backup = sb_bus_backup_finish (SB_BUS (source), result, &error);

  if (!sb_request_can_answer (request))
    return;
  if (backup != NULL)
    {
      send_backup (request, backup);
      return;
    }
  if (g_error_matches (error, SB_ERROR, SB_ERROR_CONFLICT))
    sb_request_set_header (request, "Retry-After", RETRY_AFTER);
  sb_request_fail (request, error, NULL);
}

/**
 * sb_api_backup:
 * @request: `GET /api/v1/backup`
 * @name: nothing
 *
 * Sends a backup of all that the bus keeps.
 */
void
sb_api_backup (SbRequest *request, const char *name)
{
  SoupServerMessage *message = request->message;

  if (strcmp (soup_server_message_get_method (message), "HEAD") == 0)
    {
      sb_request_set_header (request, "Allow", "OPTIONS, GET");
      sb_request_problem (request, 405, "method-not-allowed",
                          "What a backup is like is known when it is made");
    }
  else if (sb_request_is_cross_site (request))
    sb_request_problem (request, 403, "forbidden", "The request was sent by another site");
  else if (soup_server_message_get_http_version (message) == SOUP_HTTP_1_0)
    sb_request_problem (request, 505, "http-version",
                        "HTTP/1.0 cannot tell a backup that is whole from one that was cut off");
  else
    sb_bus_backup_async (request->transport->bus, request->user, request->cancellable, prepared_cb,
                         sb_request_ref (request));
}

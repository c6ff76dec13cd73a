/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-api-transfers: `/api/v1/transfers`: files that are coming and going now. A download is
 * one of the file sender's, an upload is a request whose body is read as it comes.
 */

#include "sb-soup-api.h"

typedef struct
{
  GString *json;
  gint64 now;
  guint left; /* rows that may come */
} Rows;

static gboolean
is_upload (const SbRequest *request)
{
  return request->message != NULL && request->reader != NULL && request->has_body;
}

/**
 * sb_api_count_uploads:
 * @transport: a transport
 *
 * Returns: requests that bring files
 */
guint
sb_api_count_uploads (SbSoupTransport *transport)
{
  guint n = 0;

  for (const GList *l = transport->requests.head; l != NULL; l = l->next)
    n += is_upload (l->data);
  return n;
}

static void
add_row (Rows *rows, const char *direction, const SbFileLabel *label, guint64 bytes, gint64 size,
         gint64 started)
{
  GString *json = rows->json;

  sb_json_begin (json, NULL, '{');
  sb_json_add_string (json, "direction", direction);
  sb_json_add_string (json, "name", label->name);
  sb_json_add_string (json, "user", label->user);
  sb_json_add_string (json, "address", label->address);
  sb_json_add_integer (json, "bytes", (gint64) bytes);
  if (size >= 0)
    sb_json_add_integer (json, "size", size);
  else
    sb_json_add_raw (json, "size", NULL);
  sb_json_add_double (json, "seconds", (double) (rows->now - started) / G_USEC_PER_SEC);
  sb_json_end (json, '}');
  rows->left--;
}

static gboolean
add_download (const SbFileTransfer *transfer, gpointer user_data)
{
  Rows *rows = user_data;

  if (rows->left == 0)
    return FALSE;
  add_row (rows, "download", &transfer->label, transfer->sent, (gint64) transfer->length,
           transfer->started);
  return TRUE;
}

static void
add_upload (Rows *rows, SbRequest *request)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (request->message);
  g_autofree char *address = sb_request_dup_address (request);
  const SbFileLabel label = { sb_request_get_path (request),
                              request->user != NULL ? request->user->id : NULL, address };
  gint64 size = -1;

  if (soup_message_headers_get_encoding (headers) == SOUP_ENCODING_CONTENT_LENGTH)
    size = soup_message_headers_get_content_length (headers);
  add_row (rows, "upload", &label, request->received, size, request->started);
}

/**
 * sb_api_add_transfers:
 * @transport: a transport
 * @json: an array that is being written
 * @limit: rows at most
 *
 * Adds transfers, downloads first.
 */
void
sb_api_add_transfers (SbSoupTransport *transport, GString *json, guint limit)
{
  Rows rows = { json, g_get_monotonic_time (), limit };

  sb_file_sender_foreach (transport->sender, add_download, &rows);
  for (const GList *l = transport->requests.head; l != NULL && rows.left > 0; l = l->next)
    if (is_upload (l->data))
      add_upload (&rows, l->data);
}

/**
 * sb_api_list_transfers:
 * @request: `GET /api/v1/transfers`
 * @name: %NULL
 *
 * Lists transfers; there is one page only.
 */
void
sb_api_list_transfers (SbRequest *request, const char *name)
{
  SbSoupTransport *transport = request->transport;
  GString *json;
  guint limit;

  if (!sb_api_get_limit (request, &limit))
    return;
  json = g_string_new (NULL);
  sb_json_begin (json, NULL, '{');
  sb_json_begin (json, "transfers", '[');
  sb_api_add_transfers (transport, json, limit);
  sb_json_end (json, ']');
  sb_json_add_integer (json, "downloads", sb_file_sender_get_length (transport->sender));
  sb_json_add_integer (json, "uploads", sb_api_count_uploads (transport));
  sb_json_end (json, '}');
  sb_request_answer_json (request, 200, json);
}

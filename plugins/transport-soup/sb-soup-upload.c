/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-upload: the way of a form with files.
 *
 *   socket → SbMultipart ─ field "data" → json, checked as soon as it is complete
 *                        └ a file → pieces → SbIncoming, finished as soon as it is complete
 *
 * When the vault has enough to do, the connection is not read from until it
 * has room. When the body is complete and all files are on the disk, the bus
 * announces them. Whatever goes wrong before gives all of them up.
 */

#include "sb-soup-upload.h"

#include "sb-multipart.h"
#include "sb-soup-endpoints.h"
#include "sb-soup-form.h"

#include <string.h>

#define MAX_FILES 1000

/* Of a file, gathered before they are handed to the vault. */
#define PIECE (128 * 1024)

/* Complete files of one form that wait for the disk, before the client has to. */
#define MAX_FINISHING 8

/* What a form of so many parts may have besides files and message: more than the parser takes. */
#define FORM_OVERHEAD ((MAX_FILES + 1) * 17 * 1024 + 256 * 1024)

typedef struct
{
  SbRequest *request;  /* (unowned) (nullable): NULL when it is over */
  SbMultipart *parser; /* (owned) */
  GByteArray *json;    /* (owned) (nullable): the message, so far */
  gboolean is_in_json;
  GPtrArray *files;     /* (owned) (nullable) of SbReceivedFile: the last one may be incomplete */
  SbIncoming *incoming; /* (unowned) (nullable): of the last one, while it is incomplete */
  guint8 *piece;        /* (owned) (nullable): bytes of that */
  gsize piece_length;
  guint64 bytes; /* of the files before it */
  guint n_finishing;
  gboolean is_complete; /* the body */
  guint refs;
} Upload;

typedef struct
{
  Upload *upload;       /* (owned) */
  SbIncoming *incoming; /* (owned) */
  guint index;          /* of its file */
} Finish;

/* Life */

static void
upload_unref (Upload *self)
{
  if (--self->refs > 0)
    return;
  sb_multipart_free (self->parser);
  if (self->json != NULL)
    g_byte_array_unref (self->json);
  g_free (self->piece);
  g_free (self);
}

static void
hold_client (Upload *self)
{
  SbConnection *connection = self->request->connection;

  if (connection == NULL || sb_connection_is_paused (connection))
    return;
  /* It is us who make it wait. */
  sb_connection_set_phase (connection, SB_CONNECTION_PHASE_HANDLING);
  sb_connection_set_paused (connection, TRUE);
}

static void
let_client_go (Upload *self)
{
  SbConnection *connection = self->request->connection;

  if (connection == NULL || !sb_connection_is_paused (connection))
    return;
  if (self->request->has_body)
    sb_connection_set_phase (connection, SB_CONNECTION_PHASE_BODY);
  sb_connection_set_paused (connection, FALSE);
}

/* Nothing more is taken in. What the vault has of the files is given up, unless somebody took
 * them over. */
static void
end_upload (Upload *self)
{
  GPtrArray *files = g_steal_pointer (&self->files);

  if (self->request == NULL)
    return;
  let_client_go (self);
  self->request = NULL;
  for (guint i = 0; files != NULL && i < files->len; i++)
    sb_incoming_abort (((SbReceivedFile *) files->pdata[i])->incoming);
  if (files != NULL)
    g_ptr_array_unref (files);
  self->incoming = NULL;
}

/* Refuses the whole. */
static void
fail (Upload *self, const GError *error)
{
  SbRequest *request = self->request;

  if (request == NULL)
    return;
  end_upload (self);
  sb_request_fail (request, error, NULL);
}

/* The answer */

static void
append_file (GString *json, const SbMessage *message)
{
  g_autofree char *hash = sb_file_dup_hash (message->file);

  g_string_append (json, "{\"_id\":");
  sb_json_append_string (json, message->id);
  g_string_append (json, ",\"filename\":");
  sb_json_append_string (json, message->file->name);
  g_string_append (json, ",\"display_filename\":");
  sb_json_append_string (json, message->file->display_name);
  g_string_append_printf (json, ",\"size\":%" G_GUINT64_FORMAT ",\"sha256\":\"%s\"}",
                          message->file->size, hash);
}

static GString *
print_result (const SbPublishedFiles *result)
{
  GString *json = g_string_sized_new (512);

  g_string_append_printf (json, "{\"recipients\":%u,\"files\":[", result->n_recipients);
  for (guint i = 0; i < result->messages->len; i++)
    {
      if (i > 0)
        g_string_append_c (json, ',');
      append_file (json, g_ptr_array_index (result->messages, i));
    }
  g_string_append_c (json, ']');
  sb_request_append_strings (json, "unknown", (const char *const *) result->unknown);
  sb_request_append_strings (json, "full", (const char *const *) result->full);
  if (result->duplicate)
    g_string_append (json, ",\"duplicate\":true");
  g_string_append_c (json, '}');
  return json;
}

static void
published_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbRequest) request = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SbPublishedFiles) published = sb_bus_publish_files_finish (SB_BUS (source), result,
                                                                        &error);

  if (published != NULL)
    sb_request_answer_json (request, 200, print_result (published));
  else
    sb_request_fail (request, error, sb_bus_publish_files_get_full (SB_BUS (source), result));
}

/* Announcing */

static gboolean
check_complete (Upload *self, GError **error)
{
  if (!sb_multipart_finish (self->parser, error))
    return FALSE;
  if (self->json != NULL && self->files->len > 0)
    return TRUE;
  g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "the form has no %s",
               self->json == NULL ? "field \"data\" with the message" : "file");
  return FALSE;
}

/* Once the body is complete and so are the files. */
static void
publish (Upload *self)
{
  SbRequest *request = self->request;
  g_autofree char *base_url = sb_request_dup_base_url (request);
  g_autoptr (GBytes) json = g_byte_array_free_to_bytes (g_steal_pointer (&self->json));
  GPtrArray *files = g_steal_pointer (&self->files);

  end_upload (self);
  sb_bus_publish_files_async (request->transport->bus, request->user, json, files, base_url,
                              published_cb, sb_request_ref (request));
}

/* Files */

static void
update_flow (Upload *self)
{
  if (self->request == NULL)
    return;
  if (self->n_finishing > MAX_FINISHING
      || (self->incoming != NULL && sb_incoming_is_full (self->incoming)))
    hold_client (self);
  else
    let_client_go (self);
}

/* The vault has room again, or cannot go on. */
static void
room_cb (SbIncoming *incoming, gpointer user_data)
{
  Upload *self = user_data;
  const GError *error = sb_incoming_get_error (incoming);

  if (error != NULL)
    fail (self, error);
  else
    update_flow (self);
}

static void
finished_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Finish *finish = user_data;
  Upload *self = finish->upload;
  g_autoptr (GError) error = NULL;
  SbReceivedFile done;

  done.is_finished = sb_incoming_finish_finish (finish->incoming, result, &done.size, done.digest,
                                                &error);
  self->n_finishing--;
  if (self->request != NULL && done.is_finished)
    {
      SbReceivedFile *file = g_ptr_array_index (self->files, finish->index);

      file->size = done.size;
      memcpy (file->digest, done.digest, sizeof file->digest);
      file->is_finished = TRUE;
      if (self->is_complete && self->n_finishing == 0)
        publish (self);
      else
        update_flow (self);
    }
  else if (self->request != NULL)
    fail (self, error);
  sb_incoming_unref (finish->incoming);
  upload_unref (self);
}

static void
finish_file (Upload *self)
{
  Finish *finish = g_new (Finish, 1);

  self->refs++;
  finish->upload = self;
  finish->incoming = sb_incoming_ref (self->incoming);
  finish->index = self->files->len - 1;
  self->n_finishing++;
  self->bytes += sb_incoming_get_size (self->incoming);
  sb_incoming_set_func (self->incoming, NULL, NULL);
  self->incoming = NULL;
  sb_incoming_finish_async (finish->incoming, finished_cb, finish);
}

/* Hands what was gathered to the vault. */
static gboolean
write_piece (Upload *self, GError **error)
{
  SbBus *bus = self->request->transport->bus;
  SbUser *user = self->request->user;
  g_autoptr (GBytes) piece = NULL;
  guint64 size = sb_incoming_get_size (self->incoming) + self->piece_length;

  if (!sb_bus_check_file_size (bus, user, size, error)
      || (self->bytes > 0 && !sb_bus_check_file_quota (bus, user, self->bytes + size, error)))
    return FALSE;
  if (self->piece_length == 0)
    return TRUE;
  if (self->piece_length < PIECE)
    piece = g_bytes_new (self->piece, self->piece_length);
  else
    piece = g_bytes_new_take (g_steal_pointer (&self->piece), self->piece_length);
  self->piece_length = 0;
  sb_incoming_write (self->incoming, piece);
  return TRUE;
}

static gboolean
gather (Upload *self, const char *data, gsize length, GError **error)
{
  while (length > 0)
    {
      gsize n = MIN (length, PIECE - self->piece_length);

      if (self->piece == NULL)
        self->piece = g_malloc (PIECE);
      memcpy (self->piece + self->piece_length, data, n);
      self->piece_length += n;
      data += n;
      length -= n;
      if (self->piece_length == PIECE && !write_piece (self, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
begin_file (Upload *self, const SbMultipartPart *part, GError **error)
{
  g_autoptr (SbIncoming) incoming = NULL;
  g_autofree char *name = NULL;

  if (part->filename == NULL)
    {
      g_set_error (error, SB_ERROR, SB_ERROR_INVALID,
                   "the form's field \"%s\" is neither \"data\" nor a file: it has no filename",
                   part->name);
      return FALSE;
    }
  incoming = sb_bus_receive_file (self->request->transport->bus, self->request->user, error);
  if (incoming == NULL)
    return FALSE;
  name = sb_form_make_display_name (part->name, part->filename);
  g_ptr_array_add (self->files, sb_received_file_new (incoming, name));
  sb_incoming_set_func (incoming, room_cb, self);
  self->incoming = incoming;
  return TRUE;
}

/* The message */

/* As soon as it is there: files that nobody would get need not be sent. */
static gboolean
check_message (Upload *self, GError **error)
{
  SbEnvelope envelope;
  gboolean direct = FALSE;

  if (!sb_envelope_scan (&envelope, (const char *) self->json->data, self->json->len, error))
    return FALSE;
  if (sb_envelope_has (&envelope, SB_MEMBER_DIRECT)
      && !sb_envelope_get_boolean (&envelope, SB_MEMBER_DIRECT, &direct, error))
    return FALSE;
  if (!direct)
    return sb_bus_check_message (self->request->transport->bus, self->request->user, &envelope,
                                 error);
  g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID,
                       "a message with files cannot be a direct one");
  return FALSE;
}

static gboolean
add_json (Upload *self, const char *data, gsize length, GError **error)
{
  gsize max = self->request->transport->max_message_size;

  if (length <= max - MIN (max, self->json->len))
    {
      g_byte_array_append (self->json, (const guint8 *) data, (guint) length);
      return TRUE;
    }
  g_set_error (error, SB_ERROR, SB_ERROR_TOO_LARGE,
               "the form's field \"data\" is larger than %" G_GSIZE_FORMAT " bytes", max);
  return FALSE;
}

/* Parts */

static gboolean
begin_part (const SbMultipartPart *part, gpointer user_data, GError **error)
{
  Upload *self = user_data;

  self->is_in_json = strcmp (part->name, "data") == 0;
  if (!self->is_in_json)
    return begin_file (self, part, error);
  if (self->json != NULL)
    {
      g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID,
                           "the form has more than one field \"data\"");
      return FALSE;
    }
  self->json = g_byte_array_new ();
  return TRUE;
}

static gboolean
take_data (const char *data, gsize length, gpointer user_data, GError **error)
{
  Upload *self = user_data;

  return self->is_in_json ? add_json (self, data, length, error)
                          : gather (self, data, length, error);
}

static gboolean
end_part (gpointer user_data, GError **error)
{
  Upload *self = user_data;

  if (self->is_in_json)
    return check_message (self, error);
  if (!write_piece (self, error))
    return FALSE;
  finish_file (self);
  return TRUE;
}

static const SbMultipartFuncs part_funcs = { begin_part, take_data, end_part };

/* The body */

/**
 * sb_upload_is_form:
 * @request: a request
 *
 * Returns: whether its body is a form, or another thing of several parts
 */
gboolean
sb_upload_is_form (SbRequest *request)
{
  const char *type = sb_request_get_header (request, "Content-Type");

  return type != NULL && g_ascii_strncasecmp (type, "multipart/", 10) == 0;
}

static char *
dup_boundary (SbRequest *request, GError **error)
{
  const char *type = sb_request_get_header (request, "Content-Type");
  g_autofree char *mode = g_strdup (sb_request_get_header (request, "Message-Type"));
  gsize length = strcspn (type, "; \t");

  if (mode != NULL && *g_strstrip (mode) != '\0' && g_ascii_strcasecmp (mode, "file") != 0)
    g_set_error (error, SB_ERROR, SB_ERROR_INVALID,
                 "a form with files is sent with Message-Type: file, or without that header");
  else if (length != strlen ("multipart/form-data")
           || g_ascii_strncasecmp (type, "multipart/form-data", length) != 0)
    g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "files are sent as multipart/form-data");
  else
    return sb_multipart_dup_boundary (type, error);
  return NULL;
}

/* Whether it can be taken at all, by what its length says for certain. */
static gboolean
check_length (SbRequest *request, GError **error)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (request->message);
  SbBus *bus = request->transport->bus;
  guint64 length = 0, overhead = FORM_OVERHEAD + request->transport->max_message_size;

  if (soup_message_headers_get_encoding (headers) == SOUP_ENCODING_CONTENT_LENGTH)
    length = (guint64) soup_message_headers_get_content_length (headers);
  if (length <= overhead)
    return TRUE;
  length -= overhead;
  return sb_bus_check_file_quota (bus, request->user, length, error)
         && sb_bus_check_file_size (bus, request->user, length / MAX_FILES, error);
}

static void
upload_begin (SbRequest *request)
{
  g_autofree char *boundary = NULL;
  g_autoptr (GError) error = NULL;
  Upload *self;

  if (!sb_request_check_rate (request))
    return;
  boundary = dup_boundary (request, &error);
  if (boundary == NULL || !check_length (request, &error))
    {
      sb_request_fail (request, error, NULL);
      return;
    }
  self = g_new0 (Upload, 1);
  self->refs = 1;
  self->request = request;
  self->files = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_received_file_free);
  self->parser = sb_multipart_new (boundary, MAX_FILES + 1, &part_funcs, self);
  request->reader_data = self;
}

static void
upload_chunk (SbRequest *request, GBytes *bytes)
{
  Upload *self = request->reader_data;
  g_autoptr (GError) error = NULL;
  gsize length;
  const char *data = g_bytes_get_data (bytes, &length);

  if (self->request == NULL)
    return;
  if (sb_multipart_feed (self->parser, data, length, &error))
    update_flow (self);
  else
    fail (self, error);
}

static void
upload_end (SbRequest *request)
{
  Upload *self = request->reader_data;
  g_autoptr (GError) error = NULL;

  if (self->request == NULL)
    return;
  let_client_go (self);
  self->is_complete = TRUE;
  if (!check_complete (self, &error))
    fail (self, error);
  else if (self->n_finishing == 0)
    publish (self);
}

static void
upload_gone (SbRequest *request)
{
  Upload *self = g_steal_pointer (&request->reader_data);

  if (self == NULL)
    return;
  end_upload (self);
  upload_unref (self);
}

const SbBodyFuncs sb_upload_funcs = { upload_begin, upload_chunk, upload_end, upload_gone };

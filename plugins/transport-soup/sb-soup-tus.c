/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-tus: uploads that go on where they stopped.
 *
 *   POST /files/         creates one; its body may be the first piece
 *   HEAD /files/<id>     how far it is
 *   PATCH /files/<id>    the next piece
 *   DELETE /files/<id>   gives it up
 *
 * HEAD and PATCH take the upload over from an older request, which may be dead
 * without anybody knowing it. What comes before the upload is taken over waits
 * here; it is little, because the connection is not read from meanwhile. The
 * last piece is answered when the message that announces the file is committed.
 */

#include "sb-soup-tus.h"

#include "sb-soup-endpoints.h"
#include "sb-tus-header.h"

#include <string.h>

#define PIECE_TYPE "application/offset+octet-stream"
#define STATUS_CHECKSUM_MISMATCH 460

typedef struct
{
  guint refs;
  SbRequest *request; /* (unowned) (nullable): NULL when it is over */
  SbRequest *held;    /* (owned) (nullable): the same, if nobody tells when its client goes */
  SbUpload *upload;   /* (owned) (nullable) */
  char *base_url;     /* (owned) (nullable) */
  guint claim;
  guint64 offset; /* where the client wants to go on */
  SbChecksum kind;
  guint8 digest[32];
  GQueue early;         /* of GBytes (owned): what came before the upload was ours */
  gboolean is_creation; /* answered with 201 */
  gboolean is_begun;    /* pieces may be written */
  gboolean is_complete; /* the body */
  gboolean is_ended;    /* nothing more is written */
} Transfer;

/* Life */

static Transfer *
transfer_new (SbRequest *request)
{
  Transfer *self = g_new0 (Transfer, 1);

  self->refs = 1;
  self->request = request;
  return self;
}

/* Of a request without a body, which has no reader: it is kept until it is answered. */
static Transfer *
transfer_new_held (SbRequest *request)
{
  Transfer *self = transfer_new (request);

  self->held = sb_request_ref (request);
  return self;
}

static Transfer *
transfer_ref (Transfer *self)
{
  self->refs++;
  return self;
}

static void
transfer_unref (Transfer *self)
{
  if (--self->refs > 0)
    return;
  g_queue_clear_full (&self->early, (GDestroyNotify) g_bytes_unref);
  g_clear_pointer (&self->upload, sb_upload_unref);
  g_clear_pointer (&self->held, sb_request_unref);
  g_free (self->base_url);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Transfer, transfer_unref)

/* The client */

static void
hold_client (Transfer *self)
{
  SbConnection *connection = self->request->connection;

  if (connection == NULL || sb_connection_is_paused (connection))
    return;
  /* It is us who make it wait. */
  sb_connection_set_phase (connection, SB_CONNECTION_PHASE_HANDLING);
  sb_connection_set_paused (connection, TRUE);
}

static void
let_client_go (Transfer *self)
{
  SbConnection *connection = self->request->connection;

  if (connection == NULL || !sb_connection_is_paused (connection))
    return;
  if (self->request->has_body)
    sb_connection_set_phase (connection, SB_CONNECTION_PHASE_BODY);
  sb_connection_set_paused (connection, FALSE);
}

/* Takes the request away from the transfer, to be answered. Returns: (transfer full) (nullable) */
static SbRequest *
take_request (Transfer *self)
{
  SbRequest *request;

  if (self->request == NULL)
    return NULL;
  let_client_go (self);
  request = sb_request_ref (self->request);
  self->request = NULL;
  return request;
}

/* Answers */

static void
set_number (SbRequest *request, const char *name, guint64 number)
{
  g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT, number);

  sb_request_set_header (request, name, text);
}

static void
set_expires (SbRequest *request, SbUpload *upload)
{
  gint64 expires = sb_upload_get_expires (upload) / G_USEC_PER_SEC;
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (expires);
  g_autofree char *text = time != NULL ? soup_date_time_to_string (time, SOUP_DATE_HTTP) : NULL;

  if (expires > 0 && text != NULL)
    sb_request_set_header (request, "Upload-Expires", text);
}

static void
answer_error (SbRequest *request, const GError *error)
{
  if (g_error_matches (error, SB_ERROR, SB_ERROR_CORRUPT))
    sb_request_problem (request, STATUS_CHECKSUM_MISMATCH, "checksum", error->message);
  else
    sb_request_fail (request, error, NULL);
}

static void
fail (Transfer *self, const GError *error)
{
  g_autoptr (SbRequest) request = take_request (self);

  if (request != NULL)
    answer_error (request, error);
}

/* All went well, and the upload is there. */
static void
answer_progress (Transfer *self, guint64 offset)
{
  g_autoptr (SbRequest) request = take_request (self);

  if (request == NULL)
    return;
  set_number (request, "Upload-Offset", offset);
  set_expires (request, self->upload);
  sb_request_answer (request, self->is_creation ? 201 : 204, NULL, NULL);
}

/* Writing */

static void
ended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Transfer) self = user_data;
  g_autoptr (GError) error = NULL;
  guint64 offset = 0;

  if (sb_upload_end_finish (self->upload, result, &offset, &error))
    answer_progress (self, offset);
  else
    fail (self, error);
}

/* Nothing more is written: what came is flushed, and verified if it is whole. */
static void
end_writing (Transfer *self)
{
  if (self->is_ended)
    return;
  self->is_ended = TRUE;
  sb_upload_end_async (self->upload, self->claim, self->is_complete, ended_cb, transfer_ref (self));
}

static void
update_flow (Transfer *self)
{
  if (self->request == NULL || !self->is_begun || self->is_ended)
    return;
  if (sb_upload_has_failed (self->upload, self->claim))
    end_writing (self);
  else if (sb_upload_is_full (self->upload, self->claim))
    hold_client (self);
  else
    let_client_go (self);
}

/* The vault has room again, or cannot go on. */
static void
room_cb (SbUpload *upload, gpointer user_data)
{
  update_flow (user_data);
}

static void
begin_writing (Transfer *self)
{
  g_autoptr (GError) error = NULL;
  GBytes *bytes;

  if (!sb_upload_begin (self->upload, self->claim, self->offset, self->kind, self->digest, room_cb,
                        self, &error))
    {
      fail (self, error);
      return;
    }
  self->is_begun = TRUE;
  while ((bytes = g_queue_pop_head (&self->early)) != NULL)
    {
      sb_upload_write (self->upload, self->claim, bytes);
      g_bytes_unref (bytes);
    }
  if (self->is_complete)
    end_writing (self);
  else
    update_flow (self);
}

static void
claimed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Transfer) self = user_data;
  g_autoptr (GError) error = NULL;
  guint64 offset = 0;

  if (!sb_upload_claim_finish (self->upload, result, &self->claim, &offset, &error))
    fail (self, error);
  else if (self->request != NULL)
    begin_writing (self);
}

static void
claim (Transfer *self)
{
  sb_upload_claim_async (self->upload, claimed_cb, transfer_ref (self));
}

/* PATCH */

static gboolean
has_piece_type (SbRequest *request)
{
  const char *type = sb_request_get_header (request, "Content-Type");

  return type != NULL && g_ascii_strcasecmp (type, PIECE_TYPE) == 0;
}

static SbUpload *
find_upload (SbRequest *request, GError **error)
{
  g_autofree char *id = sb_request_dup_tail (request, "/files/");

  return sb_bus_find_upload (request->transport->bus, request->user, id != NULL ? id : "", error);
}

static void
begin_patch (Transfer *self)
{
  SbRequest *request = self->request;
  g_autoptr (GError) error = NULL;

  if (!has_piece_type (request))
    {
      g_autoptr (SbRequest) taken = take_request (self);

      sb_request_problem (taken, 415, "unsupported", "A piece is sent as " PIECE_TYPE);
      return;
    }
  self->upload = find_upload (request, &error);
  if (self->upload != NULL
      && sb_tus_parse_number (sb_request_get_header (request, "Upload-Offset"), "Upload-Offset",
                              &self->offset, &error)
      && sb_tus_parse_checksum (sb_request_get_header (request, "Upload-Checksum"), &self->kind,
                                self->digest, &error))
    claim (self);
  else
    fail (self, error);
}

/* POST */

static void
created_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Transfer) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *location = NULL;

  self->upload = sb_bus_create_upload_finish (SB_BUS (source), result, &error);
  if (self->upload == NULL)
    {
      fail (self, error);
      return;
    }
  if (self->request == NULL)
    return;
  location = g_strconcat (self->base_url != NULL ? self->base_url : "", "/files/",
                          sb_upload_get_id (self->upload), NULL);
  sb_request_set_header (self->request, "Location", location);
  /* An empty file is complete as soon as it is created. */
  if (self->request->reader_data != NULL || sb_upload_get_length (self->upload) == 0)
    claim (self);
  else
    answer_progress (self, 0);
}

static gboolean
check_metadata (SbTusMetadata *metadata, GError **error)
{
  SbEnvelope envelope;
  gboolean direct = FALSE;
  gsize length;
  const char *json;

  if (metadata->data == NULL || metadata->filename == NULL)
    {
      g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "Upload-Metadata has no %s",
                   metadata->data == NULL ? "data, which is the message" : "filename");
      return FALSE;
    }
  json = g_bytes_get_data (metadata->data, &length);
  if (!sb_envelope_scan (&envelope, json != NULL ? json : "", length, error)
      || (sb_envelope_has (&envelope, SB_MEMBER_DIRECT)
          && !sb_envelope_get_boolean (&envelope, SB_MEMBER_DIRECT, &direct, error)))
    return FALSE;
  if (!direct)
    return TRUE;
  g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID,
                       "a message with files cannot be a direct one");
  return FALSE;
}

static gboolean
read_creation (Transfer *self, SbTusMetadata *metadata, guint64 *length, GError **error)
{
  SbRequest *request = self->request;

  *metadata = (SbTusMetadata) { 0 };
  if (sb_request_get_header (request, "Upload-Defer-Length") != NULL
      || sb_request_get_header (request, "Upload-Concat") != NULL)
    {
      g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID,
                           "this bus takes uploads in one, of a length that is known");
      return FALSE;
    }
  return sb_tus_parse_number (sb_request_get_header (request, "Upload-Length"), "Upload-Length",
                              length, error)
         && sb_tus_parse_checksum (sb_request_get_header (request, "Upload-Checksum"), &self->kind,
                                   self->digest, error)
         && sb_tus_parse_metadata (sb_request_get_header (request, "Upload-Metadata"), metadata,
                                   error)
         && check_metadata (metadata, error);
}

static void
begin_creation (Transfer *self)
{
  SbRequest *request = self->request;
  g_autofree char *name = NULL;
  g_autoptr (GError) error = NULL;
  SbTusMetadata metadata;
  guint64 length;

  self->is_creation = TRUE;
  self->base_url = sb_request_dup_base_url (request);
  if (request->reader_data != NULL && !has_piece_type (request))
    {
      g_autoptr (SbRequest) taken = take_request (self);

      sb_request_problem (taken, 415, "unsupported", "The first piece is sent as " PIECE_TYPE);
      return;
    }
  if (!sb_request_check_rate (request))
    {
      let_client_go (self);
      self->request = NULL;
      return;
    }
  if (read_creation (self, &metadata, &length, &error))
    {
      name = sb_file_name_make_display (metadata.filename);
      sb_bus_create_upload_async (request->transport->bus, request->user, length, name,
                                  metadata.data, self->base_url, created_cb, transfer_ref (self));
    }
  else
    fail (self, error);
  sb_tus_metadata_clear (&metadata);
}

/* HEAD */

static void
looked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Transfer) self = user_data;
  g_autoptr (SbRequest) request = take_request (self);
  g_autoptr (GError) error = NULL;
  g_autofree char *encoded = NULL;
  g_autofree char *metadata = NULL;
  guint64 offset = 0;

  if (!sb_upload_claim_finish (self->upload, result, &self->claim, &offset, &error))
    {
      answer_error (request, error);
      return;
    }
  encoded = g_base64_encode ((const guint8 *) sb_upload_get_name (self->upload),
                             strlen (sb_upload_get_name (self->upload)));
  metadata = g_strconcat ("filename ", encoded, NULL);
  set_number (request, "Upload-Offset", offset);
  set_number (request, "Upload-Length", sb_upload_get_length (self->upload));
  set_expires (request, self->upload);
  sb_request_set_header (request, "Upload-Metadata", metadata);
  sb_request_answer (request, 200, NULL, NULL);
}

/* Looking takes the upload over: what is told stays true. */
static void
look (SbRequest *request)
{
  g_autoptr (GError) error = NULL;
  Transfer *self = transfer_new_held (request);

  self->upload = find_upload (request, &error);
  if (self->upload == NULL)
    {
      fail (self, error);
      transfer_unref (self);
      return;
    }
  sb_upload_claim_async (self->upload, looked_cb, self);
}

/* DELETE */

typedef struct
{
  SbRequest *request; /* (owned) */
  SbUpload *upload;   /* (owned) */
} Removal;

static void
removed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Removal *removal = user_data;
  g_autoptr (SbRequest) request = removal->request;
  g_autoptr (SbUpload) upload = removal->upload;
  g_autoptr (GError) error = NULL;

  if (sb_upload_remove_finish (upload, result, &error))
    sb_request_answer (request, 204, NULL, NULL);
  else
    answer_error (request, error);
}

static void
terminate (SbRequest *request)
{
  g_autoptr (GError) error = NULL;
  SbUpload *upload = find_upload (request, &error);
  Removal *removal;

  if (upload == NULL)
    {
      answer_error (request, error);
      return;
    }
  removal = g_new (Removal, 1);
  removal->request = sb_request_ref (request);
  removal->upload = upload;
  sb_upload_remove_async (upload, removed_cb, removal);
}

/* Requests */

static const char *
get_method (SbRequest *request)
{
  const char *override = sb_request_get_header (request, "X-HTTP-Method-Override");

  return override != NULL ? override : soup_server_message_get_method (request->message);
}

static gboolean
check_version (SbRequest *request)
{
  sb_request_set_header (request, "Tus-Resumable", SB_TUS_VERSION);
  if (g_strcmp0 (sb_request_get_header (request, "Tus-Resumable"), SB_TUS_VERSION) == 0)
    return TRUE;
  sb_request_set_header (request, "Tus-Version", SB_TUS_VERSION);
  sb_request_problem (request, 412, "version",
                      "Tus-Resumable is not the version that this bus speaks, " SB_TUS_VERSION);
  return FALSE;
}

static gboolean
is_collection (SbRequest *request)
{
  const char *path = sb_request_get_path (request);

  return strcmp (path, "/files/") == 0 || strcmp (path, "/files") == 0;
}

/* Begins what has a body, or may have one. Returns whether the method is one of these. */
static gboolean
begin_transfer (Transfer *self, const char *method)
{
  gboolean is_whole = is_collection (self->request);

  if (is_whole && strcmp (method, "POST") == 0)
    begin_creation (self);
  else if (!is_whole && strcmp (method, "PATCH") == 0)
    begin_patch (self);
  else
    return FALSE;
  return TRUE;
}

static void
refuse_method (SbRequest *request)
{
  sb_request_set_header (
      request, "Allow", is_collection (request) ? "OPTIONS, POST" : "OPTIONS, HEAD, PATCH, DELETE");
  sb_request_problem (request, 405, "method-not-allowed", "This path takes other methods");
}

/**
 * sb_endpoint_tus:
 * @request: of `/files/` or of an upload below it, without a body
 */
void
sb_endpoint_tus (SbRequest *request)
{
  const char *method = get_method (request);

  if (!check_version (request))
    return;
  if (!is_collection (request) && strcmp (method, "HEAD") == 0)
    look (request);
  else if (!is_collection (request) && strcmp (method, "DELETE") == 0)
    terminate (request);
  else
    {
      Transfer *self = transfer_new_held (request);

      self->is_complete = TRUE;
      if (!begin_transfer (self, method))
        refuse_method (request);
      transfer_unref (self);
    }
}

/**
 * sb_endpoint_tus_options:
 * @request: `OPTIONS` of `/files/` or of an upload below it
 *
 * Says what this server can do.
 */
void
sb_endpoint_tus_options (SbRequest *request)
{
  SbConfig *config = sb_bus_get_config (request->transport->bus);

  sb_request_set_header (request, "Tus-Resumable", SB_TUS_VERSION);
  sb_request_set_header (request, "Tus-Version", SB_TUS_VERSION);
  sb_request_set_header (request, "Tus-Extension",
                         "creation,creation-with-upload,termination,expiration,checksum");
  sb_request_set_header (request, "Tus-Checksum-Algorithm", "sha1,sha256");
  set_number (request, "Tus-Max-Size",
              (guint64) sb_config_get_size (config, SB_CONFIG_GROUP_BUS, "max-file-size"));
  sb_request_set_header (
      request, "Allow", is_collection (request) ? "OPTIONS, POST" : "OPTIONS, HEAD, PATCH, DELETE");
  sb_request_answer (request, 204, NULL, NULL);
}

/* The body */

static void
tus_begin (SbRequest *request)
{
  Transfer *self;

  if (!check_version (request))
    return;
  self = transfer_new (request);
  request->reader_data = self;
  /* Until the upload is ours. */
  hold_client (self);
  if (begin_transfer (self, get_method (request)))
    return;
  let_client_go (self);
  self->request = NULL;
  refuse_method (request);
}

static void
tus_chunk (SbRequest *request, GBytes *bytes)
{
  Transfer *self = request->reader_data;

  if (self == NULL || self->request == NULL || self->is_ended)
    return;
  if (!self->is_begun)
    {
      g_queue_push_tail (&self->early, g_bytes_ref (bytes));
      return;
    }
  sb_upload_write (self->upload, self->claim, bytes);
  update_flow (self);
}

static void
tus_end (SbRequest *request)
{
  Transfer *self = request->reader_data;

  if (self == NULL || self->request == NULL)
    return;
  self->is_complete = TRUE;
  if (self->is_begun)
    end_writing (self);
}

static void
tus_gone (SbRequest *request)
{
  Transfer *self = g_steal_pointer (&request->reader_data);

  if (self == NULL)
    return;
  if (self->request != NULL)
    let_client_go (self);
  self->request = NULL;
  /* What came of it stays, unless it was to be verified. */
  if (self->is_begun && !self->is_ended)
    {
      self->is_ended = TRUE;
      sb_upload_end_async (self->upload, self->claim, FALSE, NULL, NULL);
    }
  transfer_unref (self);
}

const SbBodyFuncs sb_tus_funcs = { tus_begin, tus_chunk, tus_end, tus_gone };

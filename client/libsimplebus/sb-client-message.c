/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-message: a message as it came. What is asked for of every message is found in one pass
 * over the bytes; the notice of a file, which is rare, is parsed for the rest.
 */

#include "sb-client-message.h"

#include "sb-client-json.h"
#include "sb-envelope.h"

#include <string.h>

struct _SbClientMessage
{
  gatomicrefcount ref_count;
  GBytes *bytes;   /* (owned) ended by a NUL that is not counted */
  char *id;        /* (owned) */
  char *sender;    /* (owned) */
  SbSlice payload; /* within bytes */
  gboolean is_file;
  char *file_name;    /* (owned) (nullable) */
  char *display_name; /* (owned) (nullable) */
  char *sha256;       /* (owned) (nullable) */
  gint64 size;
};

G_DEFINE_BOXED_TYPE (SbClientMessage, sb_client_message, sb_client_message_ref,
                     sb_client_message_unref)

static gboolean
is_sha256 (const char *text)
{
  return text != NULL && strlen (text) == 64 && strspn (text, "0123456789abcdef") == 64;
}

static void
read_notice (SbClientMessage *self)
{
  gsize length;
  const char *text = g_bytes_get_data (self->bytes, &length);
  g_autoptr (JsonObject) notice = sb_client_json_parse_object (text, length);

  if (notice == NULL)
    return;
  self->file_name = g_strdup (sb_client_json_get_string (notice, "filename"));
  self->display_name = g_strdup (sb_client_json_get_string (notice, "display_filename"));
  self->size = sb_client_json_get_integer (notice, "size", -1);
  self->sha256 = g_strdup (sb_client_json_get_string (notice, "sha256"));
  if (!is_sha256 (self->sha256))
    g_clear_pointer (&self->sha256, g_free);
  self->is_file = self->file_name != NULL && *self->file_name != '\0';
}

static gboolean
read_envelope (SbClientMessage *self, GError **error)
{
  gsize length;
  const char *data = g_bytes_get_data (self->bytes, &length);
  SbEnvelope envelope;

  if (!sb_envelope_scan (&envelope, data, length, error))
    return FALSE;
  self->id = sb_envelope_dup_string (&envelope, SB_MEMBER_ID, error);
  if (self->id == NULL)
    return FALSE;
  self->sender = sb_envelope_dup_string (&envelope, SB_MEMBER_SENDER, NULL);
  if (self->sender == NULL)
    self->sender = g_strdup ("");
  self->payload = envelope.values[SB_MEMBER_MESSAGE];
  if (sb_envelope_equals (&envelope, SB_MEMBER_TYPE, "file"))
    read_notice (self);
  return TRUE;
}

static GBytes *
end_with_nul (GBytes *json)
{
  gsize length;
  const char *data = g_bytes_get_data (json, &length);
  char *copy = g_malloc (length + 1);

  if (length > 0)
    memcpy (copy, data, length);
  copy[length] = '\0';
  return g_bytes_new_take (copy, length);
}

/**
 * sb_client_message_new: (constructor)
 * @json: a message as a bus delivers it, with its `_id`
 * @error: return location
 *
 * Makes a message, for example of one that was kept in a file.
 *
 * Returns: (transfer full) (nullable): the message; %NULL with %SB_CLIENT_ERROR_PROTOCOL
 */
SbClientMessage *
sb_client_message_new (GBytes *json, GError **error)
{
  g_autoptr (SbClientMessage) self = NULL;
  g_autoptr (GError) fault = NULL;

  g_return_val_if_fail (json != NULL, NULL);

  self = g_new0 (SbClientMessage, 1);
  g_atomic_ref_count_init (&self->ref_count);
  self->size = -1;
  self->bytes = end_with_nul (json);
  if (read_envelope (self, &fault))
    return g_steal_pointer (&self);
  g_set_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_PROTOCOL, "This is no message: %s",
               fault != NULL ? fault->message : "it has no _id");
  return NULL;
}

/**
 * sb_client_message_ref:
 * @self: a message
 *
 * Returns: (transfer full): @self
 */
SbClientMessage *
sb_client_message_ref (SbClientMessage *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

/**
 * sb_client_message_unref:
 * @self: (transfer full): a message
 *
 * Gives a reference back.
 */
void
sb_client_message_unref (SbClientMessage *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_free (self->id);
  g_free (self->sender);
  g_free (self->file_name);
  g_free (self->display_name);
  g_free (self->sha256);
  g_free (self);
}

/**
 * sb_client_message_get_id:
 * @self: a message
 *
 * Returns: (transfer none): its `_id`, by which it is confirmed
 */
const char *
sb_client_message_get_id (SbClientMessage *self)
{
  return self->id;
}

/**
 * sb_client_message_get_sender:
 * @self: a message
 *
 * Returns: (transfer none): id of the user that sent it, vouched for by the bus
 */
const char *
sb_client_message_get_sender (SbClientMessage *self)
{
  return self->sender;
}

/**
 * sb_client_message_get_json:
 * @self: a message
 *
 * Returns: (transfer none): the whole message as JSON, byte for byte as it came
 */
const char *
sb_client_message_get_json (SbClientMessage *self)
{
  return g_bytes_get_data (self->bytes, NULL);
}

/**
 * sb_client_message_get_bytes:
 * @self: a message
 *
 * Returns: (transfer none): the same as sb_client_message_get_json(), with its length
 */
GBytes *
sb_client_message_get_bytes (SbClientMessage *self)
{
  return self->bytes;
}

/**
 * sb_client_message_dup_payload:
 * @self: a message
 *
 * Returns: (transfer full) (nullable): the value of `message` as JSON, byte for byte; %NULL when
 * there is none, as in the notice of a file that was sent without
 */
char *
sb_client_message_dup_payload (SbClientMessage *self)
{
  return self->payload.data != NULL ? g_strndup (self->payload.data, self->payload.length) : NULL;
}

/**
 * sb_client_message_is_file:
 * @self: a message
 *
 * Returns: whether it tells of a file that waits at the bus
 */
gboolean
sb_client_message_is_file (SbClientMessage *self)
{
  return self->is_file;
}

/**
 * sb_client_message_get_file_name:
 * @self: a message
 *
 * Returns: (transfer none) (nullable): the name under which the bus keeps the file; %NULL when it
 * is not about a file
 */
const char *
sb_client_message_get_file_name (SbClientMessage *self)
{
  return self->file_name;
}

/**
 * sb_client_message_get_display_name:
 * @self: a message
 *
 * Returns: (transfer none) (nullable): the name that the sender gave the file, which may be any
 * text
 */
const char *
sb_client_message_get_display_name (SbClientMessage *self)
{
  return self->display_name;
}

/**
 * sb_client_message_get_file_size:
 * @self: a message
 *
 * Returns: size of the file in bytes; -1 when it is not known
 */
gint64
sb_client_message_get_file_size (SbClientMessage *self)
{
  return self->size;
}

/**
 * sb_client_message_get_sha256:
 * @self: a message
 *
 * Returns: (transfer none) (nullable): SHA-256 of the file in 64 lower-case hex digits; %NULL when
 * the bus did not tell
 */
const char *
sb_client_message_get_sha256 (SbClientMessage *self)
{
  return self->sha256;
}

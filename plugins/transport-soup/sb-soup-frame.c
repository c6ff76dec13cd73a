/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-frame: control frames, parsed and built.
 *
 * A confirmation, a ping and every frame that goes out is handled without a
 * JSON tree; only a log-in, which is rare, is parsed into one, and only after
 * the envelope's scanner has accepted it.
 */

#include "sb-soup-frame.h"

#include <json-glib/json-glib.h>
#include <string.h>

/* A log-in is small; json-glib is not given more than this. */
#define MAX_CONNECT_FRAME (64 * 1024)

/**
 * sb_frame_classify:
 * @envelope: a scanned frame
 *
 * Returns: what it is
 */
SbFrameKind
sb_frame_classify (const SbEnvelope *envelope)
{
  if (!sb_envelope_has (envelope, SB_MEMBER_TYPE))
    return SB_FRAME_MESSAGE;
  if (sb_envelope_equals (envelope, SB_MEMBER_TYPE, "confirmation"))
    return SB_FRAME_CONFIRMATION;
  if (sb_envelope_equals (envelope, SB_MEMBER_TYPE, "ping"))
    return SB_FRAME_PING;
  if (sb_envelope_equals (envelope, SB_MEMBER_TYPE, "pong"))
    return SB_FRAME_PONG;
  if (sb_envelope_equals (envelope, SB_MEMBER_TYPE, "connect"))
    return SB_FRAME_CONNECT;
  return SB_FRAME_MESSAGE;
}

/* --- Log-in --- */

static gboolean
get_string (JsonObject *object, const char *name, char **value, GError **error)
{
  JsonNode *node = json_object_get_member (object, name);

  if (node == NULL || JSON_NODE_HOLDS_NULL (node))
    return TRUE;
  if (json_node_get_value_type (node) != G_TYPE_STRING)
    {
      g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "%s is no string", name);
      return FALSE;
    }
  *value = json_node_dup_string (node);
  return TRUE;
}

static gboolean
get_boolean (JsonObject *object, const char *name, gboolean *value, GError **error)
{
  JsonNode *node = json_object_get_member (object, name);

  if (node == NULL || JSON_NODE_HOLDS_NULL (node))
    return TRUE;
  if (json_node_get_value_type (node) != G_TYPE_BOOLEAN)
    {
      g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "%s is neither true nor false", name);
      return FALSE;
    }
  *value = json_node_get_boolean (node);
  return TRUE;
}

static gboolean
read_connect (SbConnectFrame *self, JsonObject *object, GError **error)
{
  if (!get_string (object, "password", &self->password, error)
      || !get_string (object, "token", &self->token, error)
      || !get_boolean (object, "hello", &self->hello, error)
      || !get_boolean (object, "accepted", &self->accepted, error)
      || !get_boolean (object, "receipts", &self->receipts, error)
      || !get_boolean (object, "expired", &self->expired, error))
    return FALSE;
  if (self->password != NULL || self->token != NULL)
    return TRUE;
  g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID, "neither password nor token");
  return FALSE;
}

/**
 * sb_connect_frame_parse:
 * @envelope: a scanned frame of the kind %SB_FRAME_CONNECT
 * @error: return location for an error
 *
 * Returns: (transfer full): the log-in; %NULL and %SB_ERROR_INVALID, whose
 *   message never has anything of the frame in it
 */
SbConnectFrame *
sb_connect_frame_parse (const SbEnvelope *envelope, GError **error)
{
  g_autoptr (SbConnectFrame) self = g_new0 (SbConnectFrame, 1);
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonNode *root;

  self->receipts = TRUE;
  if (envelope->length > MAX_CONNECT_FRAME || envelope->data_repeated)
    {
      g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID, "not a log-in");
      return NULL;
    }
  self->id = sb_envelope_has (envelope, SB_MEMBER_DATA)
                 ? sb_envelope_dup_string (envelope, SB_MEMBER_DATA, error)
                 : NULL;
  if (self->id == NULL)
    {
      if (!sb_envelope_has (envelope, SB_MEMBER_DATA))
        g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID, "no user in data");
      return NULL;
    }
  if (!sb_json_check_document (envelope->data, envelope->length, error))
    return NULL;
  if (!json_parser_load_from_data (parser, envelope->data, (gssize) envelope->length, NULL))
    {
      g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID, "not a log-in");
      return NULL;
    }
  root = json_parser_get_root (parser);
  if (!read_connect (self, json_node_get_object (root), error))
    return NULL;
  return g_steal_pointer (&self);
}

void
sb_connect_frame_free (SbConnectFrame *self)
{
  g_free (self->id);
  g_free (self->password);
  g_free (self->token);
  g_free (self);
}

/* --- Frames that go out --- */

static GBytes *
take (GString *json)
{
  g_string_append_c (json, '}');
  return g_string_free_to_bytes (json);
}

/**
 * sb_frame_new_receipt:
 * @id: of the message
 * @recipient: who confirmed it
 *
 * Returns: (transfer full): the frame
 */
GBytes *
sb_frame_new_receipt (const char *id, const char *recipient)
{
  GString *json = g_string_sized_new (96 + strlen (id) + strlen (recipient));

  g_string_append (json, "{\"type\":\"confirmation\",\"data\":");
  sb_json_append_string (json, id);
  g_string_append (json, ",\"sender\":");
  sb_json_append_string (json, recipient);
  return take (json);
}

/**
 * sb_frame_new_accepted:
 * @id: of the message that is durable
 *
 * Returns: (transfer full): the frame
 */
GBytes *
sb_frame_new_accepted (const char *id)
{
  GString *json = g_string_sized_new (64 + strlen (id));

  g_string_append (json, "{\"type\":\"accepted\",\"data\":");
  sb_json_append_string (json, id);
  return take (json);
}

/**
 * sb_frame_new_expired:
 * @id: of the message
 * @recipient: whose delivery ended
 * @reason: a word
 *
 * Returns: (transfer full): the frame
 */
GBytes *
sb_frame_new_expired (const char *id, const char *recipient, const char *reason)
{
  GString *json = g_string_sized_new (160);

  g_string_append (json, "{\"type\":\"expired\",\"data\":");
  sb_json_append_string (json, id);
  g_string_append (json, ",\"sender\":");
  sb_json_append_string (json, recipient);
  g_string_append (json, ",\"reason\":");
  sb_json_append_string (json, reason);
  return take (json);
}

/**
 * sb_frame_new_connected:
 * @token: to log in with again
 * @pending: deliveries that wait
 *
 * Returns: (transfer full): the frame
 */
GBytes *
sb_frame_new_connected (const char *token, guint64 pending)
{
  GString *json = g_string_sized_new (256);

  g_string_append (json, "{\"type\":\"connected\",\"token\":");
  sb_json_append_string (json, token);
  g_string_append_printf (json, ",\"pending\":%" G_GUINT64_FORMAT, pending);
  return take (json);
}

/**
 * sb_frame_new_error:
 * @id: (nullable): of the message, when one is known
 * @sender: (nullable): the user that is told
 * @uid: the value of `uid` as the client wrote it, or nothing
 * @reason: (nullable): a word for programs, as in the problem documents of HTTP
 * @why: for people
 *
 * Returns: (transfer full): the frame
 */
GBytes *
sb_frame_new_error (const char *id, const char *sender, SbSlice uid, const char *reason,
                    const char *why)
{
  GString *json = g_string_sized_new (256 + uid.length);

  g_string_append (json, "{\"type\":\"ERROR\"");
  if (id != NULL)
    {
      g_string_append (json, ",\"data\":");
      sb_json_append_string (json, id);
    }
  if (sender != NULL)
    {
      g_string_append (json, ",\"sender\":");
      sb_json_append_string (json, sender);
    }
  if (uid.data != NULL)
    {
      g_string_append (json, ",\"uid\":");
      g_string_append_len (json, uid.data, (gssize) uid.length);
    }
  if (reason != NULL)
    {
      g_string_append (json, ",\"reason\":");
      sb_json_append_string (json, reason);
    }
  g_string_append (json, ",\"error\":");
  sb_json_append_string (json, why);
  return take (json);
}

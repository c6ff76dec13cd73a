/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-session-frames: what the bus says, and what is said to it.
 *
 * Messages and the bus's `accepted` are read by the envelope's scanner alone; what is rare is
 * parsed.
 *
 * Each message that comes is confirmed, by the program or when its handlers have returned. A
 * confirmation can be lost with its connection, and then the bus sends the message again: what was
 * confirmed not long ago is confirmed once more, and the program does not see it twice.
 */

#include "sb-client-session-private.h"

#include "sb-client-downloads.h"
#include "sb-client-fault.h"
#include "sb-client-json.h"
#include "sb-client-outbox.h"
#include "sb-client-parts.h"
#include "sb-envelope.h"

#include <string.h>

/* Of the time without a session; what is beyond is delivered again, and confirmed then. */
#define MAX_CONFIRMATIONS 16384
/* Who sends more than that stops for a while. */
#define MAX_QUEUED (1024 * 1024)
/* Confirmations go beyond it, but not for ever: a bus that reads nothing. */
#define MAX_QUEUED_CONFIRMATIONS (16 * 1024 * 1024)

static SbClientOutbox *
peek_outbox (SbClientSession *self)
{
  return sb_client_parts_peek_outbox (sb_client_get_parts (self->client));
}

/* --- What is said --- */

gboolean
sb_client_session_is_open (SbClientSession *self)
{
  return self->phase == SB_CLIENT_PHASE_OPEN;
}

gboolean
sb_client_session_can_send (SbClientSession *self)
{
  return self->phase == SB_CLIENT_PHASE_OPEN
         && sb_client_socket_get_queued (self->socket) < MAX_QUEUED;
}

/* The original bus does not say what it has accepted. A pong says at least what it has read. */
static void
ask_what_was_read (SbClientSession *self)
{
  SbClientOutbox *outbox = peek_outbox (self);

  if (!self->is_legacy || self->pinged != 0 || outbox == NULL)
    return;
  self->pinged = sb_client_outbox_get_n_sent (outbox);
  if (self->pinged != 0)
    sb_client_socket_ping (self->socket, self->pinged);
}

void
sb_client_session_take_pong (SbClientSession *self, guint64 mark)
{
  SbClientOutbox *outbox = peek_outbox (self);

  if (mark == 0 || mark != self->pinged || outbox == NULL)
    return;
  self->pinged = 0;
  sb_client_outbox_read_up_to (outbox, mark);
  if (self->phase == SB_CLIENT_PHASE_OPEN && sb_client_outbox_get_n_sent (outbox) > mark)
    ask_what_was_read (self);
}

/**
 * sb_client_session_send:
 * @self: a session
 * @json: a message
 * @length: of it in bytes
 *
 * Writes it, when the session is open.
 */
void
sb_client_session_send (SbClientSession *self, const char *json, gsize length)
{
  if (self->phase != SB_CLIENT_PHASE_OPEN)
    return;
  sb_client_socket_send (self->socket, json, length);
  ask_what_was_read (self);
}

static void
add_string (GString *json, const char *name, const char *value)
{
  g_string_append (json, name);
  sb_json_append_string (json, value);
}

/* Asks the bus to greet, to say what it accepted, and what expired. */
void
sb_client_session_log_in (SbClientSession *self)
{
  const SbClientSettings *settings = sb_client_get_settings (self->client);
  g_autoptr (GString) json = g_string_new ("{\"type\":\"connect\"");

  add_string (json, ",\"data\":", settings->user);
  if (self->used_token)
    add_string (json, ",\"token\":", self->token);
  else
    add_string (json, ",\"password\":", settings->password != NULL ? settings->password : "");
  g_string_append (json, ",\"hello\":true,\"accepted\":true,\"expired\":true");
  if (!settings->receipts)
    g_string_append (json, ",\"receipts\":false");
  g_string_append_c (json, '}');
  sb_client_socket_send (self->socket, json->str, json->len);
}

static void
send_confirmation (SbClientSession *self, const char *id)
{
  if (sb_client_socket_get_queued (self->socket) >= MAX_QUEUED_CONFIRMATIONS)
    return;
  g_string_truncate (self->scratch, 0);
  add_string (self->scratch, "{\"type\":\"confirmation\",\"data\":", id);
  g_string_append_c (self->scratch, '}');
  sb_client_socket_send (self->socket, self->scratch->str, self->scratch->len);
}

/* Those of the time without a session. */
void
sb_client_session_send_confirmations (SbClientSession *self)
{
  char *id;

  while ((id = g_queue_pop_head (&self->confirmations)) != NULL)
    {
      send_confirmation (self, id);
      g_free (id);
    }
}

/**
 * sb_client_session_confirm:
 * @self: a session
 * @id: of a message that came
 *
 * Confirms it, now or when there is a session again.
 */
void
sb_client_session_confirm (SbClientSession *self, const char *id)
{
  sb_client_recent_add (self->confirmed, id);
  if (self->phase == SB_CLIENT_PHASE_OPEN)
    send_confirmation (self, id);
  else if (self->confirmations.length < MAX_CONFIRMATIONS)
    g_queue_push_tail (&self->confirmations, g_strdup (id));
}

/* --- Messages --- */

static void
take_notice (SbClientSession *self, SbClientMessage *message)
{
  g_autoptr (GError) error = NULL;
  SbClientDownloads *downloads = sb_client_get_downloads (self->client, &error);

  if (downloads != NULL)
    sb_client_downloads_take (downloads, message);
  else
    sb_client_emit_error (self->client, sb_client_message_get_id (message), error);
}

/* A direct one with the same id is another one: nobody sends those again. */
static gboolean
is_repeated (SbClientSession *self, const SbEnvelope *envelope, const char *id)
{
  return sb_client_recent_has (self->confirmed, id)
         && !sb_envelope_has (envelope, SB_MEMBER_DIRECT);
}

static void
take_message (SbClientSession *self, const SbEnvelope *envelope)
{
  const SbClientSettings *settings = sb_client_get_settings (self->client);
  g_autoptr (GBytes) bytes = g_bytes_new_static (envelope->data, envelope->length);
  g_autoptr (GError) error = NULL;
  g_autoptr (SbClientMessage) message = sb_client_message_new (bytes, &error);
  const char *id;

  if (message == NULL)
    {
      sb_client_emit_error (self->client, NULL, error);
      return;
    }
  self->has_progress = TRUE;
  id = sb_client_message_get_id (message);
  if (is_repeated (self, envelope, id))
    {
      sb_client_session_confirm (self, id);
      return;
    }
  if (settings->download_dir != NULL && sb_client_message_is_file (message))
    {
      take_notice (self, message);
      return;
    }
  sb_client_emit_message (self->client, message);
  sb_client_fault_point ("session-handled");
  if (settings->auto_confirm)
    sb_client_session_confirm (self, id);
}

/* --- The bus's own words --- */

/* Returns: (transfer full) (nullable): the frame */
static JsonObject *
parse (const SbEnvelope *envelope)
{
  return sb_client_json_parse_object (envelope->data, envelope->length);
}

static void
take_greeting (SbClientSession *self, const SbEnvelope *envelope)
{
  g_autoptr (JsonObject) object = parse (envelope);

  if (object == NULL)
    return;
  g_free (self->token);
  self->token = g_strdup (sb_client_json_get_string (object, "token"));
  self->was_greeted = TRUE;
  sb_client_set_pending (self->client, sb_client_json_get_integer (object, "pending", -1));
  if (self->phase == SB_CLIENT_PHASE_LOGGING_IN)
    sb_client_session_open (self, FALSE);
  else
    self->is_legacy = FALSE;
}

static void
take_accepted (SbClientSession *self, const SbEnvelope *envelope)
{
  SbClientOutbox *outbox = peek_outbox (self);
  g_autofree char *id = sb_envelope_dup_string (envelope, SB_MEMBER_DATA, NULL);

  if (id == NULL)
    return;
  self->has_progress = TRUE;
  if (outbox != NULL)
    sb_client_outbox_accepted (outbox, id);
  sb_client_emit_accepted (self->client, id);
}

static void
take_receipt (SbClientSession *self, const SbEnvelope *envelope)
{
  g_autofree char *id = sb_envelope_dup_string (envelope, SB_MEMBER_DATA, NULL);
  g_autofree char *recipient = sb_envelope_dup_string (envelope, SB_MEMBER_SENDER, NULL);

  if (id != NULL)
    sb_client_emit_confirmation (self->client, id, recipient != NULL ? recipient : "");
}

static void
take_expired (SbClientSession *self, const SbEnvelope *envelope)
{
  g_autoptr (JsonObject) object = parse (envelope);
  const char *reason;

  if (object == NULL || sb_client_json_get_string (object, "data") == NULL
      || sb_client_json_get_string (object, "sender") == NULL)
    return;
  reason = sb_client_json_get_string (object, "reason");
  sb_client_emit_expired (self->client, sb_client_json_get_string (object, "data"),
                          sb_client_json_get_string (object, "sender"),
                          reason != NULL ? reason : "");
}

/* @reason: (nullable): as in the problem documents of HTTP; a bus that says none means for good */
static SbClientError
code_of_reason (const char *reason)
{
  static const struct
  {
    const char *reason;
    SbClientError code;
  } table[] = {
    { "invalid", SB_CLIENT_ERROR_INVALID },     { "forbidden", SB_CLIENT_ERROR_FORBIDDEN },
    { "not-found", SB_CLIENT_ERROR_NOT_FOUND }, { "conflict", SB_CLIENT_ERROR_CONFLICT },
    { "too-large", SB_CLIENT_ERROR_TOO_LARGE }, { "full", SB_CLIENT_ERROR_BUSY },
    { "rate", SB_CLIENT_ERROR_BUSY },           { "busy", SB_CLIENT_ERROR_BUSY },
    { "no-space", SB_CLIENT_ERROR_NO_SPACE },   { "transient", SB_CLIENT_ERROR_BUSY },
    { "closed", SB_CLIENT_ERROR_OFFLINE },
  };

  for (guint i = 0; reason != NULL && i < G_N_ELEMENTS (table); i++)
    if (strcmp (table[i].reason, reason) == 0)
      return table[i].code;
  return SB_CLIENT_ERROR_FAILED;
}

static void
take_error (SbClientSession *self, const SbEnvelope *envelope)
{
  g_autoptr (JsonObject) object = parse (envelope);
  SbClientOutbox *outbox = peek_outbox (self);
  g_autoptr (GError) error = NULL;
  const char *words, *id;

  if (object == NULL)
    return;
  words = sb_client_json_get_string (object, "error");
  id = sb_client_json_get_string (object, "data");
  error = g_error_new (SB_CLIENT_ERROR,
                       code_of_reason (sb_client_json_get_string (object, "reason")),
                       "The bus refused: %s", words != NULL ? words : "it does not say why");
  /* The outbox may want to try it again, and tells of it itself when not. */
  if (id == NULL || outbox == NULL
      || !sb_client_outbox_refused (outbox, id, sb_client_json_get_string (object, "reason"),
                                    error))
    sb_client_emit_error (self->client, id, error);
}

/* --- All of it --- */

typedef void (*Taker) (SbClientSession *self, const SbEnvelope *envelope);

static void
ignore (SbClientSession *self, const SbEnvelope *envelope)
{
}

/* @needs_login: only who is logged in is sent it. A type that is none of the bus's belongs to a
 * message, unless that has no id: then it is a word that we do not know yet. */
static Taker
choose_taker (const SbEnvelope *envelope, gboolean *needs_login)
{
  static const struct
  {
    const char *type;
    Taker taker;
    gboolean needs_login;
  } table[] = {
    { "accepted", take_accepted, TRUE },
    { "ping", ignore, FALSE },
    { "confirmation", take_receipt, TRUE },
    { "connected", take_greeting, FALSE },
    { "ERROR", take_error, FALSE },
    { "expired", take_expired, TRUE },
    { "pong", ignore, FALSE },
  };

  *needs_login = TRUE;
  if (!sb_envelope_has (envelope, SB_MEMBER_TYPE))
    return take_message;
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    if (sb_envelope_equals (envelope, SB_MEMBER_TYPE, table[i].type))
      {
        *needs_login = table[i].needs_login;
        return table[i].taker;
      }
  if (sb_envelope_has (envelope, SB_MEMBER_ID))
    return take_message;
  *needs_login = FALSE;
  return ignore;
}

static void
complain (SbClientSession *self, const GError *fault)
{
  g_autoptr (GError) error = g_error_new (SB_CLIENT_ERROR, SB_CLIENT_ERROR_PROTOCOL,
                                          "The bus sent what is no JSON: %s", fault->message);

  if (self->phase == SB_CLIENT_PHASE_LOGGING_IN)
    sb_client_session_break (self, error);
  else
    sb_client_emit_error (self->client, NULL, error);
}

/**
 * sb_client_session_take:
 * @self: a session
 * @data: a frame
 * @length: of it in bytes
 *
 * Does what the frame is for. The client must be held meanwhile.
 */
void
sb_client_session_take (SbClientSession *self, const char *data, gsize length)
{
  SbEnvelope envelope;
  g_autoptr (GError) error = NULL;
  gboolean needs_login;
  Taker taker;

  self->was_heard = TRUE;
  if (!sb_envelope_scan (&envelope, data, length, &error))
    {
      complain (self, error);
      return;
    }
  taker = choose_taker (&envelope, &needs_login);
  if (needs_login)
    self->was_greeted = TRUE;
  if (needs_login && self->phase == SB_CLIENT_PHASE_LOGGING_IN)
    sb_client_session_open (self, TRUE);
  /* While we say good-bye only what was sent is still of interest. */
  if (self->phase == SB_CLIENT_PHASE_CLOSING && taker == take_message)
    return;
  taker (self, &envelope);
}

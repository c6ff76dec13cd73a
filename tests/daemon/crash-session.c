/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* crash-session: a WebSocket that sends, receives and confirms across the deaths of the bus. */

#include "crash-actors.h"

#include <string.h>

/* Messages that are sent without an acknowledgement. */
#define WINDOW 32
#define RETRY_MS 3
#define LAZY_MS 5

struct _CrashSession
{
  CrashWorld *world; /* (unowned) */
  CrashUser user;
  gboolean sends;
  guint lane;
  guint n_acknowledged; /* of the lane; those up to n_made are not acknowledged yet */
  guint n_made;
  SbPeer *peer; /* (owned) (nullable) */
  char *token;  /* (owned) (nullable) */
  guint retry_source;
  guint lazy_source;
  GPtrArray *unconfirmed; /* (owned) ids that the lazy one has not confirmed yet */
  GPtrArray *confirmed;   /* (owned) ids whose confirmation was written behind the last ping */
  GPtrArray *pinged;      /* (owned) ids whose confirmation was written before it */
  gboolean pinging;
};

/* Out */

static void
send_message (CrashSession *self, guint number)
{
  g_autofree char *text = crash_ledger_print (self->world->ledger, self->lane, number);

  sb_peer_send_frame (self->peer, SB_OPCODE_TEXT, TRUE, text, -1);
}

/* Sends new messages until the window is full. */
void
crash_session_fill (CrashSession *self)
{
  if (!self->sends || self->peer == NULL || !sb_peer_is_open (self->peer))
    return;
  while (self->world->sending && self->n_made - self->n_acknowledged < WINDOW + self->world->burst)
    {
      self->n_made = crash_ledger_make (self->world->ledger, self->lane) + 1;
      send_message (self, self->n_made - 1);
    }
}

/* A pong shows that the bus has read every confirmation before the ping. */
static void
ping (CrashSession *self)
{
  GPtrArray *pinged = self->pinged;

  if (self->pinging || self->confirmed->len == 0)
    return;
  self->pinging = TRUE;
  self->pinged = self->confirmed;
  self->confirmed = pinged;
  sb_peer_printf (self->peer, "{\"type\":\"ping\"}");
}

static void
confirm (CrashSession *self, const char *id)
{
  sb_peer_printf (self->peer, "{\"type\":\"confirmation\",\"data\":\"%s\"}", id);
  crash_ledger_confirm (self->world->ledger, self->user, id);
  g_ptr_array_add (self->confirmed, g_strdup (id));
}

static gboolean
on_lazy (gpointer user_data)
{
  CrashSession *self = user_data;

  for (guint left = self->unconfirmed->len / 2 + 1; left > 0 && self->unconfirmed->len > 0; left--)
    {
      guint which = (guint) g_rand_int_range (self->world->rand, 0,
                                              (gint32) self->unconfirmed->len);

      confirm (self, g_ptr_array_index (self->unconfirmed, which));
      g_ptr_array_remove_index_fast (self->unconfirmed, which);
    }
  ping (self);
  if (self->unconfirmed->len > 0)
    return G_SOURCE_CONTINUE;
  self->lazy_source = 0;
  return G_SOURCE_REMOVE;
}

/* In */

static void
on_accepted (CrashSession *self, const SbEnvelope *envelope)
{
  g_autofree char *id = crash_ledger_print_id (self->world->ledger, self->lane,
                                               self->n_acknowledged);

  /* In the order sent, so it is the oldest one. */
  g_assert_true (sb_envelope_equals (envelope, SB_MEMBER_DATA, id));
  crash_ledger_acknowledge (self->world->ledger, self->lane, self->n_acknowledged++);
  crash_session_fill (self);
}

static void
on_pong (CrashSession *self)
{
  if (self->world->gentle)
    for (guint i = 0; i < self->pinged->len; i++)
      crash_ledger_settle (self->world->ledger, self->user, g_ptr_array_index (self->pinged, i));
  g_ptr_array_set_size (self->pinged, 0);
  self->pinging = FALSE;
  ping (self);
}

static void
on_delivery (CrashSession *self, const SbEnvelope *envelope)
{
  g_autofree char *id = sb_envelope_dup_string (envelope, SB_MEMBER_ID, NULL);

  crash_ledger_arrive (self->world->ledger, self->user, envelope->data, envelope->length);
  if (self->user == CRASH_LAZY)
    {
      g_ptr_array_add (self->unconfirmed, g_steal_pointer (&id));
      if (self->lazy_source == 0)
        self->lazy_source = g_timeout_add (LAZY_MS, on_lazy, self);
      return;
    }
  confirm (self, id);
  ping (self);
}

static void
on_connected (CrashSession *self, const char *payload)
{
  const char *token = strstr (payload, "\"token\":\"");

  g_assert_nonnull (token);
  token += strlen ("\"token\":\"");
  g_free (self->token);
  self->token = g_strndup (token, strcspn (token, "\""));
}

static void
on_frame (SbPeer *peer, int opcode, const char *payload, gsize length, gpointer user_data)
{
  CrashSession *self = user_data;
  g_autoptr (GError) error = NULL;
  SbEnvelope envelope;

  if (opcode != SB_OPCODE_TEXT)
    return;
  sb_envelope_scan (&envelope, payload, length, &error);
  g_assert_no_error (error);
  if (!sb_envelope_has (&envelope, SB_MEMBER_TYPE))
    on_delivery (self, &envelope);
  else if (sb_envelope_equals (&envelope, SB_MEMBER_TYPE, "accepted"))
    on_accepted (self, &envelope);
  else if (sb_envelope_equals (&envelope, SB_MEMBER_TYPE, "confirmation"))
    crash_ledger_receipt (self->world->ledger, self->user, &envelope);
  else if (sb_envelope_equals (&envelope, SB_MEMBER_TYPE, "pong"))
    on_pong (self);
  else if (sb_envelope_equals (&envelope, SB_MEMBER_TYPE, "connected"))
    on_connected (self, payload);
  else if (!sb_envelope_equals (&envelope, SB_MEMBER_TYPE, "ping"))
    g_error ("%s got %s", crash_user_get_name (self->user), payload);
}

/* Connecting */

static void
on_opened (SbPeer *peer, gpointer user_data)
{
  CrashSession *self = user_data;
  const char *name = crash_user_get_name (self->user);

  /* A token comes from the bus that was killed: the next one must know it. */
  if (self->token != NULL)
    sb_peer_printf (peer,
                    "{\"type\":\"connect\",\"data\":\"%s\",\"token\":\"%s\",\"hello\":true,"
                    "\"accepted\":true}",
                    name, self->token);
  else
    sb_peer_log_in (peer, name, CRASH_PASSWORD,
                    self->user == CRASH_SECOND ? ",\"accepted\":true"
                                               : ",\"hello\":true,\"accepted\":true");
  for (guint number = self->n_acknowledged; number < self->n_made; number++)
    send_message (self, number);
  crash_session_fill (self);
}

static gboolean on_retry (gpointer user_data);

static void
on_closed (SbPeer *peer, gpointer user_data)
{
  CrashSession *self = user_data;

  g_clear_pointer (&self->peer, sb_peer_free);
  g_clear_handle_id (&self->lazy_source, g_source_remove);
  g_ptr_array_set_size (self->unconfirmed, 0);
  g_ptr_array_set_size (self->confirmed, 0);
  g_ptr_array_set_size (self->pinged, 0);
  self->pinging = FALSE;
  self->retry_source = g_timeout_add (RETRY_MS, on_retry, self);
}

static void
connect_session (CrashSession *self)
{
  static const SbPeerFuncs funcs = { .opened = on_opened, .frame = on_frame, .closed = on_closed };

  self->peer = sb_peer_new (SB_PEER_WEBSOCKET, self->world->ws_port, &funcs, self);
}

static gboolean
on_retry (gpointer user_data)
{
  CrashSession *self = user_data;

  self->retry_source = 0;
  connect_session (self);
  return G_SOURCE_REMOVE;
}

CrashSession *
crash_session_new (CrashWorld *world, CrashUser user, gboolean sends)
{
  CrashSession *self = g_new0 (CrashSession, 1);

  self->world = world;
  self->user = user;
  self->sends = sends;
  if (sends)
    self->lane = crash_ledger_add_lane (world->ledger, user);
  self->unconfirmed = g_ptr_array_new_with_free_func (g_free);
  self->confirmed = g_ptr_array_new_with_free_func (g_free);
  self->pinged = g_ptr_array_new_with_free_func (g_free);
  connect_session (self);
  return self;
}

void
crash_session_free (CrashSession *self)
{
  g_clear_pointer (&self->peer, sb_peer_free);
  g_clear_handle_id (&self->retry_source, g_source_remove);
  g_clear_handle_id (&self->lazy_source, g_source_remove);
  g_ptr_array_unref (self->unconfirmed);
  g_ptr_array_unref (self->confirmed);
  g_ptr_array_unref (self->pinged);
  g_free (self->token);
  g_free (self);
}

/* Whether all that it has to say has left for the bus. */
gboolean
crash_session_has_sent (CrashSession *self)
{
  return self->peer != NULL && sb_peer_is_open (self->peer) && sb_peer_get_unsent (self->peer) == 0;
}

/* Whether the bus has read every confirmation of it. */
gboolean
crash_session_is_quiet (CrashSession *self)
{
  return crash_session_has_sent (self) && !self->pinging && self->unconfirmed->len == 0
         && self->confirmed->len == 0;
}

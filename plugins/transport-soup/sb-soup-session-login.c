/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-session-login: from the connect frame to the open session.
 *
 *     connect frame → who is it? → (take-over delay) → (how much waits?) → open
 *
 * Each step may take time. The socket is not read from meanwhile, and the few
 * frames that libsoup had already read are held.
 */

#include "sb-soup-session-private.h"

#include <string.h>

static void
refuse (SbSoupSession *self, const GError *error)
{
  gboolean is_ours = g_error_matches (error, SB_ERROR, SB_ERROR_BUSY)
                     || g_error_matches (error, SB_ERROR, SB_ERROR_FAILED);

  g_debug ("a log-in of %s failed: %s", self->address, error->message);
  if (g_error_matches (error, SB_ERROR, SB_ERROR_CLOSED))
    sb_soup_session_close (self, SOUP_WEBSOCKET_CLOSE_GOING_AWAY, "STOPPING");
  else if (is_ours)
    sb_soup_session_close (self, SOUP_WEBSOCKET_CLOSE_SERVER_ERROR, "BUSY");
  else
    sb_soup_session_close (self, SOUP_WEBSOCKET_CLOSE_PROTOCOL_ERROR, "NO AUTHORIZATION");
}

/* Time has passed since the user was found: a changed password counts at once. */
static gboolean
is_user_current (SbSoupSession *self)
{
  SbDirectory *directory = sb_accounts_get_directory (self->transport->accounts);
  const SbUser *user = sb_directory_lookup_key (directory, self->user->key);

  return user != NULL && strcmp (user->password_hash, self->user->password_hash) == 0;
}

/* The last step. */
static void
open_session (SbSoupSession *self)
{
  SbBus *bus = self->transport->bus;
  g_autoptr (SbConnectFrame) login = g_steal_pointer (&self->login);
  g_autoptr (GInetAddress) address = NULL;
  g_autoptr (GError) error = NULL;
  SbSessionFlags flags = SB_SESSION_NONE;

  if (!is_user_current (self))
    {
      sb_soup_session_close (self, SOUP_WEBSOCKET_CLOSE_PROTOCOL_ERROR, "NO AUTHORIZATION");
      return;
    }
  if (login->receipts)
    flags |= SB_SESSION_RECEIPTS;
  if (login->expired)
    flags |= SB_SESSION_EXPIRED;
  self->wants_accepted = login->accepted;
  address = g_inet_address_new_from_string (self->address);
  sb_allowance_init (&self->allowance, sb_bus_get_limits (bus), self->user->key, address,
                     sb_clock_monotonic (sb_bus_get_clock (bus)));
  /* Deliveries may come before the session is returned. */
  sb_soup_session_set_state (self, STATE_OPEN);
  self->session = sb_bus_open_session (bus, self->user, SB_DELIVERY (self), flags, &error);
  if (self->session == NULL)
    {
      refuse (self, error);
      return;
    }
  sb_session_set_origin (self->session, SB_SOUP_NAME, self->address);
  sb_soup_session_resume (self, PAUSE_LOGIN);
}

static void
backlog_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbSoupSession) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *token = NULL;
  guint64 count = 0;

  if (!sb_bus_backlog_finish (SB_BUS (source), result, &count, &error))
    g_debug ("the backlog of %s is not known: %s", self->user->id, error->message);
  if (self->state != STATE_OPENING)
    return;
  token = sb_accounts_make_token (self->transport->accounts, self->user);
  sb_soup_session_send_take (self, sb_frame_new_connected (token, count));
  open_session (self);
}

/* Says hello first, if that was asked for: it comes before all deliveries. */
static void
greet (SbSoupSession *self)
{
  if (self->login->hello)
    sb_bus_backlog_async (self->transport->bus, self->user, backlog_cb, g_object_ref (self));
  else
    open_session (self);
}

static gboolean
delay_cb (gpointer user_data)
{
  g_autoptr (SbSoupSession) self = g_object_ref (user_data);

  self->delay_source = 0;
  greet (self);
  return G_SOURCE_REMOVE;
}

/* Two devices that share an id throw each other out: the next one waits. */
static void
admit (SbSoupSession *self, SbUser *user)
{
  gint64 delay = sb_bus_get_session_delay (self->transport->bus, user);

  self->user = sb_user_ref (user);
  if (delay > 0)
    self->delay_source = g_timeout_add ((guint) (delay / 1000) + 1, delay_cb, self);
  else
    greet (self);
}

static void
logged_in_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbSoupSession) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SbUser) user = sb_accounts_log_in_finish (SB_ACCOUNTS (source), result, &error);

  if (self->state != STATE_OPENING)
    return;
  g_clear_object (&self->cancellable);
  if (user != NULL)
    admit (self, user);
  else
    refuse (self, error);
}

/* Finds the user: at once by token or by a password that was seen before, else the pool hashes. */
static void
authenticate (SbSoupSession *self)
{
  SbAccounts *accounts = self->transport->accounts;
  const SbConnectFrame *login = self->login;
  g_autoptr (GError) error = NULL;
  SbUser *user;

  if (login->token != NULL)
    user = sb_accounts_check_token (accounts, login->id, login->token, self->address, &error);
  else
    user = sb_accounts_recognise (accounts, login->id, login->password);

  if (user != NULL)
    admit (self, user);
  else if (login->token != NULL && login->password == NULL)
    refuse (self, error);
  else
    {
      self->cancellable = g_cancellable_new ();
      sb_accounts_log_in_async (accounts, login->id, login->password, self->address,
                                self->cancellable, logged_in_cb, g_object_ref (self));
    }
}

/**
 * sb_soup_session_log_in:
 * @self: a session that awaits its log-in
 * @envelope: the connect frame
 *
 * Begins to open the session.
 */
void
sb_soup_session_log_in (SbSoupSession *self, const SbEnvelope *envelope)
{
  g_autoptr (GError) error = NULL;

  self->login = sb_connect_frame_parse (envelope, &error);
  if (self->login == NULL)
    {
      refuse (self, error);
      return;
    }
  /* Waiting for the pool, which is ours to bound, is not the client's delay. */
  sb_connection_set_phase (self->connection, SB_CONNECTION_PHASE_OPEN);
  sb_soup_session_set_state (self, STATE_OPENING);
  sb_soup_session_pause (self, PAUSE_LOGIN);
  authenticate (self);
}

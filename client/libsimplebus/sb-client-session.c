/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-session: connecting, logging in, and doing so again.
 *
 *   closed → connecting → logging in → open ─→ closing → closed
 *               ↑     ↘      ↓      ↙
 *               └────────  waiting
 *
 * A bus that greets (`connected`) is logged in to from then on. The original bus does not: it is
 * taken for one when only its pings came for five seconds, or at once when something comes that is
 * sent to nobody else. When nothing at all has come for ten seconds, nobody is there.
 *
 * An attempt that failed is followed by the next one after a pause that doubles up to a minute,
 * and that starts small again when a session lasted, or got something done. A network that changed
 * ends the pause.
 */

#include "sb-client-session-private.h"

#include "sb-client-downloads.h"
#include "sb-client-fault.h"
#include "sb-client-outbox.h"
#include "sb-client-parts.h"
#include "sb-client-uploads.h"

#include <string.h>

/* Half of what a log-in may take. */
#define LOGIN_CHECK_MS 5000
#define MAX_LOGIN_CHECKS 2
/* Of a session that lasted. */
#define STABLE_MS 5000
/* Two programs with the same user must not throw each other out all the time. */
#define REPLACED_MS 10000
#define LONGEST_MS 60000
/* A network that changes again and again. */
#define RETRY_MS 1000
#define PROBE_MS 10000
#define MAX_CONFIRMED 16384

static void begin (SbClientSession *self);

/* --- The timer --- */

static void
clear_timer (SbClientSession *self)
{
  if (self->timer != NULL)
    g_source_destroy (self->timer);
  g_clear_pointer (&self->timer, g_source_unref);
}

static void
set_timer (SbClientSession *self, gint64 ms, GSourceFunc func)
{
  clear_timer (self);
  self->timer = g_timeout_source_new ((guint) ms);
  g_source_set_callback (self->timer, func, self, NULL);
  g_source_attach (self->timer, self->context);
}

/* --- Those who wait --- */

static void
return_connects (SbClientSession *self, const GError *error)
{
  g_autoptr (GPtrArray) connects = g_steal_pointer (&self->connects);

  self->connects = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < connects->len; i++)
    {
      GTask *task = g_ptr_array_index (connects, i);

      if (error == NULL)
        g_task_return_boolean (task, TRUE);
      else
        g_task_return_error (task, g_error_copy (error));
    }
}

/* The outbox may have to tell of a message that the bus does not want.
 *
 * Returns: whether it is to go on; in the handlers the program may have closed it */
static gboolean
hang_up (SbClientSession *self, guint code)
{
  SbClientOutbox *outbox = sb_client_parts_peek_outbox (sb_client_get_parts (self->client));

  clear_timer (self);
  g_clear_pointer (&self->socket, sb_client_socket_free);
  self->pinged = 0;
  if (self->phase != SB_CLIENT_PHASE_CLOSED)
    self->phase = SB_CLIENT_PHASE_WAITING;
  if (outbox != NULL)
    sb_client_outbox_rewind (outbox, code);
  return self->phase == SB_CLIENT_PHASE_WAITING && self->timer == NULL;
}

/* @error: (nullable): why, when nobody asked for it */
static void
end (SbClientSession *self, const GError *error)
{
  g_autoptr (GTask) closing = g_steal_pointer (&self->closing);

  self->phase = SB_CLIENT_PHASE_CLOSED;
  hang_up (self, SB_CLIENT_CLOSE_NORMAL);
  if (self->monitor != NULL)
    g_signal_handlers_disconnect_by_data (self->monitor, self);
  g_clear_object (&self->monitor);
  sb_client_set_state (self->client, SB_CLIENT_STATE_CLOSED, error);
  if (error != NULL)
    return_connects (self, error);
  if (closing != NULL)
    g_task_return_boolean (closing, TRUE);
}

/* --- Pauses --- */

static gboolean
wait_cb (gpointer user_data)
{
  SbClientSession *self = user_data;
  g_autoptr (SbClient) alive = g_object_ref (self->client);

  clear_timer (self);
  begin (self);
  return G_SOURCE_REMOVE;
}

static void
wait_for (SbClientSession *self, gint64 ms, const GError *reason)
{
  ms = ms * sb_client_fault_get_ms ("pause-percent", 100) / 100;
  self->phase = SB_CLIENT_PHASE_WAITING;
  set_timer (self, ms, wait_cb);
  g_debug ("no session, the next attempt in %" G_GINT64_FORMAT " ms: %s", ms, reason->message);
  sb_client_set_state (self->client, SB_CLIENT_STATE_WAITING, reason);
}

/* What a pause waited for may be there now; and a connection may be gone without a word. */
static void
network_changed_cb (GNetworkMonitor *monitor, gboolean available, gpointer user_data)
{
  SbClientSession *self = user_data;
  gint64 since = (g_get_monotonic_time () - self->begun) / 1000;

  /* It belongs to whoever asked for it first, perhaps in another thread. */
  if (!available || !g_main_context_is_owner (self->context))
    return;
  if (self->phase == SB_CLIENT_PHASE_WAITING)
    set_timer (self, CLAMP (RETRY_MS - since, 0, RETRY_MS), wait_cb);
  else if (self->phase == SB_CLIENT_PHASE_OPEN)
    sb_client_socket_probe (self->socket, PROBE_MS);
}

/* --- The end of a connection --- */

static GError *
error_of_close (SbClientSession *self, guint code, const char *reason)
{
  switch (code)
    {
    case SB_CLIENT_CLOSE_REPLACED:
      return g_error_new (SB_CLIENT_ERROR, SB_CLIENT_ERROR_CLOSED,
                          "Another program has taken over the session of %s; each one needs a "
                          "user of its own",
                          sb_client_get_user (self->client));
    case SB_CLIENT_CLOSE_CREDENTIALS:
      return g_error_new_literal (SB_CLIENT_ERROR, SB_CLIENT_ERROR_UNAUTHORIZED,
                                  "The password was changed at the bus");
    case SB_CLIENT_CLOSE_GOING_AWAY:
      return g_error_new_literal (SB_CLIENT_ERROR, SB_CLIENT_ERROR_OFFLINE, "The bus stops");
    default:
      return g_error_new (SB_CLIENT_ERROR, SB_CLIENT_ERROR_OFFLINE,
                          "The bus closed the connection: %u %s", code,
                          reason != NULL ? reason : "");
    }
}

/* Whether it may be the answer to a log-in. */
static gboolean
is_refusal (SbClientSession *self, guint code)
{
  return code == SB_CLIENT_CLOSE_PROTOCOL
         && (self->phase == SB_CLIENT_PHASE_LOGGING_IN
             || (self->phase == SB_CLIENT_PHASE_OPEN && !self->was_greeted));
}

static void
refused (SbClientSession *self)
{
  g_autoptr (GError) error = NULL;

  if (self->used_token)
    {
      g_clear_pointer (&self->token, g_free);
      if (hang_up (self, SB_CLIENT_CLOSE_NORMAL))
        begin (self);
      return;
    }
  error = g_error_new (SB_CLIENT_ERROR, SB_CLIENT_ERROR_UNAUTHORIZED,
                       "The bus does not know the user %s with this password",
                       sb_client_get_user (self->client));
  if (!self->was_open)
    {
      end (self, error);
      return;
    }
  if (!hang_up (self, SB_CLIENT_CLOSE_NORMAL))
    return;
  wait_for (self, LONGEST_MS, error);
  sb_client_emit_error (self->client, NULL, error);
}

/* Of what cannot be otherwise the next time the program hears at once, and not by waiting. */
static gboolean
is_hopeless (SbClientSession *self, const GError *error)
{
  return !self->was_open && g_error_matches (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_PROTOCOL);
}

/* Whether it was a session, and not just a connection. Two programs that throw each other out have
 * good ones all the time. */
static gboolean
was_good (SbClientSession *self, guint code)
{
  gint64 lasted = g_get_monotonic_time () - self->opened;

  return self->phase == SB_CLIENT_PHASE_OPEN
         && ((self->has_progress && code != SB_CLIENT_CLOSE_REPLACED)
             || lasted >= sb_client_fault_get_ms ("stable", STABLE_MS) * 1000LL);
}

static void
broken (SbClientSession *self, guint code, const GError *error)
{
  gint64 pause;

  if (was_good (self, code))
    sb_client_backoff_reset (&self->backoff);
  if (is_hopeless (self, error))
    {
      end (self, error);
      return;
    }
  if (!hang_up (self, code))
    return;
  pause = sb_client_backoff_next (&self->backoff);
  if (code == SB_CLIENT_CLOSE_REPLACED)
    pause = MIN (pause + REPLACED_MS, LONGEST_MS);
  if (code == SB_CLIENT_CLOSE_CREDENTIALS)
    g_clear_pointer (&self->token, g_free);
  wait_for (self, pause, error);
  if (code == SB_CLIENT_CLOSE_REPLACED)
    sb_client_emit_error (self->client, NULL, error);
}

void
sb_client_session_break (SbClientSession *self, const GError *error)
{
  broken (self, SB_CLIENT_CLOSE_ABNORMAL, error);
}

static void
closed_cb (guint code, const char *reason, const GError *error, gpointer user_data)
{
  SbClientSession *self = user_data;
  g_autoptr (SbClient) alive = g_object_ref (self->client);
  g_autoptr (GError) meant = NULL;

  if (self->phase == SB_CLIENT_PHASE_CLOSING)
    end (self, NULL);
  else if (is_refusal (self, code))
    refused (self);
  else
    {
      meant = error != NULL ? g_error_copy (error) : error_of_close (self, code, reason);
      broken (self, code, meant);
    }
}

/* --- Logging in --- */

static gboolean
login_cb (gpointer user_data)
{
  SbClientSession *self = user_data;
  g_autoptr (SbClient) alive = g_object_ref (self->client);
  g_autoptr (GError) error = NULL;

  if (self->was_heard)
    sb_client_session_open (self, TRUE);
  else if (++self->n_checks >= MAX_LOGIN_CHECKS)
    {
      error = g_error_new_literal (SB_CLIENT_ERROR, SB_CLIENT_ERROR_TIMED_OUT,
                                   "The bus did not answer the log-in in time");
      sb_client_session_break (self, error);
    }
  else
    return G_SOURCE_CONTINUE;
  return G_SOURCE_REMOVE;
}

static void
opened_cb (gpointer user_data)
{
  SbClientSession *self = user_data;

  self->phase = SB_CLIENT_PHASE_LOGGING_IN;
  self->was_heard = FALSE;
  self->was_greeted = FALSE;
  self->n_checks = 0;
  self->used_token = self->token != NULL;
  sb_client_session_log_in (self);
  set_timer (self, sb_client_fault_get_ms ("login-check", LOGIN_CHECK_MS), login_cb);
}

static void
wake_parts (SbClientSession *self)
{
  SbClientParts *parts = sb_client_get_parts (self->client);

  if (sb_client_parts_peek_uploads (parts) != NULL)
    sb_client_uploads_wake (sb_client_parts_peek_uploads (parts));
  if (sb_client_parts_peek_downloads (parts) != NULL)
    sb_client_downloads_wake (sb_client_parts_peek_downloads (parts));
}

static void
pump (SbClientSession *self)
{
  SbClientOutbox *outbox = sb_client_parts_peek_outbox (sb_client_get_parts (self->client));

  if (outbox != NULL && self->phase == SB_CLIENT_PHASE_OPEN)
    sb_client_outbox_pump (outbox);
}

/**
 * sb_client_session_open:
 * @self: a session
 * @is_legacy: whether the bus did not greet
 *
 * We are logged in. What happens in the handlers may close it again.
 */
void
sb_client_session_open (SbClientSession *self, gboolean is_legacy)
{
  clear_timer (self);
  self->phase = SB_CLIENT_PHASE_OPEN;
  self->opened = g_get_monotonic_time ();
  self->is_legacy = is_legacy;
  self->was_open = TRUE;
  self->has_progress = FALSE;
  sb_client_session_send_confirmations (self);
  sb_client_set_state (self->client, SB_CLIENT_STATE_CONNECTED, NULL);
  wake_parts (self);
  return_connects (self, NULL);
  pump (self);
}

/* --- The socket --- */

static void
message_cb (const char *data, gsize length, gpointer user_data)
{
  SbClientSession *self = user_data;
  g_autoptr (SbClient) alive = g_object_ref (self->client);

  sb_client_session_take (self, data, length);
}

static void
pong_cb (guint64 mark, gpointer user_data)
{
  SbClientSession *self = user_data;
  g_autoptr (SbClient) alive = g_object_ref (self->client);

  sb_client_session_take_pong (self, mark);
}

static void
writable_cb (gpointer user_data)
{
  SbClientSession *self = user_data;
  g_autoptr (SbClient) alive = g_object_ref (self->client);

  pump (self);
}

static const SbClientSocketFuncs socket_funcs = {
  opened_cb, message_cb, pong_cb, writable_cb, closed_cb,
};

static void
begin (SbClientSession *self)
{
  g_autoptr (GError) error = NULL;

  self->begun = g_get_monotonic_time ();
  self->phase = SB_CLIENT_PHASE_CONNECTING;
  self->socket = sb_client_socket_new (self->client, &socket_funcs, self, &error);
  if (self->socket == NULL)
    end (self, error);
  else
    sb_client_set_state (self->client, SB_CLIENT_STATE_CONNECTING, NULL);
}

/* --- What the client asks for --- */

SbClientSession *
sb_client_session_new (SbClient *client)
{
  SbClientSession *self = g_new0 (SbClientSession, 1);

  self->client = client;
  self->context = g_main_context_ref_thread_default ();
  self->connects = g_ptr_array_new_with_free_func (g_object_unref);
  self->confirmed = sb_client_recent_new (MAX_CONFIRMED);
  self->scratch = g_string_new (NULL);
  return self;
}

void
sb_client_session_free (SbClientSession *self)
{
  clear_timer (self);
  g_clear_pointer (&self->socket, sb_client_socket_free);
  if (self->monitor != NULL)
    g_signal_handlers_disconnect_by_data (self->monitor, self);
  g_clear_object (&self->monitor);
  /* Tasks hold the client, so there are none. */
  g_ptr_array_unref (self->connects);
  g_queue_clear_full (&self->confirmations, g_free);
  sb_client_recent_free (self->confirmed);
  g_string_free (self->scratch, TRUE);
  g_free (self->token);
  g_main_context_unref (self->context);
  g_free (self);
}

/* Nobody waits any more, and there was no session yet: it is given up. */
static gboolean
cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  g_autoptr (GTask) task = g_object_ref (user_data);
  SbClientSession *self = sb_client_get_session (g_task_get_source_object (task));

  if (!g_ptr_array_remove (self->connects, task))
    return G_SOURCE_REMOVE;
  if (self->connects->len == 0 && !self->was_open)
    end (self, NULL);
  g_task_return_error_if_cancelled (task);
  return G_SOURCE_REMOVE;
}

static void
drop_source (gpointer source)
{
  g_source_destroy (source);
  g_source_unref (source);
}

/* The source goes with the task. */
static void
watch_cancellable (SbClientSession *self, GTask *task)
{
  GCancellable *cancellable = g_task_get_cancellable (task);
  GSource *source;

  if (cancellable == NULL)
    return;
  source = g_cancellable_source_new (cancellable);
  g_source_set_callback (source, G_SOURCE_FUNC (cancelled_cb), task, NULL);
  g_source_attach (source, self->context);
  g_task_set_task_data (task, source, drop_source);
}

static void
watch_network (SbClientSession *self)
{
  self->monitor = g_object_ref (g_network_monitor_get_default ());
  g_signal_connect (self->monitor, "network-changed", G_CALLBACK (network_changed_cb), self);
}

/**
 * sb_client_session_connect_async:
 * @self: a session
 * @cancellable: (nullable): to stop waiting, and trying when nobody else waits
 * @callback: called when it is open
 * @user_data: for @callback
 *
 * Opens it, and again whenever it breaks.
 */
void
sb_client_session_connect_async (SbClientSession *self, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self->client, cancellable, callback, user_data);

  g_task_set_source_tag (task, sb_client_session_connect_async);
  if (self->phase == SB_CLIENT_PHASE_OPEN)
    g_task_return_boolean (task, TRUE);
  else if (self->phase == SB_CLIENT_PHASE_CLOSING)
    g_task_return_new_error (task, SB_CLIENT_ERROR, SB_CLIENT_ERROR_CLOSED,
                             "The client is being closed; connect it when it is");
  else if (!g_task_return_error_if_cancelled (task))
    {
      g_ptr_array_add (self->connects, g_object_ref (task));
      watch_cancellable (self, task);
      if (self->phase != SB_CLIENT_PHASE_CLOSED)
        return;
      self->was_open = FALSE;
      sb_client_backoff_reset (&self->backoff);
      watch_network (self);
      begin (self);
    }
}

gboolean
sb_client_session_connect_finish (SbClientSession *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * sb_client_session_close_async:
 * @self: a session
 * @callback: called when it is closed
 * @user_data: for @callback
 *
 * Closes it: the bus gets all that was sent before, confirmations too, if it answers in time.
 */
void
sb_client_session_close_async (SbClientSession *self, GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self->client, NULL, callback, user_data);
  g_autoptr (GError) error = NULL;

  g_task_set_source_tag (task, sb_client_session_close_async);
  if (self->phase == SB_CLIENT_PHASE_CLOSED || self->phase == SB_CLIENT_PHASE_CLOSING)
    {
      g_task_return_boolean (task, TRUE);
      return;
    }
  error = g_error_new_literal (SB_CLIENT_ERROR, SB_CLIENT_ERROR_CLOSED, "The client was closed");
  return_connects (self, error);
  self->closing = g_steal_pointer (&task);
  if (self->phase == SB_CLIENT_PHASE_OPEN)
    {
      clear_timer (self);
      self->phase = SB_CLIENT_PHASE_CLOSING;
      sb_client_socket_close (self->socket);
    }
  else
    end (self, NULL);
}

gboolean
sb_client_session_close_finish (SbClientSession *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

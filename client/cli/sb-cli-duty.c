/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-duty: connect, run, drain, close. What the bus and the network do meanwhile is told
 * once.
 */

#include "sb-cli-duty.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <signal.h>

/* Closing flushes; a disk or a bus that hangs must not keep a program that was told to end. */
#define CLOSE_SECONDS 15

struct _SbCliDuty
{
  SbCli *cli;
  SbClient *client; /* (owned) */
  const SbCliDutyClass *class;
  gpointer user_data;
  GCancellable *connecting; /* (owned) */
  gulong state_handler;
  guint sources[2];
  guint closing_timer;
  guint patience_timer;
  gint64 patience; /* seconds; 0: for ever */
  GError *reason;  /* (owned) (nullable) why there is no session */
  SbCliStatus status;
  int signal;
  gboolean is_ending;
  gboolean is_closing;
  gboolean is_closed;
  gboolean is_connecting;
  gboolean was_told; /* that there is no connection */
};

static void
fail (SbCliDuty *self, const GError *error)
{
  if (!self->is_ending)
    sb_cli_duty_end (self, sb_cli_fail (self->cli, error));
}

/* --- The connection --- */

static void
tell_state (SbCliDuty *self, SbClientState state, const GError *reason)
{
  if (state == SB_CLIENT_STATE_WAITING && !self->was_told && reason != NULL)
    {
      self->was_told = TRUE;
      if (!self->cli->quiet)
        g_printerr (_ ("%s. Trying again until it works\n"), reason->message);
    }
  if (state == SB_CLIENT_STATE_CONNECTED && self->was_told)
    {
      self->was_told = FALSE;
      if (!self->cli->quiet)
        g_printerr (_ ("Connected\n"));
    }
}

static gboolean
lost_patience_cb (gpointer user_data)
{
  SbCliDuty *self = user_data;
  g_autoptr (GError) error = g_steal_pointer (&self->reason);

  self->patience_timer = 0;
  if (error == NULL)
    error = g_error_new (SB_CLIENT_ERROR, SB_CLIENT_ERROR_OFFLINE, _ ("%s does not answer"),
                         sb_client_get_url (self->client));
  fail (self, error);
  return G_SOURCE_REMOVE;
}

static void
count_patience (SbCliDuty *self, SbClientState state, const GError *reason)
{
  if (reason != NULL)
    {
      g_clear_error (&self->reason);
      self->reason = g_error_copy (reason);
    }
  if (state == SB_CLIENT_STATE_CONNECTED)
    g_clear_handle_id (&self->patience_timer, g_source_remove);
  else if (self->patience > 0 && self->patience_timer == 0)
    self->patience_timer = g_timeout_add_seconds ((guint) MIN (self->patience, G_MAXINT),
                                                  lost_patience_cb, self);
}

/* Two that take the session from each other in turn would both have it half of the time. */
static gboolean
is_lost (SbCliDuty *self, SbClientState state, const GError *reason)
{
  return reason != NULL
         && (state == SB_CLIENT_STATE_CLOSED
             || (state == SB_CLIENT_STATE_WAITING && !self->class->stays
                 && (g_error_matches (reason, SB_CLIENT_ERROR, SB_CLIENT_ERROR_CLOSED)
                     || g_error_matches (reason, SB_CLIENT_ERROR, SB_CLIENT_ERROR_UNAUTHORIZED))));
}

static void
state_cb (SbClient *client, SbClientState state, const GError *reason, gpointer user_data)
{
  SbCliDuty *self = user_data;

  if (self->is_ending)
    return;
  if (is_lost (self, state, reason))
    {
      fail (self, reason);
      return;
    }
  tell_state (self, state, reason);
  count_patience (self, state, reason);
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  SbCliDuty *self = user_data;
  g_autoptr (GError) error = NULL;

  self->is_connecting = FALSE;
  if (!sb_client_connect_finish (SB_CLIENT (source), result, &error)
      && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    fail (self, error);
}

/* --- The end --- */

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  SbCliDuty *self = user_data;
  g_autoptr (GError) error = NULL;

  self->is_closed = TRUE;
  if (!sb_client_close_finish (SB_CLIENT (source), result, &error) && self->status == SB_CLI_OK)
    self->status = sb_cli_fail (self->cli, error);
}

static gboolean
give_up_cb (gpointer user_data)
{
  SbCliDuty *self = user_data;

  self->closing_timer = 0;
  self->is_closed = TRUE;
  return G_SOURCE_REMOVE;
}

static void
begin_close (SbCliDuty *self)
{
  if (self->is_closing)
    return;
  self->is_closing = TRUE;
  self->closing_timer = g_timeout_add_seconds (CLOSE_SECONDS, give_up_cb, self);
  g_cancellable_cancel (self->connecting);
  sb_client_close_async (self->client, NULL, closed_cb, self);
}

/**
 * sb_cli_duty_check:
 * @self: a duty
 *
 * To be called when something that was under way has ended.
 */
void
sb_cli_duty_check (SbCliDuty *self)
{
  if (self->is_ending && self->class->is_idle (self->user_data))
    begin_close (self);
}

/**
 * sb_cli_duty_end:
 * @self: a duty
 * @status: the exit status
 *
 * Ends it: nothing is begun any more, what is under way comes to its end, then the session is
 * closed.
 */
void
sb_cli_duty_end (SbCliDuty *self, SbCliStatus status)
{
  if (self->is_ending)
    return;
  self->is_ending = TRUE;
  self->status = status;
  self->class->stop (self->user_data);
  sb_cli_duty_check (self);
}

static gboolean
signalled (SbCliDuty *self, int number)
{
  self->signal = number;
  if (!self->is_ending)
    {
      sb_cli_duty_end (self, (SbCliStatus) (128 + number));
      return G_SOURCE_CONTINUE;
    }
  if (self->is_closing)
    self->is_closed = TRUE;
  else if (self->class->abandon != NULL)
    self->class->abandon (self->user_data);
  else
    begin_close (self);
  return G_SOURCE_CONTINUE;
}

static gboolean
interrupted_cb (gpointer user_data)
{
  return signalled (user_data, SIGINT);
}

static gboolean
terminated_cb (gpointer user_data)
{
  return signalled (user_data, SIGTERM);
}

/**
 * sb_cli_duty_new:
 * @cli: the command line
 * @client: not connected yet
 * @class: how the verb ends
 * @user_data: for it
 *
 * Returns: (transfer full): a duty
 */
SbCliDuty *
sb_cli_duty_new (SbCli *cli, SbClient *client, const SbCliDutyClass *class, gpointer user_data)
{
  SbCliDuty *self = g_new0 (SbCliDuty, 1);

  self->cli = cli;
  self->client = g_object_ref (client);
  self->class = class;
  self->user_data = user_data;
  self->connecting = g_cancellable_new ();
  self->sources[0] = g_unix_signal_add (SIGINT, interrupted_cb, self);
  self->sources[1] = g_unix_signal_add (SIGTERM, terminated_cb, self);
  self->state_handler = g_signal_connect (client, "state", G_CALLBACK (state_cb), self);
  return self;
}

/**
 * sb_cli_duty_free:
 * @self: (transfer full): a duty that does not run
 *
 * Frees it.
 */
void
sb_cli_duty_free (SbCliDuty *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->sources); i++)
    g_clear_handle_id (&self->sources[i], g_source_remove);
  g_clear_handle_id (&self->closing_timer, g_source_remove);
  g_clear_handle_id (&self->patience_timer, g_source_remove);
  g_clear_error (&self->reason);
  g_clear_signal_handler (&self->state_handler, self->client);
  g_object_unref (self->connecting);
  g_object_unref (self->client);
  g_free (self);
}

/**
 * sb_cli_duty_set_patience:
 * @self: a duty
 * @seconds: without a session, after which it ends; 0: it never does for that
 *
 * Bounds the time for which the bus is sought.
 */
void
sb_cli_duty_set_patience (SbCliDuty *self, gint64 seconds)
{
  self->patience = seconds;
}

/**
 * sb_cli_duty_run:
 * @self: a duty
 *
 * Connects, and returns when all has ended.
 *
 * Returns: the exit status
 */
SbCliStatus
sb_cli_duty_run (SbCliDuty *self)
{
  self->is_connecting = TRUE;
  count_patience (self, SB_CLIENT_STATE_CONNECTING, NULL);
  sb_client_connect_async (self->client, self->connecting, connected_cb, self);
  while (!self->is_closed || (self->is_connecting && self->closing_timer != 0))
    g_main_context_iteration (NULL, TRUE);
  return self->status;
}

/**
 * sb_cli_duty_is_ending:
 * @self: a duty
 *
 * Returns: whether it is to end
 */
gboolean
sb_cli_duty_is_ending (SbCliDuty *self)
{
  return self->is_ending;
}

/**
 * sb_cli_duty_get_signal:
 * @self: a duty
 *
 * Returns: the signal that ended it; 0: none did
 */
int
sb_cli_duty_get_signal (SbCliDuty *self)
{
  return self->signal;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-probe-websocket: whether a WebSocket can be had, and frames pass. A bus answers a ping
 * before anybody logs in, so nobody loses a session to this.
 */

#include "sb-cli-probe.h"

#include <glib/gi18n.h>
#include <string.h>

#define PING "{\"type\":\"ping\"}"

typedef struct
{
  gboolean has_ended;
  SoupWebsocketConnection *connection; /* (owned) (nullable) */
  GError *error;                       /* (owned) (nullable) */
} Opening;

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Opening *opening = user_data;

  opening->connection = soup_session_websocket_connect_finish (SOUP_SESSION (source), result,
                                                               &opening->error);
  opening->has_ended = TRUE;
}

static gboolean
set_flag_cb (gpointer user_data)
{
  gboolean *flag = user_data;

  *flag = TRUE;
  return G_SOURCE_REMOVE;
}

/* Returns: whether @flag was set in time */
static gboolean
wait_for (const gboolean *flag)
{
  gboolean is_late = FALSE;
  guint timer = g_timeout_add_seconds (SB_CLI_PROBE_TIMEOUT, set_flag_cb, &is_late);

  while (!*flag && !is_late)
    g_main_context_iteration (NULL, TRUE);
  if (!is_late)
    g_source_remove (timer);
  return *flag;
}

/* --- Frames --- */

static void
message_cb (SoupWebsocketConnection *connection, SoupWebsocketDataType type, GBytes *message,
            gboolean *has_answer)
{
  g_autofree char *text = g_strndup (g_bytes_get_data (message, NULL), g_bytes_get_size (message));

  *has_answer = *has_answer || strstr (text, "\"pong\"") != NULL;
}

static void
add_frames (SbCliProbe *self, SoupWebsocketConnection *connection, const char *url)
{
  gint64 begin = g_get_monotonic_time ();
  gboolean has_answer = FALSE;
  gulong handler = g_signal_connect (connection, "message", G_CALLBACK (message_cb), &has_answer);

  soup_websocket_connection_send_text (connection, PING);
  if (wait_for (&has_answer))
    sb_cli_checkup_add (self->checkup, SB_CLI_PLACE_HERE, "websocket", SB_CLI_VERDICT_OK, NULL,
                        _ ("Frames go to %s and back in %.1f ms"), url,
                        (double) (g_get_monotonic_time () - begin) / 1000);
  else
    sb_cli_checkup_add (self->checkup, SB_CLI_PLACE_HERE, "websocket", SB_CLI_VERDICT_ERROR,
                        _ ("Let the proxy before the bus hold nothing back, and look for others "
                           "on the way"),
                        _ ("A WebSocket opens at %s, but no frame comes back in %d seconds"), url,
                        SB_CLI_PROBE_TIMEOUT);
  g_signal_handler_disconnect (connection, handler);
}

static void
closed_cb (SoupWebsocketConnection *connection, gboolean *is_closed)
{
  *is_closed = TRUE;
}

static void
close_politely (SoupWebsocketConnection *connection)
{
  gboolean is_closed = soup_websocket_connection_get_state (connection)
                       == SOUP_WEBSOCKET_STATE_CLOSED;
  gulong handler = g_signal_connect (connection, "closed", G_CALLBACK (closed_cb), &is_closed);

  if (soup_websocket_connection_get_state (connection) == SOUP_WEBSOCKET_STATE_OPEN)
    soup_websocket_connection_close (connection, SOUP_WEBSOCKET_CLOSE_NORMAL, NULL);
  wait_for (&is_closed);
  g_signal_handler_disconnect (connection, handler);
}

/* --- The handshake --- */

static void
add_refusal (SbCliProbe *self, SoupMessage *message, const char *url, const GError *error)
{
  guint status = soup_message_get_status (message);

  if (status == 0 || error->domain == G_TLS_ERROR)
    sb_cli_probe_add_failure (self, "websocket", url, error);
  else if (status >= 502 && status <= 504)
    sb_cli_checkup_add (self->checkup, SB_CLI_PLACE_HERE, "websocket", SB_CLI_VERDICT_ERROR,
                        _ ("See whether the proxy knows the port of the bus for this path too"),
                        _ ("A proxy answers at %s, but the bus behind it does not: %u %s"), url,
                        status, soup_status_get_phrase (status));
  else
    sb_cli_checkup_add (self->checkup, SB_CLI_PLACE_HERE, "websocket", SB_CLI_VERDICT_ERROR,
                        _ ("Let the proxy before the bus speak HTTP/1.1 to it and pass on the "
                           "headers Upgrade and Connection, as data/proxy/nginx.conf does; and see "
                           "whether the path is /ws"),
                        _ ("%s answers %u %s instead of opening a WebSocket"), url, status,
                        soup_status_get_phrase (status));
}

/**
 * sb_cli_probe_check_websocket:
 * @self: a probe
 * @url: of the bus over WebSocket
 *
 * Opens a WebSocket, sends a ping over it, and closes it.
 */
void
sb_cli_probe_check_websocket (SbCliProbe *self, const char *url)
{
  g_autoptr (SoupMessage) message = sb_cli_probe_new_message (self, url);
  Opening opening = { FALSE, NULL, NULL };

  if (message == NULL)
    {
      sb_cli_checkup_add (self->checkup, SB_CLI_PLACE_HERE, "websocket", SB_CLI_VERDICT_ERROR,
                          _ ("Write websocket-url in client.ini like wss://bus.example/ws"),
                          _ ("%s is no address"), url);
      return;
    }
  soup_session_websocket_connect_async (self->session, message, NULL, NULL, G_PRIORITY_DEFAULT,
                                        NULL, opened_cb, &opening);
  while (!opening.has_ended)
    g_main_context_iteration (NULL, TRUE);
  if (opening.connection == NULL)
    {
      add_refusal (self, message, url, opening.error);
      g_error_free (opening.error);
      return;
    }
  add_frames (self, opening.connection, url);
  close_politely (opening.connection);
  g_object_unref (opening.connection);
}

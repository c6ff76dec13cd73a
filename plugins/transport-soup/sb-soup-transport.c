/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-transport: listens, wires libsoup to our connections, and stops.
 *
 *     SbListener → SbConnection → SoupServer → SbRequest ─ upgrade → SbSoupSession
 *
 * Stopping: nothing new is accepted, long polls end, WebSockets are told to go;
 * when the last request is answered and the last session is gone, the idle
 * connections are closed. Files that are being sent go on until the deadline.
 */

#include "sb-soup-transport.h"

#include "sb-soup-http.h"
#include "sb-soup-leftover.h"
#include "sb-soup-metrics.h"
#include "sb-soup-session.h"
#include "sb-soup-sse.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define STOP_POLL_MS 10

/* The session itself closes a socket without a log-in, politely; this comes after it. */
#define AUTHENTICATION_LIMIT (15 * G_USEC_PER_SEC)

/* What may be read of a request beyond the body: headers, and what was read ahead. */
#define HEADER_ROOM (256 * 1024)

static const SbSoupPort http_port = { "http", FALSE };
static const SbSoupPort websocket_port = { "websocket", TRUE };

static void transport_iface_init (SbTransportInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (SbSoupTransport, sb_soup_transport, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (SB_TYPE_TRANSPORT, transport_iface_init))

/* --- Configuration --- */

/* What changes with a reload; the certificate and the proxies may be bad, and are apart. */
static void
read_settings (SbSoupTransport *self)
{
  SbConfig *config = sb_bus_get_config (self->bus);

  self->max_message_size = (gsize) sb_config_get_size (config, SB_CONFIG_GROUP_BUS,
                                                       "max-message-size");
  self->ping_interval = sb_config_get_duration_ms (config, SB_SOUP_GROUP, "ping-interval");
  self->keepalive_interval = sb_config_get_duration_ms (config, SB_SOUP_GROUP, "keepalive-interval")
                             * 1000;
  /* Sessions are looked after once a second. */
  if (self->keepalive_interval > 0)
    self->keepalive_interval = MAX (self->keepalive_interval, G_USEC_PER_SEC);
}

/* Both files or none. */
static gboolean
load_certificate (SbConfig *config, GTlsCertificate **certificate, GError **error)
{
  const char *file = sb_config_get_string (config, SB_SOUP_GROUP, "tls-certificate");
  const char *key = sb_config_get_string (config, SB_SOUP_GROUP, "tls-key");
  g_autoptr (GError) cause = NULL;

  *certificate = NULL;
  if (*file == '\0' && *key == '\0')
    return TRUE;
  if (*file == '\0' || *key == '\0')
    {
      g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID,
                           "[" SB_SOUP_GROUP "] tls-certificate and tls-key need each other");
      return FALSE;
    }
  *certificate = g_tls_certificate_new_from_files (file, key, &cause);
  if (*certificate != NULL)
    return TRUE;
  g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "cannot load %s with the key %s: %s", file, key,
               cause->message);
  return FALSE;
}

/* --- Connections --- */

static void
bound_connection (SbConnection *connection, gpointer user_data)
{
  SbSoupTransport *self = user_data;

  sb_connection_set_max_unfinished (connection, self->max_message_size + HEADER_ROOM);
}

static void
connection_cb (SbListener *listener, SbConnection *connection, gpointer tag, gpointer user_data)
{
  SbSoupTransport *self = user_data;
  GSocketAddress *remote = sb_connection_get_remote_address (connection);
  GSocketAddress *local = sb_connection_get_local_address (connection);

  if (remote == NULL || local == NULL)
    return; /* it is gone already */
  bound_connection (connection, self);
  soup_server_accept_iostream (self->server, G_IO_STREAM (connection), local, remote, NULL);
}

/* libsoup keeps a connection open after a request only while it has a listener of its own. This
 * one is a connected pair of sockets whose far end never says anything. */
static gboolean
listen_to_nobody (SbSoupTransport *self, GError **error)
{
  g_autoptr (GSocket) near = NULL;
  int fds[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0)
    {
      g_set_error (error, SB_ERROR, SB_ERROR_FAILED, "cannot make a pair of sockets: %s",
                   g_strerror (errno));
      return FALSE;
    }
  near = g_socket_new_from_fd (fds[0], error);
  self->never = g_socket_new_from_fd (fds[1], near != NULL ? error : NULL);
  return near != NULL && self->never != NULL
         && soup_server_listen_socket (self->server, near, 0, error);
}

static gboolean
make_server (SbSoupTransport *self, GError **error)
{
  self->server = g_object_new (SOUP_TYPE_SERVER, "server-header", "SimpleBus", "raw-paths", TRUE,
                               NULL);
  sb_http_attach (self);
  return listen_to_nobody (self, error);
}

/* --- Ports --- */

static void
note_port (SbSoupTransport *self, const SbSoupPort *port, const char *host, guint number)
{
  gboolean is_ipv6 = strchr (host, ':') != NULL;

  g_string_append_printf (self->description, "%s%s=%s%s%s:%u",
                          self->description->len > 0 ? " " : "", port->name, is_ipv6 ? "[" : "",
                          host, is_ipv6 ? "]" : "", number);
}

static gboolean
add_address (SbSoupTransport *self, const SbSoupPort *port, const char *host, guint16 *number,
             GError **error)
{
  if (!sb_listener_add_address (self->listener, host, *number, (gpointer) port, number, error))
    return FALSE;
  note_port (self, port, host, *number);
  return TRUE;
}

/* Every address with both ports. A free port is the same one on all addresses. */
static gboolean
open_ports (SbSoupTransport *self, GError **error)
{
  SbConfig *config = sb_bus_get_config (self->bus);
  const char *const *hosts = sb_config_get_list (config, SB_SOUP_GROUP, "listen");
  guint16 http = (guint16) sb_config_get_integer (config, SB_SOUP_GROUP, "http-port");
  guint16 websocket = (guint16) sb_config_get_integer (config, SB_SOUP_GROUP, "websocket-port");

  if (hosts == NULL || *hosts == NULL)
    {
      g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID,
                           "[" SB_SOUP_GROUP "] listen names no address");
      return FALSE;
    }
  for (gsize i = 0; hosts[i] != NULL; i++)
    {
      if (!add_address (self, &http_port, hosts[i], &http, error)
          || !add_address (self, &websocket_port, hosts[i], &websocket, error))
        return FALSE;
    }
  return TRUE;
}

/* What a socket of the service manager is for: by its name, else by its place. */
static const SbSoupPort *
choose_port (const char *name, guint index)
{
  if (g_strcmp0 (name, http_port.name) == 0)
    return &http_port;
  if (g_strcmp0 (name, websocket_port.name) == 0)
    return &websocket_port;
  return index == 0 ? &http_port : &websocket_port;
}

static gboolean
adopt_ports (SbSoupTransport *self, GArray *fds, char **names, GError **error)
{
  for (guint i = 0; i < fds->len; i++)
    {
      const SbSoupPort *port = choose_port (names[i], i);
      int fd = g_array_index (fds, int, i);

      if (!sb_listener_add_fd (self->listener, fd, (gpointer) port, error))
        return FALSE;
      g_string_append_printf (self->description, "%s%s=fd:%d",
                              self->description->len > 0 ? " " : "", port->name, fd);
    }
  return TRUE;
}

static void
read_bounds (SbSoupTransport *self, guint *max_connections, guint *max_per_address)
{
  SbConfig *config = sb_bus_get_config (self->bus);

  *max_connections = (guint) sb_config_get_integer (config, SB_SOUP_GROUP, "max-connections");
  *max_per_address = (guint) sb_config_get_integer (config, SB_SOUP_GROUP,
                                                    "max-connections-per-address");
}

static gboolean
listen_all (SbSoupTransport *self, GError **error)
{
  g_auto (GStrv) names = NULL;
  g_autoptr (GArray) fds = sb_notify_listen_fds (&names);
  SbListenerOptions options;

  sb_listener_options_init (&options);
  read_bounds (self, &options.max_connections, &options.max_per_address);
  options.limits.authentication = AUTHENTICATION_LIMIT;
  self->listener = sb_listener_new (&options, error);
  if (self->listener == NULL)
    return FALSE;
  sb_listener_set_certificate (self->listener, self->certificate);
  sb_listener_set_func (self->listener, connection_cb, self);
  return fds->len > 0 ? adopt_ports (self, fds, names, error) : open_ports (self, error);
}

/* --- Clocks --- */

static gboolean
tick_cb (gpointer user_data)
{
  SbSoupTransport *self = user_data;
  gint64 now = g_get_monotonic_time ();

  sb_soup_sessions_tick (self, now);
  sb_sse_tick_all (self, now);
  sb_http_cancel_abandoned (self);
  return G_SOURCE_CONTINUE;
}

static gboolean
ping_cb (gpointer user_data)
{
  sb_soup_sessions_ping (user_data);
  return G_SOURCE_CONTINUE;
}

static void
drained_cb (SbBus *bus, gpointer user_data)
{
  sb_soup_sessions_resume (user_data);
}

static void
start_pings (SbSoupTransport *self)
{
  g_clear_handle_id (&self->ping_source, g_source_remove);
  if (self->ping_interval > 0)
    self->ping_source = g_timeout_add ((guint) self->ping_interval, ping_cb, self);
}

static void
start_clocks (SbSoupTransport *self)
{
  self->tick_source = g_timeout_add_seconds (1, tick_cb, self);
  start_pings (self);
  self->drained_handler = g_signal_connect (self->bus, "drained", G_CALLBACK (drained_cb), self);
}

/* --- Start and stop --- */

static void
tear_down (SbSoupTransport *self)
{
  g_clear_handle_id (&self->tick_source, g_source_remove);
  g_clear_handle_id (&self->ping_source, g_source_remove);
  g_clear_handle_id (&self->throttle_source, g_source_remove);
  g_clear_handle_id (&self->stop_source, g_source_remove);
  g_clear_signal_handler (&self->drained_handler, self->bus);
  sb_soup_metrics_hide (self);
  sb_sse_free_all (self);
  g_clear_pointer (&self->frame, g_bytes_unref);
  if (self->listener != NULL)
    sb_listener_set_func (self->listener, NULL, NULL);
  g_clear_pointer (&self->sender, sb_file_sender_free);
  g_clear_object (&self->listener);
  if (self->server != NULL)
    soup_server_disconnect (self->server);
  g_clear_object (&self->server);
  g_clear_object (&self->never);
  g_clear_object (&self->certificate);
}

static SbProxyList *
load_proxies (SbConfig *config, GError **error)
{
  return sb_proxy_list_new (sb_config_get_list (config, SB_CONFIG_GROUP_BUS, "trusted-proxies"),
                            error);
}

static gboolean
transport_start (SbTransport *transport, SbBus *bus, GError **error)
{
  SbSoupTransport *self = SB_SOUP_TRANSPORT (transport);
  SbConfig *config = sb_bus_get_config (bus);

  g_set_object (&self->bus, bus);
  self->accounts = sb_bus_get_accounts (bus);
  g_clear_pointer (&self->logins, sb_logins_free);
  self->logins = sb_logins_new (self->accounts);
  read_settings (self);
  sb_soup_metrics_count (self);
  g_clear_pointer (&self->proxies, sb_proxy_list_free);
  self->proxies = load_proxies (config, error);
  self->sender = self->proxies != NULL ? sb_file_sender_new (sb_bus_get_metrics (bus), error)
                                       : NULL;
  if (self->sender == NULL || !load_certificate (config, &self->certificate, error)
      || !make_server (self, error) || !listen_all (self, error))
    {
      tear_down (self);
      return FALSE;
    }
  sb_soup_metrics_show (self);
  start_clocks (self);
  return TRUE;
}

static gboolean
is_everything_gone (SbSoupTransport *self)
{
  SbListenerStats stats;

  sb_listener_get_stats (self->listener, &stats);
  return self->requests.length == 0 && self->sessions.length == 0 && stats.open == 0
         && sb_file_sender_get_length (self->sender) == 0;
}

/* One step of stopping, always from the main loop and never from within libsoup. */
static gboolean
stop_cb (gpointer user_data)
{
  SbSoupTransport *self = user_data;
  g_autoptr (GTask) task = NULL;

  if (g_cancellable_is_cancelled (g_task_get_cancellable (self->stopping)))
    {
      sb_listener_close_all (self->listener);
      soup_server_disconnect (self->server);
    }
  else if (self->requests.length == 0 && self->sessions.length == 0)
    /* What is left is idle; what is still gathered there is written before it closes. */
    soup_server_disconnect (self->server);

  if (!is_everything_gone (self))
    return G_SOURCE_CONTINUE;
  self->stop_source = 0;
  tear_down (self);
  task = g_steal_pointer (&self->stopping);
  g_task_return_boolean (task, TRUE);
  return G_SOURCE_REMOVE;
}

static void
transport_stop_async (SbTransport *transport, GCancellable *cancellable,
                      GAsyncReadyCallback callback, gpointer user_data)
{
  SbSoupTransport *self = SB_SOUP_TRANSPORT (transport);
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);

  g_task_set_check_cancellable (task, FALSE);
  if (self->listener == NULL || self->stopping != NULL)
    {
      g_task_return_boolean (task, TRUE);
      return;
    }
  self->is_stopping = TRUE;
  self->stopping = g_steal_pointer (&task);
  sb_listener_stop_accepting (self->listener);
  sb_http_cancel_all (self);
  sb_soup_sessions_close (self);
  sb_sse_close_all (self);
  self->stop_source = g_timeout_add (STOP_POLL_MS, stop_cb, self);
}

static gboolean
transport_stop_finish (SbTransport *transport, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static char *
transport_describe (SbTransport *transport)
{
  return g_strdup (SB_SOUP_TRANSPORT (transport)->description->str);
}

static gboolean
transport_check (SbTransport *transport, SbConfig *config, GError **error)
{
  g_autoptr (SbProxyList) proxies = load_proxies (config, error);
  g_autoptr (GTlsCertificate) certificate = NULL;

  return proxies != NULL && load_certificate (config, &certificate, error);
}

static void
take_over_settings (SbSoupTransport *self)
{
  guint max_connections, max_per_address;
  gint64 ping_interval = self->ping_interval;
  gint64 keepalive_interval = self->keepalive_interval;

  read_settings (self);
  read_bounds (self, &max_connections, &max_per_address);
  sb_listener_set_bounds (self->listener, max_connections, max_per_address);
  sb_listener_foreach (self->listener, bound_connection, self);
  sb_soup_sessions_take_over (self, keepalive_interval != self->keepalive_interval);
  if (ping_interval != self->ping_interval)
    start_pings (self);
}

static gboolean
transport_reload (SbTransport *transport, GError **error)
{
  SbSoupTransport *self = SB_SOUP_TRANSPORT (transport);
  SbConfig *config = sb_bus_get_config (self->bus);
  g_autoptr (GTlsCertificate) certificate = NULL;
  SbProxyList *proxies;

  if (self->listener == NULL)
    return TRUE;
  take_over_settings (self);
  proxies = load_proxies (config, error);
  if (proxies == NULL || !load_certificate (config, &certificate, error))
    {
      g_clear_pointer (&proxies, sb_proxy_list_free);
      return FALSE;
    }
  sb_proxy_list_free (self->proxies);
  self->proxies = proxies;
  g_set_object (&self->certificate, certificate);
  sb_listener_set_certificate (self->listener, certificate);
  return TRUE;
}

static void
transport_iface_init (SbTransportInterface *iface)
{
  iface->start = transport_start;
  iface->stop_async = transport_stop_async;
  iface->stop_finish = transport_stop_finish;
  iface->describe = transport_describe;
  iface->reload = transport_reload;
  iface->check = transport_check;
}

/* --- Life --- */

static void
sb_soup_transport_dispose (GObject *object)
{
  SbSoupTransport *self = SB_SOUP_TRANSPORT (object);

  if (self->bus != NULL)
    tear_down (self);
  g_clear_pointer (&self->logins, sb_logins_free);
  g_clear_pointer (&self->console, g_hash_table_unref);
  sb_soup_metrics_clear (self);
  g_clear_object (&self->bus);
  G_OBJECT_CLASS (sb_soup_transport_parent_class)->dispose (object);
}

static void
sb_soup_transport_finalize (GObject *object)
{
  SbSoupTransport *self = SB_SOUP_TRANSPORT (object);

  sb_soup_leftovers_clear (self);
  g_clear_pointer (&self->proxies, sb_proxy_list_free);
  g_bytes_unref (self->ping);
  g_string_free (self->description, TRUE);
  G_OBJECT_CLASS (sb_soup_transport_parent_class)->finalize (object);
}

static void
sb_soup_transport_class_init (SbSoupTransportClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = sb_soup_transport_dispose;
  G_OBJECT_CLASS (klass)->finalize = sb_soup_transport_finalize;
}

static void
sb_soup_transport_init (SbSoupTransport *self)
{
  static const char ping[] = "{\"type\": \"ping\"}";

  self->ping = g_bytes_new_static (ping, sizeof ping - 1);
  self->description = g_string_new (NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-listener: from listening sockets to connections that are ready to be served.
 *
 * An accepted socket is counted, in all and for its peer, before anything is made of it. With a
 * certificate it goes through sb-handshake. It is counted until its descriptor is closed, also
 * while it lingers. One tick looks at all deadlines; there is no timer per connection.
 */

#include "sb-listener.h"

#include "sb-bind.h"
#include "sb-handshake.h"
#include "simplebus.h"

#include <errno.h>
#include <gio/gnetworking.h>
#include <netinet/tcp.h>
#include <unistd.h>

/* Accepts in one dispatch, so that a rush of new ones does not hold up the others. */
#define ACCEPTS_AT_ONCE 32
#define LOG_INTERVAL (60 * G_USEC_PER_SEC)

typedef struct
{
  SbListener *listener; /* (unowned): owns us */
  GSocket *socket;      /* (owned) */
  GSource *source;      /* (owned) (nullable): while accepting */
  gpointer tag;
} Port;

struct _SbListener
{
  GObject parent_instance;

  SbListenerOptions options;
  SbPoller *poller;             /* (owned) */
  GPtrArray *ports;             /* (owned) (element-type Port) */
  GHashTable *connections;      /* (owned) (element-type SbConnection SbPeer): neither owned */
  GHashTable *peers;            /* (owned) (element-type utf8 SbPeer): by key */
  SbHandshakes *handshakes;     /* (owned) */
  GTlsCertificate *certificate; /* (owned) (nullable) */
  GSource *tick;                /* (owned) */
  SbListenerFunc func;
  gpointer user_data;
  SbListenerStats stats;
  gint64 logged;    /* monotonic µs: when a refusal was logged last, 0: never */
  gboolean starved; /* out of descriptors, and not accepted anything since */
};

G_DEFINE_FINAL_TYPE (SbListener, sb_listener, G_TYPE_OBJECT)

/* --- Peers ---------------------------------------------------------------------------------- */

static void
peer_free (gpointer data)
{
  SbPeer *peer = data;

  g_free (peer->key);
  g_free (peer);
}

/* One who has an IPv6 address commonly has the 2⁶⁴ of its network. */
static char *
make_key (GInetAddress *address)
{
  g_autoptr (GInetAddress) network = NULL;
  guint8 bytes[16] = { 0 };
  g_autofree char *text = sb_connection_format_address (address);

  if (strchr (text, ':') == NULL)
    return g_steal_pointer (&text);
  memcpy (bytes, g_inet_address_to_bytes (address), 8);
  network = g_inet_address_new_from_bytes (bytes, G_SOCKET_FAMILY_IPV6);
  return g_inet_address_to_string (network);
}

static SbPeer *
find_peer (SbListener *self, const struct sockaddr *native, gsize length)
{
  g_autoptr (GSocketAddress) address = g_socket_address_new_from_native ((gpointer) native, length);
  g_autofree char *key = NULL;
  SbPeer *peer;

  if (G_IS_INET_SOCKET_ADDRESS (address))
    key = make_key (g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address)));
  else
    key = g_strdup ("unknown");
  peer = g_hash_table_lookup (self->peers, key);
  if (peer == NULL)
    {
      peer = g_new0 (SbPeer, 1);
      peer->key = g_steal_pointer (&key);
      g_hash_table_insert (self->peers, peer->key, peer);
    }
  return peer;
}

static void
drop_if_unused (SbListener *self, SbPeer *peer)
{
  if (peer->connections == 0)
    g_hash_table_remove (self->peers, peer->key);
}

static void
count_out (SbListener *self, SbPeer *peer)
{
  self->stats.open--;
  peer->connections--;
  drop_if_unused (self, peer);
}

/* --- Connections ---------------------------------------------------------------------------- */

static void
on_closed (SbConnection *connection, gpointer user_data)
{
  SbListener *self = user_data;
  SbPeer *peer = NULL;

  if (g_hash_table_steal_extended (self->connections, connection, NULL, (gpointer *) &peer))
    count_out (self, peer);
}

/* The connection is ready: whoever serves it holds it from now on. */
static void
hand_over (SbListener *self, GIOStream *stream, SbPeer *peer, gpointer tag)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SbConnection) connection = sb_connection_new (self->poller, stream, tag,
                                                           &self->options.limits, &error);

  if (connection == NULL)
    {
      g_message ("cannot serve a connection of %s: %s", peer->key, error->message);
      count_out (self, peer);
      return;
    }
  g_hash_table_insert (self->connections, connection, peer);
  sb_connection_set_closed_func (connection, on_closed, self);
  if (self->func != NULL)
    self->func (self, connection, tag, self->user_data);
}

static void
on_handshake (GIOStream *stream, SbPeer *peer, gpointer tag, gpointer user_data)
{
  g_autoptr (SbListener) self = g_object_ref (user_data);

  if (stream != NULL)
    {
      hand_over (self, stream, peer, tag);
      return;
    }
  self->stats.handshakes_failed++;
  count_out (self, peer);
}

/* --- Accepting ------------------------------------------------------------------------------ */

static void
set_options (int fd)
{
  static const int one = 1, idle = 60, interval = 15, count = 4;

  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  setsockopt (fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
  setsockopt (fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  setsockopt (fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  setsockopt (fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

static void
log_refusal (SbListener *self, SbPeer *peer, const char *bound, guint limit)
{
  gint64 now = g_get_monotonic_time ();

  if (self->logged != 0 && now - self->logged < LOG_INTERVAL)
    return;
  self->logged = now;
  g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE_ID",
                    SB_MESSAGE_ID_CONNECTION_REFUSED, SB_LOG_FIELD_ADDRESS, peer->key, "MESSAGE",
                    "refused a connection of %s: %s is %u (refused so far: %" G_GUINT64_FORMAT ")",
                    peer->key, bound, limit, self->stats.refused + self->stats.refused_address);
}

static gboolean
is_refused (SbListener *self, SbPeer *peer)
{
  if (self->stats.open >= self->options.max_connections)
    {
      self->stats.refused++;
      log_refusal (self, peer, "the limit in all", self->options.max_connections);
      return TRUE;
    }
  if (peer->connections >= self->options.max_per_address)
    {
      self->stats.refused_address++;
      log_refusal (self, peer, "the limit for one address", self->options.max_per_address);
      return TRUE;
    }
  return FALSE;
}

static void
begin_connection (SbListener *self, int fd, SbPeer *peer, gpointer tag)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) socket = g_socket_new_from_fd (fd, &error);
  g_autoptr (GSocketConnection) base = NULL;

  if (socket == NULL)
    {
      g_message ("cannot serve a connection of %s: %s", peer->key, error->message);
      close (fd);
      drop_if_unused (self, peer);
      return;
    }
  base = g_socket_connection_factory_create_connection (socket);
  self->stats.accepted++;
  self->stats.open++;
  peer->connections++;
  if (self->certificate != NULL)
    sb_handshakes_add (self->handshakes, base, self->certificate, peer, tag);
  else
    hand_over (self, G_IO_STREAM (base), peer, tag);
}

static void
stop_port (Port *port)
{
  if (port->source != NULL)
    g_source_destroy (port->source);
  g_clear_pointer (&port->source, g_source_unref);
}

/* Out of descriptors: a listening socket stays readable, and would be tried for ever. */
static void
pause_accepting (SbListener *self, int code)
{
  for (guint i = 0; i < self->ports->len; i++)
    stop_port (g_ptr_array_index (self->ports, i));
  if (!self->starved)
    g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE_ID",
                      SB_MESSAGE_ID_CONNECTION_REFUSED, "MESSAGE",
                      "cannot accept connections, trying on: %s", g_strerror (code));
  self->starved = TRUE;
  self->stats.starved++;
}

static gboolean
is_starving (int code)
{
  return code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM;
}

/* Returns: whether there may be another one to accept */
static gboolean
accept_one (Port *port)
{
  SbListener *self = port->listener;
  struct sockaddr_storage native = { 0 };
  socklen_t length = sizeof native;
  int fd = accept4 (g_socket_get_fd (port->socket), (struct sockaddr *) &native, &length,
                    SOCK_CLOEXEC | SOCK_NONBLOCK);
  SbPeer *peer;

  if (fd < 0)
    {
      int code = errno;

      if (is_starving (code))
        pause_accepting (self, code);
      /* Any other error is about the connection that was to be accepted. */
      return !is_starving (code) && code != EAGAIN && code != EWOULDBLOCK;
    }
  self->starved = FALSE;
  peer = find_peer (self, (struct sockaddr *) &native, length);
  if (is_refused (self, peer))
    {
      close (fd);
      drop_if_unused (self, peer);
      return TRUE;
    }
  set_options (fd);
  begin_connection (self, fd, peer, port->tag);
  return TRUE;
}

static gboolean
on_incoming (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  Port *port = user_data;
  g_autoptr (SbListener) self = g_object_ref (port->listener);
  g_autoptr (GSource) source = g_source_ref (port->source);

  for (guint i = 0; i < ACCEPTS_AT_ONCE && !g_source_is_destroyed (source); i++)
    if (!accept_one (port))
      break;
  return G_SOURCE_CONTINUE;
}

static void
start_port (Port *port)
{
  if (port->source != NULL)
    return;
  port->source = g_socket_create_source (port->socket, G_IO_IN, NULL);
  g_source_set_callback (port->source, G_SOURCE_FUNC (on_incoming), port, NULL);
  g_source_attach (port->source, sb_poller_get_context (port->listener->poller));
}

static void
port_free (gpointer data)
{
  Port *port = data;

  stop_port (port);
  g_socket_close (port->socket, NULL);
  g_object_unref (port->socket);
  g_free (port);
}

static void
add_port (SbListener *self, GSocket *socket, gpointer tag)
{
  Port *port = g_new0 (Port, 1);

  port->listener = self;
  port->socket = g_object_ref (socket);
  port->tag = tag;
  g_socket_set_blocking (socket, FALSE);
  g_ptr_array_add (self->ports, port);
  start_port (port);
}

/* --- The tick ------------------------------------------------------------------------------- */

static void
check_connections (SbListener *self, gint64 now)
{
  GHashTableIter iter;
  gpointer connection;

  /* An abort is told from the loop, and so does not change the table here. */
  g_hash_table_iter_init (&iter, self->connections);
  while (g_hash_table_iter_next (&iter, &connection, NULL))
    {
      const char *reason = sb_connection_check (connection, now);

      if (reason == NULL)
        continue;
      g_debug ("closing a connection of %s: %s overdue", sb_connection_get_remote_text (connection),
               reason);
      self->stats.overdue++;
      sb_connection_abort (connection, reason);
    }
}

static gboolean
on_tick (gpointer user_data)
{
  g_autoptr (SbListener) self = g_object_ref (user_data);
  gint64 now = g_get_monotonic_time ();

  for (guint i = 0; i < self->ports->len; i++)
    start_port (g_ptr_array_index (self->ports, i));
  sb_handshakes_check (self->handshakes, now, self->options.limits.handshake);
  check_connections (self, now);
  return G_SOURCE_CONTINUE;
}

/* Whole seconds share their wake-up with other timers of the process. */
static GSource *
make_tick (SbListener *self)
{
  guint tick = MAX (self->options.tick, 1);
  GSource *source = tick % 1000 == 0 ? g_timeout_source_new_seconds (tick / 1000)
                                     : g_timeout_source_new (tick);

  g_source_set_static_name (source, "connections: deadlines");
  g_source_set_callback (source, on_tick, self, NULL);
  g_source_attach (source, sb_poller_get_context (self->poller));
  return source;
}

/* --- Life ----------------------------------------------------------------------------------- */

static void
forget_connections (SbListener *self)
{
  GHashTableIter iter;
  gpointer connection;

  g_hash_table_iter_init (&iter, self->connections);
  while (g_hash_table_iter_next (&iter, &connection, NULL))
    sb_connection_set_closed_func (connection, NULL, NULL);
  g_hash_table_remove_all (self->connections);
}

static void
sb_listener_dispose (GObject *object)
{
  SbListener *self = SB_LISTENER (object);

  self->func = NULL;
  if (self->tick != NULL)
    g_source_destroy (self->tick);
  g_clear_pointer (&self->tick, g_source_unref);
  g_ptr_array_set_size (self->ports, 0);
  g_clear_pointer (&self->handshakes, sb_handshakes_free);
  forget_connections (self);
  G_OBJECT_CLASS (sb_listener_parent_class)->dispose (object);
}

static void
sb_listener_finalize (GObject *object)
{
  SbListener *self = SB_LISTENER (object);

  g_ptr_array_unref (self->ports);
  g_hash_table_unref (self->connections);
  g_hash_table_unref (self->peers);
  g_clear_object (&self->certificate);
  g_clear_pointer (&self->poller, sb_poller_unref);
  G_OBJECT_CLASS (sb_listener_parent_class)->finalize (object);
}

static void
sb_listener_class_init (SbListenerClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = sb_listener_dispose;
  G_OBJECT_CLASS (klass)->finalize = sb_listener_finalize;
}

static void
sb_listener_init (SbListener *self)
{
  self->ports = g_ptr_array_new_with_free_func (port_free);
  self->connections = g_hash_table_new (NULL, NULL);
  self->peers = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, peer_free);
  self->handshakes = sb_handshakes_new (on_handshake, self);
}

/**
 * sb_listener_options_init:
 * @options: (out caller-allocates): what to fill
 *
 * Sets the defaults: 25,000 connections, 10,000 of them of one address (many devices may be
 * behind one router), a tick of a second.
 */
void
sb_listener_options_init (SbListenerOptions *options)
{
  g_return_if_fail (options != NULL);

  options->max_connections = 25000;
  options->max_per_address = 10000;
  options->tick = 1000;
  sb_connection_limits_init (&options->limits);
}

/**
 * sb_listener_new:
 * @options: (nullable): the bounds, copied; %NULL: the defaults
 * @error: return location for an error
 *
 * Makes a listener of the thread-default main context, which listens to nothing yet. It does
 * not hold the connections that it has handed over: they live on without it.
 *
 * Returns: (transfer full) (nullable): the listener; %NULL when out of descriptors
 */
SbListener *
sb_listener_new (const SbListenerOptions *options, GError **error)
{
  g_autoptr (SbPoller) poller = sb_poller_new (error);
  SbListener *self;

  if (poller == NULL)
    return NULL;
  self = g_object_new (SB_TYPE_LISTENER, NULL);
  if (options != NULL)
    self->options = *options;
  else
    sb_listener_options_init (&self->options);
  self->poller = g_steal_pointer (&poller);
  self->tick = make_tick (self);
  return self;
}

/* --- Ports ---------------------------------------------------------------------------------- */

/**
 * sb_listener_add_address:
 * @self: a listener
 * @host: an address such as `0.0.0.0` or `::` (which is both kinds), or a name, all of whose
 *   addresses are listened to
 * @port: a port; 0: one that is free
 * @tag: (nullable): handed on with each connection of this port
 * @bound_port: (out) (optional): the port
 * @error: return location for an error
 *
 * Begins to listen; all or nothing. A name is looked up while the caller waits.
 *
 * Returns: %FALSE with an error that names host, port and cause
 */
gboolean
sb_listener_add_address (SbListener *self, const char *host, guint16 port, gpointer tag,
                         guint16 *bound_port, GError **error)
{
  g_autoptr (GPtrArray) sockets = NULL;

  g_return_val_if_fail (SB_IS_LISTENER (self), FALSE);
  g_return_val_if_fail (host != NULL, FALSE);

  sockets = sb_bind (host, port, error);
  if (sockets == NULL)
    return FALSE;
  for (guint i = 0; i < sockets->len; i++)
    add_port (self, g_ptr_array_index (sockets, i), tag);
  if (bound_port != NULL)
    *bound_port = sb_bind_get_port (g_ptr_array_index (sockets, 0));
  return TRUE;
}

/**
 * sb_listener_add_fd:
 * @self: a listener
 * @fd: a TCP socket that listens already, as of socket activation
 * @tag: (nullable): handed on with each connection of this port
 * @error: return location for an error
 *
 * Begins to accept from @fd, and owns it; on failure it stays the caller's.
 *
 * Returns: %FALSE with an error when @fd is something else
 */
gboolean
sb_listener_add_fd (SbListener *self, int fd, gpointer tag, GError **error)
{
  g_autoptr (GSocket) socket = NULL;

  g_return_val_if_fail (SB_IS_LISTENER (self), FALSE);

  socket = sb_bind_adopt (fd, error);
  if (socket == NULL)
    return FALSE;
  add_port (self, socket, tag);
  return TRUE;
}

/**
 * sb_listener_set_certificate:
 * @self: a listener
 * @certificate: (nullable): with its key; %NULL: no encryption
 *
 * Has connections that are accepted from now on use @certificate.
 */
void
sb_listener_set_certificate (SbListener *self, GTlsCertificate *certificate)
{
  g_return_if_fail (SB_IS_LISTENER (self));
  g_return_if_fail (certificate == NULL || G_IS_TLS_CERTIFICATE (certificate));
  g_set_object (&self->certificate, certificate);
}

/**
 * sb_listener_set_bounds:
 * @self: a listener
 * @max_connections: connections in all
 * @max_per_address: connections of one peer
 *
 * Changes the bounds for connections that come; those that are open stay.
 */
void
sb_listener_set_bounds (SbListener *self, guint max_connections, guint max_per_address)
{
  g_return_if_fail (SB_IS_LISTENER (self));
  self->options.max_connections = max_connections;
  self->options.max_per_address = max_per_address;
}

/**
 * sb_listener_set_func:
 * @self: a listener
 * @func: (nullable) (scope forever): what to call with each connection; %NULL: each is closed
 * @user_data: for @func; must live as long as @func is set
 *
 * Sets who serves the connections.
 */
void
sb_listener_set_func (SbListener *self, SbListenerFunc func, gpointer user_data)
{
  g_return_if_fail (SB_IS_LISTENER (self));
  self->func = func;
  self->user_data = user_data;
}

/* --- All of them ---------------------------------------------------------------------------- */

/**
 * sb_listener_foreach:
 * @self: a listener
 * @func: (scope call): what to call
 * @user_data: for @func
 *
 * Calls @func with each connection that was handed over and whose descriptor is not closed yet.
 */
void
sb_listener_foreach (SbListener *self, SbListenerVisitFunc func, gpointer user_data)
{
  g_autolist (SbConnection) connections = NULL;

  g_return_if_fail (SB_IS_LISTENER (self));
  g_return_if_fail (func != NULL);

  connections = g_hash_table_get_keys (self->connections);
  for (GList *l = connections; l != NULL; l = l->next)
    g_object_ref (l->data);
  for (GList *l = connections; l != NULL; l = l->next)
    func (l->data, user_data);
}

/**
 * sb_listener_get_stats:
 * @self: a listener
 * @stats: (out caller-allocates): what to fill
 *
 * Tells what is counted.
 */
void
sb_listener_get_stats (SbListener *self, SbListenerStats *stats)
{
  g_return_if_fail (SB_IS_LISTENER (self));
  g_return_if_fail (stats != NULL);

  *stats = self->stats;
  stats->handshaking = sb_handshakes_get_length (self->handshakes);
}

/**
 * sb_listener_stop_accepting:
 * @self: a listener
 *
 * Closes the listening sockets. Connections that were accepted go on.
 */
void
sb_listener_stop_accepting (SbListener *self)
{
  g_return_if_fail (SB_IS_LISTENER (self));
  g_ptr_array_set_size (self->ports, 0);
}

static void
abort_connection (SbConnection *connection, gpointer user_data)
{
  sb_connection_abort (connection, "the listener closes");
}

/**
 * sb_listener_close_all:
 * @self: a listener
 *
 * Ends all handshakes and aborts all connections. Output that the sockets do not take at once is
 * lost: whoever wants to part in peace closes sooner, and calls this when the time is up.
 */
void
sb_listener_close_all (SbListener *self)
{
  g_return_if_fail (SB_IS_LISTENER (self));
  sb_handshakes_cancel_all (self->handshakes);
  sb_listener_foreach (self, abort_connection, NULL);
}

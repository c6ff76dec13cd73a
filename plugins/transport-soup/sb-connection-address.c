/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-connection-address: whose connection it is, and how to find it from what libsoup hands out.
 *
 * libsoup gives a request's address object, and its own wrapper of our stream; both lead back
 * to the connection here.
 */

#include "sb-connection-private.h"

static const char lookup_key[] = "sb-connection";

/* The same address as itself or as IPv4 mapped into IPv6: the former. */
static GInetAddress *
unmap_address (GInetAddress *address)
{
  static const guint8 prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
  const guint8 *bytes = g_inet_address_to_bytes (address);

  if (g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV6
      && memcmp (bytes, prefix, sizeof prefix) == 0)
    return g_inet_address_new_from_bytes (bytes + sizeof prefix, G_SOCKET_FAMILY_IPV4);
  return g_object_ref (address);
}

/**
 * sb_connection_format_address:
 * @address: an address
 *
 * Returns: (transfer full): @address as text; an IPv4 address that came mapped into IPv6 looks
 *   like any other IPv4 address
 */
char *
sb_connection_format_address (GInetAddress *address)
{
  g_autoptr (GInetAddress) plain = NULL;

  g_return_val_if_fail (G_IS_INET_ADDRESS (address), NULL);

  plain = unmap_address (address);
  return g_inet_address_to_string (plain);
}

static GSocketAddress *
unmap_socket_address (GSocketAddress *address)
{
  GInetSocketAddress *inet = G_INET_SOCKET_ADDRESS (address);
  g_autoptr (GInetAddress) plain = unmap_address (g_inet_socket_address_get_address (inet));

  return g_inet_socket_address_new (plain, g_inet_socket_address_get_port (inet));
}

/* Returns: (transfer full): the peer's address as text */
char *
sb_connection_describe_remote (GSocket *socket)
{
  g_autoptr (GSocketAddress) address = g_socket_get_remote_address (socket, NULL);

  if (!G_IS_INET_SOCKET_ADDRESS (address))
    return g_strdup ("unknown");
  return sb_connection_format_address (
      g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address)));
}

/* The address object may outlive the connection. */
void
sb_connection_forget_remote (SbConnection *self)
{
  if (self->remote != NULL)
    g_object_set_data (G_OBJECT (self->remote), lookup_key, NULL);
  g_clear_object (&self->remote);
}

/**
 * sb_connection_get_remote_text:
 * @self: a connection
 *
 * Returns: (transfer none): the peer's address without its port, as text; also when closed
 */
const char *
sb_connection_get_remote_text (SbConnection *self)
{
  g_return_val_if_fail (SB_IS_CONNECTION (self), NULL);
  return self->remote_text;
}

/**
 * sb_connection_get_remote_address:
 * @self: a connection
 *
 * Returns: (transfer none) (nullable): the peer's address and port, an IPv4 one as such; %NULL
 *   when it is closed and was never asked before, or the peer has already gone
 */
GSocketAddress *
sb_connection_get_remote_address (SbConnection *self)
{
  g_autoptr (GSocketAddress) address = NULL;

  g_return_val_if_fail (SB_IS_CONNECTION (self), NULL);

  if (self->remote == NULL && self->socket != NULL)
    address = g_socket_get_remote_address (self->socket, NULL);
  if (G_IS_INET_SOCKET_ADDRESS (address))
    {
      self->remote = unmap_socket_address (address);
      g_object_set_data (G_OBJECT (self->remote), lookup_key, self);
    }
  return self->remote;
}

/**
 * sb_connection_get_local_address:
 * @self: a connection
 *
 * Returns: (transfer none) (nullable): our own address and port, an IPv4 one as such; %NULL when
 *   it is closed and was never asked before
 */
GSocketAddress *
sb_connection_get_local_address (SbConnection *self)
{
  g_autoptr (GSocketAddress) address = NULL;

  g_return_val_if_fail (SB_IS_CONNECTION (self), NULL);

  if (self->local == NULL && self->socket != NULL)
    address = g_socket_get_local_address (self->socket, NULL);
  if (G_IS_INET_SOCKET_ADDRESS (address))
    self->local = unmap_socket_address (address);
  return self->local;
}

/* Moves what @input has read too much back, to be read again. While the connection is paused,
 * @input gets nothing new from it. */
static void
take_back (SbConnection *self, GInputStream *input)
{
  gboolean paused = self->paused;
  SbGather back = { NULL, 0, 0, 0 };
  guint8 buffer[1024];
  gssize n;

  self->paused = TRUE;
  do
    {
      n = g_pollable_input_stream_read_nonblocking (G_POLLABLE_INPUT_STREAM (input), buffer,
                                                    sizeof buffer, NULL, NULL);
      if (n > 0)
        sb_gather_append (&back, buffer, n);
    }
  while (n > 0);
  self->paused = paused;
  self->unfinished -= MIN (self->unfinished, sb_gather_get_length (&back));
  if (sb_gather_get_length (&back) > 0)
    sb_gather_prepend (&self->ahead, sb_gather_peek (&back), sb_gather_get_length (&back));
  sb_gather_clear (&back);
  if (sb_connection_can_read (self))
    sb_connection_wake (self->input_sources);
}

/**
 * sb_connection_unwrap:
 * @stream: what soup_server_message_steal_connection() gave, or a connection
 *
 * Finds the connection inside libsoup's wrapper, which can then be dropped. A WebSocket made on
 * the connection itself needs less memory, and costs the main loop nothing while it is idle.
 * Bytes that the wrapper had already read are not lost.
 *
 * Returns: (transfer full) (nullable): the connection; %NULL when there is none inside
 */
SbConnection *
sb_connection_unwrap (GIOStream *stream)
{
  g_autoptr (GIOStream) base = NULL;

  g_return_val_if_fail (G_IS_IO_STREAM (stream), NULL);

  if (SB_IS_CONNECTION (stream))
    return g_object_ref (SB_CONNECTION (stream));
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (stream), "base-iostream") == NULL)
    return NULL;
  g_object_get (stream, "base-iostream", &base, NULL);
  if (!SB_IS_CONNECTION (base))
    return NULL;
  take_back (SB_CONNECTION (base), g_io_stream_get_input_stream (stream));
  return SB_CONNECTION (g_steal_pointer (&base));
}

/**
 * sb_connection_lookup:
 * @remote: (nullable): the very object that sb_connection_get_remote_address() gave, as
 *   soup_server_message_get_remote_address() hands it on
 *
 * Returns: (transfer none) (nullable): the connection that @remote belongs to, if it still lives
 */
SbConnection *
sb_connection_lookup (GSocketAddress *remote)
{
  return remote != NULL ? g_object_get_data (G_OBJECT (remote), lookup_key) : NULL;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-bind: from what an administrator writes to sockets that listen, or to an error. */

#include "sb-bind.h"

#include "simplebus.h"

#include <errno.h>
#include <gio/gnetworking.h>

#define BACKLOG 1024

static GSocket *
bind_socket (GInetAddress *address, guint16 port, GError **error)
{
  GSocketFamily family = g_inet_address_get_family (address);
  g_autoptr (GSocketAddress) full = g_inet_socket_address_new (address, port);
  g_autoptr (GSocket) socket = g_socket_new (family, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP,
                                             error);

  if (socket == NULL)
    return NULL;
  /* "::" is every address of the machine, whatever the system's default is. */
  if (family == G_SOCKET_FAMILY_IPV6)
    g_socket_set_option (socket, IPPROTO_IPV6, IPV6_V6ONLY, FALSE, NULL);
  g_socket_set_listen_backlog (socket, BACKLOG);
  if (!g_socket_bind (socket, full, TRUE, error) || !g_socket_listen (socket, error))
    return NULL;
  return g_steal_pointer (&socket);
}

/* Returns: the port that @socket is bound to */
guint16
sb_bind_get_port (GSocket *socket)
{
  g_autoptr (GSocketAddress) address = g_socket_get_local_address (socket, NULL);

  if (!G_IS_INET_SOCKET_ADDRESS (address))
    return 0;
  return g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address));
}

static GList *
resolve (const char *host, GError **error)
{
  g_autoptr (GResolver) resolver = NULL;
  g_autofree char *bare = g_strdup (host);
  gsize length = strlen (bare);
  GInetAddress *address;

  if (length > 2 && bare[0] == '[' && bare[length - 1] == ']')
    {
      memmove (bare, bare + 1, length - 2);
      bare[length - 2] = '\0';
    }
  address = g_inet_address_new_from_string (bare);
  if (address != NULL)
    return g_list_prepend (NULL, address);
  resolver = g_resolver_get_default ();
  return g_resolver_lookup_by_name (resolver, bare, NULL, error);
}

/* A name may have an address of a kind that this machine has not. */
static gboolean
is_of_no_use (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED)
         || strstr (error->message, g_strerror (EADDRNOTAVAIL)) != NULL
         || strstr (error->message, g_strerror (EAFNOSUPPORT)) != NULL;
}

static gboolean
bind_all (GList *addresses, guint16 port, GPtrArray *sockets, GError **error)
{
  g_autoptr (GError) skipped = NULL;

  for (GList *l = addresses; l != NULL; l = l->next)
    {
      g_autoptr (GError) local_error = NULL;
      GSocket *socket = bind_socket (l->data, port, &local_error);

      if (socket != NULL)
        {
          g_ptr_array_add (sockets, socket);
          port = sb_bind_get_port (socket);
          continue;
        }
      if (!is_of_no_use (local_error))
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
      g_clear_error (&skipped);
      skipped = g_steal_pointer (&local_error);
    }
  if (sockets->len == 0)
    g_propagate_error (error, g_steal_pointer (&skipped));
  return sockets->len > 0;
}

/*
 * sb_bind:
 * @host: an address, also in brackets, or a name
 * @port: a port; 0: one that is free, the same for all addresses of @host
 *
 * Returns: (transfer full) (element-type GSocket): at least one socket; %NULL with an error that
 *   names host, port and cause
 */
GPtrArray *
sb_bind (const char *host, guint16 port, GError **error)
{
  g_autoptr (GPtrArray) sockets = g_ptr_array_new_with_free_func (g_object_unref);
  GList *addresses = resolve (host, error);
  gboolean bound = addresses != NULL && bind_all (addresses, port, sockets, error);

  g_resolver_free_addresses (addresses);
  if (bound)
    return g_steal_pointer (&sockets);
  g_prefix_error (error, "cannot listen on %s:%u: ", host, port);
  return NULL;
}

static gboolean
check_listening (int fd, GError **error)
{
  int listening = 0, domain = 0;
  socklen_t length = sizeof (int);

  if (getsockopt (fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) < 0)
    g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "descriptor %d: %s", fd, g_strerror (errno));
  else if (!listening)
    g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "descriptor %d does not listen", fd);
  else if (getsockopt (fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) < 0
           || (domain != AF_INET && domain != AF_INET6))
    g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "descriptor %d is not of TCP", fd);
  else
    return TRUE;
  return FALSE;
}

/* Returns: (transfer full): a socket that owns @fd; %NULL, and @fd untouched, on an error */
GSocket *
sb_bind_adopt (int fd, GError **error)
{
  return check_listening (fd, error) ? g_socket_new_from_fd (fd, error) : NULL;
}

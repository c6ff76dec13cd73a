/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-http-dial: the addresses of a host are tried one after the other, in the order of the
 * resolver. Each is shown to the guard and is the one that the socket is connected to; no name is
 * resolved a second time. One that does not answer leaves the others their share of the time.
 */

#include "sb-http-dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A call of the resolver, which may outlive the dial. */
typedef struct
{
  SbHttpDial *dial; /* (borrowed) (nullable) */
} Lookup;

struct _SbHttpDial
{
  SbHttpClient *client; /* (owned) */
  char *host;           /* (owned) */
  guint16 port;
  gint64 deadline; /* monotonic; kept by the caller, known here to share it out */
  SbHttpDialFunc func;
  gpointer user_data;

  GCancellable *cancellable; /* (owned) (nullable) of the lookup */
  Lookup *lookup;            /* (borrowed) (nullable) */
  GList *addresses;          /* (owned) that are left */
  GError *error;             /* (owned) (nullable) of the last one that failed */
  int fd;                    /* -1: none */
  SbHttpWatch watch;
  SbHttpTimer timer;
};

static void try_next (SbHttpDial *self);

/* Reports, and is gone. */
static void
report (SbHttpDial *self, int fd)
{
  SbHttpDialFunc func = self->func;
  gpointer user_data = self->user_data;
  g_autoptr (GError) error = g_steal_pointer (&self->error);

  func (fd, fd < 0 ? error : NULL, user_data);
}

static void
close_socket (SbHttpDial *self)
{
  sb_http_watch_remove (&self->watch);
  sb_http_timer_clear (&self->timer);
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
}

static int
steal_socket (SbHttpDial *self)
{
  int fd = self->fd;

  sb_http_watch_remove (&self->watch);
  self->fd = -1;
  return fd;
}

G_GNUC_PRINTF (2, 3)
static void
note (SbHttpDial *self, const char *format, ...)
{
  va_list args;

  g_clear_error (&self->error);
  va_start (args, format);
  self->error = g_error_new_valist (SB_ERROR, SB_ERROR_TRANSIENT, format, args);
  va_end (args);
}

/* An address was of no use. */
static void
note_failure (SbHttpDial *self, const char *why)
{
  GInetAddress *address = self->addresses->data;
  g_autofree char *text = g_inet_address_to_string (address);

  note (self, strchr (text, ':') != NULL ? "connecting to [%s]:%u: %s" : "connecting to %s:%u: %s",
        text, self->port, why);
}

static void
drop_address (SbHttpDial *self)
{
  close_socket (self);
  g_object_unref (self->addresses->data);
  self->addresses = g_list_delete_link (self->addresses, self->addresses);
}

static void
socket_cb (SbHttpWatch *watch, gboolean is_readable)
{
  SbHttpDial *self = SB_HTTP_OWNER (watch, SbHttpDial, watch);
  int error = 0;
  socklen_t length = sizeof error;

  if (getsockopt (self->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
    error = errno;
  if (error == 0)
    {
      report (self, steal_socket (self));
      return;
    }
  note_failure (self, g_strerror (error));
  drop_address (self);
  try_next (self);
}

static void
timer_cb (SbHttpTimer *timer)
{
  SbHttpDial *self = SB_HTTP_OWNER (timer, SbHttpDial, timer);

  if (timer->kind == SB_HTTP_TIMER_SOON)
    {
      report (self, -1);
      return;
    }
  note_failure (self, "no answer");
  drop_address (self);
  try_next (self);
}

static gboolean
connect_socket (int fd, GSocketAddress *address)
{
  struct sockaddr_storage native;
  int on = 1;

  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (!g_socket_address_to_native (address, &native, sizeof native, NULL))
    {
      errno = EAFNOSUPPORT;
      return FALSE;
    }
  return connect (fd, (struct sockaddr *) &native,
                  (socklen_t) g_socket_address_get_native_size (address))
             == 0
         || errno == EINPROGRESS;
}

/* Begins to connect to the first address that is left. */
static gboolean
start_connect (SbHttpDial *self)
{
  GInetAddress *address = self->addresses->data;
  g_autoptr (GSocketAddress) socket_address = g_inet_socket_address_new (address, self->port);
  g_autoptr (GError) error = NULL;

  if (!sb_http_guard_check (self->client->guard, address, &error))
    {
      note (self, "%s", error->message);
      return FALSE;
    }
  self->fd = socket ((int) g_inet_address_get_family (address),
                     SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
  if (self->fd < 0 || !connect_socket (self->fd, socket_address))
    {
      note_failure (self, g_strerror (errno));
      return FALSE;
    }
  if (!sb_http_watch_add (&self->watch, self->client->poller, self->fd, SB_HTTP_WAIT_OUTPUT,
                          &error))
    {
      note_failure (self, error->message);
      return FALSE;
    }
  return TRUE;
}

/* Goes on with the addresses that are left; never reports from here. */
static void
try_next (SbHttpDial *self)
{
  SbHttpPoller *poller = self->client->poller;
  gint64 now = g_get_monotonic_time ();

  while (self->addresses != NULL)
    {
      guint n_left = g_list_length (self->addresses);

      if (start_connect (self))
        {
          if (n_left > 1)
            sb_http_timer_set (&self->timer, poller, SB_HTTP_TIMER_CONNECT,
                               now + MAX (self->deadline - now, 0) / n_left);
          return;
        }
      drop_address (self);
    }
  sb_http_timer_set (&self->timer, poller, SB_HTTP_TIMER_SOON, now);
}

static void
resolved_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Lookup *lookup = user_data;
  g_autoptr (GError) error = NULL;
  GList *addresses = g_resolver_lookup_by_name_finish (G_RESOLVER (source), result, &error);
  SbHttpDial *self = lookup->dial;

  if (self == NULL)
    {
      g_resolver_free_addresses (addresses);
      return;
    }
  self->lookup = NULL;
  self->addresses = addresses;
  if (error != NULL)
    note (self, "%s", error->message);
  try_next (self);
}

static void
resolve (SbHttpDial *self)
{
  g_autoptr (GResolver) resolver = g_resolver_get_default ();

  self->lookup = g_new (Lookup, 1);
  self->lookup->dial = self;
  self->cancellable = g_cancellable_new ();
  g_resolver_lookup_by_name_async (resolver, self->host, self->cancellable, resolved_cb,
                                   self->lookup);
}

/**
 * sb_http_dial_new:
 * @client: the client
 * @host: a name or an address
 * @port: its port
 * @deadline: when the caller will give up, monotonic microseconds
 * @func: told of the result
 * @user_data: for @func
 *
 * Returns: (transfer full): what is under way
 */
SbHttpDial *
sb_http_dial_new (SbHttpClient *client, const char *host, guint16 port, gint64 deadline,
                  SbHttpDialFunc func, gpointer user_data)
{
  SbHttpDial *self = g_new0 (SbHttpDial, 1);
  GInetAddress *address = g_inet_address_new_from_string (host);

  self->client = sb_http_client_ref (client);
  self->host = g_strdup (host);
  self->port = port;
  self->deadline = deadline;
  self->func = func;
  self->user_data = user_data;
  self->fd = -1;
  self->watch.func = socket_cb;
  self->timer.func = timer_cb;
  if (address != NULL)
    {
      self->addresses = g_list_prepend (NULL, address);
      try_next (self);
    }
  else
    resolve (self);
  return self;
}

/**
 * sb_http_dial_free:
 * @self: (transfer full): a dial, whether or not it has reported
 */
void
sb_http_dial_free (SbHttpDial *self)
{
  close_socket (self);
  if (self->lookup != NULL)
    {
      self->lookup->dial = NULL;
      g_cancellable_cancel (self->cancellable);
    }
  g_clear_object (&self->cancellable);
  g_resolver_free_addresses (self->addresses);
  g_clear_error (&self->error);
  g_free (self->host);
  sb_http_client_unref (self->client);
  g_free (self);
}

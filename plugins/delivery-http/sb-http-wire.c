/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-http-wire: a plain socket is watched by the poller and written with one system call. TLS is
 * GIO's, on streams of its own and with sources of the main loop: it costs more than they do.
 *
 * A handshake that is under way when the wire is closed ends by itself: its socket is shut down,
 * and what belongs to it is freed by its callback.
 */

#include "sb-http-wire.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* A handshake, which may outlive the wire. */
typedef struct
{
  SbHttpWire *wire; /* (borrowed) (nullable) */
} Handshake;

struct _SbHttpWire
{
  SbHttpClient *client; /* (owned) */
  SbHttpWireFunc func;
  gpointer user_data;

  /* Plain */
  int fd; /* -1: over TLS */
  SbHttpWatch watch;

  /* Over TLS */
  GSocket *socket;           /* (owned) (nullable) */
  GIOStream *tls;            /* (owned) (nullable) */
  GCancellable *cancellable; /* (owned) (nullable) of the handshake */
  GSource *input;            /* (owned) (nullable) */
  GSource *output;           /* (owned) (nullable) */
  SbHttpWait wait;
  Handshake *handshake; /* (borrowed) (nullable) that is under way */
  GError *error;        /* (owned) (nullable) of the handshake */
};

/* Plain */

static void
socket_cb (SbHttpWatch *watch, gboolean is_readable)
{
  SbHttpWire *self = SB_HTTP_OWNER (watch, SbHttpWire, watch);

  self->func (is_readable, self->user_data);
}

static gssize
set_errno_error (GError **error)
{
  if (errno == EAGAIN || errno == EINTR)
    return SB_HTTP_WIRE_BLOCKED;
  g_set_error_literal (error, G_IO_ERROR, (int) g_io_error_from_errno (errno), g_strerror (errno));
  return -1;
}

/* TLS */

static void
destroy_source (GSource **source)
{
  if (*source == NULL)
    return;
  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static gboolean
input_cb (GObject *stream, gpointer user_data)
{
  SbHttpWire *self = user_data;

  self->func (TRUE, self->user_data);
  return G_SOURCE_CONTINUE;
}

static gboolean
output_cb (GObject *stream, gpointer user_data)
{
  SbHttpWire *self = user_data;

  self->func (FALSE, self->user_data);
  return G_SOURCE_CONTINUE;
}

static GSource *
attach (SbHttpWire *self, GSource *source, GPollableSourceFunc func)
{
  g_source_set_callback (source, G_SOURCE_FUNC (func), self, NULL);
  g_source_attach (source, sb_http_poller_get_context (self->client->poller));
  return source;
}

static void
update_sources (SbHttpWire *self)
{
  GInputStream *in = g_io_stream_get_input_stream (self->tls);
  GOutputStream *out = g_io_stream_get_output_stream (self->tls);

  if (self->input == NULL)
    self->input = attach (
        self, g_pollable_input_stream_create_source (G_POLLABLE_INPUT_STREAM (in), NULL), input_cb);
  if (self->wait == SB_HTTP_WAIT_INPUT)
    destroy_source (&self->output);
  else if (self->output == NULL)
    self->output = attach (
        self, g_pollable_output_stream_create_source (G_POLLABLE_OUTPUT_STREAM (out), NULL),
        output_cb);
}

/* What `ca-file` does not know may be known to the system. */
static gboolean
is_known_to_system (GTlsConnection *connection, GTlsCertificate *certificate,
                    GTlsCertificateFlags faults)
{
  g_autoptr (GTlsDatabase) database = g_tls_backend_get_default_database (
      g_tls_backend_get_default ());
  GSocketConnectable *identity = g_tls_client_connection_get_server_identity (
      G_TLS_CLIENT_CONNECTION (connection));

  return (faults & G_TLS_CERTIFICATE_UNKNOWN_CA) != 0
         && g_tls_database_verify_chain (database, certificate,
                                         G_TLS_DATABASE_PURPOSE_AUTHENTICATE_SERVER, identity, NULL,
                                         G_TLS_DATABASE_VERIFY_NONE, NULL, NULL)
                == 0;
}

static gboolean
accept_certificate_cb (GTlsConnection *connection, GTlsCertificate *certificate,
                       GTlsCertificateFlags faults, gpointer user_data)
{
  return is_known_to_system (connection, certificate, faults);
}

/* A TLS session that is resumed is not asked for its certificate again: what was found wrong with
 * it is known all the same. */
static gboolean
has_good_certificate (SbHttpWire *self, GTlsConnection *tls)
{
  GTlsCertificateFlags faults = g_tls_connection_get_peer_certificate_errors (tls);
  GTlsCertificate *certificate = g_tls_connection_get_peer_certificate (tls);

  if (certificate == NULL)
    return FALSE;
  return faults == 0
         || (self->client->authorities != NULL && is_known_to_system (tls, certificate, faults));
}

static void
handshake_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Handshake *handshake = user_data;
  SbHttpWire *self = handshake->wire;
  g_autoptr (GError) error = NULL;
  gboolean is_done = g_tls_connection_handshake_finish (G_TLS_CONNECTION (source), result, &error);

  if (self == NULL)
    return;
  self->handshake = NULL;
  if (is_done && !has_good_certificate (self, G_TLS_CONNECTION (source)))
    {
      is_done = FALSE;
      g_set_error_literal (&error, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE,
                           "Unacceptable TLS certificate");
    }
  if (is_done)
    update_sources (self);
  else
    g_set_error (&self->error, SB_ERROR, SB_ERROR_TRANSIENT, "TLS: %s", error->message);
  self->func (!is_done, self->user_data);
}

static gboolean
start_tls (SbHttpWire *self, const char *host, guint16 port, GError **error)
{
  static const char *const protocols[] = { "http/1.1", NULL };
  g_autoptr (GSocketConnectable) identity = g_network_address_new (host, port);
  g_autoptr (GSocketConnection) base = g_socket_connection_factory_create_connection (self->socket);
  GTlsConnection *tls;

  self->tls = g_tls_client_connection_new (G_IO_STREAM (base), identity, error);
  if (self->tls == NULL)
    return FALSE;
  tls = G_TLS_CONNECTION (self->tls);
  g_tls_connection_set_advertised_protocols (tls, protocols);
  /* Where an answer ends is said by its head. */
  g_tls_connection_set_require_close_notify (tls, FALSE);
  if (self->client->authorities != NULL)
    {
      g_tls_connection_set_database (tls, self->client->authorities);
      g_signal_connect (tls, "accept-certificate", G_CALLBACK (accept_certificate_cb), NULL);
    }
  self->handshake = g_new (Handshake, 1);
  self->handshake->wire = self;
  self->cancellable = g_cancellable_new ();
  g_tls_connection_handshake_async (tls, G_PRIORITY_DEFAULT, self->cancellable, handshake_cb,
                                    self->handshake);
  return TRUE;
}

/* Takes over the socket. */
static gboolean
use_tls (SbHttpWire *self, int fd, const char *host, guint16 port, GError **error)
{
  self->socket = g_socket_new_from_fd (fd, error);
  if (self->socket == NULL)
    {
      close (fd);
      return FALSE;
    }
  return start_tls (self, host, port, error);
}

/* Both */

/**
 * sb_http_wire_new:
 * @client: the client
 * @fd: (transfer full): a socket that is connected and does not block
 * @tls_host: (nullable): whom the certificate must name; %NULL: no TLS
 * @port: of the recipient
 * @func: told when something can be done
 * @user_data: for @func
 * @error: the kernel's, or that there is no TLS
 *
 * Returns: (transfer full): a wire that waits for input
 */
SbHttpWire *
sb_http_wire_new (SbHttpClient *client, int fd, const char *tls_host, guint16 port,
                  SbHttpWireFunc func, gpointer user_data, GError **error)
{
  SbHttpWire *self = g_new0 (SbHttpWire, 1);
  gboolean is_done;

  self->client = sb_http_client_ref (client);
  self->func = func;
  self->user_data = user_data;
  self->watch.func = socket_cb;
  self->fd = tls_host != NULL ? -1 : fd;
  if (tls_host != NULL)
    is_done = use_tls (self, fd, tls_host, port, error);
  else
    is_done = sb_http_watch_add (&self->watch, client->poller, fd, SB_HTTP_WAIT_INPUT, error);
  if (is_done)
    return self;
  sb_http_wire_free (self);
  return NULL;
}

/**
 * sb_http_wire_free:
 * @self: (transfer full): a wire
 *
 * Closes the connection.
 */
void
sb_http_wire_free (SbHttpWire *self)
{
  sb_http_watch_remove (&self->watch);
  if (self->fd >= 0)
    close (self->fd);
  destroy_source (&self->input);
  destroy_source (&self->output);
  /* Before the stream goes, which would write a farewell and might block over it. */
  if (self->socket != NULL)
    g_socket_shutdown (self->socket, TRUE, TRUE, NULL);
  if (self->handshake != NULL)
    {
      self->handshake->wire = NULL;
      g_cancellable_cancel (self->cancellable);
    }
  else if (self->socket != NULL)
    g_socket_close (self->socket, NULL);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->tls);
  g_clear_object (&self->socket);
  g_clear_error (&self->error);
  sb_http_client_unref (self->client);
  g_free (self);
}

gboolean
sb_http_wire_is_tls (SbHttpWire *self)
{
  return self->tls != NULL;
}

/* Returns whether TLS can be used, and else what to return. */
static gboolean
check_tls (SbHttpWire *self, gssize *result, GError **error)
{
  *result = self->handshake != NULL ? SB_HTTP_WIRE_BLOCKED : -1;
  if (self->error != NULL)
    g_propagate_error (error, g_error_copy (self->error));
  return self->handshake == NULL && self->error == NULL;
}

static gssize
take_tls_result (gssize n, GError *inner, GError **error)
{
  if (n >= 0)
    return n;
  if (g_error_matches (inner, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    {
      g_error_free (inner);
      return SB_HTTP_WIRE_BLOCKED;
    }
  g_propagate_error (error, inner);
  return -1;
}

static gssize
write_tls (SbHttpWire *self, const struct iovec *part, GError **error)
{
  GOutputStream *out = g_io_stream_get_output_stream (self->tls);
  GError *inner = NULL;
  gssize n;

  if (!check_tls (self, &n, error))
    return n;
  n = g_pollable_output_stream_write_nonblocking (G_POLLABLE_OUTPUT_STREAM (out), part->iov_base,
                                                  part->iov_len, NULL, &inner);
  return take_tls_result (n, inner, error);
}

/**
 * sb_http_wire_write:
 * @self: a wire
 * @parts: (array length=n_parts): what to write; none is empty
 * @n_parts: 1 or more
 * @error: why the wire is of no use any more
 *
 * Returns: how many bytes were written; %SB_HTTP_WIRE_BLOCKED; -1 with @error
 */
gssize
sb_http_wire_write (SbHttpWire *self, const struct iovec *parts, guint n_parts, GError **error)
{
  struct msghdr message = { .msg_iov = (struct iovec *) parts, .msg_iovlen = n_parts };
  gssize n;

  if (self->fd < 0)
    return write_tls (self, &parts[0], error);
  n = sendmsg (self->fd, &message, MSG_NOSIGNAL);
  return n >= 0 ? n : set_errno_error (error);
}

/**
 * sb_http_wire_read:
 * @self: a wire
 * @data: (out caller-allocates): what was read
 * @length: bytes at most
 * @error: why the wire is of no use any more
 *
 * Returns: how many bytes were read; 0: the peer has closed; %SB_HTTP_WIRE_BLOCKED; -1 with @error
 */
gssize
sb_http_wire_read (SbHttpWire *self, char *data, gsize length, GError **error)
{
  GInputStream *in;
  GError *inner = NULL;
  gssize n;

  if (self->fd >= 0)
    {
      n = recv (self->fd, data, length, 0);
      return n >= 0 ? n : set_errno_error (error);
    }
  if (!check_tls (self, &n, error))
    return n;
  in = g_io_stream_get_input_stream (self->tls);
  n = g_pollable_input_stream_read_nonblocking (G_POLLABLE_INPUT_STREAM (in), data, length, NULL,
                                                &inner);
  return take_tls_result (n, inner, error);
}

/* What is waited for from now on. Input is told in any case. */
void
sb_http_wire_set_wait (SbHttpWire *self, SbHttpWait wait)
{
  if (self->fd >= 0)
    {
      sb_http_watch_set_wait (&self->watch, wait);
      return;
    }
  self->wait = wait;
  if (self->handshake == NULL && self->error == NULL)
    update_sources (self);
}

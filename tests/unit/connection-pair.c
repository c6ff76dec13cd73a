/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* connection-pair: over the loopback, the peer being a plain blocking socket. */

#include "connection-pair.h"

#include "sb-test.h"

#include <string.h>
#include <sys/socket.h>

SbConnectionLimits sb_pair_limits;

static GSocket *
socket_new (void)
{
  g_autoptr (GError) error = NULL;
  GSocket *socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP,
                                  &error);

  g_assert_no_error (error);
  return socket;
}

static GSocket *
accept_peer (GSocket *peer)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) listening = socket_new ();
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocketAddress) bound = NULL;
  GSocket *accepted;

  g_assert_true (g_socket_bind (listening, any, TRUE, &error));
  g_assert_true (g_socket_listen (listening, &error));
  bound = g_socket_get_local_address (listening, &error);
  g_assert_true (g_socket_connect (peer, bound, NULL, &error));
  accepted = g_socket_accept (listening, NULL, &error);
  g_assert_no_error (error);
  return accepted;
}

SbPair *
sb_pair_new (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) accepted = NULL;
  g_autoptr (GSocketConnection) base = NULL;
  SbPair *pair = g_new0 (SbPair, 1);

  pair->poller = sb_poller_new (&error);
  g_assert_no_error (error);
  pair->peer = socket_new ();
  accepted = accept_peer (pair->peer);
  base = g_socket_connection_factory_create_connection (accepted);
  pair->connection = sb_connection_new (pair->poller, G_IO_STREAM (base), NULL, &sb_pair_limits,
                                        &error);
  g_assert_no_error (error);
  pair->input = g_io_stream_get_input_stream (G_IO_STREAM (pair->connection));
  pair->output = g_io_stream_get_output_stream (G_IO_STREAM (pair->connection));
  sb_connection_limits_init (&sb_pair_limits);
  return pair;
}

void
sb_pair_hang_up (SbPair *pair)
{
  g_assert_true (g_socket_close (pair->peer, NULL));
}

void
sb_pair_free (SbPair *pair)
{
  if (!g_socket_is_closed (pair->peer))
    sb_pair_hang_up (pair);
  if (pair->connection != NULL)
    {
      g_io_stream_close (G_IO_STREAM (pair->connection), NULL, NULL);
      sb_test_settle ();
      g_assert_finalize_object (pair->connection);
    }
  g_object_unref (pair->peer);
  sb_poller_unref (pair->poller);
  g_free (pair);
}

/* With little room in the kernel, what is not read by the peer soon waits in the connection. */
void
sb_pair_shrink_kernel_buffers (SbPair *pair)
{
  g_assert_true (g_socket_set_option (sb_connection_get_socket (pair->connection), SOL_SOCKET,
                                      SO_SNDBUF, 65536, NULL));
  g_assert_true (g_socket_set_option (pair->peer, SOL_SOCKET, SO_RCVBUF, 65536, NULL));
}

gssize
sb_pair_try_write (SbPair *pair, const void *data, gsize size, GError **error)
{
  return g_pollable_output_stream_write_nonblocking (G_POLLABLE_OUTPUT_STREAM (pair->output), data,
                                                     size, NULL, error);
}

void
sb_pair_write_text (SbPair *pair, const char *text)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (sb_pair_try_write (pair, text, strlen (text), &error), ==, strlen (text));
  g_assert_no_error (error);
}

gssize
sb_pair_try_read (SbPair *pair, void *buffer, gsize size, GError **error)
{
  return g_pollable_input_stream_read_nonblocking (G_POLLABLE_INPUT_STREAM (pair->input), buffer,
                                                   size, NULL, error);
}

void
sb_pair_send_all (SbPair *pair, const void *data, gsize size)
{
  g_autoptr (GError) error = NULL;

  for (gsize sent = 0; sent < size;)
    {
      gssize n = g_socket_send (pair->peer, (const char *) data + sent, size - sent, NULL, &error);

      g_assert_no_error (error);
      sent += n;
    }
}

/* Reads at the peer's end without blocking. Returns: 0 at the end, -1 when there is nothing */
gssize
sb_pair_peer_read (SbPair *pair, void *buffer, gsize size)
{
  g_autoptr (GError) error = NULL;
  gssize n = g_socket_receive_with_blocking (pair->peer, buffer, size, FALSE, NULL, &error);

  if (n < 0)
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
  return n;
}

void
sb_pair_assert_peer_reads (SbPair *pair, const char *expected)
{
  g_autoptr (GString) got = g_string_new (NULL);
  char buffer[256];

  while (got->len < strlen (expected))
    {
      gssize n = sb_pair_peer_read (pair, buffer, sizeof buffer);

      g_assert_cmpint (n, !=, 0);
      if (n > 0)
        g_string_append_len (got, buffer, n);
      g_main_context_iteration (NULL, FALSE);
    }
  g_assert_cmpstr (got->str, ==, expected);
}

/* Fills the kernel and the connection, until a write would block. Returns: bytes accepted */
gsize
sb_pair_fill (SbPair *pair)
{
  static const char block[10000];
  g_autoptr (GError) error = NULL;
  gsize total = 0;
  gssize n;

  sb_pair_shrink_kernel_buffers (pair);
  while ((n = sb_pair_try_write (pair, block, sizeof block, &error)) > 0)
    {
      total += n;
      sb_test_settle ();
    }
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
  return total;
}

/* Lets the peer read until it has @size bytes more. */
void
sb_pair_drain (SbPair *pair, gsize size)
{
  char buffer[4096];

  for (gsize got = 0; got < size;)
    {
      gssize n = sb_pair_peer_read (pair, buffer, MIN (sizeof buffer, size - got));

      g_assert_cmpint (n, !=, 0);
      got += MAX (n, 0);
      g_main_context_iteration (NULL, FALSE);
    }
}

GError *
sb_pair_read_to_the_error (SbPair *pair, gsize *total)
{
  GError *error = NULL;
  char buffer[100];

  *total = 0;
  for (;;)
    {
      gssize n = sb_pair_try_read (pair, buffer, sizeof buffer, &error);

      if (n > 0)
        *total += n;
      else if (n == 0)
        return NULL;
      else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        return error;
      else
        g_clear_error (&error);
      sb_pair_turn (1);
    }
}

gboolean
sb_pair_on_ready (GObject *stream, gpointer count)
{
  (*(guint *) count)++;
  return G_SOURCE_CONTINUE;
}

GSource *
sb_pair_watch_input (SbPair *pair, guint *count)
{
  GSource *source = g_pollable_input_stream_create_source (G_POLLABLE_INPUT_STREAM (pair->input),
                                                           NULL);

  g_source_set_callback (source, G_SOURCE_FUNC (sb_pair_on_ready), count, NULL);
  g_source_attach (source, NULL);
  return source;
}

GSource *
sb_pair_watch_output (SbPair *pair, guint *count)
{
  GSource *source = g_pollable_output_stream_create_source (G_POLLABLE_OUTPUT_STREAM (pair->output),
                                                            NULL);

  g_source_set_callback (source, G_SOURCE_FUNC (sb_pair_on_ready), count, NULL);
  g_source_attach (source, NULL);
  return source;
}

void
sb_pair_unwatch (GSource *source)
{
  g_source_destroy (source);
  g_source_unref (source);
}

/* A few turns, for what would go on for ever. */
void
sb_pair_turn (guint times)
{
  while (times-- > 0)
    g_main_context_iteration (NULL, FALSE);
}

void
sb_pair_on_event (SbConnection *connection, gpointer count)
{
  (*(guint *) count)++;
}

void
sb_pair_on_done (GObject *source, GAsyncResult *result, gpointer flag)
{
  *(gboolean *) flag = TRUE;
}

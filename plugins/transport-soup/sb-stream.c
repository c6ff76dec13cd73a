/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-stream: the connection is lent, as for a file. On a plain one the thread writes to the socket
 * itself, until it would block; then it has the main loop wait for room, which keeps the
 * connection's deadline and hears when the peer is gone. On TLS the main loop sends what the
 * thread has, and the thread waits until all of that has left.
 *
 *     a thread:   send … would block ─→ wait ←────────────┐
 *     main loop:                          ask ─→ … room ──┘
 *
 * The thread uses a descriptor of its own: the connection may be closed meanwhile.
 */

#include "sb-stream.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What the kernel keeps that was not sent yet: a slow client must not fill its buffers. */
#define UNSENT_MAX (512 * 1024)

/* What is encrypted in one turn of the main loop. */
#define TLS_SLICE (128 * 1024)

struct _SbStream
{
  SbConnection *connection;  /* (owned) main loop */
  GMainContext *context;     /* (owned) */
  GCancellable *cancellable; /* (owned) */
  gulong handler;
  int socket;        /* (owned) -1: TLS */
  gboolean has_room; /* thread: it was told so once */

  GMutex lock;
  GCond changed;
  /* Under the lock. */
  gboolean is_gone;    /* nothing can be written any more */
  gboolean is_waiting; /* the thread is, and the main loop owes it an answer */
  GSource *question;   /* (owned) (nullable) on its way to the main loop */
  const guint8 *data;  /* (nullable) TLS: to be sent by the main loop */
  gsize length;
  guint64 sent; /* plain: bytes of which the connection does not know yet */
};

/* On the main loop */

static void
answer (SbStream *self)
{
  g_mutex_lock (&self->lock);
  self->is_waiting = FALSE;
  g_cond_signal (&self->changed);
  g_mutex_unlock (&self->lock);
}

/* Tells the thread that there is room, at once or later. */
static void
find_room (SbStream *self)
{
  if (!sb_connection_is_usable (self->connection))
    g_cancellable_cancel (self->cancellable);
  else if (sb_connection_take_room (self->connection))
    answer (self);
  else
    sb_connection_await_room (self->connection);
}

/* There is room again, or there is nobody there. */
static void
room_cb (SbConnection *connection, gpointer user_data)
{
  find_room (user_data);
}

/* Takes over what the thread has done, or wants to be done. */
static gboolean
question_cb (gpointer user_data)
{
  SbStream *self = user_data;
  const guint8 *data;
  guint64 sent;

  g_mutex_lock (&self->lock);
  g_clear_pointer (&self->question, g_source_unref);
  data = self->is_gone ? NULL : g_steal_pointer (&self->data);
  sent = self->sent;
  self->sent = 0;
  g_mutex_unlock (&self->lock);
  if (self->socket >= 0)
    sb_connection_note_sent (self->connection, sent, TRUE);
  /* The thread waits, and its buffer stays what it is. */
  if (data != NULL && sb_connection_is_usable (self->connection))
    sb_connection_send (self->connection, NULL, 0, data, self->length);
  find_room (self);
  return G_SOURCE_REMOVE;
}

/* From whichever side: the thread does not wait any more. */
static void
cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  SbStream *self = user_data;

  g_mutex_lock (&self->lock);
  self->is_gone = TRUE;
  g_cond_signal (&self->changed);
  g_mutex_unlock (&self->lock);
}

/* Opens what the thread writes to. */
static void
open_socket (SbStream *self)
{
  static const int unsent_max = UNSENT_MAX;
  GSocket *socket = sb_connection_get_socket (self->connection);

  self->socket = -1;
  if (socket == NULL)
    return; /* it is closed, as the first question will find out */
  setsockopt (g_socket_get_fd (socket), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_max,
              sizeof unsent_max);
  if (sb_connection_is_tls (self->connection))
    return;
  self->socket = fcntl (g_socket_get_fd (socket), F_DUPFD_CLOEXEC, 0);
  if (self->socket < 0)
    g_cancellable_cancel (self->cancellable);
}

/**
 * sb_stream_new:
 * @connection: (transfer none): an open connection that nobody else serves any more
 * @cancellable: (transfer none): ends it; is cancelled when the peer is gone
 *
 * Returns: (transfer full): a stream to which one thread may write
 */
SbStream *
sb_stream_new (SbConnection *connection, GCancellable *cancellable)
{
  SbStream *self = g_new0 (SbStream, 1);

  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  self->connection = g_object_ref (connection);
  self->context = g_main_context_ref_thread_default ();
  self->cancellable = g_object_ref (cancellable);
  self->handler = g_signal_connect (cancellable, "cancelled", G_CALLBACK (cancelled_cb), self);
  self->is_gone = g_cancellable_is_cancelled (cancellable);
  open_socket (self);
  sb_connection_lend (connection, room_cb, self);
  return self;
}

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_io_stream_close_finish (G_IO_STREAM (source), result, NULL);
}

/* Ends the connection in the way that says what came. */
static void
end_connection (SbConnection *connection, const char *last)
{
  if (last != NULL && sb_connection_is_usable (connection))
    {
      sb_connection_send (connection, NULL, 0, last, strlen (last));
      g_io_stream_close_async (G_IO_STREAM (connection), G_PRIORITY_DEFAULT, NULL, closed_cb, NULL);
    }
  else if (sb_connection_is_open (connection))
    sb_connection_abort (connection, "what was being sent ended too early");
}

/**
 * sb_stream_free:
 * @self: (transfer full): a stream to which no thread writes any more
 * @last: (nullable): the end of what was written; %NULL: the peer is to see that it has none
 *
 * Ends the connection.
 */
void
sb_stream_free (SbStream *self, const char *last)
{
  g_signal_handler_disconnect (self->cancellable, self->handler);
  if (self->question != NULL)
    {
      g_source_destroy (self->question);
      g_source_unref (self->question);
    }
  if (self->socket >= 0)
    {
      sb_connection_note_sent (self->connection, self->sent, FALSE);
      close (self->socket);
    }
  sb_connection_give_back (self->connection);
  end_connection (self->connection, last);
  g_object_unref (self->connection);
  g_object_unref (self->cancellable);
  g_main_context_unref (self->context);
  g_cond_clear (&self->changed);
  g_mutex_clear (&self->lock);
  g_free (self);
}

/* In the thread */

/* Asks the main loop, and waits. @data: (nullable): TLS: what it has to send */
static gboolean
wait_for_room (SbStream *self, const guint8 *data, gsize length)
{
  gboolean is_there;

  g_mutex_lock (&self->lock);
  self->is_waiting = !self->is_gone;
  if (self->is_waiting)
    {
      self->data = data;
      self->length = length;
      self->question = g_idle_source_new ();
      g_source_set_priority (self->question, G_PRIORITY_DEFAULT);
      g_source_set_callback (self->question, question_cb, self, NULL);
      g_source_attach (self->question, self->context);
    }
  while (self->is_waiting && !self->is_gone)
    g_cond_wait (&self->changed, &self->lock);
  is_there = !self->is_gone;
  g_mutex_unlock (&self->lock);
  return is_there;
}

static void
note_sent (SbStream *self, gssize n)
{
  g_mutex_lock (&self->lock);
  self->sent += (guint64) n;
  g_mutex_unlock (&self->lock);
}

static gboolean
write_plain (SbStream *self, const guint8 *data, gsize length)
{
  while (length > 0)
    {
      gssize n = send (self->socket, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);

      if (n > 0)
        {
          note_sent (self, n);
          data += n;
          length -= (gsize) n;
        }
      else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        {
          if (!wait_for_room (self, NULL, 0))
            return FALSE;
        }
      else if (n == 0 || errno != EINTR)
        return FALSE;
    }
  return TRUE;
}

static gboolean
write_through_loop (SbStream *self, const guint8 *data, gsize length)
{
  while (length > 0)
    {
      gsize n = MIN (length, TLS_SLICE);

      if (!wait_for_room (self, data, n))
        return FALSE;
      data += n;
      length -= n;
    }
  return TRUE;
}

/**
 * sb_stream_write:
 * @self: a stream
 * @data: bytes
 * @length: how many
 * @error: SB_ERROR_CLOSED when they cannot arrive any more
 *
 * Writes all of it; blocks as long as the peer takes nothing, but not beyond the connection's
 * deadline for output. In one thread, which is not the main loop's.
 *
 * Returns: whether it is on its way
 */
gboolean
sb_stream_write (SbStream *self, const void *data, gsize length, GError **error)
{
  /* What was gathered before is sent first. */
  if (!self->has_room)
    self->has_room = wait_for_room (self, NULL, 0);
  if (self->has_room
      && (self->socket >= 0 ? write_plain (self, data, length)
                            : write_through_loop (self, data, length)))
    return TRUE;
  g_set_error_literal (error, SB_ERROR, SB_ERROR_CLOSED, "the client is gone, or took nothing");
  return FALSE;
}

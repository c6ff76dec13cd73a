/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-connection-close: how a connection ends, without ever blocking the loop.
 *
 *     OPEN → DRAINING → FAREWELL (TLS only) → LINGERING → CLOSED
 *
 * What was gathered is written first. Then our end is shut, and what still comes is discarded
 * until the peer shuts its own: a close with unread input would make the kernel throw away an
 * answer that is still under way (a 413 in the middle of an upload). One deadline is over all of
 * it. libsoup's synchronous close only begins this; its asynchronous one is told when our end is
 * shut. An abort goes to CLOSED at once.
 */

#include "sb-connection-private.h"

#include "simplebus.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* What a peer may still send after we have shut our end. */
#define DISCARD_MAX (16 * 1024 * 1024)

/* Keeps itself alive while it closes: nobody else may hold it any more. */
static void
keep (SbConnection *self)
{
  if (!self->kept && !self->disposing)
    {
      self->kept = TRUE;
      g_object_ref (self);
    }
}

/* With output lost, the peer gets a reset: a stump must not look like an end. */
static void
close_socket (SbConnection *self)
{
  static const struct linger hard = { .l_onoff = 1, .l_linger = 0 };

  if (self->socket == NULL)
    return;
  if (sb_gather_get_length (&self->gathered) > 0)
    setsockopt (self->watch.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  sb_poller_watch_remove_fd (&self->watch);
  g_socket_close (self->socket, NULL);
}

/* Frees the descriptor. The rest of the end is told from the loop. */
void
sb_connection_finish (SbConnection *self)
{
  gboolean kept = self->kept;

  if (self->state == SB_CONNECTION_CLOSED)
    return;
  self->state = SB_CONNECTION_CLOSED;
  close_socket (self);
  sb_gather_clear (&self->gathered);
  sb_gather_clear (&self->ahead);
  sb_poller_clear_deadline (&self->watch);
  self->tls_input = NULL;
  self->tls_output = NULL;
  g_clear_object (&self->base);
  g_clear_object (&self->socket);
  sb_connection_wake (self->input_sources);
  sb_connection_wake (self->output_sources);
  self->finished = TRUE;
  sb_connection_queue_notify (self);
  self->kept = FALSE;
  if (kept)
    g_object_unref (self);
}

/* Reads what nobody wants. Returns: whether the peer is done */
static gboolean
discard (SbConnection *self)
{
  gsize size;
  guint8 *scratch = sb_poller_get_scratch (self->watch.poller, &size);
  gssize n;

  do
    {
      n = recv (self->watch.fd, scratch, size, MSG_DONTWAIT);
      self->discarded += MAX (n, 0);
    }
  while ((n > 0 && self->discarded <= DISCARD_MAX) || (n < 0 && errno == EINTR));
  return n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

/* Before a request, with every answer received and nothing unread, there is no harm in a
 * close without waiting for the peer's. */
static gboolean
is_quiet (SbConnection *self)
{
  int unread = 0, unsent = 0;

  return self->phase == SB_CONNECTION_PHASE_HEADERS && self->first_byte == 0
         && ioctl (self->watch.fd, SIOCINQ, &unread) == 0 && unread == 0
         && ioctl (self->watch.fd, SIOCOUTQ, &unsent) == 0 && unsent == 0;
}

static void
linger (SbConnection *self)
{
  if (is_quiet (self))
    {
      sb_connection_finish (self);
      return;
    }
  self->state = SB_CONNECTION_LINGERING;
  shutdown (self->watch.fd, SHUT_WR);
  sb_connection_queue_notify (self);
  sb_connection_step_close (self);
}

static void
on_farewell (GObject *stream, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbConnection) self = user_data;

  g_output_stream_close_finish (G_OUTPUT_STREAM (stream), result, NULL);
  if (g_cancellable_is_cancelled (self->farewell))
    sb_connection_finish (self);
  else
    linger (self);
}

static void
say_farewell (SbConnection *self)
{
  self->state = SB_CONNECTION_FAREWELL;
  self->farewell = g_cancellable_new ();
  g_output_stream_close_async (G_OUTPUT_STREAM (self->tls_output), G_PRIORITY_DEFAULT,
                               self->farewell, on_farewell, g_object_ref (self));
}

/* Goes on as far as possible without waiting. */
void
sb_connection_step_close (SbConnection *self)
{
  switch ((SbConnectionState) self->state)
    {
    case SB_CONNECTION_DRAINING:
      sb_connection_flush (self);
      if (self->output_failure != NULL)
        sb_connection_finish (self);
      else if (sb_gather_get_length (&self->gathered) == 0 && self->tls_output != NULL)
        say_farewell (self);
      else if (sb_gather_get_length (&self->gathered) == 0)
        linger (self);
      break;
    case SB_CONNECTION_LINGERING:
      if (discard (self))
        sb_connection_finish (self);
      break;
    case SB_CONNECTION_OPEN:
    case SB_CONNECTION_FAREWELL:
    case SB_CONNECTION_CLOSED:
      break;
    }
}

/* The thread that says good-bye still uses the descriptor: it must not be closed, lest its
 * number be somebody else's by then, so it is shut and closed when the thread is back. */
static void
cut_farewell (SbConnection *self)
{
  shutdown (self->watch.fd, SHUT_RDWR);
  g_cancellable_cancel (self->farewell);
}

void
sb_connection_begin_close (SbConnection *self)
{
  if (self->state != SB_CONNECTION_OPEN)
    return;
  self->state = SB_CONNECTION_DRAINING;
  sb_gather_clear (&self->ahead);
  sb_connection_wake (self->input_sources);
  sb_connection_wake (self->output_sources);
  if (self->disposing)
    {
      sb_connection_flush (self);
      sb_connection_finish (self);
      return;
    }
  keep (self);
  sb_poller_set_deadline (&self->watch, self->limits.closing);
  sb_connection_step_close (self);
}

/**
 * sb_connection_abort:
 * @self: a connection
 * @reason: why, in English, for the error that readers and writers get
 *
 * Closes at once: what was gathered is lost, except for what the socket takes without waiting.
 * What libsoup has on top of it finds an error on its next read or write, and lets go.
 */
void
sb_connection_abort (SbConnection *self, const char *reason)
{
  g_return_if_fail (SB_IS_CONNECTION (self));

  if (self->state == SB_CONNECTION_CLOSED)
    return;
  if (self->failure == NULL)
    self->failure = g_error_new (SB_ERROR, SB_ERROR_CLOSED, "%s: %s", self->remote_text, reason);
  if (self->state == SB_CONNECTION_FAREWELL)
    {
      cut_farewell (self);
      return;
    }
  if (self->state == SB_CONNECTION_OPEN)
    sb_connection_flush (self);
  sb_connection_finish (self);
}

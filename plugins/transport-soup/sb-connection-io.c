/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-connection-io: between the socket and the two buffers.
 *
 * Input is read ahead, since libsoup asks for a kilobyte at a time, and rationed, since it reads
 * a fast sender's socket for as long as there is something. Output is gathered and written at
 * the end of a turn; from DIRECT_WRITE bytes on, at once.
 *
 * epoll tells changes only, so this file remembers the state: readable and writable hold until
 * the socket says that it would block.
 */

#include "sb-connection-private.h"

#include "simplebus.h"

#include <errno.h>
#include <sys/socket.h>

#define DIRECT_WRITE (64 * 1024)
/* What fits in here is taken whole or not at all: the frames that libsoup sends by itself must
 * not be torn apart by those of sb_connection_send(). */
#define SMALL_WRITE 131
#define READ_PER_TURN (64 * 1024)
/* The largest TLS record: what is offered again after "would block" stays the same. */
#define TLS_WRITE (16 * 1024)

gboolean
sb_connection_set_would_block (GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "Operation would block");
  return FALSE;
}

static void
set_errno (GError **error, const char *operation)
{
  int code = errno;

  if (code == EAGAIN || code == EWOULDBLOCK)
    sb_connection_set_would_block (error);
  else
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), "%s: %s", operation,
                 g_strerror (code));
}

/* Returns: whether nothing can be read any more, with the reason in @error */
gboolean
sb_connection_set_failure (SbConnection *self, GError **error)
{
  if (self->failure != NULL)
    g_propagate_error (error, g_error_copy (self->failure));
  else if (self->state != SB_CONNECTION_OPEN)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED, "The connection is closed");
  else
    return FALSE;
  return TRUE;
}

/* Returns: whether nothing can be written any more, with the reason in @error */
gboolean
sb_connection_set_output_failure (SbConnection *self, GError **error)
{
  if (self->output_failure == NULL)
    return sb_connection_set_failure (self, error);
  g_propagate_error (error, g_error_copy (self->output_failure));
  return TRUE;
}

/* --- Input ---------------------------------------------------------------------------------- */

static gssize
receive (SbConnection *self, void *buffer, gsize size, GError **error)
{
  gssize n;

  if (self->tls_input != NULL)
    return g_pollable_input_stream_read_nonblocking (self->tls_input, buffer, size, NULL, error);
  do
    n = recv (self->watch.fd, buffer, size, MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    set_errno (error, "recv");
  return n;
}

/* What a result of receive() says of the next one. A short read empties a TCP socket, but with
 * a peer that has hung up the end is still to be read; TLS keeps records of its own. */
static void
note_received (SbConnection *self, gssize n, gsize size, const GError *error)
{
  if (n > 0)
    self->last_input = g_get_monotonic_time ();
  if (n < 0 && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    self->readable = FALSE;
  else if (n > 0 && (gsize) n < size && self->tls_input == NULL && !self->hung_up)
    self->readable = FALSE;
  if (n == 0)
    self->hung_up = TRUE;
}

static gssize
receive_noted (SbConnection *self, void *buffer, gsize size, GError **error)
{
  GError *local_error = NULL;
  gssize n = receive (self, buffer, size, &local_error);

  note_received (self, n, size, local_error);
  if (local_error != NULL)
    g_propagate_error (error, local_error);
  return n;
}

static gssize
receive_ahead (SbConnection *self, void *buffer, gsize count, GError **error)
{
  gsize scratch_size;
  guint8 *scratch = sb_poller_get_scratch (self->watch.poller, &scratch_size);
  gssize n;

  if (sb_gather_get_length (&self->ahead) > 0)
    return sb_gather_take (&self->ahead, buffer, count);
  if (!self->readable)
    {
      sb_connection_set_would_block (error);
      return -1;
    }
  if (count >= scratch_size)
    return receive_noted (self, buffer, count, error);

  n = receive_noted (self, scratch, scratch_size, error);
  if (n <= 0)
    return n;
  memcpy (buffer, scratch, MIN ((gsize) n, count));
  if ((gsize) n > count)
    sb_gather_append (&self->ahead, scratch + count, n - count);
  return MIN ((gsize) n, count);
}

/* Counts what is handed up. Returns: %FALSE when an unfinished message grew over its limit */
static gboolean
account_input (SbConnection *self, gsize n, GError **error)
{
  self->budget -= MIN (self->budget, n);
  self->unfinished += n;
  if (self->first_byte == 0)
    self->first_byte = g_get_monotonic_time ();
  if (self->max_unfinished == 0 || self->unfinished <= self->max_unfinished)
    return TRUE;

  self->failure = g_error_new (SB_ERROR, SB_ERROR_TOO_LARGE,
                               "%s sent more than %" G_GSIZE_FORMAT
                               " bytes without completing a message",
                               self->remote_text, self->max_unfinished);
  sb_connection_set_failure (self, error);
  sb_connection_abort (self, self->failure->message);
  return FALSE;
}

/* Looks at what is to be handed up, or at the end (@n is 0), before libsoup can take half a
 * request for a whole one. The failure is libsoup's to act upon: its close lets the answers to
 * earlier requests leave. Returns: %FALSE when it must not be handed up */
static gboolean
check_framing (SbConnection *self, const void *data, gsize n, GError **error)
{
  gboolean has_begun = !sb_http_framing_is_idle (&self->framing);

  if (n == 0 ? !sb_http_framing_is_in_body (&self->framing)
             : sb_http_framing_feed (&self->framing, data, n))
    return TRUE;
  self->failure = g_error_new (SB_ERROR, SB_ERROR_INVALID, "%s %s", self->remote_text,
                               n == 0 ? "closed its end in the middle of a request's body"
                                      : "sent a request of no certain length");
  sb_connection_set_failure (self, error);
  /* libsoup holds a part of the request: nothing may be put behind it. */
  if (has_begun && self->first_byte == 0)
    self->first_byte = g_get_monotonic_time ();
  return FALSE;
}

/* Returns: whether a read would give bytes, the end or an error */
gboolean
sb_connection_can_read (SbConnection *self)
{
  if (self->failure != NULL || self->state != SB_CONNECTION_OPEN)
    return TRUE;
  return !self->paused && (self->readable || sb_gather_get_length (&self->ahead) > 0);
}

void
sb_connection_refill_budget (SbConnection *self)
{
  self->budget = READ_PER_TURN;
}

/* Reads without regard to a pause and to the ration of the turn. */
gssize
sb_connection_read_anyway (SbConnection *self, void *buffer, gsize count, GError **error)
{
  gssize n;

  if (sb_connection_set_failure (self, error))
    return -1;
  n = receive_ahead (self, buffer, count, error);
  if (n < 0 && !sb_connection_can_read (self))
    sb_connection_lull (self->input_sources);
  if (n >= 0 && !check_framing (self, buffer, (gsize) n, error))
    return -1;
  if (n > 0 && !account_input (self, n, error))
    return -1;
  return n;
}

/* Whether headers have begun, or a body is not complete: while libsoup reads, it wants more. */
static gboolean
is_within_request (SbConnection *self)
{
  return self->phase == SB_CONNECTION_PHASE_BODY
         || (self->phase == SB_CONNECTION_PHASE_HEADERS && self->first_byte != 0);
}

/* libsoup takes headers and chunks that were cut off for complete, and would act on them. */
static gssize
read_rationed (SbConnection *self, void *buffer, gsize count, GError **error)
{
  gssize n;

  if (sb_connection_set_failure (self, error))
    return -1;
  if (self->paused || self->budget == 0)
    {
      sb_connection_set_would_block (error);
      return -1;
    }
  n = sb_connection_read_anyway (self, buffer, MIN (count, self->budget), error);
  if (n != 0 || !is_within_request (self))
    return n;
  self->failure = g_error_new (SB_ERROR, SB_ERROR_CLOSED,
                               "%s closed its end in the middle of a request", self->remote_text);
  sb_connection_set_failure (self, error);
  return -1;
}

/* Whether libsoup waits for the first byte of a further request. While it handles one it does
 * not read. */
static gboolean
is_between_requests (SbConnection *self)
{
  return self->served && self->first_byte == 0
         && (self->phase == SB_CONNECTION_PHASE_HEADERS
             || self->phase == SB_CONNECTION_PHASE_HANDLING);
}

/* libsoup 3.2 never lets go of a connection that ends between two requests: it looks after a
 * request only from its first byte on. So the end is preceded by an empty line there, which
 * HTTP has a server ignore, and then is an error. */
gssize
sb_connection_read (SbConnection *self, void *buffer, gsize count, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  gssize n = read_rationed (self, buffer, count, &local_error);

  if (n <= 0 && !g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)
      && is_between_requests (self))
    {
      if (self->failure == NULL)
        self->failure = local_error != NULL ? g_steal_pointer (&local_error)
                                            : g_error_new (SB_ERROR, SB_ERROR_CLOSED,
                                                           "%s closed its end", self->remote_text);
      self->first_byte = g_get_monotonic_time ();
      *(char *) buffer = '\n';
      return 1;
    }
  if (local_error != NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  return n;
}

/* --- Output --------------------------------------------------------------------------------- */

static gssize
transmit (SbConnection *self, const void *data, gsize size, GError **error)
{
  gssize n;

  if (self->tls_output != NULL)
    {
      gsize offered = self->tls_retry > 0 ? self->tls_retry : MIN (size, TLS_WRITE);

      n = g_pollable_output_stream_write_nonblocking (self->tls_output, data, offered, NULL, error);
      self->tls_retry = n < 0 ? offered : 0;
      return n;
    }
  do
    n = send (self->watch.fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    set_errno (error, "send");
  return n;
}

/* The peer cannot be written to: what was gathered is lost. What it sent before it went can
 * still be read, up to the end or the error that the socket has for the reader. */
static void
fail_output (SbConnection *self, GError *error)
{
  g_clear_error (&self->output_failure);
  self->output_failure = error;
  sb_gather_clear (&self->gathered);
  self->readable = TRUE;
  self->blocked = FALSE;
  if (sb_connection_can_read (self))
    sb_connection_wake (self->input_sources);
  sb_connection_wake (self->output_sources);
  sb_connection_queue_notify (self);
}

/* Writes from @data until the socket would block. Returns: how many bytes it took */
static gsize
transmit_all (SbConnection *self, const guint8 *data, gsize size)
{
  gsize sent = 0;

  while (sent < size && self->writable)
    {
      GError *error = NULL;
      gssize n = transmit (self, data + sent, size - sent, &error);

      if (n >= 0)
        {
          sent += n;
          continue;
        }
      self->writable = FALSE;
      if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        g_error_free (error);
      else
        fail_output (self, error);
    }
  if (sent > 0)
    self->output_since = g_get_monotonic_time ();
  return sent;
}

/* Tells whoever waits for room, or for the end of the queue. */
static void
note_flushed (SbConnection *self)
{
  gsize queued = sb_gather_get_length (&self->gathered);

  if (self->blocked && queued <= SB_CONNECTION_BUFFER_MAX / 2)
    {
      self->blocked = FALSE;
      sb_connection_wake (self->output_sources);
      if (self->writers != NULL)
        sb_connection_queue_notify (self);
    }
  if (queued > 0)
    return;
  if (self->above_mark && self->drained_func != NULL)
    self->drained = TRUE;
  self->above_mark = FALSE;
  if (self->awaiting)
    sb_connection_note_room (self);
  if (self->drained || self->flushes != NULL)
    sb_connection_queue_notify (self);
}

/* The gathered output has left. */
static void
give_block_back (SbConnection *self)
{
  gsize size;
  guint8 *block = sb_gather_release (&self->gathered, &size);

  sb_poller_give_block (self->watch.poller, block, size);
}

/* Writes what was gathered, as far as the socket takes it. */
void
sb_connection_flush (SbConnection *self)
{
  gsize queued = sb_gather_get_length (&self->gathered);
  gsize sent;

  if (queued > 0 && self->writable)
    {
      sent = transmit_all (self, sb_gather_peek (&self->gathered), queued);
      /* A failure has emptied it. */
      if (sb_gather_get_length (&self->gathered) > sent)
        sb_gather_consume (&self->gathered, sent);
      else
        give_block_back (self);
    }
  note_flushed (self);
}

/* Returns: whether a write would take bytes or give an error */
gboolean
sb_connection_can_write (SbConnection *self)
{
  return self->failure != NULL || self->output_failure != NULL || self->state != SB_CONNECTION_OPEN
         || !self->blocked;
}

static void
begin_gathering (SbConnection *self)
{
  gsize size;
  guint8 *block = self->gathered.data == NULL ? sb_poller_take_block (self->watch.poller, &size)
                                              : NULL;

  self->output_since = g_get_monotonic_time ();
  if (block != NULL)
    sb_gather_adopt (&self->gathered, block, size);
}

static void
gather (SbConnection *self, const guint8 *data, gsize size)
{
  if (size == 0)
    return;
  if (sb_gather_get_length (&self->gathered) == 0)
    begin_gathering (self);
  sb_gather_append (&self->gathered, data, size);
  if (sb_gather_get_length (&self->gathered) >= SB_CONNECTION_DRAIN_MARK)
    self->above_mark = TRUE;
  if (sb_gather_get_length (&self->gathered) >= DIRECT_WRITE && self->writable)
    sb_connection_flush (self);
  if (sb_gather_get_length (&self->gathered) > 0 && self->writable)
    sb_poller_queue_turn (&self->watch);
}

/* Takes what fits below the bound. */
gssize
sb_connection_write (SbConnection *self, const void *buffer, gsize count, GError **error)
{
  const guint8 *data = buffer;
  gsize direct = 0, room;

  if (sb_connection_set_output_failure (self, error))
    return -1;
  if (self->blocked)
    {
      sb_connection_set_would_block (error);
      return -1;
    }
  /* A large piece behind nothing needs no copy. */
  if (count >= DIRECT_WRITE && sb_gather_get_length (&self->gathered) == 0)
    direct = transmit_all (self, data, count);
  if (sb_connection_set_output_failure (self, error))
    return -1;
  room = SB_CONNECTION_BUFFER_MAX - sb_gather_get_length (&self->gathered);
  if (count <= SMALL_WRITE && room < count)
    {
      self->blocked = TRUE;
      sb_connection_set_would_block (error);
      return -1;
    }
  count = MIN (count, direct + room);
  gather (self, data + direct, count - direct);
  self->blocked = sb_gather_get_length (&self->gathered) >= SB_CONNECTION_BUFFER_MAX;
  self->written += count;
  return count;
}

/**
 * sb_connection_send:
 * @self: a connection that libsoup writes small frames to at the most
 * @header: what comes before
 * @header_length: bytes
 * @data: the rest
 * @length: bytes
 *
 * Gathers a frame whole, also beyond the bound; who sends looks at
 * sb_connection_get_queued() before. On a connection that is closed it is lost.
 */
void
sb_connection_send (SbConnection *self, const void *header, gsize header_length, const void *data,
                    gsize length)
{
  if (self->failure != NULL || self->output_failure != NULL || self->state != SB_CONNECTION_OPEN)
    return;
  gather (self, header, header_length);
  gather (self, data, length);
  self->blocked |= sb_gather_get_length (&self->gathered) >= SB_CONNECTION_BUFFER_MAX;
  self->written += header_length + length;
}

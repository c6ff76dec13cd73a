/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-socket: bytes both ways, liveness, and the end.
 *
 * What is sent gathers and is written once per turn of the main loop: thousands of confirmations
 * are few system calls. What comes is handled for a few milliseconds at a time, so that a program
 * with a window stays responsive under any load.
 */

#include "sb-client-socket-private.h"

#include "sb-client-fault.h"

#include <string.h>

/* Of one message from the bus: far more than what a bus takes. */
#define MAX_MESSAGE (64 * 1024 * 1024)
/* So much at once is not left to the next turn. */
#define WRITE_AT (64 * 1024)
#define WRITE_MAX (256 * 1024)
/* Above this the memory is given back when all is written. */
#define KEEP (1024 * 1024)
/* What waits to be written; who sends should stop at it. */
#define FULL (1024 * 1024)
#define TURN_US 5000

#define CONNECT_MS 10000
#define FAREWELL_MS 5000
#define KEEPALIVE_MS 30000
#define SILENCE_MS 90000

static void update_timer (SbClientSocket *self);

/* --- Life --- */

SbClientSocket *
sb_client_socket_ref (SbClientSocket *self)
{
  g_ref_count_inc (&self->ref_count);
  return self;
}

void
sb_client_socket_unref (SbClientSocket *self)
{
  if (!g_ref_count_dec (&self->ref_count))
    return;
  g_main_context_unref (self->context);
  g_free (self->url);
  g_clear_pointer (&self->uri, g_uri_unref);
  g_free (self->key);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->database);
  g_clear_object (&self->resolver);
  sb_client_decoder_clear (&self->decoder);
  g_byte_array_unref (self->out);
  g_clear_error (&self->write_error);
  g_free (self->close_reason);
  g_free (self);
}

static void
clear_source (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
set_source (SbClientSocket *self, GSource **where, GSource *owned_source, GSourceFunc func)
{
  *where = owned_source;
  g_source_set_callback (owned_source, func, self, NULL);
  g_source_attach (owned_source, self->context);
}

/* TLS may take its time to say good-bye, but not ours. */
static void
close_stream (GIOStream *stream)
{
  if (G_IS_SOCKET_CONNECTION (stream))
    g_io_stream_close (stream, NULL, NULL);
  else
    g_io_stream_close_async (stream, G_PRIORITY_DEFAULT, NULL, NULL, NULL);
}

/* Nothing happens any more. */
static void
shut_down (SbClientSocket *self)
{
  self->state = SB_CLIENT_SOCKET_CLOSED;
  g_cancellable_cancel (self->cancellable);
  clear_source (&self->reader);
  clear_source (&self->writer);
  clear_source (&self->turn);
  clear_source (&self->timer);
  if (self->stream != NULL)
    close_stream (self->stream);
  g_clear_object (&self->stream);
}

static void
finish (SbClientSocket *self, const GError *error)
{
  guint code = self->close_code != 0 ? self->close_code : SB_CLIENT_CLOSE_ABNORMAL;

  if (self->state == SB_CLIENT_SOCKET_CLOSED)
    return;
  shut_down (self);
  if (self->client != NULL)
    self->funcs.closed (code, self->close_reason, error, self->user_data);
}

/* @error: of anybody */
void
sb_client_socket_fail (SbClientSocket *self, const GError *error)
{
  g_autoptr (SbClientSocket) alive = sb_client_socket_ref (self);
  g_autoptr (GError) wrapped = NULL;

  /* A bus that stops just now, and no fault of anybody's certificate. */
  if (g_error_matches (error, G_TLS_ERROR, G_TLS_ERROR_EOF))
    wrapped = g_error_new (SB_CLIENT_ERROR, SB_CLIENT_ERROR_OFFLINE, "%s: %s", self->url,
                           error->message);
  else
    wrapped = sb_client_http_wrap_error (error, self->url);
  finish (self, wrapped);
}

static void
fail_with (SbClientSocket *self, SbClientError code, const char *what)
{
  g_autoptr (GError) error = g_error_new (SB_CLIENT_ERROR, code, "%s: %s", self->url, what);

  sb_client_socket_fail (self, error);
}

/* --- Writing --- */

gsize
sb_client_socket_get_queued (SbClientSocket *self)
{
  return self->out->len - self->written;
}

static void
note_written (SbClientSocket *self, gsize length)
{
  self->written += length;
  self->offered = 0;
  if (self->written == self->out->len)
    {
      if (self->out->len > KEEP)
        {
          g_byte_array_unref (self->out);
          self->out = g_byte_array_new ();
        }
      g_byte_array_set_size (self->out, 0);
      self->written = 0;
    }
  else if (self->written > KEEP)
    {
      g_byte_array_remove_range (self->out, 0, (guint) self->written);
      self->written = 0;
    }
}

static gboolean writable_cb (GObject *stream, gpointer user_data);

/* Writes what goes. An error is kept for the main loop to find. */
static void
flush (SbClientSocket *self)
{
  while (self->writer == NULL && self->write_error == NULL && self->stream != NULL
         && sb_client_socket_get_queued (self) > 0)
    {
      gsize wanted = MIN (sb_client_socket_get_queued (self), WRITE_MAX);
      g_autoptr (GError) error = NULL;
      gssize n;

      if (self->offered > 0)
        wanted = self->offered;
      n = g_pollable_output_stream_write_nonblocking (self->output, self->out->data + self->written,
                                                      wanted, NULL, &error);
      if (n >= 0)
        {
          sb_client_fault_point ("socket-written");
          note_written (self, (gsize) n);
        }
      else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        {
          self->offered = wanted;
          set_source (self, &self->writer,
                      g_pollable_output_stream_create_source (self->output, NULL),
                      G_SOURCE_FUNC (writable_cb));
        }
      else
        self->write_error = g_steal_pointer (&error);
    }
}

/* From the main loop: writes, and tells what came of it. */
static void
flush_and_tell (SbClientSocket *self)
{
  flush (self);
  if (self->write_error != NULL && self->state != SB_CLIENT_SOCKET_CLOSED)
    {
      g_autoptr (GError) error = g_steal_pointer (&self->write_error);

      sb_client_socket_fail (self, error);
    }
  else if (self->was_full && sb_client_socket_get_queued (self) < FULL / 2)
    {
      self->was_full = FALSE;
      if (self->client != NULL && self->state == SB_CLIENT_SOCKET_OPEN)
        self->funcs.writable (self->user_data);
    }
}

static gboolean
writable_cb (GObject *stream, gpointer user_data)
{
  g_autoptr (SbClientSocket) self = sb_client_socket_ref (user_data);

  clear_source (&self->writer);
  flush_and_tell (self);
  return G_SOURCE_REMOVE;
}

static gboolean turn_cb (gpointer user_data);

static void
queue_turn (SbClientSocket *self)
{
  GSource *source;

  if (self->turn != NULL || self->state == SB_CLIENT_SOCKET_CLOSED)
    return;
  source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  set_source (self, &self->turn, source, turn_cb);
}

static void
append (SbClientSocket *self, SbClientOpcode opcode, const void *data, gsize length)
{
  sb_client_frame_append (self->out, opcode, data, length);
  if (sb_client_socket_get_queued (self) >= FULL)
    self->was_full = TRUE;
  if (sb_client_socket_get_queued (self) >= WRITE_AT)
    flush (self);
  queue_turn (self);
}

/**
 * sb_client_socket_send:
 * @self: a socket
 * @data: a text
 * @length: of it in bytes
 *
 * Sends a text frame; when the socket is not open, nothing happens.
 */
void
sb_client_socket_send (SbClientSocket *self, const char *data, gsize length)
{
  if (self->state == SB_CLIENT_SOCKET_OPEN)
    append (self, SB_CLIENT_OPCODE_TEXT, data, length);
}

/**
 * sb_client_socket_ping:
 * @self: a socket
 * @mark: comes back with the pong
 *
 * Sends a ping, which any WebSocket answers when it has read all that was sent before.
 */
void
sb_client_socket_ping (SbClientSocket *self, guint64 mark)
{
  if (self->state == SB_CLIENT_SOCKET_OPEN)
    append (self, SB_CLIENT_OPCODE_PING, &mark, sizeof mark);
}

/* --- Reading --- */

static void
take_close (SbClientSocket *self, const SbClientFrame *frame)
{
  const guint8 *data = (const guint8 *) frame->data;

  self->close_code = SB_CLIENT_CLOSE_NONE;
  if (frame->length >= 2)
    {
      self->close_code = (guint) data[0] << 8 | data[1];
      self->close_reason = g_utf8_make_valid (frame->data + 2, (gssize) frame->length - 2);
    }
  if (self->state == SB_CLIENT_SOCKET_OPEN)
    {
      append (self, SB_CLIENT_OPCODE_CLOSE, frame->data, MIN (frame->length, 2));
      flush (self);
    }
  finish (self, NULL);
}

/* One that nobody asked for says nothing. */
static void
take_pong (SbClientSocket *self, const SbClientFrame *frame)
{
  guint64 mark;

  if (frame->length != sizeof mark)
    return;
  memcpy (&mark, frame->data, sizeof mark);
  self->funcs.pong (mark, self->user_data);
}

static void
dispatch (SbClientSocket *self, const SbClientFrame *frame)
{
  switch (frame->opcode)
    {
    case SB_CLIENT_OPCODE_TEXT:
    case SB_CLIENT_OPCODE_BINARY:
      self->funcs.message (frame->data, frame->length, self->user_data);
      break;
    case SB_CLIENT_OPCODE_PING:
      /* A peer that sends nothing but pings and reads nothing gets no more of them answered. */
      if (self->state == SB_CLIENT_SOCKET_OPEN && sb_client_socket_get_queued (self) < FULL)
        append (self, SB_CLIENT_OPCODE_PONG, frame->data, frame->length);
      break;
    case SB_CLIENT_OPCODE_PONG:
      take_pong (self, frame);
      break;
    case SB_CLIENT_OPCODE_CLOSE:
      take_close (self, frame);
      break;
    case SB_CLIENT_OPCODE_CONTINUATION:
      break;
    }
}

static gboolean
is_listening (SbClientSocket *self)
{
  return self->client != NULL
         && (self->state == SB_CLIENT_SOCKET_OPEN || self->state == SB_CLIENT_SOCKET_CLOSING);
}

/* Handles what has come, for as long as one turn may take. */
static void
handle_frames (SbClientSocket *self)
{
  gint64 end = g_get_monotonic_time () + TURN_US;

  self->has_frames = FALSE;
  while (is_listening (self))
    {
      SbClientFrame frame;
      g_autoptr (GError) error = NULL;

      if (!sb_client_decoder_next (&self->decoder, &frame, &error))
        sb_client_socket_fail (self, error);
      if (error != NULL || frame.data == NULL)
        return;
      dispatch (self, &frame);
      if (g_get_monotonic_time () >= end)
        {
          self->has_frames = TRUE;
          queue_turn (self);
          return;
        }
    }
}

static void
shake_hands (SbClientSocket *self)
{
  gboolean done;
  g_autoptr (GError) error = NULL;

  if (!sb_client_socket_check_answer (self, &done, &error))
    sb_client_socket_fail (self, error);
  else if (done)
    {
      self->state = SB_CLIENT_SOCKET_OPEN;
      self->deadline = 0;
      self->next_ping = self->last_input
                        + sb_client_fault_get_ms ("keepalive", KEEPALIVE_MS) * 1000LL;
      update_timer (self);
      if (self->client != NULL)
        self->funcs.opened (self->user_data);
    }
}

static gboolean readable_cb (GObject *stream, gpointer user_data);

/* While there are frames to be handled nothing is read, so that nothing piles up. */
static void
update_reader (SbClientSocket *self)
{
  gboolean wanted = self->stream != NULL && !self->has_frames
                    && self->state != SB_CLIENT_SOCKET_CLOSED;

  if (!wanted)
    clear_source (&self->reader);
  else if (self->reader == NULL)
    set_source (self, &self->reader, g_pollable_input_stream_create_source (self->input, NULL),
                G_SOURCE_FUNC (readable_cb));
}

static void
handle (SbClientSocket *self)
{
  if (self->state == SB_CLIENT_SOCKET_SHAKING)
    shake_hands (self);
  handle_frames (self);
  flush_and_tell (self);
  update_reader (self);
}

static gboolean
turn_cb (gpointer user_data)
{
  g_autoptr (SbClientSocket) self = sb_client_socket_ref (user_data);

  clear_source (&self->turn);
  if (self->has_frames)
    handle (self);
  else
    flush_and_tell (self);
  return G_SOURCE_REMOVE;
}

static gboolean
readable_cb (GObject *stream, gpointer user_data)
{
  g_autoptr (SbClientSocket) self = sb_client_socket_ref (user_data);
  g_autoptr (GError) error = NULL;
  gsize room;
  guint8 *buffer = sb_client_decoder_reserve (&self->decoder, &room);
  gssize n = g_pollable_input_stream_read_nonblocking (self->input, buffer, room, NULL, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    return G_SOURCE_CONTINUE;
  if (n < 0)
    sb_client_socket_fail (self, error);
  else if (n == 0 && self->state == SB_CLIENT_SOCKET_CLOSING)
    finish (self, NULL);
  else if (n == 0)
    fail_with (self, SB_CLIENT_ERROR_OFFLINE, "the connection broke");
  else
    {
      self->last_input = g_get_monotonic_time ();
      self->probe = 0;
      sb_client_decoder_commit (&self->decoder, (gsize) n);
      handle (self);
    }
  return G_SOURCE_CONTINUE;
}

/* --- Time --- */

static void
check_time (SbClientSocket *self)
{
  gint64 now = g_get_monotonic_time ();

  if (self->deadline != 0 && now >= self->deadline)
    {
      if (self->state == SB_CLIENT_SOCKET_CLOSING)
        finish (self, NULL);
      else
        fail_with (self, SB_CLIENT_ERROR_TIMED_OUT, "there was no connection in time");
    }
  else if ((self->probe != 0 && now >= self->probe)
           || now - self->last_input >= sb_client_fault_get_ms ("silence", SILENCE_MS) * 1000LL)
    fail_with (self, SB_CLIENT_ERROR_OFFLINE, "the connection is dead: nothing came for too long");
  else if (self->state == SB_CLIENT_SOCKET_OPEN && now >= self->next_ping)
    {
      self->next_ping = now + sb_client_fault_get_ms ("keepalive", KEEPALIVE_MS) * 1000LL;
      sb_client_socket_ping (self, 0);
    }
}

static gboolean
timer_cb (gpointer user_data)
{
  g_autoptr (SbClientSocket) self = sb_client_socket_ref (user_data);

  check_time (self);
  update_timer (self);
  return G_SOURCE_CONTINUE;
}

/* A source of nothing but the time that it is set to. */
static gboolean
dispatch_timer (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

static GSourceFuncs timer_funcs = { .dispatch = dispatch_timer };

static void
update_timer (SbClientSocket *self)
{
  gint64 next = self->last_input + sb_client_fault_get_ms ("silence", SILENCE_MS) * 1000LL;

  if (self->timer == NULL)
    return;
  if (self->deadline != 0)
    next = MIN (next, self->deadline);
  if (self->probe != 0)
    next = MIN (next, self->probe);
  if (self->state == SB_CLIENT_SOCKET_OPEN)
    next = MIN (next, self->next_ping);
  g_source_set_ready_time (self->timer, next);
}

/* --- From the beginning to the end --- */

void
sb_client_socket_start (SbClientSocket *self, GIOStream *stream)
{
  g_autofree char *request = sb_client_socket_make_request (self);

  self->state = SB_CLIENT_SOCKET_SHAKING;
  self->stream = g_object_ref (stream);
  self->input = G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (stream));
  self->output = G_POLLABLE_OUTPUT_STREAM (g_io_stream_get_output_stream (stream));
  g_byte_array_append (self->out, (const guint8 *) request, (guint) strlen (request));
  self->last_input = g_get_monotonic_time ();
  update_reader (self);
  queue_turn (self);
}

SbClientSocket *
sb_client_socket_new (SbClient *client, const SbClientSocketFuncs *funcs, gpointer user_data,
                      GError **error)
{
  const SbClientSettings *settings = sb_client_get_settings (client);
  SbClientSocket *self = g_new0 (SbClientSocket, 1);

  g_ref_count_init (&self->ref_count);
  self->client = client;
  self->context = g_main_context_ref_thread_default ();
  self->funcs = *funcs;
  self->user_data = user_data;
  self->url = g_strdup (settings->websocket_url);
  self->cancellable = g_cancellable_new ();
  if (settings->tls_database != NULL)
    self->database = g_object_ref (settings->tls_database);
  g_object_get (sb_client_get_http (client), "proxy-resolver", &self->resolver, NULL);
  sb_client_decoder_init (&self->decoder, MAX_MESSAGE);
  self->out = g_byte_array_new ();
  self->last_input = g_get_monotonic_time ();
  self->deadline = self->last_input + sb_client_fault_get_ms ("connect", CONNECT_MS) * 1000LL;
  set_source (self, &self->timer, g_source_new (&timer_funcs, sizeof (GSource)), timer_cb);
  update_timer (self);
  if (sb_client_socket_dial (self, error))
    return self;
  sb_client_socket_free (self);
  return NULL;
}

void
sb_client_socket_free (SbClientSocket *self)
{
  self->client = NULL;
  if (self->state != SB_CLIENT_SOCKET_CLOSED)
    shut_down (self);
  sb_client_socket_unref (self);
}

void
sb_client_socket_close (SbClientSocket *self)
{
  const guint8 code[2] = { SB_CLIENT_CLOSE_NORMAL >> 8, SB_CLIENT_CLOSE_NORMAL & 0xff };

  if (self->state != SB_CLIENT_SOCKET_OPEN)
    return;
  append (self, SB_CLIENT_OPCODE_CLOSE, code, sizeof code);
  self->state = SB_CLIENT_SOCKET_CLOSING;
  self->deadline = g_get_monotonic_time ()
                   + sb_client_fault_get_ms ("farewell", FAREWELL_MS) * 1000LL;
  update_timer (self);
}

void
sb_client_socket_probe (SbClientSocket *self, guint ms)
{
  if (self->state != SB_CLIENT_SOCKET_OPEN)
    return;
  if (self->probe == 0)
    self->probe = g_get_monotonic_time () + ms * 1000LL;
  sb_client_socket_ping (self, 0);
  update_timer (self);
}

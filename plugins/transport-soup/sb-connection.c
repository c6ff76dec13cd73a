/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-connection: life, phases and getters of a connection.
 *
 * Whoever serves a connection holds it; dropping the last reference closes it. It belongs to the
 * thread of its poller.
 */

#include "sb-connection-private.h"

#include <gio/gio.h>

G_DEFINE_FINAL_TYPE (SbConnection, sb_connection, G_TYPE_IO_STREAM)

/* --- What the poller calls ------------------------------------------------------------------ */

static SbConnection *
from_watch (SbPollerWatch *watch)
{
  return (SbConnection *) ((guint8 *) watch - G_STRUCT_OFFSET (SbConnection, watch));
}

static void
on_ready (SbPollerWatch *watch, guint32 events)
{
  SbConnection *self = from_watch (watch);

  if (events & (EPOLLRDHUP | EPOLLHUP))
    self->hung_up = TRUE;
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
    self->readable = TRUE;
  if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
    self->writable = TRUE;
  if (self->readable && sb_connection_can_read (self))
    sb_connection_wake (self->input_sources);
  if (self->awaiting)
    sb_connection_note_room (self);
  if (self->state != SB_CONNECTION_OPEN || sb_gather_get_length (&self->gathered) > 0)
    sb_poller_queue_turn (watch);
}

static void
on_turn (SbPollerWatch *watch)
{
  SbConnection *self = from_watch (watch);

  if (self->state == SB_CONNECTION_OPEN)
    sb_connection_flush (self);
  else
    sb_connection_step_close (self);
}

/* Tells what happened from the loop, while nobody is in a call to the connection. */
void
sb_connection_queue_notify (SbConnection *self)
{
  if (self->disposing || self->watch.in_notifications)
    return;
  g_object_ref (self);
  sb_poller_queue_notify (&self->watch);
}

static void
return_flushes (SbConnection *self)
{
  GSList *flushes = NULL;

  if (sb_gather_get_length (&self->gathered) > 0)
    return;
  flushes = g_steal_pointer (&self->flushes);
  for (GSList *l = flushes; l != NULL; l = l->next)
    g_task_return_boolean (l->data, TRUE);
  g_slist_free_full (flushes, g_object_unref);
}

static void
return_close (SbConnection *self)
{
  g_autoptr (GTask) task = NULL;

  if (self->state != SB_CONNECTION_LINGERING && self->state != SB_CONNECTION_CLOSED)
    return;
  task = g_steal_pointer (&self->closing);
  if (task != NULL)
    g_task_return_boolean (task, TRUE);
}

static void
tell_closed (SbConnection *self)
{
  SbConnectionFunc func = g_steal_pointer (&self->closed_func);

  self->finished = FALSE;
  if (func != NULL)
    func (self, self->closed_data);
}

/* Each of these may change everything, so each looks for itself. */
static void
on_notify (SbPollerWatch *watch)
{
  g_autoptr (SbConnection) self = from_watch (watch); /* the reference of the queue */
  gboolean drained = self->drained;

  self->drained = FALSE;
  return_flushes (self);
  if (sb_connection_can_write (self))
    sb_connection_serve_writers (self);
  if (drained && self->drained_func != NULL && sb_connection_is_open (self))
    self->drained_func (self, self->drained_data);
  sb_connection_tell_borrower (self);
  return_close (self);
  if (self->finished)
    tell_closed (self);
}

static void
on_expired (SbPollerWatch *watch)
{
  sb_connection_abort (from_watch (watch), "the peer did not close its end in time");
}

static const SbPollerFuncs poller_funcs = { on_ready, on_turn, on_notify, on_expired };

/* --- GIOStream ------------------------------------------------------------------------------ */

static GInputStream *
sb_connection_get_input_stream (GIOStream *stream)
{
  return SB_CONNECTION (stream)->input;
}

static GOutputStream *
sb_connection_get_output_stream (GIOStream *stream)
{
  return SB_CONNECTION (stream)->output;
}

static gboolean
sb_connection_close (GIOStream *stream, GCancellable *cancellable, GError **error)
{
  sb_connection_begin_close (SB_CONNECTION (stream));
  return TRUE;
}

static void
sb_connection_close_async (GIOStream *stream, int io_priority, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  SbConnection *self = SB_CONNECTION (stream);

  self->closing = g_task_new (stream, NULL, callback, user_data);
  g_task_set_source_tag (self->closing, sb_connection_close_async);
  sb_connection_begin_close (self);
  sb_connection_queue_notify (self);
}

static gboolean
sb_connection_close_finish (GIOStream *stream, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
sb_connection_dispose (GObject *object)
{
  SbConnection *self = SB_CONNECTION (object);

  self->disposing = TRUE;
  G_OBJECT_CLASS (sb_connection_parent_class)->dispose (object); /* closes, if nobody did */
  if (self->watch.poller != NULL)
    sb_connection_begin_close (self);
  if (self->finished)
    tell_closed (self);
}

static void
sb_connection_finalize (GObject *object)
{
  SbConnection *self = SB_CONNECTION (object);

  if (self->input != NULL)
    sb_connection_streams_detach (self);
  sb_connection_forget_remote (self);
  return_flushes (self);
  sb_poller_watch_clear (&self->watch);
  g_clear_object (&self->base);
  g_clear_object (&self->socket);
  g_clear_object (&self->input);
  g_clear_object (&self->output);
  g_clear_object (&self->local);
  g_clear_object (&self->farewell);
  g_clear_pointer (&self->remote_text, g_free);
  g_clear_error (&self->failure);
  g_clear_error (&self->output_failure);
  sb_gather_clear (&self->ahead);
  sb_gather_clear (&self->gathered);
  G_OBJECT_CLASS (sb_connection_parent_class)->finalize (object);
}

static void
sb_connection_class_init (SbConnectionClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GIOStreamClass *stream_class = G_IO_STREAM_CLASS (klass);

  object_class->dispose = sb_connection_dispose;
  object_class->finalize = sb_connection_finalize;
  stream_class->get_input_stream = sb_connection_get_input_stream;
  stream_class->get_output_stream = sb_connection_get_output_stream;
  stream_class->close_fn = sb_connection_close;
  stream_class->close_async = sb_connection_close_async;
  stream_class->close_finish = sb_connection_close_finish;
}

static void
sb_connection_init (SbConnection *self)
{
  gint64 now = g_get_monotonic_time ();

  self->watch.fd = -1;
  self->readable = TRUE; /* unknown, and the first read tells */
  self->writable = TRUE;
  self->last_input = now;
  self->phase_since = now;
  sb_connection_refill_budget (self);
}

/* --- Making one ----------------------------------------------------------------------------- */

/**
 * sb_connection_limits_init:
 * @limits: (out caller-allocates): what to fill
 *
 * Sets the default durations.
 */
void
sb_connection_limits_init (SbConnectionLimits *limits)
{
  g_return_if_fail (limits != NULL);

  limits->handshake = 10 * G_USEC_PER_SEC;
  limits->headers = 15 * G_USEC_PER_SEC;
  limits->idle = 75 * G_USEC_PER_SEC;
  limits->body = 30 * G_USEC_PER_SEC;
  limits->authentication = 10 * G_USEC_PER_SEC;
  limits->output = 90 * G_USEC_PER_SEC;
  limits->closing = 5 * G_USEC_PER_SEC;
}

static GSocket *
get_base_socket (GIOStream *base)
{
  g_autoptr (GIOStream) below = NULL;

  if (G_IS_TLS_CONNECTION (base))
    g_object_get (base, "base-io-stream", &below, NULL);
  else
    below = g_object_ref (base);
  return g_object_ref (g_socket_connection_get_socket (G_SOCKET_CONNECTION (below)));
}

/**
 * sb_connection_new:
 * @poller: the poller of the thread that will use the connection
 * @base: a #GSocketConnection, or a #GTlsConnection over one with its handshake done
 * @tag: (nullable): what the caller wants to find again, such as the port it came by
 * @limits: (nullable): durations, copied; %NULL: the defaults
 * @error: return location for an error
 *
 * Takes over @base: from now on nobody else may use it. Its socket becomes non-blocking.
 *
 * Returns: (transfer full) (nullable): the connection; %NULL when the socket could not be watched
 */
SbConnection *
sb_connection_new (SbPoller *poller, GIOStream *base, gpointer tag,
                   const SbConnectionLimits *limits, GError **error)
{
  g_autoptr (SbConnection) self = NULL;

  g_return_val_if_fail (poller != NULL, NULL);
  g_return_val_if_fail (G_IS_SOCKET_CONNECTION (base) || G_IS_TLS_CONNECTION (base), NULL);

  self = g_object_new (SB_TYPE_CONNECTION, NULL);
  sb_poller_watch_init (&self->watch, poller, &poller_funcs);
  self->base = g_object_ref (base);
  self->socket = get_base_socket (base);
  self->tag = tag;
  self->remote_text = sb_connection_describe_remote (self->socket);
  self->input = sb_connection_input_new (self);
  self->output = sb_connection_output_new (self);
  if (limits != NULL)
    self->limits = *limits;
  else
    sb_connection_limits_init (&self->limits);
  if (G_IS_TLS_CONNECTION (base))
    {
      self->is_tls = TRUE;
      self->tls_input = G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (base));
      self->tls_output = G_POLLABLE_OUTPUT_STREAM (g_io_stream_get_output_stream (base));
    }
  if (!sb_poller_watch_add_fd (&self->watch, g_socket_get_fd (self->socket), error))
    return NULL;
  return g_steal_pointer (&self);
}

/* --- Getters -------------------------------------------------------------------------------- */

/**
 * sb_connection_get_tag:
 * @self: a connection
 *
 * Returns: (nullable): what the connection was made with: its listener's tag of the port
 */
gpointer
sb_connection_get_tag (SbConnection *self)
{
  g_return_val_if_fail (SB_IS_CONNECTION (self), NULL);
  return self->tag;
}

/**
 * sb_connection_is_tls:
 * @self: a connection
 *
 * Returns: whether it is encrypted by us
 */
gboolean
sb_connection_is_tls (SbConnection *self)
{
  g_return_val_if_fail (SB_IS_CONNECTION (self), FALSE);
  return self->is_tls;
}

/**
 * sb_connection_is_open:
 * @self: a connection
 *
 * Returns: %FALSE from the first moment of its close on, by whichever side
 */
gboolean
sb_connection_is_open (SbConnection *self)
{
  g_return_val_if_fail (SB_IS_CONNECTION (self), FALSE);
  return self->state == SB_CONNECTION_OPEN && self->failure == NULL;
}

/**
 * sb_connection_has_peer_closed:
 * @self: a connection
 *
 * Tells what libsoup does not notice while a request is being handled. A peer may have shut only
 * its sending end and still read.
 *
 * Returns: whether the peer will send nothing more, or is not there any more
 */
gboolean
sb_connection_has_peer_closed (SbConnection *self)
{
  g_return_val_if_fail (SB_IS_CONNECTION (self), FALSE);
  return self->hung_up || self->output_failure != NULL || !sb_connection_is_open (self);
}

/**
 * sb_connection_get_socket:
 * @self: a connection
 *
 * Returns: (transfer none) (nullable): the socket, for its options; %NULL when closed
 */
GSocket *
sb_connection_get_socket (SbConnection *self)
{
  g_return_val_if_fail (SB_IS_CONNECTION (self), NULL);
  return self->socket;
}

/* --- Flow ----------------------------------------------------------------------------------- */

/**
 * sb_connection_get_queued:
 * @self: a connection
 *
 * Returns: bytes that were accepted from above and not yet by the socket; more than
 *   %SB_CONNECTION_BUFFER_MAX only after sb_connection_send()
 */
gsize
sb_connection_get_queued (SbConnection *self)
{
  g_return_val_if_fail (SB_IS_CONNECTION (self), 0);
  return sb_gather_get_length (&self->gathered);
}

/**
 * sb_connection_get_written:
 * @self: a connection
 *
 * Returns: bytes that were accepted from above in all
 */
guint64
sb_connection_get_written (SbConnection *self)
{
  g_return_val_if_fail (SB_IS_CONNECTION (self), 0);
  return self->written;
}

/**
 * sb_connection_set_drained_func:
 * @self: a connection
 * @func: (nullable) (scope forever): what to call
 * @user_data: for @func; must live as long as @func is set
 *
 * Has @func called whenever the gathered output became empty after it had been at or above
 * %SB_CONNECTION_DRAIN_MARK, so that more can be sent. Never called once it is closing.
 */
void
sb_connection_set_drained_func (SbConnection *self, SbConnectionFunc func, gpointer user_data)
{
  g_return_if_fail (SB_IS_CONNECTION (self));
  self->drained_func = func;
  self->drained_data = user_data;
}

/**
 * sb_connection_message_done:
 * @self: a connection
 *
 * Says that a message or request is complete: counting begins anew.
 */
void
sb_connection_message_done (SbConnection *self)
{
  g_return_if_fail (SB_IS_CONNECTION (self));
  self->unfinished = 0;
}

/**
 * sb_connection_set_max_unfinished:
 * @self: a connection
 * @bytes: how many bytes may be read between two calls of sb_connection_message_done(); 0, as in
 *   the beginning: any number
 *
 * Over the limit the read fails with %SB_ERROR_TOO_LARGE and the connection is closed: a message
 * in endless fragments, which libsoup gathers without limit. @bytes should leave room for frame
 * headers and for what libsoup reads ahead, 64 KiB beyond the largest message being plenty.
 */
void
sb_connection_set_max_unfinished (SbConnection *self, gsize bytes)
{
  g_return_if_fail (SB_IS_CONNECTION (self));
  self->max_unfinished = bytes;
}

/**
 * sb_connection_set_paused:
 * @self: a connection
 * @paused: whether to stop reading
 *
 * While paused, a read would block and no input source fires, so that the sender has to wait.
 * Nothing is noticed of the peer's end or death in that time either: who pauses should not judge
 * liveness by sb_connection_get_last_input().
 */
void
sb_connection_set_paused (SbConnection *self, gboolean paused)
{
  g_return_if_fail (SB_IS_CONNECTION (self));

  if (self->paused == !!paused)
    return;
  self->paused = !!paused;
  if (sb_connection_can_read (self))
    sb_connection_wake (self->input_sources);
  else
    sb_connection_lull (self->input_sources);
}

/**
 * sb_connection_is_paused:
 * @self: a connection
 *
 * Returns: whether it is paused
 */
gboolean
sb_connection_is_paused (SbConnection *self)
{
  g_return_val_if_fail (SB_IS_CONNECTION (self), FALSE);
  return self->paused;
}

/**
 * sb_connection_get_last_input:
 * @self: a connection
 *
 * Returns: when the last bytes were read from the socket, or else when the connection was made,
 *   in monotonic microseconds
 */
gint64
sb_connection_get_last_input (SbConnection *self)
{
  g_return_val_if_fail (SB_IS_CONNECTION (self), 0);
  return self->last_input;
}

/* --- Deadlines ------------------------------------------------------------------------------ */

/**
 * sb_connection_set_phase:
 * @self: a connection
 * @phase: what it waits for from now on
 *
 * Begins @phase and its deadline, also when it was in @phase before. From the phases of a
 * WebSocket on, what comes is not looked at as HTTP any more.
 */
void
sb_connection_set_phase (SbConnection *self, SbConnectionPhase phase)
{
  g_return_if_fail (SB_IS_CONNECTION (self));

  self->phase = phase;
  self->phase_since = g_get_monotonic_time ();
  self->first_byte = 0;
  if (phase != SB_CONNECTION_PHASE_HEADERS)
    self->served = TRUE;
  if (phase == SB_CONNECTION_PHASE_AUTHENTICATING || phase == SB_CONNECTION_PHASE_OPEN)
    sb_http_framing_stop (&self->framing);
}

/**
 * sb_connection_get_phase:
 * @self: a connection
 *
 * Returns: its phase
 */
SbConnectionPhase
sb_connection_get_phase (SbConnection *self)
{
  g_return_val_if_fail (SB_IS_CONNECTION (self), SB_CONNECTION_PHASE_HEADERS);
  return self->phase;
}

static const char *
check_headers (SbConnection *self, gint64 now)
{
  if (!self->served)
    return now - self->phase_since > self->limits.headers ? "headers" : NULL;
  if (self->first_byte != 0)
    return now - self->first_byte > self->limits.headers ? "headers" : NULL;
  return now - self->phase_since > self->limits.idle ? "idle" : NULL;
}

/**
 * sb_connection_check:
 * @self: a connection
 * @now: the monotonic time in microseconds
 *
 * Returns: (transfer none) (nullable): a word for the deadline that has passed (`headers`,
 *   `idle`, `body`, `authentication`, `output`); %NULL when none has
 */
const char *
sb_connection_check (SbConnection *self, gint64 now)
{
  g_return_val_if_fail (SB_IS_CONNECTION (self), NULL);

  if (self->state != SB_CONNECTION_OPEN)
    return NULL;
  sb_connection_note_progress (self, now);
  if ((self->awaiting || sb_gather_get_length (&self->gathered) > 0)
      && now - self->output_since > self->limits.output)
    return "output";
  switch ((SbConnectionPhase) self->phase)
    {
    case SB_CONNECTION_PHASE_HEADERS:
      return check_headers (self, now);
    case SB_CONNECTION_PHASE_BODY:
      return now - MAX (self->phase_since, self->last_input) > self->limits.body ? "body" : NULL;
    case SB_CONNECTION_PHASE_AUTHENTICATING:
      return now - self->phase_since > self->limits.authentication ? "authentication" : NULL;
    case SB_CONNECTION_PHASE_HANDLING:
    case SB_CONNECTION_PHASE_OPEN:
      break;
    }
  return NULL;
}

/**
 * sb_connection_set_closed_func:
 * @self: a connection
 * @func: (nullable) (scope forever): what to call
 * @user_data: for @func
 *
 * Has @func called once the descriptor is closed: from the loop, or from the last unref of a
 * connection that nobody closed. For the one who counts connections.
 */
void
sb_connection_set_closed_func (SbConnection *self, SbConnectionFunc func, gpointer user_data)
{
  g_return_if_fail (SB_IS_CONNECTION (self));
  self->closed_func = func;
  self->closed_data = user_data;
}

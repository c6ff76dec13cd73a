/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-session: the life of a WebSocket, what flows through it, and whether
 * somebody is still there.
 *
 * The transport's list holds a session from its upgrade until the socket has
 * closed; a publication under way holds it longer. The bus holds it as a path.
 *
 * What waits for the peer has a bound: above READY_MAX the bus has to wait with
 * deliveries, above BACKLOG_MAX nothing is read that could cause more output.
 */

#include "sb-soup-session-private.h"

#include "sb-soup-endpoints.h"
#include "sb-soup-leftover.h"

#define LOGIN_TIMEOUT (10 * G_USEC_PER_SEC)
#define CLOSE_TIMEOUT (10 * G_USEC_PER_SEC)
#define READY_MAX (SB_CONNECTION_BUFFER_MAX / 2)
#define BACKLOG_MAX (1024 * 1024)

/* How often those that are over a rate are looked at. Each may send what came back meanwhile. */
#define THROTTLE_MS 20

/* What a frame may have beyond the message that it carries. */
#define ENVELOPE_ROOM (64 * 1024)

/* libsoup's own keep-alive would cost a timer for each connection. */
#define OPCODE_TEXT 0x1
#define OPCODE_CLOSE 0x8
#define OPCODE_PING 0x9

static void delivery_iface_init (SbDeliveryInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (SbSoupSession, sb_soup_session, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (SB_TYPE_DELIVERY, delivery_iface_init))

/* --- Output --- */

static gboolean
is_socket_open (SbSoupSession *self)
{
  return self->socket != NULL
         && soup_websocket_connection_get_state (self->socket) == SOUP_WEBSOCKET_STATE_OPEN;
}

/* Bytes that wait for the peer. */
static gsize
get_backlog (SbSoupSession *self)
{
  return sb_connection_get_queued (self->connection);
}

/* The header of an unmasked frame in one piece (RFC 6455, 5.2). Returns: its length */
static gsize
make_header (guint8 header[10], guint8 opcode, guint64 length)
{
  gsize n = length < 126 ? 0 : length < 65536 ? 2 : 8;

  header[0] = 0x80 | opcode;
  header[1] = n == 0 ? length : n == 2 ? 126 : 127;
  for (gsize i = 0; i < n; i++)
    header[2 + i] = (length >> (8 * (n - 1 - i))) & 0xff;
  return 2 + n;
}

/* Past libsoup, which would copy each frame twice, queue it, and format some lines for a log that
 * nobody reads: a quarter of the main thread's time. It still reads, and answers pings and
 * closes; once that has begun, nothing else may be sent. */
static void
send_frame (SbSoupSession *self, guint8 opcode, const void *data, gsize length)
{
  guint8 header[10];

  if (is_socket_open (self))
    sb_connection_send (self->connection, header, make_header (header, opcode, length), data,
                        length);
}

/* Sends a text frame, if the socket is still open. */
void
sb_soup_session_send (SbSoupSession *self, GBytes *frame)
{
  gsize length;
  const void *data = g_bytes_get_data (frame, &length);

  send_frame (self, OPCODE_TEXT, data, length);
  sb_counter_add (self->transport->n_frames_out, 1);
  if (!(self->pauses & PAUSE_BACKLOG) && get_backlog (self) > BACKLOG_MAX)
    sb_soup_session_pause (self, PAUSE_BACKLOG);
}

/* The same, and drops the caller's reference. */
void
sb_soup_session_send_take (SbSoupSession *self, GBytes *frame)
{
  sb_soup_session_send (self, frame);
  g_bytes_unref (frame);
}

/* Something was written: goes on with what had to wait for it. */
static void
check_flow (SbSoupSession *self)
{
  if (get_backlog (self) >= READY_MAX)
    return;
  if (self->pauses & PAUSE_BACKLOG)
    sb_soup_session_resume (self, PAUSE_BACKLOG);
  if (self->was_unready && self->session != NULL)
    {
      self->was_unready = FALSE;
      sb_session_ready (self->session);
    }
}

static void
drained_cb (SbConnection *connection, gpointer user_data)
{
  g_autoptr (SbSoupSession) self = g_object_ref (user_data);

  check_flow (self);
}

/* --- Input --- */

/* Stops reading. libsoup still hands over the frames of the kilobyte that it has read. */
void
sb_soup_session_pause (SbSoupSession *self, SbSoupPause reason)
{
  self->pauses |= reason;
  sb_connection_set_paused (self->connection, TRUE);
}

/* Goes on: first with the frames that were held, then with reading. */
void
sb_soup_session_resume (SbSoupSession *self, SbSoupPause reason)
{
  self->pauses &= ~(guint) reason;
  while (!(self->pauses & PAUSE_HOLDING) && self->state != STATE_CLOSING)
    {
      g_autoptr (GBytes) frame = g_queue_pop_head (&self->held);

      if (frame == NULL)
        break;
      sb_soup_session_handle (self, frame);
    }
  if (self->pauses != 0)
    return;
  self->resumed = g_get_monotonic_time ();
  sb_connection_set_paused (self->connection, FALSE);
}

static void
leave_throttled (SbSoupSession *self)
{
  if (!self->is_throttled)
    return;
  self->is_throttled = FALSE;
  g_queue_unlink (&self->transport->throttled, &self->throttle_link);
}

/* Returns: (transfer full): those in the list now; what one of them does may change it. */
static GPtrArray *
list_throttled (SbSoupTransport *transport)
{
  GPtrArray *sessions = g_ptr_array_new_full (transport->throttled.length, g_object_unref);

  for (GList *l = transport->throttled.head; l != NULL; l = l->next)
    g_ptr_array_add (sessions, g_object_ref (l->data));
  return sessions;
}

/* Those that may send go on, and back to the end of the list when that was not enough: everybody
 * behind one address gets a turn. */
static gboolean
throttle_cb (gpointer user_data)
{
  g_autoptr (SbSoupTransport) transport = g_object_ref (user_data);
  g_autoptr (GPtrArray) sessions = list_throttled (transport);
  gint64 now = sb_clock_monotonic (sb_bus_get_clock (transport->bus));

  for (guint i = 0; i < sessions->len; i++)
    {
      SbSoupSession *self = g_ptr_array_index (sessions, i);

      if (!self->is_throttled || sb_allowance_peek (&self->allowance, now) > 0)
        continue;
      leave_throttled (self);
      sb_soup_session_resume (self, PAUSE_RATE);
    }
  if (transport->throttled.length > 0)
    return G_SOURCE_CONTINUE;
  transport->throttle_source = 0;
  return G_SOURCE_REMOVE;
}

/* The client sends more than it may: it is not read from for a while. */
void
sb_soup_session_throttle (SbSoupSession *self)
{
  SbSoupTransport *transport = self->transport;

  sb_bus_note_throttled (transport->bus, self->user);
  sb_soup_session_pause (self, PAUSE_RATE);
  if (self->is_throttled)
    return;
  self->is_throttled = TRUE;
  g_queue_push_tail_link (&transport->throttled, &self->throttle_link);
  if (transport->throttle_source == 0)
    transport->throttle_source = g_timeout_add (THROTTLE_MS, throttle_cb, transport);
}

/* What came before the client knew that it was replaced still counts, and is carried out without
 * it. It can not be held up, so it is owed; nobody owes more than a burst. */
static void
take_late_frame (SbSoupSession *self, GBytes *frame)
{
  if (!sb_allowance_charge (&self->allowance,
                            sb_clock_monotonic (sb_bus_get_clock (self->transport->bus))))
    {
      sb_connection_abort (self->connection, "over its rate");
      return;
    }
  sb_soup_leftovers_add (self->transport, self->user, frame);
  sb_soup_leftovers_handle (self->transport);
}

static void
message_cb (SoupWebsocketConnection *socket, int type, GBytes *frame, gpointer user_data)
{
  g_autoptr (SbSoupSession) self = g_object_ref (user_data);

  sb_connection_message_done (self->connection);
  sb_counter_add (self->transport->n_frames_in, 1);
  if (self->state == STATE_CLOSING)
    {
      if (self->was_heard)
        take_late_frame (self, frame);
      return;
    }
  if (self->pauses & PAUSE_HOLDING)
    g_queue_push_tail (&self->held, g_bytes_ref (frame));
  else
    sb_soup_session_handle (self, frame);
}

/* --- The end --- */

void
sb_soup_session_set_state (SbSoupSession *self, SbSoupSessionState state)
{
  self->state = state;
  self->since = g_get_monotonic_time ();
}

/* What was read of an open session and has to wait still counts: a kilobyte at the most, also of
 * who is over a rate. */
static void
leave_frames (SbSoupSession *self)
{
  gint64 now = sb_clock_monotonic (sb_bus_get_clock (self->transport->bus));

  for (const GList *l = self->held.head; l != NULL; l = l->next)
    {
      sb_allowance_charge (&self->allowance, now);
      sb_soup_leftovers_add (self->transport, self->user, l->data);
    }
}

/* Nothing that is still under way shall happen. */
static void
leave (SbSoupSession *self)
{
  if (self->state == STATE_OPEN)
    leave_frames (self);
  if (self->state != STATE_CLOSING)
    sb_soup_session_set_state (self, STATE_CLOSING);
  leave_throttled (self);
  g_clear_handle_id (&self->delay_source, g_source_remove);
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->login, sb_connect_frame_free);
  g_queue_clear_full (&self->held, (GDestroyNotify) g_bytes_unref);
}

/**
 * sb_soup_session_close:
 * @self: a session
 * @code: close code
 * @reason: (nullable): for people
 *
 * Says good-bye. The socket closes when the peer has answered, or after a few seconds.
 */
void
sb_soup_session_close (SbSoupSession *self, gushort code, const char *reason)
{
  leave (self);
  if (is_socket_open (self))
    soup_websocket_connection_close (self->socket, code, reason);
  /* The answer to the close has to be read. */
  self->pauses = 0;
  sb_connection_set_paused (self->connection, FALSE);
}

/* libsoup hangs up on a frame that is too large without a word; its sender would try for ever. */
static void
tell_too_big (SbSoupSession *self)
{
  static const guint8 code[2] = { SOUP_WEBSOCKET_CLOSE_TOO_BIG >> 8,
                                  SOUP_WEBSOCKET_CLOSE_TOO_BIG & 0xff };

  send_frame (self, OPCODE_CLOSE, code, sizeof code);
}

/* libsoup closes the socket itself, and must not gather what comes meanwhile. No word to the bus
 * here: it may be the one who was just sending. */
static void
error_cb (SoupWebsocketConnection *socket, GError *error, gpointer user_data)
{
  SbSoupSession *self = user_data;

  g_debug ("a socket of %s failed: %s", self->address, error->message);
  if (g_error_matches (error, SOUP_WEBSOCKET_ERROR, SOUP_WEBSOCKET_CLOSE_TOO_BIG))
    {
      sb_refusals_count (self->transport->refused_websocket, "too-large");
      tell_too_big (self);
    }
  leave (self);
  sb_connection_set_paused (self->connection, TRUE);
}

static void
closed_cb (SoupWebsocketConnection *socket, gpointer user_data)
{
  g_autoptr (SbSoupSession) self = user_data; /* the list's reference */
  g_autoptr (SbSoupTransport) transport = g_object_ref (self->transport);
  SbSession *session = g_steal_pointer (&self->session);

  leave (self);
  g_queue_unlink (&transport->sessions, &self->link);
  sb_connection_set_drained_func (self->connection, NULL, NULL);
  g_signal_handlers_disconnect_by_data (socket, self);
  g_clear_object (&self->socket);
  if (session != NULL)
    sb_session_close (session);
}

/* --- As a path --- */

static void
session_deliver (SbDelivery *delivery, SbMessage *message)
{
  sb_soup_session_send (SB_SOUP_SESSION (delivery), message->body);
}

static gboolean
session_is_ready (SbDelivery *delivery)
{
  SbSoupSession *self = SB_SOUP_SESSION (delivery);

  if (self->state != STATE_OPEN || !is_socket_open (self))
    return FALSE;
  if (get_backlog (self) < READY_MAX)
    return TRUE;
  self->was_unready = TRUE;
  return FALSE;
}

static void
session_receipt (SbDelivery *delivery, const char *id, const char *recipient)
{
  sb_soup_session_send_take (SB_SOUP_SESSION (delivery), sb_frame_new_receipt (id, recipient));
}

static void
session_expired (SbDelivery *delivery, const char *id, const char *recipient, const char *reason)
{
  sb_soup_session_send_take (SB_SOUP_SESSION (delivery),
                             sb_frame_new_expired (id, recipient, reason));
}

static void
session_close (SbDelivery *delivery, SbCloseReason reason)
{
  static const struct
  {
    gushort code;
    const char *text;
  } words[] = {
    [SB_CLOSE_REPLACED] = { 4000, "REPLACED" },
    [SB_CLOSE_CREDENTIALS] = { 4001, "CREDENTIALS CHANGED" },
    [SB_CLOSE_STOPPING] = { SOUP_WEBSOCKET_CLOSE_GOING_AWAY, "STOPPING" },
    [SB_CLOSE_OPERATOR] = { 4002, "CLOSED BY ADMIN" },
  };
  g_autoptr (SbSoupSession) self = g_object_ref (SB_SOUP_SESSION (delivery));
  SbSession *session = g_steal_pointer (&self->session);

  self->was_heard = reason == SB_CLOSE_REPLACED;
  sb_soup_session_close (self, words[reason].code, words[reason].text);
  if (session != NULL)
    sb_session_close (session);
}

static void
delivery_iface_init (SbDeliveryInterface *iface)
{
  iface->deliver = session_deliver;
  iface->is_ready = session_is_ready;
  iface->receipt = session_receipt;
  iface->expired = session_expired;
  iface->close = session_close;
}

/* --- Life --- */

static void
sb_soup_session_finalize (GObject *object)
{
  SbSoupSession *self = SB_SOUP_SESSION (object);

  sb_soup_session_forget_publications (self);
  g_queue_clear_full (&self->held, (GDestroyNotify) g_bytes_unref);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->connection);
  sb_allowance_clear (&self->allowance);
  g_clear_object (&self->transport);
  g_clear_pointer (&self->user, sb_user_unref);
  g_clear_pointer (&self->login, sb_connect_frame_free);
  g_free (self->address);
  G_OBJECT_CLASS (sb_soup_session_parent_class)->finalize (object);
}

static void
sb_soup_session_class_init (SbSoupSessionClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sb_soup_session_finalize;
}

static void
sb_soup_session_init (SbSoupSession *self)
{
  self->link.data = self;
  self->throttle_link.data = self;
}

/* A moment within the first interval, so that thousands do not ping at once. */
static gint64
first_ping (SbSoupTransport *transport, gint64 now)
{
  return now + (gint64) (g_random_double () * (double) transport->keepalive_interval);
}

static void
bound_size (SbSoupSession *self)
{
  gsize max = self->transport->max_message_size;

  sb_connection_set_max_unfinished (self->connection, max + 2 * ENVELOPE_ROOM);
  soup_websocket_connection_set_max_incoming_payload_size (self->socket, max + ENVELOPE_ROOM);
}

/**
 * sb_soup_session_start:
 * @transport: a transport
 * @connection: a connection whose WebSocket handshake is done
 * @uri: that it was made for
 * @address: where it comes from
 *
 * Makes a session that waits for its log-in. It lives as long as its socket.
 */
void
sb_soup_session_start (SbSoupTransport *transport, SbConnection *connection, GUri *uri,
                       const char *address)
{
  SbSoupSession *self = g_object_new (SB_TYPE_SOUP_SESSION, NULL);

  self->transport = g_object_ref (transport);
  self->connection = g_object_ref (connection);
  self->address = g_strdup (address);
  sb_soup_session_set_state (self, STATE_AWAITING);
  self->next_ping = first_ping (transport, self->since);
  g_queue_push_tail_link (&transport->sessions, &self->link);

  sb_connection_set_phase (connection, SB_CONNECTION_PHASE_AUTHENTICATING);
  sb_connection_message_done (connection);
  sb_connection_set_drained_func (connection, drained_cb, self);
  self->socket = soup_websocket_connection_new (G_IO_STREAM (connection), uri,
                                                SOUP_WEBSOCKET_CONNECTION_SERVER, NULL, NULL, NULL);
  bound_size (self);
  g_signal_connect (self->socket, "message", G_CALLBACK (message_cb), self);
  g_signal_connect (self->socket, "error", G_CALLBACK (error_cb), self);
  g_signal_connect (self->socket, "closed", G_CALLBACK (closed_cb), self);
  if (transport->is_stopping)
    sb_soup_session_close (self, SOUP_WEBSOCKET_CLOSE_GOING_AWAY, "STOPPING");
}

/* --- All of them --- */

/* A peer that sends nothing for two and a half intervals, pongs included, is not there. */
static void
check_liveness (SbSoupSession *self, gint64 now)
{
  gint64 interval = self->transport->keepalive_interval;
  gint64 heard = MAX (sb_connection_get_last_input (self->connection), self->resumed);

  if (interval == 0)
    return;
  if (self->pauses == 0 && now - heard > interval * 5 / 2)
    {
      sb_connection_abort (self->connection, "silent");
      return;
    }
  if (now < self->next_ping)
    return;
  self->next_ping = now + interval;
  if (get_backlog (self) < READY_MAX)
    send_frame (self, OPCODE_PING, "sb", 2);
}

static void
tick_session (SbSoupSession *self, gint64 now)
{
  if (self->state == STATE_CLOSING)
    {
      if (now - self->since > CLOSE_TIMEOUT)
        sb_connection_abort (self->connection, "close overdue");
      return;
    }
  if (self->state == STATE_AWAITING && now - self->since > LOGIN_TIMEOUT)
    {
      sb_soup_session_close (self, SOUP_WEBSOCKET_CLOSE_PROTOCOL_ERROR, "NO AUTHORIZATION");
      return;
    }
  check_flow (self);
  if ((self->pauses & PAUSE_CONGESTED) && !sb_bus_is_congested (self->transport->bus))
    sb_soup_session_resume (self, PAUSE_CONGESTED);
  check_liveness (self, now);
}

/**
 * sb_soup_sessions_tick:
 * @transport: a transport
 * @now: monotonic time, microseconds
 *
 * Looks after the deadlines of all sessions. Called every second.
 */
void
sb_soup_sessions_tick (SbSoupTransport *transport, gint64 now)
{
  sb_soup_leftovers_handle (transport);
  for (GList *l = transport->sessions.head; l != NULL;)
    {
      g_autoptr (SbSoupSession) self = g_object_ref (l->data);

      tick_session (self, now);
      l = self->link.next;
    }
}

/**
 * sb_soup_sessions_ping:
 * @transport: a transport
 *
 * Sends the JSON ping to every socket that keeps up with what it is sent.
 */
void
sb_soup_sessions_ping (SbSoupTransport *transport)
{
  for (GList *l = transport->sessions.head; l != NULL; l = l->next)
    {
      SbSoupSession *self = l->data;

      if (self->state != STATE_CLOSING && get_backlog (self) < READY_MAX)
        sb_soup_session_send (self, transport->ping);
    }
}

/**
 * sb_soup_sessions_resume:
 * @transport: a transport
 *
 * The bus takes messages again: goes on with the senders that had to wait.
 */
void
sb_soup_sessions_resume (SbSoupTransport *transport)
{
  sb_soup_leftovers_handle (transport);
  for (GList *l = transport->sessions.head; l != NULL;)
    {
      g_autoptr (SbSoupSession) self = g_object_ref (l->data);

      if (sb_bus_is_congested (transport->bus))
        break;
      if (self->pauses & PAUSE_CONGESTED)
        sb_soup_session_resume (self, PAUSE_CONGESTED);
      l = self->link.next;
    }
}

/**
 * sb_soup_sessions_take_over:
 * @transport: a transport whose settings have changed
 * @keepalive: its keepalive-interval among them
 *
 * Holds the sessions that are open to the new settings.
 */
void
sb_soup_sessions_take_over (SbSoupTransport *transport, gboolean keepalive)
{
  gint64 now = g_get_monotonic_time ();

  for (GList *l = transport->sessions.head; l != NULL; l = l->next)
    {
      SbSoupSession *self = l->data;

      bound_size (self);
      if (!keepalive)
        continue;
      /* Nobody who was asked less often was silent for that. */
      self->resumed = now;
      self->next_ping = first_ping (transport, now);
    }
}

/**
 * sb_soup_sessions_close:
 * @transport: a transport that stops
 *
 * Says good-bye to all.
 */
void
sb_soup_sessions_close (SbSoupTransport *transport)
{
  for (GList *l = transport->sessions.head; l != NULL;)
    {
      g_autoptr (SbSoupSession) self = g_object_ref (l->data);

      if (self->state != STATE_CLOSING)
        sb_soup_session_close (self, SOUP_WEBSOCKET_CLOSE_GOING_AWAY, "STOPPING");
      l = self->link.next;
    }
}

/* --- The upgrade --- */

static void
upgraded_cb (SoupServerMessage *message, gpointer user_data)
{
  g_autoptr (SbRequest) request = sb_request_ref (user_data);
  g_autoptr (SoupServerMessage) held = g_object_ref (message);
  g_autoptr (GUri) uri = g_uri_ref (soup_server_message_get_uri (message));
  g_autofree char *address = sb_request_dup_address (request);
  g_autoptr (GIOStream) stream = soup_server_message_steal_connection (held);
  g_autoptr (SbConnection) connection = stream != NULL ? sb_connection_unwrap (stream) : NULL;

  if (connection != NULL)
    sb_soup_session_start (request->transport, connection, uri, address);
}

/**
 * sb_session_upgrade:
 * @request: a request that asks for a WebSocket, complete
 *
 * Answers the handshake. Any version, origin and subprotocol will do, as with
 * the reference; none of the offered extensions is taken.
 */
void
sb_session_upgrade (SbRequest *request)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (request->message);
  g_autoptr (GError) error = NULL;

  soup_message_headers_replace (headers, "Sec-WebSocket-Version", "13");
  soup_message_headers_remove (headers, "Sec-WebSocket-Protocol");
  soup_message_headers_remove (headers, "Sec-WebSocket-Extensions");
  if (!soup_websocket_server_check_handshake (request->message, NULL, NULL, NULL, &error))
    {
      sb_request_problem (request, 400, "invalid", error->message);
      return;
    }
  g_signal_connect (request->message, "wrote-informational", G_CALLBACK (upgraded_cb), request);
  soup_websocket_server_process_handshake (request->message, NULL, NULL, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-sse: streams and what they have in common.
 *
 * One whose client has not taken the last frame gets none, so nothing piles up; when it takes
 * nothing for long the connection's own deadline ends it. A stream ends as well when its user may
 * not see it any more, has another password than the one it was opened with, or signs out of the
 * console.
 */

#include "sb-soup-sse.h"

#include "sb-soup-signin.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

/* Of each kind. */
#define MAX_STREAMS 64

/* A comment in between, so that no proxy takes the stream for dead. */
#define KEEPALIVE (15 * G_USEC_PER_SEC)

/* What the kernel keeps that was not sent yet: who reads slowly wants to see now, not then. */
#define UNSENT_MAX 4096

#define FLUSH_MS 200

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_io_stream_close_finish (G_IO_STREAM (source), result, NULL);
}

/**
 * sb_sse_clear:
 * @self: a stream that goes; called by the function that frees it
 *
 * Hangs up.
 */
void
sb_sse_clear (SbSse *self)
{
  g_queue_unlink (&self->transport->streams, &self->link);
  g_io_stream_close_async (G_IO_STREAM (self->connection), G_PRIORITY_DEFAULT, NULL, closed_cb,
                           NULL);
  g_object_unref (self->connection);
  sb_user_unref (self->user);
  g_free (self->login);
}

/**
 * sb_sse_write:
 * @self: a stream
 * @text: whole frames
 * @length: bytes of them
 */
void
sb_sse_write (SbSse *self, const char *text, gsize length)
{
  sb_connection_send (self->connection, NULL, 0, text, length);
  self->last_write = g_get_monotonic_time ();
}

/**
 * sb_sse_end:
 * @self: (transfer full): a stream
 * @reason: one word
 *
 * Says why it is over, and hangs up once the client has taken that, or its time is over.
 */
void
sb_sse_end (SbSse *self, const char *reason)
{
  g_autofree char *text = g_strdup_printf ("event: end\ndata: {\"reason\":\"%s\"}\n\n", reason);

  sb_sse_write (self, text, strlen (text));
  self->funcs->free (self);
}

/* --- Time --- */

static gboolean
is_allowed (SbSse *self, gint64 now)
{
  SbDirectory *directory = sb_accounts_get_directory (self->transport->accounts);
  const SbUser *user = sb_directory_lookup_key (directory, self->user->key);

  return user != NULL && strcmp (user->password_hash, self->user->password_hash) == 0
         && (self->login == NULL || sb_logins_is_alive (self->transport->logins, self->login, now))
         && self->funcs->may_see (self, user);
}

static void
tick (SbSse *self, gint64 now)
{
  if (sb_connection_has_peer_closed (self->connection))
    self->funcs->free (self);
  else if (!is_allowed (self, now))
    sb_sse_end (self, "forbidden");
  else if (sb_connection_get_queued (self->connection) == 0)
    {
      self->funcs->tick (self, now);
      if (now - self->last_write >= KEEPALIVE)
        sb_sse_write (self, ":\n\n", 3);
    }
}

/**
 * sb_sse_tick_all:
 * @transport: a transport
 * @now: monotonic time, microseconds
 *
 * Sends what is due. Called every second.
 */
void
sb_sse_tick_all (SbSoupTransport *transport, gint64 now)
{
  for (GList *l = transport->streams.head; l != NULL;)
    {
      SbSse *self = l->data;

      l = l->next;
      tick (self, now);
    }
}

static gboolean
flush_cb (gpointer user_data)
{
  SbSoupTransport *transport = user_data;
  gint64 now = g_get_monotonic_time ();
  gboolean again = FALSE;

  for (GList *l = transport->streams.head; l != NULL;)
    {
      SbSse *self = l->data;

      l = l->next;
      again |= self->funcs->flush != NULL;
      if (self->funcs->flush != NULL && sb_connection_get_queued (self->connection) == 0)
        self->funcs->flush (self, now);
    }
  if (!again)
    transport->flush_source = 0;
  return again;
}

/**
 * sb_sse_close_all:
 * @transport: a transport that stops
 *
 * Ends all streams.
 */
void
sb_sse_close_all (SbSoupTransport *transport)
{
  while (transport->streams.head != NULL)
    sb_sse_end (transport->streams.head->data, "closed");
}

/**
 * sb_sse_free_all:
 * @transport: a transport that goes
 *
 * Forgets all streams.
 */
void
sb_sse_free_all (SbSoupTransport *transport)
{
  g_clear_handle_id (&transport->flush_source, g_source_remove);
  while (transport->streams.head != NULL)
    {
      SbSse *self = transport->streams.head->data;

      self->funcs->free (self);
    }
}

/* --- Opening --- */

/**
 * sb_sse_check_room:
 * @request: that wants a stream; answered when there is no room, or the head only was asked for
 * @funcs: of the stream
 * @per_user: streams of the kind that a user may have
 *
 * Returns: whether to go on
 */
gboolean
sb_sse_check_room (SbRequest *request, const SbSseFuncs *funcs, guint per_user)
{
  guint n = 0, own = 0;

  for (GList *l = request->transport->streams.head; l != NULL; l = l->next)
    {
      const SbSse *other = l->data;

      n += other->funcs == funcs;
      own += other->funcs == funcs && other->user->key == request->user->key;
    }
  if (n >= MAX_STREAMS || own >= per_user)
    {
      sb_request_problem (request, 503, "busy", "Too many streams of events are open");
      return FALSE;
    }
  sb_request_set_header (request, "Content-Type", "text/event-stream");
  sb_request_set_header (request, "Cache-Control", "no-store");
  /* nginx would gather the frames. */
  sb_request_set_header (request, "X-Accel-Buffering", "no");
  if (strcmp (soup_server_message_get_method (request->message), "HEAD") != 0)
    return TRUE;
  sb_request_answer (request, 200, NULL, NULL);
  return FALSE;
}

static void
keep_little (SbConnection *connection)
{
  static const int unsent_max = UNSENT_MAX;
  GSocket *socket = sb_connection_get_socket (connection);

  if (socket != NULL)
    setsockopt (g_socket_get_fd (socket), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_max,
                sizeof unsent_max);
}

/**
 * sb_sse_open:
 * @self: with nothing in it
 * @funcs: what it does
 * @request: (transfer none): sb_sse_check_room() let it in
 *
 * Takes the connection from libsoup, and sends the head of the answer.
 *
 * Returns: %FALSE when the client is gone; then the caller frees @self
 */
gboolean
sb_sse_open (SbSse *self, const SbSseFuncs *funcs, SbRequest *request)
{
  SbSoupTransport *transport = request->transport;
  g_autofree char *login = sb_request_dup_login (request);
  g_autofree char *head = NULL;
  g_autoptr (GIOStream) stolen = sb_request_steal (request, 200, &head);
  SbConnection *connection = stolen != NULL ? sb_connection_unwrap (stolen) : NULL;

  if (connection == NULL)
    return FALSE;
  keep_little (connection);
  self->transport = transport;
  self->connection = connection;
  self->user = sb_user_ref (request->user);
  self->login = g_steal_pointer (&login);
  self->funcs = funcs;
  self->link.data = self;
  g_queue_push_tail_link (&transport->streams, &self->link);
  if (funcs->flush != NULL && transport->flush_source == 0)
    transport->flush_source = g_timeout_add (FLUSH_MS, flush_cb, transport);
  sb_sse_write (self, head, strlen (head));
  return TRUE;
}

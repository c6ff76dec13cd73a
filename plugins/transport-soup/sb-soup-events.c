/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-events: streams of overviews, past libsoup, on stolen connections.
 *
 * An overview is printed once per tick for all streams. One whose client has not taken the last
 * frame gets none, so nothing piles up; when it takes nothing for long the connection's own
 * deadline ends it. A stream ends as well when its user is no admin any more, has another password
 * than the one it was opened with, or signs out of the console.
 */

#include "sb-soup-events.h"

#include "sb-soup-api.h"
#include "sb-soup-header.h"
#include "sb-soup-logins.h"
#include "sb-soup-signin.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#define MAX_STREAMS 64
#define MAX_INTERVAL 60

/* A comment in between, so that no proxy takes the stream for dead. */
#define KEEPALIVE (15 * G_USEC_PER_SEC)

/* The clock may tick a little early. */
#define EARLY (G_USEC_PER_SEC / 4)

/* What the kernel keeps that was not sent yet: who reads slowly wants to see now, not then. */
#define UNSENT_MAX 4096

typedef struct
{
  SbConnection *connection; /* (owned) */
  SbUser *user;             /* (owned): as it was when the stream was opened */
  char *login;              /* (owned) (nullable): secret of the log-in to the console */
  gint64 interval;          /* microseconds */
  gint64 last_frame;        /* monotonic */
  gint64 last_write;        /* likewise */
  GList link;
} Stream;

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_io_stream_close_finish (G_IO_STREAM (source), result, NULL);
}

static void
stream_free (SbSoupTransport *transport, Stream *self)
{
  g_queue_unlink (&transport->streams, &self->link);
  g_io_stream_close_async (G_IO_STREAM (self->connection), G_PRIORITY_DEFAULT, NULL, closed_cb,
                           NULL);
  g_object_unref (self->connection);
  sb_user_unref (self->user);
  g_free (self->login);
  g_free (self);
}

static void
write_text (Stream *self, const char *text, gsize length)
{
  sb_connection_send (self->connection, NULL, 0, text, length);
  self->last_write = g_get_monotonic_time ();
}

/* Says why it is over. */
static void
end_stream (SbSoupTransport *transport, Stream *self, const char *reason)
{
  g_autofree char *text = g_strdup_printf ("event: end\ndata: {\"reason\":\"%s\"}\n\n", reason);

  if (sb_connection_get_queued (self->connection) == 0)
    write_text (self, text, strlen (text));
  stream_free (transport, self);
}

/* Whether the user may still see this. */
static gboolean
is_allowed (SbSoupTransport *transport, const Stream *self, gint64 now)
{
  SbDirectory *directory = sb_accounts_get_directory (transport->accounts);
  const SbUser *user = sb_directory_lookup_key (directory, self->user->key);

  return user != NULL && user->admin && strcmp (user->password_hash, self->user->password_hash) == 0
         && (self->login == NULL || sb_logins_is_alive (transport->logins, self->login, now));
}

static GString *
print_frame (SbSoupTransport *transport)
{
  g_autoptr (GString) json = sb_api_print_overview (transport);
  GString *frame = g_string_sized_new (json->len + 64);

  g_string_append_printf (frame, "id: %u\nevent: overview\ndata: ", ++transport->n_frames);
  g_string_append_len (frame, json->str, (gssize) json->len);
  g_string_append (frame, "\n\n");
  return frame;
}

/* @frame: (inout) (nullable): the frame of this tick, once somebody needed it */
static void
tick_stream (SbSoupTransport *transport, Stream *self, gint64 now, GString **frame)
{
  gboolean is_due = now - self->last_frame >= self->interval - EARLY;

  if (sb_connection_has_peer_closed (self->connection))
    {
      stream_free (transport, self);
      return;
    }
  if (!is_allowed (transport, self, now))
    {
      end_stream (transport, self, "forbidden");
      return;
    }
  if (is_due)
    self->last_frame = now;
  if (sb_connection_get_queued (self->connection) > 0)
    return;
  if (is_due)
    {
      if (*frame == NULL)
        *frame = print_frame (transport);
      write_text (self, (*frame)->str, (*frame)->len);
    }
  else if (now - self->last_write >= KEEPALIVE)
    write_text (self, ":\n\n", 3);
}

/**
 * sb_soup_events_tick:
 * @transport: a transport
 * @now: monotonic time, microseconds
 *
 * Sends what is due. Called every second.
 */
void
sb_soup_events_tick (SbSoupTransport *transport, gint64 now)
{
  g_autoptr (GString) frame = NULL;

  for (GList *l = transport->streams.head; l != NULL;)
    {
      Stream *self = l->data;

      l = l->next;
      tick_stream (transport, self, now, &frame);
    }
}

/**
 * sb_soup_events_close:
 * @transport: a transport that stops
 *
 * Ends all streams.
 */
void
sb_soup_events_close (SbSoupTransport *transport)
{
  while (transport->streams.head != NULL)
    end_stream (transport, transport->streams.head->data, "closed");
}

/**
 * sb_soup_events_clear:
 * @transport: a transport that goes
 *
 * Forgets all streams.
 */
void
sb_soup_events_clear (SbSoupTransport *transport)
{
  while (transport->streams.head != NULL)
    stream_free (transport, transport->streams.head->data);
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

/* The first overview comes with the head of the answer. */
static void
open_stream (SbRequest *request, gint64 interval)
{
  SbSoupTransport *transport = request->transport;
  g_autoptr (GString) frame = print_frame (transport);
  g_autofree char *login = sb_request_dup_login (request);
  g_autofree char *head = NULL;
  g_autoptr (GIOStream) stolen = NULL;
  SbConnection *connection;
  Stream *self;

  stolen = sb_request_steal (request, 200, &head);
  connection = stolen != NULL ? sb_connection_unwrap (stolen) : NULL;
  if (connection == NULL)
    return;
  keep_little (connection);
  self = g_new0 (Stream, 1);
  self->connection = connection;
  self->user = sb_user_ref (request->user);
  self->login = g_steal_pointer (&login);
  self->interval = interval * G_USEC_PER_SEC;
  self->last_frame = g_get_monotonic_time ();
  self->link.data = self;
  g_queue_push_tail_link (&transport->streams, &self->link);
  write_text (self, head, strlen (head));
  write_text (self, frame->str, frame->len);
}

/**
 * sb_api_stream_events:
 * @request: `GET /api/v1/events`
 * @name: %NULL
 *
 * Begins a stream.
 */
void
sb_api_stream_events (SbRequest *request, const char *name)
{
  g_autoptr (GError) error = NULL;
  gint64 interval = 1;

  if (!sb_query_get_integer (request->query, "interval", 1, MAX_INTERVAL, &interval, &error))
    {
      sb_request_fail (request, error, NULL);
      return;
    }
  if (request->transport->streams.length >= MAX_STREAMS)
    {
      sb_request_problem (request, 503, "busy", "Too many streams of events are open");
      return;
    }
  sb_request_set_header (request, "Content-Type", "text/event-stream");
  sb_request_set_header (request, "Cache-Control", "no-store");
  /* nginx would gather the frames. */
  sb_request_set_header (request, "X-Accel-Buffering", "no");
  if (strcmp (soup_server_message_get_method (request->message), "HEAD") == 0)
    sb_request_answer (request, 200, NULL, NULL);
  else
    open_stream (request, interval);
}

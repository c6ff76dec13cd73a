/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-http-connection: an HTTP/1.1 client of our own, for one kind of request.
 *
 * The bus calls its recipients from the main thread, which moves all other messages as well. A
 * request through libsoup's client costs that thread 55 to 100 µs: a dozen objects, sources and
 * tasks each. Here it is one write, one read and a look at the answer, 7 to 12 µs, with nothing
 * allocated but the signature. What a bus does not need is not there: redirects, cookies, caches,
 * proxies, content codings, pipelining, HTTP/2.
 *
 *   CLOSED ──send──→ BUSY ──the head of an answer──→ told ──its end──→ IDLE
 *                                                      (DRAINING until then)
 *
 * BUSY covers all that is done for one message: resolving, connecting, TLS, writing, reading. One
 * time-out spans it. A confirmation is told as soon as its head is there; of another answer the
 * beginning of the body is waited for, which may say why. In both cases the head decides, and what
 * happens to the body decides only whether the connection can be used again.
 *
 * A connection that was kept may be closed by the server just when the next request is written.
 * When it ends before the first byte of an answer, the message is written once more to a new
 * connection without telling anybody, since a server that closes what is idle is no failure. The
 * recipient may get it twice then, as it may with any delivery.
 *
 * Nothing is told from within sb_http_connection_send(): what fails there is told by a timer.
 * Telling is the last thing that is done, for it may bring the next message or the end.
 */

#include "sb-http-connection.h"

#include "sb-http-answer.h"
#include "sb-http-dial.h"
#include "sb-http-request.h"
#include "sb-http-verdict.h"
#include "sb-http-wire.h"

#include <string.h>

/* The head of the last request is kept to write the next one into, unless it was a large one. */
#define MAX_SPARE_HEAD 2048

typedef enum
{
  STATE_CLOSED,
  STATE_BUSY,
  STATE_DRAINING,
  STATE_IDLE,
} State;

struct _SbHttpConnection
{
  SbHttpClient *client;               /* (owned) */
  const SbHttpProperties *properties; /* (borrowed) */
  const char *prefix;                 /* (borrowed) */
  SbClock *clock;                     /* (owned) */
  const SbHttpConnectionFuncs *funcs;
  gpointer user_data;

  State state;
  SbHttpDial *dial;  /* (owned) (nullable) */
  SbHttpWire *wire;  /* (owned) (nullable) */
  SbHttpTimer timer; /* SOON: what failed while it was sent */
  gboolean was_used; /* the wire has carried an answer already */

  SbMessage *message; /* (owned) (nullable) while nobody was told of it */
  gint64 started_wall;
  gint64 started;    /* by the clock of the bus */
  gint64 deadline;   /* by that of the machine */
  GString *head;     /* (owned) of the request */
  gsize sent;        /* of head and body */
  gboolean is_heard; /* something came back */
  GError *error;     /* (owned) (nullable) that the wire failed with */
  SbHttpAnswer answer;
};

static void begin (SbHttpConnection *self);

/* Ends */

static void
close_wire (SbHttpConnection *self)
{
  g_clear_pointer (&self->dial, sb_http_dial_free);
  g_clear_pointer (&self->wire, sb_http_wire_free);
  self->was_used = FALSE;
  g_clear_error (&self->error);
}

static gsize
get_request_length (SbHttpConnection *self)
{
  return self->head->len + g_bytes_get_size (self->message->body);
}

/* What is left over when an answer is there. */
static void
release (SbHttpConnection *self, gboolean is_reusable)
{
  if (!is_reusable)
    {
      close_wire (self);
      sb_http_timer_clear (&self->timer);
      self->state = STATE_CLOSED;
      return;
    }
  self->was_used = TRUE;
  self->state = STATE_IDLE;
  sb_http_timer_set (&self->timer, self->client->poller, SB_HTTP_TIMER_IDLE,
                     g_get_monotonic_time () + self->client->idle_timeout);
}

static void
tell (SbHttpConnection *self, guint status, const char *text, gsize length, gint64 retry_after)
{
  SbHttpOutcome outcome = {
    .attempt.started = self->started_wall,
    .attempt.latency = sb_clock_monotonic (self->clock) - self->started,
    .attempt.status = status,
    .attempt.text = text,
    .attempt.length = length,
    .retry_after = retry_after,
  };

  self->funcs->answered (self, g_steal_pointer (&self->message), &outcome, self->user_data);
}

/* There was no answer. */
static void
fail (SbHttpConnection *self, const char *why)
{
  g_autofree char *text = g_strdup (why);

  release (self, FALSE);
  tell (self, 0, text, strlen (text), 0);
}

/* The answer is a confirmation, and its head is there. */
static void
confirm (SbHttpConnection *self, gboolean is_drained, gboolean is_reusable)
{
  if (is_drained)
    release (self, is_reusable);
  else
    self->state = STATE_DRAINING;
  tell (self, self->answer.status, NULL, 0, 0);
}

/* The answer is another one. */
static void
reject (SbHttpConnection *self, gboolean is_reusable)
{
  char text[SB_HTTP_MAX_TEXT];
  gsize length = self->answer.text_length;
  guint status = self->answer.status;
  gint64 retry_after = sb_http_verdict_parse_retry_after (self->answer.retry_after,
                                                          sb_clock_wall (self->clock));

  /* Whoever is told may send the next message, whose answer is read into the same place. */
  memcpy (text, self->answer.text, length);
  release (self, is_reusable);
  tell (self, status, text, length, retry_after);
}

/* The answer has come as far as it will. */
static void
end (SbHttpConnection *self)
{
  gboolean is_reusable = self->answer.state == SB_HTTP_ANSWER_DONE && self->answer.is_reusable
                         && self->error == NULL;

  if (self->state == STATE_DRAINING)
    {
      release (self, is_reusable);
      self->funcs->ready (self, self->user_data);
      return;
    }
  is_reusable = is_reusable && self->sent == get_request_length (self);
  if (sb_http_verdict_is_confirmation (self->answer.status))
    confirm (self, TRUE, is_reusable);
  else
    reject (self, is_reusable);
}

/* Reading */

/* The connection has ended, or broken. */
static void
lose (SbHttpConnection *self)
{
  if (self->was_used && !self->is_heard)
    {
      close_wire (self);
      sb_http_timer_set (&self->timer, self->client->poller, SB_HTTP_TIMER_EXCHANGE,
                         self->deadline);
      begin (self);
    }
  else if (sb_http_answer_end (&self->answer) != SB_HTTP_ANSWER_GARBAGE)
    end (self);
  else if (self->error != NULL)
    fail (self, self->error->message);
  else
    fail (self,
          self->is_heard ? self->answer.fault : "the connection was closed without an answer");
}

/* Returns whether there may be more to read at once. */
static gboolean
take_input (SbHttpConnection *self, const char *data, gsize length)
{
  self->is_heard = TRUE;
  switch (sb_http_answer_feed (&self->answer, data, length))
    {
    case SB_HTTP_ANSWER_HEAD:
      return TRUE;
    case SB_HTTP_ANSWER_BODY:
      if (self->state == STATE_DRAINING || !sb_http_verdict_is_confirmation (self->answer.status))
        return TRUE;
      if (self->sent < get_request_length (self))
        confirm (self, TRUE, FALSE);
      else
        confirm (self, FALSE, FALSE);
      return FALSE;
    case SB_HTTP_ANSWER_DONE:
      end (self);
      return FALSE;
    case SB_HTTP_ANSWER_GARBAGE:
      break;
    }
  fail (self, self->answer.fault);
  return FALSE;
}

/* Returns whether there may be more to read at once. */
static gboolean
read_once (SbHttpConnection *self)
{
  char *scratch = self->client->scratch;
  g_autoptr (GError) error = NULL;
  gssize n = sb_http_wire_read (self->wire, scratch, SB_HTTP_SCRATCH_SIZE, &error);

  if (n == SB_HTTP_WIRE_BLOCKED && self->error == NULL)
    return FALSE;
  if (n > 0)
    return take_input (self, scratch, (gsize) n);
  if (self->error == NULL)
    self->error = g_steal_pointer (&error);
  lose (self);
  return FALSE;
}

static void
receive (SbHttpConnection *self)
{
  /* TLS may have more than the socket tells of, and a broken wire what came before it broke. */
  gboolean to_the_end = sb_http_wire_is_tls (self->wire) || self->error != NULL;

  while (read_once (self) && to_the_end)
    continue;
}

/* Something came that nobody has asked for: the end, most likely. */
static void
check_idle (SbHttpConnection *self)
{
  if (sb_http_wire_read (self->wire, self->client->scratch, SB_HTTP_SCRATCH_SIZE, NULL)
      != SB_HTTP_WIRE_BLOCKED)
    release (self, FALSE);
}

/* Writing */

static guint
collect_parts (SbHttpConnection *self, struct iovec *parts)
{
  gsize body_length;
  const char *body = g_bytes_get_data (self->message->body, &body_length);
  gsize body_sent = self->sent > self->head->len ? self->sent - self->head->len : 0;
  guint n = 0;

  if (self->sent < self->head->len)
    parts[n++] = (struct iovec) { self->head->str + self->sent, self->head->len - self->sent };
  if (body_sent < body_length)
    parts[n++] = (struct iovec) { (char *) body + body_sent, body_length - body_sent };
  return n;
}

/* Writes what goes. */
static void
transmit (SbHttpConnection *self)
{
  struct iovec parts[2];
  guint n_parts;
  gssize n = 0;

  while ((n_parts = collect_parts (self, parts)) > 0)
    {
      n = sb_http_wire_write (self->wire, parts, n_parts, &self->error);
      if (n < 0)
        break;
      self->sent += (gsize) n;
    }
  if (n == -1)
    /* The recipient may have answered before it hung up. */
    sb_http_timer_set (&self->timer, self->client->poller, SB_HTTP_TIMER_SOON,
                       g_get_monotonic_time ());
  else
    sb_http_wire_set_wait (self->wire, n_parts > 0 ? SB_HTTP_WAIT_OUTPUT : SB_HTTP_WAIT_INPUT);
}

static void
wire_cb (gboolean is_readable, gpointer user_data)
{
  SbHttpConnection *self = user_data;

  if (self->state == STATE_IDLE)
    check_idle (self);
  else if (is_readable)
    receive (self);
  else if (self->state == STATE_BUSY && self->error == NULL)
    transmit (self);
}

/* Connecting */

static void
dialed_cb (int fd, const GError *error, gpointer user_data)
{
  SbHttpConnection *self = user_data;
  const SbHttpProperties *properties = self->properties;
  g_autoptr (GError) inner = NULL;

  if (fd < 0)
    {
      fail (self, error->message);
      return;
    }
  g_clear_pointer (&self->dial, sb_http_dial_free);
  self->wire = sb_http_wire_new (self->client, fd, properties->is_tls ? properties->host : NULL,
                                 properties->port, wire_cb, self, &inner);
  if (self->wire != NULL)
    transmit (self);
  else
    fail (self, inner->message);
}

static void
begin (SbHttpConnection *self)
{
  sb_http_answer_reset (&self->answer);
  self->sent = 0;
  self->is_heard = FALSE;
  if (self->wire != NULL)
    transmit (self);
  else
    self->dial = sb_http_dial_new (self->client, self->properties->host, self->properties->port,
                                   self->deadline, dialed_cb, self);
}

/* Time */

static void
give_up (SbHttpConnection *self)
{
  g_autofree char *text = NULL;

  if (self->answer.state == SB_HTTP_ANSWER_BODY)
    {
      /* Its head decides. */
      sb_http_answer_end (&self->answer);
      end (self);
      return;
    }
  text = g_strdup_printf ("%s within %g s", self->dial != NULL ? "no connection" : "no answer",
                          (double) self->client->timeout / G_USEC_PER_SEC);
  fail (self, text);
}

static void
timer_cb (SbHttpTimer *timer)
{
  SbHttpConnection *self = SB_HTTP_OWNER (timer, SbHttpConnection, timer);

  switch (timer->kind)
    {
    case SB_HTTP_TIMER_SOON:
      receive (self);
      break;
    case SB_HTTP_TIMER_IDLE:
      release (self, FALSE);
      break;
    default:
      give_up (self);
      break;
    }
}

/* Public API */

/**
 * sb_http_connection_new:
 * @client: (transfer none): the client
 * @properties: of the recipient; they outlive the connection
 * @prefix: of sb_http_request_make_prefix(); likewise
 * @clock: (transfer none): of the bus
 * @funcs: static
 * @user_data: for @funcs
 *
 * Returns: (transfer full): a connection that is not open yet
 */
SbHttpConnection *
sb_http_connection_new (SbHttpClient *client, const SbHttpProperties *properties,
                        const char *prefix, SbClock *clock, const SbHttpConnectionFuncs *funcs,
                        gpointer user_data)
{
  SbHttpConnection *self = g_new0 (SbHttpConnection, 1);

  self->client = sb_http_client_ref (client);
  self->properties = properties;
  self->prefix = prefix;
  self->clock = g_object_ref (clock);
  self->funcs = funcs;
  self->user_data = user_data;
  self->timer.func = timer_cb;
  self->head = g_string_new (NULL);
  sb_http_answer_reset (&self->answer);
  return self;
}

/**
 * sb_http_connection_free:
 * @self: (transfer full): a connection
 *
 * Closes it at once. Nobody is told of what is under way.
 */
void
sb_http_connection_free (SbHttpConnection *self)
{
  close_wire (self);
  sb_http_timer_clear (&self->timer);
  sb_http_answer_clear (&self->answer);
  g_clear_pointer (&self->message, sb_message_unref);
  g_string_free (self->head, TRUE);
  g_object_unref (self->clock);
  sb_http_client_unref (self->client);
  g_free (self);
}

/**
 * sb_http_connection_send:
 * @self: a connection that is free
 * @message: (transfer none): what to carry
 *
 * Begins to carry a message. Nobody is told of anything before this has returned.
 */
void
sb_http_connection_send (SbHttpConnection *self, SbMessage *message)
{
  g_return_if_fail (sb_http_connection_is_free (self));

  self->state = STATE_BUSY;
  self->message = sb_message_ref (message);
  self->started_wall = sb_clock_wall (self->clock);
  self->started = sb_clock_monotonic (self->clock);
  self->deadline = g_get_monotonic_time () + self->client->timeout;
  if (self->head->allocated_len > MAX_SPARE_HEAD)
    {
      g_string_free (self->head, TRUE);
      self->head = g_string_new (NULL);
    }
  g_string_truncate (self->head, 0);
  sb_http_request_append_head (self->head, self->prefix, self->properties->secret, message,
                               self->started_wall / G_USEC_PER_SEC);
  sb_http_timer_set (&self->timer, self->client->poller, SB_HTTP_TIMER_EXCHANGE, self->deadline);
  begin (self);
}

/* Whether it can carry a message now. */
gboolean
sb_http_connection_is_free (SbHttpConnection *self)
{
  return self->state == STATE_CLOSED || self->state == STATE_IDLE;
}

/* Whether it could do so without connecting first. */
gboolean
sb_http_connection_is_open (SbHttpConnection *self)
{
  return self->state == STATE_IDLE;
}

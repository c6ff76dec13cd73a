/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-load-serve: recipients that are HTTP servers. They share one socket, are told apart by the
 * path of the request (/sub0/data, /sub1/data, …), keep connections alive, and answer every
 * message with an empty 200 right away. It lasts until each of them has got so many.
 */

#include "sb-load-http.h"
#include "sb-load-run.h"
#include "sb-load-usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND G_GINT64_CONSTANT (1000000000)
#define SILENCE (30 * SECOND)

typedef struct
{
  guint8 *seen; /* (owned): a bit for each sequence number */
  guint64 last; /* the highest of them */
} Recipient;

typedef struct
{
  SbLoadRun *run;
  Recipient *recipients; /* (owned) */
  GPtrArray *callers;    /* (owned): all that ever connected, the closed ones too */
  guint64 disordered;    /* came behind one that was sent later */
  guint64 closed;
  guint64 counted_from; /* how many had come when the first snapshot was taken */
  SbLoadUsage from, to;
} Serving;

typedef struct
{
  SbLoadConnection connection; /* first: the loop hands it back as this */
  Serving *serving;
} Peer;

static void
answer (SbLoadConnection *connection)
{
  static const char good[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

  sb_load_connection_send (connection, good, strlen (good));
}

static Recipient *
find_recipient (Serving *serving, const guint8 *bytes, gsize length)
{
  static const char start[] = "POST /sub";
  const char *place = (const char *) bytes + strlen (start);
  char *end = NULL;
  guint64 index;

  /* The request is complete, so the number ends before the bytes do. */
  if (length < strlen (start) || memcmp (bytes, start, strlen (start)) != 0)
    sb_load_fail ("the bus asked for %.*s", (int) length, (const char *) bytes);
  index = g_ascii_strtoull (place, &end, 10);
  if (end == place || !g_str_has_prefix (end, "/data HTTP/1.1\r\n")
      || index >= (guint64) serving->run->options.recipients)
    sb_load_fail ("the bus asked for %.*s", (int) length, (const char *) bytes);
  return &serving->recipients[index];
}

static void
note (Serving *serving, Recipient *recipient, guint64 sequence)
{
  SbLoadRun *run = serving->run;
  guint8 bit = (guint8) (1 << sequence % 8);

  if (sequence > (guint64) run->options.messages)
    sb_load_fail ("message %" G_GUINT64_FORMAT " came, which was not sent", sequence);
  run->delivered++;
  run->last_delivery = run->loop->time;
  if (recipient->seen[sequence / 8] & bit)
    run->redelivered++;
  else if (sequence < recipient->last)
    serving->disordered++;
  recipient->seen[sequence / 8] |= bit;
  recipient->last = MAX (recipient->last, sequence);
}

static gsize
input_cb (SbLoadConnection *connection, guint8 *bytes, gsize length)
{
  Serving *serving = ((Peer *) connection)->serving;
  gsize used = 0, whole, payload_length;

  while (used < length && (whole = sb_load_http_measure (bytes + used, length - used)) > 0)
    {
      Recipient *recipient = find_recipient (serving, bytes + used, whole);
      const char *payload = sb_load_payload_find (bytes + used, whole, &payload_length);

      if (payload == NULL)
        sb_load_fail ("the bus sent %.*s", (int) whole, (char *) bytes + used);
      note (serving, recipient, sb_load_payload_get_sequence (payload));
      answer (connection);
      used += whole;
    }
  return used;
}

static void
lost_cb (SbLoadConnection *connection, const char *why)
{
  ((Peer *) connection)->serving->closed++;
}

static void
accepted_cb (SbLoadConnection *connection, int fd)
{
  static const SbLoadEvents events = { NULL, input_cb, lost_cb, NULL };
  Serving *serving = ((Peer *) connection)->serving;
  Peer *peer = g_new0 (Peer, 1);

  peer->serving = serving;
  g_ptr_array_add (serving->callers, peer);
  sb_load_connection_adopt (&peer->connection, connection->loop, &events, fd);
}

static void
peer_free (gpointer data)
{
  Peer *peer = data;

  sb_load_connection_close (&peer->connection);
  g_free (peer);
}

/* Measured from the first call on to the last message. */
static void
serve_until (Serving *serving, guint64 wanted)
{
  SbLoadRun *run = serving->run;

  run->last_delivery = sb_load_now ();
  while (run->delivered - run->redelivered < wanted)
    {
      sb_load_loop_turn (run->loop, SECOND / 100);
      if (serving->from.time == 0 && run->delivered > 0)
        {
          serving->counted_from = run->delivered;
          sb_load_usage_take (&serving->from, run->options.pid);
        }
      if (sb_load_now () - run->last_delivery > SILENCE)
        sb_load_fail ("it stands still at %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT,
                      run->delivered - run->redelivered, wanted);
    }
  sb_load_usage_take (&serving->to, run->options.pid);
  /* The last answers are on their way still; and nothing ought to come again. */
  sb_load_loop_run_until (run->loop, sb_load_now () + SECOND);
}

static void
print (const Serving *serving, guint64 wanted)
{
  g_autoptr (GString) line = g_string_new ("scenario=serve");
  const SbLoadRun *run = serving->run;
  double elapsed = (double) (serving->to.time - serving->from.time) / 1e9;
  double posts = (double) (wanted - serving->counted_from);

  g_string_append_printf (line,
                          " recipients=%d messages=%d seconds=%.2f posts_per_s=%.0f connections=%u "
                          "closed=%" G_GUINT64_FORMAT " redelivered=%" G_GUINT64_FORMAT
                          " disordered=%" G_GUINT64_FORMAT,
                          run->options.recipients, run->options.messages, elapsed, posts / elapsed,
                          serving->callers->len, serving->closed, run->redelivered,
                          serving->disordered);
  sb_load_usage_print (&serving->from, &serving->to, line);
  g_string_append_printf (line,
                          " server_us_per_delivery=%.2f generator_us_per_delivery=%.2f "
                          "rss_mib=%.1f",
                          (serving->to.server - serving->from.server) * 1e6 / posts,
                          (serving->to.generator - serving->from.generator) * 1e6 / posts,
                          sb_load_usage_resident_kib (run->options.pid) / 1024);
  puts (line->str);
}

static void
serving_clear (Serving *serving)
{
  for (int i = 0; i < serving->run->options.recipients; i++)
    g_free (serving->recipients[i].seen);
  g_free (serving->recipients);
  g_ptr_array_unref (serving->callers);
  sb_load_usage_clear (&serving->from);
  sb_load_usage_clear (&serving->to);
}

/* The messages are those of publisher 0, which an earlier `fill` has sent. */
void
sb_load_serve (SbLoadRun *run)
{
  static const SbLoadEvents events = { NULL, NULL, NULL, accepted_cb };
  Serving serving = { .run = run };
  Peer listener = { .serving = &serving };
  guint64 wanted = (guint64) run->options.messages * (guint64) run->options.recipients;

  serving.recipients = g_new0 (Recipient, run->options.recipients);
  for (int i = 0; i < run->options.recipients; i++)
    serving.recipients[i].seen = g_malloc0 (run->options.messages / 8 + 1);
  serving.callers = g_ptr_array_new_with_free_func (peer_free);
  sb_load_connection_adopt (&listener.connection, run->loop, &events, run->options.listen_fd);
  serve_until (&serving, wanted);
  print (&serving, wanted);
  serving_clear (&serving);
  sb_load_connection_close (&listener.connection);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-load-run: one measurement: its options, its clients, and what was counted. */

#include "sb-load-run.h"

#include <string.h>

/* Where the numbers stand in a payload, all in lower-case hex. */
#define PUBLISHER_AT 7
#define PUBLISHER_DIGITS 4
#define SEQUENCE_AT 11
#define SEQUENCE_DIGITS 12
#define TIME_AT 31
#define TIME_DIGITS 16
#define SHORTEST_PAYLOAD 128

static char *
make_payload (int size)
{
  static const char start[] = "{\"id\":\"0000000000000000\",\"ts\":\"0000000000000000\","
                              "\"type\":\"note\",\"body\":\"";
  GString *payload = g_string_new (start);

  if (size < SHORTEST_PAYLOAD)
    sb_load_fail ("--size is %d at least", SHORTEST_PAYLOAD);
  while (payload->len < (gsize) size - 2)
    g_string_append_c (payload, (char) ('a' + payload->len % 26));
  g_string_append (payload, "\"}");
  return g_string_free (payload, FALSE);
}

static void
write_hex (char *place, guint digits, guint64 number)
{
  for (guint i = digits; i > 0; i--, number >>= 4)
    place[i - 1] = "0123456789abcdef"[number & 15];
}

static guint64
read_hex (const char *place, guint digits)
{
  guint64 number = 0;

  /* Of a lower-case letter's code, the low nibble counts from 1. */
  for (guint i = 0; i < digits; i++)
    number = number << 4 | (guint64) ((place[i] & 15) + (place[i] > '9' ? 9 : 0));
  return number;
}

/* Returns: (transfer none) (nullable): where the payload begins in a message; @payload_length is
 * what follows from there on */
const char *
sb_load_payload_find (const guint8 *bytes, gsize length, gsize *payload_length)
{
  static const char key[] = "\"message\":";
  const char *payload = memmem (bytes, length, key, strlen (key));

  if (payload == NULL)
    return NULL;
  payload += strlen (key);
  *payload_length = (gsize) ((const char *) bytes + length - payload);
  if (*payload_length < SHORTEST_PAYLOAD)
    sb_load_fail ("a payload of %" G_GSIZE_FORMAT " bytes came", *payload_length);
  return payload;
}

/* Its number among those of its publisher, from 1 on. */
guint64
sb_load_payload_get_sequence (const char *payload)
{
  return read_hex (payload + SEQUENCE_AT, SEQUENCE_DIGITS);
}

static const SbLoadProtocol *
find_protocol (const char *name, SbLoadRole role)
{
  /* What comes in over HTTP goes out over WebSocket. */
  if (g_str_equal (name, sb_load_http.name))
    return role == SB_LOAD_PUBLISHER ? &sb_load_http : &sb_load_bus;
  if (g_str_equal (name, sb_load_redis.name))
    return &sb_load_redis;
  if (!g_str_equal (name, sb_load_bus.name))
    sb_load_fail ("--protocol is %s, %s or %s", sb_load_bus.name, sb_load_http.name,
                  sb_load_redis.name);
  return &sb_load_bus;
}

guint
sb_load_run_count (SbLoadRun *self, SbLoadRole role)
{
  switch (role)
    {
    case SB_LOAD_RECIPIENT:
      return (guint) self->options.recipients;
    case SB_LOAD_PUBLISHER:
      return (guint) self->options.publishers;
    case SB_LOAD_BROADCASTER:
      return self->options.broadcast_pause >= 0 ? 1 : 0;
    case SB_LOAD_SESSION:
      return (guint) self->options.sessions;
    default:
      g_assert_not_reached ();
    }
}

SbLoadClient *
sb_load_run_get (SbLoadRun *self, SbLoadRole role, guint index)
{
  for (SbLoadRole before = SB_LOAD_RECIPIENT; before < role; before++)
    index += sb_load_run_count (self, before);
  g_assert (index < self->n_clients);
  return &self->clients[index];
}

static void
prepare_client (SbLoadRun *self, SbLoadRole role, guint index)
{
  SbLoadClient *client = sb_load_run_get (self, role, index);
  guint64 ring = 16;

  client->connection.fd = -1;
  client->run = self;
  client->protocol = find_protocol (self->options.protocol, role);
  client->role = role;
  client->index = index;
  if (role == SB_LOAD_RECIPIENT)
    client->last_sequence = g_new0 (guint64, self->options.publishers);
  if (role != SB_LOAD_PUBLISHER && role != SB_LOAD_BROADCASTER)
    return;
  while (ring < (guint64) self->options.window)
    ring *= 2;
  client->sent_at = g_new0 (gint64, ring);
  client->ring_mask = ring - 1;
}

/* Makes the clients that the options ask for; nothing is connected yet. */
void
sb_load_run_prepare (SbLoadRun *self)
{
  self->loop = sb_load_loop_new ();
  self->payload = make_payload (self->options.size);
  for (SbLoadRole role = SB_LOAD_RECIPIENT; role <= SB_LOAD_SESSION; role++)
    self->n_clients += sb_load_run_count (self, role);
  self->clients = g_new0 (SbLoadClient, self->n_clients);
  for (SbLoadRole role = SB_LOAD_RECIPIENT; role <= SB_LOAD_SESSION; role++)
    for (guint i = 0; i < sb_load_run_count (self, role); i++)
      prepare_client (self, role, i);
}

void
sb_load_run_clear (SbLoadRun *self)
{
  for (guint i = 0; i < self->n_clients; i++)
    {
      sb_load_connection_close (&self->clients[i].connection);
      g_free (self->clients[i].sent_at);
      g_free (self->clients[i].last_sequence);
    }
  g_clear_pointer (&self->clients, g_free);
  g_clear_pointer (&self->loop, sb_load_loop_free);
  g_clear_pointer (&self->payload, g_free);
  g_clear_pointer (&self->options.password, g_free);
  g_clear_pointer (&self->options.protocol, g_free);
  g_clear_pointer (&self->options.content, g_free);
  g_clear_pointer (&self->options.path, g_free);
}

static void
opened_cb (SbLoadConnection *connection)
{
  SbLoadClient *self = (SbLoadClient *) connection;

  self->protocol->opened (self);
}

static gsize
input_cb (SbLoadConnection *connection, guint8 *bytes, gsize length)
{
  SbLoadClient *self = (SbLoadClient *) connection;

  return self->protocol->input (self, bytes, length);
}

static void
lost_cb (SbLoadConnection *connection, const char *why)
{
  SbLoadClient *self = (SbLoadClient *) connection;

  sb_load_fail ("client %u of role %d lost its connection: %s", self->index, self->role, why);
}

void
sb_load_client_open (SbLoadClient *self)
{
  static const SbLoadEvents events = { opened_cb, input_cb, lost_cb, NULL };
  const SbLoadOptions *options = &self->run->options;
  gboolean by_http = self->protocol == &sb_load_http;

  sb_load_connection_open (&self->connection, self->run->loop, &events,
                           (guint16) (by_http ? options->http_port : options->port));
}

/* Connects all clients of a role, so many at once, and returns when the last one is served. */
void
sb_load_run_connect (SbLoadRun *self, SbLoadRole role, guint at_once)
{
  guint n = sb_load_run_count (self, role);
  guint before = self->n_ready;
  guint next = 0;
  gint64 last_progress = sb_load_now ();

  while (self->n_ready < before + n)
    {
      guint ready = self->n_ready;

      while (next < n && before + next - self->n_ready < at_once)
        sb_load_client_open (sb_load_run_get (self, role, next++));
      sb_load_loop_turn (self->loop, G_GINT64_CONSTANT (100000000));
      if (self->n_ready != ready)
        last_progress = self->loop->time;
      if (self->loop->time - last_progress > G_GINT64_CONSTANT (60000000000))
        sb_load_fail ("only %u of %u clients were served", self->n_ready - before, n);
    }
}

/* Sends the next message of a publisher. */
void
sb_load_run_publish (SbLoadRun *self, SbLoadClient *client)
{
  gint64 now = sb_load_now ();
  guint64 index = client->role == SB_LOAD_BROADCASTER ? SB_LOAD_BROADCASTER_INDEX : client->index;

  client->sent_at[client->sent++ & client->ring_mask] = now;
  if (client->role == SB_LOAD_PUBLISHER)
    self->sent++;
  write_hex (self->payload + PUBLISHER_AT, PUBLISHER_DIGITS, index);
  write_hex (self->payload + SEQUENCE_AT, SEQUENCE_DIGITS, client->sent);
  write_hex (self->payload + TIME_AT, TIME_DIGITS, (guint64) now);
  client->protocol->publish (client, self->payload, (gsize) self->options.size);
  /* Nobody says of a direct message that all is well. */
  if (self->options.direct)
    {
      client->accepted++;
      self->accepted++;
    }
}

/* The server knows the client now and serves it. */
void
sb_load_client_ready (SbLoadClient *self)
{
  if (self->is_ready)
    return;
  self->is_ready = TRUE;
  self->run->n_ready++;
  if (self->run->storm_start > 0)
    sb_load_histogram_add (&self->run->login, sb_load_now () - self->run->storm_start);
}

static void
count_broadcast (SbLoadRun *run, gint64 sent_at, gint64 now)
{
  run->broadcasts++;
  run->broadcast_end = now;
  if (run->is_measuring)
    sb_load_histogram_add (&run->broadcast, now - sent_at);
}

/* Whether a message to `$all` was under way at some moment since then. */
static gboolean
is_beside_broadcast (SbLoadRun *run, gint64 since)
{
  SbLoadClient *broadcaster;

  if (run->options.broadcast_pause < 0)
    return FALSE;
  broadcaster = sb_load_run_get (run, SB_LOAD_BROADCASTER, 0);
  return broadcaster->sent > broadcaster->accepted || run->broadcast_end >= since;
}

/* The oldest message that the server had not answered for yet is safe with it. */
void
sb_load_client_accepted (SbLoadClient *self)
{
  SbLoadRun *run = self->run;
  gint64 now = sb_load_now ();
  gint64 sent_at = self->sent_at[self->accepted & self->ring_mask];

  if (self->accepted == self->sent)
    sb_load_fail ("more was accepted than sent");
  self->accepted++;
  if (self->role == SB_LOAD_BROADCASTER)
    {
      count_broadcast (run, sent_at, now);
      return;
    }
  run->accepted++;
  run->last_accepted = now;
  if (!run->is_measuring)
    return;
  sb_load_histogram_add (&run->publish, now - sent_at);
  if (is_beside_broadcast (run, sent_at))
    sb_load_histogram_add (&run->meanwhile, now - sent_at);
}

/* Guaranteed messages come again when they were not confirmed; of direct ones, which come in
 * order, some may be left out. */
static void
note_sequence (SbLoadClient *self, guint64 publisher, guint64 sequence)
{
  SbLoadRun *run = self->run;
  guint64 last = self->last_sequence[publisher];

  if (sequence <= last)
    {
      run->redelivered++;
      return;
    }
  if (run->options.direct)
    run->skipped += sequence - last - 1;
  self->last_sequence[publisher] = sequence;
}

/* A payload reached the recipient. */
void
sb_load_client_delivered (SbLoadClient *self, const char *payload, gsize length)
{
  SbLoadRun *run = self->run;
  guint64 publisher;
  gint64 now;

  if (length < SHORTEST_PAYLOAD)
    sb_load_fail ("a payload of %" G_GSIZE_FORMAT " bytes came", length);
  publisher = read_hex (payload + PUBLISHER_AT, PUBLISHER_DIGITS);
  if (self->role != SB_LOAD_RECIPIENT || publisher >= (guint64) run->options.publishers)
    return;
  /* One look at the clock per wake-up where the recipients are many. */
  now = run->options.recipients > 50 ? run->loop->time : sb_load_now ();
  if (run->first_delivery == 0)
    run->first_delivery = now;
  run->last_delivery = now;
  run->delivered++;
  note_sequence (self, publisher, sb_load_payload_get_sequence (payload));
  if (run->is_measuring)
    sb_load_histogram_add (&run->end_to_end,
                           now - (gint64) read_hex (payload + TIME_AT, TIME_DIGITS));
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-connection-frames: frames that are sent past libsoup, and those that libsoup sends by
 * itself, on one connection. None may ever be torn apart by the other kind.
 */

#include "connection-pair.h"
#include "sb-test.h"

#include <libsoup/soup.h>
#include <string.h>

#define OPCODE_TEXT 0x1
#define OPCODE_CLOSE 0x8
#define OPCODE_PING 0x9
#define OPCODE_PONG 0xa

/* Payload of a control frame (RFC 6455, 5.5), and a whole one of a server. */
#define CONTROL_MAX 125
#define CONTROL_FRAME_MAX (2 + CONTROL_MAX)

/* Queues output until there is room for exactly @room bytes. The kernel is full then. */
static void
fill_but (SbPair *pair, gsize room)
{
  static const char zeros[SB_CONNECTION_BUFFER_MAX];
  gsize wanted = SB_CONNECTION_BUFFER_MAX - room, queued;

  while ((queued = sb_connection_get_queued (pair->connection)) < wanted)
    sb_connection_send (pair->connection, NULL, 0, zeros, wanted - queued);
  g_assert_cmpuint (queued, ==, wanted);
}

static void
a_control_frame_is_taken_whole_or_not_at_all (void)
{
  static const char frame[CONTROL_FRAME_MAX];
  static const gsize sizes[] = { 2, 4, 125, 126, CONTROL_FRAME_MAX };

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    for (gsize room = 0; room <= CONTROL_FRAME_MAX + 1; room += room < 8 || room > 120 ? 1 : 16)
      {
        g_autoptr (SbPair) pair = sb_pair_new ();
        g_autoptr (GError) error = NULL;
        gsize before;
        gssize n;

        sb_pair_shrink_kernel_buffers (pair);
        fill_but (pair, room);
        before = sb_connection_get_queued (pair->connection);
        n = sb_pair_try_write (pair, frame, sizes[i], &error);
        if (room >= sizes[i])
          g_assert_cmpint (n, ==, sizes[i]);
        else
          g_assert_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
        g_assert_cmpuint (sb_connection_get_queued (pair->connection) - before, ==, MAX (n, 0));
      }
}

static void
who_was_refused_is_called_when_there_is_room (void)
{
  static const char frame[CONTROL_FRAME_MAX];
  g_autoptr (SbPair) pair = sb_pair_new ();
  guint fired = 0;
  GSource *source;

  sb_pair_shrink_kernel_buffers (pair);
  fill_but (pair, sizeof frame - 1);
  g_assert_cmpint (sb_pair_try_write (pair, frame, sizeof frame, NULL), ==, -1);
  source = sb_pair_watch_output (pair, &fired);
  while (fired == 0)
    sb_pair_drain (pair, 1000);
  g_assert_cmpint (sb_pair_try_write (pair, frame, sizeof frame, NULL), ==, sizeof frame);
  sb_pair_unwatch (source);
}

static void
a_frame_is_gathered_whole_beyond_the_bound (void)
{
  static const char header[10];
  static const char payload[1000 * 1000];
  g_autoptr (SbPair) pair = sb_pair_new ();
  gsize before;

  sb_pair_fill (pair);
  before = sb_connection_get_queued (pair->connection);
  sb_connection_send (pair->connection, header, sizeof header, payload, sizeof payload);
  g_assert_cmpuint (sb_connection_get_queued (pair->connection), ==,
                    before + sizeof header + sizeof payload);
  g_assert_cmpint (sb_pair_try_write (pair, "x", 1, NULL), ==, -1);
}

static void
a_frame_to_who_has_gone_is_lost (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();

  sb_connection_abort (pair->connection, "test");
  sb_connection_send (pair->connection, "h", 1, "data", 4);
  g_assert_cmpuint (sb_connection_get_queued (pair->connection), ==, 0);
}

/* --- With libsoup on top ---------------------------------------------------------------------- */

typedef struct
{
  SbPair *pair;
  SoupWebsocketConnection *socket; /* (owned) */
  GByteArray *input;               /* (owned) at the peer's end, no whole frame yet */
  guint n_texts_sent, n_texts, n_pings, n_pongs;
  gboolean has_closed;
} Talk;

static char
text_byte (guint number)
{
  return 'a' + number % 26;
}

static guint8
ping_length (guint number)
{
  return 4 + number * 37 % (CONTROL_MAX - 3);
}

static void
talk_init (Talk *self)
{
  g_autoptr (GUri) uri = g_uri_parse ("ws://127.0.0.1/", G_URI_FLAGS_NONE, NULL);

  memset (self, 0, sizeof *self);
  self->pair = sb_pair_new ();
  sb_pair_shrink_kernel_buffers (self->pair);
  self->input = g_byte_array_new ();
  self->socket = soup_websocket_connection_new (G_IO_STREAM (self->pair->connection), uri,
                                                SOUP_WEBSOCKET_CONNECTION_SERVER, NULL, NULL, NULL);
}

static void
talk_clear (Talk *self)
{
  g_object_unref (self->socket);
  g_byte_array_unref (self->input);
  sb_pair_free (self->pair);
}

/* Sends a frame of so many bytes in all. */
static void
send_text (Talk *self, gsize size)
{
  g_autofree char *payload = g_strnfill (size, text_byte (self->n_texts_sent++));
  gsize length = size - (size < 128 ? 2 : size < 65540 ? 4 : 10);
  guint n = length < 126 ? 0 : length < 65536 ? 2 : 8;
  guint8 header[10] = { 0x80 | OPCODE_TEXT, n == 0 ? length : n == 2 ? 126 : 127 };

  for (guint i = 0; i < n; i++)
    header[2 + i] = (guint64) length >> (8 * (n - 1 - i));
  sb_connection_send (self->pair->connection, header, 2 + n, payload, length);
}

/* The peer's; the mask is zero. */
static void
send_ping (Talk *self)
{
  guint8 frame[6 + CONTROL_MAX] = { 0x80 | OPCODE_PING, 0x80 | ping_length (self->n_pings) };

  memset (frame + 6, self->n_pings, ping_length (self->n_pings));
  sb_pair_send_all (self->pair, frame, 6 + ping_length (self->n_pings));
  self->n_pings++;
}

static void
assert_all_are (const guint8 *data, gsize length, guint8 byte)
{
  for (gsize i = 0; i < length; i++)
    g_assert_cmpuint (data[i], ==, byte);
}

static void
check_frame (Talk *self, guint8 first_byte, const guint8 *payload, gsize length)
{
  g_assert_false (self->has_closed);
  switch (first_byte)
    {
    case 0x80 | OPCODE_TEXT:
      assert_all_are (payload, length, text_byte (self->n_texts++));
      break;
    case 0x80 | OPCODE_PONG:
      g_assert_cmpuint (length, ==, ping_length (self->n_pongs));
      assert_all_are (payload, length, (guint8) self->n_pongs++);
      break;
    case 0x80 | OPCODE_CLOSE:
      g_assert_cmpmem (payload, length,
                       "\x0f\xa0"
                       "REPLACED",
                       10);
      self->has_closed = TRUE;
      break;
    default:
      g_error ("a frame begins with 0x%02x", first_byte);
    }
}

/* Returns: the length of the first whole frame in the input; 0 when there is none */
static gsize
take_frame (Talk *self)
{
  const guint8 *data = self->input->data;
  gsize n, length;

  if (self->input->len < 2)
    return 0;
  n = data[1] < 126 ? 0 : data[1] == 126 ? 2 : 8;
  if (self->input->len < 2 + n)
    return 0;
  length = n == 0 ? data[1] : 0;
  for (gsize i = 0; i < n; i++)
    length = length << 8 | data[2 + i];
  g_assert_cmpuint (length, <, 4 * 1024 * 1024);
  if (self->input->len < 2 + n + length)
    return 0;
  check_frame (self, data[0], data + 2 + n, length);
  return 2 + n + length;
}

/* Lets the peer read up to @size bytes, if they are there, and looks at the frames. */
static void
read_some (Talk *self, gsize size)
{
  guint8 buffer[16 * 1024];
  gssize n;

  while (size > 0 && (n = sb_pair_peer_read (self->pair, buffer, MIN (size, sizeof buffer))) > 0)
    {
      g_byte_array_append (self->input, buffer, n);
      size -= n;
    }
  for (gsize length; (length = take_frame (self)) > 0;)
    g_byte_array_remove_range (self->input, 0, length);
}

/* Leaves a little more than @room bytes at the most, with a kernel that takes nothing more. */
static void
top_up (Talk *self, gsize room)
{
  gsize queued;

  sb_pair_turn (2);
  while ((queued = sb_connection_get_queued (self->pair->connection)) + room + 16
         < SB_CONNECTION_BUFFER_MAX)
    {
      send_text (self, SB_CONNECTION_BUFFER_MAX - room - queued);
      sb_pair_turn (2);
    }
}

/* Whether libsoup was refused, with room for a part of what it had. */
static gboolean
is_refused (Talk *self)
{
  GPollableOutputStream *output = G_POLLABLE_OUTPUT_STREAM (self->pair->output);

  return sb_connection_get_queued (self->pair->connection) < SB_CONNECTION_BUFFER_MAX
         && !g_pollable_output_stream_is_writable (output);
}

static void
read_to_the_end (Talk *self)
{
  gint64 deadline = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;

  while (self->n_texts < self->n_texts_sent || self->n_pongs < self->n_pings)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      sb_pair_turn (1);
      read_some (self, 100000);
    }
  g_assert_cmpuint (self->n_texts, ==, self->n_texts_sent);
  g_assert_cmpuint (self->n_pongs, ==, self->n_pings);
  g_assert_cmpuint (self->input->len, ==, 0);
}

static void
pongs_come_whole_between_frames_when_the_buffer_is_nearly_full (void)
{
  guint n_refused = 0;
  Talk talk;

  talk_init (&talk);
  for (guint round = 0; round < 1000; round++)
    {
      top_up (&talk, round % (CONTROL_FRAME_MAX + 5));
      send_ping (&talk);
      sb_pair_turn (3);
      n_refused += is_refused (&talk);
      send_text (&talk, 2 + round % 100);
      read_some (&talk, 1 + round * 7919 % 150000);
    }
  g_assert_cmpuint (n_refused, >, 10);
  read_to_the_end (&talk);
  talk_clear (&talk);
}

static void
a_close_comes_whole_behind_the_frames_when_the_buffer_is_nearly_full (void)
{
  static const guint8 answer[] = { 0x80 | OPCODE_CLOSE, 0x82, 0, 0, 0, 0, 0x0f, 0xa0 };

  for (gsize room = 0; room < 20; room++)
    {
      Talk talk;

      talk_init (&talk);
      top_up (&talk, room);
      soup_websocket_connection_close (talk.socket, 4000, "REPLACED");
      while (!talk.has_closed)
        {
          sb_pair_turn (1);
          read_some (&talk, 30000);
        }
      g_assert_cmpuint (talk.n_texts, ==, talk.n_texts_sent);
      sb_pair_send_all (talk.pair, answer, sizeof answer);
      while (soup_websocket_connection_get_state (talk.socket) != SOUP_WEBSOCKET_STATE_CLOSED)
        sb_pair_turn (1);
      talk_clear (&talk);
    }
}

int
main (int argc, char *argv[])
{
  sb_connection_limits_init (&sb_pair_limits);
  sb_test_init (&argc, &argv);
  g_test_add_func ("/connection-frames/a-control-frame-is-taken-whole-or-not-at-all",
                   a_control_frame_is_taken_whole_or_not_at_all);
  g_test_add_func ("/connection-frames/who-was-refused-is-called-when-there-is-room",
                   who_was_refused_is_called_when_there_is_room);
  g_test_add_func ("/connection-frames/a-frame-is-gathered-whole-beyond-the-bound",
                   a_frame_is_gathered_whole_beyond_the_bound);
  g_test_add_func ("/connection-frames/a-frame-to-who-has-gone-is-lost",
                   a_frame_to_who_has_gone_is_lost);
  g_test_add_func (
      "/connection-frames/pongs-come-whole-between-frames-when-the-buffer-is-nearly-full",
      pongs_come_whole_between_frames_when_the_buffer_is_nearly_full);
  g_test_add_func (
      "/connection-frames/a-close-comes-whole-behind-the-frames-when-the-buffer-is-nearly-full",
      a_close_comes_whole_behind_the_frames_when_the_buffer_is_nearly_full);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-hostile-slow: clients that begin and never end. All of them are opened at once, since their
 * deadlines take up to half a minute; each test waits for its own.
 */

#include "hostile.h"

#include <string.h>

#define N_LORISES 500
#define LORIS_MS 250

typedef struct
{
  Hostile *hostile;           /* (owned) */
  SbPeer *lorises[N_LORISES]; /* (owned) a byte of a header now and then */
  SbPeer *half_header;        /* (owned) */
  SbPeer *half_body;          /* (owned) */
  SbPeer *half_chunk;         /* (owned) */
  SbPeer *silent;             /* (owned) connected, and not a byte */
  SbPeer *silent_socket;      /* (owned) upgraded, and not a frame */
  SbPeer *half_frame;         /* (owned) upgraded, and half a log-in */
  SbPeer *chatterbox;         /* (owned) upgraded, and everything but a log-in */
  guint loris_source;
  gint64 started;
} Slow;

static Slow slow;

static gboolean
feed_lorises (gpointer user_data)
{
  for (guint i = 0; i < N_LORISES; i++)
    sb_peer_send (slow.lorises[i], "X", 1);
  if (sb_peer_is_open (slow.chatterbox))
    sb_peer_printf (slow.chatterbox, "{\"type\":\"ping\"}");
  return G_SOURCE_CONTINUE;
}

static SbPeer *
open_and_say (SbPeerMode mode, const char *text)
{
  SbPeer *peer = hostile_open (
      mode, mode == SB_PEER_WEBSOCKET ? slow.hostile->ws_port : slow.hostile->http_port, NULL,
      NULL);

  sb_peer_send (peer, text, -1);
  return peer;
}

static void
open_all (void)
{
  static const char begin[] = "POST /put HTTP/1.1\r\nHost: h\r\n"
                              "Authorization: Basic dXNlcjI6dXNlcjItcHc=\r\n"; /* user2 */
  g_autofree char *body = g_strconcat (begin, "Content-Length: 1000\r\n\r\n{\"to\":", NULL);
  g_autofree char *chunk = g_strconcat (begin,
                                        "Transfer-Encoding: chunked\r\n\r\n40\r\n{\"to\":", NULL);

  slow.hostile = hostile_new (NULL);
  slow.started = g_get_monotonic_time ();
  slow.half_header = open_and_say (SB_PEER_RAW, begin);
  slow.half_body = open_and_say (SB_PEER_RAW, body);
  slow.half_chunk = open_and_say (SB_PEER_RAW, chunk);
  slow.silent = open_and_say (SB_PEER_RAW, "");
  slow.silent_socket = open_and_say (SB_PEER_WEBSOCKET, "");
  slow.half_frame = open_and_say (SB_PEER_WEBSOCKET, "\x81\xfe");
  slow.chatterbox = open_and_say (SB_PEER_WEBSOCKET, "");
  for (guint i = 0; i < N_LORISES; i++)
    slow.lorises[i] = open_and_say (SB_PEER_RAW, "GET / HTTP/1.1\r\n");
  slow.loris_source = g_timeout_add (LORIS_MS, feed_lorises, NULL);
}

static void
close_all (void)
{
  g_source_remove (slow.loris_source);
  for (guint i = 0; i < N_LORISES; i++)
    sb_peer_free (slow.lorises[i]);
  sb_peer_free (slow.half_header);
  sb_peer_free (slow.half_body);
  sb_peer_free (slow.half_chunk);
  sb_peer_free (slow.silent);
  sb_peer_free (slow.silent_socket);
  sb_peer_free (slow.half_frame);
  sb_peer_free (slow.chatterbox);
  hostile_free (slow.hostile);
}

/* Closed by the bus, at the latest so many seconds after all were opened. */
static void
assert_closed_within (SbPeer *peer, guint seconds)
{
  hostile_wait_closed (peer);
  if (!sb_test_daemon_is_instrumented ())
    g_assert_cmpint (g_get_monotonic_time () - slow.started, <, seconds * G_USEC_PER_SEC);
}

static void
serves_others_meanwhile (void)
{
  for (guint i = 0; i < 20; i++)
    hostile_serve_others (slow.hostile);
  g_assert_false (sb_peer_is_closed (slow.lorises[0]));
  hostile_assert_memory (slow.hostile, 32);
}

static void
closes_a_socket_that_does_not_log_in (void)
{
  assert_closed_within (slow.silent_socket, 15);
  g_assert_cmpuint (sb_peer_get_close_code (slow.silent_socket), ==, 1002);
}

static void
closes_a_socket_that_begins_to_log_in (void)
{
  assert_closed_within (slow.half_frame, 18);
}

static void
closes_a_socket_that_says_everything_but_who_it_is (void)
{
  assert_closed_within (slow.chatterbox, 18);
}

static void
closes_lorises (void)
{
  for (guint i = 0; i < N_LORISES; i++)
    assert_closed_within (slow.lorises[i], 22);
}

static void
closes_half_a_header (void)
{
  assert_closed_within (slow.half_header, 22);
}

static void
closes_a_connection_without_a_word (void)
{
  assert_closed_within (slow.silent, 22);
}

static void
closes_half_a_body (void)
{
  assert_closed_within (slow.half_body, 40);
  assert_closed_within (slow.half_chunk, 40);
}

int
main (int argc, char *argv[])
{
  int result;

  sb_test_init (&argc, &argv);
  g_test_add_func ("/hostile-slow/serves-others-meanwhile", serves_others_meanwhile);
  g_test_add_func ("/hostile-slow/closes-a-socket-that-does-not-log-in",
                   closes_a_socket_that_does_not_log_in);
  g_test_add_func ("/hostile-slow/closes-a-socket-that-begins-to-log-in",
                   closes_a_socket_that_begins_to_log_in);
  g_test_add_func ("/hostile-slow/closes-a-socket-that-says-everything-but-who-it-is",
                   closes_a_socket_that_says_everything_but_who_it_is);
  g_test_add_func ("/hostile-slow/closes-lorises", closes_lorises);
  g_test_add_func ("/hostile-slow/closes-half-a-header", closes_half_a_header);
  g_test_add_func ("/hostile-slow/closes-a-connection-without-a-word",
                   closes_a_connection_without_a_word);
  g_test_add_func ("/hostile-slow/closes-half-a-body", closes_half_a_body);
  open_all ();
  result = g_test_run ();
  close_all ();
  return result;
}

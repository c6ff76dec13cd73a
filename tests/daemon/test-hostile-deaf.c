/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-hostile-deaf: clients that never read. What is meant for them must not fill the memory. */

#include "hostile.h"

#include <string.h>

/* So much that no buffer of the kernel takes it all. */
#define BIG (60 * 1024)

/* Stores @n messages of @size bytes for user2, by a session of user3. */
typedef struct
{
  guint n;
  gsize size;
  guint n_sent;
  guint n_accepted;
} Filler;

static void
send_more (Filler *self, SbPeer *peer)
{
  g_autofree char *pad = g_strnfill (self->size, 'p');

  while (self->n_sent < self->n && self->n_sent < self->n_accepted + 500)
    {
      sb_peer_printf (peer, "{\"to\":\"@user2\",\"message\":\"%s\"}", pad);
      self->n_sent++;
    }
}

static void
on_frame (SbPeer *peer, int opcode, const char *payload, gsize length, gpointer user_data)
{
  Filler *self = user_data;

  if (strstr (payload, "\"accepted\"") == NULL)
    return;
  self->n_accepted++;
  if (self->n_accepted % 100 == 0)
    send_more (self, peer);
}

static void
fill (Hostile *hostile, guint n, gsize size)
{
  static const SbPeerFuncs funcs = { .frame = on_frame };
  Filler filler = { n, size, 0, 0 };
  g_autoptr (SbPeer) peer = hostile_open (SB_PEER_WEBSOCKET, hostile->ws_port, &funcs, &filler);

  sb_peer_log_in (peer, "user3", "user3-pw", ",\"accepted\":true");
  send_more (&filler, peer);
  sb_test_wait_count (&filler.n_accepted, n, "a backlog");
}

static SbPeer *
open_deaf (Hostile *hostile, SbPeerMode mode)
{
  SbPeer *peer = hostile_open (mode, mode == SB_PEER_HTTP ? hostile->http_port : hostile->ws_port,
                               NULL, NULL);

  sb_peer_set_small_buffers (peer);
  sb_peer_set_reading (peer, FALSE);
  return peer;
}

static void
bounds_a_recipient_that_never_reads (void)
{
  g_autoptr (Hostile) hostile = hostile_new (NULL);
  g_autoptr (SbPeer) deaf = NULL;

  fill (hostile, 2000, BIG);
  deaf = open_deaf (hostile, SB_PEER_WEBSOCKET);
  sb_peer_log_in (deaf, "user2", "user2-pw", NULL);
  for (guint i = 0; i < 100; i++)
    hostile_serve_others (hostile);
  /* 120 MB wait for it; in memory there are a page of them and the window. */
  hostile_assert_memory (hostile, 72);
}

static void
bounds_a_sender_that_never_reads_what_was_accepted (void)
{
  g_autoptr (Hostile) hostile = hostile_new (NULL);
  g_autoptr (SbPeer) deaf = open_deaf (hostile, SB_PEER_WEBSOCKET);

  sb_peer_log_in (deaf, "user3", "user3-pw", ",\"accepted\":true");
  for (guint i = 0; i < 200000; i++)
    sb_peer_printf (deaf, "{\"_id\":\"deaf-%u\",\"to\":\"@user2\",\"message\":1}", i);
  for (guint i = 0; i < 50; i++)
    hostile_serve_others (hostile);
  hostile_assert_memory (hostile, 48);
}

static void
bounds_a_sender_that_never_reads_errors (void)
{
  g_autoptr (Hostile) hostile = hostile_new (NULL);
  g_autoptr (SbPeer) deaf = open_deaf (hostile, SB_PEER_WEBSOCKET);

  sb_peer_log_in (deaf, "user3", "user3-pw", NULL);
  for (guint i = 0; i < 200000; i++)
    sb_peer_printf (deaf, "{\"to\":\"@nobody\",\"message\":1}");
  for (guint i = 0; i < 50; i++)
    hostile_serve_others (hostile);
  hostile_assert_memory (hostile, 32);
}

static void
bounds_fetchers_that_never_read (void)
{
  g_autoptr (Hostile) hostile = hostile_new (NULL);
  SbPeer *deaf[50];

  fill (hostile, 2000, BIG);
  for (guint i = 0; i < G_N_ELEMENTS (deaf); i++)
    {
      deaf[i] = open_deaf (hostile, SB_PEER_HTTP);
      sb_peer_request (deaf[i], "GET", "/get?limit=64", "user2", "user2-pw", NULL, 0);
    }
  for (guint i = 0; i < 50; i++)
    hostile_serve_others (hostile);
  hostile_assert_memory (hostile, 72);
  for (guint i = 0; i < G_N_ELEMENTS (deaf); i++)
    sb_peer_free (deaf[i]);
}

/* One connection asks for pages without reading any. */
static void
bounds_pipelined_requests_that_are_not_read (void)
{
  g_autoptr (Hostile) hostile = hostile_new (NULL);
  g_autoptr (SbPeer) deaf = open_deaf (hostile, SB_PEER_HTTP);

  for (guint i = 0; i < 100000; i++)
    sb_peer_send (deaf, "GET /signup HTTP/1.1\r\nHost: h\r\n\r\n", -1);
  for (guint i = 0; i < 50; i++)
    hostile_serve_others (hostile);
  hostile_assert_memory (hostile, 16);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/hostile-deaf/bounds-a-recipient-that-never-reads",
                   bounds_a_recipient_that_never_reads);
  g_test_add_func ("/hostile-deaf/bounds-a-sender-that-never-reads-what-was-accepted",
                   bounds_a_sender_that_never_reads_what_was_accepted);
  g_test_add_func ("/hostile-deaf/bounds-a-sender-that-never-reads-errors",
                   bounds_a_sender_that_never_reads_errors);
  g_test_add_func ("/hostile-deaf/bounds-fetchers-that-never-read",
                   bounds_fetchers_that_never_read);
  g_test_add_func ("/hostile-deaf/bounds-pipelined-requests-that-are-not-read",
                   bounds_pipelined_requests_that_are_not_read);
  return g_test_run ();
}

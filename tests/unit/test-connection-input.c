/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-connection-input: what is read, when, and how much of it. */

#include "connection-pair.h"
#include "sb-error.h"
#include "sb-test.h"

#include <sys/socket.h>

/* --- Input ---------------------------------------------------------------------------------- */

static void
reads_what_came_in_small_pieces (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  g_autoptr (GError) error = NULL;
  guint fired = 0;
  GSource *source = sb_pair_watch_input (pair, &fired);
  char buffer[3] = "";

  sb_pair_turn (3);
  g_assert_cmpint (sb_pair_try_read (pair, buffer, 2, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
  sb_pair_send_all (pair, "abcde", 5);
  fired = 0;
  sb_test_wait_count (&fired, 1, "input");
  g_assert_cmpint (sb_pair_try_read (pair, buffer, 2, NULL), ==, 2);
  g_assert_cmpstr (buffer, ==, "ab");
  g_assert_cmpint (sb_pair_try_read (pair, buffer, 2, NULL), ==, 2);
  g_assert_cmpstr (buffer, ==, "cd");
  g_assert_cmpint (sb_pair_try_read (pair, buffer, 2, NULL), ==, 1);
  sb_pair_unwatch (source);
}

static void
the_source_fires_until_all_is_read (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  guint fired = 0;
  GSource *source = sb_pair_watch_input (pair, &fired);
  char buffer[2];

  sb_pair_send_all (pair, "ab", 2);
  sb_test_wait_count (&fired, 5, "input that nobody reads");
  g_assert_cmpint (sb_pair_try_read (pair, buffer, 1, NULL), ==, 1);
  fired = 0;
  sb_test_wait_count (&fired, 5, "input of which one byte was read");
  g_assert_cmpint (sb_pair_try_read (pair, buffer, 1, NULL), ==, 1);
  g_assert_cmpint (sb_pair_try_read (pair, buffer, 1, NULL), ==, -1);
  fired = 0;
  sb_pair_turn (5);
  g_assert_cmpuint (fired, ==, 0);
  sb_pair_send_all (pair, "c", 1);
  sb_test_wait_count (&fired, 1, "more input");
  sb_pair_unwatch (source);
}

static void
a_source_made_late_fires_too (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  guint fired = 0;
  GSource *source;
  char buffer[1];

  g_assert_cmpint (sb_pair_try_read (pair, buffer, 1, NULL), ==, -1);
  sb_pair_send_all (pair, "ab", 2);
  while (!g_pollable_input_stream_is_readable (G_POLLABLE_INPUT_STREAM (pair->input)))
    sb_pair_turn (1);
  source = sb_pair_watch_input (pair, &fired);
  sb_test_wait_count (&fired, 1, "input that came before the source");
  sb_pair_unwatch (source);
}

static void
a_source_serves_as_a_child (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  guint fired = 0;
  char buffer[1];
  GSource *parent, *child;

  g_assert_cmpint (sb_pair_try_read (pair, buffer, 1, NULL), ==, -1);
  child = g_pollable_input_stream_create_source (G_POLLABLE_INPUT_STREAM (pair->input), NULL);
  g_source_set_dummy_callback (child);
  parent = g_pollable_source_new (G_OBJECT (pair->input));
  g_source_add_child_source (parent, child);
  g_source_unref (child);
  g_source_set_callback (parent, G_SOURCE_FUNC (sb_pair_on_ready), &fired, NULL);
  g_source_attach (parent, NULL);
  sb_pair_turn (3);
  g_assert_cmpuint (fired, ==, 0);
  sb_pair_send_all (pair, "a", 1);
  sb_test_wait_count (&fired, 3, "input by way of a child source");
  sb_pair_unwatch (parent);
}

static void
a_source_fires_when_cancelled (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  guint fired = 0;
  char buffer[1];
  GSource *source;

  g_assert_cmpint (sb_pair_try_read (pair, buffer, 1, NULL), ==, -1);
  source = g_pollable_input_stream_create_source (G_POLLABLE_INPUT_STREAM (pair->input),
                                                  cancellable);
  g_source_set_callback (source, G_SOURCE_FUNC (sb_pair_on_ready), &fired, NULL);
  g_source_attach (source, NULL);
  sb_pair_turn (3);
  g_assert_cmpuint (fired, ==, 0);
  g_cancellable_cancel (cancellable);
  sb_test_wait_count (&fired, 1, "the cancellation");
  sb_pair_unwatch (source);
}

static void
the_end_is_read_after_the_last_byte (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  guint fired = 0;
  GSource *source = sb_pair_watch_input (pair, &fired);
  char buffer[100];
  gssize n = -1;

  sb_connection_set_phase (pair->connection, SB_CONNECTION_PHASE_OPEN);
  sb_pair_send_all (pair, "abc", 3);
  sb_pair_hang_up (pair);
  while (n < 0)
    {
      n = sb_pair_try_read (pair, buffer, sizeof buffer, NULL);
      sb_pair_turn (1);
    }
  g_assert_cmpint (n, ==, 3);
  n = -1;
  while (n < 0)
    {
      fired = 0;
      sb_test_wait_count (&fired, 1, "the end");
      n = sb_pair_try_read (pair, buffer, sizeof buffer, NULL);
    }
  g_assert_cmpint (n, ==, 0);
  g_assert_true (sb_connection_has_peer_closed (pair->connection));
  sb_pair_unwatch (source);
}

static void
a_pause_holds_the_sender_back (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  g_autoptr (GError) error = NULL;
  guint fired = 0;
  GSource *source;
  char buffer[16];

  sb_connection_set_paused (pair->connection, TRUE);
  source = sb_pair_watch_input (pair, &fired);
  sb_pair_send_all (pair, "abc", 3);
  sb_pair_turn (10);
  g_assert_cmpuint (fired, ==, 0);
  g_assert_false (g_pollable_input_stream_is_readable (G_POLLABLE_INPUT_STREAM (pair->input)));
  g_assert_cmpint (sb_pair_try_read (pair, buffer, sizeof buffer, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
  sb_connection_set_paused (pair->connection, FALSE);
  sb_test_wait_count (&fired, 1, "input after the pause");
  g_assert_cmpint (sb_pair_try_read (pair, buffer, sizeof buffer, NULL), ==, 3);
  sb_pair_unwatch (source);
}

static void
a_pause_keeps_what_was_read_ahead (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  guint fired = 0;
  GSource *source = sb_pair_watch_input (pair, &fired);
  char buffer[16];

  sb_pair_send_all (pair, "abc", 3);
  sb_test_wait_count (&fired, 1, "input");
  while (sb_pair_try_read (pair, buffer, 1, NULL) < 0)
    sb_pair_turn (1);
  sb_connection_set_paused (pair->connection, TRUE);
  fired = 0;
  sb_pair_turn (10);
  g_assert_cmpuint (fired, ==, 0);
  g_assert_cmpint (sb_pair_try_read (pair, buffer, sizeof buffer, NULL), ==, -1);
  sb_connection_set_paused (pair->connection, FALSE);
  sb_test_wait_count (&fired, 1, "the rest");
  g_assert_cmpint (sb_pair_try_read (pair, buffer, sizeof buffer, NULL), ==, 2);
  sb_pair_unwatch (source);
}

static gpointer
send_a_megabyte (gpointer pair)
{
  static const char block[1024 * 1024];

  sb_pair_send_all (pair, block, sizeof block);
  return NULL;
}

/* Reads as libsoup does, for as long as there is something. */
static gboolean
read_greedily (GObject *stream, gpointer most)
{
  char buffer[1024];
  gsize total = 0;
  gssize n;

  while ((n = g_pollable_input_stream_read_nonblocking (G_POLLABLE_INPUT_STREAM (stream), buffer,
                                                        sizeof buffer, NULL, NULL))
         > 0)
    total += n;
  ((gsize *) most)[0] = MAX (((gsize *) most)[0], total);
  ((gsize *) most)[1] += total;
  return G_SOURCE_CONTINUE;
}

static void
a_fast_sender_gets_its_share_of_a_turn (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  GSource *source = g_pollable_input_stream_create_source (G_POLLABLE_INPUT_STREAM (pair->input),
                                                           NULL);
  gsize most[2] = { 0, 0 };
  GThread *thread = g_thread_new ("sender", send_a_megabyte, pair);

  g_source_set_callback (source, G_SOURCE_FUNC (read_greedily), most, NULL);
  g_source_attach (source, NULL);
  while (most[1] < 1024 * 1024)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (most[0], <=, 64 * 1024);
  g_thread_join (thread);
  sb_pair_unwatch (source);
}

static void
an_endless_message_ends_the_connection (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  g_autoptr (GError) error = NULL;
  static const char block[2000];
  guint closed = 0;
  gsize total;

  sb_connection_set_max_unfinished (pair->connection, 1500);
  sb_connection_set_closed_func (pair->connection, sb_pair_on_event, &closed);
  sb_pair_send_all (pair, block, sizeof block);
  error = sb_pair_read_to_the_error (pair, &total);
  g_assert_error (error, SB_ERROR, SB_ERROR_TOO_LARGE);
  g_assert_cmpuint (total, ==, 1500);
  sb_test_wait_count (&closed, 1, "the close");
  g_assert_false (sb_connection_is_open (pair->connection));
}

static void
complete_messages_may_go_on_for_ever (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  static const char block[1000];
  char buffer[1000];

  sb_connection_set_max_unfinished (pair->connection, 1500);
  for (guint i = 0; i < 10; i++)
    {
      sb_pair_send_all (pair, block, sizeof block);
      for (gsize got = 0; got < sizeof block;)
        {
          got += MAX (sb_pair_try_read (pair, buffer, sizeof buffer, NULL), 0);
          sb_pair_turn (1);
        }
      sb_connection_message_done (pair->connection);
    }
  g_assert_true (sb_connection_is_open (pair->connection));
}

static void
input_is_read_though_output_fails (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  static const struct linger hard = { .l_onoff = 1, .l_linger = 0 };
  g_autoptr (GError) error = NULL;
  gsize total;

  sb_pair_send_all (pair, "last words", 10);
  while (!sb_connection_has_peer_closed (pair->connection))
    {
      if (!g_socket_is_closed (pair->peer))
        {
          setsockopt (g_socket_get_fd (pair->peer), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
          sb_pair_hang_up (pair);
        }
      sb_pair_turn (1);
    }
  sb_pair_write_text (pair, "into the void");
  sb_pair_turn (2);
  g_assert_cmpint (sb_pair_try_write (pair, "x", 1, &error), ==, -1);
  g_assert_nonnull (error);
  g_clear_error (&error);
  error = sb_pair_read_to_the_error (pair, &total);
  g_assert_cmpuint (total, ==, 10);
}

static void
knows_when_it_heard_something (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  gint64 before = g_get_monotonic_time ();
  char buffer[1];

  g_assert_cmpint (sb_connection_get_last_input (pair->connection), <=, before);
  sb_pair_send_all (pair, "a", 1);
  while (sb_pair_try_read (pair, buffer, 1, NULL) < 0)
    sb_pair_turn (1);
  g_assert_cmpint (sb_connection_get_last_input (pair->connection), >=, before);
}

static const struct
{
  const char *name;
  void (*func) (void);
} tests[] = {
  { "/connection/input/reads-what-came-in-small-pieces", reads_what_came_in_small_pieces },
  { "/connection/input/the-source-fires-until-all-is-read", the_source_fires_until_all_is_read },
  { "/connection/input/a-source-made-late-fires-too", a_source_made_late_fires_too },
  { "/connection/input/a-source-serves-as-a-child", a_source_serves_as_a_child },
  { "/connection/input/a-source-fires-when-cancelled", a_source_fires_when_cancelled },
  { "/connection/input/the-end-is-read-after-the-last-byte", the_end_is_read_after_the_last_byte },
  { "/connection/input/a-pause-holds-the-sender-back", a_pause_holds_the_sender_back },
  { "/connection/input/a-pause-keeps-what-was-read-ahead", a_pause_keeps_what_was_read_ahead },
  { "/connection/input/a-fast-sender-gets-its-share-of-a-turn",
    a_fast_sender_gets_its_share_of_a_turn },
  { "/connection/input/an-endless-message-ends-the-connection",
    an_endless_message_ends_the_connection },
  { "/connection/input/complete-messages-may-go-on-for-ever",
    complete_messages_may_go_on_for_ever },
  { "/connection/input/is-read-though-output-fails", input_is_read_though_output_fails },
  { "/connection/input/knows-when-it-heard-something", knows_when_it_heard_something },
};

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  sb_connection_limits_init (&sb_pair_limits);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add_func (tests[i].name, tests[i].func);
  return g_test_run ();
}

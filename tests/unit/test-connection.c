/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-connection: what is written, and whose connection it is. */

#include "connection-pair.h"
#include "sb-error.h"
#include "sb-test.h"

/* --- Output --------------------------------------------------------------------------------- */

static void
writes_once_per_turn (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  char buffer[16];

  sb_pair_write_text (pair, "a");
  sb_pair_write_text (pair, "bc");
  g_assert_cmpuint (sb_connection_get_queued (pair->connection), ==, 3);
  g_assert_cmpint (sb_pair_peer_read (pair, buffer, sizeof buffer), ==, -1);
  sb_pair_turn (1);
  g_assert_cmpuint (sb_connection_get_queued (pair->connection), ==, 0);
  g_assert_cmpuint (sb_connection_get_written (pair->connection), ==, 3);
  sb_pair_assert_peer_reads (pair, "abc");
}

static gboolean
never_ends (gpointer count)
{
  return ++*(guint *) count < 1000;
}

static void
writes_while_others_keep_the_loop_busy (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  guint count = 0;

  g_idle_add_full (G_PRIORITY_DEFAULT, never_ends, &count, NULL);
  sb_pair_write_text (pair, "a");
  sb_pair_turn (1);
  g_assert_cmpuint (sb_connection_get_queued (pair->connection), ==, 0);
  sb_pair_assert_peer_reads (pair, "a");
  sb_test_settle ();
}

static void
writes_a_full_buffer_at_once (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  static const char block[40 * 1024];
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (sb_pair_try_write (pair, block, sizeof block, &error), ==, sizeof block);
  g_assert_cmpuint (sb_connection_get_queued (pair->connection), ==, sizeof block);
  g_assert_cmpint (sb_pair_try_write (pair, block, sizeof block, &error), ==, sizeof block);
  g_assert_cmpuint (sb_connection_get_queued (pair->connection), ==, 0);
  sb_pair_drain (pair, 2 * sizeof block);
}

/* A stream of bytes of which each depends on its place. */
static guint8
byte_at (gsize place)
{
  return (place * 2654435761u) >> 13;
}

typedef struct
{
  SbPair *pair;
  gsize size;
  gsize written;
} Writer;

static gboolean
write_on (GObject *stream, gpointer user_data)
{
  Writer *writer = user_data;
  guint8 block[7001];
  gssize n;

  while (writer->written < writer->size)
    {
      gsize length = MIN (sizeof block, writer->size - writer->written);

      for (gsize i = 0; i < length; i++)
        block[i] = byte_at (writer->written + i);
      n = sb_pair_try_write (writer->pair, block, length, NULL);
      g_assert_cmpuint (sb_connection_get_queued (writer->pair->connection), <=,
                        SB_CONNECTION_BUFFER_MAX);
      if (n < 0)
        return G_SOURCE_CONTINUE;
      writer->written += n;
    }
  return G_SOURCE_REMOVE;
}

static void
ten_megabytes_arrive_in_order_at_a_slow_reader (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  Writer writer = { pair, 10 * 1000 * 1000, 0 };
  g_autoptr (GSource) source = NULL;
  guint8 buffer[3001];

  sb_pair_shrink_kernel_buffers (pair);
  source = g_pollable_output_stream_create_source (G_POLLABLE_OUTPUT_STREAM (pair->output), NULL);
  g_source_set_callback (source, G_SOURCE_FUNC (write_on), &writer, NULL);
  g_source_attach (source, NULL);
  for (gsize got = 0; got < writer.size;)
    {
      gssize n = sb_pair_peer_read (pair, buffer, sizeof buffer);

      g_assert_cmpint (n, !=, 0);
      for (gssize i = 0; i < n; i++)
        if (buffer[i] != byte_at (got + i))
          g_error ("byte %" G_GSIZE_FORMAT " is wrong", got + i);
      got += MAX (n, 0);
      g_main_context_iteration (NULL, FALSE);
    }
  g_assert_cmpuint (sb_connection_get_written (pair->connection), ==, writer.size);
}

static void
a_writer_waits_from_the_bound_down_to_half (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  guint fired = 0;
  GSource *source;

  sb_pair_fill (pair);
  g_assert_cmpuint (sb_connection_get_queued (pair->connection), ==, SB_CONNECTION_BUFFER_MAX);
  source = sb_pair_watch_output (pair, &fired);
  while (sb_connection_get_queued (pair->connection) > SB_CONNECTION_BUFFER_MAX / 2)
    {
      g_assert_cmpuint (fired, ==, 0);
      g_assert_false (
          g_pollable_output_stream_is_writable (G_POLLABLE_OUTPUT_STREAM (pair->output)));
      sb_pair_drain (pair, 1000);
    }
  sb_test_wait_count (&fired, 1, "the output source");
  sb_pair_unwatch (source);
}

static void
tells_when_a_lot_has_drained (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  guint drained = 0;
  gsize total;

  sb_connection_set_drained_func (pair->connection, sb_pair_on_event, &drained);
  total = sb_pair_fill (pair);
  sb_pair_drain (pair, total - 1);
  sb_pair_drain (pair, 1);
  sb_test_settle ();
  g_assert_cmpuint (drained, ==, 1);
}

static void
does_not_tell_when_little_has_drained (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  guint drained = 0;

  sb_connection_set_drained_func (pair->connection, sb_pair_on_event, &drained);
  sb_pair_write_text (pair, "little");
  sb_test_settle ();
  g_assert_cmpuint (drained, ==, 0);
}

static void
tells_of_draining_from_the_loop_only (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  static const char block[2 * SB_CONNECTION_DRAIN_MARK];
  guint drained = 0;

  sb_connection_set_drained_func (pair->connection, sb_pair_on_event, &drained);
  sb_pair_write_text (pair, "a");
  g_assert_cmpint (sb_pair_try_write (pair, block, sizeof block, NULL), ==, sizeof block);
  g_assert_cmpuint (sb_connection_get_queued (pair->connection), ==, 0);
  g_assert_cmpuint (drained, ==, 0);
  sb_test_settle ();
  g_assert_cmpuint (drained, ==, 1);
}

static void
an_asynchronous_flush_waits_for_the_socket (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  gsize total = sb_pair_fill (pair);
  gboolean done = FALSE;

  g_output_stream_flush_async (pair->output, G_PRIORITY_DEFAULT, NULL, sb_pair_on_done, &done);
  sb_test_settle ();
  g_assert_false (done);
  sb_pair_drain (pair, total);
  sb_test_wait_flag (&done, "the flush");
}

static void
a_synchronous_flush_does_not_wait (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  g_autoptr (GError) error = NULL;

  sb_pair_fill (pair);
  g_assert_true (g_output_stream_flush (pair->output, NULL, &error));
  g_assert_no_error (error);
}

static gpointer
write_in_thread (gpointer user_data)
{
  SbPair *pair = user_data;
  static const char block[600 * 1024];
  g_autoptr (GError) error = NULL;
  gsize written;

  g_assert_true (
      g_output_stream_write_all (pair->output, block, sizeof block, &written, NULL, &error));
  g_assert_no_error (error);
  return NULL;
}

static void
another_thread_may_write_and_wait (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  GThread *thread;

  sb_pair_shrink_kernel_buffers (pair);
  thread = g_thread_new ("writer", write_in_thread, pair);
  sb_pair_drain (pair, 600 * 1024);
  g_thread_join (thread);
}

static gpointer
write_in_vain (gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  g_output_stream_write (user_data, "x", 1, NULL, &error);
  g_assert_error (error, SB_ERROR, SB_ERROR_CLOSED);
  return NULL;
}

static void
a_thread_that_waits_is_told_of_the_end (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  GThread *thread;

  sb_pair_fill (pair);
  thread = g_thread_new ("writer", write_in_vain, pair->output);
  while (!g_output_stream_has_pending (pair->output))
    g_thread_yield ();
  sb_pair_turn (10);
  sb_connection_abort (pair->connection, "test");
  sb_test_settle ();
  while (g_output_stream_has_pending (pair->output))
    sb_pair_turn (1);
  g_thread_join (thread);
}

/* --- Who it is ------------------------------------------------------------------------------ */

static void
an_address_looks_the_same_however_it_came (void)
{
  static const char *const cases[][2] = {
    { "192.0.2.7", "192.0.2.7" },
    { "::ffff:192.0.2.7", "192.0.2.7" },
    { "2001:db8::1", "2001:db8::1" },
    { "::1", "::1" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GInetAddress) address = g_inet_address_new_from_string (cases[i][0]);
      g_autofree char *text = sb_connection_format_address (address);

      g_assert_cmpstr (text, ==, cases[i][1]);
    }
}

static void
is_found_by_the_address_it_gave (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  g_autoptr (GSocketAddress) remote = g_object_ref (
      sb_connection_get_remote_address (pair->connection));

  g_assert_cmpstr (sb_connection_get_remote_text (pair->connection), ==, "127.0.0.1");
  g_assert_nonnull (sb_connection_get_local_address (pair->connection));
  g_assert_true (sb_connection_lookup (remote) == pair->connection);
  g_assert_finalize_object (g_steal_pointer (&pair->connection));
  g_assert_null (sb_connection_lookup (remote));
}

static const struct
{
  const char *name;
  void (*func) (void);
} tests[] = {
  { "/connection/output/writes-once-per-turn", writes_once_per_turn },
  { "/connection/output/writes-while-others-keep-the-loop-busy",
    writes_while_others_keep_the_loop_busy },
  { "/connection/output/writes-a-full-buffer-at-once", writes_a_full_buffer_at_once },
  { "/connection/output/ten-megabytes-arrive-in-order-at-a-slow-reader",
    ten_megabytes_arrive_in_order_at_a_slow_reader },
  { "/connection/output/a-writer-waits-from-the-bound-down-to-half",
    a_writer_waits_from_the_bound_down_to_half },
  { "/connection/output/tells-when-a-lot-has-drained", tells_when_a_lot_has_drained },
  { "/connection/output/does-not-tell-when-little-has-drained",
    does_not_tell_when_little_has_drained },
  { "/connection/output/tells-of-draining-from-the-loop-only",
    tells_of_draining_from_the_loop_only },
  { "/connection/output/an-asynchronous-flush-waits-for-the-socket",
    an_asynchronous_flush_waits_for_the_socket },
  { "/connection/output/a-synchronous-flush-does-not-wait", a_synchronous_flush_does_not_wait },
  { "/connection/output/another-thread-may-write-and-wait", another_thread_may_write_and_wait },
  { "/connection/output/a-thread-that-waits-is-told-of-the-end",
    a_thread_that_waits_is_told_of_the_end },
  { "/connection/address/looks-the-same-however-it-came",
    an_address_looks_the_same_however_it_came },
  { "/connection/address/leads-back-to-the-connection", is_found_by_the_address_it_gave },
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

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-connection-end: deadlines, and every way to end. */

#include "connection-pair.h"
#include "sb-error.h"
#include "sb-test.h"

#include <sys/socket.h>

/* --- Deadlines ------------------------------------------------------------------------------ */

static void
each_phase_has_its_deadline (void)
{
  static const struct
  {
    SbConnectionPhase phase;
    guint seconds;
    const char *reason;
  } cases[] = {
    { SB_CONNECTION_PHASE_BODY, 29, NULL },
    { SB_CONNECTION_PHASE_BODY, 31, "body" },
    { SB_CONNECTION_PHASE_HANDLING, 100000, NULL },
    { SB_CONNECTION_PHASE_AUTHENTICATING, 9, NULL },
    { SB_CONNECTION_PHASE_AUTHENTICATING, 11, "authentication" },
    { SB_CONNECTION_PHASE_OPEN, 100000, NULL },
    { SB_CONNECTION_PHASE_HEADERS, 74, NULL },
    { SB_CONNECTION_PHASE_HEADERS, 76, "idle" },
  };
  g_autoptr (SbPair) pair = sb_pair_new ();

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      gint64 now = g_get_monotonic_time ();

      sb_connection_set_phase (pair->connection, cases[i].phase);
      g_assert_cmpstr (
          sb_connection_check (pair->connection, now + cases[i].seconds * G_USEC_PER_SEC), ==,
          cases[i].reason);
    }
}

static void
the_first_request_has_no_time_to_idle (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  gint64 now = g_get_monotonic_time ();

  g_assert_null (sb_connection_check (pair->connection, now + 14 * G_USEC_PER_SEC));
  g_assert_cmpstr (sb_connection_check (pair->connection, now + 16 * G_USEC_PER_SEC), ==,
                   "headers");
}

static void
a_further_request_is_timed_from_its_first_byte (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  gint64 now;
  char buffer[1];

  sb_connection_set_phase (pair->connection, SB_CONNECTION_PHASE_HANDLING);
  sb_connection_set_phase (pair->connection, SB_CONNECTION_PHASE_HEADERS);
  now = g_get_monotonic_time ();
  g_assert_null (sb_connection_check (pair->connection, now + 16 * G_USEC_PER_SEC));
  sb_pair_send_all (pair, "G", 1);
  while (sb_pair_try_read (pair, buffer, 1, NULL) < 0)
    sb_pair_turn (1);
  now = g_get_monotonic_time ();
  g_assert_null (sb_connection_check (pair->connection, now + 14 * G_USEC_PER_SEC));
  g_assert_cmpstr (sb_connection_check (pair->connection, now + 16 * G_USEC_PER_SEC), ==,
                   "headers");
}

static void
a_peer_that_takes_nothing_is_overdue_in_every_phase (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  gint64 now;

  sb_connection_set_phase (pair->connection, SB_CONNECTION_PHASE_OPEN);
  sb_pair_fill (pair);
  now = g_get_monotonic_time ();
  g_assert_null (sb_connection_check (pair->connection, now + 89 * G_USEC_PER_SEC));
  g_assert_cmpstr (sb_connection_check (pair->connection, now + 91 * G_USEC_PER_SEC), ==, "output");
}

/* --- The end -------------------------------------------------------------------------------- */

/* Reads up to the end and returns how much that was; an error fails the test. */
static gsize
read_to_the_end (SbPair *pair)
{
  char buffer[4096];
  gsize total = 0;
  gssize n;

  while ((n = sb_pair_peer_read (pair, buffer, sizeof buffer)) != 0)
    {
      total += MAX (n, 0);
      g_main_context_iteration (NULL, FALSE);
    }
  return total;
}

static void
a_synchronous_close_returns_at_once_and_loses_nothing (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  gsize total = sb_pair_fill (pair);

  g_assert_true (g_io_stream_close (G_IO_STREAM (pair->connection), NULL, NULL));
  g_assert_cmpuint (sb_connection_get_queued (pair->connection), >, 0);
  g_assert_cmpuint (read_to_the_end (pair), ==, total);
}

static void
an_asynchronous_close_waits_for_the_output (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  gsize total = sb_pair_fill (pair);
  gboolean done = FALSE;

  g_io_stream_close_async (G_IO_STREAM (pair->connection), G_PRIORITY_DEFAULT, NULL,
                           sb_pair_on_done, &done);
  sb_test_settle ();
  g_assert_false (done);
  g_assert_cmpuint (read_to_the_end (pair), ==, total);
  sb_test_wait_flag (&done, "the close");
}

static void
a_close_does_not_wait_for_ever (void)
{
  g_autoptr (SbPair) pair = NULL;
  g_autoptr (GError) error = NULL;
  gboolean done = FALSE;
  guint closed = 0;
  char buffer[65536];

  sb_pair_limits.closing = 30 * 1000;
  pair = sb_pair_new ();
  sb_pair_fill (pair);
  sb_connection_set_closed_func (pair->connection, sb_pair_on_event, &closed);
  g_io_stream_close_async (G_IO_STREAM (pair->connection), G_PRIORITY_DEFAULT, NULL,
                           sb_pair_on_done, &done);
  sb_test_wait_flag (&done, "the close");
  sb_test_wait_count (&closed, 1, "the end");
  /* What the peer missed must not look like an end. */
  while (g_socket_receive (pair->peer, buffer, sizeof buffer, NULL, &error) > 0)
    continue;
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
}

static void
an_answer_survives_a_body_that_nobody_read (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  static const char body[100 * 1024];
  char buffer[100];
  gsize total = 0;

  sb_pair_send_all (pair, body, sizeof body);
  while (sb_pair_try_read (pair, buffer, 1, NULL) < 0)
    sb_pair_turn (1);
  sb_pair_write_text (pair, "413");
  g_io_stream_close (G_IO_STREAM (pair->connection), NULL, NULL);
  sb_pair_send_all (pair, body, sizeof body);
  total = read_to_the_end (pair);
  g_assert_cmpuint (total, ==, 3);
}

static void
a_peer_that_sent_nothing_is_left_at_once (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  guint closed = 0;

  sb_connection_set_closed_func (pair->connection, sb_pair_on_event, &closed);
  g_io_stream_close (G_IO_STREAM (pair->connection), NULL, NULL);
  sb_test_settle ();
  g_assert_cmpuint (closed, ==, 1);
}

static void
a_peer_that_stays_is_left_in_the_end (void)
{
  g_autoptr (SbPair) pair = NULL;
  guint closed = 0;
  char byte;

  sb_pair_limits.closing = 30 * 1000;
  pair = sb_pair_new ();
  sb_connection_set_closed_func (pair->connection, sb_pair_on_event, &closed);
  sb_pair_send_all (pair, "G", 1);
  while (sb_pair_try_read (pair, &byte, 1, NULL) < 0)
    sb_pair_turn (1);
  g_io_stream_close (G_IO_STREAM (pair->connection), NULL, NULL);
  sb_test_settle ();
  g_assert_cmpuint (closed, ==, 0);
  sb_test_wait_count (&closed, 1, "the end");
}

static void
the_last_unref_closes (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  guint closed = 0;

  sb_connection_set_closed_func (pair->connection, sb_pair_on_event, &closed);
  sb_pair_write_text (pair, "bye");
  g_assert_finalize_object (g_steal_pointer (&pair->connection));
  g_assert_cmpuint (closed, ==, 1);
  g_assert_cmpuint (read_to_the_end (pair), ==, 3);
}

static void
closing_twice_is_fine (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();

  g_assert_true (g_io_stream_close (G_IO_STREAM (pair->connection), NULL, NULL));
  g_assert_true (g_io_stream_close (G_IO_STREAM (pair->connection), NULL, NULL));
  sb_connection_abort (pair->connection, "test");
  sb_connection_abort (pair->connection, "test");
}

static void
goes_when_the_peer_went_first (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  gsize total;
  guint closed = 0;

  sb_connection_set_closed_func (pair->connection, sb_pair_on_event, &closed);
  sb_pair_hang_up (pair);
  g_assert_null (sb_pair_read_to_the_error (pair, &total));
  g_io_stream_close (G_IO_STREAM (pair->connection), NULL, NULL);
  sb_test_settle ();
  g_assert_cmpuint (closed, ==, 1);
  g_assert_finalize_object (g_steal_pointer (&pair->connection));
}

static void
an_end_within_a_request_is_an_error (void)
{
  static const SbConnectionPhase phases[] = { SB_CONNECTION_PHASE_HEADERS,
                                              SB_CONNECTION_PHASE_BODY };

  for (guint i = 0; i < G_N_ELEMENTS (phases); i++)
    {
      g_autoptr (SbPair) pair = sb_pair_new ();
      g_autoptr (GError) error = NULL;
      gsize total;

      sb_connection_set_phase (pair->connection, phases[i]);
      sb_pair_send_all (pair, "cut off", 7);
      sb_pair_hang_up (pair);
      error = sb_pair_read_to_the_error (pair, &total);
      g_assert_cmpuint (total, ==, 7);
      g_assert_error (error, SB_ERROR, SB_ERROR_CLOSED);
    }
}

static void
an_end_between_two_requests_begins_with_an_empty_line (void)
{
  static const SbConnectionPhase phases[] = { SB_CONNECTION_PHASE_HANDLING,
                                              SB_CONNECTION_PHASE_HEADERS };

  for (guint i = 0; i < G_N_ELEMENTS (phases); i++)
    {
      g_autoptr (SbPair) pair = sb_pair_new ();
      g_autoptr (GError) error = NULL;
      gsize total;

      sb_connection_set_phase (pair->connection, SB_CONNECTION_PHASE_HANDLING);
      sb_connection_set_phase (pair->connection, phases[i]);
      sb_pair_hang_up (pair);
      error = sb_pair_read_to_the_error (pair, &total);
      g_assert_cmpuint (total, ==, 1);
      g_assert_error (error, SB_ERROR, SB_ERROR_CLOSED);
    }
}

static void
goes_when_the_peer_resets (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  static const struct linger hard = { .l_onoff = 1, .l_linger = 0 };
  g_autoptr (GError) error = NULL;
  guint closed = 0;
  gsize total;

  sb_connection_set_closed_func (pair->connection, sb_pair_on_event, &closed);
  setsockopt (g_socket_get_fd (pair->peer), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  sb_pair_hang_up (pair);
  error = sb_pair_read_to_the_error (pair, &total);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  g_io_stream_close (G_IO_STREAM (pair->connection), NULL, NULL);
  sb_test_settle ();
  g_assert_cmpuint (closed, ==, 1);
  g_assert_finalize_object (g_steal_pointer (&pair->connection));
}

static void
an_abort_reaches_reader_and_writer (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  g_autoptr (GError) read_error = NULL;
  g_autoptr (GError) write_error = NULL;
  guint fired = 0, closed = 0;
  char buffer[1];
  GSource *source;

  g_assert_cmpint (sb_pair_try_read (pair, buffer, 1, NULL), ==, -1);
  source = sb_pair_watch_input (pair, &fired);
  sb_connection_set_closed_func (pair->connection, sb_pair_on_event, &closed);
  sb_connection_abort (pair->connection, "test");
  g_assert_cmpuint (closed, ==, 0);
  sb_test_wait_count (&fired, 1, "the reader");
  g_assert_cmpuint (closed, ==, 1);
  g_assert_cmpint (sb_pair_try_read (pair, buffer, 1, &read_error), ==, -1);
  g_assert_error (read_error, SB_ERROR, SB_ERROR_CLOSED);
  g_assert_cmpint (sb_pair_try_write (pair, "x", 1, &write_error), ==, -1);
  g_assert_error (write_error, SB_ERROR, SB_ERROR_CLOSED);
  sb_pair_unwatch (source);
}

static void
streams_and_sources_may_outlive_it (void)
{
  g_autoptr (SbPair) pair = sb_pair_new ();
  g_autoptr (GInputStream) input = g_object_ref (pair->input);
  g_autoptr (GOutputStream) output = g_object_ref (pair->output);
  g_autoptr (GError) error = NULL;
  guint fired = 0;
  char buffer[1];
  GSource *source;

  g_assert_cmpint (sb_pair_try_read (pair, buffer, 1, NULL), ==, -1);
  source = sb_pair_watch_input (pair, &fired);
  g_assert_finalize_object (g_steal_pointer (&pair->connection));
  sb_test_wait_count (&fired, 1, "the orphaned source");
  g_assert_cmpint (sb_pair_try_read (pair, buffer, 1, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_cmpint (sb_pair_try_write (pair, "x", 1, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  sb_pair_unwatch (source);
}

static const struct
{
  const char *name;
  void (*func) (void);
} tests[] = {
  { "/connection/deadlines/each-phase-has-its-own", each_phase_has_its_deadline },
  { "/connection/deadlines/the-first-request-has-no-time-to-idle",
    the_first_request_has_no_time_to_idle },
  { "/connection/deadlines/a-further-request-is-timed-from-its-first-byte",
    a_further_request_is_timed_from_its_first_byte },
  { "/connection/deadlines/a-peer-that-takes-nothing-is-overdue-in-every-phase",
    a_peer_that_takes_nothing_is_overdue_in_every_phase },
  { "/connection/end/a-synchronous-close-returns-at-once-and-loses-nothing",
    a_synchronous_close_returns_at_once_and_loses_nothing },
  { "/connection/end/an-asynchronous-close-waits-for-the-output",
    an_asynchronous_close_waits_for_the_output },
  { "/connection/end/a-close-does-not-wait-for-ever", a_close_does_not_wait_for_ever },
  { "/connection/end/an-answer-survives-a-body-that-nobody-read",
    an_answer_survives_a_body_that_nobody_read },
  { "/connection/end/a-peer-that-sent-nothing-is-left-at-once",
    a_peer_that_sent_nothing_is_left_at_once },
  { "/connection/end/a-peer-that-stays-is-left-in-the-end", a_peer_that_stays_is_left_in_the_end },
  { "/connection/end/the-last-unref-closes", the_last_unref_closes },
  { "/connection/end/closing-twice-is-fine", closing_twice_is_fine },
  { "/connection/end/goes-when-the-peer-went-first", goes_when_the_peer_went_first },
  { "/connection/end/within-a-request-is-an-error", an_end_within_a_request_is_an_error },
  { "/connection/end/between-two-requests-begins-with-an-empty-line",
    an_end_between_two_requests_begins_with_an_empty_line },
  { "/connection/end/goes-when-the-peer-resets", goes_when_the_peer_resets },
  { "/connection/end/an-abort-reaches-reader-and-writer", an_abort_reaches_reader_and_writer },
  { "/connection/end/streams-and-sources-may-outlive-it", streams_and_sources_may_outlive_it },
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

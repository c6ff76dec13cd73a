/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-file-sender: files over a plain connection, and peers that do not take them. */

#include "connection-pair.h"
#include "sb-file-sender.h"
#include "sb-test-log.h"
#include "sb-test.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEBI (1024 * 1024)

typedef struct
{
  SbPair *pair;         /* (owned) */
  SbMetrics *metrics;   /* (owned) */
  SbFileSender *sender; /* (owned) (nullable) */
  gint64 now;           /* monotonic, and far ahead of the clock */
} Fixture;

static Fixture *
fixture_new (void)
{
  Fixture *self = g_new0 (Fixture, 1);
  g_autoptr (GError) error = NULL;

  self->pair = sb_pair_new ();
  sb_connection_set_phase (self->pair->connection, SB_CONNECTION_PHASE_HANDLING);
  self->metrics = sb_metrics_new ();
  self->sender = sb_file_sender_new (self->metrics, &error);
  g_assert_no_error (error);
  return self;
}

static void
fixture_free (Fixture *self)
{
  g_clear_pointer (&self->sender, sb_file_sender_free);
  sb_pair_free (self->pair);
  g_object_unref (self->metrics);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fixture, fixture_free)

/* A file without a name that begins with @text and is @size bytes long. */
static int
make_file (const char *text, gsize size)
{
  int fd = memfd_create ("file", MFD_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (write (fd, text, strlen (text)), ==, strlen (text));
  g_assert_cmpint (ftruncate (fd, (off_t) size), ==, 0);
  return fd;
}

static void
start (Fixture *self, const char *head, gsize length, int fd)
{
  SbSendPlan *plan = sb_send_plan_new ();

  sb_send_plan_add_text (plan, g_strdup (head));
  sb_send_plan_add_range (plan, &(const SbRange) { 0, length });
  sb_file_sender_start (self->sender, self->pair->connection, plan, fd,
                        &(const SbFileLabel) { "the file", "bob", NULL });
}

/* Reads up to the end. Returns: bytes; -1 when the connection was reset */
static gssize
read_to_the_end (Fixture *self, GString *begin)
{
  static char buffer[MEBI];
  gssize total = 0;

  for (;;)
    {
      gssize n = g_socket_receive_with_blocking (self->pair->peer, buffer, sizeof buffer, FALSE,
                                                 NULL, NULL);

      if (n == 0)
        return total;
      if (n > 0 && begin != NULL && begin->len < 100)
        g_string_append_len (begin, buffer, MIN (n, 100));
      total += MAX (n, 0);
      g_main_context_iteration (NULL, FALSE);
    }
}

static void
wait_until_idle (Fixture *self)
{
  while (sb_file_sender_get_length (self->sender) > 0)
    g_main_context_iteration (NULL, TRUE);
}

static const char *
check_after (Fixture *self, guint seconds)
{
  self->now += seconds * G_USEC_PER_SEC;
  return sb_connection_check (self->pair->connection, self->now);
}

/* Lets the sender go on until it waits for the peer, which takes nothing any more. */
static void
wait_until_stuck (Fixture *self)
{
  self->now = g_get_monotonic_time ();
  while (g_strcmp0 (check_after (self, 100), "output") != 0)
    g_main_context_iteration (NULL, FALSE);
  self->now -= 100 * G_USEC_PER_SEC; /* when it was last seen to take something */
}

static void
sends_text_and_file_and_closes (void)
{
  g_autoptr (Fixture) self = fixture_new ();
  g_autoptr (GString) begin = g_string_new (NULL);

  start (self, "head:", 9 * MEBI + 5, make_file ("tail", 9 * MEBI + 5));
  g_assert_cmpuint (sb_file_sender_get_length (self->sender), ==, 1);
  g_assert_cmpint (read_to_the_end (self, begin), ==, 9 * MEBI + 5 + strlen ("head:"));
  g_assert_true (g_str_has_prefix (begin->str, "head:tail"));
  wait_until_idle (self);
  g_assert_cmpuint (sb_connection_get_written (self->pair->connection), ==,
                    9 * MEBI + 5 + strlen ("head:"));
}

static void
sends_behind_what_waits_already (void)
{
  g_autoptr (Fixture) self = fixture_new ();
  g_autoptr (GString) begin = g_string_new (NULL);

  sb_pair_write_text (self->pair, "before:");
  start (self, "head:", 4, make_file ("tail", 4));
  read_to_the_end (self, begin);
  g_assert_cmpstr (begin->str, ==, "before:head:tail");
}

static void
stops_when_the_file_ends_too_early (void)
{
  g_autoptr (Fixture) self = fixture_new ();

  sb_test_log_expect ("the file \"the file\" cannot be read to its end");
  start (self, "head:", 2 * MEBI, make_file ("tail", MEBI));
  g_assert_cmpint (read_to_the_end (self, NULL), ==, MEBI + strlen ("head:"));
  wait_until_idle (self);
  sb_test_log_assert_expected ();
  g_assert_false (sb_connection_is_open (self->pair->connection));
}

static void
cuts_off_a_peer_that_takes_nothing (void)
{
  g_autoptr (Fixture) self = fixture_new ();

  sb_pair_shrink_kernel_buffers (self->pair);
  start (self, "head:", 64 * MEBI, make_file ("tail", 64 * MEBI));
  wait_until_stuck (self);
  g_assert_null (check_after (self, 89));
  g_assert_cmpstr (check_after (self, 2), ==, "output");
  sb_connection_abort (self->pair->connection, "output");
  wait_until_idle (self);
}

/* It takes much less than what would make room in the socket's buffer. */
static void
waits_for_a_peer_that_is_slow (void)
{
  g_autoptr (Fixture) self = fixture_new ();

  start (self, "head:", 64 * MEBI, make_file ("tail", 64 * MEBI));
  wait_until_stuck (self);
  for (guint i = 0; i < 20; i++)
    {
      g_assert_null (check_after (self, 60));
      sb_pair_drain (self->pair, 400000);
    }
}

static void
lets_go_of_a_peer_that_hangs_up (void)
{
  g_autoptr (Fixture) self = fixture_new ();

  start (self, "head:", 64 * MEBI, make_file ("tail", 64 * MEBI));
  wait_until_stuck (self);
  sb_pair_hang_up (self->pair);
  wait_until_idle (self);
}

static void
cuts_off_what_is_under_way_when_it_goes (void)
{
  g_autoptr (Fixture) self = fixture_new ();

  start (self, "head:", 64 * MEBI, make_file ("tail", 64 * MEBI));
  g_clear_pointer (&self->sender, sb_file_sender_free);
  g_assert_false (sb_connection_is_open (self->pair->connection));
}

static void
serves_a_closed_connection_with_nothing (void)
{
  g_autoptr (Fixture) self = fixture_new ();

  sb_connection_abort (self->pair->connection, "test");
  start (self, "head:", 4, make_file ("tail", 4));
  g_assert_cmpuint (sb_file_sender_get_length (self->sender), ==, 0);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  sb_test_log_init ();
  sb_connection_limits_init (&sb_pair_limits);
  g_test_add_func ("/file-sender/sends-text-and-file-and-closes", sends_text_and_file_and_closes);
  g_test_add_func ("/file-sender/sends-behind-what-waits-already", sends_behind_what_waits_already);
  g_test_add_func ("/file-sender/stops-when-the-file-ends-too-early",
                   stops_when_the_file_ends_too_early);
  g_test_add_func ("/file-sender/cuts-off-a-peer-that-takes-nothing",
                   cuts_off_a_peer_that_takes_nothing);
  g_test_add_func ("/file-sender/waits-for-a-peer-that-is-slow", waits_for_a_peer_that_is_slow);
  g_test_add_func ("/file-sender/lets-go-of-a-peer-that-hangs-up", lets_go_of_a_peer_that_hangs_up);
  g_test_add_func ("/file-sender/cuts-off-what-is-under-way-when-it-goes",
                   cuts_off_what_is_under_way_when_it_goes);
  g_test_add_func ("/file-sender/serves-a-closed-connection-with-nothing",
                   serves_a_closed_connection_with_nothing);
  return g_test_run ();
}

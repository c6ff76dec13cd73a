/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-download-faults: files that a client receives over bad networks, onto bad disks. */

#include "sb-test-file.h"
#include "sb-test-mover.h"
#include "sb-test-proxy.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define SIZE (4 * 1024 * 1024 + 7)

typedef struct
{
  SbTestSite *bus;    /* (owned) */
  SbTestProxy *proxy; /* (owned): of files only; messages do not go by it */
  SbTestMover *bob;   /* (owned): connected */
  char *data;         /* (owned): SIZE bytes */
} Rig;

static Rig *
rig_new (void)
{
  Rig *self = g_new0 (Rig, 1);
  guint16 port;

  self->bus = sb_test_site_new ("bus.store=sqlite", NULL);
  port = sb_test_daemon_get_http_port (self->bus->daemon);
  self->proxy = sb_test_proxy_new (port);
  self->bob = sb_test_mover_new (port, "bob");
  sb_test_mover_set_ports (self->bob, sb_test_proxy_get_port (self->proxy), port);
  sb_test_mover_connect (self->bob);
  self->data = sb_test_make_bytes (SIZE, 9);
  return self;
}

static void
rig_free (Rig *self)
{
  sb_test_mover_free (self->bob);
  sb_test_proxy_free (self->proxy);
  sb_test_site_free (self->bus);
  g_free (self->data);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Rig, rig_free)

static char *
put (Rig *rig, const char *id, gsize size)
{
  g_autofree char *json = g_strdup_printf ("{\"_id\":\"%s\",\"to\":\"@bob\",\"message\":1}", id);

  return sb_test_put_file (rig->bus->alice, json, "a.bin", rig->data, size);
}

/* One of SIZE bytes, which is on its way and comes slowly. */
static SbClientTransfer *
put_slowly (Rig *rig)
{
  g_autofree char *path = NULL;

  sb_test_proxy_set_trickle (rig->proxy, SB_TEST_WAY_DOWN, 2048);
  path = put (rig, "doc", SIZE);
  sb_test_mover_wait_transfers (rig->bob, 1);
  sb_test_proxy_wait_bytes (rig->proxy, SB_TEST_WAY_DOWN, 200000);
  return g_ptr_array_index (rig->bob->transfers, 0);
}

static SbClientTransfer *
get_transfer (Rig *rig, guint index)
{
  sb_test_mover_wait_transfers (rig->bob, index + 1);
  return g_ptr_array_index (rig->bob->transfers, index);
}

static void
assert_received_once (Rig *rig)
{
  g_autofree char *names = NULL;

  sb_test_mover_wait_received (rig->bob, 1);
  sb_test_mover_wait_clean (rig->bob);
  sb_test_wait_state (rig->bus->alice, "doc", "bob", "confirmed");
  g_assert_cmpuint (rig->bob->received->len, ==, 1);
  names = sb_test_mover_list (rig->bob);
  g_assert_cmpstr (names, ==, "a.bin");
  sb_test_mover_assert_file (g_ptr_array_index (rig->bob->received, 0), rig->data, SIZE);
}

/* --- The network --- */

static void
test_goes_on_after_cuts (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autofree char *path = NULL;

  sb_test_proxy_cut_often (rig->proxy, SB_TEST_WAY_DOWN, 1, SIZE / 4, 10);
  path = put (rig, "doc", SIZE);
  assert_received_once (rig);
  g_assert_cmpuint (sb_test_proxy_get_n_cuts (rig->proxy), >=, 3);
  /* What had come was not asked for again, but for what was in the sockets when they broke. */
  g_assert_cmpuint (sb_test_proxy_get_bytes (rig->proxy, SB_TEST_WAY_DOWN), <, 3 * SIZE);
}

static void
test_does_not_wait_for_a_dead_connection (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbClientTransfer *transfer = put_slowly (rig);

  sb_test_proxy_stall (rig->proxy, SB_TEST_WAY_DOWN);
  sb_test_mover_wait_state (transfer, SB_CLIENT_TRANSFER_WAITING);
  g_assert_error (sb_client_transfer_get_error (transfer), SB_CLIENT_ERROR,
                  SB_CLIENT_ERROR_TIMED_OUT);
  sb_test_proxy_drop (rig->proxy);
  sb_test_proxy_set_trickle (rig->proxy, SB_TEST_WAY_DOWN, 0);
  sb_test_proxy_unstall (rig->proxy, SB_TEST_WAY_DOWN);
  assert_received_once (rig);
}

static void
test_goes_on_after_the_bus_was_killed (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbClientTransfer *transfer = put_slowly (rig);

  sb_test_daemon_kill (rig->bus->daemon);
  sb_test_mover_wait_state (transfer, SB_CLIENT_TRANSFER_WAITING);
  sb_test_proxy_set_trickle (rig->proxy, SB_TEST_WAY_DOWN, 0);
  sb_test_site_restart (rig->bus);
  assert_received_once (rig);
  g_assert_true (g_ptr_array_index (rig->bob->transfers, 0) == transfer);
}

static void
test_confirms_when_the_bus_is_back (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autofree char *path = NULL;

  sb_test_proxy_cut_after (rig->proxy, SB_TEST_WAY_DOWN, SIZE + 400);
  path = put (rig, "doc", SIZE);
  assert_received_once (rig);
}

static void
test_fails_when_the_file_is_gone (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbClientTransfer *transfer;
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;

  sb_test_proxy_set_accepting (rig->proxy, FALSE);
  path = put (rig, "doc", SIZE);
  transfer = get_transfer (rig, 0);
  sb_test_mover_wait_state (transfer, SB_CLIENT_TRANSFER_WAITING);
  g_assert_cmpuint (sb_test_release (rig->bus->bob, path), ==, 200);
  sb_test_proxy_set_accepting (rig->proxy, TRUE);
  error = sb_test_mover_wait_failed (transfer);
  g_assert_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_NOT_FOUND);
  g_assert_cmpuint (rig->bob->errors->len, ==, 1);
  g_assert_cmpuint (rig->bob->received->len, ==, 0);
  sb_test_mover_assert_clean (rig->bob);
}

/* --- The disk --- */

static char *
find_only (const char *first, ...)
{
  va_list names;
  g_autofree char *folder = NULL;
  g_autoptr (GDir) dir = NULL;

  va_start (names, first);
  folder = g_build_filename_valist (first, &names);
  va_end (names);
  dir = g_dir_open (folder, 0, NULL);
  g_assert_nonnull (dir);
  return g_build_filename (folder, g_dir_read_name (dir), NULL);
}

static char *
find_part (Rig *rig)
{
  return find_only (rig->bob->download_dir, ".simplebus-parts", NULL);
}

static gint64
get_size (const char *path)
{
  struct stat info;

  g_assert_no_errno (stat (path, &info));
  return info.st_size;
}

/* As a machine leaves it that lost its power: of the same length, and full of zeros. */
static void
zero (const char *path)
{
  gsize size = (gsize) get_size (path);
  g_autofree char *zeros = g_malloc0 (size);
  FILE *file = g_fopen (path, "r+");

  g_assert_cmpuint (size, >, 0);
  g_assert_cmpuint (fwrite (zeros, 1, size, file), ==, size);
  g_assert_cmpint (fclose (file), ==, 0);
}

/* The process ends in the middle of a download. */
static void
cut_short (Rig *rig)
{
  put_slowly (rig);
  sb_test_mover_close (rig->bob);
  sb_test_proxy_drop (rig->proxy);
}

static void
resume_without_limit (Rig *rig)
{
  sb_test_proxy_set_trickle (rig->proxy, SB_TEST_WAY_DOWN, 0);
  sb_test_mover_connect (rig->bob);
}

static void
test_goes_on_in_the_next_process (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autofree char *part = NULL;
  guint64 before;
  gint64 had;

  cut_short (rig);
  part = find_part (rig);
  had = get_size (part);
  g_assert_cmpint (had, >, 0);
  before = sb_test_proxy_get_bytes (rig->proxy, SB_TEST_WAY_DOWN);
  resume_without_limit (rig);
  assert_received_once (rig);
  g_assert_cmpuint (sb_test_proxy_get_bytes (rig->proxy, SB_TEST_WAY_DOWN) - before, <,
                    (guint64) (SIZE - had + 10000));
}

static void
test_begins_anew_on_wrong_bytes (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autofree char *part = NULL;

  cut_short (rig);
  part = find_part (rig);
  zero (part);
  resume_without_limit (rig);
  assert_received_once (rig);
  g_assert_cmpuint (rig->bob->errors->len, ==, 0);
}

static void
test_begins_anew_on_a_part_that_is_too_long (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autofree char *part = NULL;
  g_autofree char *longer = g_malloc0 (SIZE + 1);

  cut_short (rig);
  part = find_part (rig);
  g_assert_true (g_file_set_contents (part, longer, SIZE + 1, NULL));
  resume_without_limit (rig);
  assert_received_once (rig);
}

/* What was flushed is known from the state file; of what was not, nothing is asked. */
static void
test_trusts_only_what_was_flushed_before_a_power_cut (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (GKeyFile) state = g_key_file_new ();
  g_autofree char *state_path = NULL;
  g_autofree char *part = NULL;
  guint64 before;

  cut_short (rig);
  part = find_part (rig);
  g_assert_cmpint (get_size (part), >, 50000);
  state_path = find_only (rig->bob->state_dir, "downloads", NULL);
  g_assert_true (g_key_file_load_from_file (state, state_path, G_KEY_FILE_NONE, NULL));
  g_key_file_set_string (state, "transfer", "boot", "another one");
  g_key_file_set_int64 (state, "transfer", "flushed", 40000);
  g_assert_true (g_key_file_save_to_file (state, state_path, NULL));
  before = sb_test_proxy_get_bytes (rig->proxy, SB_TEST_WAY_DOWN);
  resume_without_limit (rig);
  assert_received_once (rig);
  g_assert_cmpuint (sb_test_proxy_get_bytes (rig->proxy, SB_TEST_WAY_DOWN) - before, >,
                    SIZE - 40000);
  g_assert_cmpuint (sb_test_proxy_get_bytes (rig->proxy, SB_TEST_WAY_DOWN) - before, <, SIZE);
}

static void
test_puts_damaged_states_aside (void)
{
  g_autoptr (Rig) rig = rig_new ();
  const char *const damaged[] = { "", "no key file", "[transfer]\nversion=1\n",
                                  "[transfer]\nversion=99\nphase=placed\n",
                                  "[transfer]\nversion=1\nnotice={}\nfolder=/\nphase=fetching\n" };
  g_autofree char *path = NULL;

  sb_test_mover_close (rig->bob);
  for (guint i = 0; i < G_N_ELEMENTS (damaged); i++)
    {
      g_autofree char *name = g_strdup_printf ("%u.transfer", i);
      g_autofree char *file = g_build_filename (rig->bob->state_dir, "downloads", name, NULL);

      g_assert_true (g_file_set_contents (file, damaged[i], -1, NULL));
    }
  path = put (rig, "doc", SIZE);
  sb_test_mover_connect (rig->bob);
  sb_test_mover_wait_errors (rig->bob, G_N_ELEMENTS (damaged));
  for (guint i = 0; i < G_N_ELEMENTS (damaged); i++)
    {
      g_autofree char *name = g_strdup_printf ("%u.transfer.damaged", i);
      g_autofree char *file = g_build_filename (rig->bob->state_dir, "downloads", name, NULL);

      g_assert_error ((GError *) g_ptr_array_index (rig->bob->errors, i), SB_CLIENT_ERROR,
                      SB_CLIENT_ERROR_CORRUPT);
      g_assert_no_errno (g_remove (file));
    }
  assert_received_once (rig);
}

static void
limit_file_size (rlim_t bytes)
{
  struct rlimit limit;

  g_assert_no_errno (getrlimit (RLIMIT_FSIZE, &limit));
  limit.rlim_cur = bytes;
  g_assert_no_errno (setrlimit (RLIMIT_FSIZE, &limit));
}

static void
test_waits_for_room_on_the_disk (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autofree char *path = NULL;
  SbClientTransfer *transfer;
  const GError *error;

  limit_file_size (1024 * 1024);
  path = put (rig, "doc", SIZE);
  transfer = get_transfer (rig, 0);
  sb_test_mover_wait_state (transfer, SB_CLIENT_TRANSFER_WAITING);
  error = sb_client_transfer_get_error (transfer);
  g_assert_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_NO_SPACE);
  g_assert_nonnull (strstr (error->message, rig->bob->download_dir));
  limit_file_size (RLIM_INFINITY);
  assert_received_once (rig);
}

static void
test_waits_for_a_folder_that_can_be_written (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autofree char *path = NULL;
  SbClientTransfer *transfer;

  g_assert_true (g_file_set_contents (rig->bob->download_dir, "in the way", -1, NULL));
  path = put (rig, "doc", SIZE);
  transfer = get_transfer (rig, 0);
  sb_test_mover_wait_state (transfer, SB_CLIENT_TRANSFER_WAITING);
  g_assert_nonnull (
      strstr (sb_client_transfer_get_error (transfer)->message, rig->bob->download_dir));
  g_assert_no_errno (g_remove (rig->bob->download_dir));
  assert_received_once (rig);
}

/* --- A bus that gives something else --- */

typedef struct
{
  GSocketService *service; /* (owned): a thread for each connection */
  const char *data;
  gsize flipped; /* which byte is wrong; more than there are: none */
  int n_fetched; /* atomic */
} Liar;

/* Returns: (transfer full): the first line of a request */
static char *
read_request (GInputStream *input)
{
  g_autoptr (GDataInputStream) lines = g_data_input_stream_new (input);
  char *first = g_data_input_stream_read_line (lines, NULL, NULL, NULL);

  while (TRUE)
    {
      g_autofree char *line = g_data_input_stream_read_line (lines, NULL, NULL, NULL);

      if (line == NULL || *g_strchomp (line) == '\0')
        return first;
    }
}

/* In a thread. Whatever is asked for, it is the whole file. */
static gboolean
answer_cb (GThreadedSocketService *service, GSocketConnection *connection, GObject *source,
           gpointer user_data)
{
  Liar *liar = user_data;
  GOutputStream *output = g_io_stream_get_output_stream (G_IO_STREAM (connection));
  g_autofree char *request = read_request (g_io_stream_get_input_stream (G_IO_STREAM (connection)));
  gboolean is_get = request != NULL && g_str_has_prefix (request, "GET ");
  g_autofree char *copy = g_memdup2 (liar->data, SIZE);

  if (is_get)
    g_atomic_int_inc (&liar->n_fetched);
  if (liar->flipped < SIZE)
    copy[liar->flipped] ^= 1;
  g_output_stream_printf (output, NULL, NULL, NULL,
                          "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n",
                          is_get ? SIZE : 0);
  if (is_get)
    g_output_stream_write_all (output, copy, SIZE, NULL, NULL, NULL);
  g_io_stream_close (G_IO_STREAM (connection), NULL, NULL);
  return TRUE;
}

static guint16
liar_start (Liar *self)
{
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) wanted = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocketAddress) address = NULL;
  g_autoptr (GError) error = NULL;

  self->service = g_threaded_socket_service_new (10);
  g_signal_connect (self->service, "run", G_CALLBACK (answer_cb), self);
  g_socket_listener_add_address (G_SOCKET_LISTENER (self->service), wanted, G_SOCKET_TYPE_STREAM,
                                 G_SOCKET_PROTOCOL_TCP, NULL, &address, &error);
  g_assert_no_error (error);
  return g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address));
}

static void
liar_stop (Liar *self)
{
  g_socket_service_stop (self->service);
  g_socket_listener_close (G_SOCKET_LISTENER (self->service));
  g_clear_object (&self->service);
}

static void
test_gives_up_on_a_file_that_is_always_wrong (void)
{
  g_autoptr (Rig) rig = rig_new ();
  guint16 port = sb_test_daemon_get_http_port (rig->bus->daemon);
  Liar liar = { .data = rig->data, .flipped = SIZE / 2 };
  g_autofree char *path = NULL;
  g_autofree char *names = NULL;
  g_autoptr (GError) error = NULL;

  sb_test_mover_close (rig->bob);
  sb_test_mover_set_ports (rig->bob, liar_start (&liar), port);
  sb_test_mover_connect (rig->bob);
  path = put (rig, "doc", SIZE);
  error = sb_test_mover_wait_failed (get_transfer (rig, 0));
  g_assert_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_CORRUPT);
  g_assert_cmpint (g_atomic_int_get (&liar.n_fetched), ==, 3);
  g_assert_cmpuint (rig->bob->received->len, ==, 0);
  names = sb_test_mover_list (rig->bob);
  g_assert_cmpstr (names, ==, "");
  /* It is still at the bus, and the next process asks for it. */
  sb_test_wait_state (rig->bus->alice, "doc", "bob", "notified");
  sb_test_mover_close (rig->bob);
  liar_stop (&liar);
  sb_test_mover_set_ports (rig->bob, port, port);
  sb_test_mover_connect (rig->bob);
  assert_received_once (rig);
}

/* A byte that is wrong in what was put together of pieces is found, and all of it fetched once
 * more. */
static void
test_mends_what_was_put_together_wrong (void)
{
  g_autoptr (Rig) rig = rig_new ();
  guint16 port = sb_test_daemon_get_http_port (rig->bus->daemon);
  Liar liar = { .data = rig->data, .flipped = SIZE };
  g_autofree char *part = NULL;

  cut_short (rig);
  part = find_part (rig);
  zero (part);
  sb_test_mover_set_ports (rig->bob, liar_start (&liar), port);
  sb_test_mover_connect (rig->bob);
  sb_test_mover_wait_received (rig->bob, 1);
  sb_test_mover_assert_file (g_ptr_array_index (rig->bob->received, 0), rig->data, SIZE);
  sb_test_mover_close (rig->bob);
  liar_stop (&liar);
}

static void
add (const char *name, GTestFunc func)
{
  g_autofree char *path = g_strconcat ("/client/download-faults/", name, NULL);

  g_test_add_func (path, func);
}

int
main (int argc, char **argv)
{
  sb_test_init (&argc, &argv);
  signal (SIGXFSZ, SIG_IGN);
  g_setenv ("SIMPLEBUS_CLIENT_TIMES", "stall=2000", TRUE);
  add ("goes-on-after-cuts", test_goes_on_after_cuts);
  add ("does-not-wait-for-a-dead-connection", test_does_not_wait_for_a_dead_connection);
  add ("goes-on-after-the-bus-was-killed", test_goes_on_after_the_bus_was_killed);
  add ("confirms-when-the-bus-is-back", test_confirms_when_the_bus_is_back);
  add ("fails-when-the-file-is-gone", test_fails_when_the_file_is_gone);
  add ("goes-on-in-the-next-process", test_goes_on_in_the_next_process);
  add ("begins-anew-on-wrong-bytes", test_begins_anew_on_wrong_bytes);
  add ("begins-anew-on-a-part-that-is-too-long", test_begins_anew_on_a_part_that_is_too_long);
  add ("trusts-only-what-was-flushed-before-a-power-cut",
       test_trusts_only_what_was_flushed_before_a_power_cut);
  add ("puts-damaged-states-aside", test_puts_damaged_states_aside);
  add ("waits-for-room-on-the-disk", test_waits_for_room_on_the_disk);
  add ("waits-for-a-folder-that-can-be-written", test_waits_for_a_folder_that_can_be_written);
  add ("gives-up-on-a-file-that-is-always-wrong", test_gives_up_on_a_file_that_is_always_wrong);
  add ("mends-what-was-put-together-wrong", test_mends_what_was_put_together_wrong);
  return g_test_run ();
}

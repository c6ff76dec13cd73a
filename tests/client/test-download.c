/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-download: files that a client receives, on a good day. */

#include "sb-test-file.h"
#include "sb-test-mover.h"
#include "sb-test-proxy.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

typedef struct
{
  SbTestSite *bus;  /* (owned) */
  SbTestMover *bob; /* (owned): connected */
} Rig;

static Rig *
rig_new (void)
{
  Rig *self = g_new0 (Rig, 1);

  self->bus = sb_test_site_new ("bus.store=sqlite", NULL);
  self->bob = sb_test_mover_new (sb_test_daemon_get_http_port (self->bus->daemon), "bob");
  sb_test_mover_connect (self->bob);
  return self;
}

static void
rig_free (Rig *self)
{
  sb_test_mover_free (self->bob);
  sb_test_site_free (self->bus);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Rig, rig_free)

static void
put (Rig *rig, const char *id, const char *name, const char *data, gsize size)
{
  g_autofree char *json = g_strdup_printf ("{\"_id\":\"%s\",\"to\":\"@bob\",\"message\":1}", id);
  g_autofree char *path = sb_test_put_file (rig->bus->alice, json, name, data, size);
}

static const char *
get_received (Rig *rig, guint index)
{
  return g_ptr_array_index (rig->bob->received, index);
}

static SbClientTransfer *
get_transfer (Rig *rig, guint index)
{
  return g_ptr_array_index (rig->bob->transfers, index);
}

/* --- One file --- */

static void
test_receives (gconstpointer user_data)
{
  gsize size = GPOINTER_TO_SIZE (user_data);
  g_autoptr (Rig) rig = rig_new ();
  g_autofree char *data = sb_test_make_bytes (size, 5);
  g_autofree char *names = NULL;

  put (rig, "doc", "Отчёт, май.pdf", data, size);
  sb_test_mover_wait_transfers (rig->bob, 1);
  sb_test_mover_wait_done (get_transfer (rig, 0));
  g_assert_cmpuint (rig->bob->received->len, ==, 1);
  g_assert_cmpstr (sb_client_transfer_get_path (get_transfer (rig, 0)), ==, get_received (rig, 0));
  g_assert_cmpint (sb_client_transfer_get_done (get_transfer (rig, 0)), ==, (gint64) size);
  sb_test_mover_assert_file (get_received (rig, 0), data, size);
  names = sb_test_mover_list (rig->bob);
  g_assert_cmpstr (names, ==, "Отчёт, май.pdf");
  sb_test_wait_state (rig->bus->alice, "doc", "bob", "confirmed");
  sb_test_mover_assert_clean (rig->bob);
  g_assert_cmpuint (rig->bob->errors->len, ==, 0);
}

/* What was received is for whom the program's umask says, as what it writes itself. */
static void
test_has_the_mode_of_other_files (void)
{
  g_autoptr (Rig) rig = rig_new ();
  struct stat info;

  put (rig, "doc", "a.txt", "abc", 3);
  sb_test_mover_wait_received (rig->bob, 1);
  g_assert_no_errno (stat (get_received (rig, 0), &info));
  g_assert_cmpuint (info.st_mode & 0777, ==, 0644);
  g_assert_cmpuint (info.st_nlink, <=, 2);
}

static void
test_receives_what_waited (void)
{
  g_autoptr (Rig) rig = rig_new ();

  sb_test_mover_close (rig->bob);
  put (rig, "one", "a.txt", "abc", 3);
  put (rig, "two", "b.txt", "defg", 4);
  sb_test_mover_connect (rig->bob);
  sb_test_mover_wait_received (rig->bob, 2);
  sb_test_mover_wait_clean (rig->bob);
  sb_test_wait_state (rig->bus->alice, "two", "bob", "confirmed");
}

static void
test_receives_many (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < 150; i++)
    {
      g_autofree char *id = g_strdup_printf ("doc-%u", i);
      g_autofree char *name = g_strdup_printf ("file %u.txt", i);

      put (rig, id, name, id, strlen (id));
    }
  sb_test_mover_wait_received (rig->bob, 150);
  for (guint i = 0; i < 150; i++)
    {
      const char *id = g_ptr_array_index (rig->bob->ids, i);

      g_assert_true (g_hash_table_add (seen, (gpointer) id));
      sb_test_mover_assert_file (get_received (rig, i), id, strlen (id));
    }
  sb_test_mover_wait_clean (rig->bob);
  g_assert_cmpuint (rig->bob->received->len, ==, 150);
}

/* Notices beyond the bound are not confirmed, and come again when there is room. */
static void
test_takes_no_more_than_it_can_hold (void)
{
  g_autoptr (Rig) rig = rig_new ();

  sb_test_mover_close (rig->bob);
  rig->bob->auto_confirm = FALSE;
  g_setenv ("SIMPLEBUS_CLIENT_TIMES", "taken=2", TRUE);
  sb_test_mover_connect (rig->bob);
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *id = g_strdup_printf ("doc-%u", i);

      put (rig, id, "a.txt", id, strlen (id));
    }
  sb_test_mover_wait_received (rig->bob, 2);
  sb_test_wait_state (rig->bus->alice, "doc-1", "bob", "notified");
  sb_test_wait_state (rig->bus->alice, "doc-2", "bob", "sent");
  g_assert_cmpuint (rig->bob->transfers->len, ==, 2);
  sb_client_confirm (rig->bob->client, "doc-0");
  sb_test_wait_state (rig->bus->alice, "doc-0", "bob", "confirmed");
  /* A new session brings it at once, otherwise it takes confirm-timeout. */
  sb_test_mover_close (rig->bob);
  sb_test_mover_connect (rig->bob);
  sb_test_mover_wait_transfers (rig->bob, 4);
  g_unsetenv ("SIMPLEBUS_CLIENT_TIMES");
}

static void
test_makes_other_names_for_clashes (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autofree char *mine = g_build_filename (rig->bob->download_dir, "Invoice.tar.gz", NULL);
  g_autofree char *names = NULL;

  g_assert_no_errno (g_mkdir_with_parents (rig->bob->download_dir, 0700));
  g_assert_true (g_file_set_contents (mine, "mine", 4, NULL));
  for (guint i = 1; i <= 3; i++)
    {
      g_autofree char *id = g_strdup_printf ("doc-%u", i);

      put (rig, id, "Invoice.tar.gz", id, strlen (id));
      sb_test_mover_wait_received (rig->bob, i);
    }
  sb_test_mover_wait_clean (rig->bob);
  names = sb_test_mover_list (rig->bob);
  g_assert_cmpstr (names, ==,
                   "Invoice (2).tar.gz|Invoice (3).tar.gz|Invoice (4).tar.gz|Invoice.tar.gz");
  sb_test_mover_assert_file (mine, "mine", 4);
  sb_test_mover_assert_file (get_received (rig, 2), "doc-3", 5);
}

/* --- Confirming --- */

static void
test_keeps_what_is_not_confirmed (void)
{
  g_autoptr (Rig) rig = rig_new ();

  sb_test_mover_close (rig->bob);
  rig->bob->auto_confirm = FALSE;
  sb_test_mover_connect (rig->bob);
  put (rig, "doc", "a.txt", "abc", 3);
  sb_test_mover_wait_received (rig->bob, 1);
  sb_test_mover_wait_done (get_transfer (rig, 0));
  sb_test_wait_state (rig->bus->alice, "doc", "bob", "notified");
  /* The next process is told again. */
  sb_test_mover_close (rig->bob);
  sb_test_mover_connect (rig->bob);
  sb_test_mover_wait_received (rig->bob, 2);
  g_assert_cmpstr (get_received (rig, 0), ==, get_received (rig, 1));
  sb_client_confirm (rig->bob->client, "doc");
  sb_test_wait_state (rig->bus->alice, "doc", "bob", "confirmed");
  sb_test_mover_wait_clean (rig->bob);
}

/* A program that took the file away and died before it confirmed gets it once more. */
static void
test_fetches_again_what_was_taken_away_unconfirmed (void)
{
  g_autoptr (Rig) rig = rig_new ();

  sb_test_mover_close (rig->bob);
  rig->bob->auto_confirm = FALSE;
  sb_test_mover_connect (rig->bob);
  put (rig, "doc", "a.txt", "abc", 3);
  sb_test_mover_wait_received (rig->bob, 1);
  sb_test_mover_close (rig->bob);
  g_assert_no_errno (g_remove (get_received (rig, 0)));
  sb_test_mover_connect (rig->bob);
  sb_test_mover_wait_received (rig->bob, 2);
  sb_test_mover_assert_file (get_received (rig, 1), "abc", 3);
}

static void
test_can_be_confirmed_before_all_is_loaded (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gboolean ignored;

  sb_test_mover_close (rig->bob);
  rig->bob->auto_confirm = FALSE;
  sb_test_mover_connect (rig->bob);
  put (rig, "doc", "a.txt", "abc", 3);
  sb_test_mover_wait_received (rig->bob, 1);
  sb_test_mover_close (rig->bob);
  sb_test_mover_open (rig->bob);
  sb_client_connect_async (rig->bob->client, NULL, NULL, &ignored);
  sb_client_confirm (rig->bob->client, "doc");
  sb_test_wait_state (rig->bus->alice, "doc", "bob", "confirmed");
  sb_test_mover_wait_clean (rig->bob);
  g_assert_cmpuint (rig->bob->received->len, ==, 1);
}

static void
confirm_cb (SbClient *client, SbClientMessage *message, const char *path, gpointer user_data)
{
  sb_client_confirm (client, sb_client_message_get_id (message));
}

static void
test_can_be_confirmed_in_the_handler (void)
{
  g_autoptr (Rig) rig = rig_new ();

  sb_test_mover_close (rig->bob);
  rig->bob->auto_confirm = FALSE;
  sb_test_mover_connect (rig->bob);
  g_signal_connect (rig->bob->client, "message-download", G_CALLBACK (confirm_cb), NULL);
  put (rig, "doc", "a.txt", "abc", 3);
  sb_test_wait_state (rig->bus->alice, "doc", "bob", "confirmed");
  sb_test_mover_wait_clean (rig->bob);
}

static void
take_away_cb (SbClient *client, SbClientMessage *message, const char *path, gpointer user_data)
{
  g_assert_no_errno (g_remove (path));
}

static void
test_may_be_moved_in_the_handler (void)
{
  g_autoptr (Rig) rig = rig_new ();

  g_signal_connect (rig->bob->client, "message-download", G_CALLBACK (take_away_cb), NULL);
  put (rig, "doc", "a.txt", "abc", 3);
  sb_test_wait_state (rig->bus->alice, "doc", "bob", "confirmed");
  sb_test_mover_wait_clean (rig->bob);
  g_assert_cmpuint (rig->bob->received->len, ==, 1);
}

/* --- Watching and giving up --- */

typedef struct
{
  gint64 done;
  guint n_notified;
  gboolean has_rate;
  gboolean has_time_left;
} Watch;

static void
progress_cb (SbClientTransfer *transfer, GParamSpec *pspec, gpointer user_data)
{
  Watch *watch = user_data;
  gint64 done = sb_client_transfer_get_done (transfer);

  g_assert_cmpint (done, >=, watch->done);
  g_assert_cmpint (done, <=, sb_client_transfer_get_size (transfer));
  watch->done = done;
  watch->n_notified++;
  watch->has_rate |= sb_client_transfer_get_rate (transfer) > 0;
  watch->has_time_left |= sb_client_transfer_get_time_left (transfer) > 0;
}

static void
test_tells_how_far_it_is (void)
{
  const gsize size = 4 * 1024 * 1024;
  g_autoptr (Rig) rig = rig_new ();
  guint16 port = sb_test_daemon_get_http_port (rig->bus->daemon);
  g_autoptr (SbTestProxy) proxy = sb_test_proxy_new (port);
  g_autofree char *data = sb_test_make_bytes (size, 5);
  Watch watch = { 0 };

  sb_test_mover_close (rig->bob);
  sb_test_proxy_set_trickle (proxy, SB_TEST_WAY_DOWN, 16 * 1024);
  sb_test_mover_set_ports (rig->bob, sb_test_proxy_get_port (proxy), port);
  sb_test_mover_connect (rig->bob);
  put (rig, "doc", "a.bin", data, size);
  sb_test_mover_wait_transfers (rig->bob, 1);
  g_signal_connect (get_transfer (rig, 0), "notify::done", G_CALLBACK (progress_cb), &watch);
  sb_test_mover_wait_done (get_transfer (rig, 0));
  g_assert_cmpint (watch.done, ==, (gint64) size);
  g_assert_cmpuint (watch.n_notified, >, 2);
  g_assert_true (watch.has_rate);
  g_assert_true (watch.has_time_left);
  g_assert_cmpfloat (sb_client_transfer_get_rate (get_transfer (rig, 0)), ==, 0);
  sb_test_mover_close (rig->bob);
}

static void
test_leaves_nothing_when_cancelled (void)
{
  const gsize size = 4 * 1024 * 1024;
  g_autoptr (Rig) rig = rig_new ();
  guint16 port = sb_test_daemon_get_http_port (rig->bus->daemon);
  g_autoptr (SbTestProxy) proxy = sb_test_proxy_new (port);
  g_autofree char *data = sb_test_make_bytes (size, 5);
  g_autoptr (GError) error = NULL;
  g_autofree char *names = NULL;

  sb_test_mover_close (rig->bob);
  sb_test_mover_set_ports (rig->bob, sb_test_proxy_get_port (proxy), port);
  sb_test_mover_connect (rig->bob);
  sb_test_proxy_set_trickle (proxy, SB_TEST_WAY_DOWN, 1024);
  put (rig, "doc", "a.bin", data, size);
  sb_test_proxy_wait_bytes (proxy, SB_TEST_WAY_DOWN, 100000);
  sb_client_transfer_cancel (get_transfer (rig, 0));
  error = sb_test_mover_wait_failed (get_transfer (rig, 0));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (sb_client_transfer_get_state (get_transfer (rig, 0)), ==,
                   SB_CLIENT_TRANSFER_CANCELLED);
  sb_test_mover_assert_clean (rig->bob);
  names = sb_test_mover_list (rig->bob);
  g_assert_cmpstr (names, ==, "");
  /* It stays at the bus. */
  sb_test_wait_state (rig->bus->alice, "doc", "bob", "notified");
  sb_test_mover_close (rig->bob);
}

/* More of them than are fetched at once: those that wait can be given up as well. */
static void
test_can_be_cancelled_in_the_queue (void)
{
  g_autoptr (Rig) rig = rig_new ();
  guint16 port = sb_test_daemon_get_http_port (rig->bus->daemon);
  g_autoptr (SbTestProxy) proxy = sb_test_proxy_new (port);

  sb_test_mover_close (rig->bob);
  sb_test_mover_set_ports (rig->bob, sb_test_proxy_get_port (proxy), port);
  sb_test_mover_connect (rig->bob);
  sb_test_proxy_stall (proxy, SB_TEST_WAY_DOWN);
  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *id = g_strdup_printf ("doc-%u", i);

      put (rig, id, "a.txt", "abc", 3);
    }
  sb_test_mover_wait_transfers (rig->bob, 5);
  sb_test_mover_wait_state (get_transfer (rig, 2), SB_CLIENT_TRANSFER_RUNNING);
  g_assert_cmpint (sb_client_transfer_get_state (get_transfer (rig, 4)), ==,
                   SB_CLIENT_TRANSFER_QUEUED);
  sb_client_transfer_cancel (get_transfer (rig, 4));
  sb_test_mover_wait_state (get_transfer (rig, 4), SB_CLIENT_TRANSFER_CANCELLED);
  sb_test_proxy_unstall (proxy, SB_TEST_WAY_DOWN);
  sb_test_mover_wait_received (rig->bob, 4);
  sb_test_mover_wait_clean (rig->bob);
  sb_test_mover_close (rig->bob);
}

typedef struct
{
  gboolean is_done;
  GError *error;
} Waiting;

static void
waited_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Waiting *waiting = user_data;

  sb_client_transfer_wait_finish (SB_CLIENT_TRANSFER (source), result, &waiting->error);
  waiting->is_done = TRUE;
}

static void
test_waiting_can_be_given_up (void)
{
  g_autoptr (Rig) rig = rig_new ();
  guint16 port = sb_test_daemon_get_http_port (rig->bus->daemon);
  g_autoptr (SbTestProxy) proxy = sb_test_proxy_new (port);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Waiting waiting = { 0 };

  sb_test_mover_close (rig->bob);
  sb_test_mover_set_ports (rig->bob, sb_test_proxy_get_port (proxy), port);
  sb_test_mover_connect (rig->bob);
  sb_test_proxy_stall (proxy, SB_TEST_WAY_DOWN);
  put (rig, "doc", "a.txt", "abc", 3);
  sb_test_mover_wait_transfers (rig->bob, 1);
  sb_client_transfer_wait_async (get_transfer (rig, 0), cancellable, waited_cb, &waiting);
  g_cancellable_cancel (cancellable);
  sb_test_wait_flag (&waiting.is_done, "the end of the waiting");
  g_assert_error (waiting.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_false (sb_client_transfer_is_ended (get_transfer (rig, 0)));
  g_clear_error (&waiting.error);
  sb_test_proxy_unstall (proxy, SB_TEST_WAY_DOWN);
  sb_test_mover_wait_done (get_transfer (rig, 0));
  sb_test_mover_close (rig->bob);
}

/* A client that is let go of without being closed ends at once, and what it had goes on later. */
static void
test_outlives_a_client_that_is_dropped (void)
{
  const gsize size = 4 * 1024 * 1024;
  g_autoptr (Rig) rig = rig_new ();
  guint16 port = sb_test_daemon_get_http_port (rig->bus->daemon);
  g_autoptr (SbTestProxy) proxy = sb_test_proxy_new (port);
  g_autofree char *data = sb_test_make_bytes (size, 5);

  sb_test_mover_close (rig->bob);
  sb_test_mover_set_ports (rig->bob, sb_test_proxy_get_port (proxy), port);
  sb_test_mover_connect (rig->bob);
  sb_test_proxy_set_trickle (proxy, SB_TEST_WAY_DOWN, 4096);
  put (rig, "doc", "a.bin", data, size);
  sb_test_proxy_wait_bytes (proxy, SB_TEST_WAY_DOWN, 200000);
  g_assert_finalize_object (g_steal_pointer (&rig->bob->client));
  sb_test_proxy_set_trickle (proxy, SB_TEST_WAY_DOWN, 0);
  sb_test_mover_connect (rig->bob);
  sb_test_mover_wait_received (rig->bob, 1);
  sb_test_mover_assert_file (get_received (rig, 0), data, size);
  sb_test_mover_close (rig->bob);
}

static void
add (const char *name, GTestFunc func)
{
  g_autofree char *path = g_strconcat ("/client/download/", name, NULL);

  g_test_add_func (path, func);
}

int
main (int argc, char **argv)
{
  sb_test_init (&argc, &argv);
  umask (022);
  g_test_add_data_func ("/client/download/receives-an-empty-file", GSIZE_TO_POINTER (0),
                        test_receives);
  g_test_add_data_func ("/client/download/receives-a-small-file", GSIZE_TO_POINTER (1000),
                        test_receives);
  g_test_add_data_func ("/client/download/receives-a-large-file",
                        GSIZE_TO_POINTER (64 * 1024 * 1024 + 1), test_receives);
  add ("has-the-mode-of-other-files", test_has_the_mode_of_other_files);
  add ("receives-what-waited", test_receives_what_waited);
  add ("receives-many", test_receives_many);
  add ("takes-no-more-than-it-can-hold", test_takes_no_more_than_it_can_hold);
  add ("makes-other-names-for-clashes", test_makes_other_names_for_clashes);
  add ("keeps-what-is-not-confirmed", test_keeps_what_is_not_confirmed);
  add ("fetches-again-what-was-taken-away-unconfirmed",
       test_fetches_again_what_was_taken_away_unconfirmed);
  add ("can-be-confirmed-before-all-is-loaded", test_can_be_confirmed_before_all_is_loaded);
  add ("can-be-confirmed-in-the-handler", test_can_be_confirmed_in_the_handler);
  add ("may-be-moved-in-the-handler", test_may_be_moved_in_the_handler);
  add ("tells-how-far-it-is", test_tells_how_far_it_is);
  add ("leaves-nothing-when-cancelled", test_leaves_nothing_when_cancelled);
  add ("can-be-cancelled-in-the-queue", test_can_be_cancelled_in_the_queue);
  add ("waiting-can-be-given-up", test_waiting_can_be_given_up);
  add ("outlives-a-client-that-is-dropped", test_outlives_a_client_that_is_dropped);
  return g_test_run ();
}

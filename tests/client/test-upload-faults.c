/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-upload-faults: files that a client sends over bad networks, to a bus that is restarted. */

#include "sb-test-file.h"
#include "sb-test-mover.h"
#include "sb-test-proxy.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define SIZE (4 * 1024 * 1024 + 7)

typedef struct
{
  SbTestSite *bus;    /* (owned) */
  SbTestProxy *proxy; /* (owned) */
  SbTestMover *alice; /* (owned): open */
  char *data;         /* (owned): SIZE bytes */
  char *path;         /* (owned): of a file with them */
} Rig;

static Rig *
rig_new (const char *setting)
{
  Rig *self = g_new0 (Rig, 1);

  self->bus = sb_test_site_new ("bus.store=sqlite", setting, NULL);
  self->proxy = sb_test_proxy_new (sb_test_daemon_get_http_port (self->bus->daemon));
  self->alice = sb_test_mover_new (sb_test_proxy_get_port (self->proxy), "alice");
  sb_test_mover_open (self->alice);
  self->data = sb_test_make_bytes (SIZE, 9);
  self->path = sb_test_mover_write (self->alice, "a.bin", self->data, SIZE);
  return self;
}

static void
rig_free (Rig *self)
{
  sb_test_mover_free (self->alice);
  sb_test_proxy_free (self->proxy);
  sb_test_site_free (self->bus);
  g_free (self->data);
  g_free (self->path);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Rig, rig_free)

static SbClientTransfer *
send_slowly (Rig *rig)
{
  SbClientTransfer *transfer;

  sb_test_proxy_set_trickle (rig->proxy, SB_TEST_WAY_UP, 2048);
  transfer = sb_test_mover_send (rig->alice, "@bob", "doc", rig->path);
  sb_test_proxy_wait_bytes (rig->proxy, SB_TEST_WAY_UP, 200000);
  return transfer;
}

/* The same of one that no sockets hold. */
static SbClientTransfer *
send_large_slowly (Rig *rig)
{
  g_assert_no_errno (truncate (rig->path, 64 * 1024 * 1024));
  return send_slowly (rig);
}

/* Bob gets it once, with the right bytes. */
static void
assert_sent_once (Rig *rig, SbClientTransfer *transfer)
{
  g_autoptr (SbTestAnswer) answer = NULL;
  g_autofree char *path = NULL;
  g_autoptr (SbTestAnswer) file = NULL;
  JsonArray *messages;

  sb_test_mover_wait_done (transfer);
  answer = sb_test_http_get (rig->bus->bob, "/get");
  messages = json_node_get_array (answer->json);
  g_assert_cmpuint (json_array_get_length (messages), ==, 1);
  path = g_strconcat ("/download/",
                      sb_test_json_string (json_array_get_object_element (messages, 0), "filename"),
                      NULL);
  file = sb_test_download (rig->bus->bob, path, NULL);
  g_assert_cmpuint (file->length, ==, SIZE);
  g_assert_true (memcmp (file->body, rig->data, SIZE) == 0);
  sb_test_mover_assert_clean (rig->alice);
}

static void
test_goes_on_after_cuts (void)
{
  g_autoptr (Rig) rig = rig_new (NULL);
  g_autoptr (SbClientTransfer) transfer = NULL;

  sb_test_proxy_cut_often (rig->proxy, SB_TEST_WAY_UP, 1, SIZE / 4, 10);
  transfer = sb_test_mover_send (rig->alice, "@bob", "doc", rig->path);
  assert_sent_once (rig, transfer);
  g_assert_cmpuint (sb_test_proxy_get_n_cuts (rig->proxy), >=, 3);
}

/* Cut while the bus answers: whatever was lost, the message is there once. */
static void
test_survives_lost_answers (void)
{
  for (guint at = 100; at < 1200; at += 100)
    {
      g_autoptr (Rig) rig = rig_new (NULL);
      g_autoptr (SbClientTransfer) transfer = NULL;

      sb_test_proxy_cut_after (rig->proxy, SB_TEST_WAY_DOWN, at);
      transfer = sb_test_mover_send (rig->alice, "@bob", "doc", rig->path);
      assert_sent_once (rig, transfer);
    }
}

static void
test_does_not_wait_for_a_dead_connection (void)
{
  g_autoptr (Rig) rig = rig_new (NULL);
  g_autoptr (SbClientTransfer) transfer = send_slowly (rig);

  sb_test_proxy_stall (rig->proxy, SB_TEST_WAY_UP);
  sb_test_mover_wait_state (transfer, SB_CLIENT_TRANSFER_WAITING);
  g_assert_error (sb_client_transfer_get_error (transfer), SB_CLIENT_ERROR,
                  SB_CLIENT_ERROR_TIMED_OUT);
  sb_test_proxy_drop (rig->proxy);
  sb_test_proxy_set_trickle (rig->proxy, SB_TEST_WAY_UP, 0);
  sb_test_proxy_unstall (rig->proxy, SB_TEST_WAY_UP);
  assert_sent_once (rig, transfer);
}

static void
test_goes_on_after_the_bus_was_killed (void)
{
  g_autoptr (Rig) rig = rig_new (NULL);
  g_autoptr (SbClientTransfer) transfer = send_slowly (rig);

  sb_test_daemon_kill (rig->bus->daemon);
  sb_test_mover_wait_state (transfer, SB_CLIENT_TRANSFER_WAITING);
  sb_test_proxy_set_trickle (rig->proxy, SB_TEST_WAY_UP, 0);
  sb_test_site_restart (rig->bus);
  assert_sent_once (rig, transfer);
}

static void
test_begins_anew_when_the_bus_has_forgotten_it (void)
{
  g_autoptr (Rig) rig = rig_new (NULL);
  g_autoptr (SbClientTransfer) transfer = send_slowly (rig);
  g_autofree char *uploads = NULL;

  sb_test_daemon_kill (rig->bus->daemon);
  sb_test_mover_wait_state (transfer, SB_CLIENT_TRANSFER_WAITING);
  uploads = g_build_filename (sb_test_daemon_get_data_dir (rig->bus->daemon), "files", "uploads",
                              NULL);
  sb_test_remove_dir (g_strdup (uploads));
  sb_test_proxy_set_trickle (rig->proxy, SB_TEST_WAY_UP, 0);
  sb_test_site_restart (rig->bus);
  assert_sent_once (rig, transfer);
}

/* What was refused for a while is sent when that is over. */
static void
test_waits_for_a_full_bus (void)
{
  g_autoptr (Rig) rig = rig_new ("bus.max-queue=1");
  g_autofree char *first = sb_test_put (rig->bus->carol,
                                        "{\"_id\":\"first\",\"to\":\"@bob\",\"message\":1}");
  g_autoptr (SbClientTransfer) transfer = NULL;

  transfer = sb_test_mover_send (rig->alice, "@bob", "doc", rig->path);
  sb_test_mover_wait_state (transfer, SB_CLIENT_TRANSFER_WAITING);
  g_assert_error (sb_client_transfer_get_error (transfer), SB_CLIENT_ERROR, SB_CLIENT_ERROR_BUSY);
  g_assert_cmpuint (rig->alice->errors->len, ==, 0);
  {
    g_autoptr (SbTestAnswer) taken = sb_test_http_get (rig->bus->bob, "/get");
    g_autoptr (SbTestAnswer) confirmed = sb_test_http_post (rig->bus->bob, "/confirm",
                                                            "[\"first\"]");

    sb_test_assert_status (confirmed, 200);
  }
  assert_sent_once (rig, transfer);
}

static void
test_fails_when_the_file_was_changed (void)
{
  g_autoptr (Rig) rig = rig_new (NULL);
  g_autoptr (SbClientTransfer) transfer = send_large_slowly (rig);
  FILE *file = g_fopen (rig->path, "r+");
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (fwrite ("changed", 1, 7, file), ==, 7);
  fclose (file);
  sb_test_proxy_set_trickle (rig->proxy, SB_TEST_WAY_UP, 0);
  error = sb_test_mover_wait_failed (transfer);
  g_assert_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, rig->path));
  sb_test_mover_assert_clean (rig->alice);
  /* Nothing of it is left at the bus. */
  sb_test_wait_files (rig->bus->daemon, 0);
}

static void
test_fails_when_the_file_got_shorter (void)
{
  g_autoptr (Rig) rig = rig_new (NULL);
  g_autoptr (SbClientTransfer) transfer = send_large_slowly (rig);
  g_autoptr (GError) error = NULL;

  g_assert_no_errno (truncate (rig->path, 5));
  sb_test_proxy_set_trickle (rig->proxy, SB_TEST_WAY_UP, 0);
  error = sb_test_mover_wait_failed (transfer);
  g_assert_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_INVALID);
  sb_test_wait_files (rig->bus->daemon, 0);
}

static void
test_fails_when_the_file_is_gone (void)
{
  g_autoptr (Rig) rig = rig_new (NULL);
  g_autoptr (SbClientTransfer) transfer = NULL;
  g_autoptr (GError) error = NULL;

  sb_test_proxy_set_accepting (rig->proxy, FALSE);
  transfer = sb_test_mover_send (rig->alice, "@bob", "doc", rig->path);
  sb_test_mover_wait_state (transfer, SB_CLIENT_TRANSFER_WAITING);
  g_assert_no_errno (g_remove (rig->path));
  sb_test_proxy_set_accepting (rig->proxy, TRUE);
  error = sb_test_mover_wait_failed (transfer);
  g_assert_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_NOT_FOUND);
  sb_test_mover_assert_clean (rig->alice);
}

static void
test_leaves_nothing_at_the_bus_when_cancelled (void)
{
  g_autoptr (Rig) rig = rig_new (NULL);
  g_autoptr (SbClientTransfer) transfer = send_slowly (rig);
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (sb_test_count_files (rig->bus->daemon), >, 0);
  sb_test_proxy_set_trickle (rig->proxy, SB_TEST_WAY_UP, 0);
  sb_client_transfer_cancel (transfer);
  error = sb_test_mover_wait_failed (transfer);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  sb_test_mover_assert_clean (rig->alice);
  sb_test_wait_files (rig->bus->daemon, 0);
}

/* Two are sent at once; the third waits for one of them, and can be given up meanwhile. */
static void
test_sends_two_at_once (void)
{
  g_autoptr (Rig) rig = rig_new (NULL);
  g_autoptr (SbClientTransfer) first = NULL;
  g_autoptr (SbClientTransfer) second = NULL;
  g_autoptr (SbClientTransfer) third = NULL;
  g_autoptr (SbClientTransfer) fourth = NULL;

  sb_test_proxy_stall (rig->proxy, SB_TEST_WAY_UP);
  first = sb_test_mover_send (rig->alice, "@bob", "1", rig->path);
  second = sb_test_mover_send (rig->alice, "@bob", "2", rig->path);
  third = sb_test_mover_send (rig->alice, "@bob", "3", rig->path);
  fourth = sb_test_mover_send (rig->alice, "@bob", "4", rig->path);
  g_assert_cmpint (sb_client_transfer_get_state (first), ==, SB_CLIENT_TRANSFER_RUNNING);
  g_assert_cmpint (sb_client_transfer_get_state (second), ==, SB_CLIENT_TRANSFER_RUNNING);
  g_assert_cmpint (sb_client_transfer_get_state (third), ==, SB_CLIENT_TRANSFER_QUEUED);
  sb_client_transfer_cancel (third);
  sb_test_mover_wait_state (third, SB_CLIENT_TRANSFER_CANCELLED);
  sb_test_proxy_unstall (rig->proxy, SB_TEST_WAY_UP);
  sb_test_mover_wait_done (first);
  sb_test_mover_wait_done (second);
  sb_test_mover_wait_done (fourth);
  sb_test_mover_assert_clean (rig->alice);
}

static void
test_puts_damaged_states_aside (void)
{
  g_autoptr (Rig) rig = rig_new (NULL);
  const char *const damaged[] = { "", "[transfer]\nversion=1\n", "[transfer]\nversion=99\n",
                                  "[transfer]\nversion=1\nid=x\nmessage={}\nname=x\npath=x\n" };
  g_autofree char *folder = g_build_filename (rig->alice->state_dir, "uploads", NULL);
  g_autoptr (SbClientTransfer) transfer = NULL;

  g_assert_no_errno (g_mkdir_with_parents (folder, 0700));
  for (guint i = 0; i < G_N_ELEMENTS (damaged); i++)
    {
      g_autofree char *file = g_strdup_printf ("%s/%u.transfer", folder, i);

      g_assert_true (g_file_set_contents (file, damaged[i], -1, NULL));
    }
  transfer = sb_test_mover_send (rig->alice, "@bob", "doc", rig->path);
  sb_test_mover_wait_errors (rig->alice, G_N_ELEMENTS (damaged));
  for (guint i = 0; i < G_N_ELEMENTS (damaged); i++)
    {
      g_autofree char *file = g_strdup_printf ("%s/%u.transfer.damaged", folder, i);

      g_assert_no_errno (g_remove (file));
    }
  assert_sent_once (rig, transfer);
}

static void
add (const char *name, GTestFunc func)
{
  g_autofree char *path = g_strconcat ("/client/upload-faults/", name, NULL);

  g_test_add_func (path, func);
}

int
main (int argc, char **argv)
{
  sb_test_init (&argc, &argv);
  g_setenv ("SIMPLEBUS_CLIENT_TIMES", "stall=2000", TRUE);
  add ("goes-on-after-cuts", test_goes_on_after_cuts);
  add ("survives-lost-answers", test_survives_lost_answers);
  add ("does-not-wait-for-a-dead-connection", test_does_not_wait_for_a_dead_connection);
  add ("goes-on-after-the-bus-was-killed", test_goes_on_after_the_bus_was_killed);
  add ("begins-anew-when-the-bus-has-forgotten-it", test_begins_anew_when_the_bus_has_forgotten_it);
  add ("waits-for-a-full-bus", test_waits_for_a_full_bus);
  add ("fails-when-the-file-was-changed", test_fails_when_the_file_was_changed);
  add ("fails-when-the-file-got-shorter", test_fails_when_the_file_got_shorter);
  add ("fails-when-the-file-is-gone", test_fails_when_the_file_is_gone);
  add ("leaves-nothing-at-the-bus-when-cancelled", test_leaves_nothing_at_the_bus_when_cancelled);
  add ("sends-two-at-once", test_sends_two_at_once);
  add ("puts-damaged-states-aside", test_puts_damaged_states_aside);
  return g_test_run ();
}

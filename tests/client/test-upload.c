/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-upload: files that a client sends, on a good day and when the bus refuses. */

#include "sb-test-file.h"
#include "sb-test-mover.h"
#include "sb-test-site.h"
#include "sb-test-tus.h"
#include "sb-test.h"

#include <glib/gstdio.h>
#include <string.h>

typedef struct
{
  SbTestSite *bus;    /* (owned) */
  SbTestMover *alice; /* (owned): open */
} Rig;

static Rig *
rig_new (const char *setting)
{
  Rig *self = g_new0 (Rig, 1);

  self->bus = sb_test_site_new (setting, NULL);
  self->alice = sb_test_mover_new (sb_test_daemon_get_http_port (self->bus->daemon), "alice");
  sb_test_mover_open (self->alice);
  return self;
}

static void
rig_free (Rig *self)
{
  sb_test_mover_free (self->alice);
  sb_test_site_free (self->bus);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Rig, rig_free)

/* What bob gets of a message: the file. Returns: the path of its download */
static char *
take_notice (Rig *rig, const char *name, gsize size)
{
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (rig->bus->bob, "/get");
  JsonArray *messages;
  JsonObject *notice;

  sb_test_assert_status (answer, 200);
  messages = json_node_get_array (answer->json);
  g_assert_cmpuint (json_array_get_length (messages), ==, 1);
  notice = json_array_get_object_element (messages, 0);
  g_assert_cmpstr (sb_test_json_string (notice, "display_filename"), ==, name);
  g_assert_cmpint (json_object_get_int_member (notice, "size"), ==, (gint64) size);
  return g_strconcat ("/download/", sb_test_json_string (notice, "filename"), NULL);
}

static void
assert_arrived (Rig *rig, const char *name, const char *data, gsize size)
{
  g_autofree char *path = take_notice (rig, name, size);
  g_autoptr (SbTestAnswer) file = sb_test_download (rig->bus->bob, path, NULL);

  sb_test_assert_status (file, 200);
  g_assert_cmpuint (file->length, ==, size);
  g_assert_true (memcmp (file->body, data, size) == 0);
}

static void
test_sends (gconstpointer user_data)
{
  gsize size = GPOINTER_TO_SIZE (user_data);
  g_autoptr (Rig) rig = rig_new (NULL);
  g_autofree char *data = sb_test_make_bytes (size, 3);
  g_autofree char *path = sb_test_mover_write (rig->alice, "Отчёт, май.bin", data, size);
  g_autoptr (SbClientTransfer) transfer = sb_test_mover_send (rig->alice, "@bob", NULL, path);

  g_assert_true (sb_client_transfer_is_upload (transfer));
  g_assert_cmpstr (sb_client_transfer_get_path (transfer), ==, path);
  g_assert_cmpint (sb_client_transfer_get_size (transfer), ==, (gint64) size);
  sb_test_mover_wait_done (transfer);
  g_assert_cmpint (sb_client_transfer_get_done (transfer), ==, (gint64) size);
  assert_arrived (rig, "Отчёт, май.bin", data, size);
  sb_test_mover_assert_clean (rig->alice);
}

static void
test_sends_a_message_with_it (void)
{
  g_autoptr (Rig) rig = rig_new (NULL);
  g_autofree char *path = sb_test_mover_write (rig->alice, "a.txt", "abc", 3);
  g_autoptr (GError) error = NULL;
  g_autoptr (SbClientDraft) draft = sb_client_draft_new_from_json (
      "{\"_id\":\"doc\",\"to\":\"@bob\",\"message\":{\"page\":1.10},\"extra\":[1]}", &error);
  g_autoptr (SbClientTransfer) transfer = NULL;
  g_autoptr (SbTestAnswer) answer = NULL;

  g_assert_no_error (error);
  transfer = sb_client_send_file (rig->alice->client, draft, path, "Name.txt", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (sb_client_transfer_get_id (transfer), ==, "doc");
  sb_test_mover_wait_done (transfer);
  answer = sb_test_http_get (rig->bus->bob, "/get");
  g_assert_nonnull (strstr (answer->body, "{\"page\":1.10}"));
  g_assert_nonnull (strstr (answer->body, "\"extra\":[1]"));
  g_assert_nonnull (strstr (answer->body, "\"display_filename\":\"Name.txt\""));
}

static void
test_sends_many_in_order (void)
{
  g_autoptr (Rig) rig = rig_new (NULL);
  g_autoptr (GPtrArray) transfers = g_ptr_array_new_with_free_func (g_object_unref);
  g_autofree char *path = sb_test_mover_write (rig->alice, "a.txt", "abc", 3);
  g_autoptr (GPtrArray) listed = NULL;

  for (guint i = 0; i < 30; i++)
    g_ptr_array_add (transfers, sb_test_mover_send (rig->alice, "@bob", NULL, path));
  g_assert_cmpuint (rig->alice->transfers->len, ==, 30);
  listed = sb_client_list_transfers (rig->alice->client);
  g_assert_cmpuint (listed->len, ==, 30);
  for (guint i = 0; i < 30; i++)
    {
      g_assert_true (g_ptr_array_index (listed, i) == g_ptr_array_index (transfers, i));
      sb_test_mover_wait_done (g_ptr_array_index (transfers, i));
    }
  sb_test_mover_assert_clean (rig->alice);
}

/* --- What cannot be sent --- */

static void
test_refuses_what_is_no_file (void)
{
  g_autoptr (Rig) rig = rig_new (NULL);
  const char *const to[] = { "@bob", NULL };
  g_autoptr (SbClientDraft) draft = sb_client_draft_new (to, "1", NULL);
  g_autofree char *missing = g_build_filename (rig->alice->dir, "missing", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (sb_client_send_file (rig->alice->client, draft, missing, NULL, &error));
  g_assert_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_null (sb_client_send_file (rig->alice->client, draft, rig->alice->dir, NULL, &error));
  g_assert_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_INVALID);
  sb_test_mover_assert_clean (rig->alice);
}

static void
test_refuses_a_direct_message (void)
{
  g_autoptr (Rig) rig = rig_new (NULL);
  const char *const to[] = { "@bob", NULL };
  g_autoptr (SbClientDraft) draft = sb_client_draft_new (to, "1", NULL);
  g_autofree char *path = sb_test_mover_write (rig->alice, "a.txt", "abc", 3);
  g_autoptr (GError) error = NULL;

  sb_client_draft_set_direct (draft, TRUE);
  g_assert_null (sb_client_send_file (rig->alice->client, draft, path, NULL, &error));
  g_assert_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_INVALID);
  sb_test_mover_assert_clean (rig->alice);
}

static void
test_refuses_an_id_that_is_under_way (void)
{
  g_autoptr (Rig) rig = rig_new (NULL);
  g_autofree char *path = sb_test_mover_write (rig->alice, "a.txt", "abc", 3);
  g_autoptr (SbClientTransfer) first = sb_test_mover_send (rig->alice, "@bob", "doc", path);
  const char *const to[] = { "@bob", NULL };
  g_autoptr (SbClientDraft) draft = sb_client_draft_new (to, "1", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (sb_client_draft_set_id (draft, "doc", NULL));
  g_assert_null (sb_client_send_file (rig->alice->client, draft, path, NULL, &error));
  g_assert_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_CONFLICT);
  sb_test_mover_wait_done (first);
}

static void
test_fails_when_nobody_is_there (void)
{
  g_autoptr (Rig) rig = rig_new (NULL);
  g_autofree char *path = sb_test_mover_write (rig->alice, "a.txt", "abc", 3);
  g_autoptr (SbClientTransfer) transfer = sb_test_mover_send (rig->alice, "@nobody", "x", path);
  g_autoptr (GError) error = sb_test_mover_wait_failed (transfer);

  g_assert_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_NOT_FOUND);
  g_assert_cmpuint (rig->alice->errors->len, ==, 1);
  g_assert_cmpint (sb_client_transfer_get_state (transfer), ==, SB_CLIENT_TRANSFER_FAILED);
  sb_test_mover_assert_clean (rig->alice);
}

static void
test_fails_with_a_wrong_password (void)
{
  g_autoptr (Rig) rig = rig_new (NULL);
  g_autofree char *path = sb_test_mover_write (rig->alice, "a.txt", "abc", 3);
  g_autoptr (SbClientTransfer) transfer = NULL;
  g_autoptr (GError) error = NULL;

  sb_test_put_users (rig->bus->admin, "[{\"_id\":\"alice\",\"password\":\"other\"}]");
  transfer = sb_test_mover_send (rig->alice, "@bob", "x", path);
  error = sb_test_mover_wait_failed (transfer);
  g_assert_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_UNAUTHORIZED);
  sb_test_mover_assert_clean (rig->alice);
}

static void
test_fails_when_it_is_too_large (void)
{
  g_autoptr (Rig) rig = rig_new ("bus.max-file-size=1K");
  g_autofree char *data = sb_test_make_bytes (2000, 1);
  g_autofree char *path = sb_test_mover_write (rig->alice, "a.bin", data, 2000);
  g_autoptr (SbClientTransfer) transfer = sb_test_mover_send (rig->alice, "@bob", "x", path);
  g_autoptr (GError) error = sb_test_mover_wait_failed (transfer);

  g_assert_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_TOO_LARGE);
  sb_test_mover_assert_clean (rig->alice);
}

/* The same `_id` again from the same user is the same message. */
static void
test_counts_an_accepted_id_as_done (void)
{
  g_autoptr (Rig) rig = rig_new (NULL);
  g_autofree char *path = sb_test_mover_write (rig->alice, "a.txt", "abc", 3);
  g_autoptr (SbClientTransfer) first = sb_test_mover_send (rig->alice, "@bob", "doc", path);
  g_autoptr (SbClientTransfer) second = NULL;

  sb_test_mover_wait_done (first);
  second = sb_test_mover_send (rig->alice, "@bob", "doc", path);
  sb_test_mover_wait_done (second);
  assert_arrived (rig, "a.txt", "abc", 3);
}

static void
test_fails_when_the_id_is_somebody_elses (void)
{
  g_autoptr (Rig) rig = rig_new (NULL);
  g_autofree char *path = sb_test_mover_write (rig->alice, "a.txt", "abc", 3);
  g_autofree char *id = sb_test_put (rig->bus->carol,
                                     "{\"_id\":\"doc\",\"to\":\"@bob\",\"message\":1}");
  g_autoptr (SbClientTransfer) transfer = sb_test_mover_send (rig->alice, "@bob", "doc", path);
  g_autoptr (GError) error = sb_test_mover_wait_failed (transfer);

  g_assert_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_CONFLICT);
  sb_test_mover_assert_clean (rig->alice);
}

/* --- Giving up --- */

static void
test_leaves_nothing_when_cancelled_in_the_queue (void)
{
  g_autoptr (Rig) rig = rig_new (NULL);
  g_autofree char *path = sb_test_mover_write (rig->alice, "a.txt", "abc", 3);
  g_autoptr (SbClientTransfer) transfer = NULL;
  g_autoptr (GError) error = NULL;

  sb_test_daemon_terminate (rig->bus->daemon);
  transfer = sb_test_mover_send (rig->alice, "@bob", "x", path);
  sb_test_mover_wait_state (transfer, SB_CLIENT_TRANSFER_WAITING);
  g_assert_nonnull (sb_client_transfer_get_error (transfer));
  sb_client_transfer_cancel (transfer);
  error = sb_test_mover_wait_failed (transfer);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (sb_client_transfer_get_state (transfer), ==, SB_CLIENT_TRANSFER_CANCELLED);
  sb_test_mover_assert_clean (rig->alice);
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
}

static void
test_waits_for_a_bus_that_is_not_there (void)
{
  g_autoptr (Rig) rig = rig_new ("bus.store=sqlite");
  g_autofree char *path = sb_test_mover_write (rig->alice, "a.txt", "abc", 3);
  g_autoptr (SbClientTransfer) transfer = NULL;

  sb_test_daemon_terminate (rig->bus->daemon);
  transfer = sb_test_mover_send (rig->alice, "@bob", "x", path);
  sb_test_mover_wait_state (transfer, SB_CLIENT_TRANSFER_WAITING);
  g_assert_error (sb_client_transfer_get_error (transfer), SB_CLIENT_ERROR,
                  SB_CLIENT_ERROR_OFFLINE);
  sb_test_site_restart (rig->bus);
  sb_test_mover_wait_done (transfer);
  g_assert_null (sb_client_transfer_get_error (transfer));
  assert_arrived (rig, "a.txt", "abc", 3);
}

static void
test_goes_on_in_the_next_client (void)
{
  g_autoptr (Rig) rig = rig_new ("bus.store=sqlite");
  g_autofree char *path = sb_test_mover_write (rig->alice, "a.txt", "abc", 3);
  g_autoptr (SbClientTransfer) transfer = NULL;
  g_autoptr (GError) error = NULL;

  sb_test_daemon_terminate (rig->bus->daemon);
  transfer = sb_test_mover_send (rig->alice, "@bob", "x", path);
  sb_test_mover_close (rig->alice);
  error = sb_test_mover_wait_failed (transfer);
  g_assert_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_CLOSED);
  g_assert_false (sb_client_transfer_is_ended (transfer));
  sb_test_site_restart (rig->bus);
  sb_test_mover_open (rig->alice);
  sb_client_connect_async (rig->alice->client, NULL, NULL, NULL);
  sb_test_mover_wait_transfers (rig->alice, 2);
  sb_test_mover_wait_done (g_ptr_array_index (rig->alice->transfers, 1));
  assert_arrived (rig, "a.txt", "abc", 3);
  sb_test_mover_assert_clean (rig->alice);
}

int
main (int argc, char **argv)
{
  sb_test_init (&argc, &argv);
  g_test_add_data_func ("/client/upload/sends-an-empty-file", GSIZE_TO_POINTER (0), test_sends);
  g_test_add_data_func ("/client/upload/sends-a-small-file", GSIZE_TO_POINTER (1000), test_sends);
  g_test_add_data_func ("/client/upload/sends-a-large-file",
                        GSIZE_TO_POINTER (64 * 1024 * 1024 + 1), test_sends);
  g_test_add_func ("/client/upload/sends-a-message-with-it", test_sends_a_message_with_it);
  g_test_add_func ("/client/upload/sends-many-in-order", test_sends_many_in_order);
  g_test_add_func ("/client/upload/refuses-what-is-no-file", test_refuses_what_is_no_file);
  g_test_add_func ("/client/upload/refuses-a-direct-message", test_refuses_a_direct_message);
  g_test_add_func ("/client/upload/refuses-an-id-that-is-under-way",
                   test_refuses_an_id_that_is_under_way);
  g_test_add_func ("/client/upload/fails-when-nobody-is-there", test_fails_when_nobody_is_there);
  g_test_add_func ("/client/upload/fails-with-a-wrong-password", test_fails_with_a_wrong_password);
  g_test_add_func ("/client/upload/fails-when-it-is-too-large", test_fails_when_it_is_too_large);
  g_test_add_func ("/client/upload/counts-an-accepted-id-as-done",
                   test_counts_an_accepted_id_as_done);
  g_test_add_func ("/client/upload/fails-when-the-id-is-somebody-elses",
                   test_fails_when_the_id_is_somebody_elses);
  g_test_add_func ("/client/upload/leaves-nothing-when-cancelled-in-the-queue",
                   test_leaves_nothing_when_cancelled_in_the_queue);
  g_test_add_func ("/client/upload/waits-for-a-bus-that-is-not-there",
                   test_waits_for_a_bus_that_is_not_there);
  g_test_add_func ("/client/upload/goes-on-in-the-next-client", test_goes_on_in_the_next_client);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-test-mover: a client, and what it was told. */

#include "sb-test-mover.h"

#include "sb-test-file.h"
#include "sb-test.h"

#include <glib/gstdio.h>
#include <string.h>

SbTestMover *
sb_test_mover_new (guint16 port, const char *user)
{
  SbTestMover *self = g_new0 (SbTestMover, 1);

  self->dir = sb_test_make_dir ();
  self->state_dir = g_build_filename (self->dir, "state", NULL);
  self->download_dir = g_build_filename (self->dir, "down loads", NULL);
  self->user = g_strdup (user);
  self->auto_confirm = TRUE;
  self->received = g_ptr_array_new_with_free_func (g_free);
  self->ids = g_ptr_array_new_with_free_func (g_free);
  self->transfers = g_ptr_array_new_with_free_func (g_object_unref);
  self->errors = g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  sb_test_mover_set_ports (self, port, 0);
  return self;
}

void
sb_test_mover_free (SbTestMover *self)
{
  sb_test_mover_close (self);
  sb_test_remove_dir (self->dir);
  g_ptr_array_unref (self->received);
  g_ptr_array_unref (self->ids);
  g_ptr_array_unref (self->transfers);
  g_ptr_array_unref (self->errors);
  g_free (self->websocket_url);
  g_free (self->url);
  g_free (self->user);
  g_free (self->download_dir);
  g_free (self->state_dir);
  g_free (self);
}

void
sb_test_mover_set_ports (SbTestMover *self, guint16 http, guint16 websocket)
{
  g_free (self->url);
  g_free (self->websocket_url);
  self->url = g_strdup_printf ("http://127.0.0.1:%u", http);
  self->websocket_url = g_strdup_printf ("ws://127.0.0.1:%u/ws", websocket != 0 ? websocket : http);
}

/* --- What it is told --- */

static void
on_message_download (SbClient *client, SbClientMessage *message, const char *path,
                     gpointer user_data)
{
  SbTestMover *self = user_data;

  g_ptr_array_add (self->received, g_strdup (path));
  g_ptr_array_add (self->ids, g_strdup (sb_client_message_get_id (message)));
}

static void
on_transfer (SbClient *client, SbClientTransfer *transfer, gpointer user_data)
{
  SbTestMover *self = user_data;

  g_ptr_array_add (self->transfers, g_object_ref (transfer));
}

static void
on_error (SbClient *client, const char *id, const GError *error, gpointer user_data)
{
  SbTestMover *self = user_data;

  g_ptr_array_add (self->errors, g_error_copy (error));
}

void
sb_test_mover_open (SbTestMover *self)
{
  g_autofree char *password = g_strconcat (self->user, "-pw", NULL);

  g_assert_null (self->client);
  self->client = g_object_new (SB_TYPE_CLIENT, "url", self->url, "websocket-url",
                               self->websocket_url, "user", self->user, "password", password,
                               "state-dir", self->state_dir, "download-dir", self->download_dir,
                               "auto-confirm", self->auto_confirm, NULL);
  g_signal_connect (self->client, "message-download", G_CALLBACK (on_message_download), self);
  g_signal_connect (self->client, "transfer", G_CALLBACK (on_transfer), self);
  g_signal_connect (self->client, "error", G_CALLBACK (on_error), self);
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  gboolean *is_done = user_data;
  g_autoptr (GError) error = NULL;

  sb_client_connect_finish (SB_CLIENT (source), result, &error);
  g_assert_no_error (error);
  *is_done = TRUE;
}

void
sb_test_mover_connect (SbTestMover *self)
{
  gboolean is_done = FALSE;

  sb_test_mover_open (self);
  sb_client_connect_async (self->client, NULL, connected_cb, &is_done);
  sb_test_wait_flag (&is_done, "the session");
}

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  gboolean *is_done = user_data;
  g_autoptr (GError) error = NULL;

  sb_client_close_finish (SB_CLIENT (source), result, &error);
  g_assert_no_error (error);
  *is_done = TRUE;
}

void
sb_test_mover_close (SbTestMover *self)
{
  gboolean is_done = FALSE;

  if (self->client == NULL)
    return;
  sb_client_close_async (self->client, NULL, closed_cb, &is_done);
  sb_test_wait_flag (&is_done, "the end of the client");
  sb_test_settle ();
  g_assert_finalize_object (g_steal_pointer (&self->client));
}

/* --- Waiting --- */

void
sb_test_mover_wait_received (SbTestMover *self, guint n)
{
  sb_test_wait_count (&self->received->len, n, "files");
}

void
sb_test_mover_wait_transfers (SbTestMover *self, guint n)
{
  sb_test_wait_count (&self->transfers->len, n, "transfers");
}

void
sb_test_mover_wait_errors (SbTestMover *self, guint n)
{
  sb_test_wait_count (&self->errors->len, n, "errors");
}

typedef struct
{
  SbClientTransfer *transfer;
  SbClientTransferState state;
} Wanted;

static gboolean
has_state (gpointer user_data)
{
  const Wanted *wanted = user_data;

  return sb_client_transfer_is_ended (wanted->transfer)
         || sb_client_transfer_get_state (wanted->transfer) == wanted->state;
}

void
sb_test_mover_wait_state (SbClientTransfer *transfer, SbClientTransferState state)
{
  Wanted wanted = { transfer, state };

  sb_test_wait_for (has_state, &wanted, "a state of a transfer");
  g_assert_cmpint (sb_client_transfer_get_state (transfer), ==, state);
}

typedef struct
{
  gboolean is_done;
  gboolean good;
  GError *error;
} Outcome;

static void
waited_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Outcome *outcome = user_data;

  outcome->good = sb_client_transfer_wait_finish (SB_CLIENT_TRANSFER (source), result,
                                                  &outcome->error);
  outcome->is_done = TRUE;
}

void
sb_test_mover_wait_done (SbClientTransfer *transfer)
{
  Outcome outcome = { 0 };

  sb_client_transfer_wait_async (transfer, NULL, waited_cb, &outcome);
  sb_test_wait_flag (&outcome.is_done, "a transfer");
  g_assert_no_error (outcome.error);
  g_assert_true (outcome.good);
  g_assert_cmpint (sb_client_transfer_get_state (transfer), ==, SB_CLIENT_TRANSFER_DONE);
}

GError *
sb_test_mover_wait_failed (SbClientTransfer *transfer)
{
  Outcome outcome = { 0 };

  sb_client_transfer_wait_async (transfer, NULL, waited_cb, &outcome);
  sb_test_wait_flag (&outcome.is_done, "a failure");
  g_assert_false (outcome.good);
  g_assert_nonnull (outcome.error);
  return outcome.error;
}

/* --- Folders --- */

static guint
count_files (const char *first, ...)
{
  va_list names;
  const char *name;
  g_autofree char *path = NULL;
  g_autoptr (GDir) dir = NULL;
  guint n = 0;

  va_start (names, first);
  path = g_build_filename_valist (first, &names);
  va_end (names);
  dir = g_dir_open (path, 0, NULL);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    n++;
  return n;
}

static guint
count_left (SbTestMover *self)
{
  return count_files (self->state_dir, "downloads", NULL)
         + count_files (self->state_dir, "uploads", NULL)
         + count_files (self->download_dir, ".simplebus-parts", NULL);
}

void
sb_test_mover_assert_clean (SbTestMover *self)
{
  g_assert_cmpuint (count_left (self), ==, 0);
}

static gboolean
is_clean (gpointer user_data)
{
  return count_left (user_data) == 0;
}

void
sb_test_mover_wait_clean (SbTestMover *self)
{
  sb_test_poll_for (is_clean, self, "the end of what is kept of transfers");
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

char *
sb_test_mover_list (SbTestMover *self)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = g_dir_open (self->download_dir, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (*name != '.')
      g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);
  return g_strjoinv ("|", (char **) names->pdata);
}

void
sb_test_mover_assert_file (const char *path, const char *data, gsize length)
{
  g_autofree char *found = NULL;
  gsize found_length;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (path, &found, &found_length, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (found_length, ==, length);
  g_assert_true (memcmp (found, data, length) == 0);
}

char *
sb_test_mover_write (SbTestMover *self, const char *name, const char *data, gsize length)
{
  char *path = g_build_filename (self->dir, name, NULL);

  g_assert_true (g_file_set_contents (path, data, (gssize) length, NULL));
  return path;
}

SbClientTransfer *
sb_test_mover_send (SbTestMover *self, const char *to, const char *id, const char *path)
{
  const char *const addresses[] = { to, NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (SbClientDraft) draft = sb_client_draft_new (addresses, "{}", &error);
  SbClientTransfer *transfer;

  g_assert_no_error (error);
  if (id != NULL)
    g_assert_true (sb_client_draft_set_id (draft, id, NULL));
  transfer = sb_client_send_file (self->client, draft, path, NULL, &error);
  g_assert_no_error (error);
  return transfer;
}

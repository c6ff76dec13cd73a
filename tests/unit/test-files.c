/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-files: messages that announce files: all or nothing, who may fetch them
 * and until when, and that nothing is left when the last recipient is done.
 */

#include "sb-bus-private.h"
#include "sb-error.h"
#include "sb-test-bus.h"
#include "sb-test-log.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define SECOND SB_TEST_SECOND
#define DAY (24 * 60 * SB_TEST_MINUTE)

typedef struct
{
  SbTestBus *t; /* (owned) */
} Fixture;

static void
set_up (Fixture *f, gconstpointer config)
{
  f->t = sb_test_bus_new_with_vault (config != NULL ? config : "");
  sb_test_bus_add_user (f->t, "s", "", FALSE);
  sb_test_bus_add_user (f->t, "anna", "all", FALSE);
  sb_test_bus_add_user (f->t, "bert", "all", FALSE);
  sb_test_bus_add_user (f->t, "stranger", "", FALSE);
  sb_test_bus_add_user (f->t, "root", "", TRUE);
}

static void
tear_down (Fixture *f, gconstpointer config)
{
  sb_test_bus_free (f->t);
  sb_test_log_assert_expected ();
}

/* Calls */

typedef struct
{
  GAsyncResult *result; /* (owned) */
  gboolean done;
} Call;

static void
note_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Call *call = user_data;

  call->result = g_object_ref (result);
  call->done = TRUE;
}

/* Returns: (transfer full) (nullable): what was published. @contents: with a bar between */
static SbPublishedFiles *
publish (Fixture *f, const char *json, const char *contents, GError **error)
{
  SbUser *sender = sb_test_bus_find (f->t, "s");
  GPtrArray *files = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_received_file_free);
  g_auto (GStrv) list = g_strsplit (contents, "|", -1);
  g_autoptr (GBytes) bytes = g_bytes_new (json, strlen (json));
  g_autoptr (GObject) result = NULL;
  Call call = { 0 };

  for (char **content = list; *content != NULL; content++)
    {
      g_autoptr (SbIncoming) incoming = sb_bus_receive_file (f->t->bus, sender, NULL);
      g_autoptr (GBytes) piece = g_bytes_new (*content, strlen (*content));

      sb_incoming_write (incoming, piece);
      g_ptr_array_add (files, sb_received_file_new (incoming, "name.txt"));
    }
  sb_bus_publish_files_async (f->t->bus, sender, bytes, files, "https://bus.example", note_result,
                              &call);
  sb_test_wait_flag (&call.done, "the files");
  result = G_OBJECT (call.result);
  sb_test_bus_settle (f->t);
  return sb_bus_publish_files_finish (f->t->bus, call.result, error);
}

static void
publish_one (Fixture *f, const char *id, const char *to)
{
  g_autofree char *json = g_strdup_printf ("{\"_id\":\"%s\",\"to\":\"%s\",\"message\":1}", id, to);
  g_autoptr (GError) error = NULL;
  g_autoptr (SbPublishedFiles) published = publish (f, json, "content", &error);

  g_assert_no_error (error);
}

/* Returns: (transfer full) (nullable): the content as that user gets it. */
static char *
fetch (Fixture *f, const char *user, const char *name, GError **error)
{
  g_autoptr (GObject) result = NULL;
  g_autoptr (SbFile) file = NULL;
  char content[100] = "";
  Call call = { 0 };
  gint64 accepted;
  int fd;

  sb_bus_open_file_async (f->t->bus, sb_test_bus_find (f->t, user), name, note_result, &call);
  sb_test_wait_flag (&call.done, "the file");
  result = G_OBJECT (call.result);
  fd = sb_bus_open_file_finish (f->t->bus, call.result, &file, &accepted, error);
  if (fd < 0)
    return NULL;
  g_assert_cmpint (read (fd, content, sizeof content - 1), ==, (gssize) file->size);
  close (fd);
  return g_strdup (content);
}

static gboolean
release (Fixture *f, const char *user, const char *name)
{
  g_autoptr (GObject) result = NULL;
  g_autoptr (GError) error = NULL;
  gboolean released;
  Call call = { 0 };

  sb_bus_release_file_async (f->t->bus, sb_test_bus_find (f->t, user), name, note_result, &call);
  sb_test_wait_flag (&call.done, "the release");
  result = G_OBJECT (call.result);
  released = sb_bus_release_file_finish (f->t->bus, call.result, &error);
  g_assert_true (released || g_error_matches (error, SB_ERROR, SB_ERROR_NOT_FOUND));
  sb_test_bus_settle (f->t);
  return released;
}

#define assert_may_fetch(f, user, name)                               \
  G_STMT_START                                                        \
  {                                                                   \
    g_autofree char *got_content = fetch ((f), (user), (name), NULL); \
    g_assert_cmpstr (got_content, ==, "content");                     \
  }                                                                   \
  G_STMT_END

#define assert_may_not_fetch(f, user, name)                                 \
  G_STMT_START                                                              \
  {                                                                         \
    g_autoptr (GError) got_error = NULL;                                    \
    g_autofree char *got_content = fetch ((f), (user), (name), &got_error); \
    g_assert_null (got_content);                                            \
    g_assert_error (got_error, SB_ERROR, SB_ERROR_NOT_FOUND);               \
  }                                                                         \
  G_STMT_END

/* Files on the disk, those that are being received among them. */
static guint
count_files (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;
  guint n = 0;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      n += g_file_test (path, G_FILE_TEST_IS_DIR) ? count_files (path) : 1;
    }
  return n;
}

/* Closing the vault waits for what it has to do, and sweeps nothing. */
static void
assert_n_files (Fixture *f, guint wanted)
{
  g_autoptr (GError) error = NULL;

  sb_vault_close (f->t->vault);
  sb_vault_open (f->t->vault, &error);
  g_assert_no_error (error);
  sb_test_bus_settle (f->t);
  g_assert_cmpuint (count_files (f->t->dir), ==, wanted);
}

static void
assert_states (Fixture *f, const char *id, const char *wanted)
{
  g_autoptr (SbMessageStatus) status = sb_store_status (SB_STORE (f->t->store), id, NULL);
  g_autoptr (GString) states = g_string_new (NULL);

  g_assert_nonnull (status);
  for (guint i = 0; i < status->deliveries->len; i++)
    {
      const SbDeliveryStatus *delivery = g_ptr_array_index (status->deliveries, i);

      g_string_append_printf (states, "%s%s", i > 0 ? " " : "",
                              sb_delivery_state_to_string (delivery->state));
    }
  g_assert_cmpstr (states->str, ==, wanted);
}

/* In */

static void
each_file_is_announced_by_a_message_of_its_own (Fixture *f, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_path_new ();
  SbSession *session = sb_test_bus_open (f->t, "anna", path, SB_SESSION_NONE);
  g_autoptr (GError) error = NULL;
  g_autoptr (SbPublishedFiles) published = publish (
      f, "{\"_id\":\"a\",\"to\":\"@anna\",\"message\":1}", "one|two|three", &error);

  g_assert_no_error (error);
  g_assert_cmpuint (published->messages->len, ==, 3);
  g_assert_cmpuint (published->n_recipients, ==, 1);
  sb_test_path_assert (path, "a a.2 a.3");
  g_assert_cmpuint (count_files (f->t->dir), ==, 3);
  sb_session_close (session);
}

static void
the_notice_says_where_the_file_is (Fixture *f, gconstpointer data)
{
  g_autoptr (SbPublishedFiles) published = publish (
      f, "{\"_id\":\"a\",\"to\":\"@anna\",\"message\":1}", "content", NULL);
  const SbMessage *message = g_ptr_array_index (published->messages, 0);
  const char *body = g_bytes_get_data (message->body, NULL);

  g_assert_nonnull (strstr (body, "\"type\":\"file\",\"filename\":\"a_name.txt\""));
  g_assert_nonnull (strstr (body, "\"size\":7,\"sha256\":\"ed7002b439e9ac845f22357d822bac14"));
  g_assert_nonnull (strstr (body, "\"url\":\"https://bus.example/download/a_name.txt\""));
  g_assert_cmpstr (message->file->name, ==, "a_name.txt");
}

static void
what_is_refused_leaves_nothing (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *json;
    int code;
  } cases[] = {
    { "{\"to\":\"@nobody\",\"message\":1}", SB_ERROR_NOT_FOUND },
    { "{\"to\":\"@anna\"}", SB_ERROR_INVALID },
    { "{\"to\":", SB_ERROR_INVALID },
    { "{\"to\":\"@anna\",\"message\":1,\"_id\":\"a/b\"}", SB_ERROR_INVALID },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SbPublishedFiles) published = publish (f, cases[i].json, "one|two", &error);

      g_assert_null (published);
      g_assert_error (error, SB_ERROR, cases[i].code);
    }
  assert_n_files (f, 0);
}

static void
one_id_that_is_taken_refuses_all_files (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SbPublishedFiles) published = NULL;

  sb_test_bus_send (f->t, "anna", "a.2", "@bert");
  published = publish (f, "{\"_id\":\"a\",\"to\":\"@anna\",\"message\":1}", "one|two", &error);
  g_assert_null (published);
  g_assert_error (error, SB_ERROR, SB_ERROR_CONFLICT);
  assert_n_files (f, 0);
}

static void
a_repeated_upload_is_taken_once (Fixture *f, gconstpointer data)
{
  static const char json[] = "{\"_id\":\"a\",\"to\":\"@anna\",\"message\":1}";
  g_autoptr (SbPublishedFiles) first = publish (f, json, "content", NULL);
  g_autoptr (SbPublishedFiles) second = publish (f, json, "content", NULL);

  g_assert_false (first->duplicate);
  g_assert_true (second->duplicate);
  assert_n_files (f, 1);
  assert_may_fetch (f, "anna", "a_name.txt");
}

static void
names_that_come_out_alike_are_told_apart (Fixture *f, gconstpointer data)
{
  g_autoptr (SbPublishedFiles) one = publish (f, "{\"_id\":\"a?\",\"to\":\"@anna\",\"message\":1}",
                                              "content", NULL);
  g_autoptr (SbPublishedFiles) other = publish (
      f, "{\"_id\":\"a!\",\"to\":\"@anna\",\"message\":1}", "content", NULL);
  const char *name = ((SbMessage *) one->messages->pdata[0])->file->name;
  const char *varied = ((SbMessage *) other->messages->pdata[0])->file->name;

  g_assert_cmpstr (name, ==, "a__name.txt");
  g_assert_cmpstr (varied, !=, name);
  g_assert_true (g_str_has_suffix (varied, "_a__name.txt"));
  assert_may_fetch (f, "anna", name);
  assert_may_fetch (f, "anna", varied);
}

static void
a_quota_bounds_what_waits (Fixture *f, gconstpointer data)
{
  SbUser *sender = sb_test_bus_find (f->t, "s");
  g_autoptr (GError) error = NULL;

  publish_one (f, "a", "@anna");
  g_assert_true (sb_bus_check_file_quota (f->t->bus, sender, 3, &error));
  g_assert_false (sb_bus_check_file_quota (f->t->bus, sender, 4, &error));
  g_assert_error (error, SB_ERROR, SB_ERROR_NO_SPACE);
  sb_test_bus_restart (f->t);
  sender = sb_test_bus_find (f->t, "s");
  g_assert_false (sb_bus_check_file_quota (f->t->bus, sender, 4, NULL));
  g_assert_true (release (f, "anna", "a_name.txt"));
  g_assert_true (sb_bus_check_file_quota (f->t->bus, sender, 10, NULL));
}

/* Out */

static void
only_those_whom_it_concerns_may_fetch_it (Fixture *f, gconstpointer data)
{
  publish_one (f, "a", "@anna");
  assert_may_fetch (f, "anna", "a_name.txt");
  assert_may_fetch (f, "s", "a_name.txt");
  assert_may_fetch (f, "root", "a_name.txt");
  assert_may_not_fetch (f, "bert", "a_name.txt");
  assert_may_not_fetch (f, "stranger", "a_name.txt");
  assert_may_not_fetch (f, "anna", "b_name.txt");
}

static void
a_confirmation_leaves_the_file (Fixture *f, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_path_new ();
  g_autoptr (SbTestPath) sender = sb_test_path_new ();
  SbSession *session = sb_test_bus_open (f->t, "anna", path, SB_SESSION_NONE);
  SbSession *of_sender = sb_test_bus_open (f->t, "s", sender, SB_SESSION_RECEIPTS);

  publish_one (f, "a", "@anna");
  sb_session_confirm (session, "a");
  sb_test_bus_settle (f->t);
  assert_states (f, "a", "notified");
  sb_test_path_assert_receipts (sender, "");
  for (guint i = 0; i < 10; i++)
    sb_test_bus_pass (f->t, 10 * SECOND);
  sb_test_path_assert (path, "a");
  assert_may_fetch (f, "anna", "a_name.txt");
  g_assert_true (release (f, "anna", "a_name.txt"));
  assert_states (f, "a", "confirmed");
  sb_test_path_assert_receipts (sender, "a<anna");
  sb_session_close (session);
  sb_session_close (of_sender);
}

static void
a_release_ends_it_for_one_recipient_only (Fixture *f, gconstpointer data)
{
  publish_one (f, "a", "#all");
  g_assert_true (release (f, "anna", "a_name.txt"));
  g_assert_false (release (f, "anna", "a_name.txt"));
  assert_may_not_fetch (f, "anna", "a_name.txt");
  assert_may_fetch (f, "bert", "a_name.txt");
  assert_states (f, "a", "confirmed pending");
  assert_n_files (f, 1);
  g_assert_true (release (f, "bert", "a_name.txt"));
  assert_may_not_fetch (f, "s", "a_name.txt");
  assert_n_files (f, 0);
}

static void
a_file_that_is_missing_on_the_disk_is_no_secret (Fixture *f, gconstpointer data)
{
  g_autoptr (SbPublishedFiles) published = publish (
      f, "{\"_id\":\"a\",\"to\":\"@anna\",\"message\":1}", "content", NULL);
  const SbFile *file = ((SbMessage *) published->messages->pdata[0])->file;
  g_autofree char *path = g_build_filename (f->t->dir, "files", file->id + 30, file->id, NULL);
  g_autofree char *content = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_unlink (path), ==, 0);
  sb_test_log_expect ("is missing on the disk");
  content = fetch (f, "anna", "a_name.txt", &error);
  g_assert_error (error, SB_ERROR, SB_ERROR_CORRUPT);
}

static void
who_may_only_look_cannot_release (Fixture *f, gconstpointer data)
{
  publish_one (f, "a", "@anna");
  g_assert_false (release (f, "s", "a_name.txt"));
  g_assert_false (release (f, "root", "a_name.txt"));
  g_assert_false (release (f, "stranger", "a_name.txt"));
  assert_may_fetch (f, "anna", "a_name.txt");
}

static void
a_file_that_nobody_fetches_expires (Fixture *f, gconstpointer data)
{
  publish_one (f, "a", "#all");
  sb_test_bus_pass (f->t, DAY - SECOND);
  assert_may_fetch (f, "anna", "a_name.txt");
  sb_test_bus_pass (f->t, SECOND);
  assert_states (f, "a", "expired expired");
  assert_may_not_fetch (f, "anna", "a_name.txt");
  assert_n_files (f, 0);
}

static void
a_notified_recipient_keeps_it_no_longer (Fixture *f, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_path_new ();
  SbSession *session = sb_test_bus_open (f->t, "anna", path, SB_SESSION_NONE);

  publish_one (f, "a", "@anna");
  sb_session_confirm (session, "a");
  sb_test_bus_settle (f->t);
  sb_session_close (session);
  sb_test_bus_pass (f->t, DAY);
  assert_states (f, "a", "expired");
  assert_n_files (f, 0);
}

static void
files_survive_a_restart (Fixture *f, gconstpointer data)
{
  publish_one (f, "a", "@anna");
  sb_test_bus_restart (f->t);
  assert_n_files (f, 1);
  assert_may_fetch (f, "anna", "a_name.txt");
}

#define ADD(name, config, func) \
  g_test_add ("/files/" name, Fixture, config, set_up, func, tear_down)

static void
add_tests_of_sending (void)
{
  ADD ("each-file-is-announced-by-a-message-of-its-own", NULL,
       each_file_is_announced_by_a_message_of_its_own);
  ADD ("the-notice-says-where-the-file-is", NULL, the_notice_says_where_the_file_is);
  ADD ("what-is-refused-leaves-nothing", NULL, what_is_refused_leaves_nothing);
  ADD ("one-id-that-is-taken-refuses-all-files", NULL, one_id_that_is_taken_refuses_all_files);
  ADD ("a-repeated-upload-is-taken-once", NULL, a_repeated_upload_is_taken_once);
  ADD ("names-that-come-out-alike-are-told-apart", NULL, names_that_come_out_alike_are_told_apart);
  ADD ("a-quota-bounds-what-waits", "file-quota=10", a_quota_bounds_what_waits);
}

static void
add_tests_of_fetching (void)
{
  ADD ("only-those-whom-it-concerns-may-fetch-it", NULL, only_those_whom_it_concerns_may_fetch_it);
  ADD ("a-confirmation-leaves-the-file", NULL, a_confirmation_leaves_the_file);
  ADD ("a-release-ends-it-for-one-recipient-only", NULL, a_release_ends_it_for_one_recipient_only);
  ADD ("a-file-that-is-missing-on-the-disk-is-no-secret", NULL,
       a_file_that_is_missing_on_the_disk_is_no_secret);
  ADD ("who-may-only-look-cannot-release", NULL, who_may_only_look_cannot_release);
  ADD ("a-file-that-nobody-fetches-expires", "file-ttl=1d", a_file_that_nobody_fetches_expires);
  ADD ("a-notified-recipient-keeps-it-no-longer", "file-ttl=1d",
       a_notified_recipient_keeps_it_no_longer);
  ADD ("files-survive-a-restart", NULL, files_survive_a_restart);
}

int
main (int argc, char **argv)
{
  sb_test_init (&argc, &argv);
  sb_test_log_init ();
  add_tests_of_sending ();
  add_tests_of_fetching ();
  return g_test_run ();
}

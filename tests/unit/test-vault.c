/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-vault: files that are received, kept, opened, removed and looked after. */

#include "sb-error.h"
#include "sb-test.h"
#include "sb-vault.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define ID "0123456789abcdef0123456789abcd01"
#define OTHER_ID "0123456789abcdef0123456789abcd02"
#define MIB (1024 * 1024)

typedef struct
{
  char *dir;          /* (owned) */
  SbMetrics *metrics; /* (owned) */
  SbVault *vault;     /* (owned) */
  guint n_told;
} Fixture;

static void
open_vault (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  f->vault = sb_vault_new (f->dir, 0, f->metrics);
  sb_vault_open (f->vault, &error);
  g_assert_no_error (error);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->dir = sb_test_make_dir ();
  f->metrics = sb_metrics_new ();
  open_vault (f);
}

static void
close_vault (Fixture *f)
{
  sb_vault_close (f->vault);
  sb_test_settle ();
  g_assert_finalize_object (g_steal_pointer (&f->vault));
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  close_vault (f);
  g_object_unref (f->metrics);
  sb_test_remove_dir (f->dir);
}

/* Receiving */

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

static void
count_told (SbIncoming *incoming, gpointer user_data)
{
  ((Fixture *) user_data)->n_told++;
}

static void
write_text (SbIncoming *incoming, const char *text)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));

  sb_incoming_write (incoming, bytes);
}

/* Returns: (transfer full) (nullable): the file, with the name "stored". */
static SbFile *
finish (SbIncoming *incoming, GError **error)
{
  guint8 digest[SB_FILE_DIGEST_SIZE];
  g_autoptr (GObject) result = NULL;
  Call call = { 0 };
  guint64 size;

  sb_incoming_finish_async (incoming, note_result, &call);
  sb_test_wait_flag (&call.done, "the flush");
  result = G_OBJECT (call.result);
  if (!sb_incoming_finish_finish (incoming, call.result, &size, digest, error))
    return NULL;
  return sb_file_new (sb_incoming_get_id (incoming), "stored", "shown", size, digest);
}

static void
keep (Fixture *f, const char *const *ids)
{
  g_autoptr (GObject) result = NULL;
  g_autoptr (GError) error = NULL;
  Call call = { 0 };

  sb_vault_keep_async (f->vault, ids, note_result, &call);
  sb_test_wait_flag (&call.done, "the rename");
  result = G_OBJECT (call.result);
  sb_vault_keep_finish (f->vault, call.result, &error);
  g_assert_no_error (error);
}

static SbFile *
receive (Fixture *f, const char *id, const char *text)
{
  g_autoptr (SbIncoming) incoming = sb_vault_receive (f->vault, id);
  const char *const ids[] = { id, NULL };
  g_autoptr (GError) error = NULL;
  SbFile *file;

  write_text (incoming, text);
  file = finish (incoming, &error);
  g_assert_no_error (error);
  keep (f, ids);
  return file;
}

static int
open_file (Fixture *f, SbFile *file, GError **error)
{
  g_autoptr (GObject) result = NULL;
  Call call = { 0 };

  sb_vault_open_file_async (f->vault, file, note_result, &call);
  sb_test_wait_flag (&call.done, "the file");
  result = G_OBJECT (call.result);
  return sb_vault_open_file_finish (f->vault, call.result, error);
}

static void
assert_content (Fixture *f, SbFile *file, const char *text)
{
  g_autoptr (GError) error = NULL;
  char content[100] = "";
  int fd = open_file (f, file, &error);

  g_assert_no_error (error);
  g_assert_cmpint (read (fd, content, sizeof content - 1), ==, (gssize) strlen (text));
  g_assert_cmpstr (content, ==, text);
  close (fd);
}

/* Returns: (transfer full): where a file of the vault is. */
static char *
find (Fixture *f, const char *folder, const char *id)
{
  return g_build_filename (f->dir, "files", folder, id, NULL);
}

static gboolean
is_there (Fixture *f, const char *folder, const char *id)
{
  g_autofree char *path = find (f, folder, id);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static void
a_file_comes_back_as_it_was (Fixture *f, gconstpointer data)
{
  g_autoptr (SbFile) file = receive (f, ID, "Hello, vault");
  g_autofree char *hash = sb_file_dup_hash (file);
  g_autofree char *wanted = g_compute_checksum_for_string (G_CHECKSUM_SHA256, "Hello, vault", -1);

  g_assert_cmpuint (file->size, ==, 12);
  g_assert_cmpstr (hash, ==, wanted);
  assert_content (f, file, "Hello, vault");
  g_assert_true (is_there (f, "01", ID));
  g_assert_false (is_there (f, "incoming", ID));
}

static void
an_empty_file_is_a_file (Fixture *f, gconstpointer data)
{
  g_autoptr (SbFile) file = receive (f, ID, "");
  g_autofree char *hash = sb_file_dup_hash (file);

  g_assert_cmpuint (file->size, ==, 0);
  g_assert_cmpstr (hash, ==, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  assert_content (f, file, "");
}

static void
pieces_keep_their_order (Fixture *f, gconstpointer data)
{
  g_autoptr (SbIncoming) incoming = sb_vault_receive (f->vault, ID);
  g_autoptr (GChecksum) hash = g_checksum_new (G_CHECKSUM_SHA256);
  g_autoptr (SbFile) file = NULL;
  g_autofree char *got = NULL;

  for (guint i = 0; i < 20000; i++)
    {
      g_autofree char *piece = g_strdup_printf ("piece %u\n", i);

      g_checksum_update (hash, (const guchar *) piece, -1);
      write_text (incoming, piece);
    }
  file = finish (incoming, NULL);
  got = sb_file_dup_hash (file);
  g_assert_cmpstr (got, ==, g_checksum_get_string (hash));
  sb_incoming_abort (incoming);
}

static void
what_waits_for_the_disk_is_bounded (Fixture *f, gconstpointer data)
{
  g_autoptr (SbIncoming) incoming = sb_vault_receive (f->vault, ID);
  g_autoptr (GBytes) bytes = g_bytes_new_take (g_malloc0 (MIB), MIB);
  g_autoptr (SbFile) file = NULL;
  guint told;

  sb_incoming_set_func (incoming, count_told, f);
  for (guint i = 0; i < 20; i++)
    {
      told = f->n_told + 1;
      g_assert_false (sb_incoming_write (incoming, bytes));
      sb_test_wait_count (&f->n_told, told, "room");
      g_assert_false (sb_incoming_is_full (incoming));
    }
  file = finish (incoming, NULL);
  g_assert_cmpuint (file->size, ==, 20 * MIB);
  sb_incoming_abort (incoming);
}

static void
what_was_aborted_leaves_nothing (Fixture *f, gconstpointer data)
{
  SbIncoming *incoming = sb_vault_receive (f->vault, ID);

  write_text (incoming, "half a fi");
  sb_incoming_abort (incoming);
  sb_incoming_unref (incoming);
  close_vault (f);
  g_assert_false (is_there (f, "incoming", ID));
  open_vault (f);
}

static void
what_was_finished_and_not_kept_can_be_aborted (Fixture *f, gconstpointer data)
{
  SbIncoming *incoming = sb_vault_receive (f->vault, ID);
  g_autoptr (SbFile) file = NULL;

  write_text (incoming, "a file");
  file = finish (incoming, NULL);
  g_assert_true (is_there (f, "incoming", ID));
  sb_incoming_abort (incoming);
  sb_incoming_unref (incoming);
  close_vault (f);
  g_assert_false (is_there (f, "incoming", ID));
  open_vault (f);
}

static void
several_files_are_kept_together (Fixture *f, gconstpointer data)
{
  const char *const ids[] = { ID, OTHER_ID, NULL };
  g_autoptr (SbIncoming) one = sb_vault_receive (f->vault, ID);
  g_autoptr (SbIncoming) other = sb_vault_receive (f->vault, OTHER_ID);
  g_autoptr (SbFile) one_file = NULL;
  g_autoptr (SbFile) other_file = NULL;

  write_text (one, "one");
  write_text (other, "other");
  one_file = finish (one, NULL);
  other_file = finish (other, NULL);
  keep (f, ids);
  assert_content (f, one_file, "one");
  assert_content (f, other_file, "other");
}

static void
what_was_removed_is_gone (Fixture *f, gconstpointer data)
{
  g_autoptr (SbFile) file = receive (f, ID, "a file");
  g_autoptr (GError) error = NULL;

  sb_vault_remove (f->vault, ID);
  close_vault (f);
  g_assert_false (is_there (f, "01", ID));
  open_vault (f);
  g_assert_cmpint (open_file (f, file, &error), ==, -1);
  g_assert_error (error, SB_ERROR, SB_ERROR_NOT_FOUND);
}

/* Holding */

static gboolean
is_other (const char *id, gpointer user_data)
{
  return strcmp (id, OTHER_ID) == 0;
}

static void
what_is_held_stays_until_the_hold_ends (Fixture *f, gconstpointer data)
{
  g_autoptr (SbFile) file = receive (f, ID, "a file");

  sb_vault_hold (f->vault);
  sb_vault_remove (f->vault, ID);
  assert_content (f, file, "a file");
  sb_vault_release_hold (f->vault);
  close_vault (f);
  g_assert_false (is_there (f, "01", ID));
  open_vault (f);
}

static void
a_hold_may_become_one_of_some_files (Fixture *f, gconstpointer data)
{
  g_autoptr (SbFile) file = receive (f, ID, "a file");
  g_autoptr (SbFile) other = receive (f, OTHER_ID, "another");

  sb_vault_hold (f->vault);
  sb_vault_remove (f->vault, ID);
  sb_vault_narrow_hold (f->vault, is_other, NULL);
  sb_vault_remove (f->vault, OTHER_ID);
  close_vault (f);
  g_assert_false (is_there (f, "01", ID));
  g_assert_true (is_there (f, "02", OTHER_ID));
  open_vault (f);
}

static void
what_a_hold_left_goes_with_the_next_sweep (Fixture *f, gconstpointer data)
{
  g_autoptr (SbFile) file = receive (f, ID, "a file");
  g_autoptr (GHashTable) none = g_hash_table_new (g_str_hash, g_str_equal);
  SbSweepReport report;

  sb_vault_hold (f->vault);
  sb_vault_remove (f->vault, ID);
  close_vault (f);
  open_vault (f);
  g_assert_true (sb_vault_sweep (f->vault, none, &report, NULL));
  g_assert_cmpuint (report.n_orphans, ==, 1);
  sb_sweep_report_clear (&report);
}

/* A full disk */

static void
nothing_is_received_below_the_reserve (Fixture *f, gconstpointer data)
{
  g_autoptr (SbIncoming) incoming = sb_vault_receive (f->vault, ID);
  g_autoptr (GError) error = NULL;
  g_autoptr (SbFile) file = NULL;

  sb_vault_set_disk_reserve (f->vault, G_MAXINT64);
  write_text (incoming, "a file");
  file = finish (incoming, &error);
  g_assert_null (file);
  g_assert_error (error, SB_ERROR, SB_ERROR_NO_SPACE);
  sb_incoming_abort (incoming);
}

static void
set_largest_file (rlim_t bytes)
{
  struct rlimit limit;

  getrlimit (RLIMIT_FSIZE, &limit);
  limit.rlim_cur = bytes;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
}

static void
a_file_that_does_not_fit_fails_and_tells (Fixture *f, gconstpointer data)
{
  g_autoptr (SbIncoming) incoming = sb_vault_receive (f->vault, ID);
  g_autoptr (GBytes) bytes = g_bytes_new_take (g_malloc0 (2 * MIB), 2 * MIB);
  g_autoptr (GError) error = NULL;
  g_autoptr (SbFile) file = NULL;

  signal (SIGXFSZ, SIG_IGN);
  set_largest_file (MIB);
  sb_incoming_set_func (incoming, count_told, f);
  g_assert_false (sb_incoming_write (incoming, bytes));
  sb_test_wait_count (&f->n_told, 1, "the failure");
  set_largest_file (RLIM_INFINITY);
  g_assert_error (sb_incoming_get_error (incoming), SB_ERROR, SB_ERROR_NO_SPACE);
  file = finish (incoming, &error);
  g_assert_error (error, SB_ERROR, SB_ERROR_NO_SPACE);
  sb_incoming_abort (incoming);
}

/* Looking after */

static void
damage (Fixture *f, const char *folder, const char *id, const char *content)
{
  g_autofree char *path = find (f, folder, id);

  g_assert_true (g_file_set_contents (path, content, -1, NULL));
}

static SbSweepReport
sweep (Fixture *f, SbFile *one, SbFile *other)
{
  g_autoptr (GHashTable) files = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GError) error = NULL;
  SbSweepReport report;

  if (one != NULL)
    g_hash_table_insert (files, (gpointer) one->id, one);
  if (other != NULL)
    g_hash_table_insert (files, (gpointer) other->id, other);
  sb_vault_sweep (f->vault, files, &report, &error);
  g_assert_no_error (error);
  return report;
}

static void
a_sweep_removes_what_no_message_names (Fixture *f, gconstpointer data)
{
  g_autoptr (SbFile) file = receive (f, ID, "stays");
  g_autoptr (SbFile) orphan = receive (f, OTHER_ID, "goes");
  SbSweepReport report;

  damage (f, "incoming", "fedcba9876543210fedcba9876543210", "half");
  damage (f, "02", "notes of the admin", "not ours");
  report = sweep (f, file, NULL);
  g_assert_cmpuint (report.n_files, ==, 1);
  g_assert_cmpuint (report.bytes, ==, 5);
  g_assert_cmpuint (report.n_orphans, ==, 2);
  g_assert_cmpuint (report.orphan_bytes, ==, 8);
  g_assert_false (is_there (f, "02", OTHER_ID));
  g_assert_false (is_there (f, "incoming", "fedcba9876543210fedcba9876543210"));
  g_assert_true (is_there (f, "02", "notes of the admin"));
  assert_content (f, file, "stays");
  sb_sweep_report_clear (&report);
}

static void
a_sweep_reports_what_is_not_there (Fixture *f, gconstpointer data)
{
  g_autoptr (SbFile) file = receive (f, ID, "stays");
  g_autoptr (SbFile) lost = receive (f, OTHER_ID, "lost");
  g_autofree char *path = find (f, "02", OTHER_ID);
  SbSweepReport report;

  g_unlink (path);
  report = sweep (f, file, lost);
  g_assert_cmpuint (report.n_files, ==, 1);
  g_assert_cmpuint (report.missing->len, ==, 1);
  g_assert_cmpstr (report.missing->pdata[0], ==, OTHER_ID);
  sb_sweep_report_clear (&report);
}

static void
a_file_of_another_size_is_reported_and_not_served (Fixture *f, gconstpointer data)
{
  g_autoptr (SbFile) file = receive (f, ID, "a file");
  g_autoptr (GError) error = NULL;
  SbSweepReport report;

  damage (f, "01", ID, "a fi");
  report = sweep (f, file, NULL);
  g_assert_cmpuint (report.wrong->len, ==, 1);
  g_assert_cmpint (open_file (f, file, &error), ==, -1);
  g_assert_error (error, SB_ERROR, SB_ERROR_CORRUPT);
  g_assert_true (is_there (f, "01", ID));
  sb_sweep_report_clear (&report);
}

static void
a_check_finds_a_byte_that_has_changed (Fixture *f, gconstpointer data)
{
  g_autoptr (SbFile) file = receive (f, ID, "a file");
  g_autoptr (GError) error = NULL;

  g_assert_true (sb_vault_check_file (f->vault, file, &error));
  assert_content (f, file, "a file");
  damage (f, "01", ID, "a fiLe");
  g_assert_false (sb_vault_check_file (f->vault, file, &error));
  g_assert_error (error, SB_ERROR, SB_ERROR_CORRUPT);
  g_clear_error (&error);
  g_assert_cmpint (open_file (f, file, &error), ==, -1);
  g_assert_error (error, SB_ERROR, SB_ERROR_CORRUPT);
}

static void
a_check_goes_on_where_it_was (Fixture *f, gconstpointer data)
{
  g_autoptr (SbFile) file = receive (f, ID, "a file");
  g_autoptr (SbFileCheck) check = sb_file_check_new (f->vault, file);
  g_autoptr (GError) error = NULL;
  gboolean is_over = FALSE;
  guint n = 0;

  for (; !is_over; n++)
    {
      g_autoptr (GObject) result = NULL;
      Call call = { 0 };

      sb_file_check_read_async (check, 4, note_result, &call);
      sb_test_wait_flag (&call.done, "a piece");
      result = G_OBJECT (call.result);
      g_assert_true (sb_file_check_read_finish (check, call.result, &is_over, &error));
    }
  g_assert_cmpuint (n, ==, 2);
}

#define ADD(name, func) g_test_add ("/vault/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  sb_test_init (&argc, &argv);
  ADD ("a-file-comes-back-as-it-was", a_file_comes_back_as_it_was);
  ADD ("an-empty-file-is-a-file", an_empty_file_is_a_file);
  ADD ("pieces-keep-their-order", pieces_keep_their_order);
  ADD ("what-waits-for-the-disk-is-bounded", what_waits_for_the_disk_is_bounded);
  ADD ("what-was-aborted-leaves-nothing", what_was_aborted_leaves_nothing);
  ADD ("what-was-finished-and-not-kept-can-be-aborted",
       what_was_finished_and_not_kept_can_be_aborted);
  ADD ("several-files-are-kept-together", several_files_are_kept_together);
  ADD ("what-was-removed-is-gone", what_was_removed_is_gone);
  ADD ("what-is-held-stays-until-the-hold-ends", what_is_held_stays_until_the_hold_ends);
  ADD ("a-hold-may-become-one-of-some-files", a_hold_may_become_one_of_some_files);
  ADD ("what-a-hold-left-goes-with-the-next-sweep", what_a_hold_left_goes_with_the_next_sweep);
  ADD ("nothing-is-received-below-the-reserve", nothing_is_received_below_the_reserve);
  ADD ("a-file-that-does-not-fit-fails-and-tells", a_file_that_does_not_fit_fails_and_tells);
  ADD ("a-sweep-removes-what-no-message-names", a_sweep_removes_what_no_message_names);
  ADD ("a-sweep-reports-what-is-not-there", a_sweep_reports_what_is_not_there);
  ADD ("a-file-of-another-size-is-reported-and-not-served",
       a_file_of_another_size_is_reported_and_not_served);
  ADD ("a-check-finds-a-byte-that-has-changed", a_check_finds_a_byte_that_has_changed);
  ADD ("a-check-goes-on-where-it-was", a_check_goes_on_where_it_was);
  return g_test_run ();
}

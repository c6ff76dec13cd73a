/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sqlite-open: which files are opened, and which are refused and left alone. */

#include "sb-test.h"
#include "sqlite-rig.h"

#include <glib/gstdio.h>
#include <unistd.h>

/* A closed store with messages m1 to m200. */
static SqliteRig *
make_filled (void)
{
  SqliteRig *rig = sqlite_rig_new ();
  g_autoptr (GError) error = NULL;

  sqlite_rig_try_send_many (rig, "m", 200, &error);
  g_assert_no_error (error);
  sqlite_rig_close (rig);
  return rig;
}

static void
write_at (const char *path, long offset, const char *text)
{
  FILE *file = g_fopen (path, "r+b");

  g_assert_nonnull (file);
  g_assert_no_errno (fseek (file, offset, SEEK_SET));
  g_assert_cmpint (fputs (text, file), >=, 0);
  g_assert_no_errno (fclose (file));
}

static void
a_store_is_as_it_was_when_it_is_opened_again (void)
{
  g_autoptr (SqliteRig) rig = sqlite_rig_new ();

  sqlite_rig_send (rig, "m1");
  sqlite_rig_send (rig, "m2");
  sqlite_rig_confirm (rig, "m1");
  sqlite_rig_close (rig);
  sqlite_rig_open (rig);
  sqlite_rig_assert_pending (rig, "m2");
  sqlite_rig_assert_count (rig, 1);
}

static void
positions_are_not_given_again_after_a_restart (void)
{
  g_autoptr (SqliteRig) rig = sqlite_rig_new ();
  gint64 before = sqlite_rig_send (rig, "m1");

  sqlite_rig_confirm (rig, "m1");
  sqlite_rig_close (rig);
  sqlite_rig_exec (rig, "DELETE FROM message; DELETE FROM ended; DELETE FROM remembered");
  sqlite_rig_open (rig);
  g_assert_cmpint (sqlite_rig_send (rig, "m2"), >, before);
}

static void
a_damaged_page_is_refused (void)
{
  g_autoptr (SqliteRig) rig = make_filled ();

  /* The first page of a table: a page of no known kind. */
  write_at (rig->path, 4096, "XXXXXXXXXXXXXXXX");
  sqlite_rig_assert_refused (rig, SB_ERROR_CORRUPT, "restore a backup");
}

static void
a_file_that_was_cut_is_refused (void)
{
  g_autoptr (SqliteRig) rig = make_filled ();
  GStatBuf info;

  g_assert_no_errno (g_stat (rig->path, &info));
  g_assert_no_errno (truncate (rig->path, info.st_size / 2 / 4096 * 4096));
  sqlite_rig_assert_refused (rig, SB_ERROR_CORRUPT, "restore a backup");
}

static void
a_file_that_is_no_database_is_refused (void)
{
  g_autoptr (SqliteRig) rig = sqlite_rig_new_empty ();
  g_autofree char *text = g_strnfill (10000, 'x');

  g_assert_true (g_file_set_contents (rig->path, text, -1, NULL));
  sqlite_rig_assert_refused (rig, SB_ERROR_CORRUPT, "restore a backup");
}

static void
a_database_without_one_of_the_tables_is_refused (void)
{
  g_autoptr (SqliteRig) rig = make_filled ();

  sqlite_rig_exec (rig, "DROP TABLE queue");
  sqlite_rig_assert_refused (rig, SB_ERROR_CORRUPT, "no such table: queue");
}

static void
a_newer_database_is_refused (void)
{
  g_autoptr (SqliteRig) rig = make_filled ();

  sqlite_rig_exec (rig, "PRAGMA user_version = 1000");
  sqlite_rig_assert_refused (rig, SB_ERROR_UNSUPPORTED, "Start the newer program");
}

static void
the_next_version_is_refused (void)
{
  g_autoptr (SqliteRig) rig = make_filled ();
  g_autofree char *next = g_strdup_printf ("PRAGMA user_version = %" G_GINT64_FORMAT,
                                           sqlite_rig_get_number (rig, "PRAGMA user_version") + 1);

  sqlite_rig_exec (rig, next);
  sqlite_rig_assert_refused (rig, SB_ERROR_UNSUPPORTED, "Start the newer program");
}

static void
a_database_of_another_program_is_refused (void)
{
  g_autoptr (SqliteRig) rig = sqlite_rig_new_empty ();

  sqlite_rig_exec (rig, "PRAGMA application_id = 7; CREATE TABLE t (a)");
  sqlite_rig_assert_refused (rig, SB_ERROR_UNSUPPORTED, "another program");
}

static void
a_database_without_a_mark_is_refused (void)
{
  g_autoptr (SqliteRig) rig = sqlite_rig_new_empty ();

  sqlite_rig_exec (rig, "CREATE TABLE message (a)");
  sqlite_rig_assert_refused (rig, SB_ERROR_UNSUPPORTED, "another program");
}

static void
an_empty_file_becomes_a_database (void)
{
  g_autoptr (SqliteRig) rig = sqlite_rig_new_empty ();

  g_assert_true (g_file_set_contents (rig->path, "", 0, NULL));
  sqlite_rig_open (rig);
  sqlite_rig_assert_pending (rig, "");
}

static void
a_store_that_is_open_is_not_opened_again (void)
{
  g_autoptr (SqliteRig) rig = sqlite_rig_new ();
  g_autoptr (GError) error = NULL;
  SbStore *first = g_steal_pointer (&rig->store);

  g_assert_false (sqlite_rig_try_open (rig, &error));
  g_assert_error (error, SB_ERROR, SB_ERROR_BUSY);
  g_assert_nonnull (strstr (error->message, "Stop that process"));
  rig->store = first;
  sqlite_rig_send (rig, "m1");
}

static void
a_store_can_be_opened_after_it_was_refused (void)
{
  g_autoptr (SqliteRig) rig = make_filled ();
  g_autoptr (GError) error = NULL;

  sqlite_rig_exec (rig, "PRAGMA user_version = 1000");
  g_assert_false (sqlite_rig_try_open (rig, &error));
  sqlite_rig_exec (rig, "PRAGMA user_version = 2");
  sqlite_rig_open (rig);
  sqlite_rig_assert_count (rig, 200);
}

static void
a_folder_that_is_not_there_is_an_error (void)
{
  g_autoptr (SqliteRig) rig = sqlite_rig_new_empty ();
  g_autoptr (GError) error = NULL;
  g_autofree char *dir = g_steal_pointer (&rig->dir);

  rig->dir = g_build_filename (dir, "missing", NULL);
  g_assert_false (sqlite_rig_try_open (rig, &error));
  g_assert_error (error, SB_ERROR, SB_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "missing"));
  g_free (rig->dir);
  rig->dir = g_steal_pointer (&dir);
}

/* A database of a past version, as it was left then. */
static SqliteRig *
make_past (const char *name)
{
  SqliteRig *rig = sqlite_rig_new_empty ();
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "sqlite", name, NULL);
  g_autofree char *sql = NULL;

  g_assert_true (g_file_get_contents (path, &sql, NULL, NULL));
  sqlite_rig_exec (rig, sql);
  rig->user = 1;
  return rig;
}

/* In all of them user 1 has m2 pending, m3 parked, m4 scheduled and m5 dead; m1 was confirmed, m6
 * went to users 1 and 2, of whom 2 confirmed. */
static void
a_database_of_a_past_version_is_opened (gconstpointer name)
{
  g_autoptr (SqliteRig) rig = make_past (name);
  g_autoptr (GPtrArray) receipts = NULL;
  SbBacklog backlog;

  sqlite_rig_open (rig);
  sqlite_rig_assert_pending (rig, "m2 m6");
  g_assert_true (sb_store_backlog (rig->store, 1, &backlog, NULL));
  g_assert_cmpuint (backlog.waiting, ==, 4);
  g_assert_cmpuint (backlog.scheduled, ==, 1);
  g_assert_cmpuint (backlog.parked, ==, 1);
  g_assert_cmpuint (backlog.dead, ==, 1);
  g_assert_cmpint (backlog.oldest, ==, START);
  sqlite_rig_assert_status (rig, "m1", "confirmed user");
  sqlite_rig_assert_status (rig, "m3", "parked user");
  sqlite_rig_assert_status (rig, "m4", "scheduled user");
  sqlite_rig_assert_status (rig, "m5", "dead user");
  sqlite_rig_assert_status (rig, "m6", "pending user, confirmed user2");
  receipts = sb_store_receipts (rig->store, 1, 10, NULL);
  g_assert_cmpuint (receipts->len, ==, 1);
  sqlite_rig_confirm (rig, "m6");
}

/* What was there can be used as if it had been made today, and is still there the next time. */
static void
a_database_of_a_past_version_is_brought_up_to_date (gconstpointer name)
{
  g_autoptr (SqliteRig) rig = make_past (name);
  g_autoptr (SbOperation) requeue = sqlite_rig_make_requeue (1, "m5");
  g_autoptr (SbOperation) move = sqlite_rig_make_move (1, 2, "m2");
  g_autoptr (GPtrArray) users = NULL;
  const SbUser *user;

  sqlite_rig_open (rig);
  g_assert_cmpint (sqlite_rig_apply (rig, requeue), ==, SB_OUTCOME_DONE);
  g_assert_cmpint (sqlite_rig_apply (rig, move), ==, SB_OUTCOME_DONE);
  sqlite_rig_close (rig);
  g_assert_cmpint (sqlite_rig_get_number (rig, "PRAGMA user_version"), ==, 2);
  sqlite_rig_open (rig);
  sqlite_rig_assert_pending (rig, "m6 m5");
  sqlite_rig_assert_status (rig, "m2", "dropped user, pending user2");
  users = sb_store_users (rig->store, NULL);
  user = g_ptr_array_index (users, 1);
  g_assert_cmpstr (user->id, ==, "user2");
  g_assert_true (user->admin);
  g_assert_true (sb_user_has_tag (user, "news"));
  g_assert_cmpint (user->ttl, ==, SB_USER_NO_TTL);
  g_assert_false (user->paused);
}

static const char *
get_log (SbMessageStatus *status, guint n)
{
  return ((SbDeliveryStatus *) g_ptr_array_index (status->deliveries, n))->log;
}

/* There m7 was moved from user 2 to user 3, who is paused and has a ttl; m8 was parked with a log
 * and requeued; m9 was confirmed with a log; user 2 was notified of the file of m10. */
static void
what_came_with_version_2_is_read (void)
{
  g_autoptr (SqliteRig) rig = make_past ("version-2.sql");
  g_autoptr (GPtrArray) users = NULL;
  g_autoptr (SbMessageStatus) requeued = NULL;
  g_autoptr (SbMessageStatus) confirmed = NULL;
  const SbUser *user;

  sqlite_rig_open (rig);
  users = sb_store_users (rig->store, NULL);
  user = g_ptr_array_index (users, 2);
  g_assert_cmpint (user->ttl, ==, 60);
  g_assert_true (user->paused);
  sqlite_rig_assert_status (rig, "m7", "dropped user2, pending user3");
  sqlite_rig_assert_status (rig, "m8", "pending user2");
  sqlite_rig_assert_status (rig, "m9", "confirmed user2");
  requeued = sb_store_status (rig->store, "m8", NULL);
  confirmed = sb_store_status (rig->store, "m9", NULL);
  g_assert_cmpstr (get_log (requeued, 0), ==, "log of m8");
  g_assert_cmpstr (get_log (confirmed, 0), ==, "log of m9");
  rig->user = 3;
  sqlite_rig_confirm (rig, "m7");
}

static void
a_file_of_version_2_is_read_and_released (void)
{
  g_autoptr (SqliteRig) rig = make_past ("version-2.sql");
  g_autoptr (SbOperation) end = sqlite_rig_make_end (2, "m10", SB_DELIVERY_CONFIRMED);
  g_autoptr (SbFileInfo) info = NULL;

  sqlite_rig_open (rig);
  info = sb_store_file (rig->store, "k3-report.pdf", NULL);
  g_assert_nonnull (info);
  g_assert_cmpstr (info->message_id, ==, "m10");
  g_assert_cmpstr (info->file->display_name, ==, "отчёт.pdf");
  g_assert_cmpuint (info->file->size, ==, 1024 * 1024);
  g_assert_cmpuint (info->file->digest[31], ==, 31);
  g_assert_cmpint (g_array_index (info->rights, SbFileRight, 0).state, ==, SB_DELIVERY_NOTIFIED);
  end->end.release = TRUE;
  g_assert_cmpint (sqlite_rig_apply (rig, end), ==, SB_OUTCOME_DONE);
  g_assert_cmpstr (end->end.released, ==, "0123456789abcdef0123456789abcdef");
}

static void
a_migration_that_fails_leaves_everything_as_it_was (void)
{
  g_autoptr (SqliteRig) rig = make_past ("version-1.sql");
  g_autoptr (GError) error = NULL;

  sqlite_rig_exec (rig, "CREATE TABLE log (a)");
  g_assert_false (sqlite_rig_try_open (rig, &error));
  g_assert_nonnull (strstr (error->message, "from version 1 to 2 failed, it is as before"));
  g_assert_cmpint (sqlite_rig_get_number (rig, "PRAGMA user_version"), ==, 1);
  g_assert_cmpint (sqlite_rig_get_number (rig, "SELECT count(*) FROM pragma_table_info ('user')"),
                   ==, 8);
  sqlite_rig_exec (rig, "DROP TABLE log");
  sqlite_rig_open (rig);
  sqlite_rig_assert_pending (rig, "m2 m6");
}

int
main (int argc, char *argv[])
{
  sqlite_rig_init (&argc, &argv);
#define ADD(name, function) g_test_add_func ("/sqlite/open/" name, function)
  ADD ("a-store-is-as-it-was-when-it-is-opened-again",
       a_store_is_as_it_was_when_it_is_opened_again);
  ADD ("positions-are-not-given-again-after-a-restart",
       positions_are_not_given_again_after_a_restart);
  ADD ("a-damaged-page-is-refused", a_damaged_page_is_refused);
  ADD ("a-file-that-was-cut-is-refused", a_file_that_was_cut_is_refused);
  ADD ("a-file-that-is-no-database-is-refused", a_file_that_is_no_database_is_refused);
  ADD ("a-database-without-one-of-the-tables-is-refused",
       a_database_without_one_of_the_tables_is_refused);
  ADD ("a-newer-database-is-refused", a_newer_database_is_refused);
  ADD ("the-next-version-is-refused", the_next_version_is_refused);
  ADD ("a-database-of-another-program-is-refused", a_database_of_another_program_is_refused);
  ADD ("a-database-without-a-mark-is-refused", a_database_without_a_mark_is_refused);
  ADD ("an-empty-file-becomes-a-database", an_empty_file_becomes_a_database);
  ADD ("a-store-that-is-open-is-not-opened-again", a_store_that_is_open_is_not_opened_again);
  ADD ("a-store-can-be-opened-after-it-was-refused", a_store_can_be_opened_after_it_was_refused);
  ADD ("a-folder-that-is-not-there-is-an-error", a_folder_that_is_not_there_is_an_error);
  ADD ("what-came-with-version-2-is-read", what_came_with_version_2_is_read);
  ADD ("a-file-of-version-2-is-read-and-released", a_file_of_version_2_is_read_and_released);
  ADD ("a-migration-that-fails-leaves-everything-as-it-was",
       a_migration_that_fails_leaves_everything_as_it_was);
#undef ADD
#define ADD_PAST(version)                                                                       \
  g_test_add_data_func ("/sqlite/open/a-database-of-version-" version "-is-opened",             \
                        "version-" version ".sql", a_database_of_a_past_version_is_opened);     \
  g_test_add_data_func ("/sqlite/open/a-database-of-version-" version "-is-brought-up-to-date", \
                        "version-" version ".sql",                                              \
                        a_database_of_a_past_version_is_brought_up_to_date)
  ADD_PAST ("1");
  ADD_PAST ("2");
#undef ADD_PAST
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-restore: `simplebusd --restore`, into folders and at moments of all kinds. */

#include "backup.h"
#include "sb-test-file.h"
#include "sb-test.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

/* More than the limit that stands for a full disk. */
#define FILE_SIZE (2 * 1024 * 1024)
#define DISK_SIZE (1024 * 1024)

typedef struct
{
  char *folder; /* (owned) */
  char *backup; /* (owned) path */
  char *file;   /* (owned) path of its download */
} Archive;

/* Of a bus with a message and a file for bob. It is made once. */
static Archive archive;

static void
make_archive (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", NULL);
  g_autofree char *data = sb_test_make_bytes (FILE_SIZE, 1);
  g_autofree char *path = NULL;
  g_autofree char *content = NULL;
  gsize length;

  archive.folder = sb_test_make_dir ();
  archive.backup = g_build_filename (archive.folder, "backup.tar", NULL);
  archive.file = sb_test_put_file (bus->alice, "{\"_id\":\"f-1\",\"to\":\"@bob\",\"message\":1}",
                                   "a.bin", data, FILE_SIZE);
  g_free (sb_test_put (bus->alice, "{\"_id\":\"m-1\",\"to\":\"@bob\",\"message\":1}"));
  path = backup_fetch (bus->daemon, "a.tar");
  g_assert_true (g_file_get_contents (path, &content, &length, NULL));
  g_assert_true (g_file_set_contents (archive.backup, content, (gssize) length, NULL));
}

static void
drop_archive (void)
{
  sb_test_remove_dir (archive.folder);
  g_free (archive.backup);
  g_free (archive.file);
}

/* All that was there is there. */
static void
assert_restored (SbTestDaemon *daemon)
{
  g_autoptr (SbTestHttp) bob = NULL;
  g_autoptr (SbTestAnswer) file = NULL;
  g_autoptr (SbTestWs) session = NULL;
  g_autofree char *data = sb_test_make_bytes (FILE_SIZE, 1);

  sb_test_daemon_start (daemon);
  bob = sb_test_http_as (daemon, "bob");
  file = sb_test_download (bob, archive.file, NULL);
  sb_test_assert_status (file, 200);
  g_assert_cmpmem (file->body, file->length, data, FILE_SIZE);
  session = sb_test_ws_log_in_as (daemon, "bob", NULL);
  sb_test_frame_free (sb_test_ws_take_id (session, "f-1"));
  sb_test_frame_free (sb_test_ws_take_id (session, "m-1"));
  sb_test_ws_assert_nothing (session);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Names in a folder, sorted, with a space between. */
static char *
list_folder (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);
  return g_strjoinv (" ", (char **) names->pdata);
}

static void
restore (BackupRun *run, SbTestDaemon *daemon, const char *environment, const char *path)
{
  backup_run (run, environment, "--data-dir", sb_test_daemon_get_data_dir (daemon), "--restore",
              path, NULL);
}

/* It is refused with these words, and nothing but the lock is in the folder. */
static void
assert_refused (const BackupRun *run, SbTestDaemon *daemon, const char *words)
{
  g_autofree char *names = list_folder (sb_test_daemon_get_data_dir (daemon));

  g_assert_cmpint (run->status, ==, 1);
  if (strstr (run->errors, words) == NULL)
    g_error ("“%s” does not say “%s”", run->errors, words);
  g_assert_cmpstr (names, ==, "lock");
}

/* Good ones */

static void
a_backup_becomes_a_data_folder (void)
{
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_new ();
  g_auto (BackupRun) run = { 0 };
  g_autofree char *names = NULL;

  restore (&run, daemon, NULL, archive.backup);
  g_assert_cmpint (run.status, ==, 0);
  g_assert_nonnull (strstr (run.output, "Restored: 4 users, 2 deliveries that wait, 1 files.\n"));
  names = list_folder (sb_test_daemon_get_data_dir (daemon));
  g_assert_cmpstr (names, ==, "files lock simplebus.db simplebus.db-lock token.key");
  assert_restored (daemon);
}

static void
it_comes_from_a_pipe (void)
{
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_new ();
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDOUT_SILENCE);
  g_autofree char *line = g_strdup_printf ("cat '%s' | '%s' --data-dir '%s' --restore -",
                                           archive.backup, SB_TEST_PROGRAM,
                                           sb_test_daemon_get_data_dir (daemon));
  g_autoptr (GSubprocess) process = g_subprocess_launcher_spawn (launcher, NULL, "sh", "-c", line,
                                                                 NULL);

  g_assert_true (g_subprocess_wait_check (process, NULL, NULL));
  assert_restored (daemon);
}

static void
its_files_are_for_the_owner_only (void)
{
  static const char *const names[] = { "simplebus.db", "token.key" };
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_new ();

  backup_restore (daemon, archive.backup);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (sb_test_daemon_get_data_dir (daemon), names[i],
                                                NULL);
      GStatBuf info;

      g_assert_no_errno (g_stat (path, &info));
      g_assert_cmpuint (info.st_mode & 0777, ==, 0600);
    }
}

static void
the_database_goes_where_this_bus_has_it (void)
{
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_new ();
  g_auto (BackupRun) run = { 0 };

  backup_run (&run, NULL, "--data-dir", sb_test_daemon_get_data_dir (daemon), "--set",
              "store-sqlite.file=below/bus.db", "--restore", archive.backup, NULL);
  g_assert_cmpint (run.status, ==, 0);
  sb_test_daemon_set (daemon, "store-sqlite.file=below/bus.db");
  assert_restored (daemon);
}

/* Refused ones */

static void
a_folder_in_use_is_left_alone (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", NULL);
  g_auto (BackupRun) running = { 0 };
  g_auto (BackupRun) stopped = { 0 };
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;

  restore (&running, bus->daemon, NULL, archive.backup);
  g_assert_cmpint (running.status, ==, 1);
  g_assert_nonnull (strstr (running.errors, "stop it first"));
  sb_test_daemon_terminate (bus->daemon);
  before = list_folder (sb_test_daemon_get_data_dir (bus->daemon));
  restore (&stopped, bus->daemon, NULL, archive.backup);
  g_assert_cmpint (stopped.status, ==, 1);
  g_assert_nonnull (strstr (stopped.errors, "move away"));
  after = list_folder (sb_test_daemon_get_data_dir (bus->daemon));
  g_assert_cmpstr (after, ==, before);
}

static void
one_of_another_store_is_refused (void)
{
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_new ();
  g_auto (BackupRun) run = { 0 };

  backup_run (&run, NULL, "--data-dir", sb_test_daemon_get_data_dir (daemon), "--set",
              "bus.store=memory", "--restore", archive.backup, NULL);
  assert_refused (&run, daemon, "bus.store=sqlite");
}

static void
a_database_outside_of_the_folder_is_refused (void)
{
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_new ();
  g_auto (BackupRun) run = { 0 };
  g_autofree char *setting = g_strdup_printf ("store-sqlite.file=%s/x.db",
                                              sb_test_daemon_get_dir (daemon));

  backup_run (&run, NULL, "--data-dir", sb_test_daemon_get_data_dir (daemon), "--set", setting,
              "--restore", archive.backup, NULL);
  assert_refused (&run, daemon, "store-sqlite.file=simplebus.db");
}

/* Returns: (transfer full): a copy of the archive that is @change bytes shorter, or has a byte
 * changed at that place. */
static char *
spoil (SbTestDaemon *daemon, gsize cut, gsize place)
{
  char *path = g_build_filename (sb_test_daemon_get_dir (daemon), "spoilt.tar", NULL);
  g_autofree char *content = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (archive.backup, &content, &length, NULL));
  if (place > 0)
    content[place] ^= 1;
  g_assert_true (g_file_set_contents (path, content, (gssize) (length - cut), NULL));
  return path;
}

static void
one_that_was_cut_off_leaves_nothing (void)
{
  static const gsize cuts[] = { 1, 1000, 50000, FILE_SIZE };
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_new ();

  for (guint i = 0; i < G_N_ELEMENTS (cuts); i++)
    {
      g_autofree char *path = spoil (daemon, cuts[i], 0);
      g_auto (BackupRun) run = { 0 };

      restore (&run, daemon, NULL, path);
      assert_refused (&run, daemon, "cut off");
      g_assert_false (backup_is_whole (path));
    }
}

static void
one_with_a_flipped_bit_leaves_nothing (void)
{
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_new ();
  g_autofree char *path = spoil (daemon, 0, FILE_SIZE / 2);
  g_auto (BackupRun) run = { 0 };

  restore (&run, daemon, NULL, path);
  assert_refused (&run, daemon, "is damaged");
  g_assert_false (backup_is_whole (path));
}

static void
another_file_is_refused (void)
{
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_new ();
  g_auto (BackupRun) run = { 0 };
  g_auto (BackupRun) none = { 0 };

  restore (&run, daemon, NULL, SB_TEST_PROGRAM);
  assert_refused (&run, daemon, "no archive of a backup");
  restore (&none, daemon, NULL, "/nonexistent/backup.tar");
  assert_refused (&none, daemon, "cannot be read");
}

static void
limit_files (gpointer user_data)
{
  const struct rlimit limit = { DISK_SIZE, DISK_SIZE };

  setrlimit (RLIMIT_FSIZE, &limit);
}

static void
a_full_disk_leaves_nothing (void)
{
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_new ();
  const char *const line[] = {
    SB_TEST_PROGRAM, "--data-dir",   sb_test_daemon_get_data_dir (daemon),
    "--restore",     archive.backup, NULL
  };
  g_auto (BackupRun) run = { 0 };
  int status = 0;

  g_assert_true (g_spawn_sync (NULL, (char **) line, NULL, G_SPAWN_DEFAULT, limit_files, NULL,
                               &run.output, &run.errors, &status, NULL));
  g_assert_true (WIFEXITED (status));
  run.status = WEXITSTATUS (status);
  assert_refused (&run, daemon, "cannot be written");
  backup_restore (daemon, archive.backup);
  assert_restored (daemon);
}

/* Killed ones */

/* Nothing was restored; that is said, and a second attempt works. */
static void
it_dies_before_it_is_done (gconstpointer point)
{
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_new ();
  g_autofree char *environment = g_strconcat ("SIMPLEBUS_FAULT_POINT=", point, NULL);
  g_auto (BackupRun) run = { 0 };
  g_autofree char *refusal = NULL;

  restore (&run, daemon, environment, archive.backup);
  g_assert_cmpint (run.status, ==, 1000 + SIGKILL);
  refusal = sb_test_daemon_start_refused (daemon);
  g_assert_nonnull (strstr (refusal, "a restore was interrupted here"));
  backup_restore (daemon, archive.backup);
  assert_restored (daemon);
}

/* It is restored; a start, or another tool, brings it to its end. */
static void
it_dies_when_it_is_done (gconstpointer point)
{
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_new ();
  g_autofree char *environment = g_strconcat ("SIMPLEBUS_FAULT_POINT=", point, NULL);
  g_auto (BackupRun) run = { 0 };
  g_autofree char *names = NULL;

  restore (&run, daemon, environment, archive.backup);
  g_assert_cmpint (run.status, ==, 1000 + SIGKILL);
  assert_restored (daemon);
  names = list_folder (sb_test_daemon_get_data_dir (daemon));
  g_assert_null (strstr (names, "restore"));
}

static void
a_second_attempt_ends_the_first_one (void)
{
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_new ();
  g_auto (BackupRun) killed = { 0 };
  g_auto (BackupRun) again = { 0 };

  restore (&killed, daemon, "SIMPLEBUS_FAULT_POINT=restore-moved", archive.backup);
  g_assert_cmpint (killed.status, ==, 1000 + SIGKILL);
  restore (&again, daemon, NULL, archive.backup);
  g_assert_cmpint (again.status, ==, 1);
  g_assert_nonnull (strstr (again.errors, "is in use"));
  assert_restored (daemon);
}

/* Looking only */

static void
a_whole_one_is_called_whole (void)
{
  g_auto (BackupRun) run = { 0 };

  backup_run (&run, NULL, "--verify-backup", archive.backup, NULL);
  g_assert_cmpint (run.status, ==, 0);
  g_assert_nonnull (strstr (run.output, "1 files"));
  g_assert_true (g_str_has_suffix (run.output, "All of it is whole.\n"));
}

static void
add_deaths (void)
{
  static const char *const before[] = { "restore-write", "restore-write:9", "restore-checked" };
  static const char *const after[] = { "restore-committed", "restore-moved", "restore-moved:3",
                                       "restore-cleared" };

  for (guint i = 0; i < G_N_ELEMENTS (before); i++)
    {
      g_autofree char *path = g_strconcat ("/restore/dies-at-", before[i], NULL);

      g_test_add_data_func (path, before[i], it_dies_before_it_is_done);
    }
  for (guint i = 0; i < G_N_ELEMENTS (after); i++)
    {
      g_autofree char *path = g_strconcat ("/restore/dies-at-", after[i], NULL);

      g_test_add_data_func (path, after[i], it_dies_when_it_is_done);
    }
}

int
main (int argc, char *argv[])
{
  int status;

  sb_test_init (&argc, &argv);
#define ADD(name, func) g_test_add_func ("/restore/" name, func)
  ADD ("a-backup-becomes-a-data-folder", a_backup_becomes_a_data_folder);
  ADD ("it-comes-from-a-pipe", it_comes_from_a_pipe);
  ADD ("its-files-are-for-the-owner-only", its_files_are_for_the_owner_only);
  ADD ("the-database-goes-where-this-bus-has-it", the_database_goes_where_this_bus_has_it);
  ADD ("a-folder-in-use-is-left-alone", a_folder_in_use_is_left_alone);
  ADD ("one-of-another-store-is-refused", one_of_another_store_is_refused);
  ADD ("a-database-outside-of-the-folder-is-refused", a_database_outside_of_the_folder_is_refused);
  ADD ("one-that-was-cut-off-leaves-nothing", one_that_was_cut_off_leaves_nothing);
  ADD ("one-with-a-flipped-bit-leaves-nothing", one_with_a_flipped_bit_leaves_nothing);
  ADD ("another-file-is-refused", another_file_is_refused);
  ADD ("a-full-disk-leaves-nothing", a_full_disk_leaves_nothing);
  ADD ("a-second-attempt-ends-the-first-one", a_second_attempt_ends_the_first_one);
  ADD ("a-whole-one-is-called-whole", a_whole_one_is_called_whole);
  add_deaths ();
  make_archive ();
  status = g_test_run ();
  drop_archive ();
  return status;
}

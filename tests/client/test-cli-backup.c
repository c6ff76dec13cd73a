/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-cli-backup: `simplebus backup` and `restore`: what is there is whole, and what is not whole
 * is not there, whatever happens on the way. `simplebusd --verify-backup` has to be of the same
 * mind.
 */

#include "sb-test-cli.h"
#include "sb-test-file.h"
#include "sb-test-proxy.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#define BLOCK 512
#define FILE_SIZE 300000

/* More than all sockets on the way hold. */
#define LARGE_FILE_SIZE (32 * 1024 * 1024)

/* A bus with a message and two files, its command line, and what is to become the backup. */
typedef struct
{
  SbTestSite *bus;    /* (owned) */
  SbTestCli *cli;     /* (owned) */
  SbTestProxy *proxy; /* (owned) */
  char *path;         /* (owned) */
  char *part;         /* (owned) */
} Fixture;

static void
fixture_init (Fixture *self)
{
  g_autofree char *data = sb_test_make_bytes (FILE_SIZE, 1);
  g_autofree char *url = NULL;
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  g_autofree char *id = NULL;

  self->bus = sb_test_site_new ("bus.store=sqlite", NULL);
  id = sb_test_put (self->bus->alice, "{\"_id\":\"m1\",\"to\":\"@bob\",\"message\":\"kept\"}");
  first = sb_test_put_file (self->bus->alice, "{\"to\":\"@bob\",\"message\":1}", "a", data,
                            FILE_SIZE);
  second = sb_test_put_file (self->bus->alice, "{\"to\":\"@bob\",\"message\":2}", "b", "", 0);
  self->cli = sb_test_cli_new_for (self->bus->daemon, "admin");
  self->proxy = sb_test_proxy_new (sb_test_daemon_get_http_port (self->bus->daemon));
  url = g_strdup_printf ("http://127.0.0.1:%u", sb_test_proxy_get_port (self->proxy));
  sb_test_cli_setenv (self->cli, "SIMPLEBUS_URL", url);
  self->path = g_build_filename (sb_test_cli_get_home (self->cli), "bus.tar", NULL);
  self->part = g_strconcat (self->path, ".part", NULL);
}

static void
fixture_clear (Fixture *self)
{
  g_free (self->path);
  g_free (self->part);
  sb_test_proxy_free (self->proxy);
  sb_test_cli_free (self->cli);
  sb_test_site_free (self->bus);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Fixture, fixture_clear)

static gboolean
is_there (const char *path)
{
  return g_file_test (path, G_FILE_TEST_EXISTS) || g_file_test (path, G_FILE_TEST_IS_SYMLINK);
}

static void
assert_nothing_is_left (Fixture *self)
{
  g_assert_false (is_there (self->path));
  g_assert_false (is_there (self->part));
}

/* Whether simplebusd takes it for whole. */
static gboolean
is_whole (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = NULL;

  process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE,
                              &error, g_getenv ("SIMPLEBUSD"), "--verify-backup", path, NULL);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_wait (process, NULL, &error));
  return g_subprocess_get_if_exited (process) && g_subprocess_get_exit_status (process) == 0;
}

static void
make_backup (Fixture *self)
{
  g_autoptr (SbTestOutcome) outcome = sb_test_cli_run (self->cli, "backup", self->path, NULL);

  sb_test_assert_outcome (outcome, 0);
}

/* Begins one that does not come further than that many bytes. */
static GSubprocess *
begin_stalled (Fixture *self)
{
  g_autoptr (GSubprocessLauncher) launcher = NULL;
  g_autoptr (GError) error = NULL;
  GSubprocess *process;

  launcher = sb_test_cli_make_launcher (self->cli, G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  sb_test_proxy_set_trickle (self->proxy, SB_TEST_WAY_DOWN, 1);
  process = g_subprocess_launcher_spawn (launcher, &error, sb_test_cli_get_program (), "backup",
                                         self->path, NULL);
  g_assert_no_error (error);
  sb_test_proxy_wait_bytes (self->proxy, SB_TEST_WAY_DOWN, 600);
  g_assert_true (is_there (self->part));
  return process;
}

static void
ended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  gboolean *has_ended = user_data;

  *has_ended = TRUE;
}

/* Returns: its exit status; minus the signal's number when one ended it */
static int
wait_for_end (GSubprocess *process)
{
  gboolean has_ended = FALSE;

  g_subprocess_wait_async (process, NULL, ended_cb, &has_ended);
  sb_test_wait_flag (&has_ended, "the end of simplebus");
  return g_subprocess_get_if_exited (process) ? g_subprocess_get_exit_status (process)
                                              : -g_subprocess_get_term_sig (process);
}

/* --- A whole one --- */

static void
test_is_whole_and_for_its_owner_only (void)
{
  g_auto (Fixture) fixture = { NULL };
  g_autoptr (SbTestOutcome) outcome = NULL;
  g_autoptr (SbTestOutcome) verified = NULL;
  GStatBuf info;

  fixture_init (&fixture);
  outcome = sb_test_cli_run (fixture.cli, "backup", fixture.path, NULL);
  sb_test_assert_outcome (outcome, 0);
  sb_test_assert_contains (outcome->out, "2 files that wait; all of it is whole");
  g_assert_cmpstr (outcome->err, ==, "");
  g_assert_true (is_whole (fixture.path));
  g_assert_no_errno (g_stat (fixture.path, &info));
  g_assert_cmpint (info.st_mode & 0777, ==, 0600);
  g_assert_false (is_there (fixture.part));
  verified = sb_test_cli_run (fixture.cli, "backup", "--verify", fixture.path, NULL);
  sb_test_assert_outcome (verified, 0);
  g_assert_cmpstr (verified->out, ==, outcome->out);
}

static void
test_tells_programs_what_is_in_it (void)
{
  g_auto (Fixture) fixture = { NULL };
  g_autoptr (SbTestOutcome) outcome = NULL;
  JsonObject *object;
  GStatBuf info;

  fixture_init (&fixture);
  outcome = sb_test_cli_run (fixture.cli, "backup", fixture.path, "--json", NULL);
  sb_test_assert_outcome (outcome, 0);
  object = sb_test_json_object (outcome->out);
  g_assert_no_errno (g_stat (fixture.path, &info));
  g_assert_cmpstr (sb_test_json_string (object, "file"), ==, fixture.path);
  g_assert_cmpint (sb_test_json_int (object, "size"), ==, info.st_size);
  g_assert_cmpint (sb_test_json_int (object, "files"), ==, 2);
  g_assert_cmpint (sb_test_json_int (object, "damaged"), ==, 0);
  g_assert_nonnull (sb_test_json_string (object, "created"));
  json_object_unref (object);
}

static void
test_goes_into_a_pipe (void)
{
  g_auto (Fixture) fixture = { NULL };
  g_autoptr (GSubprocessLauncher) launcher = NULL;
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;

  fixture_init (&fixture);
  launcher = sb_test_cli_make_launcher (fixture.cli, G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  g_subprocess_launcher_set_stdout_file_path (launcher, fixture.path);
  process = g_subprocess_launcher_spawn (launcher, &error, sb_test_cli_get_program (), "backup",
                                         "-", NULL);
  g_assert_no_error (error);
  g_assert_cmpint (wait_for_end (process), ==, 0);
  g_assert_true (is_whole (fixture.path));
}

static void
test_replaces_nothing_unless_it_is_told_to (void)
{
  g_auto (Fixture) fixture = { NULL };
  g_autoptr (SbTestOutcome) refused = NULL;
  g_autoptr (SbTestOutcome) forced = NULL;
  g_autofree char *text = NULL;

  fixture_init (&fixture);
  g_assert_true (g_file_set_contents (fixture.path, "old", -1, NULL));
  refused = sb_test_cli_run (fixture.cli, "backup", fixture.path, NULL);
  sb_test_assert_outcome (refused, 1);
  sb_test_assert_contains (refused->err, "--force");
  g_assert_true (g_file_get_contents (fixture.path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "old");
  forced = sb_test_cli_run (fixture.cli, "backup", fixture.path, "--force", NULL);
  sb_test_assert_outcome (forced, 0);
  g_assert_true (is_whole (fixture.path));
}

static void
test_keeps_the_newest_of_a_folder (void)
{
  static const char *const names[] = { "simplebus-20200101T000000Z.tar",
                                       "simplebus-20200102T000000Z.tar",
                                       "simplebus-20200103T000000Z.tar",
                                       "simplebus-2020.tar",
                                       "simplebus-20200101T000000Z.tar.zst",
                                       "simplebus-dddddddTdddddd.tar",
                                       "other" };
  static const gboolean stay[] = { FALSE, FALSE, TRUE, TRUE, TRUE, TRUE, TRUE };
  g_auto (Fixture) fixture = { NULL };
  g_autofree char *folder = NULL;
  g_autoptr (SbTestOutcome) outcome = NULL;

  fixture_init (&fixture);
  folder = g_build_filename (sb_test_cli_get_home (fixture.cli), "backups", NULL);
  g_assert_no_errno (g_mkdir (folder, 0700));
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (folder, names[i], NULL);

      g_assert_true (g_file_set_contents (path, "x", -1, NULL));
    }
  outcome = sb_test_cli_run (fixture.cli, "backup", folder, "--keep", "2", NULL);
  sb_test_assert_outcome (outcome, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (folder, names[i], NULL);

      g_assert_cmpint (is_there (path), ==, stay[i]);
    }
}

static void
test_refuses_words_that_make_no_sense (void)
{
  static const char *const cases[][2] = {
    { "backup", "Where to?" },
    { "backup a b", "One file at a time" },
    { "backup a --keep 2", "--keep takes a number, and a folder" },
    { "backup . --keep -1", "--keep takes a number, and a folder" },
    { "backup --verify .", "--verify takes a file" },
    { "backup --verify -", "--verify takes a file" },
    { "restore", "Which file?" },
    { "restore a", "Where to?" },
  };
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SbTestOutcome) outcome = sb_test_cli_run_line (cli, cases[i][0]);

      sb_test_assert_outcome (outcome, 2);
      sb_test_assert_contains (outcome->err, cases[i][1]);
    }
}

/* --- What goes wrong --- */

static void
test_is_for_admins (void)
{
  g_auto (Fixture) fixture = { NULL };
  g_autoptr (SbTestOutcome) outcome = NULL;

  fixture_init (&fixture);
  sb_test_cli_setenv (fixture.cli, "SIMPLEBUS_USER", "alice");
  sb_test_cli_setenv (fixture.cli, "SIMPLEBUS_PASSWORD", "alice-pw");
  outcome = sb_test_cli_run (fixture.cli, "backup", fixture.path, NULL);
  sb_test_assert_outcome (outcome, 77);
  assert_nothing_is_left (&fixture);
}

static void
test_leaves_nothing_of_a_transfer_that_was_cut_off (void)
{
  static const guint64 cuts[] = { 100, 700, 1500, 100000, FILE_SIZE + 3000 };

  for (gsize i = 0; i < G_N_ELEMENTS (cuts); i++)
    {
      g_auto (Fixture) fixture = { NULL };
      g_autoptr (SbTestOutcome) outcome = NULL;

      fixture_init (&fixture);
      sb_test_proxy_cut_after (fixture.proxy, SB_TEST_WAY_DOWN, cuts[i]);
      outcome = sb_test_cli_run (fixture.cli, "backup", fixture.path, NULL);
      sb_test_assert_outcome (outcome, 69);
      assert_nothing_is_left (&fixture);
    }
}

static void
test_leaves_nothing_when_the_bus_dies (void)
{
  g_auto (Fixture) fixture = { NULL };
  g_autoptr (GSubprocess) process = NULL;
  g_autofree char *data = sb_test_make_bytes (LARGE_FILE_SIZE, 2);
  g_autofree char *file = NULL;

  fixture_init (&fixture);
  file = sb_test_put_file (fixture.bus->alice, "{\"to\":\"@bob\",\"message\":3}", "c", data,
                           LARGE_FILE_SIZE);
  process = begin_stalled (&fixture);
  sb_test_daemon_kill (fixture.bus->daemon);
  sb_test_proxy_set_trickle (fixture.proxy, SB_TEST_WAY_DOWN, 0);
  g_assert_cmpint (wait_for_end (process), ==, 69);
  assert_nothing_is_left (&fixture);
}

static void
test_leaves_nothing_when_somebody_stops_it (void)
{
  static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

  for (gsize i = 0; i < G_N_ELEMENTS (signals); i++)
    {
      g_auto (Fixture) fixture = { NULL };
      g_autoptr (GSubprocess) process = NULL;

      fixture_init (&fixture);
      process = begin_stalled (&fixture);
      g_subprocess_send_signal (process, signals[i]);
      g_assert_cmpint (wait_for_end (process), ==, -signals[i]);
      assert_nothing_is_left (&fixture);
    }
}

/* What a killed one left is written over. */
static void
test_goes_over_what_a_killed_one_left (void)
{
  g_auto (Fixture) fixture = { NULL };
  g_autoptr (GSubprocess) process = NULL;

  fixture_init (&fixture);
  process = begin_stalled (&fixture);
  g_subprocess_force_exit (process);
  g_assert_cmpint (wait_for_end (process), ==, -SIGKILL);
  g_assert_true (is_there (fixture.part));
  g_assert_false (is_there (fixture.path));
  sb_test_proxy_drop (fixture.proxy);
  sb_test_proxy_set_trickle (fixture.proxy, SB_TEST_WAY_DOWN, 0);
  {
    /* The bus may still be at the one before. */
    g_autoptr (SbTestOutcome) outcome = sb_test_cli_run (fixture.cli, "backup", fixture.path, NULL);

    if (outcome->status == 0)
      g_assert_true (is_whole (fixture.path));
    else
      g_assert_false (is_there (fixture.path));
    g_assert_false (is_there (fixture.part));
  }
}

static void
test_lets_nobody_else_write_there (void)
{
  g_auto (Fixture) fixture = { NULL };
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (SbTestOutcome) outcome = NULL;

  fixture_init (&fixture);
  process = begin_stalled (&fixture);
  outcome = sb_test_cli_run (fixture.cli, "backup", fixture.path, NULL);
  sb_test_assert_outcome (outcome, 75);
  g_assert_true (is_there (fixture.part));
  g_subprocess_send_signal (process, SIGTERM);
  g_assert_cmpint (wait_for_end (process), ==, -SIGTERM);
}

static void
test_follows_no_link_that_somebody_laid (void)
{
  g_auto (Fixture) fixture = { NULL };
  g_autofree char *victim = NULL;
  g_autofree char *text = NULL;
  g_autoptr (SbTestOutcome) outcome = NULL;

  fixture_init (&fixture);
  victim = g_build_filename (sb_test_cli_get_home (fixture.cli), "victim", NULL);
  g_assert_true (g_file_set_contents (victim, "precious", -1, NULL));
  g_assert_no_errno (symlink (victim, fixture.part));
  outcome = sb_test_cli_run (fixture.cli, "backup", fixture.path, NULL);
  sb_test_assert_outcome (outcome, 1);
  g_assert_true (g_file_get_contents (victim, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "precious");
}

/* A limit of the process in place of a full disk; it looks the same to who writes. */
static void
test_leaves_nothing_on_a_full_disk (void)
{
  g_auto (Fixture) fixture = { NULL };
  g_autoptr (GSubprocessLauncher) launcher = NULL;
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;

  fixture_init (&fixture);
  launcher = sb_test_cli_make_launcher (fixture.cli, G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  process = g_subprocess_launcher_spawn (launcher, &error, "sh", "-c",
                                         "trap '' XFSZ; ulimit -f 100; exec \"$@\"", "sh",
                                         sb_test_cli_get_program (), "backup", fixture.path, NULL);
  g_assert_no_error (error);
  g_assert_cmpint (wait_for_end (process), ==, 1);
  assert_nothing_is_left (&fixture);
}

/* --- What is whole --- */

/* Both have to be of the same mind. Returns: what that is */
static gboolean
judge (Fixture *self, const char *data, gsize length)
{
  g_autofree char *path = g_build_filename (sb_test_cli_get_home (self->cli), "judged.tar", NULL);
  g_autoptr (SbTestOutcome) outcome = NULL;
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, data, (gssize) length, &error);
  g_assert_no_error (error);
  outcome = sb_test_cli_run (self->cli, "backup", "--verify", path, NULL);
  g_assert_true (outcome->status == 0 || outcome->status == 1);
  if ((outcome->status == 0) != is_whole (path))
    g_error ("simplebusd is of another mind: %s%s", outcome->out, outcome->err);
  return outcome->status == 0;
}

static void
test_sees_each_byte_that_is_another_one (void)
{
  g_auto (Fixture) fixture = { NULL };
  g_autofree char *data = NULL;
  gsize length;

  fixture_init (&fixture);
  make_backup (&fixture);
  g_assert_true (g_file_get_contents (fixture.path, &data, &length, NULL));
  /* In headers, texts, members and the end; a prime, so that all places of a header come. */
  for (gsize at = 0; at < length; at += at < 8 * BLOCK ? 211 : 10007)
    {
      char before = data[at];

      data[at] ^= 0x10;
      /* What fills a block up says nothing. */
      if (before != 0)
        g_assert_false (judge (&fixture, data, length));
      data[at] = before;
    }
  g_assert_true (judge (&fixture, data, length));
}

static void
test_sees_wherever_it_was_cut_off (void)
{
  g_auto (Fixture) fixture = { NULL };
  g_autofree char *data = NULL;
  gsize length;

  fixture_init (&fixture);
  make_backup (&fixture);
  g_assert_true (g_file_get_contents (fixture.path, &data, &length, NULL));
  for (gsize i = 0; i < 24; i++)
    g_assert_false (judge (&fixture, data, i * length / 24));
  /* A tar without its last block of zeros was cut off. */
  g_assert_false (judge (&fixture, data, length - 1));
  g_assert_false (judge (&fixture, data, length - BLOCK));
}

static void
test_sees_what_is_too_much (void)
{
  g_auto (Fixture) fixture = { NULL };
  g_autofree char *data = NULL;
  g_autoptr (GByteArray) more = g_byte_array_new ();
  gsize length;

  fixture_init (&fixture);
  make_backup (&fixture);
  g_assert_true (g_file_get_contents (fixture.path, &data, &length, NULL));
  /* The manifest once more, before everything. */
  g_byte_array_append (more, (const guint8 *) data, 8 * BLOCK);
  g_byte_array_append (more, (const guint8 *) data, (guint) length);
  g_assert_false (judge (&fixture, (const char *) more->data, more->len));
  g_assert_false (judge (&fixture, "", 0));
  g_assert_false (judge (&fixture, "nothing of the kind", 19));
}

static void
set_sum (guint8 *header)
{
  guint sum = 0;

  memset (header + 148, ' ', 8);
  for (gsize i = 0; i < BLOCK; i++)
    sum += header[i];
  g_snprintf ((char *) header + 148, 8, "%06o", sum);
}

/* As for members of more than 8 GiB. */
static void
test_understands_extended_headers (void)
{
  g_auto (Fixture) fixture = { NULL };
  g_autofree char *data = NULL;
  gsize length;

  fixture_init (&fixture);
  make_backup (&fixture);
  g_assert_true (g_file_get_contents (fixture.path, &data, &length, NULL));
  for (gsize i = 0; i < 2; i++)
    {
      g_autoptr (GByteArray) archive = g_byte_array_new ();
      guint size = (guint) g_ascii_strtoull (data + 124, NULL, 8);
      guint8 blocks[2 * BLOCK] = { 0 };

      memcpy (blocks, data, BLOCK);
      blocks[156] = 'x';
      g_snprintf ((char *) blocks + 124, 12, "%011o", i == 0 ? 16 : 17);
      set_sum (blocks);
      if (i == 0)
        g_snprintf ((char *) blocks + BLOCK, 20, "16 size=%07u\n", size);
      else
        g_snprintf ((char *) blocks + BLOCK, 20, "17 mtime=%07u\n", size);
      g_byte_array_append (archive, blocks, sizeof blocks);
      g_byte_array_append (archive, (const guint8 *) data, (guint) length);
      g_assert_true (judge (&fixture, (const char *) archive->data, archive->len));
      blocks[BLOCK + 12] = '9';
      memcpy (archive->data, blocks, sizeof blocks);
      g_assert_cmpint (judge (&fixture, (const char *) archive->data, archive->len), ==, i);
    }
}

/* --- Restoring --- */

static void
test_makes_a_bus_of_a_backup (void)
{
  g_auto (Fixture) fixture = { NULL };
  g_autoptr (SbTestDaemon) daemon = NULL;
  g_autoptr (SbTestOutcome) outcome = NULL;
  g_autoptr (SbTestHttp) bob = NULL;
  g_autoptr (SbTestAnswer) answer = NULL;

  fixture_init (&fixture);
  make_backup (&fixture);
  daemon = sb_test_daemon_new ();
  outcome = sb_test_cli_run (fixture.cli, "restore", fixture.path, "--data-dir",
                             sb_test_daemon_get_data_dir (daemon), NULL);
  sb_test_assert_outcome (outcome, 0);
  sb_test_assert_contains (outcome->out, "Restored: 4 users");
  sb_test_daemon_start (daemon);
  bob = sb_test_http_as (daemon, "bob");
  answer = sb_test_http_get (bob, "/get");
  sb_test_assert_status (answer, 200);
  sb_test_assert_contains (answer->body, "\"kept\"");
  g_assert_cmpuint (sb_test_count_files (daemon), ==, 2);
}

static void
test_restores_nothing_that_is_damaged (void)
{
  g_auto (Fixture) fixture = { NULL };
  g_autofree char *folder = NULL;
  g_autofree char *data = NULL;
  g_autoptr (SbTestOutcome) outcome = NULL;
  gsize length;

  fixture_init (&fixture);
  make_backup (&fixture);
  g_assert_true (g_file_get_contents (fixture.path, &data, &length, NULL));
  data[length / 2] ^= 1;
  g_assert_true (g_file_set_contents (fixture.path, data, (gssize) length, NULL));
  folder = g_build_filename (sb_test_cli_get_home (fixture.cli), "restored", NULL);
  outcome = sb_test_cli_run (fixture.cli, "restore", fixture.path, "--data-dir", folder, NULL);
  sb_test_assert_outcome (outcome, 1);
  sb_test_assert_contains (outcome->err, "no whole backup");
  g_assert_false (is_there (folder));
}

/* simplebusd has the last word. */
static void
test_restores_nothing_over_a_bus_that_runs (void)
{
  g_auto (Fixture) fixture = { NULL };
  g_autoptr (SbTestOutcome) outcome = NULL;

  fixture_init (&fixture);
  make_backup (&fixture);
  outcome = sb_test_cli_run (fixture.cli, "restore", fixture.path, "--data-dir",
                             sb_test_daemon_get_data_dir (fixture.bus->daemon), NULL);
  g_assert_cmpint (outcome->status, !=, 0);
  sb_test_assert_contains (outcome->err, "simplebusd: ");
}

static void
test_says_where_it_looks_for_simplebusd (void)
{
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();
  g_autoptr (SbTestOutcome) outcome = NULL;

  sb_test_cli_setenv (cli, "SIMPLEBUSD", NULL);
  sb_test_cli_setenv (cli, "PATH", "/nowhere");
  outcome = sb_test_cli_run_line (cli, "restore a --data-dir b");
  sb_test_assert_outcome (outcome, 1);
  sb_test_assert_contains (outcome->err, "SIMPLEBUSD");
}

#define ADD(name, function) g_test_add_func ("/cli-backup/" name, function)

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  ADD ("is-whole-and-for-its-owner-only", test_is_whole_and_for_its_owner_only);
  ADD ("tells-programs-what-is-in-it", test_tells_programs_what_is_in_it);
  ADD ("goes-into-a-pipe", test_goes_into_a_pipe);
  ADD ("replaces-nothing-unless-it-is-told-to", test_replaces_nothing_unless_it_is_told_to);
  ADD ("keeps-the-newest-of-a-folder", test_keeps_the_newest_of_a_folder);
  ADD ("refuses-words-that-make-no-sense", test_refuses_words_that_make_no_sense);
  ADD ("is-for-admins", test_is_for_admins);
  ADD ("leaves-nothing-of-a-transfer-that-was-cut-off",
       test_leaves_nothing_of_a_transfer_that_was_cut_off);
  ADD ("leaves-nothing-when-the-bus-dies", test_leaves_nothing_when_the_bus_dies);
  ADD ("leaves-nothing-when-somebody-stops-it", test_leaves_nothing_when_somebody_stops_it);
  ADD ("goes-over-what-a-killed-one-left", test_goes_over_what_a_killed_one_left);
  ADD ("lets-nobody-else-write-there", test_lets_nobody_else_write_there);
  ADD ("follows-no-link-that-somebody-laid", test_follows_no_link_that_somebody_laid);
  ADD ("leaves-nothing-on-a-full-disk", test_leaves_nothing_on_a_full_disk);
  ADD ("sees-each-byte-that-is-another-one", test_sees_each_byte_that_is_another_one);
  ADD ("sees-wherever-it-was-cut-off", test_sees_wherever_it_was_cut_off);
  ADD ("sees-what-is-too-much", test_sees_what_is_too_much);
  ADD ("understands-extended-headers", test_understands_extended_headers);
  ADD ("makes-a-bus-of-a-backup", test_makes_a_bus_of_a_backup);
  ADD ("restores-nothing-that-is-damaged", test_restores_nothing_that_is_damaged);
  ADD ("restores-nothing-over-a-bus-that-runs", test_restores_nothing_over_a_bus_that_runs);
  ADD ("says-where-it-looks-for-simplebusd", test_says_where_it_looks_for_simplebusd);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-receive: what `simplebus receive` takes, where it puts it, and when it ends. */

#include "sb-test-file.h"
#include "sb-test-program.h"
#include "sb-test-proxy.h"
#include "sb-test-pty.h"
#include "sb-test-screen.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#define SIZE (2 * 1024 * 1024)

/* A bus behind a network of ours, and the home of bob, who receives. */
typedef struct
{
  SbTestSite *site;   /* (owned) */
  SbTestProxy *proxy; /* (owned) */
  SbTestCli *cli;     /* (owned) */
} Rig;

static Rig *
rig_new (void)
{
  Rig *self = g_new0 (Rig, 1);
  g_autofree char *url = NULL;

  self->site = sb_test_site_new ("bus.store=sqlite", NULL);
  self->proxy = sb_test_proxy_new (sb_test_daemon_get_http_port (self->site->daemon));
  self->cli = sb_test_cli_new_for (self->site->daemon, "bob");
  url = g_strdup_printf ("http://127.0.0.1:%u", sb_test_proxy_get_port (self->proxy));
  sb_test_cli_setenv (self->cli, "SIMPLEBUS_URL", url);
  return self;
}

static void
rig_free (Rig *self)
{
  sb_test_cli_free (self->cli);
  sb_test_proxy_free (self->proxy);
  sb_test_site_free (self->site);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Rig, rig_free)

static void
put (Rig *rig, const char *id, const char *more)
{
  g_autofree char *json = g_strdup_printf ("{\"to\":\"@bob\",\"_id\":\"%s\",\"message\":1%s}", id,
                                           more);

  g_free (sb_test_put (rig->site->alice, json));
}

static void
put_file (Rig *rig, const char *id, const char *name, gsize length)
{
  g_autofree char *json = g_strdup_printf ("{\"to\":\"@bob\",\"_id\":\"%s\",\"message\":1}", id);
  g_autofree char *data = sb_test_make_bytes (length, 1);

  g_free (sb_test_put_file (rig->site->alice, json, name, data, length));
}

static void
assert_file (Rig *rig, const char *name, gsize length)
{
  g_autofree char *path = g_build_filename (sb_test_cli_get_home (rig->cli), "dl", name, NULL);
  g_autofree char *wanted = sb_test_make_bytes (length, 1);
  g_autofree char *data = NULL;
  g_autoptr (GError) error = NULL;
  gsize n;

  g_file_get_contents (path, &data, &n, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (data, n, wanted, length);
}

static SbTestOutcome *
receive (Rig *rig)
{
  return sb_test_cli_run (rig->cli, "receive", "--dir", "dl", NULL);
}

static guint
count_lines (const char *text)
{
  guint n = 0;

  for (; *text != '\0'; text++)
    n += *text == '\n';
  return n;
}

/* --- Messages --- */

static void
test_ends_when_nothing_waits (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestOutcome) outcome = receive (rig);

  sb_test_assert_outcome (outcome, 0);
  g_assert_cmpstr (outcome->out, ==, "");
  g_assert_cmpstr (outcome->err, ==, "");
}

static void
test_receives_what_waits (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestOutcome) first = NULL;
  g_autoptr (SbTestOutcome) second = NULL;

  put (rig, "a", "");
  put (rig, "b", "");
  first = receive (rig);
  sb_test_assert_outcome (first, 0);
  g_assert_true (g_str_has_prefix (first->out, "{\"_id\":\"a\",\"sender\":\"alice\""));
  g_assert_cmpuint (count_lines (first->out), ==, 2);
  sb_test_wait_state (rig->site->alice, "b", "bob", "confirmed");
  second = receive (rig);
  g_assert_cmpstr (second->out, ==, "");
}

/* Far more than the bus has in flight at a time. */
static void
test_receives_all_of_many (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestOutcome) outcome = NULL;

  for (guint i = 0; i < 400; i++)
    {
      g_autofree char *id = g_strdup_printf ("m%u", i);

      put (rig, id, "");
    }
  outcome = receive (rig);
  sb_test_assert_outcome (outcome, 0);
  g_assert_cmpuint (count_lines (outcome->out), ==, 400);
}

/* The bus counts it as waiting, and will not deliver it for a long time. */
static void
test_does_not_wait_for_what_is_put_off (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestOutcome) outcome = NULL;

  put (rig, "later", ",\"not_before\":7226582400");
  put (rig, "now", "");
  outcome = receive (rig);
  sb_test_assert_outcome (outcome, 0);
  g_assert_cmpuint (count_lines (outcome->out), ==, 1);
}

static void
test_ends_after_as_many_as_it_was_told (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestOutcome) outcome = NULL;
  g_autofree char *state = NULL;

  put (rig, "a", "");
  put (rig, "b", "");
  outcome = sb_test_cli_run (rig->cli, "receive", "--limit", "1", NULL);
  sb_test_assert_outcome (outcome, 0);
  g_assert_cmpuint (count_lines (outcome->out), ==, 1);
  state = sb_test_get_state (rig->site->alice, "b", "bob");
  g_assert_cmpstr (state, !=, "confirmed");
}

static void
test_stays_when_it_was_told_to (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestProgram) program = sb_test_program_new (rig->cli, "receive", "--follow", "--dir",
                                                           "dl", NULL);
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;

  put (rig, "a", "");
  first = sb_test_program_read_line (program);
  sb_test_site_restart (rig->site);
  sb_test_proxy_set_target (rig->proxy, sb_test_daemon_get_http_port (rig->site->daemon));
  put_file (rig, "b", "file.bin", 1000);
  second = sb_test_program_read_line (program);
  sb_test_assert_contains (second, "/dl/file.bin\"}");
  assert_file (rig, "file.bin", 1000);
  sb_test_program_signal (program, SIGTERM);
  g_assert_cmpint (sb_test_program_wait_end (program), ==, 128 + SIGTERM);
}

static void
test_confirms_nothing_that_nobody_has_read (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autofree char *large = g_strnfill (200000, 'x');
  g_autofree char *more = g_strdup_printf (",\"x\":\"%s\"", large);
  g_autoptr (SbTestProgram) program = NULL;
  g_autofree char *state = NULL;

  put (rig, "a", more);
  program = sb_test_program_new (rig->cli, "receive", NULL);
  sb_test_wait_state (rig->site->alice, "a", "bob", "sent");
  sb_test_program_stop_reading (program);
  g_assert_cmpint (sb_test_program_wait_end (program), ==, 1);
  state = sb_test_get_state (rig->site->alice, "a", "bob");
  g_assert_cmpstr (state, !=, "confirmed");
}

static void
test_gives_up_without_a_bus (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestOutcome) outcome = NULL;

  sb_test_proxy_set_accepting (rig->proxy, FALSE);
  outcome = sb_test_cli_run (rig->cli, "receive", "--retry", "1", NULL);
  sb_test_assert_outcome (outcome, 69);
}

static void
test_runs_once_at_a_time (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestProgram) program = sb_test_program_new (rig->cli, "receive", "--follow", NULL);
  g_autoptr (SbTestOutcome) second = NULL;
  g_autofree char *line = NULL;

  put (rig, "a", "");
  line = sb_test_program_read_line (program);
  second = receive (rig);
  sb_test_assert_outcome (second, 75);
}

/* --- Files --- */

static void
test_puts_files_in_their_place (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestOutcome) outcome = NULL;

  put_file (rig, "a", "Büro.bin", SIZE);
  put_file (rig, "b", "Büro.bin", 0);
  outcome = receive (rig);
  sb_test_assert_outcome (outcome, 0);
  g_assert_cmpuint (count_lines (outcome->out), ==, 2);
  sb_test_assert_contains (outcome->out, "/dl/Büro");
  sb_test_assert_contains (outcome->err, "Büro.bin: received, 2");
  g_assert_null (strchr (outcome->err, '\033'));
  sb_test_wait_state (rig->site->alice, "a", "bob", "confirmed");
  sb_test_wait_state (rig->site->alice, "b", "bob", "confirmed");
}

static void
test_keeps_hostile_names_in_the_folder (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autofree char *dir = NULL;
  g_autofree char *above = NULL;
  g_autoptr (SbTestOutcome) outcome = NULL;
  g_autoptr (GDir) files = NULL;
  const char *name;

  put_file (rig, "a", "..%2F..%2Fabove.bin", 10);
  put_file (rig, "b", "../above.bin", 10);
  put_file (rig, "c", ".bashrc", 10);
  outcome = receive (rig);
  sb_test_assert_outcome (outcome, 0);
  g_assert_cmpuint (count_lines (outcome->out), ==, 3);
  above = g_build_filename (sb_test_cli_get_home (rig->cli), "above.bin", NULL);
  g_assert_false (g_file_test (above, G_FILE_TEST_EXISTS));
  dir = g_build_filename (sb_test_cli_get_home (rig->cli), "dl", NULL);
  files = g_dir_open (dir, 0, NULL);
  while ((name = g_dir_read_name (files)) != NULL)
    g_assert_cmpstr (name, !=, ".bashrc");
}

/* Begins to receive a file, and goes so far that nothing moves any more. */
static SbTestProgram *
begin (Rig *rig)
{
  SbTestProgram *program;

  sb_test_proxy_set_trickle (rig->proxy, SB_TEST_WAY_DOWN, 8192);
  program = sb_test_program_new (rig->cli, "receive", "--dir", "dl", NULL);
  sb_test_proxy_wait_bytes (rig->proxy, SB_TEST_WAY_DOWN, SIZE / 2);
  sb_test_proxy_stall (rig->proxy, SB_TEST_WAY_DOWN);
  return program;
}

static void
speed_up (Rig *rig)
{
  sb_test_proxy_set_trickle (rig->proxy, SB_TEST_WAY_DOWN, 0);
  sb_test_proxy_unstall (rig->proxy, SB_TEST_WAY_DOWN);
}

static void
assert_goes_on (Rig *rig)
{
  guint64 before = sb_test_proxy_get_bytes (rig->proxy, SB_TEST_WAY_DOWN);
  g_autoptr (SbTestOutcome) outcome = receive (rig);

  sb_test_assert_outcome (outcome, 0);
  g_assert_cmpuint (count_lines (outcome->out), ==, 1);
  g_assert_cmpuint (sb_test_proxy_get_bytes (rig->proxy, SB_TEST_WAY_DOWN) - before, <,
                    SIZE - 65536);
  assert_file (rig, "file.bin", SIZE);
  sb_test_wait_state (rig->site->alice, "a", "bob", "confirmed");
}

static void
test_goes_on_after_it_was_interrupted (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestProgram) program = NULL;

  put_file (rig, "a", "file.bin", SIZE);
  program = begin (rig);
  sb_test_program_signal (program, SIGINT);
  g_assert_cmpint (sb_test_program_wait_end (program), ==, 128 + SIGINT);
  sb_test_program_wait_error (program, "Stopped.");
  speed_up (rig);
  assert_goes_on (rig);
}

static void
test_goes_on_after_it_was_killed (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestProgram) program = NULL;

  put_file (rig, "a", "file.bin", SIZE);
  program = begin (rig);
  sb_test_program_signal (program, SIGKILL);
  sb_test_program_wait_end (program);
  speed_up (rig);
  assert_goes_on (rig);
}

static void
test_goes_on_after_a_cut (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestOutcome) outcome = NULL;

  put_file (rig, "a", "file.bin", SIZE);
  sb_test_proxy_cut_after (rig->proxy, SB_TEST_WAY_DOWN, SIZE / 2);
  outcome = receive (rig);
  sb_test_assert_outcome (outcome, 0);
  g_assert_cmpuint (sb_test_proxy_get_n_cuts (rig->proxy), ==, 1);
  assert_file (rig, "file.bin", SIZE);
}

static void
test_keeps_bars_and_lines_apart (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestPty) pty = NULL;
  g_autofree char *screen = NULL;

  put_file (rig, "a", "file.bin", SIZE);
  sb_test_proxy_set_trickle (rig->proxy, SB_TEST_WAY_DOWN, 8192);
  pty = sb_test_pty_new (rig->cli, 80, 24, "receive", "--dir", "dl", NULL);
  sb_test_pty_wait_text (pty, "[=");
  put (rig, "m", "");
  sb_test_pty_wait_text (pty, "\"message\":1}");
  speed_up (rig);
  g_assert_cmpint (sb_test_pty_wait_end (pty), ==, 0);
  screen = sb_test_screen_show (sb_test_pty_get_output (pty), 80);
  g_assert_null (strstr (screen, "[="));
  g_assert_true (g_str_has_prefix (screen, "{\"_id\":\"m\",\"sender\":\"alice\""));
  sb_test_assert_contains (screen, "\nfile.bin: received, 2");
}

static void
test_refuses_a_folder_that_takes_nothing (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestOutcome) outcome = sb_test_cli_run (rig->cli, "receive", "--dir", "/dev/null/x",
                                                       NULL);

  sb_test_assert_outcome (outcome, 1);
  sb_test_assert_contains (outcome->err, "/dev/null/x");
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/receive/ends-when-nothing-waits", test_ends_when_nothing_waits);
  g_test_add_func ("/receive/receives-what-waits", test_receives_what_waits);
  g_test_add_func ("/receive/receives-all-of-many", test_receives_all_of_many);
  g_test_add_func ("/receive/does-not-wait-for-what-is-put-off",
                   test_does_not_wait_for_what_is_put_off);
  g_test_add_func ("/receive/ends-after-as-many-as-it-was-told",
                   test_ends_after_as_many_as_it_was_told);
  g_test_add_func ("/receive/stays-when-it-was-told-to", test_stays_when_it_was_told_to);
  g_test_add_func ("/receive/confirms-nothing-that-nobody-has-read",
                   test_confirms_nothing_that_nobody_has_read);
  g_test_add_func ("/receive/gives-up-without-a-bus", test_gives_up_without_a_bus);
  g_test_add_func ("/receive/runs-once-at-a-time", test_runs_once_at_a_time);
  g_test_add_func ("/receive/puts-files-in-their-place", test_puts_files_in_their_place);
  g_test_add_func ("/receive/keeps-hostile-names-in-the-folder",
                   test_keeps_hostile_names_in_the_folder);
  g_test_add_func ("/receive/goes-on-after-it-was-interrupted",
                   test_goes_on_after_it_was_interrupted);
  g_test_add_func ("/receive/goes-on-after-it-was-killed", test_goes_on_after_it_was_killed);
  g_test_add_func ("/receive/goes-on-after-a-cut", test_goes_on_after_a_cut);
  g_test_add_func ("/receive/keeps-bars-and-lines-apart", test_keeps_bars_and_lines_apart);
  g_test_add_func ("/receive/refuses-a-folder-that-takes-nothing",
                   test_refuses_a_folder_that_takes_nothing);
  return g_test_run ();
}

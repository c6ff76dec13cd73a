/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-send-file: what `simplebus send-file` sends and shows, and how it goes on after any end. */

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

/* A bus behind a network of ours, and the home of alice, who sends. */
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
  self->cli = sb_test_cli_new_for (self->site->daemon, "alice");
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

/* A file in the home. */
static void
make_file (Rig *rig, const char *name, gsize length)
{
  g_autofree char *path = g_build_filename (sb_test_cli_get_home (rig->cli), name, NULL);
  g_autofree char *data = sb_test_make_bytes (length, (guint32) length);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, data, (gssize) length, &error);
  g_assert_no_error (error);
}

/* Bob gets the file of that message, whole. */
static void
assert_received (Rig *rig, const char *id, gsize length)
{
  g_autofree char *data = sb_test_make_bytes (length, (guint32) length);
  g_autoptr (SbTestAnswer) deliveries = sb_test_http_get (rig->site->bob, "/get?limit=60");
  JsonArray *array = json_node_get_array (deliveries->json);

  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      JsonObject *notice = json_array_get_object_element (array, i);
      g_autofree char *path = g_strconcat ("/download/", sb_test_json_string (notice, "filename"),
                                           NULL);
      g_autoptr (SbTestAnswer) file = NULL;

      if (strcmp (sb_test_json_string (notice, "_id"), id) != 0)
        continue;
      file = sb_test_http_get (rig->site->bob, path);
      g_assert_cmpmem (file->body, file->length, data, length);
      return;
    }
  g_error ("bob has not got %s", id);
}

/* What is remembered of files under way. */
static guint
count_notes (Rig *rig)
{
  g_autofree char *state = g_build_filename (sb_test_cli_get_home (rig->cli), "state", "simplebus",
                                             NULL);
  g_autoptr (GDir) users = g_dir_open (state, 0, NULL);
  const char *user;
  guint n = 0;

  while (users != NULL && (user = g_dir_read_name (users)) != NULL)
    {
      g_autofree char *folder = g_build_filename (state, user, "send-file", NULL);
      g_autoptr (GDir) notes = g_dir_open (folder, 0, NULL);

      while (notes != NULL && g_dir_read_name (notes) != NULL)
        n++;
    }
  return n;
}

/* Begins to send, and goes so far that nothing moves any more. */
static SbTestProgram *
begin (Rig *rig, const char *name)
{
  SbTestProgram *program = sb_test_program_new (rig->cli, "send-file", "@bob", name, NULL);

  sb_test_proxy_wait_bytes (rig->proxy, SB_TEST_WAY_UP, SIZE / 2);
  sb_test_proxy_stall (rig->proxy, SB_TEST_WAY_UP);
  return program;
}

static void
slow_down (Rig *rig)
{
  sb_test_proxy_set_trickle (rig->proxy, SB_TEST_WAY_UP, 8192);
}

static void
speed_up (Rig *rig)
{
  sb_test_proxy_set_trickle (rig->proxy, SB_TEST_WAY_UP, 0);
  sb_test_proxy_unstall (rig->proxy, SB_TEST_WAY_UP);
}

/* --- Sending --- */

static void
test_sends_files (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestOutcome) outcome = NULL;
  g_auto (GStrv) ids = NULL;

  make_file (rig, "one.bin", SIZE);
  make_file (rig, "two.bin", 0);
  outcome = sb_test_cli_run (rig->cli, "send-file", "@bob", "one.bin", "two.bin", "./one.bin", "-m",
                             "{\"about\":1.10}", NULL);
  sb_test_assert_outcome (outcome, 0);
  ids = g_strsplit (g_strchomp (outcome->out), "\n", -1);
  g_assert_cmpuint (g_strv_length (ids), ==, 2);
  sb_test_assert_contains (outcome->err, "one.bin: sent, 2");
  sb_test_assert_contains (outcome->err, "two.bin: sent, 0");
  g_assert_null (strchr (outcome->err, '\033'));
  g_assert_cmpuint (count_notes (rig), ==, 0);
}

static void
test_sends_the_whole_file (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestOutcome) outcome = NULL;

  make_file (rig, "one.bin", SIZE);
  outcome = sb_test_cli_run (rig->cli, "send-file", "@bob", "one.bin", NULL);
  sb_test_assert_outcome (outcome, 0);
  assert_received (rig, g_strchomp (outcome->out), SIZE);
}

static void
test_sends_the_same_file_again_when_it_is_told_to (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestOutcome) first = NULL;
  g_autoptr (SbTestOutcome) second = NULL;

  make_file (rig, "one.bin", 100);
  first = sb_test_cli_run (rig->cli, "send-file", "@bob", "one.bin", NULL);
  second = sb_test_cli_run (rig->cli, "send-file", "@bob", "one.bin", NULL);
  sb_test_assert_outcome (second, 0);
  g_assert_cmpstr (first->out, !=, second->out);
}

static void
test_refuses_what_is_no_file (void)
{
  static const struct
  {
    const char *words[5];
    int status;
    const char *why;
  } cases[] = {
    { { "@bob", "none.bin" }, 66, "none.bin" },
    { { "@bob", "." }, 2, "is no file" },
    { { "@bob" }, 2, "It takes addresses and files" },
    { { "@bob", "one.bin", "two.bin", "--name", "x" }, 2, "--name" },
    { { "--resume", "@bob" }, 2, "--resume" },
    { { "@nobody", "one.bin" }, 66, "nobody" },
  };
  g_autoptr (Rig) rig = rig_new ();

  make_file (rig, "one.bin", 1);
  make_file (rig, "two.bin", 2);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const char *words[7] = { "send-file" };
      g_autoptr (SbTestOutcome) outcome = NULL;

      memcpy (words + 1, cases[i].words, sizeof cases[i].words);
      outcome = sb_test_cli_run_words (rig->cli, "", words);
      sb_test_assert_outcome (outcome, cases[i].status);
      sb_test_assert_contains (outcome->err, cases[i].why);
      g_assert_cmpuint (count_notes (rig), ==, 0);
    }
}

static void
test_tells_programs_what_happens (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestOutcome) outcome = NULL;
  g_auto (GStrv) lines = NULL;

  make_file (rig, "one.bin", 100);
  outcome = sb_test_cli_run (rig->cli, "send-file", "--json", "@bob", "one.bin", NULL);
  sb_test_assert_outcome (outcome, 0);
  lines = g_strsplit (g_strchomp (outcome->out), "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    json_node_unref (sb_test_json_parse (*line));
  sb_test_assert_contains (lines[0], "\"event\":\"begun\"");
  sb_test_assert_contains (lines[g_strv_length (lines) - 1], "\"event\":\"done\"");
}

/* --- Going on --- */

static void
test_goes_on_after_it_was_interrupted (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestProgram) program = NULL;
  g_autoptr (SbTestOutcome) outcome = NULL;
  guint64 before;

  make_file (rig, "one.bin", SIZE);
  slow_down (rig);
  program = begin (rig, "one.bin");
  sb_test_program_signal (program, SIGINT);
  g_assert_cmpint (sb_test_program_wait_end (program), ==, 128 + SIGINT);
  sb_test_program_wait_error (program, "Stopped. The same command goes on");
  g_assert_cmpuint (count_notes (rig), ==, 1);
  speed_up (rig);
  before = sb_test_proxy_get_bytes (rig->proxy, SB_TEST_WAY_UP);
  outcome = sb_test_cli_run (rig->cli, "send-file", "@bob", "one.bin", NULL);
  sb_test_assert_outcome (outcome, 0);
  g_assert_cmpuint (sb_test_proxy_get_bytes (rig->proxy, SB_TEST_WAY_UP) - before, <, SIZE - 65536);
  assert_received (rig, g_strchomp (outcome->out), SIZE);
  g_assert_cmpuint (count_notes (rig), ==, 0);
}

static void
test_goes_on_after_it_was_killed (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestProgram) program = NULL;
  g_autoptr (SbTestOutcome) outcome = NULL;

  make_file (rig, "one.bin", SIZE);
  slow_down (rig);
  program = begin (rig, "one.bin");
  sb_test_program_signal (program, SIGKILL);
  g_assert_cmpint (sb_test_program_wait_end (program), ==, -SIGKILL);
  speed_up (rig);
  outcome = sb_test_cli_run (rig->cli, "send-file", "--resume", NULL);
  sb_test_assert_outcome (outcome, 0);
  assert_received (rig, g_strchomp (outcome->out), SIZE);
  g_assert_cmpuint (count_notes (rig), ==, 0);
}

static void
test_has_nothing_to_go_on_with (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestOutcome) outcome = sb_test_cli_run (rig->cli, "send-file", "--resume", NULL);

  sb_test_assert_outcome (outcome, 0);
  sb_test_assert_contains (outcome->err, "nothing to go on with");
}

static void
test_does_not_go_on_with_a_file_that_has_changed (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestProgram) program = NULL;
  g_autoptr (SbTestOutcome) outcome = NULL;

  make_file (rig, "one.bin", SIZE);
  slow_down (rig);
  program = begin (rig, "one.bin");
  sb_test_program_signal (program, SIGKILL);
  sb_test_program_wait_end (program);
  make_file (rig, "one.bin", SIZE + 1);
  speed_up (rig);
  outcome = sb_test_cli_run (rig->cli, "send-file", "--resume", NULL);
  sb_test_assert_outcome (outcome, 1);
  sb_test_assert_contains (outcome->err, "has changed");
  g_assert_cmpuint (count_notes (rig), ==, 0);
}

static void
test_sends_a_file_once_at_a_time (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestProgram) program = NULL;
  g_autoptr (SbTestOutcome) second = NULL;

  make_file (rig, "one.bin", SIZE);
  slow_down (rig);
  program = begin (rig, "one.bin");
  second = sb_test_cli_run (rig->cli, "send-file", "@bob", "one.bin", NULL);
  sb_test_assert_outcome (second, 75);
  sb_test_assert_contains (second->err, "is sending");
  speed_up (rig);
  g_assert_cmpint (sb_test_program_wait_end (program), ==, 0);
}

static void
test_gives_up_and_goes_on_later (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestOutcome) offline = NULL;
  g_autoptr (SbTestOutcome) online = NULL;

  make_file (rig, "one.bin", 1000);
  sb_test_proxy_set_accepting (rig->proxy, FALSE);
  offline = sb_test_cli_run (rig->cli, "send-file", "--retry", "1", "@bob", "one.bin", NULL);
  sb_test_assert_outcome (offline, 69);
  g_assert_cmpuint (count_notes (rig), ==, 1);
  sb_test_proxy_set_accepting (rig->proxy, TRUE);
  online = sb_test_cli_run (rig->cli, "send-file", "--resume", NULL);
  sb_test_assert_outcome (online, 0);
  assert_received (rig, g_strchomp (online->out), 1000);
}

/* --- On a terminal --- */

static void
test_draws_a_bar_in_its_place (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestPty) pty = NULL;
  g_autofree char *screen = NULL;
  g_auto (GStrv) lines = NULL;

  make_file (rig, "one.bin", SIZE);
  slow_down (rig);
  pty = sb_test_pty_new (rig->cli, 80, 24, "send-file", "@bob", "one.bin", NULL);
  sb_test_pty_wait_text (pty, "[=");
  sb_test_pty_wait_text (pty, "\033[1A");
  sb_test_pty_wait_text (pty, "\033[1A");
  speed_up (rig);
  g_assert_cmpint (sb_test_pty_wait_end (pty), ==, 0);
  screen = sb_test_screen_show (sb_test_pty_get_output (pty), 80);
  lines = g_strsplit (screen, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, 3);
  sb_test_assert_contains (lines[0], "one.bin: sent, 2");
  g_assert_cmpuint (strlen (lines[1]), ==, 32);
}

static void
test_draws_several_bars_and_their_total (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestPty) pty = NULL;

  make_file (rig, "one.bin", SIZE);
  make_file (rig, "two.bin", SIZE + 1);
  slow_down (rig);
  pty = sb_test_pty_new (rig->cli, 80, 24, "send-file", "@bob", "one.bin", "two.bin", NULL);
  sb_test_pty_wait_text (pty, "one.bin");
  sb_test_pty_wait_text (pty, "two.bin");
  sb_test_pty_wait_text (pty, "Total 0/2");
  sb_test_pty_wait_text (pty, "\033[3A");
  speed_up (rig);
  g_assert_cmpint (sb_test_pty_wait_end (pty), ==, 0);
}

static void
test_leaves_nothing_behind_when_it_is_interrupted (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestPty) pty = NULL;
  g_autofree char *screen = NULL;

  make_file (rig, "one.bin", SIZE);
  slow_down (rig);
  pty = sb_test_pty_new (rig->cli, 80, 24, "send-file", "@bob", "one.bin", NULL);
  sb_test_pty_wait_text (pty, "[=");
  sb_test_pty_type (pty, "\003");
  g_assert_cmpint (sb_test_pty_wait_end (pty), ==, 130);
  screen = sb_test_screen_show (sb_test_pty_get_output (pty), 80);
  g_assert_null (strstr (screen, "[="));
  sb_test_assert_contains (screen, "Stopped.");
}

/* A picture of another width breaks no line of its own. */
static void
test_fits_a_window_that_gets_narrower (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestPty) pty = NULL;
  const char *last;

  make_file (rig, "one.bin", SIZE);
  slow_down (rig);
  pty = sb_test_pty_new (rig->cli, 100, 24, "send-file", "@bob", "one.bin", NULL);
  sb_test_pty_wait_text (pty, "[=");
  sb_test_pty_resize (pty, 40, 24);
  /* The line of 99 columns has become three. */
  sb_test_pty_wait_text (pty, "\033[3A");
  sb_test_pty_wait_text (pty, "\033[1A");
  sb_test_pty_wait_text (pty, "\n");
  last = g_strrstr (sb_test_pty_get_output (pty), "\033[1A") + 4;
  g_assert_cmpuint (strcspn (last, "\033"), <, 40);
  speed_up (rig);
  g_assert_cmpint (sb_test_pty_wait_end (pty), ==, 0);
}

static void
test_obeys_no_name_of_a_file (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestPty) pty = NULL;

  make_file (rig, "\033]0;owned\007\033[2J\n--help", SIZE);
  slow_down (rig);
  pty = sb_test_pty_new (rig->cli, 80, 24, "send-file", "@bob", "\033]0;owned\007\033[2J\n--help",
                         NULL);
  sb_test_pty_wait_text (pty, "[=");
  speed_up (rig);
  g_assert_cmpint (sb_test_pty_wait_end (pty), ==, 0);
  g_assert_null (strchr (sb_test_pty_get_output (pty), '\007'));
  g_assert_null (strstr (sb_test_pty_get_output (pty), "\033]0"));
  g_assert_null (strstr (sb_test_pty_get_output (pty), "\033[2J"));
}

static void
test_draws_nothing_on_a_terminal_that_cannot (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestPty) pty = NULL;

  make_file (rig, "one.bin", 1000);
  sb_test_cli_setenv (rig->cli, "TERM", "dumb");
  pty = sb_test_pty_new (rig->cli, 80, 24, "send-file", "@bob", "one.bin", NULL);
  g_assert_cmpint (sb_test_pty_wait_end (pty), ==, 0);
  g_assert_null (strchr (sb_test_pty_get_output (pty), '\033'));
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/send-file/sends-files", test_sends_files);
  g_test_add_func ("/send-file/sends-the-whole-file", test_sends_the_whole_file);
  g_test_add_func ("/send-file/sends-the-same-file-again-when-it-is-told-to",
                   test_sends_the_same_file_again_when_it_is_told_to);
  g_test_add_func ("/send-file/refuses-what-is-no-file", test_refuses_what_is_no_file);
  g_test_add_func ("/send-file/tells-programs-what-happens", test_tells_programs_what_happens);
  g_test_add_func ("/send-file/goes-on-after-it-was-interrupted",
                   test_goes_on_after_it_was_interrupted);
  g_test_add_func ("/send-file/goes-on-after-it-was-killed", test_goes_on_after_it_was_killed);
  g_test_add_func ("/send-file/has-nothing-to-go-on-with", test_has_nothing_to_go_on_with);
  g_test_add_func ("/send-file/does-not-go-on-with-a-file-that-has-changed",
                   test_does_not_go_on_with_a_file_that_has_changed);
  g_test_add_func ("/send-file/sends-a-file-once-at-a-time", test_sends_a_file_once_at_a_time);
  g_test_add_func ("/send-file/gives-up-and-goes-on-later", test_gives_up_and_goes_on_later);
  g_test_add_func ("/send-file/draws-a-bar-in-its-place", test_draws_a_bar_in_its_place);
  g_test_add_func ("/send-file/draws-several-bars-and-their-total",
                   test_draws_several_bars_and_their_total);
  g_test_add_func ("/send-file/leaves-nothing-behind-when-it-is-interrupted",
                   test_leaves_nothing_behind_when_it_is_interrupted);
  g_test_add_func ("/send-file/fits-a-window-that-gets-narrower",
                   test_fits_a_window_that_gets_narrower);
  g_test_add_func ("/send-file/obeys-no-name-of-a-file", test_obeys_no_name_of_a_file);
  g_test_add_func ("/send-file/draws-nothing-on-a-terminal-that-cannot",
                   test_draws_nothing_on_a_terminal_that_cannot);
  return g_test_run ();
}

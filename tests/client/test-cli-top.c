/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-cli-top: the bus live, on a terminal and elsewhere. */

#include "sb-test-pty.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <signal.h>
#include <string.h>

#define ENTER "\033[?1049h"
#define LEAVE "\033[?1049l"

static void
test_prints_a_line_for_each_look (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "admin");
  g_autoptr (SbTestOutcome) outcome = sb_test_cli_run_line (cli, "top --count 2");
  g_auto (GStrv) lines = g_strsplit (outcome->out, "\n", -1);

  sb_test_assert_outcome (outcome, 0);
  g_assert_cmpuint (g_strv_length (lines), ==, 4);
  sb_test_assert_contains (lines[0], "ACCEPTED/S");
  sb_test_assert_contains (lines[1], " - ");
  g_assert_null (strstr (lines[2], " - "));
  g_assert_null (strchr (outcome->out, '\033'));
}

static void
test_prints_overviews_for_programs (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "admin");
  g_autoptr (SbTestOutcome) outcome = sb_test_cli_run_line (cli, "top --json -n 1");
  g_autoptr (JsonObject) overview = NULL;

  sb_test_assert_outcome (outcome, 0);
  overview = sb_test_json_object (outcome->out);
  g_assert_cmpint (sb_test_json_int (sb_test_json_member (overview, "users"), "total"), ==, 4);
}

static void
test_fills_the_terminal_and_gives_it_back (void)
{
  static const struct
  {
    const char *key;
    int number;
  } ends[] = { { "q", 0 }, { "\003", 0 }, { NULL, SIGTERM }, { NULL, SIGHUP } };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "admin");

  for (gsize i = 0; i < G_N_ELEMENTS (ends); i++)
    {
      g_autoptr (SbTestPty) pty = sb_test_pty_new (cli, 80, 24, "top", NULL);

      sb_test_pty_wait_text (pty, ENTER);
      sb_test_pty_wait_text (pty, "Backlog");
      g_assert_false (sb_test_pty_is_echoing (pty));
      if (ends[i].key != NULL)
        sb_test_pty_type (pty, ends[i].key);
      else
        sb_test_pty_signal (pty, ends[i].number);
      sb_test_pty_wait_text (pty, LEAVE);
      g_assert_cmpint (sb_test_pty_wait_end (pty), ==, 0);
      g_assert_true (sb_test_pty_is_echoing (pty));
    }
}

/* The widest line between two places of the cursor, without escape codes. */
static gsize
get_width (const char *frame)
{
  gsize width = 0;
  gsize widest = 0;

  for (const char *p = frame; *p != '\0'; p++)
    {
      if (*p == '\033')
        {
          p += strcspn (p, "HKJhlm");
          continue;
        }
      /* Letters, not bytes. */
      width = *p == '\r' || *p == '\n' ? 0 : width + ((*p & 0xc0) != 0x80);
      widest = MAX (widest, width);
    }
  return widest;
}

static void
test_draws_anew_when_the_window_changes (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "admin");
  g_autoptr (SbTestPty) pty = sb_test_pty_new (cli, 100, 30, "top", "--interval", "60", NULL);
  gsize before;

  sb_test_pty_wait_text (pty, "of a processor");
  before = strlen (sb_test_pty_get_output (pty));
  sb_test_pty_resize (pty, 30, 10);
  sb_test_pty_wait_text (pty, "accepted");
  sb_test_pty_type (pty, "q");
  g_assert_cmpint (sb_test_pty_wait_end (pty), ==, 0);
  g_assert_cmpuint (get_width (sb_test_pty_get_output (pty) + before), <=, 30);
}

static void
test_waits_for_a_bus_that_is_away (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "admin");
  g_autoptr (SbTestPty) pty = sb_test_pty_new (cli, 80, 24, "top", NULL);

  sb_test_pty_wait_text (pty, "Backlog");
  sb_test_site_restart (bus);
  sb_test_pty_wait_text (pty, "trying again");
  /* A screen that begins with the bus again. */
  sb_test_pty_wait_text (pty, "\033[H\033[1mSimpleBus");
  sb_test_pty_type (pty, "q");
  g_assert_cmpint (sb_test_pty_wait_end (pty), ==, 0);
}

static void
test_says_why_it_may_not_look (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "alice");
  g_autoptr (SbTestOutcome) outcome = sb_test_cli_run_line (cli, "top");
  g_autoptr (SbTestPty) pty = sb_test_pty_new (cli, 80, 24, "top", NULL);

  sb_test_assert_outcome (outcome, 77);
  sb_test_pty_wait_text (pty, LEAVE);
  sb_test_pty_wait_text (pty, "simplebus: ");
  g_assert_cmpint (sb_test_pty_wait_end (pty), ==, 77);
}

static void
test_tells_a_script_that_the_bus_went (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "admin");
  g_autoptr (SbTestPty) pty = NULL;

  /* A dumb terminal is none that could be filled. */
  sb_test_cli_setenv (cli, "TERM", "dumb");
  pty = sb_test_pty_new (cli, 120, 24, "top", NULL);
  sb_test_pty_wait_text (pty, "ONLINE");
  sb_test_daemon_terminate (bus->daemon);
  g_assert_cmpint (sb_test_pty_wait_end (pty), ==, 69);
  g_assert_null (strchr (sb_test_pty_get_output (pty), '\033'));
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/cli/top/prints-a-line-for-each-look", test_prints_a_line_for_each_look);
  g_test_add_func ("/cli/top/prints-overviews-for-programs", test_prints_overviews_for_programs);
  g_test_add_func ("/cli/top/fills-the-terminal-and-gives-it-back",
                   test_fills_the_terminal_and_gives_it_back);
  g_test_add_func ("/cli/top/draws-anew-when-the-window-changes",
                   test_draws_anew_when_the_window_changes);
  g_test_add_func ("/cli/top/waits-for-a-bus-that-is-away", test_waits_for_a_bus_that_is_away);
  g_test_add_func ("/cli/top/says-why-it-may-not-look", test_says_why_it_may_not_look);
  g_test_add_func ("/cli/top/tells-a-script-that-the-bus-went",
                   test_tells_a_script_that_the_bus_went);
  return g_test_run ();
}

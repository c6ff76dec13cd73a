/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-cli: words, options, help and exit statuses of the command line, without a bus. */

#include "sb-test-cli.h"
#include "sb-test.h"

#include <string.h>

static void
test_lists_verbs_when_nothing_is_said (void)
{
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();
  g_autoptr (SbTestOutcome) bare = sb_test_cli_run_line (cli, "");
  g_autoptr (SbTestOutcome) asked = sb_test_cli_run_line (cli, "--help");

  sb_test_assert_outcome (bare, 0);
  sb_test_assert_contains (bare->out, "\nAbout itself\n  help ");
  g_assert_cmpstr (bare->out, ==, asked->out);
  g_assert_cmpstr (bare->err, ==, "");
}

static void
test_tells_its_version (void)
{
  static const char *const lines[] = { "--version", "--json --version", "help --version" };
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_autoptr (SbTestOutcome) outcome = sb_test_cli_run_line (cli, lines[i]);

      sb_test_assert_outcome (outcome, 0);
      g_assert_true (g_str_has_prefix (outcome->out, "simplebus "));
    }
}

static void
test_refuses_words_that_make_no_sense (void)
{
  static const char *const cases[][2] = {
    { "hepl", "There is no verb \"hepl\"; did you mean \"help\"?" },
    { "frobnicate", "There is no verb \"frobnicate\"\n" },
    { "--frobnicate", "Unknown option --frobnicate" },
    { "help --frobnicate", "Unknown option --frobnicate" },
    { "help --user", "Missing argument for --user" },
    { "help nothing", "There is no verb \"nothing\"" },
    { "help a b c", "Too many words" },
  };
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SbTestOutcome) outcome = sb_test_cli_run_line (cli, cases[i][0]);

      sb_test_assert_outcome (outcome, 2);
      sb_test_assert_contains (outcome->err, cases[i][1]);
      sb_test_assert_contains (outcome->err, "--help\" for ");
      g_assert_cmpstr (outcome->out, ==, "");
    }
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/cli/lists-verbs-when-nothing-is-said", test_lists_verbs_when_nothing_is_said);
  g_test_add_func ("/cli/tells-its-version", test_tells_its_version);
  g_test_add_func ("/cli/refuses-words-that-make-no-sense", test_refuses_words_that_make_no_sense);
  return g_test_run ();
}

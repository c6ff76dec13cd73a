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

/* --- Help, man page and completion say the same --- */

/* Names of the verbs, from the list. */
static GPtrArray *
list_verbs (SbTestCli *cli)
{
  g_autoptr (SbTestOutcome) outcome = sb_test_cli_run_line (cli, "");
  g_auto (GStrv) lines = g_strsplit (outcome->out, "\n", -1);
  GPtrArray *verbs = g_ptr_array_new_with_free_func (g_free);

  for (char **line = lines; strcmp (*line, "Options of all verbs") != 0; line++)
    if (g_str_has_prefix (*line, "  "))
      g_ptr_array_add (verbs,
                       g_strndup (*line + 2, (gsize) (strstr (*line + 2, "  ") - (*line + 2))));
  g_assert_cmpuint (verbs->len, >, 10);
  return verbs;
}

static char *
run_for (SbTestCli *cli, const char *format, const char *verb)
{
  g_auto (GStrv) parts = g_strsplit (format, "%s", 2);
  g_autofree char *line = g_strconcat (parts[0], verb, parts[1], NULL);
  g_autoptr (SbTestOutcome) outcome = sb_test_cli_run_line (cli, line);

  sb_test_assert_outcome (outcome, 0);
  return g_steal_pointer (&outcome->out);
}

/* Long names of the options in a help text, with their dashes. */
static GPtrArray *
find_options (const char *help)
{
  g_auto (GStrv) lines = g_strsplit (help, "\n", -1);
  GPtrArray *options = g_ptr_array_new_with_free_func (g_free);

  for (char **line = lines; *line != NULL; line++)
    {
      const char *dashes = strstr (*line, "--");

      if (g_str_has_prefix (*line, "  -") && dashes != NULL && dashes - *line <= 6)
        g_ptr_array_add (options, g_strndup (dashes, strcspn (dashes, "=[ ")));
    }
  return options;
}

static void
test_has_help_for_each_verb (void)
{
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();
  g_autoptr (GPtrArray) verbs = list_verbs (cli);

  for (guint i = 0; i < verbs->len; i++)
    {
      const char *verb = g_ptr_array_index (verbs, i);
      g_autofree char *help = run_for (cli, "%s --help", verb);
      g_autofree char *same = run_for (cli, "help %s", verb);
      g_autofree char *usage = g_strdup_printf ("Usage: simplebus %s ", verb);
      g_autofree char *example = g_strdup_printf ("\n  simplebus %s", verb);
      g_auto (GStrv) lines = g_strsplit (help, "\n", -1);

      g_test_message ("%s", verb);
      g_assert_cmpstr (help, ==, same);
      g_assert_true (g_str_has_prefix (help, usage));
      if (strcmp (verb, "help") != 0)
        sb_test_assert_contains (help, example);
      for (char **line = lines; *line != NULL; line++)
        g_assert_cmpint (g_utf8_strlen (*line, -1), <=, 120);
    }
}

static void
test_has_all_of_it_in_the_man_page (void)
{
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();
  g_autoptr (GPtrArray) verbs = list_verbs (cli);
  g_autofree char *page = run_for (cli, "__man%s", "");

  for (guint i = 0; i < verbs->len; i++)
    {
      const char *verb = g_ptr_array_index (verbs, i);
      g_autofree char *help = run_for (cli, "%s --help", verb);
      g_autoptr (GPtrArray) options = find_options (help);
      g_auto (GStrv) parts = g_strsplit (verb, "-", -1);
      g_autofree char *name = g_strjoinv ("\\-", parts);
      g_autofree char *heading = g_strdup_printf ("\n.SS \"simplebus %s", name);

      sb_test_assert_contains (page, heading);
      for (guint j = 0; j < options->len; j++)
        {
          g_auto (GStrv) words = g_strsplit (g_ptr_array_index (options, j), "-", -1);
          g_autofree char *escaped = g_strjoinv ("\\-", words);

          sb_test_assert_contains (page, escaped);
        }
    }
}

static void
test_offers_all_of_it_to_a_shell (void)
{
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();
  g_autoptr (GPtrArray) verbs = list_verbs (cli);

  for (guint i = 0; i < verbs->len; i++)
    {
      const char *verb = g_ptr_array_index (verbs, i);
      g_autofree char *help = run_for (cli, "%s --help", verb);
      g_autoptr (GPtrArray) options = find_options (help);
      g_autofree char *offer = run_for (cli, "__complete %s --", verb);
      /* Each verb by the beginning of its last word. */
      g_autofree char *names = run_for (cli, "__complete %s", verb);
      const char *last = strrchr (verb, ' ') != NULL ? strrchr (verb, ' ') + 1 : verb;
      g_autofree char *name = g_strconcat (last, "\t", NULL);

      sb_test_assert_contains (names, name);
      for (guint j = 0; j < options->len; j++)
        {
          g_autofree char *option = g_strconcat (g_ptr_array_index (options, j), "\t", NULL);

          sb_test_assert_contains (offer, option);
        }
    }
}

static void
test_completes_values_of_options (void)
{
  static const char *const cases[][2] = {
    { "__complete --config ", ":files\n" },  { "__complete --bus ", "" },
    { "__complete help statu", "status\t" }, { "__complete nothing ", "" },
    { "__complete users nothing ", "" },
  };
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *offer = run_for (cli, cases[i][0], "");

      g_test_message ("%s", cases[i][0]);
      g_assert_true (g_str_has_prefix (offer, cases[i][1]));
      if (*cases[i][1] == '\0')
        g_assert_cmpstr (offer, ==, "");
    }
}

/* --- In a shell --- */

/* Runs a script whose $0 is the program. @script: for @shell -c. Returns: what it printed */
static char *
run_script (SbTestCli *cli, const char *shell, const char *script, const char *word, int *status)
{
  g_autoptr (GSubprocessLauncher) launcher = sb_test_cli_make_launcher (
      cli, G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE);
  const char *const words[] = { shell, "-c", script, sb_test_cli_get_program (), word, NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = g_subprocess_launcher_spawnv (launcher, words, &error);
  char *out = NULL;

  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (process, NULL, NULL, &out, NULL, &error);
  g_assert_no_error (error);
  *status = g_subprocess_get_exit_status (process);
  return out;
}

static void
test_completes_in_bash (void)
{
  static const char *const cases[][2] = {
    { "simplebus hel", "<help>" },
    { "simplebus users ad", "<add>" },
    { "simplebus users list --lim", "<--limit>" },
    { "simplebus send $", "<\\$all>" },
    { "simplebus send @", "<alice><bob>" },
    { "simplebus send @b", "<bob>" },
    { "simplebus users show al", "<alice>" },
  };
  /* What a bus would answer is what a file says. */
  static const char script[] =
      "source \"$1\"\n"
      "fake () { case ${!#} in @*) printf '@alice\\t\\n@bob\\t\\n' | grep -F -- \"${!#}\";;"
      " al) printf 'alice\\t\\n';; *) \"$0\" \"$@\";; esac; }\n"
      "COMP_LINE=$LINE COMP_POINT=${#LINE} _simplebus fake\n"
      "printf '<%s>' \"${COMPREPLY[@]}\"\n";
  g_autofree char *bash = g_find_program_in_path ("bash");
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();

  g_assert_nonnull (bash);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *out = NULL;
      int status;

      sb_test_cli_setenv (cli, "LINE", cases[i][0]);
      out = run_script (cli, bash, script, SB_TEST_COMPLETION, &status);
      g_test_message ("%s", cases[i][0]);
      g_assert_cmpstr (out, ==, cases[i][1]);
    }
}

static void
test_fails_when_nobody_gets_what_it_prints (void)
{
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();
  g_autofree char *full = NULL;
  int status;

  full = run_script (cli, "sh", "\"$0\" --help >/dev/full", "", &status);
  g_assert_cmpint (status, ==, 1);
  sb_test_assert_contains (full, "could not be written: No space left on device");
}

/* As cron does. */
static void
test_prints_names_as_they_are_without_a_locale (void)
{
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();
  g_autoptr (SbTestOutcome) outcome = NULL;

  sb_test_cli_setenv (cli, "LC_ALL", NULL);
  sb_test_cli_setenv (cli, "LANG", NULL);
  sb_test_cli_setenv (cli, "LC_CTYPE", NULL);
  outcome = sb_test_cli_run (cli, "--url", "http://127.0.0.1:1", "--user", "Вася", "users", "show",
                             NULL);
  sb_test_assert_outcome (outcome, 78);
  sb_test_assert_contains (outcome->err, "Вася");
}

static void
test_speaks_russian (void)
{
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();
  g_autoptr (SbTestOutcome) list = NULL;
  g_autoptr (SbTestOutcome) page = NULL;

  g_assert_true (
      g_file_test (SB_TEST_LOCALE_DIR "/ru/LC_MESSAGES/simplebus.mo", G_FILE_TEST_EXISTS));
  sb_test_cli_setenv (cli, "SIMPLEBUS_LOCALE_DIR", SB_TEST_LOCALE_DIR);
  sb_test_cli_setenv (cli, "LANGUAGE", "ru");
  list = sb_test_cli_run_line (cli, "help users list");
  page = sb_test_cli_run_line (cli, "users lst");
  sb_test_assert_outcome (list, 0);
  sb_test_assert_contains (list->out, "Показать пользователей");
  sb_test_assert_outcome (page, 2);
  sb_test_assert_contains (page->err, "users list");
  sb_test_assert_contains (page->err, "Нет");
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/cli/lists-verbs-when-nothing-is-said", test_lists_verbs_when_nothing_is_said);
  g_test_add_func ("/cli/tells-its-version", test_tells_its_version);
  g_test_add_func ("/cli/refuses-words-that-make-no-sense", test_refuses_words_that_make_no_sense);
  g_test_add_func ("/cli/has-help-for-each-verb", test_has_help_for_each_verb);
  g_test_add_func ("/cli/has-all-of-it-in-the-man-page", test_has_all_of_it_in_the_man_page);
  g_test_add_func ("/cli/offers-all-of-it-to-a-shell", test_offers_all_of_it_to_a_shell);
  g_test_add_func ("/cli/completes-values-of-options", test_completes_values_of_options);
  g_test_add_func ("/cli/completes-in-bash", test_completes_in_bash);
  g_test_add_func ("/cli/fails-when-nobody-gets-what-it-prints",
                   test_fails_when_nobody_gets_what_it_prints);
  g_test_add_func ("/cli/prints-names-as-they-are-without-a-locale",
                   test_prints_names_as_they_are_without_a_locale);
  g_test_add_func ("/cli/speaks-russian", test_speaks_russian);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* main: finds the verb, takes the options out, and lets the verb do the rest. */

#include "sb-build.h"
#include "sb-cli-settings.h"
#include "sb-cli-verbs.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Without a locale, as in cron, texts are English, but names are what they are: UTF-8. */
static void
choose_locale (void)
{
  const char *folder = g_getenv ("SIMPLEBUS_LOCALE_DIR");

  setlocale (LC_ALL, "");
  if (strcmp (nl_langinfo (CODESET), "ANSI_X3.4-1968") == 0)
    setlocale (LC_CTYPE, "C.UTF-8");
  /* From the build tree it speaks languages too. */
  bindtextdomain (GETTEXT_PACKAGE, folder != NULL ? folder : SB_LOCALE_DIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
}

static gboolean
is_set (const char *variable)
{
  const char *value = g_getenv (variable);

  return value != NULL && *value != '\0';
}

/* Takes over what the options say. */
static void
set_up (SbCli *cli)
{
  gboolean is_dumb = !is_set ("TERM") || strcmp (g_getenv ("TERM"), "dumb") == 0;

  cli->json = sb_cli_options.json;
  cli->quiet = sb_cli_options.quiet;
  cli->config_file = g_steal_pointer (&sb_cli_options.config_file);
  cli->url = g_steal_pointer (&sb_cli_options.url);
  cli->user = g_steal_pointer (&sb_cli_options.user);
  cli->bus = g_steal_pointer (&sb_cli_options.bus);
  cli->colour = isatty (STDOUT_FILENO) && !is_dumb && !is_set ("NO_COLOR") && !cli->json
                && !sb_cli_options.no_colour;
  cli->progress = isatty (STDERR_FILENO) && !is_dumb && !cli->quiet;
}

static void
tear_down (SbCli *cli)
{
  g_clear_object (&cli->client);
  sb_cli_secret_free (cli->password);
  g_free (cli->config_file);
  g_free (cli->url);
  g_free (cli->user);
  g_free (cli->bus);
}

/* Everything before "--", where an option may not even make sense yet. */
static gboolean
wants_help (int argc, char **argv)
{
  for (int i = 1; i < argc && strcmp (argv[i], "--") != 0; i++)
    if (strcmp (argv[i], "--help") == 0 || strcmp (argv[i], "-h") == 0)
      return TRUE;
  return FALSE;
}

static SbCliStatus
fail_options (SbCli *cli, const GError *error)
{
  return sb_cli_usage (cli, "%s", error->message);
}

static SbCliStatus
run_without_verb (SbCli *cli, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;

  if (!sb_cli_parse_options (NULL, &argc, &argv, &error))
    return fail_options (cli, error);
  if (sb_cli_options.version)
    g_print ("simplebus %s\n", SB_VERSION);
  else if (argc > 1)
    return sb_cli_usage (cli, _ ("There is no verb"));
  else
    sb_cli_print_list ();
  return SB_CLI_OK;
}

static SbCliStatus
refuse_verb (SbCli *cli, const char *first, const char *second)
{
  gboolean is_family = sb_cli_is_family (first);
  g_autofree char *meant = sb_cli_suggest_verb (first, second);
  g_autofree char *both = is_family && second != NULL ? g_strconcat (first, " ", second, NULL)
                                                      : g_strdup (first);

  if (is_family && second == NULL)
    return sb_cli_usage (cli,
                         _ ("\"%s\" alone is no verb; \"simplebus %s --help\" lists what there is"),
                         first, first);
  if (meant != NULL)
    return sb_cli_usage (cli, _ ("There is no verb \"%s\"; did you mean \"%s\"?"), both, meant);
  return sb_cli_usage (cli, _ ("There is no verb \"%s\""), both);
}

static void
remove_word (int *argc, char **argv, int index)
{
  memmove (&argv[index], &argv[index + 1], sizeof *argv * (gsize) (*argc - index));
  --*argc;
}

static SbCliStatus
run_verb (SbCli *cli, const SbCliVerb *verb, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;

  cli->verb = verb;
  if (wants_help (argc, argv))
    {
      sb_cli_print_help (verb);
      return SB_CLI_OK;
    }
  if (!sb_cli_parse_options (verb, &argc, &argv, &error))
    return fail_options (cli, error);
  if (sb_cli_options.version)
    {
      g_print ("simplebus %s\n", SB_VERSION);
      return SB_CLI_OK;
    }
  set_up (cli);
  return verb->run (cli, argc, argv);
}

static SbCliStatus
dispatch (SbCli *cli, int argc, char **argv)
{
  int first = sb_cli_next_word (argc, argv, 1);
  int second = sb_cli_next_word (argc, argv, first + 1);
  const SbCliVerb *verb;
  guint n_words;

  if (argc > 1 && strcmp (argv[1], "__complete") == 0)
    return sb_cli_complete (cli, argc - 2, argv + 2);
  if (argc == 2 && strcmp (argv[1], "__man") == 0)
    return sb_cli_print_man ();
  if (first >= argc)
    return run_without_verb (cli, argc, argv);
  verb = sb_cli_find_verb (argv[first], second < argc ? argv[second] : NULL, &n_words);
  if (verb == NULL && sb_cli_is_family (argv[first]) && wants_help (argc, argv))
    {
      sb_cli_print_family (argv[first]);
      return SB_CLI_OK;
    }
  if (verb == NULL)
    return refuse_verb (cli, argv[first], second < argc ? argv[second] : NULL);
  if (n_words == 2)
    remove_word (&argc, argv, second);
  remove_word (&argc, argv, first);
  argv[0] = (char *) verb->name;
  return run_verb (cli, verb, argc, argv);
}

/* A result that was not written is no result. Who stopped reading knows why. */
static SbCliStatus
check_output (SbCliStatus status)
{
  if (fflush (stdout) == 0 && !ferror (stdout))
    return status;
  if (errno != EPIPE)
    g_printerr (_ ("simplebus: What was printed could not be written: %s\n"), g_strerror (errno));
  return status == SB_CLI_OK ? SB_CLI_FAILED : status;
}

int
main (int argc, char *argv[])
{
  SbCli cli = { 0 };
  /* Words are taken out, and the table of the system's own must stay. */
  g_autofree char **words = g_memdup2 (argv, sizeof *argv * ((gsize) argc + 1));
  SbCliStatus status;

  choose_locale ();
  g_set_prgname ("simplebus");
  status = dispatch (&cli, argc, words);
  tear_down (&cli);
  return (int) check_output (status);
}

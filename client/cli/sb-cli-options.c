/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-options: the options that all verbs have, before the verb or behind it. */

#include "sb-cli-verbs.h"

#include <glib/gi18n.h>
#include <string.h>

SbCliOptions sb_cli_options;

const GOptionEntry sb_cli_global_options[] = {
  { "json", 0, 0, G_OPTION_ARG_NONE, &sb_cli_options.json,
    N_ ("Print JSON for programs, an object a line"), NULL },
  { "quiet", 'q', 0, G_OPTION_ARG_NONE, &sb_cli_options.quiet,
    N_ ("Print nothing but results and errors"), NULL },
  { "config", 0, 0, G_OPTION_ARG_FILENAME, &sb_cli_options.config_file,
    N_ ("Read this file instead of ~/.config/simplebus/client.ini"), N_ ("FILE") },
  { "bus", 0, 0, G_OPTION_ARG_STRING, &sb_cli_options.bus,
    N_ ("Take the group [bus NAME] of that file"), N_ ("NAME") },
  { "url", 0, 0, G_OPTION_ARG_STRING, &sb_cli_options.url,
    N_ ("Address of the bus, http://localhost:2555 for instance"), N_ ("URL") },
  { "user", 0, 0, G_OPTION_ARG_STRING, &sb_cli_options.user, N_ ("Log in as this user"),
    N_ ("NAME") },
  { "no-colour", 0, 0, G_OPTION_ARG_NONE, &sb_cli_options.no_colour,
    N_ ("No colours, also on a terminal"), NULL },
  { "no-color", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &sb_cli_options.no_colour, NULL, NULL },
  { "help", 'h', 0, G_OPTION_ARG_NONE, &sb_cli_options.help, N_ ("Print this help"), NULL },
  { "version", 0, 0, G_OPTION_ARG_NONE, &sb_cli_options.version, N_ ("Print the version"), NULL },
  G_OPTION_ENTRY_NULL,
};

/**
 * sb_cli_find_option:
 * @options: (nullable): a table
 * @word: of the command line
 *
 * Returns: (nullable): the option that it begins, "--user=x", "--user" or "-q"
 */
const GOptionEntry *
sb_cli_find_option (const GOptionEntry *options, const char *word)
{
  gsize length;

  if (word[0] != '-' || word[1] == '\0')
    return NULL;
  length = strcspn (word + 2, "=");
  for (const GOptionEntry *option = options; option != NULL && option->long_name != NULL; option++)
    {
      if (word[1] != '-' && word[1] == option->short_name)
        return option;
      if (word[1] == '-' && strncmp (option->long_name, word + 2, length) == 0
          && option->long_name[length] == '\0')
        return option;
    }
  return NULL;
}

/**
 * sb_cli_option_takes_value:
 * @option: an option
 *
 * Returns: whether the word behind it is its value
 */
gboolean
sb_cli_option_takes_value (const GOptionEntry *option)
{
  return option->arg != G_OPTION_ARG_NONE
         && !(option->arg == G_OPTION_ARG_CALLBACK
              && (option->flags & (G_OPTION_FLAG_NO_ARG | G_OPTION_FLAG_OPTIONAL_ARG)) != 0);
}

/**
 * sb_cli_next_word:
 * @argc: how many words
 * @argv: the words
 * @from: where to begin
 *
 * Returns: the index of the next one that is neither an option for all verbs nor its value; @argc
 * when there is none, or when "--" comes first
 */
int
sb_cli_next_word (int argc, char **argv, int from)
{
  for (int i = from; i < argc && strcmp (argv[i], "--") != 0; i++)
    {
      const GOptionEntry *option = sb_cli_find_option (sb_cli_global_options, argv[i]);

      if (argv[i][0] != '-' || argv[i][1] == '\0')
        return i;
      if (option != NULL && sb_cli_option_takes_value (option) && strchr (argv[i], '=') == NULL)
        i++;
    }
  return argc;
}

/* GOption would take the next word for a value that may be left out; it has to be behind a "=". */
static void
end_optional_values (const GOptionEntry *options, int argc, char **argv)
{
  for (int i = 1; i < argc && strcmp (argv[i], "--") != 0; i++)
    {
      const GOptionEntry *option = sb_cli_find_option (options, argv[i]);

      if (option != NULL && (option->flags & G_OPTION_FLAG_OPTIONAL_ARG) != 0
          && strcmp (argv[i] + 2, option->long_name) == 0)
        {
          g_autofree char *word = g_strconcat (argv[i], "=", NULL);

          argv[i] = (char *) g_intern_string (word);
        }
    }
}

/* GOption leaves "--" where a word behind it begins with a dash. */
static void
remove_separator (int *argc, char **argv)
{
  for (int i = 1; i < *argc; i++)
    if (strcmp (argv[i], "--") == 0)
      {
        memmove (&argv[i], &argv[i + 1], sizeof *argv * (gsize) (*argc - i));
        --*argc;
        return;
      }
}

/**
 * sb_cli_parse_options:
 * @verb: (nullable): whose options may be there, beside those for all verbs
 * @argc: (inout): how many words
 * @argv: (inout): the words, ended by %NULL
 * @error: return location for an error
 *
 * Takes options, and the "--" behind them, out of the words.
 *
 * Returns: whether they make sense
 */
gboolean
sb_cli_parse_options (const SbCliVerb *verb, int *argc, char ***argv, GError **error)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_add_main_entries (context, sb_cli_global_options, NULL);
  if (verb != NULL && verb->options != NULL)
    {
      g_option_context_add_main_entries (context, verb->options, NULL);
      end_optional_values (verb->options, *argc, *argv);
    }
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  remove_separator (argc, *argv);
  return TRUE;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-help: what the verbs say about themselves. */

#include "sb-cli-verbs.h"

#include <glib/gi18n.h>
#include <string.h>

#define INDENT "  "

static void
append_row (GString *text, const char *left, guint width, const char *right)
{
  g_string_append_printf (text, INDENT "%s", left);
  for (guint i = sb_cli_text_width (left); i < width; i++)
    g_string_append_c (text, ' ');
  g_string_append_printf (text, INDENT "%s\n", right);
}

/* A translation of nothing would be the head of the catalogue. */
static const char *
translate (const char *text)
{
  return text != NULL && *text != '\0' ? _ (text) : "";
}

/**
 * sb_cli_describe_option:
 * @option: an option
 *
 * Returns: (transfer full): how it is typed: "-q, --quiet", "--user=NAME"
 */
char *
sb_cli_describe_option (const GOptionEntry *option)
{
  g_autoptr (GString) text = g_string_new (NULL);

  if (option->short_name != 0)
    g_string_append_printf (text, "-%c, ", option->short_name);
  g_string_append_printf (text, "--%s", option->long_name);
  if (sb_cli_option_takes_value (option))
    g_string_append_printf (text, "=%s", translate (option->arg_description));
  else if (option->arg_description != NULL)
    g_string_append_printf (text, "[=%s]", translate (option->arg_description));
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static guint
measure_options (const GOptionEntry *options)
{
  guint width = 0;

  for (const GOptionEntry *option = options; option != NULL && option->long_name != NULL; option++)
    {
      g_autofree char *left = sb_cli_describe_option (option);

      if ((option->flags & G_OPTION_FLAG_HIDDEN) == 0)
        width = MAX (width, sb_cli_text_width (left));
    }
  return width;
}

static void
append_options (GString *text, const char *title, const GOptionEntry *options, guint width)
{
  if (options == NULL || options->long_name == NULL)
    return;
  g_string_append_printf (text, "\n%s\n", title);
  for (const GOptionEntry *option = options; option->long_name != NULL; option++)
    {
      g_autofree char *left = sb_cli_describe_option (option);

      if ((option->flags & G_OPTION_FLAG_HIDDEN) == 0)
        append_row (text, left, width, translate (option->description));
    }
}

static void
append_usage (GString *text, const SbCliVerb *verb)
{
  g_string_append_printf (text, _ ("Usage: simplebus %s [OPTION…]"), verb->name);
  if (verb->arguments != NULL && *verb->arguments != '\0')
    g_string_append_printf (text, " %s", translate (verb->arguments));
  g_string_append_printf (text, "\n\n%s\n", translate (verb->summary));
}

/**
 * sb_cli_print_help:
 * @verb: a verb
 *
 * Prints all about it.
 */
void
sb_cli_print_help (const SbCliVerb *verb)
{
  g_autoptr (GString) text = g_string_new (NULL);
  guint width = MAX (measure_options (verb->options), measure_options (sb_cli_global_options));

  append_usage (text, verb);
  append_options (text, _ ("Options"), verb->options, width);
  append_options (text, _ ("Options of all verbs"), sb_cli_global_options, width);
  if (verb->details != NULL && *verb->details != '\0')
    g_string_append_printf (text, "\n%s\n", translate (verb->details));
  g_print ("%s", text->str);
}

/* @first: (nullable): only verbs that begin with that word */
static void
append_verbs (GString *text, const char *first)
{
  g_autofree char *prefix = first != NULL ? g_strconcat (first, " ", NULL) : g_strdup ("");
  guint width = 0;

  for (const SbCliGroup *group = sb_cli_groups; group->title != NULL; group++)
    for (const SbCliVerb *const *verb = group->verbs; *verb != NULL; verb++)
      width = MAX (width, sb_cli_text_width ((*verb)->name));
  for (const SbCliGroup *group = sb_cli_groups; group->title != NULL; group++)
    {
      if (first == NULL)
        g_string_append_printf (text, "\n%s\n", _ (group->title));
      for (const SbCliVerb *const *verb = group->verbs; *verb != NULL; verb++)
        if (g_str_has_prefix ((*verb)->name, prefix) || g_strcmp0 ((*verb)->name, first) == 0)
          append_row (text, (*verb)->name, width, translate ((*verb)->summary));
    }
}

/**
 * sb_cli_print_list:
 *
 * Prints what there is.
 */
void
sb_cli_print_list (void)
{
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_append_printf (text, "%s\n\n%s\n", _ ("Usage: simplebus [OPTION…] VERB [ARGUMENT…]"),
                          _ ("Sends and receives messages and files by way of a SimpleBus, and "
                             "manages it."));
  append_verbs (text, NULL);
  append_options (text, _ ("Options of all verbs"), sb_cli_global_options,
                  measure_options (sb_cli_global_options));
  g_string_append_printf (text, "\n%s\n",
                          _ ("\"simplebus VERB --help\" tells more, with examples."));
  g_print ("%s", text->str);
}

/**
 * sb_cli_print_family:
 * @first: the first word of verbs of two
 *
 * Prints those verbs.
 */
void
sb_cli_print_family (const char *first)
{
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_append_printf (text, _ ("Usage: simplebus %s VERB [OPTION…] [ARGUMENT…]"), first);
  g_string_append (text, "\n\n");
  append_verbs (text, first);
  g_string_append_printf (text, "\n%s\n",
                          _ ("\"simplebus VERB --help\" tells more, with examples."));
  g_print ("%s", text->str);
}

static SbCliStatus
run (SbCli *cli, int argc, char **argv)
{
  guint n_words;
  const SbCliVerb *verb;

  if (argc == 1)
    {
      sb_cli_print_list ();
      return SB_CLI_OK;
    }
  if (argc > 3)
    return sb_cli_usage (cli, _ ("Too many words"));
  verb = sb_cli_find_verb (argv[1], argv[2], &n_words);
  if (verb != NULL && n_words == (guint) argc - 1)
    sb_cli_print_help (verb);
  else if (argc == 2 && sb_cli_is_family (argv[1]))
    sb_cli_print_family (argv[1]);
  else
    return sb_cli_usage (cli, _ ("There is no verb \"%s\""), argv[argc - 1]);
  return SB_CLI_OK;
}

const SbCliVerb sb_cli_verb_help = {
  .name = "help",
  .arguments = N_ ("[VERB]"),
  .summary = N_ ("Tell about a verb, with examples"),
  .details = N_ ("Without a word it lists all verbs.\n"
                 "\n"
                 "  simplebus help send\n"
                 "  simplebus help users add"),
  .run = run,
};

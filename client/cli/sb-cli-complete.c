/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-complete: what a shell offers for the word that is being typed.
 *
 * `simplebus __complete WORD…` gets the words behind `simplebus`, the last of which is the one
 * that is being typed, perhaps empty. It prints a candidate a line, with a tab and a description
 * behind it. The line `:files` says that files fit.
 */

#include "sb-cli-settings.h"
#include "sb-cli-verbs.h"

#include <glib/gi18n.h>
#include <string.h>

/* Who presses the tabulator does not wait for a network. */
#define DEADLINE_MS 1000
#define MAX_USERS 200

static void
offer (const char *typed, const char *prefix, const char *candidate, const char *description)
{
  g_autofree char *whole = g_strconcat (prefix, candidate, NULL);
  g_autofree char *shown = sb_cli_printable (whole);

  /* A name that a terminal would obey is not offered, and never typed for anybody. */
  if (g_str_has_prefix (whole, typed) && strcmp (whole, shown) == 0)
    g_print ("%s\t%s\n", whole, description);
}

static void
offer_options (const char *typed, const GOptionEntry *options)
{
  for (const GOptionEntry *option = options; option != NULL && option->long_name != NULL; option++)
    if ((option->flags & G_OPTION_FLAG_HIDDEN) == 0)
      offer (typed, "--", option->long_name, _ (option->description));
}

/* First words, each once; or the second words of a family. */
static gboolean
offer_verbs (const char *typed, const char *family)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  gsize skipped = family != NULL ? strlen (family) + 1 : 0;
  gboolean found = FALSE;

  for (const SbCliGroup *group = sb_cli_groups; group->title != NULL; group++)
    for (const SbCliVerb *const *verb = group->verbs; *verb != NULL; verb++)
      {
        const char *name = (*verb)->name;
        char *word;

        if (family != NULL
            && (strncmp (name, family, skipped - 1) != 0 || name[skipped - 1] != ' '))
          continue;
        found = TRUE;
        word = g_strndup (name + skipped, strcspn (name + skipped, " "));
        if (!g_hash_table_contains (seen, word))
          offer (typed, "", word, _ ((*verb)->summary));
        g_hash_table_add (seen, word);
      }
  return found;
}

/* --- Ids of users, when that is cheap --- */

typedef struct
{
  GCancellable *cancellable; /* (owned) */
  GBytes *answer;            /* (owned) (nullable) */
  gboolean has_ended;
} Lookup;

static gboolean
give_up_cb (gpointer user_data)
{
  g_cancellable_cancel (((Lookup *) user_data)->cancellable);
  return G_SOURCE_REMOVE;
}

static void
looked_up_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Lookup *lookup = user_data;

  lookup->answer = sb_client_call_finish (SB_CLIENT (source), result, NULL, NULL);
  lookup->has_ended = TRUE;
}

/* Returns: whether the bus can be asked without asking somebody here */
static gboolean
is_logged_in (SbCli *cli)
{
  g_autoptr (SbCliSettings) settings = sb_cli_settings_load (cli, FALSE, NULL);

  return settings != NULL && settings->user != NULL && settings->password != NULL;
}

static GBytes *
look_up (SbCli *cli, const char *path)
{
  Lookup lookup = { g_cancellable_new (), NULL, FALSE };
  SbClient *client = is_logged_in (cli) ? sb_cli_get_client (cli, NULL) : NULL;

  if (client != NULL)
    {
      guint deadline = g_timeout_add (DEADLINE_MS, give_up_cb, &lookup);

      sb_client_call_async (client, "GET", path, NULL, lookup.cancellable, looked_up_cb, &lookup);
      while (!lookup.has_ended)
        g_main_context_iteration (NULL, TRUE);
      if (!g_cancellable_is_cancelled (lookup.cancellable))
        g_source_remove (deadline);
    }
  g_object_unref (lookup.cancellable);
  return lookup.answer;
}

/* Ids come in their order, so those with the typed beginning stand together. */
static void
offer_users (SbCli *cli, const char *typed, const char *prefix)
{
  const char *begin = g_str_has_prefix (typed, prefix) ? typed + strlen (prefix) : "";
  g_autofree char *path = sb_cli_path (*begin != '\0' ? "/api/v1/users?limit=%u&after=%s"
                                                      : "/api/v1/users?limit=%u",
                                       MAX_USERS, begin);
  g_autoptr (GBytes) answer = look_up (cli, path);
  g_autoptr (JsonNode) node = answer != NULL ? sb_cli_parse_json (answer, NULL) : NULL;
  JsonArray *users;

  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node)
      || !json_object_has_member (json_node_get_object (node), "users"))
    return;
  users = json_object_get_array_member (json_node_get_object (node), "users");
  for (guint i = 0; users != NULL && i < json_array_get_length (users); i++)
    {
      JsonObject *user = json_array_get_object_element (users, i);
      const char *id = json_object_get_string_member_with_default (user, "_id", NULL);

      if (id != NULL)
        offer (typed, prefix, id, "");
    }
}

static void
offer_arguments (SbCli *cli, const SbCliVerb *verb, const char *typed)
{
  const char *arguments = verb->arguments != NULL ? verb->arguments : "";

  if (strcmp (verb->name, "help") == 0)
    offer_verbs (typed, NULL);
  if (strstr (arguments, "FILE") != NULL)
    g_print (":files\n");
  if (strstr (arguments, "USER") != NULL)
    offer_users (cli, typed, "");
  if (g_str_has_prefix (arguments, "TO"))
    {
      offer (typed, "", "$all", _ ("all users"));
      offer_users (cli, typed, "@");
    }
}

/* --- Where the word stands --- */

/* Returns: (nullable): the option whose value is being typed */
static const GOptionEntry *
get_open_option (const SbCliVerb *verb, int argc, char **argv)
{
  const char *before = argc > 1 ? argv[argc - 2] : "";
  const GOptionEntry *option = sb_cli_find_option (sb_cli_global_options, before);

  if (option == NULL && verb != NULL)
    option = sb_cli_find_option (verb->options, before);
  return option != NULL && sb_cli_option_takes_value (option) && strchr (before, '=') == NULL
             ? option
             : NULL;
}

/* What was typed already decides where user ids come from. */
static void
take_options (SbCli *cli, int argc, char **argv)
{
  for (int i = 0; i + 1 < argc; i++)
    {
      const GOptionEntry *option = sb_cli_find_option (sb_cli_global_options, argv[i]);
      const char *equals = strchr (argv[i], '=');
      const char *value = equals != NULL ? equals + 1 : i + 2 < argc ? argv[i + 1] : NULL;
      char **target = NULL;

      if (option == NULL || value == NULL)
        continue;
      if (option->arg_data == &sb_cli_options.config_file)
        target = &cli->config_file;
      else if (option->arg_data == &sb_cli_options.bus)
        target = &cli->bus;
      else if (option->arg_data == &sb_cli_options.url)
        target = &cli->url;
      else if (option->arg_data == &sb_cli_options.user)
        target = &cli->user;
      if (target == NULL)
        continue;
      g_free (*target);
      *target = g_strdup (value);
    }
}

static void
offer_for_word (SbCli *cli, const SbCliVerb *verb, int argc, char **argv)
{
  const char *typed = argv[argc - 1];
  const GOptionEntry *open = get_open_option (verb, argc, argv);

  if (open != NULL)
    {
      if (open->arg == G_OPTION_ARG_FILENAME || open->arg == G_OPTION_ARG_FILENAME_ARRAY)
        g_print (":files\n");
      else if (g_strcmp0 (open->arg_description, "USER") == 0
               || open->arg_data == &sb_cli_options.user)
        offer_users (cli, typed, "");
      return;
    }
  if (*typed == '-')
    {
      offer_options (typed, verb != NULL ? verb->options : NULL);
      offer_options (typed, sb_cli_global_options);
      return;
    }
  if (verb != NULL)
    offer_arguments (cli, verb, typed);
}

/**
 * sb_cli_complete:
 * @cli: the command line
 * @argc: how many words
 * @argv: the words behind `simplebus`; the last one is being typed
 *
 * Prints what may stand there.
 *
 * Returns: always %SB_CLI_OK, for a shell has nobody to tell
 */
SbCliStatus
sb_cli_complete (SbCli *cli, int argc, char **argv)
{
  int last = argc - 1;
  int first = argc > 0 ? sb_cli_next_word (last, argv, 0) : 0;
  int second = argc > 0 ? sb_cli_next_word (last, argv, first + 1) : 0;
  const SbCliVerb *verb = NULL;
  guint n_words = 0;

  if (argc == 0)
    return SB_CLI_OK;
  take_options (cli, argc, argv);
  if (first < last)
    verb = sb_cli_find_verb (argv[first], second < last ? argv[second] : NULL, &n_words);
  if (*argv[last] != '-' && get_open_option (verb, argc, argv) == NULL)
    {
      if (first >= last)
        offer_verbs (argv[last], NULL);
      else if (second >= last)
        offer_verbs (argv[last], argv[first]);
    }
  if (first < last || *argv[last] == '-' || get_open_option (verb, argc, argv) != NULL)
    offer_for_word (cli, verb, argc, argv);
  return SB_CLI_OK;
}

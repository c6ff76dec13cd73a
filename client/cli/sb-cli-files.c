/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-files: files that the bus keeps, and who has yet to fetch them. */

#include "sb-cli-json.h"
#include "sb-cli-pages.h"
#include "sb-cli-verbs.h"

#include <glib/gi18n.h>

static char *recipient;
static char *sender;
static gint64 limit;
static gboolean yes;

static const GOptionEntry list_options[] = {
  { "recipient", 'r', 0, G_OPTION_ARG_STRING, &recipient,
    N_ ("Those that this user has yet to fetch"), N_ ("USER") },
  { "sender", 's', 0, G_OPTION_ARG_STRING, &sender, N_ ("Those that this user sent"), N_ ("USER") },
  { "limit", 0, 0, G_OPTION_ARG_INT64, &limit, N_ ("Print at most so many; 0, the default: all"),
    N_ ("N") },
  G_OPTION_ENTRY_NULL,
};

static const GOptionEntry drop_options[] = {
  { "yes", 'y', 0, G_OPTION_ARG_NONE, &yes, N_ ("Do not ask"), NULL },
  G_OPTION_ENTRY_NULL,
};

static const char *
get_text (JsonObject *object, const char *name)
{
  const char *text = sb_cli_json_get_string (object, name);

  return text != NULL ? text : "";
}

/* The first of them, and how many more there are. */
static char *
describe_waiting (JsonObject *file)
{
  JsonArray *users = sb_cli_json_get_array (file, "waiting_for");
  gint64 n = sb_cli_json_get_integer (file, "waiting", 0);
  g_autoptr (GString) text = g_string_new (NULL);
  guint shown = 0;

  for (guint i = 0; users != NULL && i < MIN (json_array_get_length (users), 3); i++)
    {
      JsonNode *user = json_array_get_element (users, i);

      if (!JSON_NODE_HOLDS_VALUE (user) || json_node_get_value_type (user) != G_TYPE_STRING)
        continue;
      g_string_append_printf (text, "%s%s", shown > 0 ? " " : "", json_node_get_string (user));
      shown++;
    }
  if (n > shown)
    {
      g_string_append_c (text, ' ');
      g_string_append_printf (text, _ ("and %d more"), (int) (n - shown));
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
add_file (SbCliTable *table, JsonObject *file)
{
  g_autofree char *size = sb_cli_format_size (sb_cli_json_get_integer (file, "size", 0));
  g_autofree char *waiting = describe_waiting (file);
  g_autofree char *expires = sb_cli_format_time (sb_cli_json_get_string (file, "expires"));

  sb_cli_table_add (table, get_text (file, "filename"), size, get_text (file, "sender"), expires,
                    waiting, NULL);
}

static SbCliStatus
list (SbCli *cli)
{
  g_autoptr (SbCliTable) table = sb_cli_table_new (cli, _ ("FILE"), _ ("SIZE"), _ ("SENDER"),
                                                   _ ("EXPIRES"), _ ("WAITS FOR"), NULL);
  SbCliList rows = { cli, table, add_file };
  g_autoptr (GString) path = g_string_new ("/api/v1/files");

  sb_cli_table_align_right (table, 1);
  sb_cli_add_parameter (path, "recipient", recipient);
  sb_cli_add_parameter (path, "sender", sender);
  return sb_cli_print_rows (&rows, path->str, "files", limit);
}

/* --- One of them --- */

static void
add_delivery (SbCliTable *table, JsonObject *row)
{
  g_autofree char *attempts = sb_cli_format_count (sb_cli_json_get_integer (row, "attempts", 0));
  g_autofree char *since = sb_cli_format_time (sb_cli_json_get_string (row, "since"));

  sb_cli_table_add (table, get_text (row, "recipient"), get_text (row, "state"), attempts, since,
                    get_text (row, "reason"), NULL);
}

static void
print_file (SbCli *cli, JsonObject *file)
{
  g_autofree char *size = sb_cli_format_size (sb_cli_json_get_integer (file, "size", 0));
  g_autofree char *accepted = sb_cli_format_time (sb_cli_json_get_string (file, "accepted"));
  g_autofree char *expires = sb_cli_format_time (sb_cli_json_get_string (file, "expires"));
  g_autofree char *downloads = sb_cli_format_count (sb_cli_json_get_integer (file, "downloads", 0));
  const char *const names[] = { _ ("File"),          _ ("Name"),    _ ("Message"),  _ ("Sender"),
                                _ ("Size"),          _ ("SHA-256"), _ ("Accepted"), _ ("Expires"),
                                _ ("Downloads now"), NULL };
  char *const values[] = { (char *) get_text (file, "filename"),
                           (char *) get_text (file, "display_filename"),
                           (char *) get_text (file, "_id"),
                           (char *) get_text (file, "sender"),
                           size,
                           (char *) get_text (file, "sha256"),
                           accepted,
                           expires,
                           downloads };

  sb_cli_print_fields (cli, names, values);
  g_print ("\n");
}

static SbCliStatus
show (SbCli *cli, const char *name)
{
  g_autoptr (SbCliTable) table = sb_cli_table_new (cli, _ ("RECIPIENT"), _ ("STATE"),
                                                   _ ("ATTEMPTS"), _ ("SINCE"), _ ("REASON"), NULL);
  SbCliList rows = { cli, table, add_delivery };
  g_autofree char *path = sb_cli_path ("/api/v1/files/%s", name);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) file = sb_cli_call_object (cli, "GET", path, NULL, &error);

  if (file == NULL)
    return sb_cli_fail (cli, error);
  if (cli->json)
    {
      sb_cli_print_json (file);
      return SB_CLI_OK;
    }
  print_file (cli, json_node_get_object (file));
  sb_cli_table_align_right (table, 2);
  return sb_cli_print_rows (&rows, path, "deliveries", limit);
}

static SbCliStatus
run (SbCli *cli, int argc, char **argv)
{
  if (argc > 2)
    return sb_cli_usage (cli, _ ("Name one file, or none for all"));
  return argc == 2 ? show (cli, argv[1]) : list (cli);
}

const SbCliVerb sb_cli_verb_files = {
  .name = "files",
  .arguments = N_ ("[NAME]"),
  .summary = N_ ("List files that wait to be fetched, or show all about one"),
  .details = N_ (
      "A file is there until its last recipient has fetched and released it, or it expires.\n"
      "With --json one file comes with its first thousand deliveries.\n"
      "\n"
      "  simplebus files\n"
      "  simplebus files --recipient tablet-7\n"
      "  simplebus files scan-17_Invoice_May.pdf"),
  .options = list_options,
  .run = run,
};

static gboolean
is_wanted (const char *name, GError **error)
{
  g_autofree char *shown = sb_cli_printable (name);
  g_autofree char *question = g_strdup_printf (
      _ ("Remove the file %s? Nobody can fetch it any more."), shown);
  g_autoptr (GError) fault = NULL;

  if (yes || sb_cli_ask_yes (question, &fault))
    return TRUE;
  if (fault != NULL)
    g_propagate_error (error, g_steal_pointer (&fault));
  else
    g_set_error_literal (error, SB_CLI_ERROR, SB_CLI_FAILED, _ ("Nothing was changed"));
  return FALSE;
}

static SbCliStatus
run_drop (SbCli *cli, int argc, char **argv)
{
  if (argc < 2)
    return sb_cli_usage (cli, _ ("Name a file"));
  for (int i = 1; i < argc; i++)
    {
      g_autofree char *path = sb_cli_path ("/api/v1/files/%s", argv[i]);
      g_autofree char *shown = sb_cli_printable (argv[i]);
      g_autoptr (GError) error = NULL;
      g_autoptr (JsonNode) answer = NULL;

      if (is_wanted (argv[i], &error))
        answer = sb_cli_call (cli, "DELETE", path, NULL, &error);
      if (answer == NULL)
        return sb_cli_fail (cli, error);
      if (!cli->quiet)
        g_printerr (_ ("%s: removed\n"), shown);
    }
  return SB_CLI_OK;
}

const SbCliVerb sb_cli_verb_files_drop = {
  .name = "files drop",
  .arguments = N_ ("NAME…"),
  .summary = N_ ("Remove files that nobody is to fetch any more"),
  .details = N_ ("The deliveries that have not ended are dropped, and their senders are told.\n"
                 "\n"
                 "  simplebus files drop scan-17_Invoice_May.pdf"),
  .options = drop_options,
  .run = run_drop,
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-users: who there is, and removing them. Making and changing them is in
 * sb-cli-users-put.c. */

#include "sb-cli-json.h"
#include "sb-cli-pages.h"
#include "sb-cli-verbs.h"

#include <glib/gi18n.h>

static gint64 limit;
static gboolean yes;

static const GOptionEntry list_options[] = {
  { "limit", 0, 0, G_OPTION_ARG_INT64, &limit, N_ ("Print at most so many; 0, the default: all"),
    N_ ("N") },
  G_OPTION_ENTRY_NULL,
};

static const GOptionEntry remove_options[] = {
  { "yes", 'y', 0, G_OPTION_ARG_NONE, &yes, N_ ("Do not ask"), NULL },
  G_OPTION_ENTRY_NULL,
};

static char *
join_tags (JsonObject *user)
{
  JsonArray *tags = sb_cli_json_get_array (user, "tags");
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; tags != NULL && i < json_array_get_length (tags); i++)
    {
      JsonNode *tag = json_array_get_element (tags, i);

      if (JSON_NODE_HOLDS_VALUE (tag) && json_node_get_value_type (tag) == G_TYPE_STRING)
        g_string_append_printf (text, "%s#%s", i > 0 ? " " : "", json_node_get_string (tag));
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static char *
describe (JsonObject *user)
{
  g_autoptr (GString) text = g_string_new (NULL);

  if (sb_cli_json_get_boolean (user, "admin", FALSE))
    g_string_append_printf (text, "%s, ", _ ("admin"));
  if (sb_cli_json_get_boolean (user, "online", FALSE))
    g_string_append_printf (text, "%s, ", _ ("online"));
  if (sb_cli_json_get_object (user, "connection_properties") != NULL)
    g_string_append (text, "http, ");
  if (sb_cli_json_get_boolean (user, "paused", FALSE))
    g_string_append_printf (text, "%s, ", _ ("paused"));
  if (text->len > 0)
    g_string_truncate (text, text->len - 2);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
add_user (SbCliTable *table, JsonObject *user)
{
  const char *id = sb_cli_json_get_string (user, "_id");
  g_autofree char *tags = join_tags (user);
  g_autofree char *state = describe (user);
  g_autofree char *created = sb_cli_format_time (sb_cli_json_get_string (user, "created"));
  g_autofree char *seen = sb_cli_format_since (sb_cli_json_get_string (user, "last_seen"));

  sb_cli_table_add (table, id != NULL ? id : "", tags, created, seen, state, NULL);
}

static SbCliStatus
run_list (SbCli *cli, int argc, char **argv)
{
  g_autoptr (SbCliTable) table = sb_cli_table_new (cli, _ ("USER"), _ ("TAGS"), _ ("CREATED"),
                                                   _ ("SEEN AGO"), _ ("STATE"), NULL);
  SbCliList rows = { cli, table, add_user };

  if (argc > 1)
    return sb_cli_usage (cli, _ ("Too many words; \"users show\" shows one user"));
  sb_cli_table_align_right (table, 3);
  return sb_cli_print_rows (&rows, "/api/v1/users", "users", limit);
}

const SbCliVerb sb_cli_verb_users_list = {
  .name = "users list",
  .arguments = "",
  .summary = N_ ("List users"),
  .details = N_ ("  simplebus users list\n"
                 "  simplebus users list --json | jq -r 'select(.admin)._id'"),
  .options = list_options,
  .run = run_list,
};

/* --- One of them --- */

static char *
format_ttl (JsonObject *user)
{
  gint64 ttl = sb_cli_json_get_integer (user, "ttl", -1);

  if (ttl < 0)
    return g_strdup (_ ("as the bus's own"));
  return ttl == 0 ? g_strdup (_ ("never")) : sb_cli_format_age (ttl);
}

static char *
format_properties (JsonObject *user)
{
  JsonNode *node = json_object_get_member (user, "connection_properties");

  return node != NULL && !JSON_NODE_HOLDS_NULL (node) ? json_to_string (node, FALSE) : NULL;
}

static void
print_user (SbCli *cli, JsonObject *user)
{
  g_autofree char *tags = join_tags (user);
  g_autofree char *state = describe (user);
  g_autofree char *created = sb_cli_format_time (sb_cli_json_get_string (user, "created"));
  g_autofree char *seen = sb_cli_format_time (sb_cli_json_get_string (user, "last_seen"));
  g_autofree char *ttl = format_ttl (user);
  g_autofree char *properties = format_properties (user);
  const char *const names[] = { _ ("User"),
                                _ ("Tags"),
                                _ ("State"),
                                _ ("Created"),
                                _ ("Last seen"),
                                _ ("Address"),
                                _ ("What it sends expires after"),
                                _ ("Connection properties"),
                                NULL };

  sb_cli_print_fields (
      cli, names,
      (char *const[]) { (char *) sb_cli_json_get_string (user, "_id"), tags, state, created, seen,
                        (char *) sb_cli_json_get_string (user, "address"), ttl, properties });
}

static SbCliStatus
run_show (SbCli *cli, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  g_autoptr (JsonNode) user = NULL;

  if (argc > 2)
    return sb_cli_usage (cli, _ ("Name one user"));
  /* Everybody may see itself. */
  path = argc == 2 ? sb_cli_path ("/api/v1/users/%s", argv[1]) : g_strdup ("/api/v1/me");
  user = sb_cli_call_object (cli, "GET", path, NULL, &error);
  if (user == NULL)
    return sb_cli_fail (cli, error);
  if (cli->json)
    sb_cli_print_json (user);
  else
    print_user (cli, json_node_get_object (user));
  return SB_CLI_OK;
}

const SbCliVerb sb_cli_verb_users_show = {
  .name = "users show",
  .arguments = N_ ("[USER]"),
  .summary = N_ ("Show one user, or yourself"),
  .details = N_ ("Secrets are never shown: \"(write-only)\" stands in their place.\n"
                 "\n"
                 "  simplebus users show\n"
                 "  simplebus users show erp"),
  .run = run_show,
};

/* --- Removing --- */

static gint64
count_waiting (SbCli *cli, const char *id, GError **error)
{
  g_autofree char *path = sb_cli_path ("/api/v1/queues/%s", id);
  g_autoptr (JsonNode) queue = sb_cli_call_object (cli, "GET", path, NULL, error);

  return queue != NULL ? sb_cli_json_get_integer (json_node_get_object (queue), "waiting", 0) : -1;
}

static gboolean
is_wanted (SbCli *cli, const char *id, GError **error)
{
  gint64 waiting = yes ? 0 : count_waiting (cli, id, error);
  g_autofree char *shown = sb_cli_printable (id);
  g_autofree char *fate = NULL;
  g_autofree char *question = NULL;

  if (yes || waiting < 0)
    return yes;
  fate = waiting == 0
             ? g_strdup (_ ("Nothing waits for it."))
             : g_strdup_printf (ngettext ("%d message that waits for it dies, and can be moved to "
                                          "another user or dropped.",
                                          "%d messages that wait for it die, and can be moved to "
                                          "another user or dropped.",
                                          (gulong) waiting),
                                (int) waiting);
  question = g_strdup_printf (_ ("Remove the user %s? %s What it sent stays."), shown, fate);
  return sb_cli_ask_yes (question, error);
}

/* Returns: whether to go on with the next one */
static gboolean
remove_user (SbCli *cli, const char *id, GError **error)
{
  g_autofree char *path = sb_cli_path ("/api/v1/users/%s", id);
  g_autofree char *shown = sb_cli_printable (id);
  g_autoptr (GError) fault = NULL;
  g_autoptr (JsonNode) answer = NULL;

  if (!is_wanted (cli, id, &fault))
    {
      if (fault != NULL)
        g_propagate_error (error, g_steal_pointer (&fault));
      else
        g_set_error (error, SB_CLI_ERROR, SB_CLI_FAILED, _ ("%s: not removed"), shown);
      return FALSE;
    }
  answer = sb_cli_call (cli, "DELETE", path, NULL, error);
  if (answer != NULL && !cli->quiet && !cli->json)
    g_print (_ ("%s: removed\n"), shown);
  return answer != NULL;
}

static SbCliStatus
run_remove (SbCli *cli, int argc, char **argv)
{
  if (argc < 2)
    return sb_cli_usage (cli, _ ("Name a user"));
  for (int i = 1; i < argc; i++)
    {
      g_autoptr (GError) error = NULL;

      if (!remove_user (cli, argv[i], &error))
        return sb_cli_fail (cli, error);
    }
  return SB_CLI_OK;
}

const SbCliVerb sb_cli_verb_users_remove = {
  .name = "users remove",
  .arguments = N_ ("USER…"),
  .summary = N_ ("Remove users"),
  .details = N_ (
      "What waits for a user that is removed is dead from then on, with the reason\n"
      "recipient-deleted; \"dead list\" shows it. What the user sent stays. A user made later\n"
      "with the same id inherits nothing.\n"
      "\n"
      "  simplebus users remove bob\n"
      "  simplebus users remove --yes tablet-1 tablet-2"),
  .options = remove_options,
  .run = run_remove,
};

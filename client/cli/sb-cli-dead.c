/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-dead: what could not be delivered and waits for somebody to decide.
 *
 * Many are decided on at once: their names are gathered first, so that what dies again meanwhile
 * is not taken a second time, and a few requests are under way at a time, because each waits for a
 * disk.
 */

#include "sb-cli-json.h"
#include "sb-cli-pages.h"
#include "sb-cli-verbs.h"

#include <glib/gi18n.h>

#define MAX_UNDER_WAY 16

static char *recipient;
static char *sender;
static gboolean all;
static gboolean yes;
static gint64 limit;

static const GOptionEntry list_options[] = {
  { "recipient", 'r', 0, G_OPTION_ARG_STRING, &recipient, N_ ("Those that this user was to get"),
    N_ ("USER") },
  { "sender", 's', 0, G_OPTION_ARG_STRING, &sender, N_ ("Those that this user sent"), N_ ("USER") },
  { "limit", 0, 0, G_OPTION_ARG_INT64, &limit, N_ ("Print at most so many; 0, the default: all"),
    N_ ("N") },
  G_OPTION_ENTRY_NULL,
};

static const GOptionEntry change_options[] = {
  { "recipient", 'r', 0, G_OPTION_ARG_STRING, &recipient, N_ ("Those that this user was to get"),
    N_ ("USER") },
  { "sender", 's', 0, G_OPTION_ARG_STRING, &sender, N_ ("Those that this user sent"), N_ ("USER") },
  { "all", 'a', 0, G_OPTION_ARG_NONE, &all, N_ ("All that there are"), NULL },
  { "yes", 'y', 0, G_OPTION_ARG_NONE, &yes, N_ ("Do not ask"), NULL },
  G_OPTION_ENTRY_NULL,
};

static char *
make_path (void)
{
  g_autoptr (GString) path = g_string_new ("/api/v1/deliveries?state=dead");

  sb_cli_add_parameter (path, "recipient", recipient);
  sb_cli_add_parameter (path, "sender", sender);
  return g_string_free (g_steal_pointer (&path), FALSE);
}

static const char *
get_text (JsonObject *object, const char *name)
{
  const char *text = sb_cli_json_get_string (object, name);

  return text != NULL ? text : "";
}

static void
add_delivery (SbCliTable *table, JsonObject *row)
{
  g_autofree char *attempts = sb_cli_format_count (sb_cli_json_get_integer (row, "attempts", 0));
  g_autofree char *size = sb_cli_format_size (sb_cli_json_get_integer (row, "size", 0));
  g_autofree char *since = sb_cli_format_time (sb_cli_json_get_string (row, "since"));

  sb_cli_table_add (table, get_text (row, "delivery"), get_text (row, "sender"),
                    get_text (row, "recipient"), attempts, size, since, get_text (row, "reason"),
                    NULL);
}

static SbCliStatus
run_list (SbCli *cli, int argc, char **argv)
{
  g_autoptr (SbCliTable) table = sb_cli_table_new (cli, _ ("DELIVERY"), _ ("SENDER"),
                                                   _ ("RECIPIENT"), _ ("ATTEMPTS"), _ ("SIZE"),
                                                   _ ("DEAD SINCE"), _ ("REASON"), NULL);
  SbCliList rows = { cli, table, add_delivery };
  g_autofree char *path = make_path ();

  if (argc > 1)
    return sb_cli_usage (cli, _ ("Too many words; --recipient and --sender choose"));
  sb_cli_table_align_right (table, 3);
  sb_cli_table_align_right (table, 4);
  return sb_cli_print_rows (&rows, path, "deliveries", limit);
}

const SbCliVerb sb_cli_verb_dead_list = {
  .name = "dead list",
  .arguments = "",
  .summary = N_ ("List deliveries that are dead"),
  .details = N_ (
      "A delivery dies when its recipient refuses it again and again, when the recipient is\n"
      "removed, or when its queue was full. It is kept until somebody requeues or drops it.\n"
      "\n"
      "  simplebus dead list\n"
      "  simplebus dead list --recipient erp\n"
      "  simplebus dead list --json | jq -r 'select(.reason == \"refused\").delivery'"),
  .options = list_options,
  .run = run_list,
};

/* --- Requeue and drop --- */

typedef struct
{
  SbCli *cli;        /* (unowned) */
  const char *what;  /* (unowned): "requeue" or "drop" */
  GPtrArray *names;  /* (owned) of char */
  guint next;        /* of them */
  guint n_under_way; /* requests */
  guint n_done;
  guint n_missed; /* not dead any more */
  GError *error;  /* (owned) (nullable): why it stopped */
} Change;

static gboolean
gather_name (JsonNode *row, gpointer user_data, GError **error)
{
  const char *name = sb_cli_json_get_string (json_node_get_object (row), "delivery");

  if (name != NULL)
    g_ptr_array_add (user_data, g_strdup (name));
  return TRUE;
}

static void
print_change (Change *change, const char *name)
{
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (JsonObject) object = NULL;

  if (!change->cli->json)
    return;
  object = json_object_new ();
  json_object_set_string_member (object, "delivery", name);
  json_object_set_string_member (object, "state", *change->what == 'r' ? "pending" : "dropped");
  node = json_node_init_object (json_node_alloc (), object);
  sb_cli_print_json (node);
}

typedef struct
{
  Change *change;   /* (unowned) */
  const char *name; /* (unowned) */
} Request;

/* Somebody else may have decided meanwhile; anything else is the end. */
static void
changed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Request *request = user_data;
  Change *change = request->change;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) answer = sb_client_call_finish (SB_CLIENT (source), result, NULL, &error);

  change->n_under_way--;
  if (answer != NULL)
    {
      change->n_done++;
      print_change (change, request->name);
    }
  else if (g_error_matches (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_NOT_FOUND)
           || g_error_matches (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_CONFLICT))
    change->n_missed++;
  else if (change->error == NULL)
    change->error = g_steal_pointer (&error);
}

static void
send_next (Change *change, SbClient *client)
{
  Request *request = g_new (Request, 1);
  g_autofree char *name = NULL;
  g_autofree char *path = NULL;

  request->change = change;
  request->name = g_ptr_array_index (change->names, change->next++);
  name = sb_cli_path ("%s", request->name);
  path = g_strdup_printf ("/api/v1/deliveries/%s/%s", name, change->what);
  change->n_under_way++;
  sb_client_call_async (client, "POST", path, NULL, NULL, changed_cb, request);
}

static void
run_change (Change *change, SbClient *client)
{
  while (change->n_under_way > 0 || (change->next < change->names->len && change->error == NULL))
    {
      while (change->next < change->names->len && change->n_under_way < MAX_UNDER_WAY
             && change->error == NULL)
        send_next (change, client);
      g_main_context_iteration (NULL, TRUE);
    }
}

static gboolean
is_wanted (Change *change, GError **error)
{
  gboolean is_drop = *change->what == 'd';
  g_autofree char *question = NULL;
  g_autoptr (GError) fault = NULL;
  gboolean answer;

  if (yes || change->names->len == 0)
    return TRUE;
  question = g_strdup_printf (
      is_drop ? ngettext ("Drop %u delivery? Nobody gets it any more.",
                          "Drop %u deliveries? Nobody gets them any more.", change->names->len)
              : ngettext ("Deliver %u dead delivery again?", "Deliver %u dead deliveries again?",
                          change->names->len),
      change->names->len);
  answer = sb_cli_ask_yes (question, &fault);
  if (fault != NULL)
    g_propagate_error (error, g_steal_pointer (&fault));
  else if (!answer)
    g_set_error_literal (error, SB_CLI_ERROR, SB_CLI_FAILED, _ ("Nothing was changed"));
  return answer;
}

static SbCliStatus
report (Change *change)
{
  if (!change->cli->quiet)
    g_printerr (
        *change->what == 'd'
            ? ngettext ("%u delivery was dropped\n", "%u deliveries were dropped\n", change->n_done)
            : ngettext ("%u delivery is in its queue again\n",
                        "%u deliveries are in their queues again\n", change->n_done),
        change->n_done);
  if (change->error != NULL)
    return sb_cli_fail (change->cli, change->error);
  if (change->n_missed == 0)
    return SB_CLI_OK;
  g_printerr (ngettext ("simplebus: %u delivery is not there, or not dead\n",
                        "simplebus: %u deliveries are not there, or not dead\n", change->n_missed),
              change->n_missed);
  return SB_CLI_NOT_FOUND;
}

static SbCliStatus
change_all (Change *change, gboolean is_asked)
{
  g_autoptr (GError) error = NULL;
  SbClient *client = sb_cli_get_client (change->cli, &error);

  if (client == NULL || (is_asked && !is_wanted (change, &error)))
    return sb_cli_fail (change->cli, error);
  run_change (change, client);
  return report (change);
}

static SbCliStatus
run_chosen (SbCli *cli, Change *change, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  gboolean is_chosen = all || recipient != NULL || sender != NULL;
  g_autofree char *path = make_path ();

  if (is_chosen == (argc > 1))
    return sb_cli_usage (cli, _ ("Name deliveries, or choose by --recipient, --sender or --all"));
  if (!sb_cli_check_words (cli, argc, argv))
    return SB_CLI_USAGE;
  for (int i = 1; i < argc; i++)
    g_ptr_array_add (change->names, g_strdup (argv[i]));
  if (is_chosen
      && !sb_cli_each_row (cli, path, "deliveries", 0, gather_name, change->names, &error))
    return sb_cli_fail (cli, error);
  return change_all (change, is_chosen || *change->what == 'd');
}

static SbCliStatus
run_with (SbCli *cli, const char *what, int argc, char **argv)
{
  Change change = { .cli = cli, .what = what };
  SbCliStatus status;

  change.names = g_ptr_array_new_with_free_func (g_free);
  status = run_chosen (cli, &change, argc, argv);
  g_ptr_array_unref (change.names);
  g_clear_error (&change.error);
  return status;
}

static SbCliStatus
run_requeue (SbCli *cli, int argc, char **argv)
{
  return run_with (cli, "requeue", argc, argv);
}

static SbCliStatus
run_drop (SbCli *cli, int argc, char **argv)
{
  return run_with (cli, "drop", argc, argv);
}

const SbCliVerb sb_cli_verb_dead_requeue = {
  .name = "dead requeue",
  .arguments = N_ ("[DELIVERY…]"),
  .summary = N_ ("Put dead deliveries at the end of their queues again"),
  .details = N_ (
      "DELIVERY is as \"dead list\" shows it. What --recipient, --sender or --all choose is\n"
      "counted and asked about first.\n"
      "\n"
      "  simplebus dead requeue 17:order-4711\n"
      "  simplebus dead requeue --recipient erp\n"
      "  simplebus dead requeue --all --yes"),
  .options = change_options,
  .run = run_requeue,
};

const SbCliVerb sb_cli_verb_dead_drop = {
  .name = "dead drop",
  .arguments = N_ ("[DELIVERY…]"),
  .summary = N_ ("Let go of dead deliveries"),
  .details = N_ ("Nobody gets them any more; their senders are told.\n"
                 "\n"
                 "  simplebus dead drop 17:order-4711\n"
                 "  simplebus dead drop --sender shop --yes"),
  .options = change_options,
  .run = run_drop,
};

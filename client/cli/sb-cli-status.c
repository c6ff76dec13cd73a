/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-status: how it stands with a message. */

#include "sb-cli-json.h"
#include "sb-cli-pages.h"
#include "sb-cli-verbs.h"

#include <glib/gi18n.h>

static void
add_recipient_cb (JsonObject *recipients, const char *name, JsonNode *node, gpointer user_data)
{
  SbCliTable *table = user_data;
  JsonObject *delivery = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  g_autofree char *attempts = NULL;
  g_autofree char *since = NULL;
  const char *state;
  const char *reason;

  if (delivery == NULL)
    return;
  attempts = sb_cli_format_count (sb_cli_json_get_integer (delivery, "attempts", 0));
  since = sb_cli_format_time (sb_cli_json_get_string (delivery, "since"));
  state = sb_cli_json_get_string (delivery, "state");
  reason = sb_cli_json_get_string (delivery, "reason");
  sb_cli_table_add (table, name, state != NULL ? state : "", attempts, since,
                    reason != NULL ? reason : "", NULL);
}

static void
print_status (SbCli *cli, JsonObject *status)
{
  g_autoptr (SbCliTable) table = sb_cli_table_new (cli, _ ("RECIPIENT"), _ ("STATE"),
                                                   _ ("ATTEMPTS"), _ ("SINCE"), _ ("REASON"), NULL);
  JsonObject *recipients = sb_cli_json_get_object (status, "recipients");
  g_autofree char *accepted = sb_cli_format_time (sb_cli_json_get_string (status, "accepted"));
  const char *const names[] = { _ ("Message"), _ ("Sender"), _ ("Accepted"), NULL };
  char *const values[] = { (char *) sb_cli_json_get_string (status, "_id"),
                           (char *) sb_cli_json_get_string (status, "sender"), accepted };

  sb_cli_table_align_right (table, 2);
  if (!cli->quiet)
    {
      sb_cli_print_fields (cli, names, values);
      g_print ("\n");
    }
  if (recipients != NULL)
    json_object_foreach_member (recipients, add_recipient_cb, table);
  sb_cli_table_print (table);
}

static SbCliStatus
run (SbCli *cli, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  g_autoptr (JsonNode) status = NULL;

  if (argc != 2)
    return sb_cli_usage (cli, _ ("Name one message by its _id"));
  path = sb_cli_path ("/status/%s", argv[1]);
  status = sb_cli_call_object (cli, "GET", path, NULL, &error);
  if (status == NULL)
    return sb_cli_fail (cli, error);
  if (cli->json)
    sb_cli_print_json (status);
  else
    print_status (cli, json_node_get_object (status));
  return SB_CLI_OK;
}

const SbCliVerb sb_cli_verb_status = {
  .name = "status",
  .arguments = N_ ("ID"),
  .summary = N_ ("Show how far a message is with each of its recipients"),
  .details = N_ (
      "The sender may ask, and admins. A message that was delivered is forgotten after a\n"
      "while.\n"
      "\n"
      "  simplebus status order-4711\n"
      "  simplebus status order-4711 --json | jq -r '.recipients | keys[]'"),
  .run = run,
};

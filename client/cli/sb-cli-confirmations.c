/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-confirmations: waits for the recipients of a message and shows each one that has ended.
 * It asks `/status`, quickly at first and then less often, and never so that the bus has more than
 * a little to do.
 */

#include "sb-cli-json.h"
#include "sb-cli-publish.h"

#include <glib/gi18n.h>

#define FIRST_PAUSE_MS 10
#define LONGEST_PAUSE_MS 1000

/* Asking takes this part of the time at most, whatever the number of recipients. */
#define PART_OF_TIME 20

/* How many of those that are missing are named. */
#define MAX_NAMED 10

typedef struct
{
  SbCli *cli;
  const char *id;
  GHashTable *ended; /* (owned) set of recipients that were shown */
  guint n_recipients;
  guint n_failed;
} Watch;

static gboolean
is_end (const char *state)
{
  return g_str_equal (state, "confirmed") || g_str_equal (state, "expired")
         || g_str_equal (state, "dead") || g_str_equal (state, "dropped");
}

static void
print_json (Watch *self, const char *recipient, JsonObject *delivery)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *line = json_object_new ();
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  json_object_set_string_member (line, "_id", self->id);
  json_object_set_string_member (line, "recipient", recipient);
  json_object_iter_init (&iter, delivery);
  while (json_object_iter_next (&iter, &name, &value))
    json_object_set_member (line, name, json_node_ref (value));
  json_node_take_object (node, line);
  sb_cli_print_json (node);
}

static void
show_end (Watch *self, const char *recipient, const char *state, JsonObject *delivery)
{
  const char *reason = sb_cli_json_get_string (delivery, "reason");
  g_autofree char *name = sb_cli_printable (recipient);

  if (self->cli->json)
    print_json (self, recipient, delivery);
  else if (g_str_equal (state, "confirmed"))
    {
      if (!self->cli->quiet)
        g_printerr (_ ("%s has confirmed\n"), name);
    }
  else
    g_printerr (_ ("%s: %s (%s)\n"), name, state, reason != NULL ? reason : "-");
}

static void
look_at (Watch *self, const char *recipient, JsonNode *node)
{
  JsonObject *delivery = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  const char *state = delivery != NULL ? sb_cli_json_get_string (delivery, "state") : NULL;

  if (state == NULL || !is_end (state) || g_hash_table_contains (self->ended, recipient))
    return;
  g_hash_table_add (self->ended, g_strdup (recipient));
  if (!g_str_equal (state, "confirmed"))
    self->n_failed++;
  show_end (self, recipient, state, delivery);
}

/* Returns: (transfer none) (nullable): the deliveries by recipient */
static JsonObject *
get_recipients (JsonNode *status)
{
  return status != NULL && JSON_NODE_HOLDS_OBJECT (status)
             ? sb_cli_json_get_object (json_node_get_object (status), "recipients")
             : NULL;
}

static void
look (Watch *self, JsonObject *recipients)
{
  JsonObjectIter iter;
  const char *recipient;
  JsonNode *node;

  self->n_recipients = json_object_get_size (recipients);
  json_object_iter_init (&iter, recipients);
  while (json_object_iter_next (&iter, &recipient, &node))
    look_at (self, recipient, node);
}

static void
name_missing (Watch *self, JsonObject *recipients)
{
  guint n_missing = self->n_recipients - g_hash_table_size (self->ended);
  guint n_named = 0;
  JsonObjectIter iter;
  const char *recipient;
  JsonNode *node;

  g_printerr (ngettext ("In time %u recipient has not confirmed:\n",
                        "In time %u recipients have not confirmed:\n", n_missing),
              n_missing);
  json_object_iter_init (&iter, recipients);
  while (n_named < MAX_NAMED && json_object_iter_next (&iter, &recipient, &node))
    if (!g_hash_table_contains (self->ended, recipient))
      {
        const char *state = JSON_NODE_HOLDS_OBJECT (node)
                                ? sb_cli_json_get_string (json_node_get_object (node), "state")
                                : NULL;
        g_autofree char *name = sb_cli_printable (recipient);

        g_printerr ("  %s: %s\n", name, state != NULL ? state : "-");
        n_named++;
      }
}

static gboolean
passed_cb (gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
  return G_SOURCE_REMOVE;
}

static void
let_pass (gint64 ms)
{
  gboolean passed = FALSE;

  g_timeout_add ((guint) MAX (ms, 1), passed_cb, &passed);
  while (!passed)
    g_main_context_iteration (NULL, TRUE);
}

static SbCliStatus
conclude (Watch *self, JsonNode *last, GError *error)
{
  JsonObject *recipients = get_recipients (last);

  if (recipients != NULL && g_hash_table_size (self->ended) == self->n_recipients)
    return self->n_failed == 0 ? SB_CLI_OK : SB_CLI_FAILED;
  if (recipients != NULL)
    name_missing (self, recipients);
  else if (error != NULL)
    return sb_cli_fail (self->cli, error);
  return SB_CLI_TRY_AGAIN;
}

/* Asks until all have ended. Returns: (transfer full) (nullable): what was said last */
static JsonNode *
ask_until (Watch *self, gint64 deadline, GError **error)
{
  g_autofree char *path = sb_cli_path ("/status/%s", self->id);
  g_autoptr (JsonNode) last = NULL;
  gint64 pause = FIRST_PAUSE_MS;

  while (TRUE)
    {
      gint64 begin = g_get_monotonic_time (), end;
      JsonNode *status;

      g_clear_error (error);
      status = sb_cli_call (self->cli, "GET", path, NULL, error);
      end = g_get_monotonic_time ();
      if (status != NULL)
        {
          g_clear_pointer (&last, json_node_unref);
          last = status;
        }
      if (get_recipients (status) != NULL)
        look (self, get_recipients (status));
      if (end >= deadline || (*error != NULL && !sb_client_error_is_transient (*error))
          || (status != NULL && g_hash_table_size (self->ended) == self->n_recipients))
        return g_steal_pointer (&last);
      pause = MIN (pause * 3 / 2, LONGEST_PAUSE_MS);
      let_pass (MIN (MAX (pause, (end - begin) / 1000 * PART_OF_TIME), (deadline - end) / 1000));
    }
}

/**
 * sb_cli_watch_confirmations:
 * @cli: the command line
 * @id: of a message of this user
 * @seconds: for how long to wait
 *
 * Shows who has confirmed, as it happens.
 *
 * Returns: %SB_CLI_OK when all have; %SB_CLI_TRY_AGAIN when not all have in time; %SB_CLI_FAILED
 * when one never will
 */
SbCliStatus
sb_cli_watch_confirmations (SbCli *cli, const char *id, gint64 seconds)
{
  g_autoptr (GHashTable) ended = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (JsonNode) last = NULL;
  g_autoptr (GError) error = NULL;
  Watch watch = { .cli = cli, .id = id, .ended = ended };

  last = ask_until (&watch, g_get_monotonic_time () + seconds * G_USEC_PER_SEC, &error);
  return conclude (&watch, last, error);
}

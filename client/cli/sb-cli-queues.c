/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-queues: what waits for whom, and letting it wait. */

#include "sb-cli-json.h"
#include "sb-cli-pages.h"
#include "sb-cli-verbs.h"

#include <glib/gi18n.h>

static gint64 limit;

static const GOptionEntry list_options[] = {
  { "limit", 0, 0, G_OPTION_ARG_INT64, &limit, N_ ("Print at most so many; 0, the default: all"),
    N_ ("N") },
  G_OPTION_ENTRY_NULL,
};

/* Returns: (transfer full): how it stands with a recipient, in a few words */
static char *
describe (JsonObject *queue)
{
  JsonObject *outbound = sb_cli_json_get_object (queue, "outbound");
  const char *state = outbound != NULL ? sb_cli_json_get_string (outbound, "state") : NULL;
  g_autoptr (GString) text = g_string_new (NULL);

  if (sb_cli_json_get_boolean (queue, "gone", FALSE))
    return g_strdup (_ ("removed"));
  if (sb_cli_json_get_boolean (queue, "online", FALSE))
    g_string_append (text, _ ("online"));
  else if (state == NULL)
    g_string_append (text, _ ("offline"));
  if (state != NULL)
    g_string_append_printf (text, "%shttp: %s", text->len > 0 ? ", " : "", state);
  if (sb_cli_json_get_boolean (queue, "paused", FALSE))
    g_string_append_printf (text, ", %s", _ ("paused"));
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static char *
format_member (JsonObject *queue, const char *name)
{
  return sb_cli_format_count (sb_cli_json_get_integer (queue, name, 0));
}

static void
add_queue (SbCliTable *table, JsonObject *queue)
{
  const char *id = sb_cli_json_get_string (queue, "_id");
  g_autofree char *state = describe (queue);
  g_autofree char *waiting = format_member (queue, "waiting");
  g_autofree char *in_flight = format_member (queue, "in_flight");
  g_autofree char *parked = format_member (queue, "parked");
  g_autofree char *scheduled = format_member (queue, "scheduled");
  g_autofree char *dead = format_member (queue, "dead");
  g_autofree char *size = sb_cli_format_size (sb_cli_json_get_integer (queue, "bytes", 0));
  g_autofree char *oldest = sb_cli_format_since (sb_cli_json_get_string (queue, "oldest"));

  sb_cli_table_add (table, id != NULL ? id : "", waiting, in_flight, scheduled, parked, dead, size,
                    oldest, state, NULL);
}

static SbCliStatus
list (SbCli *cli)
{
  g_autoptr (SbCliTable) table = sb_cli_table_new (cli, _ ("USER"), _ ("WAITING"), _ ("IN FLIGHT"),
                                                   _ ("SCHEDULED"), _ ("PARKED"), _ ("DEAD"),
                                                   _ ("SIZE"), _ ("OLDEST"), _ ("STATE"), NULL);
  SbCliList rows = { cli, table, add_queue };

  for (guint i = 1; i < 8; i++)
    sb_cli_table_align_right (table, i);
  return sb_cli_print_rows (&rows, "/api/v1/queues", "queues", limit);
}

/* --- One of them --- */

static char *
format_failure (JsonObject *failure)
{
  g_autofree char *time = sb_cli_format_time (sb_cli_json_get_string (failure, "time"));
  const char *text = sb_cli_json_get_string (failure, "text");

  return g_strdup_printf ("%s  %" G_GINT64_FORMAT "  %s", time,
                          sb_cli_json_get_integer (failure, "status", 0), text != NULL ? text : "");
}

static void
print_failures (SbCli *cli, JsonObject *outbound)
{
  g_autoptr (GPtrArray) failures = sb_cli_json_get_objects (outbound, "failures");
  g_autoptr (SbCliTable) table = sb_cli_table_new (cli, _ ("FAILED AT"), _ ("STATUS"), _ ("AFTER"),
                                                   _ ("ANSWER"), NULL);

  sb_cli_table_align_right (table, 1);
  sb_cli_table_align_right (table, 2);
  for (guint i = 0; i < failures->len; i++)
    {
      JsonObject *failure = g_ptr_array_index (failures, i);
      g_autofree char *time = sb_cli_format_time (sb_cli_json_get_string (failure, "time"));
      g_autofree char *status = format_member (failure, "status");
      g_autofree char *latency = g_strdup_printf (
          _ ("%d ms"), (int) sb_cli_json_get_integer (failure, "latency_ms", 0));
      const char *text = sb_cli_json_get_string (failure, "text");

      sb_cli_table_add (table, time, status, latency, text != NULL ? text : "", NULL);
    }
  if (failures->len > 0)
    g_print ("\n");
  sb_cli_table_print (table);
}

/* The calls of a user that the bus calls; nothing for others. */
typedef struct
{
  char *confirmed;   /* (owned) (nullable) */
  char *failed;      /* (owned) (nullable) */
  char *failure;     /* (owned) (nullable) */
  char *retry;       /* (owned) (nullable) */
  const char *fault; /* (unowned) (nullable) */
} Outbound;

static void
describe_outbound (Outbound *self, JsonObject *outbound)
{
  JsonObject *last = sb_cli_json_get_object (outbound, "last_failure");
  gint64 retry_in = sb_cli_json_get_integer (outbound, "retry_in", 0);

  self->confirmed = format_member (outbound, "confirmed");
  self->failed = format_member (outbound, "failed");
  self->failure = last != NULL ? format_failure (last) : NULL;
  self->retry = retry_in > 0 ? sb_cli_format_age (retry_in) : NULL;
  self->fault = sb_cli_json_get_string (outbound, "fault");
}

static void
clear_outbound (Outbound *self)
{
  g_free (self->confirmed);
  g_free (self->failed);
  g_free (self->failure);
  g_free (self->retry);
}

static void
print_queue (SbCli *cli, JsonObject *queue)
{
  JsonObject *outbound = sb_cli_json_get_object (queue, "outbound");
  gint64 n = sb_cli_json_get_integer (queue, "waiting", 0);
  Outbound calls = { NULL };
  g_autofree char *state = describe (queue);
  g_autofree char *waiting = g_strdup_printf ("%" G_GINT64_FORMAT, n);
  g_autofree char *in_flight = format_member (queue, "in_flight");
  g_autofree char *scheduled = format_member (queue, "scheduled");
  g_autofree char *parked = format_member (queue, "parked");
  g_autofree char *dead = format_member (queue, "dead");
  g_autofree char *size = sb_cli_format_size (sb_cli_json_get_integer (queue, "bytes", 0));
  g_autofree char *oldest = sb_cli_format_time (sb_cli_json_get_string (queue, "oldest"));
  const char *const names[] = { _ ("User"),
                                _ ("State"),
                                _ ("Waiting"),
                                _ ("In flight"),
                                _ ("Scheduled"),
                                _ ("Parked"),
                                _ ("Dead"),
                                _ ("Size"),
                                _ ("Oldest"),
                                _ ("Calls confirmed"),
                                _ ("Calls failed"),
                                _ ("Last failure"),
                                _ ("Next attempt in"),
                                _ ("Fault"),
                                NULL };

  if (outbound != NULL)
    describe_outbound (&calls, outbound);
  sb_cli_print_fields (cli, names,
                       (char *const[]) { (char *) sb_cli_json_get_string (queue, "_id"), state,
                                         waiting, in_flight, scheduled, parked, dead, size, oldest,
                                         calls.confirmed, calls.failed, calls.failure, calls.retry,
                                         (char *) calls.fault });
  clear_outbound (&calls);
  if (outbound != NULL)
    print_failures (cli, outbound);
}

static SbCliStatus
run (SbCli *cli, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  g_autoptr (JsonNode) queue = NULL;

  if (argc > 2)
    return sb_cli_usage (cli, _ ("Name one user, or none for all"));
  if (argc == 1)
    return list (cli);
  path = sb_cli_path ("/api/v1/queues/%s", argv[1]);
  queue = sb_cli_call_object (cli, "GET", path, NULL, &error);
  if (queue == NULL)
    return sb_cli_fail (cli, error);
  if (cli->json)
    sb_cli_print_json (queue);
  else
    print_queue (cli, json_node_get_object (queue));
  return SB_CLI_OK;
}

const SbCliVerb sb_cli_verb_queues = {
  .name = "queues",
  .arguments = N_ ("[USER]"),
  .summary = N_ ("Show what waits for users, or all about the queue of one"),
  .details = N_ (
      "Users for whom nothing waits and nothing has died are left out. The queue of a user\n"
      "that the bus calls over HTTP tells of the last calls that failed.\n"
      "\n"
      "  simplebus queues\n"
      "  simplebus queues erp\n"
      "  simplebus queues --json | jq -r 'select(.dead > 0)._id'"),
  .options = list_options,
  .run = run,
};

/* --- Pause and resume --- */

static SbCliStatus
set_paused (SbCli *cli, int argc, char **argv, gboolean is_paused)
{
  if (argc < 2)
    return sb_cli_usage (cli, _ ("Name a user"));
  for (int i = 1; i < argc; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *user = sb_cli_path ("%s", argv[i]);
      g_autofree char *path = g_strdup_printf ("/api/v1/queues/%s/%s", user,
                                               is_paused ? "pause" : "resume");
      g_autofree char *shown = sb_cli_printable (argv[i]);
      g_autoptr (JsonNode) answer = sb_cli_call (cli, "POST", path, NULL, &error);

      if (answer == NULL)
        return sb_cli_fail (cli, error);
      if (cli->json)
        sb_cli_print_json (answer);
      else if (!cli->quiet)
        g_print (is_paused ? _ ("%s: paused\n") : _ ("%s: delivered again\n"), shown);
    }
  return SB_CLI_OK;
}

static SbCliStatus
run_pause (SbCli *cli, int argc, char **argv)
{
  return set_paused (cli, argc, argv, TRUE);
}

static SbCliStatus
run_resume (SbCli *cli, int argc, char **argv)
{
  return set_paused (cli, argc, argv, FALSE);
}

const SbCliVerb sb_cli_verb_queues_pause = {
  .name = "queues pause",
  .arguments = N_ ("USER…"),
  .summary = N_ ("Let what users are sent wait"),
  .details = N_ (
      "Messages are accepted and wait, also over a restart of the bus. What is on its way\n"
      "may still be confirmed; direct messages go on.\n"
      "\n"
      "  simplebus queues pause erp"),
  .run = run_pause,
};

const SbCliVerb sb_cli_verb_queues_resume = {
  .name = "queues resume",
  .arguments = N_ ("USER…"),
  .summary = N_ ("Deliver again what has waited, in its order"),
  .details = N_ ("  simplebus queues resume erp"),
  .run = run_resume,
};

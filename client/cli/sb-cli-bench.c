/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-bench: what a bus does, seen from here. On a bus at work it is to be safe: it makes two
 * users that nobody else writes to, keeps to a rate, and takes all of that away again, also when
 * it is stopped.
 */

#include "sb-cli-bench-run.h"
#include "sb-cli-password.h"
#include "sb-cli-verbs.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <string.h>

#define MEBI (1024 * 1024)
#define MAX_SECONDS 600
#define MAX_RATE 1000000
#define MAX_MESSAGE MEBI
#define MAX_FILE 65536

static int seconds = 5;
static int rate = 1000;
static int message_size = 256;
static int file_size = 32;
static char *peer;
static char *peer_password_file;
static gboolean yes;

static const GOptionEntry options[] = {
  { "duration", 0, 0, G_OPTION_ARG_INT, &seconds, N_ ("Of each part, 1 to 600 (5)"),
    N_ ("SECONDS") },
  { "rate", 0, 0, G_OPTION_ARG_INT, &rate,
    N_ ("Messages a second at most (1000); 0: as many as there can be"), N_ ("NUMBER") },
  { "message-size", 0, 0, G_OPTION_ARG_INT, &message_size, N_ ("Of a message (256)"),
    N_ ("BYTES") },
  { "size", 0, 0, G_OPTION_ARG_INT, &file_size, N_ ("Of the file (32); 0: no file"), N_ ("MIB") },
  { "peer", 0, 0, G_OPTION_ARG_STRING, &peer,
    N_ ("Send from yourself to this user, in place of two users that are made for it"),
    N_ ("USER") },
  { "peer-password-file", 0, 0, G_OPTION_ARG_FILENAME, &peer_password_file,
    N_ ("Read that user's password from this file, - is standard input"), N_ ("FILE") },
  { "yes", 'y', 0, G_OPTION_ARG_NONE, &yes, N_ ("Do not ask"), NULL },
  G_OPTION_ENTRY_NULL,
};

static const char details[] = N_ (
    "Measures what the bus does from here: how long a message takes to be accepted,\n"
    "which means flushed to its disk, and to arrive; how many of them it takes a\n"
    "second; and how fast a file goes up and comes down.\n"
    "\n"
    "An admin's bench makes two users, bench-…, and removes them with all that they\n"
    "sent, also after Ctrl-C. With --peer no user is made, but your session and that\n"
    "of the peer are taken over meanwhile, and what waits for the peer is confirmed.\n"
    "\n"
    "  simplebus bench\n"
    "  simplebus bench --rate 0 --size 1024\n"
    "  simplebus bench --duration 1 --size 0 --json");

/* --- Users --- */

static void
user_clear (SbCliBenchUser *user)
{
  g_free (user->id);
  sb_cli_secret_free (user->password);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SbCliBenchUser, user_clear)

static gboolean
invent_user (SbCliBenchUser *user, const char *role, guint32 number, GError **error)
{
  const SbCliPasswordSource source = { NULL, TRUE };

  user->id = g_strdup_printf ("bench-%08x-%s", number, role);
  user->password = sb_cli_take_password (&source, user->id, error);
  return user->password != NULL;
}

/* Invented ids and passwords need no escapes. */
static gboolean
make_users (SbCli *cli, const SbCliBenchUser *sender, const SbCliBenchUser *recipient,
            GError **error)
{
  g_autoptr (SbCliSecret) body = g_strdup_printf (
      "[{\"_id\":\"%s\",\"password\":\"%s\"},{\"_id\":\"%s\",\"password\":\"%s\"}]", sender->id,
      sender->password, recipient->id, recipient->password);
  g_autoptr (JsonNode) answer = sb_cli_call (cli, "POST", "/put_users", body, error);

  return answer != NULL;
}

/* Who is not there any more is as it should be. */
static gboolean
remove_user (SbCli *cli, const SbCliBenchUser *user)
{
  g_autofree char *path = sb_cli_path ("/api/v1/users/%s", user->id);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) answer = sb_cli_call (cli, "DELETE", path, NULL, &error);

  if (answer != NULL || g_error_matches (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_NOT_FOUND))
    return TRUE;
  g_printerr (_ ("simplebus: The user %s is left behind and has to be removed: %s\n"), user->id,
              error->message);
  return FALSE;
}

/* --- Output --- */

static void
build_number (JsonBuilder *builder, const char *name, double value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, (gint64) (value + 0.5));
}

/* In microseconds, as whole numbers. */
static void
build_times (JsonBuilder *builder, const char *name, const SbCliBenchTimes *times)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_object (builder);
  build_number (builder, "median", times->median * 1000);
  build_number (builder, "p99", times->p99 * 1000);
  build_number (builder, "max", times->slowest * 1000);
  json_builder_end_object (builder);
}

static void
print_json (const SbCliBenchResult *result)
{
  g_autoptr (JsonBuilder) builder = json_builder_new_immutable ();
  g_autoptr (JsonNode) node = NULL;

  json_builder_begin_object (builder);
  build_number (builder, "single_messages", result->n_single);
  build_times (builder, "accepted_us", &result->accepted);
  build_times (builder, "delivered_us", &result->delivered);
  build_number (builder, "stream_messages", result->n_stream);
  build_number (builder, "accepted_per_second", result->accepted_rate);
  build_number (builder, "delivered_per_second", result->delivered_rate);
  build_number (builder, "rate_limit", rate);
  build_number (builder, "upload_bytes_per_second", result->up_rate);
  build_number (builder, "download_bytes_per_second", result->down_rate);
  json_builder_end_object (builder);
  node = json_builder_get_root (builder);
  sb_cli_print_json (node);
}

static void
add_times (SbCliTable *table, const char *name, const SbCliBenchTimes *times)
{
  g_autofree char *median = g_strdup_printf ("%.2f", times->median);
  g_autofree char *p99 = g_strdup_printf ("%.2f", times->p99);
  g_autofree char *slowest = g_strdup_printf ("%.2f", times->slowest);

  sb_cli_table_add (table, name, median, p99, slowest, NULL);
}

static void
print_rates (const SbCliBenchResult *result)
{
  g_print (_ ("\n%u messages of %d bytes: %.0f accepted and %.0f delivered a second\n"),
           result->n_stream, message_size, result->accepted_rate, result->delivered_rate);
  if (rate > 0 && result->accepted_rate > rate * 0.95)
    g_print (_ ("That was the bound; --rate 0 takes it away.\n"));
  if (result->up_rate > 0)
    g_print (_ ("A file of %d MiB: %.1f MB/s up and %.1f MB/s down, with checksum\n"), file_size,
             result->up_rate / 1e6, result->down_rate / 1e6);
}

static void
print_result (SbCli *cli, const SbCliBenchResult *result)
{
  g_autoptr (SbCliTable) table = NULL;

  if (cli->json)
    {
      print_json (result);
      return;
    }
  table = sb_cli_table_new (cli, _ ("ONE AT A TIME, MS"), _ ("MEDIAN"), _ ("P99"), _ ("MAX"), NULL);
  for (guint column = 1; column < 4; column++)
    sb_cli_table_align_right (table, column);
  add_times (table, _ ("accepted"), &result->accepted);
  add_times (table, _ ("delivered"), &result->delivered);
  sb_cli_table_print (table);
  print_rates (result);
}

/* --- The verb --- */

typedef struct
{
  gboolean is_stopped;
  int signal;
} Stop;

static gboolean
interrupted_cb (gpointer user_data)
{
  Stop *stop = user_data;

  stop->is_stopped = TRUE;
  stop->signal = SIGINT;
  return G_SOURCE_CONTINUE;
}

static gboolean
terminated_cb (gpointer user_data)
{
  Stop *stop = user_data;

  stop->is_stopped = TRUE;
  stop->signal = SIGTERM;
  return G_SOURCE_CONTINUE;
}

static gboolean
measure (SbCli *cli, const SbCliBenchUser *sender, const SbCliBenchUser *recipient, Stop *stop,
         GError **error)
{
  const SbCliBenchPlan plan = { (guint) seconds, (guint) rate, (guint) message_size,
                                (gint64) file_size * MEBI };
  SbCliBenchResult result;

  if (!cli->quiet)
    g_printerr (_ ("simplebus: Measuring %s, which takes some %d seconds\n"),
                sb_client_get_url (cli->client), 2 * seconds + (file_size > 0 ? 5 : 0));
  if (!sb_cli_bench_run (cli->client, sender, recipient, &plan, &stop->is_stopped, &result, error))
    return FALSE;
  print_result (cli, &result);
  return TRUE;
}

static gboolean
run_with_own_users (SbCli *cli, Stop *stop, GError **error)
{
  g_auto (SbCliBenchUser) sender = { NULL, NULL };
  g_auto (SbCliBenchUser) recipient = { NULL, NULL };
  guint32 number = g_random_int ();
  gboolean is_done;
  gboolean is_clean;

  if (!invent_user (&sender, "from", number, error)
      || !invent_user (&recipient, "to", number, error))
    return FALSE;
  /* Also when the answer was lost they may be there. */
  is_done = make_users (cli, &sender, &recipient, error)
            && measure (cli, &sender, &recipient, stop, error);
  if (g_error_matches (*error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_FORBIDDEN))
    return FALSE;
  is_clean = remove_user (cli, &sender);
  is_clean = remove_user (cli, &recipient) && is_clean;
  if (is_done && !is_clean)
    g_set_error_literal (error, SB_CLI_ERROR, SB_CLI_FAILED, _ ("Something was left behind"));
  return is_done && is_clean;
}

static gboolean
agree (GError **error)
{
  if (yes
      || sb_cli_ask_yes (
          _ ("Your session and the peer's are taken over, and what waits for the peer "
             "is confirmed. Go on?"),
          error))
    return TRUE;
  if (*error == NULL)
    g_set_error_literal (error, SB_CLI_ERROR, SB_CLI_FAILED, _ ("Nothing was done"));
  return FALSE;
}

static gboolean
run_with_peer (SbCli *cli, Stop *stop, GError **error)
{
  g_autoptr (SbCliSettings) settings = sb_cli_settings_load (cli, FALSE, error);
  g_auto (SbCliBenchUser) sender = { NULL, NULL };
  g_auto (SbCliBenchUser) recipient = { g_strdup (peer), NULL };

  if (settings == NULL)
    return FALSE;
  if (settings->password == NULL)
    {
      g_set_error_literal (error, SB_CLI_ERROR, SB_CLI_CONFIG,
                           _ ("Type \"simplebus login\" before: your password is needed twice"));
      return FALSE;
    }
  sender.id = g_steal_pointer (&settings->user);
  sender.password = g_steal_pointer (&settings->password);
  if (strcmp (sender.id, peer) == 0)
    {
      g_set_error_literal (error, SB_CLI_ERROR, SB_CLI_USAGE,
                           _ ("--peer takes another user: of one user there is one session"));
      return FALSE;
    }
  if (peer_password_file != NULL)
    recipient.password = sb_cli_read_password (peer_password_file, error);
  else
    recipient.password = sb_cli_ask_password (_ ("Password of the peer: "), error);
  return recipient.password != NULL && agree (error)
         && measure (cli, &sender, &recipient, stop, error);
}

static SbCliStatus
run_bench (SbCli *cli)
{
  g_autoptr (GError) error = NULL;
  Stop stop = { FALSE, 0 };
  guint sources[2];
  gboolean is_done;

  if (sb_cli_get_client (cli, &error) == NULL)
    return sb_cli_fail (cli, error);
  sources[0] = g_unix_signal_add (SIGINT, interrupted_cb, &stop);
  sources[1] = g_unix_signal_add (SIGTERM, terminated_cb, &stop);
  is_done = peer != NULL ? run_with_peer (cli, &stop, &error)
                         : run_with_own_users (cli, &stop, &error);
  for (gsize i = 0; i < G_N_ELEMENTS (sources); i++)
    g_source_remove (sources[i]);
  if (is_done)
    return SB_CLI_OK;
  if (error != NULL)
    return sb_cli_fail (cli, error);
  /* The shell is to see what ended it. */
  signal (stop.signal, SIG_DFL);
  raise (stop.signal);
  return SB_CLI_FAILED;
}

static gboolean
is_within (int value, int least, int most)
{
  return value >= least && value <= most;
}

static SbCliStatus
run (SbCli *cli, int argc, char **argv)
{
  if (argc > 1)
    return sb_cli_usage (cli, _ ("\"%s\" is one word too many"), argv[1]);
  if (!is_within (seconds, 1, MAX_SECONDS))
    return sb_cli_usage (cli, _ ("--duration takes a number from 1 to %d"), MAX_SECONDS);
  if (!is_within (rate, 0, MAX_RATE))
    return sb_cli_usage (cli, _ ("--rate takes a number from 0 to %d"), MAX_RATE);
  if (!is_within (message_size, 0, MAX_MESSAGE))
    return sb_cli_usage (cli, _ ("--message-size takes a number from 0 to %d"), MAX_MESSAGE);
  if (!is_within (file_size, 0, MAX_FILE))
    return sb_cli_usage (cli, _ ("--size takes a number from 0 to %d"), MAX_FILE);
  if (peer == NULL && peer_password_file != NULL)
    return sb_cli_usage (cli, _ ("--peer-password-file goes with --peer"));
  return run_bench (cli);
}

const SbCliVerb sb_cli_verb_bench = {
  .name = "bench",
  .arguments = "",
  .summary = N_ ("Measure what the bus does from here"),
  .details = details,
  .options = options,
  .run = run,
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-receive: `simplebus receive`. It ends when nothing waits any more that the bus would
 * deliver now. Only the bus knows that: what it says at log-in counts also what is parked or put
 * off, and what came since is not in it. So when all is quiet, it is asked.
 */

#include "sb-cli-draft.h"
#include "sb-cli-duty.h"
#include "sb-cli-intake.h"
#include "sb-cli-json.h"
#include "sb-cli-lines.h"
#include "sb-cli-message.h"
#include "sb-cli-transfers.h"
#include "sb-cli-verbs.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <unistd.h>

/* After so long without anything new the bus is asked, and asked again. */
#define QUIET_MS 200
#define AGAIN_MS 500

/* What the bus counts as waiting and does not deliver in this time is of another kind: a notice
 * that was confirmed elsewhere, a queue that an admin has paused. */
#define PATIENCE_MS 5000

#define DEFAULT_RETRY 30

static char *option_dir;
static char *option_retry;
static int option_limit;
static gboolean option_follow;

static const GOptionEntry options[] = {
  { "dir", 'd', 0, G_OPTION_ARG_FILENAME, &option_dir, N_ ("Put files into this folder (.)"),
    N_ ("DIR") },
  { "follow", 'f', 0, G_OPTION_ARG_NONE, &option_follow,
    N_ ("Stay, and receive what comes later too"), NULL },
  { "limit", 0, 0, G_OPTION_ARG_INT, &option_limit, N_ ("End after so many messages and files"),
    N_ ("N") },
  { "retry", 0, 0, G_OPTION_ARG_STRING, &option_retry,
    N_ ("Seek the bus for so long (30 s; with --follow: for ever)"), N_ ("TIME") },
  G_OPTION_ENTRY_NULL,
};

typedef struct
{
  SbCli *cli;
  SbClient *client;
  SbCliDuty *duty;           /* (owned) */
  SbCliIntake *intake;       /* (owned) */
  SbCliLines *lines;         /* (owned) */
  SbCliTransfers *transfers; /* (owned) */
  GHashTable *paths;         /* (owned) id of a file that is in place → its path */
  GCancellable *asking;      /* (owned) */
  guint quiet_timer;
  gint64 last_arrival; /* monotonic */
  guint64 n_since;     /* done since there is this session */
  gboolean is_asking;
} Receive;

/* --- Is there more? --- */

static void wait_for_quiet (Receive *self, guint ms);

static gboolean
is_busy (Receive *self)
{
  return sb_cli_intake_get_length (self->intake) > 0
         || sb_cli_transfers_get_length (self->transfers) > 0
         || sb_client_get_state (self->client) != SB_CLIENT_STATE_CONNECTED;
}

/* Returns: how many deliveries the bus would make now; -1: it does not say */
static gint64
count_waiting (GBytes *answer)
{
  g_autoptr (JsonNode) node = sb_cli_parse_json (answer, NULL);
  JsonObject *user = node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node)
                                                                   : NULL;
  JsonObject *queue = user != NULL ? sb_cli_json_get_object (user, "queue") : NULL;

  if (queue == NULL)
    return -1;
  return sb_cli_json_get_integer (queue, "waiting", 0)
         - sb_cli_json_get_integer (queue, "scheduled", 0)
         - sb_cli_json_get_integer (queue, "parked", 0);
}

static gboolean
is_over (Receive *self, gint64 waiting)
{
  gint64 quiet_ms = (g_get_monotonic_time () - self->last_arrival) / 1000;
  gint64 pending = sb_client_get_pending (self->client);

  if (waiting == 0 || quiet_ms >= PATIENCE_MS)
    return TRUE;
  return waiting < 0 && pending >= 0 && self->n_since >= (guint64) pending;
}

static void
asked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Receive *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) answer = sb_client_call_finish (SB_CLIENT (source), result, NULL, &error);

  self->is_asking = FALSE;
  if (sb_cli_duty_is_ending (self->duty))
    sb_cli_duty_check (self->duty);
  else if (!is_busy (self) && is_over (self, answer != NULL ? count_waiting (answer) : -1))
    sb_cli_duty_end (self->duty, SB_CLI_OK);
  else
    wait_for_quiet (self, AGAIN_MS);
}

static gboolean
quiet_cb (gpointer user_data)
{
  Receive *self = user_data;

  self->quiet_timer = 0;
  if (self->is_asking || is_busy (self))
    return G_SOURCE_REMOVE;
  self->is_asking = TRUE;
  sb_client_call_async (self->client, "GET", "/api/v1/me", NULL, self->asking, asked_cb, self);
  return G_SOURCE_REMOVE;
}

static void
wait_for_quiet (Receive *self, guint ms)
{
  if (option_follow || sb_cli_duty_is_ending (self->duty))
    return;
  g_clear_handle_id (&self->quiet_timer, g_source_remove);
  self->quiet_timer = g_timeout_add (ms, quiet_cb, self);
}

static void
note_arrival (Receive *self)
{
  self->last_arrival = g_get_monotonic_time ();
  wait_for_quiet (self, QUIET_MS);
}

static void
state_cb (SbClient *client, SbClientState state, const GError *reason, gpointer user_data)
{
  Receive *self = user_data;

  if (state != SB_CLIENT_STATE_CONNECTED)
    return;
  self->n_since = 0;
  note_arrival (self);
}

/* --- What comes --- */

static void
work_cb (SbClientMessage *message, gpointer user_data)
{
  Receive *self = user_data;
  const char *id = sb_client_message_get_id (message);
  const char *path = g_hash_table_lookup (self->paths, id);
  g_autoptr (GBytes) line = path != NULL ? sb_cli_message_with_path (message, path)
                                         : g_bytes_ref (sb_client_message_get_bytes (message));

  if (isatty (STDOUT_FILENO))
    sb_cli_transfers_hide (self->transfers);
  sb_cli_lines_add (self->lines, id, line);
}

static void
confirm_cb (const char *id, gpointer user_data)
{
  sb_client_confirm (((Receive *) user_data)->client, id);
}

static void
written_cb (const char *id, gpointer user_data)
{
  Receive *self = user_data;

  self->n_since++;
  g_hash_table_remove (self->paths, id);
  sb_cli_intake_done (self->intake, id, TRUE);
  note_arrival (self);
  if (option_limit > 0 && sb_cli_intake_get_n_done (self->intake) >= (guint64) option_limit)
    sb_cli_duty_end (self->duty, SB_CLI_OK);
  sb_cli_duty_check (self->duty);
}

static void
failed_cb (const GError *error, gpointer user_data)
{
  Receive *self = user_data;
  gboolean has_gone = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE);

  sb_cli_duty_end (self->duty, has_gone ? SB_CLI_FAILED : sb_cli_fail (self->cli, error));
  sb_cli_duty_check (self->duty);
}

static gboolean
is_enough (Receive *self)
{
  return option_limit > 0
         && sb_cli_intake_get_n_done (self->intake) + sb_cli_intake_get_length (self->intake)
                >= (guint64) option_limit;
}

static void
message_cb (SbClient *client, SbClientMessage *message, gpointer user_data)
{
  Receive *self = user_data;

  if (is_enough (self))
    return;
  sb_cli_intake_offer (self->intake, message);
  note_arrival (self);
}

static void
download_cb (SbClient *client, SbClientMessage *message, const char *path, gpointer user_data)
{
  Receive *self = user_data;

  if (is_enough (self))
    return;
  g_hash_table_insert (self->paths, g_strdup (sb_client_message_get_id (message)), g_strdup (path));
  sb_cli_intake_offer (self->intake, message);
  note_arrival (self);
}

static void
ended_cb (SbClientTransfer *transfer, const GError *error, gpointer user_data)
{
  Receive *self = user_data;

  self->n_since++;
  note_arrival (self);
}

static void
transfer_cb (SbClient *client, SbClientTransfer *transfer, gpointer user_data)
{
  Receive *self = user_data;

  if (sb_client_transfer_is_upload (transfer) || sb_cli_duty_is_ending (self->duty))
    return;
  sb_cli_transfers_add (self->transfers, transfer, ended_cb, self);
  note_arrival (self);
}

static void
error_cb (SbClient *client, const char *id, const GError *error, gpointer user_data)
{
  Receive *self = user_data;

  sb_cli_transfers_print (self->transfers, "simplebus: %s", error->message);
}

/* --- The end --- */

static void
stop_cb (gpointer user_data)
{
  Receive *self = user_data;

  g_clear_handle_id (&self->quiet_timer, g_source_remove);
  g_cancellable_cancel (self->asking);
  sb_cli_intake_stop (self->intake);
}

static gboolean
is_idle_cb (gpointer user_data)
{
  Receive *self = user_data;

  return !self->is_asking
         && (sb_cli_intake_get_length (self->intake) == 0 || sb_cli_lines_is_broken (self->lines));
}

static void
abandon_cb (gpointer user_data)
{
  Receive *self = user_data;

  sb_cli_lines_break (self->lines);
  sb_cli_duty_check (self->duty);
}

static const SbCliDutyClass duty_class = { stop_cb, is_idle_cb, abandon_cb, FALSE };

/* --- The verb --- */

static void
connect_signals (Receive *self)
{
  g_signal_connect (self->client, "message", G_CALLBACK (message_cb), self);
  g_signal_connect (self->client, "message-download", G_CALLBACK (download_cb), self);
  g_signal_connect (self->client, "transfer", G_CALLBACK (transfer_cb), self);
  g_signal_connect (self->client, "state", G_CALLBACK (state_cb), self);
  g_signal_connect (self->client, "error", G_CALLBACK (error_cb), self);
}

static SbCliStatus
receive (SbCli *cli, SbClient *client, gint64 retry)
{
  g_autoptr (GHashTable) paths = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (GCancellable) asking = g_cancellable_new ();
  Receive self = { .cli = cli, .client = client, .paths = paths, .asking = asking };
  gboolean has_files;
  SbCliStatus status;

  self.duty = sb_cli_duty_new (cli, client, &duty_class, &self);
  sb_cli_duty_set_patience (self.duty, retry);
  self.intake = sb_cli_intake_new (0, work_cb, confirm_cb, &self);
  self.lines = sb_cli_lines_new (STDOUT_FILENO, written_cb, failed_cb, &self);
  self.transfers = sb_cli_transfers_new (cli, FALSE);
  connect_signals (&self);
  status = sb_cli_duty_run (self.duty);
  g_signal_handlers_disconnect_by_data (client, &self);
  has_files = sb_cli_transfers_get_length (self.transfers) > 0;
  g_clear_handle_id (&self.quiet_timer, g_source_remove);
  sb_cli_transfers_free (self.transfers);
  if (has_files && sb_cli_duty_get_signal (self.duty) != 0 && !cli->quiet)
    g_printerr (_ ("Stopped. The same command goes on where it was\n"));
  sb_cli_lines_free (self.lines);
  sb_cli_intake_free (self.intake);
  sb_cli_duty_free (self.duty);
  return status;
}

static gboolean
prepare_dir (const char *dir, GError **error)
{
  if (g_mkdir_with_parents (dir, 0777) == 0 && access (dir, W_OK | X_OK) == 0)
    return TRUE;
  g_set_error (error, SB_CLI_ERROR, SB_CLI_FAILED, _ ("No files can be put into %s: %s"), dir,
               g_strerror (errno));
  return FALSE;
}

static SbCliStatus
run (SbCli *cli, int argc, char **argv)
{
  const char *dir = option_dir != NULL ? option_dir : ".";
  gint64 retry = option_follow ? 0 : DEFAULT_RETRY;
  g_autoptr (GError) error = NULL;
  SbClient *client;

  if (argc > 1)
    return sb_cli_usage (cli, _ ("There is nothing to be said behind “receive” but options"));
  if (option_limit < 0)
    return sb_cli_usage (cli, _ ("--limit is a number above 0"));
  if ((option_retry != NULL && !sb_cli_parse_duration (option_retry, &retry, &error))
      || !prepare_dir (dir, &error))
    return sb_cli_fail (cli, error);
  client = sb_cli_make_client (cli, &error, "auto-confirm", FALSE, "receipts", FALSE,
                               "download-dir", dir, NULL);
  return client != NULL ? receive (cli, client, retry) : sb_cli_fail (cli, error);
}

const SbCliVerb sb_cli_verb_receive = {
  .name = "receive",
  .arguments = "",
  .summary = N_ ("Receive messages and files that wait"),
  .details = N_ ("Each message is printed as JSON in a line of its own, byte for byte as the\n"
                 "bus delivered it, and confirmed when it was written. Files are put into a\n"
                 "folder, checked, and confirmed when they are in their place; their line has a\n"
                 "member \"path\" at its end. A file is never written over another one: when its\n"
                 "name is taken it gets a number.\n"
                 "\n"
                 "It ends when nothing waits any more; what the bus has parked, or was told to\n"
                 "deliver later, is not waited for. A file that was not fetched to its end when\n"
                 "the program is stopped, by Ctrl-C or otherwise, is gone on with the next time.\n"
                 "\n"
                 "  simplebus receive --dir Downloads\n"
                 "  simplebus receive --follow | jq -r 'select(.path) | .path'"),
  .options = options,
  .run = run,
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-listen: `simplebus listen`. A message is confirmed when its line was written, or when the
 * command that it was given to has ended well; otherwise the bus sends it again.
 */

#include "sb-cli-draft.h"
#include "sb-cli-duty.h"
#include "sb-cli-hook.h"
#include "sb-cli-intake.h"
#include "sb-cli-lines.h"
#include "sb-cli-message.h"
#include "sb-cli-verbs.h"

#include <glib/gi18n.h>
#include <unistd.h>

#define MAX_PARALLEL 256

static char *option_exec;
static char *option_timeout;
static int option_parallel;
static int option_limit;
static gboolean option_no_confirm;

static const GOptionEntry options[] = {
  { "exec", 0, 0, G_OPTION_ARG_STRING, &option_exec,
    N_ ("Run this for each message in place of printing it; confirm when it ends with 0"),
    N_ ("COMMAND") },
  { "parallel", 0, 0, G_OPTION_ARG_INT, &option_parallel,
    N_ ("With --exec: so many at a time (1: in order)"), N_ ("N") },
  { "timeout", 0, 0, G_OPTION_ARG_STRING, &option_timeout,
    N_ ("With --exec: stop a command that takes longer (no limit)"), N_ ("TIME") },
  { "limit", 0, 0, G_OPTION_ARG_INT, &option_limit, N_ ("End after so many messages"), N_ ("N") },
  { "no-confirm", 0, 0, G_OPTION_ARG_NONE, &option_no_confirm,
    N_ ("Leave the messages on the bus, for somebody else to receive"), NULL },
  G_OPTION_ENTRY_NULL,
};

typedef struct
{
  SbCli *cli;
  SbClient *client;
  SbCliDuty *duty;       /* (owned) */
  SbCliIntake *intake;   /* (owned) */
  SbCliLines *lines;     /* (owned) */
  GCancellable *running; /* (owned) ends commands */
  gint64 timeout;        /* seconds */
} Listen;

/* --- What is done with a message --- */

static void
confirm_cb (const char *id, gpointer user_data)
{
  Listen *self = user_data;

  if (!option_no_confirm)
    sb_client_confirm (self->client, id);
}

static void
finish (Listen *self, const char *id, gboolean is_well)
{
  sb_cli_intake_done (self->intake, id, is_well);
  if (option_limit > 0 && sb_cli_intake_get_n_done (self->intake) >= (guint64) option_limit)
    sb_cli_duty_end (self->duty, SB_CLI_OK);
  sb_cli_duty_check (self->duty);
}

static void
written_cb (const char *id, gpointer user_data)
{
  finish (user_data, id, TRUE);
}

/* What was not written is not confirmed. */
static void
failed_cb (const GError *error, gpointer user_data)
{
  Listen *self = user_data;
  gboolean has_gone = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE);

  sb_cli_duty_end (self->duty, has_gone ? SB_CLI_FAILED : sb_cli_fail (self->cli, error));
  sb_cli_duty_check (self->duty);
}

typedef struct
{
  Listen *listen;
  SbClientMessage *message; /* (owned) */
} Run;

static void
ran_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Run *run = user_data;
  g_autoptr (SbClientMessage) message = run->message;
  g_autoptr (GError) error = NULL;
  gboolean is_well = sb_cli_hook_run_finish (result, &error);

  if (!is_well)
    {
      g_autofree char *id = sb_cli_printable (sb_client_message_get_id (message));

      g_printerr (_ ("The command for %s was not done: %s. The bus sends the message again\n"), id,
                  error->message);
    }
  finish (run->listen, sb_client_message_get_id (message), is_well);
}

static void
run_command (Listen *self, SbClientMessage *message)
{
  g_auto (GStrv) environment = sb_cli_message_get_environment (message, NULL);
  SbCliHook hook = {
    .command = option_exec,
    .input = sb_client_message_get_bytes (message),
    .environment = (const char *const *) environment,
    .timeout = (guint) self->timeout,
  };
  Run *run = g_new (Run, 1);

  run->listen = self;
  run->message = sb_client_message_ref (message);
  sb_cli_hook_run_async (&hook, self->running, ran_cb, run);
}

static void
work_cb (SbClientMessage *message, gpointer user_data)
{
  Listen *self = user_data;

  if (option_exec != NULL)
    run_command (self, message);
  else
    sb_cli_lines_add (self->lines, sb_client_message_get_id (message),
                      sb_client_message_get_bytes (message));
}

static void
message_cb (SbClient *client, SbClientMessage *message, gpointer user_data)
{
  Listen *self = user_data;

  /* Those in hand are enough, if they come to a good end. */
  if (option_limit > 0
      && sb_cli_intake_get_n_done (self->intake) + sb_cli_intake_get_length (self->intake)
             >= (guint64) option_limit)
    return;
  sb_cli_intake_offer (self->intake, message);
}

/* --- The end --- */

static void
stop_cb (gpointer user_data)
{
  Listen *self = user_data;

  sb_cli_intake_stop (self->intake);
  if (option_exec != NULL && sb_cli_intake_get_length (self->intake) > 0 && !self->cli->quiet)
    g_printerr (_ ("Waiting for commands that run; Ctrl-C once more stops them\n"));
}

static gboolean
is_idle_cb (gpointer user_data)
{
  Listen *self = user_data;

  return sb_cli_intake_get_length (self->intake) == 0 || sb_cli_lines_is_broken (self->lines);
}

static void
abandon_cb (gpointer user_data)
{
  Listen *self = user_data;

  g_cancellable_cancel (self->running);
  sb_cli_lines_break (self->lines);
  sb_cli_duty_check (self->duty);
}

static const SbCliDutyClass duty_class = { stop_cb, is_idle_cb, abandon_cb, FALSE };

/* --- The verb --- */

static SbCliStatus
listen_on (SbCli *cli, SbClient *client, gint64 timeout)
{
  g_autoptr (GCancellable) running = g_cancellable_new ();
  Listen self = { .cli = cli, .client = client, .running = running, .timeout = timeout };
  gulong handler;
  SbCliStatus status;

  self.duty = sb_cli_duty_new (cli, client, &duty_class, &self);
  self.intake = sb_cli_intake_new (option_exec != NULL ? (guint) MAX (option_parallel, 1) : 0,
                                   work_cb, confirm_cb, &self);
  self.lines = sb_cli_lines_new (STDOUT_FILENO, written_cb, failed_cb, &self);
  handler = g_signal_connect (client, "message", G_CALLBACK (message_cb), &self);
  status = sb_cli_duty_run (self.duty);
  g_signal_handler_disconnect (client, handler);
  sb_cli_lines_free (self.lines);
  sb_cli_intake_free (self.intake);
  sb_cli_duty_free (self.duty);
  return status;
}

static SbCliStatus
run (SbCli *cli, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  gint64 timeout = 0;
  SbClient *client;

  if (argc > 1)
    return sb_cli_usage (cli, _ ("There is nothing to be said behind “listen” but options"));
  if (option_exec == NULL && (option_parallel != 0 || option_timeout != NULL))
    return sb_cli_usage (cli, _ ("--parallel and --timeout are for --exec"));
  if (option_parallel < 0 || option_parallel > MAX_PARALLEL)
    return sb_cli_usage (cli, _ ("--parallel is a number from 1 to 256"));
  if (option_limit < 0)
    return sb_cli_usage (cli, _ ("--limit is a number above 0"));
  if (option_timeout != NULL && !sb_cli_parse_duration (option_timeout, &timeout, &error))
    return sb_cli_fail (cli, error);
  client = sb_cli_make_client (cli, &error, "auto-confirm", FALSE, "receipts", FALSE, NULL);
  return client != NULL ? listen_on (cli, client, MIN (timeout, G_MAXINT))
                        : sb_cli_fail (cli, error);
}

const SbCliVerb sb_cli_verb_listen = {
  .name = "listen",
  .arguments = "",
  .summary = N_ ("Print messages as they come, or run a command for each"),
  .details = N_ ("Each message is printed as JSON in a line of its own, byte for byte as the\n"
                 "bus delivered it, and confirmed when it was written. It goes on until it is\n"
                 "stopped; when the connection breaks, it is made again.\n"
                 "\n"
                 "With --exec the message is the standard input of a command, which sh runs, and\n"
                 "SIMPLEBUS_ID, SIMPLEBUS_SENDER, SIMPLEBUS_PAYLOAD are in its environment. It\n"
                 "is confirmed when the command ends with status 0; otherwise the bus sends it\n"
                 "again after a while. No message is worked on twice at the same time, but after\n"
                 "a crash or a failure the command sees it again: write commands so that they\n"
                 "may be repeated.\n"
                 "\n"
                 "A user has one session: a listener takes it over from a program elsewhere.\n"
                 "The notice of a file is printed like a message; “receive” and “agent” fetch\n"
                 "files.\n"
                 "\n"
                 "  simplebus listen | jq -r .message\n"
                 "  simplebus listen --exec './import-order' --parallel 4 --timeout 1m"),
  .options = options,
  .run = run,
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-send-file: `simplebus send-file`. Each file has a client with a state folder of its own.
 * What was not sent when the program ended is taken up by the same command, or by --resume.
 */

#include "sb-cli-draft.h"
#include "sb-cli-outgoing.h"
#include "sb-cli-transfers.h"
#include "sb-cli-verbs.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <string.h>

/* Files at a time. */
#define PARALLEL 4

/* Closing flushes notes; a disk that hangs must not keep a program that was told to end. */
#define CLOSE_SECONDS 10

static char **option_to;
static char **option_uid;
static char **option_member;
static char *option_message;
static char *option_ttl;
static char *option_name;
static char *option_retry;
static gboolean option_resume;

static const GOptionEntry options[] = {
  { "to", 0, 0, G_OPTION_ARG_STRING_ARRAY, &option_to,
    N_ ("Address it to this one, taken as it is; may be repeated, in place of TO"),
    N_ ("ADDRESS") },
  { "message", 'm', 0, G_OPTION_ARG_STRING, &option_message,
    N_ ("What recipients get with each file, JSON or a text (null)"), N_ ("MESSAGE") },
  { "name", 0, 0, G_OPTION_ARG_STRING, &option_name,
    N_ ("How recipients see the file called, when it is one"), N_ ("NAME") },
  { "ttl", 0, 0, G_OPTION_ARG_STRING, &option_ttl,
    N_ ("It expires when it was not fetched for so long: 90, 30s, 5m, 2h, 1d"), N_ ("TIME") },
  { "uid", 0, 0, G_OPTION_ARG_STRING_ARRAY, &option_uid,
    N_ ("For this configuration of the device; may be repeated"), N_ ("UID") },
  { "member", 0, 0, G_OPTION_ARG_STRING_ARRAY, &option_member,
    N_ ("One more member of the message; may be repeated"), N_ ("NAME=JSON") },
  { "retry", 0, 0, G_OPTION_ARG_STRING, &option_retry,
    N_ ("End when nothing could be sent for so long (it never gives up)"), N_ ("TIME") },
  { "resume", 0, 0, G_OPTION_ARG_NONE, &option_resume,
    N_ ("Go on with all that was not sent to its end; takes no TO and no FILE"), NULL },
  G_OPTION_ENTRY_NULL,
};

typedef struct
{
  SbCli *cli;
  GPtrArray *jobs; /* (owned) of Job */
  guint next;      /* the first one that was not begun */
  guint n_running;
  guint n_closing;
  SbCliTransfers *transfers; /* (owned) */
  gint64 retry;              /* seconds; 0: for ever */
  SbCliStatus status;        /* of the first failure */
  int signal;
  gboolean is_stopped;
  gboolean is_hurried;
} SendFile;

typedef struct
{
  SendFile *send;
  SbCliOutgoing *outgoing; /* (owned) */
  SbClient *client;        /* (owned) (nullable) */
  gboolean is_closing;
  gboolean is_final; /* nothing more is to be done for the file */
  guint idle_timer;
  gulong done_handler;
  SbClientTransfer *transfer; /* (owned) (nullable) */
} Job;

static void begin_more (SendFile *self);

static void
job_free (gpointer data)
{
  Job *job = data;

  g_clear_handle_id (&job->idle_timer, g_source_remove);
  if (job->transfer != NULL)
    g_clear_signal_handler (&job->done_handler, job->transfer);
  g_clear_object (&job->transfer);
  if (job->client != NULL)
    g_signal_handlers_disconnect_by_data (job->client, job);
  g_clear_object (&job->client);
  sb_cli_outgoing_free (job->outgoing);
  g_free (job);
}

static void
note_failure (SendFile *self, SbCliStatus status)
{
  if (self->status == SB_CLI_OK)
    self->status = status;
}

/* --- The end of one --- */

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Job *job = user_data;

  sb_client_close_finish (SB_CLIENT (source), result, NULL);
  g_clear_object (&job->client);
  if (job->is_final)
    sb_cli_outgoing_forget (job->outgoing->folder);
  job->send->n_closing--;
  begin_more (job->send);
}

static void
close_job (Job *job)
{
  if (job->client == NULL || job->is_closing)
    return;
  job->is_closing = TRUE;
  g_clear_handle_id (&job->idle_timer, g_source_remove);
  g_signal_handlers_disconnect_by_data (job->client, job);
  job->send->n_running--;
  job->send->n_closing++;
  sb_client_close_async (job->client, NULL, closed_cb, job);
}

/* What another attempt could mend stays noted. */
static gboolean
is_final (const GError *error)
{
  return error == NULL
         || !(g_error_matches (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_UNAUTHORIZED)
              || g_error_matches (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_FORBIDDEN)
              || g_error_matches (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_CLOSED)
              || sb_client_error_is_transient (error));
}

static void
ended_cb (SbClientTransfer *transfer, const GError *error, gpointer user_data)
{
  Job *job = user_data;

  job->is_final = is_final (error);
  if (error != NULL)
    note_failure (job->send, sb_cli_status_of (error));
  else if (!job->send->cli->json)
    {
      sb_cli_transfers_hide (job->send->transfers);
      g_print ("%s\n", sb_client_transfer_get_id (transfer));
    }
  close_job (job);
}

static void
fail_job (Job *job, const GError *error)
{
  sb_cli_transfers_hide (job->send->transfers);
  note_failure (job->send, sb_cli_fail (job->send->cli, error));
  job->is_final = is_final (error);
  close_job (job);
}

/* --- One on its way --- */

static gboolean
idle_cb (gpointer user_data)
{
  Job *job = user_data;
  const GError *why = job->transfer != NULL ? sb_client_transfer_get_error (job->transfer) : NULL;
  g_autoptr (GError) error = NULL;

  job->idle_timer = 0;
  error = g_error_new (SB_CLIENT_ERROR, SB_CLIENT_ERROR_TIMED_OUT,
                       _ ("%s: nothing could be sent for a while: %s"), job->outgoing->path,
                       why != NULL ? why->message : _ ("the bus does not take it"));
  fail_job (job, error);
  return G_SOURCE_REMOVE;
}

static void
wait_for_bytes (Job *job)
{
  gint64 seconds = job->send->retry;

  g_clear_handle_id (&job->idle_timer, g_source_remove);
  if (seconds > 0)
    job->idle_timer = g_timeout_add_seconds ((guint) MIN (seconds, G_MAXINT), idle_cb, job);
}

static void
bytes_cb (GObject *object, GParamSpec *pspec, gpointer user_data)
{
  wait_for_bytes (user_data);
}

static void
watch_transfer (Job *job, SbClientTransfer *transfer)
{
  if (job->transfer != NULL
      || g_strcmp0 (sb_client_transfer_get_id (transfer),
                    sb_client_draft_get_id (job->outgoing->draft))
             != 0)
    return;
  job->transfer = g_object_ref (transfer);
  job->done_handler = g_signal_connect (transfer, "notify::done", G_CALLBACK (bytes_cb), job);
  sb_cli_transfers_add (job->send->transfers, transfer, ended_cb, job);
}

static void
transfer_cb (SbClient *client, SbClientTransfer *transfer, gpointer user_data)
{
  watch_transfer (user_data, transfer);
}

/* Before there is a transfer: what was noted of it cannot be read. */
static void
error_cb (SbClient *client, const char *id, const GError *error, gpointer user_data)
{
  Job *job = user_data;

  if (job->transfer == NULL)
    fail_job (job, error);
}

/* The lock of the folder is taken. */
static void
fail_busy (Job *job)
{
  g_autoptr (GError) error = g_error_new (SB_CLI_ERROR, SB_CLI_TRY_AGAIN,
                                          _ ("Another program is sending %s already"),
                                          job->outgoing->path);

  fail_job (job, error);
  job->is_final = FALSE;
}

static void
begin_transfer (Job *job)
{
  g_autoptr (SbClientTransfer) transfer = NULL;
  g_autoptr (GError) error = NULL;

  transfer = sb_client_send_file (job->client, job->outgoing->draft, job->outgoing->path,
                                  job->outgoing->name, &error);
  if (transfer != NULL)
    watch_transfer (job, transfer);
  else if (g_error_matches (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_BUSY))
    fail_busy (job);
  /* The library knows it from an earlier process, and is about to go on with it. */
  else if (!job->outgoing->was_known
           || !g_error_matches (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_CONFLICT))
    fail_job (job, error);
}

static SbClient *
make_client (SbCli *cli, const char *folder, GError **error)
{
  g_clear_object (&cli->client);
  sb_cli_make_client (cli, error, "state-dir", folder, NULL);
  return g_steal_pointer (&cli->client);
}

static void
begin_job (Job *job)
{
  SendFile *self = job->send;
  g_autoptr (GError) error = NULL;

  if (sb_cli_outgoing_keep (job->outgoing, &error))
    job->client = make_client (self->cli, job->outgoing->folder, &error);
  if (job->client == NULL)
    {
      note_failure (self, sb_cli_fail (self->cli, error));
      return;
    }
  self->n_running++;
  wait_for_bytes (job);
  g_signal_connect (job->client, "transfer", G_CALLBACK (transfer_cb), job);
  g_signal_connect (job->client, "error", G_CALLBACK (error_cb), job);
  begin_transfer (job);
}

static void
begin_more (SendFile *self)
{
  while (!self->is_stopped && self->next < self->jobs->len
         && self->n_running + self->n_closing < PARALLEL)
    begin_job (g_ptr_array_index (self->jobs, self->next++));
}

/* --- From words to jobs --- */

static void
add_job (SendFile *self, SbCliOutgoing *owned_outgoing)
{
  Job *job = g_new0 (Job, 1);

  job->send = self;
  job->outgoing = owned_outgoing;
  g_ptr_array_add (self->jobs, job);
}

static gboolean
is_named (SendFile *self, const char *folder)
{
  for (guint i = 0; i < self->jobs->len; i++)
    if (strcmp (((Job *) g_ptr_array_index (self->jobs, i))->outgoing->folder, folder) == 0)
      return TRUE;
  return FALSE;
}

/* A file that was named twice is one file. */
static gboolean
add_files (SendFile *self, const char *state_dir, const char *message, char **paths, GError **error)
{
  for (; *paths != NULL; paths++)
    {
      g_autoptr (SbCliOutgoing) outgoing = sb_cli_outgoing_new (state_dir, *paths, option_name,
                                                                message, error);

      if (outgoing == NULL)
        return FALSE;
      if (!is_named (self, outgoing->folder))
        add_job (self, g_steal_pointer (&outgoing));
    }
  return TRUE;
}

/* What cannot be sent any more is said once. */
static void
add_left_over (SendFile *self, const char *state_dir)
{
  g_autoptr (GPtrArray) folders = sb_cli_outgoing_list_folders (state_dir);

  for (guint i = 0; i < folders->len; i++)
    {
      const char *folder = g_ptr_array_index (folders, i);
      g_autoptr (GError) error = NULL;
      SbCliOutgoing *outgoing = sb_cli_outgoing_load (folder, &error);

      if (outgoing != NULL)
        {
          add_job (self, outgoing);
          continue;
        }
      note_failure (self, sb_cli_fail (self->cli, error));
      sb_cli_outgoing_forget (folder);
    }
  if (folders->len == 0 && !self->cli->quiet)
    g_printerr (_ ("There is nothing to go on with\n"));
}

static char *
make_message (const char *const *addresses, GError **error)
{
  g_autofree char *payload = NULL;
  g_autoptr (SbClientDraft) draft = NULL;
  gint64 ttl;

  payload = option_message != NULL ? sb_cli_make_payload (option_message, strlen (option_message),
                                                          SB_CLI_PAYLOAD_GUESS, error)
                                   : g_strdup ("null");
  if (payload == NULL)
    return NULL;
  draft = sb_client_draft_new (addresses, payload, error);
  if (draft == NULL || !sb_cli_set_members (draft, option_member, error)
      || (option_ttl != NULL && !sb_cli_parse_duration (option_ttl, &ttl, error)))
    return NULL;
  if (option_ttl != NULL)
    sb_client_draft_set_ttl (draft, ttl);
  sb_client_draft_set_uids (draft, (const char *const *) option_uid);
  return sb_client_draft_to_json (draft);
}

/* Returns: the first word that is a file; -1 with an error */
static int
collect_addresses (GPtrArray *addresses, int argc, char **argv, GError **error)
{
  if (option_to == NULL && !sb_cli_add_addresses (addresses, argc > 1 ? argv[1] : "", error))
    return -1;
  for (char **address = option_to; address != NULL && *address != NULL; address++)
    g_ptr_array_add (addresses, g_strdup (*address));
  g_ptr_array_add (addresses, NULL);
  return option_to != NULL ? 1 : 2;
}

static gboolean
collect (SendFile *self, const char *state_dir, int argc, char **argv, GError **error)
{
  g_autoptr (GPtrArray) addresses = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *message = NULL;
  int first;

  if (option_resume)
    {
      add_left_over (self, state_dir);
      return TRUE;
    }
  first = collect_addresses (addresses, argc, argv, error);
  if (first < 0)
    return FALSE;
  if (argc <= first || (option_name != NULL && argc != first + 1))
    {
      g_set_error_literal (error, SB_CLI_ERROR, SB_CLI_USAGE,
                           argc <= first ? _ ("It takes addresses and files")
                                         : _ ("--name is for one file"));
      return FALSE;
    }
  message = make_message ((const char *const *) addresses->pdata, error);
  return message != NULL && add_files (self, state_dir, message, argv + first, error);
}

/* --- The verb --- */

static gboolean
signalled (SendFile *self, int number)
{
  self->is_hurried = self->is_stopped;
  self->is_stopped = TRUE;
  self->signal = number;
  for (guint i = 0; i < self->next && !self->is_hurried; i++)
    close_job (g_ptr_array_index (self->jobs, i));
  return G_SOURCE_CONTINUE;
}

static gboolean
interrupted_cb (gpointer user_data)
{
  return signalled (user_data, SIGINT);
}

static gboolean
terminated_cb (gpointer user_data)
{
  return signalled (user_data, SIGTERM);
}

static gboolean
hurry_cb (gpointer user_data)
{
  ((SendFile *) user_data)->is_hurried = TRUE;
  return G_SOURCE_CONTINUE;
}

static void
expect_all (SendFile *self)
{
  gint64 bytes = 0;

  for (guint i = 0; i < self->jobs->len; i++)
    bytes += ((Job *) g_ptr_array_index (self->jobs, i))->outgoing->size;
  sb_cli_transfers_expect (self->transfers, self->jobs->len, bytes);
}

static SbCliStatus
send_all (SendFile *self)
{
  guint sources[] = { g_unix_signal_add (SIGINT, interrupted_cb, self),
                      g_unix_signal_add (SIGTERM, terminated_cb, self) };
  guint deadline = 0;

  self->transfers = sb_cli_transfers_new (self->cli, self->cli->json);
  expect_all (self);
  begin_more (self);
  while (self->n_running + self->n_closing > 0 && !self->is_hurried)
    {
      g_main_context_iteration (NULL, TRUE);
      if (self->is_stopped && deadline == 0)
        deadline = g_timeout_add_seconds (CLOSE_SECONDS, hurry_cb, self);
    }
  g_clear_pointer (&self->transfers, sb_cli_transfers_free);
  for (guint i = 0; i < G_N_ELEMENTS (sources); i++)
    g_source_remove (sources[i]);
  g_clear_handle_id (&deadline, g_source_remove);
  if (self->signal == 0)
    return self->status;
  if (!self->cli->quiet)
    g_printerr (_ ("Stopped. The same command goes on, or: simplebus send-file --resume\n"));
  return (SbCliStatus) (128 + self->signal);
}

static SbCliStatus
run (SbCli *cli, int argc, char **argv)
{
  g_autoptr (GPtrArray) jobs = g_ptr_array_new_with_free_func (job_free);
  g_autofree char *state_dir = NULL;
  g_autoptr (GError) error = NULL;
  SendFile self = { .cli = cli, .jobs = jobs };
  SbClient *client;

  if (option_resume && (argc > 1 || option_to != NULL))
    return sb_cli_usage (cli,
                         _ ("--resume goes on with what was begun: it takes no TO and no FILE"));
  if (option_retry != NULL && !sb_cli_parse_duration (option_retry, &self.retry, &error))
    return sb_cli_fail (cli, error);
  client = sb_cli_get_client (cli, &error);
  if (client == NULL)
    return sb_cli_fail (cli, error);
  g_object_get (client, "state-dir", &state_dir, NULL);
  if (!collect (&self, state_dir, argc, argv, &error))
    return sb_cli_fail (cli, error);
  return send_all (&self);
}

const SbCliVerb sb_cli_verb_send_file = {
  .name = "send-file",
  .arguments = N_ ("TO FILE…"),
  .summary = N_ ("Send files"),
  .details = N_ ("TO is as for “send”. Each file is a message of its own, whose _id is printed\n"
                 "when the bus has all of it on its disk. Four files are sent at a time.\n"
                 "\n"
                 "When the connection breaks, sending goes on where it was as soon as there is\n"
                 "one again. What was not sent when the program ends, by Ctrl-C or otherwise, is\n"
                 "remembered: the same command goes on where it was, as long as the file has not\n"
                 "changed, and so does --resume, for all of them.\n"
                 "\n"
                 "  simplebus send-file @anna photo.jpg\n"
                 "  simplebus send-file '#sales' *.pdf -m '{\"about\":\"prices\"}' --ttl 7d\n"
                 "  simplebus send-file --resume"),
  .options = options,
  .run = run,
};

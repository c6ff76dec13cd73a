/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-agent: `simplebus agent`, a service that receives for a user: files into a folder, and a
 * hook for whatever comes.
 *
 * A reload ends the client and makes a new one; hooks that run meanwhile go on, and what they have
 * done is confirmed by the new one.
 */

#include "sb-cli-agent-config.h"
#include "sb-cli-channel.h"
#include "sb-cli-duty.h"
#include "sb-cli-notify.h"
#include "sb-cli-verbs.h"

#include "sb-json.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <signal.h>

/* Hooks that run when the service is to end are stopped after so long. */
#define DRAIN_SECONDS 60

static char *option_settings;

static const GOptionEntry options[] = {
  { "settings", 0, 0, G_OPTION_ARG_FILENAME, &option_settings,
    N_ ("Read this file instead of ~/.config/simplebus/agent.ini"), N_ ("FILE") },
  G_OPTION_ENTRY_NULL,
};

typedef struct
{
  SbCli *cli;
  SbCliAgentConfig *config;               /* (owned) */
  SbCliChannel *channels[SB_CLI_N_HOOKS]; /* (owned) */
  SbCliDuty *duty;                        /* (owned) (nullable) */
  guint drain_timer;
  gboolean is_reloading;
  gboolean is_ending;
  gboolean left_messages; /* was told of */
} Agent;

/* --- What comes --- */

static void
done_cb (const char *id, gpointer user_data)
{
  Agent *self = user_data;

  sb_client_confirm (self->cli->client, id);
}

/* The bus forgets a receipt once it has told of it. */
static void
receipt_done_cb (const char *id, gpointer user_data)
{
}

static void
idle_cb (gpointer user_data)
{
  Agent *self = user_data;

  if (self->duty != NULL)
    sb_cli_duty_check (self->duty);
}

static void
message_cb (SbClient *client, SbClientMessage *message, gpointer user_data)
{
  Agent *self = user_data;
  SbCliChannel *channel = self->channels[SB_CLI_HOOK_MESSAGE];

  if (sb_cli_channel_has_hook (channel))
    sb_cli_channel_offer (channel, message, NULL);
  else if (!self->left_messages)
    {
      self->left_messages = TRUE;
      sb_cli_log (G_LOG_LEVEL_WARNING,
                  "messages wait on the bus and stay there: agent.ini names no on-message");
    }
}

static void
download_cb (SbClient *client, SbClientMessage *message, const char *path, gpointer user_data)
{
  Agent *self = user_data;
  SbCliChannel *channel = self->channels[SB_CLI_HOOK_DOWNLOAD];
  const char *const environment[] = { "SIMPLEBUS_PATH", path, NULL };
  g_autofree char *name = g_filename_display_name (path);
  g_autofree char *printable = sb_cli_printable (name);

  sb_cli_log (G_LOG_LEVEL_MESSAGE, "received %s", printable);
  if (sb_cli_channel_has_hook (channel))
    sb_cli_channel_offer (channel, message, environment);
  else
    sb_client_confirm (client, sb_client_message_get_id (message));
}

/* A receipt has no _id of its own: message and recipient are one together. */
static SbClientMessage *
make_receipt (const char *id, const char *recipient)
{
  g_autoptr (GString) json = g_string_new ("{\"type\":\"confirmation\",\"_id\":");
  g_autofree char *key = g_strdup_printf ("%s %s", id, recipient);
  g_autoptr (GBytes) bytes = NULL;

  sb_json_append_string (json, key);
  g_string_append (json, ",\"data\":");
  sb_json_append_string (json, id);
  g_string_append (json, ",\"sender\":");
  sb_json_append_string (json, recipient);
  g_string_append_c (json, '}');
  bytes = g_bytes_new (json->str, json->len);
  return sb_client_message_new (bytes, NULL);
}

static void
confirmation_cb (SbClient *client, const char *id, const char *recipient, gpointer user_data)
{
  Agent *self = user_data;
  const char *const environment[] = {
    "SIMPLEBUS_TYPE", "confirmation", "SIMPLEBUS_ID", id, "SIMPLEBUS_RECIPIENT", recipient, NULL
  };
  g_autoptr (SbClientMessage) receipt = make_receipt (id, recipient);

  if (receipt != NULL)
    sb_cli_channel_offer (self->channels[SB_CLI_HOOK_CONFIRMATION], receipt, environment);
}

static void
error_cb (SbClient *client, const char *id, const GError *error, gpointer user_data)
{
  g_autofree char *message = sb_cli_printable (error->message);

  sb_cli_log (G_LOG_LEVEL_WARNING, "%s", message);
}

static void
state_cb (SbClient *client, SbClientState state, const GError *reason, gpointer user_data)
{
  if (state == SB_CLIENT_STATE_CONNECTED)
    sb_cli_log (G_LOG_LEVEL_MESSAGE, "connected to %s as %s", sb_client_get_url (client),
                sb_client_get_user (client));
  sb_cli_notify_status ("%s%s%s", sb_client_state_to_string (state), reason != NULL ? ": " : "",
                        reason != NULL ? reason->message : "");
}

/* --- Its end, and new beginnings --- */

static gboolean
drained_cb (gpointer user_data)
{
  Agent *self = user_data;

  self->drain_timer = 0;
  sb_cli_log (G_LOG_LEVEL_WARNING, "hooks that still run are stopped");
  for (guint i = 0; i < SB_CLI_N_HOOKS; i++)
    sb_cli_channel_abandon (self->channels[i]);
  return G_SOURCE_REMOVE;
}

static void
stop_cb (gpointer user_data)
{
  Agent *self = user_data;

  if (self->is_reloading)
    return;
  self->is_ending = TRUE;
  sb_cli_notify ("STOPPING=1");
  self->drain_timer = g_timeout_add_seconds (DRAIN_SECONDS, drained_cb, self);
  for (guint i = 0; i < SB_CLI_N_HOOKS; i++)
    sb_cli_channel_stop (self->channels[i]);
}

static gboolean
is_idle_cb (gpointer user_data)
{
  Agent *self = user_data;

  if (!self->is_ending)
    return TRUE;
  for (guint i = 0; i < SB_CLI_N_HOOKS; i++)
    if (!sb_cli_channel_is_idle (self->channels[i]))
      return FALSE;
  return TRUE;
}

static void
abandon_cb (gpointer user_data)
{
  Agent *self = user_data;

  for (guint i = 0; i < SB_CLI_N_HOOKS; i++)
    sb_cli_channel_abandon (self->channels[i]);
}

static const SbCliDutyClass duty_class = { stop_cb, is_idle_cb, abandon_cb, TRUE };

static void
configure (Agent *self, SbCliAgentConfig *owned_config)
{
  g_clear_pointer (&self->config, sb_cli_agent_config_free);
  self->config = owned_config;
  self->left_messages = FALSE;
  for (guint i = 0; i < SB_CLI_N_HOOKS; i++)
    sb_cli_channel_configure (self->channels[i], owned_config);
}

/* A configuration that is wrong leaves the one in force. */
static gboolean
reload_cb (gpointer user_data)
{
  Agent *self = user_data;
  g_autoptr (GError) error = NULL;
  SbCliAgentConfig *config = sb_cli_agent_config_load (option_settings, &error);

  if (config == NULL)
    {
      sb_cli_log (G_LOG_LEVEL_CRITICAL, "the old configuration stays in force: %s", error->message);
      return G_SOURCE_CONTINUE;
    }
  sb_cli_log (G_LOG_LEVEL_MESSAGE, "the configuration was read again");
  sb_cli_notify ("RELOADING=1");
  configure (self, config);
  if (self->duty == NULL || sb_cli_duty_is_ending (self->duty))
    return G_SOURCE_CONTINUE;
  self->is_reloading = TRUE;
  sb_cli_duty_end (self->duty, SB_CLI_OK);
  return G_SOURCE_CONTINUE;
}

/* --- Runs --- */

static gboolean
prepare_folder (Agent *self, GError **error)
{
  const char *folder = self->config->download_dir;

  if (folder == NULL || g_mkdir_with_parents (folder, 0755) == 0)
    return TRUE;
  g_set_error (error, SB_CLI_ERROR, SB_CLI_CONFIG, _ ("The folder %s cannot be made: %s"), folder,
               g_strerror (errno));
  return FALSE;
}

static SbClient *
make_client (Agent *self, GError **error)
{
  SbClient *client;

  if (!prepare_folder (self, error))
    return NULL;
  g_clear_object (&self->cli->client);
  client = sb_cli_make_client (self->cli, error, "auto-confirm", FALSE, "receipts",
                               self->config->hooks[SB_CLI_HOOK_CONFIRMATION] != NULL,
                               "download-dir", self->config->download_dir, NULL);
  if (client == NULL)
    return NULL;
  g_signal_connect (client, "message", G_CALLBACK (message_cb), self);
  g_signal_connect (client, "message-download", G_CALLBACK (download_cb), self);
  g_signal_connect (client, "confirmation", G_CALLBACK (confirmation_cb), self);
  g_signal_connect (client, "error", G_CALLBACK (error_cb), self);
  g_signal_connect (client, "state", G_CALLBACK (state_cb), self);
  return client;
}

static SbCliStatus
run_once (Agent *self)
{
  g_autoptr (GError) error = NULL;
  SbClient *client = make_client (self, &error);
  SbCliStatus status;

  if (client == NULL)
    return sb_cli_fail (self->cli, error);
  self->is_reloading = FALSE;
  self->duty = sb_cli_duty_new (self->cli, client, &duty_class, self);
  sb_cli_notify ("READY=1");
  status = sb_cli_duty_run (self->duty);
  if (sb_cli_duty_get_signal (self->duty) != 0)
    {
      self->is_ending = TRUE;
      status = SB_CLI_OK;
    }
  g_clear_pointer (&self->duty, sb_cli_duty_free);
  g_signal_handlers_disconnect_by_data (client, self);
  return status;
}

static SbCliStatus
run_agent (Agent *self)
{
  guint reload = g_unix_signal_add (SIGHUP, reload_cb, self);
  guint watchdog = sb_cli_notify_watchdog ();
  SbCliStatus status;

  do
    status = run_once (self);
  while (!self->is_ending && self->is_reloading);
  g_clear_handle_id (&self->drain_timer, g_source_remove);
  g_clear_handle_id (&watchdog, g_source_remove);
  g_source_remove (reload);
  return status;
}

static SbCliStatus
run (SbCli *cli, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  SbCliAgentConfig *config;
  Agent self = { .cli = cli };
  SbCliStatus status;

  if (argc > 1)
    return sb_cli_usage (cli, _ ("There is nothing to be said behind “agent” but options"));
  sb_cli_notify_use_journal ();
  config = sb_cli_agent_config_load (option_settings, &error);
  if (config == NULL)
    return sb_cli_fail (cli, error);
  for (guint i = 0; i < SB_CLI_N_HOOKS; i++)
    self.channels[i] = sb_cli_channel_new (
        (SbCliHookKind) i, i != SB_CLI_HOOK_MESSAGE,
        i == SB_CLI_HOOK_CONFIRMATION ? receipt_done_cb : done_cb, idle_cb, &self);
  configure (&self, config);
  status = run_agent (&self);
  for (guint i = 0; i < SB_CLI_N_HOOKS; i++)
    sb_cli_channel_free (self.channels[i]);
  sb_cli_agent_config_free (self.config);
  return status;
}

const SbCliVerb sb_cli_verb_agent = {
  .name = "agent",
  .arguments = "",
  .summary = N_ ("Receive as a service: files into a folder, a hook for whatever comes"),
  .details = N_ (
      "It runs until it is stopped, best as a service of the user:\n"
      "\n"
      "  simplebus agent\n"
      "  systemctl --user enable --now simplebus-agent\n"
      "\n"
      "~/.config/simplebus/agent.ini says what it does:\n"
      "\n"
      "  [agent]\n"
      "  download-dir=~/Downloads/SimpleBus\n"
      "  on-message=/usr/local/bin/import-order\n"
      "  on-download=lp \"$SIMPLEBUS_PATH\"\n"
      "  on-confirmation=logger \"$SIMPLEBUS_RECIPIENT has $SIMPLEBUS_ID\"\n"
      "  parallel=1\n"
      "  timeout=5m\n"
      "\n"
      "Hooks are run by sh. The message is their standard input, and SIMPLEBUS_ID,\n"
      "SIMPLEBUS_SENDER, SIMPLEBUS_PAYLOAD, SIMPLEBUS_TYPE, SIMPLEBUS_FILENAME,\n"
      "SIMPLEBUS_PATH and SIMPLEBUS_RECIPIENT are in their environment, as far as\n"
      "they make sense; put them in quotes, for senders choose what is in them. A\n"
      "message or file is confirmed when its hook has ended with status 0. After a\n"
      "failure there is a pause, and it is run again: write hooks so that they may be\n"
      "repeated. Without on-message, messages stay on the bus.\n"
      "\n"
      "SIGHUP has agent.ini and client.ini read again; SIGTERM lets hooks that run come\n"
      "to their end."),
  .options = options,
  .run = run,
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-channel: an intake whose work is a hook. */

#include "sb-cli-channel.h"

#include "sb-cli-hook.h"
#include "sb-cli-intake.h"
#include "sb-cli-message.h"
#include "sb-cli-notify.h"

#define FIRST_PAUSE_SECONDS 1
#define LONGEST_PAUSE_SECONDS 300

/* Of those that failed and wait for another attempt; the oldest are let go first. */
#define MAX_KEPT 4096

struct _SbCliChannel
{
  SbCliHookKind kind;
  gboolean keeps;
  SbCliChannelDone done;
  SbCliChannelIdle idle;
  gpointer user_data;
  char *command; /* (owned) (nullable) */
  guint timeout;
  SbCliIntake *intake;     /* (owned) */
  GCancellable *running;   /* (owned) */
  GHashTable *environment; /* (owned) id → more variables */
  GQueue failed;           /* of SbClientMessage (owned) */
  guint pause;             /* seconds */
  guint timer;
  gboolean is_stopped;
};

typedef struct
{
  SbCliChannel *channel;
  SbClientMessage *message; /* (owned) */
} Run;

/* --- After a failure --- */

static gboolean
resume_cb (gpointer user_data)
{
  SbCliChannel *self = user_data;
  SbClientMessage *message;

  self->timer = 0;
  while ((message = g_queue_pop_head (&self->failed)) != NULL)
    {
      sb_cli_intake_offer (self->intake, message);
      sb_client_message_unref (message);
    }
  sb_cli_intake_set_paused (self->intake, FALSE);
  return G_SOURCE_REMOVE;
}

static void
pause_a_while (SbCliChannel *self)
{
  if (self->timer != 0 || self->is_stopped)
    return;
  self->pause = CLAMP (self->pause * 2, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS);
  sb_cli_intake_set_paused (self->intake, TRUE);
  self->timer = g_timeout_add_seconds (self->pause, resume_cb, self);
}

static void
keep (SbCliChannel *self, SbClientMessage *message)
{
  if (!self->keeps || self->is_stopped)
    return;
  g_queue_push_tail (&self->failed, sb_client_message_ref (message));
  if (g_queue_get_length (&self->failed) > MAX_KEPT)
    sb_client_message_unref (g_queue_pop_head (&self->failed));
}

/* --- Runs --- */

static void
log_failure (SbCliChannel *self, const char *id, const GError *error)
{
  g_autofree char *name = sb_cli_printable (id);

  sb_cli_log (G_LOG_LEVEL_WARNING, "%s for %s failed: %s", sb_cli_hook_kind_get_name (self->kind),
              name, error->message);
}

static void
ran_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Run *run = user_data;
  SbCliChannel *self = run->channel;
  g_autoptr (SbClientMessage) message = run->message;
  g_autoptr (GError) error = NULL;
  const char *id = sb_client_message_get_id (message);
  gboolean is_well = sb_cli_hook_run_finish (result, &error);

  if (is_well)
    {
      self->pause = 0;
      g_hash_table_remove (self->environment, id);
    }
  else
    {
      log_failure (self, id, error);
      pause_a_while (self);
      keep (self, message);
    }
  sb_cli_intake_done (self->intake, id, is_well);
  if (sb_cli_channel_is_idle (self))
    self->idle (self->user_data);
}

static void
work_cb (SbClientMessage *message, gpointer user_data)
{
  SbCliChannel *self = user_data;
  const char *const *more = g_hash_table_lookup (self->environment,
                                                 sb_client_message_get_id (message));
  g_auto (GStrv) environment = sb_cli_message_get_environment (message, more);
  SbCliHook hook = {
    .command = self->command,
    .input = sb_client_message_get_bytes (message),
    .environment = (const char *const *) environment,
    .timeout = self->timeout,
    .quiet_output = TRUE,
  };
  Run *run = g_new (Run, 1);

  run->channel = self;
  run->message = sb_client_message_ref (message);
  sb_cli_hook_run_async (&hook, self->running, ran_cb, run);
}

static void
confirm_cb (const char *id, gpointer user_data)
{
  SbCliChannel *self = user_data;

  self->done (id, self->user_data);
}

/* --- Public --- */

/**
 * sb_cli_channel_new:
 * @kind: of its hook
 * @keeps: what failed is kept here for another attempt; else the bus brings it again
 * @done: called for what was done, and when it comes again
 * @idle: called when no hook runs any more
 * @user_data: for both
 *
 * Returns: (transfer full): a channel without a hook
 */
SbCliChannel *
sb_cli_channel_new (SbCliHookKind kind, gboolean keeps, SbCliChannelDone done,
                    SbCliChannelIdle idle, gpointer user_data)
{
  SbCliChannel *self = g_new0 (SbCliChannel, 1);

  self->kind = kind;
  self->keeps = keeps;
  self->done = done;
  self->idle = idle;
  self->user_data = user_data;
  self->intake = sb_cli_intake_new (1, work_cb, confirm_cb, self);
  self->running = g_cancellable_new ();
  self->environment = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                             (GDestroyNotify) g_strfreev);
  g_queue_init (&self->failed);
  return self;
}

/**
 * sb_cli_channel_free:
 * @self: (transfer full): a channel in which nothing runs
 *
 * Frees it.
 */
void
sb_cli_channel_free (SbCliChannel *self)
{
  g_clear_handle_id (&self->timer, g_source_remove);
  g_queue_clear_full (&self->failed, (GDestroyNotify) sb_client_message_unref);
  sb_cli_intake_free (self->intake);
  g_hash_table_unref (self->environment);
  g_object_unref (self->running);
  g_free (self->command);
  g_free (self);
}

/**
 * sb_cli_channel_configure:
 * @self: a channel
 * @config: of the agent
 *
 * Sets hook, time-out and number at a time, from the next run on.
 */
void
sb_cli_channel_configure (SbCliChannel *self, const SbCliAgentConfig *config)
{
  g_free (self->command);
  self->command = g_strdup (config->hooks[self->kind]);
  self->timeout = config->timeout;
  self->pause = 0;
  if (self->timer != 0)
    {
      g_source_remove (self->timer);
      resume_cb (self);
    }
  sb_cli_intake_set_parallel (self->intake, config->parallel);
}

/**
 * sb_cli_channel_offer:
 * @self: a channel
 * @message: what came, perhaps not for the first time
 * @environment: (nullable): more variables for its hook, names and values in turn
 *
 * Runs the hook, in its turn. Without a hook nothing happens.
 */
void
sb_cli_channel_offer (SbCliChannel *self, SbClientMessage *message, const char *const *environment)
{
  const char *id = sb_client_message_get_id (message);

  if (self->command == NULL || self->is_stopped)
    return;
  if (environment != NULL)
    g_hash_table_insert (self->environment, g_strdup (id), g_strdupv ((char **) environment));
  if (!sb_cli_intake_offer (self->intake, message))
    g_hash_table_remove (self->environment, id);
}

/**
 * sb_cli_channel_stop:
 * @self: a channel
 *
 * Runs nothing more; what runs comes to its end.
 */
void
sb_cli_channel_stop (SbCliChannel *self)
{
  self->is_stopped = TRUE;
  g_clear_handle_id (&self->timer, g_source_remove);
  sb_cli_intake_stop (self->intake);
}

/**
 * sb_cli_channel_abandon:
 * @self: a channel
 *
 * Ends what runs, with all that it has started.
 */
void
sb_cli_channel_abandon (SbCliChannel *self)
{
  g_cancellable_cancel (self->running);
}

/**
 * sb_cli_channel_is_idle:
 * @self: a channel
 *
 * Returns: whether nothing runs or waits to be run
 */
gboolean
sb_cli_channel_is_idle (SbCliChannel *self)
{
  return sb_cli_intake_get_length (self->intake) == 0;
}

/**
 * sb_cli_channel_has_hook:
 * @self: a channel
 *
 * Returns: whether there is something to be run
 */
gboolean
sb_cli_channel_has_hook (SbCliChannel *self)
{
  return self->command != NULL;
}

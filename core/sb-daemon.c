/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-daemon: the graph of objects, built in order and taken down in reverse.
 *
 * Starting: configuration, plugins, folder and its lock, vault, store and journal,
 * accounts, bus, transports. It is ready when all transports listen. Draining:
 * the bus takes nothing new and closes its sessions, the transports finish the
 * requests they have and the outbound paths those that they made, until the
 * deadline; then the journal commits what is left and the store is closed, and
 * the vault removes the files that nobody needs any more.
 */

#include "sb-daemon.h"

#include "sb-accounts.h"
#include "sb-build.h"
#include "sb-bus-files.h"
#include "sb-bus.h"
#include "sb-config-keys.h"
#include "sb-data-dir.h"
#include "sb-delivery.h"
#include "sb-error.h"
#include "sb-log.h"
#include "sb-names.h"
#include "sb-notify.h"
#include "sb-operator.h"
#include "sb-plugin.h"
#include "sb-transport.h"
#include "sb-vault.h"

#include <unistd.h>

#define TOKEN_SECRET_BYTES 32

typedef enum
{
  STATE_NEW,
  STATE_READY,
  STATE_DRAINING,
  STATE_STOPPED,
} State;

struct _SbDaemon
{
  GObject parent_instance;

  char *config_file;  /* (owned) (nullable) */
  char **settings;    /* (owned) (nullable) */
  char **plugin_dirs; /* (owned) */
  State state;

  SbConfig *config;        /* (owned) */
  GPtrArray *plugin_infos; /* (owned) of SbPluginInfo: their keys are declared */
  SbRegistry *registry;    /* (owned) */
  GPtrArray *plugins;      /* (owned) of SbPlugin: those that are loaded */
  SbDataDir *data_dir;     /* (owned) (nullable) */
  SbClock *clock;          /* (owned) */
  SbMetrics *metrics;      /* (owned) */
  SbVault *vault;          /* (owned) (nullable) */
  SbJournal *journal;      /* (owned) (nullable) */
  SbPasswordPool *pool;    /* (owned) (nullable) */
  SbAccounts *accounts;    /* (owned) (nullable) */
  SbBus *bus;              /* (owned) (nullable) */
  GPtrArray *transports;   /* (owned) of SbTransport: those that listen */
  GSource *watchdog;       /* (owned) (nullable) */

  guint stopping;            /* transports, and the bus, that have not stopped yet */
  GCancellable *out_of_time; /* (owned) cancelled at the deadline of the stop */
  guint deadline;
};

G_DEFINE_FINAL_TYPE (SbDaemon, sb_daemon, G_TYPE_OBJECT)

static void
sb_daemon_finalize (GObject *object)
{
  SbDaemon *self = SB_DAEMON (object);

  g_clear_handle_id (&self->deadline, g_source_remove);
  g_ptr_array_unref (self->transports);
  g_clear_object (&self->bus);
  g_clear_object (&self->accounts);
  if (self->pool != NULL)
    sb_password_pool_close (self->pool);
  g_clear_object (&self->pool);
  g_clear_object (&self->journal);
  g_clear_object (&self->vault);
  g_clear_object (&self->metrics);
  g_clear_object (&self->clock);
  g_clear_pointer (&self->data_dir, sb_data_dir_close);
  g_ptr_array_unref (self->plugins);
  g_clear_object (&self->registry);
  g_clear_object (&self->config);
  g_clear_pointer (&self->plugin_infos, g_ptr_array_unref);
  g_object_unref (self->out_of_time);
  g_strfreev (self->plugin_dirs);
  g_strfreev (self->settings);
  g_free (self->config_file);
  G_OBJECT_CLASS (sb_daemon_parent_class)->finalize (object);
}

static void
sb_daemon_class_init (SbDaemonClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sb_daemon_finalize;

  /**
   * SbDaemon::stopped:
   *
   * Everything that was accepted is durable and nothing runs any more.
   */
  g_signal_new ("stopped", SB_TYPE_DAEMON, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
sb_daemon_init (SbDaemon *self)
{
  self->registry = sb_registry_new ();
  self->plugins = g_ptr_array_new_with_free_func (g_object_unref);
  self->transports = g_ptr_array_new_with_free_func (g_object_unref);
  self->clock = sb_clock_new ();
  self->metrics = sb_metrics_new ();
  self->out_of_time = g_cancellable_new ();
}

/**
 * sb_daemon_new:
 * @options: what the command line says
 *
 * Returns: (transfer full): a daemon that has done nothing yet
 */
SbDaemon *
sb_daemon_new (const SbDaemonOptions *options)
{
  SbDaemon *self = g_object_new (SB_TYPE_DAEMON, NULL);

  self->config_file = g_strdup (options->config_file);
  self->settings = g_strdupv ((char **) options->settings);
  self->plugin_dirs = sb_plugin_search_path (options->plugin_dirs);
  return self;
}

/* Configuration and plugins */

/* Declares the keys of every plugin that is there, loaded or not: a file may configure a store
 * that is not in use at the moment. */
static gboolean
declare_keys (SbDaemon *self, SbConfig *config, GError **error)
{
  if (!sb_config_declare (config, SB_CONFIG_GROUP_BUS, sb_bus_keys, sb_n_bus_keys, error))
    return FALSE;
  for (guint i = 0; i < self->plugin_infos->len; i++)
    {
      const SbPluginInfo *info = g_ptr_array_index (self->plugin_infos, i);

      if (info->error == NULL
          && !sb_config_declare (config, info->name, info->keys, info->n_keys, error))
        return FALSE;
    }
  return TRUE;
}

static SbConfig *
read_config (SbDaemon *self, GError **error)
{
  g_autoptr (SbConfig) config = sb_config_new ();

  if (self->config_file != NULL && !sb_config_load_file (config, self->config_file, error))
    return NULL;
  for (char **setting = self->settings; setting != NULL && *setting != NULL; setting++)
    if (!sb_config_set (config, *setting, error))
      return NULL;
  if (!declare_keys (self, config, error) || !sb_config_check (config, error))
    return NULL;
  return g_steal_pointer (&config);
}

static gboolean
load_plugin (SbDaemon *self, const char *kind, const char *name, GError **error)
{
  g_autofree char *module = g_strdup_printf ("%s-%s", kind, name);
  SbPlugin *plugin = sb_plugin_load (module, (const char *const *) self->plugin_dirs,
                                     self->registry, error);

  if (plugin == NULL)
    return FALSE;
  g_ptr_array_add (self->plugins, plugin);
  return TRUE;
}

static gboolean
load_list (SbDaemon *self, const char *kind, const char *key, GError **error)
{
  const char *const *names = sb_config_get_list (self->config, SB_CONFIG_GROUP_BUS, key);

  for (; *names != NULL; names++)
    if (!load_plugin (self, kind, *names, error))
      return FALSE;
  return TRUE;
}

/**
 * sb_daemon_load:
 * @self: a new daemon
 * @error: names file, group and key, or the plugin
 *
 * Reads the configuration and loads the plugins that it names. Nothing is
 * opened or written.
 *
 * Returns: whether the daemon could start
 */
gboolean
sb_daemon_load (SbDaemon *self, GError **error)
{
  const char *store;

  g_return_val_if_fail (SB_IS_DAEMON (self) && self->config == NULL, FALSE);

  self->plugin_infos = sb_plugin_list ((const char *const *) self->plugin_dirs);
  self->config = read_config (self, error);
  if (self->config == NULL)
    return FALSE;
  sb_log_set_level (sb_config_get_string (self->config, SB_CONFIG_GROUP_BUS, "log-level"));
  store = sb_config_get_string (self->config, SB_CONFIG_GROUP_BUS, "store");
  return load_plugin (self, "store", store, error)
         && load_list (self, "transport", "transports", error)
         && load_list (self, "delivery", "deliveries", error)
         && sb_registry_lookup (self->registry, SB_TYPE_STORE, store, error) != G_TYPE_INVALID;
}

/**
 * sb_daemon_get_config:
 * @self: a daemon that was loaded
 *
 * Returns: (transfer none): the configuration in force
 */
SbConfig *
sb_daemon_get_config (SbDaemon *self)
{
  return self->config;
}

/* Starting */

static gboolean
lock_data_dir (SbDaemon *self, GError **error)
{
  self->data_dir = sb_data_dir_open (
      sb_config_get_string (self->config, SB_CONFIG_GROUP_BUS, "data-dir"), error);
  return self->data_dir != NULL;
}

/* What a tool makes has to belong to the user of the bus. */
static gboolean
check_owner (SbDaemon *self, GError **error)
{
  return sb_data_dir_check_owner (
      sb_config_get_string (self->config, SB_CONFIG_GROUP_BUS, "data-dir"), error);
}

/* Before anything looks into the folder, what was interrupted there is brought to its end. */
static gboolean
open_data_dir (SbDaemon *self, GError **error)
{
  return lock_data_dir (self, error)
         && sb_restore_settle (sb_data_dir_get_path (self->data_dir), error);
}

static gboolean
open_vault (SbDaemon *self, GError **error)
{
  self->vault = sb_vault_new (
      sb_data_dir_get_path (self->data_dir),
      sb_config_get_size (self->config, SB_CONFIG_GROUP_BUS, "disk-reserve"), self->metrics);
  return sb_vault_open (self->vault, error);
}

static gboolean
open_journal (SbDaemon *self, GError **error)
{
  SbConfig *config = self->config;
  const char *name = sb_config_get_string (config, SB_CONFIG_GROUP_BUS, "store");
  GType type = sb_registry_lookup (self->registry, SB_TYPE_STORE, name, error);
  g_autoptr (SbStore) store = g_object_new (type, NULL);
  SbStoreOptions options = {
    .config = config,
    .data_dir = sb_data_dir_get_path (self->data_dir),
  };

  sb_config_read_store_limits (config, &options.limits);
  self->journal = sb_journal_new (
      store, sb_config_get_integer (config, SB_CONFIG_GROUP_BUS, "journal-backlog"),
      sb_config_get_size (config, SB_CONFIG_GROUP_BUS, "journal-backlog-bytes"), self->metrics);
  return sb_journal_open (self->journal, &options, error);
}

static gboolean
open_accounts (SbDaemon *self, GError **error)
{
  g_autoptr (GBytes) secret = sb_data_dir_read_secret (self->data_dir, SB_TOKEN_SECRET_FILE,
                                                       TOKEN_SECRET_BYTES, error);
  g_autoptr (SbAuthenticator) authenticator = NULL;

  if (secret == NULL)
    return FALSE;
  self->pool = sb_password_pool_new ();
  authenticator = sb_authenticator_new (self->pool, self->clock, secret);
  self->accounts = sb_accounts_new (self->config, self->journal, self->pool, authenticator,
                                    self->clock);
  return sb_accounts_load (self->accounts, error);
}

static gboolean
start_bus (SbDaemon *self, GError **error)
{
  if (!open_accounts (self, error))
    return FALSE;
  self->bus = sb_bus_new (self->config, self->journal, self->accounts, self->clock, self->metrics);
  sb_bus_set_registry (self->bus, self->registry);
  sb_bus_set_vault (self->bus, self->vault);
  sb_bus_set_plugins (self->bus, self->plugin_infos, self->plugins);
  return sb_bus_start (self->bus, error);
}

static gboolean
start_transports (SbDaemon *self, GError **error)
{
  const char *const *names = sb_config_get_list (self->config, SB_CONFIG_GROUP_BUS, "transports");

  for (; *names != NULL; names++)
    {
      GType type = sb_registry_lookup (self->registry, SB_TYPE_TRANSPORT, *names, error);
      g_autoptr (SbTransport) transport = NULL;

      if (type == G_TYPE_INVALID)
        return FALSE;
      transport = g_object_new (type, NULL);
      if (!sb_transport_start (transport, self->bus, error))
        return FALSE;
      g_ptr_array_add (self->transports, g_steal_pointer (&transport));
    }
  return TRUE;
}

/* Gives back what a start that failed has taken. */
static void
undo_start (SbDaemon *self)
{
  g_ptr_array_set_size (self->transports, 0);
  if (self->bus != NULL)
    sb_bus_stop (self->bus);
  if (self->journal != NULL && sb_journal_is_open (self->journal))
    sb_journal_close (self->journal);
  if (self->vault != NULL)
    sb_vault_close (self->vault);
}

static void
announce_ready (SbDaemon *self)
{
  g_autofree char *addresses = sb_daemon_describe (self);

  sb_notify_ready (addresses);
  self->watchdog = sb_notify_watchdog_start (NULL);
  g_log_structured (SB_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE_ID", SB_MESSAGE_ID_START,
                    "MESSAGE", "simplebus %s is ready: %s, data in %s", SB_VERSION, addresses,
                    sb_data_dir_get_path (self->data_dir));
}

/**
 * sb_daemon_check_files:
 * @self: a daemon that was loaded and is not started
 * @func: told of each file that waits
 * @user_data: for @func
 * @error: SB_ERROR_BUSY when a bus runs on that folder; what could not be opened
 *
 * Reads all files that wait. Blocks for as long as that takes.
 *
 * Returns: whether all were looked at, whatever was found
 */
gboolean
sb_daemon_check_files (SbDaemon *self, SbCheckFunc func, gpointer user_data, GError **error)
{
  gboolean checked;

  g_return_val_if_fail (SB_IS_DAEMON (self) && self->config != NULL, FALSE);

  checked = open_data_dir (self, error) && open_vault (self, error) && open_journal (self, error)
            && sb_check_files (self->journal, self->vault, func, user_data, error);
  undo_start (self);
  return checked;
}

/* The folder, its lock, the store and the users, as the bus would open them. */
static gboolean
open_for_tool (SbDaemon *self, GError **error)
{
  return check_owner (self, error) && open_data_dir (self, error) && open_journal (self, error)
         && open_accounts (self, error);
}

/* In the order in which nothing is lost, so that it could be opened again. */
static void
close_for_tool (SbDaemon *self)
{
  if (self->pool != NULL)
    sb_password_pool_close (self->pool);
  undo_start (self);
  g_clear_object (&self->accounts);
  g_clear_object (&self->pool);
  g_clear_object (&self->journal);
  g_clear_pointer (&self->data_dir, sb_data_dir_close);
}

/**
 * sb_daemon_use_accounts:
 * @self: a daemon that was loaded and is not started
 * @func: (scope call): what to do with them
 * @user_data: for @func
 * @error: SB_ERROR_BUSY when a bus runs on that folder; SB_ERROR_FORBIDDEN when the folder is
 *   another user's; what could not be opened; or @func's
 *
 * Opens the users of the bus and closes them again. Blocks. May be repeated.
 *
 * Returns: whether that went well and @func did
 */
gboolean
sb_daemon_use_accounts (SbDaemon *self, SbDaemonAccountsFunc func, gpointer user_data,
                        GError **error)
{
  gboolean done;

  g_return_val_if_fail (SB_IS_DAEMON (self) && self->config != NULL, FALSE);

  done = open_for_tool (self, error) && func (self->accounts, user_data, error);
  close_for_tool (self);
  return done;
}

/**
 * sb_daemon_restore:
 * @self: a daemon that was loaded and is not started
 * @path: (type filename): of a backup; "-" is the standard input
 * @report: (out caller-allocates): all zeros; what was restored
 * @error: SB_ERROR_BUSY when a bus runs on that folder; SB_ERROR_FORBIDDEN when the folder is
 *   another user's; as of sb_restore_run()
 *
 * Makes a data folder of a backup. Blocks for as long as that takes.
 *
 * Returns: whether a bus can start on it
 */
gboolean
sb_daemon_restore (SbDaemon *self, const char *path, SbRestoreReport *report, GError **error)
{
  gboolean restored;
  int fd;

  g_return_val_if_fail (SB_IS_DAEMON (self) && self->config != NULL, FALSE);

  fd = sb_restore_open (path, error);
  if (fd < 0)
    return FALSE;
  restored = check_owner (self, error) && lock_data_dir (self, error)
             && sb_restore_run (self->config, self->registry, sb_data_dir_get_path (self->data_dir),
                                fd, report, error);
  close (fd);
  return restored;
}

/**
 * sb_daemon_start:
 * @self: a daemon that was loaded
 * @error: what could not be opened, and what to do
 *
 * Returns: whether clients can connect
 */
gboolean
sb_daemon_start (SbDaemon *self, GError **error)
{
  g_return_val_if_fail (SB_IS_DAEMON (self) && self->config != NULL, FALSE);

  if (!open_data_dir (self, error))
    return FALSE;
  if (!open_vault (self, error) || !open_journal (self, error) || !start_bus (self, error)
      || !start_transports (self, error))
    {
      undo_start (self);
      return FALSE;
    }
  self->state = STATE_READY;
  announce_ready (self);
  return TRUE;
}

/**
 * sb_daemon_describe:
 * @self: a started daemon
 *
 * Returns: (transfer full): where it listens, `name=host:port` words
 */
char *
sb_daemon_describe (SbDaemon *self)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < self->transports->len; i++)
    {
      g_autofree char *addresses = sb_transport_describe (g_ptr_array_index (self->transports, i));

      if (addresses == NULL)
        continue;
      if (text->len > 0)
        g_string_append_c (text, ' ');
      g_string_append (text, addresses);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/**
 * sb_daemon_get_setup_code:
 * @self: a started daemon
 *
 * Returns: (transfer none) (nullable): what the first user needs when it signs up from outside
 */
const char *
sb_daemon_get_setup_code (SbDaemon *self)
{
  return sb_accounts_get_setup_code (self->accounts);
}

/* Reloading */

static void
log_change (const SbConfigChange *change)
{
  g_log_structured (SB_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE_ID", SB_MESSAGE_ID_RELOAD,
                    "MESSAGE", "%s: %s → %s%s", change->name,
                    change->before != NULL ? change->before : "(not there)",
                    change->after != NULL ? change->after : "(not there)",
                    change->is_reloadable ? "" : "; it takes a restart to come into force");
}

/* Returns: (transfer full) (nullable): a configuration that may come into force. */
static SbConfig *
read_good_config (SbDaemon *self, GError **error)
{
  g_autoptr (SbConfig) config = read_config (self, error);

  for (guint i = 0; config != NULL && i < self->transports->len; i++)
    if (!sb_transport_check (g_ptr_array_index (self->transports, i), config, error))
      return NULL;
  return g_steal_pointer (&config);
}

static void
bring_into_force (SbDaemon *self, SbConfig *config)
{
  g_autoptr (GPtrArray) changes = sb_config_diff (self->config, config);

  sb_config_take_over (self->config, config);
  sb_log_set_level (sb_config_get_string (self->config, SB_CONFIG_GROUP_BUS, "log-level"));
  for (guint i = 0; i < changes->len; i++)
    log_change (g_ptr_array_index (changes, i));
  for (guint i = 0; i < self->transports->len; i++)
    {
      g_autoptr (GError) error = NULL;

      if (!sb_transport_reload (g_ptr_array_index (self->transports, i), &error))
        g_warning ("%s", error->message);
    }
}

/**
 * sb_daemon_reload:
 * @self: a started daemon
 *
 * Reads the configuration again. What may change while the bus runs changes;
 * the rest is named in the log. A faulty file changes nothing.
 */
void
sb_daemon_reload (SbDaemon *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SbConfig) config = NULL;
  g_autofree char *addresses = NULL;

  if (self->state != STATE_READY)
    return;
  sb_notify_reloading ();
  config = read_good_config (self, &error);
  if (config != NULL)
    {
      bring_into_force (self, config);
      g_log_structured (SB_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE_ID", SB_MESSAGE_ID_RELOAD,
                        "MESSAGE", "reloaded");
    }
  else
    g_log_structured (SB_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE_ID", SB_MESSAGE_ID_RELOAD,
                      "MESSAGE", "the configuration stays as it was: %s", error->message);
  addresses = sb_daemon_describe (self);
  sb_notify_ready (addresses);
}

/* Stopping */

static void
finish_stop (SbDaemon *self)
{
  g_clear_handle_id (&self->deadline, g_source_remove);
  sb_password_pool_close (self->pool);
  /* What it commits last may let go of files. */
  sb_journal_close (self->journal);
  sb_vault_close (self->vault);
  if (self->watchdog != NULL)
    g_source_destroy (self->watchdog);
  g_clear_pointer (&self->watchdog, g_source_unref);
  self->state = STATE_STOPPED;
  g_log_structured (SB_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE_ID", SB_MESSAGE_ID_STOP, "MESSAGE",
                    "simplebus has stopped");
  g_signal_emit_by_name (self, "stopped");
}

static void
bus_drained_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbDaemon) self = user_data;

  sb_bus_drain_finish (SB_BUS (source), result);
  if (--self->stopping == 0)
    finish_stop (self);
}

static void
transport_stopped_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbDaemon) self = user_data;
  g_autoptr (GError) error = NULL;

  if (!sb_transport_stop_finish (SB_TRANSPORT (source), result, &error))
    g_warning ("not everything could be finished: %s",
               error != NULL ? error->message : "no time left");
  if (--self->stopping == 0)
    finish_stop (self);
}

static gboolean
deadline_cb (gpointer user_data)
{
  SbDaemon *self = user_data;

  self->deadline = 0;
  g_cancellable_cancel (self->out_of_time);
  return G_SOURCE_REMOVE;
}

/**
 * sb_daemon_stop:
 * @self: a started daemon
 *
 * Begins to drain; SbDaemon::stopped tells when it is over, at the latest
 * shortly after `stop-timeout`. A second call stops at once.
 */
void
sb_daemon_stop (SbDaemon *self)
{
  if (self->state == STATE_DRAINING)
    g_cancellable_cancel (self->out_of_time);
  if (self->state != STATE_READY)
    return;
  self->state = STATE_DRAINING;
  sb_notify_stopping ();
  self->deadline = g_timeout_add (
      sb_config_get_duration_ms (self->config, SB_CONFIG_GROUP_BUS, "stop-timeout"), deadline_cb,
      self);
  sb_bus_stop (self->bus);
  self->stopping = self->transports->len + 1;
  for (guint i = 0; i < self->transports->len; i++)
    sb_transport_stop_async (g_ptr_array_index (self->transports, i), self->out_of_time,
                             transport_stopped_cb, g_object_ref (self));
  sb_bus_drain_async (self->bus, self->out_of_time, bus_drained_cb, g_object_ref (self));
}

/**
 * sb_daemon_is_stopped:
 * @self: a daemon
 *
 * Returns: whether nothing of it runs any more
 */
gboolean
sb_daemon_is_stopped (SbDaemon *self)
{
  return self->state == STATE_STOPPED;
}

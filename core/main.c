/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* main: options, signals, loop, exit status of simplebusd. It knows nothing of messages. */

#include "sb-admin-tool.h"
#include "sb-build.h"
#include "sb-config-keys.h"
#include "sb-daemon.h"
#include "sb-error.h"
#include "sb-log.h"
#include "sb-names.h"
#include "sb-plugin.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <locale.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static char *config_file;
static char **settings;
static char *data_dir;
static char *plugin_dirs;
static char *add_admin;
static char *import_users;
static gboolean check_config;
static gboolean check_files;
static char *restore_file;
static char *verify_file;
static gboolean list_plugins;
static gboolean list_keys;
static gboolean print_ports;
static gboolean print_version;

static const GOptionEntry entries[] = {
  { "config", 'c', 0, G_OPTION_ARG_FILENAME, &config_file, N_ ("Read this configuration"), "FILE" },
  { "set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &settings,
    N_ ("Set a key, over the configuration; may be repeated"), "GROUP.KEY=VALUE" },
  { "data-dir", 0, 0, G_OPTION_ARG_FILENAME, &data_dir, N_ ("Keep everything in this folder"),
    "DIR" },
  { "plugin-dir", 0, 0, G_OPTION_ARG_FILENAME, &plugin_dirs,
    N_ ("Look for plugins here first; several folders are separated by colons"), "DIR" },
  { "add-admin", 0, 0, G_OPTION_ARG_STRING, &add_admin,
    N_ ("Make an admin, then exit; its password is asked for, or read from standard input"),
    "NAME" },
  { "import-users", 0, 0, G_OPTION_ARG_FILENAME, &import_users,
    N_ ("Make and change the users of a JSON file (-: standard input), then exit"), "FILE" },
  { "check-config", 0, 0, G_OPTION_ARG_NONE, &check_config,
    N_ ("Check the configuration and its plugins, then exit"), NULL },
  { "check-files", 0, 0, G_OPTION_ARG_NONE, &check_files,
    N_ ("Read all files that wait to be fetched, name those that are damaged, then exit"), NULL },
  { "restore", 0, 0, G_OPTION_ARG_FILENAME, &restore_file,
    N_ ("Make an empty data folder what it was when this backup was made (-: standard input), "
        "then exit"),
    "FILE" },
  { "verify-backup", 0, 0, G_OPTION_ARG_FILENAME, &verify_file,
    N_ ("Read a backup (-: standard input), say whether it is whole, then exit"), "FILE" },
  { "list-plugins", 0, 0, G_OPTION_ARG_NONE, &list_plugins, N_ ("List the plugins, then exit"),
    NULL },
  { "list-keys", 0, 0, G_OPTION_ARG_NONE, &list_keys,
    N_ ("List all keys of the configuration with their values in force, then exit"), NULL },
  { "print-ports", 0, 0, G_OPTION_ARG_NONE, &print_ports,
    N_ ("Print where it listens, once it does"), NULL },
  { "version", 0, 0, G_OPTION_ARG_NONE, &print_version, N_ ("Print the version, then exit"), NULL },
  G_OPTION_ENTRY_NULL,
};

static int
fail (const GError *error)
{
  g_printerr ("simplebusd: %s\n", error->message);
  return EXIT_FAILURE;
}

/* Under systemd it is found like all else that the bus says. */
static int
refuse_start (const GError *error)
{
  if (!g_log_writer_is_journald (STDERR_FILENO))
    return fail (error);
  g_log_structured (SB_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL, "MESSAGE_ID", SB_MESSAGE_ID_START_REFUSED,
                    SB_LOG_FIELD_REASON, sb_error_reason (error), "MESSAGE",
                    "simplebus cannot start: %s", error->message);
  return EXIT_FAILURE;
}

/* Every socket is a descriptor; the soft limit is often only 1,024. */
static void
raise_descriptor_limit (void)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) != 0)
    return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit (RLIMIT_NOFILE, &limit);
}

/* Memory that a burst needed is needed again by the next one; without this every turn of the
 * loop gives some back to the kernel and asks for it again. */
static void
keep_some_memory (void)
{
#ifdef __GLIBC__
  mallopt (M_TRIM_THRESHOLD, 4 * 1024 * 1024);
  mallopt (M_MMAP_THRESHOLD, 1024 * 1024);
  mallopt (M_TOP_PAD, 256 * 1024);
#endif
}

static void
add_setting (const char *key, const char *value)
{
  guint n = settings != NULL ? g_strv_length (settings) : 0;

  settings = g_renew (char *, settings, n + 2);
  settings[n] = g_strdup_printf ("%s.%s=%s", SB_CONFIG_GROUP_BUS, key, value);
  settings[n + 1] = NULL;
}

/* The option, else what systemd made for us, else the configuration. */
static void
choose_data_dir (void)
{
  const char *state = g_getenv ("STATE_DIRECTORY");

  if (data_dir != NULL)
    add_setting ("data-dir", data_dir);
  else if (state != NULL && config_file == NULL)
    add_setting ("data-dir", state);
}

static void
choose_config_file (void)
{
  g_autofree char *usual = g_build_filename (SB_SYSCONF_DIR, "simplebus", SB_CONFIG_FILE_NAME,
                                             NULL);

  if (config_file == NULL && g_file_test (usual, G_FILE_TEST_EXISTS))
    config_file = g_steal_pointer (&usual);
}

static int
show_plugins (void)
{
  g_auto (GStrv) dirs = sb_plugin_search_path (plugin_dirs);
  g_autoptr (GPtrArray) infos = sb_plugin_list ((const char *const *) dirs);

  for (guint i = 0; i < infos->len; i++)
    {
      const SbPluginInfo *info = g_ptr_array_index (infos, i);

      if (info->error != NULL)
        g_print ("%-20s %s\n", info->name, info->error->message);
      else
        g_print ("%-20s %-8s %s\n", info->name, info->version, info->description);
    }
  return EXIT_SUCCESS;
}

static void
show_key (const char *group, const SbConfigKey *key, const char *value, SbConfigOrigin origin,
          gpointer data)
{
  g_print ("%s.%s=%s\t%s\t%s\t%s\n", group, key->name, value, sb_config_origin_to_string (origin),
           key->flags & SB_CONFIG_RELOADABLE ? "reload" : "restart", key->summary);
}

typedef struct
{
  guint n_good;
  guint n_faulty;
} FileCount;

static void
show_file (const SbFile *file, const GError *fault, gpointer data)
{
  FileCount *count = data;

  if (fault == NULL)
    count->n_good++;
  else
    {
      count->n_faulty++;
      g_print ("%s\t%s\n", file->name, fault->message);
    }
}

/* While no bus runs on that folder. */
static int
run_file_check (SbDaemon *daemon)
{
  FileCount count = { 0, 0 };
  g_autoptr (GError) error = NULL;

  if (!sb_daemon_check_files (daemon, show_file, &count, &error))
    return fail (error);
  g_print (_ ("%u files are whole, %u are damaged or missing.\n"), count.n_good, count.n_faulty);
  return count.n_faulty == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void
show_backup (const SbRestoreReport *report)
{
  g_autoptr (GDateTime) created = g_date_time_new_from_unix_local (report->created
                                                                   / G_USEC_PER_SEC);
  g_autofree char *time = g_date_time_format (created, "%F %T %z");
  g_autofree char *size = g_format_size (report->bytes);

  g_print (_ ("The backup was made on %s by simplebus %s; it holds %u files, %s in all.\n"), time,
           report->version, report->n_files, size);
  if (report->n_damaged > 0)
    g_print (_ ("%u files were damaged or missing when it was made.\n"), report->n_damaged);
}

static int
run_verify (void)
{
  g_auto (SbRestoreReport) report = { 0 };
  g_autoptr (GError) error = NULL;
  int fd = sb_restore_open (verify_file, &error);
  gboolean is_good = fd >= 0 && sb_restore_verify (fd, &report, &error);

  if (fd >= 0)
    close (fd);
  if (!is_good)
    return fail (error);
  show_backup (&report);
  g_print (_ ("All of it is whole.\n"));
  return EXIT_SUCCESS;
}

static int
run_restore (SbDaemon *daemon)
{
  g_auto (SbRestoreReport) report = { 0 };
  g_autoptr (GError) error = NULL;

  if (!sb_daemon_restore (daemon, restore_file, &report, &error))
    return fail (error);
  show_backup (&report);
  g_print (_ ("Restored: %u users, %u deliveries that wait, %u files.\n"), report.n_users,
           (guint) report.n_waiting, report.n_files);
  return EXIT_SUCCESS;
}

static gboolean
stop_signal_cb (gpointer daemon)
{
  sb_daemon_stop (daemon);
  return G_SOURCE_CONTINUE;
}

static gboolean
reload_signal_cb (gpointer daemon)
{
  sb_daemon_reload (daemon);
  return G_SOURCE_CONTINUE;
}

static void
greet (SbDaemon *daemon)
{
  g_autofree char *addresses = sb_daemon_describe (daemon);

  if (print_ports)
    g_print ("%s\n", addresses);
  if (sb_daemon_get_setup_code (daemon) != NULL)
    g_message (
        "there is no user yet: open /signup; from a public address it asks for the set-up code %s",
        sb_daemon_get_setup_code (daemon));
}

static int
run (SbDaemon *daemon)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GError) error = NULL;

  raise_descriptor_limit ();
  keep_some_memory ();
  g_signal_connect_swapped (daemon, "stopped", G_CALLBACK (g_main_loop_quit), loop);
  if (!sb_daemon_start (daemon, &error))
    return refuse_start (error);
  g_unix_signal_add (SIGTERM, stop_signal_cb, daemon);
  g_unix_signal_add (SIGINT, stop_signal_cb, daemon);
  g_unix_signal_add (SIGHUP, reload_signal_cb, daemon);
  greet (daemon);
  if (!sb_daemon_is_stopped (daemon))
    g_main_loop_run (loop);
  return EXIT_SUCCESS;
}

int
main (int argc, char *argv[])
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (SbDaemon) daemon = NULL;
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, SB_LOCALE_DIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  g_option_context_set_summary (context, _ ("The message bus between devices and back offices."));
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    return fail (error);
  if (print_version)
    {
      g_print ("simplebusd %s\n", SB_VERSION);
      return EXIT_SUCCESS;
    }
  if (list_plugins)
    return show_plugins ();
  if (verify_file != NULL)
    return run_verify ();

  sb_log_init ();
  /* A file at its limit is an error of the one who writes it, not the end of the program. */
  signal (SIGXFSZ, SIG_IGN);
  choose_config_file ();
  choose_data_dir ();
  daemon = sb_daemon_new (
      &(SbDaemonOptions) { config_file, (const char *const *) settings, plugin_dirs });
  if (!sb_daemon_load (daemon, &error))
    return fail (error);
  if (list_keys)
    sb_config_foreach (sb_daemon_get_config (daemon), show_key, NULL);
  if (check_config)
    g_print (_ ("The configuration is good.\n"));
  if (list_keys || check_config)
    return EXIT_SUCCESS;
  if (check_files)
    return run_file_check (daemon);
  if (add_admin != NULL)
    return sb_admin_tool_add_admin (daemon, add_admin);
  if (import_users != NULL)
    return sb_admin_tool_import_users (daemon, import_users);
  if (restore_file != NULL)
    return run_restore (daemon);
  return run (daemon);
}

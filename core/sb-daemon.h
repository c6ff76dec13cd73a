/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-daemon: builds the bus from its configuration and takes it down again.
 * starting → ready → draining → stopped.
 */
#pragma once

#include <gio/gio.h>

#include "sb-accounts.h"
#include "sb-bus-files.h"
#include "sb-config.h"
#include "sb-restore.h"

G_BEGIN_DECLS

#define SB_TYPE_DAEMON (sb_daemon_get_type ())
G_DECLARE_FINAL_TYPE (SbDaemon, sb_daemon, SB, DAEMON, GObject)

/**
 * SbDaemonOptions:
 * @config_file: (nullable): path of simplebus.ini
 * @settings: (nullable) (array zero-terminated=1): `group.key=value`, over the file
 * @plugin_dirs: (nullable): folders separated by colons, before the usual ones
 *
 * What the command line says. Copied.
 */
typedef struct
{
  const char *config_file;
  const char *const *settings;
  const char *plugin_dirs;
} SbDaemonOptions;

/**
 * SbDaemonAccountsFunc:
 * @accounts: all users that are stored; changes are committed by iterating the main context
 * @user_data: what was given along
 * @error: why not
 *
 * What a tool does with the users while no bus runs.
 *
 * Returns: whether it could
 */
typedef gboolean (*SbDaemonAccountsFunc) (SbAccounts *accounts, gpointer user_data, GError **error);

SbDaemon *sb_daemon_new (const SbDaemonOptions *options);
gboolean sb_daemon_load (SbDaemon *self, GError **error);
SbConfig *sb_daemon_get_config (SbDaemon *self);
gboolean sb_daemon_check_files (SbDaemon *self, SbCheckFunc func, gpointer user_data,
                                GError **error);
gboolean sb_daemon_use_accounts (SbDaemon *self, SbDaemonAccountsFunc func, gpointer user_data,
                                 GError **error);
gboolean sb_daemon_restore (SbDaemon *self, const char *path, SbRestoreReport *report,
                            GError **error);
gboolean sb_daemon_start (SbDaemon *self, GError **error);
char *sb_daemon_describe (SbDaemon *self);
const char *sb_daemon_get_setup_code (SbDaemon *self);
void sb_daemon_reload (SbDaemon *self);
void sb_daemon_stop (SbDaemon *self);
gboolean sb_daemon_is_stopped (SbDaemon *self);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-hook: runs a command of the user for a message. What comes from the network reaches it by
 * its standard input and its environment, never as words of a command line.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * SbCliHook:
 * @command: for `sh -c`
 * @input: (nullable): what it reads from standard input
 * @environment: (nullable): names and values in turn, %NULL at the end
 * @timeout: seconds it may take; 0: any
 * @quiet_output: its standard output goes where its standard error goes
 *
 * A run of a command. All of it is copied by sb_cli_hook_run_async().
 */
typedef struct
{
  const char *command;
  GBytes *input;
  const char *const *environment;
  guint timeout;
  gboolean quiet_output;
} SbCliHook;

/* @cancellable: ends it, with all that it has started in its process group */
void sb_cli_hook_run_async (const SbCliHook *hook, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data);
/* Returns: whether it ended with status 0; else the error says how */
gboolean sb_cli_hook_run_finish (GAsyncResult *result, GError **error);

G_END_DECLS

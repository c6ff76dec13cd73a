/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-admin-tool: what simplebusd does to the users of a bus that does not run: `--add-admin` and
 * `--import-users`. Each returns the exit status of the process.
 */
#pragma once

#include "sb-daemon.h"

G_BEGIN_DECLS

/* Beside EXIT_SUCCESS and EXIT_FAILURE. */
#define SB_EXIT_TAKEN 2 /* there is such a user */
#define SB_EXIT_BUSY 3  /* a bus runs on the folder */

int sb_admin_tool_add_admin (SbDaemon *daemon, const char *name);
int sb_admin_tool_import_users (SbDaemon *daemon, const char *path);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-notify: what a service manager wants to know. Without one, nothing happens. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @state: assignments as in sd_notify(3) */
void sb_cli_notify (const char *state);
/* How it stands, in a line for people. */
void sb_cli_notify_status (const char *format, ...) G_GNUC_PRINTF (1, 2);
/* Shows that the main loop turns, as often as the service manager asks for. Returns: a source; 0:
 * it does not ask */
guint sb_cli_notify_watchdog (void);
/* Lines on standard error go to the journal with their priority from now on, if that is where they
 * go at all. */
void sb_cli_notify_use_journal (void);

/* A line of the log. */
void sb_cli_log (GLogLevelFlags level, const char *format, ...) G_GNUC_PRINTF (2, 3);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-notify: what a service tells its manager, and the sockets it gets from it.
 * sd_notify(3) and sd_listen_fds(3) without the library.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

gboolean sb_notify (const char *state);
gboolean sb_notify_ready (const char *status);
gboolean sb_notify_reloading (void);
gboolean sb_notify_stopping (void);
gboolean sb_notify_status (const char *format, ...) G_GNUC_PRINTF (1, 2);

guint sb_notify_watchdog_ms (void);
GSource *sb_notify_watchdog_start (GMainContext *context);

GArray *sb_notify_listen_fds (char ***names);

G_END_DECLS

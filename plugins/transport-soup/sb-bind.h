/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-bind: listening sockets of TCP, by address or name, or as socket activation gives them.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

GPtrArray *sb_bind (const char *host, guint16 port, GError **error);
GSocket *sb_bind_adopt (int fd, GError **error);
guint16 sb_bind_get_port (GSocket *socket);

G_END_DECLS

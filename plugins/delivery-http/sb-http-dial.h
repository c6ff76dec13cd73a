/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-http-dial: the way from a host's name to a connected socket. */
#pragma once

#include "sb-http-client.h"

G_BEGIN_DECLS

typedef struct _SbHttpDial SbHttpDial;

/**
 * SbHttpDialFunc:
 * @fd: (transfer full): a socket that is connected and does not block; -1: there is none
 * @error: (nullable): why
 * @user_data: as given to sb_http_dial_new()
 *
 * Called once, from the main loop; frees the dial.
 */
typedef void (*SbHttpDialFunc) (int fd, const GError *error, gpointer user_data);

SbHttpDial *sb_http_dial_new (SbHttpClient *client, const char *host, guint16 port, gint64 deadline,
                              SbHttpDialFunc func, gpointer user_data);
void sb_http_dial_free (SbHttpDial *self);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-http-wire: bytes to and from a recipient, plain or over TLS, without blocking. */
#pragma once

#include "sb-http-client.h"

#include <sys/uio.h>

G_BEGIN_DECLS

/* Nothing goes at the moment; sb_http_wire_write() and sb_http_wire_read() return it. */
#define SB_HTTP_WIRE_BLOCKED (-2)

typedef struct _SbHttpWire SbHttpWire;

/**
 * SbHttpWireFunc:
 * @is_readable: there is something to read, or the wire has failed; else it can be written to
 * @user_data: as given to sb_http_wire_new()
 *
 * Called from the main loop, and may free the wire.
 */
typedef void (*SbHttpWireFunc) (gboolean is_readable, gpointer user_data);

SbHttpWire *sb_http_wire_new (SbHttpClient *client, int fd, const char *tls_host, guint16 port,
                              SbHttpWireFunc func, gpointer user_data, GError **error);
void sb_http_wire_free (SbHttpWire *self);
gboolean sb_http_wire_is_tls (SbHttpWire *self);
gssize sb_http_wire_write (SbHttpWire *self, const struct iovec *parts, guint n_parts,
                           GError **error);
gssize sb_http_wire_read (SbHttpWire *self, char *data, gsize length, GError **error);
void sb_http_wire_set_wait (SbHttpWire *self, SbHttpWait wait);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-socket: one WebSocket connection to a bus, from the name look-up to its end. It is used
 * once; who wants another one makes another one.
 */
#pragma once

#include "sb-client-frame.h"
#include "sb-client-private.h"

G_BEGIN_DECLS

typedef struct _SbClientSocket SbClientSocket;

/**
 * SbClientSocketFuncs:
 * @opened: the handshake is done; frames may be sent
 * @message: a message came; @data is not terminated and valid until this returns
 * @pong: the answer to a ping with @mark came
 * @writable: what waits to be written is below its bound again
 * @closed: it is over, for @error, or with the bus's @code and @reason; nothing comes after it
 *
 * What the owner hears, always from the main loop. Each may free the socket.
 */
typedef struct
{
  void (*opened) (gpointer user_data);
  void (*message) (const char *data, gsize length, gpointer user_data);
  void (*pong) (guint64 mark, gpointer user_data);
  void (*writable) (gpointer user_data);
  void (*closed) (guint code, const char *reason, const GError *error, gpointer user_data);
} SbClientSocketFuncs;

/* Begins to connect. @client: not owned. @error: the address is none */
SbClientSocket *sb_client_socket_new (SbClient *client, const SbClientSocketFuncs *funcs,
                                      gpointer user_data, GError **error);
/* Cuts it off, if it is still there; nothing is heard any more. */
void sb_client_socket_free (SbClientSocket *self);
/* Says good-bye behind all that was sent, and is closed when the bus has answered, or soon. */
void sb_client_socket_close (SbClientSocket *self);

void sb_client_socket_send (SbClientSocket *self, const char *data, gsize length);
void sb_client_socket_ping (SbClientSocket *self, guint64 mark);
/* Bytes that wait to be written. */
gsize sb_client_socket_get_queued (SbClientSocket *self);
/* Expects a sign of life within so many milliseconds. */
void sb_client_socket_probe (SbClientSocket *self, guint ms);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-client-session: the WebSocket of a client: log-in, frames both ways, reconnecting. */
#pragma once

#include "sb-client-private.h"

G_BEGIN_DECLS

/* @client: not owned; it owns the session and frees it first. */
SbClientSession *sb_client_session_new (SbClient *client);
void sb_client_session_free (SbClientSession *self);

void sb_client_session_connect_async (SbClientSession *self, GCancellable *cancellable,
                                      GAsyncReadyCallback callback, gpointer user_data);
gboolean sb_client_session_connect_finish (SbClientSession *self, GAsyncResult *result,
                                           GError **error);
void sb_client_session_close_async (SbClientSession *self, GAsyncReadyCallback callback,
                                    gpointer user_data);
gboolean sb_client_session_close_finish (SbClientSession *self, GAsyncResult *result,
                                         GError **error);

gboolean sb_client_session_is_open (SbClientSession *self);
/* Whether what waits to be written is below its bound. */
gboolean sb_client_session_can_send (SbClientSession *self);
void sb_client_session_send (SbClientSession *self, const char *json, gsize length);
void sb_client_session_confirm (SbClientSession *self, const char *id);

G_END_DECLS

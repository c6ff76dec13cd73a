/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-client: a user of a SimpleBus. */
#pragma once

#include "sb-client-draft.h"
#include "sb-client-message.h"
#include "sb-client-transfer.h"

G_BEGIN_DECLS

/**
 * SbClientState:
 * @SB_CLIENT_STATE_CLOSED: there is no session, and none is sought
 * @SB_CLIENT_STATE_CONNECTING: a connection is made, or the log-in is under way
 * @SB_CLIENT_STATE_CONNECTED: the session is open
 * @SB_CLIENT_STATE_WAITING: it broke or could not be had; the next attempt comes in a while
 *
 * How it stands with the session.
 */
typedef enum
{
  SB_CLIENT_STATE_CLOSED,
  SB_CLIENT_STATE_CONNECTING,
  SB_CLIENT_STATE_CONNECTED,
  SB_CLIENT_STATE_WAITING,
} SbClientState;

#define SB_TYPE_CLIENT (sb_client_get_type ())
SB_CLIENT_API
G_DECLARE_FINAL_TYPE (SbClient, sb_client, SB, CLIENT, GObject)

SB_CLIENT_API SbClient *sb_client_new (const char *url, const char *user, const char *password);
SB_CLIENT_API SbClient *sb_client_new_from_settings (const char *json, GError **error);

SB_CLIENT_API const char *sb_client_get_url (SbClient *self);
SB_CLIENT_API const char *sb_client_get_websocket_url (SbClient *self);
SB_CLIENT_API const char *sb_client_get_user (SbClient *self);
SB_CLIENT_API SbClientState sb_client_get_state (SbClient *self);
SB_CLIENT_API const char *sb_client_state_to_string (SbClientState state);
SB_CLIENT_API guint sb_client_get_outbox_length (SbClient *self);
SB_CLIENT_API gint64 sb_client_get_pending (SbClient *self);

/* The session */
SB_CLIENT_API void sb_client_connect_async (SbClient *self, GCancellable *cancellable,
                                            GAsyncReadyCallback callback, gpointer user_data);
SB_CLIENT_API gboolean sb_client_connect_finish (SbClient *self, GAsyncResult *result,
                                                 GError **error);
SB_CLIENT_API void sb_client_close_async (SbClient *self, GCancellable *cancellable,
                                          GAsyncReadyCallback callback, gpointer user_data);
SB_CLIENT_API gboolean sb_client_close_finish (SbClient *self, GAsyncResult *result,
                                               GError **error);
SB_CLIENT_API void sb_client_confirm (SbClient *self, const char *id);

/* Messages */
SB_CLIENT_API void sb_client_send_async (SbClient *self, SbClientDraft *draft,
                                         GCancellable *cancellable, GAsyncReadyCallback callback,
                                         gpointer user_data);
SB_CLIENT_API char *sb_client_send_finish (SbClient *self, GAsyncResult *result, GError **error);
SB_CLIENT_API void sb_client_flush_async (SbClient *self, GCancellable *cancellable,
                                          GAsyncReadyCallback callback, gpointer user_data);
SB_CLIENT_API gboolean sb_client_flush_finish (SbClient *self, GAsyncResult *result,
                                               GError **error);

/* Files */
SB_CLIENT_API SbClientTransfer *sb_client_send_file (SbClient *self, SbClientDraft *draft,
                                                     const char *path, const char *display_name,
                                                     GError **error);
SB_CLIENT_API GPtrArray *sb_client_list_transfers (SbClient *self);

/* Everything else that the bus offers over HTTP */
SB_CLIENT_API void sb_client_publish_async (SbClient *self, SbClientDraft *draft, guint wait,
                                            GCancellable *cancellable, GAsyncReadyCallback callback,
                                            gpointer user_data);
SB_CLIENT_API GBytes *sb_client_publish_finish (SbClient *self, GAsyncResult *result, guint *status,
                                                GError **error);
SB_CLIENT_API void sb_client_call_async (SbClient *self, const char *method, const char *path,
                                         GBytes *body, GCancellable *cancellable,
                                         GAsyncReadyCallback callback, gpointer user_data);
SB_CLIENT_API GBytes *sb_client_call_finish (SbClient *self, GAsyncResult *result, guint *status,
                                             GError **error);
SB_CLIENT_API void sb_client_open_async (SbClient *self, const char *method, const char *path,
                                         GBytes *body, GCancellable *cancellable,
                                         GAsyncReadyCallback callback, gpointer user_data);
SB_CLIENT_API GInputStream *sb_client_open_finish (SbClient *self, GAsyncResult *result,
                                                   gint64 *length, GError **error);

G_END_DECLS

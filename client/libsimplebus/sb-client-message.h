/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-client-message: a message as the bus delivered it, byte for byte. */
#pragma once

#include "sb-client-error.h"

G_BEGIN_DECLS

/**
 * SbClientMessage:
 *
 * A message that was received, or the notice that a file waits. It never changes.
 */
typedef struct _SbClientMessage SbClientMessage;

#define SB_TYPE_CLIENT_MESSAGE (sb_client_message_get_type ())

SB_CLIENT_API GType sb_client_message_get_type (void);
SB_CLIENT_API SbClientMessage *sb_client_message_new (GBytes *json, GError **error);
SB_CLIENT_API SbClientMessage *sb_client_message_ref (SbClientMessage *self);
SB_CLIENT_API void sb_client_message_unref (SbClientMessage *self);

SB_CLIENT_API const char *sb_client_message_get_id (SbClientMessage *self);
SB_CLIENT_API const char *sb_client_message_get_sender (SbClientMessage *self);
SB_CLIENT_API const char *sb_client_message_get_json (SbClientMessage *self);
SB_CLIENT_API GBytes *sb_client_message_get_bytes (SbClientMessage *self);
SB_CLIENT_API char *sb_client_message_dup_payload (SbClientMessage *self);

SB_CLIENT_API gboolean sb_client_message_is_file (SbClientMessage *self);
SB_CLIENT_API const char *sb_client_message_get_file_name (SbClientMessage *self);
SB_CLIENT_API const char *sb_client_message_get_display_name (SbClientMessage *self);
SB_CLIENT_API gint64 sb_client_message_get_file_size (SbClientMessage *self);
SB_CLIENT_API const char *sb_client_message_get_sha256 (SbClientMessage *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbClientMessage, sb_client_message_unref)

G_END_DECLS

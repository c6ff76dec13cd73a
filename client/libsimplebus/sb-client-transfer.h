/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-client-transfer: a file on its way to or from the bus, for those who watch and wait. */
#pragma once

#include "sb-client-draft.h"
#include "sb-client-message.h"

G_BEGIN_DECLS

/**
 * SbClientTransferState:
 * @SB_CLIENT_TRANSFER_QUEUED: waits for others to end
 * @SB_CLIENT_TRANSFER_RUNNING: bytes flow
 * @SB_CLIENT_TRANSFER_WAITING: was cut off and is tried again in a while
 * @SB_CLIENT_TRANSFER_VERIFYING: all bytes are there; checksum, flush and confirmation are under
 *   way
 * @SB_CLIENT_TRANSFER_DONE: a download is in place, verified, and confirmed where that is
 *   automatic; an upload was accepted
 * @SB_CLIENT_TRANSFER_FAILED: for good; sb_client_transfer_get_error() says why
 * @SB_CLIENT_TRANSFER_CANCELLED: was given up
 *
 * How it stands with a transfer. The last three never change again.
 */
typedef enum
{
  SB_CLIENT_TRANSFER_QUEUED,
  SB_CLIENT_TRANSFER_RUNNING,
  SB_CLIENT_TRANSFER_WAITING,
  SB_CLIENT_TRANSFER_VERIFYING,
  SB_CLIENT_TRANSFER_DONE,
  SB_CLIENT_TRANSFER_FAILED,
  SB_CLIENT_TRANSFER_CANCELLED,
} SbClientTransferState;

/**
 * SbClientTransfer:
 *
 * One file on its way. Its properties are updated, and notified, at most ten times a second.
 */
#define SB_TYPE_CLIENT_TRANSFER (sb_client_transfer_get_type ())
SB_CLIENT_API
G_DECLARE_FINAL_TYPE (SbClientTransfer, sb_client_transfer, SB, CLIENT_TRANSFER, GObject)

SB_CLIENT_API gboolean sb_client_transfer_is_upload (SbClientTransfer *self);
SB_CLIENT_API gboolean sb_client_transfer_is_ended (SbClientTransfer *self);
SB_CLIENT_API SbClientTransferState sb_client_transfer_get_state (SbClientTransfer *self);
SB_CLIENT_API const char *sb_client_transfer_get_id (SbClientTransfer *self);
SB_CLIENT_API const char *sb_client_transfer_get_display_name (SbClientTransfer *self);
SB_CLIENT_API const char *sb_client_transfer_get_path (SbClientTransfer *self);
SB_CLIENT_API SbClientMessage *sb_client_transfer_get_message (SbClientTransfer *self);
SB_CLIENT_API gint64 sb_client_transfer_get_size (SbClientTransfer *self);
SB_CLIENT_API gint64 sb_client_transfer_get_done (SbClientTransfer *self);
SB_CLIENT_API double sb_client_transfer_get_rate (SbClientTransfer *self);
SB_CLIENT_API double sb_client_transfer_get_time_left (SbClientTransfer *self);
SB_CLIENT_API const GError *sb_client_transfer_get_error (SbClientTransfer *self);

SB_CLIENT_API void sb_client_transfer_wait_async (SbClientTransfer *self, GCancellable *cancellable,
                                                  GAsyncReadyCallback callback, gpointer user_data);
SB_CLIENT_API gboolean sb_client_transfer_wait_finish (SbClientTransfer *self, GAsyncResult *result,
                                                       GError **error);
SB_CLIENT_API void sb_client_transfer_cancel (SbClientTransfer *self);

G_END_DECLS

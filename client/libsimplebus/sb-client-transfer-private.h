/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-client-transfer-private: what those who move a file tell its SbClientTransfer. */
#pragma once

#include "sb-client-transfer.h"

G_BEGIN_DECLS

typedef void (*SbClientTransferFunc) (gpointer user_data);

SbClientTransfer *sb_client_transfer_new (GMainContext *context, gboolean is_upload, const char *id,
                                          const char *display_name, gint64 size);
void sb_client_transfer_set_message (SbClientTransfer *self, SbClientMessage *message);
void sb_client_transfer_set_path (SbClientTransfer *self, const char *path);
void sb_client_transfer_set_size (SbClientTransfer *self, gint64 size);
/* @func: called once when somebody gives the transfer up */
void sb_client_transfer_set_cancel_func (SbClientTransfer *self, SbClientTransferFunc func,
                                         gpointer user_data);

/* To a state in which it can still become anything. @error: (nullable): why it waits */
void sb_client_transfer_move (SbClientTransfer *self, SbClientTransferState state,
                              const GError *error);
/* To one that never changes again. */
void sb_client_transfer_end (SbClientTransfer *self, SbClientTransferState state,
                             const GError *error);
/* The client is closed; what is on disk goes on with the next one. */
void sb_client_transfer_abandon (SbClientTransfer *self);

/* In any thread: bytes begin to flow at @offset; so many are done. */
void sb_client_transfer_begin_at (SbClientTransfer *self, gint64 offset);
void sb_client_transfer_report (SbClientTransfer *self, gint64 done);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-frame: the frames that are no messages. What a client says about
 * itself and its deliveries, and what the bus answers.
 */
#pragma once

#include "simplebus.h"

G_BEGIN_DECLS

/**
 * SbFrameKind:
 * @SB_FRAME_MESSAGE: a message, or what poses as one; the bus judges it
 * @SB_FRAME_CONNECT: a log-in
 * @SB_FRAME_CONFIRMATION: a recipient has a message
 * @SB_FRAME_PING: to be answered
 * @SB_FRAME_PONG: to be ignored
 */
typedef enum
{
  SB_FRAME_MESSAGE,
  SB_FRAME_CONNECT,
  SB_FRAME_CONFIRMATION,
  SB_FRAME_PING,
  SB_FRAME_PONG,
} SbFrameKind;

/**
 * SbConnectFrame:
 *
 * A log-in as it was sent.
 */
typedef struct
{
  char *id;       /* (owned) of the user */
  char *password; /* (owned) (nullable): one of the two is there */
  char *token;    /* (owned) (nullable) */
  gboolean hello;
  gboolean accepted;
  gboolean receipts;
  gboolean expired;
} SbConnectFrame;

SbFrameKind sb_frame_classify (const SbEnvelope *envelope);

SbConnectFrame *sb_connect_frame_parse (const SbEnvelope *envelope, GError **error);
void sb_connect_frame_free (SbConnectFrame *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbConnectFrame, sb_connect_frame_free)

GBytes *sb_frame_new_receipt (const char *id, const char *recipient);
GBytes *sb_frame_new_accepted (const char *id);
GBytes *sb_frame_new_expired (const char *id, const char *recipient, const char *reason);
GBytes *sb_frame_new_connected (const char *token, guint64 pending);
GBytes *sb_frame_new_error (const char *id, const char *sender, SbSlice uid, const char *reason,
                            const char *why);

G_END_DECLS

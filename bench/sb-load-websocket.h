/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-load-websocket: the client's side of RFC 6455, as far as a generator needs it: the upgrade
 * request, masked frames out, whole frames in. The server's frames come unfragmented.
 */
#pragma once

#include "sb-load-buffer.h"

G_BEGIN_DECLS

typedef enum
{
  SB_LOAD_FRAME_TEXT = 1,
  SB_LOAD_FRAME_CLOSE = 8,
  SB_LOAD_FRAME_PING = 9,
  SB_LOAD_FRAME_PONG = 10,
} SbLoadFrameKind;

/* Points into the bytes that it was read from. */
typedef struct
{
  SbLoadFrameKind kind;
  guint8 *payload;
  gsize length;
} SbLoadFrame;

void sb_load_websocket_write_request (SbLoadBuffer *output);
gsize sb_load_websocket_read_response (const guint8 *bytes, gsize length, gboolean *upgraded);
void sb_load_websocket_write (SbLoadBuffer *output, SbLoadFrameKind kind, gconstpointer bytes,
                              gsize length);
gsize sb_load_websocket_read (guint8 *bytes, gsize length, SbLoadFrame *frame);

G_END_DECLS

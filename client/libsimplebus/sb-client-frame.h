/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-frame: the frames of a WebSocket (RFC 6455) as a client reads and writes them. Bytes
 * in, frames out; it knows of no socket.
 */
#pragma once

#include "sb-client-error.h"

G_BEGIN_DECLS

typedef enum
{
  SB_CLIENT_OPCODE_CONTINUATION = 0x0,
  SB_CLIENT_OPCODE_TEXT = 0x1,
  SB_CLIENT_OPCODE_BINARY = 0x2,
  SB_CLIENT_OPCODE_CLOSE = 0x8,
  SB_CLIENT_OPCODE_PING = 0x9,
  SB_CLIENT_OPCODE_PONG = 0xa,
} SbClientOpcode;

/* Close codes that mean something to us. */
enum
{
  SB_CLIENT_CLOSE_NORMAL = 1000,
  SB_CLIENT_CLOSE_GOING_AWAY = 1001,
  SB_CLIENT_CLOSE_PROTOCOL = 1002,
  SB_CLIENT_CLOSE_UNSUPPORTED = 1003,
  SB_CLIENT_CLOSE_NONE = 1005,     /* the frame said no code */
  SB_CLIENT_CLOSE_ABNORMAL = 1006, /* there was no frame */
  SB_CLIENT_CLOSE_BAD_DATA = 1007,
  SB_CLIENT_CLOSE_POLICY = 1008,
  SB_CLIENT_CLOSE_TOO_BIG = 1009,
  SB_CLIENT_CLOSE_SERVER = 1011,
  SB_CLIENT_CLOSE_REPLACED = 4000,
  SB_CLIENT_CLOSE_CREDENTIALS = 4001,
};

/* A whole message, or a control frame. It points into the decoder until that is used again. */
typedef struct
{
  SbClientOpcode opcode;
  const char *data;
  gsize length;
} SbClientFrame;

/* Embedded by its owner. */
typedef struct
{
  guint8 *buffer; /* (owned) (nullable) */
  gsize start;    /* of what was not yet taken */
  gsize end;
  gsize size;
  gsize max;           /* the largest message */
  GByteArray *message; /* (owned) (nullable): of which fragments have come */
  SbClientOpcode message_opcode;
  gboolean is_message_done; /* it was handed out and goes with the next call */
} SbClientDecoder;

void sb_client_decoder_init (SbClientDecoder *self, gsize max);
void sb_client_decoder_clear (SbClientDecoder *self);
guint8 *sb_client_decoder_reserve (SbClientDecoder *self, gsize *room);
void sb_client_decoder_commit (SbClientDecoder *self, gsize length);
gboolean sb_client_decoder_next (SbClientDecoder *self, SbClientFrame *frame, GError **error);

void sb_client_frame_append (GByteArray *out, SbClientOpcode opcode, const void *data,
                             gsize length);

G_END_DECLS

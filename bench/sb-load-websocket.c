/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-load-websocket: the client's side of RFC 6455, as far as a generator needs it. */

#include "sb-load-websocket.h"

#include <string.h>

#define LONGEST_HEADER 14

/* A client must mask; that the key is always the same one concerns nobody on the loopback. */
static const guint8 mask_key[8] = { 0x5a, 0xc3, 0x19, 0x7e, 0x5a, 0xc3, 0x19, 0x7e };

void
sb_load_websocket_write_request (SbLoadBuffer *output)
{
  static const char request[] = "GET / HTTP/1.1\r\n"
                                "Host: localhost\r\n"
                                "Upgrade: websocket\r\n"
                                "Connection: Upgrade\r\n"
                                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                "Sec-WebSocket-Version: 13\r\n\r\n";

  sb_load_buffer_append (output, request, strlen (request));
}

/* Returns: the bytes of the whole response, 0 when it is not complete */
gsize
sb_load_websocket_read_response (const guint8 *bytes, gsize length, gboolean *upgraded)
{
  static const char expected[] = "HTTP/1.1 101";
  const guint8 *end = memmem (bytes, length, "\r\n\r\n", 4);

  if (end == NULL)
    return 0;
  *upgraded = length > strlen (expected) && memcmp (bytes, expected, strlen (expected)) == 0;
  return (gsize) (end + 4 - bytes);
}

static guint8 *
write_header (guint8 *place, SbLoadFrameKind kind, gsize length)
{
  *place++ = 0x80 | (guint8) kind;
  if (length < 126)
    *place++ = 0x80 | (guint8) length;
  else if (length < 65536)
    {
      *place++ = 0x80 | 126;
      *place++ = (guint8) (length >> 8);
      *place++ = (guint8) length;
    }
  else
    {
      *place++ = 0x80 | 127;
      for (int shift = 56; shift >= 0; shift -= 8)
        *place++ = (guint8) ((guint64) length >> shift);
    }
  memcpy (place, mask_key, 4);
  return place + 4;
}

static void
mask (guint8 *bytes, gsize length)
{
  guint64 key;
  gsize i = 0;

  memcpy (&key, mask_key, sizeof key);
  for (; i + 8 <= length; i += 8)
    {
      guint64 word;

      memcpy (&word, bytes + i, sizeof word);
      word ^= key;
      memcpy (bytes + i, &word, sizeof word);
    }
  for (; i < length; i++)
    bytes[i] ^= mask_key[i % 4];
}

void
sb_load_websocket_write (SbLoadBuffer *output, SbLoadFrameKind kind, gconstpointer bytes,
                         gsize length)
{
  guint8 *start = sb_load_buffer_reserve (output, length + LONGEST_HEADER);
  guint8 *payload = write_header (start, kind, length);

  if (length > 0)
    memcpy (payload, bytes, length);
  mask (payload, length);
  output->end += (gsize) (payload - start) + length;
}

/* Returns: the bytes of the frame with its header, 0 when it is not complete */
gsize
sb_load_websocket_read (guint8 *bytes, gsize length, SbLoadFrame *frame)
{
  gsize header = 2;

  if (length < 2)
    return 0;
  frame->kind = bytes[0] & 15;
  frame->length = bytes[1] & 127;
  header += frame->length == 126 ? 2 : frame->length == 127 ? 8 : 0;
  if (length < header)
    return 0;
  if (header > 2)
    frame->length = 0;
  for (gsize i = 2; i < header; i++)
    frame->length = frame->length << 8 | bytes[i];
  if (length - header < frame->length)
    return 0;
  frame->payload = bytes + header;
  return header + frame->length;
}

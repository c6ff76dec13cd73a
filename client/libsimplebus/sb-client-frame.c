/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-frame: decoder and encoder of frames.
 *
 * libsoup has both, but reads a kilobyte at a time, copies each frame twice, and writes each with a
 * system call of its own; and it does not tell how many bytes have come, by which a dead connection
 * is told from a slow one.
 */

#include "sb-client-frame.h"

#include <string.h>
#include <sys/random.h>

/* Read at once. */
#define ROOM (64 * 1024)
/* A buffer that a large message left behind is given back above this. */
#define KEEP (256 * 1024)
#define MAX_CONTROL 125

/* --- Reading --- */

void
sb_client_decoder_init (SbClientDecoder *self, gsize max)
{
  memset (self, 0, sizeof *self);
  self->max = max;
}

void
sb_client_decoder_clear (SbClientDecoder *self)
{
  g_clear_pointer (&self->buffer, g_free);
  g_clear_pointer (&self->message, g_byte_array_unref);
}

/**
 * sb_client_decoder_reserve:
 * @self: a decoder
 * @room: (out): how many bytes may be put there
 *
 * The buffer grows with what really comes, never with what a header announces.
 *
 * Returns: where the next bytes belong
 */
guint8 *
sb_client_decoder_reserve (SbClientDecoder *self, gsize *room)
{
  if (self->start == self->end)
    {
      self->start = self->end = 0;
      if (self->size > KEEP)
        {
          g_clear_pointer (&self->buffer, g_free);
          self->size = 0;
        }
    }
  else if (self->start > 0 && self->size - self->end < ROOM)
    {
      memmove (self->buffer, self->buffer + self->start, self->end - self->start);
      self->end -= self->start;
      self->start = 0;
    }
  if (self->size - self->end < ROOM)
    {
      self->size = MAX (self->size * 2, 2 * ROOM);
      self->buffer = g_realloc (self->buffer, self->size);
    }
  *room = self->size - self->end;
  return self->buffer + self->end;
}

/* So many bytes were put there. */
void
sb_client_decoder_commit (SbClientDecoder *self, gsize length)
{
  g_assert (length <= self->size - self->end);
  self->end += length;
}

static gboolean
fail (GError **error, const char *what)
{
  g_set_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_PROTOCOL,
               "The bus sent no proper WebSocket frame: %s", what);
  return FALSE;
}

typedef struct
{
  SbClientOpcode opcode;
  gboolean is_final;
  gsize header;
  guint64 length;
} Header;

/* Returns: %FALSE when it is not whole yet */
static gboolean
read_header (SbClientDecoder *self, Header *header)
{
  const guint8 *p = self->buffer + self->start;
  gsize there = self->end - self->start;
  guint n_more;

  if (there < 2)
    return FALSE;
  header->length = p[1] & 0x7f;
  n_more = header->length == 126 ? 2 : header->length == 127 ? 8 : 0;
  header->header = 2 + n_more;
  if (there < header->header)
    return FALSE;
  header->opcode = p[0] & 0x0f;
  header->is_final = (p[0] & 0x80) != 0;
  if (n_more > 0)
    header->length = 0;
  for (guint i = 0; i < n_more; i++)
    header->length = header->length << 8 | p[2 + i];
  return TRUE;
}

static gboolean
is_control (SbClientOpcode opcode)
{
  return opcode >= SB_CLIENT_OPCODE_CLOSE;
}

static gboolean
check_header (SbClientDecoder *self, const Header *header, GError **error)
{
  const guint8 *p = self->buffer + self->start;
  gsize gathered = self->message != NULL ? self->message->len : 0;

  if ((p[0] & 0x70) != 0)
    return fail (error, "it uses an extension");
  if ((p[1] & 0x80) != 0)
    return fail (error, "it is masked");
  if (header->opcode > SB_CLIENT_OPCODE_PONG
      || (header->opcode > SB_CLIENT_OPCODE_BINARY && header->opcode < SB_CLIENT_OPCODE_CLOSE))
    return fail (error, "it is of an unknown kind");
  if (is_control (header->opcode))
    return (header->is_final && header->length <= MAX_CONTROL)
           || fail (error, "a control frame is too long or in parts");
  if ((header->opcode == SB_CLIENT_OPCODE_CONTINUATION) != (self->message != NULL))
    return fail (error, "parts of a message are missing");
  if (header->length <= self->max && header->length + gathered <= self->max)
    return TRUE;
  g_set_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_TOO_LARGE,
               "The bus sent a message of more than %" G_GSIZE_FORMAT " bytes", self->max);
  return FALSE;
}

/* Takes a frame that is part of a larger message. Returns: whether it was the last part */
static gboolean
gather (SbClientDecoder *self, const Header *header, SbClientFrame *frame)
{
  if (self->message == NULL)
    {
      self->message = g_byte_array_new ();
      self->message_opcode = header->opcode;
    }
  g_byte_array_append (self->message, (const guint8 *) frame->data, (guint) frame->length);
  if (!header->is_final)
    return FALSE;
  frame->opcode = self->message_opcode;
  frame->data = self->message->len > 0 ? (const char *) self->message->data : "";
  frame->length = self->message->len;
  self->is_message_done = TRUE;
  return TRUE;
}

/**
 * sb_client_decoder_next:
 * @self: a decoder
 * @frame: (out): a control frame or a whole message, if there is one; its data are %NULL if not
 * @error: return location for what no bus sends
 *
 * Takes the next frame out.
 *
 * Returns: %FALSE with an error, after which nothing of the connection can be understood
 */
gboolean
sb_client_decoder_next (SbClientDecoder *self, SbClientFrame *frame, GError **error)
{
  Header header;

  if (self->is_message_done)
    {
      g_clear_pointer (&self->message, g_byte_array_unref);
      self->is_message_done = FALSE;
    }
  for (;;)
    {
      frame->data = NULL;
      if (!read_header (self, &header))
        return TRUE;
      if (!check_header (self, &header, error))
        return FALSE;
      if (self->end - self->start - header.header < header.length)
        return TRUE;
      frame->opcode = header.opcode;
      frame->data = (const char *) self->buffer + self->start + header.header;
      frame->length = (gsize) header.length;
      self->start += header.header + frame->length;
      if (is_control (header.opcode)
          || (header.is_final && header.opcode != SB_CLIENT_OPCODE_CONTINUATION)
          || gather (self, &header, frame))
        return TRUE;
    }
}

/* --- Writing --- */

/* Masks are of chance, so that no sender of payloads can make a proxy see a request in them. The
 * system is asked for many at once. */
static guint32
take_mask (void)
{
  static _Thread_local guint32 masks[64];
  static _Thread_local guint n_left;

  if (n_left == 0)
    {
      if (getrandom (masks, sizeof masks, 0) != sizeof masks)
        for (guint i = 0; i < G_N_ELEMENTS (masks); i++)
          masks[i] = g_random_int ();
      n_left = G_N_ELEMENTS (masks);
    }
  return masks[--n_left];
}

static void
put_masked (guint8 *to, const guint8 *from, gsize length, guint32 mask)
{
  const guint64 wide = (guint64) mask << 32 | mask;
  guint8 bytes[4];
  gsize i;

  for (i = 0; i + 8 <= length; i += 8)
    {
      guint64 word;

      memcpy (&word, from + i, 8);
      word ^= wide;
      memcpy (to + i, &word, 8);
    }
  memcpy (bytes, &mask, 4);
  for (; i < length; i++)
    to[i] = from[i] ^ bytes[i & 3];
}

/**
 * sb_client_frame_append:
 * @out: what is to be written
 * @opcode: of the frame
 * @data: (nullable): its payload
 * @length: of that
 *
 * Puts a frame behind what is there, masked as a client's must be.
 */
void
sb_client_frame_append (GByteArray *out, SbClientOpcode opcode, const void *data, gsize length)
{
  guint n_more = length < 126 ? 0 : length <= G_MAXUINT16 ? 2 : 8;
  guint at = out->len;
  guint32 mask = take_mask ();
  guint8 *p;

  g_byte_array_set_size (out, at + 2 + n_more + 4 + (guint) length);
  p = out->data + at;
  *p++ = 0x80 | (guint8) opcode;
  *p++ = 0x80 | (n_more == 0 ? (guint8) length : n_more == 2 ? 126 : 127);
  for (guint i = n_more; i > 0; i--)
    *p++ = ((guint64) length >> (8 * (i - 1))) & 0xff;
  memcpy (p, &mask, 4);
  put_masked (p + 4, data, length, mask);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-frame: frames of a WebSocket as the client reads and writes them, and what is none. */

#include "sb-client-frame.h"
#include "sb-test.h"

#include <string.h>

/* Gives the decoder @data in pieces of @step bytes. Returns: what came, "TYPE:TEXT " each, or the
 * error's code at the end. */
static char *
decode (const guint8 *data, gsize length, gsize step, gsize max)
{
  g_autoptr (GString) text = g_string_new (NULL);
  SbClientDecoder decoder;
  g_autoptr (GError) error = NULL;

  sb_client_decoder_init (&decoder, max);
  for (gsize i = 0; i < length && error == NULL; i += step)
    {
      gsize n = MIN (step, length - i), room;
      guint8 *place = sb_client_decoder_reserve (&decoder, &room);
      SbClientFrame frame;

      g_assert_cmpuint (room, >=, n);
      memcpy (place, data + i, n);
      sb_client_decoder_commit (&decoder, n);
      while (sb_client_decoder_next (&decoder, &frame, &error) && frame.data != NULL)
        g_string_append_printf (text, "%x:%.*s ", frame.opcode, (int) MIN (frame.length, 20),
                                frame.data);
    }
  sb_client_decoder_clear (&decoder);
  if (error != NULL)
    g_string_append_printf (text, "error %d", error->code);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

typedef struct
{
  const char *name;
  guint8 data[24];
  gsize length;
  const char *expected;
} Case;

#define PROTOCOL_ERROR "error 13"
#define TOO_LARGE "error 6"

static const Case cases[] = {
  { "a-text", { 0x81, 2, 'h', 'i' }, 4, "1:hi " },
  { "binary", { 0x82, 2, 'h', 'i' }, 4, "2:hi " },
  { "two", { 0x81, 1, 'a', 0x81, 1, 'b' }, 6, "1:a 1:b " },
  { "nothing", { 0x81, 0, 0x81, 1, 'a' }, 5, "1: 1:a " },
  { "fragments", { 0x01, 1, 'a', 0x00, 1, 'b', 0x80, 1, 'c' }, 9, "1:abc " },
  { "empty-fragments", { 0x01, 0, 0x80, 0, 0x81, 1, 'a' }, 7, "1: 1:a " },
  { "a-ping-between", { 0x01, 1, 'a', 0x89, 1, 'p', 0x80, 1, 'c' }, 9, "9:p 1:ac " },
  { "a-close", { 0x88, 2, 0x03, 0xe8 }, 4, "8:\x03\xe8 " },
  { "a-long-length", { 0x81, 126, 0, 2, 'h', 'i' }, 6, "1:hi " },
  { "a-longer-length", { 0x81, 127, 0, 0, 0, 0, 0, 0, 0, 2, 'h', 'i' }, 12, "1:hi " },
  { "one-that-is-not-whole", { 0x81, 5, 'h', 'i' }, 4, "" },
  { "a-mask", { 0x81, 0x81, 0, 0, 0, 0, 'a' }, 7, PROTOCOL_ERROR },
  { "an-extension", { 0xc1, 1, 'a' }, 3, PROTOCOL_ERROR },
  { "an-unknown-kind", { 0x83, 1, 'a' }, 3, PROTOCOL_ERROR },
  { "an-unknown-control", { 0x8b, 1, 'a' }, 3, PROTOCOL_ERROR },
  { "a-long-ping", { 0x89, 126, 0, 126 }, 4, PROTOCOL_ERROR },
  { "a-ping-in-parts", { 0x09, 1, 'a' }, 3, PROTOCOL_ERROR },
  { "an-end-without-a-beginning", { 0x80, 1, 'a' }, 3, PROTOCOL_ERROR },
  { "a-beginning-within", { 0x01, 1, 'a', 0x81, 1, 'b' }, 6, PROTOCOL_ERROR },
  { "a-huge-length", { 0x81, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, 10, TOO_LARGE },
  { "more-than-may-be", { 0x81, 101 }, 2, TOO_LARGE },
  { "fragments-without-end", { 0x01, 3, 'a', 'b', 'c', 0x00, 98 }, 7, TOO_LARGE },
};

static void
test_reads (gconstpointer user_data)
{
  const Case *self = user_data;

  for (gsize step = 1; step <= self->length; step++)
    {
      g_autofree char *text = decode (self->data, self->length, step, 100);

      g_assert_cmpstr (text, ==, self->expected);
    }
}

/* Unmasks what a client wrote. */
static guint8 *
unmask (GByteArray *frame, gsize *length)
{
  gsize n_more = (frame->data[1] & 0x7f) == 126 ? 2 : (frame->data[1] & 0x7f) == 127 ? 8 : 0;
  const guint8 *mask = frame->data + 2 + n_more;
  guint8 *data;

  g_assert_true (frame->data[1] & 0x80);
  *length = frame->len - 6 - n_more;
  data = g_malloc (*length + 1);
  for (gsize i = 0; i < *length; i++)
    data[i] = mask[4 + i] ^ mask[i % 4];
  return data;
}

static void
test_writes_frames_of_any_length (void)
{
  static const gsize lengths[] = { 0, 1, 7, 8, 9, 125, 126, 127, 65535, 65536, 1000003 };

  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      g_autoptr (GByteArray) frame = g_byte_array_new ();
      g_autofree guint8 *data = g_malloc (lengths[i] + 1);
      g_autofree guint8 *got = NULL;
      gsize length;

      for (gsize j = 0; j < lengths[i]; j++)
        data[j] = (guint8) (j * 7);
      sb_client_frame_append (frame, SB_CLIENT_OPCODE_TEXT, data, lengths[i]);
      g_assert_cmpuint (frame->data[0], ==, 0x81);
      got = unmask (frame, &length);
      g_assert_cmpmem (got, length, data, lengths[i]);
    }
}

static void
test_never_uses_a_mask_twice (void)
{
  g_autoptr (GHashTable) masks = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < 1000; i++)
    {
      g_autoptr (GByteArray) frame = g_byte_array_new ();
      guint32 mask;

      sb_client_frame_append (frame, SB_CLIENT_OPCODE_TEXT, NULL, 0);
      memcpy (&mask, frame->data + 2, 4);
      g_hash_table_add (masks, GUINT_TO_POINTER (mask));
    }
  /* Of 2³² two may be the same by chance, hardly three. */
  g_assert_cmpuint (g_hash_table_size (masks), >=, 998);
}

/* A large message leaves no large buffer behind, and announces nothing that is not there. */
static void
test_grows_with_what_comes (void)
{
  static const guint8 head[] = { 0x81, 127, 0, 0, 0, 0, 0x03, 0, 0, 0 };
  SbClientDecoder decoder;
  SbClientFrame frame;
  gsize room;

  sb_client_decoder_init (&decoder, 64 * 1024 * 1024);
  memcpy (sb_client_decoder_reserve (&decoder, &room), head, sizeof head);
  sb_client_decoder_commit (&decoder, sizeof head);
  g_assert_true (sb_client_decoder_next (&decoder, &frame, NULL));
  g_assert_null (frame.data);
  g_assert_cmpuint (decoder.size, <, 1024 * 1024);
  for (gsize left = 0x03000000; left > 0;)
    {
      guint8 *place = sb_client_decoder_reserve (&decoder, &room);
      gsize n = MIN (room, left);

      memset (place, 'x', n);
      sb_client_decoder_commit (&decoder, n);
      left -= n;
      g_assert_true (sb_client_decoder_next (&decoder, &frame, NULL));
      g_assert_true ((frame.data != NULL) == (left == 0));
    }
  g_assert_cmpuint (frame.length, ==, 0x03000000);
  sb_client_decoder_reserve (&decoder, &room);
  g_assert_cmpuint (decoder.size, <, 1024 * 1024);
  sb_client_decoder_clear (&decoder);
}

int
main (int argc, char **argv)
{
  sb_test_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/client/frame/reads-", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], test_reads);
    }
  g_test_add_func ("/client/frame/writes-frames-of-any-length", test_writes_frames_of_any_length);
  g_test_add_func ("/client/frame/never-uses-a-mask-twice", test_never_uses_a_mask_twice);
  g_test_add_func ("/client/frame/grows-with-what-comes", test_grows_with_what_comes);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-siphash: the published vectors, however the input is cut. */

#include "sb-siphash.h"
#include "sb-test.h"

/* Key and input are the bytes 0, 1, 2, …; the words are read from the digest's bytes, little end
 * first. */
static const struct
{
  gsize length;
  SbSipHashDigest digest;
} vectors[] = {
  { 0, { { 0xe6a825ba047f81a3, 0x930255c71472f66d } } },
  { 1, { { 0x44af996bd8c187da, 0x45fc229b11597634 } } },
  { 7, { { 0x53c1dbd8beebf1a1, 0x3982f01fa64ab8c0 } } },
  { 8, { { 0x61f55862baa9623b, 0xb49714f364e2830f } } },
  { 15, { { 0x11a8b03399e99354, 0xd9c3cf970fec087e } } },
  { 16, { { 0xbb54b067caa4e26e, 0x77052385bf1533fd } } },
  { 63, { { 0x4a83502f77d15051, 0x7cbd3f979a063e50 } } },
};

static guint8 bytes[64];

static void
gives_the_published_vectors (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (vectors); i++)
    {
      SbSipHash state;
      SbSipHashDigest digest;

      sb_siphash_init (&state, bytes);
      sb_siphash_update (&state, bytes, vectors[i].length);
      digest = sb_siphash_finish (&state);
      g_assert_cmphex (digest.words[0], ==, vectors[i].digest.words[0]);
      g_assert_cmphex (digest.words[1], ==, vectors[i].digest.words[1]);
    }
}

static void
pieces_add_up_to_the_whole (void)
{
  for (gsize cut = 0; cut <= 63; cut++)
    {
      SbSipHash state;
      SbSipHashDigest digest;

      sb_siphash_init (&state, bytes);
      sb_siphash_update (&state, bytes, cut);
      sb_siphash_update (&state, bytes + cut, 63 - cut);
      digest = sb_siphash_finish (&state);
      g_assert_true (sb_siphash_digest_equal (&digest, &vectors[6].digest));
    }
}

static void
either_half_makes_a_difference (void)
{
  SbSipHashDigest a = { { 1, 2 } };
  SbSipHashDigest b = { { 1, 3 } };
  SbSipHashDigest c = { { 0, 2 } };

  g_assert_true (sb_siphash_digest_equal (&a, &a));
  g_assert_false (sb_siphash_digest_equal (&a, &b));
  g_assert_false (sb_siphash_digest_equal (&a, &c));
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  for (gsize i = 0; i < sizeof bytes; i++)
    bytes[i] = (guint8) i;
  g_test_add_func ("/siphash/gives-the-published-vectors", gives_the_published_vectors);
  g_test_add_func ("/siphash/pieces-add-up-to-the-whole", pieces_add_up_to_the_whole);
  g_test_add_func ("/siphash/either-half-makes-a-difference", either_half_makes_a_difference);
  return g_test_run ();
}

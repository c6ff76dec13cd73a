/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-siphash: SipHash-2-4-128 by Aumasson and Bernstein, written from their description. */

#include "sb-siphash.h"

#include <string.h>

static inline guint64
rotate (guint64 x, guint bits)
{
  return x << bits | x >> (64 - bits);
}

static inline void
mix (guint64 v[4], guint rounds)
{
  for (guint i = 0; i < rounds; i++)
    {
      v[0] += v[1];
      v[2] += v[3];
      v[1] = rotate (v[1], 13) ^ v[0];
      v[3] = rotate (v[3], 16) ^ v[2];
      v[0] = rotate (v[0], 32);
      v[2] += v[1];
      v[0] += v[3];
      v[1] = rotate (v[1], 17) ^ v[2];
      v[3] = rotate (v[3], 21) ^ v[0];
      v[2] = rotate (v[2], 32);
    }
}

static inline void
absorb (guint64 v[4], guint64 word)
{
  v[3] ^= word;
  mix (v, 2);
  v[0] ^= word;
}

/**
 * sb_siphash_init: (skip)
 * @self: the state to begin
 * @key: 16 secret bytes
 */
void
sb_siphash_init (SbSipHash *self, const guint8 key[SB_SIPHASH_KEY_SIZE])
{
  guint64 k[2];

  memcpy (k, key, sizeof k);
  k[0] = GUINT64_FROM_LE (k[0]);
  k[1] = GUINT64_FROM_LE (k[1]);
  self->v[0] = k[0] ^ G_GUINT64_CONSTANT (0x736f6d6570736575);
  self->v[1] = k[1] ^ G_GUINT64_CONSTANT (0x646f72616e646f6d) ^ 0xee;
  self->v[2] = k[0] ^ G_GUINT64_CONSTANT (0x6c7967656e657261);
  self->v[3] = k[1] ^ G_GUINT64_CONSTANT (0x7465646279746573);
  self->tail = 0;
  self->length = 0;
}

/**
 * sb_siphash_update: (skip)
 * @self: a state that was begun
 * @data: the next bytes; how they are cut into calls makes no difference
 * @length: how many
 */
void
sb_siphash_update (SbSipHash *self, gconstpointer data, gsize length)
{
  const guint8 *bytes = data;

  for (gsize i = 0; i < length; i++)
    {
      self->tail |= (guint64) bytes[i] << (8 * (self->length % 8));
      self->length++;
      if (self->length % 8 == 0)
        {
          absorb (self->v, self->tail);
          self->tail = 0;
        }
    }
}

/**
 * sb_siphash_finish: (skip)
 * @self: a state that was begun; to be begun anew before it is used again
 *
 * Returns: the hash of all bytes, and wipes the state
 */
SbSipHashDigest
sb_siphash_finish (SbSipHash *self)
{
  SbSipHashDigest digest;
  guint64 *v = self->v;

  absorb (v, self->tail | (guint64) self->length << 56);
  v[2] ^= 0xee;
  mix (v, 4);
  digest.words[0] = v[0] ^ v[1] ^ v[2] ^ v[3];
  v[1] ^= 0xdd;
  mix (v, 4);
  digest.words[1] = v[0] ^ v[1] ^ v[2] ^ v[3];
  explicit_bzero (self, sizeof *self);
  return digest;
}

/**
 * sb_siphash_digest_equal: (skip)
 * @a: a digest
 * @b: a digest
 *
 * Returns: whether they are the same; takes the same time either way
 */
gboolean
sb_siphash_digest_equal (const SbSipHashDigest *a, const SbSipHashDigest *b)
{
  return ((a->words[0] ^ b->words[0]) | (a->words[1] ^ b->words[1])) == 0;
}

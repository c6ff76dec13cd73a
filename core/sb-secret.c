/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-secret: random bytes, comparison in constant time, wiping. */

#include "sb-secret.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* The most that one call of getentropy() gives. */
#define ENTROPY_MAX 256

/**
 * sb_secret_fill_random: (skip)
 * @buffer: where to
 * @length: how many bytes
 *
 * Fills @buffer with random bytes of the kernel. Without them there is no key that
 * nobody can guess, so where the kernel has none the process ends. From any thread.
 */
void
sb_secret_fill_random (gpointer buffer, gsize length)
{
  guint8 *bytes = buffer;

  for (gsize done = 0; done < length; done += ENTROPY_MAX)
    if (getentropy (bytes + done, MIN (length - done, ENTROPY_MAX)) != 0)
      g_error ("The kernel gives no random bytes: %s", g_strerror (errno));
}

/**
 * sb_secret_is_equal: (skip)
 * @a: bytes
 * @b: bytes
 * @length: how many of each
 *
 * Returns: whether they are the same; how long it takes does not tell where they differ
 */
gboolean
sb_secret_is_equal (gconstpointer a, gconstpointer b, gsize length)
{
  const volatile guint8 *left = a;
  const volatile guint8 *right = b;
  guint8 difference = 0;

  for (gsize i = 0; i < length; i++)
    difference |= left[i] ^ right[i];
  return difference == 0;
}

/**
 * sb_secret_free: (skip)
 * @secret: (transfer full) (nullable): a string from g_malloc()
 *
 * Wipes and frees it.
 */
void
sb_secret_free (SbSecret *secret)
{
  if (secret != NULL)
    explicit_bzero (secret, strlen (secret));
  g_free (secret);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-foreign-hash: reads them strictly, and computes them with what is here anyway.
 *
 * PBKDF2 is nettle's. Scrypt is libcrypt's `$7$`, which takes the salt's characters for its
 * bytes as werkzeug does, and has the first 32 bytes of the digest only. Those are 256 bits
 * that do not depend on the rest, so they settle the matter.
 */

#include "sb-foreign-hash.h"

#include "sb-error.h"
#include "sb-password-private.h"
#include "sb-secret.h"

#include <nettle/pbkdf2.h>
#include <string.h>

/* Five times what werkzeug has come to by its version 3: 0.6 s where the processor knows
 * SHA-256, 2 s and more where it does not. */
#define MAX_ITERATIONS 5000000

/* Scrypt takes 128 N r bytes and a time that grows with N r p. Werkzeug has N r = 2^18, which is
 * 32 MiB and 0.1 s; twice the memory and four times the time are let through. */
#define MIN_N 4 /* below that libcrypt does not go */
#define MAX_LOG2_N 19
#define MAX_NR (1 << 19)
#define MAX_NRP (1 << 20)
#define MAX_P 16

#define MAX_SALT 64
#define MAX_DIGEST 64
#define SCRYPT_DIGEST 64
#define SCRYPT_COMPARED 32

/* The digits of libcrypt, the lowest first. */
static const char digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

typedef void (*Pbkdf2) (size_t key_length, const uint8_t *key, unsigned iterations,
                        size_t salt_length, const uint8_t *salt, size_t length, uint8_t *dst);

static const struct
{
  const char *name;
  Pbkdf2 derive;
  gsize digest_length;
} pbkdf2_methods[] = {
  { "sha1", pbkdf2_hmac_sha1, 20 },
  { "sha256", pbkdf2_hmac_sha256, 32 },
  { "sha512", pbkdf2_hmac_sha512, 64 },
};

typedef struct
{
  Pbkdf2 derive; /* (nullable): NULL is scrypt */
  guint iterations;
  guint log2_n;
  guint r;
  guint p;
  char *salt; /* (owned) */
  guint8 digest[MAX_DIGEST];
  gsize digest_length;
} ForeignHash;

static void
foreign_hash_clear (ForeignHash *self)
{
  g_free (self->salt);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ForeignHash, foreign_hash_clear)

/* Reading */

static gboolean
refuse (GError **error, const char *what)
{
  g_set_error (error, SB_ERROR, SB_ERROR_UNSUPPORTED, "the password hash %s", what);
  return FALSE;
}

static gboolean
read_number (const char *text, guint max, guint *number)
{
  guint64 value;

  if (!g_ascii_string_to_unsigned (text, 10, 1, max, &value, NULL))
    return FALSE;
  *number = (guint) value;
  return TRUE;
}

static gboolean
read_pbkdf2 (ForeignHash *self, char **words, GError **error)
{
  guint n = g_strv_length (words);

  for (gsize i = 0; n > 1 && i < G_N_ELEMENTS (pbkdf2_methods); i++)
    if (g_str_equal (words[1], pbkdf2_methods[i].name))
      {
        self->derive = pbkdf2_methods[i].derive;
        self->digest_length = pbkdf2_methods[i].digest_length;
      }
  if (self->derive == NULL)
    return refuse (error, "is of no method that is known: pbkdf2:sha1, sha256 or sha512, scrypt");
  /* Very old ones leave the number to the version of the library that reads them. */
  if (n == 2)
    return refuse (error, "does not say how many iterations it has; give the user a new password");
  if (n != 3 || !read_number (words[2], MAX_ITERATIONS, &self->iterations))
    return refuse (error, "has not between 1 and " G_STRINGIFY (MAX_ITERATIONS) " iterations");
  return TRUE;
}

static gboolean
read_scrypt (ForeignHash *self, char **words, GError **error)
{
  guint n;

  self->digest_length = SCRYPT_DIGEST;
  if (g_strv_length (words) != 4 || !read_number (words[1], 1 << MAX_LOG2_N, &n) || n < MIN_N
      || (n & (n - 1)) != 0 || !read_number (words[2], MAX_NR / n, &self->r)
      || !read_number (words[3], MIN (MAX_P, MAX_NRP / (n * self->r)), &self->p))
    return refuse (error, "has no parameters of scrypt, or they take more than 64 MiB or too long");
  self->log2_n = g_bit_nth_lsf (n, -1);
  return TRUE;
}

static gboolean
read_method (ForeignHash *self, const char *method, GError **error)
{
  g_auto (GStrv) words = g_strsplit (method, ":", 5);

  if (g_strcmp0 (words[0], "scrypt") == 0)
    return read_scrypt (self, words, error);
  return read_pbkdf2 (self, words, error);
}

/* Werkzeug's are letters and digits. In libcrypt they could also be a dot or a slash. */
static gboolean
read_salt (ForeignHash *self, const char *salt, GError **error)
{
  gsize length = strlen (salt);

  if (length == 0 || length > MAX_SALT || strspn (salt, digits) != length)
    return refuse (error,
                   "has a salt that is not 1 to " G_STRINGIFY (MAX_SALT) " letters and digits");
  self->salt = g_strdup (salt);
  return TRUE;
}

static gboolean
read_digest (ForeignHash *self, const char *hex, GError **error)
{
  if (strlen (hex) != 2 * self->digest_length)
    return refuse (error, "is cut off, or longer than its method makes it");
  for (gsize i = 0; i < self->digest_length; i++)
    {
      int high = g_ascii_xdigit_value (hex[2 * i]);
      int low = g_ascii_xdigit_value (hex[2 * i + 1]);

      if (high < 0 || low < 0)
        return refuse (error, "has a digest that is not hexadecimal");
      self->digest[i] = (guint8) (high << 4 | low);
    }
  return TRUE;
}

static gboolean
foreign_hash_read (ForeignHash *self, const char *hash, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (hash, "$", 4);

  if (g_strv_length (parts) != 3)
    return refuse (error, "is not made of method, salt and digest with $ between them");
  return read_method (self, parts[0], error) && read_salt (self, parts[1], error)
         && read_digest (self, parts[2], error);
}

/**
 * sb_foreign_hash_check: (skip)
 * @hash: what somebody says is a hash of the original bus
 * @error: %SB_ERROR_UNSUPPORTED: what is wrong with it
 *
 * Any thread.
 *
 * Returns: whether it can be verified, in bounded time and memory
 */
gboolean
sb_foreign_hash_check (const char *hash, GError **error)
{
  g_auto (ForeignHash) self = { 0 };

  g_return_val_if_fail (hash != NULL, FALSE);

  return foreign_hash_read (&self, hash, error);
}

/* Computing */

/* As libcrypt has them in the setting of scrypt: 30 bits in five digits. */
static void
append_number (GString *setting, guint number)
{
  for (guint i = 0; i < 5; i++, number >>= 6)
    g_string_append_c (setting, digits[number & 63]);
}

static char *
make_scrypt_setting (const ForeignHash *self)
{
  GString *setting = g_string_new ("$7$");

  g_string_append_c (setting, digits[self->log2_n]);
  append_number (setting, self->r);
  append_number (setting, self->p);
  g_string_append (setting, self->salt);
  return g_string_free (setting, FALSE);
}

/* Back from libcrypt's digits, lowest bits first. Returns whether that were so many bytes. */
static gboolean
decode (const char *text, guint8 *bytes, gsize length)
{
  guint32 bits = 0;
  guint n_bits = 0;
  gsize n = 0;

  for (; *text != '\0'; text++)
    {
      const char *digit = strchr (digits, *text);

      if (digit == NULL)
        return FALSE;
      bits |= (guint32) (digit - digits) << n_bits;
      n_bits += 6;
      if (n_bits < 8)
        continue;
      if (n == length)
        return FALSE;
      bytes[n++] = (guint8) bits;
      bits >>= 8;
      n_bits -= 8;
    }
  return n == length;
}

static gboolean
verify_scrypt (const ForeignHash *self, const char *password, gboolean *matches, GError **error)
{
  g_autofree char *setting = make_scrypt_setting (self);
  g_autofree char *hash = sb_password_crypt (password, setting, error);
  guint8 digest[SCRYPT_COMPARED];

  if (hash == NULL)
    return FALSE;
  if (!decode (strrchr (hash, '$') + 1, digest, sizeof digest))
    return refuse (error, "came out of libcrypt in another form than expected");
  *matches = sb_secret_is_equal (digest, self->digest, sizeof digest);
  return TRUE;
}

static void
verify_pbkdf2 (const ForeignHash *self, const char *password, gboolean *matches)
{
  guint8 digest[MAX_DIGEST];

  self->derive (strlen (password), (const uint8_t *) password, self->iterations,
                strlen (self->salt), (const uint8_t *) self->salt, self->digest_length, digest);
  *matches = sb_secret_is_equal (digest, self->digest, self->digest_length);
}

/**
 * sb_foreign_hash_verify: (skip)
 * @password: what somebody says the password is
 * @hash: a hash of the original bus
 * @matches: (out): whether @password is the one of @hash
 * @error: %SB_ERROR_UNSUPPORTED when @hash is none, or asks for too much
 *
 * Blocks for as long as @hash wants it, some tenths of a second; from any thread.
 *
 * Returns: whether the question could be answered
 */
gboolean
sb_foreign_hash_verify (const char *password, const char *hash, gboolean *matches, GError **error)
{
  g_auto (ForeignHash) self = { 0 };

  g_return_val_if_fail (password != NULL, FALSE);
  g_return_val_if_fail (hash != NULL, FALSE);
  g_return_val_if_fail (matches != NULL, FALSE);

  *matches = FALSE;
  if (!foreign_hash_read (&self, hash, error))
    return FALSE;
  if (self.derive == NULL)
    return verify_scrypt (&self, password, matches, error);
  verify_pbkdf2 (&self, password, matches);
  return TRUE;
}

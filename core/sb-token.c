/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-token: base64url (expiry, 8 bytes, big end first; HMAC-SHA256, 32 bytes), unpadded.
 *
 * The signature covers the user's id and password hash, which the token does not carry.
 */

#include "sb-token.h"

#include "sb-secret.h"

#include <string.h>

#define EXPIRY_SIZE 8
#define MAC_SIZE 32
#define TOKEN_LENGTH 54 /* of base64 without padding */
#define HEAD_LENGTH 12  /* the part of it that holds the expiry, and one byte more */

/* First into the signature, so that nothing else that is ever signed with the secret passes. */
static const char purpose[] = "simplebus log-in token 1";

static void
sign (GBytes *secret, const char *id, const char *password_hash, const guint8 expiry[EXPIRY_SIZE],
      guint8 mac[MAC_SIZE])
{
  gsize key_size;
  const guint8 *key = g_bytes_get_data (secret, &key_size);
  g_autoptr (GHmac) hmac = g_hmac_new (G_CHECKSUM_SHA256, key, key_size);
  gsize mac_size = MAC_SIZE;

  /* Each with its terminator: "ab" and "c" are not "a" and "bc". */
  g_hmac_update (hmac, (const guchar *) purpose, sizeof purpose);
  g_hmac_update (hmac, (const guchar *) id, (gssize) strlen (id) + 1);
  g_hmac_update (hmac, (const guchar *) password_hash, (gssize) strlen (password_hash) + 1);
  g_hmac_update (hmac, expiry, EXPIRY_SIZE);
  g_hmac_get_digest (hmac, mac, &mac_size);
}

/**
 * sb_token_make: (skip)
 * @secret: the key to sign with
 * @id: the user
 * @password_hash: the user's password hash as it is stored now
 * @expires_s: until when, in seconds since 1970
 *
 * Returns: (transfer full): the token: letters, digits, `-` and `_`
 */
char *
sb_token_make (GBytes *secret, const char *id, const char *password_hash, gint64 expires_s)
{
  guint8 raw[EXPIRY_SIZE + MAC_SIZE];
  gint64 expiry = GINT64_TO_BE (expires_s);
  char *token;

  memcpy (raw, &expiry, EXPIRY_SIZE);
  sign (secret, id, password_hash, raw, raw + EXPIRY_SIZE);
  token = g_base64_encode (raw, sizeof raw);
  g_strdelimit (token, "+", '-');
  g_strdelimit (token, "/", '_');
  token[TOKEN_LENGTH] = '\0';
  return token;
}

static gboolean
read_expiry (const char *token, gint64 *expires_s)
{
  char head[HEAD_LENGTH + 1];
  gsize size = 0;
  gint64 expiry;

  memcpy (head, token, HEAD_LENGTH);
  head[HEAD_LENGTH] = '\0';
  g_strdelimit (head, "-", '+');
  g_strdelimit (head, "_", '/');
  g_base64_decode_inplace (head, &size);
  if (size != EXPIRY_SIZE + 1)
    return FALSE;
  memcpy (&expiry, head, EXPIRY_SIZE);
  *expires_s = GINT64_FROM_BE (expiry);
  return TRUE;
}

/**
 * sb_token_is_genuine: (skip)
 * @secret: the key that it should be signed with
 * @id: the user
 * @password_hash: the user's password hash as it is stored now
 * @token: what the user sent; of any length, of which little is looked at
 * @expires_s: (out): until when it is good, in seconds since 1970, if it is genuine
 *
 * Returns: whether sb_token_make() made just this text from just these arguments. The time
 *   that takes does not tell how much of the signature is right
 */
gboolean
sb_token_is_genuine (GBytes *secret, const char *id, const char *password_hash, const char *token,
                     gint64 *expires_s)
{
  g_autofree char *expected = NULL;

  if (strnlen (token, TOKEN_LENGTH + 1) != TOKEN_LENGTH || !read_expiry (token, expires_s))
    return FALSE;
  /* The text is compared, not what it decodes to: one token has one spelling. */
  expected = sb_token_make (secret, id, password_hash, *expires_s);
  return sb_secret_is_equal (token, expected, TOKEN_LENGTH);
}

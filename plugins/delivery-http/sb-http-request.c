/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-http-request: what is the same for all messages to a recipient is put together once.
 *
 * The headers are those of Standard Webhooks. A header can carry no more than printable ASCII, an
 * `_id` nearly everything: all other bytes of it, the space and the percent sign are
 * percent-encoded. The signature is made over the header's text.
 */

#include "sb-http-request.h"

#include <string.h>

/**
 * sb_http_request_make_prefix:
 * @properties: the recipient
 * @version: of the program
 *
 * Returns: (transfer full): how all heads of requests to it begin
 */
char *
sb_http_request_make_prefix (const SbHttpProperties *properties, const char *version)
{
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_append_printf (text,
                          "POST %s HTTP/1.1\r\n"
                          "Host: %s\r\n"
                          "User-Agent: SimpleBus/%s\r\n"
                          "Accept: */*\r\n"
                          "Content-Type: application/json\r\n",
                          properties->path, properties->authority, version);
  if (properties->authorization != NULL)
    g_string_append_printf (text, "Authorization: %s\r\n", properties->authorization);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
append_number (GString *text, gint64 number)
{
  char digits[24];

  g_snprintf (digits, sizeof digits, "%" G_GINT64_FORMAT, number);
  g_string_append (text, digits);
}

static void
append_id (GString *text, const char *id)
{
  for (const char *p = id; *p != '\0'; p++)
    if (*p > ' ' && *p < 0x7f && *p != '%')
      g_string_append_c (text, *p);
    else
      g_string_append_printf (text, "%%%02X", (guint8) *p);
}

/* @signed_head: "id.timestamp" */
static void
append_signature (GString *head, GBytes *secret, const char *signed_head, gsize length,
                  GBytes *body)
{
  gsize key_length;
  const guint8 *key = g_bytes_get_data (secret, &key_length);
  GHmac *hmac = g_hmac_new (G_CHECKSUM_SHA256, key, key_length);
  gsize body_length;
  const guint8 *data = g_bytes_get_data (body, &body_length);
  guint8 digest[32];
  gsize digest_length = sizeof digest;
  g_autofree char *text = NULL;

  g_hmac_update (hmac, (const guint8 *) signed_head, (gssize) length);
  g_hmac_update (hmac, (const guint8 *) ".", 1);
  if (body_length > 0)
    g_hmac_update (hmac, data, (gssize) body_length);
  g_hmac_get_digest (hmac, digest, &digest_length);
  g_hmac_unref (hmac);
  text = g_base64_encode (digest, digest_length);
  g_string_append (head, "webhook-signature: v1,");
  g_string_append (head, text);
  g_string_append (head, "\r\n");
}

/**
 * sb_http_request_append_head:
 * @head: (inout): what the head is appended to
 * @prefix: of sb_http_request_make_prefix()
 * @secret: (nullable): key of the signature; %NULL: none is made
 * @message: what the request carries
 * @seconds: Unix time of this attempt
 */
void
sb_http_request_append_head (GString *head, const char *prefix, GBytes *secret, SbMessage *message,
                             gint64 seconds)
{
  g_autoptr (GString) identity = secret != NULL ? g_string_sized_new (64) : NULL;
  gsize at;

  g_string_append (head, prefix);
  g_string_append (head, "Content-Length: ");
  append_number (head, (gint64) g_bytes_get_size (message->body));
  g_string_append (head, "\r\nwebhook-id: ");
  at = head->len;
  append_id (head, message->id);
  if (identity != NULL)
    g_string_append_len (identity, head->str + at, (gssize) (head->len - at));
  g_string_append (head, "\r\nwebhook-timestamp: ");
  append_number (head, seconds);
  g_string_append (head, "\r\n");
  if (identity != NULL)
    {
      g_string_append_c (identity, '.');
      append_number (identity, seconds);
      append_signature (head, secret, identity->str, identity->len, message->body);
    }
  g_string_append (head, "\r\n");
}

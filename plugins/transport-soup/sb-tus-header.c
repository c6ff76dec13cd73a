/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-tus-header: metadata, numbers and checksums of tus 1.0. */

#include "sb-tus-header.h"

#include <string.h>

/* Decodes base64 as RFC 4648 has it, not what GLib makes of anything. Returns: (nullable) */
static guint8 *
decode (const char *text, gsize *length)
{
  gsize size = strlen (text);
  gsize n = strspn (text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
  guint8 *data;

  if (size % 4 != 0 || size - n > 2 || strspn (text + n, "=") != size - n)
    return NULL;
  data = g_base64_decode (text, length);
  return data != NULL ? data : g_malloc0 (1);
}

static gboolean
refuse (GError **error, const char *text)
{
  g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID, text);
  return FALSE;
}

static gboolean
take_pair (const char *key, const char *value, SbTusMetadata *metadata, GError **error)
{
  g_autofree guint8 *data = NULL;
  gsize length = 0;

  data = decode (value, &length);
  if (data == NULL)
    return refuse (error, "a value of Upload-Metadata is not base64");
  if (strcmp (key, "filename") == 0)
    {
      if (metadata->filename != NULL || !g_utf8_validate ((char *) data, (gssize) length, NULL))
        return refuse (error, "the filename in Upload-Metadata is not one text in UTF-8");
      metadata->filename = g_strndup ((char *) data, length);
    }
  else if (strcmp (key, "data") == 0)
    {
      if (metadata->data != NULL)
        return refuse (error, "Upload-Metadata has data more than once");
      metadata->data = g_bytes_new_take (g_steal_pointer (&data), length);
    }
  return TRUE;
}

/**
 * sb_tus_parse_metadata:
 * @header: (nullable): `Upload-Metadata`
 * @metadata: (out caller-allocates): for sb_tus_metadata_clear(), in any case
 * @error: SB_ERROR_INVALID
 *
 * Keys that the bus does not know are of no interest.
 *
 * Returns: whether it can be understood
 */
gboolean
sb_tus_parse_metadata (const char *header, SbTusMetadata *metadata, GError **error)
{
  g_auto (GStrv) pairs = g_strsplit (header != NULL ? header : "", ",", -1);

  *metadata = (SbTusMetadata) { 0 };
  for (char **pair = pairs; *pair != NULL; pair++)
    {
      char *key = g_strstrip (*pair);
      char *value = strchr (key, ' ');

      if (*key == '\0')
        continue;
      if (value != NULL)
        *value++ = '\0';
      if (!take_pair (key, value != NULL ? g_strstrip (value) : "", metadata, error))
        return FALSE;
    }
  return TRUE;
}

/**
 * sb_tus_metadata_clear:
 * @metadata: what was parsed
 *
 * Frees what is in it.
 */
void
sb_tus_metadata_clear (SbTusMetadata *metadata)
{
  g_clear_pointer (&metadata->filename, g_free);
  g_clear_pointer (&metadata->data, g_bytes_unref);
}

/**
 * sb_tus_parse_number:
 * @header: (nullable): its value
 * @name: its name
 * @number: (out): the number
 * @error: SB_ERROR_INVALID
 *
 * Returns: whether it is there, and a number of bytes
 */
gboolean
sb_tus_parse_number (const char *header, const char *name, guint64 *number, GError **error)
{
  if (header != NULL && g_ascii_isdigit (*header)
      && g_ascii_string_to_unsigned (header, 10, 0, G_MAXINT64, number, NULL))
    return TRUE;
  g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "%s is not a number of bytes", name);
  return FALSE;
}

/**
 * sb_tus_parse_checksum:
 * @header: (nullable): `Upload-Checksum`
 * @kind: (out): which one, %SB_CHECKSUM_NONE without a header
 * @digest: (out caller-allocates): 20 or 32 bytes
 * @error: SB_ERROR_INVALID
 *
 * Returns: whether it can be understood
 */
gboolean
sb_tus_parse_checksum (const char *header, SbChecksum *kind, guint8 digest[32], GError **error)
{
  g_auto (GStrv) words = NULL;
  g_autofree guint8 *data = NULL;
  gsize length = 0;

  *kind = SB_CHECKSUM_NONE;
  if (header == NULL)
    return TRUE;
  words = g_strsplit (header, " ", 2);
  if (g_strcmp0 (words[0], "sha1") == 0)
    *kind = SB_CHECKSUM_SHA1;
  else if (g_strcmp0 (words[0], "sha256") == 0)
    *kind = SB_CHECKSUM_SHA256;
  else
    return refuse (error, "the algorithm of Upload-Checksum is neither sha1 nor sha256");
  data = words[1] != NULL ? decode (words[1], &length) : NULL;
  if (data == NULL || length != (*kind == SB_CHECKSUM_SHA1 ? 20 : 32))
    return refuse (error, "Upload-Checksum is not a checksum in base64");
  memcpy (digest, data, length);
  return TRUE;
}

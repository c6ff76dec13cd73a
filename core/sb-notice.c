/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-notice: one walk over the members of a message that was accepted, so it
 * is known to be valid. Members that the bus writes itself are left out, all
 * others are copied byte for byte.
 */

#include "sb-notice.h"

#include "sb-json.h"

#include <string.h>

/* What the bus says of a file; a sender's word for it does not count. */
static const char *const own_members[] = {
  "type", "filename", "display_filename", "size", "sha256", "url",
};

/* Behind the string that begins at @p, which is at its opening quote. */
static const char *
skip_string (const char *p)
{
  for (p++; *p != '"'; p++)
    if (*p == '\\')
      p++;
  return p + 1;
}

/* At the comma or brace that ends the value that begins at @p. */
static const char *
skip_value (const char *p)
{
  guint depth = 0;

  for (;;)
    switch (*p)
      {
      case '"':
        p = skip_string (p);
        break;
      case '{':
      case '[':
        depth++;
        p++;
        break;
      case '}':
      case ']':
      case ',':
        if (depth == 0)
          return p;
        depth -= *p != ',';
        p++;
        break;
      default:
        p++;
      }
}

static gboolean
is_own (const char *name, const char *end)
{
  const SbSlice inner = { name + 1, (gsize) (end - name) - 2 };
  g_autofree char *text = sb_json_unescape (inner, NULL);

  for (guint i = 0; text != NULL && i < G_N_ELEMENTS (own_members); i++)
    if (strcmp (text, own_members[i]) == 0)
      return TRUE;
  return FALSE;
}

static void
append_member (GString *notice, const char *name, const char *value)
{
  g_string_append_printf (notice, "%s\"%s\":", notice->len > 1 ? "," : "", name);
  sb_json_append_string (notice, value);
}

static void
append_file (GString *notice, const SbFile *file, const char *url)
{
  g_autofree char *hash = sb_file_dup_hash (file);

  append_member (notice, "type", "file");
  append_member (notice, "filename", file->name);
  append_member (notice, "display_filename", file->display_name);
  g_string_append_printf (notice, ",\"size\":%" G_GUINT64_FORMAT, file->size);
  append_member (notice, "sha256", hash);
  if (url != NULL)
    append_member (notice, "url", url);
}

/**
 * sb_notice_make:
 * @message: (transfer none): as [func@envelope_splice] has made it
 * @file: (transfer none): what it announces
 * @url: (nullable): where the file can be fetched, absolute
 *
 * Puts in `type`, `filename`, `display_filename`, `size`, `sha256` and, if
 * there is one, `url`, in place of such members of the sender's.
 *
 * Returns: (transfer full): the bytes that recipients get
 */
GBytes *
sb_notice_make (GBytes *message, const SbFile *file, const char *url)
{
  gsize length;
  const char *data = g_bytes_get_data (message, &length);
  GString *notice = g_string_sized_new (length + 512);
  const char *p = data + 1;

  g_string_append_c (notice, '{');
  append_file (notice, file, url);
  for (;;)
    {
      const char *name = p + strspn (p, " \t\r\n");
      const char *name_end, *end;

      if (*name == '}')
        break;
      name_end = skip_string (name);
      end = skip_value (name_end);
      if (!is_own (name, name_end))
        {
          g_string_append_c (notice, ',');
          g_string_append_len (notice, name, end - name);
        }
      if (*end == '}')
        break;
      p = end + 1;
    }
  g_string_append_c (notice, '}');
  return g_string_free_to_bytes (notice);
}

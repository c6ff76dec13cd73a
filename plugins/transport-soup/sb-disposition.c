/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-disposition: under which name a client saves a file.
 *
 * The name comes from another client. It is written twice: for old readers with what is harmless
 * in quotes, and for the others in UTF-8 with everything escaped but letters and digits.
 */

#include "sb-disposition.h"

#include <string.h>

/* Bytes of UTF-8. File systems take no more. */
#define MAX_NAME 255

#define PLACEHOLDER "file"

/* What has no place in the name of a file: paths, and what hides or turns around text. */
static gboolean
is_bad (gunichar c)
{
  return c == '/' || c == '\\' || c == 0x7f || g_unichar_iscntrl (c)
         || g_unichar_type (c) == G_UNICODE_FORMAT || c == 0x2028 || c == 0x2029;
}

/* Returns: (transfer full): a name that is safe to save under, in UTF-8 */
static char *
clean (const char *name)
{
  g_autofree char *valid = g_utf8_make_valid (name, -1);
  GString *out = g_string_sized_new (64);

  for (const char *p = valid; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (out->len + 4 > MAX_NAME)
        break;
      g_string_append_unichar (out, is_bad (c) ? '_' : c);
    }
  if (strspn (out->str, ". ") == out->len)
    g_string_assign (out, PLACEHOLDER);
  return g_string_free (out, FALSE);
}

/* Quotes would end it, and some readers undo percents. */
static void
append_ascii (GString *out, const char *name)
{
  for (const char *p = name; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      g_string_append_c (out, c < ' ' || c > '~' || c == '"' || c == '%' ? '_' : (char) c);
    }
}

static void
append_escaped (GString *out, const char *name)
{
  for (const char *p = name; *p != '\0'; p++)
    {
      if (g_ascii_isalnum (*p) || strchr ("-._~", *p) != NULL)
        g_string_append_c (out, *p);
      else
        g_string_append_printf (out, "%%%02X", (guint) (guchar) *p);
    }
}

/**
 * sb_disposition_format:
 * @name: display name of a file, whatever is in it
 *
 * Returns: (transfer full): the value of `Content-Disposition`
 */
char *
sb_disposition_format (const char *name)
{
  g_autofree char *safe = clean (name);
  GString *out = g_string_new ("attachment; filename=\"");

  append_ascii (out, safe);
  g_string_append (out, "\"; filename*=UTF-8''");
  append_escaped (out, safe);
  return g_string_free (out, FALSE);
}

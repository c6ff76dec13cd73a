/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-file-name: what a sender calls a file must neither lead out of the folder, nor hide
 * there, nor look like something else, nor be impossible on the disk that somebody copies it to.
 */

#include "sb-client-file-name.h"

#include <string.h>

/* A name has 255 bytes at most; what numbers take is left free. */
#define MAX_BYTES 240

/* An ending that is longer is none. */
#define MAX_ENDING 32

#define FALLBACK "file"

/* Turn the direction of writing, or are not seen. */
static gboolean
is_deceptive (gunichar c)
{
  switch (g_unichar_type (c))
    {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
    case G_UNICODE_SURROGATE:
      return TRUE;
    default:
      return FALSE;
    }
}

static const char *
skip_folders (const char *name)
{
  const char *last = name;

  for (const char *p = name; *p != '\0'; p++)
    if (*p == '/' || *p == '\\')
      last = p + 1;
  return last;
}

/* Other systems do not have these in names: a stick or a share could not take the file. */
static gboolean
is_foreign (gunichar c)
{
  return c < 0x80 && strchr ("<>:\"|?*/\\", (int) c) != NULL;
}

static GString *
drop_tricks (const char *name)
{
  GString *clean = g_string_new (NULL);

  for (const char *p = name; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (g_unichar_isspace (c))
        g_string_append_c (clean, ' ');
      else if (is_foreign (c))
        g_string_append_c (clean, '_');
      else if (!is_deceptive (c))
        g_string_append_unichar (clean, c);
    }
  return clean;
}

/* No blanks around it, no dots before it, which hide it, and none behind it, which some systems
 * drop. */
static void
strip (GString *name)
{
  gsize skipped = strspn (name->str, " .");

  g_string_erase (name, 0, (gssize) skipped);
  while (name->len > 0 && strchr (" .", name->str[name->len - 1]) != NULL)
    g_string_truncate (name, name->len - 1);
}

/* Returns: where the ending begins, its dot, or the end of the name */
static const char *
find_ending (const char *name)
{
  const char *end = name + strlen (name);
  const char *dot = strrchr (name, '.');

  if (dot == NULL || dot == name || end - dot > MAX_ENDING)
    return end;
  /* report.tar.gz */
  if (dot - name > 4 && strncmp (dot - 4, ".tar", 4) == 0)
    return dot - 4;
  return dot;
}

static void
shorten (GString *name)
{
  gsize ending = name->len - (gsize) (find_ending (name->str) - name->str);
  gsize stem = MAX_BYTES - ending;

  if (name->len <= MAX_BYTES)
    return;
  while (stem > 0 && ((guchar) name->str[stem] & 0xc0) == 0x80)
    stem--;
  g_string_erase (name, (gssize) stem, (gssize) (name->len - ending - stem));
}

/* Names of devices, on systems that still have them everywhere: "con", "COM1.txt". */
static gboolean
is_reserved (const char *name)
{
  static const char *const devices[] = { "con", "prn", "aux", "nul" };
  gsize length = strcspn (name, ". ");

  for (gsize i = 0; i < G_N_ELEMENTS (devices); i++)
    if (length == 3 && g_ascii_strncasecmp (name, devices[i], 3) == 0)
      return TRUE;
  return length == 4 && g_ascii_isdigit (name[3])
         && (g_ascii_strncasecmp (name, "com", 3) == 0
             || g_ascii_strncasecmp (name, "lpt", 3) == 0);
}

char *
sb_client_file_name_make_safe (const char *name)
{
  g_autofree char *valid = g_utf8_make_valid (name != NULL ? name : "", -1);
  GString *safe = drop_tricks (skip_folders (valid));

  strip (safe);
  if (safe->len == 0)
    g_string_assign (safe, FALLBACK);
  /* With a hyphen in front it would be an option to many a program. */
  if (is_reserved (safe->str) || safe->str[0] == '-' || safe->str[0] == '~')
    g_string_prepend_c (safe, '_');
  shorten (safe);
  strip (safe);
  return g_string_free (safe, FALSE);
}

char *
sb_client_file_name_number (const char *name, guint number)
{
  const char *ending = find_ending (name);

  if (number <= 1)
    return g_strdup (name);
  return g_strdup_printf ("%.*s (%u)%s", (int) (ending - name), name, number, ending);
}

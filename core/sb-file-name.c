/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-file-name: takes the tricks out of names, and leaves the ending, by which people know them. */

#include "sb-file-name.h"

#include <string.h>

#define FALLBACK "file"

/* Of a stored name: the part that comes from the message's id, and the one that comes from the
 * file's name. */
#define MAX_ID_PART 140
#define MAX_NAME_PART 100

/* An ending that is longer is none. */
#define MAX_ENDING 20

/* Characters that turn the direction of writing, or are not seen: "gpj.exe" for "exe.jpg". */
static gboolean
is_deceptive (gunichar c)
{
  return c == 0x00ad || c == 0x061c || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e)
         || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb)
         || (c >= 0xe0000 && c <= 0xe007f);
}

static const char *
find_last_component (const char *name)
{
  const char *last = name;

  for (const char *p = name; *p != '\0'; p++)
    if (*p == '/' || *p == '\\')
      last = p + 1;
  /* "C:name", which is relative to a drive. */
  if (g_ascii_isalpha (last[0]) && last[1] == ':')
    last += 2;
  return last;
}

static char *
drop_tricks (const char *name)
{
  GString *clean = g_string_new (NULL);

  for (const char *p = name; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (!g_unichar_iscntrl (c) && !is_deceptive (c))
        g_string_append_unichar (clean, c);
    }
  return g_strstrip (g_string_free (clean, FALSE));
}

/* Returns: where the ending begins, its dot, or the end of the text. */
static const char *
find_ending (const char *name)
{
  const char *dot = strrchr (name, '.');

  if (dot == NULL || dot == name || strlen (dot) > MAX_ENDING)
    return name + strlen (name);
  return dot;
}

/* Returns: (transfer full): at most @max bytes, cut before the ending and between characters. */
static char *
shorten (const char *name, gsize max)
{
  const char *ending = find_ending (name);
  gsize stem = MIN ((gsize) (ending - name), max - strlen (ending));

  while (stem > 0 && ((guchar) name[stem] & 0xc0) == 0x80)
    stem--;
  return g_strdup_printf ("%.*s%s", (int) stem, name, ending);
}

static gboolean
is_empty (const char *name)
{
  return name[strspn (name, ". ")] == '\0';
}

/**
 * sb_file_name_make_display:
 * @name: what somebody called a file, in any encoding
 *
 * Takes the last component of a path, leaves out control characters and those
 * that deceive the eye, composes accents, and cuts what is too long before its
 * ending. Any thread.
 *
 * Returns: (transfer full): what people see: 1 to %SB_FILE_NAME_MAX bytes of UTF-8
 */
char *
sb_file_name_make_display (const char *name)
{
  g_autofree char *valid = g_utf8_make_valid (name, -1);
  g_autofree char *composed = g_utf8_normalize (find_last_component (valid), -1, G_NORMALIZE_NFC);
  g_autofree char *clean = drop_tricks (composed != NULL ? composed : "");

  if (is_empty (clean))
    return g_strdup (FALLBACK);
  return shorten (clean, SB_FILE_NAME_MAX);
}

/* Appends @text with everything but plain ASCII made one underscore for a run of it. */
static char *
make_plain (const char *text, gsize max)
{
  g_autoptr (GString) plain = g_string_new (NULL);

  for (const char *p = text; *p != '\0'; p++)
    if (g_ascii_isalnum (*p) || (*p == '.' && plain->len > 0) || *p == '-')
      g_string_append_c (plain, *p);
    else if (plain->len == 0 || plain->str[plain->len - 1] != '_')
      g_string_append_c (plain, '_');
  return shorten (plain->str, max);
}

/**
 * sb_file_name_make_stored:
 * @id: of the message
 * @display_name: what people see
 *
 * Makes `<id>_<name>` of letters, digits, dots, dashes and underscores only,
 * which needs no escaping anywhere. Different ids or names may make the same.
 * Any thread.
 *
 * Returns: (transfer full): the name that clients ask for
 */
char *
sb_file_name_make_stored (const char *id, const char *display_name)
{
  g_autofree char *id_part = make_plain (id, MAX_ID_PART);
  g_autofree char *name_part = make_plain (display_name, MAX_NAME_PART);

  return g_strconcat (id_part, "_", name_part, NULL);
}

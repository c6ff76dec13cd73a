/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-output: text for people, and JSON for programs.
 *
 * Ids, names and reasons come from whoever sent something through the bus. On a terminal they could
 * move the cursor, change its title or read backwards, so nothing but sb_cli_printable() lets them
 * there.
 */

#include "sb-cli.h"

#include <glib/gi18n.h>
#include <math.h>
#include <stdio.h>

#define KIBI 1024.0

/* Formats such as overrides of the direction of writing; not the joiners, which scripts and
 * emojis need. */
static gboolean
is_plain (gunichar c)
{
  if (c == 0x200c || c == 0x200d)
    return TRUE;
  switch (g_unichar_type (c))
    {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
    case G_UNICODE_PRIVATE_USE:
    case G_UNICODE_SURROGATE:
    case G_UNICODE_UNASSIGNED:
      return FALSE;
    default:
      return TRUE;
    }
}

static void
append_shown (GString *shown, gunichar c)
{
  if (c == '\n')
    g_string_append (shown, "\\n");
  else if (c == '\t')
    g_string_append (shown, "\\t");
  else if (c < 0x100)
    g_string_append_printf (shown, "\\x%02x", c);
  else
    g_string_append_printf (shown, "\\u{%x}", c);
}

/**
 * sb_cli_printable:
 * @text: from anybody, in any encoding
 *
 * Shows control characters, line ends, overrides of the direction of writing and other invisible
 * characters as escapes, for instance `\x1b`, so that a terminal does not obey them.
 *
 * Returns: (transfer full): UTF-8 of one line
 */
char *
sb_cli_printable (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_autoptr (GString) shown = g_string_sized_new (strlen (valid));

  for (const char *p = valid; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (is_plain (c))
        g_string_append_unichar (shown, c);
      else
        append_shown (shown, c);
    }
  return g_string_free (g_steal_pointer (&shown), FALSE);
}

/**
 * sb_cli_text_width:
 * @text: valid UTF-8 without control characters
 *
 * Returns: how many columns of a terminal it takes
 */
guint
sb_cli_text_width (const char *text)
{
  guint width = 0;

  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (!g_unichar_iszerowidth (c))
        width += g_unichar_iswide (c) ? 2 : 1;
    }
  return width;
}

/**
 * sb_cli_print_json:
 * @node: what to print
 *
 * Prints it to standard output on one line.
 */
void
sb_cli_print_json (JsonNode *node)
{
  g_autofree char *text = json_to_string (node, FALSE);

  g_print ("%s\n", text);
}

/**
 * sb_cli_format_age:
 * @seconds: not negative
 *
 * Returns: (transfer full): the same in its largest unit: "40 s", "5 min", "3 h", "12 d"
 */
char *
sb_cli_format_age (gint64 seconds)
{
  seconds = MAX (seconds, 0);
  if (seconds < 120)
    return g_strdup_printf (_ ("%d s"), (int) seconds);
  if (seconds < 120 * 60)
    return g_strdup_printf (_ ("%d min"), (int) (seconds / 60));
  if (seconds < 48 * 3600)
    return g_strdup_printf (_ ("%d h"), (int) (seconds / 3600));
  return g_strdup_printf (_ ("%d d"), (int) MIN (seconds / 86400, G_MAXINT));
}

/**
 * sb_cli_format_size:
 * @bytes: not negative
 *
 * Returns: (transfer full): the same with three digits: "310 B", "1.46 KiB", "2.10 GiB"
 */
char *
sb_cli_format_size (gint64 bytes)
{
  static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
  double value = (double) MAX (bytes, 0);
  guint unit = 0;

  for (; value >= 999.5 && unit + 1 < G_N_ELEMENTS (units); unit++)
    value /= KIBI;
  if (unit == 0)
    return g_strdup_printf ("%.0f %s", value, units[unit]);
  return g_strdup_printf ("%.*f %s", value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value, units[unit]);
}

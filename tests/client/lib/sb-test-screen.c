/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-test-screen: a terminal of one page without an end. */

#include "sb-test-screen.h"

#include <string.h>

typedef struct
{
  GPtrArray *lines; /* (owned) of GString */
  guint row;
  guint column; /* in characters */
  guint columns;
} Screen;

static void
free_line (gpointer data)
{
  g_string_free (data, TRUE);
}

static GString *
get_line (Screen *self)
{
  while (self->lines->len <= self->row)
    g_ptr_array_add (self->lines, g_string_new (NULL));
  return g_ptr_array_index (self->lines, self->row);
}

static void
put_character (Screen *self, gunichar c)
{
  GString *line;
  char text[8] = { 0 };
  char *at;

  if (self->column == self->columns)
    {
      self->column = 0;
      self->row++;
    }
  line = get_line (self);
  while ((guint) g_utf8_strlen (line->str, -1) < self->column)
    g_string_append_c (line, ' ');
  g_unichar_to_utf8 (c, text);
  at = g_utf8_offset_to_pointer (line->str, self->column);
  if (*at != '\0')
    g_string_erase (line, at - line->str, g_utf8_next_char (at) - at);
  g_string_insert (line, g_utf8_offset_to_pointer (line->str, self->column) - line->str, text);
  self->column++;
}

static void
erase_line (Screen *self)
{
  GString *line = get_line (self);

  if (self->column < (guint) g_utf8_strlen (line->str, -1))
    g_string_truncate (line,
                       (gsize) (g_utf8_offset_to_pointer (line->str, self->column) - line->str));
}

/* Returns: what is behind the code */
static const char *
obey (Screen *self, const char *code)
{
  char *end;
  guint64 number;

  g_assert_cmpint (*code, ==, '[');
  number = g_ascii_strtoull (code + 1, &end, 10);
  switch (*end)
    {
    case 'A':
      g_assert_cmpuint (number, <=, self->row);
      self->row -= (guint) number;
      break;
    case 'K':
      erase_line (self);
      break;
    case 'J':
      erase_line (self);
      g_ptr_array_set_size (self->lines, (int) MIN (self->row + 1, self->lines->len));
      break;
    case 'm':
      break;
    default:
      g_error ("the terminal was sent an escape code that nobody expects: %s", code);
    }
  return end + 1;
}

static char *
join (Screen *self)
{
  GString *text = g_string_new (NULL);
  guint n = self->lines->len;

  while (n > 0 && ((GString *) g_ptr_array_index (self->lines, n - 1))->len == 0)
    n--;
  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, "%s\n", ((GString *) g_ptr_array_index (self->lines, i))->str);
  return g_string_free (text, FALSE);
}

char *
sb_test_screen_show (const char *output, guint columns)
{
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (free_line);
  Screen self = { .lines = lines, .columns = columns };

  for (const char *p = output; *p != '\0';)
    {
      if (*p == '\033')
        {
          p = obey (&self, p + 1);
          continue;
        }
      if (*p == '\n')
        self.row++;
      else if (*p == '\r')
        self.column = 0;
      else
        put_character (&self, g_utf8_get_char (p));
      p = g_utf8_next_char (p);
    }
  return join (&self);
}

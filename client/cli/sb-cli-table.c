/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-table: rows whose columns stand below each other, whatever alphabet is in them. */

#include "sb-cli.h"

#include <stdarg.h>

#define GAP "  "

struct _SbCliTable
{
  SbCli *cli; /* (unowned) */
  guint n_columns;
  guint64 right;    /* a bit for each column whose cells end below each other */
  GPtrArray *cells; /* (owned) of char: the headings, then row by row, fit for a terminal */
};

/* Returns: how many there were */
static guint
add_cells (SbCliTable *self, const char *first, va_list args)
{
  guint n = 0;

  for (const char *cell = first; cell != NULL; cell = va_arg (args, const char *), n++)
    g_ptr_array_add (self->cells, sb_cli_printable (cell));
  return n;
}

/**
 * sb_cli_table_new:
 * @cli: (transfer none): tells of quiet and colours; it must outlive the table
 * @first_heading: a heading for each column, at most 64
 * @...: the others, then %NULL
 *
 * Returns: (transfer full): a table without rows
 */
SbCliTable *
sb_cli_table_new (SbCli *cli, const char *first_heading, ...)
{
  SbCliTable *self = g_new0 (SbCliTable, 1);
  va_list args;

  self->cli = cli;
  self->cells = g_ptr_array_new_with_free_func (g_free);
  va_start (args, first_heading);
  self->n_columns = add_cells (self, first_heading, args);
  va_end (args);
  g_assert (self->n_columns > 0 && self->n_columns <= 64);
  return self;
}

/**
 * sb_cli_table_align_right:
 * @self: a table
 * @column: counted from 0
 *
 * For numbers.
 */
void
sb_cli_table_align_right (SbCliTable *self, guint column)
{
  self->right |= G_GUINT64_CONSTANT (1) << column;
}

/**
 * sb_cli_table_add:
 * @self: a table
 * @first_cell: a cell for each column, from wherever
 * @...: the others, then %NULL
 *
 * Adds a row.
 */
void
sb_cli_table_add (SbCliTable *self, const char *first_cell, ...)
{
  va_list args;
  guint n;

  va_start (args, first_cell);
  n = add_cells (self, first_cell, args);
  va_end (args);
  g_assert (n == self->n_columns);
}

static guint *
measure (SbCliTable *self, guint first)
{
  guint *widths = g_new0 (guint, self->n_columns);

  for (guint i = first; i < self->cells->len; i++)
    {
      guint width = sb_cli_text_width (g_ptr_array_index (self->cells, i));

      widths[i % self->n_columns] = MAX (widths[i % self->n_columns], width);
    }
  return widths;
}

static void
append_blanks (GString *text, guint n)
{
  for (guint i = 0; i < n; i++)
    g_string_append_c (text, ' ');
}

/* Nothing is behind the last cell of a row that has something in it. */
static void
append_row (SbCliTable *self, GString *text, guint first, const guint *widths)
{
  gsize end = text->len;

  for (guint column = 0; column < self->n_columns; column++)
    {
      const char *cell = g_ptr_array_index (self->cells, first + column);
      guint blanks = widths[column] - sb_cli_text_width (cell);
      gboolean is_right = (self->right >> column) & 1;

      append_blanks (text, is_right ? blanks : 0);
      g_string_append (text, cell);
      if (*cell != '\0')
        end = text->len;
      append_blanks (text, is_right ? 0 : blanks);
      g_string_append (text, GAP);
    }
  g_string_truncate (text, end);
}

/**
 * sb_cli_table_print:
 * @self: a table
 *
 * Prints it to standard output: nothing when it has no rows, and no headings when only results are
 * wanted.
 */
void
sb_cli_table_print (SbCliTable *self)
{
  guint first = self->cli->quiet ? self->n_columns : 0;
  g_autofree guint *widths = measure (self, first);
  g_autoptr (GString) text = g_string_new (NULL);

  if (self->cells->len == self->n_columns)
    return;
  for (guint i = first; i < self->cells->len; i += self->n_columns)
    {
      gboolean is_bold = i == 0 && self->cli->colour;

      g_string_append (text, is_bold ? "\033[1m" : "");
      append_row (self, text, i, widths);
      g_string_append (text, is_bold ? "\033[0m\n" : "\n");
    }
  g_print ("%s", text->str);
}

/**
 * sb_cli_table_free:
 * @self: (transfer full): a table
 *
 * Frees it.
 */
void
sb_cli_table_free (SbCliTable *self)
{
  g_ptr_array_unref (self->cells);
  g_free (self);
}

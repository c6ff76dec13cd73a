/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-test-picture: paints what a terminal shows, and lets zbarimg read it. */

#include "sb-test-picture.h"

#include "sb-test.h"

#include <stdio.h>
#include <string.h>

/* A character cell in pixels; as much of the terminal is around what is shown. */
#define CELL_WIDTH 4
#define CELL_HEIGHT 8
#define MARGIN 8

typedef struct
{
  GByteArray *cells; /* (owned) two grey values each: upper and lower half */
  guint columns;
  guint rows;
} Cells;

/* Two places of the palette of 256 colours are enough. */
static guint8
get_grey (int colour)
{
  g_assert_true (colour == 16 || colour == 231);
  return colour == 16 ? 0 : 255;
}

/* @p: behind the escape character. Returns: behind the sequence */
static const char *
obey (const char *p, SbTestScreen *colours, const SbTestScreen *usual)
{
  int text;
  int background;
  const char *end = strchr (p, 'm');

  g_assert_nonnull (end);
  if (sscanf (p, "[38;5;%d;48;5;%dm", &text, &background) == 2)
    {
      colours->text = get_grey (text);
      colours->background = get_grey (background);
    }
  else
    {
      g_assert_true (g_str_has_prefix (p, "[0m"));
      *colours = *usual;
    }
  return end + 1;
}

static void
add_cell (Cells *cells, gunichar c, const SbTestScreen *colours)
{
  gboolean upper = c == 0x2580 || c == 0x2588 || c == '#';
  gboolean lower = c == 0x2584 || c == 0x2588 || c == '#';
  guint8 pair[2] = { upper ? colours->text : colours->background,
                     lower ? colours->text : colours->background };

  g_assert_true (upper || lower || c == ' ');
  g_byte_array_append (cells->cells, pair, sizeof pair);
}

/* Lines have the same width. */
static Cells
parse (const char *shown, const SbTestScreen *screen)
{
  Cells cells = { g_byte_array_new (), 0, 0 };
  SbTestScreen colours = *screen;
  guint before = 0;

  for (const char *p = shown; *p != '\0';)
    {
      gunichar c = g_utf8_get_char (p);

      p = g_utf8_next_char (p);
      if (c == 0x1b)
        p = obey (p, &colours, screen);
      else if (c == '\n')
        {
          guint columns = (cells.cells->len - before) / 2;

          before = cells.cells->len;
          g_assert_true (cells.rows++ == 0 || columns == cells.columns);
          cells.columns = columns;
        }
      else if (c != '\r')
        add_cell (&cells, c, &colours);
    }
  return cells;
}

static guint8
get_pixel (const Cells *cells, guint x, guint y, guint8 background)
{
  guint column = x / CELL_WIDTH;
  guint row = y / CELL_HEIGHT;
  guint half = y % CELL_HEIGHT < CELL_HEIGHT / 2 ? 0 : 1;

  if (column < MARGIN || column >= MARGIN + cells->columns || row < MARGIN
      || row >= MARGIN + cells->rows)
    return background;
  return cells->cells->data[2 * ((row - MARGIN) * cells->columns + column - MARGIN) + half];
}

/* In the "portable grey map" format. */
static GString *
paint (const Cells *cells, guint8 background)
{
  guint width = (cells->columns + 2 * MARGIN) * CELL_WIDTH;
  guint height = (cells->rows + 2 * MARGIN) * CELL_HEIGHT;
  GString *picture = g_string_new (NULL);

  g_string_append_printf (picture, "P5\n%u %u\n255\n", width, height);
  for (guint y = 0; y < height; y++)
    for (guint x = 0; x < width; x++)
      g_string_append_c (picture, (char) get_pixel (cells, x, y, background));
  return picture;
}

char *
sb_test_read_picture (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) reader = NULL;
  g_autofree char *text = NULL;

  reader = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE,
                             &error, "zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable",
                             path, NULL);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_communicate_utf8 (reader, NULL, NULL, &text, NULL, &error));
  g_assert_no_error (error);
  if (g_subprocess_get_exit_status (reader) != 0)
    return NULL;
  return g_strdup (g_strchomp (text));
}

char *
sb_test_read_screen (const char *shown, const SbTestScreen *screen)
{
  Cells cells = parse (shown, screen);
  g_autoptr (GString) picture = paint (&cells, screen->background);
  g_autoptr (SbTestDir) dir = sb_test_make_dir ();
  g_autofree char *path = g_build_filename (dir, "screen.pgm", NULL);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, picture->str, (gssize) picture->len, &error);
  g_assert_no_error (error);
  g_byte_array_unref (cells.cells);
  return sb_test_read_picture (path);
}

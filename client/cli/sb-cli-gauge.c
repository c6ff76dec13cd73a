/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-gauge: name, bar, percent, bytes, rate and time left in one line. What a narrow terminal
 * has no room for is left out, the least important first; a line never gets wider than it may.
 */

#include "sb-cli-gauge.h"

#include "sb-cli.h"

#include <glib/gi18n.h>
#include <string.h>

#define LEAST_NAME 12
#define MOST_NAME 40
#define LEAST_BAR 8
#define MOST_BAR 40

/* Widths that figures are padded to, so that those of several lines stand below each other. */
#define PERCENT_WIDTH 4
#define BYTES_WIDTH 17
#define RATE_WIDTH 12
#define LEFT_WIDTH 7

/* --- Text of a given width --- */

static guint
char_width (gunichar c)
{
  if (g_unichar_iszerowidth (c))
    return 0;
  return g_unichar_iswide (c) ? 2 : 1;
}

/* Returns: where the longest part from the start ends that is @columns wide at most */
static const char *
find_head (const char *text, guint columns)
{
  guint width = 0;

  for (const char *p = text;; p = g_utf8_next_char (p))
    {
      if (*p == '\0')
        return p;
      width += char_width (g_utf8_get_char (p));
      if (width > columns)
        return p;
    }
}

/* Returns: where the longest part up to the end begins. A mark that joins what is left of it goes
 * with that. */
static const char *
find_tail (const char *text, guint columns)
{
  const char *start = text + strlen (text);
  guint width = 0;

  for (const char *p = start; p > text;)
    {
      guint more;

      p = g_utf8_prev_char (p);
      more = char_width (g_utf8_get_char (p));
      if (width + more > columns)
        break;
      width += more;
      if (more > 0)
        start = p;
    }
  return start;
}

static void
append_padding (GString *line, guint n)
{
  for (; n > 0; n--)
    g_string_append_c (line, ' ');
}

/**
 * sb_cli_fit_text:
 * @text: UTF-8 without control characters
 * @columns: of a terminal
 *
 * Takes the middle out of a text that is too wide, for the ends of file names tell more of them.
 *
 * Returns: (transfer full): it, at most @columns wide
 */
char *
sb_cli_fit_text (const char *text, guint columns)
{
  g_autoptr (GString) fitted = NULL;
  const char *head, *tail;

  if (sb_cli_text_width (text) <= columns)
    return g_strdup (text);
  if (columns == 0)
    return g_strdup ("");
  head = find_head (text, (columns - 1) / 2);
  tail = find_tail (head, columns - 1 - (columns - 1) / 2);
  fitted = g_string_new_len (text, head - text);
  g_string_append (fitted, "…");
  g_string_append (fitted, tail);
  return g_string_free (g_steal_pointer (&fitted), FALSE);
}

/* --- Figures --- */

/* Both in the unit of the larger one. */
static char *
format_bytes (gint64 done, gint64 size)
{
  static const char *const units[] = { N_ ("B"),   N_ ("KiB"), N_ ("MiB"), N_ ("GiB"),
                                       N_ ("TiB"), N_ ("PiB"), N_ ("EiB") };
  double divisor = 1;
  guint unit = 0;

  for (; (double) MAX (done, size) / divisor >= 1024 && unit + 1 < G_N_ELEMENTS (units); unit++)
    divisor *= 1024;
  if (size < 0)
    return g_strdup_printf (unit > 0 ? "%.1f %s" : "%.0f %s", (double) done / divisor,
                            _ (units[unit]));
  return g_strdup_printf (unit > 0 ? "%.1f/%.1f %s" : "%.0f/%.0f %s", (double) done / divisor,
                          (double) size / divisor, _ (units[unit]));
}

static char *
format_rate (double rate)
{
  g_autofree char *size = NULL;

  if (rate <= 0)
    return g_strdup ("");
  size = sb_cli_format_size ((gint64) rate);
  return g_strdup_printf (_ ("%s/s"), size);
}

static char *
format_left (double seconds)
{
  guint left = (guint) MIN (seconds + 0.5, 100.0 * 3600);

  if (seconds < 0)
    return g_strdup ("");
  if (left >= 100 * 3600)
    return g_strdup (_ (">99 h"));
  if (left >= 3600)
    return g_strdup_printf ("%u:%02u:%02u", left / 3600, left / 60 % 60, left % 60);
  return g_strdup_printf ("%u:%02u", left / 60, left % 60);
}

/* All of it is all of it: never 100 before the last byte. */
static char *
format_percent (const SbCliGauge *self)
{
  if (self->size < 0)
    return g_strdup ("");
  if (self->done >= self->size)
    return g_strdup ("100%");
  return g_strdup_printf ("%d%%", CLAMP ((int) (100.0 * self->done / self->size), 0, 99));
}

/* --- The line --- */

typedef struct
{
  char *text; /* (owned) */
  guint width;
  guint rank; /* the higher, the sooner it is left out */
} Field;

#define N_FIELDS 4

static void
field_init (Field *field, char *text, guint width, guint rank)
{
  field->text = text;
  field->width = MAX (width, sb_cli_text_width (text));
  field->rank = rank;
}

static void
make_fields (const SbCliGauge *self, Field *fields)
{
  field_init (&fields[0], format_percent (self), PERCENT_WIDTH, 0);
  field_init (&fields[1], format_bytes (self->done, self->size), BYTES_WIDTH, 3);
  if (self->note != NULL)
    {
      field_init (&fields[2], g_strdup (self->note), RATE_WIDTH + 1 + LEFT_WIDTH, 2);
      field_init (&fields[3], g_strdup (""), 0, 1);
      return;
    }
  field_init (&fields[2], format_rate (self->rate), RATE_WIDTH, 2);
  field_init (&fields[3], format_left (self->left), LEFT_WIDTH, 1);
}

/* What fields of a rank below @n_ranks take, each with a blank before it. */
static guint
measure_fields (const Field *fields, guint n_ranks)
{
  guint width = 0;

  for (guint i = 0; i < N_FIELDS; i++)
    if (fields[i].rank < n_ranks && fields[i].width > 0)
      width += fields[i].width + 1;
  return width;
}

static void
append_field (GString *line, const Field *field)
{
  append_padding (line, 1 + field->width - sb_cli_text_width (field->text));
  g_string_append (line, field->text);
}

/* " [=====>    ]" */
static void
append_bar (GString *line, const SbCliGauge *self, guint width)
{
  double part = self->size > 0 ? CLAMP ((double) self->done / self->size, 0, 1) : 1;
  guint inner = width - 3;
  guint filled = (guint) (part * inner);

  g_string_append (line, " [");
  for (guint i = 0; i < inner; i++)
    g_string_append_c (line, i < filled ? '=' : i == filled ? '>' : ' ');
  g_string_append_c (line, ']');
}

static void
append_name (GString *line, const char *name, guint width)
{
  g_autofree char *fitted = sb_cli_fit_text (name, width);

  g_string_append (line, fitted);
  append_padding (line, width - sb_cli_text_width (fitted));
}

/* Shares out what the figures leave. Returns: width of the bar, 0 for none */
static guint
divide (guint room, guint *name)
{
  guint bar;

  if (room < LEAST_NAME + LEAST_BAR)
    {
      *name = room;
      return 0;
    }
  bar = CLAMP (room * 2 / 5, LEAST_BAR, MOST_BAR);
  *name = MIN (room - bar, MOST_NAME);
  return MIN (room - *name, MOST_BAR);
}

/**
 * sb_cli_gauge_format:
 * @self: what is to be shown
 * @columns: how wide the line may be
 *
 * Returns: (transfer full): the line, without an end of line
 */
char *
sb_cli_gauge_format (const SbCliGauge *self, guint columns)
{
  GString *line = g_string_new (NULL);
  guint n_ranks = N_FIELDS;
  Field fields[N_FIELDS];
  guint bar, name;

  make_fields (self, fields);
  while (n_ranks > 1 && measure_fields (fields, n_ranks) + LEAST_NAME > columns)
    n_ranks--;
  if (measure_fields (fields, n_ranks) > columns)
    n_ranks = 0;
  bar = divide (columns - measure_fields (fields, n_ranks), &name);
  append_name (line, self->name, name);
  if (bar > 0)
    append_bar (line, self, bar);
  for (guint i = 0; i < N_FIELDS; i++)
    {
      if (fields[i].rank < n_ranks && fields[i].width > 0)
        append_field (line, &fields[i]);
      g_free (fields[i].text);
    }
  return g_string_free (line, FALSE);
}

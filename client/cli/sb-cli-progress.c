/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-progress: each picture is written at once: back to the first line of the last one, the
 * new lines over the old ones, and what is left of those erased. The cursor rests below the last
 * line and is never hidden, so that a program that dies leaves a terminal in order.
 */

#include "sb-cli-progress.h"

#include "sb-cli-gauge.h"
#include "sb-cli.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define INTERVAL_MS 100

#define ERASE_TO_END_OF_LINE "\033[K"
#define ERASE_TO_END_OF_SCREEN "\033[J"

struct _SbCliProgress
{
  int fd;
  gboolean bars_wanted;
  GPtrArray *bars; /* (owned) of SbCliBar, those that have not ended */
  GArray *drawn;   /* (owned) of guint: widths of the lines on the screen */
  guint timer;
  guint resized;
  /* For the total. */
  guint n_files;
  guint n_ended;
  guint n_expected;
  gint64 ended_bytes;
  gint64 expected_bytes;
};

struct _SbCliBar
{
  SbCliProgress *progress; /* not owned */
  char *name;              /* (owned) */
  char *note;              /* (owned) (nullable) */
  gint64 done;
  gint64 size;
  double rate;
  double left;
};

/* --- The terminal --- */

static void
get_size (SbCliProgress *self, guint *columns, guint *rows)
{
  struct winsize size = { 0 };

  if (ioctl (self->fd, TIOCGWINSZ, &size) != 0)
    size.ws_col = size.ws_row = 0;
  *columns = size.ws_col > 0 ? size.ws_col : 80;
  *rows = size.ws_row > 0 ? size.ws_row : 24;
}

/* The text is UTF-8; the terminal may be something else. */
static void
write_text (SbCliProgress *self, const char *text)
{
  g_autofree char *local = NULL;
  const char *charset;
  gsize left;

  if (!g_get_charset (&charset))
    text = local = g_convert_with_fallback (text, -1, charset, "UTF-8", "?", NULL, NULL, NULL);
  left = text != NULL ? strlen (text) : 0;
  while (left > 0)
    {
      gssize n = write (self->fd, text, left);

      if (n < 0 && errno == EAGAIN)
        poll (&(struct pollfd) { .fd = self->fd, .events = POLLOUT }, 1, -1);
      else if (n < 0 && errno != EINTR)
        return;
      text += MAX (n, 0);
      left -= (gsize) MAX (n, 0);
    }
}

/* Nobody waits for a picture: not where output is stopped, and not in the background, where the
 * terminal belongs to another program. */
static gboolean
can_draw (SbCliProgress *self)
{
  struct pollfd poll_fd = { .fd = self->fd, .events = POLLOUT };
  pid_t foreground = tcgetpgrp (self->fd);

  return poll (&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLOUT) != 0
         && (foreground < 0 || foreground == getpgrp ());
}

/* A terminal that got narrower has broken the lines in several. */
static guint
count_rows (SbCliProgress *self, guint columns)
{
  guint rows = 0;

  for (guint i = 0; i < self->drawn->len; i++)
    rows += MAX (1, (g_array_index (self->drawn, guint, i) + columns - 1) / columns);
  return rows;
}

/* To the start of the first line that is drawn. */
static void
append_return (SbCliProgress *self, GString *text)
{
  guint columns, rows, up;

  get_size (self, &columns, &rows);
  up = MIN (count_rows (self, columns), rows - 1);
  g_string_append_c (text, '\r');
  if (up > 0)
    g_string_append_printf (text, "\033[%uA", up);
}

static void
append_erasure (SbCliProgress *self, GString *text)
{
  if (self->drawn->len == 0)
    return;
  append_return (self, text);
  g_string_append (text, ERASE_TO_END_OF_SCREEN);
  g_array_set_size (self->drawn, 0);
}

/* --- Drawing --- */

static void
append_line (SbCliProgress *self, GString *text, const char *line)
{
  guint width = sb_cli_text_width (line);

  g_string_append_printf (text, "%s" ERASE_TO_END_OF_LINE "\n", line);
  g_array_append_val (self->drawn, width);
}

static void
append_bar (SbCliProgress *self, GString *text, const SbCliBar *bar, guint columns)
{
  SbCliGauge gauge = {
    .name = bar->name,
    .done = bar->done,
    .size = bar->size,
    .rate = bar->rate,
    .left = bar->left,
    .note = bar->note,
  };
  g_autofree char *line = sb_cli_gauge_format (&gauge, columns);

  append_line (self, text, line);
}

static void
append_total (SbCliProgress *self, GString *text, guint columns)
{
  guint n_files = MAX (self->n_files, self->n_expected);
  /* Translators: how many files are there, of how many */
  g_autofree char *name = g_strdup_printf (_ ("Total %u/%u"), self->n_ended, n_files);
  SbCliBar total = { .name = name, .done = self->ended_bytes, .size = self->ended_bytes };

  for (guint i = 0; i < self->bars->len; i++)
    {
      const SbCliBar *bar = g_ptr_array_index (self->bars, i);

      total.done += bar->done;
      total.size += MAX (bar->size, bar->done);
      total.rate += bar->rate;
    }
  total.size = MAX (total.size, self->expected_bytes);
  total.left = total.rate > 0 ? (double) (total.size - total.done) / total.rate : -1;
  append_bar (self, text, &total, columns);
}

/* As many as there is room for, with a line for the total and one for the cursor. */
static void
append_bars (SbCliProgress *self, GString *text)
{
  gboolean has_total = MAX (self->n_files, self->n_expected) > 1;
  guint columns, rows, room;

  get_size (self, &columns, &rows);
  /* A line as wide as the terminal would break. */
  columns--;
  room = rows - MIN (rows, has_total ? 2 : 1);
  for (guint i = 0; i < self->bars->len && i < room; i++)
    append_bar (self, text, g_ptr_array_index (self->bars, i), columns);
  if (has_total && rows > 1)
    append_total (self, text, columns);
}

static void
draw (SbCliProgress *self)
{
  g_autoptr (GString) text = g_string_new (NULL);

  if (self->drawn->len > 0)
    append_return (self, text);
  g_array_set_size (self->drawn, 0);
  if (self->bars->len > 0)
    append_bars (self, text);
  g_string_append (text, ERASE_TO_END_OF_SCREEN);
  write_text (self, text->str);
}

static gboolean
draw_cb (gpointer user_data)
{
  SbCliProgress *self = user_data;

  if (!can_draw (self))
    return G_SOURCE_CONTINUE;
  self->timer = 0;
  draw (self);
  return G_SOURCE_REMOVE;
}

/* Soon, but not each time that something has changed. */
static void
draw_soon (SbCliProgress *self)
{
  if (self->bars_wanted && self->timer == 0)
    self->timer = g_timeout_add (INTERVAL_MS, draw_cb, self);
}

static gboolean
resized_cb (gpointer user_data)
{
  SbCliProgress *self = user_data;

  if (self->drawn->len > 0)
    draw_soon (self);
  return G_SOURCE_CONTINUE;
}

/* --- Public --- */

SbCliProgress *
sb_cli_progress_new (int fd, gboolean bars)
{
  SbCliProgress *self = g_new0 (SbCliProgress, 1);

  self->fd = fd;
  self->bars_wanted = bars;
  self->bars = g_ptr_array_new ();
  self->drawn = g_array_new (FALSE, FALSE, sizeof (guint));
  if (bars)
    self->resized = g_unix_signal_add (SIGWINCH, resized_cb, self);
  return self;
}

static void
bar_free (SbCliBar *self)
{
  g_free (self->name);
  g_free (self->note);
  g_free (self);
}

void
sb_cli_progress_free (SbCliProgress *self)
{
  sb_cli_progress_hide (self);
  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_handle_id (&self->resized, g_source_remove);
  g_ptr_array_set_free_func (self->bars, (GDestroyNotify) bar_free);
  g_ptr_array_unref (self->bars);
  g_array_unref (self->drawn);
  g_free (self);
}

void
sb_cli_progress_expect (SbCliProgress *self, guint n_files, gint64 bytes)
{
  self->n_expected = n_files;
  self->expected_bytes = bytes;
}

void
sb_cli_progress_print (SbCliProgress *self, const char *text)
{
  g_autoptr (GString) picture = g_string_new (NULL);

  append_erasure (self, picture);
  g_string_append_printf (picture, "%s\n", text);
  write_text (self, picture->str);
  if (self->bars->len > 0)
    draw_soon (self);
}

void
sb_cli_progress_hide (SbCliProgress *self)
{
  g_autoptr (GString) text = g_string_new (NULL);

  append_erasure (self, text);
  write_text (self, text->str);
  if (self->bars->len > 0)
    draw_soon (self);
}

SbCliBar *
sb_cli_progress_add (SbCliProgress *self, const char *name)
{
  SbCliBar *bar = g_new0 (SbCliBar, 1);

  bar->progress = self;
  bar->name = sb_cli_printable (name);
  bar->size = -1;
  bar->left = -1;
  g_ptr_array_add (self->bars, bar);
  self->n_files++;
  draw_soon (self);
  return bar;
}

void
sb_cli_bar_set (SbCliBar *self, gint64 done, gint64 size, double rate, double left,
                const char *note)
{
  self->done = done;
  self->size = size;
  self->rate = rate;
  self->left = left;
  g_free (self->note);
  self->note = g_strdup (note);
  draw_soon (self->progress);
}

void
sb_cli_bar_end (SbCliBar *self)
{
  SbCliProgress *progress = self->progress;

  progress->n_ended++;
  progress->ended_bytes += self->done;
  g_ptr_array_remove (progress->bars, self);
  bar_free (self);
  draw_soon (progress);
}

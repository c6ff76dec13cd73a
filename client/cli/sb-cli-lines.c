/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-lines: standard output is shared with other programs, so it is not made non-blocking.
 * Instead no more is written at a time than what is sure to be taken: PIPE_BUF bytes after poll()
 * has said so.
 */

#include "sb-cli-lines.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Files take whatever they are given, and a disk does not make one wait for long. */
#define FILE_CHUNK (256 * 1024)

typedef struct
{
  char *id;  /* (owned) */
  gsize end; /* where its line ends, in bytes since the start */
} Line;

struct _SbCliLines
{
  int fd;
  gsize chunk;
  SbCliLinesWritten written;
  SbCliLinesFailed failed;
  gpointer user_data;
  GByteArray *buffer; /* (owned) what is to be written */
  gsize start;        /* within buffer */
  gsize n_added;      /* bytes since the start */
  gsize n_written;
  GQueue lines; /* of Line (owned) */
  guint writable;
  guint gone;
  gboolean is_broken;
};

static void
line_free (gpointer data)
{
  Line *line = data;

  g_free (line->id);
  g_free (line);
}

static void
fail (SbCliLines *self, int code)
{
  g_autoptr (GError) error = NULL;

  if (self->is_broken)
    return;
  self->is_broken = TRUE;
  g_clear_handle_id (&self->gone, g_source_remove);
  error = g_error_new (G_IO_ERROR, (int) g_io_error_from_errno (code),
                       _ ("standard output cannot be written: %s"), g_strerror (code));
  self->failed (error, self->user_data);
}

/* Nobody reads any more: there is nothing to be done for the next line to find that out. */
static gboolean
gone_cb (int fd, GIOCondition condition, gpointer user_data)
{
  SbCliLines *self = user_data;

  self->gone = 0;
  fail (self, EPIPE);
  return G_SOURCE_REMOVE;
}

/**
 * sb_cli_lines_new:
 * @fd: of standard output
 * @written: called for each line that was taken
 * @failed: called once
 * @user_data: for both
 *
 * Begins to write. From now on a reader that has gone is an error, not the end of the program.
 *
 * Returns: (transfer full): a writer
 */
SbCliLines *
sb_cli_lines_new (int fd, SbCliLinesWritten written, SbCliLinesFailed failed, gpointer user_data)
{
  SbCliLines *self = g_new0 (SbCliLines, 1);
  struct stat info;

  signal (SIGPIPE, SIG_IGN);
  self->fd = fd;
  self->chunk = fstat (fd, &info) == 0 && S_ISREG (info.st_mode) ? FILE_CHUNK : PIPE_BUF;
  self->written = written;
  self->failed = failed;
  self->user_data = user_data;
  self->buffer = g_byte_array_new ();
  g_queue_init (&self->lines);
  if (fstat (fd, &info) == 0 && (S_ISFIFO (info.st_mode) || S_ISSOCK (info.st_mode)))
    self->gone = g_unix_fd_add (fd, G_IO_ERR | G_IO_HUP, gone_cb, self);
  return self;
}

/**
 * sb_cli_lines_free:
 * @self: (transfer full): a writer
 *
 * Frees it. What was not written is lost.
 */
void
sb_cli_lines_free (SbCliLines *self)
{
  g_clear_handle_id (&self->writable, g_source_remove);
  g_clear_handle_id (&self->gone, g_source_remove);
  g_queue_clear_full (&self->lines, line_free);
  g_byte_array_unref (self->buffer);
  g_free (self);
}

static void
tell_written (SbCliLines *self)
{
  Line *line;

  while ((line = g_queue_peek_head (&self->lines)) != NULL && line->end <= self->n_written)
    {
      g_queue_pop_head (&self->lines);
      self->written (line->id, self->user_data);
      line_free (line);
    }
}

static void
drop_written (SbCliLines *self)
{
  if (self->start < self->buffer->len && self->start < FILE_CHUNK)
    return;
  g_byte_array_remove_range (self->buffer, 0, (guint) self->start);
  self->start = 0;
}

static gboolean
writable_cb (int fd, GIOCondition condition, gpointer user_data)
{
  SbCliLines *self = user_data;
  gsize length = MIN (self->buffer->len - self->start, self->chunk);
  gssize n = write (fd, self->buffer->data + self->start, length);

  if (n < 0 && (errno == EINTR || errno == EAGAIN))
    return G_SOURCE_CONTINUE;
  if (n < 0)
    {
      self->writable = 0;
      fail (self, errno);
      return G_SOURCE_REMOVE;
    }
  self->start += (gsize) n;
  self->n_written += (gsize) n;
  drop_written (self);
  tell_written (self);
  if (self->buffer->len > 0)
    return G_SOURCE_CONTINUE;
  self->writable = 0;
  return G_SOURCE_REMOVE;
}

/* A line end within JSON can only be white space between its parts. */
static void
append_line (GByteArray *buffer, GBytes *bytes)
{
  gsize length;
  const guint8 *data = g_bytes_get_data (bytes, &length);
  guint start = buffer->len;

  g_byte_array_append (buffer, data, (guint) length);
  for (guint i = start; i < buffer->len; i++)
    if (buffer->data[i] == '\n' || buffer->data[i] == '\r')
      buffer->data[i] = ' ';
  g_byte_array_append (buffer, (const guint8 *) "\n", 1);
}

/**
 * sb_cli_lines_add:
 * @self: a writer
 * @id: what the caller knows the line by
 * @bytes: JSON
 *
 * Writes a line, byte for byte but for line ends between the parts of the JSON, which become
 * blanks.
 */
void
sb_cli_lines_add (SbCliLines *self, const char *id, GBytes *bytes)
{
  Line *line;

  if (self->is_broken)
    return;
  append_line (self->buffer, bytes);
  self->n_added += g_bytes_get_size (bytes) + 1;
  line = g_new (Line, 1);
  line->id = g_strdup (id);
  line->end = self->n_added;
  g_queue_push_tail (&self->lines, line);
  if (self->writable == 0)
    self->writable = g_unix_fd_add (self->fd, G_IO_OUT | G_IO_ERR | G_IO_HUP, writable_cb, self);
}

/**
 * sb_cli_lines_is_empty:
 * @self: a writer
 *
 * Returns: whether all lines were written
 */
gboolean
sb_cli_lines_is_empty (SbCliLines *self)
{
  return g_queue_is_empty (&self->lines);
}

/**
 * sb_cli_lines_break:
 * @self: a writer
 *
 * Writes no more, as if the reader had gone.
 */
void
sb_cli_lines_break (SbCliLines *self)
{
  g_clear_handle_id (&self->writable, g_source_remove);
  g_clear_handle_id (&self->gone, g_source_remove);
  self->is_broken = TRUE;
}

/**
 * sb_cli_lines_is_broken:
 * @self: a writer
 *
 * Returns: whether nothing can be written any more
 */
gboolean
sb_cli_lines_is_broken (SbCliLines *self)
{
  return self->is_broken;
}

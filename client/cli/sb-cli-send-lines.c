/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-send-lines: no more is read than can be sent, so that a large input takes no memory and a
 * slow one is sent line by line. The first line that cannot be sent ends it, by its number.
 */

#include "sb-cli-send-lines.h"

#include "sb-cli-publish.h"

#include <gio/gunixinputstream.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CHUNK (64 * 1024)

typedef struct
{
  SbCli *cli;
  guint parallel;
  gint64 retry;
  SbCliLineDraft make_draft;
  gpointer user_data;
  GInputStream *input;          /* (owned) */
  GCancellable *end_of_reading; /* (owned) */
  GByteArray *buffer;           /* (owned) read and not sent yet */
  gsize start;                  /* within buffer */
  gsize searched;               /* no line end before this */
  guint n_lines;
  guint n_sent;
  guint in_flight;
  gboolean is_reading;
  gboolean is_at_end;
  gboolean is_stopped;
  GError *error; /* (owned) (nullable) the first one */
} Lines;

typedef struct
{
  Lines *lines;
  guint number;
} Line;

static void go_on (Lines *self);

static void
stop (Lines *self, guint number, const GError *error)
{
  self->is_stopped = TRUE;
  g_cancellable_cancel (self->end_of_reading);
  if (self->error == NULL)
    self->error = g_error_new (error->domain, error->code, _ ("Line %u: %s"), number,
                               error->message);
}

static void
published_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Line *line = user_data;
  Lines *self = line->lines;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) answer = sb_cli_publish_finish (result, NULL, &error);
  g_autofree char *id = NULL;

  self->in_flight--;
  id = answer != NULL ? sb_cli_print_answer (self->cli, answer, &error) : NULL;
  if (id == NULL)
    stop (self, line->number, error);
  else
    self->n_sent++;
  go_on (self);
}

static void
send_line (Lines *self, const char *text, gsize length)
{
  g_autoptr (SbClientDraft) draft = NULL;
  g_autoptr (GError) error = NULL;
  Line *line;

  self->n_lines++;
  if (length > 0 && text[length - 1] == '\r')
    length--;
  if (length == 0)
    return;
  draft = self->make_draft (text, length, self->user_data, &error);
  if (draft == NULL)
    {
      stop (self, self->n_lines, error);
      return;
    }
  line = g_new (Line, 1);
  line->lines = self;
  line->number = self->n_lines;
  self->in_flight++;
  sb_cli_publish_async (self->cli, draft, 0, self->retry, published_cb, line);
}

/* Returns: whether there was a line. The last one may lack its end. */
static gboolean
take_line (Lines *self)
{
  const char *text = (const char *) self->buffer->data + self->start;
  gsize length = self->buffer->len - self->start;
  const char *end = length > self->searched
                        ? memchr (text + self->searched, '\n', length - self->searched)
                        : NULL;

  if (end == NULL && (!self->is_at_end || length == 0))
    {
      self->searched = length;
      return FALSE;
    }
  send_line (self, text, end != NULL ? (gsize) (end - text) : length);
  self->start += end != NULL ? (gsize) (end - text) + 1 : length;
  self->searched = 0;
  return TRUE;
}

static void
read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Lines *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result,
                                                               &error);

  self->is_reading = FALSE;
  if (bytes == NULL && self->is_stopped)
    return;
  if (bytes == NULL)
    stop (self, self->n_lines + 1, error);
  else if (g_bytes_get_size (bytes) == 0)
    self->is_at_end = TRUE;
  else
    g_byte_array_append (self->buffer, g_bytes_get_data (bytes, NULL),
                         (guint) g_bytes_get_size (bytes));
  go_on (self);
}

static void
read_more (Lines *self)
{
  g_autoptr (GError) error = NULL;

  g_byte_array_remove_range (self->buffer, 0, (guint) self->start);
  self->start = 0;
  if (self->buffer->len > SB_CLI_MAX_MESSAGE)
    {
      error = g_error_new_literal (SB_CLI_ERROR, SB_CLI_FAILED, _ ("it is too long for a message"));
      stop (self, self->n_lines + 1, error);
      return;
    }
  self->is_reading = TRUE;
  g_input_stream_read_bytes_async (self->input, CHUNK, G_PRIORITY_DEFAULT, self->end_of_reading,
                                   read_cb, self);
}

static void
go_on (Lines *self)
{
  while (!self->is_stopped && self->in_flight < self->parallel && take_line (self))
    ;
  if (!self->is_stopped && !self->is_at_end && !self->is_reading
      && self->in_flight < self->parallel)
    read_more (self);
}

static gboolean
is_finished (Lines *self)
{
  return self->in_flight == 0 && !self->is_reading
         && (self->is_stopped || (self->is_at_end && self->start == self->buffer->len));
}

/**
 * sb_cli_send_lines:
 * @cli: the command line
 * @parallel: how many are under way at a time; 1 keeps their order
 * @retry: for how many seconds one is tried
 * @make_draft: makes a message of a line
 * @user_data: for @make_draft
 *
 * Sends each line of standard input that is not empty.
 *
 * Returns: the exit status
 */
SbCliStatus
sb_cli_send_lines (SbCli *cli, int parallel, gint64 retry, SbCliLineDraft make_draft,
                   gpointer user_data)
{
  g_autoptr (GInputStream) input = g_unix_input_stream_new (STDIN_FILENO, FALSE);
  g_autoptr (GByteArray) buffer = g_byte_array_new ();
  g_autoptr (GCancellable) end_of_reading = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  Lines self = {
    .cli = cli,
    .parallel = (guint) parallel,
    .retry = retry,
    .make_draft = make_draft,
    .user_data = user_data,
    .input = input,
    .end_of_reading = end_of_reading,
    .buffer = buffer,
  };

  go_on (&self);
  while (!is_finished (&self))
    {
      g_main_context_iteration (NULL, TRUE);
      fflush (stdout);
    }
  error = self.error;
  if (error == NULL)
    return SB_CLI_OK;
  if (!cli->quiet)
    g_printerr (
        ngettext ("%u message was sent before\n", "%u messages were sent before\n", self.n_sent),
        self.n_sent);
  return sb_cli_fail (cli, error);
}

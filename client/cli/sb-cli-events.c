/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-events: reads lines, which make fields, which make events. */

#include "sb-cli-events.h"

#include <glib/gi18n.h>
#include <string.h>

#define SLICE 65536
/* Of an event: what an overview has is far below. */
#define MAX_EVENT (4 * 1024 * 1024)

/* The request that is under way holds a reference. */
struct _SbCliEvents
{
  GCancellable *cancellable; /* (owned) */
  GInputStream *stream;      /* (owned) (nullable) */
  GString *rest;             /* (owned) bytes behind the last line end */
  GString *data;             /* (owned) of the event that comes */
  char *event;               /* (owned) (nullable) */
  SbCliEventFunc func;       /* (nullable): %NULL once it has ended */
  gpointer user_data;
};

static void
clear (gpointer memory)
{
  SbCliEvents *self = memory;

  g_object_unref (self->cancellable);
  g_clear_object (&self->stream);
  g_string_free (self->rest, TRUE);
  g_string_free (self->data, TRUE);
  g_free (self->event);
}

static void
release (SbCliEvents *self)
{
  g_rc_box_release_full (self, clear);
}

static void
end (SbCliEvents *self, const GError *error)
{
  SbCliEventFunc func = self->func;

  self->func = NULL;
  if (func != NULL)
    func (NULL, NULL, error, self->user_data);
}

static void
take_line (SbCliEvents *self, const char *line)
{
  if (g_str_has_prefix (line, "event:"))
    {
      g_free (self->event);
      self->event = g_strdup (line + strlen ("event:") + strspn (line + strlen ("event:"), " "));
    }
  else if (g_str_has_prefix (line, "data:"))
    g_string_append (self->data,
                     line + strlen (g_str_has_prefix (line, "data: ") ? "data: " : "data:"));
  else if (*line == '\0' && self->data->len > 0)
    {
      if (self->func != NULL)
        self->func (self->event != NULL ? self->event : "message", self->data->str, NULL,
                    self->user_data);
      g_string_truncate (self->data, 0);
      g_clear_pointer (&self->event, g_free);
    }
}

/* Returns: whether it goes on */
static gboolean
take_bytes (SbCliEvents *self, const char *bytes, gsize length)
{
  const char *line_end;

  g_string_append_len (self->rest, bytes, (gssize) length);
  while ((line_end = memchr (self->rest->str, '\n', self->rest->len)) != NULL)
    {
      gsize n = (gsize) (line_end - self->rest->str);
      g_autofree char *line = g_strndup (self->rest->str, n);

      g_string_erase (self->rest, 0, (gssize) n + 1);
      take_line (self, g_strchomp (line));
    }
  return self->func != NULL && self->rest->len + self->data->len <= MAX_EVENT;
}

static void read_next (SbCliEvents *self);

static void
read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  SbCliEvents *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result,
                                                               &error);
  gsize length = 0;
  const char *data = bytes != NULL ? g_bytes_get_data (bytes, &length) : NULL;

  if (length > 0 && take_bytes (self, data, length))
    read_next (self);
  else if (self->func != NULL)
    {
      if (error == NULL)
        g_set_error_literal (&error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_OFFLINE,
                             _ ("The bus has ended the stream"));
      else
        {
          g_autoptr (GError) cause = g_steal_pointer (&error);

          g_set_error (&error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_OFFLINE,
                       _ ("The connection broke: %s"), cause->message);
        }
      end (self, error);
    }
  release (self);
}

static void
read_next (SbCliEvents *self)
{
  g_input_stream_read_bytes_async (self->stream, SLICE, G_PRIORITY_DEFAULT, self->cancellable,
                                   read_cb, g_rc_box_acquire (self));
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  SbCliEvents *self = user_data;
  g_autoptr (GError) error = NULL;

  self->stream = sb_client_open_finish (SB_CLIENT (source), result, NULL, &error);
  if (self->stream == NULL)
    end (self, error);
  else if (self->func != NULL)
    read_next (self);
  release (self);
}

/**
 * sb_cli_events_new:
 * @client: a client
 * @path: of the stream
 * @func: gets the events, from the main loop
 * @user_data: for @func
 *
 * Returns: (transfer full): the stream, which begins to be read
 */
SbCliEvents *
sb_cli_events_new (SbClient *client, const char *path, SbCliEventFunc func, gpointer user_data)
{
  SbCliEvents *self = g_rc_box_new0 (SbCliEvents);

  self->cancellable = g_cancellable_new ();
  self->rest = g_string_new (NULL);
  self->data = g_string_new (NULL);
  self->func = func;
  self->user_data = user_data;
  sb_client_open_async (client, "GET", path, NULL, self->cancellable, opened_cb,
                        g_rc_box_acquire (self));
  return self;
}

/**
 * sb_cli_events_free:
 * @self: (transfer full): a stream
 *
 * Closes it. Its function is not called any more.
 */
void
sb_cli_events_free (SbCliEvents *self)
{
  self->func = NULL;
  g_cancellable_cancel (self->cancellable);
  release (self);
}

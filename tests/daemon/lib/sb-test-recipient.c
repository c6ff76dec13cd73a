/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-test-recipient: a server of few words. */

#include "sb-test-recipient.h"

#include "sb-test.h"

#include <string.h>
#include <sys/socket.h>

#define TRICKLE_MS 5

typedef struct
{
  char *line; /* (owned) */
  char *head; /* (owned) */
  char *body; /* (owned) */
  gint64 time;
} Request;

typedef struct
{
  char *text; /* (owned) */
  SbTestThen then;
} Line;

typedef struct
{
  SbTestRecipient *recipient; /* (unowned) */
  GSocketConnection *stream;  /* (owned) */
  GSource *source;            /* (owned) */
  GString *input;             /* (owned) */
  gboolean is_held;
  char *trickle; /* (owned) (nullable) */
  gsize trickled;
  guint trickle_source;
} Caller;

struct _SbTestRecipient
{
  GSocketService *service; /* (owned) (nullable) */
  guint16 port;
  GPtrArray *callers;  /* (owned) of Caller */
  GPtrArray *requests; /* (owned) of Request */
  GQueue script;       /* of Line */
  guint n_requests;
  guint n_opened;
  guint n_closed;
};

static void
request_free (gpointer data)
{
  Request *self = data;

  g_free (self->line);
  g_free (self->head);
  g_free (self->body);
  g_free (self);
}

static void
line_free (gpointer data)
{
  Line *self = data;

  g_free (self->text);
  g_free (self);
}

/* Callers */

static void
caller_free (gpointer data)
{
  Caller *self = data;

  self->recipient->n_closed++;
  g_clear_handle_id (&self->trickle_source, g_source_remove);
  g_source_destroy (self->source);
  g_source_unref (self->source);
  g_io_stream_close (G_IO_STREAM (self->stream), NULL, NULL);
  g_object_unref (self->stream);
  g_string_free (self->input, TRUE);
  g_free (self->trickle);
  g_free (self);
}

static void
hang_up (Caller *self)
{
  g_ptr_array_remove (self->recipient->callers, self);
}

static void
say (Caller *self, const char *text, gsize length)
{
  GOutputStream *out = g_io_stream_get_output_stream (G_IO_STREAM (self->stream));

  /* Who hung up meanwhile does not hear it. */
  g_output_stream_write_all (out, text, length, NULL, NULL, NULL);
}

static gboolean
trickle_cb (gpointer user_data)
{
  Caller *self = user_data;

  say (self, self->trickle + self->trickled, 1);
  self->trickled = (self->trickled + 1) % strlen (self->trickle);
  return G_SOURCE_CONTINUE;
}

static void
reset (Caller *self)
{
  const struct linger now = { .l_onoff = 1 };
  GSocket *socket = g_socket_connection_get_socket (self->stream);

  setsockopt (g_socket_get_fd (socket), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  hang_up (self);
}

static void
answer (Caller *self)
{
  Line *line = g_queue_pop_head (&self->recipient->script);
  SbTestThen then = line != NULL ? line->then : SB_TEST_THEN_KEEP;
  g_autofree char *text = line != NULL ? g_steal_pointer (&line->text) : g_strdup (SB_TEST_OK);

  g_clear_pointer (&line, line_free);
  if (then != SB_TEST_THEN_TRICKLE)
    say (self, text, strlen (text));
  switch (then)
    {
    case SB_TEST_THEN_KEEP:
      break;
    case SB_TEST_THEN_CLOSE:
      hang_up (self);
      break;
    case SB_TEST_THEN_RESET:
      reset (self);
      break;
    case SB_TEST_THEN_HOLD:
      self->is_held = TRUE;
      break;
    case SB_TEST_THEN_TRICKLE:
      self->trickle = g_steal_pointer (&text);
      self->trickle_source = g_timeout_add (TRICKLE_MS, trickle_cb, self);
      break;
    }
}

static char *
find_header (const char *head, const char *name)
{
  g_auto (GStrv) lines = g_strsplit (head, "\r\n", -1);
  gsize length = strlen (name);

  for (char **line = lines; *line != NULL; line++)
    if (g_ascii_strncasecmp (*line, name, length) == 0 && (*line)[length] == ':')
      return g_strstrip (g_strdup (*line + length + 1));
  return NULL;
}

/* Returns whether there was a whole request, which is taken out. */
static gboolean
take_request (Caller *self)
{
  const char *end = strstr (self->input->str, "\r\n\r\n");
  gsize head_length = end != NULL ? (gsize) (end - self->input->str) + 4 : 0;
  g_autofree char *head = g_strndup (self->input->str, head_length);
  g_autofree char *length = find_header (head, "Content-Length");
  gsize body_length = length != NULL ? (gsize) g_ascii_strtoull (length, NULL, 10) : 0;
  Request *request;

  if (end == NULL || self->input->len < head_length + body_length)
    return FALSE;
  request = g_new0 (Request, 1);
  request->line = g_strndup (head, strcspn (head, "\r"));
  request->head = g_steal_pointer (&head);
  request->body = g_strndup (self->input->str + head_length, body_length);
  request->time = g_get_monotonic_time ();
  g_string_erase (self->input, 0, (gssize) (head_length + body_length));
  g_ptr_array_add (self->recipient->requests, request);
  self->recipient->n_requests++;
  return TRUE;
}

static gboolean
input_cb (GObject *stream, gpointer user_data)
{
  Caller *self = user_data;
  char buffer[65536];
  g_autoptr (GError) error = NULL;
  gssize n = g_pollable_input_stream_read_nonblocking (G_POLLABLE_INPUT_STREAM (stream), buffer,
                                                       sizeof buffer, NULL, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    return G_SOURCE_CONTINUE;
  if (n <= 0)
    {
      hang_up (self);
      return G_SOURCE_REMOVE;
    }
  g_string_append_len (self->input, buffer, n);
  if (take_request (self))
    answer (self);
  return G_SOURCE_CONTINUE;
}

static gboolean
incoming_cb (GSocketService *service, GSocketConnection *stream, GObject *source,
             gpointer user_data)
{
  SbTestRecipient *recipient = user_data;
  GInputStream *in = g_io_stream_get_input_stream (G_IO_STREAM (stream));
  Caller *self = g_new0 (Caller, 1);

  recipient->n_opened++;
  self->recipient = recipient;
  self->stream = g_object_ref (stream);
  self->input = g_string_new (NULL);
  self->source = g_pollable_input_stream_create_source (G_POLLABLE_INPUT_STREAM (in), NULL);
  g_source_set_callback (self->source, G_SOURCE_FUNC (input_cb), self, NULL);
  g_source_attach (self->source, NULL);
  g_ptr_array_add (recipient->callers, self);
  return TRUE;
}

/* Public API */

void
sb_test_recipient_start (SbTestRecipient *self)
{
  g_autoptr (GSocketAddress) wanted = g_inet_socket_address_new_from_string ("127.0.0.1",
                                                                             self->port);
  g_autoptr (GSocketAddress) got = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (self->service);
  self->service = g_socket_service_new ();
  g_socket_listener_set_backlog (G_SOCKET_LISTENER (self->service), 1024);
  g_socket_listener_add_address (G_SOCKET_LISTENER (self->service), wanted, G_SOCKET_TYPE_STREAM,
                                 G_SOCKET_PROTOCOL_TCP, NULL, &got, &error);
  g_assert_no_error (error);
  self->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (got));
  g_signal_connect (self->service, "incoming", G_CALLBACK (incoming_cb), self);
}

SbTestRecipient *
sb_test_recipient_new (void)
{
  SbTestRecipient *self = g_new0 (SbTestRecipient, 1);

  self->callers = g_ptr_array_new_with_free_func (caller_free);
  self->requests = g_ptr_array_new_with_free_func (request_free);
  sb_test_recipient_start (self);
  return self;
}

void
sb_test_recipient_stop (SbTestRecipient *self)
{
  g_signal_handlers_disconnect_by_data (self->service, self);
  g_socket_service_stop (self->service);
  g_socket_listener_close (G_SOCKET_LISTENER (self->service));
  g_clear_object (&self->service);
  g_ptr_array_set_size (self->callers, 0);
}

void
sb_test_recipient_free (SbTestRecipient *self)
{
  if (self->service != NULL)
    sb_test_recipient_stop (self);
  g_ptr_array_unref (self->callers);
  g_ptr_array_unref (self->requests);
  g_queue_clear_full (&self->script, line_free);
  g_free (self);
}

void
sb_test_recipient_script (SbTestRecipient *self, const char *text, SbTestThen then)
{
  Line *line = g_new0 (Line, 1);

  line->text = g_strdup (text);
  line->then = then;
  g_queue_push_tail (&self->script, line);
}

void
sb_test_recipient_script_status (SbTestRecipient *self, guint status, const char *fields)
{
  g_autofree char *text = g_strdup_printf ("HTTP/1.1 %u Because\r\nContent-Length: 4\r\n%s\r\nwhy?",
                                           status, fields);

  sb_test_recipient_script (self, text, SB_TEST_THEN_KEEP);
}

void
sb_test_recipient_release (SbTestRecipient *self, const char *text)
{
  for (guint i = 0; i < self->callers->len; i++)
    {
      Caller *caller = g_ptr_array_index (self->callers, i);

      if (caller->is_held)
        say (caller, text, strlen (text));
      caller->is_held = FALSE;
    }
}

guint16
sb_test_recipient_get_port (SbTestRecipient *self)
{
  return self->port;
}

void
sb_test_recipient_wait (SbTestRecipient *self, guint n)
{
  sb_test_wait_count (&self->n_requests, n, "requests to a recipient");
}

guint
sb_test_recipient_get_n (SbTestRecipient *self)
{
  return self->n_requests;
}

guint
sb_test_recipient_get_n_opened (SbTestRecipient *self)
{
  return self->n_opened;
}

void
sb_test_recipient_wait_closed (SbTestRecipient *self, guint n)
{
  sb_test_wait_count (&self->n_closed, n, "connections of a recipient to end");
}

static Request *
get_request (SbTestRecipient *self, guint index)
{
  g_assert_cmpuint (index, <, self->requests->len);
  return g_ptr_array_index (self->requests, index);
}

char *
sb_test_recipient_dup_ids (SbTestRecipient *self)
{
  g_autoptr (GString) ids = g_string_new (NULL);

  for (guint i = 0; i < self->requests->len; i++)
    {
      g_autoptr (JsonObject) object = sb_test_json_object (get_request (self, i)->body);

      if (i > 0)
        g_string_append_c (ids, ' ');
      g_string_append (ids, sb_test_json_string (object, "_id"));
    }
  return g_string_free (g_steal_pointer (&ids), FALSE);
}

const char *
sb_test_recipient_get_line (SbTestRecipient *self, guint index)
{
  return get_request (self, index)->line;
}

const char *
sb_test_recipient_get_body (SbTestRecipient *self, guint index)
{
  return get_request (self, index)->body;
}

char *
sb_test_recipient_dup_header (SbTestRecipient *self, guint index, const char *name)
{
  return find_header (get_request (self, index)->head, name);
}

gint64
sb_test_recipient_get_time (SbTestRecipient *self, guint index)
{
  return get_request (self, index)->time;
}

void
sb_test_recipient_make_user (SbTestRecipient *self, SbTestHttp *admin, const char *id,
                             const char *extra)
{
  g_autofree char *json = g_strdup_printf (
      "[{\"_id\":\"%s\",\"password\":\"%s-pw\",\"connection_properties\":"
      "{\"type\":\"http\",\"url\":\"http://127.0.0.1:%u/hs\"%s}}]",
      id, id, self->port, extra);

  sb_test_put_users (admin, json);
}

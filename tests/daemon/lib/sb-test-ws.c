/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-test-ws: libsoup's WebSocket client, and a queue of what came. */

#include "sb-test-ws.h"

#include <libsoup/soup.h>
#include <string.h>

#define MAX_FRAME (64 * 1024 * 1024)

struct _SbTestWs
{
  SoupSession *session;            /* (owned) */
  SoupWebsocketConnection *socket; /* (owned) (nullable): before it is there */
  GError *error;                   /* (owned) (nullable) */
  GQueue frames;                   /* (owned) of SbTestFrame */
  guint n_pings;
  gboolean auto_confirm;
  gboolean is_closed;
  char *token; /* (owned) (nullable) */
  gint64 pending;
};

/* --- Frames --- */

void
sb_test_frame_free (SbTestFrame *self)
{
  json_object_unref (self->json);
  g_free (self->text);
  g_free (self);
}

const char *
sb_test_frame_get (SbTestFrame *self, const char *member)
{
  return sb_test_json_string (self->json, member);
}

static SbTestFrame *
frame_new (GBytes *bytes)
{
  SbTestFrame *frame = g_new0 (SbTestFrame, 1);
  const char *data = g_bytes_get_data (bytes, &frame->length);

  frame->text = g_malloc (frame->length + 1);
  memcpy (frame->text, data, frame->length);
  frame->text[frame->length] = '\0';
  frame->json = sb_test_json_object (frame->text);
  return frame;
}

static void
message_cb (SoupWebsocketConnection *socket, int type, GBytes *bytes, gpointer user_data)
{
  SbTestWs *self = user_data;
  SbTestFrame *frame;

  g_assert_cmpint (type, ==, SOUP_WEBSOCKET_DATA_TEXT);
  frame = frame_new (bytes);
  if (g_strcmp0 (sb_test_frame_get (frame, "type"), "ping") == 0)
    {
      self->n_pings++;
      sb_test_frame_free (frame);
      return;
    }
  if (self->auto_confirm && sb_test_frame_get (frame, "_id") != NULL)
    sb_test_ws_confirm (self, sb_test_frame_get (frame, "_id"));
  g_queue_push_tail (&self->frames, frame);
}

static void
closed_cb (SoupWebsocketConnection *socket, gpointer user_data)
{
  ((SbTestWs *) user_data)->is_closed = TRUE;
}

/* --- Opening --- */

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  SbTestWs *self = user_data;

  self->socket = soup_session_websocket_connect_finish (SOUP_SESSION (source), result,
                                                        &self->error);
  if (self->socket == NULL)
    return;
  soup_websocket_connection_set_max_incoming_payload_size (self->socket, MAX_FRAME);
  g_signal_connect (self->socket, "message", G_CALLBACK (message_cb), self);
  g_signal_connect (self->socket, "closed", G_CALLBACK (closed_cb), self);
}

static gboolean
is_opened (gpointer user_data)
{
  SbTestWs *self = user_data;

  return self->socket != NULL || self->error != NULL;
}

static gboolean
accept_any_certificate (SoupMessage *message, GTlsCertificate *certificate,
                        GTlsCertificateFlags errors, gpointer user_data)
{
  return TRUE;
}

static SbTestWs *
open_socket (const char *scheme, guint16 port, const char *path)
{
  SbTestWs *self = g_new0 (SbTestWs, 1);
  g_autofree char *uri = g_strdup_printf ("%s://127.0.0.1:%u%s", scheme, port, path);
  g_autoptr (SoupMessage) message = soup_message_new (SOUP_METHOD_GET, uri);

  self->session = soup_session_new_with_options ("proxy-resolver", NULL, NULL);
  g_signal_connect (message, "accept-certificate", G_CALLBACK (accept_any_certificate), NULL);
  soup_session_websocket_connect_async (self->session, message, NULL, NULL, G_PRIORITY_DEFAULT,
                                        NULL, opened_cb, self);
  sb_test_wait_for (is_opened, self, "a WebSocket");
  g_assert_no_error (self->error);
  return self;
}

SbTestWs *
sb_test_ws_open (guint16 port, const char *path)
{
  return open_socket ("ws", port, path);
}

SbTestWs *
sb_test_ws_open_tls (guint16 port, const char *path)
{
  return open_socket ("wss", port, path);
}

static void
take_hello (SbTestWs *self)
{
  g_autoptr (SbTestFrame) frame = sb_test_ws_take_type (self, "connected");

  self->token = g_strdup (sb_test_frame_get (frame, "token"));
  self->pending = sb_test_json_int (frame->json, "pending");
}

static SbTestWs *
connect_user (SbTestDaemon *daemon, const char *user, const char *password, const char *extra)
{
  SbTestWs *self = sb_test_ws_open (sb_test_daemon_get_ws_port (daemon), "/");

  sb_test_ws_sendf (self, "{\"type\":\"connect\",\"data\":\"%s\",\"password\":\"%s\"%s%s}", user,
                    password, extra != NULL ? "," : "", extra != NULL ? extra : "");
  return self;
}

SbTestWs *
sb_test_ws_log_in (SbTestDaemon *daemon, const char *user, const char *password)
{
  SbTestWs *self = connect_user (daemon, user, password, "\"hello\":true");

  take_hello (self);
  return self;
}

SbTestWs *
sb_test_ws_log_in_as (SbTestDaemon *daemon, const char *user, const char *extra)
{
  g_autofree char *all = g_strconcat ("\"hello\":true", extra != NULL ? "," : "",
                                      extra != NULL ? extra : "", NULL);
  SbTestWs *self = sb_test_ws_begin_as (daemon, user, all);

  take_hello (self);
  return self;
}

SbTestWs *
sb_test_ws_begin_as (SbTestDaemon *daemon, const char *user, const char *extra)
{
  g_autofree char *password = g_strconcat (user, "-pw", NULL);

  return connect_user (daemon, user, password, extra);
}

static void
free_frame (gpointer frame)
{
  sb_test_frame_free (frame);
}

void
sb_test_ws_free (SbTestWs *self)
{
  g_signal_handlers_disconnect_by_data (self->socket, self);
  if (!self->is_closed)
    sb_test_ws_cut (self);
  g_object_unref (self->socket);
  soup_session_abort (self->session);
  g_object_unref (self->session);
  g_queue_clear_full (&self->frames, free_frame);
  g_clear_error (&self->error);
  g_free (self->token);
  g_free (self);
}

const char *
sb_test_ws_get_token (SbTestWs *self)
{
  return self->token;
}

gint64
sb_test_ws_get_pending (SbTestWs *self)
{
  return self->pending;
}

void
sb_test_ws_set_auto_confirm (SbTestWs *self, gboolean auto_confirm)
{
  self->auto_confirm = auto_confirm;
}

/* --- Sending --- */

void
sb_test_ws_send_data (SbTestWs *self, const char *data, gsize length)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, length);

  soup_websocket_connection_send_message (self->socket, SOUP_WEBSOCKET_DATA_TEXT, bytes);
}

void
sb_test_ws_send (SbTestWs *self, const char *text)
{
  sb_test_ws_send_data (self, text, strlen (text));
}

void
sb_test_ws_sendf (SbTestWs *self, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  sb_test_ws_send (self, text);
}

void
sb_test_ws_confirm (SbTestWs *self, const char *id)
{
  sb_test_ws_sendf (self, "{\"type\":\"confirmation\",\"data\":\"%s\"}", id);
}

/* --- Taking --- */

typedef struct
{
  SbTestWs *ws;
  const char *member; /* (nullable): any frame */
  const char *value;  /* (nullable): no such member */
  guint n;
} Wanted;

static GList *
find_frame (Wanted *wanted)
{
  for (GList *l = wanted->ws->frames.head; l != NULL; l = l->next)
    if (wanted->member == NULL
        || g_strcmp0 (sb_test_frame_get (l->data, wanted->member), wanted->value) == 0)
      return l;
  if (wanted->ws->is_closed)
    g_error ("the socket was closed (%u) while waiting for a frame with %s %s",
             soup_websocket_connection_get_close_code (wanted->ws->socket), wanted->member,
             wanted->value);
  return NULL;
}

static gboolean
is_there (gpointer user_data)
{
  return find_frame (user_data) != NULL;
}

static SbTestFrame *
take (Wanted *wanted)
{
  g_autofree char *what = g_strdup_printf ("a frame with %s %s", wanted->member, wanted->value);
  GList *link;
  SbTestFrame *frame;

  sb_test_wait_for (is_there, wanted, what);
  link = find_frame (wanted);
  frame = link->data;
  g_queue_delete_link (&wanted->ws->frames, link);
  return frame;
}

SbTestFrame *
sb_test_ws_take (SbTestWs *self)
{
  return take (&(Wanted) { .ws = self });
}

SbTestFrame *
sb_test_ws_take_type (SbTestWs *self, const char *type)
{
  return take (&(Wanted) { .ws = self, .member = "type", .value = type });
}

SbTestFrame *
sb_test_ws_take_id (SbTestWs *self, const char *id)
{
  return take (&(Wanted) { .ws = self, .member = "_id", .value = id });
}

char *
sb_test_ws_take_and_confirm (SbTestWs *self)
{
  g_autoptr (SbTestFrame) frame = sb_test_ws_take (self);
  const char *id = sb_test_frame_get (frame, "_id");

  g_assert_nonnull (id);
  sb_test_ws_confirm (self, id);
  return g_strdup (id);
}

static gboolean
has_frames (gpointer user_data)
{
  Wanted *wanted = user_data;

  return wanted->ws->frames.length >= wanted->n;
}

void
sb_test_ws_wait_frames (SbTestWs *self, guint n)
{
  sb_test_wait_for (has_frames, &(Wanted) { .ws = self, .n = n }, "frames");
}

void
sb_test_ws_sync (SbTestWs *self)
{
  sb_test_ws_send (self, "{\"type\":\"ping\"}");
  sb_test_frame_free (sb_test_ws_take_type (self, "pong"));
}

void
sb_test_ws_assert_nothing (SbTestWs *self)
{
  SbTestFrame *frame;

  sb_test_ws_sync (self);
  frame = g_queue_peek_head (&self->frames);
  if (frame != NULL)
    g_error ("a frame that should not have come: %s", frame->text);
}

guint
sb_test_ws_get_n_frames (SbTestWs *self)
{
  return self->frames.length;
}

guint
sb_test_ws_get_n_pings (SbTestWs *self)
{
  return self->n_pings;
}

static gboolean
has_pings (gpointer user_data)
{
  Wanted *wanted = user_data;

  return wanted->ws->n_pings >= wanted->n;
}

void
sb_test_ws_wait_pings (SbTestWs *self, guint n)
{
  sb_test_wait_for (has_pings, &(Wanted) { .ws = self, .n = n }, "pings");
}

/* --- The end --- */

gboolean
sb_test_ws_is_open (SbTestWs *self)
{
  return soup_websocket_connection_get_state (self->socket) == SOUP_WEBSOCKET_STATE_OPEN;
}

static gboolean
is_closed (gpointer user_data)
{
  return ((SbTestWs *) user_data)->is_closed;
}

gushort
sb_test_ws_wait_closed (SbTestWs *self)
{
  gushort code;

  sb_test_wait_for (is_closed, self, "the end of a WebSocket");
  code = soup_websocket_connection_get_close_code (self->socket);
  return code != 0 ? code : SOUP_WEBSOCKET_CLOSE_ABNORMAL;
}

const char *
sb_test_ws_get_close_reason (SbTestWs *self)
{
  return soup_websocket_connection_get_close_data (self->socket);
}

void
sb_test_ws_close (SbTestWs *self)
{
  soup_websocket_connection_close (self->socket, SOUP_WEBSOCKET_CLOSE_NORMAL, NULL);
  sb_test_ws_wait_closed (self);
}

void
sb_test_ws_cut (SbTestWs *self)
{
  g_io_stream_close (soup_websocket_connection_get_io_stream (self->socket), NULL, NULL);
}

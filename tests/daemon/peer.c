/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-peer: a socket as a GSource, with as much of HTTP and WebSocket as its tests need. */

#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Bytes read in one turn: many peers share one loop. */
#define READ_SIZE (256 * 1024)

#define HANDSHAKE                                                                        \
  "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

typedef enum
{
  STATE_CONNECTING,
  STATE_UPGRADING,
  STATE_OPEN,
  STATE_CLOSED,
} State;

struct _SbPeer
{
  GSource source;
  SbPeerMode mode;
  State state;
  SbPeerFuncs funcs;
  gpointer user_data;
  int fd;
  gpointer tag;    /* of the descriptor in the source */
  GByteArray *in;  /* (owned) what was read and is no whole thing yet */
  GByteArray *out; /* (owned) what was not written yet, from `written` on */
  gsize written;
  gsize received;
  gboolean reading;
  gboolean freed; /* by the test, from within a function of its own */
  gboolean busy;
  guint close_code;
  guint status;
};

static void
update_conditions (SbPeer *self)
{
  GIOCondition conditions = 0;

  if (self->state == STATE_CLOSED)
    return;
  if (self->reading && self->state != STATE_CONNECTING)
    conditions |= G_IO_IN;
  if (self->state == STATE_CONNECTING || self->out->len > self->written)
    conditions |= G_IO_OUT;
  g_source_modify_unix_fd (&self->source, self->tag, conditions);
}

static void
become_closed (SbPeer *self)
{
  if (self->state == STATE_CLOSED)
    return;
  self->state = STATE_CLOSED;
  g_source_remove_unix_fd (&self->source, self->tag);
  close (self->fd);
  if (!self->freed && self->funcs.closed != NULL)
    self->funcs.closed (self, self->user_data);
}

static void
become_open (SbPeer *self)
{
  self->state = STATE_OPEN;
  if (self->funcs.opened != NULL)
    self->funcs.opened (self, self->user_data);
}

/* Input */

static guint
read_status (const char *head)
{
  const char *space = strchr (head, ' ');

  return space != NULL ? (guint) g_ascii_strtoull (space, NULL, 10) : 0;
}

static gsize
read_length (const char *head)
{
  const char *field = strcasestr (head, "\r\nContent-Length:");

  return field != NULL ? g_ascii_strtoull (field + strlen ("\r\nContent-Length:"), NULL, 10) : 0;
}

/* Takes one whole answer from the front. The byte behind it is overwritten for a moment, so that
 * the body is a string. */
static gsize
take_answer (SbPeer *self, char *data, gsize length)
{
  char *end = memmem (data, length, "\r\n\r\n", 4);
  g_autofree char *head = NULL;
  gsize head_length, body_length;
  char behind;

  if (end == NULL)
    return 0;
  head_length = (gsize) (end + 4 - data);
  head = g_strndup (data, head_length);
  self->status = read_status (head);
  if (self->mode == SB_PEER_WEBSOCKET && self->status == 101)
    {
      become_open (self);
      return head_length;
    }
  body_length = read_length (head);
  if (length - head_length < body_length)
    return 0;
  behind = data[head_length + body_length];
  data[head_length + body_length] = '\0';
  if (self->status != 100 && self->funcs.answer != NULL)
    self->funcs.answer (self, self->status, head, data + head_length, body_length, self->user_data);
  data[head_length + body_length] = behind;
  return head_length + body_length;
}

static void
note_close (SbPeer *self, const char *payload, gsize length)
{
  if (length >= 2)
    self->close_code = (guint) ((guint8) payload[0] << 8 | (guint8) payload[1]);
  sb_peer_send_frame (self, SB_OPCODE_CLOSE, TRUE, payload, (gssize) MIN (length, 2));
}

/* Takes one whole frame from the front; servers do not mask. */
static gsize
take_frame (SbPeer *self, char *data, gsize length)
{
  const guint8 *bytes = (const guint8 *) data;
  gsize header = 2, payload;
  int opcode;
  char behind;

  if (length < 2)
    return 0;
  payload = bytes[1] & 0x7f;
  header += payload == 126 ? 2 : payload == 127 ? 8 : 0;
  if (length < header)
    return 0;
  if (header > 2)
    payload = 0;
  for (gsize i = 2; i < header; i++)
    payload = payload << 8 | bytes[i];
  if (length - header < payload)
    return 0;
  opcode = bytes[0] & 0x0f;
  behind = data[header + payload];
  data[header + payload] = '\0';
  if (opcode == SB_OPCODE_PING)
    sb_peer_send_frame (self, SB_OPCODE_PONG, TRUE, data + header, (gssize) payload);
  else if (opcode == SB_OPCODE_CLOSE)
    note_close (self, data + header, payload);
  if (self->funcs.frame != NULL)
    self->funcs.frame (self, opcode, data + header, payload, self->user_data);
  data[header + payload] = behind;
  return header + payload;
}

static gsize
take_one (SbPeer *self, char *data, gsize length)
{
  if (self->mode == SB_PEER_HTTP || self->state == STATE_UPGRADING)
    return take_answer (self, data, length);
  if (self->mode == SB_PEER_WEBSOCKET)
    return take_frame (self, data, length);
  if (length > 0 && self->funcs.frame != NULL)
    self->funcs.frame (self, -1, data, length, self->user_data);
  return length;
}

static void
take_input (SbPeer *self)
{
  gsize used = 0, taken = 1;

  while (taken > 0 && !self->freed && self->state != STATE_CLOSED && self->reading)
    {
      taken = take_one (self, (char *) self->in->data + used, self->in->len - used);
      used += taken;
    }
  if (used > 0)
    g_byte_array_remove_range (self->in, 0, (guint) used);
}

static void
read_input (SbPeer *self)
{
  guint length = self->in->len;
  gssize n;

  /* One byte more than counts, for the zero behind a payload. */
  g_byte_array_set_size (self->in, length + READ_SIZE + 1);
  n = recv (self->fd, self->in->data + length, READ_SIZE, 0);
  g_byte_array_set_size (self->in, length + (guint) MAX (n, 0));
  if (n > 0)
    {
      self->received += (gsize) n;
      take_input (self);
    }
  else if (n == 0 || (errno != EAGAIN && errno != EINTR))
    become_closed (self);
}

/* Output */

static void
write_output (SbPeer *self)
{
  gssize n = send (self->fd, self->out->data + self->written, self->out->len - self->written,
                   MSG_NOSIGNAL);

  if (n > 0)
    self->written += (gsize) n;
  if (self->written == self->out->len)
    {
      g_byte_array_set_size (self->out, 0);
      self->written = 0;
    }
  if (n < 0 && errno != EAGAIN && errno != EINTR)
    become_closed (self);
}

static void
finish_connecting (SbPeer *self)
{
  int problem = 0;
  socklen_t size = sizeof problem;

  getsockopt (self->fd, SOL_SOCKET, SO_ERROR, &problem, &size);
  if (problem != 0)
    {
      become_closed (self);
      return;
    }
  if (self->mode != SB_PEER_WEBSOCKET)
    {
      become_open (self);
      return;
    }
  self->state = STATE_UPGRADING;
  sb_peer_send (self, HANDSHAKE, -1);
}

/* The source */

static gboolean
dispatch (GSource *source, GSourceFunc func, gpointer data)
{
  SbPeer *self = (SbPeer *) source;
  GIOCondition ready = g_source_query_unix_fd (source, self->tag);

  self->busy = TRUE;
  if (self->state == STATE_CONNECTING && (ready & (G_IO_OUT | G_IO_ERR | G_IO_HUP)))
    finish_connecting (self);
  else
    {
      if (!self->freed && self->state != STATE_CLOSED && (ready & G_IO_OUT))
        write_output (self);
      if (!self->freed && self->state != STATE_CLOSED && self->reading
          && (ready & (G_IO_IN | G_IO_HUP | G_IO_ERR)))
        read_input (self);
      else if (!self->freed && self->state != STATE_CLOSED && (ready & (G_IO_HUP | G_IO_ERR)))
        become_closed (self);
    }
  self->busy = FALSE;
  if (self->freed)
    return G_SOURCE_REMOVE;
  update_conditions (self);
  return self->state != STATE_CLOSED;
}

static void
finalize (GSource *source)
{
  SbPeer *self = (SbPeer *) source;

  g_byte_array_unref (self->in);
  g_byte_array_unref (self->out);
}

static GSourceFuncs source_funcs = { .dispatch = dispatch, .finalize = finalize };

/* Public */

static void
begin_connect (SbPeer *self, const char *address, guint16 port)
{
  struct sockaddr_in remote = { .sin_family = AF_INET, .sin_port = htons (port) };
  struct sockaddr_in local = { .sin_family = AF_INET };
  const int on = 1;

  self->fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  g_assert_no_errno (self->fd);
  setsockopt (self->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  g_assert_cmpint (inet_pton (AF_INET, address, &local.sin_addr), ==, 1);
  g_assert_cmpint (inet_pton (AF_INET, "127.0.0.1", &remote.sin_addr), ==, 1);
  if (strcmp (address, "127.0.0.1") != 0)
    g_assert_no_errno (bind (self->fd, (struct sockaddr *) &local, sizeof local));
  /* What goes wrong shows when the socket is looked at. */
  (void) !connect (self->fd, (struct sockaddr *) &remote, sizeof remote);
}

/* Connects from @address, one of the loopback network. */
SbPeer *
sb_peer_new_from (const char *address, SbPeerMode mode, guint16 port, const SbPeerFuncs *funcs,
                  gpointer user_data)
{
  SbPeer *self = (SbPeer *) g_source_new (&source_funcs, sizeof (SbPeer));

  self->mode = mode;
  self->state = STATE_CONNECTING;
  self->funcs = *funcs;
  self->user_data = user_data;
  self->reading = TRUE;
  self->in = g_byte_array_new ();
  self->out = g_byte_array_new ();
  begin_connect (self, address, port);
  self->tag = g_source_add_unix_fd (&self->source, self->fd, G_IO_OUT);
  g_source_attach (&self->source, NULL);
  return self;
}

/* Connects to 127.0.0.1. */
SbPeer *
sb_peer_new (SbPeerMode mode, guint16 port, const SbPeerFuncs *funcs, gpointer user_data)
{
  return sb_peer_new_from ("127.0.0.1", mode, port, funcs, user_data);
}

/* Closes the socket, whatever waits in it; no function is called any more. */
void
sb_peer_free (SbPeer *self)
{
  self->freed = TRUE;
  become_closed (self);
  if (!g_source_is_destroyed (&self->source))
    g_source_destroy (&self->source);
  g_source_unref (&self->source);
}

/* Whether it is connected, and upgraded if it is to be. */
gboolean
sb_peer_is_open (SbPeer *self)
{
  return self->state == STATE_OPEN;
}

gboolean
sb_peer_is_closed (SbPeer *self)
{
  return self->state == STATE_CLOSED;
}

/* The code of the close frame that came; 0 when none did. */
guint
sb_peer_get_close_code (SbPeer *self)
{
  return self->close_code;
}

/* The status of the newest answer. */
guint
sb_peer_get_status (SbPeer *self)
{
  return self->status;
}

/* Bytes that the socket has not taken yet. */
gsize
sb_peer_get_unsent (SbPeer *self)
{
  return self->out->len - self->written;
}

gsize
sb_peer_get_received (SbPeer *self)
{
  return self->received;
}

/* One that does not read leaves what comes to the sockets' buffers. */
void
sb_peer_set_reading (SbPeer *self, gboolean reading)
{
  self->reading = reading;
  if (!self->busy)
    update_conditions (self);
}

/* Makes the kernel hold as little as it can, so that the other end notices soon. */
void
sb_peer_set_small_buffers (SbPeer *self)
{
  const int size = 4096;

  setsockopt (self->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  setsockopt (self->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

/* Adds bytes to what goes out in the next turn; -1: a string. */
void
sb_peer_send (SbPeer *self, const void *data, gssize length)
{
  if (self->state == STATE_CLOSED)
    return;
  g_byte_array_append (self->out, data, (guint) (length < 0 ? (gssize) strlen (data) : length));
  if (!self->busy)
    update_conditions (self);
}

/* Sends a masked frame; the mask is 0, which changes nothing. */
void
sb_peer_send_frame (SbPeer *self, int opcode, gboolean final, const void *data, gssize length)
{
  gsize payload = length < 0 ? strlen (data) : (gsize) length;
  guint8 header[14] = { (guint8) ((final ? 0x80 : 0) | opcode) };
  gsize n = 2;
  guint bytes = payload < 126 ? 0 : payload < 65536 ? 2 : 8;

  header[1] = (guint8) (0x80 | (bytes == 0 ? payload : bytes == 2 ? 126 : 127));
  for (guint i = 0; i < bytes; i++)
    header[n++] = (guint8) (payload >> (8 * (bytes - 1 - i)));
  sb_peer_send (self, header, (gssize) n + 4);
  if (payload > 0)
    sb_peer_send (self, data, (gssize) payload);
}

/* Sends a text frame. */
void
sb_peer_printf (SbPeer *self, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  sb_peer_send_frame (self, SB_OPCODE_TEXT, TRUE, text, -1);
}

/* Sends a connect frame; @more is put behind it, such as `,"accepted":true`. */
void
sb_peer_log_in (SbPeer *self, const char *user, const char *password, const char *more)
{
  sb_peer_printf (self, "{\"type\":\"connect\",\"data\":\"%s\",\"password\":\"%s\"%s}", user,
                  password, more != NULL ? more : "");
}

/* Sends a request, with a body if there is one. */
void
sb_peer_request (SbPeer *self, const char *method, const char *path, const char *user,
                 const char *password, const char *body, gssize length)
{
  gsize size = body == NULL ? 0 : length < 0 ? strlen (body) : (gsize) length;
  g_autoptr (GString) head = g_string_new (NULL);

  g_string_printf (head, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n", method, path);
  if (user != NULL)
    {
      g_autofree char *plain = g_strdup_printf ("%s:%s", user, password);
      g_autofree char *encoded = g_base64_encode ((const guchar *) plain, strlen (plain));

      g_string_append_printf (head, "Authorization: Basic %s\r\n", encoded);
    }
  if (body != NULL)
    g_string_append_printf (head, "Content-Length: %" G_GSIZE_FORMAT "\r\n", size);
  g_string_append (head, "\r\n");
  sb_peer_send (self, head->str, (gssize) head->len);
  if (size > 0)
    sb_peer_send (self, body, (gssize) size);
}

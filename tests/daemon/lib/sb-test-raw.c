/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-test-raw: bytes to and from the bus, with nothing in between that corrects them. */

#include "sb-test-raw.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* Generous; reached only by a test that fails. */
#define TIMEOUT_SECONDS 60
#define CHUNK 65536

struct _SbTestRaw
{
  GSocket *socket; /* (owned) */
  GString *input;  /* (owned) read, but not asked for yet */
  gboolean is_at_end;
};

/* @window: of what the kernel takes in before somebody reads, bytes; 0: its own choice */
static SbTestRaw *
open_socket (guint16 port, int window, GError **error)
{
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string ("127.0.0.1", port);
  g_autoptr (GSocket) socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM,
                                             G_SOCKET_PROTOCOL_TCP, error);
  SbTestRaw *self;

  if (socket == NULL)
    return NULL;
  if (window > 0)
    g_socket_set_option (socket, SOL_SOCKET, SO_RCVBUF, window, NULL);
  g_socket_set_timeout (socket, TIMEOUT_SECONDS);
  if (!g_socket_connect (socket, address, NULL, error))
    return NULL;
  self = g_new0 (SbTestRaw, 1);
  self->socket = g_steal_pointer (&socket);
  self->input = g_string_new (NULL);
  return self;
}

SbTestRaw *
sb_test_raw_new (guint16 port)
{
  g_autoptr (GError) error = NULL;
  SbTestRaw *self = open_socket (port, 0, &error);

  g_assert_no_error (error);
  return self;
}

SbTestRaw *
sb_test_raw_new_narrow (guint16 port)
{
  g_autoptr (GError) error = NULL;
  SbTestRaw *self = open_socket (port, 1, &error);

  g_assert_no_error (error);
  return self;
}

SbTestRaw *
sb_test_raw_try (guint16 port)
{
  return open_socket (port, 0, NULL);
}

void
sb_test_raw_free (SbTestRaw *self)
{
  g_socket_close (self->socket, NULL);
  g_object_unref (self->socket);
  g_string_free (self->input, TRUE);
  g_free (self);
}

/* --- Sending --- */

static gboolean
is_end (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE)
         || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
}

gboolean
sb_test_raw_try_send (SbTestRaw *self, gconstpointer data, gsize length)
{
  const char *bytes = data;

  while (length > 0)
    {
      g_autoptr (GError) error = NULL;
      gssize n = g_socket_send (self->socket, bytes, MIN (length, CHUNK), NULL, &error);

      if (n < 0 && is_end (error))
        return FALSE;
      g_assert_no_error (error);
      bytes += n;
      length -= (gsize) n;
    }
  return TRUE;
}

gsize
sb_test_raw_push (SbTestRaw *self, gconstpointer data, gsize length)
{
  gsize sent = 0;

  while (sent < length)
    {
      gssize n = g_socket_send_with_blocking (self->socket, (const char *) data + sent,
                                              MIN (length - sent, CHUNK), FALSE, NULL, NULL);

      if (n <= 0)
        break;
      sent += (gsize) n;
    }
  return sent;
}

void
sb_test_raw_send_data (SbTestRaw *self, gconstpointer data, gsize length)
{
  g_assert_true (sb_test_raw_try_send (self, data, length));
}

void
sb_test_raw_send (SbTestRaw *self, const char *text)
{
  sb_test_raw_send_data (self, text, strlen (text));
}

void
sb_test_raw_finish (SbTestRaw *self)
{
  g_assert_true (g_socket_shutdown (self->socket, FALSE, TRUE, NULL));
}

/* --- Receiving --- */

/* FALSE at the end. */
static gboolean
read_more (SbTestRaw *self)
{
  char buffer[CHUNK];
  g_autoptr (GError) error = NULL;
  gssize n;

  if (self->is_at_end)
    return FALSE;
  n = g_socket_receive (self->socket, buffer, sizeof buffer, NULL, &error);
  if (n < 0 && !is_end (error))
    g_assert_no_error (error);
  if (n > 0)
    g_string_append_len (self->input, buffer, n);
  self->is_at_end = n <= 0;
  return !self->is_at_end;
}

gboolean
sb_test_raw_is_closed (SbTestRaw *self)
{
  while (!self->is_at_end && g_socket_condition_check (self->socket, G_IO_IN) != 0)
    read_more (self);
  return self->is_at_end;
}

static char *
take (SbTestRaw *self, gsize length)
{
  char *data = g_malloc (length + 1);

  memcpy (data, self->input->str, length);
  data[length] = '\0';
  g_string_erase (self->input, 0, (gssize) length);
  return data;
}

static gboolean
fill (SbTestRaw *self, gsize length)
{
  while (self->input->len < length)
    if (!read_more (self))
      return FALSE;
  return TRUE;
}

char *
sb_test_raw_read_line (SbTestRaw *self)
{
  const char *end;
  char *line;

  while ((end = memchr (self->input->str, '\n', self->input->len)) == NULL)
    if (!read_more (self))
      return NULL;
  line = g_strndup (self->input->str, (gsize) (end - self->input->str));
  g_string_erase (self->input, 0, end + 1 - self->input->str);
  return g_strchomp (line);
}

char *
sb_test_raw_read_all (SbTestRaw *self)
{
  while (read_more (self))
    continue;
  return take (self, self->input->len);
}

static gsize
find_length (const char *head)
{
  g_autofree char *lower = g_ascii_strdown (head, -1);
  const char *field = strstr (lower, "\r\ncontent-length:");

  return field != NULL ? (gsize) g_ascii_strtoull (field + strlen ("\r\ncontent-length:"), NULL, 10)
                       : 0;
}

char *
sb_test_raw_read_answer (SbTestRaw *self)
{
  g_autofree char *head = NULL;
  const char *end;
  gsize length;

  while ((end = strstr (self->input->str, "\r\n\r\n")) == NULL)
    if (!read_more (self))
      return NULL;
  length = (gsize) (end - self->input->str) + 4;
  head = g_strndup (self->input->str, length);
  length += find_length (head);
  g_assert_true (fill (self, length));
  return take (self, length);
}

/* --- WebSocket --- */

void
sb_test_raw_upgrade (SbTestRaw *self, const char *path)
{
  g_autofree char *request = g_strdup_printf (
      "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
      "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
      path);
  g_autofree char *answer = NULL;

  sb_test_raw_send (self, request);
  answer = sb_test_raw_read_answer (self);
  g_assert_nonnull (answer);
  g_assert_true (g_str_has_prefix (answer, "HTTP/1.1 101 "));
}

static GString *
make_frame (guint8 first_byte, const guint8 *data, gsize length)
{
  static const guint8 mask[4] = { 0x5a, 0x01, 0xf0, 0x37 };
  GString *frame = g_string_sized_new (length + 14);
  guint n_length = length < 126 ? 0 : length < 65536 ? 2 : 8;

  g_string_append_c (frame, (char) first_byte);
  g_string_append_c (frame, (char) (0x80 | (n_length == 0 ? length : n_length == 2 ? 126 : 127)));
  while (n_length-- > 0)
    g_string_append_c (frame, (char) ((guint64) length >> (8 * n_length)));
  g_string_append_len (frame, (const char *) mask, sizeof mask);
  for (gsize i = 0; i < length; i++)
    g_string_append_c (frame, (char) (data[i] ^ mask[i % 4]));
  return frame;
}

gboolean
sb_test_raw_try_send_frame (SbTestRaw *self, guint8 first_byte, gconstpointer data, gsize length)
{
  g_autoptr (GString) frame = make_frame (first_byte, data, length);

  return sb_test_raw_try_send (self, frame->str, frame->len);
}

void
sb_test_raw_send_frame (SbTestRaw *self, guint8 first_byte, gconstpointer data, gsize length)
{
  g_assert_true (sb_test_raw_try_send_frame (self, first_byte, data, length));
}

char *
sb_test_raw_read_frame (SbTestRaw *self, guint8 *opcode, gsize *length)
{
  const guint8 *head;
  guint n_length;
  guint64 size;

  if (!fill (self, 2))
    return NULL;
  head = (const guint8 *) self->input->str;
  *opcode = head[0] & 0x0f;
  size = head[1];
  n_length = size < 126 ? 0 : size == 126 ? 2 : 8;
  if (!fill (self, 2 + n_length))
    return NULL;
  head = (const guint8 *) self->input->str;
  for (guint i = 0; i < n_length; i++)
    size = (i == 0 ? 0 : size << 8) | head[2 + i];
  if (!fill (self, 2 + n_length + size))
    return NULL;
  g_string_erase (self->input, 0, 2 + n_length);
  if (length != NULL)
    *length = size;
  return take (self, size);
}

char *
sb_test_raw_wait_frame (SbTestRaw *self, guint8 opcode, gsize *length)
{
  for (;;)
    {
      guint8 found = 0;
      char *data = sb_test_raw_read_frame (self, &found, length);

      if (data == NULL || found == opcode)
        return data;
      g_free (data);
    }
}

char *
sb_test_raw_wait_text (SbTestRaw *self, const char *part)
{
  for (;;)
    {
      char *data = sb_test_raw_wait_frame (self, SB_TEST_TEXT, NULL);

      if (data == NULL || strstr (data, part) != NULL)
        return data;
      g_free (data);
    }
}

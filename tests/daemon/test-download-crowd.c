/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-download-crowd: many downloads, slow ones, ones that are cut off, and messages meanwhile. */

#include "sb-test-file.h"
#include "sb-test-raw.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#define MEBI (1024 * 1024)
#define TO_BOB "{\"_id\":\"f\",\"to\":\"@bob\",\"message\":1}"

/* A download that is read when the test wants it. */
typedef struct
{
  GSocketConnection *connection; /* (owned) */
  GInputStream *input;           /* (unowned) */
  GByteArray *got;               /* (owned): what came, head and all */
} Reader;

static void
reader_free (Reader *self)
{
  g_object_unref (self->connection);
  g_byte_array_unref (self->got);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Reader, reader_free)

/* Asks as bob. @buffer: bytes that the kernel keeps for it; 0: as it likes */
static Reader *
reader_new (SbTestSite *bus, const char *path, int buffer)
{
  Reader *self = g_new0 (Reader, 1);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string (
      "127.0.0.1", sb_test_daemon_get_http_port (bus->daemon));
  g_autoptr (GSocket) socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM,
                                             G_SOCKET_PROTOCOL_TCP, NULL);
  g_autofree char *code = g_base64_encode ((const guchar *) "bob:bob-pw", 10);
  g_autofree char *request = g_strdup_printf ("GET %s HTTP/1.1\r\nHost: x\r\n"
                                              "Authorization: Basic %s\r\n\r\n",
                                              path, code);
  g_autoptr (GError) error = NULL;

  if (buffer > 0)
    g_socket_set_option (socket, SOL_SOCKET, SO_RCVBUF, buffer, NULL);
  g_socket_set_timeout (socket, 60);
  g_assert_true (g_socket_connect (socket, address, NULL, &error));
  g_assert_no_error (error);
  self->connection = g_socket_connection_factory_create_connection (socket);
  self->input = g_io_stream_get_input_stream (G_IO_STREAM (self->connection));
  self->got = g_byte_array_new ();
  g_assert_cmpint (g_socket_send (socket, request, strlen (request), NULL, &error), ==,
                   strlen (request));
  return self;
}

/* Reads @n more bytes, or to the end, whichever comes first. The other clients live meanwhile. */
static void
reader_read (Reader *self, gsize n)
{
  g_autofree guint8 *buffer = g_malloc (65536);

  while (n > 0)
    {
      gssize got;

      while (!g_pollable_input_stream_is_readable (G_POLLABLE_INPUT_STREAM (self->input)))
        g_main_context_iteration (NULL, FALSE);
      got = g_input_stream_read (self->input, buffer, MIN (n, 65536), NULL, NULL);

      if (got <= 0)
        break;
      g_byte_array_append (self->got, buffer, (guint) got);
      n -= (gsize) got;
      while (g_main_context_iteration (NULL, FALSE))
        continue;
    }
}

/* What came of the file. */
static const char *
reader_get_body (Reader *self, gsize *length)
{
  const char *data = (const char *) self->got->data;
  const char *end = g_strstr_len (data, self->got->len, "\r\n\r\n");

  g_assert_nonnull (end);
  g_assert_true (g_str_has_prefix (data, "HTTP/1.1 200 OK\r\n"));
  *length = self->got->len - (gsize) (end + 4 - data);
  return end + 4;
}

static void
assert_whole (Reader *self, const char *data, gsize length)
{
  gsize got;
  const char *body;

  reader_read (self, G_MAXSIZE);
  body = reader_get_body (self, &got);
  g_assert_cmpuint (got, ==, length);
  g_assert_true (memcmp (body, data, length) == 0);
}

/* --- Slow ones --- */

/* There are more of them than the bus has threads for files. */
static void
waits_for_slow_readers (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *data = sb_test_make_bytes (12 * MEBI, 1);
  g_autofree char *path = sb_test_put_file (bus->alice, TO_BOB, "x", data, 12 * MEBI);
  Reader *readers[12];
  g_autoptr (SbTestAnswer) answer = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (readers); i++)
    {
      readers[i] = reader_new (bus, path, i % 2 == 0 ? 4096 : 0);
      reader_read (readers[i], 1000);
    }
  answer = sb_test_download (bus->bob, path, NULL);
  g_assert_cmpuint (answer->length, ==, 12 * MEBI);
  for (guint i = 0; i < G_N_ELEMENTS (readers); i++)
    {
      reader_read (readers[i], MEBI);
      assert_whole (readers[i], data, 12 * MEBI);
      reader_free (readers[i]);
    }
  sb_test_wait_no_downloads (bus->admin);
}

static void
keeps_little_for_slow_readers (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *data = sb_test_make_bytes (12 * MEBI, 1);
  g_autofree char *path = sb_test_put_file (bus->alice, TO_BOB, "x", data, 12 * MEBI);
  Reader *readers[30];
  guint64 before = sb_test_daemon_get_rss (bus->daemon);

  for (guint i = 0; i < G_N_ELEMENTS (readers); i++)
    {
      readers[i] = reader_new (bus, path, 4096);
      reader_read (readers[i], 1000);
    }
  g_assert_cmpfloat (sb_test_get_metric (bus->admin, "simplebus_downloads"), ==, 30);
  if (!sb_test_daemon_is_instrumented ())
    g_assert_cmpuint (sb_test_daemon_get_rss (bus->daemon), <, before + 8 * MEBI);
  for (guint i = 0; i < G_N_ELEMENTS (readers); i++)
    reader_free (readers[i]);
  sb_test_wait_no_downloads (bus->admin);
}

static void
lets_go_of_clients_that_hang_up (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *data = sb_test_make_bytes (12 * MEBI, 1);
  g_autofree char *path = sb_test_put_file (bus->alice, TO_BOB, "x", data, 12 * MEBI);

  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (Reader) reader = reader_new (bus, path, 0);

      reader_read (reader, i * 100000);
    }
  sb_test_wait_no_downloads (bus->admin);
}

/* The bytes are there for who has begun, though the file is not there any more. */
static void
goes_on_when_the_file_is_released (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *data = sb_test_make_bytes (12 * MEBI, 1);
  g_autofree char *path = sb_test_put_file (bus->alice, TO_BOB, "x", data, 12 * MEBI);
  g_autoptr (Reader) reader = reader_new (bus, path, 4096);

  reader_read (reader, 1000);
  g_assert_cmpuint (sb_test_release (bus->bob, path), ==, 200);
  sb_test_wait_files (bus->daemon, 0);
  assert_whole (reader, data, 12 * MEBI);
}

/* --- A stop --- */

static void
resumes_after_a_restart (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", "bus.stop-timeout=1", NULL);
  g_autofree char *data = sb_test_make_bytes (24 * MEBI, 1);
  g_autofree char *path = sb_test_put_file (bus->alice, TO_BOB, "x", data, 24 * MEBI);
  g_autoptr (Reader) reader = reader_new (bus, path, 4096);
  g_autofree char *range = NULL;
  g_autoptr (SbTestAnswer) rest = NULL;
  const char *body;
  gsize got;

  reader_read (reader, 100000);
  sb_test_site_restart (bus);
  reader_read (reader, G_MAXSIZE);
  body = reader_get_body (reader, &got);
  g_assert_cmpuint (got, <, 24 * MEBI);
  g_assert_cmpuint (got, >, 50000);
  g_assert_true (memcmp (body, data, got) == 0);
  range = g_strdup_printf ("bytes=%" G_GSIZE_FORMAT "-", got);
  rest = sb_test_download (bus->bob, path, range);
  sb_test_assert_status (rest, 206);
  g_assert_cmpuint (rest->length, ==, 24 * MEBI - got);
  g_assert_true (memcmp (rest->body, data + got, rest->length) == 0);
}

static void
lets_a_download_end_when_the_bus_stops (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *data = sb_test_make_bytes (12 * MEBI, 1);
  g_autofree char *path = sb_test_put_file (bus->alice, TO_BOB, "x", data, 12 * MEBI);
  g_autoptr (Reader) reader = reader_new (bus, path, 4096);

  reader_read (reader, 1000);
  sb_test_daemon_signal (bus->daemon, SIGTERM);
  assert_whole (reader, data, 12 * MEBI);
  sb_test_daemon_wait_stopped (bus->daemon);
}

/* --- Many --- */

#define N_DOWNLOADS 50

static void
exchange_messages (SbTestSite *bus, guint n)
{
  g_autoptr (SbTestWs) carol = sb_test_ws_log_in_as (bus->daemon, "carol", NULL);

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *id = sb_test_put (bus->alice, "{\"to\":\"@carol\",\"message\":1}");
      g_autofree char *came = sb_test_ws_take_and_confirm (carol);

      g_assert_cmpstr (came, ==, id);
    }
}

static void
serves_many_while_messages_flow (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *data = sb_test_make_bytes (4 * MEBI + 1, 1);
  g_autofree char *path = sb_test_put_file (bus->alice, TO_BOB, "x", data, 4 * MEBI + 1);
  SbTestExchange *exchanges[N_DOWNLOADS];

  for (guint i = 0; i < N_DOWNLOADS; i++)
    exchanges[i] = sb_test_http_begin (bus->bob, "GET", path, NULL, NULL, 0);
  exchange_messages (bus, 100);
  for (guint i = 0; i < N_DOWNLOADS; i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_end (exchanges[i]);

      g_assert_cmpuint (answer->length, ==, 4 * MEBI + 1);
      g_assert_true (memcmp (answer->body, data, answer->length) == 0);
    }
  sb_test_wait_no_downloads (bus->admin);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/download-crowd/waits-for-slow-readers", waits_for_slow_readers);
  g_test_add_func ("/download-crowd/keeps-little-for-slow-readers", keeps_little_for_slow_readers);
  g_test_add_func ("/download-crowd/lets-go-of-clients-that-hang-up",
                   lets_go_of_clients_that_hang_up);
  g_test_add_func ("/download-crowd/goes-on-when-the-file-is-released",
                   goes_on_when_the_file_is_released);
  g_test_add_func ("/download-crowd/resumes-after-a-restart", resumes_after_a_restart);
  g_test_add_func ("/download-crowd/lets-a-download-end-when-the-bus-stops",
                   lets_a_download_end_when_the_bus_stops);
  g_test_add_func ("/download-crowd/serves-many-while-messages-flow",
                   serves_many_while_messages_flow);
  return g_test_run ();
}

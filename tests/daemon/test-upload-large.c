/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-upload-large: files that are larger than what the bus may take of memory. */

#include "sb-test-site.h"
#include "sb-test.h"
#include "upload.h"

#include <string.h>

#define MIB ((gsize) 1024 * 1024)
#define MAX_RESIDENT (32 * MIB)

/* Sends @n MiB of a file that is @size MiB large. */
static void
send_some (SbTestRaw *raw, GChecksum *checksum, guint n)
{
  g_autofree char *block = g_malloc (MIB);

  for (guint i = 0; i < n; i++)
    {
      memset (block, 'a' + (int) (i % 26), MIB);
      if (checksum != NULL)
        g_checksum_update (checksum, (const guchar *) block, (gssize) MIB);
      sb_test_raw_send_data (raw, block, MIB);
    }
}

/* Returns: how many bytes are left to be sent in the end. */
static Upload *
begin (SbTestRaw *raw, guint n_mib)
{
  Upload *form = upload_new ();
  Upload *end = upload_new ();

  upload_add_field (form, "data", "{\"to\":\"@bob\",\"message\":1}");
  upload_add_file (form, "large", "large", "", 0);
  g_string_truncate (form, form->len - 2);
  g_string_append (end, "\r\n");
  upload_end (end);
  upload_begin_raw (raw, form->len + n_mib * MIB + end->len);
  sb_test_raw_send_data (raw, form->str, form->len);
  g_string_free (form, TRUE);
  return end;
}

/* Returns: (transfer full): the stored name that the answer tells. */
static char *
find_name (const char *answer)
{
  const char *start = strstr (answer, "\"filename\":\"");

  g_assert_nonnull (start);
  start += strlen ("\"filename\":\"");
  return g_strndup (start, strcspn (start, "\""));
}

/* Returns: (transfer full): the body of the download, to be read. */
static GInputStream *
begin_download (SbTestSite *bus, GSocketConnection *connection, const char *name)
{
  g_autofree char *credentials = g_base64_encode ((const guchar *) "bob:bob-pw", 10);
  g_autofree char *request = g_strdup_printf (
      "GET /download/%s HTTP/1.1\r\nHost: x\r\nAuthorization: Basic %s\r\n\r\n", name, credentials);
  GOutputStream *out = g_io_stream_get_output_stream (G_IO_STREAM (connection));
  GDataInputStream *in = g_data_input_stream_new (
      g_io_stream_get_input_stream (G_IO_STREAM (connection)));
  g_autoptr (GError) error = NULL;

  g_output_stream_write_all (out, request, strlen (request), NULL, NULL, &error);
  g_assert_no_error (error);
  g_data_input_stream_set_newline_type (in, G_DATA_STREAM_NEWLINE_TYPE_CR_LF);
  for (gboolean in_head = TRUE; in_head;)
    {
      g_autofree char *line = g_data_input_stream_read_line (in, NULL, NULL, &error);

      g_assert_no_error (error);
      g_assert_nonnull (line);
      in_head = *line != '\0';
    }
  return G_INPUT_STREAM (in);
}

/* Returns the most memory that the bus had meanwhile. */
static guint64
check_download (SbTestSite *bus, const char *name, const char *hash, guint64 size)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GInputStream) body = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree char *block = g_malloc (MIB);
  guint64 got = 0, most = 0;
  gssize n;

  g_socket_client_set_enable_proxy (client, FALSE);
  connection = g_socket_client_connect_to_host (
      client, "127.0.0.1", sb_test_daemon_get_http_port (bus->daemon), NULL, &error);
  g_assert_no_error (error);
  body = begin_download (bus, connection, name);
  while ((n = g_input_stream_read (body, block, MIB, NULL, &error)) > 0)
    {
      g_checksum_update (checksum, (const guchar *) block, n);
      if (got / (64 * MIB) != (got + (guint64) n) / (64 * MIB))
        most = MAX (most, sb_test_daemon_get_rss (bus->daemon));
      got += (guint64) n;
    }
  g_assert_no_error (error);
  g_assert_cmpuint (got, ==, size);
  g_assert_cmpstr (g_checksum_get_string (checksum), ==, hash);
  return most;
}

static void
test_takes_and_gives_more_than_two_gibibytes_in_little_memory (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestRaw) raw = sb_test_raw_new (sb_test_daemon_get_http_port (bus->daemon));
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  /* Instruments are too slow for so much. */
  guint n_mib = sb_test_daemon_is_instrumented () ? 64 : 2112;
  g_autofree char *answer = NULL;
  g_autofree char *name = NULL;
  Upload *end = begin (raw, n_mib);
  guint64 most = 0;

  for (guint i = 0; i < n_mib / 16; i++)
    {
      send_some (raw, checksum, 16);
      most = MAX (most, sb_test_daemon_get_rss (bus->daemon));
    }
  sb_test_raw_send_data (raw, end->str, end->len);
  answer = sb_test_raw_read_answer (raw);
  g_assert_nonnull (strstr (answer, "HTTP/1.1 200"));
  g_assert_nonnull (strstr (answer, g_checksum_get_string (checksum)));
  name = find_name (answer);
  most = MAX (most, check_download (bus, name, g_checksum_get_string (checksum), n_mib * MIB));
  g_test_message ("%" G_GUINT64_FORMAT " KiB resident at most", most / 1024);
  if (!sb_test_daemon_is_instrumented ())
    g_assert_cmpuint (most, <, MAX_RESIDENT);
  g_string_free (end, TRUE);
}

/* Many at a time, all of which end, beside messages. */
static void
test_takes_fifty_at_a_time (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  SbTestRaw *raws[50];
  Upload *ends[50];

  for (guint i = 0; i < 50; i++)
    {
      raws[i] = sb_test_raw_new (sb_test_daemon_get_http_port (bus->daemon));
      ends[i] = begin (raws[i], 4);
    }
  for (guint round = 0; round < 4; round++)
    for (guint i = 0; i < 50; i++)
      {
        send_some (raws[i], NULL, 1);
        if (i % 10 == 0)
          g_free (sb_test_put (bus->carol, "{\"to\":\"@bob\",\"message\":1}"));
      }
  for (guint i = 0; i < 50; i++)
    {
      g_autofree char *answer = NULL;

      sb_test_raw_send_data (raws[i], ends[i]->str, ends[i]->len);
      answer = sb_test_raw_read_answer (raws[i]);
      g_assert_nonnull (strstr (answer, "HTTP/1.1 200"));
      sb_test_raw_free (raws[i]);
      g_string_free (ends[i], TRUE);
    }
  upload_wait_count (bus->daemon, 50);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/upload-large/takes-and-gives-more-than-two-gibibytes-in-little-memory",
                   test_takes_and_gives_more_than_two_gibibytes_in_little_memory);
  g_test_add_func ("/upload-large/takes-fifty-at-a-time", test_takes_fifty_at_a_time);
  return g_test_run ();
}

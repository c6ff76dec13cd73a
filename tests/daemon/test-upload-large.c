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

static void
test_takes_a_gibibyte_in_little_memory (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestRaw) raw = sb_test_raw_new (sb_test_daemon_get_http_port (bus->daemon));
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree char *answer = NULL;
  Upload *end = begin (raw, 1024);
  guint64 most = 0;

  for (guint i = 0; i < 64; i++)
    {
      send_some (raw, checksum, 16);
      most = MAX (most, sb_test_daemon_get_rss (bus->daemon));
    }
  sb_test_raw_send_data (raw, end->str, end->len);
  answer = sb_test_raw_read_answer (raw);
  g_assert_nonnull (strstr (answer, "HTTP/1.1 200"));
  g_assert_nonnull (strstr (answer, g_checksum_get_string (checksum)));
  g_assert_nonnull (strstr (answer, "\"size\":1073741824"));
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
  g_test_add_func ("/upload-large/takes-a-gibibyte-in-little-memory",
                   test_takes_a_gibibyte_in_little_memory);
  g_test_add_func ("/upload-large/takes-fifty-at-a-time", test_takes_fifty_at_a_time);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-download: GET, HEAD and DELETE /download/: bytes, ranges, conditions, who may. */

#include "sb-test-file.h"
#include "sb-test-raw.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define TO_BOB "{\"_id\":\"f\",\"to\":\"@bob\",\"message\":1}"

/* A bus with a file of alice for bob. */
typedef struct
{
  SbTestSite *bus; /* (owned) */
  char *data;      /* (owned) */
  gsize length;
  char *path; /* (owned) */
} Fixture;

static Fixture *
fixture_new (gsize length)
{
  Fixture *self = g_new0 (Fixture, 1);

  self->bus = sb_test_site_new (NULL);
  self->data = sb_test_make_bytes (length, 1);
  self->length = length;
  self->path = sb_test_put_file (self->bus->alice, TO_BOB, "photo.jpg", self->data, length);
  return self;
}

static void
fixture_free (Fixture *self)
{
  sb_test_site_free (self->bus);
  g_free (self->data);
  g_free (self->path);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fixture, fixture_free)

static SbTestAnswer *
ask (Fixture *self, const char *method, const char *name, const char *value)
{
  const char *const headers[] = { name, value, NULL };

  return sb_test_http_send (self->bus->bob, method, self->path, headers, NULL, 0);
}

static void
assert_header (SbTestAnswer *answer, const char *name, const char *expected)
{
  g_assert_cmpstr (sb_test_answer_header (answer, name), ==, expected);
}

/* --- The whole file --- */

static void
gives_the_bytes_that_were_sent (void)
{
  static const gsize lengths[] = { 0, 1, 1000, 262144, 262145, 3 * 1024 * 1024 + 7 };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      g_autofree char *data = sb_test_make_bytes (lengths[i], (guint32) i);
      g_autofree char *path = sb_test_put_file (bus->alice, "{\"to\":\"@bob\",\"message\":1}", "x",
                                                data, lengths[i]);
      g_autoptr (SbTestAnswer) answer = sb_test_download (bus->bob, path, NULL);

      sb_test_assert_status (answer, 200);
      g_assert_cmpmem (answer->body, answer->length, data, lengths[i]);
    }
}

static void
says_what_it_gives (void)
{
  g_autoptr (Fixture) file = fixture_new (1000);
  g_autoptr (SbTestAnswer) answer = sb_test_download (file->bus->bob, file->path, NULL);
  g_autofree char *hash = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (guchar *) file->data,
                                                       file->length);
  g_autofree char *etag = g_strdup_printf ("\"%s\"", hash);

  assert_header (answer, "ETag", etag);
  assert_header (answer, "Content-Length", "1000");
  assert_header (answer, "Content-Type", "application/octet-stream");
  assert_header (answer, "Content-Disposition",
                 "attachment; filename=\"photo.jpg\"; filename*=UTF-8''photo.jpg");
  assert_header (answer, "Accept-Ranges", "bytes");
  assert_header (answer, "X-Content-Type-Options", "nosniff");
  assert_header (answer, "Content-Security-Policy", "sandbox");
  assert_header (answer, "Cache-Control", "private");
  assert_header (answer, "Connection", "close");
  g_assert_nonnull (sb_test_answer_header (answer, "Last-Modified"));
  g_assert_nonnull (sb_test_answer_header (answer, "Date"));
}

static void
names_files_in_any_language (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *path = sb_test_put_file (bus->alice, TO_BOB, "отчёт.pdf", "x", 1);
  g_autoptr (SbTestAnswer) answer = sb_test_download (bus->bob, path, NULL);

  assert_header (answer, "Content-Disposition",
                 "attachment; filename=\"_____.pdf\"; "
                 "filename*=UTF-8''%D0%BE%D1%82%D1%87%D1%91%D1%82.pdf");
}

static void
tells_all_but_the_bytes_to_head (void)
{
  static const char *const names[] = { "ETag",          "Content-Length", "Content-Type",
                                       "Last-Modified", "Accept-Ranges",  "Content-Disposition" };
  g_autoptr (Fixture) file = fixture_new (100000);
  g_autoptr (SbTestAnswer) got = sb_test_download (file->bus->bob, file->path, NULL);
  g_autoptr (SbTestAnswer) head = ask (file, "HEAD", "Range", "bytes=0-1");

  sb_test_assert_status (head, 200);
  g_assert_cmpuint (head->length, ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    assert_header (head, names[i], sb_test_answer_header (got, names[i]));
}

static void
keeps_the_connection_after_head (void)
{
  g_autoptr (Fixture) file = fixture_new (10);
  g_autoptr (SbTestRaw) raw = sb_test_raw_new (sb_test_daemon_get_http_port (file->bus->daemon));
  g_autofree char *pair = g_base64_encode ((const guchar *) "bob:bob-pw", 10);
  g_autofree char *request = g_strdup_printf ("HEAD %s HTTP/1.1\r\nHost: x\r\n"
                                              "Authorization: Basic %s\r\n\r\n"
                                              "GET %s HTTP/1.1\r\nHost: x\r\n"
                                              "Authorization: Basic %s\r\n\r\n",
                                              file->path, pair, file->path, pair);
  g_autofree char *all = NULL;
  const char *second;

  sb_test_raw_send (raw, request);
  all = sb_test_raw_read_all (raw);
  g_assert_true (g_str_has_prefix (all, "HTTP/1.1 200 OK\r\n"));
  second = strstr (all + 1, "HTTP/1.1 200 OK\r\n");
  g_assert_nonnull (second);
  g_assert_nonnull (strstr (second, "\r\nConnection: close\r\n"));
}

static void
answers_other_methods_with_what_it_takes (void)
{
  g_autoptr (Fixture) file = fixture_new (10);
  g_autoptr (SbTestAnswer) answer = sb_test_http_post (file->bus->bob, file->path, "x");

  sb_test_assert_problem (answer, 405, "method-not-allowed");
  assert_header (answer, "Allow", "OPTIONS, GET, HEAD, DELETE");
}

static void
serves_clients_that_keep_connections (void)
{
  g_autoptr (Fixture) file = fixture_new (50000);

  for (guint i = 0; i < 30; i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_download (file->bus->bob, file->path, NULL);

      g_assert_cmpmem (answer->body, answer->length, file->data, file->length);
    }
}

static gboolean
has_counted (gpointer user_data)
{
  Fixture *file = user_data;

  return sb_test_get_metric (file->bus->admin, "simplebus_file_sent_bytes_total") == 1005
         && sb_test_get_metric (file->bus->admin, "simplebus_downloads") == 0;
}

/* The client may have the last byte before the bus has counted it. */
static void
counts_bytes (void)
{
  g_autoptr (Fixture) file = fixture_new (1000);
  g_autoptr (SbTestAnswer) answer = sb_test_download (file->bus->bob, file->path, NULL);
  g_autoptr (SbTestAnswer) part = sb_test_download (file->bus->bob, file->path, "bytes=1-5");

  sb_test_poll_for (has_counted, file, "the bytes to be counted");
}

/* --- Ranges --- */

static void
gives_ranges (void)
{
  static const struct
  {
    const char *range;
    gsize start;
    gsize length;
    const char *place;
  } rows[] = {
    { "bytes=0-0", 0, 1, "bytes 0-0/600000" },
    { "bytes=10-19", 10, 10, "bytes 10-19/600000" },
    { "bytes=300000-", 300000, 300000, "bytes 300000-599999/600000" },
    { "bytes=-5", 599995, 5, "bytes 599995-599999/600000" },
    { "bytes=599999-700000", 599999, 1, "bytes 599999-599999/600000" },
    { "bytes=0-", 0, 600000, "bytes 0-599999/600000" },
    { "bytes=5-6,900000-", 5, 2, "bytes 5-6/600000" },
  };
  g_autoptr (Fixture) file = fixture_new (600000);

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_download (file->bus->bob, file->path,
                                                          rows[i].range);

      g_test_message ("%s", rows[i].range);
      sb_test_assert_status (answer, 206);
      assert_header (answer, "Content-Range", rows[i].place);
      g_assert_cmpmem (answer->body, answer->length, file->data + rows[i].start, rows[i].length);
    }
}

static void
append_part (GString *out, Fixture *file, const char *boundary, gsize start, gsize length)
{
  g_string_append_printf (
      out,
      "%s--%s\r\nContent-Type: application/octet-stream\r\n"
      "Content-Range: bytes %" G_GSIZE_FORMAT "-%" G_GSIZE_FORMAT "/%" G_GSIZE_FORMAT "\r\n\r\n",
      out->len > 0 ? "\r\n" : "", boundary, start, start + length - 1, file->length);
  g_string_append_len (out, file->data + start, (gssize) length);
}

static void
gives_several_ranges (void)
{
  static const char prefix[] = "multipart/byteranges; boundary=";
  g_autoptr (Fixture) file = fixture_new (600000);
  g_autoptr (SbTestAnswer) answer = sb_test_download (file->bus->bob, file->path,
                                                      "bytes=500000-,0-9,300000-300000,900000-");
  const char *type = sb_test_answer_header (answer, "Content-Type");
  g_autoptr (GString) expected = g_string_new (NULL);

  sb_test_assert_status (answer, 206);
  g_assert_true (g_str_has_prefix (type, prefix));
  g_assert_null (sb_test_answer_header (answer, "Content-Range"));
  append_part (expected, file, type + strlen (prefix), 500000, 100000);
  append_part (expected, file, type + strlen (prefix), 0, 10);
  append_part (expected, file, type + strlen (prefix), 300000, 1);
  g_string_append_printf (expected, "\r\n--%s--\r\n", type + strlen (prefix));
  g_assert_cmpmem (answer->body, answer->length, expected->str, expected->len);
}

static void
refuses_ranges_behind_the_end (void)
{
  g_autoptr (Fixture) file = fixture_new (100);
  g_autoptr (SbTestAnswer) answer = sb_test_download (file->bus->bob, file->path, "bytes=100-");

  sb_test_assert_problem (answer, 416, "range");
  assert_header (answer, "Content-Range", "bytes */100");
}

static void
ignores_ranges_that_make_no_sense (void)
{
  static const char *const ranges[] = { "bytes=5-4", "lines=1-2", "bytes=x", "bytes=0-,0-,0-" };
  g_autoptr (Fixture) file = fixture_new (100);

  for (gsize i = 0; i < G_N_ELEMENTS (ranges); i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_download (file->bus->bob, file->path, ranges[i]);

      sb_test_assert_status (answer, 200);
      g_assert_cmpmem (answer->body, answer->length, file->data, file->length);
    }
}

/* --- Conditions --- */

static void
gives_parts_of_what_the_client_has (void)
{
  g_autoptr (Fixture) file = fixture_new (100);
  g_autoptr (SbTestAnswer) whole = sb_test_download (file->bus->bob, file->path, NULL);
  const struct
  {
    const char *if_range;
    guint expected;
  } rows[] = {
    { sb_test_answer_header (whole, "ETag"), 206 },
    { sb_test_answer_header (whole, "Last-Modified"), 206 },
    { "\"another\"", 200 },
    { "Mon, 01 Jan 2001 00:00:00 GMT", 200 },
    { "Mon, 01 Jan 2120 00:00:00 GMT", 200 },
    { "nonsense", 200 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const char *const headers[] = { "Range", "bytes=1-2", "If-Range", rows[i].if_range, NULL };
      g_autoptr (SbTestAnswer) answer = sb_test_http_send (file->bus->bob, "GET", file->path,
                                                           headers, NULL, 0);

      g_test_message ("%s", rows[i].if_range);
      sb_test_assert_status (answer, rows[i].expected);
    }
}

static void
heeds_conditions (void)
{
  g_autoptr (Fixture) file = fixture_new (100);
  g_autoptr (SbTestAnswer) whole = sb_test_download (file->bus->bob, file->path, NULL);
  const char *etag = sb_test_answer_header (whole, "ETag");
  const char *modified = sb_test_answer_header (whole, "Last-Modified");
  const struct
  {
    const char *name;
    const char *value;
    guint expected;
  } rows[] = {
    { "If-None-Match", etag, 304 },
    { "If-None-Match", "*", 304 },
    { "If-None-Match", "\"another\"", 200 },
    { "If-Match", etag, 200 },
    { "If-Match", "\"another\"", 412 },
    { "If-Modified-Since", modified, 304 },
    { "If-Modified-Since", "Mon, 01 Jan 2001 00:00:00 GMT", 200 },
    { "If-Modified-Since", "yesterday", 200 },
    { "If-Unmodified-Since", modified, 200 },
    { "If-Unmodified-Since", "Mon, 01 Jan 2001 00:00:00 GMT", 412 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (SbTestAnswer) got = ask (file, "GET", rows[i].name, rows[i].value);
      g_autoptr (SbTestAnswer) head = ask (file, "HEAD", rows[i].name, rows[i].value);

      g_test_message ("%s: %s", rows[i].name, rows[i].value);
      sb_test_assert_status (got, rows[i].expected);
      sb_test_assert_status (head, rows[i].expected);
      assert_header (got, "ETag", etag);
      if (rows[i].expected == 304)
        g_assert_cmpuint (got->length, ==, 0);
    }
}

/* --- Who may --- */

static void
is_not_there_for_others (void)
{
  g_autoptr (Fixture) file = fixture_new (10);
  static const char *const methods[] = { "GET", "DELETE" };

  for (gsize i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_send (file->bus->carol, methods[i], file->path,
                                                           NULL, NULL, 0);
      g_autoptr (SbTestAnswer) missing = sb_test_http_send (file->bus->carol, methods[i],
                                                            "/download/nothing", NULL, NULL, 0);

      sb_test_assert_problem (answer, 404, "not-found");
      sb_test_assert_problem (missing, 404, "not-found");
    }
}

static void
asks_who_it_is (void)
{
  g_autoptr (Fixture) file = fixture_new (10);
  g_autoptr (SbTestHttp) stranger = sb_test_http_for (file->bus->daemon, NULL, NULL);
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (stranger, file->path);

  sb_test_assert_problem (answer, 401, "unauthorized");
}

static void
is_there_for_sender_and_admin (void)
{
  g_autoptr (Fixture) file = fixture_new (10);
  g_autoptr (SbTestAnswer) sender = sb_test_http_get (file->bus->alice, file->path);
  g_autoptr (SbTestAnswer) admin = sb_test_http_get (file->bus->admin, file->path);

  g_assert_cmpmem (sender->body, sender->length, file->data, file->length);
  g_assert_cmpmem (admin->body, admin->length, file->data, file->length);
}

static void
is_not_found_by_odd_names (void)
{
  static const char *const paths[] = { "/download/",         "/download/..%2f..%2fsimplebus.db",
                                       "/download/%00",      "/download/%ff",
                                       "/download/incoming", "/download/f%00_photo.jpg" };
  g_autoptr (Fixture) file = fixture_new (10);

  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_get (file->bus->admin, paths[i]);

      g_test_message ("%s", paths[i]);
      sb_test_assert_problem (answer, 404, "not-found");
    }
}

/* --- Damage --- */

static void
never_gives_damaged_bytes (void)
{
  g_autoptr (Fixture) file = fixture_new (1000);
  g_autofree char *place = sb_test_find_file (file->bus->daemon);
  g_autoptr (SbTestAnswer) answer = NULL;

  g_assert_cmpint (truncate (place, 999), ==, 0);
  answer = sb_test_download (file->bus->bob, file->path, NULL);
  sb_test_assert_problem (answer, 500, "corrupt");
}

static void
lets_go_of_a_damaged_file (void)
{
  g_autoptr (Fixture) file = fixture_new (1000);
  g_autofree char *place = sb_test_find_file (file->bus->daemon);

  g_assert_cmpint (truncate (place, 999), ==, 0);
  g_assert_cmpuint (sb_test_release (file->bus->bob, file->path), ==, 200);
  sb_test_wait_files (file->bus->daemon, 0);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/download/gives-the-bytes-that-were-sent", gives_the_bytes_that_were_sent);
  g_test_add_func ("/download/says-what-it-gives", says_what_it_gives);
  g_test_add_func ("/download/names-files-in-any-language", names_files_in_any_language);
  g_test_add_func ("/download/tells-all-but-the-bytes-to-head", tells_all_but_the_bytes_to_head);
  g_test_add_func ("/download/keeps-the-connection-after-head", keeps_the_connection_after_head);
  g_test_add_func ("/download/answers-other-methods-with-what-it-takes",
                   answers_other_methods_with_what_it_takes);
  g_test_add_func ("/download/serves-clients-that-keep-connections",
                   serves_clients_that_keep_connections);
  g_test_add_func ("/download/counts-bytes", counts_bytes);
  g_test_add_func ("/download/gives-ranges", gives_ranges);
  g_test_add_func ("/download/gives-several-ranges", gives_several_ranges);
  g_test_add_func ("/download/refuses-ranges-behind-the-end", refuses_ranges_behind_the_end);
  g_test_add_func ("/download/ignores-ranges-that-make-no-sense",
                   ignores_ranges_that_make_no_sense);
  g_test_add_func ("/download/gives-parts-of-what-the-client-has",
                   gives_parts_of_what_the_client_has);
  g_test_add_func ("/download/heeds-conditions", heeds_conditions);
  g_test_add_func ("/download/is-not-there-for-others", is_not_there_for_others);
  g_test_add_func ("/download/asks-who-it-is", asks_who_it_is);
  g_test_add_func ("/download/is-there-for-sender-and-admin", is_there_for_sender_and_admin);
  g_test_add_func ("/download/is-not-found-by-odd-names", is_not_found_by_odd_names);
  g_test_add_func ("/download/never-gives-damaged-bytes", never_gives_damaged_bytes);
  g_test_add_func ("/download/lets-go-of-a-damaged-file", lets_go_of_a_damaged_file);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-notice: what recipients of a file get to read. */

#include "sb-envelope.h"
#include "sb-json.h"
#include "sb-notice.h"
#include "sb-test.h"

#include <string.h>

#define HASH "0000000000000000000000000000000000000000000000000000000000000000"
#define FILE_MEMBERS                                 \
  "\"type\":\"file\",\"filename\":\"a_photo.jpg\","  \
  "\"display_filename\":\"фото \\\"1\\\".jpg\"," \
  "\"size\":5000000000,\"sha256\":\"" HASH "\""

static char *
make (const char *json, const char *url)
{
  static const guint8 digest[SB_FILE_DIGEST_SIZE];
  g_autoptr (SbFile) file = sb_file_new ("0123456789abcdef0123456789abcdef", "a_photo.jpg",
                                         "фото \"1\".jpg", G_GUINT64_CONSTANT (5000000000), digest);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) message = NULL;
  g_autoptr (GBytes) notice = NULL;
  SbEnvelope envelope;
  gsize length;
  const char *data;

  sb_envelope_scan (&envelope, json, strlen (json), &error);
  g_assert_no_error (error);
  message = sb_envelope_splice (&envelope, "a", "s");
  notice = sb_notice_make (message, file, url);
  data = g_bytes_get_data (notice, &length);
  sb_json_check_document (data, length, &error);
  g_assert_no_error (error);
  return g_strndup (data, length);
}

static void
the_file_is_described_before_what_the_sender_says (void)
{
  g_autofree char *notice = make ("{\"to\":[\"@b\"],\"message\":{\"n\":1.10}}", NULL);

  g_assert_cmpstr (notice, ==,
                   "{" FILE_MEMBERS ",\"_id\":\"a\",\"sender\":\"s\",\"to\":[\"@b\"],"
                   "\"message\":{\"n\":1.10}}");
}

static void
a_url_is_named_when_there_is_one (void)
{
  g_autofree char *notice = make ("{\"to\":\"@b\",\"message\":1}",
                                  "https://bus.example/download/a_photo.jpg");

  g_assert_cmpstr (notice, ==,
                   "{" FILE_MEMBERS ",\"url\":\"https://bus.example/download/a_photo.jpg\","
                   "\"_id\":\"a\",\"sender\":\"s\",\"to\":\"@b\",\"message\":1}");
}

static void
what_the_sender_says_of_the_file_does_not_count (void)
{
  g_autofree char *notice = make (
      "{\"filename\":\"../../etc/passwd\",\"to\":\"@b\",\"size\":{\"a\":[1,2,{\"}\":\"]\"}]},"
      "\"message\":1,\"sha\\u0032\\u00356\":\"no\",\"url\":null , \"display_filename\" : \"x\","
      "\"filenames\":[\"stays\"]}",
      NULL);

  g_assert_cmpstr (notice, ==,
                   "{" FILE_MEMBERS ",\"_id\":\"a\",\"sender\":\"s\",\"to\":\"@b\",\"message\":1,"
                   "\"filenames\":[\"stays\"]}");
}

static void
only_the_outermost_members_are_looked_at (void)
{
  g_autofree char *notice = make (
      "{\"to\":\"@b\",\"message\":{\"filename\":\"x\",\"type\":\"y\"},\"list\":[{\"size\":1}]}",
      NULL);

  g_assert_cmpstr (notice, ==,
                   "{" FILE_MEMBERS ",\"_id\":\"a\",\"sender\":\"s\",\"to\":\"@b\","
                   "\"message\":{\"filename\":\"x\",\"type\":\"y\"},\"list\":[{\"size\":1}]}");
}

static void
strings_with_quotes_and_braces_stay_whole (void)
{
  g_autofree char *notice = make (
      "{ \"to\" : \"@b\" ,\n \"message\" : \"a \\\\\\\" } , { ] \\u0022\" ,"
      " \"x\\\"y\" : \"\\\\\" }",
      NULL);

  g_assert_nonnull (strstr (notice, "\"a \\\\\\\" } , { ] \\u0022\""));
  g_assert_nonnull (strstr (notice, "\"x\\\"y\" : \"\\\\\""));
}

int
main (int argc, char **argv)
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/notice/the-file-is-described-before-what-the-sender-says",
                   the_file_is_described_before_what_the_sender_says);
  g_test_add_func ("/notice/a-url-is-named-when-there-is-one", a_url_is_named_when_there_is_one);
  g_test_add_func ("/notice/what-the-sender-says-of-the-file-does-not-count",
                   what_the_sender_says_of_the_file_does_not_count);
  g_test_add_func ("/notice/only-the-outermost-members-are-looked-at",
                   only_the_outermost_members_are_looked_at);
  g_test_add_func ("/notice/strings-with-quotes-and-braces-stay-whole",
                   strings_with_quotes_and_braces_stay_whole);
  return g_test_run ();
}

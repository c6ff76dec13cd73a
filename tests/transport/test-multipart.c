/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-multipart: forms of real clients and broken ones, cut anywhere. */

#include "sb-multipart.h"
#include "sb-test.h"

#include <simplebus.h>
#include <string.h>

/* What was read: "name|filename:content;" for each part. */
static gboolean
note_begin (const SbMultipartPart *part, gpointer user_data, GError **error)
{
  g_string_append_printf (user_data, "%s|%s:", part->name,
                          part->filename != NULL ? part->filename : "");
  return TRUE;
}

static gboolean
note_data (const char *data, gsize length, gpointer user_data, GError **error)
{
  g_assert_cmpuint (length, >, 0);
  g_string_append_len (user_data, data, (gssize) length);
  return TRUE;
}

static gboolean
note_end (gpointer user_data, GError **error)
{
  g_string_append_c (user_data, ';');
  return TRUE;
}

static const SbMultipartFuncs note_funcs = { note_begin, note_data, note_end };

/* Reads @body in pieces: up to @first, then @step bytes at a time. Returns what was read, and the
 * error's message behind it. */
static char *
read_in_pieces (const char *boundary, const char *body, gsize length, gsize first, gsize step)
{
  GString *notes = g_string_new (NULL);
  g_autoptr (SbMultipart) form = sb_multipart_new (boundary, 10, &note_funcs, notes);
  g_autoptr (GError) error = NULL;
  gboolean read = TRUE;

  for (gsize at = 0; read && at < length;)
    {
      gsize n = MIN (at == 0 && first > 0 ? first : step, length - at);

      read = sb_multipart_feed (form, body + at, n, &error);
      at += n;
    }
  if (read)
    sb_multipart_finish (form, &error);
  if (error != NULL)
    {
      g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
      g_string_append_printf (notes, "!%s", error->message);
    }
  return g_string_free (notes, FALSE);
}

/* The same, however it is cut. */
static void
assert_read (const char *boundary, const char *body, gsize length, const char *wanted)
{
  for (gsize first = 1; first <= length; first++)
    {
      g_autofree char *got = read_in_pieces (boundary, body, length, first, length);

      g_assert_cmpstr (got, ==, wanted);
    }
  for (gsize step = 1; step < 20; step++)
    {
      g_autofree char *got = read_in_pieces (boundary, body, length, 0, step);

      g_assert_cmpstr (got, ==, wanted);
    }
}

#define assert_form(body, wanted) assert_read ("X", body, strlen (body), wanted)

#define PART(disposition, content) \
  "--X\r\nContent-Disposition: form-data; " disposition "\r\n\r\n" content "\r\n"

static void
parts_come_with_their_names (void)
{
  assert_form (PART ("name=\"data\"", "{\"to\":\"@b\"}")
                   PART ("name=\"photo.jpg\"; filename=\"C:\\fakepath\\x\"", "bytes") "--X--\r\n",
               "data|:{\"to\":\"@b\"};photo.jpg|C:\\fakepath\\x:bytes;");
}

static void
a_part_may_be_empty (void)
{
  assert_form (PART ("name=\"a\"", "") PART ("name=\"b\"", "") "--X--", "a|:;b|:;");
}

static void
content_that_looks_like_a_boundary_is_content (void)
{
  assert_form (PART ("name=\"a\"", "\r\n--\r\n--\r\n-X\r\r\n--Y--X\r\n --X") "--X--\r\n",
               "a|:\r\n--\r\n--\r\n-X\r\r\n--Y--X\r\n --X;");
}

static void
zero_bytes_are_content (void)
{
  static const char body[] = PART ("name=\"a\"", "1\0002\0") "--X--\r\n";
  g_autofree char *got = read_in_pieces ("X", body, sizeof body - 1, 0, 7);

  g_assert_cmpmem (got, 9, "a|:1\0002\0;", 9);
}

static void
preamble_padding_and_epilogue_are_passed_over (void)
{
  assert_form (
      "This is a form.\r\n--X \t\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--X--"
      "\r\nThat was a form.",
      "a|:1;");
}

static void
other_headers_do_not_matter (void)
{
  assert_form (
      "--X\r\nContent-Type: image/jpeg\r\ncontent-disposition:form-data;NAME=a;filename=b\r\n"
      "Content-Transfer-Encoding: binary\r\nX-Any: thing\r\n\r\n1\r\n--X--\r\n",
      "a|b:1;");
}

static void
names_are_read_as_clients_write_them (void)
{
  static const struct
  {
    const char *disposition;
    const char *wanted;
  } cases[] = {
    { "name=\"Накладная № 5.pdf\"; filename=x", "Накладная № 5.pdf|x:1;" },
    { "name*=UTF-8''%D0%B6.txt; filename=x", "ж.txt|x:1;" },
    { "name=plain; name*=utf-8'ru'%D0%B6", "ж|:1;" },
    { "name*=ISO-8859-1''%E9", "é|:1;" },
    { "name*=KOI8-R''%C6; name=plain", "plain|:1;" },
    { "name=\"a \\\"quoted\\\" \\\\ one\"", "a \"quoted\" \\ one|:1;" },
    { "name=\"a %22quoted%22 one%0D%0Atwo\"", "a \"quoted\" one  two|:1;" },
    { "name=\"100%25;x=y\"; filename=\"a;b\"", "100%25;x=y|a;b:1;" },
    { "filename=\"first\"; name=\"second\"", "second|first:1;" },
    { "name=\"bytes \xff\"", "bytes \xef\xbf\xbd|:1;" },
    { "xname=\"no\"; name=\"yes\"", "yes|:1;" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *body = g_strdup_printf (
          "--X\r\nContent-Disposition: form-data; %s\r\n\r\n1\r\n--X--", cases[i].disposition);

      assert_form (body, cases[i].wanted);
    }
}

static void
what_is_no_form_is_refused (void)
{
  static const struct
  {
    const char *body;
    const char *wanted;
  } cases[] = {
    { "", "!the form ends without its last boundary: the upload was cut off" },
    { "--X--", "!the form has no parts" },
    { PART ("name=a", "1"),
      "a|:1!the form ends without its last boundary: the upload was cut off" },
    { "--X\r\nContent-Disposition: form-data; name=a\r\n\r\n1",
      "a|:1!the form ends without its last boundary: the upload was cut off" },
    { "--X\r\n\r\n1\r\n--X--", "!a part of the form has no Content-Disposition: form-data" },
    { "--X\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--X--",
      "!a part of the form has no Content-Disposition: form-data" },
    { "--X\r\nContent-Disposition: form-data\r\n\r\n1\r\n--X--",
      "!a part of the form has no name" },
    { "--X\r\nContent-Disposition: form-data; name=a\r\n b\r\n\r\n1\r\n--X--",
      "!a part of the form has a folded header line" },
    { "--X\r\nContent-Disposition: form-data; name=a\r\n"
      "Content-Transfer-Encoding: base64\r\n\r\n1\r\n"
      "--X--",
      "!a part of the form has a Content-Transfer-Encoding, which is not understood" },
    { "--Xtra\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--X--",
      "!the form has something behind a boundary that does not belong there" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    if (*cases[i].body != '\0')
      assert_form (cases[i].body, cases[i].wanted);
    else
      {
        g_autofree char *got = read_in_pieces ("X", "", 0, 0, 1);

        g_assert_cmpstr (got, ==, cases[i].wanted);
      }
}

static void
assert_refused (const GString *body, const char *part)
{
  g_autofree char *got = read_in_pieces ("X", body->str, body->len, 0, 1000);

  g_assert_nonnull (strstr (got, part));
}

static void
everything_is_bounded (void)
{
  g_autofree char *filler = g_strnfill (70000, 'x');
  g_autoptr (GString) preamble = g_string_new (filler);
  g_autoptr (GString) head = g_string_new ("--X\r\nA: ");
  g_autoptr (GString) padding = g_string_new ("--X");
  g_autoptr (GString) epilogue = g_string_new (PART ("name=a", "1") "--X--");
  g_autoptr (GString) parts = g_string_new (NULL);

  assert_refused (preamble, "does not begin with its boundary");
  g_string_append (head, filler);
  assert_refused (head, "headers above 16 KiB");
  for (guint i = 0; i < 200; i++)
    g_string_append_c (padding, ' ');
  assert_refused (padding, "no line end behind a boundary");
  g_string_append (epilogue, filler);
  assert_refused (epilogue, "goes on behind its last boundary");
  for (guint i = 0; i < 11; i++)
    g_string_append (parts, PART ("name=a", "1"));
  assert_refused (parts, "too many parts");
}

static void
boundaries_are_read_from_the_content_type (void)
{
  static const struct
  {
    const char *type;
    const char *wanted;
  } cases[] = {
    { "multipart/form-data; boundary=abc", "abc" },
    { "multipart/form-data; charset=utf-8; Boundary=\"a b c\"", "a b c" },
    { "multipart/form-data;boundary=----WebKitFormBoundary7MA4", "----WebKitFormBoundary7MA4" },
    { "multipart/form-data", NULL },
    { "multipart/form-data; boundary=", NULL },
    { "multipart/form-data; boundary=\"ends with space \"", NULL },
    { "multipart/form-data; boundary=\"a\r\nb\"", NULL },
    { "multipart/form-data; boundary="
      "12345678901234567890123456789012345678901234567890123456789012345678901",
      NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *got = sb_multipart_dup_boundary (cases[i].type, &error);

      g_assert_cmpstr (got, ==, cases[i].wanted);
      g_assert_true ((got == NULL) == (error != NULL));
    }
}

static gboolean
refuse (const SbMultipartPart *part, gpointer user_data, GError **error)
{
  g_set_error_literal (error, SB_ERROR, SB_ERROR_FORBIDDEN, "not this one");
  return FALSE;
}

static void
who_reads_can_say_no (void)
{
  static const SbMultipartFuncs funcs = { refuse, note_data, note_end };
  g_autoptr (SbMultipart) form = sb_multipart_new ("X", 10, &funcs, NULL);
  g_autoptr (GError) error = NULL;
  static const char body[] = PART ("name=a", "1");

  g_assert_false (sb_multipart_feed (form, body, sizeof body - 1, &error));
  g_assert_error (error, SB_ERROR, SB_ERROR_FORBIDDEN);
}

int
main (int argc, char **argv)
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/multipart/parts-come-with-their-names", parts_come_with_their_names);
  g_test_add_func ("/multipart/a-part-may-be-empty", a_part_may_be_empty);
  g_test_add_func ("/multipart/content-that-looks-like-a-boundary-is-content",
                   content_that_looks_like_a_boundary_is_content);
  g_test_add_func ("/multipart/zero-bytes-are-content", zero_bytes_are_content);
  g_test_add_func ("/multipart/preamble-padding-and-epilogue-are-passed-over",
                   preamble_padding_and_epilogue_are_passed_over);
  g_test_add_func ("/multipart/other-headers-do-not-matter", other_headers_do_not_matter);
  g_test_add_func ("/multipart/names-are-read-as-clients-write-them",
                   names_are_read_as_clients_write_them);
  g_test_add_func ("/multipart/what-is-no-form-is-refused", what_is_no_form_is_refused);
  g_test_add_func ("/multipart/everything-is-bounded", everything_is_bounded);
  g_test_add_func ("/multipart/boundaries-are-read-from-the-content-type",
                   boundaries_are_read_from_the_content_type);
  g_test_add_func ("/multipart/who-reads-can-say-no", who_reads_can_say_no);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-disposition: names of files in a header, whatever somebody put into them. */

#include "sb-disposition.h"
#include "sb-test.h"

#include <string.h>

static void
assert_written (const char *name, const char *ascii, const char *escaped)
{
  g_autofree char *value = sb_disposition_format (name);
  g_autofree char *expected = g_strdup_printf ("attachment; filename=\"%s\"; filename*=UTF-8''%s",
                                               ascii, escaped);

  g_assert_cmpstr (value, ==, expected);
}

static void
writes_names (void)
{
  static const struct
  {
    const char *name;
    const char *ascii;
    const char *escaped;
  } rows[] = {
    { "photo.jpg", "photo.jpg", "photo.jpg" },
    { "a b.txt", "a b.txt", "a%20b.txt" },
    { "отчёт.pdf", "_____.pdf", "%D0%BE%D1%82%D1%87%D1%91%D1%82.pdf" },
    { "50%.txt", "50_.txt", "50%25.txt" },
    { "it's;a=b,c.txt", "it's;a=b,c.txt", "it%27s%3Ba%3Db%2Cc.txt" },
    { "\xf0\x9f\x98\x80", "_", "%F0%9F%98%80" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    assert_written (rows[i].name, rows[i].ascii, rows[i].escaped);
}

static void
lets_nothing_break_out (void)
{
  static const struct
  {
    const char *name;
    const char *ascii;
    const char *escaped;
  } rows[] = {
    { "a\"; filename=\"b", "a_; filename=_b", "a%22%3B%20filename%3D%22b" },
    { "a\r\nSet-Cookie: x", "a__Set-Cookie: x", "a__Set-Cookie%3A%20x" },
    { "a\\\"b", "a__b", "a_%22b" },
    { "../../etc/passwd", ".._.._etc_passwd", ".._.._etc_passwd" },
    { "C:\\x", "C:_x", "C%3A_x" },
    { "a\x7f\x01\tb", "a___b", "a___b" },
    { "a\xc2\x85"
      "b",
      "a_b", "a_b" },
    { "gpj.\xe2\x80\xae"
      "exe",
      "gpj._exe", "gpj._exe" },
    { "a\xff"
      "b",
      "a_b", "a%EF%BF%BDb" },
    { "", "file", "file" },
    { ".", "file", "file" },
    { "..", "file", "file" },
    { " ", "file", "file" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    assert_written (rows[i].name, rows[i].ascii, rows[i].escaped);
}

static void
cuts_long_names_between_characters (void)
{
  g_autoptr (GString) name = g_string_new (NULL);
  g_autofree char *value = NULL;
  const char *escaped;

  for (guint i = 0; i < 1000; i++)
    g_string_append (name, "я");
  value = sb_disposition_format (name->str);
  g_assert_cmpuint (strlen (value), <, 255 * 4 + 100);
  escaped = strstr (value, "''") + 2;
  g_assert_cmpuint (strlen (escaped) % strlen ("%D1%8F"), ==, 0);
  g_assert_true (g_str_has_suffix (escaped, "%D1%8F"));
}

int
main (int argc, char **argv)
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/disposition/writes-names", writes_names);
  g_test_add_func ("/disposition/lets-nothing-break-out", lets_nothing_break_out);
  g_test_add_func ("/disposition/cuts-long-names-between-characters",
                   cuts_long_names_between_characters);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-file-name: names that people give to files, and those that mean harm. */

#include "sb-file-name.h"
#include "sb-test.h"

#include <string.h>

static void
display_names_are_made_safe (void)
{
  static const struct
  {
    const char *given;
    const char *wanted;
  } cases[] = {
    { "photo.jpg", "photo.jpg" },
    { "Накладная № 5.pdf", "Накладная № 5.pdf" },
    { "../../etc/passwd", "passwd" },
    { "C:\\Users\\Anna\\photo.jpg", "photo.jpg" },
    { "C:photo.jpg", "photo.jpg" },
    { "/", "file" },
    { "", "file" },
    { ".", "file" },
    { "..", "file" },
    { " . ", "file" },
    { "a/..", "file" },
    { ".profile", ".profile" },
    { "  spaces around.txt  ", "spaces around.txt" },
    { "line\r\nSet-Cookie: x.txt", "lineSet-Cookie: x.txt" },
    { "nul\x01\x7f.txt", "nul.txt" },
    { "annex\xe2\x80\xaegpj.exe", "annexgpj.exe" },
    { "zero\xe2\x80\x8bwidth", "zerowidth" },
    { "e\xcc\x81.txt", "\xc3\xa9.txt" },
    { "broken\xff.txt", "broken\xef\xbf\xbd.txt" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *got = sb_file_name_make_display (cases[i].given);

      g_assert_cmpstr (got, ==, cases[i].wanted);
    }
}

static void
long_names_keep_their_ending (void)
{
  g_autoptr (GString) name = g_string_new ("x");
  g_autofree char *got = NULL;

  for (guint i = 0; i < 1000; i++)
    g_string_append (name, "ж");
  g_string_append (name, ".jpeg");
  got = sb_file_name_make_display (name->str);
  g_assert_true (g_utf8_validate (got, -1, NULL));
  g_assert_cmpuint (strlen (got), <=, SB_FILE_NAME_MAX);
  g_assert_cmpuint (strlen (got), >=, SB_FILE_NAME_MAX - 1);
  g_assert_true (g_str_has_suffix (got, "ж.jpeg"));
}

static void
an_ending_that_is_too_long_is_none (void)
{
  g_autofree char *long_ending = g_strnfill (1000, 'e');
  g_autofree char *name = g_strconcat ("a.", long_ending, NULL);
  g_autofree char *got = sb_file_name_make_display (name);

  g_assert_cmpuint (strlen (got), ==, SB_FILE_NAME_MAX);
}

static void
stored_names_are_plain (void)
{
  static const struct
  {
    const char *id;
    const char *display;
    const char *wanted;
  } cases[] = {
    { "a", "photo.jpg", "a_photo.jpg" },
    { "order-1.2", "Report 2026.PDF", "order-1.2_Report_2026.PDF" },
    { "a", "Накладная № 5.pdf", "a__5.pdf" },
    { "a", "Накладная.pdf", "a__.pdf" },
    { "номер 7", "x", "_7_x" },
    { "a", ".htaccess", "a__htaccess" },
    { "..", "x", "_._x" },
    { "a?b&c=d%2f", "x y", "a_b_c_d_2f_x_y" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *got = sb_file_name_make_stored (cases[i].id, cases[i].display);

      g_assert_cmpstr (got, ==, cases[i].wanted);
    }
}

static void
stored_names_are_bounded (void)
{
  g_autofree char *id = g_strnfill (500, 'i');
  g_autofree char *stem = g_strnfill (250, 'n');
  g_autofree char *display = g_strconcat (stem, ".pdf", NULL);
  g_autofree char *got = sb_file_name_make_stored (id, display);

  g_assert_cmpuint (strlen (got), <=, 255);
  g_assert_true (g_str_has_suffix (got, "n.pdf"));
}

int
main (int argc, char **argv)
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/file-name/display-names-are-made-safe", display_names_are_made_safe);
  g_test_add_func ("/file-name/long-names-keep-their-ending", long_names_keep_their_ending);
  g_test_add_func ("/file-name/an-ending-that-is-too-long-is-none",
                   an_ending_that_is_too_long_is_none);
  g_test_add_func ("/file-name/stored-names-are-plain", stored_names_are_plain);
  g_test_add_func ("/file-name/stored-names-are-bounded", stored_names_are_bounded);
  return g_test_run ();
}

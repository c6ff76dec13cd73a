/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-file-name: names that senders make up. */

#include "sb-client-file-name.h"
#include "sb-test.h"

#include <string.h>

typedef struct
{
  const char *name;
  const char *safe;
} Case;

static const Case cases[] = {
  { "Invoice May.pdf", "Invoice May.pdf" },
  { "Отчёт за май.pdf", "Отчёт за май.pdf" },
  { "日本語 😀.txt", "日本語 😀.txt" },
  { NULL, "file" },
  { "", "file" },
  { ".", "file" },
  { "..", "file" },
  { "...", "file" },
  { " . . ", "file" },
  { "/", "file" },
  { "../../etc/passwd", "passwd" },
  { "/etc/passwd", "passwd" },
  { "..\\..\\boot.ini", "boot.ini" },
  { "C:\\Windows\\a.exe", "a.exe" },
  { "C:a.exe", "C_a.exe" },
  { "a/", "file" },
  { ".bashrc", "bashrc" },
  { "..hidden", "hidden" },
  { " .profile", "profile" },
  { "a.txt.", "a.txt" },
  { "a.txt . .", "a.txt" },
  { "a\nb\tc\r.txt", "a b c .txt" },
  { "a\001\033[31mb.txt", "a[31mb.txt" },
  { "a\x7f.txt", "a.txt" },
  { "exe.\xe2\x80\xaegpj", "exe.gpj" },
  { "a\xe2\x80\x8b.txt", "a.txt" },
  { "a\xef\xbb\xbf.txt", "a.txt" },
  { "a\xe2\x80\xa8z.txt", "a z.txt" },
  { "a<b>c:d\"e|f?g*h", "a_b_c_d_e_f_g_h" },
  { "-rf", "_-rf" },
  { "~", "_~" },
  { "CON", "_CON" },
  { "con.txt", "_con.txt" },
  { "Nul", "_Nul" },
  { "COM1.tar.gz", "_COM1.tar.gz" },
  { "lpt9", "_lpt9" },
  { "console.txt", "console.txt" },
  { "com.txt", "com.txt" },
  { "comX", "comX" },
  { "\xff\xfe", "��" },
  { "a\xc3", "a�" },
};

static void
test_makes_safe_names (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *safe = sb_client_file_name_make_safe (cases[i].name);
      g_autofree char *twice = sb_client_file_name_make_safe (safe);

      g_assert_cmpstr (safe, ==, cases[i].safe);
      g_assert_cmpstr (twice, ==, safe);
    }
}

static void
test_cuts_long_names_before_the_ending (void)
{
  g_autofree char *stem = g_strnfill (1000, 'a');
  g_autofree char *name = g_strconcat (stem, ".pdf", NULL);
  g_autofree char *safe = sb_client_file_name_make_safe (name);
  g_autofree char *numbered = sb_client_file_name_number (safe, 1000);

  g_assert_cmpuint (strlen (safe), ==, 240);
  g_assert_true (g_str_has_suffix (safe, "a.pdf"));
  g_assert_cmpuint (strlen (numbered), <=, 255);
}

/* However the bytes fall. */
static void
test_cuts_between_characters (void)
{
  for (guint i = 0; i < 4; i++)
    {
      GString *name = g_string_new (NULL);
      g_autofree char *safe = NULL;

      for (guint k = 0; k < i; k++)
        g_string_append_c (name, 'a');
      for (guint k = 0; k < 200; k++)
        g_string_append (name, "😀");
      g_string_append (name, ".jpg");
      safe = sb_client_file_name_make_safe (name->str);
      g_assert_true (g_utf8_validate (safe, -1, NULL));
      g_assert_cmpuint (strlen (safe), <=, 240);
      g_assert_cmpuint (strlen (safe), >, 230);
      g_assert_true (g_str_has_suffix (safe, ".jpg"));
      g_string_free (name, TRUE);
    }
}

/* One that is as long as a name is none, so it can be cut. */
static void
test_cuts_what_looks_like_a_long_ending (void)
{
  g_autofree char *ending = g_strnfill (1000, 'b');
  g_autofree char *name = g_strconcat ("a.", ending, NULL);
  g_autofree char *safe = sb_client_file_name_make_safe (name);

  g_assert_cmpuint (strlen (safe), ==, 240);
}

static void
test_numbers_before_the_ending (void)
{
  static const Case numbered[] = {
    { "a.pdf", "a (2).pdf" }, { "a", "a (2)" },           { "a.tar.gz", "a (2).tar.gz" },
    { "a.b.c", "a.b (2).c" }, { "tar.gz", "tar (2).gz" }, { "Отчёт.pdf", "Отчёт (2).pdf" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (numbered); i++)
    {
      g_autofree char *first = sb_client_file_name_number (numbered[i].name, 1);
      g_autofree char *second = sb_client_file_name_number (numbered[i].name, 2);

      g_assert_cmpstr (first, ==, numbered[i].name);
      g_assert_cmpstr (second, ==, numbered[i].safe);
    }
}

int
main (int argc, char **argv)
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/client/file-name/makes-safe-names", test_makes_safe_names);
  g_test_add_func ("/client/file-name/cuts-long-names-before-the-ending",
                   test_cuts_long_names_before_the_ending);
  g_test_add_func ("/client/file-name/cuts-between-characters", test_cuts_between_characters);
  g_test_add_func ("/client/file-name/cuts-what-looks-like-a-long-ending",
                   test_cuts_what_looks_like_a_long_ending);
  g_test_add_func ("/client/file-name/numbers-before-the-ending", test_numbers_before_the_ending);
  return g_test_run ();
}

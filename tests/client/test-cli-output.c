/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-cli-output: what reaches a terminal, how wide it is, and in which units. */

#include "sb-cli.h"

#include "sb-test.h"

#include <string.h>

static void
test_shows_what_a_terminal_would_obey (void)
{
  static const char *const cases[][2] = {
    { "plain", "plain" },
    { "Жёлтый 日本 é", "Жёлтый 日本 é" },
    { "a\033[31mb", "a\\x1b[31mb" },
    { "a\nb\tc\rd", "a\\nb\\tc\\x0dd" },
    { "a\x7f", "a\\x7f" },
    { "csi\xc2\x9b"
      "2J",
      "csi\\x9b2J" },
    { "\xe2\x80\xae"
      "fdp.exe",
      "\\u{202e}fdp.exe" },
    { "zero\xe2\x80\x8bwidth", "zero\\u{200b}width" },
    { "line\xe2\x80\xa8"
      "end",
      "line\\u{2028}end" },
    { "tag\xf3\xa0\x81\x81", "tag\\u{e0041}" },
    { "family \xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9",
      "family \xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9" },
    { "bad \xff utf", "bad \xef\xbf\xbd utf" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *shown = sb_cli_printable (cases[i][0]);

      g_assert_cmpstr (shown, ==, cases[i][1]);
    }
}

static void
test_measures_text (void)
{
  static const struct
  {
    const char *text;
    guint width;
  } cases[] = { { "", 0 }, { "abc", 3 }, { "Жук", 3 }, { "日本", 4 }, { "e\xcc\x81", 1 } };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpuint (sb_cli_text_width (cases[i].text), ==, cases[i].width);
}

static void
test_formats_sizes (void)
{
  static const struct
  {
    gint64 bytes;
    const char *text;
  } cases[] = {
    { -1, "0 B" },           { 0, "0 B" },
    { 999, "999 B" },        { 1000, "0.98 KiB" },
    { 1024, "1.00 KiB" },    { 10229, "9.99 KiB" },
    { 10240, "10.0 KiB" },   { 102400, "100 KiB" },
    { 1048576, "1.00 MiB" }, { G_MAXINT64, "8192 PiB" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = sb_cli_format_size (cases[i].bytes);

      g_assert_cmpstr (text, ==, cases[i].text);
    }
}

static void
test_formats_ages (void)
{
  static const struct
  {
    gint64 seconds;
    const char *text;
  } cases[] = {
    { -5, "0 s" },       { 0, "0 s" },    { 119, "119 s" },  { 120, "2 min" },
    { 7199, "119 min" }, { 7200, "2 h" }, { 172800, "2 d" }, { 8640000, "100 d" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = sb_cli_format_age (cases[i].seconds);

      g_assert_cmpstr (text, ==, cases[i].text);
    }
}

static void
test_puts_columns_below_each_other (void)
{
  SbCli cli = { 0 };
  g_autoptr (SbCliTable) table = sb_cli_table_new (&cli, "NAME", "N", "LAST", NULL);

  if (g_test_subprocess ())
    {
      sb_cli_table_align_right (table, 1);
      sb_cli_table_add (table, "日本", "7", "x", NULL);
      sb_cli_table_add (table, "a\nb", "1000", "", NULL);
      sb_cli_table_print (table);
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stdout ("*NAME     N  LAST\n日本     7  x\na\\nb  1000\n*");
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/cli/output/shows-what-a-terminal-would-obey",
                   test_shows_what_a_terminal_would_obey);
  g_test_add_func ("/cli/output/measures-text", test_measures_text);
  g_test_add_func ("/cli/output/formats-sizes", test_formats_sizes);
  g_test_add_func ("/cli/output/formats-ages", test_formats_ages);
  g_test_add_func ("/cli/output/puts-columns-below-each-other", test_puts_columns_below_each_other);
  return g_test_run ();
}

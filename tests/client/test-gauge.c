/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-gauge: lines of a progress display, on terminals of any width. */

#include "sb-cli-gauge.h"
#include "sb-cli.h"
#include "sb-test.h"

#include <string.h>

static const SbCliGauge half = {
  .name = "photos.zip",
  .done = 512 * 1024,
  .size = 1024 * 1024,
  .rate = 256 * 1024,
  .left = 2,
};

static void
test_shows_all_when_there_is_room (void)
{
  g_autofree char *line = sb_cli_gauge_format (&half, 100);

  g_assert_nonnull (strstr (line, "photos.zip"));
  g_assert_nonnull (strstr (line, "[===="));
  g_assert_nonnull (strstr (line, " 50%"));
  g_assert_nonnull (strstr (line, "0.5/1.0 MiB"));
  g_assert_nonnull (strstr (line, "256 KiB/s"));
  g_assert_nonnull (strstr (line, "0:02"));
}

/* Whatever is shown: names in all scripts, sizes without end, terminals without width. */
static void
test_is_never_wider_than_it_may_be (void)
{
  static const char *const names[] = {
    "a",
    "photos.zip",
    "写真と動画のバックアップ.tar.gz",
    "e\xcc\x81t\xc3\xa9.txt",
    "👩‍👩‍👧‍👦 family.mp4",
    "\xcc\x81\xcc\x81\xcc\x81",
    "",
    "a very long name of a file that nobody would ever have thought of, but there it is.pdf",
  };
  static const gint64 sizes[] = { -1, 0, 1, 1023, 1024 * 1024, G_MAXINT64 };

  for (gsize n = 0; n < G_N_ELEMENTS (names); n++)
    for (gsize s = 0; s < G_N_ELEMENTS (sizes); s++)
      for (guint columns = 0; columns < 150; columns++)
        {
          SbCliGauge gauge = { .name = names[n],
                               .done = MAX (sizes[s] / 3, 0),
                               .size = sizes[s],
                               .rate = s % 2 == 0 ? 0 : 1e18,
                               .left = s % 2 == 0 ? -1 : 1e18,
                               .note = columns % 7 == 0 ? "waits for the bus" : NULL };
          g_autofree char *line = sb_cli_gauge_format (&gauge, columns);

          g_assert_true (g_utf8_validate (line, -1, NULL));
          g_assert_cmpuint (sb_cli_text_width (line), <=, columns);
        }
}

static void
test_says_100_percent_only_of_all (void)
{
  SbCliGauge gauge = { .name = "x", .done = 999999999, .size = 1000000000, .left = -1 };
  g_autofree char *nearly = sb_cli_gauge_format (&gauge, 80);
  g_autofree char *all = NULL;

  g_assert_nonnull (strstr (nearly, " 99%"));
  gauge.done++;
  all = sb_cli_gauge_format (&gauge, 80);
  g_assert_nonnull (strstr (all, "100%"));
}

static void
test_leaves_out_what_matters_least_first (void)
{
  g_autofree char *medium = sb_cli_gauge_format (&half, 50);
  g_autofree char *narrow = sb_cli_gauge_format (&half, 20);
  g_autofree char *tiny = sb_cli_gauge_format (&half, 4);

  g_assert_null (strstr (medium, "MiB"));
  g_assert_nonnull (strstr (medium, "0:02"));
  g_assert_nonnull (strstr (narrow, "50%"));
  g_assert_null (strstr (narrow, "0:02"));
  g_assert_cmpuint (sb_cli_text_width (tiny), <=, 4);
}

static void
test_cuts_the_middle_of_a_name (void)
{
  static const struct
  {
    const char *text;
    guint columns;
    const char *cut;
  } cases[] = {
    { "report-2026-05.pdf", 18, "report-2026-05.pdf" },
    { "report-2026-05.pdf", 11, "repor…5.pdf" },
    { "report-2026-05.pdf", 2, "…f" },
    { "report-2026-05.pdf", 1, "…" },
    { "report-2026-05.pdf", 0, "" },
    { "写真写真写真", 7, "写…真" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *cut = sb_cli_fit_text (cases[i].text, cases[i].columns);

      g_assert_cmpuint (sb_cli_text_width (cut), <=, cases[i].columns);
      g_assert_cmpstr (cut, ==, cases[i].cut);
    }
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/gauge/shows-all-when-there-is-room", test_shows_all_when_there_is_room);
  g_test_add_func ("/gauge/is-never-wider-than-it-may-be", test_is_never_wider_than_it_may_be);
  g_test_add_func ("/gauge/says-100-percent-only-of-all", test_says_100_percent_only_of_all);
  g_test_add_func ("/gauge/leaves-out-what-matters-least-first",
                   test_leaves_out_what_matters_least_first);
  g_test_add_func ("/gauge/cuts-the-middle-of-a-name", test_cuts_the_middle_of_a_name);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-metrics: counting, and the text that Prometheus reads. */

#include "sb-metrics.h"
#include "sb-refusals.h"

#include "sb-test.h"

#include <locale.h>
#include <math.h>
#include <string.h>

static void
assert_renders (SbMetrics *metrics, const char *expected)
{
  g_autofree char *text = sb_metrics_render (metrics);

  g_assert_cmpstr (text, ==, expected);
}

static void
assert_has_line (SbMetrics *metrics, const char *line)
{
  g_autofree char *text = sb_metrics_render (metrics);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  if (!g_strv_contains ((const char *const *) lines, line))
    g_error ("no line \"%s\" in:\n%s", line, text);
}

static double
read_double (gpointer data)
{
  return *(double *) data;
}

static void
nothing_counted_is_an_empty_text (void)
{
  SbMetrics *metrics = sb_metrics_new ();

  assert_renders (metrics, "");
  g_assert_finalize_object (metrics);
}

static void
series_of_a_name_share_its_head_and_are_sorted (void)
{
  g_autoptr (SbMetrics) metrics = sb_metrics_new ();
  double sessions = 3;

  sb_counter_add (sb_metrics_counter (metrics, "sb_refused_total", "Refused", "reason=\"full\""),
                  2);
  sb_metrics_gauge (metrics, "sb_sessions", "Sessions", NULL, read_double, &sessions);
  sb_counter_add (sb_metrics_counter (metrics, "sb_refused_total", "Refused", "reason=\"busy\""),
                  1);
  sb_metrics_counter (metrics, "sb_accepted_total", "Accepted", NULL);

  assert_renders (metrics, "# HELP sb_accepted_total Accepted\n"
                           "# TYPE sb_accepted_total counter\n"
                           "sb_accepted_total 0\n"
                           "# HELP sb_refused_total Refused\n"
                           "# TYPE sb_refused_total counter\n"
                           "sb_refused_total{reason=\"busy\"} 1\n"
                           "sb_refused_total{reason=\"full\"} 2\n"
                           "# HELP sb_sessions Sessions\n"
                           "# TYPE sb_sessions gauge\n"
                           "sb_sessions 3\n");
}

static void
the_same_name_and_labels_are_the_same_counter (void)
{
  g_autoptr (SbMetrics) metrics = sb_metrics_new ();
  SbCounter *counter = sb_metrics_counter (metrics, "a_total", "A", "x=\"1\"");

  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *name = g_strdup_printf ("other_%u", i);

      sb_metrics_counter (metrics, name, "Other", NULL);
    }
  g_assert_true (sb_metrics_counter (metrics, "a_total", "A", "x=\"1\"") == counter);
  g_assert_true (sb_metrics_counter (metrics, "a_total", "A", NULL) != counter);
  sb_counter_add (counter, G_MAXUINT64);
  assert_has_line (metrics, "a_total{x=\"1\"} 18446744073709551615");
}

static void
help_and_labels_are_escaped (void)
{
  g_autoptr (SbMetrics) metrics = sb_metrics_new ();
  g_autofree char *label = sb_metrics_label ("path", "a\"b\\c\nd\xff");

  g_assert_cmpstr (label, ==, "path=\"a\\\"b\\\\c\\nd\xef\xbf\xbd\"");
  sb_metrics_counter (metrics, "a_total", "say \"a\"\n\\ twice", label);
  assert_renders (metrics, "# HELP a_total say \"a\"\\n\\\\ twice\n# TYPE a_total counter\n"
                           "a_total{path=\"a\\\"b\\\\c\\nd\xef\xbf\xbd\"} 0\n");
}

static void
numbers_are_written_short_and_exact (void)
{
  static const struct
  {
    double number;
    const char *line;
  } cases[] = {
    { 0.1, "g 0.1" },       { -2, "g -2" },          { 1e15 + 0.5, "g 1000000000000000.5" },
    { INFINITY, "g +Inf" }, { -INFINITY, "g -Inf" }, { NAN, "g NaN" },
  };

  setlocale (LC_ALL, "de_DE.UTF-8");
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SbMetrics) metrics = sb_metrics_new ();
      double number = cases[i].number;

      sb_metrics_gauge (metrics, "g", "G", NULL, read_double, &number);
      assert_has_line (metrics, cases[i].line);
    }
  setlocale (LC_ALL, "C.UTF-8");
}

static void
a_removed_gauge_is_not_asked_again (void)
{
  g_autoptr (SbMetrics) metrics = sb_metrics_new ();
  double kept = 1;
  guint id = sb_metrics_gauge (metrics, "g", "G", "x=\"1\"", read_double, NULL);
  guint last = sb_metrics_gauge (metrics, "g", "G", "x=\"2\"", read_double, &kept);

  sb_metrics_remove_gauge (metrics, id);
  sb_metrics_remove_gauge (metrics, id);
  assert_renders (metrics, "# HELP g G\n# TYPE g gauge\ng{x=\"2\"} 1\n");
  sb_metrics_remove_gauge (metrics, last);
  assert_renders (metrics, "");
}

static void
a_gauge_of_the_same_labels_takes_over (void)
{
  g_autoptr (SbMetrics) metrics = sb_metrics_new ();
  double number = 5;
  guint id = sb_metrics_gauge (metrics, "g", "G", NULL, read_double, NULL);

  g_assert_cmpuint (sb_metrics_gauge (metrics, "g", "G", NULL, read_double, &number), !=, id);
  sb_metrics_remove_gauge (metrics, id);
  assert_has_line (metrics, "g 5");
}

static void
durations_fall_into_their_buckets (void)
{
  g_autoptr (SbMetrics) metrics = sb_metrics_new ();
  SbHistogram *histogram = sb_metrics_histogram (metrics, "h_seconds", "H", "op=\"x\"");

  sb_histogram_observe (histogram, 0.00005);
  sb_histogram_observe (histogram, 0.000051);
  sb_histogram_observe (histogram, 60);
  sb_histogram_observe (histogram, 61);
  assert_has_line (metrics, "# TYPE h_seconds histogram");
  assert_has_line (metrics, "h_seconds_bucket{op=\"x\",le=\"5e-05\"} 1");
  assert_has_line (metrics, "h_seconds_bucket{op=\"x\",le=\"0.0001\"} 2");
  assert_has_line (metrics, "h_seconds_bucket{op=\"x\",le=\"20\"} 2");
  assert_has_line (metrics, "h_seconds_bucket{op=\"x\",le=\"60\"} 3");
  assert_has_line (metrics, "h_seconds_bucket{op=\"x\",le=\"+Inf\"} 4");
  assert_has_line (metrics, "h_seconds_count{op=\"x\"} 4");
}

static void
a_histogram_can_have_bounds_of_its_own (void)
{
  static const double bounds[] = { 1, 1000 };
  g_autoptr (SbMetrics) metrics = sb_metrics_new ();
  SbHistogram *histogram = sb_metrics_histogram_with_bounds (metrics, "h_rows", "H", NULL, bounds,
                                                             G_N_ELEMENTS (bounds));

  sb_histogram_observe (histogram, 1);
  sb_histogram_observe (histogram, 1000);
  sb_histogram_observe (histogram, 1001);
  assert_has_line (metrics, "h_rows_bucket{le=\"1\"} 1");
  assert_has_line (metrics, "h_rows_bucket{le=\"1000\"} 2");
  assert_has_line (metrics, "h_rows_bucket{le=\"+Inf\"} 3");
  assert_has_line (metrics, "h_rows_sum 2002");
}

static void
a_counter_may_be_kept_by_somebody_else (void)
{
  g_autoptr (SbMetrics) metrics = sb_metrics_new ();
  g_autofree char *empty = NULL;
  double number = 7;
  guint id = sb_metrics_reading (metrics, "r_total", "R", NULL, read_double, &number);

  assert_has_line (metrics, "# TYPE r_total counter");
  assert_has_line (metrics, "r_total 7");
  sb_metrics_remove_gauge (metrics, id);
  empty = sb_metrics_render (metrics);
  g_assert_cmpstr (empty, ==, "");
}

static void
refusals_are_counted_by_reason (void)
{
  static const char *const reasons[] = { "full", "busy", NULL };
  g_autoptr (SbMetrics) metrics = sb_metrics_new ();
  g_autoptr (SbRefusals) refusals = sb_refusals_new (metrics, "n_total", "N", "over=\"x\"",
                                                     reasons);

  assert_has_line (metrics, "n_total{over=\"x\",reason=\"busy\"} 0");
  sb_refusals_count (refusals, "full");
  sb_refusals_count (refusals, "odd");
  assert_has_line (metrics, "n_total{over=\"x\",reason=\"full\"} 1");
  assert_has_line (metrics, "n_total{over=\"x\",reason=\"odd\"} 1");
}

static void
refusals_have_no_endless_reasons (void)
{
  static const char *const reasons[] = { NULL };
  g_autoptr (SbMetrics) metrics = sb_metrics_new ();
  g_autoptr (SbRefusals) refusals = sb_refusals_new (metrics, "n_total", "N", NULL, reasons);

  for (guint i = 0; i < 100; i++)
    {
      g_autofree char *reason = g_strdup_printf ("r%u", i);

      sb_refusals_count (refusals, reason);
    }
  assert_has_line (metrics, "n_total{reason=\"r31\"} 1");
  assert_has_line (metrics, "n_total{reason=\"other\"} 68");
}

static void
impossible_durations_do_no_harm (void)
{
  g_autoptr (SbMetrics) metrics = sb_metrics_new ();
  SbHistogram *histogram = sb_metrics_histogram (metrics, "h_seconds", "H", NULL);

  sb_histogram_observe (histogram, -5);
  sb_histogram_observe (histogram, NAN);
  sb_histogram_observe (histogram, 2);
  assert_has_line (metrics, "h_seconds_bucket{le=\"5e-05\"} 2");
  assert_has_line (metrics, "h_seconds_sum 2");
  assert_has_line (metrics, "h_seconds_count 3");
}

static void
two_kinds_in_a_subprocess (void)
{
  g_autoptr (SbMetrics) metrics = sb_metrics_new ();

  sb_metrics_counter (metrics, "a", "A", NULL);
  sb_metrics_histogram (metrics, "a", "A", "x=\"1\"");
}

static void
a_name_is_of_one_kind (void)
{
  g_test_trap_subprocess ("/metrics/subprocess/two-kinds", 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*metric a is a counter and cannot be a histogram, too*");
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/metrics/nothing-counted-is-an-empty-text", nothing_counted_is_an_empty_text);
  g_test_add_func ("/metrics/series-of-a-name-share-its-head-and-are-sorted",
                   series_of_a_name_share_its_head_and_are_sorted);
  g_test_add_func ("/metrics/the-same-name-and-labels-are-the-same-counter",
                   the_same_name_and_labels_are_the_same_counter);
  g_test_add_func ("/metrics/help-and-labels-are-escaped", help_and_labels_are_escaped);
  g_test_add_func ("/metrics/numbers-are-written-short-and-exact",
                   numbers_are_written_short_and_exact);
  g_test_add_func ("/metrics/a-removed-gauge-is-not-asked-again",
                   a_removed_gauge_is_not_asked_again);
  g_test_add_func ("/metrics/a-gauge-of-the-same-labels-takes-over",
                   a_gauge_of_the_same_labels_takes_over);
  g_test_add_func ("/metrics/durations-fall-into-their-buckets", durations_fall_into_their_buckets);
  g_test_add_func ("/metrics/a-histogram-can-have-bounds-of-its-own",
                   a_histogram_can_have_bounds_of_its_own);
  g_test_add_func ("/metrics/a-counter-may-be-kept-by-somebody-else",
                   a_counter_may_be_kept_by_somebody_else);
  g_test_add_func ("/metrics/refusals-are-counted-by-reason", refusals_are_counted_by_reason);
  g_test_add_func ("/metrics/refusals-have-no-endless-reasons", refusals_have_no_endless_reasons);
  g_test_add_func ("/metrics/impossible-durations-do-no-harm", impossible_durations_do_no_harm);
  g_test_add_func ("/metrics/a-name-is-of-one-kind", a_name_is_of_one_kind);
  g_test_add_func ("/metrics/subprocess/two-kinds", two_kinds_in_a_subprocess);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-metrics: counters, gauges and histograms, shown in the text format of
 * Prometheus. Main context only, so counting is a plain addition.
 */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * SbCounter:
 * @value: what was counted; only sb_counter_add() changes it
 *
 * Something that only grows. It lives as long as the #SbMetrics it is of.
 */
typedef struct
{
  guint64 value;
} SbCounter;

/**
 * SbHistogram:
 *
 * Values, counted in buckets: durations in those of 50 µs to 60 s, others in their own. It lives as
 * long as the #SbMetrics it is of.
 */
typedef struct _SbHistogram SbHistogram;

/**
 * SbGaugeFunc:
 * @user_data: as given to sb_metrics_gauge()
 *
 * Asked whenever the metrics are rendered; it must not change them.
 *
 * Returns: the value now
 */
typedef double (*SbGaugeFunc) (gpointer user_data);

#define SB_TYPE_METRICS (sb_metrics_get_type ())
G_DECLARE_FINAL_TYPE (SbMetrics, sb_metrics, SB, METRICS, GObject)

SbMetrics *sb_metrics_new (void);
SbCounter *sb_metrics_counter (SbMetrics *self, const char *name, const char *help,
                               const char *labels);
guint sb_metrics_gauge (SbMetrics *self, const char *name, const char *help, const char *labels,
                        SbGaugeFunc func, gpointer user_data);
guint sb_metrics_reading (SbMetrics *self, const char *name, const char *help, const char *labels,
                          SbGaugeFunc func, gpointer user_data);
void sb_metrics_remove_gauge (SbMetrics *self, guint id);
SbHistogram *sb_metrics_histogram (SbMetrics *self, const char *name, const char *help,
                                   const char *labels);
SbHistogram *sb_metrics_histogram_with_bounds (SbMetrics *self, const char *name, const char *help,
                                               const char *labels, const double *upper,
                                               guint n_upper);
char *sb_metrics_render (SbMetrics *self);
char *sb_metrics_label (const char *name, const char *value);

void sb_histogram_observe (SbHistogram *histogram, double value);

/**
 * sb_counter_add:
 * @counter: a counter
 * @amount: what to add
 *
 * Counts.
 */
static inline void
sb_counter_add (SbCounter *counter, guint64 amount)
{
  counter->value += amount;
}

G_END_DECLS

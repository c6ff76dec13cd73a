/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-load-histogram: how often each duration occurred, in constant memory. Buckets are
 * 1/64 of a power of two wide, so a quantile is off by 1.6 % at most.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SB_LOAD_HISTOGRAM_BUCKETS (64 * 64)

/* Zero-filled is empty. Durations are in nanoseconds. */
typedef struct
{
  guint64 counts[SB_LOAD_HISTOGRAM_BUCKETS];
  guint64 n;
  gint64 largest;
} SbLoadHistogram;

void sb_load_histogram_add (SbLoadHistogram *self, gint64 duration);
gint64 sb_load_histogram_quantile (const SbLoadHistogram *self, double part);

G_END_DECLS

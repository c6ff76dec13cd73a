/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-load-histogram: how often each duration occurred, in constant memory. */

#include "sb-load-histogram.h"

/* Below 64 a bucket for each number; above, the six bits behind the highest one choose it. */
static guint
get_bucket (guint64 duration)
{
  guint highest = 63 - (guint) __builtin_clzll (duration | 1);

  if (highest < 6)
    return (guint) duration;
  return (highest - 5) * 64 + (guint) ((duration >> (highest - 6)) & 63);
}

static gint64
get_lower_edge (guint bucket)
{
  if (bucket < 64)
    return bucket;
  return (gint64) ((G_GUINT64_CONSTANT (64) + bucket % 64) << (bucket / 64 - 1));
}

void
sb_load_histogram_add (SbLoadHistogram *self, gint64 duration)
{
  duration = MAX (duration, 0);
  self->counts[get_bucket ((guint64) duration)]++;
  self->n++;
  self->largest = MAX (self->largest, duration);
}

/* The duration that @part (0 to 1) of all did not exceed; 0 when there were none. */
gint64
sb_load_histogram_quantile (const SbLoadHistogram *self, double part)
{
  guint64 wanted = (guint64) (part * (double) self->n);
  guint64 seen = 0;

  for (guint i = 0; i < SB_LOAD_HISTOGRAM_BUCKETS; i++)
    {
      seen += self->counts[i];
      if (seen > wanted)
        return get_lower_edge (i);
    }
  return self->largest;
}

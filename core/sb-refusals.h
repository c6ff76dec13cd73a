/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-refusals: a counter for each reason why something is refused. All that are known beforehand
 * are there from the beginning, so that the first refusal is seen as a change.
 */
#pragma once

#include "sb-metrics.h"

G_BEGIN_DECLS

typedef struct _SbRefusals SbRefusals;

SbRefusals *sb_refusals_new (SbMetrics *metrics, const char *name, const char *help,
                             const char *labels, const char *const *reasons);
void sb_refusals_free (SbRefusals *self);
void sb_refusals_count (SbRefusals *self, const char *reason);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbRefusals, sb_refusals_free)

G_END_DECLS

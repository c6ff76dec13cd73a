/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-soup-metrics: the transport's part of /metrics. */
#pragma once

#include "sb-soup-transport.h"

G_BEGIN_DECLS

void sb_soup_metrics_count (SbSoupTransport *self);
void sb_soup_metrics_clear (SbSoupTransport *self);
void sb_soup_metrics_show (SbSoupTransport *self);
void sb_soup_metrics_hide (SbSoupTransport *self);

G_END_DECLS

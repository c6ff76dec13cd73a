/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-events: `/api/v1/events`: the overview again and again, as Server-Sent Events. The clock
 * of the transport drives all streams; without one they cost nothing.
 */
#pragma once

#include "sb-soup-transport.h"

G_BEGIN_DECLS

void sb_soup_events_tick (SbSoupTransport *transport, gint64 now);
void sb_soup_events_close (SbSoupTransport *transport);
void sb_soup_events_clear (SbSoupTransport *transport);

G_END_DECLS

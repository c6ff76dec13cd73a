/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-scrubber: reads all files that wait in the vault, slowly and again and
 * again, and finds those that the disk has damaged before somebody fetches them.
 */
#pragma once

#include "sb-clock.h"
#include "sb-journal.h"
#include "sb-vault.h"

G_BEGIN_DECLS

typedef struct _SbScrubber SbScrubber;

SbScrubber *sb_scrubber_new (SbJournal *journal, SbVault *vault, SbClock *clock,
                             SbMetrics *metrics);
void sb_scrubber_free (SbScrubber *self);
void sb_scrubber_set_rate (SbScrubber *self, gint64 rate);
guint64 sb_scrubber_get_damaged (SbScrubber *self);
void sb_scrubber_tick (SbScrubber *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbScrubber, sb_scrubber_free)

G_END_DECLS

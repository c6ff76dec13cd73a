/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-sweeper: lets time pass in the store: scheduled messages become due,
 * deadlines expire, what was remembered is forgotten. In slices, so that
 * nobody's commit waits long for it.
 */
#pragma once

#include "sb-clock.h"
#include "sb-journal.h"

G_BEGIN_DECLS

typedef struct _SbSweeper SbSweeper;

/**
 * SbSweeperFunc:
 * @due: a delivery that a sweep has moved, committed
 * @user_data: as given to sb_sweeper_new()
 */
typedef void (*SbSweeperFunc) (const SbDue *due, gpointer user_data);

SbSweeper *sb_sweeper_new (SbJournal *journal, SbClock *clock, gint64 last_time, SbSweeperFunc func,
                           gpointer user_data);
void sb_sweeper_free (SbSweeper *self);
void sb_sweeper_tick (SbSweeper *self);
void sb_sweeper_note_time (SbSweeper *self, gint64 wall);
void sb_sweeper_note_ended (SbSweeper *self);

G_END_DECLS

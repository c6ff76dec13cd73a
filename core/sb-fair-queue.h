/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-fair-queue: a bounded waiting room in which everybody gets a turn.
 *
 * Items wait in a line per key, and the lines are served in turn, one item each. Who
 * brings a thousand waits for his own thousand; who brings one waits for one round.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SbFairQueue SbFairQueue;

SbFairQueue *sb_fair_queue_new (guint capacity);
void sb_fair_queue_free (SbFairQueue *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbFairQueue, sb_fair_queue_free)

gboolean sb_fair_queue_push (SbFairQueue *self, const char *key, gpointer item);
gpointer sb_fair_queue_pop (SbFairQueue *self);
guint sb_fair_queue_get_length (SbFairQueue *self);

G_END_DECLS

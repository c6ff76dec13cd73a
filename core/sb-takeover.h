/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-takeover: notices two devices that share one user and throw each other
 * out. After the third take-over within half a minute the next one has to wait.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SbTakeovers SbTakeovers;

SbTakeovers *sb_takeovers_new (void);
void sb_takeovers_free (SbTakeovers *self);
void sb_takeovers_note (SbTakeovers *self, gint64 user, gint64 now);
gint64 sb_takeovers_get_delay (SbTakeovers *self, gint64 user, gint64 now);
void sb_takeovers_clean (SbTakeovers *self, gint64 now);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbTakeovers, sb_takeovers_free)

G_END_DECLS

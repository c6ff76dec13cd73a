/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-mirror: which direct messages a session was sent lately, and by whom. It
 * tells a true confirmation from a forged one. Bounded: the oldest are
 * forgotten.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SbMirror SbMirror;

SbMirror *sb_mirror_new (void);
void sb_mirror_free (SbMirror *self);
void sb_mirror_note (SbMirror *self, const char *id, gint64 sender_key);
gint64 sb_mirror_take (SbMirror *self, const char *id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbMirror, sb_mirror_free)

G_END_DECLS

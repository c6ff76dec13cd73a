/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-watch: messages whose senders wait until everybody has confirmed
 * (`Prefer: wait`).
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SbWatchTable SbWatchTable;

/* all_confirmed: every recipient did, in time. */
typedef void (*SbWatchFunc) (gboolean all_confirmed, gpointer user_data);

SbWatchTable *sb_watch_table_new (void);
void sb_watch_table_free (SbWatchTable *self);
void sb_watch_table_add (SbWatchTable *self, const char *id, guint n_recipients, gint64 deadline,
                         SbWatchFunc func, gpointer user_data);
void sb_watch_table_note (SbWatchTable *self, const char *id, gboolean confirmed);
void sb_watch_table_check (SbWatchTable *self, gint64 now);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbWatchTable, sb_watch_table_free)

G_END_DECLS

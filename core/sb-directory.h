/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-directory: all users in memory, by id, by key and by tag. It mirrors what
 * the journal has committed.
 */
#pragma once

#include "sb-user.h"

G_BEGIN_DECLS

#define SB_TYPE_DIRECTORY (sb_directory_get_type ())
G_DECLARE_FINAL_TYPE (SbDirectory, sb_directory, SB, DIRECTORY, GObject)

SbDirectory *sb_directory_new (void);
void sb_directory_put (SbDirectory *self, SbUser *user);
void sb_directory_remove (SbDirectory *self, gint64 key);
SbUser *sb_directory_lookup (SbDirectory *self, const char *id);
SbUser *sb_directory_lookup_key (SbDirectory *self, gint64 key);
GPtrArray *sb_directory_get_tagged (SbDirectory *self, const char *tag);
GPtrArray *sb_directory_get_all (SbDirectory *self);
GPtrArray *sb_directory_list (SbDirectory *self, const char *after, guint limit);
GPtrArray *sb_directory_search (SbDirectory *self, const char *text, const char *after,
                                guint limit);
guint sb_directory_get_generation (SbDirectory *self);

G_END_DECLS

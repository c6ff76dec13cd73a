/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-data-dir: the folder that holds everything that is stored. One process
 * at a time has it.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SbDataDir SbDataDir;

gboolean sb_data_dir_check_owner (const char *path, GError **error);
SbDataDir *sb_data_dir_open (const char *path, GError **error);
void sb_data_dir_close (SbDataDir *self);
const char *sb_data_dir_get_path (SbDataDir *self);
GBytes *sb_data_dir_read_secret (SbDataDir *self, const char *name, gsize length, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbDataDir, sb_data_dir_close)

G_END_DECLS

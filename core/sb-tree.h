/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-tree: folders with all that is in them. These functions block; any thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

gboolean sb_tree_make_folder (const char *path, GError **error);
gboolean sb_tree_remove (const char *path, GError **error);
gboolean sb_tree_flush_folder (const char *path, GError **error);
gboolean sb_tree_flush_all (const char *path, GError **error);
gboolean sb_tree_rename (const char *from, const char *to, GError **error);
void sb_tree_set_errno (GError **error, int code, const char *path, const char *what);

G_END_DECLS

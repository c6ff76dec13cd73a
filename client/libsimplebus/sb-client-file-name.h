/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-client-file-name: names of files that somebody else made up, for a folder of ours. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Returns: (transfer full): a name that does no harm, whatever @name (nullable) is */
char *sb_client_file_name_make_safe (const char *name);
/* Returns: (transfer full): of a safe name: for the first file that is called so, the second … */
char *sb_client_file_name_number (const char *name, guint number);

G_END_DECLS

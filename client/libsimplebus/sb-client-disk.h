/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-client-disk: what the system says about files, in words of the client. Any thread. */
#pragma once

#include "sb-client-error.h"

G_BEGIN_DECLS

/* Whether errno says that there is no room. */
gboolean sb_client_disk_is_full (int fault);
/* Sets @error from errno: "@what @path: why". Returns: %FALSE */
gboolean sb_client_disk_fail (const char *what, const char *path, GError **error);
/* Of the file system on which @folder is, in bytes for everybody; -1: not known */
gint64 sb_client_disk_get_free (const char *folder);
/* Changes with every start of the machine. Returns: (transfer full): perhaps "" */
char *sb_client_disk_get_boot (void);

G_END_DECLS

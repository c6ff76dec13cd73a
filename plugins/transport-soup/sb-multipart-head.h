/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-multipart-head: what the headers of a part say, and of a request about its parts. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

gboolean sb_multipart_parse_head (const char *head, char **name, char **filename, GError **error);
char *sb_multipart_find_parameter (const char *parameters, const char *name);

G_END_DECLS

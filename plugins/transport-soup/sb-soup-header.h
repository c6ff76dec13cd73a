/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-soup-header: what clients write into headers and queries, read strictly. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The longest `Prefer: wait=N`, in seconds; a longer one is cut to it. */
#define SB_PREFER_MAX_WAIT 300

gboolean sb_prefer_parse (const char *header, guint *wait);
gboolean sb_basic_parse (const char *header, char **id, char **password);
const char *sb_bearer_parse (const char *header);
gboolean sb_query_get_integer (GHashTable *query, const char *name, gint64 min, gint64 max,
                               gint64 *value, GError **error);
gboolean sb_secret_matches (const char *given, const char *expected);

G_END_DECLS

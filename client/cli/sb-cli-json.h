/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-json: members of what the bus answered. It may be another version, or no bus at all, so
 * each of them may be missing, or of another kind.
 */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Returns: (nullable): %NULL when it is no string */
const char *sb_cli_json_get_string (JsonObject *object, const char *name);
gint64 sb_cli_json_get_integer (JsonObject *object, const char *name, gint64 fallback);
gboolean sb_cli_json_get_boolean (JsonObject *object, const char *name, gboolean fallback);
/* Returns: (nullable): %NULL when it is none */
JsonObject *sb_cli_json_get_object (JsonObject *object, const char *name);
/* Returns: (nullable): %NULL when it is none */
JsonArray *sb_cli_json_get_array (JsonObject *object, const char *name);
/* Objects of the array, others left out. Returns: (transfer container) (element-type JsonObject) */
GPtrArray *sb_cli_json_get_objects (JsonObject *object, const char *name);

G_END_DECLS

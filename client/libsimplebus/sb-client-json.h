/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-client-json: documents from the bus, of which a member may be anything. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Returns: (transfer full) (nullable): an object; %NULL when the text is none, nested too deep, or
 * not strict JSON */
JsonObject *sb_client_json_parse_object (const char *text, gsize length);

/* Returns: (transfer none) (nullable): the member, when it is a string */
const char *sb_client_json_get_string (JsonObject *object, const char *name);
/* Returns: the member, when it is an integer; @fallback */
gint64 sb_client_json_get_integer (JsonObject *object, const char *name, gint64 fallback);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-test-json: short ways into the JSON that the bus answers. Nothing here may fail silently. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Parses what must be JSON; the test fails otherwise. */
JsonNode *sb_test_json_parse (const char *text);
/* The same of an object. */
JsonObject *sb_test_json_object (const char *text);

/* NULL when there is no such member, or it is no string. */
const char *sb_test_json_string (JsonObject *object, const char *member);
/* The test fails when there is no such member. */
gint64 sb_test_json_int (JsonObject *object, const char *member);
gboolean sb_test_json_bool (JsonObject *object, const char *member);
JsonObject *sb_test_json_member (JsonObject *object, const char *member);
/* Strings of an array, joined by commas; NULL when there is no such member. */
char *sb_test_json_strings (JsonObject *object, const char *member);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-test-json: json-glib with assertions. */

#include "sb-test-json.h"

JsonNode *
sb_test_json_parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  JsonNode *node = json_from_string (text, &error);

  if (node == NULL)
    g_error ("no JSON (%s): %s", error != NULL ? error->message : "empty", text);
  return node;
}

JsonObject *
sb_test_json_object (const char *text)
{
  g_autoptr (JsonNode) node = sb_test_json_parse (text);

  if (!JSON_NODE_HOLDS_OBJECT (node))
    g_error ("no JSON object: %s", text);
  return json_node_dup_object (node);
}

static JsonNode *
get_member (JsonObject *object, const char *member)
{
  JsonNode *node = json_object_get_member (object, member);

  if (node == NULL)
    g_error ("there is no member %s", member);
  return node;
}

const char *
sb_test_json_string (JsonObject *object, const char *member)
{
  JsonNode *node = json_object_get_member (object, member);

  if (node == NULL || json_node_get_value_type (node) != G_TYPE_STRING)
    return NULL;
  return json_node_get_string (node);
}

gint64
sb_test_json_int (JsonObject *object, const char *member)
{
  JsonNode *node = get_member (object, member);

  g_assert_cmpstr (g_type_name (json_node_get_value_type (node)), ==, "gint64");
  return json_node_get_int (node);
}

gboolean
sb_test_json_bool (JsonObject *object, const char *member)
{
  JsonNode *node = get_member (object, member);

  g_assert_cmpstr (g_type_name (json_node_get_value_type (node)), ==, "gboolean");
  return json_node_get_boolean (node);
}

JsonObject *
sb_test_json_member (JsonObject *object, const char *member)
{
  JsonNode *node = get_member (object, member);

  g_assert_true (JSON_NODE_HOLDS_OBJECT (node));
  return json_node_get_object (node);
}

char *
sb_test_json_strings (JsonObject *object, const char *member)
{
  g_autoptr (GString) text = g_string_new (NULL);
  JsonArray *array;

  if (!json_object_has_member (object, member))
    return NULL;
  array = json_object_get_array_member (object, member);
  g_assert_nonnull (array);
  for (guint i = 0; i < json_array_get_length (array); i++)
    g_string_append_printf (text, "%s%s", i > 0 ? "," : "",
                            json_array_get_string_element (array, i));
  return g_string_free (g_steal_pointer (&text), FALSE);
}

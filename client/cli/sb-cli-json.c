/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-json: members of what the bus answered, whatever it answered. */

#include "sb-cli-json.h"

static JsonNode *
get_value (JsonObject *object, const char *name, GType type)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == type
             ? node
             : NULL;
}

/**
 * sb_cli_json_get_string:
 * @object: an object
 * @name: of a member
 *
 * Returns: (transfer none) (nullable): its value; %NULL when it is not there or no string
 */
const char *
sb_cli_json_get_string (JsonObject *object, const char *name)
{
  JsonNode *node = get_value (object, name, G_TYPE_STRING);

  return node != NULL ? json_node_get_string (node) : NULL;
}

/**
 * sb_cli_json_get_integer:
 * @object: an object
 * @name: of a member
 * @fallback: for when it is not there or no whole number
 *
 * Returns: its value
 */
gint64
sb_cli_json_get_integer (JsonObject *object, const char *name, gint64 fallback)
{
  JsonNode *node = get_value (object, name, G_TYPE_INT64);

  return node != NULL ? json_node_get_int (node) : fallback;
}

/**
 * sb_cli_json_get_boolean:
 * @object: an object
 * @name: of a member
 * @fallback: for when it is not there or neither true nor false
 *
 * Returns: its value
 */
gboolean
sb_cli_json_get_boolean (JsonObject *object, const char *name, gboolean fallback)
{
  JsonNode *node = get_value (object, name, G_TYPE_BOOLEAN);

  return node != NULL ? json_node_get_boolean (node) : fallback;
}

/**
 * sb_cli_json_get_object:
 * @object: an object
 * @name: of a member
 *
 * Returns: (transfer none) (nullable): its value; %NULL when it is not there or no object
 */
JsonObject *
sb_cli_json_get_object (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

/**
 * sb_cli_json_get_array:
 * @object: an object
 * @name: of a member
 *
 * Returns: (transfer none) (nullable): its value; %NULL when it is not there or no array
 */
JsonArray *
sb_cli_json_get_array (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

/**
 * sb_cli_json_get_objects:
 * @object: an object
 * @name: of a member
 *
 * Returns: (transfer container) (element-type JsonObject): the objects in the array; none when it
 * is not there
 */
GPtrArray *
sb_cli_json_get_objects (JsonObject *object, const char *name)
{
  GPtrArray *objects = g_ptr_array_new ();
  JsonArray *array = sb_cli_json_get_array (object, name);
  guint n = array != NULL ? json_array_get_length (array) : 0;

  for (guint i = 0; i < n; i++)
    {
      JsonNode *node = json_array_get_element (array, i);

      if (JSON_NODE_HOLDS_OBJECT (node))
        g_ptr_array_add (objects, json_node_get_object (node));
    }
  return objects;
}

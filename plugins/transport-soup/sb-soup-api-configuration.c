/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-api-configuration: what the bus is made of: `/api/v1/configuration`, `/api/v1/plugins`,
 * and the description of the API itself.
 */

#include "sb-build.h"
#include "sb-soup-api.h"

#include <string.h>

#define OPENAPI "/org/simplebus/transport-soup/openapi.json"

/* --- GET /api/v1/configuration --- */

static const char *
get_type_name (SbConfigType type)
{
  static const char *const names[] = {
    [SB_CONFIG_STRING] = "string",     [SB_CONFIG_BOOLEAN] = "boolean",
    [SB_CONFIG_INTEGER] = "integer",   [SB_CONFIG_SIZE] = "size",
    [SB_CONFIG_DURATION] = "duration", [SB_CONFIG_LIST] = "list",
    [SB_CONFIG_CHOICE] = "choice",
  };

  return names[type];
}

static void
add_key (const char *group, const SbConfigKey *key, const char *value, SbConfigOrigin origin,
         gpointer user_data)
{
  GString *json = user_data;
  gboolean is_secret = (key->flags & SB_CONFIG_SECRET) != 0;
  g_auto (GStrv) words = g_strsplit (key->fallback != NULL ? key->fallback : "", "|", -1);
  gboolean is_choice = key->type == SB_CONFIG_CHOICE;

  sb_json_begin (json, NULL, '{');
  sb_json_add_string (json, "group", group);
  sb_json_add_string (json, "key", key->name);
  sb_json_add_string (json, "type", get_type_name (key->type));
  sb_json_add_string (json, "value", is_secret ? NULL : value);
  sb_json_add_boolean (json, "is_set", value != NULL && *value != '\0');
  sb_json_add_string (json, "origin", sb_config_origin_to_string (origin));
  sb_json_add_string (json, "default", is_choice ? words[0] : key->fallback);
  if (is_choice)
    sb_json_add_strings (json, "choices", (const char *const *) words);
  sb_json_add_boolean (json, "reloadable", (key->flags & SB_CONFIG_RELOADABLE) != 0);
  sb_json_add_boolean (json, "secret", is_secret);
  sb_json_add_string (json, "summary", key->summary);
  sb_json_end (json, '}');
}

/**
 * sb_api_show_configuration:
 * @request: `GET /api/v1/configuration`
 * @name: %NULL
 *
 * Shows all keys with their values in force, but for secrets.
 */
void
sb_api_show_configuration (SbRequest *request, const char *name)
{
  GString *json = g_string_sized_new (16 * 1024);

  sb_json_begin (json, NULL, '{');
  sb_json_add_string (json, "version", SB_VERSION);
  sb_json_begin (json, "keys", '[');
  sb_config_foreach (sb_bus_get_config (request->transport->bus), add_key, json);
  sb_json_end (json, ']');
  sb_json_end (json, '}');
  sb_request_answer_json (request, 200, json);
}

/* --- GET /api/v1/plugins --- */

static void
add_plugin (GString *json, SbBus *bus, const SbPluginInfo *plugin)
{
  g_autofree char *kind = g_strdup (plugin->name);

  kind[strcspn (kind, "-")] = '\0';
  sb_json_begin (json, NULL, '{');
  sb_json_add_string (json, "name", plugin->name);
  sb_json_add_string (json, "kind", kind);
  sb_json_add_string (json, "version", plugin->version);
  sb_json_add_string (json, "description", plugin->description);
  sb_json_add_boolean (json, "loaded", sb_bus_is_plugin_loaded (bus, plugin->path));
  sb_json_add_string (json, "file", plugin->path);
  sb_json_add_string (json, "error", plugin->error != NULL ? plugin->error->message : NULL);
  sb_json_end (json, '}');
}

/**
 * sb_api_list_plugins:
 * @request: `GET /api/v1/plugins`
 * @name: %NULL
 *
 * Lists the plugins that are there, in use or not.
 */
void
sb_api_list_plugins (SbRequest *request, const char *name)
{
  SbBus *bus = request->transport->bus;
  GPtrArray *plugins = sb_bus_get_plugins (bus);
  GString *json = g_string_new (NULL);

  sb_json_begin (json, NULL, '{');
  sb_json_begin (json, "plugins", '[');
  for (guint i = 0; plugins != NULL && i < plugins->len; i++)
    add_plugin (json, bus, g_ptr_array_index (plugins, i));
  sb_json_end (json, ']');
  sb_json_end (json, '}');
  sb_request_answer_json (request, 200, json);
}

/* --- GET /api/v1/openapi.json --- */

/**
 * sb_api_show_openapi:
 * @request: `GET /api/v1/openapi.json`
 * @name: %NULL
 *
 * Shows how all this is described for programs.
 */
void
sb_api_show_openapi (SbRequest *request, const char *name)
{
  g_autoptr (GBytes) body = g_resources_lookup_data (OPENAPI, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);

  sb_request_answer_static (request, "application/json", body);
}

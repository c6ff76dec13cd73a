/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-properties: finds what may be a secret by its name. A plugin that nobody
 * here knows may call one as it likes, so rather too much is hidden.
 */

#include "sb-properties.h"

#include <json-glib/json-glib.h>
#include <string.h>

/* A member whose name has one of these in it is secret, with all that is in it … */
static const char *const secret_words[] = {
  "pass", "pwd", "secret", "token", "key", "auth", "cred", "cookie", "sign", "private", "header",
};

/* … but for these, which say who logs in and how. */
static const char *const public_names[] = { "type", "user", "username", "login" };

static JsonNode *hide (JsonNode *node, gboolean secret);

static gboolean
is_secret (const char *name)
{
  g_autofree char *lower = g_ascii_strdown (name, -1);

  for (gsize i = 0; i < G_N_ELEMENTS (secret_words); i++)
    if (strstr (lower, secret_words[i]) != NULL)
      return TRUE;
  return FALSE;
}

static gboolean
is_public (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (public_names); i++)
    if (strcmp (name, public_names[i]) == 0)
      return TRUE;
  return FALSE;
}

/* Addresses carry secrets before the host and behind a question mark. Returns: (transfer full) */
static char *
hide_in_text (const char *text)
{
  const char *authority = strstr (text, "://");
  gsize length;
  const char *at, *rest;
  GString *shown;

  if (authority == NULL)
    return g_strdup (text);
  authority += 3;
  length = strcspn (authority, "/?#\\");
  at = g_strrstr_len (authority, (gssize) length, "@");
  shown = g_string_new_len (text, authority - text);
  if (at != NULL)
    g_string_append (shown, SB_PROPERTIES_HIDDEN);
  rest = at != NULL ? at : authority;
  length = strcspn (rest, "?#");
  g_string_append_len (shown, rest, (gssize) length);
  if (rest[length] != '\0')
    g_string_append (shown, "?" SB_PROPERTIES_HIDDEN);
  return g_string_free (shown, FALSE);
}

static JsonNode *
hide_object (JsonObject *object, gboolean secret)
{
  g_autoptr (JsonObject) shown = json_object_new ();
  JsonObjectIter iter;
  const char *name;
  JsonNode *member;

  json_object_iter_init_ordered (&iter, object);
  while (json_object_iter_next_ordered (&iter, &name, &member))
    json_object_set_member (shown, name,
                            hide (member, is_secret (name) || (secret && !is_public (name))));
  return json_node_init_object (json_node_alloc (), shown);
}

static JsonNode *
hide_array (JsonArray *array, gboolean secret)
{
  g_autoptr (JsonArray) shown = json_array_new ();

  for (guint i = 0; i < json_array_get_length (array); i++)
    json_array_add_element (shown, hide (json_array_get_element (array, i), secret));
  return json_node_init_array (json_node_alloc (), shown);
}

/* What a node holds may be secret by its own name, or since it lies in what is. Documents nest at
 * most 64 deep. Returns: (transfer full) */
static JsonNode *
hide (JsonNode *node, gboolean secret)
{
  g_autofree char *text = NULL;

  if (JSON_NODE_HOLDS_OBJECT (node))
    return hide_object (json_node_get_object (node), secret);
  if (JSON_NODE_HOLDS_ARRAY (node))
    return hide_array (json_node_get_array (node), secret);
  if (secret && !JSON_NODE_HOLDS_NULL (node))
    return json_node_init_string (json_node_alloc (), SB_PROPERTIES_HIDDEN);
  if (json_node_get_value_type (node) != G_TYPE_STRING)
    return json_node_copy (node);
  text = hide_in_text (json_node_get_string (node));
  return json_node_init_string (json_node_alloc (), text);
}

/**
 * sb_properties_hide_secrets:
 * @properties: a user's `connection_properties`, JSON that was checked before
 *
 * Any thread.
 *
 * Returns: (transfer full): the same without passwords, keys and the like; in their place is
 *   %SB_PROPERTIES_HIDDEN
 */
char *
sb_properties_hide_secrets (const char *properties)
{
  g_autoptr (JsonNode) node = json_from_string (properties, NULL);
  g_autoptr (JsonNode) shown = NULL;

  if (node == NULL)
    return g_strdup ("\"" SB_PROPERTIES_HIDDEN "\"");
  shown = hide (node, FALSE);
  return json_to_string (shown, FALSE);
}

/**
 * sb_properties_has_hidden:
 * @properties: what somebody wants to set
 *
 * Who edits what it was shown would store the placeholder as a password. Any thread.
 *
 * Returns: whether they have a placeholder in them
 */
gboolean
sb_properties_has_hidden (const char *properties)
{
  return strstr (properties, SB_PROPERTIES_HIDDEN) != NULL;
}

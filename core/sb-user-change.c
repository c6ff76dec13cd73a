/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-user-change: the list of users of /put_users, element by element. */

#include "sb-user-change.h"

#include "sb-error.h"
#include "sb-json.h"
#include "sb-password.h"
#include "sb-properties.h"
#include "sb-secret.h"

#include <json-glib/json-glib.h>
#include <string.h>

#define MAX_TAGS 1000
#define MAX_TAG_BYTES 256
#define MAX_PROPERTIES_BYTES 16384

/* Seconds: a hundred years, as for the bus's own `ttl`. */
#define MAX_TTL (G_GINT64_CONSTANT (100) * 365 * 24 * 60 * 60)

/**
 * sb_user_change_new:
 * @id: a user's id
 * @password: (nullable): its new password
 * @admin: make it an admin; otherwise the flag is not touched
 *
 * Returns: (transfer full): a change that is not checked yet
 */
SbUserChange *
sb_user_change_new (const char *id, const char *password, gboolean admin)
{
  SbUserChange *self = g_new0 (SbUserChange, 1);

  self->id = g_strdup (id);
  self->password = g_strdup (password);
  self->has_admin = self->admin = admin;
  return self;
}

/**
 * sb_user_change_free:
 * @self: (transfer full): a change; its password is wiped
 */
void
sb_user_change_free (SbUserChange *self)
{
  if (self->password != NULL)
    explicit_bzero (self->password, strlen (self->password));
  g_free (self->id);
  g_free (self->password);
  g_free (self->password_hash);
  g_strfreev (self->tags);
  g_free (self->connection_properties);
  g_free (self);
}

static gboolean
has_control_character (const char *text)
{
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    if (g_unichar_iscntrl (g_utf8_get_char (p)))
      return TRUE;
  return FALSE;
}

static gboolean
check_password (const char *password, guint min_length, GError **error)
{
  if (g_utf8_strlen (password, -1) < min_length)
    {
      g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "the password is shorter than %u characters",
                   min_length);
      return FALSE;
    }
  if (strlen (password) > SB_PASSWORD_MAX_LENGTH)
    {
      g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "the password is longer than %d bytes",
                   SB_PASSWORD_MAX_LENGTH);
      return FALSE;
    }
  return TRUE;
}

/**
 * sb_user_change_check:
 * @self: a change
 * @min_password_length: characters
 * @error: SB_ERROR_INVALID
 *
 * Returns: whether id, password and tags are well-formed
 */
gboolean
sb_user_change_check (const SbUserChange *self, guint min_password_length, GError **error)
{
  if (!sb_user_check_id (self->id, error))
    return FALSE;
  if (self->password != NULL && !check_password (self->password, min_password_length, error))
    return FALSE;
  for (char **tag = self->tags; tag != NULL && *tag != NULL; tag++)
    if (**tag == '\0' || strlen (*tag) > MAX_TAG_BYTES || has_control_character (*tag))
      {
        g_set_error (error, SB_ERROR, SB_ERROR_INVALID,
                     "a tag is empty, has control characters, or is longer than %d bytes",
                     MAX_TAG_BYTES);
        return FALSE;
      }
  return TRUE;
}

static gboolean
is_string (JsonNode *node)
{
  return JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING;
}

static gboolean
wrong_type (const char *member, const char *wanted, GError **error)
{
  g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "\"%s\" is not %s", member, wanted);
  return FALSE;
}

static const char *
strip_sigil (const char *tag)
{
  return tag[0] == '#' ? tag + 1 : tag;
}

static gboolean
parse_tags (SbUserChange *self, JsonNode *node, GError **error)
{
  g_autoptr (GStrvBuilder) tags = g_strv_builder_new ();
  JsonArray *array;

  if (is_string (node))
    g_strv_builder_add (tags, strip_sigil (json_node_get_string (node)));
  else if (JSON_NODE_HOLDS_ARRAY (node))
    {
      array = json_node_get_array (node);
      if (json_array_get_length (array) > MAX_TAGS)
        return wrong_type ("tags", "a list of at most 1000 tags", error);
      for (guint i = 0; i < json_array_get_length (array); i++)
        {
          if (!is_string (json_array_get_element (array, i)))
            return wrong_type ("tags", "a list of strings", error);
          g_strv_builder_add (tags, strip_sigil (json_array_get_string_element (array, i)));
        }
    }
  else if (!JSON_NODE_HOLDS_NULL (node))
    return wrong_type ("tags", "a string or a list of strings", error);
  self->tags = g_strv_builder_end (tags);
  return TRUE;
}

static gboolean
parse_connection_properties (SbUserChange *self, JsonNode *node, GError **error)
{
  self->has_connection_properties = TRUE;
  if (JSON_NODE_HOLDS_NULL (node))
    return TRUE;
  if (!JSON_NODE_HOLDS_OBJECT (node))
    return wrong_type ("connection_properties", "an object", error);
  self->connection_properties = json_to_string (node, FALSE);
  if (strlen (self->connection_properties) > MAX_PROPERTIES_BYTES)
    return wrong_type ("connection_properties", "shorter than 16 KiB", error);
  if (sb_properties_has_hidden (self->connection_properties))
    return wrong_type ("connection_properties",
                       "complete: where secrets are hidden, write them out or leave all of it away",
                       error);
  return TRUE;
}

static gboolean
parse_admin (SbUserChange *self, JsonNode *node, GError **error)
{
  self->has_admin = TRUE;
  if (JSON_NODE_HOLDS_NULL (node))
    return TRUE;
  if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_BOOLEAN)
    return wrong_type ("admin", "true or false", error);
  self->admin = json_node_get_boolean (node);
  return TRUE;
}

static gboolean
parse_ttl (SbUserChange *self, JsonNode *node, GError **error)
{
  self->has_ttl = TRUE;
  self->ttl = SB_USER_NO_TTL;
  if (JSON_NODE_HOLDS_NULL (node))
    return TRUE;
  if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_INT64)
    return wrong_type ("ttl", "a whole number of seconds", error);
  self->ttl = json_node_get_int (node);
  if (self->ttl < 0 || self->ttl > MAX_TTL)
    return wrong_type ("ttl", "between 0 and a hundred years, in seconds", error);
  return TRUE;
}

static gboolean
invalid (const char *what, GError **error)
{
  g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID, what);
  return FALSE;
}

/* To take the hash that an old export calls its password for one would lock everybody out. */
static gboolean
check_credentials (const SbUserChange *self, SbUserChangeFlags flags, GError **error)
{
  if ((flags & SB_USER_CHANGE_HASHES) == 0)
    return self->password_hash == NULL
           || invalid ("\"password_hash\" is taken by simplebusd --import-users only; give a "
                       "\"password\"",
                       error);
  if (self->password != NULL && self->password_hash != NULL)
    return invalid ("\"password\" and \"password_hash\" are both there; leave one away", error);
  if (self->password != NULL && sb_password_is_foreign (self->password)
      && sb_password_check_hash (self->password, NULL))
    return invalid ("\"password\" is a hash; call it \"password_hash\"", error);
  return self->password_hash == NULL || sb_password_check_hash (self->password_hash, error);
}

static gboolean
parse_credentials (SbUserChange *self, JsonObject *object, SbUserChangeFlags flags, GError **error)
{
  JsonNode *password = json_object_get_member (object, "password");
  JsonNode *hash = json_object_get_member (object, "password_hash");

  if (password != NULL && !is_string (password))
    return wrong_type ("password", "a string", error);
  if (hash != NULL && !is_string (hash))
    return wrong_type ("password_hash", "a string", error);
  self->password = password != NULL ? g_strdup (json_node_get_string (password)) : NULL;
  self->password_hash = hash != NULL ? g_strdup (json_node_get_string (hash)) : NULL;
  return check_credentials (self, flags, error);
}

static gboolean
parse_members (SbUserChange *self, JsonObject *object, SbUserChangeFlags flags, GError **error)
{
  JsonNode *id = json_object_get_member (object, "_id");
  JsonNode *tags = json_object_get_member (object, "tags");
  JsonNode *properties = json_object_get_member (object, "connection_properties");
  JsonNode *admin = json_object_get_member (object, "admin");
  JsonNode *ttl = json_object_get_member (object, "ttl");

  if (id == NULL || !is_string (id))
    return wrong_type ("_id", "there, or not a string", error);
  self->id = g_strdup (json_node_get_string (id));
  return parse_credentials (self, object, flags, error)
         && (tags == NULL || parse_tags (self, tags, error))
         && (properties == NULL || parse_connection_properties (self, properties, error))
         && (admin == NULL || parse_admin (self, admin, error))
         && (ttl == NULL || parse_ttl (self, ttl, error));
}

/**
 * sb_user_change_parse:
 * @node: an element of a list of users
 * @min_password_length: characters
 * @flags: what it may hold
 * @error: SB_ERROR_INVALID
 *
 * Any thread.
 *
 * Returns: (transfer full) (nullable): what it says
 */
SbUserChange *
sb_user_change_parse (JsonNode *node, guint min_password_length, SbUserChangeFlags flags,
                      GError **error)
{
  g_autoptr (SbUserChange) change = g_new0 (SbUserChange, 1);

  if (!JSON_NODE_HOLDS_OBJECT (node))
    {
      g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID, "is not an object");
      return NULL;
    }
  if (!parse_members (change, json_node_get_object (node), flags, error)
      || !sb_user_change_check (change, min_password_length, error))
    return NULL;
  return g_steal_pointer (&change);
}

/**
 * sb_user_changes_parse:
 * @json: an array of users, from outside
 * @length: its bytes
 * @min_password_length: characters
 * @flags: what it may hold
 * @error: SB_ERROR_INVALID; names the index of the first bad one
 *
 * Returns: (transfer full) (nullable) (element-type SbUserChange): all of them, at least one
 */
GPtrArray *
sb_user_changes_parse (const char *json, gsize length, guint min_password_length,
                       SbUserChangeFlags flags, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GPtrArray) changes = g_ptr_array_new_with_free_func (
      (GDestroyNotify) sb_user_change_free);
  JsonArray *array;

  if (!sb_json_check_document (json, length, error)
      || !json_parser_load_from_data (parser, json, length, error))
    return NULL;
  if (!JSON_NODE_HOLDS_ARRAY (json_parser_get_root (parser)))
    {
      g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID, "the body is not a list of users");
      return NULL;
    }
  array = json_node_get_array (json_parser_get_root (parser));
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      SbUserChange *change = sb_user_change_parse (json_array_get_element (array, i),
                                                   min_password_length, flags, error);

      if (change == NULL)
        {
          g_prefix_error (error, "user %u: ", i);
          return NULL;
        }
      g_ptr_array_add (changes, change);
    }
  if (changes->len == 0)
    {
      g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID, "the list of users is empty");
      return NULL;
    }
  return g_steal_pointer (&changes);
}

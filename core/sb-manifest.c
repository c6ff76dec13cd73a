/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-manifest: written and read. What is read comes from anywhere, so every
 * name has to be one of those that a backup can have, and is used as a path
 * only because of that.
 */

#include "sb-manifest.h"

#include "sb-error.h"
#include "sb-json.h"

#include <json-glib/json-glib.h>
#include <string.h>

#define HASH_LENGTH (2 * SB_FILE_DIGEST_SIZE)
#define ID_LENGTH 32
#define SECRET_MAX 4096

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

static gboolean
fail (GError **error, SbError code, const char *what)
{
  g_set_error (error, SB_ERROR, code, "The backup cannot be used: %s", what);
  return FALSE;
}

/* Life */

/* @created: wall clock, microseconds */
SbManifest *
sb_manifest_new (const char *version, const char *store, gint64 created)
{
  SbManifest *self = g_new0 (SbManifest, 1);

  self->version = g_strdup (version);
  self->store = g_strdup (store);
  self->created = created;
  self->members = g_array_new (FALSE, FALSE, sizeof (SbManifestMember));
  self->missing = g_ptr_array_new_with_free_func (g_free);
  return self;
}

void
sb_manifest_free (SbManifest *self)
{
  g_free (self->version);
  g_free (self->store);
  g_array_unref (self->members);
  g_ptr_array_unref (self->missing);
  g_free (self);
}

void
sb_manifest_add (SbManifest *self, const char *name, guint64 size, const guint8 *digest)
{
  SbManifestMember member = { .size = size };

  g_assert (g_strlcpy (member.name, name, sizeof member.name) < sizeof member.name);
  memcpy (member.digest, digest, sizeof member.digest);
  g_array_append_val (self->members, member);
  self->bytes += size;
}

/* Where it is below the data folder, so that one can be put back by hand.
 * Returns: (transfer full) */
char *
sb_manifest_make_file_name (const char *id)
{
  return g_strconcat (SB_MANIFEST_FILES, id + ID_LENGTH - 2, "/", id, NULL);
}

void
sb_manifest_add_file (SbManifest *self, const SbFile *file)
{
  g_autofree char *name = sb_manifest_make_file_name (file->id);

  sb_manifest_add (self, name, file->size, file->digest);
}

void
sb_manifest_add_missing (SbManifest *self, const SbFile *file)
{
  g_ptr_array_add (self->missing, sb_manifest_make_file_name (file->id));
}

gboolean
sb_manifest_member_is_file (const SbManifestMember *self)
{
  return g_str_has_prefix (self->name, SB_MANIFEST_FILES);
}

/* The name without its folders. */
const char *
sb_manifest_member_get_base (const SbManifestMember *self)
{
  const char *slash = strrchr (self->name, '/');

  return slash != NULL ? slash + 1 : self->name;
}

guint
sb_manifest_count_files (const SbManifest *self)
{
  guint n = 0;

  for (guint i = 0; i < self->members->len; i++)
    n += sb_manifest_member_is_file (&g_array_index (self->members, SbManifestMember, i)) ? 1 : 0;
  return n;
}

/* Writing */

static void
append_digest (GString *json, const guint8 *digest)
{
  for (guint i = 0; i < SB_FILE_DIGEST_SIZE; i++)
    g_string_append_printf (json, "%02x", digest[i]);
}

static void
append_member (GString *json, const SbManifestMember *member)
{
  g_string_append_printf (json, "\n{\"name\":\"%s\",\"size\":%" G_GUINT64_FORMAT ",\"sha256\":\"",
                          member->name, member->size);
  append_digest (json, member->digest);
  g_string_append (json, "\"}");
}

static void
append_names (GString *json, const GPtrArray *names)
{
  g_string_append_c (json, '[');
  for (guint i = 0; i < names->len; i++)
    {
      if (i > 0)
        g_string_append_c (json, ',');
      sb_json_append_string (json, names->pdata[i]);
    }
  g_string_append_c (json, ']');
}

/* Returns: (transfer full): the text of the first member. */
GString *
sb_manifest_format (const SbManifest *self)
{
  GString *json = g_string_sized_new (256 + 180 * (gsize) self->members->len);

  g_string_append_printf (json, "{\"format\":%d,\"simplebus\":", SB_MANIFEST_FORMAT);
  sb_json_append_string (json, self->version);
  g_string_append (json, ",\"store\":");
  sb_json_append_string (json, self->store);
  g_string_append (json, ",\"created\":");
  sb_json_append_time (json, self->created);
  g_string_append_printf (json, ",\"bytes\":%" G_GUINT64_FORMAT ",\"members\":[", self->bytes);
  for (guint i = 0; i < self->members->len; i++)
    {
      if (i > 0)
        g_string_append_c (json, ',');
      append_member (json, &g_array_index (self->members, SbManifestMember, i));
    }
  g_string_append (json, "],\n\"missing\":");
  append_names (json, self->missing);
  g_string_append (json, "}\n");
  return json;
}

/* @damaged: (element-type utf8): names of members whose content is not what the manifest says */
GString *
sb_seal_format (const guint8 *manifest_digest, const GPtrArray *damaged)
{
  GString *json = g_string_new ("{\"manifest\":\"");

  append_digest (json, manifest_digest);
  g_string_append (json, "\",\"damaged\":");
  append_names (json, damaged);
  g_string_append (json, "}\n");
  return json;
}

/* Reading */

static JsonNode *
parse_object (const char *text, gsize length, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  JsonNode *root;

  if (!sb_json_check_document (text, length, error)
      || !json_parser_load_from_data (parser, text, (gssize) length, error))
    {
      g_prefix_error (error, "The backup cannot be used: what is in it is not readable: ");
      return NULL;
    }
  root = json_parser_get_root (parser);
  if (JSON_NODE_HOLDS_OBJECT (root))
    return json_node_ref (root);
  fail (error, SB_ERROR_INVALID, "its manifest is not an object");
  return NULL;
}

static const char *
get_text (JsonObject *object, const char *member)
{
  JsonNode *node = json_object_get_member (object, member);

  return node != NULL && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : NULL;
}

/* -1 when it is no number, or below 0. */
static gint64
get_number (JsonObject *object, const char *member)
{
  JsonNode *node = json_object_get_member (object, member);

  if (node == NULL || json_node_get_value_type (node) != G_TYPE_INT64)
    return -1;
  return json_node_get_int (node);
}

static JsonArray *
get_array (JsonObject *object, const char *member)
{
  JsonNode *node = json_object_get_member (object, member);

  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

static gboolean
parse_digest (const char *text, guint8 *digest)
{
  if (text == NULL || strlen (text) != HASH_LENGTH
      || strspn (text, "0123456789abcdef") != HASH_LENGTH)
    return FALSE;
  for (guint i = 0; i < SB_FILE_DIGEST_SIZE; i++)
    digest[i] = (guint8) (g_ascii_xdigit_value (text[2 * i]) << 4
                          | g_ascii_xdigit_value (text[2 * i + 1]));
  return TRUE;
}

/* "xx/" and 32 digits, of which xx are the last. */
static gboolean
is_file_path (const char *path)
{
  return strlen (path) == 3 + ID_LENGTH && path[2] == '/'
         && strspn (path + 3, "0123456789abcdef") == ID_LENGTH
         && strncmp (path, path + 3 + ID_LENGTH - 2, 2) == 0;
}

static gboolean
is_store_name (const char *name)
{
  return *name != '\0' && *name != '.' && name[strspn (name, NAME_CHARACTERS)] == '\0';
}

/* Whether a backup can have a member of that name and size. */
static gboolean
is_possible (const char *name, gint64 size)
{
  if (name == NULL || size < 0 || strlen (name) >= SB_MANIFEST_NAME_MAX)
    return FALSE;
  if (strcmp (name, SB_MANIFEST_SECRET) == 0)
    return size <= SECRET_MAX;
  if (g_str_has_prefix (name, SB_MANIFEST_FILES))
    return is_file_path (name + strlen (SB_MANIFEST_FILES));
  return g_str_has_prefix (name, SB_MANIFEST_STORE)
         && is_store_name (name + strlen (SB_MANIFEST_STORE));
}

/* Whether a store may have a copy of that name. */
gboolean
sb_manifest_is_possible (const char *name)
{
  return is_possible (name, 0);
}

static gboolean
take_member (SbManifest *self, GHashTable *names, JsonNode *node, GError **error)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  const char *name = object != NULL ? get_text (object, "name") : NULL;
  gint64 size = object != NULL ? get_number (object, "size") : -1;
  guint8 digest[SB_FILE_DIGEST_SIZE];

  if (!is_possible (name, size) || !parse_digest (get_text (object, "sha256"), digest))
    return fail (error, SB_ERROR_INVALID, "its manifest names what no backup has");
  if (!g_hash_table_add (names, (gpointer) name))
    return fail (error, SB_ERROR_INVALID, "its manifest names something twice");
  if ((guint64) size > G_MAXINT64 - self->bytes)
    return fail (error, SB_ERROR_TOO_LARGE, "its manifest promises more than there can be");
  sb_manifest_add (self, name, (guint64) size, digest);
  return TRUE;
}

static gboolean
take_members (SbManifest *self, JsonObject *root, GError **error)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);
  JsonArray *members = get_array (root, "members");
  guint n = members != NULL ? json_array_get_length (members) : 0;
  gboolean has_store = FALSE;

  for (guint i = 0; i < n; i++)
    {
      const SbManifestMember *member;

      if (!take_member (self, names, json_array_get_element (members, i), error))
        return FALSE;
      member = &g_array_index (self->members, SbManifestMember, i);
      has_store = has_store || g_str_has_prefix (member->name, SB_MANIFEST_STORE);
    }
  return has_store || fail (error, SB_ERROR_INVALID, "its manifest names no store");
}

/* Calls @func with a copy of each of the names in an array. Returns: whether it is one of names */
static gboolean
take_names (JsonArray *array, void (*func) (gpointer names, char *name), gpointer names)
{
  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    {
      JsonNode *node = json_array_get_element (array, i);

      if (json_node_get_value_type (node) != G_TYPE_STRING)
        return FALSE;
      func (names, json_node_dup_string (node));
    }
  return array != NULL;
}

static void
add_to_list (gpointer list, char *name)
{
  g_ptr_array_add (list, name);
}

static void
add_to_set (gpointer set, char *name)
{
  g_hash_table_add (set, name);
}

/* It is shown on terminals. */
static gboolean
is_word (const char *text)
{
  return text != NULL && *text != '\0' && strlen (text) < SB_MANIFEST_NAME_MAX
         && text[strspn (text, NAME_CHARACTERS "+~")] == '\0';
}

/**
 * sb_manifest_parse: (skip)
 * @text: what the first member of an archive holds
 * @length: bytes
 * @error: SB_ERROR_INVALID, SB_ERROR_TOO_LARGE, SB_ERROR_UNSUPPORTED for a newer format
 *
 * Returns: (transfer full) (nullable): a manifest whose names are all safe
 */
SbManifest *
sb_manifest_parse (const char *text, gsize length, GError **error)
{
  g_autoptr (JsonNode) node = parse_object (text, length, error);
  g_autoptr (SbManifest) self = NULL;
  g_autoptr (GDateTime) created = NULL;
  JsonObject *root;
  gint64 format;

  if (node == NULL)
    return NULL;
  root = json_node_get_object (node);
  format = get_number (root, "format");
  if (format > SB_MANIFEST_FORMAT)
    {
      fail (error, SB_ERROR_UNSUPPORTED,
            "a newer simplebusd made it; use that one, or a newer one still");
      return NULL;
    }
  if (get_text (root, "created") != NULL)
    created = g_date_time_new_from_iso8601 (get_text (root, "created"), NULL);
  if (format < 1 || created == NULL || !is_word (get_text (root, "simplebus"))
      || !is_word (get_text (root, "store")))
    {
      fail (error, SB_ERROR_INVALID, "its manifest is not complete");
      return NULL;
    }
  self = sb_manifest_new (get_text (root, "simplebus"), get_text (root, "store"),
                          g_date_time_to_unix (created) * G_USEC_PER_SEC
                              + g_date_time_get_microsecond (created));
  if (!take_names (get_array (root, "missing"), add_to_list, self->missing))
    {
      fail (error, SB_ERROR_INVALID, "its manifest is not complete");
      return NULL;
    }
  return take_members (self, root, error) ? g_steal_pointer (&self) : NULL;
}

/**
 * sb_seal_parse: (skip)
 * @text: what the last member of an archive holds
 * @length: bytes
 * @manifest_digest: of the manifest as it was read
 * @error: SB_ERROR_INVALID, SB_ERROR_CORRUPT when it is of another manifest
 *
 * Returns: (transfer full) (nullable) (element-type utf8 utf8): a set of the names of members that
 *   were damaged already when the backup was made
 */
GHashTable *
sb_seal_parse (const char *text, gsize length, const guint8 *manifest_digest, GError **error)
{
  g_autoptr (JsonNode) node = parse_object (text, length, error);
  g_autoptr (GHashTable) damaged = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  guint8 digest[SB_FILE_DIGEST_SIZE];

  if (node == NULL)
    return NULL;
  if (!parse_digest (get_text (json_node_get_object (node), "manifest"), digest)
      || !take_names (get_array (json_node_get_object (node), "damaged"), add_to_set, damaged))
    {
      fail (error, SB_ERROR_INVALID, "its end is not complete");
      return NULL;
    }
  if (memcmp (digest, manifest_digest, sizeof digest) != 0)
    {
      fail (error, SB_ERROR_CORRUPT, "its manifest is damaged");
      return NULL;
    }
  return g_steal_pointer (&damaged);
}

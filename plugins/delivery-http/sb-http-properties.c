/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-http-properties: a member that is there but wrong is an error that names it and never shows
 * its value, which may be a secret. `null` is as good as absent; what is not known is somebody
 * else's.
 */

#include "sb-http-properties.h"

#include "simplebus.h"

#include <json-glib/json-glib.h>
#include <string.h>

#define SECRET_PREFIX "whsec_"

G_GNUC_PRINTF (2, 3)
static gboolean
refuse (GError **error, const char *format, ...)
{
  g_autofree char *what = NULL;
  va_list args;

  va_start (args, format);
  what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "connection_properties %s", what);
  return FALSE;
}

/* Members */

/* (nullable): absent, or null */
static JsonNode *
find (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && !JSON_NODE_HOLDS_NULL (node) ? node : NULL;
}

/* Whether @value is a string or absent. */
static gboolean
read_string (JsonObject *object, const char *name, const char **value, GError **error)
{
  JsonNode *node = find (object, name);

  *value = NULL;
  if (node == NULL)
    return TRUE;
  if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_STRING)
    return refuse (error, "has a \"%s\" that is not a string", name);
  *value = json_node_get_string (node);
  return TRUE;
}

static gboolean
read_parallel (SbHttpProperties *self, JsonObject *object, GError **error)
{
  JsonNode *node = find (object, "parallel");
  gint64 value;

  self->parallel = 1;
  if (node == NULL)
    return TRUE;
  if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_INT64)
    return refuse (error, "has a \"parallel\" that is not a whole number");
  value = json_node_get_int (node);
  if (value < 1 || value > SB_HTTP_MAX_PARALLEL)
    return refuse (error, "has a \"parallel\" that is not between 1 and %d", SB_HTTP_MAX_PARALLEL);
  self->parallel = (guint) value;
  return TRUE;
}

static gboolean
read_authorization (SbHttpProperties *self, JsonObject *object, GError **error)
{
  JsonNode *node = find (object, "authorization");
  JsonObject *inner;
  const char *type;
  const char *user;
  const char *password;
  g_autofree char *plain = NULL;
  g_autofree char *coded = NULL;

  if (node == NULL)
    return TRUE;
  if (!JSON_NODE_HOLDS_OBJECT (node))
    return refuse (error, "has an \"authorization\" that is not an object");
  inner = json_node_get_object (node);
  if (!read_string (inner, "type", &type, error) || !read_string (inner, "user", &user, error)
      || !read_string (inner, "password", &password, error))
    return FALSE;
  if (type == NULL || g_ascii_strcasecmp (type, "basic") != 0)
    return refuse (error, "has an \"authorization\" whose \"type\" is not \"basic\"");
  if (user != NULL && strchr (user, ':') != NULL)
    return refuse (error, "has an \"authorization\" whose \"user\" has a colon in it");
  plain = g_strconcat (user != NULL ? user : "", ":", password != NULL ? password : "", NULL);
  coded = g_base64_encode ((const guint8 *) plain, strlen (plain));
  self->authorization = g_strconcat ("Basic ", coded, NULL);
  return TRUE;
}

/* Returns: (transfer full) (nullable): what base64 stands for, whose padding may be left out */
static GBytes *
decode_base64 (const char *text)
{
  static const char *const padding[] = { "", "", "==", "=" };
  gsize length = 0;
  g_autofree char *padded = g_strconcat (text, padding[strlen (text) % 4], NULL);
  g_autofree guint8 *data = g_base64_decode (padded, &length);
  g_autofree char *again = g_base64_encode (data, length);

  /* The decoder passes over what is no base64. */
  if (length == 0 || strcmp (again, padded) != 0)
    return NULL;
  return g_bytes_new_take (g_steal_pointer (&data), length);
}

static gboolean
read_secret (SbHttpProperties *self, JsonObject *object, GError **error)
{
  const char *secret;

  if (!read_string (object, "secret", &secret, error))
    return FALSE;
  if (secret == NULL || *secret == '\0')
    return TRUE;
  if (g_str_has_prefix (secret, SECRET_PREFIX))
    self->secret = decode_base64 (secret + strlen (SECRET_PREFIX));
  else
    self->secret = g_bytes_new (secret, strlen (secret));
  if (self->secret == NULL)
    return refuse (error, "has a \"secret\" that is not base64 behind " SECRET_PREFIX);
  return TRUE;
}

/* The URL */

/* Whether it may stand in a request line as it is. */
static gboolean
is_path_byte (guint8 byte)
{
  return byte > ' ' && byte < 0x7f && strchr ("\"<>\\^`{|}", byte) == NULL;
}

/* Returns: (transfer full): the path with "/data" behind it, and one slash between */
static char *
make_path (const char *path)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (const char *p = path; *p != '\0'; p++)
    if (is_path_byte ((guint8) *p))
      g_string_append_c (text, *p);
    else
      g_string_append_printf (text, "%%%02X", (guint8) *p);
  while (text->len > 0 && text->str[text->len - 1] == '/')
    g_string_truncate (text, text->len - 1);
  g_string_append (text, "/data");
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* A name or an address: nothing that could end the header that it is written into. */
static gboolean
is_host (const char *host)
{
  if (host == NULL || *host == '\0')
    return FALSE;
  for (const char *p = host; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p) && strchr ("-._:", *p) == NULL)
      return FALSE;
  return strchr (host, ':') == NULL || g_hostname_is_ip_address (host);
}

static void
set_authority (SbHttpProperties *self, gboolean has_port)
{
  gboolean is_v6 = strchr (self->host, ':') != NULL;
  g_autofree char *host = is_v6 ? g_strdup_printf ("[%s]", self->host) : g_strdup (self->host);

  if (has_port)
    self->authority = g_strdup_printf ("%s:%u", host, self->port);
  else
    self->authority = g_steal_pointer (&host);
}

static gboolean
read_port (SbHttpProperties *self, GUri *uri, GError **error)
{
  int port = g_uri_get_port (uri);
  guint16 usual = self->is_tls ? 443 : 80;

  if (port == 0)
    return refuse (error, "has a \"url\" with the port 0");
  self->port = port > 0 ? (guint16) port : usual;
  set_authority (self, self->port != usual);
  return TRUE;
}

static gboolean
check_uri (GUri *uri, GError **error)
{
  const char *scheme = g_uri_get_scheme (uri);

  if (g_strcmp0 (scheme, "http") != 0 && g_strcmp0 (scheme, "https") != 0)
    return refuse (error, "has a \"url\" that is neither http nor https");
  if (g_uri_get_userinfo (uri) != NULL)
    return refuse (error, "has a \"url\" with a user in it; name it in \"authorization\"");
  if (g_uri_get_query (uri) != NULL || g_uri_get_fragment (uri) != NULL)
    return refuse (error, "has a \"url\" with a query or a fragment");
  if (!is_host (g_uri_get_host (uri)))
    return refuse (error, "has a \"url\" without a valid host");
  return TRUE;
}

static gboolean
read_url (SbHttpProperties *self, JsonObject *object, GError **error)
{
  g_autoptr (GUri) uri = NULL;
  const char *url;

  if (!read_string (object, "url", &url, error))
    return FALSE;
  if (url == NULL || *url == '\0')
    return refuse (error, "has no \"url\": the recipient cannot be reached over HTTP");
  uri = g_uri_parse (url, G_URI_FLAGS_ENCODED_PATH, NULL);
  if (uri == NULL)
    return refuse (error, "has a \"url\" that is no URL");
  if (!check_uri (uri, error))
    return FALSE;
  self->is_tls = g_strcmp0 (g_uri_get_scheme (uri), "https") == 0;
  self->host = g_ascii_strdown (g_uri_get_host (uri), -1);
  self->path = make_path (g_uri_get_path (uri));
  return read_port (self, uri, error);
}

/**
 * sb_http_properties_parse:
 * @json: `connection_properties`, a JSON object
 * @error: SB_ERROR_INVALID: names the member that is missing or wrong
 *
 * Returns: (transfer full): what they say
 */
SbHttpProperties *
sb_http_properties_parse (const char *json, GError **error)
{
  g_autoptr (SbHttpProperties) self = g_new0 (SbHttpProperties, 1);
  g_autoptr (JsonNode) node = json_from_string (json, NULL);
  JsonObject *object;

  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
    {
      refuse (error, "is not an object");
      return NULL;
    }
  object = json_node_get_object (node);
  if (!read_url (self, object, error) || !read_authorization (self, object, error)
      || !read_secret (self, object, error) || !read_parallel (self, object, error))
    return NULL;
  return g_steal_pointer (&self);
}

/**
 * sb_http_properties_free:
 * @self: (transfer full): properties
 */
void
sb_http_properties_free (SbHttpProperties *self)
{
  g_free (self->host);
  g_free (self->authority);
  g_free (self->path);
  g_free (self->authorization);
  g_clear_pointer (&self->secret, g_bytes_unref);
  g_free (self);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-device: the settings of a device: where its bus is, who it is, and its password.
 *
 * A device is not where this program runs: "localhost" is the bus for the one and nothing for the
 * other. So the addresses are, in this order, what somebody wrote, what the bus itself says of its
 * outside (public-url), and how this program reaches it, if that is a way for others too.
 */

#include "sb-cli-device.h"

#include "sb-cli-json.h"
#include "sb-cli-settings.h"

#include <glib/gi18n.h>
#include <string.h>

/**
 * sb_cli_device_free:
 * @self: (transfer full): settings of a device
 *
 * Wipes the password, and frees them.
 */
void
sb_cli_device_free (SbCliDevice *self)
{
  g_free (self->url);
  g_free (self->websocket_url);
  g_free (self->user);
  sb_cli_secret_free (self->password);
  g_free (self);
}

/* --- Addresses --- */

/* Returns: (transfer full): without a slash at its end */
static char *
trim_url (const char *url)
{
  char *trimmed = g_strdup (url);

  while (g_str_has_suffix (trimmed, "/"))
    trimmed[strlen (trimmed) - 1] = '\0';
  return trimmed;
}

static gboolean
check_url (const char *option, const char *url, const char *scheme, GError **error)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_NONE, NULL);
  const char *host = uri != NULL ? g_uri_get_host (uri) : NULL;
  const char *found = uri != NULL ? g_uri_get_scheme (uri) : "";
  gsize length = strlen (scheme);

  if (host != NULL && *host != '\0' && g_uri_get_userinfo (uri) == NULL
      && strncmp (found, scheme, length) == 0
      && (found[length] == '\0' || strcmp (found + length, "s") == 0))
    return TRUE;
  g_set_error (error, SB_CLI_ERROR, SB_CLI_USAGE, _ ("%s takes an address like %s://bus.example"),
               option, scheme);
  return FALSE;
}

static gboolean
is_loopback (const char *url)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_NONE, NULL);
  const char *host = uri != NULL ? g_uri_get_host (uri) : NULL;
  g_autoptr (GInetAddress) address = host != NULL ? g_inet_address_new_from_string (host) : NULL;

  return g_strcmp0 (host, "localhost") == 0
         || (address != NULL && g_inet_address_get_is_loopback (address));
}

/* Returns: (transfer full) (nullable): what the configuration calls public-url */
static char *
find_public_url (JsonObject *configuration)
{
  g_autoptr (GPtrArray) keys = sb_cli_json_get_objects (configuration, "keys");

  for (guint i = 0; i < keys->len; i++)
    {
      JsonObject *key = g_ptr_array_index (keys, i);
      const char *value = sb_cli_json_get_string (key, "value");

      if (g_strcmp0 (sb_cli_json_get_string (key, "key"), "public-url") == 0 && value != NULL
          && *value != '\0')
        return trim_url (value);
    }
  return NULL;
}

/* Who is no admin may not see the configuration, but is told of its own devices. A bus that is not
 * called anything outside takes what the request called it.
 * Returns: (transfer full) (nullable) */
static char *
ask_own_url (SbCli *cli, const char *user)
{
  g_autofree char *path = sb_cli_path ("/api/v1/users/%s/settings", user);
  g_autoptr (JsonNode) answer = sb_cli_call_object (cli, "POST", path, "{}", NULL);
  const char *url = answer != NULL
                        ? sb_cli_json_get_string (json_node_get_object (answer), "BusURLHttp")
                        : NULL;

  return url != NULL && g_str_has_prefix (url, "http") ? trim_url (url) : NULL;
}

/* An old bus does not know. Returns: whether that is no failure */
static gboolean
ask_public_url (SbCli *cli, const char *user, char **url, GError **error)
{
  g_autoptr (GError) fault = NULL;
  g_autoptr (JsonNode) answer = sb_cli_call_object (cli, "GET", "/api/v1/configuration", NULL,
                                                    &fault);

  *url = NULL;
  if (answer != NULL)
    *url = find_public_url (json_node_get_object (answer));
  else if (g_error_matches (fault, SB_CLIENT_ERROR, SB_CLIENT_ERROR_FORBIDDEN))
    *url = ask_own_url (cli, user);
  else if (!g_error_matches (fault, SB_CLIENT_ERROR, SB_CLIENT_ERROR_NOT_FOUND))
    {
      g_propagate_error (error, g_steal_pointer (&fault));
      return FALSE;
    }
  return TRUE;
}

/* Both ports of a bus speak both protocols, so one address is enough. */
static char *
derive_websocket_url (const char *url)
{
  return g_strconcat ("ws", url + strlen ("http"), "/ws", NULL);
}

/* What nobody wrote. */
static gboolean
find_addresses (SbCli *cli, SbCliDevice *self, GError **error)
{
  SbClient *client = sb_cli_get_client (cli, error);
  g_autofree char *url = NULL;
  gboolean is_own;

  if (client == NULL || !ask_public_url (cli, self->user, &url, error))
    return FALSE;
  is_own = url == NULL;
  if (is_own)
    url = g_strdup (sb_client_get_url (client));
  if (is_loopback (url))
    {
      g_set_error (error, SB_CLI_ERROR, SB_CLI_CONFIG,
                   _ ("No device reaches the bus at %s. Set public-url in simplebus.ini to the "
                      "address that devices use, or name it by --bus-url-http"),
                   url);
      return FALSE;
    }
  if (self->websocket_url == NULL)
    self->websocket_url = is_own ? g_strdup (sb_client_get_websocket_url (client))
                                 : derive_websocket_url (url);
  self->url = g_steal_pointer (&url);
  return TRUE;
}

/**
 * sb_cli_device_new:
 * @cli: the command line
 * @user: id of the device
 * @url: (nullable): address of the bus over HTTP, as somebody wrote it
 * @websocket_url: (nullable): the same over WebSocket
 * @error: return location for an error
 *
 * Finds the addresses that are not given.
 *
 * Returns: (transfer full) (nullable): the settings, without a password
 */
SbCliDevice *
sb_cli_device_new (SbCli *cli, const char *user, const char *url, const char *websocket_url,
                   GError **error)
{
  g_autoptr (SbCliDevice) self = g_new0 (SbCliDevice, 1);

  if ((url != NULL && !check_url ("--bus-url-http", url, "http", error))
      || (websocket_url != NULL && !check_url ("--bus-url", websocket_url, "ws", error)))
    return NULL;
  self->user = g_strdup (user);
  self->url = url != NULL ? trim_url (url) : NULL;
  self->websocket_url = g_strdup (websocket_url);
  if (self->url == NULL && !find_addresses (cli, self, error))
    return NULL;
  if (self->websocket_url == NULL)
    self->websocket_url = derive_websocket_url (self->url);
  return g_steal_pointer (&self);
}

/* --- JSON --- */

static void
append_unit (GString *json, guint unit)
{
  g_string_append_printf (json, "\\u%04x", unit);
}

/* Not every reader of QR codes guesses the encoding right, but all of them agree on ASCII. */
static void
append_string (GString *json, const char *text)
{
  g_string_append_c (json, '"');
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (c >= 0x10000)
        {
          append_unit (json, 0xd800 + ((c - 0x10000) >> 10));
          append_unit (json, 0xdc00 + ((c - 0x10000) & 0x3ff));
        }
      else if (c < 0x20 || c > 0x7e)
        append_unit (json, c);
      else
        {
          if (c == '"' || c == '\\')
            g_string_append_c (json, '\\');
          g_string_append_c (json, (char) c);
        }
    }
  g_string_append_c (json, '"');
}

/**
 * sb_cli_device_to_json:
 * @self: settings of a device, all of them valid UTF-8
 *
 * Returns: (transfer full): an object as devices read it, in ASCII, on one line; to be wiped
 */
char *
sb_cli_device_to_json (const SbCliDevice *self)
{
  /* Long enough never to grow, which would leave a copy of the password behind. */
  gsize length = strlen (self->url) + strlen (self->websocket_url) + strlen (self->user)
                 + strlen (self->password);
  GString *json = g_string_sized_new (128 + 6 * length);

  g_string_append (json, "{\"BusURL\":");
  append_string (json, self->websocket_url);
  g_string_append (json, ",\"BusURLHttp\":");
  append_string (json, self->url);
  g_string_append (json, ",\"BusID\":");
  append_string (json, self->user);
  g_string_append (json, ",\"BusPassword\":");
  append_string (json, self->password);
  g_string_append_c (json, '}');
  return g_string_free (json, FALSE);
}

/* --- The password --- */

typedef struct
{
  gboolean has_ended;
  GError *error; /* (owned) (nullable) */
} Waiting;

static void
checked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Waiting *waiting = user_data;
  g_autoptr (GBytes) answer = sb_client_call_finish (SB_CLIENT (source), result, NULL,
                                                     &waiting->error);

  waiting->has_ended = TRUE;
}

/* Who is refused something else was let in. */
static gboolean
is_let_in (const GError *error)
{
  return error == NULL || g_error_matches (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_FORBIDDEN)
         || g_error_matches (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_NOT_FOUND);
}

/**
 * sb_cli_device_check:
 * @cli: the command line
 * @self: settings of a device
 * @error: return location for an error
 *
 * Logs in as the device, by the way that this program has to the bus.
 *
 * Returns: whether the bus knows the user with the password
 */
gboolean
sb_cli_device_check (SbCli *cli, const SbCliDevice *self, GError **error)
{
  SbClient *client = sb_cli_get_client (cli, error);
  g_autoptr (GTlsDatabase) database = NULL;
  g_autoptr (SbClient) device = NULL;
  Waiting waiting = { FALSE, NULL };

  if (client == NULL)
    return FALSE;
  g_object_get (client, "tls-database", &database, NULL);
  device = g_object_new (SB_TYPE_CLIENT, "url", sb_client_get_url (client), "user", self->user,
                         "password", self->password, "tls-database", database, NULL);
  sb_client_call_async (device, "GET", "/api/v1/me", NULL, NULL, checked_cb, &waiting);
  while (!waiting.has_ended)
    g_main_context_iteration (NULL, TRUE);
  if (is_let_in (waiting.error))
    {
      g_clear_error (&waiting.error);
      return TRUE;
    }
  if (g_error_matches (waiting.error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_UNAUTHORIZED))
    g_set_error (error, SB_CLI_ERROR, SB_CLI_NO_PERMISSION,
                 _ ("The bus does not know the user \"%s\" with this password"), self->user);
  else
    g_propagate_error (error, g_steal_pointer (&waiting.error));
  g_clear_error (&waiting.error);
  return FALSE;
}

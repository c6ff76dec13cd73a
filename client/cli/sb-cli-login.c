/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-login: asks for a log-in, tries it, and keeps it in client.ini. */

#include "sb-cli-json.h"
#include "sb-cli-settings.h"
#include "sb-cli-verbs.h"

#include <glib/gi18n.h>
#include <string.h>

static char *settings_file;
static char *password_file;
static char *ca_file;
static char *websocket_url;

static const GOptionEntry options[] = {
  { "password-file", 0, 0, G_OPTION_ARG_FILENAME, &password_file,
    N_ ("Take the password from the first line of this file; - is the standard input"),
    N_ ("FILE") },
  { "ca-file", 0, 0, G_OPTION_ARG_FILENAME, &ca_file,
    N_ ("Trust these certificates (PEM) instead of those of the system"), N_ ("FILE") },
  { "websocket-url", 0, 0, G_OPTION_ARG_STRING, &websocket_url,
    N_ ("Where the bus speaks WebSocket, if that does not follow from its address"), N_ ("URL") },
  { "settings", 0, 0, G_OPTION_ARG_FILENAME, &settings_file,
    N_ ("Take all of it from the settings of a device (JSON with BusURL, BusID, BusPassword)"),
    N_ ("FILE") },
  G_OPTION_ENTRY_NULL,
};

static void
replace (char **field, const char *value)
{
  if (value == NULL || *value == '\0')
    return;
  g_free (*field);
  *field = g_strdup (value);
}

/* What a device gets as a QR code. */
static gboolean
import_settings (SbCliSettings *self, GError **error)
{
  g_autoptr (GError) fault = NULL;
  g_autofree char *text = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (SbClient) client = NULL;
  gsize length;

  if (!g_file_get_contents (settings_file, &text, &length, error))
    return FALSE;
  bytes = g_bytes_new_take (g_steal_pointer (&text), length);
  node = sb_cli_parse_json (bytes, error);
  if (node == NULL)
    return FALSE;
  client = sb_client_new_from_settings (g_bytes_get_data (bytes, NULL), &fault);
  if (client == NULL)
    {
      g_set_error (error, SB_CLI_ERROR, SB_CLI_CONFIG, "%s: %s", settings_file, fault->message);
      return FALSE;
    }
  replace (&self->url, sb_client_get_url (client));
  replace (&self->websocket_url, sb_client_get_websocket_url (client));
  replace (&self->user, sb_client_get_user (client));
  replace (&self->password, sb_cli_json_get_string (json_node_get_object (node), "BusPassword"));
  return TRUE;
}

/* Returns: whether there is something now */
static gboolean
ask_for (char **field, const char *question, GError **error)
{
  g_autofree char *full = *field != NULL ? g_strdup_printf ("%s [%s]: ", question, *field)
                                         : g_strdup_printf ("%s: ", question);
  g_autofree char *answer = sb_cli_ask (full, error);

  if (answer == NULL)
    return FALSE;
  replace (field, g_strstrip (answer));
  if (*field != NULL)
    return TRUE;
  g_set_error (error, SB_CLI_ERROR, SB_CLI_USAGE, _ ("\"%s\" needs an answer"), question);
  return FALSE;
}

/* What was said by options or environment is not asked for. */
static gboolean
ask_for_the_rest (SbCli *cli, SbCliSettings *self, GError **error)
{
  gboolean is_given = settings_file != NULL;

  if (!is_given && cli->url == NULL && g_getenv ("SIMPLEBUS_URL") == NULL
      && !ask_for (&self->url, _ ("Address of the bus"), error))
    return FALSE;
  if (!sb_cli_settings_check_url (self->url, error))
    return FALSE;
  if (!is_given && cli->user == NULL && g_getenv ("SIMPLEBUS_USER") == NULL
      && !ask_for (&self->user, _ ("User"), error))
    return FALSE;
  if (password_file != NULL)
    g_clear_pointer (&self->password, sb_cli_secret_free);
  else if (is_given || g_getenv ("SIMPLEBUS_PASSWORD") != NULL
           || g_getenv ("SIMPLEBUS_PASSWORD_FILE") != NULL)
    is_given = self->password != NULL;
  else
    is_given = FALSE;
  if (is_given)
    return TRUE;
  sb_cli_secret_free (self->password);
  self->password = password_file != NULL ? sb_cli_read_password (password_file, error)
                                         : sb_cli_ask_password (_ ("Password: "), error);
  return self->password != NULL;
}

static gboolean
gather (SbCli *cli, SbCliSettings *self, GError **error)
{
  if (settings_file != NULL && !import_settings (self, error))
    return FALSE;
  replace (&self->websocket_url, websocket_url);
  if (ca_file != NULL)
    {
      g_free (self->ca_file);
      self->ca_file = g_canonicalize_filename (ca_file, NULL);
    }
  return ask_for_the_rest (cli, self, error);
}

/* Whoever answers knows who asks, or refuses. */
static gboolean
try_out (SbCli *cli, const SbCliSettings *self, GError **error)
{
  g_autoptr (JsonNode) me = NULL;

  if (!sb_cli_use_settings (cli, self, error))
    return FALSE;
  me = sb_cli_call_object (cli, "GET", "/api/v1/me", NULL, error);
  return me != NULL;
}

static SbCliStatus
run (SbCli *cli, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SbCliSettings) settings = NULL;
  g_autofree char *path = sb_cli_settings_get_path (cli);

  if (argc > 1)
    return sb_cli_usage (cli, _ ("Too many words; a password is never one of them"));
  settings = sb_cli_settings_load (cli, TRUE, &error);
  if (settings == NULL || !gather (cli, settings, &error) || !try_out (cli, settings, &error)
      || !sb_cli_settings_save (cli, settings, &error))
    return sb_cli_fail (cli, error);
  if (!cli->quiet)
    g_printerr (_ ("Logged in as %s; kept in %s\n"), settings->user, path);
  return SB_CLI_OK;
}

const SbCliVerb sb_cli_verb_login = {
  .name = "login",
  .arguments = "",
  .summary = N_ ("Check user and password at the bus, and keep them for all other verbs"),
  .details = N_ (
      "Asks for address, user and password, as far as options and environment do not\n"
      "tell them, tries them, and writes ~/.config/simplebus/client.ini, which only you\n"
      "may read. With --bus NAME the log-in is kept as a profile of that name.\n"
      "\n"
      "  simplebus login\n"
      "  simplebus login --url https://bus.example:2555 --user erp --bus shop\n"
      "  simplebus login --user erp --password-file /run/credentials/erp\n"
      "  simplebus --bus shop users list"),
  .options = options,
  .run = run,
};

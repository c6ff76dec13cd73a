/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-doctor: looks at everything between here and the bus, asks the bus what it finds wrong
 * with itself, and says what to do. It goes on after a fault as far as there is anything to look
 * at.
 */

#include "sb-cli-checkup.h"
#include "sb-cli-json.h"
#include "sb-cli-probe.h"
#include "sb-cli-server.h"
#include "sb-cli-verbs.h"

#include <glib/gi18n.h>
#include <math.h>
#include <string.h>

/* Seconds. Times to live are counted by the bus's clock, and certificates by both. */
#define CLOCK_TOLERANCE 10.0

static gboolean server;
static char *server_config;

static const GOptionEntry options[] = {
  { "server", 0, 0, G_OPTION_ARG_NONE, &server,
    N_ ("Also check the configuration of the simplebusd of this machine"), NULL },
  { "server-config", 0, 0, G_OPTION_ARG_FILENAME, &server_config,
    N_ ("The same of this file instead of the usual one"), N_ ("FILE") },
  G_OPTION_ENTRY_NULL,
};

static const char details[] = N_ (
    "Looks at your settings, the name of the bus, HTTP, WebSocket, certificate, log-in,\n"
    "clocks and round trip; as an admin also at what the bus finds wrong with itself:\n"
    "disk, store, limits, proxy headers, recipients and more. It changes nothing, and\n"
    "no session is taken over. The exit status is 1 when something does not work.\n"
    "\n"
    "  simplebus doctor\n"
    "  simplebus doctor --quiet\n"
    "  simplebus --url https://bus.example --user admin doctor --json\n"
    "  sudo simplebus doctor --server-config /etc/simplebus/simplebus.ini");

/* --- Settings --- */

static gboolean
is_local (const char *url)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_NONE, NULL);
  const char *host = uri != NULL ? g_uri_get_host (uri) : NULL;
  g_autoptr (GInetAddress) address = host != NULL ? g_inet_address_new_from_string (host) : NULL;

  return g_strcmp0 (host, "localhost") == 0
         || (address != NULL && g_inet_address_get_is_loopback (address));
}

/* Returns: (transfer full) (nullable): the settings */
static SbCliSettings *
check_settings (SbCli *cli, SbCliCheckup *checkup)
{
  g_autofree char *path = sb_cli_settings_get_path (cli);
  gboolean is_there = g_file_test (path, G_FILE_TEST_EXISTS);
  g_autoptr (GError) error = NULL;
  g_autoptr (SbCliSettings) settings = sb_cli_settings_load (cli, FALSE, &error);

  if (settings == NULL)
    sb_cli_checkup_add (checkup, SB_CLI_PLACE_HERE, "settings", SB_CLI_VERDICT_ERROR,
                        _ ("\"simplebus login\" writes them anew"), "%s", error->message);
  else if (settings->user == NULL)
    sb_cli_checkup_add (checkup, SB_CLI_PLACE_HERE, "settings", SB_CLI_VERDICT_WARNING,
                        _ ("Type \"simplebus login\", or name a user by --user"),
                        _ ("It is not known which user you are at %s"), settings->url);
  else if (g_str_has_prefix (settings->url, "http:") && !is_local (settings->url))
    sb_cli_checkup_add (checkup, SB_CLI_PLACE_HERE, "settings", SB_CLI_VERDICT_WARNING,
                        _ ("Use an address that begins with https://, unless the network is yours"),
                        _ ("The password of %s goes to %s in the clear"), settings->user,
                        settings->url);
  else if (is_there)
    sb_cli_checkup_add (checkup, SB_CLI_PLACE_HERE, "settings", SB_CLI_VERDICT_OK, NULL,
                        _ ("You are %s at %s; only you can read %s"), settings->user, settings->url,
                        path);
  else
    sb_cli_checkup_add (checkup, SB_CLI_PLACE_HERE, "settings", SB_CLI_VERDICT_OK, NULL,
                        _ ("You are %s at %s; there is no %s"), settings->user, settings->url,
                        path);
  return g_steal_pointer (&settings);
}

/* --- As a user --- */

/* Returns: whether the bus lets the user in */
static gboolean
check_log_in (SbCli *cli, const SbCliSettings *settings, SbCliCheckup *checkup)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) me = sb_cli_call_object (cli, "GET", "/api/v1/me", NULL, &error);
  gboolean is_admin = me != NULL
                      && sb_cli_json_get_boolean (json_node_get_object (me), "admin", FALSE);

  if (me != NULL)
    sb_cli_checkup_add (checkup, SB_CLI_PLACE_HERE, "log-in", SB_CLI_VERDICT_OK, NULL,
                        is_admin ? _ ("The bus knows %s, an admin") : _ ("The bus knows %s"),
                        settings->user);
  else if (g_error_matches (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_UNAUTHORIZED))
    sb_cli_checkup_add (checkup, SB_CLI_PLACE_HERE, "log-in", SB_CLI_VERDICT_ERROR,
                        _ ("Type \"simplebus login\"; an admin sets a new password by \"simplebus "
                           "users passwd\""),
                        _ ("The bus does not know %s with this password"), settings->user);
  else if (g_error_matches (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_NOT_FOUND)
           || g_error_matches (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_FORBIDDEN))
    {
      sb_cli_checkup_add (checkup, SB_CLI_PLACE_HERE, "log-in", SB_CLI_VERDICT_OK, NULL,
                          _ ("The bus knows %s"), settings->user);
      return TRUE;
    }
  else
    sb_cli_checkup_add (checkup, SB_CLI_PLACE_HERE, "log-in", SB_CLI_VERDICT_ERROR, NULL, "%s",
                        error->message);
  return me != NULL;
}

static void
add_clock (SbCliCheckup *checkup, double offset)
{
  if (fabs (offset) <= CLOCK_TOLERANCE)
    sb_cli_checkup_add (checkup, SB_CLI_PLACE_HERE, "clock", SB_CLI_VERDICT_OK, NULL,
                        _ ("The clocks here and there agree within a second or so"));
  else
    sb_cli_checkup_add (checkup, SB_CLI_PLACE_HERE, "clock", SB_CLI_VERDICT_WARNING,
                        _ ("Let NTP keep both: timedatectl shows whether it does"),
                        offset > 0 ? _ ("The clock of the bus is %.0f s before the one here")
                                   : _ ("The clock of the bus is %.0f s behind the one here"),
                        fabs (offset));
}

/* --- What the bus says --- */

static SbCliVerdict
parse_verdict (const char *word)
{
  if (g_strcmp0 (word, "ok") == 0)
    return SB_CLI_VERDICT_OK;
  return g_strcmp0 (word, "error") == 0 ? SB_CLI_VERDICT_ERROR : SB_CLI_VERDICT_WARNING;
}

static void
add_health (SbCliCheckup *checkup, JsonObject *health)
{
  g_autoptr (GPtrArray) checks = sb_cli_json_get_objects (health, "checks");

  for (guint i = 0; i < checks->len; i++)
    {
      JsonObject *check = g_ptr_array_index (checks, i);
      const char *name = sb_cli_json_get_string (check, "check");
      const char *detail = sb_cli_json_get_string (check, "detail");

      sb_cli_checkup_add (checkup, SB_CLI_PLACE_BUS, name != NULL ? name : "?",
                          parse_verdict (sb_cli_json_get_string (check, "status")),
                          sb_cli_json_get_string (check, "advice"), "%s",
                          detail != NULL ? detail : "");
    }
}

/* A line without a verdict of its own: what is missing is no fault. */
static void
add_no_health (SbCliCheckup *checkup, const GError *error)
{
  if (g_error_matches (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_FORBIDDEN))
    sb_cli_checkup_add (checkup, SB_CLI_PLACE_BUS, "health", SB_CLI_VERDICT_OK, NULL,
                        _ ("Only an admin is told"));
  else if (g_error_matches (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_NOT_FOUND))
    sb_cli_checkup_add (checkup, SB_CLI_PLACE_BUS, "health", SB_CLI_VERDICT_OK, NULL,
                        _ ("This bus is too old to tell"));
  else
    sb_cli_checkup_add (checkup, SB_CLI_PLACE_BUS, "health", SB_CLI_VERDICT_ERROR, NULL, "%s",
                        error->message);
}

/* The clock is known to the millisecond then. Returns: whether it is */
static gboolean
read_clock (JsonObject *health, gint64 begin, double *offset)
{
  const char *text = sb_cli_json_get_string (health, "time");
  g_autoptr (GDateTime) time = text != NULL ? g_date_time_new_from_iso8601 (text, NULL) : NULL;
  double here = (double) (begin + g_get_real_time ()) / 2 / G_USEC_PER_SEC;

  if (time == NULL)
    return FALSE;
  *offset = (double) g_date_time_to_unix (time)
            + g_date_time_get_microsecond (time) / (double) G_USEC_PER_SEC - here;
  return TRUE;
}

static void
check_as_user (SbCli *cli, SbCliProbe *probe)
{
  gint64 begin;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) health = NULL;
  gboolean is_in = probe->settings->user != NULL
                   && check_log_in (cli, probe->settings, probe->checkup);

  begin = g_get_real_time ();
  if (is_in)
    health = sb_cli_call_object (cli, "GET", "/api/v1/health", NULL, &error);
  if (health != NULL && read_clock (json_node_get_object (health), begin, &probe->clock_offset))
    probe->has_clock = TRUE;
  if (probe->has_clock)
    add_clock (probe->checkup, probe->clock_offset);
  sb_cli_probe_check_round_trip (probe);
  if (health != NULL)
    add_health (probe->checkup, json_node_get_object (health));
  else if (is_in)
    add_no_health (probe->checkup, error);
}

/* --- All of it --- */

static char *
get_websocket_url (const SbCliSettings *settings)
{
  g_autoptr (SbClient) client = g_object_new (SB_TYPE_CLIENT, "url", settings->url, "websocket-url",
                                              settings->websocket_url, NULL);

  return g_strdup (sb_client_get_websocket_url (client));
}

static void
check_way (SbCli *cli, const SbCliSettings *settings, SbCliCheckup *checkup)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SbCliProbe) probe = sb_cli_probe_new (checkup, settings, &error);
  g_autofree char *websocket_url = get_websocket_url (settings);
  gboolean is_there;

  if (probe == NULL)
    {
      sb_cli_checkup_add (checkup, SB_CLI_PLACE_HERE, "certificate", SB_CLI_VERDICT_ERROR,
                          _ ("Let ca-file in client.ini name a file of certificates, PEM"),
                          "%s: %s", settings->ca_file, error->message);
      return;
    }
  sb_cli_probe_check_name (probe);
  is_there = sb_cli_probe_check_http (probe);
  /* At the same place it would fail for the same reason. */
  if (is_there || settings->websocket_url != NULL)
    sb_cli_probe_check_websocket (probe, websocket_url);
  if (is_there)
    check_as_user (cli, probe);
}

static void
check_server (SbCliCheckup *checkup)
{
  const char *words[] = { "--check-config", server_config != NULL ? "--config" : NULL,
                          server_config, NULL };
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  int status = sb_cli_server_ask (words, &text, &error);

  if (status < 0)
    sb_cli_checkup_add (checkup, SB_CLI_PLACE_SERVER, "configuration", SB_CLI_VERDICT_ERROR, NULL,
                        "%s", error->message);
  else if (status != 0)
    sb_cli_checkup_add (checkup, SB_CLI_PLACE_SERVER, "configuration", SB_CLI_VERDICT_ERROR,
                        _ ("Correct it before the next reload or restart"), "%s",
                        g_strchomp (text));
  else
    sb_cli_checkup_add (checkup, SB_CLI_PLACE_SERVER, "configuration", SB_CLI_VERDICT_OK, NULL,
                        _ ("simplebusd finds no fault in it"));
}

static SbCliStatus
run (SbCli *cli, int argc, char **argv)
{
  g_autoptr (SbCliCheckup) checkup = sb_cli_checkup_new ();
  g_autoptr (SbCliSettings) settings = NULL;

  if (argc > 1)
    return sb_cli_usage (cli, _ ("\"%s\" is one word too many"), argv[1]);
  settings = check_settings (cli, checkup);
  if (settings != NULL)
    check_way (cli, settings, checkup);
  if (server || server_config != NULL)
    check_server (checkup);
  sb_cli_checkup_print (checkup, cli);
  return sb_cli_checkup_count (checkup, SB_CLI_VERDICT_ERROR) > 0 ? SB_CLI_FAILED : SB_CLI_OK;
}

const SbCliVerb sb_cli_verb_doctor = {
  .name = "doctor",
  .arguments = "",
  .summary = N_ ("Find out what is wrong, and what to do about it"),
  .details = details,
  .options = options,
  .run = run,
};

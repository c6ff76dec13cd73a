/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-qr: shows the settings of a device as a QR code, which its camera reads, or writes them to
 * a file, which it loads.
 *
 * The bus keeps no password that could be read, so it has to be given, or a new one is set. What is
 * to be shown is made before that: a password that nobody got to see would lock the device out.
 */

#include "sb-cli-device.h"
#include "sb-cli-password.h"
#include "sb-cli-qr-code.h"
#include "sb-cli-settings.h"
#include "sb-cli-verbs.h"

#include <glib/gi18n.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_SCALE 8
#define MAX_SCALE 64

static char *png_file;
static int scale = DEFAULT_SCALE;
static gboolean inverted;
static char *json_file;
static char *bus_url;
static char *bus_url_http;
static char *password_file;
static gboolean new_password;
static gboolean yes;

static const GOptionEntry options[] = {
  { "png", 0, 0, G_OPTION_ARG_FILENAME, &png_file, N_ ("Write the code as a PNG"), N_ ("FILE") },
  { "scale", 0, 0, G_OPTION_ARG_INT, &scale,
    N_ ("Pixels of the smallest square of the PNG, 1 to 64 (8)"), N_ ("PIXELS") },
  { "invert", 0, 0, G_OPTION_ARG_NONE, &inverted,
    N_ ("Swap light and dark, for a terminal with dark text and no colours"), NULL },
  { "file", 0, 0, G_OPTION_ARG_FILENAME, &json_file, N_ ("Write the settings as JSON"),
    N_ ("FILE") },
  { "bus-url", 0, 0, G_OPTION_ARG_STRING, &bus_url,
    N_ ("Address of the bus over WebSocket, as the device reaches it"), N_ ("URL") },
  { "bus-url-http", 0, 0, G_OPTION_ARG_STRING, &bus_url_http,
    N_ ("Address of the bus over HTTP, as the device reaches it"), N_ ("URL") },
  { "password-file", 0, 0, G_OPTION_ARG_FILENAME, &password_file,
    N_ ("Read the device's password from this file, - is standard input"), N_ ("FILE") },
  { "new-password", 0, 0, G_OPTION_ARG_NONE, &new_password,
    N_ ("Give the device a new password, which logs it out"), NULL },
  { "yes", 'y', 0, G_OPTION_ARG_NONE, &yes, N_ ("Do not ask"), NULL },
  G_OPTION_ENTRY_NULL,
};

static const char details[] = N_ (
    "Shows the settings of a device, BusURL, BusURLHttp, BusID and BusPassword, as a\n"
    "QR code. SimpleUI reads it with the camera, or loads the JSON from a file. Who\n"
    "sees the picture has the password.\n"
    "\n"
    "The addresses are what the bus is configured to be called from outside\n"
    "(public-url), else those by which you reach it. The bus does not know passwords:\n"
    "the device's is asked for, or a new one is set.\n"
    "\n"
    "  simplebus qr user1\n"
    "  simplebus qr user1 --new-password\n"
    "  simplebus qr user1 --password-file pw --png user1.png\n"
    "  simplebus qr user1 --bus-url-http https://bus.example --file user1.json");

/* --- The password --- */

/* What the caller is known by is known already. Returns: (transfer full) (nullable) */
static char *
find_own_password (SbCli *cli, const char *user)
{
  g_autoptr (SbCliSettings) settings = sb_cli_settings_load (cli, FALSE, NULL);

  if (settings == NULL || g_strcmp0 (settings->user, user) != 0)
    return NULL;
  return g_steal_pointer (&settings->password);
}

/* Returns: (transfer full) (nullable) */
static char *
take_password (SbCli *cli, const char *user, GError **error)
{
  const SbCliPasswordSource source = { password_file, new_password };
  g_autofree char *shown = NULL;
  g_autofree char *question = NULL;
  char *password;

  if (new_password || password_file != NULL)
    return sb_cli_take_password (&source, user, error);
  password = find_own_password (cli, user);
  if (password != NULL)
    return password;
  if (!sb_cli_can_ask ())
    {
      g_set_error_literal (error, SB_CLI_ERROR, SB_CLI_USAGE,
                           _ ("The device's password is needed: --password-file says where it is, "
                              "--new-password makes one"));
      return NULL;
    }
  shown = sb_cli_printable (user);
  question = g_strdup_printf (_ ("Password of the device %s: "), shown);
  return sb_cli_ask_password (question, error);
}

/* Only of one that is there: /put_users would make it. */
static gboolean
agree_to_new_password (SbCli *cli, const char *user, GError **error)
{
  SbClient *client = sb_cli_get_client (cli, error);
  g_autofree char *path = sb_cli_path ("/api/v1/users/%s", user);
  g_autoptr (JsonNode) node = NULL;
  g_autofree char *shown = sb_cli_printable (user);
  g_autofree char *question = NULL;

  if (client == NULL)
    return FALSE;
  if (strcmp (sb_client_get_user (client), user) == 0)
    {
      g_set_error_literal (error, SB_CLI_ERROR, SB_CLI_USAGE,
                           _ ("That is the user that you are logged in as, and would be no more"));
      return FALSE;
    }
  node = sb_cli_call_object (cli, "GET", path, NULL, error);
  if (node == NULL || yes)
    return node != NULL;
  question = g_strdup_printf (_ ("%s gets a new password, and whoever uses the old one is logged "
                                 "out. Go on?"),
                              shown);
  if (sb_cli_ask_yes (question, error))
    return TRUE;
  if (error != NULL && *error == NULL)
    g_set_error_literal (error, SB_CLI_ERROR, SB_CLI_FAILED, _ ("Nothing was changed"));
  return FALSE;
}

static gboolean
set_password (SbCli *cli, const SbCliDevice *device, GError **error)
{
  g_autoptr (JsonBuilder) builder = json_builder_new_immutable ();
  g_autoptr (JsonNode) list = NULL;
  g_autoptr (SbCliSecret) body = NULL;
  g_autoptr (JsonNode) answer = NULL;

  json_builder_begin_array (builder);
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "_id");
  json_builder_add_string_value (builder, device->user);
  json_builder_set_member_name (builder, "password");
  json_builder_add_string_value (builder, device->password);
  json_builder_end_object (builder);
  json_builder_end_array (builder);
  list = json_builder_get_root (builder);
  body = json_to_string (list, FALSE);
  answer = sb_cli_call (cli, "POST", "/put_users", body, error);
  return answer != NULL;
}

/* --- What is shown --- */

typedef struct
{
  SbCliSecret *json;    /* (owned) */
  SbCliSecret *picture; /* (owned) (nullable) for the terminal */
  GBytes *png;          /* (owned) (nullable) */
} Result;

static void
result_clear (Result *result)
{
  sb_cli_secret_free (result->json);
  sb_cli_secret_free (result->picture);
  g_clear_pointer (&result->png, g_bytes_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Result, result_clear)

static SbCliQrStyle
choose_style (SbCli *cli)
{
  const char *charset;

  if (!g_get_charset (&charset))
    return SB_CLI_QR_ASCII;
  return cli->colour ? SB_CLI_QR_COLOURS : SB_CLI_QR_BLOCKS;
}

/* A picture whose lines are folded is none. */
static gboolean
fits_terminal (SbCli *cli, SbCliQrCode *code, SbCliQrStyle style, GError **error)
{
  guint columns = sb_cli_qr_code_get_columns (code, style);
  guint rows = sb_cli_qr_code_get_rows (code, style) + 1;
  struct winsize size;

  if (ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
    return TRUE;
  if (size.ws_col < columns)
    {
      g_set_error (error, SB_CLI_ERROR, SB_CLI_FAILED,
                   _ ("The code is %u columns wide, the terminal only %u. Widen it, or write a "
                      "picture by --png"),
                   columns, (guint) size.ws_col);
      return FALSE;
    }
  if (size.ws_row < rows && !cli->quiet)
    g_printerr (_ ("simplebus: The code is %u rows high, the terminal only %u: make it higher "
                   "before you point a camera at it\n"),
                rows, (guint) size.ws_row);
  return TRUE;
}

static gboolean
draw (SbCli *cli, Result *result, GError **error)
{
  g_autoptr (SbCliQrCode) code = sb_cli_qr_code_new (result->json, FALSE, error);
  SbCliQrStyle style = choose_style (cli);

  if (code == NULL || !fits_terminal (cli, code, style, error))
    return FALSE;
  result->picture = sb_cli_qr_code_draw (code, style, inverted);
  return TRUE;
}

static gboolean
paint (Result *result, GError **error)
{
  g_autoptr (SbCliQrCode) code = sb_cli_qr_code_new (result->json, TRUE, error);

  if (code != NULL)
    result->png = sb_cli_qr_code_to_png (code, (guint) scale, inverted, error);
  return result->png != NULL;
}

static gboolean
make_result (SbCli *cli, const SbCliDevice *device, Result *result, GError **error)
{
  result->json = sb_cli_device_to_json (device);
  if (png_file != NULL && !paint (result, error))
    return FALSE;
  return png_file != NULL || json_file != NULL || cli->json || draw (cli, result, error);
}

/* All or nothing, and for nobody else: there is a password in it. */
static gboolean
write_file (const char *path, const char *data, gsize length, GError **error)
{
  g_autoptr (GError) fault = NULL;
  struct stat info;

  if (stat (path, &info) == 0 && !S_ISREG (info.st_mode))
    {
      g_set_error (error, SB_CLI_ERROR, SB_CLI_FAILED, _ ("%s is no regular file"), path);
      return FALSE;
    }
  if (g_file_set_contents_full (path, data, (gssize) length,
                                G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
                                &fault))
    return TRUE;
  g_set_error (error, SB_CLI_ERROR, SB_CLI_FAILED, _ ("%s cannot be written: %s"), path,
               fault->message);
  return FALSE;
}

static gboolean
write_json (const char *json, GError **error)
{
  g_autoptr (SbCliSecret) line = g_strconcat (json, "\n", NULL);

  return write_file (json_file, line, strlen (line), error);
}

static gboolean
show (SbCli *cli, const SbCliDevice *device, const Result *result, GError **error)
{
  if (cli->json)
    g_print ("%s\n", result->json);
  if (json_file != NULL && !write_json (result->json, error))
    return FALSE;
  if (result->png != NULL)
    {
      gsize length;
      const char *data = g_bytes_get_data (result->png, &length);

      if (!write_file (png_file, data, length, error))
        return FALSE;
    }
  if (result->picture != NULL)
    g_print ("%s", result->picture);
  if (result->picture != NULL && !cli->quiet)
    {
      g_autofree char *shown = sb_cli_printable (device->user);

      g_printerr ("%s, %s, %s\n", shown, device->url, device->websocket_url);
    }
  return TRUE;
}

/* --- The verb --- */

/* JSON takes nothing else. */
static gboolean
is_text (const char *password, GError **error)
{
  if (g_utf8_validate (password, -1, NULL))
    return TRUE;
  g_set_error_literal (error, SB_CLI_ERROR, SB_CLI_USAGE, _ ("The password is not UTF-8"));
  return FALSE;
}

static gboolean
run_for (SbCli *cli, const char *user, GError **error)
{
  g_autoptr (SbCliDevice) device = NULL;
  g_auto (Result) result = { NULL, NULL, NULL };

  device = sb_cli_device_new (cli, user, bus_url_http, bus_url, error);
  if (device == NULL || (new_password && !agree_to_new_password (cli, user, error)))
    return FALSE;
  device->password = take_password (cli, user, error);
  if (device->password == NULL || !is_text (device->password, error)
      || (!new_password && !sb_cli_device_check (cli, device, error))
      || !make_result (cli, device, &result, error))
    return FALSE;
  if (new_password && !set_password (cli, device, error))
    return FALSE;
  if (show (cli, device, &result, error))
    return TRUE;
  if (new_password)
    g_prefix_error (error, "%s",
                    _ ("The password was changed and nobody has the new one. Call this again. "));
  return FALSE;
}

static SbCliStatus
run (SbCli *cli, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;

  if (argc != 2)
    return sb_cli_usage (cli, argc < 2 ? _ ("Of which user?") : _ ("One user at a time"));
  if (!g_utf8_validate (argv[1], -1, NULL) || *argv[1] == '\0')
    return sb_cli_usage (cli, _ ("\"%s\" is no user"), argv[1]);
  if (new_password && password_file != NULL)
    return sb_cli_usage (cli, _ ("--new-password and --password-file exclude each other"));
  if (scale < 1 || scale > MAX_SCALE)
    return sb_cli_usage (cli, _ ("--scale takes a number from 1 to %d"), MAX_SCALE);
  return run_for (cli, argv[1], &error) ? SB_CLI_OK : sb_cli_fail (cli, error);
}

const SbCliVerb sb_cli_verb_qr = {
  .name = "qr",
  .arguments = N_ ("USER"),
  .summary = N_ ("Show a device's settings as a QR code"),
  .details = details,
  .options = options,
  .run = run,
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli: the client of the configured user, what went wrong and what to do, and waiting for
 * answers. */

#include "sb-cli.h"

#include "sb-cli-settings.h"
#include "sb-json.h"

#include <glib/gi18n.h>
#include <gobject/gvaluecollector.h>
#include <string.h>

#define MAX_PROPERTIES 16

G_DEFINE_QUARK (sb-cli-error, sb_cli_error)

/* --- The client --- */

/* A folder for each user of each bus. */
static char *
make_state_dir (const SbCliSettings *settings)
{
  g_autoptr (GUri) uri = g_uri_parse (settings->url, G_URI_FLAGS_NONE, NULL);
  gboolean is_tls = strcmp (g_uri_get_scheme (uri), "https") == 0;
  int port = g_uri_get_port (uri) > 0 ? g_uri_get_port (uri) : is_tls ? 443 : 80;
  g_autofree char *user = g_uri_escape_string (settings->user, " +,=", TRUE);
  g_autofree char *host = g_uri_escape_string (g_uri_get_host (uri), NULL, FALSE);
  g_autofree char *name = g_strdup_printf ("%s@%s_%d", user, host, port);

  return g_build_filename (g_get_user_state_dir (), "simplebus", name, NULL);
}

static gboolean
ask_for_password (SbCliSettings *settings, GError **error)
{
  g_autofree char *user = sb_cli_printable (settings->user);
  g_autofree char *question = NULL;

  if (!sb_cli_can_ask ())
    {
      g_set_error (error, SB_CLI_ERROR, SB_CLI_CONFIG,
                   _ ("There is no password for \"%s\" at %s. Type \"simplebus login\", or set "
                      "SIMPLEBUS_PASSWORD_FILE"),
                   user, settings->url);
      return FALSE;
    }
  question = g_strdup_printf (_ ("Password of %s at %s: "), user, settings->url);
  settings->password = sb_cli_ask_password (question, error);
  return settings->password != NULL;
}

/* Returns: (transfer full) (nullable): settings in which nothing is missing */
static SbCliSettings *
load_settings (SbCli *self, GError **error)
{
  g_autoptr (SbCliSettings) settings = sb_cli_settings_load (self, FALSE, error);

  if (settings == NULL)
    return NULL;
  if (settings->user == NULL)
    {
      g_set_error_literal (
          error, SB_CLI_ERROR, SB_CLI_CONFIG,
          _ ("It is not known which user you are. Type \"simplebus login\", or name one "
             "by --user or SIMPLEBUS_USER"));
      return NULL;
    }
  /* Nobody is asked twice. */
  if (settings->password == NULL && self->password != NULL)
    settings->password = g_strdup (self->password);
  if (settings->password == NULL)
    {
      if (!ask_for_password (settings, error))
        return NULL;
      self->password = g_strdup (settings->password);
    }
  return g_steal_pointer (&settings);
}

/* Properties of a client by their names. */
typedef struct
{
  guint n;
  const char *names[MAX_PROPERTIES];
  GValue values[MAX_PROPERTIES];
} Properties;

static void
set_string (Properties *properties, const char *name, const char *value)
{
  properties->names[properties->n] = name;
  g_value_init (&properties->values[properties->n], G_TYPE_STRING);
  g_value_set_string (&properties->values[properties->n++], value);
}

static gboolean
set_certificates (Properties *properties, const char *path, GError **error)
{
  g_autoptr (GTlsDatabase) database = NULL;
  g_autoptr (GError) fault = NULL;
  g_autofree char *absolute = g_canonicalize_filename (path, NULL);

  database = g_tls_file_database_new (absolute, &fault);
  if (database == NULL)
    {
      g_set_error (error, SB_CLI_ERROR, SB_CLI_CONFIG, _ ("ca-file %s: %s"), path, fault->message);
      return FALSE;
    }
  properties->names[properties->n] = "tls-database";
  g_value_init (&properties->values[properties->n], G_TYPE_TLS_DATABASE);
  g_value_set_object (&properties->values[properties->n++], database);
  return TRUE;
}

/* Returns: the value of that name, no longer set when it was */
static GValue *
take_place (Properties *properties, const char *name)
{
  for (guint i = 0; i < properties->n; i++)
    if (strcmp (properties->names[i], name) == 0)
      {
        g_value_unset (&properties->values[i]);
        return &properties->values[i];
      }
  g_assert (properties->n < MAX_PROPERTIES);
  properties->names[properties->n] = name;
  return &properties->values[properties->n++];
}

static void
set_others (Properties *properties, const char *first, va_list args)
{
  GObjectClass *class = g_type_class_ref (SB_TYPE_CLIENT);

  for (const char *name = first; name != NULL; name = va_arg (args, const char *))
    {
      GParamSpec *spec = g_object_class_find_property (class, name);
      char *fault = NULL;

      GValue *value;

      g_assert (spec != NULL);
      value = take_place (properties, name);
      G_VALUE_COLLECT_INIT (value, spec->value_type, args, 0, &fault);
      g_assert (fault == NULL);
    }
  g_type_class_unref (class);
}

static gboolean
set_settings (Properties *properties, const SbCliSettings *settings, GError **error)
{
  g_autofree char *state_dir = make_state_dir (settings);

  set_string (properties, "url", settings->url);
  set_string (properties, "user", settings->user);
  set_string (properties, "password", settings->password);
  set_string (properties, "state-dir", state_dir);
  if (settings->websocket_url != NULL)
    set_string (properties, "websocket-url", settings->websocket_url);
  return settings->ca_file == NULL || set_certificates (properties, settings->ca_file, error);
}

static void
clear_properties (Properties *properties)
{
  for (guint i = 0; i < properties->n; i++)
    g_value_unset (&properties->values[i]);
}

static void
build_client (SbCli *self, const SbCliSettings *settings, GError **error, const char *first,
              va_list args)
{
  Properties properties = { 0 };

  if (set_settings (&properties, settings, error))
    {
      set_others (&properties, first, args);
      self->client = SB_CLIENT (g_object_new_with_properties (SB_TYPE_CLIENT, properties.n,
                                                              properties.names, properties.values));
    }
  clear_properties (&properties);
}

/**
 * sb_cli_make_client:
 * @self: the command line, which has no client yet
 * @error: return location for an error
 * @first_property: (nullable): a property of #SbClient, as for g_object_new()
 * @...: its value, others, then %NULL
 *
 * Makes the client of the configured user. When there is a terminal, a password that is nowhere
 * else is asked for.
 *
 * Returns: (transfer none) (nullable): the client; %NULL when something is missing or wrong
 */
SbClient *
sb_cli_make_client (SbCli *self, GError **error, const char *first_property, ...)
{
  g_autoptr (SbCliSettings) settings = load_settings (self, error);
  va_list args;

  g_assert (self->client == NULL);
  if (settings == NULL)
    return NULL;
  va_start (args, first_property);
  build_client (self, settings, error, first_property, args);
  va_end (args);
  return self->client;
}

static SbClient *
make_client (SbCli *self, const SbCliSettings *settings, GError **error, const char *first, ...)
{
  va_list args;

  va_start (args, first);
  build_client (self, settings, error, first, args);
  va_end (args);
  return self->client;
}

/**
 * sb_cli_use_settings:
 * @cli: the command line, which has no client yet
 * @self: settings in which nothing is missing
 * @error: return location for an error
 *
 * Makes the client of these settings.
 *
 * Returns: whether they make sense
 */
gboolean
sb_cli_use_settings (SbCli *cli, const SbCliSettings *self, GError **error)
{
  return make_client (cli, self, error, NULL) != NULL;
}

/**
 * sb_cli_get_client:
 * @self: the command line
 * @error: return location for an error
 *
 * Returns: (transfer none) (nullable): the client of the configured user, made with the first call
 */
SbClient *
sb_cli_get_client (SbCli *self, GError **error)
{
  if (self->client == NULL)
    return sb_cli_make_client (self, error, NULL);
  return self->client;
}

/* --- What went wrong --- */

static SbCliStatus
status_of_client_error (int code)
{
  switch (code)
    {
    case SB_CLIENT_ERROR_UNAUTHORIZED:
    case SB_CLIENT_ERROR_FORBIDDEN:
      return SB_CLI_NO_PERMISSION;
    case SB_CLIENT_ERROR_NOT_FOUND:
      return SB_CLI_NOT_FOUND;
    case SB_CLIENT_ERROR_BUSY:
    case SB_CLIENT_ERROR_NO_SPACE:
      return SB_CLI_TRY_AGAIN;
    case SB_CLIENT_ERROR_OFFLINE:
    case SB_CLIENT_ERROR_TIMED_OUT:
      return SB_CLI_UNAVAILABLE;
    default:
      return SB_CLI_FAILED;
    }
}

/**
 * sb_cli_status_of:
 * @error: what went wrong
 *
 * Returns: the exit status that says so
 */
SbCliStatus
sb_cli_status_of (const GError *error)
{
  if (error->domain == SB_CLI_ERROR)
    return (SbCliStatus) error->code;
  if (error->domain == SB_CLIENT_ERROR)
    return status_of_client_error (error->code);
  if (error->domain == G_OPTION_ERROR)
    return SB_CLI_USAGE;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND)
      || g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    return SB_CLI_NOT_FOUND;
  return SB_CLI_FAILED;
}

/* Returns: (nullable): what to do about it */
static const char *
get_advice (const GError *error)
{
  if (error->domain != SB_CLIENT_ERROR)
    return NULL;
  switch (error->code)
    {
    case SB_CLIENT_ERROR_UNAUTHORIZED:
      return _ ("\"simplebus login\" asks for user and password, checks them and keeps them.");
    case SB_CLIENT_ERROR_FORBIDDEN:
      return _ ("Admins may do it: --user names another user.");
    case SB_CLIENT_ERROR_OFFLINE:
    case SB_CLIENT_ERROR_TIMED_OUT:
      return _ (
          "Does the bus run there? \"simplebus doctor\" looks closer; --url names another bus.");
    case SB_CLIENT_ERROR_BUSY:
      return _ ("Later it may work.");
    case SB_CLIENT_ERROR_PROTOCOL:
      return _ ("Is that address the bus's own? \"simplebus doctor\" looks closer.");
    default:
      return NULL;
    }
}

/**
 * sb_cli_fail:
 * @self: the command line
 * @error: what went wrong
 *
 * Says what went wrong, and what to do about it, on standard error.
 *
 * Returns: the exit status that says so
 */
SbCliStatus
sb_cli_fail (SbCli *self, const GError *error)
{
  g_auto (GStrv) lines = g_strsplit (error->message, "\n", -1);
  const char *advice = get_advice (error);

  for (char **line = lines; *line != NULL; line++)
    {
      g_autofree char *shown = sb_cli_printable (*line);

      g_printerr ("simplebus: %s\n", shown);
    }
  if (advice != NULL)
    g_printerr ("%s\n", advice);
  return sb_cli_status_of (error);
}

/**
 * sb_cli_usage:
 * @self: the command line
 * @format: what is wrong with its words, as for printf()
 * @...: for @format
 *
 * Says so on standard error.
 *
 * Returns: the exit status that says so
 */
SbCliStatus
sb_cli_usage (SbCli *self, const char *format, ...)
{
  g_autofree char *text = NULL;
  g_autofree char *shown = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  shown = sb_cli_printable (text);
  g_printerr ("simplebus: %s\n", shown);
  if (self->verb != NULL)
    g_printerr (_ ("Type \"simplebus %s --help\" for its words.\n"), self->verb->name);
  else
    g_printerr (_ ("Type \"simplebus --help\" for what it can do.\n"));
  return SB_CLI_USAGE;
}

/* --- Asking the bus --- */

typedef struct
{
  gboolean has_ended;
  GBytes *answer; /* (owned) (nullable) */
  GError *error;  /* (owned) (nullable) */
} Waiting;

static void
called_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Waiting *waiting = user_data;

  waiting->answer = sb_client_call_finish (SB_CLIENT (source), result, NULL, &waiting->error);
  waiting->has_ended = TRUE;
}

/**
 * sb_cli_parse_json:
 * @json: from the bus or a user
 * @error: return location for an error
 *
 * Reads JSON that nobody has checked yet.
 *
 * Returns: (transfer full) (nullable): what it says
 */
JsonNode *
sb_cli_parse_json (GBytes *json, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) fault = NULL;
  gsize length;
  const char *data = g_bytes_get_data (json, &length);

  if (sb_json_check_document (length > 0 ? data : "", length, &fault)
      && json_parser_load_from_data (parser, data, (gssize) length, &fault))
    return json_parser_steal_root (parser);
  g_set_error (error, SB_CLI_ERROR, SB_CLI_FAILED, _ ("This is no JSON: %s"), fault->message);
  return NULL;
}

/**
 * sb_cli_call:
 * @self: the command line
 * @method: of the request
 * @path: on the bus, percent-encoded
 * @body: (nullable): JSON
 * @error: return location for an error
 *
 * Asks the bus, and waits for the answer.
 *
 * Returns: (transfer full) (nullable): the answer; JSON's null when there was none; %NULL and
 * @error when the bus refused or could not be reached
 */
JsonNode *
sb_cli_call (SbCli *self, const char *method, const char *path, const char *body, GError **error)
{
  SbClient *client = sb_cli_get_client (self, error);
  g_autoptr (GBytes) bytes = body != NULL ? g_bytes_new (body, strlen (body)) : NULL;
  g_autoptr (GBytes) answer = NULL;
  Waiting waiting = { FALSE, NULL, NULL };

  if (client == NULL)
    return NULL;
  sb_client_call_async (client, method, path, bytes, NULL, called_cb, &waiting);
  while (!waiting.has_ended)
    g_main_context_iteration (NULL, TRUE);
  if (waiting.answer == NULL)
    {
      g_propagate_error (error, waiting.error);
      return NULL;
    }
  answer = waiting.answer;
  if (g_bytes_get_size (answer) == 0)
    return json_node_new (JSON_NODE_NULL);
  return sb_cli_parse_json (answer, error);
}

/**
 * sb_cli_call_object:
 * @self: the command line
 * @method: of the request
 * @path: on the bus, percent-encoded
 * @body: (nullable): JSON
 * @error: return location for an error
 *
 * As sb_cli_call() for answers that are objects.
 *
 * Returns: (transfer full) (nullable): an object
 */
JsonNode *
sb_cli_call_object (SbCli *self, const char *method, const char *path, const char *body,
                    GError **error)
{
  g_autoptr (JsonNode) node = sb_cli_call (self, method, path, body, error);

  if (node == NULL || JSON_NODE_HOLDS_OBJECT (node))
    return g_steal_pointer (&node);
  g_set_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_PROTOCOL,
               _ ("The answer to %s %s is none of a bus"), method, path);
  return NULL;
}

/* A lone dot or two would be taken for folders. */
static void
append_encoded (GString *path, const char *text)
{
  if (strcmp (text, ".") == 0)
    g_string_append (path, "%2E");
  else if (strcmp (text, "..") == 0)
    g_string_append (path, "%2E%2E");
  else
    g_string_append_uri_escaped (path, text, NULL, FALSE);
}

/**
 * sb_cli_path:
 * @format: with %s, %d, %u and %% only
 * @...: for @format
 *
 * Returns: (transfer full): a path in which each %s is percent-encoded
 */
char *
sb_cli_path (const char *format, ...)
{
  g_autoptr (GString) path = g_string_new (NULL);
  va_list args;

  va_start (args, format);
  for (const char *p = format; *p != '\0'; p++)
    {
      if (*p != '%')
        g_string_append_c (path, *p);
      else if (*++p == 's')
        append_encoded (path, va_arg (args, const char *));
      else if (*p == 'd')
        g_string_append_printf (path, "%d", va_arg (args, int));
      else if (*p == 'u')
        g_string_append_printf (path, "%u", va_arg (args, guint));
      else
        g_string_append_c (path, *p);
      g_assert (*p != '\0');
    }
  va_end (args);
  return g_string_free (g_steal_pointer (&path), FALSE);
}

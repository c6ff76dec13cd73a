/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-settings: which bus, as whom.
 *
 * An option wins over the environment, and that over client.ini. No password is ever taken from the
 * command line, which everybody on the machine can read. What the file says of password and
 * certificates belongs to its own bus and user: it is not shown to another one that an option
 * names.
 */

#include "sb-cli-settings.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_URL "http://localhost:2555"
#define GROUP "bus"
#define MAX_FILE_SIZE (1024 * 1024)
#define MAX_PASSWORD_SIZE 4096

static const char *const keys[] = { "url", "websocket-url", "user", "password", "ca-file", NULL };

/**
 * sb_cli_secret_free:
 * @secret: (transfer full) (nullable): a string
 *
 * Wipes and frees it.
 */
void
sb_cli_secret_free (SbCliSecret *secret)
{
  if (secret != NULL)
    explicit_bzero (secret, strlen (secret));
  g_free (secret);
}

/**
 * sb_cli_settings_free:
 * @self: (transfer full): settings
 *
 * Wipes the password, and frees them.
 */
void
sb_cli_settings_free (SbCliSettings *self)
{
  g_free (self->url);
  g_free (self->websocket_url);
  g_free (self->user);
  sb_cli_secret_free (self->password);
  g_free (self->ca_file);
  g_free (self);
}

/* --- Files that hold secrets --- */

/* Returns: (transfer full) (nullable): at most @max bytes, all that is there */
static char *
read_all (int fd, gsize max, const char *path, GError **error)
{
  g_autofree char *buffer = g_malloc0 (max + 2);
  gsize length = 0;
  gssize n;

  while (length <= max && (n = read (fd, buffer + length, max + 1 - length)) != 0)
    {
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          g_set_error (error, SB_CLI_ERROR, SB_CLI_CONFIG, _ ("%s cannot be read: %s"), path,
                       g_strerror (errno));
          explicit_bzero (buffer, max + 2);
          return NULL;
        }
      length += (gsize) n;
    }
  if (length > max || memchr (buffer, '\0', length) != NULL)
    {
      g_set_error (error, SB_CLI_ERROR, SB_CLI_CONFIG, _ ("%s is longer than %u bytes, or no text"),
                   path, (guint) max);
      explicit_bzero (buffer, max + 2);
      return NULL;
    }
  return g_steal_pointer (&buffer);
}

/* Whoever can read it knows the password, and whoever can write it sends it elsewhere. */
static gboolean
check_private (int fd, const char *path, GError **error)
{
  g_autofree char *quoted = g_shell_quote (path);
  struct stat info;

  if (fstat (fd, &info) != 0 || !S_ISREG (info.st_mode))
    g_set_error (error, SB_CLI_ERROR, SB_CLI_CONFIG, _ ("%s is no regular file"), path);
  else if (info.st_uid != geteuid ())
    g_set_error (error, SB_CLI_ERROR, SB_CLI_CONFIG,
                 _ ("%s belongs to another user of this machine and is not used"), path);
  else if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    g_set_error (error, SB_CLI_ERROR, SB_CLI_CONFIG,
                 _ ("%s holds a password, and others may read or change it. Type: chmod 600 %s"),
                 path, quoted);
  else
    return TRUE;
  return FALSE;
}

/**
 * sb_cli_read_password:
 * @path: of a file, or "-" for standard input
 * @error: return location for an error
 *
 * Reads a password, which ends at the first line end.
 *
 * Returns: (transfer full) (nullable): the password, to be wiped; not empty
 */
char *
sb_cli_read_password (const char *path, GError **error)
{
  gboolean is_input = strcmp (path, "-") == 0;
  const char *name = is_input ? _ ("The standard input") : path;
  int fd = is_input ? STDIN_FILENO : open (path, O_RDONLY | O_CLOEXEC);
  g_autoptr (SbCliSecret) password = NULL;

  if (fd < 0)
    {
      g_set_error (error, SB_CLI_ERROR, SB_CLI_CONFIG, _ ("%s cannot be read: %s"), path,
                   g_strerror (errno));
      return NULL;
    }
  password = read_all (fd, MAX_PASSWORD_SIZE, name, error);
  if (!is_input)
    close (fd);
  if (password == NULL)
    return NULL;
  password[strcspn (password, "\r\n")] = '\0';
  if (*password != '\0')
    return g_steal_pointer (&password);
  g_set_error (error, SB_CLI_ERROR, SB_CLI_CONFIG, _ ("%s has no password in its first line"),
               name);
  return NULL;
}

/* --- client.ini --- */

/**
 * sb_cli_settings_get_path:
 * @cli: the command line
 *
 * Returns: (transfer full): where client.ini is, or is to be
 */
char *
sb_cli_settings_get_path (SbCli *cli)
{
  if (cli->config_file != NULL)
    return g_strdup (cli->config_file);
  return g_build_filename (g_get_user_config_dir (), "simplebus", "client.ini", NULL);
}

/* Groups are "bus" and "bus NAME". */
static gboolean
check_keys (GKeyFile *file, const char *path, GError **error)
{
  g_auto (GStrv) groups = g_key_file_get_groups (file, NULL);

  for (char **group = groups; *group != NULL; group++)
    {
      g_auto (GStrv) names = g_key_file_get_keys (file, *group, NULL, NULL);

      if (strcmp (*group, GROUP) != 0 && !g_str_has_prefix (*group, GROUP " "))
        {
          g_set_error (error, SB_CLI_ERROR, SB_CLI_CONFIG,
                       _ ("%s: there is no group [%s]; groups are [bus] and [bus NAME]"), path,
                       *group);
          return FALSE;
        }
      for (char **name = names; *name != NULL; name++)
        if (!g_strv_contains (keys, *name))
          {
            g_set_error (error, SB_CLI_ERROR, SB_CLI_CONFIG,
                         _ ("%s: [%s] has a key %s, which is none of %s"), path, *group, *name,
                         "url, websocket-url, user, password, ca-file");
            return FALSE;
          }
    }
  return TRUE;
}

/* Returns: (transfer full) (nullable): empty when there is none, unless it was named */
static GKeyFile *
load_file (const char *path, gboolean is_optional, GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autoptr (SbCliSecret) text = NULL;
  g_autoptr (GError) fault = NULL;
  /* Nobody waits for the other end of a FIFO. */
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

  if (fd < 0 && errno == ENOENT && is_optional)
    return g_steal_pointer (&file);
  if (fd < 0)
    {
      g_set_error (error, SB_CLI_ERROR, SB_CLI_CONFIG, _ ("%s cannot be read: %s"), path,
                   g_strerror (errno));
      return NULL;
    }
  if (check_private (fd, path, error))
    text = read_all (fd, MAX_FILE_SIZE, path, error);
  close (fd);
  if (text == NULL)
    return NULL;
  if (!g_key_file_load_from_data (file, text, strlen (text), G_KEY_FILE_KEEP_COMMENTS, &fault))
    {
      g_set_error (error, SB_CLI_ERROR, SB_CLI_CONFIG, "%s: %s", path, fault->message);
      return NULL;
    }
  return check_keys (file, path, error) ? g_steal_pointer (&file) : NULL;
}

/* Returns: (transfer full) (nullable): of the profile that was chosen */
static char *
get_group (SbCli *cli, GError **error)
{
  const char *bus = cli->bus != NULL ? cli->bus : g_getenv ("SIMPLEBUS_BUS");

  if (bus == NULL || *bus == '\0')
    return g_strdup (GROUP);
  for (const char *p = bus; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p) && strchr ("-_.", *p) == NULL)
      {
        g_set_error (error, SB_CLI_ERROR, SB_CLI_USAGE,
                     _ ("\"%s\" is no name of a profile: it has letters, digits and - _ . only"),
                     bus);
        return NULL;
      }
  return g_strconcat (GROUP " ", bus, NULL);
}

/* @value: (out): %NULL when it is not there or empty. Returns: whether it is text */
static gboolean
get_string (GKeyFile *file, const char *group, const char *key, char **value, GError **error)
{
  g_autoptr (GError) fault = NULL;

  if (!g_key_file_has_key (file, group, key, NULL))
    return TRUE;
  *value = g_key_file_get_string (file, group, key, &fault);
  if (*value != NULL && **value == '\0')
    g_clear_pointer (value, g_free);
  if (fault == NULL)
    return TRUE;
  g_set_error (error, SB_CLI_ERROR, SB_CLI_CONFIG, _ ("[%s] %s is no text in UTF-8"), group, key);
  return FALSE;
}

static gboolean
load_profile (SbCli *cli, SbCliSettings *self, gboolean may_be_new, GError **error)
{
  g_autofree char *path = sb_cli_settings_get_path (cli);
  g_autofree char *group = get_group (cli, error);
  g_autoptr (GKeyFile) file = NULL;

  if (group == NULL)
    return FALSE;
  file = load_file (path, may_be_new || cli->config_file == NULL, error);
  if (file == NULL)
    return FALSE;
  if (!may_be_new && strcmp (group, GROUP) != 0 && !g_key_file_has_group (file, group))
    {
      g_set_error (error, SB_CLI_ERROR, SB_CLI_CONFIG,
                   _ ("%s has no group [%s]; \"simplebus login --bus %s\" writes it"), path, group,
                   group + strlen (GROUP " "));
      return FALSE;
    }
  return get_string (file, group, "url", &self->url, error)
         && get_string (file, group, "websocket-url", &self->websocket_url, error)
         && get_string (file, group, "user", &self->user, error)
         && get_string (file, group, "password", &self->password, error)
         && get_string (file, group, "ca-file", &self->ca_file, error);
}

/* --- All together --- */

/**
 * sb_cli_settings_check_url:
 * @url: what somebody wrote
 * @error: return location for an error
 *
 * Returns: whether it is an address of a bus, without a password in it
 */
gboolean
sb_cli_settings_check_url (const char *url, GError **error)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_NONE, NULL);

  if (uri != NULL && g_uri_get_userinfo (uri) != NULL)
    g_set_error_literal (
        error, SB_CLI_ERROR, SB_CLI_CONFIG,
        _ ("An address may have no user and password in it: everybody on this machine "
           "can read them in the list of processes. Use --user, and \"simplebus "
           "login\" or SIMPLEBUS_PASSWORD_FILE"));
  else if (uri == NULL || g_uri_get_host (uri) == NULL || *g_uri_get_host (uri) == '\0'
           || g_uri_get_query (uri) != NULL || g_uri_get_fragment (uri) != NULL
           || (strcmp (g_uri_get_scheme (uri), "http") != 0
               && strcmp (g_uri_get_scheme (uri), "https") != 0))
    g_set_error (error, SB_CLI_ERROR, SB_CLI_CONFIG,
                 _ ("\"%s\" is no address of a bus; one is https://bus.example:2555"), url);
  else
    return TRUE;
  return FALSE;
}

/* Returns: (nullable): what an option or the environment says */
static const char *
choose (const char *option, const char *variable)
{
  const char *value = option != NULL ? option : g_getenv (variable);

  return value != NULL && *value != '\0' ? value : NULL;
}

static gboolean
is_other (const char *chosen, const char *stored)
{
  return chosen != NULL && g_strcmp0 (chosen, stored) != 0;
}

/* What belongs to another bus, or to another user, is not for this one. */
static void
override (SbCliSettings *self, const char *url, const char *user)
{
  if (is_other (url, self->url != NULL ? self->url : DEFAULT_URL))
    {
      g_clear_pointer (&self->websocket_url, g_free);
      g_clear_pointer (&self->ca_file, g_free);
      g_clear_pointer (&self->password, sb_cli_secret_free);
    }
  if (is_other (user, self->user))
    g_clear_pointer (&self->password, sb_cli_secret_free);
  if (url != NULL || self->url == NULL)
    {
      g_free (self->url);
      self->url = g_strdup (url != NULL ? url : DEFAULT_URL);
    }
  if (user != NULL)
    {
      g_free (self->user);
      self->user = g_strdup (user);
    }
}

static gboolean
take_password (SbCliSettings *self, GError **error)
{
  const char *password = choose (NULL, "SIMPLEBUS_PASSWORD");
  const char *path = choose (NULL, "SIMPLEBUS_PASSWORD_FILE");
  char *taken = NULL;

  if (password == NULL && path == NULL)
    return TRUE;
  taken = password != NULL ? g_strdup (password) : sb_cli_read_password (path, error);
  if (taken == NULL)
    return FALSE;
  sb_cli_secret_free (self->password);
  self->password = taken;
  return TRUE;
}

/**
 * sb_cli_settings_load:
 * @cli: the command line
 * @may_be_new: whether a file or a profile that was named may be missing
 * @error: return location for an error
 *
 * Gathers what options, environment and client.ini say. Nobody is asked.
 *
 * Returns: (transfer full) (nullable): the settings, in which user and password may be missing
 */
SbCliSettings *
sb_cli_settings_load (SbCli *cli, gboolean may_be_new, GError **error)
{
  g_autoptr (SbCliSettings) self = g_new0 (SbCliSettings, 1);

  if (!load_profile (cli, self, may_be_new, error))
    return NULL;
  override (self, choose (cli->url, "SIMPLEBUS_URL"), choose (cli->user, "SIMPLEBUS_USER"));
  if (!take_password (self, error) || !sb_cli_settings_check_url (self->url, error))
    return NULL;
  return g_steal_pointer (&self);
}

/* --- Saving --- */

static void
set_or_remove (GKeyFile *file, const char *group, const char *key, const char *value)
{
  if (value != NULL)
    g_key_file_set_string (file, group, key, value);
  else
    g_key_file_remove_key (file, group, key, NULL);
}

/* A link stays one: what it points at is replaced. */
static gboolean
write_file (const char *path, const char *text, gsize length, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *real = realpath (path, NULL);
  g_autoptr (GError) fault = NULL;

  if (g_mkdir_with_parents (folder, 0700) == 0
      && g_file_set_contents_full (real != NULL ? real : path, text, (gssize) length,
                                   G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE,
                                   0600, &fault))
    return TRUE;
  g_set_error (error, SB_CLI_ERROR, SB_CLI_FAILED, _ ("%s cannot be written: %s"), path,
               fault != NULL ? fault->message : g_strerror (errno));
  return FALSE;
}

/**
 * sb_cli_settings_save:
 * @cli: the command line
 * @self: settings
 * @error: return location for an error
 *
 * Writes them to their group of client.ini, which only its owner may read, all or nothing. Other
 * groups and comments stay.
 *
 * Returns: whether that worked
 */
gboolean
sb_cli_settings_save (SbCli *cli, const SbCliSettings *self, GError **error)
{
  g_autofree char *path = sb_cli_settings_get_path (cli);
  g_autofree char *group = get_group (cli, error);
  g_autoptr (GKeyFile) file = group != NULL ? load_file (path, TRUE, error) : NULL;
  g_autoptr (SbCliSecret) text = NULL;
  gsize length;

  if (file == NULL)
    return FALSE;
  set_or_remove (file, group, "url", self->url);
  set_or_remove (file, group, "websocket-url", self->websocket_url);
  set_or_remove (file, group, "user", self->user);
  set_or_remove (file, group, "password", self->password);
  set_or_remove (file, group, "ca-file", self->ca_file);
  text = g_key_file_to_data (file, &length, NULL);
  return write_file (path, text, length, error);
}

/**
 * sb_cli_settings_update_password:
 * @cli: the command line
 * @user: whose password has changed
 * @password: the new one
 * @error: return location for an error
 *
 * Keeps client.ini true: when it has a password of this user at the bus that is in use, that
 * becomes the new one.
 *
 * Returns: %FALSE when that failed
 */
gboolean
sb_cli_settings_update_password (SbCli *cli, const char *user, const char *password, GError **error)
{
  g_autoptr (SbCliSettings) stored = g_new0 (SbCliSettings, 1);
  const char *url = choose (cli->url, "SIMPLEBUS_URL");

  if (!load_profile (cli, stored, TRUE, error))
    return FALSE;
  if (stored->password == NULL || g_strcmp0 (stored->user, user) != 0
      || is_other (url, stored->url != NULL ? stored->url : DEFAULT_URL))
    return TRUE;
  sb_cli_secret_free (stored->password);
  stored->password = g_strdup (password);
  return sb_cli_settings_save (cli, stored, error);
}

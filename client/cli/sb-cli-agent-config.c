/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-agent-config: a misspelt key is an error that names it, not a hook that never runs. */

#include "sb-cli-agent-config.h"

#include "sb-cli-draft.h"

#include <glib/gi18n.h>
#include <string.h>

#define GROUP "agent"
#define MAX_PARALLEL 64
#define DEFAULT_TIMEOUT 300

static const char *const hook_names[SB_CLI_N_HOOKS] = {
  "on-message",
  "on-download",
  "on-confirmation",
};

static const char *const keys[] = {
  "download-dir", "on-message", "on-download", "on-confirmation", "parallel", "timeout", NULL,
};

/**
 * sb_cli_hook_kind_get_name:
 * @kind: of a hook
 *
 * Returns: (transfer none): its key
 */
const char *
sb_cli_hook_kind_get_name (SbCliHookKind kind)
{
  return hook_names[kind];
}

/**
 * sb_cli_agent_config_free:
 * @self: (transfer full): a configuration
 *
 * Frees it.
 */
void
sb_cli_agent_config_free (SbCliAgentConfig *self)
{
  g_free (self->download_dir);
  for (guint i = 0; i < SB_CLI_N_HOOKS; i++)
    g_free (self->hooks[i]);
  g_free (self);
}

static gboolean
check_names (GKeyFile *file, const char *path, GError **error)
{
  g_auto (GStrv) groups = g_key_file_get_groups (file, NULL);

  for (char **group = groups; *group != NULL; group++)
    {
      g_auto (GStrv) names = g_key_file_get_keys (file, *group, NULL, NULL);

      for (char **name = names; *name != NULL; name++)
        if (strcmp (*group, GROUP) != 0 || !g_strv_contains (keys, *name))
          {
            g_autofree char *known = g_strjoinv (", ", (char **) keys);

            g_set_error (error, SB_CLI_ERROR, SB_CLI_CONFIG,
                         _ ("%s: there is no key [%s] %s; keys of [agent] are %s"), path, *group,
                         *name, known);
            return FALSE;
          }
    }
  return TRUE;
}

/* "~/Bus" is below the home; a folder that is not absolute would be elsewhere under systemd. */
static char *
expand_folder (const char *text, const char *path, GError **error)
{
  if (*text == '\0')
    return NULL;
  if (strcmp (text, "~") == 0 || g_str_has_prefix (text, "~/"))
    return g_build_filename (g_get_home_dir (), text + 1, NULL);
  if (g_path_is_absolute (text))
    return g_strdup (text);
  g_set_error (error, SB_CLI_ERROR, SB_CLI_CONFIG,
               _ ("%s: download-dir must begin with / or ~/, but is “%s”"), path, text);
  return NULL;
}

/* Empty: files are left alone. Not said: a folder of their own where downloads go. */
static gboolean
read_folder (SbCliAgentConfig *self, GKeyFile *file, const char *path, GError **error)
{
  g_autofree char *text = g_key_file_get_string (file, GROUP, "download-dir", NULL);
  const char *downloads = g_get_user_special_dir (G_USER_DIRECTORY_DOWNLOAD);
  g_autoptr (GError) fault = NULL;

  if (text == NULL && downloads != NULL)
    self->download_dir = g_build_filename (downloads, "SimpleBus", NULL);
  else if (text == NULL)
    self->download_dir = g_build_filename (g_get_home_dir (), "SimpleBus", NULL);
  else
    self->download_dir = expand_folder (text, path, &fault);
  if (fault == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&fault));
  return FALSE;
}

static gboolean
read_numbers (SbCliAgentConfig *self, GKeyFile *file, const char *path, GError **error)
{
  g_autofree char *parallel = g_key_file_get_string (file, GROUP, "parallel", NULL);
  g_autofree char *timeout = g_key_file_get_string (file, GROUP, "timeout", NULL);
  guint64 number = 1;
  gint64 seconds = DEFAULT_TIMEOUT;

  if (parallel != NULL
      && !g_ascii_string_to_unsigned (parallel, 10, 1, MAX_PARALLEL, &number, NULL))
    {
      g_set_error (error, SB_CLI_ERROR, SB_CLI_CONFIG,
                   _ ("%s: parallel is a number from 1 to %d, not “%s”"), path, MAX_PARALLEL,
                   parallel);
      return FALSE;
    }
  if (timeout != NULL && !sb_cli_parse_duration (timeout, &seconds, error))
    {
      g_prefix_error (error, "%s: timeout: ", path);
      (*error)->code = SB_CLI_CONFIG;
      return FALSE;
    }
  self->parallel = (guint) number;
  self->timeout = (guint) MIN (seconds, G_MAXINT);
  return TRUE;
}

static void
read_hooks (SbCliAgentConfig *self, GKeyFile *file)
{
  for (guint i = 0; i < SB_CLI_N_HOOKS; i++)
    {
      g_autofree char *command = g_key_file_get_string (file, GROUP, hook_names[i], NULL);

      if (command != NULL && *g_strstrip (command) != '\0')
        self->hooks[i] = g_steal_pointer (&command);
    }
}

/**
 * sb_cli_agent_config_load:
 * @path: (nullable): of the file; %NULL: agent.ini in the user's configuration, if it is there
 * @error: return location
 *
 * Reads the configuration of the agent.
 *
 * Returns: (transfer full) (nullable): it
 */
SbCliAgentConfig *
sb_cli_agent_config_load (const char *path, GError **error)
{
  g_autoptr (SbCliAgentConfig) self = g_new0 (SbCliAgentConfig, 1);
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *own = g_build_filename (g_get_user_config_dir (), "simplebus", "agent.ini",
                                           NULL);
  const char *name = path != NULL ? path : own;
  g_autoptr (GError) fault = NULL;

  if (!g_key_file_load_from_file (file, name, G_KEY_FILE_NONE, &fault)
      && (path != NULL || !g_error_matches (fault, G_FILE_ERROR, G_FILE_ERROR_NOENT)))
    {
      g_set_error (error, SB_CLI_ERROR, SB_CLI_CONFIG, _ ("%s cannot be read: %s"), name,
                   fault->message);
      return NULL;
    }
  if (!check_names (file, name, error) || !read_folder (self, file, name, error)
      || !read_numbers (self, file, name, error))
    return NULL;
  read_hooks (self, file);
  return g_steal_pointer (&self);
}

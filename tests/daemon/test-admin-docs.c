/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-admin-docs: the commands that the documents give for the service work on it: they name the
 * user, the folders and the program of the unit. systemd itself is not needed, but asked where it
 * is there.
 */

#include "sb-build.h"
#include "sb-test-http.h"
#include "sb-test.h"
#include "tool.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* What `dev install` makes of the places in the unit. */
#define BIN_DIR "/usr/local/bin"
#define SYSCONF_DIR "/etc"

/* A command of a document, in words. */
typedef struct
{
  GStrv properties; /* (owned) of systemd-run, KEY=VALUE */
  GStrv options;    /* (owned) others of systemd-run */
  GStrv program;    /* (owned) */
} Command;

static void
command_clear (Command *self)
{
  g_clear_pointer (&self->properties, g_strfreev);
  g_clear_pointer (&self->options, g_strfreev);
  g_clear_pointer (&self->program, g_strfreev);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Command, command_clear)

static char *
read_source (const char *name)
{
  g_autofree char *path = g_build_filename (g_getenv ("SB_TEST_SOURCE_ROOT"), name, NULL);
  g_autoptr (GError) error = NULL;
  char *text = NULL;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  return text;
}

/* Returns: (transfer full): a line with those that it goes on in */
static char *
join_lines (const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  GString *line = g_string_new (NULL);

  for (guint i = 0; i == 0 || g_str_has_suffix (lines[i - 1], "\\"); i++)
    {
      g_string_append (line, lines[i]);
      if (g_str_has_suffix (line->str, "\\"))
        g_string_truncate (line, line->len - 1);
    }
  return g_string_free (line, FALSE);
}

/* Returns: (transfer full): the only call of systemd-run with @option, put together, without its
 * name */
static char *
find_line (const char *document, const char *option)
{
  g_autofree char *text = read_source (document);
  g_auto (GStrv) parts = g_strsplit (text, "    sudo systemd-run ", -1);
  char *found = NULL;

  for (char **part = parts + 1; *part != NULL; part++)
    {
      g_autofree char *line = join_lines (*part);

      if (strstr (line, option) == NULL)
        continue;
      g_assert_null (found);
      found = g_steal_pointer (&line);
    }
  g_assert_nonnull (found);
  return found;
}

static Command
read_command (const char *document, const char *option)
{
  g_autofree char *line = find_line (document, option);
  g_auto (GStrv) words = NULL;
  g_autoptr (GStrvBuilder) properties = g_strv_builder_new ();
  g_autoptr (GStrvBuilder) options = g_strv_builder_new ();
  g_autoptr (GStrvBuilder) program = g_strv_builder_new ();
  g_autoptr (GError) error = NULL;
  char **word;

  g_shell_parse_argv (line, NULL, &words, &error);
  g_assert_no_error (error);
  for (word = words; *word != NULL && **word == '-'; word++)
    if (g_str_equal (*word, "-p"))
      g_strv_builder_add (properties, *++word);
    else
      g_strv_builder_add (options, *word);
  for (; *word != NULL && **word != '<'; word++)
    g_strv_builder_add (program, *word);
  return (Command) { g_strv_builder_end (properties), g_strv_builder_end (options),
                     g_strv_builder_end (program) };
}

static gboolean
has (const GStrv words, const char *word)
{
  return g_strv_contains ((const char *const *) words, word);
}

/* Returns: (transfer full) (nullable): the lines of the unit with that key, without the key. */
static char *
find_in_unit (const char *key)
{
  g_autofree char *unit = read_source ("simplebus.service.in");
  g_auto (GStrv) lines = g_strsplit (unit, "\n", -1);

  for (char **line = lines; *line != NULL; line++)
    if (g_str_has_prefix (*line, key) && (*line)[strlen (key)] == '=')
      return g_strdup (*line + strlen (key) + 1);
  return NULL;
}

/* What user and folders it has. A dynamic user without a name has the unit's. */
static void
assert_properties (const Command *command)
{
  static const char *const keys[] = { "DynamicUser", "StateDirectory", "StateDirectoryMode",
                                      "ConfigurationDirectory", "UMask" };

  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      g_autofree char *value = find_in_unit (keys[i]);
      g_autofree char *property = g_strdup_printf ("%s=%s", keys[i], value);

      g_test_message ("%s", property);
      g_assert_nonnull (value);
      g_assert_true (has (command->properties, property));
    }
  g_assert_null (find_in_unit ("User"));
  g_assert_null (find_in_unit ("Group"));
  g_assert_true (has (command->properties, "User=simplebus"));
  g_assert_cmpuint (g_strv_length (command->properties), ==, G_N_ELEMENTS (keys) + 1);
}

/* Program and configuration are those of the unit. */
static void
assert_program (const Command *command)
{
  g_autofree char *line = find_in_unit ("ExecStart");
  g_autoptr (GString) start = g_string_new (line);
  g_auto (GStrv) words = NULL;

  g_string_replace (start, "@bindir@", BIN_DIR, 0);
  g_string_replace (start, "@sysconfdir@", SYSCONF_DIR, 0);
  words = g_strsplit (start->str, " ", -1);
  g_assert_cmpuint (g_strv_length (command->program), ==, g_strv_length (words) + 2);
  for (guint i = 0; words[i] != NULL; i++)
    g_assert_cmpstr (command->program[i], ==, words[i]);
}

/* It ends with the status of the program, and leaves no unit behind. */
static void
assert_options (const Command *command)
{
  g_assert_true (has (command->options, "--wait"));
  g_assert_true (has (command->options, "--collect"));
  g_assert_true (has (command->options, "--pipe"));
}

static void
assert_systemd_knows (const Command *command)
{
  g_autofree char *analyze = g_find_program_in_path ("systemd-analyze");
  g_autoptr (SbTestDir) dir = sb_test_make_dir ();
  g_autofree char *path = g_build_filename (dir, "sb-test-tool.service", NULL);
  g_autofree char *properties = g_strjoinv ("\n", command->properties);
  g_autofree char *unit = g_strdup_printf ("[Service]\n%s\nExecStart=/bin/true\n", properties);
  const char *const line[] = { analyze, "verify", "--man=no", "--recursive-errors=no", path, NULL };
  g_autofree char *errors = NULL;

  if (analyze == NULL)
    {
      g_test_message ("no systemd-analyze here");
      return;
    }
  g_assert_true (g_file_set_contents (path, unit, -1, NULL));
  g_assert_true (g_spawn_sync (NULL, (char **) line, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL,
                               NULL, &errors, NULL, NULL));
  if (strstr (errors, "sb-test-tool.service") != NULL)
    g_error ("%s", errors);
}

/* Does what systemd would do: the program, with the folder it makes. */
static void
run (const Command *command, SbTestDaemon *bus, const char *input)
{
  const char *state_dir = sb_test_daemon_get_data_dir (bus);
  g_autofree char *config = g_build_filename (sb_test_daemon_get_dir (bus), "simplebus.ini", NULL);
  g_autofree char *text = g_strdup_printf ("[bus]\ndata-dir=%s\n", state_dir);
  g_auto (GStrv) words = g_strdupv (command->program + 1);
  g_auto (ToolResult) result = { 0 };

  g_assert_cmpstr (words[0], ==, "--config");
  g_assert_true (g_file_set_contents (config, text, -1, NULL));
  g_free (words[1]);
  words[1] = g_strdup (config);
  g_assert_no_errno (g_mkdir (state_dir, 0700));
  result = tool_run_in (state_dir, (const char *const *) words, input, -1);
  if (result.status != 0)
    g_error ("%s", result.errors);
}

static void
assert_is_admin (SbTestDaemon *bus, const char *user, const char *password)
{
  g_autoptr (SbTestHttp) client = sb_test_http_for (bus, user, password);

  sb_test_make_users (client, "somebody", NULL);
}

static void
the_command_for_the_first_admin_fits_the_unit (void)
{
  g_autoptr (SbTestDaemon) bus = sb_test_daemon_new ();
  g_auto (Command) command = read_command ("docs/operations.md", " --add-admin ");

  assert_properties (&command);
  assert_program (&command);
  assert_options (&command);
  g_assert_true (has (command.options, "--pty"));
  assert_systemd_knows (&command);
  run (&command, bus, "geheim\n");
  sb_test_daemon_start (bus);
  assert_is_admin (bus, "admin", "geheim");
}

static void
the_command_for_an_import_fits_the_unit (void)
{
  g_autoptr (SbTestDaemon) bus = sb_test_daemon_new ();
  g_auto (Command) command = read_command ("docs/moving.md", " --import-users ");

  assert_properties (&command);
  assert_program (&command);
  assert_options (&command);
  assert_systemd_knows (&command);
  run (&command, bus, "[{\"_id\":\"boss\",\"password\":\"geheim\",\"admin\":true}]");
  sb_test_daemon_start (bus);
  assert_is_admin (bus, "boss", "geheim");
}

/* Only where no configuration is installed, which would name its own folder. */
static void
the_folder_that_systemd_made_is_used_without_a_configuration (void)
{
  static const char *const words[] = { "--add-admin", "admin", NULL };
  g_autoptr (SbTestDaemon) bus = sb_test_daemon_new ();
  g_auto (ToolResult) result = { 0 };

  if (g_file_test (SB_SYSCONF_DIR "/simplebus", G_FILE_TEST_EXISTS))
    {
      g_test_skip ("there is an installed bus");
      return;
    }
  result = tool_run_in (sb_test_daemon_get_data_dir (bus), words, "geheim\n", -1);
  g_assert_cmpint (result.status, ==, 0);
  sb_test_daemon_start (bus);
  assert_is_admin (bus, "admin", "geheim");
}

int
main (int argc, char **argv)
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/admin-docs/the-command-for-the-first-admin-fits-the-unit",
                   the_command_for_the_first_admin_fits_the_unit);
  g_test_add_func ("/admin-docs/the-command-for-an-import-fits-the-unit",
                   the_command_for_an_import_fits_the_unit);
  g_test_add_func ("/admin-docs/the-folder-that-systemd-made-is-used-without-a-configuration",
                   the_folder_that_systemd_made_is_used_without_a_configuration);
  return g_test_run ();
}

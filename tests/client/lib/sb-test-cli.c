/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-test-cli: runs `simplebus` and collects what it says. */

#include "sb-test-cli.h"

#include "sb-test.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

struct _SbTestCli
{
  char *home;              /* (owned) */
  GHashTable *environment; /* (owned) char → char (nullable) */
};

/**
 * sb_test_cli_get_program:
 *
 * Returns: the path of the program
 */
const char *
sb_test_cli_get_program (void)
{
  const char *program = g_getenv ("SB_TEST_CLI");

  return program != NULL ? program : SB_TEST_CLI_PROGRAM;
}

SbTestCli *
sb_test_cli_new (void)
{
  static const char *const unset[] = {
    "SIMPLEBUS_URL",           "SIMPLEBUS_USER", "SIMPLEBUS_BUS", "SIMPLEBUS_PASSWORD",
    "SIMPLEBUS_PASSWORD_FILE", "NO_COLOR",       "LANGUAGE",      "COLUMNS"
  };
  static const char *const folders[][2] = { { "XDG_CONFIG_HOME", "config" },
                                            { "XDG_STATE_HOME", "state" },
                                            { "XDG_DATA_HOME", "data" },
                                            { "XDG_CACHE_HOME", "cache" } };
  SbTestCli *self = g_new0 (SbTestCli, 1);

  self->home = sb_test_make_dir ();
  self->environment = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  for (gsize i = 0; i < G_N_ELEMENTS (unset); i++)
    sb_test_cli_setenv (self, unset[i], NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (folders); i++)
    {
      g_autofree char *folder = g_build_filename (self->home, folders[i][1], NULL);

      sb_test_cli_setenv (self, folders[i][0], folder);
    }
  sb_test_cli_setenv (self, "HOME", self->home);
  sb_test_cli_setenv (self, "LC_ALL", "C.UTF-8");
  sb_test_cli_setenv (self, "TERM", "xterm");
  sb_test_cli_setenv (self, "G_DEBUG", "gc-friendly,fatal-criticals");
  return self;
}

SbTestCli *
sb_test_cli_new_for (SbTestDaemon *daemon, const char *user)
{
  SbTestCli *self = sb_test_cli_new ();
  g_autofree char *url = g_strdup_printf ("http://127.0.0.1:%u",
                                          sb_test_daemon_get_http_port (daemon));
  g_autofree char *password = g_strconcat (user, "-pw", NULL);

  sb_test_cli_setenv (self, "SIMPLEBUS_URL", url);
  sb_test_cli_setenv (self, "SIMPLEBUS_USER", user);
  sb_test_cli_setenv (self, "SIMPLEBUS_PASSWORD",
                      strcmp (user, "admin") == 0 ? SB_TEST_ADMIN_PASSWORD : password);
  return self;
}

void
sb_test_cli_free (SbTestCli *self)
{
  g_hash_table_unref (self->environment);
  sb_test_remove_dir (self->home);
  g_free (self);
}

void
sb_test_cli_setenv (SbTestCli *self, const char *name, const char *value)
{
  g_hash_table_insert (self->environment, g_strdup (name), g_strdup (value));
}

const char *
sb_test_cli_get_home (SbTestCli *self)
{
  return self->home;
}

char *
sb_test_cli_get_config_path (SbTestCli *self)
{
  return g_build_filename (self->home, "config", "simplebus", "client.ini", NULL);
}

void
sb_test_cli_configure (SbTestCli *self, int mode, const char *text)
{
  g_autofree char *path = sb_test_cli_get_config_path (self);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autoptr (GError) error = NULL;

  g_assert_no_errno (g_mkdir_with_parents (folder, 0700));
  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
  g_assert_no_errno (g_chmod (path, mode));
}

/* Whatever becomes of the test, the program ends with it. */
static void
prepare_child (gpointer user_data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

GSubprocessLauncher *
sb_test_cli_make_launcher (SbTestCli *self, GSubprocessFlags flags)
{
  GSubprocessLauncher *launcher = g_subprocess_launcher_new (flags);
  GHashTableIter iter;
  gpointer name, value;

  g_hash_table_iter_init (&iter, self->environment);
  while (g_hash_table_iter_next (&iter, &name, &value))
    if (value != NULL)
      g_subprocess_launcher_setenv (launcher, name, value, TRUE);
    else
      g_subprocess_launcher_unsetenv (launcher, name);
  g_subprocess_launcher_set_cwd (launcher, self->home);
  g_subprocess_launcher_set_child_setup (launcher, prepare_child, NULL, NULL);
  return launcher;
}

/* --- One run --- */

void
sb_test_outcome_free (SbTestOutcome *self)
{
  g_free (self->out);
  g_free (self->err);
  g_free (self);
}

static void
keep_result_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static gboolean
has_result (gpointer user_data)
{
  return *(GAsyncResult **) user_data != NULL;
}

static char *
dup_text (GBytes *bytes)
{
  gsize length;
  const char *data = g_bytes_get_data (bytes, &length);

  return g_strndup (data != NULL ? data : "", length);
}

static int
get_status (GSubprocess *process)
{
  return g_subprocess_get_if_signaled (process) ? -g_subprocess_get_term_sig (process)
                                                : g_subprocess_get_exit_status (process);
}

SbTestOutcome *
sb_test_cli_run_words (SbTestCli *self, const char *input, const char *const *words)
{
  SbTestOutcome *outcome = g_new0 (SbTestOutcome, 1);
  g_autoptr (GSubprocessLauncher) launcher = sb_test_cli_make_launcher (
      self, G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE
                | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_autoptr (GPtrArray) line = g_ptr_array_new ();
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GBytes) given = g_bytes_new (input, strlen (input));
  g_autoptr (GBytes) out = NULL;
  g_autoptr (GBytes) err = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_ptr_array_add (line, (gpointer) sb_test_cli_get_program ());
  for (const char *const *word = words; *word != NULL; word++)
    g_ptr_array_add (line, (gpointer) *word);
  g_ptr_array_add (line, NULL);
  process = g_subprocess_launcher_spawnv (launcher, (const char *const *) line->pdata, &error);
  g_assert_no_error (error);
  g_subprocess_communicate_async (process, given, NULL, keep_result_cb, &result);
  sb_test_wait_for (has_result, &result, "the end of simplebus");
  /* A program that did not read its input is no failure. */
  g_subprocess_communicate_finish (process, result, &out, &err, NULL);
  outcome->out = out != NULL ? dup_text (out) : g_strdup ("");
  outcome->err = err != NULL ? dup_text (err) : g_strdup ("");
  g_subprocess_wait (process, NULL, &error);
  g_assert_no_error (error);
  outcome->status = get_status (process);
  return outcome;
}

static SbTestOutcome *
run_list (SbTestCli *self, const char *input, const char *first, va_list args)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new ();

  for (const char *word = first; word != NULL; word = va_arg (args, const char *))
    g_ptr_array_add (words, (gpointer) word);
  g_ptr_array_add (words, NULL);
  return sb_test_cli_run_words (self, input, (const char *const *) words->pdata);
}

SbTestOutcome *
sb_test_cli_run (SbTestCli *self, const char *first_word, ...)
{
  SbTestOutcome *outcome;
  va_list args;

  va_start (args, first_word);
  outcome = run_list (self, "", first_word, args);
  va_end (args);
  return outcome;
}

SbTestOutcome *
sb_test_cli_run_with (SbTestCli *self, const char *input, const char *first_word, ...)
{
  SbTestOutcome *outcome;
  va_list args;

  va_start (args, first_word);
  outcome = run_list (self, input, first_word, args);
  va_end (args);
  return outcome;
}

SbTestOutcome *
sb_test_cli_run_line (SbTestCli *self, const char *line)
{
  g_auto (GStrv) words = *line != '\0' ? g_strsplit (line, " ", -1) : g_new0 (char *, 1);

  return sb_test_cli_run_words (self, "", (const char *const *) words);
}

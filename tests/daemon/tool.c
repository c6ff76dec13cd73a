/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tool: runs simplebusd with pipes, or as the leader of a session on a terminal of its own. */

#include "tool.h"

#include "sb-test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <termios.h>
#include <unistd.h>

struct _ToolTerminal
{
  GSubprocess *process; /* (owned) */
  int master;
  int slave; /* held open, so that what it is set to can be asked */
  GString *output;
  gsize seen; /* how much of it was waited for */
};

void
tool_result_clear (ToolResult *result)
{
  g_clear_pointer (&result->output, g_free);
  g_clear_pointer (&result->errors, g_free);
}

static int
get_status (GSubprocess *process)
{
  return g_subprocess_get_if_signaled (process) ? -g_subprocess_get_term_sig (process)
                                                : g_subprocess_get_exit_status (process);
}

static void
die_with_the_test (gpointer user_data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

static GSubprocessLauncher *
new_launcher (GSubprocessFlags flags)
{
  GSubprocessLauncher *launcher = g_subprocess_launcher_new (flags);

  g_subprocess_launcher_setenv (launcher, "LC_ALL", "C.UTF-8", TRUE);
  g_subprocess_launcher_unsetenv (launcher, "STATE_DIRECTORY");
  g_subprocess_launcher_unsetenv (launcher, "LANGUAGE");
  return launcher;
}

static GSubprocess *
spawn (GSubprocessLauncher *launcher, const char *const *command)
{
  const char *program = g_getenv ("SB_TEST_DAEMON");
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) line = NULL;
  g_autoptr (GError) error = NULL;
  GSubprocess *process;

  g_strv_builder_add (builder, program != NULL ? program : SB_TEST_PROGRAM);
  g_strv_builder_addv (builder, (const char **) command);
  line = g_strv_builder_end (builder);
  process = g_subprocess_launcher_spawnv (launcher, (const char *const *) line, &error);
  g_assert_no_error (error);
  return process;
}

static void
on_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static gboolean
has_result (gpointer user_data)
{
  return *(GAsyncResult **) user_data != NULL;
}

static char *
bytes_to_text (GBytes *bytes)
{
  gsize size;
  const char *text = g_bytes_get_data (bytes, &size);

  return g_strndup (size > 0 ? text : "", size);
}

/* From a file: one that refuses does not read to the end, and a pipe would break. */
ToolResult
tool_run_in (const char *state_dir, const char *const *command, const char *input, gssize length)
{
  g_autoptr (GSubprocessLauncher) launcher = new_launcher (G_SUBPROCESS_FLAGS_STDOUT_PIPE
                                                           | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_autoptr (SbTestDir) dir = sb_test_make_dir ();
  g_autofree char *path = g_build_filename (dir, "input", NULL);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GBytes) output = NULL;
  g_autoptr (GBytes) errors = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (path, input, length, NULL));
  g_subprocess_launcher_set_stdin_file_path (launcher, path);
  if (state_dir != NULL)
    g_subprocess_launcher_setenv (launcher, "STATE_DIRECTORY", state_dir, TRUE);
  g_subprocess_launcher_set_child_setup (launcher, die_with_the_test, NULL, NULL);
  process = spawn (launcher, command);
  g_subprocess_communicate_async (process, NULL, NULL, on_result, &result);
  sb_test_wait_for (has_result, &result, "the end of the tool");
  g_subprocess_communicate_finish (process, result, &output, &errors, &error);
  g_assert_no_error (error);
  return (ToolResult) { get_status (process), bytes_to_text (output), bytes_to_text (errors) };
}

ToolResult
tool_run (const char *const *command, const char *input, gssize length)
{
  return tool_run_in (NULL, command, input, length);
}

ToolResult
tool_run_on (SbTestDaemon *daemon, const char *option, const char *value, const char *input,
             gssize length)
{
  const char *const command[] = { "--data-dir", sb_test_daemon_get_data_dir (daemon), option, value,
                                  NULL };

  return tool_run (command, input, length);
}

/* A terminal */

/* Between fork and exec. Some keys end it with a core dump. */
static void
take_terminal (gpointer user_data)
{
  const struct rlimit none = { 0, 0 };

  setrlimit (RLIMIT_CORE, &none);
  die_with_the_test (NULL);
  setsid ();
  ioctl (STDIN_FILENO, TIOCSCTTY, 0);
}

static int
open_terminal (int *slave)
{
  int master = posix_openpt (O_RDWR | O_NOCTTY | O_CLOEXEC);

  g_assert_no_errno (master);
  g_assert_no_errno (grantpt (master));
  g_assert_no_errno (unlockpt (master));
  *slave = open (ptsname (master), O_RDWR | O_NOCTTY | O_CLOEXEC);
  g_assert_no_errno (*slave);
  g_assert_no_errno (fcntl (master, F_SETFL, O_NONBLOCK));
  return master;
}

ToolTerminal *
tool_terminal_start (const char *const *command)
{
  g_autoptr (GSubprocessLauncher) launcher = new_launcher (G_SUBPROCESS_FLAGS_NONE);
  ToolTerminal *self = g_new0 (ToolTerminal, 1);

  self->master = open_terminal (&self->slave);
  self->output = g_string_new (NULL);
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    g_subprocess_launcher_take_fd (launcher, fcntl (self->slave, F_DUPFD_CLOEXEC, 10), fd);
  g_subprocess_launcher_set_child_setup (launcher, take_terminal, NULL, NULL);
  self->process = spawn (launcher, command);
  return self;
}

static void
read_output (ToolTerminal *self)
{
  char buffer[1024];
  gssize n;

  while ((n = read (self->master, buffer, sizeof buffer)) > 0)
    g_string_append_len (self->output, buffer, n);
}

typedef struct
{
  ToolTerminal *terminal;
  const char *text;
} Expectation;

static gboolean
is_there (gpointer user_data)
{
  const Expectation *wanted = user_data;
  ToolTerminal *self = wanted->terminal;
  const char *found;

  read_output (self);
  found = strstr (self->output->str + self->seen, wanted->text);
  if (found == NULL)
    return FALSE;
  self->seen = (gsize) (found - self->output->str) + strlen (wanted->text);
  return TRUE;
}

static gboolean
on_tick (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

void
tool_terminal_expect (ToolTerminal *self, const char *text)
{
  Expectation wanted = { self, text };
  guint tick = g_timeout_add (5, on_tick, NULL);

  sb_test_wait_for (is_there, &wanted, text);
  g_source_remove (tick);
}

void
tool_terminal_type (ToolTerminal *self, const char *keys)
{
  g_assert_cmpint (write (self->master, keys, strlen (keys)), ==, strlen (keys));
}

gboolean
tool_terminal_echoes (ToolTerminal *self)
{
  struct termios terminal;

  g_assert_no_errno (tcgetattr (self->slave, &terminal));
  return (terminal.c_lflag & ECHO) != 0;
}

typedef struct
{
  ToolTerminal *terminal;
  GAsyncResult *result; /* (owned) (nullable) */
} End;

/* What is written has to be read, or the terminal is full and nothing ends. */
static gboolean
has_ended (gpointer user_data)
{
  End *end = user_data;

  read_output (end->terminal);
  return end->result != NULL;
}

ToolResult
tool_terminal_wait (ToolTerminal *self)
{
  End end = { self, NULL };
  guint tick = g_timeout_add (5, on_tick, NULL);

  g_subprocess_wait_async (self->process, NULL, on_result, &end.result);
  sb_test_wait_for (has_ended, &end, "the end of the tool");
  g_source_remove (tick);
  g_object_unref (end.result);
  read_output (self);
  return (ToolResult) { get_status (self->process), g_strdup (self->output->str), NULL };
}

void
tool_terminal_free (ToolTerminal *self)
{
  g_subprocess_force_exit (self->process);
  g_object_unref (self->process);
  close (self->master);
  close (self->slave);
  g_string_free (self->output, TRUE);
  g_free (self);
}

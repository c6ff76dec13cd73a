/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-test-daemon: starts, watches and stops a simplebusd of the build tree. */

#include "sb-test-daemon.h"

#include "sb-test.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Generous, because a machine under valgrind is slow; reached only by a test that fails. */
#define DEADLINE_SECONDS 60
#define MAX_DAEMONS 64

struct _SbTestDaemon
{
  char *dir;               /* (owned) */
  char *data_dir;          /* (owned) below @dir */
  char *log_path;          /* (owned) */
  int log_fd;              /* for the handler of SIGABRT */
  GPtrArray *settings;     /* (owned) of char */
  GPtrArray *arguments;    /* (owned) of char */
  GHashTable *environment; /* (owned) char → char */
  int given_fd;            /* (unowned) -1: none */
  int given_target;
  GSubprocess *process;     /* (owned) (nullable): while it runs */
  GDataInputStream *output; /* (owned) (nullable): its stdout */
  guint16 http_port;
  guint16 ws_port;
};

/* --- What a failed test shows --- */

static volatile int log_fds[MAX_DAEMONS];

/* Only calls that are safe in a signal handler. */
static void
show_log (int fd)
{
  static const char head[] = "# simplebusd said:\n";
  char buffer[4096];
  ssize_t n;

  if (lseek (fd, 0, SEEK_SET) != 0 || write (STDERR_FILENO, head, sizeof head - 1) < 0)
    return;
  while ((n = read (fd, buffer, sizeof buffer)) > 0)
    if (write (STDERR_FILENO, buffer, (size_t) n) < 0)
      return;
}

static void
on_failure (int number)
{
  for (gsize i = 0; i < MAX_DAEMONS; i++)
    if (log_fds[i] > 0)
      show_log (log_fds[i]);
  signal (number, SIG_DFL);
  raise (number);
}

static void
register_log (int fd)
{
  for (gsize i = 0; i < MAX_DAEMONS; i++)
    if (log_fds[i] == 0)
      {
        log_fds[i] = fd;
        break;
      }
  signal (SIGABRT, on_failure);
  signal (SIGTRAP, on_failure);
}

static void
unregister_log (int fd)
{
  for (gsize i = 0; i < MAX_DAEMONS; i++)
    if (log_fds[i] == fd)
      log_fds[i] = 0;
}

/* --- Waiting --- */

static gboolean
on_deadline (gpointer what)
{
  g_error ("deadline of %d s passed while waiting for %s", DEADLINE_SECONDS, (const char *) what);
  return G_SOURCE_REMOVE;
}

void
sb_test_wait_for (SbTestCheck check, gpointer user_data, const char *what)
{
  guint deadline = g_timeout_add_seconds (DEADLINE_SECONDS, on_deadline, (gpointer) what);

  while (!check (user_data))
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (deadline);
}

/* Lets a check look again that no event announces. */
static gboolean
on_tick (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

static void
wait_polling (SbTestCheck check, gpointer user_data, const char *what)
{
  guint tick = g_timeout_add (5, on_tick, NULL);

  sb_test_wait_for (check, user_data, what);
  g_source_remove (tick);
}

/* --- Making one --- */

SbTestDaemon *
sb_test_daemon_new (void)
{
  SbTestDaemon *self = g_new0 (SbTestDaemon, 1);

  self->dir = sb_test_make_dir ();
  self->data_dir = g_build_filename (self->dir, "data", NULL);
  self->log_path = g_build_filename (self->dir, "stderr", NULL);
  self->log_fd = g_open (self->log_path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  g_assert_no_errno (self->log_fd);
  register_log (self->log_fd);
  self->settings = g_ptr_array_new_with_free_func (g_free);
  self->arguments = g_ptr_array_new_with_free_func (g_free);
  self->environment = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->given_fd = -1;
  sb_test_daemon_set (self, "transport-soup.listen=127.0.0.1");
  sb_test_daemon_set (self, "transport-soup.http-port=0");
  sb_test_daemon_set (self, "transport-soup.websocket-port=0");
  /* A nearly full disk is no reason for other tests to fail. */
  sb_test_daemon_set (self, "bus.disk-reserve=0");
  return self;
}

void
sb_test_daemon_set (SbTestDaemon *self, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_ptr_array_add (self->settings, g_strdup_vprintf (format, args));
  va_end (args);
}

void
sb_test_daemon_add_argument (SbTestDaemon *self, const char *argument)
{
  g_ptr_array_add (self->arguments, g_strdup (argument));
}

void
sb_test_daemon_setenv (SbTestDaemon *self, const char *name, const char *value)
{
  g_hash_table_insert (self->environment, g_strdup (name), g_strdup (value));
}

/* A path with a blank in it would be taken for two libraries; folders may have blanks. */
void
sb_test_daemon_preload (SbTestDaemon *self, const char *path)
{
  const char *others = g_getenv ("LD_LIBRARY_PATH");
  g_autofree char *name = g_path_get_basename (path);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *folders = g_strjoin (":", folder, others, NULL);

  sb_test_daemon_setenv (self, "LD_LIBRARY_PATH", folders);
  sb_test_daemon_setenv (self, "LD_PRELOAD", name);
}

void
sb_test_daemon_give_fd (SbTestDaemon *self, int fd, int target_fd)
{
  self->given_fd = fd;
  self->given_target = target_fd;
}

SbTestDaemon *
sb_test_daemon_run (const char *setting, ...)
{
  SbTestDaemon *self = sb_test_daemon_new ();
  va_list args;

  va_start (args, setting);
  for (; setting != NULL; setting = va_arg (args, const char *))
    sb_test_daemon_set (self, "%s", setting);
  va_end (args);
  sb_test_daemon_start (self);
  return self;
}

/* --- Starting --- */

/* Between fork and exec: whatever becomes of the test, the daemon ends with it. */
static void
prepare_child (gpointer user_data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

static const char *
get_program (void)
{
  const char *program = g_getenv ("SB_TEST_DAEMON");

  return program != NULL ? program : SB_TEST_DAEMON_PROGRAM;
}

/* Who inherits a descriptor has to be told its own pid, which a shell knows best. */
static void
add_shell (GPtrArray *line)
{
  g_ptr_array_add (line, g_strdup ("/bin/sh"));
  g_ptr_array_add (line, g_strdup ("-c"));
  g_ptr_array_add (line, g_strdup ("LISTEN_PID=$$ exec \"$0\" \"$@\""));
}

static GPtrArray *
make_command_line (SbTestDaemon *self)
{
  GPtrArray *line = g_ptr_array_new_with_free_func (g_free);

  if (self->given_fd >= 0)
    add_shell (line);
  g_ptr_array_add (line, g_strdup (get_program ()));
  g_ptr_array_add (line, g_strdup ("--print-ports"));
  g_ptr_array_add (line, g_strdup ("--data-dir"));
  g_ptr_array_add (line, g_strdup (self->data_dir));
  for (guint i = 0; i < self->settings->len; i++)
    {
      g_ptr_array_add (line, g_strdup ("--set"));
      g_ptr_array_add (line, g_strdup (g_ptr_array_index (self->settings, i)));
    }
  for (guint i = 0; i < self->arguments->len; i++)
    g_ptr_array_add (line, g_strdup (g_ptr_array_index (self->arguments, i)));
  g_ptr_array_add (line, NULL);
  return line;
}

static void
set_environment (SbTestDaemon *self, GSubprocessLauncher *launcher)
{
  GHashTableIter iter;
  gpointer name, value;

  /* A warning is a line of the log; only what should never happen ends the daemon. */
  g_subprocess_launcher_setenv (launcher, "G_DEBUG", "gc-friendly,fatal-criticals", TRUE);
  g_subprocess_launcher_unsetenv (launcher, "NOTIFY_SOCKET");
  g_subprocess_launcher_unsetenv (launcher, "STATE_DIRECTORY");
  g_hash_table_iter_init (&iter, self->environment);
  while (g_hash_table_iter_next (&iter, &name, &value))
    g_subprocess_launcher_setenv (launcher, name, value, TRUE);
}

void
sb_test_daemon_spawn (SbTestDaemon *self)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_autoptr (GPtrArray) line = make_command_line (self);
  g_autoptr (GError) error = NULL;

  g_assert_null (self->process);
  set_environment (self, launcher);
  g_subprocess_launcher_take_stderr_fd (launcher, g_open (self->log_path, O_WRONLY | O_APPEND, 0));
  g_subprocess_launcher_set_child_setup (launcher, prepare_child, NULL, NULL);
  if (self->given_fd >= 0)
    g_subprocess_launcher_take_fd (launcher, fcntl (self->given_fd, F_DUPFD_CLOEXEC, 10),
                                   self->given_target);
  self->process = g_subprocess_launcher_spawnv (launcher, (const char *const *) line->pdata,
                                                &error);
  g_assert_no_error (error);
  self->output = g_data_input_stream_new (g_subprocess_get_stdout_pipe (self->process));
}

typedef struct
{
  GAsyncResult *result; /* (owned) (nullable) */
} Waiting;

static void
on_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Waiting *waiting = user_data;

  waiting->result = g_object_ref (result);
}

static gboolean
has_result (gpointer user_data)
{
  return ((Waiting *) user_data)->result != NULL;
}

/* Returns: (nullable): the next line of its stdout; %NULL when it has ended */
static char *
read_line (SbTestDaemon *self)
{
  g_autoptr (GError) error = NULL;
  Waiting waiting = { NULL };
  char *line;

  g_data_input_stream_read_line_async (self->output, G_PRIORITY_DEFAULT, NULL, on_result, &waiting);
  sb_test_wait_for (has_result, &waiting, "the ports of simplebusd");
  line = g_data_input_stream_read_line_finish (self->output, waiting.result, NULL, &error);
  g_assert_no_error (error);
  g_object_unref (waiting.result);
  return line;
}

static guint16
find_port (const char *line, const char *name)
{
  g_auto (GStrv) words = g_strsplit (line, " ", -1);

  for (char **word = words; *word != NULL; word++)
    if (g_str_has_prefix (*word, name) && (*word)[strlen (name)] == '=')
      return (guint16) g_ascii_strtoull (strrchr (*word, ':') + 1, NULL, 10);
  return 0;
}

void
sb_test_daemon_wait_ready (SbTestDaemon *self)
{
  g_autofree char *line = read_line (self);

  if (line == NULL)
    g_error ("simplebusd did not start");
  self->http_port = find_port (line, "http");
  self->ws_port = find_port (line, "websocket");
}

void
sb_test_daemon_start (SbTestDaemon *self)
{
  sb_test_daemon_spawn (self);
  sb_test_daemon_wait_ready (self);
}

/* --- Stopping --- */

/* Waits for the end of the process. Returns: its wait status */
static int
wait_end (SbTestDaemon *self)
{
  g_autoptr (GError) error = NULL;
  Waiting waiting = { NULL };
  int status;

  g_subprocess_wait_async (self->process, NULL, on_result, &waiting);
  sb_test_wait_for (has_result, &waiting, "the end of simplebusd");
  g_assert_true (g_subprocess_wait_finish (self->process, waiting.result, &error));
  g_assert_no_error (error);
  g_object_unref (waiting.result);
  status = g_subprocess_get_status (self->process);
  g_clear_object (&self->output);
  g_clear_object (&self->process);
  return status;
}

void
sb_test_daemon_kill (SbTestDaemon *self)
{
  sb_test_daemon_signal (self, SIGKILL);
  wait_end (self);
}

void
sb_test_daemon_signal (SbTestDaemon *self, int number)
{
  g_assert_nonnull (self->process);
  g_subprocess_send_signal (self->process, number);
}

void
sb_test_daemon_wait_stopped (SbTestDaemon *self)
{
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (self->process);
  g_spawn_check_wait_status (wait_end (self), &error);
  g_assert_no_error (error);
}

void
sb_test_daemon_terminate (SbTestDaemon *self)
{
  sb_test_daemon_signal (self, SIGTERM);
  sb_test_daemon_wait_stopped (self);
}

void
sb_test_daemon_restart (SbTestDaemon *self, gboolean keep_ports)
{
  if (self->process != NULL)
    sb_test_daemon_terminate (self);
  if (keep_ports)
    {
      sb_test_daemon_set (self, "transport-soup.http-port=%u", self->http_port);
      sb_test_daemon_set (self, "transport-soup.websocket-port=%u", self->ws_port);
    }
  sb_test_daemon_start (self);
}

char *
sb_test_daemon_start_refused (SbTestDaemon *self)
{
  gsize before = 0;
  g_autofree char *log = NULL;
  int status;

  log = sb_test_daemon_dup_log (self);
  before = strlen (log);
  sb_test_daemon_spawn (self);
  status = wait_end (self);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 1);
  g_free (log);
  log = sb_test_daemon_dup_log (self);
  return g_strdup (log + before);
}

void
sb_test_daemon_free (SbTestDaemon *self)
{
  if (self->process != NULL)
    sb_test_daemon_terminate (self);
  unregister_log (self->log_fd);
  close (self->log_fd);
  g_hash_table_unref (self->environment);
  g_ptr_array_unref (self->arguments);
  g_ptr_array_unref (self->settings);
  g_free (self->log_path);
  g_free (self->data_dir);
  sb_test_remove_dir (self->dir);
  g_free (self);
}

/* --- Looking --- */

gboolean
sb_test_daemon_is_running (SbTestDaemon *self)
{
  return self->process != NULL && g_subprocess_get_identifier (self->process) != NULL;
}

guint16
sb_test_daemon_get_http_port (SbTestDaemon *self)
{
  return self->http_port;
}

guint16
sb_test_daemon_get_ws_port (SbTestDaemon *self)
{
  return self->ws_port;
}

const char *
sb_test_daemon_get_data_dir (SbTestDaemon *self)
{
  return self->data_dir;
}

const char *
sb_test_daemon_get_dir (SbTestDaemon *self)
{
  return self->dir;
}

GPid
sb_test_daemon_get_pid (SbTestDaemon *self)
{
  g_assert_true (sb_test_daemon_is_running (self));
  return (GPid) g_ascii_strtoll (g_subprocess_get_identifier (self->process), NULL, 10);
}

guint64
sb_test_daemon_get_rss (SbTestDaemon *self)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/status", sb_test_daemon_get_pid (self));
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  const char *line;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  line = strstr (text, "\nVmRSS:");
  g_assert_nonnull (line);
  return g_ascii_strtoull (line + strlen ("\nVmRSS:") + strspn (line + strlen ("\nVmRSS:"), " \t"),
                           NULL, 10)
         * 1024;
}

char *
sb_test_daemon_dup_log (SbTestDaemon *self)
{
  g_autoptr (GError) error = NULL;
  char *text = NULL;

  g_file_get_contents (self->log_path, &text, NULL, &error);
  g_assert_no_error (error);
  return text;
}

typedef struct
{
  SbTestDaemon *daemon;
  const char *text;
} Expected;

static gboolean
has_logged (gpointer user_data)
{
  Expected *expected = user_data;
  g_autofree char *log = sb_test_daemon_dup_log (expected->daemon);

  return strstr (log, expected->text) != NULL;
}

void
sb_test_daemon_wait_log (SbTestDaemon *self, const char *text)
{
  Expected expected = { self, text };

  wait_polling (has_logged, &expected, text);
}

gboolean
sb_test_daemon_is_instrumented (void)
{
  const char *preloaded = g_getenv ("LD_PRELOAD");

#ifdef __SANITIZE_ADDRESS__
  return TRUE;
#endif
  return preloaded != NULL && strstr (preloaded, "vgpreload") != NULL;
}

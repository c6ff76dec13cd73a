/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-hook: each command leads a process group of its own, so that a time-out ends also what it
 * has started. It gets SIGTERM, and SIGKILL when it is still there a little later.
 */

#include "sb-cli-hook.h"

#include <glib/gi18n.h>
#include <signal.h>
#include <unistd.h>

#define GRACE_SECONDS 2

typedef struct
{
  GSubprocess *process; /* (owned) */
  GBytes *input;        /* (owned) */
  gsize written;
  GCancellable *writing; /* (owned) */
  pid_t group;
  guint timeout;
  guint timer;
  gulong cancel_handler;
  gboolean is_late;
  gboolean is_stopped;
} Run;

static void
run_free (gpointer data)
{
  Run *run = data;

  g_clear_handle_id (&run->timer, g_source_remove);
  g_clear_object (&run->process);
  g_clear_object (&run->writing);
  g_clear_pointer (&run->input, g_bytes_unref);
  g_free (run);
}

/* Between fork and exec. This program ignores SIGPIPE, which is nothing that others should
 * inherit. */
static void
prepare_child (gpointer user_data)
{
  setpgid (0, 0);
  signal (SIGPIPE, SIG_DFL);
}

/* --- Input --- */

static void write_more (GTask *task);

static void
written_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Run *run = g_task_get_task_data (task);
  gssize n = g_output_stream_write_bytes_finish (G_OUTPUT_STREAM (source), result, NULL);

  /* Who does not read what it is given need not; its status alone counts. */
  if (n < 0)
    {
      g_output_stream_close (G_OUTPUT_STREAM (source), NULL, NULL);
      return;
    }
  run->written += (gsize) n;
  write_more (task);
}

static void
write_more (GTask *task)
{
  Run *run = g_task_get_task_data (task);
  GOutputStream *pipe = g_subprocess_get_stdin_pipe (run->process);
  gsize left = g_bytes_get_size (run->input) - run->written;
  g_autoptr (GBytes) rest = NULL;

  if (left == 0)
    {
      g_output_stream_close (pipe, NULL, NULL);
      return;
    }
  rest = g_bytes_new_from_bytes (run->input, run->written, left);
  g_output_stream_write_bytes_async (pipe, rest, G_PRIORITY_DEFAULT, run->writing, written_cb,
                                     g_object_ref (task));
}

/* --- Its end --- */

static void
signal_group (Run *run, int number)
{
  if (run->group > 1)
    kill (-run->group, number);
}

static gboolean
kill_cb (gpointer user_data)
{
  Run *run = user_data;

  run->timer = 0;
  signal_group (run, SIGKILL);
  return G_SOURCE_REMOVE;
}

static void
stop (Run *run)
{
  g_clear_handle_id (&run->timer, g_source_remove);
  run->is_stopped = TRUE;
  signal_group (run, SIGTERM);
  run->timer = g_timeout_add_seconds (GRACE_SECONDS, kill_cb, run);
}

static gboolean
late_cb (gpointer user_data)
{
  Run *run = user_data;

  run->timer = 0;
  run->is_late = TRUE;
  stop (run);
  return G_SOURCE_REMOVE;
}

static void
cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  stop (user_data);
}

static GError *
judge (GSubprocess *process, const Run *run)
{
  if (run->is_late)
    return g_error_new (G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                        _ ("it took longer than %u s and was stopped"), run->timeout);
  if (run->is_stopped)
    return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, _ ("it was stopped"));
  if (g_subprocess_get_if_signaled (process))
    return g_error_new (G_IO_ERROR, G_IO_ERROR_FAILED, _ ("it was ended by signal %d"),
                        g_subprocess_get_term_sig (process));
  if (g_subprocess_get_exit_status (process) != 0)
    return g_error_new (G_IO_ERROR, G_IO_ERROR_FAILED, _ ("it ended with status %d"),
                        g_subprocess_get_exit_status (process));
  return NULL;
}

static void
ended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Run *run = g_task_get_task_data (task);
  GError *error;

  g_subprocess_wait_finish (G_SUBPROCESS (source), result, NULL);
  /* Whatever of its group outlived the SIGTERM. */
  if (run->is_stopped)
    signal_group (run, SIGKILL);
  g_clear_handle_id (&run->timer, g_source_remove);
  g_cancellable_disconnect (g_task_get_cancellable (task), run->cancel_handler);
  g_cancellable_cancel (run->writing);
  error = judge (G_SUBPROCESS (source), run);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

/* --- Its start --- */

static GSubprocess *
spawn (const SbCliHook *hook, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDIN_PIPE);

  for (const char *const *word = hook->environment; word != NULL && *word != NULL; word += 2)
    g_subprocess_launcher_setenv (launcher, word[0], word[1], TRUE);
  g_subprocess_launcher_set_child_setup (launcher, prepare_child, NULL, NULL);
  if (hook->quiet_output)
    g_subprocess_launcher_take_stdout_fd (launcher, dup (STDERR_FILENO));
  return g_subprocess_launcher_spawn (launcher, error, "/bin/sh", "-c", hook->command, NULL);
}

static void
watch (GTask *task)
{
  Run *run = g_task_get_task_data (task);
  GCancellable *cancellable = g_task_get_cancellable (task);

  if (run->timeout > 0)
    run->timer = g_timeout_add_seconds (run->timeout, late_cb, run);
  if (cancellable != NULL)
    run->cancel_handler = g_cancellable_connect (cancellable, G_CALLBACK (cancelled_cb), run, NULL);
  write_more (task);
  g_subprocess_wait_async (run->process, NULL, ended_cb, g_object_ref (task));
}

/**
 * sb_cli_hook_run_async:
 * @hook: the command and what it gets
 * @cancellable: (nullable): ends it, with all that it has started in its process group
 * @callback: for sb_cli_hook_run_finish()
 * @user_data: for @callback
 *
 * Runs a command. The end of the command itself counts, not that of what it may leave in the
 * background.
 */
void
sb_cli_hook_run_async (const SbCliHook *hook, GCancellable *cancellable,
                       GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  g_autoptr (GSubprocess) process = NULL;
  const char *identifier;
  GError *error = NULL;
  Run *run;

  /* What was ended ended with an error of its own. */
  g_task_set_check_cancellable (task, FALSE);
  process = spawn (hook, &error);
  if (process == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  run = g_new0 (Run, 1);
  run->input = hook->input != NULL ? g_bytes_ref (hook->input) : g_bytes_new_static ("", 0);
  run->writing = g_cancellable_new ();
  run->timeout = hook->timeout;
  /* A short one may be gone already. */
  identifier = g_subprocess_get_identifier (process);
  run->group = identifier != NULL ? (pid_t) g_ascii_strtoll (identifier, NULL, 10) : 0;
  run->process = g_steal_pointer (&process);
  g_task_set_task_data (task, run, run_free);
  watch (task);
}

/**
 * sb_cli_hook_run_finish:
 * @result: of sb_cli_hook_run_async()
 * @error: how it ended, when not well
 *
 * Returns: whether it ended with status 0
 */
gboolean
sb_cli_hook_run_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

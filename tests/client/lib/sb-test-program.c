/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-test-program: a `simplebus` that stays, and is talked with. */

#include "sb-test-program.h"

#include "sb-test-file.h"

#include <string.h>

struct _SbTestProgram
{
  GSubprocess *process;     /* (owned) */
  GDataInputStream *output; /* (owned) (nullable) */
  char *errors;             /* (owned) path of what it says on standard error */
  gboolean has_ended;
};

static void
ended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GSubprocess) process = G_SUBPROCESS (source);
  SbTestProgram *self = g_object_get_data (source, "program");

  if (self != NULL)
    self->has_ended = TRUE;
}

static SbTestProgram *
start (SbTestCli *cli, const char *const *words)
{
  static guint n_started;
  SbTestProgram *self = g_new0 (SbTestProgram, 1);
  g_autoptr (GSubprocessLauncher) launcher = sb_test_cli_make_launcher (
      cli, G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_autofree char *name = g_strdup_printf ("errors-%u", n_started++);
  g_autoptr (GError) error = NULL;

  self->errors = g_build_filename (sb_test_cli_get_home (cli), name, NULL);
  g_subprocess_launcher_set_stderr_file_path (launcher, self->errors);
  self->process = g_subprocess_launcher_spawnv (launcher, words, &error);
  g_assert_no_error (error);
  self->output = g_data_input_stream_new (g_subprocess_get_stdout_pipe (self->process));
  g_object_set_data (G_OBJECT (self->process), "program", self);
  g_subprocess_wait_async (g_object_ref (self->process), NULL, ended_cb, NULL);
  return self;
}

SbTestProgram *
sb_test_program_new (SbTestCli *cli, const char *first_word, ...)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new ();
  va_list args;

  g_ptr_array_add (words, (gpointer) sb_test_cli_get_program ());
  va_start (args, first_word);
  for (const char *word = first_word; word != NULL; word = va_arg (args, const char *))
    g_ptr_array_add (words, (gpointer) word);
  va_end (args);
  g_ptr_array_add (words, NULL);
  return start (cli, (const char *const *) words->pdata);
}

void
sb_test_program_free (SbTestProgram *self)
{
  g_object_set_data (G_OBJECT (self->process), "program", NULL);
  g_subprocess_force_exit (self->process);
  g_subprocess_wait (self->process, NULL, NULL);
  g_clear_object (&self->output);
  g_object_unref (self->process);
  g_free (self->errors);
  g_free (self);
}

void
sb_test_program_write (SbTestProgram *self, const char *text)
{
  g_autoptr (GError) error = NULL;

  g_output_stream_write_all (g_subprocess_get_stdin_pipe (self->process), text, strlen (text), NULL,
                             NULL, &error);
  g_assert_no_error (error);
}

void
sb_test_program_end_input (SbTestProgram *self)
{
  g_output_stream_close (g_subprocess_get_stdin_pipe (self->process), NULL, NULL);
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

char *
sb_test_program_read_line (SbTestProgram *self)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  char *line;

  g_data_input_stream_read_line_async (self->output, G_PRIORITY_DEFAULT, NULL, keep_result_cb,
                                       &result);
  sb_test_wait_for (has_result, &result, "a line of simplebus");
  line = g_data_input_stream_read_line_finish (self->output, result, NULL, &error);
  g_assert_no_error (error);
  return line;
}

void
sb_test_program_stop_reading (SbTestProgram *self)
{
  g_input_stream_close (G_INPUT_STREAM (self->output), NULL, NULL);
}

char *
sb_test_program_dup_errors (SbTestProgram *self)
{
  char *text = NULL;

  return g_file_get_contents (self->errors, &text, NULL, NULL) ? text : g_strdup ("");
}

typedef struct
{
  const char *path;
  const char *text;
} Expected;

static gboolean
has_text (gpointer user_data)
{
  const Expected *expected = user_data;
  g_autofree char *text = NULL;

  return g_file_get_contents (expected->path, &text, NULL, NULL)
         && strstr (text, expected->text) != NULL;
}

/* Nothing wakes the main loop up when another program writes to a file. */
static void
wait_text (const char *path, const char *text)
{
  Expected expected = { path, text };

  sb_test_poll_for (has_text, &expected, text);
}

void
sb_test_program_wait_error (SbTestProgram *self, const char *text)
{
  wait_text (self->errors, text);
}

char *
sb_test_wait_file (const char *path, const char *text)
{
  char *contents = NULL;

  wait_text (path, text);
  g_assert_true (g_file_get_contents (path, &contents, NULL, NULL));
  return contents;
}

void
sb_test_program_signal (SbTestProgram *self, int number)
{
  g_subprocess_send_signal (self->process, number);
}

gboolean
sb_test_program_has_ended (SbTestProgram *self)
{
  return self->has_ended;
}

static gboolean
has_ended (gpointer user_data)
{
  return ((SbTestProgram *) user_data)->has_ended;
}

int
sb_test_program_wait_end (SbTestProgram *self)
{
  sb_test_wait_for (has_ended, self, "the end of simplebus");
  return g_subprocess_get_if_signaled (self->process)
             ? -g_subprocess_get_term_sig (self->process)
             : g_subprocess_get_exit_status (self->process);
}

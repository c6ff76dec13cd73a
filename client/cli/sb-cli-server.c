/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-server: simplebusd on this machine, for what can only be done beside its data. It is the
 * one that SIMPLEBUSD names, the one that was installed together with this program, or the one
 * that the shell would find.
 */

#include "sb-cli-server.h"

#include <glib/gi18n.h>

#define PROGRAM "simplebusd"
#define VARIABLE "SIMPLEBUSD"

/* Returns: (transfer full) (nullable) */
static char *
find_beside (void)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *folder = self != NULL ? g_path_get_dirname (self) : NULL;
  char *path = folder != NULL ? g_build_filename (folder, PROGRAM, NULL) : NULL;

  if (path != NULL && !g_file_test (path, G_FILE_TEST_IS_EXECUTABLE))
    g_clear_pointer (&path, g_free);
  return path;
}

/**
 * sb_cli_server_find:
 * @error: return location for an error
 *
 * Returns: (transfer full) (nullable): where the program is
 */
char *
sb_cli_server_find (GError **error)
{
  const char *named = g_getenv (VARIABLE);
  char *path;

  if (named != NULL && *named != '\0')
    return g_strdup (named);
  path = find_beside ();
  if (path == NULL)
    path = g_find_program_in_path (PROGRAM);
  if (path == NULL)
    g_set_error (error, SB_CLI_ERROR, SB_CLI_FAILED,
                 _ ("There is no simplebusd on this machine. Where the bus runs there is one; %s "
                    "says where"),
                 VARIABLE);
  return path;
}

/* Returns: (transfer full) (nullable) */
static GSubprocess *
start (const char *const *words, GSubprocessFlags flags, GError **error)
{
  g_autofree char *program = sb_cli_server_find (error);
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autoptr (GError) fault = NULL;
  GSubprocess *process;

  if (program == NULL)
    return NULL;
  g_ptr_array_add (argv, program);
  for (; *words != NULL; words++)
    g_ptr_array_add (argv, (gpointer) *words);
  g_ptr_array_add (argv, NULL);
  process = g_subprocess_newv ((const char *const *) argv->pdata, flags, &fault);
  if (process == NULL)
    g_set_error (error, SB_CLI_ERROR, SB_CLI_FAILED, _ ("%s cannot be run: %s"), program,
                 fault->message);
  return process;
}

static int
get_status (GSubprocess *process)
{
  return g_subprocess_get_if_exited (process) ? g_subprocess_get_exit_status (process)
                                              : SB_CLI_FAILED;
}

/**
 * sb_cli_server_run:
 * @words: (array zero-terminated=1): for its command line
 * @error: return location for an error
 *
 * Runs it to its end with our own input and output.
 *
 * Returns: its exit status; -1 with @error when it could not be run
 */
int
sb_cli_server_run (const char *const *words, GError **error)
{
  g_autoptr (GSubprocess) process = start (words, G_SUBPROCESS_FLAGS_STDIN_INHERIT, error);

  if (process == NULL || !g_subprocess_wait (process, NULL, error))
    return -1;
  return get_status (process);
}

/**
 * sb_cli_server_ask:
 * @words: (array zero-terminated=1): for its command line
 * @text: (out) (transfer full): what it printed and said, %NULL with @error
 * @error: return location for an error
 *
 * Runs it to its end.
 *
 * Returns: its exit status; -1 with @error when it could not be run
 */
int
sb_cli_server_ask (const char *const *words, char **text, GError **error)
{
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GBytes) output = NULL;

  *text = NULL;
  process = start (words, G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE, error);
  if (process == NULL || !g_subprocess_communicate (process, NULL, NULL, &output, NULL, error))
    return -1;
  *text = g_strndup (g_bytes_get_data (output, NULL), g_bytes_get_size (output));
  return get_status (process);
}

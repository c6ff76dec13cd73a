/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* backup: curl, the program itself, and tar. */

#include "backup.h"

#include "sb-test-file.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

/* Bytes a second: so that one that is stopped has not taken all of it before. */
#define RATE "8M"

/* Fetching */

BackupClient *
backup_client_new (SbTestDaemon *daemon, const char *name)
{
  BackupClient *self = g_new0 (BackupClient, 1);
  g_autofree char *url = g_strdup_printf ("http://127.0.0.1:%u/api/v1/backup",
                                          sb_test_daemon_get_http_port (daemon));
  g_autoptr (GError) error = NULL;

  self->path = g_build_filename (sb_test_daemon_get_dir (daemon), name, NULL);
  self->process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDERR_SILENCE, &error, "curl", "-s",
                                    "--noproxy", "*", "--fail", "--limit-rate", RATE, "-u",
                                    SB_TEST_ADMIN ":" SB_TEST_ADMIN_PASSWORD, "-o", self->path, url,
                                    NULL);
  g_assert_no_error (error);
  return self;
}

static gboolean
has_begun (gpointer user_data)
{
  BackupClient *self = user_data;
  GStatBuf info;

  return g_stat (self->path, &info) == 0 && info.st_size > 0;
}

void
backup_client_stop (BackupClient *self)
{
  sb_test_poll_for (has_begun, self, "the beginning of a backup");
  g_subprocess_send_signal (self->process, SIGSTOP);
}

void
backup_client_go_on (BackupClient *self)
{
  g_subprocess_send_signal (self->process, SIGCONT);
}

static void
note_exit (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_subprocess_wait_finish (G_SUBPROCESS (source), result, NULL);
  *(gboolean *) user_data = TRUE;
}

static gboolean
is_set (gpointer user_data)
{
  return *(gboolean *) user_data;
}

int
backup_client_wait (BackupClient *self)
{
  gboolean is_over = FALSE;

  g_subprocess_wait_async (self->process, NULL, note_exit, &is_over);
  sb_test_wait_for (is_set, &is_over, "the end of a backup");
  return g_subprocess_get_if_exited (self->process) ? g_subprocess_get_exit_status (self->process)
                                                    : 1000;
}

void
backup_client_free (BackupClient *self)
{
  g_subprocess_force_exit (self->process);
  g_subprocess_wait (self->process, NULL, NULL);
  g_object_unref (self->process);
  g_free (self->path);
  g_free (self);
}

char *
backup_fetch (SbTestDaemon *daemon, const char *name)
{
  g_autoptr (BackupClient) client = backup_client_new (daemon, name);

  g_assert_cmpint (backup_client_wait (client), ==, 0);
  return g_strdup (client->path);
}

/* The program */

void
backup_run_clear (BackupRun *self)
{
  g_free (self->output);
  g_free (self->errors);
}

void
backup_run (BackupRun *run, const char *environment, const char *argument, ...)
{
  g_autoptr (GPtrArray) line = g_ptr_array_new ();
  g_auto (GStrv) environ_copy = g_get_environ ();
  g_autoptr (GError) error = NULL;
  int wait_status = 0;
  va_list args;

  g_ptr_array_add (line, (gpointer) SB_TEST_PROGRAM);
  va_start (args, argument);
  for (; argument != NULL; argument = va_arg (args, const char *))
    g_ptr_array_add (line, (gpointer) argument);
  va_end (args);
  g_ptr_array_add (line, NULL);
  if (environment != NULL)
    {
      g_auto (GStrv) pair = g_strsplit (environment, "=", 2);

      environ_copy = g_environ_setenv (g_steal_pointer (&environ_copy), pair[0], pair[1], TRUE);
    }
  g_spawn_sync (NULL, (char **) line->pdata, environ_copy, G_SPAWN_DEFAULT, NULL, NULL,
                &run->output, &run->errors, &wait_status, &error);
  g_assert_no_error (error);
  run->status = WIFEXITED (wait_status) ? WEXITSTATUS (wait_status) : 1000 + WTERMSIG (wait_status);
}

void
backup_restore (SbTestDaemon *daemon, const char *path)
{
  g_auto (BackupRun) run = { 0 };

  backup_run (&run, NULL, "--data-dir", sb_test_daemon_get_data_dir (daemon), "--restore", path,
              NULL);
  if (run.status != 0)
    g_error ("the restore ended with %d: %s", run.status, run.errors);
}

gboolean
backup_is_whole (const char *path)
{
  g_auto (BackupRun) run = { 0 };

  backup_run (&run, NULL, "--verify-backup", path, NULL);
  g_assert_cmpint (run.status, <=, 1);
  return run.status == 0;
}

char *
backup_read_member (const char *path, const char *member)
{
  const char *const line[] = { "tar", "xOf", path, member, NULL };
  char *text = NULL;
  int status = 0;

  g_assert_true (g_spawn_sync (NULL, (char **) line, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &text,
                               NULL, &status, NULL));
  g_assert_cmpint (status, ==, 0);
  return text;
}

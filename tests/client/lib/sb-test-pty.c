/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-test-pty: a terminal whose other end is the test. */

#include "sb-test-pty.h"

#include "sb-test.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <termios.h>
#include <unistd.h>

struct _SbTestPty
{
  int fd;               /* the test's end */
  GSubprocess *process; /* (owned) */
  GString *output;      /* (owned) */
  gsize seen;           /* what of it was waited for */
  const char *wanted;   /* (unowned) (nullable) */
  guint watch;          /* of @fd; 0 when the other end is closed */
  gboolean has_ended;
};

/* Between fork and exec. */
static void
take_terminal (gpointer user_data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  setsid ();
  ioctl (STDIN_FILENO, TIOCSCTTY, 0);
}

static gboolean
read_cb (int fd, GIOCondition condition, gpointer user_data)
{
  SbTestPty *self = user_data;
  char buffer[4096];
  gssize n = read (fd, buffer, sizeof buffer);

  if (n > 0)
    g_string_append_len (self->output, buffer, n);
  if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
    return G_SOURCE_CONTINUE;
  /* All who had the terminal have closed it. */
  self->watch = 0;
  return G_SOURCE_REMOVE;
}

static void
ended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  SbTestPty *self = user_data;

  g_subprocess_wait_finish (G_SUBPROCESS (source), result, NULL);
  self->has_ended = TRUE;
}

/* Returns: the program's end of the terminal */
static int
open_terminal (SbTestPty *self, guint columns, guint rows)
{
  int other;

  self->fd = posix_openpt (O_RDWR | O_NOCTTY | O_CLOEXEC);
  g_assert_no_errno (self->fd);
  g_assert_no_errno (grantpt (self->fd));
  g_assert_no_errno (unlockpt (self->fd));
  sb_test_pty_resize (self, columns, rows);
  other = open (ptsname (self->fd), O_RDWR | O_NOCTTY | O_CLOEXEC);
  g_assert_no_errno (other);
  g_unix_set_fd_nonblocking (self->fd, TRUE, NULL);
  return other;
}

static void
start (SbTestPty *self, SbTestCli *cli, int terminal, const char *const *words)
{
  g_autoptr (GSubprocessLauncher) launcher = sb_test_cli_make_launcher (cli,
                                                                        G_SUBPROCESS_FLAGS_NONE);
  g_autoptr (GError) error = NULL;

  g_subprocess_launcher_set_child_setup (launcher, take_terminal, NULL, NULL);
  g_subprocess_launcher_take_stdin_fd (launcher, fcntl (terminal, F_DUPFD_CLOEXEC, 3));
  g_subprocess_launcher_take_stdout_fd (launcher, fcntl (terminal, F_DUPFD_CLOEXEC, 3));
  g_subprocess_launcher_take_stderr_fd (launcher, terminal);
  self->process = g_subprocess_launcher_spawnv (launcher, words, &error);
  g_assert_no_error (error);
  g_subprocess_wait_async (self->process, NULL, ended_cb, self);
}

SbTestPty *
sb_test_pty_new (SbTestCli *cli, guint columns, guint rows, const char *first_word, ...)
{
  SbTestPty *self = g_new0 (SbTestPty, 1);
  g_autoptr (GPtrArray) words = g_ptr_array_new ();
  va_list args;

  g_ptr_array_add (words, (gpointer) sb_test_cli_get_program ());
  va_start (args, first_word);
  for (const char *word = first_word; word != NULL; word = va_arg (args, const char *))
    g_ptr_array_add (words, (gpointer) word);
  va_end (args);
  g_ptr_array_add (words, NULL);
  self->output = g_string_new (NULL);
  start (self, cli, open_terminal (self, columns, rows), (const char *const *) words->pdata);
  self->watch = g_unix_fd_add (self->fd, G_IO_IN | G_IO_HUP | G_IO_ERR, read_cb, self);
  return self;
}

static gboolean
has_ended (gpointer user_data)
{
  SbTestPty *self = user_data;

  return self->has_ended && self->watch == 0;
}

void
sb_test_pty_free (SbTestPty *self)
{
  if (!self->has_ended)
    g_subprocess_force_exit (self->process);
  sb_test_wait_for (has_ended, self, "the end of simplebus");
  g_object_unref (self->process);
  g_string_free (self->output, TRUE);
  close (self->fd);
  g_free (self);
}

/* --- Looking and typing --- */

static gboolean
has_text (gpointer user_data)
{
  SbTestPty *self = user_data;
  const char *found = strstr (self->output->str + self->seen, self->wanted);

  if (found == NULL && self->watch == 0)
    g_error ("simplebus ended without \"%s\", but with: %s", self->wanted,
             self->output->str + self->seen);
  if (found == NULL)
    return FALSE;
  self->seen = (gsize) (found - self->output->str) + strlen (self->wanted);
  return TRUE;
}

void
sb_test_pty_wait_text (SbTestPty *self, const char *text)
{
  self->wanted = text;
  sb_test_wait_for (has_text, self, text);
}

const char *
sb_test_pty_get_output (SbTestPty *self)
{
  return self->output->str;
}

void
sb_test_pty_type (SbTestPty *self, const char *text)
{
  gsize length = strlen (text);

  g_assert_cmpint (write (self->fd, text, length), ==, (gssize) length);
}

gboolean
sb_test_pty_is_echoing (SbTestPty *self)
{
  struct termios now;

  g_assert_no_errno (tcgetattr (self->fd, &now));
  return (now.c_lflag & ECHO) != 0;
}

void
sb_test_pty_resize (SbTestPty *self, guint columns, guint rows)
{
  struct winsize size = { .ws_row = (unsigned short) rows, .ws_col = (unsigned short) columns };

  g_assert_no_errno (ioctl (self->fd, TIOCSWINSZ, &size));
}

void
sb_test_pty_signal (SbTestPty *self, int number)
{
  g_subprocess_send_signal (self->process, number);
}

int
sb_test_pty_wait_end (SbTestPty *self)
{
  sb_test_wait_for (has_ended, self, "the end of simplebus");
  return g_subprocess_get_if_signaled (self->process)
             ? -g_subprocess_get_term_sig (self->process)
             : g_subprocess_get_exit_status (self->process);
}

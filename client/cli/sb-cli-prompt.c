/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-prompt: what is asked on the terminal, wherever input and output go.
 *
 * While a password is typed the terminal shows nothing; whichever signal ends that gets the
 * terminal back as it was before it does its work.
 */

#include "sb-cli.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define MAX_LINE 1024

static const int watched_signals[] = { SIGALRM, SIGHUP,  SIGINT,  SIGPIPE, SIGQUIT,
                                       SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU };
static volatile sig_atomic_t caught_signal;
static int wake_fds[2]; /* a signal may come to any thread, and just before the terminal is read */

static void
catch_signal_cb (int number)
{
  int saved = errno;

  caught_signal = number;
  if (write (wake_fds[1], "", 1) < 0)
    errno = saved;
}

static int
open_terminal (void)
{
  return open ("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
}

/**
 * sb_cli_can_ask:
 *
 * Returns: whether there is a terminal on which somebody can be asked
 */
gboolean
sb_cli_can_ask (void)
{
  int fd = open_terminal ();

  if (fd < 0)
    return FALSE;
  close (fd);
  return TRUE;
}

static void
write_text (int fd, const char *text)
{
  gsize left = strlen (text);

  while (left > 0)
    {
      gssize n = write (fd, text, left);

      if (n < 0)
        return;
      text += n;
      left -= (gsize) n;
    }
}

/* Returns: whether there is something to read; not when a signal came */
static gboolean
wait_for_input (int fd)
{
  struct pollfd fds[] = { { fd, POLLIN, 0 }, { wake_fds[0], POLLIN, 0 } };

  while (poll (fds, G_N_ELEMENTS (fds), -1) < 0)
    if (errno != EINTR)
      return FALSE;
  return fds[1].revents == 0;
}

/* Returns: whether a line ended; not at the end of the input, by a signal or when it is too long */
static gboolean
read_line (int fd, char *line)
{
  for (gsize n = 0; n < MAX_LINE; n++)
    {
      if (!wait_for_input (fd) || read (fd, line + n, 1) != 1)
        return FALSE;
      if (line[n] == '\n' || line[n] == '\r')
        {
          line[n] = '\0';
          return TRUE;
        }
    }
  return FALSE;
}

static void
watch_signals (struct sigaction *before)
{
  struct sigaction action = { .sa_handler = catch_signal_cb };

  sigemptyset (&action.sa_mask);
  for (gsize i = 0; i < G_N_ELEMENTS (watched_signals); i++)
    sigaction (watched_signals[i], &action, &before[i]);
}

static void
unwatch_signals (const struct sigaction *before)
{
  for (gsize i = 0; i < G_N_ELEMENTS (watched_signals); i++)
    sigaction (watched_signals[i], &before[i], NULL);
}

/* One attempt, at whose end the terminal is as it was. */
static gboolean
ask_once (int fd, const char *question, gboolean is_secret, char *line)
{
  struct sigaction before[G_N_ELEMENTS (watched_signals)];
  struct termios usual;
  struct termios silent;
  gboolean is_terminal;
  gboolean has_line;

  caught_signal = 0;
  if (!g_unix_open_pipe (wake_fds, FD_CLOEXEC, NULL))
    return FALSE;
  watch_signals (before);
  is_terminal = tcgetattr (fd, &usual) == 0;
  silent = usual;
  silent.c_lflag &= ~(tcflag_t) (ECHO | ECHONL);
  if (is_secret && is_terminal)
    tcsetattr (fd, TCSAFLUSH, &silent);
  write_text (fd, question);
  has_line = read_line (fd, line);
  if (is_secret && is_terminal)
    {
      write_text (fd, "\n");
      while (tcsetattr (fd, TCSAFLUSH, &usual) != 0 && errno == EINTR)
        continue;
    }
  unwatch_signals (before);
  close (wake_fds[0]);
  close (wake_fds[1]);
  return has_line;
}

/* Stopped and continued, the question comes again; other signals end the program as they would
 * have. */
static gboolean
is_asked_again (void)
{
  if (caught_signal == 0)
    return FALSE;
  kill (getpid (), caught_signal);
  return caught_signal == SIGTSTP || caught_signal == SIGTTIN || caught_signal == SIGTTOU;
}

/* Returns: (transfer full) (nullable): the line */
static char *
ask (const char *question, gboolean is_secret, GError **error)
{
  char line[MAX_LINE];
  char *answer = NULL;
  gboolean has_line;
  int fd = open_terminal ();

  if (fd < 0)
    {
      g_set_error (error, SB_CLI_ERROR, SB_CLI_USAGE, _ ("There is no terminal to ask on: \"%s\""),
                   question);
      return NULL;
    }
  do
    has_line = ask_once (fd, question, is_secret, line);
  while (!has_line && is_asked_again ());
  if (has_line)
    answer = g_strdup (line);
  else
    g_set_error_literal (error, SB_CLI_ERROR, SB_CLI_FAILED, _ ("There was no answer"));
  explicit_bzero (line, sizeof line);
  close (fd);
  return answer;
}

/**
 * sb_cli_ask:
 * @question: what the terminal shows
 * @error: return location for an error
 *
 * Asks on the terminal, and waits for a line.
 *
 * Returns: (transfer full) (nullable): the line
 */
char *
sb_cli_ask (const char *question, GError **error)
{
  return ask (question, FALSE, error);
}

/**
 * sb_cli_ask_password:
 * @question: what the terminal shows
 * @error: return location for an error
 *
 * The same without showing what is typed.
 *
 * Returns: (transfer full) (nullable): the line, to be wiped
 */
char *
sb_cli_ask_password (const char *question, GError **error)
{
  return ask (question, TRUE, error);
}

/**
 * sb_cli_ask_yes:
 * @question: what the terminal shows, with the consequences in it
 * @error: return location for an error
 *
 * Asks for a yes. Whatever does not begin like "yes", in English or in the user's language, is a
 * no.
 *
 * Returns: whether the answer was yes; without a terminal %FALSE and @error is set
 */
gboolean
sb_cli_ask_yes (const char *question, GError **error)
{
  g_autofree char *full = NULL;
  g_autofree char *answer = NULL;
  g_autofree char *folded = NULL;
  /* Translators: the first letter of "yes", as it is typed for an answer. */
  const char *letter = _ ("y");

  if (!sb_cli_can_ask ())
    {
      g_set_error (error, SB_CLI_ERROR, SB_CLI_USAGE,
                   _ ("%s\nThere is no terminal to ask on; --yes says yes beforehand."), question);
      return FALSE;
    }
  full = g_strdup_printf (_ ("%s [y/N] "), question);
  answer = ask (full, FALSE, error);
  if (answer == NULL || *answer == '\0' || !g_utf8_validate (answer, -1, NULL))
    return FALSE;
  folded = g_utf8_casefold (answer, -1);
  return g_str_has_prefix (folded, "y") || g_str_has_prefix (folded, letter);
}

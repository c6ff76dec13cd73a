/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-prompt: reads with the terminal's echo off, and gives it back whatever ends the reading: a
 * shell that shows nothing any more is no place to leave somebody in.
 */

#include "sb-prompt.h"

#include "sb-error.h"
#include "sb-password.h"
#include "sb-secret.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static const int caught_signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

static volatile sig_atomic_t caught;

static void
on_signal (int number)
{
  caught = number;
}

static char *
fail (SbSecret *line, GError **error, const char *what)
{
  sb_secret_free (line);
  g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID, what);
  return NULL;
}

/* Byte by byte: what is behind the line belongs to somebody else. */
static char *
read_line (GError **error)
{
  char *line = g_malloc0 (SB_PASSWORD_MAX_LENGTH + 2);
  gsize length = 0;

  for (;;)
    {
      ssize_t n = read (STDIN_FILENO, line + length, 1);

      if (n < 0 && errno == EINTR && caught == 0)
        continue;
      if (n < 0)
        return fail (line, error, g_strerror (errno));
      if (n == 0 || line[length] == '\n')
        break;
      if (line[length] == '\0')
        return fail (line, error, "the password has a zero byte in it");
      if (++length > SB_PASSWORD_MAX_LENGTH)
        return fail (line, error,
                     "the password is longer than " G_STRINGIFY (SB_PASSWORD_MAX_LENGTH) " bytes");
    }
  line[length] = '\0';
  /* As files of Windows end their lines. */
  if (length > 0 && line[length - 1] == '\r')
    line[--length] = '\0';
  if (length == 0)
    return fail (line, error, "no password was given");
  if (!g_utf8_validate (line, (gssize) length, NULL))
    return fail (line, error, "the password is not in UTF-8");
  return line;
}

static char *
ask (const char *question, GError **error)
{
  char *line;

  g_printerr ("%s", question);
  line = read_line (error);
  /* The line end was not shown either. */
  g_printerr ("\n");
  return line;
}

static char *
ask_twice (const char *user, GError **error)
{
  g_autofree char *question = g_strdup_printf (_ ("Password for %s: "), user);
  g_autoptr (SbSecret) first = ask (question, error);
  g_autoptr (SbSecret) second = first != NULL ? ask (_ ("The same again: "), error) : NULL;

  if (second == NULL)
    return NULL;
  if (strcmp (first, second) != 0)
    return fail (NULL, error, "the two passwords are not the same");
  return g_steal_pointer (&first);
}

/* While the echo is off a signal only ends the reading; the others are as they were. */
static void
catch_signals (struct sigaction *before)
{
  struct sigaction action = { .sa_handler = on_signal };

  caught = 0;
  sigemptyset (&action.sa_mask);
  for (gsize i = 0; i < G_N_ELEMENTS (caught_signals); i++)
    {
      sigaction (caught_signals[i], NULL, &before[i]);
      if (before[i].sa_handler != SIG_IGN)
        sigaction (caught_signals[i], &action, NULL);
    }
}

static void
restore_signals (const struct sigaction *before)
{
  for (gsize i = 0; i < G_N_ELEMENTS (caught_signals); i++)
    sigaction (caught_signals[i], &before[i], NULL);
  if (caught != 0)
    raise (caught);
}

static char *
ask_at_terminal (const char *user, const struct termios *terminal, GError **error)
{
  struct sigaction signals[G_N_ELEMENTS (caught_signals)];
  struct termios silent = *terminal;
  char *password;

  silent.c_lflag &= ~(tcflag_t) (ECHO | ECHONL);
  catch_signals (signals);
  tcsetattr (STDIN_FILENO, TCSAFLUSH, &silent);
  password = ask_twice (user, error);
  tcsetattr (STDIN_FILENO, TCSAFLUSH, terminal);
  restore_signals (signals);
  return password;
}

/**
 * sb_prompt_new_password:
 * @user: whose it will be
 * @error: %SB_ERROR_INVALID: it is empty, too long or no text, or the second one is another
 *
 * Blocks. A signal that would end the process does so, with the terminal as it was.
 *
 * Returns: (transfer full) (nullable): the password, an SbSecret
 */
char *
sb_prompt_new_password (const char *user, GError **error)
{
  struct termios terminal;

  if (tcgetattr (STDIN_FILENO, &terminal) == 0)
    return ask_at_terminal (user, &terminal, error);
  return read_line (error);
}

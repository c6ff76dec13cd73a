/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-screen: draws from the top left corner, on the terminal's other screen. */

#include "sb-cli-screen.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define ENTER "\033[?1049h\033[?25l"
#define LEAVE "\033[?25h\033[?1049l"
#define HOME "\033[H"
#define ERASE_LINE "\033[K"
#define ERASE_BELOW "\033[J"

struct _SbCliScreen
{
  gboolean has_keys; /* standard input is a terminal whose line editing is off */
  struct termios usual;
};

/* For exit(), which may come from anywhere. */
static SbCliScreen *current;

static void
write_all (const char *text)
{
  gsize left = strlen (text);

  while (left > 0)
    {
      gssize n = write (STDOUT_FILENO, text, left);

      if (n <= 0)
        return;
      text += n;
      left -= (gsize) n;
    }
}

static void
leave (void)
{
  if (current == NULL)
    return;
  write_all (LEAVE);
  if (current->has_keys)
    tcsetattr (STDIN_FILENO, TCSAFLUSH, &current->usual);
  current = NULL;
}

/* Keys come one by one and are not shown. Ctrl-C is a signal still; nothing else stops or kills
 * with the screen as it is. */
static void
take_keys (SbCliScreen *self)
{
  struct termios raw;

  if (tcgetattr (STDIN_FILENO, &self->usual) != 0)
    return;
  raw = self->usual;
  raw.c_lflag &= ~(tcflag_t) (ICANON | ECHO);
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  raw.c_cc[VSUSP] = _POSIX_VDISABLE;
  raw.c_cc[VQUIT] = _POSIX_VDISABLE;
  self->has_keys = tcsetattr (STDIN_FILENO, TCSAFLUSH, &raw) == 0;
}

/**
 * sb_cli_screen_new:
 *
 * Takes the terminal, which standard output must be. There is one at a time.
 *
 * Returns: (transfer full): the screen
 */
SbCliScreen *
sb_cli_screen_new (void)
{
  static gboolean is_registered;
  SbCliScreen *self = g_new0 (SbCliScreen, 1);

  g_assert (current == NULL);
  if (!is_registered)
    atexit (leave);
  is_registered = TRUE;
  take_keys (self);
  current = self;
  write_all (ENTER);
  return self;
}

/**
 * sb_cli_screen_free:
 * @self: (transfer full): the screen
 *
 * Gives the terminal back as it was.
 */
void
sb_cli_screen_free (SbCliScreen *self)
{
  leave ();
  g_free (self);
}

/**
 * sb_cli_screen_get_size:
 * @self: the screen
 * @columns: (out): of the terminal now
 * @rows: (out): of the terminal now
 *
 * Tells how much room there is.
 */
void
sb_cli_screen_get_size (SbCliScreen *self, guint *columns, guint *rows)
{
  struct winsize size = { 0 };
  gboolean is_known = ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0
                      && size.ws_row > 0;

  *columns = is_known ? size.ws_col : 80;
  *rows = is_known ? size.ws_row : 24;
}

/**
 * sb_cli_screen_show:
 * @self: the screen
 * @lines: (array zero-terminated=1): none wider than the terminal
 *
 * Draws them over what was there, in one piece, so that nothing flickers.
 */
void
sb_cli_screen_show (SbCliScreen *self, const char *const *lines)
{
  g_autoptr (GString) text = g_string_new (HOME);
  guint columns, rows;

  sb_cli_screen_get_size (self, &columns, &rows);
  for (guint i = 0; i < rows && lines[i] != NULL; i++)
    g_string_append_printf (text, "%s%s" ERASE_LINE, i > 0 ? "\r\n" : "", lines[i]);
  g_string_append (text, ERASE_BELOW);
  write_all (text->str);
}

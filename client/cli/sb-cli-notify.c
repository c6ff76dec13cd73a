/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-notify: one datagram per message, and lines that the journal takes apart. */

#include "sb-cli-notify.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static gboolean has_journal;

/* "/path", or "@name" for a socket without a file. */
static gboolean
parse_address (const char *text, struct sockaddr_un *address, socklen_t *length)
{
  gsize size = strlen (text);

  if ((*text != '/' && *text != '@') || size < 2 || size >= sizeof address->sun_path)
    return FALSE;
  memset (address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  memcpy (address->sun_path, text, size);
  if (*text == '@')
    address->sun_path[0] = '\0';
  *length = (socklen_t) (offsetof (struct sockaddr_un, sun_path) + size + (*text == '/' ? 1 : 0));
  return TRUE;
}

/**
 * sb_cli_notify:
 * @state: assignments, one in a line, as in sd_notify(3)
 *
 * Tells the service manager something. A manager that does not listen is not waited for.
 */
void
sb_cli_notify (const char *state)
{
  const char *path = g_getenv ("NOTIFY_SOCKET");
  struct sockaddr_un address;
  socklen_t length;
  int fd;

  if (path == NULL || !parse_address (path, &address, &length))
    return;
  fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return;
  sendto (fd, state, strlen (state), MSG_NOSIGNAL | MSG_DONTWAIT,
          (const struct sockaddr *) &address, length);
  close (fd);
}

/**
 * sb_cli_notify_status:
 * @format: of the line
 * @...: for @format
 *
 * Says how it stands.
 */
void
sb_cli_notify_status (const char *format, ...)
{
  g_autofree char *status = NULL;
  g_autofree char *line = NULL;
  va_list args;

  va_start (args, format);
  status = g_strdup_vprintf (format, args);
  va_end (args);
  line = g_strconcat ("STATUS=", g_strdelimit (status, "\r\n", ' '), NULL);
  sb_cli_notify (line);
}

static gboolean
alive_cb (gpointer user_data)
{
  sb_cli_notify ("WATCHDOG=1");
  return G_SOURCE_CONTINUE;
}

/**
 * sb_cli_notify_watchdog:
 *
 * Shows from now on that the main loop turns.
 *
 * Returns: a source; 0 when nobody wants to know
 */
guint
sb_cli_notify_watchdog (void)
{
  const char *text = g_getenv ("WATCHDOG_USEC");
  guint64 usec;

  if (text == NULL || !g_ascii_string_to_unsigned (text, 10, 1, G_MAXUINT32, &usec, NULL))
    return 0;
  return g_timeout_add ((guint) MAX (usec / 2000, 1), alive_cb, NULL);
}

/* --- Lines --- */

static int
get_priority (GLogLevelFlags level)
{
  if ((level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL)) != 0)
    return 3;
  return (level & G_LOG_LEVEL_WARNING) != 0 ? 4 : 6;
}

static void
print_error (const char *text)
{
  fprintf (stderr, has_journal ? "<4>%s" : "%s", text);
  fflush (stderr);
}

/**
 * sb_cli_notify_use_journal:
 *
 * Finds out whether standard error is the journal's.
 */
void
sb_cli_notify_use_journal (void)
{
  const char *stream = g_getenv ("JOURNAL_STREAM");
  struct stat info;
  g_autofree char *own = NULL;

  if (fstat (STDERR_FILENO, &info) != 0)
    return;
  own = g_strdup_printf ("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT, (guint64) info.st_dev,
                         (guint64) info.st_ino);
  has_journal = g_strcmp0 (stream, own) == 0;
  g_set_printerr_handler (print_error);
}

/**
 * sb_cli_log:
 * @level: how important it is
 * @format: of the line
 * @...: for @format
 *
 * Writes a line of the log to standard error.
 */
void
sb_cli_log (GLogLevelFlags level, const char *format, ...)
{
  g_autofree char *line = NULL;
  va_list args;

  va_start (args, format);
  line = g_strdup_vprintf (format, args);
  va_end (args);
  g_strdelimit (line, "\r\n", ' ');
  if (has_journal)
    fprintf (stderr, "<%d>%s\n", get_priority (level), line);
  else
    fprintf (stderr, "simplebus agent: %s\n", line);
  fflush (stderr);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-notify: one datagram per message to the socket that the environment names.
 * Without that socket everything here does nothing, so nobody has to ask first.
 */

#include "sb-notify.h"

#include "sb-names.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* The first descriptor that a service manager passes, and more than any service is given. */
#define LISTEN_FDS_START 3
#define LISTEN_FDS_MAX 1024

/* The manager reads its socket soon; should it not, the bus goes on. */
#define SEND_TIMEOUT_SECONDS 2

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
  /* The name of an abstract socket ends with its length, not with a NUL. */
  *length = offsetof (struct sockaddr_un, sun_path) + size + (*text == '/' ? 1 : 0);
  return TRUE;
}

static gboolean
send_datagram (const struct sockaddr_un *address, socklen_t length, const char *state)
{
  const struct timeval patience = { .tv_sec = SEND_TIMEOUT_SECONDS };
  int fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  gssize sent;

  if (fd < 0)
    return FALSE;
  setsockopt (fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  do
    sent = sendto (fd, state, strlen (state), MSG_NOSIGNAL, (const struct sockaddr *) address,
                   length);
  while (sent < 0 && errno == EINTR);
  close (fd);
  return sent >= 0;
}

/**
 * sb_notify:
 * @state: assignments, one in a line, as in sd_notify(3)
 *
 * Tells the service manager something.
 *
 * Returns: %FALSE when there is none, or it did not take it; nothing hangs on that
 */
gboolean
sb_notify (const char *state)
{
  const char *path = g_getenv (SB_ENV_NOTIFY_SOCKET);
  struct sockaddr_un address;
  socklen_t length;

  g_return_val_if_fail (state != NULL, FALSE);

  if (path == NULL || !parse_address (path, &address, &length))
    return FALSE;
  return send_datagram (&address, length, state);
}

/* A line end in a status would begin an assignment of its own. */
static char *
make_status (const char *prefix, const char *status)
{
  g_autofree char *line = g_strdup (status);

  return g_strconcat (prefix, "STATUS=", g_strdelimit (line, "\r\n", ' '), NULL);
}

/**
 * sb_notify_ready:
 * @status: (nullable): one line for people, for example the ports
 *
 * Says that the bus serves: to be called when it listens, not before.
 *
 * Returns: like sb_notify()
 */
gboolean
sb_notify_ready (const char *status)
{
  g_autofree char *state = make_status ("READY=1\n", status != NULL ? status : "");

  return sb_notify (status != NULL ? state : "READY=1");
}

/**
 * sb_notify_reloading:
 *
 * Says that the bus reads its configuration again; sb_notify_ready() says that it has. With the
 * time a manager knows that this is the reload that it asked for.
 *
 * Returns: like sb_notify()
 */
gboolean
sb_notify_reloading (void)
{
  g_autofree char *state = g_strdup_printf ("RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT,
                                            g_get_monotonic_time ());

  return sb_notify (state);
}

/**
 * sb_notify_stopping:
 *
 * Says that the bus is about to stop.
 *
 * Returns: like sb_notify()
 */
gboolean
sb_notify_stopping (void)
{
  return sb_notify ("STOPPING=1");
}

/**
 * sb_notify_status:
 * @format: printf() format of one line for people
 * @...: its arguments
 *
 * Says what the bus is at; shown by `systemctl status`.
 *
 * Returns: like sb_notify()
 */
gboolean
sb_notify_status (const char *format, ...)
{
  g_autofree char *status = NULL;
  g_autofree char *state = NULL;
  va_list arguments;

  va_start (arguments, format);
  status = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  state = make_status ("", status);
  return sb_notify (state);
}

static gboolean
read_number (const char *variable, guint64 max, guint64 *number)
{
  const char *text = g_getenv (variable);

  return text != NULL && g_ascii_string_to_unsigned (text, 10, 1, max, number, NULL);
}

/* Variables that came down from a parent are not meant for this process. */
static gboolean
is_for_us (const char *pid_variable)
{
  guint64 pid;

  return read_number (pid_variable, G_MAXINT32, &pid) && (pid_t) pid == getpid ();
}

/**
 * sb_notify_watchdog_ms:
 *
 * Returns: how often the manager wants a sign of life, in milliseconds: half the time after
 *   which it would kill the service; 0 when it wants none
 */
guint
sb_notify_watchdog_ms (void)
{
  guint64 microseconds;

  if (g_getenv (SB_ENV_WATCHDOG_PID) != NULL && !is_for_us (SB_ENV_WATCHDOG_PID))
    return 0;
  if (!read_number (SB_ENV_WATCHDOG_USEC, G_MAXINT64, &microseconds))
    return 0;
  return CLAMP (microseconds / 2000, 1, G_MAXINT32);
}

static gboolean
pulse_cb (gpointer data)
{
  sb_notify ("WATCHDOG=1");
  return G_SOURCE_CONTINUE;
}

/**
 * sb_notify_watchdog_start:
 * @context: (nullable): the main context whose life is to be proved
 *
 * Gives the signs of life that the manager wants, from a source of default priority: when
 * the loop hangs they stop, which is the point.
 *
 * Returns: (transfer full) (nullable): the source, to be destroyed and released at the end;
 *   %NULL when no sign is wanted
 */
GSource *
sb_notify_watchdog_start (GMainContext *context)
{
  guint interval = sb_notify_watchdog_ms ();
  GSource *source;

  if (interval == 0)
    return NULL;
  source = g_timeout_source_new (interval);
  g_source_set_static_name (source, "watchdog");
  g_source_set_callback (source, pulse_cb, NULL, NULL);
  g_source_attach (source, context);
  return source;
}

static gboolean
close_on_exec (int fd)
{
  int flags = fcntl (fd, F_GETFD);

  return flags >= 0 && fcntl (fd, F_SETFD, flags | FD_CLOEXEC) == 0;
}

/* The names stand in the order of the descriptors; sd_listen_fds_with_names(3) has
 * "unknown" for one without. */
static GArray *
take_fds (guint count, GPtrArray *names)
{
  const char *list = g_getenv (SB_ENV_LISTEN_FDNAMES);
  g_auto (GStrv) split = g_strsplit (list != NULL ? list : "", ":", -1);
  guint n_names = g_strv_length (split);
  GArray *fds = g_array_new (FALSE, FALSE, sizeof (int));

  for (guint i = 0; i < count; i++)
    {
      int fd = LISTEN_FDS_START + (int) i;

      if (!close_on_exec (fd))
        continue;
      g_array_append_val (fds, fd);
      g_ptr_array_add (names, g_strdup (i < n_names && *split[i] != '\0' ? split[i] : "unknown"));
    }
  return fds;
}

/**
 * sb_notify_listen_fds:
 * @names: (out) (optional) (array zero-terminated=1): their names, in the same order
 *
 * Takes the sockets that the manager opened for this process. Called once, at start, before
 * there are threads: the variables that tell of them are removed, so that no child takes them
 * for its own, and the descriptors are closed on exec. What is not open is left out.
 *
 * Returns: (transfer full) (element-type int): the descriptors, which are the caller's; empty
 *   when there are none
 */
GArray *
sb_notify_listen_fds (char ***names)
{
  g_autoptr (GPtrArray) found = g_ptr_array_new_with_free_func (g_free);
  guint64 count = 0;
  GArray *fds;

  if (!is_for_us (SB_ENV_LISTEN_PID) || !read_number (SB_ENV_LISTEN_FDS, LISTEN_FDS_MAX, &count))
    count = 0;
  fds = take_fds (count, found);
  g_unsetenv (SB_ENV_LISTEN_PID);
  g_unsetenv (SB_ENV_LISTEN_FDS);
  g_unsetenv (SB_ENV_LISTEN_FDNAMES);
  g_ptr_array_add (found, NULL);
  if (names != NULL)
    *names = (char **) g_ptr_array_steal (found, NULL);
  return fds;
}

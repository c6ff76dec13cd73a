/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-load-loop: thousands of TCP connections on one thread over epoll. */

#include "sb-load-loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib-unix.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define READ_AT_ONCE (256 * 1024)
#define MAX_EVENTS 512

/* Nanoseconds on the monotonic clock. */
gint64
sb_load_now (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (gint64) now.tv_sec * 1000000000 + now.tv_nsec;
}

/* There is nothing to rescue in a measurement that went wrong: say so and end. */
void
sb_load_fail (const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  fprintf (stderr, "sb-bench: ");
  vfprintf (stderr, format, arguments);
  fprintf (stderr, "\n");
  va_end (arguments);
  exit (1);
}

SbLoadLoop *
sb_load_loop_new (void)
{
  SbLoadLoop *self = g_new0 (SbLoadLoop, 1);

  self->epoll = epoll_create1 (EPOLL_CLOEXEC);
  if (self->epoll < 0)
    sb_load_fail ("epoll_create1: %s", g_strerror (errno));
  self->dirty = g_ptr_array_new ();
  self->scratch = g_malloc (READ_AT_ONCE);
  return self;
}

void
sb_load_loop_free (SbLoadLoop *self)
{
  close (self->epoll);
  g_ptr_array_unref (self->dirty);
  g_free (self->scratch);
  g_free (self);
}

static void
watch (SbLoadConnection *self, int operation, gboolean writable)
{
  struct epoll_event event = { .events = EPOLLIN | (writable ? (guint32) EPOLLOUT : 0),
                               .data.ptr = self };

  if (epoll_ctl (self->loop->epoll, operation, self->fd, &event) < 0)
    sb_load_fail ("epoll_ctl: %s", g_strerror (errno));
  self->wants_writable = writable;
}

/* Begins to connect to a port of this machine. The struct stays where it is until closed. */
void
sb_load_connection_open (SbLoadConnection *self, SbLoadLoop *loop, const SbLoadEvents *events,
                         guint16 port)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = htons (port),
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  int yes = 1;

  self->loop = loop;
  self->events = events;
  self->fd = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (self->fd < 0)
    sb_load_fail ("socket: %s", g_strerror (errno));
  setsockopt (self->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (connect (self->fd, (struct sockaddr *) &address, sizeof address) < 0 && errno != EINPROGRESS)
    sb_load_fail ("connect to port %u: %s", port, g_strerror (errno));
  watch (self, EPOLL_CTL_ADD, TRUE);
}

/* Takes over a socket that listens, or that somebody has connected to. */
void
sb_load_connection_adopt (SbLoadConnection *self, SbLoadLoop *loop, const SbLoadEvents *events,
                          int fd)
{
  int yes = 1;

  self->loop = loop;
  self->events = events;
  self->fd = fd;
  self->is_open = TRUE;
  if (!g_unix_set_fd_nonblocking (fd, TRUE, NULL))
    sb_load_fail ("descriptor %d can not be used", fd);
  if (events->accepted == NULL)
    setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  watch (self, EPOLL_CTL_ADD, FALSE);
}

void
sb_load_connection_close (SbLoadConnection *self)
{
  if (self->fd >= 0)
    close (self->fd);
  if (self->is_dirty)
    g_ptr_array_remove_fast (self->loop->dirty, self);
  self->fd = -1;
  self->is_open = self->is_dirty = FALSE;
  sb_load_buffer_clear (&self->input);
  sb_load_buffer_clear (&self->output);
}

/* To be called after output was put into the buffer directly. */
void
sb_load_connection_mark (SbLoadConnection *self)
{
  if (self->is_dirty)
    return;
  self->is_dirty = TRUE;
  g_ptr_array_add (self->loop->dirty, self);
}

void
sb_load_connection_send (SbLoadConnection *self, gconstpointer bytes, gsize length)
{
  sb_load_buffer_append (&self->output, bytes, length);
  sb_load_connection_mark (self);
}

static void
lose (SbLoadConnection *self, const char *why)
{
  sb_load_connection_close (self);
  self->events->lost (self, why);
}

static void
flush_output (SbLoadConnection *self)
{
  while (sb_load_buffer_length (&self->output) > 0)
    {
      ssize_t sent = send (self->fd, self->output.data + self->output.start,
                           sb_load_buffer_length (&self->output), MSG_NOSIGNAL);

      if (sent < 0 && errno == EAGAIN)
        {
          if (!self->wants_writable)
            watch (self, EPOLL_CTL_MOD, TRUE);
          return;
        }
      if (sent < 0)
        {
          lose (self, g_strerror (errno));
          return;
        }
      sb_load_buffer_consume (&self->output, (gsize) sent);
    }
  if (self->wants_writable)
    watch (self, EPOLL_CTL_MOD, FALSE);
}

static void
flush_all (SbLoadLoop *self)
{
  while (self->dirty->len > 0)
    {
      SbLoadConnection *connection = g_ptr_array_steal_index_fast (self->dirty,
                                                                   self->dirty->len - 1);

      connection->is_dirty = FALSE;
      if (connection->is_open)
        flush_output (connection);
    }
}

static void
finish_connecting (SbLoadConnection *self)
{
  int error = 0;
  socklen_t length = sizeof error;

  getsockopt (self->fd, SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0)
    {
      lose (self, g_strerror (error));
      return;
    }
  watch (self, EPOLL_CTL_MOD, FALSE);
  self->is_open = TRUE;
  self->events->opened (self);
}

/* What follows an unfinished frame is read behind it. */
static void
parse_behind_rest (SbLoadConnection *self, gsize received)
{
  gsize used;

  self->input.end += received;
  used = self->events->input (self, self->input.data + self->input.start,
                              sb_load_buffer_length (&self->input));
  if (self->fd < 0)
    return;
  sb_load_buffer_consume (&self->input, used);
  if (sb_load_buffer_length (&self->input) == 0)
    sb_load_buffer_clear (&self->input);
}

static void
parse_in_scratch (SbLoadConnection *self, gsize received)
{
  guint8 *scratch = self->loop->scratch;
  gsize used = self->events->input (self, scratch, received);

  if (self->fd >= 0)
    sb_load_buffer_append (&self->input, scratch + used, received - used);
}

static void
read_input (SbLoadConnection *self)
{
  gboolean has_rest = sb_load_buffer_length (&self->input) > 0;
  guint8 *place = has_rest ? sb_load_buffer_reserve (&self->input, READ_AT_ONCE)
                           : self->loop->scratch;
  ssize_t received = recv (self->fd, place, READ_AT_ONCE, 0);

  if (received < 0 && errno == EAGAIN)
    return;
  if (received <= 0)
    lose (self, received == 0 ? "closed by the server" : g_strerror (errno));
  else if (has_rest)
    parse_behind_rest (self, (gsize) received);
  else
    parse_in_scratch (self, (gsize) received);
}

static void
accept_all (SbLoadConnection *self)
{
  int fd;

  while ((fd = accept4 (self->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
    self->events->accepted (self, fd);
  if (errno != EAGAIN && errno != ECONNABORTED)
    sb_load_fail ("accept4: %s", g_strerror (errno));
}

static void
handle (SbLoadConnection *self, guint32 events)
{
  if (self->events->accepted != NULL)
    {
      accept_all (self);
      return;
    }
  if (!self->is_open)
    {
      finish_connecting (self);
      return;
    }
  if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
    read_input (self);
  if (self->fd >= 0 && (events & EPOLLOUT))
    sb_load_connection_mark (self);
}

/* Sends what is to be sent, waits at most @longest nanoseconds for something, and handles it. */
void
sb_load_loop_turn (SbLoadLoop *self, gint64 longest)
{
  struct epoll_event events[MAX_EVENTS];
  struct timespec timeout = { .tv_sec = longest / 1000000000, .tv_nsec = longest % 1000000000 };
  int n;

  flush_all (self);
  n = epoll_pwait2 (self->epoll, events, MAX_EVENTS, &timeout, NULL);
  self->time = sb_load_now ();
  for (int i = 0; i < n; i++)
    {
      SbLoadConnection *connection = events[i].data.ptr;

      if (connection->fd >= 0)
        handle (connection, events[i].events);
    }
  flush_all (self);
}

void
sb_load_loop_run_until (SbLoadLoop *self, gint64 time)
{
  gint64 now;

  while ((now = sb_load_now ()) < time)
    sb_load_loop_turn (self, time - now);
}

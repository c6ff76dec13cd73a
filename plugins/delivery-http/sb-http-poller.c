/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-http-poller: level-triggered, so that nothing that was left unread is forgotten. Sockets are
 * nearly always watched for input, and a change costs a system call only when one of them could
 * not be written to.
 *
 * The source's ready time is moved when a timer falls due before it, never when one is cleared:
 * under load it is set once in a while and not for each message.
 */

#include "sb-http-poller.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_AT_ONCE 128

struct _SbHttpPoller
{
  guint ref_count;
  int fd;
  GMainContext *context;                /* (owned) */
  GSource *source;                      /* (owned) */
  gint64 armed;                         /* the source's ready time; -1: none */
  GQueue timers[SB_HTTP_N_TIMER_KINDS]; /* by the time they fall due */

  /* What is being told at the moment; a watch that is removed meanwhile is taken out. */
  struct epoll_event events[EVENTS_AT_ONCE];
  int n_events;
};

typedef struct
{
  GSource source;
  SbHttpPoller *poller; /* (borrowed): destroys its source when it goes */
} PollerSource;

/* Sockets */

static guint32
events_for (SbHttpWait wait)
{
  return wait == SB_HTTP_WAIT_OUTPUT ? EPOLLIN | EPOLLRDHUP | EPOLLOUT : EPOLLIN | EPOLLRDHUP;
}

static void
collect (SbHttpPoller *self)
{
  self->n_events = epoll_wait (self->fd, self->events, EVENTS_AT_ONCE, 0);
  for (int i = 0; i < self->n_events; i++)
    {
      SbHttpWatch *watch = self->events[i].data.ptr;

      if (watch != NULL)
        watch->func (watch, (self->events[i].events & ~(guint32) EPOLLOUT) != 0);
    }
  self->n_events = 0;
}

/**
 * sb_http_watch_add:
 * @self: a watch with its function, and unused
 * @poller: (transfer none): who watches
 * @fd: a socket; closed by the caller, after sb_http_watch_remove()
 * @wait: for what
 * @error: the kernel's
 *
 * Returns: whether the socket is watched
 */
gboolean
sb_http_watch_add (SbHttpWatch *self, SbHttpPoller *poller, int fd, SbHttpWait wait, GError **error)
{
  struct epoll_event event = { .events = events_for (wait), .data.ptr = self };

  if (epoll_ctl (poller->fd, EPOLL_CTL_ADD, fd, &event) < 0)
    {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "epoll_ctl: %s",
                   g_strerror (errno));
      return FALSE;
    }
  self->poller = sb_http_poller_ref (poller);
  self->fd = fd;
  self->wait = wait;
  return TRUE;
}

/* Watches for something else from now on. */
void
sb_http_watch_set_wait (SbHttpWatch *self, SbHttpWait wait)
{
  struct epoll_event event = { .events = events_for (wait), .data.ptr = self };

  if (self->wait == wait)
    return;
  self->wait = wait;
  epoll_ctl (self->poller->fd, EPOLL_CTL_MOD, self->fd, &event);
}

/* Does nothing when nothing is watched. */
void
sb_http_watch_remove (SbHttpWatch *self)
{
  g_autoptr (SbHttpPoller) poller = g_steal_pointer (&self->poller);

  if (poller == NULL)
    return;
  epoll_ctl (poller->fd, EPOLL_CTL_DEL, self->fd, NULL);
  for (int i = 0; i < poller->n_events; i++)
    if (poller->events[i].data.ptr == self)
      poller->events[i].data.ptr = NULL;
}

/* Time */

static void
arm (SbHttpPoller *self)
{
  gint64 first = G_MAXINT64;

  for (guint i = 0; i < SB_HTTP_N_TIMER_KINDS; i++)
    if (self->timers[i].head != NULL)
      first = MIN (first, ((SbHttpTimer *) self->timers[i].head->data)->due);
  self->armed = first != G_MAXINT64 ? first : -1;
  g_source_set_ready_time (self->source, self->armed);
}

static void
run_timers (SbHttpPoller *self, gint64 now)
{
  for (guint i = 0; i < SB_HTTP_N_TIMER_KINDS; i++)
    {
      /* One that is set again with the same time waits for the next turn. */
      guint left = self->timers[i].length;

      while (left-- > 0 && self->timers[i].head != NULL)
        {
          SbHttpTimer *timer = self->timers[i].head->data;

          if (timer->due > now)
            break;
          sb_http_timer_clear (timer);
          timer->func (timer);
        }
    }
}

/**
 * sb_http_timer_set:
 * @self: a timer with its function
 * @poller: (transfer none): who keeps the time
 * @kind: what it is for
 * @due: when @self is called, from the main loop; monotonic microseconds
 *
 * Sets the timer, also when it was set already.
 */
void
sb_http_timer_set (SbHttpTimer *self, SbHttpPoller *poller, SbHttpTimerKind kind, gint64 due)
{
  GQueue *queue = &poller->timers[kind];
  GList *before;

  sb_http_timer_clear (self);
  self->poller = sb_http_poller_ref (poller);
  self->kind = kind;
  self->due = due;
  self->link = (GList) { .data = self };
  before = queue->tail;
  while (before != NULL && ((SbHttpTimer *) before->data)->due > due)
    before = before->prev;
  if (before != NULL)
    g_queue_insert_after_link (queue, before, &self->link);
  else
    g_queue_push_head_link (queue, &self->link);
  if (poller->armed < 0 || due < poller->armed)
    arm (poller);
}

/* Does nothing when the timer is not set. */
void
sb_http_timer_clear (SbHttpTimer *self)
{
  g_autoptr (SbHttpPoller) poller = g_steal_pointer (&self->poller);

  if (poller != NULL)
    g_queue_unlink (&poller->timers[self->kind], &self->link);
}

/* The source */

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  g_autoptr (SbHttpPoller) self = sb_http_poller_ref (((PollerSource *) source)->poller);
  gint64 now = g_get_monotonic_time ();

  collect (self);
  if (self->armed >= 0 && self->armed <= now)
    {
      run_timers (self, now);
      arm (self);
    }
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = { NULL, NULL, dispatch, NULL, NULL, NULL };

/**
 * sb_http_poller_new:
 * @error: when the process is out of descriptors
 *
 * Returns: (transfer full): a poller of the thread-default main context
 */
SbHttpPoller *
sb_http_poller_new (GError **error)
{
  int fd = epoll_create1 (EPOLL_CLOEXEC);
  SbHttpPoller *self;

  if (fd < 0)
    {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "epoll_create1: %s",
                   g_strerror (errno));
      return NULL;
    }
  self = g_new0 (SbHttpPoller, 1);
  self->ref_count = 1;
  self->fd = fd;
  self->armed = -1;
  self->context = g_main_context_ref_thread_default ();
  self->source = g_source_new (&source_funcs, sizeof (PollerSource));
  ((PollerSource *) self->source)->poller = self;
  g_source_set_static_name (self->source, "HTTP recipients");
  g_source_add_unix_fd (self->source, fd, G_IO_IN);
  g_source_attach (self->source, self->context);
  return self;
}

SbHttpPoller *
sb_http_poller_ref (SbHttpPoller *self)
{
  self->ref_count++;
  return self;
}

void
sb_http_poller_unref (SbHttpPoller *self)
{
  if (--self->ref_count > 0)
    return;
  g_source_destroy (self->source);
  g_source_unref (self->source);
  g_main_context_unref (self->context);
  close (self->fd);
  g_free (self);
}

/* Returns: (transfer none): where its source is attached */
GMainContext *
sb_http_poller_get_context (SbHttpPoller *self)
{
  return self->context;
}

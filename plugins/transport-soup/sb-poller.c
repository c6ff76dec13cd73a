/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-poller: edge-triggered readiness of many sockets, the end of a turn, and deadlines.
 *
 * The turn source has a priority above I/O, so that in every turn it is asked first. In prepare
 * (the turn before is over, nothing is polled yet) and in check (the loop has polled) it fetches
 * what epoll knows and sets the ready time of the connections' own sources, which the loop then
 * finds in the same walk. It never says that it is ready itself: the loop would then dispatch
 * only sources of its priority, and a stream of events could starve everybody else. For the
 * same reason the output is written in prepare and not by an idle source, which a busy sender
 * could keep from ever running.
 */

#include "sb-poller.h"

#include <errno.h>
#include <unistd.h>

#define EVENTS_AT_ONCE 256
/* A flood of new edges must not keep the loop inside one collection. */
#define COLLECTIONS_AT_ONCE 64
#define SCRATCH_SIZE (16 * 1024)
/* Blocks that are kept for the next one who sends, and the largest of them. */
#define MAX_SPARE 32
#define MAX_SPARE_SIZE (128 * 1024)

typedef struct
{
  guint8 *data; /* (owned) */
  gsize size;
} Block;

struct _SbPoller
{
  GMainContext *context;  /* (owned) */
  GSource *turn_source;   /* (owned) */
  GSource *notify_source; /* (owned) */
  GPollFD poll_fd;
  GQueue turns;
  GQueue notifications;
  GQueue deadlines; /* in the order in which they were set */
  guint ref_count;
  guint8 scratch[SCRATCH_SIZE];
  Block spare[MAX_SPARE]; /* memory of connections that have nothing to send at the moment */
  guint n_spare;
};

typedef struct
{
  GSource source;
  SbPoller *poller; /* (unowned): destroys its sources when it goes */
} PollerSource;

static void
collect (SbPoller *self)
{
  struct epoll_event events[EVENTS_AT_ONCE];
  int n = EVENTS_AT_ONCE;

  for (guint i = 0; i < COLLECTIONS_AT_ONCE && n == EVENTS_AT_ONCE; i++)
    {
      n = epoll_wait (self->poll_fd.fd, events, EVENTS_AT_ONCE, 0);
      for (int j = 0; j < n; j++)
        {
          SbPollerWatch *watch = events[j].data.ptr;

          /* An earlier event of this batch may have closed it. */
          if (watch->fd >= 0)
            watch->funcs->ready (watch, events[j].events);
        }
    }
}

static SbPollerWatch *
pop (GQueue *queue)
{
  GList *link = g_queue_pop_head_link (queue);

  return link != NULL ? link->data : NULL;
}

static void
run_turns (SbPoller *self)
{
  guint n = g_queue_get_length (&self->turns);

  while (n-- > 0)
    {
      SbPollerWatch *watch = pop (&self->turns);

      if (watch == NULL)
        break;
      watch->in_turns = FALSE;
      watch->funcs->turn (watch);
    }
}

static gboolean
turn_prepare (GSource *source, int *timeout)
{
  SbPoller *self = sb_poller_ref (((PollerSource *) source)->poller);

  collect (self);
  run_turns (self);
  *timeout = g_queue_is_empty (&self->turns) ? -1 : 0;
  sb_poller_unref (self);
  return FALSE;
}

static gboolean
turn_check (GSource *source)
{
  SbPoller *self = ((PollerSource *) source)->poller;

  if (self->poll_fd.revents != 0)
    collect (self);
  return FALSE;
}

static gboolean
turn_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs turn_funcs = { turn_prepare, turn_check, turn_dispatch, NULL, NULL, NULL };

static void
arm_notify (SbPoller *self)
{
  SbPollerWatch *first = NULL;

  if (self->deadlines.head != NULL)
    first = self->deadlines.head->data;
  if (!g_queue_is_empty (&self->notifications))
    g_source_set_ready_time (self->notify_source, 0);
  else
    g_source_set_ready_time (self->notify_source, first != NULL ? first->deadline : -1);
}

static void
run_notifications (SbPoller *self)
{
  guint n = g_queue_get_length (&self->notifications);

  while (n-- > 0)
    {
      SbPollerWatch *watch = pop (&self->notifications);

      if (watch == NULL)
        break;
      watch->in_notifications = FALSE;
      watch->funcs->notify (watch);
    }
}

static void
run_deadlines (SbPoller *self)
{
  gint64 now = g_get_monotonic_time ();

  while (self->deadlines.head != NULL)
    {
      SbPollerWatch *watch = self->deadlines.head->data;

      if (watch->deadline > now)
        break;
      sb_poller_clear_deadline (watch);
      watch->funcs->expired (watch);
    }
}

static gboolean
notify_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  SbPoller *self = sb_poller_ref (((PollerSource *) source)->poller);

  run_notifications (self);
  run_deadlines (self);
  arm_notify (self);
  sb_poller_unref (self);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs notify_funcs = { NULL, NULL, notify_dispatch, NULL, NULL, NULL };

static GSource *
attach (SbPoller *self, GSourceFuncs *funcs, int priority, const char *name)
{
  GSource *source = g_source_new (funcs, sizeof (PollerSource));

  ((PollerSource *) source)->poller = self;
  g_source_set_priority (source, priority);
  g_source_set_static_name (source, name);
  if (funcs == &turn_funcs)
    g_source_add_poll (source, &self->poll_fd);
  g_source_attach (source, self->context);
  return source;
}

/*
 * sb_poller_new:
 *
 * Returns: (transfer full): a poller of the thread-default main context, or %NULL with an error
 *   when the process is out of descriptors
 */
SbPoller *
sb_poller_new (GError **error)
{
  int fd = epoll_create1 (EPOLL_CLOEXEC);
  SbPoller *self;

  if (fd < 0)
    {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "epoll_create1: %s",
                   g_strerror (errno));
      return NULL;
    }
  self = g_new0 (SbPoller, 1);
  self->ref_count = 1;
  self->context = g_main_context_ref_thread_default ();
  self->poll_fd.fd = fd;
  self->poll_fd.events = G_IO_IN;
  self->turn_source = attach (self, &turn_funcs, G_PRIORITY_DEFAULT - 10, "connections: turn");
  self->notify_source = attach (self, &notify_funcs, G_PRIORITY_DEFAULT, "connections: notify");
  return self;
}

SbPoller *
sb_poller_ref (SbPoller *self)
{
  self->ref_count++;
  return self;
}

static void
destroy_source (GSource *source)
{
  g_source_destroy (source);
  g_source_unref (source);
}

void
sb_poller_unref (SbPoller *self)
{
  if (--self->ref_count > 0)
    return;
  destroy_source (self->turn_source);
  destroy_source (self->notify_source);
  close (self->poll_fd.fd);
  for (guint i = 0; i < self->n_spare; i++)
    g_free (self->spare[i].data);
  g_main_context_unref (self->context);
  g_free (self);
}

/* Returns: (transfer none): where the poller's sources are attached */
GMainContext *
sb_poller_get_context (SbPoller *self)
{
  return self->context;
}

/* Returns: (transfer none): memory that anybody may use until returning to the main loop */
guint8 *
sb_poller_get_scratch (SbPoller *self, gsize *size)
{
  *size = SCRATCH_SIZE;
  return self->scratch;
}

/* Returns: (transfer full) (nullable): memory that was given back, in place of a new block */
guint8 *
sb_poller_take_block (SbPoller *self, gsize *size)
{
  if (self->n_spare == 0)
    return NULL;
  self->n_spare--;
  *size = self->spare[self->n_spare].size;
  return self->spare[self->n_spare].data;
}

/* Keeps a block for the next one who needs it, or frees it. */
void
sb_poller_give_block (SbPoller *self, guint8 *block, gsize size)
{
  if (block == NULL || size > MAX_SPARE_SIZE || self->n_spare == MAX_SPARE)
    {
      g_free (block);
      return;
    }
  self->spare[self->n_spare].data = block;
  self->spare[self->n_spare].size = size;
  self->n_spare++;
}

void
sb_poller_watch_init (SbPollerWatch *watch, SbPoller *poller, const SbPollerFuncs *funcs)
{
  watch->funcs = funcs;
  watch->poller = sb_poller_ref (poller);
  watch->fd = -1;
  watch->turn_link.data = watch;
  watch->notify_link.data = watch;
  watch->deadline_link.data = watch;
}

/* Watches @fd, edge-triggered, in both directions, until sb_poller_watch_remove_fd(). */
gboolean
sb_poller_watch_add_fd (SbPollerWatch *watch, int fd, GError **error)
{
  struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };

  event.data.ptr = watch;
  if (epoll_ctl (watch->poller->poll_fd.fd, EPOLL_CTL_ADD, fd, &event) < 0)
    {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "epoll_ctl: %s",
                   g_strerror (errno));
      return FALSE;
    }
  watch->fd = fd;
  return TRUE;
}

/* Must precede the close of the descriptor, whose number may come back at once. */
void
sb_poller_watch_remove_fd (SbPollerWatch *watch)
{
  if (watch->fd < 0)
    return;
  epoll_ctl (watch->poller->poll_fd.fd, EPOLL_CTL_DEL, watch->fd, NULL);
  watch->fd = -1;
}

void
sb_poller_watch_clear (SbPollerWatch *watch)
{
  if (watch->poller == NULL)
    return;
  sb_poller_watch_remove_fd (watch);
  sb_poller_clear_deadline (watch);
  if (watch->in_turns)
    g_queue_unlink (&watch->poller->turns, &watch->turn_link);
  if (watch->in_notifications)
    g_queue_unlink (&watch->poller->notifications, &watch->notify_link);
  watch->in_turns = watch->in_notifications = FALSE;
  g_clear_pointer (&watch->poller, sb_poller_unref);
}

/* Asks for a call of turn when the loop has dispatched what is ready now. */
void
sb_poller_queue_turn (SbPollerWatch *watch)
{
  if (watch->in_turns)
    return;
  watch->in_turns = TRUE;
  g_queue_push_tail_link (&watch->poller->turns, &watch->turn_link);
}

/* Asks for a call of notify from the loop. */
void
sb_poller_queue_notify (SbPollerWatch *watch)
{
  if (watch->in_notifications)
    return;
  watch->in_notifications = TRUE;
  g_queue_push_tail_link (&watch->poller->notifications, &watch->notify_link);
  arm_notify (watch->poller);
}

/* Asks for a call of expired after @delay µs. Deadlines fall due in the order in which they were
 * set: a poller is meant for delays of one length. */
void
sb_poller_set_deadline (SbPollerWatch *watch, gint64 delay)
{
  sb_poller_clear_deadline (watch);
  watch->deadline = g_get_monotonic_time () + delay;
  watch->in_deadlines = TRUE;
  g_queue_push_tail_link (&watch->poller->deadlines, &watch->deadline_link);
  arm_notify (watch->poller);
}

void
sb_poller_clear_deadline (SbPollerWatch *watch)
{
  if (!watch->in_deadlines)
    return;
  watch->in_deadlines = FALSE;
  g_queue_unlink (&watch->poller->deadlines, &watch->deadline_link);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-poller: one descriptor and two sources of the main loop for all connections.
 *
 * A main loop that polls each of ten thousand sockets pays for all of them in every turn. Here
 * an epoll descriptor, edge-triggered, tells which sockets changed, and the loop polls that one
 * descriptor. The same place knows when a turn of the loop is over, which is when gathered
 * output is written. A poller belongs to one main context and is used from its thread only.
 */
#pragma once

#include <gio/gio.h>
#include <sys/epoll.h>

G_BEGIN_DECLS

typedef struct _SbPoller SbPoller;
typedef struct _SbPollerWatch SbPollerWatch;

/**
 * SbPollerFuncs:
 * @ready: the socket changed; @events are EPOLLIN and friends. Called while the loop prepares
 *   or checks its sources: it notes what it was told and wakes sources, and calls nobody
 * @turn: a turn of the loop is over, as asked by sb_poller_queue_turn(). The same restriction
 * @notify: from a source of default priority, as asked by sb_poller_queue_notify(): may call
 *   anything
 * @expired: the deadline of sb_poller_set_deadline() has passed; called like @notify
 */
typedef struct
{
  void (*ready) (SbPollerWatch *watch, guint32 events);
  void (*turn) (SbPollerWatch *watch);
  void (*notify) (SbPollerWatch *watch);
  void (*expired) (SbPollerWatch *watch);
} SbPollerFuncs;

/* Embedded in what is watched. The owner keeps it alive for as long as something is queued. */
struct _SbPollerWatch
{
  const SbPollerFuncs *funcs;
  SbPoller *poller; /* (owned) */
  GList turn_link;
  GList notify_link;
  GList deadline_link;
  gint64 deadline; /* monotonic µs */
  int fd;          /* -1 when not watched */
  guint in_turns : 1;
  guint in_notifications : 1;
  guint in_deadlines : 1;
};

SbPoller *sb_poller_new (GError **error);
SbPoller *sb_poller_ref (SbPoller *self);
void sb_poller_unref (SbPoller *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbPoller, sb_poller_unref)

GMainContext *sb_poller_get_context (SbPoller *self);
guint8 *sb_poller_get_scratch (SbPoller *self, gsize *size);
guint8 *sb_poller_take_block (SbPoller *self, gsize *size);
void sb_poller_give_block (SbPoller *self, guint8 *block, gsize size);

void sb_poller_watch_init (SbPollerWatch *watch, SbPoller *poller, const SbPollerFuncs *funcs);
gboolean sb_poller_watch_add_fd (SbPollerWatch *watch, int fd, GError **error);
void sb_poller_watch_remove_fd (SbPollerWatch *watch);
void sb_poller_watch_clear (SbPollerWatch *watch);

void sb_poller_queue_turn (SbPollerWatch *watch);
void sb_poller_queue_notify (SbPollerWatch *watch);
void sb_poller_set_deadline (SbPollerWatch *watch, gint64 delay);
void sb_poller_clear_deadline (SbPollerWatch *watch);

G_END_DECLS

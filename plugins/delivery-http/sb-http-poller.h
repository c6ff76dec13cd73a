/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-http-poller: one descriptor and one source of the main loop for all sockets to recipients.
 *
 * A main loop that polls each of a thousand idle sockets pays for all of them in every turn. Here
 * an epoll descriptor tells which sockets have something to say, and the loop polls that one
 * descriptor. The same source keeps the time: sockets that must be used up by then, be idle no
 * longer, or were asked to report from the loop. A poller belongs to one main context and is used
 * from its thread only.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _SbHttpPoller SbHttpPoller;
typedef struct _SbHttpWatch SbHttpWatch;
typedef struct _SbHttpTimer SbHttpTimer;

/* What a watch or a timer is embedded in. */
#define SB_HTTP_OWNER(member_, Type, name_) \
  ((Type *) (gpointer) ((char *) (member_) -G_STRUCT_OFFSET (Type, name_)))

/**
 * SbHttpWait:
 * @SB_HTTP_WAIT_INPUT: until there is something to read, or the peer has gone
 * @SB_HTTP_WAIT_OUTPUT: the same, or until something can be written
 *
 * What a socket is watched for.
 */
typedef enum
{
  SB_HTTP_WAIT_INPUT,
  SB_HTTP_WAIT_OUTPUT,
} SbHttpWait;

/* Embedded in what is watched. @func may do anything, free the watch and close the poller too. */
struct _SbHttpWatch
{
  void (*func) (SbHttpWatch *self, gboolean is_readable);
  SbHttpPoller *poller; /* (owned) (nullable) */
  int fd;
  SbHttpWait wait;
};

/**
 * SbHttpTimerKind:
 * @SB_HTTP_TIMER_SOON: now, but from the main loop
 * @SB_HTTP_TIMER_EXCHANGE: for an answer
 * @SB_HTTP_TIMER_CONNECT: for a connection to one of several addresses
 * @SB_HTTP_TIMER_IDLE: for the next message
 *
 * What somebody waits for. Times of one kind are mostly set in the order in which they fall due,
 * which makes them cheap.
 */
typedef enum
{
  SB_HTTP_TIMER_SOON,
  SB_HTTP_TIMER_EXCHANGE,
  SB_HTTP_TIMER_CONNECT,
  SB_HTTP_TIMER_IDLE,
  SB_HTTP_N_TIMER_KINDS,
} SbHttpTimerKind;

/* Embedded in who waits; it is set for one thing at a time. @func as above. */
struct _SbHttpTimer
{
  void (*func) (SbHttpTimer *self);
  SbHttpPoller *poller; /* (owned) (nullable) while it is set */
  SbHttpTimerKind kind;
  gint64 due; /* monotonic µs */
  GList link;
};

SbHttpPoller *sb_http_poller_new (GError **error);
SbHttpPoller *sb_http_poller_ref (SbHttpPoller *self);
void sb_http_poller_unref (SbHttpPoller *self);
GMainContext *sb_http_poller_get_context (SbHttpPoller *self);

gboolean sb_http_watch_add (SbHttpWatch *self, SbHttpPoller *poller, int fd, SbHttpWait wait,
                            GError **error);
void sb_http_watch_set_wait (SbHttpWatch *self, SbHttpWait wait);
void sb_http_watch_remove (SbHttpWatch *self);

void sb_http_timer_set (SbHttpTimer *self, SbHttpPoller *poller, SbHttpTimerKind kind, gint64 due);
void sb_http_timer_clear (SbHttpTimer *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbHttpPoller, sb_http_poller_unref)

G_END_DECLS

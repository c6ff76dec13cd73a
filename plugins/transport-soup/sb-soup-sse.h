/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-sse: Server-Sent Events, past libsoup, on stolen connections. What a stream is of is said
 * by its functions; who may have it, when it ends and that nothing piles up is the same for all.
 */
#pragma once

#include "sb-soup-http.h"

G_BEGIN_DECLS

typedef struct _SbSse SbSse;

/**
 * SbSseFuncs:
 * @may_see: whether the user, as it is now, may still have the stream
 * @tick: a second has passed, and the client has taken all that it was sent; never ends it
 * @flush: (nullable): the same, five times a second; may end the stream
 * @free: frees the structure that begins with the stream, after sb_sse_clear()
 *
 * What streams of a kind do.
 */
typedef struct
{
  gboolean (*may_see) (SbSse *self, const SbUser *user);
  void (*tick) (SbSse *self, gint64 now);
  void (*flush) (SbSse *self, gint64 now);
  void (*free) (SbSse *self);
} SbSseFuncs;

/**
 * SbSse:
 *
 * A stream; the first member of what it is of.
 */
struct _SbSse
{
  SbSoupTransport *transport; /* (unowned) */
  SbConnection *connection;   /* (owned) */
  SbUser *user;               /* (owned): as it was when the stream was opened */
  char *login;                /* (owned) (nullable): secret of the log-in to the console */
  const SbSseFuncs *funcs;
  gint64 last_write; /* monotonic */
  GList link;
};

gboolean sb_sse_check_room (SbRequest *request, const SbSseFuncs *funcs, guint per_user);
gboolean sb_sse_open (SbSse *self, const SbSseFuncs *funcs, SbRequest *request);
void sb_sse_write (SbSse *self, const char *text, gsize length);
void sb_sse_end (SbSse *self, const char *reason);
void sb_sse_clear (SbSse *self);

void sb_sse_tick_all (SbSoupTransport *transport, gint64 now);
void sb_sse_close_all (SbSoupTransport *transport);
void sb_sse_free_all (SbSoupTransport *transport);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-load-loop: thousands of TCP connections on one thread over epoll.
 *
 * The generator shares the machine with the server that it measures, so it must be cheap:
 * input is parsed where recv() put it, output gathers and is sent once per turn.
 */
#pragma once

#include "sb-load-buffer.h"

G_BEGIN_DECLS

typedef struct _SbLoadLoop SbLoadLoop;
typedef struct _SbLoadConnection SbLoadConnection;

/**
 * SbLoadEvents:
 * @opened: the connection is up
 * @input: bytes are there; returns how many of them were used, the others come again with more
 * @lost: the other side closed it, or it broke
 * @accepted: (nullable): of a socket that listens: somebody has connected
 */
typedef struct
{
  void (*opened) (SbLoadConnection *connection);
  gsize (*input) (SbLoadConnection *connection, guint8 *bytes, gsize length);
  void (*lost) (SbLoadConnection *connection, const char *why);
  void (*accepted) (SbLoadConnection *connection, int fd);
} SbLoadEvents;

struct _SbLoadConnection
{
  SbLoadLoop *loop;
  const SbLoadEvents *events;
  int fd; /* -1 when closed */
  gboolean is_open;
  gboolean is_dirty; /* has output that was not tried yet */
  gboolean wants_writable;
  SbLoadBuffer input;
  SbLoadBuffer output;
};

struct _SbLoadLoop
{
  int epoll;
  gint64 time; /* of the last wake-up */
  GPtrArray *dirty;
  guint8 *scratch;
};

SbLoadLoop *sb_load_loop_new (void);
void sb_load_loop_free (SbLoadLoop *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbLoadLoop, sb_load_loop_free)
void sb_load_loop_turn (SbLoadLoop *self, gint64 longest);
void sb_load_loop_run_until (SbLoadLoop *self, gint64 time);

void sb_load_connection_open (SbLoadConnection *self, SbLoadLoop *loop, const SbLoadEvents *events,
                              guint16 port);
void sb_load_connection_adopt (SbLoadConnection *self, SbLoadLoop *loop, const SbLoadEvents *events,
                               int fd);
void sb_load_connection_close (SbLoadConnection *self);
void sb_load_connection_mark (SbLoadConnection *self);
void sb_load_connection_send (SbLoadConnection *self, gconstpointer bytes, gsize length);

gint64 sb_load_now (void);
void sb_load_fail (const char *format, ...) G_GNUC_PRINTF (1, 2) G_GNUC_NORETURN;

G_END_DECLS

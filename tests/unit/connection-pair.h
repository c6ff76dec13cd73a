/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * connection-pair: a connection and the peer at its other end, and what tests do to either.
 */
#pragma once

#include "sb-connection.h"

G_BEGIN_DECLS

/* Both ends of a TCP connection over the loopback; @peer is a blocking socket. */
typedef struct
{
  SbPoller *poller;
  SbConnection *connection;
  GInputStream *input;   /* (unowned) */
  GOutputStream *output; /* (unowned) */
  GSocket *peer;
} SbPair;

/* What the next pair gets; set back to the defaults by each. */
extern SbConnectionLimits sb_pair_limits;

SbPair *sb_pair_new (void);
void sb_pair_hang_up (SbPair *pair);
void sb_pair_free (SbPair *pair);
void sb_pair_shrink_kernel_buffers (SbPair *pair);
gssize sb_pair_try_write (SbPair *pair, const void *data, gsize size, GError **error);
void sb_pair_write_text (SbPair *pair, const char *text);
gssize sb_pair_try_read (SbPair *pair, void *buffer, gsize size, GError **error);
void sb_pair_send_all (SbPair *pair, const void *data, gsize size);
/* Reads at the peer's end without blocking. Returns: 0 at the end, -1 when there is nothing. */
gssize sb_pair_peer_read (SbPair *pair, void *buffer, gsize size);
void sb_pair_assert_peer_reads (SbPair *pair, const char *expected);
/* Writes until a write would block. Returns: bytes accepted. */
gsize sb_pair_fill (SbPair *pair);
/* Lets the peer read @size bytes more. */
void sb_pair_drain (SbPair *pair, gsize size);
/* Reads everything up to an error, which it returns, or up to the end. */
GError *sb_pair_read_to_the_error (SbPair *pair, gsize *total);
gboolean sb_pair_on_ready (GObject *stream, gpointer count);
GSource *sb_pair_watch_input (SbPair *pair, guint *count);
GSource *sb_pair_watch_output (SbPair *pair, guint *count);
void sb_pair_unwatch (GSource *source);
void sb_pair_turn (guint times);
void sb_pair_on_event (SbConnection *connection, gpointer count);
void sb_pair_on_done (GObject *source, GAsyncResult *result, gpointer flag);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbPair, sb_pair_free)

G_END_DECLS

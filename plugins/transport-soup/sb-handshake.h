/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-handshake: the TLS handshakes of a listener.
 *
 * GIO shakes hands with blocking reads. In the threads that it shares with everything else in the
 * process, a few peers that never go on would be enough to stop it all. So handshakes have threads
 * of their own; one begins when the peer's first bytes are there; only so many run at a time, only
 * some of them for one address, and each has a deadline.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _SbHandshakes SbHandshakes;

/**
 * SbPeer:
 * @key: (owned): its address, or its network
 * @connections: how many it has
 * @handshakes: how many of them are in a handshake that runs
 *
 * What a listener counts of an address.
 */
typedef struct
{
  char *key;
  guint connections;
  guint handshakes;
} SbPeer;

/**
 * SbHandshakeFunc:
 * @stream: (nullable): the encrypted stream; %NULL when there was none
 * @peer: whose it is
 * @tag: (nullable): what came with it
 * @user_data: the listener
 *
 * Told once for each handshake.
 */
typedef void (*SbHandshakeFunc) (GIOStream *stream, SbPeer *peer, gpointer tag, gpointer user_data);

SbHandshakes *sb_handshakes_new (SbHandshakeFunc func, gpointer user_data);
void sb_handshakes_free (SbHandshakes *self);
void sb_handshakes_add (SbHandshakes *self, GSocketConnection *base, GTlsCertificate *certificate,
                        SbPeer *peer, gpointer tag);
void sb_handshakes_check (SbHandshakes *self, gint64 now, gint64 limit);
void sb_handshakes_cancel_all (SbHandshakes *self);
guint sb_handshakes_get_length (SbHandshakes *self);

G_END_DECLS

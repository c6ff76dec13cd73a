/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-test-proxy: a bad network between a client and a bus, on 127.0.0.1.
 *
 * It drops, stalls, delays, trickles and cuts connections, and reorders nothing. It runs in the
 * default main context: who blocks that blocks the proxy.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum
{
  SB_TEST_WAY_UP,   /* from the client to the bus */
  SB_TEST_WAY_DOWN, /* from the bus to the client */
  SB_TEST_N_WAYS,
} SbTestWay;

typedef struct _SbTestProxy SbTestProxy;

/* @target: the port that it connects to, when somebody connects to it. */
SbTestProxy *sb_test_proxy_new (guint16 target);
void sb_test_proxy_free (SbTestProxy *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbTestProxy, sb_test_proxy_free)

/* The port to connect to. It stays the same. */
guint16 sb_test_proxy_get_port (SbTestProxy *self);
/* For connections from now on. */
void sb_test_proxy_set_target (SbTestProxy *self, guint16 target);

/* Closes all connections, both ends; what was on its way is lost. */
void sb_test_proxy_drop (SbTestProxy *self);
/* The same, so that both ends see a reset. */
void sb_test_proxy_reset (SbTestProxy *self);
/* Whether somebody may connect; if not, the system itself refuses it. Open connections stay. */
void sb_test_proxy_set_accepting (SbTestProxy *self, gboolean accepting);

/* Holds everything back that goes that way, on all connections, also later ones. */
void sb_test_proxy_stall (SbTestProxy *self, SbTestWay way);
void sb_test_proxy_unstall (SbTestProxy *self, SbTestWay way);
/* Everything that way takes so much longer; 0: no longer. */
void sb_test_proxy_set_delay (SbTestProxy *self, SbTestWay way, guint ms);
/* At most so many bytes every 2 ms; 0: no limit. */
void sb_test_proxy_set_trickle (SbTestProxy *self, SbTestWay way, gsize bytes);
/* Lets so many more bytes through that way, on all connections together, then drops them all. It
 * happens once. */
void sb_test_proxy_cut_after (SbTestProxy *self, SbTestWay way, guint64 bytes);
/* Cuts so many times, each time after a random number of bytes from @least to @most. */
void sb_test_proxy_cut_often (SbTestProxy *self, SbTestWay way, guint64 least, guint64 most,
                              guint times);

/* Connections there were so far, those that are open, and how often it has cut. */
guint sb_test_proxy_get_n_opened (SbTestProxy *self);
guint sb_test_proxy_get_n_open (SbTestProxy *self);
guint sb_test_proxy_get_n_cuts (SbTestProxy *self);
/* Bytes that were let through, over all connections. */
guint64 sb_test_proxy_get_bytes (SbTestProxy *self, SbTestWay way);
void sb_test_proxy_wait_opened (SbTestProxy *self, guint n);
void sb_test_proxy_wait_bytes (SbTestProxy *self, SbTestWay way, guint64 bytes);

G_END_DECLS

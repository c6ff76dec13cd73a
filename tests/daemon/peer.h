/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-peer: a client that never blocks, for tests that hold thousands of sockets or messages.
 *
 * It runs on the default main context and speaks raw bytes, HTTP (answers are recognised, requests
 * may be pipelined) or WebSocket. It checks nothing: what it sends may be as wrong as a test
 * likes, and when it reads is the test's business.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _SbPeer SbPeer;

typedef enum
{
  SB_PEER_RAW,
  SB_PEER_HTTP,
  SB_PEER_WEBSOCKET,
} SbPeerMode;

#define SB_OPCODE_TEXT 0x1
#define SB_OPCODE_BINARY 0x2
#define SB_OPCODE_CLOSE 0x8
#define SB_OPCODE_PING 0x9
#define SB_OPCODE_PONG 0xa

/* Each may be missing, and each may free the peer. `head` begins with the status line; `payload`
 * and `body` end with a zero byte that does not count. */
typedef struct
{
  void (*opened) (SbPeer *peer, gpointer user_data);
  void (*frame) (SbPeer *peer, int opcode, const char *payload, gsize length, gpointer user_data);
  void (*answer) (SbPeer *peer, guint status, const char *head, const char *body, gsize length,
                  gpointer user_data);
  void (*closed) (SbPeer *peer, gpointer user_data);
} SbPeerFuncs;

SbPeer *sb_peer_new (SbPeerMode mode, guint16 port, const SbPeerFuncs *funcs, gpointer user_data);
SbPeer *sb_peer_new_from (const char *address, SbPeerMode mode, guint16 port,
                          const SbPeerFuncs *funcs, gpointer user_data);
void sb_peer_free (SbPeer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbPeer, sb_peer_free)

gboolean sb_peer_is_open (SbPeer *self);
gboolean sb_peer_is_closed (SbPeer *self);
guint sb_peer_get_close_code (SbPeer *self);
guint sb_peer_get_status (SbPeer *self);
gsize sb_peer_get_unsent (SbPeer *self);
gsize sb_peer_get_received (SbPeer *self);
void sb_peer_set_reading (SbPeer *self, gboolean reading);
void sb_peer_set_small_buffers (SbPeer *self);

void sb_peer_send (SbPeer *self, const void *data, gssize length);
void sb_peer_send_frame (SbPeer *self, int opcode, gboolean final, const void *data, gssize length);
void sb_peer_printf (SbPeer *self, const char *format, ...) G_GNUC_PRINTF (2, 3);
void sb_peer_log_in (SbPeer *self, const char *user, const char *password, const char *more);
void sb_peer_request (SbPeer *self, const char *method, const char *path, const char *user,
                      const char *password, const char *body, gssize length);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-connection: the GIOStream under every connection that libsoup serves.
 *
 * It gathers output and writes it once per turn of the main loop, bounds what waits in either
 * direction, keeps the deadlines that libsoup lacks, and closes without blocking anybody.
 */
#pragma once

#include "sb-poller.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * SB_CONNECTION_BUFFER_MAX:
 *
 * At so many bytes of gathered output a write would block. sb_connection_send() may go beyond it by
 * what its caller allows.
 */
#define SB_CONNECTION_BUFFER_MAX (256 * 1024)

/**
 * SB_CONNECTION_DRAIN_MARK:
 *
 * The drained function is called when the gathered output was at or above this many bytes and
 * then became empty. Who stops sending at or above the mark is sure to be called.
 */
#define SB_CONNECTION_DRAIN_MARK (32 * 1024)

/**
 * SbConnectionPhase:
 * @SB_CONNECTION_PHASE_HEADERS: waiting for a request, or reading its headers; where it begins
 * @SB_CONNECTION_PHASE_BODY: reading a request's body
 * @SB_CONNECTION_PHASE_HANDLING: the bus is busy with the request, or answers it
 * @SB_CONNECTION_PHASE_AUTHENTICATING: a WebSocket that has not logged in yet
 * @SB_CONNECTION_PHASE_OPEN: a session, which judges the liveness of its peer itself
 *
 * What a connection is waiting for, and so which deadline counts.
 */
typedef enum
{
  SB_CONNECTION_PHASE_HEADERS,
  SB_CONNECTION_PHASE_BODY,
  SB_CONNECTION_PHASE_HANDLING,
  SB_CONNECTION_PHASE_AUTHENTICATING,
  SB_CONNECTION_PHASE_OPEN,
} SbConnectionPhase;

/**
 * SbConnectionLimits:
 * @handshake: for TLS, from the accept
 * @headers: for complete headers, from the accept or from the first byte of a further request
 * @idle: between two requests
 * @body: without a byte of a request's body
 * @authentication: for a log-in, from the upgrade
 * @output: with output waiting and nothing of it taken by the peer, in every phase
 * @closing: for output to drain, and for the peer to close its end, once we close ours
 *
 * How long a connection may take, in microseconds.
 */
typedef struct
{
  gint64 handshake;
  gint64 headers;
  gint64 idle;
  gint64 body;
  gint64 authentication;
  gint64 output;
  gint64 closing;
} SbConnectionLimits;

#define SB_TYPE_CONNECTION (sb_connection_get_type ())
G_DECLARE_FINAL_TYPE (SbConnection, sb_connection, SB, CONNECTION, GIOStream)

/**
 * SbConnectionFunc:
 * @self: a connection
 * @user_data: what was given with the function
 *
 * Called from the main loop, never from within another call to the connection.
 */
typedef void (*SbConnectionFunc) (SbConnection *self, gpointer user_data);

void sb_connection_limits_init (SbConnectionLimits *limits);

SbConnection *sb_connection_new (SbPoller *poller, GIOStream *base, gpointer tag,
                                 const SbConnectionLimits *limits, GError **error);
SbConnection *sb_connection_unwrap (GIOStream *stream);
SbConnection *sb_connection_lookup (GSocketAddress *remote);

gpointer sb_connection_get_tag (SbConnection *self);
gboolean sb_connection_is_tls (SbConnection *self);
gboolean sb_connection_is_open (SbConnection *self);
gboolean sb_connection_has_peer_closed (SbConnection *self);
GSocket *sb_connection_get_socket (SbConnection *self);
const char *sb_connection_get_remote_text (SbConnection *self);
GSocketAddress *sb_connection_get_remote_address (SbConnection *self);
GSocketAddress *sb_connection_get_local_address (SbConnection *self);

void sb_connection_send (SbConnection *self, const void *header, gsize header_length,
                         const void *data, gsize length);
gsize sb_connection_get_queued (SbConnection *self);
guint64 sb_connection_get_written (SbConnection *self);
void sb_connection_set_drained_func (SbConnection *self, SbConnectionFunc func, gpointer user_data);

void sb_connection_lend (SbConnection *self, SbConnectionFunc func, gpointer user_data);
void sb_connection_give_back (SbConnection *self);
gboolean sb_connection_is_usable (SbConnection *self);
gboolean sb_connection_take_room (SbConnection *self);
void sb_connection_note_sent (SbConnection *self, guint64 n, gboolean is_full);
void sb_connection_await_room (SbConnection *self);

void sb_connection_message_done (SbConnection *self);
void sb_connection_set_max_unfinished (SbConnection *self, gsize bytes);
void sb_connection_set_paused (SbConnection *self, gboolean paused);
gboolean sb_connection_is_paused (SbConnection *self);
gint64 sb_connection_get_last_input (SbConnection *self);

void sb_connection_set_phase (SbConnection *self, SbConnectionPhase phase);
SbConnectionPhase sb_connection_get_phase (SbConnection *self);
const char *sb_connection_check (SbConnection *self, gint64 now);
void sb_connection_abort (SbConnection *self, const char *reason);
void sb_connection_set_closed_func (SbConnection *self, SbConnectionFunc func, gpointer user_data);

char *sb_connection_format_address (GInetAddress *address);

G_END_DECLS

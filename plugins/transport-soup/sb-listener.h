/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-listener: accepts connections, within limits, and watches over their deadlines.
 */
#pragma once

#include "sb-connection.h"

G_BEGIN_DECLS

/**
 * SbListenerOptions:
 * @max_connections: connections in all, those in a TLS handshake included
 * @max_per_address: connections of one peer: an IPv4 address, or an IPv6 /64 network
 * @tick: how often deadlines are looked at, in milliseconds
 * @limits: the deadlines
 *
 * The bounds of a listener. sb_listener_options_init() sets the defaults.
 */
typedef struct
{
  guint max_connections;
  guint max_per_address;
  guint tick;
  SbConnectionLimits limits;
} SbListenerOptions;

/**
 * SbListenerStats:
 * @open: connections that are open now, those in a handshake included
 * @handshaking: those in a TLS handshake
 * @accepted: connections that were let in
 * @refused: connections over @max_connections
 * @refused_address: connections over @max_per_address
 * @overdue: connections that missed a deadline
 * @handshakes_failed: TLS handshakes that failed or were not done in time
 * @starved: how often accepting paused because the process or system was out of descriptors
 *
 * Gauges and counters for metrics.
 */
typedef struct
{
  guint open;
  guint handshaking;
  guint64 accepted;
  guint64 refused;
  guint64 refused_address;
  guint64 overdue;
  guint64 handshakes_failed;
  guint64 starved;
} SbListenerStats;

#define SB_TYPE_LISTENER (sb_listener_get_type ())
G_DECLARE_FINAL_TYPE (SbListener, sb_listener, SB, LISTENER, GObject)

/**
 * SbListenerFunc:
 * @self: the listener
 * @connection: (transfer none): a connection that is ready; who serves it takes a reference,
 *   else it is closed
 * @tag: (nullable): of the port it came by
 * @user_data: what was given with the function
 *
 * Called for each connection, from the main loop.
 */
typedef void (*SbListenerFunc) (SbListener *self, SbConnection *connection, gpointer tag,
                                gpointer user_data);

/**
 * SbListenerVisitFunc:
 * @connection: (transfer none): a connection
 * @user_data: what was given with the function
 *
 * Called by sb_listener_foreach(). May close connections.
 */
typedef void (*SbListenerVisitFunc) (SbConnection *connection, gpointer user_data);

void sb_listener_options_init (SbListenerOptions *options);

SbListener *sb_listener_new (const SbListenerOptions *options, GError **error);
gboolean sb_listener_add_address (SbListener *self, const char *host, guint16 port, gpointer tag,
                                  guint16 *bound_port, GError **error);
gboolean sb_listener_add_fd (SbListener *self, int fd, gpointer tag, GError **error);
void sb_listener_set_certificate (SbListener *self, GTlsCertificate *certificate);
void sb_listener_set_bounds (SbListener *self, guint max_connections, guint max_per_address);
void sb_listener_set_func (SbListener *self, SbListenerFunc func, gpointer user_data);
void sb_listener_foreach (SbListener *self, SbListenerVisitFunc func, gpointer user_data);
void sb_listener_get_stats (SbListener *self, SbListenerStats *stats);
void sb_listener_stop_accepting (SbListener *self);
void sb_listener_close_all (SbListener *self);

G_END_DECLS

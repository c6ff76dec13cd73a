/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-session: a WebSocket, from its upgrade to its end. Once its user is
 * known it is a path that the bus delivers to.
 */
#pragma once

#include "sb-soup-transport.h"

G_BEGIN_DECLS

#define SB_TYPE_SOUP_SESSION (sb_soup_session_get_type ())
G_DECLARE_FINAL_TYPE (SbSoupSession, sb_soup_session, SB, SOUP_SESSION, GObject)

void sb_soup_session_start (SbSoupTransport *transport, SbConnection *connection, GUri *uri,
                            const char *address);

void sb_soup_sessions_tick (SbSoupTransport *transport, gint64 now);
void sb_soup_sessions_ping (SbSoupTransport *transport);
void sb_soup_sessions_resume (SbSoupTransport *transport);
void sb_soup_sessions_take_over (SbSoupTransport *transport, gboolean keepalive);
void sb_soup_sessions_close (SbSoupTransport *transport);

G_END_DECLS

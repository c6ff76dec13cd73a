/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* transport-soup: the module. */

#include "sb-soup-transport.h"

#define SECOND G_GINT64_CONSTANT (1000)
#define DAY (86400 * SECOND)

static const SbConfigKey keys[] = {
  { "listen", SB_CONFIG_LIST, "0.0.0.0", 0, 0, SB_CONFIG_DEFAULTS, "addresses to listen on" },
  { "http-port", SB_CONFIG_INTEGER, "2555", 0, 65535, SB_CONFIG_DEFAULTS,
    "the port for HTTP; 0: a free one" },
  { "websocket-port", SB_CONFIG_INTEGER, "8000", 0, 65535, SB_CONFIG_DEFAULTS,
    "the port for WebSockets; 0: a free one" },
  { "ping-interval", SB_CONFIG_DURATION, "1", 0, DAY, SB_CONFIG_RELOADABLE,
    "how often a socket is sent {\"type\": \"ping\"}; 0: never" },
  { "keepalive-interval", SB_CONFIG_DURATION, "30", 0, DAY, SB_CONFIG_RELOADABLE,
    "how often a socket is sent a protocol ping; 0: never, and the dead are not noticed" },
  { "tls-certificate", SB_CONFIG_STRING, "", 0, 0, SB_CONFIG_RELOADABLE,
    "file with the certificate chain, PEM" },
  { "tls-key", SB_CONFIG_STRING, "", 0, 0, SB_CONFIG_RELOADABLE, "file with the private key, PEM" },
  { "max-connections", SB_CONFIG_INTEGER, "25000", 1, 1000000, SB_CONFIG_RELOADABLE,
    "connections in all" },
  { "max-connections-per-address", SB_CONFIG_INTEGER, "10000", 1, 1000000, SB_CONFIG_RELOADABLE,
    "connections of one address, or IPv6 /64 network" },
};

static gboolean
load (SbRegistry *registry, GError **error)
{
  return sb_registry_add (registry, SB_TYPE_TRANSPORT, "soup", SB_TYPE_SOUP_TRANSPORT, error);
}

SB_PLUGIN_DEFINE ("transport-soup", "Serves HTTP and WebSocket with libsoup", keys,
                  G_N_ELEMENTS (keys), load);

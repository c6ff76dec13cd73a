/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* delivery-http: the module. */

#include "sb-http-client.h"
#include "sb-http-path.h"

#define SECOND G_GINT64_CONSTANT (1000)
#define DAY (86400 * SECOND)

static const SbConfigKey keys[] = {
  { "timeout", SB_CONFIG_DURATION, "30", SECOND / 20, DAY, SB_CONFIG_DEFAULTS,
    "how long a recipient may take, from the connection to the end of its answer" },
  { "idle-timeout", SB_CONFIG_DURATION, "15", 0, DAY, SB_CONFIG_DEFAULTS,
    "how long a connection stays open without a message" },
  { "deny-addresses", SB_CONFIG_LIST, SB_HTTP_METADATA_ADDRESSES, 0, 0, SB_CONFIG_DEFAULTS,
    "addresses and networks that are never called" },
  { "ca-file", SB_CONFIG_STRING, "", 0, 0, SB_CONFIG_DEFAULTS,
    "file with authorities that are trusted besides the system's, PEM" },
};

static gboolean
load (SbRegistry *registry, GError **error)
{
  return sb_registry_add (registry, SB_TYPE_DELIVERY, "http", SB_TYPE_HTTP_PATH, error);
}

SB_PLUGIN_DEFINE ("delivery-http", "Posts messages to recipients that are HTTP servers", keys,
                  G_N_ELEMENTS (keys), load);

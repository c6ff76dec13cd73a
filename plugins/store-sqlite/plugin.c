/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The module store-sqlite: what it registers and which keys it reads. */

#include "sb-sqlite-store.h"

#define MIB (G_GINT64_CONSTANT (1) << 20)
#define GIB (MIB << 10)

static const SbConfigKey keys[] = {
  { "file", SB_CONFIG_STRING, "simplebus.db", 0, 0, SB_CONFIG_DEFAULTS,
    "The database; below data-dir unless it begins with /" },
  { "cache-size", SB_CONFIG_SIZE, "8M", MIB, GIB, SB_CONFIG_DEFAULTS,
    "Memory for pages of the database" },
  { "log-size", SB_CONFIG_SIZE, "16M", MIB, GIB, SB_CONFIG_DEFAULTS,
    "Length of the write-ahead log at which it is written back into the database" },
  { "check-size", SB_CONFIG_SIZE, "64M", 0, 1024 * GIB, SB_CONFIG_DEFAULTS,
    "Databases up to this size are checked whole at each start" },
};

static gboolean
load (SbRegistry *registry, GError **error)
{
  return sb_registry_add (registry, SB_TYPE_STORE, "sqlite", SB_TYPE_SQLITE_STORE, error);
}

SB_PLUGIN_DEFINE ("store-sqlite", "Keeps messages in a SQLite database", keys, G_N_ELEMENTS (keys),
                  load);

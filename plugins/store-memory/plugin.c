/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* store-memory: the module around the memory store. It reads nothing of its group. */

#include "sb-memory-store.h"

static gboolean
load (SbRegistry *registry, GError **error)
{
  return sb_registry_add (registry, SB_TYPE_STORE, "memory", SB_TYPE_MEMORY_STORE, error);
}

SB_PLUGIN_DEFINE ("store-memory", "Keeps everything in memory, until the bus ends", NULL, 0, load);

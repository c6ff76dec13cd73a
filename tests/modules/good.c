/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* good: a plugin as it should be. */

#include "test-thing.h"

static const SbConfigKey keys[] = {
  { "size", SB_CONFIG_SIZE, "1K", 1, 4096, SB_CONFIG_DEFAULTS, "how large" },
};

static gboolean
load (SbRegistry *registry, GError **error)
{
  return sb_registry_add (registry, TEST_TYPE_THING, "good", TEST_TYPE_IMPLEMENTATION, error);
}

SB_PLUGIN_DEFINE ("good", "A plugin as it should be", keys, G_N_ELEMENTS (keys), load);

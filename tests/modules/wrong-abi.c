/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* wrong-abi: was built for a bus of another layout. */

#include "test-thing.h"

static gboolean
load (SbRegistry *registry, GError **error)
{
  g_error ("a module of another ABI was called");
  return FALSE;
}

extern const SbPluginDescriptor sb_plugin_descriptor;
const SbPluginDescriptor sb_plugin_descriptor = {
  .magic = SB_PLUGIN_MAGIC,
  .abi = SB_PLUGIN_ABI + 1,
  .name = "wrong-abi",
  .version = "1",
  .description = "Of another layout",
  .load = load,
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* wrong-type: registers a GObject that lacks the interface. */

#include "test-thing.h"

static gboolean
load (SbRegistry *registry, GError **error)
{
  return sb_registry_add (registry, TEST_TYPE_THING, "plain", SB_TYPE_REGISTRY, error);
}

SB_PLUGIN_DEFINE ("wrong-type", "Registers what is no thing", NULL, 0, load);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* duplicate-name: wants the name that the good plugin has. */

#include "test-thing.h"

static gboolean
load (SbRegistry *registry, GError **error)
{
  return sb_registry_add (registry, TEST_TYPE_THING, "good", TEST_TYPE_IMPLEMENTATION, error);
}

SB_PLUGIN_DEFINE ("duplicate-name", "Wants a name that is taken", NULL, 0, load);

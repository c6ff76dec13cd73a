/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ignores-error: claims success in spite of an error. */

#include "test-thing.h"

static gboolean
load (SbRegistry *registry, GError **error)
{
  sb_registry_add (registry, TEST_TYPE_THING, "ignores", TEST_TYPE_IMPLEMENTATION, error);
  sb_registry_add (registry, TEST_TYPE_THING, "ignores", TEST_TYPE_IMPLEMENTATION, error);
  return TRUE;
}

SB_PLUGIN_DEFINE ("ignores-error", "Claims success after an error", NULL, 0, load);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* other-name: its file is named otherwise than itself. */

#include "test-thing.h"

static gboolean
load (SbRegistry *registry, GError **error)
{
  return sb_registry_add (registry, TEST_TYPE_THING, "other", TEST_TYPE_IMPLEMENTATION, error);
}

SB_PLUGIN_DEFINE ("another-name", "Named otherwise than its file", NULL, 0, load);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* incomplete: a descriptor that counts keys it does not have. */

#include "test-thing.h"

static gboolean
load (SbRegistry *registry, GError **error)
{
  return sb_registry_add (registry, TEST_TYPE_THING, "incomplete", TEST_TYPE_IMPLEMENTATION, error);
}

SB_PLUGIN_DEFINE ("incomplete", "Has no keys, and says it has three", NULL, 3, load);

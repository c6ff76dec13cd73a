/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* load-fails: registers a type, then meets an error. */

#include "test-thing.h"

static gboolean
load (SbRegistry *registry, GError **error)
{
  if (!sb_registry_add (registry, TEST_TYPE_THING, "half", TEST_TYPE_IMPLEMENTATION, error))
    return FALSE;
  g_set_error_literal (error, SB_ERROR, SB_ERROR_TRANSIENT, "the moon is not full");
  return FALSE;
}

SB_PLUGIN_DEFINE ("load-fails", "Fails half-way", NULL, 0, load);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* registers-nothing: loads, to no purpose. */

#include "test-thing.h"

static gboolean
load (SbRegistry *registry, GError **error)
{
  return TRUE;
}

SB_PLUGIN_DEFINE ("registers-nothing", "Brings nothing", NULL, 0, load);

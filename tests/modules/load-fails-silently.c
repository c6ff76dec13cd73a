/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* load-fails-silently: fails without an error. */

#include "test-thing.h"

static gboolean
load (SbRegistry *registry, GError **error)
{
  return FALSE;
}

SB_PLUGIN_DEFINE ("load-fails-silently", "Fails, and does not say why", NULL, 0, load);

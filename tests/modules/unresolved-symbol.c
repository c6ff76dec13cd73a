/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* unresolved-symbol: calls a function that nobody has. */

#include "test-thing.h"

gboolean a_function_of_a_newer_bus (SbRegistry *registry);

static gboolean
load (SbRegistry *registry, GError **error)
{
  return a_function_of_a_newer_bus (registry);
}

SB_PLUGIN_DEFINE ("unresolved-symbol", "Was built for a newer bus", NULL, 0, load);

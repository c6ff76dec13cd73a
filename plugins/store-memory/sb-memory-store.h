/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-memory-store: an SbStore that keeps everything in memory. What it holds
 * is lost when the process ends, so it is for tests, for trying out, and for
 * buses that promise nothing.
 */
#pragma once

#include "simplebus.h"

G_BEGIN_DECLS

#define SB_TYPE_MEMORY_STORE (sb_memory_store_get_type ())
G_DECLARE_DERIVABLE_TYPE (SbMemoryStore, sb_memory_store, SB, MEMORY_STORE, GObject)

struct _SbMemoryStoreClass
{
  GObjectClass parent_class;
};

G_END_DECLS

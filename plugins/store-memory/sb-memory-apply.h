/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-memory-apply: carries out operations on what the memory store holds. */
#pragma once

#include "sb-memory-state.h"

G_BEGIN_DECLS

void memory_apply (MemoryState *state, SbOperation *operation);

G_END_DECLS

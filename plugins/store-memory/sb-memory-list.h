/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-memory-list: what the memory store tells of queues, deliveries, messages and files. */
#pragma once

#include "sb-memory-state.h"

G_BEGIN_DECLS

SbBacklog memory_list_backlog (const MemoryAccount *account);
GPtrArray *memory_list_queues (MemoryState *state, gint64 after, guint limit);
GPtrArray *memory_list_deliveries (MemoryState *state, const SbDeliveryFilter *filter,
                                   const char *after, guint limit, char **next, GError **error);
SbMessageStatus *memory_list_status (MemoryMessage *message);
SbFileInfo *memory_list_file (MemoryMessage *message);
GPtrArray *memory_list_files (MemoryState *state, const char *after, guint limit);

G_END_DECLS

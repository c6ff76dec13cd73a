/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-load-transfer: files that go up and come down, each over a blocking connection of its own.
 *
 * What goes up leaves the page cache by sendfile(). What comes down the kernel drops without
 * copying it out, unless asked for. So a gigabyte costs the generator next to nothing, and the
 * figure is the server's.
 */
#pragma once

#include "sb-load-run.h"

G_BEGIN_DECLS

typedef struct _SbLoadTransfers SbLoadTransfers;

SbLoadTransfers *sb_load_transfers_start (const SbLoadOptions *options);
guint64 sb_load_transfers_get_uploaded (SbLoadTransfers *self);
guint64 sb_load_transfers_get_downloaded (SbLoadTransfers *self);
void sb_load_transfers_free (SbLoadTransfers *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbLoadTransfers, sb_load_transfers_free)

G_END_DECLS

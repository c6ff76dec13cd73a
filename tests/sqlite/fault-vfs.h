/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fault-vfs: files that fail on command, below SQLite. A layer over the usual
 * one, which becomes the default of the process.
 */
#pragma once

#include <glib.h>

/* What fails while it is set. */
typedef struct
{
  gboolean writes_are_full; /* as on a full disk */
  int full_after;           /* after so many more writes */
  gboolean log_syncs_fail;  /* flushing the write-ahead log */
  gboolean db_syncs_fail;   /* flushing the database */
  guint n_failed;           /* counted */
} FaultVfs;

extern FaultVfs fault_vfs;

void fault_vfs_install (void);

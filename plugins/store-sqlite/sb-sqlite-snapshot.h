/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-sqlite-snapshot: a copy of the database, made beside the work and put back elsewhere. */
#pragma once

#include "sb-sqlite-db.h"

/* What is copied, and what the copy may cost. */
typedef struct
{
  const char *path;     /* the database */
  const char *log_path; /* its log, which nobody can cut while it is read from */
  gint64 log_max;       /* bytes of the log at which the copy is given up */
} SbSqliteSource;

gboolean sb_sqlite_snapshot_take (const SbSqliteSource *source, const char *folder,
                                  SbSnapshotFunc func, gpointer user_data,
                                  GCancellable *cancellable, GError **error);
gboolean sb_sqlite_snapshot_put_back (const char *folder, const char *path, GError **error);

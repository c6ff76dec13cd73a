/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-restore: a backup becomes a data folder again, or nothing happens. These
 * functions block: no bus runs in the process.
 */
#pragma once

#include "sb-config.h"
#include "sb-registry.h"

G_BEGIN_DECLS

/**
 * SbRestoreReport:
 *
 * What is in a backup.
 */
typedef struct
{
  char *version;     /* (owned) of the program that made it */
  gint64 created;    /* wall clock, microseconds */
  guint64 bytes;     /* of its members */
  guint n_files;     /* whole ones */
  guint n_damaged;   /* that were damaged or missing when it was made: they are not restored */
  guint n_users;     /* restored; 0 when it was only verified, as what follows */
  guint64 n_waiting; /* deliveries */
} SbRestoreReport;

void sb_restore_report_clear (SbRestoreReport *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SbRestoreReport, sb_restore_report_clear)

int sb_restore_open (const char *path, GError **error);
gboolean sb_restore_verify (int fd, SbRestoreReport *report, GError **error);
gboolean sb_restore_run (SbConfig *config, SbRegistry *registry, const char *data_dir, int fd,
                         SbRestoreReport *report, GError **error);
gboolean sb_restore_settle (const char *data_dir, GError **error);

G_END_DECLS

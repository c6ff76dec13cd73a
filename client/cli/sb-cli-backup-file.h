/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-backup-file: a file that is there whole or not at all. What has come so far is in a file
 * beside it, whose name ends with ".part".
 */
#pragma once

#include "sb-cli.h"

G_BEGIN_DECLS

typedef struct _SbCliBackupFile SbCliBackupFile;

/* @path: where it is to be, %NULL: standard output; @may_replace: what is there may go */
SbCliBackupFile *sb_cli_backup_file_new (const char *path, gboolean may_replace, GError **error);
/* What was not kept goes. */
void sb_cli_backup_file_free (SbCliBackupFile *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbCliBackupFile, sb_cli_backup_file_free)

gboolean sb_cli_backup_file_write (SbCliBackupFile *self, const void *data, gsize length,
                                   GError **error);
/* Gives it its name, once it is on the disk. */
gboolean sb_cli_backup_file_keep (SbCliBackupFile *self, GError **error);

/* In a folder: simplebus-20260301T093000Z.tar, and only the newest of these stay. */
char *sb_cli_backup_file_make_name (const char *folder);
gboolean sb_cli_backup_file_prune (const char *folder, guint keep, GError **error);

G_END_DECLS

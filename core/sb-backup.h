/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-backup: a copy of all that the bus keeps, made while it works, as one
 * stream of bytes. One at a time.
 *
 *     sb_bus_backup_async()    the store is copied, files are held, the manifest is made
 *     sb_backup_write_async()  the archive is written to whoever takes it
 *
 * All functions are called on the main context; threads do the work, behind everything else.
 */
#pragma once

#include "sb-bus.h"

G_BEGIN_DECLS

typedef struct _SbBackup SbBackup;

/**
 * SbBackupFunc:
 * @data: bytes of the archive
 * @length: how many
 * @user_data: as given to sb_backup_write_async()
 * @error: why no more is wanted
 *
 * Takes the next bytes of an archive, on a thread of the backup; may block, and returns soon after
 * the backup was cancelled.
 *
 * Returns: whether to go on
 */
typedef gboolean (*SbBackupFunc) (const void *data, gsize length, gpointer user_data,
                                  GError **error);

void sb_bus_backup_async (SbBus *self, SbUser *actor, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer user_data);
SbBackup *sb_bus_backup_finish (SbBus *self, GAsyncResult *result, GError **error);

SbBackup *sb_backup_ref (SbBackup *self);
void sb_backup_unref (SbBackup *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbBackup, sb_backup_unref)

gint64 sb_backup_get_time (SbBackup *self);
GCancellable *sb_backup_get_cancellable (SbBackup *self);
void sb_backup_write_async (SbBackup *self, SbBackupFunc func, gpointer func_data,
                            GAsyncReadyCallback callback, gpointer user_data);
gboolean sb_backup_write_finish (SbBackup *self, GAsyncResult *result, GError **error);

G_END_DECLS

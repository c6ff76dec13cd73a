/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-vault: files on disk. A file comes in as a stream, is checksummed on the
 * way, flushed, and only then gets its place; it goes when nobody needs it.
 *
 *   data-dir/files/incoming/<id>   being received
 *   data-dir/files/uploads/<id>.*  the same, over many requests
 *   data-dir/files/<xx>/<id>       complete and flushed; xx: the id's last two digits
 *
 * Everything that touches the disk runs on the vault's own threads; the
 * functions here are called on the main context and never block, but for
 * opening and sweeping at start.
 */
#pragma once

#include "sb-file.h"
#include "sb-metrics.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define SB_TYPE_VAULT (sb_vault_get_type ())
G_DECLARE_FINAL_TYPE (SbVault, sb_vault, SB, VAULT, GObject)

typedef struct _SbIncoming SbIncoming;

/**
 * SbIncomingFunc:
 * @incoming: a file that is being received
 * @user_data: given with sb_incoming_set_func()
 *
 * What was written has gone to the disk: more can be written, or it has failed.
 */
typedef void (*SbIncomingFunc) (SbIncoming *incoming, gpointer user_data);

/**
 * SbSweepReport:
 *
 * What sb_vault_sweep() found.
 */
typedef struct
{
  guint n_files;        /* that are there as they should be */
  guint64 bytes;        /* of them */
  guint n_orphans;      /* files that no message named: removed */
  guint64 orphan_bytes; /* of them */
  GPtrArray
      *missing; /* (owned) (element-type utf8) ids that a message names and that are not there */
  GPtrArray *wrong; /* (owned) (element-type utf8) ids of files whose size is another one */
} SbSweepReport;

SbVault *sb_vault_new (const char *data_dir, gint64 disk_reserve, SbMetrics *metrics);
gboolean sb_vault_open (SbVault *self, GError **error);
void sb_vault_close (SbVault *self);
void sb_vault_set_disk_reserve (SbVault *self, gint64 disk_reserve);

/* Receiving. */
SbIncoming *sb_vault_receive (SbVault *self, const char *id);
SbIncoming *sb_incoming_ref (SbIncoming *self);
void sb_incoming_unref (SbIncoming *self);
const char *sb_incoming_get_id (SbIncoming *self);
void sb_incoming_set_func (SbIncoming *self, SbIncomingFunc func, gpointer user_data);
gboolean sb_incoming_write (SbIncoming *self, GBytes *bytes);
gboolean sb_incoming_is_full (SbIncoming *self);
const GError *sb_incoming_get_error (SbIncoming *self);
guint64 sb_incoming_get_size (SbIncoming *self);
void sb_incoming_finish_async (SbIncoming *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean sb_incoming_finish_finish (SbIncoming *self, GAsyncResult *result, guint64 *size,
                                    guint8 *digest, GError **error);
void sb_incoming_abort (SbIncoming *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbIncoming, sb_incoming_unref)

/* Keeping. */
void sb_vault_keep_async (SbVault *self, const char *const *ids, GAsyncReadyCallback callback,
                          gpointer user_data);
gboolean sb_vault_keep_finish (SbVault *self, GAsyncResult *result, GError **error);
void sb_vault_remove (SbVault *self, const char *id);
void sb_vault_open_file_async (SbVault *self, SbFile *file, GAsyncReadyCallback callback,
                               gpointer user_data);
int sb_vault_open_file_finish (SbVault *self, GAsyncResult *result, GError **error);

/**
 * SbVaultHoldFunc:
 * @id: of a file that nobody needs any more
 * @user_data: as given to sb_vault_narrow_hold()
 *
 * Returns: whether it has to stay
 */
typedef gboolean (*SbVaultHoldFunc) (const char *id, gpointer user_data);

/* Holding. */
void sb_vault_hold (SbVault *self);
void sb_vault_narrow_hold (SbVault *self, SbVaultHoldFunc func, gpointer user_data);
void sb_vault_release_hold (SbVault *self);

/* Looking after. */
gboolean sb_vault_sweep (SbVault *self, GHashTable *files, SbSweepReport *report, GError **error);
void sb_sweep_report_clear (SbSweepReport *report);
gboolean sb_vault_check_file (SbVault *self, SbFile *file, GError **error);
void sb_vault_set_damaged (SbVault *self, const char *id);

/* The same a piece at a time. */
typedef struct _SbFileCheck SbFileCheck;
SbFileCheck *sb_file_check_new (SbVault *vault, SbFile *file);
void sb_file_check_free (SbFileCheck *self);
SbFile *sb_file_check_get_file (SbFileCheck *self);
void sb_file_check_read_async (SbFileCheck *self, gsize bytes, GAsyncReadyCallback callback,
                               gpointer user_data);
gboolean sb_file_check_read_finish (SbFileCheck *self, GAsyncResult *result, gboolean *is_over,
                                    GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbFileCheck, sb_file_check_free)

G_END_DECLS

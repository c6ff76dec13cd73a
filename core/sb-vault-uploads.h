/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-vault-uploads: files that come in pieces, over many requests and over
 * restarts of the bus.
 *
 *   data-dir/files/uploads/<id>.info   what it will be
 *   data-dir/files/uploads/<id>.part   the bytes so far: its size is how far it has come
 *   data-dir/files/uploads/<id>.mark   how much of the part is verified, while more is not yet
 */
#pragma once

#include "sb-uploads.h"
#include "sb-vault.h"

G_BEGIN_DECLS

/**
 * SbStoredUpload:
 *
 * An upload as it was found on the disk.
 */
typedef struct
{
  char *id;       /* (owned) */
  GBytes *info;   /* (owned) as it was given to sb_vault_write_upload_async() */
  guint64 size;   /* of the part */
  gint64 touched; /* when something last came, wall clock, microseconds */
} SbStoredUpload;

SbIncoming *sb_vault_resume (SbVault *self, const char *id);
void sb_incoming_expect (SbIncoming *self, SbChecksum kind, const guint8 *digest);
void sb_incoming_settle_async (SbIncoming *self, gboolean is_whole, GAsyncReadyCallback callback,
                               gpointer user_data);
gboolean sb_incoming_settle_finish (SbIncoming *self, GAsyncResult *result, guint64 *size,
                                    GError **error);

void sb_vault_write_upload_async (SbVault *self, const char *id, GBytes *info,
                                  GAsyncReadyCallback callback, gpointer user_data);
void sb_vault_link_upload_async (SbVault *self, const char *id, GAsyncReadyCallback callback,
                                 gpointer user_data);
void sb_vault_unlink_upload_async (SbVault *self, const char *id, GAsyncReadyCallback callback,
                                   gpointer user_data);
void sb_vault_end_upload_async (SbVault *self, const char *id, GBytes *info,
                                GAsyncReadyCallback callback, gpointer user_data);
void sb_vault_remove_upload_async (SbVault *self, const char *id, GAsyncReadyCallback callback,
                                   gpointer user_data);
gboolean sb_vault_upload_finish (SbVault *self, GAsyncResult *result, GError **error);
GPtrArray *sb_vault_list_uploads (SbVault *self, GError **error);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-uploads: files that come in pieces, over many requests, cut connections
 * and restarts of the bus, and are announced when they are complete.
 *
 * An upload belongs to who created it. One request at a time has the claim to
 * write to it: the youngest. What an older one still has to say is ignored, so
 * that nobody is locked out by a request of his own that is dead already.
 */
#pragma once

#include "sb-bus.h"

G_BEGIN_DECLS

/**
 * SbChecksum:
 * @SB_CHECKSUM_NONE: nothing to compare with
 * @SB_CHECKSUM_SHA1: 20 bytes
 * @SB_CHECKSUM_SHA256: 32 bytes
 *
 * How a client lets a piece be verified.
 */
typedef enum
{
  SB_CHECKSUM_NONE,
  SB_CHECKSUM_SHA1,
  SB_CHECKSUM_SHA256,
} SbChecksum;

typedef struct _SbUpload SbUpload;

/**
 * SbUploadFunc:
 * @upload: an upload
 * @user_data: as given to sb_upload_begin()
 *
 * There is room for more bytes, or it has failed.
 */
typedef void (*SbUploadFunc) (SbUpload *upload, gpointer user_data);

SbUpload *sb_upload_ref (SbUpload *self);
void sb_upload_unref (SbUpload *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbUpload, sb_upload_unref)

void sb_bus_create_upload_async (SbBus *self, SbUser *owner, guint64 length, const char *name,
                                 GBytes *json, const char *base_url, GAsyncReadyCallback callback,
                                 gpointer user_data);
SbUpload *sb_bus_create_upload_finish (SbBus *self, GAsyncResult *result, GError **error);
SbUpload *sb_bus_find_upload (SbBus *self, SbUser *user, const char *id, GError **error);

const char *sb_upload_get_id (SbUpload *self);
const char *sb_upload_get_message_id (SbUpload *self);
const char *sb_upload_get_name (SbUpload *self);
guint64 sb_upload_get_length (SbUpload *self);
gint64 sb_upload_get_expires (SbUpload *self);

void sb_upload_claim_async (SbUpload *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean sb_upload_claim_finish (SbUpload *self, GAsyncResult *result, guint *claim,
                                 guint64 *offset, GError **error);
gboolean sb_upload_begin (SbUpload *self, guint claim, guint64 offset, SbChecksum kind,
                          const guint8 *digest, SbUploadFunc func, gpointer user_data,
                          GError **error);
gboolean sb_upload_write (SbUpload *self, guint claim, GBytes *bytes);
gboolean sb_upload_is_full (SbUpload *self, guint claim);
gboolean sb_upload_has_failed (SbUpload *self, guint claim);
void sb_upload_end_async (SbUpload *self, guint claim, gboolean is_whole,
                          GAsyncReadyCallback callback, gpointer user_data);
gboolean sb_upload_end_finish (SbUpload *self, GAsyncResult *result, guint64 *offset,
                               GError **error);
void sb_upload_remove_async (SbUpload *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean sb_upload_remove_finish (SbUpload *self, GAsyncResult *result, GError **error);

G_END_DECLS

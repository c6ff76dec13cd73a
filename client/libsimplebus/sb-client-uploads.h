/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-client-uploads: sends files by tus, and goes on where it was cut off, also after a crash. */
#pragma once

#include "sb-client-private.h"

G_BEGIN_DECLS

/* @folder: for the state files; made when it is not there */
SbClientUploads *sb_client_uploads_new (SbClient *client, const char *folder, GError **error);
void sb_client_uploads_free (SbClientUploads *self);
void sb_client_uploads_close_async (SbClientUploads *self, GAsyncReadyCallback callback,
                                    gpointer user_data);
gboolean sb_client_uploads_close_finish (SbClientUploads *self, GAsyncResult *result,
                                         GError **error);
/* Takes what earlier processes left up again. */
void sb_client_uploads_resume (SbClientUploads *self);

SbClientTransfer *sb_client_uploads_add (SbClientUploads *self, SbClientDraft *draft,
                                         const char *path, const char *display_name,
                                         GError **error);
void sb_client_uploads_wake (SbClientUploads *self);
void sb_client_uploads_list (SbClientUploads *self, GPtrArray *transfers);

G_END_DECLS

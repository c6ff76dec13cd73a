/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-downloads: fetches the files that notices tell of, whatever happens meanwhile.
 *
 * Of each file there is a state file from the moment its notice was taken until its delivery has
 * ended: fetching → placed → confirmed. A start goes on where the last process stopped.
 */
#pragma once

#include "sb-client-private.h"

G_BEGIN_DECLS

/* @folder: for the state files; made when it is not there */
SbClientDownloads *sb_client_downloads_new (SbClient *client, const char *folder, GError **error);
void sb_client_downloads_free (SbClientDownloads *self);
void sb_client_downloads_close_async (SbClientDownloads *self, GAsyncReadyCallback callback,
                                      gpointer user_data);
gboolean sb_client_downloads_close_finish (SbClientDownloads *self, GAsyncResult *result,
                                           GError **error);
/* Takes what earlier processes left up again. */
void sb_client_downloads_resume (SbClientDownloads *self);

/* A notice came, perhaps not for the first time. */
void sb_client_downloads_take (SbClientDownloads *self, SbClientMessage *notice);
/* The program confirms a file that is in place. Returns: whether there is such a file */
gboolean sb_client_downloads_confirm (SbClientDownloads *self, const char *id);
/* The connection is there again: what waits for its next attempt need not wait any longer. */
void sb_client_downloads_wake (SbClientDownloads *self);
void sb_client_downloads_list (SbClientDownloads *self, GPtrArray *transfers);

G_END_DECLS

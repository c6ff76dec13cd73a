/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-client-parts: makes the parts of a client when they are needed, and ends them in order. */
#pragma once

#include "sb-client-private.h"

G_BEGIN_DECLS

typedef struct _SbClientParts SbClientParts;

/* @client: not owned; it owns the parts. */
SbClientParts *sb_client_parts_new (SbClient *client);
void sb_client_parts_free (SbClientParts *self);
SbClientParts *sb_client_get_parts (SbClient *client);

/* All that the settings ask for; what an earlier run left is taken up again. */
gboolean sb_client_parts_prepare (SbClientParts *self, GError **error);
void sb_client_parts_close_async (SbClientParts *self, GAsyncReadyCallback callback,
                                  gpointer user_data);
gboolean sb_client_parts_close_finish (GAsyncResult *result, GError **error);

/* %NULL when it was not made yet. */
SbClientOutbox *sb_client_parts_peek_outbox (SbClientParts *self);
SbClientUploads *sb_client_parts_peek_uploads (SbClientParts *self);
SbClientDownloads *sb_client_parts_peek_downloads (SbClientParts *self);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-outbox: messages that the bus has not accepted yet, on disk, in order.
 *
 * A message is in the outbox when it was flushed, goes out over the session in the order in which
 * it came, and leaves with the bus's `accepted` or its refusal. After a reconnect or a crash those
 * that were not heard of go out again with the same `_id`, which the bus takes once.
 */
#pragma once

#include "sb-client-private.h"

G_BEGIN_DECLS

/* @path: (nullable): of the database; %NULL: in memory only */
SbClientOutbox *sb_client_outbox_new (SbClient *client, const char *path, GError **error);
void sb_client_outbox_free (SbClientOutbox *self);
/* Ends when everything is written. */
void sb_client_outbox_close_async (SbClientOutbox *self, GAsyncReadyCallback callback,
                                   gpointer user_data);
gboolean sb_client_outbox_close_finish (SbClientOutbox *self, GAsyncResult *result, GError **error);

void sb_client_outbox_append_async (SbClientOutbox *self, SbClientDraft *draft,
                                    GCancellable *cancellable, GAsyncReadyCallback callback,
                                    gpointer user_data);
char *sb_client_outbox_append_finish (SbClientOutbox *self, GAsyncResult *result, GError **error);
void sb_client_outbox_flush_async (SbClientOutbox *self, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);
gboolean sb_client_outbox_flush_finish (SbClientOutbox *self, GAsyncResult *result, GError **error);
guint sb_client_outbox_get_length (SbClientOutbox *self);

/* The session tells: it is open and may be written to again; it broke, with that close code. */
void sb_client_outbox_pump (SbClientOutbox *self);
void sb_client_outbox_rewind (SbClientOutbox *self, guint code);
/* The bus's words. @reason: (nullable): a word for why. Returns: whether it was of the outbox */
gboolean sb_client_outbox_accepted (SbClientOutbox *self, const char *id);
gboolean sb_client_outbox_refused (SbClientOutbox *self, const char *id, const char *reason,
                                   const GError *error);
/* For a bus that does not say what it accepts: how many were sent since it broke last; and the
 * first so many of them were read. */
guint64 sb_client_outbox_get_n_sent (SbClientOutbox *self);
void sb_client_outbox_read_up_to (SbClientOutbox *self, guint64 n_sent);

G_END_DECLS

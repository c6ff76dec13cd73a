/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-request: requests to the bus in the thread of a transfer, which may wait.
 *
 * No byte for half a minute, either way, is a dead connection: SB_CLIENT_ERROR_TIMED_OUT.
 */
#pragma once

#include "sb-client-fault.h"
#include "sb-client-private.h"

G_BEGIN_DECLS

/* What a run has of its own; on the stack. */
typedef struct
{
  const SbClientSettings *settings;
  SoupSession *session;      /* (owned) */
  GCancellable *cancellable; /* (unowned) (nullable) */
  guint status;              /* of the last answer; 0: none */
  gint64 retry_after;        /* of the last answer, ms; 0: it did not say */
} SbClientRequests;

void sb_client_requests_init (SbClientRequests *self, const SbClientSettings *settings,
                              GCancellable *cancellable);
void sb_client_requests_clear (SbClientRequests *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SbClientRequests, sb_client_requests_clear)

SoupMessage *sb_client_requests_new (SbClientRequests *self, const char *method, const char *path,
                                     GError **error);
/* The answer, up to some size. Returns: (transfer full) (nullable): %NULL when the bus refused */
GBytes *sb_client_requests_send (SbClientRequests *self, SoupMessage *message, GError **error);
/* The same of an answer that is read as it comes. */
GInputStream *sb_client_requests_open (SbClientRequests *self, SoupMessage *message,
                                       GError **error);
/* What went wrong while reading, in words of the client; @error may be NULL: the end came early. */
GError *sb_client_requests_wrap (SbClientRequests *self, const GError *error);

G_END_DECLS

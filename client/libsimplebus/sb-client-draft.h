/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-client-draft: a message on its way to being sent. */
#pragma once

#include "sb-client-error.h"

G_BEGIN_DECLS

/**
 * SbClientDraft:
 *
 * Whom a message goes to, what is in it and how it is to be delivered.
 */
#define SB_TYPE_CLIENT_DRAFT (sb_client_draft_get_type ())
SB_CLIENT_API
G_DECLARE_FINAL_TYPE (SbClientDraft, sb_client_draft, SB, CLIENT_DRAFT, GObject)

SB_CLIENT_API SbClientDraft *sb_client_draft_new (const char *const *to, const char *payload,
                                                  GError **error);
SB_CLIENT_API SbClientDraft *sb_client_draft_new_from_json (const char *json, GError **error);

SB_CLIENT_API const char *sb_client_draft_get_id (SbClientDraft *self);
SB_CLIENT_API gboolean sb_client_draft_set_id (SbClientDraft *self, const char *id, GError **error);
SB_CLIENT_API void sb_client_draft_set_uids (SbClientDraft *self, const char *const *uids);
SB_CLIENT_API void sb_client_draft_set_ttl (SbClientDraft *self, gint64 seconds);
SB_CLIENT_API void sb_client_draft_set_not_before (SbClientDraft *self, gint64 unix_time);
SB_CLIENT_API gboolean sb_client_draft_get_direct (SbClientDraft *self);
SB_CLIENT_API void sb_client_draft_set_direct (SbClientDraft *self, gboolean direct);
SB_CLIENT_API gboolean sb_client_draft_set_member (SbClientDraft *self, const char *name,
                                                   const char *json, GError **error);
SB_CLIENT_API char *sb_client_draft_to_json (SbClientDraft *self);

G_END_DECLS

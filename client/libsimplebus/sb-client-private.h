/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-private: how the parts of a client know each other.
 *
 *   program → SbClient ─┬─ outbox ──→ session ──→ bus        messages out, accepted in order
 *                       ├─ uploads ─────────────→ bus (tus)   files out
 *   program ← SbClient ←┼─ session ←──────────── bus         messages, receipts in
 *                       └─ downloads ←────────── bus (GET)    files in
 *
 * All of it lives in the main context in which the client was made; threads read and write files
 * and databases, and come back with what they found.
 */
#pragma once

#include "sb-client.h"

#include <libsoup/soup.h>

G_BEGIN_DECLS

typedef struct _SbClientSession SbClientSession;
typedef struct _SbClientOutbox SbClientOutbox;
typedef struct _SbClientUploads SbClientUploads;
typedef struct _SbClientDownloads SbClientDownloads;

/**
 * SbClientSettings:
 * @url: of the bus over HTTP, without a slash at the end
 * @websocket_url: of the bus over WebSocket
 * @user: its id
 * @password: (nullable): its password
 * @state_dir: (nullable): absolute; where outbox and transfers are kept; %NULL: in memory, and no
 *   files are sent or received
 * @download_dir: (nullable): absolute; where files go; %NULL: their notices are messages like
 *   others
 * @tls_database: (nullable): whom to trust; %NULL: whom the system trusts
 * @auto_confirm: confirm what was received when the handlers have returned
 * @receipts: ask for receipts
 *
 * What a client was told. Strings never change once the client is constructed.
 */
typedef struct
{
  char *url;                  /* (owned) */
  char *websocket_url;        /* (owned) */
  char *user;                 /* (owned) */
  char *password;             /* (owned) (nullable) */
  char *state_dir;            /* (owned) (nullable) */
  char *download_dir;         /* (owned) (nullable) */
  GTlsDatabase *tls_database; /* (owned) (nullable) */
  gboolean auto_confirm;
  gboolean receipts;
} SbClientSettings;

/* What the parts may ask of a client. */
const SbClientSettings *sb_client_get_settings (SbClient *self);
SbClientSession *sb_client_get_session (SbClient *self);
SbClientOutbox *sb_client_get_outbox (SbClient *self, GError **error);
SbClientUploads *sb_client_get_uploads (SbClient *self, GError **error);
SbClientDownloads *sb_client_get_downloads (SbClient *self, GError **error);

/* Of a draft: sb-client-draft.c. Gives it an _id, unless it has one. */
void sb_client_draft_make_id (SbClientDraft *self);
/* Returns: (transfer full): the draft when it has an _id, else a copy with one */
SbClientDraft *sb_client_draft_with_id (SbClientDraft *self);

/* What the parts tell it; each emits the signal of its name. */
void sb_client_set_state (SbClient *self, SbClientState state, const GError *reason);
void sb_client_set_pending (SbClient *self, gint64 pending);
void sb_client_emit_message (SbClient *self, SbClientMessage *message);
void sb_client_emit_message_download (SbClient *self, SbClientMessage *message, const char *path);
void sb_client_emit_confirmation (SbClient *self, const char *id, const char *recipient);
void sb_client_emit_expired (SbClient *self, const char *id, const char *recipient,
                             const char *reason);
void sb_client_emit_accepted (SbClient *self, const char *id);
void sb_client_emit_error (SbClient *self, const char *id, const GError *error);
void sb_client_emit_transfer (SbClient *self, SbClientTransfer *transfer);
void sb_client_outbox_changed (SbClient *self);

SoupSession *sb_client_get_http (SbClient *self);

/* HTTP: sb-client-http.c. A session may be used in the thread that made it only. */
SoupSession *sb_client_http_new_session (const SbClientSettings *settings);
SoupMessage *sb_client_http_new_message (const SbClientSettings *settings, const char *method,
                                         const char *path, GError **error);
GError *sb_client_http_error (guint status, GBytes *body, SoupMessageHeaders *headers);
GError *sb_client_http_wrap_error (const GError *error, const char *url);
gint64 sb_client_http_get_retry_after (SoupMessageHeaders *headers);

/* Back-off: sb-client-backoff.c. */
typedef struct
{
  guint failures;
} SbClientBackoff;

gint64 sb_client_backoff_next (SbClientBackoff *self);
void sb_client_backoff_reset (SbClientBackoff *self);

G_END_DECLS

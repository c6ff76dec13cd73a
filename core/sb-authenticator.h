/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-authenticator: is this user who it says it is?
 *
 * Remembers whom it has verified, lets workers verify the others, slows down who guesses,
 * and signs tokens that stand in for a password. It does not know the users: the caller
 * brings the stored hash along.
 */
#pragma once

#include "sb-clock.h"
#include "sb-password.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define SB_TYPE_AUTHENTICATOR (sb_authenticator_get_type ())
G_DECLARE_FINAL_TYPE (SbAuthenticator, sb_authenticator, SB, AUTHENTICATOR, GObject)

SbAuthenticator *sb_authenticator_new (SbPasswordPool *pool, SbClock *clock, GBytes *token_secret);

gboolean sb_authenticator_is_known (SbAuthenticator *self, const char *id,
                                    const char *password_hash, const char *password);
void sb_authenticator_check_async (SbAuthenticator *self, const char *id, const char *password_hash,
                                   const char *password, const char *address,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer user_data);
gboolean sb_authenticator_check_finish (SbAuthenticator *self, GAsyncResult *result,
                                        GError **error);
const char *sb_authenticator_get_renewed_hash (GAsyncResult *result);
guint sb_authenticator_retry_after (SbAuthenticator *self, const char *id, const char *address);
void sb_authenticator_remember (SbAuthenticator *self, const char *id, const char *password_hash,
                                const char *password);
void sb_authenticator_forget (SbAuthenticator *self, const char *id);

char *sb_authenticator_make_token (SbAuthenticator *self, const char *id, const char *password_hash,
                                   gint64 lifetime_s);
gboolean sb_authenticator_check_token (SbAuthenticator *self, const char *id,
                                       const char *password_hash, const char *token,
                                       const char *address, GError **error);

G_END_DECLS

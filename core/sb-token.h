/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-token: a signed word of the bus that somebody gave the right password, good until a
 * moment that it names. Nothing is stored: what a token is worth follows from the secret
 * and from the user's password hash, and ends when either changes.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

char *sb_token_make (GBytes *secret, const char *id, const char *password_hash, gint64 expires_s);
gboolean sb_token_is_genuine (GBytes *secret, const char *id, const char *password_hash,
                              const char *token, gint64 *expires_s);

G_END_DECLS

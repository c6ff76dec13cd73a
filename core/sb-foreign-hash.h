/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-foreign-hash: password hashes of the original bus, as werkzeug writes them:
 * `pbkdf2:sha256:260000$salt$digest` and `scrypt:32768:8:1$salt$digest`.
 *
 * They come from a file that somebody brought along, so every number in them has a bound.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

gboolean sb_foreign_hash_check (const char *hash, GError **error);
gboolean sb_foreign_hash_verify (const char *password, const char *hash, gboolean *matches,
                                 GError **error);

G_END_DECLS

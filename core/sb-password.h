/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-password: hashing and verifying of passwords, and the threads that do it.
 *
 * A hash is meant to be slow, so nothing here that hashes may run on the main loop:
 * the two blocking functions are for tools and workers, the pool is for everybody else.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define SB_PASSWORD_MAX_LENGTH 511 /* bytes; libcrypt's own limit */

char *sb_password_hash (const char *password, GError **error);
gboolean sb_password_verify (const char *password, const char *hash, gboolean *matches,
                             GError **error);
gboolean sb_password_is_foreign (const char *hash);
gboolean sb_password_check_hash (const char *hash, GError **error);
char *sb_password_make_dummy (void);

#define SB_TYPE_PASSWORD_POOL (sb_password_pool_get_type ())
G_DECLARE_FINAL_TYPE (SbPasswordPool, sb_password_pool, SB, PASSWORD_POOL, GObject)

SbPasswordPool *sb_password_pool_new (void);
SbPasswordPool *sb_password_pool_new_full (guint n_threads, guint capacity);

void sb_password_pool_verify_async (SbPasswordPool *self, const char *password, const char *hash,
                                    const char *address, GCancellable *cancellable,
                                    GAsyncReadyCallback callback, gpointer user_data);
gboolean sb_password_pool_verify_finish (SbPasswordPool *self, GAsyncResult *result,
                                         gboolean *matches, GError **error);
const char *sb_password_pool_get_renewed_hash (GAsyncResult *result);
void sb_password_pool_hash_async (SbPasswordPool *self, const char *password, const char *address,
                                  GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data);
char *sb_password_pool_hash_finish (SbPasswordPool *self, GAsyncResult *result, GError **error);

void sb_password_pool_close (SbPasswordPool *self);
guint sb_password_pool_get_n_waiting (SbPasswordPool *self);
guint64 sb_password_pool_get_n_started (SbPasswordPool *self);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-accounts: who is who, and who may change whom. Logs users in, makes the
 * first one, and carries out lists of changes, all or nothing.
 *
 * The main context owns it; hashing runs in the password pool.
 */
#pragma once

#include <gio/gio.h>

#include "sb-authenticator.h"
#include "sb-directory.h"
#include "sb-journal.h"
#include "sb-metrics.h"
#include "sb-user-import.h"

G_BEGIN_DECLS

#define SB_TYPE_ACCOUNTS (sb_accounts_get_type ())
G_DECLARE_FINAL_TYPE (SbAccounts, sb_accounts, SB, ACCOUNTS, GObject)

SbAccounts *sb_accounts_new (SbConfig *config, SbJournal *journal, SbPasswordPool *pool,
                             SbAuthenticator *authenticator, SbClock *clock);
gboolean sb_accounts_load (SbAccounts *self, GError **error);
SbDirectory *sb_accounts_get_directory (SbAccounts *self);
void sb_accounts_count_in (SbAccounts *self, SbMetrics *metrics);

SbUser *sb_accounts_recognise (SbAccounts *self, const char *id, const char *password);
void sb_accounts_log_in_async (SbAccounts *self, const char *id, const char *password,
                               const char *address, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data);
SbUser *sb_accounts_log_in_finish (SbAccounts *self, GAsyncResult *result, GError **error);
SbUser *sb_accounts_check_token (SbAccounts *self, const char *id, const char *token,
                                 const char *address, GError **error);
char *sb_accounts_make_token (SbAccounts *self, SbUser *user);
guint sb_accounts_get_retry_after (SbAccounts *self, const char *id, const char *address);

void sb_accounts_put_async (SbAccounts *self, SbUser *actor, const char *json, gsize length,
                            GAsyncReadyCallback callback, gpointer user_data);
gboolean sb_accounts_put_finish (SbAccounts *self, GAsyncResult *result, GError **error);
void sb_accounts_plan_import (SbAccounts *self, SbUserImport *import, GPtrArray *made,
                              GPtrArray *changed);
void sb_accounts_put_changes_async (SbAccounts *self, SbUser *actor, GPtrArray *changes,
                                    GAsyncReadyCallback callback, gpointer user_data);
void sb_accounts_import_async (SbAccounts *self, const char *json, gsize length,
                               GAsyncReadyCallback callback, gpointer user_data);
gboolean sb_accounts_import_finish (SbAccounts *self, GAsyncResult *result, GError **error);
void sb_accounts_add_admin_async (SbAccounts *self, const char *id, const char *password,
                                  GAsyncReadyCallback callback, gpointer user_data);
gboolean sb_accounts_add_admin_finish (SbAccounts *self, GAsyncResult *result, GError **error);
void sb_accounts_remove_async (SbAccounts *self, SbUser *actor, const char *id,
                               GAsyncReadyCallback callback, gpointer user_data);
gboolean sb_accounts_remove_finish (SbAccounts *self, GAsyncResult *result, GError **error);
void sb_accounts_set_paused_async (SbAccounts *self, SbUser *actor, const char *id, gboolean paused,
                                   GAsyncReadyCallback callback, gpointer user_data);
gboolean sb_accounts_set_paused_finish (SbAccounts *self, GAsyncResult *result, GError **error);

gboolean sb_accounts_has_users (SbAccounts *self);
gboolean sb_accounts_is_sign_up_open (SbAccounts *self);
const char *sb_accounts_get_setup_code (SbAccounts *self);
void sb_accounts_sign_up_async (SbAccounts *self, const char *id, const char *password,
                                const char *setup_code, gboolean from_private_address,
                                GAsyncReadyCallback callback, gpointer user_data);
gboolean sb_accounts_sign_up_finish (SbAccounts *self, GAsyncResult *result, GError **error);

G_END_DECLS

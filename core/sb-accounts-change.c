/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-accounts-change: the changes of users that there are. How one is carried
 * out is in sb-accounts-put.c.
 */

#include "sb-accounts-private.h"

static GPtrArray *
new_changes (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) sb_user_change_free);
}

static guint
get_min_password_length (SbAccounts *self)
{
  return sb_config_get_integer (self->config, "bus", "min-password-length");
}

/* Lists */

static void
start_list (SbAccounts *self, GTask *task, SbPutKind kind, SbUser *actor, const char *json,
            gsize length)
{
  SbUserChangeFlags flags = kind == SB_PUT_IMPORT ? SB_USER_CHANGE_HASHES : SB_USER_CHANGE_NONE;
  GError *error = NULL;
  g_autoptr (GPtrArray) changes = sb_user_changes_parse (
      json, length, get_min_password_length (self), flags, &error);

  if (changes == NULL)
    g_task_return_error (task, error);
  else
    sb_accounts_start_put (self, task, sb_accounts_put_new (kind, actor, changes));
}

/**
 * sb_accounts_put_async:
 * @self: accounts
 * @actor: (nullable): who wants it; %NULL: the bus itself, which may do anything
 * @json: an array of users, as `/put_users` takes it
 * @length: its bytes
 * @callback: for sb_accounts_put_finish(), after the commit
 * @user_data: for @callback
 *
 * Inserts or updates users, all or none.
 */
void
sb_accounts_put_async (SbAccounts *self, SbUser *actor, const char *json, gsize length,
                       GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);

  start_list (self, task, SB_PUT_LIST, actor, json, length);
}

/**
 * sb_accounts_put_finish:
 * @self: accounts
 * @result: of sb_accounts_put_async()
 * @error: SB_ERROR_INVALID naming the index, SB_ERROR_FORBIDDEN, SB_ERROR_TOO_LARGE,
 *   SB_ERROR_CONFLICT (no admin would be left), the store's
 *
 * Returns: whether the users are stored
 */
gboolean
sb_accounts_put_finish (SbAccounts *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * sb_accounts_import_async:
 * @self: accounts
 * @json: an array of users, as `/put_users` takes it, in which `password_hash` may stand in place
 *   of `password`: see sb_password_check_hash()
 * @length: its bytes
 * @callback: for sb_accounts_import_finish(), after the commit
 * @user_data: for @callback
 *
 * Inserts or updates users, all or none, in the name of whoever has the data folder. A hash of
 * the original bus never replaces one of this bus, so that an import may be repeated.
 */
void
sb_accounts_import_async (SbAccounts *self, const char *json, gsize length,
                          GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);

  start_list (self, task, SB_PUT_IMPORT, NULL, json, length);
}

/**
 * sb_accounts_import_finish:
 * @self: accounts
 * @result: of sb_accounts_import_async()
 * @error: SB_ERROR_INVALID naming the index, SB_ERROR_TOO_LARGE, SB_ERROR_CONFLICT (there would be
 *   no admin), the store's
 *
 * Returns: whether the users are stored
 */
gboolean
sb_accounts_import_finish (SbAccounts *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * sb_accounts_add_admin_async:
 * @self: accounts
 * @id: a new user's id
 * @password: its password
 * @callback: for sb_accounts_add_admin_finish(), after the commit
 * @user_data: for @callback
 *
 * Makes an admin, the first one or another, in the name of whoever has the data folder.
 */
void
sb_accounts_add_admin_async (SbAccounts *self, const char *id, const char *password,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  g_autoptr (GPtrArray) changes = new_changes ();
  SbUserChange *change = sb_user_change_new (id, password, TRUE);
  GError *error = NULL;

  g_ptr_array_add (changes, change);
  if (sb_user_change_check (change, get_min_password_length (self), &error))
    sb_accounts_start_put (self, task, sb_accounts_put_new (SB_PUT_ADMIN, NULL, changes));
  else
    g_task_return_error (task, error);
}

/**
 * sb_accounts_add_admin_finish:
 * @self: accounts
 * @result: of sb_accounts_add_admin_async()
 * @error: SB_ERROR_CONFLICT (the name is taken), SB_ERROR_INVALID, the store's
 *
 * Returns: whether the admin is stored
 */
gboolean
sb_accounts_add_admin_finish (SbAccounts *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* Single users */

/**
 * sb_accounts_remove_async:
 * @self: accounts
 * @actor: (nullable): who wants it; %NULL: the bus itself
 * @id: whom to remove
 * @callback: for sb_accounts_remove_finish(), after the commit
 * @user_data: for @callback
 *
 * Removes a user: its deliveries become dead, its sessions are closed.
 */
void
sb_accounts_remove_async (SbAccounts *self, SbUser *actor, const char *id,
                          GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  SbAccountsPut *put = sb_accounts_put_new (SB_PUT_REMOVAL, actor, NULL);

  put->removed = g_strdup (id);
  sb_accounts_queue_put (self, task, put);
}

/**
 * sb_accounts_remove_finish:
 * @self: accounts
 * @result: of sb_accounts_remove_async()
 * @error: SB_ERROR_FORBIDDEN, SB_ERROR_NOT_FOUND, SB_ERROR_CONFLICT (the last admin), the store's
 *
 * Returns: whether the user is gone
 */
gboolean
sb_accounts_remove_finish (SbAccounts *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * sb_accounts_set_paused_async:
 * @self: accounts
 * @actor: (nullable): who wants it; %NULL: the bus itself
 * @id: a user
 * @paused: whether what it is sent waits; stored, so it outlives a restart
 * @callback: for sb_accounts_set_paused_finish(), after the commit
 * @user_data: for @callback
 *
 * Pauses or resumes deliveries to a user. Who is paused already stays so.
 */
void
sb_accounts_set_paused_async (SbAccounts *self, SbUser *actor, const char *id, gboolean paused,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  g_autoptr (GPtrArray) changes = new_changes ();
  SbUserChange *change = sb_user_change_new (id, NULL, FALSE);

  change->has_paused = TRUE;
  change->paused = paused;
  g_ptr_array_add (changes, change);
  sb_accounts_start_put (self, task, sb_accounts_put_new (SB_PUT_PAUSE, actor, changes));
}

/**
 * sb_accounts_set_paused_finish:
 * @self: accounts
 * @result: of sb_accounts_set_paused_async()
 * @error: SB_ERROR_FORBIDDEN, SB_ERROR_NOT_FOUND, the store's
 *
 * Returns: whether it is stored
 */
gboolean
sb_accounts_set_paused_finish (SbAccounts *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* Renewal */

/*
 * Stores another hash of the password that @user has just logged in with, unless it was changed
 * since. @renewed_hash: (nullable): %NULL only waits for a renewal that is under way. The task
 * gets a boolean when that is over.
 */
void
sb_accounts_start_renewal (SbAccounts *self, GTask *task, SbUser *user, const char *password,
                           const char *renewed_hash)
{
  g_autoptr (GPtrArray) changes = new_changes ();
  SbAccountsPut *put;

  g_ptr_array_add (changes, sb_user_change_new (user->id, password, FALSE));
  put = sb_accounts_put_new (SB_PUT_RENEWAL, NULL, changes);
  put->hashes[0] = g_strdup (renewed_hash);
  put->known[0] = sb_user_ref (user);
  sb_accounts_queue_put (self, task, put);
}

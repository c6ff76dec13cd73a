/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-accounts-plan: what would become of users that are imported, before they are. */

#include "sb-accounts-private.h"

#include <string.h>

static gboolean
changes_something (const SbUser *user, const SbUserChange *change)
{
  return change->password != NULL
         || (change->tags != NULL && !g_strv_equal (user->tags, (const char *const *) change->tags))
         || (change->has_connection_properties
             && g_strcmp0 (user->connection_properties, change->connection_properties) != 0)
         || (change->has_admin && change->admin != user->admin)
         || (change->has_ttl && change->ttl != user->ttl);
}

static guint
get_row (const SbUserImport *import, guint index)
{
  return g_array_index (import->rows, guint, index);
}

static void
plan_one (SbAccounts *self, SbUserImport *import, guint index, GPtrArray *made, GPtrArray *changed)
{
  const SbUserChange *change = g_ptr_array_index (import->changes, index);
  const SbUser *user = sb_directory_lookup (self->directory, change->id);

  if (user == NULL && change->password == NULL)
    sb_user_import_add_fault (import, get_row (import, index), "%s is new and has no password",
                              change->id);
  else if (user == NULL)
    g_ptr_array_add (made, g_strdup (change->id));
  else if (changes_something (user, change))
    g_ptr_array_add (changed, g_strdup (change->id));
}

static void
check_totals (SbAccounts *self, SbUserImport *import, guint n_made)
{
  guint max = sb_config_get_integer (self->config, "bus", "max-users");
  guint last = import->rows->len > 0 ? get_row (import, import->rows->len - 1) : 1;
  gint64 n_admins = self->n_admins;

  if (n_made > 0 && sb_directory_get_all (self->directory)->len + n_made > max)
    sb_user_import_add_fault (import, last, "that would be more than %u users (max-users)", max);
  for (guint i = 0; i < import->changes->len; i++)
    {
      const SbUserChange *change = g_ptr_array_index (import->changes, i);
      const SbUser *user = sb_directory_lookup (self->directory, change->id);

      if (change->has_admin)
        n_admins += !!change->admin - (user != NULL && user->admin ? 1 : 0);
    }
  if (n_admins <= 0)
    sb_user_import_add_fault (import, last, "the bus would be left without an admin");
}

/**
 * sb_accounts_plan_import:
 * @self: accounts
 * @import: what an admin brings; gets more faults
 * @made: (element-type utf8): gets the ids of users that are new
 * @changed: (element-type utf8): gets those of users that would be changed, as far as can be told
 *   without hashing passwords
 *
 * Finds out what would become of an import now. A user may be in it once.
 */
void
sb_accounts_plan_import (SbAccounts *self, SbUserImport *import, GPtrArray *made,
                         GPtrArray *changed)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  g_return_if_fail (SB_IS_ACCOUNTS (self));

  for (guint i = 0; i < import->changes->len; i++)
    {
      const SbUserChange *change = g_ptr_array_index (import->changes, i);
      guint before = GPOINTER_TO_UINT (g_hash_table_lookup (seen, change->id));

      if (before != 0)
        sb_user_import_add_fault (import, get_row (import, i), "%s is in row %u already",
                                  change->id, before);
      else
        plan_one (self, import, i, made, changed);
      g_hash_table_insert (seen, change->id, GUINT_TO_POINTER (get_row (import, i)));
    }
  check_totals (self, import, made->len);
}

/**
 * sb_accounts_put_changes_async:
 * @self: accounts
 * @actor: who wants it
 * @changes: (element-type SbUserChange): what is wanted, each checked; at least one
 * @callback: for sb_accounts_put_finish(), after the commit
 * @user_data: for @callback
 *
 * Inserts or updates users, all or none.
 */
void
sb_accounts_put_changes_async (SbAccounts *self, SbUser *actor, GPtrArray *changes,
                               GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);

  g_return_if_fail (changes->len > 0);

  sb_accounts_start_put (self, task, sb_accounts_put_new (SB_PUT_LIST, actor, changes));
}

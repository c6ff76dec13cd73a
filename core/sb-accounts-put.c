/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-accounts-put: the way of a change of users.
 *
 * A list of changes is parsed, allowed or refused as a whole, and its
 * passwords are hashed a few at a time in the pool. Then it takes its turn:
 * one list or removal at a time is merged into the directory's users and
 * committed, so that two never overwrite each other's half, and neither leaves
 * the bus without an admin. After the commit the directory has the new users
 * and everybody is told whose credentials changed.
 */

#include "sb-accounts-private.h"

#include "sb-audit.h"
#include "sb-error.h"
#include "sb-operation.h"

#include <string.h>

/* Passwords of one list that are in the pool at the same time. */
#define HASHING_AT_ONCE 8

/* A password in the pool. */
typedef struct
{
  GTask *task; /* (owned) */
  guint index;
} Hashing;

static void hash_more (GTask *task);
static void take_turns (SbAccounts *self);

static void
put_free (SbAccountsPut *self)
{
  for (guint i = 0; self->changes != NULL && i < self->changes->len; i++)
    {
      g_free (self->hashes[i]);
      g_clear_pointer (&self->known[i], sb_user_unref);
    }
  g_free (self->hashes);
  g_free (self->known);
  g_free (self->removed);
  g_clear_pointer (&self->actor, sb_user_unref);
  g_clear_pointer (&self->changes, g_ptr_array_unref);
  g_clear_error (&self->error);
  g_free (self);
}

/* Returns: (transfer full): a change that nobody has looked at. @changes: (nullable) */
SbAccountsPut *
sb_accounts_put_new (SbPutKind kind, SbUser *actor, GPtrArray *changes)
{
  SbAccountsPut *self = g_new0 (SbAccountsPut, 1);

  self->kind = kind;
  self->actor = actor != NULL ? sb_user_ref (actor) : NULL;
  if (changes != NULL)
    {
      self->changes = g_ptr_array_ref (changes);
      self->hashes = g_new0 (char *, changes->len);
      self->known = g_new0 (SbUser *, changes->len);
    }
  return self;
}

/* What is allowed */

gboolean
sb_accounts_forbid (GError **error, const char *why)
{
  g_set_error_literal (error, SB_ERROR, SB_ERROR_FORBIDDEN, why);
  return FALSE;
}

static gboolean
check_allowed (SbAccounts *self, const SbUser *actor, const SbUserChange *change, GError **error)
{
  const SbUser *user = sb_directory_lookup (self->directory, change->id);

  if (actor == NULL || actor->admin)
    return TRUE;
  if (user == actor && change->tags == NULL && !change->has_connection_properties
      && !change->has_admin && !change->has_ttl && !change->has_paused)
    return TRUE;
  if (change->has_paused)
    return sb_accounts_forbid (error, "only admins pause and resume users");
  if (!sb_config_get_boolean (self->config, "bus", "open-user-management"))
    return sb_accounts_forbid (error, "only admins manage users; you may change your own password");
  if (change->has_admin || change->has_connection_properties || change->has_ttl)
    return sb_accounts_forbid (error, "only admins set admin, connection_properties and ttl");
  if (user != NULL && user->admin && change->password != NULL)
    return sb_accounts_forbid (error, "only admins change the password of an admin");
  return TRUE;
}

static gboolean
check_new_users (SbAccounts *self, GPtrArray *changes, GError **error)
{
  g_autoptr (GHashTable) fresh = g_hash_table_new (g_str_hash, g_str_equal);
  guint total = sb_directory_get_all (self->directory)->len;
  guint max = sb_config_get_integer (self->config, "bus", "max-users");

  for (guint i = 0; i < changes->len; i++)
    {
      const SbUserChange *change = g_ptr_array_index (changes, i);

      if (sb_directory_lookup (self->directory, change->id) != NULL
          || g_hash_table_contains (fresh, change->id))
        continue;
      if (change->password == NULL && change->password_hash == NULL)
        {
          g_set_error (error, SB_ERROR, SB_ERROR_INVALID,
                       "user %u: \"%s\" is new and has no \"password\"", i, change->id);
          return FALSE;
        }
      g_hash_table_add (fresh, change->id);
    }
  if (g_hash_table_size (fresh) > 0 && total + g_hash_table_size (fresh) > max)
    {
      g_set_error (error, SB_ERROR, SB_ERROR_TOO_LARGE, "more than %u users (max-users)", max);
      return FALSE;
    }
  return TRUE;
}

/* Whoever asked for it may have been changed or removed since: @actor is as it is now. */
static gboolean
find_actor (SbAccounts *self, const SbAccountsPut *put, const SbUser **actor, GError **error)
{
  *actor = put->actor != NULL ? sb_directory_lookup_key (self->directory, put->actor->key) : NULL;
  return put->actor == NULL || *actor != NULL
         || sb_accounts_forbid (error, "you are no user any more");
}

static gboolean
check_there (SbAccounts *self, const SbAccountsPut *put, GError **error)
{
  const SbUserChange *change = g_ptr_array_index (put->changes, 0);

  if (put->kind != SB_PUT_PAUSE || sb_directory_lookup (self->directory, change->id) != NULL)
    return TRUE;
  g_set_error_literal (error, SB_ERROR, SB_ERROR_NOT_FOUND, "there is no such user");
  return FALSE;
}

static gboolean
check_put (SbAccounts *self, const SbAccountsPut *put, GError **error)
{
  const SbUser *actor;

  if (!find_actor (self, put, &actor, error) || !check_there (self, put, error))
    return FALSE;
  for (guint i = 0; i < put->changes->len; i++)
    if (!check_allowed (self, actor, g_ptr_array_index (put->changes, i), error))
      {
        g_prefix_error (error, "user %u: ", i);
        return FALSE;
      }
  return check_new_users (self, put->changes, error);
}

/* Hashing */

static void
end_hashing (Hashing *hashing, GError *error)
{
  g_autoptr (GTask) task = hashing->task;
  SbAccountsPut *put = g_task_get_task_data (task);

  if (error != NULL && put->error == NULL)
    put->error = g_steal_pointer (&error);
  g_clear_error (&error);
  g_free (hashing);
  put->hashing--;
  hash_more (task);
}

static void
hashed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Hashing *hashing = user_data;
  SbAccountsPut *put = g_task_get_task_data (hashing->task);
  GError *error = NULL;

  put->hashes[hashing->index] = sb_password_pool_hash_finish (SB_PASSWORD_POOL (source), result,
                                                              &error);
  end_hashing (hashing, error);
}

static void
compared_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Hashing *hashing = user_data;
  SbAccounts *self = g_task_get_source_object (hashing->task);
  SbAccountsPut *put = g_task_get_task_data (hashing->task);
  const SbUserChange *change = g_ptr_array_index (put->changes, hashing->index);
  GError *error = NULL;
  gboolean matches;

  if (!sb_password_pool_verify_finish (self->pool, result, &matches, &error) || matches)
    end_hashing (hashing, error);
  else
    sb_password_pool_hash_async (self->pool, change->password, NULL, NULL, hashed_cb, hashing);
}

/* What an import brings, but never over a password of this bus: it is the same one, hashed anew
 * at a log-in, or was set since. */
static void
take_hash (SbAccounts *self, SbAccountsPut *put, guint index)
{
  const SbUserChange *change = g_ptr_array_index (put->changes, index);
  const SbUser *user = sb_directory_lookup (self->directory, change->id);

  if (user == NULL || sb_password_is_foreign (user->password_hash)
      || !sb_password_is_foreign (change->password_hash))
    put->hashes[index] = g_strdup (change->password_hash);
}

/* A password that is merely sent again must not count as changed, so a known user's is
 * compared first. */
static void
start_hashing (SbAccounts *self, GTask *task, guint index)
{
  SbAccountsPut *put = g_task_get_task_data (task);
  const SbUserChange *change = g_ptr_array_index (put->changes, index);
  SbUser *user = sb_directory_lookup (self->directory, change->id);
  Hashing *hashing;

  if (put->hashes[index] != NULL)
    return;
  if (change->password_hash != NULL)
    take_hash (self, put, index);
  if (change->password == NULL)
    return;
  g_clear_pointer (&put->known[index], sb_user_unref);
  put->known[index] = user != NULL ? sb_user_ref (user) : NULL;
  if (user != NULL
      && sb_authenticator_is_known (self->authenticator, user->id, user->password_hash,
                                    change->password))
    return;
  hashing = g_new0 (Hashing, 1);
  hashing->task = g_object_ref (task);
  hashing->index = index;
  put->hashing++;
  if (user != NULL)
    sb_password_pool_verify_async (self->pool, change->password, user->password_hash, NULL, NULL,
                                   compared_cb, hashing);
  else
    sb_password_pool_hash_async (self->pool, change->password, NULL, NULL, hashed_cb, hashing);
}

static void
hash_more (GTask *task)
{
  SbAccounts *self = g_task_get_source_object (task);
  SbAccountsPut *put = g_task_get_task_data (task);

  while (put->error == NULL && put->next < put->changes->len && put->hashing < HASHING_AT_ONCE)
    start_hashing (self, task, put->next++);
  if (put->hashing > 0)
    return;
  g_queue_push_tail (&self->turns, g_object_ref (task));
  take_turns (self);
}

/* Committing */

static SbUser *
merge (SbAccounts *self, const SbUser *user, const SbUserChange *change, const char *hash)
{
  g_autoptr (SbUser) plain = sb_user_new (
      user != NULL ? user->key : 0, change->id, hash != NULL ? hash : user->password_hash,
      change->tags != NULL ? (const char *const *) change->tags
      : user != NULL       ? user->tags
                           : NULL,
      change->has_connection_properties ? change->connection_properties
      : user != NULL                    ? user->connection_properties
                                        : NULL,
      change->has_admin ? change->admin : user != NULL && user->admin,
      user != NULL ? user->created : sb_clock_wall (self->clock));
  g_autoptr (SbUser) timed = sb_user_with_ttl (plain, change->has_ttl ? change->ttl
                                                      : user != NULL  ? user->ttl
                                                                      : SB_USER_NO_TTL);

  return sb_user_with_paused (timed,
                              change->has_paused ? change->paused : user != NULL && user->paused);
}

/* The hash that the user shall have, NULL when the change says nothing of it. */
static const char *
find_hash (const SbAccountsPut *put, guint index)
{
  const SbUserChange *change = g_ptr_array_index (put->changes, index);

  if (put->hashes[index] != NULL)
    return put->hashes[index];
  return change->password != NULL ? put->known[index]->password_hash : NULL;
}

/* Returns: (transfer full) (element-type SbUser): the users as they shall be, each once. */
static GPtrArray *
merge_all (SbAccounts *self, const SbAccountsPut *put)
{
  g_autoptr (GHashTable) merged = g_hash_table_new (g_str_hash, g_str_equal);
  GPtrArray *users = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_user_unref);

  for (guint i = 0; i < put->changes->len; i++)
    {
      const SbUserChange *change = g_ptr_array_index (put->changes, i);
      gpointer index = g_hash_table_lookup (merged, change->id);
      const SbUser *user = index != NULL ? g_ptr_array_index (users, GPOINTER_TO_UINT (index) - 1)
                                         : sb_directory_lookup (self->directory, change->id);
      SbUser *result = merge (self, user, change, find_hash (put, i));

      if (index != NULL)
        {
          sb_user_unref (users->pdata[GPOINTER_TO_UINT (index) - 1]);
          users->pdata[GPOINTER_TO_UINT (index) - 1] = result;
          continue;
        }
      g_ptr_array_add (users, result);
      g_hash_table_insert (merged, change->id, GUINT_TO_POINTER (users->len));
    }
  return users;
}

static gboolean
check_admins_left (SbAccounts *self, const SbAccountsPut *put, GPtrArray *users, GError **error)
{
  int admins = self->n_admins;

  for (guint i = 0; i < users->len; i++)
    {
      const SbUser *user = g_ptr_array_index (users, i);
      const SbUser *old = sb_directory_lookup_key (self->directory, user->key);

      admins += !!user->admin - (old != NULL && old->admin ? 1 : 0);
    }
  if (admins > 0 || (self->n_admins == 0 && put->kind != SB_PUT_IMPORT))
    return TRUE;
  g_set_error_literal (error, SB_ERROR, SB_ERROR_CONFLICT,
                       "the bus would be left without an admin");
  return FALSE;
}

/* Whether a user that must be new is. */
static gboolean
check_newcomer (SbAccounts *self, const SbAccountsPut *put, GError **error)
{
  const SbUserChange *change = g_ptr_array_index (put->changes, 0);

  if (put->kind != SB_PUT_SIGN_UP && put->kind != SB_PUT_ADMIN)
    return TRUE;
  if (sb_directory_lookup (self->directory, change->id) != NULL)
    {
      g_set_error (error, SB_ERROR, SB_ERROR_CONFLICT, "the name \"%s\" is taken", change->id);
      return FALSE;
    }
  if (put->kind == SB_PUT_SIGN_UP && change->admin && sb_accounts_has_users (self))
    return sb_accounts_forbid (error, "somebody else was first: sign-up is closed");
  return TRUE;
}

static void
answer (GTask *task)
{
  SbAccountsPut *put = g_task_get_task_data (task);

  if (put->error != NULL)
    g_task_return_error (task, g_steal_pointer (&put->error));
  else
    g_task_return_boolean (task, TRUE);
}

static void
end_turn (SbAccounts *self, GTask *task)
{
  self->committing = FALSE;
  answer (task);
  take_turns (self);
}

/* Tells everybody of a committed user. */
static void
announce (SbAccounts *self, const SbAccountsPut *put, const SbUser *stored, gint64 key)
{
  g_autoptr (SbUser) user = sb_user_with_key (stored, key);
  const SbUser *old = sb_directory_lookup_key (self->directory, key);
  gboolean credentials = old != NULL && put->kind != SB_PUT_RENEWAL
                         && strcmp (old->password_hash, user->password_hash) != 0;

  sb_accounts_audit_put (put, old, user);
  if (credentials)
    sb_authenticator_forget (self->authenticator, user->id);
  sb_accounts_mirror (self, user);
  g_signal_emit_by_name (self, "user-changed", user, credentials);
}

static void
remember_passwords (SbAccounts *self, const SbAccountsPut *put)
{
  for (guint i = 0; i < put->changes->len; i++)
    {
      const SbUserChange *change = g_ptr_array_index (put->changes, i);

      if (put->hashes[i] != NULL && change->password != NULL)
        sb_authenticator_remember (self->authenticator, change->id, put->hashes[i],
                                   change->password);
    }
}

static void
user_put_cb (SbOperation *operation, const GError *error, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  SbAccounts *self = g_task_get_source_object (task);
  SbAccountsPut *put = g_task_get_task_data (task);

  if (error != NULL && put->error == NULL)
    put->error = g_error_copy (error);
  if (error == NULL && operation->outcome != SB_OUTCOME_DONE && put->error == NULL)
    put->error = g_error_new (SB_ERROR, SB_ERROR_CONFLICT, "\"%s\" was changed by somebody else",
                              operation->put_user.user->id);
  if (error == NULL && operation->outcome == SB_OUTCOME_DONE)
    announce (self, put, operation->put_user.user, operation->put_user.key);
  if (--put->uncommitted > 0)
    return;
  if (put->error == NULL)
    remember_passwords (self, put);
  end_turn (self, task);
}

static gboolean
submit_users (SbAccounts *self, GTask *task)
{
  SbAccountsPut *put = g_task_get_task_data (task);
  g_autofree SbOperation **operations = NULL;
  g_autoptr (GPtrArray) users = NULL;

  if (!check_newcomer (self, put, &put->error) || !check_put (self, put, &put->error))
    return FALSE;
  users = merge_all (self, put);
  if (!check_admins_left (self, put, users, &put->error))
    return FALSE;

  operations = g_new (SbOperation *, users->len);
  put->uncommitted = users->len;
  for (guint i = 0; i < users->len; i++)
    {
      operations[i] = sb_operation_new (SB_OPERATION_PUT_USER, user_put_cb, g_object_ref (task));
      operations[i]->put_user.user = sb_user_ref (g_ptr_array_index (users, i));
    }
  sb_journal_submit_all (self->journal, operations, users->len);
  return TRUE;
}

static void
user_removed_cb (SbOperation *operation, const GError *error, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  SbAccounts *self = g_task_get_source_object (task);
  SbAccountsPut *put = g_task_get_task_data (task);
  SbUser *stored = sb_directory_lookup_key (self->directory, operation->remove_user.key);

  if (error != NULL)
    put->error = g_error_copy (error);
  else if (stored != NULL)
    {
      g_autoptr (SbUser) user = sb_user_ref (stored);

      sb_audit (put->actor, user->id, NULL, "removed the user %s", user->id);
      if (self->dead != NULL)
        sb_counter_add (self->dead, operation->remove_user.n_dead);
      self->n_admins -= !!user->admin;
      sb_directory_remove (self->directory, user->key);
      sb_authenticator_forget (self->authenticator, user->id);
      g_signal_emit_by_name (self, "user-removed", user);
    }
  end_turn (self, task);
}

/* Returns: (transfer none) (nullable): whom to remove */
static SbUser *
check_removal (SbAccounts *self, const SbAccountsPut *put, GError **error)
{
  SbUser *user = sb_directory_lookup (self->directory, put->removed);
  const SbUser *actor;

  if (!find_actor (self, put, &actor, error))
    return NULL;
  if (actor != NULL && !actor->admin)
    {
      sb_accounts_forbid (error, "only admins delete users");
      return NULL;
    }
  if (user == NULL)
    {
      g_set_error_literal (error, SB_ERROR, SB_ERROR_NOT_FOUND, "there is no such user");
      return NULL;
    }
  if (user->admin && self->n_admins == 1)
    {
      g_set_error_literal (error, SB_ERROR, SB_ERROR_CONFLICT,
                           "the bus would be left without an admin");
      return NULL;
    }
  return user;
}

static gboolean
submit_removal (SbAccounts *self, GTask *task)
{
  SbAccountsPut *put = g_task_get_task_data (task);
  const SbUser *user = check_removal (self, put, &put->error);
  SbOperation *operation;

  if (user == NULL)
    return FALSE;
  operation = sb_operation_new (SB_OPERATION_REMOVE_USER, user_removed_cb, g_object_ref (task));
  operation->remove_user.key = user->key;
  operation->remove_user.now = sb_clock_wall (self->clock);
  sb_journal_submit (self->journal, operation);
  return TRUE;
}

/* Whether the user still has the hash that is to be renewed. */
static gboolean
is_renewal_due (SbAccounts *self, const SbAccountsPut *put)
{
  const SbUser *known = put->known[0];
  const SbUser *user = sb_directory_lookup_key (self->directory, known->key);

  return put->hashes[0] != NULL && user != NULL
         && strcmp (user->password_hash, known->password_hash) == 0;
}

/* Passwords that were not hashed, since they were the users' own: they may be so no more. */
static gboolean
is_outdated (SbAccounts *self, const SbAccountsPut *put)
{
  if (put->kind == SB_PUT_RENEWAL)
    return FALSE;
  for (guint i = 0; put->changes != NULL && i < put->changes->len; i++)
    {
      const SbUserChange *change = g_ptr_array_index (put->changes, i);
      const SbUser *user;

      if (change->password == NULL || put->hashes[i] != NULL)
        continue;
      user = sb_directory_lookup (self->directory, change->id);
      if (user == NULL || strcmp (user->password_hash, put->known[i]->password_hash) != 0)
        return TRUE;
    }
  return FALSE;
}

/* Gives the change to the journal, after the checks that were made before: others may have been
 * committed meanwhile. Returns whether it did; otherwise the error is set, or there is nothing to
 * be done any more. */
static gboolean
submit (SbAccounts *self, GTask *task)
{
  SbAccountsPut *put = g_task_get_task_data (task);

  if (put->error != NULL)
    return FALSE;
  if (!sb_journal_is_open (self->journal))
    {
      g_set_error_literal (&put->error, SB_ERROR, SB_ERROR_CLOSED, "the bus is stopping");
      return FALSE;
    }
  if (put->kind == SB_PUT_REMOVAL)
    return submit_removal (self, task);
  if (put->kind == SB_PUT_RENEWAL && !is_renewal_due (self, put))
    return FALSE;
  return submit_users (self, task);
}

/* Commits what waits, one after the other. */
static void
take_turns (SbAccounts *self)
{
  while (!self->committing)
    {
      g_autoptr (GTask) task = g_queue_pop_head (&self->turns);
      SbAccountsPut *put;

      if (task == NULL)
        return;
      put = g_task_get_task_data (task);
      if (put->error == NULL && is_outdated (self, put))
        {
          put->next = 0;
          hash_more (task);
          continue;
        }
      self->committing = submit (self, task);
      if (!self->committing)
        answer (task);
    }
}

/* Checks a change as well as it can be checked now, and sets it on its way.
 * @put: (transfer full) */
void
sb_accounts_start_put (SbAccounts *self, GTask *task, SbAccountsPut *put)
{
  GError *error = NULL;

  g_task_set_task_data (task, put, (GDestroyNotify) put_free);
  if (check_newcomer (self, put, &error) && check_put (self, put, &error))
    hash_more (task);
  else
    g_task_return_error (task, error);
}

/* The same of one that needs no hashing and is checked at its turn. @put: (transfer full) */
void
sb_accounts_queue_put (SbAccounts *self, GTask *task, SbAccountsPut *put)
{
  g_task_set_task_data (task, put, (GDestroyNotify) put_free);
  g_queue_push_tail (&self->turns, g_object_ref (task));
  take_turns (self);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-accounts: the way of a change of users.
 *
 * A list of changes is parsed, allowed or refused as a whole, and its
 * passwords are hashed a few at a time in the pool. Then it takes its turn:
 * one list at a time is merged into the directory's users and committed, so
 * that two lists never overwrite each other's half. After the commit the
 * directory has the new users and everybody is told whose credentials changed.
 */

#include "sb-accounts.h"

#include "sb-error.h"
#include "sb-operation.h"
#include "sb-secret.h"
#include "sb-user-change.h"

#include <string.h>

/* Passwords of one list that are in the pool at the same time. */
#define HASHING_AT_ONCE 8

struct _SbAccounts
{
  GObject parent_instance;

  SbConfig *config;               /* (owned) */
  SbJournal *journal;             /* (owned) */
  SbPasswordPool *pool;           /* (owned) */
  SbAuthenticator *authenticator; /* (owned) */
  SbClock *clock;                 /* (owned) */
  SbDirectory *directory;         /* (owned) */

  guint n_admins;
  char *setup_code; /* (owned) (nullable) as long as there is no user */
  GQueue turns;     /* of GTask (owned): lists that are hashed and wait to be committed */
  gboolean committing;
};

G_DEFINE_FINAL_TYPE (SbAccounts, sb_accounts, G_TYPE_OBJECT)

/* A list of changes on its way: the task data. */
typedef struct
{
  SbUser *actor;      /* (owned) (nullable) %NULL: the bus itself */
  GPtrArray *changes; /* (owned) of SbUserChange */
  char **hashes;      /* (owned) of each change: its new hash, or %NULL: the password stays */
  guint next;         /* to be hashed */
  guint hashing;      /* in the pool */
  guint uncommitted;
  gboolean is_sign_up;
  GError *error; /* (owned) (nullable) */
} Put;

/* A password in the pool. */
typedef struct
{
  GTask *task; /* (owned) */
  guint index;
} Hashing;

enum
{
  USER_CHANGED,
  USER_REMOVED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void hash_more (GTask *task);
static void take_turn (SbAccounts *self);

static void
put_free (Put *self)
{
  for (guint i = 0; self->hashes != NULL && i < self->changes->len; i++)
    g_free (self->hashes[i]);
  g_free (self->hashes);
  g_clear_pointer (&self->actor, sb_user_unref);
  g_ptr_array_unref (self->changes);
  g_clear_error (&self->error);
  g_free (self);
}

static void
sb_accounts_finalize (GObject *object)
{
  SbAccounts *self = SB_ACCOUNTS (object);

  g_queue_clear_full (&self->turns, g_object_unref);
  g_free (self->setup_code);
  g_object_unref (self->directory);
  g_object_unref (self->clock);
  g_object_unref (self->authenticator);
  g_object_unref (self->pool);
  g_object_unref (self->journal);
  g_object_unref (self->config);
  G_OBJECT_CLASS (sb_accounts_parent_class)->finalize (object);
}

static void
sb_accounts_class_init (SbAccountsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sb_accounts_finalize;

  /**
   * SbAccounts::user-changed:
   * @self: the accounts
   * @user: as it is now
   * @credentials: its password was really changed: sessions and tokens are void
   */
  signals[USER_CHANGED] = g_signal_new ("user-changed", SB_TYPE_ACCOUNTS, G_SIGNAL_RUN_LAST, 0, NULL,
                                        NULL, NULL, G_TYPE_NONE, 2, SB_TYPE_USER, G_TYPE_BOOLEAN);
  /**
   * SbAccounts::user-removed:
   * @self: the accounts
   * @user: as it was
   */
  signals[USER_REMOVED] = g_signal_new ("user-removed", SB_TYPE_ACCOUNTS, G_SIGNAL_RUN_LAST, 0, NULL,
                                        NULL, NULL, G_TYPE_NONE, 1, SB_TYPE_USER);
}

static void
sb_accounts_init (SbAccounts *self)
{
  self->directory = sb_directory_new ();
}

/**
 * sb_accounts_new:
 * @config: (transfer none): with the group `bus` declared
 * @journal: (transfer none): an open journal
 * @pool: (transfer none): hashes new passwords
 * @authenticator: (transfer none): knows passwords that were seen lately
 * @clock: (transfer none): what time it is
 *
 * Returns: (transfer full): accounts without users; see sb_accounts_load()
 */
SbAccounts *
sb_accounts_new (SbConfig *config,
                 SbJournal *journal,
                 SbPasswordPool *pool,
                 SbAuthenticator *authenticator,
                 SbClock *clock)
{
  SbAccounts *self = g_object_new (SB_TYPE_ACCOUNTS, NULL);

  self->config = g_object_ref (config);
  self->journal = g_object_ref (journal);
  self->pool = g_object_ref (pool);
  self->authenticator = g_object_ref (authenticator);
  self->clock = g_object_ref (clock);
  return self;
}

/* Users */

static void
put_in_directory (SbAccounts *self, SbUser *user)
{
  const SbUser *old = sb_directory_lookup_key (self->directory, user->key);

  self->n_admins += !!user->admin - (old != NULL && old->admin ? 1 : 0);
  sb_directory_put (self->directory, user);
  g_clear_pointer (&self->setup_code, g_free);
}

/* Eight characters that nobody misreads, in two groups. */
static char *
make_setup_code (void)
{
  static const char alphabet[] = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
  guint8 random[8];
  char code[10];

  sb_secret_fill_random (random, sizeof random);
  for (guint i = 0; i < 8; i++)
    code[i + (i > 3)] = alphabet[random[i] % 32];
  code[4] = '-';
  code[9] = '\0';
  return g_strdup (code);
}

static void
read_users (SbStore *store, GTask *task)
{
  GError *error = NULL;
  GPtrArray *users = sb_store_users (store, &error);

  if (users != NULL)
    g_task_return_pointer (task, users, (GDestroyNotify) g_ptr_array_unref);
  else
    g_task_return_error (task, error);
}

/**
 * sb_accounts_load:
 * @self: new accounts
 * @error: the store's
 *
 * Reads all users. Blocks; for the start of the process only.
 */
gboolean
sb_accounts_load (SbAccounts *self, GError **error)
{
  g_autoptr (GPtrArray) users = NULL;

  g_return_val_if_fail (SB_IS_ACCOUNTS (self), FALSE);

  users = sb_journal_read_sync (self->journal, read_users, error);
  if (users == NULL)
    return FALSE;
  for (guint i = 0; i < users->len; i++)
    put_in_directory (self, g_ptr_array_index (users, i));
  if (users->len == 0)
    self->setup_code = make_setup_code ();
  return TRUE;
}

/**
 * sb_accounts_get_directory:
 * @self: accounts
 *
 * Returns: (transfer none): all users
 */
SbDirectory *
sb_accounts_get_directory (SbAccounts *self)
{
  return self->directory;
}

/* Logging in */

/**
 * sb_accounts_recognise:
 * @self: accounts
 * @id: a user's id
 * @password: what it says its password is
 *
 * The fast way: credentials that were verified lately.
 *
 * Returns: (transfer none) (nullable): the user; %NULL says nothing, ask sb_accounts_log_in_async()
 */
SbUser *
sb_accounts_recognise (SbAccounts *self, const char *id, const char *password)
{
  SbUser *user = sb_directory_lookup (self->directory, id);

  if (user == NULL
      || !sb_authenticator_is_known (self->authenticator, id, user->password_hash, password))
    return NULL;
  return user;
}

static void
on_checked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  SbAccounts *self = g_task_get_source_object (task);
  SbUser *before = g_task_get_task_data (task);
  GError *error = NULL;
  SbUser *user;

  if (!sb_authenticator_check_finish (SB_AUTHENTICATOR (source), result, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  /* Hashing took a while: the password may have been changed meanwhile. */
  user = sb_directory_lookup_key (self->directory, before->key);
  if (user == NULL || strcmp (user->password_hash, before->password_hash) != 0)
    g_task_return_new_error (task, SB_ERROR, SB_ERROR_UNAUTHORIZED, "wrong user or password");
  else
    g_task_return_pointer (task, sb_user_ref (user), (GDestroyNotify) sb_user_unref);
}

/**
 * sb_accounts_log_in_async:
 * @self: accounts
 * @id: a user's id
 * @password: what it says its password is
 * @address: where it comes from, for the failure limit
 * @cancellable: (nullable): a cancellable
 * @callback: for sb_accounts_log_in_finish()
 * @user_data: for @callback
 */
void
sb_accounts_log_in_async (SbAccounts *self,
                          const char *id,
                          const char *password,
                          const char *address,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  SbUser *user = sb_directory_lookup (self->directory, id);
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  if (user != NULL)
    g_task_set_task_data (task, sb_user_ref (user), (GDestroyNotify) sb_user_unref);
  sb_authenticator_check_async (self->authenticator, id, user != NULL ? user->password_hash : NULL,
                                password, address, cancellable, on_checked, task);
}

/**
 * sb_accounts_log_in_finish:
 * @self: accounts
 * @result: of sb_accounts_log_in_async()
 * @error: SB_ERROR_UNAUTHORIZED, SB_ERROR_RATE, SB_ERROR_BUSY
 *
 * Returns: (transfer full) (nullable): who it is
 */
SbUser *
sb_accounts_log_in_finish (SbAccounts *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * sb_accounts_check_token:
 * @self: accounts
 * @id: a user's id
 * @token: made by sb_accounts_make_token() for it
 * @address: where it comes from, for the failure limit
 * @error: SB_ERROR_UNAUTHORIZED, SB_ERROR_RATE
 *
 * Returns: (transfer none) (nullable): who it is
 */
SbUser *
sb_accounts_check_token (SbAccounts *self, const char *id, const char *token, const char *address, GError **error)
{
  SbUser *user = sb_directory_lookup (self->directory, id);

  if (user == NULL)
    {
      g_set_error_literal (error, SB_ERROR, SB_ERROR_UNAUTHORIZED, "wrong user or token");
      return NULL;
    }
  if (!sb_authenticator_check_token (self->authenticator, id, user->password_hash, token, address, error))
    return NULL;
  return user;
}

/**
 * sb_accounts_make_token:
 * @self: accounts
 * @user: who is logged in
 *
 * Returns: (transfer full): logs in again, until it expires or the password is changed
 */
char *
sb_accounts_make_token (SbAccounts *self, SbUser *user)
{
  gint64 lifetime = sb_config_get_duration_ms (self->config, "bus", "token-lifetime") / 1000;

  return sb_authenticator_make_token (self->authenticator, user->id, user->password_hash, lifetime);
}

/**
 * sb_accounts_get_retry_after:
 * @self: accounts
 * @id: a user's id
 * @address: where it comes from
 *
 * Returns: seconds until it may try another password
 */
guint
sb_accounts_get_retry_after (SbAccounts *self, const char *id, const char *address)
{
  return sb_authenticator_retry_after (self->authenticator, id, address);
}

/* What is allowed */

static gboolean
forbid (GError **error, const char *why)
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
  if (user == actor && change->tags == NULL && !change->has_connection_properties && !change->has_admin)
    return TRUE;
  if (!sb_config_get_boolean (self->config, "bus", "open-user-management"))
    return forbid (error, "only admins manage users; you may change your own password");
  if (change->has_admin || change->has_connection_properties)
    return forbid (error, "only admins set admin and connection_properties");
  if (user != NULL && user->admin && change->password != NULL)
    return forbid (error, "only admins change the password of an admin");
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
      if (change->password == NULL)
        {
          g_set_error (error, SB_ERROR, SB_ERROR_INVALID,
                       "user %u: \"%s\" is new and has no \"password\"", i, change->id);
          return FALSE;
        }
      g_hash_table_add (fresh, change->id);
    }
  if (total + g_hash_table_size (fresh) > max)
    {
      g_set_error (error, SB_ERROR, SB_ERROR_TOO_LARGE, "more than %u users (max-users)", max);
      return FALSE;
    }
  return TRUE;
}

static gboolean
check_put (SbAccounts *self, const Put *put, GError **error)
{
  for (guint i = 0; i < put->changes->len; i++)
    if (!check_allowed (self, put->actor, g_ptr_array_index (put->changes, i), error))
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
  Put *put = g_task_get_task_data (task);

  if (error != NULL && put->error == NULL)
    put->error = g_steal_pointer (&error);
  g_clear_error (&error);
  g_free (hashing);
  put->hashing--;
  hash_more (task);
}

static void
on_hashed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Hashing *hashing = user_data;
  Put *put = g_task_get_task_data (hashing->task);
  GError *error = NULL;

  put->hashes[hashing->index]
      = sb_password_pool_hash_finish (SB_PASSWORD_POOL (source), result, &error);
  end_hashing (hashing, error);
}

static void
on_compared (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Hashing *hashing = user_data;
  Put *put = g_task_get_task_data (hashing->task);
  const SbUserChange *change = g_ptr_array_index (put->changes, hashing->index);
  GError *error = NULL;
  gboolean matches;

  if (!sb_password_pool_verify_finish (SB_PASSWORD_POOL (source), result, &matches, &error)
      || matches)
    end_hashing (hashing, error);
  else
    sb_password_pool_hash_async (SB_PASSWORD_POOL (source), change->password, NULL, NULL, on_hashed,
                                 hashing);
}

/* A password that is merely sent again must not count as changed, so a known user's is
 * compared first. */
static void
start_hashing (SbAccounts *self, GTask *task, guint index)
{
  Put *put = g_task_get_task_data (task);
  const SbUserChange *change = g_ptr_array_index (put->changes, index);
  const SbUser *user = sb_directory_lookup (self->directory, change->id);
  Hashing *hashing;

  if (change->password == NULL
      || (user != NULL
          && sb_authenticator_is_known (self->authenticator, user->id, user->password_hash,
                                        change->password)))
    return;
  hashing = g_new0 (Hashing, 1);
  hashing->task = g_object_ref (task);
  hashing->index = index;
  put->hashing++;
  if (user != NULL)
    sb_password_pool_verify_async (self->pool, change->password, user->password_hash, NULL, NULL,
                                   on_compared, hashing);
  else
    sb_password_pool_hash_async (self->pool, change->password, NULL, NULL, on_hashed, hashing);
}

static void
hash_more (GTask *task)
{
  SbAccounts *self = g_task_get_source_object (task);
  Put *put = g_task_get_task_data (task);

  while (put->error == NULL && put->next < put->changes->len && put->hashing < HASHING_AT_ONCE)
    start_hashing (self, task, put->next++);
  if (put->hashing > 0)
    return;
  g_queue_push_tail (&self->turns, g_object_ref (task));
  take_turn (self);
}

/* Committing */

static SbUser *
merge (SbAccounts *self, const SbUser *user, const SbUserChange *change, const char *hash)
{
  return sb_user_new (
      user != NULL ? user->key : 0, change->id, hash != NULL ? hash : user->password_hash,
      change->tags != NULL ? (const char *const *) change->tags : user != NULL ? user->tags : NULL,
      change->has_connection_properties ? change->connection_properties
      : user != NULL                    ? user->connection_properties
                                        : NULL,
      change->has_admin ? change->admin : user != NULL && user->admin,
      user != NULL ? user->created : sb_clock_wall (self->clock));
}

/* Returns: (transfer full) (element-type SbUser): the users as they shall be, each once. */
static GPtrArray *
merge_all (SbAccounts *self, const Put *put)
{
  g_autoptr (GHashTable) merged = g_hash_table_new (g_str_hash, g_str_equal);
  GPtrArray *users = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_user_unref);

  for (guint i = 0; i < put->changes->len; i++)
    {
      const SbUserChange *change = g_ptr_array_index (put->changes, i);
      gpointer index = g_hash_table_lookup (merged, change->id);
      const SbUser *user = index != NULL
                               ? g_ptr_array_index (users, GPOINTER_TO_UINT (index) - 1)
                               : sb_directory_lookup (self->directory, change->id);
      SbUser *result = merge (self, user, change, put->hashes[i]);

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
check_admins_left (SbAccounts *self, GPtrArray *users, GError **error)
{
  int admins = self->n_admins;

  for (guint i = 0; i < users->len; i++)
    {
      const SbUser *user = g_ptr_array_index (users, i);
      const SbUser *old = sb_directory_lookup_key (self->directory, user->key);

      admins += !!user->admin - (old != NULL && old->admin ? 1 : 0);
    }
  if (admins > 0 || self->n_admins == 0)
    return TRUE;
  g_set_error_literal (error, SB_ERROR, SB_ERROR_CONFLICT, "the bus would be left without an admin");
  return FALSE;
}

static gboolean
check_sign_up (SbAccounts *self, const Put *put, GError **error)
{
  const SbUserChange *change = g_ptr_array_index (put->changes, 0);

  if (!put->is_sign_up)
    return TRUE;
  if (sb_directory_lookup (self->directory, change->id) != NULL)
    {
      g_set_error (error, SB_ERROR, SB_ERROR_CONFLICT, "the name \"%s\" is taken", change->id);
      return FALSE;
    }
  if (change->admin && sb_accounts_has_users (self))
    return forbid (error, "somebody else was first: sign-up is closed");
  return TRUE;
}

static void
end_turn (SbAccounts *self, GTask *task)
{
  Put *put = g_task_get_task_data (task);

  self->committing = FALSE;
  if (put->error != NULL)
    g_task_return_error (task, g_steal_pointer (&put->error));
  else
    g_task_return_boolean (task, TRUE);
  take_turn (self);
}

/* Tells everybody of a committed user. */
static void
announce (SbAccounts *self, const SbUser *stored, gint64 key)
{
  g_autoptr (SbUser) user = sb_user_with_key (stored, key);
  const SbUser *old = sb_directory_lookup_key (self->directory, key);
  gboolean credentials = old != NULL && strcmp (old->password_hash, user->password_hash) != 0;

  if (credentials)
    sb_authenticator_forget (self->authenticator, user->id);
  put_in_directory (self, user);
  g_signal_emit (self, signals[USER_CHANGED], 0, user, credentials);
}

static void
remember_passwords (SbAccounts *self, const Put *put)
{
  for (guint i = 0; i < put->changes->len; i++)
    {
      const SbUserChange *change = g_ptr_array_index (put->changes, i);

      if (put->hashes[i] != NULL)
        sb_authenticator_remember (self->authenticator, change->id, put->hashes[i], change->password);
    }
}

static void
on_user_put (SbOperation *operation, const GError *error, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  SbAccounts *self = g_task_get_source_object (task);
  Put *put = g_task_get_task_data (task);

  if (error != NULL && put->error == NULL)
    put->error = g_error_copy (error);
  if (error == NULL && operation->outcome != SB_OUTCOME_DONE && put->error == NULL)
    put->error = g_error_new (SB_ERROR, SB_ERROR_CONFLICT, "\"%s\" was changed by somebody else",
                              operation->put_user.user->id);
  if (error == NULL && operation->outcome == SB_OUTCOME_DONE)
    announce (self, operation->put_user.user, operation->put_user.key);
  if (--put->uncommitted > 0)
    return;
  if (put->error == NULL)
    remember_passwords (self, put);
  end_turn (self, task);
}

static void
commit (SbAccounts *self, GTask *task, GPtrArray *users)
{
  Put *put = g_task_get_task_data (task);
  g_autofree SbOperation **operations = g_new (SbOperation *, users->len);

  put->uncommitted = users->len;
  for (guint i = 0; i < users->len; i++)
    {
      operations[i] = sb_operation_new (SB_OPERATION_PUT_USER, on_user_put, g_object_ref (task));
      operations[i]->put_user.user = sb_user_ref (g_ptr_array_index (users, i));
    }
  sb_journal_submit_all (self->journal, operations, users->len);
}

/* Commits the next list, if none is being committed. The checks are made again, since
 * others may have been committed while this one was hashed. */
static void
take_turn (SbAccounts *self)
{
  g_autoptr (GPtrArray) users = NULL;
  g_autoptr (GTask) task = NULL;
  Put *put;

  if (self->committing)
    return;
  task = g_queue_pop_head (&self->turns);
  if (task == NULL)
    return;
  put = g_task_get_task_data (task);
  self->committing = TRUE;
  if (put->error == NULL && check_sign_up (self, put, &put->error)
      && check_put (self, put, &put->error))
    {
      users = merge_all (self, put);
      check_admins_left (self, users, &put->error);
    }
  if (put->error == NULL && !sb_journal_is_open (self->journal))
    g_set_error_literal (&put->error, SB_ERROR, SB_ERROR_CLOSED, "the bus is stopping");
  if (put->error == NULL)
    commit (self, task, users);
  else
    end_turn (self, task);
}

static void
start_put (SbAccounts *self, GTask *task, SbUser *actor, GPtrArray *changes, gboolean is_sign_up)
{
  Put *put = g_new0 (Put, 1);
  GError *error = NULL;

  put->actor = actor != NULL ? sb_user_ref (actor) : NULL;
  put->changes = g_ptr_array_ref (changes);
  put->hashes = g_new0 (char *, changes->len);
  put->is_sign_up = is_sign_up;
  g_task_set_task_data (task, put, (GDestroyNotify) put_free);
  if (check_sign_up (self, put, &error) && check_put (self, put, &error))
    hash_more (task);
  else
    g_task_return_error (task, error);
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
sb_accounts_put_async (SbAccounts *self,
                       SbUser *actor,
                       const char *json,
                       gsize length,
                       GAsyncReadyCallback callback,
                       gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  GError *error = NULL;
  g_autoptr (GPtrArray) changes = sb_user_changes_parse (
      json, length, sb_config_get_integer (self->config, "bus", "min-password-length"), &error);

  if (changes == NULL)
    g_task_return_error (task, error);
  else
    start_put (self, task, actor, changes, FALSE);
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

/* Removing */

static void
on_user_removed (SbOperation *operation, const GError *error, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  SbAccounts *self = g_task_get_source_object (task);
  SbUser *user = g_task_get_task_data (task);

  if (error != NULL)
    {
      g_task_return_error (task, g_error_copy (error));
      return;
    }
  if (sb_directory_lookup_key (self->directory, user->key) != NULL)
    {
      self->n_admins -= !!user->admin;
      sb_directory_remove (self->directory, user->key);
      sb_authenticator_forget (self->authenticator, user->id);
      g_signal_emit (self, signals[USER_REMOVED], 0, user);
    }
  g_task_return_boolean (task, TRUE);
}

static gboolean
check_removal (SbAccounts *self, const SbUser *actor, const SbUser *user, GError **error)
{
  if (actor != NULL && !actor->admin)
    return forbid (error, "only admins delete users");
  if (user == NULL)
    {
      g_set_error_literal (error, SB_ERROR, SB_ERROR_NOT_FOUND, "there is no such user");
      return FALSE;
    }
  if (user->admin && self->n_admins == 1)
    {
      g_set_error_literal (error, SB_ERROR, SB_ERROR_CONFLICT,
                           "the bus would be left without an admin");
      return FALSE;
    }
  return TRUE;
}

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
sb_accounts_remove_async (SbAccounts *self, SbUser *actor, const char *id, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  SbUser *user = sb_directory_lookup (self->directory, id);
  SbOperation *operation;
  GError *error = NULL;

  if (!check_removal (self, actor, user, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  g_task_set_task_data (task, sb_user_ref (user), (GDestroyNotify) sb_user_unref);
  operation = sb_operation_new (SB_OPERATION_REMOVE_USER, on_user_removed, g_object_ref (task));
  operation->remove_user.key = user->key;
  operation->remove_user.now = sb_clock_wall (self->clock);
  sb_journal_submit (self->journal, operation);
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

/* Signing up */

/**
 * sb_accounts_has_users:
 * @self: accounts
 *
 * Returns: whether there is anybody
 */
gboolean
sb_accounts_has_users (SbAccounts *self)
{
  return sb_directory_get_all (self->directory)->len > 0;
}

/**
 * sb_accounts_is_sign_up_open:
 * @self: accounts
 *
 * Returns: whether a stranger may become a user: the first one, or with `open-signup`
 */
gboolean
sb_accounts_is_sign_up_open (SbAccounts *self)
{
  return !sb_accounts_has_users (self) || sb_config_get_boolean (self->config, "bus", "open-signup");
}

/**
 * sb_accounts_get_setup_code:
 * @self: accounts
 *
 * Returns: (transfer none) (nullable): what the first user has to know when it comes from a
 *   public address; %NULL once there is a user
 */
const char *
sb_accounts_get_setup_code (SbAccounts *self)
{
  return self->setup_code;
}

static gboolean
check_setup_code (SbAccounts *self, const char *code, gboolean from_private_address, GError **error)
{
  if (self->setup_code == NULL || from_private_address)
    return TRUE;
  if (code != NULL && strlen (code) == strlen (self->setup_code)
      && sb_secret_is_equal (code, self->setup_code, strlen (code)))
    return TRUE;
  return forbid (error, "the first user needs the set-up code that the bus printed at its start");
}

/**
 * sb_accounts_sign_up_async:
 * @self: accounts
 * @id: a new user's id
 * @password: its password
 * @setup_code: (nullable): as sb_accounts_get_setup_code() has it
 * @from_private_address: the request comes from loopback or a private network
 * @callback: for sb_accounts_sign_up_finish(), after the commit
 * @user_data: for @callback
 *
 * Makes the first user, which is an admin, or another one if sign-up is open.
 */
void
sb_accounts_sign_up_async (SbAccounts *self,
                           const char *id,
                           const char *password,
                           const char *setup_code,
                           gboolean from_private_address,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  g_autoptr (GPtrArray) changes
      = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_user_change_free);
  SbUserChange *change = sb_user_change_new (id, password, !sb_accounts_has_users (self));
  GError *error = NULL;

  g_ptr_array_add (changes, change);
  if (!sb_accounts_is_sign_up_open (self))
    forbid (&error, "sign-up is closed; an admin makes new users");
  else if (check_setup_code (self, setup_code, from_private_address, &error))
    sb_user_change_check (
        change, sb_config_get_integer (self->config, "bus", "min-password-length"), &error);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    start_put (self, task, NULL, changes, TRUE);
}

/**
 * sb_accounts_sign_up_finish:
 * @self: accounts
 * @result: of sb_accounts_sign_up_async()
 * @error: SB_ERROR_FORBIDDEN, SB_ERROR_CONFLICT (the name is taken), SB_ERROR_INVALID, the store's
 *
 * Returns: whether the user was made
 */
gboolean
sb_accounts_sign_up_finish (SbAccounts *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

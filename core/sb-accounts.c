/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-accounts: the users at start, who logs in, who signs up. How users are
 * changed is in sb-accounts-change.c and sb-accounts-put.c.
 */

#include "sb-accounts-private.h"

#include "sb-error.h"
#include "sb-secret.h"

#include <string.h>

G_DEFINE_FINAL_TYPE (SbAccounts, sb_accounts, G_TYPE_OBJECT)

static void
sb_accounts_finalize (GObject *object)
{
  SbAccounts *self = SB_ACCOUNTS (object);

  g_queue_clear_full (&self->turns, g_object_unref);
  g_free (self->setup_code);
  g_clear_pointer (&self->refusals, sb_refusals_free);
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
  g_signal_new ("user-changed", SB_TYPE_ACCOUNTS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                G_TYPE_NONE, 2, SB_TYPE_USER, G_TYPE_BOOLEAN);
  /**
   * SbAccounts::user-removed:
   * @self: the accounts
   * @user: as it was
   */
  g_signal_new ("user-removed", SB_TYPE_ACCOUNTS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                G_TYPE_NONE, 1, SB_TYPE_USER);
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
sb_accounts_new (SbConfig *config, SbJournal *journal, SbPasswordPool *pool,
                 SbAuthenticator *authenticator, SbClock *clock)
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

/* What the store has, the directory has. */
void
sb_accounts_mirror (SbAccounts *self, SbUser *user)
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
    sb_accounts_mirror (self, g_ptr_array_index (users, i));
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
 * The fast way: credentials that were verified lately. Not for a user with a hash of the
 * original bus: it may be about to get another one.
 *
 * Returns: (transfer none) (nullable): the user; %NULL says nothing, ask sb_accounts_log_in_async()
 */
SbUser *
sb_accounts_recognise (SbAccounts *self, const char *id, const char *password)
{
  SbUser *user = sb_directory_lookup (self->directory, id);

  if (user == NULL || sb_password_is_foreign (user->password_hash)
      || !sb_authenticator_is_known (self->authenticator, id, user->password_hash, password))
    return NULL;
  return user;
}

/* A log-in under way: the task data. */
typedef struct
{
  SbUser *user;       /* (owned) (nullable) whom the password is compared with */
  char *address;      /* (owned) (nullable) where it comes from */
  SbSecret *password; /* (owned) (nullable) of a user whose hash is to be renewed */
} LogIn;

static void
log_in_free (gpointer data)
{
  LogIn *log_in = data;

  g_clear_pointer (&log_in->user, sb_user_unref);
  sb_secret_free (log_in->password);
  g_free (log_in->address);
  g_free (log_in);
}

/* Whether the user that was found right is still the one that @user is now. A renewed hash is of
 * the same password, and the authenticator knows it. */
static gboolean
is_same (SbAccounts *self, const LogIn *log_in, const SbUser *user)
{
  return strcmp (user->password_hash, log_in->user->password_hash) == 0
         || (log_in->password != NULL
             && sb_authenticator_is_known (self->authenticator, user->id, user->password_hash,
                                           log_in->password));
}

/* @error: (transfer full) */
static void
refuse (SbAccounts *self, GTask *task, GError *error)
{
  const LogIn *log_in = g_task_get_task_data (task);

  sb_accounts_note_refused (self, log_in->user, log_in->address, error);
  g_task_return_error (task, error);
}

/* Hashing took a while: the password may have been changed meanwhile. */
static void
answer_log_in (SbAccounts *self, GTask *task)
{
  const LogIn *log_in = g_task_get_task_data (task);
  SbUser *user = sb_directory_lookup_key (self->directory, log_in->user->key);

  if (user == NULL || !is_same (self, log_in, user))
    refuse (self, task,
            g_error_new_literal (SB_ERROR, SB_ERROR_UNAUTHORIZED, "wrong user or password"));
  else
    g_task_return_pointer (task, sb_user_ref (user), (GDestroyNotify) sb_user_unref);
}

/* Who has the right password gets in whether or not the hash could be renewed; the next log-in
 * tries again. */
static void
renewed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    g_info ("an imported password hash stays for now: %s", error->message);
  answer_log_in (SB_ACCOUNTS (source), task);
}

/* The answer comes after the renewal: a token made for the old hash would be void at once. */
static void
renew (SbAccounts *self, GTask *task, const char *renewed_hash)
{
  const LogIn *log_in = g_task_get_task_data (task);
  g_autoptr (GTask) renewal = g_task_new (self, NULL, renewed_cb, g_object_ref (task));

  sb_accounts_start_renewal (self, renewal, log_in->user, log_in->password, renewed_hash);
}

static void
checked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  SbAccounts *self = g_task_get_source_object (task);
  const LogIn *log_in = g_task_get_task_data (task);
  GError *error = NULL;

  if (!sb_authenticator_check_finish (SB_AUTHENTICATOR (source), result, &error))
    refuse (self, task, error);
  else if (log_in->password != NULL)
    renew (self, task, sb_authenticator_get_renewed_hash (result));
  else
    answer_log_in (self, task);
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
sb_accounts_log_in_async (SbAccounts *self, const char *id, const char *password,
                          const char *address, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer user_data)
{
  SbUser *user = sb_directory_lookup (self->directory, id);
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  LogIn *log_in = g_new0 (LogIn, 1);

  log_in->address = g_strdup (address);
  g_task_set_task_data (task, log_in, log_in_free);
  if (user != NULL)
    {
      log_in->user = sb_user_ref (user);
      log_in->password = sb_password_is_foreign (user->password_hash) ? g_strdup (password) : NULL;
    }
  sb_authenticator_check_async (self->authenticator, id, user != NULL ? user->password_hash : NULL,
                                password, address, cancellable, checked_cb, task);
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
sb_accounts_check_token (SbAccounts *self, const char *id, const char *token, const char *address,
                         GError **error)
{
  SbUser *user = sb_directory_lookup (self->directory, id);
  GError *failure = NULL;

  if (user == NULL)
    failure = g_error_new_literal (SB_ERROR, SB_ERROR_UNAUTHORIZED, "wrong user or token");
  else if (sb_authenticator_check_token (self->authenticator, id, user->password_hash, token,
                                         address, &failure))
    return user;
  sb_accounts_note_refused (self, user, address, failure);
  g_propagate_error (error, failure);
  return NULL;
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
  return !sb_accounts_has_users (self)
         || sb_config_get_boolean (self->config, "bus", "open-signup");
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
  return sb_accounts_forbid (
      error, "the first user needs the set-up code that the bus printed at its start");
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
sb_accounts_sign_up_async (SbAccounts *self, const char *id, const char *password,
                           const char *setup_code, gboolean from_private_address,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  g_autoptr (GPtrArray) changes = g_ptr_array_new_with_free_func (
      (GDestroyNotify) sb_user_change_free);
  SbUserChange *change = sb_user_change_new (id, password, !sb_accounts_has_users (self));
  GError *error = NULL;

  g_ptr_array_add (changes, change);
  if (!sb_accounts_is_sign_up_open (self))
    sb_accounts_forbid (&error, "sign-up is closed; an admin makes new users");
  else if (check_setup_code (self, setup_code, from_private_address, &error))
    sb_user_change_check (
        change, sb_config_get_integer (self->config, "bus", "min-password-length"), &error);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    sb_accounts_start_put (self, task, sb_accounts_put_new (SB_PUT_SIGN_UP, NULL, changes));
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

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-authenticator: verified credentials, pending checks, failures.
 *
 * A log-in goes: cache → a check of the same credentials that is under way → failure bucket
 * → worker. The bucket is charged when a check starts and refunded when it ends well, so that
 * a thousand guesses sent at once are not all let through before the first one has failed.
 *
 * Passwords are not kept. Cache and checks know a keyed hash of (id, password hash, password);
 * a changed password has another hash and so matches nothing that is remembered. It is
 * SipHash and not HMAC-SHA256, because each HTTP request asks the cache, and GLib's HMAC
 * allocates and takes several times as long. Under 128 random bits of key that never leave the
 * process, finding another input for one of its 128-bit outputs is just as hopeless.
 *
 * Failures count per user and address together: a stranger who guesses locks out himself,
 * neither the user elsewhere nor his own neighbours. An IPv6 address counts as its /64 network,
 * all of which belongs to whoever has one address of it.
 */

#include "sb-authenticator.h"

#include "sb-bucket.h"
#include "sb-error.h"
#include "sb-secret.h"
#include "sb-siphash.h"
#include "sb-token.h"

#include <arpa/inet.h>
#include <string.h>

#define CACHE_MAX 16384
#define CACHE_IDLE (10 * 60 * (gint64) G_USEC_PER_SEC)
#define CACHE_AGE (60 * 60 * (gint64) G_USEC_PER_SEC)

#define FAILURES_AT_ONCE 10
#define FAILURE_INTERVAL 6 /* seconds */
#define FAILURE_BUCKETS_MAX 65536

/* How many wait for the same answer; beyond that they are not one device's connections. */
#define JOINED_MAX 4096

#define TOKEN_SECRET_MIN 16
#define TOKEN_LIFETIME_MAX (10 * 366 * 24 * 3600LL)

#define BUCKET_KEY_SIZE 33 /* a digest in hex: as short as that, however long the id */

/* A user whose password was verified. There is one password, so there is one entry. */
typedef struct
{
  char *id; /* (owned) */
  SbSipHashDigest digest;
  gint64 verified_at; /* µs, monotonic, as is the next */
  gint64 used_at;
  GList by_use; /* in SbAuthenticator.uses */
} Entry;

/* Credentials that are with a worker. */
typedef struct
{
  SbAuthenticator *authenticator; /* (owned) */
  SbSipHashDigest digest;
  char *id;            /* (owned) (nullable): NULL for a user that does not exist */
  gboolean is_stale;   /* the user was forgotten meanwhile: even the right password is not */
  GHashTable *charged; /* (owned): the failure buckets that pay for it */
  GPtrArray *tasks;    /* (owned) of GTask (owned): who waits */
} Check;

struct _SbAuthenticator
{
  GObject parent_instance;

  SbPasswordPool *pool; /* (owned) */
  SbClock *clock;       /* (owned) */
  GBytes *token_secret; /* (owned) */
  char *dummy_hash;     /* (owned): for users that do not exist */
  guint8 key[SB_SIPHASH_KEY_SIZE];

  GHashTable *entries;     /* (owned) Entry.id → Entry (owned) */
  GQueue uses;             /* of Entry.by_use, the longest unused first */
  GHashTable *checks;      /* (owned) Check.digest → Check, owned by its job's callback */
  SbBucketTable *failures; /* (owned) */
};

G_DEFINE_FINAL_TYPE (SbAuthenticator, sb_authenticator, G_TYPE_OBJECT)

/* Digests */

static guint
digest_hash (gconstpointer digest)
{
  return (guint) ((const SbSipHashDigest *) digest)->words[0];
}

static gboolean
digest_equal (gconstpointer a, gconstpointer b)
{
  return sb_siphash_digest_equal (a, b);
}

/* With its terminator: "ab" and "c" are not "a" and "bc". */
static void
add_text (SbSipHash *state, const char *text)
{
  sb_siphash_update (state, text, strlen (text) + 1);
}

static SbSipHashDigest
digest_credentials (SbAuthenticator *self, const char *id, const char *password_hash,
                    const char *password)
{
  SbSipHash state;

  sb_siphash_init (&state, self->key);
  add_text (&state, "credentials");
  add_text (&state, id);
  /* No hash is no text, and the text of no hash begins with this. */
  add_text (&state, password_hash != NULL ? password_hash : "\1");
  add_text (&state, password);
  return sb_siphash_finish (&state);
}

/* Failure buckets */

/* Whom an address stands for: itself, or the /64 network of IPv6. */
static char *
address_group (const char *address)
{
  struct in6_addr parsed;
  char text[INET6_ADDRSTRLEN];

  if (address == NULL)
    return g_strdup ("");
  if (inet_pton (AF_INET6, address, &parsed) != 1)
    return g_strdup (address);
  if (IN6_IS_ADDR_V4MAPPED (&parsed))
    return g_strdup (inet_ntop (AF_INET, parsed.s6_addr + 12, text, sizeof text));
  memset (parsed.s6_addr + 8, 0, 8);
  return g_strconcat (inet_ntop (AF_INET6, &parsed, text, sizeof text), "/64", NULL);
}

static void
make_bucket_key (SbAuthenticator *self, const char *id, const char *group,
                 char key[BUCKET_KEY_SIZE])
{
  SbSipHash state;
  SbSipHashDigest digest;

  sb_siphash_init (&state, self->key);
  add_text (&state, "failures");
  add_text (&state, id);
  add_text (&state, group);
  digest = sb_siphash_finish (&state);
  g_snprintf (key, BUCKET_KEY_SIZE, "%016" G_GINT64_MODIFIER "x%016" G_GINT64_MODIFIER "x",
              digest.words[0], digest.words[1]);
}

static gboolean
charge (SbAuthenticator *self, const char *key, GError **error)
{
  guint wait;

  if (sb_bucket_table_take (self->failures, key, sb_clock_monotonic (self->clock), &wait))
    return TRUE;
  g_set_error (error, SB_ERROR, SB_ERROR_RATE, "Too many failed log-ins; try again in %u s", wait);
  return FALSE;
}

/* The cache */

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_free (entry->id);
  g_free (entry);
}

static void
drop_entry (SbAuthenticator *self, Entry *entry)
{
  g_queue_unlink (&self->uses, &entry->by_use);
  g_hash_table_remove (self->entries, entry->id);
}

static gboolean
is_fresh (const Entry *entry, gint64 now)
{
  return now - entry->used_at < CACHE_IDLE && now - entry->verified_at < CACHE_AGE;
}

static void
touch_entry (SbAuthenticator *self, Entry *entry, gint64 now)
{
  entry->used_at = now;
  g_queue_unlink (&self->uses, &entry->by_use);
  g_queue_push_tail_link (&self->uses, &entry->by_use);
}

static gboolean
is_cached (SbAuthenticator *self, const char *id, const SbSipHashDigest *digest)
{
  Entry *entry = g_hash_table_lookup (self->entries, id);
  gint64 now;

  if (entry == NULL || !sb_siphash_digest_equal (&entry->digest, digest))
    return FALSE;
  now = sb_clock_monotonic (self->clock);
  if (!is_fresh (entry, now))
    {
      drop_entry (self, entry);
      return FALSE;
    }
  touch_entry (self, entry, now);
  return TRUE;
}

/* The queue is in order of use, so what nobody has used for long stands at its head. */
static void
make_room (SbAuthenticator *self, gint64 now)
{
  for (GList *link = self->uses.head; link != NULL; link = self->uses.head)
    {
      if (self->uses.length < CACHE_MAX && is_fresh (link->data, now))
        return;
      drop_entry (self, link->data);
    }
}

static Entry *
add_entry (SbAuthenticator *self, const char *id, gint64 now)
{
  Entry *entry;

  make_room (self, now);
  entry = g_new0 (Entry, 1);
  entry->id = g_strdup (id);
  entry->by_use.data = entry;
  g_hash_table_insert (self->entries, entry->id, entry);
  g_queue_push_tail_link (&self->uses, &entry->by_use);
  return entry;
}

static void
cache (SbAuthenticator *self, const char *id, const SbSipHashDigest *digest)
{
  gint64 now = sb_clock_monotonic (self->clock);
  Entry *entry = g_hash_table_lookup (self->entries, id);

  if (entry == NULL)
    entry = add_entry (self, id, now);
  entry->digest = *digest;
  entry->verified_at = now;
  touch_entry (self, entry, now);
}

/* Checks */

static Check *
check_new (SbAuthenticator *self, const SbSipHashDigest *digest, const char *id)
{
  Check *check = g_new0 (Check, 1);

  check->authenticator = g_object_ref (self);
  check->digest = *digest;
  check->id = g_strdup (id);
  check->charged = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  check->tasks = g_ptr_array_new_with_free_func (g_object_unref);
  return check;
}

static void
check_free (Check *check)
{
  g_ptr_array_unref (check->tasks);
  g_hash_table_unref (check->charged);
  g_free (check->id);
  g_object_unref (check->authenticator);
  g_free (check);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Check, check_free)

static void
refund (Check *check)
{
  SbAuthenticator *self = check->authenticator;
  gint64 now = sb_clock_monotonic (self->clock);
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, check->charged);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    sb_bucket_table_put_back (self->failures, key, now);
}

/* Nobody can join any more, so what the callbacks of the tasks do is of no concern here. */
static void
answer (Check *check, const char *renewed_hash, const GError *error)
{
  for (guint i = 0; i < check->tasks->len; i++)
    {
      GTask *task = g_ptr_array_index (check->tasks, i);

      g_task_set_task_data (task, g_strdup (renewed_hash), g_free);
      if (error != NULL)
        g_task_return_error (task, g_error_copy (error));
      else
        g_task_return_boolean (task, TRUE);
    }
}

static void
set_unauthorized (GError **error)
{
  g_set_error_literal (error, SB_ERROR, SB_ERROR_UNAUTHORIZED, "Wrong user or password");
}

static void
verified_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Check) check = user_data;
  SbAuthenticator *self = check->authenticator;
  g_autoptr (GError) error = NULL;
  gboolean matches = FALSE;
  gboolean is_wrong;

  sb_password_pool_verify_finish (self->pool, result, &matches, &error);
  if (!check->is_stale)
    g_hash_table_remove (self->checks, &check->digest);

  is_wrong = error == NULL && (!matches || check->id == NULL);
  if (!is_wrong)
    refund (check);
  if (is_wrong || (error == NULL && check->is_stale))
    set_unauthorized (&error);
  if (error == NULL)
    cache (self, check->id, &check->digest);
  answer (check, sb_password_pool_get_renewed_hash (result), error);
}

/* Adds the task to who waits for the check; each address that takes part pays once. */
static gboolean
join (SbAuthenticator *self, Check *check, const char *key, GTask *task, GError **error)
{
  if (check->tasks->len >= JOINED_MAX)
    {
      g_set_error_literal (error, SB_ERROR, SB_ERROR_BUSY, "Too many log-ins of one user at once");
      return FALSE;
    }
  if (!g_hash_table_contains (check->charged, key))
    {
      if (!charge (self, key, error))
        return FALSE;
      g_hash_table_add (check->charged, g_strdup (key));
    }
  g_ptr_array_add (check->tasks, g_object_ref (task));
  return TRUE;
}

/* Gives it to a worker, and to others to join. */
static void
launch (SbAuthenticator *self, Check *check, const char *password_hash, const char *password,
        const char *group)
{
  g_hash_table_insert (self->checks, &check->digest, check);
  sb_password_pool_verify_async (self->pool, password,
                                 check->id != NULL ? password_hash : self->dummy_hash, group, NULL,
                                 verified_cb, check);
}

/* The object */

static void
sb_authenticator_finalize (GObject *object)
{
  SbAuthenticator *self = SB_AUTHENTICATOR (object);

  g_hash_table_unref (self->checks);
  g_hash_table_unref (self->entries);
  sb_bucket_table_free (self->failures);
  g_bytes_unref (self->token_secret);
  g_free (self->dummy_hash);
  explicit_bzero (self->key, sizeof self->key);
  g_object_unref (self->clock);
  g_object_unref (self->pool);
  G_OBJECT_CLASS (sb_authenticator_parent_class)->finalize (object);
}

static void
sb_authenticator_class_init (SbAuthenticatorClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sb_authenticator_finalize;
}

static void
sb_authenticator_init (SbAuthenticator *self)
{
  sb_secret_fill_random (self->key, sizeof self->key);
  self->dummy_hash = sb_password_make_dummy ();
  self->entries = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, entry_free);
  g_queue_init (&self->uses);
  self->checks = g_hash_table_new (digest_hash, digest_equal);
  self->failures = sb_bucket_table_new (1.0 / FAILURE_INTERVAL, FAILURES_AT_ONCE,
                                        FAILURE_BUCKETS_MAX);
}

/**
 * sb_authenticator_new:
 * @pool: (transfer none): who hashes
 * @clock: (transfer none): the time
 * @token_secret: (transfer none): what tokens are signed with; at least 16 bytes that nobody
 *   can guess. Tokens live as long as it does
 *
 * Makes an authenticator that knows nobody. It belongs to the main context, all of it.
 *
 * Returns: (transfer full): the authenticator
 */
SbAuthenticator *
sb_authenticator_new (SbPasswordPool *pool, SbClock *clock, GBytes *token_secret)
{
  SbAuthenticator *self;

  g_return_val_if_fail (SB_IS_PASSWORD_POOL (pool), NULL);
  g_return_val_if_fail (SB_IS_CLOCK (clock), NULL);
  g_return_val_if_fail (token_secret != NULL, NULL);
  g_return_val_if_fail (g_bytes_get_size (token_secret) >= TOKEN_SECRET_MIN, NULL);

  self = g_object_new (SB_TYPE_AUTHENTICATOR, NULL);
  self->pool = g_object_ref (pool);
  self->clock = g_object_ref (clock);
  self->token_secret = g_bytes_ref (token_secret);
  return self;
}

/**
 * sb_authenticator_is_known:
 * @self: an authenticator
 * @id: who somebody says to be
 * @password_hash: (nullable): the password hash that is stored for @id; %NULL when there is
 *   no such user
 * @password: the password that came with it
 *
 * The fast path: whether just these credentials were verified not long ago. Hashes nothing,
 * allocates nothing, counts nothing; after %FALSE ask sb_authenticator_check_async().
 *
 * Returns: %TRUE when the user is who it says
 */
gboolean
sb_authenticator_is_known (SbAuthenticator *self, const char *id, const char *password_hash,
                           const char *password)
{
  SbSipHashDigest digest;

  g_return_val_if_fail (SB_IS_AUTHENTICATOR (self), FALSE);
  g_return_val_if_fail (id != NULL, FALSE);
  g_return_val_if_fail (password != NULL, FALSE);

  if (password_hash == NULL)
    return FALSE;
  digest = digest_credentials (self, id, password_hash, password);
  return is_cached (self, id, &digest);
}

/**
 * sb_authenticator_check_async:
 * @self: an authenticator
 * @id: who somebody says to be
 * @password_hash: (nullable): the password hash that is stored for @id; %NULL when there is
 *   no such user, which is found out no sooner than a wrong password
 * @password: the password that came with it; not kept
 * @address: (nullable): where it came from, as text
 * @cancellable: (nullable): when it is cancelled the answer is %G_IO_ERROR_CANCELLED. The
 *   check goes on, since others may have joined it, and a failure counts
 * @callback: called in the main context, never from within this function
 * @user_data: for @callback
 *
 * Verifies a password on a worker. Checks of the same credentials that come while one is
 * under way get its answer. The user may be changed or deleted before the answer is there:
 * sb_authenticator_forget() then makes it a refusal.
 */
void
sb_authenticator_check_async (SbAuthenticator *self, const char *id, const char *password_hash,
                              const char *password, const char *address, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (Check) fresh = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *group = address_group (address);
  char key[BUCKET_KEY_SIZE];
  SbSipHashDigest digest;
  Check *check;

  g_return_if_fail (SB_IS_AUTHENTICATOR (self));
  g_return_if_fail (id != NULL);
  g_return_if_fail (password != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, sb_authenticator_check_async);
  digest = digest_credentials (self, id, password_hash, password);
  if (password_hash != NULL && is_cached (self, id, &digest))
    {
      g_task_return_boolean (task, TRUE);
      return;
    }

  make_bucket_key (self, id, group, key);
  check = g_hash_table_lookup (self->checks, &digest);
  if (check == NULL)
    check = fresh = check_new (self, &digest, password_hash != NULL ? id : NULL);
  if (!join (self, check, key, task, &error))
    g_task_return_error (task, g_steal_pointer (&error));
  else if (fresh != NULL)
    launch (self, g_steal_pointer (&fresh), password_hash, password, group);
}

/**
 * sb_authenticator_check_finish:
 * @self: an authenticator
 * @result: what the callback got
 * @error: %SB_ERROR_UNAUTHORIZED for a wrong password and for an unknown user alike;
 *   %SB_ERROR_RATE after too many failures, with the seconds to wait in the message, see
 *   sb_authenticator_retry_after(); %SB_ERROR_BUSY when too many wait already;
 *   %SB_ERROR_CLOSED when the bus stops; %SB_ERROR_UNSUPPORTED when the stored hash is none;
 *   %G_IO_ERROR_CANCELLED
 *
 * Returns: %TRUE when the user is who it says
 */
gboolean
sb_authenticator_check_finish (SbAuthenticator *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, sb_authenticator_check_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * sb_authenticator_get_renewed_hash:
 * @result: what the callback of sb_authenticator_check_async() got, after a success
 *
 * Returns: (transfer none) (nullable): when the stored hash is one of the original bus, a hash
 *   of the same password to be stored instead; %NULL when the check did not need to compute
 */
const char *
sb_authenticator_get_renewed_hash (GAsyncResult *result)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, sb_authenticator_check_async), NULL);

  return g_task_get_task_data (G_TASK (result));
}

/**
 * sb_authenticator_retry_after:
 * @self: an authenticator
 * @id: who somebody said to be
 * @address: (nullable): where it came from
 *
 * Returns: in how many seconds a password of @id from @address is looked at again; 0 for now.
 *   The value of a Retry-After header
 */
guint
sb_authenticator_retry_after (SbAuthenticator *self, const char *id, const char *address)
{
  g_autofree char *group = address_group (address);
  char key[BUCKET_KEY_SIZE];
  guint seconds = 0;

  g_return_val_if_fail (SB_IS_AUTHENTICATOR (self), 0);
  g_return_val_if_fail (id != NULL, 0);

  make_bucket_key (self, id, group, key);
  sb_bucket_table_peek (self->failures, key, sb_clock_monotonic (self->clock), &seconds);
  return seconds;
}

/**
 * sb_authenticator_remember:
 * @self: an authenticator
 * @id: a user
 * @password_hash: the hash that was just made of @password
 * @password: the password that was just set
 *
 * Takes the credentials for verified: the first use of a new password hashes nothing, and
 * one that is set again is seen to be the same.
 */
void
sb_authenticator_remember (SbAuthenticator *self, const char *id, const char *password_hash,
                           const char *password)
{
  SbSipHashDigest digest;

  g_return_if_fail (SB_IS_AUTHENTICATOR (self));
  g_return_if_fail (id != NULL);
  g_return_if_fail (password_hash != NULL);
  g_return_if_fail (password != NULL);

  digest = digest_credentials (self, id, password_hash, password);
  cache (self, id, &digest);
}

/**
 * sb_authenticator_forget:
 * @self: an authenticator
 * @id: a user whose password was changed, or who was deleted
 *
 * Drops what is remembered of @id; checks that are under way end in a refusal. To be called
 * before sb_authenticator_remember() of the new password.
 */
void
sb_authenticator_forget (SbAuthenticator *self, const char *id)
{
  Entry *entry;
  GHashTableIter iter;
  gpointer value;

  g_return_if_fail (SB_IS_AUTHENTICATOR (self));
  g_return_if_fail (id != NULL);

  entry = g_hash_table_lookup (self->entries, id);
  if (entry != NULL)
    drop_entry (self, entry);

  /* No more of them than jobs fit into the pool, and on most days none. */
  g_hash_table_iter_init (&iter, self->checks);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Check *check = value;

      if (g_strcmp0 (check->id, id) != 0)
        continue;
      check->is_stale = TRUE;
      g_hash_table_iter_remove (&iter);
    }
}

/* Tokens */

/**
 * sb_authenticator_make_token:
 * @self: an authenticator
 * @id: a user that has just been verified
 * @password_hash: the password hash that is stored for it
 * @lifetime_s: for how many seconds the token shall be good; above 0, and cut to ten years
 *
 * Returns: (transfer full): a token that stands in for the password until it expires, or
 *   until the password hash or the secret is another
 */
char *
sb_authenticator_make_token (SbAuthenticator *self, const char *id, const char *password_hash,
                             gint64 lifetime_s)
{
  gint64 now_s;

  g_return_val_if_fail (SB_IS_AUTHENTICATOR (self), NULL);
  g_return_val_if_fail (id != NULL, NULL);
  g_return_val_if_fail (password_hash != NULL, NULL);
  g_return_val_if_fail (lifetime_s > 0, NULL);

  now_s = sb_clock_wall (self->clock) / G_USEC_PER_SEC;
  return sb_token_make (self->token_secret, id, password_hash,
                        now_s + MIN (lifetime_s, TOKEN_LIFETIME_MAX));
}

static gboolean
refuse_token (SbAuthenticator *self, const char *id, const char *address, GError **error)
{
  g_autofree char *group = address_group (address);
  char key[BUCKET_KEY_SIZE];

  make_bucket_key (self, id, group, key);
  if (charge (self, key, error))
    g_set_error_literal (error, SB_ERROR, SB_ERROR_UNAUTHORIZED, "The token is not valid");
  return FALSE;
}

/**
 * sb_authenticator_check_token:
 * @self: an authenticator
 * @id: who somebody says to be
 * @password_hash: (nullable): the password hash that is stored for @id; %NULL when there is
 *   no such user
 * @token: the token that came with it
 * @address: (nullable): where it came from
 * @error: %SB_ERROR_UNAUTHORIZED for one that is wrong or has expired, %SB_ERROR_RATE for a
 *   wrong one after too many failures
 *
 * Checks a token, at once. A wrong one counts as a failed log-in; one that was right and has
 * expired does not, nor is a right one ever refused for the failures of others.
 *
 * Returns: %TRUE when the user is who it says
 */
gboolean
sb_authenticator_check_token (SbAuthenticator *self, const char *id, const char *password_hash,
                              const char *token, const char *address, GError **error)
{
  gint64 expires_s = 0;
  gboolean is_genuine;

  g_return_val_if_fail (SB_IS_AUTHENTICATOR (self), FALSE);
  g_return_val_if_fail (id != NULL, FALSE);
  g_return_val_if_fail (token != NULL, FALSE);

  /* The same work for a user that does not exist: its hash is one that was never stored. */
  is_genuine = sb_token_is_genuine (self->token_secret, id,
                                    password_hash != NULL ? password_hash : self->dummy_hash, token,
                                    &expires_s);
  if (!is_genuine || password_hash == NULL)
    return refuse_token (self, id, address, error);
  if (sb_clock_wall (self->clock) / G_USEC_PER_SEC >= expires_s)
    {
      g_set_error_literal (error, SB_ERROR, SB_ERROR_UNAUTHORIZED, "The token has expired");
      return FALSE;
    }
  return TRUE;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-password: libcrypt's yescrypt, on a few threads behind a fair queue.
 *
 * The threads see jobs and never the pool's callers: they take a job under the lock, hash
 * without it, and hand the result to the job's GTask, which carries it to the context that
 * asked. The tasks do not hold the pool, or its end would have to wait for its own queue.
 */

#include "sb-password-private.h"

#include "sb-error.h"
#include "sb-fair-queue.h"
#include "sb-foreign-hash.h"
#include "sb-secret.h"

#include <crypt.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/*
 * Median time and memory of one hash on a 2-core virtual machine:
 *
 *   cost   1       2       3       4       5        6        7
 *   time   1.0 ms  2.0 ms  3.9 ms  7.8 ms  16.2 ms  32.1 ms  66.6 ms
 *   size   1 MiB   2 MiB   4 MiB   8 MiB   16 MiB   32 MiB   64 MiB
 *
 * The strongest one below 12 ms: a thousand devices that come back at once after a restart
 * are verified in seconds. A stored hash names its own cost, so this can be raised at any time.
 */
#define YESCRYPT_PREFIX "$y$"
#define YESCRYPT_COST 4
/* The digest at the end of a yescrypt hash, in characters. */
#define YESCRYPT_DIGEST_LENGTH 43
/* The digits of libcrypt: of its parameters, salts and digests. */
#define CRYPT_DIGITS "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define YESCRYPT_SALT_MAX 86

#define MAX_THREADS 4
#define DEFAULT_CAPACITY 4096

/* Below the main loop: on a machine with few cores a flood of log-ins must not slow messages. */
#define NICE_STEP 10
#define NICE_MAX 19

G_STATIC_ASSERT (SB_PASSWORD_MAX_LENGTH == CRYPT_MAX_PASSPHRASE_SIZE - 1);

typedef struct
{
  GTask *task;        /* (owned) */
  SbSecret *password; /* (owned) */
  char *hash;         /* (owned) (nullable): to verify against; NULL makes a new one */
} Job;

struct _SbPasswordPool
{
  GObject parent_instance;

  GMutex lock;        /* guards what follows, up to the blank line */
  GCond wake;         /* there is a job, or no more will come */
  SbFairQueue *queue; /* (owned) of Job (owned) */
  gboolean is_closed;
  guint64 n_started;

  GPtrArray *threads; /* (owned) of GThread */
};

G_DEFINE_FINAL_TYPE (SbPasswordPool, sb_password_pool, G_TYPE_OBJECT)

/* Hashing */

static gboolean
is_too_long (const char *password)
{
  return strnlen (password, SB_PASSWORD_MAX_LENGTH + 1) > SB_PASSWORD_MAX_LENGTH;
}

static void
set_libcrypt_error (GError **error, int reason)
{
  gboolean is_format = reason == EINVAL || reason == ENOSYS;

  g_set_error (error, SB_ERROR, is_format ? SB_ERROR_UNSUPPORTED : SB_ERROR_FAILED,
               "Cannot hash the password: %s", g_strerror (reason));
}

/* crypt() with its own state, which is wiped: it holds the password. */
char *
sb_password_crypt (const char *password, const char *setting, GError **error)
{
  struct crypt_data *data = g_new0 (struct crypt_data, 1);
  char *hash = g_strdup (crypt_rn (password, setting, data, sizeof *data));
  int reason = errno;

  explicit_bzero (data, sizeof *data);
  g_free (data);
  if (hash == NULL)
    set_libcrypt_error (error, reason);
  return hash;
}

/**
 * sb_password_is_foreign: (skip)
 * @hash: what is stored as a password hash
 *
 * Looks at the beginning only. Any thread.
 *
 * Returns: whether it is one of the original bus, which is to be replaced when the password is
 *   seen; none of libcrypt's begins so
 */
gboolean
sb_password_is_foreign (const char *hash)
{
  g_return_val_if_fail (hash != NULL, FALSE);

  return g_str_has_prefix (hash, "pbkdf2:") || g_str_has_prefix (hash, "scrypt:");
}

/* The beginning of a new hash: method, cost, salt. */
static gboolean
make_setting (char setting[CRYPT_GENSALT_OUTPUT_SIZE], GError **error)
{
  if (crypt_gensalt_rn (YESCRYPT_PREFIX, YESCRYPT_COST, NULL, 0, setting, CRYPT_GENSALT_OUTPUT_SIZE)
      != NULL)
    return TRUE;
  set_libcrypt_error (error, errno);
  return FALSE;
}

/**
 * sb_password_hash: (skip)
 * @password: the password; at most %SB_PASSWORD_MAX_LENGTH bytes
 * @error: %SB_ERROR_INVALID when it is too long; %SB_ERROR_FAILED without memory
 *
 * Makes a new hash with a new salt. Blocks for about 10 ms; from any thread.
 *
 * Returns: (transfer full): the hash, in the form of crypt(5)
 */
char *
sb_password_hash (const char *password, GError **error)
{
  char setting[CRYPT_GENSALT_OUTPUT_SIZE];

  g_return_val_if_fail (password != NULL, NULL);

  if (is_too_long (password))
    {
      g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "The password is longer than %d bytes",
                   SB_PASSWORD_MAX_LENGTH);
      return NULL;
    }
  if (!make_setting (setting, error))
    return NULL;
  return sb_password_crypt (password, setting, error);
}

/**
 * sb_password_verify: (skip)
 * @password: what somebody says the password is
 * @hash: a hash of any method that libcrypt knows, or one of the original bus
 * @matches: (out): whether @password is the one of @hash
 * @error: %SB_ERROR_UNSUPPORTED when @hash is no such hash
 *
 * Blocks for as long as the method and cost of @hash take; from any thread. A password
 * that is longer than %SB_PASSWORD_MAX_LENGTH matches nothing.
 *
 * Returns: whether the question could be answered
 */
gboolean
sb_password_verify (const char *password, const char *hash, gboolean *matches, GError **error)
{
  g_autofree char *computed = NULL;
  gsize length;
  int verdict;

  g_return_val_if_fail (password != NULL, FALSE);
  g_return_val_if_fail (hash != NULL, FALSE);
  g_return_val_if_fail (matches != NULL, FALSE);

  *matches = FALSE;
  /* First of all: to libcrypt its first two letters are a salt. */
  if (sb_password_is_foreign (hash))
    return is_too_long (password) || sb_foreign_hash_verify (password, hash, matches, error);
  verdict = crypt_checksalt (hash);
  if (verdict == CRYPT_SALT_INVALID || verdict == CRYPT_SALT_METHOD_DISABLED)
    {
      g_set_error_literal (error, SB_ERROR, SB_ERROR_UNSUPPORTED,
                           "The stored password hash has a format that libcrypt does not know");
      return FALSE;
    }
  if (is_too_long (password))
    return TRUE;
  computed = sb_password_crypt (password, hash, error);
  if (computed == NULL)
    return FALSE;

  /* To libcrypt almost any text is a salt, as far as it goes; what has not the length that
   * comes out was cut off, or was never a hash. */
  length = strlen (computed);
  if (strlen (hash) != length)
    {
      g_set_error_literal (error, SB_ERROR, SB_ERROR_UNSUPPORTED,
                           "The stored password hash is cut off, or is none");
      return FALSE;
    }
  *matches = sb_secret_is_equal (hash, computed, length);
  return TRUE;
}

/* Costs 1 to 7 of the table above: a file may not ask for more memory. */
static gboolean
is_yescrypt (const char *hash)
{
  static const char *const settings[] = { "$y$j75$", "$y$j85$", "$y$j7T$", "$y$j8T$",
                                          "$y$j9T$", "$y$jAT$", "$y$jBT$" };

  for (gsize i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      const char *salt = hash + strlen (settings[i]);
      gsize length;

      if (!g_str_has_prefix (hash, settings[i]))
        continue;
      length = strspn (salt, CRYPT_DIGITS);
      return length > 0 && length <= YESCRYPT_SALT_MAX && salt[length] == '$'
             && strlen (salt + length + 1) == YESCRYPT_DIGEST_LENGTH
             && strspn (salt + length + 1, CRYPT_DIGITS) == YESCRYPT_DIGEST_LENGTH;
    }
  return FALSE;
}

/**
 * sb_password_check_hash: (skip)
 * @hash: what somebody brings along as a password hash
 * @error: %SB_ERROR_INVALID: what is wrong with it
 *
 * Whether a hash from outside may be stored: one of sb_password_hash() or of the original bus,
 * whole, and within bounds of time and memory. Takes no time itself; any thread.
 *
 * Returns: whether it is good
 */
gboolean
sb_password_check_hash (const char *hash, GError **error)
{
  g_autoptr (GError) foreign_error = NULL;

  g_return_val_if_fail (hash != NULL, FALSE);

  if (!sb_password_is_foreign (hash))
    {
      if (is_yescrypt (hash))
        return TRUE;
      g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID,
                           "the password hash begins neither with pbkdf2: or scrypt:, as those of "
                           "the original bus do, nor is it one of this bus, $y$…");
      return FALSE;
    }
  if (sb_foreign_hash_check (hash, &foreign_error))
    return TRUE;
  g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID, foreign_error->message);
  return FALSE;
}

/**
 * sb_password_make_dummy: (skip)
 *
 * Makes something that no password matches, and that takes as long to verify as a hash of
 * sb_password_hash(): so that an answer's time does not tell whether a user exists.
 * Takes no time itself.
 *
 * Returns: (transfer full): the dummy
 */
char *
sb_password_make_dummy (void)
{
  char setting[CRYPT_GENSALT_OUTPUT_SIZE];
  char digest[YESCRYPT_DIGEST_LENGTH + 1];
  g_autoptr (GError) error = NULL;

  if (!make_setting (setting, &error))
    g_error ("%s", error->message);
  memset (digest, '.', YESCRYPT_DIGEST_LENGTH);
  digest[YESCRYPT_DIGEST_LENGTH] = '\0';
  return g_strconcat (setting, "$", digest, NULL);
}

/* Workers */

static void
job_free (gpointer data)
{
  Job *job = data;

  g_clear_object (&job->task);
  sb_secret_free (job->password);
  g_free (job->hash);
  g_free (job);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Job, job_free)

static void
job_run (Job *job)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *hash = NULL;
  gboolean matches = FALSE;

  if (g_task_return_error_if_cancelled (job->task))
    return;
  if (job->hash == NULL)
    hash = sb_password_hash (job->password, &error);
  else if (sb_password_verify (job->password, job->hash, &matches, &error) && matches
           && sb_password_is_foreign (job->hash))
    g_task_set_task_data (job->task, sb_password_hash (job->password, NULL), g_free);

  if (error != NULL)
    g_task_return_error (job->task, g_steal_pointer (&error));
  else if (job->hash == NULL)
    g_task_return_pointer (job->task, g_steal_pointer (&hash), g_free);
  else
    g_task_return_int (job->task, matches);
}

/* Waits for one. Returns: (nullable): NULL when the pool closes, whatever still waits. */
static Job *
next_job (SbPasswordPool *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  while (!self->is_closed && sb_fair_queue_get_length (self->queue) == 0)
    g_cond_wait (&self->wake, &self->lock);
  if (self->is_closed)
    return NULL;
  self->n_started++;
  return sb_fair_queue_pop (self->queue);
}

/* On Linux this is a matter of the thread, not of the process. Where it is not allowed, the
 * worker does the same work at the priority that it has. */
static void
lower_own_priority (void)
{
  id_t self = (id_t) gettid ();
  int priority = MIN (getpriority (PRIO_PROCESS, self) + NICE_STEP, NICE_MAX);

  if (setpriority (PRIO_PROCESS, self, priority) != 0)
    g_debug ("Passwords are hashed at normal priority: %s", g_strerror (errno));
}

static gpointer
work (gpointer data)
{
  SbPasswordPool *self = data;

  lower_own_priority ();
  for (Job *job = next_job (self); job != NULL; job = next_job (self))
    {
      job_run (job);
      job_free (job);
    }
  return NULL;
}

/* The pool */

static void
sb_password_pool_finalize (GObject *object)
{
  SbPasswordPool *self = SB_PASSWORD_POOL (object);

  sb_password_pool_close (self);
  g_ptr_array_unref (self->threads);
  sb_fair_queue_free (self->queue);
  g_cond_clear (&self->wake);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (sb_password_pool_parent_class)->finalize (object);
}

static void
sb_password_pool_class_init (SbPasswordPoolClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sb_password_pool_finalize;
}

static void
sb_password_pool_init (SbPasswordPool *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->wake);
  self->threads = g_ptr_array_new ();
}

/**
 * sb_password_pool_new: (skip)
 *
 * Starts a pool of as many threads as there are cores, at most 4, that lets 4096 jobs wait.
 *
 * Returns: (transfer full): the pool
 */
SbPasswordPool *
sb_password_pool_new (void)
{
  return sb_password_pool_new_full (CLAMP (g_get_num_processors (), 1, MAX_THREADS),
                                    DEFAULT_CAPACITY);
}

/**
 * sb_password_pool_new_full: (skip)
 * @n_threads: how many threads hash; at least 1
 * @capacity: how many jobs wait at most, all addresses together; at least 1
 *
 * Returns: (transfer full): a pool whose threads run
 */
SbPasswordPool *
sb_password_pool_new_full (guint n_threads, guint capacity)
{
  SbPasswordPool *self;

  g_return_val_if_fail (n_threads >= 1, NULL);
  g_return_val_if_fail (capacity >= 1, NULL);

  self = g_object_new (SB_TYPE_PASSWORD_POOL, NULL);
  self->queue = sb_fair_queue_new (capacity);
  for (guint i = 0; i < n_threads; i++)
    g_ptr_array_add (self->threads, g_thread_new ("sb-password", work, self));
  return self;
}

/* Gives the job to the workers, or says why not. */
static gboolean
enqueue (SbPasswordPool *self, const char *address, Job *job, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (self->is_closed)
    {
      g_set_error_literal (error, SB_ERROR, SB_ERROR_CLOSED, "The bus is stopping");
      return FALSE;
    }
  if (!sb_fair_queue_push (self->queue, address != NULL ? address : "", job))
    {
      g_set_error_literal (error, SB_ERROR, SB_ERROR_BUSY, "Too many passwords wait to be checked");
      return FALSE;
    }
  g_cond_signal (&self->wake);
  return TRUE;
}

static void
submit (SbPasswordPool *self, GTask *task, const char *password, const char *hash,
        const char *address)
{
  g_autoptr (Job) job = g_new0 (Job, 1);
  g_autoptr (GError) error = NULL;

  job->task = g_object_ref (task);
  job->password = g_strdup (password);
  job->hash = g_strdup (hash);
  if (enqueue (self, address, job, &error))
    g_steal_pointer (&job);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

/**
 * sb_password_pool_verify_async: (skip)
 * @self: a pool
 * @password: what somebody says the password is; copied, and wiped afterwards
 * @hash: what to compare it with, as for sb_password_verify()
 * @address: (nullable): on whose behalf; jobs of different addresses take turns, and one
 *   address gets at most half of the room to wait. %NULL is the bus itself
 * @cancellable: (nullable): when it is cancelled while the job waits, nothing is hashed. The
 *   answer still comes at the job's turn
 * @callback: called in the thread-default main context of the caller. Its source object is
 *   %NULL: a job does not keep the pool alive
 * @user_data: for @callback
 *
 * Verifies on a worker. From any thread that has a main context.
 */
void
sb_password_pool_verify_async (SbPasswordPool *self, const char *password, const char *hash,
                               const char *address, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (SB_IS_PASSWORD_POOL (self));
  g_return_if_fail (password != NULL);
  g_return_if_fail (hash != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, sb_password_pool_verify_async);
  /* Not copied either: it could be as long as whatever carried it here. */
  if (is_too_long (password))
    g_task_return_int (task, FALSE);
  else
    submit (self, task, password, hash, address);
}

/**
 * sb_password_pool_verify_finish: (skip)
 * @self: (nullable): the pool; not looked at, since it may be gone by now
 * @result: what the callback got
 * @matches: (out): whether the password was right
 * @error: %SB_ERROR_BUSY when no more may wait, %SB_ERROR_CLOSED when the pool was closed
 *   before the job's turn, %G_IO_ERROR_CANCELLED, or as for sb_password_verify()
 *
 * Returns: whether the question could be answered
 */
gboolean
sb_password_pool_verify_finish (SbPasswordPool *self, GAsyncResult *result, gboolean *matches,
                                GError **error)
{
  gssize answer;

  g_return_val_if_fail (g_task_is_valid (result, NULL), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, sb_password_pool_verify_async), FALSE);
  g_return_val_if_fail (matches != NULL, FALSE);

  answer = g_task_propagate_int (G_TASK (result), error);
  *matches = answer == TRUE;
  return answer >= 0;
}

/**
 * sb_password_pool_get_renewed_hash: (skip)
 * @result: what the callback of sb_password_pool_verify_async() got
 *
 * After a password that matches a hash of the original bus there is one of this bus, made in
 * passing: nobody has to wait for a worker a second time.
 *
 * Returns: (transfer none) (nullable): what should be stored instead
 */
const char *
sb_password_pool_get_renewed_hash (GAsyncResult *result)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, sb_password_pool_verify_async), NULL);

  return g_task_get_task_data (G_TASK (result));
}

/**
 * sb_password_pool_hash_async: (skip)
 * @self: a pool
 * @password: the password; copied, and wiped afterwards
 * @address: (nullable): as for sb_password_pool_verify_async(), as are the others
 * @cancellable: (nullable): ends the wait for a turn
 * @callback: called in the thread-default main context of the caller, with %NULL as its
 *   source object
 * @user_data: for @callback
 *
 * Makes a new hash on a worker.
 */
void
sb_password_pool_hash_async (SbPasswordPool *self, const char *password, const char *address,
                             GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (SB_IS_PASSWORD_POOL (self));
  g_return_if_fail (password != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, sb_password_pool_hash_async);
  if (is_too_long (password))
    g_task_return_new_error (task, SB_ERROR, SB_ERROR_INVALID,
                             "The password is longer than %d bytes", SB_PASSWORD_MAX_LENGTH);
  else
    submit (self, task, password, NULL, address);
}

/**
 * sb_password_pool_hash_finish: (skip)
 * @self: (nullable): the pool; not looked at
 * @result: what the callback got
 * @error: as for sb_password_pool_verify_finish() and sb_password_hash()
 *
 * Returns: (transfer full): the hash
 */
char *
sb_password_pool_hash_finish (SbPasswordPool *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, sb_password_pool_hash_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

static gboolean
closed_cb (gpointer data)
{
  Job *job = data;

  g_task_return_new_error (job->task, SB_ERROR, SB_ERROR_CLOSED, "The bus is stopping");
  return G_SOURCE_REMOVE;
}

/* From a source of its own: a task may call back at once, and that from within a finalize. */
static void
return_closed_later (Job *job)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, g_task_get_priority (job->task));
  g_source_set_callback (source, closed_cb, job, job_free);
  g_source_attach (source, g_task_get_context (job->task));
}

/**
 * sb_password_pool_close:
 * @self: a pool
 *
 * Stops the workers, which takes as long as the hashes that they are at, and answers all
 * that wait with %SB_ERROR_CLOSED; so is whatever comes later. The end of the pool does the
 * same. Not from two threads at once; harmless when repeated.
 */
void
sb_password_pool_close (SbPasswordPool *self)
{
  g_return_if_fail (SB_IS_PASSWORD_POOL (self));

  g_mutex_lock (&self->lock);
  self->is_closed = TRUE;
  g_cond_broadcast (&self->wake);
  g_mutex_unlock (&self->lock);

  for (guint i = 0; i < self->threads->len; i++)
    g_thread_join (g_ptr_array_index (self->threads, i));
  g_ptr_array_set_size (self->threads, 0);
  for (Job *job = sb_fair_queue_pop (self->queue); job != NULL;
       job = sb_fair_queue_pop (self->queue))
    return_closed_later (job);
}

/**
 * sb_password_pool_get_n_waiting:
 * @self: a pool
 *
 * Returns: how many jobs wait for a worker now
 */
guint
sb_password_pool_get_n_waiting (SbPasswordPool *self)
{
  g_autoptr (GMutexLocker) locker = NULL;

  g_return_val_if_fail (SB_IS_PASSWORD_POOL (self), 0);

  locker = g_mutex_locker_new (&self->lock);
  return sb_fair_queue_get_length (self->queue);
}

/**
 * sb_password_pool_get_n_started:
 * @self: a pool
 *
 * Returns: how many jobs the workers have begun so far
 */
guint64
sb_password_pool_get_n_started (SbPasswordPool *self)
{
  g_autoptr (GMutexLocker) locker = NULL;

  g_return_val_if_fail (SB_IS_PASSWORD_POOL (self), 0);

  locker = g_mutex_locker_new (&self->lock);
  return self->n_started;
}

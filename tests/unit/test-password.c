/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-password: hashes, formats, and the pool: fair, bounded, below the main loop, stoppable. */

#include "sb-error.h"
#include "sb-password.h"
#include "sb-secret.h"
#include "sb-test.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

/* "secret", at the lowest cost of yescrypt: 1 ms. */
#define CHEAP_HASH "$y$j75$abcdefgh$uMUXG79B2cFpoAYyDccUnsaH/aGTyBYMlnQidzyag01"

typedef struct
{
  gboolean matches;
  GError *error;
  guint n_done; /* set last */
  guint *n_all; /* (nullable): counts with the others */
} Answer;

static void
answer_clear (Answer *answer)
{
  g_clear_error (&answer->error);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Answer, answer_clear)

static void
on_verified (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Answer *answer = user_data;

  sb_password_pool_verify_finish (NULL, result, &answer->matches, &answer->error);
  answer->n_done++;
  if (answer->n_all != NULL)
    *answer->n_all += 1;
}

static void
on_hashed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  char **hash = user_data;
  g_autoptr (GError) error = NULL;

  *hash = sb_password_pool_hash_finish (NULL, result, &error);
  g_assert_no_error (error);
}

static gboolean
verify (const char *password, const char *hash)
{
  g_autoptr (GError) error = NULL;
  gboolean matches = FALSE;

  g_assert_true (sb_password_verify (password, hash, &matches, &error));
  g_assert_no_error (error);
  return matches;
}

/* Hashing */

static void
a_hash_knows_its_password (void)
{
  static const char *const passwords[] = { "secret", "", "пароль", "with:colon", "\x01\x7f \xff" };

  for (gsize i = 0; i < G_N_ELEMENTS (passwords); i++)
    {
      g_autofree char *hash = sb_password_hash (passwords[i], NULL);

      g_assert_nonnull (hash);
      g_assert_true (verify (passwords[i], hash));
      g_assert_false (verify ("Secret", hash));
      g_assert_false (verify ("secret ", hash));
    }
}

static void
hashes_are_yescrypt_of_the_chosen_cost (void)
{
  g_autofree char *hash = sb_password_hash ("secret", NULL);

  g_assert_true (g_str_has_prefix (hash, "$y$j8T$"));
}

static void
the_same_password_has_another_hash_each_time (void)
{
  g_autofree char *one = sb_password_hash ("secret", NULL);
  g_autofree char *two = sb_password_hash ("secret", NULL);

  g_assert_cmpstr (one, !=, two);
}

static const char *const known[] = {
  CHEAP_HASH,
  "$6$rounds=1000$abcdefgh$nhYjN017qxiYztzyUpZtPnUQcnLy62KsunSLHNeLahp2EHPlAKmFFlrjEwSXGo2kgY5hR2"
  ".peKEg2VGUqIJJu1",
  "$5$rounds=1000$abcdefgh$XIppta5rT8zJUu4vAOKQXrwq9uY4Ijlz6VjyOmkx5i4",
  "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
  "$gy$j75$abcdefgh$lRD8hCfuUnaykqHEd24aR4OED0E.hiL5k0lM9Kg0qT5",
};

static void
other_methods_of_libcrypt_work (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (known); i++)
    {
      g_test_message ("%s", known[i]);
      g_assert_true (verify ("secret", known[i]));
      g_assert_false (verify ("wrong", known[i]));
    }
}

static const char *const unknown[] = {
  "",
  "x",
  "*",
  "*0",
  "!",
  "!!",
  "$",
  "$y$",
  "$zz$abc$def",
  "secret",
  "plain text",
  "$y$j75$abcdefgh",
  "$y$j75$abcdefgh$uMUXG79B2cFpoAYyDcc",
  "{SSHA}DkMTwBl+a/3DQTxCYEApdUtNXGgdUac3",
  CHEAP_HASH "x",
};

static void
unknown_formats_are_unsupported (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (unknown); i++)
    {
      g_autoptr (GError) error = NULL;
      gboolean matches = TRUE;

      g_test_message ("\"%s\"", unknown[i]);
      g_assert_false (sb_password_verify ("secret", unknown[i], &matches, &error));
      g_assert_error (error, SB_ERROR, SB_ERROR_UNSUPPORTED);
      g_assert_false (matches);
    }
}

static void
too_long_a_password_is_refused_and_matches_nothing (void)
{
  g_autofree char *longest = g_strnfill (SB_PASSWORD_MAX_LENGTH, 'p');
  g_autofree char *too_long = g_strnfill (SB_PASSWORD_MAX_LENGTH + 1, 'p');
  g_autofree char *hash = sb_password_hash (longest, NULL);
  g_autofree char *none = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (verify (longest, hash));
  g_assert_false (verify (too_long, hash));
  none = sb_password_hash (too_long, &error);
  g_assert_null (none);
  g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
}

static void
a_dummy_costs_as_much_and_matches_nothing (void)
{
  g_autofree char *dummy = sb_password_make_dummy ();
  g_autofree char *real = sb_password_hash ("secret", NULL);

  g_assert_cmpuint (strlen (dummy), ==, strlen (real));
  g_assert_cmpmem (dummy, strlen ("$y$j8T$"), real, strlen ("$y$j8T$"));
  g_assert_false (verify ("secret", dummy));
  g_assert_false (verify ("", dummy));
}

static void
equality_looks_at_every_byte (void)
{
  guint8 a[40] = { 0 };

  for (gsize i = 0; i < sizeof a; i++)
    {
      guint8 b[40] = { 0 };

      g_assert_true (sb_secret_is_equal (a, b, sizeof a));
      b[i] = 0x80;
      g_assert_false (sb_secret_is_equal (a, b, sizeof a));
    }
}

static void
random_bytes_fill_all_of_a_long_buffer (void)
{
  guint8 buffer[1000] = { 0 };
  guint n_zero = 0;

  sb_secret_fill_random (buffer, sizeof buffer);
  for (gsize i = 744; i < sizeof buffer; i++)
    n_zero += buffer[i] == 0;
  g_assert_cmpuint (n_zero, <, 40);
}

/* The pool */

static void
the_pool_verifies (void)
{
  g_autoptr (SbPasswordPool) pool = sb_password_pool_new ();
  g_auto (Answer) right = { 0 };
  g_auto (Answer) wrong = { 0 };

  sb_password_pool_verify_async (pool, "secret", CHEAP_HASH, "1.1.1.1", NULL, on_verified, &right);
  sb_password_pool_verify_async (pool, "Secret", CHEAP_HASH, NULL, NULL, on_verified, &wrong);
  sb_test_wait_count (&right.n_done, 1, "the right password");
  sb_test_wait_count (&wrong.n_done, 1, "the wrong password");
  g_assert_no_error (right.error);
  g_assert_true (right.matches);
  g_assert_no_error (wrong.error);
  g_assert_false (wrong.matches);
}

static void
the_pool_hashes (void)
{
  g_autoptr (SbPasswordPool) pool = sb_password_pool_new ();
  g_autofree char *hash = NULL;

  sb_password_pool_hash_async (pool, "secret", NULL, NULL, on_hashed, &hash);
  while (hash == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (verify ("secret", hash));
}

static void
the_pool_reports_an_unknown_format (void)
{
  g_autoptr (SbPasswordPool) pool = sb_password_pool_new_full (1, 10);
  g_auto (Answer) answer = { 0 };

  sb_password_pool_verify_async (pool, "secret", "nonsense", NULL, NULL, on_verified, &answer);
  sb_test_wait_count (&answer.n_done, 1, "the answer");
  g_assert_error (answer.error, SB_ERROR, SB_ERROR_UNSUPPORTED);
}

static void
a_giant_password_never_waits (void)
{
  g_autoptr (SbPasswordPool) pool = sb_password_pool_new_full (1, 10);
  g_autofree char *giant = g_strnfill (10 * 1024 * 1024, 'p');
  g_auto (Answer) answer = { 0 };

  sb_password_pool_verify_async (pool, giant, CHEAP_HASH, NULL, NULL, on_verified, &answer);
  g_assert_cmpuint (answer.n_done, ==, 0);
  sb_test_wait_count (&answer.n_done, 1, "the answer");
  g_assert_no_error (answer.error);
  g_assert_false (answer.matches);
  g_assert_cmpuint (sb_password_pool_get_n_started (pool), ==, 0);
}

static gpointer
ask_from_another_context (gpointer pool)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_auto (Answer) answer = { 0 };

  g_main_context_push_thread_default (context);
  sb_password_pool_verify_async (pool, "secret", CHEAP_HASH, NULL, NULL, on_verified, &answer);
  while (answer.n_done == 0)
    g_main_context_iteration (context, TRUE);
  g_main_context_pop_thread_default (context);
  return GINT_TO_POINTER (answer.matches);
}

static void
answers_come_on_the_context_that_asked (void)
{
  g_autoptr (SbPasswordPool) pool = sb_password_pool_new_full (1, 10);
  GThread *thread = g_thread_new ("asker", ask_from_another_context, pool);

  g_assert_true (GPOINTER_TO_INT (g_thread_join (thread)));
}

static void
a_full_pool_is_busy (void)
{
  g_autoptr (SbPasswordPool) pool = sb_password_pool_new_full (1, 4);
  Answer answers[200] = { 0 };
  guint n_done = 0;
  guint n_busy = 0;

  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      answers[i].n_all = &n_done;
      sb_password_pool_verify_async (pool, "x", CHEAP_HASH, "1.1.1.1", NULL, on_verified,
                                     &answers[i]);
      g_assert_cmpuint (sb_password_pool_get_n_waiting (pool), <=, 4);
    }
  sb_test_wait_count (&n_done, G_N_ELEMENTS (answers), "all answers");
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      n_busy += g_error_matches (answers[i].error, SB_ERROR, SB_ERROR_BUSY);
      answer_clear (&answers[i]);
    }
  g_assert_cmpuint (n_busy, >, 0);
  g_assert_cmpuint (n_busy, <, G_N_ELEMENTS (answers));
}

static void
a_flood_does_not_starve_the_others (void)
{
  g_autoptr (SbPasswordPool) pool = sb_password_pool_new_full (1, 4096);
  Answer flood[500] = { 0 };
  g_auto (Answer) other = { 0 };
  guint n_done = 0;

  for (guint i = 0; i < G_N_ELEMENTS (flood); i++)
    {
      flood[i].n_all = &n_done;
      sb_password_pool_verify_async (pool, "x", CHEAP_HASH, "6.6.6.6", NULL, on_verified,
                                     &flood[i]);
    }
  sb_password_pool_verify_async (pool, "secret", CHEAP_HASH, "1.1.1.1", NULL, on_verified, &other);
  sb_test_wait_count (&other.n_done, 1, "the other");
  g_assert_true (other.matches);
  g_assert_cmpuint (n_done, <, G_N_ELEMENTS (flood) / 2);

  sb_password_pool_close (pool);
  sb_test_wait_count (&n_done, G_N_ELEMENTS (flood), "the flood");
  for (guint i = 0; i < G_N_ELEMENTS (flood); i++)
    answer_clear (&flood[i]);
}

static void
a_cancelled_job_ends_cancelled (void)
{
  g_autoptr (SbPasswordPool) pool = sb_password_pool_new_full (1, 10);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (Answer) answer = { 0 };

  g_cancellable_cancel (cancellable);
  sb_password_pool_verify_async (pool, "secret", CHEAP_HASH, NULL, cancellable, on_verified,
                                 &answer);
  sb_test_wait_count (&answer.n_done, 1, "the answer");
  g_assert_error (answer.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_false (answer.matches);
}

static void
the_end_of_the_pool_answers_all_that_wait (void)
{
  SbPasswordPool *pool = sb_password_pool_new_full (2, 4096);
  Answer answers[300] = { 0 };
  guint n_done = 0;
  guint n_closed = 0;

  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      answers[i].n_all = &n_done;
      sb_password_pool_verify_async (pool, "secret", CHEAP_HASH, NULL, NULL, on_verified,
                                     &answers[i]);
    }
  g_assert_finalize_object (pool);
  g_assert_cmpuint (n_done, ==, 0);
  sb_test_wait_count (&n_done, G_N_ELEMENTS (answers), "all answers");
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      n_closed += g_error_matches (answers[i].error, SB_ERROR, SB_ERROR_CLOSED);
      g_assert_true (answers[i].matches || answers[i].error != NULL);
      answer_clear (&answers[i]);
    }
  g_assert_cmpuint (n_closed, >, 0);
}

static void
a_closed_pool_takes_nothing (void)
{
  g_autoptr (SbPasswordPool) pool = sb_password_pool_new_full (1, 10);
  g_auto (Answer) answer = { 0 };

  sb_password_pool_close (pool);
  sb_password_pool_close (pool);
  sb_password_pool_verify_async (pool, "secret", CHEAP_HASH, NULL, NULL, on_verified, &answer);
  sb_test_wait_count (&answer.n_done, 1, "the answer");
  g_assert_error (answer.error, SB_ERROR, SB_ERROR_CLOSED);
}

/* The priority of the thread of this process that has this name. */
static gboolean
find_priority_of (const char *name, int *priority)
{
  g_autoptr (GDir) tasks = g_dir_open ("/proc/self/task", 0, NULL);

  for (const char *tid = g_dir_read_name (tasks); tid != NULL; tid = g_dir_read_name (tasks))
    {
      g_autofree char *path = g_build_filename ("/proc/self/task", tid, "comm", NULL);
      g_autofree char *comm = NULL;

      if (!g_file_get_contents (path, &comm, NULL, NULL) || strcmp (g_strchomp (comm), name) != 0)
        continue;
      *priority = getpriority (PRIO_PROCESS, (id_t) g_ascii_strtoull (tid, NULL, 10));
      return TRUE;
    }
  return FALSE;
}

static void
workers_are_below_the_main_loop (void)
{
  g_autoptr (SbPasswordPool) pool = sb_password_pool_new_full (1, 10);
  g_auto (Answer) answer = { 0 };
  int mine = getpriority (PRIO_PROCESS, 0);
  int theirs = -100;

  sb_password_pool_verify_async (pool, "x", CHEAP_HASH, NULL, NULL, on_verified, &answer);
  sb_test_wait_count (&answer.n_done, 1, "the answer");
  if (!find_priority_of ("sb-password", &theirs))
    {
      g_test_skip ("threads have no names here");
      return;
    }
  g_assert_cmpint (theirs, ==, MIN (mine + 10, 19));
  g_assert_cmpint (getpriority (PRIO_PROCESS, 0), ==, mine);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/password/a-hash-knows-its-password", a_hash_knows_its_password);
  g_test_add_func ("/password/hashes-are-yescrypt-of-the-chosen-cost",
                   hashes_are_yescrypt_of_the_chosen_cost);
  g_test_add_func ("/password/the-same-password-has-another-hash-each-time",
                   the_same_password_has_another_hash_each_time);
  g_test_add_func ("/password/other-methods-of-libcrypt-work", other_methods_of_libcrypt_work);
  g_test_add_func ("/password/unknown-formats-are-unsupported", unknown_formats_are_unsupported);
  g_test_add_func ("/password/too-long-a-password-is-refused-and-matches-nothing",
                   too_long_a_password_is_refused_and_matches_nothing);
  g_test_add_func ("/password/a-dummy-costs-as-much-and-matches-nothing",
                   a_dummy_costs_as_much_and_matches_nothing);
  g_test_add_func ("/secret/equality-looks-at-every-byte", equality_looks_at_every_byte);
  g_test_add_func ("/secret/random-bytes-fill-all-of-a-long-buffer",
                   random_bytes_fill_all_of_a_long_buffer);
  g_test_add_func ("/password-pool/the-pool-verifies", the_pool_verifies);
  g_test_add_func ("/password-pool/the-pool-hashes", the_pool_hashes);
  g_test_add_func ("/password-pool/the-pool-reports-an-unknown-format",
                   the_pool_reports_an_unknown_format);
  g_test_add_func ("/password-pool/a-giant-password-never-waits", a_giant_password_never_waits);
  g_test_add_func ("/password-pool/answers-come-on-the-context-that-asked",
                   answers_come_on_the_context_that_asked);
  g_test_add_func ("/password-pool/a-full-pool-is-busy", a_full_pool_is_busy);
  g_test_add_func ("/password-pool/a-flood-does-not-starve-the-others",
                   a_flood_does_not_starve_the_others);
  g_test_add_func ("/password-pool/a-cancelled-job-ends-cancelled", a_cancelled_job_ends_cancelled);
  g_test_add_func ("/password-pool/the-end-of-the-pool-answers-all-that-wait",
                   the_end_of_the_pool_answers_all_that_wait);
  g_test_add_func ("/password-pool/a-closed-pool-takes-nothing", a_closed_pool_takes_nothing);
  g_test_add_func ("/password-pool/workers-are-below-the-main-loop",
                   workers_are_below_the_main_loop);
  return g_test_run ();
}

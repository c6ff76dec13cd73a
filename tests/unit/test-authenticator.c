/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-authenticator: who is known, who may try, who shares an answer, what tokens are worth. */

#include "sb-authenticator.h"
#include "sb-error.h"
#include "sb-test.h"

#include <string.h>

/* "secret" and "new", at the lowest cost of yescrypt: 1 ms. */
#define HASH "$y$j75$abcdefgh$uMUXG79B2cFpoAYyDccUnsaH/aGTyBYMlnQidzyag01"
#define OTHER_HASH "$y$j75$ijklmnop$NcKLGzeOjAJG8rUVtKHDPR7L0VJTAyi5EiRi96fWaW0"

#define HOME "192.0.2.1"
#define ELSEWHERE "192.0.2.2"

#define SECOND G_USEC_PER_SEC
#define MINUTE (60 * (gint64) SECOND)

typedef struct
{
  SbPasswordPool *pool;
  SbClock *clock;
  SbAuthenticator *auth;
} Fixture;

typedef struct
{
  gboolean is_right;
  GError *error;
  guint n_done;
} Answer;

static void
answer_clear (Answer *answer)
{
  g_clear_error (&answer->error);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Answer, answer_clear)

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GBytes) secret = g_bytes_new_static ("0123456789abcdef0123456789abcdef", 32);

  f->pool = sb_password_pool_new_full (1, 4096);
  f->clock = sb_clock_new_fake (1000 * SECOND, 1700000000 * (gint64) SECOND);
  f->auth = sb_authenticator_new (f->pool, f->clock, secret);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_assert_finalize_object (f->auth);
  g_assert_finalize_object (f->clock);
  g_assert_finalize_object (f->pool);
}

static void
on_checked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Answer *answer = user_data;

  answer->is_right = sb_authenticator_check_finish (SB_AUTHENTICATOR (source), result,
                                                    &answer->error);
  answer->n_done++;
}

static void
begin (Fixture *f, const char *id, const char *hash, const char *password, const char *address,
       Answer *answer)
{
  sb_authenticator_check_async (f->auth, id, hash, password, address, NULL, on_checked, answer);
}

/* Waits for the verdict: -1 when it is the right password, else the code of SB_ERROR. */
static int
check (Fixture *f, const char *id, const char *hash, const char *password, const char *address)
{
  g_auto (Answer) answer = { 0 };

  begin (f, id, hash, password, address, &answer);
  g_assert_cmpuint (answer.n_done, ==, 0);
  sb_test_wait_count (&answer.n_done, 1, "the verdict");
  g_assert_true (answer.is_right == (answer.error == NULL));
  if (answer.is_right)
    return -1;
  g_assert_true (answer.error->domain == SB_ERROR);
  return answer.error->code;
}

static void
fail_often (Fixture *f, const char *id, const char *address, guint times)
{
  for (guint i = 0; i < times; i++)
    {
      g_autofree char *guess = g_strdup_printf ("guess %u", i);

      g_assert_cmpint (check (f, id, HASH, guess, address), ==, SB_ERROR_UNAUTHORIZED);
    }
}

static gboolean
knows (Fixture *f, const char *id, const char *hash, const char *password)
{
  return sb_authenticator_is_known (f->auth, id, hash, password);
}

/* Checking */

static void
the_right_password_passes (Fixture *f, gconstpointer data)
{
  g_assert_cmpint (check (f, "anna", HASH, "secret", HOME), ==, -1);
}

static void
a_wrong_password_is_unauthorized (Fixture *f, gconstpointer data)
{
  g_assert_cmpint (check (f, "anna", HASH, "Secret", HOME), ==, SB_ERROR_UNAUTHORIZED);
  g_assert_cmpint (check (f, "anna", HASH, "", HOME), ==, SB_ERROR_UNAUTHORIZED);
}

static void
an_unknown_user_is_hashed_for_and_refused_in_the_same_words (Fixture *f, gconstpointer data)
{
  g_auto (Answer) wrong = { 0 };
  g_auto (Answer) nobody = { 0 };

  begin (f, "anna", HASH, "x", HOME, &wrong);
  begin (f, "nobody", NULL, "x", HOME, &nobody);
  sb_test_wait_count (&wrong.n_done, 1, "the wrong password");
  sb_test_wait_count (&nobody.n_done, 1, "the unknown user");
  g_assert_error (nobody.error, SB_ERROR, SB_ERROR_UNAUTHORIZED);
  g_assert_cmpstr (nobody.error->message, ==, wrong.error->message);
  g_assert_cmpuint (sb_password_pool_get_n_started (f->pool), ==, 2);
}

static void
a_damaged_hash_is_unsupported_and_costs_no_try (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 20; i++)
    g_assert_cmpint (check (f, "anna", "damaged", "secret", HOME), ==, SB_ERROR_UNSUPPORTED);
}

static void
a_closed_pool_answers_closed_and_costs_no_try (Fixture *f, gconstpointer data)
{
  sb_password_pool_close (f->pool);
  for (guint i = 0; i < 20; i++)
    g_assert_cmpint (check (f, "anna", HASH, "x", HOME), ==, SB_ERROR_CLOSED);
}

static void
closing_the_pool_ends_pending_checks (Fixture *f, gconstpointer data)
{
  Answer answers[50] = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      g_autofree char *id = g_strdup_printf ("user-%u", i);

      begin (f, id, HASH, "secret", HOME, &answers[i]);
    }
  sb_password_pool_close (f->pool);
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      sb_test_wait_count (&answers[i].n_done, 1, "every verdict");
      if (!answers[i].is_right)
        g_assert_error (answers[i].error, SB_ERROR, SB_ERROR_CLOSED);
      answer_clear (&answers[i]);
    }
}

static void
a_cancelled_check_ends_cancelled (Fixture *f, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (Answer) answer = { 0 };

  sb_authenticator_check_async (f->auth, "anna", HASH, "secret", HOME, cancellable, on_checked,
                                &answer);
  g_cancellable_cancel (cancellable);
  sb_test_wait_count (&answer.n_done, 1, "the verdict");
  g_assert_error (answer.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
cancelling_does_not_save_a_failure (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 10; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autofree char *guess = g_strdup_printf ("guess %u", i);
      g_auto (Answer) answer = { 0 };

      sb_authenticator_check_async (f->auth, "anna", HASH, guess, HOME, cancellable, on_checked,
                                    &answer);
      g_cancellable_cancel (cancellable);
      sb_test_wait_count (&answer.n_done, 1, "the verdict");
    }
  g_assert_cmpint (check (f, "anna", HASH, "guess", HOME), ==, SB_ERROR_RATE);
}

/* Joining */

static void
the_same_credentials_at_once_are_hashed_once (Fixture *f, gconstpointer data)
{
  Answer answers[32] = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    begin (f, "anna", HASH, "secret", HOME, &answers[i]);
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      sb_test_wait_count (&answers[i].n_done, 1, "every verdict");
      g_assert_true (answers[i].is_right);
    }
  g_assert_cmpuint (sb_password_pool_get_n_started (f->pool), ==, 1);
}

static void
a_wrong_password_on_many_connections_is_one_failure (Fixture *f, gconstpointer data)
{
  Answer answers[32] = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    begin (f, "anna", HASH, "wrong", HOME, &answers[i]);
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      sb_test_wait_count (&answers[i].n_done, 1, "every verdict");
      g_assert_error (answers[i].error, SB_ERROR, SB_ERROR_UNAUTHORIZED);
      answer_clear (&answers[i]);
    }
  fail_often (f, "anna", HOME, 9);
  g_assert_cmpuint (sb_authenticator_retry_after (f->auth, "anna", HOME), ==, 6);
}

static void
who_joins_from_elsewhere_pays_too (Fixture *f, gconstpointer data)
{
  g_auto (Answer) here = { 0 };
  g_auto (Answer) there = { 0 };

  fail_often (f, "anna", ELSEWHERE, 9);
  begin (f, "anna", HASH, "wrong", HOME, &here);
  begin (f, "anna", HASH, "wrong", ELSEWHERE, &there);
  sb_test_wait_count (&here.n_done, 1, "the first");
  sb_test_wait_count (&there.n_done, 1, "the second");
  g_assert_cmpuint (sb_password_pool_get_n_started (f->pool), ==, 10);
  g_assert_cmpuint (sb_authenticator_retry_after (f->auth, "anna", ELSEWHERE), ==, 6);
  g_assert_cmpuint (sb_authenticator_retry_after (f->auth, "anna", HOME), ==, 0);
}

static void
other_credentials_are_not_joined (Fixture *f, gconstpointer data)
{
  g_auto (Answer) right = { 0 };
  g_auto (Answer) wrong = { 0 };
  g_auto (Answer) nobody = { 0 };

  begin (f, "anna", HASH, "secret", HOME, &right);
  begin (f, "anna", HASH, "wrong", HOME, &wrong);
  begin (f, "anna", NULL, "secret", HOME, &nobody);
  sb_test_wait_count (&right.n_done, 1, "the right one");
  sb_test_wait_count (&wrong.n_done, 1, "the wrong one");
  sb_test_wait_count (&nobody.n_done, 1, "the one without a hash");
  g_assert_true (right.is_right);
  g_assert_false (wrong.is_right);
  g_assert_false (nobody.is_right);
}

/* The cache */

static void
a_verified_password_is_known (Fixture *f, gconstpointer data)
{
  g_assert_false (knows (f, "anna", HASH, "secret"));
  check (f, "anna", HASH, "secret", HOME);
  g_assert_true (knows (f, "anna", HASH, "secret"));
}

static void
a_refused_password_is_not_known (Fixture *f, gconstpointer data)
{
  check (f, "anna", HASH, "wrong", HOME);
  g_assert_false (knows (f, "anna", HASH, "wrong"));
  check (f, "nobody", NULL, "secret", HOME);
  g_assert_false (knows (f, "nobody", NULL, "secret"));
}

static void
only_the_very_same_credentials_are_known (Fixture *f, gconstpointer data)
{
  sb_authenticator_remember (f->auth, "anna", HASH, "secret");
  g_assert_true (knows (f, "anna", HASH, "secret"));
  g_assert_false (knows (f, "anna", HASH, "secret2"));
  g_assert_false (knows (f, "anna", HASH, ""));
  g_assert_false (knows (f, "anna", OTHER_HASH, "secret"));
  g_assert_false (knows (f, "anna", NULL, "secret"));
  g_assert_false (knows (f, "Anna", HASH, "secret"));
  g_assert_false (knows (f, "ann", "a" HASH, "secret"));
}

static void
what_is_remembered_is_not_hashed (Fixture *f, gconstpointer data)
{
  sb_authenticator_remember (f->auth, "anna", HASH, "secret");
  g_assert_cmpint (check (f, "anna", HASH, "secret", HOME), ==, -1);
  g_assert_cmpuint (sb_password_pool_get_n_started (f->pool), ==, 0);
}

static void
the_cache_forgets_what_nobody_uses (Fixture *f, gconstpointer data)
{
  sb_authenticator_remember (f->auth, "anna", HASH, "secret");
  sb_clock_advance (f->clock, 10 * MINUTE - 1);
  g_assert_true (knows (f, "anna", HASH, "secret"));
  sb_clock_advance (f->clock, 10 * MINUTE);
  g_assert_false (knows (f, "anna", HASH, "secret"));
}

static void
the_cache_forgets_after_an_hour_of_use (Fixture *f, gconstpointer data)
{
  sb_authenticator_remember (f->auth, "anna", HASH, "secret");
  for (guint i = 0; i < 59; i++)
    {
      sb_clock_advance (f->clock, MINUTE);
      g_assert_true (knows (f, "anna", HASH, "secret"));
    }
  sb_clock_advance (f->clock, MINUTE);
  g_assert_false (knows (f, "anna", HASH, "secret"));
}

static void
the_wall_clock_does_not_matter_to_the_cache (Fixture *f, gconstpointer data)
{
  sb_authenticator_remember (f->auth, "anna", HASH, "secret");
  sb_clock_step_wall (f->clock, 600 * MINUTE);
  g_assert_true (knows (f, "anna", HASH, "secret"));
}

static void
the_cache_is_bounded_and_drops_the_longest_unused (Fixture *f, gconstpointer data)
{
  sb_authenticator_remember (f->auth, "used", HASH, "secret");
  sb_authenticator_remember (f->auth, "unused", HASH, "secret");
  for (guint i = 0; i < 16383; i++)
    {
      g_autofree char *id = g_strdup_printf ("user-%u", i);

      sb_authenticator_remember (f->auth, id, HASH, "secret");
      if (i % 100 == 0)
        g_assert_true (knows (f, "used", HASH, "secret"));
    }
  g_assert_true (knows (f, "used", HASH, "secret"));
  g_assert_true (knows (f, "user-0", HASH, "secret"));
  g_assert_false (knows (f, "unused", HASH, "secret"));
}

static void
a_forgotten_user_is_not_known (Fixture *f, gconstpointer data)
{
  sb_authenticator_remember (f->auth, "anna", HASH, "secret");
  sb_authenticator_remember (f->auth, "bert", HASH, "secret");
  sb_authenticator_forget (f->auth, "anna");
  sb_authenticator_forget (f->auth, "nobody");
  g_assert_false (knows (f, "anna", HASH, "secret"));
  g_assert_true (knows (f, "bert", HASH, "secret"));
}

static void
a_new_password_replaces_the_old_one (Fixture *f, gconstpointer data)
{
  sb_authenticator_remember (f->auth, "anna", HASH, "secret");
  sb_authenticator_remember (f->auth, "anna", OTHER_HASH, "new");
  g_assert_true (knows (f, "anna", OTHER_HASH, "new"));
  g_assert_false (knows (f, "anna", HASH, "secret"));
}

static void
who_is_forgotten_while_being_checked_is_refused (Fixture *f, gconstpointer data)
{
  g_auto (Answer) old = { 0 };
  g_auto (Answer) later = { 0 };

  begin (f, "anna", HASH, "secret", HOME, &old);
  sb_authenticator_forget (f->auth, "anna");
  begin (f, "anna", HASH, "secret", HOME, &later);
  sb_test_wait_count (&old.n_done, 1, "the old check");
  sb_test_wait_count (&later.n_done, 1, "the later check");
  g_assert_error (old.error, SB_ERROR, SB_ERROR_UNAUTHORIZED);
  g_assert_true (later.is_right);
}

/* Failures */

static void
ten_failures_are_free_then_one_every_six_seconds (Fixture *f, gconstpointer data)
{
  fail_often (f, "anna", HOME, 10);
  g_assert_cmpint (check (f, "anna", HASH, "x", HOME), ==, SB_ERROR_RATE);
  sb_clock_advance (f->clock, 6 * SECOND);
  g_assert_cmpint (check (f, "anna", HASH, "x", HOME), ==, SB_ERROR_UNAUTHORIZED);
  g_assert_cmpint (check (f, "anna", HASH, "x", HOME), ==, SB_ERROR_RATE);
}

static void
a_refusal_names_the_seconds (Fixture *f, gconstpointer data)
{
  g_auto (Answer) answer = { 0 };

  g_assert_cmpuint (sb_authenticator_retry_after (f->auth, "anna", HOME), ==, 0);
  fail_often (f, "anna", HOME, 10);
  sb_clock_advance (f->clock, 2 * SECOND);
  begin (f, "anna", HASH, "x", HOME, &answer);
  sb_test_wait_count (&answer.n_done, 1, "the verdict");
  g_assert_error (answer.error, SB_ERROR, SB_ERROR_RATE);
  g_assert_nonnull (strstr (answer.error->message, "4 s"));
  g_assert_cmpuint (sb_authenticator_retry_after (f->auth, "anna", HOME), ==, 4);
}

static void
even_the_right_password_waits_when_it_is_not_known (Fixture *f, gconstpointer data)
{
  fail_often (f, "anna", HOME, 10);
  g_assert_cmpint (check (f, "anna", HASH, "secret", HOME), ==, SB_ERROR_RATE);
  sb_clock_advance (f->clock, 6 * SECOND);
  g_assert_cmpint (check (f, "anna", HASH, "secret", HOME), ==, -1);
}

static void
known_credentials_never_wait (Fixture *f, gconstpointer data)
{
  check (f, "anna", HASH, "secret", HOME);
  fail_often (f, "anna", HOME, 10);
  g_assert_cmpint (check (f, "anna", HASH, "secret", HOME), ==, -1);
}

static void
a_success_costs_no_try (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 12; i++)
    {
      g_assert_cmpint (check (f, "anna", HASH, "secret", HOME), ==, -1);
      sb_authenticator_forget (f->auth, "anna");
    }
}

static void
guesses_sent_at_once_are_counted_before_they_fail (Fixture *f, gconstpointer data)
{
  Answer answers[40] = { 0 };
  guint n_rate = 0;

  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      g_autofree char *guess = g_strdup_printf ("guess %u", i);

      begin (f, "anna", HASH, guess, HOME, &answers[i]);
    }
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      sb_test_wait_count (&answers[i].n_done, 1, "every verdict");
      n_rate += g_error_matches (answers[i].error, SB_ERROR, SB_ERROR_RATE);
      answer_clear (&answers[i]);
    }
  g_assert_cmpuint (n_rate, ==, 30);
}

static void
a_stranger_locks_out_only_himself (Fixture *f, gconstpointer data)
{
  fail_often (f, "anna", HOME, 10);
  g_assert_cmpint (check (f, "anna", HASH, "secret", ELSEWHERE), ==, -1);
  g_assert_cmpint (check (f, "bert", HASH, "secret", HOME), ==, -1);
}

static void
unknown_users_are_limited_alike (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 10; i++)
    g_assert_cmpint (check (f, "nobody", NULL, "x", HOME), ==, SB_ERROR_UNAUTHORIZED);
  g_assert_cmpint (check (f, "nobody", NULL, "x", HOME), ==, SB_ERROR_RATE);
}

static const struct
{
  const char *failing;
  const char *asking;
  gboolean is_same;
} groups[] = {
  { "2001:db8:1:2::1", "2001:db8:1:2:ffff::9", TRUE },
  { "2001:db8:1:2::1", "2001:db8:1:3::1", FALSE },
  { "2001:db8:1:2::1", "2001:DB8:1:2:0::1", TRUE },
  { "::ffff:192.0.2.7", "192.0.2.7", TRUE },
  { "::ffff:192.0.2.7", "::ffff:192.0.2.8", FALSE },
  { "192.0.2.7", "192.0.2.8", FALSE },
  { "unix", "unix", TRUE },
  { NULL, NULL, TRUE },
  { NULL, "192.0.2.7", FALSE },
};

static void
a_network_of_ipv6_counts_as_one_address (Fixture *f, gconstpointer data)
{
  for (gsize i = 0; i < G_N_ELEMENTS (groups); i++)
    {
      g_autofree char *id = g_strdup_printf ("user-%" G_GSIZE_FORMAT, i);

      g_test_message ("%s, %s", groups[i].failing, groups[i].asking);
      fail_often (f, id, groups[i].failing, 10);
      g_assert_cmpuint (sb_authenticator_retry_after (f->auth, id, groups[i].asking), ==,
                        groups[i].is_same ? 6 : 0);
    }
}

/* Tokens */

static gboolean
accepts (Fixture *f, const char *id, const char *hash, const char *token)
{
  g_autoptr (GError) error = NULL;
  gboolean is_right = sb_authenticator_check_token (f->auth, id, hash, token, HOME, &error);

  g_assert_true (is_right == (error == NULL));
  if (!is_right)
    g_assert_error (error, SB_ERROR, SB_ERROR_UNAUTHORIZED);
  return is_right;
}

static void
a_token_stands_in_for_the_password (Fixture *f, gconstpointer data)
{
  g_autofree char *token = sb_authenticator_make_token (f->auth, "anna", HASH, 3600);

  g_assert_true (accepts (f, "anna", HASH, token));
  g_assert_cmpuint (sb_password_pool_get_n_started (f->pool), ==, 0);
}

static void
a_token_is_one_word_for_urls (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 200; i++)
    {
      g_autofree char *token = sb_authenticator_make_token (f->auth, "anna", HASH, 1 + i);

      g_assert_cmpuint (strlen (token), ==, 54);
      g_assert_cmpuint (strspn (token, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-_"), ==, 54);
    }
}

static void
a_token_expires_by_the_wall_clock (Fixture *f, gconstpointer data)
{
  g_autofree char *token = sb_authenticator_make_token (f->auth, "anna", HASH, 3600);

  sb_clock_step_wall (f->clock, 3600 * (gint64) SECOND - 1);
  g_assert_true (accepts (f, "anna", HASH, token));
  sb_clock_step_wall (f->clock, 1);
  g_assert_false (accepts (f, "anna", HASH, token));
}

static void
a_token_is_worth_nothing_to_others (Fixture *f, gconstpointer data)
{
  g_autofree char *token = sb_authenticator_make_token (f->auth, "anna", HASH, 3600);

  g_assert_false (accepts (f, "bert", HASH, token));
  g_assert_false (accepts (f, "anna", OTHER_HASH, token));
  g_assert_false (accepts (f, "anna", NULL, token));
  g_assert_false (accepts (f, "ann", "a" HASH, token));
}

static void
a_token_of_another_secret_is_worth_nothing (Fixture *f, gconstpointer data)
{
  g_autoptr (GBytes) secret = g_bytes_new_static ("another secret, just as long ...", 32);
  g_autoptr (SbAuthenticator) other = sb_authenticator_new (f->pool, f->clock, secret);
  g_autofree char *token = sb_authenticator_make_token (other, "anna", HASH, 3600);

  g_assert_false (accepts (f, "anna", HASH, token));
}

static void
no_character_of_a_token_can_be_changed (Fixture *f, gconstpointer data)
{
  g_autofree char *token = sb_authenticator_make_token (f->auth, "anna", HASH, 3600);

  for (gsize i = 0; i < strlen (token); i++)
    for (const char *c = "AB9z-_+/= \n\x80"; *c != '\0'; c++)
      {
        g_autofree char *forged = g_strdup (token);

        forged[i] = *c;
        if (strcmp (forged, token) == 0)
          continue;
        g_assert_false (accepts (f, "anna", HASH, forged));
        sb_clock_advance (f->clock, 6 * SECOND);
        sb_clock_step_wall (f->clock, -6 * SECOND);
      }
  g_assert_true (accepts (f, "anna", HASH, token));
}

static void
only_whole_tokens_pass (Fixture *f, gconstpointer data)
{
  g_autofree char *token = sb_authenticator_make_token (f->auth, "anna", HASH, 3600);
  g_autofree char *longer = g_strconcat (token, "A", NULL);
  g_autofree char *padded = g_strconcat (token, "==", NULL);
  g_autofree char *shorter = g_strndup (token, 53);
  g_autofree char *giant = g_strnfill (10 * 1024 * 1024, 'A');

  g_assert_false (accepts (f, "anna", HASH, ""));
  g_assert_false (accepts (f, "anna", HASH, longer));
  g_assert_false (accepts (f, "anna", HASH, padded));
  g_assert_false (accepts (f, "anna", HASH, shorter));
  g_assert_false (accepts (f, "anna", HASH, giant));
}

static void
a_token_may_live_long_but_not_for_ever (Fixture *f, gconstpointer data)
{
  g_autofree char *token = sb_authenticator_make_token (f->auth, "anna", HASH, G_MAXINT64);

  g_assert_true (accepts (f, "anna", HASH, token));
  sb_clock_step_wall (f->clock, 11 * 366 * 24 * 60 * MINUTE);
  g_assert_false (accepts (f, "anna", HASH, token));
}

static void
wrong_tokens_count_as_failures (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *token = sb_authenticator_make_token (f->auth, "anna", HASH, 3600);

  for (guint i = 0; i < 10; i++)
    g_assert_false (accepts (f, "anna", HASH, "wrong"));
  g_assert_cmpint (check (f, "anna", HASH, "secret", HOME), ==, SB_ERROR_RATE);
  g_assert_false (sb_authenticator_check_token (f->auth, "anna", HASH, "wrong", HOME, &error));
  g_assert_error (error, SB_ERROR, SB_ERROR_RATE);
  g_assert_true (accepts (f, "anna", HASH, token));
}

static void
an_expired_token_is_no_failure (Fixture *f, gconstpointer data)
{
  g_autofree char *token = sb_authenticator_make_token (f->auth, "anna", HASH, 1);

  sb_clock_step_wall (f->clock, MINUTE);
  for (guint i = 0; i < 20; i++)
    g_assert_false (accepts (f, "anna", HASH, token));
  g_assert_cmpint (check (f, "anna", HASH, "secret", HOME), ==, -1);
}

static void
known_credentials_are_found_fast (Fixture *f, gconstpointer data)
{
  const guint n = 200000;
  gint64 start;

  sb_authenticator_remember (f->auth, "anna", HASH, "secret");
  start = g_get_monotonic_time ();
  for (guint i = 0; i < n; i++)
    g_assert_true (knows (f, "anna", HASH, "secret"));
  g_test_minimized_result ((double) (g_get_monotonic_time () - start) / n, "%.3f µs per look-up",
                           (double) (g_get_monotonic_time () - start) / n);
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)

static void
add_checking (void)
{
  ADD ("/authenticator/the-right-password-passes", the_right_password_passes);
  ADD ("/authenticator/a-wrong-password-is-unauthorized", a_wrong_password_is_unauthorized);
  ADD ("/authenticator/an-unknown-user-is-hashed-for-and-refused-in-the-same-words",
       an_unknown_user_is_hashed_for_and_refused_in_the_same_words);
  ADD ("/authenticator/a-damaged-hash-is-unsupported-and-costs-no-try",
       a_damaged_hash_is_unsupported_and_costs_no_try);
  ADD ("/authenticator/a-closed-pool-answers-closed-and-costs-no-try",
       a_closed_pool_answers_closed_and_costs_no_try);
  ADD ("/authenticator/closing-the-pool-ends-pending-checks", closing_the_pool_ends_pending_checks);
  ADD ("/authenticator/a-cancelled-check-ends-cancelled", a_cancelled_check_ends_cancelled);
  ADD ("/authenticator/cancelling-does-not-save-a-failure", cancelling_does_not_save_a_failure);
  ADD ("/authenticator/the-same-credentials-at-once-are-hashed-once",
       the_same_credentials_at_once_are_hashed_once);
  ADD ("/authenticator/a-wrong-password-on-many-connections-is-one-failure",
       a_wrong_password_on_many_connections_is_one_failure);
  ADD ("/authenticator/who-joins-from-elsewhere-pays-too", who_joins_from_elsewhere_pays_too);
  ADD ("/authenticator/other-credentials-are-not-joined", other_credentials_are_not_joined);
}

static void
add_cache (void)
{
  ADD ("/authenticator/a-verified-password-is-known", a_verified_password_is_known);
  ADD ("/authenticator/a-refused-password-is-not-known", a_refused_password_is_not_known);
  ADD ("/authenticator/only-the-very-same-credentials-are-known",
       only_the_very_same_credentials_are_known);
  ADD ("/authenticator/what-is-remembered-is-not-hashed", what_is_remembered_is_not_hashed);
  ADD ("/authenticator/the-cache-forgets-what-nobody-uses", the_cache_forgets_what_nobody_uses);
  ADD ("/authenticator/the-cache-forgets-after-an-hour-of-use",
       the_cache_forgets_after_an_hour_of_use);
  ADD ("/authenticator/the-wall-clock-does-not-matter-to-the-cache",
       the_wall_clock_does_not_matter_to_the_cache);
  ADD ("/authenticator/the-cache-is-bounded-and-drops-the-longest-unused",
       the_cache_is_bounded_and_drops_the_longest_unused);
  ADD ("/authenticator/a-forgotten-user-is-not-known", a_forgotten_user_is_not_known);
  ADD ("/authenticator/a-new-password-replaces-the-old-one", a_new_password_replaces_the_old_one);
  ADD ("/authenticator/who-is-forgotten-while-being-checked-is-refused",
       who_is_forgotten_while_being_checked_is_refused);
  /* A measurement, no verdict: `test-authenticator -m perf`. */
  if (g_test_perf ())
    ADD ("/authenticator/known-credentials-are-found-fast", known_credentials_are_found_fast);
}

static void
add_failures (void)
{
  ADD ("/authenticator/ten-failures-are-free-then-one-every-six-seconds",
       ten_failures_are_free_then_one_every_six_seconds);
  ADD ("/authenticator/a-refusal-names-the-seconds", a_refusal_names_the_seconds);
  ADD ("/authenticator/even-the-right-password-waits-when-it-is-not-known",
       even_the_right_password_waits_when_it_is_not_known);
  ADD ("/authenticator/known-credentials-never-wait", known_credentials_never_wait);
  ADD ("/authenticator/a-success-costs-no-try", a_success_costs_no_try);
  ADD ("/authenticator/guesses-sent-at-once-are-counted-before-they-fail",
       guesses_sent_at_once_are_counted_before_they_fail);
  ADD ("/authenticator/a-stranger-locks-out-only-himself", a_stranger_locks_out_only_himself);
  ADD ("/authenticator/unknown-users-are-limited-alike", unknown_users_are_limited_alike);
  ADD ("/authenticator/a-network-of-ipv6-counts-as-one-address",
       a_network_of_ipv6_counts_as_one_address);
}

static void
add_tokens (void)
{
  ADD ("/authenticator/a-token-stands-in-for-the-password", a_token_stands_in_for_the_password);
  ADD ("/authenticator/a-token-is-one-word-for-urls", a_token_is_one_word_for_urls);
  ADD ("/authenticator/a-token-expires-by-the-wall-clock", a_token_expires_by_the_wall_clock);
  ADD ("/authenticator/a-token-is-worth-nothing-to-others", a_token_is_worth_nothing_to_others);
  ADD ("/authenticator/a-token-of-another-secret-is-worth-nothing",
       a_token_of_another_secret_is_worth_nothing);
  ADD ("/authenticator/no-character-of-a-token-can-be-changed",
       no_character_of_a_token_can_be_changed);
  ADD ("/authenticator/only-whole-tokens-pass", only_whole_tokens_pass);
  ADD ("/authenticator/a-token-may-live-long-but-not-for-ever",
       a_token_may_live_long_but_not_for_ever);
  ADD ("/authenticator/wrong-tokens-count-as-failures", wrong_tokens_count_as_failures);
  ADD ("/authenticator/an-expired-token-is-no-failure", an_expired_token_is_no_failure);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  add_checking ();
  add_cache ();
  add_failures ();
  add_tokens ();
  return g_test_run ();
}

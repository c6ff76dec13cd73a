/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-import: users that come with the password hashes of the original bus, and how these become
 * hashes of this bus when their users log in.
 */

#include "sb-error.h"
#include "sb-names.h"
#include "sb-test-bus.h"
#include "sb-test-log.h"

#include <string.h>

/* "secret" */
#define FOREIGN_HASH                   \
  "pbkdf2:sha256:10$cheapcheapcheap0$" \
  "d75410892585eb5f0fdb3318c4b6d5a0e792c3d738ccd261c71e72df06d545de"

#define ANNA "{\"_id\": \"anna\", \"password_hash\": \"" FOREIGN_HASH "\"}"

typedef struct
{
  SbTestBus *t;
  GString *told; /* "id" of each that was changed, "id!" with its password */
  guint n_answers;
  GString *answers; /* "ok" or the error's reason */
  char *message;    /* (nullable) of the last error */
  SbUser *user;     /* (nullable) who logged in last */
} Fixture;

static void
on_changed (SbAccounts *accounts, SbUser *user, gboolean credentials, gpointer user_data)
{
  Fixture *f = user_data;

  g_string_append_printf (f->told, "%s%s%s", f->told->len > 0 ? " " : "", user->id,
                          credentials ? "!" : "");
}

static void
note_answer (Fixture *f, gboolean done, const GError *error)
{
  g_assert_true (done == (error == NULL));
  g_string_append_printf (f->answers, "%s%s", f->answers->len > 0 ? " " : "",
                          done ? "ok" : sb_error_reason (error));
  g_free (f->message);
  f->message = error != NULL ? g_strdup (error->message) : NULL;
  f->n_answers++;
}

static void
on_imported (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  gboolean done = sb_accounts_import_finish (SB_ACCOUNTS (source), result, &error);

  note_answer (user_data, done, error);
}

static void
on_put (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  gboolean done = sb_accounts_put_finish (SB_ACCOUNTS (source), result, &error);

  note_answer (user_data, done, error);
}

static void
on_removed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  gboolean done = sb_accounts_remove_finish (SB_ACCOUNTS (source), result, &error);

  note_answer (user_data, done, error);
}

static void
on_logged_in (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Fixture *f = user_data;
  g_autoptr (GError) error = NULL;

  g_clear_pointer (&f->user, sb_user_unref);
  f->user = sb_accounts_log_in_finish (SB_ACCOUNTS (source), result, &error);
  note_answer (f, f->user != NULL, error);
}

static void
wait_answers (Fixture *f, guint n, const char *wanted)
{
  sb_test_wait_count (&f->n_answers, n, "answers");
  g_assert_cmpstr (f->answers->str, ==, wanted);
  g_string_truncate (f->answers, 0);
  f->n_answers = 0;
}

static void
import (Fixture *f, const char *json, const char *wanted)
{
  sb_accounts_import_async (f->t->accounts, json, strlen (json), on_imported, f);
  wait_answers (f, 1, wanted);
}

static void
start_log_in (Fixture *f, const char *password)
{
  sb_accounts_log_in_async (f->t->accounts, "anna", password, "192.0.2.1", NULL, on_logged_in, f);
}

static void
log_in (Fixture *f, const char *password, const char *wanted)
{
  start_log_in (f, password);
  wait_answers (f, 1, wanted);
}

static gboolean
on_tick (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

/* Until a batch waits in the store, which no event tells. */
static void
wait_held (Fixture *f)
{
  guint tick = g_timeout_add (1, on_tick, NULL);

  while (sb_test_store_get_n_held (f->t->store) == 0)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (tick);
}

static void
assert_told (Fixture *f, const char *wanted)
{
  g_assert_cmpstr (f->told->str, ==, wanted);
  g_string_truncate (f->told, 0);
}

static const char *
get_hash (Fixture *f, const char *id)
{
  return sb_test_bus_find (f->t, id)->password_hash;
}

/* As it is on the disk, not in memory. Returns: (transfer full) */
static char *
read_hash (Fixture *f, const char *id)
{
  g_autoptr (GPtrArray) users = sb_store_users (SB_STORE (f->t->store), NULL);

  for (guint i = 0; i < users->len; i++)
    {
      const SbUser *user = g_ptr_array_index (users, i);

      if (g_str_equal (user->id, id))
        return g_strdup (user->password_hash);
    }
  g_assert_not_reached ();
}

static void
assert_renewed (Fixture *f)
{
  g_autofree char *stored = read_hash (f, "anna");

  g_assert_false (sb_password_is_foreign (stored));
  g_assert_cmpstr (stored, ==, get_hash (f, "anna"));
}

static void
set_up_empty (Fixture *f, gconstpointer config)
{
  f->t = sb_test_bus_new_with_accounts (config != NULL ? config : "");
  f->told = g_string_new (NULL);
  f->answers = g_string_new (NULL);
  g_signal_connect (f->t->accounts, "user-changed", G_CALLBACK (on_changed), f);
}

/* An admin, a user bert of this bus, and anna with a hash of the original one. */
static void
set_up (Fixture *f, gconstpointer config)
{
  set_up_empty (f, config);
  sb_test_bus_add_user (f->t, "root", "", TRUE);
  sb_test_bus_add_user (f->t, "bert", "", FALSE);
  import (f, "[" ANNA "]", "ok");
  assert_told (f, "anna");
}

static void
tear_down (Fixture *f, gconstpointer config)
{
  g_clear_pointer (&f->user, sb_user_unref);
  sb_test_bus_free (f->t);
  g_string_free (f->told, TRUE);
  g_string_free (f->answers, TRUE);
  g_free (f->message);
  sb_test_log_assert_expected ();
}

/* The list */

static void
a_list_brings_users_with_hashes (Fixture *f, gconstpointer data)
{
  import (f,
          "[{\"_id\": \"boss\", \"password\": \"pw\", \"admin\": true},"
          "{\"_id\": \"anna\", \"password_hash\": \"" FOREIGN_HASH "\", \"tags\": \"#x\"},"
          "{\"_id\": \"own\", \"password_hash\": \"" SB_TEST_HASH "\"}]",
          "ok");
  assert_told (f, "boss anna own");
  g_assert_true (sb_test_bus_find (f->t, "boss")->admin);
  g_assert_true (sb_user_has_tag (sb_test_bus_find (f->t, "anna"), "x"));
  g_assert_cmpstr (get_hash (f, "anna"), ==, FOREIGN_HASH);
  g_assert_cmpstr (get_hash (f, "own"), ==, SB_TEST_HASH);
  log_in (f, "secret", "ok");
}

static const struct
{
  const char *user;
  const char *why; /* part of the message */
} bad[] = {
  { "{\"_id\": \"x\"}", "no \"password\"" },
  { "{\"_id\": \"x\", \"password_hash\": 5}", "not a string" },
  { "{\"_id\": \"x\", \"password_hash\": null}", "not a string" },
  { "{\"_id\": \"x\", \"password_hash\": \"\"}", "begins neither" },
  { "{\"_id\": \"x\", \"password_hash\": \"secret\"}", "begins neither" },
  { "{\"_id\": \"x\", \"password_hash\": \"scrypt:1:2:3$a$b\"}", "scrypt" },
  { "{\"_id\": \"x\", \"password_hash\": \"" FOREIGN_HASH "0\"}", "cut off" },
  { "{\"_id\": \"x\", \"password\": \"p\", \"password_hash\": \"" FOREIGN_HASH "\"}", "both" },
  { "{\"_id\": \"x\", \"password\": \"" FOREIGN_HASH "\"}", "call it \"password_hash\"" },
  { "{\"_id\": \"a:b\", \"password_hash\": \"" FOREIGN_HASH "\"}", "a user's id" },
};

static void
one_bad_user_and_none_is_imported (Fixture *f, gconstpointer data)
{
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autofree char *json = g_strdup_printf ("[{\"_id\": \"new\", \"password\": \"p\"},"
                                               "{\"_id\": \"bert\", \"tags\": \"x\"}, %s]",
                                               bad[i].user);

      g_test_message ("%s", bad[i].user);
      import (f, json, "invalid");
      g_assert_nonnull (strstr (f->message, "user 2"));
      if (i != G_N_ELEMENTS (bad) - 1)
        g_assert_nonnull (strstr (f->message, bad[i].why));
    }
  g_assert_null (sb_test_bus_find (f->t, "new"));
  assert_told (f, "");
}

static void
a_password_that_only_looks_like_a_hash_is_one (Fixture *f, gconstpointer data)
{
  import (f, "[{\"_id\": \"anna\", \"password\": \"scrypt: my favourite\"}]", "ok");
  log_in (f, "scrypt: my favourite", "ok");
}

static void
there_must_be_an_admin (Fixture *f, gconstpointer data)
{
  import (f, "[" ANNA "]", "conflict");
  g_assert_nonnull (strstr (f->message, "without an admin"));
  g_assert_false (sb_accounts_has_users (f->t->accounts));
  import (f, "[" ANNA ", {\"_id\": \"anna\", \"admin\": true}]", "ok");
  import (f, "[{\"_id\": \"anna\", \"admin\": false}]", "conflict");
  g_assert_true (sb_test_bus_find (f->t, "anna")->admin);
}

static void
an_import_may_be_repeated (Fixture *f, gconstpointer data)
{
  g_autofree char *renewed = NULL;

  import (f, "[" ANNA "]", "ok");
  g_assert_cmpstr (get_hash (f, "anna"), ==, FOREIGN_HASH);
  log_in (f, "secret", "ok");
  renewed = g_strdup (get_hash (f, "anna"));
  g_assert_false (sb_password_is_foreign (renewed));
  import (f, "[" ANNA "]", "ok");
  g_assert_cmpstr (get_hash (f, "anna"), ==, renewed);
}

static void
a_password_that_was_set_here_stays (Fixture *f, gconstpointer data)
{
  import (f, "[{\"_id\": \"bert\", \"password_hash\": \"" FOREIGN_HASH "\", \"tags\": \"x\"}]",
          "ok");
  g_assert_cmpstr (get_hash (f, "bert"), ==, SB_TEST_HASH);
  g_assert_true (sb_user_has_tag (sb_test_bus_find (f->t, "bert"), "x"));
}

static void
a_hash_of_this_bus_sets_the_password (Fixture *f, gconstpointer data)
{
  import (f, "[{\"_id\": \"anna\", \"password_hash\": \"" SB_TEST_HASH "\"}]", "ok");
  assert_told (f, "anna!");
  g_assert_cmpstr (get_hash (f, "anna"), ==, SB_TEST_HASH);
}

/* Not even an admin: over the network nobody has a reason to bring hashes along. */
static void
other_ways_take_no_hashes (Fixture *f, gconstpointer data)
{
  static const char json[] = "[{\"_id\": \"anna\"}, {\"_id\": \"bert\", \"password_hash\": "
                             "\"" SB_TEST_HASH "\"}]";

  sb_accounts_put_async (f->t->accounts, sb_test_bus_find (f->t, "root"), json, strlen (json),
                         on_put, f);
  wait_answers (f, 1, "invalid");
  g_assert_nonnull (strstr (f->message, "user 1"));
  g_assert_nonnull (strstr (f->message, "--import-users"));
}

/* The renewal */

static void
a_log_in_renews_the_hash (Fixture *f, gconstpointer data)
{
  log_in (f, "secret", "ok");
  assert_renewed (f);
  assert_told (f, "anna");
  g_assert_true (f->user == sb_test_bus_find (f->t, "anna"));
  g_assert_nonnull (sb_accounts_recognise (f->t->accounts, "anna", "secret"));
}

static void
a_renewal_is_logged (Fixture *f, gconstpointer data)
{
  g_autofree char *lines = NULL;

  sb_test_log_keep (SB_MESSAGE_ID_ADMIN);
  log_in (f, "secret", "ok");
  log_in (f, "secret", "ok");
  lines = sb_test_log_take_kept ();
  g_assert_cmpstr (lines, ==, "/: the bus hashed the imported password of anna anew");
}

static void
the_next_log_in_needs_the_same_password (Fixture *f, gconstpointer data)
{
  log_in (f, "secret", "ok");
  sb_authenticator_forget (f->t->authenticator, "anna");
  log_in (f, "wrong", "unauthorized");
  log_in (f, "secret", "ok");
  assert_told (f, "anna");
}

static void
a_wrong_password_renews_nothing (Fixture *f, gconstpointer data)
{
  log_in (f, "wrong", "unauthorized");
  g_assert_cmpstr (get_hash (f, "anna"), ==, FOREIGN_HASH);
  assert_told (f, "");
}

static void
a_token_of_that_log_in_is_good (Fixture *f, gconstpointer data)
{
  g_autofree char *token = NULL;

  log_in (f, "secret", "ok");
  token = sb_accounts_make_token (f->t->accounts, f->user);
  log_in (f, "secret", "ok");
  g_assert_nonnull (sb_accounts_check_token (f->t->accounts, "anna", token, "192.0.2.1", NULL));
}

static void
two_log_ins_at_once_get_in (Fixture *f, gconstpointer data)
{
  start_log_in (f, "secret");
  start_log_in (f, "secret");
  wait_answers (f, 2, "ok ok");
  assert_told (f, "anna");
  assert_renewed (f);
}

/* The second one finds the password in the cache, and must not answer with the old hash. */
static void
a_log_in_during_the_commit_waits_for_it (Fixture *f, gconstpointer data)
{
  sb_test_store_hold_applies (f->t->store, TRUE);
  start_log_in (f, "secret");
  wait_held (f);
  g_assert_null (sb_accounts_recognise (f->t->accounts, "anna", "secret"));
  start_log_in (f, "secret");
  sb_test_settle ();
  g_assert_cmpuint (f->n_answers, ==, 0);
  sb_test_store_hold_applies (f->t->store, FALSE);
  wait_answers (f, 2, "ok ok");
  g_assert_true (f->user == sb_test_bus_find (f->t, "anna"));
  assert_renewed (f);
}

static void
who_is_right_gets_in_also_when_the_store_fails (Fixture *f, gconstpointer data)
{
  sb_test_store_fail_applies (f->t->store, 1);
  log_in (f, "secret", "ok");
  g_assert_cmpstr (get_hash (f, "anna"), ==, FOREIGN_HASH);
  log_in (f, "secret", "ok");
  sb_authenticator_forget (f->t->authenticator, "anna");
  log_in (f, "secret", "ok");
  assert_renewed (f);
}

static void
start_put (Fixture *f, const char *json)
{
  sb_accounts_put_async (f->t->accounts, sb_test_bus_find (f->t, "root"), json, strlen (json),
                         on_put, f);
}

static void
a_password_that_changes_meanwhile_stays_changed (Fixture *f, gconstpointer data)
{
  sb_test_store_hold_applies (f->t->store, TRUE);
  start_put (f, "[{\"_id\": \"anna\", \"password\": \"other\"}]");
  wait_held (f);
  start_log_in (f, "secret");
  sb_test_store_hold_applies (f->t->store, FALSE);
  wait_answers (f, 2, "ok unauthorized");
  log_in (f, "other", "ok");
  log_in (f, "secret", "unauthorized");
  assert_told (f, "anna!");
}

static void
what_else_changes_meanwhile_is_kept (Fixture *f, gconstpointer data)
{
  sb_test_store_hold_applies (f->t->store, TRUE);
  start_put (f, "[{\"_id\": \"anna\", \"tags\": \"new\", \"admin\": true}]");
  wait_held (f);
  start_log_in (f, "secret");
  sb_test_store_hold_applies (f->t->store, FALSE);
  wait_answers (f, 2, "ok ok");
  assert_renewed (f);
  g_assert_true (f->user->admin);
  g_assert_true (sb_user_has_tag (f->user, "new"));
}

static void
a_user_that_goes_meanwhile_is_gone (Fixture *f, gconstpointer data)
{
  sb_test_store_hold_applies (f->t->store, TRUE);
  sb_accounts_remove_async (f->t->accounts, NULL, "anna", on_removed, f);
  wait_held (f);
  start_log_in (f, "secret");
  sb_test_store_hold_applies (f->t->store, FALSE);
  wait_answers (f, 2, "ok unauthorized");
  g_assert_null (sb_test_bus_find (f->t, "anna"));
}

static void
a_log_in_at_the_end_is_answered (Fixture *f, gconstpointer data)
{
  start_log_in (f, "secret");
  sb_journal_close (f->t->journal);
  wait_answers (f, 1, "ok");
}

/* Sent again by a back end: it is the same, and is not looked at closer than that. */
static void
a_list_with_the_same_password_changes_nothing (Fixture *f, gconstpointer data)
{
  start_put (f, "[{\"_id\": \"anna\", \"password\": \"secret\"}]");
  wait_answers (f, 1, "ok");
  assert_told (f, "anna");
  log_in (f, "secret", "ok");
  assert_renewed (f);
}

/* As whoever lowers a limit expects: nothing that is there is taken away. */
static void
a_bus_over_its_limit_renews (Fixture *f, gconstpointer data)
{
  g_assert_true (sb_config_set (f->t->config, "bus.max-users=1", NULL));
  g_assert_true (sb_config_check (f->t->config, NULL));
  log_in (f, "secret", "ok");
  assert_renewed (f);
}

static void
add (const char *name, gpointer set_up_func, void (*func) (Fixture *f, gconstpointer data))
{
  g_test_add (name, Fixture, NULL, set_up_func, func, tear_down);
}

int
main (int argc, char **argv)
{
  sb_test_init (&argc, &argv);
  sb_test_log_init ();
  add ("/import/a-list-brings-users-with-hashes", set_up_empty, a_list_brings_users_with_hashes);
  add ("/import/one-bad-user-and-none-is-imported", set_up, one_bad_user_and_none_is_imported);
  add ("/import/a-password-that-only-looks-like-a-hash-is-one", set_up,
       a_password_that_only_looks_like_a_hash_is_one);
  add ("/import/there-must-be-an-admin", set_up_empty, there_must_be_an_admin);
  add ("/import/an-import-may-be-repeated", set_up, an_import_may_be_repeated);
  add ("/import/a-password-that-was-set-here-stays", set_up, a_password_that_was_set_here_stays);
  add ("/import/a-hash-of-this-bus-sets-the-password", set_up,
       a_hash_of_this_bus_sets_the_password);
  add ("/import/other-ways-take-no-hashes", set_up, other_ways_take_no_hashes);
  add ("/import/a-log-in-renews-the-hash", set_up, a_log_in_renews_the_hash);
  add ("/import/a-renewal-is-logged", set_up, a_renewal_is_logged);
  add ("/import/the-next-log-in-needs-the-same-password", set_up,
       the_next_log_in_needs_the_same_password);
  add ("/import/a-wrong-password-renews-nothing", set_up, a_wrong_password_renews_nothing);
  add ("/import/a-token-of-that-log-in-is-good", set_up, a_token_of_that_log_in_is_good);
  add ("/import/two-log-ins-at-once-get-in", set_up, two_log_ins_at_once_get_in);
  add ("/import/a-log-in-during-the-commit-waits-for-it", set_up,
       a_log_in_during_the_commit_waits_for_it);
  add ("/import/who-is-right-gets-in-also-when-the-store-fails", set_up,
       who_is_right_gets_in_also_when_the_store_fails);
  add ("/import/a-password-that-changes-meanwhile-stays-changed", set_up,
       a_password_that_changes_meanwhile_stays_changed);
  add ("/import/what-else-changes-meanwhile-is-kept", set_up, what_else_changes_meanwhile_is_kept);
  add ("/import/a-user-that-goes-meanwhile-is-gone", set_up, a_user_that_goes_meanwhile_is_gone);
  add ("/import/a-log-in-at-the-end-is-answered", set_up, a_log_in_at_the_end_is_answered);
  add ("/import/a-list-with-the-same-password-changes-nothing", set_up,
       a_list_with_the_same_password_changes_nothing);
  add ("/import/a-bus-over-its-limit-renews", set_up, a_bus_over_its_limit_renews);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-accounts: who may change whom, all or nothing, and who hears of it. */

#include "sb-error.h"
#include "sb-operation.h"
#include "sb-test-bus.h"
#include "sb-test-log.h"

#include <string.h>

typedef struct
{
  SbTestBus *t;
  GString *told; /* "id" of each that was changed, "id!" with its password, "id-" when it went */
  guint n_answers;
  GString *answers; /* "ok" or the error's reason */
  char *message;    /* (nullable) of the last error */
} Fixture;

static void
on_changed (SbAccounts *accounts, SbUser *user, gboolean credentials, gpointer user_data)
{
  Fixture *f = user_data;

  g_string_append_printf (f->told, "%s%s%s", f->told->len > 0 ? " " : "", user->id,
                          credentials ? "!" : "");
}

static void
on_removed (SbAccounts *accounts, SbUser *user, gpointer user_data)
{
  Fixture *f = user_data;

  g_string_append_printf (f->told, "%s%s-", f->told->len > 0 ? " " : "", user->id);
}

static void
begin (Fixture *f, const char *config)
{
  f->t = sb_test_bus_new_with_accounts (config);
  f->told = g_string_new (NULL);
  f->answers = g_string_new (NULL);
  g_signal_connect (f->t->accounts, "user-changed", G_CALLBACK (on_changed), f);
  g_signal_connect (f->t->accounts, "user-removed", G_CALLBACK (on_removed), f);
}

/* An admin, two users and their password "secret", which nobody has used lately. */
static void
set_up (Fixture *f, gconstpointer config)
{
  begin (f, config != NULL ? config : "");
  sb_test_bus_add_user (f->t, "root", "", TRUE);
  sb_test_bus_add_user (f->t, "anna", "orders", FALSE);
  sb_test_bus_add_user (f->t, "bert", "", FALSE);
  g_string_truncate (f->told, 0);
}

static void
set_up_empty (Fixture *f, gconstpointer config)
{
  begin (f, config != NULL ? config : "");
}

static void
tear_down (Fixture *f, gconstpointer config)
{
  sb_test_bus_free (f->t);
  g_string_free (f->told, TRUE);
  g_string_free (f->answers, TRUE);
  g_free (f->message);
  sb_test_log_assert_expected ();
}

static SbUser *
find (Fixture *f, const char *id)
{
  return sb_directory_lookup (sb_accounts_get_directory (f->t->accounts), id);
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
on_put (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  gboolean done = sb_accounts_put_finish (SB_ACCOUNTS (source), result, &error);

  note_answer (user_data, done, error);
}

static void
on_remove (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  gboolean done = sb_accounts_remove_finish (SB_ACCOUNTS (source), result, &error);

  note_answer (user_data, done, error);
}

static void
on_signed_up (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  gboolean done = sb_accounts_sign_up_finish (SB_ACCOUNTS (source), result, &error);

  note_answer (user_data, done, error);
}

static void
start_put (Fixture *f, const char *actor, const char *json)
{
  sb_accounts_put_async (f->t->accounts, actor != NULL ? find (f, actor) : NULL, json,
                         strlen (json), on_put, f);
}

static void
start_remove (Fixture *f, const char *actor, const char *id)
{
  sb_accounts_remove_async (f->t->accounts, actor != NULL ? find (f, actor) : NULL, id, on_remove,
                            f);
}

static void
start_sign_up (Fixture *f, const char *id, const char *code, gboolean is_private)
{
  sb_accounts_sign_up_async (f->t->accounts, id, "pw", code, is_private, on_signed_up, f);
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
put (Fixture *f, const char *actor, const char *json, const char *wanted)
{
  start_put (f, actor, json);
  wait_answers (f, 1, wanted);
}

static void
assert_told (Fixture *f, const char *wanted)
{
  g_assert_cmpstr (f->told->str, ==, wanted);
  g_string_truncate (f->told, 0);
}

/* Tags with a space between. */
static void
assert_tags (Fixture *f, const char *id, const char *wanted)
{
  g_autofree char *tags = g_strjoinv (" ", (char **) find (f, id)->tags);

  g_assert_cmpstr (tags, ==, wanted);
}

static guint64
count_hashes (Fixture *f)
{
  return sb_password_pool_get_n_started (f->t->pool);
}

/* Lists */

static void
an_admin_makes_and_changes_users (Fixture *f, gconstpointer data)
{
  put (f, "root",
       "[{\"_id\": \"carl\", \"password\": \"x\", \"tags\": \"#new\","
       "\"connection_properties\": {\"url\": \"u\"}, \"admin\": true},"
       "{\"_id\": \"anna\", \"tags\": [\"a\", \"b\"]}]",
       "ok");
  assert_told (f, "carl anna");
  assert_tags (f, "carl", "new");
  assert_tags (f, "anna", "a b");
  g_assert_true (find (f, "carl")->admin);
  g_assert_cmpstr (find (f, "carl")->connection_properties, ==, "{\"url\":\"u\"}");
}

static void
what_was_put_is_in_the_store (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) users = NULL;

  put (f, "root", "[{\"_id\": \"carl\", \"password\": \"x\"}]", "ok");
  users = sb_store_users (SB_STORE (f->t->store), NULL);
  g_assert_cmpuint (users->len, ==, 4);
  g_assert_cmpstr (((SbUser *) users->pdata[3])->id, ==, "carl");
  g_assert_cmpint (((SbUser *) users->pdata[3])->key, ==, find (f, "carl")->key);
  g_assert_cmpstr (((SbUser *) users->pdata[3])->password_hash, ==,
                   find (f, "carl")->password_hash);
}

static void
what_is_absent_keeps_its_value_and_null_removes (Fixture *f, gconstpointer data)
{
  gint64 key = find (f, "anna")->key;

  put (f, "root", "[{\"_id\": \"anna\", \"connection_properties\": {\"url\": \"u\"}}]", "ok");
  assert_tags (f, "anna", "orders");
  put (f, "root", "[{\"_id\": \"anna\", \"tags\": null, \"admin\": true}]", "ok");
  assert_tags (f, "anna", "");
  g_assert_nonnull (find (f, "anna")->connection_properties);
  put (f, "root", "[{\"_id\": \"anna\", \"connection_properties\": null, \"admin\": null}]", "ok");
  g_assert_null (find (f, "anna")->connection_properties);
  g_assert_false (find (f, "anna")->admin);
  g_assert_cmpint (find (f, "anna")->key, ==, key);
  g_assert_cmpstr (find (f, "anna")->password_hash, ==, SB_TEST_HASH);
}

static void
a_new_user_needs_a_password (Fixture *f, gconstpointer data)
{
  put (f, "root", "[{\"_id\": \"anna\"}, {\"_id\": \"carl\", \"tags\": \"x\"}]", "invalid");
  g_assert_nonnull (strstr (f->message, "user 1"));
}

static void
one_bad_user_and_none_is_changed (Fixture *f, gconstpointer data)
{
  static const char *const bad[] = { "{\"_id\": \"a:b\", \"password\": \"x\"}",
                                     "{\"_id\": \"dora\"}",
                                     "{\"_id\": \"dora\", \"password\": \"\"}", "17" };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autofree char *json = g_strdup_printf ("[{\"_id\": \"carl\", \"password\": \"x\"},"
                                               "{\"_id\": \"anna\", \"tags\": \"new\"}, %s]",
                                               bad[i]);

      put (f, "root", json, "invalid");
      g_assert_nonnull (strstr (f->message, "user 2"));
    }
  g_assert_null (find (f, "carl"));
  assert_tags (f, "anna", "orders");
  assert_told (f, "");
}

static void
a_store_that_fails_changes_nobody (Fixture *f, gconstpointer data)
{
  sb_test_store_fail_applies (f->t->store, 1);
  put (f, "root", "[{\"_id\": \"anna\", \"tags\": \"x\"}, {\"_id\": \"bert\", \"tags\": \"x\"}]",
       "no-space");
  assert_tags (f, "anna", "orders");
  assert_told (f, "");
  put (f, "root", "[{\"_id\": \"anna\", \"tags\": \"x\"}]", "ok");
}

static void
the_same_user_twice_in_a_list_is_merged_in_order (Fixture *f, gconstpointer data)
{
  put (f, "root",
       "[{\"_id\": \"carl\", \"password\": \"first\"}, {\"_id\": \"carl\", \"tags\": \"x\"},"
       "{\"_id\": \"carl\", \"password\": \"last\"}]",
       "ok");
  assert_told (f, "carl");
  assert_tags (f, "carl", "x");
  g_assert_nonnull (sb_accounts_recognise (f->t->accounts, "carl", "last"));
  g_assert_null (sb_accounts_recognise (f->t->accounts, "carl", "first"));
}

/* The last one is the user's own, which is not hashed. */
static void
the_last_password_of_a_list_counts (Fixture *f, gconstpointer data)
{
  put (f, "root",
       "[{\"_id\": \"anna\", \"password\": \"other\"}, {\"_id\": \"anna\", \"password\": "
       "\"secret\"}]",
       "ok");
  g_assert_cmpstr (find (f, "anna")->password_hash, ==, SB_TEST_HASH);
}

static void
there_is_room_for_so_many_users (Fixture *f, gconstpointer data)
{
  put (f, "root", "[{\"_id\": \"c\", \"password\": \"x\"}, {\"_id\": \"d\", \"password\": \"x\"}]",
       "too-large");
  put (f, "root", "[{\"_id\": \"c\", \"password\": \"x\"}, {\"_id\": \"anna\"}]", "ok");
}

static void
five_thousand_users_fit_into_one_list (Fixture *f, gconstpointer data)
{
  const guint n_users = 5000;
  g_autoptr (GString) json = g_string_new ("[");
  guint64 before;

  for (guint i = 0; i < n_users; i++)
    {
      SbOperation *operation = sb_operation_new (SB_OPERATION_PUT_USER, NULL, NULL);
      g_autofree char *id = g_strdup_printf ("user%u", i);

      operation->put_user.user = sb_user_new (0, id, SB_TEST_HASH, NULL, NULL, FALSE, 1);
      sb_journal_submit (f->t->journal, operation);
      sb_authenticator_remember (f->t->authenticator, id, SB_TEST_HASH, "secret");
      g_string_append_printf (json,
                              "%s{\"_id\": \"%s\", \"password\": \"secret\", \"tags\": \"t\"}",
                              i > 0 ? "," : "", id);
    }
  g_string_append_c (json, ']');
  sb_test_bus_settle (f->t);
  sb_accounts_load (f->t->accounts, NULL);
  g_string_truncate (f->told, 0);
  before = count_hashes (f);
  put (f, "root", json->str, "ok");
  g_assert_cmpuint (count_hashes (f), ==, before);
  g_assert_cmpuint (sb_directory_get_tagged (sb_accounts_get_directory (f->t->accounts), "t")->len,
                    ==, n_users);
}

/* Passwords */

static void
a_password_that_was_changed_closes_sessions (Fixture *f, gconstpointer data)
{
  put (f, "root", "[{\"_id\": \"anna\", \"password\": \"other\"}, {\"_id\": \"bert\"}]", "ok");
  assert_told (f, "anna! bert");
  g_assert_null (sb_accounts_recognise (f->t->accounts, "anna", "secret"));
  g_assert_nonnull (sb_accounts_recognise (f->t->accounts, "anna", "other"));
}

static void
a_password_that_is_sent_again_changes_nothing (Fixture *f, gconstpointer data)
{
  put (f, "root", "[{\"_id\": \"anna\", \"password\": \"secret\"}]", "ok");
  assert_told (f, "anna");
  g_assert_cmpstr (find (f, "anna")->password_hash, ==, SB_TEST_HASH);
}

static void
a_known_password_is_not_hashed_again (Fixture *f, gconstpointer data)
{
  guint64 before;

  sb_authenticator_remember (f->t->authenticator, "anna", SB_TEST_HASH, "secret");
  before = count_hashes (f);
  put (f, "root", "[{\"_id\": \"anna\", \"password\": \"secret\"}]", "ok");
  g_assert_cmpuint (count_hashes (f), ==, before);
  assert_told (f, "anna");
}

static void
a_token_ends_with_the_password (Fixture *f, gconstpointer data)
{
  g_autofree char *token = sb_accounts_make_token (f->t->accounts, find (f, "anna"));
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (sb_accounts_check_token (f->t->accounts, "anna", token, "192.0.2.1", NULL));
  put (f, "root", "[{\"_id\": \"anna\", \"password\": \"other\"}]", "ok");
  g_assert_null (sb_accounts_check_token (f->t->accounts, "anna", token, "192.0.2.1", &error));
  g_assert_error (error, SB_ERROR, SB_ERROR_UNAUTHORIZED);
}

static void
passwords_have_a_least_length (Fixture *f, gconstpointer data)
{
  put (f, "root", "[{\"_id\": \"anna\", \"password\": \"1234567\"}]", "invalid");
  put (f, "root", "[{\"_id\": \"anna\", \"password\": \"12345678\"}]", "ok");
}

static void
a_ttl_is_set_kept_and_taken_away (Fixture *f, gconstpointer data)
{
  put (f, "root", "[{\"_id\": \"anna\", \"ttl\": 60}]", "ok");
  put (f, "root", "[{\"_id\": \"anna\", \"tags\": \"x\"}]", "ok");
  g_assert_cmpint (find (f, "anna")->ttl, ==, 60);
  put (f, "root", "[{\"_id\": \"anna\", \"ttl\": null}, {\"_id\": \"bert\", \"ttl\": 0}]", "ok");
  g_assert_cmpint (find (f, "anna")->ttl, ==, SB_USER_NO_TTL);
  g_assert_cmpint (find (f, "bert")->ttl, ==, 0);
}

/* What is allowed */

static void
a_user_may_change_its_own_password_only (Fixture *f, gconstpointer data)
{
  static const char *const forbidden[] = {
    "[{\"_id\": \"bert\", \"password\": \"x\"}]",
    "[{\"_id\": \"carl\", \"password\": \"x\"}]",
    "[{\"_id\": \"anna\", \"tags\": \"x\"}]",
    "[{\"_id\": \"anna\", \"tags\": null}]",
    "[{\"_id\": \"anna\", \"admin\": true}]",
    "[{\"_id\": \"anna\", \"admin\": false}]",
    "[{\"_id\": \"anna\", \"connection_properties\": null}]",
    "[{\"_id\": \"anna\", \"ttl\": 1}]",
    "[{\"_id\": \"anna\", \"ttl\": null}]",
    "[{\"_id\": \"anna\", \"password\": \"x\"}, {\"_id\": \"bert\", \"tags\": \"x\"}]",
  };

  for (guint i = 0; i < G_N_ELEMENTS (forbidden); i++)
    put (f, "anna", forbidden[i], "forbidden");
  assert_told (f, "");
  put (f, "anna", "[{\"_id\": \"anna\", \"password\": \"x\"}]", "ok");
  assert_told (f, "anna!");
}

/* The user object of a request or session may be older than the last change. */
static void
a_user_is_itself_also_after_a_change (Fixture *f, gconstpointer data)
{
  g_autoptr (SbUser) before = sb_user_ref (find (f, "anna"));
  const char *json = "[{\"_id\": \"anna\", \"password\": \"x\"}]";

  put (f, "root", "[{\"_id\": \"anna\", \"tags\": \"new\"}]", "ok");
  sb_accounts_put_async (f->t->accounts, before, json, strlen (json), on_put, f);
  wait_answers (f, 1, "ok");
}

static void
who_is_no_admin_any_more_is_none (Fixture *f, gconstpointer data)
{
  g_autoptr (SbUser) before = NULL;
  const char *json = "[{\"_id\": \"anna\", \"tags\": \"x\"}]";

  put (f, "root", "[{\"_id\": \"bert\", \"admin\": true}]", "ok");
  before = sb_user_ref (find (f, "bert"));
  put (f, "root", "[{\"_id\": \"bert\", \"admin\": false}]", "ok");
  sb_accounts_put_async (f->t->accounts, before, json, strlen (json), on_put, f);
  wait_answers (f, 1, "forbidden");
}

static void
who_was_removed_may_do_nothing (Fixture *f, gconstpointer data)
{
  g_autoptr (SbUser) anna = sb_user_ref (find (f, "anna"));
  const char *json = "[{\"_id\": \"anna\", \"password\": \"x\"}]";

  start_remove (f, "root", "anna");
  wait_answers (f, 1, "ok");
  sb_accounts_put_async (f->t->accounts, anna, json, strlen (json), on_put, f);
  wait_answers (f, 1, "forbidden");
  g_assert_null (find (f, "anna"));
}

static void
with_open_user_management_any_user_may_nearly_everything (Fixture *f, gconstpointer data)
{
  static const char *const forbidden[] = {
    "[{\"_id\": \"bert\", \"admin\": true}]",
    "[{\"_id\": \"carl\", \"password\": \"x\", \"admin\": true}]",
    "[{\"_id\": \"bert\", \"connection_properties\": {\"url\": \"u\"}}]",
    "[{\"_id\": \"bert\", \"ttl\": 1}]",
    "[{\"_id\": \"root\", \"password\": \"x\"}]",
  };

  for (guint i = 0; i < G_N_ELEMENTS (forbidden); i++)
    put (f, "anna", forbidden[i], "forbidden");
  put (f, "anna",
       "[{\"_id\": \"carl\", \"password\": \"x\"}, {\"_id\": \"bert\", \"password\": \"y\","
       "\"tags\": \"z\"}]",
       "ok");
  assert_told (f, "carl bert!");
}

static void
the_last_admin_stays_one (Fixture *f, gconstpointer data)
{
  put (f, "root", "[{\"_id\": \"root\", \"admin\": false}]", "conflict");
  put (f, "root", "[{\"_id\": \"root\", \"admin\": null}]", "conflict");
  put (f, "root", "[{\"_id\": \"root\", \"admin\": false}, {\"_id\": \"anna\", \"admin\": true}]",
       "ok");
  g_assert_false (find (f, "root")->admin);
  g_assert_true (find (f, "anna")->admin);
}

/* Removing */

static void
an_admin_removes_users (Fixture *f, gconstpointer data)
{
  start_remove (f, "root", "anna");
  wait_answers (f, 1, "ok");
  assert_told (f, "anna-");
  g_assert_null (find (f, "anna"));
}

static void
nobody_else_removes_users_and_nobody_the_last_admin (Fixture *f, gconstpointer data)
{
  start_remove (f, "anna", "bert");
  wait_answers (f, 1, "forbidden");
  start_remove (f, "anna", "anna");
  wait_answers (f, 1, "forbidden");
  start_remove (f, "root", "nobody");
  wait_answers (f, 1, "not-found");
  start_remove (f, "root", "root");
  wait_answers (f, 1, "conflict");
  assert_told (f, "");
}

static void
a_user_made_again_is_another_one (Fixture *f, gconstpointer data)
{
  gint64 key = find (f, "anna")->key;

  start_remove (f, "root", "anna");
  start_put (f, "root", "[{\"_id\": \"anna\", \"password\": \"x\"}]");
  wait_answers (f, 2, "ok ok");
  g_assert_cmpint (find (f, "anna")->key, !=, key);
  assert_tags (f, "anna", "");
}

/* At the same time */

static void
lists_at_the_same_time_are_merged (Fixture *f, gconstpointer data)
{
  start_put (f, "root", "[{\"_id\": \"anna\", \"tags\": \"x\"}]");
  start_put (f, "root", "[{\"_id\": \"anna\", \"connection_properties\": {\"url\": \"u\"}}]");
  start_put (f, "root", "[{\"_id\": \"anna\", \"admin\": true}]");
  wait_answers (f, 3, "ok ok ok");
  assert_tags (f, "anna", "x");
  g_assert_true (find (f, "anna")->admin);
  g_assert_nonnull (find (f, "anna")->connection_properties);
}

static void
two_admins_do_not_remove_each_other (Fixture *f, gconstpointer data)
{
  put (f, "root", "[{\"_id\": \"anna\", \"admin\": true}]", "ok");
  start_remove (f, "root", "anna");
  start_remove (f, "anna", "root");
  wait_answers (f, 2, "ok forbidden");
  g_assert_nonnull (find (f, "root"));
}

static void
the_last_two_admins_do_not_both_go (Fixture *f, gconstpointer data)
{
  put (f, "root", "[{\"_id\": \"anna\", \"admin\": true}]", "ok");
  start_remove (f, NULL, "anna");
  start_put (f, NULL, "[{\"_id\": \"root\", \"admin\": false}]");
  wait_answers (f, 2, "ok conflict");
}

/* Nothing of the list is stored, since one of its users went just before. */
static void
a_list_whose_user_goes_meanwhile_is_all_or_nothing (Fixture *f, gconstpointer data)
{
  start_remove (f, "root", "anna");
  start_put (f, "root",
             "[{\"_id\": \"bert\", \"tags\": \"x\"}, {\"_id\": \"anna\", \"tags\": \"y\"}]");
  wait_answers (f, 2, "ok invalid");
  assert_tags (f, "bert", "");
  assert_told (f, "anna-");
}

/* Its password was the user's own and needed no hash; the user is gone before its turn. */
static void
a_known_password_of_a_user_that_goes_is_hashed_after_all (Fixture *f, gconstpointer data)
{
  sb_authenticator_remember (f->t->authenticator, "anna", SB_TEST_HASH, "secret");
  start_remove (f, "root", "anna");
  start_put (f, "root", "[{\"_id\": \"anna\", \"password\": \"secret\"}]");
  wait_answers (f, 2, "ok ok");
  g_assert_nonnull (find (f, "anna"));
  g_assert_cmpstr (find (f, "anna")->password_hash, !=, SB_TEST_HASH);
}

/* The second list compares its password with the old one, while the first replaces that. */
static void
of_two_passwords_the_later_one_counts (Fixture *f, gconstpointer data)
{
  sb_test_store_hold_applies (f->t->store, TRUE);
  start_put (f, "root", "[{\"_id\": \"anna\", \"password\": \"other\"}]");
  while (sb_test_store_get_n_held (f->t->store) == 0)
    g_main_context_iteration (NULL, FALSE);
  sb_authenticator_remember (f->t->authenticator, "anna", SB_TEST_HASH, "secret");
  start_put (f, "root", "[{\"_id\": \"anna\", \"password\": \"secret\"}]");
  sb_test_store_hold_applies (f->t->store, FALSE);
  wait_answers (f, 2, "ok ok");
  assert_told (f, "anna! anna!");
  g_assert_nonnull (sb_accounts_recognise (f->t->accounts, "anna", "secret"));
}

static void
a_closed_journal_refuses_changes (Fixture *f, gconstpointer data)
{
  sb_journal_close (f->t->journal);
  start_put (f, "root", "[{\"_id\": \"anna\", \"tags\": \"x\"}]");
  start_remove (f, "root", "anna");
  wait_answers (f, 2, "closed closed");
}

static void
what_is_under_way_at_the_end_is_answered (Fixture *f, gconstpointer data)
{
  start_put (f, "root", "[{\"_id\": \"anna\", \"tags\": \"x\"}]");
  start_put (f, "root", "[{\"_id\": \"bert\", \"tags\": \"x\"}]");
  start_remove (f, "root", "bert");
  sb_journal_close (f->t->journal);
  wait_answers (f, 3, "ok ok ok");
  assert_told (f, "anna bert bert-");
}

/* Logging in */

static void
on_logged_in (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SbUser) user = sb_accounts_log_in_finish (SB_ACCOUNTS (source), result, &error);

  note_answer (user_data, user != NULL, error);
}

static void
log_in (Fixture *f, const char *id, const char *password, const char *wanted)
{
  sb_accounts_log_in_async (f->t->accounts, id, password, "192.0.2.1", NULL, on_logged_in, f);
  wait_answers (f, 1, wanted);
}

static void
who_logs_in_is_recognised_afterwards (Fixture *f, gconstpointer data)
{
  g_assert_null (sb_accounts_recognise (f->t->accounts, "anna", "secret"));
  log_in (f, "anna", "secret", "ok");
  g_assert_true (sb_accounts_recognise (f->t->accounts, "anna", "secret") == find (f, "anna"));
  log_in (f, "anna", "wrong", "unauthorized");
  log_in (f, "nobody", "secret", "unauthorized");
}

static void
a_password_that_changes_during_a_log_in_ends_it (Fixture *f, gconstpointer data)
{
  g_autoptr (SbUser) changed = sb_user_new (find (f, "anna")->key, "anna", "$y$other", NULL, NULL,
                                            FALSE, 1);

  sb_accounts_log_in_async (f->t->accounts, "anna", "secret", "192.0.2.1", NULL, on_logged_in, f);
  sb_directory_put (sb_accounts_get_directory (f->t->accounts), changed);
  wait_answers (f, 1, "unauthorized");
}

/* Signing up */

static void
the_first_user_is_an_admin_and_closes_the_door (Fixture *f, gconstpointer data)
{
  g_assert_true (sb_accounts_is_sign_up_open (f->t->accounts));
  start_sign_up (f, "first", NULL, TRUE);
  wait_answers (f, 1, "ok");
  g_assert_true (find (f, "first")->admin);
  g_assert_false (sb_accounts_is_sign_up_open (f->t->accounts));
  g_assert_null (sb_accounts_get_setup_code (f->t->accounts));
  start_sign_up (f, "second", NULL, TRUE);
  wait_answers (f, 1, "forbidden");
}

static void
from_outside_the_first_user_needs_the_setup_code (Fixture *f, gconstpointer data)
{
  g_autofree char *code = g_strdup (sb_accounts_get_setup_code (f->t->accounts));
  g_autofree char *longer = g_strconcat (code, "X", NULL);

  g_assert_cmpuint (strlen (code), ==, 9);
  start_sign_up (f, "first", NULL, FALSE);
  start_sign_up (f, "first", "", FALSE);
  start_sign_up (f, "first", "AAAA-AAAA", FALSE);
  start_sign_up (f, "first", longer, FALSE);
  wait_answers (f, 4, "forbidden forbidden forbidden forbidden");
  start_sign_up (f, "first", code, FALSE);
  wait_answers (f, 1, "ok");
}

static void
of_two_first_users_one_is_too_late (Fixture *f, gconstpointer data)
{
  start_sign_up (f, "one", NULL, TRUE);
  start_sign_up (f, "two", NULL, TRUE);
  sb_test_wait_count (&f->n_answers, 2, "answers");
  g_assert_cmpuint (sb_directory_get_all (sb_accounts_get_directory (f->t->accounts))->len, ==, 1);
  g_assert_nonnull (strstr (f->answers->str, "ok"));
  g_assert_nonnull (strstr (f->answers->str, "forbidden"));
}

static void
a_bad_name_or_password_makes_no_first_user (Fixture *f, gconstpointer data)
{
  static const char *const names[] = { "", "a:b", "@a", "a\nb" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      start_sign_up (f, names[i], NULL, TRUE);
      wait_answers (f, 1, "invalid");
    }
  sb_accounts_sign_up_async (f->t->accounts, "a", "", NULL, TRUE, on_signed_up, f);
  wait_answers (f, 1, "invalid");
  g_assert_false (sb_accounts_has_users (f->t->accounts));
}

static void
with_open_sign_up_more_users_come_and_are_no_admins (Fixture *f, gconstpointer data)
{
  start_sign_up (f, "first", NULL, TRUE);
  wait_answers (f, 1, "ok");
  start_sign_up (f, "second", NULL, FALSE);
  wait_answers (f, 1, "ok");
  g_assert_false (find (f, "second")->admin);
  start_sign_up (f, "first", NULL, FALSE);
  wait_answers (f, 1, "conflict");
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  sb_test_log_init ();
#define ADD(name, config, func) \
  g_test_add ("/accounts/" name, Fixture, config, set_up, func, tear_down)
#define ADD_EMPTY(name, config, func) \
  g_test_add ("/accounts/" name, Fixture, config, set_up_empty, func, tear_down)
  ADD ("an-admin-makes-and-changes-users", NULL, an_admin_makes_and_changes_users);
  ADD ("what-was-put-is-in-the-store", NULL, what_was_put_is_in_the_store);
  ADD ("what-is-absent-keeps-its-value-and-null-removes", NULL,
       what_is_absent_keeps_its_value_and_null_removes);
  ADD ("a-new-user-needs-a-password", NULL, a_new_user_needs_a_password);
  ADD ("one-bad-user-and-none-is-changed", NULL, one_bad_user_and_none_is_changed);
  ADD ("a-store-that-fails-changes-nobody", NULL, a_store_that_fails_changes_nobody);
  ADD ("the-same-user-twice-in-a-list-is-merged-in-order", NULL,
       the_same_user_twice_in_a_list_is_merged_in_order);
  ADD ("the-last-password-of-a-list-counts", NULL, the_last_password_of_a_list_counts);
  ADD ("there-is-room-for-so-many-users", "max-users=4", there_is_room_for_so_many_users);
  ADD ("five-thousand-users-fit-into-one-list", NULL, five_thousand_users_fit_into_one_list);
  ADD ("a-password-that-was-changed-closes-sessions", NULL,
       a_password_that_was_changed_closes_sessions);
  ADD ("a-password-that-is-sent-again-changes-nothing", NULL,
       a_password_that_is_sent_again_changes_nothing);
  ADD ("a-known-password-is-not-hashed-again", NULL, a_known_password_is_not_hashed_again);
  ADD ("a-token-ends-with-the-password", NULL, a_token_ends_with_the_password);
  ADD ("passwords-have-a-least-length", "min-password-length=8", passwords_have_a_least_length);
  ADD ("a-user-may-change-its-own-password-only", NULL, a_user_may_change_its_own_password_only);
  ADD ("a-user-is-itself-also-after-a-change", NULL, a_user_is_itself_also_after_a_change);
  ADD ("who-is-no-admin-any-more-is-none", NULL, who_is_no_admin_any_more_is_none);
  ADD ("who-was-removed-may-do-nothing", NULL, who_was_removed_may_do_nothing);
  ADD ("a-ttl-is-set-kept-and-taken-away", NULL, a_ttl_is_set_kept_and_taken_away);
  ADD ("with-open-user-management-any-user-may-nearly-everything", "open-user-management=true",
       with_open_user_management_any_user_may_nearly_everything);
  ADD ("the-last-admin-stays-one", NULL, the_last_admin_stays_one);
  ADD ("an-admin-removes-users", NULL, an_admin_removes_users);
  ADD ("nobody-else-removes-users-and-nobody-the-last-admin", NULL,
       nobody_else_removes_users_and_nobody_the_last_admin);
  ADD ("a-user-made-again-is-another-one", NULL, a_user_made_again_is_another_one);
  ADD ("lists-at-the-same-time-are-merged", NULL, lists_at_the_same_time_are_merged);
  ADD ("two-admins-do-not-remove-each-other", NULL, two_admins_do_not_remove_each_other);
  ADD ("the-last-two-admins-do-not-both-go", NULL, the_last_two_admins_do_not_both_go);
  ADD ("a-list-whose-user-goes-meanwhile-is-all-or-nothing", NULL,
       a_list_whose_user_goes_meanwhile_is_all_or_nothing);
  ADD ("a-known-password-of-a-user-that-goes-is-hashed-after-all", NULL,
       a_known_password_of_a_user_that_goes_is_hashed_after_all);
  ADD ("of-two-passwords-the-later-one-counts", NULL, of_two_passwords_the_later_one_counts);
  ADD ("a-closed-journal-refuses-changes", NULL, a_closed_journal_refuses_changes);
  ADD ("what-is-under-way-at-the-end-is-answered", NULL, what_is_under_way_at_the_end_is_answered);
  ADD ("who-logs-in-is-recognised-afterwards", NULL, who_logs_in_is_recognised_afterwards);
  ADD ("a-password-that-changes-during-a-log-in-ends-it", NULL,
       a_password_that_changes_during_a_log_in_ends_it);
  ADD_EMPTY ("the-first-user-is-an-admin-and-closes-the-door", NULL,
             the_first_user_is_an_admin_and_closes_the_door);
  ADD_EMPTY ("from-outside-the-first-user-needs-the-setup-code", NULL,
             from_outside_the_first_user_needs_the_setup_code);
  ADD_EMPTY ("of-two-first-users-one-is-too-late", NULL, of_two_first_users_one_is_too_late);
  ADD_EMPTY ("a-bad-name-or-password-makes-no-first-user", NULL,
             a_bad_name_or_password_makes_no_first_user);
  ADD_EMPTY ("with-open-sign-up-more-users-come-and-are-no-admins", "open-signup=true",
             with_open_sign_up_more_users_come_and_are_no_admins);
#undef ADD_EMPTY
#undef ADD
  return g_test_run ();
}

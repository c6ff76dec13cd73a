/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-bus: the way of a message, and of time, through the whole bus. */

#include "sb-bus-private.h"
#include "sb-error.h"
#include "sb-test-bus.h"
#include "sb-test-log.h"

#include <string.h>

#define TIMEOUT (10 * SB_TEST_SECOND)

typedef struct
{
  SbTestBus *t;
  GString *answers;
  SbTestPath *path; /* of anna */
  SbSession *session;
  guint n_drained;
} Fixture;

static void
set_up (Fixture *f, gconstpointer config)
{
  f->t = sb_test_bus_new_started (config != NULL ? config : "");
  f->answers = g_string_new (NULL);
  f->path = sb_test_path_new ();
  sb_test_bus_add_user (f->t, "s", "all", FALSE);
  sb_test_bus_add_user (f->t, "anna", "all both", FALSE);
  sb_test_bus_add_user (f->t, "bert", "all both", FALSE);
  sb_test_bus_add_user (f->t, "root", "", TRUE);
}

static void
tear_down (Fixture *f, gconstpointer config)
{
  g_clear_pointer (&f->session, sb_session_close);
  g_clear_pointer (&f->t, sb_test_bus_free);
  g_assert_finalize_object (f->path);
  g_string_free (f->answers, TRUE);
  sb_test_log_assert_expected ();
}

static void
open_anna (Fixture *f)
{
  f->session = sb_test_bus_open (f->t, "anna", f->path, SB_SESSION_NONE);
}

static void
send (Fixture *f, const char *id, const char *to)
{
  sb_test_bus_send (f->t, "s", id, to);
}

#define assert_answers(f, wanted)                    \
  G_STMT_START                                       \
  {                                                  \
    sb_test_bus_settle ((f)->t);                     \
    g_assert_cmpstr ((f)->answers->str, ==, wanted); \
    g_string_truncate ((f)->answers, 0);             \
  }                                                  \
  G_STMT_END

static void
publish (Fixture *f, const char *json)
{
  sb_test_bus_publish (f->t, "s", json, 0, f->answers);
}

/* "pending", or "confirmed expired": in order of the recipients. */
static char *
get_states (Fixture *f, const char *id)
{
  g_autoptr (SbMessageStatus) status = sb_store_status (SB_STORE (f->t->store), id, NULL);
  GString *text = g_string_new (NULL);

  for (guint i = 0; status != NULL && i < status->deliveries->len; i++)
    {
      const SbDeliveryStatus *delivery = g_ptr_array_index (status->deliveries, i);

      g_string_append_printf (text, "%s%s", i > 0 ? " " : "",
                              sb_delivery_state_to_string (delivery->state));
    }
  return g_string_free (text, FALSE);
}

#define assert_states(f, id, wanted)                  \
  G_STMT_START                                        \
  {                                                   \
    g_autofree char *got_states = get_states (f, id); \
    g_assert_cmpstr (got_states, ==, wanted);         \
  }                                                   \
  G_STMT_END

/* Sending */

static void
a_message_reaches_its_recipient_with_id_and_sender (Fixture *f, gconstpointer data)
{
  gsize length;
  const char *body;

  open_anna (f);
  publish (f, "{\"to\":\"@anna\",\"message\":1.10,\"sender\":\"root\",\"_id\":\"a\"}");
  assert_answers (f, "a:1");
  sb_test_path_assert (f->path, "a");
  body = g_bytes_get_data (sb_test_path_get_last (f->path)->body, &length);
  g_assert_nonnull (g_strstr_len (body, length, "\"message\":1.10"));
  g_assert_nonnull (g_strstr_len (body, length, "\"sender\":\"s\""));
  g_assert_null (g_strstr_len (body, length, "root"));
}

static void
a_message_without_an_id_gets_one (Fixture *f, gconstpointer data)
{
  publish (f, "{\"to\":\"@anna\",\"message\":1}");
  publish (f, "{\"to\":\"@anna\",\"message\":1}");
  sb_test_bus_settle (f->t);
  g_assert_cmpuint (f->answers->len, ==, 2 * strlen ("00000000000000000000000000000000:1") + 1);
  g_assert_cmpint (strncmp (f->answers->str, f->answers->str + 35, 32), <, 0);
}

static void
the_answer_comes_after_the_commit_and_the_message_too (Fixture *f, gconstpointer data)
{
  open_anna (f);
  sb_test_store_hold_applies (f->t->store, TRUE);
  publish (f, "{\"to\":\"@anna\",\"message\":1,\"_id\":\"a\"}");
  sb_test_store_wait_held (f->t->store);
  sb_test_settle ();
  g_assert_cmpstr (f->answers->str, ==, "");
  sb_test_path_assert (f->path, "");
  sb_test_store_hold_applies (f->t->store, FALSE);
  assert_answers (f, "a:1");
  sb_test_path_assert (f->path, "a");
}

static void
addresses_that_match_nobody_are_named (Fixture *f, gconstpointer data)
{
  publish (f, "{\"to\":[\"#both\",\"@x\",\"#y\"],\"message\":1,\"_id\":\"a\"}");
  assert_answers (f, "a:2:@x:#y");
}

static void
what_is_wrong_is_refused_at_once (Fixture *f, gconstpointer data)
{
  static const char *const cases[][2] = {
    { "{\"message\":1}", "invalid" },
    { "{\"to\":\"@anna\"}", "invalid" },
    { "{\"to\":[],\"message\":1}", "invalid" },
    { "{\"to\":\"@x\",\"message\":1}", "not-found" },
    { "{\"to\":\"@anna\",\"message\":1,\"_id\":1}", "invalid" },
    { "{\"to\":\"@anna\",\"message\":1,\"_id\":\"\"}", "invalid" },
    { "{\"to\":\"@anna\",\"message\":1,\"_id\":\"a/b\"}", "invalid" },
    { "{\"to\":\"@anna\",\"message\":1,\"type\":\"confirmation\"}", "invalid" },
    { "{\"to\":\"@anna\",\"message\":1,\"ttl\":0}", "invalid" },
    { "{\"to\":\"@anna\",\"message\":1,\"ttl\":-1}", "invalid" },
    { "{\"to\":\"@anna\",\"message\":1,\"ttl\":1.5}", "invalid" },
    { "{\"to\":\"@anna\",\"message\":1,\"ttl\":100000000001}", "invalid" },
    { "{\"to\":\"@anna\",\"message\":1,\"not_before\":-1}", "invalid" },
    { "{\"to\":\"@anna\",\"message\":1,\"not_before\":\"x\"}", "invalid" },
    { "{\"to\":\"@anna\",\"message\":1,\"not_before\":9223372036854775807}", "invalid" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("%s", cases[i][0]);
      publish (f, cases[i][0]);
      g_assert_cmpstr (f->answers->str, ==, cases[i][1]);
      g_string_truncate (f->answers, 0);
    }
}

static void
the_largest_times_are_taken (Fixture *f, gconstpointer data)
{
  publish (f, "{\"to\":\"@anna\",\"message\":1,\"_id\":\"a\",\"ttl\":100000000000,"
              "\"not_before\":100000000000}");
  assert_answers (f, "a:1");
  assert_states (f, "a", "scheduled");
}

static void
a_uid_can_be_required (Fixture *f, gconstpointer data)
{
  publish (f, "{\"to\":\"@anna\",\"message\":1,\"_id\":\"a\"}");
  publish (f, "{\"to\":\"@anna\",\"message\":1,\"_id\":\"b\",\"uid\":[\"cfg\"]}");
  assert_answers (f, "invalid b:1");
}

static void
the_same_id_of_the_same_sender_is_a_duplicate (Fixture *f, gconstpointer data)
{
  open_anna (f);
  publish (f, "{\"to\":\"#both\",\"message\":1,\"_id\":\"a\"}");
  publish (f, "{\"to\":\"@anna\",\"message\":2,\"_id\":\"a\"}");
  assert_answers (f, "a:2 a:2:duplicate");
  sb_test_path_assert (f->path, "a");
}

static void
the_same_id_of_another_sender_is_a_conflict (Fixture *f, gconstpointer data)
{
  send (f, "a", "@anna");
  sb_test_bus_publish (f->t, "bert", "{\"to\":\"@anna\",\"message\":1,\"_id\":\"a\"}", 0,
                       f->answers);
  assert_answers (f, "conflict");
}

static void
a_full_queue_refuses_what_names_its_recipient (Fixture *f, gconstpointer data)
{
  send (f, "a", "@anna");
  send (f, "b", "@anna");
  publish (f, "{\"to\":[\"@anna\",\"@bert\"],\"message\":1,\"_id\":\"c\"}");
  assert_answers (f, "full:full=anna");
  assert_states (f, "c", "");
}

static void
a_full_queue_has_a_dead_delivery_of_what_names_a_tag (Fixture *f, gconstpointer data)
{
  send (f, "a", "@anna");
  send (f, "b", "@anna");
  publish (f, "{\"to\":\"#both\",\"message\":1,\"_id\":\"c\"}");
  assert_answers (f, "c:2:full=anna");
  assert_states (f, "c", "dead pending");
}

static void
a_store_that_fails_is_an_error (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  open_anna (f);
  sb_test_store_fail_applies (f->t->store, 1);
  publish (f, "{\"to\":\"@anna\",\"message\":1,\"_id\":\"a\"}");
  while (f->answers->len == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_false (sb_bus_check_ready (f->t->bus, &error));
  g_assert_error (error, SB_ERROR, SB_ERROR_NO_SPACE);
  assert_answers (f, "no-space");
  sb_test_path_assert (f->path, "");
  send (f, "a", "@anna");
  g_assert_true (sb_bus_check_ready (f->t->bus, NULL));
  sb_test_path_assert (f->path, "a");
}

static void
on_drained (SbBus *bus, gpointer user_data)
{
  ((Fixture *) user_data)->n_drained++;
}

static void
a_full_journal_refuses_and_says_when_it_has_drained (Fixture *f, gconstpointer data)
{
  g_signal_connect (f->t->bus, "drained", G_CALLBACK (on_drained), f);
  sb_test_store_hold_applies (f->t->store, TRUE);
  publish (f, "{\"to\":\"@anna\",\"message\":1,\"_id\":\"a\"}");
  publish (f, "{\"to\":\"@anna\",\"message\":1,\"_id\":\"b\"}");
  g_assert_true (sb_bus_is_congested (f->t->bus));
  publish (f, "{\"to\":\"@anna\",\"message\":1,\"_id\":\"c\"}");
  sb_test_store_hold_applies (f->t->store, FALSE);
  sb_test_wait_count (&f->n_drained, 1, "drained");
  assert_answers (f, "busy a:1 b:1");
}

/* Time */

static void
what_is_not_due_waits (Fixture *f, gconstpointer data)
{
  open_anna (f);
  publish (f, "{\"to\":\"@anna\",\"message\":1,\"_id\":\"a\",\"not_before\":1700000005}");
  send (f, "b", "@anna");
  sb_test_bus_pass (f->t, 4 * SB_TEST_SECOND);
  sb_test_path_assert (f->path, "b");
  sb_test_bus_pass (f->t, SB_TEST_SECOND);
  sb_test_path_assert (f->path, "a");
}

static void
what_is_due_already_is_sent_at_once (Fixture *f, gconstpointer data)
{
  open_anna (f);
  publish (f, "{\"to\":\"@anna\",\"message\":1,\"_id\":\"a\",\"not_before\":1700000000}");
  assert_answers (f, "a:1");
  sb_test_path_assert (f->path, "a");
}

static void
what_expires_is_not_sent_any_more_and_its_sender_hears_of_it (Fixture *f, gconstpointer data)
{
  g_autoptr (SbTestPath) sender = sb_test_path_new ();
  SbSession *session = sb_test_bus_open (f->t, "s", sender, SB_SESSION_EXPIRED);

  open_anna (f);
  publish (f, "{\"to\":\"#both\",\"message\":1,\"_id\":\"a\",\"ttl\":15}");
  assert_answers (f, "a:2");
  sb_test_path_assert (f->path, "a");
  sb_test_bus_pass (f->t, TIMEOUT);
  sb_test_path_assert (f->path, "a");
  sb_test_bus_pass (f->t, 5 * SB_TEST_SECOND);
  assert_states (f, "a", "expired expired");
  sb_test_bus_pass (f->t, TIMEOUT);
  sb_test_path_assert (f->path, "");
  sb_test_path_assert_expired (sender, "a<anna:ttl a<bert:ttl");
  sb_session_close (session);
}

static void
the_ttl_counts_from_the_time_it_is_due (Fixture *f, gconstpointer data)
{
  publish (f,
           "{\"to\":\"@anna\",\"message\":1,\"_id\":\"a\",\"ttl\":10,\"not_before\":1700000060}");
  assert_answers (f, "a:1");
  sb_test_bus_pass (f->t, 60 * SB_TEST_SECOND);
  assert_states (f, "a", "pending");
  sb_test_bus_pass (f->t, 10 * SB_TEST_SECOND);
  assert_states (f, "a", "expired");
}

static void
queues_that_nobody_needs_are_dropped (Fixture *f, gconstpointer data)
{
  open_anna (f);
  send (f, "a", "@anna");
  g_assert_cmpuint (g_hash_table_size (f->t->bus->queues), ==, 1);
  sb_session_close (g_steal_pointer (&f->session));
  sb_test_bus_pass (f->t, SB_TEST_SECOND);
  g_assert_cmpuint (g_hash_table_size (f->t->bus->queues), ==, 0);
  g_assert_cmpuint (f->t->bus->queue_settings.in_flight, ==, 0);
}

/* Sessions */

static void
a_newer_session_takes_over_what_was_in_flight (Fixture *f, gconstpointer data)
{
  g_autoptr (SbTestPath) newer = sb_test_path_new ();
  SbSession *session;

  open_anna (f);
  send (f, "a", "@anna");
  send (f, "b", "@anna");
  session = sb_test_bus_open (f->t, "anna", newer, SB_SESSION_NONE);
  g_assert_cmpint (sb_test_path_get_close_reason (f->path), ==, SB_CLOSE_REPLACED);
  sb_test_path_assert (newer, "a b");

  /* The end of the older one does not cut off the newer one. */
  sb_session_close (g_steal_pointer (&f->session));
  send (f, "c", "@anna");
  sb_test_path_assert (newer, "c");
  sb_session_close (session);
}

/* Three take-overs, none of which has to wait. */
static void
replace_often (Fixture *f)
{
  SbUser *anna = sb_test_bus_find (f->t, "anna");

  for (guint i = 0; i < 4; i++)
    {
      g_autoptr (SbTestPath) path = sb_test_path_new ();
      SbSession *newer;

      g_assert_cmpint (sb_bus_get_session_delay (f->t->bus, anna), ==, 0);
      newer = sb_test_bus_open (f->t, "anna", path, SB_SESSION_NONE);
      g_clear_pointer (&f->session, sb_session_close);
      f->session = newer;
    }
}

static void
after_three_take_overs_the_next_one_has_to_wait (Fixture *f, gconstpointer data)
{
  SbUser *anna = sb_test_bus_find (f->t, "anna");

  replace_often (f);
  g_assert_cmpint (sb_bus_get_session_delay (f->t->bus, anna), ==, 5 * SB_TEST_SECOND);
  sb_test_bus_pass (f->t, 5 * SB_TEST_SECOND);
  g_assert_cmpint (sb_bus_get_session_delay (f->t->bus, anna), ==, 0);
}

/* Nobody is thrown out then. */
static void
without_an_open_session_nobody_has_to_wait (Fixture *f, gconstpointer data)
{
  SbUser *anna = sb_test_bus_find (f->t, "anna");

  replace_often (f);
  g_clear_pointer (&f->session, sb_session_close);
  g_assert_cmpint (sb_bus_get_session_delay (f->t->bus, anna), ==, 0);
}

static void
sessions_have_a_bound_but_take_overs_have_none (Fixture *f, gconstpointer data)
{
  g_autoptr (SbTestPath) other = sb_test_path_new ();
  g_autoptr (GError) error = NULL;
  SbSession *session;

  open_anna (f);
  g_assert_null (sb_bus_open_session (f->t->bus, sb_test_bus_find (f->t, "bert"),
                                      SB_DELIVERY (other), SB_SESSION_NONE, &error));
  g_assert_error (error, SB_ERROR, SB_ERROR_BUSY);
  session = sb_test_bus_open (f->t, "anna", other, SB_SESSION_NONE);
  sb_session_close (session);
}

static void
change_user (Fixture *f, const char *json)
{
  sb_accounts_put_async (f->t->accounts, NULL, json, strlen (json), NULL, NULL);
  while (sb_password_pool_get_n_waiting (f->t->pool) > 0)
    g_main_context_iteration (NULL, FALSE);
}

static void
a_changed_password_closes_the_session (Fixture *f, gconstpointer data)
{
  open_anna (f);
  send (f, "a", "@anna");
  change_user (f, "[{\"_id\":\"anna\",\"password\":\"other\"}]");
  while (sb_test_path_get_close_reason (f->path) < 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (sb_test_path_get_close_reason (f->path), ==, SB_CLOSE_CREDENTIALS);
  sb_test_bus_pass (f->t, SB_TEST_SECOND);
  g_assert_cmpuint (f->t->bus->queue_settings.in_flight, ==, 0);
}

static void
another_change_leaves_the_session_alone (Fixture *f, gconstpointer data)
{
  open_anna (f);
  change_user (f, "[{\"_id\":\"anna\",\"tags\":\"new\"}]");
  sb_test_bus_settle (f->t);
  g_assert_cmpint (sb_test_path_get_close_reason (f->path), ==, -1);
  send (f, "a", "#new");
  sb_test_path_assert (f->path, "a");
}

static void
a_removed_user_loses_its_session_and_its_deliveries_die (Fixture *f, gconstpointer data)
{
  open_anna (f);
  send (f, "a", "#both");
  sb_accounts_remove_async (f->t->accounts, NULL, "anna", NULL, NULL);
  sb_session_confirm (f->session, "b");
  sb_test_bus_settle (f->t);
  g_assert_cmpint (sb_test_path_get_close_reason (f->path), ==, SB_CLOSE_CREDENTIALS);
  assert_states (f, "a", "dead pending");
  g_assert_cmpuint (f->t->bus->queue_settings.in_flight, ==, 0);
}

static void
close_session (SbTestPath *path, SbMessage *message, gpointer user_data)
{
  Fixture *f = user_data;

  sb_session_close (g_steal_pointer (&f->session));
}

static void
a_path_may_close_its_session_while_it_takes_a_message (Fixture *f, gconstpointer data)
{
  sb_test_path_set_room (f->path, 0);
  open_anna (f);
  send (f, "a", "@anna");
  send (f, "b", "@anna");
  sb_test_path_set_ready (f->path, TRUE);
  sb_test_path_set_func (f->path, close_session, f);
  sb_session_ready (f->session);
  sb_test_bus_settle (f->t);
  sb_test_path_assert (f->path, "a");
  g_assert_null (f->session);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  sb_test_log_init ();
#define ADD(name, config, func) g_test_add ("/bus/" name, Fixture, config, set_up, func, tear_down)
  ADD ("a-message-reaches-its-recipient-with-id-and-sender", NULL,
       a_message_reaches_its_recipient_with_id_and_sender);
  ADD ("a-message-without-an-id-gets-one", NULL, a_message_without_an_id_gets_one);
  ADD ("the-answer-comes-after-the-commit-and-the-message-too", NULL,
       the_answer_comes_after_the_commit_and_the_message_too);
  ADD ("addresses-that-match-nobody-are-named", NULL, addresses_that_match_nobody_are_named);
  ADD ("what-is-wrong-is-refused-at-once", NULL, what_is_wrong_is_refused_at_once);
  ADD ("the-largest-times-are-taken", NULL, the_largest_times_are_taken);
  ADD ("a-uid-can-be-required", "require-uid=true", a_uid_can_be_required);
  ADD ("the-same-id-of-the-same-sender-is-a-duplicate", NULL,
       the_same_id_of_the_same_sender_is_a_duplicate);
  ADD ("the-same-id-of-another-sender-is-a-conflict", NULL,
       the_same_id_of_another_sender_is_a_conflict);
  ADD ("a-full-queue-refuses-what-names-its-recipient", "max-queue=2",
       a_full_queue_refuses_what_names_its_recipient);
  ADD ("a-full-queue-has-a-dead-delivery-of-what-names-a-tag", "max-queue=2",
       a_full_queue_has_a_dead_delivery_of_what_names_a_tag);
  ADD ("a-store-that-fails-is-an-error", NULL, a_store_that_fails_is_an_error);
  ADD ("a-full-journal-refuses-and-says-when-it-has-drained", "journal-backlog=2",
       a_full_journal_refuses_and_says_when_it_has_drained);
  ADD ("what-is-not-due-waits", NULL, what_is_not_due_waits);
  ADD ("what-is-due-already-is-sent-at-once", NULL, what_is_due_already_is_sent_at_once);
  ADD ("what-expires-is-not-sent-any-more-and-its-sender-hears-of-it", NULL,
       what_expires_is_not_sent_any_more_and_its_sender_hears_of_it);
  ADD ("the-ttl-counts-from-the-time-it-is-due", NULL, the_ttl_counts_from_the_time_it_is_due);
  ADD ("queues-that-nobody-needs-are-dropped", NULL, queues_that_nobody_needs_are_dropped);
  ADD ("a-newer-session-takes-over-what-was-in-flight", NULL,
       a_newer_session_takes_over_what_was_in_flight);
  ADD ("after-three-take-overs-the-next-one-has-to-wait", NULL,
       after_three_take_overs_the_next_one_has_to_wait);
  ADD ("without-an-open-session-nobody-has-to-wait", NULL,
       without_an_open_session_nobody_has_to_wait);
  ADD ("sessions-have-a-bound-but-take-overs-have-none", "max-sessions=1",
       sessions_have_a_bound_but_take_overs_have_none);
  ADD ("a-changed-password-closes-the-session", NULL, a_changed_password_closes_the_session);
  ADD ("another-change-leaves-the-session-alone", NULL, another_change_leaves_the_session_alone);
  ADD ("a-removed-user-loses-its-session-and-its-deliveries-die", NULL,
       a_removed_user_loses_its_session_and_its_deliveries_die);
  ADD ("a-path-may-close-its-session-while-it-takes-a-message", NULL,
       a_path_may_close_its_session_while_it_takes_a_message);
#undef ADD
  return g_test_run ();
}

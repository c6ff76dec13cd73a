/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-operator: what an admin does to deliveries and queues by hand, and what
 * follows from it on sessions, with pulls and for users that are called.
 */

#include "sb-operator.h"

#include "sb-error.h"
#include "sb-names.h"
#include "sb-test-bus.h"
#include "sb-test-log.h"
#include "sb-test-recipient.h"

#include <string.h>

#define TIMEOUT (10 * SB_TEST_SECOND)

typedef struct
{
  SbTestBus *t;
  SbTestPath *path; /* of anna */
  SbSession *session;
  SbTestPath *sender; /* of s */
  SbSession *sender_session;
  GString *answers; /* "ok" or the error's reason, with a space between */
  char *message;    /* (nullable) of the last error */
} Fixture;

static void
set_up (Fixture *f, gconstpointer config)
{
  f->t = sb_test_bus_new_calling (config != NULL ? config : "");
  f->path = sb_test_path_new ();
  f->sender = sb_test_path_new ();
  f->answers = g_string_new (NULL);
  sb_test_bus_add_user (f->t, "root", "", TRUE);
  sb_test_bus_add_user (f->t, "s", "", FALSE);
  sb_test_bus_add_user (f->t, "anna", "all", FALSE);
  sb_test_bus_add_user (f->t, "bert", "all", FALSE);
  sb_test_log_keep (SB_MESSAGE_ID_ADMIN);
}

static void
tear_down (Fixture *f, gconstpointer config)
{
  g_clear_pointer (&f->session, sb_session_close);
  g_clear_pointer (&f->sender_session, sb_session_close);
  g_clear_pointer (&f->t, sb_test_bus_free);
  g_assert_finalize_object (f->path);
  g_assert_finalize_object (f->sender);
  g_string_free (f->answers, TRUE);
  g_free (f->message);
  sb_test_log_assert_expected ();
}

/* Doing */

static void
open_anna (Fixture *f)
{
  f->session = sb_test_bus_open (f->t, "anna", f->path, SB_SESSION_NONE);
}

static void
open_sender (Fixture *f)
{
  f->sender_session = sb_test_bus_open (f->t, "s", f->sender,
                                        SB_SESSION_RECEIPTS | SB_SESSION_EXPIRED);
}

static void
send (Fixture *f, const char *id, const char *to)
{
  sb_test_bus_send (f->t, "s", id, to);
}

static SbUser *
root (Fixture *f)
{
  return sb_test_bus_find (f->t, "root");
}

static gint64
key_of (Fixture *f, const char *user)
{
  return sb_test_bus_find (f->t, user)->key;
}

static void
note_answer (Fixture *f, gboolean done, const GError *error)
{
  g_assert_true (done == (error == NULL));
  g_string_append_printf (f->answers, "%s%s", f->answers->len > 0 ? " " : "",
                          done ? "ok" : sb_error_reason (error));
  g_free (f->message);
  f->message = error != NULL ? g_strdup (error->message) : NULL;
}

static void
requeued_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  gboolean done = sb_bus_requeue_finish (SB_BUS (source), result, &error);

  note_answer (user_data, done, error);
}

static void
dropped_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  gboolean done = sb_bus_drop_finish (SB_BUS (source), result, &error);

  note_answer (user_data, done, error);
}

static void
moved_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  gint64 key;
  gboolean done = sb_bus_move_finish (SB_BUS (source), result, &key, &error);

  g_assert_true (!done || key > 0);
  note_answer (user_data, done, error);
}

static void
paused_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  gboolean done = sb_accounts_set_paused_finish (SB_ACCOUNTS (source), result, &error);

  note_answer (user_data, done, error);
}

static void
requeue (Fixture *f, gint64 key, const char *id)
{
  sb_bus_requeue_async (f->t->bus, root (f), key, id, requeued_cb, f);
  sb_test_bus_settle (f->t);
}

static void
drop (Fixture *f, gint64 key, const char *id)
{
  sb_bus_drop_async (f->t->bus, root (f), key, id, dropped_cb, f);
  sb_test_bus_settle (f->t);
}

static void
move (Fixture *f, gint64 key, const char *id, const char *to)
{
  sb_bus_move_async (f->t->bus, root (f), key, id, to, moved_cb, f);
  sb_test_bus_settle (f->t);
}

static void
set_paused_as (Fixture *f, const char *actor, const char *user, gboolean paused)
{
  sb_accounts_set_paused_async (f->t->accounts, sb_test_bus_find (f->t, actor), user, paused,
                                paused_cb, f);
  sb_test_bus_settle (f->t);
}

static void
set_paused (Fixture *f, const char *user, gboolean paused)
{
  set_paused_as (f, "root", user, paused);
}

static void
remove_user (Fixture *f, const char *user)
{
  sb_accounts_remove_async (f->t->accounts, root (f), user, NULL, NULL);
  sb_test_bus_settle (f->t);
}

/* Seeing */

#define assert_answers(f, wanted)                    \
  G_STMT_START                                       \
  {                                                  \
    g_assert_cmpstr ((f)->answers->str, ==, wanted); \
    g_string_truncate ((f)->answers, 0);             \
  }                                                  \
  G_STMT_END

#define assert_logged(wanted)                              \
  G_STMT_START                                             \
  {                                                        \
    g_autofree char *got_lines = sb_test_log_take_kept (); \
    g_assert_cmpstr (got_lines, ==, wanted);               \
  }                                                        \
  G_STMT_END

/* "parked 5" or "dropped 0 moved": of each delivery, in order of the recipients' keys. */
static char *
describe (Fixture *f, const char *id)
{
  g_autoptr (SbMessageStatus) status = sb_store_status (SB_STORE (f->t->store), id, NULL);
  GString *text = g_string_new (NULL);

  for (guint i = 0; status != NULL && i < status->deliveries->len; i++)
    {
      const SbDeliveryStatus *delivery = g_ptr_array_index (status->deliveries, i);
      const char *reason = sb_reason_to_string (delivery->reason);

      g_string_append_printf (text, "%s%s %u%s%s", i > 0 ? ", " : "",
                              sb_delivery_state_to_string (delivery->state), delivery->attempts,
                              reason != NULL ? " " : "", reason != NULL ? reason : "");
    }
  return g_string_free (text, FALSE);
}

#define assert_states(f, id, wanted)                  \
  G_STMT_START                                        \
  {                                                   \
    g_autofree char *got_states = describe ((f), id); \
    g_assert_cmpstr (got_states, ==, wanted);         \
  }                                                   \
  G_STMT_END

/* With anna's session open: nobody confirms @id, until it is parked. */
static void
let_park (Fixture *f, const char *id)
{
  g_autofree char *taken = NULL;

  send (f, id, "@anna");
  for (guint i = 0; i < 5; i++)
    sb_test_bus_pass (f->t, TIMEOUT);
  assert_states (f, id, "parked 5");
  taken = sb_test_path_take (f->path);
}

/* anna has "first" and, for whatever reason, not @id, which bert waits for as well. */
static void
let_die (Fixture *f, const char *id, const char *more)
{
  g_autofree char *json = g_strdup_printf ("{\"to\":\"#all\",\"message\":1,\"_id\":\"%s\"%s}", id,
                                           more);
  SbOperation *operation = sb_operation_new (SB_OPERATION_END, NULL, NULL);

  send (f, "first", "@anna");
  sb_test_bus_publish (f->t, "s", json, 0, f->answers);
  sb_test_bus_settle (f->t);
  operation->end.recipient = key_of (f, "anna");
  operation->end.id = g_strdup (id);
  operation->end.state = SB_DELIVERY_DEAD;
  operation->end.reason = SB_REASON_REFUSED;
  operation->end.attempts = 3;
  operation->end.now = sb_clock_wall (f->t->clock);
  g_assert_cmpint (sb_test_bus_apply (f->t, operation), ==, SB_OUTCOME_DONE);
  assert_states (f, id, "dead 3 refused, pending 0");
  g_string_truncate (f->answers, 0);
}

/* Requeue */

static void
a_parked_one_goes_at_once (Fixture *f, gconstpointer data)
{
  open_anna (f);
  let_park (f, "a");
  requeue (f, key_of (f, "anna"), "a");
  assert_answers (f, "ok");
  sb_test_path_assert (f->path, "a");
  assert_states (f, "a", "pending 0");
  sb_session_confirm (f->session, "a");
  sb_test_bus_settle (f->t);
  assert_states (f, "a", "confirmed 1");
}

static void
one_that_is_being_tried_again_is_sent_once_more (Fixture *f, gconstpointer data)
{
  open_anna (f);
  let_park (f, "a");
  sb_test_bus_pass (f->t, 2 * TIMEOUT);
  sb_test_path_assert (f->path, "a");
  requeue (f, key_of (f, "anna"), "a");
  sb_test_path_assert (f->path, "a");
  sb_session_confirm (f->session, "a");
  sb_test_bus_pass (f->t, 2 * TIMEOUT);
  sb_test_path_assert (f->path, "");
}

static void
a_dead_one_goes_behind_what_waits (Fixture *f, gconstpointer data)
{
  let_die (f, "a", "");
  requeue (f, key_of (f, "anna"), "a");
  assert_answers (f, "ok");
  assert_states (f, "a", "pending 0, pending 0");
  open_anna (f);
  sb_test_path_assert (f->path, "first a");
}

static void
a_scheduled_one_goes_now (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) answers = g_string_new (NULL);

  open_anna (f);
  sb_test_bus_publish (f->t, "s",
                       "{\"to\":\"@anna\",\"message\":1,\"_id\":\"a\",\"not_before\":1700000100}",
                       0, answers);
  sb_test_bus_settle (f->t);
  assert_states (f, "a", "scheduled 0");
  requeue (f, key_of (f, "anna"), "a");
  sb_test_path_assert (f->path, "a");
  sb_session_confirm (f->session, "a");
  sb_test_bus_pass (f->t, 200 * SB_TEST_SECOND);
  sb_test_path_assert (f->path, "");
}

static void
one_whose_time_is_over_expires (Fixture *f, gconstpointer data)
{
  let_die (f, "a", ",\"ttl\":5");
  sb_test_bus_pass (f->t, 10 * SB_TEST_SECOND);
  assert_states (f, "a", "dead 3 refused, expired 0 ttl");
  requeue (f, key_of (f, "anna"), "a");
  assert_states (f, "a", "pending 0, expired 0 ttl");
  sb_test_bus_pass (f->t, SB_TEST_SECOND);
  assert_states (f, "a", "expired 0 ttl, expired 0 ttl");
}

static void
what_can_not_be_requeued_says_why (Fixture *f, gconstpointer data)
{
  open_anna (f);
  send (f, "a", "@anna");
  requeue (f, key_of (f, "anna"), "a");
  g_assert_nonnull (strstr (f->message, "it is sent"));
  sb_session_confirm (f->session, "a");
  requeue (f, key_of (f, "anna"), "a");
  g_assert_nonnull (strstr (f->message, "it is confirmed"));
  requeue (f, key_of (f, "bert"), "a");
  requeue (f, key_of (f, "anna"), "b");
  requeue (f, 12345, "a");
  assert_answers (f, "conflict conflict not-found not-found not-found");
}

/* Drop */

static void
a_dropped_one_is_gone_and_its_sender_hears_of_it (Fixture *f, gconstpointer data)
{
  open_sender (f);
  send (f, "a", "@anna");
  send (f, "b", "@anna");
  drop (f, key_of (f, "anna"), "a");
  assert_answers (f, "ok");
  assert_states (f, "a", "dropped 0 dropped");
  sb_test_path_assert_expired (f->sender, "a<anna:dropped");
  open_anna (f);
  sb_test_path_assert (f->path, "b");
}

static void
one_in_flight_makes_room_when_it_is_dropped (Fixture *f, gconstpointer data)
{
  open_anna (f);
  send (f, "a", "@anna");
  send (f, "b", "@anna");
  sb_test_path_assert (f->path, "a");
  drop (f, key_of (f, "anna"), "a");
  sb_test_path_assert (f->path, "b");
  sb_session_confirm (f->session, "a");
  sb_test_bus_pass (f->t, TIMEOUT);
  assert_states (f, "a", "dropped 0 dropped");
  sb_test_path_assert (f->path, "b");
}

static void
who_waits_for_confirmations_waits_no_longer (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) answers = g_string_new (NULL);

  sb_test_bus_publish (f->t, "s", "{\"to\":\"@anna\",\"message\":1,\"_id\":\"a\"}", 30, answers);
  sb_test_bus_settle (f->t);
  g_assert_cmpstr (answers->str, ==, "");
  drop (f, key_of (f, "anna"), "a");
  g_assert_cmpstr (answers->str, ==, "a:1:unconfirmed");
}

static void
what_was_dropped_is_forgotten_in_time (Fixture *f, gconstpointer data)
{
  send (f, "a", "@anna");
  drop (f, key_of (f, "anna"), "a");
  sb_test_bus_pass (f->t, 30 * SB_TEST_SECOND);
  sb_test_bus_pass (f->t, 61 * SB_TEST_MINUTE);
  assert_states (f, "a", "");
}

static void
what_has_ended_can_not_be_dropped (Fixture *f, gconstpointer data)
{
  open_anna (f);
  send (f, "a", "@anna");
  sb_session_confirm (f->session, "a");
  sb_test_bus_settle (f->t);
  drop (f, key_of (f, "anna"), "a");
  send (f, "b", "@bert");
  drop (f, key_of (f, "bert"), "b");
  drop (f, key_of (f, "bert"), "b");
  drop (f, key_of (f, "bert"), "c");
  assert_answers (f, "conflict ok conflict not-found");
}

/* Move */

static void
a_moved_one_goes_to_the_other_and_its_receipt_comes_once (Fixture *f, gconstpointer data)
{
  open_sender (f);
  open_anna (f);
  send (f, "a", "@bert");
  move (f, key_of (f, "bert"), "a", "anna");
  assert_answers (f, "ok");
  sb_test_path_assert (f->path, "a");
  sb_test_path_assert_expired (f->sender, "a<bert:moved");
  sb_session_confirm (f->session, "a");
  sb_test_bus_settle (f->t);
  sb_session_confirm (f->session, "a");
  sb_test_bus_settle (f->t);
  sb_test_path_assert_receipts (f->sender, "a<anna");
  assert_states (f, "a", "confirmed 1, dropped 0 moved");
}

static void
its_old_recipient_does_not_get_it (Fixture *f, gconstpointer data)
{
  open_anna (f);
  send (f, "a", "@anna");
  sb_test_path_assert (f->path, "a");
  move (f, key_of (f, "anna"), "a", "bert");
  sb_session_confirm (f->session, "a");
  sb_test_bus_pass (f->t, 2 * TIMEOUT);
  sb_test_path_assert (f->path, "");
  assert_states (f, "a", "dropped 0 moved, pending 0");
}

static void
it_goes_only_where_it_was_not (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) answers = g_string_new (NULL);

  sb_test_bus_publish (f->t, "s", "{\"to\":\"#all\",\"message\":1,\"_id\":\"a\"}", 0, answers);
  sb_test_bus_settle (f->t);
  move (f, key_of (f, "anna"), "a", "bert");
  move (f, key_of (f, "anna"), "a", "anna");
  move (f, key_of (f, "anna"), "a", "nobody");
  move (f, key_of (f, "anna"), "b", "s");
  move (f, key_of (f, "anna"), "a", "s");
  move (f, key_of (f, "anna"), "a", "root");
  assert_answers (f, "conflict conflict not-found not-found ok conflict");
}

/* Of users that are gone */

static void
what_a_user_left_behind_can_be_moved_or_dropped (Fixture *f, gconstpointer data)
{
  gint64 key = key_of (f, "anna");

  send (f, "a", "@anna");
  send (f, "b", "@anna");
  remove_user (f, "anna");
  assert_states (f, "a", "dead 0 recipient-deleted");
  requeue (f, key, "a");
  g_assert_nonnull (strstr (f->message, "anna is gone"));
  move (f, key, "a", "bert");
  drop (f, key, "b");
  assert_answers (f, "conflict ok ok");
  assert_states (f, "a", "dropped 0 moved, pending 0");
  assert_states (f, "b", "dropped 0 dropped");
}

/* Pause */

static void
a_paused_session_gets_nothing_until_it_is_resumed (Fixture *f, gconstpointer data)
{
  open_anna (f);
  set_paused (f, "anna", TRUE);
  send (f, "a", "@anna");
  send (f, "b", "@anna");
  sb_test_bus_pass (f->t, SB_TEST_MINUTE);
  sb_test_path_assert (f->path, "");
  assert_states (f, "a", "pending 0");
  set_paused (f, "anna", FALSE);
  sb_test_path_assert (f->path, "a b");
  assert_answers (f, "ok ok");
}

static void
fetched_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) messages = sb_bus_fetch_finish (SB_BUS (source), result, &error);
  GString *text = user_data;

  g_assert_no_error (error);
  for (guint i = 0; i < messages->len; i++)
    g_string_append_printf (text, "%s ", ((SbMessage *) g_ptr_array_index (messages, i))->id);
}

static void
a_fetch_of_a_paused_user_gets_nothing_until_it_is_resumed (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) got = g_string_new (NULL);

  set_paused (f, "anna", TRUE);
  send (f, "a", "@anna");
  send (f, "b", "@anna");
  sb_bus_fetch_async (f->t->bus, sb_test_bus_find (f->t, "anna"), 10, SB_TEST_MINUTE, 0, NULL,
                      fetched_cb, got);
  sb_test_bus_pass (f->t, SB_TEST_SECOND);
  g_assert_cmpstr (got->str, ==, "");
  set_paused (f, "anna", FALSE);
  g_assert_cmpstr (got->str, ==, "a b ");
}

static void
a_paused_user_is_not_called_until_it_is_resumed (Fixture *f, gconstpointer data)
{
  sb_test_bus_put_users (f->t, "[{\"_id\":\"erp\",\"password\":\"x\","
                               "\"connection_properties\":{\"type\":\"test\",\"parallel\":4}}]");
  set_paused (f, "erp", TRUE);
  send (f, "a", "@erp");
  send (f, "b", "@erp");
  sb_test_bus_pass (f->t, SB_TEST_MINUTE);
  sb_test_recipient_assert (sb_test_recipient_find ("erp"), "");
  set_paused (f, "erp", FALSE);
  sb_test_recipient_assert (sb_test_recipient_find ("erp"), "a b");
}

static void
who_is_paused_stays_so_over_changes_and_restarts (Fixture *f, gconstpointer data)
{
  sb_test_bus_put_users (f->t, "[{\"_id\":\"bert\",\"ttl\":7}]");
  set_paused (f, "bert", TRUE);
  sb_test_bus_put_users (f->t, "[{\"_id\":\"bert\",\"tags\":[\"new\"]}]");
  g_assert_true (sb_test_bus_find (f->t, "bert")->paused);
  g_assert_cmpint (sb_test_bus_find (f->t, "bert")->ttl, ==, 7);
  sb_test_bus_restart (f->t);
  g_assert_true (sb_test_bus_find (f->t, "bert")->paused);
  send (f, "a", "@bert");
  f->session = sb_test_bus_open (f->t, "bert", f->path, SB_SESSION_NONE);
  sb_test_path_assert (f->path, "");
  set_paused (f, "bert", FALSE);
  sb_test_path_assert (f->path, "a");
  g_assert_cmpint (sb_test_bus_find (f->t, "bert")->ttl, ==, 7);
  assert_answers (f, "ok ok");
}

static void
only_admins_pause_and_only_users (Fixture *f, gconstpointer data)
{
  set_paused_as (f, "anna", "anna", TRUE);
  set_paused_as (f, "anna", "bert", TRUE);
  set_paused (f, "nobody", TRUE);
  assert_answers (f, "forbidden forbidden not-found");
  g_assert_false (sb_test_bus_find (f->t, "anna")->paused);
}

/* A user that goes while its turn is waited for. */
static void
who_was_removed_meanwhile_can_not_be_paused (Fixture *f, gconstpointer data)
{
  sb_accounts_remove_async (f->t->accounts, root (f), "anna", NULL, NULL);
  set_paused (f, "anna", TRUE);
  assert_answers (f, "not-found");
}

/* The ttl of a user */

static void
a_ttl_counts_also_for_sessions_that_are_open (Fixture *f, gconstpointer data)
{
  g_autoptr (SbUser) stale = sb_user_ref (sb_test_bus_find (f->t, "s"));
  static const char json[] = "{\"to\":\"@anna\",\"message\":1,\"_id\":\"a\"}";
  g_autoptr (GError) error = NULL;
  SbEnvelope envelope;

  sb_test_bus_put_users (f->t, "[{\"_id\":\"s\",\"ttl\":30}]");
  sb_envelope_scan (&envelope, json, strlen (json), &error);
  sb_bus_publish (f->t->bus, stale, &envelope, 0, NULL, NULL, &error);
  g_assert_no_error (error);
  sb_test_bus_pass (f->t, 29 * SB_TEST_SECOND);
  assert_states (f, "a", "pending 0");
  sb_test_bus_pass (f->t, 2 * SB_TEST_SECOND);
  assert_states (f, "a", "expired 0 ttl");
}

/* Faults, and the log */

static void
what_the_disk_refuses_is_not_done (Fixture *f, gconstpointer data)
{
  open_sender (f);
  send (f, "a", "@anna");
  sb_test_store_fail_applies (f->t->store, 1);
  drop (f, key_of (f, "anna"), "a");
  assert_answers (f, "no-space");
  assert_logged ("");
  sb_test_path_assert_expired (f->sender, "");
  open_anna (f);
  sb_test_path_assert (f->path, "a");
}

static void
a_bus_that_has_stopped_does_nothing (Fixture *f, gconstpointer data)
{
  gint64 key = key_of (f, "anna");

  send (f, "a", "@anna");
  sb_bus_stop (f->t->bus);
  requeue (f, key, "a");
  drop (f, key, "a");
  move (f, key, "a", "bert");
  assert_answers (f, "closed closed closed");
  assert_states (f, "a", "pending 0");
}

static void
what_is_under_way_at_the_stop_is_answered (Fixture *f, gconstpointer data)
{
  send (f, "a", "@anna");
  sb_bus_drop_async (f->t->bus, root (f), key_of (f, "anna"), "a", dropped_cb, f);
  sb_bus_stop (f->t->bus);
  sb_test_bus_settle (f->t);
  assert_answers (f, "ok");
}

static void
each_change_has_a_line_in_the_log (Fixture *f, gconstpointer data)
{
  let_die (f, "a", "");
  requeue (f, key_of (f, "anna"), "a");
  assert_logged ("root/a: root requeued the message a for anna");
  drop (f, key_of (f, "anna"), "a");
  assert_logged ("root/a: root dropped the message a for anna");
  move (f, key_of (f, "bert"), "a", "s");
  assert_logged ("root/a: root moved the message a from bert to s");
  set_paused (f, "bert", TRUE);
  assert_logged ("root/: root changed the user bert: paused");
  set_paused (f, "bert", TRUE);
  assert_logged ("");
  set_paused (f, "bert", FALSE);
  assert_logged ("root/: root changed the user bert: resumed");
  remove_user (f, "bert");
  assert_logged ("root/: root removed the user bert");
}

static void
changes_of_users_are_logged_by_member (Fixture *f, gconstpointer data)
{
  static const char json[] = "[{\"_id\":\"anna\",\"password\":\"pw-4711\",\"tags\":[\"x\"],"
                             "\"connection_properties\":{\"url\":\"http://u:pw-4711@h\"},"
                             "\"ttl\":5,\"admin\":true},{\"_id\":\"bert\",\"tags\":[\"all\"]},"
                             "{\"_id\":\"carl\",\"password\":\"pw-4711\"}]";

  sb_test_bus_put_users (f->t, "[{\"_id\":\"s\"}]");
  assert_logged ("");
  sb_test_bus_put_users (f->t, json);
  assert_logged ("admin/: admin changed the user anna: password, tags, connection_properties, ttl, "
                 "now an admin\nadmin/: admin made the user carl");
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  sb_test_log_init ();
#define ADD(name, config, func) \
  g_test_add ("/operator/" name, Fixture, config, set_up, func, tear_down)
  ADD ("requeue/a-parked-one-goes-at-once", NULL, a_parked_one_goes_at_once);
  ADD ("requeue/one-that-is-being-tried-again-is-sent-once-more", NULL,
       one_that_is_being_tried_again_is_sent_once_more);
  ADD ("requeue/a-dead-one-goes-behind-what-waits", NULL, a_dead_one_goes_behind_what_waits);
  ADD ("requeue/a-scheduled-one-goes-now", NULL, a_scheduled_one_goes_now);
  ADD ("requeue/one-whose-time-is-over-expires", NULL, one_whose_time_is_over_expires);
  ADD ("requeue/what-can-not-be-requeued-says-why", NULL, what_can_not_be_requeued_says_why);
  ADD ("drop/a-dropped-one-is-gone-and-its-sender-hears-of-it", NULL,
       a_dropped_one_is_gone_and_its_sender_hears_of_it);
  ADD ("drop/one-in-flight-makes-room", "window=1", one_in_flight_makes_room_when_it_is_dropped);
  ADD ("drop/who-waits-for-confirmations-waits-no-longer", NULL,
       who_waits_for_confirmations_waits_no_longer);
  ADD ("drop/what-was-dropped-is-forgotten-in-time", NULL, what_was_dropped_is_forgotten_in_time);
  ADD ("drop/what-has-ended-can-not-be-dropped", NULL, what_has_ended_can_not_be_dropped);
  ADD ("move/a-moved-one-goes-to-the-other-and-its-receipt-comes-once", NULL,
       a_moved_one_goes_to_the_other_and_its_receipt_comes_once);
  ADD ("move/its-old-recipient-does-not-get-it", NULL, its_old_recipient_does_not_get_it);
  ADD ("move/it-goes-only-where-it-was-not", NULL, it_goes_only_where_it_was_not);
  ADD ("gone/what-a-user-left-behind-can-be-moved-or-dropped", NULL,
       what_a_user_left_behind_can_be_moved_or_dropped);
  ADD ("pause/a-session-gets-nothing-until-it-is-resumed", NULL,
       a_paused_session_gets_nothing_until_it_is_resumed);
  ADD ("pause/a-fetch-gets-nothing-until-it-is-resumed", NULL,
       a_fetch_of_a_paused_user_gets_nothing_until_it_is_resumed);
  ADD ("pause/a-user-is-not-called-until-it-is-resumed", NULL,
       a_paused_user_is_not_called_until_it_is_resumed);
  ADD ("pause/it-stays-over-changes-and-restarts", NULL,
       who_is_paused_stays_so_over_changes_and_restarts);
  ADD ("pause/only-admins-pause-and-only-users", NULL, only_admins_pause_and_only_users);
  ADD ("pause/who-was-removed-meanwhile-can-not-be-paused", NULL,
       who_was_removed_meanwhile_can_not_be_paused);
  ADD ("ttl/it-counts-also-for-sessions-that-are-open", NULL,
       a_ttl_counts_also_for_sessions_that_are_open);
  ADD ("what-the-disk-refuses-is-not-done", NULL, what_the_disk_refuses_is_not_done);
  ADD ("a-bus-that-has-stopped-does-nothing", NULL, a_bus_that_has_stopped_does_nothing);
  ADD ("what-is-under-way-at-the-stop-is-answered", NULL,
       what_is_under_way_at_the_stop_is_answered);
  ADD ("each-change-has-a-line-in-the-log", NULL, each_change_has_a_line_in_the_log);
  ADD ("changes-of-users-are-logged-by-member", NULL, changes_of_users_are_logged_by_member);
#undef ADD
  return g_test_run ();
}

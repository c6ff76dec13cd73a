/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-outbound: when a user that the bus calls is given what, and what
 * becomes of messages that it does not take. The clock is a fake one.
 */

#include "sb-bus-private.h"
#include "sb-test-bus.h"
#include "sb-test-log.h"
#include "sb-test-recipient.h"

#include <string.h>

#define SECOND SB_TEST_SECOND
#define MINUTE SB_TEST_MINUTE

/* The bus looks at the clock so often. */
#define TICK (SECOND / 4)

typedef struct
{
  SbTestBus *t;         /* (owned) */
  SbTestRecipient *erp; /* (borrowed) */
} Fixture;

static void
set_properties (Fixture *f, const char *properties)
{
  g_autofree char *json = g_strdup_printf (
      "[{\"_id\":\"erp\",\"password\":\"x\",\"connection_properties\":%s}]", properties);

  sb_test_bus_put_users (f->t, json);
  f->erp = sb_test_recipient_find ("erp");
}

/* @data: the properties */
static void
set_up (Fixture *f, gconstpointer data)
{
  f->t = sb_test_bus_new_calling ("");
  sb_test_bus_add_user (f->t, "s", "", FALSE);
  set_properties (f, data);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  sb_test_bus_free (f->t);
  g_assert_null (sb_test_recipient_find ("erp"));
  sb_test_log_assert_expected ();
}

#define ONE_AT_A_TIME "{\"type\":\"test\"}"
#define TWO_AT_A_TIME "{\"type\":\"test\",\"parallel\":2}"

static void
send_ids (Fixture *f, const char *ids)
{
  g_auto (GStrv) list = g_strsplit (ids, " ", -1);

  for (char **id = list; *id != NULL; id++)
    sb_test_bus_send (f->t, "s", *id, "@erp");
}

static void
confirm_ids (Fixture *f, const char *ids)
{
  g_auto (GStrv) list = g_strsplit (ids, " ", -1);

  for (char **id = list; *id != NULL; id++)
    {
      sb_test_recipient_confirm (f->erp, *id);
      sb_test_bus_settle (f->t);
    }
}

static void
fail_one (Fixture *f, const char *id, SbFailure failure, guint status)
{
  sb_test_recipient_fail (f->erp, id, failure, 0, status);
  sb_test_bus_settle (f->t);
}

/* Returns: how long it takes until something goes out, at most @longest; steps of a tick. */
static gint64
pass_until_given (Fixture *f, gint64 longest)
{
  guint before = sb_test_recipient_get_n_open (f->erp);
  gint64 passed = 0;

  while (passed < longest && sb_test_recipient_get_n_open (f->erp) == before)
    {
      sb_test_bus_pass (f->t, TICK);
      passed += TICK;
    }
  return passed;
}

static char *
describe (Fixture *f, const char *id)
{
  g_autoptr (SbMessageStatus) status = sb_store_status (SB_STORE (f->t->store), id, NULL);
  const SbDeliveryStatus *delivery;
  const char *reason;

  if (status == NULL)
    return g_strdup ("nothing");
  delivery = g_ptr_array_index (status->deliveries, 0);
  reason = sb_reason_to_string (delivery->reason);
  return g_strdup_printf ("%s %u%s%s", sb_delivery_state_to_string (delivery->state),
                          delivery->attempts, reason != NULL ? " " : "",
                          reason != NULL ? reason : "");
}

#define assert_state(f, id, wanted)                    \
  G_STMT_START                                         \
  {                                                    \
    g_autofree char *got_state = describe ((f), (id)); \
    g_assert_cmpstr (got_state, ==, wanted);           \
  }                                                    \
  G_STMT_END

/* Going out */

static void
messages_go_out_one_after_the_other (Fixture *f, gconstpointer data)
{
  send_ids (f, "a b c");
  sb_test_recipient_assert (f->erp, "a");
  confirm_ids (f, "a");
  sb_test_recipient_assert (f->erp, "b");
  confirm_ids (f, "b c");
  sb_test_recipient_assert (f->erp, "c");
  assert_state (f, "a", "confirmed 1");
  assert_state (f, "c", "confirmed 1");
}

static void
as_many_go_out_as_the_path_takes (Fixture *f, gconstpointer data)
{
  send_ids (f, "a b c d");
  sb_test_recipient_assert (f->erp, "a b");
  confirm_ids (f, "b");
  sb_test_recipient_assert (f->erp, "c");
}

static void
what_waited_goes_out_when_the_user_can_be_called (Fixture *f, gconstpointer data)
{
  set_properties (f, "null");
  g_assert_null (f->erp);
  send_ids (f, "a b");
  set_properties (f, ONE_AT_A_TIME);
  sb_test_recipient_assert (f->erp, "a");
}

static void
what_waited_goes_out_after_a_restart (Fixture *f, gconstpointer data)
{
  send_ids (f, "a b");
  sb_test_recipient_assert (f->erp, "a");
  sb_test_bus_restart (f->t);
  sb_test_bus_settle (f->t);
  f->erp = sb_test_recipient_find ("erp");
  sb_test_recipient_assert (f->erp, "a");
  confirm_ids (f, "a");
  sb_test_recipient_assert (f->erp, "b");
}

static void
a_slow_answer_is_waited_for (Fixture *f, gconstpointer data)
{
  send_ids (f, "a b");
  for (guint i = 0; i < 100; i++)
    sb_test_bus_pass (f->t, MINUTE);
  sb_test_recipient_assert (f->erp, "a");
  confirm_ids (f, "a");
  sb_test_recipient_assert (f->erp, "b");
}

static void
the_sender_gets_its_receipt (Fixture *f, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_path_new ();
  SbSession *session = sb_test_bus_open (f->t, "s", path, SB_SESSION_RECEIPTS);

  send_ids (f, "a");
  confirm_ids (f, "a");
  sb_test_path_assert_receipts (path, "a<erp");
  sb_session_close (session);
}

/* Sessions and fetches beside it */

static void
a_session_takes_over_and_gives_back (Fixture *f, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_path_new ();
  SbSession *session;

  send_ids (f, "a b");
  sb_test_recipient_assert (f->erp, "a");
  session = sb_test_bus_open (f->t, "erp", path, SB_SESSION_NONE);
  sb_test_path_assert (path, "a b");
  sb_session_confirm (session, "a");
  sb_test_bus_settle (f->t);
  sb_session_close (session);
  sb_test_bus_settle (f->t);
  /* The path still waits for an answer to the first one. */
  sb_test_recipient_assert (f->erp, "");
  confirm_ids (f, "a");
  sb_test_recipient_assert (f->erp, "b");
}

static void
a_late_failure_means_nothing_to_a_session (Fixture *f, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_path_new ();
  SbSession *session;

  send_ids (f, "a");
  session = sb_test_bus_open (f->t, "erp", path, SB_SESSION_NONE);
  sb_test_path_assert (path, "a");
  fail_one (f, "a", SB_FAILURE_REFUSED, 400);
  sb_test_path_assert (path, "");
  sb_session_confirm (session, "a");
  sb_test_bus_settle (f->t);
  assert_state (f, "a", "confirmed 1");
  sb_session_close (session);
}

static void
a_changed_password_closes_the_session_and_the_path_goes_on (Fixture *f, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_path_new ();
  SbSession *session = sb_test_bus_open (f->t, "erp", path, SB_SESSION_NONE);

  send_ids (f, "a");
  sb_test_path_assert (path, "a");
  sb_test_bus_put_users (f->t, "[{\"_id\":\"erp\",\"password\":\"other\"}]");
  g_assert_cmpint (sb_test_path_get_close_reason (path), ==, SB_CLOSE_CREDENTIALS);
  sb_test_recipient_assert (f->erp, "a");
  sb_session_close (session);
}

/* The recipient's trouble */

static void
an_unreachable_recipient_gets_the_same_message_again_in_order (Fixture *f, gconstpointer data)
{
  send_ids (f, "a b c");
  sb_test_recipient_assert (f->erp, "a");
  for (guint i = 0; i < 20; i++)
    {
      fail_one (f, "a", SB_FAILURE_RECIPIENT, 503);
      pass_until_given (f, 6 * MINUTE);
      sb_test_recipient_assert (f->erp, "a");
    }
  confirm_ids (f, "a");
  sb_test_recipient_assert (f->erp, "b");
  confirm_ids (f, "b c");
  /* Only the one that was confirmed counts. */
  assert_state (f, "a", "confirmed 1");
}

static void
pauses_of_an_unreachable_recipient_grow_to_five_minutes (Fixture *f, gconstpointer data)
{
  static const gint64 wanted[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300 };

  send_ids (f, "a");
  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++)
    {
      gint64 passed;

      fail_one (f, "a", SB_FAILURE_RECIPIENT, 0);
      passed = pass_until_given (f, 10 * MINUTE);
      g_assert_cmpint (passed, >=, wanted[i] * SECOND * 3 / 4);
      g_assert_cmpint (passed, <=, wanted[i] * SECOND * 5 / 4 + 2 * TICK);
    }
}

static void
new_messages_do_not_shorten_the_pause (Fixture *f, gconstpointer data)
{
  send_ids (f, "a");
  sb_test_recipient_fail (f->erp, "a", SB_FAILURE_RECIPIENT, 30 * SECOND, 429);
  sb_test_recipient_assert (f->erp, "a");
  sb_test_bus_pass (f->t, 29 * SECOND);
  send_ids (f, "b");
  sb_test_recipient_assert (f->erp, "");
  sb_test_bus_pass (f->t, SECOND);
  sb_test_recipient_assert (f->erp, "a");
}

static void
an_open_circuit_probes_with_one_message (Fixture *f, gconstpointer data)
{
  send_ids (f, "a b c");
  sb_test_recipient_assert (f->erp, "a b");
  for (guint i = 0; i < SB_BACKOFF_OPEN_AFTER; i++)
    {
      g_autofree char *given = NULL;

      pass_until_given (f, MINUTE);
      given = sb_test_recipient_take (f->erp);
      fail_one (f, "a", SB_FAILURE_RECIPIENT, 0);
      fail_one (f, "b", SB_FAILURE_RECIPIENT, 0);
    }
  pass_until_given (f, MINUTE);
  sb_test_recipient_assert (f->erp, "a");
  confirm_ids (f, "a");
  sb_test_recipient_assert (f->erp, "b c");
}

static void
memory_goes_back_while_the_circuit_is_open (Fixture *f, gconstpointer data)
{
  send_ids (f, "a b c");
  for (guint i = 0; i < SB_BACKOFF_OPEN_AFTER; i++)
    {
      g_assert_cmpuint (f->t->bus->queue_settings.in_flight, >, 0);
      fail_one (f, "a", SB_FAILURE_RECIPIENT, 0);
      if (i + 1 < SB_BACKOFF_OPEN_AFTER)
        pass_until_given (f, MINUTE);
    }
  g_assert_cmpuint (f->t->bus->queue_settings.in_flight, ==, 0);
  send_ids (f, "d");
  g_assert_cmpuint (f->t->bus->queue_settings.in_flight, ==, 0);
  pass_until_given (f, MINUTE);
  confirm_ids (f, "a b c d");
  sb_test_recipient_assert (f->erp, "a a a a b c d");
}

/* The message's trouble */

static void
a_message_that_fails_is_tried_again_before_those_behind_it (Fixture *f, gconstpointer data)
{
  send_ids (f, "a b");
  sb_test_recipient_assert (f->erp, "a");
  fail_one (f, "a", SB_FAILURE_MESSAGE, 500);
  sb_test_recipient_assert (f->erp, "");
  g_assert_cmpint (pass_until_given (f, MINUTE), >=, SECOND - TICK);
  sb_test_recipient_assert (f->erp, "a");
  confirm_ids (f, "a");
  sb_test_recipient_assert (f->erp, "b");
  assert_state (f, "a", "confirmed 2");
}

static void
a_message_that_goes_on_failing_is_parked_and_lets_others_pass (Fixture *f, gconstpointer data)
{
  send_ids (f, "a b c");
  for (guint i = 0; i < 5; i++)
    {
      sb_test_recipient_assert (f->erp, "a");
      fail_one (f, "a", SB_FAILURE_MESSAGE, 500);
      if (i < 4)
        pass_until_given (f, MINUTE);
    }
  sb_test_recipient_assert (f->erp, "b");
  assert_state (f, "a", "parked 5");
  confirm_ids (f, "b");
  sb_test_recipient_assert (f->erp, "c");
  confirm_ids (f, "c");
  pass_until_given (f, MINUTE);
  sb_test_recipient_assert (f->erp, "a");
  confirm_ids (f, "a");
  assert_state (f, "a", "confirmed 6");
}

static void
a_parked_message_is_tried_beside_a_busy_queue (Fixture *f, gconstpointer data)
{
  send_ids (f, "a b c d");
  for (guint i = 0; i < 5; i++)
    {
      fail_one (f, "a", SB_FAILURE_MESSAGE, 500);
      if (i < 4)
        pass_until_given (f, MINUTE);
    }
  sb_test_recipient_assert (f->erp, "a a a a a b");
  sb_test_bus_pass (f->t, MINUTE);
  confirm_ids (f, "b");
  sb_test_recipient_assert (f->erp, "a");
  fail_one (f, "a", SB_FAILURE_MESSAGE, 500);
  assert_state (f, "a", "parked 6");
  sb_test_recipient_assert (f->erp, "c");
}

static void
without_order_others_pass_at_once (Fixture *f, gconstpointer data)
{
  send_ids (f, "a b c d");
  sb_test_recipient_assert (f->erp, "a b");
  fail_one (f, "a", SB_FAILURE_MESSAGE, 500);
  sb_test_recipient_assert (f->erp, "c");
  sb_test_bus_pass (f->t, SECOND - 2 * TICK);
  confirm_ids (f, "b");
  sb_test_recipient_assert (f->erp, "d");
  confirm_ids (f, "c d");
  pass_until_given (f, MINUTE);
  sb_test_recipient_assert (f->erp, "a");
}

static void
the_log_of_attempts_is_stored_with_a_parked_message (Fixture *f, gconstpointer data)
{
  g_autoptr (SbMessageStatus) status = NULL;
  const SbDeliveryStatus *delivery;

  send_ids (f, "a");
  for (guint i = 0; i < 5; i++)
    {
      sb_test_recipient_fail (f->erp, "a", SB_FAILURE_MESSAGE, 0, 500 + i);
      pass_until_given (f, i < 4 ? MINUTE : TICK);
    }
  status = sb_store_status (SB_STORE (f->t->store), "a", NULL);
  delivery = g_ptr_array_index (status->deliveries, 0);
  g_assert_cmpint (delivery->state, ==, SB_DELIVERY_PARKED);
  g_assert_nonnull (delivery->log);
  g_assert_nonnull (strstr (delivery->log, "\"status\":500,\"latency_ms\":5,\"text\":\"no\"}\n"));
  g_assert_nonnull (strstr (delivery->log, "\"status\":504,"));
}

static void
the_log_of_attempts_grows_after_a_restart (Fixture *f, gconstpointer data)
{
  g_autoptr (SbMessageStatus) status = NULL;
  const SbDeliveryStatus *delivery;

  send_ids (f, "a");
  for (guint i = 0; i < 5; i++)
    {
      sb_test_recipient_fail (f->erp, "a", SB_FAILURE_MESSAGE, 0, 500 + i);
      pass_until_given (f, i < 4 ? MINUTE : TICK);
    }
  sb_test_bus_restart (f->t);
  f->erp = sb_test_recipient_find ("erp");
  pass_until_given (f, MINUTE);
  fail_one (f, "a", SB_FAILURE_MESSAGE, 555);
  status = sb_store_status (SB_STORE (f->t->store), "a", NULL);
  delivery = g_ptr_array_index (status->deliveries, 0);
  g_assert_nonnull (strstr (delivery->log, "\"status\":500,"));
  g_assert_nonnull (strstr (delivery->log, "\"status\":555,"));
  g_assert_cmpuint (delivery->attempts, ==, 6);
}

/* Refused */

static void
refuse_until_dead (Fixture *f, const char *id)
{
  for (guint i = 0; i < 5; i++)
    {
      fail_one (f, id, SB_FAILURE_REFUSED, 410);
      if (i < 4)
        pass_until_given (f, MINUTE);
    }
}

static void
a_message_that_is_refused_dies_and_lets_others_pass (Fixture *f, gconstpointer data)
{
  send_ids (f, "a b");
  refuse_until_dead (f, "a");
  assert_state (f, "a", "dead 5 refused");
  sb_test_recipient_assert (f->erp, "a a a a a b");
  for (guint i = 0; i < 20; i++)
    sb_test_bus_pass (f->t, MINUTE);
  sb_test_recipient_assert (f->erp, "");
}

static void
the_sender_hears_that_a_message_is_dead (Fixture *f, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_path_new ();
  SbSession *session = sb_test_bus_open (f->t, "s", path, SB_SESSION_EXPIRED);

  send_ids (f, "a");
  refuse_until_dead (f, "a");
  sb_test_path_assert_expired (path, "a<erp:refused");
  sb_session_close (session);
}

static void
a_failed_write_of_a_death_is_made_good (Fixture *f, gconstpointer data)
{
  send_ids (f, "a");
  for (guint i = 0; i < 4; i++)
    {
      fail_one (f, "a", SB_FAILURE_REFUSED, 410);
      pass_until_given (f, MINUTE);
    }
  sb_test_store_fail_applies (f->t->store, 1);
  fail_one (f, "a", SB_FAILURE_REFUSED, 410);
  assert_state (f, "a", "pending 0");
  pass_until_given (f, MINUTE);
  fail_one (f, "a", SB_FAILURE_REFUSED, 410);
  assert_state (f, "a", "dead 5 refused");
}

/* Properties */

static void
assert_fault (Fixture *f, const char *properties, const char *part)
{
  SbOutbound *outbound;

  set_properties (f, properties);
  outbound = sb_bus_lookup_outbound (f->t->bus, sb_test_bus_find (f->t, "erp")->key);
  g_assert_nonnull (outbound);
  g_assert_null (outbound->path);
  g_assert_nonnull (strstr (outbound->fault, part));
}

static void
properties_that_lead_nowhere_are_shown_as_a_fault (Fixture *f, gconstpointer data)
{
  assert_fault (f, "{}", "type");
  assert_fault (f, "{\"type\":7}", "type");
  assert_fault (f, "{\"type\":{}}", "type");
  assert_fault (f, "{\"type\":null,\"url\":\"x\"}", "type");
  assert_fault (f, "{\"type\":\"pigeon\"}", "pigeon");
  assert_fault (f, "{\"type\":\"test\",\"faulty\":true}", "it is said to be faulty");
}

/* So the original bus writes down its devices; a back end may go on sending it. */
static void
a_user_that_comes_by_itself_is_not_called (Fixture *f, gconstpointer data)
{
  set_properties (f, "{\"type\":\"web_socket\"}");
  g_assert_null (sb_bus_lookup_outbound (f->t->bus, sb_test_bus_find (f->t, "erp")->key));
  set_properties (f, data);
  send_ids (f, "a");
  sb_test_recipient_assert (f->erp, "a");
}

static void
messages_wait_behind_a_fault (Fixture *f, gconstpointer data)
{
  set_properties (f, "{\"type\":\"test\",\"faulty\":true}");
  send_ids (f, "a");
  sb_test_bus_pass (f->t, MINUTE);
  assert_state (f, "a", "pending 0");
  set_properties (f, ONE_AT_A_TIME);
  sb_test_recipient_assert (f->erp, "a");
}

static void
new_properties_make_a_new_path (Fixture *f, gconstpointer data)
{
  send_ids (f, "a b");
  sb_test_recipient_assert (f->erp, "a");
  set_properties (f, TWO_AT_A_TIME);
  sb_test_recipient_assert (f->erp, "a b");
}

static void
other_changes_leave_the_path_alone (Fixture *f, gconstpointer data)
{
  const SbTestRecipient *before = f->erp;

  send_ids (f, "a");
  sb_test_recipient_assert (f->erp, "a");
  sb_test_bus_put_users (f->t, "[{\"_id\":\"erp\",\"tags\":[\"orders\"]}]");
  g_assert_true (sb_test_recipient_find ("erp") == before);
  confirm_ids (f, "a");
  assert_state (f, "a", "confirmed 1");
}

/* Pausing and stopping */

static void
set_paused (Fixture *f, gboolean paused)
{
  SbUser *user = sb_test_bus_find (f->t, "erp");
  SbQueue *queue = sb_bus_ensure_queue (f->t->bus, user->key);

  sb_queue_set_paused (queue, paused);
  sb_test_bus_settle (f->t);
}

static void
a_paused_recipient_is_given_nothing (Fixture *f, gconstpointer data)
{
  set_paused (f, TRUE);
  send_ids (f, "a b");
  sb_test_bus_pass (f->t, MINUTE);
  sb_test_recipient_assert (f->erp, "");
  set_paused (f, FALSE);
  sb_test_recipient_assert (f->erp, "a");
}

static void
what_is_under_way_when_it_is_paused_still_counts (Fixture *f, gconstpointer data)
{
  send_ids (f, "a b");
  set_paused (f, TRUE);
  confirm_ids (f, "a");
  assert_state (f, "a", "confirmed 1");
  sb_test_recipient_assert (f->erp, "a");
}

static void
set_flag (GObject *source, GAsyncResult *result, gpointer user_data)
{
  sb_bus_drain_finish (SB_BUS (source), result);
  *(gboolean *) user_data = TRUE;
}

static void
a_stop_waits_for_the_answer (Fixture *f, gconstpointer data)
{
  gboolean drained = FALSE;

  send_ids (f, "a b");
  sb_bus_stop (f->t->bus);
  sb_bus_drain_async (f->t->bus, NULL, set_flag, &drained);
  sb_test_settle ();
  g_assert_false (drained);
  sb_test_recipient_confirm (f->erp, "a");
  sb_test_wait_flag (&drained, "the end of the drain");
  sb_test_bus_settle (f->t);
  assert_state (f, "a", "confirmed 0");
  g_assert_null (sb_test_recipient_find ("erp"));
}

static void
a_stop_gives_up_when_it_is_told_to (Fixture *f, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  gboolean drained = FALSE;

  send_ids (f, "a");
  sb_bus_stop (f->t->bus);
  sb_bus_drain_async (f->t->bus, cancellable, set_flag, &drained);
  g_cancellable_cancel (cancellable);
  sb_test_wait_flag (&drained, "the end of the drain");
  assert_state (f, "a", "pending 0");
}

/* The list */

#define ADD(name, properties, func) \
  g_test_add ("/outbound/" name, Fixture, properties, set_up, func, tear_down)

static void
add_tests_of_paths (void)
{
  ADD ("messages-go-out-one-after-the-other", ONE_AT_A_TIME, messages_go_out_one_after_the_other);
  ADD ("as-many-go-out-as-the-path-takes", TWO_AT_A_TIME, as_many_go_out_as_the_path_takes);
  ADD ("what-waited-goes-out-when-the-user-can-be-called", ONE_AT_A_TIME,
       what_waited_goes_out_when_the_user_can_be_called);
  ADD ("what-waited-goes-out-after-a-restart", ONE_AT_A_TIME, what_waited_goes_out_after_a_restart);
  ADD ("a-slow-answer-is-waited-for", ONE_AT_A_TIME, a_slow_answer_is_waited_for);
  ADD ("the-sender-gets-its-receipt", ONE_AT_A_TIME, the_sender_gets_its_receipt);
  ADD ("a-session-takes-over-and-gives-back", ONE_AT_A_TIME, a_session_takes_over_and_gives_back);
  ADD ("a-late-failure-means-nothing-to-a-session", ONE_AT_A_TIME,
       a_late_failure_means_nothing_to_a_session);
  ADD ("a-changed-password-closes-the-session-and-the-path-goes-on", ONE_AT_A_TIME,
       a_changed_password_closes_the_session_and_the_path_goes_on);
  ADD ("properties-that-lead-nowhere-are-shown-as-a-fault", ONE_AT_A_TIME,
       properties_that_lead_nowhere_are_shown_as_a_fault);
  ADD ("a-user-that-comes-by-itself-is-not-called", ONE_AT_A_TIME,
       a_user_that_comes_by_itself_is_not_called);
  ADD ("messages-wait-behind-a-fault", ONE_AT_A_TIME, messages_wait_behind_a_fault);
  ADD ("new-properties-make-a-new-path", ONE_AT_A_TIME, new_properties_make_a_new_path);
  ADD ("other-changes-leave-the-path-alone", ONE_AT_A_TIME, other_changes_leave_the_path_alone);
  ADD ("a-paused-recipient-is-given-nothing", ONE_AT_A_TIME, a_paused_recipient_is_given_nothing);
  ADD ("what-is-under-way-when-it-is-paused-still-counts", ONE_AT_A_TIME,
       what_is_under_way_when_it_is_paused_still_counts);
  ADD ("a-stop-waits-for-the-answer", ONE_AT_A_TIME, a_stop_waits_for_the_answer);
  ADD ("a-stop-gives-up-when-it-is-told-to", ONE_AT_A_TIME, a_stop_gives_up_when_it_is_told_to);
}

static void
add_tests_of_failures (void)
{
  ADD ("an-unreachable-recipient-gets-the-same-message-again-in-order", ONE_AT_A_TIME,
       an_unreachable_recipient_gets_the_same_message_again_in_order);
  ADD ("pauses-of-an-unreachable-recipient-grow-to-five-minutes", ONE_AT_A_TIME,
       pauses_of_an_unreachable_recipient_grow_to_five_minutes);
  ADD ("new-messages-do-not-shorten-the-pause", ONE_AT_A_TIME,
       new_messages_do_not_shorten_the_pause);
  ADD ("an-open-circuit-probes-with-one-message", TWO_AT_A_TIME,
       an_open_circuit_probes_with_one_message);
  ADD ("memory-goes-back-while-the-circuit-is-open", ONE_AT_A_TIME,
       memory_goes_back_while_the_circuit_is_open);
  ADD ("a-message-that-fails-is-tried-again-before-those-behind-it", ONE_AT_A_TIME,
       a_message_that_fails_is_tried_again_before_those_behind_it);
  ADD ("a-message-that-goes-on-failing-is-parked-and-lets-others-pass", ONE_AT_A_TIME,
       a_message_that_goes_on_failing_is_parked_and_lets_others_pass);
  ADD ("a-parked-message-is-tried-beside-a-busy-queue", ONE_AT_A_TIME,
       a_parked_message_is_tried_beside_a_busy_queue);
  ADD ("without-order-others-pass-at-once", TWO_AT_A_TIME, without_order_others_pass_at_once);
  ADD ("the-log-of-attempts-is-stored-with-a-parked-message", ONE_AT_A_TIME,
       the_log_of_attempts_is_stored_with_a_parked_message);
  ADD ("the-log-of-attempts-grows-after-a-restart", ONE_AT_A_TIME,
       the_log_of_attempts_grows_after_a_restart);
  ADD ("a-message-that-is-refused-dies-and-lets-others-pass", ONE_AT_A_TIME,
       a_message_that_is_refused_dies_and_lets_others_pass);
  ADD ("the-sender-hears-that-a-message-is-dead", ONE_AT_A_TIME,
       the_sender_hears_that_a_message_is_dead);
  ADD ("a-failed-write-of-a-death-is-made-good", ONE_AT_A_TIME,
       a_failed_write_of_a_death_is_made_good);
}

int
main (int argc, char **argv)
{
  sb_test_init (&argc, &argv);
  sb_test_log_init ();
  add_tests_of_paths ();
  add_tests_of_failures ();
  return g_test_run ();
}

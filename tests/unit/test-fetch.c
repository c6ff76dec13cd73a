/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-fetch: deliveries for those who ask for them. */

#include "sb-error.h"
#include "sb-test-log.h"
#include "sb-test-queue.h"

#define TIMEOUT (10 * SB_TEST_SECOND)
#define VISIBILITY (30 * SB_TEST_SECOND)

/* What a fetch was answered. */
typedef struct
{
  char *got; /* ids with a space between, or the error's reason; NULL: not answered */
  guint id;
} Answer;

static void
answer_clear (Answer *answer)
{
  g_free (answer->got);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Answer, answer_clear)

static void
on_fetched (GPtrArray *messages, const GError *error, gpointer user_data)
{
  Answer *answer = user_data;
  g_autoptr (GString) ids = g_string_new (NULL);

  g_assert_null (answer->got);
  g_assert_true ((messages != NULL) != (error != NULL));
  for (guint i = 0; messages != NULL && i < messages->len; i++)
    g_string_append_printf (ids, "%s%s", i > 0 ? " " : "",
                            ((SbMessage *) g_ptr_array_index (messages, i))->id);
  answer->got = g_strdup (error != NULL ? sb_error_reason (error) : ids->str);
}

static void
begin (SbTestQueue *q, guint limit, gint64 wait, Answer *answer)
{
  g_clear_pointer (&answer->got, g_free);
  answer->id = sb_queue_fetch (q->queue, limit, wait, VISIBILITY, on_fetched, answer);
}

/* Returns what there is now. */
static char *
fetch (SbTestQueue *q, guint limit)
{
  Answer answer = { 0 };

  begin (q, limit, 0, &answer);
  sb_test_bus_settle (q->t);
  g_assert_nonnull (answer.got);
  return answer.got;
}

#define assert_fetch(q, limit, wanted)           \
  G_STMT_START                                   \
  {                                              \
    g_autofree char *fetched = fetch (q, limit); \
    g_assert_cmpstr (fetched, ==, wanted);       \
  }                                              \
  G_STMT_END

static void
set_up (SbTestQueue **q, gconstpointer data)
{
  *q = sb_test_queue_new ();
}

static void
tear_down (SbTestQueue **q, gconstpointer data)
{
  sb_test_queue_free (*q);
  sb_test_log_assert_expected ();
}

static void
an_empty_queue_answers_at_once (SbTestQueue **q, gconstpointer data)
{
  assert_fetch (*q, 10, "");
}

static void
it_gives_the_next_ones_in_order (SbTestQueue **q, gconstpointer data)
{
  sb_test_queue_send (*q, "a b c d e");
  assert_fetch (*q, 2, "a b");
  assert_fetch (*q, 2, "c d");
  assert_fetch (*q, 2, "e");
  assert_fetch (*q, 2, "");
}

static void
what_was_fetched_can_be_confirmed (SbTestQueue **q, gconstpointer data)
{
  sb_test_queue_send (*q, "a b");
  assert_fetch (*q, 2, "a b");
  sb_test_queue_confirm (*q, "a b");
  sb_test_queue_assert_ended (*q, "done done");
  sb_test_queue_pass (*q, VISIBILITY);
  assert_fetch (*q, 2, "");
}

static void
it_never_gives_more_than_the_window (SbTestQueue **q, gconstpointer data)
{
  (*q)->settings.window = 3;
  sb_test_queue_send (*q, "a b c d e");
  assert_fetch (*q, 5, "a b c");
  assert_fetch (*q, 5, "");
  sb_test_queue_confirm (*q, "a");
  assert_fetch (*q, 5, "d");
}

static void
waiting_ends_with_the_next_message (SbTestQueue **q, gconstpointer data)
{
  g_auto (Answer) answer = { 0 };

  begin (*q, 10, 30 * SB_TEST_SECOND, &answer);
  sb_test_queue_pass (*q, 10 * SB_TEST_SECOND);
  g_assert_null (answer.got);
  sb_test_queue_send (*q, "a");
  g_assert_cmpstr (answer.got, ==, "a");
}

static void
waiting_ends_with_its_time (SbTestQueue **q, gconstpointer data)
{
  g_auto (Answer) answer = { 0 };

  begin (*q, 10, 30 * SB_TEST_SECOND, &answer);
  sb_test_queue_pass (*q, 30 * SB_TEST_SECOND - 1);
  g_assert_null (answer.got);
  sb_test_queue_pass (*q, 1);
  g_assert_cmpstr (answer.got, ==, "");
}

static void
a_short_wait_does_not_stand_behind_a_long_one (SbTestQueue **q, gconstpointer data)
{
  g_auto (Answer) patient = { 0 };

  begin (*q, 10, 30 * SB_TEST_SECOND, &patient);
  assert_fetch (*q, 10, "");
  g_assert_null (patient.got);
  sb_queue_cancel_fetch ((*q)->queue, patient.id);
}

static void
the_oldest_fetch_is_served_first (SbTestQueue **q, gconstpointer data)
{
  g_auto (Answer) first = { 0 };
  g_auto (Answer) second = { 0 };

  begin (*q, 1, 30 * SB_TEST_SECOND, &first);
  begin (*q, 1, 30 * SB_TEST_SECOND, &second);
  sb_test_queue_send (*q, "a");
  g_assert_cmpstr (first.got, ==, "a");
  g_assert_null (second.got);
  sb_test_queue_send (*q, "b");
  g_assert_cmpstr (second.got, ==, "b");
}

/* Two at once, with more in the store than a page has. */
static void
several_fetches_share_what_there_is (SbTestQueue **q, gconstpointer data)
{
  g_auto (Answer) first = { 0 };
  g_auto (Answer) second = { 0 };
  g_auto (Answer) third = { 0 };
  g_autoptr (GString) ids = g_string_new ("0");

  (*q)->settings.window = 1000;
  for (guint i = 1; i < 600; i++)
    g_string_append_printf (ids, " %u", i);
  sb_test_queue_send (*q, ids->str);
  begin (*q, 256, 0, &first);
  begin (*q, 256, 0, &second);
  begin (*q, 256, 0, &third);
  sb_test_bus_settle ((*q)->t);
  g_assert_true (g_str_has_prefix (first.got, "0 1 2 3 "));
  g_assert_true (g_str_has_prefix (second.got, "256 257 "));
  g_assert_true (g_str_has_prefix (third.got, "512 513 "));
  g_assert_true (g_str_has_suffix (third.got, " 599"));
}

static void
a_cancelled_fetch_takes_nothing (SbTestQueue **q, gconstpointer data)
{
  g_auto (Answer) answer = { 0 };

  begin (*q, 10, 30 * SB_TEST_SECOND, &answer);
  sb_queue_cancel_fetch ((*q)->queue, answer.id);
  sb_test_queue_send (*q, "a");
  g_assert_null (answer.got);
  assert_fetch (*q, 10, "a");
}

static void
unconfirmed_it_comes_again_after_its_visibility (SbTestQueue **q, gconstpointer data)
{
  sb_test_queue_send (*q, "a b");
  assert_fetch (*q, 1, "a");
  sb_test_queue_pass (*q, VISIBILITY - 1);
  assert_fetch (*q, 1, "b");
  sb_test_queue_pass (*q, 1);
  assert_fetch (*q, 1, "a");
  sb_test_queue_confirm (*q, "a b");
  sb_test_queue_assert_state (*q, "a", "confirmed 2");
  sb_test_queue_assert_state (*q, "b", "confirmed 1");
}

static void
fetched_in_vain_too_often_it_is_parked (SbTestQueue **q, gconstpointer data)
{
  sb_test_queue_send (*q, "a b");
  for (guint i = 0; i < 5; i++)
    {
      assert_fetch (*q, 1, "a");
      sb_test_queue_pass (*q, VISIBILITY);
    }
  sb_test_queue_assert_state (*q, "a", "parked 5");
  assert_fetch (*q, 1, "b");
}

static void
parked_ones_that_are_due_come_after_the_others (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_queue_open (*q);

  sb_test_queue_send (*q, "a");
  sb_test_queue_let_park (*q);
  sb_test_queue_close (*q);
  assert_fetch (*q, 10, "");
  sb_test_queue_send (*q, "b c");
  sb_test_queue_pass (*q, 2 * TIMEOUT);
  assert_fetch (*q, 1, "b");
  assert_fetch (*q, 10, "c a");
}

static void
with_a_session_it_gets_what_is_not_in_flight_there (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_queue_open (*q);

  sb_test_path_set_room (path, 2);
  sb_test_queue_send (*q, "a b c d");
  assert_fetch (*q, 1, "c");
  sb_test_path_set_ready (path, TRUE);
  sb_queue_wake ((*q)->queue);
  sb_test_path_assert (path, "a b d");
  assert_fetch (*q, 10, "");
}

static void
a_session_does_not_get_what_a_fetch_holds (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = NULL;

  sb_test_queue_send (*q, "a b c");
  assert_fetch (*q, 2, "a b");
  path = sb_test_queue_open (*q);
  sb_test_path_assert (path, "c");
  sb_test_queue_pass (*q, VISIBILITY);
  sb_test_path_assert (path, "a b c");
}

/* Gives a and b to two fetches, and lets the time of a be over: it went back to the store. */
static void
hold_b (SbTestQueue *q)
{
  sb_test_queue_send (q, "a b c d");
  assert_fetch (q, 1, "a");
  sb_test_queue_pass (q, VISIBILITY / 2);
  assert_fetch (q, 1, "b");
  sb_test_queue_pass (q, VISIBILITY / 2);
  g_assert_cmpuint (q->settings.in_flight, ==, 100);
}

static void
in_order_for_a_session_also_around_what_a_fetch_holds (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = NULL;
  g_autoptr (SbTestPath) next = NULL;

  hold_b (*q);
  path = sb_test_queue_open (*q);
  sb_test_path_assert (path, "a c d");
  sb_test_queue_pass (*q, VISIBILITY / 2);
  sb_test_path_assert (path, "a b c d");
  next = sb_test_queue_open (*q);
  sb_test_path_assert (next, "a b c d");
}

/* The next fetch comes before the confirmation is stored, and reads from below it. */
static void
what_was_confirmed_is_not_read_again (SbTestQueue **q, gconstpointer data)
{
  g_auto (Answer) answer = { 0 };

  hold_b (*q);
  sb_test_store_hold_applies ((*q)->t->store, TRUE);
  sb_queue_confirm ((*q)->queue, "b", NULL, NULL);
  sb_test_store_wait_held ((*q)->t->store);
  begin (*q, 10, 0, &answer);
  sb_test_settle ();
  sb_test_store_hold_applies ((*q)->t->store, FALSE);
  sb_test_bus_settle ((*q)->t);
  g_assert_cmpstr (answer.got, ==, "a c d");
}

/* The same when it is confirmed while the page is on its way. */
static void
what_was_confirmed_is_not_taken_from_a_page_on_its_way (SbTestQueue **q, gconstpointer data)
{
  g_auto (Answer) answer = { 0 };

  hold_b (*q);
  sb_test_store_hold_reads ((*q)->t->store, TRUE);
  begin (*q, 10, 0, &answer);
  sb_test_store_wait_held ((*q)->t->store);
  sb_queue_confirm ((*q)->queue, "b", NULL, NULL);
  sb_test_store_hold_reads ((*q)->t->store, FALSE);
  sb_test_bus_settle ((*q)->t);
  g_assert_cmpstr (answer.got, ==, "a c d");
}

static void
what_nobody_fetches_is_not_held_in_memory (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_queue_open (*q);

  sb_test_queue_send (*q, "a b c d");
  sb_test_queue_let_park (*q);
  sb_test_queue_close (*q);
  sb_test_queue_send (*q, "e f g");
  sb_test_queue_pass (*q, 2 * TIMEOUT);
  assert_fetch (*q, 1, "e");
  sb_test_queue_pass (*q, SB_TEST_SECOND);
  g_assert_cmpuint ((*q)->settings.in_flight, ==, 100);
  sb_test_queue_pass (*q, VISIBILITY);
  g_assert_cmpuint ((*q)->settings.in_flight, ==, 0);
}

/* Of a parked one, when nothing else is there to take. */
static void
parked_ones_that_nobody_fetches_are_not_held_either (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_queue_open (*q);

  sb_test_queue_send (*q, "a b c");
  sb_test_queue_let_park (*q);
  sb_test_queue_close (*q);
  sb_test_queue_pass (*q, 2 * TIMEOUT);
  assert_fetch (*q, 1, "a");
  sb_test_queue_pass (*q, SB_TEST_SECOND);
  g_assert_cmpuint ((*q)->settings.in_flight, ==, 100);
  assert_fetch (*q, 10, "b c");
}

/* The next fetch is there before the confirmation is stored: the store still has it. */
static void
a_confirmed_one_does_not_come_with_the_next_fetch (SbTestQueue **q, gconstpointer data)
{
  g_auto (Answer) answer = { 0 };

  sb_test_queue_send (*q, "a b c");
  assert_fetch (*q, 2, "a b");
  sb_test_queue_pass (*q, SB_TEST_SECOND);
  sb_test_store_hold_applies ((*q)->t->store, TRUE);
  sb_queue_confirm ((*q)->queue, "a", NULL, NULL);
  sb_test_store_wait_held ((*q)->t->store);
  begin (*q, 10, 0, &answer);
  sb_test_settle ();
  sb_queue_confirm ((*q)->queue, "b", NULL, NULL);
  sb_test_store_hold_applies ((*q)->t->store, FALSE);
  sb_test_bus_settle ((*q)->t);
  g_assert_cmpstr (answer.got, ==, "c");
}

static void
a_confirmation_by_id_reaches_a_page_on_its_way (SbTestQueue **q, gconstpointer data)
{
  g_auto (Answer) answer = { 0 };

  sb_test_queue_send (*q, "a b");
  sb_test_store_hold_reads ((*q)->t->store, TRUE);
  begin (*q, 10, 0, &answer);
  sb_test_store_wait_held ((*q)->t->store);
  sb_queue_confirm ((*q)->queue, "a", NULL, NULL);
  sb_test_bus_apply ((*q)->t, sb_operation_new (SB_OPERATION_DROP_RECEIPTS, NULL, NULL));
  sb_test_store_hold_reads ((*q)->t->store, FALSE);
  sb_test_bus_settle ((*q)->t);
  g_assert_cmpstr (answer.got, ==, "b");
}

static void
a_store_that_does_not_answer_is_an_error_and_no_empty_list (SbTestQueue **q, gconstpointer data)
{
  sb_test_queue_send (*q, "a");
  sb_test_store_fail_reads ((*q)->t->store, 1);
  sb_test_log_expect ("cannot read the queue");
  assert_fetch (*q, 10, "transient");
  sb_test_queue_pass (*q, SB_TEST_SECOND);
  assert_fetch (*q, 10, "a");
}

static void
a_closed_queue_answers_everybody (SbTestQueue **q, gconstpointer data)
{
  g_auto (Answer) before = { 0 };
  g_auto (Answer) after = { 0 };

  begin (*q, 10, 30 * SB_TEST_SECOND, &before);
  sb_queue_close ((*q)->queue);
  g_assert_cmpstr (before.got, ==, "closed");
  begin (*q, 10, 30 * SB_TEST_SECOND, &after);
  g_assert_cmpstr (after.got, ==, "closed");
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  sb_test_log_init ();
#define ADD(name, func) g_test_add ("/fetch/" name, SbTestQueue *, NULL, set_up, func, tear_down)
  ADD ("an-empty-queue-answers-at-once", an_empty_queue_answers_at_once);
  ADD ("it-gives-the-next-ones-in-order", it_gives_the_next_ones_in_order);
  ADD ("what-was-fetched-can-be-confirmed", what_was_fetched_can_be_confirmed);
  ADD ("it-never-gives-more-than-the-window", it_never_gives_more_than_the_window);
  ADD ("waiting-ends-with-the-next-message", waiting_ends_with_the_next_message);
  ADD ("waiting-ends-with-its-time", waiting_ends_with_its_time);
  ADD ("a-short-wait-does-not-stand-behind-a-long-one",
       a_short_wait_does_not_stand_behind_a_long_one);
  ADD ("the-oldest-fetch-is-served-first", the_oldest_fetch_is_served_first);
  ADD ("several-fetches-share-what-there-is", several_fetches_share_what_there_is);
  ADD ("a-cancelled-fetch-takes-nothing", a_cancelled_fetch_takes_nothing);
  ADD ("unconfirmed-it-comes-again-after-its-visibility",
       unconfirmed_it_comes_again_after_its_visibility);
  ADD ("fetched-in-vain-too-often-it-is-parked", fetched_in_vain_too_often_it_is_parked);
  ADD ("parked-ones-that-are-due-come-after-the-others",
       parked_ones_that_are_due_come_after_the_others);
  ADD ("with-a-session-it-gets-what-is-not-in-flight-there",
       with_a_session_it_gets_what_is_not_in_flight_there);
  ADD ("a-session-does-not-get-what-a-fetch-holds", a_session_does_not_get_what_a_fetch_holds);
  ADD ("in-order-for-a-session-also-around-what-a-fetch-holds",
       in_order_for_a_session_also_around_what_a_fetch_holds);
  ADD ("what-was-confirmed-is-not-read-again", what_was_confirmed_is_not_read_again);
  ADD ("what-was-confirmed-is-not-taken-from-a-page-on-its-way",
       what_was_confirmed_is_not_taken_from_a_page_on_its_way);
  ADD ("what-nobody-fetches-is-not-held-in-memory", what_nobody_fetches_is_not_held_in_memory);
  ADD ("parked-ones-that-nobody-fetches-are-not-held-either",
       parked_ones_that_nobody_fetches_are_not_held_either);
  ADD ("a-confirmed-one-does-not-come-with-the-next-fetch",
       a_confirmed_one_does_not_come_with_the_next_fetch);
  ADD ("a-confirmation-by-id-reaches-a-page-on-its-way",
       a_confirmation_by_id_reaches_a_page_on_its_way);
  ADD ("a-store-that-does-not-answer-is-an-error-and-no-empty-list",
       a_store_that_does_not_answer_is_an_error_and_no_empty_list);
  ADD ("a-closed-queue-answers-everybody", a_closed_queue_answers_everybody);
#undef ADD
  return g_test_run ();
}

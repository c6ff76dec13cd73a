/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-queue: window, redelivery, parking and confirmations of one recipient. */

#include "sb-test-log.h"
#include "sb-test-queue.h"

#define TIMEOUT (10 * SB_TEST_SECOND)

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

/* The window */

static void
messages_go_out_in_order (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_queue_open (*q);

  sb_test_queue_send (*q, "a b c d");
  sb_test_path_assert (path, "a b c d");
}

static void
messages_from_before_the_session_come_first (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = NULL;

  sb_test_queue_send (*q, "a b c");
  path = sb_test_queue_open (*q);
  sb_test_queue_send (*q, "d e");
  sb_test_path_assert (path, "a b c d e");
}

static void
the_window_has_a_bound_in_count (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = NULL;

  (*q)->settings.window = 3;
  path = sb_test_queue_open (*q);
  sb_test_queue_send (*q, "a b c d e");
  sb_test_path_assert (path, "a b c");
  sb_test_queue_confirm (*q, "b");
  sb_test_path_assert (path, "d");
  sb_test_queue_confirm (*q, "a c d");
  sb_test_path_assert (path, "e");
}

static void
the_window_has_a_bound_in_bytes (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = NULL;

  (*q)->settings.window_bytes = 250;
  path = sb_test_queue_open (*q);
  sb_test_queue_send (*q, "a b c d");
  sb_test_path_assert (path, "a b");
  sb_test_queue_confirm (*q, "a");
  sb_test_path_assert (path, "c");
}

static void
a_message_above_the_windows_bytes_passes_alone (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = NULL;

  (*q)->settings.window_bytes = 250;
  path = sb_test_queue_open (*q);
  sb_test_queue_submit (*q, "small", 10);
  sb_test_queue_submit (*q, "huge", 1000);
  sb_test_queue_submit (*q, "last", 10);
  sb_test_bus_settle ((*q)->t);
  sb_test_path_assert (path, "small");
  sb_test_queue_confirm (*q, "small");
  sb_test_path_assert (path, "huge");
  sb_test_queue_confirm (*q, "huge");
  sb_test_path_assert (path, "last");
}

static void
a_path_that_is_not_ready_gets_nothing (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_queue_open (*q);

  sb_test_path_set_room (path, 2);
  sb_test_queue_send (*q, "a b c d");
  sb_test_path_assert (path, "a b");
  sb_test_path_set_ready (path, TRUE);
  sb_queue_wake ((*q)->queue);
  sb_test_path_assert (path, "c d");
}

static void
a_path_that_is_not_ready_counts_no_attempt (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_queue_open (*q);

  sb_test_path_set_room (path, 1);
  sb_test_queue_send (*q, "a b");
  for (guint i = 0; i < 20; i++)
    sb_test_queue_pass (*q, TIMEOUT);
  sb_test_path_assert (path, "a");
  sb_test_path_set_ready (path, TRUE);
  sb_queue_wake ((*q)->queue);
  sb_test_queue_confirm (*q, "a b");
  sb_test_queue_assert_state (*q, "a", "confirmed 1");
  sb_test_queue_assert_state (*q, "b", "confirmed 1");
}

static void
confirm_at_once (SbTestPath *path, SbMessage *message, gpointer user_data)
{
  sb_queue_confirm (user_data, message->id, NULL, NULL);
}

static void
a_path_may_confirm_while_it_takes_a_message (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = NULL;

  (*q)->settings.window = 2;
  sb_test_queue_send (*q, "a b c d e");
  path = sb_test_path_new ();
  sb_test_path_set_func (path, confirm_at_once, (*q)->queue);
  sb_queue_set_path ((*q)->queue, SB_DELIVERY (path));
  sb_test_bus_settle ((*q)->t);
  sb_test_path_assert (path, "a b c d e");
  sb_test_queue_assert_ended (*q, "done done done done done");
}

static void
close_at_once (SbTestPath *path, SbMessage *message, gpointer user_data)
{
  sb_queue_set_path (user_data, NULL);
}

static void
a_path_may_go_while_it_takes_a_message (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_path_new ();
  g_autoptr (SbTestPath) next = NULL;

  sb_test_queue_send (*q, "a b c");
  sb_test_path_set_func (path, close_at_once, (*q)->queue);
  sb_queue_set_path ((*q)->queue, SB_DELIVERY (path));
  sb_test_bus_settle ((*q)->t);
  sb_test_path_assert (path, "a");
  next = sb_test_queue_open (*q);
  sb_test_path_assert (next, "a b c");
}

static void
a_path_may_go_while_it_takes_a_redelivery (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_queue_open (*q);

  sb_test_queue_send (*q, "a b c");
  sb_test_path_set_func (path, close_at_once, (*q)->queue);
  sb_test_queue_pass (*q, TIMEOUT);
  sb_test_path_assert (path, "a b c a");
}

/* Redelivery */

static void
without_a_confirmation_it_comes_again (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_queue_open (*q);

  sb_test_queue_send (*q, "a b");
  sb_test_path_assert (path, "a b");
  sb_test_queue_pass (*q, TIMEOUT - 1);
  sb_test_path_assert (path, "");
  sb_test_queue_pass (*q, 1);
  sb_test_path_assert (path, "a b");
  sb_test_queue_confirm (*q, "a");
  sb_test_queue_assert_state (*q, "a", "confirmed 2");
}

static void
on_a_new_path_it_comes_again_in_order_and_counts_nothing (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) first = sb_test_queue_open (*q);
  g_autoptr (SbTestPath) second = NULL;

  sb_test_queue_send (*q, "a b c");
  sb_test_queue_confirm (*q, "b");
  second = sb_test_queue_open (*q);
  sb_test_path_assert (first, "a b c");
  sb_test_path_assert (second, "a c");
  sb_test_queue_confirm (*q, "a c");
  sb_test_queue_assert_state (*q, "a", "confirmed 1");
}

static void
after_a_reconnect_it_comes_again_in_order_and_counts_nothing (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) first = sb_test_queue_open (*q);
  g_autoptr (SbTestPath) second = NULL;

  sb_test_queue_send (*q, "a b c");
  sb_test_queue_close (*q);
  sb_test_queue_pass (*q, 10 * TIMEOUT);
  second = sb_test_queue_open (*q);
  sb_test_path_assert (second, "a b c");
  sb_test_queue_confirm (*q, "a b c");
  sb_test_queue_assert_state (*q, "c", "confirmed 1");
}

static void
attempts_are_remembered_over_a_reconnect (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) first = sb_test_queue_open (*q);
  g_autoptr (SbTestPath) second = NULL;

  sb_test_queue_send (*q, "a");
  sb_test_queue_pass (*q, TIMEOUT);
  sb_test_queue_pass (*q, TIMEOUT);
  sb_test_queue_close (*q);
  second = sb_test_queue_open (*q);
  sb_test_queue_confirm (*q, "a");
  sb_test_queue_assert_state (*q, "a", "confirmed 3");
}

static void
without_a_path_nothing_is_held_in_memory (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_queue_open (*q);

  (*q)->settings.window = 2;
  sb_test_queue_send (*q, "a b c d e f");
  g_assert_cmpuint ((*q)->settings.in_flight, ==, 600);
  sb_test_queue_close (*q);
  g_assert_cmpuint ((*q)->settings.in_flight, ==, 0);
  sb_test_queue_send (*q, "g");
  g_assert_cmpuint ((*q)->settings.in_flight, ==, 0);
  g_assert_true (sb_queue_is_idle ((*q)->queue));
}

/* Parking */

static void
it_is_parked_after_so_many_attempts (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_queue_open (*q);

  sb_test_queue_send (*q, "a");
  for (guint i = 0; i < 4; i++)
    sb_test_queue_pass (*q, TIMEOUT);
  sb_test_path_assert (path, "a a a a a");
  sb_test_queue_assert_state (*q, "a", "pending 0");
  sb_test_queue_pass (*q, TIMEOUT);
  sb_test_path_assert (path, "");
  sb_test_queue_assert_state (*q, "a", "parked 5");
}

static void
what_is_parked_blocks_nobody (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = NULL;

  (*q)->settings.window = 1;
  path = sb_test_queue_open (*q);
  sb_test_queue_send (*q, "a b c");
  sb_test_queue_let_park (*q);
  sb_test_path_assert (path, "a a a a a b");
  sb_test_queue_confirm (*q, "b");
  sb_test_path_assert (path, "c");
}

static void
what_is_parked_comes_again_with_growing_pauses (SbTestQueue **q, gconstpointer data)
{
  static const int pauses[] = { 20, 40, 80, 160, 320, 600, 600, 600 };
  g_autoptr (SbTestPath) path = sb_test_queue_open (*q);

  sb_test_queue_send (*q, "a");
  sb_test_queue_let_park (*q);
  for (guint i = 0; i < G_N_ELEMENTS (pauses); i++)
    {
      g_autofree char *nothing = sb_test_path_take (path);

      sb_test_queue_pass (*q, pauses[i] * SB_TEST_SECOND - 1);
      sb_test_path_assert (path, "");
      sb_test_queue_pass (*q, 1);
      sb_test_path_assert (path, "a");
      sb_test_queue_pass (*q, TIMEOUT);
    }
  sb_test_queue_assert_state (*q, "a", "parked 13");
}

static void
what_is_parked_comes_again_after_a_restart (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) before = sb_test_queue_open (*q);
  g_autoptr (SbTestPath) after = NULL;

  sb_test_queue_send (*q, "a b");
  sb_test_queue_confirm (*q, "b");
  sb_test_queue_let_park (*q);
  sb_test_queue_renew (*q);
  after = sb_test_queue_open (*q);
  sb_test_path_assert (after, "");
  sb_test_queue_pass (*q, 2 * TIMEOUT);
  sb_test_path_assert (after, "a");
  sb_test_queue_pass (*q, TIMEOUT);
  sb_test_queue_assert_state (*q, "a", "parked 6");
}

static void
no_more_than_eight_parked_ones_are_tried_at_a_time (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_queue_open (*q);
  g_autofree char *before = NULL;

  sb_test_queue_send (*q, "a b c d e f g h i j");
  sb_test_queue_let_park (*q);
  before = sb_test_path_take (path);
  sb_test_queue_pass (*q, 2 * TIMEOUT);
  sb_test_path_assert (path, "a b c d e f g h");
  sb_test_queue_confirm (*q, "a b c d e f g h");
  sb_test_path_assert (path, "i j");
  sb_test_queue_confirm (*q, "i j");
  sb_test_queue_assert_state (*q, "j", "confirmed 6");
}

/* The ninth is due as well; the store must not be asked for it before the end of the others. */
static void
a_confirmed_retry_does_not_come_back_with_the_next_ones (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_queue_open (*q);
  g_autofree char *before = NULL;

  sb_test_queue_send (*q, "a b c d e f g h i");
  sb_test_queue_let_park (*q);
  sb_test_queue_pass (*q, 2 * TIMEOUT);
  before = sb_test_path_take (path);

  sb_test_store_hold_applies ((*q)->t->store, TRUE);
  for (const char *id = "abcdefgh"; *id != '\0'; id++)
    {
      const char text[] = { *id, '\0' };

      sb_queue_confirm ((*q)->queue, text, NULL, NULL);
    }
  sb_test_settle ();
  sb_test_store_hold_applies ((*q)->t->store, FALSE);
  sb_test_bus_settle ((*q)->t);
  sb_test_path_assert (path, "i");
}

/* The reader looks for parked ones, finds b and no more; a is parked before that is known. */
static void
what_was_parked_while_parked_ones_were_read_is_not_lost (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_queue_open (*q);
  g_autofree char *before = NULL;

  sb_test_queue_send (*q, "b");
  for (guint i = 0; i < 5; i++)
    sb_test_queue_pass (*q, 5 * SB_TEST_SECOND);
  sb_test_queue_send (*q, "a");
  sb_test_queue_pass (*q, 5 * SB_TEST_SECOND);
  for (guint i = 0; i < 3; i++)
    sb_test_queue_pass (*q, TIMEOUT);
  sb_test_queue_assert_state (*q, "b", "parked 5");

  sb_test_store_hold_reads ((*q)->t->store, TRUE);
  sb_clock_advance ((*q)->t->clock, TIMEOUT);
  sb_queue_tick ((*q)->queue);
  sb_test_store_wait_held ((*q)->t->store);
  sb_clock_advance ((*q)->t->clock, TIMEOUT);
  sb_queue_tick ((*q)->queue);
  sb_test_bus_apply ((*q)->t, sb_operation_new (SB_OPERATION_DROP_RECEIPTS, NULL, NULL));
  sb_test_store_hold_reads ((*q)->t->store, FALSE);
  sb_test_bus_settle ((*q)->t);
  sb_test_queue_confirm (*q, "b");
  sb_test_queue_assert_state (*q, "a", "parked 5");
  before = sb_test_path_take (path);
  sb_test_queue_pass (*q, 2 * TIMEOUT);
  sb_test_path_assert (path, "a");
}

/* Confirmations */

static void
a_confirmation_ends_what_was_sent (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_queue_open (*q);

  sb_test_queue_send (*q, "a");
  sb_test_queue_confirm (*q, "a");
  sb_test_queue_assert_ended (*q, "done");
  sb_test_queue_assert_state (*q, "a", "confirmed 1");
  g_assert_cmpuint (sb_queue_get_in_flight ((*q)->queue), ==, 0);
  sb_test_queue_pass (*q, TIMEOUT);
  sb_test_path_assert (path, "a");
}

static void
a_confirmation_ends_what_is_still_pending (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = NULL;

  sb_test_queue_send (*q, "a b");
  sb_test_queue_confirm (*q, "a");
  sb_test_queue_assert_ended (*q, "done");
  path = sb_test_queue_open (*q);
  sb_test_path_assert (path, "b");
}

static void
a_confirmation_ends_what_waits_behind_the_window (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = NULL;

  (*q)->settings.window = 1;
  path = sb_test_queue_open (*q);
  sb_test_queue_send (*q, "a b c");
  sb_test_queue_confirm (*q, "b");
  sb_test_queue_confirm (*q, "a");
  sb_test_path_assert (path, "a c");
}

static void
a_confirmation_ends_what_is_parked (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_queue_open (*q);

  sb_test_queue_send (*q, "a");
  sb_test_queue_let_park (*q);
  sb_test_queue_confirm (*q, "a");
  sb_test_queue_assert_ended (*q, "done");
  sb_test_path_assert (path, "a a a a a");
  sb_test_queue_pass (*q, 100 * TIMEOUT);
  sb_test_path_assert (path, "");
}

static void
a_confirmation_ends_what_is_dead (SbTestQueue **q, gconstpointer data)
{
  SbOperation *operation = sb_operation_new (SB_OPERATION_END, NULL, NULL);

  sb_test_queue_send (*q, "a");
  operation->end.recipient = (*q)->recipient;
  operation->end.id = g_strdup ("a");
  operation->end.state = SB_DELIVERY_DEAD;
  operation->end.reason = SB_REASON_REFUSED;
  sb_test_bus_apply ((*q)->t, operation);
  sb_test_queue_confirm (*q, "a");
  sb_test_queue_assert_ended (*q, "done");
}

static void
confirming_again_is_a_duplicate_and_anything_else_unknown (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_queue_open (*q);

  sb_test_queue_send (*q, "a");
  sb_test_queue_confirm (*q, "a a x");
  sb_test_queue_assert_ended (*q, "done duplicate unknown");
}

static void
a_confirmation_that_could_not_be_stored_brings_it_back (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_queue_open (*q);

  sb_test_queue_send (*q, "a b");
  sb_test_queue_pass (*q, TIMEOUT);
  sb_test_path_assert (path, "a b a b");
  sb_test_store_fail_applies ((*q)->t->store, 1);
  sb_queue_confirm ((*q)->queue, "a", NULL, NULL);
  sb_test_bus_settle ((*q)->t);
  sb_test_queue_assert_ended (*q, "failed");
  sb_test_path_assert (path, "");
  sb_test_queue_pass (*q, SB_TEST_SECOND);
  sb_test_path_assert (path, "a");
  sb_test_queue_confirm (*q, "a b");
  sb_test_queue_assert_ended (*q, "done done");
  sb_test_queue_assert_state (*q, "a", "confirmed 2");
}

static void
parking_that_could_not_be_stored_brings_it_back (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_queue_open (*q);
  g_autofree char *before = NULL;

  sb_test_queue_send (*q, "a");
  for (guint i = 0; i < 4; i++)
    sb_test_queue_pass (*q, TIMEOUT);
  before = sb_test_path_take (path);
  sb_clock_advance ((*q)->t->clock, TIMEOUT);
  sb_test_store_fail_applies ((*q)->t->store, 1);
  sb_queue_tick ((*q)->queue);
  sb_test_bus_settle ((*q)->t);
  sb_test_queue_assert_state (*q, "a", "pending 0");
  sb_test_queue_pass (*q, SB_TEST_SECOND);
  sb_test_path_assert (path, "a");
  sb_test_queue_pass (*q, TIMEOUT);
  sb_test_queue_assert_state (*q, "a", "parked 6");
}

static void
what_ended_elsewhere_is_forgotten (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = NULL;

  (*q)->settings.window = 1;
  path = sb_test_queue_open (*q);
  sb_test_queue_send (*q, "a b c");
  sb_queue_forget ((*q)->queue, 1);
  sb_queue_forget ((*q)->queue, 2);
  sb_test_queue_pass (*q, SB_TEST_SECOND);
  sb_test_path_assert (path, "a c");
}

/* The end */

static void
a_closed_queue_holds_and_sends_nothing (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_queue_open (*q);

  (*q)->settings.window = 1;
  sb_test_queue_send (*q, "a b");
  sb_queue_close ((*q)->queue);
  g_assert_cmpuint ((*q)->settings.in_flight, ==, 0);
  sb_test_queue_send (*q, "c");
  sb_test_queue_pass (*q, TIMEOUT);
  sb_test_path_assert (path, "a");
}

static void
a_queue_may_be_closed_while_it_reads_and_commits (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_queue_open (*q);

  sb_test_queue_send (*q, "a b");
  sb_test_store_hold_reads ((*q)->t->store, TRUE);
  sb_test_queue_close (*q);
  sb_queue_set_path ((*q)->queue, SB_DELIVERY (path));
  sb_queue_confirm ((*q)->queue, "a", NULL, NULL);
  sb_test_store_wait_held ((*q)->t->store);
  sb_queue_close ((*q)->queue);
  sb_test_store_hold_reads ((*q)->t->store, FALSE);
  sb_test_bus_settle ((*q)->t);
  g_assert_cmpuint ((*q)->settings.in_flight, ==, 0);
  sb_test_queue_assert_ended (*q, "done");
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  sb_test_log_init ();
#define ADD(name, func) g_test_add ("/queue/" name, SbTestQueue *, NULL, set_up, func, tear_down)
  ADD ("messages-go-out-in-order", messages_go_out_in_order);
  ADD ("messages-from-before-the-session-come-first", messages_from_before_the_session_come_first);
  ADD ("the-window-has-a-bound-in-count", the_window_has_a_bound_in_count);
  ADD ("the-window-has-a-bound-in-bytes", the_window_has_a_bound_in_bytes);
  ADD ("a-message-above-the-windows-bytes-passes-alone",
       a_message_above_the_windows_bytes_passes_alone);
  ADD ("a-path-that-is-not-ready-gets-nothing", a_path_that_is_not_ready_gets_nothing);
  ADD ("a-path-that-is-not-ready-counts-no-attempt", a_path_that_is_not_ready_counts_no_attempt);
  ADD ("a-path-may-confirm-while-it-takes-a-message", a_path_may_confirm_while_it_takes_a_message);
  ADD ("a-path-may-go-while-it-takes-a-message", a_path_may_go_while_it_takes_a_message);
  ADD ("a-path-may-go-while-it-takes-a-redelivery", a_path_may_go_while_it_takes_a_redelivery);
  ADD ("without-a-confirmation-it-comes-again", without_a_confirmation_it_comes_again);
  ADD ("on-a-new-path-it-comes-again-in-order-and-counts-nothing",
       on_a_new_path_it_comes_again_in_order_and_counts_nothing);
  ADD ("after-a-reconnect-it-comes-again-in-order-and-counts-nothing",
       after_a_reconnect_it_comes_again_in_order_and_counts_nothing);
  ADD ("attempts-are-remembered-over-a-reconnect", attempts_are_remembered_over_a_reconnect);
  ADD ("without-a-path-nothing-is-held-in-memory", without_a_path_nothing_is_held_in_memory);
  ADD ("it-is-parked-after-so-many-attempts", it_is_parked_after_so_many_attempts);
  ADD ("what-is-parked-blocks-nobody", what_is_parked_blocks_nobody);
  ADD ("what-is-parked-comes-again-with-growing-pauses",
       what_is_parked_comes_again_with_growing_pauses);
  ADD ("what-is-parked-comes-again-after-a-restart", what_is_parked_comes_again_after_a_restart);
  ADD ("no-more-than-eight-parked-ones-are-tried-at-a-time",
       no_more_than_eight_parked_ones_are_tried_at_a_time);
  ADD ("a-confirmed-retry-does-not-come-back-with-the-next-ones",
       a_confirmed_retry_does_not_come_back_with_the_next_ones);
  ADD ("what-was-parked-while-parked-ones-were-read-is-not-lost",
       what_was_parked_while_parked_ones_were_read_is_not_lost);
  ADD ("a-confirmation-ends-what-was-sent", a_confirmation_ends_what_was_sent);
  ADD ("a-confirmation-ends-what-is-still-pending", a_confirmation_ends_what_is_still_pending);
  ADD ("a-confirmation-ends-what-waits-behind-the-window",
       a_confirmation_ends_what_waits_behind_the_window);
  ADD ("a-confirmation-ends-what-is-parked", a_confirmation_ends_what_is_parked);
  ADD ("a-confirmation-ends-what-is-dead", a_confirmation_ends_what_is_dead);
  ADD ("confirming-again-is-a-duplicate-and-anything-else-unknown",
       confirming_again_is_a_duplicate_and_anything_else_unknown);
  ADD ("a-confirmation-that-could-not-be-stored-brings-it-back",
       a_confirmation_that_could_not_be_stored_brings_it_back);
  ADD ("parking-that-could-not-be-stored-brings-it-back",
       parking_that_could_not_be_stored_brings_it_back);
  ADD ("what-ended-elsewhere-is-forgotten", what_ended_elsewhere_is_forgotten);
  ADD ("a-closed-queue-holds-and-sends-nothing", a_closed_queue_holds_and_sends_nothing);
  ADD ("a-queue-may-be-closed-while-it-reads-and-commits",
       a_queue_may_be_closed_while_it_reads_and_commits);
#undef ADD
  return g_test_run ();
}

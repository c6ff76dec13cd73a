/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conf-park: deliveries outside the queue that wait for a due time. */

#include "rig.h"

static SbOutcome
park (Rig *rig, gint64 position, gint64 due)
{
  return rig_apply (rig, make_park (rig->a, position, due, START))->outcome;
}

static void
a_parked_delivery_leaves_the_queue (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 position = rig_send (rig, "m1", rig->s, rig->a);

  rig_send (rig, "m2", rig->s, rig->a);
  g_assert_cmpint (park (rig, position, START + HOUR), ==, SB_OUTCOME_DONE);
  expect_pending (rig, rig->a, "m2");
  expect_parked (rig, rig->a, START + HOUR, "m1", 0);
  expect_status (rig, "m1", "a parked - 5");
  expect_backlog (rig, rig->a, 2);
}

static void
a_parked_delivery_keeps_position_attempts_and_message (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 position = rig_send (rig, "m1", rig->s, rig->a);
  g_autoptr (GPtrArray) rows = NULL;
  g_autoptr (SbMessage) expected = make_message (rig, "m1", rig->s, 0, 0);
  const SbStoredDelivery *row;

  park (rig, position, START + HOUR);
  rows = sb_store_parked (rig->store, rig->a, START + HOUR, 10, NULL, NULL);
  g_assert_nonnull (rows);
  g_assert_cmpuint (rows->len, ==, 1);
  row = g_ptr_array_index (rows, 0);
  g_assert_cmpint (row->position, ==, position);
  g_assert_cmpint (row->due, ==, START + HOUR);
  g_assert_cmpuint (row->attempts, ==, 5);
  assert_message_equal (row->message, expected);
}

static void
parked_deliveries_come_oldest_due_first (void)
{
  g_autoptr (Rig) rig = rig_new ();

  park (rig, rig_send (rig, "m1", rig->s, rig->a), START + 3 * SECOND);
  park (rig, rig_send (rig, "m2", rig->s, rig->a), START + 1 * SECOND);
  park (rig, rig_send (rig, "m3", rig->s, rig->a), START + 2 * SECOND);
  park (rig, rig_send (rig, "m4", rig->s, rig->a), START + 1 * SECOND);
  expect_parked (rig, rig->a, START + HOUR, "m2 m4 m3 m1", 0);
}

static void
parked_deliveries_come_when_due (void)
{
  g_autoptr (Rig) rig = rig_new ();

  park (rig, rig_send (rig, "m1", rig->s, rig->a), START + 1 * SECOND);
  park (rig, rig_send (rig, "m2", rig->s, rig->a), START + 2 * SECOND);
  expect_parked (rig, rig->a, START + 1 * SECOND - 1, "", START + 1 * SECOND);
  expect_parked (rig, rig->a, START + 1 * SECOND, "m1", START + 2 * SECOND);
  expect_parked (rig, rig->a, START + 2 * SECOND, "m1 m2", 0);
}

static void
the_limit_counts_for_parked_ones_too (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (GPtrArray) rows = NULL;
  gint64 next = 0;

  park (rig, rig_send (rig, "m1", rig->s, rig->a), START + 1 * SECOND);
  park (rig, rig_send (rig, "m2", rig->s, rig->a), START + 2 * SECOND);
  rows = sb_store_parked (rig->store, rig->a, START + HOUR, 1, &next, NULL);
  g_assert_cmpuint (rows->len, ==, 1);
  g_assert_cmpint (next, ==, START + 2 * SECOND);
}

static void
a_limit_of_0_asks_for_the_next_due_time_only (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (GPtrArray) rows = NULL;
  gint64 next = 0;

  park (rig, rig_send (rig, "m1", rig->s, rig->a), START + 1 * SECOND);
  rows = sb_store_parked (rig->store, rig->a, START + HOUR, 0, &next, NULL);
  g_assert_nonnull (rows);
  g_assert_cmpuint (rows->len, ==, 0);
  g_assert_cmpint (next, ==, START + 1 * SECOND);
}

static void
parking_again_moves_the_due_time (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 position = rig_send (rig, "m1", rig->s, rig->a);

  park (rig, position, START + 1 * SECOND);
  g_assert_cmpint (park (rig, position, START + 5 * SECOND), ==, SB_OUTCOME_DONE);
  expect_parked (rig, rig->a, START + 4 * SECOND, "", START + 5 * SECOND);
  g_assert_cmpuint (rig_stats (rig).parked, ==, 1);
}

static void
what_has_ended_or_died_cannot_be_parked (void)
{
  static const SbDeliveryState states[] = { SB_DELIVERY_CONFIRMED, SB_DELIVERY_EXPIRED,
                                            SB_DELIVERY_DEAD, SB_DELIVERY_DROPPED };

  for (gsize i = 0; i < G_N_ELEMENTS (states); i++)
    {
      g_autoptr (Rig) rig = rig_new ();
      gint64 position = rig_send (rig, "m1", rig->s, rig->a);

      rig_end (rig, rig->a, "m1", states[i], START);
      g_assert_cmpint (park (rig, position, START + HOUR), ==, SB_OUTCOME_UNKNOWN);
      expect_parked (rig, rig->a, G_MAXINT64, "", 0);
    }
}

static void
a_position_that_never_was_cannot_be_parked (void)
{
  g_autoptr (Rig) rig = rig_new ();

  g_assert_cmpint (park (rig, 12345, START + HOUR), ==, SB_OUTCOME_UNKNOWN);
}

static void
time_alone_does_not_unpark (void)
{
  g_autoptr (Rig) rig = rig_new ();

  park (rig, rig_send (rig, "m1", rig->s, rig->a), START + 1 * SECOND);
  rig_sweep (rig, START + HOUR);
  expect_pending (rig, rig->a, "");
  expect_parked (rig, rig->a, START + HOUR, "m1", 0);
}

static void
a_parked_delivery_can_be_confirmed (void)
{
  g_autoptr (Rig) rig = rig_new ();

  park (rig, rig_send (rig, "m1", rig->s, rig->a), START + HOUR);
  g_assert_cmpint (rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START), ==, SB_OUTCOME_DONE);
  expect_parked (rig, rig->a, G_MAXINT64, "", 0);
  g_assert_cmpuint (rig_stats (rig).parked, ==, 0);
}

void
add_park_tests (void)
{
  static const RigTest tests[] = {
    { "a-parked-delivery-leaves-the-queue", a_parked_delivery_leaves_the_queue },
    { "a-parked-delivery-keeps-position-attempts-and-message",
      a_parked_delivery_keeps_position_attempts_and_message },
    { "parked-deliveries-come-oldest-due-first", parked_deliveries_come_oldest_due_first },
    { "parked-deliveries-come-when-due", parked_deliveries_come_when_due },
    { "the-limit-counts-for-parked-ones-too", the_limit_counts_for_parked_ones_too },
    { "a-limit-of-0-asks-for-the-next-due-time-only",
      a_limit_of_0_asks_for_the_next_due_time_only },
    { "parking-again-moves-the-due-time", parking_again_moves_the_due_time },
    { "what-has-ended-or-died-cannot-be-parked", what_has_ended_or_died_cannot_be_parked },
    { "a-position-that-never-was-cannot-be-parked", a_position_that_never_was_cannot_be_parked },
    { "time-alone-does-not-unpark", time_alone_does_not_unpark },
    { "a-parked-delivery-can-be-confirmed", a_parked_delivery_can_be_confirmed },
  };

  rig_add_tests ("park", tests, G_N_ELEMENTS (tests));
}

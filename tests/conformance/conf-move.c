/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conf-move: deliveries that go to the end of another user's queue. */

#include "rig.h"

/* From each state. */
static const SbOutcome outcomes[] = {
  [SB_DELIVERY_PENDING] = SB_OUTCOME_DONE,    [SB_DELIVERY_SCHEDULED] = SB_OUTCOME_DONE,
  [SB_DELIVERY_PARKED] = SB_OUTCOME_DONE,     [SB_DELIVERY_CONFIRMED] = SB_OUTCOME_UNKNOWN,
  [SB_DELIVERY_EXPIRED] = SB_OUTCOME_UNKNOWN, [SB_DELIVERY_DEAD] = SB_OUTCOME_DONE,
  [SB_DELIVERY_DROPPED] = SB_OUTCOME_UNKNOWN,
};

static void
a_delivery_is_moved_or_unknown (gconstpointer data)
{
  SbDeliveryState from = GPOINTER_TO_UINT (data);
  g_autoptr (Rig) rig = rig_new ();
  gint64 position = rig_bring_into (rig, from);
  SbOperation *operation = rig_move (rig, rig->a, rig->b, "m1");
  g_autoptr (SbMessageStatus) status = rig_status (rig, "m1");
  const SbDeliveryStatus *row = find_status (status, rig->a);

  g_assert_cmpint (operation->outcome, ==, outcomes[from]);
  if (operation->outcome != SB_OUTCOME_DONE)
    {
      g_assert_cmpint (row->state, ==, from);
      g_assert_cmpuint (status->deliveries->len, ==, 1);
      expect_pending (rig, rig->b, "");
      return;
    }
  g_assert_cmpint (operation->move.old_position, ==, position);
  g_assert_cmpint (operation->move.position, >, 0);
  g_assert_cmpint (operation->move.sender_key, ==, rig->s);
  g_assert_cmpint (row->state, ==, SB_DELIVERY_DROPPED);
  g_assert_cmpint (row->reason, ==, SB_REASON_MOVED);
  g_assert_cmpint (row->since, ==, START + SECOND);
  g_assert_cmpint (row->due, ==, 0);
  g_assert_cmpint (find_status (status, rig->b)->state, ==, SB_DELIVERY_PENDING);
  expect_pending (rig, rig->a, "");
  expect_parked (rig, rig->a, G_MAXINT64, "", 0);
  expect_pending (rig, rig->b, "m1");
}

static void
a_moved_delivery_comes_last (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *operation;
  gint64 position;

  rig_send (rig, "m1", rig->s, rig->a);
  position = rig_send (rig, "m2", rig->s, rig->b);
  operation = rig_move (rig, rig->a, rig->b, "m1");
  g_assert_cmpint (operation->move.position, >, position);
  expect_pending (rig, rig->b, "m2 m1");
  g_assert_cmpint (rig_send (rig, "m3", rig->s, rig->b), >, operation->move.position);
  expect_pending (rig, rig->b, "m2 m1 m3");
}

static void
a_moved_delivery_comes_back_byte_for_byte (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *append = rig_apply (
      rig, make_append (make_message (rig, "m1", rig->s, 0, START + HOUR), 1, &rig->a));
  SbOperation *operation = rig_move (rig, rig->a, rig->b, "m1");
  g_autoptr (GPtrArray) rows = rig_read_pending (rig, rig->b, 0);
  const SbStoredDelivery *row;

  g_assert_cmpuint (rows->len, ==, 1);
  row = g_ptr_array_index (rows, 0);
  assert_message_equal (row->message, append->append.message);
  g_assert_cmpint (row->position, ==, operation->move.position);
  g_assert_cmpuint (row->attempts, ==, 0);
}

static void
the_new_one_is_found_by_position_and_the_old_one_stays_dropped (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 position = rig_send (rig, "m1", rig->s, rig->a);
  gint64 moved = rig_move (rig, rig->a, rig->b, "m1")->move.position;
  SbOperation *end;

  g_assert_cmpint (
      rig_apply (rig, make_end (rig->a, position, NULL, SB_DELIVERY_CONFIRMED, START))->outcome, ==,
      SB_OUTCOME_UNKNOWN);
  g_assert_cmpint (rig_apply (rig, make_park (rig->a, position, START + HOUR, START))->outcome, ==,
                   SB_OUTCOME_UNKNOWN);
  end = rig_apply (rig, make_end (rig->b, moved, NULL, SB_DELIVERY_CONFIRMED, START));
  g_assert_cmpint (end->outcome, ==, SB_OUTCOME_DONE);
  g_assert_cmpint (end->end.sender_key, ==, rig->s);
  g_assert_cmpint (
      rig_apply (rig, make_end (rig->b, moved, NULL, SB_DELIVERY_CONFIRMED, START))->outcome, ==,
      SB_OUTCOME_DUPLICATE);
  expect_status (rig, "m1", "a dropped moved 0, b confirmed - 0");
}

static void
the_new_one_is_found_by_id (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *end;
  gint64 position;

  rig_send (rig, "m1", rig->s, rig->a);
  position = rig_move (rig, rig->a, rig->b, "m1")->move.position;
  g_assert_cmpint (rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START), ==,
                   SB_OUTCOME_UNKNOWN);
  end = rig_apply (rig, make_end (rig->b, 0, "m1", SB_DELIVERY_CONFIRMED, START));
  g_assert_cmpint (end->outcome, ==, SB_OUTCOME_DONE);
  g_assert_cmpint (end->end.position, ==, position);
}

/* What the queue of a bus that read the delivery from a page gives with the end. */
static void
handle_and_message_help_to_find_the_new_one (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (GPtrArray) rows = NULL;
  const SbStoredDelivery *row;
  SbOperation *end;

  rig_send (rig, "m1", rig->s, rig->a);
  rig_move (rig, rig->a, rig->b, "m1");
  rows = rig_read_pending (rig, rig->b, 0);
  row = g_ptr_array_index (rows, 0);
  end = make_end (rig->b, row->position, "m1", SB_DELIVERY_CONFIRMED, START);
  end->end.handle = row->handle;
  end->end.message = sb_message_ref (row->message);
  g_assert_cmpint (rig_apply (rig, end)->outcome, ==, SB_OUTCOME_DONE);
  expect_status (rig, "m1", "a dropped moved 0, b confirmed - 0");
  g_assert_cmpuint (rig_stats (rig).messages, ==, 0);
  g_assert_cmpuint (rig_stats (rig).remembered, ==, 1);
}

/* The one that the append gave is of a message with one recipient, which it has no more. */
static void
the_handle_of_the_append_still_helps_and_misleads_nobody (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *append = rig_apply (
      rig, make_append (make_message (rig, "m1", rig->s, 0, 0), 1, &rig->a));
  SbOperation *end = make_end (rig->a, append->append.targets[0].position, "m1",
                               SB_DELIVERY_CONFIRMED, START);

  end->end.handle = append->append.handle;
  end->end.message = sb_message_ref (append->append.message);
  rig_move (rig, rig->a, rig->b, "m1");
  g_assert_cmpint (rig_apply (rig, end)->outcome, ==, SB_OUTCOME_UNKNOWN);
  expect_pending (rig, rig->b, "m1");
  end = make_end (rig->b, 0, "m1", SB_DELIVERY_CONFIRMED, START);
  end->end.handle = append->append.handle;
  end->end.message = sb_message_ref (append->append.message);
  g_assert_cmpint (rig_apply (rig, end)->outcome, ==, SB_OUTCOME_DONE);
  expect_status (rig, "m1", "a dropped moved 0, b confirmed - 0");
  g_assert_cmpuint (rig_stats (rig).messages, ==, 0);
}

static void
a_recipient_of_the_message_is_a_conflict (void)
{
  g_autoptr (Rig) rig = rig_new ();
  const gint64 both[] = { rig->a, rig->b };

  rig_apply (rig, make_append (make_message (rig, "m1", rig->s, 0, 0), 2, both));
  g_assert_cmpint (rig_move (rig, rig->a, rig->b, "m1")->outcome, ==, SB_OUTCOME_CONFLICT);
  rig_end (rig, rig->b, "m1", SB_DELIVERY_CONFIRMED, START);
  g_assert_cmpint (rig_move (rig, rig->a, rig->b, "m1")->outcome, ==, SB_OUTCOME_CONFLICT);
  expect_status (rig, "m1", "a pending - 0, b confirmed - 0");
  expect_pending (rig, rig->a, "m1");
}

static void
the_same_recipient_is_a_conflict (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m1", rig->s, rig->a);
  g_assert_cmpint (rig_move (rig, rig->a, rig->a, "m1")->outcome, ==, SB_OUTCOME_CONFLICT);
  expect_status (rig, "m1", "a pending - 0");
}

static void
a_message_does_not_come_back_to_whom_it_was_moved_away_from (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m1", rig->s, rig->a);
  rig_move (rig, rig->a, rig->b, "m1");
  g_assert_cmpint (rig_move (rig, rig->b, rig->a, "m1")->outcome, ==, SB_OUTCOME_CONFLICT);
  g_assert_cmpint (rig_move (rig, rig->b, rig->s, "m1")->outcome, ==, SB_OUTCOME_DONE);
  g_assert_cmpint (rig_move (rig, rig->s, rig->b, "m1")->outcome, ==, SB_OUTCOME_CONFLICT);
  expect_status (rig, "m1", "s pending - 0, a dropped moved 0, b dropped moved 0");
}

static void
unknown_comes_before_conflict (void)
{
  g_autoptr (Rig) rig = rig_new ();
  const gint64 both[] = { rig->a, rig->b };

  rig_apply (rig, make_append (make_message (rig, "m1", rig->s, 0, 0), 2, both));
  rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START);
  g_assert_cmpint (rig_move (rig, rig->a, rig->b, "m1")->outcome, ==, SB_OUTCOME_UNKNOWN);
  rig_apply (rig, make_append (make_message (rig, "m2", rig->s, 0, 0), 2, both));
  rig_remove_user (rig, rig->b, START);
  g_assert_cmpint (rig_move (rig, rig->a, rig->b, "m2")->outcome, ==, SB_OUTCOME_UNKNOWN);
}

static void
what_is_not_there_is_unknown (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m1", rig->s, rig->a);
  g_assert_cmpint (rig_move (rig, rig->a, rig->b, "m2")->outcome, ==, SB_OUTCOME_UNKNOWN);
  g_assert_cmpint (rig_move (rig, rig->b, rig->s, "m1")->outcome, ==, SB_OUTCOME_UNKNOWN);
  g_assert_cmpint (rig_move (rig, rig->a, rig->b + 1000, "m1")->outcome, ==, SB_OUTCOME_UNKNOWN);
  rig_remove_user (rig, rig->b, START);
  g_assert_cmpint (rig_move (rig, rig->a, rig->b, "m1")->outcome, ==, SB_OUTCOME_UNKNOWN);
  expect_status (rig, "m1", "a pending - 0");
  expect_pending (rig, rig->a, "m1");
}

static void
what_died_with_its_recipient_can_be_moved (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 position = rig_send (rig, "m1", rig->s, rig->a);
  SbOperation *operation;

  rig_remove_user (rig, rig->a, START);
  operation = rig_move (rig, rig->a, rig->b, "m1");
  g_assert_cmpint (operation->outcome, ==, SB_OUTCOME_DONE);
  g_assert_cmpint (operation->move.old_position, ==, position);
  expect_pending (rig, rig->b, "m1");
  expect_status (rig, "m1", "a dropped moved 0, b pending - 0");
  g_assert_cmpuint (rig_stats (rig).dead, ==, 0);
}

static void
limits_do_not_refuse_it_and_count_it_afterwards (void)
{
  g_autoptr (Rig) rig = rig_prepare ();

  rig->options.limits.max_queue = 1;
  rig_start (rig);
  rig_send (rig, "m1", rig->s, rig->a);
  rig_send (rig, "m2", rig->s, rig->b);
  g_assert_cmpint (rig_move (rig, rig->a, rig->b, "m1")->outcome, ==, SB_OUTCOME_DONE);
  expect_backlog (rig, rig->a, 0);
  expect_backlog (rig, rig->b, 2);
  rig_end (rig, rig->b, "m2", SB_DELIVERY_CONFIRMED, START);
  g_assert_cmpint (
      rig_apply (rig, make_append (make_message (rig, "m3", rig->s, 0, 0), 1, &rig->b))->outcome,
      ==, SB_OUTCOME_FULL);
  rig_send (rig, "m4", rig->s, rig->a);
}

static void
attempts_and_log_stay_with_the_old_one (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 position = rig_send (rig, "m1", rig->s, rig->a);

  rig_apply (rig, with_log (make_park (rig->a, position, START + HOUR, START), "five in vain"));
  rig_move (rig, rig->a, rig->b, "m1");
  expect_status (rig, "m1", "a dropped moved 5, b pending - 0");
  expect_log (rig, rig->a, "m1", "five in vain");
  expect_log (rig, rig->b, "m1", NULL);
}

static void
a_scheduled_one_is_pending_at_once_and_does_not_wake_again (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *operation;
  SbOperation *sweep;

  rig_bring_into (rig, SB_DELIVERY_SCHEDULED);
  operation = rig_move (rig, rig->a, rig->b, "m1");
  g_assert_cmpint (operation->move.old_position, ==, 0);
  sweep = rig_apply (rig, make_sweep (START + 2 * HOUR, 100));
  g_assert_cmpuint (sweep->sweep.moved->len, ==, 0);
  g_assert_cmpint (sweep->sweep.next, ==, 0);
  expect_pending (rig, rig->b, "m1");
}

static void
a_deadline_holds_for_the_new_one_alone (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *operation;
  SbOperation *sweep;
  const SbDue *due;

  rig_apply (rig, make_append (make_message (rig, "m1", rig->s, 0, START + HOUR), 1, &rig->a));
  operation = rig_move (rig, rig->a, rig->b, "m1");
  sweep = rig_apply (rig, make_sweep (START + HOUR - 1, 100));
  g_assert_cmpuint (sweep->sweep.moved->len, ==, 0);
  g_assert_cmpint (sweep->sweep.next, ==, START + HOUR);
  sweep = rig_apply (rig, make_sweep (START + HOUR, 100));
  g_assert_cmpuint (sweep->sweep.moved->len, ==, 1);
  due = &g_array_index (sweep->sweep.moved, SbDue, 0);
  g_assert_cmpint (due->recipient, ==, rig->b);
  g_assert_cmpint (due->position, ==, operation->move.position);
  g_assert_cmpint (due->sender_key, ==, rig->s);
  expect_status (rig, "m1", "a dropped moved 0, b expired ttl 0");
}

static void
a_deadline_that_has_passed_holds_for_the_new_one (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_apply (rig, make_append (make_message (rig, "m1", rig->s, 0, START + HOUR), 1, &rig->a));
  rig_end (rig, rig->a, "m1", SB_DELIVERY_DEAD, START);
  rig_sweep (rig, START + 2 * HOUR);
  rig_move (rig, rig->a, rig->b, "m1");
  expect_pending (rig, rig->b, "m1");
  rig_sweep (rig, START + 2 * HOUR);
  expect_status (rig, "m1", "a dropped moved 0, b expired ttl 0");
}

static void
the_status_stays_in_order_of_the_recipients_keys (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m1", rig->s, rig->b);
  rig_move (rig, rig->b, rig->a, "m1");
  expect_status (rig, "m1", "a pending - 0, b dropped moved 0");
}

static void
one_of_several_recipients_can_be_replaced (void)
{
  g_autoptr (Rig) rig = rig_new ();
  const gint64 both[] = { rig->a, rig->b };
  gint64 c = rig_add_user (rig, "c");

  rig_apply (rig, make_append (make_message (rig, "m1", rig->s, 0, START + HOUR), 2, both));
  rig_move (rig, rig->a, c, "m1");
  expect_status (rig, "m1", "a dropped moved 0, b pending - 0, c pending - 0");
  rig_end (rig, rig->b, "m1", SB_DELIVERY_CONFIRMED, START);
  g_assert_cmpuint (rig_stats (rig).messages, ==, 1);
  expect_pending (rig, c, "m1");
  rig_sweep (rig, START + HOUR);
  expect_status (rig, "m1", "a dropped moved 0, b confirmed - 0, c expired ttl 0");
  g_assert_cmpuint (rig_stats (rig).messages, ==, 0);
}

static void
a_duplicate_counts_both (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *again;

  rig_send (rig, "m1", rig->s, rig->a);
  rig_move (rig, rig->a, rig->b, "m1");
  again = rig_apply (rig, make_append (make_message (rig, "m1", rig->s, 0, 0), 1, &rig->a));
  g_assert_cmpint (again->outcome, ==, SB_OUTCOME_DUPLICATE);
  g_assert_cmpuint (again->append.n_recipients, ==, 2);
}

static void
the_message_lasts_as_long_as_the_new_one (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbStoreStats stats;

  rig_send (rig, "m1", rig->s, rig->a);
  rig_move (rig, rig->a, rig->b, "m1");
  rig_sweep (rig, START + 100 * HOUR);
  stats = rig_stats (rig);
  g_assert_cmpuint (stats.messages, ==, 1);
  g_assert_cmpuint (stats.waiting, ==, 1);
  g_assert_cmpuint (stats.remembered, ==, 0);
  rig_end (rig, rig->b, "m1", SB_DELIVERY_CONFIRMED, START + 100 * HOUR);
  g_assert_cmpuint (rig_stats (rig).messages, ==, 0);
  rig_sweep (rig, START + 101 * HOUR - 1);
  expect_status (rig, "m1", "a dropped moved 0, b confirmed - 0");
  rig_sweep (rig, START + 101 * HOUR);
  expect_status (rig, "m1", NULL);
}

/* What is left of it would be found by the message of the same id. */
static void
all_of_it_is_forgotten (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 moved;

  rig_send (rig, "m1", rig->s, rig->a);
  moved = rig_move (rig, rig->a, rig->b, "m1")->move.position;
  rig_end (rig, rig->b, "m1", SB_DELIVERY_CONFIRMED, START);
  rig_sweep (rig, START + HOUR);
  g_assert_cmpint (
      rig_apply (rig, make_end (rig->b, moved, NULL, SB_DELIVERY_CONFIRMED, START))->outcome, ==,
      SB_OUTCOME_UNKNOWN);
  rig_send (rig, "m1", rig->s, rig->a);
  expect_status (rig, "m1", "a pending - 0");
  expect_pending (rig, rig->b, "");
}

static void
the_receipt_names_who_confirmed (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *end = make_end (rig->b, 0, "m1", SB_DELIVERY_CONFIRMED, START);

  rig_send (rig, "m1", rig->s, rig->a);
  rig_move (rig, rig->a, rig->b, "m1");
  end->end.store_receipt = TRUE;
  rig_apply (rig, end);
  expect_receipts (rig, rig->s, "m1/b");
}

static void
the_new_one_dies_with_its_recipient (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m1", rig->s, rig->a);
  rig_move (rig, rig->a, rig->b, "m1");
  rig_remove_user (rig, rig->b, START);
  expect_status (rig, "m1", "a dropped moved 0, b dead recipient-deleted 0");
  g_assert_cmpuint (rig_stats (rig).dead, ==, 1);
}

static void
the_new_one_goes_all_ways_of_a_delivery (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 position;

  rig_send (rig, "m1", rig->s, rig->a);
  position = rig_move (rig, rig->a, rig->b, "m1")->move.position;
  g_assert_cmpint (rig_apply (rig, make_park (rig->b, position, START + HOUR, START))->outcome, ==,
                   SB_OUTCOME_DONE);
  expect_parked (rig, rig->b, START + HOUR, "m1", 0);
  g_assert_cmpint (rig_end (rig, rig->b, "m1", SB_DELIVERY_DEAD, START), ==, SB_OUTCOME_DONE);
  g_assert_cmpint (rig_requeue (rig, rig->b, "m1")->requeue.old_position, ==, position);
  expect_pending (rig, rig->b, "m1");
  g_assert_cmpint (rig_end (rig, rig->b, "m1", SB_DELIVERY_DROPPED, START), ==, SB_OUTCOME_DONE);
  expect_status (rig, "m1", "a dropped moved 0, b dropped dropped 0");
}

static void
all_in_one_batch_is_seen (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbOperation) append = make_append (make_message (rig, "m1", rig->s, 0, 0), 1, &rig->a);
  g_autoptr (SbOperation) move = make_move (rig->a, rig->b, "m1", START);
  g_autoptr (SbOperation) again = make_move (rig->b, rig->s, "m1", START);
  g_autoptr (SbOperation) end = make_end (rig->s, 0, "m1", SB_DELIVERY_CONFIRMED, START);
  SbOperation *batch[] = { append, move, again, end };

  rig_apply_batch (rig, batch, G_N_ELEMENTS (batch));
  for (guint i = 0; i < G_N_ELEMENTS (batch); i++)
    g_assert_cmpint (batch[i]->outcome, ==, SB_OUTCOME_DONE);
  g_assert_cmpint (again->move.old_position, ==, move->move.position);
  g_assert_cmpint (end->end.position, ==, again->move.position);
  expect_status (rig, "m1", "s confirmed - 0, a dropped moved 0, b dropped moved 0");
  g_assert_cmpuint (rig_stats (rig).remembered, ==, 1);
}

static void
a_message_can_go_through_many_hands (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 from = rig->a;

  rig_send (rig, "m1", rig->s, rig->a);
  for (guint i = 0; i < 300; i++)
    {
      g_autofree char *id = g_strdup_printf ("u%u", i);
      gint64 to = rig_add_user (rig, id);

      g_assert_cmpint (rig_move (rig, from, to, "m1")->outcome, ==, SB_OUTCOME_DONE);
      from = to;
    }
  expect_pending (rig, from, "m1");
  g_assert_cmpuint (rig_stats (rig).waiting, ==, 1);
  rig_end (rig, from, "m1", SB_DELIVERY_CONFIRMED, START);
  rig_sweep (rig, START + HOUR);
  expect_status (rig, "m1", NULL);
}

static void
add_table (void)
{
  for (gsize from = 0; from < G_N_ELEMENTS (outcomes); from++)
    {
      g_autofree char *path = g_strdup_printf (
          "/store/move/from-%s-is-%s", sb_delivery_state_to_string ((SbDeliveryState) from),
          outcomes[from] == SB_OUTCOME_DONE ? "done" : "unknown");

      g_test_add_data_func (path, GUINT_TO_POINTER (from), a_delivery_is_moved_or_unknown);
    }
}

void
add_move_tests (void)
{
  static const RigTest tests[] = {
    { "a-moved-delivery-comes-last", a_moved_delivery_comes_last },
    { "a-moved-delivery-comes-back-byte-for-byte", a_moved_delivery_comes_back_byte_for_byte },
    { "the-new-one-is-found-by-position-and-the-old-one-stays-dropped",
      the_new_one_is_found_by_position_and_the_old_one_stays_dropped },
    { "the-new-one-is-found-by-id", the_new_one_is_found_by_id },
    { "handle-and-message-help-to-find-the-new-one", handle_and_message_help_to_find_the_new_one },
    { "the-handle-of-the-append-still-helps-and-misleads-nobody",
      the_handle_of_the_append_still_helps_and_misleads_nobody },
    { "a-recipient-of-the-message-is-a-conflict", a_recipient_of_the_message_is_a_conflict },
    { "the-same-recipient-is-a-conflict", the_same_recipient_is_a_conflict },
    { "a-message-does-not-come-back-to-whom-it-was-moved-away-from",
      a_message_does_not_come_back_to_whom_it_was_moved_away_from },
    { "unknown-comes-before-conflict", unknown_comes_before_conflict },
    { "what-is-not-there-is-unknown", what_is_not_there_is_unknown },
    { "what-died-with-its-recipient-can-be-moved", what_died_with_its_recipient_can_be_moved },
    { "limits-do-not-refuse-it-and-count-it-afterwards",
      limits_do_not_refuse_it_and_count_it_afterwards },
    { "attempts-and-log-stay-with-the-old-one", attempts_and_log_stay_with_the_old_one },
    { "a-scheduled-one-is-pending-at-once-and-does-not-wake-again",
      a_scheduled_one_is_pending_at_once_and_does_not_wake_again },
    { "a-deadline-holds-for-the-new-one-alone", a_deadline_holds_for_the_new_one_alone },
    { "a-deadline-that-has-passed-holds-for-the-new-one",
      a_deadline_that_has_passed_holds_for_the_new_one },
    { "the-status-stays-in-order-of-the-recipients-keys",
      the_status_stays_in_order_of_the_recipients_keys },
    { "one-of-several-recipients-can-be-replaced", one_of_several_recipients_can_be_replaced },
    { "a-duplicate-counts-both", a_duplicate_counts_both },
    { "the-message-lasts-as-long-as-the-new-one", the_message_lasts_as_long_as_the_new_one },
    { "all-of-it-is-forgotten", all_of_it_is_forgotten },
    { "the-receipt-names-who-confirmed", the_receipt_names_who_confirmed },
    { "the-new-one-dies-with-its-recipient", the_new_one_dies_with_its_recipient },
    { "the-new-one-goes-all-ways-of-a-delivery", the_new_one_goes_all_ways_of_a_delivery },
    { "all-in-one-batch-is-seen", all_in_one_batch_is_seen },
    { "a-message-can-go-through-many-hands", a_message_can_go_through_many_hands },
  };

  add_table ();
  rig_add_tests ("move", tests, G_N_ELEMENTS (tests));
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conf-requeue: deliveries that go back to the end of their queue. */

#include "rig.h"

/* From each state. */
static const SbOutcome outcomes[] = {
  [SB_DELIVERY_PENDING] = SB_OUTCOME_UNKNOWN, [SB_DELIVERY_SCHEDULED] = SB_OUTCOME_DONE,
  [SB_DELIVERY_PARKED] = SB_OUTCOME_DONE,     [SB_DELIVERY_CONFIRMED] = SB_OUTCOME_UNKNOWN,
  [SB_DELIVERY_EXPIRED] = SB_OUTCOME_UNKNOWN, [SB_DELIVERY_DEAD] = SB_OUTCOME_DONE,
  [SB_DELIVERY_DROPPED] = SB_OUTCOME_UNKNOWN,
};

static void
a_delivery_is_requeued_or_unknown (gconstpointer data)
{
  SbDeliveryState from = GPOINTER_TO_UINT (data);
  g_autoptr (Rig) rig = rig_new ();
  gint64 position = rig_bring_into (rig, from);
  SbOperation *operation = rig_requeue (rig, rig->a, "m1");
  g_autoptr (SbMessageStatus) status = rig_status (rig, "m1");
  const SbDeliveryStatus *row = find_status (status, rig->a);

  g_assert_cmpint (operation->outcome, ==, outcomes[from]);
  if (operation->outcome != SB_OUTCOME_DONE)
    {
      g_assert_cmpint (row->state, ==, from);
      return;
    }
  g_assert_cmpint (operation->requeue.old_position, ==, position);
  g_assert_cmpint (operation->requeue.position, >, position);
  g_assert_cmpint (row->state, ==, SB_DELIVERY_PENDING);
  g_assert_cmpint (row->reason, ==, SB_REASON_NONE);
  g_assert_cmpint (row->due, ==, 0);
  expect_pending (rig, rig->a, "m1");
  expect_parked (rig, rig->a, G_MAXINT64, "", 0);
}

/* Returns the position that it had. */
static gint64
send_and_kill (Rig *rig, const char *id)
{
  gint64 position = rig_send (rig, id, rig->s, rig->a);

  rig_end (rig, rig->a, id, SB_DELIVERY_DEAD, START);
  return position;
}

static void
a_requeued_delivery_comes_last (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *operation;
  gint64 position;

  send_and_kill (rig, "m1");
  position = rig_send (rig, "m2", rig->s, rig->a);
  operation = rig_requeue (rig, rig->a, "m1");
  g_assert_cmpint (operation->requeue.position, >, position);
  expect_pending (rig, rig->a, "m2 m1");
  g_assert_cmpint (rig_send (rig, "m3", rig->s, rig->a), >, operation->requeue.position);
  expect_pending (rig, rig->a, "m2 m1 m3");
}

static void
a_requeued_delivery_comes_back_byte_for_byte (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *append = rig_apply (
      rig, make_append (make_message (rig, "m1", rig->s, 0, START + HOUR), 1, &rig->a));
  g_autoptr (GPtrArray) rows = NULL;
  SbOperation *operation;
  const SbStoredDelivery *row;

  rig_end (rig, rig->a, "m1", SB_DELIVERY_DEAD, START);
  operation = rig_requeue (rig, rig->a, "m1");
  rows = rig_read_pending (rig, rig->a, operation->requeue.position - 1);
  g_assert_cmpuint (rows->len, ==, 1);
  row = g_ptr_array_index (rows, 0);
  assert_message_equal (row->message, append->append.message);
  g_assert_cmpint (row->position, ==, operation->requeue.position);
  g_assert_cmpint (row->handle, ==, append->append.handle);
  g_assert_cmpuint (row->attempts, ==, 0);
}

static void
its_old_position_finds_nothing (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 position = send_and_kill (rig, "m1");

  rig_requeue (rig, rig->a, "m1");
  g_assert_cmpint (
      rig_apply (rig, make_end (rig->a, position, NULL, SB_DELIVERY_CONFIRMED, START))->outcome, ==,
      SB_OUTCOME_UNKNOWN);
  g_assert_cmpint (rig_apply (rig, make_park (rig->a, position, START + HOUR, START))->outcome, ==,
                   SB_OUTCOME_UNKNOWN);
  expect_pending (rig, rig->a, "m1");
}

static void
its_old_position_finds_nothing_after_its_end_either (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 position = send_and_kill (rig, "m1");

  rig_requeue (rig, rig->a, "m1");
  rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START);
  /* It would be a duplicate if it were found. */
  g_assert_cmpint (
      rig_apply (rig, make_end (rig->a, position, NULL, SB_DELIVERY_CONFIRMED, START))->outcome, ==,
      SB_OUTCOME_UNKNOWN);
}

static void
its_new_position_finds_it (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 position;
  SbOperation *end;

  send_and_kill (rig, "m1");
  position = rig_requeue (rig, rig->a, "m1")->requeue.position;
  end = rig_apply (rig, make_end (rig->a, position, NULL, SB_DELIVERY_CONFIRMED, START));
  g_assert_cmpint (end->outcome, ==, SB_OUTCOME_DONE);
  g_assert_cmpint (end->end.sender_key, ==, rig->s);
  g_assert_cmpint (
      rig_apply (rig, make_end (rig->a, position, NULL, SB_DELIVERY_CONFIRMED, START))->outcome, ==,
      SB_OUTCOME_DUPLICATE);
  expect_pending (rig, rig->a, "");
  expect_status (rig, "m1", "a confirmed - 0");
}

static void
handle_and_message_help_to_find_it_too (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *append = rig_apply (
      rig, make_append (make_message (rig, "m1", rig->s, 0, 0), 1, &rig->a));
  SbOperation *end;

  rig_end (rig, rig->a, "m1", SB_DELIVERY_DEAD, START);
  end = make_end (rig->a, rig_requeue (rig, rig->a, "m1")->requeue.position, "m1",
                  SB_DELIVERY_CONFIRMED, START);
  end->end.handle = append->append.handle;
  end->end.message = sb_message_ref (append->append.message);
  g_assert_cmpint (rig_apply (rig, end)->outcome, ==, SB_OUTCOME_DONE);
  expect_status (rig, "m1", "a confirmed - 0");
  g_assert_cmpuint (rig_stats (rig).messages, ==, 0);
}

static void
an_id_finds_it_with_its_new_position (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 position;
  SbOperation *end;

  send_and_kill (rig, "m1");
  position = rig_requeue (rig, rig->a, "m1")->requeue.position;
  end = rig_apply (rig, make_end (rig->a, 0, "m1", SB_DELIVERY_CONFIRMED, START));
  g_assert_cmpint (end->outcome, ==, SB_OUTCOME_DONE);
  g_assert_cmpint (end->end.position, ==, position);
}

static void
its_attempts_begin_anew (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *park;

  rig_bring_into (rig, SB_DELIVERY_PARKED);
  expect_status (rig, "m1", "a parked - 5");
  park = make_park (rig->a, rig_requeue (rig, rig->a, "m1")->requeue.position, START + HOUR, START);
  expect_status (rig, "m1", "a pending - 0");
  park->park.attempts = 2;
  rig_apply (rig, park);
  expect_status (rig, "m1", "a parked - 2");
}

static void
a_requeued_delivery_does_not_wake_again (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *sweep;

  rig_bring_into (rig, SB_DELIVERY_SCHEDULED);
  rig_requeue (rig, rig->a, "m1");
  sweep = rig_apply (rig, make_sweep (START + 2 * HOUR, 100));
  g_assert_cmpuint (sweep->sweep.moved->len, ==, 0);
  g_assert_cmpint (sweep->sweep.next, ==, 0);
  expect_pending (rig, rig->a, "m1");
}

static void
a_requeued_delivery_can_be_requeued_again_when_it_died_again (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 position;

  send_and_kill (rig, "m1");
  position = rig_requeue (rig, rig->a, "m1")->requeue.position;
  g_assert_cmpint (rig_requeue (rig, rig->a, "m1")->outcome, ==, SB_OUTCOME_UNKNOWN);
  rig_end (rig, rig->a, "m1", SB_DELIVERY_DEAD, START);
  g_assert_cmpint (rig_requeue (rig, rig->a, "m1")->requeue.old_position, ==, position);
  expect_pending (rig, rig->a, "m1");
}

static void
limits_do_not_refuse_it_and_count_it_afterwards (void)
{
  g_autoptr (Rig) rig = rig_prepare ();

  rig->options.limits.max_queue = 1;
  rig_start (rig);
  send_and_kill (rig, "m1");
  rig_send (rig, "m2", rig->s, rig->a);
  g_assert_cmpint (rig_requeue (rig, rig->a, "m1")->outcome, ==, SB_OUTCOME_DONE);
  expect_pending (rig, rig->a, "m2 m1");
  expect_backlog (rig, rig->a, 2);
  rig_end (rig, rig->a, "m2", SB_DELIVERY_CONFIRMED, START);
  g_assert_cmpint (
      rig_apply (rig, make_append (make_message (rig, "m3", rig->s, 0, 0), 1, &rig->a))->outcome,
      ==, SB_OUTCOME_FULL);
}

static void
a_deadline_holds_for_it (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *sweep;

  rig_apply (rig, make_append (make_message (rig, "m1", rig->s, 0, START + HOUR), 1, &rig->a));
  rig_end (rig, rig->a, "m1", SB_DELIVERY_DEAD, START);
  rig_requeue (rig, rig->a, "m1");
  sweep = rig_apply (rig, make_sweep (START + HOUR - 1, 100));
  g_assert_cmpuint (sweep->sweep.moved->len, ==, 0);
  g_assert_cmpint (sweep->sweep.next, ==, START + HOUR);
  rig_sweep (rig, START + HOUR);
  expect_pending (rig, rig->a, "");
  expect_status (rig, "m1", "a expired ttl 0");
}

static void
a_deadline_that_has_passed_holds_for_it (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 position;
  SbOperation *sweep;
  const SbDue *due;

  rig_apply (rig, make_append (make_message (rig, "m1", rig->s, 0, START + HOUR), 1, &rig->a));
  rig_end (rig, rig->a, "m1", SB_DELIVERY_DEAD, START);
  /* Which leaves a dead one alone. */
  rig_sweep (rig, START + 2 * HOUR);
  position = rig_requeue (rig, rig->a, "m1")->requeue.position;
  expect_pending (rig, rig->a, "m1");
  sweep = rig_apply (rig, make_sweep (START + 2 * HOUR, 100));
  g_assert_cmpuint (sweep->sweep.moved->len, ==, 1);
  due = &g_array_index (sweep->sweep.moved, SbDue, 0);
  g_assert_cmpint (due->state, ==, SB_DELIVERY_EXPIRED);
  g_assert_cmpint (due->position, ==, position);
  expect_status (rig, "m1", "a expired ttl 0");
}

static void
the_others_of_the_message_are_left_alone (void)
{
  g_autoptr (Rig) rig = rig_new ();
  const gint64 both[] = { rig->a, rig->b };

  rig_apply (rig, make_append (make_message (rig, "m1", rig->s, 0, START + HOUR), 2, both));
  rig_end (rig, rig->a, "m1", SB_DELIVERY_DEAD, START);
  rig_end (rig, rig->b, "m1", SB_DELIVERY_CONFIRMED, START);
  rig_requeue (rig, rig->a, "m1");
  expect_status (rig, "m1", "a pending - 0, b confirmed - 0");
  expect_pending (rig, rig->a, "m1");
  expect_pending (rig, rig->b, "");
  g_assert_cmpuint (rig_stats (rig).messages, ==, 1);
  rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START);
  g_assert_cmpuint (rig_stats (rig).messages, ==, 0);
  g_assert_cmpuint (rig_stats (rig).remembered, ==, 1);
}

static void
what_has_no_living_recipient_is_unknown (void)
{
  g_autoptr (Rig) rig = rig_new ();

  send_and_kill (rig, "m1");
  rig_send (rig, "m2", rig->s, rig->a);
  rig_remove_user (rig, rig->a, START);
  g_assert_cmpint (rig_requeue (rig, rig->a, "m1")->outcome, ==, SB_OUTCOME_UNKNOWN);
  g_assert_cmpint (rig_requeue (rig, rig->a, "m2")->outcome, ==, SB_OUTCOME_UNKNOWN);
  expect_status (rig, "m1", "a dead refused 0");
  expect_status (rig, "m2", "a dead recipient-deleted 0");
}

static void
what_is_not_there_is_unknown (void)
{
  g_autoptr (Rig) rig = rig_new ();

  send_and_kill (rig, "m1");
  g_assert_cmpint (rig_requeue (rig, rig->b, "m1")->outcome, ==, SB_OUTCOME_UNKNOWN);
  g_assert_cmpint (rig_requeue (rig, rig->b + 1000, "m1")->outcome, ==, SB_OUTCOME_UNKNOWN);
  g_assert_cmpint (rig_requeue (rig, rig->a, "m2")->outcome, ==, SB_OUTCOME_UNKNOWN);
  expect_status (rig, "m1", "a dead refused 0");
}

static void
all_in_one_batch_is_seen (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbOperation) append = make_append (make_message (rig, "m1", rig->s, 0, 0), 1, &rig->a);
  g_autoptr (SbOperation) end = make_end (rig->a, 0, "m1", SB_DELIVERY_DEAD, START);
  g_autoptr (SbOperation) requeue = make_requeue (rig->a, "m1", START);
  g_autoptr (SbOperation) again = make_end (rig->a, 0, "m1", SB_DELIVERY_CONFIRMED, START);
  SbOperation *batch[] = { append, end, requeue, again };

  rig_apply_batch (rig, batch, G_N_ELEMENTS (batch));
  g_assert_cmpint (requeue->outcome, ==, SB_OUTCOME_DONE);
  g_assert_cmpint (requeue->requeue.old_position, ==, append->append.targets[0].position);
  g_assert_cmpint (again->outcome, ==, SB_OUTCOME_DONE);
  g_assert_cmpint (again->end.position, ==, requeue->requeue.position);
  g_assert_cmpuint (rig_stats (rig).remembered, ==, 1);
}

static void
it_is_counted_where_it_is (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbStoreStats stats;

  send_and_kill (rig, "dead");
  rig_bring_into (rig, SB_DELIVERY_PARKED);
  rig_requeue (rig, rig->a, "dead");
  rig_requeue (rig, rig->a, "m1");
  stats = rig_stats (rig);
  g_assert_cmpuint (stats.dead, ==, 0);
  g_assert_cmpuint (stats.parked, ==, 0);
  g_assert_cmpuint (stats.waiting, ==, 2);
  expect_backlog (rig, rig->a, 2);
  g_assert_cmpuint (rig_backlog (rig, rig->a).parked, ==, 0);
  g_assert_cmpuint (rig_backlog (rig, rig->a).dead, ==, 0);
}

static void
it_is_forgotten_as_any_other (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 position;

  send_and_kill (rig, "m1");
  position = rig_requeue (rig, rig->a, "m1")->requeue.position;
  rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START + SECOND);
  rig_sweep (rig, START + SECOND + HOUR);
  expect_status (rig, "m1", NULL);
  g_assert_cmpint (
      rig_apply (rig, make_end (rig->a, position, NULL, SB_DELIVERY_CONFIRMED, START))->outcome, ==,
      SB_OUTCOME_UNKNOWN);
  g_assert_cmpint (rig_send (rig, "m1", rig->s, rig->a), >, position);
  expect_status (rig, "m1", "a pending - 0");
}

static void
add_table (void)
{
  for (gsize from = 0; from < G_N_ELEMENTS (outcomes); from++)
    {
      g_autofree char *path = g_strdup_printf (
          "/store/requeue/from-%s-is-%s", sb_delivery_state_to_string ((SbDeliveryState) from),
          outcomes[from] == SB_OUTCOME_DONE ? "done" : "unknown");

      g_test_add_data_func (path, GUINT_TO_POINTER (from), a_delivery_is_requeued_or_unknown);
    }
}

void
add_requeue_tests (void)
{
  static const RigTest tests[] = {
    { "a-requeued-delivery-comes-last", a_requeued_delivery_comes_last },
    { "a-requeued-delivery-comes-back-byte-for-byte",
      a_requeued_delivery_comes_back_byte_for_byte },
    { "its-old-position-finds-nothing", its_old_position_finds_nothing },
    { "its-old-position-finds-nothing-after-its-end-either",
      its_old_position_finds_nothing_after_its_end_either },
    { "its-new-position-finds-it", its_new_position_finds_it },
    { "handle-and-message-help-to-find-it-too", handle_and_message_help_to_find_it_too },
    { "an-id-finds-it-with-its-new-position", an_id_finds_it_with_its_new_position },
    { "its-attempts-begin-anew", its_attempts_begin_anew },
    { "a-requeued-delivery-does-not-wake-again", a_requeued_delivery_does_not_wake_again },
    { "a-requeued-delivery-can-be-requeued-again-when-it-died-again",
      a_requeued_delivery_can_be_requeued_again_when_it_died_again },
    { "limits-do-not-refuse-it-and-count-it-afterwards",
      limits_do_not_refuse_it_and_count_it_afterwards },
    { "a-deadline-holds-for-it", a_deadline_holds_for_it },
    { "a-deadline-that-has-passed-holds-for-it", a_deadline_that_has_passed_holds_for_it },
    { "the-others-of-the-message-are-left-alone", the_others_of_the_message_are_left_alone },
    { "what-has-no-living-recipient-is-unknown", what_has_no_living_recipient_is_unknown },
    { "what-is-not-there-is-unknown", what_is_not_there_is_unknown },
    { "all-in-one-batch-is-seen", all_in_one_batch_is_seen },
    { "it-is-counted-where-it-is", it_is_counted_where_it_is },
    { "it-is-forgotten-as-any-other", it_is_forgotten_as_any_other },
  };

  add_table ();
  rig_add_tests ("requeue", tests, G_N_ELEMENTS (tests));
}

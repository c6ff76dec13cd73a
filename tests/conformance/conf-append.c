/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conf-append: what happens to a message that comes in. */

#include "rig.h"

static SbOperation *
send_to_both (Rig *rig, const char *id)
{
  const gint64 both[] = { rig->a, rig->b };

  return rig_apply (rig, make_append (make_message (rig, id, rig->s, 0, 0), 2, both));
}

static void
a_message_is_pending_for_every_recipient (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *operation = send_to_both (rig, "m1");

  g_assert_cmpint (operation->outcome, ==, SB_OUTCOME_DONE);
  g_assert_cmpuint (operation->append.n_recipients, ==, 2);
  g_assert_cmpint (operation->append.targets[0].state, ==, SB_DELIVERY_PENDING);
  g_assert_cmpint (operation->append.targets[0].position, >, 0);
  g_assert_cmpint (operation->append.targets[1].position, >, 0);
  expect_pending (rig, rig->a, "m1");
  expect_pending (rig, rig->b, "m1");
}

static void
a_message_comes_back_byte_for_byte (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *operation = rig_apply (
      rig, make_append (make_message (rig, "m1", rig->s, START - HOUR, START + HOUR), 1, &rig->a));
  g_autoptr (GPtrArray) rows = rig_read_pending (rig, rig->a, 0);
  const SbStoredDelivery *row;

  g_assert_cmpuint (rows->len, ==, 1);
  row = g_ptr_array_index (rows, 0);
  assert_message_equal (row->message, operation->append.message);
  g_assert_cmpint (row->position, ==, operation->append.targets[0].position);
  g_assert_cmpint (row->handle, ==, operation->append.handle);
  g_assert_cmpuint (row->attempts, ==, 0);
}

static void
an_empty_and_a_large_body_come_back (void)
{
  const gsize sizes[] = { 0, 1, 4096, 3 * 1024 * 1024 };
  g_autoptr (Rig) rig = rig_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *id = g_strdup_printf ("m%" G_GSIZE_FORMAT, sizes[i]);
      g_autoptr (GPtrArray) rows = NULL;
      SbMessage *message = sb_message_new (id, "s", rig->s, make_body (id, sizes[i]), START, 0, 0);
      SbOperation *operation = rig_apply (rig, make_append (message, 1, &rig->a));

      rows = rig_read_pending (rig, rig->a, operation->append.targets[0].position - 1);
      g_assert_cmpuint (rows->len, ==, 1);
      assert_message_equal (((SbStoredDelivery *) g_ptr_array_index (rows, 0))->message, message);
    }
}

static void
ids_may_hold_any_character (void)
{
  const char *const ids[] = { "ё€😀", "'; DROP TABLE messages; --", "\"", "%s%n", " " };
  g_autoptr (Rig) rig = rig_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      rig_send (rig, ids[i], rig->s, rig->a);
      expect_status (rig, ids[i], "a pending - 0");
    }
}

static void
ids_differ_by_case (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m", rig->s, rig->a);
  rig_send (rig, "M", rig->s, rig->a);
  expect_pending (rig, rig->a, "m M");
}

static void
positions_grow_in_order_of_acceptance (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 last = 0;

  for (guint i = 0; i < 50; i++)
    {
      g_autofree char *id = g_strdup_printf ("m%u", i);
      gint64 position = rig_send (rig, id, rig->s, rig->a);

      g_assert_cmpint (position, >, last);
      last = position;
    }
}

static void
positions_are_not_given_again_after_the_queue_was_emptied (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 first = rig_send (rig, "m1", rig->s, rig->a);

  rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START);
  rig_sweep (rig, START + 2 * HOUR);
  g_assert_cmpint (rig_send (rig, "m2", rig->s, rig->a), >, first);
}

static void
every_message_of_thousands_is_there (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (GPtrArray) rows = NULL;
  gint64 after = 0;
  guint seen = 0;

  for (guint batch = 0; batch < 30; batch++)
    {
      g_autoptr (GPtrArray) operations = g_ptr_array_new_with_free_func (
          (GDestroyNotify) sb_operation_free);

      for (guint i = 0; i < 100; i++)
        {
          g_autofree char *id = g_strdup_printf ("m%u", batch * 100 + i);

          g_ptr_array_add (operations,
                           make_append (make_message (rig, id, rig->s, 0, 0), 1, &rig->a));
        }
      rig_apply_batch (rig, (SbOperation *const *) operations->pdata, operations->len);
    }
  rows = rig_read_pending (rig, rig->a, after);
  for (; seen < rows->len; seen++)
    {
      const SbStoredDelivery *row = g_ptr_array_index (rows, seen);
      g_autofree char *id = g_strdup_printf ("m%u", seen);

      g_assert_cmpstr (row->message->id, ==, id);
      g_assert_cmpint (row->position, >, after);
      after = row->position;
    }
  g_assert_cmpuint (seen, ==, 3000);
}

static void
the_same_id_of_the_same_sender_is_a_duplicate (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *again;

  send_to_both (rig, "m1");
  again = rig_apply (rig, make_append (make_message (rig, "m1", rig->s, 0, 0), 1, &rig->a));
  g_assert_cmpint (again->outcome, ==, SB_OUTCOME_DUPLICATE);
  g_assert_cmpuint (again->append.n_recipients, ==, 2);
  expect_pending (rig, rig->a, "m1");
}

static void
a_duplicate_in_the_same_batch_is_seen (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbOperation) first = make_append (make_message (rig, "m1", rig->s, 0, 0), 1, &rig->a);
  g_autoptr (SbOperation) second = make_append (make_message (rig, "m1", rig->s, 0, 0), 1, &rig->a);
  SbOperation *batch[] = { first, second };

  rig_apply_batch (rig, batch, 2);
  g_assert_cmpint (first->outcome, ==, SB_OUTCOME_DONE);
  g_assert_cmpint (second->outcome, ==, SB_OUTCOME_DUPLICATE);
  expect_pending (rig, rig->a, "m1");
}

static void
the_first_body_of_a_duplicate_wins (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (GBytes) expected = make_body ("m1", BODY_SIZE);
  g_autoptr (GPtrArray) rows = NULL;

  rig_send (rig, "m1", rig->s, rig->a);
  rig_apply (rig,
             make_append (sb_message_new ("m1", "s", rig->s, make_body ("other", 10), START, 0, 0),
                          1, &rig->a));
  rows = rig_read_pending (rig, rig->a, 0);
  g_assert_true (
      g_bytes_equal (((SbStoredDelivery *) g_ptr_array_index (rows, 0))->message->body, expected));
}

static void
a_duplicate_is_remembered_after_all_have_confirmed (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m1", rig->s, rig->a);
  rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START);
  g_assert_cmpint (
      rig_apply (rig, make_append (make_message (rig, "m1", rig->s, 0, 0), 1, &rig->a))->outcome,
      ==, SB_OUTCOME_DUPLICATE);
  expect_pending (rig, rig->a, "");
}

static void
the_same_id_of_another_sender_is_a_conflict (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m1", rig->s, rig->a);
  g_assert_cmpint (
      rig_apply (rig, make_append (make_message (rig, "m1", rig->b, 0, 0), 1, &rig->a))->outcome,
      ==, SB_OUTCOME_CONFLICT);
  expect_pending (rig, rig->a, "m1");
}

static Rig *
start_with_queue_of (gint64 count, gint64 bytes)
{
  Rig *rig = rig_prepare ();

  rig->options.limits.max_queue = count;
  rig->options.limits.max_queue_bytes = bytes;
  rig_start (rig);
  return rig;
}

static void
a_full_named_recipient_refuses_the_message_for_all (void)
{
  g_autoptr (Rig) rig = start_with_queue_of (1, 1024 * 1024);
  SbOperation *operation;

  rig_send (rig, "m1", rig->s, rig->b);
  operation = send_to_both (rig, "m2");
  g_assert_cmpint (operation->outcome, ==, SB_OUTCOME_FULL);
  g_assert_false (operation->append.targets[0].full);
  g_assert_true (operation->append.targets[1].full);
  expect_pending (rig, rig->a, "");
  expect_status (rig, "m2", NULL);
}

static void
a_full_recipient_that_is_not_named_gets_a_dead_delivery (void)
{
  g_autoptr (Rig) rig = start_with_queue_of (1, 1024 * 1024);
  const gint64 both[] = { rig->a, rig->b };
  SbOperation *operation = make_append (make_message (rig, "m2", rig->s, 0, 0), 2, both);

  rig_send (rig, "m1", rig->s, rig->b);
  operation->append.targets[1].named = FALSE;
  rig_apply (rig, operation);
  g_assert_cmpint (operation->outcome, ==, SB_OUTCOME_DONE);
  g_assert_true (operation->append.targets[1].full);
  g_assert_cmpint (operation->append.targets[1].state, ==, SB_DELIVERY_DEAD);
  g_assert_cmpint (operation->append.targets[1].position, ==, 0);
  g_assert_cmpint (operation->append.targets[0].state, ==, SB_DELIVERY_PENDING);
  expect_pending (rig, rig->b, "m1");
  expect_status (rig, "m2", "a pending - 0, b dead queue-full 0");
}

static void
the_bytes_of_a_queue_are_bounded (void)
{
  g_autoptr (Rig) rig = start_with_queue_of (1000, 2 * BODY_SIZE + 1);

  rig_send (rig, "m1", rig->s, rig->a);
  rig_send (rig, "m2", rig->s, rig->a);
  g_assert_cmpint (
      rig_apply (rig, make_append (make_message (rig, "m3", rig->s, 0, 0), 1, &rig->a))->outcome,
      ==, SB_OUTCOME_FULL);
}

static void
a_queue_has_room_again_after_a_confirmation (void)
{
  g_autoptr (Rig) rig = start_with_queue_of (1, 1024 * 1024);

  rig_send (rig, "m1", rig->s, rig->a);
  rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START);
  rig_send (rig, "m2", rig->s, rig->a);
  expect_pending (rig, rig->a, "m2");
}

static void
parked_and_scheduled_deliveries_count_against_the_queue (void)
{
  g_autoptr (Rig) rig = start_with_queue_of (2, 1024 * 1024);

  rig_apply (rig, make_park (rig->a, rig_send (rig, "m1", rig->s, rig->a), START + HOUR, START));
  rig_apply (rig, make_append (make_message (rig, "m2", rig->s, START + HOUR, 0), 1, &rig->a));
  g_assert_cmpint (
      rig_apply (rig, make_append (make_message (rig, "m3", rig->s, 0, 0), 1, &rig->a))->outcome,
      ==, SB_OUTCOME_FULL);
}

static void
dead_deliveries_do_not_count_against_the_queue (void)
{
  g_autoptr (Rig) rig = start_with_queue_of (1, 1024 * 1024);

  rig_send (rig, "m1", rig->s, rig->a);
  rig_end (rig, rig->a, "m1", SB_DELIVERY_DEAD, START);
  rig_send (rig, "m2", rig->s, rig->a);
  expect_pending (rig, rig->a, "m2");
}

static void
a_duplicate_is_no_question_of_room (void)
{
  g_autoptr (Rig) rig = start_with_queue_of (1, 1024 * 1024);

  rig_send (rig, "m1", rig->s, rig->a);
  g_assert_cmpint (
      rig_apply (rig, make_append (make_message (rig, "m1", rig->s, 0, 0), 1, &rig->a))->outcome,
      ==, SB_OUTCOME_DUPLICATE);
}

static void
a_queue_becomes_full_within_a_batch (void)
{
  g_autoptr (Rig) rig = start_with_queue_of (1, 1024 * 1024);
  g_autoptr (SbOperation) first = make_append (make_message (rig, "m1", rig->s, 0, 0), 1, &rig->a);
  g_autoptr (SbOperation) second = make_append (make_message (rig, "m2", rig->s, 0, 0), 1, &rig->a);
  SbOperation *batch[] = { first, second };

  rig_apply_batch (rig, batch, 2);
  g_assert_cmpint (first->outcome, ==, SB_OUTCOME_DONE);
  g_assert_cmpint (second->outcome, ==, SB_OUTCOME_FULL);
  expect_pending (rig, rig->a, "m1");
}

static void
a_message_for_later_is_scheduled_without_a_position (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *operation = rig_apply (
      rig, make_append (make_message (rig, "m1", rig->s, START + HOUR, 0), 1, &rig->a));

  g_assert_cmpint (operation->append.targets[0].state, ==, SB_DELIVERY_SCHEDULED);
  g_assert_cmpint (operation->append.targets[0].position, ==, 0);
  expect_pending (rig, rig->a, "");
  expect_status (rig, "m1", "a scheduled - 0");
  expect_backlog (rig, rig->a, 1);
}

static void
a_message_for_a_time_that_has_come_is_pending (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_apply (rig, make_append (make_message (rig, "m1", rig->s, START, 0), 1, &rig->a));
  expect_pending (rig, rig->a, "m1");
}

static void
a_recipient_that_was_removed_gets_a_dead_delivery (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *operation;

  rig_remove_user (rig, rig->b, START);
  operation = send_to_both (rig, "m1");
  g_assert_cmpint (operation->outcome, ==, SB_OUTCOME_DONE);
  g_assert_cmpint (operation->append.targets[1].state, ==, SB_DELIVERY_DEAD);
  expect_status (rig, "m1", "a pending - 0, b dead recipient-deleted 0");
}

static void
a_message_goes_to_thousands (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autofree gint64 *keys = g_new (gint64, 2000);
  g_autoptr (GPtrArray) users = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_operation_free);
  SbOperation *operation;

  for (guint i = 0; i < 2000; i++)
    {
      g_autofree char *id = g_strdup_printf ("u%u", i);

      g_ptr_array_add (users, make_put_user (0, id, NULL));
    }
  rig_apply_batch (rig, (SbOperation *const *) users->pdata, users->len);
  /* Backwards, since nothing is said about the order of targets. */
  for (guint i = 0; i < 2000; i++)
    keys[i] = ((SbOperation *) g_ptr_array_index (users, 1999 - i))->put_user.key;
  operation = rig_apply (rig, make_append (make_message (rig, "m1", rig->s, 0, 0), 2000, keys));
  for (guint i = 0; i < 2000; i++)
    g_assert_cmpint (operation->append.targets[i].position, >, 0);
  expect_pending (rig, keys[0], "m1");
  expect_pending (rig, keys[1999], "m1");
  g_assert_cmpuint (rig_stats (rig).messages, ==, 1);
  g_assert_cmpuint (rig_stats (rig).waiting, ==, 2000);
}

void
add_append_tests (void)
{
  static const RigTest tests[] = {
    { "a-message-is-pending-for-every-recipient", a_message_is_pending_for_every_recipient },
    { "a-message-comes-back-byte-for-byte", a_message_comes_back_byte_for_byte },
    { "an-empty-and-a-large-body-come-back", an_empty_and_a_large_body_come_back },
    { "ids-may-hold-any-character", ids_may_hold_any_character },
    { "ids-differ-by-case", ids_differ_by_case },
    { "positions-grow-in-order-of-acceptance", positions_grow_in_order_of_acceptance },
    { "positions-are-not-given-again-after-the-queue-was-emptied",
      positions_are_not_given_again_after_the_queue_was_emptied },
    { "every-message-of-thousands-is-there", every_message_of_thousands_is_there },
    { "the-same-id-of-the-same-sender-is-a-duplicate",
      the_same_id_of_the_same_sender_is_a_duplicate },
    { "a-duplicate-in-the-same-batch-is-seen", a_duplicate_in_the_same_batch_is_seen },
    { "the-first-body-of-a-duplicate-wins", the_first_body_of_a_duplicate_wins },
    { "a-duplicate-is-remembered-after-all-have-confirmed",
      a_duplicate_is_remembered_after_all_have_confirmed },
    { "the-same-id-of-another-sender-is-a-conflict", the_same_id_of_another_sender_is_a_conflict },
    { "a-full-named-recipient-refuses-the-message-for-all",
      a_full_named_recipient_refuses_the_message_for_all },
    { "a-full-recipient-that-is-not-named-gets-a-dead-delivery",
      a_full_recipient_that_is_not_named_gets_a_dead_delivery },
    { "the-bytes-of-a-queue-are-bounded", the_bytes_of_a_queue_are_bounded },
    { "a-queue-has-room-again-after-a-confirmation", a_queue_has_room_again_after_a_confirmation },
    { "parked-and-scheduled-deliveries-count-against-the-queue",
      parked_and_scheduled_deliveries_count_against_the_queue },
    { "dead-deliveries-do-not-count-against-the-queue",
      dead_deliveries_do_not_count_against_the_queue },
    { "a-duplicate-is-no-question-of-room", a_duplicate_is_no_question_of_room },
    { "a-queue-becomes-full-within-a-batch", a_queue_becomes_full_within_a_batch },
    { "a-message-for-later-is-scheduled-without-a-position",
      a_message_for_later_is_scheduled_without_a_position },
    { "a-message-for-a-time-that-has-come-is-pending",
      a_message_for_a_time_that_has_come_is_pending },
    { "a-recipient-that-was-removed-gets-a-dead-delivery",
      a_recipient_that_was_removed_gets_a_dead_delivery },
    { "a-message-goes-to-thousands", a_message_goes_to_thousands },
  };

  rig_add_tests ("append", tests, G_N_ELEMENTS (tests));
}

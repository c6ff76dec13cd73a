/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conf-end: how deliveries end, from every state to every end. */

#include "rig.h"

typedef struct
{
  SbDeliveryState from;
  SbDeliveryState to;
  SbOutcome outcome;
} EndCase;

#define DONE SB_OUTCOME_DONE
#define DUPLICATE SB_OUTCOME_DUPLICATE
#define UNKNOWN SB_OUTCOME_UNKNOWN

static const SbDeliveryState ends[] = {
  SB_DELIVERY_CONFIRMED,
  SB_DELIVERY_EXPIRED,
  SB_DELIVERY_DEAD,
  SB_DELIVERY_DROPPED,
};

/* Lines are where it stands, columns the ends as above. */
static const SbOutcome outcomes[7][4] = {
  [SB_DELIVERY_PENDING] = { DONE, DONE, DONE, DONE },
  [SB_DELIVERY_SCHEDULED] = { DONE, DONE, DONE, DONE },
  [SB_DELIVERY_PARKED] = { DONE, DONE, DONE, DONE },
  [SB_DELIVERY_CONFIRMED] = { DUPLICATE, DUPLICATE, DUPLICATE, DUPLICATE },
  [SB_DELIVERY_EXPIRED] = { UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN },
  [SB_DELIVERY_DEAD] = { DONE, UNKNOWN, UNKNOWN, DONE },
  [SB_DELIVERY_DROPPED] = { UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN },
};

static EndCase end_cases[G_N_ELEMENTS (outcomes) * G_N_ELEMENTS (ends)];

static SbDeliveryState
read_state (Rig *rig)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SbMessageStatus) status = sb_store_status (rig->store, "m1", &error);

  g_assert_no_error (error);
  g_assert_cmpuint (status->deliveries->len, ==, 1);
  return ((SbDeliveryStatus *) g_ptr_array_index (status->deliveries, 0))->state;
}

static void
assert_end (Rig *rig, const EndCase *c, SbOperation *operation, gint64 position)
{
  rig_apply (rig, operation);
  g_assert_cmpint (operation->outcome, ==, c->outcome);
  g_assert_cmpint (read_state (rig), ==, c->outcome == DONE ? c->to : c->from);
  if (c->outcome != DONE)
    return;
  g_assert_cmpint (operation->end.position, ==, position);
  g_assert_cmpint (operation->end.sender_key, ==, rig->s);
}

static void
a_delivery_found_by_id_ends (gconstpointer data)
{
  const EndCase *c = data;
  g_autoptr (Rig) rig = rig_new ();
  gint64 position = rig_bring_into (rig, c->from);

  assert_end (rig, c, make_end (rig->a, 0, "m1", c->to, START + SECOND), position);
}

static void
a_delivery_found_by_position_ends (gconstpointer data)
{
  const EndCase *c = data;
  g_autoptr (Rig) rig = rig_new ();
  gint64 position = rig_bring_into (rig, c->from);

  assert_end (rig, c, make_end (rig->a, position, NULL, c->to, START + SECOND), position);
}

static void
a_confirmation_names_the_sender (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *operation;

  rig_send (rig, "m1", rig->b, rig->a);
  operation = rig_apply (rig, make_end (rig->a, 0, "m1", SB_DELIVERY_CONFIRMED, START));
  g_assert_cmpint (operation->end.sender_key, ==, rig->b);
}

static void
a_confirmation_is_of_one_recipient (void)
{
  g_autoptr (Rig) rig = rig_new ();
  const gint64 both[] = { rig->a, rig->b };

  rig_apply (rig, make_append (make_message (rig, "m1", rig->s, 0, 0), 2, both));
  rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START);
  expect_pending (rig, rig->a, "");
  expect_pending (rig, rig->b, "m1");
  expect_status (rig, "m1", "a confirmed - 0, b pending - 0");
}

static void
the_body_stays_for_those_that_have_not_confirmed (void)
{
  g_autoptr (Rig) rig = rig_new ();
  const gint64 both[] = { rig->a, rig->b };
  g_autoptr (GPtrArray) rows = NULL;
  SbOperation *operation = rig_apply (
      rig, make_append (make_message (rig, "m1", rig->s, 0, 0), 2, both));

  rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START);
  rows = rig_read_pending (rig, rig->b, 0);
  g_assert_cmpuint (rows->len, ==, 1);
  assert_message_equal (((SbStoredDelivery *) g_ptr_array_index (rows, 0))->message,
                        operation->append.message);
}

static void
the_body_goes_with_the_last_delivery (void)
{
  g_autoptr (Rig) rig = rig_new ();
  const gint64 both[] = { rig->a, rig->b };

  rig_apply (rig, make_append (make_message (rig, "m1", rig->s, 0, 0), 2, both));
  rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START);
  g_assert_cmpuint (rig_stats (rig).messages, ==, 1);
  rig_end (rig, rig->b, "m1", SB_DELIVERY_EXPIRED, START);
  g_assert_cmpuint (rig_stats (rig).messages, ==, 0);
  g_assert_cmpuint (rig_stats (rig).remembered, ==, 1);
}

static void
a_dead_delivery_keeps_the_body (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m1", rig->s, rig->a);
  rig_end (rig, rig->a, "m1", SB_DELIVERY_DEAD, START);
  rig_sweep (rig, START + 1000 * HOUR);
  g_assert_cmpuint (rig_stats (rig).messages, ==, 1);
  g_assert_cmpuint (rig_stats (rig).dead, ==, 1);
  expect_status (rig, "m1", "a dead refused 0");
}

static void
a_position_of_another_recipient_is_unknown (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 position = rig_send (rig, "m1", rig->s, rig->a);

  g_assert_cmpint (
      rig_apply (rig, make_end (rig->b, position, NULL, SB_DELIVERY_CONFIRMED, START))->outcome, ==,
      SB_OUTCOME_UNKNOWN);
  expect_pending (rig, rig->a, "m1");
}

static void
an_id_of_another_recipient_is_unknown (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m1", rig->s, rig->a);
  g_assert_cmpint (rig_end (rig, rig->b, "m1", SB_DELIVERY_CONFIRMED, START), ==,
                   SB_OUTCOME_UNKNOWN);
  g_assert_cmpint (rig_end (rig, rig->s, "m1", SB_DELIVERY_CONFIRMED, START), ==,
                   SB_OUTCOME_UNKNOWN);
  expect_pending (rig, rig->a, "m1");
}

static void
nothing_is_found_for_an_id_that_never_was (void)
{
  g_autoptr (Rig) rig = rig_new ();

  g_assert_cmpint (rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START), ==,
                   SB_OUTCOME_UNKNOWN);
}

static void
a_message_of_the_same_batch_can_be_confirmed (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbOperation) append = make_append (make_message (rig, "m1", rig->s, 0, 0), 1, &rig->a);
  g_autoptr (SbOperation) end = make_end (rig->a, 0, "m1", SB_DELIVERY_CONFIRMED, START);
  SbOperation *batch[] = { append, end };

  rig_apply_batch (rig, batch, 2);
  g_assert_cmpint (end->outcome, ==, SB_OUTCOME_DONE);
  g_assert_cmpint (end->end.position, ==, append->append.targets[0].position);
  expect_pending (rig, rig->a, "");
}

static void
handle_and_message_help_and_change_nothing (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *append = rig_apply (
      rig, make_append (make_message (rig, "m1", rig->s, 0, 0), 1, &rig->a));
  SbOperation *end = make_end (rig->a, append->append.targets[0].position, "m1",
                               SB_DELIVERY_CONFIRMED, START + SECOND);

  end->end.handle = append->append.handle;
  end->end.message = sb_message_ref (append->append.message);
  g_assert_cmpint (rig_apply (rig, end)->outcome, ==, SB_OUTCOME_DONE);
  g_assert_cmpint (end->end.sender_key, ==, rig->s);
  expect_status (rig, "m1", "a confirmed - 0");
}

static void
attempts_and_reason_are_kept (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *operation = make_end (rig->a, 0, "m1", SB_DELIVERY_DEAD, START);

  rig_send (rig, "m1", rig->s, rig->a);
  operation->end.attempts = 5;
  rig_apply (rig, operation);
  expect_status (rig, "m1", "a dead refused 5");
}

static void
attempts_never_become_fewer (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_apply (rig, make_park (rig->a, rig_send (rig, "m1", rig->s, rig->a), START + HOUR, START));
  rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START);
  expect_status (rig, "m1", "a confirmed - 5");
}

static void
a_confirmed_dead_delivery_has_no_reason_any_more (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m1", rig->s, rig->a);
  rig_end (rig, rig->a, "m1", SB_DELIVERY_DEAD, START);
  rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START);
  expect_status (rig, "m1", "a confirmed - 0");
  g_assert_cmpuint (rig_stats (rig).dead, ==, 0);
}

static void
add_table (void)
{
  static const char *const words[] = { "is-done", "was-done-before", "", "", "is-unknown" };

  for (gsize i = 0; i < G_N_ELEMENTS (end_cases); i++)
    {
      EndCase *c = &end_cases[i];
      g_autofree char *by_id = NULL;
      g_autofree char *by_position = NULL;

      c->from = (SbDeliveryState) (i / G_N_ELEMENTS (ends));
      c->to = ends[i % G_N_ELEMENTS (ends)];
      c->outcome = outcomes[c->from][i % G_N_ELEMENTS (ends)];
      by_id = g_strdup_printf ("/store/end/by-id/from-%s-to-%s-%s",
                               sb_delivery_state_to_string (c->from),
                               sb_delivery_state_to_string (c->to), words[c->outcome]);
      by_position = g_strdup_printf ("/store/end/by-position/from-%s-to-%s-%s",
                                     sb_delivery_state_to_string (c->from),
                                     sb_delivery_state_to_string (c->to), words[c->outcome]);
      g_test_add_data_func (by_id, c, a_delivery_found_by_id_ends);
      if (c->from != SB_DELIVERY_SCHEDULED)
        g_test_add_data_func (by_position, c, a_delivery_found_by_position_ends);
    }
}

void
add_end_tests (void)
{
  static const RigTest tests[] = {
    { "a-confirmation-names-the-sender", a_confirmation_names_the_sender },
    { "a-confirmation-is-of-one-recipient", a_confirmation_is_of_one_recipient },
    { "the-body-stays-for-those-that-have-not-confirmed",
      the_body_stays_for_those_that_have_not_confirmed },
    { "the-body-goes-with-the-last-delivery", the_body_goes_with_the_last_delivery },
    { "a-dead-delivery-keeps-the-body", a_dead_delivery_keeps_the_body },
    { "a-position-of-another-recipient-is-unknown", a_position_of_another_recipient_is_unknown },
    { "an-id-of-another-recipient-is-unknown", an_id_of_another_recipient_is_unknown },
    { "nothing-is-found-for-an-id-that-never-was", nothing_is_found_for_an_id_that_never_was },
    { "a-message-of-the-same-batch-can-be-confirmed",
      a_message_of_the_same_batch_can_be_confirmed },
    { "handle-and-message-help-and-change-nothing", handle_and_message_help_and_change_nothing },
    { "attempts-and-reason-are-kept", attempts_and_reason_are_kept },
    { "attempts-never-become-fewer", attempts_never_become_fewer },
    { "a-confirmed-dead-delivery-has-no-reason-any-more",
      a_confirmed_dead_delivery_has_no_reason_any_more },
  };

  add_table ();
  rig_add_tests ("end", tests, G_N_ELEMENTS (tests));
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conf-receipt: receipts that wait for a sender that is away. */

#include "rig.h"

static SbOutcome
confirm_for_absent_sender (Rig *rig, gint64 recipient, const char *id)
{
  SbOperation *operation = make_end (recipient, 0, id, SB_DELIVERY_CONFIRMED, START);

  operation->end.store_receipt = TRUE;
  return rig_apply (rig, operation)->outcome;
}

static gint64
first_number (Rig *rig)
{
  g_autoptr (GPtrArray) rows = sb_store_receipts (rig->store, rig->s, 1, NULL);

  g_assert_nonnull (rows);
  g_assert_cmpuint (rows->len, ==, 1);
  return ((SbStoredReceipt *) g_ptr_array_index (rows, 0))->number;
}

static void
a_confirmation_leaves_a_receipt_when_asked (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m1", rig->s, rig->a);
  rig_send (rig, "m2", rig->s, rig->a);
  confirm_for_absent_sender (rig, rig->a, "m1");
  rig_end (rig, rig->a, "m2", SB_DELIVERY_CONFIRMED, START);
  expect_receipts (rig, rig->s, "m1/a");
}

static void
a_second_confirmation_leaves_no_second_receipt (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m1", rig->s, rig->a);
  confirm_for_absent_sender (rig, rig->a, "m1");
  g_assert_cmpint (confirm_for_absent_sender (rig, rig->a, "m1"), ==, SB_OUTCOME_DUPLICATE);
  expect_receipts (rig, rig->s, "m1/a");
}

static void
a_confirmation_of_nothing_leaves_no_receipt (void)
{
  g_autoptr (Rig) rig = rig_new ();

  confirm_for_absent_sender (rig, rig->a, "m1");
  expect_receipts (rig, rig->s, "");
}

static void
receipts_are_of_their_sender (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m1", rig->s, rig->a);
  rig_send (rig, "m2", rig->b, rig->a);
  confirm_for_absent_sender (rig, rig->a, "m1");
  confirm_for_absent_sender (rig, rig->a, "m2");
  expect_receipts (rig, rig->s, "m1/a");
  expect_receipts (rig, rig->b, "m2/a");
}

static void
a_receipt_can_be_added_alone (void)
{
  g_autoptr (Rig) rig = rig_new ();

  g_assert_cmpint (rig_apply (rig, make_add_receipt (rig->s, rig->a, "m1", START))->outcome, ==,
                   SB_OUTCOME_DONE);
  expect_receipts (rig, rig->s, "m1/a");
}

static void
receipts_come_oldest_first_and_limited (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (GPtrArray) rows = NULL;

  rig_apply (rig, make_add_receipt (rig->s, rig->a, "m1", START));
  rig_apply (rig, make_add_receipt (rig->s, rig->b, "m2", START));
  rig_apply (rig, make_add_receipt (rig->s, rig->a, "m3", START));
  expect_receipts (rig, rig->s, "m1/a m2/b m3/a");
  rows = sb_store_receipts (rig->store, rig->s, 2, NULL);
  g_assert_cmpuint (rows->len, ==, 2);
}

static void
receipts_are_dropped_up_to_a_number (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 first;

  rig_apply (rig, make_add_receipt (rig->s, rig->a, "m1", START));
  rig_apply (rig, make_add_receipt (rig->b, rig->a, "other", START));
  rig_apply (rig, make_add_receipt (rig->s, rig->a, "m2", START));
  first = first_number (rig);
  rig_apply (rig, make_drop_receipts (rig->s, first));
  expect_receipts (rig, rig->s, "m2/a");
  rig_apply (rig, make_drop_receipts (rig->s, G_MAXINT64));
  expect_receipts (rig, rig->s, "");
  expect_receipts (rig, rig->b, "other/a");
}

static void
the_oldest_receipts_make_room (void)
{
  g_autoptr (Rig) rig = rig_prepare ();

  rig->options.limits.receipts_max = 2;
  rig_start (rig);
  rig_apply (rig, make_add_receipt (rig->s, rig->a, "m1", START));
  rig_apply (rig, make_add_receipt (rig->b, rig->a, "other", START));
  rig_apply (rig, make_add_receipt (rig->s, rig->a, "m2", START));
  rig_send (rig, "m3", rig->s, rig->a);
  confirm_for_absent_sender (rig, rig->a, "m3");
  expect_receipts (rig, rig->s, "m2/a m3/a");
  expect_receipts (rig, rig->b, "other/a");
}

static void
old_receipts_go_with_a_sweep (void)
{
  g_autoptr (Rig) rig = rig_prepare ();

  rig->options.limits.receipts_age = HOUR;
  rig_start (rig);
  rig_apply (rig, make_add_receipt (rig->s, rig->a, "m1", START));
  rig_apply (rig, make_add_receipt (rig->s, rig->a, "m2", START + SECOND));
  rig_sweep (rig, START + HOUR - 1);
  expect_receipts (rig, rig->s, "m1/a m2/a");
  rig_sweep (rig, START + HOUR + SECOND / 2);
  expect_receipts (rig, rig->s, "m2/a");
  rig_sweep (rig, START + 2 * HOUR);
  expect_receipts (rig, rig->s, "");
}

static void
a_removed_sender_gets_no_receipts (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m1", rig->s, rig->a);
  rig_send (rig, "m2", rig->s, rig->b);
  confirm_for_absent_sender (rig, rig->a, "m1");
  rig_remove_user (rig, rig->s, START);
  g_assert_cmpint (confirm_for_absent_sender (rig, rig->b, "m2"), ==, SB_OUTCOME_DONE);
  g_assert_cmpint (rig_apply (rig, make_add_receipt (rig->s, rig->a, "m3", START))->outcome, ==,
                   SB_OUTCOME_UNKNOWN);
  expect_receipts (rig, rig->s, "");
  expect_receipts (rig, rig_add_user (rig, "s"), "");
}

static void
a_receipt_names_a_recipient_that_is_gone (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m1", rig->s, rig->a);
  confirm_for_absent_sender (rig, rig->a, "m1");
  rig_remove_user (rig, rig->a, START);
  rig_sweep (rig, START + 2 * HOUR);
  expect_receipts (rig, rig->s, "m1/a");
}

void
add_receipt_tests (void)
{
  static const RigTest tests[] = {
    { "a-confirmation-leaves-a-receipt-when-asked", a_confirmation_leaves_a_receipt_when_asked },
    { "a-second-confirmation-leaves-no-second-receipt",
      a_second_confirmation_leaves_no_second_receipt },
    { "a-confirmation-of-nothing-leaves-no-receipt", a_confirmation_of_nothing_leaves_no_receipt },
    { "receipts-are-of-their-sender", receipts_are_of_their_sender },
    { "a-receipt-can-be-added-alone", a_receipt_can_be_added_alone },
    { "receipts-come-oldest-first-and-limited", receipts_come_oldest_first_and_limited },
    { "receipts-are-dropped-up-to-a-number", receipts_are_dropped_up_to_a_number },
    { "the-oldest-receipts-make-room", the_oldest_receipts_make_room },
    { "old-receipts-go-with-a-sweep", old_receipts_go_with_a_sweep },
    { "a-removed-sender-gets-no-receipts", a_removed_sender_gets_no_receipts },
    { "a-receipt-names-a-recipient-that-is-gone", a_receipt_names_a_recipient_that_is_gone },
  };

  rig_add_tests ("receipt", tests, G_N_ELEMENTS (tests));
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conf-page: reading a queue a page at a time. */

#include "rig.h"

static Rig *
start_with_messages (guint n)
{
  Rig *rig = rig_new ();

  for (guint i = 1; i <= n; i++)
    {
      g_autofree char *id = g_strdup_printf ("m%u", i);

      rig_send (rig, id, rig->s, rig->a);
    }
  return rig;
}

static void
assert_page (Rig *rig, gint64 after, guint limit, gsize max_bytes, guint first, guint n)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) rows = sb_store_pending (rig->store, rig->a, after, limit, max_bytes,
                                                 &error);

  g_assert_no_error (error);
  g_assert_cmpuint (rows->len, ==, n);
  for (guint i = 0; i < n; i++)
    {
      const SbStoredDelivery *row = g_ptr_array_index (rows, i);
      g_autofree char *id = g_strdup_printf ("m%u", first + i);

      g_assert_cmpstr (row->message->id, ==, id);
      g_assert_cmpint (row->position, >, after);
      after = row->position;
    }
}

static void
a_page_has_no_more_rows_than_its_limit (void)
{
  g_autoptr (Rig) rig = start_with_messages (5);

  assert_page (rig, 0, 1, G_MAXINT32, 1, 1);
  assert_page (rig, 0, 4, G_MAXINT32, 1, 4);
  assert_page (rig, 0, 5, G_MAXINT32, 1, 5);
  assert_page (rig, 0, 6, G_MAXINT32, 1, 5);
}

static void
a_page_stops_with_the_message_that_reaches_its_bytes (void)
{
  static const struct
  {
    gsize bytes;
    guint rows;
  } cases[] = {
    { 0, 1 },
    { 1, 1 },
    { BODY_SIZE, 1 },
    { BODY_SIZE + 1, 2 },
    { 2 * BODY_SIZE, 2 },
    { 5 * BODY_SIZE, 5 },
    { 5 * BODY_SIZE + 1, 5 },
  };
  g_autoptr (Rig) rig = start_with_messages (5);

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_page (rig, 0, 100, cases[i].bytes, 1, cases[i].rows);
}

static void
a_page_begins_behind_the_position_that_it_is_given (void)
{
  g_autoptr (Rig) rig = start_with_messages (5);
  g_autoptr (GPtrArray) all = rig_read_pending (rig, rig->a, 0);

  for (guint i = 0; i < all->len; i++)
    {
      gint64 position = ((SbStoredDelivery *) g_ptr_array_index (all, i))->position;

      assert_page (rig, position, 100, G_MAXINT32, i + 2, all->len - i - 1);
    }
}

static void
a_page_behind_the_last_position_is_empty (void)
{
  g_autoptr (Rig) rig = start_with_messages (2);

  assert_page (rig, G_MAXINT64, 100, G_MAXINT32, 0, 0);
}

static void
pages_join_to_the_whole_queue (void)
{
  g_autoptr (Rig) rig = start_with_messages (50);
  gint64 after = 0;
  guint seen = 0;

  while (seen < 50)
    {
      g_autoptr (GPtrArray) rows = sb_store_pending (rig->store, rig->a, after, 7, 400, NULL);
      const SbStoredDelivery *last;

      g_assert_nonnull (rows);
      g_assert_cmpuint (rows->len, >, 0);
      assert_page (rig, after, rows->len, G_MAXINT32, seen + 1, rows->len);
      last = g_ptr_array_index (rows, rows->len - 1);
      after = last->position;
      seen += rows->len;
    }
}

static void
ended_deliveries_leave_a_page_in_order (void)
{
  g_autoptr (Rig) rig = start_with_messages (6);

  rig_end (rig, rig->a, "m2", SB_DELIVERY_CONFIRMED, START);
  rig_end (rig, rig->a, "m5", SB_DELIVERY_DROPPED, START);
  rig_end (rig, rig->a, "m6", SB_DELIVERY_DEAD, START);
  expect_pending (rig, rig->a, "m1 m3 m4");
}

static void
a_page_is_of_one_recipient (void)
{
  g_autoptr (Rig) rig = start_with_messages (2);

  rig_send (rig, "x", rig->s, rig->b);
  expect_pending (rig, rig->a, "m1 m2");
  expect_pending (rig, rig->b, "x");
}

static void
nobody_has_an_empty_queue (void)
{
  g_autoptr (Rig) rig = rig_new ();

  expect_pending (rig, rig->b + 1000, "");
  expect_parked (rig, rig->b + 1000, G_MAXINT64, "", 0);
  expect_backlog (rig, rig->b + 1000, 0);
  expect_receipts (rig, rig->b + 1000, "");
}

static void
a_page_outlives_the_messages_end (void)
{
  g_autoptr (Rig) rig = start_with_messages (1);
  g_autoptr (GPtrArray) rows = rig_read_pending (rig, rig->a, 0);
  g_autoptr (GBytes) expected = make_body ("m1", BODY_SIZE);
  const SbStoredDelivery *row = g_ptr_array_index (rows, 0);

  rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START);
  rig_sweep (rig, START + 2 * HOUR);
  g_assert_cmpstr (row->message->id, ==, "m1");
  g_assert_true (g_bytes_equal (row->message->body, expected));
}

static void
the_backlog_counts_what_has_not_ended (void)
{
  g_autoptr (Rig) rig = start_with_messages (4);

  rig_apply (rig, make_append (make_message (rig, "later", rig->s, START + HOUR, 0), 1, &rig->a));
  expect_backlog (rig, rig->a, 5);
  rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START);
  rig_end (rig, rig->a, "m2", SB_DELIVERY_DEAD, START);
  expect_backlog (rig, rig->a, 3);
}

void
add_page_tests (void)
{
  static const RigTest tests[] = {
    { "a-page-has-no-more-rows-than-its-limit", a_page_has_no_more_rows_than_its_limit },
    { "a-page-stops-with-the-message-that-reaches-its-bytes",
      a_page_stops_with_the_message_that_reaches_its_bytes },
    { "a-page-begins-behind-the-position-that-it-is-given",
      a_page_begins_behind_the_position_that_it_is_given },
    { "a-page-behind-the-last-position-is-empty", a_page_behind_the_last_position_is_empty },
    { "pages-join-to-the-whole-queue", pages_join_to_the_whole_queue },
    { "ended-deliveries-leave-a-page-in-order", ended_deliveries_leave_a_page_in_order },
    { "a-page-is-of-one-recipient", a_page_is_of_one_recipient },
    { "nobody-has-an-empty-queue", nobody_has_an_empty_queue },
    { "a-page-outlives-the-messages-end", a_page_outlives_the_messages_end },
    { "the-backlog-counts-what-has-not-ended", the_backlog_counts_what_has_not_ended },
  };

  rig_add_tests ("page", tests, G_N_ELEMENTS (tests));
}

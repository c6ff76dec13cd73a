/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conf-list: deliveries that have not ended, listed a page at a time. */

#include "rig.h"

static const SbDeliveryFilter everything = { .states = ALL_STATES };

static const SbDeliveryInfo *
find_info (const GPtrArray *rows, const char *id)
{
  const SbDeliveryInfo *found = NULL;

  for (guint i = 0; i < rows->len; i++)
    {
      const SbDeliveryInfo *row = g_ptr_array_index (rows, i);

      if (g_str_equal (row->id, id))
        found = row;
    }
  g_assert_nonnull (found);
  return found;
}

static void
assert_info (const SbDeliveryInfo *info, SbDeliveryState state, SbReason reason, guint attempts,
             gint64 since, gint64 due)
{
  g_assert_cmpint (info->state, ==, state);
  g_assert_cmpint (info->reason, ==, reason);
  g_assert_cmpuint (info->attempts, ==, attempts);
  g_assert_cmpint (info->since, ==, since);
  g_assert_cmpint (info->due, ==, due);
  g_assert_cmpint (info->accepted, ==, START);
}

static void
a_listed_delivery_says_how_it_stands (void)
{
  g_autoptr (Rig) rig = rig_new_with_one_of_each ();
  g_autoptr (GPtrArray) rows = rig_list (rig, &everything, 100);

  assert_info (find_info (rows, "pending"), SB_DELIVERY_PENDING, SB_REASON_NONE, 0, START, 0);
  assert_info (find_info (rows, "scheduled"), SB_DELIVERY_SCHEDULED, SB_REASON_NONE, 0, START,
               START + HOUR);
  assert_info (find_info (rows, "parked"), SB_DELIVERY_PARKED, SB_REASON_NONE, 5, START + 1,
               START + 2 * HOUR);
  assert_info (find_info (rows, "dead"), SB_DELIVERY_DEAD, SB_REASON_REFUSED, 0, START + 2, 0);
}

static void
a_listed_delivery_says_whose_it_is (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (GPtrArray) rows = NULL;
  const SbDeliveryInfo *info;
  gint64 position = rig_send_at (rig, "m1", rig->a, START + 5, 1234);

  rows = rig_list (rig, &everything, 100);
  g_assert_cmpuint (rows->len, ==, 1);
  info = g_ptr_array_index (rows, 0);
  g_assert_cmpstr (info->id, ==, "m1");
  g_assert_cmpstr (info->sender, ==, "s");
  g_assert_cmpstr (info->recipient_id, ==, "a");
  g_assert_cmpint (info->recipient, ==, rig->a);
  g_assert_cmpint (info->position, ==, position);
  g_assert_cmpuint (info->size, ==, 1234);
  g_assert_cmpint (info->accepted, ==, START + 5);
  g_assert_cmpint (info->since, ==, START + 5);
}

static void
a_listed_delivery_has_the_position_that_finds_it (void)
{
  g_autoptr (Rig) rig = rig_new_with_one_of_each ();
  g_autoptr (GPtrArray) rows = NULL;
  gint64 requeued;

  rig_send (rig, "again", rig->s, rig->a);
  rig_end (rig, rig->a, "again", SB_DELIVERY_DEAD, START);
  requeued = rig_requeue (rig, rig->a, "again")->requeue.position;
  rows = rig_list (rig, &everything, 100);
  g_assert_cmpint (find_info (rows, "scheduled")->position, ==, 0);
  g_assert_cmpint (find_info (rows, "again")->position, ==, requeued);
  for (guint i = 0; i < rows->len; i++)
    {
      const SbDeliveryInfo *row = g_ptr_array_index (rows, i);

      if (row->position != 0)
        g_assert_cmpint (rig_apply (rig, make_end (row->recipient, row->position, NULL,
                                                   SB_DELIVERY_DROPPED, START))
                             ->outcome,
                         ==, SB_OUTCOME_DONE);
    }
  expect_deliveries (rig, &everything, "scheduled/a/scheduled");
}

static void
what_was_requeued_or_moved_is_listed_as_pending (void)
{
  g_autoptr (Rig) rig = rig_new_with_one_of_each ();
  g_autoptr (GPtrArray) rows = NULL;

  rig_requeue (rig, rig->a, "dead");
  rig_move (rig, rig->a, rig->b, "parked");
  expect_deliveries (rig, &everything,
                     "dead/a/pending parked/b/pending pending/a/pending scheduled/a/scheduled "
                     "x/b/pending");
  rows = rig_list (rig, &everything, 100);
  assert_info (find_info (rows, "dead"), SB_DELIVERY_PENDING, SB_REASON_NONE, 0, START, 0);
  assert_info (find_info (rows, "parked"), SB_DELIVERY_PENDING, SB_REASON_NONE, 0, START, 0);
}

static void
a_filter_chooses_states (void)
{
  static const struct
  {
    guint states;
    const char *text;
  } cases[] = {
    { 0, "" },
    { ALL_STATES,
      "dead/a/dead parked/a/parked pending/a/pending scheduled/a/scheduled x/b/pending" },
    { 1u << SB_DELIVERY_PENDING, "pending/a/pending x/b/pending" },
    { 1u << SB_DELIVERY_SCHEDULED, "scheduled/a/scheduled" },
    { 1u << SB_DELIVERY_PARKED, "parked/a/parked" },
    { 1u << SB_DELIVERY_DEAD, "dead/a/dead" },
    { 1u << SB_DELIVERY_DEAD | 1u << SB_DELIVERY_PARKED, "dead/a/dead parked/a/parked" },
  };
  g_autoptr (Rig) rig = rig_new_with_one_of_each ();

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const SbDeliveryFilter filter = { .states = cases[i].states };

      expect_deliveries (rig, &filter, cases[i].text);
    }
}

static void
a_filter_chooses_recipient_and_sender (void)
{
  g_autoptr (Rig) rig = rig_new_with_one_of_each ();
  const struct
  {
    SbDeliveryFilter filter;
    const char *text;
  } cases[] = {
    { { rig->a, 0, 1u << SB_DELIVERY_PENDING }, "pending/a/pending" },
    { { rig->b, 0, ALL_STATES }, "x/b/pending" },
    { { rig->s, 0, ALL_STATES }, "" },
    { { 0, rig->a, ALL_STATES }, "x/b/pending" },
    { { 0, rig->s, 1u << SB_DELIVERY_DEAD | 1u << SB_DELIVERY_PENDING },
      "dead/a/dead pending/a/pending" },
    { { 0, rig->b, ALL_STATES }, "" },
    { { rig->b, rig->a, ALL_STATES }, "x/b/pending" },
    { { rig->b, rig->s, ALL_STATES }, "" },
    { { rig->b, rig->a, 1u << SB_DELIVERY_DEAD }, "" },
    { { rig->b + 1000, 0, ALL_STATES }, "" },
    { { G_MAXINT64, 0, ALL_STATES }, "" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    expect_deliveries (rig, &cases[i].filter, cases[i].text);
}

static void
each_recipient_of_a_message_is_listed (void)
{
  g_autoptr (Rig) rig = rig_new ();
  const gint64 all[] = { rig->b, rig->s, rig->a };

  rig_apply (rig, make_append (make_message (rig, "m1", rig->s, 0, 0), 3, all));
  rig_end (rig, rig->b, "m1", SB_DELIVERY_CONFIRMED, START);
  rig_end (rig, rig->s, "m1", SB_DELIVERY_DEAD, START);
  expect_deliveries (rig, &everything, "m1/a/pending m1/s/dead");
}

static void
who_is_gone_is_listed_by_name (void)
{
  g_autoptr (Rig) rig = rig_new_with_one_of_each ();
  const SbDeliveryFilter of_a = { rig->a, 0, ALL_STATES };
  g_autoptr (GPtrArray) rows = NULL;

  rig_remove_user (rig, rig->a, START + 9);
  rig_add_user (rig, "a");
  expect_deliveries (rig, &of_a, "dead/a/dead parked/a/dead pending/a/dead scheduled/a/dead");
  rows = rig_list (rig, &everything, 100);
  g_assert_cmpstr (find_info (rows, "x")->sender, ==, "a");
  assert_info (find_info (rows, "parked"), SB_DELIVERY_DEAD, SB_REASON_RECIPIENT_DELETED, 5,
               START + 9, 0);
}

/* Recipients and states in turn; returns how many have not ended. */
static guint
send_many (Rig *rig, guint n)
{
  const gint64 recipients[] = { rig->a, rig->b, rig->s };
  guint n_ended = 0;

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *id = g_strdup_printf ("m%u", i);
      gint64 to = recipients[i % 3];
      gint64 position = rig_send (rig, id, i % 2 == 0 ? rig->s : rig->a, to);

      if (i % 7 == 3)
        rig_end (rig, to, id, SB_DELIVERY_DEAD, START);
      if (i % 7 == 4)
        rig_apply (rig, make_park (to, position, START + i, START));
      if (i % 7 == 5)
        rig_end (rig, to, id, SB_DELIVERY_CONFIRMED, START);
      n_ended += i % 7 == 5;
    }
  return n - n_ended;
}

static void
assert_same_list (const GPtrArray *a, const GPtrArray *b)
{
  g_assert_cmpuint (a->len, ==, b->len);
  for (guint i = 0; i < a->len; i++)
    {
      const SbDeliveryInfo *one = g_ptr_array_index (a, i);
      const SbDeliveryInfo *other = g_ptr_array_index (b, i);

      g_assert_cmpstr (one->id, ==, other->id);
      g_assert_cmpint (one->recipient, ==, other->recipient);
    }
}

static void
pages_join_to_the_whole_list_in_one_order (void)
{
  g_autoptr (Rig) rig = rig_new ();
  guint n = send_many (rig, 100);
  const SbDeliveryFilter filters[] = {
    everything,
    { rig->a, 0, ALL_STATES },
    { 0, rig->a, ALL_STATES },
    { 0, 0, 1u << SB_DELIVERY_DEAD },
    { rig->b, rig->s, 1u << SB_DELIVERY_PENDING | 1u << SB_DELIVERY_PARKED },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (filters); i++)
    {
      g_autoptr (GPtrArray) whole = rig_list (rig, &filters[i], 1000);
      g_autoptr (GPtrArray) again = rig_list (rig, &filters[i], 1000);
      g_autoptr (GPtrArray) by_one = rig_list (rig, &filters[i], 1);
      g_autoptr (GPtrArray) by_seven = rig_list (rig, &filters[i], 7);

      g_assert_cmpuint (whole->len, >, 0);
      g_assert_true (i != 0 || whole->len == n);
      assert_same_list (whole, again);
      assert_same_list (whole, by_one);
      assert_same_list (whole, by_seven);
    }
}

static void
note_rows (GHashTable *seen, const GPtrArray *rows)
{
  for (guint i = 0; i < rows->len; i++)
    {
      const SbDeliveryInfo *row = g_ptr_array_index (rows, i);
      char *name = g_strdup_printf ("%s/%s", row->id, row->recipient_id);
      guint times = GPOINTER_TO_UINT (g_hash_table_lookup (seen, name));

      g_hash_table_insert (seen, name, GUINT_TO_POINTER (times + 1));
    }
}

static gint64
find_position (Rig *rig, gint64 recipient, const char *id)
{
  g_autoptr (GPtrArray) rows = rig_read_pending (rig, recipient, 0);
  gint64 position = 0;

  for (guint i = 0; i < rows->len; i++)
    {
      const SbStoredDelivery *row = g_ptr_array_index (rows, i);

      if (g_str_equal (row->message->id, id))
        position = row->position;
    }
  g_assert_cmpint (position, >, 0);
  return position;
}

/* What happens to the bus while somebody turns pages. */
static void
change_something (Rig *rig, guint turn)
{
  g_autofree char *new_id = g_strdup_printf ("new%u", turn);
  g_autofree char *ended = g_strdup_printf ("m%u", turn * 6);
  g_autofree char *requeued = g_strdup_printf ("m%u", turn * 6 + 1);
  g_autofree char *parked = g_strdup_printf ("m%u", turn * 6 + 2);
  g_autofree char *dead = g_strdup_printf ("m%u", turn * 6 + 3);
  g_autofree char *moved = g_strdup_printf ("m%u", turn * 6 + 4);

  rig_send (rig, new_id, rig->s, turn % 2 == 0 ? rig->a : rig->b);
  rig_end (rig, rig->a, ended, SB_DELIVERY_CONFIRMED, START);
  rig_end (rig, rig->a, requeued, SB_DELIVERY_DEAD, START);
  rig_requeue (rig, rig->a, requeued);
  rig_end (rig, rig->a, dead, SB_DELIVERY_DEAD, START);
  rig_move (rig, rig->a, rig->b, moved);
  rig_apply (rig, make_park (rig->a, find_position (rig, rig->a, parked), START, START));
}

/* Reads page after page of everything while things happen, and says what was seen how often. */
static GHashTable *
list_while_it_changes (Rig *rig, guint limit, guint n_changes)
{
  GHashTable *seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  char *cursor = NULL;
  guint turn = 0;

  do
    {
      g_autoptr (GPtrArray) rows = rig_list_page (rig, &everything, limit, &cursor);

      note_rows (seen, rows);
      if (turn < n_changes)
        change_something (rig, turn);
      g_assert_cmpuint (++turn, <, 20000);
    }
  while (cursor != NULL);
  return seen;
}

static void
who_turns_pages_sees_each_once_that_stays (void)
{
  static const guint limits[] = { 1, 3, 10 };

  for (gsize i = 0; i < G_N_ELEMENTS (limits); i++)
    {
      g_autoptr (Rig) rig = rig_new ();
      g_autoptr (GHashTable) seen = NULL;

      for (guint k = 0; k < 60; k++)
        {
          g_autofree char *id = g_strdup_printf ("m%u", k);

          rig_send (rig, id, rig->s, rig->a);
        }
      seen = list_while_it_changes (rig, limits[i], 10);
      for (guint k = 0; k < 60; k++)
        {
          g_autofree char *name = g_strdup_printf ("m%u/a", k);

          /* All states are asked for, so those that ended or left are all that may be missed. */
          if (k % 6 != 0 && k % 6 != 4)
            g_assert_cmpuint (GPOINTER_TO_UINT (g_hash_table_lookup (seen, name)), ==, 1);
        }
    }
}

/* In an order by anything that changes it would stand behind where the reader is. */
static void
a_page_goes_on_when_its_last_delivery_has_ended (void)
{
  g_autoptr (Rig) rig = rig_new ();
  char *cursor = NULL;
  guint n_seen = 0;

  send_many (rig, 30);
  do
    {
      g_autoptr (GPtrArray) rows = rig_list_page (rig, &everything, 1, &cursor);

      for (guint i = 0; i < rows->len; i++)
        {
          const SbDeliveryInfo *row = g_ptr_array_index (rows, i);

          g_assert_cmpint (rig_end (rig, row->recipient, row->id, SB_DELIVERY_DROPPED, START), ==,
                           SB_OUTCOME_DONE);
        }
      n_seen += rows->len;
    }
  while (cursor != NULL);
  g_assert_cmpuint (n_seen, ==, 30 - 4);
  g_assert_cmpuint (rig_stats (rig).messages, ==, 0);
}

static void
few_of_thousands_are_found (void)
{
  g_autoptr (Rig) rig = rig_new ();
  const SbDeliveryFilter of_b = { 0, rig->b, ALL_STATES };
  const SbDeliveryFilter dead = { 0, 0, 1u << SB_DELIVERY_DEAD };
  const SbDeliveryFilter dead_of_a = { rig->a, rig->b, 1u << SB_DELIVERY_DEAD };
  g_autoptr (GPtrArray) all = NULL;

  for (guint batch = 0; batch < 50; batch++)
    {
      SbOperation *operations[100];

      for (guint i = 0; i < G_N_ELEMENTS (operations); i++)
        {
          g_autofree char *id = g_strdup_printf ("m%u", batch * 100 + i);

          operations[i] = make_append (make_message (rig, id, rig->s, 0, 0), 1, &rig->a);
        }
      rig_apply_batch (rig, operations, G_N_ELEMENTS (operations));
      for (guint i = 0; i < G_N_ELEMENTS (operations); i++)
        sb_operation_free (operations[i]);
      if (batch == 25)
        rig_send (rig, "x", rig->b, rig->a);
    }
  rig_end (rig, rig->a, "x", SB_DELIVERY_DEAD, START);
  expect_deliveries (rig, &of_b, "x/a/dead");
  expect_deliveries (rig, &dead, "x/a/dead");
  expect_deliveries (rig, &dead_of_a, "x/a/dead");
  all = rig_list (rig, &everything, 300);
  g_assert_cmpuint (all->len, ==, 5001);
}

static void
a_place_that_no_page_gave_is_invalid (void)
{
  static const char *const places[] = {
    "",        " ",       "?",
    "nowhere", "%s",      "ж",
    "--",      "1e99999", "99999999999999999999999999.99999999999999999999999999"
  };
  g_autoptr (Rig) rig = rig_new_with_one_of_each ();

  for (gsize i = 0; i < G_N_ELEMENTS (places); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *next = NULL;

      g_assert_null (sb_store_deliveries (rig->store, &everything, places[i], 10, &next, &error));
      g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
      g_assert_null (next);
    }
}

void
add_list_tests (void)
{
  static const RigTest tests[] = {
    { "a-listed-delivery-says-how-it-stands", a_listed_delivery_says_how_it_stands },
    { "a-listed-delivery-says-whose-it-is", a_listed_delivery_says_whose_it_is },
    { "a-listed-delivery-has-the-position-that-finds-it",
      a_listed_delivery_has_the_position_that_finds_it },
    { "what-was-requeued-or-moved-is-listed-as-pending",
      what_was_requeued_or_moved_is_listed_as_pending },
    { "a-filter-chooses-states", a_filter_chooses_states },
    { "a-filter-chooses-recipient-and-sender", a_filter_chooses_recipient_and_sender },
    { "each-recipient-of-a-message-is-listed", each_recipient_of_a_message_is_listed },
    { "who-is-gone-is-listed-by-name", who_is_gone_is_listed_by_name },
    { "pages-join-to-the-whole-list-in-one-order", pages_join_to_the_whole_list_in_one_order },
    { "who-turns-pages-sees-each-once-that-stays", who_turns_pages_sees_each_once_that_stays },
    { "a-page-goes-on-when-its-last-delivery-has-ended",
      a_page_goes_on_when_its_last_delivery_has_ended },
    { "few-of-thousands-are-found", few_of_thousands_are_found },
    { "a-place-that-no-page-gave-is-invalid", a_place_that_no_page_gave_is_invalid },
  };

  rig_add_tests ("list", tests, G_N_ELEMENTS (tests));
}

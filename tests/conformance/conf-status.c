/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conf-status: what is told about messages, and about the store in all. */

#include "rig.h"

static void
an_unknown_message_is_not_found (void)
{
  g_autoptr (Rig) rig = rig_new ();

  expect_status (rig, "m1", NULL);
}

static void
the_status_says_who_sent_it_and_when (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbMessage) message = make_message (rig, "m1", rig->s, 0, 0);

  rig_send (rig, "m1", rig->s, rig->a);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (SbMessageStatus) status = sb_store_status (rig->store, "m1", NULL);

      g_assert_nonnull (status);
      g_assert_cmpstr (status->id, ==, "m1");
      g_assert_cmpstr (status->sender, ==, message->sender);
      g_assert_cmpint (status->sender_key, ==, rig->s);
      g_assert_cmpint (status->accepted, ==, START);
      /* The same again when only the memory of it is left. */
      rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START + SECOND);
    }
}

static gint64
read_since (Rig *rig)
{
  g_autoptr (SbMessageStatus) status = sb_store_status (rig->store, "m1", NULL);

  g_assert_nonnull (status);
  return ((SbDeliveryStatus *) g_ptr_array_index (status->deliveries, 0))->since;
}

static void
the_status_says_since_when (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 position = rig_send (rig, "m1", rig->s, rig->a);

  g_assert_cmpint (read_since (rig), ==, START);
  rig_apply (rig, make_park (rig->a, position, START + HOUR, START + 1));
  g_assert_cmpint (read_since (rig), ==, START + 1);
  rig_end (rig, rig->a, "m1", SB_DELIVERY_DEAD, START + 2);
  g_assert_cmpint (read_since (rig), ==, START + 2);
  rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START + 3);
  rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START + 4);
  g_assert_cmpint (read_since (rig), ==, START + 3);
}

static void
the_status_says_between_which_times (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_apply (rig, make_append (make_message (rig, "m1", rig->s, START + SECOND, START + HOUR), 1,
                               &rig->a));
  rig_send (rig, "m2", rig->s, rig->a);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (SbMessageStatus) within = rig_status (rig, "m1");
      g_autoptr (SbMessageStatus) always = rig_status (rig, "m2");

      g_assert_cmpint (within->not_before, ==, START + SECOND);
      g_assert_cmpint (within->deadline, ==, START + HOUR);
      g_assert_cmpint (always->not_before, ==, 0);
      g_assert_cmpint (always->deadline, ==, 0);
      /* The same again when only the memory of them is left. */
      rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START);
      rig_end (rig, rig->a, "m2", SB_DELIVERY_CONFIRMED, START);
    }
}

static gint64
read_due (Rig *rig, const char *id)
{
  g_autoptr (SbMessageStatus) status = rig_status (rig, id);

  return find_status (status, rig->a)->due;
}

static void
the_status_says_what_the_parked_and_the_scheduled_wait_for (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 position = rig_send (rig, "m1", rig->s, rig->a);

  rig_send_later (rig, "later");
  g_assert_cmpint (read_due (rig, "later"), ==, START + HOUR);
  g_assert_cmpint (read_due (rig, "m1"), ==, 0);
  rig_apply (rig, make_park (rig->a, position, START + 1, START));
  rig_apply (rig, make_park (rig->a, position, START + 2, START));
  g_assert_cmpint (read_due (rig, "m1"), ==, START + 2);
}

static void
what_does_not_wait_for_a_time_any_more_has_none (void)
{
  g_autoptr (Rig) rig = rig_new_with_one_of_each ();

  rig_sweep (rig, START + HOUR);
  g_assert_cmpint (read_due (rig, "scheduled"), ==, 0);
  rig_end (rig, rig->a, "parked", SB_DELIVERY_DEAD, START + HOUR);
  g_assert_cmpint (read_due (rig, "parked"), ==, 0);
  rig_requeue (rig, rig->a, "parked");
  g_assert_cmpint (read_due (rig, "parked"), ==, 0);
  rig_end (rig, rig->a, "parked", SB_DELIVERY_CONFIRMED, START + HOUR);
  g_assert_cmpint (read_due (rig, "parked"), ==, 0);
}

static void
the_status_gives_the_recipients_keys (void)
{
  g_autoptr (Rig) rig = rig_new ();
  const gint64 recipients[] = { rig->s, rig->a, rig->b };

  rig_apply (rig, make_append (make_message (rig, "m1", rig->s, 0, 0), 3, recipients));
  rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START);
  rig_remove_user (rig, rig->b, START);
  rig_add_user (rig, "b");
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (SbMessageStatus) status = rig_status (rig, "m1");

      g_assert_cmpuint (status->deliveries->len, ==, G_N_ELEMENTS (recipients));
      for (guint k = 0; k < status->deliveries->len; k++)
        {
          const SbDeliveryStatus *row = g_ptr_array_index (status->deliveries, k);

          g_assert_cmpint (row->recipient_key, ==, recipients[k]);
        }
      rig_end (rig, rig->s, "m1", SB_DELIVERY_CONFIRMED, START);
      rig_end (rig, rig->b, "m1", SB_DELIVERY_DROPPED, START);
    }
}

static void
deliveries_come_in_order_of_the_recipients_keys (void)
{
  g_autoptr (Rig) rig = rig_new ();
  const gint64 recipients[] = { rig->b, rig->s, rig->a };

  rig_apply (rig, make_append (make_message (rig, "m1", rig->s, 0, 0), 3, recipients));
  expect_status (rig, "m1", "s pending - 0, a pending - 0, b pending - 0");
}

static void
the_status_names_users_that_are_gone (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m1", rig->s, rig->a);
  rig_remove_user (rig, rig->a, START);
  rig_add_user (rig, "a");
  expect_status (rig, "m1", "a dead recipient-deleted 0");
}

static void
a_new_store_is_empty (void)
{
  g_autoptr (Rig) rig = rig_prepare ();
  g_autoptr (GPtrArray) users = NULL;
  SbStoreStats stats;

  rig_open (rig);
  stats = rig_stats (rig);
  users = sb_store_users (rig->store, NULL);
  g_assert_cmpuint (users->len, ==, 0);
  g_assert_cmpuint (stats.messages, ==, 0);
  g_assert_cmpuint (stats.waiting, ==, 0);
  g_assert_cmpuint (stats.parked, ==, 0);
  g_assert_cmpuint (stats.dead, ==, 0);
  g_assert_cmpuint (stats.remembered, ==, 0);
  g_assert_cmpint (stats.last_time, ==, 0);
}

static void
the_last_time_is_the_newest_that_was_stored (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m1", rig->s, rig->a);
  g_assert_cmpint (rig_stats (rig).last_time, ==, START);
  rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START + HOUR);
  g_assert_cmpint (rig_stats (rig).last_time, ==, START + HOUR);
}

static void
the_last_time_follows_a_move (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m1", rig->s, rig->a);
  rig_apply (rig, make_move (rig->a, rig->b, "m1", START + HOUR));
  g_assert_cmpint (rig_stats (rig).last_time, ==, START + HOUR);
}

static void
stats_count_what_is_there (void)
{
  g_autoptr (Rig) rig = rig_new ();
  const gint64 both[] = { rig->a, rig->b };
  SbStoreStats stats;

  rig_apply (rig, make_append (make_message (rig, "m1", rig->s, 0, 0), 2, both));
  rig_apply (rig, make_append (make_message (rig, "m2", rig->s, START + HOUR, 0), 2, both));
  rig_apply (rig, make_park (rig->a, rig_send (rig, "m3", rig->s, rig->a), START, START));
  rig_send (rig, "m4", rig->s, rig->a);
  rig_end (rig, rig->a, "m4", SB_DELIVERY_CONFIRMED, START);
  rig_end (rig, rig->b, "m1", SB_DELIVERY_DEAD, START);
  stats = rig_stats (rig);
  g_assert_cmpuint (stats.messages, ==, 3);
  g_assert_cmpuint (stats.waiting, ==, 4);
  g_assert_cmpuint (stats.parked, ==, 1);
  g_assert_cmpuint (stats.dead, ==, 1);
  g_assert_cmpuint (stats.remembered, ==, 1);
}

void
add_status_tests (void)
{
  static const RigTest tests[] = {
    { "an-unknown-message-is-not-found", an_unknown_message_is_not_found },
    { "the-status-says-who-sent-it-and-when", the_status_says_who_sent_it_and_when },
    { "the-status-says-since-when", the_status_says_since_when },
    { "the-status-says-between-which-times", the_status_says_between_which_times },
    { "the-status-says-what-the-parked-and-the-scheduled-wait-for",
      the_status_says_what_the_parked_and_the_scheduled_wait_for },
    { "what-does-not-wait-for-a-time-any-more-has-none",
      what_does_not_wait_for_a_time_any_more_has_none },
    { "the-status-gives-the-recipients-keys", the_status_gives_the_recipients_keys },
    { "deliveries-come-in-order-of-the-recipients-keys",
      deliveries_come_in_order_of_the_recipients_keys },
    { "the-status-names-users-that-are-gone", the_status_names_users_that_are_gone },
    { "a-new-store-is-empty", a_new_store_is_empty },
    { "the-last-time-is-the-newest-that-was-stored", the_last_time_is_the_newest_that_was_stored },
    { "the-last-time-follows-a-move", the_last_time_follows_a_move },
    { "stats-count-what-is-there", stats_count_what_is_there },
  };

  rig_add_tests ("status", tests, G_N_ELEMENTS (tests));
}

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
    { "deliveries-come-in-order-of-the-recipients-keys",
      deliveries_come_in_order_of_the_recipients_keys },
    { "the-status-names-users-that-are-gone", the_status_names_users_that_are_gone },
    { "a-new-store-is-empty", a_new_store_is_empty },
    { "the-last-time-is-the-newest-that-was-stored", the_last_time_is_the_newest_that_was_stored },
    { "stats-count-what-is-there", stats_count_what_is_there },
  };

  rig_add_tests ("status", tests, G_N_ELEMENTS (tests));
}

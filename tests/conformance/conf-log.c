/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conf-log: what is kept with a delivery about its attempts. */

#include "rig.h"

static void
end_with_log (Rig *rig, SbDeliveryState state, const char *log)
{
  rig_apply (rig, with_log (make_end (rig->a, 0, "m1", state, START), log));
}

static void
park_with_log (Rig *rig, gint64 position, const char *log)
{
  rig_apply (rig, with_log (make_park (rig->a, position, START + HOUR, START), log));
}

static void
expect_parked_log (Rig *rig, const char *log)
{
  g_autoptr (GPtrArray) rows = sb_store_parked (rig->store, rig->a, START + HOUR, 10, NULL, NULL);

  g_assert_nonnull (rows);
  g_assert_cmpuint (rows->len, ==, 1);
  g_assert_cmpstr (((SbStoredDelivery *) g_ptr_array_index (rows, 0))->log, ==, log);
}

static void
a_new_delivery_has_none (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m1", rig->s, rig->a);
  expect_log (rig, rig->a, "m1", NULL);
}

static void
what_ends_or_dies_has_the_one_that_was_given (gconstpointer data)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m1", rig->s, rig->a);
  end_with_log (rig, GPOINTER_TO_UINT (data), "10:00 refused\n10:01 refused");
  expect_log (rig, rig->a, "m1", "10:00 refused\n10:01 refused");
}

static void
what_was_not_in_the_queue_any_more_has_it_too (void)
{
  static const SbDeliveryState states[] = { SB_DELIVERY_SCHEDULED, SB_DELIVERY_PARKED,
                                            SB_DELIVERY_DEAD };

  for (gsize i = 0; i < G_N_ELEMENTS (states); i++)
    {
      g_autoptr (Rig) rig = rig_new ();

      rig_bring_into (rig, states[i]);
      end_with_log (rig, SB_DELIVERY_CONFIRMED, "late");
      expect_log (rig, rig->a, "m1", "late");
    }
}

static void
what_is_parked_has_the_one_that_was_given (void)
{
  g_autoptr (Rig) rig = rig_new ();

  park_with_log (rig, rig_send (rig, "m1", rig->s, rig->a), "five in vain");
  expect_log (rig, rig->a, "m1", "five in vain");
  expect_parked_log (rig, "five in vain");
}

static void
what_is_parked_without_one_has_none (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_bring_into (rig, SB_DELIVERY_PARKED);
  expect_log (rig, rig->a, "m1", NULL);
  expect_parked_log (rig, NULL);
}

static void
the_last_one_counts (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 position = rig_send (rig, "m1", rig->s, rig->a);

  park_with_log (rig, position, "first");
  park_with_log (rig, position, "second, longer than the first");
  expect_parked_log (rig, "second, longer than the first");
  end_with_log (rig, SB_DELIVERY_DEAD, "3");
  expect_log (rig, rig->a, "m1", "3");
  end_with_log (rig, SB_DELIVERY_CONFIRMED, "fourth");
  expect_log (rig, rig->a, "m1", "fourth");
}

static void
it_stays_when_none_is_given (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 position = rig_send (rig, "m1", rig->s, rig->a);

  park_with_log (rig, position, "first");
  park_with_log (rig, position, NULL);
  expect_parked_log (rig, "first");
  end_with_log (rig, SB_DELIVERY_DEAD, NULL);
  expect_log (rig, rig->a, "m1", "first");
  end_with_log (rig, SB_DELIVERY_DROPPED, NULL);
  expect_log (rig, rig->a, "m1", "first");
}

static void
an_empty_one_is_one (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 position = rig_send (rig, "m1", rig->s, rig->a);

  park_with_log (rig, position, "first");
  park_with_log (rig, position, "");
  expect_parked_log (rig, "");
}

static void
it_may_be_any_text (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autofree char *large = g_strnfill (100000, 'x');
  const char *const logs[] = { "{\"at\":1,\"body\":\"ё€😀\"}\n", "'; DROP TABLE log; --", "%s%n",
                               "\x01\x7f\t\r", large };
  gint64 position = rig_send (rig, "m1", rig->s, rig->a);

  for (gsize i = 0; i < G_N_ELEMENTS (logs); i++)
    {
      park_with_log (rig, position, logs[i]);
      expect_parked_log (rig, logs[i]);
      expect_log (rig, rig->a, "m1", logs[i]);
    }
}

static void
it_is_of_one_delivery (void)
{
  g_autoptr (Rig) rig = rig_new ();
  const gint64 both[] = { rig->a, rig->b };

  rig_apply (rig, make_append (make_message (rig, "m1", rig->s, 0, 0), 2, both));
  rig_send (rig, "m2", rig->s, rig->a);
  end_with_log (rig, SB_DELIVERY_DEAD, "a's");
  expect_log (rig, rig->a, "m1", "a's");
  expect_log (rig, rig->b, "m1", NULL);
  expect_log (rig, rig->a, "m2", NULL);
}

static void
what_changes_nothing_does_not_change_it (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 position = rig_send (rig, "m1", rig->s, rig->a);

  end_with_log (rig, SB_DELIVERY_DEAD, "true");
  park_with_log (rig, position, "a dead one is not parked");
  end_with_log (rig, SB_DELIVERY_EXPIRED, "a dead one does not expire");
  expect_log (rig, rig->a, "m1", "true");
  end_with_log (rig, SB_DELIVERY_CONFIRMED, NULL);
  end_with_log (rig, SB_DELIVERY_CONFIRMED, "it was confirmed before");
  expect_log (rig, rig->a, "m1", "true");
}

static void
it_is_remembered_with_its_message (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m1", rig->s, rig->a);
  end_with_log (rig, SB_DELIVERY_CONFIRMED, "at once");
  rig_sweep (rig, START + HOUR - 1);
  expect_log (rig, rig->a, "m1", "at once");
}

static void
it_is_forgotten_with_its_message (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m1", rig->s, rig->a);
  end_with_log (rig, SB_DELIVERY_CONFIRMED, "at once");
  rig_sweep (rig, START + HOUR);
  rig_send (rig, "m1", rig->s, rig->a);
  expect_log (rig, rig->a, "m1", NULL);
}

static void
a_requeue_keeps_it (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 position = rig_send (rig, "m1", rig->s, rig->a);

  park_with_log (rig, position, "first");
  position = rig_requeue (rig, rig->a, "m1")->requeue.position;
  expect_log (rig, rig->a, "m1", "first");
  rig_apply (rig, make_park (rig->a, position, START + HOUR, START));
  expect_parked_log (rig, "first");
  rig_requeue (rig, rig->a, "m1");
  end_with_log (rig, SB_DELIVERY_CONFIRMED, "second");
  expect_log (rig, rig->a, "m1", "second");
}

static void
it_stays_when_time_or_the_recipient_ends_the_delivery (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *append = rig_apply (
      rig, make_append (make_message (rig, "m1", rig->s, 0, START + HOUR), 1, &rig->a));
  gint64 position = rig_send (rig, "m2", rig->s, rig->a);

  park_with_log (rig, append->append.targets[0].position, "of m1");
  park_with_log (rig, position, "of m2");
  rig_sweep (rig, START + HOUR);
  rig_remove_user (rig, rig->a, START + HOUR);
  expect_status (rig, "m1", "a expired ttl 5");
  expect_log (rig, rig->a, "m1", "of m1");
  expect_status (rig, "m2", "a dead recipient-deleted 5");
  expect_log (rig, rig->a, "m2", "of m2");
}

static void
add_table (void)
{
  static const SbDeliveryState ends[] = { SB_DELIVERY_CONFIRMED, SB_DELIVERY_EXPIRED,
                                          SB_DELIVERY_DEAD, SB_DELIVERY_DROPPED };

  for (gsize i = 0; i < G_N_ELEMENTS (ends); i++)
    {
      g_autofree char *path = g_strdup_printf ("/store/log/what-is-%s-has-the-one-that-was-given",
                                               sb_delivery_state_to_string (ends[i]));

      g_test_add_data_func (path, GUINT_TO_POINTER (ends[i]),
                            what_ends_or_dies_has_the_one_that_was_given);
    }
}

void
add_log_tests (void)
{
  static const RigTest tests[] = {
    { "a-new-delivery-has-none", a_new_delivery_has_none },
    { "what-was-not-in-the-queue-any-more-has-it-too",
      what_was_not_in_the_queue_any_more_has_it_too },
    { "what-is-parked-has-the-one-that-was-given", what_is_parked_has_the_one_that_was_given },
    { "what-is-parked-without-one-has-none", what_is_parked_without_one_has_none },
    { "the-last-one-counts", the_last_one_counts },
    { "it-stays-when-none-is-given", it_stays_when_none_is_given },
    { "an-empty-one-is-one", an_empty_one_is_one },
    { "it-may-be-any-text", it_may_be_any_text },
    { "it-is-of-one-delivery", it_is_of_one_delivery },
    { "what-changes-nothing-does-not-change-it", what_changes_nothing_does_not_change_it },
    { "it-is-remembered-with-its-message", it_is_remembered_with_its_message },
    { "it-is-forgotten-with-its-message", it_is_forgotten_with_its_message },
    { "a-requeue-keeps-it", a_requeue_keeps_it },
    { "it-stays-when-time-or-the-recipient-ends-the-delivery",
      it_stays_when_time_or_the_recipient_ends_the_delivery },
  };

  add_table ();
  rig_add_tests ("log", tests, G_N_ELEMENTS (tests));
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conf-sweep: what follows from time, and that it follows from sweeps alone. */

#include "rig.h"

static const SbDue *
only_moved (SbOperation *sweep)
{
  g_assert_cmpuint (sweep->sweep.moved->len, ==, 1);
  return &g_array_index (sweep->sweep.moved, SbDue, 0);
}

static SbOperation *
send_later (Rig *rig, const char *id, gint64 not_before)
{
  return rig_apply (rig, make_append (make_message (rig, id, rig->s, not_before, 0), 1, &rig->a));
}

static SbOperation *
send_until (Rig *rig, const char *id, gint64 deadline)
{
  return rig_apply (rig, make_append (make_message (rig, id, rig->s, 0, deadline), 1, &rig->a));
}

static void
a_scheduled_message_wakes_when_due (void)
{
  g_autoptr (Rig) rig = rig_new ();

  send_later (rig, "m1", START + HOUR);
  rig_sweep (rig, START + HOUR - 1);
  expect_pending (rig, rig->a, "");
  rig_sweep (rig, START + HOUR);
  expect_pending (rig, rig->a, "m1");
  expect_backlog (rig, rig->a, 1);
}

static void
a_woken_message_takes_a_new_position (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *sweep;
  const SbDue *due;
  gint64 position;

  send_later (rig, "m1", START + HOUR);
  position = rig_send (rig, "m2", rig->s, rig->a);
  sweep = rig_apply (rig, make_sweep (START + HOUR, 100));
  due = only_moved (sweep);
  g_assert_cmpint (due->state, ==, SB_DELIVERY_PENDING);
  g_assert_cmpint (due->recipient, ==, rig->a);
  g_assert_cmpint (due->sender_key, ==, rig->s);
  g_assert_cmpstr (due->id, ==, "m1");
  g_assert_cmpint (due->position, >, position);
  expect_pending (rig, rig->a, "m2 m1");
}

static void
scheduled_messages_wake_in_order_of_their_times (void)
{
  g_autoptr (Rig) rig = rig_new ();

  send_later (rig, "m1", START + 3 * SECOND);
  send_later (rig, "m2", START + 1 * SECOND);
  send_later (rig, "m3", START + 2 * SECOND);
  rig_sweep (rig, START + HOUR);
  expect_pending (rig, rig->a, "m2 m3 m1");
}

static void
a_deadline_expires_what_is_open (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 position = send_until (rig, "m1", START + SECOND)->append.targets[0].position;
  SbOperation *sweep;
  const SbDue *due;

  rig_sweep (rig, START + SECOND - 1);
  expect_pending (rig, rig->a, "m1");
  sweep = rig_apply (rig, make_sweep (START + SECOND, 100));
  due = only_moved (sweep);
  g_assert_cmpint (due->state, ==, SB_DELIVERY_EXPIRED);
  g_assert_cmpint (due->position, ==, position);
  g_assert_cmpint (due->recipient, ==, rig->a);
  g_assert_cmpint (due->sender_key, ==, rig->s);
  g_assert_cmpstr (due->id, ==, "m1");
  expect_pending (rig, rig->a, "");
  expect_status (rig, "m1", "a expired ttl 0");
}

static void
a_deadline_expires_what_is_parked (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 position = send_until (rig, "m1", START + SECOND)->append.targets[0].position;

  rig_apply (rig, make_park (rig->a, position, START + HOUR, START));
  rig_sweep (rig, START + SECOND);
  expect_parked (rig, rig->a, G_MAXINT64, "", 0);
  expect_status (rig, "m1", "a expired ttl 5");
}

static void
a_deadline_does_not_touch_the_dead_and_the_ended (void)
{
  g_autoptr (Rig) rig = rig_new ();

  send_until (rig, "m1", START + SECOND);
  send_until (rig, "m2", START + SECOND);
  rig_end (rig, rig->a, "m1", SB_DELIVERY_DEAD, START);
  rig_end (rig, rig->a, "m2", SB_DELIVERY_CONFIRMED, START);
  g_assert_cmpuint (rig_apply (rig, make_sweep (START + 2 * SECOND, 100))->sweep.moved->len, ==, 0);
  expect_status (rig, "m1", "a dead refused 0");
  expect_status (rig, "m2", "a confirmed - 0");
}

static void
only_a_sweep_expires (void)
{
  g_autoptr (Rig) rig = rig_new ();

  send_until (rig, "m1", START + SECOND);
  rig_send (rig, "m2", rig->s, rig->a);
  rig_end (rig, rig->a, "m2", SB_DELIVERY_CONFIRMED, START + HOUR);
  expect_pending (rig, rig->a, "m1");
  g_assert_cmpint (rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START + HOUR), ==,
                   SB_OUTCOME_DONE);
}

static void
a_scheduled_message_past_its_deadline_expires_without_waking (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *sweep;
  const SbDue *due;

  rig_apply (rig, make_append (make_message (rig, "m1", rig->s, START + SECOND, START + 2 * SECOND),
                               1, &rig->a));
  sweep = rig_apply (rig, make_sweep (START + HOUR, 100));
  due = only_moved (sweep);
  g_assert_cmpint (due->state, ==, SB_DELIVERY_EXPIRED);
  g_assert_cmpint (due->position, ==, 0);
}

static void
a_sweep_moves_no_more_than_its_limit (void)
{
  g_autoptr (Rig) rig = rig_new ();
  guint expired = 0;
  gboolean more = TRUE;

  for (guint i = 0; i < 25; i++)
    {
      g_autofree char *id = g_strdup_printf ("m%u", i);

      send_until (rig, id, START + SECOND);
    }
  for (guint turn = 0; more && turn < 100; turn++)
    {
      SbOperation *sweep = rig_apply (rig, make_sweep (START + SECOND, 10));

      g_assert_cmpuint (sweep->sweep.moved->len, <=, 10);
      expired += sweep->sweep.moved->len;
      more = sweep->sweep.more;
      g_assert_true (more || expired == 25);
    }
  g_assert_cmpuint (expired, ==, 25);
  expect_backlog (rig, rig->a, 0);
}

static void
an_ended_message_is_remembered_for_its_time (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m1", rig->s, rig->a);
  rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START + SECOND);
  rig_sweep (rig, START + SECOND + HOUR - 1);
  expect_status (rig, "m1", "a confirmed - 0");
  rig_sweep (rig, START + SECOND + HOUR);
  expect_status (rig, "m1", NULL);
  g_assert_cmpuint (rig_stats (rig).remembered, ==, 0);
}

static void
a_forgotten_id_is_new (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m1", rig->s, rig->a);
  rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START);
  rig_sweep (rig, START + HOUR);
  g_assert_cmpint (rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START + HOUR), ==,
                   SB_OUTCOME_UNKNOWN);
  rig_send (rig, "m1", rig->b, rig->a);
  expect_pending (rig, rig->a, "m1");
}

static void
the_oldest_are_forgotten_over_the_number (void)
{
  g_autoptr (Rig) rig = rig_prepare ();

  rig->options.limits.remember_max = 3;
  rig_start (rig);
  for (guint i = 1; i <= 5; i++)
    {
      g_autofree char *id = g_strdup_printf ("m%u", i);

      rig_send (rig, id, rig->s, rig->a);
    }
  /* The third is the first to end. */
  rig_end (rig, rig->a, "m3", SB_DELIVERY_CONFIRMED, START + 1);
  rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START + 2);
  rig_end (rig, rig->a, "m2", SB_DELIVERY_CONFIRMED, START + 3);
  rig_end (rig, rig->a, "m4", SB_DELIVERY_CONFIRMED, START + 4);
  rig_end (rig, rig->a, "m5", SB_DELIVERY_CONFIRMED, START + 5);
  rig_sweep (rig, START + SECOND);
  expect_status (rig, "m3", NULL);
  expect_status (rig, "m1", NULL);
  expect_status (rig, "m2", "a confirmed - 0");
  expect_status (rig, "m5", "a confirmed - 0");
  g_assert_cmpuint (rig_stats (rig).remembered, ==, 3);
}

static void
what_has_not_ended_is_never_forgotten (void)
{
  g_autoptr (Rig) rig = rig_new ();
  const gint64 both[] = { rig->a, rig->b };

  rig_apply (rig, make_append (make_message (rig, "m1", rig->s, 0, 0), 2, both));
  rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START);
  rig_sweep (rig, START + 1000 * HOUR);
  expect_status (rig, "m1", "a confirmed - 0, b pending - 0");
}

static void
the_next_time_is_the_first_of_all (void)
{
  g_autoptr (Rig) rig = rig_new ();

  g_assert_cmpint (rig_apply (rig, make_sweep (START, 100))->sweep.next, ==, 0);
  rig_send (rig, "m1", rig->s, rig->a);
  g_assert_cmpint (rig_apply (rig, make_sweep (START, 100))->sweep.next, ==, 0);
  rig_apply (rig, make_add_receipt (rig->s, rig->a, "m1", START));
  g_assert_cmpint (rig_apply (rig, make_sweep (START, 100))->sweep.next, ==, START + 24 * HOUR);
  rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START);
  g_assert_cmpint (rig_apply (rig, make_sweep (START, 100))->sweep.next, ==, START + HOUR);
  send_until (rig, "m2", START + 20 * SECOND);
  g_assert_cmpint (rig_apply (rig, make_sweep (START, 100))->sweep.next, ==, START + 20 * SECOND);
  send_later (rig, "m3", START + 10 * SECOND);
  g_assert_cmpint (rig_apply (rig, make_sweep (START, 100))->sweep.next, ==, START + 10 * SECOND);
}

static void
a_sweep_with_nothing_to_do_does_nothing (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *sweep = rig_apply (rig, make_sweep (START, 100));

  g_assert_cmpint (sweep->outcome, ==, SB_OUTCOME_DONE);
  g_assert_cmpuint (sweep->sweep.moved->len, ==, 0);
  g_assert_false (sweep->sweep.more);
}

void
add_sweep_tests (void)
{
  static const RigTest tests[] = {
    { "a-scheduled-message-wakes-when-due", a_scheduled_message_wakes_when_due },
    { "a-woken-message-takes-a-new-position", a_woken_message_takes_a_new_position },
    { "scheduled-messages-wake-in-order-of-their-times",
      scheduled_messages_wake_in_order_of_their_times },
    { "a-deadline-expires-what-is-open", a_deadline_expires_what_is_open },
    { "a-deadline-expires-what-is-parked", a_deadline_expires_what_is_parked },
    { "a-deadline-does-not-touch-the-dead-and-the-ended",
      a_deadline_does_not_touch_the_dead_and_the_ended },
    { "only-a-sweep-expires", only_a_sweep_expires },
    { "a-scheduled-message-past-its-deadline-expires-without-waking",
      a_scheduled_message_past_its_deadline_expires_without_waking },
    { "a-sweep-moves-no-more-than-its-limit", a_sweep_moves_no_more_than_its_limit },
    { "an-ended-message-is-remembered-for-its-time", an_ended_message_is_remembered_for_its_time },
    { "a-forgotten-id-is-new", a_forgotten_id_is_new },
    { "the-oldest-are-forgotten-over-the-number", the_oldest_are_forgotten_over_the_number },
    { "what-has-not-ended-is-never-forgotten", what_has_not_ended_is_never_forgotten },
    { "the-next-time-is-the-first-of-all", the_next_time_is_the_first_of_all },
    { "a-sweep-with-nothing-to-do-does-nothing", a_sweep_with_nothing_to_do_does_nothing },
  };

  rig_add_tests ("sweep", tests, G_N_ELEMENTS (tests));
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conf-limits: what is told before and when a queue is full, and limits that change. */

#include "rig.h"

static Rig *
start_with_queue_of (gint64 count, gint64 bytes)
{
  Rig *rig = rig_prepare ();

  rig->options.limits.max_queue = count;
  rig->options.limits.max_queue_bytes = bytes;
  rig_start (rig);
  return rig;
}

/* A queue of a that is full with one message "m0", and so many dead ones that may be kept. */
static Rig *
start_full (gint64 max_dead)
{
  Rig *rig = rig_prepare ();

  rig->options.limits.max_queue = 1;
  rig->options.limits.max_dead = max_dead;
  rig_start (rig);
  rig_send (rig, "m0", rig->s, rig->a);
  return rig;
}

static SbOperation *
append (Rig *rig, const char *id, gint64 not_before)
{
  return rig_apply (rig, make_append (make_message (rig, id, rig->s, not_before, 0), 1, &rig->a));
}

/* To somebody whose id was not named. */
static SbOperation *
broadcast (Rig *rig, const char *id, guint n_recipients, const gint64 *recipients)
{
  SbOperation *operation = make_append (make_message (rig, id, rig->s, 0, 0), n_recipients,
                                        recipients);

  for (guint i = 0; i < n_recipients; i++)
    operation->append.targets[i].named = FALSE;
  return rig_apply (rig, operation);
}

static void
limit (Rig *rig, const SbStoreLimits *limits)
{
  g_assert_cmpint (rig_apply (rig, make_limits (limits))->outcome, ==, SB_OUTCOME_DONE);
}

/* Where four fifths begin, also where they are no whole number. */
static void
a_queue_is_near_its_limit_from_four_fifths_on (void)
{
  static const struct
  {
    guint max_queue;
    guint first;
  } cases[] = { { 1, 1 }, { 2, 2 }, { 4, 4 }, { 5, 4 }, { 6, 5 }, { 9, 8 }, { 10, 8 } };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Rig) rig = start_with_queue_of (cases[i].max_queue, G_MAXINT32);

      for (guint n = 1; n <= cases[i].max_queue; n++)
        {
          g_autofree char *id = g_strdup_printf ("m%u", n);
          SbOperation *operation = append (rig, id, 0);

          g_assert_cmpint (operation->outcome, ==, SB_OUTCOME_DONE);
          g_assert_cmpint (operation->append.targets[0].near, ==, n >= cases[i].first);
        }
    }
}

static void
the_bytes_of_a_queue_are_near_their_limit_likewise (void)
{
  g_autoptr (Rig) rig = start_with_queue_of (G_MAXINT32, 10 * BODY_SIZE);

  for (guint n = 1; n <= 10; n++)
    {
      g_autofree char *id = g_strdup_printf ("m%u", n);

      g_assert_cmpint (append (rig, id, 0)->append.targets[0].near, ==, n >= 8);
    }
}

static void
scheduled_ones_count_and_are_told (void)
{
  g_autoptr (Rig) rig = start_with_queue_of (5, G_MAXINT32);

  for (guint n = 1; n <= 5; n++)
    {
      g_autofree char *id = g_strdup_printf ("m%u", n);

      g_assert_cmpint (append (rig, id, START + HOUR)->append.targets[0].near, ==, n >= 4);
    }
}

static void
a_queue_is_far_from_its_limit_again_after_a_confirmation (void)
{
  g_autoptr (Rig) rig = start_with_queue_of (2, G_MAXINT32);

  append (rig, "m1", 0);
  g_assert_true (append (rig, "m2", 0)->append.targets[0].near);
  rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START);
  rig_end (rig, rig->a, "m2", SB_DELIVERY_DEAD, START);
  g_assert_false (append (rig, "m3", 0)->append.targets[0].near);
}

static void
each_recipient_is_near_by_itself (void)
{
  g_autoptr (Rig) rig = start_with_queue_of (2, G_MAXINT32);
  const gint64 both[] = { rig->b, rig->a };
  SbOperation *operation;

  append (rig, "m1", 0);
  operation = rig_apply (rig, make_append (make_message (rig, "m2", rig->s, 0, 0), 2, both));
  g_assert_false (operation->append.targets[0].near);
  g_assert_true (operation->append.targets[1].near);
}

static void
beyond_max_dead_a_full_recipient_gets_a_dropped_delivery (void)
{
  g_autoptr (Rig) rig = start_full (2);
  const gint64 both[] = { rig->a, rig->b };
  SbOperation *operation;

  broadcast (rig, "m1", 1, &rig->a);
  broadcast (rig, "m2", 1, &rig->a);
  expect_status (rig, "m2", "a dead queue-full 0");
  operation = broadcast (rig, "m3", 2, both);
  g_assert_cmpint (operation->outcome, ==, SB_OUTCOME_DONE);
  g_assert_true (operation->append.targets[0].full);
  g_assert_cmpint (operation->append.targets[0].state, ==, SB_DELIVERY_DROPPED);
  g_assert_cmpint (operation->append.targets[0].position, ==, 0);
  g_assert_cmpint (operation->append.targets[1].state, ==, SB_DELIVERY_PENDING);
  expect_status (rig, "m3", "a dropped queue-full 0, b pending - 0");
  expect_pending (rig, rig->b, "m3");
  g_assert_cmpuint (rig_stats (rig).dead, ==, 2);
  g_assert_cmpuint (rig_backlog (rig, rig->a).dead, ==, 2);
}

static void
max_dead_is_reached_within_a_batch (void)
{
  g_autoptr (Rig) rig = start_full (1);
  g_autoptr (SbOperation) first = make_append (make_message (rig, "m1", rig->s, 0, 0), 1, &rig->a);
  g_autoptr (SbOperation) second = make_append (make_message (rig, "m2", rig->s, 0, 0), 1, &rig->a);
  SbOperation *batch[] = { first, second };

  first->append.targets[0].named = FALSE;
  second->append.targets[0].named = FALSE;
  rig_apply_batch (rig, batch, 2);
  g_assert_cmpint (first->append.targets[0].state, ==, SB_DELIVERY_DEAD);
  g_assert_cmpint (second->append.targets[0].state, ==, SB_DELIVERY_DROPPED);
}

static void
it_is_the_same_what_the_dead_died_of (void)
{
  g_autoptr (Rig) rig = start_full (1);

  rig_end (rig, rig->a, "m0", SB_DELIVERY_DEAD, START);
  rig_send (rig, "m1", rig->s, rig->a);
  broadcast (rig, "m2", 1, &rig->a);
  expect_status (rig, "m2", "a dropped queue-full 0");
}

static void
the_dead_are_of_one_recipient (void)
{
  g_autoptr (Rig) rig = start_full (1);

  rig_send (rig, "x", rig->s, rig->b);
  rig_end (rig, rig->b, "x", SB_DELIVERY_DEAD, START);
  broadcast (rig, "m1", 1, &rig->a);
  expect_status (rig, "m1", "a dead queue-full 0");
}

static void
there_is_room_for_the_dead_again (void)
{
  g_autoptr (Rig) rig = start_full (1);

  broadcast (rig, "m1", 1, &rig->a);
  rig_end (rig, rig->a, "m1", SB_DELIVERY_DROPPED, START);
  broadcast (rig, "m2", 1, &rig->a);
  expect_status (rig, "m2", "a dead queue-full 0");
  rig_requeue (rig, rig->a, "m2");
  broadcast (rig, "m3", 1, &rig->a);
  expect_status (rig, "m3", "a dead queue-full 0");
}

/* Only what finds the queue full counts against it. */
static void
other_deaths_have_no_limit (void)
{
  g_autoptr (Rig) rig = rig_prepare ();

  rig->options.limits.max_dead = 0;
  rig_start (rig);
  rig_send (rig, "m1", rig->s, rig->a);
  rig_send (rig, "m2", rig->s, rig->b);
  rig_end (rig, rig->a, "m1", SB_DELIVERY_DEAD, START);
  rig_remove_user (rig, rig->b, START);
  broadcast (rig, "m3", 1, &rig->b);
  expect_status (rig, "m1", "a dead refused 0");
  expect_status (rig, "m2", "b dead recipient-deleted 0");
  expect_status (rig, "m3", "b dead recipient-deleted 0");
}

static void
a_message_of_which_nothing_is_left_is_remembered (void)
{
  g_autoptr (Rig) rig = start_full (0);
  SbOperation *operation = broadcast (rig, "m1", 1, &rig->a);
  g_autoptr (SbMessageStatus) status = rig_status (rig, "m1");

  g_assert_cmpint (operation->outcome, ==, SB_OUTCOME_DONE);
  g_assert_cmpint (find_status (status, rig->a)->state, ==, SB_DELIVERY_DROPPED);
  g_assert_cmpint (find_status (status, rig->a)->since, ==, START);
  g_assert_cmpuint (rig_stats (rig).messages, ==, 1);
  g_assert_cmpuint (rig_stats (rig).remembered, ==, 1);
  g_assert_cmpuint (rig_stats (rig).dead, ==, 0);
  g_assert_cmpint (broadcast (rig, "m1", 1, &rig->a)->outcome, ==, SB_OUTCOME_DUPLICATE);
  g_assert_cmpint (rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START), ==,
                   SB_OUTCOME_UNKNOWN);
}

static void
such_a_message_is_forgotten_in_its_time (void)
{
  g_autoptr (Rig) rig = start_full (0);
  const gint64 both[] = { rig->a, rig->b };

  rig_send (rig, "x", rig->s, rig->b);
  broadcast (rig, "m1", 1, &rig->a);
  broadcast (rig, "m2", 2, both);
  g_assert_cmpuint (rig_stats (rig).remembered, ==, 2);
  g_assert_cmpint (rig_apply (rig, make_sweep (START + HOUR - 1, 100))->sweep.next, ==,
                   START + HOUR);
  expect_status (rig, "m1", "a dropped queue-full 0");
  expect_status (rig, "m2", "a dropped queue-full 0, b dropped queue-full 0");
  rig_sweep (rig, START + HOUR);
  expect_status (rig, "m1", NULL);
  expect_status (rig, "m2", NULL);
}

static void
a_deadline_of_such_a_message_never_comes (void)
{
  g_autoptr (Rig) rig = start_full (0);
  SbOperation *operation = make_append (make_message (rig, "m1", rig->s, 0, START + SECOND), 1,
                                        &rig->a);
  SbOperation *sweep;

  operation->append.targets[0].named = FALSE;
  rig_apply (rig, operation);
  sweep = rig_apply (rig, make_sweep (START + SECOND, 100));
  g_assert_cmpuint (sweep->sweep.moved->len, ==, 0);
  expect_status (rig, "m1", "a dropped queue-full 0");
}

static void
a_lower_limit_holds_from_there_on (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbOperation) first = make_append (make_message (rig, "m1", rig->s, 0, 0), 1, &rig->a);
  g_autoptr (SbOperation) second = make_append (make_message (rig, "m2", rig->s, 0, 0), 1, &rig->a);
  SbStoreLimits lower = rig->options.limits;
  g_autoptr (SbOperation) limits = NULL;

  lower.max_queue = 1;
  limits = make_limits (&lower);
  {
    SbOperation *batch[] = { first, limits, second };

    rig_apply_batch (rig, batch, G_N_ELEMENTS (batch));
  }
  g_assert_cmpint (first->outcome, ==, SB_OUTCOME_DONE);
  g_assert_cmpint (second->outcome, ==, SB_OUTCOME_FULL);
  g_assert_cmpint (append (rig, "m3", 0)->outcome, ==, SB_OUTCOME_FULL);
}

static void
a_higher_limit_holds_from_there_on (void)
{
  g_autoptr (Rig) rig = start_with_queue_of (1, BODY_SIZE);
  SbStoreLimits limits = rig->options.limits;

  append (rig, "m1", 0);
  limits.max_queue = 10;
  limit (rig, &limits);
  g_assert_cmpint (append (rig, "m2", 0)->outcome, ==, SB_OUTCOME_FULL);
  limits.max_queue_bytes = 10 * BODY_SIZE;
  limit (rig, &limits);
  g_assert_cmpint (append (rig, "m2", 0)->outcome, ==, SB_OUTCOME_DONE);
  expect_pending (rig, rig->a, "m1 m2");
}

static void
what_waits_over_a_lower_limit_stays (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbStoreLimits lower = rig->options.limits;

  append (rig, "m1", 0);
  append (rig, "m2", 0);
  append (rig, "m3", 0);
  rig_end (rig, rig->a, "m3", SB_DELIVERY_DEAD, START);
  lower.max_queue = 1;
  lower.max_queue_bytes = 1;
  lower.max_dead = 0;
  limit (rig, &lower);
  rig_sweep (rig, START + SECOND);
  expect_pending (rig, rig->a, "m1 m2");
  expect_status (rig, "m3", "a dead refused 0");
}

static void
four_fifths_are_of_the_limit_in_force (void)
{
  g_autoptr (Rig) rig = start_with_queue_of (100, G_MAXINT32);
  SbStoreLimits lower = rig->options.limits;

  g_assert_false (append (rig, "m1", 0)->append.targets[0].near);
  lower.max_queue = 2;
  limit (rig, &lower);
  g_assert_true (append (rig, "m2", 0)->append.targets[0].near);
}

static void
another_max_dead_holds_from_there_on (void)
{
  g_autoptr (Rig) rig = start_full (1000);
  SbStoreLimits limits = rig->options.limits;

  limits.max_dead = 0;
  limit (rig, &limits);
  broadcast (rig, "m1", 1, &rig->a);
  limits.max_dead = 1;
  limit (rig, &limits);
  broadcast (rig, "m2", 1, &rig->a);
  expect_status (rig, "m1", "a dropped queue-full 0");
  expect_status (rig, "m2", "a dead queue-full 0");
}

static void
the_remembered_are_forgotten_by_the_times_in_force (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbStoreLimits limits = rig->options.limits;

  append (rig, "m1", 0);
  rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START);
  limits.remember = 2 * HOUR;
  limit (rig, &limits);
  g_assert_cmpint (rig_apply (rig, make_sweep (START + HOUR, 100))->sweep.next, ==,
                   START + 2 * HOUR);
  expect_status (rig, "m1", "a confirmed - 0");
  limits.remember = HOUR;
  limit (rig, &limits);
  expect_status (rig, "m1", "a confirmed - 0");
  rig_sweep (rig, START + HOUR);
  expect_status (rig, "m1", NULL);
}

static void
the_remembered_over_a_lower_number_go_with_a_sweep (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbStoreLimits limits = rig->options.limits;

  for (guint i = 1; i <= 4; i++)
    {
      g_autofree char *id = g_strdup_printf ("m%u", i);

      append (rig, id, 0);
      rig_end (rig, rig->a, id, SB_DELIVERY_CONFIRMED, START + i);
    }
  limits.remember_max = 1;
  limit (rig, &limits);
  g_assert_cmpuint (rig_stats (rig).remembered, ==, 4);
  rig_sweep (rig, START + SECOND);
  g_assert_cmpuint (rig_stats (rig).remembered, ==, 1);
  expect_status (rig, "m3", NULL);
  expect_status (rig, "m4", "a confirmed - 0");
}

static void
receipts_over_a_lower_number_go_with_the_next (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbStoreLimits limits = rig->options.limits;

  for (guint i = 1; i <= 4; i++)
    {
      g_autofree char *id = g_strdup_printf ("m%u", i);

      rig_apply (rig, make_add_receipt (rig->s, rig->a, id, START));
    }
  limits.receipts_max = 2;
  limit (rig, &limits);
  expect_receipts (rig, rig->s, "m1/a m2/a m3/a m4/a");
  rig_apply (rig, make_add_receipt (rig->s, rig->a, "m5", START));
  expect_receipts (rig, rig->s, "m4/a m5/a");
}

static void
receipts_grow_old_by_the_time_in_force (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbStoreLimits limits = rig->options.limits;

  rig_apply (rig, make_add_receipt (rig->s, rig->a, "m1", START));
  limits.receipts_age = SECOND;
  limit (rig, &limits);
  expect_receipts (rig, rig->s, "m1/a");
  rig_sweep (rig, START + 2 * SECOND);
  expect_receipts (rig, rig->s, "");
}

void
add_limits_tests (void)
{
  static const RigTest tests[] = {
    { "a-queue-is-near-its-limit-from-four-fifths-on",
      a_queue_is_near_its_limit_from_four_fifths_on },
    { "the-bytes-of-a-queue-are-near-their-limit-likewise",
      the_bytes_of_a_queue_are_near_their_limit_likewise },
    { "scheduled-ones-count-and-are-told", scheduled_ones_count_and_are_told },
    { "a-queue-is-far-from-its-limit-again-after-a-confirmation",
      a_queue_is_far_from_its_limit_again_after_a_confirmation },
    { "each-recipient-is-near-by-itself", each_recipient_is_near_by_itself },
    { "beyond-max-dead-a-full-recipient-gets-a-dropped-delivery",
      beyond_max_dead_a_full_recipient_gets_a_dropped_delivery },
    { "max-dead-is-reached-within-a-batch", max_dead_is_reached_within_a_batch },
    { "it-is-the-same-what-the-dead-died-of", it_is_the_same_what_the_dead_died_of },
    { "the-dead-are-of-one-recipient", the_dead_are_of_one_recipient },
    { "there-is-room-for-the-dead-again", there_is_room_for_the_dead_again },
    { "other-deaths-have-no-limit", other_deaths_have_no_limit },
    { "a-message-of-which-nothing-is-left-is-remembered",
      a_message_of_which_nothing_is_left_is_remembered },
    { "such-a-message-is-forgotten-in-its-time", such_a_message_is_forgotten_in_its_time },
    { "a-deadline-of-such-a-message-never-comes", a_deadline_of_such_a_message_never_comes },
    { "a-lower-limit-holds-from-there-on", a_lower_limit_holds_from_there_on },
    { "a-higher-limit-holds-from-there-on", a_higher_limit_holds_from_there_on },
    { "what-waits-over-a-lower-limit-stays", what_waits_over_a_lower_limit_stays },
    { "four-fifths-are-of-the-limit-in-force", four_fifths_are_of_the_limit_in_force },
    { "another-max-dead-holds-from-there-on", another_max_dead_holds_from_there_on },
    { "the-remembered-are-forgotten-by-the-times-in-force",
      the_remembered_are_forgotten_by_the_times_in_force },
    { "the-remembered-over-a-lower-number-go-with-a-sweep",
      the_remembered_over_a_lower_number_go_with_a_sweep },
    { "receipts-over-a-lower-number-go-with-the-next",
      receipts_over_a_lower_number_go_with_the_next },
    { "receipts-grow-old-by-the-time-in-force", receipts_grow_old_by_the_time_in_force },
  };

  rig_add_tests ("limits", tests, G_N_ELEMENTS (tests));
}

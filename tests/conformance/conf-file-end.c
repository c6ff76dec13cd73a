/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conf-file-end: who knows of a file, who needs it no more, and with whom it goes. */

#include "rig.h"

/* Not of those that have ended. */
static const SbDeliveryState open_states[] = {
  SB_DELIVERY_PENDING,  SB_DELIVERY_SCHEDULED, SB_DELIVERY_PARKED,
  SB_DELIVERY_NOTIFIED, SB_DELIVERY_DEAD,
};

static const SbDeliveryState ended_states[] = {
  SB_DELIVERY_CONFIRMED,
  SB_DELIVERY_EXPIRED,
  SB_DELIVERY_DROPPED,
};

static const SbDeliveryFilter everything = { .states = ALL_STATES };

/* Nothing is delivered, and nothing waits. */
static void
expect_nothing_waits (Rig *rig, gint64 recipient)
{
  SbBacklog backlog = rig_backlog (rig, recipient);
  const SbBacklog nothing = { 0 };

  assert_backlog_equal (&backlog, &nothing);
  expect_pending (rig, recipient, "");
  expect_parked (rig, recipient, G_MAXINT64, "", 0);
}

static void
a_confirmation_notifies (gconstpointer data)
{
  SbDeliveryState from = GPOINTER_TO_UINT (data);
  g_autoptr (Rig) rig = rig_new ();
  gint64 position = rig_bring_file_into (rig, from);
  SbOperation *end = make_end (rig->a, 0, "m1", SB_DELIVERY_CONFIRMED, START + SECOND);
  g_autoptr (SbMessageStatus) status = NULL;
  const SbDeliveryStatus *row;

  end->end.store_receipt = TRUE;
  end->end.attempts = 7;
  with_log (end, "tried");
  rig_apply (rig, end);
  expect_released (end, NULL);
  g_assert_true (end->end.notified);
  g_assert_cmpint (end->end.position, ==, position);
  g_assert_cmpint (end->end.sender_key, ==, rig->s);
  expect_status (rig, "m1", "a notified - 7");
  expect_file (rig, "f1", "a notified");
  expect_receipts (rig, rig->s, "");
  expect_nothing_waits (rig, rig->a);
  status = rig_status (rig, "m1");
  row = find_status (status, rig->a);
  g_assert_cmpint (row->since, ==, START + SECOND);
  g_assert_cmpint (row->due, ==, 0);
  g_assert_cmpstr (row->log, ==, "tried");
}

static void
a_second_confirmation_is_a_duplicate (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *end = make_end (rig->a, 0, "m1", SB_DELIVERY_CONFIRMED, START + SECOND);

  rig_bring_file_into (rig, SB_DELIVERY_NOTIFIED);
  end->end.store_receipt = TRUE;
  end->end.attempts = 3;
  rig_apply (rig, end);
  g_assert_cmpint (end->outcome, ==, SB_OUTCOME_DUPLICATE);
  assert_released (end->end.released, end->end.released_size, NULL);
  expect_status (rig, "m1", "a notified - 0");
  expect_receipts (rig, rig->s, "");
}

static void
a_notified_one_is_found_by_its_position (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 position = rig_bring_file_into (rig, SB_DELIVERY_NOTIFIED);
  SbOperation *end = make_end (rig->a, position, NULL, SB_DELIVERY_CONFIRMED, START);

  end->end.release = TRUE;
  expect_released (rig_apply (rig, end), "f1");
  expect_status (rig, "m1", "a confirmed - 0");
}

static void
handle_and_message_help_to_find_it (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *append = rig_announce (rig, "m1", "f1", 1, &rig->a);

  for (guint i = 0; i < 2; i++)
    {
      SbOperation *end = make_end (rig->a, append->append.targets[0].position, "m1",
                                   SB_DELIVERY_CONFIRMED, START);

      end->end.handle = append->append.handle;
      end->end.message = sb_message_ref (append->append.message);
      end->end.release = i == 1;
      expect_released (rig_apply (rig, end), i == 1 ? "f1" : NULL);
      g_assert_cmpint (end->end.notified, ==, i == 0);
    }
  expect_status (rig, "m1", "a confirmed - 0");
}

static void
a_release_confirms (gconstpointer data)
{
  SbDeliveryState from = GPOINTER_TO_UINT (data);
  g_autoptr (Rig) rig = rig_new ();
  gint64 position = rig_bring_file_into (rig, from);
  SbOperation *end = make_release (rig->a, "m1", START + SECOND);

  end->end.store_receipt = TRUE;
  rig_apply (rig, end);
  expect_released (end, "f1");
  g_assert_false (end->end.notified);
  g_assert_cmpint (end->end.position, ==, position);
  g_assert_cmpint (end->end.sender_key, ==, rig->s);
  expect_receipts (rig, rig->s, "m1/a");
  expect_file (rig, "f1", NULL);
  expect_files (rig, "");
  expect_nothing_waits (rig, rig->a);
  g_assert_cmpuint (rig_stats (rig).messages, ==, 0);
  g_assert_cmpuint (rig_stats (rig).remembered, ==, 1);
}

static void
what_has_ended_is_neither_notified_nor_released (gconstpointer data)
{
  SbDeliveryState from = GPOINTER_TO_UINT (data);
  g_autoptr (Rig) rig = rig_new ();
  SbOutcome outcome = from == SB_DELIVERY_CONFIRMED ? SB_OUTCOME_DUPLICATE : SB_OUTCOME_UNKNOWN;
  SbOperation *end;

  rig_bring_file_into (rig, from);
  end = rig_notify (rig, rig->a, "m1");
  g_assert_cmpint (end->outcome, ==, outcome);
  assert_released (end->end.released, end->end.released_size, NULL);
  end = rig_release (rig, rig->a, "m1");
  g_assert_cmpint (end->outcome, ==, outcome);
  assert_released (end->end.released, end->end.released_size, NULL);
  expect_files (rig, "");
}

/* Also while the file is there for somebody else. */
static void
one_recipient_releases_once (void)
{
  g_autoptr (Rig) rig = rig_new ();
  const gint64 both[] = { rig->a, rig->b };
  SbOperation *end;

  rig_announce (rig, "m1", "f1", 2, both);
  expect_released (rig_release (rig, rig->a, "m1"), NULL);
  end = rig_release (rig, rig->a, "m1");
  g_assert_cmpint (end->outcome, ==, SB_OUTCOME_DUPLICATE);
  end = rig_notify (rig, rig->a, "m1");
  g_assert_cmpint (end->outcome, ==, SB_OUTCOME_DUPLICATE);
  expect_file (rig, "f1", "a confirmed, b pending");
}

static void
without_a_file_a_confirmation_confirms (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *end;

  rig_send (rig, "m1", rig->s, rig->a);
  rig_send (rig, "m2", rig->s, rig->a);
  end = rig_notify (rig, rig->a, "m1");
  expect_released (end, NULL);
  g_assert_false (end->end.notified);
  end = rig_release (rig, rig->a, "m2");
  expect_released (end, NULL);
  g_assert_false (end->end.notified);
  expect_status (rig, "m1", "a confirmed - 0");
  expect_status (rig, "m2", "a confirmed - 0");
}

static void
the_file_goes_with_the_last_in_any_order (void)
{
  static const guint orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
                                     { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
  g_autoptr (Rig) rig = rig_new ();
  const gint64 all[] = { rig->s, rig->a, rig->b };

  for (guint i = 0; i < G_N_ELEMENTS (orders); i++)
    {
      g_autofree char *id = g_strdup_printf ("m%u", i);

      rig_announce (rig, id, "f1", 3, all);
      rig_notify (rig, all[i % 3], id);
      for (guint k = 0; k < 3; k++)
        {
          expect_files (rig, "f1");
          expect_released (rig_release (rig, all[orders[i][k]], id), k == 2 ? "f1" : NULL);
        }
      expect_files (rig, "");
    }
}

static void
the_file_goes_however_the_last_one_ends (gconstpointer data)
{
  SbDeliveryState state = GPOINTER_TO_UINT (data);
  g_autoptr (Rig) rig = rig_new ();
  const gint64 both[] = { rig->a, rig->b };
  SbOperation *end = make_end (rig->b, 0, "m1", state, START);

  end->end.release = TRUE;
  rig_announce (rig, "m1", "f1", 2, both);
  rig_notify (rig, rig->b, "m1");
  rig_release (rig, rig->a, "m1");
  expect_released (rig_apply (rig, end), "f1");
  g_assert_false (end->end.notified);
  expect_files (rig, "");
}

static void
a_notified_one_may_die_and_keeps_the_file (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *end;

  rig_bring_file_into (rig, SB_DELIVERY_NOTIFIED);
  end = rig_apply (rig, make_end (rig->a, 0, "m1", SB_DELIVERY_DEAD, START));
  expect_released (end, NULL);
  g_assert_false (end->end.notified);
  expect_status (rig, "m1", "a dead refused 0");
  expect_file (rig, "f1", "a dead");
}

static void
what_is_notified_is_not_parked (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 position = rig_bring_file_into (rig, SB_DELIVERY_NOTIFIED);

  g_assert_cmpint (rig_apply (rig, make_park (rig->a, position, START + HOUR, START))->outcome, ==,
                   SB_OUTCOME_UNKNOWN);
  expect_status (rig, "m1", "a notified - 0");
}

static void
what_is_notified_has_its_body (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *append = rig_announce (rig, "m1", "f1", 1, &rig->a);
  g_autoptr (SbMessage) message = NULL;

  rig_notify (rig, rig->a, "m1");
  message = sb_store_message (rig->store, "m1", NULL);
  g_assert_nonnull (message);
  assert_message_equal (message, append->append.message);
  g_assert_cmpuint (rig_stats (rig).messages, ==, 1);
  g_assert_cmpuint (rig_stats (rig).remembered, ==, 0);
}

static void
what_is_notified_is_counted_neither_as_waiting_nor_as_dead (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (GPtrArray) queues = NULL;
  SbStoreStats stats;

  rig_bring_file_into (rig, SB_DELIVERY_NOTIFIED);
  stats = rig_stats (rig);
  g_assert_cmpuint (stats.waiting, ==, 0);
  g_assert_cmpuint (stats.parked, ==, 0);
  g_assert_cmpuint (stats.dead, ==, 0);
  queues = sb_store_queues (rig->store, 0, 10, NULL);
  g_assert_nonnull (queues);
  g_assert_cmpuint (queues->len, ==, 0);
}

static void
what_is_notified_leaves_room_in_the_queue (void)
{
  g_autoptr (Rig) rig = rig_prepare ();
  SbOperation *operation;

  rig->options.limits.max_queue = 1;
  rig->options.limits.max_queue_bytes = BODY_SIZE;
  rig->options.limits.max_dead = 1;
  rig_start (rig);
  rig_bring_file_into (rig, SB_DELIVERY_NOTIFIED);
  rig_send (rig, "m2", rig->s, rig->a);
  operation = make_append (make_message (rig, "m3", rig->s, 0, 0), 1, &rig->a);
  operation->append.targets[0].named = FALSE;
  rig_apply (rig, operation);
  g_assert_cmpint (operation->append.targets[0].state, ==, SB_DELIVERY_DEAD);
}

static void
what_is_notified_is_listed_when_it_is_asked_for (void)
{
  static const SbDeliveryFilter notified = { .states = 1u << SB_DELIVERY_NOTIFIED };
  const SbDeliveryFilter others = { .states = ALL_STATES & ~(1u << SB_DELIVERY_NOTIFIED) };
  g_autoptr (Rig) rig = rig_new ();
  gint64 position = rig_bring_file_into (rig, SB_DELIVERY_NOTIFIED);
  g_autoptr (GPtrArray) rows = NULL;
  const SbDeliveryInfo *row;

  rig_send (rig, "m2", rig->s, rig->a);
  expect_deliveries (rig, &others, "m2/a/pending");
  expect_deliveries (rig, &notified, "m1/a/notified");
  expect_deliveries (rig, &everything, "m1/a/notified m2/a/pending");
  rows = rig_list (rig, &notified, 10);
  row = g_ptr_array_index (rows, 0);
  g_assert_cmpint (row->position, ==, position);
  g_assert_cmpint (row->reason, ==, SB_REASON_NONE);
  g_assert_cmpint (row->since, ==, START);
  g_assert_cmpint (row->due, ==, 0);
  g_assert_cmpuint (row->size, ==, BODY_SIZE);
}

static void
what_is_notified_can_be_requeued (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 position = rig_bring_file_into (rig, SB_DELIVERY_NOTIFIED);
  SbOperation *operation = rig_requeue (rig, rig->a, "m1");

  g_assert_cmpint (operation->outcome, ==, SB_OUTCOME_DONE);
  g_assert_cmpint (operation->requeue.old_position, ==, position);
  g_assert_cmpint (operation->requeue.position, >, position);
  expect_pending (rig, rig->a, "m1");
  expect_backlog (rig, rig->a, 1);
  expect_file (rig, "f1", "a pending");
  g_assert_true (rig_notify (rig, rig->a, "m1")->end.notified);
  expect_released (rig_release (rig, rig->a, "m1"), "f1");
}

static void
a_move_keeps_the_file (gconstpointer data)
{
  SbDeliveryState from = GPOINTER_TO_UINT (data);
  g_autoptr (Rig) rig = rig_new ();
  gint64 position = rig_bring_file_into (rig, from);
  SbOperation *operation = rig_move (rig, rig->a, rig->b, "m1");

  g_assert_cmpint (operation->outcome, ==, SB_OUTCOME_DONE);
  g_assert_cmpint (operation->move.old_position, ==, position);
  expect_file (rig, "f1", "a dropped, b pending");
  expect_files (rig, "f1");
  expect_pending (rig, rig->b, "m1");
  expect_nothing_waits (rig, rig->a);
  g_assert_true (rig_notify (rig, rig->b, "m1")->end.notified);
  expect_file (rig, "f1", "a dropped, b notified");
  expect_released (rig_release (rig, rig->b, "m1"), "f1");
}

static void
with_its_recipient_a_notified_one_dies (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_bring_file_into (rig, SB_DELIVERY_NOTIFIED);
  rig_remove_user (rig, rig->a, START + SECOND);
  expect_status (rig, "m1", "a dead recipient-deleted 0");
  expect_file (rig, "f1", "a dead");
  g_assert_cmpuint (rig_stats (rig).dead, ==, 1);
  expect_released (rig_apply (rig, make_end (rig->a, 0, "m1", SB_DELIVERY_DROPPED, START + SECOND)),
                   "f1");
}

static void
a_new_user_of_that_id_has_no_right_to_the_file (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbFileInfo) info = NULL;
  gint64 old = rig->a;

  rig_bring_file_into (rig, SB_DELIVERY_NOTIFIED);
  rig_remove_user (rig, rig->a, START);
  g_assert_cmpint (rig_add_user (rig, "a"), !=, old);
  info = rig_file (rig, "f1");
  g_assert_cmpuint (info->rights->len, ==, 1);
  g_assert_cmpint (g_array_index (info->rights, SbFileRight, 0).recipient, ==, old);
}

static void
a_file_stays_when_its_sender_goes (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbFileInfo) info = NULL;
  SbOperation *end = make_release (rig->a, "m1", START);

  rig_bring_file_into (rig, SB_DELIVERY_NOTIFIED);
  rig_remove_user (rig, rig->s, START);
  info = rig_file (rig, "f1");
  g_assert_nonnull (info);
  g_assert_cmpint (info->sender_key, ==, rig->s);
  end->end.store_receipt = TRUE;
  expect_released (rig_apply (rig, end), "f1");
  g_assert_cmpint (end->end.sender_key, ==, rig->s);
}

static void
a_deadline_expires_it_in_every_state (gconstpointer data)
{
  SbDeliveryState from = GPOINTER_TO_UINT (data);
  gint64 deadline = START + 2 * HOUR;
  g_autoptr (Rig) rig = rig_new ();
  gint64 position = rig_bring_file_into (rig, from);
  SbOperation *sweep = make_sweep (deadline - 1, 100);
  const SbDue *due;

  rig_apply (rig, sweep);
  g_assert_cmpint (sweep->sweep.next, ==, deadline);
  expect_files (rig, "f1");
  if (from == SB_DELIVERY_SCHEDULED)
    position = g_array_index (sweep->sweep.moved, SbDue, 0).position;
  sweep = rig_apply (rig, make_sweep (deadline, 100));
  g_assert_cmpuint (sweep->sweep.moved->len, ==, 1);
  due = &g_array_index (sweep->sweep.moved, SbDue, 0);
  g_assert_cmpint (due->state, ==, SB_DELIVERY_EXPIRED);
  g_assert_cmpint (due->recipient, ==, rig->a);
  g_assert_cmpint (due->position, ==, position);
  g_assert_cmpint (due->sender_key, ==, rig->s);
  g_assert_cmpstr (due->id, ==, "m1");
  assert_released (due->released, due->released_size, "f1");
  expect_files (rig, "");
  expect_nothing_waits (rig, rig->a);
  g_assert_cmpuint (rig_stats (rig).dead, ==, 0);
}

static void
a_deadline_says_why (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_bring_file_into (rig, SB_DELIVERY_DEAD);
  rig_sweep (rig, START + 2 * HOUR);
  expect_status (rig, "m1", "a expired ttl 0");
}

static void
a_file_without_a_deadline_stays (void)
{
  g_autoptr (Rig) rig = rig_new ();
  const gint64 both[] = { rig->a, rig->b };
  SbOperation *sweep;

  rig_announce (rig, "m1", "f1", 2, both);
  rig_notify (rig, rig->a, "m1");
  rig_end (rig, rig->b, "m1", SB_DELIVERY_DEAD, START);
  sweep = rig_apply (rig, make_sweep (START + 1000 * HOUR, 100));
  g_assert_cmpuint (sweep->sweep.moved->len, ==, 0);
  g_assert_cmpint (sweep->sweep.next, ==, 0);
  expect_file (rig, "f1", "a notified, b dead");
}

static void
waking_releases_nothing (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *sweep;
  const SbDue *due;

  rig_bring_file_into (rig, SB_DELIVERY_SCHEDULED);
  sweep = rig_apply (rig, make_sweep (START + HOUR, 100));
  g_assert_cmpuint (sweep->sweep.moved->len, ==, 1);
  due = &g_array_index (sweep->sweep.moved, SbDue, 0);
  g_assert_cmpint (due->state, ==, SB_DELIVERY_PENDING);
  assert_released (due->released, due->released_size, NULL);
  expect_file (rig, "f1", "a pending");
}

/* Returns how often the sweeps release the file, until they have nothing more to do. */
static guint
count_releases (Rig *rig, gint64 now, guint limit, guint *n_moved)
{
  SbOperation *sweep;
  guint n = 0;

  do
    {
      sweep = rig_apply (rig, make_sweep (now, limit));
      *n_moved += sweep->sweep.moved->len;
      for (guint i = 0; i < sweep->sweep.moved->len; i++)
        {
          const SbDue *due = &g_array_index (sweep->sweep.moved, SbDue, i);

          n += due->released != NULL;
          if (due->released != NULL)
            assert_released (due->released, due->released_size, "f1");
          else
            assert_released (NULL, due->released_size, NULL);
        }
    }
  while (sweep->sweep.more);
  return n;
}

static void
sweeps_release_a_file_once (gconstpointer data)
{
  guint limit = GPOINTER_TO_UINT (data);
  g_autoptr (Rig) rig = rig_new ();
  const gint64 all[] = { rig->s, rig->a, rig->b };
  guint n_moved = 0;

  rig_apply (rig, make_append (make_announcement (rig, "m1", "f1", 0, START + HOUR), 3, all));
  rig_notify (rig, rig->a, "m1");
  rig_end (rig, rig->b, "m1", SB_DELIVERY_DEAD, START);
  g_assert_cmpuint (count_releases (rig, START + HOUR, limit, &n_moved), ==, 1);
  g_assert_cmpuint (n_moved, ==, 3);
  expect_files (rig, "");
  expect_status (rig, "m1", "s expired ttl 0, a expired ttl 0, b expired ttl 0");
}

static void
a_sweep_releases_what_others_have_left (void)
{
  g_autoptr (Rig) rig = rig_new ();
  const gint64 both[] = { rig->a, rig->b };
  guint n_moved = 0;

  rig_apply (rig, make_append (make_announcement (rig, "m1", "f1", 0, START + HOUR), 2, both));
  rig_notify (rig, rig->a, "m1");
  rig_release (rig, rig->b, "m1");
  g_assert_cmpuint (count_releases (rig, START + HOUR, 100, &n_moved), ==, 1);
  g_assert_cmpuint (n_moved, ==, 1);
}

static void
nothing_is_left_of_what_is_forgotten (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_bring_file_into (rig, SB_DELIVERY_NOTIFIED);
  rig_release (rig, rig->a, "m1");
  expect_status (rig, "m1", "a confirmed - 0");
  rig_sweep (rig, START + SECOND + HOUR);
  expect_status (rig, "m1", NULL);
  expect_files (rig, "");
  g_assert_cmpuint (rig_stats (rig).remembered, ==, 0);
  rig_announce (rig, "m1", "f1", 1, &rig->b);
  expect_file (rig, "f1", "b pending");
}

/* Ends and appends see each other's effect. */
static void
a_batch_notifies_and_releases (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *batch[] = {
    make_append (make_announcement (rig, "m1", "f1", 0, 0), 1, &rig->a),
    make_end (rig->a, 0, "m1", SB_DELIVERY_CONFIRMED, START),
    make_end (rig->a, 0, "m1", SB_DELIVERY_CONFIRMED, START),
    make_release (rig->a, "m1", START),
    make_release (rig->a, "m1", START),
  };

  rig_apply_batch (rig, batch, G_N_ELEMENTS (batch));
  g_assert_true (batch[1]->end.notified);
  expect_released (batch[1], NULL);
  g_assert_cmpint (batch[2]->outcome, ==, SB_OUTCOME_DUPLICATE);
  expect_released (batch[3], "f1");
  g_assert_cmpint (batch[4]->outcome, ==, SB_OUTCOME_DUPLICATE);
  g_assert_null (batch[4]->end.released);
  expect_files (rig, "");
  for (guint i = 0; i < G_N_ELEMENTS (batch); i++)
    sb_operation_free (batch[i]);
}

static void
add_table (const char *name, GTestDataFunc func, const SbDeliveryState *states, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      g_autofree char *path = g_strdup_printf ("/store/file-end/%s/%s", name,
                                               sb_delivery_state_to_string (states[i]));

      g_test_add_data_func (path, GUINT_TO_POINTER (states[i]), func);
    }
}

static void
add_tables (void)
{
  static const SbDeliveryState heard_of_by_nobody[] = { SB_DELIVERY_PENDING, SB_DELIVERY_SCHEDULED,
                                                        SB_DELIVERY_PARKED, SB_DELIVERY_DEAD };

#define ADD(name, func, states) add_table (name, func, states, G_N_ELEMENTS (states))
  ADD ("a-confirmation-notifies", a_confirmation_notifies, heard_of_by_nobody);
  ADD ("a-release-confirms", a_release_confirms, open_states);
  ADD ("what-has-ended-is-neither-notified-nor-released",
       what_has_ended_is_neither_notified_nor_released, ended_states);
  ADD ("the-file-goes-however-the-last-one-ends", the_file_goes_however_the_last_one_ends,
       ended_states);
  ADD ("a-move-keeps-the-file", a_move_keeps_the_file, open_states);
  ADD ("a-deadline-expires-it-in-every-state", a_deadline_expires_it_in_every_state, open_states);
#undef ADD
  g_test_add_data_func ("/store/file-end/sweeps-release-a-file-once/together",
                        GUINT_TO_POINTER (100), sweeps_release_a_file_once);
  g_test_add_data_func ("/store/file-end/sweeps-release-a-file-once/one-by-one",
                        GUINT_TO_POINTER (1), sweeps_release_a_file_once);
}

void
add_file_end_tests (void)
{
  static const RigTest tests[] = {
    { "a-second-confirmation-is-a-duplicate", a_second_confirmation_is_a_duplicate },
    { "a-notified-one-is-found-by-its-position", a_notified_one_is_found_by_its_position },
    { "handle-and-message-help-to-find-it", handle_and_message_help_to_find_it },
    { "one-recipient-releases-once", one_recipient_releases_once },
    { "without-a-file-a-confirmation-confirms", without_a_file_a_confirmation_confirms },
    { "the-file-goes-with-the-last-in-any-order", the_file_goes_with_the_last_in_any_order },
    { "a-notified-one-may-die-and-keeps-the-file", a_notified_one_may_die_and_keeps_the_file },
    { "what-is-notified-is-not-parked", what_is_notified_is_not_parked },
    { "what-is-notified-has-its-body", what_is_notified_has_its_body },
    { "what-is-notified-is-counted-neither-as-waiting-nor-as-dead",
      what_is_notified_is_counted_neither_as_waiting_nor_as_dead },
    { "what-is-notified-leaves-room-in-the-queue", what_is_notified_leaves_room_in_the_queue },
    { "what-is-notified-is-listed-when-it-is-asked-for",
      what_is_notified_is_listed_when_it_is_asked_for },
    { "what-is-notified-can-be-requeued", what_is_notified_can_be_requeued },
    { "with-its-recipient-a-notified-one-dies", with_its_recipient_a_notified_one_dies },
    { "a-new-user-of-that-id-has-no-right-to-the-file",
      a_new_user_of_that_id_has_no_right_to_the_file },
    { "a-file-stays-when-its-sender-goes", a_file_stays_when_its_sender_goes },
    { "a-deadline-says-why", a_deadline_says_why },
    { "a-file-without-a-deadline-stays", a_file_without_a_deadline_stays },
    { "waking-releases-nothing", waking_releases_nothing },
    { "a-sweep-releases-what-others-have-left", a_sweep_releases_what_others_have_left },
    { "nothing-is-left-of-what-is-forgotten", nothing_is_left_of_what_is_forgotten },
    { "a-batch-notifies-and-releases", a_batch_notifies_and_releases },
  };

  rig_add_tests ("file-end", tests, G_N_ELEMENTS (tests));
  add_tables ();
}

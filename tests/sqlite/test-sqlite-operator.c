/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-sqlite-operator: what requeues and moves leave behind in the tables, and
 * handles from before them.
 */

#include "sb-test.h"
#include "sqlite-rig.h"

typedef struct
{
  SqliteRig *rig; /* (owned) */
  gint64 a;       /* the rig's user */
  gint64 b;
  gint64 c;
  SbMessage *message; /* (owned) "m1", to a */
  gint64 handle;      /* that it had when it was appended */
  gint64 position;
} Moved;

/* "m1" waits for the first of three users. */
static Moved *
moved_new (void)
{
  Moved *self = g_new0 (Moved, 1);
  g_autoptr (SbOperation) append = NULL;

  self->rig = sqlite_rig_new ();
  self->a = self->rig->user;
  self->b = sqlite_rig_add_user (self->rig, "b");
  self->c = sqlite_rig_add_user (self->rig, "c");
  append = sqlite_rig_make_append (self->rig, "m1", 1, &self->a);
  g_assert_cmpint (sqlite_rig_apply (self->rig, append), ==, SB_OUTCOME_DONE);
  self->message = sb_message_ref (append->append.message);
  self->handle = append->append.handle;
  self->position = append->append.targets[0].position;
  return self;
}

static void
moved_free (Moved *self)
{
  sb_message_unref (self->message);
  sqlite_rig_free (self->rig);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Moved, moved_free)

/* As the queue ends a delivery of which it knows everything, from the time of the append. */
static SbOperation *
make_known_end (Moved *self, gint64 recipient, gint64 position)
{
  SbOperation *operation = sqlite_rig_make_end (recipient, NULL, SB_DELIVERY_CONFIRMED);

  operation->end.position = position;
  operation->end.handle = self->handle;
  operation->end.message = sb_message_ref (self->message);
  return operation;
}

static SbOperation *
make_known_park (Moved *self, gint64 recipient, gint64 position)
{
  SbOperation *operation = sqlite_rig_make_park (recipient, position, NULL);

  operation->park.handle = self->handle;
  return operation;
}

static gint64
move (SqliteRig *rig, gint64 from, gint64 to, const char *id)
{
  g_autoptr (SbOperation) operation = sqlite_rig_make_move (from, to, id);

  g_assert_cmpint (sqlite_rig_apply (rig, operation), ==, SB_OUTCOME_DONE);
  return operation->move.position;
}

static SbOutcome
apply (SqliteRig *rig, SbOperation *operation)
{
  g_autoptr (SbOperation) owned = operation;

  return sqlite_rig_apply (rig, owned);
}

static void
assert_stats (SqliteRig *rig, guint messages, guint waiting, guint remembered)
{
  SbStoreStats stats;

  g_assert_true (sb_store_stats (rig->store, &stats, NULL));
  g_assert_cmpuint (stats.messages, ==, messages);
  g_assert_cmpuint (stats.waiting, ==, waiting);
  g_assert_cmpuint (stats.remembered, ==, remembered);
}

static void
assert_rows (SqliteRig *rig, const char *table, guint expected)
{
  g_autofree char *sql = g_strdup_printf ("SELECT count(*) FROM %s", table);

  g_assert_cmpint (sqlite_rig_get_number (rig, sql), ==, expected);
}

/* Handles from before a move */

static void
an_end_with_an_outdated_handle_leaves_the_other_delivery (void)
{
  g_autoptr (Moved) moved = moved_new ();

  move (moved->rig, moved->a, moved->b, "m1");
  g_assert_cmpint (apply (moved->rig, make_known_end (moved, moved->a, moved->position)), ==,
                   SB_OUTCOME_UNKNOWN);
  sqlite_rig_assert_status (moved->rig, "m1", "dropped user, pending b");
  assert_stats (moved->rig, 1, 1, 0);
  assert_rows (moved->rig, "body", 1);
}

static void
an_end_with_an_outdated_handle_ends_the_moved_delivery (void)
{
  g_autoptr (Moved) moved = moved_new ();
  gint64 position = move (moved->rig, moved->a, moved->b, "m1");

  g_assert_cmpint (apply (moved->rig, make_known_end (moved, moved->b, position)), ==,
                   SB_OUTCOME_DONE);
  sqlite_rig_assert_status (moved->rig, "m1", "dropped user, confirmed b");
  assert_stats (moved->rig, 0, 0, 1);
  assert_rows (moved->rig, "body", 0);
  assert_rows (moved->rig, "fanout", 0);
}

static void
an_end_in_the_batch_of_the_move_knows_of_it (void)
{
  g_autoptr (Moved) moved = moved_new ();
  g_autoptr (SbOperation) first = sqlite_rig_make_move (moved->a, moved->b, "m1");
  g_autoptr (SbOperation) late = make_known_end (moved, moved->a, moved->position);
  g_autoptr (SbOperation) second = sqlite_rig_make_move (moved->b, moved->c, "m1");
  g_autoptr (SbOperation) last = sqlite_rig_make_end (moved->c, "m1", SB_DELIVERY_CONFIRMED);
  SbOperation *const batch[] = { first, late, second, last };

  last->end.handle = moved->handle;
  sqlite_rig_apply_all (moved->rig, batch, G_N_ELEMENTS (batch));
  g_assert_cmpint (first->outcome, ==, SB_OUTCOME_DONE);
  g_assert_cmpint (late->outcome, ==, SB_OUTCOME_UNKNOWN);
  g_assert_cmpint (second->outcome, ==, SB_OUTCOME_DONE);
  g_assert_cmpint (last->outcome, ==, SB_OUTCOME_DONE);
  sqlite_rig_assert_status (moved->rig, "m1", "dropped user, dropped b, confirmed c");
  assert_stats (moved->rig, 0, 0, 1);
  assert_rows (moved->rig, "fanout", 0);
}

static void
a_park_with_an_outdated_handle_parks_the_moved_delivery (void)
{
  g_autoptr (Moved) moved = moved_new ();
  gint64 position = move (moved->rig, moved->a, moved->b, "m1");

  g_assert_cmpint (apply (moved->rig, make_known_park (moved, moved->a, moved->position)), ==,
                   SB_OUTCOME_UNKNOWN);
  g_assert_cmpint (apply (moved->rig, make_known_park (moved, moved->b, position)), ==,
                   SB_OUTCOME_DONE);
  sqlite_rig_assert_status (moved->rig, "m1", "dropped user, parked b");
  g_assert_cmpint (apply (moved->rig, make_known_end (moved, moved->b, position)), ==,
                   SB_OUTCOME_DONE);
  assert_stats (moved->rig, 0, 0, 1);
}

static void
a_message_can_come_move_and_end_in_one_batch (void)
{
  g_autoptr (Moved) moved = moved_new ();
  g_autoptr (SbOperation) append = sqlite_rig_make_append (moved->rig, "m2", 1, &moved->a);
  g_autoptr (SbOperation) go = sqlite_rig_make_move (moved->a, moved->b, "m2");
  g_autoptr (SbOperation) dead = sqlite_rig_make_end (moved->b, "m2", SB_DELIVERY_DEAD);
  g_autoptr (SbOperation) again = sqlite_rig_make_requeue (moved->b, "m2");
  g_autoptr (SbOperation) end = sqlite_rig_make_end (moved->b, "m2", SB_DELIVERY_CONFIRMED);
  SbOperation *const batch[] = { append, go, dead, again, end };

  sqlite_rig_apply_all (moved->rig, batch, G_N_ELEMENTS (batch));
  for (guint i = 0; i < G_N_ELEMENTS (batch); i++)
    g_assert_cmpint (batch[i]->outcome, ==, SB_OUTCOME_DONE);
  sqlite_rig_assert_status (moved->rig, "m2", "dropped user, confirmed b");
  assert_stats (moved->rig, 1, 1, 1);
  assert_rows (moved->rig, "queue", 1);
  assert_rows (moved->rig, "body", 1);
  assert_rows (moved->rig, "fanout", 0);
}

static void
set_times (SbOperation *append, gint64 not_before, gint64 deadline)
{
  g_autoptr (SbMessage) plain = g_steal_pointer (&append->append.message);

  append->append.message = sb_message_new (plain->id, plain->sender, plain->sender_key,
                                           g_bytes_ref (plain->body), plain->accepted, not_before,
                                           deadline);
}

/* Counters */

typedef struct
{
  SbStoreStats stats;
  SbBacklog backlogs[3];
} Counters;

static Counters
read_counters (Moved *moved)
{
  Counters counters = { 0 };
  const gint64 users[] = { moved->a, moved->b, moved->c };

  g_assert_true (sb_store_stats (moved->rig->store, &counters.stats, NULL));
  counters.stats.disk = 0;
  for (guint i = 0; i < G_N_ELEMENTS (users); i++)
    g_assert_true (sb_store_backlog (moved->rig->store, users[i], &counters.backlogs[i], NULL));
  return counters;
}

static void
send_to_all (Moved *moved, const char *id, gint64 not_before)
{
  const gint64 users[] = { moved->c, moved->a, moved->b };
  SbOperation *append = sqlite_rig_make_append (moved->rig, id, G_N_ELEMENTS (users), users);

  set_times (append, not_before, 0);
  apply (moved->rig, append);
}

/* Deliveries of every state and way, of messages with one recipient and with several. */
static void
make_a_mess (Moved *moved)
{
  SqliteRig *rig = moved->rig;
  g_autoptr (SbOperation) only_b = sqlite_rig_make_append (rig, "m4", 1, &moved->b);

  send_to_all (moved, "m2", 0);
  send_to_all (moved, "m3", START + 1);
  move (rig, moved->a, moved->b, "m1");
  sqlite_rig_apply (rig, only_b);
  apply (rig, sqlite_rig_make_park (moved->b, only_b->append.targets[0].position, "log"));
  apply (rig, sqlite_rig_make_end (moved->c, "m2", SB_DELIVERY_DEAD));
  apply (rig, sqlite_rig_make_end (moved->b, "m2", SB_DELIVERY_DEAD));
  apply (rig, sqlite_rig_make_requeue (moved->b, "m2"));
  apply (rig, sqlite_rig_make_requeue (moved->a, "m3"));
  apply (rig, sqlite_rig_make_end (moved->b, "m3", SB_DELIVERY_DEAD));
}

static void
counters_are_the_same_after_a_restart (void)
{
  g_autoptr (Moved) moved = moved_new ();
  Counters before;
  Counters after;

  make_a_mess (moved);
  before = read_counters (moved);
  g_assert_cmpuint (before.stats.messages, ==, 4);
  g_assert_cmpuint (before.stats.waiting, ==, 6);
  g_assert_cmpuint (before.stats.dead, ==, 2);
  g_assert_cmpuint (before.backlogs[1].waiting, ==, 3);
  g_assert_cmpuint (before.backlogs[1].parked, ==, 1);
  g_assert_cmpuint (before.backlogs[1].dead, ==, 1);
  g_assert_cmpuint (before.backlogs[2].scheduled, ==, 1);
  sqlite_rig_close (moved->rig);
  sqlite_rig_open (moved->rig);
  after = read_counters (moved);
  g_assert_cmpmem (&before, sizeof before, &after, sizeof after);
}

static void
nothing_is_left_when_all_has_ended_and_is_forgotten (void)
{
  g_autoptr (Moved) moved = moved_new ();
  const gint64 users[] = { moved->a, moved->b, moved->c };
  static const char *const ids[] = { "m1", "m2", "m3", "m4" };
  static const char *const tables[] = { "message", "body",   "queue",    "ended",     "detour",
                                        "log",     "fanout", "deadline", "remembered" };

  make_a_mess (moved);
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    for (guint k = 0; k < G_N_ELEMENTS (users); k++)
      apply (moved->rig, sqlite_rig_make_end (users[k], ids[i], SB_DELIVERY_DROPPED));
  assert_stats (moved->rig, 0, 0, 4);
  apply (moved->rig, sqlite_rig_make_sweep (START + 7200 * SECOND, 1000));
  assert_stats (moved->rig, 0, 0, 0);
  for (guint i = 0; i < G_N_ELEMENTS (tables); i++)
    assert_rows (moved->rig, tables[i], 0);
}

/* Logs */

static void
logs_of_a_big_message_are_forgotten_in_slices (void)
{
  g_autoptr (SqliteRig) rig = sqlite_rig_new ();
  g_autoptr (SbOperation) append = NULL;
  gint64 users[40];

  for (guint i = 0; i < G_N_ELEMENTS (users); i++)
    {
      g_autofree char *id = g_strdup_printf ("user%u", i);

      users[i] = sqlite_rig_add_user (rig, id);
    }
  append = sqlite_rig_make_append (rig, "m1", G_N_ELEMENTS (users), users);
  sqlite_rig_apply (rig, append);
  for (guint i = 0; i < G_N_ELEMENTS (users); i++)
    {
      SbOperation *end = sqlite_rig_make_end (users[i], "m1", SB_DELIVERY_CONFIRMED);

      end->end.log = i % 2 == 0 ? g_strdup ("log") : NULL;
      apply (rig, end);
    }
  assert_rows (rig, "log", G_N_ELEMENTS (users) / 2);
  for (guint i = 0; i < 10; i++)
    apply (rig, sqlite_rig_make_sweep (START + 7200 * SECOND, 7));
  assert_rows (rig, "ended", 0);
  assert_rows (rig, "detour", 0);
  assert_rows (rig, "log", 0);
}

static void
a_delivery_that_ended_with_a_log_is_found_by_its_position (void)
{
  g_autoptr (Moved) moved = moved_new ();
  SbOperation *end = make_known_end (moved, moved->a, moved->position);

  end->end.log = g_strdup ("log");
  g_assert_cmpint (apply (moved->rig, end), ==, SB_OUTCOME_DONE);
  assert_rows (moved->rig, "log", 1);
  g_assert_cmpint (apply (moved->rig, make_known_end (moved, moved->a, moved->position)), ==,
                   SB_OUTCOME_DUPLICATE);
  assert_stats (moved->rig, 0, 0, 1);
}

/* Deadlines */

static void
send_with_deadline (SqliteRig *rig, const char *id, guint n_targets, const gint64 *targets)
{
  SbOperation *append = sqlite_rig_make_append (rig, id, n_targets, targets);

  set_times (append, 0, START + 10 * SECOND);
  g_assert_cmpint (apply (rig, append), ==, SB_OUTCOME_DONE);
}

static void
a_dead_delivery_that_is_requeued_expires_again (void)
{
  g_autoptr (Moved) moved = moved_new ();

  send_with_deadline (moved->rig, "m2", 1, &moved->a);
  apply (moved->rig, sqlite_rig_make_end (moved->a, "m2", SB_DELIVERY_DEAD));
  assert_rows (moved->rig, "deadline", 0);
  apply (moved->rig, sqlite_rig_make_requeue (moved->a, "m2"));
  assert_rows (moved->rig, "deadline", 1);
  apply (moved->rig, sqlite_rig_make_sweep (START + 10 * SECOND, 100));
  sqlite_rig_assert_status (moved->rig, "m2", "expired user");
  assert_rows (moved->rig, "deadline", 0);
}

static void
a_death_and_a_requeue_in_one_batch_keep_the_deadline (void)
{
  g_autoptr (Moved) moved = moved_new ();
  const gint64 users[] = { moved->a, moved->b };
  g_autoptr (SbOperation) first = sqlite_rig_make_end (moved->a, "m2", SB_DELIVERY_CONFIRMED);
  g_autoptr (SbOperation) dead = sqlite_rig_make_end (moved->b, "m2", SB_DELIVERY_DEAD);
  g_autoptr (SbOperation) requeue = sqlite_rig_make_requeue (moved->b, "m2");
  SbOperation *const batch[] = { first, dead, requeue };

  send_with_deadline (moved->rig, "m2", 2, users);
  sqlite_rig_apply_all (moved->rig, batch, G_N_ELEMENTS (batch));
  assert_rows (moved->rig, "deadline", 1);
  apply (moved->rig, sqlite_rig_make_sweep (START + 10 * SECOND, 100));
  sqlite_rig_assert_status (moved->rig, "m2", "confirmed user, expired b");
}

/* The sweep has passed the place that the new recipient takes in the order of keys. */
static void
a_delivery_that_is_moved_while_its_message_expires_does_so_too (void)
{
  g_autoptr (Moved) moved = moved_new ();
  gint64 d = sqlite_rig_add_user (moved->rig, "d");
  const gint64 users[] = { moved->a, moved->c, d };

  send_with_deadline (moved->rig, "m2", G_N_ELEMENTS (users), users);
  apply (moved->rig, sqlite_rig_make_sweep (START + 10 * SECOND, 2));
  sqlite_rig_assert_status (moved->rig, "m2", "expired user, expired c, pending d");
  move (moved->rig, d, moved->b, "m2");
  apply (moved->rig, sqlite_rig_make_sweep (START + 10 * SECOND, 100));
  sqlite_rig_assert_status (moved->rig, "m2", "expired user, expired b, expired c, dropped d");
  assert_rows (moved->rig, "deadline", 0);
  assert_stats (moved->rig, 1, 1, 1);
}

/* Messages of which nothing comes to be */

static void
a_message_that_nobody_gets_has_no_body (void)
{
  g_autoptr (Moved) moved = moved_new ();
  g_autoptr (SbOperation) limits = sb_operation_new (SB_OPERATION_LIMITS, NULL, NULL);
  const gint64 users[] = { moved->a, moved->b };

  limits->limits.remember = 3600 * SECOND;
  sqlite_rig_apply (moved->rig, limits);
  send_with_deadline (moved->rig, "m2", 1, users);
  send_with_deadline (moved->rig, "m3", 2, users);
  sqlite_rig_assert_status (moved->rig, "m2", "dropped user");
  sqlite_rig_assert_status (moved->rig, "m3", "dropped user, dropped b");
  assert_rows (moved->rig, "body", 1);
  assert_rows (moved->rig, "deadline", 0);
  assert_rows (moved->rig, "fanout", 0);
  sqlite_rig_close (moved->rig);
  sqlite_rig_open (moved->rig);
  assert_stats (moved->rig, 1, 1, 2);
}

int
main (int argc, char *argv[])
{
  sqlite_rig_init (&argc, &argv);
#define ADD(name, function) g_test_add_func ("/sqlite/operator/" name, function)
  ADD ("an-end-with-an-outdated-handle-leaves-the-other-delivery",
       an_end_with_an_outdated_handle_leaves_the_other_delivery);
  ADD ("an-end-with-an-outdated-handle-ends-the-moved-delivery",
       an_end_with_an_outdated_handle_ends_the_moved_delivery);
  ADD ("an-end-in-the-batch-of-the-move-knows-of-it", an_end_in_the_batch_of_the_move_knows_of_it);
  ADD ("a-park-with-an-outdated-handle-parks-the-moved-delivery",
       a_park_with_an_outdated_handle_parks_the_moved_delivery);
  ADD ("a-message-can-come-move-and-end-in-one-batch",
       a_message_can_come_move_and_end_in_one_batch);
  ADD ("counters-are-the-same-after-a-restart", counters_are_the_same_after_a_restart);
  ADD ("nothing-is-left-when-all-has-ended-and-is-forgotten",
       nothing_is_left_when_all_has_ended_and_is_forgotten);
  ADD ("logs-of-a-big-message-are-forgotten-in-slices",
       logs_of_a_big_message_are_forgotten_in_slices);
  ADD ("a-delivery-that-ended-with-a-log-is-found-by-its-position",
       a_delivery_that_ended_with_a_log_is_found_by_its_position);
  ADD ("a-dead-delivery-that-is-requeued-expires-again",
       a_dead_delivery_that_is_requeued_expires_again);
  ADD ("a-death-and-a-requeue-in-one-batch-keep-the-deadline",
       a_death_and_a_requeue_in_one_batch_keep_the_deadline);
  ADD ("a-delivery-that-is-moved-while-its-message-expires-does-so-too",
       a_delivery_that_is_moved_while_its_message_expires_does_so_too);
  ADD ("a-message-that-nobody-gets-has-no-body", a_message_that_nobody_gets_has_no_body);
#undef ADD
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conf-durable: what was acknowledged is there after a close, and after a
 * SIGKILL in the middle of the work.
 *
 * For the latter this program runs itself: the child appends batches and
 * writes the number of each one to its standard output once the store has
 * acknowledged it; the parent kills it at a random moment and looks.
 */

#include "rig.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_KILLS 20
#define MAX_BATCHES 100000

static void
everything_is_there_after_a_reopen (void)
{
  g_autoptr (Rig) rig = rig_new ();
  const gint64 both[] = { rig->a, rig->b };
  SbStoreStats before;
  SbStoreStats after;

  rig_apply (rig, make_append (make_message (rig, "m1", rig->s, 0, 0), 2, both));
  rig_apply (rig, make_append (make_message (rig, "later", rig->s, START + HOUR, 0), 1, &rig->a));
  rig_apply (rig, make_park (rig->a, rig_send (rig, "parked", rig->s, rig->a), START, START));
  rig_send (rig, "dead", rig->s, rig->a);
  rig_end (rig, rig->a, "dead", SB_DELIVERY_DEAD, START);
  rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START);
  rig_apply (rig, make_add_receipt (rig->s, rig->a, "m1", START));
  before = rig_stats (rig);
  rig_reopen (rig);
  after = rig_stats (rig);

  expect_pending (rig, rig->a, "");
  expect_pending (rig, rig->b, "m1");
  expect_parked (rig, rig->a, START, "parked", 0);
  expect_status (rig, "m1", "a confirmed - 0, b pending - 0");
  expect_status (rig, "later", "a scheduled - 0");
  expect_status (rig, "dead", "a dead refused 0");
  expect_backlog (rig, rig->a, 2);
  expect_receipts (rig, rig->s, "m1/a");
  g_assert_cmpuint (after.messages, ==, before.messages);
  g_assert_cmpuint (after.waiting, ==, before.waiting);
  g_assert_cmpuint (after.parked, ==, before.parked);
  g_assert_cmpuint (after.dead, ==, before.dead);
  g_assert_cmpint (after.last_time, ==, before.last_time);
}

static void
a_message_comes_back_byte_for_byte_after_a_reopen (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (GPtrArray) rows = NULL;
  SbOperation *operation = rig_apply (
      rig, make_append (make_message (rig, "m1", rig->s, 0, START + HOUR), 1, &rig->a));
  const SbStoredDelivery *row;

  rig_reopen (rig);
  rows = rig_read_pending (rig, rig->a, 0);
  g_assert_cmpuint (rows->len, ==, 1);
  row = g_ptr_array_index (rows, 0);
  assert_message_equal (row->message, operation->append.message);
  g_assert_cmpint (row->position, ==, operation->append.targets[0].position);
  g_assert_cmpint (row->handle, ==, operation->append.handle);
}

static void
a_duplicate_is_known_after_a_reopen (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m1", rig->s, rig->a);
  rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START);
  rig_reopen (rig);
  g_assert_cmpint (
      rig_apply (rig, make_append (make_message (rig, "m1", rig->s, 0, 0), 1, &rig->a))->outcome,
      ==, SB_OUTCOME_DUPLICATE);
  g_assert_cmpint (rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START), ==,
                   SB_OUTCOME_DUPLICATE);
}

static void
positions_grow_over_a_reopen (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 position = rig_send (rig, "m1", rig->s, rig->a);

  rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START);
  rig_sweep (rig, START + 2 * HOUR);
  rig_reopen (rig);
  g_assert_cmpint (rig_send (rig, "m2", rig->s, rig->a), >, position);
}

static void
keys_are_not_given_again_over_a_reopen (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 key = rig_add_user (rig, "last");

  rig_remove_user (rig, key, START);
  rig_reopen (rig);
  g_assert_cmpint (rig_add_user (rig, "last"), >, key);
}

static void
positions_of_the_requeued_and_the_moved_hold_over_a_reopen (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 old = rig_bring_into (rig, SB_DELIVERY_DEAD);
  gint64 requeued = rig_requeue (rig, rig->a, "m1")->requeue.position;
  gint64 moved;

  rig_send (rig, "m2", rig->s, rig->a);
  moved = rig_move (rig, rig->a, rig->b, "m2")->move.position;
  rig_reopen (rig);
  expect_pending (rig, rig->a, "m1");
  expect_pending (rig, rig->b, "m2");
  g_assert_cmpint (rig_send (rig, "m3", rig->s, rig->a), >, requeued);
  g_assert_cmpint (rig_send (rig, "m4", rig->s, rig->b), >, moved);
  g_assert_cmpint (
      rig_apply (rig, make_end (rig->a, old, NULL, SB_DELIVERY_CONFIRMED, START))->outcome, ==,
      SB_OUTCOME_UNKNOWN);
  g_assert_cmpint (
      rig_apply (rig, make_end (rig->a, requeued, NULL, SB_DELIVERY_CONFIRMED, START))->outcome, ==,
      SB_OUTCOME_DONE);
  g_assert_cmpint (
      rig_apply (rig, make_end (rig->b, moved, NULL, SB_DELIVERY_CONFIRMED, START))->outcome, ==,
      SB_OUTCOME_DONE);
  expect_status (rig, "m2", "a dropped moved 0, b confirmed - 0");
}

static void
a_position_that_was_left_is_not_given_again_over_a_reopen (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 requeued;

  rig_bring_into (rig, SB_DELIVERY_DEAD);
  requeued = rig_requeue (rig, rig->a, "m1")->requeue.position;
  rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START);
  rig_sweep (rig, START + 2 * HOUR);
  rig_reopen (rig);
  g_assert_cmpint (rig_send (rig, "m2", rig->s, rig->a), >, requeued);
}

static void
logs_are_there_after_a_reopen (void)
{
  g_autoptr (Rig) rig = rig_new_with_one_of_each ();
  g_autoptr (GPtrArray) rows = NULL;
  const SbStoredDelivery *row;
  gint64 position = rig_send (rig, "m1", rig->s, rig->a);

  rig_send (rig, "m2", rig->s, rig->a);
  rig_apply (rig, with_log (make_park (rig->a, position, START, START), "of m1"));
  rig_apply (rig, with_log (make_end (rig->a, 0, "m2", SB_DELIVERY_CONFIRMED, START), "of m2"));
  rig_reopen (rig);
  expect_log (rig, rig->a, "m1", "of m1");
  expect_log (rig, rig->a, "m2", "of m2");
  expect_log (rig, rig->a, "parked", NULL);
  rows = sb_store_parked (rig->store, rig->a, START, 10, NULL, NULL);
  g_assert_nonnull (rows);
  g_assert_cmpuint (rows->len, ==, 1);
  row = g_ptr_array_index (rows, 0);
  g_assert_cmpstr (row->log, ==, "of m1");
}

static void
lists_are_the_same_after_a_reopen (void)
{
  g_autoptr (Rig) rig = rig_new_with_one_of_each ();
  const SbDeliveryFilter everything = { .states = ALL_STATES };
  const char *text = "dead/a/dead moved/b/pending parked/a/parked pending/a/pending "
                     "scheduled/a/scheduled x/b/pending";
  SbBacklog before;
  SbBacklog after;
  g_autoptr (GPtrArray) queues = NULL;

  rig_send (rig, "moved", rig->s, rig->a);
  rig_move (rig, rig->a, rig->b, "moved");
  before = rig_backlog (rig, rig->a);
  expect_deliveries (rig, &everything, text);
  rig_reopen (rig);
  after = rig_backlog (rig, rig->a);
  assert_backlog_equal (&before, &after);
  expect_deliveries (rig, &everything, text);
  queues = sb_store_queues (rig->store, 0, 10, NULL);
  g_assert_nonnull (queues);
  g_assert_cmpuint (queues->len, ==, 2);
}

static void
limits_that_changed_are_those_of_the_options_after_a_reopen (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbStoreLimits limits = rig->options.limits;

  limits.max_queue = 1;
  rig_apply (rig, make_limits (&limits));
  rig_send (rig, "m1", rig->s, rig->a);
  rig_reopen (rig);
  rig_send (rig, "m2", rig->s, rig->a);
  expect_pending (rig, rig->a, "m1 m2");
}

static void
the_dead_count_against_max_dead_after_a_reopen (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *operation = make_append (make_message (rig, "m2", rig->s, 0, 0), 1, &rig->a);

  rig_bring_into (rig, SB_DELIVERY_DEAD);
  rig->options.limits.max_queue = 0;
  rig->options.limits.max_dead = 1;
  rig_reopen (rig);
  operation->append.targets[0].named = FALSE;
  rig_apply (rig, operation);
  g_assert_cmpint (operation->append.targets[0].state, ==, SB_DELIVERY_DROPPED);
}

static void
receipt_numbers_grow_over_a_reopen (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (GPtrArray) before = NULL;
  g_autoptr (GPtrArray) after = NULL;
  gint64 number;

  rig_apply (rig, make_add_receipt (rig->s, rig->a, "m1", START));
  before = sb_store_receipts (rig->store, rig->s, 1, NULL);
  number = ((SbStoredReceipt *) g_ptr_array_index (before, 0))->number;
  rig_apply (rig, make_drop_receipts (rig->s, number));
  rig_reopen (rig);
  rig_apply (rig, make_add_receipt (rig->s, rig->a, "m2", START));
  after = sb_store_receipts (rig->store, rig->s, 1, NULL);
  g_assert_cmpint (((SbStoredReceipt *) g_ptr_array_index (after, 0))->number, >, number);
}

static void
put_paused_user (Rig *rig, gint64 key, const char *id)
{
  g_autoptr (SbUser) plain = sb_user_new (key, id, "$y$x", NULL, NULL, FALSE, START);
  g_autoptr (SbUser) with_ttl = sb_user_with_ttl (plain, 60);
  SbOperation *operation = sb_operation_new (SB_OPERATION_PUT_USER, NULL, NULL);

  operation->put_user.user = sb_user_with_paused (with_ttl, TRUE);
  rig_apply (rig, operation);
}

static void
users_are_there_after_a_reopen (void)
{
  static const char *const tags[] = { "orders", NULL };
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (GPtrArray) users = NULL;
  const SbUser *user;

  rig_apply (rig, make_put_user (rig->a, "a", tags));
  rig_remove_user (rig, rig->s, START);
  put_paused_user (rig, rig->b, "b");
  rig_reopen (rig);
  users = sb_store_users (rig->store, NULL);
  g_assert_cmpuint (users->len, ==, 2);
  user = g_ptr_array_index (users, 0);
  g_assert_cmpint (user->key, ==, rig->a);
  g_assert_cmpstrv (user->tags, tags);
  g_assert_cmpint (user->ttl, ==, SB_USER_NO_TTL);
  g_assert_false (user->paused);
  user = g_ptr_array_index (users, 1);
  g_assert_cmpint (user->ttl, ==, 60);
  g_assert_true (user->paused);
}

static void
time_goes_on_after_a_reopen (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_apply (rig, make_append (make_message (rig, "later", rig->s, START + HOUR, 0), 1, &rig->a));
  rig_apply (rig, make_append (make_message (rig, "soon", rig->s, 0, START + HOUR), 1, &rig->a));
  rig_send (rig, "ended", rig->s, rig->a);
  rig_end (rig, rig->a, "ended", SB_DELIVERY_CONFIRMED, START);
  rig_reopen (rig);
  rig_sweep (rig, START + HOUR);
  expect_pending (rig, rig->a, "later");
  expect_status (rig, "soon", "a expired ttl 0");
  expect_status (rig, "ended", NULL);
}

/* Small ones and large ones, so that a kill meets all stages of a write. */
static guint
batch_size (guint batch)
{
  return batch % 5 == 0 ? 60 : 1 + batch % 7;
}

static char *
batch_id (const char *round, guint batch, guint i)
{
  return g_strdup_printf ("%s-%u-%u", round, batch, i);
}

/* Appends for both recipients, and confirms the first message of the batch before for one. */
static void
write_batch (Rig *rig, const char *round, guint batch)
{
  const gint64 both[] = { rig->a, rig->b };
  g_autoptr (GPtrArray) operations = g_ptr_array_new_with_free_func (
      (GDestroyNotify) sb_operation_free);

  for (guint i = 0; i < batch_size (batch); i++)
    {
      g_autofree char *id = batch_id (round, batch, i);

      g_ptr_array_add (operations, make_append (make_message (rig, id, rig->s, 0, 0), 2, both));
    }
  if (batch > 0)
    {
      g_autofree char *before = batch_id (round, batch - 1, 0);

      g_ptr_array_add (operations, make_end (rig->a, 0, before, SB_DELIVERY_CONFIRMED, START));
    }
  rig_apply_batch (rig, (SbOperation *const *) operations->pdata, operations->len);
}

static void
find_users (Rig *rig)
{
  g_autoptr (GPtrArray) users = sb_store_users (rig->store, NULL);
  gint64 *keys[] = { &rig->s, &rig->a, &rig->b };

  g_assert_nonnull (users);
  g_assert_cmpuint (users->len, ==, G_N_ELEMENTS (keys));
  for (guint i = 0; i < users->len; i++)
    {
      const SbUser *user = g_ptr_array_index (users, i);

      *keys[i] = user->key;
      rig_note_name (rig, user->key, user->id);
    }
}

int
append_until_killed (const char *dir, const char *round)
{
  Rig rig = { .dir = (char *) dir };

  rig.options = (SbStoreOptions) {
    .config = rig_subject.config,
    .data_dir = dir,
    .limits.remember = 1000 * HOUR,
    .limits.remember_max = 1000000,
    .limits.receipts_max = 10,
    .limits.receipts_age = HOUR,
    .limits.max_queue = 1000000,
    .limits.max_queue_bytes = G_MAXINT32,
    .limits.max_dead = 1000,
  };
  rig.names = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  rig_open (&rig);
  find_users (&rig);
  for (guint batch = 0; batch < MAX_BATCHES; batch++)
    {
      write_batch (&rig, round, batch);
      if (write (STDOUT_FILENO, &batch, sizeof batch) != sizeof batch)
        return 1;
    }
  return 0;
}

static GPid
start_child (Rig *rig, const char *round, int *output)
{
  g_autoptr (GError) error = NULL;
  const char *argv[] = { "/proc/self/exe",   "--append-until-killed", rig->dir, "--round", round,
                         rig_subject.module, rig_subject.name,        NULL };
  GPid pid = 0;

  g_spawn_async_with_pipes (NULL, (char **) argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid,
                            NULL, output, NULL, &error);
  g_assert_no_error (error);
  return pid;
}

/* Returns FALSE at the end of the pipe. */
static gboolean
read_acknowledgement (int fd, guint *batch)
{
  gssize n;

  do
    n = read (fd, batch, sizeof *batch);
  while (n < 0 && errno == EINTR);
  return n == sizeof *batch;
}

/* Returns how many batches were acknowledged before the child died. */
static guint
kill_in_mid_append (Rig *rig, const char *round)
{
  int output = -1;
  GPid pid = start_child (rig, round, &output);
  guint enough = (guint) g_test_rand_int_range (1, 60);
  guint acknowledged = 0;
  guint batch = 0;
  gint64 moment;
  int status = 0;

  while (acknowledged < enough && read_acknowledgement (output, &batch))
    acknowledged = batch + 1;
  g_assert_cmpuint (acknowledged, ==, enough);
  /* Not a wait for anything: the moment itself is what is to be random. */
  moment = g_get_monotonic_time () + g_test_rand_int_range (0, 3000);
  while (g_get_monotonic_time () < moment)
    g_thread_yield ();
  g_assert_no_errno (kill (pid, SIGKILL));
  while (read_acknowledgement (output, &batch))
    acknowledged = batch + 1;
  g_assert_no_errno (close (output));
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL);
  return acknowledged;
}

static gboolean
is_stored (Rig *rig, const char *round, guint batch, guint i)
{
  g_autofree char *id = batch_id (round, batch, i);
  g_autoptr (GError) error = NULL;
  g_autoptr (SbMessageStatus) status = sb_store_status (rig->store, id, &error);

  if (g_error_matches (error, SB_ERROR, SB_ERROR_NOT_FOUND))
    return FALSE;
  g_assert_no_error (error);
  g_assert_cmpuint (status->deliveries->len, ==, 2);
  return TRUE;
}

/* A batch is there as a whole or not at all. */
static gboolean
is_batch_stored (Rig *rig, const char *round, guint batch)
{
  gboolean is_there = is_stored (rig, round, batch, 0);

  for (guint i = 1; i < batch_size (batch); i++)
    g_assert_true (is_stored (rig, round, batch, i) == is_there);
  return is_there;
}

/* Everything in a queue, in order, with its bytes. */
static void
check_queue (Rig *rig, gint64 recipient, const char *round, guint n_batches, gboolean is_confirming)
{
  g_autoptr (GPtrArray) rows = rig_read_pending (rig, recipient, 0);
  guint next = 0;
  gint64 last = 0;

  for (guint batch = 0; batch < n_batches; batch++)
    for (guint i = 0; i < batch_size (batch); i++)
      {
        g_autofree char *id = batch_id (round, batch, i);
        g_autoptr (SbMessage) expected = make_message (rig, id, rig->s, 0, 0);
        const SbStoredDelivery *row;

        if (is_confirming && i == 0 && batch + 1 < n_batches)
          continue;
        g_assert_cmpuint (next, <, rows->len);
        row = g_ptr_array_index (rows, next++);
        assert_message_equal (row->message, expected);
        g_assert_cmpint (row->position, >, last);
        last = row->position;
      }
  g_assert_cmpuint (next, ==, rows->len);
}

/* So that the next round begins with empty queues. */
static void
empty_queues (Rig *rig)
{
  const gint64 recipients[] = { rig->a, rig->b };

  for (gsize i = 0; i < G_N_ELEMENTS (recipients); i++)
    {
      g_autoptr (GPtrArray) rows = rig_read_pending (rig, recipients[i], 0);
      g_autoptr (GPtrArray) operations = g_ptr_array_new_with_free_func (
          (GDestroyNotify) sb_operation_free);

      for (guint k = 0; k < rows->len; k++)
        g_ptr_array_add (operations,
                         make_end (recipients[i], ((SbStoredDelivery *) rows->pdata[k])->position,
                                   NULL, SB_DELIVERY_CONFIRMED, START));
      rig_apply_batch (rig, (SbOperation *const *) operations->pdata, operations->len);
    }
}

static void
check_after_kill (Rig *rig, const char *round, guint acknowledged)
{
  guint n_batches = acknowledged;

  for (guint batch = 0; batch < acknowledged; batch++)
    g_assert_true (is_batch_stored (rig, round, batch));
  /* One more may have been stored whose acknowledgement was not written any more. */
  if (is_batch_stored (rig, round, acknowledged))
    n_batches++;
  g_assert_false (is_batch_stored (rig, round, acknowledged + 1));
  check_queue (rig, rig->a, round, n_batches, TRUE);
  check_queue (rig, rig->b, round, n_batches, FALSE);
}

static void
what_was_acknowledged_survives_sigkill_in_mid_append (void)
{
  g_autoptr (Rig) rig = rig_prepare ();

  rig->options.limits.remember = 1000 * HOUR;
  rig->options.limits.remember_max = 1000000;
  rig_start (rig);
  rig_close (rig);
  for (guint i = 0; i < N_KILLS; i++)
    {
      g_autofree char *round = g_strdup_printf ("r%u", i);
      guint acknowledged = kill_in_mid_append (rig, round);

      rig_open (rig);
      check_after_kill (rig, round, acknowledged);
      empty_queues (rig);
      rig_close (rig);
    }
}

void
add_durable_tests (void)
{
  static const RigTest tests[] = {
    { "everything-is-there-after-a-reopen", everything_is_there_after_a_reopen },
    { "a-message-comes-back-byte-for-byte-after-a-reopen",
      a_message_comes_back_byte_for_byte_after_a_reopen },
    { "a-duplicate-is-known-after-a-reopen", a_duplicate_is_known_after_a_reopen },
    { "positions-grow-over-a-reopen", positions_grow_over_a_reopen },
    { "keys-are-not-given-again-over-a-reopen", keys_are_not_given_again_over_a_reopen },
    { "positions-of-the-requeued-and-the-moved-hold-over-a-reopen",
      positions_of_the_requeued_and_the_moved_hold_over_a_reopen },
    { "a-position-that-was-left-is-not-given-again-over-a-reopen",
      a_position_that_was_left_is_not_given_again_over_a_reopen },
    { "logs-are-there-after-a-reopen", logs_are_there_after_a_reopen },
    { "lists-are-the-same-after-a-reopen", lists_are_the_same_after_a_reopen },
    { "limits-that-changed-are-those-of-the-options-after-a-reopen",
      limits_that_changed_are_those_of_the_options_after_a_reopen },
    { "the-dead-count-against-max-dead-after-a-reopen",
      the_dead_count_against_max_dead_after_a_reopen },
    { "receipt-numbers-grow-over-a-reopen", receipt_numbers_grow_over_a_reopen },
    { "users-are-there-after-a-reopen", users_are_there_after_a_reopen },
    { "time-goes-on-after-a-reopen", time_goes_on_after_a_reopen },
    { "what-was-acknowledged-survives-sigkill-in-mid-append",
      what_was_acknowledged_survives_sigkill_in_mid_append },
  };

  rig_add_tests ("durable", tests, G_N_ELEMENTS (tests));
}

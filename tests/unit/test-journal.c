/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-journal: order, batches, bounds, failures and the end of the journal. */

#include "sb-error.h"
#include "sb-operation.h"
#include "sb-test-bus.h"
#include "sb-test-log.h"

/* What a batch may have beyond its first operation. */
#define MAX_BATCH_ROWS 4096

typedef struct
{
  SbTestBus *t;
  GString *finished; /* names of the operations, in order; "!" behind those that failed */
  guint n_finished;
  guint n_drained;
} Fixture;

typedef struct
{
  Fixture *f;
  const char *name;
} Named;

static void
on_finished (SbOperation *operation, const GError *error, gpointer user_data)
{
  g_autofree Named *named = user_data;

  g_string_append (named->f->finished, named->name);
  if (error != NULL)
    g_string_append_c (named->f->finished, '!');
  named->f->n_finished++;
}

/* The cheapest operation there is: it does nothing. */
static SbOperation *
make_nothing (Fixture *f, const char *name)
{
  Named *named = g_new (Named, 1);

  named->f = f;
  named->name = name;
  return sb_operation_new (SB_OPERATION_DROP_RECEIPTS, on_finished, named);
}

static void
submit_nothing (Fixture *f, const char *name)
{
  sb_journal_submit (f->t->journal, make_nothing (f, name));
}

static void
on_drained (SbJournal *journal, gpointer user_data)
{
  ((Fixture *) user_data)->n_drained++;
}

static void
set_up (Fixture *f, gconstpointer config)
{
  f->t = sb_test_bus_new (config != NULL ? config : "");
  f->finished = g_string_new (NULL);
  g_signal_connect (f->t->journal, "drained", G_CALLBACK (on_drained), f);
}

static void
tear_down (Fixture *f, gconstpointer config)
{
  g_clear_pointer (&f->t, sb_test_bus_free);
  g_string_free (f->finished, TRUE);
}

static void
assert_batches (Fixture *f, const char *wanted)
{
  g_autofree char *batches = sb_test_store_take_batches (f->t->store);

  g_assert_cmpstr (batches, ==, wanted);
}

/* The store works on an operation, and others can gather. */
static void
hold_with_one (Fixture *f)
{
  sb_test_store_hold_applies (f->t->store, TRUE);
  submit_nothing (f, "0");
  sb_test_store_wait_held (f->t->store);
}

static void
release_and_wait (Fixture *f, guint n)
{
  sb_test_store_hold_applies (f->t->store, FALSE);
  sb_test_wait_count (&f->n_finished, n, "operations");
}

static void
operations_finish_in_order (Fixture *f, gconstpointer data)
{
  static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    submit_nothing (f, names[i]);
  sb_test_wait_count (&f->n_finished, G_N_ELEMENTS (names), "operations");
  g_assert_cmpstr (f->finished->str, ==, "abcdefgh");
}

static void
nothing_finishes_before_the_main_loop_turns (Fixture *f, gconstpointer data)
{
  submit_nothing (f, "a");
  g_assert_cmpuint (f->n_finished, ==, 0);
  sb_test_wait_count (&f->n_finished, 1, "the operation");
}

static void
what_comes_during_a_commit_is_committed_together (Fixture *f, gconstpointer data)
{
  hold_with_one (f);
  for (guint i = 0; i < 5; i++)
    submit_nothing (f, "x");
  release_and_wait (f, 6);
  assert_batches (f, "1 5");
}

/* Recipients that nobody knows: the store answers unknown, which is enough here. */
static SbOperation *
make_append (Fixture *f, guint n_targets)
{
  SbOperation *operation = make_nothing (f, "A");

  operation->kind = SB_OPERATION_APPEND;
  operation->append.message = sb_message_new ("m", "s", 1, g_bytes_new_static ("{}", 2), 1, 0, 0);
  operation->append.targets = g_new0 (SbTarget, n_targets);
  operation->append.n_targets = n_targets;
  return operation;
}

static void
a_batch_has_a_bound_in_rows (Fixture *f, gconstpointer data)
{
  hold_with_one (f);
  for (guint i = 0; i < 5; i++)
    sb_journal_submit (f->t->journal, make_append (f, MAX_BATCH_ROWS / 2));
  release_and_wait (f, 6);
  assert_batches (f, "1 2 2 1");
}

static void
an_operation_above_the_bound_has_a_batch_of_its_own (Fixture *f, gconstpointer data)
{
  hold_with_one (f);
  submit_nothing (f, "a");
  sb_journal_submit (f->t->journal, make_append (f, 3 * MAX_BATCH_ROWS));
  submit_nothing (f, "b");
  release_and_wait (f, 4);
  assert_batches (f, "1 1 1 1");
  g_assert_cmpstr (f->finished->str, ==, "0aAb");
}

static SbOperation *
make_put_user (Fixture *f, guint number)
{
  SbOperation *operation = make_nothing (f, "u");
  g_autofree char *id = g_strdup_printf ("user%u", number);

  operation->kind = SB_OPERATION_PUT_USER;
  operation->put_user.user = sb_user_new (0, id, "x", NULL, NULL, FALSE, 1);
  return operation;
}

static void
users_that_were_submitted_together_stay_together (Fixture *f, gconstpointer data)
{
  const guint n_users = 2 * MAX_BATCH_ROWS;
  g_autofree SbOperation **users = g_new (SbOperation *, n_users);

  hold_with_one (f);
  sb_journal_submit (f->t->journal, make_append (f, MAX_BATCH_ROWS - 1));
  for (guint i = 0; i < n_users; i++)
    users[i] = make_put_user (f, i);
  sb_journal_submit_all (f->t->journal, users, n_users);
  release_and_wait (f, n_users + 2);
  assert_batches (f, "1 8193");
}

static void
a_failure_fails_the_whole_batch_and_no_other (Fixture *f, gconstpointer data)
{
  hold_with_one (f);
  submit_nothing (f, "a");
  submit_nothing (f, "b");
  sb_test_store_fail_applies (f->t->store, 2);
  release_and_wait (f, 3);
  submit_nothing (f, "c");
  sb_test_wait_count (&f->n_finished, 4, "operations");
  g_assert_cmpstr (f->finished->str, ==, "0!a!b!c");
}

static void
the_last_error_is_that_of_the_newest_batch (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  sb_test_store_fail_applies (f->t->store, 1);
  submit_nothing (f, "a");
  sb_test_wait_count (&f->n_finished, 1, "the failure");
  error = sb_journal_dup_last_error (f->t->journal);
  g_assert_error (error, SB_ERROR, SB_ERROR_NO_SPACE);

  submit_nothing (f, "b");
  sb_test_wait_count (&f->n_finished, 2, "the success");
  g_assert_null (sb_journal_dup_last_error (f->t->journal));
  g_assert_cmpstr (f->finished->str, ==, "a!b");
}

static void
it_is_full_at_its_bound_and_says_when_it_is_not (Fixture *f, gconstpointer data)
{
  hold_with_one (f);
  submit_nothing (f, "a");
  g_assert_false (sb_journal_is_full (f->t->journal));
  submit_nothing (f, "b");
  g_assert_true (sb_journal_is_full (f->t->journal));
  release_and_wait (f, 3);
  g_assert_false (sb_journal_is_full (f->t->journal));
  sb_test_bus_settle (f->t);
  g_assert_cmpuint (f->n_drained, ==, 1);
}

static void
it_is_full_of_bytes_too (Fixture *f, gconstpointer data)
{
  SbOperation *operation = make_append (f, 1);
  char *body = g_malloc0 (2000);

  sb_message_unref (operation->append.message);
  operation->append.message = sb_message_new ("m", "s", 1, g_bytes_new_take (body, 2000), 1, 0, 0);
  sb_test_store_hold_applies (f->t->store, TRUE);
  sb_journal_submit (f->t->journal, operation);
  g_assert_true (sb_journal_is_full (f->t->journal));
  release_and_wait (f, 1);
  g_assert_false (sb_journal_is_full (f->t->journal));
}

/* Fills the journal from inside a wake-up that also drains it again. */
static void
on_finished_refill (SbOperation *operation, const GError *error, gpointer user_data)
{
  Fixture *f = user_data;

  submit_nothing (f, "x");
  submit_nothing (f, "y");
  g_assert_true (sb_journal_is_full (f->t->journal));
}

static void
it_also_tells_when_it_was_full_only_in_between (Fixture *f, gconstpointer data)
{
  SbOperation *both[] = {
    sb_operation_new (SB_OPERATION_DROP_RECEIPTS, on_finished_refill, f),
    make_nothing (f, "b"),
  };

  sb_journal_submit_all (f->t->journal, both, 2);
  g_assert_false (sb_journal_is_full (f->t->journal));
  sb_test_wait_count (&f->n_finished, 3, "operations");
  g_assert_cmpuint (f->n_drained, ==, 1);
}

static void
closing_commits_all_that_was_submitted (Fixture *f, gconstpointer data)
{
  sb_journal_submit (f->t->journal, make_put_user (f, 1));
  for (guint i = 0; i < 3; i++)
    submit_nothing (f, "a");
  sb_journal_close (f->t->journal);
  g_assert_cmpstr (f->finished->str, ==, "uaaa");
  g_assert_false (sb_journal_is_open (f->t->journal));
}

static void
on_finished_submit (SbOperation *operation, const GError *error, gpointer user_data)
{
  submit_nothing (user_data, "b");
}

static void
closing_commits_what_its_last_operations_cause (Fixture *f, gconstpointer data)
{
  sb_journal_submit (f->t->journal,
                     sb_operation_new (SB_OPERATION_DROP_RECEIPTS, on_finished_submit, f));
  sb_journal_close (f->t->journal);
  g_assert_cmpstr (f->finished->str, ==, "b");
}

/* Reads */

typedef struct
{
  GThread *freed_in;
  GError *error;
  gboolean answered;
  GMutex lock;
  GCond changed;
  gboolean may_return;
} Reading;

static void
note_thread (gpointer data)
{
  ((Reading *) data)->freed_in = g_thread_self ();
}

static void
on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Reading *reading = user_data;

  g_task_propagate_boolean (G_TASK (result), &reading->error);
  reading->answered = TRUE;
}

/* Returns on the task, and from the function only after the main context has used the result. */
static void
read_slowly (SbStore *store, GTask *task)
{
  Reading *reading = g_task_get_task_data (task);

  g_task_return_boolean (task, TRUE);
  g_mutex_lock (&reading->lock);
  while (!reading->may_return)
    g_cond_wait (&reading->changed, &reading->lock);
  g_mutex_unlock (&reading->lock);
}

static void
what_a_read_carries_is_freed_on_the_main_context (Fixture *f, gconstpointer data)
{
  Reading reading = { 0 };
  GTask *task = g_task_new (NULL, NULL, on_read, &reading);

  g_task_set_task_data (task, &reading, note_thread);
  sb_journal_read_async (f->t->journal, read_slowly, task);
  sb_test_wait_flag (&reading.answered, "the read");
  sb_test_settle ();
  g_mutex_lock (&reading.lock);
  reading.may_return = TRUE;
  g_cond_signal (&reading.changed);
  g_mutex_unlock (&reading.lock);
  sb_test_bus_settle (f->t);
  g_assert_true (reading.freed_in == g_thread_self ());
}

static void
on_finished_read (SbOperation *operation, const GError *error, gpointer user_data)
{
  gpointer *pair = user_data;
  Fixture *f = pair[0];

  sb_journal_read_async (f->t->journal, read_slowly, g_task_new (NULL, NULL, on_read, pair[1]));
}

static void
a_read_during_the_end_is_refused (Fixture *f, gconstpointer data)
{
  Reading reading = { 0 };
  gpointer pair[] = { f, &reading };

  sb_journal_submit (f->t->journal,
                     sb_operation_new (SB_OPERATION_DROP_RECEIPTS, on_finished_read, pair));
  sb_journal_close (f->t->journal);
  sb_test_wait_flag (&reading.answered, "the refusal");
  g_assert_error (reading.error, SB_ERROR, SB_ERROR_CLOSED);
  g_clear_error (&reading.error);
}

static void
a_read_before_the_end_is_answered (Fixture *f, gconstpointer data)
{
  Reading reading = { .may_return = TRUE };
  GTask *task = g_task_new (NULL, NULL, on_read, &reading);

  g_task_set_task_data (task, &reading, NULL);
  sb_journal_read_async (f->t->journal, read_slowly, task);
  sb_journal_close (f->t->journal);
  sb_test_wait_flag (&reading.answered, "the read");
  g_assert_no_error (reading.error);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  sb_test_log_init ();
#define ADD(name, config, func) \
  g_test_add ("/journal/" name, Fixture, config, set_up, func, tear_down)
  ADD ("operations-finish-in-order", NULL, operations_finish_in_order);
  ADD ("nothing-finishes-before-the-main-loop-turns", NULL,
       nothing_finishes_before_the_main_loop_turns);
  ADD ("what-comes-during-a-commit-is-committed-together", NULL,
       what_comes_during_a_commit_is_committed_together);
  ADD ("a-batch-has-a-bound-in-rows", NULL, a_batch_has_a_bound_in_rows);
  ADD ("an-operation-above-the-bound-has-a-batch-of-its-own", NULL,
       an_operation_above_the_bound_has_a_batch_of_its_own);
  ADD ("users-that-were-submitted-together-stay-together", NULL,
       users_that_were_submitted_together_stay_together);
  ADD ("a-failure-fails-the-whole-batch-and-no-other", NULL,
       a_failure_fails_the_whole_batch_and_no_other);
  ADD ("the-last-error-is-that-of-the-newest-batch", NULL,
       the_last_error_is_that_of_the_newest_batch);
  ADD ("it-is-full-at-its-bound-and-says-when-it-is-not", "journal-backlog=3",
       it_is_full_at_its_bound_and_says_when_it_is_not);
  ADD ("it-is-full-of-bytes-too", "journal-backlog-bytes=1K", it_is_full_of_bytes_too);
  ADD ("it-also-tells-when-it-was-full-only-in-between", "journal-backlog=3",
       it_also_tells_when_it_was_full_only_in_between);
  ADD ("closing-commits-all-that-was-submitted", NULL, closing_commits_all_that_was_submitted);
  ADD ("closing-commits-what-its-last-operations-cause", NULL,
       closing_commits_what_its_last_operations_cause);
  ADD ("what-a-read-carries-is-freed-on-the-main-context", NULL,
       what_a_read_carries_is_freed_on_the_main_context);
  ADD ("a-read-during-the-end-is-refused", NULL, a_read_during_the_end_is_refused);
  ADD ("a-read-before-the-end-is-answered", NULL, a_read_before_the_end_is_answered);
#undef ADD
  return g_test_run ();
}

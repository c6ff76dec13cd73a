/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-queue-stream: how a recipient that is behind catches up with the store
 * and joins the live stream, whatever happens at the same time.
 */

#include "sb-test-log.h"
#include "sb-test-queue.h"

#define TIMEOUT (10 * SB_TEST_SECOND)

static void
set_up (SbTestQueue **q, gconstpointer data)
{
  *q = sb_test_queue_new ();
}

static void
tear_down (SbTestQueue **q, gconstpointer data)
{
  sb_test_queue_free (*q);
  sb_test_log_assert_expected ();
}

static char *
make_ids (guint from, guint n)
{
  GString *ids = g_string_new (NULL);

  for (guint i = 0; i < n; i++)
    g_string_append_printf (ids, "%s%u", i > 0 ? " " : "", from + i);
  return g_string_free (ids, FALSE);
}

static void
confirm_at_once (SbTestPath *path, SbMessage *message, gpointer user_data)
{
  sb_queue_confirm (user_data, message->id, NULL, NULL);
}

/* Opens a path whose recipient confirms everything at once. */
static SbTestPath *
open_obedient (SbTestQueue *q)
{
  SbTestPath *path = sb_test_path_new ();

  sb_test_path_set_func (path, confirm_at_once, q->queue);
  sb_queue_set_path (q->queue, SB_DELIVERY (path));
  return path;
}

static void
several_pages_come_in_order (SbTestQueue **q, gconstpointer data)
{
  g_autofree char *ids = make_ids (0, 1000);
  g_autoptr (SbTestPath) path = NULL;

  sb_test_queue_send (*q, ids);
  path = open_obedient (*q);
  sb_test_bus_settle ((*q)->t);
  sb_test_path_assert (path, ids);
}

static void
what_comes_while_a_page_is_read_follows_it (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_path_new ();

  sb_test_queue_send (*q, "a b");
  sb_test_store_hold_reads ((*q)->t->store, TRUE);
  sb_queue_set_path ((*q)->queue, SB_DELIVERY (path));
  sb_test_store_wait_held ((*q)->t->store);
  sb_test_queue_submit (*q, "c", 100);
  sb_test_queue_submit (*q, "d", 100);
  sb_test_bus_apply ((*q)->t, sb_operation_new (SB_OPERATION_DROP_RECEIPTS, NULL, NULL));
  sb_test_store_hold_reads ((*q)->t->store, FALSE);
  sb_test_bus_settle ((*q)->t);
  sb_test_path_assert (path, "a b c d");
}

/* What the page has already must not come twice. */
static void
what_is_committed_before_the_page_is_read_comes_once (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_path_new ();

  sb_test_store_hold_applies ((*q)->t->store, TRUE);
  sb_test_queue_submit (*q, "a", 100);
  sb_test_store_wait_held ((*q)->t->store);
  sb_queue_set_path ((*q)->queue, SB_DELIVERY (path));
  sb_test_store_hold_applies ((*q)->t->store, FALSE);
  sb_test_bus_settle ((*q)->t);
  sb_test_path_assert (path, "a");
}

static void
what_time_has_woken_is_read_from_the_store (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_queue_open (*q);
  SbOperation *operation = sb_operation_new (SB_OPERATION_APPEND, NULL, NULL);

  operation->append.message = sb_message_new ("woken", "s", (*q)->sender,
                                              g_bytes_new_static ("{}", 2),
                                              sb_clock_wall ((*q)->t->clock), 0, 0);
  operation->append.targets = g_new0 (SbTarget, 1);
  operation->append.targets[0].recipient = (*q)->recipient;
  operation->append.n_targets = 1;

  sb_test_queue_send (*q, "a");
  sb_test_bus_apply ((*q)->t, operation);
  sb_queue_note_stored ((*q)->queue);
  sb_test_queue_send (*q, "b");
  sb_test_path_assert (path, "a woken b");
}

static void
a_page_that_failed_is_read_again_in_a_while (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = NULL;

  sb_test_queue_send (*q, "a b");
  sb_test_store_fail_reads ((*q)->t->store, 1);
  sb_test_log_expect ("cannot read the queue");
  path = sb_test_queue_open (*q);
  sb_test_queue_send (*q, "c");
  sb_test_path_assert (path, "");
  sb_test_queue_pass (*q, SB_TEST_SECOND);
  sb_test_path_assert (path, "a b c");
}

static void
parked_ones_that_could_not_be_read_are_read_again (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_queue_open (*q);
  g_autofree char *before = NULL;

  sb_test_queue_send (*q, "a");
  sb_test_queue_let_park (*q);
  before = sb_test_path_take (path);
  sb_test_store_fail_reads ((*q)->t->store, 1);
  sb_test_log_expect ("cannot read the queue");
  sb_test_queue_pass (*q, 2 * TIMEOUT);
  sb_test_path_assert (path, "");
  sb_test_queue_pass (*q, SB_TEST_SECOND);
  sb_test_path_assert (path, "a");
}

/* Memory */

static void
a_page_on_its_way_counts_as_memory (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = sb_test_path_new ();

  sb_test_queue_send (*q, "a");
  sb_test_store_hold_reads ((*q)->t->store, TRUE);
  sb_queue_set_path ((*q)->queue, SB_DELIVERY (path));
  sb_test_store_wait_held ((*q)->t->store);
  g_assert_cmpuint ((*q)->settings.in_flight, ==, (*q)->settings.window_bytes);
  sb_test_store_hold_reads ((*q)->t->store, FALSE);
  sb_test_bus_settle ((*q)->t);
  g_assert_cmpuint ((*q)->settings.in_flight, ==, 100);
}

static void
without_memory_it_still_goes_on_one_by_one (SbTestQueue **q, gconstpointer data)
{
  g_autoptr (SbTestPath) path = NULL;

  sb_test_queue_send (*q, "a b c");
  /* What all the others hold. */
  (*q)->settings.in_flight += (*q)->settings.in_flight_max;
  path = sb_test_queue_open (*q);
  sb_test_path_assert (path, "a");
  sb_test_queue_confirm (*q, "a");
  sb_test_path_assert (path, "b");
  sb_test_queue_send (*q, "d");
  sb_test_queue_confirm (*q, "b");
  sb_test_queue_confirm (*q, "c");
  sb_test_path_assert (path, "c d");
  (*q)->settings.in_flight -= (*q)->settings.in_flight_max;
}

static void
memory_never_grows_with_what_waits (SbTestQueue **q, gconstpointer data)
{
  g_autofree char *ids = make_ids (0, 2000);
  g_autoptr (SbTestPath) path = NULL;

  (*q)->settings.window = 10;
  (*q)->settings.window_bytes = 5000;
  path = sb_test_queue_open (*q);
  sb_test_queue_send (*q, ids);
  g_assert_cmpuint ((*q)->settings.in_flight, <=, 3 * 5000);
}

/* Anything at any time */

typedef struct
{
  SbTestQueue *q;
  SbTestPath *path;
  GRand *rand;
  guint n_sent;
  guint highest;         /* number of the newest first transmission, from 1 */
  GHashTable *confirmed; /* set of numbers */
  GPtrArray *in_flight;  /* ids on the path */
  gboolean held;
} World;

static void
check_delivery (SbTestPath *path, SbMessage *message, gpointer user_data)
{
  World *w = user_data;
  guint number = g_ascii_strtoull (message->id, NULL, 10);

  g_assert_false (g_hash_table_contains (w->confirmed, GUINT_TO_POINTER (number)));
  g_assert_false (g_ptr_array_find_with_equal_func (w->in_flight, message->id, g_str_equal, NULL));
  g_assert_cmpuint (number, <=, w->highest + 1);
  w->highest = MAX (w->highest, number);
  g_ptr_array_add (w->in_flight, g_strdup (message->id));
}

static void
send_some (World *w)
{
  guint n = g_rand_int_range (w->rand, 1, 30);

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *id = g_strdup_printf ("%u", ++w->n_sent);

      sb_test_queue_submit (w->q, id, g_rand_int_range (w->rand, 1, 400));
    }
}

static void
confirm_some (World *w)
{
  guint n = g_rand_int_range (w->rand, 1, 10);

  while (n-- > 0 && w->in_flight->len > 0)
    {
      guint i = g_rand_int_range (w->rand, 0, w->in_flight->len);
      g_autofree char *id = g_ptr_array_steal_index (w->in_flight, i);

      g_hash_table_add (w->confirmed, GUINT_TO_POINTER (g_ascii_strtoull (id, NULL, 10)));
      sb_queue_confirm (w->q->queue, id, NULL, NULL);
    }
}

static void
change_path (World *w, gboolean open)
{
  g_ptr_array_set_size (w->in_flight, 0);
  g_clear_object (&w->path);
  if (open)
    {
      w->path = sb_test_path_new ();
      sb_test_path_set_func (w->path, check_delivery, w);
    }
  sb_queue_set_path (w->q->queue, (SbDelivery *) w->path);
}

static void
change_room (World *w)
{
  if (w->path == NULL)
    return;
  sb_test_path_set_room (w->path, g_rand_int_range (w->rand, 0, 8));
  sb_queue_wake (w->q->queue);
}

static void
change_hold (World *w)
{
  w->held = !w->held;
  sb_test_store_hold_reads (w->q->t->store, w->held);
}

static void
do_something (World *w)
{
  switch (g_rand_int_range (w->rand, 0, 12))
    {
    case 0:
      change_path (w, TRUE);
      break;
    case 1:
      if (g_rand_int_range (w->rand, 0, 3) == 0)
        change_path (w, FALSE);
      break;
    case 2:
      change_room (w);
      break;
    case 3:
      change_hold (w);
      break;
    case 4:
      sb_clock_advance (w->q->t->clock, 1000);
      sb_queue_tick (w->q->queue);
      break;
    case 5:
    case 6:
      send_some (w);
      break;
    case 7:
    case 8:
    case 9:
      confirm_some (w);
      break;
    default:
      g_main_context_iteration (NULL, FALSE);
    }
}

/* Everybody is there again: all that is left comes. */
static void
finish (World *w)
{
  sb_test_store_hold_reads (w->q->t->store, FALSE);
  change_path (w, TRUE);
  do
    {
      sb_test_bus_settle (w->q->t);
      while (w->in_flight->len > 0)
        confirm_some (w);
      sb_test_bus_settle (w->q->t);
    }
  while (w->in_flight->len > 0);
  g_assert_cmpuint (g_hash_table_size (w->confirmed), ==, w->n_sent);
  change_path (w, FALSE);
}

static void
whatever_happens_nothing_is_left_out_and_nothing_comes_twice (SbTestQueue **q, gconstpointer data)
{
  guint n_worlds = g_test_slow () ? 300 : 30;

  for (guint i = 0; i < n_worlds; i++)
    {
      g_autoptr (SbTestQueue) queue = sb_test_queue_new ();
      World w = { .q = queue };
      guint32 seed = g_test_rand_int ();

      g_test_message ("world %u", seed);
      w.rand = g_rand_new_with_seed (seed);
      w.confirmed = g_hash_table_new (NULL, NULL);
      w.in_flight = g_ptr_array_new_with_free_func (g_free);
      queue->settings.window = g_rand_int_range (w.rand, 1, 20);
      queue->settings.window_bytes = g_rand_int_range (w.rand, 100, 3000);
      queue->settings.in_flight_max = g_rand_int_range (w.rand, 100, 20000);
      for (guint j = 0; j < 300; j++)
        do_something (&w);
      finish (&w);
      g_rand_free (w.rand);
      g_hash_table_unref (w.confirmed);
      g_ptr_array_unref (w.in_flight);
    }
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  sb_test_log_init ();
#define ADD(name, func) \
  g_test_add ("/queue-stream/" name, SbTestQueue *, NULL, set_up, func, tear_down)
  ADD ("several-pages-come-in-order", several_pages_come_in_order);
  ADD ("what-comes-while-a-page-is-read-follows-it", what_comes_while_a_page_is_read_follows_it);
  ADD ("what-is-committed-before-the-page-is-read-comes-once",
       what_is_committed_before_the_page_is_read_comes_once);
  ADD ("what-time-has-woken-is-read-from-the-store", what_time_has_woken_is_read_from_the_store);
  ADD ("a-page-that-failed-is-read-again-in-a-while", a_page_that_failed_is_read_again_in_a_while);
  ADD ("parked-ones-that-could-not-be-read-are-read-again",
       parked_ones_that_could_not_be_read_are_read_again);
  ADD ("a-page-on-its-way-counts-as-memory", a_page_on_its_way_counts_as_memory);
  ADD ("without-memory-it-still-goes-on-one-by-one", without_memory_it_still_goes_on_one_by_one);
  ADD ("memory-never-grows-with-what-waits", memory_never_grows_with_what_waits);
  ADD ("whatever-happens-nothing-is-left-out-and-nothing-comes-twice",
       whatever_happens_nothing_is_left_out_and_nothing_comes_twice);
#undef ADD
  return g_test_run ();
}

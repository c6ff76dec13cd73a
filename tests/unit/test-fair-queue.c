/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-fair-queue: turns, order within a line, and who gets how much of the room. */

#include "sb-fair-queue.h"
#include "sb-test.h"

static gboolean
push (SbFairQueue *queue, const char *key, const char *item)
{
  return sb_fair_queue_push (queue, key, (gpointer) item);
}

static guint
push_all (SbFairQueue *queue, const char *key)
{
  guint n = 0;

  while (push (queue, key, key))
    n++;
  return n;
}

static void
lines_take_turns (void)
{
  g_autoptr (SbFairQueue) queue = sb_fair_queue_new (100);
  g_autoptr (GString) order = g_string_new (NULL);

  for (guint i = 0; i < 5; i++)
    g_assert_true (push (queue, "a", "a"));
  g_assert_true (push (queue, "b", "b"));
  g_assert_true (push (queue, "b", "b"));
  g_assert_true (push (queue, "c", "c"));
  for (const char *item = sb_fair_queue_pop (queue); item != NULL; item = sb_fair_queue_pop (queue))
    g_string_append (order, item);
  g_assert_cmpstr (order->str, ==, "abcabaaa");
}

static void
a_line_keeps_its_order (void)
{
  g_autoptr (SbFairQueue) queue = sb_fair_queue_new (100);

  g_assert_true (push (queue, "a", "first"));
  g_assert_true (push (queue, "a", "second"));
  g_assert_cmpstr (sb_fair_queue_pop (queue), ==, "first");
  g_assert_cmpstr (sb_fair_queue_pop (queue), ==, "second");
  g_assert_null (sb_fair_queue_pop (queue));
}

static void
who_comes_back_goes_behind_the_others (void)
{
  g_autoptr (SbFairQueue) queue = sb_fair_queue_new (100);

  g_assert_true (push (queue, "a", "a1"));
  g_assert_true (push (queue, "b", "b1"));
  g_assert_cmpstr (sb_fair_queue_pop (queue), ==, "a1");
  g_assert_true (push (queue, "a", "a2"));
  g_assert_cmpstr (sb_fair_queue_pop (queue), ==, "b1");
  g_assert_cmpstr (sb_fair_queue_pop (queue), ==, "a2");
}

static void
one_key_gets_half_of_the_room (void)
{
  g_autoptr (SbFairQueue) queue = sb_fair_queue_new (100);

  g_assert_cmpuint (push_all (queue, "flood"), ==, 50);
  g_assert_true (push (queue, "other", "x"));
}

static void
the_room_is_bounded (void)
{
  g_autoptr (SbFairQueue) queue = sb_fair_queue_new (64);
  guint accepted = 0;

  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *key = g_strdup_printf ("%u", i);

      accepted += push (queue, key, "x");
    }
  g_assert_cmpuint (accepted, ==, 64);
  g_assert_cmpuint (sb_fair_queue_get_length (queue), ==, 64);
}

static void
a_room_for_one_takes_one (void)
{
  g_autoptr (SbFairQueue) queue = sb_fair_queue_new (1);

  g_assert_cmpuint (push_all (queue, "a"), ==, 1);
  g_assert_false (push (queue, "b", "b"));
  g_assert_nonnull (sb_fair_queue_pop (queue));
  g_assert_true (push (queue, "b", "b"));
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/fair-queue/lines-take-turns", lines_take_turns);
  g_test_add_func ("/fair-queue/a-line-keeps-its-order", a_line_keeps_its_order);
  g_test_add_func ("/fair-queue/who-comes-back-goes-behind-the-others",
                   who_comes_back_goes_behind_the_others);
  g_test_add_func ("/fair-queue/one-key-gets-half-of-the-room", one_key_gets_half_of_the_room);
  g_test_add_func ("/fair-queue/the-room-is-bounded", the_room_is_bounded);
  g_test_add_func ("/fair-queue/a-room-for-one-takes-one", a_room_for_one_takes_one);
  return g_test_run ();
}

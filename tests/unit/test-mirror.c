/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-mirror: a bounded memory of direct messages, each of which can be confirmed once. */

#include "sb-mirror.h"
#include "sb-test.h"

/* So many are remembered at least; so many certainly not. */
#define FEW 200
#define MANY 100000

static void
note_number (SbMirror *mirror, guint number)
{
  g_autofree char *id = g_strdup_printf ("id-%u", number);

  sb_mirror_note (mirror, id, number + 1);
}

static void
assert_takes_number (SbMirror *mirror, guint number, gint64 expected)
{
  g_autofree char *id = g_strdup_printf ("id-%u", number);

  g_assert_cmpint (sb_mirror_take (mirror, id), ==, expected);
}

static void
gives_the_sender_once (void)
{
  g_autoptr (SbMirror) mirror = sb_mirror_new ();

  sb_mirror_note (mirror, "x", 7);
  g_assert_cmpint (sb_mirror_take (mirror, "x"), ==, 7);
  g_assert_cmpint (sb_mirror_take (mirror, "x"), ==, 0);
}

static void
knows_nothing_that_it_was_not_told (void)
{
  static const char *const others[] = { "", "y", "X", "xx", "x " };
  g_autoptr (SbMirror) mirror = sb_mirror_new ();

  g_assert_cmpint (sb_mirror_take (mirror, "x"), ==, 0);
  sb_mirror_note (mirror, "x", 7);
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    g_assert_cmpint (sb_mirror_take (mirror, others[i]), ==, 0);
  g_assert_cmpint (sb_mirror_take (mirror, "x"), ==, 7);
}

static void
gives_the_newest_of_the_same_id_first (void)
{
  g_autoptr (SbMirror) mirror = sb_mirror_new ();

  for (gint64 sender = 1; sender <= 3; sender++)
    sb_mirror_note (mirror, "x", sender);
  for (gint64 sender = 3; sender >= 0; sender--)
    g_assert_cmpint (sb_mirror_take (mirror, "x"), ==, sender);
}

static void
gives_in_any_order (void)
{
  g_autoptr (SbMirror) mirror = sb_mirror_new ();

  for (guint i = 0; i < FEW; i++)
    note_number (mirror, i);
  for (guint i = 0; i < FEW; i += 2)
    assert_takes_number (mirror, i, i + 1);
  for (guint i = FEW; i-- > 0;)
    assert_takes_number (mirror, i, i % 2 == 0 ? 0 : i + 1);
}

static void
forgets_the_oldest (void)
{
  g_autoptr (SbMirror) mirror = sb_mirror_new ();

  for (guint i = 0; i < MANY; i++)
    note_number (mirror, i);
  for (guint i = 0; i < FEW; i++)
    assert_takes_number (mirror, i, 0);
  for (guint i = MANY - FEW; i < MANY; i++)
    assert_takes_number (mirror, i, i + 1);
}

static void
remembers_a_thousand_that_are_not_confirmed (void)
{
  g_autoptr (SbMirror) mirror = sb_mirror_new ();

  for (guint i = 0; i < FEW / 2; i++)
    {
      note_number (mirror, i);
      assert_takes_number (mirror, i, i + 1);
    }
  for (guint i = 0; i < 1000; i++)
    note_number (mirror, i);
  for (guint i = 0; i < 1000; i++)
    assert_takes_number (mirror, i, i + 1);
}

static void
many_memories_do_not_grow_without_end (void)
{
  g_autoptr (GPtrArray) mirrors = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_mirror_free);
  SbMirror *last;

  for (guint i = 0; i < 2000; i++)
    {
      g_ptr_array_add (mirrors, sb_mirror_new ());
      for (guint number = 0; number < 1000; number++)
        note_number (mirrors->pdata[i], number);
    }
  last = mirrors->pdata[mirrors->len - 1];
  assert_takes_number (last, 0, 0);
  assert_takes_number (last, 999, 1000);
}

static void
forgets_one_for_each_that_comes (void)
{
  g_autoptr (SbMirror) mirror = sb_mirror_new ();

  sb_mirror_note (mirror, "x", 7);
  for (guint i = 0; i < FEW; i++)
    {
      note_number (mirror, i);
      assert_takes_number (mirror, i, i + 1);
    }
  g_assert_cmpint (sb_mirror_take (mirror, "x"), ==, 7);
}

static void
keeps_memories_apart (void)
{
  g_autoptr (SbMirror) one = sb_mirror_new ();
  g_autoptr (SbMirror) other = sb_mirror_new ();

  sb_mirror_note (one, "x", 7);
  g_assert_cmpint (sb_mirror_take (other, "x"), ==, 0);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/mirror/gives-the-sender-once", gives_the_sender_once);
  g_test_add_func ("/mirror/knows-nothing-that-it-was-not-told",
                   knows_nothing_that_it_was_not_told);
  g_test_add_func ("/mirror/gives-the-newest-of-the-same-id-first",
                   gives_the_newest_of_the_same_id_first);
  g_test_add_func ("/mirror/gives-in-any-order", gives_in_any_order);
  g_test_add_func ("/mirror/forgets-the-oldest", forgets_the_oldest);
  g_test_add_func ("/mirror/forgets-one-for-each-that-comes", forgets_one_for_each_that_comes);
  g_test_add_func ("/mirror/remembers-a-thousand-that-are-not-confirmed",
                   remembers_a_thousand_that_are_not_confirmed);
  g_test_add_func ("/mirror/many-memories-do-not-grow-without-end",
                   many_memories_do_not_grow_without_end);
  g_test_add_func ("/mirror/keeps-memories-apart", keeps_memories_apart);
  return g_test_run ();
}

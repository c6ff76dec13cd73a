/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-gather: a byte queue against a plain string. */

#include "sb-gather.h"
#include "sb-test.h"

static void
assert_waits (const SbGather *gather, const char *expected)
{
  g_assert_cmpmem (sb_gather_peek (gather), sb_gather_get_length (gather), expected,
                   strlen (expected));
}

static void
gives_what_it_took_in_order (void)
{
  SbGather gather = { NULL, 0, 0, 0 };

  sb_gather_append (&gather, "abc", 3);
  sb_gather_append (&gather, "def", 3);
  sb_gather_consume (&gather, 2);
  sb_gather_prepend (&gather, "12", 2);
  assert_waits (&gather, "12cdef");
  sb_gather_clear (&gather);
}

static void
takes_at_most_what_there_is (void)
{
  SbGather gather = { NULL, 0, 0, 0 };
  char buffer[8] = "";

  sb_gather_append (&gather, "abc", 3);
  g_assert_cmpuint (sb_gather_take (&gather, buffer, 2), ==, 2);
  g_assert_cmpuint (sb_gather_take (&gather, buffer + 2, 5), ==, 1);
  g_assert_cmpuint (sb_gather_take (&gather, buffer, 5), ==, 0);
  g_assert_cmpstr (buffer, ==, "abc");
}

static void
owns_nothing_when_empty (void)
{
  SbGather gather = { NULL, 0, 0, 0 };

  sb_gather_append (&gather, "abc", 3);
  g_assert_nonnull (gather.data);
  sb_gather_consume (&gather, 3);
  g_assert_null (gather.data);
}

static void
does_not_grow_when_it_is_drained_as_fast (void)
{
  SbGather gather = { NULL, 0, 0, 0 };
  gsize size;

  sb_gather_append (&gather, "abcdef", 6);
  size = gather.size;
  for (guint i = 0; i < 10000; i++)
    {
      sb_gather_append (&gather, "abc", 3);
      sb_gather_consume (&gather, 3);
    }
  g_assert_cmpuint (gather.size, ==, size);
  assert_waits (&gather, "abcabc");
  sb_gather_clear (&gather);
}

static void
agrees_with_a_string_whatever_is_done (void)
{
  SbGather gather = { NULL, 0, 0, 0 };
  g_autoptr (GString) model = g_string_new (NULL);

  for (guint i = 0; i < 2000; i++)
    {
      g_autofree char *piece = g_strnfill (g_test_rand_int_range (0, 3000), 'a' + i % 26);
      gsize length = g_test_rand_int_range (0, model->len + 1);

      switch (g_test_rand_int_range (0, 4))
        {
        case 0:
          sb_gather_prepend (&gather, piece, strlen (piece));
          g_string_prepend (model, piece);
          break;
        case 1:
          sb_gather_append (&gather, piece, strlen (piece));
          g_string_append (model, piece);
          break;
        default:
          sb_gather_consume (&gather, length);
          g_string_erase (model, 0, length);
          break;
        }
      assert_waits (&gather, model->str);
    }
  sb_gather_clear (&gather);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/gather/gives-what-it-took-in-order", gives_what_it_took_in_order);
  g_test_add_func ("/gather/takes-at-most-what-there-is", takes_at_most_what_there_is);
  g_test_add_func ("/gather/owns-nothing-when-empty", owns_nothing_when_empty);
  g_test_add_func ("/gather/does-not-grow-when-it-is-drained-as-fast",
                   does_not_grow_when_it_is_drained_as_fast);
  g_test_add_func ("/gather/agrees-with-a-string-whatever-is-done",
                   agrees_with_a_string_whatever_is_done);
  return g_test_run ();
}

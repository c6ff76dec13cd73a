/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-id: made ids grow, tell the time, and cannot be guessed. */

#include "sb-id.h"
#include "sb-message.h"
#include "sb-test.h"

#include <string.h>

/* 2024-01-01 00:00:00 UTC */
#define NOW_US G_GINT64_CONSTANT (1704067200000000)

/* A new id, which must be greater than the last one that is in @last. */
static void
make_greater (SbIdMaker *maker, gint64 wall_us, char last[SB_ID_SIZE])
{
  char id[SB_ID_SIZE];

  sb_id_make (maker, wall_us, id);
  g_assert_cmpstr (id, >, last);
  memcpy (last, id, SB_ID_SIZE);
}

static void
has_32_lower_case_digits (void)
{
  SbIdMaker maker;
  char id[SB_ID_SIZE];

  sb_id_maker_init (&maker, 0);
  for (guint i = 0; i < 1000; i++)
    {
      sb_id_make (&maker, NOW_US + i, id);
      g_assert_cmpuint (strlen (id), ==, 32);
      g_assert_cmpuint (strspn (id, "0123456789abcdef"), ==, 32);
      g_assert_true (sb_message_check_id (id, NULL));
    }
}

static void
begins_with_the_time_in_milliseconds (void)
{
  SbIdMaker maker;
  char id[SB_ID_SIZE];

  sb_id_maker_init (&maker, 0);
  sb_id_make (&maker, NOW_US + 500, id);
  g_assert_true (g_str_has_prefix (id, "018cc251f4008000"));
}

static void
grows_while_the_clock_stands_still (void)
{
  SbIdMaker maker;
  char last[SB_ID_SIZE] = "";

  sb_id_maker_init (&maker, 0);
  for (guint i = 0; i < 200000; i++)
    make_greater (&maker, NOW_US, last);
}

static void
grows_while_the_clock_goes_back_and_forth (void)
{
  static const gint64 steps[] = { 0, 1, 999, 1000, -1, -3600000000, 5, 3600000000, 0, -NOW_US };
  SbIdMaker maker;
  char last[SB_ID_SIZE] = "";

  sb_id_maker_init (&maker, 0);
  for (guint i = 0; i < 1000; i++)
    make_greater (&maker, NOW_US + steps[i % G_N_ELEMENTS (steps)], last);
  make_greater (&maker, -1, last);
  make_greater (&maker, G_MININT64, last);
}

static void
grows_beyond_an_earlier_maker (void)
{
  SbIdMaker maker;
  char last[SB_ID_SIZE] = "";

  sb_id_maker_init (&maker, 0);
  for (guint i = 0; i < 60000; i++)
    make_greater (&maker, NOW_US, last);
  sb_id_maker_init (&maker, NOW_US);
  make_greater (&maker, NOW_US - 1000000, last);
}

static void
follows_the_clock_again_after_a_restart (void)
{
  SbIdMaker maker;
  char id[SB_ID_SIZE];
  char fresh[SB_ID_SIZE];

  sb_id_maker_init (&maker, NOW_US);
  sb_id_make (&maker, NOW_US + 2000, id);
  sb_id_maker_init (&maker, 0);
  sb_id_make (&maker, NOW_US + 2000, fresh);
  g_assert_cmpmem (id, 16, fresh, 16);
}

static void
shares_no_random_digits (void)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  SbIdMaker makers[2];
  char id[SB_ID_SIZE];

  sb_id_maker_init (&makers[0], 0);
  sb_id_maker_init (&makers[1], 0);
  for (guint i = 0; i < 2000; i++)
    {
      sb_id_make (&makers[i % 2], NOW_US, id);
      g_assert_true (g_hash_table_add (seen, g_strdup (id + 16)));
    }
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
#define ADD(path, test) g_test_add_func ("/id/" path, test)
  ADD ("has-32-lower-case-digits", has_32_lower_case_digits);
  ADD ("begins-with-the-time-in-milliseconds", begins_with_the_time_in_milliseconds);
  ADD ("grows-while-the-clock-stands-still", grows_while_the_clock_stands_still);
  ADD ("grows-while-the-clock-goes-back-and-forth", grows_while_the_clock_goes_back_and_forth);
  ADD ("grows-beyond-an-earlier-maker", grows_beyond_an_earlier_maker);
  ADD ("follows-the-clock-again-after-a-restart", follows_the_clock_again_after_a_restart);
  ADD ("shares-no-random-digits", shares_no_random_digits);
#undef ADD
  return g_test_run ();
}

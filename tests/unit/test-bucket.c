/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-bucket: how much at once, how soon again, and whom a full table forgets. */

#include "sb-bucket.h"
#include "sb-test.h"

#define SECOND G_USEC_PER_SEC
#define START (1000 * (gint64) SECOND)

static guint
take_all (SbBucketTable *table, const char *key, gint64 now)
{
  guint n = 0;

  while (n < 100000 && sb_bucket_table_take (table, key, now, NULL))
    n++;
  return n;
}

static void
a_new_key_has_its_whole_burst (void)
{
  g_autoptr (SbBucketTable) table = sb_bucket_table_new (1.0 / 6, 10, 100);

  g_assert_cmpuint (take_all (table, "a", START), ==, 10);
}

static void
keys_do_not_share (void)
{
  g_autoptr (SbBucketTable) table = sb_bucket_table_new (1, 3, 100);

  take_all (table, "a", START);
  g_assert_cmpuint (take_all (table, "b", START), ==, 3);
}

static const struct
{
  double rate;
  double burst;
  gint64 pause; /* µs after it was emptied */
  guint n_back;
} refills[] = {
  { 1.0 / 6, 10, 6 * SECOND - 1000, 0 },
  { 1.0 / 6, 10, 6 * SECOND, 1 },
  { 1.0 / 6, 10, 59 * SECOND, 9 },
  { 1.0 / 6, 10, 3600 * (gint64) SECOND, 10 },
  { 3, 5, SECOND, 3 },
  { 1000, 2000, SECOND, 1000 },
  { 100000, 100000, SECOND / 10, 10000 },
  { 7, 1, SECOND / 7 + 1, 1 },
};

static void
tokens_come_back_at_the_rate (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (refills); i++)
    {
      g_autoptr (SbBucketTable) table = sb_bucket_table_new (refills[i].rate, refills[i].burst, 9);

      g_test_message ("row %" G_GSIZE_FORMAT, i);
      take_all (table, "a", START);
      g_assert_cmpuint (take_all (table, "a", START + refills[i].pause), ==, refills[i].n_back);
    }
}

static void
a_refusal_costs_nothing (void)
{
  g_autoptr (SbBucketTable) table = sb_bucket_table_new (1, 1, 100);

  take_all (table, "a", START);
  for (guint i = 0; i < 50; i++)
    g_assert_false (sb_bucket_table_take (table, "a", START, NULL));
  g_assert_true (sb_bucket_table_take (table, "a", START + SECOND, NULL));
}

static void
says_when_to_come_back (void)
{
  g_autoptr (SbBucketTable) table = sb_bucket_table_new (1.0 / 6, 10, 100);
  guint wait = 99;

  g_assert_true (sb_bucket_table_take (table, "a", START, &wait));
  g_assert_cmpuint (wait, ==, 0);
  take_all (table, "a", START);
  g_assert_false (sb_bucket_table_take (table, "a", START, &wait));
  g_assert_cmpuint (wait, ==, 6);
  g_assert_false (sb_bucket_table_peek (table, "a", START + SECOND / 2, &wait));
  g_assert_cmpuint (wait, ==, 6);
  g_assert_false (sb_bucket_table_peek (table, "a", START + 11 * SECOND / 2, &wait));
  g_assert_cmpuint (wait, ==, 1);
  g_assert_true (sb_bucket_table_take (table, "a", START + wait * SECOND + 11 * SECOND / 2, NULL));
}

static void
peeking_takes_nothing (void)
{
  g_autoptr (SbBucketTable) table = sb_bucket_table_new (1, 1, 100);

  g_assert_true (sb_bucket_table_peek (table, "a", START, NULL));
  g_assert_true (sb_bucket_table_peek (table, "a", START, NULL));
  g_assert_cmpuint (sb_bucket_table_get_size (table), ==, 0);
  g_assert_cmpuint (take_all (table, "a", START), ==, 1);
}

static void
what_was_put_back_can_be_taken (void)
{
  g_autoptr (SbBucketTable) table = sb_bucket_table_new (1, 4, 100);

  take_all (table, "a", START);
  sb_bucket_table_put_back (table, "a", START);
  sb_bucket_table_put_back (table, "a", START);
  g_assert_cmpuint (take_all (table, "a", START), ==, 2);
}

static void
putting_back_never_overfills (void)
{
  g_autoptr (SbBucketTable) table = sb_bucket_table_new (1, 4, 100);

  g_assert_true (sb_bucket_table_take (table, "a", START, NULL));
  for (guint i = 0; i < 50; i++)
    sb_bucket_table_put_back (table, "a", START);
  sb_bucket_table_put_back (table, "never-seen", START);
  g_assert_cmpuint (take_all (table, "a", START), ==, 4);
  g_assert_cmpuint (take_all (table, "never-seen", START), ==, 4);
}

static void
the_table_stays_within_its_bound (void)
{
  g_autoptr (SbBucketTable) table = sb_bucket_table_new (0.001, 10, 64);

  for (guint i = 0; i < 10000; i++)
    {
      g_autofree char *key = g_strdup_printf ("stranger-%u", i);

      g_assert_true (sb_bucket_table_take (table, key, START + i, NULL));
      g_assert_cmpuint (sb_bucket_table_get_size (table), <=, 64);
    }
}

static void
full_buckets_make_room (void)
{
  g_autoptr (SbBucketTable) table = sb_bucket_table_new (1, 2, 1000);

  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *key = g_strdup_printf ("old-%u", i);

      sb_bucket_table_take (table, key, START, NULL);
    }
  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *key = g_strdup_printf ("new-%u", i);

      sb_bucket_table_take (table, key, START + 5 * SECOND + i * SECOND / 1000, NULL);
    }
  g_assert_cmpuint (sb_bucket_table_get_size (table), <=, 1000);
  sb_bucket_table_take (table, "a", START + 100 * SECOND, NULL);
  sb_bucket_table_take (table, "b", START + 100 * SECOND, NULL);
  g_assert_cmpuint (sb_bucket_table_get_size (table), <=, 998);
}

static void
a_crowd_of_others_does_not_refill_mine (void)
{
  g_autoptr (SbBucketTable) table = sb_bucket_table_new (1.0 / 6, 10, 64);

  take_all (table, "victim at attacker", START);
  for (guint i = 0; i < 100000; i++)
    {
      g_autofree char *key = g_strdup_printf ("stranger-%u", i);

      sb_bucket_table_take (table, key, START + 1, NULL);
    }
  g_assert_false (sb_bucket_table_peek (table, "victim at attacker", START + 2, NULL));
}

/* Against the plainest model: a list of numbers, refilled step by step. */
static void
agrees_with_a_plain_model (void)
{
  g_autoptr (SbBucketTable) table = sb_bucket_table_new (2, 5, 50);
  double tokens[50];
  gint64 now = START;

  for (guint i = 0; i < G_N_ELEMENTS (tokens); i++)
    tokens[i] = 5;
  for (guint step = 0; step < 50000; step++)
    {
      guint who = g_test_rand_int_range (0, G_N_ELEMENTS (tokens));
      g_autofree char *key = g_strdup_printf ("%u", who);
      gint64 pause = g_test_rand_int_range (0, 3) * SECOND / 8;

      now += pause;
      for (guint i = 0; i < G_N_ELEMENTS (tokens); i++)
        tokens[i] = MIN (5, tokens[i] + 2.0 * pause / SECOND);
      if (g_test_rand_int_range (0, 8) == 0)
        {
          sb_bucket_table_put_back (table, key, now);
          tokens[who] = MIN (5, tokens[who] + 1);
          continue;
        }
      g_assert_cmpint (sb_bucket_table_take (table, key, now, NULL), ==, tokens[who] >= 1);
      if (tokens[who] >= 1)
        tokens[who] -= 1;
    }
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/bucket/a-new-key-has-its-whole-burst", a_new_key_has_its_whole_burst);
  g_test_add_func ("/bucket/keys-do-not-share", keys_do_not_share);
  g_test_add_func ("/bucket/tokens-come-back-at-the-rate", tokens_come_back_at_the_rate);
  g_test_add_func ("/bucket/a-refusal-costs-nothing", a_refusal_costs_nothing);
  g_test_add_func ("/bucket/says-when-to-come-back", says_when_to_come_back);
  g_test_add_func ("/bucket/peeking-takes-nothing", peeking_takes_nothing);
  g_test_add_func ("/bucket/what-was-put-back-can-be-taken", what_was_put_back_can_be_taken);
  g_test_add_func ("/bucket/putting-back-never-overfills", putting_back_never_overfills);
  g_test_add_func ("/bucket/the-table-stays-within-its-bound", the_table_stays_within_its_bound);
  g_test_add_func ("/bucket/full-buckets-make-room", full_buckets_make_room);
  g_test_add_func ("/bucket/a-crowd-of-others-does-not-refill-mine",
                   a_crowd_of_others_does_not_refill_mine);
  g_test_add_func ("/bucket/agrees-with-a-plain-model", agrees_with_a_plain_model);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-limits: how many messages a user and an address may send, whoever asks. */

#include "sb-limits.h"

#include "sb-test.h"

#define SECOND ((gint64) G_USEC_PER_SEC)
#define START (1000 * SECOND)
#define RATE 10
#define BURST (10 * RATE)

static GInetAddress *
parse (const char *text)
{
  GInetAddress *address = g_inet_address_new_from_string (text);

  g_assert_nonnull (address);
  return address;
}

/* How many messages go at once. */
static guint
send_all (SbLimits *limits, gint64 user, const char *text, gint64 now)
{
  g_autoptr (GInetAddress) address = text != NULL ? parse (text) : NULL;
  guint n = 0;

  while (n < 100000 && sb_limits_take (limits, user, address, now) == 0)
    n++;
  return n;
}

static guint
spend (SbAllowance *allowance, gint64 now)
{
  guint n = 0;

  while (n < 100000 && sb_allowance_take (allowance, now) == 0)
    n++;
  return n;
}

static void
a_user_has_ten_seconds_worth_at_once (void)
{
  g_autoptr (SbLimits) limits = sb_limits_new (RATE, 0);

  g_assert_cmpuint (send_all (limits, 1, NULL, START), ==, BURST);
  g_assert_cmpuint (send_all (limits, 2, NULL, START), ==, BURST);
}

static void
leave_comes_back_at_the_rate (void)
{
  g_autoptr (SbLimits) limits = sb_limits_new (RATE, 0);

  send_all (limits, 1, NULL, START);
  g_assert_cmpuint (send_all (limits, 1, NULL, START + SECOND / RATE - 1), ==, 0);
  g_assert_cmpuint (send_all (limits, 1, NULL, START + SECOND / RATE), ==, 1);
  g_assert_cmpuint (send_all (limits, 1, NULL, START + 4 * SECOND), ==, 4 * RATE - 1);
  g_assert_cmpuint (send_all (limits, 1, NULL, START + 3600 * SECOND), ==, BURST);
}

static void
a_refusal_says_when_to_come_back (void)
{
  g_autoptr (SbLimits) limits = sb_limits_new (RATE, 0);
  gint64 wait;

  send_all (limits, 1, NULL, START);
  wait = sb_limits_take (limits, 1, NULL, START);
  g_assert_cmpint (wait, ==, SECOND / RATE);
  g_assert_cmpint (sb_limits_take (limits, 1, NULL, START + wait), ==, 0);
}

static void
a_rate_of_0_is_no_limit (void)
{
  g_autoptr (SbLimits) limits = sb_limits_new (0, 0);
  SbAllowance allowance = { 0 };

  g_assert_cmpuint (send_all (limits, 1, "192.0.2.1", START), ==, 100000);
  g_assert_cmpuint (sb_limits_get_size (limits), ==, 0);
  sb_allowance_init (&allowance, limits, 1, NULL, START);
  g_assert_cmpuint (spend (&allowance, START), ==, 100000);
  sb_allowance_clear (&allowance);
}

static void
an_allowance_of_zeros_is_no_limit (void)
{
  SbAllowance allowance = { 0 };

  g_assert_cmpint (sb_allowance_take (&allowance, START), ==, 0);
  g_assert_cmpint (sb_allowance_peek (&allowance, START), ==, 0);
  g_assert_true (sb_allowance_charge (&allowance, START));
  sb_allowance_put_back (&allowance);
  sb_allowance_clear (&allowance);
}

static void
users_behind_one_address_share_its_rate (void)
{
  g_autoptr (SbLimits) limits = sb_limits_new (RATE, 2 * RATE);

  g_assert_cmpuint (send_all (limits, 1, "192.0.2.1", START), ==, BURST);
  g_assert_cmpuint (send_all (limits, 2, "192.0.2.1", START), ==, BURST);
  g_assert_cmpuint (send_all (limits, 3, "192.0.2.1", START), ==, 0);
  g_assert_cmpuint (send_all (limits, 3, "192.0.2.2", START), ==, BURST);
}

/* Or a neighbour would pay for what was never sent. */
static void
a_refusal_takes_nothing_from_the_other_bucket (void)
{
  g_autoptr (SbLimits) limits = sb_limits_new (RATE, 2 * RATE);

  send_all (limits, 1, "192.0.2.1", START);
  for (guint i = 0; i < 1000; i++)
    g_assert_cmpuint (send_all (limits, 1, "192.0.2.1", START), ==, 0);
  g_assert_cmpuint (send_all (limits, 2, "192.0.2.1", START), ==, BURST);
}

static const struct
{
  const char *a;
  const char *b;
  gboolean same;
} addresses[] = {
  { "192.0.2.1", "192.0.2.1", TRUE },
  { "192.0.2.1", "192.0.2.2", FALSE },
  { "192.0.2.1", "::ffff:192.0.2.1", TRUE },
  { "2001:db8::1", "2001:db8::ffff:1", TRUE },
  { "2001:db8::1", "2001:db8:0:1::1", FALSE },
  { "0.0.0.0", "::", FALSE },
  { "::1", "127.0.0.1", FALSE },
};

static void
an_ipv6_network_counts_as_one_address (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (addresses); i++)
    {
      g_autoptr (SbLimits) limits = sb_limits_new (0, RATE);

      g_test_message ("%s and %s", addresses[i].a, addresses[i].b);
      send_all (limits, 1, addresses[i].a, START);
      g_assert_cmpuint (send_all (limits, 2, addresses[i].b, START), ==,
                        addresses[i].same ? 0 : BURST);
    }
}

static void
connections_of_a_user_share_its_rate (void)
{
  g_autoptr (SbLimits) limits = sb_limits_new (RATE, 0);
  g_autoptr (GInetAddress) here = parse ("192.0.2.1");
  g_autoptr (GInetAddress) there = parse ("192.0.2.2");
  SbAllowance a = { 0 }, b = { 0 };

  sb_allowance_init (&a, limits, 1, here, START);
  sb_allowance_init (&b, limits, 1, there, START);
  g_assert_cmpuint (spend (&a, START), ==, BURST);
  g_assert_cmpint (sb_allowance_take (&b, START), ==, SECOND / RATE);
  g_assert_cmpuint (send_all (limits, 1, "192.0.2.3", START), ==, 0);
  sb_allowance_clear (&a);
  sb_allowance_clear (&b);
}

static void
coming_back_does_not_help (void)
{
  g_autoptr (SbLimits) limits = sb_limits_new (RATE, 0);

  for (guint i = 0; i < 10; i++)
    {
      SbAllowance allowance = { 0 };

      sb_allowance_init (&allowance, limits, 1, NULL, START);
      g_assert_cmpuint (spend (&allowance, START), ==, i == 0 ? BURST : 0);
      sb_allowance_clear (&allowance);
    }
}

static void
a_look_takes_nothing (void)
{
  g_autoptr (SbLimits) limits = sb_limits_new (RATE, 0);
  SbAllowance allowance = { 0 };

  sb_allowance_init (&allowance, limits, 1, NULL, START);
  for (guint i = 0; i < 1000; i++)
    g_assert_cmpint (sb_allowance_peek (&allowance, START), ==, 0);
  g_assert_cmpuint (spend (&allowance, START), ==, BURST);
  g_assert_cmpint (sb_allowance_peek (&allowance, START), ==, SECOND / RATE);
  sb_allowance_clear (&allowance);
}

static void
what_was_not_sent_is_put_back (void)
{
  g_autoptr (SbLimits) limits = sb_limits_new (RATE, RATE);
  g_autoptr (GInetAddress) address = parse ("192.0.2.1");
  SbAllowance allowance = { 0 };

  sb_allowance_init (&allowance, limits, 1, address, START);
  spend (&allowance, START);
  sb_allowance_put_back (&allowance);
  g_assert_cmpuint (spend (&allowance, START), ==, 1);
  sb_allowance_clear (&allowance);
}

static void
what_cannot_be_held_up_is_owed_up_to_a_burst (void)
{
  g_autoptr (SbLimits) limits = sb_limits_new (RATE, 0);
  SbAllowance allowance = { 0 };
  guint owed = 0;

  sb_allowance_init (&allowance, limits, 1, NULL, START);
  spend (&allowance, START);
  while (owed < 100000 && sb_allowance_charge (&allowance, START))
    owed++;
  g_assert_cmpuint (owed, ==, BURST);
  g_assert_cmpint (sb_allowance_peek (&allowance, START), ==, 10 * SECOND + SECOND / RATE);
  sb_allowance_clear (&allowance);
}

static void
other_rates_hold_at_once (void)
{
  g_autoptr (SbLimits) limits = sb_limits_new (RATE, 0);
  SbAllowance allowance = { 0 };

  sb_allowance_init (&allowance, limits, 1, NULL, START);
  spend (&allowance, START);
  sb_limits_set_rates (limits, 10 * RATE, 0);
  g_assert_cmpuint (spend (&allowance, START), ==, 0);
  g_assert_cmpuint (spend (&allowance, START + SECOND), ==, 10 * RATE);
  sb_limits_set_rates (limits, 0, 0);
  g_assert_cmpuint (spend (&allowance, START + SECOND), ==, 100000);
  sb_limits_set_rates (limits, 1, 0);
  g_assert_cmpuint (spend (&allowance, START + 3600 * SECOND), ==, 10);
  sb_allowance_clear (&allowance);
}

static void
who_has_sent_nothing_for_long_is_forgotten (void)
{
  g_autoptr (SbLimits) limits = sb_limits_new (RATE, 0);

  for (gint64 user = 1; user <= 1000; user++)
    sb_limits_take (limits, user, NULL, START);
  g_assert_cmpuint (sb_limits_get_size (limits), ==, 1000);
  for (gint64 user = 1001; user <= 2000; user++)
    sb_limits_take (limits, user, NULL, START + 10 * SECOND);
  g_assert_cmpuint (sb_limits_get_size (limits), ==, 1000);
}

static void
memory_is_bounded (void)
{
  g_autoptr (SbLimits) limits = sb_limits_new (RATE, RATE);
  SbAllowance held = { 0 };

  sb_allowance_init (&held, limits, 1, NULL, START);
  spend (&held, START);
  for (guint32 i = 0; i < 200000; i++)
    {
      g_autoptr (GInetAddress) address = g_inet_address_new_from_bytes ((const guint8 *) &i,
                                                                        G_SOCKET_FAMILY_IPV4);

      g_assert_cmpint (sb_limits_take (limits, 2 + i, address, START), ==, 0);
    }
  g_assert_cmpuint (sb_limits_get_size (limits), <=, 2 * 65536 + 1);
  /* Whoever holds an allowance is not forgotten. */
  g_assert_cmpuint (spend (&held, START), ==, 0);
  sb_allowance_clear (&held);
}

static void
asking_costs_little (void)
{
  const guint n = 20000000;
  g_autoptr (SbLimits) limits = sb_limits_new (100000000, 100000000);
  g_autoptr (GInetAddress) address = parse ("192.0.2.1");
  SbAllowance allowance = { 0 };
  gint64 start;
  double ns;

  sb_allowance_init (&allowance, limits, 1, address, START);
  start = g_get_monotonic_time ();
  for (guint i = 0; i < n; i++)
    g_assert_cmpint (sb_allowance_take (&allowance, START + i), ==, 0);
  ns = (double) (g_get_monotonic_time () - start) * 1000 / n;
  g_test_minimized_result (ns, "%.1f ns a message of an open session", ns);
  start = g_get_monotonic_time ();
  for (guint i = 0; i < n; i++)
    g_assert_cmpint (sb_limits_take (limits, 1, address, START + n + i), ==, 0);
  ns = (double) (g_get_monotonic_time () - start) * 1000 / n;
  g_test_minimized_result (ns, "%.1f ns a request", ns);
  sb_allowance_clear (&allowance);
}

int
main (int argc, char *argv[])
{
  static const struct
  {
    const char *name;
    GTestFunc func;
  } tests[] = {
    { "a-user-has-ten-seconds-worth-at-once", a_user_has_ten_seconds_worth_at_once },
    { "leave-comes-back-at-the-rate", leave_comes_back_at_the_rate },
    { "a-refusal-says-when-to-come-back", a_refusal_says_when_to_come_back },
    { "a-rate-of-0-is-no-limit", a_rate_of_0_is_no_limit },
    { "an-allowance-of-zeros-is-no-limit", an_allowance_of_zeros_is_no_limit },
    { "users-behind-one-address-share-its-rate", users_behind_one_address_share_its_rate },
    { "a-refusal-takes-nothing-from-the-other-bucket",
      a_refusal_takes_nothing_from_the_other_bucket },
    { "an-ipv6-network-counts-as-one-address", an_ipv6_network_counts_as_one_address },
    { "connections-of-a-user-share-its-rate", connections_of_a_user_share_its_rate },
    { "coming-back-does-not-help", coming_back_does_not_help },
    { "a-look-takes-nothing", a_look_takes_nothing },
    { "what-was-not-sent-is-put-back", what_was_not_sent_is_put_back },
    { "what-cannot-be-held-up-is-owed-up-to-a-burst",
      what_cannot_be_held_up_is_owed_up_to_a_burst },
    { "other-rates-hold-at-once", other_rates_hold_at_once },
    { "who-has-sent-nothing-for-long-is-forgotten", who_has_sent_nothing_for_long_is_forgotten },
    { "memory-is-bounded", memory_is_bounded },
  };

  sb_test_init (&argc, &argv);
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strconcat ("/limits/", tests[i].name, NULL);

      g_test_add_func (path, tests[i].func);
    }
  /* A measurement, no verdict: `test-limits -m perf`. */
  if (g_test_perf ())
    g_test_add_func ("/limits/asking-costs-little", asking_costs_little);
  return g_test_run ();
}

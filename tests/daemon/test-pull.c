/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-pull: GET /get and POST /confirm, for who can hold no socket. */

#include "sb-test-site.h"
#include "sb-test.h"

#include <string.h>

/* The _ids of a /get, joined by commas. */
static char *
fetch (SbTestHttp *client, const char *query)
{
  g_autofree char *path = g_strconcat ("/get", query, NULL);
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (client, path);
  g_autoptr (GString) ids = g_string_new (NULL);
  JsonArray *array;

  sb_test_assert_status (answer, 200);
  g_assert_true (JSON_NODE_HOLDS_ARRAY (answer->json));
  array = json_node_get_array (answer->json);
  for (guint i = 0; i < json_array_get_length (array); i++)
    g_string_append_printf (ids, "%s%s", i > 0 ? "," : "",
                            sb_test_json_string (json_array_get_object_element (array, i), "_id"));
  return g_string_free (g_steal_pointer (&ids), FALSE);
}

static void
put (SbTestHttp *client, const char *to, const char *id)
{
  g_autoptr (SbTestAnswer) answer = sb_test_http_postf (
      client, "/put", "{\"_id\":\"%s\",\"to\":\"%s\",\"message\":1}", id, to);

  sb_test_assert_status (answer, 200);
}

static void
put_many (SbTestHttp *client, const char *to, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *id = g_strdup_printf ("m%02u", i);

      put (client, to, id);
    }
}

static void
assert_confirms (SbTestHttp *client, const char *ids, const char *confirmed, const char *unknown)
{
  g_autoptr (SbTestAnswer) answer = sb_test_http_post (client, "/confirm", ids);
  g_autofree char *found = NULL;
  g_autofree char *missed = NULL;

  sb_test_assert_status (answer, 200);
  found = sb_test_json_strings (sb_test_answer_object (answer), "confirmed");
  missed = sb_test_json_strings (sb_test_answer_object (answer), "unknown");
  g_assert_cmpstr (found, ==, confirmed);
  g_assert_cmpstr (missed, ==, unknown);
}

/* --- GET /get --- */

static void
test_gives_what_was_sent (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) answer = NULL;

  put (bus->alice, "@bob", "x");
  answer = sb_test_http_get (bus->bob, "/get");
  sb_test_assert_status (answer, 200);
  g_assert_cmpstr (sb_test_answer_header (answer, "Content-Type"), ==, "application/json");
  g_assert_cmpstr (answer->body, ==,
                   "[{\"_id\":\"x\",\"sender\":\"alice\",\"to\":\"@bob\",\"message\":1}]");
}

static void
test_gives_nothing_when_there_is_nothing (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (bus->bob, "/get");

  sb_test_assert_status (answer, 200);
  g_assert_cmpstr (answer->body, ==, "[]");
}

static void
test_gives_in_order_up_to_the_limit (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  g_autofree char *third = NULL;

  put_many (bus->alice, "@bob", 14);
  first = fetch (bus->bob, "?limit=3");
  g_assert_cmpstr (first, ==, "m00,m01,m02");
  /* Ten, when nothing is said. */
  second = fetch (bus->bob, "");
  g_assert_cmpstr (second, ==, "m03,m04,m05,m06,m07,m08,m09,m10,m11,m12");
  third = fetch (bus->bob, "?limit=64");
  g_assert_cmpstr (third, ==, "m13");
}

static void
test_goes_on_behind_what_was_confirmed (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.window=2", NULL);
  g_autofree char *first = NULL;
  g_autofree char *full = NULL;
  g_autofree char *second = NULL;

  put_many (bus->alice, "@bob", 4);
  first = fetch (bus->bob, "?limit=2");
  g_assert_cmpstr (first, ==, "m00,m01");
  full = fetch (bus->bob, "?limit=2");
  g_assert_cmpstr (full, ==, "");
  assert_confirms (bus->bob, "[\"m00\",\"m01\"]", "m00,m01", "");
  second = fetch (bus->bob, "?limit=2");
  g_assert_cmpstr (second, ==, "m02,m03");
}

static void
test_refuses_bad_queries (void)
{
  static const char *const queries[] = { "limit=0",         "limit=65",
                                         "limit=-1",        "limit=x",
                                         "limit=",          "wait=-1",
                                         "wait=forever",    "wait=1.5",
                                         "wait=100000",     "visibility=9",
                                         "limit=1e1",       "visibility=3601",
                                         "visibility=0x20", "limit=18446744073709551617" };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (queries); i++)
    {
      g_autofree char *path = g_strconcat ("/get?", queries[i], NULL);
      g_autoptr (SbTestAnswer) answer = sb_test_http_get (bus->bob, path);

      g_test_message ("%s", queries[i]);
      sb_test_assert_problem (answer, 400, "invalid");
    }
}

static void
test_waits_for_a_message (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  SbTestExchange *exchange = sb_test_http_begin (bus->bob, "GET", "/get?wait=50", NULL, NULL, 0);
  g_autoptr (SbTestAnswer) answer = NULL;
  g_autoptr (SbTestAnswer) health = sb_test_http_get (bus->bob, "/healthz");

  put (bus->alice, "@bob", "x");
  answer = sb_test_http_end (exchange);
  sb_test_assert_status (answer, 200);
  g_assert_nonnull (strstr (answer->body, "\"_id\":\"x\""));
}

static void
test_ends_the_wait_in_time (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  gint64 start = g_get_monotonic_time ();
  g_autofree char *ids = fetch (bus->bob, "?wait=1");

  g_assert_cmpstr (ids, ==, "");
  g_assert_cmpint (g_get_monotonic_time () - start, >=, G_USEC_PER_SEC * 9 / 10);
}

static void
test_gives_again_what_was_not_confirmed (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.confirm-timeout=0.2", NULL);
  g_autofree char *first = NULL;
  g_autofree char *hidden = NULL;
  g_autofree char *again = NULL;

  put (bus->alice, "@bob", "x");
  first = fetch (bus->bob, "");
  g_assert_cmpstr (first, ==, "x");
  hidden = fetch (bus->bob, "");
  g_assert_cmpstr (hidden, ==, "");
  again = fetch (bus->bob, "?wait=50");
  g_assert_cmpstr (again, ==, "x");
}

static void
test_hides_for_as_long_as_was_asked (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.confirm-timeout=0.1", NULL);
  g_autofree char *first = NULL;
  g_autofree char *again = NULL;

  put (bus->alice, "@bob", "x");
  first = fetch (bus->bob, "?visibility=60");
  again = fetch (bus->bob, "?wait=1");
  g_assert_cmpstr (first, ==, "x");
  g_assert_cmpstr (again, ==, "");
}

static void
test_does_not_take_with_head (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) head = NULL;
  g_autofree char *ids = NULL;

  put (bus->alice, "@bob", "x");
  head = sb_test_http_send (bus->bob, "HEAD", "/get", NULL, NULL, 0);
  sb_test_assert_status (head, 200);
  ids = fetch (bus->bob, "");
  g_assert_cmpstr (ids, ==, "x");
}

static void
test_leaves_out_what_is_in_flight_on_a_session (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.window=1", NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autofree char *ids = NULL;

  put (bus->alice, "@bob", "x");
  sb_test_frame_free (sb_test_ws_take_id (bob, "x"));
  ids = fetch (bus->bob, "");
  g_assert_cmpstr (ids, ==, "");
}

static void
test_serves_a_user_its_own_only (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *ids = NULL;
  g_autoptr (SbTestHttp) stranger = sb_test_http_for (bus->daemon, NULL, NULL);
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (stranger, "/get");

  put (bus->alice, "@bob", "x");
  ids = fetch (bus->admin, "");
  g_assert_cmpstr (ids, ==, "");
  sb_test_assert_problem (answer, 401, "unauthorized");
}

static void
test_loses_nothing_to_who_hung_up (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.confirm-timeout=0.2", NULL);
  SbTestExchange *exchange = sb_test_http_begin (bus->bob, "GET", "/get?wait=60", NULL, NULL, 0);
  g_autoptr (SbTestAnswer) health = sb_test_http_get (bus->bob, "/healthz");
  g_autofree char *ids = NULL;

  sb_test_http_abandon (exchange);
  put (bus->alice, "@bob", "x");
  ids = fetch (bus->bob, "?wait=50");
  g_assert_cmpstr (ids, ==, "x");
}

static void
test_gives_to_one_of_two_who_wait (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  SbTestExchange *exchanges[2];
  g_autoptr (SbTestAnswer) health = NULL;
  guint n = 0;

  for (guint i = 0; i < 2; i++)
    exchanges[i] = sb_test_http_begin (bus->bob, "GET", "/get?wait=2", NULL, NULL, 0);
  health = sb_test_http_get (bus->bob, "/healthz");
  put (bus->alice, "@bob", "x");
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_end (exchanges[i]);

      sb_test_assert_status (answer, 200);
      n += json_array_get_length (json_node_get_array (answer->json));
    }
  g_assert_cmpuint (n, ==, 1);
}

static void
test_gives_what_waited_over_a_restart (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", NULL);
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;

  put_many (bus->alice, "@bob", 3);
  before = fetch (bus->bob, "?limit=1");
  sb_test_daemon_kill (bus->daemon);
  sb_test_site_restart (bus);
  after = fetch (bus->bob, "");
  g_assert_cmpstr (before, ==, "m00");
  g_assert_cmpstr (after, ==, "m00,m01,m02");
}

/* --- POST /confirm --- */

static void
test_confirms (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *ids = NULL;
  g_autofree char *state = NULL;

  put_many (bus->alice, "@bob", 2);
  ids = fetch (bus->bob, "");
  assert_confirms (bus->bob, "[\"m00\",\"m01\",\"m99\"]", "m00,m01", "m99");
  state = sb_test_get_state (bus->alice, "m00", "bob");
  g_assert_cmpstr (state, ==, "confirmed");
}

static void
test_confirms_what_was_not_fetched (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *ids = NULL;

  put (bus->alice, "@bob", "x");
  assert_confirms (bus->bob, "[\"x\"]", "x", "");
  ids = fetch (bus->bob, "");
  g_assert_cmpstr (ids, ==, "");
}

static void
test_counts_a_second_confirmation (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  put (bus->alice, "@bob", "x");
  assert_confirms (bus->bob, "[\"x\"]", "x", "");
  assert_confirms (bus->bob, "[\"x\"]", "x", "");
}

static void
test_ignores_who_is_no_recipient (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *state = NULL;

  put (bus->alice, "@bob", "x");
  assert_confirms (bus->carol, "[\"x\"]", "", "x");
  assert_confirms (bus->alice, "[\"x\"]", "", "x");
  assert_confirms (bus->admin, "[\"x\"]", "", "x");
  state = sb_test_get_state (bus->alice, "x", "bob");
  g_assert_cmpstr (state, ==, "pending");
}

static void
test_confirms_for_one_recipient_only (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *bob = NULL;
  g_autofree char *carol = NULL;

  put (bus->alice, "#orders", "x");
  assert_confirms (bus->bob, "[\"x\"]", "x", "");
  bob = sb_test_get_state (bus->alice, "x", "bob");
  carol = sb_test_get_state (bus->alice, "x", "carol");
  g_assert_cmpstr (bob, ==, "confirmed");
  g_assert_cmpstr (carol, ==, "pending");
}

static void
test_confirms_nothing (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  assert_confirms (bus->bob, "[]", "", "");
}

static void
test_takes_escaped_and_odd_ids (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  put (bus->alice, "@bob", "ж\\\"q");
  assert_confirms (bus->bob, "[\"\\u0436\\\"q\"]", "ж\"q", "");
}

static void
test_refuses_what_is_no_list_of_ids (void)
{
  static const char *const bodies[] = { "",       "{}",        "1",     "[1]",     "[null]",
                                        "[\"a\"", "[[\"a\"]]", "['a']", "[\"a\",]" };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (bodies); i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_post (bus->bob, "/confirm", bodies[i]);

      g_test_message ("%s", bodies[i]);
      sb_test_assert_problem (answer, 400, "invalid");
    }
}

static void
test_answers_when_the_confirmation_is_durable (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", NULL);
  g_autofree char *ids = NULL;

  put_many (bus->alice, "@bob", 3);
  assert_confirms (bus->bob, "[\"m00\",\"m02\"]", "m00,m02", "");
  sb_test_daemon_kill (bus->daemon);
  sb_test_site_restart (bus);
  ids = fetch (bus->bob, "");
  g_assert_cmpstr (ids, ==, "m01");
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/pull/gives-what-was-sent", test_gives_what_was_sent);
  g_test_add_func ("/pull/gives-nothing-when-there-is-nothing",
                   test_gives_nothing_when_there_is_nothing);
  g_test_add_func ("/pull/gives-in-order-up-to-the-limit", test_gives_in_order_up_to_the_limit);
  g_test_add_func ("/pull/goes-on-behind-what-was-confirmed",
                   test_goes_on_behind_what_was_confirmed);
  g_test_add_func ("/pull/refuses-bad-queries", test_refuses_bad_queries);
  g_test_add_func ("/pull/waits-for-a-message", test_waits_for_a_message);
  g_test_add_func ("/pull/ends-the-wait-in-time", test_ends_the_wait_in_time);
  g_test_add_func ("/pull/gives-again-what-was-not-confirmed",
                   test_gives_again_what_was_not_confirmed);
  g_test_add_func ("/pull/hides-for-as-long-as-was-asked", test_hides_for_as_long_as_was_asked);
  g_test_add_func ("/pull/does-not-take-with-head", test_does_not_take_with_head);
  g_test_add_func ("/pull/leaves-out-what-is-in-flight-on-a-session",
                   test_leaves_out_what_is_in_flight_on_a_session);
  g_test_add_func ("/pull/serves-a-user-its-own-only", test_serves_a_user_its_own_only);
  g_test_add_func ("/pull/loses-nothing-to-who-hung-up", test_loses_nothing_to_who_hung_up);
  g_test_add_func ("/pull/gives-to-one-of-two-who-wait", test_gives_to_one_of_two_who_wait);
  g_test_add_func ("/pull/gives-what-waited-over-a-restart", test_gives_what_waited_over_a_restart);
  g_test_add_func ("/pull/confirms", test_confirms);
  g_test_add_func ("/pull/confirms-what-was-not-fetched", test_confirms_what_was_not_fetched);
  g_test_add_func ("/pull/counts-a-second-confirmation", test_counts_a_second_confirmation);
  g_test_add_func ("/pull/ignores-who-is-no-recipient", test_ignores_who_is_no_recipient);
  g_test_add_func ("/pull/confirms-for-one-recipient-only", test_confirms_for_one_recipient_only);
  g_test_add_func ("/pull/confirms-nothing", test_confirms_nothing);
  g_test_add_func ("/pull/takes-escaped-and-odd-ids", test_takes_escaped_and_odd_ids);
  g_test_add_func ("/pull/refuses-what-is-no-list-of-ids", test_refuses_what_is_no_list_of_ids);
  g_test_add_func ("/pull/answers-when-the-confirmation-is-durable",
                   test_answers_when_the_confirmation_is_durable);
  return g_test_run ();
}

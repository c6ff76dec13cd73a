/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-status: GET /status: what it tells, and whom. */

#include "sb-test-site.h"
#include "sb-test.h"

#include <string.h>

static void
put_x (SbTestHttp *client, const char *more)
{
  g_autoptr (SbTestAnswer) answer = sb_test_http_postf (
      client, "/put", "{\"_id\":\"x\",\"to\":\"#orders\",\"message\":1%s}", more);

  sb_test_assert_status (answer, 200);
}

static JsonObject *
get_delivery (SbTestAnswer *answer, const char *recipient)
{
  return sb_test_json_member (sb_test_json_member (sb_test_answer_object (answer), "recipients"),
                              recipient);
}

static void
assert_is_recent (const char *text)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_iso8601 (text, NULL);
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();

  g_assert_nonnull (time);
  g_assert_true (g_str_has_suffix (text, "Z"));
  g_assert_cmpint (ABS (g_date_time_difference (now, time)), <, 600 * G_TIME_SPAN_SECOND);
}

static void
test_tells_the_state_of_each_delivery (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) answer = NULL;
  g_autoptr (SbTestAnswer) confirmed = NULL;

  put_x (bus->alice, "");
  confirmed = sb_test_http_post (bus->bob, "/confirm", "[\"x\"]");
  answer = sb_test_http_get (bus->alice, "/status/x");
  sb_test_assert_status (answer, 200);
  g_assert_cmpstr (sb_test_answer_string (answer, "_id"), ==, "x");
  g_assert_cmpstr (sb_test_answer_string (answer, "sender"), ==, "alice");
  assert_is_recent (sb_test_answer_string (answer, "accepted"));
  g_assert_cmpstr (sb_test_json_string (get_delivery (answer, "bob"), "state"), ==, "confirmed");
  g_assert_cmpstr (sb_test_json_string (get_delivery (answer, "carol"), "state"), ==, "pending");
  g_assert_cmpint (sb_test_json_int (get_delivery (answer, "carol"), "attempts"), ==, 0);
  g_assert_true (json_object_get_null_member (get_delivery (answer, "carol"), "reason"));
  assert_is_recent (sb_test_json_string (get_delivery (answer, "bob"), "since"));
}

static void
test_answers_sender_and_admins_only (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestHttp) stranger = sb_test_http_for (bus->daemon, NULL, NULL);
  g_autoptr (SbTestAnswer) admin = NULL;
  g_autoptr (SbTestAnswer) recipient = NULL;
  g_autoptr (SbTestAnswer) nobody = NULL;

  put_x (bus->alice, "");
  admin = sb_test_http_get (bus->admin, "/status/x");
  recipient = sb_test_http_get (bus->bob, "/status/x");
  nobody = sb_test_http_get (stranger, "/status/x");
  sb_test_assert_status (admin, 200);
  sb_test_assert_problem (recipient, 404, "not-found");
  sb_test_assert_problem (nobody, 401, "unauthorized");
}

static void
test_does_not_know_other_ids (void)
{
  static const char *const paths[] = { "/status/y",   "/status/x%2Fy", "/status/x/y",
                                       "/status/%00", "/status/%FF",   "/status/X",
                                       "/status/",    "/status",       "/status/x%00" };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  put_x (bus->alice, "");
  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_get (bus->alice, paths[i]);

      g_test_message ("%s", paths[i]);
      sb_test_assert_problem (answer, 404, "not-found");
    }
}

static void
test_finds_escaped_ids (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *id = sb_test_put (bus->alice,
                                     "{\"_id\":\"a b?ж%\",\"to\":\"@bob\",\"message\":1}");
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (bus->alice, "/status/a%20b%3F%D0%B6%25");

  sb_test_assert_status (answer, 200);
  g_assert_cmpstr (sb_test_answer_string (answer, "_id"), ==, "a b?ж%");
}

static void
test_tells_that_a_message_is_scheduled (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *state = NULL;

  put_x (bus->alice, ",\"not_before\":4000000000");
  state = sb_test_get_state (bus->alice, "x", "bob");
  g_assert_cmpstr (state, ==, "scheduled");
}

static void
test_tells_why_a_delivery_expired (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) answer = NULL;

  put_x (bus->alice, ",\"ttl\":1");
  sb_test_wait_state (bus->alice, "x", "bob", "expired");
  answer = sb_test_http_get (bus->alice, "/status/x");
  g_assert_cmpstr (sb_test_json_string (get_delivery (answer, "bob"), "reason"), ==, "ttl");
}

static void
test_counts_attempts (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.confirm-timeout=0.1", "bus.park-after=2",
                                                 NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autoptr (SbTestAnswer) answer = NULL;

  put_x (bus->alice, "");
  sb_test_wait_state (bus->alice, "x", "bob", "parked");
  answer = sb_test_http_get (bus->alice, "/status/x");
  g_assert_cmpint (sb_test_json_int (get_delivery (answer, "bob"), "attempts"), ==, 2);
}

static void
test_tells_that_a_message_was_sent (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autofree char *state = NULL;

  put_x (bus->alice, "");
  sb_test_frame_free (sb_test_ws_take_id (bob, "x"));
  state = sb_test_get_state (bus->alice, "x", "bob");
  g_assert_cmpstr (state, ==, "sent");
}

static void
test_remembers_over_a_restart (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", NULL);
  g_autoptr (SbTestAnswer) confirmed = NULL;
  g_autofree char *bob = NULL;
  g_autofree char *carol = NULL;

  put_x (bus->alice, "");
  confirmed = sb_test_http_post (bus->bob, "/confirm", "[\"x\"]");
  sb_test_daemon_kill (bus->daemon);
  sb_test_site_restart (bus);
  bob = sb_test_get_state (bus->alice, "x", "bob");
  carol = sb_test_get_state (bus->alice, "x", "carol");
  g_assert_cmpstr (bob, ==, "confirmed");
  g_assert_cmpstr (carol, ==, "pending");
}

static gboolean
is_forgotten (gpointer user_data)
{
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (user_data, "/status/x");

  return answer->status == 404;
}

static void
test_forgets_in_time (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.remember=1", NULL);
  g_autoptr (SbTestAnswer) bob = NULL;
  g_autoptr (SbTestAnswer) carol = NULL;

  put_x (bus->alice, "");
  bob = sb_test_http_post (bus->bob, "/confirm", "[\"x\"]");
  carol = sb_test_http_post (bus->carol, "/confirm", "[\"x\"]");
  sb_test_wait_for (is_forgotten, bus->alice, "a message that is forgotten");
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/status/tells-the-state-of-each-delivery",
                   test_tells_the_state_of_each_delivery);
  g_test_add_func ("/status/answers-sender-and-admins-only", test_answers_sender_and_admins_only);
  g_test_add_func ("/status/does-not-know-other-ids", test_does_not_know_other_ids);
  g_test_add_func ("/status/finds-escaped-ids", test_finds_escaped_ids);
  g_test_add_func ("/status/tells-that-a-message-is-scheduled",
                   test_tells_that_a_message_is_scheduled);
  g_test_add_func ("/status/tells-why-a-delivery-expired", test_tells_why_a_delivery_expired);
  g_test_add_func ("/status/counts-attempts", test_counts_attempts);
  g_test_add_func ("/status/tells-that-a-message-was-sent", test_tells_that_a_message_was_sent);
  g_test_add_func ("/status/remembers-over-a-restart", test_remembers_over_a_restart);
  g_test_add_func ("/status/forgets-in-time", test_forgets_in_time);
  return g_test_run ();
}

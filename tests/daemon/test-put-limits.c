/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-put-limits: POST /put at its bounds, with an answer that waits, and in odd HTTP. */

#include "sb-test-raw.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <string.h>

static SbTestAnswer *
put_with (SbTestHttp *client, const char *header, const char *value, const char *body)
{
  const char *const headers[] = { header, value, NULL };

  return sb_test_http_send (client, "POST", "/put", headers, body, -1);
}

/* --- Limits --- */

static char *
make_body (gsize length)
{
  GString *body = g_string_new ("{\"to\":\"@bob\",\"message\":\"");

  while (body->len < length - 2)
    g_string_append_c (body, 'x');
  g_string_append (body, "\"}");
  return g_string_free (body, FALSE);
}

static void
test_bounds_the_size (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.max-message-size=2K", NULL);
  g_autofree char *largest = make_body (2048);
  g_autofree char *larger = make_body (2049);
  g_autoptr (SbTestAnswer) good = sb_test_http_post (bus->alice, "/put", largest);
  g_autoptr (SbTestAnswer) bad = sb_test_http_post (bus->alice, "/put", larger);

  sb_test_assert_status (good, 200);
  sb_test_assert_problem (bad, 413, "too-large");
}

static void
test_bounds_a_chunked_body (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.max-message-size=2K", NULL);
  g_autoptr (SbTestRaw) raw = sb_test_raw_new (sb_test_daemon_get_http_port (bus->daemon));
  g_autofree char *chunk = g_strnfill (1024, ' ');
  g_autofree char *answer = NULL;

  sb_test_raw_send (raw, "POST /put HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                         "Authorization: Basic YWxpY2U6YWxpY2UtcHc=\r\n\r\n");
  for (guint i = 0; i < 3; i++)
    {
      sb_test_raw_send (raw, "400\r\n");
      sb_test_raw_send (raw, chunk);
      sb_test_raw_send (raw, "\r\n");
    }
  answer = sb_test_raw_read_answer (raw);
  g_assert_true (g_str_has_prefix (answer, "HTTP/1.1 413 "));
}

static void
test_bounds_the_recipients (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.max-recipients=3", NULL);
  g_autoptr (SbTestAnswer) bad = sb_test_http_post (bus->alice, "/put",
                                                    "{\"to\":\"$all\",\"message\":1}");
  g_autoptr (SbTestAnswer) good = sb_test_http_post (
      bus->alice, "/put", "{\"to\":[\"#orders\",\"@alice\"],\"message\":1}");

  sb_test_assert_problem (bad, 413, "too-large");
  sb_test_assert_status (good, 200);
}

static void
test_refuses_all_when_a_named_queue_is_full (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.max-queue=1", NULL);
  g_autofree char *id = sb_test_put (bus->alice, "{\"to\":\"@bob\",\"message\":1}");
  g_autoptr (SbTestAnswer) answer = sb_test_http_post (
      bus->alice, "/put", "{\"to\":[\"@bob\",\"@carol\"],\"message\":2}");
  g_autofree char *full = NULL;
  g_autoptr (SbTestAnswer) got = NULL;

  sb_test_assert_problem (answer, 429, "full");
  g_assert_nonnull (sb_test_answer_header (answer, "Retry-After"));
  full = sb_test_json_strings (sb_test_answer_object (answer), "full");
  g_assert_cmpstr (full, ==, "bob");
  got = sb_test_http_get (bus->carol, "/get");
  g_assert_cmpstr (got->body, ==, "[]");
}

static void
test_leaves_out_the_full_queues_of_a_tag (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.max-queue=1", NULL);
  g_autofree char *first = sb_test_put (bus->alice, "{\"to\":\"@bob\",\"message\":1}");
  g_autoptr (SbTestAnswer) answer = sb_test_http_post (bus->alice, "/put",
                                                       "{\"to\":\"#orders\",\"message\":2}");
  g_autofree char *path = NULL;
  g_autofree char *full = NULL;
  g_autofree char *state = NULL;
  g_autoptr (SbTestAnswer) status = NULL;
  JsonObject *bob;

  sb_test_assert_status (answer, 200);
  full = sb_test_json_strings (sb_test_answer_object (answer), "full");
  g_assert_cmpstr (full, ==, "bob");
  path = g_strconcat ("/status/", sb_test_answer_string (answer, "_id"), NULL);
  status = sb_test_http_get (bus->alice, path);
  bob = sb_test_json_member (sb_test_json_member (sb_test_answer_object (status), "recipients"),
                             "bob");
  g_assert_cmpstr (sb_test_json_string (bob, "state"), ==, "dead");
  g_assert_cmpstr (sb_test_json_string (bob, "reason"), ==, "queue-full");
  state = sb_test_get_state (bus->alice, sb_test_answer_string (answer, "_id"), "carol");
  g_assert_cmpstr (state, ==, "pending");
}

static void
test_takes_again_when_a_queue_has_room (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.max-queue=1", NULL);
  g_autofree char *first = sb_test_put (bus->alice,
                                        "{\"_id\":\"x\",\"to\":\"@bob\",\"message\":1}");
  g_autoptr (SbTestAnswer) confirmed = sb_test_http_post (bus->bob, "/confirm", "[\"x\"]");
  g_autofree char *second = sb_test_put (bus->alice, "{\"to\":\"@bob\",\"message\":2}");

  g_assert_nonnull (second);
}

static void
test_bounds_a_queue_in_bytes (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.max-queue-bytes=1K", NULL);
  g_autofree char *body = make_body (600);
  g_autofree char *id = sb_test_put (bus->alice, body);
  g_autoptr (SbTestAnswer) answer = sb_test_http_post (bus->alice, "/put", body);

  sb_test_assert_problem (answer, 429, "full");
}

static void
test_refuses_when_the_disk_is_full (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", NULL);
  g_autoptr (SbTestAnswer) answer = NULL;
  g_autoptr (SbTestAnswer) ready = NULL;
  g_autoptr (SbTestAnswer) got = NULL;
  g_autofree char *id = sb_test_put (bus->alice, "{\"to\":\"@bob\",\"message\":1}");

  sb_test_daemon_set (bus->daemon, "bus.disk-reserve=1000T");
  sb_test_site_restart (bus);
  answer = sb_test_http_post (bus->alice, "/put", "{\"to\":\"@bob\",\"message\":2}");
  sb_test_assert_problem (answer, 507, "no-space");
  ready = sb_test_http_get (bus->alice, "/readyz");
  sb_test_assert_problem (ready, 503, "no-space");
  got = sb_test_http_get (bus->bob, "/get");
  g_assert_cmpuint (json_array_get_length (json_node_get_array (got->json)), ==, 1);
}

/* --- Prefer: wait --- */

static void
test_waits_for_the_confirmation (void)
{
  static const char *const headers[] = { "Prefer", "wait=50", NULL };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  SbTestExchange *exchange = sb_test_http_begin (
      bus->alice, "POST", "/put", headers, "{\"_id\":\"x\",\"to\":\"@bob\",\"message\":1}", -1);
  g_autoptr (SbTestFrame) frame = sb_test_ws_take_id (bob, "x");
  g_autoptr (SbTestAnswer) answer = NULL;

  g_assert_false (sb_test_http_is_done (exchange));
  sb_test_ws_confirm (bob, "x");
  answer = sb_test_http_end (exchange);
  sb_test_assert_status (answer, 200);
  g_assert_cmpstr (sb_test_answer_header (answer, "Preference-Applied"), ==, "wait");
  g_assert_cmpstr (sb_test_answer_string (answer, "_id"), ==, "x");
}

static void
test_tells_the_state_when_waiting_is_over (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) answer = put_with (bus->alice, "Prefer", "wait=1",
                                              "{\"_id\":\"x\",\"to\":\"@bob\",\"message\":1}");
  JsonObject *bob;

  sb_test_assert_status (answer, 202);
  bob = sb_test_json_member (sb_test_json_member (sb_test_answer_object (answer), "recipients"),
                             "bob");
  g_assert_cmpstr (sb_test_json_string (bob, "state"), ==, "pending");
}

static void
test_does_not_wait_for_a_duplicate_that_ended (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *id = sb_test_put (bus->alice, "{\"_id\":\"x\",\"to\":\"@bob\",\"message\":1}");
  g_autoptr (SbTestAnswer) confirmed = sb_test_http_post (bus->bob, "/confirm", "[\"x\"]");
  g_autoptr (SbTestAnswer) again = put_with (bus->alice, "Prefer", "wait=50",
                                             "{\"_id\":\"x\",\"to\":\"@bob\",\"message\":1}");

  sb_test_assert_status (again, 200);
  g_assert_true (sb_test_json_bool (sb_test_answer_object (again), "duplicate"));
}

/* --- HTTP as such --- */

static void
test_takes_a_chunked_body (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestRaw) raw = sb_test_raw_new (sb_test_daemon_get_http_port (bus->daemon));
  g_autofree char *answer = NULL;

  sb_test_raw_send (raw, "POST /put HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                         "Authorization: Basic YWxpY2U6YWxpY2UtcHc=\r\n\r\n"
                         "d\r\n{\"to\":\"@bob\",\r\nc\r\n\"message\":1}\r\n0\r\n\r\n");
  answer = sb_test_raw_read_answer (raw);
  g_assert_true (g_str_has_prefix (answer, "HTTP/1.1 200 "));
}

static void
test_takes_a_body_that_waits_for_continue (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestRaw) raw = sb_test_raw_new (sb_test_daemon_get_http_port (bus->daemon));
  g_autofree char *interim = NULL;
  g_autofree char *answer = NULL;

  sb_test_raw_send (raw, "POST /put HTTP/1.1\r\nHost: x\r\nContent-Length: 25\r\n"
                         "Expect: 100-continue\r\n"
                         "Authorization: Basic YWxpY2U6YWxpY2UtcHc=\r\n\r\n");
  interim = sb_test_raw_read_answer (raw);
  g_assert_true (g_str_has_prefix (interim, "HTTP/1.1 100 "));
  sb_test_raw_send (raw, "{\"to\":\"@bob\",\"message\":1}");
  answer = sb_test_raw_read_answer (raw);
  g_assert_true (g_str_has_prefix (answer, "HTTP/1.1 200 "));
}

static void
test_refuses_before_the_body_of_a_stranger_is_sent (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestRaw) raw = sb_test_raw_new (sb_test_daemon_get_http_port (bus->daemon));
  g_autofree char *answer = NULL;

  sb_test_raw_send (raw, "POST /put HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n"
                         "Expect: 100-continue\r\n\r\n");
  answer = sb_test_raw_read_answer (raw);
  g_assert_true (g_str_has_prefix (answer, "HTTP/1.1 401 "));
}

static void
test_answers_pipelined_requests_in_order (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestRaw) raw = sb_test_raw_new (sb_test_daemon_get_http_port (bus->daemon));

  for (guint i = 0; i < 10; i++)
    {
      g_autofree char *request = g_strdup_printf (
          "POST /put HTTP/1.1\r\nHost: x\r\nContent-Length: 36\r\n"
          "Authorization: Basic YWxpY2U6YWxpY2UtcHc=\r\n\r\n"
          "{\"_id\":\"p%u\",\"to\":\"@bob\",\"message\":1}",
          i);

      sb_test_raw_send (raw, request);
    }
  for (guint i = 0; i < 10; i++)
    {
      g_autofree char *answer = sb_test_raw_read_answer (raw);
      g_autofree char *id = g_strdup_printf ("\"_id\":\"p%u\"", i);

      g_assert_nonnull (answer);
      g_assert_nonnull (strstr (answer, id));
    }
}

static void
test_serves_both_ports (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestHttp) alice = sb_test_http_new (sb_test_daemon_get_ws_port (bus->daemon),
                                                   "alice", "alice-pw");
  g_autofree char *id = sb_test_put (alice, "{\"to\":\"@bob\",\"message\":1}");

  g_assert_nonnull (id);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/put-limits/bounds-the-size", test_bounds_the_size);
  g_test_add_func ("/put-limits/bounds-a-chunked-body", test_bounds_a_chunked_body);
  g_test_add_func ("/put-limits/bounds-the-recipients", test_bounds_the_recipients);
  g_test_add_func ("/put-limits/refuses-all-when-a-named-queue-is-full",
                   test_refuses_all_when_a_named_queue_is_full);
  g_test_add_func ("/put-limits/leaves-out-the-full-queues-of-a-tag",
                   test_leaves_out_the_full_queues_of_a_tag);
  g_test_add_func ("/put-limits/takes-again-when-a-queue-has-room",
                   test_takes_again_when_a_queue_has_room);
  g_test_add_func ("/put-limits/bounds-a-queue-in-bytes", test_bounds_a_queue_in_bytes);
  g_test_add_func ("/put-limits/refuses-when-the-disk-is-full", test_refuses_when_the_disk_is_full);
  g_test_add_func ("/put-limits/waits-for-the-confirmation", test_waits_for_the_confirmation);
  g_test_add_func ("/put-limits/tells-the-state-when-waiting-is-over",
                   test_tells_the_state_when_waiting_is_over);
  g_test_add_func ("/put-limits/does-not-wait-for-a-duplicate-that-ended",
                   test_does_not_wait_for_a_duplicate_that_ended);
  g_test_add_func ("/put-limits/takes-a-chunked-body", test_takes_a_chunked_body);
  g_test_add_func ("/put-limits/takes-a-body-that-waits-for-continue",
                   test_takes_a_body_that_waits_for_continue);
  g_test_add_func ("/put-limits/refuses-before-the-body-of-a-stranger-is-sent",
                   test_refuses_before_the_body_of_a_stranger_is_sent);
  g_test_add_func ("/put-limits/answers-pipelined-requests-in-order",
                   test_answers_pipelined_requests_in_order);
  g_test_add_func ("/put-limits/serves-both-ports", test_serves_both_ports);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-outbound: what a recipient that is an HTTP server gets, and what its answers mean. */

#include "sb-test-recipient.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <string.h>

static void
put (SbTestHttp *client, const char *to, const char *id)
{
  g_autoptr (SbTestAnswer) answer = sb_test_http_postf (
      client, "/put", "{\"_id\":\"%s\",\"to\":\"@%s\",\"message\":1}", id, to);

  sb_test_assert_status (answer, 200);
}

static void
put_three (SbTestHttp *client)
{
  put (client, "erp", "m0");
  put (client, "erp", "m1");
  put (client, "erp", "m2");
}

static gint64
get_attempts (SbTestHttp *client, const char *id, const char *recipient)
{
  g_autofree char *path = g_strdup_printf ("/status/%s", id);
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (client, path);
  JsonObject *recipients = sb_test_json_member (sb_test_answer_object (answer), "recipients");

  return sb_test_json_int (sb_test_json_member (recipients, recipient), "attempts");
}

static void
assert_ids (SbTestRecipient *recipient, const char *expected)
{
  g_autofree char *ids = sb_test_recipient_dup_ids (recipient);

  g_assert_cmpstr (ids, ==, expected);
}

static void
assert_header (SbTestRecipient *recipient, guint index, const char *name, const char *expected)
{
  g_autofree char *value = sb_test_recipient_dup_header (recipient, index, name);

  g_assert_cmpstr (value, ==, expected);
}

/* What it gets */

static void
test_posts_the_bytes_as_they_were_sent (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.deliveries=http", NULL);
  g_autoptr (SbTestRecipient) erp = sb_test_recipient_new ();
  g_autoptr (SbTestAnswer) answer = NULL;

  sb_test_recipient_make_user (erp, bus->admin, "erp", "");
  answer = sb_test_http_post (
      bus->alice, "/put",
      "{\"to\":\"@erp\", \"message\": {\"n\":1.10,\"k\":12345678901234567890}, \"_id\":\"m1\"}");
  sb_test_assert_status (answer, 200);
  sb_test_recipient_wait (erp, 1);
  g_assert_cmpstr (sb_test_recipient_get_line (erp, 0), ==, "POST /hs/data HTTP/1.1");
  g_assert_nonnull (strstr (sb_test_recipient_get_body (erp, 0),
                            "\"message\": {\"n\":1.10,\"k\":12345678901234567890}"));
  assert_header (erp, 0, "Content-Type", "application/json");
  assert_header (erp, 0, "webhook-id", "m1");
  assert_header (erp, 0, "Authorization", NULL);
  assert_header (erp, 0, "webhook-signature", NULL);
  sb_test_wait_state (bus->alice, "m1", "erp", "confirmed");
}

static void
test_tells_the_sender_of_the_confirmation (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.deliveries=http", NULL);
  g_autoptr (SbTestRecipient) erp = sb_test_recipient_new ();
  g_autoptr (SbTestWs) alice = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);
  g_autoptr (SbTestFrame) receipt = NULL;

  sb_test_recipient_make_user (erp, bus->admin, "erp", "");
  sb_test_ws_send (alice, "{\"_id\":\"m1\",\"to\":\"@erp\",\"message\":1}");
  receipt = sb_test_ws_take_type (alice, "confirmation");
  g_assert_cmpstr (sb_test_frame_get (receipt, "data"), ==, "m1");
  g_assert_cmpstr (sb_test_frame_get (receipt, "sender"), ==, "erp");
}

static void
test_logs_in_with_basic (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.deliveries=http", NULL);
  g_autoptr (SbTestRecipient) erp = sb_test_recipient_new ();

  sb_test_recipient_make_user (
      erp, bus->admin, "erp",
      ",\"authorization\":{\"type\":\"basic\",\"user\":\"usr\",\"password\":\"\"}");
  put (bus->alice, "erp", "m1");
  sb_test_recipient_wait (erp, 1);
  assert_header (erp, 0, "Authorization", "Basic dXNyOg==");
}

static void
test_signs (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.deliveries=http", NULL);
  g_autoptr (SbTestRecipient) erp = sb_test_recipient_new ();
  g_autofree char *timestamp = NULL;
  g_autofree char *content = NULL;
  g_autofree char *digest = NULL;
  g_autofree char *signature = NULL;
  gint64 now;

  sb_test_recipient_make_user (erp, bus->admin, "erp", ",\"secret\":\"whsec_YWJj\"");
  put (bus->alice, "erp", "m1");
  sb_test_recipient_wait (erp, 1);
  now = g_get_real_time () / G_USEC_PER_SEC;
  timestamp = sb_test_recipient_dup_header (erp, 0, "webhook-timestamp");
  signature = sb_test_recipient_dup_header (erp, 0, "webhook-signature");
  g_assert_cmpint (ABS (now - g_ascii_strtoll (timestamp, NULL, 10)), <=, 60);
  content = g_strdup_printf ("m1.%s.%s", timestamp, sb_test_recipient_get_body (erp, 0));
  digest = g_compute_hmac_for_string (G_CHECKSUM_SHA256, (const guint8 *) "abc", 3, content, -1);
  g_assert_true (g_str_has_prefix (signature, "v1,"));
  {
    gsize length = 0;
    g_autofree guint8 *bytes = g_base64_decode (signature + 3, &length);
    g_autoptr (GString) hex = g_string_new (NULL);

    for (gsize i = 0; i < length; i++)
      g_string_append_printf (hex, "%02x", bytes[i]);
    g_assert_cmpstr (hex->str, ==, digest);
  }
}

static void
test_uses_one_connection_for_one_after_the_other (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.deliveries=http", NULL);
  g_autoptr (SbTestRecipient) erp = sb_test_recipient_new ();

  sb_test_recipient_make_user (erp, bus->admin, "erp", "");
  put_three (bus->alice);
  sb_test_recipient_wait (erp, 3);
  assert_ids (erp, "m0 m1 m2");
  g_assert_cmpuint (sb_test_recipient_get_n_opened (erp), ==, 1);
}

static void
test_uses_as_many_connections_as_it_may (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.deliveries=http", NULL);
  g_autoptr (SbTestRecipient) erp = sb_test_recipient_new ();

  sb_test_recipient_make_user (erp, bus->admin, "erp", ",\"parallel\":2");
  sb_test_recipient_script (erp, "", SB_TEST_THEN_HOLD);
  sb_test_recipient_script (erp, "", SB_TEST_THEN_HOLD);
  put_three (bus->alice);
  sb_test_recipient_wait (erp, 2);
  sb_test_settle ();
  g_assert_cmpuint (sb_test_recipient_get_n (erp), ==, 2);
  sb_test_recipient_release (erp, SB_TEST_OK);
  sb_test_recipient_wait (erp, 3);
  sb_test_wait_state (bus->alice, "m2", "erp", "confirmed");
  g_assert_cmpuint (sb_test_recipient_get_n_opened (erp), ==, 2);
}

static void
test_carries_large_messages (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.deliveries=http", NULL);
  g_autoptr (SbTestRecipient) erp = sb_test_recipient_new ();
  g_autofree char *padding = g_strnfill (6 * 1024 * 1024, 'x');
  g_autoptr (SbTestAnswer) answer = NULL;

  sb_test_recipient_make_user (erp, bus->admin, "erp", "");
  answer = sb_test_http_postf (bus->alice, "/put",
                               "{\"_id\":\"m1\",\"to\":\"@erp\",\"message\":\"%s\"}", padding);
  sb_test_assert_status (answer, 200);
  sb_test_recipient_wait (erp, 1);
  g_assert_nonnull (strstr (sb_test_recipient_get_body (erp, 0), padding));
  sb_test_wait_state (bus->alice, "m1", "erp", "confirmed");
}

static void
test_closes_what_is_idle (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.deliveries=http",
                                                 "delivery-http.idle-timeout=0.1", NULL);
  g_autoptr (SbTestRecipient) erp = sb_test_recipient_new ();

  sb_test_recipient_make_user (erp, bus->admin, "erp", "");
  put (bus->alice, "erp", "m0");
  sb_test_recipient_wait_closed (erp, 1);
  put (bus->alice, "erp", "m1");
  sb_test_recipient_wait_closed (erp, 2);
  assert_ids (erp, "m0 m1");
}

/* What its answers mean */

static void
test_keeps_the_order_while_the_first_fails (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.deliveries=http", NULL);
  g_autoptr (SbTestRecipient) erp = sb_test_recipient_new ();

  sb_test_recipient_make_user (erp, bus->admin, "erp", "");
  sb_test_recipient_script_status (erp, 500, "");
  sb_test_recipient_script_status (erp, 503, "");
  put_three (bus->alice);
  sb_test_recipient_wait (erp, 5);
  assert_ids (erp, "m0 m0 m0 m1 m2");
  sb_test_wait_state (bus->alice, "m2", "erp", "confirmed");
  /* The 503 was not its fault. */
  g_assert_cmpint (get_attempts (bus->alice, "m0", "erp"), ==, 2);
}

static void
test_parks_what_fails_over_and_over (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.deliveries=http", "bus.park-after=2", NULL);
  g_autoptr (SbTestRecipient) erp = sb_test_recipient_new ();

  sb_test_recipient_make_user (erp, bus->admin, "erp", "");
  sb_test_recipient_script_status (erp, 500, "");
  sb_test_recipient_script_status (erp, 500, "");
  put_three (bus->alice);
  sb_test_recipient_wait (erp, 4);
  assert_ids (erp, "m0 m0 m1 m2");
  sb_test_wait_state (bus->alice, "m0", "erp", "parked");
  sb_test_wait_state (bus->alice, "m2", "erp", "confirmed");
}

static void
test_lets_die_what_is_refused_for_good (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.deliveries=http", "bus.max-attempts=2", NULL);
  g_autoptr (SbTestRecipient) erp = sb_test_recipient_new ();
  g_autoptr (SbTestAnswer) answer = NULL;
  JsonObject *delivery;

  sb_test_recipient_make_user (erp, bus->admin, "erp", "");
  sb_test_recipient_script_status (erp, 410, "");
  sb_test_recipient_script_status (erp, 422, "");
  put_three (bus->alice);
  sb_test_recipient_wait (erp, 4);
  assert_ids (erp, "m0 m0 m1 m2");
  sb_test_wait_state (bus->alice, "m0", "erp", "dead");
  answer = sb_test_http_get (bus->alice, "/status/m0");
  delivery = sb_test_json_member (
      sb_test_json_member (sb_test_answer_object (answer), "recipients"), "erp");
  g_assert_cmpstr (sb_test_json_string (delivery, "reason"), ==, "refused");
  g_assert_cmpint (sb_test_json_int (delivery, "attempts"), ==, 2);
}

static void
test_waits_as_long_as_it_is_asked_to (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.deliveries=http", NULL);
  g_autoptr (SbTestRecipient) erp = sb_test_recipient_new ();

  sb_test_recipient_make_user (erp, bus->admin, "erp", "");
  sb_test_recipient_script_status (erp, 429, "Retry-After: 3\r\n");
  put_three (bus->alice);
  sb_test_recipient_wait (erp, 4);
  assert_ids (erp, "m0 m0 m1 m2");
  g_assert_cmpint (sb_test_recipient_get_time (erp, 1) - sb_test_recipient_get_time (erp, 0), >,
                   G_USEC_PER_SEC * 28 / 10);
}

static void
test_does_not_follow_redirects (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.deliveries=http", NULL);
  g_autoptr (SbTestRecipient) erp = sb_test_recipient_new ();
  g_autoptr (SbTestRecipient) elsewhere = sb_test_recipient_new ();
  g_autofree char *location = g_strdup_printf ("Location: http://127.0.0.1:%u/data\r\n",
                                               sb_test_recipient_get_port (elsewhere));

  sb_test_recipient_make_user (erp, bus->admin, "erp", "");
  sb_test_recipient_script_status (erp, 307, location);
  put (bus->alice, "erp", "m0");
  sb_test_recipient_wait (erp, 2);
  g_assert_cmpstr (sb_test_recipient_get_line (erp, 1), ==, "POST /hs/data HTTP/1.1");
  g_assert_cmpuint (sb_test_recipient_get_n_opened (elsewhere), ==, 0);
  sb_test_wait_state (bus->alice, "m0", "erp", "confirmed");
  g_assert_cmpint (get_attempts (bus->alice, "m0", "erp"), ==, 1);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/outbound/posts-the-bytes-as-they-were-sent",
                   test_posts_the_bytes_as_they_were_sent);
  g_test_add_func ("/outbound/tells-the-sender-of-the-confirmation",
                   test_tells_the_sender_of_the_confirmation);
  g_test_add_func ("/outbound/logs-in-with-basic", test_logs_in_with_basic);
  g_test_add_func ("/outbound/signs", test_signs);
  g_test_add_func ("/outbound/uses-one-connection-for-one-after-the-other",
                   test_uses_one_connection_for_one_after_the_other);
  g_test_add_func ("/outbound/uses-as-many-connections-as-it-may",
                   test_uses_as_many_connections_as_it_may);
  g_test_add_func ("/outbound/carries-large-messages", test_carries_large_messages);
  g_test_add_func ("/outbound/closes-what-is-idle", test_closes_what_is_idle);
  g_test_add_func ("/outbound/keeps-the-order-while-the-first-fails",
                   test_keeps_the_order_while_the_first_fails);
  g_test_add_func ("/outbound/parks-what-fails-over-and-over", test_parks_what_fails_over_and_over);
  g_test_add_func ("/outbound/lets-die-what-is-refused-for-good",
                   test_lets_die_what_is_refused_for_good);
  g_test_add_func ("/outbound/waits-as-long-as-it-is-asked-to",
                   test_waits_as_long_as_it_is_asked_to);
  g_test_add_func ("/outbound/does-not-follow-redirects", test_does_not_follow_redirects);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-fidelity: the recipient gets the sender's own bytes of every member, but for `_id` and
 * `sender`. Each text goes in over HTTP and over a WebSocket, and comes out of both, and out of
 * a store that was opened anew.
 */

#include "sb-test-site.h"
#include "sb-test.h"

#include <string.h>

/* What stands behind {"to":"@bob", in a message; each must come out as it is. */
static const char *const members[] = {
  "\"message\":1.10",
  "\"message\":-0",
  "\"message\":-0.0",
  "\"message\":1E400",
  "\"message\":1e-400",
  "\"message\":12345678901234567890",
  "\"message\":123456789012345678901234567890",
  "\"message\":0.1000000000000000055511151231257827021181583404541015625",
  "\"message\":[1.0,1,1e0,10E-1]",
  "\"message\":\"\\u0041\\u00e9\\/\\b\\f\\n\\r\\t\\\"\\\\\"",
  "\"message\":\"\\u0000\"",
  "\"message\":\"\\uD83D\\uDE00 \\ud83d\\ude00\"",
  "\"message\":\"\xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf ж é\"",
  "\"message\":\"\x7f\xe2\x80\xa8\xe2\x80\xa9\"",
  "\"message\":{\"z\":1,\"a\":2,\"M\":3,\"\":4}",
  "\"message\":{\"a\":1,\"a\":2}",
  "\"message\":{ \"a\" :\t[ 1 , 2 ] }",
  "\"message\":\"\"",
  "\"message\":null",
  "\"message\":[]",
  "\"message\":{}",
  "\"message\":{\"_id\":\"inner\",\"sender\":\"inner\",\"to\":[]}",
  "\"z\":1,\"message\":2,\"a\":3,\"uid\":[\"c\"],\"recipient\":\"feed\",\"type\":\"order\"",
  "\"message\":1,\"x\\u0079\":1.50",
  "\"message\":1,\"dup\":1,\"dup\":2",
};

static char *
make_id (gsize i, const char *way)
{
  return g_strdup_printf ("%s-%02" G_GSIZE_FORMAT, way, i);
}

static void
send_all_over_http (SbTestSite *bus)
{
  for (gsize i = 0; i < G_N_ELEMENTS (members); i++)
    {
      g_autofree char *id = make_id (i, "http");
      g_autoptr (SbTestAnswer) answer = sb_test_http_postf (
          bus->alice, "/put", "{\"to\":\"@bob\",%s,\"_id\":\"%s\"}", members[i], id);

      g_test_message ("%s", members[i]);
      sb_test_assert_status (answer, 200);
    }
}

static void
send_all_over_a_websocket (SbTestSite *bus)
{
  g_autoptr (SbTestWs) alice = sb_test_ws_log_in_as (bus->daemon, "alice", "\"accepted\":true");

  for (gsize i = 0; i < G_N_ELEMENTS (members); i++)
    {
      g_autofree char *id = make_id (i, "ws");

      sb_test_ws_sendf (alice, "{\"to\":\"@bob\",\"sender\":\"me\",%s,\"_id\":\"%s\"}", members[i],
                        id);
      sb_test_frame_free (sb_test_ws_take_type (alice, "accepted"));
    }
}

static char *
expect (gsize i, const char *way)
{
  g_autofree char *id = make_id (i, way);

  return g_strdup_printf ("{\"_id\":\"%s\",\"sender\":\"alice\",\"to\":\"@bob\",%s}", id,
                          members[i]);
}

static void
assert_all_come_over_a_websocket (SbTestSite *bus, const char *way)
{
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (members); i++)
    {
      g_autoptr (SbTestFrame) frame = sb_test_ws_take (bob);
      g_autofree char *expected = expect (i, way);

      g_assert_cmpstr (frame->text, ==, expected);
    }
}

static void
assert_all_come_by_pull (SbTestSite *bus, const char *way)
{
  g_autoptr (GString) expected = g_string_new ("[");
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (bus->bob, "/get?limit=64");

  for (gsize i = 0; i < G_N_ELEMENTS (members); i++)
    {
      g_autofree char *message = expect (i, way);

      g_string_append_printf (expected, "%s%s", i > 0 ? "," : "", message);
    }
  g_string_append_c (expected, ']');
  g_assert_cmpstr (answer->body, ==, expected->str);
}

static void
test_http_to_websocket (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  send_all_over_http (bus);
  assert_all_come_over_a_websocket (bus, "http");
}

static void
test_http_to_pull (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  send_all_over_http (bus);
  assert_all_come_by_pull (bus, "http");
}

static void
test_websocket_to_websocket (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  send_all_over_a_websocket (bus);
  assert_all_come_over_a_websocket (bus, "ws");
}

static void
test_websocket_to_pull (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  send_all_over_a_websocket (bus);
  assert_all_come_by_pull (bus, "ws");
}

static void
test_through_the_database (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", NULL);

  send_all_over_http (bus);
  sb_test_daemon_kill (bus->daemon);
  sb_test_site_restart (bus);
  assert_all_come_by_pull (bus, "http");
  sb_test_daemon_kill (bus->daemon);
  sb_test_site_restart (bus);
  assert_all_come_over_a_websocket (bus, "http");
}

static void
test_removes_id_and_sender_wherever_they_are (void)
{
  static const char *const bodies[] = {
    "{\"_id\":\"x\",\"sender\":\"me\",\"to\":\"@bob\",\"message\":1}",
    "{\"to\":\"@bob\",\"_id\":\"x\",\"message\":1,\"sender\":\"me\"}",
    "{\"to\":\"@bob\",\"sender\":null,\"message\":1,\"_id\":\"x\"}",
    "{\"\\u005fid\":\"x\",\"to\":\"@bob\",\"message\":1,\"\\u0073ender\":{\"a\":[1]}}",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (bodies); i++)
    {
      g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
      g_autofree char *id = sb_test_put (bus->alice, bodies[i]);
      g_autoptr (SbTestAnswer) answer = sb_test_http_get (bus->bob, "/get");

      g_test_message ("%s", bodies[i]);
      g_assert_cmpstr (answer->body, ==,
                       "[{\"_id\":\"x\",\"sender\":\"alice\",\"to\":\"@bob\",\"message\":1}]");
    }
}

static void
test_escapes_what_has_to_be_in_ids (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestHttp) quoted = sb_test_http_for (bus->daemon, "q\"uo\\te", "p");
  g_autofree char *id = NULL;
  g_autoptr (SbTestAnswer) answer = NULL;

  sb_test_put_users (bus->admin, "[{\"_id\":\"q\\\"uo\\\\te\",\"password\":\"p\"}]");
  id = sb_test_put (quoted, "{\"_id\":\"a\\\"\\u0436\",\"to\":\"@bob\",\"message\":1}");
  g_assert_cmpstr (id, ==, "a\"ж");
  answer = sb_test_http_get (bus->bob, "/get");
  g_assert_nonnull (answer->json);
  g_assert_true (
      g_str_has_prefix (answer->body, "[{\"_id\":\"a\\\"ж\",\"sender\":\"q\\\"uo\\\\te\",\"to\":"));
}

static void
test_carries_a_large_message (void)
{
  enum
  {
    SIZE = 7 * 1024 * 1024
  };
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autofree char *padding = g_strnfill (SIZE, 'x');
  g_autofree char *body = NULL;
  g_autofree char *id = NULL;
  g_autoptr (SbTestFrame) frame = NULL;

  for (gsize i = 0; i < SIZE; i++)
    padding[i] = (char) ('a' + i % 26);
  body = g_strdup_printf ("{\"_id\":\"x\",\"to\":\"@bob\",\"message\":\"%s\"}", padding);
  id = sb_test_put (bus->alice, body);
  frame = sb_test_ws_take_id (bob, "x");
  g_assert_true (strcmp (sb_test_frame_get (frame, "message"), padding) == 0);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/fidelity/http-to-websocket", test_http_to_websocket);
  g_test_add_func ("/fidelity/http-to-pull", test_http_to_pull);
  g_test_add_func ("/fidelity/websocket-to-websocket", test_websocket_to_websocket);
  g_test_add_func ("/fidelity/websocket-to-pull", test_websocket_to_pull);
  g_test_add_func ("/fidelity/through-the-database", test_through_the_database);
  g_test_add_func ("/fidelity/removes-id-and-sender-wherever-they-are",
                   test_removes_id_and_sender_wherever_they_are);
  g_test_add_func ("/fidelity/escapes-what-has-to-be-in-ids", test_escapes_what_has_to_be_in_ids);
  g_test_add_func ("/fidelity/carries-a-large-message", test_carries_a_large_message);
  return g_test_run ();
}

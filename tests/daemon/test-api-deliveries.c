/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-api-deliveries: /api/v1/deliveries: what waits or died, and the operator's hand. */

#include "sb-test-site.h"
#include "sb-test.h"

#include <string.h>

static SbTestAnswer *
request (SbTestHttp *client, const char *method, const char *path, const char *body)
{
  return sb_test_http_send (client, method, path, NULL, body, -1);
}

static void
send_to (SbTestHttp *client, const char *id, const char *to)
{
  g_autoptr (SbTestAnswer) answer = sb_test_http_postf (
      client, "/put", "{\"_id\":\"%s\",\"to\":\"%s\",\"message\":1}", id, to);

  sb_test_assert_status (answer, 200);
}

/* "17:x", as a list gives it; the list must have exactly one. */
static char *
find_delivery (SbTestSite *bus, const char *query)
{
  g_autofree char *path = g_strconcat ("/api/v1/deliveries?", query, NULL);
  g_autoptr (SbTestAnswer) answer = request (bus->admin, "GET", path, NULL);
  JsonArray *rows;

  sb_test_assert_status (answer, 200);
  rows = json_object_get_array_member (sb_test_answer_object (answer), "deliveries");
  g_assert_cmpuint (json_array_get_length (rows), ==, 1);
  return g_strdup (sb_test_json_string (json_array_get_object_element (rows, 0), "delivery"));
}

static SbTestAnswer *
act (SbTestSite *bus, const char *delivery, const char *verb, const char *body)
{
  g_autofree char *path = g_strdup_printf ("/api/v1/deliveries/%s/%s", delivery, verb);

  return request (bus->admin, "POST", path, body);
}

static SbTestAnswer *
look_at (SbTestSite *bus, const char *delivery)
{
  g_autofree char *path = g_strconcat ("/api/v1/deliveries/", delivery, NULL);

  return request (bus->admin, "GET", path, NULL);
}

static void
assert_state (SbTestSite *bus, const char *delivery, const char *state, const char *reason)
{
  g_autoptr (SbTestAnswer) answer = look_at (bus, delivery);

  sb_test_assert_status (answer, 200);
  g_assert_cmpstr (sb_test_answer_string (answer, "state"), ==, state);
  g_assert_cmpstr (sb_test_answer_string (answer, "reason"), ==, reason);
}

/* bob goes; what he was sent is dead. */
static void
remove_bob (SbTestSite *bus)
{
  g_autoptr (SbTestAnswer) answer = request (bus->admin, "DELETE", "/api/v1/users/bob", NULL);

  sb_test_assert_status (answer, 204);
}

/* --- Lists --- */

static void
test_lists_a_delivery (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) answer = NULL;
  JsonObject *row;

  send_to (bus->alice, "x", "@bob");
  answer = request (bus->admin, "GET", "/api/v1/deliveries", NULL);
  sb_test_assert_status (answer, 200);
  row = json_array_get_object_element (
      json_object_get_array_member (sb_test_answer_object (answer), "deliveries"), 0);
  g_assert_true (g_str_has_suffix (sb_test_json_string (row, "delivery"), ":x"));
  g_assert_cmpstr (sb_test_json_string (row, "_id"), ==, "x");
  g_assert_cmpstr (sb_test_json_string (row, "sender"), ==, "alice");
  g_assert_cmpstr (sb_test_json_string (row, "recipient"), ==, "bob");
  g_assert_cmpstr (sb_test_json_string (row, "state"), ==, "pending");
  g_assert_true (json_object_get_null_member (row, "reason"));
  g_assert_true (json_object_get_null_member (row, "due"));
  g_assert_cmpint (sb_test_json_int (row, "attempts"), ==, 0);
  g_assert_cmpint (sb_test_json_int (row, "size"), >, 20);
  g_assert_nonnull (sb_test_json_string (row, "accepted"));
  g_assert_nonnull (sb_test_json_string (row, "since"));
  g_assert_true (json_object_get_null_member (sb_test_answer_object (answer), "next"));
}

static void
assert_count (SbTestSite *bus, const char *query, guint wanted)
{
  g_autofree char *path = g_strconcat ("/api/v1/deliveries?", query, NULL);
  g_autoptr (SbTestAnswer) answer = request (bus->admin, "GET", path, NULL);

  g_test_message ("%s", query);
  sb_test_assert_status (answer, 200);
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (
                        sb_test_answer_object (answer), "deliveries")),
                    ==, wanted);
}

static void
test_filters (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) nobody = NULL;
  g_autoptr (SbTestAnswer) no_sender = NULL;

  send_to (bus->alice, "a", "#orders");
  send_to (bus->carol, "b", "@bob");
  assert_count (bus, "", 3);
  assert_count (bus, "recipient=bob", 2);
  assert_count (bus, "sender=alice", 2);
  assert_count (bus, "recipient=bob&sender=alice", 1);
  assert_count (bus, "state=dead", 0);
  assert_count (bus, "state=dead,pending", 3);
  assert_count (bus, "state=scheduled,parked", 0);
  remove_bob (bus);
  assert_count (bus, "state=dead", 2);
  assert_count (bus, "state=pending", 1);
  nobody = request (bus->admin, "GET", "/api/v1/deliveries?recipient=bob", NULL);
  no_sender = request (bus->admin, "GET", "/api/v1/deliveries?sender=bob", NULL);
  sb_test_assert_problem (nobody, 404, "not-found");
  sb_test_assert_problem (no_sender, 404, "not-found");
}

static void
test_lists_what_is_left_of_a_user_by_its_key (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *delivery = NULL;
  g_autofree char *query = NULL;

  send_to (bus->alice, "a", "#orders");
  delivery = find_delivery (bus, "recipient=bob");
  remove_bob (bus);
  query = g_strdup_printf ("key=%.*s", (int) strcspn (delivery, ":"), delivery);
  assert_count (bus, query, 1);
}

/* Three thousand, of which each is seen once while others come and go. */
static void
test_pages_through_thousands (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", NULL);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *after = NULL;
  guint n_pages = 0;

  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *id = g_strdup_printf ("m%u", i);

      send_to (bus->alice, id, "$all");
    }
  do
    {
      g_autofree char *path = g_strdup_printf ("/api/v1/deliveries?limit=500%s%s",
                                               after != NULL ? "&after=" : "",
                                               after != NULL ? after : "");
      g_autoptr (SbTestAnswer) answer = request (bus->admin, "GET", path, NULL);
      g_autofree char *late = NULL;
      JsonArray *rows;

      sb_test_assert_status (answer, 200);
      rows = json_object_get_array_member (sb_test_answer_object (answer), "deliveries");
      g_assert_cmpuint (json_array_get_length (rows), <=, 500);
      for (guint i = 0; i < json_array_get_length (rows); i++)
        g_assert_true (g_hash_table_add (
            seen,
            g_strdup (sb_test_json_string (json_array_get_object_element (rows, i), "delivery"))));
      g_free (after);
      after = g_strdup (sb_test_answer_string (answer, "next"));
      late = g_strdup_printf ("late%u", n_pages++);
      send_to (bus->alice, late, "@bob");
    }
  while (after != NULL);
  g_assert_cmpuint (n_pages, >=, 8);
  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *own = g_strdup_printf ("1:m%u", i);

      g_assert_true (g_hash_table_contains (seen, own));
    }
  g_assert_cmpuint (g_hash_table_size (seen), >=, 4000);
}

/* --- One --- */

static void
test_shows_a_delivery (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) answer = NULL;
  g_autofree char *delivery = NULL;
  g_autofree char *id = sb_test_put (bus->alice,
                                     "{\"to\":\"@bob\",\"message\":1,\"not_before\":4000000000,"
                                     "\"ttl\":60}");
  JsonObject *object;

  delivery = find_delivery (bus, "state=scheduled");
  answer = look_at (bus, delivery);
  sb_test_assert_status (answer, 200);
  object = sb_test_answer_object (answer);
  g_assert_cmpstr (sb_test_json_string (object, "_id"), ==, id);
  g_assert_cmpstr (sb_test_json_string (object, "state"), ==, "scheduled");
  g_assert_cmpstr (sb_test_json_string (object, "due"), ==, "2096-10-02T07:06:40.000Z");
  g_assert_cmpstr (sb_test_json_string (object, "not_before"), ==, "2096-10-02T07:06:40.000Z");
  g_assert_cmpstr (sb_test_json_string (object, "deadline"), ==, "2096-10-02T07:07:40.000Z");
  g_assert_true (sb_test_json_bool (object, "has_message"));
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (object, "log")), ==, 0);
}

/* Returns: (transfer full): of the queue of erp, when a call has failed */
static JsonObject *
get_outbound (SbTestSite *bus)
{
  g_autoptr (SbTestAnswer) answer = request (bus->admin, "GET", "/api/v1/queues/erp", NULL);

  sb_test_assert_status (answer, 200);
  return json_object_ref (sb_test_json_member (sb_test_answer_object (answer), "outbound"));
}

static gboolean
has_failed (gpointer bus)
{
  g_autoptr (JsonObject) outbound = get_outbound (bus);

  return sb_test_json_int (outbound, "failed") > 0;
}

static void
test_shows_how_calls_fail (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (JsonObject) outbound = NULL;

  /* Nobody listens at this port. */
  sb_test_put_users (bus->admin, "[{\"_id\":\"erp\",\"password\":\"p\",\"connection_properties\":{"
                                 "\"type\":\"http\",\"url\":\"http://127.0.0.1:1/bus\"}}]");
  send_to (bus->alice, "x", "@erp");
  sb_test_wait_for (has_failed, bus, "a call that fails");
  outbound = get_outbound (bus);
  g_assert_cmpstr (sb_test_json_string (outbound, "type"), ==, "http");
  g_assert_cmpstr (sb_test_json_string (outbound, "state"), !=, "faulty");
  g_assert_cmpint (sb_test_json_int (outbound, "retry_in"), >=, 0);
  g_assert_cmpint (sb_test_json_int (outbound, "confirmed"), ==, 0);
  g_assert_cmpint (sb_test_json_int (sb_test_json_member (outbound, "last_failure"), "status"), ==,
                   0);
  g_assert_true (json_object_get_null_member (outbound, "fault"));
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (outbound, "failures")), >,
                    0);
}

static void
test_shows_the_message_byte_for_byte (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *delivery = NULL;
  g_autofree char *path = NULL;
  g_autofree char *log = NULL;
  g_autoptr (SbTestAnswer) sent = NULL;
  g_autoptr (SbTestAnswer) answer = NULL;
  g_autoptr (SbTestAnswer) other = NULL;

  sent = request (bus->alice, "POST", "/put",
                  "{\"_id\":\"x\",\"to\":\"@bob\",\"message\":[ 1.10,12345678901234567890,"
                  "\"\\u0041pay-4711\"]}");
  sb_test_assert_status (sent, 200);
  delivery = find_delivery (bus, "");
  path = g_strdup_printf ("/api/v1/deliveries/%s/message", delivery);
  answer = request (bus->admin, "GET", path, NULL);
  sb_test_assert_status (answer, 200);
  g_assert_cmpstr (sb_test_answer_header (answer, "Content-Type"), ==, "application/json");
  g_assert_nonnull (strstr (answer->body, "[ 1.10,12345678901234567890,\"\\u0041pay-4711\"]"));
  log = sb_test_daemon_dup_log (bus->daemon);
  g_assert_nonnull (strstr (log, "admin read the message x of alice"));
  g_assert_null (strstr (log, "pay-4711"));
  other = request (bus->admin, "GET", "/api/v1/deliveries/999:x/message", NULL);
  sb_test_assert_problem (other, 404, "not-found");
}

static void
test_finds_messages_with_odd_ids (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *delivery = NULL;
  g_autofree char *escaped = NULL;
  g_autoptr (SbTestAnswer) answer = NULL;

  send_to (bus->alice, "a:b c?%ж", "@bob");
  delivery = find_delivery (bus, "");
  escaped = g_uri_escape_string (delivery, NULL, FALSE);
  answer = look_at (bus, escaped);
  sb_test_assert_status (answer, 200);
  g_assert_cmpstr (sb_test_answer_string (answer, "_id"), ==, "a:b c?%ж");
}

/* --- Requeue --- */

static void
test_requeues_what_is_scheduled (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) session = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autofree char *id = sb_test_put (bus->alice,
                                     "{\"to\":\"@bob\",\"message\":1,\"not_before\":4000000000}");
  g_autofree char *delivery = find_delivery (bus, "state=scheduled");
  g_autoptr (SbTestAnswer) answer = act (bus, delivery, "requeue", NULL);
  g_autoptr (SbTestFrame) frame = NULL;
  g_autoptr (SbTestAnswer) again = NULL;

  sb_test_assert_status (answer, 200);
  g_assert_cmpstr (answer->body, ==, "{\"state\":\"pending\"}");
  frame = sb_test_ws_take_id (session, id);
  assert_state (bus, delivery, "sent", NULL);
  again = act (bus, delivery, "requeue", NULL);
  sb_test_assert_problem (again, 409, "conflict");
}

/* --- Drop --- */

static void
test_drops (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", NULL);
  g_autoptr (SbTestWs) sender = sb_test_ws_log_in_as (bus->daemon, "alice", "\"expired\":true");
  g_autoptr (SbTestFrame) frame = NULL;
  g_autoptr (SbTestAnswer) answer = NULL;
  g_autoptr (SbTestAnswer) again = NULL;
  g_autofree char *delivery = NULL;

  send_to (bus->alice, "x", "@bob");
  delivery = find_delivery (bus, "");
  answer = act (bus, delivery, "drop", NULL);
  sb_test_assert_status (answer, 200);
  g_assert_cmpstr (answer->body, ==, "{\"state\":\"dropped\"}");
  frame = sb_test_ws_take_type (sender, "expired");
  g_assert_cmpstr (sb_test_frame_get (frame, "data"), ==, "x");
  g_assert_cmpstr (sb_test_frame_get (frame, "sender"), ==, "bob");
  g_assert_cmpstr (sb_test_frame_get (frame, "reason"), ==, "dropped");
  again = act (bus, delivery, "drop", NULL);
  sb_test_assert_problem (again, 409, "conflict");
  sb_test_site_restart (bus);
  assert_state (bus, delivery, "dropped", "dropped");
  assert_count (bus, "", 0);
}

/* --- Move --- */

static void
test_moves (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) sender = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);
  g_autoptr (SbTestWs) carol = sb_test_ws_log_in_as (bus->daemon, "carol", NULL);
  g_autoptr (SbTestFrame) frame = NULL;
  g_autoptr (SbTestFrame) receipt = NULL;
  g_autoptr (SbTestAnswer) answer = NULL;
  g_autoptr (SbTestAnswer) pulled = NULL;
  g_autofree char *delivery = NULL;

  send_to (bus->alice, "x", "@bob");
  delivery = find_delivery (bus, "");
  answer = act (bus, delivery, "move", "{\"to\":\"carol\"}");
  sb_test_assert_status (answer, 200);
  g_assert_cmpstr (sb_test_answer_string (answer, "state"), ==, "pending");
  frame = sb_test_ws_take_id (carol, "x");
  assert_state (bus, delivery, "dropped", "moved");
  assert_state (bus, sb_test_answer_string (answer, "delivery"), "sent", NULL);
  sb_test_ws_confirm (carol, "x");
  receipt = sb_test_ws_take_type (sender, "confirmation");
  g_assert_cmpstr (sb_test_frame_get (receipt, "data"), ==, "x");
  g_assert_cmpstr (sb_test_frame_get (receipt, "sender"), ==, "carol");
  pulled = sb_test_http_get (bus->bob, "/get");
  g_assert_cmpstr (pulled->body, ==, "[]");
  sb_test_ws_confirm (carol, "x");
  sb_test_ws_sync (carol);
  sb_test_ws_assert_nothing (sender);
}

static void
test_moves_what_is_left_of_a_user (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", NULL);
  g_autoptr (SbTestAnswer) requeued = NULL;
  g_autoptr (SbTestAnswer) moved = NULL;
  g_autoptr (SbTestAnswer) pulled = NULL;
  g_autofree char *delivery = NULL;

  send_to (bus->alice, "x", "@bob");
  remove_bob (bus);
  delivery = find_delivery (bus, "state=dead");
  assert_state (bus, delivery, "dead", "recipient-deleted");
  requeued = act (bus, delivery, "requeue", NULL);
  sb_test_assert_problem (requeued, 409, "conflict");
  moved = act (bus, delivery, "move", "{\"to\":\"carol\"}");
  sb_test_assert_status (moved, 200);
  pulled = sb_test_http_get (bus->carol, "/get");
  g_assert_nonnull (strstr (pulled->body, "\"_id\":\"x\""));
}

static void
test_says_why_it_can_not_move (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) nobody = NULL;
  g_autoptr (SbTestAnswer) twice = NULL;
  g_autoptr (SbTestAnswer) nothing = NULL;
  g_autofree char *delivery = NULL;

  send_to (bus->alice, "x", "#orders");
  delivery = find_delivery (bus, "recipient=bob");
  nobody = act (bus, delivery, "move", "{\"to\":\"nobody\"}");
  twice = act (bus, delivery, "move", "{\"to\":\"carol\"}");
  nothing = act (bus, "999:x", "move", "{\"to\":\"carol\"}");
  sb_test_assert_problem (nobody, 404, "not-found");
  sb_test_assert_problem (twice, 409, "conflict");
  sb_test_assert_problem (nothing, 404, "not-found");
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
#define ADD(name, func) g_test_add_func ("/api-deliveries/" name, func)
  ADD ("lists-a-delivery", test_lists_a_delivery);
  ADD ("filters", test_filters);
  ADD ("lists-what-is-left-of-a-user-by-its-key", test_lists_what_is_left_of_a_user_by_its_key);
  ADD ("pages-through-thousands", test_pages_through_thousands);
  ADD ("shows-a-delivery", test_shows_a_delivery);
  ADD ("shows-how-calls-fail", test_shows_how_calls_fail);
  ADD ("shows-the-message-byte-for-byte", test_shows_the_message_byte_for_byte);
  ADD ("finds-messages-with-odd-ids", test_finds_messages_with_odd_ids);
  ADD ("requeues-what-is-scheduled", test_requeues_what_is_scheduled);
  ADD ("drops", test_drops);
  ADD ("moves", test_moves);
  ADD ("moves-what-is-left-of-a-user", test_moves_what_is_left_of_a_user);
  ADD ("says-why-it-can-not-move", test_says_why_it_can_not_move);
#undef ADD
  return g_test_run ();
}

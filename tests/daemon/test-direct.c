/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-direct: messages that are mirrored to who is there. Nothing is kept of them. */

#include "sb-test-site.h"
#include "sb-test.h"

#include <string.h>

/* --- What the tests do --- */

static SbTestWs *
log_in (SbTestSite *bus, const char *user)
{
  return sb_test_ws_log_in_as (bus->daemon, user, NULL);
}

/* @prefer: (nullable) */
static SbTestExchange *
begin_put (SbTestHttp *client, const char *id, const char *to, const char *prefer)
{
  const char *const headers[] = { prefer != NULL ? "Prefer" : NULL, prefer, NULL };
  g_autofree char *body = g_strdup_printf (
      "{\"_id\":\"%s\",\"to\":%s,\"message\":1,\"direct\":true}", id, to);

  return sb_test_http_begin (client, "POST", "/put", headers, body, -1);
}

static SbTestAnswer *
put (SbTestHttp *client, const char *id, const char *to)
{
  return sb_test_http_end (begin_put (client, id, to, NULL));
}

/* @to: as JSON. Returns: how many it was delivered to */
static gint64
put_and_count (SbTestHttp *client, const char *id, const char *to)
{
  g_autoptr (SbTestAnswer) answer = put (client, id, to);

  sb_test_assert_status (answer, 200);
  return sb_test_json_int (sb_test_answer_object (answer), "delivered");
}

static void
take_id (SbTestWs *ws, const char *id)
{
  sb_test_frame_free (sb_test_ws_take_id (ws, id));
}

/* --- Whom it reaches --- */

static void
test_reaches_users_tags_all_and_the_sender_itself (void)
{
  static const struct
  {
    const char *to;
    gboolean alice, bob, carol;
  } rows[] = {
    { "\"@bob\"", FALSE, TRUE, FALSE },
    { "\"@alice\"", TRUE, FALSE, FALSE },
    { "[\"@bob\",\"@carol\"]", FALSE, TRUE, TRUE },
    { "\"#orders\"", FALSE, TRUE, TRUE },
    { "\"news\"", FALSE, FALSE, TRUE },
    { "[\"@bob\",\"#orders\",\"$all\"]", TRUE, TRUE, TRUE },
    { "[\"@bob\",\"@bob\"]", FALSE, TRUE, FALSE },
    { "\"$all\"", TRUE, TRUE, TRUE },
    { "\"#sales\"", FALSE, FALSE, FALSE },
  };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) alice = log_in (bus, "alice");
  g_autoptr (SbTestWs) bob = log_in (bus, "bob");
  g_autoptr (SbTestWs) carol = log_in (bus, "carol");

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_test_message ("%s", rows[i].to);
      g_assert_cmpint (put_and_count (bus->alice, "x", rows[i].to), ==,
                       rows[i].alice + rows[i].bob + rows[i].carol);
      if (rows[i].alice)
        take_id (alice, "x");
      if (rows[i].bob)
        take_id (bob, "x");
      if (rows[i].carol)
        take_id (carol, "x");
      sb_test_ws_assert_nothing (alice);
      sb_test_ws_assert_nothing (bob);
      sb_test_ws_assert_nothing (carol);
    }
}

static void
test_carries_the_payload_byte_for_byte (void)
{
  static const char members[] = "\"to\":\"@bob\",\"message\":{ \"z\" :\t1.10,\"a\":"
                                "[12345678901234567890,1E400,\"\\u0041\\/ж\"],\"a\":-0},"
                                "\"direct\":true,\"uid\":[\"c\"],\"recipient\":\"feed\"";
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) alice = log_in (bus, "alice");
  g_autoptr (SbTestWs) bob = log_in (bus, "bob");

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (SbTestFrame) frame = NULL;
      g_autofree char *sent = g_strdup_printf ("{\"_id\":\"x\",\"sender\":\"me\",%s}", members);
      g_autofree char *expected = g_strdup_printf ("{\"_id\":\"x\",\"sender\":\"alice\",%s}",
                                                   members);

      if (i == 0)
        sb_test_ws_send (alice, sent);
      else
        sb_test_answer_free (sb_test_http_post (bus->alice, "/put", sent));
      frame = sb_test_ws_take (bob);
      g_assert_cmpstr (frame->text, ==, expected);
    }
}

static void
test_makes_an_id_when_there_is_none (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) bob = log_in (bus, "bob");
  g_autofree char *id = sb_test_put (bus->alice, "{\"to\":\"@bob\",\"message\":1,\"direct\":true}");

  g_assert_cmpuint (strlen (id), ==, 32);
  take_id (bob, id);
}

static void
test_keeps_the_order (void)
{
  const guint n = 5000, at_once = 100;
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) alice = log_in (bus, "alice");
  g_autoptr (SbTestWs) bob = log_in (bus, "bob");

  for (guint i = 0; i < n; i += at_once)
    {
      for (guint j = i; j < i + at_once; j++)
        sb_test_ws_sendf (alice, "{\"to\":\"@bob\",\"message\":%u,\"direct\":true}", j);
      for (guint j = i; j < i + at_once; j++)
        {
          g_autoptr (SbTestFrame) frame = sb_test_ws_take (bob);

          g_assert_cmpint (sb_test_json_int (frame->json, "message"), ==, j);
        }
    }
  sb_test_ws_assert_nothing (alice);
  sb_test_ws_assert_nothing (bob);
}

/* --- Nothing stays --- */

static void
test_stores_nothing (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", NULL);
  g_autoptr (SbTestWs) bob = log_in (bus, "bob");
  g_autoptr (SbTestAnswer) got = NULL;
  g_autoptr (SbTestAnswer) status = NULL;
  g_autoptr (SbTestAnswer) offline = NULL;

  g_assert_cmpint (put_and_count (bus->alice, "x", "\"#orders\""), ==, 1);
  take_id (bob, "x");
  got = sb_test_http_get (bus->bob, "/get");
  g_assert_cmpstr (got->body, ==, "[]");
  offline = sb_test_http_get (bus->carol, "/get");
  g_assert_cmpstr (offline->body, ==, "[]");
  status = sb_test_http_get (bus->alice, "/status/x");
  sb_test_assert_problem (status, 404, "not-found");
}

static void
test_sends_nothing_again_after_a_reconnect (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", NULL);
  g_autoptr (SbTestWs) bob = log_in (bus, "bob");
  g_autoptr (SbTestWs) again = NULL;
  g_autoptr (SbTestWs) carol = NULL;

  g_assert_cmpint (put_and_count (bus->alice, "x", "\"#orders\""), ==, 1);
  take_id (bob, "x");
  sb_test_ws_close (bob);
  again = log_in (bus, "bob");
  carol = log_in (bus, "carol");
  g_assert_cmpint (sb_test_ws_get_pending (again), ==, 0);
  sb_test_ws_assert_nothing (again);
  sb_test_ws_assert_nothing (carol);
}

static void
test_sends_nothing_again_in_time (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.confirm-timeout=1", NULL);
  g_autoptr (SbTestWs) bob = log_in (bus, "bob");

  g_assert_cmpint (put_and_count (bus->alice, "x", "\"@bob\""), ==, 1);
  g_free (sb_test_put (bus->alice, "{\"_id\":\"clock\",\"to\":\"@bob\",\"message\":1}"));
  take_id (bob, "x");
  /* A guaranteed one comes twice meanwhile. */
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (SbTestFrame) frame = sb_test_ws_take (bob);

      g_assert_cmpstr (sb_test_frame_get (frame, "_id"), ==, "clock");
    }
  sb_test_ws_assert_nothing (bob);
}

static void
test_takes_an_id_as_often_as_it_comes (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) bob = log_in (bus, "bob");
  g_autofree char *id = sb_test_put (bus->alice, "{\"_id\":\"x\",\"to\":\"@bob\",\"message\":1}");

  take_id (bob, "x");
  for (guint i = 0; i < 3; i++)
    {
      g_assert_cmpint (put_and_count (i == 0 ? bus->carol : bus->alice, "x", "\"@bob\""), ==, 1);
      take_id (bob, "x");
    }
}

/* --- What the sender over HTTP learns --- */

static void
test_answers_200_with_what_became_of_it (void)
{
  static const struct
  {
    const char *to;
    const char *answer;
  } rows[] = {
    { "\"@bob\"", "{\"_id\":\"x\",\"delivered\":1,\"offline\":[],\"unknown\":[]}" },
    { "\"@carol\"", "{\"_id\":\"x\",\"delivered\":0,\"offline\":[\"@carol\"],\"unknown\":[]}" },
    { "\"#orders\"", "{\"_id\":\"x\",\"delivered\":1,\"offline\":[\"@carol\"],\"unknown\":[]}" },
    { "[\"@bob\",\"@carol\",\"@nobody\"]",
      "{\"_id\":\"x\",\"delivered\":1,\"offline\":[\"@carol\"],\"unknown\":[\"@nobody\"]}" },
    { "[\"@no\\\"body\"]",
      "{\"_id\":\"x\",\"delivered\":0,\"offline\":[],\"unknown\":[\"@no\\\"body\"]}" },
    { "[\"@nobody\",\"#nothing\"]",
      "{\"_id\":\"x\",\"delivered\":0,\"offline\":[],\"unknown\":[\"@nobody\",\"#nothing\"]}" },
    { "\"#sales\"", "{\"_id\":\"x\",\"delivered\":0,\"offline\":[],\"unknown\":[\"#sales\"]}" },
  };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) bob = log_in (bus, "bob");

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (SbTestAnswer) answer = put (bus->alice, "x", rows[i].to);

      sb_test_assert_status (answer, 200);
      g_assert_cmpstr (answer->body, ==, rows[i].answer);
    }
}

static void
test_is_asked_for_by_header_or_body (void)
{
  static const struct
  {
    const char *type; /* (nullable) */
    const char *more;
    guint status;
    gboolean direct;
  } rows[] = {
    { "direct", "", 200, TRUE },
    { " Direct ", "", 200, TRUE },
    { "direct", ",\"direct\":true", 200, TRUE },
    { NULL, ",\"direct\":true", 200, TRUE },
    { " ", ",\"direct\":true", 200, TRUE },
    { NULL, ",\"direct\":false", 200, FALSE },
    { "queue", ",\"direct\":false", 200, FALSE },
    { "direct", ",\"direct\":false", 400, FALSE },
    { "queue", ",\"direct\":true", 400, FALSE },
    { NULL, ",\"direct\":\"true\"", 400, FALSE },
    { NULL, ",\"direct\":1", 400, FALSE },
    { "direct", ",\"direct\":null", 400, FALSE },
    { "direct", ",\"direct\":[true]", 400, FALSE },
    { "direct", ",\"direct\":true,\"direct\":true", 400, FALSE },
    { "direct", ",\"ttl\":5", 400, FALSE },
    { NULL, ",\"direct\":true,\"not_before\":0", 400, FALSE },
    { NULL, ",\"direct\":true,\"ttl\":null", 400, FALSE },
    { "direct", ",\"type\":\"ping\"", 400, FALSE },
    { "direct", ",\"_id\":\"a/b\"", 400, FALSE },
  };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const char *const headers[] = { rows[i].type != NULL ? "Message-Type" : NULL, rows[i].type,
                                      NULL };
      g_autofree char *body = g_strdup_printf ("{\"to\":\"@bob\",\"message\":1%s}", rows[i].more);
      g_autoptr (SbTestAnswer) answer = sb_test_http_send (bus->alice, "POST", "/put", headers,
                                                           body, -1);

      g_test_message ("'%s' %s", rows[i].type, rows[i].more);
      if (rows[i].status == 400)
        sb_test_assert_problem (answer, 400, "invalid");
      else
        g_assert_cmpint (json_object_has_member (sb_test_answer_object (answer), "delivered"), ==,
                         rows[i].direct);
    }
}

/* --- And over a WebSocket --- */

static void
test_tells_a_socket_that_nobody_was_reached (void)
{
  static const char *const to[] = { "\"@bob\"", "\"@nobody\"", "\"#sales\"", "[\"#orders\"]" };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) alice = log_in (bus, "alice");

  for (gsize i = 0; i < G_N_ELEMENTS (to); i++)
    {
      g_autoptr (SbTestFrame) error = NULL;

      sb_test_ws_sendf (
          alice, "{\"_id\":\"x\",\"to\":%s,\"message\":1,\"direct\":true,\"uid\":[\"c\", 1.10]}",
          to[i]);
      error = sb_test_ws_take (alice);
      g_assert_cmpstr (sb_test_frame_get (error, "type"), ==, "ERROR");
      g_assert_cmpstr (sb_test_frame_get (error, "data"), ==, "x");
      g_assert_cmpstr (sb_test_frame_get (error, "sender"), ==, "alice");
      g_assert_nonnull (sb_test_frame_get (error, "error"));
      g_assert_nonnull (strstr (error->text, "\"uid\":[\"c\", 1.10]"));
      sb_test_ws_assert_nothing (alice);
    }
}

static void
test_tells_a_socket_nothing_when_somebody_was_reached (void)
{
  static const char *const to[] = { "\"@bob\"", "\"#orders\"", "[\"@bob\",\"@nobody\"]" };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) alice = sb_test_ws_log_in_as (bus->daemon, "alice", "\"accepted\":true");
  g_autoptr (SbTestWs) bob = log_in (bus, "bob");

  for (gsize i = 0; i < G_N_ELEMENTS (to); i++)
    {
      sb_test_ws_sendf (alice, "{\"_id\":\"x\",\"to\":%s,\"message\":1,\"direct\":true}", to[i]);
      take_id (bob, "x");
      sb_test_ws_assert_nothing (alice);
    }
}

static void
test_tells_a_socket_what_is_refused (void)
{
  static const char *const more[] = { "\"direct\":1", "\"direct\":true,\"ttl\":5",
                                      "\"direct\":true,\"not_before\":5",
                                      "\"direct\":true,\"type\":\"ERROR\"" };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) alice = log_in (bus, "alice");
  g_autoptr (SbTestWs) bob = log_in (bus, "bob");

  for (gsize i = 0; i < G_N_ELEMENTS (more); i++)
    {
      g_autoptr (SbTestFrame) error = NULL;

      sb_test_ws_sendf (alice, "{\"_id\":\"x\",\"to\":\"@bob\",\"message\":1,\"uid\":\"c\",%s}",
                        more[i]);
      error = sb_test_ws_take_type (alice, "ERROR");
      g_assert_cmpstr (sb_test_frame_get (error, "data"), ==, "x");
      g_assert_cmpstr (sb_test_frame_get (error, "uid"), ==, "c");
    }
  sb_test_ws_assert_nothing (bob);
}

/* --- Confirmations --- */

static void
test_passes_a_confirmation_on_once (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) alice = log_in (bus, "alice");
  g_autoptr (SbTestWs) bob = log_in (bus, "bob");
  g_autoptr (SbTestFrame) receipt = NULL;

  sb_test_ws_send (alice, "{\"_id\":\"x\",\"to\":\"@bob\",\"message\":1,\"direct\":true}");
  take_id (bob, "x");
  sb_test_ws_confirm (bob, "x");
  sb_test_ws_confirm (bob, "x");
  sb_test_ws_sync (bob);
  receipt = sb_test_ws_take (alice);
  g_assert_cmpstr (receipt->text, ==,
                   "{\"type\":\"confirmation\",\"data\":\"x\",\"sender\":\"bob\"}");
  sb_test_ws_assert_nothing (alice);
}

static void
test_passes_on_the_confirmation_of_each_recipient (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) alice = log_in (bus, "alice");
  g_autoptr (SbTestWs) bob = log_in (bus, "bob");
  g_autoptr (SbTestWs) carol = log_in (bus, "carol");
  SbTestWs *const recipients[] = { carol, bob };
  const char *const names[] = { "carol", "bob" };

  g_assert_cmpint (put_and_count (bus->alice, "x", "\"#orders\""), ==, 2);
  for (gsize i = 0; i < G_N_ELEMENTS (recipients); i++)
    {
      g_autoptr (SbTestFrame) receipt = NULL;

      take_id (recipients[i], "x");
      sb_test_ws_confirm (recipients[i], "x");
      receipt = sb_test_ws_take (alice);
      g_assert_cmpstr (sb_test_frame_get (receipt, "sender"), ==, names[i]);
    }
}

static void
test_passes_no_forged_confirmation_on (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) alice = log_in (bus, "alice");
  g_autoptr (SbTestWs) bob = log_in (bus, "bob");
  g_autoptr (SbTestWs) carol = log_in (bus, "carol");

  g_assert_cmpint (put_and_count (bus->alice, "x", "\"@bob\""), ==, 1);
  sb_test_ws_confirm (carol, "x");
  sb_test_ws_confirm (bob, "y");
  sb_test_ws_confirm (alice, "x");
  sb_test_ws_sync (carol);
  take_id (bob, "x");
  sb_test_ws_assert_nothing (bob);
  sb_test_ws_assert_nothing (alice);
}

static void
test_passes_no_confirmation_to_who_wants_none (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) alice = sb_test_ws_log_in_as (bus->daemon, "alice", "\"receipts\":false");
  g_autoptr (SbTestWs) bob = log_in (bus, "bob");

  g_assert_cmpint (put_and_count (bus->alice, "x", "\"@bob\""), ==, 1);
  take_id (bob, "x");
  sb_test_ws_confirm (bob, "x");
  sb_test_ws_sync (bob);
  sb_test_ws_assert_nothing (alice);
}

static void
test_keeps_no_confirmation_for_a_sender_that_has_gone (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) bob = log_in (bus, "bob");
  g_autoptr (SbTestWs) alice = NULL;

  g_assert_cmpint (put_and_count (bus->alice, "x", "\"@bob\""), ==, 1);
  take_id (bob, "x");
  sb_test_ws_confirm (bob, "x");
  sb_test_ws_sync (bob);
  alice = log_in (bus, "alice");
  sb_test_ws_assert_nothing (alice);
}

/* The guaranteed one needs a confirmation of its own. */
static void
test_never_settles_a_guaranteed_delivery_of_the_same_id (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) bob = log_in (bus, "bob");
  g_autofree char *id = sb_test_put (bus->alice, "{\"_id\":\"x\",\"to\":\"@bob\",\"message\":1}");
  g_autofree char *state = NULL;

  take_id (bob, "x");
  g_assert_cmpint (put_and_count (bus->carol, "x", "\"@bob\""), ==, 1);
  take_id (bob, "x");
  sb_test_ws_confirm (bob, "x");
  sb_test_ws_sync (bob);
  state = sb_test_get_state (bus->alice, "x", "bob");
  g_assert_cmpstr (state, ==, "sent");
  sb_test_ws_confirm (bob, "x");
  sb_test_wait_state (bus->alice, "x", "bob", "confirmed");
}

/* --- Prefer: wait --- */

static void
test_waits_until_all_who_were_online_have_confirmed (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) alice = log_in (bus, "alice");
  g_autoptr (SbTestWs) bob = log_in (bus, "bob");
  SbTestExchange *exchange = begin_put (bus->alice, "x", "[\"@alice\",\"#orders\"]", "wait=50");
  g_autoptr (SbTestAnswer) answer = NULL;

  take_id (bob, "x");
  take_id (alice, "x");
  sb_test_ws_confirm (bob, "x");
  sb_test_frame_free (sb_test_ws_take_type (alice, "confirmation"));
  sb_test_ws_sync (alice);
  g_assert_false (sb_test_http_is_done (exchange));
  sb_test_ws_confirm (alice, "x");
  answer = sb_test_http_end (exchange);
  sb_test_assert_status (answer, 200);
  g_assert_cmpstr (answer->body, ==,
                   "{\"_id\":\"x\",\"delivered\":2,\"offline\":[\"@carol\"],\"unknown\":[]}");
}

static void
test_answers_202_when_not_all_have_confirmed_in_time (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) bob = log_in (bus, "bob");
  g_autoptr (SbTestWs) carol = log_in (bus, "carol");
  SbTestExchange *exchange = begin_put (bus->alice, "x", "\"#orders\"", "wait=1");
  g_autoptr (SbTestAnswer) answer = NULL;

  take_id (bob, "x");
  /* Twice is not both. */
  sb_test_ws_confirm (bob, "x");
  sb_test_ws_confirm (bob, "x");
  answer = sb_test_http_end (exchange);
  sb_test_assert_status (answer, 202);
  g_assert_cmpint (sb_test_json_int (sb_test_answer_object (answer), "delivered"), ==, 2);
}

static void
test_waits_for_nobody_when_nobody_was_online (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) offline = sb_test_http_end (
      begin_put (bus->alice, "x", "\"@bob\"", "wait=600"));
  g_autoptr (SbTestAnswer) unknown = sb_test_http_end (
      begin_put (bus->alice, "x", "\"@nobody\"", "wait=600"));

  sb_test_assert_status (offline, 200);
  sb_test_assert_status (unknown, 200);
}

static void
test_answers_who_waits_when_the_bus_stops (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) bob = log_in (bus, "bob");
  SbTestExchange *exchange = begin_put (bus->alice, "x", "\"@bob\"", "wait=600");
  g_autoptr (SbTestAnswer) answer = NULL;

  take_id (bob, "x");
  sb_test_daemon_signal (bus->daemon, SIGTERM);
  answer = sb_test_http_end (exchange);
  sb_test_assert_status (answer, 202);
  sb_test_daemon_wait_stopped (bus->daemon);
}

static const struct
{
  const char *name;
  void (*func) (void);
} tests[] = {
  { "/direct/reaches-users-tags-all-and-the-sender-itself",
    test_reaches_users_tags_all_and_the_sender_itself },
  { "/direct/carries-the-payload-byte-for-byte", test_carries_the_payload_byte_for_byte },
  { "/direct/makes-an-id-when-there-is-none", test_makes_an_id_when_there_is_none },
  { "/direct/keeps-the-order", test_keeps_the_order },
  { "/direct/stores-nothing", test_stores_nothing },
  { "/direct/sends-nothing-again-after-a-reconnect", test_sends_nothing_again_after_a_reconnect },
  { "/direct/sends-nothing-again-in-time", test_sends_nothing_again_in_time },
  { "/direct/takes-an-id-as-often-as-it-comes", test_takes_an_id_as_often_as_it_comes },
  { "/direct/answers-200-with-what-became-of-it", test_answers_200_with_what_became_of_it },
  { "/direct/is-asked-for-by-header-or-body", test_is_asked_for_by_header_or_body },
  { "/direct/tells-a-socket-that-nobody-was-reached", test_tells_a_socket_that_nobody_was_reached },
  { "/direct/tells-a-socket-nothing-when-somebody-was-reached",
    test_tells_a_socket_nothing_when_somebody_was_reached },
  { "/direct/tells-a-socket-what-is-refused", test_tells_a_socket_what_is_refused },
  { "/direct/passes-a-confirmation-on-once", test_passes_a_confirmation_on_once },
  { "/direct/passes-on-the-confirmation-of-each-recipient",
    test_passes_on_the_confirmation_of_each_recipient },
  { "/direct/passes-no-forged-confirmation-on", test_passes_no_forged_confirmation_on },
  { "/direct/passes-no-confirmation-to-who-wants-none",
    test_passes_no_confirmation_to_who_wants_none },
  { "/direct/keeps-no-confirmation-for-a-sender-that-has-gone",
    test_keeps_no_confirmation_for_a_sender_that_has_gone },
  { "/direct/never-settles-a-guaranteed-delivery-of-the-same-id",
    test_never_settles_a_guaranteed_delivery_of_the_same_id },
  { "/direct/waits-until-all-who-were-online-have-confirmed",
    test_waits_until_all_who_were_online_have_confirmed },
  { "/direct/answers-202-when-not-all-have-confirmed-in-time",
    test_answers_202_when_not_all_have_confirmed_in_time },
  { "/direct/waits-for-nobody-when-nobody-was-online",
    test_waits_for_nobody_when_nobody_was_online },
  { "/direct/answers-who-waits-when-the-bus-stops", test_answers_who_waits_when_the_bus_stops },
};

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add_func (tests[i].name, tests[i].func);
  return g_test_run ();
}

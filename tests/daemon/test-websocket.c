/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-websocket: log-in, frames of both directions, and how sessions end. */

#include "sb-test-raw.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <string.h>

static guint16
http_port (SbTestSite *bus)
{
  return sb_test_daemon_get_http_port (bus->daemon);
}

static guint16
ws_port (SbTestSite *bus)
{
  return sb_test_daemon_get_ws_port (bus->daemon);
}

/* Opens a socket, says @frame and expects to be sent away. */
static void
assert_is_sent_away (SbTestSite *bus, const char *frame)
{
  g_autoptr (SbTestWs) ws = sb_test_ws_open (ws_port (bus), "/");

  g_test_message ("%s", frame);
  sb_test_ws_send (ws, frame);
  g_assert_cmpuint (sb_test_ws_wait_closed (ws), ==, 1002);
  g_assert_cmpstr (sb_test_ws_get_close_reason (ws), ==, "NO AUTHORIZATION");
}

/* --- The upgrade --- */

static void
test_upgrades_any_path_of_its_port (void)
{
  static const char *const paths[] = { "/", "/ws", "/any/path?x=1", "/put", "/healthz" };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autoptr (SbTestWs) ws = sb_test_ws_open (ws_port (bus), paths[i]);

      sb_test_ws_sync (ws);
    }
}

static void
test_upgrades_two_paths_of_the_http_port (void)
{
  static const char *const paths[] = { "/", "/ws" };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autoptr (SbTestWs) ws = sb_test_ws_open (http_port (bus), paths[i]);

      sb_test_ws_sync (ws);
    }
}

static char *
ask_for_upgrade (guint16 port, const char *path, const char *more)
{
  g_autoptr (SbTestRaw) raw = sb_test_raw_new (port);
  g_autofree char *request = g_strdup_printf (
      "GET %s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
      path, more);

  sb_test_raw_send (raw, request);
  return sb_test_raw_read_answer (raw);
}

static void
test_does_not_upgrade_other_paths_of_the_http_port (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *answer = ask_for_upgrade (http_port (bus), "/other",
                                             "Sec-WebSocket-Version: 13\r\n");

  g_assert_true (g_str_has_prefix (answer, "HTTP/1.1 404 "));
}

static void
test_takes_any_version_origin_and_protocol (void)
{
  static const char *const headers[] = {
    "", "Sec-WebSocket-Version: 8\r\n",
    "Sec-WebSocket-Version: 13\r\nOrigin: https://other.example\r\n",
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: chat, mqtt\r\n",
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"
  };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (headers); i++)
    {
      g_autofree char *answer = ask_for_upgrade (ws_port (bus), "/", headers[i]);

      g_test_message ("%s", headers[i]);
      g_assert_true (g_str_has_prefix (answer, "HTTP/1.1 101 "));
      g_assert_nonnull (strstr (answer, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
      g_assert_null (strstr (answer, "Sec-WebSocket-Protocol"));
      g_assert_null (strstr (answer, "Sec-WebSocket-Extensions"));
    }
}

static void
test_refuses_a_handshake_without_a_key (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestRaw) raw = sb_test_raw_new (ws_port (bus));
  g_autofree char *answer = NULL;

  sb_test_raw_send (raw, "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                         "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n");
  answer = sb_test_raw_read_answer (raw);
  g_assert_true (g_str_has_prefix (answer, "HTTP/1.1 400 "));
}

/* --- The log-in --- */

static void
test_does_not_answer_a_log_in (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_begin_as (bus->daemon, "bob", "\"uid\":[\"cfg\"],\"x\":1");
  g_autofree char *id = sb_test_put (bus->alice, "{\"_id\":\"x\",\"to\":\"@bob\",\"message\":1}");
  g_autoptr (SbTestFrame) frame = sb_test_ws_take (bob);

  g_assert_cmpstr (sb_test_frame_get (frame, "_id"), ==, "x");
}

static void
test_says_connected_when_asked (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) bob = NULL;

  for (guint i = 0; i < 3; i++)
    g_free (sb_test_put (bus->alice, "{\"to\":\"@bob\",\"message\":1}"));
  bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_assert_cmpint (sb_test_ws_get_pending (bob), ==, 3);
  g_assert_nonnull (sb_test_ws_get_token (bob));
}

static void
test_logs_in_by_token (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autoptr (SbTestWs) again = NULL;

  sb_test_daemon_kill (bus->daemon);
  sb_test_site_restart (bus);
  again = sb_test_ws_open (ws_port (bus), "/");
  sb_test_ws_sendf (again,
                    "{\"type\":\"connect\",\"data\":\"bob\",\"token\":\"%s\",\"hello\":true}",
                    sb_test_ws_get_token (bob));
  sb_test_frame_free (sb_test_ws_take_type (again, "connected"));
}

static void
test_sends_away_who_has_the_wrong_password (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  assert_is_sent_away (bus, "{\"type\":\"connect\",\"data\":\"bob\",\"password\":\"wrong\"}");
  assert_is_sent_away (bus, "{\"type\":\"connect\",\"data\":\"nobody\",\"password\":\"bob-pw\"}");
  assert_is_sent_away (bus, "{\"type\":\"connect\",\"data\":\"bob\"}");
  assert_is_sent_away (bus, "{\"type\":\"connect\",\"password\":\"bob-pw\"}");
  assert_is_sent_away (bus, "{\"type\":\"connect\",\"data\":5,\"password\":\"bob-pw\"}");
  assert_is_sent_away (bus, "{\"type\":\"connect\",\"data\":\"bob\",\"password\":5}");
  assert_is_sent_away (bus, "{\"type\":\"connect\",\"data\":\"bob\",\"token\":\"bob-pw\"}");
  assert_is_sent_away (bus, "{\"type\":\"connect\",\"data\":\"bob\",\"token\":\"\"}");
}

static void
test_sends_away_who_has_the_token_of_another (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autofree char *frame = g_strdup_printf (
      "{\"type\":\"connect\",\"data\":\"carol\",\"token\":\"%s\"}", sb_test_ws_get_token (bob));

  assert_is_sent_away (bus, frame);
}

static void
test_answers_frames_before_the_log_in_with_an_error (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) ws = sb_test_ws_open (ws_port (bus), "/");
  g_autoptr (SbTestFrame) message = NULL;
  g_autoptr (SbTestFrame) confirmation = NULL;

  sb_test_ws_send (ws, "{\"_id\":\"x\",\"to\":\"@bob\",\"message\":1}");
  message = sb_test_ws_take_type (ws, "ERROR");
  sb_test_ws_confirm (ws, "x");
  confirmation = sb_test_ws_take_type (ws, "ERROR");
  /* And it can still log in. */
  sb_test_ws_send (
      ws, "{\"type\":\"connect\",\"data\":\"bob\",\"password\":\"bob-pw\",\"hello\":true}");
  sb_test_frame_free (sb_test_ws_take_type (ws, "connected"));
}

static void
test_holds_frames_until_the_log_in_is_verified (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) alice = sb_test_ws_begin_as (bus->daemon, "alice", "\"accepted\":true");

  for (guint i = 0; i < 50; i++)
    sb_test_ws_sendf (alice, "{\"_id\":\"m%u\",\"to\":\"@bob\",\"message\":1}", i);
  for (guint i = 0; i < 50; i++)
    {
      g_autoptr (SbTestFrame) frame = sb_test_ws_take (alice);
      g_autofree char *id = g_strdup_printf ("m%u", i);

      g_assert_cmpstr (sb_test_frame_get (frame, "type"), ==, "accepted");
      g_assert_cmpstr (sb_test_frame_get (frame, "data"), ==, id);
    }
}

static void
test_refuses_a_second_log_in (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autoptr (SbTestFrame) error = NULL;

  sb_test_ws_send (bob, "{\"type\":\"connect\",\"data\":\"carol\",\"password\":\"carol-pw\"}");
  error = sb_test_ws_take_type (bob, "ERROR");
  g_assert_null (strstr (error->text, "carol-pw"));
  sb_test_ws_sync (bob);
}

static void
test_ends_a_socket_that_does_not_log_in (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) ws = sb_test_ws_open (ws_port (bus), "/");

  g_assert_cmpuint (sb_test_ws_wait_closed (ws), ==, 1002);
  g_assert_cmpuint (sb_test_ws_get_n_pings (ws), >, 0);
}

/* --- Messages from the client --- */

static void
test_sends_messages (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) alice = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autoptr (SbTestFrame) frame = NULL;

  sb_test_ws_send (alice, "{\"to\":[\"@bob\"],\"message\":{\"a\":1},\"sender\":\"carol\"}");
  frame = sb_test_ws_take (bob);
  g_assert_cmpstr (sb_test_frame_get (frame, "sender"), ==, "alice");
  g_assert_cmpuint (strlen (sb_test_frame_get (frame, "_id")), ==, 32);
}

static void
test_says_nothing_about_what_is_accepted (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) alice = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);

  sb_test_ws_send (alice, "{\"_id\":\"x\",\"to\":\"@bob\",\"message\":1}");
  sb_test_ws_sync (alice);
  sb_test_wait_state (bus->alice, "x", "bob", "pending");
  sb_test_ws_assert_nothing (alice);
}

static void
test_says_accepted_when_asked (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", NULL);
  g_autoptr (SbTestWs) alice = sb_test_ws_log_in_as (bus->daemon, "alice", "\"accepted\":true");
  g_autoptr (SbTestFrame) first = NULL;
  g_autoptr (SbTestFrame) again = NULL;
  g_autofree char *state = NULL;

  sb_test_ws_send (alice, "{\"_id\":\"x\",\"to\":\"@bob\",\"message\":1}");
  first = sb_test_ws_take_type (alice, "accepted");
  g_assert_cmpstr (first->text, ==, "{\"type\":\"accepted\",\"data\":\"x\"}");
  sb_test_ws_send (alice, "{\"_id\":\"x\",\"to\":\"@bob\",\"message\":1}");
  again = sb_test_ws_take_type (alice, "accepted");
  g_assert_cmpstr (sb_test_frame_get (again, "data"), ==, "x");
  sb_test_daemon_kill (bus->daemon);
  sb_test_site_restart (bus);
  state = sb_test_get_state (bus->alice, "x", "bob");
  g_assert_cmpstr (state, ==, "pending");
}

static const struct
{
  const char *frame;
  const char *data; /* NULL: the ERROR has none */
} refused[] = {
  { "{\"_id\":\"x\",\"to\":\"@nobody\",\"message\":1,\"uid\":[\"c\"]}", "x" },
  { "{\"_id\":\"x\",\"to\":[],\"message\":1,\"uid\":[\"c\"]}", "x" },
  { "{\"_id\":\"x\",\"to\":\"@bob\",\"uid\":[\"c\"]}", "x" },
  { "{\"_id\":\"taken\",\"to\":\"@bob\",\"message\":1,\"uid\":[\"c\"]}", "taken" },
  { "{\"_id\":\"x\",\"to\":\"@bob\",\"message\":1,\"type\":\"file\",\"uid\":[\"c\"]}", "x" },
  { "{\"_id\":\"x\",\"to\":\"@bob\",\"message\":1,\"type\":\"ERROR\",\"uid\":[\"c\"]}", "x" },
  { "{\"_id\":\"x\",\"to\":\"@bob\",\"message\":1,\"type\":\"expired\",\"uid\":[\"c\"]}", "x" },
  { "{\"_id\":\"a/b\",\"to\":\"@bob\",\"message\":1,\"uid\":[\"c\"]}", NULL },
};

static void
test_tells_what_is_refused (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) alice = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);
  g_autofree char *taken = sb_test_put (bus->carol,
                                        "{\"_id\":\"taken\",\"to\":\"@bob\",\"message\":1}");

  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autoptr (SbTestFrame) error = NULL;

      g_test_message ("%s", refused[i].frame);
      sb_test_ws_send (alice, refused[i].frame);
      error = sb_test_ws_take (alice);
      g_assert_cmpstr (sb_test_frame_get (error, "type"), ==, "ERROR");
      g_assert_cmpstr (sb_test_frame_get (error, "data"), ==, refused[i].data);
      g_assert_cmpstr (sb_test_frame_get (error, "sender"), ==, "alice");
      g_assert_nonnull (strstr (error->text, "\"uid\":[\"c\"]"));
      g_assert_nonnull (sb_test_frame_get (error, "error"));
    }
}

static void
test_tells_of_malformed_json (void)
{
  static const char *const frames[] = {
    "{", "no", "", "[]", "1", "{\"to\":\"@bob\",\"message\":1,}", "{'to':'@bob'}"
  };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) alice = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (frames); i++)
    {
      g_autoptr (SbTestFrame) error = NULL;

      g_test_message ("%s", frames[i]);
      sb_test_ws_send (alice, frames[i]);
      error = sb_test_ws_take (alice);
      g_assert_cmpstr (sb_test_frame_get (error, "type"), ==, "ERROR");
      g_assert_false (json_object_has_member (error->json, "data"));
    }
  sb_test_ws_sync (alice);
}

static void
test_never_echoes_a_password (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) ws = sb_test_ws_open (ws_port (bus), "/");
  g_autoptr (SbTestFrame) error = NULL;

  sb_test_ws_send (ws, "{\"type\":\"connect\",\"data\":\"bob\",\"password\":\"bob-pw\",}");
  error = sb_test_ws_take_type (ws, "ERROR");
  g_assert_null (strstr (error->text, "bob-pw"));
}

static void
test_ignores_what_is_for_nobody_to_route (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) alice = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);

  sb_test_ws_send (alice, "{\"type\":\"pong\"}");
  sb_test_ws_send (alice, "{\"type\":\"pong\",\"to\":\"@bob\",\"message\":1}");
  sb_test_ws_send (alice, "{\"type\":\"confirmation\",\"data\":\"unheard-of\"}");
  sb_test_ws_assert_nothing (alice);
}

static void
test_tells_of_a_confirmation_without_data (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) alice = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);

  sb_test_ws_send (alice, "{\"type\":\"confirmation\"}");
  sb_test_frame_free (sb_test_ws_take_type (alice, "ERROR"));
  sb_test_ws_send (alice, "{\"type\":\"confirmation\",\"data\":5}");
  sb_test_frame_free (sb_test_ws_take_type (alice, "ERROR"));
  sb_test_ws_sync (alice);
}

/* --- Frames as such --- */

static SbTestRaw *
log_in_raw (SbTestSite *bus, const char *user)
{
  SbTestRaw *raw = sb_test_raw_new (ws_port (bus));
  g_autofree char *frame = g_strdup_printf (
      "{\"type\":\"connect\",\"data\":\"%s\",\"password\":\"%s-pw\",\"hello\":true,"
      "\"accepted\":true}",
      user, user);

  sb_test_raw_upgrade (raw, "/");
  sb_test_raw_send_frame (raw, SB_TEST_FINAL | SB_TEST_TEXT, frame, strlen (frame));
  g_free (sb_test_raw_wait_text (raw, "connected"));
  return raw;
}

static void
test_reads_binary_frames_as_text (void)
{
  static const char message[] = "{\"_id\":\"x\",\"to\":\"@bob\",\"message\":1}";
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestRaw) raw = log_in_raw (bus, "alice");

  sb_test_raw_send_frame (raw, SB_TEST_FINAL | SB_TEST_BINARY, message, strlen (message));
  g_free (sb_test_raw_wait_text (raw, "\"accepted\",\"data\":\"x\""));
}

static void
test_puts_fragments_together (void)
{
  static const char message[] = "{\"_id\":\"x\",\"to\":\"@bob\",\"message\":\"ж\"}";
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestRaw) raw = log_in_raw (bus, "alice");
  g_autofree char *accepted = NULL;

  /* A byte each, a ping in between. */
  for (gsize i = 0; i < strlen (message); i++)
    {
      guint8 first = (i == 0 ? SB_TEST_TEXT : SB_TEST_CONTINUATION)
                     | (i == strlen (message) - 1 ? SB_TEST_FINAL : 0);

      sb_test_raw_send_frame (raw, first, message + i, 1);
      if (i == 5)
        sb_test_raw_send_frame (raw, SB_TEST_FINAL | SB_TEST_PING, "p", 1);
    }
  accepted = sb_test_raw_wait_text (raw, "\"accepted\",\"data\":\"x\"");
  g_assert_nonnull (accepted);
}

static void
test_answers_protocol_pings (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestRaw) raw = log_in_raw (bus, "alice");
  g_autofree char *pong = NULL;
  gsize length = 0;

  sb_test_raw_send_frame (raw, SB_TEST_FINAL | SB_TEST_PING, "are you there", 13);
  pong = sb_test_raw_wait_frame (raw, SB_TEST_PONG, &length);
  g_assert_cmpmem (pong, length, "are you there", 13);
}

static void
test_echoes_a_close_code (void)
{
  static const guint8 going_away[] = { 0x03, 0xe9 };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestRaw) raw = log_in_raw (bus, "alice");
  g_autofree char *echo = NULL;
  gsize length = 0;

  sb_test_raw_send_frame (raw, SB_TEST_FINAL | SB_TEST_CLOSE, going_away, 2);
  echo = sb_test_raw_wait_frame (raw, SB_TEST_CLOSE, &length);
  g_assert_cmpuint (length, >=, 2);
  g_assert_cmpmem (echo, 2, going_away, 2);
}

static void
test_bounds_a_frame (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.max-message-size=2K", NULL);
  g_autoptr (SbTestRaw) raw = log_in_raw (bus, "alice");
  g_autofree char *large = g_strnfill (1024 * 1024, ' ');
  g_autofree char *rest = NULL;

  sb_test_raw_try_send_frame (raw, SB_TEST_FINAL | SB_TEST_TEXT, large, strlen (large));
  rest = sb_test_raw_wait_frame (raw, 0x0f, NULL);
  g_assert_null (rest);
}

static void
test_refuses_a_message_over_the_limit (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.max-message-size=2K", NULL);
  g_autoptr (SbTestWs) alice = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);
  g_autofree char *padding = g_strnfill (2048, 'x');
  g_autoptr (SbTestFrame) error = NULL;

  sb_test_ws_sendf (alice, "{\"_id\":\"x\",\"to\":\"@bob\",\"message\":\"%s\"}", padding);
  error = sb_test_ws_take (alice);
  g_assert_cmpstr (sb_test_frame_get (error, "type"), ==, "ERROR");
  g_assert_cmpstr (sb_test_frame_get (error, "data"), ==, "x");
}

/* --- Pings and silence --- */

static void
test_pings_every_interval (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("transport-soup.ping-interval=0.05", NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autoptr (SbTestWs) stranger = sb_test_ws_open (ws_port (bus), "/");

  sb_test_ws_wait_pings (bob, 3);
  sb_test_ws_wait_pings (stranger, 3);
}

static void
test_pings_as_the_reference_does (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("transport-soup.ping-interval=0.05", NULL);
  g_autoptr (SbTestRaw) raw = log_in_raw (bus, "bob");
  g_autofree char *ping = sb_test_raw_wait_text (raw, "ping");

  g_assert_cmpstr (ping, ==, "{\"type\": \"ping\"}");
}

static gboolean
is_closed (gpointer user_data)
{
  return sb_test_raw_is_closed (user_data);
}

static void
test_ends_a_session_that_is_silent (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("transport-soup.keepalive-interval=1", NULL);
  g_autoptr (SbTestRaw) silent = log_in_raw (bus, "bob");
  g_autoptr (SbTestWs) carol = sb_test_ws_log_in_as (bus->daemon, "carol", NULL);

  /* Her pings from the bus are what wakes the check. */
  sb_test_wait_for (is_closed, silent, "the end of a silent session");
  /* A client library answers the protocol's pings by itself. */
  sb_test_ws_sync (carol);
}

/* --- Take-over --- */

static void
test_replaces_the_older_session (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) older = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autoptr (SbTestWs) newer = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autofree char *id = NULL;

  g_assert_cmpuint (sb_test_ws_wait_closed (older), ==, 4000);
  g_assert_cmpstr (sb_test_ws_get_close_reason (older), ==, "REPLACED");
  id = sb_test_put (bus->alice, "{\"to\":\"@bob\",\"message\":1}");
  sb_test_frame_free (sb_test_ws_take_id (newer, id));
}

static void
test_keeps_the_newer_session_when_the_older_ends (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestRaw) older = log_in_raw (bus, "bob");
  g_autoptr (SbTestWs) newer = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autofree char *rest = NULL;
  g_autofree char *id = NULL;

  g_free (sb_test_raw_wait_frame (older, SB_TEST_CLOSE, NULL));
  sb_test_raw_finish (older);
  rest = sb_test_raw_read_all (older);
  id = sb_test_put (bus->alice, "{\"to\":\"@bob\",\"message\":1}");
  sb_test_frame_free (sb_test_ws_take_id (newer, id));
}

static void
test_processes_what_the_older_session_had_said (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) older = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);
  g_autoptr (SbTestWs) newer = NULL;

  sb_test_ws_send (older, "{\"_id\":\"x\",\"to\":\"@bob\",\"message\":1}");
  sb_test_ws_sync (older);
  newer = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);
  sb_test_wait_state (bus->alice, "x", "bob", "pending");
}

static void
test_lets_who_takes_over_too_often_wait (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) last = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autoptr (SbTestWs) next = NULL;

  for (guint i = 0; i < 3; i++)
    {
      SbTestWs *newer = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);

      sb_test_ws_free (last);
      last = newer;
    }
  next = sb_test_ws_begin_as (bus->daemon, "bob", "\"hello\":true");
  sb_test_daemon_wait_log (bus->daemon, "bob");
  g_assert_cmpuint (sb_test_ws_get_n_frames (next), ==, 0);
  g_assert_true (sb_test_ws_is_open (last));
}

static void
test_bounds_the_sessions (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.max-sessions=1", NULL);
  g_autoptr (SbTestWs) alice = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_begin_as (bus->daemon, "bob", NULL);

  g_assert_cmpuint (sb_test_ws_wait_closed (bob), >=, 1011);
  sb_test_ws_sync (alice);
}

static void
add_log_in_tests (void)
{
  g_test_add_func ("/websocket/upgrades-any-path-of-its-port", test_upgrades_any_path_of_its_port);
  g_test_add_func ("/websocket/upgrades-two-paths-of-the-http-port",
                   test_upgrades_two_paths_of_the_http_port);
  g_test_add_func ("/websocket/does-not-upgrade-other-paths-of-the-http-port",
                   test_does_not_upgrade_other_paths_of_the_http_port);
  g_test_add_func ("/websocket/takes-any-version-origin-and-protocol",
                   test_takes_any_version_origin_and_protocol);
  g_test_add_func ("/websocket/refuses-a-handshake-without-a-key",
                   test_refuses_a_handshake_without_a_key);
  g_test_add_func ("/websocket/does-not-answer-a-log-in", test_does_not_answer_a_log_in);
  g_test_add_func ("/websocket/says-connected-when-asked", test_says_connected_when_asked);
  g_test_add_func ("/websocket/logs-in-by-token", test_logs_in_by_token);
  g_test_add_func ("/websocket/sends-away-who-has-the-wrong-password",
                   test_sends_away_who_has_the_wrong_password);
  g_test_add_func ("/websocket/sends-away-who-has-the-token-of-another",
                   test_sends_away_who_has_the_token_of_another);
  g_test_add_func ("/websocket/answers-frames-before-the-log-in-with-an-error",
                   test_answers_frames_before_the_log_in_with_an_error);
  g_test_add_func ("/websocket/holds-frames-until-the-log-in-is-verified",
                   test_holds_frames_until_the_log_in_is_verified);
  g_test_add_func ("/websocket/refuses-a-second-log-in", test_refuses_a_second_log_in);
  g_test_add_func ("/websocket/ends-a-socket-that-does-not-log-in",
                   test_ends_a_socket_that_does_not_log_in);
}

static void
add_frame_tests (void)
{
  g_test_add_func ("/websocket/sends-messages", test_sends_messages);
  g_test_add_func ("/websocket/says-nothing-about-what-is-accepted",
                   test_says_nothing_about_what_is_accepted);
  g_test_add_func ("/websocket/says-accepted-when-asked", test_says_accepted_when_asked);
  g_test_add_func ("/websocket/tells-what-is-refused", test_tells_what_is_refused);
  g_test_add_func ("/websocket/tells-of-malformed-json", test_tells_of_malformed_json);
  g_test_add_func ("/websocket/never-echoes-a-password", test_never_echoes_a_password);
  g_test_add_func ("/websocket/ignores-what-is-for-nobody-to-route",
                   test_ignores_what_is_for_nobody_to_route);
  g_test_add_func ("/websocket/tells-of-a-confirmation-without-data",
                   test_tells_of_a_confirmation_without_data);
  g_test_add_func ("/websocket/reads-binary-frames-as-text", test_reads_binary_frames_as_text);
  g_test_add_func ("/websocket/puts-fragments-together", test_puts_fragments_together);
  g_test_add_func ("/websocket/answers-protocol-pings", test_answers_protocol_pings);
  g_test_add_func ("/websocket/echoes-a-close-code", test_echoes_a_close_code);
  g_test_add_func ("/websocket/bounds-a-frame", test_bounds_a_frame);
  g_test_add_func ("/websocket/refuses-a-message-over-the-limit",
                   test_refuses_a_message_over_the_limit);
}

static void
add_life_tests (void)
{
  g_test_add_func ("/websocket/pings-every-interval", test_pings_every_interval);
  g_test_add_func ("/websocket/pings-as-the-reference-does", test_pings_as_the_reference_does);
  g_test_add_func ("/websocket/ends-a-session-that-is-silent", test_ends_a_session_that_is_silent);
  g_test_add_func ("/websocket/replaces-the-older-session", test_replaces_the_older_session);
  g_test_add_func ("/websocket/keeps-the-newer-session-when-the-older-ends",
                   test_keeps_the_newer_session_when_the_older_ends);
  g_test_add_func ("/websocket/processes-what-the-older-session-had-said",
                   test_processes_what_the_older_session_had_said);
  g_test_add_func ("/websocket/lets-who-takes-over-too-often-wait",
                   test_lets_who_takes_over_too_often_wait);
  g_test_add_func ("/websocket/bounds-the-sessions", test_bounds_the_sessions);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  add_log_in_tests ();
  add_frame_tests ();
  add_life_tests ();
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-hostile-frames: WebSocket frames that no client sends, or not so many of them. */

#include "hostile.h"

#include <string.h>

#define CONNECT "{\"type\":\"connect\",\"data\":\"user2\",\"password\":\"user2-pw\",\"hello\":true}"

static void
send_text (SbTestRaw *raw, const char *text)
{
  sb_test_raw_send_frame (raw, SB_TEST_FINAL | SB_TEST_TEXT, text, strlen (text));
}

/* An upgraded socket, logged in as user2. */
static SbTestRaw *
open_raw_session (Hostile *hostile)
{
  SbTestRaw *raw = sb_test_raw_new (hostile->ws_port);
  g_autofree char *hello = NULL;

  sb_test_raw_upgrade (raw, "/");
  send_text (raw, CONNECT);
  hello = sb_test_raw_wait_text (raw, "\"connected\"");
  g_assert_nonnull (hello);
  return raw;
}

/* Returns: the code of the close frame, 0 when the connection ended without one */
static guint
wait_close (SbTestRaw *raw)
{
  gsize length = 0;
  g_autofree char *payload = sb_test_raw_wait_frame (raw, SB_TEST_CLOSE, &length);

  return payload != NULL && length >= 2 ? (guint) ((guint8) payload[0] << 8 | (guint8) payload[1])
                                        : 0;
}

static void
closes_at_a_frame_that_says_it_is_huge (void)
{
  static const guint8 lengths[][8] = {
    { 0, 0, 0, 0, 0x40, 0, 0, 0 }, /* 1 GiB */
    { 0, 0, 1, 0, 0, 0, 0, 0 },    /* 1 TiB */
    { 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
    { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
  };
  g_autoptr (Hostile) hostile = hostile_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      g_autoptr (SbTestRaw) raw = open_raw_session (hostile);
      guint8 head[14] = { 0x81, 0xff };

      memcpy (head + 2, lengths[i], 8);
      sb_test_raw_send_data (raw, head, sizeof head);
      g_assert_cmpuint (wait_close (raw), !=, 1000);
    }
  hostile_assert_memory (hostile, 16);
}

static void
closes_at_a_frame_over_the_limit (void)
{
  g_autoptr (Hostile) hostile = hostile_new ("bus.max-message-size=64K");
  g_autoptr (SbTestRaw) raw = open_raw_session (hostile);
  g_autofree char *pad = g_strnfill (256 * 1024, 'x');
  g_autofree char *text = g_strdup_printf ("{\"to\":\"@user3\",\"message\":\"%s\"}", pad);
  guint code;

  sb_test_raw_try_send_frame (raw, SB_TEST_FINAL | SB_TEST_TEXT, text, strlen (text));
  /* The reset that the rest of the frame meets may overtake the close frame. */
  code = wait_close (raw);
  g_assert_true (code == 1009 || code == 0);
}

static void
bounds_fragments_without_end (void)
{
  g_autoptr (Hostile) hostile = hostile_new ("bus.max-message-size=1M");
  g_autoptr (SbTestRaw) raw = open_raw_session (hostile);
  g_autofree char *fragment = g_strnfill (65536, ' ');
  guint n = 0;

  /* 256 MiB of one message. */
  while (n < 4096
         && sb_test_raw_try_send_frame (raw, n == 0 ? SB_TEST_TEXT : SB_TEST_CONTINUATION, fragment,
                                        65536))
    n++;
  g_assert_cmpuint (n, <, 4096);
  hostile_serve_others (hostile);
  hostile_assert_memory (hostile, 32);
}

/* A fragment without content costs the sender 6 bytes; it must not cost the bus more for ever. */
static void
bounds_empty_fragments (void)
{
  g_autoptr (Hostile) hostile = hostile_new ("bus.max-message-size=1M");
  g_autoptr (SbTestRaw) raw = open_raw_session (hostile);
  g_autoptr (GByteArray) fragments = g_byte_array_new ();
  static const guint8 fragment[6] = { SB_TEST_CONTINUATION, 0x80 };

  while (fragments->len < 60000)
    g_byte_array_append (fragments, fragment, sizeof fragment);
  sb_test_raw_send_frame (raw, SB_TEST_TEXT, "", 0);
  for (guint n = 0; n < 200; n++)
    if (!sb_test_raw_try_send (raw, fragments->data, fragments->len))
      break;
  hostile_serve_others (hostile);
  hostile_assert_memory (hostile, 64);
}

static void
closes_at_frames_against_the_protocol (void)
{
  static const struct
  {
    const char *name;
    guint8 bytes[16];
    gsize length;
  } frames[] = {
    { "not masked", { 0x81, 0x02, '{', '}' }, 4 },
    { "reserved opcode", { 0x83, 0x80, 0, 0, 0, 0 }, 6 },
    { "reserved control opcode", { 0x8b, 0x80, 0, 0, 0, 0 }, 6 },
    { "reserved bit", { 0xc1, 0x82, 0, 0, 0, 0, '{', '}' }, 8 },
    { "a ping in fragments", { 0x09, 0x80, 0, 0, 0, 0 }, 6 },
    { "a ping that is too long", { 0x89, 0xfe, 0, 126, 0, 0, 0, 0 }, 8 },
    { "a continuation of nothing", { 0x80, 0x80, 0, 0, 0, 0 }, 6 },
    { "a close of one byte", { 0x88, 0x81, 0, 0, 0, 0, 3 }, 7 },
  };
  g_autoptr (Hostile) hostile = hostile_new (NULL);
  g_autofree char *pad = g_malloc0 (200);

  for (gsize i = 0; i < G_N_ELEMENTS (frames); i++)
    {
      g_autoptr (SbTestRaw) raw = open_raw_session (hostile);

      g_test_message ("%s", frames[i].name);
      sb_test_raw_send_data (raw, frames[i].bytes, frames[i].length);
      sb_test_raw_try_send (raw, pad, 126);
      g_assert_cmpuint (wait_close (raw), !=, 1000);
    }
}

static void
refuses_text_that_is_no_utf8 (void)
{
  g_autoptr (Hostile) hostile = hostile_new (NULL);
  g_autoptr (SbTestRaw) raw = open_raw_session (hostile);
  static const char text[] = "{\"to\":\"@user3\",\"message\":\"\xff\xfe\"}";

  sb_test_raw_send_frame (raw, SB_TEST_FINAL | SB_TEST_TEXT, text, sizeof text - 1);
  g_assert_cmpuint (wait_close (raw), ==, 1007);
}

/* Pings are answered, and at the latest when nobody reads the answers the bus stops reading. */
static void
bounds_a_flood_of_pings (void)
{
  static const char *const pings[] = { "{\"type\":\"ping\"}", NULL };
  g_autoptr (Hostile) hostile = hostile_new (NULL);

  for (guint kind = 0; kind < G_N_ELEMENTS (pings); kind++)
    {
      g_autoptr (SbPeer) peer = hostile_open (SB_PEER_WEBSOCKET, hostile->ws_port, NULL, NULL);
      char payload[125] = "";

      sb_peer_log_in (peer, "user2", "user2-pw", NULL);
      sb_peer_set_reading (peer, FALSE);
      for (guint i = 0; i < 300000; i++)
        sb_peer_send_frame (peer, pings[kind] != NULL ? SB_OPCODE_TEXT : SB_OPCODE_PING, TRUE,
                            pings[kind] != NULL ? pings[kind] : payload,
                            pings[kind] != NULL ? -1 : (gssize) sizeof payload);
      hostile_let_pass (500);
      hostile_serve_others (hostile);
      hostile_assert_memory (hostile, 16);
    }
}

/* What is sent before the log-in is refused and forgotten; the socket stays, and may log in. */
static void
refuses_frames_before_the_log_in (void)
{
  static const char *const frames[] = {
    "{\"to\":\"@user3\",\"message\":1}",
    "{\"type\":\"confirmation\",\"data\":\"x\"}",
    "{\"type\":\"file\"}",
    "[]",
    "x",
  };
  g_autoptr (Hostile) hostile = hostile_new (NULL);
  g_autoptr (SbTestRaw) raw = sb_test_raw_new (hostile->ws_port);
  g_autoptr (SbTestHttp) recipient = sb_test_http_as (hostile->daemon, "user3");
  g_autoptr (SbTestAnswer) answer = NULL;
  g_autofree char *hello = NULL;

  sb_test_raw_upgrade (raw, "/");
  for (gsize i = 0; i < G_N_ELEMENTS (frames); i++)
    {
      g_autofree char *error = NULL;

      send_text (raw, frames[i]);
      error = sb_test_raw_wait_text (raw, "\"ERROR\"");
      g_assert_nonnull (error);
    }
  send_text (raw, CONNECT);
  hello = sb_test_raw_wait_text (raw, "\"connected\"");
  g_assert_nonnull (hello);
  answer = sb_test_http_get (recipient, "/get");
  g_assert_cmpstr (answer->body, ==, "[]");
}

static void
refuses_a_second_log_in (void)
{
  g_autoptr (Hostile) hostile = hostile_new (NULL);
  g_autoptr (SbTestRaw) raw = open_raw_session (hostile);
  g_autofree char *error = NULL;
  g_autofree char *delivery = NULL;

  send_text (raw, "{\"type\":\"connect\",\"data\":\"user3\",\"password\":\"user3-pw\"}");
  error = sb_test_raw_wait_text (raw, "\"ERROR\"");
  g_assert_nonnull (error);
  g_assert_null (strstr (error, "user3-pw"));
  send_text (raw, "{\"to\":\"@user2\",\"message\":1}");
  delivery = sb_test_raw_wait_text (raw, "\"message\"");
  g_assert_nonnull (strstr (delivery, "\"sender\":\"user2\""));
}

static void
refuses_odd_log_ins (void)
{
  static const char *const log_ins[] = {
    "{\"type\":\"connect\"}",
    "{\"type\":\"connect\",\"data\":\"user2\"}",
    "{\"type\":\"connect\",\"data\":\"user2\",\"password\":\"\"}",
    "{\"type\":\"connect\",\"data\":\"user2\",\"password\":null}",
    "{\"type\":\"connect\",\"data\":\"user2\",\"password\":[\"user2-pw\"]}",
    "{\"type\":\"connect\",\"data\":[\"user2\"],\"password\":\"user2-pw\"}",
    "{\"type\":\"connect\",\"data\":\"\",\"password\":\"user2-pw\"}",
    "{\"type\":\"connect\",\"data\":\"user2\\u0000\",\"password\":\"user2-pw\"}",
    "{\"type\":\"connect\",\"data\":\"user2\",\"password\":\"user2-pw\\u0000x\"}",
    "{\"type\":\"connect\",\"data\":\"user2\",\"password\":\"USER2-PW\"}",
    "{\"type\":\"connect\",\"data\":\"User2\",\"password\":\"user2-pw\"}",
    "{\"type\":\"connect\",\"data\":\"user9\",\"data\":\"user2\",\"password\":\"user2-pw\"}",
    "{\"type\":\"connect\",\"data\":\"user2\",\"token\":\"\"}",
    "{\"type\":\"connect\",\"data\":\"user2\",\"token\":\"AAAA.BBBB.CCCC\"}",
  };
  g_autoptr (Hostile) hostile = hostile_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (log_ins); i++)
    {
      g_autoptr (SbTestRaw) raw = sb_test_raw_new (hostile->ws_port);
      guint code;

      sb_test_raw_upgrade (raw, "/");
      send_text (raw, log_ins[i]);
      send_text (raw, "{\"type\":\"ping\"}");
      send_text (raw, "{\"to\":\"@user2\",\"message\":1}");
      code = wait_close (raw);
      if (code != 1002)
        hostile_fail ("%s: closed with %u", log_ins[i], code);
    }
}

static void
ignores_forged_confirmations (void)
{
  g_autoptr (Hostile) hostile = hostile_new (NULL);
  g_autoptr (SbTestHttp) thief = sb_test_http_as (hostile->daemon, "user3");
  g_autoptr (SbTestRaw) raw = open_raw_session (hostile);
  g_autoptr (SbTestAnswer) answer = NULL;
  g_autofree char *id = sb_test_put (hostile->admin, "{\"to\":\"@user4\",\"message\":1}");
  g_autofree char *frame = g_strdup_printf (
      "{\"type\":\"confirmation\",\"data\":\"%s\",\"confirm\":\"admin\",\"sender\":\"user4\"}", id);
  g_autofree char *pong = NULL;
  g_autofree char *state = NULL;

  send_text (raw, frame);
  send_text (raw, "{\"type\":\"ping\"}");
  pong = sb_test_raw_wait_text (raw, "\"pong\"");
  answer = sb_test_http_postf (thief, "/confirm", "[\"%s\"]", id);
  sb_test_assert_status (answer, 200);
  g_assert_nonnull (strstr (answer->body, "\"confirmed\":[]"));
  state = sb_test_get_state (hostile->admin, id, "user4");
  g_assert_cmpstr (state, ==, "pending");
}

static void
survives_a_flood_of_unknown_confirmations (void)
{
  g_autoptr (Hostile) hostile = hostile_new (NULL);
  g_autoptr (SbPeer) peer = hostile_open (SB_PEER_WEBSOCKET, hostile->ws_port, NULL, NULL);

  sb_peer_log_in (peer, "user2", "user2-pw", NULL);
  for (guint i = 0; i < 100000; i++)
    sb_peer_printf (peer, "{\"type\":\"confirmation\",\"data\":\"nothing-%u\"}", i);
  for (guint i = 0; i < 10; i++)
    hostile_serve_others (hostile);
  hostile_assert_memory (hostile, 64);
}

static void
answers_a_confirm_of_very_many (void)
{
  g_autoptr (Hostile) hostile = hostile_new (NULL);
  g_autoptr (GString) ids = g_string_new ("[\"x\"");
  g_autoptr (SbTestAnswer) answer = NULL;

  while (ids->len < 4 * 1024 * 1024)
    g_string_append (ids, ",\"x\"");
  g_string_append_c (ids, ']');
  answer = sb_test_http_post (hostile->other, "/confirm", ids->str);
  g_assert_cmpuint (answer->status, >=, 200);
  g_assert_cmpuint (answer->status, <, 500);
  hostile_serve_others (hostile);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/hostile-frames/closes-at-a-frame-that-says-it-is-huge",
                   closes_at_a_frame_that_says_it_is_huge);
  g_test_add_func ("/hostile-frames/closes-at-a-frame-over-the-limit",
                   closes_at_a_frame_over_the_limit);
  g_test_add_func ("/hostile-frames/bounds-fragments-without-end", bounds_fragments_without_end);
  g_test_add_func ("/hostile-frames/bounds-empty-fragments", bounds_empty_fragments);
  g_test_add_func ("/hostile-frames/closes-at-frames-against-the-protocol",
                   closes_at_frames_against_the_protocol);
  g_test_add_func ("/hostile-frames/refuses-text-that-is-no-utf8", refuses_text_that_is_no_utf8);
  g_test_add_func ("/hostile-frames/bounds-a-flood-of-pings", bounds_a_flood_of_pings);
  g_test_add_func ("/hostile-frames/refuses-frames-before-the-log-in",
                   refuses_frames_before_the_log_in);
  g_test_add_func ("/hostile-frames/refuses-a-second-log-in", refuses_a_second_log_in);
  g_test_add_func ("/hostile-frames/refuses-odd-log-ins", refuses_odd_log_ins);
  g_test_add_func ("/hostile-frames/ignores-forged-confirmations", ignores_forged_confirmations);
  g_test_add_func ("/hostile-frames/survives-a-flood-of-unknown-confirmations",
                   survives_a_flood_of_unknown_confirmations);
  g_test_add_func ("/hostile-frames/answers-a-confirm-of-very-many",
                   answers_a_confirm_of_very_many);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-direct-flow: direct messages to who does not keep up, which harms only himself, and beside
 * guaranteed ones and pings on the same socket.
 */

#include "sb-test-raw.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <string.h>

#define MEGABYTE (1024 * 1024)

/* --- What the tests do --- */

static SbTestWs *
log_in (SbTestSite *bus, const char *user)
{
  return sb_test_ws_log_in_as (bus->daemon, user, NULL);
}

/* For who shall not read, or shall see the frames as they are. */
static SbTestRaw *
log_in_raw (SbTestSite *bus, const char *user)
{
  SbTestRaw *raw = sb_test_raw_new (sb_test_daemon_get_ws_port (bus->daemon));
  g_autofree char *frame = g_strdup_printf (
      "{\"type\":\"connect\",\"data\":\"%s\",\"password\":\"%s-pw\",\"hello\":true}", user, user);

  sb_test_raw_upgrade (raw, "/");
  sb_test_raw_send_frame (raw, SB_TEST_FINAL | SB_TEST_TEXT, frame, strlen (frame));
  g_free (sb_test_raw_wait_text (raw, "connected"));
  return raw;
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

/* --- Who does not keep up --- */

#define BIG (60 * 1024)

/* Sends @n large messages to @to, each of which @keeper gets before the next. */
static void
send_big (SbTestWs *alice, const char *to, SbTestWs *keeper, guint n)
{
  g_autofree char *pad = g_strnfill (BIG, 'p');

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *id = g_strdup_printf ("big-%u", i);

      sb_test_ws_sendf (
          alice, "{\"_id\":\"%s\",\"to\":%s,\"message\":\"%s\",\"direct\":true,\"uid\":\"c\"}", id,
          to, pad);
      take_id (keeper, id);
    }
}

static void
test_a_deaf_recipient_slows_nobody_and_costs_no_memory (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestRaw) deaf = log_in_raw (bus, "bob");
  g_autoptr (SbTestWs) alice = log_in (bus, "alice");
  g_autoptr (SbTestWs) carol = log_in (bus, "carol");
  guint64 before = sb_test_daemon_get_rss (bus->daemon);

  send_big (alice, "[\"@bob\",\"@carol\"]", carol, 500);
  if (!sb_test_daemon_is_instrumented ())
    g_assert_cmpuint (sb_test_daemon_get_rss (bus->daemon), <, before + 8 * MEGABYTE);
}

static void
test_tells_a_socket_what_was_dropped (void)
{
  const guint n = 500;
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestRaw) deaf = log_in_raw (bus, "bob");
  g_autoptr (SbTestWs) alice = log_in (bus, "alice");
  g_autoptr (SbTestWs) carol = log_in (bus, "carol");
  double n_dropped;

  send_big (alice, "\"#orders\"", carol, n);
  sb_test_ws_sync (alice);
  n_dropped = sb_test_get_metric (bus->admin, "simplebus_direct_dropped_total");
  g_assert_cmpfloat (n_dropped, >, 0);
  g_assert_cmpfloat (n_dropped, ==, sb_test_ws_get_n_frames (alice));
  g_assert_cmpfloat (sb_test_get_metric (bus->admin, "simplebus_direct_delivered_total"), ==,
                     2 * n - n_dropped);
  for (guint i = 0; i < n_dropped; i++)
    {
      g_autoptr (SbTestFrame) error = sb_test_ws_take (alice);

      g_assert_cmpstr (sb_test_frame_get (error, "type"), ==, "ERROR");
      g_assert_true (g_str_has_prefix (sb_test_frame_get (error, "data"), "big-"));
      g_assert_cmpstr (sb_test_frame_get (error, "uid"), ==, "c");
      g_assert_nonnull (strstr (sb_test_frame_get (error, "error"), "@bob"));
    }
}

/* Direct messages to @who are dropped from now on. */
static SbTestRaw *
log_in_choked (SbTestSite *bus, const char *who)
{
  SbTestRaw *raw = log_in_raw (bus, who);
  g_autofree char *pad = g_strnfill (MEGABYTE, 'p');
  g_autofree char *body = g_strdup_printf ("{\"to\":\"@%s\",\"message\":\"%s\",\"direct\":true}",
                                           who, pad);

  for (gint64 delivered = 1; delivered > 0;)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_post (bus->admin, "/put", body);

      sb_test_assert_status (answer, 200);
      delivered = sb_test_json_int (sb_test_answer_object (answer), "delivered");
    }
  return raw;
}

static void
test_names_over_http_for_whom_it_was_dropped (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestRaw) choked = log_in_choked (bus, "bob");
  g_autoptr (SbTestWs) carol = log_in (bus, "carol");
  g_autoptr (SbTestAnswer) answer = put (bus->alice, "x", "[\"#orders\",\"@alice\"]");

  sb_test_assert_status (answer, 200);
  g_assert_cmpstr (answer->body, ==,
                   "{\"_id\":\"x\",\"delivered\":1,\"offline\":[\"@alice\"],\"unknown\":[],"
                   "\"dropped\":[\"@bob\"]}");
}

/* He was online, and can never confirm it. */
static void
test_answers_202_to_who_waits_for_one_that_was_dropped (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestRaw) choked = log_in_choked (bus, "bob");
  g_autoptr (SbTestWs) carol = log_in (bus, "carol");
  g_autoptr (SbTestAnswer) alone = sb_test_http_end (
      begin_put (bus->alice, "x", "\"@bob\"", "wait=600"));
  SbTestExchange *exchange = begin_put (bus->alice, "y", "\"#orders\"", "wait=600");
  g_autoptr (SbTestAnswer) both = NULL;

  sb_test_assert_status (alone, 202);
  take_id (carol, "y");
  sb_test_ws_confirm (carol, "y");
  both = sb_test_http_end (exchange);
  sb_test_assert_status (both, 202);
}

static void
test_passes_no_confirmation_of_a_dropped_copy_on (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestRaw) choked = log_in_choked (bus, "bob");
  g_autoptr (SbTestWs) alice = log_in (bus, "alice");
  static const char frame[] = "{\"type\":\"confirmation\",\"data\":\"x\"}";

  g_assert_cmpint (put_and_count (bus->alice, "x", "\"@bob\""), ==, 0);
  sb_test_raw_send_frame (choked, SB_TEST_FINAL | SB_TEST_TEXT, frame, strlen (frame));
  sb_test_raw_send_frame (choked, SB_TEST_FINAL | SB_TEST_PING, "p", 1);
  g_free (sb_test_raw_wait_frame (choked, SB_TEST_PONG, NULL));
  sb_test_ws_assert_nothing (alice);
}

static void
test_goes_on_with_a_recipient_that_reads_again (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestRaw) choked = log_in_choked (bus, "bob");
  g_autofree char *frame = NULL;

  while (put_and_count (bus->alice, "x", "\"@bob\"") == 0)
    g_free (sb_test_raw_wait_text (choked, "ppp"));
  frame = sb_test_raw_wait_text (choked, "\"x\"");
  g_assert_cmpstr (frame, ==,
                   "{\"_id\":\"x\",\"sender\":\"alice\",\"to\":\"@bob\",\"message\":1,"
                   "\"direct\":true}");
}

/* --- One socket, all kinds --- */

typedef struct
{
  SbTestRaw *bob;
  guint n_large, n_direct, n_pongs;
} Mixed;

static void
take_text (Mixed *self, const char *text)
{
  g_autoptr (JsonObject) frame = sb_test_json_object (text);
  const char *id = sb_test_json_string (frame, "_id");
  g_autofree char *confirmation = NULL;

  if (id == NULL)
    {
      g_assert_cmpstr (sb_test_json_string (frame, "type"), ==, "ping");
      return;
    }
  confirmation = g_strdup_printf ("{\"type\":\"confirmation\",\"data\":\"%s\"}", id);
  sb_test_raw_send_frame (self->bob, SB_TEST_FINAL | SB_TEST_TEXT, confirmation,
                          strlen (confirmation));
  if (json_object_has_member (frame, "direct"))
    {
      g_assert_cmpint (sb_test_json_int (frame, "message"), ==, self->n_direct++);
      return;
    }
  g_assert_cmpuint (strlen (sb_test_json_string (frame, "message")), ==, MEGABYTE);
  g_assert_cmpint (sb_test_json_int (frame, "n"), ==, self->n_large++);
}

static void
take_any (Mixed *self)
{
  guint8 opcode = 0;
  gsize length = 0;
  g_autofree char *data = sb_test_raw_read_frame (self->bob, &opcode, &length);

  g_assert_nonnull (data);
  if (opcode == SB_TEST_PONG)
    {
      g_assert_cmpuint (length, ==, 1 + self->n_pongs % 125);
      for (gsize i = 0; i < length; i++)
        g_assert_cmpuint ((guint8) data[i], ==, self->n_pongs);
      self->n_pongs++;
      return;
    }
  g_assert_cmpuint (opcode, ==, SB_TEST_TEXT);
  g_assert_cmpuint (strlen (data), ==, length);
  take_text (self, data);
}

static void
put_large (SbTestSite *bus, const char *large, guint i)
{
  g_autoptr (SbTestAnswer) stored = sb_test_http_postf (
      bus->alice, "/put", "{\"to\":\"@bob\",\"n\":%u,\"message\":\"%s\"}", i, large);

  sb_test_assert_status (stored, 200);
}

static void
test_mixes_with_the_guaranteed_in_whole_frames (void)
{
  const guint n = 20;
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestRaw) bob = log_in_raw (bus, "bob");
  g_autofree char *large = g_strnfill (MEGABYTE, 'p');
  Mixed mixed = { .bob = bob };
  guint n_direct = 0, n_pings = 0;

  for (guint i = 0; i < n; i++)
    {
      put_large (bus, large, i);
      for (guint j = 0; j < 10; j++)
        {
          g_autoptr (SbTestAnswer) answer = sb_test_http_postf (
              bus->alice, "/put", "{\"to\":\"@bob\",\"message\":%u,\"direct\":true}", n_direct);
          guint8 payload[125];

          n_direct += sb_test_json_int (sb_test_answer_object (answer), "delivered");
          memset (payload, n_pings, sizeof payload);
          sb_test_raw_send_frame (bob, SB_TEST_FINAL | SB_TEST_PING, payload, 1 + n_pings % 125);
          n_pings++;
        }
      for (guint j = 0; j < 5 && mixed.n_large <= i; j++)
        take_any (&mixed);
    }
  while (mixed.n_large < n || mixed.n_direct < n_direct || mixed.n_pongs < n_pings)
    take_any (&mixed);
  g_assert_cmpuint (mixed.n_direct, >, 0);
}

static const struct
{
  const char *name;
  void (*func) (void);
} tests[] = {
  { "/direct-flow/a-deaf-recipient-slows-nobody-and-costs-no-memory",
    test_a_deaf_recipient_slows_nobody_and_costs_no_memory },
  { "/direct-flow/tells-a-socket-what-was-dropped", test_tells_a_socket_what_was_dropped },
  { "/direct-flow/names-over-http-for-whom-it-was-dropped",
    test_names_over_http_for_whom_it_was_dropped },
  { "/direct-flow/answers-202-to-who-waits-for-one-that-was-dropped",
    test_answers_202_to_who_waits_for_one_that_was_dropped },
  { "/direct-flow/passes-no-confirmation-of-a-dropped-copy-on",
    test_passes_no_confirmation_of_a_dropped_copy_on },
  { "/direct-flow/goes-on-with-a-recipient-that-reads-again",
    test_goes_on_with_a_recipient_that_reads_again },
  { "/direct-flow/mixes-with-the-guaranteed-in-whole-frames",
    test_mixes_with_the_guaranteed_in_whole_frames },
};

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add_func (tests[i].name, tests[i].func);
  return g_test_run ();
}

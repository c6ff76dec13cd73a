/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-hostile-limits: limits made tiny, and more than they allow. Refused, told, and over soon. */

#include "hostile.h"

#include <string.h>

#define N_SENDERS 100

typedef struct
{
  SbPeer *peers[N_SENDERS]; /* (owned) */
  guint n_taken;
  guint n_refused;
  guint n_answers;
  guint n_accepted;
} Senders;

static void
on_answer (SbPeer *peer, guint status, const char *head, const char *body, gsize length,
           gpointer user_data)
{
  Senders *self = user_data;

  self->n_answers++;
  if (status == 200)
    {
      self->n_taken++;
      return;
    }
  g_assert_cmpuint (status, ==, 503);
  g_assert_nonnull (strcasestr (head, "\r\nRetry-After: "));
  g_assert_nonnull (strstr (body, "\"reason\":\"busy\""));
  self->n_refused++;
}

static guint
count_waiting (Hostile *hostile, const char *user)
{
  g_autoptr (SbTestHttp) client = sb_test_http_as (hostile->daemon, user);
  guint n = 0;

  for (;;)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_get (client, "/get?limit=64");
      g_autoptr (SbTestAnswer) confirmed = NULL;
      g_autoptr (GString) ids = g_string_new ("[");
      JsonArray *messages = json_node_get_array (answer->json);
      guint length = json_array_get_length (messages);

      if (length == 0)
        return n;
      for (guint i = 0; i < length; i++)
        g_string_append_printf (
            ids, "%s\"%s\"", i > 0 ? "," : "",
            sb_test_json_string (json_array_get_object_element (messages, i), "_id"));
      g_string_append_c (ids, ']');
      confirmed = sb_test_http_post (client, "/confirm", ids->str);
      sb_test_assert_status (confirmed, 200);
      n += length;
    }
}

static void
answers_503_when_the_journal_is_full (void)
{
  static const SbPeerFuncs funcs = { .answer = on_answer };
  g_autoptr (Hostile) hostile = hostile_new ("bus.journal-backlog=2");
  g_autoptr (SbTestHttp) sender = sb_test_http_as (hostile->daemon, "user3");
  g_autoptr (SbTestAnswer) known = sb_test_http_get (sender, "/get");
  Senders senders = { .n_taken = 0 };

  for (guint i = 0; i < N_SENDERS; i++)
    senders.peers[i] = hostile_open (SB_PEER_HTTP, hostile->http_port, &funcs, &senders);
  for (guint i = 0; i < N_SENDERS; i++)
    sb_peer_request (senders.peers[i], "POST", "/put", "user3", "user3-pw",
                     "{\"to\":\"@user2\",\"message\":1}", -1);
  sb_test_wait_count (&senders.n_answers, N_SENDERS, "the answers");
  g_test_message ("%u taken, %u refused", senders.n_taken, senders.n_refused);
  g_assert_cmpuint (senders.n_taken, >, 0);
  g_assert_cmpuint (senders.n_refused, >, 0);
  g_assert_cmpuint (count_waiting (hostile, "user2"), ==, senders.n_taken);
  for (guint i = 0; i < N_SENDERS; i++)
    sb_peer_free (senders.peers[i]);
}

static void
on_frame (SbPeer *peer, int opcode, const char *payload, gsize length, gpointer user_data)
{
  Senders *self = user_data;

  g_assert_null (strstr (payload, "\"ERROR\""));
  if (strstr (payload, "\"accepted\"") != NULL)
    self->n_accepted++;
}

/* An old device never sends again: it is made to wait, not refused. */
static void
lets_a_session_wait_when_the_journal_is_full (void)
{
  static const SbPeerFuncs funcs = { .frame = on_frame };
  g_autoptr (Hostile) hostile = hostile_new ("bus.journal-backlog=2 bus.journal-backlog-bytes=1K");
  Senders senders = { .n_taken = 0 };
  g_autoptr (SbPeer) peer = hostile_open (SB_PEER_WEBSOCKET, hostile->ws_port, &funcs, &senders);

  sb_peer_log_in (peer, "user3", "user3-pw", ",\"accepted\":true");
  for (guint i = 0; i < 3000; i++)
    sb_peer_printf (peer, "{\"to\":\"@user2\",\"message\":%u}", i);
  /* Every second one waits for the disk, and some disks are slow. */
  for (guint n = 500; n <= 3000; n += 500)
    sb_test_wait_count (&senders.n_accepted, n, "all to be accepted");
  g_assert_cmpuint (count_waiting (hostile, "user2"), ==, 3000);
}

static void
answers_429_when_a_queue_is_full (void)
{
  g_autoptr (Hostile) hostile = hostile_new ("bus.max-queue=3");
  g_autoptr (SbTestAnswer) full = NULL;
  g_autoptr (SbTestAnswer) both = NULL;
  g_autofree char *id = NULL;

  for (guint i = 0; i < 3; i++)
    g_free (sb_test_put (hostile->admin, "{\"to\":\"@user2\",\"message\":1}"));
  full = sb_test_http_post (hostile->admin, "/put", "{\"to\":\"@user2\",\"message\":1}");
  sb_test_assert_problem (full, 429, "full");
  g_assert_nonnull (sb_test_answer_header (full, "Retry-After"));
  g_assert_nonnull (strstr (full->body, "\"full\":[\"user2\"]"));
  both = sb_test_http_post (hostile->admin, "/put",
                            "{\"to\":[\"@user3\",\"@user2\"],\"message\":1}");
  sb_test_assert_problem (both, 429, "full");
  g_assert_cmpuint (count_waiting (hostile, "user3"), ==, 0);
  g_assert_cmpuint (count_waiting (hostile, "user2"), ==, 3);
  id = sb_test_put (hostile->admin, "{\"to\":\"@user2\",\"message\":1}");
}

static void
bounds_a_queue_in_bytes (void)
{
  g_autoptr (Hostile) hostile = hostile_new ("bus.max-queue-bytes=10K");
  g_autofree char *pad = g_strnfill (4000, 'p');
  g_autofree char *message = g_strdup_printf ("{\"to\":\"@user2\",\"message\":\"%s\"}", pad);
  g_autoptr (SbTestAnswer) full = NULL;
  guint n = 0;

  while (full == NULL && n < 10)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_post (hostile->admin, "/put", message);

      if (answer->status == 200)
        n++;
      else
        full = g_steal_pointer (&answer);
    }
  sb_test_assert_problem (full, 429, "full");
  g_assert_cmpuint (n, >=, 2);
  g_assert_cmpuint (n, <=, 3);
  g_assert_cmpuint (count_waiting (hostile, "user2"), ==, n);
}

static void
refuses_sessions_over_the_limit (void)
{
  g_autoptr (Hostile) hostile = hostile_new ("bus.max-sessions=2");
  g_autoptr (SbTestWs) first = sb_test_ws_log_in_as (hostile->daemon, "user1", NULL);
  g_autoptr (SbTestWs) second = sb_test_ws_log_in_as (hostile->daemon, "user2", NULL);
  g_autoptr (SbTestWs) third = sb_test_ws_begin_as (hostile->daemon, "user3", NULL);

  g_assert_cmpuint (sb_test_ws_wait_closed (third), ==, 1011);
  sb_test_ws_sync (first);
  sb_test_ws_sync (second);
}

static void
refuses_connections_over_the_limit (void)
{
  g_autoptr (Hostile) hostile = hostile_new ("transport-soup.max-connections-per-address=20");
  SbPeer *peers[100];
  guint n_open = 0;
  static const SbPeerFuncs none;

  for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
    {
      peers[i] = sb_peer_new_from ("127.0.0.9", SB_PEER_RAW, hostile->http_port, &none, NULL);
      sb_peer_send (peers[i], "GET /", -1);
    }
  hostile_let_pass (300);
  for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
    {
      n_open += sb_peer_is_open (peers[i]);
      sb_peer_free (peers[i]);
    }
  g_assert_cmpuint (n_open, ==, 20);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/hostile-limits/answers-503-when-the-journal-is-full",
                   answers_503_when_the_journal_is_full);
  g_test_add_func ("/hostile-limits/lets-a-session-wait-when-the-journal-is-full",
                   lets_a_session_wait_when_the_journal_is_full);
  g_test_add_func ("/hostile-limits/answers-429-when-a-queue-is-full",
                   answers_429_when_a_queue_is_full);
  g_test_add_func ("/hostile-limits/bounds-a-queue-in-bytes", bounds_a_queue_in_bytes);
  g_test_add_func ("/hostile-limits/refuses-sessions-over-the-limit",
                   refuses_sessions_over_the_limit);
  g_test_add_func ("/hostile-limits/refuses-connections-over-the-limit",
                   refuses_connections_over_the_limit);
  return g_test_run ();
}

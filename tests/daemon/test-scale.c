/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-scale: a hundred thousand stored messages, ten thousand users, two thousand idle sessions.
 * Under valgrind and sanitizers the numbers are smaller, and times and memory say nothing.
 */

#include "hostile.h"

#include <crypt.h>
#include <sqlite3.h>
#include <string.h>

#define MIB (1024 * 1024)

static guint
scaled (guint n)
{
  return sb_test_daemon_is_instrumented () ? n / 50 : n;
}

static double
seconds_since (gint64 started)
{
  return (double) (g_get_monotonic_time () - started) / G_USEC_PER_SEC;
}

/* A stream of messages, and its end */

typedef struct
{
  guint n;
  guint n_sent;
  guint n_accepted;
  guint n_arrived;
  guint n_pongs;
} Stream;

#define AHEAD 2000

static void
send_more (Stream *self, SbPeer *peer)
{
  static char pad[160];

  memset (pad, 'p', sizeof pad - 1);
  while (self->n_sent < self->n && self->n_sent < self->n_accepted + AHEAD)
    {
      sb_peer_printf (peer,
                      "{\"_id\":\"s-%u\",\"to\":\"@user2\",\"message\":{\"n\":%u,\"pad\":\"%s\"}}",
                      self->n_sent, self->n_sent, pad);
      self->n_sent++;
    }
}

static void
on_accepted (SbPeer *peer, int opcode, const char *payload, gsize length, gpointer user_data)
{
  Stream *self = user_data;

  if (strstr (payload, "\"accepted\"") == NULL)
    return;
  self->n_accepted++;
  if (self->n_accepted % (AHEAD / 4) == 0)
    send_more (self, peer);
}

/* Messages must come in order: each names its number. */
static void
on_delivery (SbPeer *peer, int opcode, const char *payload, gsize length, gpointer user_data)
{
  Stream *self = user_data;
  const char *number = strstr (payload, "{\"n\":");

  if (strstr (payload, "\"pong\"") != NULL)
    self->n_pongs++;
  if (number == NULL)
    return;
  g_assert_cmpuint (g_ascii_strtoull (number + strlen ("{\"n\":"), NULL, 10), ==, self->n_arrived);
  sb_peer_printf (peer, "{\"type\":\"confirmation\",\"data\":\"s-%u\"}", self->n_arrived);
  self->n_arrived++;
}

static void
store (Hostile *hostile, Stream *self)
{
  static const SbPeerFuncs funcs = { .frame = on_accepted };
  g_autoptr (SbPeer) peer = hostile_open (SB_PEER_WEBSOCKET, hostile->ws_port, &funcs, self);
  gint64 started = g_get_monotonic_time ();

  sb_peer_log_in (peer, "user3", "user3-pw", ",\"accepted\":true,\"receipts\":false");
  send_more (self, peer);
  sb_test_wait_count (&self->n_accepted, self->n, "all to be stored");
  g_test_message ("stored %u messages, %.0f/s", self->n, self->n / seconds_since (started));
}

static void
drain (Hostile *hostile, Stream *self)
{
  static const SbPeerFuncs funcs = { .frame = on_delivery };
  g_autoptr (SbPeer) peer = hostile_open (SB_PEER_WEBSOCKET, hostile->ws_port, &funcs, self);
  gint64 started = g_get_monotonic_time ();

  sb_peer_log_in (peer, "user2", "user2-pw", NULL);
  sb_test_wait_count (&self->n_arrived, self->n, "all to arrive");
  g_test_message ("drained %u messages, %.0f/s", self->n, self->n / seconds_since (started));
  /* The bus has read the last confirmation when it answers what stands behind it. */
  sb_peer_printf (peer, "{\"type\":\"ping\"}");
  sb_test_wait_count (&self->n_pongs, 1, "the last confirmation to be read");
}

static void
assert_queue_empties (Hostile *hostile)
{
  g_autofree char *last = g_strdup_printf ("s-%u", scaled (100000) - 1);

  /* The last confirmation may still be on its way to the disk. */
  sb_test_wait_state (hostile->admin, last, "user2", "confirmed");
}

static void
restarts_with_a_hundred_thousand_messages (void)
{
  g_autoptr (Hostile) hostile = hostile_new (NULL);
  g_autoptr (SbTestHttp) recipient = sb_test_http_as (hostile->daemon, "user2");
  g_autoptr (SbTestAnswer) rest = NULL;
  Stream stream = { .n = scaled (100000) };
  gint64 started;
  double ready;

  store (hostile, &stream);
  hostile_assert_memory (hostile, 20);
  sb_test_daemon_kill (hostile->daemon);
  started = g_get_monotonic_time ();
  sb_test_daemon_restart (hostile->daemon, TRUE);
  ready = seconds_since (started);
  g_test_message ("ready after %.3f s, with %.1f MiB", ready,
                  (double) sb_test_daemon_get_rss (hostile->daemon) / MIB);
  if (!sb_test_daemon_is_instrumented ())
    g_assert_cmpfloat (ready, <, 2);
  drain (hostile, &stream);
  assert_queue_empties (hostile);
  hostile_assert_memory (hostile, 40);
  rest = sb_test_http_get (recipient, "/get");
  g_assert_cmpstr (rest->body, ==, "[]");
}

static void
restarts_after_a_stop_with_a_hundred_thousand_messages (void)
{
  g_autoptr (Hostile) hostile = hostile_new (NULL);
  Stream stream = { .n = scaled (100000) };
  gint64 started;
  double ready;

  store (hostile, &stream);
  started = g_get_monotonic_time ();
  sb_test_daemon_terminate (hostile->daemon);
  g_test_message ("stopped after %.3f s", seconds_since (started));
  started = g_get_monotonic_time ();
  sb_test_daemon_restart (hostile->daemon, TRUE);
  ready = seconds_since (started);
  g_test_message ("ready after %.3f s", ready);
  if (!sb_test_daemon_is_instrumented ())
    g_assert_cmpfloat (ready, <, 2);
}

/* Users */

/* Makes users u0, u1, … of a bus that is not running, all with one hash at the least cost: this is
 * not about hashing, which would take minutes. */
#define COPY_USER                                                                      \
  "INSERT INTO user (id, password_hash, tags, admin, created)"                         \
  " WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < %u)" \
  " SELECT 'u' || i, '%s', tags, admin, created FROM user, n WHERE id = 'user4'"

static void
make_users (Hostile *hostile, guint n)
{
  g_autofree char *path = g_build_filename (sb_test_daemon_get_data_dir (hostile->daemon),
                                            "simplebus.db", NULL);
  char setting[CRYPT_GENSALT_OUTPUT_SIZE];
  g_autofree struct crypt_data *data = g_new0 (struct crypt_data, 1);
  g_autofree char *sql = NULL;
  sqlite3 *db;

  g_assert_nonnull (crypt_gensalt_rn ("$y$", 1, NULL, 0, setting, sizeof setting));
  sql = g_strdup_printf (COPY_USER, n, crypt_rn ("p", setting, data, sizeof *data));
  sb_test_daemon_terminate (hostile->daemon);
  g_assert_cmpint (sqlite3_open (path, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_close (db), ==, SQLITE_OK);
  sb_test_daemon_restart (hostile->daemon, TRUE);
  hostile_serve_others (hostile);
}

static void
sends_to_thousands_of_users (void)
{
  g_autoptr (Hostile) hostile = hostile_new (NULL);
  const guint n = scaled (10000);
  g_autoptr (SbTestAnswer) answer = NULL;
  g_autoptr (SbTestHttp) last = NULL;
  g_autoptr (SbTestAnswer) fetched = NULL;
  g_autofree char *name = g_strdup_printf ("u%u", n - 1);
  gint64 started;

  make_users (hostile, n);
  hostile->memory = sb_test_daemon_get_rss (hostile->daemon);
  started = g_get_monotonic_time ();
  answer = sb_test_http_post (hostile->admin, "/put",
                              "{\"_id\":\"all\",\"to\":\"$all\",\"message\":1}");
  sb_test_assert_status (answer, 200);
  g_test_message ("%u deliveries stored in %.3f s", n, seconds_since (started));
  /* The users made here, user1 to user4 and the admin. */
  g_assert_cmpint (sb_test_json_int (sb_test_answer_object (answer), "recipients"), ==, n + 5);
  hostile_assert_memory (hostile, 32);
  last = sb_test_http_for (hostile->daemon, name, "p");
  fetched = sb_test_http_get (last, "/get");
  g_assert_nonnull (strstr (fetched->body, "\"all\""));
}

static void
starts_with_thousands_of_users (void)
{
  g_autoptr (Hostile) hostile = hostile_new (NULL);
  gint64 started;

  make_users (hostile, scaled (10000));
  sb_test_daemon_kill (hostile->daemon);
  started = g_get_monotonic_time ();
  sb_test_daemon_restart (hostile->daemon, TRUE);
  g_test_message ("ready after %.3f s", seconds_since (started));
  if (!sb_test_daemon_is_instrumented ())
    g_assert_cmpfloat (seconds_since (started), <, 2);
}

/* Sessions */

typedef struct
{
  guint n_connected;
  SbPeer **peers; /* (owned) */
  guint next;
} Idle;

static void
idle_opened (SbPeer *peer, gpointer user_data)
{
  Idle *self = user_data;

  sb_peer_printf (peer, "{\"type\":\"connect\",\"data\":\"u%u\",\"password\":\"p\",\"hello\":true}",
                  self->next++);
}

static void
idle_frame (SbPeer *peer, int opcode, const char *payload, gsize length, gpointer user_data)
{
  if (strstr (payload, "\"connected\"") != NULL)
    ((Idle *) user_data)->n_connected++;
}

static gint64
get_cpu_time (SbTestDaemon *daemon)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", sb_test_daemon_get_pid (daemon));
  g_autofree char *text = NULL;
  g_auto (GStrv) words = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  words = g_strsplit (strrchr (text, ')') + 2, " ", -1);
  return g_ascii_strtoll (words[11], NULL, 10) + g_ascii_strtoll (words[12], NULL, 10);
}

static void
holds_thousands_of_idle_sessions (void)
{
  static const SbPeerFuncs funcs = { .opened = idle_opened, .frame = idle_frame };
  g_autoptr (Hostile) hostile = hostile_new ("transport-soup.ping-interval=0");
  const guint n = hostile_limit_crowd (scaled (2000));
  Idle idle = { .peers = g_new0 (SbPeer *, n) };
  guint64 before;
  gint64 ticks;

  make_users (hostile, n);
  before = sb_test_daemon_get_rss (hostile->daemon);
  for (guint i = 0; i < n; i++)
    idle.peers[i] = sb_peer_new (SB_PEER_WEBSOCKET, hostile->ws_port, &funcs, &idle);
  sb_test_wait_count (&idle.n_connected, n, "the sessions");
  g_test_message ("%u sessions, %.1f KiB each", n,
                  (double) (gint64) (sb_test_daemon_get_rss (hostile->daemon) - before) / 1024 / n);
  if (!sb_test_daemon_is_instrumented ())
    g_assert_cmpuint (sb_test_daemon_get_rss (hostile->daemon), <,
                      before + (guint64) n * 24 * 1024);
  ticks = get_cpu_time (hostile->daemon);
  hostile_let_pass (2000);
  g_test_message ("%d hundredths of a second of processor time in two seconds",
                  (int) (get_cpu_time (hostile->daemon) - ticks));
  hostile_serve_others (hostile);
  for (guint i = 0; i < n; i++)
    sb_peer_free (idle.peers[i]);
  g_free (idle.peers);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/scale/restarts-with-a-hundred-thousand-messages",
                   restarts_with_a_hundred_thousand_messages);
  g_test_add_func ("/scale/restarts-after-a-stop-with-a-hundred-thousand-messages",
                   restarts_after_a_stop_with_a_hundred_thousand_messages);
  g_test_add_func ("/scale/holds-thousands-of-idle-sessions", holds_thousands_of_idle_sessions);
  g_test_add_func ("/scale/sends-to-thousands-of-users", sends_to_thousands_of_users);
  g_test_add_func ("/scale/starts-with-thousands-of-users", starts_with_thousands_of_users);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-disk-faults: a disk that is full, slow or broken for a while, under a bus that lives on. */

#include "disk-log.h"
#include "hostile.h"

#include <glib/gstdio.h>
#include <string.h>

typedef struct
{
  SbTestDaemon *daemon;  /* (owned) */
  SbTestHttp *admin;     /* (owned) */
  SbTestHttp *sender;    /* (owned) user1 */
  SbTestHttp *recipient; /* (owned) user2 */
} Rig;

static Rig *
rig_new (const char *setting)
{
  Rig *self = g_new0 (Rig, 1);

  self->daemon = sb_test_daemon_new ();
  sb_test_daemon_preload (self->daemon, SB_TEST_DISK_SPY);
  sb_test_daemon_setenv (self->daemon, DISK_ENV_FAULTS, sb_test_daemon_get_dir (self->daemon));
  if (setting != NULL)
    sb_test_daemon_set (self->daemon, "%s", setting);
  sb_test_daemon_start (self->daemon);
  self->admin = sb_test_make_admin (self->daemon);
  sb_test_make_users (self->admin, "user1", "user2", NULL);
  self->sender = sb_test_http_as (self->daemon, "user1");
  self->recipient = sb_test_http_as (self->daemon, "user2");
  return self;
}

static void
rig_free (Rig *self)
{
  sb_test_http_free (self->admin);
  sb_test_http_free (self->sender);
  sb_test_http_free (self->recipient);
  sb_test_daemon_free (self->daemon);
  g_free (self);
}

static void
set_fault (Rig *self, const char *name, gboolean on)
{
  g_autofree char *path = g_build_filename (sb_test_daemon_get_dir (self->daemon), name, NULL);

  if (on)
    g_assert_true (g_file_set_contents (path, "", 0, NULL));
  else
    g_assert_no_errno (g_remove (path));
}

static SbTestAnswer *
put (Rig *self, const char *id)
{
  return sb_test_http_postf (self->sender, "/put",
                             "{\"_id\":\"%s\",\"to\":\"@user2\",\"message\":\"%s\"}", id, id);
}

/* All that waits for user2, as one text; nothing of it is confirmed. */
static char *
fetch_all (Rig *self)
{
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (self->recipient, "/get?limit=64");

  sb_test_assert_status (answer, 200);
  return g_strdup (answer->body);
}

static void
answers_507_while_the_disk_is_full (void)
{
  Rig *rig = rig_new (NULL);
  g_autoptr (SbTestAnswer) before = put (rig, "before");
  g_autoptr (SbTestAnswer) full = NULL;
  g_autoptr (SbTestAnswer) again = NULL;
  g_autofree char *messages = NULL;

  sb_test_assert_status (before, 200);
  set_fault (rig, DISK_FAULT_FULL, TRUE);
  full = put (rig, "later");
  sb_test_assert_problem (full, 507, "no-space");
  set_fault (rig, DISK_FAULT_FULL, FALSE);
  again = put (rig, "later");
  sb_test_assert_status (again, 200);
  messages = fetch_all (rig);
  g_assert_nonnull (strstr (messages, "\"before\""));
  g_assert_nonnull (strstr (messages, "\"later\""));
  rig_free (rig);
}

static void
gives_what_it_has_while_the_disk_is_full (void)
{
  Rig *rig = rig_new (NULL);
  g_autoptr (SbTestAnswer) before = put (rig, "before");
  g_autoptr (SbTestAnswer) confirmed = NULL;
  g_autoptr (SbTestAnswer) again = NULL;
  g_autofree char *messages = NULL;

  set_fault (rig, DISK_FAULT_FULL, TRUE);
  messages = fetch_all (rig);
  g_assert_nonnull (strstr (messages, "\"before\""));
  confirmed = sb_test_http_post (rig->recipient, "/confirm", "[\"before\"]");
  g_assert_cmpuint (confirmed->status, >=, 500);
  set_fault (rig, DISK_FAULT_FULL, FALSE);
  again = sb_test_http_post (rig->recipient, "/confirm", "[\"before\"]");
  sb_test_assert_status (again, 200);
  g_assert_nonnull (strstr (again->body, "\"confirmed\":[\"before\"]"));
  rig_free (rig);
}

/* A WebSocket sender gets an error for what is not stored, and the socket stays. */
static void
tells_a_session_that_the_disk_is_full (void)
{
  Rig *rig = rig_new (NULL);
  g_autoptr (SbTestWs) ws = sb_test_ws_log_in_as (rig->daemon, "user1", "\"accepted\":true");
  g_autoptr (SbTestFrame) error = NULL;
  g_autoptr (SbTestFrame) accepted = NULL;

  set_fault (rig, DISK_FAULT_FULL, TRUE);
  sb_test_ws_send (ws, "{\"_id\":\"w\",\"to\":\"@user2\",\"message\":1}");
  error = sb_test_ws_take_type (ws, "ERROR");
  g_assert_cmpstr (sb_test_frame_get (error, "data"), ==, "w");
  set_fault (rig, DISK_FAULT_FULL, FALSE);
  sb_test_ws_send (ws, "{\"_id\":\"w\",\"to\":\"@user2\",\"message\":1}");
  accepted = sb_test_ws_take_type (ws, "accepted");
  g_assert_cmpstr (sb_test_frame_get (accepted, "data"), ==, "w");
  rig_free (rig);
}

static void
acknowledges_nothing_that_was_not_flushed (void)
{
  Rig *rig = rig_new (NULL);
  g_autoptr (SbTestAnswer) broken = NULL;
  g_autoptr (SbTestAnswer) again = NULL;
  g_autofree char *messages = NULL;

  set_fault (rig, DISK_FAULT_FLUSH, TRUE);
  broken = put (rig, "later");
  g_assert_cmpuint (broken->status, >=, 500);
  set_fault (rig, DISK_FAULT_FLUSH, FALSE);
  again = put (rig, "later");
  sb_test_assert_status (again, 200);
  sb_test_daemon_kill (rig->daemon);
  sb_test_daemon_restart (rig->daemon, TRUE);
  messages = fetch_all (rig);
  g_assert_nonnull (strstr (messages, "\"later\""));
  rig_free (rig);
}

static guint
ask (Rig *rig, const char *path)
{
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (rig->admin, path);

  return answer->status;
}

/* Whoever sends to it shall go elsewhere; restarting it would help nobody. */
static void
lives_and_is_not_ready_while_the_store_fails (void)
{
  Rig *rig = rig_new (NULL);
  g_autoptr (SbTestAnswer) broken = NULL;
  g_autoptr (SbTestAnswer) again = NULL;

  g_assert_cmpuint (ask (rig, "/readyz"), ==, 200);
  set_fault (rig, DISK_FAULT_FLUSH, TRUE);
  broken = put (rig, "later");
  g_assert_cmpuint (ask (rig, "/readyz"), ==, 503);
  g_assert_cmpuint (ask (rig, "/healthz"), ==, 200);
  g_assert_cmpfloat (sb_test_get_metric (rig->admin, "simplebus_ready"), ==, 0);
  set_fault (rig, DISK_FAULT_FLUSH, FALSE);
  again = put (rig, "later");
  sb_test_assert_status (again, 200);
  g_assert_cmpuint (ask (rig, "/readyz"), ==, 200);
  rig_free (rig);
}

static void
answers_after_a_slow_flush (void)
{
  Rig *rig = rig_new (NULL);
  gint64 started;
  g_autoptr (SbTestAnswer) answer = NULL;

  set_fault (rig, DISK_FAULT_SLOW, TRUE);
  started = g_get_monotonic_time ();
  answer = put (rig, "slow");
  g_assert_cmpint (g_get_monotonic_time () - started, >=, DISK_SLOW_MS * 1000);
  sb_test_assert_status (answer, 200);
  rig_free (rig);
}

/* The loop does not wait for the disk. */
static void
serves_others_during_a_slow_flush (void)
{
  Rig *rig = rig_new (NULL);
  SbTestExchange *slow;
  gint64 started;

  set_fault (rig, DISK_FAULT_SLOW, TRUE);
  slow = sb_test_http_begin (rig->sender, "POST", "/put", NULL,
                             "{\"_id\":\"slow\",\"to\":\"@user2\",\"message\":1}", -1);
  started = g_get_monotonic_time ();
  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_get (rig->admin, "/healthz");

      sb_test_assert_status (answer, 200);
    }
  g_assert_cmpint (g_get_monotonic_time () - started, <, 20 * DISK_SLOW_MS * 1000 / 2);
  sb_test_answer_free (sb_test_http_end (slow));
  rig_free (rig);
}

static void
keeps_disk_reserve_free (void)
{
  Rig *rig = rig_new ("bus.disk-reserve=1000T");
  g_autoptr (SbTestAnswer) answer = put (rig, "x");
  g_autoptr (SbTestAnswer) ready = sb_test_http_get (rig->admin, "/readyz");

  sb_test_assert_problem (answer, 507, "no-space");
  g_assert_cmpuint (ready->status, ==, 503);
  rig_free (rig);
}

/* Confirmations that wait for the disk are bounded like messages that do. */

#define N_BACKLOG 60000

typedef struct
{
  guint n_accepted;
  guint n_arrived;
} Backlog;

static void
on_frame (SbPeer *peer, int opcode, const char *payload, gsize length, gpointer user_data)
{
  Backlog *self = user_data;

  if (strstr (payload, "\"accepted\"") != NULL)
    self->n_accepted++;
  if (strstr (payload, "\"message\"") == NULL)
    return;
  sb_peer_printf (peer, "{\"type\":\"confirmation\",\"data\":\"b-%u\"}", self->n_arrived++);
}

static void
bounds_what_confirmations_wait_for_the_disk (void)
{
  static const SbPeerFuncs funcs = { .frame = on_frame };
  Rig *rig = rig_new (NULL);
  guint16 port = sb_test_daemon_get_ws_port (rig->daemon);
  Backlog backlog = { 0, 0 };
  g_autoptr (SbPeer) sender = hostile_open (SB_PEER_WEBSOCKET, port, &funcs, &backlog);
  g_autoptr (SbPeer) recipient = NULL;
  guint64 before, after;

  sb_peer_log_in (sender, "user1", "user1-pw", ",\"accepted\":true,\"receipts\":false");
  for (guint i = 0; i < N_BACKLOG; i++)
    sb_peer_printf (sender, "{\"_id\":\"b-%u\",\"to\":\"@user2\",\"message\":\"%0512u\"}", i, i);
  sb_test_wait_count (&backlog.n_accepted, N_BACKLOG, "a backlog");
  before = sb_test_daemon_get_rss (rig->daemon);
  set_fault (rig, DISK_FAULT_SLOW, TRUE);
  recipient = hostile_open (SB_PEER_WEBSOCKET, port, &funcs, &backlog);
  sb_peer_log_in (recipient, "user2", "user2-pw", NULL);
  hostile_let_pass (1500);
  after = sb_test_daemon_get_rss (rig->daemon);
  g_test_message ("%u confirmed, %.1f MiB more", backlog.n_arrived,
                  (double) (gint64) (after - before) / 1048576);
  set_fault (rig, DISK_FAULT_SLOW, FALSE);
  sb_test_wait_count (&backlog.n_arrived, N_BACKLOG, "the rest");
  g_assert_cmpuint (after, <, before + 32 * 1024 * 1024);
  rig_free (rig);
}

/* A masked text frame; a key of zeros changes nothing. */
static void
append_frame (GByteArray *frames, const char *text)
{
  guint8 header[6] = { SB_TEST_FINAL | SB_TEST_TEXT, 0x80 | (guint8) strlen (text), 0, 0, 0, 0 };

  g_byte_array_append (frames, header, sizeof header);
  g_byte_array_append (frames, (const guint8 *) text, strlen (text));
}

static void
carries_out_what_was_read_before_a_take_over (void)
{
  Rig *rig = rig_new ("bus.journal-backlog=1");
  guint16 port = sb_test_daemon_get_ws_port (rig->daemon);
  g_autoptr (SbTestRaw) older = sb_test_raw_new (port);
  g_autoptr (GByteArray) frames = g_byte_array_new ();
  g_autoptr (SbTestWs) newer = NULL;
  g_autofree char *waiting = NULL;

  sb_test_raw_upgrade (older, "/");
  append_frame (
      frames, "{\"type\":\"connect\",\"data\":\"user1\",\"password\":\"user1-pw\",\"hello\":true}");
  sb_test_raw_send_data (older, frames->data, frames->len);
  g_free (sb_test_raw_wait_text (older, "connected"));

  set_fault (rig, DISK_FAULT_SLOW, TRUE);
  g_byte_array_set_size (frames, 0);
  append_frame (frames, "{\"_id\":\"a\",\"to\":\"@user2\",\"message\":1}");
  append_frame (frames, "{\"_id\":\"b\",\"to\":\"@user2\",\"message\":2}");
  append_frame (frames, "{\"_id\":\"c\",\"to\":\"@user2\",\"message\":3}");
  sb_test_raw_send_data (older, frames->data, frames->len);
  newer = sb_test_ws_log_in_as (rig->daemon, "user1", NULL);
  set_fault (rig, DISK_FAULT_SLOW, FALSE);

  sb_test_wait_state (rig->sender, "c", "user2", "pending");
  waiting = fetch_all (rig);
  g_assert_true (strstr (waiting, "\"a\"") < strstr (waiting, "\"b\""));
  g_assert_true (strstr (waiting, "\"b\"") < strstr (waiting, "\"c\""));
  g_assert_nonnull (strstr (waiting, "\"a\""));
  rig_free (rig);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  if (sb_test_daemon_is_instrumented ())
    {
      g_print ("1..0 # SKIP nothing can be preloaded before a sanitizer\n");
      return 0;
    }
  g_test_add_func ("/disk-faults/answers-507-while-the-disk-is-full",
                   answers_507_while_the_disk_is_full);
  g_test_add_func ("/disk-faults/gives-what-it-has-while-the-disk-is-full",
                   gives_what_it_has_while_the_disk_is_full);
  g_test_add_func ("/disk-faults/tells-a-session-that-the-disk-is-full",
                   tells_a_session_that_the_disk_is_full);
  g_test_add_func ("/disk-faults/acknowledges-nothing-that-was-not-flushed",
                   acknowledges_nothing_that_was_not_flushed);
  g_test_add_func ("/disk-faults/lives-and-is-not-ready-while-the-store-fails",
                   lives_and_is_not_ready_while_the_store_fails);
  g_test_add_func ("/disk-faults/answers-after-a-slow-flush", answers_after_a_slow_flush);
  g_test_add_func ("/disk-faults/serves-others-during-a-slow-flush",
                   serves_others_during_a_slow_flush);
  g_test_add_func ("/disk-faults/keeps-disk-reserve-free", keeps_disk_reserve_free);
  g_test_add_func ("/disk-faults/bounds-what-confirmations-wait-for-the-disk",
                   bounds_what_confirmations_wait_for_the_disk);
  g_test_add_func ("/disk-faults/carries-out-what-was-read-before-a-take-over",
                   carries_out_what_was_read_before_a_take_over);
  return g_test_run ();
}

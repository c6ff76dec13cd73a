/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-reload: what SIGHUP brings into force, what it does not, and what it says. */

#include "sb-test-site.h"
#include "sb-test.h"

#include <signal.h>
#include <string.h>

static void
write_config (SbTestDaemon *daemon, const char *text)
{
  g_autofree char *path = g_build_filename (sb_test_daemon_get_dir (daemon), "bus.ini", NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static SbTestDaemon *
new_daemon (const char *text)
{
  SbTestDaemon *daemon = sb_test_daemon_new ();
  g_autofree char *path = g_build_filename (sb_test_daemon_get_dir (daemon), "bus.ini", NULL);

  write_config (daemon, text);
  sb_test_daemon_set (daemon, "bus.store=memory");
  sb_test_daemon_add_argument (daemon, "--config");
  sb_test_daemon_add_argument (daemon, path);
  sb_test_daemon_start (daemon);
  return daemon;
}

static SbTestSite *
new_site (const char *text)
{
  return sb_test_site_new_for (new_daemon (text));
}

/* Another file, and waits until the bus has said so of it. */
static void
reload (SbTestDaemon *daemon, const char *text, const char *said)
{
  write_config (daemon, text);
  sb_test_daemon_signal (daemon, SIGHUP);
  sb_test_daemon_wait_log (daemon, said);
}

static void
assert_put (SbTestHttp *client, const char *json, guint status)
{
  g_autoptr (SbTestAnswer) answer = sb_test_http_post (client, "/put", json);

  sb_test_assert_status (answer, status);
}

static char *
make_message (gsize length)
{
  g_autofree char *pad = g_strnfill (length, 'x');

  return g_strdup_printf ("{\"_id\":\"big\",\"to\":\"@bob\",\"message\":\"%s\"}", pad);
}

static void
test_changes_the_size_of_a_message (void)
{
  g_autoptr (SbTestSite) bus = new_site ("[bus]\nmax-message-size=200K\n");
  g_autoptr (SbTestWs) socket = sb_test_ws_log_in_as (bus->daemon, "alice", "\"accepted\":true");
  g_autofree char *big = make_message (400 * 1024);
  g_autoptr (SbTestFrame) accepted = NULL;

  assert_put (bus->carol, big, 413);
  reload (bus->daemon, "[bus]\nmax-message-size=1M\n", "bus.max-message-size: 200K → 1M");
  sb_test_ws_send (socket, big);
  accepted = sb_test_ws_take_type (socket, "accepted");
  g_assert_nonnull (accepted);
  assert_put (bus->alice, big, 200);
  reload (bus->daemon, "[bus]\nmax-message-size=100K\n", "bus.max-message-size: 1M → 100K");
  assert_put (bus->alice, big, 413);
}

static void
test_changes_the_size_of_a_queue (void)
{
  g_autoptr (SbTestSite) bus = new_site ("");

  assert_put (bus->alice, "{\"to\":\"@bob\",\"message\":1}", 200);
  reload (bus->daemon, "[bus]\nmax-queue=1\n", "bus.max-queue: 1000000 → 1");
  assert_put (bus->alice, "{\"to\":\"@bob\",\"message\":1}", 429);
  reload (bus->daemon, "", "bus.max-queue: 1 → 1000000");
  assert_put (bus->alice, "{\"to\":\"@bob\",\"message\":1}", 200);
}

static void
test_changes_the_rate (void)
{
  g_autoptr (SbTestSite) bus = new_site ("[bus]\nuser-rate=1\n");

  for (guint i = 0; i < 10; i++)
    assert_put (bus->alice, "{\"to\":\"@bob\",\"message\":1}", 200);
  assert_put (bus->alice, "{\"to\":\"@bob\",\"message\":1}", 429);
  reload (bus->daemon, "[bus]\nuser-rate=0\n", "bus.user-rate: 1 → 0");
  for (guint i = 0; i < 20; i++)
    assert_put (bus->alice, "{\"to\":\"@bob\",\"message\":1}", 200);
}

/* A session that waits for its rate goes on with another one. */
static void
test_releases_who_waits_for_the_rate (void)
{
  g_autoptr (SbTestSite) bus = new_site ("[bus]\nuser-rate=1\n");
  g_autoptr (SbTestWs) socket = sb_test_ws_log_in_as (bus->daemon, "alice", "\"accepted\":true");

  for (guint i = 0; i < 200; i++)
    sb_test_ws_sendf (socket, "{\"_id\":\"n%u\",\"to\":\"@bob\",\"message\":1}", i);
  sb_test_daemon_wait_log (bus->daemon, "alice sends more than it may");
  reload (bus->daemon, "[bus]\nuser-rate=1000\n", "bus.user-rate: 1 → 1000");
  for (guint i = 0; i < 200; i++)
    {
      g_autoptr (SbTestFrame) frame = sb_test_ws_take_type (socket, "accepted");
      g_autofree char *id = g_strdup_printf ("n%u", i);

      g_assert_cmpstr (sb_test_frame_get (frame, "data"), ==, id);
    }
}

static void
test_changes_what_a_message_must_have (void)
{
  g_autoptr (SbTestSite) bus = new_site ("");

  assert_put (bus->alice, "{\"to\":\"@bob\",\"message\":1}", 200);
  reload (bus->daemon, "[bus]\nrequire-uid=true\n", "bus.require-uid: false → true");
  assert_put (bus->alice, "{\"to\":\"@bob\",\"message\":1}", 400);
}

static void
test_changes_what_a_password_must_have (void)
{
  g_autoptr (SbTestSite) bus = new_site ("");
  g_autoptr (SbTestAnswer) before = sb_test_http_post (bus->admin, "/put_users",
                                                       "[{\"_id\":\"x\",\"password\":\"x\"}]");
  g_autoptr (SbTestAnswer) after = NULL;

  sb_test_assert_status (before, 200);
  reload (bus->daemon, "[bus]\nmin-password-length=8\n", "bus.min-password-length: 1 → 8");
  after = sb_test_http_post (bus->admin, "/put_users", "[{\"_id\":\"y\",\"password\":\"y\"}]");
  sb_test_assert_status (after, 400);
}

static guint
put_from (SbTestHttp *client, const char *address)
{
  const char *const headers[] = { "X-Forwarded-For", address, NULL };
  g_autoptr (SbTestAnswer) answer = sb_test_http_send (client, "POST", "/put", headers,
                                                       "{\"to\":\"@bob\",\"message\":1}", -1);

  return answer->status;
}

static void
test_changes_whom_it_believes (void)
{
  g_autoptr (SbTestSite) bus = new_site ("[bus]\naddress-rate=1\n");
  guint status = 200;

  for (guint i = 0; i < 1000 && status == 200; i++)
    status = put_from (bus->alice, "203.0.113.9");
  g_assert_cmpuint (status, ==, 429);
  g_assert_cmpuint (put_from (bus->alice, "203.0.113.10"), ==, 429);
  reload (bus->daemon, "[bus]\naddress-rate=1\ntrusted-proxies=127.0.0.1\n",
          "bus.trusted-proxies:  → 127.0.0.1");
  g_assert_cmpuint (put_from (bus->alice, "203.0.113.10"), ==, 200);
}

static guint
get_metrics (SbTestDaemon *daemon, const char *token)
{
  g_autoptr (SbTestHttp) client = sb_test_http_for (daemon, NULL, NULL);
  const char *const headers[] = { "Authorization", token, NULL };
  g_autoptr (SbTestAnswer) answer = sb_test_http_send (client, "GET", "/metrics", headers, NULL, 0);

  return answer->status;
}

static void
test_changes_a_secret_without_showing_it (void)
{
  g_autoptr (SbTestDaemon) daemon = new_daemon ("[bus]\nmetrics-token=first-token\n");
  g_autofree char *log = NULL;

  g_assert_cmpuint (get_metrics (daemon, "Bearer first-token"), ==, 200);
  reload (daemon, "[bus]\nmetrics-token=second-token\n", "bus.metrics-token: *** → ***");
  g_assert_cmpuint (get_metrics (daemon, "Bearer first-token"), ==, 401);
  g_assert_cmpuint (get_metrics (daemon, "Bearer second-token"), ==, 200);
  log = sb_test_daemon_dup_log (daemon);
  g_assert_null (strstr (log, "first-token"));
  g_assert_null (strstr (log, "second-token"));
}

static void
test_changes_how_often_it_pings (void)
{
  g_autoptr (SbTestSite) bus = new_site ("[transport-soup]\nping-interval=1h\n");
  g_autoptr (SbTestWs) socket = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);

  reload (bus->daemon, "[transport-soup]\nping-interval=0.05\n",
          "transport-soup.ping-interval: 1h → 0.05");
  sb_test_ws_wait_pings (socket, 3);
}

/* Nobody is taken for gone since he was asked less often before. */
static void
test_a_shorter_keepalive_closes_nobody (void)
{
  g_autoptr (SbTestSite) bus = new_site ("[transport-soup]\nkeepalive-interval=0\n");
  g_autoptr (SbTestWs) socket = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);
  guint n_pings = sb_test_ws_get_n_pings (socket);

  sb_test_ws_wait_pings (socket, n_pings + 3);
  reload (bus->daemon, "[transport-soup]\nkeepalive-interval=1\n",
          "transport-soup.keepalive-interval: 0 → 1");
  n_pings = sb_test_ws_get_n_pings (socket);
  sb_test_ws_wait_pings (socket, n_pings + 3);
  g_assert_true (sb_test_ws_is_open (socket));
}

static void
test_names_what_takes_a_restart (void)
{
  g_autoptr (SbTestDaemon) daemon = new_daemon ("[transport-soup]\nlisten=127.0.0.1\n");

  reload (daemon, "[store-sqlite]\nfile=other.db\n",
          "store-sqlite.file: simplebus.db → other.db; it takes a restart to come into force");
}

static const struct
{
  const char *text;
  const char *said;
} faulty[] = {
  { "[bus]\nrequire-uid=true\nwindow=none\n", "bus.ini:3: [bus] window: \"none\" is not" },
  { "[bus]\nrequire-uid=true\nunknown=1\n", "bus.ini:3: [bus] has no key unknown" },
  { "[bus]\nrequire-uid=true\n[", "bus.ini:3: a group is written [name]" },
  { "[bus]\nrequire-uid=true\ntrusted-proxies=here\n", "trusted-proxies: here is no address" },
  { "[bus]\nrequire-uid=true\n[transport-soup]\ntls-key=/nowhere\n", "need each other" },
  { "[bus]\nrequire-uid=true\n[transport-soup]\ntls-key=/nowhere\ntls-certificate=/nowhere\n",
    "cannot load /nowhere" },
};

static void
test_a_faulty_file_changes_nothing (void)
{
  g_autoptr (SbTestSite) bus = new_site ("");

  for (gsize i = 0; i < G_N_ELEMENTS (faulty); i++)
    {
      g_autofree char *log = NULL;

      g_test_message ("%s", faulty[i].text);
      reload (bus->daemon, faulty[i].text, faulty[i].said);
      assert_put (bus->alice, "{\"to\":\"@bob\",\"message\":1}", 200);
      log = sb_test_daemon_dup_log (bus->daemon);
      g_assert_nonnull (strstr (log, "the configuration stays as it was: "));
      g_assert_null (strstr (log, "bus.require-uid: "));
    }
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/reload/changes-the-size-of-a-message", test_changes_the_size_of_a_message);
  g_test_add_func ("/reload/changes-the-size-of-a-queue", test_changes_the_size_of_a_queue);
  g_test_add_func ("/reload/changes-the-rate", test_changes_the_rate);
  g_test_add_func ("/reload/releases-who-waits-for-the-rate", test_releases_who_waits_for_the_rate);
  g_test_add_func ("/reload/changes-what-a-message-must-have",
                   test_changes_what_a_message_must_have);
  g_test_add_func ("/reload/changes-what-a-password-must-have",
                   test_changes_what_a_password_must_have);
  g_test_add_func ("/reload/changes-whom-it-believes", test_changes_whom_it_believes);
  g_test_add_func ("/reload/changes-a-secret-without-showing-it",
                   test_changes_a_secret_without_showing_it);
  g_test_add_func ("/reload/changes-how-often-it-pings", test_changes_how_often_it_pings);
  g_test_add_func ("/reload/a-shorter-keepalive-closes-nobody",
                   test_a_shorter_keepalive_closes_nobody);
  g_test_add_func ("/reload/names-what-takes-a-restart", test_names_what_takes_a_restart);
  g_test_add_func ("/reload/a-faulty-file-changes-nothing", test_a_faulty_file_changes_nothing);
  return g_test_run ();
}

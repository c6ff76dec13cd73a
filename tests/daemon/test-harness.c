/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-harness: what the other daemon tests rely on. */

#include "sb-test-http.h"
#include "sb-test-raw.h"
#include "sb-test-ws.h"
#include "sb-test.h"

#include <string.h>

static void
test_names_its_ports (void)
{
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_run ("bus.store=memory", NULL);

  g_assert_cmpuint (sb_test_daemon_get_http_port (daemon), !=, 0);
  g_assert_cmpuint (sb_test_daemon_get_ws_port (daemon), !=, 0);
  g_assert_cmpuint (sb_test_daemon_get_rss (daemon), >, 1024 * 1024);
}

static void
test_keeps_folder_and_ports_over_a_restart (void)
{
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_run ("bus.store=sqlite", NULL);
  g_autoptr (SbTestHttp) admin = sb_test_make_admin (daemon);
  guint16 port = sb_test_daemon_get_http_port (daemon);

  sb_test_daemon_kill (daemon);
  sb_test_daemon_restart (daemon, TRUE);
  g_assert_cmpuint (sb_test_daemon_get_http_port (daemon), ==, port);
  sb_test_make_users (admin, "user1", NULL);
}

static void
test_sees_what_the_daemon_logs (void)
{
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_run ("bus.store=memory", NULL);

  sb_test_daemon_wait_log (daemon, "set-up code");
}

static void
test_holds_a_conversation (void)
{
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_run ("bus.store=memory", NULL);
  g_autoptr (SbTestHttp) admin = sb_test_make_admin (daemon);
  g_autoptr (SbTestWs) ws = NULL;
  g_autoptr (SbTestFrame) frame = NULL;
  g_autofree char *id = NULL;

  sb_test_make_users (admin, "user1", NULL);
  ws = sb_test_ws_log_in_as (daemon, "user1", NULL);
  id = sb_test_put (admin, "{\"to\":\"@user1\",\"message\":1}");
  frame = sb_test_ws_take_id (ws, id);
  g_assert_cmpstr (sb_test_frame_get (frame, "sender"), ==, SB_TEST_ADMIN);
  sb_test_ws_confirm (ws, id);
  sb_test_wait_state (admin, id, "user1", "confirmed");
  sb_test_ws_assert_nothing (ws);
}

static void
test_speaks_raw_frames (void)
{
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_run ("bus.store=memory", NULL);
  g_autoptr (SbTestRaw) raw = sb_test_raw_new (sb_test_daemon_get_ws_port (daemon));
  g_autofree char *pong = NULL;
  gsize length = 0;

  sb_test_raw_upgrade (raw, "/");
  sb_test_raw_send_frame (raw, SB_TEST_FINAL | SB_TEST_PING, "abc", 3);
  pong = sb_test_raw_wait_frame (raw, SB_TEST_PONG, &length);
  g_assert_cmpmem (pong, length, "abc", 3);
}

static void
test_returns_what_a_refused_start_says (void)
{
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_new ();
  g_autofree char *text = NULL;

  sb_test_daemon_set (daemon, "bus.store=unheard-of");
  text = sb_test_daemon_start_refused (daemon);
  g_assert_nonnull (strstr (text, "unheard-of"));
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/harness/names-its-ports", test_names_its_ports);
  g_test_add_func ("/harness/keeps-folder-and-ports-over-a-restart",
                   test_keeps_folder_and_ports_over_a_restart);
  g_test_add_func ("/harness/sees-what-the-daemon-logs", test_sees_what_the_daemon_logs);
  g_test_add_func ("/harness/holds-a-conversation", test_holds_a_conversation);
  g_test_add_func ("/harness/speaks-raw-frames", test_speaks_raw_frames);
  g_test_add_func ("/harness/returns-what-a-refused-start-says",
                   test_returns_what_a_refused_start_says);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-reconnect: sessions that break, in every way and at every moment, and come back. */

#include "sb-test-client.h"
#include "sb-test-proxy.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <glib/gstdio.h>
#include <string.h>

#define USUAL_TIMES "pause-percent=5"

/* A bus, a bad network, and bob behind it. */
typedef struct
{
  SbTestSite *site;
  SbTestProxy *proxy;
  SbTestClient *bob;
} Rig;

static Rig *
rig_new (const char *setting)
{
  Rig *self = g_new0 (Rig, 1);

  self->site = sb_test_site_new (setting, NULL);
  self->proxy = sb_test_proxy_new (sb_test_daemon_get_http_port (self->site->daemon));
  self->bob = sb_test_client_new (sb_test_proxy_get_port (self->proxy), "bob", NULL);
  return self;
}

static void
rig_free (Rig *self)
{
  sb_test_client_free (self->bob);
  sb_test_proxy_free (self->proxy);
  sb_test_site_free (self->site);
  g_free (self);
}

/* A message still gets through. */
static void
assert_works (Rig *self)
{
  guint n = self->bob->messages->len;
  g_autofree char *id = sb_test_put (self->site->alice, "{\"to\":\"@bob\",\"message\":1}");

  sb_test_client_wait (self->bob, self->bob->messages, n + 1);
  g_assert_cmpstr (sb_test_client_get (self->bob->ids, n), ==, id);
}

/* One time that is shorter than anybody should have it outside of a test, but long on a slow
 * machine; and what else there is. */
static void
set_time (const char *name, guint ms, const char *others)
{
  g_autofree char *times = NULL;

  if (sb_test_daemon_is_instrumented ())
    ms *= 10;
  times = g_strdup_printf (USUAL_TIMES " %s=%u %s", name, ms, others);
  g_setenv ("SIMPLEBUS_CLIENT_TIMES", times, TRUE);
}

static void
reset_times (void)
{
  g_setenv ("SIMPLEBUS_CLIENT_TIMES", USUAL_TIMES, TRUE);
}

/* The reason of its second state, which is that it waits. */
static void
assert_timed_out (Rig *self)
{
  const GError *reason = g_ptr_array_index (self->bob->reasons, 1);

  g_assert_error (reason, SB_CLIENT_ERROR, SB_CLIENT_ERROR_TIMED_OUT);
}

/* --- The bus --- */

static void
test_waits_for_a_bus_that_is_not_there_yet (void)
{
  Rig *rig = rig_new (NULL);

  sb_test_proxy_set_accepting (rig->proxy, FALSE);
  sb_test_client_begin (rig->bob);
  sb_test_client_wait_states (rig->bob, "waiting", 2);
  sb_test_proxy_set_accepting (rig->proxy, TRUE);
  sb_test_client_connect (rig->bob);
  assert_works (rig);
  rig_free (rig);
}

static void
test_comes_back_after_a_restart (void)
{
  Rig *rig = rig_new ("bus.store=sqlite");

  sb_test_client_connect (rig->bob);
  sb_test_daemon_restart (rig->site->daemon, TRUE);
  sb_test_client_wait_states (rig->bob, "connected", 2);
  rig_free (rig);
}

static void
test_comes_back_after_a_crash_of_the_bus (void)
{
  Rig *rig = rig_new ("bus.store=sqlite");

  sb_test_client_connect (rig->bob);
  for (guint i = 0; i < 3; i++)
    {
      sb_test_daemon_kill (rig->site->daemon);
      sb_test_daemon_restart (rig->site->daemon, TRUE);
      sb_test_client_wait_states (rig->bob, "connected", i + 2);
      assert_works (rig);
    }
  g_assert_cmpuint (rig->bob->errors->len, ==, 0);
  rig_free (rig);
}

static void
test_gives_the_password_when_its_token_is_worth_nothing (void)
{
  Rig *rig = rig_new ("bus.store=sqlite");
  const char *data = sb_test_daemon_get_data_dir (rig->site->daemon);
  g_autofree char *secret = g_build_filename (data, "token.key", NULL);

  sb_test_client_connect (rig->bob);
  sb_test_daemon_terminate (rig->site->daemon);
  g_assert_no_errno (g_remove (secret));
  sb_test_daemon_restart (rig->site->daemon, TRUE);
  sb_test_client_wait_states (rig->bob, "connected", 2);
  assert_works (rig);
  g_assert_cmpuint (rig->bob->errors->len, ==, 0);
  rig_free (rig);
}

static void
test_says_that_the_password_was_changed (void)
{
  Rig *rig = rig_new (NULL);

  sb_test_client_connect (rig->bob);
  sb_test_put_users (rig->site->admin, "[{\"_id\":\"bob\",\"password\":\"other\"}]");
  sb_test_client_wait (rig->bob, rig->bob->errors, 1);
  g_assert_cmpint (sb_test_client_get_error (rig->bob, 0), ==, SB_CLIENT_ERROR_UNAUTHORIZED);
  g_assert_cmpint (sb_client_get_state (rig->bob->client), ==, SB_CLIENT_STATE_WAITING);
  sb_test_put_users (rig->site->admin, "[{\"_id\":\"bob\",\"password\":\"bob-pw\"}]");
  sb_test_client_wait_states (rig->bob, "connected", 2);
  rig_free (rig);
}

static void
test_says_that_another_one_took_over (void)
{
  Rig *rig = rig_new (NULL);
  g_autoptr (SbTestClient) other = sb_test_client_new (sb_test_proxy_get_port (rig->proxy), "bob",
                                                       NULL);

  sb_test_client_connect (rig->bob);
  sb_test_client_connect (other);
  sb_test_client_wait (rig->bob, rig->bob->errors, 1);
  g_assert_cmpint (sb_test_client_get_error (rig->bob, 0), ==, SB_CLIENT_ERROR_CLOSED);
  g_assert_cmpint (sb_client_get_state (rig->bob->client), ==, SB_CLIENT_STATE_WAITING);
  g_assert_cmpint (sb_client_get_state (other->client), ==, SB_CLIENT_STATE_CONNECTED);
  rig_free (rig);
}

/* --- The network --- */

static void
test_comes_back_after_a_reset (void)
{
  Rig *rig = rig_new (NULL);

  sb_test_client_connect (rig->bob);
  sb_test_proxy_reset (rig->proxy);
  sb_test_client_wait_states (rig->bob, "connected", 2);
  assert_works (rig);
  rig_free (rig);
}

/* From the request of the upgrade to the first messages, both ways. */
static void
test_survives_a_cut_at_any_byte (void)
{
  Rig *rig = rig_new (NULL);

  for (guint way = 0; way < SB_TEST_N_WAYS; way++)
    for (guint bytes = 1; bytes < 700; bytes = bytes * 3 / 2 + 7)
      {
        guint n = sb_test_proxy_get_n_cuts (rig->proxy);

        sb_test_proxy_cut_after (rig->proxy, way, bytes);
        sb_test_client_begin (rig->bob);
        assert_works (rig);
        while (sb_test_proxy_get_n_cuts (rig->proxy) == n)
          assert_works (rig);
        assert_works (rig);
        sb_test_client_close (rig->bob);
      }
  g_assert_cmpuint (rig->bob->errors->len, ==, 0);
  rig_free (rig);
}

static void
test_takes_what_trickles_in (void)
{
  Rig *rig = rig_new (NULL);

  sb_test_proxy_set_trickle (rig->proxy, SB_TEST_WAY_UP, 3);
  sb_test_proxy_set_trickle (rig->proxy, SB_TEST_WAY_DOWN, 1);
  sb_test_client_connect (rig->bob);
  assert_works (rig);
  assert_works (rig);
  rig_free (rig);
}

/* Nothing comes back: before the connection, and the client finds out. */
static void
test_gives_up_a_connection_that_is_not_answered (void)
{
  Rig *rig = rig_new (NULL);

  set_time ("connect", 300, "");
  sb_test_proxy_stall (rig->proxy, SB_TEST_WAY_DOWN);
  sb_test_client_begin (rig->bob);
  sb_test_client_wait_states (rig->bob, "waiting", 1);
  assert_timed_out (rig);
  reset_times ();
  sb_test_proxy_drop (rig->proxy);
  sb_test_proxy_unstall (rig->proxy, SB_TEST_WAY_DOWN);
  sb_test_client_connect (rig->bob);
  rig_free (rig);
}

/* The upgrade is answered, the log-in is not. */
static gboolean
has_answered (gpointer user_data)
{
  Rig *rig = user_data;

  return sb_test_proxy_get_bytes (rig->proxy, SB_TEST_WAY_DOWN) >= 129;
}

static void
test_gives_up_a_log_in_that_is_not_answered (void)
{
  Rig *rig = rig_new ("transport-soup.ping-interval=0");

  set_time ("login-check", 200, "");
  sb_test_proxy_set_delay (rig->proxy, SB_TEST_WAY_UP, 30);
  sb_test_client_begin (rig->bob);
  sb_test_wait_for (has_answered, rig, "the upgrade");
  sb_test_proxy_stall (rig->proxy, SB_TEST_WAY_DOWN);
  sb_test_client_wait_states (rig->bob, "waiting", 1);
  assert_timed_out (rig);
  reset_times ();
  sb_test_proxy_set_delay (rig->proxy, SB_TEST_WAY_UP, 0);
  sb_test_proxy_drop (rig->proxy);
  sb_test_proxy_unstall (rig->proxy, SB_TEST_WAY_DOWN);
  sb_test_client_connect (rig->bob);
  rig_free (rig);
}

static void
test_finds_out_that_a_session_is_dead (void)
{
  Rig *rig = rig_new ("transport-soup.ping-interval=0");

  set_time ("silence", 500, "keepalive=50");
  sb_test_client_connect (rig->bob);
  sb_test_proxy_stall (rig->proxy, SB_TEST_WAY_DOWN);
  sb_test_client_wait_states (rig->bob, "waiting", 1);
  sb_test_proxy_drop (rig->proxy);
  sb_test_proxy_unstall (rig->proxy, SB_TEST_WAY_DOWN);
  sb_test_client_wait_states (rig->bob, "connected", 2);
  reset_times ();
  assert_works (rig);
  rig_free (rig);
}

/* Its own pings keep it alive, where nothing else goes. */
static void
test_keeps_a_quiet_session (void)
{
  Rig *rig = rig_new ("transport-soup.ping-interval=0");
  guint64 bytes;

  set_time ("silence", 500, "keepalive=20");
  sb_test_client_connect (rig->bob);
  bytes = sb_test_proxy_get_bytes (rig->proxy, SB_TEST_WAY_DOWN);
  sb_test_proxy_wait_bytes (rig->proxy, SB_TEST_WAY_DOWN, bytes + 60 * 10);
  g_assert_cmpint (sb_client_get_state (rig->bob->client), ==, SB_CLIENT_STATE_CONNECTED);
  g_assert_cmpuint (sb_test_proxy_get_n_opened (rig->proxy), ==, 1);
  reset_times ();
  rig_free (rig);
}

static void
test_closes_a_session_that_is_dead (void)
{
  Rig *rig = rig_new (NULL);

  set_time ("farewell", 100, "");
  sb_test_client_connect (rig->bob);
  sb_test_proxy_stall (rig->proxy, SB_TEST_WAY_UP);
  sb_test_client_close (rig->bob);
  reset_times ();
  rig_free (rig);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*func) (void);
  } tests[] = {
    { "waits-for-a-bus-that-is-not-there-yet", test_waits_for_a_bus_that_is_not_there_yet },
    { "comes-back-after-a-restart", test_comes_back_after_a_restart },
    { "comes-back-after-a-crash-of-the-bus", test_comes_back_after_a_crash_of_the_bus },
    { "gives-the-password-when-its-token-is-worth-nothing",
      test_gives_the_password_when_its_token_is_worth_nothing },
    { "says-that-the-password-was-changed", test_says_that_the_password_was_changed },
    { "says-that-another-one-took-over", test_says_that_another_one_took_over },
    { "comes-back-after-a-reset", test_comes_back_after_a_reset },
    { "survives-a-cut-at-any-byte", test_survives_a_cut_at_any_byte },
    { "takes-what-trickles-in", test_takes_what_trickles_in },
    { "gives-up-a-connection-that-is-not-answered",
      test_gives_up_a_connection_that_is_not_answered },
    { "gives-up-a-log-in-that-is-not-answered", test_gives_up_a_log_in_that_is_not_answered },
    { "finds-out-that-a-session-is-dead", test_finds_out_that_a_session_is_dead },
    { "keeps-a-quiet-session", test_keeps_a_quiet_session },
    { "closes-a-session-that-is-dead", test_closes_a_session_that_is_dead },
  };

  reset_times ();
  sb_test_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strconcat ("/client/reconnect/", tests[i].path, NULL);

      g_test_add_func (path, tests[i].func);
    }
  return g_test_run ();
}

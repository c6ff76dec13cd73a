/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-start-stop: ready when it listens, gone when nothing is lost, and clear about why not. */

#include "sb-test-raw.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

/* A service manager's end: the states that the daemon tells. */
typedef struct
{
  GSocket *socket; /* (owned) */
  GString *states; /* (owned) */
} Manager;

static Manager *
manager_new (SbTestDaemon *daemon)
{
  Manager *self = g_new0 (Manager, 1);
  g_autofree char *uuid = g_uuid_string_random ();
  g_autofree char *name = g_strconcat ("@", uuid, NULL);
  /* An abstract one, because a folder's path may be too long for the address of a socket. */
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new_with_type (
      uuid, -1, G_UNIX_SOCKET_ADDRESS_ABSTRACT);
  g_autoptr (GError) error = NULL;

  self->socket = g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_DATAGRAM,
                               G_SOCKET_PROTOCOL_DEFAULT, NULL);
  g_socket_bind (self->socket, address, FALSE, &error);
  g_assert_no_error (error);
  g_socket_set_timeout (self->socket, 60);
  self->states = g_string_new (NULL);
  sb_test_daemon_setenv (daemon, "NOTIFY_SOCKET", name);
  return self;
}

static void
manager_free (Manager *self)
{
  g_object_unref (self->socket);
  g_string_free (self->states, TRUE);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Manager, manager_free)

/* Waits for a state. Returns: the whole datagram */
static char *
manager_wait (Manager *self, const char *state)
{
  for (;;)
    {
      char buffer[4096];
      g_autoptr (GError) error = NULL;
      gssize n = g_socket_receive (self->socket, buffer, sizeof buffer - 1, NULL, &error);

      g_assert_no_error (error);
      buffer[n] = '\0';
      if (strstr (buffer, state) != NULL)
        return g_strdup (buffer);
    }
}

/* --- Start --- */

static void
test_tells_ready_when_it_listens (void)
{
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_new ();
  g_autoptr (Manager) manager = manager_new (daemon);
  g_autofree char *state = NULL;
  g_autofree char *stopping = NULL;
  guint16 port;
  g_autoptr (SbTestRaw) raw = NULL;

  sb_test_daemon_spawn (daemon);
  state = manager_wait (manager, "READY=1");
  g_assert_nonnull (strstr (state, "http=127.0.0.1:"));
  port = (guint16) g_ascii_strtoull (strstr (state, "http=127.0.0.1:") + 15, NULL, 10);
  raw = sb_test_raw_try (port);
  g_assert_nonnull (raw);
  sb_test_daemon_wait_ready (daemon);
  g_assert_cmpuint (sb_test_daemon_get_http_port (daemon), ==, port);
  sb_test_daemon_signal (daemon, SIGTERM);
  stopping = manager_wait (manager, "STOPPING=1");
  sb_test_daemon_wait_stopped (daemon);
}

static void
test_pulses_the_watchdog (void)
{
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_new ();
  g_autoptr (Manager) manager = manager_new (daemon);

  sb_test_daemon_setenv (daemon, "WATCHDOG_USEC", "200000");
  sb_test_daemon_start (daemon);
  for (guint i = 0; i < 3; i++)
    g_free (manager_wait (manager, "WATCHDOG=1"));
}

static void
test_takes_the_sockets_of_the_manager (void)
{
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) listener = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM,
                                               G_SOCKET_PROTOCOL_TCP, NULL);
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new_from_string ("127.0.0.1", 0);
  g_autoptr (GSocketAddress) local = NULL;
  g_autoptr (SbTestRaw) raw = NULL;
  g_autofree char *answer = NULL;

  g_assert_true (g_socket_bind (listener, any, TRUE, &error));
  g_assert_true (g_socket_listen (listener, &error));
  local = g_socket_get_local_address (listener, NULL);
  /* Who connects before the daemon runs waits, and is served. */
  raw = sb_test_raw_new (g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (local)));
  sb_test_raw_send (raw, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  sb_test_daemon_give_fd (daemon, g_socket_get_fd (listener), 3);
  sb_test_daemon_setenv (daemon, "LISTEN_FDS", "1");
  sb_test_daemon_setenv (daemon, "LISTEN_FDNAMES", "http");
  sb_test_daemon_start (daemon);
  answer = sb_test_raw_read_answer (raw);
  g_assert_true (g_str_has_prefix (answer, "HTTP/1.1 200 "));
}

static void
test_refuses_a_folder_that_is_in_use (void)
{
  g_autoptr (SbTestDaemon) first = sb_test_daemon_run ("bus.store=sqlite", NULL);
  g_autoptr (SbTestDaemon) second = sb_test_daemon_new ();
  g_autofree char *text = NULL;

  sb_test_daemon_set (second, "bus.data-dir=%s", sb_test_daemon_get_data_dir (first));
  sb_test_daemon_add_argument (second, "--data-dir");
  sb_test_daemon_add_argument (second, sb_test_daemon_get_data_dir (first));
  text = sb_test_daemon_start_refused (second);
  g_assert_nonnull (strstr (text, sb_test_daemon_get_data_dir (first)));
  g_assert_true (sb_test_daemon_is_running (first));
}

static void
write_database (SbTestDaemon *daemon, const char *contents, gssize length)
{
  const char *dir = sb_test_daemon_get_data_dir (daemon);
  g_autofree char *path = g_build_filename (dir, "simplebus.db", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_no_errno (g_mkdir_with_parents (dir, 0700));
  g_file_set_contents (path, contents, length, &error);
  g_assert_no_error (error);
}

static char *
read_database (SbTestDaemon *daemon, gsize *length)
{
  g_autofree char *path = g_build_filename (sb_test_daemon_get_data_dir (daemon), "simplebus.db",
                                            NULL);
  g_autoptr (GError) error = NULL;
  char *contents = NULL;

  g_file_get_contents (path, &contents, length, &error);
  g_assert_no_error (error);
  return contents;
}

static void
test_refuses_what_is_no_database (void)
{
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_new ();
  g_autofree char *garbage = g_strnfill (8192, 'g');
  g_autofree char *text = NULL;
  g_autofree char *after = NULL;
  gsize length = 0;

  write_database (daemon, garbage, 8192);
  text = sb_test_daemon_start_refused (daemon);
  g_assert_nonnull (strstr (text, "simplebus.db"));
  after = read_database (daemon, &length);
  g_assert_cmpmem (after, length, garbage, 8192);
}

static void
test_refuses_a_damaged_database (void)
{
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_run ("bus.store=sqlite", NULL);
  g_autoptr (SbTestHttp) admin = sb_test_make_admin (daemon);
  g_autofree char *contents = NULL;
  g_autofree char *text = NULL;
  gsize length = 0;

  sb_test_daemon_terminate (daemon);
  contents = read_database (daemon, &length);
  g_assert_cmpuint (length, >, 8192);
  memset (contents + 4096, 0x5a, length - 4096);
  write_database (daemon, contents, (gssize) length);
  text = sb_test_daemon_start_refused (daemon);
  g_assert_nonnull (strstr (text, "simplebus.db"));
  /* And it says what to do. */
  g_assert_nonnull (strstr (text, "backup"));
}

static void
test_refuses_a_newer_database (void)
{
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_run ("bus.store=sqlite", NULL);
  g_autofree char *contents = NULL;
  g_autofree char *text = NULL;
  gsize length = 0;

  sb_test_daemon_terminate (daemon);
  contents = read_database (daemon, &length);
  /* user_version, big-endian at offset 60 */
  contents[60] = 0x7f;
  write_database (daemon, contents, (gssize) length);
  text = sb_test_daemon_start_refused (daemon);
  g_assert_nonnull (strstr (text, "newer"));
}

static const struct
{
  const char *setting;
  const char *part; /* that the error must have */
} bad_settings[] = {
  { "bus.no-such-key=1", "no-such-key" },
  { "no-such-group.key=1", "no-such-group" },
  { "bus.window=0", "window" },
  { "bus.window=many", "window" },
  { "bus.confirm-timeout=-1", "confirm-timeout" },
  { "bus.max-message-size=1X", "max-message-size" },
  { "bus.open-signup=perhaps", "open-signup" },
  { "bus.store=unheard-of", "unheard-of" },
  { "bus.transports=unheard-of", "unheard-of" },
  { "bus.trusted-proxies=localhosty", "localhosty" },
  { "transport-soup.listen=no.such.address.invalid", "no.such.address.invalid" },
  { "transport-soup.http-port=65536", "http-port" },
  { "bus.log-level=loud", "log-level" },
  { "nonsense", "group.key=value" },
};

static void
test_names_what_is_wrong_in_the_configuration (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (bad_settings); i++)
    {
      g_autoptr (SbTestDaemon) daemon = sb_test_daemon_new ();
      g_autofree char *text = NULL;

      g_test_message ("%s", bad_settings[i].setting);
      sb_test_daemon_set (daemon, "%s", bad_settings[i].setting);
      text = sb_test_daemon_start_refused (daemon);
      if (strstr (text, bad_settings[i].part) == NULL)
        g_error ("%s is not named in: %s", bad_settings[i].part, text);
    }
}

static void
test_names_file_and_line_of_a_bad_configuration (void)
{
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_new ();
  g_autofree char *path = g_build_filename (sb_test_daemon_get_dir (daemon), "bus.ini", NULL);
  g_autofree char *text = NULL;

  g_assert_true (g_file_set_contents (path, "[bus]\n\nwindow=0\n", -1, NULL));
  sb_test_daemon_add_argument (daemon, "--config");
  sb_test_daemon_add_argument (daemon, path);
  text = sb_test_daemon_start_refused (daemon);
  g_assert_nonnull (strstr (text, "bus.ini:3"));
  g_assert_nonnull (strstr (text, "window"));
}

static void
test_names_a_port_that_is_in_use (void)
{
  g_autoptr (SbTestDaemon) first = sb_test_daemon_run ("bus.store=memory", NULL);
  g_autoptr (SbTestDaemon) second = sb_test_daemon_new ();
  g_autofree char *port = g_strdup_printf ("%u", sb_test_daemon_get_http_port (first));
  g_autofree char *text = NULL;

  sb_test_daemon_set (second, "transport-soup.http-port=%s", port);
  text = sb_test_daemon_start_refused (second);
  g_assert_nonnull (strstr (text, port));
}

/* --- Stop --- */

static void
test_says_good_bye_to_sessions (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autoptr (SbTestWs) stranger = sb_test_ws_open (sb_test_daemon_get_ws_port (bus->daemon), "/");

  sb_test_daemon_signal (bus->daemon, SIGTERM);
  g_assert_cmpuint (sb_test_ws_wait_closed (bob), ==, 1001);
  g_assert_cmpuint (sb_test_ws_wait_closed (stranger), ==, 1001);
  sb_test_daemon_wait_stopped (bus->daemon);
}

static void
test_answers_what_was_under_way (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", NULL);
  SbTestExchange *exchanges[20];
  guint n_taken = 0;

  for (guint i = 0; i < G_N_ELEMENTS (exchanges); i++)
    {
      g_autofree char *body = g_strdup_printf ("{\"_id\":\"m%u\",\"to\":\"@bob\",\"message\":1}",
                                               i);

      exchanges[i] = sb_test_http_begin (bus->alice, "POST", "/put", NULL, body, -1);
    }
  /* One is answered: the others are on their way. */
  sb_test_answer_free (sb_test_http_end (exchanges[0]));
  sb_test_daemon_signal (bus->daemon, SIGTERM);
  for (guint i = 1; i < G_N_ELEMENTS (exchanges); i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_end (exchanges[i]);

      g_assert_true (answer->status == 200 || answer->status == 503);
      n_taken += answer->status == 200;
    }
  sb_test_daemon_wait_stopped (bus->daemon);
  sb_test_site_restart (bus);
  {
    g_autoptr (SbTestAnswer) got = sb_test_http_get (bus->bob, "/get?limit=64");

    g_assert_cmpuint (json_array_get_length (json_node_get_array (got->json)), ==, n_taken + 1);
  }
}

static void
test_finishes_a_body_that_is_half_sent (void)
{
  static const char head[] = "POST /put HTTP/1.1\r\nHost: x\r\nContent-Length: 25\r\n"
                             "Authorization: Basic YWxpY2U6YWxpY2UtcHc=\r\n\r\n{\"to\":\"@bob\",";
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.stop-timeout=60", NULL);
  g_autoptr (SbTestRaw) raw = sb_test_raw_new (sb_test_daemon_get_http_port (bus->daemon));
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autofree char *answer = NULL;

  sb_test_raw_send (raw, head);
  /* The daemon has seen it when it has answered on another connection afterwards. */
  sb_test_ws_sync (bob);
  sb_test_daemon_signal (bus->daemon, SIGTERM);
  g_assert_cmpuint (sb_test_ws_wait_closed (bob), ==, 1001);
  sb_test_raw_send (raw, "\"message\":1}");
  answer = sb_test_raw_read_all (raw);
  g_assert_true (g_str_has_prefix (answer, "HTTP/1.1 200 ")
                 || g_str_has_prefix (answer, "HTTP/1.1 503 "));
  sb_test_daemon_wait_stopped (bus->daemon);
}

static void
test_ends_long_polls (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  SbTestExchange *exchange = sb_test_http_begin (bus->bob, "GET", "/get?wait=300", NULL, NULL, 0);
  g_autoptr (SbTestAnswer) health = sb_test_http_get (bus->bob, "/healthz");
  g_autoptr (SbTestAnswer) answer = NULL;

  sb_test_daemon_signal (bus->daemon, SIGTERM);
  answer = sb_test_http_end (exchange);
  g_assert_true (answer->status == 200 || answer->status == 503);
  sb_test_daemon_wait_stopped (bus->daemon);
}

static void
test_stops_at_the_deadline (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.stop-timeout=0.2", NULL);
  g_autoptr (SbTestRaw) raw = sb_test_raw_new (sb_test_daemon_get_http_port (bus->daemon));

  sb_test_raw_send (raw, "POST /put HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
                         "Authorization: Basic YWxpY2U6YWxpY2UtcHc=\r\n\r\n{");
  sb_test_daemon_terminate (bus->daemon);
}

static void
test_stops_at_once_when_told_twice (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.stop-timeout=1h", NULL);
  g_autoptr (SbTestRaw) raw = sb_test_raw_new (sb_test_daemon_get_http_port (bus->daemon));
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);

  sb_test_raw_send (raw, "POST /put HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
                         "Authorization: Basic YWxpY2U6YWxpY2UtcHc=\r\n\r\n{");
  sb_test_daemon_signal (bus->daemon, SIGTERM);
  g_assert_cmpuint (sb_test_ws_wait_closed (bob), ==, 1001);
  sb_test_daemon_terminate (bus->daemon);
}

static void
test_stops_quickly_when_nothing_is_under_way (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.stop-timeout=50", NULL);
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (bus->alice, "/get");
  gint64 start = g_get_monotonic_time ();

  /* The clients hold their connections open. */
  sb_test_daemon_terminate (bus->daemon);
  if (!sb_test_daemon_is_instrumented ())
    g_assert_cmpint (g_get_monotonic_time () - start, <, 3 * G_USEC_PER_SEC);
}

/* --- Reload --- */

static void
test_reloads (void)
{
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_new ();
  g_autoptr (Manager) manager = manager_new (daemon);
  g_autofree char *path = g_build_filename (sb_test_daemon_get_dir (daemon), "bus.ini", NULL);

  g_assert_true (g_file_set_contents (path, "[bus]\nwindow=10\n", -1, NULL));
  sb_test_daemon_add_argument (daemon, "--config");
  sb_test_daemon_add_argument (daemon, path);
  sb_test_daemon_start (daemon);
  g_free (manager_wait (manager, "READY=1"));
  g_assert_true (g_file_set_contents (path, "[bus]\nwindow=11\n", -1, NULL));
  sb_test_daemon_signal (daemon, SIGHUP);
  sb_test_daemon_wait_log (daemon, "bus.window: 10 → 11");
  sb_test_daemon_wait_log (daemon, "reloaded");
  g_free (manager_wait (manager, "RELOADING=1\nMONOTONIC_USEC="));
  g_free (manager_wait (manager, "READY=1"));
}

static void
test_keeps_running_with_a_bad_file (void)
{
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_new ();
  g_autofree char *path = g_build_filename (sb_test_daemon_get_dir (daemon), "bus.ini", NULL);
  g_autoptr (SbTestHttp) client = NULL;
  g_autoptr (SbTestAnswer) answer = NULL;

  g_assert_true (g_file_set_contents (path, "[bus]\n", -1, NULL));
  sb_test_daemon_add_argument (daemon, "--config");
  sb_test_daemon_add_argument (daemon, path);
  sb_test_daemon_start (daemon);
  g_assert_true (g_file_set_contents (path, "[bus]\nwindow=none\n", -1, NULL));
  sb_test_daemon_signal (daemon, SIGHUP);
  sb_test_daemon_wait_log (daemon, "stays as it was");
  client = sb_test_http_for (daemon, NULL, NULL);
  answer = sb_test_http_get (client, "/readyz");
  sb_test_assert_status (answer, 200);
}

static void
add_start_tests (void)
{
  g_test_add_func ("/start/tells-ready-when-it-listens", test_tells_ready_when_it_listens);
  g_test_add_func ("/start/pulses-the-watchdog", test_pulses_the_watchdog);
  g_test_add_func ("/start/takes-the-sockets-of-the-manager",
                   test_takes_the_sockets_of_the_manager);
  g_test_add_func ("/start/refuses-a-folder-that-is-in-use", test_refuses_a_folder_that_is_in_use);
  g_test_add_func ("/start/refuses-what-is-no-database", test_refuses_what_is_no_database);
  g_test_add_func ("/start/refuses-a-damaged-database", test_refuses_a_damaged_database);
  g_test_add_func ("/start/refuses-a-newer-database", test_refuses_a_newer_database);
  g_test_add_func ("/start/names-what-is-wrong-in-the-configuration",
                   test_names_what_is_wrong_in_the_configuration);
  g_test_add_func ("/start/names-file-and-line-of-a-bad-configuration",
                   test_names_file_and_line_of_a_bad_configuration);
  g_test_add_func ("/start/names-a-port-that-is-in-use", test_names_a_port_that_is_in_use);
}

static void
add_stop_tests (void)
{
  g_test_add_func ("/stop/says-good-bye-to-sessions", test_says_good_bye_to_sessions);
  g_test_add_func ("/stop/answers-what-was-under-way", test_answers_what_was_under_way);
  g_test_add_func ("/stop/finishes-a-body-that-is-half-sent",
                   test_finishes_a_body_that_is_half_sent);
  g_test_add_func ("/stop/ends-long-polls", test_ends_long_polls);
  g_test_add_func ("/stop/stops-at-the-deadline", test_stops_at_the_deadline);
  g_test_add_func ("/stop/stops-at-once-when-told-twice", test_stops_at_once_when_told_twice);
  g_test_add_func ("/stop/stops-quickly-when-nothing-is-under-way",
                   test_stops_quickly_when_nothing_is_under_way);
  g_test_add_func ("/reload/reloads", test_reloads);
  g_test_add_func ("/reload/keeps-running-with-a-bad-file", test_keeps_running_with_a_bad_file);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  add_start_tests ();
  add_stop_tests ();
  return g_test_run ();
}

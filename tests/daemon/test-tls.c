/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-tls: both ports with a certificate, a new one on reload, and what is no certificate. */

#include "sb-test-raw.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <signal.h>
#include <string.h>

/* LeakSanitizer falls over the TLS module that GIO has closed and opened again. This is for the
 * test alone: the daemon is looked at. */
int __lsan_is_turned_off (void);

int
__lsan_is_turned_off (void)
{
  return 1;
}

/* Makes a certificate with its key in @dir, over those that are there. */
static void
make_certificate (const char *dir)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *certificate = g_build_filename (dir, "cert.pem", NULL);
  g_autofree char *key = g_build_filename (dir, "key.pem", NULL);
  const char *const line[] = { "openssl",
                               "req",
                               "-x509",
                               "-newkey",
                               "ec",
                               "-pkeyopt",
                               "ec_paramgen_curve:prime256v1",
                               "-nodes",
                               "-days",
                               "2",
                               "-subj",
                               "/CN=bus.example",
                               "-out",
                               certificate,
                               "-keyout",
                               key,
                               NULL };
  g_autoptr (GSubprocess) process = g_subprocess_newv (
      line, G_SUBPROCESS_FLAGS_STDERR_SILENCE | G_SUBPROCESS_FLAGS_STDOUT_SILENCE, &error);

  g_assert_no_error (error);
  g_assert_true (g_subprocess_wait_check (process, NULL, &error));
  g_assert_no_error (error);
}

static SbTestDaemon *
new_daemon (void)
{
  SbTestDaemon *daemon = sb_test_daemon_new ();
  const char *dir = sb_test_daemon_get_dir (daemon);

  make_certificate (dir);
  sb_test_daemon_set (daemon, "bus.store=memory");
  sb_test_daemon_set (daemon, "transport-soup.tls-certificate=%s/cert.pem", dir);
  sb_test_daemon_set (daemon, "transport-soup.tls-key=%s/key.pem", dir);
  return daemon;
}

static SbTestHttp *
new_client (guint16 port)
{
  SbTestHttp *client = sb_test_http_new (port, NULL, NULL);

  sb_test_http_use_tls (client);
  return client;
}

static void
test_serves_both_ports (void)
{
  g_autoptr (SbTestDaemon) daemon = new_daemon ();
  g_autoptr (SbTestHttp) http = NULL;
  g_autoptr (SbTestHttp) ws = NULL;
  g_autoptr (SbTestAnswer) first = NULL;
  g_autoptr (SbTestAnswer) second = NULL;

  sb_test_daemon_start (daemon);
  http = new_client (sb_test_daemon_get_http_port (daemon));
  ws = new_client (sb_test_daemon_get_ws_port (daemon));
  first = sb_test_http_get (http, "/healthz");
  second = sb_test_http_get (ws, "/healthz");
  sb_test_assert_status (first, 200);
  sb_test_assert_status (second, 200);
}

static void
test_carries_websockets (void)
{
  g_autoptr (SbTestDaemon) daemon = new_daemon ();
  g_autoptr (SbTestWs) first = NULL;
  g_autoptr (SbTestWs) second = NULL;

  sb_test_daemon_start (daemon);
  first = sb_test_ws_open_tls (sb_test_daemon_get_ws_port (daemon), "/");
  second = sb_test_ws_open_tls (sb_test_daemon_get_http_port (daemon), "/ws");
  sb_test_ws_sync (first);
  sb_test_ws_sync (second);
}

static void
test_does_not_serve_plain_text (void)
{
  g_autoptr (SbTestDaemon) daemon = new_daemon ();
  g_autoptr (SbTestRaw) raw = NULL;
  g_autofree char *answer = NULL;

  sb_test_daemon_start (daemon);
  raw = sb_test_raw_new (sb_test_daemon_get_http_port (daemon));
  sb_test_raw_send (raw, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  answer = sb_test_raw_read_all (raw);
  g_assert_null (strstr (answer, "HTTP/1.1 200"));
}

static void
test_carries_a_large_message (void)
{
  static const char *const form[] = { "Content-Type", "application/x-www-form-urlencoded", NULL };
  g_autoptr (SbTestDaemon) daemon = new_daemon ();
  g_autofree char *padding = g_strnfill (2 * 1024 * 1024, 'x');
  g_autoptr (SbTestHttp) client = NULL;
  g_autoptr (SbTestAnswer) made = NULL;
  g_autoptr (SbTestAnswer) put = NULL;
  g_autoptr (SbTestAnswer) got = NULL;

  sb_test_daemon_start (daemon);
  client = new_client (sb_test_daemon_get_http_port (daemon));
  made = sb_test_http_send (client, "POST", "/signup", form, "name=a&password=p", -1);
  sb_test_assert_status (made, 302);
  sb_test_http_set_user (client, "a", "p");
  put = sb_test_http_postf (client, "/put", "{\"to\":\"@a\",\"message\":\"%s\"}", padding);
  sb_test_assert_status (put, 200);
  got = sb_test_http_get (client, "/get");
  g_assert_nonnull (strstr (got->body, padding));
}

static void
test_takes_a_new_certificate_on_reload (void)
{
  g_autoptr (SbTestDaemon) daemon = new_daemon ();
  g_autoptr (SbTestHttp) before = NULL;
  g_autoptr (SbTestHttp) after = NULL;
  g_autoptr (SbTestAnswer) first = NULL;
  g_autoptr (SbTestAnswer) second = NULL;

  sb_test_daemon_start (daemon);
  before = new_client (sb_test_daemon_get_http_port (daemon));
  after = new_client (sb_test_daemon_get_http_port (daemon));
  first = sb_test_http_get (before, "/healthz");
  make_certificate (sb_test_daemon_get_dir (daemon));
  sb_test_daemon_signal (daemon, SIGHUP);
  sb_test_daemon_wait_log (daemon, "reloaded");
  second = sb_test_http_get (after, "/healthz");
  g_assert_false (g_tls_certificate_is_same (sb_test_http_get_certificate (before),
                                             sb_test_http_get_certificate (after)));
}

static void
test_keeps_the_certificate_when_the_new_one_is_bad (void)
{
  g_autoptr (SbTestDaemon) daemon = new_daemon ();
  g_autofree char *path = g_build_filename (sb_test_daemon_get_dir (daemon), "cert.pem", NULL);
  g_autoptr (SbTestHttp) client = NULL;
  g_autoptr (SbTestAnswer) answer = NULL;

  sb_test_daemon_start (daemon);
  g_assert_true (g_file_set_contents (path, "no certificate", -1, NULL));
  sb_test_daemon_signal (daemon, SIGHUP);
  sb_test_daemon_wait_log (daemon, "cert.pem");
  client = new_client (sb_test_daemon_get_http_port (daemon));
  answer = sb_test_http_get (client, "/healthz");
  sb_test_assert_status (answer, 200);
}

static void
test_refuses_to_start_without_the_key (void)
{
  g_autoptr (SbTestDaemon) daemon = new_daemon ();
  g_autofree char *text = NULL;

  sb_test_daemon_set (daemon, "transport-soup.tls-key=");
  text = sb_test_daemon_start_refused (daemon);
  g_assert_nonnull (strstr (text, "tls-key"));
}

static void
test_refuses_to_start_with_a_bad_certificate (void)
{
  g_autoptr (SbTestDaemon) daemon = new_daemon ();
  g_autofree char *path = g_build_filename (sb_test_daemon_get_dir (daemon), "cert.pem", NULL);
  g_autofree char *text = NULL;

  g_assert_true (g_file_set_contents (path, "no certificate", -1, NULL));
  text = sb_test_daemon_start_refused (daemon);
  g_assert_nonnull (strstr (text, path));
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/tls/serves-both-ports", test_serves_both_ports);
  g_test_add_func ("/tls/carries-websockets", test_carries_websockets);
  g_test_add_func ("/tls/does-not-serve-plain-text", test_does_not_serve_plain_text);
  g_test_add_func ("/tls/carries-a-large-message", test_carries_a_large_message);
  g_test_add_func ("/tls/takes-a-new-certificate-on-reload",
                   test_takes_a_new_certificate_on_reload);
  g_test_add_func ("/tls/keeps-the-certificate-when-the-new-one-is-bad",
                   test_keeps_the_certificate_when_the_new_one_is_bad);
  g_test_add_func ("/tls/refuses-to-start-without-the-key", test_refuses_to_start_without_the_key);
  g_test_add_func ("/tls/refuses-to-start-with-a-bad-certificate",
                   test_refuses_to_start_with_a_bad_certificate);
  return g_test_run ();
}

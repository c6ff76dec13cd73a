/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-session-tls: sessions over TLS, with whom is trusted and with whom is not. */

#include "sb-test-client.h"
#include "sb-test-site.h"
#include "sb-test.h"

/* LeakSanitizer falls over the TLS module that GIO has closed and opened again. */
int __lsan_is_turned_off (void);

int
__lsan_is_turned_off (void)
{
  return 1;
}

static void
make_certificate (const char *dir, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *certificate = g_build_filename (dir, "cert.pem", NULL);
  g_autofree char *key = g_build_filename (dir, "key.pem", NULL);
  g_autofree char *names = g_strconcat ("subjectAltName=", name, NULL);
  g_autoptr (GSubprocess) process = g_subprocess_new (
      G_SUBPROCESS_FLAGS_STDERR_SILENCE | G_SUBPROCESS_FLAGS_STDOUT_SILENCE, &error, "openssl",
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
      "-days", "2", "-subj", "/CN=bus.example", "-addext", names, "-out", certificate, "-keyout",
      key, NULL);

  g_assert_no_error (error);
  g_assert_true (g_subprocess_wait_check (process, NULL, &error));
  g_assert_no_error (error);
}

static SbTestDaemon *
new_daemon (const char *name)
{
  SbTestDaemon *daemon = sb_test_daemon_new ();
  const char *dir = sb_test_daemon_get_dir (daemon);
  g_autoptr (SbTestHttp) admin = NULL;

  make_certificate (dir, name);
  sb_test_daemon_set (daemon, "bus.store=memory");
  sb_test_daemon_set (daemon, "transport-soup.tls-certificate=%s/cert.pem", dir);
  sb_test_daemon_set (daemon, "transport-soup.tls-key=%s/key.pem", dir);
  sb_test_daemon_start (daemon);
  return daemon;
}

static SbTestHttp *
sign_up (SbTestDaemon *daemon)
{
  SbTestHttp *admin = sb_test_http_for (daemon, NULL, NULL);
  g_autoptr (SbTestAnswer) answer = NULL;
  const char *const headers[] = { "Content-Type", "application/x-www-form-urlencoded", NULL };

  sb_test_http_use_tls (admin);
  answer = sb_test_http_send (admin, "POST", "/signup", headers, "name=admin&password=secret", -1);
  sb_test_assert_status (answer, 302);
  sb_test_http_set_user (admin, "admin", "secret");
  sb_test_make_users (admin, "bob", NULL);
  return admin;
}

static SbTestClient *
new_client (SbTestDaemon *daemon, gboolean trusts)
{
  guint16 port = sb_test_daemon_get_http_port (daemon);
  g_autofree char *url = g_strdup_printf ("https://127.0.0.1:%u", port);
  g_autofree char *path = g_build_filename (sb_test_daemon_get_dir (daemon), "cert.pem", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GTlsDatabase) database = g_tls_file_database_new (path, &error);

  g_assert_no_error (error);
  return sb_test_client_new (port, "bob", "url", url, "tls-database", trusts ? database : NULL,
                             NULL);
}

static void
test_speaks_tls (void)
{
  g_autoptr (SbTestDaemon) daemon = new_daemon ("IP:127.0.0.1");
  g_autoptr (SbTestHttp) admin = sign_up (daemon);
  g_autoptr (SbTestClient) bob = new_client (daemon, TRUE);
  g_autofree char *word = g_strnfill (3000000, 'x');
  g_autofree char *payload = g_strdup_printf ("\"%s\"", word);
  g_autofree char *id = NULL;
  g_autofree char *got = NULL;

  sb_test_client_connect (bob);
  id = sb_test_client_send (bob, "@bob", payload);
  sb_test_client_wait (bob, bob->messages, 1);
  got = sb_test_client_dup_payload (bob, 0);
  g_assert_true (g_str_equal (got, payload));
  sb_test_client_wait (bob, bob->confirmations, 1);
}

static void
test_trusts_nobody_without_a_reason (void)
{
  g_autoptr (SbTestDaemon) daemon = new_daemon ("IP:127.0.0.1");
  g_autoptr (SbTestClient) bob = new_client (daemon, FALSE);
  g_autoptr (GError) error = sb_test_client_connect_refused (bob);

  g_assert_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_PROTOCOL);
}

static void
test_does_not_take_one_name_for_another (void)
{
  g_autoptr (SbTestDaemon) daemon = new_daemon ("IP:127.0.0.2");
  g_autoptr (SbTestClient) bob = new_client (daemon, TRUE);
  g_autoptr (GError) error = sb_test_client_connect_refused (bob);

  g_assert_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_PROTOCOL);
}

int
main (int argc, char **argv)
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/client/session-tls/speaks-tls", test_speaks_tls);
  g_test_add_func ("/client/session-tls/trusts-nobody-without-a-reason",
                   test_trusts_nobody_without_a_reason);
  g_test_add_func ("/client/session-tls/does-not-take-one-name-for-another",
                   test_does_not_take_one_name_for_another);
  return g_test_run ();
}

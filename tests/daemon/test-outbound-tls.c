/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-outbound-tls: recipients over TLS, on libsoup's server, and which of them are believed. */

#include "sb-test-recipient.h"
#include "sb-test-site.h"
#include "sb-test.h"

#define RECIPIENT_FAILURES "simplebus_outbound_attempts_total{outcome=\"recipient\"}"

/* LeakSanitizer falls over the TLS module that GIO has closed and opened again, here and in the
 * daemon, where it is turned off by new_site(). Leaks are for valgrind to find. */
int __lsan_is_turned_off (void);

int
__lsan_is_turned_off (void)
{
  return 1;
}

typedef struct
{
  SoupServer *server; /* (owned) */
  guint16 port;
  guint n_requests;
  gsize n_bytes;
} Server;

static void
request_cb (SoupServer *soup, SoupServerMessage *message, const char *path, GHashTable *query,
            gpointer user_data)
{
  Server *self = user_data;
  SoupMessageBody *body = soup_server_message_get_request_body (message);

  self->n_requests++;
  self->n_bytes = (gsize) body->length;
  g_assert_cmpstr (path, ==, "/hs/data");
  g_assert_cmpstr (soup_server_message_get_method (message), ==, "POST");
  soup_server_message_set_response (message, "text/plain", SOUP_MEMORY_STATIC, "thanks", 6);
  soup_server_message_set_status (message, 200, NULL);
}

/* soup_server_listen_local() would leak an address. */
static void
listen_on_free_port (Server *self)
{
  g_autoptr (GSocketAddress) wanted = g_inet_socket_address_new_from_string ("127.0.0.1", 0);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM,
                                             G_SOCKET_PROTOCOL_TCP, &error);
  g_autoptr (GSocketAddress) got = NULL;

  g_assert_no_error (error);
  g_assert_true (g_socket_bind (socket, wanted, TRUE, &error) && g_socket_listen (socket, &error));
  got = g_socket_get_local_address (socket, &error);
  self->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (got));
  g_assert_true (
      soup_server_listen_socket (self->server, socket, SOUP_SERVER_LISTEN_HTTPS, &error));
}

/* A server whose certificate is made out to 127.0.0.1; it goes to @dir/cert.pem. */
static void
server_init (Server *self, const char *dir)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *certificate_path = g_build_filename (dir, "cert.pem", NULL);
  g_autofree char *key_path = g_build_filename (dir, "key.pem", NULL);
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
                               "/CN=erp.example",
                               "-addext",
                               "subjectAltName=IP:127.0.0.1",
                               "-out",
                               certificate_path,
                               "-keyout",
                               key_path,
                               NULL };
  g_autoptr (GSubprocess) process = g_subprocess_newv (
      line, G_SUBPROCESS_FLAGS_STDERR_SILENCE | G_SUBPROCESS_FLAGS_STDOUT_SILENCE, &error);
  g_autoptr (GTlsCertificate) certificate = NULL;

  g_assert_no_error (error);
  g_assert_true (g_subprocess_wait_check (process, NULL, &error));
  certificate = g_tls_certificate_new_from_files (certificate_path, key_path, &error);
  g_assert_no_error (error);
  self->server = soup_server_new ("tls-certificate", certificate, NULL);
  soup_server_add_handler (self->server, NULL, request_cb, self, NULL);
  listen_on_free_port (self);
}

static void
server_clear (Server *self)
{
  soup_server_disconnect (self->server);
  g_object_unref (self->server);
}

/* @setting: (nullable) */
static SbTestSite *
new_site (const char *setting)
{
  SbTestDaemon *daemon = sb_test_daemon_new ();
  const char *options = g_getenv ("ASAN_OPTIONS");
  g_autofree char *more = g_strconcat (options != NULL ? options : "", ":detect_leaks=0", NULL);

  sb_test_daemon_setenv (daemon, "ASAN_OPTIONS", more);
  sb_test_daemon_set (daemon, "bus.store=memory");
  sb_test_daemon_set (daemon, "bus.deliveries=http");
  if (setting != NULL)
    sb_test_daemon_set (daemon, "%s", setting);
  sb_test_daemon_start (daemon);
  return sb_test_site_new_for (daemon);
}

static SbTestSite *
new_site_that_trusts (const char *dir)
{
  g_autofree char *setting = g_strdup_printf ("delivery-http.ca-file=%s/cert.pem", dir);

  return new_site (setting);
}

static void
make_user (SbTestSite *bus, const char *host, guint16 port)
{
  g_autofree char *json = g_strdup_printf (
      "[{\"_id\":\"erp\",\"password\":\"p\",\"connection_properties\":"
      "{\"url\":\"https://%s:%u/hs\"}}]",
      host, port);

  sb_test_put_users (bus->admin, json);
}

static void
put (SbTestSite *bus, const char *id, gsize size)
{
  g_autofree char *padding = g_strnfill (size, 'x');
  g_autoptr (SbTestAnswer) answer = sb_test_http_postf (
      bus->alice, "/put", "{\"_id\":\"%s\",\"to\":\"@erp\",\"message\":\"%s\"}", id, padding);

  sb_test_assert_status (answer, 200);
}

static void
test_delivers_over_tls (void)
{
  g_autoptr (SbTestDir) dir = sb_test_make_dir ();
  g_autoptr (SbTestSite) bus = NULL;
  Server server = { 0 };

  server_init (&server, dir);
  bus = new_site_that_trusts (dir);
  make_user (bus, "127.0.0.1", server.port);
  put (bus, "m0", 1);
  put (bus, "m1", 1);
  sb_test_wait_state (bus->alice, "m1", "erp", "confirmed");
  put (bus, "large", 3 * 1024 * 1024);
  sb_test_wait_state (bus->alice, "large", "erp", "confirmed");
  g_assert_cmpuint (server.n_requests, ==, 3);
  g_assert_cmpuint (server.n_bytes, >, 3 * 1024 * 1024);
  server_clear (&server);
}

static void
assert_not_believed (SbTestSite *bus, Server *server)
{
  put (bus, "m0", 1);
  while (sb_test_get_metric (bus->admin, RECIPIENT_FAILURES) < 1)
    continue;
  g_assert_cmpuint (server->n_requests, ==, 0);
}

static void
test_believes_no_stranger (void)
{
  g_autoptr (SbTestDir) dir = sb_test_make_dir ();
  g_autoptr (SbTestSite) bus = NULL;
  Server server = { 0 };

  server_init (&server, dir);
  bus = new_site (NULL);
  make_user (bus, "127.0.0.1", server.port);
  assert_not_believed (bus, &server);
  server_clear (&server);
}

static void
test_believes_no_other_name (void)
{
  g_autoptr (SbTestDir) dir = sb_test_make_dir ();
  g_autoptr (SbTestSite) bus = NULL;
  Server server = { 0 };

  server_init (&server, dir);
  bus = new_site_that_trusts (dir);
  make_user (bus, "localhost", server.port);
  assert_not_believed (bus, &server);
  server_clear (&server);
}

static void
test_gives_up_a_handshake_that_does_not_end (void)
{
  g_autoptr (SbTestSite) bus = new_site ("delivery-http.timeout=0.3");
  g_autoptr (SbTestRecipient) deaf = sb_test_recipient_new ();

  make_user (bus, "127.0.0.1", sb_test_recipient_get_port (deaf));
  put (bus, "m0", 1);
  sb_test_recipient_wait_closed (deaf, 1);
  while (sb_test_get_metric (bus->admin, RECIPIENT_FAILURES) < 1)
    continue;
  g_assert_cmpuint (sb_test_recipient_get_n (deaf), ==, 0);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/outbound-tls/delivers-over-tls", test_delivers_over_tls);
  g_test_add_func ("/outbound-tls/believes-no-stranger", test_believes_no_stranger);
  g_test_add_func ("/outbound-tls/believes-no-other-name", test_believes_no_other_name);
  g_test_add_func ("/outbound-tls/gives-up-a-handshake-that-does-not-end",
                   test_gives_up_a_handshake_that_does_not_end);
  return g_test_run ();
}

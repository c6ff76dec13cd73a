/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-listener-tls: encrypted connections, and handshakes that go nowhere. */

#include "listener-service.h"
#include "sb-test.h"

#include <string.h>

/* A TLS record of a handshake, of which the rest never comes. */
#define PIECE_OF_HELLO "\x16\x03\x01\x01\x01\x01"

static SbService *
tls_service_new (const SbListenerOptions *options)
{
  g_autoptr (GTlsCertificate) certificate = sb_service_certificate ();
  SbService *service = sb_service_new (options);

  sb_listener_set_certificate (service->listener, certificate);
  return service;
}

static SbListenerOptions
make_options (void)
{
  SbListenerOptions options;

  sb_listener_options_init (&options);
  options.tick = 5;
  return options;
}

static void
assert_gets (SbService *service, const char *path, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) body = sb_service_get (service, "https", path, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (g_bytes_get_size (body), ==, size);
}

static void
serves_encrypted (void)
{
  g_autoptr (GTlsCertificate) certificate = sb_service_certificate ();
  g_autoptr (SbService) service = tls_service_new (NULL);

  assert_gets (service, "/", 5);
  g_assert_true (g_tls_certificate_is_same (service->server_certificate, certificate));
  g_assert_true (sb_connection_is_tls (service->last));
}

static void
serves_a_large_answer (void)
{
  g_autoptr (SbService) service = tls_service_new (NULL);

  assert_gets (service, "/big", BIG_SIZE);
}

static void
serves_a_further_request (void)
{
  g_autoptr (SbService) service = tls_service_new (NULL);

  assert_gets (service, "/", 5);
  assert_gets (service, "/chunked", 11);
  g_assert_cmpuint (service->handed, ==, 1);
}

static void
the_certificate_counts_at_the_accept (void)
{
  g_autoptr (SbService) service = tls_service_new (NULL);
  g_autoptr (GSocket) plain = NULL;

  assert_gets (service, "/", 5);
  sb_listener_set_certificate (service->listener, NULL);
  plain = sb_service_connect (service);
  sb_service_send (plain, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  sb_service_expect (plain, "hello");
  assert_gets (service, "/", 5);
}

static void
what_is_not_encrypted_is_turned_away (void)
{
  g_autoptr (SbService) service = tls_service_new (NULL);
  g_autoptr (GSocket) plain = sb_service_connect (service);
  g_autofree char *answer = NULL;

  sb_service_send (plain, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  answer = sb_service_receive_all (plain);
  g_assert_null (strstr (answer, "hello"));
  sb_service_wait_open (service, 0);
  g_assert_cmpuint (sb_service_get_stats (service).handshakes_failed, ==, 1);
}

static void
assert_handshake_ends (const char *beginning)
{
  SbListenerOptions options = make_options ();
  g_autoptr (SbService) service = NULL;
  g_autoptr (GSocket) client = NULL;
  g_autofree char *nothing = NULL;

  options.limits.handshake = 30 * 1000;
  service = tls_service_new (&options);
  client = sb_service_connect (service);
  sb_service_send (client, beginning);
  nothing = sb_service_receive_all (client);
  sb_service_wait_open (service, 0);
  g_assert_cmpuint (service->handed, ==, 0);
  g_assert_cmpuint (sb_service_get_stats (service).handshakes_failed, ==, 1);
}

static void
a_client_that_says_nothing_is_cut_off (void)
{
  assert_handshake_ends ("");
}

static void
a_client_that_stops_in_its_hello_is_cut_off (void)
{
  assert_handshake_ends (PIECE_OF_HELLO);
}

/* Some in a handshake of which the rest never comes, and many who say nothing at all. */
static SbService *
stalled_service_new (guint n_stalled, gint64 deadline, GPtrArray *clients)
{
  SbListenerOptions options = make_options ();
  SbService *service;

  options.limits.handshake = deadline;
  service = tls_service_new (&options);
  for (guint i = 0; i < 100; i++)
    {
      GSocket *client = sb_service_connect (service);

      if (i < n_stalled)
        sb_service_send (client, PIECE_OF_HELLO);
      g_ptr_array_add (clients, client);
    }
  while (sb_service_get_stats (service).accepted < 100)
    g_main_context_iteration (NULL, TRUE);
  return service;
}

static void
those_that_stop_do_not_hold_up_the_others (void)
{
  g_autoptr (GPtrArray) clients = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (SbService) service = stalled_service_new (10, 60 * G_USEC_PER_SEC, clients);

  assert_gets (service, "/", 5);
  g_assert_cmpuint (sb_service_get_stats (service).handshakes_failed, ==, 0);
}

/* More than may run for one address: the next one gets its turn when they are cut off. */
static void
waiting_for_those_that_stop_costs_nobody_his_place (void)
{
  g_autoptr (GPtrArray) clients = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (SbService) service = stalled_service_new (30, 2 * G_USEC_PER_SEC, clients);

  assert_gets (service, "/", 5);
  g_assert_cmpuint (sb_service_get_stats (service).handshakes_failed, >, 0);
}

static void
handshakes_are_counted_and_bounded (void)
{
  SbListenerOptions options = make_options ();
  g_autoptr (SbService) service = NULL;
  g_autoptr (GSocket) first = NULL;
  g_autoptr (GSocket) second = NULL;
  g_autofree char *nothing = NULL;

  options.max_connections = 1;
  service = tls_service_new (&options);
  first = sb_service_connect (service);
  sb_service_wait_open (service, 1);
  g_assert_cmpuint (sb_service_get_stats (service).handshaking, ==, 1);
  second = sb_service_connect (service);
  nothing = sb_service_receive_all (second);
  g_assert_cmpuint (sb_service_get_stats (service).refused, ==, 1);
}

static void
a_listener_may_go_in_the_middle_of_a_handshake (void)
{
  SbService *service = tls_service_new (NULL);
  g_autoptr (GSocket) client = sb_service_connect (service);
  g_autofree char *nothing = NULL;

  sb_service_send (client, PIECE_OF_HELLO);
  sb_service_wait_open (service, 1);
  sb_test_settle ();
  g_assert_finalize_object (g_steal_pointer (&service->listener));
  nothing = sb_service_receive_all (client);
  service->listener = sb_listener_new (NULL, NULL);
  sb_service_free (service);
}

/* --- The end of an encrypted connection ----------------------------------------------------- */

typedef struct
{
  GIOStream *stream;
  gboolean done;
} Client;

static gboolean
accept_any (GTlsConnection *connection, GTlsCertificate *certificate, GTlsCertificateFlags errors,
            gpointer user_data)
{
  return TRUE;
}

static void
on_event (GSocketClient *socket_client, GSocketClientEvent event, GSocketConnectable *connectable,
          GIOStream *connection, gpointer user_data)
{
  if (event != G_SOCKET_CLIENT_TLS_HANDSHAKING)
    return;
  g_tls_connection_set_database (G_TLS_CONNECTION (connection), NULL);
  g_signal_connect (connection, "accept-certificate", G_CALLBACK (accept_any), NULL);
}

static void
on_connected (GObject *socket_client, GAsyncResult *result, gpointer user_data)
{
  Client *client = user_data;
  g_autoptr (GError) error = NULL;

  client->stream = G_IO_STREAM (
      g_socket_client_connect_to_host_finish (G_SOCKET_CLIENT (socket_client), result, &error));
  g_assert_no_error (error);
  client->done = TRUE;
}

/* Connects a client whose connection the service holds. */
static GIOStream *
connect_held (SbService *service)
{
  g_autoptr (GSocketClient) socket_client = g_socket_client_new ();
  Client client = { NULL, FALSE };

  service->hold = TRUE;
  g_socket_client_set_enable_proxy (socket_client, FALSE);
  g_socket_client_set_tls (socket_client, TRUE);
  g_signal_connect (socket_client, "event", G_CALLBACK (on_event), NULL);
  g_socket_client_connect_to_host_async (socket_client, "127.0.0.1", service->port, NULL,
                                         on_connected, &client);
  sb_test_wait_flag (&client.done, "the client");
  sb_test_wait_count (&service->handed, 1, "the connection");
  return client.stream;
}

/* Reads up to the end, which must be said. Returns: how much that was */
static gsize
read_to_the_farewell (GIOStream *client)
{
  GPollableInputStream *input = G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (client));
  char buffer[65536];
  gsize total = 0;

  for (;;)
    {
      g_autoptr (GError) error = NULL;
      gssize n = g_pollable_input_stream_read_nonblocking (input, buffer, sizeof buffer, NULL,
                                                           &error);

      if (n == 0)
        return total;
      if (n < 0)
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
      total += MAX (n, 0);
      g_main_context_iteration (NULL, FALSE);
    }
}

static gsize
write_until_full (SbConnection *connection)
{
  static const char block[10000];
  GPollableOutputStream *output = G_POLLABLE_OUTPUT_STREAM (
      g_io_stream_get_output_stream (G_IO_STREAM (connection)));
  gsize total = 0;
  gssize n;

  while ((n = g_pollable_output_stream_write_nonblocking (output, block, sizeof block, NULL, NULL))
         > 0)
    {
      total += n;
      sb_test_settle ();
      g_assert_cmpuint (sb_connection_get_queued (connection), <=, SB_CONNECTION_BUFFER_MAX);
    }
  return total;
}

static void
a_close_loses_nothing_and_says_farewell (void)
{
  g_autoptr (SbService) service = tls_service_new (NULL);
  g_autoptr (GIOStream) client = connect_held (service);
  gsize total = write_until_full (service->held);

  g_assert_cmpuint (sb_connection_get_queued (service->held), ==, SB_CONNECTION_BUFFER_MAX);
  g_assert_true (g_io_stream_close (G_IO_STREAM (service->held), NULL, NULL));
  g_clear_object (&service->held);
  g_assert_cmpuint (read_to_the_farewell (client), ==, total);
  g_clear_object (&client);
  sb_service_wait_open (service, 0);
  sb_test_settle ();
  g_assert_null (service->last);
}

static void
a_close_does_not_wait_for_ever (void)
{
  SbListenerOptions options = make_options ();
  g_autoptr (SbService) service = NULL;
  g_autoptr (GIOStream) client = NULL;

  options.limits.closing = 30 * 1000;
  service = tls_service_new (&options);
  client = connect_held (service);
  write_until_full (service->held);
  g_io_stream_close (G_IO_STREAM (service->held), NULL, NULL);
  g_clear_object (&service->held);
  sb_service_wait_open (service, 0);
  sb_test_settle ();
  g_assert_null (service->last);
}

static void
an_abort_in_the_farewell_is_fine (void)
{
  g_autoptr (SbService) service = tls_service_new (NULL);
  g_autoptr (GIOStream) client = connect_held (service);

  g_io_stream_close (G_IO_STREAM (service->held), NULL, NULL);
  sb_connection_abort (service->held, "test");
  g_clear_object (&service->held);
  sb_service_wait_open (service, 0);
  sb_test_settle ();
  g_assert_null (service->last);
}

static void
the_last_unref_closes (void)
{
  g_autoptr (SbService) service = tls_service_new (NULL);
  g_autoptr (GIOStream) client = connect_held (service);

  g_assert_finalize_object (g_steal_pointer (&service->held));
  g_assert_cmpuint (sb_service_get_stats (service).open, ==, 0);
}

static const struct
{
  const char *name;
  void (*func) (void);
} tests[] = {
  { "/listener-tls/serves/encrypted", serves_encrypted },
  { "/listener-tls/serves/a-large-answer", serves_a_large_answer },
  { "/listener-tls/serves/a-further-request", serves_a_further_request },
  { "/listener-tls/serves/by-the-certificate-of-the-accept", the_certificate_counts_at_the_accept },
  { "/listener-tls/handshake/what-is-not-encrypted-is-turned-away",
    what_is_not_encrypted_is_turned_away },
  { "/listener-tls/handshake/a-client-that-says-nothing-is-cut-off",
    a_client_that_says_nothing_is_cut_off },
  { "/listener-tls/handshake/a-client-that-stops-in-its-hello-is-cut-off",
    a_client_that_stops_in_its_hello_is_cut_off },
  { "/listener-tls/handshake/those-that-stop-do-not-hold-up-the-others",
    those_that_stop_do_not_hold_up_the_others },
  { "/listener-tls/handshake/waiting-for-those-that-stop-costs-nobody-his-place",
    waiting_for_those_that_stop_costs_nobody_his_place },
  { "/listener-tls/handshake/is-counted-and-bounded", handshakes_are_counted_and_bounded },
  { "/listener-tls/handshake/may-see-the-listener-go",
    a_listener_may_go_in_the_middle_of_a_handshake },
  { "/listener-tls/end/a-close-loses-nothing-and-says-farewell",
    a_close_loses_nothing_and_says_farewell },
  { "/listener-tls/end/a-close-does-not-wait-for-ever", a_close_does_not_wait_for_ever },
  { "/listener-tls/end/an-abort-in-the-farewell-is-fine", an_abort_in_the_farewell_is_fine },
  { "/listener-tls/end/the-last-unref-closes", the_last_unref_closes },
};

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  if (!g_tls_backend_supports_tls (g_tls_backend_get_default ()))
    {
      g_print ("1..0 # SKIP no TLS here\n");
      return 0;
    }
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add_func (tests[i].name, tests[i].func);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-listener: a SoupServer served by it, its bounds, and the end of everything. */

#include "listener-service.h"
#include "sb-bind.h"
#include "sb-error.h"
#include "sb-test.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define REQUEST "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
#define CLOSING_REQUEST "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

/* A tick and deadlines of a test: soon, and yet not before the next step of the test. */
static SbListenerOptions
make_options (void)
{
  SbListenerOptions options;

  sb_listener_options_init (&options);
  options.tick = 5;
  return options;
}

static void
assert_gets (SbService *service, const char *scheme, const char *path, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) body = sb_service_get (service, scheme, path, &error);

  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (body, NULL), g_bytes_get_size (body), expected,
                   strlen (expected));
}

/* --- Serving -------------------------------------------------------------------------------- */

static void
serves_http (void)
{
  g_autoptr (SbService) service = sb_service_new (NULL);

  assert_gets (service, "http", "/", "hello");
  assert_gets (service, "http", "/", "hello");
  g_assert_cmpuint (service->handed, ==, 1);
}

static void
serves_a_large_answer (void)
{
  g_autoptr (SbService) service = sb_service_new (NULL);
  g_autoptr (GBytes) body = sb_service_get (service, "http", "/big", NULL);

  g_assert_cmpuint (g_bytes_get_size (body), ==, BIG_SIZE);
}

static void
serves_an_answer_in_chunks (void)
{
  g_autoptr (SbService) service = sb_service_new (NULL);

  assert_gets (service, "http", "/chunked", "hello again");
}

static void
serves_requests_that_come_at_once (void)
{
  g_autoptr (SbService) service = sb_service_new (NULL);
  g_autoptr (GSocket) client = sb_service_connect (service);
  g_autofree char *answers = NULL;
  g_auto (GStrv) parts = NULL;

  sb_service_send (client, REQUEST REQUEST CLOSING_REQUEST);
  answers = sb_service_receive_all (client);
  parts = g_strsplit (answers, "hello", -1);
  g_assert_cmpuint (g_strv_length (parts), ==, 4);
}

static void
gives_a_connection_back_to_its_request (void)
{
  g_autoptr (SbService) service = sb_service_new (NULL);
  g_autoptr (GSocket) client = sb_service_connect (service);

  sb_service_send (client, REQUEST);
  sb_service_expect (client, "hello");
  g_assert_cmpint (sb_connection_get_phase (service->last), ==, SB_CONNECTION_PHASE_HANDLING);
  g_assert_cmpstr (sb_connection_get_remote_text (service->last), ==, "127.0.0.1");
}

static void
on_websocket (GObject *session, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  *(SoupWebsocketConnection **) user_data = soup_session_websocket_connect_finish (
      SOUP_SESSION (session), result, &error);
  g_assert_no_error (error);
}

static SoupWebsocketConnection *
connect_websocket (SbService *service)
{
  g_autofree char *uri = g_strdup_printf ("ws://127.0.0.1:%u/echo", service->port);
  g_autoptr (SoupMessage) message = soup_message_new ("GET", uri);
  SoupWebsocketConnection *websocket = NULL;

  soup_session_websocket_connect_async (service->session, message, NULL, NULL, G_PRIORITY_DEFAULT,
                                        NULL, on_websocket, &websocket);
  while (websocket == NULL)
    g_main_context_iteration (NULL, TRUE);
  return websocket;
}

static void
on_echo (SoupWebsocketConnection *websocket, int type, GBytes *message, gpointer user_data)
{
  guint *count = user_data;
  g_autofree char *expected = g_strdup_printf ("message %u", (*count)++);

  g_assert_cmpstr (g_bytes_get_data (message, NULL), ==, expected);
}

static void
serves_a_websocket (void)
{
  g_autoptr (SbService) service = sb_service_new (NULL);
  g_autoptr (SoupWebsocketConnection) websocket = connect_websocket (service);
  guint echoed = 0;

  g_signal_connect (websocket, "message", G_CALLBACK (on_echo), &echoed);
  for (guint i = 0; i < 2000; i++)
    {
      g_autofree char *text = g_strdup_printf ("message %u", i);

      soup_websocket_connection_send_text (websocket, text);
    }
  sb_test_wait_count (&echoed, 2000, "echoes");
  soup_websocket_connection_close (websocket, SOUP_WEBSOCKET_CLOSE_NORMAL, NULL);
  sb_service_wait_open (service, 0);
}

static void
a_frame_that_came_with_the_handshake_is_not_lost (void)
{
  static const char handshake[] = "GET /echo HTTP/1.1\r\nHost: localhost\r\n"
                                  "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                                  "Sec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
                                  /* "early", masked with "    " */
                                  "\x81\x85    EARLY";
  g_autoptr (SbService) service = sb_service_new (NULL);
  g_autoptr (GSocket) client = sb_service_connect (service);

  sb_service_send (client, handshake);
  sb_service_expect (client, "early");
}

/* --- Deadlines ------------------------------------------------------------------------------ */

static void
a_request_that_stays_unfinished_is_cut_off (void)
{
  SbListenerOptions options = make_options ();
  g_autoptr (SbService) service = NULL;
  g_autoptr (GSocket) client = NULL;
  g_autofree char *answer = NULL;

  options.limits.headers = 30 * 1000;
  service = sb_service_new (&options);
  client = sb_service_connect (service);
  sb_service_send (client, "GET / HTT");
  answer = sb_service_receive_all (client);
  g_assert_cmpuint (sb_service_get_stats (service).overdue, ==, 1);
  /* libsoup noticed, and let go. */
  sb_test_settle ();
  g_assert_null (service->last);
}

static void
a_connection_that_asks_nothing_more_is_cut_off (void)
{
  SbListenerOptions options = make_options ();
  g_autoptr (SbService) service = NULL;
  g_autoptr (GSocket) client = NULL;
  g_autofree char *answer = NULL;

  options.limits.idle = 30 * 1000;
  service = sb_service_new (&options);
  client = sb_service_connect (service);
  sb_service_send (client, REQUEST);
  sb_service_expect (client, "hello");
  sb_connection_set_phase (service->last, SB_CONNECTION_PHASE_HEADERS);
  answer = sb_service_receive_all (client);
  g_assert_cmpuint (sb_service_get_stats (service).overdue, ==, 1);
}

static void
assert_phase_ends (SbConnectionPhase phase, const SbListenerOptions *options)
{
  g_autoptr (SbService) service = sb_service_new (options);
  g_autoptr (GSocket) client = NULL;
  g_autofree char *nothing = NULL;

  service->hold = TRUE;
  client = sb_service_connect (service);
  sb_test_wait_count (&service->handed, 1, "the connection");
  sb_connection_set_phase (service->held, phase);
  nothing = sb_service_receive_all (client);
  g_assert_cmpuint (sb_service_get_stats (service).overdue, ==, 1);
}

static void
a_body_that_stops_is_cut_off (void)
{
  SbListenerOptions options = make_options ();

  options.limits.body = 30 * 1000;
  assert_phase_ends (SB_CONNECTION_PHASE_BODY, &options);
}

static void
a_session_that_does_not_log_in_is_cut_off (void)
{
  SbListenerOptions options = make_options ();

  options.limits.authentication = 30 * 1000;
  assert_phase_ends (SB_CONNECTION_PHASE_AUTHENTICATING, &options);
}

/* --- Bounds --------------------------------------------------------------------------------- */

static void
assert_refused_beyond_two (SbService *service)
{
  g_autoptr (GSocket) first = sb_service_connect (service);
  g_autoptr (GSocket) second = sb_service_connect (service);
  g_autoptr (GSocket) third = NULL;
  g_autofree char *nothing = NULL;

  sb_service_wait_open (service, 2);
  third = sb_service_connect (service);
  nothing = sb_service_receive_all (third);
  g_assert_cmpstr (nothing, ==, "");
  g_assert_cmpuint (service->handed, ==, 2);
  g_socket_close (first, NULL);
  sb_service_wait_open (service, 1);
  assert_gets (service, "http", "/", "hello");
}

static void
refuses_more_than_it_may_have (void)
{
  SbListenerOptions options = make_options ();
  g_autoptr (SbService) service = NULL;

  options.max_connections = 2;
  service = sb_service_new (&options);
  assert_refused_beyond_two (service);
  g_assert_cmpuint (sb_service_get_stats (service).refused, ==, 1);
}

static void
refuses_more_than_one_address_may_have (void)
{
  SbListenerOptions options = make_options ();
  g_autoptr (SbService) service = NULL;

  options.max_per_address = 2;
  service = sb_service_new (&options);
  assert_refused_beyond_two (service);
  g_assert_cmpuint (sb_service_get_stats (service).refused_address, ==, 1);
}

/* Lets the process have no descriptor more than it has. Returns: what was allowed before */
static struct rlimit
forbid_descriptors (void)
{
  int lowest = fcntl (STDIN_FILENO, F_DUPFD, 0);
  struct rlimit before, now;

  close (lowest);
  getrlimit (RLIMIT_NOFILE, &before);
  now = before;
  now.rlim_cur = lowest;
  g_assert_no_errno (setrlimit (RLIMIT_NOFILE, &now));
  return before;
}

static void
waits_when_out_of_descriptors (void)
{
  SbListenerOptions options = make_options ();
  g_autoptr (SbService) service = sb_service_new (&options);
  g_autoptr (GSocket) client = sb_service_connect (service);
  struct rlimit before = forbid_descriptors ();
  gboolean lost = FALSE;

  while (sb_service_get_stats (service).starved < 3 && !lost)
    {
      g_main_context_iteration (NULL, TRUE);
      lost = g_socket_condition_check (client, G_IO_IN) != 0;
    }
  g_assert_no_errno (setrlimit (RLIMIT_NOFILE, &before));
  if (lost)
    {
      g_test_skip ("valgrind itself accepts, and closes, what is over the limit");
      return;
    }
  g_assert_cmpuint (service->handed, ==, 0);
  sb_test_wait_count (&service->handed, 1, "the connection that waited");
  sb_service_send (client, REQUEST);
  sb_service_expect (client, "hello");
}

/* --- Ports ---------------------------------------------------------------------------------- */

static void
a_port_in_use_is_named (void)
{
  g_autoptr (SbService) service = sb_service_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *where = g_strdup_printf ("127.0.0.1:%u", service->port);

  g_assert_false (
      sb_listener_add_address (service->listener, "127.0.0.1", service->port, NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
  g_assert_nonnull (strstr (error->message, where));
}

static void
a_host_that_is_not_there_is_named (void)
{
  g_autoptr (SbListener) listener = sb_listener_new (NULL, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (sb_listener_add_address (listener, "192.0.2.1", 0, NULL, NULL, &error));
  g_assert_nonnull (strstr (error->message, "192.0.2.1:0"));
}

static void
every_address_of_both_kinds_is_listened_to (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) sockets = sb_bind ("[::]", 0, &error);
  g_autoptr (GPtrArray) same = NULL;

  if (sockets == NULL)
    {
      g_test_skip ("no IPv6 here");
      return;
    }
  /* The port is taken for IPv4, too. */
  same = sb_bind ("127.0.0.1", sb_bind_get_port (g_ptr_array_index (sockets, 0)), &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
}

static void
a_socket_that_listens_is_taken_over (void)
{
  g_autoptr (SbService) service = sb_service_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) sockets = sb_bind ("127.0.0.1", 0, &error);
  GSocket *socket = g_ptr_array_index (sockets, 0);

  g_assert_true (
      sb_listener_add_fd (service->listener, dup (g_socket_get_fd (socket)), service, &error));
  service->port = sb_bind_get_port (socket);
  assert_gets (service, "http", "/", "hello");
}

static void
a_descriptor_of_another_kind_is_refused (void)
{
  g_autoptr (SbListener) listener = sb_listener_new (NULL, NULL);
  g_autoptr (GSocket) idle = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM,
                                           G_SOCKET_PROTOCOL_TCP, NULL);
  int null = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  int fds[] = { g_socket_get_fd (idle), null, -1 };

  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (sb_listener_add_fd (listener, fds[i], NULL, &error));
      g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
    }
  g_assert_no_errno (close (null));
}

static void
after_the_stop_nobody_gets_in_and_nobody_out (void)
{
  g_autoptr (SbService) service = sb_service_new (NULL);
  g_autoptr (GSocket) client = sb_service_connect (service);
  g_autoptr (GError) error = NULL;
  GBytes *body;

  sb_test_wait_count (&service->handed, 1, "the connection");
  sb_listener_stop_accepting (service->listener);
  body = sb_service_get (service, "http", "/", &error);
  g_assert_null (body);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
  sb_service_send (client, REQUEST);
  sb_service_expect (client, "hello");
}

/* --- The end -------------------------------------------------------------------------------- */

static void
count_and_close (SbConnection *connection, gpointer count)
{
  (*(guint *) count)++;
  g_io_stream_close (G_IO_STREAM (connection), NULL, NULL);
}

static void
all_may_be_visited_and_closed (void)
{
  g_autoptr (SbService) service = sb_service_new (NULL);
  g_autoptr (GSocket) first = sb_service_connect (service);
  g_autoptr (GSocket) second = sb_service_connect (service);
  g_autofree char *nothing = NULL;
  guint visited = 0;

  sb_service_wait_open (service, 2);
  sb_listener_foreach (service->listener, count_and_close, &visited);
  g_assert_cmpuint (visited, ==, 2);
  nothing = sb_service_receive_all (first);
  g_socket_close (first, NULL);
  g_socket_close (second, NULL);
  sb_service_wait_open (service, 0);
}

static void
a_connection_may_outlive_its_listener (void)
{
  g_autoptr (SbConnection) connection = NULL;
  SbService *service = sb_service_new (NULL);
  g_autoptr (GSocket) client = NULL;
  g_autofree char *nothing = NULL;

  service->hold = TRUE;
  client = sb_service_connect (service);
  sb_test_wait_count (&service->handed, 1, "the connection");
  connection = g_steal_pointer (&service->held);
  g_clear_weak_pointer (&service->last);
  g_assert_finalize_object (g_steal_pointer (&service->listener));
  service->listener = sb_listener_new (NULL, NULL);
  g_socket_close (client, NULL);
  g_io_stream_close (G_IO_STREAM (connection), NULL, NULL);
  sb_test_settle ();
  g_assert_finalize_object (g_steal_pointer (&connection));
  sb_service_free (service);
}

static void
a_connection_that_nobody_wants_is_closed (void)
{
  g_autoptr (SbService) service = sb_service_new (NULL);
  g_autoptr (GSocket) client = sb_service_connect (service);
  g_autofree char *nothing = NULL;

  sb_listener_set_func (service->listener, NULL, NULL);
  nothing = sb_service_receive_all (client);
  sb_service_wait_open (service, 0);
}

static void
an_answered_client_that_leaves_leaves_nothing (void)
{
  g_autoptr (SbService) service = sb_service_new (NULL);
  g_autoptr (GSocket) client = sb_service_connect (service);

  sb_service_send (client, REQUEST);
  sb_service_expect (client, "hello");
  g_socket_close (client, NULL);
  sb_service_wait_open (service, 0);
  sb_test_settle ();
  g_assert_null (service->last);
}

static void
an_aborted_websocket_leaves_nothing (void)
{
  g_autoptr (SbService) service = sb_service_new (NULL);
  g_autoptr (SoupWebsocketConnection) websocket = connect_websocket (service);

  sb_connection_abort (service->last, "test");
  sb_service_wait_open (service, 0);
  while (service->websockets->len > 0)
    g_main_context_iteration (NULL, TRUE);
  sb_test_settle ();
  g_assert_null (service->last);
}

static const struct
{
  const char *name;
  void (*func) (void);
} tests[] = {
  { "/listener/serves/http", serves_http },
  { "/listener/serves/a-large-answer", serves_a_large_answer },
  { "/listener/serves/an-answer-in-chunks", serves_an_answer_in_chunks },
  { "/listener/serves/requests-that-come-at-once", serves_requests_that_come_at_once },
  { "/listener/serves/gives-a-connection-back-to-its-request",
    gives_a_connection_back_to_its_request },
  { "/listener/serves/a-websocket", serves_a_websocket },
  { "/listener/serves/a-frame-that-came-with-the-handshake",
    a_frame_that_came_with_the_handshake_is_not_lost },
  { "/listener/deadlines/a-request-that-stays-unfinished-is-cut-off",
    a_request_that_stays_unfinished_is_cut_off },
  { "/listener/deadlines/a-connection-that-asks-nothing-more-is-cut-off",
    a_connection_that_asks_nothing_more_is_cut_off },
  { "/listener/deadlines/a-body-that-stops-is-cut-off", a_body_that_stops_is_cut_off },
  { "/listener/deadlines/a-session-that-does-not-log-in-is-cut-off",
    a_session_that_does_not_log_in_is_cut_off },
  { "/listener/bounds/refuses-more-than-it-may-have", refuses_more_than_it_may_have },
  { "/listener/bounds/refuses-more-than-one-address-may-have",
    refuses_more_than_one_address_may_have },
  { "/listener/bounds/waits-when-out-of-descriptors", waits_when_out_of_descriptors },
  { "/listener/ports/one-in-use-is-named", a_port_in_use_is_named },
  { "/listener/ports/a-host-that-is-not-there-is-named", a_host_that_is_not_there_is_named },
  { "/listener/ports/every-address-of-both-kinds", every_address_of_both_kinds_is_listened_to },
  { "/listener/ports/a-socket-that-listens-is-taken-over", a_socket_that_listens_is_taken_over },
  { "/listener/ports/a-descriptor-of-another-kind-is-refused",
    a_descriptor_of_another_kind_is_refused },
  { "/listener/end/after-the-stop-nobody-gets-in-and-nobody-out",
    after_the_stop_nobody_gets_in_and_nobody_out },
  { "/listener/end/all-may-be-visited-and-closed", all_may_be_visited_and_closed },
  { "/listener/end/a-connection-may-outlive-its-listener", a_connection_may_outlive_its_listener },
  { "/listener/end/a-connection-that-nobody-wants-is-closed",
    a_connection_that_nobody_wants_is_closed },
  { "/listener/end/an-answered-client-that-leaves-leaves-nothing",
    an_answered_client_that_leaves_leaves_nothing },
  { "/listener/end/an-aborted-websocket-leaves-nothing", an_aborted_websocket_leaves_nothing },
};

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add_func (tests[i].name, tests[i].func);
  return g_test_run ();
}

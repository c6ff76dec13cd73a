/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* listener-service: see the header. */

#include "listener-service.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of no worth to anybody: made for these tests, for the name localhost. */
static const char certificate_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg1FHxzX0vkHaHncXl\n"
    "HYRAuQ8yrz3DRWeTlQHWGB+cNpihRANCAASyshz1QXCWSPPxgYfr9Con09PWFTjL\n"
    "qbXQzyvNnY6BSf8lmhXunWeDU32oktJQcrINvP3UFg7MJ2CX/wjQJ4PV\n"
    "-----END PRIVATE KEY-----\n"
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBlTCCATugAwIBAgIUF5Z1Uik3tkByb6piRV8V5I2FJsIwCgYIKoZIzj0EAwIw\n"
    "FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMjE3NTc1MVoYDzIxMjYxMDI5\n"
    "MTc1NzUxWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO\n"
    "PQMBBwNCAASyshz1QXCWSPPxgYfr9Con09PWFTjLqbXQzyvNnY6BSf8lmhXunWeD\n"
    "U32oktJQcrINvP3UFg7MJ2CX/wjQJ4PVo2kwZzAdBgNVHQ4EFgQUr/Hu2iw/85gS\n"
    "ZDFuaxArDpplbV8wHwYDVR0jBBgwFoAUr/Hu2iw/85gSZDFuaxArDpplbV8wDwYD\n"
    "VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID\n"
    "SAAwRQIhALiyI6QOE9EPMFo6MQerayDsmUzPEEtdB7qBNbvXleK4AiB4AjqF8XRF\n"
    "kqRlp7dowHXn5xmm4EC8VZkGAwn2RRucHQ==\n"
    "-----END CERTIFICATE-----\n";

GTlsCertificate *
sb_service_certificate (void)
{
  g_autoptr (GError) error = NULL;
  GTlsCertificate *certificate = g_tls_certificate_new_from_pem (certificate_pem, -1, &error);

  g_assert_no_error (error);
  return certificate;
}

/* --- The server ----------------------------------------------------------------------------- */

static void
on_message (SoupWebsocketConnection *websocket, int type, GBytes *message, gpointer user_data)
{
  soup_websocket_connection_send_message (websocket, type, message);
}

static void
on_websocket_closed (SoupWebsocketConnection *websocket, gpointer user_data)
{
  SbService *service = user_data;

  g_ptr_array_remove (service->websockets, websocket);
}

static void
on_upgraded (SoupServerMessage *message, gpointer user_data)
{
  SbService *service = user_data;
  g_autoptr (GUri) uri = g_uri_ref (soup_server_message_get_uri (message));
  g_autoptr (GIOStream) stolen = soup_server_message_steal_connection (message);
  g_autoptr (SbConnection) connection = sb_connection_unwrap (stolen);
  SoupWebsocketConnection *websocket;

  g_assert_nonnull (connection);
  sb_connection_set_phase (connection, SB_CONNECTION_PHASE_OPEN);
  websocket = soup_websocket_connection_new (G_IO_STREAM (connection), uri,
                                             SOUP_WEBSOCKET_CONNECTION_SERVER, NULL, NULL, NULL);
  g_signal_connect (websocket, "message", G_CALLBACK (on_message), NULL);
  g_signal_connect (websocket, "closed", G_CALLBACK (on_websocket_closed), service);
  g_ptr_array_add (service->websockets, websocket);
}

static void
answer (SoupServerMessage *message, const char *path)
{
  SoupMessageBody *body = soup_server_message_get_response_body (message);

  soup_server_message_set_status (message, SOUP_STATUS_OK, NULL);
  if (g_str_equal (path, "/big"))
    soup_message_body_append_take (body, g_malloc0 (BIG_SIZE), BIG_SIZE);
  else
    soup_message_body_append (body, SOUP_MEMORY_STATIC, "hello", 5);
  if (g_str_equal (path, "/chunked"))
    {
      soup_message_headers_set_encoding (soup_server_message_get_response_headers (message),
                                         SOUP_ENCODING_CHUNKED);
      soup_message_body_append (body, SOUP_MEMORY_STATIC, " again", 6);
      soup_message_body_complete (body);
    }
}

static void
on_request (SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query,
            gpointer user_data)
{
  SbConnection *connection = sb_connection_lookup (
      soup_server_message_get_remote_address (message));

  g_assert_nonnull (connection);
  sb_connection_set_phase (connection, SB_CONNECTION_PHASE_HANDLING);
  if (!g_str_equal (path, "/echo"))
    answer (message, path);
  else if (soup_websocket_server_process_handshake (message, NULL, NULL, NULL, NULL))
    g_signal_connect (message, "wrote-informational", G_CALLBACK (on_upgraded), user_data);
}

static void
on_connection (SbListener *listener, SbConnection *connection, gpointer tag, gpointer user_data)
{
  SbService *service = user_data;

  g_assert_true (sb_connection_get_tag (connection) == tag);
  service->handed++;
  g_set_weak_pointer (&service->last, connection);
  if (service->hold)
    g_set_object (&service->held, connection);
  else
    soup_server_accept_iostream (service->server, G_IO_STREAM (connection),
                                 sb_connection_get_local_address (connection),
                                 sb_connection_get_remote_address (connection), NULL);
}

/* A server that listens to nothing itself keeps no connection alive. What it listens to here is
 * one end of a pair of which the other never speaks. */
static void
listen_to_nobody (SbService *service)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) socket = NULL;
  int fds[2];

  g_assert_no_errno (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
  socket = g_socket_new_from_fd (fds[0], &error);
  g_assert_no_error (error);
  service->silent_fd = fds[1];
  soup_server_listen_socket (service->server, socket, 0, &error);
  g_assert_no_error (error);
}

SbService *
sb_service_new (const SbListenerOptions *options)
{
  g_autoptr (GError) error = NULL;
  SbService *service = g_new0 (SbService, 1);

  service->websockets = g_ptr_array_new_with_free_func (g_object_unref);
  service->server = soup_server_new (NULL, NULL);
  soup_server_add_handler (service->server, NULL, on_request, service, NULL);
  listen_to_nobody (service);
  service->session = soup_session_new_with_options ("proxy-resolver", NULL, "tls-database", NULL,
                                                    NULL);
  service->listener = sb_listener_new (options, &error);
  g_assert_no_error (error);
  sb_listener_set_func (service->listener, on_connection, service);
  sb_listener_add_address (service->listener, "127.0.0.1", 0, service, &service->port, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (service->port, >, 0);
  return service;
}

void
sb_service_free (SbService *service)
{
  g_clear_object (&service->held);
  soup_session_abort (service->session);
  g_clear_object (&service->session);
  sb_listener_stop_accepting (service->listener);
  sb_listener_close_all (service->listener);
  sb_service_wait_open (service, 0);
  soup_server_disconnect (service->server);
  /* libsoup may still wait for its thread to end an answer in chunks. */
  while (service->last != NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_finalize_object (service->listener);
  g_object_unref (service->server);
  g_ptr_array_unref (service->websockets);
  g_clear_object (&service->server_certificate);
  g_assert_no_errno (close (service->silent_fd));
  g_free (service);
}

SbListenerStats
sb_service_get_stats (SbService *service)
{
  SbListenerStats stats;

  sb_listener_get_stats (service->listener, &stats);
  return stats;
}

void
sb_service_wait_open (SbService *service, guint open)
{
  while (sb_service_get_stats (service).open != open)
    g_main_context_iteration (NULL, TRUE);
}

/* --- Clients -------------------------------------------------------------------------------- */

GSocket *
sb_service_connect (SbService *service)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new (loopback, service->port);
  GSocket *client = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP,
                                  &error);

  g_assert_no_error (error);
  g_socket_connect (client, address, NULL, &error);
  g_assert_no_error (error);
  return client;
}

void
sb_service_send (GSocket *client, const char *text)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_socket_send (client, text, strlen (text), NULL, &error), ==, strlen (text));
  g_assert_no_error (error);
}

/* Adds what has come. Returns: %FALSE at the end */
static gboolean
receive_some (GSocket *client, GString *text)
{
  char buffer[4096];
  g_autoptr (GError) error = NULL;
  gssize n = g_socket_receive_with_blocking (client, buffer, sizeof buffer, FALSE, NULL, &error);

  if (n > 0)
    g_string_append_len (text, buffer, n);
  if (n < 0 && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    g_main_context_iteration (NULL, FALSE);
  else
    return n > 0;
  return TRUE;
}

char *
sb_service_receive_all (GSocket *client)
{
  GString *text = g_string_new (NULL);

  while (receive_some (client, text))
    continue;
  return g_string_free (text, FALSE);
}

void
sb_service_expect (GSocket *client, const char *expected)
{
  g_autoptr (GString) text = g_string_new (NULL);

  while (strstr (text->str, expected) == NULL)
    if (!receive_some (client, text))
      g_error ("the end came instead of %s", expected);
}

static gboolean
on_certificate (SoupMessage *message, GTlsCertificate *certificate, GTlsCertificateFlags flags,
                gpointer user_data)
{
  SbService *service = user_data;

  g_set_object (&service->server_certificate, certificate);
  return TRUE;
}

static void
on_result (GObject *session, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

GBytes *
sb_service_get (SbService *service, const char *scheme, const char *path, GError **error)
{
  g_autofree char *uri = g_strdup_printf ("%s://127.0.0.1:%u%s", scheme, service->port, path);
  g_autoptr (SoupMessage) message = soup_message_new ("GET", uri);
  g_autoptr (GAsyncResult) result = NULL;

  g_signal_connect (message, "accept-certificate", G_CALLBACK (on_certificate), service);
  soup_session_send_and_read_async (service->session, message, G_PRIORITY_DEFAULT, NULL, on_result,
                                    &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return soup_session_send_and_read_finish (service->session, result, error);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-socket-dial: name look-up, TCP, a proxy if the environment names one, TLS, and the
 * request that makes a WebSocket of it.
 */

#include "sb-client-socket-private.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

/* An answer's head. */
#define MAX_HEAD (16 * 1024)
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

static gboolean
is_secure (SbClientSocket *self)
{
  return strcmp (g_uri_get_scheme (self->uri), "wss") == 0;
}

static guint16
get_port (SbClientSocket *self)
{
  int port = g_uri_get_port (self->uri);

  return port > 0 ? (guint16) port : is_secure (self) ? 443 : 80;
}

/* --- Connecting --- */

/* Nothing more comes of it once the socket was closed: the cancellation came too late. */
static gboolean
is_unwanted (SbClientSocket *self)
{
  return self->state != SB_CLIENT_SOCKET_DIALLING;
}

static void
secured_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbClientSocket) self = user_data;
  g_autoptr (GError) error = NULL;
  gboolean good = g_tls_connection_handshake_finish (G_TLS_CONNECTION (source), result, &error);

  if (is_unwanted (self))
    return;
  if (good)
    sb_client_socket_start (self, G_IO_STREAM (source));
  else
    sb_client_socket_fail (self, error);
}

static void
secure (SbClientSocket *self, GIOStream *base)
{
  g_autoptr (GSocketConnectable) name = g_network_address_new (g_uri_get_host (self->uri),
                                                               get_port (self));
  g_autoptr (GError) error = NULL;
  g_autoptr (GIOStream) stream = g_tls_client_connection_new (base, name, &error);

  if (stream == NULL)
    {
      sb_client_socket_fail (self, error);
      return;
    }
  if (self->database != NULL)
    g_tls_connection_set_database (G_TLS_CONNECTION (stream), self->database);
  g_tls_connection_handshake_async (G_TLS_CONNECTION (stream), G_PRIORITY_DEFAULT,
                                    self->cancellable, secured_cb, sb_client_socket_ref (self));
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbClientSocket) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketConnection) connection = g_socket_client_connect_finish (
      G_SOCKET_CLIENT (source), result, &error);

  if (is_unwanted (self))
    return;
  /* Output is gathered here already. */
  if (connection != NULL)
    g_socket_set_option (g_socket_connection_get_socket (connection), IPPROTO_TCP, TCP_NODELAY, 1,
                         NULL);
  if (connection == NULL)
    sb_client_socket_fail (self, error);
  else if (is_secure (self))
    secure (self, G_IO_STREAM (connection));
  else
    sb_client_socket_start (self, G_IO_STREAM (connection));
}

static gboolean
check_uri (SbClientSocket *self, GError **error)
{
  const char *scheme = self->uri != NULL ? g_uri_get_scheme (self->uri) : "";
  const char *host = self->uri != NULL ? g_uri_get_host (self->uri) : NULL;

  if ((strcmp (scheme, "ws") == 0 || strcmp (scheme, "wss") == 0) && host != NULL && *host != '\0')
    return TRUE;
  g_set_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_INVALID,
               "\"%s\" is no address of a WebSocket; it looks like ws://bus.example:8000",
               self->url);
  return FALSE;
}

/**
 * sb_client_socket_dial:
 * @self: a socket
 * @error: return location
 *
 * Begins to connect.
 *
 * Returns: %FALSE with %SB_CLIENT_ERROR_INVALID when the address is none
 */
gboolean
sb_client_socket_dial (SbClientSocket *self, GError **error)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnectable) address = NULL;

  self->uri = g_uri_parse (self->url, G_URI_FLAGS_ENCODED | G_URI_FLAGS_PARSE_RELAXED, NULL);
  if (!check_uri (self, error))
    return FALSE;
  /* With the scheme, by which a proxy may be chosen. */
  address = g_network_address_parse_uri (self->url, get_port (self), error);
  if (address == NULL)
    return FALSE;
  g_socket_client_set_enable_proxy (client, self->resolver != NULL);
  if (self->resolver != NULL)
    g_socket_client_set_proxy_resolver (client, self->resolver);
  g_socket_client_connect_async (client, address, self->cancellable, connected_cb,
                                 sb_client_socket_ref (self));
  return TRUE;
}

/* --- The handshake --- */

static char *
make_key (void)
{
  guint32 chance[4];

  for (guint i = 0; i < G_N_ELEMENTS (chance); i++)
    chance[i] = g_random_int ();
  return g_base64_encode ((const guchar *) chance, sizeof chance);
}

/* Returns: (transfer full): what asks for the upgrade */
char *
sb_client_socket_make_request (SbClientSocket *self)
{
  const char *host = g_uri_get_host (self->uri);
  const char *path = g_uri_get_path (self->uri);
  const char *query = g_uri_get_query (self->uri);
  gboolean is_v6 = strchr (host, ':') != NULL;

  self->key = make_key ();
  return g_strdup_printf ("GET %s%s%s HTTP/1.1\r\n"
                          "Host: %s%s%s:%u\r\n"
                          "User-Agent: libsimplebus\r\n"
                          "Upgrade: websocket\r\n"
                          "Connection: Upgrade\r\n"
                          "Sec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: %s\r\n\r\n",
                          *path != '\0' ? path : "/", query != NULL ? "?" : "",
                          query != NULL ? query : "", is_v6 ? "[" : "", host, is_v6 ? "]" : "",
                          get_port (self), self->key);
}

static gboolean
is_accepted (SbClientSocket *self, SoupMessageHeaders *headers)
{
  g_autofree char *text = g_strconcat (self->key, GUID, NULL);
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA1);
  g_autofree char *expected = NULL;
  guint8 digest[20];
  gsize length = sizeof digest;
  const char *upgrade = soup_message_headers_get_one (headers, "Upgrade");
  const char *accept = soup_message_headers_get_one (headers, "Sec-WebSocket-Accept");

  g_checksum_update (sum, (const guchar *) text, -1);
  g_checksum_get_digest (sum, digest, &length);
  expected = g_base64_encode (digest, length);
  return upgrade != NULL && g_ascii_strcasecmp (upgrade, "websocket") == 0
         && g_strcmp0 (accept, expected) == 0
         && soup_message_headers_get_list (headers, "Sec-WebSocket-Extensions") == NULL;
}

/* What stands before a bus may say that it is away for now; anything else is no bus. */
static void
set_status_error (SbClientSocket *self, guint status, SoupMessageHeaders *headers, GError **error)
{
  g_autoptr (GError) meant = sb_client_http_error (status, NULL, headers);

  if (sb_client_error_is_transient (meant) || status >= 500)
    g_set_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_OFFLINE, "%s: %s", self->url,
                 meant->message);
  else
    g_set_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_PROTOCOL,
                 "%s is no WebSocket of a bus: it answers %u %s", self->url, status,
                 soup_status_get_phrase (status));
}

static gboolean
check_head (SbClientSocket *self, const char *head, gsize length, GError **error)
{
  g_autoptr (SoupMessageHeaders) headers = soup_message_headers_new (SOUP_MESSAGE_HEADERS_RESPONSE);
  guint status = 0;

  if (!soup_headers_parse_response (head, (int) length, headers, NULL, &status, NULL))
    {
      g_set_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_PROTOCOL,
                   "%s does not speak HTTP, so it is no bus", self->url);
      return FALSE;
    }
  if (status != SOUP_STATUS_SWITCHING_PROTOCOLS)
    set_status_error (self, status, headers, error);
  else if (is_accepted (self, headers))
    return TRUE;
  else
    g_set_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_PROTOCOL,
                 "%s does not agree to be a WebSocket", self->url);
  return FALSE;
}

gboolean
sb_client_socket_check_answer (SbClientSocket *self, gboolean *done, GError **error)
{
  SbClientDecoder *decoder = &self->decoder;
  const char *head = (const char *) decoder->buffer + decoder->start;
  gsize there = decoder->end - decoder->start;
  const char *end = g_strstr_len (head, (gssize) there, "\r\n\r\n");

  *done = FALSE;
  if (end != NULL)
    {
      /* soup's parser wants the last header's line end, and none behind it */
      decoder->start += (gsize) (end - head) + 4;
      *done = TRUE;
      return check_head (self, head, (gsize) (end - head) + 2, error);
    }
  if (there < MAX_HEAD)
    return TRUE;
  g_set_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_PROTOCOL,
               "%s does not end its answer, so it is no bus", self->url);
  return FALSE;
}

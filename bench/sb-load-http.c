/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-load-http: where a request or an answer ends, and publishers that POST to /put over a
 * connection kept alive, as a back end does that was written with care. One request at a time:
 * HTTP/1.1 has no answers out of order.
 */

#include "sb-load-http.h"

#include "sb-load-run.h"

#include <stdlib.h>
#include <string.h>

static void
opened (SbLoadClient *client)
{
  sb_load_client_ready (client);
}

/* The length of the body, from the header block; whoever sends one always names it here. */
gsize
sb_load_http_get_content_length (const char *header, gsize length)
{
  static const char name[] = "\r\ncontent-length:";

  for (gsize i = 0; i + strlen (name) < length; i++)
    if (g_ascii_strncasecmp (header + i, name, strlen (name)) == 0)
      return strtoul (header + i + strlen (name), NULL, 10);
  sb_load_fail ("no Content-Length in %.*s", (int) length, header);
}

/* Measures a request or an answer. Returns: its bytes, 0 when it is not complete */
gsize
sb_load_http_measure (const guint8 *bytes, gsize length)
{
  const guint8 *end = memmem (bytes, length, "\r\n\r\n", 4);
  gsize whole;

  if (end == NULL)
    return 0;
  whole = (gsize) (end + 4 - bytes);
  whole += sb_load_http_get_content_length ((const char *) bytes, whole);
  return length >= whole ? whole : 0;
}

static gsize
input (SbLoadClient *client, guint8 *bytes, gsize length)
{
  static const char good[] = "HTTP/1.1 200 ";
  gsize whole = sb_load_http_measure (bytes, length);

  if (whole == 0)
    return 0;
  if (memcmp (bytes, good, strlen (good)) != 0)
    sb_load_fail ("the bus answered %.*s", (int) whole, (char *) bytes);
  sb_load_client_accepted (client);
  return whole;
}

static char *
make_credentials (SbLoadClient *client)
{
  g_autofree char *plain = g_strdup_printf ("pub%u:%s", client->index,
                                            client->run->options.password);

  return g_base64_encode ((guchar *) plain, strlen (plain));
}

static void
publish (SbLoadClient *client, const char *payload, gsize length)
{
  static const char start[] = "{\"to\":[\"@sub0\"],\"message\":";
  g_autofree char *credentials = make_credentials (client);
  g_autofree char *header = g_strdup_printf ("POST /put HTTP/1.1\r\n"
                                             "Host: localhost\r\n"
                                             "Authorization: Basic %s\r\n"
                                             "Content-Type: application/json\r\n"
                                             "Content-Length: %" G_GSIZE_FORMAT "\r\n\r\n",
                                             credentials, strlen (start) + length + 1);

  sb_load_connection_send (&client->connection, header, strlen (header));
  sb_load_connection_send (&client->connection, start, strlen (start));
  sb_load_connection_send (&client->connection, payload, length);
  sb_load_connection_send (&client->connection, "}", 1);
}

const SbLoadProtocol sb_load_http = { "http", opened, input, publish };

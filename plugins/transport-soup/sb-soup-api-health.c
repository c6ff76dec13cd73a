/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-api-health: `/api/v1/health`: the checks of the bus, and those that only this transport
 * can make: how it is reached, and what proxies before it say. A request through a proxy is judged
 * by what it brought itself, so it has to be made the way that the clients come.
 */

#include "sb-build.h"
#include "sb-soup-api.h"

#include <string.h>

/* Of a header that is shown. */
#define MAX_HEADER 256

typedef struct
{
  GInetAddress *peer; /* (unowned) (nullable): the other end of the connection */
  gboolean is_trusted;
  gboolean is_forwarded; /* it came with headers of a proxy */
  gboolean is_tls;
  gboolean is_https_before; /* a trusted proxy says that the client came by https */
} Origin;

static const char *
get_config (SbRequest *request, const char *group, const char *key)
{
  const char *value = sb_config_get_string (sb_bus_get_config (request->transport->bus), group,
                                            key);

  return value != NULL ? value : "";
}

static Origin
get_origin (SbRequest *request)
{
  GSocketAddress *remote = soup_server_message_get_remote_address (request->message);
  const char *proto = sb_request_get_header (request, "X-Forwarded-Proto");
  const char *forwarded = sb_request_get_header (request, "Forwarded");
  Origin origin = { NULL };

  if (G_IS_INET_SOCKET_ADDRESS (remote))
    origin.peer = g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (remote));
  origin.is_trusted = origin.peer != NULL
                      && sb_proxy_list_trusts (request->transport->proxies, origin.peer);
  origin.is_forwarded = forwarded != NULL
                        || sb_request_get_header (request, "X-Forwarded-For") != NULL
                        || sb_request_get_header (request, "Via") != NULL || proto != NULL;
  origin.is_tls = request->connection != NULL && sb_connection_is_tls (request->connection);
  origin.is_https_before = origin.is_trusted
                           && ((proto != NULL && g_ascii_strcasecmp (proto, "https") == 0)
                               || (forwarded != NULL && strstr (forwarded, "proto=https") != NULL));
  return origin;
}

/* --- Checks --- */

static void
add_ports (SbRequest *request, GPtrArray *checks)
{
  sb_health_add (checks, "ports", SB_HEALTH_OK, NULL, "It listens on %s",
                 request->transport->description->str);
}

static gboolean
is_loopback_url (const char *url)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_NONE, NULL);
  const char *host = uri != NULL ? g_uri_get_host (uri) : NULL;
  g_autoptr (GInetAddress) address = host != NULL ? g_inet_address_new_from_string (host) : NULL;

  return g_strcmp0 (host, "localhost") == 0
         || (address != NULL && g_inet_address_get_is_loopback (address));
}

static void
add_public_url (SbRequest *request, GPtrArray *checks)
{
  const char *url = get_config (request, SB_CONFIG_GROUP_BUS, "public-url");

  if (*url == '\0')
    sb_health_add (checks, "public-url", SB_HEALTH_WARNING,
                   "Set public-url to how devices reach the bus: https://bus.example.com",
                   "public-url is not set: links to files are made of what their senders' requests "
                   "say");
  else if (!g_str_has_prefix (url, "https://") && !is_loopback_url (url))
    sb_health_add (checks, "public-url", SB_HEALTH_WARNING,
                   "Put TLS before the bus, and let public-url begin with https://",
                   "public-url is %s: passwords are sent in the clear", url);
  else
    sb_health_add (checks, "public-url", SB_HEALTH_OK, NULL, "Devices reach the bus by %s", url);
}

/* Whether all addresses are of this machine only. */
static gboolean
is_local_only (SbRequest *request)
{
  const char *const *hosts = sb_config_get_list (sb_bus_get_config (request->transport->bus),
                                                 SB_SOUP_GROUP, "listen");

  for (; hosts != NULL && *hosts != NULL; hosts++)
    {
      g_autoptr (GInetAddress) address = g_inet_address_new_from_string (*hosts);

      if (strcmp (*hosts, "localhost") != 0
          && (address == NULL || !g_inet_address_get_is_loopback (address)))
        return FALSE;
    }
  return TRUE;
}

static void
add_tls (SbRequest *request, const Origin *origin, GPtrArray *checks)
{
  if (request->transport->certificate != NULL)
    sb_health_add (checks, "tls", SB_HEALTH_OK, NULL, "The bus itself speaks TLS");
  else if (is_local_only (request))
    sb_health_add (checks, "tls", SB_HEALTH_OK, NULL,
                   "The bus can be reached from this machine only, a proxy may speak TLS before "
                   "it");
  else if (origin->is_https_before)
    sb_health_add (checks, "tls", SB_HEALTH_WARNING,
                   "Let the bus listen on 127.0.0.1 only, or close its ports to the outside",
                   "A proxy speaks TLS, but the bus can be reached without it as well");
  else
    sb_health_add (checks, "tls", SB_HEALTH_WARNING,
                   "Set tls-certificate and tls-key, or put a proxy with TLS before the bus",
                   "The bus speaks no TLS: whoever sits in between reads passwords");
}

static void
add_proxy (SbRequest *request, const Origin *origin, GPtrArray *checks)
{
  g_autofree char *peer = origin->peer != NULL ? g_inet_address_to_string (origin->peer)
                                               : g_strdup ("an unknown address");
  g_autofree char *address = sb_request_dup_address (request);

  if (origin->is_forwarded && !origin->is_trusted)
    sb_health_add (checks, "proxy", SB_HEALTH_WARNING,
                   "If that is your proxy, add its address to trusted-proxies; if not, somebody "
                   "makes it up",
                   "This request came with headers of a proxy from %s, which is not trusted: all "
                   "clients behind it count as one",
                   peer);
  else if (origin->is_trusted && origin->is_forwarded && strcmp (peer, address) == 0)
    sb_health_add (checks, "proxy", SB_HEALTH_WARNING,
                   "Let the proxy set X-Forwarded-For to the address of the client",
                   "The trusted proxy %s does not say who is behind it", peer);
  else if (origin->is_trusted && origin->is_forwarded)
    sb_health_add (checks, "proxy", SB_HEALTH_OK, NULL,
                   "This request came from %s by the trusted proxy %s", address, peer);
  else
    sb_health_add (checks, "proxy", SB_HEALTH_OK, NULL,
                   "This request came from %s without headers of a proxy", address);
}

/* --- The answer --- */

static void
add_header (GString *json, SbRequest *request, const char *member, const char *name)
{
  const char *value = sb_request_get_header (request, name);
  g_autofree char *text = value != NULL ? g_strndup (value, MAX_HEADER) : NULL;

  sb_json_add_string (json, member, text);
}

static void
add_request (GString *json, SbRequest *request, const Origin *origin)
{
  g_autofree char *peer = origin->peer != NULL ? g_inet_address_to_string (origin->peer) : NULL;
  g_autofree char *address = sb_request_dup_address (request);
  g_autofree char *url = sb_request_dup_base_url (request);

  sb_json_begin (json, "request", '{');
  sb_json_add_string (json, "peer", peer);
  sb_json_add_string (json, "address", address);
  sb_json_add_boolean (json, "trusted", origin->is_trusted);
  sb_json_add_boolean (json, "tls", origin->is_tls);
  sb_json_add_string (json, "base_url", url);
  add_header (json, request, "host", "Host");
  add_header (json, request, "forwarded", "Forwarded");
  add_header (json, request, "x_forwarded_for", "X-Forwarded-For");
  add_header (json, request, "x_forwarded_proto", "X-Forwarded-Proto");
  add_header (json, request, "x_forwarded_host", "X-Forwarded-Host");
  add_header (json, request, "via", "Via");
  sb_json_end (json, '}');
}

static void
add_checks (GString *json, const GPtrArray *checks)
{
  sb_json_begin (json, "checks", '[');
  for (guint i = 0; i < checks->len; i++)
    {
      const SbHealthCheck *check = g_ptr_array_index (checks, i);

      sb_json_begin (json, NULL, '{');
      sb_json_add_string (json, "check", check->name);
      sb_json_add_string (json, "status", sb_health_status_to_string (check->status));
      sb_json_add_string (json, "detail", check->detail);
      sb_json_add_string (json, "advice", check->advice);
      sb_json_end (json, '}');
    }
  sb_json_end (json, ']');
}

static void
refreshed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbRequest) request = user_data;
  SbBus *bus = SB_BUS (source);
  g_autoptr (GPtrArray) checks = sb_health_new ();
  Origin origin;
  GString *json;

  /* Without it the numbers are a little older. */
  sb_bus_refresh_finish (bus, result, NULL);
  if (!sb_request_can_answer (request))
    return;
  origin = get_origin (request);
  sb_bus_check_health (bus, checks);
  add_ports (request, checks);
  add_public_url (request, checks);
  add_tls (request, &origin, checks);
  add_proxy (request, &origin, checks);
  json = g_string_sized_new (4096);
  sb_json_begin (json, NULL, '{');
  sb_json_add_string (json, "status", sb_health_status_to_string (sb_health_get_worst (checks)));
  sb_json_add_string (json, "version", SB_VERSION);
  sb_json_add_time (json, "time", sb_clock_wall (sb_bus_get_clock (bus)));
  add_checks (json, checks);
  add_request (json, request, &origin);
  sb_json_end (json, '}');
  sb_request_answer_json (request, 200, json);
}

/**
 * sb_api_show_health:
 * @request: `GET /api/v1/health`
 * @name: %NULL
 *
 * Looks at everything that can be wrong.
 */
void
sb_api_show_health (SbRequest *request, const char *name)
{
  sb_bus_refresh_async (request->transport->bus, refreshed_cb, sb_request_ref (request));
}

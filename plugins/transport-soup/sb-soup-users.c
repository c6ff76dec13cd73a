/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-soup-users: `/put_users`, and `/signup`, where the first user is made. */

#include "sb-soup-endpoints.h"

#include "sb-soup-signin.h"

#include <string.h>

#define RESOURCE_PREFIX "/org/simplebus/transport-soup/"
#define PAGE_POLICY \
  "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

/* --- POST /put_users --- */

static void
put_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbRequest) request = user_data;
  g_autoptr (GError) error = NULL;

  if (sb_accounts_put_finish (SB_ACCOUNTS (source), result, &error))
    sb_request_answer (request, 200, NULL, NULL);
  else
    sb_request_fail (request, error, NULL);
}

/**
 * sb_endpoint_put_users:
 * @request: `POST /put_users`
 *
 * Makes and changes users.
 */
void
sb_endpoint_put_users (SbRequest *request)
{
  gsize length;
  const char *json = g_bytes_get_data (request->body, &length);

  sb_accounts_put_async (request->transport->accounts, request->user, json, length, put_cb,
                         sb_request_ref (request));
}

/* --- /signup --- */

/**
 * sb_request_is_from_private_address:
 * @request: a request whose client is there
 *
 * Returns: whether the client sits on this machine or in a private network, as far as can be known.
 *   A proxy that is not trusted says that there is somebody behind it.
 */
gboolean
sb_request_is_from_private_address (SbRequest *request)
{
  GInetAddress *address = sb_request_get_address (request);
  GSocketAddress *remote = soup_server_message_get_remote_address (request->message);
  gboolean forwarded = sb_request_get_header (request, "Forwarded") != NULL
                       || sb_request_get_header (request, "X-Forwarded-For") != NULL
                       || sb_request_get_header (request, "Via") != NULL;
  GInetAddress *peer;

  if (address == NULL || !G_IS_INET_SOCKET_ADDRESS (remote))
    return FALSE;
  peer = g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (remote));
  if (forwarded && !sb_proxy_list_contains (request->transport->proxies, peer))
    return FALSE;
  return sb_peer_is_private (address);
}

static void
answer_page (SbRequest *request, guint status, const char *name)
{
  g_autofree char *path = g_strconcat (RESOURCE_PREFIX, name, NULL);
  g_autoptr (GBytes) page = g_resources_lookup_data (path, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
  gsize length;
  const char *data;

  g_assert (page != NULL);
  data = g_bytes_get_data (page, &length);
  sb_request_set_header (request, "Content-Security-Policy", PAGE_POLICY);
  sb_request_set_header (request, "Referrer-Policy", "no-referrer");
  sb_request_answer (request, status, "text/html; charset=utf-8",
                     g_string_new_len (data, (gssize) length));
}

/**
 * sb_endpoint_sign_up_page:
 * @request: `GET /signup`
 *
 * Shows the form, with a field for the set-up code for strangers.
 */
void
sb_endpoint_sign_up_page (SbRequest *request)
{
  SbAccounts *accounts = request->transport->accounts;

  if (!sb_accounts_is_sign_up_open (accounts))
    answer_page (request, 403, "closed.html");
  else if (sb_accounts_has_users (accounts) || sb_request_is_from_private_address (request))
    answer_page (request, 200, "signup.html");
  else
    answer_page (request, 200, "signup-code.html");
}

/**
 * sb_request_is_cross_site:
 * @request: a request
 *
 * A browser adds the password that it knows to what any page makes it send.
 *
 * Returns: whether it says that another site's page sent this
 */
gboolean
sb_request_is_cross_site (SbRequest *request)
{
  const char *site = sb_request_get_header (request, "Sec-Fetch-Site");
  const char *origin = sb_request_get_header (request, "Origin");
  const char *host = sb_request_get_header (request, "Host");
  const char *authority;

  if (site != NULL)
    return g_ascii_strcasecmp (site, "same-origin") != 0 && g_ascii_strcasecmp (site, "none") != 0;
  if (origin == NULL)
    return FALSE;
  authority = strstr (origin, "://");
  return authority == NULL || host == NULL || g_ascii_strcasecmp (authority + 3, host) != 0;
}

static gboolean
is_form (SbRequest *request)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (request->message);
  const char *type = soup_message_headers_get_content_type (headers, NULL);

  return type != NULL && g_ascii_strcasecmp (type, "application/x-www-form-urlencoded") == 0;
}

static void
signed_up_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbRequest) request = user_data;
  g_autoptr (GError) error = NULL;

  if (sb_accounts_sign_up_finish (SB_ACCOUNTS (source), result, &error))
    sb_request_redirect (request, "/");
  else if (sb_error_is_transient (error))
    sb_request_fail (request, error, NULL);
  else
    {
      sb_request_log_sign_up (request, error);
      sb_request_redirect (request, "/signup");
    }
}

/**
 * sb_endpoint_sign_up:
 * @request: `POST /signup`
 *
 * Makes a user, the first of which is an admin.
 */
void
sb_endpoint_sign_up (SbRequest *request)
{
  g_autoptr (GHashTable) form = NULL;
  g_autofree char *text = NULL;
  const char *name, *password;
  gsize length;
  const char *data = g_bytes_get_data (request->body, &length);

  if (sb_request_is_cross_site (request))
    {
      sb_request_problem (request, 403, "forbidden", "The form was sent by another site");
      return;
    }
  if (!is_form (request))
    {
      sb_request_problem (request, 415, "unsupported",
                          "A sign-up comes as application/x-www-form-urlencoded");
      return;
    }
  text = g_strndup (data, length);
  if (strlen (text) < length || strstr (text, "%00") != NULL)
    {
      /* A C string would end there: the user would be another one than was asked for. */
      sb_request_redirect (request, "/signup");
      return;
    }
  form = soup_form_decode (text);
  name = g_hash_table_lookup (form, "name");
  password = g_hash_table_lookup (form, "password");
  if (name == NULL || password == NULL
      || !sb_accounts_is_sign_up_open (request->transport->accounts))
    {
      sb_request_redirect (request, "/signup");
      return;
    }
  sb_accounts_sign_up_async (
      request->transport->accounts, name, password, g_hash_table_lookup (form, "setup-code"),
      sb_request_is_from_private_address (request), signed_up_cb, sb_request_ref (request));
}

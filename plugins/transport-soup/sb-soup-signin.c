/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-signin: how people come into the web console: the first user, signing in and out, and
 * their own password.
 *
 * What a page sends by a cookie is taken from the console alone: it says so in a header that
 * another site's page cannot add, and the browser must not say otherwise. That holds for signing in
 * as well, so that nobody is signed in as somebody else without noticing.
 */

#include "sb-soup-signin.h"

#include "sb-soup-api.h"
#include "sb-soup-logins.h"

#include <string.h>

#define CONSOLE_HEADER "X-Simplebus-Console"

/* --- Requests of the console --- */

static char *
dup_secret (SbRequest *request)
{
  return sb_login_cookie_parse (sb_request_get_header (request, "Cookie"),
                                sb_request_is_secure (request));
}

static gboolean
is_reading (SbRequest *request)
{
  const char *method = soup_server_message_get_method (request->message);

  return strcmp (method, "GET") == 0 || strcmp (method, "HEAD") == 0;
}

/* Answers when it does not. */
static gboolean
check_comes_from_console (SbRequest *request)
{
  if (g_strcmp0 (sb_request_get_header (request, CONSOLE_HEADER), "1") == 0
      && !sb_request_is_cross_site (request))
    return TRUE;
  sb_request_problem (request, 403, "cross-site",
                      "This is for the console, which says so with " CONSOLE_HEADER ": 1");
  return FALSE;
}

/**
 * sb_request_is_of_console:
 * @request: a request whose client is there
 *
 * Returns: whether it comes from the console, where a browser must not ask for a password of its
 * own
 */
gboolean
sb_request_is_of_console (SbRequest *request)
{
  const char *cookie = sb_request_get_header (request, "Cookie");

  return sb_request_get_header (request, CONSOLE_HEADER) != NULL
         || (cookie != NULL && strstr (cookie, "simplebus=") != NULL);
}

/**
 * sb_request_sign_in_by_cookie:
 * @request: a request without `Authorization`; answered when it may not be made so
 *
 * Finds out who asks by the console's cookie.
 *
 * Returns: (transfer none) (nullable): the user
 */
SbUser *
sb_request_sign_in_by_cookie (SbRequest *request)
{
  g_autofree char *secret = dup_secret (request);
  SbUser *user = NULL;

  if (secret != NULL)
    user = sb_logins_find (request->transport->logins, secret, g_get_monotonic_time ());
  /* Reading changes something too: what /get gives out is not given again for a while. */
  if (user == NULL || (is_reading (request) && sb_request_is_cross_site (request))
      || (!is_reading (request) && !check_comes_from_console (request)))
    return NULL;
  return user;
}

/**
 * sb_request_dup_login:
 * @request: a request whose client is there
 *
 * Returns: (transfer full) (nullable): the secret of the log-in that it came by, for the table;
 *   %NULL when it came by a password
 */
char *
sb_request_dup_login (SbRequest *request)
{
  if (sb_request_get_header (request, "Authorization") != NULL)
    return NULL;
  return dup_secret (request);
}

/* --- Answers --- */

static const char *
describe_sign_up (SbRequest *request)
{
  SbAccounts *accounts = request->transport->accounts;

  if (!sb_accounts_is_sign_up_open (accounts))
    return "closed";
  if (sb_accounts_has_users (accounts))
    return "open";
  return sb_request_is_from_private_address (request) ? "first" : "first-code";
}

static void
append_user (GString *json, const SbUser *user)
{
  g_string_append (json, "{\"_id\":");
  sb_json_append_string (json, user->id);
  g_string_append_printf (json, ",\"admin\":%s", user->admin ? "true" : "false");
  sb_request_append_strings (json, "tags", user->tags);
  g_string_append_c (json, '}');
}

/* @user: (nullable): who is signed in */
static void
answer_session (SbRequest *request, guint status, const SbUser *user)
{
  SbConfig *config = sb_bus_get_config (request->transport->bus);
  GString *json;

  if (!sb_request_can_answer (request))
    return;
  json = g_string_new ("{\"user\":");
  if (user != NULL)
    append_user (json, user);
  else
    g_string_append (json, "null");
  g_string_append_printf (
      json,
      ",\"signup\":\"%s\",\"version\":\"" SB_PLUGIN_VERSION
      "\",\"min_password_length\":%" G_GINT64_FORMAT "}",
      describe_sign_up (request),
      sb_config_get_integer (config, SB_CONFIG_GROUP_BUS, "min-password-length"));
  sb_request_answer_json (request, status, json);
}

static void
set_cookie (SbRequest *request, const char *secret)
{
  g_autofree char *cookie = sb_login_cookie_make (secret, sb_request_is_secure (request));

  sb_request_set_header (request, "Set-Cookie", cookie);
}

/* The log-in that the browser had before ends with it. */
static void
sign_in (SbRequest *request, guint status, SbUser *user)
{
  g_autofree char *former = NULL;
  g_autofree char *secret = NULL;

  if (!sb_request_can_answer (request))
    return;
  former = dup_secret (request);
  if (former != NULL)
    sb_logins_end (request->transport->logins, former);
  secret = sb_logins_begin (request->transport->logins, user, g_get_monotonic_time ());
  set_cookie (request, secret);
  answer_session (request, status, user);
}

static SbUser *
find_user (SbRequest *request, const char *id)
{
  return sb_directory_lookup (sb_accounts_get_directory (request->transport->accounts), id);
}

/* --- /api/v1/session --- */

/**
 * sb_endpoint_session:
 * @request: `GET /api/v1/session`, by anybody
 *
 * Tells who is signed in, and whether somebody may sign up.
 */
void
sb_endpoint_session (SbRequest *request)
{
  answer_session (request, 200, sb_request_sign_in_by_cookie (request));
}

static void
logged_in_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbRequest) request = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SbUser) user = sb_accounts_log_in_finish (SB_ACCOUNTS (source), result, &error);

  if (user != NULL)
    sign_in (request, 200, user);
  else
    sb_request_fail (request, error, NULL);
}

/* Returns: whether both are there; answers when not */
static gboolean
get_two_strings (SbRequest *request, JsonNode *body, const char *first, const char *second,
                 const char **first_value, const char **second_value)
{
  g_autofree char *detail = NULL;

  *first_value = sb_api_get_string (body, first);
  *second_value = sb_api_get_string (body, second);
  if (*first_value != NULL && *second_value != NULL)
    return TRUE;
  detail = g_strdup_printf ("\"%s\" and \"%s\" are needed, as strings", first, second);
  sb_request_problem (request, 400, "invalid", detail);
  return FALSE;
}

/**
 * sb_endpoint_sign_in:
 * @request: `POST /api/v1/session`, by anybody
 *
 * Signs a user in to the console.
 */
void
sb_endpoint_sign_in (SbRequest *request)
{
  static const char *const members[] = { "user", "password", NULL };
  g_autoptr (JsonNode) body = NULL;
  g_autofree char *address = NULL;
  const char *id, *password;

  if (!check_comes_from_console (request))
    return;
  body = sb_api_parse_body (request, members);
  if (body == NULL || !get_two_strings (request, body, "user", "password", &id, &password))
    return;
  address = sb_request_dup_address (request);
  sb_accounts_log_in_async (request->transport->accounts, id, password, address,
                            request->cancellable, logged_in_cb, sb_request_ref (request));
}

/**
 * sb_endpoint_sign_out:
 * @request: `DELETE /api/v1/session`, by anybody
 *
 * Ends the log-in.
 */
void
sb_endpoint_sign_out (SbRequest *request)
{
  g_autofree char *secret = NULL;

  if (!check_comes_from_console (request))
    return;
  secret = dup_secret (request);
  if (secret != NULL)
    sb_logins_end (request->transport->logins, secret);
  set_cookie (request, NULL);
  sb_request_answer (request, 204, NULL, NULL);
}

/* --- POST /api/v1/signup --- */

/**
 * sb_request_log_sign_up:
 * @request: a request
 * @error: why nobody signed up
 *
 * Writes it down, but not the name: it is no user's.
 */
void
sb_request_log_sign_up (SbRequest *request, const GError *error)
{
  g_autofree char *address = sb_request_dup_address (request);

  g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE_ID", SB_MESSAGE_ID_SIGN_UP_REFUSED,
                    SB_LOG_FIELD_ADDRESS, address, SB_LOG_FIELD_REASON, sb_error_reason (error),
                    "MESSAGE", "a sign-up was refused: %s", error->message);
}

static void
signed_up_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbRequest) request = user_data;
  g_autoptr (GError) error = NULL;
  SbUser *user;

  if (!sb_accounts_sign_up_finish (SB_ACCOUNTS (source), result, &error))
    {
      sb_request_log_sign_up (request, error);
      sb_request_fail (request, error, NULL);
      return;
    }
  user = find_user (request, request->id);
  if (user != NULL)
    sign_in (request, 201, user);
  else
    sb_request_problem (request, 409, "conflict", "The user was removed at once");
}

/**
 * sb_endpoint_sign_up_json:
 * @request: `POST /api/v1/signup`, by anybody
 *
 * Makes a user, the first of which is an admin, and signs it in.
 */
void
sb_endpoint_sign_up_json (SbRequest *request)
{
  static const char *const members[] = { "name", "password", "code", NULL };
  g_autoptr (JsonNode) body = NULL;
  const char *name, *password;

  if (!check_comes_from_console (request))
    return;
  body = sb_api_parse_body (request, members);
  if (body == NULL || !get_two_strings (request, body, "name", "password", &name, &password))
    return;
  if (!sb_accounts_is_sign_up_open (request->transport->accounts))
    {
      sb_request_problem (request, 403, "forbidden", "Nobody can sign up here; ask an admin");
      return;
    }
  request->id = g_strdup (name);
  sb_accounts_sign_up_async (
      request->transport->accounts, name, password, sb_api_get_string (body, "code"),
      sb_request_is_from_private_address (request), signed_up_cb, sb_request_ref (request));
}

/* --- POST /api/v1/me/password --- */

static void
password_set_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbRequest) request = user_data;
  g_autoptr (GError) error = NULL;
  SbUser *user;

  if (!sb_accounts_put_finish (SB_ACCOUNTS (source), result, &error))
    {
      sb_request_fail (request, error, NULL);
      return;
    }
  /* The change has ended all log-ins; who made it stays. */
  user = find_user (request, request->user->id);
  if (user != NULL && sb_request_can_answer (request) && sb_request_is_of_console (request))
    sign_in (request, 200, user);
  else
    answer_session (request, 200, NULL);
}

typedef struct
{
  SbRequest *request; /* (owned) */
  char *json;         /* (owned): as for /put_users */
} Change;

static void
change_free (Change *self)
{
  sb_request_unref (self->request);
  explicit_bzero (self->json, strlen (self->json));
  g_free (self->json);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Change, change_free)

static char *
make_change (const SbUser *user, const char *password)
{
  g_autoptr (GString) json = g_string_new ("[{\"_id\":");

  sb_json_append_string (json, user->id);
  g_string_append (json, ",\"password\":");
  sb_json_append_string (json, password);
  g_string_append (json, "}]");
  return g_string_free (g_steal_pointer (&json), FALSE);
}

static void
old_checked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Change) change = user_data;
  SbRequest *request = change->request;
  g_autoptr (GError) error = NULL;
  g_autoptr (SbUser) user = sb_accounts_log_in_finish (SB_ACCOUNTS (source), result, &error);

  if (user != NULL)
    sb_accounts_put_async (SB_ACCOUNTS (source), request->user, change->json, strlen (change->json),
                           password_set_cb, sb_request_ref (request));
  else if (g_error_matches (error, SB_ERROR, SB_ERROR_UNAUTHORIZED))
    sb_request_problem (request, 403, "forbidden", "The old password is another one");
  else
    sb_request_fail (request, error, NULL);
}

/**
 * sb_endpoint_set_password:
 * @request: `POST /api/v1/me/password`
 *
 * Changes the password of who asks, who must know the old one: a browser may have been left alone.
 */
void
sb_endpoint_set_password (SbRequest *request)
{
  static const char *const members[] = { "old", "new", NULL };
  g_autoptr (JsonNode) body = NULL;
  g_autofree char *address = NULL;
  const char *old, *new;
  Change *change;

  if (sb_request_is_cross_site (request))
    {
      sb_request_problem (request, 403, "cross-site", "The request was sent by another site");
      return;
    }
  body = sb_api_parse_body (request, members);
  if (body == NULL || !get_two_strings (request, body, "old", "new", &old, &new))
    return;
  change = g_new0 (Change, 1);
  change->request = sb_request_ref (request);
  change->json = make_change (request->user, new);
  address = sb_request_dup_address (request);
  sb_accounts_log_in_async (request->transport->accounts, request->user->id, old, address,
                            request->cancellable, old_checked_cb, change);
}

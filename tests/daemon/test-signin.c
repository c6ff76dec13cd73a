/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-signin: people at the console: the first user, signing in and out, and those who attack
 * that. */

#include "sb-test-site.h"
#include "sb-test.h"

#include <string.h>

#define JSON "application/json"

/* Asks as the console does. @cookie: (nullable). @name: (nullable): of one more header */
static SbTestAnswer *
ask (SbTestDaemon *daemon, const char *method, const char *path, const char *cookie,
     const char *body, const char *name, const char *value)
{
  const char *headers[] = {
    "X-Simplebus-Console", "1", "Content-Type", JSON, NULL, NULL, NULL, NULL, NULL
  };
  guint n = 4;
  g_autoptr (SbTestHttp) browser = sb_test_http_for (daemon, NULL, NULL);

  if (cookie != NULL)
    {
      headers[n++] = "Cookie";
      headers[n++] = cookie;
    }
  headers[n] = name;
  headers[n + 1] = value;
  return sb_test_http_send (browser, method, path, headers, body, -1);
}

/* Returns: (transfer full): what the browser sends back; NULL when no cookie was set */
static char *
dup_cookie (SbTestAnswer *answer)
{
  const char *set = sb_test_answer_header (answer, "Set-Cookie");

  return set != NULL ? g_strndup (set, strcspn (set, ";")) : NULL;
}

static char *
sign_in (SbTestDaemon *daemon, const char *user, const char *password)
{
  g_autofree char *body = g_strdup_printf ("{\"user\":\"%s\",\"password\":\"%s\"}", user, password);
  g_autoptr (SbTestAnswer) answer = ask (daemon, "POST", "/api/v1/session", NULL, body, NULL, NULL);

  sb_test_assert_status (answer, 200);
  return dup_cookie (answer);
}

/* Returns: (transfer full) (nullable): id of who is signed in with the cookie */
static char *
who_is (SbTestDaemon *daemon, const char *cookie)
{
  g_autoptr (SbTestAnswer) answer = ask (daemon, "GET", "/api/v1/session", cookie, NULL, NULL,
                                         NULL);
  JsonObject *session = sb_test_answer_object (answer);
  JsonNode *user = json_object_get_member (session, "user");

  sb_test_assert_status (answer, 200);
  if (JSON_NODE_HOLDS_NULL (user))
    return NULL;
  return g_strdup (json_object_get_string_member (json_node_get_object (user), "_id"));
}

static guint
get_status (SbTestDaemon *daemon, const char *method, const char *path, const char *cookie,
            const char *body)
{
  g_autoptr (SbTestAnswer) answer = ask (daemon, method, path, cookie, body, NULL, NULL);

  return answer->status;
}

/* --- The first user --- */

static void
the_first_who_signs_up_is_an_admin_and_signed_in (void)
{
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_run ("bus.store=memory", NULL);
  g_autoptr (SbTestAnswer) before = ask (daemon, "GET", "/api/v1/session", NULL, NULL, NULL, NULL);
  g_autoptr (SbTestAnswer) answer = NULL;
  g_autofree char *cookie = NULL;
  g_autofree char *id = NULL;

  g_assert_cmpstr (sb_test_answer_string (before, "signup"), ==, "first");
  answer = ask (daemon, "POST", "/api/v1/signup", NULL, "{\"name\":\"Ж x\",\"password\":\"p\"}",
                NULL, NULL);
  sb_test_assert_status (answer, 201);
  g_assert_cmpstr (sb_test_answer_string (answer, "signup"), ==, "closed");
  cookie = dup_cookie (answer);
  id = who_is (daemon, cookie);
  g_assert_cmpstr (id, ==, "Ж x");
  g_assert_cmpuint (get_status (daemon, "GET", "/api/v1/users", cookie, NULL), ==, 200);
  g_assert_cmpuint (
      get_status (daemon, "POST", "/api/v1/signup", NULL, "{\"name\":\"b\",\"password\":\"p\"}"),
      ==, 403);
}

static void
a_stranger_from_afar_needs_the_code (void)
{
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_run ("bus.store=memory",
                                                        "bus.trusted-proxies=127.0.0.1", NULL);
  const char *far = "203.0.113.9";
  const char *body = "{\"name\":\"a\",\"password\":\"p\"}";
  g_autoptr (SbTestAnswer) before = ask (daemon, "GET", "/api/v1/session", NULL, NULL,
                                         "X-Forwarded-For", far);
  g_autoptr (SbTestAnswer) refused = ask (daemon, "POST", "/api/v1/signup", NULL, body,
                                          "X-Forwarded-For", far);

  g_assert_cmpstr (sb_test_answer_string (before, "signup"), ==, "first-code");
  sb_test_assert_problem (refused, 403, "forbidden");
  g_assert_null (sb_test_answer_header (refused, "Set-Cookie"));
}

/* --- The cookie --- */

static void
the_cookie_is_for_this_site_and_no_script (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.trusted-proxies=127.0.0.1", NULL);
  const char *body = "{\"user\":\"alice\",\"password\":\"alice-pw\"}";
  g_autoptr (SbTestAnswer) plain = ask (bus->daemon, "POST", "/api/v1/session", NULL, body, NULL,
                                        NULL);
  g_autoptr (SbTestAnswer) secure = ask (bus->daemon, "POST", "/api/v1/session", NULL, body,
                                         "X-Forwarded-Proto", "https");
  const char *cookie = sb_test_answer_header (plain, "Set-Cookie");
  const char *secure_cookie = sb_test_answer_header (secure, "Set-Cookie");

  g_assert_true (g_str_has_prefix (cookie, "simplebus="));
  g_assert_nonnull (strstr (cookie, "; HttpOnly"));
  g_assert_nonnull (strstr (cookie, "; SameSite=Strict"));
  g_assert_nonnull (strstr (cookie, "; Path=/"));
  g_assert_nonnull (strstr (cookie, "; Max-Age="));
  g_assert_null (strstr (cookie, "; Secure"));
  g_assert_true (g_str_has_prefix (secure_cookie, "__Host-simplebus="));
  g_assert_nonnull (strstr (secure_cookie, "; Secure"));
}

static void
the_cookie_does_what_the_user_may (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autofree char *cookie = sign_in (bus->daemon, "alice", "alice-pw");

  g_assert_cmpuint (
      get_status (bus->daemon, "POST", "/put", cookie, "{\"to\":\"@bob\",\"message\":1}"), ==, 200);
  g_assert_cmpuint (get_status (bus->daemon, "GET", "/api/v1/users", cookie, NULL), ==, 403);
  g_assert_cmpuint (get_status (bus->daemon, "GET", "/metrics", cookie, NULL), ==, 403);
}

static void
a_wrong_password_gives_no_cookie_and_no_dialog (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestAnswer) answer = ask (bus->daemon, "POST", "/api/v1/session", NULL,
                                         "{\"user\":\"alice\",\"password\":\"wrong\"}", NULL, NULL);

  sb_test_assert_status (answer, 401);
  g_assert_null (sb_test_answer_header (answer, "Set-Cookie"));
  g_assert_null (sb_test_answer_header (answer, "WWW-Authenticate"));
}

static void
guessing_is_throttled (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  guint status = 401;

  for (guint i = 0; i < 20 && status == 401; i++)
    status = get_status (bus->daemon, "POST", "/api/v1/session", NULL,
                         "{\"user\":\"alice\",\"password\":\"wrong\"}");
  g_assert_cmpuint (status, ==, 429);
}

static void
signing_out_ends_it (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autofree char *cookie = sign_in (bus->daemon, "alice", "alice-pw");
  g_autoptr (SbTestAnswer) answer = ask (bus->daemon, "DELETE", "/api/v1/session", cookie, NULL,
                                         NULL, NULL);

  sb_test_assert_status (answer, 204);
  g_assert_nonnull (strstr (sb_test_answer_header (answer, "Set-Cookie"), "Max-Age=0"));
  g_assert_null (who_is (bus->daemon, cookie));
  g_assert_cmpuint (get_status (bus->daemon, "GET", "/get", cookie, NULL), ==, 401);
}

static void
a_cookie_ends_with_the_password (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autofree char *cookie = sign_in (bus->daemon, "alice", "alice-pw");

  sb_test_put_users (bus->admin, "[{\"_id\":\"alice\",\"tags\":[\"x\"]}]");
  g_assert_cmpuint (get_status (bus->daemon, "GET", "/get", cookie, NULL), ==, 200);
  sb_test_put_users (bus->admin, "[{\"_id\":\"alice\",\"password\":\"other\"}]");
  g_assert_cmpuint (get_status (bus->daemon, "GET", "/get", cookie, NULL), ==, 401);
}

static void
a_cookie_ends_with_the_user (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autofree char *cookie = sign_in (bus->daemon, "alice", "alice-pw");
  g_autoptr (SbTestAnswer) removed = sb_test_http_send (bus->admin, "DELETE", "/api/v1/users/alice",
                                                        NULL, NULL, 0);

  sb_test_assert_status (removed, 204);
  sb_test_put_users (bus->admin, "[{\"_id\":\"alice\",\"password\":\"alice-pw\"}]");
  g_assert_cmpuint (get_status (bus->daemon, "GET", "/get", cookie, NULL), ==, 401);
}

static void
one_user_has_a_bounded_number_of_log_ins (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autofree char *first = sign_in (bus->daemon, "alice", "alice-pw");
  g_autofree char *others = sign_in (bus->daemon, "bob", "bob-pw");

  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *cookie = sign_in (bus->daemon, "alice", "alice-pw");
      g_autofree char *id = who_is (bus->daemon, cookie);

      g_assert_cmpstr (id, ==, "alice");
    }
  g_assert_null (who_is (bus->daemon, first));
  g_free (g_steal_pointer (&first));
  first = who_is (bus->daemon, others);
  g_assert_cmpstr (first, ==, "bob");
}

static void
cookies_that_are_none_are_nobody (void)
{
  static const char *const bad[] = {
    "simplebus=",
    "simplebus=0",
    "simplebus=0000000000000000000000000000000000000000000000000000000000000000",
    "simplebus=000000000000000000000000000000000000000000000000000000000000000g",
    "__Host-simplebus=0000000000000000000000000000000000000000000000000000000000000000",
    ";;;,,,=",
  };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_assert_null (who_is (bus->daemon, bad[i]));
      g_assert_cmpuint (get_status (bus->daemon, "GET", "/get", bad[i], NULL), ==, 401);
    }
}

/* --- Attacks --- */

/* Somebody has planted a cookie of his own, or two, before the victim signs in. */
static void
a_planted_cookie_is_worth_nothing_after_signing_in (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autofree char *planted = sign_in (bus->daemon, "bob", "bob-pw");
  g_autoptr (SbTestAnswer) answer = ask (bus->daemon, "POST", "/api/v1/session", planted,
                                         "{\"user\":\"alice\",\"password\":\"alice-pw\"}", NULL,
                                         NULL);
  g_autofree char *cookie = dup_cookie (answer);
  g_autofree char *both = g_strdup_printf ("%s; %s", planted, cookie);

  g_assert_cmpstr (cookie, !=, planted);
  g_assert_null (who_is (bus->daemon, planted));
  g_assert_null (who_is (bus->daemon, both));
}

typedef struct
{
  const char *name, *value;
} Header;

/* What pages of other sites can make a browser send, with the user's cookie at worst. */
static void
other_sites_change_nothing (void)
{
  static const Header forged[] = {
    { "Sec-Fetch-Site", "cross-site" },
    { "Sec-Fetch-Site", "same-site" },
    { "Origin", "https://evil.example" },
    { "Origin", "null" },
  };
  static const struct
  {
    const char *method, *path, *body;
  } requests[] = {
    { "POST", "/put", "{\"to\":\"@bob\",\"message\":1}" },
    { "POST", "/put_users", "[{\"_id\":\"alice\",\"password\":\"x\"}]" },
    { "POST", "/confirm", "[\"a\"]" },
    { "POST", "/api/v1/session", "{\"user\":\"bob\",\"password\":\"bob-pw\"}" },
    { "DELETE", "/api/v1/session", NULL },
    { "POST", "/api/v1/me/password", "{\"old\":\"alice-pw\",\"new\":\"x\"}" },
    { "DELETE", "/download/x", NULL },
    { "POST", "/files/", NULL },
  };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autofree char *cookie = sign_in (bus->daemon, "alice", "alice-pw");
  g_autofree char *id = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (requests); i++)
    for (gsize k = 0; k < G_N_ELEMENTS (forged); k++)
      {
        g_autoptr (SbTestAnswer) answer = ask (bus->daemon, requests[i].method, requests[i].path,
                                               cookie, requests[i].body, forged[k].name,
                                               forged[k].value);

        g_assert_cmpuint (answer->status, ==, 403);
      }
  id = who_is (bus->daemon, cookie);
  g_assert_cmpstr (id, ==, "alice");
}

/* A browser takes another port of the same host for the same site, and sends the cookie along. */
static void
other_sites_read_nothing (void)
{
  static const char *const sites[] = { "same-site", "cross-site" };
  static const char *const paths[] = { "/get", "/api/v1/me", "/api/v1/me/deliveries?direction=in" };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autofree char *cookie = sign_in (bus->daemon, "alice", "alice-pw");

  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autoptr (SbTestAnswer) own = ask (bus->daemon, "GET", paths[i], cookie, NULL,
                                          "Sec-Fetch-Site", "same-origin");

      sb_test_assert_status (own, 200);
      for (gsize k = 0; k < G_N_ELEMENTS (sites); k++)
        {
          g_autoptr (SbTestAnswer) other = ask (bus->daemon, "GET", paths[i], cookie, NULL,
                                                "Sec-Fetch-Site", sites[k]);

          sb_test_assert_status (other, 401);
        }
    }
}

/* A form of another site cannot add the header. */
static void
without_the_header_a_cookie_only_reads (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autofree char *cookie = sign_in (bus->daemon, "alice", "alice-pw");
  const char *const headers[] = { "Cookie", cookie, "Content-Type", "text/plain", NULL };
  g_autoptr (SbTestHttp) browser = sb_test_http_for (bus->daemon, NULL, NULL);
  g_autoptr (SbTestAnswer) refused = sb_test_http_send (browser, "POST", "/put", headers,
                                                        "{\"to\":\"@bob\",\"message\":1}", -1);
  g_autoptr (SbTestAnswer) read = sb_test_http_send (browser, "GET", "/get", headers, NULL, 0);

  sb_test_assert_problem (refused, 403, "cross-site");
  sb_test_assert_status (read, 200);
}

static void
who_logs_in_with_a_password_is_asked_for_no_header (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autofree char *cookie = sign_in (bus->daemon, "bob", "bob-pw");
  const char *const headers[] = { "Cookie", cookie, NULL };
  g_autoptr (SbTestAnswer) answer = sb_test_http_send (
      bus->alice, "POST", "/put", headers, "{\"_id\":\"m\",\"to\":\"@bob\",\"message\":1}", -1);
  g_autoptr (SbTestAnswer) status = sb_test_http_get (bus->admin, "/status/m");

  sb_test_assert_status (answer, 200);
  g_assert_cmpstr (sb_test_answer_string (status, "sender"), ==, "alice");
}

/* --- One's own password --- */

static void
ones_own_password_needs_the_old_one (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autofree char *cookie = sign_in (bus->daemon, "alice", "alice-pw");
  g_autofree char *elsewhere = sign_in (bus->daemon, "alice", "alice-pw");
  g_autoptr (SbTestAnswer) wrong = ask (bus->daemon, "POST", "/api/v1/me/password", cookie,
                                        "{\"old\":\"x\",\"new\":\"new-pw\"}", NULL, NULL);
  g_autoptr (SbTestAnswer) right = ask (bus->daemon, "POST", "/api/v1/me/password", cookie,
                                        "{\"old\":\"alice-pw\",\"new\":\"new-pw\"}", NULL, NULL);
  g_autofree char *next = dup_cookie (right);
  g_autofree char *id = NULL;
  g_autofree char *again = NULL;

  sb_test_assert_problem (wrong, 403, "forbidden");
  sb_test_assert_status (right, 200);
  id = who_is (bus->daemon, next);
  g_assert_cmpstr (id, ==, "alice");
  g_assert_null (who_is (bus->daemon, cookie));
  g_assert_null (who_is (bus->daemon, elsewhere));
  again = sign_in (bus->daemon, "alice", "new-pw");
  g_assert_nonnull (again);
}

static void
bodies_that_are_none_are_refused (void)
{
  static const char *const bad[] = {
    "",
    "[]",
    "{}",
    "{\"user\":\"alice\"}",
    "{\"user\":1,\"password\":2}",
    "{\"user\":\"alice\",\"password\":\"alice-pw\",\"more\":1}",
    "{\"user\":\"a\\u0000b\",\"password\":\"x\"}",
  };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_cmpuint (get_status (bus->daemon, "POST", "/api/v1/session", NULL, bad[i]), ==, 400);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/signin/the-first-who-signs-up-is-an-admin-and-signed-in",
                   the_first_who_signs_up_is_an_admin_and_signed_in);
  g_test_add_func ("/signin/a-stranger-from-afar-needs-the-code",
                   a_stranger_from_afar_needs_the_code);
  g_test_add_func ("/signin/the-cookie-is-for-this-site-and-no-script",
                   the_cookie_is_for_this_site_and_no_script);
  g_test_add_func ("/signin/the-cookie-does-what-the-user-may", the_cookie_does_what_the_user_may);
  g_test_add_func ("/signin/a-wrong-password-gives-no-cookie-and-no-dialog",
                   a_wrong_password_gives_no_cookie_and_no_dialog);
  g_test_add_func ("/signin/guessing-is-throttled", guessing_is_throttled);
  g_test_add_func ("/signin/signing-out-ends-it", signing_out_ends_it);
  g_test_add_func ("/signin/a-cookie-ends-with-the-password", a_cookie_ends_with_the_password);
  g_test_add_func ("/signin/a-cookie-ends-with-the-user", a_cookie_ends_with_the_user);
  g_test_add_func ("/signin/one-user-has-a-bounded-number-of-log-ins",
                   one_user_has_a_bounded_number_of_log_ins);
  g_test_add_func ("/signin/cookies-that-are-none-are-nobody", cookies_that_are_none_are_nobody);
  g_test_add_func ("/signin/a-planted-cookie-is-worth-nothing-after-signing-in",
                   a_planted_cookie_is_worth_nothing_after_signing_in);
  g_test_add_func ("/signin/other-sites-change-nothing", other_sites_change_nothing);
  g_test_add_func ("/signin/other-sites-read-nothing", other_sites_read_nothing);
  g_test_add_func ("/signin/without-the-header-a-cookie-only-reads",
                   without_the_header_a_cookie_only_reads);
  g_test_add_func ("/signin/who-logs-in-with-a-password-is-asked-for-no-header",
                   who_logs_in_with_a_password_is_asked_for_no_header);
  g_test_add_func ("/signin/ones-own-password-needs-the-old-one",
                   ones_own_password_needs_the_old_one);
  g_test_add_func ("/signin/bodies-that-are-none-are-refused", bodies_that_are_none_are_refused);
  return g_test_run ();
}

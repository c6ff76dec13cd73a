/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-api: /api/v1/: who gets in, what is refused; users, queues and previews. */

#include "sb-test-site.h"
#include "sb-test.h"

#include <string.h>

static SbTestAnswer *
request (SbTestHttp *client, const char *method, const char *path, const char *body)
{
  return sb_test_http_send (client, method, path, NULL, body, -1);
}

/* The answer's body, which must come with that status. */
static char *
get_body (SbTestHttp *client, const char *method, const char *path, const char *body, guint status)
{
  g_autoptr (SbTestAnswer) answer = request (client, method, path, body);

  sb_test_assert_status (answer, status);
  return g_strdup (answer->body);
}

/* --- Who, and with what --- */

static const struct
{
  const char *method;
  const char *path;
  const char *body;
} routes[] = {
  { "GET", "/api/v1/overview", NULL },
  { "GET", "/api/v1/events", NULL },
  { "GET", "/api/v1/health", NULL },
  { "GET", "/api/v1/configuration", NULL },
  { "GET", "/api/v1/plugins", NULL },
  { "GET", "/api/v1/sessions", NULL },
  { "DELETE", "/api/v1/sessions/bob", NULL },
  { "GET", "/api/v1/transfers", NULL },
  { "GET", "/api/v1/files", NULL },
  { "GET", "/api/v1/files/x", NULL },
  { "DELETE", "/api/v1/files/x", NULL },
  { "GET", "/api/v1/queues", NULL },
  { "GET", "/api/v1/queues/bob", NULL },
  { "POST", "/api/v1/queues/bob/pause", NULL },
  { "POST", "/api/v1/queues/bob/resume", NULL },
  { "GET", "/api/v1/deliveries", NULL },
  { "GET", "/api/v1/deliveries/1:x", NULL },
  { "GET", "/api/v1/deliveries/1:x/message", NULL },
  { "POST", "/api/v1/deliveries/1:x/requeue", NULL },
  { "POST", "/api/v1/deliveries/1:x/drop", NULL },
  { "POST", "/api/v1/deliveries/1:x/move", "{\"to\":\"bob\"}" },
  { "POST", "/api/v1/preview", "{\"to\":\"$all\"}" },
  { "GET", "/api/v1/users", NULL },
  { "GET", "/api/v1/users/bob", NULL },
  { "DELETE", "/api/v1/users/bob", NULL },
};

static void
test_lets_in_admins_only (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestHttp) stranger = sb_test_http_for (bus->daemon, NULL, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (routes); i++)
    {
      g_autoptr (SbTestAnswer) nobody = request (stranger, routes[i].method, routes[i].path,
                                                 routes[i].body);
      g_autoptr (SbTestAnswer) user = request (bus->alice, routes[i].method, routes[i].path,
                                               routes[i].body);

      g_test_message ("%s %s", routes[i].method, routes[i].path);
      sb_test_assert_problem (nobody, 401, "unauthorized");
      sb_test_assert_problem (user, 403, "forbidden");
    }
}

static void
test_does_not_say_what_is_there_to_who_may_not_know (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestHttp) stranger = sb_test_http_for (bus->daemon, NULL, NULL);
  g_autoptr (SbTestAnswer) nobody = request (stranger, "GET", "/api/v1/nothing", NULL);
  g_autoptr (SbTestAnswer) user = request (bus->alice, "PUT", "/api/v1/queues", "");

  sb_test_assert_problem (nobody, 401, "unauthorized");
  sb_test_assert_problem (user, 403, "forbidden");
}

/* With the password it had as an admin, which the bus knows. */
static void
test_lets_in_no_former_admin (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) before = NULL;
  g_autoptr (SbTestAnswer) after = NULL;

  sb_test_put_users (bus->admin, "[{\"_id\":\"alice\",\"admin\":true}]");
  before = request (bus->alice, "GET", "/api/v1/users", NULL);
  sb_test_put_users (bus->admin, "[{\"_id\":\"alice\",\"admin\":false}]");
  after = request (bus->alice, "GET", "/api/v1/users", NULL);
  sb_test_assert_status (before, 200);
  sb_test_assert_problem (after, 403, "forbidden");
}

static void
test_shows_users_themselves (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestHttp) stranger = sb_test_http_for (bus->daemon, NULL, NULL);
  g_autoptr (SbTestAnswer) nobody = request (stranger, "GET", "/api/v1/me", NULL);
  g_autoptr (SbTestWs) session = sb_test_ws_log_in_as (bus->daemon, "carol", NULL);
  g_autofree char *id = sb_test_put (bus->alice, "{\"to\":\"@carol\",\"message\":1}");
  g_autoptr (SbTestAnswer) carol = request (bus->carol, "GET", "/api/v1/me", NULL);
  g_autoptr (SbTestAnswer) admin = request (bus->admin, "GET", "/api/v1/me", NULL);
  g_autoptr (SbTestAnswer) posted = request (bus->carol, "POST", "/api/v1/me", "{}");
  JsonObject *me;

  sb_test_assert_problem (nobody, 401, "unauthorized");
  sb_test_assert_problem (posted, 405, "method-not-allowed");
  sb_test_assert_status (carol, 200);
  me = sb_test_answer_object (carol);
  g_assert_cmpstr (sb_test_json_string (me, "_id"), ==, "carol");
  g_assert_false (sb_test_json_bool (me, "admin"));
  g_assert_true (sb_test_json_bool (me, "online"));
  g_assert_cmpstr (sb_test_json_string (me, "address"), ==, "127.0.0.1");
  g_assert_cmpint (sb_test_json_int (sb_test_json_member (me, "queue"), "waiting"), ==, 1);
  g_assert_true (sb_test_json_bool (sb_test_answer_object (admin), "admin"));
}

static void
test_knows_who_was_seen (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) before = request (bus->admin, "GET", "/api/v1/users/bob", NULL);
  g_autoptr (SbTestAnswer) fetched = sb_test_http_get (bus->bob, "/get");
  g_autoptr (SbTestAnswer) after = request (bus->admin, "GET", "/api/v1/users/bob", NULL);
  g_autoptr (SbTestWs) session = sb_test_ws_log_in_as (bus->daemon, "carol", NULL);
  g_autoptr (SbTestAnswer) online = NULL;
  g_autoptr (SbTestAnswer) gone = NULL;

  g_assert_true (json_object_get_null_member (sb_test_answer_object (before), "last_seen"));
  g_assert_nonnull (sb_test_answer_string (after, "last_seen"));
  g_assert_null (sb_test_answer_string (after, "address"));
  sb_test_ws_close (session);
  /* The session ends with its socket, a moment later perhaps. */
  do
    {
      g_clear_pointer (&online, sb_test_answer_free);
      online = request (bus->admin, "GET", "/api/v1/users/carol", NULL);
    }
  while (sb_test_json_bool (sb_test_answer_object (online), "online"));
  g_assert_nonnull (sb_test_answer_string (online, "last_seen"));
  sb_test_put_users (bus->admin, "[{\"_id\":\"dave\",\"password\":\"dave-pw\"}]");
  gone = request (bus->admin, "GET", "/api/v1/users/dave", NULL);
  g_assert_true (json_object_get_null_member (sb_test_answer_object (gone), "last_seen"));
}

static void
test_names_the_methods_of_a_path (void)
{
  static const char *const cases[][3] = {
    { "POST", "/api/v1/queues", "OPTIONS, GET, HEAD" },
    { "GET", "/api/v1/queues/bob/pause", "OPTIONS, POST" },
    { "PUT", "/api/v1/users/bob", "OPTIONS, GET, HEAD, DELETE" },
    { "DELETE", "/api/v1/deliveries/1:x", "OPTIONS, GET, HEAD" },
    { "GET", "/api/v1/preview", "OPTIONS, POST" },
    { "OPTIONS", "/api/v1/users/bob", "OPTIONS, GET, HEAD, DELETE" },
  };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SbTestAnswer) answer = request (bus->admin, cases[i][0], cases[i][1], NULL);

      g_test_message ("%s %s", cases[i][0], cases[i][1]);
      if (strcmp (cases[i][0], "OPTIONS") == 0)
        sb_test_assert_status (answer, 200);
      else
        sb_test_assert_problem (answer, 405, "method-not-allowed");
      g_assert_cmpstr (sb_test_answer_header (answer, "Allow"), ==, cases[i][2]);
    }
}

static void
test_knows_no_other_paths (void)
{
  static const char *const paths[] = {
    "/api",
    "/api/v1",
    "/api/v1/",
    "/api/v2/queues",
    "/api/v1/queue",
    "/api/v1/queues/",
    "/api/v1/queues//pause",
    "/api/v1//queues",
    "/api/v1/queues/bob/",
    "/api/v1/queues/bob/pause/now",
    "/api/v1/queues/bob/pause/a/b/c/d",
    "/api/v1/queues/%FF",
    "/api/v1/queues/bob%00",
    "/api/v1/%7B%7D",
    "/api/v1/queues/nobody",
    "/api/v1/users/nobody",
    "/api/v1/users/bo%2Fb",
    "/api/v1/deliveries/bob",
    "/api/v1/deliveries/1:x",
    "/api/v1/deliveries/1:x/message",
    "/api/v1/deliveries/1%2Fx",
    "/api/v1/files/x",
    "/api/v1/files?sender=nobody",
    "/api/v1/files?recipient=nobody",
    "/api/v1/me/",
    "/api/v1/openapi",
  };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autoptr (SbTestAnswer) answer = request (bus->admin, "GET", paths[i], NULL);

      g_test_message ("%s", paths[i]);
      sb_test_assert_problem (answer, 404, "not-found");
    }
}

static void
test_refuses_parameters_that_it_does_not_know (void)
{
  static const char *const paths[] = {
    "/api/v1/queues?limit=0",
    "/api/v1/queues?limit=1001",
    "/api/v1/queues?limit=ten",
    "/api/v1/queues?limit=",
    "/api/v1/queues?after=bob",
    "/api/v1/queues?after=-1",
    "/api/v1/queues?state=dead",
    "/api/v1/queues?limit=1&limit=2",
    "/api/v1/queues?limit",
    "/api/v1/queues?&",
    "/api/v1/queues/bob?limit=1",
    "/api/v1/users?after=%FF",
    "/api/v1/users?after=a%00b",
    "/api/v1/deliveries?state=sent",
    "/api/v1/deliveries?state=",
    "/api/v1/deliveries?state=dead,,parked",
    "/api/v1/deliveries?state=DEAD",
    "/api/v1/deliveries?key=0",
    "/api/v1/deliveries?key=bob",
    "/api/v1/deliveries?key=1&recipient=bob",
    "/api/v1/deliveries?after=nonsense",
    "/api/v1/deliveries?receiver=bob",
    "/api/v1/queues?order=size",
    "/api/v1/queues?order=backlog&after=1",
    "/api/v1/files?after=1",
    "/api/v1/files?after=0123456789ABCDEF0123456789ABCDEF",
    "/api/v1/files?key=1",
    "/api/v1/files/x?after=bob",
    "/api/v1/events?interval=0",
    "/api/v1/events?interval=61",
    "/api/v1/overview?limit=1",
    "/api/v1/transfers?after=1",
    "/api/v1/me?user=bob",
  };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autoptr (SbTestAnswer) answer = request (bus->admin, "GET", paths[i], NULL);

      g_test_message ("%s", paths[i]);
      sb_test_assert_problem (answer, 400, "invalid");
    }
}

static void
test_refuses_bodies_that_make_no_sense (void)
{
  static const char *const bodies[] = {
    "",
    "{",
    "[]",
    "\"bob\"",
    "{}",
    "{\"to\":17}",
    "{\"to\":null}",
    "{\"to\":{}}",
    "{\"to\":[]}",
    "{\"to\":\"bob\",\"two\":1}",
    "{\"to\":\"b\\u0000b\"}",
    "{\"to\":\"bob\"}x",
    "{\"to\":[[\"@bob\"]]}",
  };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (bodies); i++)
    {
      g_autoptr (SbTestAnswer) moved = request (bus->admin, "POST", "/api/v1/deliveries/1:x/move",
                                                bodies[i]);
      g_autoptr (SbTestAnswer) seen = request (bus->admin, "POST", "/api/v1/preview", bodies[i]);

      g_test_message ("%s", bodies[i]);
      sb_test_assert_problem (moved, 400, "invalid");
      sb_test_assert_problem (seen, 400, "invalid");
    }
}

static void
test_refuses_what_another_site_makes_a_browser_send (void)
{
  static const char *const headers[] = { "Sec-Fetch-Site", "cross-site", NULL };
  static const char *const origin[] = { "Origin", "https://evil.example", NULL };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) fetched = sb_test_http_send (
      bus->admin, "POST", "/api/v1/queues/bob/pause", headers, NULL, -1);
  g_autoptr (SbTestAnswer) posted = sb_test_http_send (
      bus->admin, "POST", "/api/v1/queues/bob/pause", origin, NULL, -1);
  g_autofree char *bob = get_body (bus->admin, "GET", "/api/v1/users/bob", NULL, 200);

  sb_test_assert_problem (fetched, 403, "forbidden");
  sb_test_assert_problem (posted, 403, "forbidden");
  g_assert_nonnull (strstr (bob, "\"paused\":false"));
}

/* --- Users --- */

static void
test_shows_a_user (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) answer = NULL;
  g_autoptr (SbTestWs) session = sb_test_ws_log_in_as (bus->daemon, "carol", NULL);
  g_autofree char *tags = NULL;
  JsonObject *carol;

  sb_test_put_users (bus->admin, "[{\"_id\":\"carol\",\"ttl\":3600}]");
  answer = request (bus->admin, "GET", "/api/v1/users/carol", NULL);
  sb_test_assert_status (answer, 200);
  carol = sb_test_answer_object (answer);
  tags = sb_test_json_strings (carol, "tags");
  g_assert_cmpstr (sb_test_json_string (carol, "_id"), ==, "carol");
  g_assert_cmpstr (tags, ==, "orders,news");
  g_assert_false (sb_test_json_bool (carol, "admin"));
  g_assert_false (sb_test_json_bool (carol, "paused"));
  g_assert_true (sb_test_json_bool (carol, "online"));
  g_assert_cmpint (sb_test_json_int (carol, "ttl"), ==, 3600);
  g_assert_nonnull (sb_test_json_string (carol, "created"));
  g_assert_true (json_object_get_null_member (carol, "connection_properties"));
}

static void
test_shows_users_with_odd_ids (void)
{
  static const char *const ids[][2] = {
    { "x/y", "x%2Fy" }, { "a b%", "a%20b%25" }, { "Ünï", "%C3%9Cn%C3%AF" },
    { "a+b", "a+b" },   { "{}", "%7B%7D" },     { "queues", "queues" },
  };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      g_autofree char *path = g_strconcat ("/api/v1/users/", ids[i][1], NULL);
      g_autoptr (SbTestAnswer) answer = NULL;

      sb_test_make_users (bus->admin, ids[i][0], NULL);
      answer = request (bus->admin, "GET", path, NULL);
      g_test_message ("%s", path);
      sb_test_assert_status (answer, 200);
      g_assert_cmpstr (sb_test_answer_string (answer, "_id"), ==, ids[i][0]);
    }
}

#define SECRET "s3cr3t-4711"

static void
test_never_tells_a_secret (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) echo = NULL;
  g_autofree char *user = NULL;
  g_autofree char *users = NULL;
  g_autofree char *queue = NULL;
  g_autofree char *log = NULL;

  sb_test_put_users (
      bus->admin, "[{\"_id\":\"erp\",\"password\":\"" SECRET "\",\"connection_properties\":{"
                  "\"type\":\"http\",\"url\":\"http://127.0.0.1:1/bus\",\"secret\":\"" SECRET "\","
                  "\"authorization\":{\"type\":\"basic\",\"user\":\"usr\",\"password\":\"" SECRET
                  "\"}}},{\"_id\":\"odd\",\"password\":\"p\",\"connection_properties\":{"
                  "\"type\":\"fax\",\"url\":\"fax://u:" SECRET "@h/?t=" SECRET "\","
                  "\"headers\":[\"" SECRET "\"],\"token\":{\"x\":\"" SECRET "\"}}}]");
  sb_test_put_users (bus->admin, "[{\"_id\":\"bob\",\"password\":\"" SECRET "\"}]");
  user = get_body (bus->admin, "GET", "/api/v1/users/erp", NULL, 200);
  users = get_body (bus->admin, "GET", "/api/v1/users", NULL, 200);
  queue = get_body (bus->admin, "GET", "/api/v1/queues/odd", NULL, 200);
  log = sb_test_daemon_dup_log (bus->daemon);
  g_assert_nonnull (strstr (user, "\"user\":\"usr\",\"password\":\"(write-only)\""));
  g_assert_nonnull (strstr (users, "\"odd\""));
  g_assert_nonnull (strstr (queue, "\"state\":\"faulty\""));
  g_assert_nonnull (strstr (log, "admin changed the user bob: password"));
  g_assert_null (strstr (user, SECRET));
  g_assert_null (strstr (users, SECRET));
  g_assert_null (strstr (queue, SECRET));
  g_assert_null (strstr (log, SECRET));

  echo = request (bus->admin, "POST", "/put_users",
                  "[{\"_id\":\"erp\",\"connection_properties\":{\"url\":\"http://127.0.0.1:1/bus\","
                  "\"secret\":\"(write-only)\"}}]");
  sb_test_assert_problem (echo, 400, "invalid");
}

static void
test_lists_users_with_their_queues (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *first = sb_test_put (bus->alice, "{\"to\":\"#orders\",\"message\":1}");
  g_autofree char *second = sb_test_put (bus->alice, "{\"to\":\"@carol\",\"message\":1}");
  g_autoptr (SbTestAnswer) answer = request (bus->admin, "GET",
                                             "/api/v1/users?expand=queue&search=ORD", NULL);
  JsonArray *users = json_object_get_array_member (sb_test_answer_object (answer), "users");

  g_assert_cmpuint (json_array_get_length (users), ==, 2);
  for (guint i = 0; i < 2; i++)
    {
      JsonObject *user = json_array_get_object_element (users, i);
      JsonObject *queue = sb_test_json_member (user, "queue");

      g_assert_cmpstr (sb_test_json_string (user, "_id"), ==, i == 0 ? "bob" : "carol");
      g_assert_cmpint (sb_test_json_int (queue, "waiting"), ==, i + 1);
      g_assert_nonnull (sb_test_json_string (queue, "oldest"));
    }
}

static void
test_refuses_odd_lists_of_users (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *long_one = g_strnfill (257, 'x');
  g_autofree char *path = g_strconcat ("/api/v1/users?search=", long_one, NULL);
  g_autoptr (SbTestAnswer) expand = request (bus->admin, "GET", "/api/v1/users?expand=x", NULL);
  g_autoptr (SbTestAnswer) search = request (bus->admin, "GET", path, NULL);

  sb_test_assert_problem (expand, 400, "invalid");
  sb_test_assert_problem (search, 400, "invalid");
}

static void
test_lists_users_once_each (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (GString) json = g_string_new ("[");
  g_autofree char *after = g_strdup ("");
  guint n = 0, n_pages = 0;

  for (guint i = 0; i < 36; i++)
    g_string_append_printf (json, "%s{\"_id\":\"u%04u\",\"password\":\"p\"}", i > 0 ? "," : "", i);
  g_string_append_c (json, ']');
  sb_test_put_users (bus->admin, json->str);
  while (after != NULL)
    {
      g_autofree char *path = g_strdup_printf ("/api/v1/users?limit=7&after=%s", after);
      g_autoptr (SbTestAnswer) answer = request (bus->admin, "GET", path, NULL);
      JsonArray *users;

      sb_test_assert_status (answer, 200);
      users = json_object_get_array_member (sb_test_answer_object (answer), "users");
      for (guint i = 0; i < json_array_get_length (users); i++)
        {
          const char *id = sb_test_json_string (json_array_get_object_element (users, i), "_id");

          g_assert_cmpstr (id, >, after);
          g_free (after);
          after = g_strdup (id);
          n++;
        }
      n_pages++;
      g_free (after);
      after = g_strdup (sb_test_answer_string (answer, "next"));
    }
  g_assert_cmpuint (n, ==, 40);
  g_assert_cmpuint (n_pages, ==, 6);
}

static void
test_removes_a_user (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) session = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autoptr (SbTestAnswer) removed = request (bus->admin, "DELETE", "/api/v1/users/bob", NULL);
  g_autoptr (SbTestAnswer) again = request (bus->admin, "DELETE", "/api/v1/users/bob", NULL);
  g_autoptr (SbTestAnswer) last = request (bus->admin, "DELETE", "/api/v1/users/admin", NULL);
  g_autoptr (SbTestAnswer) login = sb_test_http_get (bus->bob, "/get");
  g_autofree char *log = sb_test_daemon_dup_log (bus->daemon);

  sb_test_assert_status (removed, 204);
  g_assert_cmpuint (removed->length, ==, 0);
  sb_test_assert_problem (again, 404, "not-found");
  sb_test_assert_problem (last, 409, "conflict");
  sb_test_assert_problem (login, 401, "unauthorized");
  g_assert_cmpuint (sb_test_ws_wait_closed (session), ==, 4001);
  g_assert_nonnull (strstr (log, "admin removed the user bob"));
}

static void
test_logs_who_was_made_and_changed (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *log = NULL;

  sb_test_put_users (bus->admin, "[{\"_id\":\"bob\",\"tags\":[\"x\"],\"admin\":true}]");
  log = sb_test_daemon_dup_log (bus->daemon);
  g_assert_nonnull (strstr (log, "admin signed up as an admin"));
  g_assert_nonnull (strstr (log, "admin made the user alice"));
  g_assert_nonnull (strstr (log, "admin changed the user bob: tags, now an admin"));
}

/* --- The time to live of a user's messages --- */

static void
test_a_users_ttl_holds_for_its_messages (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *id = NULL;
  g_autoptr (SbTestAnswer) refused = NULL;

  refused = request (bus->alice, "POST", "/put_users", "[{\"_id\":\"alice\",\"ttl\":1}]");
  sb_test_assert_problem (refused, 403, "forbidden");
  sb_test_put_users (bus->admin, "[{\"_id\":\"alice\",\"ttl\":1}]");
  id = sb_test_put (bus->alice, "{\"to\":\"@bob\",\"message\":1}");
  sb_test_wait_state (bus->alice, id, "bob", "expired");
}

/* --- Queues --- */

static void
test_lists_queues (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) answer = NULL;
  g_autofree char *first = sb_test_put (bus->alice, "{\"to\":\"@bob\",\"message\":1}");
  g_autofree char *second = sb_test_put (bus->alice, "{\"to\":\"@bob\",\"message\":1,"
                                                     "\"not_before\":4000000000}");
  JsonArray *queues;
  JsonObject *bob;

  answer = request (bus->admin, "GET", "/api/v1/queues", NULL);
  sb_test_assert_status (answer, 200);
  queues = json_object_get_array_member (sb_test_answer_object (answer), "queues");
  g_assert_cmpuint (json_array_get_length (queues), ==, 1);
  g_assert_true (json_object_get_null_member (sb_test_answer_object (answer), "next"));
  bob = json_array_get_object_element (queues, 0);
  g_assert_cmpstr (sb_test_json_string (bob, "_id"), ==, "bob");
  g_assert_nonnull (sb_test_json_string (bob, "key"));
  g_assert_cmpint (sb_test_json_int (bob, "waiting"), ==, 2);
  g_assert_cmpint (sb_test_json_int (bob, "scheduled"), ==, 1);
  g_assert_cmpint (sb_test_json_int (bob, "parked"), ==, 0);
  g_assert_cmpint (sb_test_json_int (bob, "dead"), ==, 0);
  g_assert_cmpint (sb_test_json_int (bob, "in_flight"), ==, 0);
  g_assert_cmpint (sb_test_json_int (bob, "bytes"), >, 40);
  g_assert_nonnull (sb_test_json_string (bob, "oldest"));
  g_assert_false (sb_test_json_bool (bob, "gone"));
  g_assert_false (sb_test_json_bool (bob, "online"));
  g_assert_true (json_object_get_null_member (bob, "outbound"));
}

static void
test_shows_what_is_in_flight (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) session = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autofree char *id = sb_test_put (bus->alice, "{\"to\":\"@bob\",\"message\":1}");
  g_autoptr (SbTestFrame) frame = sb_test_ws_take_id (session, id);
  g_autoptr (SbTestAnswer) answer = request (bus->admin, "GET", "/api/v1/queues/bob", NULL);

  sb_test_assert_status (answer, 200);
  g_assert_cmpint (sb_test_json_int (sb_test_answer_object (answer), "in_flight"), ==, 1);
  g_assert_true (sb_test_json_bool (sb_test_answer_object (answer), "online"));
}

static void
test_pages_through_queues (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *id = sb_test_put (bus->alice, "{\"to\":\"#orders\",\"message\":1}");
  g_autoptr (SbTestAnswer) first = request (bus->admin, "GET", "/api/v1/queues?limit=1", NULL);
  g_autofree char *path = g_strdup_printf ("/api/v1/queues?limit=1&after=%s",
                                           sb_test_answer_string (first, "next"));
  g_autoptr (SbTestAnswer) second = request (bus->admin, "GET", path, NULL);

  g_assert_nonnull (strstr (first->body, "\"bob\""));
  g_assert_null (strstr (first->body, "\"carol\""));
  sb_test_assert_status (second, 200);
  g_assert_nonnull (strstr (second->body, "\"carol\""));
}

static void
pause_bob (SbTestSite *bus, const char *verb)
{
  g_autofree char *path = g_strconcat ("/api/v1/queues/bob/", verb, NULL);
  g_autofree char *body = get_body (bus->admin, "POST", path, NULL, 200);

  g_assert_cmpstr (body, ==,
                   strcmp (verb, "pause") == 0 ? "{\"paused\":true}" : "{\"paused\":false}");
}

static void
test_lists_the_longest_queues_first (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *one = sb_test_put (bus->admin, "{\"to\":[\"@bob\",\"@carol\"],\"message\":1}");
  g_autofree char *two = sb_test_put (bus->admin, "{\"to\":\"@carol\",\"message\":2}");
  g_autoptr (SbTestAnswer) answer = request (bus->admin, "GET",
                                             "/api/v1/queues?order=backlog&limit=1", NULL);
  g_autoptr (SbTestAnswer) all = request (bus->admin, "GET", "/api/v1/queues?order=backlog", NULL);
  JsonArray *queues = json_object_get_array_member (sb_test_answer_object (answer), "queues");

  g_assert_cmpuint (json_array_get_length (queues), ==, 1);
  g_assert_cmpstr (sb_test_json_string (json_array_get_object_element (queues, 0), "_id"), ==,
                   "carol");
  g_assert_null (sb_test_answer_string (answer, "next"));
  queues = json_object_get_array_member (sb_test_answer_object (all), "queues");
  g_assert_cmpuint (json_array_get_length (queues), ==, 2);
  g_assert_cmpstr (sb_test_json_string (json_array_get_object_element (queues, 1), "_id"), ==,
                   "bob");
}

static void
test_pauses_over_a_restart_and_resumes_in_order (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", NULL);
  g_autoptr (SbTestWs) session = NULL;
  g_autofree char *queue = NULL;
  g_autofree char *last = NULL;

  pause_bob (bus, "pause");
  for (guint i = 0; i < 20; i++)
    g_free (sb_test_put (bus->alice, "{\"to\":\"@bob\",\"message\":1}"));
  sb_test_site_restart (bus);
  session = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_free (sb_test_put (bus->alice, "{\"_id\":\"last\",\"to\":\"@bob\",\"message\":1}"));
  sb_test_ws_assert_nothing (session);
  queue = get_body (bus->admin, "GET", "/api/v1/queues/bob", NULL, 200);
  g_assert_nonnull (strstr (queue, "\"paused\":true"));
  g_assert_nonnull (strstr (queue, "\"waiting\":21"));

  pause_bob (bus, "resume");
  sb_test_ws_wait_frames (session, 21);
  for (guint i = 0; i < 20; i++)
    g_free (sb_test_ws_take_and_confirm (session));
  last = sb_test_ws_take_and_confirm (session);
  g_assert_cmpstr (last, ==, "last");
}

static void
test_pauses_pulls_too (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *none = NULL;
  g_autofree char *one = NULL;
  g_autoptr (SbTestAnswer) nobody = NULL;

  pause_bob (bus, "pause");
  g_free (sb_test_put (bus->alice, "{\"to\":\"@bob\",\"message\":1}"));
  none = get_body (bus->bob, "GET", "/get", NULL, 200);
  g_assert_cmpstr (none, ==, "[]");
  pause_bob (bus, "resume");
  one = get_body (bus->bob, "GET", "/get", NULL, 200);
  g_assert_cmpstr (one, !=, "[]");
  nobody = request (bus->admin, "POST", "/api/v1/queues/nobody/pause", NULL);
  sb_test_assert_problem (nobody, 404, "not-found");
}

/* --- Preview --- */

static void
test_previews_addresses (void)
{
  static const char *const cases[][2] = {
    { "{\"to\":[\"#orders\",\"@alice\"]}",
      "{\"recipients\":3,\"ids\":[\"alice\",\"bob\",\"carol\"],\"unknown\":[]}" },
    { "{\"to\":\"#orders\",\"sender\":\"bob\"}",
      "{\"recipients\":1,\"ids\":[\"carol\"],\"unknown\":[]}" },
    { "{\"to\":[\"@bob\",\"@x\",\"y\"]}",
      "{\"recipients\":1,\"ids\":[\"bob\"],\"unknown\":[\"@x\",\"#y\"]}" },
    { "{\"to\":\"@x\\u00e4\"}", "{\"recipients\":0,\"ids\":[],\"unknown\":[\"@xä\"]}" },
    { "{\"to\":\"$all\"}",
      "{\"recipients\":4,\"ids\":[\"admin\",\"alice\",\"bob\",\"carol\"],\"unknown\":[]}" },
  };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) nobody = NULL;
  g_autoptr (SbTestAnswer) odd = NULL;
  g_autoptr (SbTestAnswer) one = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *body = get_body (bus->admin, "POST", "/api/v1/preview", cases[i][0], 200);

      g_assert_cmpstr (body, ==, cases[i][1]);
    }
  nobody = request (bus->admin, "POST", "/api/v1/preview", "{\"to\":\"$all\",\"sender\":\"x\"}");
  sb_test_assert_problem (nobody, 404, "not-found");
  odd = request (bus->admin, "POST", "/api/v1/preview", "{\"to\":\"$all\",\"sender\":[1]}");
  sb_test_assert_problem (odd, 400, "invalid");
  one = request (bus->admin, "POST", "/api/v1/preview?limit=1", "{\"to\":\"@bob\"}");
  sb_test_assert_status (one, 200);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
#define ADD(name, func) g_test_add_func ("/api/" name, func)
  ADD ("lets-in-admins-only", test_lets_in_admins_only);
  ADD ("does-not-say-what-is-there-to-who-may-not-know",
       test_does_not_say_what_is_there_to_who_may_not_know);
  ADD ("lets-in-no-former-admin", test_lets_in_no_former_admin);
  ADD ("shows-users-themselves", test_shows_users_themselves);
  ADD ("knows-who-was-seen", test_knows_who_was_seen);
  ADD ("names-the-methods-of-a-path", test_names_the_methods_of_a_path);
  ADD ("knows-no-other-paths", test_knows_no_other_paths);
  ADD ("refuses-parameters-that-it-does-not-know", test_refuses_parameters_that_it_does_not_know);
  ADD ("refuses-bodies-that-make-no-sense", test_refuses_bodies_that_make_no_sense);
  ADD ("refuses-what-another-site-makes-a-browser-send",
       test_refuses_what_another_site_makes_a_browser_send);
  ADD ("shows-a-user", test_shows_a_user);
  ADD ("shows-users-with-odd-ids", test_shows_users_with_odd_ids);
  ADD ("never-tells-a-secret", test_never_tells_a_secret);
  ADD ("lists-users-once-each", test_lists_users_once_each);
  ADD ("lists-users-with-their-queues", test_lists_users_with_their_queues);
  ADD ("refuses-odd-lists-of-users", test_refuses_odd_lists_of_users);
  ADD ("removes-a-user", test_removes_a_user);
  ADD ("logs-who-was-made-and-changed", test_logs_who_was_made_and_changed);
  ADD ("a-users-ttl-holds-for-its-messages", test_a_users_ttl_holds_for_its_messages);
  ADD ("lists-queues", test_lists_queues);
  ADD ("shows-what-is-in-flight", test_shows_what_is_in_flight);
  ADD ("pages-through-queues", test_pages_through_queues);
  ADD ("lists-the-longest-queues-first", test_lists_the_longest_queues_first);
  ADD ("pauses-over-a-restart-and-resumes-in-order",
       test_pauses_over_a_restart_and_resumes_in_order);
  ADD ("pauses-pulls-too", test_pauses_pulls_too);
  ADD ("previews-addresses", test_previews_addresses);
#undef ADD
  return g_test_run ();
}

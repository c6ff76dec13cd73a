/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-users: POST /put_users: who may change whom, what is kept, and what a change sets off. */

#include "sb-test-site.h"
#include "sb-test.h"

#include <string.h>

static void
assert_logs_in (SbTestSite *bus, const char *user, const char *password, guint status)
{
  g_autoptr (SbTestHttp) client = sb_test_http_for (bus->daemon, user, password);
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (client, "/get");

  sb_test_assert_status (answer, status);
}

/* Number of recipients that @to has for alice; 0 when nobody matches. */
static gint64
count_recipients (SbTestSite *bus, const char *to)
{
  g_autoptr (SbTestAnswer) answer = sb_test_http_postf (bus->alice, "/put",
                                                        "{\"to\":[\"%s\"],\"message\":1}", to);

  if (answer->status == 404)
    return 0;
  sb_test_assert_status (answer, 200);
  return sb_test_json_int (sb_test_answer_object (answer), "recipients");
}

/* --- Making and changing --- */

static void
test_makes_users (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) answer = sb_test_http_post (
      bus->admin, "/put_users",
      "[{\"_id\":\"u1\",\"password\":\"p1\",\"tags\":[\"new\",\"#odd\"]},"
      "{\"_id\":\"u2\",\"password\":\"p2\",\"tags\":\"new\"},"
      "{\"_id\":\"u3\",\"password\":\"p3\",\"tags\":null}]");

  sb_test_assert_status (answer, 200);
  g_assert_cmpuint (answer->length, ==, 0);
  assert_logs_in (bus, "u1", "p1", 200);
  assert_logs_in (bus, "u2", "p2", 200);
  g_assert_cmpint (count_recipients (bus, "#new"), ==, 2);
  g_assert_cmpint (count_recipients (bus, "#odd"), ==, 1);
}

static void
test_keeps_what_is_not_named (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  sb_test_put_users (bus->admin, "[{\"_id\":\"carol\"}]");
  sb_test_put_users (bus->admin, "[{\"_id\":\"carol\",\"admin\":false}]");
  assert_logs_in (bus, "carol", "carol-pw", 200);
  g_assert_cmpint (count_recipients (bus, "#news"), ==, 1);
}

static void
test_removes_what_is_null (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  sb_test_put_users (bus->admin, "[{\"_id\":\"carol\",\"tags\":null}]");
  g_assert_cmpint (count_recipients (bus, "#news"), ==, 0);
  g_assert_cmpint (count_recipients (bus, "#orders"), ==, 1);
}

static void
test_replaces_tags (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  sb_test_put_users (bus->admin, "[{\"_id\":\"carol\",\"tags\":[\"other\"]}]");
  g_assert_cmpint (count_recipients (bus, "#news"), ==, 0);
  g_assert_cmpint (count_recipients (bus, "#other"), ==, 1);
}

static void
test_takes_odd_ids (void)
{
  static const char *const ids[] = {
    "A b",
    "Ünïcode",
    "1",
    "a@b",
    "a#b",
    "{5f3c}",
    "x/y",
    "\xf0\x9f\x90\xa6",
    "0123456789012345678901234567890123456789012345678901234567890123"
  };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      g_autofree char *address = g_strconcat ("@", ids[i], NULL);

      g_test_message ("%s", ids[i]);
      sb_test_make_users (bus->admin, ids[i], NULL);
      g_assert_cmpint (count_recipients (bus, address), ==, 1);
    }
}

static void
test_keeps_case (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  sb_test_make_users (bus->admin, "BOB", NULL);
  assert_logs_in (bus, "BOB", "bob-pw", 401);
  assert_logs_in (bus, "BOB", "BOB-pw", 200);
  assert_logs_in (bus, "bob", "bob-pw", 200);
}

static void
test_takes_passwords_with_colons_and_letters (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  sb_test_put_users (bus->admin, "[{\"_id\":\"u1\",\"password\":\"a:b\"},"
                                 "{\"_id\":\"u2\",\"password\":\"пароль\"}]");
  assert_logs_in (bus, "u1", "a:b", 200);
  assert_logs_in (bus, "u2", "пароль", 200);
}

static void
test_takes_connection_properties (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  sb_test_put_users (
      bus->admin,
      "[{\"_id\":\"erp\",\"password\":\"p\",\"connection_properties\":{\"type\":\"http\","
      "\"authorization\":{\"type\":\"basic\",\"user\":\"usr\",\"password\":\"\"}}},"
      "{\"_id\":\"erp2\",\"password\":\"p\",\"connection_properties\":{"
      "\"url\":\"https://erp.example/hs/bus\"}},"
      "{\"_id\":\"bob\",\"connection_properties\":null}]");
  g_assert_cmpint (count_recipients (bus, "@erp"), ==, 1);
}

static void
test_keeps_users_over_a_restart (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", NULL);

  sb_test_put_users (bus->admin, "[{\"_id\":\"carol\",\"tags\":[\"other\"]}]");
  sb_test_daemon_kill (bus->daemon);
  sb_test_site_restart (bus);
  assert_logs_in (bus, "carol", "carol-pw", 200);
  g_assert_cmpint (count_recipients (bus, "#other"), ==, 1);
  sb_test_make_users (bus->admin, "u1", NULL);
}

/* --- What is refused --- */

static const char *const malformed[] = {
  "",
  "{}",
  "[]",
  "[1]",
  "[[]]",
  "null",
  "{\"_id\":\"u\",\"password\":\"p\"}",
  "[{\"password\":\"p\"}]",
  "[{\"_id\":\"u\"}]",
  "[{\"_id\":\"u\",\"password\":null}]",
  "[{\"_id\":\"u\",\"password\":\"\"}]",
  "[{\"_id\":\"u\",\"password\":5}]",
  "[{\"_id\":\"\",\"password\":\"p\"}]",
  "[{\"_id\":5,\"password\":\"p\"}]",
  "[{\"_id\":\"a:b\",\"password\":\"p\"}]",
  "[{\"_id\":\"@a\",\"password\":\"p\"}]",
  "[{\"_id\":\"#a\",\"password\":\"p\"}]",
  "[{\"_id\":\"$a\",\"password\":\"p\"}]",
  "[{\"_id\":\"a\\nb\",\"password\":\"p\"}]",
  "[{\"_id\":\"a\\u0000b\",\"password\":\"p\"}]",
  "[{\"_id\":\"01234567890123456789012345678901234567890123456789012345678901234\","
  "\"password\":\"p\"}]",
  "[{\"_id\":\"u\",\"password\":\"p\",\"tags\":5}]",
  "[{\"_id\":\"u\",\"password\":\"p\",\"tags\":[5]}]",
  "[{\"_id\":\"u\",\"password\":\"p\",\"tags\":[\"\"]}]",
  "[{\"_id\":\"u\",\"password\":\"p\",\"tags\":{\"a\":1}}]",
  "[{\"_id\":\"u\",\"password\":\"p\",\"admin\":\"yes\"}]",
  "[{\"_id\":\"u\",\"password\":\"p\",\"connection_properties\":\"http\"}]",
  "[{\"_id\":\"u\",\"password\":\"p\"},]",
  "[{\"_id\":\"u\",\"password\":\"p\"} /* no */]",
  "[{'_id':'u','password':'p'}]",
  "[{\"_id\":\"u\",\"password\":\"p\"}",
};

static void
test_refuses_what_is_no_list_of_users (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (malformed); i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_post (bus->admin, "/put_users", malformed[i]);

      g_test_message ("%s", malformed[i]);
      sb_test_assert_problem (answer, 400, "invalid");
    }
  g_assert_cmpint (count_recipients (bus, "$all"), ==, 4);
}

static void
test_changes_all_or_none (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) answer = sb_test_http_post (
      bus->admin, "/put_users",
      "[{\"_id\":\"u0\",\"password\":\"p\"},{\"_id\":\"bob\",\"tags\":[\"changed\"]},"
      "{\"_id\":\"a:b\",\"password\":\"p\"}]");

  sb_test_assert_problem (answer, 400, "invalid");
  g_assert_nonnull (strstr (sb_test_answer_string (answer, "detail"), "user 2"));
  g_assert_cmpint (count_recipients (bus, "@u0"), ==, 0);
  g_assert_cmpint (count_recipients (bus, "#changed"), ==, 0);
}

static void
test_demands_long_passwords_when_told_to (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.min-password-length=6", NULL);
  g_autoptr (SbTestAnswer) bad = sb_test_http_post (bus->admin, "/put_users",
                                                    "[{\"_id\":\"u\",\"password\":\"жжжжж\"}]");
  g_autoptr (SbTestAnswer) good = sb_test_http_post (bus->admin, "/put_users",
                                                     "[{\"_id\":\"u\",\"password\":\"жжжжжж\"}]");

  sb_test_assert_problem (bad, 400, "invalid");
  sb_test_assert_status (good, 200);
}

static void
test_bounds_the_users (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.max-users=5", NULL);
  g_autoptr (SbTestAnswer) bad = sb_test_http_post (
      bus->admin, "/put_users",
      "[{\"_id\":\"u1\",\"password\":\"p\"},{\"_id\":\"u2\",\"password\":\"p\"}]");
  g_autoptr (SbTestAnswer) good = sb_test_http_post (bus->admin, "/put_users",
                                                     "[{\"_id\":\"u1\",\"password\":\"p\"}]");

  sb_test_assert_problem (bad, 413, "too-large");
  sb_test_assert_status (good, 200);
}

static void
test_keeps_the_last_admin (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) bad = sb_test_http_post (bus->admin, "/put_users",
                                                    "[{\"_id\":\"admin\",\"admin\":false}]");

  sb_test_assert_problem (bad, 409, "conflict");
  sb_test_put_users (bus->admin, "[{\"_id\":\"bob\",\"admin\":true}]");
  sb_test_put_users (bus->admin, "[{\"_id\":\"admin\",\"admin\":false}]");
  sb_test_make_users (bus->bob, "u1", NULL);
}

/* --- Who may do what --- */

static const struct
{
  const char *body;
  guint closed; /* status when alice asks */
  guint open;   /* the same with open-user-management */
} rights[] = {
  { "[{\"_id\":\"new\",\"password\":\"p\"}]", 403, 200 },
  { "[{\"_id\":\"bob\",\"tags\":[\"t\"]}]", 403, 200 },
  { "[{\"_id\":\"bob\",\"password\":\"p\"}]", 403, 200 },
  { "[{\"_id\":\"alice\",\"tags\":[\"t\"]}]", 403, 200 },
  { "[{\"_id\":\"alice\",\"admin\":true}]", 403, 403 },
  { "[{\"_id\":\"alice\",\"admin\":false}]", 403, 403 },
  { "[{\"_id\":\"bob\",\"admin\":true}]", 403, 403 },
  { "[{\"_id\":\"new2\",\"password\":\"p\",\"admin\":true}]", 403, 403 },
  { "[{\"_id\":\"alice\",\"connection_properties\":{\"url\":\"http://x/\"}}]", 403, 403 },
  { "[{\"_id\":\"alice\",\"connection_properties\":null}]", 403, 403 },
  { "[{\"_id\":\"admin\",\"password\":\"p\"}]", 403, 403 },
  { "[{\"_id\":\"alice\",\"password\":\"alice-pw\"}]", 200, 200 },
  { "[{\"_id\":\"alice\",\"password\":\"x\"},{\"_id\":\"bob\",\"admin\":true}]", 403, 403 },
};

static void
test_lets_admins_manage_users (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (rights); i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_post (bus->alice, "/put_users",
                                                           rights[i].body);

      g_test_message ("%s", rights[i].body);
      sb_test_assert_status (answer, rights[i].closed);
    }
}

static void
test_lets_everybody_when_open_but_never_over_admins (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.open-user-management=true", NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (rights); i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_post (bus->alice, "/put_users",
                                                           rights[i].body);

      g_test_message ("%s", rights[i].body);
      sb_test_assert_status (answer, rights[i].open);
    }
}

static void
test_lets_a_user_change_its_own_password (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) answer = sb_test_http_post (
      bus->alice, "/put_users", "[{\"_id\":\"alice\",\"password\":\"better\"}]");

  sb_test_assert_status (answer, 200);
  assert_logs_in (bus, "alice", "better", 200);
  assert_logs_in (bus, "alice", "alice-pw", 401);
}

static void
test_refuses_strangers (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestHttp) stranger = sb_test_http_for (bus->daemon, NULL, NULL);
  g_autoptr (SbTestAnswer) answer = sb_test_http_post (stranger, "/put_users",
                                                       "[{\"_id\":\"u\",\"password\":\"p\"}]");

  sb_test_assert_problem (answer, 401, "unauthorized");
}

/* --- What a change sets off --- */

static void
test_closes_sessions_when_a_password_changes (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autoptr (SbTestWs) again = NULL;

  sb_test_put_users (bus->admin, "[{\"_id\":\"bob\",\"password\":\"other\"}]");
  g_assert_cmpuint (sb_test_ws_wait_closed (bob), ==, 4001);
  again = sb_test_ws_open (sb_test_daemon_get_ws_port (bus->daemon), "/");
  sb_test_ws_sendf (again, "{\"type\":\"connect\",\"data\":\"bob\",\"token\":\"%s\"}",
                    sb_test_ws_get_token (bob));
  g_assert_cmpuint (sb_test_ws_wait_closed (again), ==, 1002);
}

static void
test_keeps_sessions_when_the_same_password_is_sent (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autoptr (SbTestWs) again = NULL;

  sb_test_put_users (bus->admin,
                     "[{\"_id\":\"bob\",\"password\":\"bob-pw\",\"tags\":[\"other\"]}]");
  g_assert_cmpint (count_recipients (bus, "#other"), ==, 1);
  sb_test_frame_free (sb_test_ws_take_type (bob, NULL));
  /* The token is as good as before, too. */
  again = sb_test_ws_open (sb_test_daemon_get_ws_port (bus->daemon), "/");
  sb_test_ws_sendf (again,
                    "{\"type\":\"connect\",\"data\":\"bob\",\"token\":\"%s\",\"hello\":true}",
                    sb_test_ws_get_token (bob));
  sb_test_frame_free (sb_test_ws_take_type (again, "connected"));
  g_assert_cmpuint (sb_test_ws_wait_closed (bob), ==, 4000);
}

static void
test_forgets_the_old_password_at_once (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  assert_logs_in (bus, "bob", "bob-pw", 200);
  sb_test_put_users (bus->admin, "[{\"_id\":\"bob\",\"password\":\"other\"}]");
  assert_logs_in (bus, "bob", "bob-pw", 401);
  assert_logs_in (bus, "bob", "other", 200);
}

static void
test_slows_down_who_guesses (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestHttp) guesser = sb_test_http_for (bus->daemon, "bob", "wrong");
  guint status = 0;

  for (guint i = 0; i < 1000 && status != 429; i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_get (guesser, "/get");

      status = answer->status;
      g_assert_true (status == 401 || status == 429);
      if (status == 429)
        g_assert_nonnull (sb_test_answer_header (answer, "Retry-After"));
    }
  g_assert_cmpuint (status, ==, 429);
}

static void
test_serves_who_is_known_while_somebody_guesses (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestHttp) guesser = sb_test_http_for (bus->daemon, "bob", "wrong");

  assert_logs_in (bus, "bob", "bob-pw", 200);
  for (guint i = 0; i < 50; i++)
    sb_test_answer_free (sb_test_http_get (guesser, "/get"));
  assert_logs_in (bus, "bob", "bob-pw", 200);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/users/makes-users", test_makes_users);
  g_test_add_func ("/users/keeps-what-is-not-named", test_keeps_what_is_not_named);
  g_test_add_func ("/users/removes-what-is-null", test_removes_what_is_null);
  g_test_add_func ("/users/replaces-tags", test_replaces_tags);
  g_test_add_func ("/users/takes-odd-ids", test_takes_odd_ids);
  g_test_add_func ("/users/keeps-case", test_keeps_case);
  g_test_add_func ("/users/takes-passwords-with-colons-and-letters",
                   test_takes_passwords_with_colons_and_letters);
  g_test_add_func ("/users/takes-connection-properties", test_takes_connection_properties);
  g_test_add_func ("/users/keeps-users-over-a-restart", test_keeps_users_over_a_restart);
  g_test_add_func ("/users/refuses-what-is-no-list-of-users",
                   test_refuses_what_is_no_list_of_users);
  g_test_add_func ("/users/changes-all-or-none", test_changes_all_or_none);
  g_test_add_func ("/users/demands-long-passwords-when-told-to",
                   test_demands_long_passwords_when_told_to);
  g_test_add_func ("/users/bounds-the-users", test_bounds_the_users);
  g_test_add_func ("/users/keeps-the-last-admin", test_keeps_the_last_admin);
  g_test_add_func ("/users/lets-admins-manage-users", test_lets_admins_manage_users);
  g_test_add_func ("/users/lets-everybody-when-open-but-never-over-admins",
                   test_lets_everybody_when_open_but_never_over_admins);
  g_test_add_func ("/users/lets-a-user-change-its-own-password",
                   test_lets_a_user_change_its_own_password);
  g_test_add_func ("/users/refuses-strangers", test_refuses_strangers);
  g_test_add_func ("/users/closes-sessions-when-a-password-changes",
                   test_closes_sessions_when_a_password_changes);
  g_test_add_func ("/users/keeps-sessions-when-the-same-password-is-sent",
                   test_keeps_sessions_when_the_same_password_is_sent);
  g_test_add_func ("/users/forgets-the-old-password-at-once",
                   test_forgets_the_old_password_at_once);
  g_test_add_func ("/users/slows-down-who-guesses", test_slows_down_who_guesses);
  g_test_add_func ("/users/serves-who-is-known-while-somebody-guesses",
                   test_serves_who_is_known_while_somebody_guesses);
  return g_test_run ();
}

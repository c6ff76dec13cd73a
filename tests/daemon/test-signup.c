/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-signup: /signup: the first user, the set-up code, and who comes later. */

#include "sb-test-http.h"
#include "sb-test.h"

#include <string.h>

#define FORM "application/x-www-form-urlencoded"
#define CODE_LENGTH 9

/* @name: (nullable): of one more header */
static SbTestAnswer *
sign_up (SbTestDaemon *daemon, const char *form, const char *name, const char *value)
{
  const char *const headers[] = { "Content-Type", FORM, name, value, NULL };
  g_autoptr (SbTestHttp) stranger = sb_test_http_for (daemon, NULL, NULL);

  return sb_test_http_send (stranger, "POST", "/signup", headers, form, -1);
}

static void
assert_goes_to (SbTestAnswer *answer, const char *place)
{
  sb_test_assert_status (answer, 302);
  g_assert_cmpstr (sb_test_answer_header (answer, "Location"), ==, place);
}

/* 200 for an admin, 403 for another user, 401 for nobody. */
static guint
ask_for_metrics (SbTestDaemon *daemon, const char *user, const char *password)
{
  g_autoptr (SbTestHttp) client = sb_test_http_for (daemon, user, password);
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (client, "/metrics");

  return answer->status;
}

static SbTestDaemon *
run (const char *setting)
{
  return sb_test_daemon_run ("bus.store=memory", setting, NULL);
}

/* The set-up code that the daemon has printed. */
static char *
read_code (SbTestDaemon *daemon)
{
  g_autofree char *log = NULL;
  const char *place;

  sb_test_daemon_wait_log (daemon, "set-up code ");
  log = sb_test_daemon_dup_log (daemon);
  place = strstr (log, "set-up code ") + strlen ("set-up code ");
  return g_strndup (place, strcspn (place, "\n "));
}

static void
test_makes_the_first_user_an_admin (void)
{
  g_autoptr (SbTestDaemon) daemon = run (NULL);
  g_autoptr (SbTestAnswer) answer = sign_up (daemon, "name=%D0%96+x&password=a%26b%3Dc", NULL,
                                             NULL);

  assert_goes_to (answer, "/");
  g_assert_cmpuint (ask_for_metrics (daemon, "Ж x", "a&b=c"), ==, 200);
}

static void
test_is_closed_afterwards (void)
{
  g_autoptr (SbTestDaemon) daemon = run (NULL);
  g_autoptr (SbTestHttp) admin = sb_test_make_admin (daemon);
  g_autoptr (SbTestAnswer) answer = sign_up (daemon, "name=second&password=p", NULL, NULL);
  g_autoptr (SbTestAnswer) page = sb_test_http_get (admin, "/signup");

  assert_goes_to (answer, "/signup");
  g_assert_cmpuint (ask_for_metrics (daemon, "second", "p"), ==, 401);
  sb_test_assert_status (page, 403);
}

static void
test_stays_closed_after_a_restart (void)
{
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_run ("bus.store=sqlite", NULL);
  g_autoptr (SbTestHttp) admin = sb_test_make_admin (daemon);
  g_autoptr (SbTestAnswer) answer = NULL;

  sb_test_daemon_kill (daemon);
  sb_test_daemon_restart (daemon, TRUE);
  answer = sign_up (daemon, "name=second&password=p", NULL, NULL);
  assert_goes_to (answer, "/signup");
}

static void
test_stays_open_when_told_to (void)
{
  g_autoptr (SbTestDaemon) daemon = run ("bus.open-signup=true");
  g_autoptr (SbTestHttp) admin = sb_test_make_admin (daemon);
  g_autoptr (SbTestAnswer) answer = sign_up (daemon, "name=second&password=p", NULL, NULL);
  g_autoptr (SbTestAnswer) page = sb_test_http_get (admin, "/signup");

  assert_goes_to (answer, "/");
  g_assert_cmpuint (ask_for_metrics (daemon, "second", "p"), ==, 403);
  sb_test_assert_status (page, 200);
}

static void
test_refuses_a_name_that_is_taken (void)
{
  g_autoptr (SbTestDaemon) daemon = run ("bus.open-signup=true");
  g_autoptr (SbTestHttp) admin = sb_test_make_admin (daemon);
  g_autoptr (SbTestAnswer) answer = sign_up (daemon, "name=" SB_TEST_ADMIN "&password=mine", NULL,
                                             NULL);

  assert_goes_to (answer, "/signup");
  g_assert_cmpuint (ask_for_metrics (daemon, SB_TEST_ADMIN, "mine"), ==, 401);
  g_assert_cmpuint (ask_for_metrics (daemon, SB_TEST_ADMIN, SB_TEST_ADMIN_PASSWORD), ==, 200);
}

static void
test_refuses_what_is_no_user (void)
{
  static const char *const forms[] = { "",
                                       "name=u",
                                       "password=p",
                                       "name=&password=p",
                                       "name=u&password=",
                                       "name=a%3Ab&password=p",
                                       "name=%40a&password=p",
                                       "name=a%00b&password=p",
                                       "name=%FF&password=p",
                                       "Name=u&Password=p" };
  g_autoptr (SbTestDaemon) daemon = run (NULL);
  g_autoptr (SbTestHttp) admin = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (forms); i++)
    {
      g_autoptr (SbTestAnswer) answer = sign_up (daemon, forms[i], NULL, NULL);

      g_test_message ("%s", forms[i]);
      assert_goes_to (answer, "/signup");
    }
  /* Nobody was made: the first user still can be. */
  admin = sb_test_make_admin (daemon);
}

static void
test_makes_one_of_two_at_once (void)
{
  static const char *const headers[] = { "Content-Type", FORM, NULL };
  g_autoptr (SbTestDaemon) daemon = run (NULL);
  g_autoptr (SbTestHttp) stranger = sb_test_http_for (daemon, NULL, NULL);
  SbTestExchange *exchanges[5];
  guint n_made = 0;

  for (guint i = 0; i < G_N_ELEMENTS (exchanges); i++)
    {
      g_autofree char *form = g_strdup_printf ("name=user%u&password=p", i);

      exchanges[i] = sb_test_http_begin (stranger, "POST", "/signup", headers, form, -1);
    }
  for (guint i = 0; i < G_N_ELEMENTS (exchanges); i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_end (exchanges[i]);

      sb_test_assert_status (answer, 302);
      if (strcmp (sb_test_answer_header (answer, "Location"), "/") == 0)
        n_made++;
    }
  g_assert_cmpuint (n_made, ==, 1);
}

static void
test_refuses_the_forms_of_other_sites (void)
{
  static const char *const headers[][2] = {
    { "Origin", "https://evil.example" },
    { "Origin", "null" },
    { "Sec-Fetch-Site", "cross-site" },
    { "Sec-Fetch-Site", "same-site" },
  };
  g_autoptr (SbTestDaemon) daemon = run (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (headers); i++)
    {
      g_autoptr (SbTestAnswer) answer = sign_up (daemon, "name=u&password=p", headers[i][0],
                                                 headers[i][1]);

      g_test_message ("%s: %s", headers[i][0], headers[i][1]);
      sb_test_assert_problem (answer, 403, "forbidden");
    }
}

static void
test_takes_the_form_of_its_own_page (void)
{
  g_autoptr (SbTestDaemon) daemon = run (NULL);
  g_autofree char *origin = g_strdup_printf ("http://127.0.0.1:%u",
                                             sb_test_daemon_get_http_port (daemon));
  g_autoptr (SbTestAnswer) answer = sign_up (daemon, "name=u&password=p", "Origin", origin);

  assert_goes_to (answer, "/");
}

static void
test_takes_forms_only (void)
{
  static const char *const headers[] = { "Content-Type", "application/json", NULL };
  g_autoptr (SbTestDaemon) daemon = run (NULL);
  g_autoptr (SbTestHttp) stranger = sb_test_http_for (daemon, NULL, NULL);
  g_autoptr (SbTestAnswer) answer = sb_test_http_send (stranger, "POST", "/signup", headers,
                                                       "{\"name\":\"u\",\"password\":\"p\"}", -1);

  sb_test_assert_status (answer, 415);
}

/* --- From outside --- */

static void
test_demands_the_code_from_public_addresses (void)
{
  static const char *const addresses[] = { "8.8.8.8",    "2001:4860:4860::8888",
                                           "172.32.0.1", "192.168.1.1, 8.8.8.8",
                                           "unknown",    "garbage" };
  g_autoptr (SbTestDaemon) daemon = run ("bus.trusted-proxies=127.0.0.1");
  g_autoptr (SbTestHttp) admin = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (addresses); i++)
    {
      g_autoptr (SbTestAnswer) answer = sign_up (daemon, "name=u&password=p", "X-Forwarded-For",
                                                 addresses[i]);
      g_autoptr (SbTestAnswer) wrong = sign_up (daemon, "name=u&password=p&setup-code=AAAA-AAAA",
                                                "X-Forwarded-For", addresses[i]);

      g_test_message ("%s", addresses[i]);
      assert_goes_to (answer, "/signup");
      assert_goes_to (wrong, "/signup");
    }
  admin = sb_test_make_admin (daemon);
}

static void
test_takes_the_code_from_public_addresses (void)
{
  g_autoptr (SbTestDaemon) daemon = run ("bus.trusted-proxies=127.0.0.1");
  g_autofree char *code = read_code (daemon);
  g_autofree char *form = g_strdup_printf ("name=u&password=p&setup-code=%s", code);
  g_autoptr (SbTestAnswer) answer = NULL;

  g_assert_cmpuint (strlen (code), ==, CODE_LENGTH);
  answer = sign_up (daemon, form, "Forwarded", "for=8.8.8.8;proto=https");
  assert_goes_to (answer, "/");
  g_assert_cmpuint (ask_for_metrics (daemon, "u", "p"), ==, 200);
}

static void
test_needs_no_code_from_private_addresses (void)
{
  static const char *const addresses[] = { "10.1.2.3",  "192.168.0.5", "172.16.9.9",
                                           "127.0.0.1", "fd00::1",     "::1" };

  for (gsize i = 0; i < G_N_ELEMENTS (addresses); i++)
    {
      g_autoptr (SbTestDaemon) daemon = run ("bus.trusted-proxies=127.0.0.1");
      g_autoptr (SbTestAnswer) answer = sign_up (daemon, "name=u&password=p", "X-Forwarded-For",
                                                 addresses[i]);

      g_test_message ("%s", addresses[i]);
      assert_goes_to (answer, "/");
    }
}

static void
test_does_not_believe_a_proxy_that_is_not_trusted (void)
{
  g_autoptr (SbTestDaemon) daemon = run (NULL);
  g_autoptr (SbTestAnswer) answer = sign_up (daemon, "name=u&password=p", "X-Forwarded-For",
                                             "10.0.0.1");

  assert_goes_to (answer, "/signup");
}

static void
test_prints_no_code_when_there_are_users (void)
{
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_run ("bus.store=sqlite", NULL);
  g_autoptr (SbTestHttp) admin = sb_test_make_admin (daemon);
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;

  sb_test_daemon_kill (daemon);
  before = sb_test_daemon_dup_log (daemon);
  sb_test_daemon_restart (daemon, FALSE);
  sb_test_daemon_terminate (daemon);
  after = sb_test_daemon_dup_log (daemon);
  g_assert_null (strstr (after + strlen (before), "set-up code"));
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/signup/makes-the-first-user-an-admin", test_makes_the_first_user_an_admin);
  g_test_add_func ("/signup/is-closed-afterwards", test_is_closed_afterwards);
  g_test_add_func ("/signup/stays-closed-after-a-restart", test_stays_closed_after_a_restart);
  g_test_add_func ("/signup/stays-open-when-told-to", test_stays_open_when_told_to);
  g_test_add_func ("/signup/refuses-a-name-that-is-taken", test_refuses_a_name_that_is_taken);
  g_test_add_func ("/signup/refuses-what-is-no-user", test_refuses_what_is_no_user);
  g_test_add_func ("/signup/makes-one-of-two-at-once", test_makes_one_of_two_at_once);
  g_test_add_func ("/signup/refuses-the-forms-of-other-sites",
                   test_refuses_the_forms_of_other_sites);
  g_test_add_func ("/signup/takes-the-form-of-its-own-page", test_takes_the_form_of_its_own_page);
  g_test_add_func ("/signup/takes-forms-only", test_takes_forms_only);
  g_test_add_func ("/signup/demands-the-code-from-public-addresses",
                   test_demands_the_code_from_public_addresses);
  g_test_add_func ("/signup/takes-the-code-from-public-addresses",
                   test_takes_the_code_from_public_addresses);
  g_test_add_func ("/signup/needs-no-code-from-private-addresses",
                   test_needs_no_code_from_private_addresses);
  g_test_add_func ("/signup/does-not-believe-a-proxy-that-is-not-trusted",
                   test_does_not_believe_a_proxy_that_is_not_trusted);
  g_test_add_func ("/signup/prints-no-code-when-there-are-users",
                   test_prints_no_code_when_there_are_users);
  return g_test_run ();
}

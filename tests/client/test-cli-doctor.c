/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-cli-doctor: `simplebus doctor` finds each fault on the way to a bus, and says what to do. */

#include "sb-test-cli.h"
#include "sb-test-recipient.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <glib/gstdio.h>
#include <string.h>

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n%s\r\nok\n"

/* LeakSanitizer falls over the TLS module that GIO has closed and opened again. */
int __lsan_is_turned_off (void);

int
__lsan_is_turned_off (void)
{
  return 1;
}

/* What `doctor --json` says. */
typedef struct
{
  int status;
  JsonNode *node; /* (owned) */
} Report;

static void
report_clear (Report *report)
{
  json_node_unref (report->node);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Report, report_clear)

/* @option: (nullable) */
static Report
examine (SbTestCli *cli, const char *option)
{
  g_autoptr (SbTestOutcome) outcome = sb_test_cli_run (cli, "doctor", "--json", option, NULL);
  Report report = { outcome->status, NULL };

  if (*outcome->out != '{')
    g_error ("exit status %d: %s", outcome->status, outcome->err);
  report.node = sb_test_json_parse (outcome->out);
  return report;
}

/* Returns: (nullable): the check of that name */
static JsonObject *
find_check (const Report *report, const char *where, const char *name)
{
  JsonArray *checks = json_object_get_array_member (json_node_get_object (report->node), "checks");

  for (guint i = 0; i < json_array_get_length (checks); i++)
    {
      JsonObject *check = json_array_get_object_element (checks, i);

      if (strcmp (sb_test_json_string (check, "check"), name) == 0
          && strcmp (sb_test_json_string (check, "where"), where) == 0)
        return check;
    }
  return NULL;
}

/* @detail, @advice: parts; @advice: (nullable): none is given */
static void
assert_check (const Report *report, const char *where, const char *name, const char *status,
              const char *detail, const char *advice)
{
  JsonObject *check = find_check (report, where, name);

  if (check == NULL)
    g_error ("no check %s in %s", name, json_to_string (report->node, TRUE));
  g_assert_cmpstr (sb_test_json_string (check, "status"), ==, status);
  sb_test_assert_contains (sb_test_json_string (check, "detail"), detail);
  if (advice != NULL)
    sb_test_assert_contains (sb_test_json_string (check, "advice"), advice);
  else
    g_assert_null (sb_test_json_string (check, "advice"));
}

static void
set_port (SbTestCli *cli, const char *scheme, guint16 port)
{
  g_autofree char *url = g_strdup_printf ("%s://127.0.0.1:%u", scheme, port);

  sb_test_cli_setenv (cli, "SIMPLEBUS_URL", url);
}

/* --- A bus --- */

static void
test_finds_nothing_wrong_with_a_bus_that_is_well (void)
{
  static const char *const checks[] = { "settings", "name",  "http",      "websocket",
                                        "log-in",   "clock", "round-trip" };
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.public-url=http://127.0.0.1:1", NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "admin");
  g_auto (Report) report = examine (cli, NULL);

  g_assert_cmpint (report.status, ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (checks); i++)
    assert_check (&report, "here", checks[i], "ok", "", NULL);
  assert_check (&report, "here", "log-in", "ok", "admin, an admin", NULL);
  assert_check (&report, "bus", "store", "ok", "", NULL);
  assert_check (&report, "bus", "public-url", "ok", "http://127.0.0.1:1", NULL);
}

static void
test_tells_who_is_no_admin_what_it_can (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "alice");
  g_auto (Report) report = examine (cli, NULL);

  g_assert_cmpint (report.status, ==, 0);
  assert_check (&report, "here", "log-in", "ok", "alice", NULL);
  assert_check (&report, "bus", "health", "ok", "Only an admin", NULL);
}

/* A session of the same user goes on. */
static void
test_takes_no_session_over (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "alice");
  g_autoptr (SbTestWs) session = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);
  g_auto (Report) report = examine (cli, NULL);

  g_assert_cmpint (report.status, ==, 0);
  sb_test_ws_sync (session);
  g_assert_true (sb_test_ws_is_open (session));
}

static void
test_says_what_the_bus_finds_wrong_with_itself (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.open-user-management=true", NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "admin");
  g_auto (Report) report = examine (cli, NULL);

  g_assert_cmpint (report.status, ==, 0);
  assert_check (&report, "bus", "user-management", "warning", "Every user",
                "open-user-management=false");
  g_assert_cmpstr (sb_test_json_string (json_node_get_object (report.node), "status"), ==,
                   "warning");
}

/* Lines for people: a mark, a name, what is, and what to do. */
static void
test_shows_people_what_to_do (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.open-user-management=true", NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "admin");
  g_autoptr (SbTestOutcome) all = sb_test_cli_run (cli, "doctor", NULL);
  g_autoptr (SbTestOutcome) some = sb_test_cli_run (cli, "doctor", "-q", NULL);

  sb_test_assert_outcome (all, 0);
  sb_test_assert_contains (all->out, "From here to the bus\n  ✓ settings ");
  sb_test_assert_contains (all->out, "\n\nWhat the bus says of itself\n  ✓ disk ");
  sb_test_assert_contains (all->out, "\n  ! user-management  Every user");
  sb_test_assert_contains (all->out, "→ Set open-user-management=false");
  sb_test_assert_contains (all->out, "\nErrors: 0. Warnings: ");
  g_assert_null (strchr (all->out, '\033'));
  g_assert_true (g_str_has_prefix (some->out, "  ! "));
  g_assert_null (strstr (some->out, "✓"));
}

/* --- Settings and log-in --- */

static void
test_sees_settings_that_others_can_read (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "alice");

  sb_test_cli_configure (cli, 0644, "[bus]\nuser=alice\npassword=alice-pw\n");
  {
    g_auto (Report) report = examine (cli, NULL);

    g_assert_cmpint (report.status, ==, 1);
    assert_check (&report, "here", "settings", "error", "chmod 600", "simplebus login");
  }
}

static void
test_sees_a_wrong_password (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "alice");

  sb_test_cli_setenv (cli, "SIMPLEBUS_PASSWORD", "wrong");
  {
    g_auto (Report) report = examine (cli, NULL);

    g_assert_cmpint (report.status, ==, 1);
    assert_check (&report, "here", "log-in", "error", "alice", "simplebus login");
    assert_check (&report, "here", "http", "ok", "", NULL);
  }
}

static void
test_looks_at_the_way_without_a_user (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "alice");

  sb_test_cli_setenv (cli, "SIMPLEBUS_USER", NULL);
  {
    g_auto (Report) report = examine (cli, NULL);

    g_assert_cmpint (report.status, ==, 0);
    assert_check (&report, "here", "settings", "warning", "which user", "simplebus login");
    assert_check (&report, "here", "websocket", "ok", "", NULL);
    g_assert_null (find_check (&report, "here", "log-in"));
  }
}

static void
test_warns_of_passwords_in_the_clear (void)
{
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();

  sb_test_cli_setenv (cli, "SIMPLEBUS_URL", "http://bus.invalid");
  sb_test_cli_setenv (cli, "SIMPLEBUS_USER", "alice");
  {
    g_auto (Report) report = examine (cli, NULL);

    g_assert_cmpint (report.status, ==, 1);
    assert_check (&report, "here", "settings", "warning", "in the clear", "https://");
    assert_check (&report, "here", "name", "error", "bus.invalid is not known", "spelt");
  }
}

/* --- What is no bus --- */

static void
test_sees_that_nobody_listens (void)
{
  g_autoptr (SbTestRecipient) other = sb_test_recipient_new ();
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();

  sb_test_cli_setenv (cli, "SIMPLEBUS_USER", "alice");
  set_port (cli, "http", sb_test_recipient_get_port (other));
  sb_test_recipient_stop (other);
  {
    g_auto (Report) report = examine (cli, NULL);

    g_assert_cmpint (report.status, ==, 1);
    assert_check (&report, "here", "http", "error", "cannot be reached", "Nobody listens");
    g_assert_null (find_check (&report, "here", "websocket"));
  }
}

static void
test_sees_that_no_bus_answers (void)
{
  static const struct
  {
    guint status;
    const char *fields;
    const char *detail;
    const char *advice;
  } cases[] = {
    { 200, "", "is no bus: 200", "2555" },
    { 404, "", "is no bus: 404", "2555" },
    { 502, "", "A proxy answers", "Start the bus" },
    { 504, "", "A proxy answers", "Start the bus" },
    { 301, "Location: https://x.example/\r\n", "on to https://x.example/", "Use that address" },
  };
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();

  sb_test_cli_setenv (cli, "SIMPLEBUS_USER", "alice");
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SbTestRecipient) other = sb_test_recipient_new ();

      sb_test_recipient_script_status (other, cases[i].status, cases[i].fields);
      set_port (cli, "http", sb_test_recipient_get_port (other));
      {
        g_auto (Report) report = examine (cli, NULL);

        g_assert_cmpint (report.status, ==, 1);
        assert_check (&report, "here", "http", "error", cases[i].detail, cases[i].advice);
        g_assert_null (find_check (&report, "here", "log-in"));
      }
    }
}

/* Whoever says nothing of a protocol: a connection that is closed at once. */
static void
test_sees_that_it_is_no_http (void)
{
  g_autoptr (SbTestRecipient) other = sb_test_recipient_new ();
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();

  sb_test_recipient_script (other, "SSH-2.0-OpenSSH_9.2\r\n", SB_TEST_THEN_CLOSE);
  sb_test_recipient_script (other, "SSH-2.0-OpenSSH_9.2\r\n", SB_TEST_THEN_CLOSE);
  sb_test_cli_setenv (cli, "SIMPLEBUS_USER", "alice");
  set_port (cli, "http", sb_test_recipient_get_port (other));
  {
    g_auto (Report) report = examine (cli, NULL);

    g_assert_cmpint (report.status, ==, 1);
    assert_check (&report, "here", "http", "error", "cannot be reached", "");
  }
}

/* As nginx does without the lines for WebSockets: the bus gets a plain request. */
static void
test_sees_a_proxy_that_drops_upgrades (void)
{
  g_autoptr (SbTestRecipient) proxy = sb_test_recipient_new ();
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();
  g_autofree char *ok = g_strdup_printf (OK, "Date: Sun, 01 Mar 2026 00:00:00 GMT\r\n");

  sb_test_recipient_script (proxy, ok, SB_TEST_THEN_KEEP);
  sb_test_recipient_script (proxy, ok, SB_TEST_THEN_KEEP);
  sb_test_recipient_script_status (proxy, 404, "");
  sb_test_recipient_script_status (proxy, 404, "");
  sb_test_cli_setenv (cli, "SIMPLEBUS_USER", "alice");
  sb_test_cli_setenv (cli, "SIMPLEBUS_PASSWORD", "pw");
  set_port (cli, "http", sb_test_recipient_get_port (proxy));
  {
    g_auto (Report) report = examine (cli, NULL);

    g_assert_cmpint (report.status, ==, 1);
    assert_check (&report, "here", "http", "ok", "A bus answers", NULL);
    assert_check (&report, "here", "websocket", "error", "answers 404", "Upgrade and Connection");
    assert_check (&report, "here", "clock", "warning", "The clock of the bus is", "NTP");
  }
}

static void
test_sees_a_bus_that_accepts_nothing (void)
{
  g_autoptr (SbTestRecipient) proxy = sb_test_recipient_new ();
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();
  g_autofree char *ok = g_strdup_printf (OK, "");

  sb_test_recipient_script (proxy, ok, SB_TEST_THEN_KEEP);
  sb_test_recipient_script_status (proxy, 503, "");
  set_port (cli, "http", sb_test_recipient_get_port (proxy));
  {
    g_auto (Report) report = examine (cli, NULL);

    g_assert_cmpint (report.status, ==, 1);
    assert_check (&report, "here", "http", "error", "accepts no messages", "its log");
  }
}

/* --- TLS --- */

/* @name: "IP:127.0.0.1" or "DNS:…" */
static void
make_certificate (const char *dir, const char *name)
{
  g_autofree char *certificate = g_build_filename (dir, "cert.pem", NULL);
  g_autofree char *key = g_build_filename (dir, "key.pem", NULL);
  g_autofree char *extension = g_strconcat ("subjectAltName=", name, NULL);
  const char *const line[] = { "openssl",
                               "req",
                               "-x509",
                               "-newkey",
                               "ec",
                               "-pkeyopt",
                               "ec_paramgen_curve:prime256v1",
                               "-nodes",
                               "-days",
                               "2",
                               "-subj",
                               "/CN=bus.example",
                               "-addext",
                               extension,
                               "-out",
                               certificate,
                               "-keyout",
                               key,
                               NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = g_subprocess_newv (
      line, G_SUBPROCESS_FLAGS_STDERR_SILENCE | G_SUBPROCESS_FLAGS_STDOUT_SILENCE, &error);

  g_assert_no_error (error);
  g_assert_true (g_subprocess_wait_check (process, NULL, &error));
}

static SbTestDaemon *
run_with_certificate (const char *name)
{
  SbTestDaemon *daemon = sb_test_daemon_new ();
  const char *dir = sb_test_daemon_get_dir (daemon);

  make_certificate (dir, name);
  sb_test_daemon_set (daemon, "bus.store=memory");
  sb_test_daemon_set (daemon, "transport-soup.tls-certificate=%s/cert.pem", dir);
  sb_test_daemon_set (daemon, "transport-soup.tls-key=%s/key.pem", dir);
  sb_test_daemon_start (daemon);
  return daemon;
}

/* @trusts: the certificate is named in client.ini */
static SbTestCli *
new_cli_for_tls (SbTestDaemon *daemon, gboolean trusts)
{
  SbTestCli *cli = sb_test_cli_new ();
  g_autofree char *ca = g_strdup_printf ("ca-file=%s/cert.pem\n", sb_test_daemon_get_dir (daemon));
  g_autofree char *text = g_strdup_printf (
      "[bus]\nurl=https://127.0.0.1:%u\nuser=alice\npassword=alice-pw\n%s",
      sb_test_daemon_get_http_port (daemon), trusts ? ca : "");

  sb_test_cli_configure (cli, 0600, text);
  return cli;
}

static void
test_sees_when_a_certificate_ends (void)
{
  g_autoptr (SbTestDaemon) daemon = run_with_certificate ("IP:127.0.0.1");
  g_autoptr (SbTestCli) cli = new_cli_for_tls (daemon, TRUE);
  g_auto (Report) report = examine (cli, NULL);

  assert_check (&report, "here", "http", "ok", "A bus answers", NULL);
  assert_check (&report, "here", "websocket", "ok", "wss://", NULL);
  assert_check (&report, "here", "certificate", "warning", "ends in 1 days", "renewed");
}

static void
test_sees_a_certificate_that_nobody_signed (void)
{
  g_autoptr (SbTestDaemon) daemon = run_with_certificate ("IP:127.0.0.1");
  g_autoptr (SbTestCli) cli = new_cli_for_tls (daemon, FALSE);
  g_auto (Report) report = examine (cli, NULL);

  g_assert_cmpint (report.status, ==, 1);
  assert_check (&report, "here", "certificate", "error", "nobody whom this machine trusts",
                "ca-file");
}

static void
test_sees_a_certificate_for_another_name (void)
{
  g_autoptr (SbTestDaemon) daemon = run_with_certificate ("DNS:bus.example");
  g_autoptr (SbTestCli) cli = new_cli_for_tls (daemon, TRUE);
  g_auto (Report) report = examine (cli, NULL);

  g_assert_cmpint (report.status, ==, 1);
  assert_check (&report, "here", "certificate", "error", "for another name", "Use the name");
}

/* --- The server of this machine --- */

static void
test_checks_the_configuration_of_the_server (void)
{
  static const struct
  {
    const char *text;
    const char *status;
    const char *detail;
    const char *advice;
  } cases[] = {
    { "[bus]\nstore=memory\n", "ok", "no fault", NULL },
    { "[bus]\nnonsense=1\n", "error", "nonsense", "Correct it" },
  };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "alice");
  g_autofree char *path = g_build_filename (sb_test_cli_get_home (cli), "simplebus.ini", NULL);
  g_autofree char *option = g_strconcat ("--server-config=", path, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_assert_true (g_file_set_contents (path, cases[i].text, -1, NULL));
      {
        g_auto (Report) report = examine (cli, option);

        assert_check (&report, "server", "configuration", cases[i].status, cases[i].detail,
                      cases[i].advice);
        g_assert_cmpint (report.status, ==, i);
      }
    }
}

static void
test_says_that_there_is_no_server (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "alice");

  sb_test_cli_setenv (cli, "SIMPLEBUSD", "/nowhere/simplebusd");
  {
    g_auto (Report) report = examine (cli, "--server");

    g_assert_cmpint (report.status, ==, 1);
    assert_check (&report, "server", "configuration", "error", "/nowhere/simplebusd", NULL);
  }
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/cli-doctor/finds-nothing-wrong-with-a-bus-that-is-well",
                   test_finds_nothing_wrong_with_a_bus_that_is_well);
  g_test_add_func ("/cli-doctor/tells-who-is-no-admin-what-it-can",
                   test_tells_who_is_no_admin_what_it_can);
  g_test_add_func ("/cli-doctor/takes-no-session-over", test_takes_no_session_over);
  g_test_add_func ("/cli-doctor/says-what-the-bus-finds-wrong-with-itself",
                   test_says_what_the_bus_finds_wrong_with_itself);
  g_test_add_func ("/cli-doctor/shows-people-what-to-do", test_shows_people_what_to_do);
  g_test_add_func ("/cli-doctor/sees-settings-that-others-can-read",
                   test_sees_settings_that_others_can_read);
  g_test_add_func ("/cli-doctor/sees-a-wrong-password", test_sees_a_wrong_password);
  g_test_add_func ("/cli-doctor/looks-at-the-way-without-a-user",
                   test_looks_at_the_way_without_a_user);
  g_test_add_func ("/cli-doctor/warns-of-passwords-in-the-clear",
                   test_warns_of_passwords_in_the_clear);
  g_test_add_func ("/cli-doctor/sees-that-nobody-listens", test_sees_that_nobody_listens);
  g_test_add_func ("/cli-doctor/sees-that-no-bus-answers", test_sees_that_no_bus_answers);
  g_test_add_func ("/cli-doctor/sees-that-it-is-no-http", test_sees_that_it_is_no_http);
  g_test_add_func ("/cli-doctor/sees-a-proxy-that-drops-upgrades",
                   test_sees_a_proxy_that_drops_upgrades);
  g_test_add_func ("/cli-doctor/sees-a-bus-that-accepts-nothing",
                   test_sees_a_bus_that_accepts_nothing);
  g_test_add_func ("/cli-doctor/sees-when-a-certificate-ends", test_sees_when_a_certificate_ends);
  g_test_add_func ("/cli-doctor/sees-a-certificate-that-nobody-signed",
                   test_sees_a_certificate_that_nobody_signed);
  g_test_add_func ("/cli-doctor/sees-a-certificate-for-another-name",
                   test_sees_a_certificate_for_another_name);
  g_test_add_func ("/cli-doctor/checks-the-configuration-of-the-server",
                   test_checks_the_configuration_of_the_server);
  g_test_add_func ("/cli-doctor/says-that-there-is-no-server", test_says_that_there_is_no_server);
  return g_test_run ();
}

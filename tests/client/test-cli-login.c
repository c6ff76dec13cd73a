/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-cli-login: where user and password come from, what is refused, and what is kept. */

#include "sb-test-pty.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static char *
make_url (SbTestSite *bus)
{
  return g_strdup_printf ("http://127.0.0.1:%u", sb_test_daemon_get_http_port (bus->daemon));
}

/* A client.ini of alice with this password. */
static void
configure_alice (SbTestCli *cli, SbTestSite *bus, int mode, const char *password)
{
  g_autofree char *url = make_url (bus);
  g_autofree char *text = g_strdup_printf ("[bus]\nurl=%s\nuser=alice\npassword=%s\n", url,
                                           password);

  sb_test_cli_configure (cli, mode, text);
}

/* --- What is used --- */

static void
test_logs_in_by_the_file (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();
  g_autoptr (SbTestOutcome) outcome = NULL;

  configure_alice (cli, bus, 0600, "alice-pw");
  outcome = sb_test_cli_run_line (cli, "users show");
  sb_test_assert_outcome (outcome, 0);
  sb_test_assert_contains (outcome->out, "alice");
}

static void
test_logs_in_by_a_file_with_the_password (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "bob");
  g_autofree char *path = g_build_filename (sb_test_cli_get_home (cli), "pw", NULL);
  g_autoptr (SbTestOutcome) outcome = NULL;

  g_assert_true (g_file_set_contents (path, "bob-pw\nnot this\n", -1, NULL));
  sb_test_cli_setenv (cli, "SIMPLEBUS_PASSWORD", NULL);
  sb_test_cli_setenv (cli, "SIMPLEBUS_PASSWORD_FILE", path);
  outcome = sb_test_cli_run_line (cli, "users show");
  sb_test_assert_outcome (outcome, 0);
}

static void
test_takes_the_profile_that_is_named (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();
  g_autofree char *url = make_url (bus);
  g_autofree char *text = g_strdup_printf ("[bus]\nurl=%s\nuser=alice\npassword=alice-pw\n"
                                           "[bus two]\nurl=%s\nuser=bob\npassword=bob-pw\n",
                                           url, url);
  g_autoptr (SbTestOutcome) one = NULL;
  g_autoptr (SbTestOutcome) two = NULL;
  g_autoptr (SbTestOutcome) by_variable = NULL;
  g_autoptr (SbTestOutcome) none = NULL;

  sb_test_cli_configure (cli, 0600, text);
  one = sb_test_cli_run_line (cli, "users show");
  two = sb_test_cli_run_line (cli, "--bus two users show");
  none = sb_test_cli_run_line (cli, "users show --bus three");
  sb_test_cli_setenv (cli, "SIMPLEBUS_BUS", "two");
  by_variable = sb_test_cli_run_line (cli, "users show");
  sb_test_assert_contains (one->out, "alice");
  sb_test_assert_contains (two->out, "bob");
  sb_test_assert_contains (by_variable->out, "bob");
  sb_test_assert_outcome (none, 78);
  sb_test_assert_contains (none->err, "simplebus login --bus three");
}

/* Whatever listens at another address would get to know it. */
static void
test_tells_the_password_to_its_own_bus_and_user_only (void)
{
  static const char *const lines[] = { "--url http://127.0.0.1:1 users list",
                                       "--user bob users list" };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();

  configure_alice (cli, bus, 0600, "alice-pw");
  for (gsize i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_autoptr (SbTestOutcome) outcome = sb_test_cli_run_line (cli, lines[i]);

      sb_test_assert_outcome (outcome, 78);
      sb_test_assert_contains (outcome->err, "There is no password for");
    }
}

/* --- What is refused --- */

static void
test_refuses_a_file_that_others_can_use (void)
{
  static const int modes[] = { 0644, 0640, 0604, 0660, 0620, 0602, 0601 };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();
  g_autofree char *path = sb_test_cli_get_config_path (cli);
  g_autofree char *advice = g_strdup_printf ("Type: chmod 600 '%s'", path);

  for (gsize i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autoptr (SbTestOutcome) outcome = NULL;

      configure_alice (cli, bus, modes[i], "alice-pw");
      outcome = sb_test_cli_run_line (cli, "users show");
      g_test_message ("%04o", modes[i]);
      sb_test_assert_outcome (outcome, 78);
      sb_test_assert_contains (outcome->err, advice);
    }
}

static void
test_refuses_a_file_of_somebody_else (void)
{
  g_autoptr (SbTestSite) bus = NULL;
  g_autoptr (SbTestCli) cli = NULL;
  g_autofree char *path = NULL;
  g_autoptr (SbTestOutcome) outcome = NULL;

  if (geteuid () != 0)
    {
      g_test_skip ("only root can give a file away");
      return;
    }
  bus = sb_test_site_new (NULL);
  cli = sb_test_cli_new ();
  path = sb_test_cli_get_config_path (cli);
  configure_alice (cli, bus, 0600, "alice-pw");
  g_assert_no_errno (chown (path, 65534, 65534));
  outcome = sb_test_cli_run_line (cli, "users show");
  sb_test_assert_outcome (outcome, 78);
  sb_test_assert_contains (outcome->err, "belongs to another user");
}

static void
test_refuses_what_is_no_file (void)
{
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();
  g_autofree char *path = sb_test_cli_get_config_path (cli);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autoptr (SbTestOutcome) outcome = NULL;

  g_assert_no_errno (g_mkdir_with_parents (folder, 0700));
  g_assert_no_errno (mkfifo (path, 0600));
  outcome = sb_test_cli_run_line (cli, "users show");
  sb_test_assert_outcome (outcome, 78);
  sb_test_assert_contains (outcome->err, "is no regular file");
}

static void
test_names_what_is_wrong_in_the_file (void)
{
  static const char *const cases[][2] = {
    { "[bus]\npasword=x\n", "[bus] has a key pasword" },
    { "[bus x]\nURL=x\n", "[bus x] has a key URL" },
    { "[buss]\nuser=x\n", "there is no group [buss]" },
    { "user=x\n", "client.ini: " },
    { "[bus]\nuser=\xff\n", "[bus] user is no text" },
    { "[bus]\nurl=ftp://x\nuser=a\npassword=b\n", "\"ftp://x\" is no address of a bus" },
    { "[bus]\nurl=https://u:p@x\nuser=a\n", "may have no user and password in it" },
    { "[bus]\nurl=http://127.0.0.1:1\nuser=a\npassword=b\nca-file=/nothing\n", "ca-file /nothing" },
  };
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SbTestOutcome) outcome = NULL;

      sb_test_cli_configure (cli, 0600, cases[i][0]);
      outcome = sb_test_cli_run_line (cli, "users show");
      sb_test_assert_outcome (outcome, 78);
      sb_test_assert_contains (outcome->err, cases[i][1]);
    }
}

static void
test_has_no_option_for_a_password (void)
{
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();
  g_autoptr (SbTestOutcome) option = sb_test_cli_run_line (cli, "--password x users show");
  g_autoptr (SbTestOutcome) word = sb_test_cli_run_line (cli, "login x");
  g_autoptr (SbTestOutcome) url = sb_test_cli_run_line (
      cli, "--url http://alice:secret@127.0.0.1:1 users show");

  sb_test_assert_outcome (option, 2);
  sb_test_assert_outcome (word, 2);
  sb_test_assert_outcome (url, 78);
  g_assert_null (strstr (url->err, "secret"));
}

/* --- login --- */

static void
test_keeps_what_was_tried (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();
  g_autofree char *url = make_url (bus);
  g_autofree char *path = sb_test_cli_get_config_path (cli);
  g_autoptr (SbTestOutcome) outcome = sb_test_cli_run_with (
      cli, "alice-pw\n", "login", "--url", url, "--user", "alice", "--password-file", "-", NULL);
  g_autoptr (SbTestOutcome) later = sb_test_cli_run_line (cli, "users show");
  GStatBuf info;

  sb_test_assert_outcome (outcome, 0);
  sb_test_assert_outcome (later, 0);
  g_assert_no_errno (g_stat (path, &info));
  g_assert_cmpint (info.st_mode & 0777, ==, 0600);
}

static void
test_keeps_passwords_of_any_kind (void)
{
  static const char *const passwords[] = { " blanks ", "\\s\\n\\",   "#no;comment", "ключ 🔑",
                                           "a=b [c] ", "\"quoted\"", "tab\there" };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();
  g_autofree char *url = make_url (bus);

  for (gsize i = 0; i < G_N_ELEMENTS (passwords); i++)
    {
      g_autofree char *quoted = g_strdup (passwords[i]);
      g_autoptr (JsonObject) user = json_object_new ();
      g_autoptr (JsonNode) node = NULL;
      g_autofree char *object = NULL;
      g_autofree char *list = NULL;
      g_autoptr (SbTestOutcome) login = NULL;
      g_autoptr (SbTestOutcome) later = NULL;

      json_object_set_string_member (user, "_id", "alice");
      json_object_set_string_member (user, "password", passwords[i]);
      node = json_node_init_object (json_node_alloc (), user);
      object = json_to_string (node, FALSE);
      list = g_strdup_printf ("[%s]", object);
      sb_test_put_users (bus->admin, list);
      login = sb_test_cli_run_with (cli, passwords[i], "login", "--url", url, "--user", "alice",
                                    "--password-file", "-", NULL);
      later = sb_test_cli_run_line (cli, "users show");
      g_test_message ("%s", quoted);
      sb_test_assert_outcome (login, 0);
      sb_test_assert_outcome (later, 0);
    }
}

static void
test_keeps_nothing_that_is_wrong (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();
  g_autofree char *url = make_url (bus);
  g_autofree char *path = sb_test_cli_get_config_path (cli);
  g_autoptr (SbTestOutcome) wrong = sb_test_cli_run_with (
      cli, "x\n", "login", "--url", url, "--user", "alice", "--password-file", "-", NULL);
  g_autoptr (SbTestOutcome) away = sb_test_cli_run_with (cli, "x\n", "login", "--url",
                                                         "http://127.0.0.1:1", "--user", "alice",
                                                         "--password-file", "-", NULL);

  sb_test_assert_outcome (wrong, 77);
  sb_test_assert_outcome (away, 69);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
}

static void
test_keeps_other_profiles_and_comments (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();
  g_autofree char *url = make_url (bus);
  g_autofree char *path = sb_test_cli_get_config_path (cli);
  g_autofree char *text = NULL;
  g_autoptr (SbTestOutcome) outcome = NULL;

  sb_test_cli_configure (cli, 0600, "# mine\n[bus]\nuser=alice\n[bus far]\nuser=x\n");
  outcome = sb_test_cli_run_with (cli, "bob-pw\n", "login", "--bus", "near", "--url", url, "--user",
                                  "bob", "--password-file", "-", NULL);
  sb_test_assert_outcome (outcome, 0);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  sb_test_assert_contains (text, "# mine\n");
  sb_test_assert_contains (text, "[bus far]\nuser=x\n");
  sb_test_assert_contains (text, "[bus near]\n");
  sb_test_assert_contains (text, "password=bob-pw\n");
}

static void
test_takes_the_settings_of_a_device (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();
  g_autofree char *path = g_build_filename (sb_test_cli_get_home (cli), "device.json", NULL);
  g_autofree char *json = g_strdup_printf (
      "{\"BusURL\":\"ws://127.0.0.1:%u\",\"BusURLHttp\":\"http://127.0.0.1:%u\","
      "\"BusID\":\"bob\",\"BusPassword\":\"bob-pw\"}",
      sb_test_daemon_get_ws_port (bus->daemon), sb_test_daemon_get_http_port (bus->daemon));
  g_autoptr (SbTestOutcome) outcome = NULL;
  g_autoptr (SbTestOutcome) later = NULL;

  g_assert_true (g_file_set_contents (path, json, -1, NULL));
  outcome = sb_test_cli_run (cli, "login", "--settings", path, NULL);
  sb_test_assert_outcome (outcome, 0);
  later = sb_test_cli_run_line (cli, "users show");
  sb_test_assert_contains (later->out, "bob");
}

/* --- On a terminal --- */

static void
test_asks_for_all_that_is_missing (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();
  g_autofree char *url = make_url (bus);
  g_autofree char *answer = g_strconcat (url, "\n", NULL);
  g_autoptr (SbTestPty) pty = sb_test_pty_new (cli, 80, 24, "login", NULL);

  sb_test_pty_wait_text (pty, "Address of the bus [http://localhost:2555]: ");
  sb_test_pty_type (pty, answer);
  sb_test_pty_wait_text (pty, "User: ");
  g_assert_true (sb_test_pty_is_echoing (pty));
  sb_test_pty_type (pty, "alice\n");
  sb_test_pty_wait_text (pty, "Password: ");
  g_assert_false (sb_test_pty_is_echoing (pty));
  sb_test_pty_type (pty, "alice-pw\n");
  sb_test_pty_wait_text (pty, "Logged in as alice");
  g_assert_cmpint (sb_test_pty_wait_end (pty), ==, 0);
  g_assert_null (strstr (sb_test_pty_get_output (pty), "alice-pw"));
}

static void
test_asks_for_a_password_whatever_the_input_is (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "alice");
  g_autoptr (SbTestPty) pty = NULL;

  sb_test_cli_setenv (cli, "SIMPLEBUS_PASSWORD", NULL);
  pty = sb_test_pty_new (cli, 80, 24, "users", "show", NULL);
  sb_test_pty_wait_text (pty, "Password of alice at http://127.0.0.1:");
  sb_test_pty_wait_text (pty, ": ");
  g_assert_false (sb_test_pty_is_echoing (pty));
  sb_test_pty_type (pty, "alice-pw\n");
  sb_test_pty_wait_text (pty, "Created:");
  g_assert_cmpint (sb_test_pty_wait_end (pty), ==, 0);
  g_assert_true (sb_test_pty_is_echoing (pty));
}

static void
test_gives_the_terminal_back_when_a_signal_comes (void)
{
  static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();

  sb_test_cli_setenv (cli, "SIMPLEBUS_URL", "http://127.0.0.1:1");
  sb_test_cli_setenv (cli, "SIMPLEBUS_USER", "alice");
  for (gsize i = 0; i < G_N_ELEMENTS (signals); i++)
    {
      g_autoptr (SbTestPty) pty = sb_test_pty_new (cli, 80, 24, "users", "show", NULL);

      sb_test_pty_wait_text (pty, "Password of alice at http://127.0.0.1:1: ");
      g_assert_false (sb_test_pty_is_echoing (pty));
      sb_test_pty_signal (pty, signals[i]);
      g_assert_cmpint (sb_test_pty_wait_end (pty), ==, -signals[i]);
      g_assert_true (sb_test_pty_is_echoing (pty));
    }
}

static void
test_asks_again_after_a_stop (void)
{
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();
  g_autoptr (SbTestPty) pty = NULL;

  sb_test_cli_setenv (cli, "SIMPLEBUS_URL", "http://127.0.0.1:1");
  sb_test_cli_setenv (cli, "SIMPLEBUS_USER", "alice");
  pty = sb_test_pty_new (cli, 80, 24, "users", "show", NULL);
  sb_test_pty_wait_text (pty, "http://127.0.0.1:1: ");
  /* No shell is there to continue it, so the kernel does not stop it. */
  sb_test_pty_signal (pty, SIGTSTP);
  sb_test_pty_wait_text (pty, "http://127.0.0.1:1: ");
  sb_test_pty_type (pty, "x\n");
  g_assert_cmpint (sb_test_pty_wait_end (pty), ==, 69);
}

/* --- What the bus says --- */

static void
test_tells_by_its_status_what_was_wrong (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) alice = sb_test_cli_new_for (bus->daemon, "alice");
  g_autoptr (SbTestOutcome) not_admin = sb_test_cli_run_line (alice, "users list");
  g_autoptr (SbTestOutcome) unknown = sb_test_cli_run_line (alice, "status nothing");
  g_autoptr (SbTestOutcome) wrong = NULL;
  g_autoptr (SbTestOutcome) away = NULL;

  sb_test_cli_setenv (alice, "SIMPLEBUS_PASSWORD", "wrong");
  wrong = sb_test_cli_run_line (alice, "users show");
  away = sb_test_cli_run_line (alice, "--url http://127.0.0.1:1 users show");
  sb_test_assert_outcome (not_admin, 77);
  sb_test_assert_contains (not_admin->err, "--user names another user");
  sb_test_assert_outcome (unknown, 66);
  sb_test_assert_outcome (wrong, 77);
  sb_test_assert_contains (wrong->err, "\"simplebus login\"");
  sb_test_assert_outcome (away, 69);
  sb_test_assert_contains (away->err, "\"simplebus doctor\"");
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/cli/login/by-the-file", test_logs_in_by_the_file);
  g_test_add_func ("/cli/login/by-a-file-with-the-password",
                   test_logs_in_by_a_file_with_the_password);
  g_test_add_func ("/cli/login/takes-the-profile-that-is-named",
                   test_takes_the_profile_that_is_named);
  g_test_add_func ("/cli/login/tells-the-password-to-its-own-bus-and-user-only",
                   test_tells_the_password_to_its_own_bus_and_user_only);
  g_test_add_func ("/cli/login/refuses-a-file-that-others-can-use",
                   test_refuses_a_file_that_others_can_use);
  g_test_add_func ("/cli/login/refuses-a-file-of-somebody-else",
                   test_refuses_a_file_of_somebody_else);
  g_test_add_func ("/cli/login/refuses-what-is-no-file", test_refuses_what_is_no_file);
  g_test_add_func ("/cli/login/names-what-is-wrong-in-the-file",
                   test_names_what_is_wrong_in_the_file);
  g_test_add_func ("/cli/login/has-no-option-for-a-password", test_has_no_option_for_a_password);
  g_test_add_func ("/cli/login/keeps-what-was-tried", test_keeps_what_was_tried);
  g_test_add_func ("/cli/login/keeps-passwords-of-any-kind", test_keeps_passwords_of_any_kind);
  g_test_add_func ("/cli/login/keeps-nothing-that-is-wrong", test_keeps_nothing_that_is_wrong);
  g_test_add_func ("/cli/login/keeps-other-profiles-and-comments",
                   test_keeps_other_profiles_and_comments);
  g_test_add_func ("/cli/login/takes-the-settings-of-a-device",
                   test_takes_the_settings_of_a_device);
  g_test_add_func ("/cli/login/asks-for-all-that-is-missing", test_asks_for_all_that_is_missing);
  g_test_add_func ("/cli/login/asks-for-a-password-whatever-the-input-is",
                   test_asks_for_a_password_whatever_the_input_is);
  g_test_add_func ("/cli/login/gives-the-terminal-back-when-a-signal-comes",
                   test_gives_the_terminal_back_when_a_signal_comes);
  g_test_add_func ("/cli/login/asks-again-after-a-stop", test_asks_again_after_a_stop);
  g_test_add_func ("/cli/login/tells-by-its-status-what-was-wrong",
                   test_tells_by_its_status_what_was_wrong);
  return g_test_run ();
}

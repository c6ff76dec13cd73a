/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-cli-qr: `simplebus qr`, whose pictures are read again as a phone reads them. */

#include "sb-test-cli.h"
#include "sb-test-picture.h"
#include "sb-test-pty.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <glib/gstdio.h>
#include <string.h>

#define OUTSIDE "--bus-url-http=https://bus.example"
#define ALICE                                                                    \
  "{\"BusURL\":\"wss://bus.example/ws\",\"BusURLHttp\":\"https://bus.example\"," \
  "\"BusID\":\"alice\",\"BusPassword\":\"alice-pw\"}"

static const SbTestScreen dark_screen = { .text = 200, .background = 20 };
static const SbTestScreen light_screen = { .text = 20, .background = 235 };

static gboolean
logs_in (SbTestSite *bus, const char *user, const char *password)
{
  g_autoptr (SbTestHttp) client = sb_test_http_for (bus->daemon, user, password);
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (client, "/get");

  return answer->status == 200;
}

static char *
get_password (const char *settings)
{
  g_autoptr (JsonNode) node = sb_test_json_parse (settings);

  return g_strdup (sb_test_json_string (json_node_get_object (node), "BusPassword"));
}

/* --- The picture --- */

static void
test_is_read_off_a_terminal_of_any_colours (void)
{
  static const SbTestScreen *const screens[] = { &dark_screen, &light_screen };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "alice");
  g_autoptr (SbTestPty) pty = sb_test_pty_new (cli, 80, 40, "qr", "alice", OUTSIDE, "-q", NULL);

  g_assert_cmpint (sb_test_pty_wait_end (pty), ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (screens); i++)
    {
      g_autofree char *text = sb_test_read_screen (sb_test_pty_get_output (pty), screens[i]);

      g_assert_cmpstr (text, ==, ALICE);
    }
}

/* Who sees everything inverted sees this right. */
static void
test_is_inverted_for_who_asks_for_it (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "alice");
  g_autoptr (SbTestPty) plain = sb_test_pty_new (cli, 80, 40, "qr", "alice", OUTSIDE, "-q", NULL);
  g_autoptr (SbTestPty) inverted = sb_test_pty_new (cli, 80, 40, "qr", "alice", OUTSIDE, "-q",
                                                    "--invert", NULL);
  g_auto (GStrv) parts = NULL;
  g_autofree char *swapped = NULL;

  g_assert_cmpint (sb_test_pty_wait_end (plain), ==, 0);
  g_assert_cmpint (sb_test_pty_wait_end (inverted), ==, 0);
  parts = g_strsplit (sb_test_pty_get_output (inverted), "38;5;231;48;5;16m", -1);
  swapped = g_strjoinv ("38;5;16;48;5;231m", parts);
  g_assert_cmpstr (swapped, ==, sb_test_pty_get_output (plain));
  g_assert_cmpstr (swapped, !=, sb_test_pty_get_output (inverted));
}

static void
test_is_read_without_colours (void)
{
  static const struct
  {
    const char *option;
    const SbTestScreen *screen;
  } cases[] = { { "-q", &dark_screen }, { "--invert", &light_screen } };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "alice");

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SbTestOutcome) outcome = sb_test_cli_run (cli, "qr", "alice", OUTSIDE,
                                                           cases[i].option, NULL);
      g_autofree char *text = NULL;

      sb_test_assert_outcome (outcome, 0);
      g_assert_null (strchr (outcome->out, '\033'));
      text = sb_test_read_screen (outcome->out, cases[i].screen);
      g_assert_cmpstr (text, ==, ALICE);
    }
}

static void
test_is_not_drawn_on_a_terminal_that_is_too_narrow (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "alice");
  g_autoptr (SbTestPty) pty = sb_test_pty_new (cli, 30, 40, "qr", "alice", OUTSIDE, NULL);

  g_assert_cmpint (sb_test_pty_wait_end (pty), ==, 1);
  sb_test_assert_contains (sb_test_pty_get_output (pty), "the terminal only 30");
}

static void
test_is_a_picture_for_its_owner_only (void)
{
  static const char *const scales[] = { "2", "3", "8" };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "alice");
  g_autofree char *path = g_build_filename (sb_test_cli_get_home (cli), "alice.png", NULL);
  GStatBuf info;

  for (gsize i = 0; i < G_N_ELEMENTS (scales); i++)
    {
      g_autoptr (SbTestOutcome) outcome = sb_test_cli_run (cli, "qr", "alice", OUTSIDE, "--png",
                                                           path, "--scale", scales[i], NULL);
      g_autofree char *text = NULL;

      sb_test_assert_outcome (outcome, 0);
      g_assert_cmpstr (outcome->out, ==, "");
      text = sb_test_read_picture (path);
      g_assert_cmpstr (text, ==, ALICE);
    }
  g_assert_no_errno (g_stat (path, &info));
  g_assert_cmpint (info.st_mode & 0777, ==, 0600);
}

static void
test_is_a_file_for_its_owner_only (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "alice");
  g_autofree char *path = g_build_filename (sb_test_cli_get_home (cli), "alice.json", NULL);
  g_autoptr (SbTestOutcome) outcome = NULL;
  g_autofree char *text = NULL;
  GStatBuf info;

  /* What is there already is replaced, with the rights that it had. */
  g_assert_true (g_file_set_contents (path, "old", -1, NULL));
  g_assert_no_errno (g_chmod (path, 0644));
  outcome = sb_test_cli_run (cli, "qr", "alice", OUTSIDE, "--file", path, "--json", NULL);
  sb_test_assert_outcome (outcome, 0);
  g_assert_cmpstr (outcome->out, ==, ALICE "\n");
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, ALICE "\n");
  g_assert_no_errno (g_stat (path, &info));
  g_assert_cmpint (info.st_mode & 0777, ==, 0600);
}

static void
test_leaves_what_is_no_file_alone (void)
{
  static const char *const options[] = { "--file=/dev/null", "--png=/dev/null", "--file=." };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "alice");
  GStatBuf info;

  for (gsize i = 0; i < G_N_ELEMENTS (options); i++)
    {
      g_autoptr (SbTestOutcome) outcome = sb_test_cli_run (cli, "qr", "alice", OUTSIDE, options[i],
                                                           NULL);

      sb_test_assert_outcome (outcome, 1);
      sb_test_assert_contains (outcome->err, "is no regular file");
    }
  g_assert_no_errno (g_stat ("/dev/null", &info));
  g_assert_true (S_ISCHR (info.st_mode));
}

static void
test_keeps_names_of_any_alphabet_and_quotes (void)
{
  static const char name[] = "склад \"7\" \\ \360\237\223\246";
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "admin");
  g_autofree char *path = g_build_filename (sb_test_cli_get_home (cli), "a.png", NULL);
  g_autoptr (SbTestOutcome) outcome = NULL;
  g_autofree char *text = NULL;
  g_autoptr (JsonNode) node = NULL;

  sb_test_put_users (bus->admin, "[{\"_id\":\"склад \\\"7\\\" \\\\ \\ud83d\\udce6\","
                                 "\"password\":\"пароль\"}]");
  outcome = sb_test_cli_run_with (cli, "пароль\n", "qr", name, OUTSIDE, "--password-file=-",
                                  "--png", path, NULL);
  sb_test_assert_outcome (outcome, 0);
  text = sb_test_read_picture (path);
  g_assert_nonnull (text);
  g_assert_true (g_str_is_ascii (text));
  node = sb_test_json_parse (text);
  g_assert_cmpstr (sb_test_json_string (json_node_get_object (node), "BusID"), ==, name);
  g_assert_cmpstr (sb_test_json_string (json_node_get_object (node), "BusPassword"), ==, "пароль");
}

/* --- Where the bus is --- */

static void
test_says_how_the_bus_is_called_outside (void)
{
  static const struct
  {
    const char *setting;
    const char *option;
    const char *url;
    const char *websocket_url;
  } cases[] = {
    { "bus.public-url=https://bus.example/", "-q", "https://bus.example", "wss://bus.example/ws" },
    { "bus.public-url=https://bus.example", "--bus-url=ws://ws.example:8000", "https://bus.example",
      "ws://ws.example:8000" },
    { "bus.public-url=https://bus.example", "--bus-url-http=http://other.example:2555",
      "http://other.example:2555", "ws://other.example:2555/ws" },
    { NULL, "--bus-url-http=http://10.0.0.7:2555/", "http://10.0.0.7:2555",
      "ws://10.0.0.7:2555/ws" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SbTestSite) bus = sb_test_site_new (cases[i].setting, NULL);
      g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "admin");
      g_autoptr (SbTestOutcome) outcome = sb_test_cli_run (cli, "qr", "admin", "--json",
                                                           cases[i].option, NULL);
      g_autoptr (JsonNode) node = NULL;
      JsonObject *settings;

      sb_test_assert_outcome (outcome, 0);
      node = sb_test_json_parse (outcome->out);
      settings = json_node_get_object (node);
      g_assert_cmpstr (sb_test_json_string (settings, "BusURLHttp"), ==, cases[i].url);
      g_assert_cmpstr (sb_test_json_string (settings, "BusURL"), ==, cases[i].websocket_url);
    }
}

/* Who is no admin is told of itself. */
static void
test_says_so_to_users_too (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.public-url=https://bus.example", NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "alice");
  g_autoptr (SbTestOutcome) outcome = sb_test_cli_run (cli, "qr", "alice", "--json", NULL);

  sb_test_assert_outcome (outcome, 0);
  g_assert_cmpstr (outcome->out, ==, ALICE "\n");
}

/* Neither an admin, who learns that there is no public-url, nor somebody who may not ask. */
static void
test_does_not_send_devices_to_themselves (void)
{
  static const char *const users[] = { "admin", "alice" };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (users); i++)
    {
      g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, users[i]);
      g_autoptr (SbTestOutcome) outcome = sb_test_cli_run (cli, "qr", users[i], NULL);

      sb_test_assert_outcome (outcome, 78);
      sb_test_assert_contains (outcome->err, "public-url");
    }
}

static void
test_refuses_words_that_make_no_sense (void)
{
  static const char *const cases[][2] = {
    { "qr", "Of which user?" },
    { "qr alice bob", "One user at a time" },
    { "qr alice --scale 0", "--scale takes" },
    { "qr alice --scale 65", "--scale takes" },
    { "qr alice --new-password --password-file x", "exclude each other" },
    { "qr alice --bus-url-http ftp://x", "--bus-url-http takes an address like http://" },
    { "qr alice --bus-url-http https://u:p@x", "--bus-url-http takes an address like http://" },
    { "qr alice --bus-url http://x", "--bus-url takes an address like ws://" },
    { "qr alice --bus-url ws://", "--bus-url takes an address like ws://" },
  };
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SbTestOutcome) outcome = sb_test_cli_run_line (cli, cases[i][0]);

      sb_test_assert_outcome (outcome, 2);
      sb_test_assert_contains (outcome->err, cases[i][1]);
    }
}

/* --- The password --- */

static void
test_refuses_a_password_that_the_bus_does_not_know (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "admin");
  g_autoptr (SbTestOutcome) outcome = sb_test_cli_run_with (cli, "wrong\n", "qr", "alice", OUTSIDE,
                                                            "--password-file=-", "--json", NULL);

  sb_test_assert_outcome (outcome, 77);
  g_assert_cmpstr (outcome->out, ==, "");
}

static void
test_asks_for_a_password_on_the_terminal (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "admin");
  g_autoptr (SbTestPty) pty = sb_test_pty_new (cli, 80, 40, "qr", "alice", OUTSIDE, "--json", NULL);

  sb_test_pty_wait_text (pty, "Password of the device alice: ");
  g_assert_false (sb_test_pty_is_echoing (pty));
  sb_test_pty_type (pty, "alice-pw\n");
  g_assert_cmpint (sb_test_pty_wait_end (pty), ==, 0);
  sb_test_assert_contains (sb_test_pty_get_output (pty), ALICE);
}

static void
test_sets_a_new_password (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "admin");
  g_autoptr (SbTestOutcome) first = sb_test_cli_run (cli, "qr", "alice", OUTSIDE, "--json",
                                                     "--new-password", "--yes", NULL);
  g_autoptr (SbTestOutcome) second = sb_test_cli_run (cli, "qr", "alice", OUTSIDE, "--json",
                                                      "--new-password", "--yes", NULL);
  g_autofree char *old = NULL;
  g_autofree char *password = NULL;

  sb_test_assert_outcome (first, 0);
  sb_test_assert_outcome (second, 0);
  old = get_password (first->out);
  password = get_password (second->out);
  g_assert_cmpuint (strlen (password), >=, 16);
  g_assert_cmpstr (password, !=, old);
  g_assert_true (logs_in (bus, "alice", password));
  g_assert_false (logs_in (bus, "alice", "alice-pw"));
}

static void
test_asks_before_it_sets_a_new_password (void)
{
  static const struct
  {
    const char *answer;
    int status;
    gboolean is_changed;
  } cases[] = { { "n\n", 1, FALSE }, { "\n", 1, FALSE }, { "y\n", 0, TRUE } };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "admin");

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SbTestPty) pty = sb_test_pty_new (cli, 80, 40, "qr", "alice", OUTSIDE,
                                                   "--new-password", NULL);

      sb_test_pty_wait_text (pty, "[y/N] ");
      g_assert_true (logs_in (bus, "alice", "alice-pw"));
      sb_test_pty_type (pty, cases[i].answer);
      g_assert_cmpint (sb_test_pty_wait_end (pty), ==, cases[i].status);
      g_assert_true (logs_in (bus, "alice", "alice-pw") != cases[i].is_changed);
    }
}

/* /put_users would make the user. */
static void
test_makes_no_user (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "admin");
  g_autoptr (SbTestOutcome) outcome = sb_test_cli_run (cli, "qr", "nobody", OUTSIDE, "--json",
                                                       "--new-password", "--yes", NULL);
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (bus->admin, "/api/v1/users/nobody");

  sb_test_assert_outcome (outcome, 66);
  sb_test_assert_status (answer, 404);
}

static void
test_does_not_lock_its_own_user_out (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "admin");
  g_autoptr (SbTestOutcome) outcome = sb_test_cli_run (cli, "qr", "admin", OUTSIDE, "--json",
                                                       "--new-password", "--yes", NULL);

  sb_test_assert_outcome (outcome, 2);
  g_assert_true (logs_in (bus, SB_TEST_ADMIN, SB_TEST_ADMIN_PASSWORD));
}

/* A code that cannot be drawn must not cost the device its password. */
static void
test_keeps_the_password_when_nothing_can_be_shown (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "admin");
  g_autofree char *host = g_strnfill (3000, 'a');
  g_autofree char *option = g_strconcat ("--bus-url=ws://", host, NULL);
  g_autoptr (SbTestOutcome) outcome = sb_test_cli_run (cli, "qr", "alice", OUTSIDE, option,
                                                       "--new-password", "--yes", NULL);

  sb_test_assert_outcome (outcome, 1);
  sb_test_assert_contains (outcome->err, "make no QR code: that is too much");
  g_assert_true (logs_in (bus, "alice", "alice-pw"));
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/cli-qr/is-read-off-a-terminal-of-any-colours",
                   test_is_read_off_a_terminal_of_any_colours);
  g_test_add_func ("/cli-qr/is-inverted-for-who-asks-for-it", test_is_inverted_for_who_asks_for_it);
  g_test_add_func ("/cli-qr/is-read-without-colours", test_is_read_without_colours);
  g_test_add_func ("/cli-qr/is-not-drawn-on-a-terminal-that-is-too-narrow",
                   test_is_not_drawn_on_a_terminal_that_is_too_narrow);
  g_test_add_func ("/cli-qr/is-a-picture-for-its-owner-only", test_is_a_picture_for_its_owner_only);
  g_test_add_func ("/cli-qr/is-a-file-for-its-owner-only", test_is_a_file_for_its_owner_only);
  g_test_add_func ("/cli-qr/leaves-what-is-no-file-alone", test_leaves_what_is_no_file_alone);
  g_test_add_func ("/cli-qr/keeps-names-of-any-alphabet-and-quotes",
                   test_keeps_names_of_any_alphabet_and_quotes);
  g_test_add_func ("/cli-qr/says-how-the-bus-is-called-outside",
                   test_says_how_the_bus_is_called_outside);
  g_test_add_func ("/cli-qr/says-so-to-users-too", test_says_so_to_users_too);
  g_test_add_func ("/cli-qr/does-not-send-devices-to-themselves",
                   test_does_not_send_devices_to_themselves);
  g_test_add_func ("/cli-qr/refuses-words-that-make-no-sense",
                   test_refuses_words_that_make_no_sense);
  g_test_add_func ("/cli-qr/refuses-a-password-that-the-bus-does-not-know",
                   test_refuses_a_password_that_the_bus_does_not_know);
  g_test_add_func ("/cli-qr/asks-for-a-password-on-the-terminal",
                   test_asks_for_a_password_on_the_terminal);
  g_test_add_func ("/cli-qr/sets-a-new-password", test_sets_a_new_password);
  g_test_add_func ("/cli-qr/asks-before-it-sets-a-new-password",
                   test_asks_before_it_sets_a_new_password);
  g_test_add_func ("/cli-qr/makes-no-user", test_makes_no_user);
  g_test_add_func ("/cli-qr/does-not-lock-its-own-user-out", test_does_not_lock_its_own_user_out);
  g_test_add_func ("/cli-qr/keeps-the-password-when-nothing-can-be-shown",
                   test_keeps_the_password_when_nothing_can_be_shown);
  return g_test_run ();
}

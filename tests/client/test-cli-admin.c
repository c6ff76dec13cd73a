/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-cli-admin: users, queues, status, dead letters and files, as people and as programs see
 * them. */

#include "sb-test-file.h"
#include "sb-test-pty.h"
#include "sb-test-recipient.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <string.h>

/* Runs a line of words, which must work. Returns: (transfer full): what it printed */
static char *
get (SbTestCli *cli, const char *line)
{
  g_autoptr (SbTestOutcome) outcome = sb_test_cli_run_line (cli, line);

  sb_test_assert_outcome (outcome, 0);
  return g_steal_pointer (&outcome->out);
}

static void
expect_failure (SbTestCli *cli, const char *line, int status, const char *words)
{
  g_autoptr (SbTestOutcome) outcome = sb_test_cli_run_line (cli, line);

  sb_test_assert_outcome (outcome, status);
  sb_test_assert_contains (outcome->err, words);
}

/* The first column of a table without headings, joined by blanks. */
static char *
get_first_column (SbTestCli *cli, const char *line)
{
  g_autofree char *quiet = g_strconcat ("--quiet ", line, NULL);
  g_autofree char *text = get (cli, quiet);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autoptr (GString) column = g_string_new (NULL);

  for (char **row = lines; *row != NULL && **row != '\0'; row++)
    g_string_append_printf (column, "%s%.*s", column->len > 0 ? " " : "", (int) strcspn (*row, " "),
                            *row);
  return g_string_free (g_steal_pointer (&column), FALSE);
}

static void
assert_column (SbTestCli *cli, const char *line, const char *wanted)
{
  g_autofree char *column = get_first_column (cli, line);

  g_assert_cmpstr (column, ==, wanted);
}

/* One line of JSON that it prints. */
static JsonObject *
get_json (SbTestCli *cli, const char *line)
{
  g_autofree char *full = g_strconcat (line, " --json", NULL);
  g_autofree char *text = get (cli, full);

  g_assert_cmpint (strcspn (text, "\n"), ==, (int) strlen (text) - 1);
  return sb_test_json_object (text);
}

/* --- Users --- */

static void
test_lists_users (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "admin");
  g_autofree char *text = get (cli, "users list");
  g_autofree char *json = get (cli, "users list --json");
  g_auto (GStrv) lines = g_strsplit (json, "\n", -1);
  g_autoptr (JsonObject) carol = sb_test_json_object (lines[3]);

  sb_test_assert_contains (text, "USER");
  sb_test_assert_contains (text, "\ncarol  #orders #news");
  assert_column (cli, "users list", "admin alice bob carol");
  assert_column (cli, "users list --limit 2", "admin alice");
  g_assert_cmpuint (g_strv_length (lines), ==, 5);
  g_assert_cmpstr (sb_test_json_string (carol, "_id"), ==, "carol");
}

static void
test_makes_users (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "admin");
  g_autoptr (SbTestOutcome) made = sb_test_cli_run_with (cli, "dave-pw\n", "users", "add", "dave",
                                                         "--tag", "a", "--tag", "b", "--ttl", "2h",
                                                         "--password-file", "-", NULL);
  g_autoptr (JsonObject) dave = get_json (cli, "users show dave");
  g_autoptr (SbTestCli) own = sb_test_cli_new_for (bus->daemon, "dave");
  g_autofree char *tags = sb_test_json_strings (dave, "tags");
  g_autofree char *me = get (own, "users show");

  sb_test_assert_outcome (made, 0);
  g_assert_cmpstr (made->out, ==, "");
  g_assert_cmpstr (tags, ==, "a,b");
  g_assert_cmpint (sb_test_json_int (dave, "ttl"), ==, 7200);
  g_assert_false (sb_test_json_bool (dave, "admin"));
  sb_test_assert_contains (me, "dave");
  expect_failure (cli, "users add dave --generate", 1, "\"users set\" changes it");
  expect_failure (cli, "users add eve", 2, "--generate");
  expect_failure (cli, "users add eve --generate --password-file x", 2, "Either");
  expect_failure (cli, "users add", 2, "Name one user");
}

static void
test_makes_a_password_up_and_prints_it_once (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "admin");
  g_autofree char *password = get (cli, "users add dave --generate");
  g_autoptr (JsonObject) again = get_json (cli, "users passwd dave --generate");
  g_autoptr (SbTestCli) own = sb_test_cli_new_for (bus->daemon, "dave");
  g_autofree char *me = NULL;

  g_assert_cmpuint (strlen (g_strchomp (password)), ==, 19);
  g_assert_cmpstr (sb_test_json_string (again, "password"), !=, password);
  sb_test_cli_setenv (own, "SIMPLEBUS_PASSWORD", password);
  expect_failure (own, "users show", 77, "");
  sb_test_cli_setenv (own, "SIMPLEBUS_PASSWORD", sb_test_json_string (again, "password"));
  me = get (own, "users show");
  sb_test_assert_contains (me, "dave");
}

static void
test_changes_users (void)
{
  static const struct
  {
    const char *line;
    const char *tags;
    gboolean admin;
  } cases[] = {
    { "users set carol --admin", "orders,news", TRUE },
    { "users set carol --no-admin --tag x", "x", FALSE },
    { "users tag carol #y x z", "x,y,z", FALSE },
    { "users untag carol x nothing", "y,z", FALSE },
    { "users set carol --no-tags", "", FALSE },
  };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "admin");

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *out = get (cli, cases[i].line);
      g_autoptr (JsonObject) carol = get_json (cli, "users show carol");
      g_autofree char *tags = sb_test_json_strings (carol, "tags");

      g_test_message ("%s", cases[i].line);
      g_assert_cmpstr (tags, ==, cases[i].tags);
      g_assert_cmpint (sb_test_json_bool (carol, "admin"), ==, cases[i].admin);
    }
  expect_failure (cli, "users set nobody --admin", 66, "");
  expect_failure (cli, "users set carol", 2, "No option says what to change");
  expect_failure (cli, "users set carol --admin --no-admin", 2, "--admin, --no-admin");
  expect_failure (cli, "users set carol --ttl soon", 2, "soon");
}

static void
test_sets_connection_properties (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "admin");
  g_autoptr (SbTestOutcome) set = sb_test_cli_run_with (
      cli, "{\"url\":\"http://127.0.0.1:1/x\",\"secret\":\"s\"}", "users", "set", "bob",
      "--properties", "-", NULL);
  g_autofree char *before = get (cli, "users show bob");
  g_autofree char *removed = get (cli, "users set bob --no-properties");
  g_autofree char *after = get (cli, "users show bob");
  g_autoptr (SbTestOutcome) odd = sb_test_cli_run_with (cli, "[1]", "users", "set", "bob",
                                                        "--properties", "-", NULL);

  sb_test_assert_outcome (set, 0);
  sb_test_assert_contains (before, "\"secret\":\"(write-only)\"");
  g_assert_null (strstr (after, "127.0.0.1"));
  sb_test_assert_outcome (odd, 2);
}

static void
test_removes_users_after_a_question (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "admin");
  g_autofree char *id = sb_test_put (bus->alice, "{\"to\":\"@bob\",\"message\":1}");
  g_autoptr (SbTestPty) no = sb_test_pty_new (cli, 200, 24, "users", "remove", "bob", NULL);
  g_autoptr (SbTestPty) yes = NULL;

  expect_failure (cli, "users remove bob", 2, "--yes says yes");
  sb_test_pty_wait_text (no, "1 message that waits for it dies");
  sb_test_pty_wait_text (no, "[y/N] ");
  sb_test_pty_type (no, "\n");
  g_assert_cmpint (sb_test_pty_wait_end (no), ==, 1);
  assert_column (cli, "users list", "admin alice bob carol");

  yes = sb_test_pty_new (cli, 200, 24, "users", "remove", "bob", NULL);
  sb_test_pty_wait_text (yes, "[y/N] ");
  sb_test_pty_type (yes, "y\n");
  g_assert_cmpint (sb_test_pty_wait_end (yes), ==, 0);
  assert_column (cli, "users list", "admin alice carol");
}

static void
test_removes_users_without_one_when_told (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "admin");
  g_autofree char *out = get (cli, "users remove --yes bob carol");

  assert_column (cli, "users list", "admin alice");
  expect_failure (cli, "users remove --yes bob", 66, "");
}

static void
test_changes_the_own_password (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();
  g_autofree char *text = g_strdup_printf (
      "[bus]\nurl=http://127.0.0.1:%u\nuser=alice\npassword=alice-pw\n",
      sb_test_daemon_get_http_port (bus->daemon));
  g_autoptr (SbTestPty) pty = NULL;
  g_autofree char *me = NULL;

  sb_test_cli_configure (cli, 0600, text);
  pty = sb_test_pty_new (cli, 80, 24, "users", "passwd", NULL);
  sb_test_pty_wait_text (pty, "New password of alice: ");
  g_assert_false (sb_test_pty_is_echoing (pty));
  sb_test_pty_type (pty, "better\n");
  sb_test_pty_wait_text (pty, "The same again: ");
  sb_test_pty_type (pty, "better\n");
  g_assert_cmpint (sb_test_pty_wait_end (pty), ==, 0);
  /* With what client.ini has now. */
  me = get (cli, "users show");
  sb_test_assert_contains (me, "alice");
}

static void
test_changes_no_password_that_was_typed_wrong (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "alice");
  g_autoptr (SbTestPty) pty = sb_test_pty_new (cli, 80, 24, "users", "passwd", NULL);
  g_autofree char *me = NULL;

  sb_test_pty_wait_text (pty, "New password of alice: ");
  sb_test_pty_type (pty, "better\n");
  sb_test_pty_wait_text (pty, "The same again: ");
  sb_test_pty_type (pty, "bitter\n");
  g_assert_cmpint (sb_test_pty_wait_end (pty), ==, 1);
  me = get (cli, "users show");
  sb_test_assert_contains (me, "alice");
  expect_failure (cli, "users passwd bob --generate", 77, "");
}

/* --- Queues, status --- */

static void
test_shows_queues (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "admin");
  g_autofree char *id = sb_test_put (bus->alice, "{\"to\":\"#orders\",\"message\":1}");
  g_autofree char *paused = get (cli, "queues pause bob");
  g_autofree char *list = get (cli, "queues");
  g_autofree char *one = get (cli, "queues bob");
  g_autoptr (JsonObject) json = get_json (cli, "queues bob");
  g_autofree char *resumed = get (cli, "queues resume bob");

  assert_column (cli, "queues", "bob carol");
  sb_test_assert_contains (list, "offline, paused");
  sb_test_assert_contains (one, "Waiting:");
  g_assert_cmpint (sb_test_json_int (json, "waiting"), ==, 1);
  g_assert_cmpstr (paused, ==, "bob: paused\n");
  g_assert_cmpstr (resumed, ==, "bob: delivered again\n");
  expect_failure (cli, "queues nobody", 66, "");
  expect_failure (cli, "queues a b", 2, "Name one user");
}

static void
test_shows_calls_that_failed (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestRecipient) erp = sb_test_recipient_new ();
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "admin");
  g_autofree char *id = NULL;
  g_autofree char *text = NULL;

  sb_test_recipient_script (erp, "HTTP/1.1 503 Busy\r\nContent-Length: 11\r\n\r\nmaintenance",
                            SB_TEST_THEN_KEEP);
  sb_test_recipient_make_user (erp, bus->admin, "erp", "");
  id = sb_test_put (bus->alice, "{\"_id\":\"m\",\"to\":\"@erp\",\"message\":1}");
  sb_test_wait_state (bus->admin, "m", "erp", "confirmed");
  text = get (cli, "queues erp");
  sb_test_assert_contains (text, "Calls failed:");
  sb_test_assert_contains (text, "FAILED AT");
  sb_test_assert_contains (text, "  maintenance\n");
}

static void
test_shows_the_status_of_a_message (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "alice");
  g_autofree char *id = sb_test_put (bus->alice,
                                     "{\"_id\":\"a b?\",\"to\":\"#orders\",\"message\":1}");
  g_autoptr (SbTestOutcome) text = sb_test_cli_run (cli, "status", "a b?", NULL);
  g_autoptr (SbTestOutcome) json = sb_test_cli_run (cli, "status", "a b?", "--json", NULL);
  g_autoptr (JsonObject) status = NULL;

  sb_test_assert_outcome (text, 0);
  sb_test_assert_contains (text->out, "Sender:    alice\n");
  sb_test_assert_contains (text->out, "\nbob        pending");
  sb_test_assert_outcome (json, 0);
  status = sb_test_json_object (json->out);
  g_assert_cmpstr (sb_test_json_string (status, "_id"), ==, "a b?");
  expect_failure (cli, "status", 2, "Name one message");
}

/* --- Dead letters --- */

/* @n dead deliveries to each of bob and carol, who are gone; of alice. */
static void
kill_some (SbTestSite *bus, guint n)
{
  g_autoptr (SbTestAnswer) first = NULL;
  g_autoptr (SbTestAnswer) second = NULL;

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *id = sb_test_put (bus->alice, "{\"to\":\"#orders\",\"message\":1}");
    }
  first = sb_test_http_send (bus->admin, "DELETE", "/api/v1/users/bob", NULL, NULL, -1);
  second = sb_test_http_send (bus->admin, "DELETE", "/api/v1/users/carol", NULL, NULL, -1);
}

static void
test_lists_and_drops_dead_letters (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "admin");
  g_autofree char *list = NULL;
  g_autofree char *names = NULL;
  g_auto (GStrv) dead = NULL;
  g_autofree char *one = NULL;
  g_autoptr (SbTestOutcome) dropped = NULL;
  g_autoptr (SbTestOutcome) rest = NULL;

  kill_some (bus, 20);
  list = get (cli, "dead list");
  names = get_first_column (cli, "dead list --sender alice");
  dead = g_strsplit (names, " ", -1);
  sb_test_assert_contains (list, "recipient-deleted");
  g_assert_cmpuint (g_strv_length (dead), ==, 40);
  one = g_strconcat ("dead drop --yes ", dead[0], NULL);
  dropped = sb_test_cli_run_line (cli, one);
  sb_test_assert_outcome (dropped, 0);
  expect_failure (cli, one, 66, "not there, or not dead");
  expect_failure (cli, "dead drop --all", 2, "Drop 39 deliveries?");
  rest = sb_test_cli_run_line (cli, "dead drop --all --yes");
  sb_test_assert_outcome (rest, 0);
  g_assert_cmpstr (rest->err, ==, "39 deliveries were dropped\n");
  assert_column (cli, "dead list", "");
  expect_failure (cli, "dead drop", 2, "--recipient, --sender or --all");
  expect_failure (cli, "dead drop --all x", 2, "--recipient, --sender or --all");
}

static guint
count_lines (SbTestCli *cli, const char *line)
{
  g_autofree char *text = get (cli, line);
  guint n = 0;

  for (const char *p = text; *p != '\0'; p++)
    n += *p == '\n';
  return n;
}

static void
test_lists_more_than_a_page_has (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "admin");

  kill_some (bus, 255);
  g_assert_cmpuint (count_lines (cli, "-q dead list"), ==, 510);
  g_assert_cmpuint (count_lines (cli, "dead list --json"), ==, 510);
  g_assert_cmpuint (count_lines (cli, "-q dead list --limit 501"), ==, 501);
}

static void
test_requeues_dead_letters_of_a_recipient (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.max-attempts=1", NULL);
  g_autoptr (SbTestRecipient) erp = sb_test_recipient_new ();
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "admin");
  g_autoptr (SbTestOutcome) outcome = NULL;
  g_autofree char *id = NULL;

  sb_test_recipient_script_status (erp, 422, "");
  sb_test_recipient_make_user (erp, bus->admin, "erp", "");
  id = sb_test_put (bus->alice, "{\"_id\":\"m\",\"to\":\"@erp\",\"message\":1}");
  sb_test_wait_state (bus->admin, "m", "erp", "dead");
  outcome = sb_test_cli_run_line (cli, "dead requeue --recipient erp --yes --json");
  sb_test_assert_outcome (outcome, 0);
  sb_test_assert_contains (outcome->out, ":m\",\"state\":\"pending\"}\n");
  sb_test_wait_state (bus->admin, "m", "erp", "confirmed");
}

/* --- Files --- */

static void
test_lists_shows_and_drops_files (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "admin");
  g_autofree char *path = sb_test_put_file (
      bus->alice, "{\"_id\":\"scan\",\"to\":\"#orders\",\"message\":1}", "May.pdf", "hello", 5);
  g_autofree char *list = get (cli, "files");
  g_autofree char *one = get (cli, "files scan_May.pdf");
  g_autoptr (JsonObject) json = get_json (cli, "files scan_May.pdf");
  g_autofree char *none = get (cli, "files --sender bob");
  g_autofree char *dropped = NULL;

  sb_test_assert_contains (list, "scan_May.pdf   5 B  alice");
  sb_test_assert_contains (list, "  bob carol\n");
  sb_test_assert_contains (one, "SHA-256:");
  sb_test_assert_contains (one, "\nbob        pending");
  g_assert_cmpint (sb_test_json_int (json, "size"), ==, 5);
  g_assert_cmpstr (none, ==, "");
  expect_failure (cli, "files drop scan_May.pdf", 2, "--yes");
  dropped = get (cli, "files drop --yes scan_May.pdf");
  assert_column (cli, "files", "");
  expect_failure (cli, "files scan_May.pdf", 66, "");
}

/* --- What comes from elsewhere --- */

static void
test_shows_hostile_names_and_does_not_obey_them (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "admin");
  static const char *const lines[] = { "users list", "users show carol", "users list --json" };

  sb_test_put_users (bus->admin, "[{\"_id\":\"carol\",\"tags\":[\"a\\u202ex\"]},"
                                 "{\"_id\":\"\\u202edave\",\"password\":\"p\"}]");
  for (gsize i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_autofree char *text = get (cli, lines[i]);

      g_assert_null (strchr (text, '\033'));
      if (i < 2)
        {
          g_assert_null (strstr (text, "\u202e"));
          sb_test_assert_contains (text, "\\u{202e}");
        }
    }
}

static void
test_shows_what_a_recipient_answered_and_does_not_obey_it (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestRecipient) erp = sb_test_recipient_new ();
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "admin");
  g_autofree char *id = NULL;
  g_autofree char *text = NULL;

  sb_test_recipient_script (
      erp, "HTTP/1.1 503 Busy\r\nContent-Length: 10\r\n\r\n\033]0;x\007\033[2J", SB_TEST_THEN_KEEP);
  sb_test_recipient_make_user (erp, bus->admin, "erp", "");
  id = sb_test_put (bus->alice, "{\"_id\":\"m\",\"to\":\"@erp\",\"message\":1}");
  sb_test_wait_state (bus->admin, "m", "erp", "confirmed");
  text = get (cli, "queues erp");
  for (const char *p = text; *p != '\0'; p++)
    g_assert_true (*p == '\n' || (guchar) *p >= 0x20);
}

static void
test_has_colours_on_a_terminal_only (void)
{
  static const struct
  {
    const char *variable;
    const char *value;
    const char *option;
    gboolean has_colours;
  } cases[] = {
    { "TERM", "xterm", "--quiet", FALSE },     { "TERM", "xterm", "--limit=9", TRUE },
    { "TERM", "dumb", "--limit=9", FALSE },    { "TERM", NULL, "--limit=9", FALSE },
    { "TERM", "xterm", "--no-colour", FALSE }, { "TERM", "xterm", "--json", FALSE },
    { "NO_COLOR", "1", "--limit=9", FALSE },
  };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SbTestCli) cli = sb_test_cli_new_for (bus->daemon, "admin");
      g_autoptr (SbTestPty) pty = NULL;

      sb_test_cli_setenv (cli, cases[i].variable, cases[i].value);
      pty = sb_test_pty_new (cli, 80, 24, "users", "list", cases[i].option, NULL);
      g_assert_cmpint (sb_test_pty_wait_end (pty), ==, 0);
      g_test_message ("%s=%s %s", cases[i].variable, cases[i].value, cases[i].option);
      sb_test_assert_contains (sb_test_pty_get_output (pty), "carol");
      g_assert_cmpint (strchr (sb_test_pty_get_output (pty), '\033') != NULL, ==,
                       cases[i].has_colours);
    }
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/cli/users/are-listed", test_lists_users);
  g_test_add_func ("/cli/users/are-made", test_makes_users);
  g_test_add_func ("/cli/users/get-a-password-that-is-printed-once",
                   test_makes_a_password_up_and_prints_it_once);
  g_test_add_func ("/cli/users/are-changed", test_changes_users);
  g_test_add_func ("/cli/users/get-connection-properties", test_sets_connection_properties);
  g_test_add_func ("/cli/users/are-removed-after-a-question", test_removes_users_after_a_question);
  g_test_add_func ("/cli/users/are-removed-without-one-when-told",
                   test_removes_users_without_one_when_told);
  g_test_add_func ("/cli/users/change-their-own-password", test_changes_the_own_password);
  g_test_add_func ("/cli/users/keep-a-password-when-the-new-one-was-typed-wrong",
                   test_changes_no_password_that_was_typed_wrong);
  g_test_add_func ("/cli/queues/are-shown", test_shows_queues);
  g_test_add_func ("/cli/queues/show-calls-that-failed", test_shows_calls_that_failed);
  g_test_add_func ("/cli/status/of-a-message", test_shows_the_status_of_a_message);
  g_test_add_func ("/cli/dead/are-listed-and-dropped", test_lists_and_drops_dead_letters);
  g_test_add_func ("/cli/dead/are-listed-over-pages", test_lists_more_than_a_page_has);
  g_test_add_func ("/cli/dead/of-a-recipient-are-requeued",
                   test_requeues_dead_letters_of_a_recipient);
  g_test_add_func ("/cli/files/are-listed-shown-and-dropped", test_lists_shows_and_drops_files);
  g_test_add_func ("/cli/terminal/shows-hostile-names-and-does-not-obey-them",
                   test_shows_hostile_names_and_does_not_obey_them);
  g_test_add_func ("/cli/terminal/shows-answers-and-does-not-obey-them",
                   test_shows_what_a_recipient_answered_and_does_not_obey_it);
  g_test_add_func ("/cli/terminal/has-colours-there-only", test_has_colours_on_a_terminal_only);
  return g_test_run ();
}

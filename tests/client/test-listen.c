/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-listen: `simplebus listen`: lines, commands, and what is confirmed when. */

#include "sb-test-program.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <signal.h>
#include <string.h>

/* A message of alice to bob. */
static char *
put (SbTestSite *site, const char *id, const char *payload)
{
  g_autofree char *json = g_strdup_printf ("{\"to\":\"@bob\",\"_id\":\"%s\",\"message\":%s}", id,
                                           payload);

  return sb_test_put (site->alice, json);
}

static void
put_many (SbTestSite *site, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *id = g_strdup_printf ("m%u", i);

      g_free (put (site, id, "1"));
    }
}

static char *
get_path (SbTestCli *cli, const char *name)
{
  return g_build_filename (sb_test_cli_get_home (cli), name, NULL);
}

/* How many lines a file has. */
static guint
count_lines (SbTestCli *cli, const char *name)
{
  g_autofree char *path = get_path (cli, name);
  g_autofree char *text = NULL;
  guint n = 0;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return 0;
  for (const char *p = text; *p != '\0'; p++)
    n += *p == '\n';
  return n;
}

static void
wait_in_file (SbTestCli *cli, const char *name, const char *text)
{
  g_autofree char *path = get_path (cli, name);

  g_free (sb_test_wait_file (path, text));
}

/* --- Lines --- */

static void
test_prints_the_bytes_of_the_bus (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "bob");
  g_autoptr (SbTestProgram) program = sb_test_program_new (cli, "listen", NULL);
  g_autofree char *id = put (site, "a", "{\"x\": 1.10,\"y\":12345678901234567890 }");
  g_autofree char *line = sb_test_program_read_line (program);

  g_assert_cmpstr (line, ==,
                   "{\"_id\":\"a\",\"sender\":\"alice\",\"to\":\"@bob\","
                   "\"message\":{\"x\": 1.10,\"y\":12345678901234567890 }}");
  sb_test_wait_state (site->alice, id, "bob", "confirmed");
  sb_test_program_signal (program, SIGINT);
  g_assert_cmpint (sb_test_program_wait_end (program), ==, 128 + SIGINT);
}

static void
test_keeps_a_message_in_one_line (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "bob");
  g_autoptr (SbTestProgram) program = sb_test_program_new (cli, "listen", NULL);
  g_autofree char *id = put (site, "a", "{\r\n \"x\":\n\"two\\nlines\"}");
  g_autofree char *line = sb_test_program_read_line (program);

  sb_test_assert_contains (line, "{   \"x\": \"two\\nlines\"}");
}

static void
test_ends_after_as_many_as_it_was_told (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "bob");
  g_autoptr (SbTestOutcome) outcome = NULL;

  put_many (site, 5);
  outcome = sb_test_cli_run (cli, "listen", "--limit", "3", NULL);
  sb_test_assert_outcome (outcome, 0);
  sb_test_wait_state (site->alice, "m2", "bob", "confirmed");
  sb_test_wait_state (site->alice, "m3", "bob", "pending");
}

static void
test_confirms_nothing_that_nobody_has_read (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "bob");
  g_autoptr (SbTestProgram) program = sb_test_program_new (cli, "listen", NULL);
  g_autofree char *first = put (site, "a", "1");
  g_autofree char *line = sb_test_program_read_line (program);
  g_autofree char *second = NULL;
  g_autofree char *state = NULL;

  sb_test_program_stop_reading (program);
  g_assert_cmpint (sb_test_program_wait_end (program), ==, 1);
  second = put (site, "b", "2");
  sb_test_wait_state (site->alice, first, "bob", "confirmed");
  state = sb_test_get_state (site->alice, second, "bob");
  g_assert_cmpstr (state, ==, "pending");
}

/* Far more than a pipe holds: nothing is confirmed before it was taken, and nothing is lost. */
static void
test_waits_for_a_slow_reader (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "bob");
  g_autofree char *large = g_strnfill (100000, 'x');
  g_autofree char *payload = g_strdup_printf ("\"%s\"", large);
  g_autoptr (SbTestProgram) program = NULL;
  g_autofree char *state = NULL;

  for (guint i = 0; i < 10; i++)
    {
      g_autofree char *id = g_strdup_printf ("m%u", i);

      g_free (put (site, id, payload));
    }
  program = sb_test_program_new (cli, "listen", NULL);
  sb_test_wait_state (site->alice, "m9", "bob", "sent");
  state = sb_test_get_state (site->alice, "m9", "bob");
  g_assert_cmpstr (state, ==, "sent");
  for (guint i = 0; i < 10; i++)
    {
      g_autofree char *line = sb_test_program_read_line (program);
      g_autofree char *id = g_strdup_printf ("\"_id\":\"m%u\"", i);

      sb_test_assert_contains (line, id);
    }
  sb_test_wait_state (site->alice, "m9", "bob", "confirmed");
}

static void
test_leaves_messages_where_it_was_told_to (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "bob");
  g_autoptr (SbTestOutcome) outcome = NULL;
  g_autofree char *state = NULL;

  put_many (site, 1);
  outcome = sb_test_cli_run (cli, "listen", "--no-confirm", "--limit", "1", NULL);
  sb_test_assert_outcome (outcome, 0);
  sb_test_assert_contains (outcome->out, "\"_id\":\"m0\"");
  state = sb_test_get_state (site->alice, "m0", "bob");
  g_assert_cmpstr (state, !=, "confirmed");
}

static void
test_goes_on_when_the_bus_was_restarted (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new ("bus.store=sqlite", NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "bob");
  g_autoptr (SbTestProgram) program = sb_test_program_new (cli, "listen", NULL);
  g_autofree char *line = NULL;
  g_autofree char *next = NULL;

  put_many (site, 1);
  line = sb_test_program_read_line (program);
  sb_test_site_restart (site);
  g_free (put (site, "next", "2"));
  next = sb_test_program_read_line (program);
  sb_test_assert_contains (next, "\"next\"");
  sb_test_wait_state (site->alice, "next", "bob", "confirmed");
}

static void
test_ends_when_another_one_takes_the_session (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "bob");
  g_autoptr (SbTestProgram) program = sb_test_program_new (cli, "listen", NULL);
  g_autoptr (SbTestWs) other = NULL;
  g_autofree char *line = NULL;

  put_many (site, 1);
  line = sb_test_program_read_line (program);
  other = sb_test_ws_log_in_as (site->daemon, "bob", NULL);
  g_assert_cmpint (sb_test_program_wait_end (program), ==, 1);
  sb_test_program_wait_error (program, "taken over the session");
}

static void
test_refuses_a_wrong_password (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "bob");
  g_autoptr (SbTestOutcome) outcome = NULL;

  sb_test_cli_setenv (cli, "SIMPLEBUS_PASSWORD", "wrong");
  outcome = sb_test_cli_run (cli, "listen", NULL);
  sb_test_assert_outcome (outcome, 77);
}

/* --- Commands --- */

static void
test_gives_a_command_the_message (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "bob");
  g_autoptr (SbTestProgram) program = sb_test_program_new (
      cli, "listen", "--exec", "cat; echo; env | grep ^SIMPLEBUS_ | grep -v PASSWORD | sort", NULL);
  g_autofree char *id = put (site, "a", "{\"x\":\"$(touch owned)\"}");
  g_autofree char *line = sb_test_program_read_line (program);
  g_autofree char *variable = NULL;

  sb_test_assert_contains (line, "\"_id\":\"a\",\"sender\":\"alice\"");
  variable = sb_test_program_read_line (program);
  g_assert_cmpstr (variable, ==, "SIMPLEBUS_ID=a");
  g_free (variable);
  variable = sb_test_program_read_line (program);
  g_assert_cmpstr (variable, ==, "SIMPLEBUS_PAYLOAD={\"x\":\"$(touch owned)\"}");
  g_free (variable);
  variable = sb_test_program_read_line (program);
  g_assert_cmpstr (variable, ==, "SIMPLEBUS_SENDER=alice");
  sb_test_wait_state (site->alice, id, "bob", "confirmed");
}

static void
test_confirms_when_the_command_did_well (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new ("bus.confirm-timeout=1", NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "bob");
  /* It fails the first two times. */
  g_autoptr (SbTestProgram) program = sb_test_program_new (
      cli, "listen", "--exec", "echo x >> runs; test $(wc -l < runs) -ge 3", NULL);
  g_autofree char *id = put (site, "a", "1");

  sb_test_wait_state (site->alice, id, "bob", "confirmed");
  g_assert_cmpuint (count_lines (cli, "runs"), ==, 3);
  sb_test_program_wait_error (program, "a was not done: it ended with status 1");
}

/* It takes longer than the bus waits: what comes again meanwhile is the same message. */
static void
test_runs_no_command_twice_at_once (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new ("bus.confirm-timeout=1", NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "bob");
  g_autoptr (SbTestProgram) program = sb_test_program_new (
      cli, "listen", "--parallel", "4", "--exec",
      "echo $SIMPLEBUS_ID >> runs; until test -e go; do sleep 0.05; done", NULL);
  g_autofree char *id = put (site, "a", "1");
  g_autofree char *go = get_path (cli, "go");

  wait_in_file (cli, "runs", "a\n");
  sb_test_wait_state (site->alice, id, "bob", "parked");
  g_assert_true (g_file_set_contents (go, "", 0, NULL));
  sb_test_wait_state (site->alice, id, "bob", "confirmed");
  g_assert_cmpuint (count_lines (cli, "runs"), ==, 1);
}

static void
test_runs_commands_in_order (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "bob");
  g_autoptr (SbTestOutcome) outcome = NULL;

  put_many (site, 20);
  outcome = sb_test_cli_run (cli, "listen", "--limit", "20", "--exec", "printf %s, $SIMPLEBUS_ID",
                             NULL);
  sb_test_assert_outcome (outcome, 0);
  g_assert_cmpstr (outcome->out, ==,
                   "m0,m1,m2,m3,m4,m5,m6,m7,m8,m9,m10,m11,m12,m13,m14,m15,m16,m17,m18,m19,");
}

static void
test_stops_a_command_that_takes_too_long (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "bob");
  /* The one in the background belongs to it. */
  g_autoptr (SbTestProgram) program = sb_test_program_new (
      cli, "listen", "--timeout", "1", "--exec",
      "(trap 'echo ended > child; exit' TERM; while :; do sleep 0.1; done) & wait", NULL);
  g_autofree char *id = put (site, "a", "1");
  g_autofree char *state = NULL;

  sb_test_program_wait_error (program, "it took longer than 1 s and was stopped");
  wait_in_file (cli, "child", "ended");
  state = sb_test_get_state (site->alice, id, "bob");
  g_assert_cmpstr (state, !=, "confirmed");
}

static void
test_lets_commands_end_when_it_is_stopped (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "bob");
  g_autoptr (SbTestProgram) program = sb_test_program_new (
      cli, "listen", "--exec", "echo $SIMPLEBUS_ID >> runs; until test -e go; do sleep 0.05; done",
      NULL);
  g_autofree char *go = get_path (cli, "go");
  g_autofree char *state = NULL;

  put_many (site, 2);
  wait_in_file (cli, "runs", "m0\n");
  sb_test_program_signal (program, SIGTERM);
  sb_test_program_wait_error (program, "Waiting for commands");
  g_assert_true (g_file_set_contents (go, "", 0, NULL));
  g_assert_cmpint (sb_test_program_wait_end (program), ==, 128 + SIGTERM);
  sb_test_wait_state (site->alice, "m0", "bob", "confirmed");
  g_assert_cmpuint (count_lines (cli, "runs"), ==, 1);
  state = sb_test_get_state (site->alice, "m1", "bob");
  g_assert_cmpstr (state, !=, "confirmed");
}

static void
test_stops_commands_when_it_is_told_twice (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "bob");
  g_autoptr (SbTestProgram) program = sb_test_program_new (cli, "listen", "--exec",
                                                           "echo $$ >> runs; sleep 100", NULL);
  g_autofree char *state = NULL;

  put_many (site, 1);
  wait_in_file (cli, "runs", "\n");
  sb_test_program_signal (program, SIGINT);
  sb_test_program_wait_error (program, "Waiting for commands");
  sb_test_program_signal (program, SIGINT);
  g_assert_cmpint (sb_test_program_wait_end (program), ==, 128 + SIGINT);
  state = sb_test_get_state (site->alice, "m0", "bob");
  g_assert_cmpstr (state, !=, "confirmed");
}

static void
test_takes_a_command_that_reads_nothing (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "bob");
  g_autofree char *large = g_strnfill (500000, 'x');
  g_autofree char *payload = g_strdup_printf ("\"%s\"", large);
  g_autofree char *id = put (site, "a", payload);
  g_autoptr (SbTestOutcome) outcome = sb_test_cli_run (cli, "listen", "--limit", "1", "--exec",
                                                       "exec true", NULL);

  sb_test_assert_outcome (outcome, 0);
  sb_test_wait_state (site->alice, id, "bob", "confirmed");
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/listen/prints-the-bytes-of-the-bus", test_prints_the_bytes_of_the_bus);
  g_test_add_func ("/listen/keeps-a-message-in-one-line", test_keeps_a_message_in_one_line);
  g_test_add_func ("/listen/ends-after-as-many-as-it-was-told",
                   test_ends_after_as_many_as_it_was_told);
  g_test_add_func ("/listen/confirms-nothing-that-nobody-has-read",
                   test_confirms_nothing_that_nobody_has_read);
  g_test_add_func ("/listen/waits-for-a-slow-reader", test_waits_for_a_slow_reader);
  g_test_add_func ("/listen/leaves-messages-where-it-was-told-to",
                   test_leaves_messages_where_it_was_told_to);
  g_test_add_func ("/listen/goes-on-when-the-bus-was-restarted",
                   test_goes_on_when_the_bus_was_restarted);
  g_test_add_func ("/listen/ends-when-another-one-takes-the-session",
                   test_ends_when_another_one_takes_the_session);
  g_test_add_func ("/listen/refuses-a-wrong-password", test_refuses_a_wrong_password);
  g_test_add_func ("/listen/gives-a-command-the-message", test_gives_a_command_the_message);
  g_test_add_func ("/listen/confirms-when-the-command-did-well",
                   test_confirms_when_the_command_did_well);
  g_test_add_func ("/listen/runs-no-command-twice-at-once", test_runs_no_command_twice_at_once);
  g_test_add_func ("/listen/runs-commands-in-order", test_runs_commands_in_order);
  g_test_add_func ("/listen/stops-a-command-that-takes-too-long",
                   test_stops_a_command_that_takes_too_long);
  g_test_add_func ("/listen/lets-commands-end-when-it-is-stopped",
                   test_lets_commands_end_when_it_is_stopped);
  g_test_add_func ("/listen/stops-commands-when-it-is-told-twice",
                   test_stops_commands_when_it_is_told_twice);
  g_test_add_func ("/listen/takes-a-command-that-reads-nothing",
                   test_takes_a_command_that_reads_nothing);
  return g_test_run ();
}

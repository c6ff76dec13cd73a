/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-send: `simplebus send`: whom it addresses, what it sends, what it says of it. */

#include "sb-test-program.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <string.h>

/* Returns: the next delivery of @user, as it comes */
static char *
get_delivery (SbTestHttp *user)
{
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (user, "/get?limit=1");

  sb_test_assert_status (answer, 200);
  return g_strdup (answer->body);
}

static void
confirm (SbTestHttp *user, const char *id)
{
  g_autoptr (SbTestAnswer) answer = sb_test_http_postf (user, "/confirm", "[\"%s\"]", id);

  sb_test_assert_status (answer, 200);
}

static void
test_prints_the_id_of_what_was_taken (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "alice");
  g_autoptr (SbTestOutcome) outcome = sb_test_cli_run (cli, "send", "@bob", "hi", NULL);
  g_autofree char *state = NULL;

  sb_test_assert_outcome (outcome, 0);
  g_strchomp (outcome->out);
  state = sb_test_get_state (site->alice, outcome->out, "bob");
  g_assert_cmpstr (state, ==, "pending");
  g_assert_cmpstr (outcome->err, ==, "");
}

static void
test_sends_json_as_it_is_and_all_else_as_text (void)
{
  static const struct
  {
    const char *option;
    const char *message;
    const char *sent;
  } cases[] = {
    { "--quiet", "{\"a\": 1.10, \"b\":12345678901234567890}",
      "{\"a\": 1.10, \"b\":12345678901234567890}" },
    { "--quiet", "17", "17" },
    { "--quiet", "true", "true" },
    { "--quiet", "hello, you", "\"hello, you\"" },
    { "--quiet", "\"a\\u0041\"", "\"a\\u0041\"" },
    { "--quiet", "[urgent] call \"me\"\t", "\"[urgent] call \\\"me\\\"\\t\"" },
    { "--quiet", "", "\"\"" },
    { "--text", "17", "\"17\"" },
    { "--text", "{}", "\"{}\"" },
    { "--json-value", "[1]", "[1]" },
    { "--quiet", "Привет", "\"Привет\"" },
  };
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "alice");

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SbTestOutcome) outcome = sb_test_cli_run (cli, "send", cases[i].option, "@bob",
                                                           cases[i].message, NULL);
      g_autofree char *wanted = g_strdup_printf ("\"message\":%s}]", cases[i].sent);
      g_autofree char *delivery = NULL;

      sb_test_assert_outcome (outcome, 0);
      delivery = get_delivery (site->bob);
      sb_test_assert_contains (delivery, wanted);
      confirm (site->bob, g_strchomp (outcome->out));
    }
}

static void
test_refuses_what_could_be_meant_in_two_ways (void)
{
  static const struct
  {
    const char *words[6];
    const char *why;
  } cases[] = {
    { { "@bob", "{\"a\":1,}" }, "not JSON: a key is expected at byte 7" },
    { { "@bob", " [1,2,] " }, "not JSON" },
    { { "--json-value", "@bob", "hello" }, "not JSON" },
    { { "", "hi" }, "put them in quotes" },
    { { " , ", "hi" }, "put them in quotes" },
    { { "@", "hi" }, "address" },
    { { "@bob" }, "It takes addresses and one message" },
    { { "@bob", "two", "words" }, "It takes addresses and one message" },
    { { "--text", "--json-value", "@bob", "x" }, "exclude each other" },
    { { "--direct", "--ttl", "5", "@bob", "x" }, "now or never" },
    { { "--ttl", "5 minutes", "@bob", "x" }, "no span of time" },
    { { "--ttl", "-5", "@bob", "x" }, "no span of time" },
    { { "--not-before", "tomorrow", "@bob", "x" }, "no moment" },
    { { "--member", "x", "@bob", "x" }, "NAME=JSON" },
    { { "--member", "x=y", "@bob", "x" }, "is not JSON" },
    { { "--member", "sender=\"eve\"", "@bob", "x" }, "member" },
    { { "--wait=soon", "@bob", "x" }, "no span of time" },
    { { "--lines", "@bob", "x" }, "standard input" },
    { { "--parallel", "2", "@bob", "x" }, "--lines" },
    { { "--id", "a/b", "@bob", "x" }, "id" },
  };
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "alice");

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const char *words[8] = { "send" };
      g_autoptr (SbTestOutcome) outcome = NULL;

      memcpy (words + 1, cases[i].words, sizeof cases[i].words);
      outcome = sb_test_cli_run_words (cli, "", words);
      g_assert_cmpint (outcome->status, !=, 0);
      sb_test_assert_contains (outcome->err, cases[i].why);
      g_assert_cmpstr (outcome->out, ==, "");
    }
}

static void
test_addresses_several (void)
{
  static const char *const lists[] = { "@bob,@carol", "@bob @carol", "#orders", "orders", "$all" };
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "alice");

  for (gsize i = 0; i < G_N_ELEMENTS (lists); i++)
    {
      g_autoptr (SbTestOutcome) outcome = sb_test_cli_run (cli, "send", "--json", lists[i], "x",
                                                           NULL);
      g_autoptr (JsonNode) answer = NULL;

      sb_test_assert_outcome (outcome, 0);
      answer = sb_test_json_parse (outcome->out);
      g_assert_cmpint (json_object_get_int_member (json_node_get_object (answer), "recipients"), ==,
                       strcmp (lists[i], "$all") == 0 ? 4 : 2);
    }
}

static void
test_addresses_users_whose_ids_have_blanks (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "alice");
  g_autoptr (SbTestOutcome) outcome = NULL;

  sb_test_put_users (site->admin, "[{\"_id\":\"front desk, 1\",\"password\":\"x\"}]");
  outcome = sb_test_cli_run (cli, "send", "--to", "@front desk, 1", "--to", "@bob", "x", NULL);
  sb_test_assert_outcome (outcome, 0);
  g_assert_cmpstr (outcome->err, ==, "");
}

static void
test_says_who_is_not_there (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "alice");
  g_autoptr (SbTestOutcome) some = sb_test_cli_run (cli, "send", "@bob,@eve", "x", NULL);
  g_autoptr (SbTestOutcome) none = sb_test_cli_run (cli, "send", "bob", "x", NULL);

  sb_test_assert_outcome (some, 0);
  sb_test_assert_contains (some->err, "@eve");
  sb_test_assert_outcome (none, 66);
  sb_test_assert_contains (none->err, "A user is @bob");
}

static void
test_passes_options_on (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "alice");
  g_autoptr (SbTestOutcome) outcome = sb_test_cli_run (
      cli, "send", "@bob", "x", "--id", "own-1", "--uid", "cfg-1", "--uid", "cfg-2", "--ttl", "2h",
      "--member", "recipient=\"feed\"", NULL);
  g_autofree char *delivery = NULL;

  sb_test_assert_outcome (outcome, 0);
  g_assert_cmpstr (outcome->out, ==, "own-1\n");
  delivery = get_delivery (site->bob);
  sb_test_assert_contains (delivery, "\"uid\":[\"cfg-1\",\"cfg-2\"]");
  sb_test_assert_contains (delivery, "\"ttl\":7200");
  sb_test_assert_contains (delivery, "\"recipient\":\"feed\"");
}

static void
test_puts_delivery_off (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "alice");
  static const char *const moments[] = { "2h", "+2h", "2199-01-01T08:00:00", "7226582400" };

  for (gsize i = 0; i < G_N_ELEMENTS (moments); i++)
    {
      g_autoptr (SbTestOutcome) outcome = sb_test_cli_run (cli, "send", "@bob", "x", "--not-before",
                                                           moments[i], NULL);
      g_autofree char *state = NULL;

      sb_test_assert_outcome (outcome, 0);
      state = sb_test_get_state (site->alice, g_strchomp (outcome->out), "bob");
      g_assert_cmpstr (state, ==, "scheduled");
    }
}

static void
test_sends_the_same_id_once (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "alice");
  g_autoptr (SbTestOutcome) first = sb_test_cli_run (cli, "send", "@bob", "1", "--id", "i", NULL);
  g_autoptr (SbTestOutcome) again = sb_test_cli_run (cli, "send", "@bob", "2", "--id", "i", NULL);
  g_autofree char *delivery = get_delivery (site->bob);

  sb_test_assert_outcome (first, 0);
  sb_test_assert_outcome (again, 0);
  sb_test_assert_contains (again->err, "has this _id already");
  sb_test_assert_contains (delivery, "\"message\":1}]");
}

/* --- Standard input --- */

static void
test_reads_standard_input (void)
{
  static const struct
  {
    const char *input;
    const char *sent;
  } cases[] = {
    { "{\"a\":\n 1}\n", "{\"a\":\n 1}" },
    { "hello\n", "\"hello\"" },
    { "two\nlines\n", "\"two\\nlines\"" },
  };
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "alice");

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SbTestOutcome) outcome = sb_test_cli_run_with (cli, cases[i].input, "send", "@bob",
                                                                "-", NULL);
      g_autofree char *delivery = NULL;

      sb_test_assert_outcome (outcome, 0);
      delivery = get_delivery (site->bob);
      sb_test_assert_contains (delivery, cases[i].sent);
      confirm (site->bob, g_strchomp (outcome->out));
    }
}

static void
test_refuses_input_that_is_no_message (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new ("bus.max-message-size=64K", NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "alice");
  g_autofree char *large = g_strnfill (100000, 'x');
  g_autoptr (SbTestOutcome) empty = sb_test_cli_run (cli, "send", "@bob", "-", NULL);
  g_autoptr (SbTestOutcome) broken = sb_test_cli_run_with (cli, "a\xff", "send", "@bob", "-", NULL);
  g_autoptr (SbTestOutcome) too_large = sb_test_cli_run_with (cli, large, "send", "@bob", "-",
                                                              NULL);

  sb_test_assert_outcome (empty, 2);
  sb_test_assert_contains (empty->err, "Standard input is empty");
  sb_test_assert_outcome (broken, 2);
  sb_test_assert_contains (broken->err, "no UTF-8 text: byte 1");
  sb_test_assert_outcome (too_large, 1);
  sb_test_assert_contains (too_large->err, "65536");
}

static void
test_sends_each_line (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "alice");
  g_autoptr (SbTestOutcome) outcome = sb_test_cli_run_with (cli, "one\n{\"n\":2}\r\n\n3\nlast",
                                                            "send", "@bob", "-", "--lines", NULL);
  g_autoptr (SbTestAnswer) answer = NULL;
  const char *at;

  sb_test_assert_outcome (outcome, 0);
  answer = sb_test_http_get (site->bob, "/get?limit=10");
  at = answer->body;
  for (const char *const *part =
           (const char *const[]) { "\"one\"", "{\"n\":2}", "\"message\":3", "\"last\"", NULL };
       *part != NULL; part++)
    {
      at = strstr (at, *part);
      g_assert_nonnull (at);
    }
}

static void
test_sends_lines_at_once_that_come_one_by_one (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "alice");
  g_autoptr (SbTestProgram) program = sb_test_program_new (cli, "send", "@bob", "-", "--lines",
                                                           NULL);
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;

  sb_test_program_write (program, "one\n");
  first = sb_test_program_read_line (program);
  g_assert_nonnull (first);
  sb_test_program_write (program, "two\n");
  second = sb_test_program_read_line (program);
  g_assert_nonnull (second);
  sb_test_program_end_input (program);
  g_assert_cmpint (sb_test_program_wait_end (program), ==, 0);
}

static void
test_names_the_line_that_cannot_be_sent (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "alice");
  g_autoptr (SbTestProgram) program = sb_test_program_new (cli, "send", "@bob", "-", "--lines",
                                                           NULL);

  /* The input stays open: it does not wait for more of it. */
  sb_test_program_write (program, "one\ntwo\n{\"x\":}\nfour\n");
  g_assert_cmpint (sb_test_program_wait_end (program), ==, 2);
  sb_test_program_wait_error (program, "Line 3: The message is not JSON");
  sb_test_program_wait_error (program, "2 messages were sent before");
}

static void
test_sends_many_lines_in_parallel (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "alice");
  g_autoptr (GString) lines = g_string_new (NULL);
  g_autoptr (SbTestOutcome) outcome = NULL;
  g_auto (GStrv) ids = NULL;

  for (guint i = 0; i < 500; i++)
    g_string_append_printf (lines, "%u\n", i);
  outcome = sb_test_cli_run_with (cli, lines->str, "send", "@bob", "-", "--lines", "--parallel",
                                  "8", NULL);
  sb_test_assert_outcome (outcome, 0);
  ids = g_strsplit (outcome->out, "\n", -1);
  g_assert_cmpuint (g_strv_length (ids), ==, 501);
}

/* --- Confirmations --- */

static void
test_waits_for_confirmations (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "alice");
  g_autoptr (SbTestProgram) program = sb_test_program_new (cli, "send", "--wait", "#orders", "x",
                                                           NULL);
  g_autofree char *id = sb_test_program_read_line (program);

  confirm (site->bob, id);
  sb_test_program_wait_error (program, "bob has confirmed");
  g_assert_false (sb_test_program_has_ended (program));
  confirm (site->carol, id);
  g_assert_cmpint (sb_test_program_wait_end (program), ==, 0);
  sb_test_program_wait_error (program, "carol has confirmed");
}

static void
test_says_who_has_not_confirmed_in_time (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "alice");
  g_autoptr (SbTestOutcome) outcome = sb_test_cli_run (cli, "send", "--wait=1", "@bob", "x", NULL);

  sb_test_assert_outcome (outcome, 75);
  sb_test_assert_contains (outcome->err, "1 recipient has not confirmed");
  sb_test_assert_contains (outcome->err, "bob: pending");
}

static void
test_fails_when_one_never_confirms (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "alice");
  g_autoptr (SbTestOutcome) outcome = sb_test_cli_run (cli, "send", "--wait", "@bob", "x", "--ttl",
                                                       "1", NULL);

  sb_test_assert_outcome (outcome, 1);
  sb_test_assert_contains (outcome->err, "bob: expired");
}

static void
test_tells_programs_of_confirmations (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "alice");
  g_autoptr (SbTestProgram) program = sb_test_program_new (cli, "send", "--json", "--wait", "--id",
                                                           "w", "@bob", "x", NULL);
  g_autofree char *answer = sb_test_program_read_line (program);
  g_autofree char *line = NULL;

  sb_test_assert_contains (answer, "\"recipients\":1");
  confirm (site->bob, "w");
  line = sb_test_program_read_line (program);
  sb_test_assert_contains (line, "\"recipient\":\"bob\"");
  sb_test_assert_contains (line, "\"state\":\"confirmed\"");
  g_assert_cmpint (sb_test_program_wait_end (program), ==, 0);
}

static void
test_sends_direct_messages (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "alice");
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (site->daemon, "bob", NULL);
  g_autoptr (SbTestOutcome) some = sb_test_cli_run (cli, "send", "--direct", "@bob,@carol", "x",
                                                    NULL);
  g_autoptr (SbTestOutcome) none = sb_test_cli_run (cli, "send", "--direct", "@carol", "x", NULL);
  g_autoptr (SbTestFrame) frame = sb_test_ws_take_type (bob, NULL);

  sb_test_assert_outcome (some, 0);
  sb_test_assert_contains (some->err, "Not connected: @carol");
  sb_test_assert_contains (frame->text, "\"message\":\"x\"");
  sb_test_assert_outcome (none, 1);
  sb_test_assert_contains (none->err, "reached nobody");
}

static void
test_leaves_the_session_alone (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "alice");
  g_autoptr (SbTestWs) alice = sb_test_ws_log_in_as (site->daemon, "alice", NULL);
  g_autoptr (SbTestOutcome) outcome = sb_test_cli_run (cli, "send", "@bob", "x", NULL);

  sb_test_assert_outcome (outcome, 0);
  sb_test_ws_sync (alice);
  g_assert_true (sb_test_ws_is_open (alice));
}

/* --- A bus that is not there --- */

static void
test_waits_for_a_bus_that_starts_later (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new ("bus.store=sqlite", NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "alice");
  g_autoptr (SbTestProgram) program = NULL;
  g_autofree char *id = NULL;

  sb_test_daemon_terminate (site->daemon);
  program = sb_test_program_new (cli, "send", "@bob", "late", NULL);
  sb_test_program_wait_error (program, "Trying again");
  sb_test_daemon_restart (site->daemon, TRUE);
  id = sb_test_program_read_line (program);
  g_assert_cmpint (sb_test_program_wait_end (program), ==, 0);
  sb_test_wait_state (site->alice, id, "bob", "pending");
}

static void
test_gives_up_when_it_was_told_to (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "alice");
  g_autoptr (SbTestOutcome) at_once = NULL;
  g_autoptr (SbTestOutcome) later = NULL;

  sb_test_daemon_terminate (site->daemon);
  at_once = sb_test_cli_run (cli, "send", "--retry", "0", "@bob", "x", NULL);
  sb_test_assert_outcome (at_once, 69);
  later = sb_test_cli_run (cli, "send", "--retry", "1", "@bob", "x", NULL);
  sb_test_assert_outcome (later, 69);
}

static void
test_does_not_try_again_what_is_refused (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestCli) cli = sb_test_cli_new_for (site->daemon, "alice");
  g_autoptr (SbTestOutcome) outcome = NULL;

  sb_test_cli_setenv (cli, "SIMPLEBUS_PASSWORD", "wrong");
  outcome = sb_test_cli_run (cli, "send", "@bob", "x", NULL);
  sb_test_assert_outcome (outcome, 77);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/send/prints-the-id-of-what-was-taken", test_prints_the_id_of_what_was_taken);
  g_test_add_func ("/send/sends-json-as-it-is-and-all-else-as-text",
                   test_sends_json_as_it_is_and_all_else_as_text);
  g_test_add_func ("/send/refuses-what-could-be-meant-in-two-ways",
                   test_refuses_what_could_be_meant_in_two_ways);
  g_test_add_func ("/send/addresses-several", test_addresses_several);
  g_test_add_func ("/send/addresses-users-whose-ids-have-blanks",
                   test_addresses_users_whose_ids_have_blanks);
  g_test_add_func ("/send/says-who-is-not-there", test_says_who_is_not_there);
  g_test_add_func ("/send/passes-options-on", test_passes_options_on);
  g_test_add_func ("/send/puts-delivery-off", test_puts_delivery_off);
  g_test_add_func ("/send/sends-the-same-id-once", test_sends_the_same_id_once);
  g_test_add_func ("/send/reads-standard-input", test_reads_standard_input);
  g_test_add_func ("/send/refuses-input-that-is-no-message", test_refuses_input_that_is_no_message);
  g_test_add_func ("/send/sends-each-line", test_sends_each_line);
  g_test_add_func ("/send/sends-lines-at-once-that-come-one-by-one",
                   test_sends_lines_at_once_that_come_one_by_one);
  g_test_add_func ("/send/names-the-line-that-cannot-be-sent",
                   test_names_the_line_that_cannot_be_sent);
  g_test_add_func ("/send/sends-many-lines-in-parallel", test_sends_many_lines_in_parallel);
  g_test_add_func ("/send/waits-for-confirmations", test_waits_for_confirmations);
  g_test_add_func ("/send/says-who-has-not-confirmed-in-time",
                   test_says_who_has_not_confirmed_in_time);
  g_test_add_func ("/send/fails-when-one-never-confirms", test_fails_when_one_never_confirms);
  g_test_add_func ("/send/tells-programs-of-confirmations", test_tells_programs_of_confirmations);
  g_test_add_func ("/send/sends-direct-messages", test_sends_direct_messages);
  g_test_add_func ("/send/leaves-the-session-alone", test_leaves_the_session_alone);
  g_test_add_func ("/send/waits-for-a-bus-that-starts-later",
                   test_waits_for_a_bus_that_starts_later);
  g_test_add_func ("/send/gives-up-when-it-was-told-to", test_gives_up_when_it_was_told_to);
  g_test_add_func ("/send/does-not-try-again-what-is-refused",
                   test_does_not_try_again_what_is_refused);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-add-admin: `simplebusd --add-admin`: the first admin without a browser. */

#include "sb-test-http.h"
#include "sb-test.h"
#include "tool.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static ToolResult
add_admin (SbTestDaemon *bus, const char *name, const char *input)
{
  return tool_run_on (bus, "--add-admin", name, input, -1);
}

static void
assert_contains (const char *text, const char *part)
{
  if (strstr (text, part) == NULL)
    g_error ("\"%s\" is not in: %s", part, text);
}

static void
assert_logs_in (SbTestDaemon *bus, const char *user, const char *password, guint status)
{
  g_autoptr (SbTestHttp) client = sb_test_http_for (bus, user, password);
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (client, "/get");

  sb_test_assert_status (answer, status);
}

/* With the real bus, over HTTP. */
static void
assert_is_admin (SbTestDaemon *bus, const char *user, const char *password)
{
  g_autoptr (SbTestHttp) client = sb_test_http_for (bus, user, password);

  sb_test_make_users (client, "somebody", NULL);
}

static gboolean
has_users (SbTestDaemon *bus)
{
  g_autofree char *log = NULL;

  sb_test_daemon_start (bus);
  sb_test_daemon_terminate (bus);
  log = sb_test_daemon_dup_log (bus);
  return strstr (log, "there is no user yet") == NULL;
}

/* --- From a script --- */

static void
a_line_of_input_is_the_password (void)
{
  g_autoptr (SbTestDaemon) bus = sb_test_daemon_new ();
  g_auto (ToolResult) result = add_admin (bus, "root", "geheim\nand no more\n");
  g_autofree char *log = NULL;

  g_assert_cmpint (result.status, ==, 0);
  assert_contains (result.output, "The admin root is made");
  assert_contains (result.output, sb_test_daemon_get_data_dir (bus));
  assert_contains (result.errors, "the bus made the admin root");
  g_assert_null (strstr (result.errors, "geheim"));
  sb_test_daemon_start (bus);
  assert_is_admin (bus, "root", "geheim");
  assert_logs_in (bus, "root", "and no more", 401);
  log = sb_test_daemon_dup_log (bus);
  g_assert_null (strstr (log, "there is no user yet"));
}

static void
a_further_admin_is_made_beside_the_others (void)
{
  g_autoptr (SbTestDaemon) bus = sb_test_daemon_run (NULL, NULL);
  g_autoptr (SbTestHttp) first = sb_test_make_admin (bus);
  g_auto (ToolResult) result = { 0 };

  sb_test_daemon_terminate (bus);
  result = add_admin (bus, "second", "пароль");
  g_assert_cmpint (result.status, ==, 0);
  sb_test_daemon_start (bus);
  assert_is_admin (bus, "second", "пароль");
  assert_is_admin (bus, SB_TEST_ADMIN, SB_TEST_ADMIN_PASSWORD);
}

static void
a_line_may_end_as_on_windows (void)
{
  g_autoptr (SbTestDaemon) bus = sb_test_daemon_new ();
  g_auto (ToolResult) result = add_admin (bus, "root", "geheim\r\n");

  g_assert_cmpint (result.status, ==, 0);
  sb_test_daemon_start (bus);
  assert_is_admin (bus, "root", "geheim");
}

/* --- What is refused --- */

static void
a_running_bus_is_left_alone (void)
{
  g_autoptr (SbTestDaemon) bus = sb_test_daemon_run (NULL, NULL);
  g_autoptr (SbTestHttp) admin = sb_test_make_admin (bus);
  g_auto (ToolResult) result = add_admin (bus, "second", "geheim\n");

  g_assert_cmpint (result.status, ==, 3);
  assert_contains (result.errors, "another simplebusd has this folder");
  assert_contains (result.errors, "/put_users");
  assert_contains (result.errors, "simplebus users add");
  assert_logs_in (bus, "second", "geheim", 401);
  sb_test_make_users (admin, "somebody", NULL);
}

static void
a_user_that_is_there_stays_as_it_is (void)
{
  g_autoptr (SbTestDaemon) bus = sb_test_daemon_run (NULL, NULL);
  g_autoptr (SbTestHttp) admin = sb_test_make_admin (bus);
  g_auto (ToolResult) result = { 0 };

  sb_test_make_users (admin, "device", NULL);
  sb_test_daemon_terminate (bus);
  result = add_admin (bus, "device", "geheim\n");
  g_assert_cmpint (result.status, ==, 2);
  assert_contains (result.errors, "there is a user device already");
  assert_contains (result.errors, "--import-users");
  sb_test_daemon_start (bus);
  assert_logs_in (bus, "device", "device-pw", 200);
  assert_logs_in (bus, "device", "geheim", 401);
}

static const struct
{
  const char *name;
  const char *input;
  gssize length;
  const char *why;
} bad[] = {
  { "root", "", 0, "no password" },     { "root", "\n", 1, "no password" },
  { "root", "\r\n", 2, "no password" }, { "root", "ge\0heim\n", 8, "zero byte" },
  { "root", "\xff\xfe\n", 3, "UTF-8" }, { "", "geheim\n", 7, "id" },
  { "a:b", "geheim\n", 7, "id" },       { "#tag", "geheim\n", 7, "id" },
};

static void
faulty_input_makes_nobody (void)
{
  g_autoptr (SbTestDaemon) bus = sb_test_daemon_new ();
  g_autofree char *line = g_strnfill (100000, 'x');
  g_auto (ToolResult) result = add_admin (bus, "root", line);

  g_assert_cmpint (result.status, ==, 1);
  assert_contains (result.errors, "longer than 511 bytes");
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_auto (ToolResult) other = tool_run_on (bus, "--add-admin", bad[i].name, bad[i].input,
                                               bad[i].length);

      g_test_message ("%s", bad[i].why);
      g_assert_cmpint (other.status, ==, 1);
      assert_contains (other.errors, bad[i].why);
    }
  g_assert_false (has_users (bus));
}

static void
the_configuration_holds (void)
{
  g_autoptr (SbTestDaemon) bus = sb_test_daemon_new ();
  const char *const command[] = { "--data-dir",  sb_test_daemon_get_data_dir (bus),
                                  "--set",       "bus.min-password-length=8",
                                  "--add-admin", "root",
                                  NULL };
  g_auto (ToolResult) shorter = tool_run (command, "1234567", -1);
  g_auto (ToolResult) good = { 0 };

  g_assert_cmpint (shorter.status, ==, 1);
  assert_contains (shorter.errors, "shorter than 8 characters");
  good = tool_run (command, "12345678", -1);
  g_assert_cmpint (good.status, ==, 0);
}

static void
a_store_that_keeps_nothing_is_found_out (void)
{
  g_autoptr (SbTestDaemon) bus = sb_test_daemon_new ();
  const char *const command[] = { "--data-dir",  sb_test_daemon_get_data_dir (bus),
                                  "--set",       "bus.store=memory",
                                  "--add-admin", "root",
                                  NULL };
  g_auto (ToolResult) result = tool_run (command, "geheim", -1);

  g_assert_cmpint (result.status, ==, 1);
  assert_contains (result.errors, "has forgotten it at once");
}

/* As root it could write there, and then the bus could not read it. */
static void
a_folder_of_another_user_is_not_touched (void)
{
  g_autoptr (SbTestDir) dir = sb_test_make_dir ();
  const char *const command[] = { "--data-dir", geteuid () == 0 ? dir : "/", "--add-admin", "root",
                                  NULL };
  g_auto (ToolResult) result = { 0 };
  g_autofree char *lock = g_build_filename (dir, "lock", NULL);

  if (geteuid () == 0)
    g_assert_no_errno (chown (dir, 1, -1));
  result = tool_run (command, "geheim", -1);
  g_assert_cmpint (result.status, ==, 1);
  assert_contains (result.errors, "belongs to the user");
  assert_contains (result.errors, "docs/operations.md");
  g_assert_false (g_file_test (lock, G_FILE_TEST_EXISTS));
}

/* --- At a terminal --- */

static ToolTerminal *
start_at_terminal (SbTestDaemon *bus)
{
  const char *const command[] = { "--data-dir", sb_test_daemon_get_data_dir (bus), "--add-admin",
                                  "root", NULL };

  return tool_terminal_start (command);
}

static void
a_terminal_is_asked_twice_and_shows_nothing (void)
{
  g_autoptr (SbTestDaemon) bus = sb_test_daemon_new ();
  g_autoptr (ToolTerminal) terminal = start_at_terminal (bus);
  g_auto (ToolResult) result = { 0 };

  tool_terminal_expect (terminal, "Password for root: ");
  g_assert_false (tool_terminal_echoes (terminal));
  tool_terminal_type (terminal, "geheim\n");
  tool_terminal_expect (terminal, "The same again: ");
  g_assert_false (tool_terminal_echoes (terminal));
  tool_terminal_type (terminal, "geheim\n");
  tool_terminal_expect (terminal, "The admin root is made");
  result = tool_terminal_wait (terminal);
  g_assert_cmpint (result.status, ==, 0);
  g_assert_true (tool_terminal_echoes (terminal));
  g_assert_null (strstr (result.output, "geheim"));
  sb_test_daemon_start (bus);
  assert_is_admin (bus, "root", "geheim");
}

static void
two_passwords_that_differ_make_nobody (void)
{
  g_autoptr (SbTestDaemon) bus = sb_test_daemon_new ();
  g_autoptr (ToolTerminal) terminal = start_at_terminal (bus);
  g_auto (ToolResult) result = { 0 };

  tool_terminal_expect (terminal, "Password for root: ");
  tool_terminal_type (terminal, "geheim\n");
  tool_terminal_expect (terminal, "The same again: ");
  tool_terminal_type (terminal, "gehiem\n");
  tool_terminal_expect (terminal, "are not the same");
  result = tool_terminal_wait (terminal);
  g_assert_cmpint (result.status, ==, 1);
  g_assert_true (tool_terminal_echoes (terminal));
  g_assert_false (has_users (bus));
}

static void
a_user_that_is_there_is_named_before_anything_is_asked (void)
{
  g_autoptr (SbTestDaemon) bus = sb_test_daemon_new ();
  g_auto (ToolResult) first = add_admin (bus, "root", "geheim");
  g_autoptr (ToolTerminal) terminal = start_at_terminal (bus);
  g_auto (ToolResult) result = tool_terminal_wait (terminal);

  g_assert_cmpint (first.status, ==, 0);
  g_assert_cmpint (result.status, ==, 2);
  g_assert_null (strstr (result.output, "Password"));
}

/* Ctrl-C, Ctrl-\, and Ctrl-D, which is the end of the input. */
static const struct
{
  const char *key;
  int status;
} ends[] = {
  { "\x03", -SIGINT },
  { "\x1c", -SIGQUIT },
  { "\x04", 1 },
};

static void
an_end_halfway_gives_the_terminal_back (void)
{
  g_autoptr (SbTestDaemon) bus = sb_test_daemon_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (ends); i++)
    for (guint answers = 0; answers < 2; answers++)
      {
        g_autoptr (ToolTerminal) terminal = start_at_terminal (bus);
        g_auto (ToolResult) result = { 0 };

        tool_terminal_expect (terminal, "Password for root: ");
        if (answers == 1)
          {
            tool_terminal_type (terminal, "geheim\n");
            tool_terminal_expect (terminal, "The same again: ");
          }
        tool_terminal_type (terminal, ends[i].key);
        result = tool_terminal_wait (terminal);
        g_assert_cmpint (result.status, ==, ends[i].status);
        g_assert_true (tool_terminal_echoes (terminal));
      }
  g_assert_false (has_users (bus));
}

int
main (int argc, char **argv)
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/add-admin/a-line-of-input-is-the-password", a_line_of_input_is_the_password);
  g_test_add_func ("/add-admin/a-further-admin-is-made-beside-the-others",
                   a_further_admin_is_made_beside_the_others);
  g_test_add_func ("/add-admin/a-line-may-end-as-on-windows", a_line_may_end_as_on_windows);
  g_test_add_func ("/add-admin/a-running-bus-is-left-alone", a_running_bus_is_left_alone);
  g_test_add_func ("/add-admin/a-user-that-is-there-stays-as-it-is",
                   a_user_that_is_there_stays_as_it_is);
  g_test_add_func ("/add-admin/faulty-input-makes-nobody", faulty_input_makes_nobody);
  g_test_add_func ("/add-admin/the-configuration-holds", the_configuration_holds);
  g_test_add_func ("/add-admin/a-store-that-keeps-nothing-is-found-out",
                   a_store_that_keeps_nothing_is_found_out);
  g_test_add_func ("/add-admin/a-folder-of-another-user-is-not-touched",
                   a_folder_of_another_user_is_not_touched);
  g_test_add_func ("/add-admin/a-terminal-is-asked-twice-and-shows-nothing",
                   a_terminal_is_asked_twice_and_shows_nothing);
  g_test_add_func ("/add-admin/two-passwords-that-differ-make-nobody",
                   two_passwords_that_differ_make_nobody);
  g_test_add_func ("/add-admin/a-user-that-is-there-is-named-before-anything-is-asked",
                   a_user_that_is_there_is_named_before_anything_is_asked);
  g_test_add_func ("/add-admin/an-end-halfway-gives-the-terminal-back",
                   an_end_halfway_gives_the_terminal_back);
  return g_test_run ();
}

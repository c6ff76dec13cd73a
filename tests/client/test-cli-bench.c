/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-cli-bench: `simplebus bench` measures, and leaves nothing behind, whatever ends it. */

#include "sb-test-cli.h"
#include "sb-test-file.h"
#include "sb-test-proxy.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <signal.h>
#include <string.h>

static guint
count_users (SbTestSite *bus)
{
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (bus->admin, "/api/v1/users");

  sb_test_assert_status (answer, 200);
  return json_array_get_length (
      json_object_get_array_member (sb_test_answer_object (answer), "users"));
}

/* What programs make in a folder of their own is gone with it. */
static SbTestCli *
new_cli (SbTestSite *bus, const char *user)
{
  SbTestCli *cli = sb_test_cli_new_for (bus->daemon, user);

  sb_test_cli_setenv (cli, "TMPDIR", sb_test_cli_get_home (cli));
  return cli;
}

static gboolean
has_left_something (SbTestCli *cli)
{
  g_autoptr (GDir) dir = g_dir_open (sb_test_cli_get_home (cli), 0, NULL);

  for (const char *name = g_dir_read_name (dir); name != NULL; name = g_dir_read_name (dir))
    if (g_str_has_prefix (name, "simplebus-bench-"))
      return TRUE;
  return FALSE;
}

static GSubprocess *
begin (SbTestCli *cli, const char *option)
{
  g_autoptr (GSubprocessLauncher) launcher = NULL;
  g_autoptr (GError) error = NULL;
  GSubprocess *process;

  launcher = sb_test_cli_make_launcher (cli, G_SUBPROCESS_FLAGS_STDERR_SILENCE
                                                 | G_SUBPROCESS_FLAGS_STDOUT_SILENCE);
  process = g_subprocess_launcher_spawn (launcher, &error, sb_test_cli_get_program (), "bench",
                                         "--duration=60", option, NULL);
  g_assert_no_error (error);
  return process;
}

static void
ended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  gboolean *has_ended = user_data;

  *has_ended = TRUE;
}

/* Returns: its exit status; minus the signal's number when one ended it */
static int
wait_for_end (GSubprocess *process)
{
  gboolean has_ended = FALSE;

  g_subprocess_wait_async (process, NULL, ended_cb, &has_ended);
  sb_test_wait_flag (&has_ended, "the end of simplebus");
  return g_subprocess_get_if_exited (process) ? g_subprocess_get_exit_status (process)
                                              : -g_subprocess_get_term_sig (process);
}

static gboolean
is_under_way (gpointer user_data)
{
  SbTestSite *bus = user_data;

  return sb_test_get_metric (bus->admin, "simplebus_messages_accepted_total") > 20;
}

/* --- */

static void
test_measures_and_leaves_nothing (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = new_cli (bus, "admin");
  guint before = count_users (bus);
  g_autoptr (SbTestOutcome) outcome = sb_test_cli_run_line (cli,
                                                            "bench --duration 1 --size 4 --json");
  JsonObject *figures;
  JsonObject *delivered;

  sb_test_assert_outcome (outcome, 0);
  figures = sb_test_json_object (outcome->out);
  g_assert_cmpint (sb_test_json_int (figures, "single_messages"), ==, 100);
  delivered = sb_test_json_member (figures, "delivered_us");
  g_assert_cmpint (sb_test_json_int (delivered, "median"), >, 0);
  g_assert_cmpint (sb_test_json_int (delivered, "p99"), >=, sb_test_json_int (delivered, "median"));
  g_assert_cmpint (sb_test_json_int (delivered, "max"), >=, sb_test_json_int (delivered, "p99"));
  g_assert_cmpint (sb_test_json_int (figures, "stream_messages"), >, 0);
  g_assert_cmpint (sb_test_json_int (figures, "accepted_per_second"), <=, 1100);
  g_assert_cmpint (sb_test_json_int (figures, "upload_bytes_per_second"), >, 0);
  g_assert_cmpint (sb_test_json_int (figures, "download_bytes_per_second"), >, 0);
  json_object_unref (figures);
  g_assert_cmpuint (count_users (bus), ==, before);
  g_assert_false (has_left_something (cli));
  sb_test_wait_files (bus->daemon, 0);
}

static void
test_shows_people_a_table (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = new_cli (bus, "admin");
  g_autoptr (SbTestOutcome) outcome = sb_test_cli_run_line (
      cli, "bench --duration 1 --size 0 --rate 0 --quiet");

  sb_test_assert_outcome (outcome, 0);
  sb_test_assert_contains (outcome->out, "delivered ");
  sb_test_assert_contains (outcome->out, " messages of 256 bytes: ");
  g_assert_null (strstr (outcome->out, "MB/s"));
  g_assert_cmpstr (outcome->err, ==, "");
}

static void
test_takes_two_users_that_are_there (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = new_cli (bus, "alice");
  guint before = count_users (bus);
  g_autoptr (SbTestOutcome) outcome = sb_test_cli_run_with (
      cli, "bob-pw\n", "bench", "--duration=1", "--size=1", "--peer=bob", "--peer-password-file=-",
      "--yes", NULL);

  sb_test_assert_outcome (outcome, 0);
  sb_test_assert_contains (outcome->out, "MB/s down");
  g_assert_cmpuint (count_users (bus), ==, before);
}

static void
test_makes_users_for_admins_only (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = new_cli (bus, "alice");
  guint before = count_users (bus);
  g_autoptr (SbTestOutcome) outcome = sb_test_cli_run_line (cli, "bench");

  sb_test_assert_outcome (outcome, 77);
  g_assert_cmpuint (count_users (bus), ==, before);
}

static void
test_cleans_up_when_it_is_stopped (void)
{
  static const int signals[] = { SIGINT, SIGTERM };

  for (gsize i = 0; i < G_N_ELEMENTS (signals); i++)
    {
      g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
      g_autoptr (SbTestCli) cli = new_cli (bus, "admin");
      guint before = count_users (bus);
      g_autoptr (GSubprocess) process = begin (cli, "--size=1");

      sb_test_poll_for (is_under_way, bus, "messages");
      g_assert_cmpuint (count_users (bus), ==, before + 2);
      g_subprocess_send_signal (process, signals[i]);
      g_assert_cmpint (wait_for_end (process), ==, -signals[i]);
      g_assert_cmpuint (count_users (bus), ==, before);
      g_assert_false (has_left_something (cli));
    }
}

/* Figures of a connection that came again would be of something else. */
static void
test_fails_when_the_connection_is_lost (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = new_cli (bus, "admin");
  g_autoptr (SbTestProxy) proxy = sb_test_proxy_new (sb_test_daemon_get_http_port (bus->daemon));
  g_autofree char *url = g_strdup_printf ("http://127.0.0.1:%u", sb_test_proxy_get_port (proxy));
  guint before = count_users (bus);
  g_autoptr (GSubprocess) process = NULL;

  sb_test_cli_setenv (cli, "SIMPLEBUS_URL", url);
  process = begin (cli, "--size=0");
  sb_test_poll_for (is_under_way, bus, "messages");
  sb_test_proxy_drop (proxy);
  g_assert_cmpint (wait_for_end (process), ==, 69);
  g_assert_cmpuint (count_users (bus), ==, before);
}

static void
test_ends_when_the_bus_dies (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestCli) cli = new_cli (bus, "admin");
  g_autoptr (GSubprocess) process = begin (cli, "--size=0");

  sb_test_poll_for (is_under_way, bus, "messages");
  sb_test_daemon_kill (bus->daemon);
  g_assert_cmpint (wait_for_end (process), ==, 69);
}

static void
test_refuses_words_that_make_no_sense (void)
{
  static const char *const cases[][2] = {
    { "bench now", "\"now\" is one word too many" },
    { "bench --duration 0", "--duration takes a number from 1" },
    { "bench --rate -1", "--rate takes a number from 0" },
    { "bench --message-size -1", "--message-size takes a number" },
    { "bench --size 70000", "--size takes a number" },
    { "bench --peer-password-file x", "--peer-password-file goes with --peer" },
  };
  g_autoptr (SbTestCli) cli = sb_test_cli_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SbTestOutcome) outcome = sb_test_cli_run_line (cli, cases[i][0]);

      sb_test_assert_outcome (outcome, 2);
      sb_test_assert_contains (outcome->err, cases[i][1]);
    }
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/cli-bench/measures-and-leaves-nothing", test_measures_and_leaves_nothing);
  g_test_add_func ("/cli-bench/shows-people-a-table", test_shows_people_a_table);
  g_test_add_func ("/cli-bench/takes-two-users-that-are-there",
                   test_takes_two_users_that_are_there);
  g_test_add_func ("/cli-bench/makes-users-for-admins-only", test_makes_users_for_admins_only);
  g_test_add_func ("/cli-bench/cleans-up-when-it-is-stopped", test_cleans_up_when_it_is_stopped);
  g_test_add_func ("/cli-bench/fails-when-the-connection-is-lost",
                   test_fails_when_the_connection_is_lost);
  g_test_add_func ("/cli-bench/ends-when-the-bus-dies", test_ends_when_the_bus_dies);
  g_test_add_func ("/cli-bench/refuses-words-that-make-no-sense",
                   test_refuses_words_that_make_no_sense);
  return g_test_run ();
}

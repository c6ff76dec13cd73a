/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-agent: `simplebus agent` as a service: hooks, reload, its manager, its end. */

#include "sb-test-file.h"
#include "sb-test-program.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

/* A bus, the home of bob, and a service manager that listens. */
typedef struct
{
  SbTestSite *site; /* (owned) */
  SbTestCli *cli;   /* (owned) */
  GSocket *manager; /* (owned) */
} Rig;

static void
listen_as_manager (Rig *self)
{
  g_autofree char *uuid = g_uuid_string_random ();
  g_autofree char *name = g_strconcat ("@", uuid, NULL);
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new_with_type (
      uuid, -1, G_UNIX_SOCKET_ADDRESS_ABSTRACT);
  g_autoptr (GError) error = NULL;

  self->manager = g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_DATAGRAM,
                                G_SOCKET_PROTOCOL_DEFAULT, NULL);
  g_socket_bind (self->manager, address, FALSE, &error);
  g_assert_no_error (error);
  g_socket_set_timeout (self->manager, 60);
  sb_test_cli_setenv (self->cli, "NOTIFY_SOCKET", name);
}

static Rig *
rig_new (void)
{
  Rig *self = g_new0 (Rig, 1);

  self->site = sb_test_site_new ("bus.store=sqlite", "bus.confirm-timeout=1", NULL);
  self->cli = sb_test_cli_new_for (self->site->daemon, "bob");
  listen_as_manager (self);
  return self;
}

static void
rig_free (Rig *self)
{
  sb_test_cli_free (self->cli);
  sb_test_site_free (self->site);
  g_object_unref (self->manager);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Rig, rig_free)

/* Waits until the manager was told so. */
static void
wait_told (Rig *rig, const char *state)
{
  char buffer[4096];

  do
    {
      g_autoptr (GError) error = NULL;
      gssize n = g_socket_receive (rig->manager, buffer, sizeof buffer - 1, NULL, &error);

      g_assert_no_error (error);
      buffer[n] = '\0';
    }
  while (strstr (buffer, state) == NULL);
}

static char *
get_path (Rig *rig, const char *name)
{
  return g_build_filename (sb_test_cli_get_home (rig->cli), name, NULL);
}

static void
configure (Rig *rig, const char *text)
{
  g_autofree char *folder = get_path (rig, "config/simplebus");
  g_autofree char *path = get_path (rig, "config/simplebus/agent.ini");
  g_autoptr (GError) error = NULL;

  g_assert_no_errno (g_mkdir_with_parents (folder, 0700));
  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
}

static void
wait_in_file (Rig *rig, const char *name, const char *text)
{
  g_autofree char *path = get_path (rig, name);

  g_free (sb_test_wait_file (path, text));
}

static void
touch (Rig *rig, const char *name)
{
  g_autofree char *path = get_path (rig, name);

  g_assert_true (g_file_set_contents (path, "", 0, NULL));
}

static void
put (Rig *rig, const char *id)
{
  g_autofree char *json = g_strdup_printf ("{\"to\":\"@bob\",\"_id\":\"%s\",\"message\":1}", id);

  g_free (sb_test_put (rig->site->alice, json));
}

static void
put_file (Rig *rig, const char *id)
{
  g_autofree char *json = g_strdup_printf ("{\"to\":\"@bob\",\"_id\":\"%s\",\"message\":1}", id);

  g_free (sb_test_put_file (rig->site->alice, json, "file.txt", "hello", 5));
}

static SbTestProgram *
start (Rig *rig, const char *text)
{
  SbTestProgram *program;

  configure (rig, text);
  program = sb_test_program_new (rig->cli, "agent", NULL);
  wait_told (rig, "READY=1");
  return program;
}

/* --- The service --- */

static void
test_is_a_service (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestProgram) program = start (rig, "[agent]\non-message=true\n");

  wait_told (rig, "STATUS=connected");
  sb_test_program_signal (program, SIGTERM);
  wait_told (rig, "STOPPING=1");
  g_assert_cmpint (sb_test_program_wait_end (program), ==, 0);
}

static void
test_is_ready_without_a_bus (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestProgram) program = NULL;

  sb_test_daemon_terminate (rig->site->daemon);
  program = start (rig, "[agent]\non-message=true\n");
  wait_told (rig, "STATUS=waiting");
  sb_test_daemon_restart (rig->site->daemon, TRUE);
  put (rig, "a");
  sb_test_wait_state (rig->site->alice, "a", "bob", "confirmed");
}

static void
test_shows_that_it_lives (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestProgram) program = NULL;

  sb_test_cli_setenv (rig->cli, "WATCHDOG_USEC", "200000");
  program = start (rig, "");
  wait_told (rig, "WATCHDOG=1");
  wait_told (rig, "WATCHDOG=1");
}

static void
test_refuses_a_configuration_that_is_wrong (void)
{
  static const char *const cases[][2] = {
    { "[agent]\non-mesage=true\n", "on-mesage" },
    { "[agnt]\non-message=true\n", "[agnt]" },
    { "[agent]\nparallel=0\n", "parallel" },
    { "[agent]\nparallel=many\n", "parallel" },
    { "[agent]\ntimeout=soon\n", "timeout" },
    { "[agent]\ndownload-dir=here\n", "download-dir" },
    { "nonsense", "agent.ini" },
  };
  g_autoptr (Rig) rig = rig_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SbTestOutcome) outcome = NULL;

      configure (rig, cases[i][0]);
      outcome = sb_test_cli_run (rig->cli, "agent", NULL);
      sb_test_assert_outcome (outcome, 78);
      sb_test_assert_contains (outcome->err, cases[i][1]);
    }
}

static void
test_ends_with_a_wrong_password (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestOutcome) outcome = NULL;

  sb_test_cli_setenv (rig->cli, "SIMPLEBUS_PASSWORD", "wrong");
  outcome = sb_test_cli_run (rig->cli, "agent", NULL);
  sb_test_assert_outcome (outcome, 77);
}

static void
test_reads_its_configuration_again (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestProgram) program = start (rig, "[agent]\non-message=echo old >> runs\n");

  put (rig, "a");
  wait_in_file (rig, "runs", "old");
  configure (rig, "[agent]\non-message=echo new >> runs\n");
  sb_test_program_signal (program, SIGHUP);
  wait_told (rig, "RELOADING=1");
  wait_told (rig, "READY=1");
  put (rig, "b");
  wait_in_file (rig, "runs", "old\nnew\n");
  sb_test_wait_state (rig->site->alice, "b", "bob", "confirmed");
}

static void
test_keeps_the_old_configuration_when_the_new_one_is_wrong (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestProgram) program = start (rig, "[agent]\non-message=echo old >> runs\n");

  configure (rig, "[agent]\nnonsense=1\n");
  sb_test_program_signal (program, SIGHUP);
  sb_test_program_wait_error (program, "the old configuration stays in force");
  put (rig, "a");
  wait_in_file (rig, "runs", "old");
}

/* --- Messages --- */

static void
test_confirms_what_its_hook_has_done (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestProgram) program = start (
      rig, "[agent]\non-message=echo \"$SIMPLEBUS_ID $SIMPLEBUS_SENDER\" >> runs; cat >> inputs\n");

  put (rig, "a");
  sb_test_wait_state (rig->site->alice, "a", "bob", "confirmed");
  wait_in_file (rig, "runs", "a alice\n");
  wait_in_file (rig, "inputs", "\"_id\":\"a\",\"sender\":\"alice\"");
}

static void
test_runs_a_hook_again_that_has_failed (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestProgram) program = start (
      rig, "[agent]\non-message=echo x >> runs; test $(wc -l < runs) -ge 3\n");

  put (rig, "a");
  sb_test_program_wait_error (program, "on-message for a failed: it ended with status 1");
  sb_test_wait_state (rig->site->alice, "a", "bob", "confirmed");
  wait_in_file (rig, "runs", "x\nx\nx\n");
}

static void
test_leaves_messages_without_a_hook (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestProgram) program = start (rig, "");
  g_autofree char *state = NULL;

  put (rig, "a");
  sb_test_program_wait_error (program, "names no on-message");
  state = sb_test_get_state (rig->site->alice, "a", "bob");
  g_assert_cmpstr (state, !=, "confirmed");
}

static void
test_survives_restarts_of_the_bus (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestProgram) program = start (rig, "[agent]\non-message=true\n");

  put (rig, "a");
  sb_test_wait_state (rig->site->alice, "a", "bob", "confirmed");
  sb_test_site_restart (rig->site);
  put (rig, "b");
  sb_test_wait_state (rig->site->alice, "b", "bob", "confirmed");
}

static void
test_lets_hooks_end_when_it_is_stopped (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestProgram) program = start (
      rig, "[agent]\non-message=echo x >> runs; until test -e go; do sleep 0.05; done\n");

  put (rig, "a");
  wait_in_file (rig, "runs", "x");
  sb_test_program_signal (program, SIGTERM);
  wait_told (rig, "STOPPING=1");
  touch (rig, "go");
  g_assert_cmpint (sb_test_program_wait_end (program), ==, 0);
  sb_test_wait_state (rig->site->alice, "a", "bob", "confirmed");
}

/* --- Files and receipts --- */

static void
test_fetches_files (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestProgram) program = start (rig, "[agent]\ndownload-dir=~/files\n");

  put_file (rig, "f");
  sb_test_wait_state (rig->site->alice, "f", "bob", "confirmed");
  wait_in_file (rig, "files/file.txt", "hello");
}

static void
test_runs_a_hook_for_a_file_until_it_works (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestProgram) program = start (
      rig, "[agent]\ndownload-dir=~/files\non-download=echo \"$SIMPLEBUS_PATH\" >> runs; "
           "test $(wc -l < runs) -ge 2\n");
  g_autofree char *path = get_path (rig, "files/file.txt");
  g_autofree char *twice = g_strdup_printf ("%s\n%s\n", path, path);

  put_file (rig, "f");
  wait_in_file (rig, "runs", twice);
  sb_test_wait_state (rig->site->alice, "f", "bob", "confirmed");
}

static void
test_runs_a_hook_for_a_confirmation (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestProgram) program = start (
      rig, "[agent]\non-confirmation=echo \"$SIMPLEBUS_ID $SIMPLEBUS_RECIPIENT\" >> runs\n");
  g_autoptr (SbTestAnswer) answer = NULL;

  g_free (sb_test_put (rig->site->bob, "{\"to\":\"@carol\",\"_id\":\"x\",\"message\":1}"));
  answer = sb_test_http_post (rig->site->carol, "/confirm", "[\"x\"]");
  wait_in_file (rig, "runs", "x carol\n");
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/agent/is-a-service", test_is_a_service);
  g_test_add_func ("/agent/is-ready-without-a-bus", test_is_ready_without_a_bus);
  g_test_add_func ("/agent/shows-that-it-lives", test_shows_that_it_lives);
  g_test_add_func ("/agent/refuses-a-configuration-that-is-wrong",
                   test_refuses_a_configuration_that_is_wrong);
  g_test_add_func ("/agent/ends-with-a-wrong-password", test_ends_with_a_wrong_password);
  g_test_add_func ("/agent/reads-its-configuration-again", test_reads_its_configuration_again);
  g_test_add_func ("/agent/keeps-the-old-configuration-when-the-new-one-is-wrong",
                   test_keeps_the_old_configuration_when_the_new_one_is_wrong);
  g_test_add_func ("/agent/confirms-what-its-hook-has-done", test_confirms_what_its_hook_has_done);
  g_test_add_func ("/agent/runs-a-hook-again-that-has-failed",
                   test_runs_a_hook_again_that_has_failed);
  g_test_add_func ("/agent/leaves-messages-without-a-hook", test_leaves_messages_without_a_hook);
  g_test_add_func ("/agent/survives-restarts-of-the-bus", test_survives_restarts_of_the_bus);
  g_test_add_func ("/agent/lets-hooks-end-when-it-is-stopped",
                   test_lets_hooks_end_when_it_is_stopped);
  g_test_add_func ("/agent/fetches-files", test_fetches_files);
  g_test_add_func ("/agent/runs-a-hook-for-a-file-until-it-works",
                   test_runs_a_hook_for_a_file_until_it_works);
  g_test_add_func ("/agent/runs-a-hook-for-a-confirmation", test_runs_a_hook_for_a_confirmation);
  return g_test_run ();
}

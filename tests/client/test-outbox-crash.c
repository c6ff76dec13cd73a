/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-outbox-crash: a program that sends is killed, at places that are chosen and at any, and
 * started again, as often as it takes. What it was promised is not lost, and nothing comes twice.
 */

#include "disk-log.h"
#include "sb-test-client.h"
#include "sb-test-proxy.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

/* The program, and what it has said. */
typedef struct
{
  GSubprocess *process;     /* (owned) */
  GDataInputStream *output; /* (owned) */
  guint n_kept;             /* it was promised that the numbers below are kept */
  guint n_refused;
  gboolean is_done;
  gboolean has_ended;
} Program;

typedef struct
{
  SbTestSite *site;
  SbTestProxy *proxy;
  SbTestDir *dir;
  GPtrArray *environment; /* (owned) of names and values */
  guint n_kept;
  guint n_crashes;
} Rig;

/* --- The program --- */

static void
take_line (Program *self, const char *line)
{
  g_test_message ("%s", line);
  if (g_str_has_prefix (line, "kept "))
    self->n_kept = (guint) g_ascii_strtoull (line + 5, NULL, 10) + 1;
  else if (g_str_has_prefix (line, "refused "))
    self->n_refused++;
  else if (strcmp (line, "done") == 0)
    self->is_done = TRUE;
  else
    g_assert_true (g_str_has_prefix (line, "accepted "));
}

static void
line_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Program *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *line = g_data_input_stream_read_line_finish (G_DATA_INPUT_STREAM (source),
                                                                result, NULL, &error);

  g_assert_no_error (error);
  self->has_ended = line == NULL;
  if (line == NULL)
    return;
  /* A line that was cut off promises nothing. */
  take_line (self, line);
  g_data_input_stream_read_line_async (self->output, G_PRIORITY_DEFAULT, NULL, line_cb, self);
}

static Program *
program_new (Rig *rig, guint first, guint count, guint window)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_autofree char *port = g_strdup_printf ("%u", sb_test_proxy_get_port (rig->proxy));
  g_autofree char *from = g_strdup_printf ("%u", first);
  g_autofree char *n = g_strdup_printf ("%u", count);
  g_autofree char *at_once = g_strdup_printf ("%u", window);
  g_autoptr (GError) error = NULL;
  Program *self = g_new0 (Program, 1);

  for (guint i = 0; i < rig->environment->len; i += 2)
    g_subprocess_launcher_setenv (launcher, g_ptr_array_index (rig->environment, i),
                                  g_ptr_array_index (rig->environment, i + 1), TRUE);
  self->n_kept = first;
  self->process = g_subprocess_launcher_spawn (launcher, &error, SB_TEST_OUTBOX_CLIENT, port,
                                               rig->dir, from, n, at_once, NULL);
  g_assert_no_error (error);
  self->output = g_data_input_stream_new (g_subprocess_get_stdout_pipe (self->process));
  g_data_input_stream_read_line_async (self->output, G_PRIORITY_DEFAULT, NULL, line_cb, self);
  return self;
}

/* Waits for its end. Returns: whether it ended well, and did not die */
static gboolean
program_end (Program *self)
{
  gboolean is_good;

  sb_test_wait_flag (&self->has_ended, "a program to end");
  g_assert_true (g_subprocess_wait (self->process, NULL, NULL));
  is_good = g_subprocess_get_if_exited (self->process);
  if (is_good)
    g_assert_cmpint (g_subprocess_get_exit_status (self->process), ==, 0);
  else
    g_assert_cmpint (g_subprocess_get_term_sig (self->process), ==, SIGKILL);
  g_assert_true (is_good == self->is_done);
  g_object_unref (self->output);
  g_object_unref (self->process);
  g_free (self);
  return is_good;
}

/* --- The rig --- */

static void
set_environment (Rig *self, const char *name, const char *value)
{
  g_ptr_array_add (self->environment, g_strdup (name));
  g_ptr_array_add (self->environment, g_strdup (value));
}

/* By its name alone, since there may be blanks in its folder's. */
static void
preload (Rig *self, const char *path)
{
  const char *others = g_getenv ("LD_LIBRARY_PATH");
  const char *before = g_getenv ("LD_PRELOAD");
  g_autofree char *name = g_path_get_basename (path);
  g_autofree char *names = g_strjoin (" ", name, before, NULL);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *folders = g_strjoin (":", folder, others, NULL);

  set_environment (self, "LD_LIBRARY_PATH", folders);
  set_environment (self, "LD_PRELOAD", names);
}

static Rig *
rig_new (void)
{
  Rig *self = g_new0 (Rig, 1);

  self->site = sb_test_site_new (NULL, NULL);
  self->proxy = sb_test_proxy_new (sb_test_daemon_get_http_port (self->site->daemon));
  self->dir = sb_test_make_dir ();
  self->environment = g_ptr_array_new_with_free_func (g_free);
  return self;
}

static void
rig_free (Rig *self)
{
  g_ptr_array_unref (self->environment);
  sb_test_proxy_free (self->proxy);
  sb_test_site_free (self->site);
  sb_test_remove_dir (self->dir);
  g_free (self);
}

/* Runs the program from where it was to @end, or until it dies. */
static void
run (Rig *self, guint end, guint window)
{
  Program *program = program_new (self, self->n_kept, end - self->n_kept, window);

  sb_test_wait_flag (&program->has_ended, "a program to end");
  self->n_kept = program->n_kept;
  if (!program_end (program))
    self->n_crashes++;
}

/* Bob has got all numbers below @n, in order and each once. */
static void
assert_all (Rig *self, guint n)
{
  g_autoptr (SbTestClient) bob = sb_test_client_new (
      sb_test_daemon_get_http_port (self->site->daemon), "bob", NULL);

  sb_test_client_connect (bob);
  sb_test_client_wait (bob, bob->messages, n);
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *payload = sb_test_client_dup_payload (bob, i);

      g_assert_cmpuint (g_ascii_strtoull (payload, NULL, 10), ==, i);
    }
  g_assert_cmpuint (bob->messages->len, ==, n);
}

/* --- Tests --- */

static void
test_survives_a_kill_at (gconstpointer place)
{
  Rig *rig = rig_new ();
  guint n = 0;

  set_environment (rig, "SIMPLEBUS_CLIENT_TIMES", "pause-percent=5");
  for (guint nth = 1; nth < 50; nth = nth * 2 + 1)
    {
      g_autofree char *fault = g_strdup_printf ("%s:%u", (const char *) place, nth);

      set_environment (rig, "SIMPLEBUS_CLIENT_FAULT_POINT", fault);
      n += 40;
      run (rig, n, 10);
    }
  g_assert_cmpuint (rig->n_crashes, >, 0);
  set_environment (rig, "SIMPLEBUS_CLIENT_FAULT_POINT", "none");
  run (rig, n, 10);
  g_assert_cmpuint (rig->n_kept, ==, n);
  assert_all (rig, n);
  rig_free (rig);
}

static gboolean
kill_cb (gpointer user_data)
{
  g_subprocess_force_exit (((Program *) user_data)->process);
  return G_SOURCE_REMOVE;
}

/* Beside cuts of the network. */
static void
test_survives_kills_at_any_time (void)
{
  Rig *rig = rig_new ();
  guint n = 0;

  set_environment (rig, "SIMPLEBUS_CLIENT_TIMES", "pause-percent=5");
  sb_test_proxy_cut_often (rig->proxy, SB_TEST_WAY_UP, 500, 20000, 10);
  sb_test_proxy_cut_often (rig->proxy, SB_TEST_WAY_DOWN, 500, 20000, 10);
  for (guint i = 0; i < 12; i++)
    {
      Program *program;
      guint source;

      n += 300;
      program = program_new (rig, rig->n_kept, n - rig->n_kept, 50);
      source = g_timeout_add ((guint) g_test_rand_int_range (10, 150), kill_cb, program);
      sb_test_wait_flag (&program->has_ended, "a program to be killed");
      if (g_main_context_find_source_by_id (NULL, source) != NULL)
        g_source_remove (source);
      rig->n_kept = program->n_kept;
      program_end (program);
    }
  run (rig, n, 50);
  g_assert_cmpuint (rig->n_kept, ==, n);
  assert_all (rig, n);
  rig_free (rig);
}

static gboolean
has_refused_or_ended (gpointer user_data)
{
  const Program *self = user_data;

  return self->n_refused >= 6 || self->has_ended;
}

/* The program's own disk. */
static void
test_refuses_while_the_disk_is_full (void)
{
  Rig *rig;
  g_autoptr (SbTestDir) faults = sb_test_make_dir ();
  g_autofree char *full = g_build_filename (faults, DISK_FAULT_FULL, NULL);
  Program *program;

  if (sb_test_daemon_is_instrumented ())
    {
      g_test_skip ("nothing can be preloaded before a sanitizer");
      return;
    }
  rig = rig_new ();
  set_environment (rig, "SIMPLEBUS_CLIENT_TIMES", "pause-percent=5");
  preload (rig, SB_TEST_DISK_SPY);
  set_environment (rig, DISK_ENV_FAULTS, faults);
  sb_test_proxy_set_accepting (rig->proxy, FALSE);
  program = program_new (rig, 0, 2000, 1);
  sb_test_wait_count (&program->n_kept, 10, "messages to be kept");
  g_assert_true (g_file_set_contents (full, "", 0, NULL));
  sb_test_wait_count (&program->n_refused, 3, "messages to be refused");
  g_assert_no_errno (g_remove (full));
  sb_test_wait_count (&program->n_kept, 200, "messages to be kept again");
  sb_test_proxy_set_accepting (rig->proxy, TRUE);
  sb_test_wait_count (&program->n_kept, 300, "messages to be kept beside others that go");
  g_assert_true (g_file_set_contents (full, "", 0, NULL));
  /* A slow test may find that it is all done. */
  sb_test_wait_for (has_refused_or_ended, program, "more messages to be refused");
  g_assert_no_errno (g_remove (full));
  sb_test_wait_flag (&program->has_ended, "the end");
  g_assert_true (program_end (program));
  assert_all (rig, 2000);
  rig_free (rig);
}

int
main (int argc, char **argv)
{
  static const char *const places[] = { "outbox-before-commit", "outbox-after-commit",
                                        "outbox-appended",      "outbox-sent",
                                        "outbox-accepted",      "socket-written" };

  sb_test_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    {
      g_autofree char *path = g_strconcat ("/client/outbox-crash/survives-a-kill-at-", places[i],
                                           NULL);

      g_test_add_data_func (path, places[i], test_survives_a_kill_at);
    }
  g_test_add_func ("/client/outbox-crash/survives-kills-at-any-time",
                   test_survives_kills_at_any_time);
  g_test_add_func ("/client/outbox-crash/refuses-while-the-disk-is-full",
                   test_refuses_while_the_disk_is_full);
  return g_test_run ();
}

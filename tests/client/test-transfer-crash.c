/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-transfer-crash: a client that is killed at each step of sending and receiving. The next one
 * goes on: no file is lost, none is there twice, none is wrong, and nothing is left over.
 */

#include "sb-test-file.h"
#include "sb-test-mover.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <signal.h>
#include <string.h>

#define SIZE (1024 * 1024 + 3)
#define DEATH "SIMPLEBUS_CLIENT_FAULT_POINT"

typedef struct
{
  SbTestSite *bus;   /* (owned) */
  SbTestMover *user; /* (owned): not open; its folders are what counts */
  char *data;        /* (owned): SIZE bytes */
  gboolean has_links;
  gboolean has_rename;
  GString *output; /* (owned): of all programs so far */
} Rig;

static Rig *
rig_new (const char *user)
{
  Rig *self = g_new0 (Rig, 1);

  self->bus = sb_test_site_new ("bus.store=sqlite", NULL);
  self->user = sb_test_mover_new (sb_test_daemon_get_http_port (self->bus->daemon), user);
  self->data = sb_test_make_bytes (SIZE, 4);
  self->has_links = TRUE;
  self->has_rename = TRUE;
  self->output = g_string_new (NULL);
  return self;
}

static void
rig_free (Rig *self)
{
  g_string_free (self->output, TRUE);
  g_free (self->data);
  sb_test_mover_free (self->user);
  sb_test_site_free (self->bus);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Rig, rig_free)

static void
preload (GSubprocessLauncher *launcher)
{
  g_autofree char *folder = g_path_get_dirname (SB_TEST_NO_LINKS);
  g_autofree char *name = g_path_get_basename (SB_TEST_NO_LINKS);
  g_autofree char *folders = g_strjoin (":", folder, g_getenv ("LD_LIBRARY_PATH"), NULL);
  g_autofree char *options = g_strjoin (":", "verify_asan_link_order=0", g_getenv ("ASAN_OPTIONS"),
                                        NULL);

  g_subprocess_launcher_setenv (launcher, "LD_LIBRARY_PATH", folders, TRUE);
  g_subprocess_launcher_setenv (launcher, "LD_PRELOAD", name, TRUE);
  /* With the address sanitizer: it wants to be the first, and need not be. */
  g_subprocess_launcher_setenv (launcher, "ASAN_OPTIONS", options, TRUE);
}

typedef struct
{
  gboolean is_done;
  char *output;
} Run;

static void
ended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Run *run = user_data;
  g_autoptr (GError) error = NULL;

  g_subprocess_communicate_utf8_finish (G_SUBPROCESS (source), result, &run->output, NULL, &error);
  g_assert_no_error (error);
  run->is_done = TRUE;
}

/* Runs the program to its end. @point: (nullable): where it is to die */
static void
run (Rig *rig, const char *point, const char *const *arguments)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  const char *const head[] = { SB_TEST_MOVE, rig->user->url, rig->user->user, rig->user->state_dir,
                               rig->user->download_dir };
  g_autoptr (GPtrArray) words = g_ptr_array_new ();
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  Run outcome = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (head); i++)
    g_ptr_array_add (words, (gpointer) head[i]);
  for (; *arguments != NULL; arguments++)
    g_ptr_array_add (words, (gpointer) *arguments);
  g_ptr_array_add (words, NULL);
  if (!rig->has_links)
    preload (launcher);
  if (!rig->has_rename)
    g_subprocess_launcher_setenv (launcher, "SB_TEST_NO_RENAME", "1", TRUE);
  g_subprocess_launcher_setenv (launcher, DEATH, point != NULL ? point : "", TRUE);
  process = g_subprocess_launcher_spawnv (launcher, (const char *const *) words->pdata, &error);
  g_assert_no_error (error);
  g_subprocess_communicate_utf8_async (process, NULL, NULL, ended_cb, &outcome);
  sb_test_wait_flag (&outcome.is_done, point != NULL ? point : "a program that has to end");
  g_string_append (rig->output, outcome.output);
  g_free (outcome.output);
  if (point != NULL)
    {
      g_assert_true (g_subprocess_get_if_signaled (process));
      g_assert_cmpint (g_subprocess_get_term_sig (process), ==, SIGKILL);
    }
  else
    g_assert_true (g_subprocess_get_successful (process));
}

static guint
count (Rig *rig, const char *word)
{
  guint n = 0;

  for (const char *p = rig->output->str; (p = strstr (p, word)) != NULL; p++)
    n++;
  return n;
}

/* --- Receiving --- */

static const char *const download_points[] = {
  "download-recorded", "download-block",   "download-block:3", "download-verified",
  "download-flushed",  "download-linked",  "download-placed",  "download-announced",
  "download-released", "download-removed",
};

static void
put (Rig *rig)
{
  g_autofree char *path = sb_test_put_file (
      rig->bus->alice, "{\"_id\":\"doc\",\"to\":\"@bob\",\"message\":1}", "a.bin", rig->data, SIZE);
}

static void
assert_received (Rig *rig)
{
  g_autofree char *path = g_build_filename (rig->user->download_dir, "a.bin", NULL);
  g_autofree char *names = sb_test_mover_list (rig->user);

  g_assert_cmpstr (names, ==, "a.bin");
  sb_test_mover_assert_file (path, rig->data, SIZE);
  sb_test_mover_assert_clean (rig->user);
  sb_test_wait_state (rig->bus->alice, "doc", "bob", "confirmed");
  g_assert_cmpuint (count (rig, "received doc "), >=, 1);
  g_assert_cmpuint (count (rig, "received doc "), <=, 2);
  g_assert_cmpuint (count (rig, "failed"), ==, 0);
}

static void
assert_has_part (Rig *rig, gboolean wanted)
{
  g_autofree char *folder = g_build_filename (rig->user->download_dir, ".simplebus-parts", NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);

  g_assert_nonnull (dir);
  g_assert_cmpint (g_dir_read_name (dir) != NULL, ==, wanted);
}

static void
receive_through (Rig *rig, const char *point)
{
  const char *const words[] = { "receive", "1", NULL };

  put (rig);
  run (rig, point, words);
  /* A link leaves the part where it was, a rename does not. */
  if (strcmp (point, "download-linked") == 0)
    assert_has_part (rig, rig->has_links);
  /* After the last step there is nothing that could end. */
  if (strcmp (point, "download-removed") != 0)
    run (rig, NULL, words);
  assert_received (rig);
}

static void
test_receives_though_killed_at (gconstpointer point)
{
  g_autoptr (Rig) rig = rig_new ("bob");

  receive_through (rig, point);
}

static void
test_receives_without_links_though_killed_at (gconstpointer point)
{
  g_autoptr (Rig) rig = rig_new ("bob");

  rig->has_links = FALSE;
  receive_through (rig, point);
}

static void
test_receives_with_plain_rename_though_killed_at (gconstpointer point)
{
  g_autoptr (Rig) rig = rig_new ("bob");

  rig->has_links = FALSE;
  rig->has_rename = FALSE;
  receive_through (rig, point);
}

/* Each of them kills one process. */
static void
test_receives_though_killed_everywhere (void)
{
  g_autoptr (Rig) rig = rig_new ("bob");
  const char *const words[] = { "receive", "1", NULL };

  put (rig);
  for (guint i = 0; i < G_N_ELEMENTS (download_points); i++)
    run (rig, download_points[i], words);
  g_assert_cmpuint (count (rig, "received doc "), >=, 1);
  g_string_truncate (rig->output, 0);
  g_string_append (rig->output, "received doc ");
  assert_received (rig);
}

/* A name that is taken by somebody else's file, whatever the file system can do. */
static void
test_replaces_nothing (gconstpointer how)
{
  g_autoptr (Rig) rig = rig_new ("bob");
  const char *const words[] = { "receive", "1", NULL };
  g_autofree char *mine = g_build_filename (rig->user->download_dir, "a.bin", NULL);
  g_autofree char *other = g_build_filename (rig->user->download_dir, "a (2).bin", NULL);

  rig->has_links = GPOINTER_TO_INT (how) < 1;
  rig->has_rename = GPOINTER_TO_INT (how) < 2;
  g_assert_cmpint (g_mkdir_with_parents (rig->user->download_dir, 0700), ==, 0);
  g_assert_true (g_file_set_contents (mine, "mine", 4, NULL));
  put (rig);
  run (rig, "download-linked", words);
  run (rig, NULL, words);
  sb_test_mover_assert_file (mine, "mine", 4);
  sb_test_mover_assert_file (other, rig->data, SIZE);
  sb_test_mover_assert_clean (rig->user);
}

/* --- Sending --- */

static const char *const upload_points[] = {
  "upload-recorded", "upload-created", "upload-noted",   "upload-block",
  "upload-block:50", "upload-sent",    "upload-removed",
};

/* Bob gets it once, with the right bytes. */
static void
assert_sent (Rig *rig)
{
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (rig->bus->bob, "/get");
  JsonArray *messages = json_node_get_array (answer->json);
  g_autofree char *path = NULL;
  g_autoptr (SbTestAnswer) file = NULL;

  g_assert_cmpuint (json_array_get_length (messages), ==, 1);
  path = g_strconcat ("/download/",
                      sb_test_json_string (json_array_get_object_element (messages, 0), "filename"),
                      NULL);
  file = sb_test_download (rig->bus->bob, path, NULL);
  sb_test_assert_status (file, 200);
  g_assert_cmpuint (file->length, ==, SIZE);
  g_assert_true (memcmp (file->body, rig->data, SIZE) == 0);
  sb_test_mover_assert_clean (rig->user);
}

static void
test_sends_though_killed_at (gconstpointer point)
{
  g_autoptr (Rig) rig = rig_new ("alice");
  g_autofree char *path = sb_test_mover_write (rig->user, "a.bin", rig->data, SIZE);
  const char *const first[] = { "send", "doc", path, NULL };
  const char *const next[] = { "send", "doc", NULL };

  run (rig, point, first);
  if (strcmp (point, "upload-removed") != 0)
    run (rig, NULL, next);
  assert_sent (rig);
}

static void
test_sends_though_killed_everywhere (void)
{
  g_autoptr (Rig) rig = rig_new ("alice");
  g_autofree char *path = sb_test_mover_write (rig->user, "a.bin", rig->data, SIZE);
  const char *const first[] = { "send", "doc", path, NULL };
  const char *const next[] = { "send", "doc", NULL };

  run (rig, upload_points[0], first);
  for (guint i = 1; i < G_N_ELEMENTS (upload_points); i++)
    run (rig, upload_points[i], next);
  assert_sent (rig);
}

/* The bus has got all of it, and has forgotten the upload before the client asks. */
static void
test_sends_once_though_the_bus_forgot (void)
{
  g_autoptr (Rig) rig = rig_new ("alice");
  g_autofree char *path = sb_test_mover_write (rig->user, "a.bin", rig->data, SIZE);
  const char *const first[] = { "send", "doc", path, NULL };
  const char *const next[] = { "send", "doc", NULL };
  g_autofree char *uploads = g_build_filename (sb_test_daemon_get_data_dir (rig->bus->daemon),
                                               "files", "uploads", NULL);

  run (rig, "upload-sent", first);
  sb_test_daemon_kill (rig->bus->daemon);
  sb_test_remove_dir (g_strdup (uploads));
  sb_test_site_restart (rig->bus);
  run (rig, NULL, next);
  assert_sent (rig);
}

static void
add_points (const char *what, const char *const *points, guint n, GTestDataFunc func)
{
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *path = g_strconcat ("/client/transfer-crash/", what, "-", points[i], NULL);

      g_test_add_data_func (path, points[i], func);
    }
}

int
main (int argc, char **argv)
{
  /* What a rename makes different. */
  static const char *const places[] = { "download-linked", "download-placed" };

  sb_test_init (&argc, &argv);
  add_points ("receives-though-killed-at", download_points, G_N_ELEMENTS (download_points),
              test_receives_though_killed_at);
  add_points ("receives-without-links-though-killed-at", places, G_N_ELEMENTS (places),
              test_receives_without_links_though_killed_at);
  add_points ("receives-with-plain-rename-though-killed-at", places, G_N_ELEMENTS (places),
              test_receives_with_plain_rename_though_killed_at);
  g_test_add_func ("/client/transfer-crash/receives-though-killed-everywhere",
                   test_receives_though_killed_everywhere);
  g_test_add_data_func ("/client/transfer-crash/replaces-nothing", GINT_TO_POINTER (0),
                        test_replaces_nothing);
  g_test_add_data_func ("/client/transfer-crash/replaces-nothing-without-links",
                        GINT_TO_POINTER (1), test_replaces_nothing);
  g_test_add_data_func ("/client/transfer-crash/replaces-nothing-with-plain-rename",
                        GINT_TO_POINTER (2), test_replaces_nothing);
  add_points ("sends-though-killed-at", upload_points, G_N_ELEMENTS (upload_points),
              test_sends_though_killed_at);
  g_test_add_func ("/client/transfer-crash/sends-though-killed-everywhere",
                   test_sends_though_killed_everywhere);
  g_test_add_func ("/client/transfer-crash/sends-once-though-the-bus-forgot",
                   test_sends_once_though_the_bus_forgot);
  return g_test_run ();
}

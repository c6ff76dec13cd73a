/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-examples: the examples of the guide, in C built out of the tree as a stranger would build
 * them, in Python by way of introspection: a shop and an office that talk to each other.
 */

#include "sb-test-file.h"
#include "sb-test.h"

#include <string.h>

#define FILE_SIZE (3 * 1024 * 1024 + 17)

typedef enum
{
  IN_C,
  IN_PYTHON,
} Language;

/* --- Programs --- */

static void
run (const char *const *command)
{
  g_autofree char *packages = g_build_filename (g_getenv ("SB_TEST_BUILD_ROOT"),
                                                "meson-uninstalled", NULL);
  g_auto (GStrv) environment = g_get_environ ();
  g_autoptr (GError) error = NULL;
  g_autofree char *output = NULL;
  g_autofree char *faults = NULL;
  int status = -1;

  environment = g_environ_setenv (environment, "PKG_CONFIG_PATH", packages, TRUE);
  g_spawn_sync (NULL, (char **) command, environment, G_SPAWN_SEARCH_PATH, NULL, NULL, &output,
                &faults, &status, &error);
  g_assert_no_error (error);
  if (!g_spawn_check_wait_status (status, NULL))
    g_error ("%s failed:\n%s\n%s", command[0], output, faults);
}

/* Returns: (transfer full): the folder with the programs in C */
static char *
build_examples (const char *folder)
{
  g_autofree char *source = g_build_filename (g_getenv ("SB_TEST_SOURCE_ROOT"),
                                              "docs/examples/client-c", NULL);
  char *build = g_build_filename (folder, "build", NULL);
  const char *const configure[] = { "meson", "setup", build, source, NULL };
  const char *const compile[] = { "meson", "compile", "-C", build, NULL };

  run (configure);
  run (compile);
  return build;
}

static GSubprocessLauncher *
make_launcher (const char *folder, const char *user)
{
  GSubprocessLauncher *launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_autofree char *library = g_build_filename (g_getenv ("SB_TEST_BUILD_ROOT"),
                                               "client/libsimplebus", NULL);
  g_autofree char *password = g_strdup_printf ("%s-pw", user);

  g_subprocess_launcher_set_cwd (launcher, folder);
  g_subprocess_launcher_setenv (launcher, "SIMPLEBUS_PASSWORD", password, TRUE);
  g_subprocess_launcher_setenv (launcher, "GI_TYPELIB_PATH", library, TRUE);
  g_subprocess_launcher_setenv (launcher, "LD_LIBRARY_PATH", library, TRUE);
  return launcher;
}

/* Returns: (transfer full): the program, which was started in @folder */
static GSubprocess *
start (SbTestDaemon *daemon, const char *folder, const char *build, Language language,
       const char *name, const char *last_word)
{
  g_autoptr (GSubprocessLauncher) launcher = make_launcher (folder, name);
  g_autofree char *url = g_strdup_printf ("http://127.0.0.1:%u",
                                          sb_test_daemon_get_http_port (daemon));
  g_autofree char *binary = g_build_filename (build, name, NULL);
  g_autofree char *script = g_strdup_printf ("%s/docs/examples/client-python/%s.py",
                                             g_getenv ("SB_TEST_SOURCE_ROOT"), name);
  const char *in_c[] = { binary, url, name, last_word, NULL };
  const char *in_python[] = { g_getenv ("SB_TEST_PYTHON"), script, url, name, last_word, NULL };
  g_autoptr (GError) error = NULL;
  GSubprocess *program = g_subprocess_launcher_spawnv (launcher,
                                                       language == IN_C ? in_c : in_python, &error);

  g_assert_no_error (error);
  return program;
}

/* --- What becomes of them --- */

static void
waited_cb (GObject *source, GAsyncResult *result, gpointer done)
{
  g_subprocess_wait_finish (G_SUBPROCESS (source), result, NULL);
  *(gboolean *) done = TRUE;
}

static gboolean
is_set (gpointer flag)
{
  return *(gboolean *) flag;
}

static void
wait_for_end (GSubprocess *program, const char *what)
{
  gboolean done = FALSE;

  g_subprocess_wait_async (program, NULL, waited_cb, &done);
  sb_test_wait_for (is_set, &done, what);
  g_assert_true (g_subprocess_get_if_exited (program));
  g_assert_cmpint (g_subprocess_get_exit_status (program), ==, 0);
}

/* Returns: (transfer full): all that it printed */
static char *
read_output (GSubprocess *program)
{
  g_autoptr (GOutputStream) output = g_memory_output_stream_new_resizable ();
  g_autoptr (GError) error = NULL;

  g_output_stream_splice (output, g_subprocess_get_stdout_pipe (program),
                          G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET, NULL, &error);
  g_assert_no_error (error);
  return g_strndup (g_memory_output_stream_get_data (G_MEMORY_OUTPUT_STREAM (output)),
                    g_memory_output_stream_get_data_size (G_MEMORY_OUTPUT_STREAM (output)));
}

static void
assert_same_file (const char *folder, const char *bytes)
{
  g_autofree char *path = g_build_filename (folder, "received", "invoice.bin", NULL);
  g_autofree char *received = NULL;
  gsize length = 0;

  g_assert_true (g_file_get_contents (path, &received, &length, NULL));
  g_assert_cmpmem (received, length, bytes, FILE_SIZE);
}

static void
check_conversation (GSubprocess *shop, GSubprocess *office)
{
  g_autofree char *shop_said = NULL;
  g_autofree char *office_said = NULL;

  wait_for_end (shop, "the shop has its answer and two confirmations");
  g_subprocess_send_signal (office, SIGTERM);
  wait_for_end (office, "the office ends");
  shop_said = read_output (shop);
  office_said = read_output (office);
  g_assert_nonnull (strstr (office_said, "order {\"article\":"));
  g_assert_nonnull (strstr (office_said, "received/invoice.bin"));
  g_assert_nonnull (strstr (shop_said, "office says {\"taken\":"));
  g_assert_nonnull (strstr (shop_said, "office has "));
}

static void
converse (Language shop_language, Language office_language)
{
  g_autoptr (SbTestDir) folder = sb_test_make_dir ();
  g_autofree char *build = build_examples (folder);
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_run (NULL, NULL);
  g_autoptr (SbTestHttp) admin = sb_test_make_admin (daemon);
  g_autofree char *bytes = sb_test_make_bytes (FILE_SIZE, 7);
  g_autofree char *path = g_build_filename (folder, "invoice.bin", NULL);
  g_autoptr (GSubprocess) office = NULL;
  g_autoptr (GSubprocess) shop = NULL;

  sb_test_make_users (admin, "shop", "office", NULL);
  g_assert_true (g_file_set_contents (path, bytes, FILE_SIZE, NULL));
  office = start (daemon, folder, build, office_language, "office", "received");
  shop = start (daemon, folder, build, shop_language, "shop", path);
  check_conversation (shop, office);
  assert_same_file (folder, bytes);
}

static void
both_in_c (void)
{
  converse (IN_C, IN_C);
}

static void
shop_in_python_office_in_c (void)
{
  converse (IN_PYTHON, IN_C);
}

static void
shop_in_c_office_in_python (void)
{
  converse (IN_C, IN_PYTHON);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/examples/both-in-c", both_in_c);
  if (g_getenv ("SB_TEST_PYTHON") != NULL)
    {
      g_test_add_func ("/examples/shop-in-python-office-in-c", shop_in_python_office_in_c);
      g_test_add_func ("/examples/shop-in-c-office-in-python", shop_in_c_office_in_python);
    }
  return g_test_run ();
}

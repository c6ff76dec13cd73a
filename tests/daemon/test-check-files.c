/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-check-files: `simplebusd --check-files` reads what waits and says what is wrong with it. */

#include "sb-test-site.h"
#include "sb-test.h"

#include <string.h>

static const char form[] = "--X\r\n"
                           "Content-Disposition: form-data; name=\"data\"\r\n\r\n"
                           "{\"_id\":\"f\",\"to\":[\"@bob\"],\"message\":1}\r\n"
                           "--X\r\n"
                           "Content-Disposition: form-data; name=\"a.txt\"; filename=\"x\"\r\n\r\n"
                           "content of a\r\n"
                           "--X\r\n"
                           "Content-Disposition: form-data; name=\"b.txt\"; filename=\"x\"\r\n\r\n"
                           "content of b\r\n"
                           "--X--\r\n";

static SbTestSite *
make_site_with_files (void)
{
  static const char *const headers[] = { "Content-Type", "multipart/form-data; boundary=X", NULL };
  SbTestSite *bus = sb_test_site_new ("bus.store=sqlite", NULL);
  g_autoptr (SbTestAnswer) answer = sb_test_http_send (bus->alice, "POST", "/put", headers, form,
                                                       sizeof form - 1);

  sb_test_assert_status (answer, 200);
  return bus;
}

/* Returns: (transfer full): what it printed; @status is its exit status. */
static char *
run_check (SbTestSite *bus, int *status)
{
  const char *data_dir = sb_test_daemon_get_data_dir (bus->daemon);
  const char *const command[] = { SB_TEST_PROGRAM, "--data-dir", data_dir, "--check-files", NULL };
  g_autoptr (GError) error = NULL;
  char *output = NULL;
  int wait_status = 0;

  g_spawn_sync (NULL, (char **) command, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &output,
                NULL, &wait_status, &error);
  g_assert_no_error (error);
  g_assert_true (WIFEXITED (wait_status));
  *status = WEXITSTATUS (wait_status);
  return output;
}

/* Returns: (transfer full) (nullable): the file of the vault with that content. */
static char *
find_file (const char *folder, const char *content)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      g_autofree char *found = g_file_test (path, G_FILE_TEST_IS_DIR) ? find_file (path, content)
                                                                      : NULL;
      g_autofree char *text = NULL;

      if (found != NULL)
        return g_steal_pointer (&found);
      if (g_file_get_contents (path, &text, NULL, NULL) && g_str_equal (text, content))
        return g_steal_pointer (&path);
    }
  return NULL;
}

static void
files_that_are_whole_are_counted (void)
{
  g_autoptr (SbTestSite) bus = make_site_with_files ();
  g_autofree char *output = NULL;
  int status;

  sb_test_daemon_terminate (bus->daemon);
  output = run_check (bus, &status);
  g_assert_cmpint (status, ==, 0);
  g_assert_cmpstr (output, ==, "2 files are whole, 0 are damaged or missing.\n");
}

static void
a_damaged_file_is_named (void)
{
  g_autoptr (SbTestSite) bus = make_site_with_files ();
  g_autofree char *folder = g_build_filename (sb_test_daemon_get_data_dir (bus->daemon), "files",
                                              NULL);
  g_autofree char *path = find_file (folder, "content of b");
  g_autofree char *output = NULL;
  int status;

  g_assert_nonnull (path);
  sb_test_daemon_terminate (bus->daemon);
  g_assert_true (g_file_set_contents (path, "content of B", -1, NULL));
  output = run_check (bus, &status);
  g_assert_cmpint (status, ==, 1);
  g_assert_true (g_str_has_prefix (output, "f.2_b.txt\t"));
  g_assert_nonnull (strstr (output, "is damaged"));
  g_assert_true (g_str_has_suffix (output, "1 files are whole, 1 are damaged or missing.\n"));
}

static void
a_running_bus_is_left_alone (void)
{
  g_autoptr (SbTestSite) bus = make_site_with_files ();
  g_autofree char *output = NULL;
  int status;

  output = run_check (bus, &status);
  g_assert_cmpint (status, ==, 1);
  g_assert_cmpstr (output, ==, "");
}

int
main (int argc, char **argv)
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/check-files/files-that-are-whole-are-counted",
                   files_that_are_whole_are_counted);
  g_test_add_func ("/check-files/a-damaged-file-is-named", a_damaged_file_is_named);
  g_test_add_func ("/check-files/a-running-bus-is-left-alone", a_running_bus_is_left_alone);
  return g_test_run ();
}

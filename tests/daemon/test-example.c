/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-example: the delivery plugin of the plugin author's guide, built out of
 * the tree as a stranger would build it, in a bus that was not built for it.
 */

#include "sb-test-site.h"
#include "sb-test.h"

#include <string.h>

static void
run (const char *const *command, char **environment)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *output = NULL;
  g_autofree char *faults = NULL;
  int status = -1;

  g_spawn_sync (NULL, (char **) command, environment, G_SPAWN_SEARCH_PATH, NULL, NULL, &output,
                &faults, &status, &error);
  g_assert_no_error (error);
  if (!g_spawn_check_wait_status (status, NULL))
    g_error ("%s failed:\n%s\n%s", command[0], output, faults);
}

/* Returns: (transfer full): the folder with the module. */
static char *
build_example (const char *folder)
{
  g_autofree char *source = g_build_filename (g_getenv ("SB_TEST_SOURCE_ROOT"),
                                              "docs/examples/delivery-file", NULL);
  g_autofree char *packages = g_build_filename (g_getenv ("SB_TEST_BUILD_ROOT"),
                                                "meson-uninstalled", NULL);
  g_auto (GStrv) environment = g_get_environ ();
  char *build = g_build_filename (folder, "build", NULL);
  const char *const configure[] = { "meson", "setup", build, source, NULL };
  const char *const compile[] = { "meson", "compile", "-C", build, NULL };

  environment = g_environ_setenv (environment, "PKG_CONFIG_PATH", packages, TRUE);
  run (configure, environment);
  run (compile, environment);
  return build;
}

static SbTestSite *
start_with (const char *folder, const char *plugins)
{
  SbTestDaemon *daemon = sb_test_daemon_new ();

  sb_test_daemon_setenv (daemon, "SIMPLEBUS_PLUGIN_PATH", plugins);
  sb_test_daemon_set (daemon, "bus.deliveries=file");
  sb_test_daemon_set (daemon, "delivery-file.folder=%s", folder);
  sb_test_daemon_start (daemon);
  return sb_test_site_new_for (daemon);
}

/* Waits until the file is written. */
static void
put (SbTestSite *bus, const char *id)
{
  static const char *const headers[] = { "Prefer", "wait=30", NULL };
  g_autofree char *json = g_strdup_printf (
      "{\"_id\":\"%s\",\"to\":[\"@printer\"],\"message\":\"Ünïcode \\n\"}", id);
  g_autoptr (SbTestAnswer) answer = sb_test_http_send (bus->alice, "POST", "/put", headers, json,
                                                       -1);

  sb_test_assert_status (answer, 200);
}

static void
a_delivery_plugin_of_a_stranger_delivers (void)
{
  g_autoptr (SbTestDir) folder = sb_test_make_dir ();
  g_autofree char *plugins = build_example (folder);
  g_autoptr (SbTestSite) bus = start_with (folder, plugins);
  g_autofree char *file = g_build_filename (folder, "labels.jsonl", NULL);
  g_autofree char *content = NULL;
  g_auto (GStrv) lines = NULL;

  sb_test_put_users (bus->admin,
                     "[{\"_id\":\"printer\",\"password\":\"x\",\"connection_properties\":"
                     "{\"type\":\"file\",\"name\":\"labels.jsonl\"}}]");
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *id = g_strdup_printf ("label-%u", i);

      put (bus, id);
    }
  g_assert_true (g_file_get_contents (file, &content, NULL, NULL));
  lines = g_strsplit (content, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, 4);
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *id = g_strdup_printf ("\"_id\":\"label-%u\"", i);

      g_assert_nonnull (strstr (lines[i], id));
      g_assert_nonnull (strstr (lines[i], "Ünïcode \\n"));
    }
}

int
main (int argc, char **argv)
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/example/a-delivery-plugin-of-a-stranger-delivers",
                   a_delivery_plugin_of_a_stranger_delivers);
  return g_test_run ();
}

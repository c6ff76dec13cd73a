/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-store-faults: store-conformance sees what is wrong with a store. It is
 * run over every store of the faulty module, and has to fail over all of them
 * but the one without a fault.
 *
 *     test-store-faults CONFORMANCE MODULE
 */

#include "sb-plugin.h"
#include "sb-test.h"
#include "simplebus.h"

#include <sys/resource.h>

static const char *program;
static const char *module;

/* Returns whether the store passes. What an aborted run leaves behind goes with its folder. */
static gboolean
passes (const char *name, const char *how)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SbTestDir) dir = sb_test_make_dir ();
  g_auto (GStrv) environment = g_environ_setenv (g_get_environ (), "TMPDIR", dir, TRUE);
  const char *argv[] = { program, "--data-dir", dir, module, name, how, NULL };
  g_autofree char *output = NULL;
  g_autofree char *errors = NULL;
  int status = 0;

  g_spawn_sync (NULL, (char **) argv, environment, G_SPAWN_DEFAULT, NULL, NULL, &output, &errors,
                &status, &error);
  g_assert_no_error (error);
  /* It is to have come to the tests, and not to fail on the way to them. */
  g_assert_nonnull (strstr (output, "\n1.."));
  return g_spawn_check_wait_status (status, NULL);
}

static void
a_sound_store_passes (void)
{
  g_assert_true (passes ("none", "--volatile"));
}

static void
a_store_that_keeps_nothing_is_not_durable (void)
{
  g_assert_false (passes ("none", NULL));
}

static void
a_fault_is_seen (gconstpointer data)
{
  g_assert_false (passes (data, "--volatile"));
}

static void
add_fault (GType interface, const char *name, GType implementation, gpointer user_data)
{
  g_autofree char *path = g_strdup_printf ("/store-faults/%s", name);

  if (!g_str_equal (name, "none"))
    g_test_add_data_func_full (path, g_strdup (name), a_fault_is_seen, g_free);
}

int
main (int argc, char *argv[])
{
  const struct rlimit no_core = { 0, 0 };
  g_autoptr (SbRegistry) registry = sb_registry_new ();
  g_autoptr (SbPlugin) plugin = NULL;
  g_autoptr (GError) error = NULL;

  sb_test_init (&argc, &argv);
  g_assert_cmpint (argc, ==, 3);
  program = argv[1];
  module = argv[2];
  /* A program that fails aborts, as it should; nobody wants the core. */
  g_assert_no_errno (setrlimit (RLIMIT_CORE, &no_core));
  plugin = sb_plugin_load (module, NULL, registry, &error);
  g_assert_no_error (error);
  g_assert_nonnull (plugin);

  g_test_add_func ("/store-faults/a-sound-store-passes", a_sound_store_passes);
  g_test_add_func ("/store-faults/a-store-that-keeps-nothing-is-not-durable",
                   a_store_that_keeps_nothing_is_not_durable);
  sb_registry_foreach (registry, add_fault, NULL);
  return g_test_run ();
}

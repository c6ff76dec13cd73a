/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-plugins: every way in which a module can be wrong ends in one clear error,
 * and leaves nothing behind.
 */

#include "test-thing.h"

#include "sb-build.h"
#include "sb-names.h"
#include "sb-test.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

G_DEFINE_INTERFACE (TestThing, test_thing, G_TYPE_OBJECT)

static void
test_thing_default_init (TestThingInterface *iface)
{
}

struct _TestImplementation
{
  GObject parent;
};

G_DEFINE_FINAL_TYPE_WITH_CODE (TestImplementation, test_implementation, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (TEST_TYPE_THING, NULL))

static void
test_implementation_init (TestImplementation *self)
{
}

static void
test_implementation_class_init (TestImplementationClass *klass)
{
}

static SbPlugin *
load (const char *name, SbRegistry *registry, GError **error)
{
  const char *const dirs[] = { "/no/such/folder", g_test_get_dir (G_TEST_BUILT), NULL };

  return sb_plugin_load (name, dirs, registry, error);
}

static void
a_good_plugin_brings_its_type (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SbRegistry) registry = sb_registry_new ();
  SbPlugin *plugin = load ("good", registry, &error);
  gsize n_keys;

  g_assert_no_error (error);
  g_assert_cmpstr (sb_plugin_get_name (plugin), ==, "good");
  g_assert_cmpstr (sb_plugin_get_version (plugin), ==, "1.2");
  g_assert_cmpstr (sb_plugin_get_description (plugin), ==, "A plugin as it should be");
  g_assert_true (g_str_has_suffix (sb_plugin_get_path (plugin), "/good.so"));
  g_assert_cmpstr (sb_plugin_get_keys (plugin, &n_keys)->name, ==, "size");
  g_assert_cmpuint (n_keys, ==, 1);
  g_assert_true (sb_registry_lookup (registry, TEST_TYPE_THING, "good", NULL)
                 == TEST_TYPE_IMPLEMENTATION);
  g_assert_finalize_object (plugin);
}

static void
a_plugin_is_loaded_by_its_path (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SbRegistry) registry = sb_registry_new ();
  g_autofree char *path = g_test_build_filename (G_TEST_BUILT, "good.so", NULL);
  g_autoptr (SbPlugin) plugin = sb_plugin_load (path, NULL, registry, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (sb_plugin_get_path (plugin), ==, path);
}

static void
the_keys_of_a_plugin_are_its_group (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SbRegistry) registry = sb_registry_new ();
  g_autoptr (SbPlugin) plugin = load ("good", registry, &error);
  g_autoptr (SbConfig) config = sb_config_new ();
  gsize n_keys;
  const SbConfigKey *keys = sb_plugin_get_keys (plugin, &n_keys);

  g_assert_true (sb_config_set (config, "good.size=2K", &error));
  g_assert_true (sb_config_declare (config, sb_plugin_get_name (plugin), keys, n_keys, &error));
  g_assert_true (sb_config_check (config, &error));
  g_assert_no_error (error);
  g_assert_cmpint (sb_config_get_size (config, "good", "size"), ==, 2048);
}

typedef struct
{
  const char *name;
  int code;
  const char *why;
} Fault;

static const Fault faults[] = {
  { "absent", SB_ERROR_NOT_FOUND, "there is no absent.so in /no/such/folder:" },
  { "./absent.so", SB_ERROR_NOT_FOUND, "there is no such file" },
  { "not-an-elf", SB_ERROR_FAILED, "cannot be opened: " },
  { "unresolved-symbol", SB_ERROR_FAILED, "undefined symbol: a_function_of_a_newer_bus" },
  { "no-descriptor", SB_ERROR_INVALID, "it exports no sb_plugin_descriptor" },
  { "wrong-magic", SB_ERROR_UNSUPPORTED, "is not that of a SimpleBus plugin" },
  { "wrong-abi", SB_ERROR_UNSUPPORTED, "was built for plugin ABI 2, this bus has 1" },
  { "incomplete", SB_ERROR_INVALID, "its descriptor is incomplete" },
  { "other-name", SB_ERROR_INVALID, "calls itself \"another-name\"" },
  { "load-fails", SB_ERROR_TRANSIENT, "the moon is not full" },
  { "load-fails-silently", SB_ERROR_FAILED, "does not say why" },
  { "ignores-error", SB_ERROR_CONFLICT, "cannot have the same name" },
  { "wrong-type", SB_ERROR_INVALID, "SbRegistry does not implement the interface" },
  { "duplicate-name", SB_ERROR_CONFLICT, "\"good\" is provided by TestImplementation already" },
  { "registers-nothing", SB_ERROR_INVALID, "it registers nothing" },
};

static void
assert_refused (gconstpointer data)
{
  const Fault *fault = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SbRegistry) registry = sb_registry_new ();
  g_autoptr (SbPlugin) good = load ("good", registry, NULL);
  g_autoptr (SbPlugin) plugin = load (fault->name, registry, &error);

  g_assert_nonnull (good);
  g_assert_null (plugin);
  g_assert_error (error, SB_ERROR, fault->code);
  g_assert_true (g_str_has_prefix (error->message, "plugin "));
  g_assert_nonnull (strstr (error->message, fault->name));
  g_assert_nonnull (strstr (error->message, fault->why));
  g_assert_null (strchr (error->message, '\n'));
  g_assert_cmpuint (sb_registry_get_size (registry), ==, 1);
}

static const SbPluginInfo *
find_info (GPtrArray *list, const char *name)
{
  for (guint i = 0; i < list->len; i++)
    {
      const SbPluginInfo *info = g_ptr_array_index (list, i);

      if (g_str_equal (info->name, name))
        return info;
    }
  g_error ("%s is not listed", name);
  return NULL;
}

static void
the_list_has_the_good_and_the_bad (void)
{
  const char *built = g_test_get_dir (G_TEST_BUILT);
  const char *const dirs[] = { "/no/such/folder", built, built, NULL };
  g_autoptr (GPtrArray) list = sb_plugin_list (dirs);
  const SbPluginInfo *good = find_info (list, "good");
  const SbPluginInfo *bad = find_info (list, "wrong-abi");

  g_assert_cmpuint (list->len, ==, 14);
  g_assert_no_error (good->error);
  g_assert_cmpstr (good->version, ==, "1.2");
  g_assert_cmpstr (good->description, ==, "A plugin as it should be");
  g_assert_cmpuint (good->n_keys, ==, 1);
  g_assert_error (bad->error, SB_ERROR, SB_ERROR_UNSUPPORTED);
  g_assert_true (g_str_has_suffix (bad->path, "/wrong-abi.so"));
  g_assert_cmpstr (((SbPluginInfo *) list->pdata[0])->name, ==, "duplicate-name");
}

/* As in a build tree: <folder>/good/good.so. */
static void
a_plugin_may_have_a_folder_of_its_own (void)
{
  g_autoptr (SbTestDir) dir = sb_test_make_dir ();
  g_autofree char *folder = g_build_filename (dir, "good", NULL);
  g_autofree char *link = g_build_filename (folder, "good.so", NULL);
  g_autofree char *target = g_test_build_filename (G_TEST_BUILT, "good.so", NULL);
  const char *const dirs[] = { dir, NULL };
  g_autoptr (SbRegistry) registry = sb_registry_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (SbPlugin) plugin = NULL;
  g_autoptr (GPtrArray) list = NULL;

  g_assert_no_errno (g_mkdir (folder, 0700));
  g_assert_no_errno (symlink (target, link));
  plugin = sb_plugin_load ("good", dirs, registry, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (sb_plugin_get_path (plugin), ==, link);
  list = sb_plugin_list (dirs);
  g_assert_cmpstr (find_info (list, "good")->path, ==, link);
}

static void
the_installed_folder_comes_last (void)
{
  g_auto (GStrv) asked = NULL;
  g_auto (GStrv) of_environment = NULL;
  g_auto (GStrv) plain = NULL;

  g_setenv (SB_ENV_PLUGIN_PATH, "/c", TRUE);
  asked = sb_plugin_search_path ("/a::/b");
  of_environment = sb_plugin_search_path (NULL);
  g_unsetenv (SB_ENV_PLUGIN_PATH);
  plain = sb_plugin_search_path (NULL);
  g_assert_cmpstrv (asked, ((const char *const[]) { "/a", "/b", SB_PLUGIN_DIR, NULL }));
  g_assert_cmpstrv (of_environment, ((const char *const[]) { "/c", SB_PLUGIN_DIR, NULL }));
  g_assert_cmpstrv (plain, ((const char *const[]) { SB_PLUGIN_DIR, NULL }));
}

/* A copy of the program in what looks like a build tree: <dir>/core beside <dir>/plugins. */
static void
a_build_tree_finds_its_own_plugins (void)
{
  g_autoptr (SbTestDir) dir = sb_test_make_dir ();
  g_autofree char *folder = g_build_filename (dir, "core", NULL);
  g_autofree char *plugins = g_build_filename (dir, "plugins", NULL);
  g_autofree char *copy = g_build_filename (folder, "program", NULL);
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *libraries = g_test_build_filename (G_TEST_BUILT, "..", "..", "core", NULL);
  g_autofree char *expected = g_strconcat (plugins, "\n", NULL);
  g_autofree char *program = NULL;
  g_autofree char *output = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_autoptr (GSubprocess) child = NULL;
  gsize length;

  g_assert_no_errno (g_mkdir (folder, 0700));
  g_assert_no_errno (g_mkdir (plugins, 0700));
  g_assert_true (g_file_get_contents (self, &program, &length, NULL));
  g_assert_true (g_file_set_contents_full (copy, program, length, 0, 0700, NULL));
  g_subprocess_launcher_setenv (launcher, "LD_LIBRARY_PATH", libraries, TRUE);
  child = g_subprocess_launcher_spawn (launcher, &error, copy, "--search-path", NULL);
  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (child, NULL, NULL, &output, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (output, ==, expected);
}

static int
print_search_path (void)
{
  g_auto (GStrv) path = sb_plugin_search_path (NULL);

  for (char **folder = path; *folder != NULL; folder++)
    g_print ("%s\n", *folder);
  return 0;
}

int
main (int argc, char *argv[])
{
  if (argc == 2 && g_str_equal (argv[1], "--search-path"))
    return print_search_path ();

  sb_test_init (&argc, &argv);
  g_test_add_func ("/plugins/a-good-plugin-brings-its-type", a_good_plugin_brings_its_type);
  g_test_add_func ("/plugins/a-plugin-is-loaded-by-its-path", a_plugin_is_loaded_by_its_path);
  g_test_add_func ("/plugins/the-keys-of-a-plugin-are-its-group",
                   the_keys_of_a_plugin_are_its_group);
  for (gsize i = 0; i < G_N_ELEMENTS (faults); i++)
    {
      const char *name = strrchr (faults[i].name, '/');
      g_autofree char *path = g_strconcat ("/plugins/refuses/",
                                           name != NULL ? name + 1 : faults[i].name, NULL);

      g_test_add_data_func (path, &faults[i], assert_refused);
    }
  g_test_add_func ("/plugins/the-list-has-the-good-and-the-bad", the_list_has_the_good_and_the_bad);
  g_test_add_func ("/plugins/a-plugin-may-have-a-folder-of-its-own",
                   a_plugin_may_have_a_folder_of_its_own);
  g_test_add_func ("/plugins/the-installed-folder-comes-last", the_installed_folder_comes_last);
  g_test_add_func ("/plugins/a-build-tree-finds-its-own-plugins",
                   a_build_tree_finds_its_own_plugins);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-plugin: find, open, check, load. Each step can fail, and each failure is one
 * line that names the file and the cause. A module that cannot be used leaves
 * nothing behind in the registry.
 */

#include "sb-plugin.h"

#include "sb-build.h"
#include "sb-error.h"
#include "sb-names.h"

#include <string.h>

G_STATIC_ASSERT (SB_PLUGIN_ABI == SB_ABI_VERSION);

struct _SbPlugin
{
  GObject parent_instance;

  char *path;                           /* (owned) */
  const SbPluginDescriptor *descriptor; /* (unowned): of a module that stays */
};

G_DEFINE_FINAL_TYPE (SbPlugin, sb_plugin, G_TYPE_OBJECT)

static void
sb_plugin_init (SbPlugin *self)
{
}

static void
sb_plugin_finalize (GObject *object)
{
  g_free (SB_PLUGIN (object)->path);
  G_OBJECT_CLASS (sb_plugin_parent_class)->finalize (object);
}

static void
sb_plugin_class_init (SbPluginClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sb_plugin_finalize;
}

/* "/x/store-sqlite.so" → "store-sqlite" */
static char *
name_of_file (const char *path)
{
  char *name = g_path_get_basename (path);

  if (g_str_has_suffix (name, SB_PLUGIN_SUFFIX))
    name[strlen (name) - strlen (SB_PLUGIN_SUFFIX)] = '\0';
  return name;
}

/* Installed plugins lie side by side; a build tree has a folder for each. */
static char *
find_in_folder (const char *folder, const char *name)
{
  g_autofree char *file = g_strconcat (name, SB_PLUGIN_SUFFIX, NULL);
  g_autofree char *flat = g_build_filename (folder, file, NULL);
  g_autofree char *nested = g_build_filename (folder, name, file, NULL);

  if (g_file_test (flat, G_FILE_TEST_IS_REGULAR))
    return g_steal_pointer (&flat);
  if (g_file_test (nested, G_FILE_TEST_IS_REGULAR))
    return g_steal_pointer (&nested);
  return NULL;
}

static char *
find_file (const char *path_or_name, const char *const *search_dirs, GError **error)
{
  g_autofree char *searched = NULL;

  if (strchr (path_or_name, '/') != NULL)
    {
      if (g_file_test (path_or_name, G_FILE_TEST_IS_REGULAR))
        return g_strdup (path_or_name);
      g_set_error (error, SB_ERROR, SB_ERROR_NOT_FOUND, "plugin %s: there is no such file",
                   path_or_name);
      return NULL;
    }
  for (gsize i = 0; search_dirs != NULL && search_dirs[i] != NULL; i++)
    {
      char *path = find_in_folder (search_dirs[i], path_or_name);

      if (path != NULL)
        return path;
    }
  searched = search_dirs != NULL ? g_strjoinv (":", (char **) search_dirs) : g_strdup ("");
  g_set_error (error, SB_ERROR, SB_ERROR_NOT_FOUND,
               "plugin %s: there is no %s" SB_PLUGIN_SUFFIX " in %s", path_or_name, path_or_name,
               *searched != '\0' ? searched : "(no folder)");
  return NULL;
}

/* Bound at once and not lazily: a symbol that is missing is to be found now, and not to
 * kill the bus when a message reaches the call. Local, so that plugins cannot catch each
 * other's symbols. */
static GModule *
open_module (const char *path, GError **error)
{
  g_autoptr (GError) cause = NULL;
  GModule *module = g_module_open_full (path, G_MODULE_BIND_LOCAL, &cause);

  if (module == NULL)
    g_set_error (error, SB_ERROR, SB_ERROR_FAILED, "plugin %s: cannot be opened: %s", path,
                 cause->message);
  return module;
}

static gboolean
check_compatible (const SbPluginDescriptor *descriptor, const char *path, GError **error)
{
  if (descriptor->magic != SB_PLUGIN_MAGIC)
    {
      g_set_error (error, SB_ERROR, SB_ERROR_UNSUPPORTED,
                   "plugin %s: its " SB_PLUGIN_SYMBOL " is not that of a SimpleBus plugin", path);
      return FALSE;
    }
  if (descriptor->abi != SB_PLUGIN_ABI)
    {
      g_set_error (error, SB_ERROR, SB_ERROR_UNSUPPORTED,
                   "plugin %s: was built for plugin ABI %u, this bus has %u", path, descriptor->abi,
                   SB_PLUGIN_ABI);
      return FALSE;
    }
  return TRUE;
}

static gboolean
check_complete (const SbPluginDescriptor *descriptor, const char *path, GError **error)
{
  g_autofree char *name = name_of_file (path);

  if (descriptor->name == NULL || descriptor->version == NULL || descriptor->description == NULL
      || descriptor->load == NULL || (descriptor->keys == NULL && descriptor->n_keys > 0))
    {
      g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "plugin %s: its descriptor is incomplete",
                   path);
      return FALSE;
    }
  if (!g_str_equal (descriptor->name, name))
    {
      g_set_error (error, SB_ERROR, SB_ERROR_INVALID,
                   "plugin %s: calls itself \"%s\"; file and plugin have to have the same name",
                   path, descriptor->name);
      return FALSE;
    }
  return TRUE;
}

static const SbPluginDescriptor *
check_module (GModule *module, const char *path, GError **error)
{
  gpointer symbol = NULL;

  if (!g_module_symbol (module, SB_PLUGIN_SYMBOL, &symbol) || symbol == NULL)
    {
      g_set_error (error, SB_ERROR, SB_ERROR_INVALID,
                   "plugin %s: is not a SimpleBus plugin, it exports no " SB_PLUGIN_SYMBOL, path);
      return NULL;
    }
  if (!check_compatible (symbol, path, error) || !check_complete (symbol, path, error))
    return NULL;
  return symbol;
}

/* Opens a module and looks at its descriptor; no code of it has run then but what the
 * linker runs by itself. */
static const SbPluginDescriptor *
open_descriptor (const char *path, GError **error)
{
  GModule *module = open_module (path, error);
  const SbPluginDescriptor *descriptor;

  if (module == NULL)
    return NULL;
  descriptor = check_module (module, path, error);

  /* A good one stays: a type that was registered can never be taken back, and its class,
   * like the table of its keys, lies in the module. */
  if (descriptor != NULL)
    g_module_make_resident (module);
  else
    g_module_close (module);
  return descriptor;
}

/* Polices the contract of load: FALSE if and only if there is an error, and something to
 * show for it if there is none. */
static gboolean
call_load (const SbPluginDescriptor *descriptor, SbRegistry *registry, GError **error)
{
  g_autoptr (GError) cause = NULL;
  guint before = sb_registry_get_size (registry);
  gboolean is_loaded = descriptor->load (registry, &cause);

  if (is_loaded && cause == NULL && sb_registry_get_size (registry) > before)
    return TRUE;
  if (cause == NULL && is_loaded)
    g_set_error_literal (&cause, SB_ERROR, SB_ERROR_INVALID, "it registers nothing");
  else if (cause == NULL)
    g_set_error_literal (&cause, SB_ERROR, SB_ERROR_FAILED,
                         "it failed to load, and does not say why");
  sb_registry_truncate (registry, before);
  g_propagate_error (error, g_steal_pointer (&cause));
  return FALSE;
}

static void
log_loaded (SbPlugin *self)
{
  g_log_structured (SB_LOG_DOMAIN, G_LOG_LEVEL_INFO, "MESSAGE_ID", SB_MESSAGE_ID_PLUGIN_LOADED,
                    SB_LOG_FIELD_PLUGIN, self->descriptor->name, "MESSAGE",
                    "plugin %s %s loaded from %s", self->descriptor->name,
                    self->descriptor->version, self->path);
}

/**
 * sb_plugin_load:
 * @path_or_name: (type filename): a path, when there is a `/` in it, or the name of a plugin
 * @search_dirs: (array zero-terminated=1) (nullable): where a name is looked for, the first
 *   that has it wins; see sb_plugin_search_path()
 * @registry: what it is to register its types with
 * @error: return location
 *
 * Loads a plugin, for good: a module is never unloaded. Main context.
 *
 * Returns: (transfer full): the plugin; %NULL with %SB_ERROR_NOT_FOUND when there is no file,
 *   %SB_ERROR_FAILED when it cannot be opened, %SB_ERROR_UNSUPPORTED when it was built for
 *   another ABI, %SB_ERROR_INVALID when it is no proper plugin, or with what its own load
 *   function says
 */
SbPlugin *
sb_plugin_load (const char *path_or_name, const char *const *search_dirs, SbRegistry *registry,
                GError **error)
{
  const SbPluginDescriptor *descriptor;
  g_autofree char *path = NULL;
  SbPlugin *self;

  g_return_val_if_fail (path_or_name != NULL && *path_or_name != '\0', NULL);
  g_return_val_if_fail (SB_IS_REGISTRY (registry), NULL);

  path = find_file (path_or_name, search_dirs, error);
  descriptor = path != NULL ? open_descriptor (path, error) : NULL;
  if (descriptor == NULL)
    return NULL;
  if (!call_load (descriptor, registry, error))
    {
      g_prefix_error (error, "plugin %s: ", path);
      return NULL;
    }
  self = g_object_new (SB_TYPE_PLUGIN, NULL);
  self->path = g_steal_pointer (&path);
  self->descriptor = descriptor;
  log_loaded (self);
  return self;
}

/**
 * sb_plugin_get_name:
 * @self: a plugin
 *
 * Returns: (transfer none): its name, which is also its group in the configuration
 */
const char *
sb_plugin_get_name (SbPlugin *self)
{
  g_return_val_if_fail (SB_IS_PLUGIN (self), NULL);

  return self->descriptor->name;
}

/**
 * sb_plugin_get_version:
 * @self: a plugin
 *
 * Returns: (transfer none): its own version, which may be empty
 */
const char *
sb_plugin_get_version (SbPlugin *self)
{
  g_return_val_if_fail (SB_IS_PLUGIN (self), NULL);

  return self->descriptor->version;
}

/**
 * sb_plugin_get_description:
 * @self: a plugin
 *
 * Returns: (transfer none): one line for people
 */
const char *
sb_plugin_get_description (SbPlugin *self)
{
  g_return_val_if_fail (SB_IS_PLUGIN (self), NULL);

  return self->descriptor->description;
}

/**
 * sb_plugin_get_path:
 * @self: a plugin
 *
 * Returns: (transfer none) (type filename): the file that it was loaded from
 */
const char *
sb_plugin_get_path (SbPlugin *self)
{
  g_return_val_if_fail (SB_IS_PLUGIN (self), NULL);

  return self->path;
}

/**
 * sb_plugin_get_keys:
 * @self: a plugin
 * @n_keys: (out): how many there are
 *
 * Returns: (transfer none) (nullable) (array length=n_keys): what it reads of its group, for
 *   sb_config_declare(); valid as long as the process
 */
const SbConfigKey *
sb_plugin_get_keys (SbPlugin *self, gsize *n_keys)
{
  g_return_val_if_fail (SB_IS_PLUGIN (self), NULL);
  g_return_val_if_fail (n_keys != NULL, NULL);

  *n_keys = self->descriptor->n_keys;
  return self->descriptor->keys;
}

static void
add_folders (GPtrArray *path, const char *folders)
{
  g_auto (GStrv) split = g_strsplit (folders, ":", -1);

  for (char **folder = split; *folder != NULL; folder++)
    if (**folder != '\0')
      g_ptr_array_add (path, g_strdup (*folder));
}

/* The folder `plugins` beside the one of the executable, which only a build tree has. */
static char *
find_build_tree (void)
{
  g_autofree char *executable = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *folder = executable != NULL ? g_path_get_dirname (executable) : NULL;
  g_autofree char *parent = folder != NULL ? g_path_get_dirname (folder) : NULL;
  g_autofree char *plugins = parent != NULL ? g_build_filename (parent, "plugins", NULL) : NULL;

  if (plugins == NULL || !g_file_test (plugins, G_FILE_TEST_IS_DIR))
    return NULL;
  return g_steal_pointer (&plugins);
}

/**
 * sb_plugin_search_path:
 * @override: (nullable): folders separated by colons, from the command line; without it
 *   `SIMPLEBUS_PLUGIN_PATH` of the environment counts
 *
 * The folders that plugins are looked for in: those that were asked for, and behind them
 * the ones that belong to this executable, of its build tree or as installed.
 *
 * Returns: (transfer full) (array zero-terminated=1): the folders, the first one first
 */
char **
sb_plugin_search_path (const char *override)
{
  GPtrArray *path = g_ptr_array_new ();
  const char *asked = override != NULL ? override : g_getenv (SB_ENV_PLUGIN_PATH);
  char *own = find_build_tree ();

  if (asked != NULL)
    add_folders (path, asked);
  g_ptr_array_add (path, own != NULL ? own : g_strdup (SB_PLUGIN_DIR));
  g_ptr_array_add (path, NULL);
  return (char **) g_ptr_array_free (path, FALSE);
}

static void
list_module (GPtrArray *list, const char *folder, const char *name)
{
  g_autofree char *path = find_in_folder (folder, name);
  const SbPluginDescriptor *descriptor;
  SbPluginInfo *info;

  for (guint i = 0; i < list->len; i++)
    if (g_str_equal (((SbPluginInfo *) g_ptr_array_index (list, i))->name, name))
      return;
  if (path == NULL)
    return;

  info = g_new0 (SbPluginInfo, 1);
  info->name = g_strdup (name);
  info->path = g_steal_pointer (&path);
  descriptor = open_descriptor (info->path, &info->error);
  if (descriptor != NULL)
    {
      info->version = descriptor->version;
      info->description = descriptor->description;
      info->keys = descriptor->keys;
      info->n_keys = descriptor->n_keys;
    }
  g_ptr_array_add (list, info);
}

/* An entry `store-sqlite.so` or a folder `store-sqlite` that has one in it. */
static void
list_folder (GPtrArray *list, const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);

  for (const char *entry = dir != NULL ? g_dir_read_name (dir) : NULL; entry != NULL;
       entry = g_dir_read_name (dir))
    {
      g_autofree char *name = name_of_file (entry);

      list_module (list, folder, name);
    }
}

static int
compare_infos (gconstpointer a, gconstpointer b)
{
  const SbPluginInfo *const *first = a;
  const SbPluginInfo *const *second = b;

  return strcmp ((*first)->name, (*second)->name);
}

/**
 * sb_plugin_list:
 * @dirs: (array zero-terminated=1): folders, of which the first that has a plugin wins
 *
 * Looks at every plugin there is. They are opened, but their load function is not called,
 * and a folder that cannot be read counts as empty.
 *
 * Returns: (transfer full) (element-type SbPluginInfo): sorted by name; those that cannot be
 *   used are there too, with the reason
 */
GPtrArray *
sb_plugin_list (const char *const *dirs)
{
  GPtrArray *list = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_plugin_info_free);

  g_return_val_if_fail (dirs != NULL, list);

  for (gsize i = 0; dirs[i] != NULL; i++)
    list_folder (list, dirs[i]);
  g_ptr_array_sort (list, compare_infos);
  return list;
}

/**
 * sb_plugin_info_free:
 * @info: (transfer full): an element of sb_plugin_list()
 *
 * Frees it.
 */
void
sb_plugin_info_free (SbPluginInfo *info)
{
  g_free (info->name);
  g_free (info->path);
  g_clear_error (&info->error);
  g_free (info);
}

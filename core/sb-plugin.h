/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-plugin: a module that brings types to the bus. It is a shared object named
 * after itself (`store-sqlite.so`) that exports one symbol, a descriptor:
 *
 *     static gboolean
 *     load (SbRegistry *registry, GError **error)
 *     {
 *       return sb_registry_add (registry, SB_TYPE_STORE, "mine", MY_TYPE_STORE, error);
 *     }
 *
 *     SB_PLUGIN_DEFINE ("store-mine", "Keeps messages in my way", keys, G_N_ELEMENTS (keys), load);
 */
#pragma once

#include "sb-config.h"
#include "sb-registry.h"

#include <gmodule.h>

G_BEGIN_DECLS

/* The layout of the structs and vfuncs that plugins see; a module of another one is refused. */
#define SB_PLUGIN_ABI 1

/* Tells a descriptor from any other symbol of that name ("SBpl"). */
#define SB_PLUGIN_MAGIC 0x5342706cu

/* Define it before this header is included, or on the command line of the compiler. */
#ifndef SB_PLUGIN_VERSION
#define SB_PLUGIN_VERSION ""
#endif

/**
 * SbPluginDescriptor:
 * @magic: %SB_PLUGIN_MAGIC
 * @abi: %SB_PLUGIN_ABI; like @magic read before anything else of the module
 * @name: the name, `<kind>-<name>`, which is also that of the file and of its group in
 *   the configuration
 * @version: the plugin's own version, which may be empty
 * @description: one line for people
 * @keys: (nullable): what it reads of its group
 * @n_keys: how many those are
 * @load: registers types, and touches nothing else: no file, no socket, no thread
 *
 * What the one symbol that a plugin exports points to. Made by SB_PLUGIN_DEFINE().
 */
typedef struct
{
  guint32 magic;
  guint32 abi;
  const char *name;
  const char *version;
  const char *description;
  const SbConfigKey *keys;
  gsize n_keys;
  gboolean (*load) (SbRegistry *registry, GError **error);
  gpointer padding[8];
} SbPluginDescriptor;

/**
 * SB_PLUGIN_DEFINE:
 * @name_: the name, a string
 * @description_: one line for people, a string
 * @keys_: table of #SbConfigKey, or %NULL
 * @n_keys_: its length
 * @load_: the function that registers the types
 *
 * Exports the descriptor. Stands once in a module, with a semicolon behind it.
 */
#define SB_PLUGIN_DEFINE(name_, description_, keys_, n_keys_, load_)    \
  extern G_MODULE_EXPORT const SbPluginDescriptor sb_plugin_descriptor; \
  G_MODULE_EXPORT const SbPluginDescriptor sb_plugin_descriptor = {     \
    .magic = SB_PLUGIN_MAGIC,                                           \
    .abi = SB_PLUGIN_ABI,                                               \
    .name = (name_),                                                    \
    .version = SB_PLUGIN_VERSION,                                       \
    .description = (description_),                                      \
    .keys = (keys_),                                                    \
    .n_keys = (n_keys_),                                                \
    .load = (load_),                                                    \
  }

#define SB_TYPE_PLUGIN (sb_plugin_get_type ())
G_DECLARE_FINAL_TYPE (SbPlugin, sb_plugin, SB, PLUGIN, GObject)

SbPlugin *sb_plugin_load (const char *path_or_name, const char *const *search_dirs,
                          SbRegistry *registry, GError **error);
const char *sb_plugin_get_name (SbPlugin *self);
const char *sb_plugin_get_version (SbPlugin *self);
const char *sb_plugin_get_description (SbPlugin *self);
const char *sb_plugin_get_path (SbPlugin *self);
const SbConfigKey *sb_plugin_get_keys (SbPlugin *self, gsize *n_keys);

char **sb_plugin_search_path (const char *override);

/**
 * SbPluginInfo:
 * @name: what the file is named
 * @path: where it is
 * @error: (nullable): why it cannot be used; nothing below is set then
 * @version: its version
 * @description: its description
 * @keys: (nullable): what it reads of its group
 * @n_keys: how many those are
 *
 * One plugin that sb_plugin_list() found.
 */
typedef struct
{
  char *name;    /* (owned) */
  char *path;    /* (owned) */
  GError *error; /* (owned) */
  const char *version;
  const char *description;
  const SbConfigKey *keys;
  gsize n_keys;
} SbPluginInfo;

GPtrArray *sb_plugin_list (const char *const *dirs);
void sb_plugin_info_free (SbPluginInfo *info);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbPluginInfo, sb_plugin_info_free)

G_END_DECLS

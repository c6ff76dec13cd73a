/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-registry: what plugins provide. (interface, name) → GType, so that
 * `store=sqlite` finds the type that implements SbStore under that name.
 */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * SbRegistryFunc:
 * @interface: the interface
 * @name: the name it is known by in the configuration
 * @implementation: the type
 * @user_data: as given to sb_registry_foreach()
 */
typedef void (*SbRegistryFunc) (GType interface, const char *name, GType implementation,
                                gpointer user_data);

#define SB_TYPE_REGISTRY (sb_registry_get_type ())
G_DECLARE_FINAL_TYPE (SbRegistry, sb_registry, SB, REGISTRY, GObject)

SbRegistry *sb_registry_new (void);
gboolean sb_registry_add (SbRegistry *self, GType interface, const char *name, GType implementation,
                          GError **error);
GType sb_registry_lookup (SbRegistry *self, GType interface, const char *name, GError **error);
void sb_registry_foreach (SbRegistry *self, SbRegistryFunc func, gpointer user_data);
guint sb_registry_get_size (SbRegistry *self);
void sb_registry_truncate (SbRegistry *self, guint size);

G_END_DECLS

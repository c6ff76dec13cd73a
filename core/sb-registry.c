/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-registry: a short list in the order of registration. It is asked at start
 * only, so it is searched from end to end.
 */

#include "sb-registry.h"

#include "sb-error.h"

typedef struct
{
  GType interface;
  char *name; /* (owned) */
  GType implementation;
} Provision;

struct _SbRegistry
{
  GObject parent_instance;

  GPtrArray *provisions; /* (owned) (element-type Provision) */
};

G_DEFINE_FINAL_TYPE (SbRegistry, sb_registry, G_TYPE_OBJECT)

static void
provision_free (Provision *provision)
{
  g_free (provision->name);
  g_free (provision);
}

static void
sb_registry_init (SbRegistry *self)
{
  self->provisions = g_ptr_array_new_with_free_func ((GDestroyNotify) provision_free);
}

static void
sb_registry_finalize (GObject *object)
{
  g_ptr_array_unref (SB_REGISTRY (object)->provisions);
  G_OBJECT_CLASS (sb_registry_parent_class)->finalize (object);
}

static void
sb_registry_class_init (SbRegistryClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sb_registry_finalize;
}

/**
 * sb_registry_new:
 *
 * A registry belongs to the main context.
 *
 * Returns: (transfer full): an empty registry
 */
SbRegistry *
sb_registry_new (void)
{
  return g_object_new (SB_TYPE_REGISTRY, NULL);
}

static const Provision *
find (SbRegistry *self, GType interface, const char *name)
{
  for (guint i = 0; i < self->provisions->len; i++)
    {
      const Provision *provision = g_ptr_array_index (self->provisions, i);

      if (provision->interface == interface && g_str_equal (provision->name, name))
        return provision;
    }
  return NULL;
}

/* g_type_name() of something that is no type is NULL. */
static const char *
type_name (GType type)
{
  const char *name = g_type_name (type);

  return name != NULL ? name : "(no type)";
}

static gboolean
refuse (GType interface, const char *name, GType implementation, const char *why, GError **error)
{
  g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "%s \"%s\": %s %s", type_name (interface),
               name != NULL ? name : "", type_name (implementation), why);
  return FALSE;
}

static gboolean
check (GType interface, const char *name, GType implementation, GError **error)
{
  if (!G_TYPE_IS_INTERFACE (interface))
    return refuse (interface, name, implementation, "is registered for what is no interface",
                   error);
  if (name == NULL || *name == '\0')
    return refuse (interface, name, implementation, "is registered without a name", error);
  if (!G_TYPE_IS_OBJECT (implementation))
    return refuse (interface, name, implementation, "is not a GObject", error);
  if (!g_type_is_a (implementation, interface))
    return refuse (interface, name, implementation, "does not implement the interface", error);
  if (G_TYPE_IS_ABSTRACT (implementation))
    return refuse (interface, name, implementation, "is abstract", error);
  return TRUE;
}

/**
 * sb_registry_add:
 * @self: a registry
 * @interface: an interface, for example %SB_TYPE_STORE
 * @name: the name it is to be known by in the configuration
 * @implementation: a type that can be instantiated
 * @error: return location
 *
 * For the load function of a plugin: says what it provides.
 *
 * Returns: %FALSE with %SB_ERROR_INVALID when @implementation is not one of @interface,
 *   %SB_ERROR_CONFLICT when the name is taken
 */
gboolean
sb_registry_add (SbRegistry *self, GType interface, const char *name, GType implementation,
                 GError **error)
{
  const Provision *taken;
  Provision *provision;

  g_return_val_if_fail (SB_IS_REGISTRY (self), FALSE);

  if (!check (interface, name, implementation, error))
    return FALSE;
  taken = find (self, interface, name);
  if (taken != NULL)
    {
      g_set_error (error, SB_ERROR, SB_ERROR_CONFLICT,
                   "%s \"%s\" is provided by %s already; %s cannot have the same name",
                   type_name (interface), name, type_name (taken->implementation),
                   type_name (implementation));
      return FALSE;
    }
  provision = g_new0 (Provision, 1);
  provision->interface = interface;
  provision->name = g_strdup (name);
  provision->implementation = implementation;
  g_ptr_array_add (self->provisions, provision);
  return TRUE;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (*(const char *const *) a, *(const char *const *) b);
}

static char *
list_names (SbRegistry *self, GType interface)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autofree char *joined = NULL;

  for (guint i = 0; i < self->provisions->len; i++)
    {
      const Provision *provision = g_ptr_array_index (self->provisions, i);

      if (provision->interface == interface)
        g_ptr_array_add (names, provision->name);
    }
  if (names->len == 0)
    return g_strdup ("there is none at all");
  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);
  joined = g_strjoinv (", ", (char **) names->pdata);
  return g_strconcat ("there is: ", joined, NULL);
}

/**
 * sb_registry_lookup:
 * @self: a registry
 * @interface: an interface
 * @name: a name of the configuration
 * @error: return location
 *
 * Returns: the type; %G_TYPE_INVALID with %SB_ERROR_NOT_FOUND, which lists what there is
 */
GType
sb_registry_lookup (SbRegistry *self, GType interface, const char *name, GError **error)
{
  const Provision *provision;
  g_autofree char *known = NULL;

  g_return_val_if_fail (SB_IS_REGISTRY (self), G_TYPE_INVALID);
  g_return_val_if_fail (name != NULL, G_TYPE_INVALID);

  provision = find (self, interface, name);
  if (provision != NULL)
    return provision->implementation;
  known = list_names (self, interface);
  g_set_error (error, SB_ERROR, SB_ERROR_NOT_FOUND, "no %s is named \"%s\"; %s",
               type_name (interface), name, known);
  return G_TYPE_INVALID;
}

/**
 * sb_registry_foreach:
 * @self: a registry
 * @func: (scope call): called for each entry, in the order of registration
 * @user_data: for @func
 *
 * @func must not change the registry.
 */
void
sb_registry_foreach (SbRegistry *self, SbRegistryFunc func, gpointer user_data)
{
  g_return_if_fail (SB_IS_REGISTRY (self));
  g_return_if_fail (func != NULL);

  for (guint i = 0; i < self->provisions->len; i++)
    {
      const Provision *provision = g_ptr_array_index (self->provisions, i);

      func (provision->interface, provision->name, provision->implementation, user_data);
    }
}

/**
 * sb_registry_get_size:
 * @self: a registry
 *
 * Returns: the number of entries
 */
guint
sb_registry_get_size (SbRegistry *self)
{
  g_return_val_if_fail (SB_IS_REGISTRY (self), 0);

  return self->provisions->len;
}

/**
 * sb_registry_truncate:
 * @self: a registry
 * @size: an earlier result of sb_registry_get_size()
 *
 * Takes back everything that was added since, so that a plugin that failed half-way
 * leaves nothing behind.
 */
void
sb_registry_truncate (SbRegistry *self, guint size)
{
  g_return_if_fail (SB_IS_REGISTRY (self));
  g_return_if_fail (size <= self->provisions->len);

  g_ptr_array_set_size (self->provisions, size);
}

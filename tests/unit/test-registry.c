/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-registry: what may be registered, and how it is found again. */

#include "sb-registry.h"

#include "sb-error.h"
#include "sb-test.h"

#include <string.h>

typedef struct
{
  GTypeInterface parent;
} TestThingInterface;

GType test_thing_get_type (void);
G_DEFINE_INTERFACE (TestThing, test_thing, G_TYPE_OBJECT)

static void
test_thing_default_init (TestThingInterface *iface)
{
}

typedef struct
{
  GObject parent;
} TestGood, TestPlain, TestAbstract;

typedef struct
{
  GObjectClass parent;
} TestGoodClass, TestPlainClass, TestAbstractClass;

GType test_good_get_type (void);
GType test_plain_get_type (void);
GType test_abstract_get_type (void);

G_DEFINE_TYPE_WITH_CODE (TestGood, test_good, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (test_thing_get_type (), NULL))
G_DEFINE_TYPE (TestPlain, test_plain, G_TYPE_OBJECT)
G_DEFINE_ABSTRACT_TYPE_WITH_CODE (TestAbstract, test_abstract, G_TYPE_OBJECT,
                                  G_IMPLEMENT_INTERFACE (test_thing_get_type (), NULL))

static void
test_good_init (TestGood *self)
{
}

static void
test_good_class_init (TestGoodClass *klass)
{
}

static void
test_plain_init (TestPlain *self)
{
}

static void
test_plain_class_init (TestPlainClass *klass)
{
}

static void
test_abstract_init (TestAbstract *self)
{
}

static void
test_abstract_class_init (TestAbstractClass *klass)
{
}

static void
what_was_added_is_found (void)
{
  g_autoptr (GError) error = NULL;
  SbRegistry *registry = sb_registry_new ();

  g_assert_true (
      sb_registry_add (registry, test_thing_get_type (), "good", test_good_get_type (), &error));
  g_assert_no_error (error);
  g_assert_true (sb_registry_lookup (registry, test_thing_get_type (), "good", &error)
                 == test_good_get_type ());
  g_assert_finalize_object (registry);
}

static void
an_unknown_name_is_answered_with_the_known_ones (void)
{
  g_autoptr (SbRegistry) registry = sb_registry_new ();
  g_autoptr (GError) none = NULL;
  g_autoptr (GError) some = NULL;
  GType thing = test_thing_get_type ();

  g_assert_true (sb_registry_lookup (registry, thing, "x", &none) == G_TYPE_INVALID);
  g_assert_error (none, SB_ERROR, SB_ERROR_NOT_FOUND);
  g_assert_cmpstr (none->message, ==, "no TestThing is named \"x\"; there is none at all");

  g_assert_true (sb_registry_add (registry, thing, "b", test_good_get_type (), NULL));
  g_assert_true (sb_registry_add (registry, thing, "a", test_good_get_type (), NULL));
  g_assert_true (sb_registry_lookup (registry, thing, "x", &some) == G_TYPE_INVALID);
  g_assert_error (some, SB_ERROR, SB_ERROR_NOT_FOUND);
  g_assert_cmpstr (some->message, ==, "no TestThing is named \"x\"; there is: a, b");
}

static void
a_name_is_given_once (void)
{
  g_autoptr (SbRegistry) registry = sb_registry_new ();
  g_autoptr (GError) error = NULL;
  GType thing = test_thing_get_type ();

  g_assert_true (sb_registry_add (registry, thing, "a", test_good_get_type (), &error));
  g_assert_false (sb_registry_add (registry, thing, "a", test_good_get_type (), &error));
  g_assert_error (error, SB_ERROR, SB_ERROR_CONFLICT);
  g_assert_cmpstr (
      error->message, ==,
      "TestThing \"a\" is provided by TestGood already; TestGood cannot have the same name");
  g_assert_cmpuint (sb_registry_get_size (registry), ==, 1);
}

static void
types_that_cannot_serve_are_refused (void)
{
  const struct
  {
    GType interface;
    const char *name;
    GType implementation;
    const char *why;
  } cases[] = {
    { test_thing_get_type (), "a", test_plain_get_type (), "does not implement the interface" },
    { test_thing_get_type (), "a", test_abstract_get_type (), "is abstract" },
    { test_thing_get_type (), "a", G_TYPE_INVALID, "is not a GObject" },
    { test_thing_get_type (), "a", G_TYPE_STRING, "is not a GObject" },
    { test_thing_get_type (), "a", test_thing_get_type (), "is not a GObject" },
    { test_thing_get_type (), "", test_good_get_type (), "without a name" },
    { test_thing_get_type (), NULL, test_good_get_type (), "without a name" },
    { G_TYPE_OBJECT, "a", test_good_get_type (), "for what is no interface" },
    { G_TYPE_INVALID, "a", test_good_get_type (), "for what is no interface" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SbRegistry) registry = sb_registry_new ();
      g_autoptr (GError) error = NULL;

      g_assert_false (sb_registry_add (registry, cases[i].interface, cases[i].name,
                                       cases[i].implementation, &error));
      g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
      g_assert_nonnull (strstr (error->message, cases[i].why));
      g_assert_cmpuint (sb_registry_get_size (registry), ==, 0);
    }
}

static void
collect_cb (GType interface, const char *name, GType implementation, gpointer out)
{
  g_string_append_printf (out, "%s %s %s\n", g_type_name (interface), name,
                          g_type_name (implementation));
}

static void
entries_can_be_taken_back (void)
{
  g_autoptr (SbRegistry) registry = sb_registry_new ();
  g_autoptr (GString) out = g_string_new (NULL);
  GType thing = test_thing_get_type ();

  g_assert_true (sb_registry_add (registry, thing, "a", test_good_get_type (), NULL));
  g_assert_true (sb_registry_add (registry, thing, "b", test_good_get_type (), NULL));
  sb_registry_truncate (registry, 1);
  sb_registry_foreach (registry, collect_cb, out);
  g_assert_cmpstr (out->str, ==, "TestThing a TestGood\n");
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/registry/what-was-added-is-found", what_was_added_is_found);
  g_test_add_func ("/registry/an-unknown-name-is-answered-with-the-known-ones",
                   an_unknown_name_is_answered_with_the_known_ones);
  g_test_add_func ("/registry/a-name-is-given-once", a_name_is_given_once);
  g_test_add_func ("/registry/types-that-cannot-serve-are-refused",
                   types_that_cannot_serve_are_refused);
  g_test_add_func ("/registry/entries-can-be-taken-back", entries_can_be_taken_back);
  return g_test_run ();
}

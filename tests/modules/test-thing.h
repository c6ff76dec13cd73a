/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-thing: the smallest interface and an implementation of it, for plugins of
 * the tests. Both are in the test program, where the modules find them.
 */
#pragma once

#include "simplebus.h"

G_BEGIN_DECLS

#define TEST_TYPE_THING (test_thing_get_type ())
G_DECLARE_INTERFACE (TestThing, test_thing, TEST, THING, GObject)

struct _TestThingInterface
{
  GTypeInterface parent;
};

#define TEST_TYPE_IMPLEMENTATION (test_implementation_get_type ())
G_DECLARE_FINAL_TYPE (TestImplementation, test_implementation, TEST, IMPLEMENTATION, GObject)

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* no-descriptor: a library, but no plugin. */

#include "test-thing.h"

GType no_descriptor_type (void);

GType
no_descriptor_type (void)
{
  return TEST_TYPE_IMPLEMENTATION;
}

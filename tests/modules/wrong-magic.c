/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* wrong-magic: exports the symbol, but of something else. */

#include "test-thing.h"

extern const char sb_plugin_descriptor[];
const char sb_plugin_descriptor[] = "a text of some length, which is no descriptor";

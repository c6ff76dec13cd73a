/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-fault: places where a test may let the process die, to see what is left.
 * In a build without tests they are nothing at all.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#ifdef SB_FAULT_POINTS
void sb_fault_point (const char *name);
#else
#define sb_fault_point(name) ((void) 0)
#endif

G_END_DECLS

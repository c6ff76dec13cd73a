/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-fault: places where a test may let the program die, and times that a test may shorten.
 * In a build without tests they are nothing at all.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#ifdef SB_FAULT_POINTS
void sb_client_fault_point (const char *name);
guint sb_client_fault_get_ms (const char *name, guint usual);
#else
#define sb_client_fault_point(name) ((void) 0)
#define sb_client_fault_get_ms(name, usual) (usual)
#endif

G_END_DECLS

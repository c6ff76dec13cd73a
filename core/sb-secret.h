/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-secret: how passwords, keys and signatures are made, compared and wiped. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef char SbSecret; /* a string that is wiped when it is freed */

void sb_secret_fill_random (gpointer buffer, gsize length);
gboolean sb_secret_is_equal (gconstpointer a, gconstpointer b, gsize length);
void sb_secret_free (SbSecret *secret);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbSecret, sb_secret_free)

G_END_DECLS

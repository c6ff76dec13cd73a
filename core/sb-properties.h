/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-properties: `connection_properties` as others may see them. Secrets are
 * write-only: who is shown a user does not learn its passwords.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What stands where a secret is. */
#define SB_PROPERTIES_HIDDEN "(write-only)"

char *sb_properties_hide_secrets (const char *properties);
gboolean sb_properties_has_hidden (const char *properties);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-disposition: `Content-Disposition` (RFC 6266). A pure function. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

char *sb_disposition_format (const char *name);

G_END_DECLS

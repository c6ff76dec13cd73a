/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-load-http: where a request or an answer of HTTP/1.1 ends, if it names its length. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

gsize sb_load_http_get_content_length (const char *header, gsize length);
gsize sb_load_http_measure (const guint8 *bytes, gsize length);

G_END_DECLS

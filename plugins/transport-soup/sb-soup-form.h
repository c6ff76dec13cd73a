/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-form: what a request that brings files says about them and about the
 * bus: names of fields, and where the bus is for the outside.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

char *sb_form_make_display_name (const char *field, const char *filename);
char *sb_form_make_base_url (gboolean is_tls, const char *host, const char *forwarded_proto,
                             const char *forwarded_host);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-http-request: the head of the request that carries a message. */
#pragma once

#include "sb-http-properties.h"
#include "simplebus.h"

G_BEGIN_DECLS

char *sb_http_request_make_prefix (const SbHttpProperties *properties, const char *version);
void sb_http_request_append_head (GString *head, const char *prefix, GBytes *secret,
                                  SbMessage *message, gint64 seconds);

G_END_DECLS

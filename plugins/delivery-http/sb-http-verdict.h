/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-http-verdict: what an answer says about the message and about the recipient. */
#pragma once

#include "simplebus.h"

G_BEGIN_DECLS

gboolean sb_http_verdict_is_confirmation (guint status);
SbFailure sb_http_verdict_get_failure (guint status);
gint64 sb_http_verdict_parse_retry_after (const char *value, gint64 now);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-soup-endpoints: what each path does. A handler answers before it returns, or later. */
#pragma once

#include "sb-soup-http.h"

G_BEGIN_DECLS

/* sb-soup-put.c */
void sb_endpoint_put (SbRequest *request);

gboolean sb_request_check_rate (SbRequest *request);
void sb_request_append_strings (GString *json, const char *name, const char *const *strings);

/* sb-soup-pull.c */
void sb_endpoint_get (SbRequest *request);
void sb_endpoint_confirm (SbRequest *request);
void sb_endpoint_status (SbRequest *request);

/* sb-soup-download.c */
void sb_endpoint_download (SbRequest *request);
void sb_endpoint_release (SbRequest *request);
/* sb-soup-tus.c */
void sb_endpoint_tus (SbRequest *request);
void sb_endpoint_tus_options (SbRequest *request);

/* sb-soup-users.c */
void sb_endpoint_put_users (SbRequest *request);
void sb_endpoint_sign_up_page (SbRequest *request);
void sb_endpoint_sign_up (SbRequest *request);

gboolean sb_request_is_cross_site (SbRequest *request);
gboolean sb_request_is_from_private_address (SbRequest *request);

/* sb-soup-api.c */
void sb_endpoint_api (SbRequest *request);

/* sb-soup-pages.c */
void sb_endpoint_health (SbRequest *request);
void sb_endpoint_ready (SbRequest *request);
void sb_endpoint_metrics (SbRequest *request);

/* sb-soup-pull.c, also the answer of a `Prefer: wait` that ended too early */
GString *sb_status_print (const SbMessageStatus *state);
void sb_request_answer_status (SbRequest *request, guint status, SbMessageStatus *state);

/* sb-soup-session.c */
void sb_session_upgrade (SbRequest *request);

G_END_DECLS

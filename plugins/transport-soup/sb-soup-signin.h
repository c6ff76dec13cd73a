/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-soup-signin: people at the web console, who are known by a cookie. */
#pragma once

#include "sb-soup-http.h"

G_BEGIN_DECLS

gboolean sb_request_is_of_console (SbRequest *request);
SbUser *sb_request_sign_in_by_cookie (SbRequest *request);
char *sb_request_dup_login (SbRequest *request);

void sb_endpoint_session (SbRequest *request);
void sb_endpoint_sign_in (SbRequest *request);
void sb_endpoint_sign_out (SbRequest *request);
void sb_endpoint_sign_up_json (SbRequest *request);
void sb_endpoint_set_password (SbRequest *request);

void sb_request_log_sign_up (SbRequest *request, const GError *error);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-soup-console: the files of the web console. */
#pragma once

#include "sb-soup-http.h"

G_BEGIN_DECLS

void sb_endpoint_home (SbRequest *request);
void sb_endpoint_console (SbRequest *request);

G_END_DECLS

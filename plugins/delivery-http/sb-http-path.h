/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-http-path: the path to a user that is an HTTP server. */
#pragma once

#include "simplebus.h"

G_BEGIN_DECLS

#define SB_TYPE_HTTP_PATH (sb_http_path_get_type ())
G_DECLARE_FINAL_TYPE (SbHttpPath, sb_http_path, SB, HTTP_PATH, GObject)

G_END_DECLS

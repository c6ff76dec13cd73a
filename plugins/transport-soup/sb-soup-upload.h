/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-upload: `POST /put` with a form that carries files. The form is read
 * as it comes: the files go to the vault, only the message is in memory.
 */
#pragma once

#include "sb-soup-http.h"

G_BEGIN_DECLS

extern const SbBodyFuncs sb_upload_funcs;

gboolean sb_upload_is_form (SbRequest *request);

G_END_DECLS

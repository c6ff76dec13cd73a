/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-tus: `/files/`, resumable upload by tus 1.0 with creation,
 * creation-with-upload, termination, expiration and checksum.
 */
#pragma once

#include "sb-soup-http.h"

G_BEGIN_DECLS

extern const SbBodyFuncs sb_tus_funcs;

G_END_DECLS

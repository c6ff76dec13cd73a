/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-audit: one line in the log for each thing that somebody changed by hand,
 * or looked at that is not theirs. Never a password, never a payload.
 */
#pragma once

#include "sb-user.h"

G_BEGIN_DECLS

void sb_audit (const SbUser *actor, const char *subject, const char *message, const char *format,
               ...) G_GNUC_PRINTF (4, 5);

G_END_DECLS

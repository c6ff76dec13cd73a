/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-soup-problem: errors as HTTP statuses and problem documents (RFC 9457). */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SB_PROBLEM_TYPE "application/problem+json"

guint sb_problem_status (const GError *error);
guint sb_problem_retry_after (const GError *error);
GString *sb_problem_new (guint status, const char *reason, const char *detail,
                         const char *const *full);
const char *sb_problem_title (guint status);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-log: where log lines go: to journald with all their fields, else as text
 * to stderr. Lines below the level are dropped.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

void sb_log_init (void);
void sb_log_copy_to_journal (void);
void sb_log_set_level (const char *level);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-test: what the tests share. Temporary folders that clean up after
 * themselves, and a main loop that waits for an event, never for time.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

void sb_test_init (int *argc, char ***argv);

char *sb_test_make_dir (void);
void sb_test_remove_dir (char *path);
typedef char SbTestDir;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbTestDir, sb_test_remove_dir)

/* Iterates the default main context until *flag is set; the test fails after a minute. */
void sb_test_wait_flag (gboolean *flag, const char *what);
/* The same until *counter has reached target. */
void sb_test_wait_count (guint *counter, guint target, const char *what);
/* Runs what is ready now without waiting. */
void sb_test_settle (void);

G_END_DECLS

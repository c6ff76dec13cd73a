/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-test-pty: `simplebus` on a terminal: what it shows, what is typed, how large the window is. It
 * iterates the default main context while it waits, with a deadline.
 */
#pragma once

#include "sb-test-cli.h"

G_BEGIN_DECLS

typedef struct _SbTestPty SbTestPty;

/* Starts it in a session of its own on a terminal of that size, as a shell would. */
SbTestPty *sb_test_pty_new (SbTestCli *cli, guint columns, guint rows, const char *first_word,
                            ...) G_GNUC_NULL_TERMINATED;
/* Kills it if it runs. */
void sb_test_pty_free (SbTestPty *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbTestPty, sb_test_pty_free)

/* Waits until @text is shown, behind what was waited for before. */
void sb_test_pty_wait_text (SbTestPty *self, const char *text);
/* All that was shown so far, with its escape codes. */
const char *sb_test_pty_get_output (SbTestPty *self);
/* Types it; "\n" is the enter key, "\003" is Ctrl-C. */
void sb_test_pty_type (SbTestPty *self, const char *text);
/* Whether the terminal shows what is typed. */
gboolean sb_test_pty_is_echoing (SbTestPty *self);
void sb_test_pty_resize (SbTestPty *self, guint columns, guint rows);
void sb_test_pty_signal (SbTestPty *self, int number);
/* Waits for its end. Returns: the exit status; minus the signal's number when one ended it */
int sb_test_pty_wait_end (SbTestPty *self);

G_END_DECLS

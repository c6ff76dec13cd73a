/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-progress: bars at the foot of a terminal, redrawn in place, and lines that stay above
 * them. Where there is no terminal, only the lines are written.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SbCliProgress SbCliProgress;
typedef struct _SbCliBar SbCliBar;

/* @fd: usually that of standard error; @bars: it is a terminal that takes them */
SbCliProgress *sb_cli_progress_new (int fd, gboolean bars);
/* Takes away what is drawn; lines stay. */
void sb_cli_progress_free (SbCliProgress *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbCliProgress, sb_cli_progress_free)

/* So much is to come in all, for the line of the total. */
void sb_cli_progress_expect (SbCliProgress *self, guint n_files, gint64 bytes);
/* A line that stays; @text has no line end. */
void sb_cli_progress_print (SbCliProgress *self, const char *text);
/* Takes the bars away until they are drawn again: somebody else writes on the terminal. */
void sb_cli_progress_hide (SbCliProgress *self);

/* @name: shown with what a terminal would obey made visible */
SbCliBar *sb_cli_progress_add (SbCliProgress *self, const char *name);
/* @size: -1: not known; @left: below 0: not known; @note: (nullable): in place of rate and time */
void sb_cli_bar_set (SbCliBar *self, gint64 done, gint64 size, double rate, double left,
                     const char *note);
/* It goes; the total keeps its bytes. */
void sb_cli_bar_end (SbCliBar *self);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-lines: writes lines to standard output, and tells of each when all of it was taken. A slow
 * reader holds up nobody else.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SbCliLines SbCliLines;

/* @id was written. */
typedef void (*SbCliLinesWritten) (const char *id, gpointer user_data);
/* Nothing can be written any more. @error: %G_IO_ERROR_BROKEN_PIPE when the reader has gone */
typedef void (*SbCliLinesFailed) (const GError *error, gpointer user_data);

SbCliLines *sb_cli_lines_new (int fd, SbCliLinesWritten written, SbCliLinesFailed failed,
                              gpointer user_data);
void sb_cli_lines_free (SbCliLines *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbCliLines, sb_cli_lines_free)

/* A line of @bytes, with the line end that it lacks. */
void sb_cli_lines_add (SbCliLines *self, const char *id, GBytes *bytes);
gboolean sb_cli_lines_is_empty (SbCliLines *self);
/* Writes no more. */
void sb_cli_lines_break (SbCliLines *self);
gboolean sb_cli_lines_is_broken (SbCliLines *self);

G_END_DECLS

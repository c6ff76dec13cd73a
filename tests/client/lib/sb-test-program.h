/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-test-program: `simplebus` while it runs. What it prints is read line by line, with a deadline;
 * what it says on standard error goes to a file.
 */
#pragma once

#include "sb-test-cli.h"

G_BEGIN_DECLS

typedef struct _SbTestProgram SbTestProgram;

/* Starts it in the home of @cli, where the words are taken as they are. */
SbTestProgram *sb_test_program_new (SbTestCli *cli, const char *first_word,
                                    ...) G_GNUC_NULL_TERMINATED;
/* Kills it if it runs. */
void sb_test_program_free (SbTestProgram *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbTestProgram, sb_test_program_free)

/* Writes to its standard input. */
void sb_test_program_write (SbTestProgram *self, const char *text);
void sb_test_program_end_input (SbTestProgram *self);
/* The next line of its output, waited for. Returns: (nullable): %NULL when there is none */
char *sb_test_program_read_line (SbTestProgram *self);
/* Nobody reads its output any more. */
void sb_test_program_stop_reading (SbTestProgram *self);
/* Waits until standard error contains @text. */
void sb_test_program_wait_error (SbTestProgram *self, const char *text);
/* What it has said on standard error so far. */
char *sb_test_program_dup_errors (SbTestProgram *self);
void sb_test_program_signal (SbTestProgram *self, int number);
gboolean sb_test_program_has_ended (SbTestProgram *self);
/* Waits for its end. Returns: the exit status; minus the signal's number when one ended it */
int sb_test_program_wait_end (SbTestProgram *self);

/* Waits until a file is there with that text in it. Returns: what is in it */
char *sb_test_wait_file (const char *path, const char *text);

G_END_DECLS

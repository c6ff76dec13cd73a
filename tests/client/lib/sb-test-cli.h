/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-test-cli: the program `simplebus` of the build tree, as a user without a terminal runs it, in
 * a home of its own. It iterates the default main context while the program runs, with a deadline.
 */
#pragma once

#include "sb-test-http.h"

G_BEGIN_DECLS

typedef struct _SbTestCli SbTestCli;

/* A home in which nothing is configured; the environment names no bus. */
SbTestCli *sb_test_cli_new (void);
/* The environment names that bus and user, with the password that the site's users have. */
SbTestCli *sb_test_cli_new_for (SbTestDaemon *daemon, const char *user);
void sb_test_cli_free (SbTestCli *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbTestCli, sb_test_cli_free)

/* @value: (nullable): %NULL: not set */
void sb_test_cli_setenv (SbTestCli *self, const char *name, const char *value);
/* A folder that goes with it. */
const char *sb_test_cli_get_home (SbTestCli *self);
/* Where its client.ini is, or is to be. */
char *sb_test_cli_get_config_path (SbTestCli *self);
/* Writes its client.ini. */
void sb_test_cli_configure (SbTestCli *self, int mode, const char *text);
/* For those who start the program themselves. */
GSubprocessLauncher *sb_test_cli_make_launcher (SbTestCli *self, GSubprocessFlags flags);
const char *sb_test_cli_get_program (void);

typedef struct
{
  int status; /* minus the signal's number when one ended it */
  char *out;  /* (owned) */
  char *err;  /* (owned) */
} SbTestOutcome;

void sb_test_outcome_free (SbTestOutcome *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbTestOutcome, sb_test_outcome_free)

/* Runs it with these words, and an empty standard input. */
SbTestOutcome *sb_test_cli_run (SbTestCli *self, const char *first_word,
                                ...) G_GNUC_NULL_TERMINATED;
/* The same with the words of a line, which must not have blanks in them. */
SbTestOutcome *sb_test_cli_run_line (SbTestCli *self, const char *line);
SbTestOutcome *sb_test_cli_run_with (SbTestCli *self, const char *input, const char *first_word,
                                     ...) G_GNUC_NULL_TERMINATED;
SbTestOutcome *sb_test_cli_run_words (SbTestCli *self, const char *input, const char *const *words);

/* Fails with what it said when the status is another one. */
#define sb_test_assert_outcome(outcome, wanted)                                             \
  G_STMT_START                                                                              \
  {                                                                                         \
    if ((outcome)->status != (wanted))                                                      \
      g_error ("%s:%d: exit status %d instead of %d\nout: %s\nerr: %s", __FILE__, __LINE__, \
               (outcome)->status, (int) (wanted), (outcome)->out, (outcome)->err);          \
  }                                                                                         \
  G_STMT_END

/* Fails with the text when it does not contain the part. */
#define sb_test_assert_contains(text, part)                                       \
  G_STMT_START                                                                    \
  {                                                                               \
    if (strstr ((text), (part)) == NULL)                                          \
      g_error ("%s:%d: no \"%s\" in \"%s\"", __FILE__, __LINE__, (part), (text)); \
  }                                                                               \
  G_STMT_END

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tool: simplebusd as a tool that does something to a data folder and ends, called by a script
 * or by somebody at a terminal.
 */
#pragma once

#include "sb-test-daemon.h"

G_BEGIN_DECLS

typedef struct
{
  int status;   /* the exit status; minus the signal that ended it */
  char *output; /* (owned) */
  char *errors; /* (owned) at a terminal they are in the output */
} ToolResult;

void tool_result_clear (ToolResult *result);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ToolResult, tool_result_clear)

/* @command: what is behind the program's name. @input: its standard input, of @length bytes; -1
 * for a string. */
ToolResult tool_run (const char *const *command, const char *input, gssize length);
/* The same where systemd has made @state_dir. */
ToolResult tool_run_in (const char *state_dir, const char *const *command, const char *input,
                        gssize length);
/* The same on the folder of @daemon. */
ToolResult tool_run_on (SbTestDaemon *daemon, const char *option, const char *value,
                        const char *input, gssize length);

/* One that talks. */
typedef struct _ToolTerminal ToolTerminal;

ToolTerminal *tool_terminal_start (const char *const *command);
/* Waits until it has written @text, behind what was waited for before. */
void tool_terminal_expect (ToolTerminal *self, const char *text);
/* Presses keys. */
void tool_terminal_type (ToolTerminal *self, const char *keys);
/* Whether keys are shown now. */
gboolean tool_terminal_echoes (ToolTerminal *self);
/* Waits for its end. The terminal stays. */
ToolResult tool_terminal_wait (ToolTerminal *self);
void tool_terminal_free (ToolTerminal *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolTerminal, tool_terminal_free)

G_END_DECLS

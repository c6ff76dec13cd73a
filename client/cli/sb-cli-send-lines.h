/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-send-lines: each line of standard input is a message. */
#pragma once

#include "sb-cli.h"

G_BEGIN_DECLS

/* What is read for one message, at most. The bus has its own bound, which is lower as a rule. */
#define SB_CLI_MAX_MESSAGE (64 * 1024 * 1024)
#define SB_CLI_MAX_PARALLEL 64

/* Makes a message of a line. Returns: (transfer full) (nullable) */
typedef SbClientDraft *(*SbCliLineDraft) (const char *text, gsize length, gpointer user_data,
                                          GError **error);

SbCliStatus sb_cli_send_lines (SbCli *cli, int parallel, gint64 retry, SbCliLineDraft make_draft,
                               gpointer user_data);

G_END_DECLS

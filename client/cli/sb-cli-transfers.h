/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-transfers: shows files on their way: bars on a terminal, a line for each that has ended
 * elsewhere, and events for programs.
 */
#pragma once

#include "sb-cli.h"

G_BEGIN_DECLS

typedef struct _SbCliTransfers SbCliTransfers;

/* A transfer has ended. @error: (nullable): why, when not well */
typedef void (*SbCliTransferEnded) (SbClientTransfer *transfer, const GError *error,
                                    gpointer user_data);

/* @events: of --json: begin and end of each transfer, and how far it is */
SbCliTransfers *sb_cli_transfers_new (SbCli *cli, gboolean events);
void sb_cli_transfers_free (SbCliTransfers *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbCliTransfers, sb_cli_transfers_free)

void sb_cli_transfers_expect (SbCliTransfers *self, guint n_files, gint64 bytes);
/* @ended: called once, unless it is freed before */
void sb_cli_transfers_add (SbCliTransfers *self, SbClientTransfer *transfer,
                           SbCliTransferEnded ended, gpointer user_data);
guint sb_cli_transfers_get_length (SbCliTransfers *self);
/* A line for people on standard error, above the bars. */
void sb_cli_transfers_print (SbCliTransfers *self, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* Something else is about to be written on the terminal. */
void sb_cli_transfers_hide (SbCliTransfers *self);

G_END_DECLS

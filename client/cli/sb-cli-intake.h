/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-intake: messages that are worked on, each by one worker at a time.
 *
 * The bus sends again what was not confirmed in time. Work may take longer than that: what is in
 * hand already is not begun a second time, and what was done and comes again is only confirmed
 * again.
 */
#pragma once

#include <simplebus-client.h>

G_BEGIN_DECLS

typedef struct _SbCliIntake SbCliIntake;

/* Begins to work on a message. sb_cli_intake_done() tells the end, at once or later. */
typedef void (*SbCliIntakeWork) (SbClientMessage *message, gpointer user_data);
/* It was done: it is to be confirmed. */
typedef void (*SbCliIntakeConfirm) (const char *id, gpointer user_data);

/* @parallel: how many at a time, begun in the order in which they came; 0: any number */
SbCliIntake *sb_cli_intake_new (guint parallel, SbCliIntakeWork work, SbCliIntakeConfirm confirm,
                                gpointer user_data);
void sb_cli_intake_free (SbCliIntake *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbCliIntake, sb_cli_intake_free)

void sb_cli_intake_set_parallel (SbCliIntake *self, guint parallel);
/* Returns: %FALSE: there is too much in hand; the bus sends it again */
gboolean sb_cli_intake_offer (SbCliIntake *self, SbClientMessage *message);
/* @is_well: else it is forgotten, and worked on again when it comes again */
void sb_cli_intake_done (SbCliIntake *self, const char *id, gboolean is_well);
/* Begins nothing for a while, but takes more. */
void sb_cli_intake_set_paused (SbCliIntake *self, gboolean paused);
/* Begins nothing any more. What waits is forgotten. */
void sb_cli_intake_stop (SbCliIntake *self);

/* How many are worked on, or wait for that. */
guint sb_cli_intake_get_length (SbCliIntake *self);
/* How many different ones were done. */
guint64 sb_cli_intake_get_n_done (SbCliIntake *self);

G_END_DECLS

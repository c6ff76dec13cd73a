/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-duty: a session that is kept until there is nothing more to do, or somebody says stop.
 *
 * The first SIGINT or SIGTERM lets what is begun come to its end; the second one does not.
 */
#pragma once

#include "sb-cli.h"

G_BEGIN_DECLS

/**
 * SbCliDutyClass:
 * @stop: begins nothing any more
 * @is_idle: whether all that was begun has ended
 * @abandon: (nullable): ends what is under way
 * @stays: it seeks the session again, whatever it was lost for; else a program that takes it over,
 *   and a password that has changed, end it
 *
 * What a verb has to say about its end.
 */
typedef struct
{
  void (*stop) (gpointer user_data);
  gboolean (*is_idle) (gpointer user_data);
  void (*abandon) (gpointer user_data);
  gboolean stays;
} SbCliDutyClass;

typedef struct _SbCliDuty SbCliDuty;

SbCliDuty *sb_cli_duty_new (SbCli *cli, SbClient *client, const SbCliDutyClass *class,
                            gpointer user_data);
void sb_cli_duty_free (SbCliDuty *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbCliDuty, sb_cli_duty_free)

/* Without a session for so many seconds it ends; 0: it goes on for ever, as it is at first. */
void sb_cli_duty_set_patience (SbCliDuty *self, gint64 seconds);
/* Connects, and returns when all has ended. Returns: the exit status */
SbCliStatus sb_cli_duty_run (SbCliDuty *self);
/* Ends it, once. */
void sb_cli_duty_end (SbCliDuty *self, SbCliStatus status);
/* Something has ended: perhaps that was the last. */
void sb_cli_duty_check (SbCliDuty *self);
gboolean sb_cli_duty_is_ending (SbCliDuty *self);
/* Returns: the signal that ended it; 0: none did */
int sb_cli_duty_get_signal (SbCliDuty *self);

G_END_DECLS

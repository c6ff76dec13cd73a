/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-channel: what comes of one kind, and the hook that is run for it. After a failure there
 * is a pause, longer each time, so that a hook that cannot work is not run as fast as messages
 * come.
 */
#pragma once

#include "sb-cli-agent-config.h"

G_BEGIN_DECLS

typedef struct _SbCliChannel SbCliChannel;

/* The hook has done its work for @id. */
typedef void (*SbCliChannelDone) (const char *id, gpointer user_data);
/* The last hook that ran has ended. */
typedef void (*SbCliChannelIdle) (gpointer user_data);

/* @keeps: what failed is kept here for another attempt; else the bus brings it again */
SbCliChannel *sb_cli_channel_new (SbCliHookKind kind, gboolean keeps, SbCliChannelDone done,
                                  SbCliChannelIdle idle, gpointer user_data);
void sb_cli_channel_free (SbCliChannel *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbCliChannel, sb_cli_channel_free)

/* From the next run on. */
void sb_cli_channel_configure (SbCliChannel *self, const SbCliAgentConfig *config);
/* @environment: (nullable): more variables, names and values in turn */
void sb_cli_channel_offer (SbCliChannel *self, SbClientMessage *message,
                           const char *const *environment);
/* Runs nothing more; what runs comes to its end. */
void sb_cli_channel_stop (SbCliChannel *self);
/* Ends what runs. */
void sb_cli_channel_abandon (SbCliChannel *self);
gboolean sb_cli_channel_is_idle (SbCliChannel *self);
gboolean sb_cli_channel_has_hook (SbCliChannel *self);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-events: a stream of server-sent events, as they come. */
#pragma once

#include "sb-cli.h"

G_BEGIN_DECLS

typedef struct _SbCliEvents SbCliEvents;

/* An event came; or the stream has ended, and @error says why. Nothing comes after that. */
typedef void (*SbCliEventFunc) (const char *event, const char *data, const GError *error,
                                gpointer user_data);

SbCliEvents *sb_cli_events_new (SbClient *client, const char *path, SbCliEventFunc func,
                                gpointer user_data);
/* Nothing is called any more. */
void sb_cli_events_free (SbCliEvents *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbCliEvents, sb_cli_events_free)

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-message: a message as a command of the user gets to see it. */
#pragma once

#include <simplebus-client.h>

G_BEGIN_DECLS

/* @more: (nullable): variables, names and values in turn. Returns: (transfer full): the same with
 * those that tell of the message */
char **sb_cli_message_get_environment (SbClientMessage *message, const char *const *more);
/* The notice of a file, with the member `path` at its end. */
GBytes *sb_cli_message_with_path (SbClientMessage *message, const char *path);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-publish: sends a message over HTTP, again and again for a while when the bus cannot be
 * reached or asks to come later. Its `_id` stays the same, so that it counts once.
 */
#pragma once

#include "sb-cli.h"

G_BEGIN_DECLS

/* @wait: seconds that the bus may wait for confirmations; @retry: seconds to try for */
void sb_cli_publish_async (SbCli *cli, SbClientDraft *draft, guint wait, gint64 retry,
                           GAsyncReadyCallback callback, gpointer user_data);
/* Returns: (transfer full) (nullable): the bus's answer */
GBytes *sb_cli_publish_finish (GAsyncResult *result, guint *status, GError **error);
/* The same, waited for. */
GBytes *sb_cli_publish (SbCli *cli, SbClientDraft *draft, guint wait, gint64 retry, guint *status,
                        GError **error);
/* Prints what was answered. Returns: (transfer full) (nullable): the `_id` */
char *sb_cli_print_answer (SbCli *cli, GBytes *bytes, GError **error);

/* Shows confirmations of a message as they come, until all are there or time is up. */
SbCliStatus sb_cli_watch_confirmations (SbCli *cli, const char *id, gint64 seconds);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-server: simplebusd on this machine, for what can only be done beside its data. */
#pragma once

#include "sb-cli.h"

G_BEGIN_DECLS

/* Returns: (transfer full) (nullable): where the program is */
char *sb_cli_server_find (GError **error);
/* Runs it with our own input and output. Returns: its exit status; -1 with an error */
int sb_cli_server_run (const char *const *words, GError **error);
/* The same with its output gathered. @text: (out): what it printed and said */
int sb_cli_server_ask (const char *const *words, char **text, GError **error);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-backup: whether a backup is whole. */
#pragma once

#include "sb-cli.h"

G_BEGIN_DECLS

/* Says what is in it. Returns: whether it is whole */
gboolean sb_cli_backup_verify (SbCli *cli, const char *path, GError **error);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-password: where the password of a user comes from that is made or changed. */
#pragma once

#include "sb-cli-settings.h"

G_BEGIN_DECLS

/* Options of a verb; the file's name belongs to whoever gave it. */
typedef struct
{
  char *file; /* (owned) (nullable): "-" is the standard input */
  gboolean generate;
} SbCliPasswordSource;

/* Returns: (transfer full) (nullable): to be wiped */
SbCliSecret *sb_cli_take_password (const SbCliPasswordSource *self, const char *user,
                                   GError **error);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-checkup: what was looked at, how it stands, and what to do about it. */
#pragma once

#include "sb-cli.h"

G_BEGIN_DECLS

/**
 * SbCliVerdict:
 * @SB_CLI_VERDICT_OK: as it should be
 * @SB_CLI_VERDICT_WARNING: it works, and should be looked at
 * @SB_CLI_VERDICT_ERROR: something does not work
 *
 * How a check came out.
 */
typedef enum
{
  SB_CLI_VERDICT_OK,
  SB_CLI_VERDICT_WARNING,
  SB_CLI_VERDICT_ERROR,
} SbCliVerdict;

/**
 * SbCliPlace:
 * @SB_CLI_PLACE_HERE: this program, its settings, and its way to the bus
 * @SB_CLI_PLACE_BUS: what the bus says of itself
 * @SB_CLI_PLACE_SERVER: the bus's machine, which is this one
 *
 * Where something was looked at.
 */
typedef enum
{
  SB_CLI_PLACE_HERE,
  SB_CLI_PLACE_BUS,
  SB_CLI_PLACE_SERVER,
} SbCliPlace;

typedef struct _SbCliCheckup SbCliCheckup;

SbCliCheckup *sb_cli_checkup_new (void);
void sb_cli_checkup_free (SbCliCheckup *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbCliCheckup, sb_cli_checkup_free)

/* @name: a word; @advice: (nullable): what to do; @format: what was found */
void sb_cli_checkup_add (SbCliCheckup *self, SbCliPlace place, const char *name,
                         SbCliVerdict verdict, const char *advice, const char *format, ...)
    G_GNUC_PRINTF (6, 7);
guint sb_cli_checkup_count (SbCliCheckup *self, SbCliVerdict verdict);
void sb_cli_checkup_print (SbCliCheckup *self, SbCli *cli);

G_END_DECLS

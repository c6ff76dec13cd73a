/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-agent-config: agent.ini: where files go, and what is run when something comes. */
#pragma once

#include "sb-cli.h"

G_BEGIN_DECLS

typedef enum
{
  SB_CLI_HOOK_MESSAGE,
  SB_CLI_HOOK_DOWNLOAD,
  SB_CLI_HOOK_CONFIRMATION,
  SB_CLI_N_HOOKS,
} SbCliHookKind;

/**
 * SbCliAgentConfig:
 * @download_dir: (nullable): where files go; %NULL: they are not fetched
 * @hooks: (nullable): what is run by `sh -c`, for each kind
 * @parallel: how many of each kind run at a time
 * @timeout: seconds a hook may take; 0: any
 *
 * What the agent was told.
 */
typedef struct
{
  char *download_dir;          /* (owned) */
  char *hooks[SB_CLI_N_HOOKS]; /* (owned) */
  guint parallel;
  guint timeout;
} SbCliAgentConfig;

/* @path: (nullable): of the file; %NULL: agent.ini in the user's configuration, if it is there */
SbCliAgentConfig *sb_cli_agent_config_load (const char *path, GError **error);
void sb_cli_agent_config_free (SbCliAgentConfig *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbCliAgentConfig, sb_cli_agent_config_free)

/* "on-message". */
const char *sb_cli_hook_kind_get_name (SbCliHookKind kind);

G_END_DECLS

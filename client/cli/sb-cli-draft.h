/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-draft: what people type, made into a message: addresses, payload, times, members. */
#pragma once

#include "sb-cli.h"

G_BEGIN_DECLS

/**
 * SbCliPayload:
 * @SB_CLI_PAYLOAD_GUESS: JSON when it is JSON, else a text
 * @SB_CLI_PAYLOAD_TEXT: a text, whatever it looks like
 * @SB_CLI_PAYLOAD_JSON: JSON; anything else is an error
 *
 * What the payload is meant to be.
 */
typedef enum
{
  SB_CLI_PAYLOAD_GUESS,
  SB_CLI_PAYLOAD_TEXT,
  SB_CLI_PAYLOAD_JSON,
} SbCliPayload;

/* All errors are SB_CLI_ERROR with SB_CLI_USAGE, unless they say otherwise. */
gboolean sb_cli_add_addresses (GPtrArray *addresses, const char *text, GError **error);
char *sb_cli_make_payload (const char *text, gsize length, SbCliPayload kind, GError **error);
GBytes *sb_cli_read_input (int fd, gsize max, GError **error);
gboolean sb_cli_parse_duration (const char *text, gint64 *seconds, GError **error);
gboolean sb_cli_parse_moment (const char *text, gint64 *unix_time, GError **error);
gboolean sb_cli_set_members (SbClientDraft *draft, char **members, GError **error);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-settings: which bus, as whom; from options, environment and client.ini. */
#pragma once

#include "sb-cli.h"

G_BEGIN_DECLS

/**
 * SbCliSettings:
 * @url: of the bus over HTTP
 * @websocket_url: (nullable): of the bus over WebSocket; %NULL: it follows from @url
 * @user: (nullable): its id
 * @password: (nullable): its password
 * @ca_file: (nullable): the certificates to be trusted; %NULL: those of the system
 *
 * What is needed for a log-in.
 */
typedef struct
{
  char *url;           /* (owned) */
  char *websocket_url; /* (owned) (nullable) */
  char *user;          /* (owned) (nullable) */
  char *password;      /* (owned) (nullable) wiped */
  char *ca_file;       /* (owned) (nullable) */
} SbCliSettings;

/* Wiped before it is freed. */
typedef char SbCliSecret;
void sb_cli_secret_free (SbCliSecret *secret);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbCliSecret, sb_cli_secret_free)

SbCliSettings *sb_cli_settings_load (SbCli *cli, gboolean may_be_new, GError **error);
gboolean sb_cli_settings_save (SbCli *cli, const SbCliSettings *self, GError **error);
gboolean sb_cli_settings_update_password (SbCli *cli, const char *user, const char *password,
                                          GError **error);
void sb_cli_settings_free (SbCliSettings *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbCliSettings, sb_cli_settings_free)

/* Makes the client of these settings, in which nothing is missing. */
gboolean sb_cli_use_settings (SbCli *cli, const SbCliSettings *self, GError **error);
char *sb_cli_settings_get_path (SbCli *cli);
gboolean sb_cli_settings_check_url (const char *url, GError **error);
/* The first line of a file, or of standard input for "-". */
char *sb_cli_read_password (const char *path, GError **error);

G_END_DECLS

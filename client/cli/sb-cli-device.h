/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-device: the settings of a device: where its bus is, who it is, and its password. */
#pragma once

#include "sb-cli.h"

G_BEGIN_DECLS

/**
 * SbCliDevice:
 * @url: of the bus over HTTP, as the device reaches it
 * @websocket_url: of the bus over WebSocket, likewise
 * @user: its id
 * @password: its password
 *
 * What a device has to know.
 */
typedef struct
{
  char *url;           /* (owned) */
  char *websocket_url; /* (owned) */
  char *user;          /* (owned) */
  char *password;      /* (owned) wiped */
} SbCliDevice;

/* Without a password. @url, @websocket_url: (nullable): what somebody wrote */
SbCliDevice *sb_cli_device_new (SbCli *cli, const char *user, const char *url,
                                const char *websocket_url, GError **error);
void sb_cli_device_free (SbCliDevice *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbCliDevice, sb_cli_device_free)

/* Returns: (transfer full): as devices read it, in ASCII; to be wiped */
char *sb_cli_device_to_json (const SbCliDevice *self);
/* Whether the bus knows the user with the password. */
gboolean sb_cli_device_check (SbCli *cli, const SbCliDevice *self, GError **error);

G_END_DECLS

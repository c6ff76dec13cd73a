/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-config-file: the text of a configuration file as a list of settings that
 * know the line they came from. Inside of sb-config only.
 */
#pragma once

#include "sb-config.h"

G_BEGIN_DECLS

typedef struct
{
  char *group;  /* (owned) */
  char *key;    /* (owned) (nullable): NULL for the line that opens a group */
  char *raw;    /* (owned) (nullable): the value, escaped as GKeyFile has it; NULL with key */
  char *origin; /* (owned): "simplebus.ini:12", for error messages */
  gboolean is_override;
} SbConfigSetting;

SbConfigSetting *sb_config_setting_new (const char *group, const char *key, const char *raw,
                                        const char *origin);
void sb_config_setting_free (SbConfigSetting *setting);
GPtrArray *sb_config_file_parse (const char *text, gssize length, const char *origin,
                                 GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbConfigSetting, sb_config_setting_free)

G_END_DECLS

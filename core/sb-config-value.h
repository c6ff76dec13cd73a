/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-config-value: one value of the configuration, from its text in the file to
 * the checked thing that the bus works with. Inside of sb-config only.
 */
#pragma once

#include "sb-config.h"

G_BEGIN_DECLS

typedef struct
{
  char *text;    /* (owned): for people, unescaped */
  gint64 number; /* BOOLEAN, INTEGER, SIZE (bytes), DURATION (ms) */
  char **list;   /* (owned) (nullable): LIST */
} SbConfigValue;

gboolean sb_config_value_parse (SbConfigValue *value, const SbConfigKey *key, const char *raw,
                                GError **error);
void sb_config_value_set_fallback (SbConfigValue *value, const SbConfigKey *key);
void sb_config_value_copy (SbConfigValue *value, const SbConfigValue *other);
void sb_config_value_clear (SbConfigValue *value);
gboolean sb_config_value_equal (const SbConfigValue *a, const SbConfigValue *b, SbConfigType type);
char *sb_config_value_escape (const char *text);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SbConfigValue, sb_config_value_clear)

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-config: a key file behind declared keys. Whoever reads a key declares it
 * first, with its type, default and bounds; what nobody declared is an error.
 */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * SbConfigType:
 * @SB_CONFIG_STRING: text
 * @SB_CONFIG_BOOLEAN: `true` or `false`; `yes`, `no`, `on`, `off`, `1` and `0` are understood
 * @SB_CONFIG_INTEGER: a whole number
 * @SB_CONFIG_SIZE: bytes, with an optional K, M, G or T (powers of 1024)
 * @SB_CONFIG_DURATION: seconds, with an optional s, m, h or d; kept in milliseconds
 * @SB_CONFIG_LIST: texts separated by `;`; blank ones are dropped
 * @SB_CONFIG_CHOICE: one word of those that the fallback lists, `message|error|debug`,
 *   of which the first is the default; read with sb_config_get_string()
 */
typedef enum
{
  SB_CONFIG_STRING,
  SB_CONFIG_BOOLEAN,
  SB_CONFIG_INTEGER,
  SB_CONFIG_SIZE,
  SB_CONFIG_DURATION,
  SB_CONFIG_LIST,
  SB_CONFIG_CHOICE,
} SbConfigType;

/**
 * SbConfigFlags:
 * @SB_CONFIG_DEFAULTS: none of the below
 * @SB_CONFIG_SECRET: the value is never shown, in no list and no error message
 * @SB_CONFIG_RELOADABLE: a change takes effect without a restart
 */
typedef enum
{
  SB_CONFIG_DEFAULTS = 0,
  SB_CONFIG_SECRET = 1 << 0,
  SB_CONFIG_RELOADABLE = 1 << 1,
} SbConfigFlags;

/**
 * SbConfigOrigin:
 * @SB_CONFIG_ORIGIN_DEFAULT: the declared default
 * @SB_CONFIG_ORIGIN_FILE: a file
 * @SB_CONFIG_ORIGIN_OVERRIDE: the command line
 *
 * Where a value in force comes from.
 */
typedef enum
{
  SB_CONFIG_ORIGIN_DEFAULT,
  SB_CONFIG_ORIGIN_FILE,
  SB_CONFIG_ORIGIN_OVERRIDE,
} SbConfigOrigin;

/**
 * SbConfigKey:
 * @name: the key, for example `window`
 * @type: what its value is
 * @fallback: the default, written as in a file
 * @min: the smallest value: of an INTEGER, of a SIZE in bytes, of a DURATION in milliseconds
 * @max: the largest one; @min and @max both 0 leave the value unbounded
 * @flags: how it is treated
 * @summary: one line for people
 *
 * The declaration of a key. Tables of them are static.
 */
typedef struct
{
  const char *name;
  SbConfigType type;
  const char *fallback;
  gint64 min;
  gint64 max;
  SbConfigFlags flags;
  const char *summary;
} SbConfigKey;

/**
 * SbConfigChange:
 * @name: `group.key`
 * @before: (nullable): the value as text, `***` for a secret that is set; %NULL: it has none
 * @after: (nullable): the same of the configuration to come
 * @is_reloadable: whether the change takes effect without a restart
 *
 * One difference that sb_config_diff() found.
 */
typedef struct
{
  char *name;   /* (owned) */
  char *before; /* (owned) (nullable) */
  char *after;  /* (owned) (nullable) */
  gboolean is_reloadable;
} SbConfigChange;

/**
 * SbConfigFunc:
 * @group: the group
 * @key: the declaration
 * @value: the value in force as text; `***` for a secret that is set
 * @origin: where it comes from
 * @user_data: as given to sb_config_foreach()
 */
typedef void (*SbConfigFunc) (const char *group, const SbConfigKey *key, const char *value,
                              SbConfigOrigin origin, gpointer user_data);

#define SB_TYPE_CONFIG (sb_config_get_type ())
G_DECLARE_FINAL_TYPE (SbConfig, sb_config, SB, CONFIG, GObject)

SbConfig *sb_config_new (void);
gboolean sb_config_load_file (SbConfig *self, const char *path, GError **error);
gboolean sb_config_load_data (SbConfig *self, const char *text, const char *origin, GError **error);
gboolean sb_config_set (SbConfig *self, const char *assignment, GError **error);
gboolean sb_config_declare (SbConfig *self, const char *group, const SbConfigKey *keys,
                            gsize n_keys, GError **error);
gboolean sb_config_check (SbConfig *self, GError **error);

const char *sb_config_get_string (SbConfig *self, const char *group, const char *key);
gboolean sb_config_get_boolean (SbConfig *self, const char *group, const char *key);
gint64 sb_config_get_integer (SbConfig *self, const char *group, const char *key);
gint64 sb_config_get_size (SbConfig *self, const char *group, const char *key);
gint64 sb_config_get_duration_ms (SbConfig *self, const char *group, const char *key);
const char *const *sb_config_get_list (SbConfig *self, const char *group, const char *key);

void sb_config_foreach (SbConfig *self, SbConfigFunc func, gpointer user_data);
const char *sb_config_origin_to_string (SbConfigOrigin origin);
GPtrArray *sb_config_diff (SbConfig *before, SbConfig *after);
void sb_config_change_free (SbConfigChange *change);
void sb_config_take_over (SbConfig *self, SbConfig *newer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbConfigChange, sb_config_change_free)

G_END_DECLS

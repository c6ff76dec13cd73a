/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-config: settings meet declarations.
 *
 * What was loaded (settings) and what was declared (entries) are kept apart and
 * meet in entry_take(), so that both may come in any order: the file is usually
 * read first, because it names the plugins, whose keys can be declared only then.
 * sb_config_check() at the end finds the settings that met no declaration.
 */

#include "sb-config.h"

#include "sb-config-file.h"
#include "sb-config-value.h"
#include "sb-error.h"

#include <string.h>

#define COMMAND_LINE "command line"

/* Longer unknown names get no suggestion; comparing costs the product of the lengths. */
#define SUGGESTED_NAME_MAX 64

typedef struct
{
  const char *group;      /* (unowned): interned */
  const SbConfigKey *key; /* (unowned): static */
  SbConfigValue value;
  SbConfigOrigin origin;
} Entry;

struct _SbConfig
{
  GObject parent_instance;

  GPtrArray *settings;  /* (owned) (element-type SbConfigSetting): as they came */
  GHashTable *by_id;    /* (owned): "group\nkey" → SbConfigSetting (unowned) */
  GPtrArray *entries;   /* (owned) (element-type Entry): as they were declared */
  GHashTable *declared; /* (owned): "group\nkey" → Entry (unowned) */
  GHashTable *groups;   /* (owned): names of declared groups, interned */
  GPtrArray *retired;   /* (owned) (element-type SbConfigValue): not in force any more */
};

G_DEFINE_FINAL_TYPE (SbConfig, sb_config, G_TYPE_OBJECT)

static void
entry_free (Entry *entry)
{
  sb_config_value_clear (&entry->value);
  g_free (entry);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Entry, entry_free)

static void
retired_free (gpointer value)
{
  sb_config_value_clear (value);
  g_free (value);
}

static void
sb_config_init (SbConfig *self)
{
  self->settings = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_config_setting_free);
  self->by_id = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->entries = g_ptr_array_new_with_free_func ((GDestroyNotify) entry_free);
  self->declared = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->groups = g_hash_table_new (g_str_hash, g_str_equal);
  self->retired = g_ptr_array_new_with_free_func (retired_free);
}

static void
sb_config_finalize (GObject *object)
{
  SbConfig *self = SB_CONFIG (object);

  g_ptr_array_unref (self->retired);
  g_hash_table_unref (self->groups);
  g_hash_table_unref (self->declared);
  g_ptr_array_unref (self->entries);
  g_hash_table_unref (self->by_id);
  g_ptr_array_unref (self->settings);
  G_OBJECT_CLASS (sb_config_parent_class)->finalize (object);
}

static void
sb_config_class_init (SbConfigClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sb_config_finalize;

  /**
   * SbConfig::changed:
   * @self: the configuration in force
   *
   * Values of keys that are reloadable have changed. Who keeps one reads it again.
   */
  g_signal_new ("changed", SB_TYPE_CONFIG, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

/* A newline can be part of neither name. */
static char *
make_id (const char *group, const char *key)
{
  return g_strconcat (group, "\n", key, NULL);
}

static Entry *
find_entry (SbConfig *self, const char *group, const char *key)
{
  g_autofree char *id = make_id (group, key);

  return g_hash_table_lookup (self->declared, id);
}

/* Where a setting and its declaration meet. */
static gboolean
entry_take (Entry *entry, const SbConfigSetting *setting, GError **error)
{
  SbConfigValue value = { 0 };

  if (!sb_config_value_parse (&value, entry->key, setting->raw, error))
    {
      g_prefix_error (error, "%s: [%s] %s: ", setting->origin, entry->group, entry->key->name);
      return FALSE;
    }
  sb_config_value_clear (&entry->value);
  entry->value = value;
  entry->origin = setting->is_override ? SB_CONFIG_ORIGIN_OVERRIDE : SB_CONFIG_ORIGIN_FILE;
  return TRUE;
}

/* Later ones win, except that a file never wins over the command line. */
static gboolean
take_setting (SbConfig *self, SbConfigSetting *setting, GError **error)
{
  g_autoptr (SbConfigSetting) owned = setting;
  g_autofree char *id = make_id (setting->group, setting->key != NULL ? setting->key : "");
  SbConfigSetting *old = g_hash_table_lookup (self->by_id, id);
  Entry *entry = g_hash_table_lookup (self->declared, id);

  if (old != NULL && old->is_override && !setting->is_override)
    return TRUE;
  if (entry != NULL && !entry_take (entry, setting, error))
    return FALSE;

  g_hash_table_replace (self->by_id, g_steal_pointer (&id), setting);
  g_ptr_array_add (self->settings, g_steal_pointer (&owned));
  if (old != NULL)
    g_ptr_array_remove (self->settings, old);
  return TRUE;
}

static gboolean
take_text (SbConfig *self, const char *text, gssize length, const char *origin, GError **error)
{
  g_autoptr (GPtrArray) settings = sb_config_file_parse (text, length, origin, error);

  if (settings == NULL)
    return FALSE;
  while (settings->len > 0)
    if (!take_setting (self, g_ptr_array_steal_index (settings, 0), error))
      return FALSE;
  return TRUE;
}

/**
 * sb_config_new:
 *
 * A configuration is filled and read in the main context. Once everything is
 * declared and checked only sb_config_take_over() changes it, and only keys that are
 * reloadable; other threads may read the rest.
 *
 * Returns: (transfer full): a configuration without declarations and settings
 */
SbConfig *
sb_config_new (void)
{
  return g_object_new (SB_TYPE_CONFIG, NULL);
}

/**
 * sb_config_load_file:
 * @self: a configuration
 * @path: (type filename): the file
 * @error: return location
 *
 * Reads a key file. A value in a later file replaces the one of an earlier file.
 *
 * Returns: %FALSE with %SB_ERROR_NOT_FOUND when there is no such file,
 *   %SB_ERROR_FAILED when it cannot be read, %SB_ERROR_INVALID when it is malformed
 */
gboolean
sb_config_load_file (SbConfig *self, const char *path, GError **error)
{
  g_autoptr (GError) cause = NULL;
  g_autofree char *text = NULL;
  gsize length;

  g_return_val_if_fail (SB_IS_CONFIG (self), FALSE);
  g_return_val_if_fail (path != NULL, FALSE);

  if (!g_file_get_contents (path, &text, &length, &cause))
    {
      gboolean is_absent = g_error_matches (cause, G_FILE_ERROR, G_FILE_ERROR_NOENT);

      g_set_error_literal (error, SB_ERROR, is_absent ? SB_ERROR_NOT_FOUND : SB_ERROR_FAILED,
                           cause->message);
      return FALSE;
    }
  return take_text (self, text, length, path, error);
}

/**
 * sb_config_load_data:
 * @self: a configuration
 * @text: the content of a key file
 * @origin: what error messages call it
 * @error: return location
 *
 * Like sb_config_load_file(), from memory.
 *
 * Returns: %FALSE with %SB_ERROR_INVALID when @text is malformed
 */
gboolean
sb_config_load_data (SbConfig *self, const char *text, const char *origin, GError **error)
{
  g_return_val_if_fail (SB_IS_CONFIG (self), FALSE);
  g_return_val_if_fail (text != NULL && origin != NULL, FALSE);

  return take_text (self, text, -1, origin, error);
}

/**
 * sb_config_set:
 * @self: a configuration
 * @assignment: `group.key=value`; the value is taken literally, without escapes
 * @error: return location
 *
 * Sets a value from the command line. It wins over files, whichever comes first.
 *
 * Returns: %FALSE with %SB_ERROR_INVALID when @assignment is malformed, or the key is
 *   declared already and refuses the value
 */
gboolean
sb_config_set (SbConfig *self, const char *assignment, GError **error)
{
  const char *equals, *dot;
  g_autofree char *group = NULL;
  g_autofree char *key = NULL;
  g_autofree char *raw = NULL;
  SbConfigSetting *setting;

  g_return_val_if_fail (SB_IS_CONFIG (self), FALSE);
  g_return_val_if_fail (assignment != NULL, FALSE);

  equals = strchr (assignment, '=');
  dot = equals != NULL ? memchr (assignment, '.', equals - assignment) : NULL;
  if (dot == NULL || dot == assignment || dot + 1 == equals
      || !g_utf8_validate (assignment, -1, NULL))
    {
      /* Not repeated: behind a forgotten dot may stand a secret. */
      g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID,
                           COMMAND_LINE ": a setting is written group.key=value, in UTF-8");
      return FALSE;
    }
  group = g_strndup (assignment, dot - assignment);
  key = g_strndup (dot + 1, equals - dot - 1);
  raw = sb_config_value_escape (equals + 1);
  setting = sb_config_setting_new (group, key, raw, COMMAND_LINE);
  setting->is_override = TRUE;
  return take_setting (self, setting, error);
}

static gboolean
declare_key (SbConfig *self, const char *group, const SbConfigKey *key, GError **error)
{
  g_autofree char *id = make_id (group, key->name);
  Entry *known = g_hash_table_lookup (self->declared, id);
  const SbConfigSetting *setting = g_hash_table_lookup (self->by_id, id);
  Entry *entry;

  if (known != NULL && known->key == key)
    return TRUE;
  if (known != NULL)
    {
      g_set_error (error, SB_ERROR, SB_ERROR_CONFLICT, "[%s] %s is declared by two modules", group,
                   key->name);
      return FALSE;
    }
  entry = g_new0 (Entry, 1);
  entry->group = group;
  entry->key = key;
  sb_config_value_set_fallback (&entry->value, key);
  g_ptr_array_add (self->entries, entry);
  g_hash_table_insert (self->declared, g_steal_pointer (&id), entry);
  return setting == NULL || entry_take (entry, setting, error);
}

/**
 * sb_config_declare:
 * @self: a configuration
 * @group: the group that the keys are in
 * @keys: (array length=n_keys): the table, which must live as long as the process
 * @n_keys: its length
 * @error: return location
 *
 * Makes keys known and checks the values of them that were loaded. The same table may
 * be declared again. A default that its own declaration refuses ends the process.
 *
 * Returns: %FALSE with %SB_ERROR_INVALID when a loaded value is refused, with
 *   %SB_ERROR_CONFLICT when a key of that name was declared by another table
 */
gboolean
sb_config_declare (SbConfig *self, const char *group, const SbConfigKey *keys, gsize n_keys,
                   GError **error)
{
  const char *interned;

  g_return_val_if_fail (SB_IS_CONFIG (self), FALSE);
  g_return_val_if_fail (group != NULL, FALSE);
  g_return_val_if_fail (keys != NULL || n_keys == 0, FALSE);

  interned = g_intern_string (group);
  g_hash_table_add (self->groups, (gpointer) interned);
  for (gsize i = 0; i < n_keys; i++)
    if (!declare_key (self, interned, &keys[i], error))
      return FALSE;
  return TRUE;
}

/* Edits (insert, delete, replace, swap neighbours not counted as one) from a to b. */
static guint
distance (const char *a, const char *b)
{
  gsize columns = strlen (b);
  g_autofree guint *row = g_new (guint, columns + 1);

  for (gsize j = 0; j <= columns; j++)
    row[j] = j;
  for (gsize i = 1; a[i - 1] != '\0'; i++)
    {
      guint diagonal = row[0];

      row[0] = i;
      for (gsize j = 1; j <= columns; j++)
        {
          guint replaced = diagonal + (a[i - 1] != b[j - 1]);

          diagonal = row[j];
          row[j] = MIN (replaced, MIN (row[j], row[j - 1]) + 1);
        }
    }
  return row[columns];
}

/* A third of the name may be wrong; beyond that a suggestion would only puzzle. */
static gboolean
is_nearer (const char *name, const char *candidate, guint *best)
{
  guint far = distance (name, candidate);

  if (far > MAX (strlen (name) / 3, 1) || far >= *best)
    return FALSE;
  *best = far;
  return TRUE;
}

static char *
suggest_group (SbConfig *self, const char *name)
{
  const char *nearest = NULL;
  guint best = G_MAXUINT;

  for (guint i = 0; i < self->entries->len && strlen (name) <= SUGGESTED_NAME_MAX; i++)
    {
      const Entry *entry = g_ptr_array_index (self->entries, i);

      if (is_nearer (name, entry->group, &best))
        nearest = entry->group;
    }
  return nearest != NULL ? g_strdup_printf ("; did you mean [%s]?", nearest) : g_strdup ("");
}

/* The nearest key of the same group, or that very key of another group. */
static char *
suggest_key (SbConfig *self, const char *group, const char *name)
{
  const Entry *nearest = NULL;
  guint best = G_MAXUINT;

  for (guint i = 0; i < self->entries->len && strlen (name) <= SUGGESTED_NAME_MAX; i++)
    {
      const Entry *entry = g_ptr_array_index (self->entries, i);

      if (g_str_equal (entry->group, group)
              ? is_nearer (name, entry->key->name, &best)
              : nearest == NULL && g_str_equal (entry->key->name, name))
        nearest = entry;
    }
  if (nearest == NULL)
    return g_strdup ("");
  return g_strdup_printf ("; did you mean [%s] %s?", nearest->group, nearest->key->name);
}

static gboolean
check_setting (SbConfig *self, const SbConfigSetting *setting, GError **error)
{
  g_autofree char *hint = NULL;

  if (!g_hash_table_contains (self->groups, setting->group))
    {
      hint = suggest_group (self, setting->group);
      g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "%s: unknown group [%s]%s", setting->origin,
                   setting->group, hint);
      return FALSE;
    }
  if (setting->key != NULL && find_entry (self, setting->group, setting->key) == NULL)
    {
      hint = suggest_key (self, setting->group, setting->key);
      g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "%s: [%s] has no key %s%s", setting->origin,
                   setting->group, setting->key, hint);
      return FALSE;
    }
  return TRUE;
}

/**
 * sb_config_check:
 * @self: a configuration to which everything was declared
 * @error: return location
 *
 * Looks for settings that nobody declared. The error names file, line, group and key,
 * and a known name that is near.
 *
 * Returns: %FALSE with %SB_ERROR_INVALID when there is an unknown group or key
 */
gboolean
sb_config_check (SbConfig *self, GError **error)
{
  g_return_val_if_fail (SB_IS_CONFIG (self), FALSE);

  for (guint i = 0; i < self->settings->len; i++)
    if (!check_setting (self, g_ptr_array_index (self->settings, i), error))
      return FALSE;
  return TRUE;
}

/* A key that was never declared, or is of another type, is a fault of the code. */
static const SbConfigValue *
get_value (SbConfig *self, const char *group, const char *key, SbConfigType type)
{
  const Entry *entry = find_entry (self, group, key);

  if (entry == NULL)
    g_error ("[%s] %s is read, but was not declared", group, key);
  if (entry->key->type != type
      && !(type == SB_CONFIG_STRING && entry->key->type == SB_CONFIG_CHOICE))
    g_error ("[%s] %s is read as another type than it was declared", group, key);
  return &entry->value;
}

/**
 * sb_config_get_string:
 * @self: a configuration
 * @group: a declared group
 * @key: a declared key of type %SB_CONFIG_STRING or %SB_CONFIG_CHOICE
 *
 * Returns: (transfer none): the text, which may be empty
 */
const char *
sb_config_get_string (SbConfig *self, const char *group, const char *key)
{
  return get_value (self, group, key, SB_CONFIG_STRING)->text;
}

/**
 * sb_config_get_boolean:
 * @self: a configuration
 * @group: a declared group
 * @key: a declared key of that type
 *
 * Returns: the value
 */
gboolean
sb_config_get_boolean (SbConfig *self, const char *group, const char *key)
{
  return get_value (self, group, key, SB_CONFIG_BOOLEAN)->number != 0;
}

/**
 * sb_config_get_integer:
 * @self: a configuration
 * @group: a declared group
 * @key: a declared key of that type
 *
 * Returns: the value, within the declared bounds
 */
gint64
sb_config_get_integer (SbConfig *self, const char *group, const char *key)
{
  return get_value (self, group, key, SB_CONFIG_INTEGER)->number;
}

/**
 * sb_config_get_size:
 * @self: a configuration
 * @group: a declared group
 * @key: a declared key of that type
 *
 * Returns: the size in bytes, within the declared bounds
 */
gint64
sb_config_get_size (SbConfig *self, const char *group, const char *key)
{
  return get_value (self, group, key, SB_CONFIG_SIZE)->number;
}

/**
 * sb_config_get_duration_ms:
 * @self: a configuration
 * @group: a declared group
 * @key: a declared key of that type
 *
 * Returns: the time in milliseconds, within the declared bounds
 */
gint64
sb_config_get_duration_ms (SbConfig *self, const char *group, const char *key)
{
  return get_value (self, group, key, SB_CONFIG_DURATION)->number;
}

/**
 * sb_config_get_list:
 * @self: a configuration
 * @group: a declared group
 * @key: a declared key of that type
 *
 * Returns: (transfer none) (array zero-terminated=1): the items, none of them blank
 */
const char *const *
sb_config_get_list (SbConfig *self, const char *group, const char *key)
{
  return (const char *const *) get_value (self, group, key, SB_CONFIG_LIST)->list;
}

static const char *
get_shown (const Entry *entry)
{
  gboolean is_hidden = (entry->key->flags & SB_CONFIG_SECRET) && *entry->value.text != '\0';

  return is_hidden ? "***" : entry->value.text;
}

/**
 * sb_config_foreach:
 * @self: a configuration
 * @func: (scope call): called for every declared key, in the order of declaration
 * @user_data: for @func
 *
 * Shows what is in force.
 */
void
sb_config_foreach (SbConfig *self, SbConfigFunc func, gpointer user_data)
{
  g_return_if_fail (SB_IS_CONFIG (self));
  g_return_if_fail (func != NULL);

  for (guint i = 0; i < self->entries->len; i++)
    {
      const Entry *entry = g_ptr_array_index (self->entries, i);

      func (entry->group, entry->key, get_shown (entry), entry->origin, user_data);
    }
}

/**
 * sb_config_origin_to_string:
 * @origin: an origin
 *
 * Returns: (transfer none): `default`, `file` or `override`
 */
const char *
sb_config_origin_to_string (SbConfigOrigin origin)
{
  static const char *const names[] = { "default", "file", "override" };

  g_return_val_if_fail ((gsize) origin < G_N_ELEMENTS (names), "default");

  return names[origin];
}

static gboolean
is_reloadable (const Entry *old, const Entry *new)
{
  return old != NULL && new != NULL && old->key->type == new->key->type
         && (new->key->flags &SB_CONFIG_RELOADABLE) != 0;
}

static void
add_change (GPtrArray *changes, const Entry *old, const Entry *new)
{
  const Entry *either = old != NULL ? old : new;
  SbConfigChange *change = g_new0 (SbConfigChange, 1);

  change->name = g_strconcat (either->group, ".", either->key->name, NULL);
  change->before = old != NULL ? g_strdup (get_shown (old)) : NULL;
  change->after = new != NULL ? g_strdup (get_shown (new)) : NULL;
  change->is_reloadable = is_reloadable (old, new);
  g_ptr_array_add (changes, change);
}

/**
 * sb_config_diff:
 * @before: the configuration in force
 * @after: the one to come, with its declarations
 *
 * Compares meanings, not texts: `3600` and `1h` are the same. A key that only one of them
 * knows is a difference that takes a restart.
 *
 * Returns: (transfer full) (element-type SbConfigChange): what differs
 */
GPtrArray *
sb_config_diff (SbConfig *before, SbConfig *after)
{
  GPtrArray *changes = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_config_change_free);

  g_return_val_if_fail (SB_IS_CONFIG (before) && SB_IS_CONFIG (after), changes);

  for (guint i = 0; i < before->entries->len; i++)
    {
      const Entry *old = g_ptr_array_index (before->entries, i);
      const Entry *new = find_entry (after, old->group, old->key->name);

      if (new == NULL || new->key->type != old->key->type
          || !sb_config_value_equal (&old->value, &new->value, old->key->type))
        add_change (changes, old, new);
    }
  for (guint i = 0; i < after->entries->len; i++)
    {
      const Entry *new = g_ptr_array_index (after->entries, i);

      if (find_entry (before, new->group, new->key->name) == NULL)
        add_change (changes, NULL, new);
    }
  return changes;
}

/**
 * sb_config_change_free:
 * @change: (transfer full): an element of sb_config_diff()
 *
 * Frees it.
 */
void
sb_config_change_free (SbConfigChange *change)
{
  g_free (change->name);
  g_free (change->before);
  g_free (change->after);
  g_free (change);
}

/* What was in force is kept, since somebody may hold a text of it. */
static void
replace_value (SbConfig *self, Entry *entry, const Entry *newer)
{
  g_ptr_array_add (self->retired, g_memdup2 (&entry->value, sizeof entry->value));
  sb_config_value_copy (&entry->value, &newer->value);
  entry->origin = newer->origin;
}

/**
 * sb_config_take_over:
 * @self: the configuration in force
 * @newer: one with the same declarations, which was checked
 *
 * Brings the values of @newer into force as far as their keys are reloadable, and emits
 * SbConfig::changed when that changes any. All other values stay. Texts and lists that @self gave
 * out before stay valid as long as it lives.
 */
void
sb_config_take_over (SbConfig *self, SbConfig *newer)
{
  gboolean has_changed = FALSE;

  g_return_if_fail (SB_IS_CONFIG (self) && SB_IS_CONFIG (newer));

  for (guint i = 0; i < self->entries->len; i++)
    {
      Entry *old = g_ptr_array_index (self->entries, i);
      const Entry *new = find_entry (newer, old->group, old->key->name);

      if (!is_reloadable (old, new)
          || sb_config_value_equal (&old->value, &new->value, old->key->type))
        continue;
      replace_value (self, old, new);
      has_changed = TRUE;
    }
  if (has_changed)
    g_signal_emit_by_name (self, "changed");
}

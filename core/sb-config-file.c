/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-config-file: GKeyFile decides what the file says. A pass over its lines
 * before that adds what GKeyFile does not tell: line numbers, keys that are set
 * twice (it would silently take the last), and errors that never quote a line,
 * which may hold a password.
 */

#include "sb-config-file.h"

#include "sb-error.h"

#include <string.h>

typedef struct
{
  const char *origin;  /* (unowned) */
  guint line;          /* from 1 */
  char *group;         /* (owned) (nullable): the one that is open */
  GHashTable *seen;    /* (owned): "group\nkey" → line */
  GPtrArray *settings; /* (owned): SbConfigSetting, raw still NULL */
} Scanner;

SbConfigSetting *
sb_config_setting_new (const char *group, const char *key, const char *raw, const char *origin)
{
  SbConfigSetting *setting = g_new0 (SbConfigSetting, 1);

  setting->group = g_strdup (group);
  setting->key = g_strdup (key);
  setting->raw = g_strdup (raw);
  setting->origin = g_strdup (origin);
  return setting;
}

void
sb_config_setting_free (SbConfigSetting *setting)
{
  g_free (setting->group);
  g_free (setting->key);
  g_free (setting->raw);
  g_free (setting->origin);
  g_free (setting);
}

static void
scanner_clear (Scanner *scanner)
{
  g_free (scanner->group);
  g_hash_table_unref (scanner->seen);
  g_clear_pointer (&scanner->settings, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Scanner, scanner_clear)

static void
scanner_add (Scanner *scanner, const char *key)
{
  g_autofree char *place = g_strdup_printf ("%s:%u", scanner->origin, scanner->line);

  g_ptr_array_add (scanner->settings, sb_config_setting_new (scanner->group, key, NULL, place));
}

static gboolean
scanner_refuse (Scanner *scanner, const char *why, GError **error)
{
  g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "%s:%u: %s", scanner->origin, scanner->line, why);
  return FALSE;
}

static gboolean
scan_group (Scanner *scanner, const char *line, GError **error)
{
  const char *end = strchr (line, ']');

  if (end == NULL || end == line + 1)
    return scanner_refuse (scanner, "a group is written [name]", error);
  if (end[1] != '\0')
    return scanner_refuse (scanner, "nothing may follow the ] of a group", error);
  g_free (scanner->group);
  scanner->group = g_strndup (line + 1, end - line - 1);
  scanner_add (scanner, NULL);
  return TRUE;
}

static gboolean
scan_key (Scanner *scanner, const char *line, GError **error)
{
  const char *equals = strchr (line, '=');
  g_autofree char *key = NULL;
  g_autofree char *id = NULL;
  guint first;

  if (equals == NULL || equals == line)
    return scanner_refuse (scanner, "this is neither [group] nor key=value nor # comment", error);
  if (scanner->group == NULL)
    return scanner_refuse (scanner, "a [group] has to come before the first key", error);

  key = g_strchomp (g_strndup (line, equals - line));
  id = g_strconcat (scanner->group, "\n", key, NULL);
  first = GPOINTER_TO_UINT (g_hash_table_lookup (scanner->seen, id));
  if (first != 0)
    {
      g_set_error (error, SB_ERROR, SB_ERROR_INVALID,
                   "%s:%u: [%s] %s is set twice, first in line %u", scanner->origin, scanner->line,
                   scanner->group, key, first);
      return FALSE;
    }
  g_hash_table_insert (scanner->seen, g_steal_pointer (&id), GUINT_TO_POINTER (scanner->line));
  scanner_add (scanner, key);
  return TRUE;
}

static gboolean
scan_line (Scanner *scanner, const char *text, gsize length, GError **error)
{
  g_autofree char *own = g_strndup (text, length);
  const char *line = g_strstrip (own);

  scanner->line++;
  if (!g_utf8_validate_len (text, length, NULL))
    return scanner_refuse (scanner, "this is not UTF-8 text", error);
  if (*line == '\0' || *line == '#')
    return TRUE;
  return *line == '[' ? scan_group (scanner, line, error) : scan_key (scanner, line, error);
}

static gboolean
scan (Scanner *scanner, const char *text, gsize length, GError **error)
{
  const char *end = text + length;

  while (text < end)
    {
      const char *newline = memchr (text, '\n', end - text);
      const char *stop = newline != NULL ? newline : end;

      if (!scan_line (scanner, text, stop - text, error))
        return FALSE;
      text = newline != NULL ? newline + 1 : end;
    }
  return TRUE;
}

static gboolean
fill_in_values (GPtrArray *settings, GKeyFile *file, GError **error)
{
  for (guint i = 0; i < settings->len; i++)
    {
      SbConfigSetting *setting = g_ptr_array_index (settings, i);

      if (setting->key == NULL)
        continue;
      setting->raw = g_key_file_get_value (file, setting->group, setting->key, error);
      if (setting->raw == NULL)
        return FALSE;
    }
  return TRUE;
}

/*
 * sb_config_file_parse:
 * @text: the file
 * @length: its length in bytes, or -1 when it ends with a NUL
 * @origin: its name, for error messages
 *
 * A group may be opened more than once; a key may be set only once.
 *
 * Returns: (transfer full) (element-type SbConfigSetting): in the order of the file
 */
GPtrArray *
sb_config_file_parse (const char *text, gssize length, const char *origin, GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autoptr (GError) cause = NULL;
  g_auto (Scanner) scanner = { .origin = origin };
  gsize left = length >= 0 ? (gsize) length : strlen (text);

  /* Editors on some platforms begin a file with a byte order mark. */
  if (left >= 3 && memcmp (text, "\xef\xbb\xbf", 3) == 0)
    {
      text += 3;
      left -= 3;
    }
  scanner.seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  scanner.settings = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_config_setting_free);
  if (!scan (&scanner, text, left, error))
    return NULL;

  /* With translations kept, a `key[xx]` is seen, and reported as the unknown key that it is. */
  if (!g_key_file_load_from_data (file, text, left, G_KEY_FILE_KEEP_TRANSLATIONS, &cause)
      || !fill_in_values (scanner.settings, file, &cause))
    {
      g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "%s: %s", origin, cause->message);
      return NULL;
    }
  return g_steal_pointer (&scanner.settings);
}

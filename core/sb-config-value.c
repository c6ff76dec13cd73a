/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-config-value: parsing and describing values. An error says what was written
 * and what would have been right; the caller puts file, group and key before it.
 */

#include "sb-config-value.h"

#include "sb-error.h"

#include <string.h>

/* As much of a bad value as an error message repeats, in characters. */
#define SHOWN_MAX 60

typedef struct
{
  char suffix;
  gint64 factor;
} Unit;

static const Unit size_units[] = {
  { 'T', G_GINT64_CONSTANT (1) << 40 }, { 'G', 1 << 30 }, { 'M', 1 << 20 }, { 'K', 1 << 10 }, { 0 },
};

static const Unit duration_units[] = {
  { 'd', 24 * 60 * 60 * 1000 }, { 'h', 60 * 60 * 1000 }, { 'm', 60 * 1000 }, { 's', 1000 }, { 0 },
};

static const char *const truths[] = { "true", "yes", "on", "1", NULL };
static const char *const untruths[] = { "false", "no", "off", "0", NULL };

static gboolean
has_bounds (const SbConfigKey *key)
{
  return key->min != 0 || key->max != 0;
}

static gint64
lowest (const SbConfigKey *key)
{
  return has_bounds (key) ? key->min : G_MININT64;
}

static gint64
highest (const SbConfigKey *key)
{
  return has_bounds (key) ? key->max : G_MAXINT64;
}

/* The way back: 65536 as 64K, 90000 ms as 90s. */
static char *
format_number (SbConfigType type, gint64 number)
{
  const Unit *unit = type == SB_CONFIG_SIZE ? size_units : duration_units;

  if (type == SB_CONFIG_INTEGER || number == 0)
    return g_strdup_printf ("%" G_GINT64_FORMAT, number);
  for (; unit->suffix != 0; unit++)
    if (number % unit->factor == 0)
      return g_strdup_printf ("%" G_GINT64_FORMAT "%c", number / unit->factor, unit->suffix);
  if (type == SB_CONFIG_DURATION)
    return g_strdup_printf ("%" G_GINT64_FORMAT ".%03ds", number / 1000, (int) (number % 1000));
  return g_strdup_printf ("%" G_GINT64_FORMAT, number);
}

static char *
describe_bounds (const SbConfigKey *key)
{
  g_autofree char *low = NULL;
  g_autofree char *high = NULL;

  if (!has_bounds (key))
    return g_strdup ("");
  low = format_number (key->type, key->min);
  high = format_number (key->type, key->max);
  if (key->max == G_MAXINT64)
    return g_strdup_printf (" of %s or more", low);
  return g_strdup_printf (" between %s and %s", low, high);
}

/* What would have been right: "an integer between 1 and 65536". */
static char *
describe_type (const SbConfigKey *key)
{
  g_autofree char *bounds = describe_bounds (key);
  g_auto (GStrv) words = NULL;
  g_autofree char *joined = NULL;

  switch (key->type)
    {
    case SB_CONFIG_BOOLEAN:
      return g_strdup ("true or false");
    case SB_CONFIG_INTEGER:
      return g_strconcat ("an integer", bounds, NULL);
    case SB_CONFIG_SIZE:
      return g_strconcat ("a size", bounds, " (bytes, or with K, M, G or T)", NULL);
    case SB_CONFIG_DURATION:
      return g_strconcat ("a time", bounds, " (seconds, or with s, m, h or d)", NULL);
    case SB_CONFIG_CHOICE:
      words = g_strsplit (key->fallback, "|", -1);
      joined = g_strjoinv (", ", words);
      return g_strconcat ("one of ", joined, NULL);
    case SB_CONFIG_STRING:
    case SB_CONFIG_LIST:
    default:
      return g_strdup ("a text");
    }
}

/* The value as an error message may repeat it: never a secret, never a page of it. */
static char *
shown (const SbConfigKey *key, const char *raw)
{
  g_autofree char *head = NULL;

  if (key->flags & SB_CONFIG_SECRET)
    return g_strdup ("the value");
  if (g_utf8_strlen (raw, -1) <= SHOWN_MAX)
    return g_strdup_printf ("\"%s\"", raw);
  head = g_utf8_substring (raw, 0, SHOWN_MAX);
  return g_strdup_printf ("\"%s…\"", head);
}

/* GKeyFile has no comments behind a value, yet people write them: `window=64  # messages`. */
static gboolean
has_trailing_comment (const char *raw)
{
  for (const char *hash = strchr (raw, '#'); hash != NULL; hash = strchr (hash + 1, '#'))
    if (hash > raw && g_ascii_isspace (hash[-1]))
      return TRUE;
  return FALSE;
}

static gboolean
refuse (const SbConfigKey *key, const char *raw, GError **error)
{
  g_autofree char *value = shown (key, raw);
  g_autofree char *expected = describe_type (key);

  g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "%s is not %s", value, expected);
  return FALSE;
}

/* Digits, perhaps a fraction, perhaps a suffix. A fraction rounds up, so that a tiny time
 * does not become 0, which often means "never". Exact, unlike a double. */
static gboolean
parse_quantity (const char *text, const Unit *units, gint64 factor, gint64 *number)
{
  gint64 whole = 0;
  gint64 fraction = 0;
  gint64 scale = 1;
  const char *p = text;

  if (!g_ascii_isdigit (*p))
    return FALSE;
  for (; g_ascii_isdigit (*p); p++)
    if (__builtin_mul_overflow (whole, 10, &whole)
        || __builtin_add_overflow (whole, g_ascii_digit_value (*p), &whole))
      return FALSE;
  if (*p == '.' && !g_ascii_isdigit (*++p))
    return FALSE;
  for (; g_ascii_isdigit (*p); p++)
    if (scale < 1000000)
      {
        scale *= 10;
        fraction = fraction * 10 + g_ascii_digit_value (*p);
      }
  if (*p != '\0')
    {
      while (units->suffix != 0 && units->suffix != *p)
        units++;
      if (units->suffix == 0 || p[1] != '\0')
        return FALSE;
      factor = units->factor;
    }
  return !__builtin_mul_overflow (whole, factor, &whole)
         && !__builtin_add_overflow (whole, (fraction * factor + scale - 1) / scale, number);
}

static gboolean
parse_number (const SbConfigKey *key, const char *text, gint64 *number)
{
  gboolean is_valid = FALSE;

  if (key->type == SB_CONFIG_INTEGER)
    return g_ascii_string_to_signed (text, 10, lowest (key), highest (key), number, NULL);
  if (key->type == SB_CONFIG_DURATION)
    {
      is_valid = parse_quantity (text, duration_units, 1000, number);
    }
  else
    {
      g_autofree char *upper = g_ascii_strup (text, -1);

      is_valid = parse_quantity (upper, size_units, 1, number);
    }
  return is_valid && *number >= lowest (key) && *number <= highest (key);
}

static gboolean
parse_boolean (const char *text, gint64 *number)
{
  g_autofree char *lower = g_ascii_strdown (text, -1);

  *number = g_strv_contains (truths, lower);
  return *number || g_strv_contains (untruths, lower);
}

static gboolean
is_choice (const SbConfigKey *key, const char *text)
{
  g_auto (GStrv) words = g_strsplit (key->fallback, "|", -1);

  return g_strv_contains ((const char *const *) words, text);
}

static void
drop_blank_items (char **list)
{
  char **out = list;

  for (char **item = list; *item != NULL; item++)
    if (*g_strstrip (*item) != '\0')
      *out++ = *item;
    else
      g_free (*item);
  *out = NULL;
}

/* GKeyFile may return a text and an error at once; only the error counts. */
static gboolean
unescape (SbConfigValue *value, const SbConfigKey *key, const char *raw, GError **error)
{
  g_autoptr (GKeyFile) scratch = g_key_file_new ();
  g_autoptr (GError) cause = NULL;
  g_autofree char *own = g_strchomp (g_strdup (raw));

  g_key_file_set_value (scratch, "g", "k", own);
  if (key->type == SB_CONFIG_LIST)
    value->list = g_key_file_get_string_list (scratch, "g", "k", NULL, &cause);
  else
    value->text = g_key_file_get_string (scratch, "g", "k", &cause);
  if (cause != NULL)
    {
      g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID,
                           "the value has a backslash that means nothing (write \\\\ for one; "
                           "\\s, \\n, \\t and \\r are known)");
      return FALSE;
    }
  if (key->type == SB_CONFIG_LIST)
    {
      drop_blank_items (value->list);
      value->text = g_strjoinv (";", value->list);
    }
  return TRUE;
}

static gboolean
check (SbConfigValue *value, const SbConfigKey *key)
{
  switch (key->type)
    {
    case SB_CONFIG_BOOLEAN:
      return parse_boolean (g_strstrip (value->text), &value->number);
    case SB_CONFIG_INTEGER:
    case SB_CONFIG_SIZE:
    case SB_CONFIG_DURATION:
      return parse_number (key, g_strstrip (value->text), &value->number);
    case SB_CONFIG_CHOICE:
      return is_choice (key, value->text);
    case SB_CONFIG_STRING:
    case SB_CONFIG_LIST:
    default:
      return TRUE;
    }
}

/*
 * sb_config_value_parse:
 * @value: (out caller-allocates): the result; untouched on failure
 * @key: the declaration to hold it to
 * @raw: the value as it stands in a key file, with its escapes
 *
 * Returns: %FALSE with %SB_ERROR_INVALID when @raw is not what @key asks for
 */
gboolean
sb_config_value_parse (SbConfigValue *value, const SbConfigKey *key, const char *raw,
                       GError **error)
{
  g_auto (SbConfigValue) parsed = { 0 };

  if (!(key->flags & SB_CONFIG_SECRET) && has_trailing_comment (raw))
    {
      g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID,
                           "a comment needs a line of its own (write \\s# for a # that belongs "
                           "to the value)");
      return FALSE;
    }
  if (!unescape (&parsed, key, raw, error))
    return FALSE;
  if (!check (&parsed, key))
    return refuse (key, raw, error);

  *value = parsed;
  memset (&parsed, 0, sizeof parsed);
  return TRUE;
}

/* The declared default. A bad one is a fault of the code, found at the first start. */
void
sb_config_value_set_fallback (SbConfigValue *value, const SbConfigKey *key)
{
  g_autoptr (GError) error = NULL;
  gsize length = key->type == SB_CONFIG_CHOICE ? strcspn (key->fallback, "|")
                                               : strlen (key->fallback);
  g_autofree char *raw = g_strndup (key->fallback, length);

  if (!sb_config_value_parse (value, key, raw, &error))
    g_error ("the declared default of %s is wrong: %s", key->name, error->message);
}

/* Overwrites @value without a look at what it was. */
void
sb_config_value_copy (SbConfigValue *value, const SbConfigValue *other)
{
  value->text = g_strdup (other->text);
  value->number = other->number;
  value->list = g_strdupv (other->list);
}

void
sb_config_value_clear (SbConfigValue *value)
{
  g_clear_pointer (&value->text, g_free);
  g_clear_pointer (&value->list, g_strfreev);
}

/* Whether two values of one key mean the same; 3600 and 1h do. */
gboolean
sb_config_value_equal (const SbConfigValue *a, const SbConfigValue *b, SbConfigType type)
{
  switch (type)
    {
    case SB_CONFIG_BOOLEAN:
    case SB_CONFIG_INTEGER:
    case SB_CONFIG_SIZE:
    case SB_CONFIG_DURATION:
      return a->number == b->number;
    case SB_CONFIG_LIST:
      return g_strv_equal ((const char *const *) a->list, (const char *const *) b->list);
    case SB_CONFIG_STRING:
    case SB_CONFIG_CHOICE:
    default:
      return g_str_equal (a->text, b->text);
    }
}

/* Text that was meant literally, in the escapes of a key file. Every space is escaped:
 * at the ends it would be lost, before a # it would look like a comment. */
char *
sb_config_value_escape (const char *text)
{
  GString *escaped = g_string_new (NULL);

  for (const char *p = text; *p != '\0'; p++)
    if (*p == '\\')
      g_string_append (escaped, "\\\\");
    else if (*p == ' ')
      g_string_append (escaped, "\\s");
    else if (*p == '\t')
      g_string_append (escaped, "\\t");
    else if (*p == '\n')
      g_string_append (escaped, "\\n");
    else if (*p == '\r')
      g_string_append (escaped, "\\r");
    else
      g_string_append_c (escaped, *p);
  return g_string_free (escaped, FALSE);
}

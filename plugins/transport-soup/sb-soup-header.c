/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-soup-header: `Prefer`, `Authorization` and query numbers. Pure functions. */

#include "sb-soup-header.h"

#include "simplebus.h"

#include <string.h>

static const char *
skip_space (const char *p)
{
  while (*p == ' ' || *p == '\t')
    p++;
  return p;
}

/* A number of seconds, bare or in quotes; one that is too large is cut. */
static gboolean
parse_seconds (const char *p, guint *seconds)
{
  gboolean quoted = *p == '"';
  guint value = 0;

  if (quoted)
    p++;
  if (!g_ascii_isdigit (*p))
    return FALSE;
  for (; g_ascii_isdigit (*p); p++)
    value = MIN (value * 10 + (guint) g_ascii_digit_value (*p), SB_PREFER_MAX_WAIT);
  if (quoted && *p++ != '"')
    return FALSE;

  p = skip_space (p);
  if (*p != '\0' && *p != ',' && *p != ';')
    return FALSE;
  *seconds = value;
  return TRUE;
}

/* Behind the next comma that is not inside of quotes. */
static const char *
next_preference (const char *p)
{
  gboolean quoted = FALSE;

  for (; *p != '\0' && (quoted || *p != ','); p++)
    {
      if (*p == '\\' && quoted && p[1] != '\0')
        p++;
      else if (*p == '"')
        quoted = !quoted;
    }
  return *p == ',' ? p + 1 : p;
}

/**
 * sb_prefer_parse:
 * @header: (nullable): the value of `Prefer` (RFC 7240), all of its lines
 * @wait: (out): the seconds of `wait=N`, at most %SB_PREFER_MAX_WAIT
 *
 * The first `wait` counts; a preference that makes no sense is none.
 *
 * Returns: whether the client asked to wait
 */
gboolean
sb_prefer_parse (const char *header, guint *wait)
{
  for (const char *p = header; p != NULL && *p != '\0'; p = next_preference (p))
    {
      p = skip_space (p);
      if (g_ascii_strncasecmp (p, "wait", 4) != 0)
        continue;
      p = skip_space (p + 4);
      if (*p == '=')
        return parse_seconds (skip_space (p + 1), wait);
    }
  return FALSE;
}

/* What stands behind the scheme; NULL when it is another one. */
static const char *
skip_scheme (const char *header, const char *scheme)
{
  gsize length = strlen (scheme);

  if (header == NULL || g_ascii_strncasecmp (header, scheme, length) != 0 || header[length] != ' ')
    return NULL;
  return skip_space (header + length);
}

/**
 * sb_basic_parse:
 * @header: (nullable): the value of `Authorization`
 * @id: (out) (transfer full): the user's id
 * @password: (out) (transfer full): the password
 *
 * Reads Basic credentials (RFC 7617). Bytes that are not UTF-8 are taken for
 * Latin-1, which is what old clients send.
 *
 * Returns: whether there are any
 */
gboolean
sb_basic_parse (const char *header, char **id, char **password)
{
  const char *encoded = skip_scheme (header, "Basic");
  g_autofree char *decoded = NULL;
  gsize length = 0;
  char *colon;

  if (encoded == NULL || *encoded == '\0')
    return FALSE;
  decoded = (char *) g_base64_decode (encoded, &length);
  if (decoded == NULL || memchr (decoded, '\0', length) != NULL)
    return FALSE;
  if (!g_utf8_validate (decoded, (gssize) length, NULL))
    {
      char *converted = g_convert (decoded, (gssize) length, "UTF-8", "ISO-8859-1", NULL, NULL,
                                   NULL);

      if (converted == NULL)
        return FALSE;
      g_free (decoded);
      decoded = converted;
    }

  colon = strchr (decoded, ':');
  if (colon == NULL)
    return FALSE;
  *id = g_strndup (decoded, (gsize) (colon - decoded));
  *password = g_strdup (colon + 1);
  return TRUE;
}

/**
 * sb_bearer_parse:
 * @header: (nullable): the value of `Authorization`
 *
 * Returns: (transfer none) (nullable): the bearer token in it
 */
const char *
sb_bearer_parse (const char *header)
{
  return skip_scheme (header, "Bearer");
}

/**
 * sb_query_get_integer:
 * @query: (nullable): the fields of the query
 * @name: of the field
 * @min: the smallest value
 * @max: the largest value
 * @value: (inout): the fallback; left alone when the field is absent
 * @error: return location for an error
 *
 * Returns: %FALSE with %SB_ERROR_INVALID, which names field and bounds, when the
 *   field is no whole number between them
 */
gboolean
sb_query_get_integer (GHashTable *query, const char *name, gint64 min, gint64 max, gint64 *value,
                      GError **error)
{
  const char *text = query != NULL ? g_hash_table_lookup (query, name) : NULL;

  if (text == NULL)
    return TRUE;
  if (g_ascii_string_to_signed (text, 10, min, max, value, NULL))
    return TRUE;
  g_set_error (error, SB_ERROR, SB_ERROR_INVALID,
               "%s must be a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, name,
               min, max);
  return FALSE;
}

/**
 * sb_secret_matches:
 * @given: what the client sent
 * @expected: what it should be
 *
 * Compares in a time that does not tell how much of @given is right.
 *
 * Returns: whether they are the same
 */
gboolean
sb_secret_matches (const char *given, const char *expected)
{
  gsize length = strlen (given);
  gsize wanted = strlen (expected);
  guint difference = length != wanted;

  for (gsize i = 0; i < length; i++)
    difference |= (guint) ((guchar) given[i] ^ (guchar) expected[wanted > 0 ? i % wanted : 0]);
  return difference == 0;
}

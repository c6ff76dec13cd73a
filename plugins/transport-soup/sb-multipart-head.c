/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-multipart-head: Content-Disposition and its parameters.
 *
 * Clients disagree on how a quote is written within quotes: curl puts a
 * backslash before it, browsers write %22. Both are understood, and nothing
 * else, since a backslash or a percent sign may as well be meant. A parameter
 * with a star (RFC 8187) says its encoding, and wins over the plain one.
 */

#include "sb-multipart-head.h"

#include <simplebus.h>
#include <string.h>

static gboolean
fail (GError **error, const char *what)
{
  g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "a part of the form %s", what);
  return FALSE;
}

/* Values */

static const char *
skip_space (const char *p)
{
  return p + strspn (p, " \t");
}

static gboolean
is_token_end (char c)
{
  return c == '\0' || c == ';' || c == ' ' || c == '\t';
}

/* Returns: (transfer full): the text between quotes; @p is behind the first one. */
static char *
read_quoted (const char **p)
{
  GString *text = g_string_new (NULL);
  const char *c = *p;

  for (; *c != '\0' && *c != '"'; c++)
    {
      if (*c == '\\' && (c[1] == '"' || c[1] == '\\'))
        c++;
      g_string_append_c (text, *c);
    }
  *p = *c == '"' ? c + 1 : c;
  return g_string_free (text, FALSE);
}

/* Returns: (transfer full): the value that begins at @p, which moves behind it. */
static char *
read_value (const char **p)
{
  const char *start = *p;

  if (*start == '"')
    {
      *p = start + 1;
      return read_quoted (p);
    }
  while (!is_token_end (**p))
    (*p)++;
  return g_strndup (start, (gsize) (*p - start));
}

/**
 * sb_multipart_find_parameter:
 * @parameters: what stands behind the first word of a header, beginning with a semicolon
 * @name: of a parameter, in any case of letters
 *
 * Returns: (transfer full) (nullable): its value without quotes, in whatever encoding it is
 */
char *
sb_multipart_find_parameter (const char *parameters, const char *name)
{
  const char *p = parameters;

  while ((p = strchr (p, ';')) != NULL)
    {
      const char *start = skip_space (p + 1);
      gsize length = strcspn (start, "=; \t");
      g_autofree char *value = NULL;

      p = skip_space (start + length);
      if (*p != '=')
        continue;
      p = skip_space (p + 1);
      value = read_value (&p);
      if (length == strlen (name) && g_ascii_strncasecmp (start, name, length) == 0)
        return g_steal_pointer (&value);
    }
  return NULL;
}

/* Encodings */

/* What browsers write for a quote and for line ends. */
static void
undo_browser_escapes (char *text)
{
  char *to = text;

  for (const char *p = text; *p != '\0'; to++)
    if (strncmp (p, "%22", 3) == 0)
      {
        *to = '"';
        p += 3;
      }
    else if (g_ascii_strncasecmp (p, "%0D", 3) == 0 || g_ascii_strncasecmp (p, "%0A", 3) == 0)
      {
        *to = ' ';
        p += 3;
      }
    else
      *to = *p++;
  *to = '\0';
}

/* Returns: (transfer full) (nullable): what "charset'language'percent-encoded" says. */
static char *
decode_extended (const char *value)
{
  const char *language = strchr (value, '\'');
  const char *encoded = language != NULL ? strchr (language + 1, '\'') : NULL;
  g_autofree char *charset = NULL;
  g_autoptr (GBytes) bytes = NULL;
  const char *data;
  gsize length;

  if (encoded == NULL)
    return NULL;
  charset = g_strndup (value, (gsize) (language - value));
  bytes = g_uri_unescape_bytes (encoded + 1, -1, NULL, NULL);
  if (bytes == NULL)
    return NULL;
  data = g_bytes_get_data (bytes, &length);
  if (length == 0 || memchr (data, '\0', length) != NULL)
    return NULL;
  if (g_ascii_strcasecmp (charset, "UTF-8") == 0)
    return g_utf8_make_valid (data, (gssize) length);
  if (g_ascii_strcasecmp (charset, "ISO-8859-1") == 0)
    return g_convert (data, (gssize) length, "UTF-8", "ISO-8859-1", NULL, NULL, NULL);
  return NULL;
}

/* Returns: (transfer full) (nullable): a parameter as UTF-8, in whichever way it is written. */
static char *
find_text (const char *parameters, const char *name)
{
  g_autofree char *starred_name = g_strconcat (name, "*", NULL);
  g_autofree char *starred = sb_multipart_find_parameter (parameters, starred_name);
  g_autofree char *text = starred != NULL ? decode_extended (starred) : NULL;
  g_autofree char *plain = NULL;

  if (text != NULL)
    return g_steal_pointer (&text);
  plain = sb_multipart_find_parameter (parameters, name);
  if (plain == NULL)
    return NULL;
  undo_browser_escapes (plain);
  return g_utf8_make_valid (plain, -1);
}

/* Headers */

/* Returns: the value when @line is the header of that name. */
static const char *
match_header (const char *line, const char *name)
{
  gsize length = strlen (name);

  if (g_ascii_strncasecmp (line, name, length) != 0 || line[length] != ':')
    return NULL;
  return skip_space (line + length + 1);
}

static gboolean
is_identity (const char *encoding)
{
  return g_ascii_strcasecmp (encoding, "7bit") == 0 || g_ascii_strcasecmp (encoding, "8bit") == 0
         || g_ascii_strcasecmp (encoding, "binary") == 0;
}

/**
 * sb_multipart_parse_head:
 * @head: the header lines of a part, each with its line end
 * @name: (out) (transfer full): of the form's field, UTF-8
 * @filename: (out) (transfer full) (nullable): what the client calls the file, UTF-8
 * @error: SB_ERROR_INVALID
 *
 * Returns: whether it is the head of a field of a form
 */
gboolean
sb_multipart_parse_head (const char *head, char **name, char **filename, GError **error)
{
  g_auto (GStrv) lines = g_strsplit (head, "\r\n", -1);
  const char *disposition = NULL;

  for (char **line = lines; *line != NULL; line++)
    {
      const char *encoding = match_header (*line, "Content-Transfer-Encoding");

      if (**line == ' ' || **line == '\t')
        return fail (error, "has a folded header line");
      if (encoding != NULL && !is_identity (g_strchomp ((char *) encoding)))
        return fail (error, "has a Content-Transfer-Encoding, which is not understood");
      if (disposition == NULL)
        disposition = match_header (*line, "Content-Disposition");
    }
  if (disposition == NULL || g_ascii_strncasecmp (disposition, "form-data", 9) != 0
      || !is_token_end (disposition[9]))
    return fail (error, "has no Content-Disposition: form-data");
  *name = find_text (disposition, "name");
  if (*name == NULL)
    return fail (error, "has no name");
  *filename = find_text (disposition, "filename");
  return TRUE;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-json-text: JSON strings to text and back, and arrays of them.
 *
 * All of it is safe with bytes that were never checked: what is no valid string
 * is an error, and nothing outside of the slice is read.
 */

#include "sb-error.h"
#include "sb-json-private.h"

#include <string.h>

/* Whether text can stand between quotes as it is. */
gboolean
sb_json_is_plain (const char *text, gsize length)
{
  return sb_json_skip_plain (text, text + length) == text + length;
}

/* Control characters of valid UTF-8 are those below a space, U+007F, and U+0080 to U+009F. */
gboolean
sb_utf8_has_control (const char *text, gsize length)
{
  for (gsize i = 0; i < length; i++)
    {
      guchar c = (guchar) text[i];

      if (c < 0x20 || c == 0x7f)
        return TRUE;
      if (c == 0xc2 && i + 1 < length && (guchar) text[i + 1] < 0xa0)
        return TRUE;
    }
  return FALSE;
}

static gunichar
decode_hex (const char *digits)
{
  gunichar value = 0;

  for (guint i = 0; i < 4; i++)
    value = value << 4 | (gunichar) g_ascii_xdigit_value (digits[i]);
  return value;
}

/*
 * Reads the escape at @p, or both of them when they make a surrogate pair. Half a pair comes out
 * as the surrogate that it is. NULL when there is no valid escape.
 */
const char *
sb_json_decode_escape (const char *p, const char *end, gunichar *out)
{
  static const char letters[] = "bfnrt";
  static const char meanings[] = "\b\f\n\r\t";
  const char *next = sb_json_skip_escape (p, end);
  const char *letter;

  if (next == NULL)
    return NULL;
  if (p[1] == 'u')
    {
      *out = decode_hex (p + 2);
      if ((*out & 0xfc00) == 0xd800 && sb_json_skip_escape (next, end) != NULL && next[1] == 'u'
          && (decode_hex (next + 2) & 0xfc00) == 0xdc00)
        {
          *out = 0x10000 + ((*out & 0x3ff) << 10 | (decode_hex (next + 2) & 0x3ff));
          return next + 6;
        }
      return next;
    }
  letter = strchr (letters, p[1]);
  *out = (gunichar) (letter != NULL ? meanings[letter - letters] : p[1]);
  return next;
}

static const char *
unescape_one (const char *p, const char *end, char **out, GError **error)
{
  gunichar character = 0;

  p = sb_json_decode_escape (p, end, &character);
  if (p == NULL)
    {
      g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID, "a string that is not valid JSON");
      return NULL;
    }
  if (character == 0)
    {
      g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID, "U+0000 is not allowed in it");
      return NULL;
    }
  if ((character & 0xfffff800) == 0xd800)
    {
      g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "U+%04X is half of a surrogate pair",
                   character);
      return NULL;
    }
  *out += g_unichar_to_utf8 (character, *out);
  return p;
}

/**
 * sb_json_unescape:
 * @inner: the bytes between the quotes of a JSON string
 * @error: return location for an error
 *
 * Returns: (transfer full): the string in UTF-8; %NULL and %SB_ERROR_INVALID
 *   when it has a U+0000, which no C string can carry, or half of a surrogate
 *   pair, which UTF-8 cannot express
 */
char *
sb_json_unescape (SbSlice inner, GError **error)
{
  const char *p = inner.data;
  const char *end = inner.data + inner.length;
  g_autofree char *string = NULL;
  char *out;

  g_return_val_if_fail (inner.data != NULL, NULL);

  out = string = g_malloc (inner.length + 1); /* an escape is longer than what it stands for */
  while (p < end)
    {
      const char *run = p;

      p = sb_json_skip_plain (p, end);
      memcpy (out, run, (gsize) (p - run));
      out += p - run;
      if (p < end)
        p = unescape_one (p, end, &out, error);
      if (p == NULL)
        return NULL;
    }
  *out = '\0';
  return g_steal_pointer (&string);
}

static void
append_escape (GString *json, guchar c)
{
  switch (c)
    {
    case '"':
    case '\\':
      g_string_append_c (json, '\\');
      g_string_append_c (json, (char) c);
      break;
    case '\n':
      g_string_append (json, "\\n");
      break;
    case '\r':
      g_string_append (json, "\\r");
      break;
    case '\t':
      g_string_append (json, "\\t");
      break;
    default:
      g_string_append_printf (json, "\\u%04x", c);
    }
}

/**
 * sb_json_append_string:
 * @json: where to
 * @string: any text
 *
 * Appends @string as a JSON string with quotes and escapes. A byte that is not
 * UTF-8 becomes U+FFFD, so that the result is valid whatever comes.
 */
void
sb_json_append_string (GString *json, const char *string)
{
  const char *end;

  g_return_if_fail (json != NULL);
  g_return_if_fail (string != NULL);

  end = string + strlen (string);
  g_string_append_c (json, '"');
  for (const char *p = string; p < end; p++)
    {
      const char *run = p;

      p = sb_json_skip_plain (p, end);
      g_string_append_len (json, run, p - run);
      if (p == end)
        break;
      if ((guchar) *p < 0x80)
        append_escape (json, (guchar) *p);
      else
        g_string_append (json, "\xef\xbf\xbd");
    }
  g_string_append_c (json, '"');
}

/* ---- Arrays of strings ---- */

/**
 * sb_json_append_time:
 * @json: a document that is being written
 * @wall: wall clock, microseconds
 *
 * Appends a time as RFC 3339 has it, in UTC with milliseconds, or `null` for one that has no such
 * text. Any thread.
 */
void
sb_json_append_time (GString *json, gint64 wall)
{
  g_autoptr (GDateTime) seconds = g_date_time_new_from_unix_utc (wall / G_USEC_PER_SEC);
  g_autofree char *text = seconds != NULL ? g_date_time_format (seconds, "%Y-%m-%dT%H:%M:%S")
                                          : NULL;

  if (text == NULL)
    g_string_append (json, "null");
  else
    g_string_append_printf (json, "\"%s.%03dZ\"", text, (int) (wall % G_USEC_PER_SEC / 1000));
}

/**
 * sb_string_iter_init:
 * @self: (out caller-allocates): the iterator
 * @value: an array of strings or one string, in JSON that was checked before
 *
 * Starts at the first string. An absent value has none.
 */
void
sb_string_iter_init (SbStringIter *self, SbSlice value)
{
  g_return_if_fail (self != NULL);

  self->at = value.data != NULL ? value.data : "";
  self->end = self->at + value.length;
  self->at = sb_json_skip_space (self->at, self->end);
  self->index = 0;
  self->is_array = self->at < self->end && *self->at == '[';
}

/* Goes to the next element; NULL at the end or with an error. */
static const char *
find_element (SbStringIter *self, GError **error)
{
  const char *p = self->at;

  if (self->is_array)
    {
      /* Here is the opening bracket, or what follows an element. */
      p = sb_json_skip_space (self->index == 0 ? p + 1 : p, self->end);
      if (p < self->end && *p == ']')
        return NULL;
      if (self->index > 0)
        p = sb_json_skip_space (p + 1, self->end);
    }
  else if (self->index > 0)
    return NULL;

  if (p < self->end && *p == '"')
    return p;
  if (self->is_array)
    g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "element %u is not a string", self->index);
  else
    g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID,
                         "neither a string nor an array of strings");
  return NULL;
}

/**
 * sb_string_iter_next:
 * @self: the iterator
 * @inner: (out caller-allocates): the bytes between the string's quotes
 * @has_escapes: (out) (optional): whether they have to be unescaped; if not
 *   they are the string
 * @error: return location for an error
 *
 * Returns: %TRUE with a string; %FALSE at the end, and with %SB_ERROR_INVALID
 *   when there is something else than a string. Neither is followed by more.
 */
gboolean
sb_string_iter_next (SbStringIter *self, SbSlice *inner, gboolean *has_escapes, GError **error)
{
  SbJsonScan scan;
  gboolean escaped = FALSE;
  const char *quote;

  g_return_val_if_fail (self != NULL && inner != NULL, FALSE);

  if (self->at == self->end)
    return FALSE;
  quote = find_element (self, error);
  if (quote == NULL)
    {
      self->at = self->end;
      return FALSE;
    }

  sb_json_scan_init (&scan, quote, (gsize) (self->end - quote));
  self->at = sb_json_scan_string (&scan, quote, &escaped);
  if (self->at == NULL)
    {
      self->at = self->end;
      g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "element %u: %s", self->index, scan.what);
      return FALSE;
    }
  self->index++;
  inner->data = quote + 1;
  inner->length = (gsize) (self->at - quote) - 2;
  if (has_escapes != NULL)
    *has_escapes = escaped;
  return TRUE;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-envelope: finds the envelope in a frame and splices it.
 *
 * A message is never parsed into a tree and printed again, because that would
 * change numbers, escapes and the order of keys, and cost more than all the rest
 * of its way. The scan notes the places of ten known members instead; the splice
 * is a few copies of what lies between them.
 */

#include "sb-envelope.h"

#include "sb-error.h"
#include "sb-json-private.h"

#include <string.h>

#define MEMBER(name)                                                      \
  {                                                                       \
    name, sizeof name - 1, "\"" name "\" is there twice, the second time" \
  }

/* Sorted as SbMember is. */
static const struct
{
  const char *name;
  gsize length;
  const char *twice;
} members[] = {
  MEMBER ("_id"),    MEMBER ("sender"), MEMBER ("to"),         MEMBER ("message"), MEMBER ("uid"),
  MEMBER ("direct"), MEMBER ("ttl"),    MEMBER ("not_before"), MEMBER ("type"),    MEMBER ("data"),
};

G_STATIC_ASSERT (G_N_ELEMENTS (members) == SB_N_MEMBERS);

#define LONGEST_NAME 10
/* A byte of a name takes at most six in an escaped key. */
#define LONGEST_ESCAPED_NAME (LONGEST_NAME * 6)

/* ---- Scan ---- */

static inline SbMember
match_name (const char *name, gsize length, SbMember member)
{
  return memcmp (name, members[member].name, length) == 0 ? member : SB_N_MEMBERS;
}

static SbMember
find_member (const char *name, gsize length)
{
  switch (length)
    {
    case 2:
      return match_name (name, 2, SB_MEMBER_TO);
    case 3:
      return match_name (name, 3,
                         *name == '_'   ? SB_MEMBER_ID
                         : *name == 'u' ? SB_MEMBER_UID
                                        : SB_MEMBER_TTL);
    case 4:
      return match_name (name, 4, *name == 't' ? SB_MEMBER_TYPE : SB_MEMBER_DATA);
    case 6:
      return match_name (name, 6, *name == 's' ? SB_MEMBER_SENDER : SB_MEMBER_DIRECT);
    case 7:
      return match_name (name, 7, SB_MEMBER_MESSAGE);
    case 10:
      return match_name (name, 10, SB_MEMBER_NOT_BEFORE);
    default:
      return SB_N_MEMBERS;
    }
}

/* The names are ASCII, so an escape for anything else says that it is none of them. */
static SbMember
find_escaped_member (const char *key, gsize length)
{
  char name[LONGEST_ESCAPED_NAME];
  gsize name_length = 0;
  const char *end = key + length;

  if (length > LONGEST_ESCAPED_NAME)
    return SB_N_MEMBERS;
  while (key < end)
    {
      gunichar character = (guchar) *key;

      if (*key == '\\')
        key = sb_json_decode_escape (key, end, &character);
      else
        key++;
      if (key == NULL || character >= 0x80)
        return SB_N_MEMBERS;
      name[name_length++] = (char) character;
    }
  return find_member (name, name_length);
}

/* Notes a member that lies in @whole with the space around it; FALSE when it is there already. */
static gboolean
note_member (SbEnvelope *self, SbMember member, SbSlice value, SbSlice whole)
{
  if (self->values[member].data != NULL)
    {
      self->data_repeated = member == SB_MEMBER_DATA;
      return self->data_repeated;
    }
  self->values[member] = value;
  if (member == SB_MEMBER_ID || member == SB_MEMBER_SENDER)
    self->cuts[self->n_cuts++] = whole;
  return TRUE;
}

/* Reads a member from behind the brace or comma before it to the one behind it. */
static const char *
scan_member (SbEnvelope *self, SbJsonScan *scan, const char *start)
{
  const char *key = sb_json_skip_space (start, scan->end);
  gboolean escaped = FALSE;
  const char *p = sb_json_scan_key (scan, key, &escaped);
  const char *value;
  const char *end;
  SbMember member;

  if (p == NULL)
    return NULL;
  member = escaped ? find_escaped_member (key + 1, (gsize) (p - key) - 2)
                   : find_member (key + 1, (gsize) (p - key) - 2);
  p = sb_json_scan_colon (scan, p);
  if (p == NULL)
    return NULL;
  value = sb_json_skip_space (p, scan->end);
  end = sb_json_scan_value (scan, value, 1);
  if (end == NULL)
    return NULL;
  p = sb_json_skip_space (end, scan->end);
  if (p == scan->end || (*p != ',' && *p != '}'))
    return sb_json_fail (scan, p, "a comma or } is expected");
  if (member != SB_N_MEMBERS
      && !note_member (self, member, (SbSlice) { value, (gsize) (end - value) },
                       (SbSlice) { start, (gsize) (p - start) }))
    return sb_json_fail (scan, key, members[member].twice);
  self->n_members++;
  return p;
}

static const char *
scan_members (SbEnvelope *self, SbJsonScan *scan, const char *p)
{
  if (p == scan->end || *p != '{')
    return sb_json_fail (scan, p, "an object is expected");

  self->open = p + 1;
  p = sb_json_skip_space (self->open, scan->end);
  if (p == scan->end || *p != '}')
    for (p = scan_member (self, scan, self->open); p != NULL && *p == ',';)
      p = scan_member (self, scan, p + 1);
  self->close = p;
  return p != NULL ? p + 1 : NULL;
}

/**
 * sb_envelope_scan:
 * @self: (out caller-allocates): the envelope
 * @data: (array length=length): the frame; it need not be terminated
 * @length: in bytes
 * @error: return location for an error
 *
 * Checks that a frame is an object in strict JSON, nested at most
 * `SB_JSON_MAX_DEPTH` deep and with no member of the envelope twice, and finds
 * these members. The values are not looked at. May be called in any thread.
 *
 * Returns: %TRUE when it is; otherwise %FALSE and %SB_ERROR_INVALID, whose
 *   message ends in `at byte N`, counted from 0, and @self has no member
 */
gboolean
sb_envelope_scan (SbEnvelope *self, const char *data, gsize length, GError **error)
{
  SbJsonScan scan;
  const char *p;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (data != NULL || length == 0, FALSE);

  memset (self, 0, sizeof *self);
  self->data = data;
  self->length = length;

  sb_json_scan_init (&scan, data, length);
  p = sb_json_scan_start (&scan);
  if (p != NULL)
    p = scan_members (self, &scan, p);
  if (p != NULL)
    {
      p = sb_json_skip_space (p, scan.end);
      if (p == scan.end)
        return TRUE;
      sb_json_fail (&scan, p, "something is behind the end of the object");
    }
  memset (self, 0, sizeof *self);
  sb_json_scan_set_error (&scan, error);
  return FALSE;
}

/* ---- Values ---- */

/**
 * sb_member_get_name:
 * @member: a member
 *
 * Returns: (transfer none): its key, as in errors about it
 */
const char *
sb_member_get_name (SbMember member)
{
  g_return_val_if_fail ((guint) member < SB_N_MEMBERS, NULL);

  return members[member].name;
}

/**
 * sb_envelope_has:
 * @self: a scanned envelope
 * @member: a member
 *
 * Returns: whether the frame has it, `null` included
 */
gboolean
sb_envelope_has (const SbEnvelope *self, SbMember member)
{
  return self->values[member].data != NULL;
}

static gboolean
is_string (SbSlice value)
{
  return value.data != NULL && *value.data == '"';
}

static SbSlice
get_inner (SbSlice value)
{
  return (SbSlice) { value.data + 1, value.length - 2 };
}

/* Compares without a copy. What cannot be in a C string is never equal. */
static gboolean
is_equal_unescaped (SbSlice inner, const char *string)
{
  const char *p = inner.data;
  const char *end = inner.data + inner.length;

  while (p < end)
    {
      gunichar character;
      char utf8[6];
      gsize length = 1;

      if (*p != '\\')
        utf8[0] = *p++;
      else
        {
          p = sb_json_decode_escape (p, end, &character);
          if (p == NULL || character == 0 || (character & 0xfffff800) == 0xd800)
            return FALSE;
          length = (gsize) g_unichar_to_utf8 (character, utf8);
        }
      if (strncmp (string, utf8, length) != 0)
        return FALSE;
      string += length;
    }
  return *string == '\0';
}

/**
 * sb_envelope_equals:
 * @self: a scanned envelope
 * @member: a member
 * @string: what it may be
 *
 * Returns: whether the member is there and is a string that says @string,
 *   however it is escaped
 */
gboolean
sb_envelope_equals (const SbEnvelope *self, SbMember member, const char *string)
{
  SbSlice value = self->values[member];
  SbSlice inner;
  gsize length;

  g_return_val_if_fail (string != NULL, FALSE);

  if (!is_string (value))
    return FALSE;
  inner = get_inner (value);
  length = strlen (string);
  if (inner.length < length) /* unescaping only makes it shorter */
    return FALSE;
  if (memchr (inner.data, '\\', inner.length) != NULL)
    return is_equal_unescaped (inner, string);
  return inner.length == length && memcmp (inner.data, string, length) == 0;
}

static void
set_value_error (const SbEnvelope *self, SbMember member, const char *what, GError **error)
{
  SbSlice value = self->values[member];

  if (value.data == NULL)
    g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "\"%s\" is missing", members[member].name);
  else
    g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "\"%s\" is not %s at byte %" G_GSIZE_FORMAT,
                 members[member].name, what, (gsize) (value.data - self->data));
}

/**
 * sb_envelope_dup_string:
 * @self: a scanned envelope
 * @member: a member
 * @error: return location for an error
 *
 * Returns: (transfer full): the string that the member is, unescaped; %NULL and
 *   %SB_ERROR_INVALID when it is missing or no string, or when it has a U+0000
 *   or half of a surrogate pair
 */
char *
sb_envelope_dup_string (const SbEnvelope *self, SbMember member, GError **error)
{
  char *string;

  if (!is_string (self->values[member]))
    {
      set_value_error (self, member, "a string", error);
      return NULL;
    }
  string = sb_json_unescape (get_inner (self->values[member]), error);
  if (string == NULL)
    g_prefix_error (error, "\"%s\": ", members[member].name);
  return string;
}

/**
 * sb_envelope_get_boolean:
 * @self: a scanned envelope
 * @member: a member
 * @value: (out): what it is; untouched on failure
 * @error: return location for an error
 *
 * Returns: %TRUE; %FALSE and %SB_ERROR_INVALID when the member is missing or
 *   neither `true` nor `false`
 */
gboolean
sb_envelope_get_boolean (const SbEnvelope *self, SbMember member, gboolean *value, GError **error)
{
  SbSlice slice = self->values[member];

  if (slice.data == NULL || (*slice.data != 't' && *slice.data != 'f'))
    {
      set_value_error (self, member, "true or false", error);
      return FALSE;
    }
  *value = *slice.data == 't';
  return TRUE;
}

/* Reads digits with an optional sign; FALSE when there is anything else or too many of them. */
static gboolean
parse_integer (SbSlice token, gint64 *value)
{
  gboolean negative = *token.data == '-';
  gint64 sum = 0;

  for (gsize i = negative ? 1 : 0; i < token.length; i++)
    {
      int digit = g_ascii_digit_value (token.data[i]);

      if (digit < 0 || __builtin_mul_overflow (sum, 10, &sum)
          || __builtin_add_overflow (sum, negative ? -digit : digit, &sum))
        return FALSE;
    }
  *value = sum;
  return TRUE;
}

/**
 * sb_envelope_get_integer:
 * @self: a scanned envelope
 * @member: a member
 * @value: (out): what it is; untouched on failure
 * @error: return location for an error
 *
 * Reads an integer written as one: `1.0` and `1e3` are none.
 *
 * Returns: %TRUE; %FALSE and %SB_ERROR_INVALID when the member is missing, no
 *   integer, or one that 64 bits cannot hold
 */
gboolean
sb_envelope_get_integer (const SbEnvelope *self, SbMember member, gint64 *value, GError **error)
{
  SbSlice slice = self->values[member];

  if (slice.data == NULL || !parse_integer (slice, value))
    {
      set_value_error (self, member, "an integer of 64 bits", error);
      return FALSE;
    }
  return TRUE;
}

/* ---- Splice ---- */

#define HEAD "{\"_id\":\""
#define MIDDLE "\",\"sender\":\""

/* Text on its way between quotes. */
typedef struct
{
  SbSlice inner;
  char *escaped; /* (owned) (nullable): what inner points to, when the text could not stay */
} Quoted;

static inline Quoted
quote (const char *text)
{
  Quoted quoted = { { text, strlen (text) }, NULL };

  if (G_UNLIKELY (!sb_json_is_plain (text, quoted.inner.length)))
    {
      GString *json = g_string_sized_new (quoted.inner.length + 16);

      sb_json_append_string (json, text);
      quoted.inner.length = json->len - 2;
      quoted.escaped = g_string_free (json, FALSE);
      quoted.inner.data = quoted.escaped + 1;
    }
  return quoted;
}

static inline char *
put (char *out, const char *data, gsize length)
{
  memcpy (out, data, length);
  return out + length;
}

/* Copies the members from one place to the brace or comma behind the last of them, and a comma
 * before; nothing when there are none. */
static inline char *
put_members (char *out, const char *from, const char *to)
{
  if (from >= to)
    return out;
  *out++ = ',';
  return put (out, from, (gsize) (to - from));
}

/**
 * sb_envelope_splice:
 * @self: a scanned envelope
 * @id: the `_id` that recipients shall see
 * @sender: the user that they shall see as `sender`
 *
 * Makes the bytes that recipients get: the bus's own two members first, then
 * what the client wrote except for its `_id` and `sender`, byte for byte. Space
 * around the object goes. Splicing the result once more gives the same.
 *
 * Returns: (transfer full): the bytes, which own themselves
 */
GBytes *
sb_envelope_splice (const SbEnvelope *self, const char *id, const char *sender)
{
  Quoted quoted_id;
  Quoted quoted_sender;
  const char *from;
  char *bytes;
  char *out;

  g_return_val_if_fail (self != NULL && self->open != NULL, NULL);
  g_return_val_if_fail (id != NULL && sender != NULL, NULL);

  quoted_id = quote (id);
  quoted_sender = quote (sender);
  /* Room for the closing quote, a comma for each of three runs of members, and the brace. */
  out = bytes = g_malloc (strlen (HEAD) + quoted_id.inner.length + strlen (MIDDLE)
                          + quoted_sender.inner.length + (gsize) (self->close - self->open) + 5);

  out = put (out, HEAD, strlen (HEAD));
  out = put (out, quoted_id.inner.data, quoted_id.inner.length);
  out = put (out, MIDDLE, strlen (MIDDLE));
  out = put (out, quoted_sender.inner.data, quoted_sender.inner.length);
  *out++ = '"';

  from = self->open;
  for (guint i = 0; i < self->n_cuts; i++)
    {
      out = put_members (out, from, self->cuts[i].data - 1);
      from = self->cuts[i].data + self->cuts[i].length + 1;
    }
  if (self->n_members > self->n_cuts)
    out = put_members (out, from, self->close);
  *out++ = '}';

  g_free (quoted_id.escaped);
  g_free (quoted_sender.escaped);
  return g_bytes_new_take (bytes, (gsize) (out - bytes));
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-json: a scanner that accepts RFC 8259 in valid UTF-8, and nothing else.
 *
 * It runs over every byte that a client sends, so the insides of strings, where
 * nearly all bytes are, go sixteen at a time with SSE2 and eight at a time
 * elsewhere. Nesting costs a bit per level instead of a stack frame, so no input
 * can exhaust the stack.
 */

#include "sb-json-private.h"

#include "sb-error.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Where the scan of one value stands: the containers that it has open. */
typedef struct
{
  guint level;
  guint64 objects; /* a bit for each, the innermost lowest: set for an object */
} Nesting;

G_STATIC_ASSERT (SB_JSON_MAX_DEPTH <= 64);

/* ---- Insides of strings ---- */

static inline gboolean
is_plain_ascii (guchar c)
{
  return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* Marks the high bit of each byte that is not plain ASCII. Above the lowest mark there may be
 * wrong ones (a borrow), which does not matter to those who look for the first. */
static inline guint64
mark_special (guint64 word)
{
  const guint64 ones = G_GUINT64_CONSTANT (0x0101010101010101);
  const guint64 high = ones << 7;
  guint64 quote = word ^ (ones * '"');
  guint64 backslash = word ^ (ones * '\\');

  return (word | ((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote)
          | ((backslash - ones) & ~backslash))
         & high;
}

static inline const char *
skip_plain_ascii (const char *p, const char *end)
{
#ifdef __SSE2__
  while (end - p >= 16)
    {
      __m128i block = _mm_loadu_si128 ((const __m128i *) (const void *) p);
      /* As a signed number, every byte beyond ASCII is below a space too. */
      __m128i special = _mm_or_si128 (_mm_cmplt_epi8 (block, _mm_set1_epi8 (0x20)),
                                      _mm_or_si128 (_mm_cmpeq_epi8 (block, _mm_set1_epi8 ('"')),
                                                    _mm_cmpeq_epi8 (block, _mm_set1_epi8 ('\\'))));
      guint hits = (guint) _mm_movemask_epi8 (special);

      if (hits != 0)
        return p + __builtin_ctz (hits);
      p += 16;
    }
#endif
  while (end - p >= 8)
    {
      guint64 word;
      guint64 hits;

      memcpy (&word, p, sizeof word);
      hits = mark_special (GUINT64_FROM_LE (word));
      if (hits != 0)
        return p + (__builtin_ctzll (hits) >> 3);
      p += 8;
    }
  while (p < end && is_plain_ascii ((guchar) *p))
    p++;
  return p;
}

/* Skips blocks of characters of one to three bytes, as most of the world's text is. A block with
 * anything else in it, or one that takes a closer look, is left to the caller. */
static inline const char *
skip_text_blocks (const char *p, const char *end)
{
#ifdef __SSE2__
  while (end - p >= 16)
    {
      __m128i b = _mm_loadu_si128 ((const __m128i *) (const void *) p);
      __m128i ends = _mm_or_si128 (_mm_cmpeq_epi8 (b, _mm_set1_epi8 ('"')),
                                   _mm_cmpeq_epi8 (b, _mm_set1_epi8 ('\\')));
      guint ascii = (guint) _mm_movemask_epi8 (
          _mm_andnot_si128 (ends, _mm_cmpgt_epi8 (b, _mm_set1_epi8 (0x1f))));
      guint follow = (guint) _mm_movemask_epi8 (_mm_cmplt_epi8 (b, _mm_set1_epi8 (-0x40)));
      /* Leads 0xc2 to 0xdf, and 0xe1 to 0xef but for 0xed: any followers will do. */
      guint lead2 = (guint) _mm_movemask_epi8 (_mm_and_si128 (
          _mm_cmpgt_epi8 (b, _mm_set1_epi8 (-0x3f)), _mm_cmplt_epi8 (b, _mm_set1_epi8 (-0x20))));
      guint lead3 = (guint) _mm_movemask_epi8 (
          _mm_andnot_si128 (_mm_cmpeq_epi8 (b, _mm_set1_epi8 (-0x13)),
                            _mm_and_si128 (_mm_cmpgt_epi8 (b, _mm_set1_epi8 (-0x20)),
                                           _mm_cmplt_epi8 (b, _mm_set1_epi8 (-0x10)))));
      guint expected = (lead2 | lead3) << 1 | lead3 << 2;

      if ((ascii | follow | lead2 | lead3) != 0xffff || follow != (expected & 0xffff))
        return p;
      p += 16;
      if (expected >> 16 != 0) /* the last character goes on in the next block */
        p -= ((lead2 | lead3) >> 15) != 0 ? 1 : 2;
    }
#endif
  return p;
}

static inline gboolean
is_follower (guchar c)
{
  return (c & 0xc0) == 0x80;
}

/* The length of the character beyond ASCII at p; 0 when it is not valid UTF-8. */
static inline guint
measure_character (const guchar *p, gsize left)
{
  if (p[0] < 0xc2 || p[0] > 0xf4 || left < 2 || !is_follower (p[1]))
    return 0;
  if (p[0] < 0xe0)
    return 2;
  if (left < 3 || !is_follower (p[2]))
    return 0;
  if (p[0] < 0xf0) /* neither overlong nor half of a surrogate pair */
    return (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] >= 0xa0) ? 0 : 3;
  if (left < 4 || !is_follower (p[3]))
    return 0;
  return (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] >= 0x90) ? 0 : 4;
}

/* Skips all that stands for itself in a string: stops at a quote, a backslash, a control
 * character, the first byte of what is not UTF-8, or the end. */
const char *
sb_json_skip_plain (const char *p, const char *end)
{
  for (;;)
    {
      p = skip_plain_ascii (p, end);
      if (p == end || (guchar) *p < 0x80)
        return p;
      p = skip_text_blocks (p, end);
      while (p < end && (guchar) *p >= 0x80)
        {
          guint length = measure_character ((const guchar *) p, (gsize) (end - p));

          if (length == 0)
            return p;
          p += length;
        }
    }
}

/* Behind the escape at p; NULL when it is none. */
const char *
sb_json_skip_escape (const char *p, const char *end)
{
  if (end - p < 2 || p[0] != '\\')
    return NULL;
  switch (p[1])
    {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
      return p + 2;
    case 'u':
      if (end - p < 6)
        return NULL;
      for (guint i = 2; i < 6; i++)
        if (!g_ascii_isxdigit (p[i]))
          return NULL;
      return p + 6;
    default:
      return NULL;
    }
}

/* @p is at the opening quote; @escaped is set when there is a backslash, else left alone. */
const char *
sb_json_scan_string (SbJsonScan *scan, const char *p, gboolean *escaped)
{
  for (p++;;)
    {
      const char *escape = p = sb_json_skip_plain (p, scan->end);

      if (p == scan->end)
        return sb_json_fail (scan, p, "a string is not closed");
      if (*p == '"')
        return p + 1;
      if (*p != '\\')
        return sb_json_fail (
            scan, p, (guchar) *p < 0x20 ? "a control character in a string" : "invalid UTF-8");
      p = sb_json_skip_escape (p, scan->end);
      if (p == NULL)
        return sb_json_fail (scan, escape, "an invalid escape");
      *escaped = TRUE;
    }
}

/* ---- Values ---- */

static inline const char *
scan_digits (SbJsonScan *scan, const char *p)
{
  const char *first = p;

  while (p < scan->end && g_ascii_isdigit (*p))
    p++;
  return p > first ? p : sb_json_fail (scan, first, "a digit is expected");
}

static const char *
scan_number (SbJsonScan *scan, const char *p)
{
  const char *first = p += *p == '-';

  p = scan_digits (scan, p);
  if (p != NULL && *first == '0' && p - first > 1)
    return sb_json_fail (scan, first, "a leading zero");
  if (p != NULL && p < scan->end && *p == '.')
    p = scan_digits (scan, p + 1);
  if (p != NULL && p < scan->end && (*p == 'e' || *p == 'E'))
    {
      p++;
      if (p < scan->end && (*p == '+' || *p == '-'))
        p++;
      p = scan_digits (scan, p);
    }
  return p;
}

static const char *
scan_word (SbJsonScan *scan, const char *p, const char *word, gsize length)
{
  if ((gsize) (scan->end - p) < length || memcmp (p, word, length) != 0)
    return sb_json_fail (scan, p, "a value is expected");
  return p + length;
}

static inline const char *
scan_scalar (SbJsonScan *scan, const char *p)
{
  gboolean escaped;

  if (p == scan->end)
    return sb_json_fail (scan, p, "a value is expected");
  switch (*p)
    {
    case '"':
      return sb_json_scan_string (scan, p, &escaped);
    case 't':
      return scan_word (scan, p, "true", 4);
    case 'f':
      return scan_word (scan, p, "false", 5);
    case 'n':
      return scan_word (scan, p, "null", 4);
    case '-':
    case '0' ... '9':
      return scan_number (scan, p);
    default:
      return sb_json_fail (scan, p, "a value is expected");
    }
}

/* Reads `"key":` of a member that nobody asks for. */
static inline const char *
scan_next_key (SbJsonScan *scan, const char *p)
{
  gboolean escaped;

  p = sb_json_scan_key (scan, sb_json_skip_space (p, scan->end), &escaped);
  return p != NULL ? sb_json_scan_colon (scan, p) : NULL;
}

static inline gboolean
is_at_closing (const SbJsonScan *scan, const char *p, const Nesting *nesting)
{
  return p < scan->end && *p == ((nesting->objects & 1) != 0 ? '}' : ']');
}

/* Goes from the end of a value to the place of the next one, through as many closing brackets as
 * there are; to the end of it all when the level is 0 then. */
static inline const char *
scan_onward (SbJsonScan *scan, const char *p, Nesting *nesting)
{
  while (nesting->level > 0)
    {
      p = sb_json_skip_space (p, scan->end);
      if (is_at_closing (scan, p, nesting))
        {
          nesting->objects >>= 1;
          nesting->level--;
          p++;
        }
      else if (p == scan->end || *p != ',')
        return sb_json_fail (scan, p,
                             (nesting->objects & 1) != 0 ? "a comma or } is expected"
                                                         : "a comma or ] is expected");
      else
        return (nesting->objects & 1) != 0 ? scan_next_key (scan, p + 1) : p + 1;
    }
  return p;
}

/*
 * Reads one value with all that is in it. @p is at its first byte or at space before it, @depth
 * tells how many containers it is in already.
 */
const char *
sb_json_scan_value (SbJsonScan *scan, const char *p, guint depth)
{
  Nesting nesting = { 0, 0 };

  while (p != NULL)
    {
      p = sb_json_skip_space (p, scan->end);
      if (p < scan->end && (*p == '{' || *p == '['))
        {
          if (depth + nesting.level == SB_JSON_MAX_DEPTH)
            return sb_json_fail (scan, p,
                                 "nested deeper than " G_STRINGIFY (SB_JSON_MAX_DEPTH) " levels");
          nesting.level++;
          nesting.objects = nesting.objects << 1 | (*p == '{');
          p = sb_json_skip_space (p + 1, scan->end);
          if (!is_at_closing (scan, p, &nesting))
            {
              if ((nesting.objects & 1) != 0)
                p = scan_next_key (scan, p);
              continue;
            }
        }
      else
        p = scan_scalar (scan, p);
      if (p != NULL)
        p = scan_onward (scan, p, &nesting);
      if (nesting.level == 0)
        return p;
    }
  return NULL;
}

/* Reads the string of a key, as above. */
const char *
sb_json_scan_key (SbJsonScan *scan, const char *p, gboolean *escaped)
{
  if (p == scan->end || *p != '"')
    return sb_json_fail (scan, p, "a key is expected");
  return sb_json_scan_string (scan, p, escaped);
}

const char *
sb_json_scan_colon (SbJsonScan *scan, const char *p)
{
  p = sb_json_skip_space (p, scan->end);
  if (p == scan->end || *p != ':')
    return sb_json_fail (scan, p, "a colon is expected");
  return p + 1;
}

/* The place of the outermost value. */
const char *
sb_json_scan_start (SbJsonScan *scan)
{
  if (scan->data == scan->end)
    return sb_json_fail (scan, scan->data, "nothing is there");
  if (scan->end - scan->data >= 3 && memcmp (scan->data, "\xef\xbb\xbf", 3) == 0)
    return sb_json_fail (scan, scan->data, "a byte order mark");
  return sb_json_skip_space (scan->data, scan->end);
}

void
sb_json_scan_set_error (const SbJsonScan *scan, GError **error)
{
  g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "%s at byte %" G_GSIZE_FORMAT, scan->what,
               (gsize) (scan->where - scan->data));
}

/**
 * sb_json_check:
 * @data: (array length=length): a whole document; it need not be terminated
 * @length: in bytes
 * @error: return location for an error
 *
 * Checks that a document of any kind is strict JSON, nested at most
 * `SB_JSON_MAX_DEPTH` deep. What passes can be given to a parser that recurses.
 * Keys that come twice are not looked for. May be called in any thread.
 *
 * Returns: %TRUE when it is; otherwise %FALSE and %SB_ERROR_INVALID, whose
 *   message ends in `at byte N`, counted from 0
 */
gboolean
sb_json_check (const char *data, gsize length, GError **error)
{
  SbJsonScan scan;
  const char *p;

  g_return_val_if_fail (data != NULL || length == 0, FALSE);

  sb_json_scan_init (&scan, data, length);
  p = sb_json_scan_start (&scan);
  if (p != NULL)
    p = sb_json_scan_value (&scan, p, 0);
  if (p != NULL)
    {
      p = sb_json_skip_space (p, scan.end);
      if (p == scan.end)
        return TRUE;
      sb_json_fail (&scan, p, "something is behind the end of the document");
    }
  sb_json_scan_set_error (&scan, error);
  return FALSE;
}

/* Returns: (nullable): the first escape of U+0000 in a document that was checked. A backslash
 * is in strings only, and begins an escape unless it is the second of a pair. */
static const char *
find_nul_escape (const char *data, gsize length)
{
  const char *end = data + length;
  const char *p = data;

  while ((p = memchr (p, '\\', (gsize) (end - p))) != NULL)
    {
      if (strncmp (p, "\\u0000", 6) == 0)
        return p;
      p += 2;
    }
  return NULL;
}

/**
 * sb_json_check_document:
 * @data: (array length=length): a whole document; it need not be terminated
 * @length: in bytes
 * @error: return location for an error
 *
 * Checks a document that a parser will turn into C strings: what
 * sb_json_check() checks, and that no string has U+0000 in it, at which it
 * would be cut off. May be called in any thread.
 *
 * Returns: %TRUE when it may be parsed; otherwise %FALSE and %SB_ERROR_INVALID
 */
gboolean
sb_json_check_document (const char *data, gsize length, GError **error)
{
  const char *nul;

  if (!sb_json_check (data, length, error))
    return FALSE;
  nul = find_nul_escape (data, length);
  if (nul == NULL)
    return TRUE;
  g_set_error (error, SB_ERROR, SB_ERROR_INVALID,
               "U+0000 is not allowed here, at byte %" G_GSIZE_FORMAT, (gsize) (nul - data));
  return FALSE;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-range: the header `Range` against a size.
 *
 * A header that makes no sense is ignored, as the RFC wants it, and so are those that only an
 * attacker sends: many ranges, or several that overlap, with which a short request could have a
 * file sent many times over.
 */

#include "sb-range.h"

#include <string.h>

/* One range may overlap another: some clients ask for the two ends of a short file. */
#define MAX_OVERLAPPING 2

static const char *
skip_space (const char *p)
{
  while (*p == ' ' || *p == '\t')
    p++;
  return p;
}

/* Reads digits, which may be too many: then it is the largest number. FALSE when there is none. */
static gboolean
read_number (const char **p, guint64 *value)
{
  const char *begin = *p;

  *value = 0;
  for (; g_ascii_isdigit (**p); (*p)++)
    {
      guint64 digit = (guint64) (**p - '0');

      if (*value > (G_MAXUINT64 - digit) / 10)
        *value = G_MAXUINT64;
      else
        *value = *value * 10 + digit;
    }
  return *p > begin;
}

typedef enum
{
  SPEC_INVALID,
  SPEC_NOTHING, /* there is nothing at that place */
  SPEC_EVERYTHING,
  SPEC_RANGE,
} Spec;

/* `-n`: the last bytes. */
static Spec
read_suffix (const char **p, guint64 size, SbRange *range)
{
  guint64 n;

  (*p)++;
  if (!read_number (p, &n))
    return SPEC_INVALID;
  if (n == 0)
    return SPEC_NOTHING;
  if (size == 0)
    return SPEC_EVERYTHING;
  range->length = MIN (n, size);
  range->start = size - range->length;
  return SPEC_RANGE;
}

/* `a-b` or `a-`. */
static Spec
read_pair (const char **p, guint64 size, SbRange *range)
{
  guint64 first, last = G_MAXUINT64;

  if (!read_number (p, &first) || **p != '-')
    return SPEC_INVALID;
  (*p)++;
  if (g_ascii_isdigit (**p) && !read_number (p, &last))
    return SPEC_INVALID;
  if (last < first)
    return SPEC_INVALID;
  if (first >= size)
    return SPEC_NOTHING;
  range->start = first;
  range->length = MIN (last, size - 1) - first + 1;
  return SPEC_RANGE;
}

/* Reads one range and the blanks behind it. */
static Spec
read_spec (const char **p, guint64 size, SbRange *range)
{
  Spec spec = **p == '-' ? read_suffix (p, size, range) : read_pair (p, size, range);

  *p = skip_space (*p);
  return **p == ',' || **p == '\0' ? spec : SPEC_INVALID;
}

static gboolean
overlap (const SbRange *a, const SbRange *b)
{
  return a->start < b->start + b->length && b->start < a->start + a->length;
}

static gboolean
is_greedy (const SbRangeSet *set)
{
  guint n = 0;

  for (guint i = 0; i < set->n; i++)
    {
      gboolean overlaps = FALSE;

      for (guint j = 0; j < set->n; j++)
        overlaps |= i != j && overlap (&set->ranges[i], &set->ranges[j]);
      n += overlaps;
    }
  return n > MAX_OVERLAPPING;
}

/* Reads the list. FALSE when it is to be ignored. */
static gboolean
read_list (const char *p, guint64 size, SbRangeSet *set, guint *n_asked)
{
  for (*n_asked = 0;; p++)
    {
      SbRange range = { 0, 0 };
      Spec spec;

      p = skip_space (p);
      if (*p == ',') /* an empty element of a list is none */
        continue;
      if (*p == '\0')
        return TRUE;
      if (++*n_asked > SB_RANGE_MAX)
        return FALSE;
      spec = read_spec (&p, size, &range);
      if (spec == SPEC_INVALID || spec == SPEC_EVERYTHING)
        return FALSE;
      if (spec == SPEC_RANGE)
        set->ranges[set->n++] = range;
      if (*p == '\0')
        return TRUE;
    }
}

/**
 * sb_range_parse:
 * @header: (nullable): the value of `Range`
 * @size: bytes that there are
 * @set: (out caller-allocates): the parts, when there are some
 *
 * Finds out which bytes are asked for. What is malformed, in another unit or unreasonable (more
 * than %SB_RANGE_MAX ranges, more than two that overlap) asks for all of it. Ranges behind the end
 * are left out; when there are no others, nothing can be given.
 *
 * Returns: what to answer with
 */
SbRangeAnswer
sb_range_parse (const char *header, guint64 size, SbRangeSet *set)
{
  static const char unit[] = "bytes=";
  guint n_asked = 0;

  set->n = 0;
  if (header == NULL)
    return SB_RANGE_WHOLE;
  header = skip_space (header);
  if (g_ascii_strncasecmp (header, unit, sizeof unit - 1) != 0
      || !read_list (header + sizeof unit - 1, size, set, &n_asked) || n_asked == 0
      || is_greedy (set))
    {
      set->n = 0;
      return SB_RANGE_WHOLE;
    }
  return set->n > 0 ? SB_RANGE_PARTS : SB_RANGE_UNSATISFIABLE;
}

/**
 * sb_range_format:
 * @range: (nullable): a part; %NULL for the answer that there is none
 * @size: bytes of the whole
 *
 * Returns: (transfer full): the value of `Content-Range`
 */
char *
sb_range_format (const SbRange *range, guint64 size)
{
  if (range == NULL)
    return g_strdup_printf ("bytes */%" G_GUINT64_FORMAT, size);
  return g_strdup_printf ("bytes %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT,
                          range->start, range->start + range->length - 1, size);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-range: which bytes of something a client asks for (RFC 9110, section 14). Pure functions. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Who asks for more ranges than that gets the whole. */
#define SB_RANGE_MAX 16

/**
 * SbRange:
 * @start: first byte
 * @length: bytes, at least one
 *
 * A part of something.
 */
typedef struct
{
  guint64 start;
  guint64 length;
} SbRange;

/**
 * SbRangeSet:
 * @ranges: in the order asked for
 * @n: how many
 *
 * Parts of something.
 */
typedef struct
{
  SbRange ranges[SB_RANGE_MAX];
  guint n;
} SbRangeSet;

/**
 * SbRangeAnswer:
 * @SB_RANGE_WHOLE: answer with all of it, as if nothing had been asked
 * @SB_RANGE_PARTS: answer with the parts
 * @SB_RANGE_UNSATISFIABLE: there is nothing where the client asks for something
 *
 * What a `Range` comes to.
 */
typedef enum
{
  SB_RANGE_WHOLE,
  SB_RANGE_PARTS,
  SB_RANGE_UNSATISFIABLE,
} SbRangeAnswer;

SbRangeAnswer sb_range_parse (const char *header, guint64 size, SbRangeSet *set);
char *sb_range_format (const SbRange *range, guint64 size);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz-range: no headers may give bytes that are not there, or more than twice the file. The first
 * byte of the input says how large the file is; the rest is taken as each of the headers, and as
 * the name of the file.
 */

#include "sb-condition.h"
#include "sb-disposition.h"
#include "sb-range.h"
#include "sb-send-plan.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
check_ranges (const char *text, guint64 size)
{
  SbRangeSet set;
  SbRangeAnswer answer = sb_range_parse (text, size, &set);
  guint64 sum = 0;

  g_assert_true ((answer == SB_RANGE_PARTS) == (set.n > 0));
  g_assert_cmpuint (set.n, <=, SB_RANGE_MAX);
  for (guint i = 0; i < set.n; i++)
    {
      g_assert_cmpuint (set.ranges[i].length, >, 0);
      g_assert_cmpuint (set.ranges[i].start, <, size);
      g_assert_cmpuint (set.ranges[i].length, <=, size - set.ranges[i].start);
      sum += set.ranges[i].length;
    }
  g_assert_cmpuint (sum, <=, 2 * size);
}

static void
check_plan (const char *text, guint64 size, guint64 step)
{
  g_autoptr (SbSendPlan) plan = sb_send_plan_new ();
  SbRangeSet set;
  guint64 length, sent = 0;

  sb_range_parse (text, size, &set);
  sb_send_plan_add_parts (plan, &set, size, "t", "b");
  length = sb_send_plan_get_length (plan);
  for (SbSendPiece piece = sb_send_plan_next (plan); piece.length > 0;
       piece = sb_send_plan_next (plan))
    {
      guint64 n = MIN (step, piece.length);

      sb_send_plan_advance (plan, n);
      sent += n;
    }
  g_assert_cmpuint (sent, ==, length);
}

static void
check_conditions (const char *text)
{
  SbConditions conditions = { .if_match = text,
                              .if_modified_since = SB_CONDITION_NO_DATE,
                              .if_unmodified_since = SB_CONDITION_NO_DATE };
  gboolean strong = sb_conditions_check (&conditions, "\"a\"", 1) == SB_CONDITION_HOLDS;

  conditions.if_match = NULL;
  conditions.if_none_match = text;
  /* What is strong is weak as well. */
  if (strong)
    g_assert_cmpint (sb_conditions_check (&conditions, "\"a\"", 1), ==, SB_CONDITION_NOT_MODIFIED);
  conditions.if_range = text;
  conditions.if_range_date = SB_CONDITION_NO_DATE;
  if (sb_conditions_allow_range (&conditions, "\"a\"", 1))
    g_assert_nonnull (strstr (text, "\"a\""));
}

static void
check_disposition (const char *text)
{
  g_autofree char *value = sb_disposition_format (text);
  guint quotes = 0;

  g_assert_true (g_str_has_prefix (value, "attachment; filename=\""));
  for (const char *p = value; *p != '\0'; p++)
    {
      g_assert_true (*p >= ' ' && *p <= '~');
      quotes += *p == '"';
    }
  g_assert_cmpuint (quotes, ==, 2);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *text = NULL;

  if (size < 1)
    return 0;
  text = g_strndup ((const char *) data + 1, size - 1);
  check_ranges (text, data[0]);
  check_ranges (text, (guint64) data[0] << 40);
  check_plan (text, data[0], 1u + data[0] / 16);
  check_conditions (text);
  check_disposition (text);
  return 0;
}

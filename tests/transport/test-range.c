/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-range: which bytes are asked for, conditions, and plans of what is sent. */

#include "sb-condition.h"
#include "sb-range.h"
#include "sb-send-plan.h"
#include "sb-test.h"

#include <string.h>

#define GIB (G_GUINT64_CONSTANT (1) << 30)

/* "start+length start+length …" */
static char *
print_set (const SbRangeSet *set)
{
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < set->n; i++)
    g_string_append_printf (out, "%s%" G_GUINT64_FORMAT "+%" G_GUINT64_FORMAT, i > 0 ? " " : "",
                            set->ranges[i].start, set->ranges[i].length);
  return g_string_free (out, FALSE);
}

static void
assert_range (const char *header, guint64 size, SbRangeAnswer expected, const char *ranges)
{
  SbRangeSet set;
  SbRangeAnswer answer = sb_range_parse (header, size, &set);
  g_autofree char *printed = print_set (&set);

  g_test_message ("%s of %" G_GUINT64_FORMAT, header, size);
  g_assert_cmpint (answer, ==, expected);
  g_assert_cmpstr (printed, ==, ranges);
}

/* --- Ranges --- */

static void
gives_the_parts_asked_for (void)
{
  static const struct
  {
    const char *header;
    guint64 size;
    const char *ranges;
  } rows[] = {
    { "bytes=0-0", 10, "0+1" },
    { "bytes=0-9", 10, "0+10" },
    { "bytes=3-5", 10, "3+3" },
    { "bytes=3-", 10, "3+7" },
    { "bytes=9-", 10, "9+1" },
    { "bytes=5-100", 10, "5+5" },
    { "bytes=-3", 10, "7+3" },
    { "bytes=-10", 10, "0+10" },
    { "bytes=-11", 10, "0+10" },
    { "BYTES=1-2", 10, "1+2" },
    { " bytes=1-2 ", 10, "1+2" },
    { "bytes=0-1,4-5", 10, "0+2 4+2" },
    { "bytes=4-5,0-1", 10, "4+2 0+2" },
    { "bytes= 0-1 , 4-5\t,\t-1", 10, "0+2 4+2 9+1" },
    { "bytes=,0-1,,", 10, "0+2" },
    { "bytes=0-5,3-9", 10, "0+6 3+7" },
    { "bytes=0-1,20-30", 10, "0+2" },
    { "bytes=20-30,-1", 10, "9+1" },
    { "bytes=0-1,-0", 10, "0+2" },
    { "bytes=00000000000000000000000000003-005", 10, "3+3" },
    { "bytes=3-99999999999999999999999999999", 10, "3+7" },
    { "bytes=-99999999999999999999999999999", 10, "0+10" },
    { "bytes=4294967296-4294967299", 5 * GIB, "4294967296+4" },
    { "bytes=-1", 5 * GIB, "5368709119+1" },
    { "bytes=0-", 5 * GIB, "0+5368709120" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    assert_range (rows[i].header, rows[i].size, SB_RANGE_PARTS, rows[i].ranges);
}

static void
ignores_what_makes_no_sense (void)
{
  static const char *const headers[] = {
    "",           "bytes",       "bytes=",       "bytes=,",     "bytes=-",      "bytes=a-b",
    "bytes=5-4",  "bytes=1",     "bytes=1-2-3",  "bytes=1-2;",  "bytes=1 2",    "bytes=1 -2",
    "bytes=1- 2", "bytes = 1-2", "bytes =1-2",   "bytes:1-2",   "lines=1-2",    "bytesx=1-2",
    "bytes=--1",  "bytes=+1-2",  "bytes=0x1-2",  "bytes=1-2,x", "bytes=1-,5-x", "bytes=-1.5",
    "bytes=1-\"", "bytes=0-1 x", "seconds=1-2,", "1-2",
  };

  assert_range (NULL, 10, SB_RANGE_WHOLE, "");
  for (gsize i = 0; i < G_N_ELEMENTS (headers); i++)
    assert_range (headers[i], 10, SB_RANGE_WHOLE, "");
}

static void
says_so_when_there_is_nothing (void)
{
  static const char *const headers[] = {
    "bytes=10-", "bytes=10-20",   "bytes=99999999999999999999-",
    "bytes=-0",  "bytes=10-,11-", "bytes=-0,10-10"
  };

  for (gsize i = 0; i < G_N_ELEMENTS (headers); i++)
    assert_range (headers[i], 10, SB_RANGE_UNSATISFIABLE, "");
  assert_range ("bytes=0-", 0, SB_RANGE_UNSATISFIABLE, "");
  assert_range ("bytes=0-0", 0, SB_RANGE_UNSATISFIABLE, "");
}

/* There is no way to write the range of all bytes of nothing. */
static void
gives_all_of_nothing (void)
{
  assert_range ("bytes=-5", 0, SB_RANGE_WHOLE, "");
}

static void
gives_the_whole_to_the_greedy (void)
{
  g_autoptr (GString) many = g_string_new ("bytes=0-0");

  assert_range ("bytes=0-,0-,0-", 10, SB_RANGE_WHOLE, "");
  assert_range ("bytes=0-3,2-5,5-9", 10, SB_RANGE_WHOLE, "");
  assert_range ("bytes=0-1,0-1,5-6,5-6", 10, SB_RANGE_WHOLE, "");
  for (guint i = 1; i < SB_RANGE_MAX; i++)
    g_string_append_printf (many, ",%u-%u", 2 * i, 2 * i);
  assert_range (many->str, 100, SB_RANGE_PARTS,
                "0+1 2+1 4+1 6+1 8+1 10+1 12+1 14+1 16+1 18+1 20+1 22+1 24+1 26+1 28+1 30+1");
  g_string_append (many, ",50-50");
  assert_range (many->str, 100, SB_RANGE_WHOLE, "");
}

static void
writes_places (void)
{
  const SbRange range = { 4 * GIB, 10 };
  g_autofree char *place = sb_range_format (&range, 5 * GIB);
  g_autofree char *none = sb_range_format (NULL, 5 * GIB);

  g_assert_cmpstr (place, ==, "bytes 4294967296-4294967305/5368709120");
  g_assert_cmpstr (none, ==, "bytes */5368709120");
}

/* --- Conditions --- */

#define ETAG "\"abc\""
#define MODIFIED 1000
#define NO_DATE SB_CONDITION_NO_DATE

static void
answers_conditions (void)
{
  static const struct
  {
    const char *if_match;
    const char *if_none_match;
    gint64 if_modified_since;
    gint64 if_unmodified_since;
    SbConditionAnswer expected;
  } rows[] = {
    { NULL, NULL, NO_DATE, NO_DATE, SB_CONDITION_HOLDS },
    { "*", NULL, NO_DATE, NO_DATE, SB_CONDITION_HOLDS },
    { ETAG, NULL, NO_DATE, NO_DATE, SB_CONDITION_HOLDS },
    { "\"x\", " ETAG, NULL, NO_DATE, NO_DATE, SB_CONDITION_HOLDS },
    { "\"x\"", NULL, NO_DATE, NO_DATE, SB_CONDITION_FAILED },
    { "W/" ETAG, NULL, NO_DATE, NO_DATE, SB_CONDITION_FAILED },
    { "", NULL, NO_DATE, NO_DATE, SB_CONDITION_FAILED },
    { "abc", NULL, NO_DATE, NO_DATE, SB_CONDITION_FAILED },
    { "\"abc", NULL, NO_DATE, NO_DATE, SB_CONDITION_FAILED },
    { "* x", NULL, NO_DATE, NO_DATE, SB_CONDITION_FAILED },
    { NULL, "*", NO_DATE, NO_DATE, SB_CONDITION_NOT_MODIFIED },
    { NULL, ETAG, NO_DATE, NO_DATE, SB_CONDITION_NOT_MODIFIED },
    { NULL, "W/" ETAG, NO_DATE, NO_DATE, SB_CONDITION_NOT_MODIFIED },
    { NULL, "\"x\",,\t" ETAG " ,\"y\"", NO_DATE, NO_DATE, SB_CONDITION_NOT_MODIFIED },
    { NULL, "\"a,b\", " ETAG, NO_DATE, NO_DATE, SB_CONDITION_NOT_MODIFIED },
    { NULL, "\"x\"", NO_DATE, NO_DATE, SB_CONDITION_HOLDS },
    { NULL, "w/" ETAG, NO_DATE, NO_DATE, SB_CONDITION_HOLDS },
    { NULL, "\"ab\"", NO_DATE, NO_DATE, SB_CONDITION_HOLDS },
    { NULL, "\"abcd\"", NO_DATE, NO_DATE, SB_CONDITION_HOLDS },
    { NULL, "\"x\" " ETAG, NO_DATE, NO_DATE, SB_CONDITION_HOLDS },
    { NULL, NULL, MODIFIED, NO_DATE, SB_CONDITION_NOT_MODIFIED },
    { NULL, NULL, MODIFIED + 1, NO_DATE, SB_CONDITION_NOT_MODIFIED },
    { NULL, NULL, MODIFIED - 1, NO_DATE, SB_CONDITION_HOLDS },
    { NULL, NULL, NO_DATE, MODIFIED, SB_CONDITION_HOLDS },
    { NULL, NULL, NO_DATE, MODIFIED - 1, SB_CONDITION_FAILED },
    /* Tags win over dates. */
    { NULL, "\"x\"", MODIFIED, NO_DATE, SB_CONDITION_HOLDS },
    { NULL, ETAG, MODIFIED - 1, NO_DATE, SB_CONDITION_NOT_MODIFIED },
    { ETAG, NULL, NO_DATE, MODIFIED - 1, SB_CONDITION_HOLDS },
    /* 412 comes before 304. */
    { "\"x\"", ETAG, NO_DATE, NO_DATE, SB_CONDITION_FAILED },
    { ETAG, ETAG, NO_DATE, NO_DATE, SB_CONDITION_NOT_MODIFIED },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const SbConditions conditions = {
        .if_match = rows[i].if_match,
        .if_none_match = rows[i].if_none_match,
        .if_modified_since = rows[i].if_modified_since,
        .if_unmodified_since = rows[i].if_unmodified_since,
      };

      g_test_message ("row %" G_GSIZE_FORMAT, i);
      g_assert_cmpint (sb_conditions_check (&conditions, ETAG, MODIFIED), ==, rows[i].expected);
    }
}

static void
gives_parts_of_the_same_only (void)
{
  static const struct
  {
    const char *if_range;
    gint64 date;
    gboolean expected;
  } rows[] = {
    { NULL, NO_DATE, TRUE },
    { ETAG, NO_DATE, TRUE },
    { " " ETAG " ", NO_DATE, TRUE },
    { "W/" ETAG, NO_DATE, FALSE },
    { "\"x\"", NO_DATE, FALSE },
    { ETAG ", " ETAG, NO_DATE, FALSE },
    { "\"abc", NO_DATE, FALSE },
    { "*", NO_DATE, FALSE },
    { "", NO_DATE, FALSE },
    { "a date", MODIFIED, TRUE },
    { "a date", MODIFIED - 1, FALSE },
    { "a date", MODIFIED + 1, FALSE },
    { "no date", NO_DATE, FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const SbConditions conditions = { .if_range = rows[i].if_range,
                                        .if_range_date = rows[i].date };

      g_test_message ("%s", rows[i].if_range);
      g_assert_cmpint (sb_conditions_allow_range (&conditions, ETAG, MODIFIED), ==,
                       rows[i].expected);
    }
}

/* --- Plans --- */

/* Carries out a plan in steps of @step bytes. */
static char *
carry_out (SbSendPlan *plan, const char *file, guint64 step)
{
  GString *out = g_string_new (NULL);

  for (SbSendPiece piece = sb_send_plan_next (plan); piece.length > 0;
       piece = sb_send_plan_next (plan))
    {
      guint64 n = MIN (step, piece.length);

      g_string_append_len (out, piece.text != NULL ? piece.text : file + piece.offset, (gssize) n);
      sb_send_plan_advance (plan, n);
    }
  return g_string_free (out, FALSE);
}

static void
sends_parts_as_multipart (void)
{
  static const char expected[] =
      "HEAD"
      "--B\r\nContent-Type: text/x\r\nContent-Range: bytes 0-1/10\r\n\r\n"
      "01"
      "\r\n--B\r\nContent-Type: text/x\r\nContent-Range: bytes 7-9/10\r\n"
      "\r\n789"
      "\r\n--B--\r\n";
  const SbRangeSet set = { .ranges = { { 0, 2 }, { 7, 3 } }, .n = 2 };

  for (guint step = 1; step < sizeof expected; step++)
    {
      g_autoptr (SbSendPlan) plan = sb_send_plan_new ();
      g_autofree char *sent = NULL;

      sb_send_plan_add_parts (plan, &set, 10, "text/x", "B");
      g_assert_cmpuint (sb_send_plan_get_length (plan), ==, strlen (expected) - strlen ("HEAD"));
      sb_send_plan_prepend_text (plan, g_strdup ("HEAD"));
      sent = carry_out (plan, "0123456789", step);
      g_assert_cmpstr (sent, ==, expected);
      g_assert_cmpuint (sb_send_plan_get_length (plan), ==, 0);
    }
}

static void
counts_beyond_four_gibibytes (void)
{
  const SbRangeSet set = { .ranges = { { 0, 5 * GIB }, { 6 * GIB, 7 * GIB } }, .n = 2 };
  g_autoptr (SbSendPlan) plan = sb_send_plan_new ();
  guint64 text = 0;

  sb_send_plan_add_parts (plan, &set, 13 * GIB, "t", "b");
  for (SbSendPiece piece = sb_send_plan_next (plan); piece.length > 0;
       piece = sb_send_plan_next (plan))
    {
      if (piece.text != NULL)
        text += strlen (piece.text);
      g_assert_cmpuint (sb_send_plan_get_length (plan), >=, piece.length);
      sb_send_plan_advance (plan, piece.length);
    }
  sb_send_plan_add_parts (plan, &set, 13 * GIB, "t", "b");
  g_assert_cmpuint (sb_send_plan_get_length (plan), ==, 12 * GIB + text);
}

static void
sends_nothing_of_an_empty_file (void)
{
  g_autoptr (SbSendPlan) plan = sb_send_plan_new ();

  sb_send_plan_add_range (plan, &(const SbRange) { 0, 0 });
  g_assert_cmpuint (sb_send_plan_next (plan).length, ==, 0);
  sb_send_plan_prepend_text (plan, g_strdup ("x"));
  g_assert_cmpuint (sb_send_plan_get_length (plan), ==, 1);
  g_assert_cmpstr (sb_send_plan_next (plan).text, ==, "x");
}

int
main (int argc, char **argv)
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/range/gives-the-parts-asked-for", gives_the_parts_asked_for);
  g_test_add_func ("/range/ignores-what-makes-no-sense", ignores_what_makes_no_sense);
  g_test_add_func ("/range/says-so-when-there-is-nothing", says_so_when_there_is_nothing);
  g_test_add_func ("/range/gives-all-of-nothing", gives_all_of_nothing);
  g_test_add_func ("/range/gives-the-whole-to-the-greedy", gives_the_whole_to_the_greedy);
  g_test_add_func ("/range/writes-places", writes_places);
  g_test_add_func ("/condition/answers", answers_conditions);
  g_test_add_func ("/condition/gives-parts-of-the-same-only", gives_parts_of_the_same_only);
  g_test_add_func ("/plan/sends-parts-as-multipart", sends_parts_as_multipart);
  g_test_add_func ("/plan/counts-beyond-four-gibibytes", counts_beyond_four_gibibytes);
  g_test_add_func ("/plan/sends-nothing-of-an-empty-file", sends_nothing_of_an_empty_file);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-http-verdict: every status that HTTP has, and Retry-After. */

#include "sb-http-verdict.h"
#include "sb-test.h"

#define NOW (G_GINT64_CONSTANT (784111777) * G_USEC_PER_SEC) /* Sun, 06 Nov 1994 08:49:37 GMT */

/* C: confirmed, M: the message's trouble, X: refused; what is not listed is the recipient's. */
static char
expect (guint status)
{
  static const guint recipients[] = { 401, 403, 404, 405, 407, 408, 421,
                                      423, 425, 426, 429, 502, 503, 504 };

  for (gsize i = 0; i < G_N_ELEMENTS (recipients); i++)
    if (status == recipients[i])
      return 'R';
  return "RRCRXMR"[MIN (status / 100, 6)];
}

static char
judge (guint status)
{
  static const char letters[] = {
    [SB_FAILURE_RECIPIENT] = 'R', [SB_FAILURE_MESSAGE] = 'M', [SB_FAILURE_REFUSED] = 'X'
  };

  if (sb_http_verdict_is_confirmation (status))
    return 'C';
  return letters[sb_http_verdict_get_failure (status)];
}

static void
test_knows_every_status (void)
{
  for (guint status = 0; status < 700; status++)
    {
      g_test_message ("%u", status);
      g_assert_cmpint (judge (status), ==, expect (status));
    }
}

/* By name, so that a slip in the table above does not hide one in the code. */
static void
test_keeps_the_promises_of_the_protocol (void)
{
  static const struct
  {
    guint status;
    char verdict;
  } cases[] = {
    { 0, 'R' },   { 200, 'C' }, { 201, 'C' }, { 202, 'C' }, { 204, 'C' }, { 299, 'C' },
    { 301, 'R' }, { 302, 'R' }, { 307, 'R' }, { 304, 'R' }, { 400, 'X' }, { 401, 'R' },
    { 403, 'R' }, { 404, 'R' }, { 408, 'R' }, { 410, 'X' }, { 413, 'X' }, { 415, 'X' },
    { 418, 'X' }, { 422, 'X' }, { 425, 'R' }, { 429, 'R' }, { 500, 'M' }, { 501, 'M' },
    { 502, 'R' }, { 503, 'R' }, { 504, 'R' }, { 505, 'M' }, { 599, 'M' }, { 102, 'R' },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("%u", cases[i].status);
      g_assert_cmpint (judge (cases[i].status), ==, cases[i].verdict);
    }
}

static void
test_reads_retry_after (void)
{
  static const struct
  {
    const char *value;
    gint64 seconds;
  } cases[] = {
    { NULL, 0 },
    { "", 0 },
    { "0", 0 },
    { "7", 7 },
    { "120", 120 },
    { "99999999999999999999999999", G_MAXINT32 },
    { "-5", 0 },
    { "+5", 0 },
    { "1.5", 0 },
    { "5 minutes", 0 },
    { "soon", 0 },
    { "Sun, 06 Nov 1994 08:49:47 GMT", 10 },
    { "Sun, 06 Nov 1994 08:49:37 GMT", 0 },
    { "Sun, 06 Nov 1994 08:49:27 GMT", 0 },
    { "Sunday, 06-Nov-94 08:50:37 GMT", 60 },
    { "Sun Nov  6 09:49:37 1994", 3600 },
    { "Mon, 07 Nov 1994 08:49:37 GMT", 86400 },
    { "Sun, 06 Nov 1994 08:49:60 GMT", 22 },
    { "Sun, 06 Nov 1994 08:49:47 CET", 0 },
    { "Sun, 06 Nov 1994 24:49:47 GMT", 0 },
    { "Sun, 31 Feb 1995 08:49:47 GMT", 0 },
    { "Sun, 06 Nox 1994 08:49:47 GMT", 0 },
    { "Sun, 06 Nov 99999 08:49:47 GMT", 0 },
    { "Sun, 06 Nov 1994 08:49 GMT", 0 },
    { "a b c d e f", 0 },
    { "a b c d e", 0 },
    { ", - , - ,", 0 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("%s", cases[i].value);
      g_assert_cmpint (sb_http_verdict_parse_retry_after (cases[i].value, NOW), ==,
                       cases[i].seconds * G_USEC_PER_SEC);
    }
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/http-verdict/knows-every-status", test_knows_every_status);
  g_test_add_func ("/http-verdict/keeps-the-promises-of-the-protocol",
                   test_keeps_the_promises_of_the_protocol);
  g_test_add_func ("/http-verdict/reads-retry-after", test_reads_retry_after);
  return g_test_run ();
}

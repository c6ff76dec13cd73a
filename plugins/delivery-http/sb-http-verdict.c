/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-http-verdict: a table.
 *
 * A fault of the address or the account (a path that is not there, a wrong password, a method
 * that is not allowed) is the recipient's trouble: it would befall every message, and none of them
 * is to blame. Any other 4xx is about what was sent.
 */

#include "sb-http-verdict.h"

#include <string.h>

/* Those of 400 to 599 that are not what their hundred says. */
static const guint recipients_trouble[] = { 401, 403, 404, 405, 407, 408, 421,
                                            423, 425, 426, 429, 502, 503, 504 };

/**
 * sb_http_verdict_is_confirmation:
 * @status: of an answer
 *
 * Returns: whether the recipient has the message
 */
gboolean
sb_http_verdict_is_confirmation (guint status)
{
  return status >= 200 && status <= 299;
}

/**
 * sb_http_verdict_get_failure:
 * @status: of an answer that is no confirmation; 0: there was none
 *
 * Returns: whose trouble it is
 */
SbFailure
sb_http_verdict_get_failure (guint status)
{
  for (guint i = 0; i < G_N_ELEMENTS (recipients_trouble); i++)
    if (recipients_trouble[i] == status)
      return SB_FAILURE_RECIPIENT;
  if (status >= 400 && status <= 499)
    return SB_FAILURE_REFUSED;
  if (status >= 500 && status <= 599)
    return SB_FAILURE_MESSAGE;
  return SB_FAILURE_RECIPIENT;
}

/* Retry-After */

static guint
find_month (const char *name)
{
  static const char *const months[] = { "jan", "feb", "mar", "apr", "may", "jun",
                                        "jul", "aug", "sep", "oct", "nov", "dec" };

  for (guint i = 0; i < G_N_ELEMENTS (months); i++)
    if (g_ascii_strcasecmp (name, months[i]) == 0)
      return i + 1;
  return 0;
}

/* Returns 0 to @max; -1 when the text is no number or a greater one. */
static int
parse_number (const char *text, guint64 max)
{
  guint64 number;

  if (!g_ascii_string_to_unsigned (text, 10, 0, max, &number, NULL))
    return -1;
  return (int) number;
}

static int
parse_year (const char *text)
{
  int year = parse_number (text, 9999);

  if (strlen (text) > 2 || year < 0)
    return year;
  return year < 70 ? year + 2000 : year + 1900;
}

/* Returns the Unix time of "08:49:37" on that day; -1 when there is no such time. */
static gint64
make_time (const char *year, const char *month, const char *day, const char *time)
{
  g_auto (GStrv) parts = g_strsplit (time, ":", 4);
  g_autoptr (GDateTime) date = NULL;

  if (g_strv_length (parts) != 3)
    return -1;
  /* It looks at the bounds itself. A leap second is taken as the one before. */
  date = g_date_time_new_utc (parse_year (year), (int) find_month (month), parse_number (day, 31),
                              parse_number (parts[0], 23), parse_number (parts[1], 59),
                              MIN (parse_number (parts[2], 60), 59));
  return date != NULL ? g_date_time_to_unix (date) : -1;
}

/* The three forms of RFC 9110: "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT"
 * and "Sun Nov  6 08:49:37 1994". */
static gint64
parse_date (const char *text)
{
  g_auto (GStrv) words = g_strsplit_set (text, " ,-", 16);
  const char *found[8] = { NULL };
  guint n = 0;

  for (char **word = words; *word != NULL && n < G_N_ELEMENTS (found); word++)
    if (**word != '\0')
      found[n++] = *word;
  if (n == 6 && g_strcmp0 (found[5], "GMT") == 0)
    return make_time (found[3], found[2], found[1], found[4]);
  if (n == 5)
    return make_time (found[4], found[1], found[2], found[3]);
  return -1;
}

/**
 * sb_http_verdict_parse_retry_after:
 * @value: (nullable): value of the header Retry-After: seconds or a date
 * @now: wall clock, microseconds
 *
 * Returns: how long the recipient wants to be left alone, microseconds; 0: it did not say, or in
 *   no way that is understood
 */
gint64
sb_http_verdict_parse_retry_after (const char *value, gint64 now)
{
  gint64 date;

  if (value == NULL)
    return 0;
  if (*value != '\0' && strspn (value, "0123456789") == strlen (value))
    return (gint64) MIN (g_ascii_strtoull (value, NULL, 10), G_MAXINT32) * G_USEC_PER_SEC;
  date = parse_date (value);
  return date > 0 ? MAX (date * G_USEC_PER_SEC - now, 0) : 0;
}

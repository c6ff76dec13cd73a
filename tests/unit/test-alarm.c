/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-alarm: one line when a limit is near, one when it is over, whatever happens between. */

#include "sb-alarm.h"

#include "sb-names.h"
#include "sb-test.h"

#include <string.h>

#define SECOND ((gint64) G_USEC_PER_SEC)

/* What was logged: a W for each warning and an M for each message, and the last one's text. */
static GString *levels;
static char *last;
static guint n_ids;

static GLogWriterOutput
note_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  for (gsize i = 0; i < n_fields; i++)
    {
      if (strcmp (fields[i].key, "MESSAGE_ID") == 0
          && strcmp (fields[i].value, SB_MESSAGE_ID_LIMIT) == 0)
        n_ids++;
      if (strcmp (fields[i].key, "MESSAGE") != 0)
        continue;
      g_string_append_c (levels, level == G_LOG_LEVEL_WARNING ? 'W' : 'M');
      g_free (last);
      last = g_strdup (fields[i].value);
    }
  return G_LOG_WRITER_HANDLED;
}

static SbAlarm
make_alarm (void)
{
  g_string_truncate (levels, 0);
  n_ids = 0;
  return (SbAlarm) { .name = "sessions",
                     .key = "max-sessions",
                     .subject = "many sessions are open",
                     .advice = "raise it" };
}

static void
rings_at_four_fifths (void)
{
  SbAlarm alarm = make_alarm ();

  sb_alarm_update (&alarm, 79, 100, SECOND);
  g_assert_cmpstr (levels->str, ==, "");
  sb_alarm_update (&alarm, 80, 100, 2 * SECOND);
  g_assert_cmpstr (levels->str, ==, "W");
  g_assert_cmpstr (last, ==, "many sessions are open: 80 % of max-sessions is used; raise it");
  g_assert_cmpuint (n_ids, ==, 1);
}

static void
rings_once (void)
{
  SbAlarm alarm = make_alarm ();

  for (guint i = 0; i < 1000; i++)
    sb_alarm_update (&alarm, i % 2 == 0 ? 100 : 75, 100, SECOND + i);
  g_assert_cmpstr (levels->str, ==, "W");
}

static void
is_over_when_it_stays_below (void)
{
  SbAlarm alarm = make_alarm ();

  sb_alarm_update (&alarm, 90, 100, SECOND);
  sb_alarm_update (&alarm, 69, 100, 2 * SECOND);
  sb_alarm_update (&alarm, 69, 100, 11 * SECOND);
  g_assert_cmpstr (levels->str, ==, "W");
  sb_alarm_update (&alarm, 69, 100, 12 * SECOND);
  g_assert_cmpstr (levels->str, ==, "WM");
  sb_alarm_update (&alarm, 69, 100, 100 * SECOND);
  g_assert_cmpstr (levels->str, ==, "WM");
  sb_alarm_update (&alarm, 80, 100, 101 * SECOND);
  g_assert_cmpstr (levels->str, ==, "WMW");
}

static void
what_goes_up_and_down_is_not_over (void)
{
  SbAlarm alarm = make_alarm ();

  for (guint i = 0; i < 1000; i++)
    sb_alarm_update (&alarm, i % 4 == 0 ? 100 : 0, 100, SECOND + i * SECOND);
  g_assert_cmpstr (levels->str, ==, "W");
}

static void
another_limit_changes_the_share (void)
{
  SbAlarm alarm = make_alarm ();

  sb_alarm_update (&alarm, 50, 100, SECOND);
  g_assert_cmpfloat (alarm.ratio, ==, 0.5);
  sb_alarm_update (&alarm, 50, 50, 2 * SECOND);
  g_assert_cmpfloat (alarm.ratio, ==, 1);
  g_assert_cmpstr (levels->str, ==, "W");
}

static void
no_limit_is_never_near (void)
{
  SbAlarm alarm = make_alarm ();

  sb_alarm_update (&alarm, 1e12, 0, SECOND);
  g_assert_cmpfloat (alarm.ratio, ==, 0);
  g_assert_cmpstr (levels->str, ==, "");
}

int
main (int argc, char *argv[])
{
  int status;

  sb_test_init (&argc, &argv);
  g_log_set_writer_func (note_log, NULL, NULL);
  levels = g_string_new (NULL);
  g_test_add_func ("/alarm/rings-at-four-fifths", rings_at_four_fifths);
  g_test_add_func ("/alarm/rings-once", rings_once);
  g_test_add_func ("/alarm/is-over-when-it-stays-below", is_over_when_it_stays_below);
  g_test_add_func ("/alarm/what-goes-up-and-down-is-not-over", what_goes_up_and_down_is_not_over);
  g_test_add_func ("/alarm/another-limit-changes-the-share", another_limit_changes_the_share);
  g_test_add_func ("/alarm/no-limit-is-never-near", no_limit_is_never_near);
  status = g_test_run ();
  g_string_free (levels, TRUE);
  g_free (last);
  return status;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-load-backlog: messages for a recipient that is not there (fill), the recipient that comes
 * back and takes them all (drain), and sessions that do nothing (idle).
 */

#include "sb-load-run.h"
#include "sb-load-usage.h"

#include <stdio.h>

#define SECOND G_GINT64_CONSTANT (1000000000)
#define SILENCE (30 * SECOND)

static void
check_progress (guint64 *progress, guint64 now_at, gint64 *since, guint64 wanted)
{
  gint64 now = sb_load_now ();

  if (now_at != *progress)
    *since = now;
  *progress = now_at;
  if (now - *since > SILENCE)
    sb_load_fail ("it stands still at %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT, now_at, wanted);
}

/* Publisher 0 sends so many messages, a window of them at a time. */
static void
send_all (SbLoadRun *run, guint64 wanted)
{
  SbLoadClient *client = sb_load_run_get (run, SB_LOAD_PUBLISHER, 0);
  guint64 progress = 0;
  gint64 since = sb_load_now ();

  while (run->accepted < wanted)
    {
      while (run->sent < wanted && client->sent - client->accepted < (guint64) run->options.window)
        sb_load_run_publish (run, client);
      sb_load_loop_turn (run->loop, SECOND / 100);
      check_progress (&progress, run->accepted, &since, wanted);
    }
}

/* The recipient stays away: memory of the server before, right behind, and settled. */
void
sb_load_fill (SbLoadRun *run)
{
  g_autoptr (GString) line = g_string_new ("scenario=fill");
  SbLoadUsage from = { 0 }, to = { 0 };
  double before, behind, elapsed;

  sb_load_run_connect (run, SB_LOAD_PUBLISHER, 1);
  before = sb_load_usage_resident_kib (run->options.pid);
  sb_load_usage_take (&from, run->options.pid);
  send_all (run, (guint64) run->options.messages);
  sb_load_usage_take (&to, run->options.pid);
  behind = sb_load_usage_resident_kib (run->options.pid);
  sb_load_loop_run_until (run->loop, sb_load_now () + 2 * SECOND);
  elapsed = (double) (to.time - from.time) / 1e9;
  g_string_append_printf (line,
                          " messages=%d seconds=%.2f accepted_per_s=%.0f rss_before_mib=%.1f "
                          "rss_filled_mib=%.1f rss_mib=%.1f",
                          run->options.messages, elapsed, run->options.messages / elapsed,
                          before / 1024, behind / 1024,
                          sb_load_usage_resident_kib (run->options.pid) / 1024);
  sb_load_usage_print (&from, &to, line);
  puts (line->str);
  sb_load_usage_clear (&from);
  sb_load_usage_clear (&to);
}

/* The recipient comes back; measured from its connecting to its last message. */
void
sb_load_drain (SbLoadRun *run)
{
  g_autoptr (GString) line = g_string_new ("scenario=drain");
  SbLoadUsage from = { 0 }, to = { 0 };
  guint64 wanted = (guint64) run->options.messages;
  guint64 progress = 0;
  double before = sb_load_usage_resident_kib (run->options.pid), elapsed;
  gint64 since = sb_load_now ();

  sb_load_usage_take (&from, run->options.pid);
  sb_load_run_connect (run, SB_LOAD_RECIPIENT, 1);
  while (run->delivered - run->redelivered < wanted)
    {
      sb_load_loop_turn (run->loop, SECOND / 100);
      check_progress (&progress, run->delivered, &since, wanted);
    }
  sb_load_usage_take (&to, run->options.pid);
  elapsed = (double) (run->last_delivery - from.time) / 1e9;
  g_string_append_printf (
      line,
      " messages=%d seconds=%.2f delivered_per_s=%.0f first_ms=%.1f redelivered=%" G_GUINT64_FORMAT
      " rss_before_mib=%.1f rss_mib=%.1f",
      run->options.messages, elapsed, run->options.messages / elapsed,
      (double) (run->first_delivery - from.time) / 1e6, run->redelivered, before / 1024,
      sb_load_usage_resident_kib (run->options.pid) / 1024);
  sb_load_usage_print (&from, &to, line);
  puts (line->str);
  /* The last confirmations are on their way still. */
  sb_load_loop_run_until (run->loop, sb_load_now () + SECOND);
  sb_load_usage_clear (&from);
  sb_load_usage_clear (&to);
}

/* What a session costs when nothing happens; without sessions, what the server itself does. */
void
sb_load_idle (SbLoadRun *run)
{
  g_autoptr (GString) line = g_string_new ("scenario=idle");
  SbLoadUsage from = { 0 }, to = { 0 };
  double before = sb_load_usage_resident_kib (run->options.pid), with_sessions;
  gint64 start = sb_load_now ();
  double connecting, elapsed;

  sb_load_run_connect (run, SB_LOAD_SESSION, 64);
  connecting = (double) (sb_load_now () - start) / 1e9;
  sb_load_loop_run_until (run->loop, sb_load_now () + 3 * SECOND);
  with_sessions = sb_load_usage_resident_kib (run->options.pid);
  sb_load_usage_take (&from, run->options.pid);
  sb_load_loop_run_until (run->loop, from.time + (gint64) (run->options.seconds * 1e9));
  sb_load_usage_take (&to, run->options.pid);
  elapsed = (double) (to.time - from.time) / 1e9;
  g_string_append_printf (line,
                          " sessions=%d connecting_s=%.1f rss_before_mib=%.1f rss_mib=%.1f "
                          "server_us_per_s=%.0f wake_ups_per_s=%.1f",
                          run->options.sessions, connecting, before / 1024, with_sessions / 1024,
                          (to.server - from.server) * 1e6 / elapsed,
                          (double) (to.wake_ups - from.wake_ups) / elapsed);
  if (run->options.sessions > 0)
    g_string_append_printf (line, " kib_per_session=%.2f",
                            (with_sessions - before) / run->options.sessions);
  sb_load_usage_print (&from, &to, line);
  puts (line->str);
  sb_load_usage_clear (&from);
  sb_load_usage_clear (&to);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-load-flow: publishers send to recipients for a while. Behind the warm-up it is measured, then
 * what is under way is waited for, and what never came is named. Beside it, when asked for:
 * messages to `$all`, files that go up and come down, or a storm of sessions that log in all at
 * once, which the measurement then lasts as long as.
 */

#include "sb-load-run.h"
#include "sb-load-transfer.h"
#include "sb-load-usage.h"

#include <stdio.h>

#define SECOND G_GINT64_CONSTANT (1000000000)
#define MILLISECOND G_GINT64_CONSTANT (1000000)
/* A turn for a publisher ends here, so that input is not left waiting. */
#define MESSAGES_PER_TURN 512
#define ENOUGH_OUTPUT (256 * 1024)
#define SILENCE (3 * SECOND)
#define LONGEST_STORM (120 * SECOND)

typedef enum
{
  WARMING_UP,
  MEASURING,
  WAITING,
  DONE,
} Phase;

typedef struct
{
  guint64 sent;
  guint64 accepted;
  guint64 delivered;
  guint64 uploaded;   /* bytes */
  guint64 downloaded; /* bytes */
} Counts;

typedef struct
{
  SbLoadRun *run;
  Phase phase;
  gint64 phase_end;
  gint64 due;    /* when the next message is to be sent, at a fixed rate */
  gint64 latest; /* how late the latest of them was sent */
  gint64 last_progress;
  guint64 progress;
  guint ready_before;         /* clients that were served before the storm */
  SbLoadTransfers *transfers; /* (owned) (nullable) */
  Counts from, to;
  SbLoadUsage usage_from, usage_to;
} Flow;

static Counts
count (Flow *flow)
{
  SbLoadRun *run = flow->run;
  Counts counts = { .sent = run->sent, .accepted = run->accepted, .delivered = run->delivered };

  if (flow->transfers != NULL)
    {
      counts.uploaded = sb_load_transfers_get_uploaded (flow->transfers);
      counts.downloaded = sb_load_transfers_get_downloaded (flow->transfers);
    }
  return counts;
}

static void
start_storm (Flow *flow)
{
  SbLoadRun *run = flow->run;

  flow->ready_before = run->n_ready;
  run->storm_start = sb_load_now ();
  for (guint i = 0; i < sb_load_run_count (run, SB_LOAD_SESSION); i++)
    sb_load_client_open (sb_load_run_get (run, SB_LOAD_SESSION, i));
}

static void
start_measuring (Flow *flow)
{
  SbLoadRun *run = flow->run;

  flow->phase = MEASURING;
  flow->latest = 0;
  flow->from = count (flow);
  sb_load_usage_take (&flow->usage_from, run->options.pid);
  flow->phase_end = flow->usage_from.time + (gint64) (run->options.seconds * 1e9);
  run->is_measuring = TRUE;
  if (run->options.sessions > 0)
    start_storm (flow);
}

static void
stop_measuring (Flow *flow)
{
  flow->phase = WAITING;
  flow->to = count (flow);
  sb_load_usage_take (&flow->usage_to, flow->run->options.pid);
  flow->run->is_measuring = FALSE;
  flow->last_progress = flow->usage_to.time;
  g_clear_pointer (&flow->transfers, sb_load_transfers_free);
}

static gboolean
has_measured (Flow *flow, gint64 now)
{
  SbLoadRun *run = flow->run;
  guint sessions = (guint) run->options.sessions;

  if (sessions == 0)
    return now >= flow->phase_end;
  if (now - run->storm_start > LONGEST_STORM)
    sb_load_fail ("only %u of %u sessions were served", run->n_ready - flow->ready_before,
                  sessions);
  return run->n_ready == flow->ready_before + sessions;
}

/* Everything arrived, or nothing has for a while: then it never will. */
static gboolean
has_settled (Flow *flow, gint64 now)
{
  SbLoadRun *run = flow->run;

  if (run->delivered + run->accepted != flow->progress)
    {
      flow->progress = run->delivered + run->accepted;
      flow->last_progress = now;
    }
  return (run->accepted >= run->sent
          && run->delivered + run->skipped >= run->sent * (guint64) run->options.recipients)
         || now - flow->last_progress > SILENCE;
}

static void
advance (Flow *flow, gint64 now)
{
  if (flow->phase == WARMING_UP && now >= flow->phase_end)
    start_measuring (flow);
  else if (flow->phase == MEASURING && has_measured (flow, now))
    stop_measuring (flow);
  else if (flow->phase == WAITING && has_settled (flow, now))
    flow->phase = DONE;
}

static gboolean
may_publish (SbLoadRun *run, SbLoadClient *client)
{
  guint64 arrived = (run->delivered + run->skipped) / (guint64) MAX (run->options.recipients, 1);

  return client->sent - client->accepted < (guint64) run->options.window
         && (run->options.in_flight == 0 || run->sent < arrived + (guint64) run->options.in_flight)
         && sb_load_buffer_length (&client->connection.output) < ENOUGH_OUTPUT;
}

/* As much as windows allow. Returns how long the loop may wait then. */
static gint64
publish_freely (SbLoadRun *run)
{
  gint64 longest = MILLISECOND;

  for (guint i = 0; i < sb_load_run_count (run, SB_LOAD_PUBLISHER); i++)
    {
      SbLoadClient *client = sb_load_run_get (run, SB_LOAD_PUBLISHER, i);
      guint n = 0;

      for (; n < MESSAGES_PER_TURN && may_publish (run, client); n++)
        sb_load_run_publish (run, client);
      if (n == MESSAGES_PER_TURN)
        longest = 0;
    }
  return longest;
}

/* One message each time that one is due, whatever became of those before. */
static gint64
publish_at_rate (Flow *flow)
{
  SbLoadRun *run = flow->run;
  SbLoadClient *client = sb_load_run_get (run, SB_LOAD_PUBLISHER, 0);
  gint64 now;

  while ((now = sb_load_now ()) >= flow->due)
    {
      if (client->sent - client->accepted > client->ring_mask)
        sb_load_fail ("the bus can not keep up with %.0f messages a second", run->options.rate);
      flow->latest = MAX (flow->latest, now - flow->due);
      sb_load_run_publish (run, client);
      flow->due += (gint64) (1e9 / run->options.rate);
    }
  return MIN (flow->due - now, MILLISECOND);
}

/* One at a time, a pause between them. */
static void
publish_to_all (Flow *flow, gint64 now)
{
  SbLoadRun *run = flow->run;
  SbLoadClient *client;

  if (run->options.broadcast_pause < 0)
    return;
  client = sb_load_run_get (run, SB_LOAD_BROADCASTER, 0);
  if (client->sent == client->accepted
      && now >= run->broadcast_end + run->options.broadcast_pause * MILLISECOND)
    sb_load_run_publish (run, client);
}

static void
turn (Flow *flow)
{
  gint64 now = sb_load_now ();
  gint64 longest = MILLISECOND;

  advance (flow, now);
  if (flow->phase <= MEASURING)
    {
      publish_to_all (flow, now);
      longest = flow->run->options.rate > 0 ? publish_at_rate (flow) : publish_freely (flow->run);
    }
  sb_load_loop_turn (flow->run->loop, longest);
}

static void
print_quantiles (GString *line, const char *name, const SbLoadHistogram *histogram)
{
  if (histogram->n == 0)
    return;
  g_string_append_printf (line, " %s_p50_us=%.0f %s_p99_us=%.0f %s_p999_us=%.0f %s_max_us=%.0f",
                          name, (double) sb_load_histogram_quantile (histogram, 0.5) / 1e3, name,
                          (double) sb_load_histogram_quantile (histogram, 0.99) / 1e3, name,
                          (double) sb_load_histogram_quantile (histogram, 0.999) / 1e3, name,
                          (double) histogram->largest / 1e3);
}

static void
print_rates (const Flow *flow, GString *line)
{
  const SbLoadRun *run = flow->run;
  double elapsed = (double) (flow->usage_to.time - flow->usage_from.time) / 1e9;
  guint64 expected = run->sent * (guint64) run->options.recipients;

  g_string_append_printf (
      line,
      "scenario=flow seconds=%.2f sent_per_s=%.0f accepted_per_s=%.0f "
      "delivered_per_s=%.0f %s=%" G_GINT64_FORMAT " redelivered=%" G_GUINT64_FORMAT,
      elapsed, (double) (flow->to.sent - flow->from.sent) / elapsed,
      (double) (flow->to.accepted - flow->from.accepted) / elapsed,
      (double) (flow->to.delivered - flow->from.delivered) / elapsed,
      run->options.direct ? "dropped" : "lost",
      (gint64) (expected + run->redelivered - run->delivered), run->redelivered);
}

/* What one delivery costs the server: the figure that other programs on the machine blur least.
 * And what it costs here, where most deliveries are one frame out of a wake-up's many. */
static void
print_cost (const Flow *flow, GString *line)
{
  double used = flow->usage_to.server - flow->usage_from.server;
  double own = flow->usage_to.generator - flow->usage_from.generator;
  guint64 delivered = flow->to.delivered - flow->from.delivered;

  if (delivered > 0 && flow->run->options.rate == 0)
    g_string_append_printf (line, " server_us_per_delivery=%.2f generator_us_per_delivery=%.2f",
                            used * 1e6 / (double) delivered, own * 1e6 / (double) delivered);
}

static void
print_transfers (const Flow *flow, GString *line)
{
  const SbLoadOptions *options = &flow->run->options;
  double elapsed = (double) (flow->usage_to.time - flow->usage_from.time) / 1e9;

  if (options->uploads + options->downloads > 0)
    g_string_append_printf (line, " uploaded_mb_per_s=%.1f downloaded_mb_per_s=%.1f peak_mib=%.1f",
                            (double) (flow->to.uploaded - flow->from.uploaded) / 1e6 / elapsed,
                            (double) (flow->to.downloaded - flow->from.downloaded) / 1e6 / elapsed,
                            sb_load_usage_peak_kib (options->pid) / 1024);
}

static void
print (const Flow *flow)
{
  const SbLoadRun *run = flow->run;
  g_autoptr (GString) line = g_string_new (NULL);

  print_rates (flow, line);
  print_quantiles (line, "publish", &run->publish);
  print_quantiles (line, "end_to_end", &run->end_to_end);
  print_quantiles (line, "meanwhile", &run->meanwhile);
  print_quantiles (line, "all", &run->broadcast);
  print_quantiles (line, "login", &run->login);
  if (run->options.broadcast_pause >= 0)
    g_string_append_printf (line, " broadcasts=%" G_GUINT64_FORMAT, run->broadcasts);
  if (run->options.direct)
    g_string_append_printf (line, " drop_errors=%" G_GUINT64_FORMAT, run->drop_errors);
  if (run->options.rate > 0)
    g_string_append_printf (line, " late_us=%.0f", (double) flow->latest / 1e3);
  sb_load_usage_print (&flow->usage_from, &flow->usage_to, line);
  print_cost (flow, line);
  print_transfers (flow, line);
  g_string_append_printf (line, " rss_mib=%.1f",
                          sb_load_usage_resident_kib (run->options.pid) / 1024);
  puts (line->str);
}

void
sb_load_flow (SbLoadRun *run)
{
  Flow flow = { .run = run };

  sb_load_run_connect (run, SB_LOAD_RECIPIENT, 64);
  sb_load_run_connect (run, SB_LOAD_PUBLISHER, 64);
  sb_load_run_connect (run, SB_LOAD_BROADCASTER, 1);
  if (run->options.uploads + run->options.downloads > 0)
    flow.transfers = sb_load_transfers_start (&run->options);
  flow.due = sb_load_now ();
  flow.phase_end = flow.due + (gint64) (run->options.warm_up * 1e9);
  while (flow.phase != DONE)
    turn (&flow);
  print (&flow);
  sb_load_usage_clear (&flow.usage_from);
  sb_load_usage_clear (&flow.usage_to);
}

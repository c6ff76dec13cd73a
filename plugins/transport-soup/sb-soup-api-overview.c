/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-soup-api-overview: `/api/v1/overview`: the bus at a glance, as one small document. */

#include "sb-build.h"
#include "sb-soup-api.h"

/* Transfers that are named. */
#define MAX_TRANSFERS 20

#define SECONDS(microseconds) ((double) (microseconds) / G_USEC_PER_SEC)

static void
add_messages (GString *json, const SbOverview *overview)
{
  sb_json_begin (json, "messages", '{');
  sb_json_add_integer (json, "accepted", (gint64) overview->accepted);
  sb_json_add_integer (json, "duplicates", (gint64) overview->duplicates);
  sb_json_add_integer (json, "throttled", (gint64) overview->throttled);
  sb_json_add_integer (json, "sent", (gint64) overview->transmissions);
  sb_json_add_integer (json, "redelivered", (gint64) overview->redeliveries);
  sb_json_add_integer (json, "confirmed", (gint64) overview->confirmed);
  sb_json_add_integer (json, "expired", (gint64) overview->expired);
  sb_json_add_integer (json, "refused", (gint64) overview->refused);
  sb_json_add_integer (json, "receipts", (gint64) overview->receipts);
  sb_json_add_integer (json, "direct", (gint64) overview->direct_delivered);
  sb_json_add_integer (json, "direct_dropped", (gint64) overview->direct_dropped);
  sb_json_end (json, '}');
}

/* What waits without being scheduled or parked is pending; some of it is in flight. */
static void
add_backlog (GString *json, const SbOverview *overview)
{
  const SbStoreStats *stored = &overview->stored;
  guint64 apart = stored->scheduled + stored->parked;

  sb_json_begin (json, "backlog", '{');
  sb_json_add_integer (json, "pending",
                       stored->waiting > apart ? (gint64) (stored->waiting - apart) : 0);
  sb_json_add_integer (json, "sent", overview->in_flight);
  sb_json_add_integer (json, "sent_bytes", (gint64) overview->in_flight_bytes);
  sb_json_add_integer (json, "scheduled", (gint64) stored->scheduled);
  sb_json_add_integer (json, "parked", (gint64) stored->parked);
  sb_json_add_integer (json, "dead", (gint64) stored->dead);
  sb_json_add_integer (json, "messages", (gint64) stored->messages);
  sb_json_add_integer (json, "bytes", (gint64) stored->bytes);
  sb_json_add_integer (json, "remembered", (gint64) stored->remembered);
  sb_json_add_integer (json, "near_limit", overview->near_queues);
  sb_json_end (json, '}');
}

static void
add_people (GString *json, SbSoupTransport *transport, const SbOverview *overview)
{
  SbListenerStats stats;

  sb_listener_get_stats (transport->listener, &stats);
  sb_json_add_integer (json, "sessions", overview->sessions);
  sb_json_add_integer (json, "connections", stats.open);
  sb_json_begin (json, "users", '{');
  sb_json_add_integer (json, "total", overview->users);
  sb_json_add_integer (json, "online", overview->sessions);
  sb_json_end (json, '}');
  sb_json_begin (json, "recipients", '{');
  sb_json_add_integer (json, "ok", overview->recipients.ok);
  sb_json_add_integer (json, "waiting", overview->recipients.waiting);
  sb_json_add_integer (json, "unreachable", overview->recipients.unreachable);
  sb_json_add_integer (json, "faulty", overview->recipients.faulty);
  sb_json_end (json, '}');
}

static void
add_files (GString *json, SbSoupTransport *transport, const SbOverview *overview)
{
  sb_json_begin (json, "files", '{');
  sb_json_add_integer (json, "waiting", (gint64) overview->stored.files);
  sb_json_add_integer (json, "bytes", (gint64) overview->stored.file_bytes);
  sb_json_add_integer (json, "incomplete", overview->open_uploads);
  sb_json_end (json, '}');
  sb_json_begin (json, "transfers", '{');
  sb_json_add_integer (json, "downloads", sb_file_sender_get_length (transport->sender));
  sb_json_add_integer (json, "uploads", sb_api_count_uploads (transport));
  sb_json_begin (json, "running", '[');
  sb_api_add_transfers (transport, json, MAX_TRANSFERS);
  sb_json_end (json, ']');
  sb_json_end (json, '}');
}

static void
add_machine (GString *json, const SbOverview *overview)
{
  sb_json_begin (json, "disk", '{');
  sb_json_add_integer (json, "free", (gint64) overview->disk_free);
  sb_json_add_integer (json, "reserve", (gint64) overview->disk_reserve);
  sb_json_add_integer (json, "size", (gint64) overview->disk_size);
  sb_json_add_integer (json, "store", (gint64) overview->stored.disk);
  sb_json_end (json, '}');
  sb_json_begin (json, "journal", '{');
  sb_json_add_integer (json, "batches", (gint64) overview->journal.batches);
  sb_json_add_integer (json, "failures", (gint64) overview->journal.failures);
  sb_json_add_integer (json, "operations", overview->journal.operations);
  sb_json_add_integer (json, "bytes", (gint64) overview->journal.bytes);
  sb_json_add_double (json, "fill", overview->journal_fill);
  sb_json_add_double (json, "commit_ms", (double) overview->journal.commit_time / 1000);
  sb_json_add_double (json, "waiting_ms", (double) overview->journal.waiting / 1000);
  sb_json_end (json, '}');
  sb_json_begin (json, "process", '{');
  sb_json_add_integer (json, "memory", (gint64) overview->memory);
  sb_json_add_double (json, "cpu", SECONDS (overview->cpu));
  sb_json_end (json, '}');
}

static void
add_alarms (GString *json, const SbOverview *overview)
{
  sb_json_begin (json, "alarms", '[');
  for (guint i = 0; i < overview->n_alarms; i++)
    {
      const SbOverviewAlarm *alarm = &overview->alarms[i];

      sb_json_begin (json, NULL, '{');
      sb_json_add_string (json, "limit", alarm->name);
      sb_json_add_string (json, "key", alarm->key);
      sb_json_add_string (json, "detail", alarm->subject);
      sb_json_add_string (json, "advice", alarm->advice);
      sb_json_add_double (json, "ratio", alarm->ratio);
      sb_json_end (json, '}');
    }
  sb_json_end (json, ']');
}

/**
 * sb_api_print_overview:
 * @transport: a transport that listens
 *
 * Returns: (transfer full): the overview of now
 */
GString *
sb_api_print_overview (SbSoupTransport *transport)
{
  GString *json = g_string_sized_new (2048);
  SbOverview overview;

  sb_bus_get_overview (transport->bus, &overview);
  sb_json_begin (json, NULL, '{');
  sb_json_add_string (json, "version", SB_VERSION);
  sb_json_add_time (json, "time", overview.time);
  sb_json_add_double (json, "uptime", SECONDS (overview.uptime));
  add_messages (json, &overview);
  add_backlog (json, &overview);
  add_people (json, transport, &overview);
  add_files (json, transport, &overview);
  add_machine (json, &overview);
  add_alarms (json, &overview);
  sb_json_end (json, '}');
  return json;
}

static void
refreshed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbRequest) request = user_data;

  /* Without it the numbers are a little older. */
  sb_bus_refresh_finish (SB_BUS (source), result, NULL);
  if (sb_request_can_answer (request))
    sb_request_answer_json (request, 200, sb_api_print_overview (request->transport));
}

/**
 * sb_api_show_overview:
 * @request: `GET /api/v1/overview`
 * @name: %NULL
 *
 * Shows the bus at a glance.
 */
void
sb_api_show_overview (SbRequest *request, const char *name)
{
  sb_bus_refresh_async (request->transport->bus, refreshed_cb, sb_request_ref (request));
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-soup-metrics: what the transport counts and shows, by name. */

#include "sb-soup-metrics.h"

#include "sb-listener.h"
#include "sb-soup-logins.h"

static SbListenerStats
get_stats (gpointer transport)
{
  SbListenerStats stats = { 0 };

  if (SB_SOUP_TRANSPORT (transport)->listener != NULL)
    sb_listener_get_stats (SB_SOUP_TRANSPORT (transport)->listener, &stats);
  return stats;
}

static double
get_connections (gpointer transport)
{
  return get_stats (transport).open;
}

static double
get_accepted (gpointer transport)
{
  return get_stats (transport).accepted;
}

static double
get_refused (gpointer transport)
{
  return get_stats (transport).refused;
}

static double
get_refused_address (gpointer transport)
{
  return get_stats (transport).refused_address;
}

static double
get_handshakes_failed (gpointer transport)
{
  return get_stats (transport).handshakes_failed;
}

static double
get_starved (gpointer transport)
{
  return get_stats (transport).starved;
}

static double
get_overdue (gpointer transport)
{
  return get_stats (transport).overdue;
}

static double
get_sockets (gpointer transport)
{
  return SB_SOUP_TRANSPORT (transport)->sessions.length;
}

static double
get_log_ins (gpointer transport)
{
  return sb_logins_get_size (SB_SOUP_TRANSPORT (transport)->logins);
}

static double
get_streams (gpointer transport)
{
  return SB_SOUP_TRANSPORT (transport)->streams.length;
}

static double
get_requests (gpointer transport)
{
  return SB_SOUP_TRANSPORT (transport)->requests.length;
}

/* Counters */

static const char *const publish_reasons[] = { "busy",       "closed",    "conflict",  "forbidden",
                                               "full",       "invalid",   "no-space",  "not-found",
                                               "rate-limit", "too-large", "transient", NULL };
static const char *const upload_reasons[] = { "busy",      "checksum",   "conflict", "forbidden",
                                              "full",      "invalid",    "no-space", "not-found",
                                              "too-large", "rate-limit", NULL };
static const char *const problem_reasons[] = { "busy",         "closed", "conflict",   "failed",
                                               "forbidden",    "full",   "invalid",    "no-space",
                                               "not-found",    "rate",   "rate-limit", "too-large",
                                               "unauthorized", NULL };

static void
add_refusals (SbSoupTransport *self, SbMetrics *metrics)
{
  static const char name[] = "simplebus_messages_refused_total";
  static const char help[] = "Messages that were refused, by the way they came and the reason";

  self->refused_http = sb_refusals_new (metrics, name, help, "over=\"http\"", publish_reasons);
  self->refused_websocket = sb_refusals_new (metrics, name, help, "over=\"websocket\"",
                                             publish_reasons);
  self->refused_uploads = sb_refusals_new (metrics, "simplebus_uploads_refused_total",
                                           "Requests of uploads that were refused, by reason", NULL,
                                           upload_reasons);
  self->problems = sb_refusals_new (metrics, "simplebus_http_problems_total",
                                    "Answers with a problem document, by its reason", NULL,
                                    problem_reasons);
}

/**
 * sb_soup_metrics_count:
 * @self: a transport that starts
 *
 * Makes what it counts in.
 */
void
sb_soup_metrics_count (SbSoupTransport *self)
{
  SbMetrics *metrics = sb_bus_get_metrics (self->bus);

  sb_soup_metrics_clear (self);
  self->n_requests = sb_metrics_counter (metrics, "simplebus_http_requests_total", "HTTP requests",
                                         NULL);
  self->n_frames_in = sb_metrics_counter (metrics, "simplebus_websocket_frames_received_total",
                                          "WebSocket messages from clients", NULL);
  self->n_frames_out = sb_metrics_counter (metrics, "simplebus_websocket_frames_sent_total",
                                           "WebSocket messages to clients", NULL);
  add_refusals (self, metrics);
}

/* Gauges */

static void
add_gauge (SbSoupTransport *self, const char *name, const char *help, SbGaugeFunc func)
{
  guint id = sb_metrics_gauge (sb_bus_get_metrics (self->bus), name, help, NULL, func, self);

  g_array_append_val (self->gauges, id);
}

static void
add_reading (SbSoupTransport *self, const char *name, const char *help, const char *labels,
             SbGaugeFunc func)
{
  guint id = sb_metrics_reading (sb_bus_get_metrics (self->bus), name, help, labels, func, self);

  g_array_append_val (self->gauges, id);
}

static void
add_connections (SbSoupTransport *self)
{
  static const char refused[] = "simplebus_connections_refused_total";
  static const char refused_help[] = "Connections that were closed at once, by reason";

  add_gauge (self, "simplebus_connections", "Open connections", get_connections);
  add_reading (self, "simplebus_connections_accepted_total", "Connections that were let in", NULL,
               get_accepted);
  add_reading (self, refused, refused_help, "reason=\"max-connections\"", get_refused);
  add_reading (self, refused, refused_help, "reason=\"max-connections-per-address\"",
               get_refused_address);
  add_reading (self, refused, refused_help, "reason=\"handshake\"", get_handshakes_failed);
  add_reading (self, "simplebus_connections_overdue_total", "Connections that missed a deadline",
               NULL, get_overdue);
  add_reading (self, "simplebus_descriptors_exhausted_total",
               "How often no connection could be accepted for lack of descriptors", NULL,
               get_starved);
}

/**
 * sb_soup_metrics_show:
 * @self: a transport that listens
 *
 * Shows what it has until sb_soup_metrics_hide().
 */
void
sb_soup_metrics_show (SbSoupTransport *self)
{
  sb_soup_metrics_hide (self);
  self->gauges = g_array_new (FALSE, FALSE, sizeof (guint));
  add_connections (self);
  add_gauge (self, "simplebus_websockets", "Open WebSockets, logged in or not", get_sockets);
  add_gauge (self, "simplebus_http_requests_open", "HTTP requests that are being answered",
             get_requests);
  add_gauge (self, "simplebus_console_log_ins", "People who are signed in to the console",
             get_log_ins);
  add_gauge (self, "simplebus_event_streams", "Open streams of events", get_streams);
}

/**
 * sb_soup_metrics_hide:
 * @self: a transport
 *
 * Nothing looks into it any more.
 */
void
sb_soup_metrics_hide (SbSoupTransport *self)
{
  if (self->gauges == NULL)
    return;
  for (guint i = 0; i < self->gauges->len; i++)
    sb_metrics_remove_gauge (sb_bus_get_metrics (self->bus),
                             g_array_index (self->gauges, guint, i));
  g_clear_pointer (&self->gauges, g_array_unref);
}

/**
 * sb_soup_metrics_clear:
 * @self: a transport
 *
 * The end of it, or a new beginning.
 */
void
sb_soup_metrics_clear (SbSoupTransport *self)
{
  g_clear_pointer (&self->refused_http, sb_refusals_free);
  g_clear_pointer (&self->refused_websocket, sb_refusals_free);
  g_clear_pointer (&self->refused_uploads, sb_refusals_free);
  g_clear_pointer (&self->problems, sb_refusals_free);
}

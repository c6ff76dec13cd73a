/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-events: `/api/v1/events`: the overview again and again. It is printed once per tick of
 * the transport's clock for all streams; without one they cost nothing.
 */

#include "sb-soup-api.h"
#include "sb-soup-header.h"
#include "sb-soup-sse.h"

#define MAX_INTERVAL 60

/* The clock may tick a little early. */
#define EARLY (G_USEC_PER_SEC / 4)

typedef struct
{
  SbSse base;
  gint64 interval;   /* microseconds */
  gint64 last_frame; /* monotonic */
} Overview;

static void
overview_free (SbSse *base)
{
  sb_sse_clear (base);
  g_free (base);
}

static gboolean
may_see (SbSse *base, const SbUser *user)
{
  return user->admin;
}

/* The frame of this tick, once somebody needed it. */
static GBytes *
get_frame (SbSoupTransport *transport, gint64 now)
{
  g_autoptr (GString) json = NULL;
  GString *frame;

  if (transport->frame != NULL && transport->frame_time == now)
    return transport->frame;
  json = sb_api_print_overview (transport);
  frame = g_string_sized_new (json->len + 64);
  g_string_append_printf (frame, "id: %u\nevent: overview\ndata: ", ++transport->n_frames);
  g_string_append_len (frame, json->str, (gssize) json->len);
  g_string_append (frame, "\n\n");
  g_clear_pointer (&transport->frame, g_bytes_unref);
  transport->frame = g_string_free_to_bytes (frame);
  transport->frame_time = now;
  return transport->frame;
}

static void
send_frame (Overview *self, gint64 now)
{
  gsize length;
  const char *text = g_bytes_get_data (get_frame (self->base.transport, now), &length);

  self->last_frame = now;
  sb_sse_write (&self->base, text, length);
}

static void
tick (SbSse *base, gint64 now)
{
  Overview *self = (Overview *) base;

  if (now - self->last_frame >= self->interval - EARLY)
    send_frame (self, now);
}

static const SbSseFuncs funcs = { may_see, tick, NULL, overview_free };

/**
 * sb_api_stream_events:
 * @request: `GET /api/v1/events`
 * @name: %NULL
 *
 * Begins a stream; the first overview comes with the head of the answer.
 */
void
sb_api_stream_events (SbRequest *request, const char *name)
{
  g_autoptr (GError) error = NULL;
  gint64 interval = 1;
  Overview *self;

  if (!sb_query_get_integer (request->query, "interval", 1, MAX_INTERVAL, &interval, &error))
    {
      sb_request_fail (request, error, NULL);
      return;
    }
  if (!sb_sse_check_room (request, &funcs, G_MAXUINT))
    return;
  self = g_new0 (Overview, 1);
  self->interval = interval * G_USEC_PER_SEC;
  if (sb_sse_open (&self->base, &funcs, request))
    send_frame (self, g_get_monotonic_time ());
  else
    g_free (self);
}

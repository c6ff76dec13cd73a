/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-live: `/api/v1/live`: what flows now, without payloads.
 *
 * So many a second are shown to each who looks; the others cost a comparison and are counted. What
 * is shown gathers until the next flush, and never for longer than the client takes to read.
 */

#include "sb-soup-api.h"
#include "sb-soup-sse.h"

#include <string.h>

#define MAX_SHOWN 100
#define MAX_GATHERED (64 * 1024)

/* So many recipients of a message are looked at when one user's are wanted. */
#define MAX_TARGETS 1000

#define ALL_KINDS ((1u << SB_FLOW_N_KINDS) - 1)

typedef struct
{
  SbSse base;
  gint64 user;       /* key, 0: everybody */
  guint kinds;       /* a bit for each that is wanted */
  GString *gathered; /* (owned): frames */
  guint n_shown;     /* in this second */
  guint n_skipped;   /* since that was told */
} Live;

/* --- What happens --- */

static gboolean
is_of_user (const SbFlow *flow, gint64 user)
{
  if (flow->sender == user || flow->recipient == user)
    return TRUE;
  for (guint i = 0; i < MIN (flow->n_targets, MAX_TARGETS); i++)
    if (flow->targets[i].recipient == user)
      return TRUE;
  return FALSE;
}

static void
add_user (GString *json, SbSoupTransport *transport, const char *member, gint64 key)
{
  SbDirectory *directory = sb_accounts_get_directory (transport->accounts);
  const SbUser *user = key != 0 ? sb_directory_lookup_key (directory, key) : NULL;

  if (user != NULL)
    sb_json_add_string (json, member, user->id);
}

/* What is not known is left out. */
static void
add_frame (GString *json, SbSoupTransport *transport, const SbFlow *flow)
{
  g_string_append (json, "event: flow\ndata: {");
  sb_json_add_time (json, "at", sb_clock_wall (sb_bus_get_clock (transport->bus)));
  sb_json_add_string (json, "what", sb_flow_kind_to_string (flow->what));
  if (flow->id != NULL)
    sb_json_add_string (json, "_id", flow->id);
  add_user (json, transport, "sender", flow->sender);
  add_user (json, transport, "recipient", flow->recipient);
  if (flow->what == SB_FLOW_ACCEPTED || flow->what == SB_FLOW_DIRECT)
    sb_json_add_integer (json, "recipients", flow->n_recipients);
  if (flow->has_size)
    sb_json_add_integer (json, "size", (gint64) flow->size);
  if (flow->reason != NULL)
    sb_json_add_string (json, "reason", flow->reason);
  sb_json_end (json, '}');
  g_string_append (json, "\n\n");
}

static void
note_flow (Live *self, const SbFlow *flow)
{
  if ((self->kinds & (1u << flow->what)) == 0
      || (self->user != 0 && !is_of_user (flow, self->user)))
    return;
  if (self->n_shown >= MAX_SHOWN || self->gathered->len >= MAX_GATHERED)
    {
      self->n_skipped++;
      return;
    }
  self->n_shown++;
  add_frame (self->gathered, self->base.transport, flow);
}

static void
flow_cb (const SbFlow *flow, gpointer user_data)
{
  note_flow (user_data, flow);
}

/* --- A stream --- */

static gboolean
may_see (SbSse *base, const SbUser *user)
{
  return user->admin;
}

static void
flush (SbSse *base, gint64 now)
{
  Live *self = (Live *) base;

  if (self->gathered->len == 0)
    return;
  sb_sse_write (base, self->gathered->str, self->gathered->len);
  g_string_truncate (self->gathered, 0);
}

/* A new second. */
static void
tick (SbSse *base, gint64 now)
{
  Live *self = (Live *) base;

  self->n_shown = 0;
  if (self->n_skipped == 0)
    return;
  g_string_append_printf (self->gathered, "event: skipped\ndata: {\"n\":%u}\n\n", self->n_skipped);
  self->n_skipped = 0;
}

static void
live_free (SbSse *base)
{
  Live *self = (Live *) base;

  sb_bus_unwatch_flow (base->transport->bus, flow_cb, self);
  sb_sse_clear (base);
  g_string_free (self->gathered, TRUE);
  g_free (self);
}

static const SbSseFuncs funcs = { may_see, tick, flush, live_free };

/* --- Opening --- */

/* FALSE when one is not known. @kinds: (out) */
static gboolean
parse_kinds (const char *text, guint *kinds)
{
  g_auto (GStrv) words = NULL;

  *kinds = ALL_KINDS;
  if (text == NULL)
    return TRUE;
  *kinds = 0;
  words = g_strsplit (text, ",", SB_FLOW_N_KINDS + 1);
  for (char **word = words; *word != NULL; word++)
    {
      guint kind = 0;

      while (kind < SB_FLOW_N_KINDS && strcmp (*word, sb_flow_kind_to_string (kind)) != 0)
        kind++;
      if (kind == SB_FLOW_N_KINDS)
        return FALSE;
      *kinds |= 1u << kind;
    }
  return *kinds != 0;
}

/**
 * sb_api_stream_flow:
 * @request: `GET /api/v1/live`
 * @name: %NULL
 *
 * Begins a stream of what happens from now on.
 */
void
sb_api_stream_flow (SbRequest *request, const char *name)
{
  gint64 user = 0;
  guint kinds;
  Live *self;

  if (!parse_kinds (sb_api_get_parameter (request, "what"), &kinds))
    {
      sb_request_problem (request, 400, "invalid",
                          "what is a list of accepted, direct, sent, notified, confirmed, parked, "
                          "requeued, dead, expired, dropped, refused and session");
      return;
    }
  if (!sb_api_get_user_key (request, "user", &user)
      || !sb_sse_check_room (request, &funcs, G_MAXUINT))
    return;
  self = g_new0 (Live, 1);
  self->user = user;
  self->kinds = kinds;
  if (!sb_sse_open (&self->base, &funcs, request))
    {
      g_free (self);
      return;
    }
  self->gathered = g_string_new (NULL);
  sb_bus_watch_flow (request->transport->bus, flow_cb, self);
  sb_sse_write (&self->base, ":\n\n", 3);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-transport: HTTP and WebSocket by libsoup, over connections of our own.
 */
#pragma once

#include "sb-file-sender.h"
#include "sb-listener.h"
#include "sb-soup-address.h"
#include "sb-soup-logins.h"

#include "simplebus.h"

#include <libsoup/soup.h>

G_BEGIN_DECLS

#define SB_SOUP_NAME "soup"
#define SB_SOUP_GROUP "transport-soup"

#define SB_TYPE_SOUP_TRANSPORT (sb_soup_transport_get_type ())
G_DECLARE_FINAL_TYPE (SbSoupTransport, sb_soup_transport, SB, SOUP_TRANSPORT, GObject)

/**
 * SbSoupPort:
 * @any_path: WebSockets may be opened at any path, not only at `/` and `/ws`
 *
 * What the connections of one port have in common; the tag of an SbConnection.
 */
typedef struct
{
  const char *name;
  gboolean any_path;
} SbSoupPort;

struct _SbSoupTransport
{
  GObject parent_instance;

  SbBus *bus;                   /* (owned) */
  SbAccounts *accounts;         /* (unowned): the bus's */
  SoupServer *server;           /* (owned) */
  SbProxyList *proxies;         /* (owned) */
  SbListener *listener;         /* (owned) (nullable) */
  SbFileSender *sender;         /* (owned) (nullable) */
  SbLogins *logins;             /* (owned) */
  GHashTable *console;          /* (owned) (nullable): of sb-soup-console.c */
  GSocket *never;               /* (owned): the far end of a listener that nobody reaches */
  GTlsCertificate *certificate; /* (owned) (nullable) */

  GQueue requests;      /* SbRequest, linked by their own links */
  GQueue sessions;      /* SbSoupSession, likewise */
  GQueue throttled;     /* SbSoupSession that are over a rate, likewise */
  GBytes *ping;         /* (owned): the JSON ping */
  GQueue streams;       /* SbSse, linked by their own links */
  guint flush_source;   /* while one of them has something to flush */
  guint n_frames;       /* overviews that were printed for them */
  GBytes *frame;        /* (owned) (nullable): the last one … */
  gint64 frame_time;    /* … and when */
  GHashTable *followed; /* (owned) (nullable): of sb-soup-follow.c */
  GQueue leftovers;     /* of sb-soup-leftover.c */
  gsize leftover_bytes;

  gsize max_message_size;
  gint64 ping_interval;      /* ms, 0: off */
  gint64 keepalive_interval; /* µs, 0: off */
  GString *description;      /* (owned): the addresses */
  guint tick_source;
  guint ping_source;
  guint throttle_source; /* while somebody is over a rate */
  guint stop_source;
  gulong drained_handler;
  gboolean is_stopping;
  GTask *stopping; /* (owned) (nullable) */

  SbCounter *n_requests;
  SbCounter *n_frames_in;
  SbCounter *n_frames_out;
  SbRefusals *refused_http;      /* (owned): messages, as the next two */
  SbRefusals *refused_websocket; /* (owned) */
  SbRefusals *refused_uploads;   /* (owned) */
  SbRefusals *problems;          /* (owned): all answers that say what went wrong */
  GArray *gauges;                /* (owned) (nullable) of guint */
};

G_END_DECLS

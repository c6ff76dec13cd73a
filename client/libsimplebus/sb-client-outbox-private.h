/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-outbox-private: what the files of an outbox share.
 *
 * sb-client-outbox.c: what programs give, and what the database says of it.
 * sb-client-outbox-send.c: the way to the bus, and what the bus says.
 */
#pragma once

#include "sb-client-outbox.h"
#include "sb-client-store.h"

G_BEGIN_DECLS

/* A message that is in memory, because it is to be sent next, or was. */
typedef struct
{
  GList link;       /* in one of the queues */
  SbClientRow *row; /* (owned) */
  guint64 n_sent;   /* the how manieth it was */
  gint64 due;       /* of one set aside; monotonic µs */
  guint n_refused;  /* how often the bus was not ready for it */
  gboolean is_aside;
} SbClientEntry;

/* Who waits until all that was there has gone. */
typedef struct
{
  GTask *task; /* (owned) */
  gint64 seq;  /* the last one that counts */
  guint left;
} SbClientFlush;

struct _SbClientOutbox
{
  SbClient *client;      /* (unowned) */
  GMainContext *context; /* (owned) */
  SbClientStore *store;  /* (owned) */
  GTask *closing;        /* (owned) (nullable) */
  gboolean is_closed;
  GPtrArray *flushes; /* (owned) of SbClientFlush */

  guint length; /* in the database */
  gint64 bytes;
  guint appending; /* on their way there */
  gint64 appending_bytes;
  gint64 next_seq;
  gint64 last_seq; /* the last one in the database */
  gint64 loaded;   /* up to here all are in memory, or gone */
  gboolean is_reading;

  GQueue ready; /* of SbClientEntry, by seq: to be sent */
  gsize ready_bytes;
  GQueue flight; /* of SbClientEntry, as they were sent: not accepted yet */
  gsize flight_bytes;
  GQueue aside;          /* of SbClientEntry: the bus is not ready for them */
  GHashTable *known;     /* (owned): id → entry of flight and aside */
  guint64 n_sent;        /* since the connection was made */
  guint window;          /* how many may be in flight */
  gboolean has_progress; /* something was accepted on this connection */
  gint64 suspect;        /* the seq that was alone in flight when a connection broke */
  guint strikes;         /* how often */
  GSource *timer;        /* (owned) (nullable): of pauses */
  gint64 paused_until;   /* monotonic µs: the bus can take nothing before */
  SbClientBackoff backoff;
};

/* sb-client-outbox.c */
void sb_client_outbox_read_more (SbClientOutbox *self);
/* It is done with: accepted, or with @error refused. Takes the entry out of everything. */
void sb_client_outbox_end (SbClientOutbox *self, SbClientEntry *owned_entry, const GError *error);

/* sb-client-outbox-send.c */
void sb_client_entry_free (SbClientEntry *self);
/* Puts a row behind those that are to be sent. */
void sb_client_outbox_load (SbClientOutbox *self, SbClientRow *owned_row);
gboolean sb_client_outbox_has_room (SbClientOutbox *self);
/* After a pause of its own. */
void sb_client_outbox_pause (SbClientOutbox *self);
void sb_client_outbox_clear_timer (SbClientOutbox *self);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-queue-private: what the parts of a queue share. sb-queue.c sends;
 * sb-queue-confirm.c and sb-queue-retry.c know what follows;
 * sb-queue-load.c brings in from the store; sb-queue-fetch.c gives to those who
 * ask.
 */
#pragma once

#include "sb-queue.h"

G_BEGIN_DECLS

/* Parked deliveries that are tried again at the same time. */
#define SB_QUEUE_RETRY_WINDOW 8

/* Where a delivery is in flight. */
typedef enum
{
  SB_FLIGHT_NONE,
  SB_FLIGHT_SESSION,
  SB_FLIGHT_FETCH,
  SB_FLIGHT_HELD, /* nowhere: it failed, and is not sent again before its deadline */
} SbFlightPath;

/* As time allowed: whoever took it says what became of it. */
#define SB_QUEUE_NO_TIMEOUT (-1)

/* A delivery in memory. */
typedef struct
{
  GList link;         /* in exactly one of the queue's lists */
  SbMessage *message; /* (owned) */
  gint64 position;
  gint64 handle;
  gint64 deadline; /* monotonic, microseconds: when it counts as an attempt that failed */
  gint64 since;    /* monotonic, microseconds: when it was committed; once sent: when that was */
  guint attempts;
  SbFlightPath path;
  gboolean parked; /* taken out of the store's parked ones */
  guint8 from_store : 1;
  guint8 was_sent : 1;
  char *log; /* (owned) (nullable) attempts that failed and why, as in sb-attempt */
} SbFlight;

struct _SbQueue
{
  guint ref_count;
  gint64 recipient;
  SbQueueSettings *settings; /* (borrowed) */
  SbJournal *journal;        /* (owned) */
  SbClock *clock;            /* (owned) */
  const SbQueueHooks *hooks; /* (borrowed) static */
  gpointer user_data;

  SbDelivery *path;      /* (owned) (nullable) of the open session, or to who is called */
  gboolean path_answers; /* the path says of each message what became of it */
  gboolean path_rests;   /* the path takes nothing for a while */
  gboolean paused;
  GQueue fetches; /* of Fetch (owned), oldest first */
  guint last_fetch;

  GQueue window; /* of SbFlight (owned): in flight or next to go, in position order */
  GQueue retry;  /* of SbFlight (owned): parked ones that are due */
  GQueue ready;  /* of SbFlight (owned): behind the window */
  gsize window_bytes;
  gsize ready_bytes;
  guint n_unsent; /* in the window, with SB_FLIGHT_NONE */
  GArray *tried;  /* (owned) of Tried: attempts of deliveries that left memory */

  gint64 cursor;          /* the highest position that came into memory */
  gboolean behind;        /* the store may have more above the cursor */
  gboolean reading;       /* a page is on its way … */
  GQueue arrivals;        /* … meanwhile appended: SbFlight (owned) … */
  gboolean arrivals_lost; /* … or too many of them */
  gboolean reading_parked;
  gint64 parked_due;    /* wall clock: when to ask for parked ones; G_MAXINT64: there are none */
  gint64 hold_until;    /* monotonic: after a failure, no reading before */
  guint epoch;          /* changes when what is being read is not wanted any more */
  guint64 n_submitted;  /* changes given to the journal … */
  guint64 n_finished;   /* … and how many of them are through */
  guint64 read_barrier; /* reading waits until so many are through */

  gsize reserved; /* of the bus's memory, for the page that is on its way */
  guint n_taken;  /* flights that left the window or the retries */
  gboolean filling;
  gboolean fill_again;
  gboolean closed;
};

SbFlight *sb_flight_new (SbQueue *queue, SbMessage *message, gint64 position, gint64 handle);
SbFlight *sb_flight_new_from_store (SbQueue *queue, SbMessage *message, gint64 position,
                                    gint64 handle);
void sb_flight_free (SbQueue *queue, SbFlight *flight);
void sb_flight_clear_list (SbQueue *queue, GQueue *list);

void sb_queue_fill (SbQueue *self);
SbFlight *sb_queue_find_flight (SbQueue *self, const char *id);
void sb_queue_set_unsent (SbQueue *self, SbFlight *flight);
void sb_queue_submit (SbQueue *self, SbOperation *operation);
void sb_queue_note_finished (SbQueue *self);
void sb_queue_take_out_changed (SbQueue *self, SbFlight *flight);
void sb_queue_bring_back (SbQueue *self, gint64 position, guint attempts);
void sb_queue_ended_cb (SbOperation *operation, const GError *error, gpointer user_data);
void sb_queue_check_deadlines (SbQueue *self, GQueue *list, gint64 now);
void sb_queue_tell (SbQueue *self, SbFlowKind what, const SbMessage *message);
void sb_queue_set_sent (SbQueue *self, SbFlight *flight, SbFlightPath path, gint64 time_allowed);
GList *sb_queue_first_unsent (SbQueue *self);

gboolean sb_queue_serve_fetch (SbQueue *self);
void sb_queue_fail_fetches (SbQueue *self, const GError *error);
void sb_queue_fail_closed (SbQueue *self);

gboolean sb_queue_has_consumer (SbQueue *self);
gboolean sb_queue_has_memory (SbQueue *self);

void sb_queue_load (SbQueue *self);
gboolean sb_queue_is_loading (SbQueue *self);
void sb_queue_rewind (SbQueue *self, gint64 position);
void sb_queue_hold (SbQueue *self);
void sb_queue_reserve (SbQueue *self, gsize bytes);
void sb_queue_note_tried (SbQueue *self, gint64 position, guint attempts);
guint sb_queue_take_tried (SbQueue *self, gint64 position);

G_END_DECLS

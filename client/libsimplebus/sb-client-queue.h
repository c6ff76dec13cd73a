/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-queue: transfers that take their turns, some at once, each tried until it has ended.
 *
 *   start ──→ ready ──→ running (a thread) ──→ ended ─┬─→ start, retry …
 *               ↑                                     └─→ leave
 *               └────── waiting ←── retry
 *
 * Those that were begun earlier go first. All but the run itself happens in the main context.
 */
#pragma once

#include "sb-client-jobs.h"
#include "sb-client-private.h"
#include "sb-client-transfer-private.h"

G_BEGIN_DECLS

typedef struct _SbClientQueue SbClientQueue;

typedef enum
{
  SB_CLIENT_PLACE_NOWHERE, /* somebody else looks after it */
  SB_CLIENT_PLACE_READY,
  SB_CLIENT_PLACE_RUNNING,
  SB_CLIENT_PLACE_WAITING,
} SbClientPlace;

/* The first member of what is in a queue. Zeroed memory and sb_client_item_init() make one. */
typedef struct
{
  guint refs;
  SbClientQueue *queue;       /* (unowned) (nullable): NULL when it has left */
  SbClientTransfer *transfer; /* (owned) */
  guint64 order;
  SbClientPlace place;
  SbClientBackoff backoff;
  GSource *timer;   /* (owned) (nullable): while it waits */
  gboolean is_told; /* the bus has said for how long to wait */

  /* Of the run, which the thread has to itself. */
  GCancellable *cancellable; /* (owned) */
  GError *error;             /* (owned) (nullable): how it ended */
  gint64 retry_after;        /* ms; 0: the bus did not say */
  gboolean has_progress;     /* it came further than the last time */
} SbClientItem;

typedef struct
{
  void (*run) (SbClientItem *item);   /* in a thread */
  void (*ended) (SbClientItem *item); /* the run has; the queue may be gone afterwards */
  void (*again) (SbClientItem *item); /* its pause is over */
  void (*free) (SbClientItem *item);  /* nobody knows it any more */
} SbClientQueueFuncs;

/* @client: not owned; kept alive while handlers may run. @n_at_once: how many run */
SbClientQueue *sb_client_queue_new (SbClient *client, guint n_at_once,
                                    const SbClientQueueFuncs *funcs);
/* Cuts the runs short and waits for them. */
void sb_client_queue_free (SbClientQueue *self);
/* From now on nothing is started; runs are cut short. */
void sb_client_queue_stop (SbClientQueue *self);
gboolean sb_client_queue_is_stopped (SbClientQueue *self);
guint sb_client_queue_get_running (SbClientQueue *self);
/* All that have entered and not left. */
guint sb_client_queue_get_length (SbClientQueue *self);
GMainContext *sb_client_queue_get_context (SbClientQueue *self);

/* @transfer: (transfer full). The queue holds a reference until the item leaves. */
void sb_client_queue_enter (SbClientQueue *self, SbClientItem *item, SbClientTransfer *transfer,
                            guint64 order);
/* Not while it runs. */
void sb_client_queue_leave (SbClientItem *item);
SbClientItem *sb_client_item_ref (SbClientItem *item, const SbClientQueueFuncs *funcs);
void sb_client_item_unref (SbClientItem *item, const SbClientQueueFuncs *funcs);
/* Returns: (transfer none) (nullable): the one with that `_id` */
SbClientItem *sb_client_queue_find (SbClientQueue *self, const char *id);
/* Adds references to the transfers that have not ended, in order. */
void sb_client_queue_list (SbClientQueue *self, GPtrArray *transfers);

/* It runs as soon as it may. */
void sb_client_queue_start (SbClientItem *item);
/* It is tried again in a while. */
void sb_client_queue_retry (SbClientItem *item, const GError *error);
/* Neither ready nor waiting any longer. */
void sb_client_queue_rest (SbClientItem *item);
/* What waits because the bus could not be reached waits no longer. */
void sb_client_queue_wake (SbClientQueue *self);

G_END_DECLS

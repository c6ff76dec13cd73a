/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-queue: one recipient's deliveries while somebody cares for them: a
 * session, a fetch, or an operation under way. What nobody waits for stays in
 * the store.
 */
#pragma once

#include "sb-clock.h"
#include "sb-delivery.h"
#include "sb-flow.h"
#include "sb-journal.h"
#include "sb-outbound.h"

G_BEGIN_DECLS

typedef struct _SbQueue SbQueue;

/**
 * SbQueueWay:
 * @SB_QUEUE_WAY_SESSION: the recipient has a session
 * @SB_QUEUE_WAY_CALLED: the bus calls it
 * @SB_QUEUE_WAY_FETCH: it asks
 *
 * How deliveries get to a recipient.
 */
typedef enum
{
  SB_QUEUE_WAY_SESSION,
  SB_QUEUE_WAY_CALLED,
  SB_QUEUE_WAY_FETCH,
  SB_QUEUE_N_WAYS,
} SbQueueWay;

/**
 * SbQueueSettings:
 * @window: deliveries in flight at most
 * @window_bytes: bytes of their messages at most, but at least one message
 * @confirm_timeout: after so long without a confirmation it is sent again, microseconds
 * @park_after: attempts that fail before a delivery is parked
 * @max_attempts: attempts after which a refusal makes a delivery dead
 * @in_flight_max: bytes of messages held in memory by all queues together
 * @in_flight: how many they hold now
 * @watched: somebody wants to hear of the flow
 * @wall_ahead: what the wall clock shows more than the monotonic one, microseconds; brought up to
 *   date now and then, so that one reading of either serves as both
 * @wait_memory: from a message's commit to its first transmission, when it did not leave memory
 * @wait_store: from its acceptance, when the store kept it meanwhile
 * @confirmation: from the first transmission to the confirmation, by #SbQueueWay
 *
 * Shared by all queues; outlives them.
 */
typedef struct
{
  guint window;
  gsize window_bytes;
  gint64 confirm_timeout;
  guint park_after;
  guint max_attempts;
  gsize in_flight_max;
  gsize in_flight;
  gboolean watched;
  SbCounter *deliveries;
  SbCounter *redeliveries;
  SbCounter *parked;
  gint64 wall_ahead;
  SbHistogram *wait_memory;
  SbHistogram *wait_store;
  SbHistogram *confirmation[SB_QUEUE_N_WAYS];
} SbQueueSettings;

/**
 * SbQueueHooks:
 * @wants_receipt: whether a confirmation of a message of this sender has to store a receipt
 * @ended: an SB_OPERATION_END is through: committed, or @error says why not
 * @flow: (nullable): a delivery was sent or parked; called while the queues are watched
 *
 * What a queue asks and tells its owner.
 */
typedef struct
{
  gboolean (*wants_receipt) (SbQueue *queue, gint64 sender_key, gpointer user_data);
  void (*ended) (SbQueue *queue, SbOperation *operation, const GError *error, gpointer user_data);
  void (*flow) (SbQueue *queue, SbFlowKind what, const SbMessage *message, gpointer user_data);
} SbQueueHooks;

/**
 * SbQueueFetchFunc:
 * @messages: (nullable) (element-type SbMessage): what the fetch got; empty when its time is over
 * @error: (nullable): why it failed
 * @user_data: given with the fetch
 */
typedef void (*SbQueueFetchFunc) (GPtrArray *messages, const GError *error, gpointer user_data);

/* Called when an end that was asked for by id is through. */
typedef void (*SbQueueConfirmFunc) (SbOutcome outcome, const GError *error, gpointer user_data);

SbQueue *sb_queue_new (gint64 recipient, SbQueueSettings *settings, SbJournal *journal,
                       SbClock *clock, const SbQueueHooks *hooks, gpointer user_data);
SbQueue *sb_queue_ref (SbQueue *self);
void sb_queue_unref (SbQueue *self);
gint64 sb_queue_get_recipient (SbQueue *self);

void sb_queue_set_path (SbQueue *self, SbDelivery *path);
void sb_queue_set_outbound (SbQueue *self, SbDelivery *path);
void sb_queue_rest (SbQueue *self);
void sb_queue_set_paused (SbQueue *self, gboolean paused);
void sb_queue_wake (SbQueue *self);
guint sb_queue_fetch (SbQueue *self, guint limit, gint64 wait, gint64 visibility,
                      SbQueueFetchFunc func, gpointer user_data);
void sb_queue_cancel_fetch (SbQueue *self, guint fetch);

void sb_queue_append (SbQueue *self, SbMessage *message, gint64 position, gint64 handle,
                      gint64 committed);
void sb_queue_note_stored (SbQueue *self);
void sb_queue_confirm (SbQueue *self, const char *id, SbQueueConfirmFunc func, gpointer user_data);
void sb_queue_release (SbQueue *self, const char *id, SbQueueConfirmFunc func, gpointer user_data);
gint64 sb_queue_fail (SbQueue *self, SbDelivery *path, const char *id, SbFailure failure,
                      const SbAttempt *attempt);
void sb_queue_hold_back (SbQueue *self, const char *id, gint64 pause);
void sb_queue_forget (SbQueue *self, gint64 position);
void sb_queue_tick (SbQueue *self);
void sb_queue_close (SbQueue *self);
void sb_queue_disown (SbQueue *self);

gboolean sb_queue_is_idle (SbQueue *self);
guint sb_queue_get_in_flight (SbQueue *self);
gboolean sb_queue_is_sent (SbQueue *self, const char *id, guint *attempts);
const char *sb_queue_get_log (SbQueue *self, const char *id, guint *attempts);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbQueue, sb_queue_unref)

G_END_DECLS

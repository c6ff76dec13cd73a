/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-outbound: a path around the path of a plugin. To the queue it is a
 * delivery like any other, which is not ready while the recipient is left
 * alone; to the plugin it is who to tell.
 *
 *   queue → SbOutbound (may it go out now?) → plugin → recipient
 *   queue ← SbOutbound (whose trouble is it?) ← plugin ←
 *
 * A recipient that is in trouble makes everything wait (sb-backoff). A message
 * that is in trouble waits by itself; where order is kept, those behind it wait
 * for as long as it is not parked.
 */

#include "sb-outbound-private.h"

#include "sb-names.h"

#include <string.h>

static void sb_outbound_delivery_iface_init (SbDeliveryInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (SbOutbound, sb_outbound, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (SB_TYPE_DELIVERY,
                                                      sb_outbound_delivery_iface_init))

/* As the queue's path */

static void
outbound_deliver (SbDelivery *delivery, SbMessage *message)
{
  SbOutbound *self = SB_OUTBOUND (delivery);

  self->in_flight++;
  self->shared->in_flight++;
  sb_delivery_deliver (self->path, message);
}

static gboolean
outbound_is_ready (SbDelivery *delivery)
{
  SbOutbound *self = SB_OUTBOUND (delivery);
  gint64 now;

  if (self->path == NULL || self->draining)
    return FALSE;
  now = sb_clock_monotonic (self->clock);
  if (sb_backoff_is_waiting (&self->backoff, now) || now < self->resume_at)
    return FALSE;
  if (self->in_flight > 0 && sb_backoff_is_open (&self->backoff))
    return FALSE;
  return sb_delivery_is_ready (self->path);
}

static void
outbound_close (SbDelivery *delivery, SbCloseReason reason)
{
  sb_outbound_close (SB_OUTBOUND (delivery), reason);
}

static void
sb_outbound_delivery_iface_init (SbDeliveryInterface *iface)
{
  iface->deliver = outbound_deliver;
  iface->is_ready = outbound_is_ready;
  iface->close = outbound_close;
}

/* Life */

static void
sb_outbound_finalize (GObject *object)
{
  SbOutbound *self = SB_OUTBOUND (object);

  g_clear_object (&self->path);
  g_clear_object (&self->clock);
  g_clear_pointer (&self->queue, sb_queue_unref);
  g_clear_pointer (&self->user, sb_user_unref);
  g_free (self->type);
  g_free (self->fault);
  g_free (self->failures);
  G_OBJECT_CLASS (sb_outbound_parent_class)->finalize (object);
}

static void
sb_outbound_class_init (SbOutboundClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sb_outbound_finalize;
}

static void
sb_outbound_init (SbOutbound *self)
{
  self->ordered = TRUE;
}

/* Makes the way to a user, which leads nowhere yet. */
SbOutbound *
sb_outbound_new (SbUser *user, SbQueue *queue, SbClock *clock, SbOutboundShared *shared)
{
  SbOutbound *self = g_object_new (SB_TYPE_OUTBOUND, NULL);

  self->user = sb_user_ref (user);
  self->queue = sb_queue_ref (queue);
  self->clock = g_object_ref (clock);
  self->shared = shared;
  return self;
}

/* The user cannot be called, for this reason. */
void
sb_outbound_set_fault (SbOutbound *self, const char *fault)
{
  g_free (self->fault);
  self->fault = g_strdup (fault);
}

/* Makes the plugin's path. */
void
sb_outbound_open (SbOutbound *self, GType type, SbConfig *config)
{
  g_autoptr (SbDelivery) path = g_object_new (type, NULL);
  g_autoptr (GError) error = NULL;

  if (sb_delivery_open (path, self, config, self->user->connection_properties, &error))
    self->path = g_steal_pointer (&path);
  else
    sb_outbound_set_fault (self, error != NULL ? error->message : "it failed without a reason");
}

/* Nothing new goes out; what is under way may come to its end. */
void
sb_outbound_drain (SbOutbound *self)
{
  self->draining = TRUE;
}

static void
count_out (SbOutbound *self, guint n)
{
  self->in_flight -= n;
  self->shared->in_flight -= n;
}

/* The last thing that is done with an answer: who waits for it may take everything down. */
static void
tell_idle (SbOutboundShared *shared)
{
  if (shared->in_flight == 0 && shared->idle_func != NULL)
    shared->idle_func (shared->idle_data);
}

/* Gives up what is under way. */
void
sb_outbound_close (SbOutbound *self, SbCloseReason reason)
{
  g_autoptr (SbDelivery) path = g_steal_pointer (&self->path);

  if (path == NULL)
    return;
  if (sb_backoff_succeed (&self->backoff))
    self->shared->n_open_circuits--;
  count_out (self, self->in_flight);
  sb_delivery_close (path, reason);
}

/* How long nothing goes out, microseconds; 0: it may now. */
gint64
sb_outbound_get_pause (SbOutbound *self)
{
  gint64 until = MAX (self->backoff.resume_at, self->resume_at);

  return MAX (until - sb_clock_monotonic (self->clock), 0);
}

/* What the plugin says */

/* Whether the plugin may still say something; the path keeps this object alive meanwhile. */
static gboolean
take_answer (SbOutbound *self)
{
  g_return_val_if_fail (SB_IS_OUTBOUND (self), FALSE);

  if (self->path == NULL)
    return FALSE;
  g_return_val_if_fail (self->in_flight > 0, FALSE);
  count_out (self, 1);
  return TRUE;
}

static void
note_reached (SbOutbound *self)
{
  if (!sb_backoff_succeed (&self->backoff))
    return;
  self->shared->n_open_circuits--;
  g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE_ID", SB_MESSAGE_ID_REACHABLE,
                    SB_LOG_FIELD_USER, self->user->id, "MESSAGE", "%s answers again",
                    self->user->id);
}

static void
note_unreached (SbOutbound *self, gint64 retry_after, const SbAttempt *attempt)
{
  if (!sb_backoff_fail (&self->backoff, sb_clock_monotonic (self->clock), retry_after))
    return;
  self->shared->n_open_circuits++;
  g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE_ID", SB_MESSAGE_ID_UNREACHABLE,
                    SB_LOG_FIELD_USER, self->user->id, "MESSAGE",
                    "%s does not take messages (status %u: %.*s): its queue waits, and it is tried "
                    "again with growing pauses",
                    self->user->id, attempt->status, (int) MIN (attempt->length, 200),
                    attempt->text != NULL ? attempt->text : "");
}

static void
note_failure (SbOutbound *self, const SbAttempt *attempt)
{
  g_autofree char *earlier = g_steal_pointer (&self->failures);

  self->n_failed++;
  self->failures = sb_attempt_log_add (earlier, attempt);
}

/**
 * sb_outbound_confirm:
 * @self: an outbound path
 * @message: that was delivered; the path may let go of it
 * @attempt: how it went
 *
 * The recipient has the message.
 */
void
sb_outbound_confirm (SbOutbound *self, SbMessage *message, const SbAttempt *attempt)
{
  g_autoptr (SbOutbound) alive = NULL;

  if (!take_answer (self))
    return;
  alive = g_object_ref (self);
  self->n_confirmed++;
  sb_counter_add (self->shared->confirmed, 1);
  note_reached (self);
  sb_queue_confirm (self->queue, message->id, NULL, NULL);
  tell_idle (self->shared);
}

static SbCounter *
get_counter (SbOutbound *self, SbFailure failure)
{
  switch (failure)
    {
    case SB_FAILURE_RECIPIENT:
      return self->shared->recipient_failures;
    case SB_FAILURE_MESSAGE:
      return self->shared->message_failures;
    case SB_FAILURE_REFUSED:
      break;
    }
  return self->shared->refusals;
}

/**
 * sb_outbound_fail:
 * @self: an outbound path
 * @message: that was not delivered; the path may let go of it
 * @failure: whose trouble it is
 * @retry_after: how long the recipient wants to be left alone, microseconds; 0: it did not say
 * @attempt: how it went
 *
 * The recipient does not have the message, or has not said so.
 */
void
sb_outbound_fail (SbOutbound *self, SbMessage *message, SbFailure failure, gint64 retry_after,
                  const SbAttempt *attempt)
{
  g_autoptr (SbOutbound) alive = NULL;
  gint64 pause;

  if (!take_answer (self))
    return;
  alive = g_object_ref (self);
  sb_counter_add (get_counter (self, failure), 1);
  note_failure (self, attempt);
  if (failure == SB_FAILURE_RECIPIENT)
    note_unreached (self, retry_after, attempt);
  else
    note_reached (self);
  pause = sb_queue_fail (self->queue, SB_DELIVERY (self), message->id, failure, attempt);
  if (pause > 0 && self->ordered)
    self->resume_at = sb_clock_monotonic (self->clock) + pause;
  else if (pause > 0)
    sb_queue_hold_back (self->queue, message->id, pause);
  if (sb_backoff_is_open (&self->backoff) && self->in_flight == 0)
    sb_queue_rest (self->queue);
  sb_queue_wake (self->queue);
  tell_idle (self->shared);
}

/**
 * sb_outbound_ready:
 * @self: an outbound path
 *
 * The path can take messages again after it said that it was not ready. Need
 * not be called by a path that is ready again with each answer.
 */
void
sb_outbound_ready (SbOutbound *self)
{
  g_return_if_fail (SB_IS_OUTBOUND (self));

  if (self->path != NULL)
    sb_queue_wake (self->queue);
}

/**
 * sb_outbound_set_ordered:
 * @self: an outbound path
 * @ordered: whether the path delivers one after the other
 *
 * A path that is ordered, as it is without this call, gets nothing else while
 * a message that failed waits for its next attempt, until that one is parked. Called by
 * open().
 */
void
sb_outbound_set_ordered (SbOutbound *self, gboolean ordered)
{
  g_return_if_fail (SB_IS_OUTBOUND (self));

  self->ordered = ordered;
}

/**
 * sb_outbound_get_user:
 * @self: an outbound path
 *
 * Returns: (transfer none): whom it leads to
 */
SbUser *
sb_outbound_get_user (SbOutbound *self)
{
  g_return_val_if_fail (SB_IS_OUTBOUND (self), NULL);

  return self->user;
}

/**
 * sb_outbound_get_clock:
 * @self: an outbound path
 *
 * Returns: (transfer none): what time it is for the bus
 */
SbClock *
sb_outbound_get_clock (SbOutbound *self)
{
  g_return_val_if_fail (SB_IS_OUTBOUND (self), NULL);

  return self->clock;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-flow: who watches, and what they are told. */

#include "sb-flow.h"

#include "sb-bus-private.h"
#include "sb-error.h"

typedef struct
{
  SbFlowFunc func;
  gpointer user_data;
} Watcher;

/**
 * sb_flow_kind_to_string:
 * @kind: what happened
 *
 * Any thread.
 *
 * Returns: (transfer none): a word for it
 */
const char *
sb_flow_kind_to_string (SbFlowKind kind)
{
  static const char *const words[] = {
    [SB_FLOW_ACCEPTED] = "accepted",   [SB_FLOW_DIRECT] = "direct",
    [SB_FLOW_SENT] = "sent",           [SB_FLOW_NOTIFIED] = "notified",
    [SB_FLOW_CONFIRMED] = "confirmed", [SB_FLOW_PARKED] = "parked",
    [SB_FLOW_REQUEUED] = "requeued",   [SB_FLOW_DEAD] = "dead",
    [SB_FLOW_EXPIRED] = "expired",     [SB_FLOW_DROPPED] = "dropped",
    [SB_FLOW_REFUSED] = "refused",     [SB_FLOW_SESSION] = "session",
  };

  g_return_val_if_fail ((gsize) kind < G_N_ELEMENTS (words), NULL);

  return words[kind];
}

/**
 * sb_bus_watch_flow:
 * @self: a bus
 * @func: told of all that happens from now on; it must not call the bus
 * @user_data: for @func
 */
void
sb_bus_watch_flow (SbBus *self, SbFlowFunc func, gpointer user_data)
{
  Watcher watcher = { func, user_data };

  g_return_if_fail (SB_IS_BUS (self));

  if (self->watchers == NULL)
    self->watchers = g_array_new (FALSE, FALSE, sizeof (Watcher));
  g_array_append_val (self->watchers, watcher);
  self->queue_settings.watched = TRUE;
}

/**
 * sb_bus_unwatch_flow:
 * @self: a bus
 * @func: as it was given
 * @user_data: likewise
 */
void
sb_bus_unwatch_flow (SbBus *self, SbFlowFunc func, gpointer user_data)
{
  g_return_if_fail (SB_IS_BUS (self));

  for (guint i = 0; self->watchers != NULL && i < self->watchers->len; i++)
    {
      const Watcher *watcher = &g_array_index (self->watchers, Watcher, i);

      if (watcher->func != func || watcher->user_data != user_data)
        continue;
      g_array_remove_index (self->watchers, i);
      break;
    }
  if (self->watchers != NULL && self->watchers->len == 0)
    g_clear_pointer (&self->watchers, g_array_unref);
  self->queue_settings.watched = self->watchers != NULL;
}

/* Tells all that watch. */
void
sb_bus_tell_flow (SbBus *self, const SbFlow *flow)
{
  for (guint i = 0; self->watchers != NULL && i < self->watchers->len; i++)
    {
      const Watcher *watcher = &g_array_index (self->watchers, Watcher, i);

      watcher->func (flow, watcher->user_data);
    }
}

/* A queue says what became of a delivery of its own. */
void
sb_bus_queue_flow (SbQueue *queue, SbFlowKind what, const SbMessage *message, gpointer user_data)
{
  SbFlow flow = {
    .what = what,
    .id = message->id,
    .sender = message->sender_key,
    .recipient = sb_queue_get_recipient (queue),
    .has_size = TRUE,
    .size = sb_message_get_size (message),
  };

  sb_bus_tell_flow (user_data, &flow);
}

/* A message was accepted, with all its deliveries. */
void
sb_bus_flow_accepted (SbBus *self, const SbMessage *message, const SbOperation *operation)
{
  SbFlow flow = {
    .what = SB_FLOW_ACCEPTED,
    .id = message->id,
    .sender = message->sender_key,
    .targets = operation->append.targets,
    .n_targets = operation->append.n_targets,
    .n_recipients = operation->append.n_recipients,
    .has_size = TRUE,
    .size = sb_message_get_size (message),
  };

  if (sb_bus_is_watched (self))
    sb_bus_tell_flow (self, &flow);
}

/* One delivery came into a state in which it stays, or is tried again. @reason: (nullable) */
void
sb_bus_flow_delivery (SbBus *self, SbFlowKind what, const char *id, gint64 sender, gint64 recipient,
                      const char *reason)
{
  SbFlow flow = {
    .what = what, .id = id, .sender = sender, .recipient = recipient, .reason = reason
  };

  if (sb_bus_is_watched (self))
    sb_bus_tell_flow (self, &flow);
}

/* A queue's delivery has ended, or is notified. */
void
sb_bus_flow_ended (SbBus *self, gint64 recipient, const SbOperation *operation, const char *id)
{
  SbFlowKind what = SB_FLOW_CONFIRMED;

  if (operation->end.notified)
    what = SB_FLOW_NOTIFIED;
  else if (operation->end.state == SB_DELIVERY_DEAD)
    what = SB_FLOW_DEAD;
  sb_bus_flow_delivery (self, what, id, operation->end.sender_key, recipient,
                        sb_reason_to_string (operation->end.reason));
}

/* A message was not accepted. @id: (nullable) */
void
sb_bus_flow_refused (SbBus *self, const SbUser *sender, const char *id, const char *reason)
{
  SbFlow flow = { .what = SB_FLOW_REFUSED, .id = id, .sender = sender->key, .reason = reason };

  if (sb_bus_is_watched (self))
    sb_bus_tell_flow (self, &flow);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-flow: what happens to messages, told while it happens to those who watch.
 *
 * Without a watcher it costs a branch. A watcher is called on the main context, in the midst of
 * things: it notes what it wants and returns. It never sees a payload.
 */
#pragma once

#include "sb-bus.h"
#include "sb-operation.h"

G_BEGIN_DECLS

/**
 * SbFlowKind:
 * @SB_FLOW_ACCEPTED: a message is durable
 * @SB_FLOW_DIRECT: a direct message went to its recipients' sessions
 * @SB_FLOW_SENT: a delivery went out
 * @SB_FLOW_NOTIFIED: the recipient of a file knows of it
 * @SB_FLOW_CONFIRMED: the recipient has it
 * @SB_FLOW_PARKED: sent in vain too often, or not to be had for now
 * @SB_FLOW_REQUEUED: an admin put it at the end of its queue
 * @SB_FLOW_DEAD: given up
 * @SB_FLOW_EXPIRED: its deadline passed
 * @SB_FLOW_DROPPED: an admin dropped it, or moved it to another user
 * @SB_FLOW_REFUSED: a message was not accepted
 * @SB_FLOW_SESSION: a session was opened or closed
 */
typedef enum
{
  SB_FLOW_ACCEPTED,
  SB_FLOW_DIRECT,
  SB_FLOW_SENT,
  SB_FLOW_NOTIFIED,
  SB_FLOW_CONFIRMED,
  SB_FLOW_PARKED,
  SB_FLOW_REQUEUED,
  SB_FLOW_DEAD,
  SB_FLOW_EXPIRED,
  SB_FLOW_DROPPED,
  SB_FLOW_REFUSED,
  SB_FLOW_SESSION,
  SB_FLOW_N_KINDS,
} SbFlowKind;

const char *sb_flow_kind_to_string (SbFlowKind kind);

/**
 * SbFlow:
 * @what: happened
 * @id: (nullable): of the message
 * @sender: key of who sent it, 0: not known; of a session, whose it is
 * @recipient: key of the recipient, 0: it is about all of them
 * @targets: (nullable) (array length=n_targets): the recipients, of a message that was accepted
 * @n_recipients: how many the message has, if it is about all of them; 0: not known
 * @has_size: @size is known
 * @size: of the message as it is sent, bytes
 * @reason: (nullable): a word
 *
 * Something that happened. Valid during the call.
 */
typedef struct
{
  SbFlowKind what;
  const char *id;
  gint64 sender;
  gint64 recipient;
  const SbTarget *targets;
  guint n_targets;
  guint n_recipients;
  gboolean has_size;
  gsize size;
  const char *reason;
} SbFlow;

typedef void (*SbFlowFunc) (const SbFlow *flow, gpointer user_data);

void sb_bus_watch_flow (SbBus *self, SbFlowFunc func, gpointer user_data);
void sb_bus_unwatch_flow (SbBus *self, SbFlowFunc func, gpointer user_data);

G_END_DECLS

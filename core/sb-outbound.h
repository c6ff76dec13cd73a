/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-outbound: the way to a user that does not come to the bus, but is called
 * by it: a back end with an HTTP server, a mailbox. A delivery plugin carries
 * the messages and says here what became of each; when to try again, and when
 * to leave the recipient alone, is decided here, the same for all plugins.
 *
 * Everything runs on the main context.
 */
#pragma once

#include "sb-attempt.h"
#include "sb-clock.h"
#include "sb-delivery.h"
#include "sb-user.h"

G_BEGIN_DECLS

#define SB_TYPE_OUTBOUND (sb_outbound_get_type ())
G_DECLARE_FINAL_TYPE (SbOutbound, sb_outbound, SB, OUTBOUND, GObject)

/**
 * SbFailure:
 * @SB_FAILURE_RECIPIENT: the recipient cannot be reached or does not take anything at the moment;
 *   the whole queue waits, and nothing counts against the message
 * @SB_FAILURE_MESSAGE: it failed over this message; it is tried again, after `park-after` attempts
 *   beside the queue
 * @SB_FAILURE_REFUSED: it says that it will never take this message, which is dead after
 *   `max-attempts` such answers
 *
 * Whose trouble it is that a message was not taken.
 */
typedef enum
{
  SB_FAILURE_RECIPIENT,
  SB_FAILURE_MESSAGE,
  SB_FAILURE_REFUSED,
} SbFailure;

/* What a plugin says. */
void sb_outbound_set_ordered (SbOutbound *self, gboolean ordered);
void sb_outbound_ready (SbOutbound *self);
void sb_outbound_confirm (SbOutbound *self, SbMessage *message, const SbAttempt *attempt);
void sb_outbound_fail (SbOutbound *self, SbMessage *message, SbFailure failure, gint64 retry_after,
                       const SbAttempt *attempt);

/* What it may ask. */
SbUser *sb_outbound_get_user (SbOutbound *self);
SbClock *sb_outbound_get_clock (SbOutbound *self);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-delivery: a path to one user. An open WebSocket is one; an HTTP client
 * that calls a back end is another. The bus hands messages to it and hears of
 * confirmations through the session that it made for the path.
 *
 * Everything runs on the main context.
 */
#pragma once

#include "sb-message.h"

G_BEGIN_DECLS

#define SB_TYPE_DELIVERY (sb_delivery_get_type ())
G_DECLARE_INTERFACE (SbDelivery, sb_delivery, SB, DELIVERY, GObject)

/**
 * SbCloseReason:
 * @SB_CLOSE_REPLACED: a newer session of the same user took over
 * @SB_CLOSE_CREDENTIALS: the password was changed or the user was deleted
 * @SB_CLOSE_STOPPING: the bus stops
 *
 * Why the bus closes a path.
 */
typedef enum
{
  SB_CLOSE_REPLACED,
  SB_CLOSE_CREDENTIALS,
  SB_CLOSE_STOPPING,
} SbCloseReason;

struct _SbDeliveryInterface
{
  GTypeInterface parent_iface;

  /**
   * SbDeliveryInterface::deliver:
   * @self: a path that is ready
   * @message: the message; its body is what the recipient gets
   *
   * Sends @message. The path keeps the order of the calls and never blocks.
   * Mandatory.
   */
  void (*deliver) (SbDelivery *self, SbMessage *message);

  /**
   * SbDeliveryInterface::is_ready:
   * @self: a path
   *
   * Whether it can take another message now. A path that said no calls
   * sb_session_ready() when that changes. Without this vfunc it always can.
   */
  gboolean (*is_ready) (SbDelivery *self);

  /**
   * SbDeliveryInterface::receipt:
   * @self: the path of a message's sender, and ready
   * @id: the message's id
   * @recipient: id of the user that confirmed it
   *
   * Tells the sender of a confirmation. Optional.
   */
  void (*receipt) (SbDelivery *self, const char *id, const char *recipient);

  /**
   * SbDeliveryInterface::expired:
   * @self: the path of a message's sender
   * @id: the message's id
   * @recipient: id of the user whose delivery ended
   * @reason: a word
   *
   * Tells the sender that a delivery ended without confirmation. Optional.
   */
  void (*expired) (SbDelivery *self, const char *id, const char *recipient, const char *reason);

  /**
   * SbDeliveryInterface::close:
   * @self: a path
   * @reason: why
   *
   * The bus is done with the path and has forgotten its session already.
   * Mandatory.
   */
  void (*close) (SbDelivery *self, SbCloseReason reason);

  /*< private >*/
  gpointer padding[8];
};

void sb_delivery_deliver (SbDelivery *self, SbMessage *message);
gboolean sb_delivery_is_ready (SbDelivery *self);
void sb_delivery_receipt (SbDelivery *self, const char *id, const char *recipient);
void sb_delivery_expired (SbDelivery *self, const char *id, const char *recipient,
                          const char *reason);
void sb_delivery_close (SbDelivery *self, SbCloseReason reason);

G_END_DECLS

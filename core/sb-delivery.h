/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-delivery: a path to one user. There are two kinds. A session is opened by
 * the user: an open WebSocket. The transport makes the path, and says through
 * its SbSession what the user confirms. An outbound path is made by the bus
 * for a user that it has to call: a plugin `delivery-NAME` registers its type,
 * and users whose `connection_properties.type` is NAME get one each. It says
 * through its SbOutbound what became of each message.
 *
 * Everything runs on the main context, and nothing here may block.
 */
#pragma once

#include "sb-config.h"
#include "sb-message.h"

G_BEGIN_DECLS

#define SB_TYPE_DELIVERY (sb_delivery_get_type ())
G_DECLARE_INTERFACE (SbDelivery, sb_delivery, SB, DELIVERY, GObject)

typedef struct _SbOutbound SbOutbound;

/**
 * SbCloseReason:
 * @SB_CLOSE_REPLACED: a newer path to the same user took over
 * @SB_CLOSE_CREDENTIALS: the password was changed or the user was deleted
 * @SB_CLOSE_STOPPING: the bus stops
 * @SB_CLOSE_OPERATOR: an admin wants it
 *
 * Why the bus closes a path.
 */
typedef enum
{
  SB_CLOSE_REPLACED,
  SB_CLOSE_CREDENTIALS,
  SB_CLOSE_STOPPING,
  SB_CLOSE_OPERATOR,
} SbCloseReason;

struct _SbDeliveryInterface
{
  GTypeInterface parent_iface;

  /**
   * SbDeliveryInterface::open:
   * @self: a new path, made with g_object_new()
   * @outbound: (transfer none): what to tell the bus with, valid until close() was called
   * @config: the configuration; the path reads the group of its plugin there
   * @properties: the user's `connection_properties`: a JSON object that is well-formed
   * @error: SB_ERROR_INVALID: names the member that is missing or wrong, without any secret
   *
   * Makes the path ready to deliver; it connects when there is a message. When
   * it fails, the user is shown as unreachable with the error, and what it is
   * sent waits. Mandatory for an outbound path, not called for a session's.
   */
  gboolean (*open) (SbDelivery *self, SbOutbound *outbound, SbConfig *config,
                    const char *properties, GError **error);

  /**
   * SbDeliveryInterface::deliver:
   * @self: a path that is ready
   * @message: the message; its body is what the recipient gets
   *
   * Sends @message. The path keeps the order of the calls and never blocks. An
   * outbound path answers each call with exactly one sb_outbound_confirm() or
   * sb_outbound_fail(), in whatever time it takes but never not at all, and
   * never before this function has returned. Mandatory.
   */
  void (*deliver) (SbDelivery *self, SbMessage *message);

  /**
   * SbDeliveryInterface::is_ready:
   * @self: a path
   *
   * Whether it can take another message now. A path that said no calls
   * sb_session_ready() or sb_outbound_ready() when that changes. Without this
   * vfunc it always can.
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
   * The bus is done with the path and has forgotten its session already. An
   * outbound path gives up what is under way and says nothing any more.
   * Mandatory.
   */
  void (*close) (SbDelivery *self, SbCloseReason reason);

  /*< private >*/
  gpointer padding[8];
};

gboolean sb_delivery_open (SbDelivery *self, SbOutbound *outbound, SbConfig *config,
                           const char *properties, GError **error);
void sb_delivery_deliver (SbDelivery *self, SbMessage *message);
gboolean sb_delivery_is_ready (SbDelivery *self);
void sb_delivery_receipt (SbDelivery *self, const char *id, const char *recipient);
void sb_delivery_expired (SbDelivery *self, const char *id, const char *recipient,
                          const char *reason);
void sb_delivery_close (SbDelivery *self, SbCloseReason reason);

G_END_DECLS

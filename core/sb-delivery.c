/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-delivery: one wrapper per vfunc; what is optional has its default here. */

#include "sb-delivery.h"

#include "sb-error.h"

G_DEFINE_INTERFACE (SbDelivery, sb_delivery, G_TYPE_OBJECT)

static void
sb_delivery_default_init (SbDeliveryInterface *iface)
{
}

/**
 * sb_delivery_open:
 * @self: a new path
 * @outbound: (transfer none): what it tells the bus with
 * @config: the configuration
 * @properties: the user's `connection_properties`, JSON text
 * @error: SB_ERROR_INVALID, SB_ERROR_UNSUPPORTED when the type makes no outbound paths
 *
 * See SbDeliveryInterface.open.
 *
 * Returns: whether it can deliver
 */
gboolean
sb_delivery_open (SbDelivery *self, SbOutbound *outbound, SbConfig *config, const char *properties,
                  GError **error)
{
  SbDeliveryInterface *iface = SB_DELIVERY_GET_IFACE (self);

  if (iface->open != NULL)
    return iface->open (self, outbound, config, properties, error);
  g_set_error (error, SB_ERROR, SB_ERROR_UNSUPPORTED, "%s makes no outbound paths",
               G_OBJECT_TYPE_NAME (self));
  return FALSE;
}

/**
 * sb_delivery_deliver:
 * @self: a path
 * @message: (transfer none): the message
 *
 * See SbDeliveryInterface.deliver.
 */
void
sb_delivery_deliver (SbDelivery *self, SbMessage *message)
{
  SB_DELIVERY_GET_IFACE (self)->deliver (self, message);
}

/**
 * sb_delivery_is_ready:
 * @self: a path
 *
 * Returns: whether it can take a message now
 */
gboolean
sb_delivery_is_ready (SbDelivery *self)
{
  SbDeliveryInterface *iface = SB_DELIVERY_GET_IFACE (self);

  return iface->is_ready == NULL || iface->is_ready (self);
}

/**
 * sb_delivery_receipt:
 * @self: the path of a message's sender
 * @id: the message's id
 * @recipient: id of the user that confirmed it
 *
 * See SbDeliveryInterface.receipt.
 */
void
sb_delivery_receipt (SbDelivery *self, const char *id, const char *recipient)
{
  SbDeliveryInterface *iface = SB_DELIVERY_GET_IFACE (self);

  if (iface->receipt != NULL)
    iface->receipt (self, id, recipient);
}

/**
 * sb_delivery_expired:
 * @self: the path of a message's sender
 * @id: the message's id
 * @recipient: id of the user whose delivery ended
 * @reason: a word
 *
 * See SbDeliveryInterface.expired.
 */
void
sb_delivery_expired (SbDelivery *self, const char *id, const char *recipient, const char *reason)
{
  SbDeliveryInterface *iface = SB_DELIVERY_GET_IFACE (self);

  if (iface->expired != NULL)
    iface->expired (self, id, recipient, reason);
}

/**
 * sb_delivery_close:
 * @self: a path
 * @reason: why
 *
 * See SbDeliveryInterface.close.
 */
void
sb_delivery_close (SbDelivery *self, SbCloseReason reason)
{
  SB_DELIVERY_GET_IFACE (self)->close (self, reason);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-transport: one wrapper per vfunc; what is optional has its default here. */

#include "sb-transport.h"

#include "sb-error.h"

G_DEFINE_INTERFACE (SbTransport, sb_transport, G_TYPE_OBJECT)

static void
sb_transport_default_init (SbTransportInterface *iface)
{
}

/**
 * sb_transport_start:
 * @self: a new transport
 * @bus: a bus that is ready
 * @error: names the address or file and the cause
 *
 * Returns: %TRUE when clients can connect
 */
gboolean
sb_transport_start (SbTransport *self, SbBus *bus, GError **error)
{
  gboolean started;

  g_return_val_if_fail (SB_IS_TRANSPORT (self), FALSE);

  started = SB_TRANSPORT_GET_IFACE (self)->start (self, bus, error);
  if (!started && error != NULL && *error == NULL)
    g_set_error (error, SB_ERROR, SB_ERROR_FAILED, "%s did not start and does not say why",
                 G_OBJECT_TYPE_NAME (self));
  return started;
}

/**
 * sb_transport_stop_async:
 * @self: a started transport
 * @cancellable: (nullable): cancelled when there is no time left to drain
 * @callback: called when nothing of it is left
 * @user_data: for @callback
 *
 * See SbTransportInterface.stop_async.
 */
void
sb_transport_stop_async (SbTransport *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_return_if_fail (SB_IS_TRANSPORT (self));

  SB_TRANSPORT_GET_IFACE (self)->stop_async (self, cancellable, callback, user_data);
}

/**
 * sb_transport_stop_finish:
 * @self: a transport
 * @result: of sb_transport_stop_async()
 * @error: why it could not drain
 *
 * Returns: whether everything ended by itself
 */
gboolean
sb_transport_stop_finish (SbTransport *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (SB_IS_TRANSPORT (self), FALSE);

  return SB_TRANSPORT_GET_IFACE (self)->stop_finish (self, result, error);
}

/**
 * sb_transport_describe:
 * @self: a started transport
 *
 * Returns: (transfer full) (nullable): `name=host:port` words
 */
char *
sb_transport_describe (SbTransport *self)
{
  SbTransportInterface *iface = SB_TRANSPORT_GET_IFACE (self);

  return iface->describe != NULL ? iface->describe (self) : NULL;
}

/**
 * sb_transport_check:
 * @self: a started transport
 * @config: a configuration that may come into force
 * @error: names the key or file and the cause
 *
 * Returns: whether the transport could do with @config
 */
gboolean
sb_transport_check (SbTransport *self, SbConfig *config, GError **error)
{
  SbTransportInterface *iface;

  g_return_val_if_fail (SB_IS_TRANSPORT (self) && SB_IS_CONFIG (config), FALSE);

  iface = SB_TRANSPORT_GET_IFACE (self);
  return iface->check == NULL || iface->check (self, config, error);
}

/**
 * sb_transport_reload:
 * @self: a started transport
 * @error: what could not be taken over; the old settings stay in force
 *
 * Returns: whether the new settings are in force
 */
gboolean
sb_transport_reload (SbTransport *self, GError **error)
{
  SbTransportInterface *iface = SB_TRANSPORT_GET_IFACE (self);

  return iface->reload == NULL || iface->reload (self, error);
}

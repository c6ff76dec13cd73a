/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-transport: brings messages in and makes sessions. A plugin implements it;
 * the daemon starts every transport that the configuration names.
 *
 * Everything runs on the main context.
 */
#pragma once

#include "sb-bus.h"

G_BEGIN_DECLS

#define SB_TYPE_TRANSPORT (sb_transport_get_type ())
G_DECLARE_INTERFACE (SbTransport, sb_transport, SB, TRANSPORT, GObject)

struct _SbTransportInterface
{
  GTypeInterface parent_iface;

  /**
   * SbTransportInterface::start:
   * @self: a new transport
   * @bus: a bus that is ready; the transport keeps a reference until it is stopped
   * @error: names the address or file and the cause
   *
   * Begins to listen. When it returns %TRUE clients can connect. Mandatory.
   */
  gboolean (*start) (SbTransport *self, SbBus *bus, GError **error);

  /**
   * SbTransportInterface::stop_async:
   * @self: a started transport
   *
   * Takes no new connection or request, lets what was begun end, closes the
   * rest when the cancellable is cancelled (the daemon's deadline), and
   * returns when nothing of it is left. Mandatory, with its finish function.
   */
  void (*stop_async) (SbTransport *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                      gpointer user_data);
  gboolean (*stop_finish) (SbTransport *self, GAsyncResult *result, GError **error);

  /**
   * SbTransportInterface::describe:
   * @self: a started transport
   *
   * Returns: (transfer full) (nullable): the addresses it listens on, as
   *   `name=host:port` words separated by spaces, for the log and `--print-ports`
   */
  char *(*describe) (SbTransport *self);

  /**
   * SbTransportInterface::reload:
   * @self: a started transport
   *
   * Takes over what may change while it runs, from the configuration that is in force now and
   * from the files that it names: certificates, limits. Optional.
   */
  gboolean (*reload) (SbTransport *self, GError **error);

  /**
   * SbTransportInterface::check:
   * @self: a started transport
   * @config: a configuration that may come into force
   * @error: names the key or file and the cause
   *
   * Looks whether it could do with that configuration, beyond what the declared keys say: whether
   * the files are there and good. Changes nothing. Optional.
   *
   * Returns: %FALSE when @config must not come into force
   */
  gboolean (*check) (SbTransport *self, SbConfig *config, GError **error);

  /*< private >*/
  gpointer padding[7];
};

gboolean sb_transport_start (SbTransport *self, SbBus *bus, GError **error);
void sb_transport_stop_async (SbTransport *self, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data);
gboolean sb_transport_stop_finish (SbTransport *self, GAsyncResult *result, GError **error);
char *sb_transport_describe (SbTransport *self);
gboolean sb_transport_check (SbTransport *self, SbConfig *config, GError **error);
gboolean sb_transport_reload (SbTransport *self, GError **error);

G_END_DECLS

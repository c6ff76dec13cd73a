/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-http-path: hands each message to a connection that is free, and its answer to the bus. There
 * are never more connections than `parallel`; an open one goes before one that has yet to connect.
 *
 * Whatever the bus is told, it may bring the next message, or close the path, before the call
 * returns.
 */

#include "sb-http-path.h"

#include "sb-http-connection.h"
#include "sb-http-request.h"
#include "sb-http-verdict.h"

struct _SbHttpPath
{
  GObject parent_instance;

  SbOutbound *outbound;         /* (borrowed) (nullable) %NULL: closed */
  SbHttpClient *client;         /* (owned) (nullable) */
  SbHttpProperties *properties; /* (owned) (nullable) */
  char *prefix;                 /* (owned) (nullable) of all requests */
  GPtrArray *connections;       /* (owned) of SbHttpConnection */
  GPtrArray *free;              /* (owned) those that can be used, the best ones last; borrowed */
};

static void sb_http_path_delivery_iface_init (SbDeliveryInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (SbHttpPath, sb_http_path, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (SB_TYPE_DELIVERY,
                                                      sb_http_path_delivery_iface_init))

/* What a connection says */

static void
take_back (SbHttpPath *self, SbHttpConnection *connection)
{
  if (!sb_http_connection_is_free (connection))
    return;
  if (sb_http_connection_is_open (connection))
    g_ptr_array_add (self->free, connection);
  else
    g_ptr_array_insert (self->free, 0, connection);
}

static void
answered_cb (SbHttpConnection *connection, SbMessage *answered, const SbHttpOutcome *outcome,
             gpointer user_data)
{
  SbHttpPath *self = user_data;
  g_autoptr (SbMessage) message = answered;
  guint status = outcome->attempt.status;

  take_back (self, connection);
  if (sb_http_verdict_is_confirmation (status))
    sb_outbound_confirm (self->outbound, message, &outcome->attempt);
  else
    sb_outbound_fail (self->outbound, message, sb_http_verdict_get_failure (status),
                      outcome->retry_after, &outcome->attempt);
}

static void
ready_cb (SbHttpConnection *connection, gpointer user_data)
{
  SbHttpPath *self = user_data;

  take_back (self, connection);
  sb_outbound_ready (self->outbound);
}

static const SbHttpConnectionFuncs connection_funcs = { answered_cb, ready_cb };

/* SbDelivery */

static gboolean
http_path_open (SbDelivery *delivery, SbOutbound *outbound, SbConfig *config,
                const char *properties, GError **error)
{
  SbHttpPath *self = SB_HTTP_PATH (delivery);

  self->properties = sb_http_properties_parse (properties, error);
  if (self->properties == NULL)
    return FALSE;
  self->client = sb_http_client_get (config, error);
  if (self->client == NULL)
    return FALSE;
  if (self->properties->is_tls && !sb_http_client_load_authorities (self->client, error))
    return FALSE;
  self->prefix = sb_http_request_make_prefix (self->properties, SB_PLUGIN_VERSION);
  self->outbound = outbound;
  sb_outbound_set_ordered (outbound, self->properties->parallel == 1);
  return TRUE;
}

static gboolean
http_path_is_ready (SbDelivery *delivery)
{
  SbHttpPath *self = SB_HTTP_PATH (delivery);

  return self->outbound != NULL
         && (self->free->len > 0 || self->connections->len < self->properties->parallel);
}

static SbHttpConnection *
take_connection (SbHttpPath *self)
{
  SbHttpConnection *connection;

  if (self->free->len > 0)
    return g_ptr_array_steal_index (self->free, self->free->len - 1);
  connection = sb_http_connection_new (self->client, self->properties, self->prefix,
                                       sb_outbound_get_clock (self->outbound), &connection_funcs,
                                       self);
  g_ptr_array_add (self->connections, connection);
  return connection;
}

static void
http_path_deliver (SbDelivery *delivery, SbMessage *message)
{
  g_return_if_fail (http_path_is_ready (delivery));

  sb_http_connection_send (take_connection (SB_HTTP_PATH (delivery)), message);
}

static void
http_path_close (SbDelivery *delivery, SbCloseReason reason)
{
  SbHttpPath *self = SB_HTTP_PATH (delivery);

  self->outbound = NULL;
  g_ptr_array_set_size (self->free, 0);
  g_ptr_array_set_size (self->connections, 0);
}

static void
sb_http_path_delivery_iface_init (SbDeliveryInterface *iface)
{
  iface->open = http_path_open;
  iface->deliver = http_path_deliver;
  iface->is_ready = http_path_is_ready;
  iface->close = http_path_close;
}

/* Life */

static void
sb_http_path_finalize (GObject *object)
{
  SbHttpPath *self = SB_HTTP_PATH (object);

  g_ptr_array_unref (self->free);
  g_ptr_array_unref (self->connections);
  g_free (self->prefix);
  g_clear_pointer (&self->properties, sb_http_properties_free);
  g_clear_pointer (&self->client, sb_http_client_unref);
  G_OBJECT_CLASS (sb_http_path_parent_class)->finalize (object);
}

static void
sb_http_path_class_init (SbHttpPathClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sb_http_path_finalize;
}

static void
sb_http_path_init (SbHttpPath *self)
{
  self->connections = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_http_connection_free);
  self->free = g_ptr_array_new ();
}

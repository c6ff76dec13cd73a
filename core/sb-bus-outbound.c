/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-bus-outbound: which users the bus calls. Each user with
 * `connection_properties` has an outbound path, which serves its queue as long
 * as the user has no session; a path is made anew when the properties change.
 */

#include "sb-bus-private.h"

#include "sb-error.h"

#include <json-glib/json-glib.h>

#define DEFAULT_TYPE "http"

/* How the original bus says of a user that it comes by itself. */
#define TYPE_NONE "web_socket"

/* Returns: (transfer full) (nullable): the type that the properties name or imply; %NULL with a
 * fault when there is none. */
static char *
read_type (const char *properties, const char **fault)
{
  g_autoptr (JsonNode) node = json_from_string (properties, NULL);
  JsonObject *object;
  JsonNode *type;

  *fault = "connection_properties is not an object";
  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
    return NULL;
  object = json_node_get_object (node);
  *fault = "connection_properties has no \"type\"";
  type = json_object_get_member (object, "type");
  if (type == NULL)
    return json_object_has_member (object, "url") ? g_strdup (DEFAULT_TYPE) : NULL;
  return JSON_NODE_HOLDS_VALUE (type) ? json_node_dup_string (type) : NULL;
}

static gboolean
is_called (const SbUser *user)
{
  g_autofree char *type = NULL;
  const char *fault;

  if (user->connection_properties == NULL)
    return FALSE;
  type = read_type (user->connection_properties, &fault);
  return g_strcmp0 (type, TYPE_NONE) != 0;
}

/* Returns the type of path for the users of that kind, or G_TYPE_INVALID with a fault. */
static GType
find_path_type (SbBus *self, const char *type, GError **error)
{
  GError *inner = NULL;
  GType path_type;

  if (self->registry == NULL)
    {
      g_set_error (error, SB_ERROR, SB_ERROR_NOT_FOUND, "there are no delivery plugins");
      return G_TYPE_INVALID;
    }
  path_type = sb_registry_lookup (self->registry, SB_TYPE_DELIVERY, type, &inner);
  if (inner != NULL)
    g_propagate_error (error, inner);
  return path_type;
}

static void
open_outbound (SbBus *self, SbOutbound *outbound)
{
  const char *fault = NULL;
  g_autoptr (GError) error = NULL;
  GType path_type;

  outbound->type = read_type (outbound->user->connection_properties, &fault);
  if (outbound->type == NULL)
    {
      sb_outbound_set_fault (outbound, fault);
      return;
    }
  path_type = find_path_type (self, outbound->type, &error);
  if (path_type == G_TYPE_INVALID)
    sb_outbound_set_fault (outbound, error->message);
  else
    sb_outbound_open (outbound, path_type, self->config);
}

/* Returns: (transfer none) (nullable): the way to a user that is called, or should be. */
SbOutbound *
sb_bus_lookup_outbound (SbBus *self, gint64 user)
{
  return g_hash_table_lookup (self->outbounds, &user);
}

/* Lets the queue of a user without a session use its outbound path, if there is one. */
void
sb_bus_attach_outbound (SbBus *self, gint64 user)
{
  SbOutbound *outbound = sb_bus_lookup_outbound (self, user);
  SbQueue *queue = g_hash_table_lookup (self->queues, &user);

  if (sb_bus_lookup_session (self, user) != NULL)
    return;
  if (outbound != NULL && outbound->path != NULL)
    sb_queue_set_outbound (outbound->queue, SB_DELIVERY (outbound));
  else if (queue != NULL)
    sb_queue_set_path (queue, NULL);
}

static void
drop_outbound (SbBus *self, gint64 user, SbCloseReason reason)
{
  g_autoptr (SbOutbound) outbound = sb_bus_lookup_outbound (self, user);

  if (outbound == NULL)
    return;
  g_object_ref (outbound);
  g_hash_table_remove (self->outbounds, &user);
  sb_outbound_close (outbound, reason);
}

static void
add_outbound (SbBus *self, SbUser *user)
{
  SbOutbound *outbound = sb_outbound_new (user, sb_bus_ensure_queue (self, user->key), self->clock,
                                          &self->outbound_shared);

  g_hash_table_insert (self->outbounds, &outbound->user->key, outbound);
  open_outbound (self, outbound);
}

/* A user was made or changed. */
void
sb_bus_update_outbound (SbBus *self, SbUser *user)
{
  SbOutbound *outbound = sb_bus_lookup_outbound (self, user->key);
  const char *properties = outbound != NULL ? outbound->user->connection_properties : NULL;

  if (g_strcmp0 (properties, user->connection_properties) == 0)
    return;
  drop_outbound (self, user->key, SB_CLOSE_REPLACED);
  if (is_called (user))
    add_outbound (self, user);
  sb_bus_attach_outbound (self, user->key);
}

/* A user is gone; its queue is closed already. */
void
sb_bus_remove_outbound (SbBus *self, gint64 user)
{
  drop_outbound (self, user, SB_CLOSE_CREDENTIALS);
}

/* The bus starts. */
void
sb_bus_start_outbounds (SbBus *self)
{
  GPtrArray *users = sb_directory_get_all (self->directory);

  for (guint i = 0; i < users->len; i++)
    {
      SbUser *user = g_ptr_array_index (users, i);

      sb_bus_update_outbound (self, user);
    }
}

/* Stopping */

/* Gives up whatever is under way. */
void
sb_bus_close_outbounds (SbBus *self)
{
  GHashTableIter iter;
  gpointer value;

  for (;;)
    {
      g_hash_table_iter_init (&iter, self->outbounds);
      if (!g_hash_table_iter_next (&iter, NULL, &value))
        break;
      drop_outbound (self, SB_OUTBOUND (value)->user->key, SB_CLOSE_STOPPING);
    }
}

/* The bus stops: nothing new goes out, and what is under way has until sb_bus_drain_async(). */
void
sb_bus_stop_outbounds (SbBus *self)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->outbounds);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    sb_outbound_drain (value);
}

static void
end_drain (SbBus *self)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->drain);

  if (task == NULL)
    return;
  self->outbound_shared.idle_func = NULL;
  if (self->drain_cancelled != 0)
    g_signal_handler_disconnect (g_task_get_cancellable (task), self->drain_cancelled);
  self->drain_cancelled = 0;
  sb_bus_close_outbounds (self);
  g_task_return_boolean (task, TRUE);
}

static void
idle_cb (gpointer user_data)
{
  end_drain (user_data);
}

static void
drain_cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  end_drain (user_data);
}

/**
 * sb_bus_drain_async:
 * @self: a bus that was stopped
 * @cancellable: (nullable): gives up what is still under way
 * @callback: for sb_bus_drain_finish()
 * @user_data: for @callback
 *
 * Waits until the recipients that are being called have answered. What they
 * have not answered they get again after the next start.
 */
void
sb_bus_drain_async (SbBus *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                    gpointer user_data)
{
  g_return_if_fail (SB_IS_BUS (self) && self->drain == NULL);

  self->drain = g_task_new (self, cancellable, callback, user_data);
  g_task_set_check_cancellable (self->drain, FALSE);
  if (self->outbound_shared.in_flight == 0 || g_cancellable_is_cancelled (cancellable))
    {
      end_drain (self);
      return;
    }
  self->outbound_shared.idle_func = idle_cb;
  self->outbound_shared.idle_data = self;
  if (cancellable != NULL)
    self->drain_cancelled = g_signal_connect (cancellable, "cancelled",
                                              G_CALLBACK (drain_cancelled_cb), self);
}

/**
 * sb_bus_drain_finish:
 * @self: a bus
 * @result: of sb_bus_drain_async()
 *
 * Returns: %TRUE
 */
gboolean
sb_bus_drain_finish (SbBus *self, GAsyncResult *result)
{
  return g_task_propagate_boolean (G_TASK (result), NULL);
}

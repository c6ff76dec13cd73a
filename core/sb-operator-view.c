/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-operator-view: what an admin sees. The store is read on its own thread;
 * what only the bus knows is added when the answer is fetched.
 */

#include "sb-operator.h"

#include "sb-audit.h"
#include "sb-bus-private.h"
#include "sb-error.h"
#include "sb-router.h"

#include <string.h>

static void
return_pointer (GTask *task, gpointer result, GDestroyNotify free_func, GError *error)
{
  if (result != NULL)
    g_task_return_pointer (task, result, free_func);
  else
    g_task_return_error (task, error);
}

/* Names of deliveries */

/**
 * sb_delivery_name_parse:
 * @name: as sb_delivery_name_make() makes it
 * @recipient: (out): key of the recipient
 * @id: (out): of the message, inside of @name
 * @error: SB_ERROR_NOT_FOUND: nothing can have this name
 *
 * Any thread.
 *
 * Returns: whether it is the name of a delivery, which need not be there
 */
gboolean
sb_delivery_name_parse (const char *name, gint64 *recipient, const char **id, GError **error)
{
  const char *colon = strchr (name, ':');
  g_autofree char *number = colon != NULL ? g_strndup (name, colon - name) : NULL;

  if (number != NULL && g_ascii_isdigit (*number)
      && g_ascii_string_to_signed (number, 10, 1, G_MAXINT64, recipient, NULL)
      && sb_message_check_id (colon + 1, NULL))
    {
      *id = colon + 1;
      return TRUE;
    }
  g_set_error_literal (error, SB_ERROR, SB_ERROR_NOT_FOUND, "there is no such delivery");
  return FALSE;
}

/**
 * sb_delivery_name_make:
 * @recipient: key of the recipient
 * @id: of the message
 *
 * Any thread.
 *
 * Returns: (transfer full): the delivery's name
 */
char *
sb_delivery_name_make (gint64 recipient, const char *id)
{
  return g_strdup_printf ("%" G_GINT64_FORMAT ":%s", recipient, id);
}

/* Queues */

static void
outbound_info_free (SbOutboundInfo *self)
{
  g_free (self->type);
  g_free (self->failures);
  g_free (self->fault);
  g_free (self);
}

/**
 * sb_recipient_info_free:
 * @self: (transfer full): what is known of a queue
 */
void
sb_recipient_info_free (SbRecipientInfo *self)
{
  g_free (self->id);
  g_clear_pointer (&self->outbound, outbound_info_free);
  g_free (self);
}

/* @pause: (out): how long nothing goes out, microseconds. Returns a static word. */
const char *
sb_bus_get_outbound_state (SbOutbound *outbound, gint64 *pause)
{
  *pause = outbound->path != NULL ? sb_outbound_get_pause (outbound) : 0;
  if (outbound->path == NULL)
    return "faulty";
  if (sb_backoff_is_open (&outbound->backoff))
    return "unreachable";
  return *pause > 0 ? "waiting" : "ok";
}

static SbOutboundInfo *
describe_outbound (SbOutbound *outbound)
{
  SbOutboundInfo *info = g_new0 (SbOutboundInfo, 1);
  gint64 pause;

  info->type = g_strdup (outbound->type);
  info->state = sb_bus_get_outbound_state (outbound, &pause);
  info->retry_in = (pause + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC;
  info->n_confirmed = outbound->n_confirmed;
  info->n_failed = outbound->n_failed;
  info->failures = g_strdup (outbound->failures);
  info->fault = g_strdup (outbound->fault);
  return info;
}

/* Returns: (transfer full): what the store said, and what the bus knows. */
static SbRecipientInfo *
describe_recipient (SbBus *self, gint64 key, const char *id, const SbBacklog *backlog)
{
  SbRecipientInfo *info = g_new0 (SbRecipientInfo, 1);
  const SbUser *user = sb_directory_lookup_key (self->directory, key);
  SbQueue *queue = g_hash_table_lookup (self->queues, &key);
  SbOutbound *outbound = sb_bus_lookup_outbound (self, key);

  info->key = key;
  info->id = g_strdup (id);
  info->backlog = *backlog;
  info->in_flight = queue != NULL ? sb_queue_get_in_flight (queue) : 0;
  info->gone = user == NULL;
  info->online = sb_bus_lookup_session (self, key) != NULL;
  info->paused = user != NULL && user->paused;
  info->outbound = outbound != NULL ? describe_outbound (outbound) : NULL;
  return info;
}

typedef struct
{
  gint64 after;
  guint limit;
  gboolean largest;
} QueuesCall;

static void
read_queues (SbStore *store, GTask *task)
{
  const QueuesCall *call = g_task_get_task_data (task);
  GError *error = NULL;
  GPtrArray *rows = call->largest ? sb_store_largest (store, call->limit, &error)
                                  : sb_store_queues (store, call->after, call->limit, &error);

  return_pointer (task, rows, (GDestroyNotify) g_ptr_array_unref, error);
}

/**
 * sb_bus_list_queues_async:
 * @self: a started bus
 * @after: the `next` of an earlier page; 0 begins
 * @limit: at most so many, 1 or more
 * @callback: for sb_bus_list_queues_finish()
 * @user_data: for @callback
 *
 * Lists the recipients for which something waits or has died.
 */
void
sb_bus_list_queues_async (SbBus *self, gint64 after, guint limit, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  QueuesCall *call = g_new0 (QueuesCall, 1);

  call->after = after;
  call->limit = limit;
  g_task_set_task_data (task, call, g_free);
  sb_journal_read_async (self->journal, read_queues, task);
}

/**
 * sb_bus_list_largest_queues_async:
 * @self: a started bus
 * @limit: at most so many, 1 or more
 * @callback: for sb_bus_list_queues_finish(), which says of no further page
 * @user_data: for @callback
 *
 * Lists the recipients for which most waits.
 */
void
sb_bus_list_largest_queues_async (SbBus *self, guint limit, GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  QueuesCall *call = g_new0 (QueuesCall, 1);

  call->limit = limit;
  call->largest = TRUE;
  g_task_set_task_data (task, call, g_free);
  sb_journal_read_async (self->journal, read_queues, task);
}

/**
 * sb_bus_list_queues_finish:
 * @self: a bus
 * @result: of sb_bus_list_queues_async()
 * @next: (out): where the next page begins; 0: there is none
 * @error: the store's
 *
 * Returns: (transfer full) (nullable) (element-type SbRecipientInfo): a page, by the users' keys
 */
GPtrArray *
sb_bus_list_queues_finish (SbBus *self, GAsyncResult *result, gint64 *next, GError **error)
{
  const QueuesCall *call = g_task_get_task_data (G_TASK (result));
  g_autoptr (GPtrArray) rows = g_task_propagate_pointer (G_TASK (result), error);
  GPtrArray *queues;

  *next = 0;
  if (rows == NULL)
    return NULL;
  queues = g_ptr_array_new_full (rows->len, (GDestroyNotify) sb_recipient_info_free);
  for (guint i = 0; i < rows->len; i++)
    {
      const SbQueueInfo *row = g_ptr_array_index (rows, i);

      g_ptr_array_add (queues,
                       describe_recipient (self, row->recipient, row->recipient_id, &row->backlog));
      if (rows->len == call->limit && !call->largest)
        *next = row->recipient;
    }
  return queues;
}

typedef struct
{
  SbUser *user; /* (owned) */
  SbBacklog backlog;
} QueueCall;

static void
queue_call_free (QueueCall *self)
{
  sb_user_unref (self->user);
  g_free (self);
}

static void
read_queue (SbStore *store, GTask *task)
{
  QueueCall *call = g_task_get_task_data (task);
  GError *error = NULL;

  if (sb_store_backlog (store, call->user->key, &call->backlog, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/**
 * sb_bus_look_at_queue_async:
 * @self: a started bus
 * @user: a recipient
 * @callback: for sb_bus_look_at_queue_finish()
 * @user_data: for @callback
 */
void
sb_bus_look_at_queue_async (SbBus *self, SbUser *user, GAsyncReadyCallback callback,
                            gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  QueueCall *call = g_new0 (QueueCall, 1);

  call->user = sb_user_ref (user);
  g_task_set_task_data (task, call, (GDestroyNotify) queue_call_free);
  sb_journal_read_async (self->journal, read_queue, task);
}

/**
 * sb_bus_look_at_queue_finish:
 * @self: a bus
 * @result: of sb_bus_look_at_queue_async()
 * @error: the store's
 *
 * Returns: (transfer full) (nullable): the queue, also an empty one
 */
SbRecipientInfo *
sb_bus_look_at_queue_finish (SbBus *self, GAsyncResult *result, GError **error)
{
  const QueueCall *call = g_task_get_task_data (G_TASK (result));

  if (!g_task_propagate_boolean (G_TASK (result), error))
    return NULL;
  return describe_recipient (self, call->user->key, call->user->id, &call->backlog);
}

typedef struct
{
  GPtrArray *users;    /* (owned) of SbUser (owned) */
  SbBacklog *backlogs; /* (owned) of each */
} BacklogsCall;

static void
backlogs_call_free (BacklogsCall *self)
{
  g_ptr_array_unref (self->users);
  g_free (self->backlogs);
  g_free (self);
}

static void
read_backlogs (SbStore *store, GTask *task)
{
  BacklogsCall *call = g_task_get_task_data (task);
  GError *error = NULL;

  for (guint i = 0; i < call->users->len; i++)
    {
      const SbUser *user = g_ptr_array_index (call->users, i);

      if (sb_store_backlog (store, user->key, &call->backlogs[i], &error))
        continue;
      g_task_return_error (task, error);
      return;
    }
  g_task_return_boolean (task, TRUE);
}

/**
 * sb_bus_look_at_queues_async:
 * @self: a started bus
 * @users: (element-type SbUser): recipients
 * @callback: for sb_bus_look_at_queues_finish()
 * @user_data: for @callback
 *
 * Asks for many queues at once.
 */
void
sb_bus_look_at_queues_async (SbBus *self, GPtrArray *users, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  BacklogsCall *call = g_new0 (BacklogsCall, 1);

  call->users = g_ptr_array_ref (users);
  call->backlogs = g_new0 (SbBacklog, users->len);
  g_task_set_task_data (task, call, (GDestroyNotify) backlogs_call_free);
  sb_journal_read_async (self->journal, read_backlogs, task);
}

/**
 * sb_bus_look_at_queues_finish:
 * @self: a bus
 * @result: of sb_bus_look_at_queues_async()
 * @error: the store's
 *
 * Returns: (transfer full) (nullable) (element-type SbRecipientInfo): the queues in the order of
 *   the users, also empty ones and those of users that are gone meanwhile
 */
GPtrArray *
sb_bus_look_at_queues_finish (SbBus *self, GAsyncResult *result, GError **error)
{
  const BacklogsCall *call = g_task_get_task_data (G_TASK (result));
  GPtrArray *queues;

  if (!g_task_propagate_boolean (G_TASK (result), error))
    return NULL;
  queues = g_ptr_array_new_full (call->users->len, (GDestroyNotify) sb_recipient_info_free);
  for (guint i = 0; i < call->users->len; i++)
    {
      const SbUser *user = g_ptr_array_index (call->users, i);

      g_ptr_array_add (queues, describe_recipient (self, user->key, user->id, &call->backlogs[i]));
    }
  return queues;
}

/**
 * sb_bus_is_online:
 * @self: a bus
 * @user: a user
 *
 * Returns: whether it has a session
 */
gboolean
sb_bus_is_online (SbBus *self, const SbUser *user)
{
  return sb_bus_lookup_session (self, user->key) != NULL;
}

/* Lists of deliveries */

typedef struct
{
  SbDeliveryFilter filter;
  char *after; /* (owned) (nullable) */
  guint limit;
  char *next; /* (owned) (nullable) (out) */
} DeliveriesCall;

static void
deliveries_call_free (DeliveriesCall *self)
{
  g_free (self->after);
  g_free (self->next);
  g_free (self);
}

static void
read_deliveries (SbStore *store, GTask *task)
{
  DeliveriesCall *call = g_task_get_task_data (task);
  GError *error = NULL;
  GPtrArray *rows = sb_store_deliveries (store, &call->filter, call->after, call->limit,
                                         &call->next, &error);

  return_pointer (task, rows, (GDestroyNotify) g_ptr_array_unref, error);
}

/**
 * sb_bus_list_deliveries_async:
 * @self: a started bus
 * @filter: which ones; it is copied
 * @after: (nullable): the `next` of an earlier page of the same filter; %NULL begins
 * @limit: at most so many, 1 or more
 * @callback: for sb_bus_list_deliveries_finish()
 * @user_data: for @callback
 *
 * Lists deliveries that have not ended. A page may be short, or empty, and
 * still have a next one.
 */
void
sb_bus_list_deliveries_async (SbBus *self, const SbDeliveryFilter *filter, const char *after,
                              guint limit, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  DeliveriesCall *call = g_new0 (DeliveriesCall, 1);

  call->filter = *filter;
  call->after = g_strdup (after);
  call->limit = limit;
  g_task_set_task_data (task, call, (GDestroyNotify) deliveries_call_free);
  sb_journal_read_async (self->journal, read_deliveries, task);
}

/* What is in flight is known here and not in the store. */
void
sb_bus_update_state (SbBus *self, gint64 recipient, const char *id, SbDeliveryState *state,
                     guint *attempts)
{
  SbQueue *queue = g_hash_table_lookup (self->queues, &recipient);

  if (queue != NULL && (*state == SB_DELIVERY_PENDING || *state == SB_DELIVERY_PARKED)
      && sb_queue_is_sent (queue, id, attempts))
    *state = SB_DELIVERY_SENT;
}

/**
 * sb_bus_list_deliveries_finish:
 * @self: a bus
 * @result: of sb_bus_list_deliveries_async()
 * @next: (out) (transfer full) (nullable): where the next page begins; %NULL: there is none
 * @error: the store's; SB_ERROR_INVALID: no page gave this `after`
 *
 * Returns: (transfer full) (nullable) (element-type SbDeliveryInfo): a page
 */
GPtrArray *
sb_bus_list_deliveries_finish (SbBus *self, GAsyncResult *result, char **next, GError **error)
{
  DeliveriesCall *call = g_task_get_task_data (G_TASK (result));
  GPtrArray *rows = g_task_propagate_pointer (G_TASK (result), error);

  *next = NULL;
  for (guint i = 0; rows != NULL && i < rows->len; i++)
    {
      SbDeliveryInfo *row = g_ptr_array_index (rows, i);

      sb_bus_update_state (self, row->recipient, row->id, &row->state, &row->attempts);
    }
  if (rows != NULL)
    *next = g_steal_pointer (&call->next);
  return rows;
}

/* One delivery */

/**
 * sb_delivery_details_free:
 * @self: (transfer full): all about a delivery. Any thread.
 */
void
sb_delivery_details_free (SbDeliveryDetails *self)
{
  sb_message_status_free (self->message);
  g_free (self);
}

typedef struct
{
  SbUser *actor; /* (owned) (nullable) */
  gint64 recipient;
  char *id; /* (owned) */
} DeliveryCall;

static void
delivery_call_free (DeliveryCall *self)
{
  g_clear_pointer (&self->actor, sb_user_unref);
  g_free (self->id);
  g_free (self);
}

static GTask *
start_delivery_call (SbBus *self, SbUser *actor, gint64 recipient, const char *id,
                     GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  DeliveryCall *call = g_new0 (DeliveryCall, 1);

  call->actor = actor != NULL ? sb_user_ref (actor) : NULL;
  call->recipient = recipient;
  call->id = g_strdup (id);
  g_task_set_task_data (task, call, (GDestroyNotify) delivery_call_free);
  return task;
}

static gboolean
is_for (gconstpointer delivery, gconstpointer recipient)
{
  return ((const SbDeliveryStatus *) delivery)->recipient_key == *(const gint64 *) recipient;
}

/* Leaves of the message's deliveries, which may be very many, the one alone. */
static gboolean
keep_one (SbMessageStatus *message, gint64 recipient)
{
  guint index;

  if (!g_ptr_array_find_with_equal_func (message->deliveries, &recipient, is_for, &index))
    return FALSE;
  g_ptr_array_remove_range (message->deliveries, index + 1, message->deliveries->len - index - 1);
  g_ptr_array_remove_range (message->deliveries, 0, index);
  return TRUE;
}

/* Returns: (transfer full) (nullable): the message's status with one delivery */
static SbMessageStatus *
read_one_status (SbStore *store, const DeliveryCall *call, GError **error)
{
  g_autoptr (GError) inner = NULL;
  g_autoptr (SbMessageStatus) message = sb_store_status (store, call->id, &inner);

  if (message != NULL && keep_one (message, call->recipient))
    return g_steal_pointer (&message);
  if (inner != NULL && !g_error_matches (inner, SB_ERROR, SB_ERROR_NOT_FOUND))
    g_propagate_error (error, g_steal_pointer (&inner));
  else
    g_set_error_literal (error, SB_ERROR, SB_ERROR_NOT_FOUND, "there is no such delivery");
  return NULL;
}

static void
read_details (SbStore *store, GTask *task)
{
  const DeliveryCall *call = g_task_get_task_data (task);
  GError *error = NULL;
  SbMessageStatus *message = read_one_status (store, call, &error);
  g_autoptr (SbMessage) body = NULL;
  SbDeliveryDetails *details;

  if (message == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  body = sb_store_message (store, call->id, NULL);
  details = g_new0 (SbDeliveryDetails, 1);
  details->message = message;
  details->delivery = g_ptr_array_index (message->deliveries, 0);
  details->size = body != NULL ? (gint64) sb_message_get_size (body) : -1;
  g_task_return_pointer (task, details, (GDestroyNotify) sb_delivery_details_free);
}

/**
 * sb_bus_look_at_delivery_async:
 * @self: a started bus
 * @recipient: key of the recipient
 * @id: of the message
 * @callback: for sb_bus_look_at_delivery_finish()
 * @user_data: for @callback
 *
 * Asks for all about one delivery, also one that has ended, as long as the
 * message is remembered.
 */
void
sb_bus_look_at_delivery_async (SbBus *self, gint64 recipient, const char *id,
                               GAsyncReadyCallback callback, gpointer user_data)
{
  sb_journal_read_async (self->journal, read_details,
                         start_delivery_call (self, NULL, recipient, id, callback, user_data));
}

/* The attempts that are not stored yet. */
static void
update_log (SbBus *self, SbDeliveryStatus *delivery, const char *id)
{
  SbQueue *queue = g_hash_table_lookup (self->queues, &delivery->recipient_key);
  const char *log;
  guint attempts;

  if (queue == NULL || sb_delivery_state_has_ended (delivery->state)
      || delivery->state == SB_DELIVERY_DEAD)
    return;
  log = sb_queue_get_log (queue, id, &attempts);
  delivery->attempts = MAX (delivery->attempts, attempts);
  if (log == NULL)
    return;
  g_free (delivery->log);
  delivery->log = g_strdup (log);
}

/**
 * sb_bus_look_at_delivery_finish:
 * @self: a bus
 * @result: of sb_bus_look_at_delivery_async()
 * @error: SB_ERROR_NOT_FOUND, the store's
 *
 * Returns: (transfer full) (nullable): the delivery
 */
SbDeliveryDetails *
sb_bus_look_at_delivery_finish (SbBus *self, GAsyncResult *result, GError **error)
{
  SbDeliveryDetails *details = g_task_propagate_pointer (G_TASK (result), error);
  SbDeliveryStatus *delivery;

  if (details == NULL)
    return NULL;
  delivery = details->delivery;
  update_log (self, delivery, details->message->id);
  sb_bus_update_state (self, delivery->recipient_key, details->message->id, &delivery->state,
                       &delivery->attempts);
  return details;
}

static void
read_body (SbStore *store, GTask *task)
{
  const DeliveryCall *call = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (SbMessageStatus) status = read_one_status (store, call, &error);
  SbMessage *message = status != NULL ? sb_store_message (store, call->id, &error) : NULL;

  return_pointer (task, message, (GDestroyNotify) sb_message_unref, error);
}

/**
 * sb_bus_read_message_async:
 * @self: a started bus
 * @actor: who wants to read it, for the log
 * @recipient: key of the recipient
 * @id: of the message
 * @callback: for sb_bus_read_message_finish()
 * @user_data: for @callback
 *
 * Reads the message of a delivery.
 */
void
sb_bus_read_message_async (SbBus *self, SbUser *actor, gint64 recipient, const char *id,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  sb_journal_read_async (self->journal, read_body,
                         start_delivery_call (self, actor, recipient, id, callback, user_data));
}

/**
 * sb_bus_read_message_finish:
 * @self: a bus
 * @result: of sb_bus_read_message_async()
 * @error: SB_ERROR_NOT_FOUND: there is no such delivery, or its message has no body any more
 *
 * Returns: (transfer full) (nullable): the message
 */
SbMessage *
sb_bus_read_message_finish (SbBus *self, GAsyncResult *result, GError **error)
{
  const DeliveryCall *call = g_task_get_task_data (G_TASK (result));
  SbMessage *message = g_task_propagate_pointer (G_TASK (result), error);

  if (message != NULL)
    sb_audit (call->actor, message->sender, message->id, "read the message %s of %s", message->id,
              message->sender);
  return message;
}

/* Preview */

/**
 * sb_preview_free:
 * @self: (transfer full): a preview
 */
void
sb_preview_free (SbPreview *self)
{
  g_ptr_array_unref (self->ids);
  g_ptr_array_unref (self->unknown);
  g_free (self);
}

static int
compare_ids (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static void
add_ids (SbBus *self, SbPreview *preview, const SbRoute *route, guint limit)
{
  for (guint i = 0; i < MIN (route->targets->len, limit); i++)
    {
      const SbTarget *target = &g_array_index (route->targets, SbTarget, i);
      const SbUser *user = sb_directory_lookup_key (self->directory, target->recipient);

      g_ptr_array_add (preview->ids, g_strdup (user->id));
    }
  g_ptr_array_sort (preview->ids, compare_ids);
}

/**
 * sb_bus_preview:
 * @self: a bus
 * @sender: who would send
 * @to: addresses: a JSON string, or an array of them, that was checked before
 * @limit: ids at most
 * @error: SB_ERROR_INVALID, SB_ERROR_TOO_LARGE: what a message with these addresses would be told
 *
 * Finds out whom a message would go to. That it is nobody is no error here.
 *
 * Returns: (transfer full) (nullable): whom
 */
SbPreview *
sb_bus_preview (SbBus *self, const SbUser *sender, SbSlice to, guint limit, GError **error)
{
  g_autoptr (SbAddressList) list = sb_address_list_parse (to, error);
  g_autoptr (SbPreview) preview = NULL;
  g_autoptr (SbRoute) route = NULL;
  g_autoptr (GError) inner = NULL;

  if (list == NULL)
    return NULL;
  preview = g_new0 (SbPreview, 1);
  preview->ids = g_ptr_array_new_with_free_func (g_free);
  preview->unknown = g_ptr_array_new_with_free_func (g_free);
  route = sb_router_resolve (self->directory, sender, list, self->max_recipients, &inner);
  if (route == NULL && !g_error_matches (inner, SB_ERROR, SB_ERROR_NOT_FOUND))
    {
      g_propagate_error (error, g_steal_pointer (&inner));
      return NULL;
    }
  if (route == NULL)
    for (guint i = 0; i < list->length; i++)
      g_ptr_array_add (preview->unknown, sb_address_to_string (&list->items[i]));
  else
    {
      preview->n_recipients = route->targets->len;
      add_ids (self, preview, route, limit);
      if (route->unknown != NULL)
        g_ptr_array_extend_and_steal (preview->unknown, g_steal_pointer (&route->unknown));
    }
  return g_steal_pointer (&preview);
}

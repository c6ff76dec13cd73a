/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-pull: what a user can ask for: its next deliveries, confirmations by id,
 * the state of a message, the length of its queue.
 */

#include "sb-bus-private.h"

#include "sb-error.h"

/* Reading */

typedef struct
{
  gint64 user;
  SbBacklog waiting;
} BacklogCall;

static void
read_backlog (SbStore *store, GTask *task)
{
  BacklogCall *call = g_task_get_task_data (task);
  GError *error = NULL;

  if (sb_store_backlog (store, call->user, &call->waiting, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/**
 * sb_bus_backlog_async:
 * @self: a started bus
 * @user: a recipient
 * @callback: for sb_bus_backlog_finish()
 * @user_data: for @callback
 *
 * Asks how many deliveries wait for a user, those in flight among them.
 */
void
sb_bus_backlog_async (SbBus *self, SbUser *user, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  BacklogCall *call = g_new0 (BacklogCall, 1);

  call->user = user->key;
  g_task_set_task_data (task, call, g_free);
  sb_journal_read_async (self->journal, read_backlog, task);
}

/**
 * sb_bus_backlog_finish:
 * @self: a bus
 * @result: of sb_bus_backlog_async()
 * @count: (out): deliveries that have not ended
 * @error: the store's
 *
 * Returns: whether @count is set
 */
gboolean
sb_bus_backlog_finish (SbBus *self, GAsyncResult *result, guint64 *count, GError **error)
{
  *count = ((BacklogCall *) g_task_get_task_data (G_TASK (result)))->waiting.waiting;
  return g_task_propagate_boolean (G_TASK (result), error);
}

typedef struct
{
  SbUser *user; /* (owned) */
  char *id;     /* (owned) */
} StatusCall;

static void
status_call_free (StatusCall *self)
{
  sb_user_unref (self->user);
  g_free (self->id);
  g_free (self);
}

static void
read_status (SbStore *store, GTask *task)
{
  const StatusCall *call = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (SbMessageStatus) status = sb_store_status (store, call->id, &error);

  if (status == NULL)
    g_task_return_error (task, error);
  else if (!call->user->admin && status->sender_key != call->user->key)
    /* What it must not see does not exist for it. */
    g_task_return_new_error (task, SB_ERROR, SB_ERROR_NOT_FOUND,
                             "there is no message \"%s\" of yours", call->id);
  else
    g_task_return_pointer (task, g_steal_pointer (&status),
                           (GDestroyNotify) sb_message_status_free);
}

/**
 * sb_bus_status_async:
 * @self: a started bus
 * @user: who asks: the sender or an admin
 * @id: of a message
 * @callback: for sb_bus_status_finish()
 * @user_data: for @callback
 */
void
sb_bus_status_async (SbBus *self, SbUser *user, const char *id, GAsyncReadyCallback callback,
                     gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  StatusCall *call = g_new0 (StatusCall, 1);

  call->user = sb_user_ref (user);
  call->id = g_strdup (id);
  g_task_set_task_data (task, call, (GDestroyNotify) status_call_free);
  sb_journal_read_async (self->journal, read_status, task);
}

/* What is in flight is known here and not in the store. */
static void
add_flights (SbBus *self, SbMessageStatus *status)
{
  for (guint i = 0; i < status->deliveries->len; i++)
    {
      SbDeliveryStatus *delivery = g_ptr_array_index (status->deliveries, i);
      const SbUser *user = sb_directory_lookup (self->directory, delivery->recipient);
      SbQueue *queue = user != NULL ? g_hash_table_lookup (self->queues, &user->key) : NULL;

      guint attempts;

      if (queue == NULL
          || (delivery->state != SB_DELIVERY_PENDING && delivery->state != SB_DELIVERY_PARKED))
        continue;
      if (sb_queue_is_sent (queue, status->id, &delivery->attempts))
        delivery->state = SB_DELIVERY_SENT;
      else if (sb_queue_get_log (queue, status->id, &attempts) != NULL)
        delivery->attempts = MAX (delivery->attempts, attempts);
    }
}

/**
 * sb_bus_status_finish:
 * @self: a bus
 * @result: of sb_bus_status_async()
 * @error: SB_ERROR_NOT_FOUND, also for a message that is somebody else's
 *
 * Returns: (transfer full) (nullable): how the message stands
 */
SbMessageStatus *
sb_bus_status_finish (SbBus *self, GAsyncResult *result, GError **error)
{
  SbMessageStatus *status = g_task_propagate_pointer (G_TASK (result), error);

  if (status != NULL)
    add_flights (self, status);
  return status;
}

/* Pull */

typedef struct
{
  SbQueue *queue; /* (owned) (nullable) */
  guint fetch;
  gulong cancelled; /* handler */
  gboolean answered;
} FetchCall;

static void
fetch_call_free (FetchCall *self)
{
  g_clear_pointer (&self->queue, sb_queue_unref);
  g_free (self);
}

static void
end_fetch (GTask *task)
{
  FetchCall *call = g_task_get_task_data (task);

  if (call->cancelled != 0)
    g_signal_handler_disconnect (g_task_get_cancellable (task), call->cancelled);
  call->cancelled = 0;
  call->answered = TRUE;
  g_object_unref (task);
}

static void
fetched_cb (GPtrArray *messages, const GError *error, gpointer user_data)
{
  GTask *task = user_data;

  if (messages != NULL)
    g_task_return_pointer (task, g_ptr_array_ref (messages), (GDestroyNotify) g_ptr_array_unref);
  else
    g_task_return_error (task, g_error_copy (error));
  end_fetch (task);
}

static void
fetch_cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  GTask *task = user_data;
  FetchCall *call = g_task_get_task_data (task);

  sb_queue_cancel_fetch (call->queue, call->fetch);
  g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "the fetch was cancelled");
  end_fetch (task);
}

/**
 * sb_bus_fetch_async:
 * @self: a started bus
 * @user: a recipient
 * @limit: messages at most; no more than the window
 * @wait: how long to wait for the first one, microseconds
 * @visibility: how long the caller has to confirm them, microseconds; 0: `confirm-timeout`
 * @cancellable: (nullable): cancelled on the main context when the caller is gone
 * @callback: for sb_bus_fetch_finish()
 * @user_data: for @callback
 *
 * Gives the user's next deliveries to a caller that has no session.
 */
void
sb_bus_fetch_async (SbBus *self, SbUser *user, guint limit, gint64 wait, gint64 visibility,
                    GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  FetchCall *call = g_new0 (FetchCall, 1);
  GError *error = NULL;

  g_task_set_task_data (task, call, (GDestroyNotify) fetch_call_free);
  g_task_set_check_cancellable (task, FALSE);
  if (g_cancellable_set_error_if_cancelled (cancellable, &error)
      || !sb_bus_check_running (self, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  call->queue = sb_queue_ref (sb_bus_ensure_queue (self, user->key));
  if (visibility == 0)
    visibility = self->queue_settings.confirm_timeout;
  call->fetch = sb_queue_fetch (call->queue, MIN (limit, self->queue_settings.window), wait,
                                visibility, fetched_cb, g_object_ref (task));
  if (cancellable != NULL && !call->answered)
    call->cancelled = g_signal_connect (cancellable, "cancelled", G_CALLBACK (fetch_cancelled_cb),
                                        task);
}

/**
 * sb_bus_fetch_finish:
 * @self: a bus
 * @result: of sb_bus_fetch_async()
 * @error: the store's, SB_ERROR_CLOSED when the bus stops, or G_IO_ERROR_CANCELLED
 *
 * Returns: (transfer full) (nullable) (element-type SbMessage): the messages, none when there
 *   were none
 */
GPtrArray *
sb_bus_fetch_finish (SbBus *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* Confirming over HTTP */

typedef struct
{
  char **ids; /* (owned) */
  guint n_ids;
  SbOutcome *outcomes; /* (owned) n_ids of them */
  guint left;
  GError *error; /* (owned) (nullable) */
} ConfirmCall;

typedef struct
{
  GTask *task; /* (owned) */
  guint index;
} ConfirmOne;

static void
confirm_call_free (ConfirmCall *self)
{
  g_strfreev (self->ids);
  g_free (self->outcomes);
  g_clear_error (&self->error);
  g_free (self);
}

static void
confirmed_cb (SbOutcome outcome, const GError *error, gpointer user_data)
{
  ConfirmOne *one = user_data;
  g_autoptr (GTask) task = one->task;
  ConfirmCall *call = g_task_get_task_data (task);

  call->outcomes[one->index] = outcome;
  if (error != NULL && call->error == NULL)
    call->error = g_error_copy (error);
  g_free (one);
  if (--call->left > 0)
    return;
  if (call->error != NULL)
    g_task_return_error (task, g_steal_pointer (&call->error));
  else
    g_task_return_boolean (task, TRUE);
}

/**
 * sb_bus_confirm_async:
 * @self: a started bus
 * @user: a recipient
 * @ids: (array zero-terminated=1): of messages that it has
 * @callback: for sb_bus_confirm_finish(), after the commit
 * @user_data: for @callback
 */
void
sb_bus_confirm_async (SbBus *self, SbUser *user, const char *const *ids,
                      GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  g_autoptr (SbQueue) queue = NULL;
  ConfirmCall *call = g_new0 (ConfirmCall, 1);
  GError *error = NULL;

  call->ids = g_strdupv ((char **) ids);
  call->n_ids = call->left = g_strv_length (call->ids);
  call->outcomes = g_new0 (SbOutcome, call->n_ids);
  g_task_set_task_data (task, call, (GDestroyNotify) confirm_call_free);
  if (!sb_bus_check_running (self, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  if (call->n_ids == 0)
    g_task_return_boolean (task, TRUE);
  queue = sb_queue_ref (sb_bus_ensure_queue (self, user->key));
  for (guint i = 0; i < call->n_ids; i++)
    {
      ConfirmOne *one = g_new (ConfirmOne, 1);

      one->task = g_object_ref (task);
      one->index = i;
      sb_queue_confirm (queue, call->ids[i], confirmed_cb, one);
    }
}

/**
 * sb_bus_confirm_finish:
 * @self: a bus
 * @result: of sb_bus_confirm_async()
 * @confirmed: (out) (transfer full): ids whose deliveries are confirmed, now or before
 * @unknown: (out) (transfer full): the others
 * @error: the store's, or SB_ERROR_CLOSED when the bus stops; nothing is certain then
 *
 * Returns: whether the outcome is durable
 */
gboolean
sb_bus_confirm_finish (SbBus *self, GAsyncResult *result, char ***confirmed, char ***unknown,
                       GError **error)
{
  ConfirmCall *call = g_task_get_task_data (G_TASK (result));
  g_autoptr (GStrvBuilder) known = g_strv_builder_new ();
  g_autoptr (GStrvBuilder) others = g_strv_builder_new ();

  if (!g_task_propagate_boolean (G_TASK (result), error))
    return FALSE;
  for (guint i = 0; i < call->n_ids; i++)
    g_strv_builder_add (call->outcomes[i] == SB_OUTCOME_UNKNOWN ? others : known, call->ids[i]);
  *confirmed = g_strv_builder_end (known);
  *unknown = g_strv_builder_end (others);
  return TRUE;
}

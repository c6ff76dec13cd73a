/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-operator-own: what users who are no admins see of messages: those that are theirs. */

#include "sb-operator.h"

#include "sb-bus-private.h"
#include "sb-error.h"

typedef struct
{
  gint64 user;
  gint64 recipient;
  char *id; /* (owned) */
} OwnCall;

static void
own_call_free (OwnCall *self)
{
  g_free (self->id);
  g_free (self);
}

static const SbDeliveryStatus *
find_delivery (const SbMessageStatus *status, gint64 recipient)
{
  for (guint i = 0; i < status->deliveries->len; i++)
    {
      const SbDeliveryStatus *delivery = g_ptr_array_index (status->deliveries, i);

      if (delivery->recipient_key == recipient)
        return delivery;
    }
  return NULL;
}

/* The sender may see what it has sent, the recipient what it gets now: neither what is scheduled
 * for later nor what was taken from it. */
static gboolean
is_own (const OwnCall *call, const SbMessageStatus *status)
{
  const SbDeliveryStatus *delivery = find_delivery (status, call->recipient);

  if (delivery == NULL)
    return FALSE;
  return status->sender_key == call->user
         || (call->recipient == call->user && delivery->state != SB_DELIVERY_SCHEDULED
             && !sb_delivery_state_has_ended (delivery->state));
}

static void
read_own (SbStore *store, GTask *task)
{
  const OwnCall *call = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (SbMessageStatus) status = sb_store_status (store, call->id, &error);
  SbMessage *message = NULL;

  if (status != NULL && is_own (call, status))
    message = sb_store_message (store, call->id, &error);
  else if (status != NULL)
    g_set_error_literal (&error, SB_ERROR, SB_ERROR_NOT_FOUND, "there is no such delivery");
  if (message != NULL)
    g_task_return_pointer (task, message, (GDestroyNotify) sb_message_unref);
  else
    g_task_return_error (task, error);
}

/**
 * sb_bus_read_own_message_async:
 * @self: a started bus
 * @user: who wants to read it
 * @recipient: key of the recipient
 * @id: of the message
 * @callback: for sb_bus_read_own_message_finish()
 * @user_data: for @callback
 *
 * Reads the message of a delivery to @user, or of a message that @user has sent.
 */
void
sb_bus_read_own_message_async (SbBus *self, const SbUser *user, gint64 recipient, const char *id,
                               GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  OwnCall *call = g_new0 (OwnCall, 1);

  call->user = user->key;
  call->recipient = recipient;
  call->id = g_strdup (id);
  g_task_set_task_data (task, call, (GDestroyNotify) own_call_free);
  sb_journal_read_async (self->journal, read_own, task);
}

/**
 * sb_bus_read_own_message_finish:
 * @self: a bus
 * @result: of sb_bus_read_own_message_async()
 * @error: SB_ERROR_NOT_FOUND: there is no such delivery, it is nothing of the user's, or its
 *   message has no body any more
 *
 * Returns: (transfer full) (nullable): the message
 */
SbMessage *
sb_bus_read_own_message_finish (SbBus *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-receipts: the bus telling the sender about a confirmation, once.
 *
 * A sender that is there gets it after the commit. For one that is away it is
 * stored with that commit, and goes out a page at a time when it is back;
 * it is dropped from the store when it was written to the session.
 */

#include "sb-bus-private.h"

#include "sb-names.h"
#include "sb-operation.h"

/* Receipts that go out at a time to a sender that came back. */
#define RECEIPT_PAGE 100

/* Whether a confirmation has to store a receipt, since its sender cannot take one now. */
gboolean
sb_bus_wants_receipt (SbQueue *queue, gint64 sender_key, gpointer user_data)
{
  SbBus *self = user_data;
  SbSession *session = sb_bus_lookup_session (self, sender_key);

  if (session == NULL)
    return sb_directory_lookup_key (self->directory, sender_key) != NULL;
  return (session->flags & SB_SESSION_RECEIPTS) && !sb_session_is_ready (session);
}

static void
receipts_dropped_cb (SbOperation *operation, const GError *error, gpointer user_data)
{
  g_autoptr (SbSession) session = user_data;

  session->reading_receipts = FALSE;
  if (error == NULL && session->bus != NULL)
    sb_bus_send_receipts (session->bus, session);
}

static void
drop_receipts (SbBus *self, SbSession *session, gint64 up_to)
{
  SbOperation *operation = sb_operation_new (SB_OPERATION_DROP_RECEIPTS, receipts_dropped_cb,
                                             sb_session_ref (session));

  operation->drop_receipts.sender_key = session->user->key;
  operation->drop_receipts.up_to = up_to;
  sb_journal_submit (self->journal, operation);
}

static void
read_receipts (SbStore *store, GTask *task)
{
  const SbSession *session = g_task_get_task_data (task);
  GError *error = NULL;
  GPtrArray *receipts = sb_store_receipts (store, session->user->key, RECEIPT_PAGE, &error);

  if (receipts != NULL)
    g_task_return_pointer (task, receipts, (GDestroyNotify) g_ptr_array_unref);
  else
    g_task_return_error (task, error);
}

/* Returns the number of the last one that the path took, 0 when there is none. One that it
 * took before and that is still there, since dropping it failed, is not written again. */
static gint64
write_receipts (SbSession *session, GPtrArray *receipts)
{
  gint64 last = 0;

  for (guint i = 0; i < receipts->len && sb_session_is_ready (session); i++)
    {
      const SbStoredReceipt *receipt = g_ptr_array_index (receipts, i);

      last = receipt->number;
      if (last <= session->last_receipt)
        continue;
      session->last_receipt = last;
      sb_delivery_receipt (session->path, receipt->id, receipt->recipient);
    }
  return last;
}

static void
receipts_read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  SbSession *session = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) receipts = g_task_propagate_pointer (G_TASK (result), &error);
  gint64 last = 0;

  if (receipts == NULL)
    g_warning ("cannot read the receipts of %s: %s", session->user->id, error->message);
  if (receipts == NULL || receipts->len > 0)
    session->has_receipts = TRUE;
  if (receipts != NULL)
    last = write_receipts (session, receipts);
  if (last > 0 && session->bus != NULL && sb_journal_is_open (session->bus->journal))
    {
      drop_receipts (session->bus, session, last);
      return;
    }
  session->reading_receipts = FALSE;
  if (receipts != NULL && session->bus != NULL)
    sb_bus_send_receipts (session->bus, session);
}

/* Writes to a session what waits for it in the store, a page at a time. */
void
sb_bus_send_receipts (SbBus *self, SbSession *session)
{
  GTask *task;

  if (!session->has_receipts || session->reading_receipts || !(session->flags & SB_SESSION_RECEIPTS)
      || !sb_session_is_ready (session))
    return;
  session->reading_receipts = TRUE;
  /* Another one that is stored meanwhile sets it again. */
  session->has_receipts = FALSE;
  task = g_task_new (NULL, NULL, receipts_read_cb, NULL);
  g_task_set_task_data (task, sb_session_ref (session), (GDestroyNotify) sb_session_unref);
  sb_journal_read_async (self->journal, read_receipts, task);
}

static void
store_receipt (SbBus *self, gint64 sender_key, gint64 recipient, const char *id)
{
  SbOperation *operation = sb_operation_new (SB_OPERATION_ADD_RECEIPT, NULL, NULL);

  operation->add_receipt.sender_key = sender_key;
  operation->add_receipt.recipient = recipient;
  operation->add_receipt.id = g_strdup (id);
  operation->add_receipt.now = sb_clock_wall (self->clock);
  sb_journal_submit (self->journal, operation);
}

/* Tells the sender of a confirmation that was committed. */
void
sb_bus_give_receipt (SbBus *self, gint64 recipient, const SbOperation *operation, const char *id)
{
  gint64 sender_key = operation->end.sender_key;
  SbSession *session = sb_bus_lookup_session (self, sender_key);
  const SbUser *user = sb_directory_lookup_key (self->directory, recipient);

  if (operation->end.store_receipt)
    {
      if (session != NULL)
        {
          session->has_receipts = TRUE;
          sb_bus_send_receipts (self, session);
        }
      return;
    }
  if (session != NULL && !(session->flags & SB_SESSION_RECEIPTS))
    return;
  if (session != NULL && user != NULL && sb_session_is_ready (session))
    {
      sb_delivery_receipt (session->path, id, user->id);
      sb_counter_add (self->receipts, 1);
      return;
    }
  if (sb_directory_lookup_key (self->directory, sender_key) == NULL)
    return;
  store_receipt (self, sender_key, recipient, id);
  if (session != NULL)
    session->has_receipts = TRUE;
}
